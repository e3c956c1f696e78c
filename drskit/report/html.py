"""The report as one HTML file: no script, no network, nothing beside it.

Whatever comes from outside (names, reasons, AWS's errors) is escaped by jinja2,
and characters that hide or reverse text are taken out first.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drskit.errors import MissingExtra
from drskit.model import ServerStatus
from drskit.report.cleaned import cleanup_of, fates_of, how
from drskit.report.criteria import NOT_RECORDED
from drskit.report.critical import shares, worth_telling
from drskit.report.measures import CLEANUP_DEFINITIONS, DEFINITIONS, Verdict, so_far
from drskit.report.sections import Look
from drskit.report.summary import ServerResult, Summary, applied_words, labels_of
from drskit.report.timeline import timeline_of
from drskit.views.events import describe
from drskit.views.narrow import reflowed
from drskit.views.rows import TROUBLE, trouble_of
from drskit.views.words import (
    COLOURS,
    FAST_WORDS,
    MODE_COLOURS,
    MODE_WORDS,
    PHASE_COLOURS,
    badge_of,
    clock,
    counted,
    moment,
    plain,
    printable,
    shortened,
    span,
)

if TYPE_CHECKING:
    from jinja2 import Environment, Template

NARROW = "40rem"
"""A window that is no wider gets rows as blocks, as in `report.css`; paper never does."""
FOLD = 40
"""A wave of more servers is folded in the timeline."""
NOT_CSS = re.compile(r"[^A-Za-z0-9 .,:_-]")
CSS_LENGTH = 80
ID_LENGTH = 40
"""Characters of an identifier that is never broken."""
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
ID = re.compile(r"\b[a-z]{1,8}-[0-9a-f]{8,17}\b")
"""What DRS and EC2 call their things; a browser would break it behind its hyphen."""
ARN_OR_ID = re.compile(rf"(?P<arn>\barn:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9-]*:[0-9]*:[^\s&<>()]+)|{ID.pattern}")
ARN_BREAKS = re.compile(r"(?<=[:/])")
BREAKS = re.compile(r"(?<=[0-9]:)|(?<=/)")
TEXT_LENGTH = 4000
"""Longer texts are cut here; execution.json holds them whole."""

LOOKS: dict[Look, str] = {Look.TEXT: "text", Look.STATUS: "n", Look.ID: "id", Look.SHORT: "n"}
"""The CSS class of a cell."""


@dataclass(frozen=True)
class Fault:
    """One error, and every server that has it."""

    status: ServerStatus
    error: str
    servers: tuple[ServerResult, ...]


def render_html(summary: Summary) -> str:
    """The whole report.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    template = _environment().get_template("report.html.j2")
    html, rules = reflowed(_rendered(template, summary))
    return html.replace("</style>", f"@media screen and (max-width: {NARROW}) {{{rules}\n}}\n</style>", 1)


def _rendered(template: "Template", summary: Summary) -> str:
    return template.render(
        summary=summary,
        timeline=timeline_of(summary),
        events=[(event, describe(event)) for event in summary.events],
        faults=_faults(summary),
        definitions=CLEANUP_DEFINITIONS if summary.is_cleanup else DEFINITIONS,
        cleanup=cleanup_of(summary) if summary.is_cleanup else None,
        fates=fates_of(summary),
        shares=shares(summary.path),
        steps=worth_telling(summary.path),
        applied_words=applied_words(summary),
        not_recorded=NOT_RECORDED,
        mode_words=MODE_WORDS[summary.mode],
        fast_words=FAST_WORDS,
        labels=labels_of(summary),
        looks=LOOKS,
        colours=COLOURS,
        mode_colours=MODE_COLOURS,
        phase_colours=PHASE_COLOURS,
        fold=FOLD,
    )


def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise MissingExtra("The report", "kit", "jinja2") from error

    def harmless(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, Markup):
            return shortened(printable(value), TEXT_LENGTH)
        return "-" if value is None else value

    environment = Environment(
        loader=PackageLoader("drskit.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "badge": badge_of,
        "clock": clock,
        "counted": counted,
        "css": _css,
        "how": how,
        "id_class": _id_class,
        "moment": moment,
        "so_far": so_far,
        "span": span,
        "who": _who,
        "whole_ids": _whole_ids,
    }
    environment.tests["surprising"] = _surprising
    environment.tests["base64"] = lambda text: BASE64.fullmatch(text) is not None
    environment.filters["picture"] = lambda text: Markup(text) if BASE64.fullmatch(text) else ""  # noqa: S704 - letters and digits alone, and uncut
    return environment


def _faults(summary: Summary) -> tuple[Fault, ...]:
    alike: dict[tuple[ServerStatus, str], list[ServerResult]] = {}
    for server in summary.servers:
        if server.run.status in TROUBLE:
            error = trouble_of(server.run) or "Its state could not be seen."
            alike.setdefault((server.run.status, error), []).append(server)
    return tuple(Fault(status, error, tuple(servers)) for (status, error), servers in alike.items())


def _id_class(value: object) -> str:
    """The class of an identifier; one that is no shorter than what DRS and EC2 give may be broken."""
    return "id" if value is None or len(str(value)) <= ID_LENGTH else "id long"


def _who(value: str) -> Any:
    """An ARN that is broken behind its account and its slashes, not within a name."""
    from markupsafe import Markup, escape

    parts = [escape(part) for part in BREAKS.split(shortened(printable(value), TEXT_LENGTH))]
    return Markup("<wbr>").join(parts)


def _whole_ids(value: str) -> Any:
    """Text in which no identifier is broken as long as a line has room for it, nor a name that is all of it.

    An ARN is broken behind its colons and slashes, so that no Region is broken behind its hyphens.
    """
    from markupsafe import Markup

    shown = str(Markup.escape(shortened(printable(value), TEXT_LENGTH)))
    if " " not in shown and len(shown) <= ID_LENGTH:
        return Markup(f'<span class="kept">{shown}</span>')  # noqa: S704 - escaped above
    return Markup(ARN_OR_ID.sub(_kept, shown))  # noqa: S704 - escaped above


def _kept(found: re.Match[str]) -> str:
    """An identifier that is not broken, or the parts of an ARN of which none is that is no longer than one."""
    parts = ARN_BREAKS.split(found[0]) if found["arn"] else [found[0]]
    kept = (f'<span class="kept">{part}</span>' if len(part) <= ID_LENGTH else part for part in parts if part)
    return "<wbr>".join(kept)


def _css(value: object) -> str:
    """Text as it may stand in a string of a style sheet: letters, digits and what separates them, on one line."""
    return NOT_CSS.sub("", plain(str(value)))[:CSS_LENGTH]


def _surprising(verdict: Verdict) -> bool:
    """A server's verdict that deserves a badge; that it was not reached its status says already."""
    return verdict in (Verdict.MISSED, Verdict.NOT_KNOWN)
