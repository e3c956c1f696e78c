"""What a cleanup does next.

Pure, like `decide`, which hands its steps over to here. A cleanup terminates a
frozen list of instances: it looks at each again right before the call, calls
once for a chunk, and believes DRS and EC2 alone that an instance is no more,
never a job (drs-facts §1.12). Instance ids are never used again, so a call whose
outcome is not known may be repeated for what is still there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.attempts import OVER_QUOTA, delayed, launched, learn_attempts, not_executed, without_old_refusals
from drskit.edit import changed, queued, with_attempt, with_servers, with_wave
from drskit.model import (
    SERVERS_PER_JOB,
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionStatus,
    ExecutionType,
    Job,
    ServerRun,
    ServerStatus,
    WaveStatus,
)
from drskit.ports import NotExecuted
from drskit.seen import Aftermath, Seen, Sight
from drskit.targets import ENDED, UNKNOWN_TO_EC2, ineligible

WAVE = "Cleanup"
"""The one wave of a cleanup."""
PURPOSE = "Terminates instances of {} {}. "
"""How a cleanup's description begins; the reason that was given follows."""
REQUEST = "TerminateRecoveryInstances"
LISTED_AFTER = timedelta(seconds=60)
"""How long a job may stay unlisted; then a call without a known outcome is repeated for what is still there."""
SKEW = timedelta(seconds=60)
"""How much the clocks of DynamoDB, by which intents are dated, and of DRS may differ."""
WAIT = timedelta(seconds=15)
"""Until the next look at instances that somebody else's job works on."""
PROOF_WITHIN = timedelta(minutes=5)
"""How long after the end of its job an instance may still be shown before it counts as left behind."""
REFUSALS = 8
"""After so many refused calls for a chunk, its instances are left alone."""
NOT_BEGUN = frozenset({WaveStatus.PENDING, WaveStatus.PREPARING, WaveStatus.QUEUED})
NEVER = AttemptStatus.NOT_EXECUTED
HOLDS = frozenset({AttemptStatus.INTENT, AttemptStatus.LAUNCHED, AttemptStatus.FOREIGN})


def words_to_type(drill: Execution, count: int) -> str:
    """What a person types who has so many servers of a recovery terminated."""
    return f"terminate {count} recovered {'server' if count == 1 else 'servers'} of {drill.plan_id}"


def confirmed(cleanup: Execution, cleaned: Execution) -> bool:
    """Whether somebody confirmed it as its kind needs: of a RECOVERY, in these very words, for so many servers.

    A cleanup that somebody wrote by hand, or altered, terminates nothing.
    """
    wanted = words_to_type(cleaned, len(cleanup.waves[0].servers))
    return cleanup.typed == (wanted if cleaned.execution_type is ExecutionType.RECOVERY else None)


@dataclass(frozen=True)
class Cleaned:
    """What the cleanup becomes, and what is to be done once that is written."""

    execution: Execution
    call: Attempt | None = None
    tell: bool = False
    """The drill's own record is to say what is proven here, before the cleanup ends."""


def clean(execution: Execution, seen: Seen) -> Cleaned:
    """One step of a cleanup."""
    execution = learn_attempts(execution, seen)
    execution = _learn(execution, seen)
    execution = _settle_all(execution, seen)
    if execution.status is ExecutionStatus.CANCELLING:
        execution = _leave_uncovered(execution, seen.now)
    moved = _move(execution, seen)
    if moved is not execution:
        return Cleaned(moved)
    if execution.waves[0].status is WaveStatus.VERIFYING:
        return _verify(execution, seen)
    execution, call = _intend(execution, seen)
    return Cleaned(execution, call)


def undecided(server: ServerRun) -> bool:
    """Whether the instance is neither gone nor left alone for a reason."""
    return server.status is ServerStatus.LAUNCHED and server.error is None


def uncovered(execution: Execution) -> tuple[ServerRun, ...]:
    """The undecided servers that no call has asked for, as far as is known."""
    held = {name for attempt in execution.attempts if attempt.status in HOLDS for name in attempt.server_ids}
    servers = execution.waves[0].servers
    return tuple(server for server in servers if undecided(server) and server.source_server_id not in held)


