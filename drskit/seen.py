"""What was observed for one step of an execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drskit.actionports import News
from drskit.checkrounds import CheckSeen
from drskit.model import SERVERS_PER_JOB, Job, JobLogEntry, RecoveryInstance, SourceServer
from drskit.money import Size
from drskit.witness import Witness


@dataclass(frozen=True)
class Remains:
    """What is left of a job that DRS no longer has."""

    servers: Mapping[str, SourceServer] = field(default_factory=dict)
    """Its source servers, by id."""
    instances: Mapping[str, RecoveryInstance] = field(default_factory=dict)
    """What DRS lists for them now, by source server."""


@dataclass(frozen=True)
class Sight:
    """What DRS and EC2 said of one instance at one look."""

    instance: RecoveryInstance | None
    """As DRS lists it; None when it does not."""
    ec2_state: str | None
    """EC2's own word; None when EC2 does not know it."""
    protected: bool = False
    """Its termination protection is on; asked only where the answer decides."""

    @property
    def gone(self) -> bool:
        """Whether it is proven to be no more: EC2 keeps none, and DRS lists none that lives.

        EC2 shows an instance that ended as terminated for about an hour, then not at all.
        """
        listed = self.instance is not None and self.instance.state.upper() != "TERMINATED"
        return not listed and self.ec2_state in {None, "terminated"}

    @property
    def leaving(self) -> bool:
        """Whether it ends by itself by now."""
        return not self.gone and self.ec2_state in {"shutting-down", "terminated"}

    @property
    def words(self) -> str:
        """The two answers, for people."""
        listed = f"{self.instance.state.lower() or 'listed'} in DRS" if self.instance else "not listed by DRS"
        return f"{listed}, {f'{self.ec2_state} in EC2' if self.ec2_state else 'not known to EC2'}"


@dataclass(frozen=True)
class Aftermath:
    """What was seen for one step of a cleanup; what is missing here was not asked."""

    jobs: frozenset[str] = frozenset()
    """The jobs of the drill whose instances it terminates, as that recorded them."""
    sights: Mapping[str, Sight] = field(default_factory=dict)
    """Its targets, by source server."""
    checked: frozenset[str] = frozenset()
    """The source servers of which all was asked that a call needs: jobs, protection, and who works on them."""
    busy: Mapping[str, str] = field(default_factory=dict)
    """By source server: the job that works on it now."""
    kept: Mapping[str, str] | None = None
    """EC2's states of the instances that it leaves alone; None while nobody asked."""
    told: bool = False
    """Whether the drill's own record says already what is proven here."""


@dataclass(frozen=True)
class Room:
    """What the quotas of the account and Region leave for one request."""

    servers: int = SERVERS_PER_JOB
    """How many servers it may name; 0 when nothing may be asked for now."""
    reason: str | None = None
    """What is waited for then; None while nobody has counted yet, and nothing is to be said."""


LATER = Room(servers=0)
"""Whether there is room is found out later in the pass."""


@dataclass(frozen=True)
class Seen:
    """What was observed for one step; what is missing here was not asked."""

    now: datetime
    listed_at: datetime
    """When the listing of jobs was taken; absence is judged by it, never by a later time."""
    quiescence: timedelta
    fresh_id: str
    """The id of the attempt that this step may make."""
    jobs: Mapping[str, Job] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    """The jobs that were asked for by their ids and that DRS did not show."""
    remains: Mapping[str, Remains] = field(default_factory=dict)
    """By job, for those that are gone, and for those that have ended without a word about some server."""
    logs: Mapping[str, tuple[JobLogEntry, ...]] = field(default_factory=dict)
    instances: Mapping[str, RecoveryInstance] = field(default_factory=dict)
    """By source server, for servers whose job has ended."""
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    """By attempt id."""
    obstacles: Mapping[str, str | None] = field(default_factory=dict)
    """By source server: why a launch would destroy something; None when it would not."""
    news: Mapping[str, News] = field(default_factory=dict)
    """By task: what has become of the runs of actions that were looked at."""
    addresses: Mapping[str, str] | None = None
    """By instance: private addresses; None where they were not asked for."""
    checks: CheckSeen = field(default_factory=CheckSeen)
    """Of the waves that are being verified."""
    sizes: Mapping[str, Size] = field(default_factory=dict)
    """By source server: what its instance is, or would be; for an execution with a budget."""
    aftermath: Aftermath = Aftermath()
    """For a cleanup."""
    room: Room = Room()
    """For the next request."""
