"""What an item may weigh, and how texts are kept short enough.

DynamoDB refuses items over 400 KB; a drill must never meet that limit half-way.
So texts from outside are cut at a fixed length when they are written, and a
plan whose items could grow too large is refused before it starts.
"""

from typing import TypeVar

from drskit.actions import Task
from drskit.checks import EVIDENCE_BYTES, LINES_BYTES, CheckKind, Checks
from drskit.model import (
    SERVERS_PER_JOB,
    Attempt,
    Authority,
    ChangeRecord,
    Command,
    Decision,
    Execution,
    Record,
    ServerRun,
    WaveRun,
)

T = TypeVar("T")
R = TypeVar("R", bound=Record)

ITEM_BYTES = 350_000
"""No item of ours is larger."""
HEADER_BYTES = 4_096
"""No header is larger: the index holds it once more, and each change is paid by size."""
TEXT_BYTES = 1_000
"""An error, a reason or an answer, in UTF-8."""
OUTPUT_BYTES = 4_000
"""What an action answered or wrote: its first lines."""
WAITING_BYTES = 600
"""What an execution waits for: the header carries it."""
PERSON_BYTES = 300
"""Who started it: a role session's ARN fits."""
KEY_BYTES = 256
"""The caller's key of an idempotent start."""
DECISIONS = ("approved", "declined", "overridden", "retried", "skipped")
"""What people may have decided about a wave."""


CHECK_BYTES = 700
"""A check of a server, besides what it keeps of the answer."""


def servers_at_once(checks: Checks | None) -> int:
    """How many servers of a wave an item holds, or an event tells of: fewer where each has checks."""
    if checks is None:
        return SERVERS_PER_JOB
    kept = sum(EVIDENCE_BYTES if check.kind is CheckKind.INTEGRITY else LINES_BYTES for check in checks.all)
    room = ITEM_BYTES // 2 // SERVERS_PER_JOB + TEXT_BYTES // 2
    return max(1, min(SERVERS_PER_JOB, ITEM_BYTES // 2 // (room + kept + CHECK_BYTES * len(checks.all))))


def shortened(text: str, limit: int = TEXT_BYTES) -> str:
    """The text, or as much of its beginning as fits the limit with an ellipsis."""
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode(errors="ignore") + "…"


def bounded(execution: Execution) -> Execution:
    """The execution with every text from outside at its limit; what was short stays the same object."""
    return _changed(
        execution,
        {
            "waiting_for": _short(execution.waiting_for, WAITING_BYTES),
            "started_by": shortened(execution.started_by, PERSON_BYTES),
            "held": _bounded_decision(execution.held),
            "change": _bounded_change(execution.change),
            "authority": _bounded_authority(execution.authority),
            "waves": _same(execution.waves, tuple(map(_bounded_wave, execution.waves))),
            "attempts": _same(execution.attempts, tuple(map(_bounded_attempt, execution.attempts))),
            "tasks": _same(execution.tasks, tuple(map(_bounded_task, execution.tasks))),
            "commands": _same(execution.commands, tuple(map(_bounded_command, execution.commands))),
        },
    )


def _bounded_wave(wave: WaveRun) -> WaveRun:
    return _changed(
        wave,
        {
            "reason": _short(wave.reason),
            **{name: _bounded_decision(getattr(wave, name)) for name in DECISIONS},
            "servers": _same(wave.servers, tuple(map(_bounded_server, wave.servers))),
        },
    )


def _bounded_server(server: ServerRun) -> ServerRun:
    if server.error is None and server.unchecked is None and server.hostname is None:
        return server
    short = {"error": _short(server.error), "unchecked": _short(server.unchecked), "hostname": _short(server.hostname)}
    return _changed(server, dict(short))


def _bounded_decision(decision: Decision | None) -> Decision | None:
    if decision is None:
        return None
    return _changed(decision, {"reason": shortened(decision.reason), "by": shortened(decision.by, PERSON_BYTES)})


def _bounded_change(change: ChangeRecord | None) -> ChangeRecord | None:
    if change is None:
        return None
    against = _same(change.against, tuple(shortened(text) for text in change.against))
    return _changed(change, {"against": against, "overridden": _bounded_decision(change.overridden)})


def _bounded_authority(authority: Authority | None) -> Authority | None:
    if authority is None:
        return None
    short = {"by": shortened(authority.by, PERSON_BYTES), "reason": shortened(authority.reason)}
    return _changed(authority, {**short, "second": _bounded_decision(authority.second)})


def _bounded_attempt(attempt: Attempt) -> Attempt:
    return attempt if attempt.outcome is None else _changed(attempt, {"outcome": shortened(attempt.outcome)})


def _bounded_task(task: Task) -> Task:
    return _changed(
        task,
        {
            "outcome": _short(task.outcome),
            "doubt": _short(task.doubt),
            "trouble": _short(task.trouble),
            "output": _short(task.output, OUTPUT_BYTES),
            "again": _bounded_decision(task.again),
            "overridden": _bounded_decision(task.overridden),
        },
    )


def _bounded_command(command: Command) -> Command:
    short: dict[str, object] = {
        "by": shortened(command.by, PERSON_BYTES),
        "reason": shortened(command.reason),
        "answer": _short(command.answer),
    }
    return _changed(command, short)


def _short(text: str | None, limit: int = TEXT_BYTES) -> str | None:
    return None if text is None else shortened(text, limit)


def _same(old: tuple[T, ...], new: tuple[T, ...]) -> tuple[T, ...]:
    return old if all(a is b for a, b in zip(old, new, strict=True)) else new


def _changed(record: R, values: dict[str, object]) -> R:
    new = {name: value for name, value in values.items() if getattr(record, name) is not value}
    return record.model_copy(update=new) if new else record
