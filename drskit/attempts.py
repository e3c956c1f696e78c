"""The fate of launches: intents settled by their witnesses, jobs followed, requests that were refused.

An intent is settled only by what was seen or by what DRS certainly refused; an
unknown outcome stays open until a look can tell (reliability §3.3).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from drskit.edit import changed, with_attempt, with_servers, with_wave
from drskit.launches import learn_remains
from drskit.model import Attempt, AttemptStatus, CommandKind, Execution, Job, ServerRun, ServerStatus, WaveStatus
from drskit.ports import NotExecuted
from drskit.seen import Remains, Seen
from drskit.witness import EXECUTION_TAG, Absent, Foreign, Mine, Unsure, Witness

VANISHED = "VANISHED"
"""In the place of a job's status: DRS no longer has the job."""
VANISHED_AFTER = timedelta(minutes=5)
"""How long a job must be missing before it counts as gone.

One empty answer may be a list that lags. The launch protocol bears a lag of two minutes at most (its quiescence less
the five minutes of a signature), so that five minutes without the job, asked for by its id at every look, are none.
"""
OVER_QUOTA = "ServiceQuotaExceededException"
KEPT_REFUSALS = 5
"""How many refused attempts of a chunk stay in the execution."""
REFUSALS = 5
"""After so many refusals without a cause to be seen, a person is asked."""
TRIES_AGAIN = frozenset({CommandKind.RESUME, CommandKind.RETRY})
"""What a person says to have DRS asked so many times more."""


def learn_attempts(execution: Execution, seen: Seen) -> Execution:
    """Settle open intents by their witnesses, and follow the jobs of those that launched."""
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.INTENT and attempt.attempt_id in seen.witnesses:
            execution = _settle(execution, attempt, seen.witnesses[attempt.attempt_id], seen)
        elif attempt.job_id is None or attempt.end_time is not None:
            continue
        elif attempt.job_id in seen.jobs:
            execution = _follow(execution, attempt, seen.jobs[attempt.job_id], seen.now)
        elif attempt.job_id in seen.remains:
            execution = _give_up(execution, attempt, seen.remains[attempt.job_id], seen.now)
        elif attempt.job_id in seen.missing and attempt.missing_since is None:
            execution = with_attempt(execution, attempt.attempt_id, missing_since=seen.listed_at)
    return execution


def long_missing(attempt: Attempt, listed_at: datetime) -> bool:
    """Whether a job that this listing lacks as well has been missing for long enough to be gone."""
    return attempt.missing_since is not None and listed_at >= attempt.missing_since + VANISHED_AFTER


def found_a_job(before: Execution, after: Execution) -> bool:
    """Whether an attempt's job came to be known."""
    pairs = zip(before.attempts, after.attempts, strict=True)
    return any(new.status is AttemptStatus.LAUNCHED and old.status is not new.status for old, new in pairs)


def _follow(execution: Execution, attempt: Attempt, job: Job, now: datetime) -> Execution:
    """The job's progress; one that is COMPLETED and says no end has ended by now."""
    end = job.end_time or (now if job.status == "COMPLETED" else None)
    if (attempt.job_status, attempt.end_time, attempt.missing_since) == (job.status, end, None):
        return execution
    return with_attempt(execution, attempt.attempt_id, job_status=job.status, end_time=end, missing_since=None)


def _give_up(execution: Execution, attempt: Attempt, remains: Remains, now: datetime) -> Execution:
    """DRS no longer has the job; what it left says for each server what became of it, or nothing does."""
    execution = with_attempt(execution, attempt.attempt_id, job_status=VANISHED, end_time=now)

    def learn(server: ServerRun) -> ServerRun:
        return learn_remains(server, remains, now) if server.job_id == attempt.job_id else server

    wave = with_servers(execution.wave(attempt.wave_name), learn)
    return with_wave(execution, wave.wave_name, servers=wave.servers)


def _settle(execution: Execution, attempt: Attempt, witness: Witness, seen: Seen) -> Execution:
    """What a look says of an open intent; until it is old enough its request may still be under way."""
    old_enough = seen.listed_at >= attempt.signed_at + seen.quiescence
    match witness:
        case Mine(job):
            return launched(execution, attempt, job)
        case Foreign(job, server_ids) if attempt.refused or old_enough:
            execution = with_attempt(execution, attempt.attempt_id, refused=True)  # its own absence is proven
            return _foreign(execution, attempt, _whose(job, server_ids), job.job_id)
        case Unsure(reason, job_id) if old_enough:
            return _foreign(execution, attempt, reason, job_id)
        case Absent(unready, busy) if attempt.refused:
            return _refused_for_no_launch(execution, attempt, unready, busy, seen.now)
        case Absent() if old_enough:
            return not_executed(execution, attempt, "no job of it came into being", seen.now, wait=False)
        case Foreign() | Unsure() | Absent():
            return execution
        case _:
            assert_never(witness)


def _whose(job: Job, server_ids: tuple[str, ...]) -> str:
    owner = job.tags.get(EXECUTION_TAG)
    whose = f"execution {owner}" if owner else "somebody else"
    return f"{job.job_id} of {whose} launches {', '.join(server_ids)} ({job.status})"


