"""Tables in a notebook: inline styles only, and never wider than the page: what is too wide scrolls inside."""

from collections.abc import Sequence
from html import escape

from drskit.views.board import CELL, HEARD, TABLE, text_of

WRAP = "overflow-wrap:anywhere"
SPREAD = f"{TABLE};table-layout:auto"
"""JupyterLab would make all columns equal, and let their texts run into each other in a narrow window."""

WHOLE = 40
"""Characters up to which a word without spaces, as a name or an id, is never broken."""


def cell(text: str | None, *, whole: bool = False) -> str:
    """Text from outside for a cell: a short word stays whole, for a browser would break it at every hyphen.

    Args:
        text: the text; a dash for none.
        whole: keep it on one line although there are spaces in it, as in a time.
    """
    shown = text or "-"
    kept = whole or (len(shown) <= WHOLE and " " not in shown)
    return f'<span style="white-space:nowrap">{text_of(shown)}</span>' if kept else text_of(shown)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML already; an empty head stands over verdicts."""
    head = "".join(f'<th scope="col" style="{CELL}">{escape(name) or "Verdict"}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row" style="{CELL};font-weight:normal;min-width:7em">{first}</th>'
        + "".join(f'<td style="{CELL};{WRAP};min-width:6em">{cell}</td>' for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div style="overflow-x:auto;margin:0 0 10px"><table style="{SPREAD}"><caption style="{HEARD}">{escape(title)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
