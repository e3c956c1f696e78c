"""What people tell an execution, carried out: each command once, with an answer."""

from collections.abc import Callable, Mapping
from datetime import datetime

from drskit.addressees import unfit_for_a_cleanup
from drskit.amending import amend
from drskit.approvers import may_not_approve
from drskit.attempts import tried_again
from drskit.costs import allow
from drskit.edit import with_wave
from drskit.endings import being_ended, decline, released, stop
from drskit.model import (
    AttemptStatus,
    Command,
    CommandKind,
    Decision,
    Execution,
    ExecutionStatus,
    ExecutionType,
    ServerStatus,
    WaveRun,
    WaveStatus,
)
from drskit.money import BudgetRun
from drskit.progress import awaits_verdict
from drskit.retries import retry
from drskit.skips import skip
from drskit.states import RETRY_EXECUTION, WAITS_FOR_A_PERSON
from drskit.taskorders import go_on_without, run_again
from drskit.texts import moment

REFUSED = "refused: "
"""How the answer to a command begins that is not carried out."""
MAY_RUN = frozenset({ServerStatus.LAUNCHING, ServerStatus.LAUNCHED, ServerStatus.VERIFIED, ServerStatus.UNKNOWN})
"""A server of which an instance runs, or may come to run."""

Answered = tuple[Execution, str]
"""What the execution becomes, and what the person is answered."""
Order = Callable[[Execution, Command, datetime], Answered]


def told(execution: Execution, command: Command) -> Execution:
    """The execution with a command recorded: awake when it waited for a person, open again for a retry."""
    update: dict[str, object] = {"commands": (*execution.commands, command)}
    drill = execution.execution_type is not ExecutionType.CLEANUP
    reopens = drill and command.kind is CommandKind.RETRY and execution.status in RETRY_EXECUTION
    if reopens or execution.status in WAITS_FOR_A_PERSON:
        update |= {"status": ExecutionStatus.POLLING, "waiting_for": None, "end_time": None}
    return execution.model_copy(update=update)


def obey(execution: Execution, now: datetime) -> Execution:
    """Carry out the oldest command that was not acknowledged yet; the same execution when there is none.

    One at a time, so that each change is one of the tables' arrows. Any command wakes what waits for a person.
    """
    command = next((command for command in execution.commands if command.acknowledged is None), None)
    if command is None:
        return execution
    if execution.status in WAITS_FOR_A_PERSON:
        execution = execution.model_copy(update={"status": ExecutionStatus.POLLING})
    unfit = unfit_for_a_cleanup(execution, command.kind)
    if unfit is not None:
        answer = f"{REFUSED}{unfit}"
    else:
        execution, answer = ORDERS[command.kind](execution, command, now)
    done = command.model_copy(update={"acknowledged": now, "answer": answer})
    commands = tuple(done if other.command_id == done.command_id else other for other in execution.commands)
    return execution.model_copy(update={"commands": commands})


def answer_now(execution: Execution, command: Command) -> str:
    """What the engine would answer if nothing else happened before."""
    execution = told(execution, command)
    while execution.commands[-1].acknowledged is None:
        execution = obey(execution, command.at)
    return execution.commands[-1].answer or ""


def _decision(command: Command) -> Decision:
    return Decision(by=command.by, at=command.at, reason=command.reason)


def _approve(execution: Execution, command: Command, now: datetime) -> Answered:
    wave, complaint = _asked(execution, command)
    if wave is None:
        return execution, f"{REFUSED}{complaint}"
    declared = next(declared for declared in execution.plan.waves if declared.name == wave.wave_name)
    barred = may_not_approve(execution, declared.approval, command.by) if declared.approval else None
    if barred:
        return execution, f"{REFUSED}wave {wave.wave_name}: {barred}"
    return with_wave(
        execution, wave.wave_name,
        status=WaveStatus.PREPARING, approved=_decision(command), start_time=now, approve_by=None,
        unweighed=execution.budget is not None,  # what runs has cost more while the wave waited
    ), "approved"  # fmt: skip


def _decline(execution: Execution, command: Command, _: datetime) -> Answered:
    wave, complaint = _asked(execution, command)
    if wave is None:
        return execution, f"{REFUSED}{complaint}"
    execution = decline(execution, wave.wave_name, _decision(command))
    return (
        execution,
        f"declined: wave {wave.wave_name} and all that is not launched yet are cancelled{_aftermath(execution)}",
    )


