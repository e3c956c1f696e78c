"""The waves of a plan as a picture: what needs what, and how long past drills took.

Tables and plain boxes with inline styles, which an untrusted notebook keeps; the
same in words beside it. Pure: a draft and headers of executions in, HTML and
text out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from pydantic import TypeAdapter, ValidationError

from drskit.draft import PlanDraft
from drskit.model import ExecutionHeader, ExecutionType, WaveStatus, WaveSummary
from drskit.views.board import CELL, HEADING, HEARD, LINE, TABLE, filled, text_of
from drskit.views.words import BADGES, Tone, counted, plain, span
from drskit.waves import find_cycle, stages

SPAN = TypeAdapter(timedelta)
BOX = f"border:{LINE};border-radius:4px;padding:6px 10px;margin:0 0 8px;min-width:11em;max-width:22em"
BAR_COLOUR = "#2f7fd0"
LOOKED_AT = 10
"""Past drills of a plan that are looked at, the newest."""


@dataclass(frozen=True)
class WaveTimes:
    """How long a wave took in past drills."""

    last: timedelta
    last_status: WaveStatus
    good: tuple[timedelta, ...]
    """Of the drills in which it was completed, newest first."""

    @property
    def usual(self) -> timedelta | None:
        """The median of the good ones; None when there is none."""
        return timedelta(seconds=median(time.total_seconds() for time in self.good)) if self.good else None

    def __str__(self) -> str:
        if len(self.good) > 1:
            usual = f"usually {span(self.usual)} (median of {counted(len(self.good), 'drill')}), last "
        else:
            usual = "last drill "
        return f"{usual}{span(self.last)} {BADGES[self.last_status][1]} {self.last_status.value}"


def wave_times(headers: Iterable[ExecutionHeader]) -> dict[str, WaveTimes]:
    """The times of each wave by its name, from the newest drills that came to an end of it.

    Args:
        headers: of one plan, newest first.
    """
    seen: dict[str, list[WaveSummary]] = {}
    drills = [header for header in headers if header.execution_type is ExecutionType.DRILL]
    for header in drills[:LOOKED_AT]:
        for wave in header.waves:
            if wave.start_time and wave.end_time:
                seen.setdefault(wave.wave_name, []).append(wave)
    return {
        name: WaveTimes(
            _took(waves[0]),
            waves[0].status,
            tuple(_took(wave) for wave in waves if wave.status is WaveStatus.COMPLETED),
        )
        for name, waves in seen.items()
    }


def _took(wave: WaveSummary) -> timedelta:
    assert wave.start_time is not None
    assert wave.end_time is not None
    return wave.end_time - wave.start_time


@dataclass(frozen=True)
class _Bar:
    """When a wave would run, counted from the start of the drill."""

    start: timedelta
    end: timedelta


@dataclass(frozen=True)
class Picture:
    """A plan's waves, laid out."""

    draft: PlanDraft
    times: Mapping[str, WaveTimes]

    @property
    def names(self) -> tuple[str, ...]:
        """The waves in the file's order; the second of two of the same name is left out."""
        return tuple(dict.fromkeys(self.draft.wave_name(index) for index in range(len(self.draft.waves))))

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """What each wave waits for, as far as it is there."""
        found: dict[str, tuple[str, ...]] = {}
        for index in range(len(self.draft.waves)):
            known = tuple(need for need in self.draft.needs(index) if need in self.names)
            found.setdefault(self.draft.wave_name(index), known)
        return found

    @property
    def cycle(self) -> tuple[str, ...]:
        """Waves that wait for each other."""
        return find_cycle(self.needs)

    def bars(self) -> dict[str, _Bar]:
        """When each wave would run if each took as long as usual; a wave without a time takes none, and has none.

        Nobody knows how long people take to approve; that is left out.
        """
        bars: dict[str, _Bar] = {}
        ends: dict[str, timedelta] = {}
        for stage in stages(self.needs):
            for name in stage:
                start = max((ends[need] for need in self.needs[name]), default=timedelta())
                times = self.times.get(name)
                usual = times.usual if times else None
                ends[name] = start + (usual or timedelta())
                if usual:
                    bars[name] = _Bar(start, ends[name])
        return bars

    @property
    def expected(self) -> timedelta | None:
        """How long a drill takes by past ones; None when some wave's time is not known."""
        bars = self.bars()
        return max(bar.end for bar in bars.values()) if bars and set(bars) == set(self.names) else None


def wave_facts(draft: PlanDraft, name: str) -> tuple[str, ...]:
    """What is said of a wave in its box, a line each."""
    index = next(index for index in range(len(draft.waves)) if draft.wave_name(index) == name)
    wave = draft.waves[index]
    needs = draft.needs(index)
    lines = [f"after {', '.join(needs)}" if needs else "at once"]
    groups = wave.get("groups")
    lines.append(f"launches {', '.join(map(str, groups)) if isinstance(groups, list) and groups else 'nothing yet'}")
    approve = wave.get("approve")
    text = approve.get("text") if isinstance(approve, dict) else approve
    if text:
        lines.append(f"‖ waits for approval: {text}")
    if wave.get("rto"):
        lines.append(f"RTO target {duration_words(wave['rto'])}")
    return tuple(lines)


