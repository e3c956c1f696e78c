"""What the engine needs of the world outside to run actions, as a protocol.

`aws.actions` implements it. What a request came to is one of `Begun`, `Ended`,
`NotExecuted` and `Unknown`; what a look at a run shows is one of `News`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from drskit.actions import Task
from drskit.model import Mode
from drskit.ports import NotExecuted, Unknown


@dataclass(frozen=True)
class Begun:
    """It runs, under this id of the service's."""

    external_id: str


@dataclass(frozen=True)
class Ended:
    """It has ended."""

    good: bool
    outcome: str
    output: str | None = None
    """What it answered or wrote, or as much of it as is worth keeping."""
    external_id: str | None = None


@dataclass(frozen=True)
class Going:
    """It runs, and this is how far it is."""

    outcome: str


@dataclass(frozen=True)
class NotFound:
    """The service has nothing of it."""


@dataclass(frozen=True)
class Hidden:
    """The service could not be asked, so nothing is known."""

    reason: str


Outcome = Begun | Ended | NotExecuted | Unknown
News = Begun | Ended | Going | NotFound | Hidden


class Actions(Protocol):
    """What actions do, in one account and Region."""

    def start(self, task: Task, mode: Mode) -> Outcome:
        """Send the task's request once, on the wire once; to AWS signed at `task.sent_at`.

        Nothing is sent where a simulator answers and the execution is real, or the other way round.
        """

    def look(self, task: Task) -> News:
        """What has become of a run, or of a request without a known outcome; only of kinds that can be looked at."""

    def stop(self, task: Task) -> None:
        """Ask that a run that takes too long be ended; what comes of it is not waited for.

        Raises:
            Unavailable: the service could not be asked.
        """

    def addresses(self, instance_ids: Iterable[str]) -> Mapping[str, str]:
        """The private address of each of these instances that has one.

        Raises:
            Unavailable: EC2 could not be asked.
        """