def _asked(execution: Execution, command: Command) -> tuple[WaveRun | None, str]:
    """The wave whose approval the command is about, or why it is about none."""
    wave = next((wave for wave in execution.waves if wave.wave_name == command.wave_name), None)
    if wave is None:
        return None, f"there is no wave {command.wave_name}"
    if ending := being_ended(execution):
        return None, ending
    if wave.status is not WaveStatus.WAITING_APPROVAL:
        return None, f"wave {wave.wave_name} is {wave.status}, not waiting for approval"
    told_at = execution.held.at if execution.held else command.at
    if wave.approve_by is not None and told_at >= wave.approve_by:
        return None, f"the approval of wave {wave.wave_name} ran out at {moment(wave.approve_by)}"
    return wave, ""


def _pause(execution: Execution, command: Command, _: datetime) -> Answered:
    if ending := being_ended(execution):
        nothing = "no termination is asked for any more" if _cleans(execution) else "nothing new starts"
        return execution, f"{REFUSED}{ending}, and {nothing}"
    if execution.held is not None:
        held = execution.held
        return execution, f"{REFUSED}it is paused already, by {held.by}: {held.reason}"
    execution = execution.model_copy(update={"held": _decision(command)})
    nothing = "no termination is asked for" if _cleans(execution) else "nothing new starts"
    return execution, f"paused: {nothing} until somebody resumes it; running jobs go on, DRS cannot stop them"


def _resume(execution: Execution, command: Command, now: datetime) -> Answered:
    """End a pause; where there is none, look again at a held chunk and leave failed waves behind.

    One resume never does both: who ends a pause may not know that a wave has failed meanwhile.
    """
    if ending := being_ended(execution):
        return execution, f"{REFUSED}{ending}"
    if execution.held is not None and command.wave_name is None:
        return released(execution, now), f"resumed: the pause by {execution.held.by} is over"
    execution, resumed = go_on_without(execution, command, _decision(command))
    if command.wave_name is None or (execution.budget and _asks_for(execution.budget, command.wave_name)):
        execution, answer = allow(execution, _decision(command))
        resumed += [answer] if answer else []
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.FOREIGN and command.wave_name in {None, attempt.wave_name}:
            execution = tried_again(execution, attempt)
            resumed.append(f"wave {attempt.wave_name} is tried again")
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if awaits_verdict(plan_wave, wave) and command.wave_name in {None, wave.wave_name}:
            execution = with_wave(execution, wave.wave_name, overridden=_decision(command))
            resumed.append(f"wave {wave.wave_name} is left {wave.status}")
    return execution, "; ".join(resumed) or f"{REFUSED}nothing waits for a decision to resume"


def _asks_for(budget: BudgetRun, wave_name: str) -> bool:
    return budget.asked is not None and budget.asked.wave_name == wave_name


def _cancel(execution: Execution, command: Command, _: datetime) -> Answered:
    if ending := being_ended(execution):
        return execution, f"{REFUSED}{ending} already"
    execution = stop(execution)
    reason = f"cancelled by {command.by}: {command.reason}"
    if _cleans(execution):
        return execution, f"no further termination is asked for; running jobs go on, DRS cannot stop them ({reason})"
    answer = f"no further wave starts; running jobs go on, DRS cannot stop them ({reason})"
    return execution, f"{answer}{_aftermath(execution)}"


def _cleans(execution: Execution) -> bool:
    return execution.execution_type is ExecutionType.CLEANUP


def _aftermath(execution: Execution) -> str:
    """What an end leaves behind, for whoever cancels or declines."""
    servers = any(server.status in MAY_RUN for wave in execution.waves for server in wave.servers)
    intents = any(attempt.status is AttemptStatus.INTENT for attempt in execution.attempts)
    if not (servers or intents):
        return ""
    return f". No instance is terminated: `drskit cleanup {execution.execution_id}` does that"


def _retry(execution: Execution, command: Command, _: datetime) -> Answered:
    execution, told_again = run_again(execution, command, _decision(command))
    execution, answer, complaint = retry(execution, command, _decision(command))
    if complaint and not told_again:
        return execution, f"{REFUSED}{complaint}"
    return execution, "; ".join([*told_again, *([answer] if answer else [])])


def _skip(execution: Execution, command: Command, _: datetime) -> Answered:
    execution, answer, complaint = skip(execution, command, _decision(command))
    return execution, f"{REFUSED}{complaint}" if complaint else answer


def _edit(execution: Execution, command: Command, now: datetime) -> Answered:
    execution, answer, complaint = amend(execution, command, now)
    return execution, f"{REFUSED}{complaint}" if complaint else answer


ORDERS: Mapping[CommandKind, Order] = {
    CommandKind.APPROVE: _approve,
    CommandKind.DECLINE: _decline,
    CommandKind.PAUSE: _pause,
    CommandKind.RESUME: _resume,
    CommandKind.CANCEL: _cancel,
    CommandKind.RETRY: _retry,
    CommandKind.SKIP: _skip,
    CommandKind.EDIT: _edit,
}
