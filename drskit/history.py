"""The history of an execution: every change is an event.

Events are drawn from the difference of two states, so that no change of a status
can be written without one, and chained by hash, so that no event can be edited without
a trace (promise 4).
"""

from collections.abc import Iterator
from datetime import datetime

from drskit.model import Attempt, AttemptStatus, Event, Execution, ServerRun, WaveRun

SERVERS_PER_EVENT = 100
"""So that an event stays far below what an item may weigh, whatever happens to a large wave at once."""
ERROR_LENGTH = 1_000
"""How much of a server's error an event repeats, in characters; the job's log has it whole."""
Told = tuple[str, str | None, dict[str, object]]
"""Kind, actor (None: the one who writes), facts."""


def first_event(execution: Execution) -> tuple[Execution, Event]:
    """The event of an execution's creation, and the execution with it counted."""
    facts: dict[str, object] = {
        "PlanId": execution.plan_id,
        "ExecutionType": execution.execution_type.value,
        "Mode": execution.mode.value,
        "AccountId": execution.account_id,
        "Region": execution.region,
        "Digest": execution.digest,
        "Groups": [group.to_json() for group in execution.groups],
        "Replace": list(execution.replace),
        "Fast": execution.fast,
    }
    event = Event(
        sequence=1, time=execution.start_time, actor=execution.started_by, kind="EXECUTION_STARTED", facts=facts
    ).sealed("")
    return execution.model_copy(update={"events": 1, "head": event.hash}), event


def narrate(before: Execution, after: Execution, *, now: datetime, actor: str) -> tuple[Execution, tuple[Event, ...]]:
    """The events that tell the difference, and the later state with them counted and the version raised."""
    events: list[Event] = []
    head = before.head
    for kind, who, facts in _differences(before, after):
        event = Event(
            sequence=before.events + len(events) + 1, time=now, actor=who or actor, kind=kind, facts=facts
        ).sealed(head)
        head = event.hash
        events.append(event)
    counted = {"version": before.version + 1, "events": before.events + len(events), "head": head}
    return after.model_copy(update=counted), tuple(events)


def _differences(before: Execution, after: Execution) -> Iterator[Told]:
    yield from _commands(before, after)
    yield from _attempts(before, after)
    for old, new in zip(before.waves, after.waves, strict=True):
        if new is not old:
            yield from _wave(old, new)
    if (before.status, before.waiting_for) != (after.status, after.waiting_for):
        yield (
            "EXECUTION_CHANGED",
            None,
            {"From": before.status.value, "To": after.status.value, "WaitingFor": after.waiting_for},
        )


def _commands(before: Execution, after: Execution) -> Iterator[Told]:
    known = {command.command_id: command for command in before.commands}
    for command in after.commands:
        old = known.get(command.command_id)
        facts: dict[str, object] = {
            "CommandId": command.command_id,
            "Command": command.kind.value,
            "Wave": command.wave_name,
            "Reason": command.reason,
        }
        if old is None:
            yield "COMMAND_RECEIVED", command.by, facts
        elif old.acknowledged is None and command.acknowledged is not None:
            yield "COMMAND_ACKNOWLEDGED", None, {**facts, "By": command.by, "Answer": command.answer}


def _attempts(before: Execution, after: Execution) -> Iterator[Told]:
    known = {attempt.attempt_id: attempt for attempt in before.attempts}
    for attempt in after.attempts:
        old = known.get(attempt.attempt_id)
        if old is None:
            yield "ATTEMPT_INTENT", None, {**_attempt(attempt), "Servers": list(attempt.server_ids)}
        if old is None or old is attempt:
            continue
        if old.status is not attempt.status:
            kind = "REOPENED" if attempt.status is AttemptStatus.INTENT else attempt.status.value
            yield f"ATTEMPT_{kind}", None, {**_attempt(attempt), "JobId": attempt.job_id, "Reason": attempt.outcome}
        elif (old.job_status, old.end_time) != (attempt.job_status, attempt.end_time):
            facts = {**_attempt(attempt), "JobId": attempt.job_id, "From": old.job_status, "To": attempt.job_status}
            yield "JOB_CHANGED", None, facts
        elif (old.missing_since is None) is not (attempt.missing_since is None):
            kind = "JOB_MISSING" if attempt.missing_since else "JOB_FOUND"
            yield kind, None, {**_attempt(attempt), "JobId": attempt.job_id}
        elif old.outcome != attempt.outcome:
            yield "ATTEMPT_REFUSED", None, {**_attempt(attempt), "Reason": attempt.outcome}


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "Wave": attempt.wave_name,
        "Chunk": attempt.chunk,
        "Attempt": attempt.number,
        "AttemptId": attempt.attempt_id,
    }


def _wave(old: WaveRun, new: WaveRun) -> Iterator[Told]:
    if old.servers is not new.servers:
        moved = [
            _server(after)
            for before, after in zip(old.servers, new.servers, strict=True)
            if after is not before and _telling(before) != _telling(after)
        ]
        for start in range(0, len(moved), SERVERS_PER_EVENT):
            some = moved[start : start + SERVERS_PER_EVENT]
            yield "SERVERS_CHANGED", None, {"Wave": new.wave_name, "Servers": some}
    if old.status is not new.status:
        facts: dict[str, object] = {
            "Wave": new.wave_name,
            "From": old.status.value,
            "To": new.status.value,
            "Reason": new.reason,
        }
        if new.approved and not old.approved:
            facts["ApprovedBy"] = new.approved.by
        yield "WAVE_CHANGED", None, facts
    elif old.overridden is None and new.overridden is not None:
        yield "WAVE_OVERRIDDEN", new.overridden.by, {"Wave": new.wave_name, "Reason": new.overridden.reason}
    elif old.reason != new.reason:
        yield "WAVE_DELAYED", None, {"Wave": new.wave_name, "Reason": new.reason}


def _telling(server: ServerRun) -> tuple[object, ...]:
    """What of a server is worth an event."""
    return server.status, server.launch_status, server.recovery_instance_id, server.error, server.phases


def _server(server: ServerRun) -> dict[str, object]:
    phase = server.phases[-1].phase.value if server.phases else None
    return {
        "SourceServerId": server.source_server_id,
        "Name": server.name,
        "Status": server.status.value,
        "LaunchStatus": server.launch_status,
        "Phase": phase,
        "RecoveryInstanceId": server.recovery_instance_id,
        "Error": server.error if server.error is None else server.error[:ERROR_LENGTH],
    }