def _refused_for_no_launch(
    execution: Execution, attempt: Attempt, unready: Mapping[str, str], busy: Job | None, now: datetime
) -> Execution:
    """DRS refused the request, and no launch holds its servers: leave out what cannot be launched, or ask a person.

    A job that terminates their instances is over in minutes; it is named when it is not.
    """
    outcome = attempt.outcome or "its request was not carried out"
    refusals = _refusals(execution, attempt)
    if not unready and refusals >= REFUSALS:
        holder = f"{busy.job_id} holds them ({busy.job_type}, {busy.status})" if busy else "no job holds its servers"
        text = f"DRS refused it {refusals} times, and {holder}: {outcome}"
        return _foreign(execution, attempt, text, busy.job_id if busy else None)
    execution = not_executed(execution, attempt, outcome, now)
    wave = with_servers(
        execution.wave(attempt.wave_name),
        lambda server: (
            changed(
                server,
                status=ServerStatus.FAILED,
                end_time=now,
                error=f"not launched: {unready[server.source_server_id]} ({outcome})",
            )
            if server.source_server_id in unready and server.status is ServerStatus.PENDING
            else server
        ),
    )
    return with_wave(execution, wave.wave_name, servers=wave.servers)


def _refusals(execution: Execution, attempt: Attempt) -> int:
    """How often DRS refused the chunk since a person last had its wave tried again."""
    name = attempt.wave_name
    again = [
        command.acknowledged
        for command in execution.commands
        if command.kind in TRIES_AGAIN and command.acknowledged and command.wave_name in {None, name}
    ]
    return sum(
        other.refused and other.chunk == attempt.chunk and other.signed_at >= max(again, default=other.signed_at)
        for other in execution.attempts_of(name)
    )


def _foreign(execution: Execution, attempt: Attempt, outcome: str, job_id: str | None) -> Execution:
    return with_attempt(execution, attempt.attempt_id, status=AttemptStatus.FOREIGN, outcome=outcome, blocked_by=job_id)


def tried_again(execution: Execution, attempt: Attempt) -> Execution:
    """A held attempt after somebody said to go on: DRS is asked anew at once where it refused for no cause to be seen.

    Any other is looked for once more, and what held it may hold it again.
    """
    if not attempt.refused or attempt.blocked_by is not None:
        return reopened(execution, attempt)
    execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED)
    return with_wave(execution, attempt.wave_name, not_before=None)


def reopened(execution: Execution, attempt: Attempt) -> Execution:
    """A held attempt, to be judged again: what held it counts no more once it has ended.

    Its request may still be under way, so it is not given up before its absence is proven.
    """
    excused = (*attempt.excused, attempt.blocked_by) if attempt.blocked_by else attempt.excused
    return with_attempt(
        execution, attempt.attempt_id, status=AttemptStatus.INTENT, outcome=None, blocked_by=None, excused=excused
    )


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


def delayed(execution: Execution, attempt: Attempt, outcome: str, now: datetime) -> Execution:
    """AWS refused the attempt's request for now, and certainly did not carry it out."""
    before = [
        other
        for other in execution.attempts_of(attempt.wave_name)
        if other.chunk == attempt.chunk and other.number < attempt.number
    ]
    since = before[-1].refused_since if before else None
    execution = with_attempt(execution, attempt.attempt_id, refused_since=since or attempt.signed_at)
    return not_executed(execution, attempt, outcome, now)


def without_old_refusals(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The attempts, of each chunk's refused ones only the last; the history has them all.

    Only what AWS certainly did not carry out may be forgotten: a job of any other attempt may yet turn up, and its tag
    must be known then.
    """
    kept: list[Attempt] = []
    seen: dict[tuple[str, int], int] = {}
    for attempt in reversed(attempts):
        if attempt.refused_since is not None:
            chunk = attempt.wave_name, attempt.chunk
            seen[chunk] = seen.get(chunk, 0) + 1
            if seen[chunk] > KEPT_REFUSALS:
                continue
        kept.append(attempt)
    return tuple(reversed(kept))


def not_executed(
    execution: Execution, attempt: Attempt, outcome: str, now: datetime, *, wait: bool = True
) -> Execution:
    """The attempt's request was never carried out; another may be made, after a wait."""
    execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED, outcome=outcome)
    not_before = now + _backoff(attempt) if wait else None
    return with_wave(execution, attempt.wave_name, not_before=not_before, reason=outcome)


def _backoff(attempt: Attempt) -> timedelta:
    """15 seconds, then twice as many each time, to 225; with up to a third more by the attempt's id (no herd).

    The first are quick, for most throttles pass quickly; an AWS that refuses for hours is asked every five minutes.
    """
    seconds = min(15 * 2 ** min(attempt.number - 1, 10), 225)
    share = hashlib.sha256(attempt.attempt_id.encode()).digest()[0] / 255
    return timedelta(seconds=round(seconds * (1 + share / 3)))


def refused(execution: Execution, attempt: Attempt, refusal: NotExecuted, now: datetime) -> Execution:
    """What a refusal means: look who is busy, ask again later, wait for a slot, or give the servers up."""
    outcome = f"{refusal.code}: {refusal.message}"
    if refusal.code == "ConflictException":
        return with_attempt(execution, attempt.attempt_id, outcome=outcome, refused=True)
    if refusal.transient:
        return delayed(execution, attempt, outcome, now)
    if refusal.code == OVER_QUOTA:
        execution = delayed(execution, attempt, outcome, now)
        return with_wave(execution, attempt.wave_name, status=WaveStatus.QUEUED)
    execution = not_executed(execution, attempt, outcome, now, wait=False)
    ids = set(attempt.server_ids)

    def fail(server: ServerRun) -> ServerRun:
        if server.source_server_id not in ids:
            return server
        return changed(server, status=ServerStatus.FAILED, error=outcome, end_time=now, attempt=attempt.number)

    wave = with_servers(execution.wave(attempt.wave_name), fail)
    return with_wave(execution, wave.wave_name, servers=wave.servers)
