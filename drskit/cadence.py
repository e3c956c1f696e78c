"""When to look again.

Slow while nothing can end, quick when the end is near (reliability §4). The
ceilings apply by phase: `soon` while a job starts, `launching` while servers
are launched, `converting` while nothing can end yet. When a launch may end is
told by what was seen of this execution so far, else by captured launches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.actions import ActionKind, Task, TaskStatus
from drskit.checking import check_times
from drskit.checkrounds import unfinished
from drskit.launches import SETTLED, typical_launch
from drskit.model import (
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionHeader,
    ExecutionType,
    Phase,
    ServerRun,
    ServerStatus,
    WaveRun,
    WaveStatus,
)
from drskit.nextactions import due_stands
from drskit.progress import paced_jobs, paced_waves
from drskit.states import NEEDS_ATTENTION, WAITS_FOR_A_PERSON
from drskit.tasks import action_of, open_tasks, send_again_at, wait_ends

CONVERSION_SECONDS = 185.0
LAUNCH_SECONDS = 290.0
"""Linux servers in the captured drill (drs-facts §14); a Windows launch takes about a fifth longer."""
EARLIEST = 0.85
"""The share of the expected launch before which none is expected to end."""
LATEST = 1.5
"""The share of it after which the end may be anywhere."""
NEAR_SECONDS = 5
FRESH_SECONDS = 60
"""A request whose outcome is unknown shows its job soon after it was sent, or most likely never."""
JOB_END_SECONDS = 3
"""JOB_END is logged two to three seconds after the last server (drs-facts §14)."""


@dataclass(frozen=True)
class Ceilings:
    """The longest wait in each phase, in seconds."""

    soon: float = 15
    launching: float = 30
    converting: float = 45


def is_due(execution: Execution | ExecutionHeader, now: datetime) -> bool:
    """Whether there may be something to do: it needs attention, or waits for a person whose time is over."""
    if execution.status in WAITS_FOR_A_PERSON:
        return execution.due is not None and execution.due <= now
    return execution.status in NEEDS_ATTENTION


def next_look(executions: Iterable[Execution], now: datetime, ceilings: Ceilings) -> datetime:
    """When an account and Region should be asked next: the earliest time at which one of the executions may move."""
    times = [
        time
        for execution in executions
        if execution.status in NEEDS_ATTENTION
        for time in _execution_times(execution, now, ceilings)
    ]
    latest = now + timedelta(seconds=max(ceilings.soon, ceilings.launching, ceilings.converting))
    return _whole_second(max(min(times, default=latest), now + timedelta(seconds=1)))


def _whole_second(time: datetime) -> datetime:
    """The next whole second: the tables' time has no finer grain."""
    return time if time.microsecond == 0 else time.replace(microsecond=0) + timedelta(seconds=1)


def _execution_times(execution: Execution, now: datetime, ceilings: Ceilings) -> Iterable[datetime]:
    soon = now + timedelta(seconds=ceilings.soon)
    learned = typical_launch(server for wave in execution.waves for server in wave.servers)
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.INTENT:
            fresh = now < attempt.signed_at + timedelta(seconds=FRESH_SECONDS)
            yield now + timedelta(seconds=min(NEAR_SECONDS, ceilings.soon)) if fresh else soon
        elif attempt.status is AttemptStatus.LAUNCHED and attempt.end_time is None:
            if execution.execution_type is ExecutionType.CLEANUP:
                yield soon
                continue
            yield _job_time(execution, attempt, now, ceilings, learned)
    if execution.due is not None:
        yield execution.due
    for wave in execution.waves:
        yield from _wave_times(execution, wave, now, ceilings)
    for task in open_tasks(execution):
        yield _task_time(execution, task, now, ceilings)
    yield from (max(stand.at or now, now) for stand in due_stands(execution, now))
    yield from paced_waves(execution, now).values()
    yield from (time for time in paced_jobs(execution).values() if time > now)


