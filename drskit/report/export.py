"""A report in any of the formats that need nothing but the evidence; PDF is printed from the HTML elsewhere."""

import json
from collections.abc import Callable

from drskit.report.csv import render_csv
from drskit.report.evidence import Evidence, report_json, summary_of
from drskit.report.html import render_html
from drskit.report.markdown import render_markdown
from drskit.report.summary import Summary


def render(evidence: Evidence, name: str) -> bytes:
    """The report as html, json, csv or md, in UTF-8; the same evidence makes the same bytes.

    Raises:
        MissingExtra: jinja2 is not installed, for html.
        KeyError: there is no such format.
    """
    return RENDERERS[name](summary_of(evidence), evidence).encode("utf-8", errors="backslashreplace")


def _json(summary: Summary, evidence: Evidence) -> str:
    return json.dumps(report_json(summary, evidence), indent=1) + "\n"


RENDERERS: dict[str, Callable[[Summary, Evidence], str]] = {
    "html": lambda summary, _: render_html(summary),
    "md": lambda summary, _: render_markdown(summary),
    "json": _json,
    "csv": lambda summary, _: render_csv(summary),
}
