"""What a runbook may say about actions: `before` and `after` of a wave, and `finally`.

Each action is a mapping with exactly one key that says what it does, `modes`
that say in which executions, and how it ends badly. What holds a secret is read
from the SSM Parameter Store when it is sent: it never stands in a runbook.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from drskit.actions import (
    Action,
    ActionKind,
    ActionMode,
    Automation,
    Call,
    Does,
    Invoke,
    Publish,
    RunCommand,
    Secret,
    TaskPhase,
    Wait,
    Where,
)
from drskit.notifyspec import Topic
from drskit.placeholders import allowed, named, texts_of
from drskit.record import OnFailure
from drskit.requestspec import HEADER_VALUE, SECRET_NAME, secret_asked
from drskit.written import Duration, GroupName, filled, matching

LONGEST_CALL = timedelta(minutes=1)
"""How long a Lambda function or an HTTP request is waited for: nobody else is advanced meanwhile."""
SHORT_CALL = timedelta(seconds=20)
USUAL = timedelta(minutes=15)
KINDS = tuple(kind.value for kind in ActionKind)
CALLS = frozenset({ActionKind.LAMBDA, ActionKind.HTTP})
MISUSED = {"retries": "retries", "retry_after": "retry_after", "timeout": "a timeout", "on_failure": "on_failure"}
DOCUMENT = re.compile(r"[a-zA-Z0-9_.:/-]{3,200}")
Location = tuple[str | int, ...]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _truth(value: object) -> bool:
    if isinstance(value, str | bool) and value in {"true", "false", True, False}:
        return value in {"true", True}
    raise PydanticCustomError("truth", "write true or false")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_json(value: object) -> object:
    """A mapping or a list as JSON; a text is kept."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


Truth = Annotated[bool, BeforeValidator(_truth)]
Document = Annotated[str, matching(DOCUMENT, "write the name or the ARN of an SSM document")]
Parameters = dict[str, Annotated[tuple[str, ...], BeforeValidator(_listed)]]
InstanceName = Annotated[
    str, matching(re.compile(r"i-[0-9a-f]{8,17}"), "write an EC2 instance such as i-0123456789abcdef0")
]


class AutomationSpec(_Spec):
    """`ssm_automation`."""

    document: Document
    version: (
        Annotated[str, matching(re.compile(r"[0-9]{1,9}|\$LATEST|\$DEFAULT"), "write a number, $DEFAULT or $LATEST")]
        | None
    ) = None
    parameters: Parameters = Field(default_factory=dict)


