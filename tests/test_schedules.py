"""What is written for other schedulers is read by them as it was meant, hostile paths included."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from crontab import CronTab
from moto import mock_aws

from drskit.cron import parse_cron
from drskit.errors import InvalidInput
from drskit.schedules import Job, Kind, schedule_files
from tests.cli.shell import BIN

HOSTILE = "a b'c\"d%e%%f$HOME${Container}`id`\\g;&|<x>#~*ü/shop.yaml"
UNPRINTABLE = "line\nbreak\x1b[31m\u202e.yaml"
SYSTEMD = Path("/lib/systemd/systemd")
NOBODY = 65534


def job(cron: str = "0 3 * * 1", zone: str | None = "UTC", **changes: Any) -> Job:
    """A drill of the shop."""
    shop = Job(
        plan_id="shop", runbook=Path("/srv/dr/shop.yaml"), given="runbooks/shop.yaml",
        cron=parse_cron(cron, zone_name=zone), program=Path("/opt/dr/bin/drskit"), folder=Path("/srv/dr"),
        runs=Path("/srv/dr/runs"),
    )  # fmt: skip
    return replace(shop, **changes)


def only(kind: Kind, wanted: Job) -> str:
    """The one text for a scheduler."""
    (text,) = schedule_files(kind, wanted).values()
    return text


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_schedule_drills_in_aws_unless_it_is_told_to_simulate():
    """The flags before the command, the yes, and the place of the runs go along."""
    flags = ("--region", "us-west-2")
    real = job(flags=flags, output="s3://drills/nightly").command("drskit", "shop.yaml", "S")
    words = "drskit --region us-west-2 drill shop.yaml --yes --slot S --output s3://drills/nightly"
    assert words.split() == list(real)
    simulated = job(simulate=True, approve_all=True).command("drskit", "shop.yaml", "S")
    assert ["drskit", "drill", "shop.yaml", "--simulate", "--approve-all", "--slot", "S"] == list(simulated)
    assert "--approve-all" not in job(simulate=True).command("drskit", "shop.yaml", "S")


# --- systemd ---------------------------------------------------------------------------------------------------------


def test_a_timer_fires_by_the_expression_and_makes_up_for_what_passed():
    """Two lines where a day can fit in two ways; the zone stands in the line and in the slot."""
    files = schedule_files(Kind.SYSTEMD, job("0 3 1 * 1", "Europe/Zurich"))
    assert ["drskit-shop.service", "drskit-shop.timer"] == list(files)
    timer = files["drskit-shop.timer"]
    lines = ["Mon *-*-* 03:00:00 Europe/Zurich", "*-*-01 03:00:00 Europe/Zurich"]
    assert lines == re.findall(r"^OnCalendar=(.*)$", timer, re.MULTILINE)
    assert "Persistent=true" in timer
    assert '"--slot" "CRON_TZ=Europe/Zurich 0 3 1 * 1"' in files["drskit-shop.service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd on this machine to ask")
@pytest.mark.parametrize("name", ["drskit", "a b%c%%d$HOME${x}`id`;&|<x>#~*ü"])
def test_systemd_verifies_the_units(tmp_path, name):
    """Without a word; and it says which program is missing."""
    program = tmp_path / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    paths = write(schedule_files(Kind.SYSTEMD, job(program=program, folder=tmp_path)), tmp_path / "units")
    verified = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert (0, "", "") == (verified.returncode, verified.stdout, verified.stderr)
    program.unlink()
    verified = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert "is not executable" in verified.stderr


def write(files: Any, folder: Path) -> list[Path]:
    """Put the texts into a folder."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


