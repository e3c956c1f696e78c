"""The rules of DRS, over a given `now`.

A `World` holds what was asked of it; everything else is derived from the
instant at which it is looked at. Nothing here reads a clock, a thread, a file
or moto: whoever drives a world says what time it is, and calls `settle` before
anything else, so that what should have happened by then has happened.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drskit.sim import refusals
from drskit.sim.ids import Ids
from drskit.sim.schedule import (
    Failed,
    Hanging,
    Launched,
    Outcome,
    Terminated,
    Timeline,
    plan_launch,
    plan_terminate,
    replay,
)
from drskit.sim.snapshots import Snapshot, snapshots_of
from drskit.sim.spec import ReplicationState, ServerSpec, WorldSpec, span

UNLAUNCHABLE = {
    ReplicationState.DISCONNECTED: "is disconnected",
    ReplicationState.STOPPED: "has stopped replication",
    ReplicationState.INITIATING: "has no consistent recovery point yet",
    ReplicationState.INITIAL_SYNC: "has no consistent recovery point yet",
}
SERVER_ID = re.compile(r"^s-[0-9a-zA-Z]{17}$")
SNAPSHOT_ID = re.compile(r"^pit-[0-9a-zA-Z]{17}$")
INSTANCE_ID = re.compile(r"^i-[0-9a-fA-F]{8,}$")


@dataclass
class Instance:
    """A recovery instance: EC2 has it from `launched_at` on; DRS lists it while `known`."""

    id: str
    server_id: str
    job_id: str
    is_drill: bool
    launched_at: datetime
    snapshot_at: datetime
    known: bool = True
    protected: bool = False
    state: str = "running"
    """As EC2 says it; whoever mirrors the world into EC2 keeps it up to date."""
    removal_at: datetime | None = None
    removed_by: str | None = None
    ended_at: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def exists(self, now: datetime) -> bool:
        """Whether EC2 runs or keeps it."""
        return self.launched_at <= now and self.ended_at is None


@dataclass
class Job:
    """A job: what was asked, and the timeline that follows from it."""

    id: str
    kind: str
    initiated_by: str
    created_at: datetime
    server_ids: tuple[str, ...]
    timeline: Timeline
    tags: dict[str, str]
    deleted: bool = False
    """Somebody called DeleteJob: no operation knows it any more."""
    survived: set[str] = field(default_factory=set)
    """The servers whose instance EC2 protected from this job."""

    def ended(self, now: datetime) -> bool:
        """Whether it is COMPLETED."""
        return self.timeline.ends_at is not None and self.timeline.ends_at <= now

    def status(self, now: datetime) -> str:
        """DRS's JobStatus at this instant."""
        if self.ended(now):
            return "COMPLETED"
        return "STARTED" if self.timeline.starts_at <= now else "PENDING"


@dataclass
class SourceServer:
    """A source server and what became of it."""

    spec: ServerSpec
    tags: dict[str, str]
    launches: int = 0
    last_job: Job | None = None
    snapshot_at: datetime | None = None


