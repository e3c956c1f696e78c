"""Which questions of a wave's checks are due, and what was seen of them in one look. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drskit.checks import Check, Checking, Checks, CheckState
from drskit.model import Execution, ServerRun, ServerStatus, Wave, WaveRun, WaveStatus
from drskit.probes import Finding, by_ssm, command_of

Key = tuple[str, int]
"""Source server, and the place of a check among the wave's."""


@dataclass(frozen=True)
class Due:
    """A question whose turn it is."""

    place: int
    """Among all questions of the wave."""
    server: ServerRun
    index: int
    """The check's place among the wave's."""
    check: Check
    by_ssm: bool

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.server.source_server_id, self.index


@dataclass(frozen=True)
class Target:
    """Where a server's instance is reached, as far as it is known."""

    private_ip: str | None = None
    public_ip: str | None = None
    hostname: str | None = None


@dataclass(frozen=True)
class Part:
    """What was asked of a round in one look."""

    findings: Mapping[Key, Finding] = field(default_factory=dict)
    sendable: tuple[Key, ...] = ()
    """What is to be asked by a command now."""
    position: int | None = None
    """Where the next part begins; None when the round is over."""


@dataclass(frozen=True)
class CallSeen:
    """What was seen of a command."""

    command_id: str | None = None
    """None while it is not found."""
    findings: Mapping[str, Finding] = field(default_factory=dict)
    """By source server, for those on which it has ended."""


@dataclass(frozen=True)
class CheckSeen:
    """What was observed of the checks of an execution for one step; what is missing here was not asked."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    """By source server."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """By wave."""
    calls: Mapping[str, CallSeen] = field(default_factory=dict)
    """By the id of the call."""


# --- questions -------------------------------------------------------------------------------------------------------


def is_open(server: ServerRun) -> bool:
    """Whether the server came up, and is neither verified nor given up."""
    return server.status is ServerStatus.LAUNCHED and server.unchecked is None


def checked_waves(execution: Execution) -> Iterator[tuple[Wave, WaveRun, Checks]]:
    """The waves whose checks are under way."""
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if wave.status is WaveStatus.VERIFYING and wave.checking is not None and plan_wave.checks is not None:
            yield plan_wave, wave, plan_wave.checks


def unfinished(plan_wave: Wave, wave: WaveRun) -> bool:
    """Whether some server of a wave that is being verified still has to pass its checks."""
    return plan_wave.checks is not None and any(map(is_open, wave.servers))


def deadline_of(checks: Checks, checking: Checking) -> datetime:
    """When what has not passed has failed, as soon as it was asked once more."""
    return checking.since + checks.timeout


def due(checks: Checks, wave: WaveRun, now: datetime) -> tuple[Due, ...]:
    """The questions of the round whose turn it is now."""
    checking = wave.checking
    if checking is None or now < checking.round_at:
        return ()
    running = {(server_id, call.check) for call in checking.calls for server_id in call.server_ids}
    late = now >= deadline_of(checks, checking)
    found = []
    for number, server in enumerate(wave.servers):
        if not is_open(server) or len(server.checks) != len(checks.all):
            continue
        for index, (check, run) in enumerate(zip(checks.all, server.checks, strict=True)):
            place, command = number * len(checks.all) + index, by_ssm(checks, check)
            settled = command and (run.state is CheckState.PASSED or (late and run.state is CheckState.RED))
            if place >= checking.position and not settled and (server.source_server_id, index) not in running:
                found.append(Due(place, server, index, check, command))
    return tuple(found)


def batches(checks: Checks, questions: Iterable[Due]) -> dict[tuple[int, str], list[Due]]:
    """Questions that one and the same command asks, by check and text; fifty instances at most take one command."""
    found: dict[tuple[int, str], list[Due]] = {}
    for question in questions:
        found.setdefault((question.index, command_of(question.check, checks, question.server)), []).append(question)
    return found
