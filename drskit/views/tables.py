"""Tables in a notebook: inline styles only, and never wider than the page: what is too wide scrolls inside."""

from collections.abc import Sequence
from html import escape

from drskit.views.board import CELL, HEARD, TABLE

WRAP = "overflow-wrap:anywhere"
SPREAD = f"{TABLE};table-layout:auto"
"""JupyterLab would make all columns equal, and let their texts run into each other in a narrow window."""


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
