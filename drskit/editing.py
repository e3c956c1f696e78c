"""Editing a running execution: what a person writes about a wave, as the command that says so.

Written as in a runbook: keys of the wave with their new values, beside them the
servers that come and go. It is held against the runbook's own rules, DRS and
the relaunch guard before it is recorded; the engine carries it out, or refuses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drskit.addressees import target
from drskit.amending import basis_of, changes_of, not_editable
from drskit.authorization import unauthorised
from drskit.bounds import shortened
from drskit.errors import GuardRefused, InvalidInput, InvalidRunbook, NotAuthorized, Refused
from drskit.guard import obstacles, survey
from drskit.model import (
    AppliedGroup,
    CommandKind,
    Execution,
    ExecutionType,
    Runbook,
    ServerRun,
    SourceServer,
    Wave,
    WaveEdit,
    WaveRun,
)
from drskit.orders import obey
from drskit.planning import Resolved, refuse_unready, resolve
from drskit.runbook import understand
from drskit.session import Session
from drskit.snapshots import choose
from drskit.yamlfile import Data, Document, YamlFault, read_text

EDITABLE: Mapping[str, tuple[str, ...]] = {
    "approve": ("approval",),
    "timeout": ("timeout",),
    "checks": ("checks",),
    "before": ("before",),
    "after": ("after",),
    "order": ("order",),
    "optional": ("optional",),
    "max_failed": ("max_failed", "max_failed_percent"),
}
"""The keys of a wave that can be edited, and the fields of the plan that each is."""
MOST_ADDED = 100
NAMED = 5
"""How many servers an error names."""
SHOWN = 60
HERE = "edit"


@dataclass(frozen=True)
class Wanted:
    """What a person writes about a wave."""

    keys: Mapping[str, Data] = field(default_factory=dict)
    """As in a runbook."""
    drop: tuple[str, ...] = ()
    """Keys that are to be as if they were not there."""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


def wanted(text: str, **lists: Iterable[str]) -> Wanted:
    """What a text says: a mapping of a wave's keys; `add`, `remove` and `drop` beside them are lists.

    Args:
        text: YAML, such as `timeout: PT2H`; may be empty.
        lists: more of `add`, `remove` and `drop`.

    Raises:
        InvalidInput: it is no mapping, or names a key that cannot be edited.
    """
    data = _mapping(text)
    words = {name: (*_words(data.pop(name, []), name), *lists.get(name, ())) for name in ("add", "remove", "drop")}
    for key in (*data, *words["drop"]):
        if key not in EDITABLE:
            known = ", ".join(EDITABLE)
            raise InvalidInput(f"{key!r} of a wave cannot be edited. Known: {known}; add, remove and drop are lists.")
    both = sorted(set(data) & set(words["drop"]))
    if both:
        raise InvalidInput(f"{both[0]} is both set and dropped. Keep one.")
    found = Wanted(data, **words)
    if found == Wanted():
        raise InvalidInput(
            "Nothing is named to change. Write a key such as timeout: PT2H, or servers to add or remove."
        )
    return found


def _mapping(text: str) -> dict[str, Data]:
    if not text.strip():
        return {}
    try:
        data = read_text(text, source=HERE).data
    except YamlFault as fault:
        raise InvalidInput(str(fault)) from fault
    if not isinstance(data, dict):
        raise InvalidInput(
            f"{text.strip()[:80]!r} says nothing of a wave. Write keys with values, such as timeout: PT2H."
        )
    return data


def _words(value: Data, name: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(str(word) for word in value)
    raise InvalidInput(f"{name} is a list. Write for example {name}: [s-5f3ddf07c0eb9fe45].")


def edit(session: Session, execution_id: str, wave: str | None, what: Wanted, *, reason: str) -> Execution:
    """Record an edit of a wave that has not started; the engine carries it out at its next pass.

    Raises:
        NotFound: there is no such execution or wave.
        InvalidInput: a value is none that a runbook may have there, or no reason is given.
        Refused: the wave has started, a server is not the plan's or is in another wave, or another person was to
            approve it.
        GuardRefused: a launch of an added server would destroy what somebody needs.
        NotAuthorized: it is a recovery, and a server that is added is not what was authorised.
    """
    execution = _as_told(session.store.load(execution_id), session.store.now())
    name = target(execution, CommandKind.EDIT, wave, ())
    plan_wave = next(one for one in execution.plan.waves if one.name == name)
    run = execution.wave(plan_wave.name)
    complaint = not_editable(execution, run)
    if complaint is not None:
        raise Refused(f"Execution {execution_id}: {complaint}.")
    _refuse_strange(run, what.remove)
    made = WaveEdit(
        wave=_as_written(execution, plan_wave, what), basis=basis_of(plan_wave, run), removed=what.remove,
        **_added(session, execution, run, what.add),
    )  # fmt: skip
    return session.command(execution_id, CommandKind.EDIT, reason=reason, wave=name, edit=made)


def _refuse_strange(run: WaveRun, names: tuple[str, ...]) -> None:
    """What is to go must be there."""
    has = [server.source_server_id for server in run.servers]
    strange = [name for name in names if name not in has]
    if strange:
        more = f" and {len(has) - NAMED} more" if len(has) > NAMED else ""
        name = shortened(strange[0].strip(), SHOWN) or "An empty name"
        raise Refused(
            f"{name} is not in wave {run.wave_name}. It has {', '.join(has[:NAMED])}{more}; "
            "name each that is to go by itself."
        )


def changes_recorded(execution: Execution) -> tuple[str, ...]:
    """What the last command of an execution, an edit, changes of what was told before it; a clause each."""
    *earlier, last = execution.commands
    before = _as_told(execution.model_copy(update={"commands": tuple(earlier)}), last.at)
    plan_wave = next(one for one in before.plan.waves if one.name == last.wave_name)
    return changes_of(plan_wave, last.edit) if last.edit else ()


def _as_told(execution: Execution, now: datetime) -> Execution:
    """The execution as it will be once all that was told it is obeyed: what comes next is about that."""
    for _ in execution.commands:
        execution = obey(execution, now)
    return execution


def _as_written(execution: Execution, plan_wave: Wave, what: Wanted) -> Wave:
    """The wave with the new values, each held against the runbook's rules; what goes is named no more."""
    plan = execution.plan
    groups: dict[str, Data] = {group.removeprefix(f"{plan.plan_id}."): {"select": {"tags": {"a": "b"}}}
                               for group in plan_wave.groups}  # fmt: skip
    wave: dict[str, Data] = {"name": plan_wave.name, "groups": list(groups), **what.keys}
    sites: Data = {"here": {"region": plan.region}}
    data: Data = {"version": "1", "plan": plan.plan_id, "sites": sites, "groups": groups, "waves": [wave]}
    try:
        (written,) = understand(Document(HERE, data, {})).plan.waves
    except InvalidRunbook as error:
        raise InvalidInput("\n".join(map(_bare, error.complaints))) from error
    names = [name for key in (*what.keys, *what.drop) for name in EDITABLE[key]]
    values: dict[str, Any] = {name: getattr(plan_wave, name) for name in Wave.model_fields}
    values |= {name: getattr(written, name) for name in names}
    gone = set(what.remove)
    if "order" not in what.keys:
        steps = (tuple(one for one in step if one not in gone) for step in values["order"])
        values["order"] = tuple(step for step in steps if step)
    if "optional" not in what.keys:
        values["optional"] = tuple(one for one in values["optional"] if one not in gone)
    return Wave(**values)


