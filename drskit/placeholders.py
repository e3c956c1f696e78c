"""What an action is told of the execution that it runs in, and how that gets into its arguments.

A placeholder is a name in braces; a name in double braces stands for itself in
single ones. Other braces are left alone, so that JSON needs no quoting.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from drskit.actions import Action, Automation, Call, Invoke, Publish, RunCommand, TaskPhase, Wait
from drskit.model import Execution, ServerRun, WaveRun

PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}|\{([a-z_]+)\}")
PLAIN = ("plan", "type", "mode", "execution", "account", "region", "phase", "task", "status", "context")
OF_A_WAVE = ("wave",)
OF_SERVERS = ("server_ids", "names")
OF_INSTANCES = ("instance_ids", "private_ips")
LISTS = frozenset({*OF_SERVERS, *OF_INSTANCES})
"""Placeholders of several values: a list where a list is wanted, else joined by commas."""
MOST_SERVERS = 500
"""How many servers the context names; it says how many it leaves out."""
REQUEST_BYTES = 100_000
"""A request is kept with the execution, so that a repetition asks for the same."""
WITH_A_BODY = frozenset({"POST", "PUT", "PATCH"})


class Unfit(ValueError):
    """An action cannot be asked for as it is."""


def allowed(phase: TaskPhase) -> tuple[str, ...]:
    """The placeholders that mean something at this time."""
    match phase:
        case TaskPhase.BEFORE:
            return PLAIN + OF_A_WAVE + OF_SERVERS
        case TaskPhase.AFTER:
            return PLAIN + OF_A_WAVE + OF_SERVERS + OF_INSTANCES
        case TaskPhase.FINALLY:
            return PLAIN + OF_SERVERS + OF_INSTANCES


def named(text: str) -> tuple[str, ...]:
    """The placeholders of a text."""
    return tuple(name for _, name in PLACEHOLDER.findall(text) if name)


def texts_of(action: Action) -> tuple[str, ...]:
    """Every text of an action that may hold placeholders."""
    match action.does:
        case Wait():
            return ()
        case Automation(parameters=parameters) | RunCommand(parameters=parameters):
            return tuple(text for some in parameters.values() for text in some)
        case Invoke(payload=payload):
            return (payload,) if payload else ()
        case Publish(subject=subject, message=message):
            return tuple(text for text in (subject, message) if text)
        case Call() as call:
            return (call.url, *call.headers.values(), *((call.body,) if call.body else ()))


def asks_for_addresses(action: Action) -> bool:
    """Whether its request names private addresses."""
    names = {name for text in texts_of(action) for name in named(text)}
    match action.does:
        case Invoke(payload=None):
            return True
        case Call(body=None, method=method):
            return method in WITH_A_BODY or bool(names & {"private_ips", "context"})
        case _:
            return bool(names & {"private_ips", "context"})


@dataclass(frozen=True)
class Occasion:
    """An action's place in an execution."""

    execution: Execution
    phase: TaskPhase
    wave_name: str | None
    task_id: str
    status: str
    """How the execution, or the wave, stands."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Private addresses, by instance."""

    @property
    def servers(self) -> tuple[ServerRun, ...]:
        """The servers that the action is about."""
        return tuple(server for wave in self._waves for server in wave.servers)

    @property
    def _waves(self) -> tuple[WaveRun, ...]:
        if self.wave_name is None:
            return self.execution.waves
        return (self.execution.wave(self.wave_name),)

    def context(self) -> dict[str, Any]:
        """All that an action may want to know, as JSON types."""
        servers = self.servers
        return {
            "PlanId": self.execution.plan_id,
            "ExecutionType": self.execution.execution_type.value,
            "Mode": self.execution.mode.value,
            "ExecutionId": self.execution.execution_id,
            "AccountId": self.execution.account_id,
            "Region": self.execution.region,
            "Phase": self.phase.value,
            "WaveName": self.wave_name,
            "TaskId": self.task_id,
            "Status": self.status,
            "Servers": [self._server(server) for server in servers[:MOST_SERVERS]],
            "ServersLeftOut": max(len(servers) - MOST_SERVERS, 0),
        }

    def _server(self, server: ServerRun) -> dict[str, Any]:
        return {
            "SourceServerId": server.source_server_id,
            "Name": server.name,
            "Status": server.status.value,
            "RecoveryInstanceId": server.recovery_instance_id,
            "PrivateIp": self.addresses.get(server.recovery_instance_id or ""),
        }

    def values(self, name: str) -> tuple[str, ...]:
        """What a placeholder stands for; several values for one of `LISTS`."""
        return _VALUES[name](self)

    def fill(self, text: str, made_safe: Callable[[str], str] = str) -> str:
        """The text with its placeholders filled, each value made safe for the place where it stands."""

        def value(match: re.Match[str]) -> str:
            escaped, name = match.groups()
            return f"{{{escaped}}}" if escaped else made_safe(",".join(self.values(name)))

        return PLACEHOLDER.sub(value, text)

    def fill_list(self, texts: tuple[str, ...]) -> list[str]:
        """The texts filled; one that is a placeholder of several values and nothing else becomes as many texts."""
        found: list[str] = []
        for text in texts:
            alone = text.strip("{}") if PLACEHOLDER.fullmatch(text) and not text.startswith("{{") else ""
            found += self.values(alone) if alone in LISTS else [self.fill(text)]
        return found

    def fill_body(self, text: str) -> str:
        """A body filled: in JSON only its strings are, so that no value can break out of one."""
        try:
            value = json.loads(text)
        except ValueError:
            return self.fill(text)
        return json.dumps(self._filled(value))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.context() if value == "{context}" else self.fill(value)
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        return value


