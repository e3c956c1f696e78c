"""Run Command of Systems Manager: commands that take their time, and end as the world file says.

No document is run. When a command is sent, the answer of each of its instances
is chosen, and everything that is shown later follows from it and from the
instant of the look. The post-launch actions that DRS runs are commands here,
too, under the ids of their runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from drskit.sim.actions import ActionRun
from drskit.sim.answers import CommandAnswer
from drskit.sim.estate import Estate
from drskit.sim.faults import Reply
from drskit.sim.questions import Question
from drskit.sim.records import Instance
from drskit.sim.refusals import Refusal
from drskit.sim.shell import probe_answer
from drskit.sim.spec import span
from drskit.sim.standin import json_reply, members_of, page, refused

KEPT = timedelta(days=30)
"""Systems Manager forgets a command after this."""
DELIVERY = timedelta(seconds=1)
"""How long an agent takes until it begins with a command."""
DELIVERY_TIMEOUT = 3600
EXECUTION_TIMEOUT = 3600
"""In seconds, where a request names none."""
STDOUT, STDERR, PLUGIN_OUTPUT = 24_000, 8_000, 2_500
"""How many characters GetCommandInvocation and ListCommandInvocations give of an output."""
MOST_INSTANCES = 50
PLUGIN = "aws:runShellScript"
ENDED = frozenset({"Success", "Cancelled", "Failed", "TimedOut"})
AGENT = "3.3.3050.0"


@dataclass(frozen=True)
class Invocation:
    """A command on one instance, whose end is settled."""

    instance_id: str
    begins_at: datetime | None
    """None where it is never delivered."""
    ends_at: datetime
    status: str
    """At its end."""
    details: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    cancelled_at: datetime | None = None

    def at(self, now: datetime) -> tuple[str, str]:
        """Its Status and StatusDetails."""
        if self.cancelled_at is not None and self.cancelled_at <= now and self.cancelled_at < self.ends_at:
            return "Cancelled", "Cancelled"
        if now >= self.ends_at:
            return self.status, self.details
        running = self.begins_at is not None and self.begins_at <= now
        return ("InProgress", "InProgress") if running else ("Pending", "Pending")


@dataclass(frozen=True)
class SentCommand:
    """A command as it was sent."""

    id: str
    document: str
    sent_at: datetime
    invocations: tuple[Invocation, ...]
    comment: str = ""
    parameters: dict[str, list[str]] | None = None
    timeout: int = DELIVERY_TIMEOUT

    def at(self, now: datetime) -> str:
        """Its Status, from those of its invocations."""
        statuses = [one.at(now)[0] for one in self.invocations]
        if all(status in ENDED for status in statuses):
            return next((word for word in ("Failed", "TimedOut", "Cancelled") if word in statuses), "Success")
        return "Pending" if set(statuses) == {"Pending"} else "InProgress"


class RunCommand:
    """The commands of one Region."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._world = estate.world
        self._sent: list[SentCommand] = []
        self._handlers: dict[str, Callable[[dict[str, Any], datetime], dict[str, Any]]] = {
            "SendCommand": self._send,
            "ListCommands": self._listed,
            "ListCommandInvocations": self._invocations,
            "GetCommandInvocation": self._invocation,
            "CancelCommand": self._cancel,
            "DescribeInstanceInformation": self._information,
        }

    @property
    def operations(self) -> frozenset[str]:
        """What it answers for."""
        return frozenset(self._handlers)

    def answer(self, question: Question, now: datetime) -> Reply:
        """The reply to a request."""
        try:
            members = members_of(question.body)
            return json_reply(self._handlers[question.operation](members, now))
        except Refusal as refusal:
            return refused(refusal)

    # --- sending -----------------------------------------------------------------------------------------------------

    def _send(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        instances = _named(members)
        online = dict(self._managed(now))
        if not instances or any(instance_id not in online for instance_id in instances):
            message = "Instances not in a valid state for account" if instances else "No instances were named"
            raise Refusal("InvalidInstanceId", 400, message)
        document = str(members.get("DocumentName", ""))
        parameters = {name: [str(one) for one in values] for name, values in members.get("Parameters", {}).items()}
        command = SentCommand(
            self._world.ids.uuid("command", len(self._sent)),
            document,
            now,
            tuple(self._planned(name, online[name], document, parameters, members, now) for name in instances),
            str(members.get("Comment", "")),
            parameters,
            int(members.get("TimeoutSeconds") or DELIVERY_TIMEOUT),
        )
        self._sent.append(command)
        return {"Command": self._shown(command, now)}

    def _planned(
        self,
        instance_id: str,
        launched_at: datetime,
        document: str,
        parameters: dict[str, list[str]],
        members: dict[str, Any],
        now: datetime,
    ) -> Invocation:
        answer = self._answer_of(instance_id, launched_at, document, parameters, now)
        if answer.undelivered:
            ends_at = now + timedelta(seconds=int(members.get("TimeoutSeconds") or DELIVERY_TIMEOUT))
            return Invocation(instance_id, None, ends_at, "TimedOut", "DeliveryTimedOut", -1)
        begins_at, allowed = now + DELIVERY, _execution_timeout(parameters)
        if answer.takes > allowed:
            ends_at = begins_at + timedelta(seconds=allowed)
            return Invocation(instance_id, begins_at, ends_at, "TimedOut", "ExecutionTimedOut", -1, answer.stdout)
        word = "Failed" if answer.exit_code else "Success"
        ends_at = begins_at + span(answer.takes)
        output = answer.stdout, answer.stderr
        return Invocation(instance_id, begins_at, ends_at, word, word, answer.exit_code, *output)

    def _answer_of(
        self, instance_id: str, launched_at: datetime, document: str, parameters: dict[str, list[str]], now: datetime
    ) -> CommandAnswer:
        """The first answer that fits; the server's own come before the world's."""
        age, text = (now - launched_at).total_seconds(), "\n".join(one for many in parameters.values() for one in many)
        instance = self._world.instances.get(instance_id)
        own = self._world.any_server(instance.server_id).spec.answers.commands if instance else ()
        for answer in (*own, *self._world.spec.answers.commands):
            fits = answer.document in {None, document} and (answer.contains or "") in text
            if fits and answer.holds(age):
                return answer
        return probe_answer(self._estate, text, now) or CommandAnswer()

    def _managed(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """The instances that run and whose agent was seen, each with its launch."""
        for instance in self._world.instances.values():
            if instance.state == "running" and instance.exists(now) and self._seen_at(instance) <= now:
                yield instance.id, instance.launched_at
        yield from self._estate.strangers()

    def _seen_at(self, instance: Instance) -> datetime:
        spec = self._world.any_server(instance.server_id).spec
        never = datetime.max.replace(tzinfo=instance.launched_at.tzinfo)
        return instance.launched_at + span(spec.post_launch.agent_after) if spec.answers.agent else never

    # --- asking ------------------------------------------------------------------------------------------------------

    def _known(self, now: datetime) -> list[SentCommand]:
        """What is shown, newest first."""
        delay = span(self._world.spec.behaviour.command_delay)
        own = [one for one in self._sent if one.sent_at + delay <= now < one.sent_at + KEPT]
        return sorted((*own, *self._of_actions(now)), key=lambda one: (one.sent_at, one.id), reverse=True)

    def _of_actions(self, now: datetime) -> Iterator[SentCommand]:
        """The post-launch actions that DRS runs as commands, once they have begun."""
        for instance in self._world.instances.values():
            job = self._world.jobs.get(instance.job_id)
            plan = job.timeline.actions.get(instance.server_id) if job else None
            for run in plan.runs if plan else ():
                if run.begins_at <= now < run.ends_at + KEPT and run.action.kind == "SSM_COMMAND":
                    yield _action_command(instance.id, run)

    def _matching(self, members: dict[str, Any], now: datetime) -> list[SentCommand]:
        wanted, instance = members.get("CommandId"), members.get("InstanceId")
        found = [one for one in self._known(now) if wanted in {None, one.id}]
        if wanted and not found:
            raise Refusal("InvalidCommandId", 400, "")
        if instance:
            found = [one for one in found if any(part.instance_id == instance for part in one.invocations)]
        for condition in members.get("Filters", ()):
            found = [one for one in found if _passes(one, str(condition["key"]), str(condition["value"]), now)]
        return found

    def _listed(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        some, rest = page(self._matching(members, now), members)
        return {"Commands": [self._shown(one, now) for one in some]} | rest

    def _invocations(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        instance = members.get("InstanceId")
        pairs = [
            (command, part)
            for command in self._matching(members, now)
            for part in command.invocations
            if instance in {None, part.instance_id}
        ]
        some, rest = page(pairs, members)
        detailed = members.get("Details") is True
        return {
            "CommandInvocations": [_invoked(command, part, now, detailed=detailed) for command, part in some]
        } | rest

    def _invocation(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        command = next((one for one in self._known(now) if one.id == members.get("CommandId")), None)
        parts = command.invocations if command else ()
        part = next((one for one in parts if one.instance_id == members.get("InstanceId")), None)
        if command is None or part is None:
            raise Refusal("InvocationDoesNotExist", 400, "")
        status, details = part.at(now)
        ended = status in ENDED
        return _head(command) | {
            "InstanceId": part.instance_id,
            "PluginName": PLUGIN,
            "ResponseCode": part.exit_code if ended else -1,
            "Status": status,
            "StatusDetails": details,
            "StandardOutputContent": part.stdout[:STDOUT] if ended else "",
            "StandardErrorContent": part.stderr[:STDERR] if ended else "",
            "ExecutionStartDateTime": _iso(part.begins_at) if status != "Pending" else "",
            "ExecutionEndDateTime": _iso(part.ends_at) if ended else "",
        }

    def _cancel(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        wanted, some = members.get("CommandId"), set(members.get("InstanceIds") or ())
        place = next((at for at, one in enumerate(self._sent) if one.id == wanted), None)
        if place is None:
            raise Refusal("InvalidCommandId", 400, "")
        command = self._sent[place]
        parts = tuple(
            replace(part, cancelled_at=now)
            if part.cancelled_at is None and (not some or part.instance_id in some)
            else part
            for part in command.invocations
        )
        self._sent[place] = replace(command, invocations=parts)
        return {}

    def _information(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        wanted: set[str] | None = None
        for condition in (*members.get("Filters", ()), *members.get("InstanceInformationFilterList", ())):
            key, values = condition.get("Key") or condition.get("key"), condition.get("Values") or condition["valueSet"]
            if key == "PingStatus":
                wanted = wanted if "Online" in values else set()
            elif key != "InstanceIds":
                raise Refusal("InvalidFilterKey", 400, f"drskit's simulator does not filter by {key}")
            else:
                wanted = set(values) if wanted is None else wanted & set(values)
        found = [pair for pair in sorted(self._managed(now)) if wanted is None or pair[0] in wanted]
        some, rest = page(found, members)
        return {
            "InstanceInformationList": [
                self._informed(instance_id, launched_at, now) for instance_id, launched_at in some
            ]
        } | rest

    def _informed(self, instance_id: str, launched_at: datetime, now: datetime) -> dict[str, Any]:
        instance = self._world.instances.get(instance_id)
        spec = self._world.any_server(instance.server_id).spec if instance else None
        return {
            "InstanceId": instance_id,
            "PingStatus": "Online",
            "LastPingDateTime": now.timestamp(),
            "AgentVersion": AGENT,
            "PlatformType": "Windows" if spec and spec.os == "windows" else "Linux",
            "ResourceType": "EC2Instance",
            "RegistrationDate": launched_at.timestamp(),
            "ComputerName": (spec.hostname if spec else None) or instance_id,
        }

    def _shown(self, command: SentCommand, now: datetime) -> dict[str, Any]:
        statuses = [part.at(now)[0] for part in command.invocations]
        timed_out = [part.at(now)[1] for part in command.invocations].count("DeliveryTimedOut")
        return _head(command) | {
            "ExpiresAfter": (command.sent_at + timedelta(seconds=command.timeout)).timestamp(),
            "Parameters": command.parameters or {},
            "InstanceIds": [part.instance_id for part in command.invocations],
            "Targets": [],
            "RequestedDateTime": command.sent_at.timestamp(),
            "Status": command.at(now),
            "StatusDetails": command.at(now),
            "TargetCount": len(statuses),
            "CompletedCount": sum(status in ENDED for status in statuses),
            "ErrorCount": sum(status == "Failed" for status in statuses),
            "DeliveryTimedOutCount": timed_out,
            "TimeoutSeconds": command.timeout,
        }


def _named(members: dict[str, Any]) -> list[str]:
    """The instances that a request is for."""
    named = [str(one) for one in members.get("InstanceIds") or ()]
    for target in members.get("Targets") or ():
        if target.get("Key") != "InstanceIds":
            text = f"drskit's simulator does not find targets by {target.get('Key')}. Name instances."
            raise Refusal("InvalidParameters", 400, text)
        named += [str(one) for one in target.get("Values") or ()]
    if len(set(named)) < len(named):
        raise Refusal("DuplicateInstanceId", 400, "")
    if len(members.get("InstanceIds") or ()) > MOST_INSTANCES:
        raise Refusal("ValidationException", 400, f"At most {MOST_INSTANCES} instances can be named")
    return named


def _execution_timeout(parameters: dict[str, list[str]]) -> int:
    given = parameters.get("executionTimeout", [""])[0]
    return int(given) if given.isdigit() else EXECUTION_TIMEOUT


def _action_command(instance_id: str, run: ActionRun) -> SentCommand:
    """A run of DRS's as a command."""
    word = "Failed" if run.failure else "Success"
    part = Invocation(
        instance_id, run.begins_at, run.ends_at, word, word, int(bool(run.failure)), "", run.failure or ""
    )
    parameters = {name: [one["value"]] for name, one in run.action.parameters.items() if "value" in one}
    return SentCommand(run.id, run.action.code, run.begins_at, (part,), run.action.name, parameters)


def _passes(command: SentCommand, key: str, value: str, now: datetime) -> bool:
    """Whether a command passes a filter."""
    match key:
        case "InvokedAfter":
            return command.sent_at >= datetime.fromisoformat(value)
        case "InvokedBefore":
            return command.sent_at <= datetime.fromisoformat(value)
        case "Status":
            return command.at(now) == value
        case "DocumentName":
            return command.document == value
    raise Refusal("InvalidFilterKey", 400, f"drskit's simulator does not filter by {key}")


def _head(command: SentCommand) -> dict[str, Any]:
    return {
        "CommandId": command.id,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
    }


def _invoked(command: SentCommand, part: Invocation, now: datetime, *, detailed: bool) -> dict[str, Any]:
    """An item of ListCommandInvocations."""
    status, details = part.at(now)
    shown = _head(command) | {
        "InstanceId": part.instance_id,
        "InstanceName": "",
        "RequestedDateTime": command.sent_at.timestamp(),
        "Status": status,
        "StatusDetails": details,
    }
    if detailed:
        ended = status in ENDED
        errors = f"\n----------ERROR-------\n{part.stderr}" if part.stderr else ""
        plugin = {
            "Name": PLUGIN,
            "Status": status,
            "StatusDetails": details,
            "ResponseCode": part.exit_code if ended else -1,
            "Output": f"{part.stdout}{errors}"[:PLUGIN_OUTPUT] if ended else "",
        }
        shown["CommandPlugins"] = [plugin]
    return shown


def _iso(time: datetime | None) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z" if time else ""
