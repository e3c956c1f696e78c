"""What an execution does next.

Pure: callers bring what they have seen and get back what the execution becomes,
and at most one launch to carry out after that was written. The parts, in order:
obey commands, learn the fate of attempts, learn what became of servers, move
waves, intend the next launch, conclude.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from drskit.edit import changed, with_attempt, with_each_wave, with_servers, with_wave
from drskit.launches import SETTLED, learn_servers
from drskit.model import (
    SERVERS_PER_JOB,
    Attempt,
    AttemptStatus,
    Command,
    CommandKind,
    Decision,
    Execution,
    ExecutionStatus,
    Job,
    JobLogEntry,
    OnFailure,
    RecoveryInstance,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
    utc,
)
from drskit.ports import NotExecuted, Started, Unknown
from drskit.states import FINAL_WAVE, STARTED_WAVE
from drskit.witness import Absent, Foreign, Mine, Unsure, Witness

INSTANCE_GRACE = timedelta(minutes=5)
"""How long after a job's end its recovery instances may stay unlisted (drs-facts §7: up to a minute was seen)."""
SHOWN_AFTER = timedelta(seconds=10)
"""An intent older than this is shown as waiting for its outcome; a younger one is just being carried out."""
GOOD_WAVE = frozenset({WaveStatus.COMPLETED, WaveStatus.PARTIAL, WaveStatus.SKIPPED})
BAD_WAVE = frozenset({WaveStatus.FAILED, WaveStatus.TIMED_OUT})
TRANSIENT = frozenset(
    {
        "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "Throttling",
        "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidSignatureException",
        "UnrecognizedClientException", "InvalidClientTokenId", "NoCredentials", "ConnectionFailed",
    }
)  # fmt: skip
"""Refusals that only delay (promise 6): asked again later, under a new attempt."""


@dataclass(frozen=True)
class Seen:
    """What was observed for one step; what is missing here was not asked."""

    now: datetime
    quiescence: timedelta
    fresh_id: str
    """The id of the attempt that this step may make."""
    jobs: Mapping[str, Job] = field(default_factory=dict)
    logs: Mapping[str, tuple[JobLogEntry, ...]] = field(default_factory=dict)
    instances: Mapping[str, RecoveryInstance] = field(default_factory=dict)
    """By source server, for servers whose job has ended."""
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    """By attempt id."""
    obstacles: Mapping[str, str | None] = field(default_factory=dict)
    """By source server: why a launch would destroy something; None when it would not."""


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
    if _found_a_job(execution, after):
        return Step(conclude(after, seen.now))  # what became of its servers, even of a job that ended, is the next step
    after = learn_servers(after, seen.jobs, seen.logs, seen.instances, seen.now)
    after = move_waves(after, seen)
    after, launch = intend(after, seen)
    return Step(conclude(after, seen.now), launch)


# --- commands --------------------------------------------------------------------------------------------------------


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
            execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED)
            resumed.append(f"wave {attempt.wave_name} is tried again")
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if _awaits_verdict(plan_wave, wave):
            execution = with_wave(execution, wave.wave_name, overridden=decision)
            resumed.append(f"wave {wave.wave_name} is left {wave.status}")
    return execution, "; ".join(resumed) or "refused: nothing waits for a decision to resume"


def _cancel(execution: Execution, command: Command) -> tuple[Execution, str]:
    if execution.status is ExecutionStatus.CANCELLING:
        return execution, "refused: it is being cancelled already"
    execution = execution.model_copy(update={"status": ExecutionStatus.CANCELLING})
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.FOREIGN:
            execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED)
    reason = f"cancelled by {command.by}: {command.reason}"
    return execution, f"no further wave starts; running jobs go on, DRS cannot stop them ({reason})"


# --- attempts --------------------------------------------------------------------------------------------------------


