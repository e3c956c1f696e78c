"""From a runbook to the tables, and from the tables to an execution.

Groups are resolved against the servers that DRS has now: at every apply and
again at every start. What is refused here is refused before anything is written.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from drskit.errors import InvalidRunbook, Refused
from drskit.model import (
    AppliedGroup,
    AppliedPlan,
    Authority,
    ChangeRecord,
    Execution,
    ExecutionType,
    GroupRun,
    Mode,
    ProtectionGroup,
    RecoveryPlan,
    RecoverySnapshot,
    Runbook,
    ServerRun,
    SourceServer,
    Wave,
    WaveRun,
)
from drskit.money import BudgetRun
from drskit.timelimit import deadline_of

SHOWN_LENGTH = 160


@dataclass(frozen=True)
class Resolved:
    """A group and the servers that it means now, in the order of DRS's listing or of the file."""

    group: ProtectionGroup
    servers: tuple[SourceServer, ...]
    missing: tuple[str, ...] = ()
    """Servers that the group lists and DRS does not have."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The servers' ids."""
        return tuple(server.source_server_id for server in self.servers)


def resolve(group: ProtectionGroup, servers: Iterable[SourceServer]) -> Resolved:
    """The servers that a group means: those it lists, or those that carry all its tags."""
    if group.servers:
        known = {server.source_server_id: server for server in servers}
        found = tuple(known[server_id] for server_id in group.servers if server_id in known)
        return Resolved(group, found, tuple(server_id for server_id in group.servers if server_id not in known))
    wanted = group.tags.items()
    return Resolved(group, tuple(server for server in servers if wanted <= server.tags.items()))


def check_resolution(runbook: Runbook, resolved: Iterable[Resolved], others: Iterable[AppliedGroup] = ()) -> None:
    """Hold the servers of a runbook's groups against its rules and against the groups of other plans.

    Raises:
        InvalidRunbook: an empty group, an unknown server, a server in two groups, a wave that
            names a server of none of its groups.
    """
    found = tuple(resolved)
    complaints = [complaint for part in found for complaint in _group_complaints(runbook, part)]
    complaints += _shared_servers(runbook, found, others)
    complaints += _strays(runbook, found)
    if complaints:
        raise InvalidRunbook(tuple(complaints))


def _group_complaints(runbook: Runbook, part: Resolved) -> Iterable[str]:
    group = part.group
    for server_id in part.missing:
        key = f"groups.{group.name}.select.servers[{group.servers.index(server_id)}]"
        message = f"DRS has no source server {server_id} in {group.region}. Correct the id, or remove it."
        yield runbook.complaint(key, message)
    if not part.servers and not part.missing:
        tags = ", ".join(f"{key}={value}" for key, value in group.tags.items())
        message = f"no source server in {group.region} has the tags {tags}. Correct the tags, or tag the servers."
        yield runbook.complaint(f"groups.{group.name}.select", message)


def _shared_servers(runbook: Runbook, found: Iterable[Resolved], others: Iterable[AppliedGroup]) -> list[str]:
    owner = {
        server_id: applied.group.group_id
        for applied in others
        if applied.group.plan_id != runbook.plan.plan_id
        for server_id in applied.resolved
    }
    complaints = []
    for part in found:
        for server_id in part.ids:
            if server_id in owner:
                rule = "a server is in one group at most. Narrow one of them."
                message = f"{server_id} is in group {owner[server_id]}, too; {rule}"
                complaints.append(runbook.complaint(f"groups.{part.group.name}.select", message))
            owner.setdefault(server_id, part.group.group_id)
    return complaints


