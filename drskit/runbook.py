"""Runbooks: YAML in, models out.

A runbook declares protection groups and one recovery plan (design §4). Every
fault is reported at once, each with the file, the line, the key and what to
write instead; what later versions will understand is refused as "not supported
yet", never ignored.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from drskit.errors import InvalidRunbook
from drskit.model import (
    Approval,
    CleanUp,
    CleanupPolicy,
    OnFailure,
    OnTimeout,
    ProtectionGroup,
    RecoveryPlan,
    Runbook,
    ServerId,
    Targets,
    Wave,
)
from drskit.waves import find_cycle
from drskit.yamlfile import Document, Location, YamlFault, read_file, read_text, spell

DURATION = re.compile(r"P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
LONGEST = timedelta(days=365)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
GROUP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""Without dots: else group `c` of plan `a.b` and group `b.c` of plan `a` would be one GroupId."""
WAVE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]{0,63}")
REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}")
MAX_SERVERS = 3_000


def _matching(pattern: re.Pattern[str], remedy: str) -> BeforeValidator:
    def check(value: object) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise PydanticCustomError("pattern", "{remedy}", {"remedy": remedy})
        return value

    return BeforeValidator(check)


WHOLE = _matching(re.compile(r"\d{1,5}"), "write a whole number")


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not DURATION.fullmatch(value):
        raise PydanticCustomError("duration", "this is no ISO-8601 duration; write for example PT45M or PT1H30M")
    try:
        span = TypeAdapter(timedelta).validate_python(value)
    except ValidationError:  # more than a timedelta can hold
        span = timedelta.max
    if span > LONGEST:
        raise PydanticCustomError("duration", "this is longer than a year; write for example PT45M or P1D")
    return span


def _positive(value: object) -> timedelta:
    span = _duration(value)
    if span <= timedelta(0):
        raise PydanticCustomError("duration", "the duration must be longer than nothing; write for example PT45M")
    return span


def _filled(remedy: str) -> BeforeValidator:
    """A key that stands in the file says something: nothing at all would be taken for what it is not."""

    def check(value: object) -> object:
        if value in (None, [], {}):
            raise PydanticCustomError("empty", "nothing stands here; {remedy}", {"remedy": remedy})
        return value

    return BeforeValidator(check)


def _later(what: str) -> BeforeValidator:
    def refuse(value: object) -> object:
        if value in (None, [], {}):
            return None
        raise PydanticCustomError("later", "{what} is not supported yet; remove the key", {"what": what})

    return BeforeValidator(refuse)


Duration = Annotated[timedelta, BeforeValidator(_positive)]
Name = Annotated[
    str, _matching(NAME, "write a name of lower-case letters, digits, dots, dashes and underscores, at most 63")
]
GroupName = Annotated[
    str, _matching(GROUP_NAME, "write a name of lower-case letters, digits, dashes and underscores, at most 63")
]
WaveName = Annotated[
    str,
    _matching(
        WAVE_NAME, "write a name of letters, digits, spaces and _.:/=+@-, at most 64, starting with a letter or digit"
    ),
]
RegionName = Annotated[str, _matching(REGION, "write an AWS Region such as us-west-2")]


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
    account: Annotated[None, _later("recovery in another account")] = None
    role: Annotated[None, _later("recovery in another account")] = None
    external_id: Annotated[None, _later("recovery in another account")] = None


class SelectSpec(Spec):
    """`select`: servers by tags, or by id."""

    tags: dict[str, str] = Field(default_factory=dict)
    servers: tuple[ServerId, ...] = ()


class GroupSpec(Spec):
    """One of `groups`."""

    select: SelectSpec
    expect: Annotated[int, Field(ge=1, le=MAX_SERVERS), WHOLE] | None = None
    launch: Annotated[None, _later("a change of launch settings")] = None
    overrides: Annotated[None, _later("a change of launch settings")] = None


