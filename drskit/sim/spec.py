"""What a world file may say.

A world is data: the servers that DRS replicates, how long their launches take,
and what goes wrong. `worldfile.py` reads it, `generate.py` makes many servers
of few lines. Spans are numbers of seconds, exact to the microsecond.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Discriminator, Field, StringConstraints, Tag, model_validator

from drskit.sim.answers import Answers
from drskit.sim.entry import Entry, InstanceId, Seconds, ServerId
from drskit.sim.furniture import Architecture, Extension, Failback, Network, PostLaunch, StagingServer, VolumeState
from drskit.sim.services import Services
from drskit.sim.spans import Script
from drskit.sim.switches import Switches

JobId = Annotated[str, StringConstraints(pattern=r"^drsjob-[0-9a-zA-Z]{17}$")]


class Failure(StrEnum):
    """What can go wrong with a server's launch, named after its signature in the job log (drs-facts §5.4)."""

    CONVERSION_DENIED = "conversion-denied"
    """The caller lacks EC2 rights: no conversion, no event, no error; the server is simply FAILED."""
    LAUNCH_DENIED = "launch-denied"
    """LAUNCH_FAILED with an error after 10 to 16 minutes; leaves an EC2 instance that DRS does not know."""
    KMS_DENIED = "kms-denied"
    """The key policy forbids DRS to use the snapshot."""
    NEVER_ENDS = "never-ends"
    """The conversion server reaches no endpoint: the job hangs in conversion for ever."""
    SNAPSHOT_FAILED = "snapshot-failed"
    """No snapshot within ten minutes, and none before it."""
    PREVIOUS_SNAPSHOT = "previous-snapshot"
    """No snapshot within ten minutes; the launch goes on from the one before. No failure."""
    CONVERSION_FAILED = "conversion-failed"
    """The conversion server gives up."""
    NO_CAPACITY = "no-capacity"
    """EC2 has no room for the instance type, whatever DRS tries."""
    PREVIOUS_SNAPSHOT_FAILED = "previous-snapshot-failed"
    """No snapshot within ten minutes, and the one before it is of no use either."""
    SKIPPED = "skipped"
    """The server stopped being eligible between the request and the start."""


class FaultKind(StrEnum):
    """What can go wrong with a single call."""

    THROTTLE = "throttle"
    ERROR_500 = "error-500"
    ERROR_500_AFTER = "error-500-after"
    """The call is carried out, and answered with an error."""
    LOST_REPLY = "lost-reply"
    """The call is carried out; the connection drops before the answer."""
    LOST_REQUEST = "lost-request"
    """The connection drops before anything happens."""
    TIMEOUT = "timeout"
    """The call is carried out; a minute of the world's time passes, and no answer comes."""
    LATE = "late"
    """The connection drops; the request arrives all the same, `seconds` later, if its signature is good then."""
    REFUSED = "refused"
    """Nobody listens: the connection is refused, and nothing is sent."""
    BLACK_HOLE = "black-hole"
    """The connection is never answered: a few seconds of the world's time pass, and nothing is sent."""
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - a word, no secret
    ACCESS_DENIED = "access-denied"


class Fault(Entry):
    """A fault of the next calls of an operation."""

    operation: str
    """As the API spells it; `*` for every operation of the service."""
    service: str = "drs"
    kind: FaultKind
    server: ServerId | None = None
    """Only calls that name this source server."""
    times: Annotated[int, Field(ge=1)] = 1
    after: Annotated[int, Field(ge=0)] = 0
    """How many matching calls succeed before the first fault."""
    share: Annotated[float, Field(gt=0, le=1)] = 1
    """Which part of the matching calls it hits, drawn from the world's seed."""
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Of `late`: how long the request is under way."""
    from_time: AwareDatetime | None = Field(default=None, alias="from")
    until_time: AwareDatetime | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _only_what_is_late_is_under_way(self) -> "Fault":
        if (self.kind is FaultKind.LATE) != (self.seconds is not None):
            raise ValueError("late needs seconds, and no other kind takes them")
        return self


class Failing(Entry):
    """A failure that strikes launches requested in a window of time."""

    failure: Failure
    from_time: AwareDatetime | None = Field(default=None, alias="from")
    until_time: AwareDatetime | None = Field(default=None, alias="until")

    def at(self, requested: datetime) -> Failure | None:
        """What goes wrong with a launch that is requested now."""
        early = self.from_time is not None and requested < self.from_time
        late = self.until_time is not None and requested >= self.until_time
        return None if early or late else self.failure


Fails = Annotated[
    Annotated[Failure, Tag("<always>")] | Annotated[Failing, Tag("<in a window>")],
    Discriminator(lambda value: "<in a window>" if isinstance(value, dict | Failing) else "<always>"),
]


class Durations(Entry):
    """How long a server's phases take; what is not given comes from the operating system, with a small jitter."""

    cleanup: Script | None = None
    snapshot: Script | None = None
    gap: Script | None = None
    """Between the snapshot and the conversion."""
    conversion: Script | None = None
    pause: Script | None = None
    """Between the conversion and the launch."""
    launch: Script | None = None
    terminate: Script | None = None