def _wave_times(execution: Execution, wave: WaveRun, now: datetime, ceilings: Ceilings) -> Iterable[datetime]:
    soon = now + timedelta(seconds=ceilings.soon)
    if wave.status is WaveStatus.VERIFYING:
        near = timedelta(seconds=min(NEAR_SECONDS, ceilings.soon))
        checked = any(part.name == wave.wave_name and unfinished(part, wave) for part in execution.plan.waves)
        yield from check_times(wave, now, near) if checked else (now + near,)
    elif wave.status is WaveStatus.IN_PROGRESS and _undecided(execution, wave):
        yield soon
    elif wave.status in {WaveStatus.PREPARING, WaveStatus.QUEUED} and not execution.held:
        asked = any(part.status is AttemptStatus.INTENT for part in execution.attempts_of(wave.wave_name))
        yield max(wave.not_before, now) if wave.not_before and not asked else soon


def _task_time(execution: Execution, task: Task, now: datetime, ceilings: Ceilings) -> datetime:
    """When a run of an action may have ended, or is to be asked for again: the longer it lasts, the less often."""
    if task.kind is ActionKind.WAIT:
        return wait_ends(execution, task)
    near = now + timedelta(seconds=min(NEAR_SECONDS, ceilings.soon))
    if task.status is TaskStatus.INTENT:
        return max(send_again_at(execution, task, now) or near, now)
    lasted = (now - (task.start_time or task.intended_at)).total_seconds()
    seconds = max(near - now, timedelta(seconds=min(lasted / 10, ceilings.soon)))
    late_at = (task.start_time or task.intended_at) + action_of(execution, task).timeout
    return min(now + seconds, late_at) if late_at > now else now + seconds


def _undecided(execution: Execution, wave: WaveRun) -> bool:
    """Whether a job has ended without a word about a server, which DRS may yet show."""
    ended = {attempt.job_id for attempt in execution.attempts_of(wave.wave_name) if attempt.end_time}
    return any(server.status is ServerStatus.LAUNCHING and server.job_id in ended for server in wave.servers)


def _job_time(
    execution: Execution, attempt: Attempt, now: datetime, ceilings: Ceilings, learned: timedelta | None
) -> datetime:
    wave = execution.wave(attempt.wave_name)
    servers = [server for server in wave.servers if server.job_id == attempt.job_id]
    running = [server for server in servers if server.status not in SETTLED]
    if not running:
        return _job_end_time(servers, now)
    times = [_server_time(server, now, ceilings, learned) for server in running]
    return max(min(times), now + timedelta(seconds=1))


def _job_end_time(servers: list[ServerRun], now: datetime) -> datetime:
    """All servers have ended; the job follows within seconds."""
    last = max((server.end_time for server in servers if server.end_time is not None), default=now)
    expected = last + timedelta(seconds=JOB_END_SECONDS)
    return expected if expected > now else now + timedelta(seconds=JOB_END_SECONDS)


def _server_time(server: ServerRun, now: datetime, ceilings: Ceilings, learned: timedelta | None) -> datetime:
    phases = {span.phase: span for span in server.phases}
    if server.status is ServerStatus.PENDING or not phases:
        return now + timedelta(seconds=ceilings.soon)
    launch = phases.get(Phase.LAUNCH)
    if launch is None:
        return now + timedelta(seconds=ceilings.converting)
    expected = learned or timedelta(seconds=LAUNCH_SECONDS) * _pace(server)
    opens = launch.start_time + expected * EARLIEST
    if now < opens:
        return min(opens, now + timedelta(seconds=ceilings.converting))
    if now < launch.start_time + expected * LATEST:
        return now + timedelta(seconds=min(NEAR_SECONDS, ceilings.launching))
    return now + timedelta(seconds=ceilings.launching)


def _pace(server: ServerRun) -> float:
    """How this server's conversion compares with a captured one; a launch varies less, hence the bounds."""
    for span in server.phases:
        if span.phase is Phase.CONVERSION and span.end_time is not None:
            return min(max((span.end_time - span.start_time).total_seconds() / CONVERSION_SECONDS, 0.75), 1.3)
    return 1.0
