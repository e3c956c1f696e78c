"""An execution as items, and back.

The **header** carries what a dashboard shows and is the only item of an
execution with `Status` and `StartTime`, so the only one in an index. Everything
else is a child item under the same ExecutionId; its PlanId contains `#`:

    shop                         the header
    shop#PLAN                    the frozen plan, and what was said at the start
    shop#HELD                    who paused the execution, while it is paused
    shop#DEADLINE                when the plan's time is over, if it has a timeout
    shop#CHANGE                  under which change it was started, if its plan asks
    shop#KEPT                    of a cleanup: the instances that it leaves alone
    shop#GROUP#0001              a group as resolved at the start
    shop#WAVE#0001               a wave without its servers
    shop#SERVERS#0001#0001       at most 100 servers of it, fewer where each has checks
    shop#ATTEMPT#<AttemptId>
    shop#TASK#<TaskId>           a run of an action
    shop#COMMAND#<CommandId>
    shop#NOTICES#0001            at most 20 notices of what happened
    ~EVENT#000000000001          events of one commit, by the first one's sequence
    ~EVENT#000000000001@<WriteId>#0001
                                 more of them, when they are too many for one transaction
    ~LOG#<JobId>#0001            a job's log

Plan ids begin with a letter or digit, and `~` sorts after both: everything
below `~` is the execution, everything from it on is history. So one Query loads
an execution without its history.

The header's `Seal` is the sum of its children's `Stamp`s, which are hashes of
their content. A Query that met a transaction half-way does not add up.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, TypeVar

from pydantic import ValidationError

from drskit.bounds import HEADER_BYTES, servers_at_once
from drskit.errors import Malformed
from drskit.model import (
    Cadence,
    Execution,
    ExecutionHeader,
    JobSummary,
    Outstanding,
    Record,
    WaveRun,
    WaveSummary,
)
from drskit.running import launched_set
from drskit.store.attributes import Item, from_item, item_bytes, to_item

SCHEMA = 1
"""The version of this layout; an item of a later one is neither read nor set aside: a newer drskit reads it."""
HISTORY = "~"
ALONE: Mapping[str, type] = {
    "applied": dict, "held": dict, "deadline": dict, "change": dict, "authority": dict, "typed": str, "kept": list,
    "reminder": str, "budget": dict,
}  # fmt: skip
"""What of an execution has an item of its own, under its name, where there is any; and what it is as JSON."""
NOTICES_PER_ITEM = 20
OUTBOX = "OUTBOX"
"""Under this ExecutionId stands an item for each execution that is over and has something to tell."""
R = TypeVar("R", bound=Record)
T = TypeVar("T")
HEADER_NAMES = ("ExecutionId", "PlanId", "ExecutionType", "Mode", "Status", "AccountId", "Region", "StartedBy")
HEADER_NUMBERS = ("StartTime", "Version")
SUMMARY_BYTES = HEADER_BYTES - 256
"""The rest is for what the store itself adds."""

Parts = dict[str, dict[str, Any]]
"""Key suffix -> attribute name -> a record, several, or a plain value; not encoded yet."""


# --- keys ------------------------------------------------------------------------------------------------------------


def item_key(execution_id: str, plan_id: str) -> str:
    """How an execution's header is named in a `Malformed`."""
    return f"{execution_id}/{plan_id}"


def child_key(plan_id: str, suffix: str, generation: str | None) -> str:
    """A child's PlanId."""
    return f"{plan_id}#{suffix}" + (f"@{generation}" if generation else "")


def event_key(sequence: int, write_id: str = "", part: int = 0) -> str:
    """The PlanId of the item whose first event has this sequence number, or of a part that it names."""
    return f"~EVENT#{sequence:012d}" + (f"@{write_id}#{part:04d}" if write_id else "")


def log_key(job_id: str, part: int) -> str:
    """The PlanId of a part of a job's log."""
    return f"~LOG#{job_id}#{part:04d}"


def outbox_key(execution_id: str) -> dict[str, str]:
    """The key of what a finished execution has to tell."""
    return {"ExecutionId": OUTBOX, "PlanId": f"#OUTBOX#{execution_id}"}


