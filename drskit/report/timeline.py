"""The timeline of an execution: where each bar stands, in per cent of the whole.

Pure geometry; `html.py` draws it, and a table says the same in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.model import ServerStatus
from drskit.report.critical import Step
from drskit.report.summary import ApprovalResult, ServerResult, Summary, WaveResult
from drskit.views.words import span

STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)
TICKS = 7
"""At most so many."""
LAST_TICK = 86.0
"""Per cent of the width; further right the label has no room."""


@dataclass(frozen=True)
class Bar:
    """A stretch of time on a line; `kind` is a CSS class."""

    kind: str
    left: str
    width: str
    title: str


@dataclass(frozen=True)
class Tick:
    """A time on the axis."""

    left: str
    clock: str
    elapsed: str


@dataclass(frozen=True)
class ServerLine:
    """A server's bars."""

    server: ServerResult
    bars: tuple[Bar, ...]
    critical: bool = False
    """It determined the end, or a part of the way there."""


@dataclass(frozen=True)
class WaveLines:
    """A wave's bars, and those of its servers."""

    wave: WaveResult
    bars: tuple[Bar, ...]
    servers: tuple[ServerLine, ...]


@dataclass(frozen=True)
class Timeline:
    """The whole picture."""

    ticks: tuple[Tick, ...]
    waves: tuple[WaveLines, ...]


def timeline_of(summary: Summary) -> Timeline:
    """Lay out waves, approvals and phases between the execution's start and its end, or now."""
    scale = _Scale(summary.start_time, summary.end_time or summary.made_at)
    approvals = {approval.wave_name: approval for approval in summary.approvals}
    steps: dict[tuple[str | None, str | None], list[Step]] = {}
    for step in summary.path:
        steps.setdefault((step.wave_name, step.source_server_id), []).append(step)
    waves = tuple(
        WaveLines(
            wave=wave,
            bars=(
                *_wave_bars(scale, wave, approvals.get(wave.wave_name)),
                *_critical_bars(scale, steps.get((wave.wave_name, None), ())),
            ),
            servers=tuple(
                _server_line(scale, server, steps.get((wave.wave_name, server.run.source_server_id), ()))
                for server in wave.servers
            ),
        )
        for wave in summary.waves
    )
    return Timeline(ticks=scale.ticks(), waves=waves)


class _Scale:
    """Turns times into per cent of the picture's width."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.start = start
        self.end = max(end, start + timedelta(seconds=1))
        self._seconds = (self.end - start).total_seconds()

    def at(self, time: datetime) -> float:
        return min(max((time - self.start).total_seconds() / self._seconds, 0.0), 1.0) * 100

    def bar(self, kind: str, start: datetime, end: datetime | None, title: str) -> Bar:
        left = self.at(start)
        width = self.at(end or self.end) - left
        told = f"{title} {span((end or self.end) - start)}"
        return Bar(kind=kind, left=f"{left:.4g}", width=f"{max(width, 0.15):.4g}", title=told)

    def ticks(self) -> tuple[Tick, ...]:
        minutes = next((step for step in STEPS_MINUTES if self._seconds / 60 / step <= TICKS), 2880)
        step = timedelta(minutes=minutes)
        count = int(self._seconds // step.total_seconds())
        ticks = (self._tick(step * number) for number in range(count + 1))
        return tuple(tick for tick in ticks if float(tick.left) <= LAST_TICK)

    def _tick(self, elapsed: timedelta) -> Tick:
        time = self.start + elapsed
        return Tick(
            left=f"{self.at(time):.4g}",
            clock=time.strftime("%H:%M"),
            elapsed="start" if not elapsed else f"+{span(elapsed)}",
        )


def _wave_bars(scale: _Scale, wave: WaveResult, approval: ApprovalResult | None) -> tuple[Bar, ...]:
    bars = []
    if approval and approval.since and approval.waited is not None:
        bars.append(scale.bar("wait", approval.since, approval.since + approval.waited, "Waited for approval"))
    if wave.start_time:
        bars.append(scale.bar("wave", wave.start_time, wave.end_time, f"Wave {wave.status}"))
    return tuple(bars)


def _server_line(scale: _Scale, server: ServerResult, steps: Sequence[Step]) -> ServerLine:
    bars = (*_server_bars(scale, server), *_critical_bars(scale, steps))
    return ServerLine(server, bars, critical=bool(steps))


def _critical_bars(scale: _Scale, steps: Sequence[Step]) -> tuple[Bar, ...]:
    """The line under what is on the critical path; steps that follow one another share it."""
    joined: list[tuple[datetime, datetime]] = []
    for step in steps:
        if joined and joined[-1][1] == step.start_time:
            joined[-1] = (joined[-1][0], step.end_time)
        else:
            joined.append((step.start_time, step.end_time))
    return tuple(scale.bar("crit", start, end, "Critical path") for start, end in joined)


def _server_bars(scale: _Scale, server: ServerResult) -> tuple[Bar, ...]:
    run = server.run
    bars = [scale.bar("rest", run.start_time, run.end_time, "In all")] if run.start_time else []
    bars += [
        scale.bar(phase.phase.value.lower(), phase.start_time, phase.end_time or run.end_time, phase.phase.value)
        for phase in run.phases
    ]
    if run.status is ServerStatus.FAILED and run.end_time:
        bars.append(scale.bar("broke", run.end_time, run.end_time, "Failed"))
    return tuple(bars)
