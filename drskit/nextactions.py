"""Which action of an execution is next, in which wave or at its end; and what the end amounts to.

At most one request a step: the intent is written before it is sent. A wave's
actions go on while nothing keeps the wave from going on; those of the end run
when every wave has ended, after a cancel and a failure, too.
"""

from collections.abc import Iterator
from datetime import datetime

from drskit.actions import Task, TaskPhase
from drskit.calledoff import goes_on
from drskit.model import AttemptStatus, Execution, ExecutionStatus, WaveStatus
from drskit.placeholders import asks_for_addresses
from drskit.progress import verdict, verified
from drskit.seen import Seen
from drskit.states import FINAL_WAVE
from drskit.tasks import (
    Place,
    Stand,
    Turn,
    actions_of,
    at_the_end,
    intend_task,
    open_tasks,
    sent_again,
    stand_of,
    to_send_again,
)


def act_next(execution: Execution, seen: Seen) -> tuple[Execution, Task | None]:
    """The intent to send one request, written down; or the same execution where none is to be sent.

    What is noted without a request, a pause that begins or an action that is not for this mode, comes without one.
    """
    again = to_send_again(execution, seen.now)
    if again is not None:
        execution = sent_again(execution, again, seen.now)
        return execution, next(task for task in execution.tasks if task.task_id == again.task_id)
    for place in places(execution, seen.now):
        if seen.addresses is None and wants_addresses(execution, place):
            continue
        after, task = intend_task(execution, place, seen.fresh_id, dict(seen.addresses or {}), seen.now)
        if after is not execution:
            return after, task
    return execution, None


def places(execution: Execution, now: datetime) -> Iterator[Place]:
    """The lists of actions of which something may be run now."""
    if execution.held:
        return
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if execution.status is not ExecutionStatus.POLLING or not goes_on(execution, wave):
            continue
        if plan_wave.before and wave.status is WaveStatus.PREPARING and not wave.unweighed:
            yield Place(TaskPhase.BEFORE, wave.wave_name, wave.status.value)
        elif plan_wave.after and verified(execution, plan_wave, wave, now):
            yield Place(TaskPhase.AFTER, wave.wave_name, verdict(plan_wave, wave).value)
    if execution.plan.at_end and all(wave.status in FINAL_WAVE for wave in execution.waves):
        yield Place(TaskPhase.FINALLY, None, ended(execution).value)


def wants_addresses(execution: Execution, place: Place) -> bool:
    """Whether the action that is due there names addresses of instances."""
    stand = stand_of(execution, place.phase, place.wave_name)
    if stand.turn is not Turn.DUE or place.phase is TaskPhase.BEFORE:
        return False
    return asks_for_addresses(actions_of(execution, place.phase, place.wave_name)[stand.index])


def due_stands(execution: Execution, now: datetime) -> Iterator[Stand]:
    """Where the lists stand of which something is to be run, now or at a known time."""
    for place in places(execution, now):
        stand = stand_of(execution, place.phase, place.wave_name)
        if stand.turn is Turn.DUE:
            yield stand


def finally_over(execution: Execution) -> bool:
    """Whether nothing that an execution does at its end is left to do or runs."""
    return at_the_end(execution).turn in {Turn.OVER, Turn.FAILED} and not open_tasks(execution)


def ended(execution: Execution) -> ExecutionStatus:
    """What an execution ends as, by its waves, its time and what it did at its end."""
    statuses = {wave.status for wave in execution.waves}
    late = execution.deadline is not None and execution.deadline.passed is not None
    if late or (execution.status is ExecutionStatus.CANCELLING and _may_still_launch(execution)):
        return ExecutionStatus.TIMED_OUT
    if execution.status is ExecutionStatus.CANCELLING:
        return ExecutionStatus.CANCELLED
    at_end = {WaveStatus.FAILED} if at_the_end(execution).turn is Turn.FAILED else set()
    for bad, status in (
        (WaveStatus.TIMED_OUT, ExecutionStatus.TIMED_OUT),
        (WaveStatus.FAILED, ExecutionStatus.FAILED),
        (WaveStatus.PARTIAL, ExecutionStatus.PARTIAL),
        (WaveStatus.SKIPPED, ExecutionStatus.PARTIAL),
    ):
        if bad in statuses | at_end:
            return status
    return ExecutionStatus.COMPLETED


def _may_still_launch(execution: Execution) -> bool:
    """Whether a job of it has no known end: its wave's time was over before."""
    return any(part.status is AttemptStatus.LAUNCHED and part.end_time is None for part in execution.attempts)
