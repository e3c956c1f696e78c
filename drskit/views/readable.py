"""A DataFrame that shows itself in the words of the boards.

Pandas writes NaT, None and `0 days 00:08:52`, and breaks an id at its hyphen;
whoever reads at night wants none of it. What is computed of such a frame is an
ordinary DataFrame.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from drskit.views.board import badge, boxed, text_of
from drskit.views.tables import cell, table
from drskit.views.words import BADGES, counted, moment, plain, shortened, span

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 60
"""Rows that are shown; the frame holds them all."""
LOGGED = 60
"""Characters of a cell where it is printed as plain text."""
TITLE = "title"
"""The attribute that holds what those hear who do not see the table."""


@cache
def readable_frame() -> "type[pd.DataFrame]":
    """The class of such frames; columns in which nothing stands are named below instead of shown.

    Raises:
        ImportError: pandas is not installed.
    """
    import pandas as pd

    class ReadableFrame(pd.DataFrame):
        @property
        def _constructor(self) -> type[pd.DataFrame]:  # type: ignore[override]  # what is computed is no such frame
            return pd.DataFrame

        def _repr_html_(self) -> str:
            shown, empty = _columns(self)
            rows = [tuple(map(_cell, shown, line)) for line in _lines(self, shown)]
            parts = [table(str(self.attrs.get(TITLE, "Rows")), shown, rows)] if rows else []
            notes = _notes(len(self), empty)
            return boxed([*parts, *([f'<p style="margin:0 0 8px">{text_of(notes)}</p>'] if notes else [])])

        def __repr__(self) -> str:
            shown, empty = _columns(self)
            words = [[shortened(plain(_words(value)), LOGGED) for value in line] for line in _lines(self, shown)]
            text = str(pd.DataFrame(words, columns=shown).to_string(index=False)) if words else ""
            return "\n".join(filter(None, (text, _notes(len(self), empty))))

    return ReadableFrame


def _columns(frame: "pd.DataFrame") -> tuple[list[str], list[str]]:
    """The columns in which something stands, and those in which nothing does."""
    empty = [name for name in frame.columns if frame[name].isna().all()]
    return [name for name in frame.columns if name not in empty], empty


def _lines(frame: "pd.DataFrame", shown: list[str]) -> list[tuple[Any, ...]]:
    return list(frame[shown].head(LONGEST).itertuples(index=False, name=None))


def _notes(count: int, empty: list[str]) -> str:
    more = f"{counted(count - LONGEST, 'more row')} in the DataFrame." if count > LONGEST else ""
    if not count:
        return "No rows."
    absent = f"Nothing stands in {', '.join(empty)}." if empty else ""
    return " ".join(filter(None, (more, absent)))


def _words(value: Any) -> str:
    """A value as people read it; a dash for none."""
    import pandas as pd

    if pd.isna(value):
        return "-"
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _cell(head: str, value: Any) -> str:
    words = _words(value)
    if head == "Status" and words in BADGES:
        return f'<span style="white-space:nowrap">{badge(words)}</span>'
    shown = cell(words, whole=not isinstance(value, str))
    return shown if shown.startswith("<span") else f'<span style="display:inline-block;min-width:18em">{shown}</span>'
