"""How an execution or a wave ends early: by a person's word, or because nobody gave one in time.

Nothing here calls off a request that may have reached DRS: what may have been
launched is followed to its end.
"""

from datetime import datetime, timedelta

from drskit.attempts import reopened
from drskit.edit import with_each_wave, with_wave, without_pending
from drskit.model import (
    AttemptStatus,
    Decision,
    Execution,
    ExecutionStatus,
    OnTimeout,
    WaveRun,
    WaveStatus,
)
from drskit.texts import moment

ITSELF = "drskit"
"""Who decides where a deadline does."""


def stop(execution: Execution) -> Execution:
    """Nothing more of it starts; what may have been launched is followed to its end."""
    execution = execution.model_copy(update={"status": ExecutionStatus.CANCELLING, "held": None})
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.FOREIGN:
            execution = reopened(execution, attempt)
    return execution


def ended_because(execution: Execution) -> str:
    """Why nothing more of an execution starts that is being ended."""
    deadline = execution.deadline
    if deadline is None or deadline.passed is None:
        return "the execution was cancelled"
    return f"the plan's time was over at {moment(deadline.at)}"


def being_ended(execution: Execution) -> str | None:
    """What whoever tells it something is told first; None while it goes on."""
    if execution.status is not ExecutionStatus.CANCELLING:
        return None
    late = execution.deadline is not None and execution.deadline.passed is not None
    return f"{ended_because(execution)}, and it is being ended" if late else "it is being cancelled"


def decline(execution: Execution, wave_name: str, decision: Decision) -> Execution:
    """The wave that waits for approval gets a no, and the execution ends with it."""
    why = f"declined by {decision.by}: {decision.reason}"
    wave = without_pending(execution.wave(wave_name), f"not launched: {why}")
    execution = with_wave(
        execution, wave_name, status=WaveStatus.CANCELLED, declined=decision, reason=why, servers=wave.servers
    )
    return stop(execution)


def leave_out(execution: Execution, wave_name: str, decision: Decision) -> Execution:
    """The wave is skipped, and what needs it goes on; nothing of it was asked of DRS."""
    why = skipped_by(decision)
    wave = without_pending(execution.wave(wave_name), why)
    return with_wave(
        execution, wave_name, status=WaveStatus.SKIPPED, skipped=decision, reason=why, not_before=None,
        servers=wave.servers,
    )  # fmt: skip


def skipped_by(decision: Decision) -> str:
    """What a server or a wave says that somebody left out."""
    return f"skipped by {decision.by}: {decision.reason}"


# --- approvals that nobody gives -------------------------------------------------------------------------------------


def run_out(execution: Execution, now: datetime) -> Execution:
    """Take each approval whose time is over for what its plan says; the same execution when none is over.

    Never for a yes. While somebody holds the execution, no time runs out.
    """
    if execution.held or execution.status not in {ExecutionStatus.POLLING, ExecutionStatus.PAUSED}:
        return execution
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if plan_wave.approval is None or not _asked(wave) or wave.approve_by is None or now < wave.approve_by:
            continue
        decision = Decision(by=ITSELF, at=now, reason=f"nobody approved it by {moment(wave.approve_by)}")
        if plan_wave.approval.on_timeout is OnTimeout.CANCEL:
            return decline(execution, wave.wave_name, decision)
        execution = leave_out(execution, wave.wave_name, decision)
        execution = execution.model_copy(update={"status": ExecutionStatus.POLLING})
    return execution


def next_deadline(execution: Execution) -> datetime | None:
    """When the first of its approvals, or its own time, runs out, if time runs at all."""
    if execution.held or execution.status not in {ExecutionStatus.POLLING, ExecutionStatus.PAUSED}:
        return None
    times = [wave.approve_by for wave in execution.waves if _asked(wave) and wave.approve_by]
    if execution.deadline and not execution.deadline.passed:
        times.append(execution.deadline.at)
    return min(times, default=None)


def released(execution: Execution, now: datetime) -> Execution:
    """Nobody holds the execution any more; it and each approval have as much time left as when it was held."""
    if execution.held is None:
        return execution
    pause = max(now - execution.held.at, timedelta(0))

    def later(wave: WaveRun) -> WaveRun:
        if wave.approve_by is None or not _asked(wave):
            return wave
        return wave.model_copy(update={"approve_by": wave.approve_by + pause})

    deadline = execution.deadline
    if deadline:
        deadline = deadline.model_copy(update={"at": deadline.at + pause})
    return with_each_wave(execution, later).model_copy(update={"held": None, "deadline": deadline})


def _asked(wave: WaveRun) -> bool:
    return wave.status is WaveStatus.WAITING_APPROVAL
