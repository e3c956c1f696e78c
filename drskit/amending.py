"""What an edit makes of a wave that has not started.

An edit carries the wave as it is to be, and the digest of the wave as the
person saw it; it is carried out whole or not at all. The plan as it was started
is kept beside the one that is executed. Whoever edits a wave that waits for
somebody's yes, or that will, must be one who may say that yes: an edit opens no
door that an approval closes.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from drskit.approvers import may_not_approve
from drskit.bounds import shortened
from drskit.edit import changed, with_wave
from drskit.endings import being_ended
from drskit.model import (
    Command,
    Execution,
    ExecutionType,
    RecoveryPlan,
    ServerRun,
    Wave,
    WaveEdit,
    WaveRun,
    WaveStatus,
    digest_of,
)

NOT_STARTED = frozenset({WaveStatus.PENDING, WaveStatus.WAITING_APPROVAL})
WORDS = {"Approval": "approve", "MaxFailed": "max_failed", "MaxFailedPercent": "max_failed"}
"""What a runbook calls a field of a wave, where that is not its own name."""
SHOWN = 160
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word begins in a key of the plan."""


def basis_of(plan_wave: Wave, wave: WaveRun) -> str:
    """The digest of a wave as somebody sees it: what the plan says, and its servers."""
    servers = [server.source_server_id for server in wave.servers]
    return digest_of([plan_wave.model_dump(mode="json", by_alias=True, exclude_defaults=True), servers])


def amend(execution: Execution, command: Command, now: datetime) -> tuple[Execution, str, str | None]:
    """What the execution becomes and the answer; or why the wave cannot be edited so.

    A command that carries no edit asks only whether there could be one.
    """
    pairs = zip(execution.plan.waves, execution.waves, strict=True)
    pair = next((pair for pair in pairs if pair[1].wave_name == command.wave_name), None)
    if pair is None:
        return execution, "", f"there is no wave {command.wave_name}"
    complaint = not_editable(execution, pair[1])
    edit = command.edit
    if complaint is not None or edit is None:
        return execution, f"wave {command.wave_name} can be edited", complaint
    complaint = _complaint(execution, *pair, edit, command.by)
    if complaint is not None:
        return execution, "", complaint
    told = changes_of(pair[0], edit)
    return _amended(execution, *pair, edit, now), f"wave {command.wave_name}: {'; '.join(told)}", None


def not_editable(execution: Execution, wave: WaveRun) -> str | None:
    """Why nothing of this wave can be edited any more; None when something can."""
    if ending := being_ended(execution):
        return ending
    if wave.status not in NOT_STARTED:
        return f"wave {wave.wave_name} is {wave.status}; only what has not started can be edited"
    if execution.attempts_of(wave.wave_name):
        return f"servers of wave {wave.wave_name} were launched before; only what has not started can be edited"
    return None


def changes_of(before: Wave, edit: WaveEdit) -> tuple[str, ...]:
    """What an edit changes, a clause each; none when nothing."""
    named = {server.source_server_id: server.name for server in edit.added}
    lines = [f"adds {server_id}{f' {name}' if name else ''}" for server_id, name in named.items()]
    lines += [f"removes {server_id}" for server_id in edit.removed]
    return (*lines, *_fields(before, edit.wave))


def differences(execution: Execution) -> tuple[str, ...]:
    """How the plan as executed differs from the one that was started, a sentence each; none when nothing was edited."""
    if execution.applied is None:
        return ()
    started = {wave.name: wave for wave in execution.applied.waves}
    lines = []
    for wave, run in zip(execution.plan.waves, execution.waves, strict=True):
        first = {name for group in execution.groups if group.group_id in wave.groups for name in group.servers}
        now = {server.source_server_id: server for server in run.servers}
        clauses = [f"adds {name}" for name in now if name not in first]
        clauses += [f"removes {name}" for name in sorted(first) if name not in now]
        clauses += _fields(started[wave.name], wave)
        if clauses:
            lines.append(f"Wave {wave.name}: {'; '.join(clauses)}.")
    return tuple(lines)


def told(execution: Execution) -> str:
    """That it is executed otherwise than it was started, with both plans' digests, in a sentence."""
    version = f"version {execution.plan_version}, " if execution.plan_version is not None else ""
    if execution.started_plan.digest == execution.plan.digest:
        return (
            f"Edited while it ran: the plan reads as it was started ({version}{execution.plan.digest[:12]}); which "
            "servers came or went stands with the edits."
        )
    return (
        f"Edited while it ran: the plan as started ({version}{execution.started_plan.digest[:12]}) is not the one that "
        f"is executed ({execution.plan.digest[:12]})."
    )


def _fields(old: Wave, new: Wave) -> list[str]:
    before, after = old.to_json(), new.to_json()
    return [
        clause
        for key in after
        if after[key] != before[key]
        for clause in _differing(WORDS.get(key, _word(key)), before[key], after[key])
    ]