@pytest.mark.skipif(not SYSTEMD.exists(), reason="there is no systemd on this machine to ask")
def test_systemd_reads_the_words_of_the_command_as_they_were_meant(tmp_path):
    """Percent signs, quotes, dollars, backslashes and semicolons: nothing is filled in, nothing is split."""
    (tmp_path / "runtime").mkdir(mode=0o777)
    (tmp_path / "runtime").chmod(0o777)
    for folder in (tmp_path, *tmp_path.parents[:4]):  # root may not test, so somebody else does
        if folder.owner() == tmp_path.owner() and folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(0o755)
    wanted = job(runbook=Path("/srv") / HOSTILE, folder=Path("/srv/50% $HOME 'x' \"y\""))
    write(schedule_files(Kind.SYSTEMD, wanted), tmp_path / "units")
    told = {"HOME": "/tmp", "XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "SYSTEMD_UNIT_PATH": f"{tmp_path}/units:"}
    words = [SYSTEMD, "--test", "--user", "--unit=drskit-shop.service"]
    become = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
    shown = subprocess.run([*become, *words], capture_output=True, text=True, check=False, env=told, cwd="/").stdout
    unit = shown.partition("-> Unit drskit-shop.service:")[2].partition("-> Unit ")[0]
    (command,) = re.findall(r"Command Line: (.*)", unit)
    told_words = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
    )
    meant = wanted.command(str(wanted.program), str(wanted.runbook), wanted.cron.whole)
    assert list(meant) == told_words.stdout.split("\0")[:-1]
    assert [str(wanted.folder)] == re.findall(r"WorkingDirectory: (.*)", unit)


def test_what_cannot_be_seen_is_spelt_out_in_a_unit():
    """So that no path breaks a line, or turns it round."""
    text = schedule_files(Kind.SYSTEMD, job(runbook=Path("/srv") / UNPRINTABLE))["drskit-shop.service"]
    assert '"/srv/line\\x0abreak\\x1b[31m\\xe2\\x80\\xae.yaml"' in text
    for program in ("/opt/it's/drskit", '/opt/"/drskit', "/opt/\\/drskit", "/opt/\n/drskit"):
        with pytest.raises(InvalidInput, match="A unit of systemd cannot run"):
            schedule_files(Kind.SYSTEMD, job(program=Path(program)))
    for folder in ("/srv/a\nb", "/srv/a ", "/srv/a\\"):
        with pytest.raises(InvalidInput, match="A unit of systemd cannot name the folder"):
            schedule_files(Kind.SYSTEMD, job(folder=Path(folder)))


# --- cron ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop.yaml", HOSTILE])
def test_a_crontab_line_is_read_as_it_was_meant(tmp_path, name):
    """By a library; and a shell gets the words that were meant, with the percent signs that cron gives back."""
    program = tmp_path / "bin" / "dr'skit"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\0" "$PWD" "$@" > words\n')
    program.chmod(0o755)
    folder = tmp_path / "50% 'of' it"
    folder.mkdir()
    wanted = job("30 3 * * MON", None, program=program, folder=folder, runbook=Path("/srv") / name)
    text = only(Kind.CRONTAB, wanted)
    (line,) = CronTab(tab=text)
    assert (True, "30 3 * * 1") == (line.is_valid(), str(line.slices))
    assert 1 == text.count("\n")
    subprocess.run(
        ["/bin/sh", "-c", re.sub(r"\\%", "%", text.split(" ", 5)[5])], check=True, cwd="/", env={"PATH": "/bin"}
    )
    _, *words = wanted.command(str(program), str(wanted.runbook), "30 3 * * 1")
    assert [str(folder), *words] == (folder / "words").read_text(encoding="utf-8").split("\0")[:-1]


def test_what_a_crontab_cannot_say_is_refused():
    """Another zone than the machine's, and a path that breaks its line."""
    with pytest.raises(InvalidInput, match="cron knows the time zone of its machine only"):
        schedule_files(Kind.CRONTAB, job(zone="Europe/Zurich"))
    with pytest.raises(InvalidInput, match="A line of a crontab cannot hold"):
        schedule_files(Kind.CRONTAB, job(zone=None, runbook=Path("/srv") / UNPRINTABLE))


# --- EventBridge Scheduler -------------------------------------------------------------------------------------------

GIVEN = {
    "Cluster": "arn:aws:ecs:us-west-2:123456789012:cluster/dr",
    "TaskDefinition": "arn:aws:ecs:us-west-2:123456789012:task-definition/drskit:1",
    "Container": "drskit",
    "Subnets": ["subnet-0aa0aa0aa0aa0aa0a"],
    "SecurityGroups": ["sg-0bb0bb0bb0bb0bb0b"],
    "TaskRoles": ["arn:aws:iam::123456789012:role/drskit-task"],
    "AWS::AccountId": "123456789012",
}


