"""What a job's timeline says: the lines of its log, what becomes of its servers, and when.

A timeline is worked out when its job is created, or taken from a captured job;
whatever a job shows of any instant is read off it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from drskit.sim.actions import ActionPlan
from drskit.sim.ids import Ids
from drskit.sim.spec import CapturedJob, span

PROTECTED = (
    "An error occurred (OperationNotPermitted) when calling the TerminateInstances operation: "
    "The instance may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."
)


@dataclass(frozen=True)
class LogEntry:
    """A line of a job's log."""

    at: datetime
    event: str
    server_id: str | None = None
    conversion_server: str | None = None
    instance_id: str | None = None
    error: str | None = None
    network: tuple[tuple[str, str], ...] = ()
    """What it tells of a source network, as members and values."""


@dataclass(frozen=True)
class Launched:
    """A server has its instance, since `made_at` where its post-launch actions ended later."""

    at: datetime
    instance_id: str
    made_at: datetime | None = None


@dataclass(frozen=True)
class Failed:
    """A server has none; `orphan` is an EC2 instance that nobody will look after, made at `orphan_at`.

    Where a post-launch action failed, DRS knows the instance all the same.
    """

    at: datetime
    orphan: str | None = None
    orphan_at: datetime | None = None
    known: bool = False


@dataclass(frozen=True)
class Hanging:
    """Nothing will ever become of this server."""


@dataclass(frozen=True)
class Terminated:
    """An instance is gone, unless EC2 protects it."""

    at: datetime


Outcome = Launched | Failed | Hanging | Terminated


@dataclass(frozen=True)
class Timeline:
    """A job, from its creation to its end; a job that hangs has no end."""

    starts_at: datetime
    ends_at: datetime | None
    entries: tuple[LogEntry, ...]
    outcomes: dict[str, Outcome]
    cleanups: dict[str, datetime] = field(default_factory=dict)
    """When each server's earlier instances go."""
    actions: dict[str, ActionPlan] = field(default_factory=dict)
    """The post-launch actions of each server that has any."""

    @cached_property
    def instants(self) -> tuple[datetime, ...]:
        """When anything happens, in order."""
        found = {one.at for one in self.outcomes.values() if not isinstance(one, Hanging)}
        found |= {entry.at for entry in self.entries}
        for plan in self.actions.values():
            found |= {plan.agent_at} | {at for run in plan.runs for at in (run.begins_at, run.ends_at)}
        return tuple(sorted(found))

    @cached_property
    def snapshots_at(self) -> dict[str, datetime]:
        """When the snapshot of each server was taken that has one from this job."""
        taken = [entry for entry in self.entries if entry.event == "SNAPSHOT_END" and entry.server_id]
        return {entry.server_id: entry.at for entry in reversed(taken) if entry.server_id}


def failed_cleanup(timeline: Timeline, server_id: str) -> Timeline:
    """The same timeline, where EC2 did not let go of a server's earlier instance."""
    entries = tuple(
        replace(entry, event="CLEANUP_FAIL", error=PROTECTED)
        if entry.event == "CLEANUP_END" and entry.server_id == server_id
        else entry
        for entry in timeline.entries
    )
    return replace(timeline, entries=entries)


def replay(job: CapturedJob, *, ids: Ids, created_at: datetime) -> Timeline:
    """The timeline of a captured job, moved to another creation.

    LAUNCH_END is no declared event (drs-facts §1.4): without it a launched server is launched when the job ends.
    """
    entries = tuple(
        LogEntry(created_at + span(line.at), line.event, line.server, line.conversion_server, line.instance, line.error)
        for line in job.log
    )
    ends_at = created_at + span(job.ended)
    outcomes: dict[str, Outcome] = {}
    for server_id, status in job.outcomes.items():
        own = {entry.event: entry for entry in entries if entry.server_id == server_id}
        if status == "TERMINATED":
            outcomes[server_id] = Terminated(own.get("CLEANUP_END", LogEntry(ends_at, "JOB_END")).at)
            continue
        last = own.get("LAUNCH_END" if status == "LAUNCHED" else "LAUNCH_FAILED", LogEntry(ends_at, "JOB_END"))
        instance_id = last.instance_id or ids.ec2("i", job.id, server_id)
        outcomes[server_id] = Launched(last.at, instance_id) if status == "LAUNCHED" else Failed(last.at)
    cleanups = {entry.server_id: entry.at for entry in entries if entry.event == "CLEANUP_END" and entry.server_id}
    starts_at = entries[0].at if entries else created_at
    return Timeline(starts_at, ends_at, entries, outcomes, cleanups)
