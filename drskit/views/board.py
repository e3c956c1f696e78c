"""The board of an execution, as HTML for a notebook.

Only inline `style=` with plain colours: an executed notebook is untrusted when
it is opened again, and JupyterLab then drops style elements, SVG, gradients and
aria attributes. Text inherits the page's colour, so that it reads in light and
dark; badges bring a background and a foreground of their own.

The board comes in parts, and what may move in them carries a `data-key`: a live
board changes only what differs, so that an open `<details>` stays open and a
selected id stays selected while somebody copies it. What needs a look is never
inside a `<details>`.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from html import escape

from drskit.model import Execution, Mode
from drskit.views.narrow import reflowing
from drskit.views.notes import Note
from drskit.views.rows import Board, ServerRow, WaveRow, board_of, trouble_of
from drskit.views.words import (
    COLOURS,
    FAST_WORDS,
    MODE_COLOURS,
    MODE_WORDS_NOW,
    Tone,
    badge_of,
    clock,
    counted,
    printable,
    shortened,
    span,
)

ERROR_LENGTH = 600
ROOT = "font-family:var(--jp-ui-font-family, sans-serif);line-height:1.5;white-space:normal"
BOX = f"display:grid;grid-template-columns:minmax(0,1fr);{ROOT}"
"""As wide as the page, never wider: what is too wide scrolls inside."""
TABLE = "border-collapse:collapse;font-size:0.95em;width:100%;max-width:84em"
HEADING = "padding:4px 0;font-size:1.1em"
HEARD = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0);white-space:nowrap"
"""For those who hear the page; others read the heading above, which stays in view when the table scrolls."""
COLUMNS = {"Server": 28, "Status": 13, "Phase": 17, "Time": 9, "Instance": 16, "Job": 17}
"""With their widths in per cent, so that the tables of all waves stand under one another."""
NAMED = 5
"""Servers named beside an error that many have; the table holds them all."""
LINE = "1px solid var(--jp-border-color2, #9aa0a6)"
CELL = f"text-align:left;padding:2px 12px 2px 0;border-bottom:{LINE};vertical-align:top"


def render_board(execution: Execution, now: datetime) -> str:
    """The execution's state as of `now`, as one HTML fragment that needs nothing else."""
    return boxed(board_parts(execution, now))


def board_parts(execution: Execution, now: datetime, again: Collection[str] = ()) -> tuple[str, ...]:
    """The same in parts: the mode, how it stands, what it is, then each wave; `again` as in `board_of`."""
    board = board_of(execution, now, again)
    return (render_mode(board.mode), _state(board), _identity(board), *(_wave(wave) for wave in board.waves))


def boxed(parts: Iterable[str]) -> str:
    """Parts as one fragment, whose tables become blocks in a narrow window."""
    return f'<div style="{BOX}">{reflowing("".join(f"<div>{part}</div>" for part in parts))}</div>'


def render_mode(mode: Mode) -> str:
    """The band that tells SIMULATED from REAL."""
    background, foreground = MODE_COLOURS[mode]
    return (
        f'<p style="margin:0 0 8px;padding:6px 10px;background:{background};color:{foreground}">'
        f'<b style="font-size:1.4em">{mode.value}</b> {escape(MODE_WORDS_NOW[mode])}</p>'
    )


def text_of(value: str | None, limit: int = ERROR_LENGTH) -> str:
    """Text from outside, made harmless for HTML; a dash for none."""
    return escape(shortened(printable(value), limit)) if value else "-"


def _state(board: Board) -> str:
    lasts = f"took {span(board.elapsed)}" if board.finished else f"running for {span(board.elapsed)}"
    seen = "" if board.finished else f", as of {clock(board.now)}"
    waiting = ""
    if board.waiting_for and not board.finished:
        waiting = filled(f"‖ WAITING FOR: {text_of(board.waiting_for)}", Tone.WAIT)
        waiting = f'<p style="margin:6px 0;font-size:1.15em">{waiting}</p>'
    left = "".join(f'<p style="margin:4px 0;overflow-wrap:anywhere">{text_of(line)}</p>' for line in board.leftovers)
    return (
        f'<p style="margin:0 0 2px;font-size:1.35em">{badge(board.status.value)} '
        f"<b>{board.execution_type.value.capitalize()} of {text_of(board.plan_id)}</b>: {board.done} of "
        f"{counted(board.total, 'server')} {board.verb}, {lasts}{seen}</p>{waiting}{left}"
    )


def _identity(board: Board) -> str:
    told = (
        f'<span style="display:block;overflow-wrap:anywhere">Last told: {text_of(board.told, 1000)}</span>'
        if board.told
        else ""
    )
    return (
        f'<p style="margin:0 0 8px">{text_of(board.execution_id)}, account {text_of(board.account_id)}, '
        f"{text_of(board.region)}{f'. {text_of(FAST_WORDS)}' if board.fast else ''}{told}</p>"
        + "".join(map(render_note, board.notes))
    )