def outstanding(execution: Execution) -> Outstanding | None:
    """What the outbox holds of an execution: nothing while it lives, or has nothing to tell."""
    due = execution.notify_due
    if execution.end_time is None or due is None:
        return None
    return Outstanding(
        execution_id=execution.execution_id, account_id=execution.account_id, region=execution.region, due=due
    )


# --- children --------------------------------------------------------------------------------------------------------


def parts(execution: Execution) -> Parts:
    """The children of an execution, cheap to make and to compare."""
    found: Parts = {"PLAN": {"Plan": execution.plan, "Replace": execution.replace, "Fast": execution.fast}}
    if execution.plan_version is not None:
        found["PLAN"]["PlanVersion"] = execution.plan_version
    for name in ALONE:
        value = getattr(execution, name)
        if value:
            found[name.upper()] = {name.capitalize(): value}
    found |= {f"GROUP#{number:04d}": {"Group": group} for number, group in enumerate(execution.groups, 1)}
    checks = {wave.name: wave.checks for wave in execution.plan.waves}
    for number, wave in enumerate(execution.waves, 1):
        found |= dict(_wave_parts(number, wave, servers_at_once(checks.get(wave.wave_name))))
    return found | dict(_ordered_parts(execution))


def _ordered_parts(execution: Execution) -> Iterator[tuple[str, dict[str, Any]]]:
    for order, attempt in enumerate(execution.attempts, 1):
        yield f"ATTEMPT#{attempt.attempt_id}", {"Attempt": attempt, "Order": order}
    for order, task in enumerate(execution.tasks, 1):
        yield f"TASK#{task.task_id}", {"Task": task, "Order": order}
    for order, command in enumerate(execution.commands, 1):
        yield f"COMMAND#{command.command_id}", {"Command": command, "Order": order}
    for part, start in enumerate(range(0, len(execution.notices), NOTICES_PER_ITEM), 1):
        yield f"NOTICES#{part:04d}", {"Notices": execution.notices[start : start + NOTICES_PER_ITEM]}


