"""A DataFrame that shows itself in the words of the boards.

Pandas writes NaT, None and `0 days 00:08:52`, and breaks an id at its hyphen;
whoever reads at night wants none of it. What is computed of such a frame is an
ordinary DataFrame. Imported where a frame is made: pandas is heavy.
"""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from drskit.views.board import badge, boxed, text_of
from drskit.views.tables import table
from drskit.views.words import BADGES, counted, moment, plain, shortened, span

LONGEST = 60
"""Rows that are shown; the frame holds them all."""
LOGGED = 60
"""Characters of a cell where it is printed as plain text."""
WHOLE = 40
"""Characters up to which a word without spaces, as an id, is never broken."""
TITLE = "title"
"""The attribute that holds what those hear who do not see the table."""


class ReadableFrame(pd.DataFrame):
    """Rows for people; columns in which nothing stands are named below instead of shown."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:  # type: ignore[override]  # what is computed is no such frame
        return pd.DataFrame

    def _repr_html_(self) -> str:
        shown, empty = self._told()
        rows = [tuple(_cell(head, row) for head, row in zip(shown, line, strict=True)) for line in self._lines(shown)]
        parts = [table(str(self.attrs.get(TITLE, "Rows")), shown, rows)] if rows else []
        notes = _notes(len(self), empty)
        return boxed([*parts, *([f'<p style="margin:0 0 8px">{text_of(notes)}</p>'] if notes else [])])

    def __repr__(self) -> str:
        shown, empty = self._told()
        if not len(self):
            return _notes(0, empty)
        words = [[shortened(plain(_words(value)), LOGGED) for value in line] for line in self._lines(shown)]
        text = str(pd.DataFrame(words, columns=shown).to_string(index=False))
        return "\n".join(filter(None, (text, _notes(len(self), empty))))

    def _told(self) -> tuple[list[str], list[str]]:
        """The columns in which something stands, and those in which nothing does."""
        empty = [name for name in self.columns if self[name].isna().all()]
        return [name for name in self.columns if name not in empty], empty

    def _lines(self, shown: list[str]) -> list[tuple[Any, ...]]:
        return list(pd.DataFrame(self)[shown].head(LONGEST).itertuples(index=False, name=None))


def _notes(count: int, empty: list[str]) -> str:
    more = f"{counted(count - LONGEST, 'more row')} in the DataFrame." if count > LONGEST else ""
    if not count:
        return "No rows."
    absent = f"Nothing stands in {', '.join(empty)}." if empty else ""
    return " ".join(filter(None, (more, absent)))


def _words(value: Any) -> str:
    """A value as people read it; a dash for none."""
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
    whole = not isinstance(value, str) or (len(words) <= WHOLE and " " not in words)
    return f'<span style="white-space:nowrap">{text_of(words)}</span>' if whole else text_of(words)