def render_note(note: Note) -> str:
    """A note as a paragraph that wraps."""
    words = f"{badge(note.status)} {text_of(note.words)}" if note.status else text_of(note.words)
    if note.tone and not note.status:
        words = filled(f"! {words}", note.tone)
    return f'<p style="margin:3px 0;overflow-wrap:anywhere">{words}</p>'


def _wave(wave: WaveRow) -> str:
    heading = f'<div data-key="heading" style="{HEADING};margin-top:6px">{_heading(wave)}</div>'
    notes = f'<div data-key="notes">{"".join(map(render_note, wave.notes))}</div>' if wave.notes else ""
    return (
        heading + notes + _troubles(wave) + (_table(wave) if wave.shown else "") + (_fold(wave) if wave.folded else "")
    )


def _troubles(wave: WaveRow) -> str:
    """What failed and why: in lines that wrap, for a table would hide their ends in a narrow window."""
    alike: dict[tuple[str, str], list[ServerRow]] = {}
    for server in wave.servers:
        trouble = trouble_of(server)
        if trouble:
            alike.setdefault((server.status.value, trouble), []).append(server)
    return "".join(
        f'<p data-key="trouble {text_of(servers[0].source_server_id)}" style="margin:2px 0 8px;overflow-wrap:anywhere">'
        f"{badge(status)} {_names(servers)}: {text_of(trouble)}</p>"
        for (status, trouble), servers in alike.items()
    )


def _names(servers: list[ServerRow]) -> str:
    named = ", ".join(_name(server) for server in servers[:NAMED])
    return named if len(servers) <= NAMED else f"{named} and {len(servers) - NAMED} more"


def _name(server: ServerRow) -> str:
    """Name and id, which part only where there is no room for both."""
    name = f'<b style="white-space:nowrap">{text_of(server.name)}</b> ' if server.name else ""
    optional = "" if server.critical else " (optional)"
    return f"{name}{_whole(text_of(server.source_server_id))}{optional}"


def _fold(wave: WaveRow) -> str:
    lines = "<br>".join(_line(server) for server in wave.folded)
    return (
        f'<details data-key="more" style="margin:0 0 12px"><summary>{counted(len(wave.folded), "more server")}: '
        f"{escape(_tally(wave.folded))}</summary>{lines}</details>"
    )


def _line(server: ServerRow) -> str:
    found = badge_of(server.status.value)
    return f"{found.glyph} {escape(found.word)} {text_of(server.name)} {text_of(server.source_server_id)}"


def _heading(wave: WaveRow) -> str:
    parts = [f"<b>Wave {text_of(wave.name)}</b> {badge(wave.status.value)} {wave.done} of {wave.total} {wave.verb}"]
    if wave.failed:
        parts.append(f"<b>{wave.failed} failed</b>")
    if wave.elapsed is not None:
        parts.append(span(wave.elapsed))
    if wave.waiting_for:
        parts.append(f"waits for {text_of(wave.waiting_for)}")
    elif wave.reason:
        parts.append(text_of(wave.reason))
    guess = (
        f'<span style="display:block;font-size:0.95em">Estimate: {text_of(wave.estimate)}</span>'
        if wave.estimate
        else ""
    )
    return ", ".join(parts) + guess


def _table(wave: WaveRow) -> str:
    head = "".join(f'<th scope="col" style="{CELL};width:{width}%">{title}</th>' for title, width in COLUMNS.items())
    rows = "".join(_row(server) for server in wave.shown)
    return (
        f'<div data-key="scrolls servers" style="overflow-x:auto;margin:0 0 12px"><table style="{TABLE}">'
        f'<caption style="{HEARD}">Servers of wave {text_of(wave.name)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(server: ServerRow) -> str:
    cells = (
        _whole(badge(server.status.value)),
        f"{server.phase} {_whole(span(server.phase_elapsed))}" if server.phase else "-",
        _whole(span(server.elapsed)),
        _whole(text_of(server.recovery_instance_id)),
        _whole(text_of(server.job_id)),
    )
    return (
        f'<tr data-key="{text_of(server.source_server_id)}">'
        f'<th scope="row" style="{CELL};font-weight:normal">{_name(server)}</th>'
        + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _whole(inner: str) -> str:
    return f'<span style="white-space:nowrap">{inner}</span>'


def badge(word: str) -> str:
    """A status as HTML: a glyph and a word on a background of its own."""
    found = badge_of(word)
    return filled(f"{found.glyph} {escape(found.word)}", found.tone)


def filled(inner: str, tone: Tone) -> str:
    """HTML on a background that tells its tone."""
    background, foreground = COLOURS[tone]
    return (
        f'<span style="display:inline-block;background:{background};color:{foreground};padding:0 7px;border-radius:3px;'
        f'font-weight:bold">{inner}</span>'
    )


def _tally(servers: tuple[ServerRow, ...]) -> str:
    counts: dict[str, int] = {}
    for server in servers:
        counts[server.status.value] = counts.get(server.status.value, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())
