"""What an execution does next.

Pure: callers bring what they have seen and get back what the execution becomes,
and at most one launch to carry out after that was written. The parts, in order:
obey commands (`orders`), learn the fate of attempts (`attempts`), learn what
became of servers (`launches`), move waves (`progress`), intend the next launch,
conclude.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from drskit.attempts import found_a_job, launched, learn_attempts, refused, without_old_refusals
from drskit.edit import changed, with_servers, with_wave
from drskit.launches import learn_servers
from drskit.model import (
    SERVERS_PER_JOB,
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionStatus,
    ServerRun,
    ServerStatus,
    WaveRun,
    WaveStatus,
    utc,
)
from drskit.orders import obey
from drskit.ports import NotExecuted, Started, Unknown
from drskit.progress import awaits_verdict, move_waves
from drskit.seen import Seen
from drskit.states import FINAL_WAVE, STARTED_WAVE

SHOWN_AFTER = timedelta(seconds=10)
"""An intent older than this is shown as waiting for its outcome; a younger one is just being carried out."""


@dataclass(frozen=True)
class Step:
    """What the execution becomes, and the launch to carry out once that is written."""

    execution: Execution
    launch: Attempt | None = None


def decide(execution: Execution, seen: Seen) -> Step:
    """One step; the same execution comes back when there is nothing to do."""
    if execution.end_time is not None:
        return Step(execution)
    if execution.status is ExecutionStatus.PENDING:
        return Step(execution.model_copy(update={"status": ExecutionStatus.POLLING}))
    if execution.status is ExecutionStatus.PAUSED and all(command.acknowledged for command in execution.commands):
        return Step(execution)  # a person's turn: no time runs out meanwhile
    obeyed = obey(execution, seen.now)
    if obeyed is not execution:
        return Step(obeyed)
    after = learn_attempts(execution, seen)
    if found_a_job(execution, after):
        return Step(conclude(after, seen.now))  # what became of its servers, even of a job that ended, is the next step
    after = learn_servers(after, seen.jobs, seen.logs, seen.instances, seen.now)
    after = move_waves(after, seen)
    after, launch = intend(after, seen)
    return Step(conclude(after, seen.now), launch)


def record(
    execution: Execution, attempt: Attempt, outcome: Started | NotExecuted | Unknown, now: datetime
) -> Execution:
    """What a launch request came to; after an unknown outcome the attempt stays open until a look can tell."""
    match outcome:
        case Started(job):
            return conclude(launched(execution, attempt, job), now)
        case Unknown(reason):
            lost = f"the reply to StartRecovery was lost ({reason})"
            return conclude(with_wave(execution, attempt.wave_name, reason=lost), now)
        case NotExecuted():
            return conclude(refused(execution, attempt, outcome, now), now)
        case _:
            assert_never(outcome)


def chunks_due(execution: Execution, now: datetime) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """The chunks that may be launched now: wave, chunk, source servers."""
    if execution.status is not ExecutionStatus.POLLING:
        return ()
    due = []
    for wave in execution.waves:
        if wave.status is not WaveStatus.PREPARING or (wave.not_before and now < wave.not_before):
            continue
        held = {
            attempt.chunk
            for attempt in execution.attempts_of(wave.wave_name)
            if attempt.status is not AttemptStatus.NOT_EXECUTED
        }
        for chunk, start in enumerate(range(0, len(wave.servers), SERVERS_PER_JOB)):
            servers = tuple(
                server.source_server_id
                for server in wave.servers[start : start + SERVERS_PER_JOB]
                if server.status is ServerStatus.PENDING
            )
            if servers and chunk not in held:
                due.append((wave.wave_name, chunk, servers))
    return tuple(due)


def intend(execution: Execution, seen: Seen) -> tuple[Execution, Attempt | None]:
    """Refuse the servers that must not be launched, and make the intent for the rest of one chunk."""
    for wave_name, chunk, server_ids in chunks_due(execution, seen.now):
        if not all(server_id in seen.obstacles for server_id in server_ids):
            continue
        refused = {server_id: text for server_id in server_ids if (text := seen.obstacles[server_id])}

        def refuse(server: ServerRun, refused: dict[str, str] = refused) -> ServerRun:
            text = refused.get(server.source_server_id)
            return changed(server, status=ServerStatus.FAILED, error=text, end_time=seen.now) if text else server

        wave = with_servers(execution.wave(wave_name), refuse)
        execution = with_wave(execution, wave_name, servers=wave.servers)
        rest = tuple(server_id for server_id in server_ids if server_id not in refused)
        if rest:
            numbers = [attempt.number for attempt in execution.attempts_of(wave_name) if attempt.chunk == chunk]
            attempt = Attempt(
                attempt_id=seen.fresh_id, wave_name=wave_name, chunk=chunk, number=max(numbers, default=0) + 1,
                signed_at=seen.now.replace(microsecond=0), server_ids=rest,
            )  # fmt: skip
            attempts = (*without_old_refusals(execution.attempts), attempt)
            return execution.model_copy(update={"attempts": attempts}), attempt
    return execution, None


def conclude(execution: Execution, now: datetime) -> Execution:
    """The status of the whole, from its waves, and what it waits for."""
    if all(wave.status in FINAL_WAVE for wave in execution.waves):
        return execution.model_copy(update={"status": _final_status(execution), "end_time": now, "waiting_for": None})
    people = _people(execution)
    status = execution.status
    if status in {ExecutionStatus.POLLING, ExecutionStatus.PAUSED}:
        status = ExecutionStatus.PAUSED if people and not _moving(execution) else ExecutionStatus.POLLING
    waiting_for = "; ".join((*people, *_machines(execution, now))) or None
    if (status, waiting_for) == (execution.status, execution.waiting_for):
        return execution
    return execution.model_copy(update={"status": status, "waiting_for": waiting_for})


def _final_status(execution: Execution) -> ExecutionStatus:
    statuses = {wave.status for wave in execution.waves}
    if execution.status is ExecutionStatus.CANCELLING:
        return ExecutionStatus.CANCELLED
    for bad, status in (
        (WaveStatus.TIMED_OUT, ExecutionStatus.TIMED_OUT),
        (WaveStatus.FAILED, ExecutionStatus.FAILED),
        (WaveStatus.PARTIAL, ExecutionStatus.PARTIAL),
        (WaveStatus.SKIPPED, ExecutionStatus.PARTIAL),
    ):
        if bad in statuses:
            return status
    return ExecutionStatus.COMPLETED


def _people(execution: Execution) -> tuple[str, ...]:
    """What only a person can decide."""
    texts = []
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if wave.status is WaveStatus.WAITING_APPROVAL and plan_wave.approval:
            texts.append(f"approval of wave {wave.wave_name}: {plan_wave.approval.text}")
        if awaits_verdict(plan_wave, wave):
            texts.append(
                f"a decision about wave {wave.wave_name}, which is {wave.status}: resume without it, or cancel"
            )
    texts += [
        f"a decision about wave {attempt.wave_name}: {attempt.outcome}. Resume when that has ended, or cancel"
        for attempt in execution.attempts
        if attempt.status is AttemptStatus.FOREIGN and _holds(execution.wave(attempt.wave_name), attempt)
    ]
    return tuple(texts)


def _holds(wave: WaveRun, attempt: Attempt) -> bool:
    """Whether a server of the attempt still waits to be launched."""
    return any(
        server.source_server_id in attempt.server_ids and server.status is ServerStatus.PENDING
        for server in wave.servers
    )


def _machines(execution: Execution, now: datetime) -> tuple[str, ...]:
    """What delays it although nobody needs to decide."""
    texts = [
        _delay(execution, wave, wave.not_before)
        for wave in execution.waves
        if wave.not_before and wave.status in {WaveStatus.PREPARING, WaveStatus.QUEUED}
    ]
    texts += [
        f"the job of wave {attempt.wave_name} to be found: its request of {utc(attempt.signed_at)} has no known outcome"
        for attempt in execution.attempts
        if attempt.status is AttemptStatus.INTENT and now >= attempt.signed_at + SHOWN_AFTER
    ]
    texts += [
        f"{attempt.job_id} of wave {attempt.wave_name}, which DRS has not shown since {utc(attempt.missing_since)}"
        for attempt in execution.attempts
        if attempt.missing_since and attempt.end_time is None and now >= attempt.missing_since + SHOWN_AFTER
    ]
    return tuple(texts)


def _delay(execution: Execution, wave: WaveRun, until: datetime) -> str:
    """Why a wave's launch waits: for an AWS that refuses it, or for what stands in its way."""
    settled = [part for part in execution.attempts_of(wave.wave_name) if part.status is not AttemptStatus.INTENT]
    since = settled[-1].refused_since if settled else None
    if since is None or wave.status is WaveStatus.QUEUED:
        return f"wave {wave.wave_name} to be asked again after {utc(until)}: {wave.reason}"
    code, _, said = (wave.reason or "").partition(": ")
    return (
        f"AWS since {utc(since)}: {code} at StartRecovery in {execution.region} ({said}); "
        f"wave {wave.wave_name} is asked again after {utc(until)}"
    )


def _moving(execution: Execution) -> bool:
    """Whether something goes on without a person."""
    return any(_wave_moves(execution, wave) for wave in execution.waves)


def _wave_moves(execution: Execution, wave: WaveRun) -> bool:
    if wave.status not in STARTED_WAVE:
        return False
    held = {
        attempt.chunk
        for attempt in execution.attempts_of(wave.wave_name)
        if attempt.status is AttemptStatus.FOREIGN and _holds(wave, attempt)
    }
    free = {
        index // SERVERS_PER_JOB
        for index, server in enumerate(wave.servers)
        if server.status in {ServerStatus.PENDING, ServerStatus.LAUNCHING}
    } - held
    return bool(free) or wave.status is WaveStatus.VERIFYING or not held
