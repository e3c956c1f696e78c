"""What a start would do, before anybody says yes."""

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING

from drskit.model import Wave
from drskit.planning import Resolved
from drskit.views.words import plain, span

if TYPE_CHECKING:
    from drskit.session import Preview

LEFT = "text-align:left"
FACTS = "margin:2px 0"
SHOWN = 12
"""Servers of a wave that are named; the rest is counted."""


def render_preview(preview: "Preview") -> str:
    """The preview as HTML for a notebook: inline styles only, so that an untrusted notebook shows it."""
    facts = "".join(f'<p style="{FACTS}">{escape(plain(line))}</p>' for line in _facts(preview))
    rows = "".join(
        f'<tr><th scope="row" style="{LEFT}">{escape(wave.name)}</th><td style="{LEFT}">{escape(plain(needs))}</td>'
        f'<td style="{LEFT}">{escape(plain(servers))}</td></tr>'
        for wave, needs, servers in _waves(preview)
    )
    head = "".join(f'<th scope="col" style="{LEFT}">{name}</th>' for name in ("Wave", "Starts", "Launches"))
    table = (
        f"<table><caption>What a start launches</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
    return f"{facts}{table}"


def preview_text(preview: "Preview") -> str:
    """The preview as plain text for a terminal."""
    lines = [*_facts(preview), ""]
    for wave, needs, servers in _waves(preview):
        lines += [f"Wave {wave.name} ({needs})", f"  launches {servers}"]
    return "\n".join(plain(line) for line in lines)


def _facts(preview: "Preview") -> list[str]:
    plan = preview.runbook.plan
    count = sum(len(group.servers) for group in preview.groups)
    lines = [
        f"{preview.mode} drill of plan {plan.plan_id}: {count} servers, account {preview.account_id}, {preview.region}",
        f"RTO target {_target(plan.targets.rto)}, RPO target {_target(plan.targets.rpo)}",
    ]
    lines += [
        f"Expected {group.group.expect} servers in {group.group.name}, found {len(group.servers)}"
        for group in _odd(preview)
    ]
    lines += [f"Not applied yet: {change}" for change in preview.changes]
    lines += [
        f"Terminates {instance.description}, the earlier instance of {instance.source_server_id}"
        for instance in preview.doomed
    ]
    if not preview.doomed:
        lines.append("Terminates no instance: none of these servers has an earlier one.")
    return lines


def _target(target: timedelta | None) -> str:
    return span(target) if target else "none"


def _odd(preview: "Preview") -> list[Resolved]:
    return [part for part in preview.groups if part.group.expect not in {None, len(part.servers)}]


def _waves(preview: "Preview") -> list[tuple[Wave, str, str]]:
    found = {part.group.group_id: part for part in preview.groups}
    return [
        (wave, _starts(wave), _servers([found[name] for name in wave.groups])) for wave in preview.runbook.plan.waves
    ]


def _starts(wave: Wave) -> str:
    after = f"after {', '.join(wave.needs)}" if wave.needs else "at once"
    return f"{after}, once approved: {wave.approval.text}" if wave.approval else after


def _servers(parts: list[Resolved]) -> str:
    servers = [server for part in parts for server in part.servers]
    names = ", ".join(
        f"{server.name} ({server.source_server_id})" if server.name else server.source_server_id
        for server in servers[:SHOWN]
    )
    more = f" and {len(servers) - SHOWN} more" if len(servers) > SHOWN else ""
    return f"{names}{more}"