def _strays(runbook: Runbook, found: Iterable[Resolved]) -> list[str]:
    """Servers that a key names and that are in no group, or in none of its wave's."""
    members = {part.group.group_id: set(part.ids) for part in found}
    complaints = []
    for number, wave in enumerate(runbook.plan.waves):
        inside = set().union(*(members.get(group_id, set()) for group_id in wave.groups))
        named = [(f"optional[{position}]", server_id) for position, server_id in enumerate(wave.optional)]
        named += [
            (f"order[{step}][{position}]", server_id)
            for step, server_ids in enumerate(wave.order)
            for position, server_id in enumerate(server_ids)
        ]
        for key, server_id in named:
            if server_id not in inside:
                message = f"{server_id} is in no group of wave {wave.name}. Correct the id, or remove it."
                complaints.append(runbook.complaint(f"waves[{number}].{key}", message))
    everywhere = set().union(*members.values())
    complaints += [
        runbook.complaint(
            f"snapshots.servers.{server_id}", f"{server_id} is in no group. Correct the id, or remove the line."
        )
        for server_id in runbook.plan.snapshots.servers
        if server_id not in everywhere
    ]
    return complaints


# --- apply -----------------------------------------------------------------------------------------------------------


def applied(
    runbook: Runbook, resolved: Iterable[Resolved], before: AppliedPlan | None, *, by: str, at: datetime
) -> tuple[AppliedPlan, tuple[AppliedGroup, ...]]:
    """A runbook as the tables are to hold it."""
    version = (before.version if before else 0) + 1
    plan = AppliedPlan(
        plan=runbook.plan, digest=runbook.digest, version=version, applied_at=at, applied_by=by, source=runbook.source,
        active_execution_id=before.active_execution_id if before else None,
    )  # fmt: skip
    groups = tuple(
        AppliedGroup(group=part.group, resolved=part.ids, version=version, applied_at=at, applied_by=by)
        for part in resolved
    )
    return plan, groups


def difference(
    before: AppliedPlan | None,
    groups_before: Mapping[str, AppliedGroup],
    runbook: Runbook,
    resolved: Iterable[Resolved],
) -> tuple[str, ...]:
    """What an apply would change, a line each; empty when nothing."""
    lines: list[str] = []
    if before is None:
        lines.append(f"plan {runbook.plan.plan_id}: new, with {len(runbook.plan.waves)} waves")
    else:
        lines += _fields(f"plan {runbook.plan.plan_id}", before.plan, runbook.plan)
    seen = set()
    for part in resolved:
        group_id = part.group.group_id
        seen.add(group_id)
        old = groups_before.get(group_id)
        if old is None:
            lines.append(f"group {group_id}: new, with {len(part.servers)} servers")
            continue
        lines += _fields(f"group {group_id}", old.group, part.group)
        lines += [f"group {group_id}: + {server_id}" for server_id in part.ids if server_id not in old.resolved]
        lines += [f"group {group_id}: - {server_id}" for server_id in old.resolved if server_id not in part.ids]
    lines += [f"group {group_id}: removed" for group_id in groups_before if group_id not in seen]
    return tuple(lines)


def _fields(name: str, old: RecoveryPlan | ProtectionGroup, new: RecoveryPlan | ProtectionGroup) -> list[str]:
    before, after = old.to_json(), new.to_json()
    lines = []
    for key in after:
        if before.get(key) == after[key]:
            continue
        waves = key == "Waves" and _waves(name, before.get(key) or [], after[key])
        lines += waves or [f"{name}: {key} changes{_from_to(before.get(key), after[key])}"]
    return lines


def _waves(name: str, before: list[dict[str, object]], after: list[dict[str, object]]) -> list[str]:
    """What changes of each wave, by its name."""
    old, new = ({str(wave["Name"]): wave for wave in waves} for waves in (before, after))
    lines = [f"{name}: wave {wave}: new" for wave in new if wave not in old]
    lines += [f"{name}: wave {wave}: removed" for wave in old if wave not in new]
    for wave in new:
        for key, value in new[wave].items():
            if wave in old and old[wave].get(key) != value:
                lines.append(f"{name}: wave {wave}: {key} changes{_from_to(old[wave].get(key), value)}")
    if [wave for wave in old if wave in new] != [wave for wave in new if wave in old]:
        lines.append(f"{name}: the waves stand in another order")
    return lines


def _from_to(old: object, new: object) -> str:
    """Both values, where they are short enough to be read in a line."""
    before, after = (json.dumps(value, ensure_ascii=False) for value in (old, new))
    return f" from {before} to {after}" if len(before) + len(after) <= SHOWN_LENGTH else ""


