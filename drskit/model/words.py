"""The words that nouns choose from, what their ids look like, and how a time and a digest are written."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

ServerId = Annotated[str, StringConstraints(pattern=r"^s-[0-9a-zA-Z]{17}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
SnapshotId = Annotated[str, StringConstraints(pattern=r"^pit-[0-9a-zA-Z]{17}$")]
LATEST = "latest"
"""In the place of a recovery snapshot: the newest data, of which DRS takes a snapshot at the launch."""
CANNOT_LAUNCH = frozenset({"DISCONNECTED", "STOPPED", "INITIATING", "INITIAL_SYNC"})
"""Replication states without a usable recovery point (drs-facts §9); one such server refuses a whole launch request."""
SERVERS_PER_JOB = 100
"""DRS's quota L-B827C881: source servers in a single job (drs-facts §6.1)."""


class ExecutionType(StrEnum):
    """What an execution is for."""

    DRILL = "DRILL"
    RECOVERY = "RECOVERY"
    CLEANUP = "CLEANUP"


class Mode(StrEnum):
    """Whether DRS itself answered, or our simulator."""

    SIMULATED = "SIMULATED"
    REAL = "REAL"


class ExecutionStatus(StrEnum):
    """Where an execution stands; the arrows are in `states.py`."""

    PENDING = "PENDING"
    POLLING = "POLLING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"


class WaveStatus(StrEnum):
    """Where a wave stands; the arrows are in `states.py`."""

    PENDING = "PENDING"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    PREPARING = "PREPARING"
    QUEUED = "QUEUED"
    INITIATED = "INITIATED"
    IN_PROGRESS = "IN_PROGRESS"
    VERIFYING = "VERIFYING"
    COMPLETED = "COMPLETED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class AttemptStatus(StrEnum):
    """What is known of one authorised launch."""

    INTENT = "INTENT"
    LAUNCHED = "LAUNCHED"
    NOT_EXECUTED = "NOT_EXECUTED"
    FOREIGN = "FOREIGN"


class ServerStatus(StrEnum):
    """Where a source server stands in an execution."""

    PENDING = "PENDING"
    LAUNCHING = "LAUNCHING"
    LAUNCHED = "LAUNCHED"
    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    TERMINATED = "TERMINATED"
    UNKNOWN = "UNKNOWN"


class Phase(StrEnum):
    """The part of a launch that the job log shows (drs-facts §5.3)."""

    CLEANUP = "CLEANUP"
    SNAPSHOT = "SNAPSHOT"
    CONVERSION = "CONVERSION"
    LAUNCH = "LAUNCH"


class OnTimeout(StrEnum):
    """What an approval that nobody gives in time comes to; never a yes."""

    CANCEL = "cancel"
    SKIP = "skip"


class CleanUp(StrEnum):
    """Whether a drill's instances are terminated when it has ended."""

    ASK = "ask"
    ALWAYS = "always"
    NEVER = "never"


class CommandKind(StrEnum):
    """What a person may tell an execution."""

    APPROVE = "approve"
    DECLINE = "decline"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    SKIP = "skip"
    EDIT = "edit"


class Ticket(StrEnum):
    """Whether a start must name a change ticket."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


def utc(value: datetime) -> str:
    """A time as programs read it: ISO-8601, UTC, whole seconds, with Z; people read `texts.moment`."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def digest_of(value: object) -> str:
    """SHA-256 over canonical JSON (sorted keys, no spaces), as 64 hex digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