def calls_due(execution: Execution, now: datetime) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The chunks for which a call may be made now: number, source servers."""
    wave = execution.waves[0]
    waits = wave.not_before is not None and now < wave.not_before
    if execution.status is not ExecutionStatus.POLLING or execution.held or waits:
        return ()
    if wave.status not in {WaveStatus.PREPARING, WaveStatus.QUEUED}:
        return ()
    free = {server.source_server_id for server in uncovered(execution)}
    open_calls = {attempt.chunk for attempt in execution.attempts if attempt.status is AttemptStatus.INTENT}
    chunks = []
    for chunk, start in enumerate(range(0, len(wave.servers), SERVERS_PER_JOB)):
        some = [server.source_server_id for server in wave.servers[start : start + SERVERS_PER_JOB]]
        due = tuple(name for name in some if name in free)
        if due and chunk not in open_calls:
            chunks.append((chunk, due))
    return tuple(chunks)


def instances_of(execution: Execution, attempt: Attempt) -> tuple[str, ...]:
    """The instances that an attempt's call names: those that were frozen at the start, of its servers."""
    wave = execution.wave(attempt.wave_name)
    frozen = {server.source_server_id: server.recovery_instance_id for server in wave.servers}
    return tuple(name for server_id in attempt.server_ids if (name := frozen[server_id]))


def called(execution: Execution, attempt: Attempt, job: Job) -> Execution:
    """The attempt's job exists; it is followed from here on."""
    execution = launched(execution, attempt, job)

    def begin(server: ServerRun) -> ServerRun:
        if server.source_server_id not in attempt.server_ids:
            return server
        return changed(
            server, job_id=job.job_id, attempt=attempt.number, request_time=job.creation_time,
            start_time=job.creation_time,
        )  # fmt: skip

    return _with_servers(execution, begin)


def call_refused(execution: Execution, attempt: Attempt, refusal: NotExecuted, now: datetime) -> Execution:
    """What a refusal means: look again later, wait for a slot, or leave the instances alone."""
    outcome = f"{refusal.code}: {refusal.message}"
    if refusal.transient:
        return delayed(execution, attempt, outcome, now)
    if refusal.code == OVER_QUOTA:
        execution = delayed(execution, attempt, outcome, now)
        return with_wave(execution, attempt.wave_name, status=WaveStatus.QUEUED)
    execution = not_executed(execution, attempt, outcome, now)
    passing = refusal.code in {"ConflictException", "ResourceNotFoundException"}
    tries = sum(other.chunk == attempt.chunk and other.status is NEVER for other in execution.attempts)
    if passing and tries < REFUSALS:
        return execution
    times = f" ({tries} times)" if tries > 1 else ""
    return _leave(execution, set(attempt.server_ids), f"not terminated: DRS refused it{times}: {outcome}", now)


# --- learning --------------------------------------------------------------------------------------------------------


def _learn(execution: Execution, seen: Seen) -> Execution:
    """What DRS and EC2 say of the targets, and what the jobs say of them."""
    words = {
        (job.job_id, part.source_server_id): part.launch_status for job in seen.jobs.values() for part in job.servers
    }

    def learn(server: ServerRun) -> ServerRun:
        word = words.get((server.job_id or "", server.source_server_id))
        if word is not None:
            server = changed(server, launch_status=word)
        sight = seen.aftermath.sights.get(server.source_server_id)
        if server.status is not ServerStatus.LAUNCHED or sight is None or not sight.gone:
            return server
        return changed(server, status=ServerStatus.TERMINATED, end_time=seen.now, error=None, proof=sight.words)

    return _with_servers(execution, learn)


def _settle_all(execution: Execution, seen: Seen) -> Execution:
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.INTENT:
            execution = _settle(execution, attempt, seen)
    return execution


def _settle(execution: Execution, attempt: Attempt, seen: Seen) -> Execution:
    """What a look says of a call without a known outcome."""
    recorded = {other.job_id for other in execution.attempts}
    for job in seen.jobs.values():
        same = {part.source_server_id for part in job.servers} == set(attempt.server_ids)
        since = job.creation_time >= attempt.signed_at - SKEW
        if job.job_type == "TERMINATE" and same and since and job.job_id not in recorded:
            return called(execution, attempt, job)
    servers = [server for server in execution.waves[0].servers if server.source_server_id in attempt.server_ids]
    if all(server.status is ServerStatus.TERMINATED for server in servers):
        outcome = "its instances are gone, and no job of its call is to be seen"
        return with_attempt(execution, attempt.attempt_id, status=AttemptStatus.FOREIGN, outcome=outcome)
    patience = seen.quiescence if execution.status is ExecutionStatus.CANCELLING else LISTED_AFTER
    if seen.listed_at < attempt.signed_at + patience:
        return execution
    return not_executed(execution, attempt, "no job of it is to be seen", seen.now, wait=False)