def learn_attempts(execution: Execution, seen: Seen) -> Execution:
    """Settle open intents by their witnesses, and follow the jobs of those that launched."""
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.INTENT and attempt.attempt_id in seen.witnesses:
            execution = _settle(execution, attempt, seen.witnesses[attempt.attempt_id], seen)
        elif attempt.end_time is None and (job := seen.jobs.get(attempt.job_id or "")) is not None:
            execution = _follow(execution, attempt, job, seen.now)
    return execution


def _found_a_job(before: Execution, after: Execution) -> bool:
    pairs = zip(before.attempts, after.attempts, strict=True)
    return any(new.status is AttemptStatus.LAUNCHED and old.status is not new.status for old, new in pairs)


def _follow(execution: Execution, attempt: Attempt, job: Job, now: datetime) -> Execution:
    """The job's progress; one that is COMPLETED and says no end has ended by now."""
    end = job.end_time or (now if job.status == "COMPLETED" else None)
    if (attempt.job_status, attempt.end_time) == (job.status, end):
        return execution
    return with_attempt(execution, attempt.attempt_id, job_status=job.status, end_time=end)


def _settle(execution: Execution, attempt: Attempt, witness: Witness, seen: Seen) -> Execution:
    old_enough = seen.now >= attempt.signed_at + seen.quiescence
    match witness:
        case Mine(job):
            return launched(execution, attempt, job)
        case Foreign(job, server_ids):
            owner = job.tags.get("drskit:ExecutionId")
            whose = f"execution {owner}" if owner else "somebody else"
            return _foreign(
                execution, attempt, f"{job.job_id} of {whose} launches {', '.join(server_ids)} ({job.status})"
            )
        case Unsure(reason):
            return _foreign(execution, attempt, reason) if old_enough else execution
        case Absent():
            if attempt.outcome is not None:
                return not_executed(execution, attempt, attempt.outcome, seen.now)
            if old_enough:
                return not_executed(execution, attempt, "no job of it came into being", seen.now, wait=False)
            return execution
        case _:
            assert_never(witness)


def _foreign(execution: Execution, attempt: Attempt, outcome: str) -> Execution:
    return with_attempt(execution, attempt.attempt_id, status=AttemptStatus.FOREIGN, outcome=outcome)


def launched(execution: Execution, attempt: Attempt, job: Job) -> Execution:
    """The attempt's job exists; it is followed from here on, though it may have ended before it was found."""
    execution = with_attempt(
        execution, attempt.attempt_id,
        status=AttemptStatus.LAUNCHED, job_id=job.job_id, job_status=job.status,
        creation_time=job.creation_time, outcome=None,
    )  # fmt: skip
    words = {part.source_server_id: part.launch_status for part in job.servers}
    participating = set(attempt.server_ids)

    def begin(server: ServerRun) -> ServerRun:
        if server.source_server_id not in participating or server.status is not ServerStatus.PENDING:
            return server
        return changed(
            server, status=ServerStatus.LAUNCHING, job_id=job.job_id, attempt=attempt.number,
            request_time=job.creation_time, start_time=job.creation_time,
            launch_status=words.get(server.source_server_id),
        )  # fmt: skip

    wave = with_servers(execution.wave(attempt.wave_name), begin)
    return with_wave(execution, wave.wave_name, servers=wave.servers, not_before=None, reason=None)


def not_executed(
    execution: Execution, attempt: Attempt, outcome: str, now: datetime, *, wait: bool = True
) -> Execution:
    """The attempt's request was never carried out; another may be made, after a wait."""
    execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED, outcome=outcome)
    not_before = now + _backoff(attempt) if wait else None
    return with_wave(execution, attempt.wave_name, not_before=not_before, reason=outcome)


def _backoff(attempt: Attempt) -> timedelta:
    """15, 30, then 60 seconds, with up to a third more drawn from the attempt's id (no herd after a throttle)."""
    seconds = min(15 * 2 ** (attempt.number - 1), 60)
    share = hashlib.sha256(attempt.attempt_id.encode()).digest()[0] / 255
    return timedelta(seconds=round(seconds * (1 + share / 3)))


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
            return conclude(_refused(execution, attempt, outcome, now), now)
        case _:
            assert_never(outcome)


