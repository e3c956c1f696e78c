"""What makes other schedulers run a drill: units, lines, templates and jobs, as text.

drskit is no scheduler. Each of these calls `drskit drill`, or the notebook, with
the slot that it is for, so that a run which comes twice finds one execution.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from drskit.calendars import aws_cron, croniter, on_calendar
from drskit.cron import Cron
from drskit.errors import InvalidInput

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""What EventBridge Scheduler puts the scheduled time in the place of."""
LONGEST_NAME = 64


class Kind(StrEnum):
    """The schedulers that drskit writes for."""

    SYSTEMD = "systemd"
    CRONTAB = "crontab"
    EVENTBRIDGE = "eventbridge"
    JUPYTER = "jupyter-scheduler"


@dataclass(frozen=True)
class Job:
    """A drill that is to be scheduled."""

    plan_id: str
    runbook: Path
    given: str
    """The runbook as it was named: on another machine it lies elsewhere."""
    cron: Cron
    program: Path
    folder: Path
    """The working folder, where `drskit.toml` and the runs are."""
    runs: Path
    flags: tuple[str, ...] = ()
    """What stands before the command: Region, profile, tables."""
    simulate: bool = False
    approve_all: bool = False
    output: str | None = None
    """Where the run goes; a place in S3 gets a copy."""
    notebook: str = "notebooks/03-run-a-drill.ipynb"
    """Where Jupyter finds the notebook, from its root folder."""
    environment: str = "python3"
    """What Jupyter Scheduler calls the environment that runs it."""

    @property
    def name(self) -> str:
        """What the schedule is called."""
        return f"drskit-{self.plan_id}"

    def command(self, program: str, runbook: str, slot: str) -> tuple[str, ...]:
        """The words that run the drill for a slot."""
        mode = ("--simulate", *(("--approve-all",) if self.approve_all else ())) if self.simulate else ("--yes",)
        output = ("--output", self.output) if self.output else ()
        return (program, *self.flags, "drill", runbook, *mode, "--slot", slot, *output)


def schedule_files(kind: Kind, job: Job) -> Mapping[str, str]:
    """The texts that the scheduler takes, by the name of the file that each belongs into.

    Raises:
        InvalidInput: the scheduler cannot express it.
    """
    match kind:
        case Kind.SYSTEMD:
            return {f"{job.name}.service": _service(job), f"{job.name}.timer": _timer(job)}
        case Kind.CRONTAB:
            return {f"{job.name}.crontab": _crontab(job)}
        case Kind.EVENTBRIDGE:
            return {f"{job.name}.template.json": _pretty(_template(job))}
        case Kind.JUPYTER:
            return {f"{job.name}.job.json": _pretty(_definition(job))}


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


# --- systemd ---------------------------------------------------------------------------------------------------------


def _service(job: Job) -> str:
    program, *words = job.command(str(job.program), str(job.runbook), job.cron.whole)
    if not program.isprintable() or set(program) & set("\"'\\"):
        raise InvalidInput(f"A unit of systemd cannot run {program!r}. Install drskit in a folder of another name.")
    command = " ".join([_unit_word(f":{program}"), *map(_unit_word, words)])  # a colon: no variable is filled in
    return f"""[Unit]
Description=drskit drill of plan {job.plan_id}
StartLimitIntervalSec=6h
StartLimitBurst=20

[Service]
Type=oneshot
WorkingDirectory={_unit_path(job.folder)}
ExecStart={command}
# A drill stops cleanly on SIGTERM and takes its kernel along.
KillMode=mixed
TimeoutStopSec=60
# 1 is an answer (it failed, or waits for a person), 2 a mistake; all else is tried again, and finds the same execution.
Restart=on-failure
RestartPreventExitStatus=1 2
RestartSec=60
"""


def _timer(job: Job) -> str:
    calendar = "".join(f"OnCalendar={line}\n" for line in on_calendar(job.cron))
    return f"""[Unit]
Description=drskit drill of plan {job.plan_id}, {job.cron.whole}

[Timer]
{calendar}AccuracySec=1s
# A time that passed while the machine was off is made up for; the drill names the slot that was due.
Persistent=true

[Install]
WantedBy=timers.target
"""


def _unit_word(word: str) -> str:
    """A word of a command in a unit."""
    quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted) + '"'


def _escaped(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode())


def _unit_path(path: Path) -> str:
    """A path in a unit, which takes it as it is to the end of its line.

    Raises:
        InvalidInput: it cannot be written there.
    """
    text = str(path)
    if not text.isprintable() or text.endswith((" ", "\\")):
        raise InvalidInput(f"A unit of systemd cannot name the folder {text!r}. Run drskit in another one.")
    return text.replace("%", "%%")