def resolved(value: Any) -> Any:
    """A part of a template as CloudFormation hands it to the service."""
    if isinstance(value, list):
        return [resolved(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return GIVEN[value["Ref"]]
    if "Fn::GetAtt" in value:
        return "arn:aws:iam::123456789012:role/scheduler"
    if "Fn::Sub" in value:
        text = re.sub(r"\$\{([^!}]+)\}", lambda match: GIVEN[match[1]], value["Fn::Sub"])
        return text.replace("${!", "${")
    return {key: resolved(one) for key, one in value.items()}


@pytest.mark.parametrize("given", ["runbooks/shop.yaml", HOSTILE, UNPRINTABLE])
def test_eventbridge_accepts_the_schedule(given):
    """Its API takes every property; the task gets the words that were meant, and its scheduled time as the slot."""
    template = json.loads(only(Kind.EVENTBRIDGE, job("0 3 * * 1", "Europe/Zurich", given=given)))
    properties = resolved(template["Resources"]["Schedule"]["Properties"])
    network = properties["Target"]["EcsParameters"]["NetworkConfiguration"]
    network["awsvpcConfiguration"] = network.pop("AwsvpcConfiguration")  # the API's spelling of the same
    with mock_aws():
        client = boto3.client("scheduler", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_schedule(**properties)
        found = client.get_schedule(Name="drskit-shop")
    assert ("cron(0 3 ? * MON *)", "Europe/Zurich") == (
        found["ScheduleExpression"],
        found["ScheduleExpressionTimezone"],
    )
    (override,) = json.loads(found["Target"]["Input"])["containerOverrides"]
    words = ["drskit", "drill", given, "--yes", "--slot", "<aws.scheduler.scheduled-time>"]
    assert ("drskit", words) == (override["name"], override["command"])


def test_a_name_that_eventbridge_does_not_take_is_refused():
    """Before CloudFormation does."""
    assert only(Kind.EVENTBRIDGE, job(plan_id="p" * 57))
    with pytest.raises(InvalidInput, match=r"takes names of 64 characters, and drskit-p+ has 65"):
        only(Kind.EVENTBRIDGE, job(plan_id="p" * 58))


@pytest.mark.slow
def test_the_template_is_sound(tmp_path):
    """cfn-lint knows every type, property and function of it."""
    path = tmp_path / "template.json"
    path.write_text(only(Kind.EVENTBRIDGE, job()))
    program = Path(shutil.which("cfn-lint", path=str(BIN)) or "")
    linted = subprocess.run([program, "-r", "us-west-2", "--", path], capture_output=True, text=True, check=False)
    assert (0, "") == (linted.returncode, linted.stdout)


# --- Jupyter Scheduler -----------------------------------------------------------------------------------------------


def test_a_job_of_jupyter_scheduler_has_expressions_for_parameters():
    """Which are injected as they stand; that its REST interface takes it, tests/runners show."""
    wanted = job("0 3 * * 1", "Europe/Zurich", runbook=Path("/srv") / HOSTILE)
    found = json.loads(only(Kind.JUPYTER, wanted))
    assert ("0 3 * * 1", "Europe/Zurich", "drskit-shop") == (found["schedule"], found["timezone"], found["name"])
    values = {name: eval(text, {"__builtins__": {}}) for name, text in found["parameters"].items()}
    assert {
        "runbook": str(wanted.runbook),
        "simulate": False,
        "approvals": "ask",
        "confirmed": True,
        "slot": "CRON_TZ=Europe/Zurich 0 3 * * 1",
        "output_dir": "/srv/dr/runs",
    } == values
    found = json.loads(only(Kind.JUPYTER, job(output="kept")))  # a job runs in a folder of its own
    assert "'/srv/dr/kept'" == found["parameters"]["output_dir"]
    with pytest.raises(InvalidInput, match="go to a folder, not to s3://drills"):
        schedule_files(Kind.JUPYTER, job(output="s3://drills"))