def _text(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() in {"", "true", "false", "yes", "no", "on", "off"}:
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


class ApproveSpec(Spec):
    """`approve`, written as a mapping."""

    text: Annotated[str, Field(max_length=500), BeforeValidator(_text)]
    timeout: Duration | None = None
    on_timeout: Annotated[OnTimeout, AfterValidator(_with_timeout)] = OnTimeout.CANCEL
    by: Annotated[None, _later("a list of approvers")] = None
    not_starter: Annotated[None, _later("a rule about approvers")] = None


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


class WaveSpec(Spec):
    """One of `waves`."""

    name: WaveName
    groups: Annotated[tuple[GroupName, ...], _filled("write at least one group")]
    needs: Annotated[tuple[WaveName, ...] | None, BeforeValidator(_written_needs)] = None
    rto: Duration | None = None
    approve: Annotated[ApproveSpec | None, BeforeValidator(_approve)] = None
    optional: tuple[ServerId, ...] = ()
    max_failed: Annotated[int, Field(ge=0), WHOLE] = 0
    on_failure: OnFailure = OnFailure.STOP
    timeout: Duration = timedelta(minutes=90)
    before: Annotated[None, _later("an action before a wave")] = None
    after: Annotated[None, _later("an action after a wave")] = None
    checks: Annotated[None, _later("a check of a wave")] = None
    order: Annotated[None, _later("an order inside a wave")] = None


class SnapshotsSpec(Spec):
    """`snapshots`."""

    policy: Literal["latest"] = "latest"
    before: Annotated[None, _later("a choice of recovery snapshots")] = None
    servers: Annotated[None, _later("a choice of recovery snapshots")] = None


def _without_a_person(value: object) -> object:
    if value == CleanUp.ASK:
        raise PydanticCustomError("headless", "nobody is there to be asked; write always or never")
    return value


class CleanupSpec(Spec):
    """`cleanup`."""

    after: CleanUp = CleanUp.ASK
    headless: Annotated[Literal["always", "never"], BeforeValidator(_without_a_person)] = "never"


def _no_pacing(value: object) -> timedelta:
    span = _duration(value)
    if span:
        raise PydanticCustomError("later", "pacing is not supported yet; write PT0S or remove the key")
    return span


NoPacing = Annotated[timedelta, BeforeValidator(_no_pacing)]


class PacingSpec(Spec):
    """`pacing`."""

    servers: NoPacing = timedelta(0)
    waves: NoPacing = timedelta(0)


class RunbookSpec(Spec):
    """The whole file."""

    version: Annotated[Literal["1"], BeforeValidator(lambda value: value)]
    plan: Name
    description: Annotated[str, Field(max_length=1_000)] = ""
    owners: dict[str, str] = Field(default_factory=dict)
    procedure: str | None = None
    targets: TargetsSpec = TargetsSpec()
    sites: Annotated[dict[Name, SiteSpec], _filled("write at least one site")]
    drill: Annotated[None, _later("a rule about a drill's launch template")] = None
    groups: Annotated[dict[GroupName, GroupSpec], _filled("write at least one group")]
    waves: Annotated[tuple[WaveSpec, ...], Field(max_length=200), _filled("write at least one wave")]
    finally_: Annotated[None, _later("an action at the end"), Field(alias="finally")] = None
    snapshots: SnapshotsSpec = SnapshotsSpec()
    pacing: PacingSpec = PacingSpec()
    cleanup: CleanupSpec = CleanupSpec()
    notify: Annotated[None, _later("a notification")] = None


def load_runbook(path: Path) -> Runbook:
    """Read a runbook.

    Raises:
        InvalidRunbook: with every complaint about it.
        InvalidInput: there is no such file.
    """
    try:
        document = read_file(path)
    except YamlFault as fault:
        raise InvalidRunbook((str(fault),)) from fault
    return _understand(document)


def parse_runbook(text: str, *, source: str = "runbook.yaml") -> Runbook:
    """Read a runbook from a text; `source` is its name in complaints.

    Raises:
        InvalidRunbook: with every complaint about it.
    """
    try:
        document = read_text(text, source=source)
    except YamlFault as fault:
        raise InvalidRunbook((str(fault),)) from fault
    return _understand(document)


def _understand(document: Document) -> Runbook:
    if not isinstance(document.data, dict):
        raise InvalidRunbook((document.complaint((), "a runbook is a mapping that begins with `version: 1`."),))
    try:
        spec = RunbookSpec.model_validate(document.data)
    except ValidationError as error:
        raise InvalidRunbook(_complaints(document, error)) from error
    complaints = tuple(document.complaint(location, message) for location, message in _contradictions(spec))
    if complaints:
        raise InvalidRunbook(complaints)
    return _build(spec, document)


def _complaints(document: Document, error: ValidationError) -> tuple[str, ...]:
    seen: dict[tuple[int, str], None] = {}
    for fault in error.errors():
        location = _location(document, fault["loc"])
        text = document.complaint(location, _words(fault["type"], fault["msg"], fault["input"], location))
        seen.setdefault((document.line(location), text))
    return tuple(text for _, text in sorted(seen))


def _location(document: Document, raw: tuple[int | str, ...]) -> Location:
    """Pydantic's location, cut to what stands in the file (it adds words such as `[key]`)."""
    location: Location = ()
    value: object = document.data
    for part in raw:
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
        if inside:
            value = value[part]  # type: ignore[index]  # the line above asked
        elif isinstance(value, dict) and part != "[key]":
            return (*location, part)
        else:
            break
        location = (*location, part)
    return location


def _words(kind: str, message: str, value: object, location: Location) -> str:
    shown = f"{value!r:.80}: " if isinstance(value, str) else ""
    if kind == "missing":
        return "the key is missing; add it."
    if kind == "extra_forbidden":
        return "the key is unknown; see docs/runbook.md for every key, or remove it."
    if kind == "string_pattern_mismatch":
        return f"{shown}this is no source server; write an id such as s-5f3ddf07c0eb9fe45."
    if kind == "literal_error" and location[:1] == ("snapshots",):
        return f"{shown}this value is not supported yet; write {message.rpartition(' ')[2]}."
    if kind in {"none_required", "dict_type", "tuple_type", "string_type", "model_type"}:
        return f"{shown}{message[0].lower()}{message[1:]}; look at the example in docs/runbook.md."
    return f"{shown}{message[0].lower()}{message[1:]}."


def _contradictions(spec: RunbookSpec) -> list[tuple[Location, str]]:
    found = [*_group_faults(spec), *_wave_faults(spec)]
    if len(spec.sites) > 1:
        found.append((("sites",), "more than one site is not supported yet; keep one."))
    return found


def _group_faults(spec: RunbookSpec) -> list[tuple[Location, str]]:
    found: list[tuple[Location, str]] = []
    owner: dict[str, str] = {}
    for name, group in spec.groups.items():
        select = group.select
        if bool(select.tags) == bool(select.servers):
            found.append((("groups", name, "select"), "write either tags or servers, with at least one entry."))
        if group.expect is not None and select.servers and group.expect != len(select.servers):
            found.append(
                (
                    ("groups", name, "expect"),
                    f"{group.expect} is expected, and {len(select.servers)} servers are listed.",
                )
            )
        for index, server in enumerate(select.servers):
            if server in owner:
                where = (
                    "twice in this group"
                    if owner[server] == name
                    else f"in group {owner[server]}, too; a server is in one group at most"
                )
                found.append((("groups", name, "select", "servers", index), f"{server} is {where}. Remove one."))
            owner.setdefault(server, name)
    return found


def _wave_faults(spec: RunbookSpec) -> list[tuple[Location, str]]:
    found: list[tuple[Location, str]] = []
    names: dict[str, int] = {}
    used: dict[str, str] = {}
    for index, wave in enumerate(spec.waves):
        if wave.name in names:
            found.append(
                (
                    ("waves", index, "name"),
                    f"{wave.name!r} names wave {names[wave.name] + 1}, too. Choose another name.",
                )
            )
        names.setdefault(wave.name, index)
        for position, group in enumerate(wave.groups):
            location: Location = ("waves", index, "groups", position)
            if group not in spec.groups:
                known = ", ".join(spec.groups)
                found.append((location, f"there is no group {group!r}. Known: {known}."))
            elif group in used:
                found.append((location, f"group {group!r} is in wave {used[group]!r} already. A group is in one wave."))
            used.setdefault(group, wave.name)
    needs = _needs(spec)
    for index, wave in enumerate(spec.waves):
        for position, need in enumerate(wave.needs or ()):
            if need not in names:
                found.append(
                    (("waves", index, "needs", position), f"there is no wave {need!r}. Known: {', '.join(names)}.")
                )
    cycle = find_cycle(needs) if not found else ()
    if cycle:
        found.append(
            (
                ("waves", names[cycle[0]], "needs"),
                f"the waves wait for each other: {' -> '.join(cycle)}. Remove one need.",
            )
        )
    return found


def _needs(spec: RunbookSpec) -> dict[str, tuple[str, ...]]:
    """Each wave's needs: as written, else the wave before it."""
    needs: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for wave in spec.waves:
        needs[wave.name] = before if wave.needs is None else tuple(dict.fromkeys(wave.needs))
        before = (wave.name,)
    return needs


def _approval(spec: ApproveSpec | None) -> Approval | None:
    if spec is None:
        return None
    return Approval(text=spec.text, timeout=spec.timeout, on_timeout=spec.on_timeout)


def _build(spec: RunbookSpec, document: Document) -> Runbook:
    (site,) = spec.sites.values()
    needs = _needs(spec)
    groups = tuple(
        ProtectionGroup(
            group_id=f"{spec.plan}.{name}", name=name, plan_id=spec.plan, region=site.region,
            tags=group.select.tags, servers=group.select.servers, expect=group.expect,
        )
        for name, group in spec.groups.items()
    )  # fmt: skip
    waves = tuple(
        Wave(
            name=wave.name, groups=tuple(f"{spec.plan}.{name}" for name in wave.groups), needs=needs[wave.name],
            rto=wave.rto,
            approval=_approval(wave.approve), optional=wave.optional,
            max_failed=wave.max_failed, on_failure=wave.on_failure, timeout=wave.timeout,
        )
        for wave in spec.waves
    )  # fmt: skip
    plan = RecoveryPlan(
        plan_id=spec.plan, description=spec.description, owners=spec.owners, procedure=spec.procedure,
        targets=Targets(rto=spec.targets.rto, rpo=spec.targets.rpo), region=site.region, waves=waves,
        cleanup=CleanupPolicy(after=spec.cleanup.after, headless=CleanUp(spec.cleanup.headless)),
    )  # fmt: skip
    lines = {spell(location): line for location, line in document.lines.items() if location}
    return Runbook(source=document.source, lines=lines, plan=plan, groups=groups)
