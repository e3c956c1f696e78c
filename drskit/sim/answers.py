"""What a world's instances answer whoever asks them: EC2's status checks, ports, URLs, and commands.

The first answer that fits is given; a server's own come before the world's.
What nobody wrote an answer for is a healthy server's: it boots, its status is
ok, its ports are open, its URLs are answered with 200, its commands succeed.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

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


Word = Literal["ok", "impaired", "initializing", "insufficient-data"]


class StatusAnswer(Answer):
    """EC2's own checks of an instance."""

    instance: Word = "ok"
    system: Word = "ok"


class PortAnswer(Answer):
    """Whether a port takes connections."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Only this one."""
    open: bool = True
    """Else the connection is refused."""


class HttpAnswer(Answer):
    """What a URL is answered with."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    path: str | None = None
    """Only this path, without what comes after a question mark."""
    status: Annotated[int, Field(ge=100, le=599)] = 200
    body: Output = ""
    location: str | None = None
    """Where a redirect leads."""
    certificate: Literal["good", "self-signed", "expired"] = "good"
    """Of https."""


class Answers(Entry):
    """What an instance answers."""

    screen: Literal["login", "stuck", "none"] | None = None
    """What a screenshot of its console shows; none where EC2 gives no picture. Default: login."""

    status: tuple[StatusAnswer, ...] = ()
    """Default: initializing for two minutes, then ok."""
    tcp: tuple[PortAnswer, ...] = ()
    """Default: open a minute after the launch."""
    http: tuple[HttpAnswer, ...] = ()
    """Default: 200, where the port is open."""
    commands: tuple[CommandAnswer, ...] = ()
    agent: bool = True
    """Whether its SSM agent is ever seen; when, says `post_launch.agent_after`."""