class World:
    """One account in one Region."""

    def __init__(self, spec: WorldSpec) -> None:
        self.spec = spec
        self.ids = Ids(spec.seed, spec.region, spec.account)
        self.servers = {server.id: SourceServer(server, dict(server.all_tags)) for server in spec.servers}
        self.jobs: dict[str, Job] = {}
        self.instances: dict[str, Instance] = {}
        self._captured = list(spec.jobs)
        for server in spec.servers:
            self._furnish(server)

    # --- questions ---------------------------------------------------------------------------------------------------

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource."""
        return f"arn:aws:drs:{self.spec.region}:{self.spec.account}:{kind}/{name}"

    def server(self, server_id: str) -> SourceServer:
        """A source server by its id."""
        if server_id not in self.servers:
            message = f"Source Server with Id: '{server_id}' was not found"
            raise refusals.not_found(message, resource_id=server_id, resource_type="SourceServer")
        return self.servers[server_id]

    def snapshots(self, server_id: str, now: datetime) -> tuple[Snapshot, ...]:
        """The points in time of a server, oldest first."""
        return snapshots_of(self.server(server_id).spec, now=now, ids=self.ids)

    def server_status(self, job: Job, server_id: str, now: datetime) -> str:
        """The launchStatus of a server within a job."""
        outcome = job.timeline.outcomes[server_id]
        if isinstance(outcome, Hanging) or outcome.at > now:
            return "PENDING"
        if isinstance(outcome, Launched):
            return "LAUNCHED"
        if isinstance(outcome, Failed):
            return "FAILED"
        return "FAILED" if server_id in job.survived else "TERMINATED"

    def current_instance(self, server_id: str, now: datetime) -> Instance | None:
        """The instance that a source server points to: its latest."""
        own = [one for one in self.instances.values() if one.server_id == server_id and one.known and one.exists(now)]
        return max(own, key=lambda one: one.launched_at, default=None)

    def listed_instances(self, now: datetime) -> list[Instance]:
        """The recovery instances that DRS lists, in the order of their launch."""
        listed = [one for one in self.instances.values() if one.known and one.exists(now)]
        return sorted(listed, key=lambda one: (one.launched_at, one.id))

    def visible_jobs(self, now: datetime, *, named: bool = False) -> list[Job]:
        """The jobs that DescribeJobs shows, newest first: in a listing, or those that are `named` by their ids."""
        behaviour = self.spec.behaviour
        delay = span(behaviour.job_delay if named else max(behaviour.job_delay, behaviour.list_delay))
        seen = [job for job in self.jobs.values() if not job.deleted and job.created_at + delay <= now]
        seen.reverse()
        return sorted(seen, key=lambda job: job.created_at, reverse=True)

    def job(self, job_id: str) -> Job:
        """A job by its id."""
        job = self.jobs.get(job_id)
        if job is None or job.deleted:
            message = f"Job with Id: '{job_id}' was not found"
            raise refusals.not_found(message, resource_id=job_id, resource_type="Job")
        return job

    def tags_of(self, job: Job, now: datetime) -> dict[str, str]:
        """A job's tags, once they are to be seen."""
        shown = now >= job.created_at + span(self.spec.behaviour.tag_delay)
        return dict(job.tags) if shown else {}

    def taggable(self, arn: str, now: datetime) -> dict[str, str]:
        """The tags of a resource, to read or to change."""
        kind, _, name = arn.rpartition(":")[2].partition("/")
        held: dict[str, str] | None = None
        if kind == "source-server" and name in self.servers:
            held = self.servers[name].tags
        elif kind == "job" and name in self.jobs and not self.jobs[name].deleted:
            held = self.jobs[name].tags
        elif kind == "recovery-instance" and name in self.instances and self.instances[name].exists(now):
            held = self.instances[name].tags
        if held is None or arn != self.arn(kind, name):
            raise refusals.not_found(
                f"Resource '{arn}' was not found", resource_id=name or arn, resource_type=kind or "resource"
            )
        return held

    # --- time --------------------------------------------------------------------------------------------------------

    def settle(self, now: datetime) -> None:
        """Let everything happen that was due by now: the removal of instances, unless EC2 protects them."""
        for instance in self.instances.values():
            due = instance.removal_at
            if due is None or due > now or instance.ended_at is not None:
                continue
            if instance.protected and instance.state != "terminated" and instance.removed_by:
                job = self.jobs[instance.removed_by]
                job.survived.add(instance.server_id)
                instance.removal_at = None
                instance.known = instance.known and job.kind == "TERMINATE"
            else:
                instance.ended_at, instance.state = due, "terminated"

    # --- requests ----------------------------------------------------------------------------------------------------

    def start_recovery(
        self, pins: list[tuple[str, str | None]], *, is_drill: bool, tags: dict[str, str], now: datetime
    ) -> Job:
        """Start a launch job for all these servers, each perhaps pinned to a snapshot, or refuse them all."""
        self._check_request(pins)
        servers = [self.server(server_id) for server_id, _ in pins]
        for server, (_, pin) in zip(servers, pins, strict=True):
            self._check_launchable(server, pin, now)
        ids = tuple(server.spec.id for server in servers)
        self._check_busy(ids, now)
        self._check_quotas(len(ids), now)
        job = self._new_launch(servers, is_drill=is_drill, tags=tags, now=now)
        for server, (_, pin) in zip(servers, pins, strict=True):
            points = {point.id: point.at for point in self.snapshots(server.spec.id, now)}
            self._remember(server, job, points[pin] if pin else None, is_drill=is_drill, now=now)
        return job

    def terminate(self, instance_ids: list[str], *, now: datetime) -> Job:
        """Start a job that terminates recovery instances."""
        if len(set(instance_ids)) < len(instance_ids):
            raise refusals.invalid("A recovery instance stands twice in the request", name="recoveryInstanceIDs")
        chosen = [self._listed(instance_id, now) for instance_id in instance_ids]
        if any(one.removed_by and one.removal_at for one in chosen):
            raise refusals.conflict("One or more of the Recovery Instances are already being terminated")
        server_ids = tuple(dict.fromkeys(one.server_id for one in chosen))
        self._check_busy(server_ids, now)
        self._check_quotas(len(server_ids), now)
        job_id = self.ids.named("drsjob", len(self.jobs))
        specs = [self.servers[server_id].spec for server_id in server_ids]
        timeline = plan_terminate(specs, ids=self.ids, job_id=job_id, created_at=now)
        job = Job(job_id, "TERMINATE", "TERMINATE_RECOVERY_INSTANCES", now, server_ids, timeline, {})
        self.jobs[job_id] = job
        for one in chosen:
            one.removal_at, one.removed_by = _instant(timeline.outcomes[one.server_id]), job_id
        return job

    def delete_job(self, job_id: str, now: datetime) -> None:
        """Forget a job; what it launched stays. One that runs cannot be deleted."""
        job = self.job(job_id)
        if not job.ended(now):
            message = f"Job with Id: '{job_id}' is {job.status(now)} and cannot be deleted"
            raise refusals.conflict(message, resource_id=job_id, resource_type="Job")
        job.deleted = True

    # --- inside ------------------------------------------------------------------------------------------------------

    def _furnish(self, server: ServerSpec) -> None:
        for given in server.instances:
            launched = given.launched.astimezone(UTC)
            self.instances[given.id] = Instance(
                given.id,
                server.id,
                given.job or self.ids.named("drsjob", "before", given.id),
                given.drill,
                launched,
                launched,
                known=not given.forgotten,
                protected=given.protected,
                state=given.state,
            )

    def _listed(self, instance_id: str, now: datetime) -> Instance:
        if not INSTANCE_ID.match(instance_id):
            raise refusals.invalid(f"'{instance_id}' is not a recovery instance id", name="recoveryInstanceIDs")
        instance = self.instances.get(instance_id)
        if instance is None or not instance.known or not instance.exists(now):
            message = f"Recovery Instance with Id: '{instance_id}' was not found"
            raise refusals.not_found(message, resource_id=instance_id, resource_type="RecoveryInstance")
        return instance

    def _check_request(self, pins: list[tuple[str, str | None]]) -> None:
        ids = [server_id for server_id, _ in pins]
        if not ids:
            raise refusals.invalid("At least one source server is needed", name="sourceServers")
        for server_id, pin in pins:
            if not SERVER_ID.match(server_id):
                raise refusals.invalid(f"'{server_id}' is not a source server id", name="sourceServerID")
            if pin is not None and not SNAPSHOT_ID.match(pin):
                raise refusals.invalid(f"'{pin}' is not a recovery snapshot id", name="recoverySnapshotID")
        if len(set(ids)) < len(ids):
            raise refusals.invalid("A source server stands twice in the request", name="sourceServers")
        most = self.spec.behaviour.servers_per_job_quota
        if len(ids) > most:
            raise refusals.over_quota(
                f"A job takes at most {most} source servers, not {len(ids)}", quota="L-B827C881", resource_type="Job"
            )

    def _check_launchable(self, server: SourceServer, pin: str | None, now: datetime) -> None:
        name, state = server.spec.id, server.spec.replication.state
        points = self.snapshots(name, now)
        reason = UNLAUNCHABLE.get(state) or (None if points else "has no consistent recovery point yet")
        if reason:
            message = f"Source Server with Id: '{name}' {reason} and cannot be launched"
            raise refusals.conflict(message, resource_id=name, resource_type="SourceServer")
        if pin is not None and pin not in {point.id for point in points}:
            raise refusals.invalid(f"Recovery snapshot '{pin}' does not exist for '{name}'", name="recoverySnapshotID")

    def _check_busy(self, server_ids: Iterable[str], now: datetime) -> None:
        busy = {name for job in self.jobs.values() if not job.ended(now) for name in job.server_ids}
        if busy.intersection(server_ids):
            raise refusals.conflict(refusals.BUSY)

    def _check_quotas(self, more: int, now: datetime) -> None:
        running = [job for job in self.jobs.values() if not job.ended(now)]
        behaviour = self.spec.behaviour
        if len(running) >= behaviour.jobs_quota:
            message = f"{len(running)} jobs are in progress, as many as the quota allows"
            raise refusals.over_quota(message, quota="L-D88FAC3A", resource_type="Job")
        served = sum(len(job.server_ids) for job in running)
        if served + more > behaviour.servers_in_jobs_quota:
            message = f"{served} source servers are in jobs; {more} more would pass the quota"
            raise refusals.over_quota(message, quota="L-05AFA8C6", resource_type="SourceServer")

    def _new_launch(self, servers: list[SourceServer], *, is_drill: bool, tags: dict[str, str], now: datetime) -> Job:
        ids = tuple(server.spec.id for server in servers)
        captured = next((job for job in self._captured if set(job.outcomes) == set(ids)), None)
        if captured is not None:
            self._captured.remove(captured)
            job_id, timeline = captured.id, replay(captured, ids=self.ids, created_at=now)
            ids = tuple(captured.outcomes)
        else:
            job_id = self.ids.named("drsjob", len(self.jobs))
            planned = [(server.spec, server.launches, bool(self._previous(server.spec.id, now))) for server in servers]
            timeline = plan_launch(planned, ids=self.ids, job_id=job_id, created_at=now)
        initiated_by = "START_DRILL" if is_drill else "START_RECOVERY"
        job = Job(job_id, "LAUNCH", initiated_by, now, ids, timeline, dict(tags))
        self.jobs[job_id] = job
        return job

    def _previous(self, server_id: str, now: datetime) -> list[Instance]:
        """The instances that a new launch cleans up: all of them, forgotten ones too (drs-facts §1.7)."""
        return [one for one in self.instances.values() if one.server_id == server_id and one.exists(now)]

    def _remember(
        self, server: SourceServer, job: Job, snapshot_at: datetime | None, *, is_drill: bool, now: datetime
    ) -> None:
        """What a new job means for one of its servers."""
        name, timeline = server.spec.id, job.timeline
        for one in self._previous(name, now):
            if name in timeline.cleanups:
                one.removal_at, one.removed_by = timeline.cleanups[name], job.id
        server.launches += 1
        server.last_job = job
        server.snapshot_at = snapshot_at
        outcome = timeline.outcomes[name]
        begun = next(
            (entry.at for entry in timeline.entries if entry.event == "SNAPSHOT_END" and entry.server_id == name), now
        )
        taken = snapshot_at or begun
        if isinstance(outcome, Launched):
            state = "running" if server.spec.launch.disposition == "STARTED" else "stopped"
            made = Instance(outcome.instance_id, name, job.id, is_drill, outcome.at, taken, state=state)
            self.instances[made.id] = made
        elif isinstance(outcome, Failed) and outcome.orphan and outcome.orphan_at:
            made = Instance(outcome.orphan, name, job.id, is_drill, outcome.orphan_at, taken, known=False)
            self.instances[made.id] = made


def _instant(outcome: Outcome) -> datetime | None:
    return outcome.at if isinstance(outcome, Terminated) else None
