"""What a world holds: recovery instances, jobs and source servers, as DRS keeps them.

They say what was asked and what follows from it; of any instant they tell what
shows then. Who may do what to them is decided by the world.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from drskit.sim.fragments import Fragment
from drskit.sim.spec import ServerSpec
from drskit.sim.sync import Sync, replicated
from drskit.sim.timeline import Timeline


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
    changed_at: datetime | None = None
    """When somebody brought it into this state in EC2."""
    removal_at: datetime | None = None
    removed_by: str | None = None
    ended_at: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    disconnected_at: datetime | None = None
    failback: "Job | None" = None
    """The job that launched the machine it fails back to."""
    failback_begun_at: datetime | None = None
    failback_stopped_at: datetime | None = None
    reversed_arn: str | None = None
    """The source server that replicates it back to where it came from."""

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
    resource_ids: tuple[str, ...] = ()
    """The source networks that it acts upon."""
    failback_instances: dict[str, str] = field(default_factory=dict)
    """The recovery instance that each of its servers fails back from."""
    told: tuple[tuple[int, int], Fragment] | None = None
    """Its servers as they were last written, and at which stage."""

    def stage(self, now: datetime) -> tuple[int, int]:
        """Changes whenever what the job shows of its servers does."""
        return bisect_right(self.timeline.instants, now), len(self.survived)

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
    sync: Sync | None = None
    """Its replication, where that began during the world's life."""
    direction: str = "FAILOVER"
    reversed_arn: str | None = None
    """The source server that replicates the other way round."""
    staging_arn: str | None = None
    template_changes: int = 0
    """How often DRS has written its EC2 launch template anew."""
    byol_set: bool = False
    """Somebody has said since the world's beginning that it brings its own licence."""
    templates_lost: int = 0
    """How often somebody has deleted it in EC2."""

    def spec_at(self, now: datetime) -> ServerSpec:
        """What is known of it at this instant."""
        return self.spec if self.sync is None else replicated(self.spec, self.sync, now)