_VALUES: dict[str, Callable[[Occasion], tuple[str, ...]]] = {
    "plan": lambda here: (here.execution.plan_id,),
    "type": lambda here: (here.execution.execution_type.value,),
    "mode": lambda here: (here.execution.mode.value,),
    "execution": lambda here: (here.execution.execution_id,),
    "account": lambda here: (here.execution.account_id,),
    "region": lambda here: (here.execution.region,),
    "phase": lambda here: (here.phase.value,),
    "wave": lambda here: (here.wave_name or "",),
    "task": lambda here: (here.task_id,),
    "status": lambda here: (here.status,),
    "context": lambda here: (json.dumps(here.context()),),
    "server_ids": lambda here: tuple(server.source_server_id for server in here.servers),
    "names": lambda here: tuple(server.name for server in here.servers if server.name),
    "instance_ids": lambda here: tuple(
        server.recovery_instance_id for server in here.servers if server.recovery_instance_id
    ),
    "private_ips": lambda here: tuple(
        address for server in here.servers if (address := here.addresses.get(server.recovery_instance_id or ""))
    ),
}


def request_of(action: Action, occasion: Occasion) -> str:
    """What is asked for, as JSON.

    Raises:
        Unfit: it cannot be asked for; why, in words.
    """
    text = json.dumps(_request(action, occasion), sort_keys=True)
    if len(text) > REQUEST_BYTES:
        raise Unfit(f"its request has {len(text)} bytes, and {REQUEST_BYTES} are sent at most; name less in it")
    return text


def _request(action: Action, occasion: Occasion) -> dict[str, Any]:
    match action.does:
        case Wait(span=span):
            return {"Seconds": span.total_seconds()}
        case Automation(document=document, version=version, parameters=parameters):
            return {
                "DocumentName": document,
                "DocumentVersion": version,
                "Parameters": {name: occasion.fill_list(texts) for name, texts in parameters.items()},
            }
        case RunCommand() as command:
            return {
                "DocumentName": command.document,
                "Parameters": {name: occasion.fill_list(texts) for name, texts in command.parameters.items()},
                "InstanceIds": _targets(command, occasion),
                "Seconds": int(action.timeout.total_seconds()),
            }
        case Invoke() as invoke:
            payload = occasion.fill_body(invoke.payload) if invoke.payload else json.dumps(occasion.context())
            return {
                "FunctionName": invoke.function,
                "Qualifier": invoke.qualifier,
                "Event": invoke.event,
                "Payload": payload,
                "Seconds": action.timeout.total_seconds(),
            }
        case Publish() as publish:
            return {
                "TopicArn": publish.topic,
                "Subject": occasion.fill(publish.subject)[:100] if publish.subject else None,
                "Message": occasion.fill(publish.message),
                "Group": occasion.execution.execution_id,
            }
        case Call() as call:
            return _http(call, action, occasion)


def _targets(command: RunCommand, occasion: Occasion) -> list[str]:
    if command.on.instances:
        return list(command.on.instances)
    wanted = {
        server_id
        for group in occasion.execution.groups
        if group.group_id in command.on.groups
        for server_id in group.servers
    }
    servers = (
        tuple(
            server for wave in occasion.execution.waves for server in wave.servers if server.source_server_id in wanted
        )
        if command.on.groups
        else occasion.servers
    )
    found = [server.recovery_instance_id for server in servers if server.recovery_instance_id]
    if not found:
        raise Unfit("none of its servers has an instance to run it on")
    if len(found) > MOST_INSTANCES:
        raise Unfit(f"it names {len(found)} instances, and one command takes {MOST_INSTANCES}; name fewer groups")
    return found


MOST_INSTANCES = 50
"""SendCommand takes no more instance ids at once."""


def _http(call: Call, action: Action, occasion: Occasion) -> dict[str, Any]:
    body = occasion.fill_body(call.body) if call.body else None
    headers = {name: occasion.fill(value, _on_one_line) for name, value in call.headers.items()}
    if body is None and call.method in WITH_A_BODY:
        body = json.dumps(occasion.context())
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json" if _is_json(body) else "text/plain; charset=utf-8"
    return {
        "Method": call.method,
        "Url": occasion.fill(call.url, partial(quote, safe="")),
        "Headers": headers,
        "Secrets": {name: secret.parameter for name, secret in call.secrets.items()},
        "Body": body,
        "Expect": list(call.expect),
        "Seconds": action.timeout.total_seconds(),
    }


def _on_one_line(value: str) -> str:
    return " ".join(value.split())


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