def duration_words(value: object) -> str:
    """A duration as written in a runbook, for people; as it stands when it is none."""
    try:
        return span(SPAN.validate_python(value))
    except ValidationError:
        return str(value)


# --- as HTML ---------------------------------------------------------------------------------------------------------


def picture_html(picture: Picture) -> str:
    """Boxes by stage, bars by time, and the same in words."""
    if not picture.names:
        return "<p>The plan has no waves yet.</p>"
    if picture.cycle:
        words = f"✖ the waves wait for each other: {text_of(' -> '.join(picture.cycle))}"
        return f'<p style="margin:4px 0">{filled(words, Tone.BAD)} Remove one need.</p>'
    twin = "".join(f"<li>{text_of(line)}</li>" for line in picture_lines(picture))
    return f"{_stages(picture)}{_bars(picture)}<details><summary>The same in words</summary><ol>{twin}</ol></details>"


def _stages(picture: Picture) -> str:
    columns = stages(picture.needs)
    head = "".join(
        f'<th scope="col" style="{CELL}">{"→ " if number else ""}Stage {number + 1}</th>'
        for number in range(len(columns))
    )
    cells = "".join(
        f'<td style="{CELL};border-bottom:none;padding-top:6px">{"".join(_box(picture, name) for name in column)}</td>'
        for column in columns
    )
    return (
        f'<div style="{HEADING}"><b>What comes after what</b></div><div style="overflow-x:auto;margin:0 0 8px">'
        f'<table style="border-collapse:collapse;font-size:0.95em;white-space:normal">'
        f'<caption style="{HEARD}">What comes after what</caption>'
        f"<thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table></div>"
    )


def _box(picture: Picture, name: str) -> str:
    lines = "".join(f"<div>{text_of(line, 200)}</div>" for line in wave_facts(picture.draft, name))
    times = picture.times.get(name)
    told = f"<div>{text_of(str(times))}</div>" if times else ""
    return f'<div style="{BOX}"><b>{text_of(name)}</b>{lines}{told}</div>'


def _bars(picture: Picture) -> str:
    bars = picture.bars()
    if not bars:
        return "<p>No past drill of this plan is in the tables that tells how long its waves take.</p>"
    whole = max(bar.end for bar in bars.values())
    rows = "".join(_bar_row(picture, name, bars.get(name), whole) for name in picture.names)
    return (
        f'<div style="{HEADING}"><b>How long it takes, by past drills</b>{_verdict(picture, whole)}</div>'
        f'<div style="overflow-x:auto;margin:0 0 8px"><table style="{TABLE};white-space:normal">'
        f'<caption style="{HEARD}">How long each wave takes, by past drills</caption>'
        f'<thead><tr><th scope="col" style="{CELL}">Wave</th><th scope="col" style="{CELL};width:60%">From start to end'
        f'</th><th scope="col" style="{CELL}">Took</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _bar_row(picture: Picture, name: str, bar: _Bar | None, whole: timedelta) -> str:
    drawn, words = "-", "not known"
    if bar is not None:
        left, width = 100 * (bar.start / whole), 100 * ((bar.end - bar.start) / whole)
        drawn = (
            f'<div style="margin-left:{left:.2f}%;width:{max(width, 0.5):.2f}%;background:{BAR_COLOUR};height:1em">'
            f"</div><div>{span(bar.start)} to {span(bar.end)}</div>"
        )
    times = picture.times.get(name)
    words = str(times) if times else words
    return (
        f'<tr><th scope="row" style="{CELL}">{text_of(name)}</th><td style="{CELL}">{drawn}</td>'
        f'<td style="{CELL}">{text_of(words)}</td></tr>'
    )


def _verdict(picture: Picture, whole: timedelta) -> str:
    """The sum against the plan's promise."""
    if picture.expected is None:
        return f": at least {span(whole)}; the times of some waves are not known"
    told = f": {span(picture.expected)}, without the time that people take to approve"
    target = picture.draft.at(("targets", "rto"))
    try:
        promised = SPAN.validate_python(target) if target is not None else None
    except ValidationError:
        promised = None
    if promised is None:
        return told
    fits = picture.expected <= promised
    badge = filled("✔ fits" if fits else "✖ does not fit", Tone.GOOD if fits else Tone.BAD)
    return f"{told}; {badge} the RTO target of {span(promised)}"


# --- as text ---------------------------------------------------------------------------------------------------------


def picture_lines(picture: Picture) -> tuple[str, ...]:
    """The picture in words, a line for each wave in the order in which they run."""
    ordered = [name for stage in stages(picture.needs) for name in stage]
    lines = []
    for name in ordered:
        times = picture.times.get(name)
        facts = [*wave_facts(picture.draft, name), *([str(times)] if times else [])]
        lines.append(plain(f"{name}: {'; '.join(facts)}"))
    return tuple(lines)