class ReplicationState(StrEnum):
    """DRS's `dataReplicationState`."""

    STOPPED = "STOPPED"
    INITIATING = "INITIATING"
    INITIAL_SYNC = "INITIAL_SYNC"
    BACKLOG = "BACKLOG"
    CREATING_SNAPSHOT = "CREATING_SNAPSHOT"
    CONTINUOUS = "CONTINUOUS"
    PAUSED = "PAUSED"
    RESCAN = "RESCAN"
    STALLED = "STALLED"
    DISCONNECTED = "DISCONNECTED"


class Replication(Entry):
    """How a server's replication stands."""

    state: ReplicationState = ReplicationState.CONTINUOUS
    lag: Seconds = 0
    backlog_bytes: Annotated[int, Field(ge=0)] = 0
    replicated_percent: Annotated[float, Field(ge=0, le=100)] = 100
    last_seen: AwareDatetime | None = None
    """When the agent last spoke; default: just now, while it is connected."""
    error: str | None = None
    """DRS's `dataReplicationError.error`, for instance AGENT_NOT_SEEN."""
    skipped: tuple[str, ...] = ()
    """Steps of its initiation that were skipped."""


ProductCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{25}$")]


class Disk(Entry):
    """A disk of a source server."""

    device: str = "/dev/xvda"
    bytes: Annotated[int, Field(ge=1)] = 8 * 2**30
    volume: VolumeState = "REGULAR"
    """DRS's `volumeStatus`."""
    product_codes: dict[ProductCode, Literal["ENABLED", "DISABLED"]] = Field(default_factory=dict)
    """The mode of each of its product codes; a job's log tells them under `conversion_properties`."""


class Snapshots(Entry):
    """The automatic points in time: every 10 minutes for an hour, hourly for a day, daily for `days` days."""

    since: AwareDatetime | None = None
    """The oldest one; default: as old as the schedule keeps."""
    until: AwareDatetime | None = None
    """The newest one, where snapshots have stopped; default: they go on."""
    days: Annotated[int, Field(ge=1, le=365)] = 7
    taken: bool = True
    """False: this server has none at all."""


class LaunchSettings(Entry):
    """The launch configuration of a source server."""

    disposition: Literal["STARTED", "STOPPED"] = "STARTED"
    right_sizing: Literal["NONE", "BASIC", "IN_AWS"] = "BASIC"
    copy_private_ip: bool = False
    copy_tags: bool = False
    os_byol: bool = False
    post_launch: bool = False
    recovery_mode: Literal["OPTIMAL", "FAST"] = "OPTIMAL"
    template: str | None = None
    name: str | None = None
    into_instance: InstanceId | None = None
    """An EC2 instance to launch into."""


class ExistingInstance(Entry):
    """An EC2 instance that an earlier launch left."""

    id: InstanceId
    drill: bool = True
    launched: AwareDatetime
    job: JobId | None = None
    state: Literal["running", "stopped"] = "running"
    protected: bool = False
    """EC2's termination protection."""
    forgotten: bool = False
    """DRS does not list it any more; EC2 has it, with DRS's tags."""
    snapshot: AwareDatetime | None = None
    """The time of the snapshot that it was made from; default: when it was launched."""
    tags: dict[str, str] = Field(default_factory=dict)
    """The recovery instance's in DRS; those in EC2 follow from the source server."""


class Traits(Entry):
    """What source servers can have in common."""

    os: Literal["linux", "windows"] = "linux"
    os_text: str | None = None
    instance_type: str = "t3.medium"
    cpus: Annotated[int, Field(ge=1)] = 2
    memory_bytes: Annotated[int, Field(ge=1)] = 4 * 2**30
    disks: tuple[Disk, ...] = (Disk(),)
    added: AwareDatetime | None = None
    agent: str | None = "6.42.12.2025.353.1309"
    origin_region: str | None = None
    replication: Replication = Replication()
    snapshots: Snapshots = Snapshots()
    launch: LaunchSettings = LaunchSettings()
    durations: Durations = Durations()
    post_launch: PostLaunch = PostLaunch()
    failback: Failback = Failback()
    answers: Answers = Answers()
    """What its instances answer; the world's `answers` come after these."""
    fails: Annotated[
        Annotated[Fails | None, Tag("<one>")] | Annotated[tuple[Fails | None, ...], Tag("<turns>")],
        Discriminator(lambda value: "<turns>" if isinstance(value, list | tuple) else "<one>"),
    ] = None
    """For every launch, or for each launch in turn; after a list's end launches succeed."""