def _bare(complaint: str) -> str:
    """A complaint about a runbook as one about an edit, in which a key goes by being dropped."""
    return complaint.removeprefix(f"{HERE}:1: ").removeprefix("waves[0].").replace("remove the key", "drop the key")


def _added(session: Session, execution: Execution, run: WaveRun, names: tuple[str, ...]) -> dict[str, Any]:
    """The servers that come in, as an execution has them, with the groups that they are of."""
    if not names:
        return {}
    if len(names) > MOST_ADDED:
        raise InvalidInput(f"{len(names)} servers are to be added; {MOST_ADDED} go into one edit. Make several.")
    here = {server.source_server_id for server in run.servers}
    there = [name for name in names if name in here]
    if there:
        raise Refused(f"{there[0]} is in wave {run.wave_name} already.")
    recovery = session.recovery(execution.region)
    homes = _homes(session, execution, recovery.source_servers())
    strange = [name for name in names if name not in homes]
    if strange:
        raise Refused(
            f"{', '.join(strange[:5])} is in no protection group of plan {execution.plan_id}. Tag it as a group of the "
            "plan asks for, or apply a runbook that names it."
        )
    servers = tuple(homes[name][1] for name in names)
    refuse_unready((Resolved(homes[names[0]][0].group, servers),))
    runbook = Runbook(source=f"execution {execution.execution_id}", plan=execution.plan, groups=())
    pins = choose(runbook, recovery, servers, session.store.now())
    _refuse_unauthorised(session, execution, names, {name: pin.snapshot_id for name, pin in pins.items()})
    recovers = execution.execution_type is ExecutionType.RECOVERY
    faults = obstacles(names, survey(recovery, names), execution.replace, for_real=recovers)
    blocked = [f"{name}: {text}" for name, text in faults.items() if text]
    if blocked:
        raise GuardRefused("\n".join(blocked))
    runs = tuple(
        ServerRun(
            source_server_id=server.source_server_id, name=server.name, snapshot=pins.get(server.source_server_id)
        )
        for server in servers
    )
    return {"added": runs, "groups": {name: homes[name][0].group.group_id for name in names}}


def _homes(
    session: Session, execution: Execution, servers: tuple[SourceServer, ...]
) -> dict[str, tuple[AppliedGroup, SourceServer]]:
    """By source server: the group of the plan that means it now, and the server."""
    groups = {group for wave in execution.plan.waves for group in wave.groups}
    stored = [one for one in session.store.list_groups() if one.group.group_id in groups]
    return {server.source_server_id: (one, server) for one in stored for server in resolve(one.group, servers).servers}


def _refuse_unauthorised(
    session: Session, execution: Execution, names: tuple[str, ...], pins: Mapping[str, str]
) -> None:
    """Of a recovery nothing is launched that was not authorised, whoever adds it."""
    if execution.execution_type is not ExecutionType.RECOVERY or execution.authority is None:
        return
    found = session.store.get_authorization(execution.authority.authorization_id)
    complaint = unauthorised(execution, names, pins, found)
    if complaint is not None:
        raise NotAuthorized(f"Execution {execution.execution_id}: {complaint}. Recover it by a token of its own.")
