"""What may become what.

The tables below are the only place that says so; "final", "needs attention" and
the README's diagram are computed from them. Nothing here reads a clock, a table
or the network. Two rules are no arrows and stand in `decide.py`: which waves may
begin, and what a failed wave does to the rest.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from drskit.model import AttemptStatus, Execution, ExecutionStatus, ServerStatus, WaveStatus

Status = TypeVar("Status", bound=StrEnum)

EXECUTION: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    ExecutionStatus.PENDING: frozenset({ExecutionStatus.POLLING, ExecutionStatus.CANCELLING}),
    ExecutionStatus.POLLING: frozenset(
        {
            ExecutionStatus.PAUSED,
            ExecutionStatus.CANCELLING,
            ExecutionStatus.COMPLETED,
            ExecutionStatus.PARTIAL,
            ExecutionStatus.FAILED,
            ExecutionStatus.TIMED_OUT,
        }
    ),
    ExecutionStatus.PAUSED: frozenset({ExecutionStatus.POLLING, ExecutionStatus.CANCELLING}),
    ExecutionStatus.CANCELLING: frozenset({ExecutionStatus.CANCELLED}),
    ExecutionStatus.COMPLETED: frozenset(),
    ExecutionStatus.PARTIAL: frozenset(),
    ExecutionStatus.FAILED: frozenset(),
    ExecutionStatus.TIMED_OUT: frozenset(),
    ExecutionStatus.CANCELLED: frozenset(),
}

WAVE: Mapping[WaveStatus, frozenset[WaveStatus]] = {
    WaveStatus.PENDING: frozenset({WaveStatus.WAITING_APPROVAL, WaveStatus.PREPARING, WaveStatus.CANCELLED}),
    WaveStatus.WAITING_APPROVAL: frozenset({WaveStatus.PREPARING, WaveStatus.CANCELLED}),
    WaveStatus.PREPARING: frozenset(
        {
            WaveStatus.QUEUED,
            WaveStatus.INITIATED,
            WaveStatus.VERIFYING,
            WaveStatus.TIMED_OUT,
            WaveStatus.CANCELLED,
        }
    ),
    WaveStatus.QUEUED: frozenset({WaveStatus.PREPARING, WaveStatus.TIMED_OUT, WaveStatus.CANCELLED}),
    WaveStatus.INITIATED: frozenset({WaveStatus.IN_PROGRESS, WaveStatus.VERIFYING, WaveStatus.TIMED_OUT}),
    WaveStatus.IN_PROGRESS: frozenset({WaveStatus.VERIFYING, WaveStatus.TIMED_OUT}),
    WaveStatus.VERIFYING: frozenset(
        {WaveStatus.COMPLETED, WaveStatus.PARTIAL, WaveStatus.FAILED, WaveStatus.TIMED_OUT}
    ),
    WaveStatus.COMPLETED: frozenset(),
    WaveStatus.PARTIAL: frozenset(),
    WaveStatus.FAILED: frozenset(),
    WaveStatus.TIMED_OUT: frozenset(),
    WaveStatus.SKIPPED: frozenset(),
    WaveStatus.CANCELLED: frozenset(),
}

ATTEMPT: Mapping[AttemptStatus, frozenset[AttemptStatus]] = {
    AttemptStatus.INTENT: frozenset({AttemptStatus.LAUNCHED, AttemptStatus.NOT_EXECUTED, AttemptStatus.FOREIGN}),
    AttemptStatus.LAUNCHED: frozenset(),
    AttemptStatus.NOT_EXECUTED: frozenset(),
    AttemptStatus.FOREIGN: frozenset({AttemptStatus.INTENT}),
}

SERVER: Mapping[ServerStatus, frozenset[ServerStatus]] = {
    ServerStatus.PENDING: frozenset({ServerStatus.LAUNCHING, ServerStatus.FAILED, ServerStatus.SKIPPED}),
    ServerStatus.LAUNCHING: frozenset({ServerStatus.LAUNCHED, ServerStatus.FAILED, ServerStatus.UNKNOWN}),
    ServerStatus.LAUNCHED: frozenset({ServerStatus.VERIFIED, ServerStatus.TERMINATED}),
    ServerStatus.VERIFIED: frozenset({ServerStatus.TERMINATED}),
    ServerStatus.UNKNOWN: frozenset({ServerStatus.LAUNCHING, ServerStatus.LAUNCHED, ServerStatus.FAILED}),
    ServerStatus.FAILED: frozenset(),
    ServerStatus.SKIPPED: frozenset(),
    ServerStatus.TERMINATED: frozenset(),
}


def final(table: Mapping[Status, frozenset[Status]]) -> frozenset[Status]:
    """The statuses that nothing leaves."""
    return frozenset(status for status, arrows in table.items() if not arrows)


FINAL_EXECUTION = final(EXECUTION)
FINAL_WAVE = final(WAVE)
WAITS_FOR_A_PERSON = frozenset({ExecutionStatus.PAUSED})
NEEDS_ATTENTION = frozenset(EXECUTION) - FINAL_EXECUTION - WAITS_FOR_A_PERSON
"""What the finder asks the StatusIndex for."""

STARTED_WAVE = frozenset(WAVE) - FINAL_WAVE - {WaveStatus.PENDING, WaveStatus.WAITING_APPROVAL}
"""A wave that is being prepared, launched or verified."""


class IllegalTransition(RuntimeError):
    """A change that no table allows: a fault in drskit, and nothing was written."""


def check(before: Execution, after: Execution) -> None:
    """Hold every change of status against its table.

    Raises:
        IllegalTransition: naming the thing and the change.
    """
    for name, table, old, new in _changes(before, after):
        if new not in table[old]:
            message = f"{before.execution_id}: {name} cannot go from {old} to {new}"
            raise IllegalTransition(message)


def _changes(
    before: Execution, after: Execution
) -> Iterator[tuple[str, Mapping[StrEnum, frozenset[StrEnum]], StrEnum, StrEnum]]:
    pairs: list[tuple[str, Mapping[StrEnum, frozenset[StrEnum]], StrEnum, StrEnum]] = [
        ("the execution", _plain(EXECUTION), before.status, after.status)
    ]
    for old, new in zip(before.waves, after.waves, strict=True):
        pairs.append((f"wave {old.wave_name}", _plain(WAVE), old.status, new.status))
        for old_server, new_server in zip(old.servers, new.servers, strict=True):
            if old_server is not new_server:
                name = f"server {old_server.source_server_id}"
                pairs.append((name, _plain(SERVER), old_server.status, new_server.status))
    known = {attempt.attempt_id: attempt for attempt in before.attempts}
    for attempt in after.attempts:
        if attempt.attempt_id in known:
            old_status = known[attempt.attempt_id].status
            pairs.append((f"attempt {attempt.attempt_id}", _plain(ATTEMPT), old_status, attempt.status))
    return (pair for pair in pairs if pair[2] is not pair[3])


def _plain(table: Mapping[Status, frozenset[Status]]) -> Mapping[StrEnum, frozenset[StrEnum]]:
    return table  # type: ignore[return-value]  # Mapping is invariant in its key; these are only read


def diagram(table: Mapping[Status, frozenset[Status]]) -> str:
    """The table as text, one line a status: what the README shows."""
    order = {status: index for index, status in enumerate(table)}
    lines = []
    for status, arrows in table.items():
        targets = " | ".join(target.value for target in sorted(arrows, key=order.__getitem__)) or "(final)"
        lines.append(f"{status.value:<17}-> {targets}")
    return "\n".join(lines)
