"""What stands in the way of a server's recovery, and what to do about it.

From facts that DRS gives (drs-facts §4, §9): its replication, its snapshots, its
launch settings, its jobs. DRS refuses a whole launch request for one server that
cannot be recovered, so it is better known before. A server that lags or has
stalled can be launched all the same, from an older point in time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from drskit.model import CANNOT_LAUNCH, Job, LaunchSettings, SourceServer
from drskit.texts import moment, roughly

OLD_LAG = timedelta(minutes=15)
"""A lag that people should know of: more than the ten minutes between two automatic snapshots."""
OLD_SNAPSHOT = timedelta(hours=2)
SILENT = timedelta(minutes=30)


class Verdict(StrEnum):
    """Whether DRS would launch a server now."""

    NO = "cannot be recovered"
    RISKY = "can be recovered, with a reservation"
    UNKNOWN = "not asked"
    YES = "can be recovered"


@dataclass(frozen=True)
class Finding:
    """One thing that stands in the way of a recovery, or makes it worth less."""

    blocks: bool
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}."


@dataclass(frozen=True)
class Closer:
    """What DRS tells of one server only when it is asked for that server alone."""

    snapshot_time: datetime | None
    settings: LaunchSettings | None


@dataclass(frozen=True)
class Facts:
    """What was seen of DRS at one moment."""

    now: datetime
    jobs: tuple[Job, ...] = ()
    """Those that are not over, at least."""
    closer: dict[str, Closer] = field(default_factory=dict)
    """By SourceServerId; a server that is missing here was not asked about."""


def verdict(server: SourceServer, facts: Facts) -> Verdict:
    """Whether DRS would launch the server now, as far as it was asked."""
    found = findings(server, facts)
    if any(finding.blocks for finding in found):
        return Verdict.NO
    if found:
        return Verdict.RISKY
    return Verdict.YES if server.source_server_id in facts.closer else Verdict.UNKNOWN


def findings(server: SourceServer, facts: Facts) -> tuple[Finding, ...]:
    """Everything that stands in the way, what blocks first."""
    found = [
        *_replication(server, facts.now),
        *_staging(server),
        *_jobs(server, facts.jobs),
        *_closer(server, facts),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.blocks))


def _replication(server: SourceServer, now: datetime) -> Iterator[Finding]:
    state, why = server.replication_state, f" ({server.replication_error})" if server.replication_error else ""
    done = f", {server.replicated_percent} % done" if server.replicated_percent is not None else ""
    since = f" since {moment(server.last_seen)}" if server.last_seen else ""
    blocking = {
        "DISCONNECTED": (f"it is DISCONNECTED{since}{why}", "Reconnect or reinstall its agent, or leave it out"),
        "STOPPED": (f"its replication is STOPPED{why}", "Start its replication in DRS, or leave it out"),
        "INITIATING": (f"its replication is INITIATING{why}", "Wait for the initial sync, and look again"),
        "INITIAL_SYNC": (f"its initial sync is not over{done}{why}", "Wait for its end, and look again"),
    }
    limping = {
        "STALLED": (f"its replication has STALLED{why}", "It launches from its last snapshot; mend the replication"),
        "PAUSED": ("its replication is PAUSED", "It launches from its last snapshot; resume the replication"),
        "BACKLOG": ("its replication has a BACKLOG", "It launches a little behind; give it more bandwidth if it stays"),
        "RESCAN": ("its disks are being read anew (RESCAN)", "It launches from its last snapshot; wait for the end"),
    }
    if state in blocking:
        yield Finding(True, *blocking[state])
    elif state in CANNOT_LAUNCH or not state:
        yield Finding(True, f"its replication state is {state or 'not told'}", "Look at it in the DRS console")
    elif state in limping:
        yield Finding(False, *limping[state])
    elif server.replication_error:
        yield Finding(False, f"DRS reports {server.replication_error}", "Look at it in the DRS console")
    if state not in blocking and server.lag is not None and server.lag > OLD_LAG:
        yield Finding(
            False, f"it lags {roughly(server.lag)} behind", "So much is lost if it is recovered now; look at why"
        )
    if state not in blocking and server.last_seen is not None and now - server.last_seen > SILENT:
        yield Finding(False, f"its agent was last seen at {moment(server.last_seen)}", "Look whether the machine runs")


def _staging(server: SourceServer) -> Iterator[Finding]:
    if server.staging_status == "EXTENSION_ERROR":
        yield Finding(True, "its extension from another account has an error", "Mend the staging account's role or key")
    if server.volume_troubles:
        disks = ", ".join(server.volume_troubles)
        yield Finding(True, f"attributes of its disks are missing: {disks}", "Wait, or reinstall its agent")


def _jobs(server: SourceServer, jobs: tuple[Job, ...]) -> Iterator[Finding]:
    for job in jobs:
        if job.status != "COMPLETED" and any(part.source_server_id == server.source_server_id for part in job.servers):
            since = moment(job.creation_time)
            what = f"{job.job_type} job {job.job_id} ({job.status} since {since}) is working on it"
            yield Finding(True, what, "DRS runs one job a server at a time; wait for its end")


def _closer(server: SourceServer, facts: Facts) -> Iterator[Finding]:
    asked = facts.closer.get(server.source_server_id)
    if asked is None:
        return
    if asked.snapshot_time is None:
        yield Finding(True, "it has no recovery snapshot", "Wait until replication has made one, and look again")
    elif server.launchable and facts.now - asked.snapshot_time > OLD_SNAPSHOT:
        what = f"its newest recovery snapshot is of {moment(asked.snapshot_time)}"
        yield Finding(False, what, "So much is lost if it is recovered now; look at its replication")
    if asked.settings is None or asked.settings.template_id is None:
        what = "its launch settings are missing" if asked.settings is None else "it has no EC2 launch template"
        yield Finding(True, what, "Open and save its launch settings in the DRS console, which makes them anew")
