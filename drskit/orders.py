"""What people tell a running execution, carried out: each command once, with an answer."""

from datetime import datetime
from typing import assert_never

from drskit.attempts import reopened
from drskit.edit import with_wave
from drskit.model import AttemptStatus, Command, CommandKind, Decision, Execution, ExecutionStatus, WaveStatus
from drskit.progress import awaits_verdict


def obey(execution: Execution, now: datetime) -> Execution:
    """Carry out each command that was not acknowledged yet, once; any of them ends a pause."""
    for command in execution.commands:
        if command.acknowledged is None:
            if execution.status is ExecutionStatus.PAUSED:
                execution = execution.model_copy(update={"status": ExecutionStatus.POLLING})
            execution, answer = _carry_out(execution, command, now)
            done = command.model_copy(update={"acknowledged": now, "answer": answer})
            commands = tuple(done if other.command_id == done.command_id else other for other in execution.commands)
            execution = execution.model_copy(update={"commands": commands})
    return execution


def _carry_out(execution: Execution, command: Command, now: datetime) -> tuple[Execution, str]:
    match command.kind:
        case CommandKind.APPROVE:
            return _approve(execution, command, now)
        case CommandKind.RESUME:
            return _resume(execution, command)
        case CommandKind.CANCEL:
            return _cancel(execution, command)
        case CommandKind.DECLINE | CommandKind.PAUSE | CommandKind.RETRY | CommandKind.SKIP:
            return execution, f"refused: {command.kind} is not supported yet"
        case _:
            assert_never(command.kind)


def _approve(execution: Execution, command: Command, now: datetime) -> tuple[Execution, str]:
    wave = next((wave for wave in execution.waves if wave.wave_name == command.wave_name), None)
    if wave is None:
        return execution, f"refused: there is no wave {command.wave_name}"
    if execution.status is ExecutionStatus.CANCELLING:
        return execution, "refused: the execution is being cancelled"
    if wave.status is not WaveStatus.WAITING_APPROVAL:
        return execution, f"refused: wave {wave.wave_name} is {wave.status}, not waiting for approval"
    decision = Decision(by=command.by, at=command.at, reason=command.reason)
    execution = with_wave(execution, wave.wave_name, status=WaveStatus.PREPARING, approved=decision, start_time=now)
    return execution, "approved"


def _resume(execution: Execution, command: Command) -> tuple[Execution, str]:
    """Go on: look again at a chunk that somebody else held, and leave failed waves behind."""
    decision = Decision(by=command.by, at=command.at, reason=command.reason)
    resumed: list[str] = []
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.FOREIGN:
            execution = reopened(execution, attempt)
            resumed.append(f"wave {attempt.wave_name} is tried again")
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if awaits_verdict(plan_wave, wave):
            execution = with_wave(execution, wave.wave_name, overridden=decision)
            resumed.append(f"wave {wave.wave_name} is left {wave.status}")
    return execution, "; ".join(resumed) or "refused: nothing waits for a decision to resume"


def _cancel(execution: Execution, command: Command) -> tuple[Execution, str]:
    if execution.status is ExecutionStatus.CANCELLING:
        return execution, "refused: it is being cancelled already"
    execution = execution.model_copy(update={"status": ExecutionStatus.CANCELLING})
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.FOREIGN:
            execution = reopened(execution, attempt)
    reason = f"cancelled by {command.by}: {command.reason}"
    return execution, f"no further wave starts; running jobs go on, DRS cannot stop them ({reason})"