# --- start -----------------------------------------------------------------------------------------------------------


def execution_id_for(plan_id: str, key: str | None, fresh: str) -> str:
    """The ExecutionId of a start: a new ULID, or for a key always the same one."""
    if key is None:
        return fresh
    return str(ULID.from_bytes(hashlib.sha256(f"{plan_id}\0{key}".encode()).digest()[:16]))


def fresh_id(now: datetime) -> str:
    """A new ULID for a time."""
    return str(ULID.from_datetime(now))


def new_execution(
    plan: AppliedPlan,
    groups: Mapping[str, AppliedGroup],
    resolved: Iterable[Resolved],
    *,
    execution_id: str,
    mode: Mode,
    account_id: str,
    started_by: str,
    at: datetime,
    key: str | None = None,
    replace: tuple[str, ...] = (),
    fast: bool = False,
    snapshots: Mapping[str, RecoverySnapshot] | None = None,
    change: ChangeRecord | None = None,
    budget: BudgetRun | None = None,
    authority: Authority | None = None,
) -> Execution:
    """An execution of the applied plan, with its servers as they are now: a drill, unless it is authorised for real.

    Raises:
        Refused: a server cannot be launched; one such server would refuse the whole request.
    """
    found = {part.group.group_id: part for part in resolved}
    refuse_unready(found.values())
    pins = snapshots or {}
    return Execution(
        execution_id=execution_id, plan_id=plan.plan.plan_id, mode=mode, authority=authority,
        execution_type=ExecutionType.DRILL if authority is None else ExecutionType.RECOVERY,
        start_time=at, key=key, account_id=account_id,
        region=plan.plan.region, started_by=started_by, plan=plan.plan, plan_version=plan.version,
        digest=plan.digest, replace=replace, fast=fast,
        change=change, budget=budget,
        groups=tuple(_group_run(part, groups[group_id]) for group_id, part in found.items()),
        deadline=deadline_of(plan.plan, at),
        waves=tuple(
            WaveRun(wave_name=wave.name, servers=_server_runs(tuple(found[name] for name in wave.groups), wave, pins))
            for wave in plan.plan.waves
        ),
    )  # fmt: skip


def _server_runs(parts: Iterable[Resolved], wave: Wave, pins: Mapping[str, RecoverySnapshot]) -> tuple[ServerRun, ...]:
    return tuple(
        ServerRun(
            source_server_id=server.source_server_id,
            name=server.name,
            critical=server.source_server_id not in wave.optional,
            snapshot=pins.get(server.source_server_id),
        )
        for part in parts
        for server in part.servers
    )


def _group_run(part: Resolved, before: AppliedGroup) -> GroupRun:
    return GroupRun(
        group_id=part.group.group_id,
        servers=part.ids,
        added=tuple(server_id for server_id in part.ids if server_id not in before.resolved),
        removed=tuple(server_id for server_id in before.resolved if server_id not in part.ids),
        expect=part.group.expect,
    )


def refuse_unready(parts: Iterable[Resolved]) -> None:
    """Refuse servers of which DRS has nothing to launch.

    Raises:
        Refused: naming them.
    """
    unready = [
        f"{server.name or server.source_server_id} ({server.source_server_id}) is {server.replication_state}"
        for part in parts
        for server in part.servers
        if not server.launchable
    ]
    if unready:
        raise Refused(
            f"{len(unready)} servers have no usable recovery point, and DRS refuses a launch request that holds one: "
            f"{'; '.join(unready)}. Mend their replication, or take them out of their group."
        )


def surprises(groups: Iterable[GroupRun]) -> tuple[str, ...]:
    """How the servers differ from the last apply and from what was expected; a line each."""
    lines = []
    for group in groups:
        if group.expect is not None and group.expect != len(group.servers):
            lines.append(f"group {group.group_id}: {group.expect} servers expected, {len(group.servers)} found")
        lines += [f"group {group.group_id}: {server_id} is new since the last apply" for server_id in group.added]
        lines += [f"group {group.group_id}: {server_id} is gone since the last apply" for server_id in group.removed]
    return tuple(lines)