# --- cron ------------------------------------------------------------------------------------------------------------


def _crontab(job: Job) -> str:
    if job.cron.zone_name is not None:
        raise InvalidInput(
            f"cron knows the time zone of its machine only, and {job.cron.zone_name} may be another. Leave the zone "
            "out, or choose systemd."
        )
    words = shlex.join(job.command(str(job.program), str(job.runbook), job.cron.whole))
    command = f"cd {shlex.quote(str(job.folder))} && {words}"
    if not command.isprintable():
        raise InvalidInput(f"A line of a crontab cannot hold {command!r}. Rename what has such characters.")
    return f"{job.cron.text} {command.replace('%', chr(92) + '%')}\n"


# --- EventBridge Scheduler -------------------------------------------------------------------------------------------


def _template(job: Job) -> dict[str, Any]:
    """CloudFormation: a schedule that runs a task of ECS, and the role that lets it."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Runs the drskit drill of plan {job.plan_id} as a task of ECS",
        "Parameters": {
            "Cluster": {"Type": "String", "Description": "The ARN of the ECS cluster"},
            "TaskDefinition": {"Type": "String", "Description": "The ARN of a task definition with drskit[kit] in it"},
            "Container": {"Type": "String", "Default": "drskit", "Description": "The container's name in it"},
            "TaskRoles": {"Type": "CommaDelimitedList", "Description": "The ARNs of its task role and execution role"},
            "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
            "SecurityGroups": {"Type": "List<AWS::EC2::SecurityGroup::Id>"},
        },
        "Resources": {"Role": _role(), "Schedule": _schedule(job)},
    }


def _schedule(job: Job) -> dict[str, Any]:
    if len(job.name) > LONGEST_NAME:
        raise InvalidInput(
            f"EventBridge takes names of {LONGEST_NAME} characters, and {job.name} has {len(job.name)}. Shorten the "
            "plan's name, or choose another scheduler."
        )
    command = json.dumps(job.command("drskit", job.given, SCHEDULED_TIME)).replace("${", "${!")
    overrides = '{"containerOverrides": [{"name": "${Container}", "command": ' + command + "}]}"
    network = {"Subnets": {"Ref": "Subnets"}, "SecurityGroups": {"Ref": "SecurityGroups"}, "AssignPublicIp": "DISABLED"}
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": job.name,
            "Description": f"drskit drill of plan {job.plan_id}",
            "ScheduleExpression": aws_cron(job.cron),
            "ScheduleExpressionTimezone": job.cron.zone_name or "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": {"Ref": "Cluster"},
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "Input": {"Fn::Sub": overrides},
                "EcsParameters": {
                    "TaskDefinitionArn": {"Ref": "TaskDefinition"},
                    "TaskCount": 1,
                    "LaunchType": "FARGATE",
                    "NetworkConfiguration": {"AwsvpcConfiguration": network},
                },
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
            },
        },
    }


def _role() -> dict[str, Any]:
    """What the schedule may do: run this task, and hand it its roles."""
    run = {
        "Effect": "Allow", "Action": "ecs:RunTask", "Resource": {"Ref": "TaskDefinition"},
        "Condition": {"ArnEquals": {"ecs:cluster": {"Ref": "Cluster"}}},
    }  # fmt: skip
    hand_on = {
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": {"Ref": "TaskRoles"},
        "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    }  # fmt: skip
    trust = {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }  # fmt: skip
    policy = {
        "PolicyName": "run-the-drill",
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [run, hand_on]},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [policy],
        },
    }


# --- Jupyter Scheduler -----------------------------------------------------------------------------------------------


def _definition(job: Job) -> dict[str, Any]:
    """What is posted to `/scheduler/job_definitions`; values of parameters are expressions of Python there."""
    if job.output and "://" in job.output:
        raise InvalidInput(f"The notebook's runs go to a folder, not to {job.output}. Leave --output out, or name one.")
    values = {
        "runbook": str(job.runbook),
        "simulate": job.simulate,
        "approvals": "all" if job.approve_all else "ask",
        "confirmed": not job.simulate,
        "slot": job.cron.whole,
        "output_dir": str(job.folder / job.output if job.output else job.runs),
    }
    return {
        "name": job.name,
        "input_uri": job.notebook,
        "runtime_environment_name": job.environment,
        "output_formats": ["ipynb", "html"],
        "parameters": {name: repr(value) for name, value in values.items()},
        "schedule": croniter(job.cron),
        "timezone": job.cron.zone_name or "UTC",
    }
