"""What became of an intent whose outcome is not known.

The look before the repeat (reliability §3.3). The answer is drawn from every
page of DescribeJobs since the intent and from each server's last launch; before
absence is taken for proof, also from the jobs that only these launches or the
servers' instances name, and from the instances that DRS and EC2 have. What
could not be read is an exception of the reader, never an absence here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drskit.model import Attempt, Execution, Job, RecoveryInstance, SourceServer, TaggedInstance
from drskit.texts import moment

EXECUTION_TAG = "drskit:ExecutionId"
TYPE_TAG = "drskit:ExecutionType"
WAVE_TAG = "drskit:Wave"
ATTEMPT_TAG = "drskit:Attempt"
LOOK_BACK = timedelta(minutes=10)
"""How much earlier than the intent the listing begins."""
LOOK_FAR_BACK = timedelta(days=1)
"""The same for a request that DRS refused: what stands in its way may have begun long before it."""


@dataclass(frozen=True)
class Mine:
    """The attempt's job, or the job of an earlier attempt for the same chunk."""

    job: Job


@dataclass(frozen=True)
class Foreign:
    """Somebody else's launch job holds servers of the attempt."""

    job: Job
    server_ids: tuple[str, ...]


@dataclass(frozen=True)
class Unsure:
    """Something was seen that may be ours; nobody can tell yet."""

    reason: str
    job_id: str | None = None
    """The job that it is about, or an instance of which no job is known."""


@dataclass(frozen=True)
class Absent:
    """Nothing of the attempt is to be seen now; proof only when it is old enough."""

    unready: Mapping[str, str] = field(default_factory=dict)
    """Servers of the attempt that DRS cannot launch now, each with the reason."""
    busy: Job | None = None
    """A job that launches nothing and holds servers of a refused attempt: it terminates instances, for one."""


Witness = Mine | Foreign | Unsure | Absent


def tags_of(execution: Execution, attempt: Attempt) -> dict[str, str]:
    """The tags that the attempt's job carries, exactly (design §10)."""
    return {
        EXECUTION_TAG: execution.execution_id,
        TYPE_TAG: execution.execution_type.value,
        WAVE_TAG: attempt.wave_name,
        ATTEMPT_TAG: attempt.attempt_id,
    }


def look_back(attempt: Attempt) -> timedelta:
    """How much earlier than this intent the listing must begin."""
    return LOOK_FAR_BACK if attempt.refused else LOOK_BACK


def testify(
    execution: Execution, attempt: Attempt, jobs: Iterable[Job], servers: Mapping[str, SourceServer]
) -> Witness:
    """Judge an attempt by the jobs created since its `look_back` and by its servers as they are now."""
    jobs = tuple(jobs)
    siblings = {
        other.attempt_id
        for other in execution.attempts
        if (other.wave_name, other.chunk) == (attempt.wave_name, attempt.chunk)
    }
    launches = [job for job in jobs if job.job_type == "LAUNCH"]
    recorded = {other.job_id for other in execution.attempts}
    mine = [job for job in launches if job.tags.get(ATTEMPT_TAG) in siblings and job.job_id not in recorded]
    if mine:
        exact = [job for job in mine if job.tags[ATTEMPT_TAG] == attempt.attempt_id]
        return Mine((exact or mine)[0])
    wanted = set(attempt.server_ids)
    for job in launches:
        shared = tuple(server.source_server_id for server in job.servers if server.source_server_id in wanted)
        since = job.creation_time >= attempt.signed_at
        ended = job.status == "COMPLETED"
        if not shared or (ended and (not since or job.job_id in attempt.excused)):
            continue
        if not job.tags and since and len(shared) == len(wanted) == len(job.servers):
            return Unsure(f"{job.job_id} has our servers and no tags", job.job_id)
        return Foreign(job, shared)
    seen = {job.job_id for job in launches}
    for server_id in attempt.server_ids:
        server = servers.get(server_id)
        if server is None or server.last_launch_time is None or server.last_launch_time < attempt.signed_at:
            continue
        last = server.last_launch_job_id
        if last not in seen and last not in attempt.excused:
            return Unsure(f"{server_id} was last launched by {last}, which is not listed yet", last)
    return Absent(_unready(attempt, servers), _busy(attempt, jobs) if attempt.refused else None)


def _busy(attempt: Attempt, jobs: Iterable[Job]) -> Job | None:
    """The newest job that has not ended, launches nothing, and is about servers of the attempt."""
    wanted = set(attempt.server_ids)
    running = [job for job in jobs if job.job_type != "LAUNCH" and job.status != "COMPLETED"]
    held = [job for job in running if not wanted.isdisjoint(server.source_server_id for server in job.servers)]
    return max(held, key=lambda job: job.creation_time, default=None)


def unlisted(
    attempt: Attempt,
    jobs: Iterable[Job],
    servers: Mapping[str, SourceServer],
    instances: Iterable[RecoveryInstance] = (),
) -> tuple[str, ...]:
    """The jobs that the attempt's servers and their instances name and that are not among these: to be asked for."""
    named = [server.last_launch_job_id for name, server in servers.items() if name in attempt.server_ids]
    named += [instance.job_id for instance in instances if instance.source_server_id in attempt.server_ids]
    known = {job.job_id for job in jobs}.union(attempt.excused)
    return tuple(sorted({name for name in named if name is not None and name not in known}))


def instances_testify(
    attempt: Attempt, jobs: Iterable[Job], instances: Iterable[RecoveryInstance], tagged: Iterable[TaggedInstance]
) -> Unsure | Absent:
    """Whether an instance came up since the intent by a job that nobody lists, which may be the attempt's.

    The instances of a job among `jobs` were judged with it. An instance from before the intent is no witness; one of
    which nobody knows the time is.

    Args:
        attempt: an attempt that nothing else speaks for.
        jobs: those that are listed, and those that were asked for by their ids.
        instances: what DRS knows for the attempt's servers.
        tagged: what EC2 knows for them by DRS's tag.
    """
    listed: set[str | None] = {*(job.job_id for job in jobs), *attempt.excused}
    in_ec2 = {instance.instance_id: instance for instance in tagged}
    for instance in instances:
        twin = in_ec2.pop(instance.recovery_instance_id, None)
        time = twin.launch_time if twin is not None else instance.snapshot_time
        known = not listed.isdisjoint({instance.job_id, instance.recovery_instance_id})
        if known or (time is not None and time < attempt.signed_at):
            continue
        job = f"{instance.job_id}, which DRS does not list" if instance.job_id else "a job that DRS does not name"
        return Unsure(
            f"{instance.source_server_id} has {instance.recovery_instance_id}, {_launched(time)} by {job}",
            instance.job_id or instance.recovery_instance_id,
        )
    for stray in in_ec2.values():
        time = stray.launch_time
        if stray.instance_id in attempt.excused or (time is not None and time < attempt.signed_at):
            continue
        text = f"{stray.source_server_id} has {stray.instance_id} in EC2, {_launched(time)} and not known to DRS"
        return Unsure(text, stray.instance_id)
    return Absent()


def _launched(time: datetime | None) -> str:
    return f"launched at {moment(time)}" if time else "launched at a time that nobody knows,"


def _unready(attempt: Attempt, servers: Mapping[str, SourceServer]) -> dict[str, str]:
    found = {}
    for server_id in attempt.server_ids:
        server = servers.get(server_id)
        if server is None:
            found[server_id] = "DRS no longer has this source server"
        elif not server.launchable:
            found[server_id] = f"its replication is {server.replication_state}, so it has no usable recovery point"
    return found
