"""What panels say about themselves: a message, an error, a difference; and callbacks whose errors are seen.

What a widget's callback raises is invisible, and so is what it prints.
"""

import difflib
from collections.abc import Callable
from html import escape

from drskit.errors import DrskitError
from drskit.views.board import boxed, text_of
from drskit.views.words import COLOURS, Tone, printable

MOST_LINES = 200
"""Lines of a difference that are shown."""
MONO = "font-family:var(--jp-code-font-family, monospace);white-space:pre-wrap;overflow-wrap:anywhere;margin:0"


def said(message: str) -> str:
    """A message, announced to those who hear the page."""
    return boxed([f'<p role="status" style="margin:2px 0">{escape(printable(message))}</p>'])


def done(message: str) -> str:
    """A message of something that was done."""
    return boxed([f'<p role="status" style="margin:2px 0">{_filled("✔", Tone.GOOD)} {escape(printable(message))}</p>'])


def alert(message: str) -> str:
    """An error, announced at once; its lines stay lines."""
    lines = "<br>".join(text_of(line, 600) for line in printable(message).splitlines()[:MOST_LINES])
    background, foreground = COLOURS[Tone.BAD]
    style = f"margin:4px 0;padding:4px 8px;background:{background};color:{foreground};overflow-wrap:anywhere"
    return boxed([f'<p role="alert" style="{style}"><b>✖</b> {lines}</p>'])


def guarded(work: Callable[[], object], tell: Callable[[str], None]) -> Exception | None:
    """Do the work; what it raises is told, and returned."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - a callback's error is invisible unless it is shown here
        kind = "" if isinstance(error, DrskitError) else f"{type(error).__name__}: "
        tell(f"{kind}{error}")
        return error
    return None


def text_html(text: str) -> str:
    """A text as it stands, with the numbers of its lines."""
    lines = printable(text).splitlines()
    width = len(str(len(lines)))
    numbered = "\n".join(f"{number:{width}}  {line}" for number, line in enumerate(lines, 1))
    return f'<pre style="{MONO}">{escape(numbered)}</pre>'


def difference_html(before: str, after: str) -> str:
    """What changes between two texts: each line with its sign and a bar of its colour."""
    lines = list(difflib.unified_diff(printable(before).splitlines(), printable(after).splitlines(), lineterm="", n=2))
    shown = "".join(_difference_line(line) for line in lines[2 : MOST_LINES + 2])
    more = f"<p>{len(lines) - 2 - MOST_LINES} more lines</p>" if len(lines) - 2 > MOST_LINES else ""
    return f'<div style="{MONO}">{shown}</div>{more}' if shown else "<p>Nothing changes.</p>"


def _difference_line(line: str) -> str:
    if line.startswith("@@"):
        return f'<div style="padding:2px 0">{escape(line)}</div>'
    tone = {"+": Tone.GOOD, "-": Tone.BAD}.get(line[:1])
    if tone is None:
        return f'<div style="padding-left:12px">{escape(line)}</div>'
    border = f"border-left:6px solid {COLOURS[tone][0]};padding-left:6px"
    return f'<div style="{border}"><b>{escape(line[:1])}</b>{escape(line[1:])}</div>'


def _filled(glyph: str, tone: Tone) -> str:
    background, foreground = COLOURS[tone]
    return f'<b style="background:{background};color:{foreground};padding:0 5px">{glyph}</b>'
