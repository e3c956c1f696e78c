"""What a runbook may say: every key, and the type of its value.

What later versions will understand is refused as "not supported yet", never
ignored. What two keys may not say together is in `contradictions.py`.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from drskit.actionspec import Actions
from drskit.approvers import PATTERN
from drskit.budgetspec import BudgetSpec
from drskit.checkspec import ChecksSpec
from drskit.model import CleanUp, OnFailure, OnTimeout, ServerId, Ticket, Weekday
from drskit.nesting import models_of
from drskit.notifyspec import Notify
from drskit.written import (
    MAX_SERVERS,
    WHOLE,
    Duration,
    GroupName,
    Name,
    RegionName,
    TimeOfDay,
    TimeZone,
    WaveName,
    duration,
    filled,
    later,
    matching,
)


class Spec(BaseModel):
    """A part of a runbook as written."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TargetsSpec(Spec):
    """`targets`."""

    rto: Duration | None = None
    rpo: Duration | None = None


class SiteSpec(Spec):
    """One of `sites`."""

    region: RegionName
    account: Annotated[None, later("recovery in another account")] = None
    role: Annotated[None, later("recovery in another account")] = None
    external_id: Annotated[None, later("recovery in another account")] = None


class SelectSpec(Spec):
    """`select`: servers by tags, or by id."""

    tags: dict[str, str] = Field(default_factory=dict)
    servers: tuple[ServerId, ...] = ()


class GroupSpec(Spec):
    """One of `groups`."""

    select: SelectSpec
    expect: Annotated[int, Field(ge=1, le=MAX_SERVERS), WHOLE] | None = None
    launch: Annotated[None, later("a change of launch settings")] = None
    overrides: Annotated[None, later("a change of launch settings")] = None


NO_TEXT = frozenset({"", "true", "false", "yes", "no", "on", "off", "none", "never", "nobody"})
"""What is no question that anybody could answer, and is meant otherwise."""


