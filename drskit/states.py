"""What may become what.

The tables below are the only place that says so; "final", "needs attention" and
the README's diagram are computed from them. What a person may reopen by `retry`
stands in tables of its own: what only a retry leaves is final. Nothing here
reads a clock, a table or the network. Two rules are no arrows and stand in
`progress.py`: which waves may begin, and what a failed wave does to the rest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from drskit.actions import TaskStatus
from drskit.model import AttemptStatus, CommandKind, Execution, ExecutionStatus, ServerStatus, WaveStatus

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
    ExecutionStatus.CANCELLING: frozenset({ExecutionStatus.TIMED_OUT, ExecutionStatus.CANCELLED}),
    ExecutionStatus.COMPLETED: frozenset(),
    ExecutionStatus.PARTIAL: frozenset(),
    ExecutionStatus.FAILED: frozenset(),
    ExecutionStatus.TIMED_OUT: frozenset(),
    ExecutionStatus.CANCELLED: frozenset(),
}

WAVE: Mapping[WaveStatus, frozenset[WaveStatus]] = {
    WaveStatus.PENDING: frozenset(
        {WaveStatus.WAITING_APPROVAL, WaveStatus.PREPARING, WaveStatus.SKIPPED, WaveStatus.CANCELLED}
    ),
    WaveStatus.WAITING_APPROVAL: frozenset({WaveStatus.PREPARING, WaveStatus.SKIPPED, WaveStatus.CANCELLED}),
    WaveStatus.PREPARING: frozenset(
        {
            WaveStatus.QUEUED,
            WaveStatus.INITIATED,
            WaveStatus.VERIFYING,
            WaveStatus.TIMED_OUT,
            WaveStatus.SKIPPED,
            WaveStatus.CANCELLED,
        }
    ),
    WaveStatus.QUEUED: frozenset(
        {WaveStatus.PREPARING, WaveStatus.TIMED_OUT, WaveStatus.SKIPPED, WaveStatus.CANCELLED}
    ),
    WaveStatus.INITIATED: frozenset({WaveStatus.IN_PROGRESS, WaveStatus.VERIFYING, WaveStatus.TIMED_OUT}),
    WaveStatus.IN_PROGRESS: frozenset({WaveStatus.PREPARING, WaveStatus.VERIFYING, WaveStatus.TIMED_OUT}),
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
    AttemptStatus.FOREIGN: frozenset({AttemptStatus.INTENT, AttemptStatus.NOT_EXECUTED}),
}

SERVER: Mapping[ServerStatus, frozenset[ServerStatus]] = {
    ServerStatus.PENDING: frozenset({ServerStatus.LAUNCHING, ServerStatus.FAILED, ServerStatus.SKIPPED}),
    ServerStatus.LAUNCHING: frozenset({ServerStatus.LAUNCHED, ServerStatus.FAILED, ServerStatus.UNKNOWN}),
    ServerStatus.LAUNCHED: frozenset({ServerStatus.VERIFIED, ServerStatus.FAILED, ServerStatus.TERMINATED}),
    ServerStatus.VERIFIED: frozenset({ServerStatus.TERMINATED}),
    ServerStatus.UNKNOWN: frozenset(
        {ServerStatus.LAUNCHING, ServerStatus.LAUNCHED, ServerStatus.FAILED, ServerStatus.SKIPPED}
    ),
    ServerStatus.FAILED: frozenset(),
    ServerStatus.SKIPPED: frozenset(),
    ServerStatus.TERMINATED: frozenset(),
}

TASK: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.INTENT: frozenset(
        {TaskStatus.RUNNING, TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.UNKNOWN, TaskStatus.SKIPPED}
    ),
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.UNKNOWN, TaskStatus.SKIPPED}
    ),
    TaskStatus.DONE: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.TIMED_OUT: frozenset(),
    TaskStatus.UNKNOWN: frozenset(),
    TaskStatus.SKIPPED: frozenset(),
}

RETRY_EXECUTION: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    ExecutionStatus.PARTIAL: frozenset({ExecutionStatus.POLLING}),
    ExecutionStatus.FAILED: frozenset({ExecutionStatus.POLLING}),
    ExecutionStatus.TIMED_OUT: frozenset({ExecutionStatus.POLLING}),
}
RETRY_WAVE: Mapping[WaveStatus, frozenset[WaveStatus]] = {
    WaveStatus.PARTIAL: frozenset({WaveStatus.PREPARING}),
    WaveStatus.FAILED: frozenset({WaveStatus.PREPARING}),
    WaveStatus.TIMED_OUT: frozenset({WaveStatus.PREPARING}),
    WaveStatus.SKIPPED: frozenset({WaveStatus.PENDING}),
    WaveStatus.CANCELLED: frozenset({WaveStatus.PENDING}),
}
RETRY_SERVER: Mapping[ServerStatus, frozenset[ServerStatus]] = {
    ServerStatus.FAILED: frozenset({ServerStatus.PENDING, ServerStatus.LAUNCHED}),
    ServerStatus.SKIPPED: frozenset({ServerStatus.PENDING}),
    ServerStatus.UNKNOWN: frozenset({ServerStatus.PENDING, ServerStatus.LAUNCHING}),
}


def final(table: Mapping[Status, frozenset[Status]]) -> frozenset[Status]:
    """The statuses that nothing leaves."""
    return frozenset(status for status, arrows in table.items() if not arrows)


FINAL_EXECUTION = final(EXECUTION)
FINAL_WAVE = final(WAVE)
FINAL_TASK = final(TASK)
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
    retried = _carried_out(before, after, CommandKind.RETRY)
    if not _carried_out(before, after, CommandKind.EDIT):
        _refuse_other_servers(before, after)
    for change in _changes(before, after):
        arrows = change.table[change.old] | (change.reopens.get(change.old, frozenset()) if retried else frozenset())
        if change.new not in arrows:
            message = f"{before.execution_id}: {change.name} cannot go from {change.old} to {change.new}"
            raise IllegalTransition(message)


def _refuse_other_servers(before: Execution, after: Execution) -> None:
    """Only an edit changes which servers a wave has, and what its plan says."""
    for old, new in zip(before.waves, after.waves, strict=True):
        if old is not new and [one.source_server_id for one in old.servers] != [
            one.source_server_id for one in new.servers
        ]:
            message = f"{before.execution_id}: wave {old.wave_name} cannot have other servers without an edit"
            raise IllegalTransition(message)
    if before.plan is not after.plan and before.plan != after.plan:
        message = f"{before.execution_id}: its plan cannot become another without an edit"
        raise IllegalTransition(message)


def _carried_out(before: Execution, after: Execution, kind: CommandKind) -> bool:
    """Whether a command of this kind was told or carried out here."""
    known = {command.command_id: command.acknowledged for command in before.commands}
    return any(
        command.kind is kind and (command.command_id not in known or known[command.command_id] != command.acknowledged)
        for command in after.commands
    )


@dataclass(frozen=True)
class _Change:
    name: str
    table: Mapping[StrEnum, frozenset[StrEnum]]
    reopens: Mapping[StrEnum, frozenset[StrEnum]]
    old: StrEnum
    new: StrEnum


def _changes(before: Execution, after: Execution) -> Iterator[_Change]:
    found = [_Change("the execution", _plain(EXECUTION), _plain(RETRY_EXECUTION), before.status, after.status)]
    for old, new in zip(before.waves, after.waves, strict=True):
        found.append(_Change(f"wave {old.wave_name}", _plain(WAVE), _plain(RETRY_WAVE), old.status, new.status))
        had = {server.source_server_id: server for server in old.servers}
        for new_server in new.servers:
            old_server = had.get(new_server.source_server_id, new_server)
            if old_server is not new_server:
                name = f"server {old_server.source_server_id}"
                found.append(_Change(name, _plain(SERVER), _plain(RETRY_SERVER), old_server.status, new_server.status))
    known = {attempt.attempt_id: attempt.status for attempt in before.attempts}
    for attempt in after.attempts:
        if attempt.attempt_id in known:
            name = f"attempt {attempt.attempt_id}"
            found.append(_Change(name, _plain(ATTEMPT), {}, known[attempt.attempt_id], attempt.status))
    runs = {task.task_id: task.status for task in before.tasks}
    for task in after.tasks:
        if task.task_id in runs:
            name = f"task {task.task_id} ({task.title})"
            found.append(_Change(name, _plain(TASK), {}, runs[task.task_id], task.status))
    return (change for change in found if change.old is not change.new)


def _plain(table: Mapping[Status, frozenset[Status]]) -> Mapping[StrEnum, frozenset[StrEnum]]:
    return table  # type: ignore[return-value]  # Mapping is invariant in its key; these are only read


def diagram(
    table: Mapping[Status, frozenset[Status]], reopens: Mapping[Status, frozenset[Status]] | None = None
) -> str:
    """The table as text, one line a status, with what only a retry does: what the README shows."""
    order = {status: index for index, status in enumerate(table)}

    def joined(arrows: frozenset[Status]) -> str:
        return " | ".join(target.value for target in sorted(arrows, key=order.__getitem__))

    lines = []
    for status, arrows in table.items():
        again = (reopens or {}).get(status)
        by_retry = f" (by retry: {joined(again)})" if again else ""
        lines.append(f"{status.value:<17}-> {joined(arrows) or '(final)'}{by_retry}")
    return "\n".join(lines)