def _wave_parts(number: int, wave: WaveRun, most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    yield f"WAVE#{number:04d}", {"Wave": wave.model_copy(update={"servers": ()})}
    for chunk, start in enumerate(range(0, len(wave.servers), most), 1):
        yield f"SERVERS#{number:04d}#{chunk:04d}", {"Servers": wave.servers[start : start + most]}


def content(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part as JSON values; absent ones are left out."""
    return {name: _plain(value) for name, value in part.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime) else value


def stamp(values: dict[str, Any]) -> int:
    """A 48-bit hash of a child's content."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:6], "big")


# --- the header ------------------------------------------------------------------------------------------------------


def header_of(execution: Execution) -> ExecutionHeader:
    """What a dashboard shows of an execution."""
    waves = tuple(_summary(execution, wave) for wave in execution.waves)
    shared = {name: getattr(execution, name) for name in ExecutionHeader.model_fields if name in Execution.model_fields}
    shared.pop("waves")
    return ExecutionHeader(**shared, waves=waves, notify_due=execution.notify_due, launched=launched_set(execution))


def _summary(execution: Execution, wave: WaveRun) -> WaveSummary:
    servers: dict[str, int] = {}
    for server in wave.servers:
        servers[server.status] = servers.get(server.status, 0) + 1
    jobs = tuple(
        JobSummary(
            job_id=attempt.job_id,
            attempt=attempt.number,
            creation_time=attempt.creation_time,
            end_time=attempt.end_time,
        )
        for attempt in execution.attempts_of(wave.wave_name)
        if attempt.job_id
    )
    return WaveSummary(
        wave_name=wave.wave_name,
        status=wave.status,
        start_time=wave.start_time,
        end_time=wave.end_time,
        servers=servers,
        jobs=jobs,
    )


def header_values(execution: Execution) -> dict[str, Any]:
    """The header's attributes; those that are None are absent in the table."""
    values = header_of(execution).to_json() | {
        "StartTime": int(execution.start_time.timestamp()),
        "Key": execution.key,
        "Digest": execution.digest,
        "Events": execution.events,
        "Head": execution.head,
        "Schema": SCHEMA,
        "WavesLeftOut": None,
    }
    room = SUMMARY_BYTES - item_bytes(to_item(values | {"Waves": []}))
    values["Waves"], left_out = fitted(values["Waves"], room)
    return values | {"WavesLeftOut": left_out or None}


def fitted(waves: list[dict[str, Any]], room: int) -> tuple[list[dict[str, Any]], int]:
    """The summaries in as much detail as fits, and how many had to be left out at the end.

    All waves lose their jobs first, then their counts; only then are the last ones left out. The children
    keep everything: what is cut here is missing from lists, never from the execution.
    """
    short = [wave | {"Jobs": []} for wave in waves]
    bare = [wave | {"Servers": {}} for wave in short]
    for form in (waves, short, bare):
        if item_bytes(to_item({"": form})) <= room:
            return form, 0
    none = item_bytes(to_item({"": []}))
    sizes = accumulate((item_bytes(to_item({"": [wave]})) - none for wave in bare), initial=none)
    kept = max(0, sum(size <= room for size in sizes) - 1)
    return bare[:kept], len(bare) - kept


def read_header(item: Item) -> ExecutionHeader:
    """An item as a header.

    Raises:
        Malformed: it is none that this version can read.
    """
    key = item_key(item["ExecutionId"].get("S", "?"), item["PlanId"].get("S", "?"))
    values = _header_record(key, item)
    return validated(ExecutionHeader, key, {name: values[name] for name in _HEADER_ALIASES if name in values})


_HEADER_ALIASES = tuple(str(field.alias) for field in ExecutionHeader.model_fields.values())


def record(key: str, item: Item) -> dict[str, Any]:
    """An item as plain values.

    Raises:
        Malformed: an attribute is of a kind that drskit never writes.
    """
    try:
        return from_item(item)
    except ValueError as error:
        raise Malformed(key, str(error)) from error


def listed(key: str, values: dict[str, Any], name: str) -> list[Any]:
    """The list that an item of the history carries.

    Raises:
        Malformed: there is none.
    """
    found = values.get(name)
    if not isinstance(found, list) or not found:
        raise Malformed(key, f"it has no {name}")
    return found


def read_cadence(item: Item, account_id: str, region: str) -> Cadence:
    """An item as the cadence of this place; attributes that a newer drskit added are passed over.

    Raises:
        Malformed: it is none, is another place's, or has no version that a condition could name.
    """
    key = item_key(item["ExecutionId"]["S"], item["PlanId"]["S"])
    if "N" not in item.get("Version", {}):
        raise Malformed(key, "it has no Version that is a number")
    values = record(key, item)
    cadence = validated(Cadence, key, {name: values[name] for name in _CADENCE_ALIASES if name in values})
    if (cadence.account_id, cadence.region) != (account_id, region):
        raise Malformed(key, f"it is the one of {cadence.account_id} in {cadence.region}")
    return cadence


_CADENCE_ALIASES = tuple(str(field.alias) for field in Cadence.model_fields.values())


def _header_record(key: str, item: Item) -> dict[str, Any]:
    _refuse_other_layout(key, item.get("Schema", {"N": str(SCHEMA)}))
    for names, kind in ((HEADER_NAMES, "S"), (HEADER_NUMBERS, "N")):
        for name in names:
            if name not in item:
                raise Malformed(key, f"it has no {name}")
            if kind not in item[name]:
                raise Malformed(key, f"{name} is of type {next(iter(item[name]), None)}, not {kind}")
    values = record(key, item)
    try:
        return values | {"StartTime": datetime.fromtimestamp(values["StartTime"], UTC)}
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(key, f"StartTime {values['StartTime']} is no time in epoch seconds") from error


def _refuse_other_layout(key: str, schema: Any) -> None:
    number = schema.get("N", "")
    if number == str(SCHEMA):
        return
    if number.isdigit() and int(number) > SCHEMA:
        raise Malformed(key, f"it was written by a newer drskit (layout {number}, this one reads {SCHEMA})")
    raise Malformed(key, f"Schema {next(iter(schema.values()), None)} is no layout of drskit")


# --- the whole -------------------------------------------------------------------------------------------------------


def assembled(items: Iterable[Item]) -> Execution | None:
    """An execution of its header and children; None when these do not add up to the header's seal.

    Raises:
        Malformed: an item cannot be read.
    """
    apart: dict[bool, list[Item]] = {False: [], True: []}
    for item in items:
        apart["#" in item["PlanId"]["S"]].append(item)
    (header, *_), children = apart[False], apart[True]
    key = item_key(header["ExecutionId"]["S"], header["PlanId"]["S"])
    values = _header_record(key, header)
    found = _by_suffix(children, values["PlanId"], values.get("Generation"))
    try:
        if values.get("Seal") != sum(_stamp_of(suffix, child) for suffix, child in found.items()):
            return None
        whole = {name: values[name] for name in _EXECUTION_ALIASES if name in values} | _gathered(_records(found))
    except ValueError as error:
        raise Malformed(key, str(error)) from error
    return validated(Execution, key, whole)


_EXECUTION_ALIASES = tuple(str(field.alias) for field in Execution.model_fields.values())


def _by_suffix(children: list[Item], plan_id: str, generation: Any) -> dict[str, Item]:
    """The children that the header counts as its own; others were left behind by a writer that died."""
    found = {}
    for child in children:
        suffix, _, written = child["PlanId"]["S"].removeprefix(f"{plan_id}#").partition("@")
        if written == (generation or "") and "Stamp" in child:
            found[suffix] = child
    return found


@dataclass(frozen=True)
class _Child:
    """A child item's values; asking for what is not there is a ValueError that names the item."""

    suffix: str
    values: dict[str, Any]

    def of(self, name: str, kind: type[T]) -> T:
        """The value of this name and kind."""
        value = self.values.get(name)
        if not isinstance(value, kind):
            message = f"its item {self.suffix} has no {name} that is a {kind.__name__}"
            raise ValueError(message)  # noqa: TRY004 - one error for all that is unreadable
        return value


def _stamp_of(suffix: str, child: Item) -> int:
    try:
        return int(child["Stamp"]["N"])
    except (KeyError, ValueError) as error:
        message = f"its item {suffix} has no Stamp that is a whole number"
        raise ValueError(message) from error


def _records(found: dict[str, Item]) -> list[_Child]:
    """The children by their suffixes."""
    children = []
    for suffix, child in sorted(found.items()):
        try:
            children.append(_Child(suffix, from_item(child)))
        except ValueError as error:
            message = f"its item {suffix}: {error}"
            raise ValueError(message) from error
    return children


def _gathered(children: list[_Child]) -> dict[str, Any]:
    def of(kind: str) -> list[_Child]:
        return [child for child in children if child.suffix.startswith(f"{kind}#")]

    waves = {child.suffix.partition("#")[2]: child.of("Wave", dict) | {"Servers": []} for child in of("WAVE")}
    for child in of("SERVERS"):
        number = child.suffix.split("#")[1]
        if number not in waves:
            message = f"its item {child.suffix} belongs to no wave"
            raise ValueError(message)
        waves[number]["Servers"] += child.of("Servers", list)
    plan = next((child for child in children if child.suffix == "PLAN"), _Child("PLAN", {}))
    alone = {child.suffix: child for child in children}
    return {
        "Plan": plan.of("Plan", dict),
        "Replace": plan.of("Replace", list),
        "Fast": plan.values.get("Fast", False),
        "PlanVersion": plan.values.get("PlanVersion"),
        **{
            name.capitalize(): alone[name.upper()].of(name.capitalize(), kind)
            for name, kind in ALONE.items()
            if name.upper() in alone
        },
        "Groups": [child.of("Group", dict) for child in of("GROUP")],
        "Waves": list(waves.values()),
        "Attempts": _ordered(of("ATTEMPT"), "Attempt"),
        "Tasks": _ordered(of("TASK"), "Task"),
        "Commands": _ordered(of("COMMAND"), "Command"),
        "Notices": [notice for child in of("NOTICES") for notice in child.of("Notices", list)],
    }


def _ordered(children: list[_Child], name: str) -> list[Any]:
    return [child.of(name, dict) for child in sorted(children, key=lambda child: child.of("Order", int))]


def validated(kind: type[R], key: str, values: dict[str, Any]) -> R:
    """A record of what an item holds.

    Raises:
        Malformed: it does not fit; the first complaint is named.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Malformed(key, f"{place}: {first['msg']}") from error
