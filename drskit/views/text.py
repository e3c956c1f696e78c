"""An execution as text, for logs and terminals.

Everything printed goes through `plain`: a server's name or an error message must
not steer the terminal of the person who reads it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from drskit.errors import MissingExtra
from drskit.model import Command, Event, Execution
from drskit.views.events import describe
from drskit.views.notes import Note
from drskit.views.rows import Board, ServerRow, WaveRow, board_of, trouble_of
from drskit.views.words import Tone, badge_of, clock, counted, moment, plain, shortened, span

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

ERROR_LENGTH = 160

STYLES: dict[Tone, str] = {
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.WAIT: "bold yellow",
    Tone.BUSY: "cyan",
    Tone.IDLE: "dim",
    Tone.UNKNOWN: "bold magenta",
}


def event_line(event: Event) -> str:
    """One event on one line: `19:24:35Z  Wave Database  COMPLETED  2 of 2 servers launched`."""
    told = describe(event)
    return f"{clock(event.time)}  {told.subject}  {told.words}"


def board_text(execution: Execution, now: datetime, again: Collection[str] = ()) -> str:
    """The whole board as lines of plain text; `again` are the servers that a newer execution launched again."""
    board = board_of(execution, now, again)
    lines = [headline(board), *map(plain, board.leftovers)]
    if board.waiting_for and not board.finished:
        lines.append(f"WAITING FOR: {plain(board.waiting_for)}")
    lines += map(note_line, board.notes)
    for wave in board.waves:
        lines += ["", wave_line(wave), *(f"  {note_line(note)}" for note in wave.notes)]
        lines += [*(f"  {_server_line(server)}" for server in wave.shown)]
        if wave.folded:
            lines.append(f"  … and {counted(len(wave.folded), 'more server')}")
    return "\n".join(lines) + "\n"


def commands_text(execution: Execution) -> str:
    """What people told an execution, when, why, and what became of it; empty when nobody told it anything."""
    lines = [_command_line(command) for command in execution.commands]
    return "\n".join(["Commands:", *(f"  {line}" for line in lines)]) + "\n" if lines else ""


def _command_line(command: Command) -> str:
    about = f" wave {plain(command.wave_name)}" if command.wave_name else ""
    about += f" {', '.join(map(plain, command.server_ids))}" if command.server_ids else ""
    answer = plain(command.answer) if command.answer else "done" if command.acknowledged else "not carried out yet"
    told = f"{command.kind.value}{about} by {plain(command.by)}: {plain(command.reason)}"
    return f"{moment(command.at)}  {told}  -> {answer}"


def headline(board: Board) -> str:
    """What runs and how it stands, on one line."""
    state = "took" if board.finished else "running for"
    return (
        f"{board.mode.value} {board.execution_type.value} {plain(board.plan_id)} {badge_of(board.status.value).glyph} "
        f"{board.status.value}: {board.done} of {counted(board.total, 'server')} {board.verb}, {state} "
        f"{span(board.elapsed)} ({plain(board.execution_id)}, account {plain(board.account_id)}, {plain(board.region)}"
        f"{', fast' if board.fast else ''})"
    )


def wave_line(wave: WaveRow) -> str:
    """How a wave stands, on one line."""
    parts = [f"Wave {plain(wave.name)} {badge_of(wave.status.value).glyph} {wave.status.value}"]
    parts.append(f"{wave.done} of {wave.total} {wave.verb}")
    if wave.failed:
        parts.append(f"{wave.failed} FAILED")
    if wave.elapsed is not None:
        parts.append(span(wave.elapsed))
    if wave.waiting_for:
        parts.append(f"waits for {plain(wave.waiting_for)}")
    elif wave.reason:
        parts.append(plain(wave.reason))
    return ", ".join(parts)


def note_line(note: Note) -> str:
    """A note on one line; what somebody should look at begins with a mark."""
    if note.status:
        return f"{badge_of(note.status).glyph} {plain(note.status)} {plain(note.words)}"
    return f"{'! ' if note.tone else ''}{plain(note.words)}"


def rich_board(execution: Execution, now: datetime) -> "Group":
    """The board for a live terminal.

    Raises:
        MissingExtra: rich is not installed.
    """
    try:
        from rich.console import Group
        from rich.text import Text
    except ImportError as error:
        raise MissingExtra("The live board", "kit", "rich") from error
    board = board_of(execution, now)
    head = Text(headline(board), style=f"bold {STYLES[badge_of(board.status.value).tone]}")
    waiting = board.waiting_for and not board.finished
    told = [Text(f"WAITING FOR: {plain(board.waiting_for or '')}", style=STYLES[Tone.WAIT])] if waiting else []
    told += [Text(plain(line)) for line in board.leftovers]
    told += [_rich_note(note) for note in board.notes]
    return Group(head, *told, *(_rich_wave(wave) for wave in board.waves))


def _rich_note(note: Note) -> "Text":
    from rich.text import Text

    tone = badge_of(note.status).tone if note.status else note.tone
    return Text(note_line(note), style=STYLES[tone] if tone else "")


def _rich_wave(wave: WaveRow) -> "Table":
    from rich.table import Table
    from rich.text import Text

    folded = wave.folded
    title = Text(wave_line(wave), style=STYLES[badge_of(wave.status.value).tone])
    table = Table(
        title=Text("\n").join([title, *map(_rich_note, wave.notes)]),
        title_justify="left",
        caption=Text(f"and {counted(len(folded), 'more server')}") if folded else None,
        caption_justify="left",
    )
    for head in ("Server", "Status", "Phase", "Time", "Instance or error"):
        table.add_column(head, overflow="fold")
    for server in wave.shown:
        badge = badge_of(server.status.value)
        table.add_row(
            Text(_named(server)),
            Text(f"{badge.glyph} {badge.word}", style=STYLES[badge.tone]),
            Text(f"{server.phase} {span(server.phase_elapsed)}" if server.phase else "-"),
            Text(span(server.elapsed)),
            Text(_outcome(server) or "-"),
        )
    return table


def _server_line(server: ServerRow) -> str:
    badge = badge_of(server.status.value)
    phase = f"  {server.phase} {span(server.phase_elapsed)}" if server.phase else ""
    elapsed = f"  {span(server.elapsed)}" if server.elapsed is not None else ""
    outcome = _outcome(server)
    return f"{badge.glyph} {badge.word:<10} {_named(server)}{phase}{elapsed}{'  ' if outcome else ''}{outcome}"


def _named(server: ServerRow) -> str:
    optional = "" if server.critical else " (optional)"
    return f"{plain(server.source_server_id)} {plain(server.name)}".rstrip() + optional


def _outcome(server: ServerRow) -> str:
    return shortened(plain(trouble_of(server) or server.recovery_instance_id or ""), ERROR_LENGTH)