# --- moving ----------------------------------------------------------------------------------------------------------


def _move(execution: Execution, seen: Seen) -> Execution:
    """The wave one status further, if it may; the same execution when it stays."""
    wave = execution.waves[0]
    attempts = execution.attempts_of(wave.wave_name)
    jobs = [attempt for attempt in attempts if attempt.status is AttemptStatus.LAUNCHED]
    late = _overdue(execution, seen.now)
    open_calls = any(attempt.status is AttemptStatus.INTENT for attempt in attempts)
    status = wave.status
    untouched = not any(attempt.status in HOLDS for attempt in attempts) and not any(map(_terminated, wave.servers))
    if execution.status is ExecutionStatus.CANCELLING and untouched and status in NOT_BEGUN:
        reason = "the cleanup was cancelled"
        return with_wave(execution, WAVE, status=WaveStatus.CANCELLED, end_time=seen.now, reason=reason)
    if status is WaveStatus.PENDING and not execution.held:
        return with_wave(execution, WAVE, status=WaveStatus.PREPARING, start_time=seen.now)
    if status is WaveStatus.QUEUED and not open_calls and not uncovered(execution):
        status = WaveStatus.PREPARING
    elif status is WaveStatus.PREPARING and not open_calls and not uncovered(execution):
        status = WaveStatus.INITIATED if jobs else WaveStatus.VERIFYING
    elif status is WaveStatus.INITIATED and (late or any(job.job_status != "PENDING" for job in jobs)):
        status = WaveStatus.IN_PROGRESS
    elif status is WaveStatus.IN_PROGRESS and (late or all(job.end_time is not None for job in jobs)):
        status = WaveStatus.VERIFYING
    return execution if status is wave.status else with_wave(execution, WAVE, status=status)


def _overdue(execution: Execution, now: datetime) -> bool:
    """Whether a job runs longer than the wave may; only a job's own time counts."""
    timeout = execution.plan.waves[0].timeout
    return any(
        attempt.status is AttemptStatus.LAUNCHED
        and attempt.end_time is None
        and attempt.creation_time is not None
        and now >= attempt.creation_time + timeout
        for attempt in execution.attempts
    )


def _terminated(server: ServerRun) -> bool:
    return server.status is ServerStatus.TERMINATED


def _verify(execution: Execution, seen: Seen) -> Cleaned:
    """Leave behind what is still there for too long; end once everything is decided and the drill's record says so."""
    execution = _leave_behind(execution, seen)
    if any(map(undecided, execution.waves[0].servers)):
        return Cleaned(execution)
    if not seen.aftermath.told or seen.aftermath.kept is None:
        return Cleaned(execution, tell=True)
    return Cleaned(_end(execution, seen.aftermath, seen.now))


def _leave_behind(execution: Execution, seen: Seen) -> Execution:
    wave, plan_wave = execution.waves[0], execution.plan.waves[0]
    attempts = execution.attempts_of(WAVE)
    late = _overdue(execution, seen.now)
    ends = [attempt.end_time for attempt in attempts if attempt.end_time is not None]
    last = max(ends, default=wave.start_time or execution.start_time)

    def leave(server: ServerRun) -> ServerRun:
        sight = seen.aftermath.sights.get(server.source_server_id)
        if not undecided(server) or sight is None:
            return server
        if late:
            minutes = f"{plan_wave.timeout.total_seconds() / 60:g} min"
            return _left(server, f"not gone within {minutes}: {sight.words}; {server.job_id} may still run", seen.now)
        if server.launch_status == "FAILED":
            return _left(server, f"{server.job_id} says FAILED of it: {sight.words}{_hint(sight)}", seen.now)
        if seen.now >= last + PROOF_WITHIN:
            text = f"{sight.words} {PROOF_WITHIN.total_seconds() / 60:g} min after the last job's end{_hint(sight)}"
            return _left(server, text, seen.now)
        return server

    return _with_servers(execution, leave)


def _hint(sight: Sight) -> str:
    if sight.protected:
        return ". Its termination protection is on: turn it off in EC2 if it may go, and clean up again"
    return ". Look at the job's log and at CloudTrail, then clean up again"


def _leave_uncovered(execution: Execution, now: datetime) -> Execution:
    return _leave(
        execution, {server.source_server_id for server in uncovered(execution)},
        "not terminated: the cleanup was cancelled", now,
    )  # fmt: skip


