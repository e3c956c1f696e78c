"""What a world's instances answer whoever asks them: commands of Systems Manager.

The first answer that fits is given; a server's own come before the world's.
What nobody wrote an answer for succeeds, as a healthy server's would.
"""

from typing import Annotated

from pydantic import StringConstraints

from drskit.sim.entry import Entry, Seconds

Output = Annotated[str, StringConstraints(max_length=100_000)]


class Answer(Entry):
    """What an instance answers during a part of its life."""

    after: Seconds = 0
    """From how many seconds after its launch on."""
    before: Seconds | None = None
    """Until how many seconds after its launch; None is for ever."""

    def holds(self, age: float) -> bool:
        """Whether it is given so many seconds after the launch."""
        return self.after <= age and (self.before is None or age < self.before)


class CommandAnswer(Answer):
    """How a command of Systems Manager ends on an instance."""

    document: str | None = None
    """Only for this document."""
    contains: str | None = None
    """Only where this text stands in one of the parameters."""
    takes: Seconds = 2
    """How long it runs; longer than its execution timeout, and it is TimedOut."""
    exit_code: int = 0
    stdout: Output = ""
    stderr: Output = ""
    undelivered: bool = False
    """The agent never takes it: it is Pending until its delivery times out."""


class Answers(Entry):
    """What an instance answers."""

    commands: tuple[CommandAnswer, ...] = ()
    agent: bool = True
    """Whether its SSM agent is ever seen; when, says `post_launch.agent_after`."""
