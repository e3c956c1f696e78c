"""Commands on instances: what is sent, what was seen of it, and who carries it out.

A command travels with an id of ours in its comment. Whoever finds an intent
without an outcome looks for that id before anything is sent again; a request is
signed with its intent's time, so AWS refuses it when it comes late.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from drskit.ports import NotExecuted, Unknown

SHELL = "AWS-RunShellScript"
POWERSHELL = "AWS-RunPowerShellScript"
MOST_INSTANCES = 50
"""SendCommand takes no more at once."""
MARK = "drskit:"
"""What the comment of every command of ours begins with; its id follows."""


@dataclass(frozen=True)
class RemoteCommand:
    """A command that is to run on some instances, once."""

    mark: str
    """Our id of it, a ULID."""
    signed_at: datetime
    """The time of its intent, in whole seconds."""
    instance_ids: tuple[str, ...]
    """At most fifty."""
    document: str = SHELL
    parameters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    about: str = ""
    """For people: stands in the comment behind the mark, as far as there is room."""
    delivery: timedelta = timedelta(minutes=1)
    """How long Systems Manager tries to hand it to an instance; half a minute at least."""

    @property
    def comment(self) -> str:
        """The comment that it carries."""
        return f"{MARK}{self.mark} {self.about}".strip()[:100]


def mark_of(comment: str) -> str | None:
    """Our id in a command's comment; None where it is none of ours."""
    word = comment.partition(" ")[0]
    return word.removeprefix(MARK) if word.startswith(MARK) else None


@dataclass(frozen=True)
class Sent:
    """SendCommand made a command."""

    command_id: str


@dataclass(frozen=True)
class RemoteRun:
    """A command on one of its instances, as it was last seen."""

    instance_id: str
    status: str
    """AWS's word: Pending, InProgress, Delayed, Success, Cancelled, TimedOut, Failed, Cancelling."""
    details: str = ""
    exit_code: int | None = None
    output: str = ""
    """The first 2,500 characters of what it printed."""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in {"Success", "Cancelled", "TimedOut", "Failed"}


@dataclass(frozen=True)
class RemoteOutput:
    """What a command printed on an instance, as far as Systems Manager keeps it."""

    stdout: str
    """At most 24,000 characters."""
    stderr: str
    """At most 8,000."""


class Remote(Protocol):
    """Run Command of Systems Manager in one account and Region; reads answer whole or raise `Unavailable`."""

    def online(self, instance_ids: Iterable[str]) -> frozenset[str]:
        """Those of the instances whose agent answers."""

    def send(self, command: RemoteCommand) -> Sent | NotExecuted | Unknown:
        """Ask once, on the wire once, signed at the intent's time."""

    def find(self, marks: Iterable[str], *, since: datetime) -> dict[str, str]:
        """The ids of the commands that carry these marks, by mark; looked for among those sent since then."""

    def runs(self, command_id: str) -> tuple[RemoteRun, ...]:
        """A command on each of its instances; nothing while Systems Manager does not show it yet."""

    def output(self, command_id: str, instance_id: str) -> RemoteOutput | None:
        """What it printed there; None while Systems Manager does not show it yet."""

    def cancel(self, command_id: str) -> None:
        """Ask that what has not begun does not begin; it is not certain that anything comes of it."""