class ServerSpec(Traits):
    """A source server."""

    id: ServerId
    name: str | None = None
    """Becomes the tag Name."""
    tags: dict[str, str] = Field(default_factory=dict)
    hostname: str | None = None
    fqdn: str | None = None
    ip: str | None = None
    source_instance: InstanceId | None = None
    launches: tuple[InstanceId, ...] = ()
    """The ids that its instances get, in turn; later ones are made from the seed."""
    instances: tuple[ExistingInstance, ...] = ()
    architecture: Architecture | None = None
    vmware_uuid: str | None = None
    extended: Extension | None = None
    network: str | None = None
    """The source network that it belongs to."""

    @property
    def all_tags(self) -> dict[str, str]:
        """The tags, with Name."""
        return ({"Name": self.name} if self.name else {}) | self.tags

    def failure(self, number: int, requested: datetime) -> Failure | None:
        """What goes wrong with the launch of this number, counted from 0, that is requested now."""
        one = self.fails
        if isinstance(one, tuple):
            one = one[number] if number < len(one) else None
        return one.at(requested) if isinstance(one, Failing) else one


class LogLine(Entry):
    """A line of a captured job log; `at` counts seconds from the job's creation."""

    at: Seconds
    event: str
    server: ServerId | None = None
    conversion_server: str | None = None
    instance: str | None = None
    error: str | None = None


class CapturedJob(Entry):
    """A job as it once ran: the first StartRecovery of the same set of servers runs like it, or it began before."""

    id: JobId
    created: AwareDatetime | None = None
    """When it was created, where it began before the world does: it is listed, runs on if it has not ended, and is not
    run again."""
    kind: Literal["LAUNCH", "TERMINATE", "CREATE_CONVERTED_SNAPSHOT"] = "LAUNCH"
    initiated_by: str | None = None
    """DRS's `initiatedBy` of a job that began before, for instance START_DRILL."""
    tags: dict[str, str] = Field(default_factory=dict)
    ended: Seconds
    """Its endDateTime, in seconds from its creation."""
    outcomes: dict[ServerId, Literal["LAUNCHED", "FAILED", "TERMINATED"]]
    log: tuple[LogLine, ...] = ()

    @model_validator(mode="after")
    def _runs_or_ran(self) -> "CapturedJob":
        told = self.kind == "TERMINATE" or self.initiated_by or self.tags
        if self.created is None and told:
            raise ValueError("kind, initiated_by and tags are of a job that began before; write `created`, too")
        return self


class Behaviour(Switches):
    """Where the real service's ways are unknown or differ between captures (drs-facts §15)."""

    page_size: Annotated[int, Field(ge=1)] = 50
    emit_launch_end: bool = True
    timestamp_style: Literal["offset", "Z"] = "offset"
    recovery_instance_in_job: bool = False
    terminate_empties_servers: bool = False
    tags_resource_arn: bool = False
    job_delay: Seconds = 0
    """How long a new job stays invisible to DescribeJobs."""
    list_delay: Seconds = 0
    """How long a new job is found by its id and stays out of listings by time."""
    tag_delay: Seconds = 0
    """How long a new job is shown without its tags."""
    last_launch_delay: Seconds = 0
    """How long a source server shows nothing of a new launch."""
    command_delay: Seconds = 0
    """How long Systems Manager does not show a new command."""
    index_lag: Seconds = 0
    """How far DynamoDB's global indexes are behind their tables."""
    check_signature_age: bool = True
    """Whether a StartRecovery or SendCommand signed more than five minutes ago is refused; AWS says that most are."""
    initialized: bool = True


class WorldSpec(Entry):
    """A world file."""

    about: str = ""
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] = "123456789012"
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")] = "us-west-2"
    start: AwareDatetime
    seed: int = 1
    behaviour: Behaviour = Behaviour()
    servers: tuple[ServerSpec, ...] = ()
    jobs: tuple[CapturedJob, ...] = ()
    faults: tuple[Fault, ...] = ()
    services: Services = Services()
    answers: Answers = Answers()
    """What the instances of every server answer, where the server itself says nothing."""
    staging: tuple[StagingServer, ...] = ()
    networks: tuple[Network, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "WorldSpec":
        ids = [server.id for server in self.servers]
        ids += [instance.id for server in self.servers for instance in server.instances]
        ids += [job.id for job in self.jobs]
        twice = sorted(name for name, count in Counter(ids).items() if count > 1)
        if twice:
            raise ValueError(f"stands in the world twice: {', '.join(twice)}")
        return self

    @property
    def start_time(self) -> datetime:
        """The start, in UTC."""
        return self.start.astimezone(UTC)


def span(seconds: float) -> timedelta:
    """Seconds as a timedelta, exact to the microsecond."""
    return timedelta(microseconds=round(seconds * 1_000_000))
