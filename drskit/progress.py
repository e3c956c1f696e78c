"""How waves move, by what is known of their servers and jobs."""

from datetime import datetime, timedelta

from drskit.edit import changed, with_each_wave, with_servers, with_wave
from drskit.launches import SETTLED
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
from drskit.seen import Seen
from drskit.states import FINAL_WAVE, STARTED_WAVE

INSTANCE_GRACE = timedelta(minutes=5)
"""How long after a job's end its recovery instances may stay unlisted (drs-facts §7: up to a minute was seen)."""
GOOD_WAVE = frozenset({WaveStatus.COMPLETED, WaveStatus.PARTIAL, WaveStatus.SKIPPED})
BAD_WAVE = frozenset({WaveStatus.FAILED, WaveStatus.TIMED_OUT})


def move_waves(execution: Execution, seen: Seen) -> Execution:
    """Move every wave as far as what is known allows."""
    for plan_wave in execution.plan.waves:
        execution = _move_started(execution, plan_wave, seen)
    if execution.status is ExecutionStatus.CANCELLING or _must_stop(execution):
        why = (
            "the execution was cancelled"
            if execution.status is ExecutionStatus.CANCELLING
            else "an earlier wave failed"
        )
        return with_each_wave(execution, lambda wave: _give_up(execution, wave, why))
    if any(map(awaits_verdict, execution.plan.waves, execution.waves)):
        return execution
    for plan_wave in execution.plan.waves:
        execution = _begin(execution, plan_wave, seen.now)
    return execution


def _begin(execution: Execution, plan_wave: Wave, now: datetime) -> Execution:
    wave = execution.wave(plan_wave.name)
    if wave.status is not WaveStatus.PENDING or not all(_passed(execution, need) for need in plan_wave.needs):
        return execution
    if plan_wave.approval:
        return with_wave(execution, wave.wave_name, status=WaveStatus.WAITING_APPROVAL, waiting_since=now)
    return with_wave(execution, wave.wave_name, status=WaveStatus.PREPARING, start_time=now)


def _passed(execution: Execution, need: str) -> bool:
    """Whether waves that need this one may start."""
    wave = execution.wave(need)
    if wave.status in GOOD_WAVE:
        return True
    plan_wave = next(candidate for candidate in execution.plan.waves if candidate.name == need)
    tolerated = plan_wave.on_failure is OnFailure.CONTINUE or wave.overridden is not None
    return wave.status in BAD_WAVE and tolerated


def _must_stop(execution: Execution) -> bool:
    return any(
        wave.status in BAD_WAVE and plan_wave.on_failure is OnFailure.STOP
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
    )


def awaits_verdict(plan_wave: Wave, wave: WaveRun) -> bool:
    """Whether a person must say what follows from this wave's failure."""
    return wave.status in BAD_WAVE and plan_wave.on_failure is OnFailure.PAUSE and wave.overridden is None


def _give_up(execution: Execution, wave: WaveRun, why: str) -> WaveRun:
    """Nothing more of this wave starts; what runs goes on."""
    if wave.status in FINAL_WAVE or any(
        attempt.status is AttemptStatus.INTENT for attempt in execution.attempts_of(wave.wave_name)
    ):
        return wave
    wave = with_servers(
        wave,
        lambda server: (
            changed(server, status=ServerStatus.SKIPPED, error=f"not launched: {why}")
            if server.status is ServerStatus.PENDING
            else server
        ),
    )
    if all(server.status is ServerStatus.SKIPPED for server in wave.servers):
        return wave.model_copy(update={"status": WaveStatus.CANCELLED, "reason": why})
    return wave


def _move_started(execution: Execution, plan_wave: Wave, seen: Seen) -> Execution:
    wave = execution.wave(plan_wave.name)
    if wave.status not in STARTED_WAVE:
        return execution
    attempts = execution.attempts_of(wave.wave_name)
    undecided = any(attempt.status is AttemptStatus.INTENT for attempt in attempts)
    if _overdue(plan_wave, attempts, seen.now) and not undecided:
        return with_each_wave(
            execution, lambda run: _time_out(run, plan_wave, seen.now) if run.wave_name == wave.wave_name else run
        )
    status = wave.status
    if status is WaveStatus.QUEUED and (wave.not_before is None or seen.now >= wave.not_before):
        status = WaveStatus.PREPARING
    complete = not undecided and all(server.status is not ServerStatus.PENDING for server in wave.servers)
    if status is WaveStatus.PREPARING and complete:
        launches = [attempt for attempt in attempts if attempt.status is AttemptStatus.LAUNCHED]
        status = WaveStatus.INITIATED if launches else WaveStatus.VERIFYING
    if status is wave.status:
        return _advance_launched(execution, plan_wave, wave, seen)
    return with_wave(execution, wave.wave_name, status=status)


def _overdue(plan_wave: Wave, attempts: tuple[Attempt, ...], now: datetime) -> bool:
    """Whether a job of the wave runs longer than the wave may.

    Only a job's own time counts: what waits for a slot, a person or an AWS that answers is delayed, never failed.
    """
    return any(
        attempt.creation_time is not None
        and attempt.end_time is None
        and attempt.status is AttemptStatus.LAUNCHED
        and now >= attempt.creation_time + plan_wave.timeout
        for attempt in attempts
    )


def _advance_launched(execution: Execution, plan_wave: Wave, wave: WaveRun, seen: Seen) -> Execution:
    jobs = [attempt for attempt in execution.attempts_of(wave.wave_name) if attempt.status is AttemptStatus.LAUNCHED]
    ended = all(attempt.end_time is not None for attempt in jobs)
    if wave.status is WaveStatus.INITIATED and any(attempt.job_status != "PENDING" for attempt in jobs):
        return with_wave(execution, wave.wave_name, status=WaveStatus.IN_PROGRESS)
    if wave.status is WaveStatus.IN_PROGRESS and ended and all(server.status in SETTLED for server in wave.servers):
        return with_wave(execution, wave.wave_name, status=WaveStatus.VERIFYING)
    if wave.status is not WaveStatus.VERIFYING:
        return execution
    job_ends = [attempt.end_time for attempt in jobs if attempt.end_time is not None]
    unseen = [
        server
        for server in wave.servers
        if server.status is ServerStatus.LAUNCHED and server.recovery_instance_id is None
    ]
    if unseen and seen.now < max(job_ends) + INSTANCE_GRACE:
        return execution
    reason = _blame(wave) or (_unlisted(unseen) if unseen else None)
    return with_wave(execution, wave.wave_name, status=_verdict(plan_wave, wave), end_time=seen.now, reason=reason)


def _unlisted(servers: list[ServerRun]) -> str:
    names = ", ".join(server.name or server.source_server_id for server in servers[:5])
    minutes = INSTANCE_GRACE.total_seconds() / 60
    return f"DRS says LAUNCHED and lists no recovery instance of {names} {minutes:g} min after the job's end"


def _verdict(plan_wave: Wave, wave: WaveRun) -> WaveStatus:
    """COMPLETED, PARTIAL or FAILED, by the servers alone; a job's own COMPLETED says nothing."""
    missing = [server for server in wave.servers if server.status not in {ServerStatus.LAUNCHED, ServerStatus.VERIFIED}]
    if not missing:
        return WaveStatus.COMPLETED
    critical = sum(server.critical for server in missing)
    return WaveStatus.FAILED if critical > plan_wave.max_failed else WaveStatus.PARTIAL


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
