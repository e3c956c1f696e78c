"""What was observed for one step of an execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drskit.model import Job, JobLogEntry, RecoveryInstance, SourceServer
from drskit.witness import Witness


@dataclass(frozen=True)
class Remains:
    """What is left of a job that DRS no longer has."""

    servers: Mapping[str, SourceServer] = field(default_factory=dict)
    """Its source servers, by id."""
    instances: Mapping[str, RecoveryInstance] = field(default_factory=dict)
    """What DRS lists for them now, by source server."""


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
    """By job, for those that have been missing for so long that they are gone."""
    logs: Mapping[str, tuple[JobLogEntry, ...]] = field(default_factory=dict)
    instances: Mapping[str, RecoveryInstance] = field(default_factory=dict)
    """By source server, for servers whose job has ended."""
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    """By attempt id."""
    obstacles: Mapping[str, str | None] = field(default_factory=dict)
    """By source server: why a launch would destroy something; None when it would not."""
