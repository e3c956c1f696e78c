"""DRS's quotas of launches, each per account and Region (drs-facts §6.1), and how much of them is in use.

Pure. Jobs of anybody count, and so does what no listing shows yet: a job of ours
that is on record, and a request whose outcome is not known, which holds its
place until that is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.model import SERVERS_PER_JOB, Attempt, AttemptStatus, Execution, Job
from drskit.witness import ATTEMPT_TAG, EXECUTION_TAG

JOBS = "L-D88FAC3A"
SERVERS = "L-05AFA8C6"
IN_ONE_JOB = "L-B827C881"
LISTED_BACK = timedelta(days=1)
"""How far back jobs are listed when those that run are counted; an older one that still runs is not seen.

DRS refuses a request then that was taken to fit, which delays it and does nothing else.
"""
ENDED = "COMPLETED"


@dataclass(frozen=True)
class Quotas:
    """What DRS allows at once; as documented, until Service Quotas says otherwise."""

    jobs: int = 20
    servers: int = 500
    """Source servers in all jobs."""
    servers_per_job: int = SERVERS_PER_JOB
    doubt: str | None = None
    """Why these are the documented numbers and not the account's own; None where Service Quotas told them."""


@dataclass(frozen=True)
class Load:
    """What is under way in an account and Region."""

    jobs: int = 0
    servers: int = 0
    """In these jobs."""
    jobs_of_others: int = 0
    servers_of_others: int = 0


def load_of(jobs: Iterable[Job], executions: Iterable[Execution]) -> Load:
    """What runs by these jobs, and what these executions have asked for and no listing shows yet.

    A job is ours when it carries our tag, or when an execution has recorded it: one that terminates carries none.
    """
    executions, jobs = tuple(executions), tuple(jobs)
    running = [job for job in jobs if job.status != ENDED]
    recorded = {attempt.job_id for execution in executions for attempt in execution.attempts}
    others = [job for job in running if EXECUTION_TAG not in job.tags and job.job_id not in recorded]
    shown = {name for job in jobs for name in (job.job_id, job.tags.get(ATTEMPT_TAG)) if name is not None}
    asked = [
        attempt
        for execution in executions
        for attempt in execution.attempts
        if under_way(attempt) and not attempt.refused and shown.isdisjoint({attempt.attempt_id, attempt.job_id})
    ]
    return Load(
        jobs=len(running) + len(asked),
        servers=sum(len(job.servers) for job in running) + sum(len(attempt.server_ids) for attempt in asked),
        jobs_of_others=len(others),
        servers_of_others=sum(len(job.servers) for job in others),
    )


def under_way(attempt: Attempt) -> bool:
    """Whether the attempt uses the quotas, or may."""
    return attempt.status is AttemptStatus.INTENT or (
        attempt.status is AttemptStatus.LAUNCHED and attempt.end_time is None
    )


def servers_under_way(execution: Execution, wave_name: str | None = None) -> int:
    """How many servers of an execution, or of one wave of it, are in jobs, or may be."""
    return sum(
        len(attempt.server_ids)
        for attempt in execution.attempts
        if under_way(attempt) and wave_name in {None, attempt.wave_name}
    )


def turn(execution: Execution, wave_name: str | None = None) -> tuple[int, datetime, int]:
    """The place of an execution, or of one wave of it, among those that share the quotas; the smallest is next.

    By the servers that it has under way, then by its last request, or by the execution's start where there was none. A
    second is the finest that these times tell, so of the same one it is who made fewer requests.
    """
    times = [attempt.signed_at for attempt in execution.attempts if wave_name in {None, attempt.wave_name}]
    return servers_under_way(execution, wave_name), max(times, default=execution.start_time), len(times)
