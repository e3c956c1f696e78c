"""What became of an intent whose outcome is not known.

The look before the repeat (reliability §3.3). The answer is drawn from every
page of DescribeJobs since the intent and from each server's last launch; what
could not be read is an exception of the reader, never an absence here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from drskit.model import Attempt, Execution, Job, SourceServer

EXECUTION_TAG = "drskit:ExecutionId"
TYPE_TAG = "drskit:ExecutionType"
WAVE_TAG = "drskit:Wave"
ATTEMPT_TAG = "drskit:Attempt"
LOOK_BACK = timedelta(minutes=10)
"""How much earlier than the intent the listing begins."""


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


@dataclass(frozen=True)
class Absent:
    """Nothing of the attempt is to be seen now; proof only when it is old enough."""

    unready: Mapping[str, str] = field(default_factory=dict)
    """Servers of the attempt that DRS cannot launch now, each with the reason."""


Witness = Mine | Foreign | Unsure | Absent


def tags_of(execution: Execution, attempt: Attempt) -> dict[str, str]:
    """The tags that the attempt's job carries, exactly (design §10)."""
    return {
        EXECUTION_TAG: execution.execution_id,
        TYPE_TAG: execution.execution_type.value,
        WAVE_TAG: attempt.wave_name,
        ATTEMPT_TAG: attempt.attempt_id,
    }


def testify(
    execution: Execution, attempt: Attempt, jobs: Iterable[Job], servers: Mapping[str, SourceServer]
) -> Witness:
    """Judge an attempt by the jobs created since ten minutes before it and by its servers as they are now."""
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
    return Absent(_unready(attempt, servers))


def _unready(attempt: Attempt, servers: Mapping[str, SourceServer]) -> dict[str, str]:
    found = {}
    for server_id in attempt.server_ids:
        server = servers.get(server_id)
        if server is None:
            found[server_id] = "DRS no longer has this source server"
        elif not server.launchable:
            found[server_id] = f"its replication is {server.replication_state}, so it has no usable recovery point"
    return found