def _text(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() in NO_TEXT:
        raise PydanticCustomError(
            "text", "write what the approver is to have looked at, or remove the key for no approval"
        )
    return value


def _with_timeout(value: OnTimeout, info: ValidationInfo) -> OnTimeout:
    if "timeout" in info.data and info.data["timeout"] is None:
        raise PydanticCustomError(
            "timeout", "without a timeout the question stands for ever; add timeout: PT30M, or remove the key"
        )
    return value


def _truth(value: object) -> bool:
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    raise PydanticCustomError("truth", "write true or false")


Approver = Annotated[
    str, matching(PATTERN, "write a user such as mira, a role such as role/DrApprovers, or an ARN of one")
]


class ApproveSpec(Spec):
    """`approve`, written as a mapping."""

    text: Annotated[str, Field(max_length=500), BeforeValidator(_text)]
    timeout: Duration | None = None
    on_timeout: Annotated[OnTimeout, AfterValidator(_with_timeout)] = OnTimeout.CANCEL
    by: Annotated[tuple[Approver, ...], filled("name who may approve, or remove the key for anybody")] = ()
    not_starter: Annotated[bool, BeforeValidator(_truth)] = False


def _approve(value: object) -> object:
    if value is None:
        raise PydanticCustomError("empty", "nothing stands here; write what is approved, or remove the key")
    return {"text": value} if isinstance(value, str) else value


def _written_needs(value: object) -> object:
    if value is None:
        raise PydanticCustomError(
            "empty", "nothing stands here; name waves, write [] to start at once, or remove the key"
        )
    return value


Failures = Annotated[
    str,
    matching(re.compile(r"\d{1,5}|(\d{1,2}|100)%", re.ASCII), "write a whole number, or a percentage such as 10%"),
]


class WaveSpec(Spec):
    """One of `waves`."""

    name: WaveName
    groups: Annotated[tuple[GroupName, ...], filled("write at least one group")]
    needs: Annotated[tuple[WaveName, ...] | None, BeforeValidator(_written_needs)] = None
    rto: Duration | None = None
    approve: Annotated[ApproveSpec | None, BeforeValidator(_approve)] = None
    optional: tuple[ServerId, ...] = ()
    max_failed: Failures = "0"
    on_failure: OnFailure = OnFailure.STOP
    timeout: Duration = timedelta(minutes=90)
    before: Annotated[Actions, filled("write at least one action, or remove the key")] = ()
    after: Annotated[Actions, filled("write at least one action, or remove the key")] = ()
    checks: ChecksSpec | None = None
    order: Annotated[
        tuple[Annotated[tuple[ServerId, ...], filled("write at least one server")], ...],
        filled("write steps such as [[s-…, s-…], [s-…]], or remove the key"),
    ] = ()


def _past(value: object) -> datetime:
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = datetime.min  # noqa: DTZ901 - has no zone, so it is refused below
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    raise PydanticCustomError("time", "this is no time with a zone; write for example 2026-11-23T04:00:00Z")


PinName = Annotated[
    str,
    matching(
        re.compile(r"pit-[0-9a-zA-Z]{17}|latest"), "write a recovery snapshot such as pit-5f3ddf07c0eb9fe45, or latest"
    ),
]


def _instead_of_latest(value: datetime | None, info: ValidationInfo) -> datetime | None:
    if value is not None and info.data.get("policy") is not None:
        raise PydanticCustomError("policy", "policy and before contradict each other; keep one of them")
    return value


class SnapshotsSpec(Spec):
    """`snapshots`."""

    policy: Literal["latest"] | None = None
    before: Annotated[datetime | None, BeforeValidator(_past), AfterValidator(_instead_of_latest)] = None
    servers: Annotated[dict[ServerId, PinName], filled("write a line such as s-…: pit-…")] = Field(default_factory=dict)


def _without_a_person(value: object) -> object:
    if value == CleanUp.ASK:
        raise PydanticCustomError("headless", "nobody is there to be asked; write always or never")
    return value


class CleanupSpec(Spec):
    """`cleanup`."""

    after: CleanUp = CleanUp.ASK
    headless: Annotated[Literal["always", "never"], BeforeValidator(_without_a_person)] = "never"


class WindowSpec(Spec):
    """One of `change.windows`."""

    days: tuple[Weekday, ...] = ()
    from_: Annotated[TimeOfDay, Field(alias="from")]
    until: TimeOfDay


class RecoverySpec(Spec):
    """`recovery`."""

    second_person: Annotated[bool, BeforeValidator(_truth)] = False


class ChangeSpec(Spec):
    """`change`."""

    ticket: Ticket = Ticket.OPTIONAL
    windows: Annotated[tuple[WindowSpec, ...], Field(max_length=20)] = ()
    timezone: TimeZone = "UTC"
    freeze: Annotated[str, Field(min_length=1, max_length=200)] | None = None


Pause = Annotated[timedelta, BeforeValidator(duration)]


class PacingSpec(Spec):
    """`pacing`."""

    servers: Pause = timedelta(0)
    waves: Pause = timedelta(0)


class RunbookSpec(Spec):
    """The whole file."""

    version: Annotated[Literal["1"], BeforeValidator(lambda value: value)]
    plan: Name
    description: Annotated[str, Field(max_length=1_000)] = ""
    owners: dict[str, str] = Field(default_factory=dict)
    procedure: str | None = None
    targets: TargetsSpec = TargetsSpec()
    sites: Annotated[dict[Name, SiteSpec], filled("write at least one site")]
    drill: Annotated[None, later("a rule about a drill's launch template")] = None
    groups: Annotated[dict[GroupName, GroupSpec], filled("write at least one group")]
    waves: Annotated[tuple[WaveSpec, ...], Field(max_length=200), filled("write at least one wave")]
    finally_: Annotated[Actions, Field(alias="finally")] = ()
    snapshots: SnapshotsSpec = SnapshotsSpec()
    pacing: PacingSpec = PacingSpec()
    cleanup: CleanupSpec = CleanupSpec()
    timeout: Duration | None = None
    change: Annotated[ChangeSpec | None, filled("say ticket, windows or freeze, or remove the key")] = None
    recovery: Annotated[RecoverySpec, filled("say second_person: true, or remove the key")] = RecoverySpec()
    notify: Notify = ()
    budget: Annotated[BudgetSpec | None, filled("say max_usd: 200, or remove the key")] = None


def keys_of(spec: str) -> tuple[str, ...]:
    """The keys of a part of a runbook, by the name of its spec, as they are written; none where there is no such."""
    found = next((part for part in models_of(RunbookSpec) if part.__name__ == spec), None)
    fields = found.model_fields.items() if found else ()
    return tuple(one.alias or name for name, one in fields if one.annotation not in {None, type(None)})
