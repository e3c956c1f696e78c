"""How waves move, by what is known of their servers and jobs."""

from datetime import datetime

from drskit.actions import TaskPhase
from drskit.calledoff import BAD_WAVE, FAILED_EARLIER, goes_on, retried_since, stopping
from drskit.checking import check_wave, without_checks
from drskit.checkrounds import unfinished
from drskit.costs import asked_as_of, question, stands_for_money, too_dear, weighed
from drskit.edit import changed, with_each_wave, with_servers, with_wave, without_pending
from drskit.endings import ended_because
from drskit.launches import INSTANCE_GRACE, SETTLED
from drskit.model import (
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionStatus,
    OnFailure,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.pacing import job_after, wave_after
from drskit.seen import Seen
from drskit.states import FINAL_WAVE, STARTED_WAVE, WAVE
from drskit.steps import failed_step, failures_borne, waits_for_a_step
from drskit.tasks import Turn, cut_short, failure_of, open_tasks, stand_of

GOOD_WAVE = frozenset({WaveStatus.COMPLETED, WaveStatus.PARTIAL, WaveStatus.SKIPPED})


def move_waves(execution: Execution, seen: Seen) -> Execution:
    """Move every wave as far as what is known allows."""
    for plan_wave in execution.plan.waves:
        execution = _move_started(execution, plan_wave, seen)
    if execution.status is ExecutionStatus.CANCELLING:
        execution = with_each_wave(execution, lambda wave: _leave_lost(execution, wave, seen.now))
        return with_each_wave(execution, lambda wave: _give_up(execution, wave, ended_because(execution)))
    for run in execution.waves:
        execution = _weigh_again(execution, run, seen.now)
    failed = stopping(execution)
    if failed:
        return with_each_wave(
            execution,
            lambda wave: wave if retried_since(wave, failed) else _give_up(execution, wave, FAILED_EARLIER),
        )
    if execution.held or any(map(awaits_verdict, execution.plan.waves, execution.waves)):
        return execution
    for plan_wave in execution.plan.waves:
        execution = _begin(execution, plan_wave, seen.now)
    return asked_as_of(execution, seen.now)


def _begin(execution: Execution, plan_wave: Wave, now: datetime) -> Execution:
    wave = execution.wave(plan_wave.name)
    if not _may_begin(execution, plan_wave, wave):
        return execution
    paced = wave_after(execution, plan_wave)
    if paced is not None and now < paced:
        return execution
    if too_dear(execution, wave, now):
        return weighed(execution, wave, now)
    if plan_wave.approval:
        approve_by = now + plan_wave.approval.timeout if plan_wave.approval.timeout else None
        return with_wave(
            execution, wave.wave_name, status=WaveStatus.WAITING_APPROVAL, waiting_since=now, approve_by=approve_by
        )
    return with_wave(execution, wave.wave_name, status=WaveStatus.PREPARING, start_time=now)


def _weigh_again(execution: Execution, wave: WaveRun, now: datetime) -> Execution:
    """Hold what a retry or an edit has a wave launch against the budget, once; nothing of it is launched before.

    A wave that waits for its approval, or follows an earlier job to its end, is weighed when it is being prepared.
    """
    if not wave.unweighed or execution.held or not (stands_for_money(wave) or wave.status in FINAL_WAVE):
        return execution
    if stands_for_money(wave) and too_dear(execution, wave, now):
        return weighed(execution, wave, now)
    return with_wave(execution, wave.wave_name, unweighed=False)


def _may_begin(execution: Execution, plan_wave: Wave, wave: WaveRun) -> bool:
    return wave.status is WaveStatus.PENDING and all(passed(execution, need) for need in plan_wave.needs)


def paced_waves(execution: Execution, now: datetime) -> dict[str, datetime]:
    """The waves that only a pause keeps from beginning, each with its end.

    One that is too dear waits for a person, whose word is asked for once the pause is over.
    """
    goes_on = execution.status in {ExecutionStatus.POLLING, ExecutionStatus.PAUSED} and not execution.held
    if not (goes_on and execution.plan.pacing.waves):
        return {}
    if stopping(execution) or any(map(awaits_verdict, execution.plan.waves, execution.waves)):
        return {}
    return {
        wave.wave_name: after
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if _may_begin(execution, plan_wave, wave)
        and (after := wave_after(execution, plan_wave)) is not None
        and not (question(execution) is not None and too_dear(execution, wave, now))
    }


def paced_jobs(execution: Execution) -> dict[str, datetime]:
    """The waves whose next job waits for a pause after the one before, each with its end, past or to come."""
    if execution.held or not execution.plan.pacing.servers:
        return {}
    return {
        wave.wave_name: after
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if wave.status is WaveStatus.PREPARING
        and (after := job_after(execution, plan_wave, wave)) is not None
        and not _all_asked(execution, plan_wave, wave)
    }


def _all_asked(execution: Execution, plan_wave: Wave, wave: WaveRun) -> bool:
    """Whether nothing of the wave can be asked for now: what waits, waits for an earlier step."""
    later = waits_for_a_step(execution, plan_wave, wave)
    return all(server.status is not ServerStatus.PENDING or server.source_server_id in later for server in wave.servers)


def passed(execution: Execution, need: str) -> bool:
    """Whether waves that need this one may start."""
    wave = execution.wave(need)
    if wave.status in GOOD_WAVE:
        return True
    plan_wave = next(candidate for candidate in execution.plan.waves if candidate.name == need)
    tolerated = plan_wave.on_failure is OnFailure.CONTINUE or wave.overridden is not None
    return wave.status in BAD_WAVE and tolerated


def awaits_verdict(plan_wave: Wave, wave: WaveRun) -> bool:
    """Whether a person must say what follows from this wave's failure."""
    return wave.status in BAD_WAVE and plan_wave.on_failure is OnFailure.PAUSE and wave.overridden is None


def holds(wave: WaveRun, attempt: Attempt) -> bool:
    """Whether a server of the attempt still waits to be launched."""
    return any(
        server.source_server_id in attempt.server_ids and server.status is ServerStatus.PENDING
        for server in wave.servers
    )


def lost_servers(execution: Execution, wave: WaveRun) -> tuple[ServerRun, ...]:
    """The servers of a started wave of which nobody knows what became, and whose job is followed no more."""
    if wave.status not in STARTED_WAVE:
        return ()
    followed = {attempt.job_id for attempt in execution.attempts_of(wave.wave_name) if _runs(attempt)}
    return tuple(
        server for server in wave.servers if server.status is ServerStatus.UNKNOWN and server.job_id not in followed
    )


def still_works(execution: Execution, wave: WaveRun) -> bool:
    """Whether a launch of the wave has not come to its end yet."""
    attempts = execution.attempts_of(wave.wave_name)
    launching = any(server.status is ServerStatus.LAUNCHING for server in wave.servers)
    return launching or any(attempt.status is AttemptStatus.INTENT or _runs(attempt) for attempt in attempts)


def _runs(attempt: Attempt) -> bool:
    return attempt.status is AttemptStatus.LAUNCHED and attempt.end_time is None


def _leave_lost(execution: Execution, wave: WaveRun, now: datetime) -> WaveRun:
    """A cancelled wave waits for nobody's word about servers that cannot be seen; they stay UNKNOWN."""
    lost = lost_servers(execution, wave)
    if not lost or still_works(execution, wave):
        return wave
    ids = ", ".join(server.source_server_id for server in lost[:5])
    why = ended_because(execution)
    reason = f"{why} while nobody knew what became of {ids}"
    ended = without_pending(wave, f"not launched: {why}")
    return ended.model_copy(update={"status": WaveStatus.TIMED_OUT, "end_time": now, "reason": reason})


def _give_up(execution: Execution, wave: WaveRun, why: str) -> WaveRun:
    """Nothing more of this wave starts; what runs goes on.

    What may have been launched is judged first; what stays uncertain after a cancel is left so, and said so.
    """
    if wave.status in FINAL_WAVE:
        return wave
    doubt = None
    for attempt in execution.attempts_of(wave.wave_name):
        if attempt.status is AttemptStatus.FOREIGN and not attempt.refused and holds(wave, attempt):
            doubt = attempt.outcome
            if execution.status is not ExecutionStatus.CANCELLING:
                return wave
        if attempt.status is AttemptStatus.INTENT:
            return wave
    wave = without_pending(wave, f"not launched: {why}{f', and that is not certain: {doubt}' if doubt else ''}")
    if open_tasks(execution, wave.wave_name):
        return wave  # an action of it runs: it is let end, and shown
    may_be_called_off = WaveStatus.CANCELLED in WAVE[wave.status]  # not one whose job existed, whatever was left out
    if may_be_called_off and all(server.status is ServerStatus.SKIPPED for server in wave.servers):
        return wave.model_copy(update={"status": WaveStatus.CANCELLED, "reason": why})
    return wave


def _move_started(execution: Execution, plan_wave: Wave, seen: Seen) -> Execution:
    wave = execution.wave(plan_wave.name)
    if wave.status not in STARTED_WAVE:
        return execution
    attempts = execution.attempts_of(wave.wave_name)
    undecided = any(
        attempt.status is AttemptStatus.INTENT or (attempt.status is AttemptStatus.FOREIGN and holds(wave, attempt))
        for attempt in attempts
    )
    if _overdue(plan_wave, wave, attempts, seen.now) and not undecided:
        return with_each_wave(
            execution, lambda run: _time_out(run, plan_wave, seen.now) if run.wave_name == wave.wave_name else run
        )
    if not undecided:
        wave = _without_later_steps(execution, plan_wave, wave)
        wave = _without_prepared(execution, wave)
        execution = with_wave(execution, wave.wave_name, servers=wave.servers)
    complete = not undecided and _all_asked(execution, plan_wave, wave) and _prepared(execution, wave)
    status = wave.status
    if status is WaveStatus.QUEUED and complete:
        status = WaveStatus.PREPARING  # what it waited for is left out
    elif status is WaveStatus.PREPARING and complete:
        launches = [attempt for attempt in attempts if attempt.status is AttemptStatus.LAUNCHED]
        status = WaveStatus.INITIATED if launches else WaveStatus.VERIFYING
    elif status is WaveStatus.IN_PROGRESS and not complete and not undecided:
        status = WaveStatus.PREPARING  # the next step begins
    if status is wave.status:
        return _advance_launched(execution, plan_wave, wave, seen)
    reason = None if wave.status is WaveStatus.QUEUED else wave.reason
    return with_wave(execution, wave.wave_name, status=status, reason=reason)


def _without_prepared(execution: Execution, wave: WaveRun) -> WaveRun:
    """The wave, without what waits to be launched where an action before it has failed."""
    stand = stand_of(execution, TaskPhase.BEFORE, wave.wave_name)
    return without_pending(wave, f"not launched: {failure_of(stand)}") if stand.turn is Turn.FAILED else wave


def _prepared(execution: Execution, wave: WaveRun) -> bool:
    """Whether a started wave may leave its preparation: its actions are over, or nothing more of it may begin.

    One that nothing came of is called off where it stands (`_give_up`).
    """
    if wave.status is not WaveStatus.PREPARING:
        return True
    if goes_on(execution, wave):
        return stand_of(execution, TaskPhase.BEFORE, wave.wave_name).turn in {Turn.OVER, Turn.FAILED}
    launched = any(attempt.status is AttemptStatus.LAUNCHED for attempt in execution.attempts_of(wave.wave_name))
    untouched = all(server.status is ServerStatus.SKIPPED for server in wave.servers)
    return not open_tasks(execution, wave.wave_name) and (launched or not untouched)


def prepared(execution: Execution, wave: WaveRun) -> bool:
    """Whether all that is to happen before the wave's launches has happened."""
    return stand_of(execution, TaskPhase.BEFORE, wave.wave_name).turn is Turn.OVER


def _without_later_steps(execution: Execution, plan_wave: Wave, wave: WaveRun) -> WaveRun:
    """The wave, without what waits for a step that has failed."""
    step = failed_step(execution, plan_wave, wave)
    return wave if step is None else without_pending(wave, f"not launched: step {step} of the wave failed")


def _overdue(plan_wave: Wave, wave: WaveRun, attempts: tuple[Attempt, ...], now: datetime) -> bool:
    """Whether a job of the wave runs longer than the wave may.

    Only a job's own time counts: what waits for a slot, a person or an AWS that answers is delayed, never failed.
    A retry gives the job that it follows again the wave's whole time.
    """
    begins = [attempt.creation_time for attempt in attempts if _runs(attempt) and attempt.creation_time]
    again = [wave.retried.at] if wave.retried else []
    return any(now >= max([begin, *again]) + plan_wave.timeout for begin in begins)


def _advance_launched(execution: Execution, plan_wave: Wave, wave: WaveRun, seen: Seen) -> Execution:
    jobs = [attempt for attempt in execution.attempts_of(wave.wave_name) if attempt.status is AttemptStatus.LAUNCHED]
    ended = all(attempt.end_time is not None for attempt in jobs)
    if wave.status is WaveStatus.INITIATED and any(attempt.job_status != "PENDING" for attempt in jobs):
        return with_wave(execution, wave.wave_name, status=WaveStatus.IN_PROGRESS)
    if wave.status is WaveStatus.IN_PROGRESS and ended and all(server.status in SETTLED for server in wave.servers):
        return with_wave(execution, wave.wave_name, status=WaveStatus.VERIFYING)
    if wave.status is not WaveStatus.VERIFYING or _unseen(execution, wave, seen.now):
        return execution
    if plan_wave.checks is not None:
        wave = _checked(execution, plan_wave, wave, seen)
        execution = with_each_wave(execution, lambda run: wave if run.wave_name == wave.wave_name else run)
    return execution if unfinished(plan_wave, wave) else _judged(execution, plan_wave, wave, seen.now)


def _judged(execution: Execution, plan_wave: Wave, wave: WaveRun, now: datetime) -> Execution:
    """The wave with its verdict, once what follows its checks is done."""
    unseen = _without_instance(wave)
    reason = _blame(wave) or (_unlisted(unseen) if unseen else None) or _unverified(wave)
    status = verdict(plan_wave, wave)
    stand = stand_of(execution, TaskPhase.BEFORE, wave.wave_name)
    if stand.turn is not Turn.FAILED and came_up(plan_wave, wave):
        stand = stand_of(execution, TaskPhase.AFTER, wave.wave_name)
    if stand.turn is Turn.FAILED:
        status, reason = WaveStatus.FAILED, failure_of(stand)
    elif came_up(plan_wave, wave) and (stand.turn is not Turn.OVER or cut_short(execution, wave.wave_name)):
        if goes_on(execution, wave) or stand.turn is Turn.BUSY:
            return execution
        status, reason = WaveStatus.PARTIAL, "not all that follows its launch was done, for nothing new was to begin"
    return with_wave(execution, wave.wave_name, status=status, end_time=now, reason=reason)


def came_up(plan_wave: Wave, wave: WaveRun) -> bool:
    """Whether as many of the wave's servers came up as it needs."""
    return verdict(plan_wave, wave) in GOOD_WAVE


def verified(execution: Execution, plan_wave: Wave, wave: WaveRun, now: datetime) -> bool:
    """Whether a wave's servers came up, and all that is known of them was looked at: its actions may follow."""
    if wave.status is not WaveStatus.VERIFYING or _unseen(execution, wave, now) or unfinished(plan_wave, wave):
        return False
    return came_up(plan_wave, wave)


def _without_instance(wave: WaveRun) -> list[ServerRun]:
    return [
        server
        for server in wave.servers
        if server.status is ServerStatus.LAUNCHED and server.recovery_instance_id is None
    ]


def _unseen(execution: Execution, wave: WaveRun, now: datetime) -> bool:
    """Whether an instance of it may yet be seen."""
    ends = [attempt.end_time for attempt in execution.attempts_of(wave.wave_name) if attempt.end_time is not None]
    return bool(_without_instance(wave)) and now < max(ends) + INSTANCE_GRACE


def _checked(execution: Execution, plan_wave: Wave, wave: WaveRun, seen: Seen) -> WaveRun:
    """The wave after its checks' turn; a cancelled execution checks nothing more."""
    if execution.status is ExecutionStatus.CANCELLING:
        return without_checks(wave, f"not verified: {ended_because(execution)}")
    return check_wave(plan_wave, wave, seen.checks, seen.now, seen.fresh_id)


def _unverified(wave: WaveRun) -> str | None:
    """What to say of servers that came up and whose checks were given up."""
    given_up = [server for server in wave.servers if server.unchecked is not None]
    if not given_up:
        return None
    names = ", ".join(server.name or server.source_server_id for server in given_up[:5])
    return f"{len(given_up)} of {len(wave.servers)} servers not verified: {names}"


def _unlisted(servers: list[ServerRun]) -> str:
    names = ", ".join(server.name or server.source_server_id for server in servers[:5])
    minutes = INSTANCE_GRACE.total_seconds() / 60
    return f"DRS says LAUNCHED and lists no recovery instance of {names} {minutes:g} min after the job's end"


def verdict(plan_wave: Wave, wave: WaveRun) -> WaveStatus:
    """COMPLETED, PARTIAL or FAILED, by the servers alone; a job's own COMPLETED says nothing."""
    came_up = {ServerStatus.LAUNCHED, ServerStatus.VERIFIED, ServerStatus.TERMINATED}  # the last by a cleanup, later
    missing = [server for server in wave.servers if server.status not in came_up]
    if not missing:
        unverified = any(server.unchecked is not None for server in wave.servers)
        return WaveStatus.PARTIAL if unverified else WaveStatus.COMPLETED
    critical = sum(server.critical for server in missing)
    return WaveStatus.FAILED if critical > failures_borne(plan_wave, wave) else WaveStatus.PARTIAL


def _blame(wave: WaveRun) -> str | None:
    bad = [server for server in wave.servers if server.status is ServerStatus.FAILED]
    if not bad:
        return None
    names = ", ".join(server.name or server.source_server_id for server in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return f"{len(bad)} of {len(wave.servers)} servers failed: {names}{more}"


def _time_out(wave: WaveRun, plan_wave: Wave, now: datetime) -> WaveRun:
    minutes = f"{plan_wave.timeout.total_seconds() / 60:g} min"

    def close(server: ServerRun) -> ServerRun:
        if server.status is ServerStatus.PENDING:
            return changed(
                server,
                status=ServerStatus.FAILED,
                end_time=now,
                error=f"not launched before the wave's {minutes} were over",
            )
        if server.status is ServerStatus.LAUNCHING:
            error = f"not launched within the wave's {minutes}; {server.job_id} may still be running"
            return changed(server, status=ServerStatus.UNKNOWN, error=error)
        return server

    wave = with_servers(wave, close)
    reason = f"not finished within {minutes}"
    return wave.model_copy(update={"status": WaveStatus.TIMED_OUT, "end_time": now, "reason": reason})
