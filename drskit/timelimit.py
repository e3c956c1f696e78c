"""The time of a whole plan: when it is over nothing new starts, and what runs is followed to its end.

The time runs while people are waited for, for a plan that nobody goes on with
is to come to an end; it does not run while somebody holds the execution.
"""

from datetime import datetime

from drskit.actions import TaskPhase
from drskit.checkrounds import unfinished
from drskit.endings import stop
from drskit.model import Deadline, Execution, ExecutionStatus, RecoveryPlan, ServerStatus, WaveRun, WaveStatus
from drskit.progress import lost_servers, still_works
from drskit.states import FINAL_WAVE
from drskit.tasks import Turn, stand_of

NOT_BEGUN = frozenset({WaveStatus.PENDING, WaveStatus.WAITING_APPROVAL})


def deadline_of(plan: RecoveryPlan, start: datetime) -> Deadline | None:
    """When the time of a plan that begins then, or is tried again then, is over."""
    return Deadline(at=start + plan.timeout) if plan.timeout else None


def time_up(execution: Execution, now: datetime) -> Execution:
    """End an execution whose time is over; the same one while it is not, or when nothing of it is left to end.

    What has come to its end in time, and was only seen later, is not called late.
    """
    deadline = execution.deadline
    goes_on = execution.status in {ExecutionStatus.POLLING, ExecutionStatus.PAUSED} and not execution.held
    if deadline is None or deadline.passed or not goes_on or now < deadline.at:
        return execution
    if not any(_unfinished(execution, wave) for wave in execution.waves):
        return execution
    passed = deadline.model_copy(update={"passed": now})
    return stop(execution).model_copy(update={"deadline": passed})


def _unfinished(execution: Execution, wave: WaveRun) -> bool:
    if wave.status in FINAL_WAVE:
        return False
    waits = any(server.status is ServerStatus.PENDING for server in wave.servers)
    lost = bool(lost_servers(execution, wave))
    declared = next(part for part in execution.plan.waves if part.name == wave.wave_name)
    if wave.status is WaveStatus.VERIFYING and unfinished(declared, wave):
        return True
    if (
        wave.status is WaveStatus.VERIFYING
        and stand_of(execution, TaskPhase.AFTER, wave.wave_name).turn is not Turn.OVER
    ):
        return True
    return wave.status in NOT_BEGUN or waits or lost or still_works(execution, wave)
