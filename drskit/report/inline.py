"""Parts of the report for a notebook: HTML with inline styles of plain colours, as the board's.

An executed notebook is untrusted when it is opened again, and JupyterLab drops
style elements, SVG, gradients and aria attributes then; what is drawn here is
rows of boxes, and every picture says the same in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from drskit.model import ServerRun
from drskit.report.criteria import NOT_RECORDED
from drskit.report.critical import shares, worth_telling
from drskit.report.measures import Measure, so_far
from drskit.report.sections import Cell, Look, Section
from drskit.report.summary import Summary, WaveResult, applied_words, labels_of
from drskit.views.board import boxed, filled, text_of
from drskit.views.rows import TROUBLE, trouble_of
from drskit.views.tables import WRAP, cell, table
from drskit.views.words import (
    COLOURS,
    MODE_COLOURS,
    MODE_WORDS,
    PHASE_COLOURS,
    Tone,
    badge_of,
    clock,
    counted,
    moment,
    span,
)

FOLD = 40
"""Of a larger wave only the servers in trouble and on the critical path are drawn."""
GREY = "#8a93a2"
LINE = "display:flex;flex-wrap:wrap;align-items:center;margin:1px 0"
"""A name, and its bar beside it, or below where there is no room."""
Segment = tuple[datetime, datetime, str]
"""From, to, and the colour."""


def render_head(summary: Summary) -> str:
    """The mode, the verdict, and target and actual of plan and waves."""
    background, foreground = MODE_COLOURS[summary.mode]
    band = (
        f'<p style="margin:0 0 8px;padding:6px 10px;background:{background};color:{foreground}">'
        f'<b style="font-size:1.4em">{summary.mode.value}</b> {escape(MODE_WORDS[summary.mode])}</p>'
    )
    verdict = (
        f'<p style="margin:0 0 4px;font-size:1.3em;{WRAP}">{badge(summary.status.value)} '
        f"<b>{text_of(summary.verdict)}</b></p>"
    )
    identity = (
        f"{summary.execution_id} of plan {summary.plan_id}, account {summary.account_id}, {summary.region}, from "
        f"{moment(summary.start_time)} to {moment(summary.end_time)}, by {summary.started_by}"
    )
    told = (identity, *summary.remarks, *summary.leftovers)
    lines = "".join(f'<p style="margin:3px 0;{WRAP}">{text_of(line)}</p>' for line in told)
    return boxed([band, verdict, lines, *([] if summary.is_cleanup else [_targets(summary)])])


def _targets(summary: Summary) -> str:
    rows = [
        ("Plan", summary.status.value, summary.rto, summary.rpo),
        ("Plan, without waiting for people", "", summary.rto_without_people, None),
        *((f"Wave {wave.wave_name}", wave.status.value, wave.rto, wave.rpo) for wave in summary.waves),
    ]
    return table(
        "Targets and actuals",
        ("Of", "Status", "RTO target", "RTO actual", "RTO", "RPO target", "RPO actual", "RPO"),
        [(text_of(of), badge(word) if word else "-", *_measured(rto), *_measured(rpo)) for of, word, rto, rpo in rows],
    )


def _measured(measure: Measure | None) -> tuple[str, str, str]:
    if measure is None:
        return "-", "-", "-"
    actual = ", ".join(filter(None, (span(measure.actual), so_far(measure))))
    return span(measure.target), actual, badge(measure.verdict.value)


def render_timeline(summary: Summary) -> str:
    """Every wave and server over time, and the critical path as a table."""
    if not summary.path:
        return boxed(["<p>Nothing has begun, so there is no timeline.</p>"])
    labels = labels_of(summary)
    return boxed([_legend(), *(_wave(summary, wave, labels) for wave in summary.waves), _path(summary, labels)])


def _legend() -> str:
    colours = {
        "wave": GREY,
        "waited for approval": COLOURS[Tone.WAIT][0],
        **{phase.value.lower(): colour for phase, colour in PHASE_COLOURS.items()},
    }
    keys = "".join(key(name, colour) for name, colour in colours.items())
    return f'<p style="margin:4px 0">{keys}▸ and underlined: the critical path</p>'


def key(name: str, colour: str) -> str:
    """What a colour means, for the legend of a picture."""
    box = f"display:inline-block;width:1.2em;height:0.7em;background:{colour};margin-right:4px"
    return f'<span style="margin-right:14px;white-space:nowrap"><span style="{box}"></span>{escape(name)}</span>'


def _wave(summary: Summary, wave: WaveResult, labels: Mapping[str, str]) -> str:
    critical = {step.source_server_id for step in summary.path if step.source_server_id}
    head = f"<b>{badge_of(wave.status.value).glyph} Wave {text_of(wave.wave_name)}</b>"
    lines = [_line(summary, head, _wave_segments(summary, wave))]
    for server in wave.servers:
        run, marked = server.run, server.run.source_server_id in critical
        if len(wave.servers) > FOLD and not marked and run.status not in TROUBLE:
            continue
        name = f"{'▸ ' if marked else ''}{badge_of(run.status.value).glyph} {text_of(labels[run.source_server_id])}"
        lines.append(_line(summary, name, _server_segments(summary, run), marked=marked))
    left_out = len(wave.servers) + 1 - len(lines)
    more = f'<p style="margin:0">{counted(left_out, "more server")} in the report itself.</p>' if left_out else ""
    return "".join(lines) + more


def _line(summary: Summary, head: str, segments: Iterable[Segment], *, marked: bool = False) -> str:
    """A name, and boxes that stand where their times are."""
    start, whole = summary.start_time, max(summary.elapsed, timedelta(seconds=1))
    boxes, at = [], start
    for start_time, end_time, colour in sorted(segments):
        begin, end = max(start_time, at), max(end_time, at)
        under = "border-bottom:3px solid currentColor" if marked else "border-bottom:3px solid transparent"
        boxes.append(f'<div style="width:{(begin - at) / whole:.3%}"></div>')
        boxes.append(f'<div style="width:{(end - begin) / whole:.3%};height:0.8em;background:{colour};{under}"></div>')
        at = end
    return (
        f'<div style="{LINE}"><div style="flex:1 1 14em;{WRAP}">{head}</div>'
        f'<div style="flex:3 1 20em;display:flex;min-width:8em">{"".join(boxes)}</div></div>'
    )


def _wave_segments(summary: Summary, wave: WaveResult) -> list[Segment]:
    now = summary.end_time or summary.made_at
    found: list[Segment] = [
        (approval.since, approval.since + approval.waited, COLOURS[Tone.WAIT][0])
        for approval in summary.approvals
        if approval.wave_name == wave.wave_name and approval.since and approval.waited
    ]
    if wave.start_time:
        found.append((wave.start_time, wave.end_time or now, GREY))
    return found


def _server_segments(summary: Summary, run: ServerRun) -> list[Segment]:
    now = run.end_time or summary.end_time or summary.made_at
    return [(phase.start_time, phase.end_time or now, PHASE_COLOURS[phase.phase]) for phase in run.phases]


def _path(summary: Summary, labels: Mapping[str, str]) -> str:
    whole = ", ".join(f"{whose.value} {span(took)}" for whose, took in shares(summary.path).items())
    rows = [
        (
            escape(step.words), cell(span(step.lasted), whole=True), step.whose.value, cell(step.wave_name),
            cell(labels[step.source_server_id] if step.source_server_id else None),
            f"{clock(step.start_time)} to {clock(step.end_time)}",
        )
        for step in worth_telling(summary.path)
    ]  # fmt: skip
    head = f'<p style="margin:10px 0 2px"><b>What determined the end</b>: {escape(whole)}.</p>'
    return head + table("What determined the end", ("What", "Lasted", "Whose", "Wave", "Server", "From, to"), rows)


def render_criteria(summary: Summary) -> str:
    """What was to be proven, what failed, what was not tested, and what somebody must follow up."""
    trouble = [
        (badge(server.run.status.value), cell(server.run.name or server.run.source_server_id),
         cell(server.wave_name), text_of(trouble_of(server.run)))
        for server in summary.servers
        if server.run.status in TROUBLE
    ]  # fmt: skip
    parts = [
        _section("In trouble", ("Status", "Server", "Wave", "Why"), trouble),
        _section(
            "What was to be proven, as it was set before the run",
            ("Of", "Verdict", "Criterion", "Actual"),
            [
                (text_of(one.of), badge(one.verdict.value), text_of(one.rule), text_of(one.actual))
                for one in summary.criteria
            ],
        ),
        f'<p style="margin:4px 0;{WRAP}">{text_of(applied_words(summary))}</p>',
        _section(
            "Not tested",
            ("Server", "Of", "Why"),
            [
                (f"{text_of(one.name)} {text_of(one.source_server_id)}", text_of(one.of), text_of(one.why))
                for one in summary.untested
            ],
        ),
        *(f'<p style="margin:4px 0">{escape(words)}</p>' for words in (NOT_RECORDED, summary.checks)),
        *map(_of_its_own, summary.sections),
        _section(
            "To be followed up; owners and dates of retests are written into the report",
            ("Of", "Deviation"),
            [(text_of(one.of), text_of(one.what)) for one in summary.deviations],
        ),
    ]
    return boxed([part for part in parts if part])


def _of_its_own(section: Section) -> str:
    """A section that this execution gave reason for."""
    heading = f'<p style="margin:10px 0 2px"><b>{text_of(section.title)}</b></p>'
    told = "".join(f'<p style="margin:4px 0;{WRAP}">{text_of(sentence)}</p>' for sentence in section.sentences)
    rows = [tuple(map(_cell, row)) for row in section.rows]
    return heading + told + (table(section.title, section.heads, rows) if rows else "")


def _cell(one: Cell) -> str:
    if one.look is Look.STATUS:
        return badge(one.text)
    return cell(one.text, whole=one.look in {Look.ID, Look.SHORT})


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heading = f'<p style="margin:10px 0 2px"><b>{escape(title)}</b>{"" if rows else ": nothing"}</p>'
    return heading + (table(title, heads, rows) if rows else "")


def badge(word: str) -> str:
    """A status as glyph, word and colour."""
    shown = badge_of(word)
    return f'<span style="white-space:nowrap">{filled(f"{shown.glyph} {escape(shown.word)}", shown.tone)}</span>'