def _refused(execution: Execution, attempt: Attempt, refusal: NotExecuted, now: datetime) -> Execution:
    outcome = f"{refusal.code}: {refusal.message}"
    if refusal.code == "ConflictException":
        return with_attempt(execution, attempt.attempt_id, outcome=outcome)
    if refusal.code in TRANSIENT:
        return not_executed(execution, attempt, outcome, now)
    if refusal.code == "ServiceQuotaExceededException":
        execution = not_executed(execution, attempt, outcome, now)
        return with_wave(execution, attempt.wave_name, status=WaveStatus.QUEUED)
    execution = not_executed(execution, attempt, outcome, now, wait=False)
    ids = set(attempt.server_ids)

    def fail(server: ServerRun) -> ServerRun:
        if server.source_server_id not in ids:
            return server
        return changed(server, status=ServerStatus.FAILED, error=outcome, end_time=now, attempt=attempt.number)

    wave = with_servers(execution.wave(attempt.wave_name), fail)
    return with_wave(execution, wave.wave_name, servers=wave.servers)


# --- waves -----------------------------------------------------------------------------------------------------------


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
    if any(map(_awaits_verdict, execution.plan.waves, execution.waves)):
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


def _awaits_verdict(plan_wave: Wave, wave: WaveRun) -> bool:
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
    over = seen.now >= _clock_started(execution, wave) + plan_wave.timeout
    if over and not undecided and _unfinished(wave, attempts):
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


def _unfinished(wave: WaveRun, attempts: tuple[Attempt, ...]) -> bool:
    """Whether a launch is still to come or to end; a late look at launches that ended in time is no timeout."""
    running = any(attempt.status is AttemptStatus.LAUNCHED and attempt.end_time is None for attempt in attempts)
    return running or not all(server.status in SETTLED for server in wave.servers)


def _clock_started(execution: Execution, wave: WaveRun) -> datetime:
    """When the wave's time began: its start, or the last resume, for a person's thinking is no failure of a server."""
    assert wave.start_time is not None
    resumed = [command.acknowledged for command in execution.commands if command.kind is CommandKind.RESUME]
    return max([wave.start_time, *(time for time in resumed if time is not None)])


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
    return with_wave(
        execution, wave.wave_name, status=_verdict(plan_wave, wave), end_time=seen.now, reason=_blame(wave)
    )


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


# --- launches --------------------------------------------------------------------------------------------------------


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
            earlier = [attempt for attempt in execution.attempts_of(wave_name) if attempt.chunk == chunk]
            attempt = Attempt(
                attempt_id=seen.fresh_id, wave_name=wave_name, chunk=chunk, number=len(earlier) + 1,
                signed_at=seen.now.replace(microsecond=0), server_ids=rest,
            )  # fmt: skip
            return execution.model_copy(update={"attempts": (*execution.attempts, attempt)}), attempt
    return execution, None


# --- the whole -------------------------------------------------------------------------------------------------------


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
        (WaveStatus.FAILED, ExecutionStatus.FAILED),
        (WaveStatus.TIMED_OUT, ExecutionStatus.TIMED_OUT),
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
        if _awaits_verdict(plan_wave, wave):
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
        f"wave {wave.wave_name} to be asked again after {utc(wave.not_before)}: {wave.reason}"
        for wave in execution.waves
        if wave.not_before and wave.status in {WaveStatus.PREPARING, WaveStatus.QUEUED}
    ]
    texts += [
        f"the job of wave {attempt.wave_name} to be found: its request of {utc(attempt.signed_at)} has no known outcome"
        for attempt in execution.attempts
        if attempt.status is AttemptStatus.INTENT and now >= attempt.signed_at + SHOWN_AFTER
    ]
    return tuple(texts)


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
