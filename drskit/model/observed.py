"""What was seen of DRS and EC2."""

from datetime import timedelta

from pydantic import AwareDatetime, Field

from drskit.model.words import CANNOT_LAUNCH
from drskit.record import Record


class SourceServer(Record):
    """A replicated machine, as DescribeSourceServers shows it."""

    source_server_id: str
    name: str
    tags: dict[str, str] = Field(default_factory=dict)
    hostname: str = ""
    operating_system: str = ""
    replication_state: str = ""
    lag: timedelta | None = None
    """Absent when DRS shows none, as for a disconnected server."""
    last_launch_job_id: str | None = None
    last_launch_time: AwareDatetime | None = None
    last_launch_status: str | None = None
    last_launch_type: str | None = None
    """DRS's word: DRILL or RECOVERY."""
    recovery_instance_id: str | None = None
    replicated_percent: int | None = None
    """How much of its disks is in AWS; absent when DRS shows no disk."""
    replication_error: str | None = None
    """DRS's word for what is wrong with its replication."""
    last_seen: AwareDatetime | None = None
    """When its agent last spoke to DRS."""
    staging_status: str | None = None
    """DRS's word: NOT_EXTENDED, EXTENDED or EXTENSION_ERROR."""
    recommended_type: str = ""
    """The instance type that DRS recommends, which right sizing takes."""
    disk_bytes: int = 0
    """Of all its disks."""
    volume_troubles: tuple[str, ...] = ()
    """Its disks whose attributes are missing or pending, each as `/dev/xvda PENDING`."""

    @property
    def launchable(self) -> bool:
        """Whether it has a usable recovery point, as far as its replication state tells."""
        return self.replication_state not in CANNOT_LAUNCH


class LaunchSettings(Record):
    """A source server's launch configuration, as far as it is looked at."""

    source_server_id: str
    template_id: str | None = None
    """The EC2 launch template; without one a launch has nothing to launch."""
    disposition: str | None = None


class JobServer(Record):
    """A server's part in a job."""

    source_server_id: str
    launch_status: str | None = None


class Job(Record):
    """A DRS job; its COMPLETED says nothing about success (drs-facts §1.1)."""

    job_id: str
    job_type: str
    initiated_by: str = ""
    status: str
    creation_time: AwareDatetime
    end_time: AwareDatetime | None = None
    servers: tuple[JobServer, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)


class JobLogEntry(Record):
    """One line of a job's log; `event` may be a word that botocore's model lacks."""

    time: AwareDatetime
    event: str
    source_server_id: str | None = None
    conversion_server_id: str | None = None
    target_instance_id: str | None = None
    error: str | None = None


class JobLog(Record):
    """The whole log of a job that ended, oldest line first."""

    job_id: str
    wave_name: str
    entries: tuple[JobLogEntry, ...]


class RecoveryInstance(Record):
    """An EC2 instance that DRS launched and still knows."""

    recovery_instance_id: str
    source_server_id: str
    job_id: str | None = None
    is_drill: bool | None = None
    state: str = ""
    snapshot_time: AwareDatetime | None = None
    failback: str | None = None
    """DRS's word for how far its failback is."""
    replication_state: str | None = None
    """DRS's word for the replication out of it, which a failback begins with."""


class TaggedInstance(Record):
    """An EC2 instance that carries DRS's tag of a source server, whether DRS still knows it or not."""

    instance_id: str
    source_server_id: str
    state: str
    launch_time: AwareDatetime | None = None
    """When EC2 last started it; a stop and a start make it later than the launch."""