def _differing(name: str, before: object, after: object) -> Iterator[str]:
    """The parts of a key that differ, a clause each."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield f"{name}: {shortened(_written(after), SHOWN)}, not {shortened(_written(before), SHOWN)}"
        return
    for key in after:
        if after[key] != before.get(key):
            yield from _differing(f"{name}.{_word(key)}", before.get(key), after[key])


def _written(value: object) -> str:
    """A value as a runbook would have it, without what says nothing."""
    if isinstance(value, dict):
        told = {key: part for key, part in value.items() if part not in (None, [], {}, False)}
        return f"{{{', '.join(f'{_word(key)}: {_written(part)}' for key, part in told.items())}}}" if told else "none"
    if isinstance(value, list) and value:
        return f"[{', '.join(map(_written, value))}]"
    return {"True": "true", "False": "false", "None": "none", "[]": "none"}.get(str(value), str(value))


def _word(key: str) -> str:
    """A key of the plan as runbooks write it."""
    return WORD.sub("_", key).lower()


def _complaint(execution: Execution, plan_wave: Wave, wave: WaveRun, edit: WaveEdit, by: str) -> str | None:
    """Why this edit of a wave that may be edited is not carried out."""
    name = wave.wave_name
    if edit.basis != basis_of(plan_wave, wave):
        return f"wave {name} was changed since it was looked at; look at it again"
    if (edit.wave.name, edit.wave.groups, edit.wave.needs) != (name, plan_wave.groups, plan_wave.needs):
        return f"an edit of wave {name} changes neither its name nor its groups nor its needs"
    if not changes_of(plan_wave, edit):
        return f"wave {name} says so already"
    acts = (edit.wave.before, edit.wave.after) != (plan_wave.before, plan_wave.after)
    if acts and execution.execution_type is ExecutionType.RECOVERY:
        return f"what a recovery does before and after wave {name} was authorised as it is; an edit changes none of it"
    return _of_servers(execution, wave, edit) or _barred(execution, plan_wave, edit, by)


def _of_servers(execution: Execution, wave: WaveRun, edit: WaveEdit) -> str | None:
    """Why these servers do not make a wave."""
    name, removed = wave.wave_name, set(edit.removed)
    has = {server.source_server_id for server in wave.servers}
    where = {server.source_server_id: run.wave_name for run in execution.waves for server in run.servers}
    added = [server.source_server_id for server in edit.added]
    left = (has - removed) | set(added)
    taken = next((one for one in added if one in where), None)
    if taken is not None:
        return f"{taken} is in wave {where[taken]}; take it out there first"
    if len(set(added)) < len(added) or set(added) != set(edit.groups):
        return "a server that is added stands twice, or has no group"
    if removed - has:
        return f"{min(removed - has)} is not in wave {name}"
    if not left:
        return f"wave {name} would have no server; skip leaves a wave out"
    strange = sorted({*edit.wave.optional, *(one for step in edit.wave.order for one in step)} - left)
    return f"{strange[0]} is named by the wave's order or optional, and is not in it" if strange else None


def _barred(execution: Execution, plan_wave: Wave, edit: WaveEdit, by: str) -> str | None:
    """Why this person may not edit it: another one was to say yes to it, or to a server that it takes over."""
    homes = set(edit.groups.values())
    concerned = [
        wave for wave in execution.plan.waves if wave.name == plan_wave.name or homes.intersection(wave.groups)
    ]
    for wave in concerned:
        barred = may_not_approve(execution, wave.approval, by) if wave.approval else None
        if barred:
            return f"who edits wave {plan_wave.name} must be one who may approve wave {wave.name}: {barred}"
    return None


def _amended(execution: Execution, plan_wave: Wave, wave: WaveRun, edit: WaveEdit, now: datetime) -> Execution:
    plan = execution.plan
    waves = tuple(edit.wave if one.name == plan_wave.name else one for one in plan.waves)
    said = {name: getattr(plan, name) for name in RecoveryPlan.model_fields} | {"waves": waves}
    removed, optional = set(edit.removed), set(edit.wave.optional)

    def judged(server: ServerRun) -> ServerRun:
        return changed(server, critical=server.source_server_id not in optional)

    kept = tuple(judged(server) for server in wave.servers if server.source_server_id not in removed)
    waits = wave.status is WaveStatus.WAITING_APPROVAL
    dearer = execution.budget is not None and waits and (bool(edit.added) or edit.wave.approval is None)
    execution = with_wave(
        execution, wave.wave_name, servers=(*kept, *map(judged, edit.added)),
        unweighed=wave.unweighed or dearer, **_asked_anew(plan_wave, wave, edit, now),
    )  # fmt: skip
    return execution.model_copy(update={"plan": RecoveryPlan(**said), "applied": execution.started_plan})


def _asked_anew(plan_wave: Wave, wave: WaveRun, edit: WaveEdit, now: datetime) -> dict[str, object]:
    """A wave that waits for its approval is asked about again as it reads now; without one it begins."""
    if wave.status is not WaveStatus.WAITING_APPROVAL:
        return {}
    approval = edit.wave.approval
    if approval is None:
        return {"status": WaveStatus.PREPARING, "start_time": now, "approve_by": None}
    same = approval.timeout == (plan_wave.approval.timeout if plan_wave.approval else None)
    approve_by = wave.approve_by if same else now + approval.timeout if approval.timeout else None
    return {"approve_by": approve_by} if same else {"approve_by": approve_by, "waiting_since": now}
