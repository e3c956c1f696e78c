"""A drill in figures, small enough to be kept beside another one and compared with it.

What two drills of a plan are compared by, and what the history of a plan is
drawn from: RTO, RPO, how long the phases took, and what failed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median

from pydantic import AwareDatetime

from drskit.model import Execution, ExecutionStatus, ExecutionType, Mode, Phase, Record, ServerRun, ServerStatus
from drskit.report import measures
from drskit.report.measures import Measure
from drskit.views.words import counted, span

NAMED = 5
"""Servers named in a difference; beyond, they are counted."""
UNKNOWN_THEN = "-"


class PhaseFigures(Record):
    """How long one phase of the launches took."""

    phase: Phase
    servers: int
    """How many went through it to its end."""
    median: timedelta
    longest: timedelta


class WaveFigures(Record):
    """A wave's RTO."""

    wave_name: str
    rto: Measure


class DrillFigures(Record):
    """An execution in figures."""

    execution_id: str
    plan_id: str
    execution_type: ExecutionType
    mode: Mode
    status: ExecutionStatus
    start_time: AwareDatetime
    end_time: AwareDatetime | None
    digest: str
    servers: int
    reached: int
    """How many came up."""
    failed: tuple[str, ...]
    """The ids of those that did not, although they were tried, or of which nobody knows."""
    rto: Measure
    rto_without_people: Measure
    rpo: Measure
    waves: tuple[WaveFigures, ...]
    phases: tuple[PhaseFigures, ...]


class Difference(Record):
    """One thing, as it was in the last drill and as it is in this one."""

    what: str
    then: str
    now: str
    change: str
    """In words; empty when nothing changed."""


def figures_of(execution: Execution, now: datetime) -> DrillFigures:
    """An execution in figures, finished or not."""
    servers = [server for wave in execution.waves for server in wave.servers]
    bad = (ServerStatus.FAILED, ServerStatus.UNKNOWN)
    return DrillFigures(
        execution_id=execution.execution_id,
        plan_id=execution.plan_id,
        execution_type=execution.execution_type,
        mode=execution.mode,
        status=execution.status,
        start_time=execution.start_time,
        end_time=execution.end_time,
        digest=execution.digest,
        servers=len(servers),
        reached=sum(measures.reached(server) for server in servers),
        failed=tuple(server.source_server_id for server in servers if server.status in bad),
        rto=measures.plan_rto(execution, now),
        rto_without_people=measures.plan_rto_without_people(execution, now),
        rpo=measures.plan_rpo(execution),
        waves=tuple(
            WaveFigures(wave_name=wave.wave_name, rto=measures.wave_rto(execution, wave, now))
            for wave in execution.waves
        ),
        phases=_phases(servers),
    )


def _phases(servers: Iterable[ServerRun]) -> tuple[PhaseFigures, ...]:
    spans = [span for server in servers for span in server.phases]
    found = []
    for phase in Phase:
        lasted = [span.end_time - span.start_time for span in spans if span.phase is phase and span.end_time]
        if lasted:
            found.append(
                PhaseFigures(
                    phase=phase,
                    servers=len(lasted),
                    median=timedelta(seconds=median(span.total_seconds() for span in lasted)),
                    longest=max(lasted),
                )
            )
    return tuple(found)


def differences(now: DrillFigures, then: DrillFigures) -> tuple[Difference, ...]:
    """How a drill differs from an earlier one of its plan, what matters most first; also what is as it was."""
    waves = {wave.wave_name: wave.rto.actual for wave in then.waves}
    phases = {found.phase: found.median for found in then.phases}
    return (
        _words("Status", then.status.value, now.status.value),
        _spans("RTO actual", then.rto.actual, now.rto.actual),
        _spans("RTO without waiting for people", then.rto_without_people.actual, now.rto_without_people.actual),
        _spans("RPO actual, the largest", then.rpo.actual, now.rpo.actual),
        *(_spans(f"Wave {wave.wave_name}", waves.get(wave.wave_name), wave.rto.actual) for wave in now.waves),
        *(
            _spans(f"{found.phase.value.capitalize()}, median", phases.get(found.phase), found.median)
            for found in now.phases
        ),
        _words("Servers", str(then.servers), str(now.servers)),
        _failures(then, now),
        _words("Plan and groups", then.digest[:12], now.digest[:12], "another plan or other groups"),
    )


def _failures(then: DrillFigures, now: DrillFigures) -> Difference:
    new = [name for name in now.failed if name not in then.failed]
    mended = [name for name in then.failed if name not in now.failed]
    words = [f"{verb} {_named(names)}" for verb, names in (("new:", new), ("no more:", mended)) if names]
    return Difference(
        what="Failed or unknown", then=str(len(then.failed)), now=str(len(now.failed)), change="; ".join(words)
    )


def _named(names: list[str]) -> str:
    more = f" and {counted(len(names) - NAMED, 'more server')}" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _words(what: str, then: str, now: str, change: str = "changed") -> Difference:
    return Difference(what=what, then=then, now=now, change="" if then == now else change)


def _spans(what: str, then: timedelta | None, now: timedelta | None) -> Difference:
    return Difference(what=what, then=span(then), now=span(now), change=_change(then, now))


def _change(then: timedelta | None, now: timedelta | None) -> str:
    if then is None or now is None:
        return "" if then is now else "not comparable"
    apart = now - then
    if abs(apart) < timedelta(seconds=1):
        return ""
    part = f", {apart / then:+.0%}" if then else ""
    return f"{span(abs(apart))} {'longer' if apart > timedelta() else 'shorter'}{part}"