def _leave(execution: Execution, server_ids: set[str], error: str, now: datetime) -> Execution:
    def leave(server: ServerRun) -> ServerRun:
        return _left(server, error, now) if server.source_server_id in server_ids and undecided(server) else server

    return _with_servers(execution, leave)


def _left(server: ServerRun, error: str, now: datetime) -> ServerRun:
    return changed(server, error=error, end_time=now)


def _end(execution: Execution, aftermath: Aftermath, now: datetime) -> Execution:
    """The wave's verdict, by the instances alone, and what became of those that were left alone."""
    wave = execution.waves[0]
    left = [server for server in wave.servers if server.status is not ServerStatus.TERMINATED]
    states = aftermath.kept or {}
    kept = tuple(
        one.model_copy(update={"found": states.get(one.instance_id, UNKNOWN_TO_EC2)}) for one in execution.kept
    )
    gone = [one.instance_id for one in kept if one.found in ENDED]
    reasons = [f"{len(left)} of {len(wave.servers)} instances were not terminated: {_names(left)}"] if left else []
    reasons += (
        [f"{', '.join(gone[:5])} {'is' if len(gone) == 1 else 'are'} gone, too; no call of this cleanup named it"]
        if gone
        else []
    )
    if _overdue(execution, now):
        status = WaveStatus.TIMED_OUT
    elif left:
        status = WaveStatus.FAILED if len(left) == len(wave.servers) else WaveStatus.PARTIAL
    else:
        status = WaveStatus.COMPLETED
    execution = execution.model_copy(update={"kept": kept}) if kept else execution
    return with_wave(execution, WAVE, status=status, end_time=now, reason="; ".join(reasons) or None)


def _names(servers: list[ServerRun]) -> str:
    shown = ", ".join(server.recovery_instance_id or server.source_server_id for server in servers[:5])
    return shown + (f" and {len(servers) - 5} more" if len(servers) > 5 else "")


# --- calling ---------------------------------------------------------------------------------------------------------


def _intend(execution: Execution, seen: Seen) -> tuple[Execution, Attempt | None]:
    """Leave alone what may not go, wait for what others work on, and make the intent for the rest of one chunk."""
    aftermath, due = seen.aftermath, calls_due(execution, seen.now)
    if due and not seen.room.servers:
        return queued(execution, [WAVE], seen.room.reason), None
    for chunk, server_ids in due:
        if not aftermath.checked.issuperset(server_ids):
            continue
        sights = {name: aftermath.sights[name] for name in server_ids}
        waiting = {name for name, sight in sights.items() if sight.leaving or name in aftermath.busy}
        rest = []
        for name in server_ids:
            fault = (
                None
                if name in waiting
                else ineligible(name, sights[name], aftermath.jobs, drill=execution.typed is None)
            )
            if fault is not None:
                execution = _leave(execution, {name}, f"not terminated: {fault}", seen.now)
            elif name not in waiting:
                rest.append(name)
        if rest:
            execution = with_wave(execution, WAVE, status=WaveStatus.PREPARING)
            return _with_attempt(execution, chunk, tuple(rest[: seen.room.servers]), seen)
        if waiting:
            others = sorted({aftermath.busy.get(name) or f"the end of {name}'s instance" for name in waiting})
            reason = f"waits for {', '.join(others[:5])}"
            waits = {"status": WaveStatus.PREPARING, "not_before": seen.now + WAIT, "reason": reason}
            return with_wave(execution, WAVE, **waits), None
        return execution, None
    return execution, None


def _with_attempt(
    execution: Execution, chunk: int, server_ids: tuple[str, ...], seen: Seen
) -> tuple[Execution, Attempt]:
    numbers = [attempt.number for attempt in execution.attempts if attempt.chunk == chunk]
    attempt = Attempt(
        attempt_id=seen.fresh_id, wave_name=WAVE, chunk=chunk, number=max(numbers, default=0) + 1,
        signed_at=seen.now.replace(microsecond=0), server_ids=server_ids,
    )  # fmt: skip
    attempts = (*without_old_refusals(execution.attempts), attempt)
    return execution.model_copy(update={"attempts": attempts}), attempt


def _with_servers(execution: Execution, change: Callable[[ServerRun], ServerRun]) -> Execution:
    wave = with_servers(execution.waves[0], change)
    if wave is execution.waves[0]:
        return execution
    return with_wave(execution, wave.wave_name, servers=wave.servers)
