"""A DataFrame that shows itself in the words of the boards.

Pandas writes NaT, None and `0 days 00:08:52`, and breaks an id at its hyphen;
whoever reads at night wants none of it. What is computed of such a frame is an
ordinary DataFrame.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from drskit.views.board import badge, boxed, text_of
from drskit.views.tables import cell, table
from drskit.views.words import BADGES, clock, counted, moment, plain, shortened, span

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 60
"""Rows that are shown; the frame holds them all."""
SHORT = 12
"""Characters of a text that needs no room to wrap in, such as `2 of 12`."""
LOGGED = 60
"""Characters of a cell where it is printed as plain text."""
FOLDED = frozenset({"RPO", "Attempt", "Critical", "Type", "Mode", "Plan"})
"""Columns that take room on every row and seldom differ between them."""
ABOVE = {"Server": "Name"}
"""Columns over which another one stands, in the same cell: side by side they would not fit beside the rest."""
KEPT_BACK = frozenset({"Requested"})
"""Columns that few ask for: the frame has them, and the table says so."""
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
            same = _same(self, shown)
            back = [name for name in shown if name in KEPT_BACK]
            shown = [name for name in shown if name not in same and name not in back]
            day = _day(self, shown)
            heads = [name for name in shown if name not in {ABOVE[one] for one in shown if one in ABOVE}]
            rows = [_row(heads, dict(zip(shown, line, strict=True)), day) for line in _lines(self, shown)]
            parts = [table(str(self.attrs.get(TITLE, "Rows")), heads, rows)] if rows else []
            kept = f"The DataFrame also has {', '.join(back)}." if back else ""
            notes = " ".join(filter(None, (_said(same, day), _notes(len(self), empty), kept)))
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


def _same(frame: "pd.DataFrame", shown: list[str]) -> dict[str, str]:
    """What is the same in all rows, of the columns that are told once then; a single row tells it itself."""
    if len(frame) < 2:
        return {}
    folded = [name for name in shown if name in FOLDED and frame[name].nunique(dropna=False) == 1]
    return {name: _words(frame[name].astype(object).iloc[0]) for name in folded}


def _day(frame: "pd.DataFrame", shown: list[str]) -> date | None:
    """The day that all times of these columns lie in, if they do."""
    times = [value for name in shown for value in frame[name].dropna() if isinstance(value, datetime)]
    days = {time.date() for time in times}
    return days.pop() if len(days) == 1 else None


def _said(same: Mapping[str, str], day: date | None) -> str:
    """What the rows leave out because it is the same in all of them."""
    told = f"In all rows: {', '.join(f'{name} {words}' for name, words in same.items())}." if same else ""
    return " ".join(filter(None, (told, f"All times are of {day}, UTC." if day else "")))


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


def _row(heads: list[str], line: Mapping[str, Any], day: date | None) -> tuple[str, ...]:
    """The cells of a line; what stands above another one is in its cell."""
    above = {head: ABOVE[head] for head in heads if head in ABOVE and line.get(ABOVE[head])}
    return tuple(
        "<br>".join(_cell(name, line[name], day) for name in ([above[head]] if head in above else []) + [head])
        for head in heads
    )


def _cell(head: str, value: Any, day: date | None) -> str:
    import pandas as pd

    words = clock(value) if day and isinstance(value, datetime) and not pd.isna(value) else _words(value)
    if head == "Status" and words in BADGES:
        return f'<span style="white-space:nowrap">{badge(words)}</span>'
    if isinstance(value, str) and value.startswith("arn:"):
        return text_of(value).replace(":", ":<wbr>").replace("/", "/<wbr>")
    shown = cell(words, whole=not isinstance(value, str) or len(words) <= SHORT)
    return shown if shown.startswith("<span") else f'<span style="display:inline-block;min-width:12em">{shown}</span>'
