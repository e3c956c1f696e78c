"""The drills of one plan over time: RTO, RPO, how long phases took, and what failed.

A table whose cells are bars with their words beside them, so that it is a chart
and can be read without one. Inline styles only, as all that a notebook shows.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from drskit.model import Phase
from drskit.report.figures import DrillFigures, PhaseFigures
from drskit.report.inline import GREY, badge, key
from drskit.report.measures import Measure
from drskit.views.board import boxed, text_of
from drskit.views.tables import table
from drskit.views.words import COLOURS, PHASE_COLOURS, Tone, counted, moment, plain, span

HEADS = ("Drill", "Status", "RTO", "RPO", "Phases, median of its servers", "Came up")
SHORT = {Phase.CLEANUP: "cleanup", Phase.SNAPSHOT: "snapshot", Phase.CONVERSION: "conversion", Phase.LAUNCH: "launch"}
MACHINES, TARGET = COLOURS[Tone.BUSY][0], COLOURS[Tone.BAD][0]


def in_order(drills: Iterable[DrillFigures]) -> tuple[DrillFigures, ...]:
    """The oldest first; of drills that began at the same time, as in worlds made anew, by id."""
    return tuple(sorted(drills, key=lambda drill: (drill.start_time, drill.execution_id)))


def render_comparison(drills: Sequence[DrillFigures], current: str = "") -> str:
    """The drills as a chart in a table, the oldest first; `current` is marked."""
    if not drills:
        return boxed(["<p>No drill of this plan is known.</p>"])
    ordered = in_order(drills)
    longest = max([_most(drill.rto) for drill in ordered] + [timedelta(seconds=1)])
    oldest = max([_most(drill.rpo) for drill in ordered] + [timedelta(seconds=1)])
    phases = max([_sum(drill.phases) for drill in ordered] + [timedelta(seconds=1)])
    rows = [
        (
            _named(drill, current),
            badge(drill.status.value),
            _rto(drill, longest),
            _bar([(drill.rpo.actual, MACHINES)], drill.rpo.target, oldest) + _words(drill.rpo),
            _phases(drill.phases, phases),
            f"{drill.reached} of {drill.servers}" + (f", {len(drill.failed)} failed" if drill.failed else ""),
        )
        for drill in ordered
    ]
    return boxed([_legend(), table(f"Drills of {plain(ordered[0].plan_id)}", HEADS, rows), *_trend(ordered)])


def comparison_text(drills: Sequence[DrillFigures]) -> str:
    """The same on a line each, for a log."""
    return "\n".join(
        f"{moment(drill.start_time)} {plain(drill.execution_id)} {drill.mode.value} {drill.status.value}: RTO "
        f"{span(drill.rto.actual)} {drill.rto.verdict.value}, RPO {span(drill.rpo.actual)} {drill.rpo.verdict.value}, "
        f"{drill.reached} of {counted(drill.servers, 'server')} came up"
        for drill in in_order(drills)
    )


def _named(drill: DrillFigures, current: str) -> str:
    mine = "▸ " if drill.execution_id == current else ""
    inner = f"{mine}{moment(drill.start_time)}<br>{drill.mode.value} {text_of(drill.execution_id)}"
    return f"<b>{inner}</b>" if mine else inner


def _rto(drill: DrillFigures, longest: timedelta) -> str:
    machines = drill.rto_without_people.actual
    people = drill.rto.actual - machines if drill.rto.actual is not None and machines is not None else None
    bars = [(machines, MACHINES), (people, COLOURS[Tone.WAIT][0])]
    waited = f" ({span(people)} for people)" if people else ""
    return _bar(bars, drill.rto.target, longest) + _words(drill.rto) + waited


def _words(measure: Measure) -> str:
    return f"{span(measure.actual)} {badge(measure.verdict.value)}"


def _phases(phases: Sequence[PhaseFigures], longest: timedelta) -> str:
    bars: list[tuple[timedelta | None, str]] = [(found.median, PHASE_COLOURS[found.phase]) for found in phases]
    words = ", ".join(f"{SHORT[found.phase]} {span(found.median)}" for found in phases)
    return _bar(bars, None, longest) + (words or "-")


def _bar(parts: Sequence[tuple[timedelta | None, str]], target: timedelta | None, whole: timedelta) -> str:
    """Boxes one after the other; a thin one on a line below ends where the target is, its mark within its width."""
    boxes = "".join(
        f'<div style="width:{took / whole:.2%};height:0.8em;background:{colour}"></div>'
        for took, colour in parts
        if took is not None
    )
    mark = (
        f'<div style="width:{min(target / whole, 1):.2%}"><div style="height:2px;border-right:3px solid {TARGET};'
        f'background:{GREY}"></div></div>'
        if target is not None
        else ""
    )
    return f'<div style="display:flex;min-width:9em">{boxes}</div>{mark}'


def _legend() -> str:
    keys = {
        "machines": MACHINES,
        "people waited for": COLOURS[Tone.WAIT][0],
        **{SHORT[phase]: PHASE_COLOURS[phase] for phase in Phase},
    }
    told = "".join(key(name, colour) for name, colour in keys.items())
    return f'<p style="margin:4px 0">{told}The thin line below a bar ends at the target.</p>'


def _trend(drills: Sequence[DrillFigures]) -> list[str]:
    """What a reader should know of the whole row, in a sentence each."""
    modes = {drill.mode.value for drill in drills}
    plans = {drill.digest for drill in drills}
    lines = []
    if len(modes) > 1:
        lines.append("SIMULATED and REAL drills stand side by side here; compare those of one mode only.")
    if len(plans) > 1:
        lines.append(f"The plan or its groups changed between these drills: {len(plans)} versions of it ran.")
    failed = [server for drill in drills for server in drill.failed]
    again = sorted({server for server in failed if failed.count(server) > 1})
    if again:
        named = ", ".join(map(text_of, again[:5])) + (f" and {len(again) - 5} more" if len(again) > 5 else "")
        lines.append(f"Failed in more than one drill: {named}.")
    return [f'<p style="margin:3px 0;overflow-wrap:anywhere">{line}</p>' for line in lines]


def _most(measure: Measure) -> timedelta:
    return max(measure.actual or timedelta(), measure.target or timedelta())


def _sum(phases: Sequence[PhaseFigures]) -> timedelta:
    return sum((found.median for found in phases), timedelta())
