"""What a person can tell an execution now.

Nothing here knows a state: each command is tried on the code that obeys it, with
nothing recorded, so that what is offered is what would be carried out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from drskit.addressees import OF_A_WAVE, OF_AN_APPROVAL, OF_SERVERS, target
from drskit.cleanup import uncleanable
from drskit.errors import InvalidInput, NotFound, Refused
from drskit.model import Command, CommandKind, Execution
from drskit.orders import REFUSED, answer_now
from drskit.targets import candidates

YOU = "you"
NO_REASON = "…"


@dataclass(frozen=True)
class Choice:
    """One thing that a command may be about, and the answer to it."""

    wave: str | None
    server: str | None
    answer: str

    @property
    def about(self) -> str:
        """What it is about, in words; empty for the whole execution."""
        return f"wave {self.wave}" if self.wave else self.server or ""


@dataclass(frozen=True)
class Offer:
    """A command, and all that it makes sense for; nothing when it makes none."""

    kind: CommandKind
    choices: tuple[Choice, ...] = ()
    refusal: str = ""
    """Why it makes no sense now."""


def offers(execution: Execution, now: datetime, *, by: str | None = None) -> tuple[Offer, ...]:
    """Every command in the order of the contract; single servers are tried only until one fits."""
    return tuple(offer_of(execution, kind, now, by=by, every_server=False) for kind in CommandKind)


def offer_of(
    execution: Execution, kind: CommandKind, now: datetime, *, by: str | None = None, every_server: bool = True
) -> Offer:
    """One command with what it makes sense for: the execution, its waves, its servers.

    What would come to the same as the command for the whole execution is left out.

    Args:
        execution: the execution, whole.
        kind: the command.
        now: the present by the execution's clock.
        by: the ARN of whoever would say it; None is somebody who may say anything.
        every_server: try all servers, not only until one fits.
    """
    if by is None:
        execution = _open_to_all(execution)
    teller = by if by and kind in OF_AN_APPROVAL else YOU
    refusals: list[str] = []
    choices: list[Choice] = []
    for wave, server in _addressees(execution, kind):
        if server is not None and choices and not every_server:
            break
        answer = _answer(execution, kind, wave, server, now, teller)
        if answer.startswith(REFUSED):
            refusals.append(answer.removeprefix(REFUSED))
        elif not (choices and not choices[0].about and choices[0].answer == answer):
            choices.append(Choice(wave, server, answer))
    return Offer(kind, tuple(choices), "" if choices else next(iter(refusals), "there is nothing of it"))


def cleanable(execution: Execution) -> bool:
    """Whether it launched something and is over, and instances of it may run by its record."""
    return uncleanable(execution) is None and bool(candidates(execution))


def _addressees(execution: Execution, kind: CommandKind) -> Iterator[tuple[str | None, str | None]]:
    if kind not in OF_AN_APPROVAL | {CommandKind.SKIP}:  # these are about a wave, or servers
        yield None, None
    if kind in OF_A_WAVE:
        yield from ((wave.wave_name, None) for wave in execution.waves)
    if kind in OF_SERVERS:
        yield from ((None, server.source_server_id) for wave in execution.waves for server in wave.servers)


def _open_to_all(execution: Execution) -> Execution:
    """The same, as if anybody might approve."""
    waves = tuple(
        wave.model_copy(update={"approval": wave.approval.model_copy(update={"by": (), "not_starter": False})})
        if wave.approval
        else wave
        for wave in execution.plan.waves
    )
    return execution.model_copy(update={"plan": execution.plan.model_copy(update={"waves": waves})})


def _answer(
    execution: Execution, kind: CommandKind, wave: str | None, server: str | None, now: datetime, by: str
) -> str:
    servers = (server,) if server else ()
    try:
        command = Command(
            command_id="", kind=kind, wave_name=target(execution, kind, wave, servers), server_ids=servers, by=by,
            at=now, reason=NO_REASON,
        )  # fmt: skip
    except (InvalidInput, NotFound, Refused) as error:
        return f"{REFUSED}{error}"
    return answer_now(execution, command)
