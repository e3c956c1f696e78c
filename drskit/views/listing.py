"""Many executions as people see them: pure rows, a page of them as HTML, and the commands to type about one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote

from drskit.model import CommandKind, ExecutionHeader, ExecutionStatus, ServerStatus
from drskit.offers import Offer
from drskit.running import RunningInstances
from drskit.states import FINAL_EXECUTION, WAITS_FOR_A_PERSON
from drskit.views.board import CELL, HEADING, HEARD, TABLE, badge, filled, text_of
from drskit.views.rows import UP
from drskit.views.words import Tone, age, counted, moment, plain, span

COLUMNS = {"Execution": 24, "Status": 11, "Plan": 12, "Started": 11, "Took": 9, "Servers": 8, "What of it": 25}
OPEN = "open:"
"""How what is pressed begins that opens an execution."""


@dataclass(frozen=True)
class ExecutionRow:
    """One execution of a list."""

    header: ExecutionHeader
    elapsed: timedelta
    servers: str
    """How many came up of how many, or what is known of that."""
    stuck: str | None = None
    running: RunningInstances | None = None

    @property
    def urgency(self) -> tuple[int, float]:
        """Sorts what is stuck, runs or waits before what is over, and the newest first."""
        if self.header.status in FINAL_EXECUTION:
            place = 3
        elif self.stuck:
            place = 0
        else:
            place = 2 if self.header.status in WAITS_FOR_A_PERSON else 1
        return place, -self.header.start_time.timestamp()


@dataclass(frozen=True)
class Listing:
    """A page of a list."""

    rows: tuple[ExecutionRow, ...]
    page: int
    """Counts from 0."""
    pages: int
    total: int
    """Of all that fit the filter."""
    counts: Mapping[ExecutionStatus, int]
    """Of all, whatever the filter."""
    unreadable: tuple[str, ...]
    now: datetime


def listing(
    rows: Sequence[ExecutionRow], *, page: int, size: int, counts: Mapping[ExecutionStatus, int],
    unreadable: tuple[str, ...], now: datetime,
) -> Listing:  # fmt: skip
    """The page with this number, or the last one there is."""
    pages = max(-(-len(rows) // size), 1)
    page = min(max(page, 0), pages - 1)
    ordered = sorted(rows, key=lambda row: row.urgency)
    return Listing(tuple(ordered[page * size : (page + 1) * size]), page, pages, len(rows), counts, unreadable, now)


def row_of(
    header: ExecutionHeader, now: datetime, *, stuck: str | None = None, running: RunningInstances | None = None
) -> ExecutionRow:
    """The row of an execution as of `now`."""
    elapsed = max((header.end_time or now) - header.start_time, timedelta())
    return ExecutionRow(header, elapsed, _servers(header), stuck, running)


def _servers(header: ExecutionHeader) -> str:
    counts: Counter[str] = Counter()
    for wave in header.waves:
        counts.update(wave.servers)
    total = sum(counts.values())
    if not total or header.waves_left_out:
        return "-"
    failed = counts[ServerStatus.FAILED]
    up = sum(counts[status] for status in UP)
    return f"{up} of {total}" + (f", {failed} failed" if failed else "")


def listing_parts(shown: Listing, *, live: bool) -> tuple[str, ...]:
    """A page as HTML, in parts; in a live one an execution can be pressed."""
    return (_summary(shown), _table(shown, live=live))


def _summary(shown: Listing) -> str:
    tally = " ".join(
        f"{badge(status.value)} {shown.counts[status]}" for status in ExecutionStatus if shown.counts.get(status)
    )
    stuck = sum(row.stuck is not None for row in shown.rows)
    marked = f" {filled(f'! {stuck} STUCK', Tone.BAD)}" if stuck else ""
    lines = "".join(
        f'<p style="margin:2px 0;overflow-wrap:anywhere">{filled("! UNREADABLE", Tone.UNKNOWN)} {text_of(item)}</p>'
        for item in shown.unreadable
    )
    none = "None of the executions fits the filter" if sum(shown.counts.values()) else "There is no execution"
    where = f"page {shown.page + 1} of {shown.pages}, {counted(shown.total, 'execution')}" if shown.total else none
    return (
        f'<p style="margin:0 0 4px;line-height:2">{tally}{marked}</p>'
        f'<p style="margin:0 0 4px">{where}, as of {moment(shown.now)}</p>{lines}'
    )


def _table(shown: Listing, *, live: bool) -> str:
    if not shown.rows:
        return ""
    head = "".join(f'<th scope="col" style="{CELL};width:{width}%">{name}</th>' for name, width in COLUMNS.items())
    rows = "".join(_row(row, shown.now, live=live) for row in shown.rows)
    return (
        f'<div data-key="scrolls executions" style="overflow-x:auto;margin:0 0 12px"><table style="{TABLE}">'
        f'<caption style="{HEARD}">Executions</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(row: ExecutionRow, now: datetime, *, live: bool) -> str:
    header = row.header
    name = text_of(header.execution_id)
    if live:
        name = f'<button type="button" class="drs-link" data-press="{OPEN}{name}">{name}</button>'
    cells = (
        f'<span style="white-space:nowrap">{badge(header.status.value)}</span>',
        f"{text_of(header.plan_id)} {header.execution_type.value.lower()}<br>{header.mode.value}",
        moment(header.start_time),
        f'<span style="white-space:nowrap">{span(row.elapsed)}</span>',
        text_of(row.servers),
        _told(row, now),
    )
    key = text_of(header.execution_id)
    return (
        f'<tr data-key="{key}"><th scope="row" style="{CELL};font-weight:normal">{name}</th>'
        + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _told(row: ExecutionRow, now: datetime) -> str:
    lines = []
    if row.stuck:
        lines.append(f"{filled('! STUCK', Tone.BAD)} {text_of(row.stuck)}")
    if row.header.waiting_for and row.header.status not in FINAL_EXECUTION:
        lines.append(f"waits for {text_of(row.header.waiting_for)}")
    if row.running:
        lines.append(
            f"{filled('! RUNS', Tone.WAIT)} {counted(row.running.count, 'instance')} for {age(now - row.running.since)}"
        )
    return "<br>".join(lines) or "-"


def row_line(row: ExecutionRow) -> str:
    """A row on one line of plain text, for a log."""
    header = row.header
    line = f"{header.execution_id}  {header.status}  {plain(header.plan_id)} {header.execution_type.value.lower()}"
    line += f"  {moment(header.start_time)}  {span(row.elapsed)}  {row.servers}"
    if row.stuck:
        line += f"  STUCK: {plain(row.stuck)}"
    return line


# --- one of them ------------------------------------------------------------------------------------------------------


def typed_commands(execution_id: str, offered: Iterable[Offer], *, cleanable: bool) -> tuple[str, ...]:
    """The commands that make sense for an execution now, as a person types them."""
    lines = []
    for offer in offered:
        if not offer.choices:
            continue
        about = offer.choices[0].about and _flag(offer)
        what = " --set 'KEY: VALUE'" if offer.kind is CommandKind.EDIT else ""
        lines.append(f"drskit {offer.kind} {execution_id}{f' {about}' if about else ''}{what} --reason TEXT")
    if cleanable:
        lines.append(f"drskit cleanup {execution_id} --reason TEXT")
    return tuple(lines)


def _flag(offer: Offer) -> str:
    first = offer.choices[0]
    return f"--wave {quote(plain(first.wave))}" if first.wave else f"--server {quote(str(first.server))}"


def stuck_part(why: str | None) -> str:
    """Why it is stuck, as HTML; nothing when it is not."""
    told = f"{filled('! STUCK', Tone.BAD)} {text_of(why)}" if why else ""
    return f'<p style="margin:4px 0;overflow-wrap:anywhere">{told}</p>' if told else ""


def commands_part(lines: Iterable[str]) -> str:
    """These commands as HTML to be copied."""
    listed = "\n".join(lines)
    if not listed:
        return f'<div style="{HEADING}">Nothing is left to tell it.</div>'
    return (
        f'<div style="{HEADING}"><b>What you can tell it now</b>, here as commands; '
        "<i>03-run-a-drill</i> has them as buttons when it is opened with this execution</div>"
        f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 12px">{text_of(listed, 10_000)}</pre>'
    )
