"""Source servers as people see them: who protects them, how they replicate, and what stands in the way.

Unprotected servers come first, for nobody recovers them; then those that cannot
be recovered, for a plan that names one is refused as a whole. Pure: values in,
rows, HTML and text out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from drskit.model import SourceServer
from drskit.recoverable import Facts, Finding, Verdict, findings, verdict
from drskit.views.board import CELL, HEADING, HEARD, TABLE, filled, text_of
from drskit.views.words import Tone, counted, moment, plain, span

SHOWN = 100
"""Servers that stand openly in the table; the rest is folded."""
NAMED = 8
UNPROTECTED = "UNPROTECTED"
VERDICTS: Mapping[Verdict, tuple[Tone, str]] = {
    Verdict.NO: (Tone.BAD, "✖"),
    Verdict.RISKY: (Tone.WAIT, "!"),
    Verdict.UNKNOWN: (Tone.UNKNOWN, "?"),
    Verdict.YES: (Tone.GOOD, "✔"),
}
FIRST = {Verdict.NO: 0, Verdict.RISKY: 1}
COLUMNS = {"Server": 22, "Protection group": 16, "Replication": 14, "Lag": 8, "Last launch": 20, "Recovery": 20}
"""With their widths in per cent: JupyterLab would make them equal, and break an id behind its hyphen."""


@dataclass(frozen=True)
class ServerLine:
    """One source server."""

    server: SourceServer
    groups: tuple[str, ...]
    """The protection groups that hold it; more than one is a fault of somebody's."""
    verdict: Verdict
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.server.name or self.server.source_server_id

    @property
    def replication(self) -> str:
        """Its replication state, and how far it is while that matters."""
        percent = self.server.replicated_percent
        done = f" {percent} %" if percent is not None and percent < 100 else ""
        return f"{self.server.replication_state or 'not told'}{done}"

    @property
    def last_launch(self) -> str:
        """When it was launched last, for what, and what came of it."""
        server = self.server
        if server.last_launch_time is None:
            return "never"
        words = (server.last_launch_type, server.last_launch_status, moment(server.last_launch_time))
        return " ".join(word for word in words if word)


def server_lines(
    servers: Iterable[SourceServer], members: Mapping[str, Sequence[str]], facts: Facts
) -> tuple[ServerLine, ...]:
    """All servers, unprotected ones first, then those that cannot be recovered, then by name.

    One of which nobody knows whether it can stands among those that can, so that it keeps its place once it is asked.

    Args:
        servers: as DRS lists them.
        members: the groups of each server, by its id.
        facts: what else was seen of DRS.
    """
    lines = [
        ServerLine(
            server,
            tuple(members.get(server.source_server_id, ())),
            verdict(server, facts),
            findings(server, facts),
        )
        for server in servers
    ]
    return tuple(sorted(lines, key=lambda line: (bool(line.groups), FIRST.get(line.verdict, len(FIRST)), line.name)))


# --- the filter ------------------------------------------------------------------------------------------------------


def matching(lines: Iterable[ServerLine], wanted: str) -> tuple[ServerLine, ...]:
    """The lines that fit all of a filter: `Tier=web, Application=shop`, or words of a name, an id or a tag."""
    pieces = [piece.strip() for piece in wanted.split(",") if piece.strip()]
    return tuple(line for line in lines if all(_fits(line, piece) for piece in pieces))


def _fits(line: ServerLine, piece: str) -> bool:
    key, equals, value = piece.partition("=")
    if equals:
        return line.server.tags.get(key.strip()) == value.strip()
    words = (line.server.name, line.server.source_server_id, line.server.hostname, *line.server.tags.values())
    return any(piece.casefold() in word.casefold() for word in words)


def known_tags(lines: Iterable[ServerLine]) -> tuple[str, ...]:
    """Every `key=value` that more than one server has, so that a filter can be chosen."""
    counts: dict[str, int] = {}
    for line in lines:
        for key, value in line.server.tags.items():
            if "," not in f"{key}{value}" and "=" not in key:
                counts[f"{key}={value}"] = counts.get(f"{key}={value}", 0) + 1
    return tuple(sorted(tag for tag, count in counts.items() if count > 1))


# --- as HTML ---------------------------------------------------------------------------------------------------------


def summary_html(lines: Sequence[ServerLine], of: int) -> str:
    """How many there are, and what asks for attention, in one line."""
    bare = sum(not line.groups for line in lines)
    count = counted(len(lines), "source server") + (f" of {of}" if of != len(lines) else "")
    parts = [f"<b>{count}</b>"]
    parts.append(whole(filled(f"‖ {bare} {UNPROTECTED}", Tone.WAIT)) if bare else "all protected")
    for kind, (tone, glyph) in VERDICTS.items():
        number = sum(line.verdict is kind for line in lines)
        if number:
            parts.append(whole(filled(f"{glyph} {number} {escape(kind.value)}", tone)))
    return f'<p style="margin:4px 0;font-size:1.1em;line-height:2">{" ".join(parts)}</p>'