class WhereSpec(_Spec):
    """`on` of `ssm_command`."""

    groups: tuple[GroupName, ...] = ()
    instances: Annotated[tuple[InstanceName, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _one_of_them(self) -> "WhereSpec":
        if bool(self.groups) == bool(self.instances):
            raise PydanticCustomError("where", "write either groups or instances, with at least one entry")
        return self


class CommandSpec(_Spec):
    """`ssm_command`."""

    document: Document = "AWS-RunShellScript"
    commands: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Short for the parameter of that name."""
    parameters: Parameters = Field(default_factory=dict)
    on: WhereSpec | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> "CommandSpec":
        if "commands" in self.parameters and self.commands:
            raise PydanticCustomError("commands", "commands stand in parameters, too; keep one of them")
        if self.document == "AWS-RunShellScript" and not self.commands and "commands" not in self.parameters:
            raise PydanticCustomError("commands", "write the commands to run, or another document")
        return self


class LambdaSpec(_Spec):
    """`lambda`."""

    function: Annotated[str, matching(re.compile(r"[a-zA-Z0-9-_:]{1,170}"), "write the name or the ARN of a function")]
    qualifier: Annotated[str, Field(max_length=128)] | None = None
    payload: Annotated[str | None, BeforeValidator(_as_json)] = None
    event: Truth = False

    @model_validator(mode="after")
    def _payload_is_json(self) -> "LambdaSpec":
        try:
            json.loads(self.payload or "{}")
        except ValueError:
            raise PydanticCustomError(
                "payload", "the payload is no JSON; write a mapping, or JSON with placeholders in its strings"
            ) from None
        return self


class SnsSpec(_Spec):
    """`sns`, written as a topic's ARN or as a mapping."""

    topic: Topic
    subject: Annotated[str, Field(max_length=100)] | None = None
    message: Annotated[str, Field(min_length=1, max_length=20_000)] = "{type} {execution} of plan {plan}: {status}"


class SecretSpec(_Spec):
    """A header's value that is a secret."""

    parameter: Annotated[
        str, matching(re.compile(r"/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*"), "write the name of an SSM parameter")
    ]


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise PydanticCustomError("url", "write a URL such as https://cmdb.example.com/drills")
    if "@" in parts.netloc:
        raise PydanticCustomError(
            "url", "no secret stands in a runbook; write the header Authorization: {{parameter: NAME}}"
        )
    name = secret_asked(value)
    if name is not None:
        raise PydanticCustomError(
            "url",
            "no secret stands in a runbook, and web servers write addresses into their logs; send {name} in a "
            "header: headers: {{Authorization: {{parameter: NAME}}}}",
            {"name": name},
        )
    if "{" in parts.netloc:
        raise PydanticCustomError("url", "where a request goes is fixed; write placeholders after the host")
    return value


def _statuses(value: object) -> object:
    some = value if isinstance(value, list) else [value]
    if not some or not all(re.fullmatch(r"[1-5][0-9]{2}", str(one)) for one in some):
        raise PydanticCustomError("expect", "write HTTP statuses such as [200, 204]")
    return [int(str(one)) for one in some]


class HttpSpec(_Spec):
    """`http`."""

    url: Annotated[str, Field(max_length=2_000), AfterValidator(_url)]
    method: Annotated[
        str, matching(re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE"), "write GET, HEAD, POST, PUT, PATCH or DELETE")
    ] = "POST"
    headers: dict[
        Annotated[str, matching(re.compile(r"[A-Za-z0-9-]{1,100}"), "write the name of a header")], str | SecretSpec
    ] = Field(default_factory=dict)
    body: Annotated[str | None, BeforeValidator(_as_json)] = None
    expect: Annotated[tuple[int, ...], BeforeValidator(_statuses)] = ()

    @model_validator(mode="after")
    def _no_secret_is_written(self) -> "HttpSpec":
        for name, value in self.headers.items():
            if isinstance(value, str) and not HEADER_VALUE.fullmatch(value):
                raise PydanticCustomError(
                    "header",
                    "the value of {name} does not fit into a header, which holds the characters of Latin-1 on one "
                    "line; write it otherwise, or send it in the body",
                    {"name": name},
                )
            if isinstance(value, str) and SECRET_NAME.search(name):
                raise PydanticCustomError(
                    "secret",
                    "no secret stands in a runbook; put the value of {name} into the SSM Parameter Store and write "
                    "{name}: {{parameter: NAME}}",
                    {"name": name},
                )
        if self.body is not None and self.method in {"GET", "HEAD"}:
            raise PydanticCustomError("body", "a request by {method} sends no body; remove it", {"method": self.method})
        return self


def _sns(value: object) -> object:
    return {"topic": value} if isinstance(value, str) else value


class ActionSpec(_Spec):
    """One of `before`, `after` or `finally`."""

    wait: Duration | None = None
    ssm_automation: AutomationSpec | None = None
    ssm_command: CommandSpec | None = None
    lambda_: Annotated[LambdaSpec | None, Field(alias="lambda")] = None
    sns: Annotated[SnsSpec | None, BeforeValidator(_sns)] = None
    http: HttpSpec | None = None
    modes: Annotated[
        tuple[ActionMode, ...], filled("say in which executions it runs: [DRILL], [RECOVERY] or [DRILL, RECOVERY]")
    ]
    name: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    timeout: Duration | None = None
    retries: Annotated[int, Field(ge=0, le=10)] | None = None
    retry_after: Duration | None = None
    on_failure: OnFailure | None = None
    repeatable: Truth = False

    @model_validator(mode="before")
    @classmethod
    def _does_one_thing(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kinds = [kind for kind in KINDS if value.get(kind) is not None]
        if len(kinds) != 1:
            raise PydanticCustomError(
                "kind",
                "an action does exactly one thing, and this one does {count}: write one of {kinds}",
                {"count": " and ".join(kinds) or "nothing", "kinds": ", ".join(KINDS)},
            )
        return value

    @property
    def kind(self) -> ActionKind:
        """What it does."""
        if self.lambda_ is not None:
            return ActionKind.LAMBDA
        return next(kind for kind in ActionKind if getattr(self, kind.value, None) is not None)


Actions = Annotated[tuple[ActionSpec, ...], Field(max_length=20)]


def faults_of(
    actions: tuple[ActionSpec, ...], place: Location, phase: TaskPhase, groups: tuple[str, ...]
) -> Iterator[tuple[Location, str]]:
    """What contradicts itself in a list of actions, or cannot be done at its time."""
    for index, spec in enumerate(actions):
        here = (*place, index)
        yield from _misused(spec, here)
        yield from _command_faults(spec, here, phase, groups)
        action = action_of_spec(spec, "")
        known = allowed(phase)
        unknown = {name: None for text in texts_of(action) for name in named(text) if name not in known}
        for name in unknown:
            yield (
                (*here, spec.kind.value),
                (
                    f"{{{name}}} stands for nothing {_when(phase)}. Known: {', '.join(f'{{{one}}}' for one in known)}; "
                    f"for the word itself write {{{{{name}}}}}."
                ),
            )


def _when(phase: TaskPhase) -> str:
    return "at the end of the plan" if phase is TaskPhase.FINALLY else f"{phase.value} a wave"


def _misused(spec: ActionSpec, here: Location) -> Iterator[tuple[Location, str]]:
    if spec.kind is ActionKind.WAIT:
        for key, words in MISUSED.items():
            if getattr(spec, key) is not None:
                yield (*here, key), f"a wait cannot fail, so it has no {words}; remove the key."
        if spec.repeatable:
            yield (*here, "repeatable"), "a wait is never repeated; remove the key."
    if spec.kind in CALLS and spec.timeout is not None and spec.timeout > LONGEST_CALL:
        yield (
            (*here, "timeout"),
            (
                "a call is waited for at most PT1M, for nothing else goes on meanwhile; write less, or let an "
                "ssm_automation do it."
            ),
        )
    if spec.retry_after is not None and not spec.retries:
        yield (*here, "retry_after"), "nothing is run again without retries; add retries: 3, or remove the key."
    if spec.lambda_ is not None and spec.lambda_.event and not spec.repeatable:
        yield (
            (*here, "lambda", "event"),
            "Lambda may deliver an event more than once; add repeatable: true if that is harmless, or remove event.",
        )


def _command_faults(
    spec: ActionSpec, here: Location, phase: TaskPhase, groups: tuple[str, ...]
) -> Iterator[tuple[Location, str]]:
    command = spec.ssm_command
    if command is None:
        return
    if command.on is None and phase is not TaskPhase.AFTER:
        yield (
            (*here, "ssm_command"),
            f"{_when(phase)} it has no instances of its own; add on: {{groups: […]}} or on: {{instances: [i-…]}}.",
        )
    for position, group in enumerate(command.on.groups if command.on else ()):
        if group not in groups:
            yield (
                (*here, "ssm_command", "on", "groups", position),
                f"there is no group {group!r}. Known: {', '.join(groups)}.",
            )


def action_of_spec(spec: ActionSpec, plan: str) -> Action:
    """The action that a spec describes; `plan` makes GroupIds of the names of groups."""
    usual = SHORT_CALL if spec.kind in CALLS else USUAL
    given = {"retries": spec.retries, "retry_after": spec.retry_after, "on_failure": spec.on_failure}
    return Action(
        does=_does(spec, plan), modes=tuple(dict.fromkeys(spec.modes)), name=spec.name or "",
        timeout=spec.timeout or usual, repeatable=spec.repeatable,
        **{key: value for key, value in given.items() if value is not None},
    )  # fmt: skip


def _does(spec: ActionSpec, plan: str) -> Does:
    if spec.wait is not None:
        return Wait(kind=ActionKind.WAIT, span=spec.wait)
    if spec.ssm_automation is not None:
        automation = spec.ssm_automation
        return Automation(
            kind=ActionKind.SSM_AUTOMATION, document=automation.document, version=automation.version,
            parameters=automation.parameters,
        )  # fmt: skip
    if spec.ssm_command is not None:
        command, on = spec.ssm_command, spec.ssm_command.on or WhereSpec.model_construct()
        return RunCommand(
            kind=ActionKind.SSM_COMMAND, document=command.document,
            parameters=command.parameters | ({"commands": command.commands} if command.commands else {}),
            on=Where(groups=tuple(f"{plan}.{name}" for name in on.groups), instances=on.instances),
        )  # fmt: skip
    if spec.lambda_ is not None:
        return Invoke(
            kind=ActionKind.LAMBDA, function=spec.lambda_.function, qualifier=spec.lambda_.qualifier,
            payload=spec.lambda_.payload, event=spec.lambda_.event,
        )  # fmt: skip
    if spec.sns is not None:
        return Publish(kind=ActionKind.SNS, topic=spec.sns.topic, subject=spec.sns.subject, message=spec.sns.message)
    return _call(spec.http)


def _call(http: HttpSpec | None) -> Call:
    assert http is not None
    return Call(
        kind=ActionKind.HTTP, url=http.url, method=http.method, body=http.body, expect=http.expect,
        headers={name: value for name, value in http.headers.items() if isinstance(value, str)},
        secrets={
            name: Secret(parameter=value.parameter)
            for name, value in http.headers.items()
            if isinstance(value, SecretSpec)
        },
    )  # fmt: skip
