"""The rules of DRS, over a given `now`.

A `World` holds what was asked of it; everything else is derived from the
instant at which it is looked at. Nothing here reads a clock, a thread, a file
or moto: whoever drives a world says what time it is, and calls `settle` before
anything else, so that what should have happened by then has happened.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from drskit.sim import executions, refusals
from drskit.sim.admission import INSTANCE_ID, check_launchable, check_request, check_room
from drskit.sim.bucket import Buckets
from drskit.sim.ids import Ids
from drskit.sim.networks import NetworkBook
from drskit.sim.plans import PlanBook
from drskit.sim.received import Received
from drskit.sim.records import Instance, Job, SourceServer
from drskit.sim.schedule import Planned, plan_launch, plan_terminate
from drskit.sim.settings import SettingsBook
from drskit.sim.snapshots import Snapshot, snapshots_of
from drskit.sim.spec import CapturedJob, ServerSpec, WorldSpec, span
from drskit.sim.timeline import Failed, Hanging, Launched, Outcome, Terminated, failed_cleanup, replay


class World:
    """One account in one Region."""

    def __init__(self, spec: WorldSpec) -> None:
        self.spec = spec
        self.ids = Ids(spec.seed, spec.region, spec.account)
        self.servers = {server.id: SourceServer(server, dict(server.all_tags)) for server in spec.servers}
        self.jobs: dict[str, Job] = {}
        self.instances: dict[str, Instance] = {}
        self._instances_of: defaultdict[str, list[Instance]] = defaultdict(list)
        self._removals: list[tuple[datetime, str]] = []
        """A heap of when which instance is to go; one that was put off since stands here too, and counts no more."""
        self._running: list[Job] = []
        """The jobs that had not ended when somebody last asked."""
        self.abroad: Callable[[str], World | None] = lambda region: self if region == spec.region else None
        """The same account in another Region."""
        self.template_fault: Callable[[str], str | None] = lambda _: None
        """What EC2 will say to a server's launch by its template."""
        self.on_dedicated_host: Callable[[str], bool] = lambda _: False
        """Whether a server's launch template asks for a dedicated host."""
        self.touched_templates: set[str] = set()
        """The servers whose launch template EC2 does not have as it should be."""
        self.initialized = spec.behaviour.initialized
        self.received = Received()
        """What the services that actions ask were asked."""
        self.settings = SettingsBook()
        self.networks = NetworkBook(spec, self.ids)
        self.plans = PlanBook()
        self.retired: dict[str, SourceServer] = {}
        """Servers that were deleted; EC2 may still have instances of theirs."""
        self.buckets = Buckets(spec.behaviour.calls_per_second, spec.behaviour.calls_burst)
        self._captured = [job for job in spec.jobs if job.created is None]
        for server in spec.servers:
            self._furnish(server)
        for job in sorted(spec.jobs, key=lambda job: job.created or spec.start):
            self._recall(job)

    def behave_by(self, spec: WorldSpec) -> None:
        """Go by another spec, of the same account and Region, that holds nothing; what was made here stays."""
        self.spec, self.initialized = spec, spec.behaviour.initialized
        self.ids = Ids(spec.seed, spec.region, spec.account)
        self.networks = replace(self.networks, spec=spec, ids=self.ids)
        self.buckets = Buckets(spec.behaviour.calls_per_second, spec.behaviour.calls_burst)

    # --- questions ---------------------------------------------------------------------------------------------------

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource."""
        return f"arn:aws:drs:{self.spec.region}:{self.spec.account}:{kind}/{name}"

    def from_aws(self, spec: ServerSpec) -> bool:
        """Whether a server came from EC2."""
        return spec.source_instance is not None or spec.origin_region is not None

    def mac(self, server_id: str) -> str:
        """The MAC address of a source server."""
        digits = self.ids.ec2("mac", server_id)[-10:]
        return ":".join(["0a", *(digits[place : place + 2] for place in range(0, 10, 2))])

    def address(self, spec: ServerSpec) -> str:
        """The address of a source server: its own, or one made from the seed, for an agent always tells one."""
        parts = (self.ids.chance("address", spec.id, place) for place in range(3))
        return spec.ip or ".".join(["10", *(str(1 + int(254 * part)) for part in parts)])

    def server(self, server_id: str) -> SourceServer:
        """A source server by its id."""
        if server_id not in self.servers:
            message = f"Source Server with Id: '{server_id}' was not found"
            raise refusals.not_found(message, resource_id=server_id, resource_type="SourceServer")
        return self.servers[server_id]

    def template_id(self, server: SourceServer) -> str:
        """The EC2 launch template of a source server; one that was deleted gets another id."""
        made = (server.templates_lost,) if server.templates_lost else ()
        given = None if made else server.spec.launch.template
        return given or self.ids.ec2("lt", server.spec.id, *made)

    def any_server(self, server_id: str) -> SourceServer:
        """A source server that is or was."""
        return self.servers.get(server_id) or self.retired[server_id]

    def retire(self, server: SourceServer) -> None:
        """Forget a source server."""
        self.retired[server.spec.id] = self.servers.pop(server.spec.id)

    def snapshots(self, server_id: str, now: datetime) -> tuple[Snapshot, ...]:
        """The points in time of a server, oldest first."""
        server = self.server(server_id)
        first = server.sync.done_at if server.sync else None
        return snapshots_of(server.spec_at(now), now=now, ids=self.ids, first=first)

    def server_status(self, job: Job, server_id: str, now: datetime) -> str:
        """The launchStatus of a server within a job."""
        outcome = job.timeline.outcomes[server_id]
        if isinstance(outcome, Hanging) or outcome.at > now:
            return "IN_PROGRESS" if self._in_progress(job, server_id, now) else "PENDING"
        if isinstance(outcome, Launched):
            return "LAUNCHED"
        if isinstance(outcome, Failed):
            return "FAILED"
        return "FAILED" if server_id in job.survived else "TERMINATED"

    def _in_progress(self, job: Job, server_id: str, now: datetime) -> bool:
        return self.spec.behaviour.server_in_progress and any(
            entry.server_id == server_id and entry.event == "CONVERSION_START" and entry.at <= now
            for entry in job.timeline.entries
        )

    def current_instance(self, server_id: str, now: datetime) -> Instance | None:
        """The instance that a source server points to: its latest."""
        own = [one for one in self._instances_of[server_id] if one.known and one.exists(now)]
        return max(own, key=lambda one: one.launched_at, default=None)

    def listed_instances(self, now: datetime) -> list[Instance]:
        """The recovery instances that DRS lists, in the order of their launch."""
        seen = now - span(self.spec.behaviour.recovery_instance_delay)
        listed = [one for one in self.instances.values() if one.known and one.exists(now) and one.launched_at <= seen]
        return sorted(listed, key=lambda one: (one.launched_at, one.id))

    def visible_jobs(self, now: datetime, *, named: bool = False) -> list[Job]:
        """The jobs that DescribeJobs shows, newest first: in a listing, or those that are `named` by their ids."""
        behaviour = self.spec.behaviour
        delay = span(behaviour.job_delay if named else max(behaviour.job_delay, behaviour.list_delay))
        seen = [job for job in self.jobs.values() if self.remembers(job, now) and job.created_at + delay <= now]
        seen.reverse()
        return sorted(seen, key=lambda job: job.created_at, reverse=True)

    def remembers(self, job: Job, now: datetime) -> bool:
        """Whether a job is neither deleted nor so old that DRS has forgotten it."""
        kept, ended_at = self.spec.behaviour.job_retention, job.timeline.ends_at
        return not job.deleted and (kept is None or ended_at is None or now < ended_at + span(kept))

    def job(self, job_id: str, now: datetime) -> Job:
        """A job by its id."""
        job = self.jobs.get(job_id)
        if job is None or not self.remembers(job, now):
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
        elif kind == "job" and name in self.jobs and self.remembers(self.jobs[name], now):
            held = self.jobs[name].tags
        elif kind == "recovery-instance" and name in self.instances and self.instances[name].exists(now):
            held = self.instances[name].tags
        else:
            held = self._other_tags(kind, name)
        if held is None or arn != self.arn(kind, name):
            raise refusals.not_found(
                f"Resource '{arn}' was not found", resource_id=name or arn, resource_type=kind or "resource"
            )
        return held

    def _other_tags(self, kind: str, name: str) -> dict[str, str] | None:
        books = (self.settings, self.networks, self.plans)
        return next((tags for book in books if (tags := book.tags(kind, name)) is not None), None)

    # --- time --------------------------------------------------------------------------------------------------------

    def settle(self, now: datetime) -> None:
        """Let everything happen that was due by now, in its order."""
        while (execution := executions.due(self.plans, now)) is not None:
            self._remove_instances(execution.next_at())
            executions.advance(self, execution)
        self._remove_instances(now)

    def _remove_instances(self, now: datetime) -> None:
        """Let go of the instances that were to go by now, unless EC2 protects them."""
        while self._removals and self._removals[0][0] <= now:
            due, instance_id = heapq.heappop(self._removals)
            instance = self.instances[instance_id]
            if instance.removal_at != due or instance.ended_at is not None:
                continue
            if instance.protected and instance.state != "terminated" and instance.removed_by:
                job = self.jobs[instance.removed_by]
                job.survived.add(instance.server_id)
                if self.spec.behaviour.cleanup_fail:
                    job.timeline = failed_cleanup(job.timeline, instance.server_id)
                instance.removal_at = None
                instance.known = instance.known and job.kind == "TERMINATE"
            else:
                instance.ended_at, instance.state = due, "terminated"

    # --- requests ----------------------------------------------------------------------------------------------------

    def start_recovery(
        self, pins: list[tuple[str, str | None]], *, is_drill: bool, tags: dict[str, str], now: datetime
    ) -> Job:
        """Start a launch job for all these servers, each perhaps pinned to a snapshot, or refuse them all."""
        check_request(self, pins)
        servers = [self.server(server_id) for server_id, _ in pins]
        for server, (_, pin) in zip(servers, pins, strict=True):
            check_launchable(self, server, pin, now)
        ids = tuple(server.spec.id for server in servers)
        check_room(self, ids, now)
        job = self._new_launch(servers, is_drill=is_drill, tags=tags, now=now)
        for server, (_, pin) in zip(servers, pins, strict=True):
            points = {point.id: point.at for point in self.snapshots(server.spec.id, now)} if pin else {}
            self._remember(server, job, points[pin] if pin else None, is_drill=is_drill, now=now)
        return job

    def terminate(self, instance_ids: list[str], *, now: datetime) -> Job:
        """Start a job that terminates recovery instances."""
        if len(set(instance_ids)) < len(instance_ids):
            raise refusals.invalid("A recovery instance stands twice in the request", name="recoveryInstanceIDs")
        chosen = [self.listed(instance_id, now) for instance_id in instance_ids]
        if any(one.removed_by and one.removal_at for one in chosen):
            raise refusals.conflict("One or more of the Recovery Instances are already being terminated")
        server_ids = tuple(dict.fromkeys(one.server_id for one in chosen))
        check_room(self, server_ids, now)
        job_id = self.new_job_id()
        specs = [self.servers[server_id].spec for server_id in server_ids]
        timeline = plan_terminate(specs, ids=self.ids, job_id=job_id, created_at=now)
        job = Job(job_id, "TERMINATE", "TERMINATE_RECOVERY_INSTANCES", now, server_ids, timeline, {})
        self.add_job(job)
        for one in chosen:
            if due := _instant(timeline.outcomes[one.server_id]):
                self._remove_later(one, due, job)
        return job

    def delete_job(self, job_id: str, now: datetime) -> None:
        """Forget a job; what it launched stays. One that runs cannot be deleted."""
        job = self.job(job_id, now)
        if not job.ended(now):
            message = f"Job with Id: '{job_id}' is {job.status(now)} and cannot be deleted"
            raise refusals.conflict(message, resource_id=job_id, resource_type="Job")
        job.deleted = True

    # --- inside ------------------------------------------------------------------------------------------------------

    def _furnish(self, server: ServerSpec) -> None:
        for given in server.instances:
            launched = given.launched.astimezone(UTC)
            self._add_instance(
                Instance(
                    given.id,
                    server.id,
                    given.job or self.ids.named("drsjob", "before", given.id),
                    given.drill,
                    launched,
                    (given.snapshot or given.launched).astimezone(UTC),
                    known=not given.forgotten,
                    protected=given.protected,
                    state=given.state,
                    tags=dict(given.tags),
                )
            )

    def _recall(self, past: CapturedJob) -> None:
        """Let there be a job of the time before; what it had launched by now is told in other parts of the world."""
        if past.created is None:
            return
        timeline = replay(past, ids=self.ids, created_at=past.created.astimezone(UTC))
        by = past.initiated_by or ("START_DRILL" if past.kind == "LAUNCH" else "TERMINATE_RECOVERY_INSTANCES")
        servers = tuple(past.outcomes)
        job = Job(past.id, past.kind, by, past.created.astimezone(UTC), servers, timeline, dict(past.tags))
        self.add_job(job)
        for server_id in servers if past.kind == "LAUNCH" else ():
            self.servers[server_id].last_job = job
            if not job.ended(self.spec.start_time):
                drill = by == "START_DRILL"
                self._remember(self.servers[server_id], job, None, is_drill=drill, now=job.created_at)

    def _add_instance(self, instance: Instance) -> None:
        """Let there be an instance, from its launch on."""
        self.instances[instance.id] = instance
        self._instances_of[instance.server_id].append(instance)

    def add_job(self, job: Job) -> None:
        """Let there be a job."""
        self.jobs[job.id] = job
        self._running.append(job)

    def _remove_later(self, instance: Instance, due: datetime, job: Job) -> None:
        """Let a job remove an instance, when its time comes and unless EC2 protects it."""
        instance.removal_at, instance.removed_by = due, job.id
        heapq.heappush(self._removals, (due, instance.id))

    def listed(self, instance_id: str, now: datetime) -> Instance:
        """A recovery instance by its id."""
        if not INSTANCE_ID.match(instance_id):
            raise refusals.invalid(f"'{instance_id}' is not a recovery instance id", name="recoveryInstanceIDs")
        instance = self.instances.get(instance_id)
        if instance is None or not instance.known or not instance.exists(now):
            message = f"Recovery Instance with Id: '{instance_id}' was not found"
            raise refusals.not_found(message, resource_id=instance_id, resource_type="RecoveryInstance")
        return instance

    def busy(self, now: datetime) -> set[str]:
        """The source servers that a running job is at work on."""
        return {name for job in self.running_jobs(now) for name in job.server_ids}

    def running_jobs(self, now: datetime) -> list[Job]:
        """The jobs that have not ended, oldest first; deleted ones have ended."""
        self._running = [job for job in self._running if not job.ended(now)]
        return self._running

    def new_job_id(self) -> str:
        """The id of the next job."""
        return self.ids.named("drsjob", len(self.jobs))

    def _new_launch(self, servers: list[SourceServer], *, is_drill: bool, tags: dict[str, str], now: datetime) -> Job:
        ids = tuple(server.spec.id for server in servers)
        captured = next((job for job in self._captured if set(job.outcomes) == set(ids)), None)
        if captured is not None:
            self._captured.remove(captured)
            job_id, timeline = captured.id, replay(captured, ids=self.ids, created_at=now)
            ids = tuple(captured.outcomes)
        else:
            job_id = self.new_job_id()
            planned = [self._planned(server, now) for server in servers]
            hold = self.spec.behaviour.actions_hold_job
            timeline = plan_launch(planned, ids=self.ids, job_id=job_id, created_at=now, actions_hold_job=hold)
        initiated_by = "START_DRILL" if is_drill else "START_RECOVERY"
        job = Job(job_id, "LAUNCH", initiated_by, now, ids, timeline, dict(tags))
        self.add_job(job)
        return job

    def _planned(self, server: SourceServer, now: datetime) -> Planned:
        spec = server.spec
        actions = self.settings.active_actions(spec.id) if spec.launch.post_launch else ()
        fault = self.template_fault(spec.id)
        lacks = self.spec.behaviour.caller_lacks
        return Planned(spec, server.launches, bool(self._previous(spec.id, now)), actions, fault, lacks)

    def _previous(self, server_id: str, now: datetime) -> list[Instance]:
        """The instances that a new launch cleans up: all of them, forgotten ones too (drs-facts §1.7)."""
        return [one for one in self._instances_of[server_id] if one.exists(now)]

    def _remember(
        self, server: SourceServer, job: Job, snapshot_at: datetime | None, *, is_drill: bool, now: datetime
    ) -> None:
        """What a new job means for one of its servers."""
        name, timeline = server.spec.id, job.timeline
        for one in self._previous(name, now):
            if name in timeline.cleanups:
                self._remove_later(one, timeline.cleanups[name], job)
        server.launches += 1
        server.last_job = job
        server.snapshot_at = snapshot_at
        outcome = timeline.outcomes[name]
        taken = snapshot_at or timeline.snapshots_at.get(name, now)
        state = "running" if server.spec.launch.disposition == "STARTED" else "stopped"
        tags = dict(job.tags) if self.spec.behaviour.job_tags_on_instances else {}
        if isinstance(outcome, Launched):
            at = outcome.made_at or outcome.at
            made = Instance(outcome.instance_id, name, job.id, is_drill, at, taken, state=state, tags=tags)
            self._add_instance(made)
        elif isinstance(outcome, Failed) and outcome.orphan and outcome.orphan_at:
            at = outcome.orphan_at
            made = Instance(outcome.orphan, name, job.id, is_drill, at, taken, known=outcome.known, tags=tags)
            self._add_instance(made)


def _instant(outcome: Outcome) -> datetime | None:
    return outcome.at if isinstance(outcome, Terminated) else None
