"""What is told to people and programs outside: whom a plan names, what happened, and what became of telling it.

A notice is written in the very transaction of what it tells, so that none is
lost; it is sent afterwards, and may arrive twice under the same id.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from drskit.record import Record


class NoticeKind(StrEnum):
    """What may be told, as a runbook's `on` names it."""

    START = "start"
    APPROVAL = "approval"
    """A person must decide: an approval, or what follows from a failure, a stranger's job or a cost."""
    WAVE = "wave"
    """A wave has come up, all of it or enough of it."""
    FAILURE = "failure"
    """A wave has failed or timed out, or the plan's own time is over."""
    END = "end"
    STUCK = "stuck"
    INSTANCES = "instances"
    """Instances of a drill that is over still run."""


class NotifyTarget(Record):
    """An SNS topic or an EventBridge bus, and what it is told."""

    address: str
    """The ARN of a topic, or the ARN or the name of a bus."""
    kinds: tuple[NoticeKind, ...] = ()
    """Everything when empty."""

    def wants(self, kind: NoticeKind) -> bool:
        """Whether it is told things of this kind."""
        return not self.kinds or kind in self.kinds

    @property
    def is_topic(self) -> bool:
        """Whether it is an SNS topic."""
        return ":sns:" in self.address


class Delivery(Record):
    """What became of sending a notice to one target."""

    target: str
    tries: int = 0
    next_try: AwareDatetime | None = None
    """When it is to be tried; absent once it was sent or given up."""
    sent: AwareDatetime | None = None
    message_id: str | None = None
    """What SNS or EventBridge calls it."""
    given_up: AwareDatetime | None = None
    error: str | None = None
    """Why the last try failed."""


class Notice(Record):
    """One thing that happened and is told."""

    notice_id: str
    """The ExecutionId and a number that counts from 1; every delivery carries it, repeated ones too."""
    kind: NoticeKind
    key: str
    """The occurrence: nothing is told twice under one key."""
    at: AwareDatetime
    wave_name: str | None = None
    headline: str
    """In a few words."""
    text: str = ""
    """What is to be known, a line each."""
    commands: tuple[str, ...] = ()
    """What a person would type."""
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a try to send came to."""

    message_id: str | None = None
    """What the target's service calls what it took; None when it did not take it, as far as we know."""
    error: str | None = None
    hopeless: bool = False
    """Trying again cannot help."""


@dataclass(frozen=True)
class Occurrence:
    """Something that happened, once."""

    kind: NoticeKind
    key: str
    headline: str
    lines: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    wave: str | None = None
