"""The board of an execution, as HTML for a notebook.

Only inline `style=` with plain colours: an executed notebook is untrusted when
it is opened again, and JupyterLab then drops style elements, SVG, gradients and
aria attributes. Text inherits the page's colour, so that it reads in light and
dark; badges bring a background and a foreground of their own.

A `<details>` closes when a live board is drawn anew; what needs a look is
therefore never inside one.
"""

from datetime import datetime
from html import escape

from drskit.model import Execution
from drskit.views.rows import Board, ServerRow, WaveRow, board_of, trouble_of
from drskit.views.words import (
    COLOURS,
    MODE_COLOURS,
    MODE_WORDS,
    Tone,
    badge_of,
    clock,
    counted,
    printable,
    shortened,
    span,
)

ERROR_LENGTH = 600
TABLE = "border-collapse:collapse;font-size:0.95em;white-space:nowrap;min-width:36em"
CAPTION = "text-align:left;padding:4px 0;color:inherit;font-size:1.1em;white-space:normal"
ERROR = "white-space:normal;overflow-wrap:anywhere;min-width:20em"
LINE = "1px solid var(--jp-border-color2, #9aa0a6)"
CELL = f"text-align:left;padding:2px 12px 2px 0;border-bottom:{LINE};vertical-align:top"


def render_board(execution: Execution, now: datetime) -> str:
    """The execution's state as of `now`, as one HTML fragment that needs nothing else."""
    board = board_of(execution, now)
    waves = "".join(_wave(wave) for wave in board.waves)
    return f'<div style="font-family:var(--jp-ui-font-family, sans-serif);line-height:1.5">{_head(board)}{waves}</div>'


def text_of(value: str | None, limit: int = ERROR_LENGTH) -> str:
    """Text from outside, made harmless for HTML; a dash for none."""
    return escape(shortened(printable(value), limit)) if value else "-"


def _head(board: Board) -> str:
    background, foreground = MODE_COLOURS[board.mode]
    state = "took" if board.finished else "running for"
    waiting = ""
    if board.waiting_for and not board.finished:
        waiting = _filled(f"‖ WAITING FOR: {text_of(board.waiting_for)}", *COLOURS[Tone.WAIT])
        waiting = f'<p style="margin:6px 0;font-size:1.15em">{waiting}</p>'
    return (
        f'<p style="margin:0;padding:6px 10px;background:{background};color:{foreground}">'
        f'<b style="font-size:1.4em">{board.mode.value}</b> {escape(MODE_WORDS[board.mode])}</p>'
        f'<p style="margin:8px 0 2px;font-size:1.35em">{_badge(board.status.value)} '
        f"<b>{board.execution_type.value.capitalize()} of {text_of(board.plan_id)}</b>: {board.done} of "
        f"{counted(board.total, 'server')} launched, {state} {span(board.elapsed)}</p>"
        f"{waiting}"
        f'<p style="margin:0 0 8px;opacity:0.85">{text_of(board.execution_id)}, account {text_of(board.account_id)}, '
        f"{text_of(board.region)}, as of {clock(board.now)}</p>"
    )


def _wave(wave: WaveRow) -> str:
    folded = wave.folded
    more = ""
    if folded:
        lines = "<br>".join(_line(server) for server in folded)
        more = (
            f'<details style="margin:0 0 12px"><summary>{counted(len(folded), "more server")}: '
            f"{escape(_tally(folded))}</summary>{lines}</details>"
        )
    if not wave.shown:
        return f'<div style="{CAPTION}">{_caption(wave)}</div>{more}'
    return _table(_caption(wave), wave.shown) + more


def _other(wave: WaveRow) -> str:
    return "more server" if wave.shown else "server"


def _line(server: ServerRow) -> str:
    badge = badge_of(server.status.value)
    return f"{badge.glyph} {escape(badge.word)} {text_of(server.name)} {text_of(server.source_server_id)}"


def _caption(wave: WaveRow) -> str:
    parts = [f"<b>Wave {text_of(wave.name)}</b> {_badge(wave.status.value)} {wave.done} of {wave.total} launched"]
    if wave.failed:
        parts.append(f"<b>{wave.failed} failed</b>")
    if wave.elapsed is not None:
        parts.append(span(wave.elapsed))
    if wave.waiting_for:
        parts.append(f"waits for {text_of(wave.waiting_for)}")
    elif wave.reason:
        parts.append(text_of(wave.reason))
    return ", ".join(parts)


def _table(caption: str, servers: tuple[ServerRow, ...]) -> str:
    with_error = any(trouble_of(server) for server in servers)
    heads = ("Server", "Status", *(("Error",) if with_error else ()), "Phase", "Time", "Instance", "Job")
    head = "".join(f'<th scope="col" style="{CELL}">{title}</th>' for title in heads)
    rows = "".join(_row(server, with_error=with_error) for server in servers)
    return (
        f'<div style="overflow-x:auto;margin:0 0 12px"><table style="{TABLE}">'
        f'<caption style="{CAPTION}">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(server: ServerRow, *, with_error: bool) -> str:
    name = f"<b>{text_of(server.name)}</b> " if server.name else ""
    optional = "" if server.critical else " (optional)"
    phase = f"{server.phase} {span(server.phase_elapsed)}" if server.phase else "-"
    cells = [
        _badge(server.status.value),
        phase,
        span(server.elapsed),
        text_of(server.recovery_instance_id),
        text_of(server.job_id),
    ]
    if with_error:
        cells.insert(
            1,
            f'<div style="{ERROR}">{text_of(trouble_of(server))}</div>',
        )
    return (
        f'<tr><th scope="row" style="{CELL};font-weight:normal">{name}{text_of(server.source_server_id)}{optional}</th>'
        + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _badge(word: str) -> str:
    badge = badge_of(word)
    return _filled(f"{badge.glyph} {escape(badge.word)}", *COLOURS[badge.tone])


def _filled(inner: str, background: str, foreground: str) -> str:
    return (
        f'<span style="background:{background};color:{foreground};padding:1px 7px;border-radius:3px;'
        f'font-weight:bold">{inner}</span>'
    )


def _tally(servers: tuple[ServerRow, ...]) -> str:
    counts: dict[str, int] = {}
    for server in servers:
        counts[server.status.value] = counts.get(server.status.value, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())