def table_html(lines: Sequence[ServerLine]) -> str:
    """The servers as a table; what is beyond the first hundred is folded, in lines."""
    if not lines:
        return "<p>No source server fits the filter.</p>"
    head = "".join(f'<th scope="col" style="{CELL};width:{width}%">{name}</th>' for name, width in COLUMNS.items())
    rows = "".join(_row(line) for line in lines[:SHOWN])
    return (
        f'<div style="{HEADING}"><b>Source servers</b></div><div style="overflow-x:auto;margin:0 0 12px">'
        f'<table style="{TABLE}"><caption style="{HEARD}">Source servers</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{_fold(lines[SHOWN:])}"
    )


def _row(line: ServerLine) -> str:
    lag = span(line.server.lag) if line.server.lag is not None else "-"
    groups, said = whole(group_html(line)), whole(verdict_html(line))
    cells = (groups, text_of(line.replication), lag, text_of(line.last_launch), said)
    cells_html = "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row" style="{CELL};font-weight:normal">{name_html(line)}</th>{cells_html}</tr>'


def _fold(lines: Sequence[ServerLine]) -> str:
    if not lines:
        return ""
    inside = "<br>".join(escape(line_text(line)) for line in lines)
    return f"<details><summary>{counted(len(lines), 'more source server')}</summary>{inside}</details>"


def whole(inner: str) -> str:
    """HTML that stands on one line, where a line has room for it."""
    return f'<span style="display:inline-block;max-width:100%">{inner}</span>'


def name_html(line: ServerLine) -> str:
    """Name and id."""
    name = f"<b>{text_of(line.server.name, 80)}</b> " if line.server.name else ""
    return f"{name}{whole(text_of(line.server.source_server_id))}"


def group_html(line: ServerLine) -> str:
    """The groups that hold it, or that none does."""
    return text_of(", ".join(line.groups)) if line.groups else filled(f"‖ {UNPROTECTED}", Tone.WAIT)


def verdict_html(line: ServerLine) -> str:
    """Whether it can be recovered."""
    tone, glyph = VERDICTS[line.verdict]
    return filled(f"{glyph} {escape(line.verdict.value)}", tone)


def troubles_html(lines: Iterable[ServerLine], unasked: int = 0) -> str:
    """What cannot be recovered and what only with a reservation: each reason once, with its servers and its remedy."""
    alike: dict[Finding, list[ServerLine]] = {}
    for line in lines:
        for finding in line.findings:
            alike.setdefault(finding, []).append(line)
    ordered = sorted(alike.items(), key=lambda pair: not pair[0].blocks)
    told = "".join(_trouble(finding, servers) for finding, servers in ordered)
    if not told:
        told = (
            f'<p style="margin:4px 0">{filled("✔ nothing stands in the way", Tone.GOOD)} of any of these servers.</p>'
        )
    left = f"<p>{_unasked(unasked)}</p>" if unasked else ""
    return f"{told}{left}"


def _trouble(finding: Finding, lines: list[ServerLine]) -> str:
    word = Verdict.NO if finding.blocks else Verdict.RISKY
    tone, glyph = VERDICTS[word]
    named = ", ".join(name_html(line) for line in lines[:NAMED])
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return (
        f'<p style="margin:4px 0 8px;overflow-wrap:anywhere;line-height:1.8">'
        f"{whole(filled(f'{glyph} {escape(word.value)}', tone))} "
        f"{named}{more}: {text_of(finding.what)}. <b>{text_of(finding.remedy)}.</b></p>"
    )


def _unasked(count: int) -> str:
    return (
        f"{counted(count, 'server')} more: DRS was not asked for their snapshots and launch settings, which it tells "
        "of one server at a time. It is asked about each that is shown above; filter by a tag to see fewer."
    )


# --- as text ---------------------------------------------------------------------------------------------------------


def line_text(line: ServerLine) -> str:
    """A server in one line of plain text."""
    lag = f", lag {span(line.server.lag)}" if line.server.lag is not None else ""
    groups = ", ".join(line.groups) or UNPROTECTED
    why = "".join(f"; {finding}" for finding in line.findings)
    return plain(
        f"{line.name} ({line.server.source_server_id}): {groups}, {line.replication}{lag}, "
        f"last launch {line.last_launch}, {line.verdict.value}{why}"
    )
