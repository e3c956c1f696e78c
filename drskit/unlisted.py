"""What a drill's jobs may have launched and DRS does not list yet.

Pure. DRS lists a recovery instance up to a minute after its job has ended
(drs-facts §7). Until that is surely over, a server without an instance is no
proof that there is none.
"""

from collections.abc import Iterable
from datetime import datetime

from drskit.attempts import VANISHED
from drskit.launches import INSTANCE_GRACE, LAUNCHED
from drskit.model import Attempt, Execution, Job, ServerRun, ServerStatus
from drskit.retries import names
from drskit.targets import Selection, candidates

MAY_COME = LAUNCHED | {ServerStatus.UNKNOWN, ServerStatus.SKIPPED}
"""A server of which an instance may be listed yet, unless DRS says of it that it was not launched."""


def unlisted(drill: Execution, jobs: Iterable[Job], selection: Selection, now: datetime) -> dict[str, tuple[str, ...]]:
    """By a job that ended a moment ago: the servers that it may have launched and of which nothing is listed.

    Args:
        drill: the execution as recorded.
        jobs: those whose end it has not recorded, as DRS has them now.
        selection: what was found of its instances.
        now: the present.
    """
    known = {job.job_id: job for job in jobs}
    seen = {target.server.source_server_id for target in selection.targets}
    seen |= {one.source_server_id for one in selection.left}
    seen |= {one.source_server_id for one in selection.gone if one.instance_id is not None}
    missing = [server for server in candidates(drill) if server.source_server_id not in seen]
    found = {}
    for attempt in drill.attempts:
        job = known.get(attempt.job_id or "")
        end = _end(attempt, job, now)
        mine = [server for server in missing if server.source_server_id in attempt.server_ids]
        late = tuple(server.source_server_id for server in mine if _may_come(server, attempt, job))
        if attempt.job_id and late and end is not None and now < end + INSTANCE_GRACE:
            found[attempt.job_id] = late
    return found


def _end(attempt: Attempt, job: Job | None, now: datetime) -> datetime | None:
    """When the attempt's job ended; None while it runs, and for one that DRS no longer has."""
    if job is not None:
        return (job.end_time or now) if job.status == "COMPLETED" else None
    return None if attempt.job_status == VANISHED else attempt.end_time


def _may_come(server: ServerRun, attempt: Attempt, job: Job | None) -> bool:
    words = {part.source_server_id: part.launch_status for part in job.servers} if job else {}
    last = server.launch_status if server.job_id == attempt.job_id else None
    word = words.get(server.source_server_id) or last
    return server.status in MAY_COME and word not in {"FAILED", "TERMINATED"}


def without_doubtful(selection: Selection, late: dict[str, tuple[str, ...]]) -> Selection:
    """The selection, without what is called gone although DRS may list it yet."""
    doubtful = {server_id for server_ids in late.values() for server_id in server_ids}
    gone = tuple(one for one in selection.gone if one.instance_id is not None or one.source_server_id not in doubtful)
    return Selection(selection.targets, selection.bystanders, gone)


def told(late: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A clause for each job."""
    minutes = f"{INSTANCE_GRACE.total_seconds() / 60:g} min"
    return tuple(
        f"{job_id} has just ended, and DRS may list what it launched of {names(list(server_ids))} up to {minutes} later"
        for job_id, server_ids in late.items()
    )
