"""When a wave will be done, by the phases, actions and checks that were seen so far.

An estimate and no promise: it says what it stands on. Each part of a launch is
taken to last as long as it did for the slowest tenth of this execution's servers
that have it behind them, for a wave ends with its last server; where none has,
as long as in launches that were captured from DRS.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drskit.alongside import alongside
from drskit.cadence import CONVERSION_SECONDS, LAUNCH_SECONDS
from drskit.launches import LAUNCHED, SETTLED
from drskit.model import Execution, ExecutionType, Phase, ServerRun, ServerStatus, WaveRun, WaveStatus
from drskit.states import FINAL_WAVE, STARTED_WAVE

PREPARATION_SECONDS = 60.0
"""From the request to the start of the conversion in the captured drill (drs-facts §14): snapshot, then a gap."""
SLOWEST = 0.9
"""The share of the seen that an estimate covers."""


class Part(StrEnum):
    """The parts of a launch that are estimated one by one."""

    PREPARATION = "preparation"
    CONVERSION = "conversion"
    LAUNCH = "launch"


CAPTURED = {
    Part.PREPARATION: timedelta(seconds=PREPARATION_SECONDS),
    Part.CONVERSION: timedelta(seconds=CONVERSION_SECONDS),
    Part.LAUNCH: timedelta(seconds=LAUNCH_SECONDS),
}


@dataclass(frozen=True)
class Estimate:
    """How long a wave will still take, or would take once it begins."""

    lasts: timedelta
    """From now, or from its beginning; never negative."""
    begun: bool
    late: timedelta
    """By how much it has taken longer than was expected; zero while it has not."""
    seen: int
    """How many launches of this execution it stands on; none: on captured ones alone."""
    besides: str = ""
    """Which of the wave's actions and checks are counted, and which are not."""

    @property
    def basis(self) -> str:
        """What it stands on, in words."""
        launches = "launch" if self.seen == 1 else "launches"
        launched = f"by {self.seen} {launches} of this drill" if self.seen else "as in captured launches"
        return ", ".join(filter(None, (launched, self.besides)))


def estimate(execution: Execution, wave: WaveRun, now: datetime) -> Estimate | None:
    """When a wave will have come up; None when it has ended, will not begin, or launches nothing."""
    if execution.execution_type is ExecutionType.CLEANUP or execution.end_time or wave.status in FINAL_WAVE:
        return None
    if wave.status is WaveStatus.VERIFYING or execution.held:
        return None
    open_ones = [server for server in wave.servers if server.status not in SETTLED | {ServerStatus.UNKNOWN}]
    if not open_ones:
        return None
    spans, seen = typical(server for run in execution.waves for server in run.servers)
    around = alongside(execution, wave, now)
    if wave.status not in STARTED_WAVE:
        lasts = sum(spans.values(), around.counted)
        return Estimate(lasts, begun=False, late=timedelta(), seen=seen, besides=around.basis)
    refused = wave.not_before is not None and wave.not_before > now
    if refused or wave.status is WaveStatus.QUEUED:  # nobody knows for how long
        return None
    left = max(_left(server, spans, now) for server in open_ones)
    late = max(-left, timedelta())
    return Estimate(max(left, timedelta()) + around.counted, begun=True, late=late, seen=seen, besides=around.basis)


def typical(servers: Iterable[ServerRun]) -> tuple[dict[Part, timedelta], int]:
    """How long each part lasts, and by how many servers that came up this is known."""
    seen: dict[Part, list[timedelta]] = {part: [] for part in Part}
    count = 0
    for server in servers:
        parts = _parts(server)
        for part, lasted in parts.items():
            seen[part].append(lasted)
        count += Part.LAUNCH in parts
    return {part: _slow(seen[part]) or CAPTURED[part] for part in Part}, count


def _slow(lasted: list[timedelta]) -> timedelta | None:
    return sorted(lasted)[min(int(len(lasted) * SLOWEST), len(lasted) - 1)] if lasted else None


def _parts(server: ServerRun) -> dict[Part, timedelta]:
    """The parts that a server has behind it; how a launch that failed went tells nothing."""
    spans = {span.phase: span for span in server.phases}
    conversion, launch = spans.get(Phase.CONVERSION), spans.get(Phase.LAUNCH)
    found: dict[Part, timedelta] = {}
    if server.status not in LAUNCHED | {ServerStatus.LAUNCHING} or conversion is None:
        return found
    if server.start_time:
        found[Part.PREPARATION] = conversion.start_time - server.start_time
    if conversion.end_time:
        found[Part.CONVERSION] = conversion.end_time - conversion.start_time
    if launch and launch.end_time and server.status in LAUNCHED:
        found[Part.LAUNCH] = launch.end_time - launch.start_time
    return found


def _left(server: ServerRun, spans: dict[Part, timedelta], now: datetime) -> timedelta:
    """What a server still takes; negative when it is late."""
    phases = {span.phase: span for span in server.phases}
    if Phase.LAUNCH in phases:
        return phases[Phase.LAUNCH].start_time + spans[Part.LAUNCH] - now
    if Phase.CONVERSION in phases:
        conversion = phases[Phase.CONVERSION]
        ends = conversion.end_time or max(conversion.start_time + spans[Part.CONVERSION], now)
        return ends + spans[Part.LAUNCH] - now
    begun = server.start_time or now
    prepared = max(begun + spans[Part.PREPARATION], now)
    return prepared + spans[Part.CONVERSION] + spans[Part.LAUNCH] - now
