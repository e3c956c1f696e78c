"""The short report: a page of Markdown for a ticket or a chat."""

import re

from drskit.report.measures import Measure
from drskit.report.summary import Summary
from drskit.views.rows import TROUBLE, trouble_of
from drskit.views.words import FAST_WORDS, MODE_WORDS, moment, plain, shortened, span

ERROR_LENGTH = 500
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:-])")


def render_markdown(summary: Summary) -> str:
    """Verdict, targets, waves, what failed, approvals."""
    parts = [_head(summary), _targets(summary), _trouble(summary), _approvals(summary)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str | None) -> str:
    """Text from outside as Markdown that shows it, on one line; a dash for none."""
    return SPECIAL.sub(r"\\\1", shortened(plain(text), ERROR_LENGTH)) if text else "-"


def _head(summary: Summary) -> str:
    return (
        f"# {summary.mode.value}: {escaped(summary.verdict)}\n\n"
        f"{escaped(MODE_WORDS[summary.mode])} Plan {escaped(summary.plan_id)}, digest `{summary.digest}`, "
        f"execution `{plain(summary.execution_id)}`, account {summary.account_id}, {escaped(summary.region)}. "
        f"Started {moment(summary.start_time)} by {escaped(summary.started_by)}, ended {moment(summary.end_time)}."
        f"{f' {escaped(FAST_WORDS)}' if summary.fast else ''}"
    )


def _targets(summary: Summary) -> str:
    rows = [
        "| Of | Status | RTO target | RTO actual | RTO | RPO target | RPO actual | RPO |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| Plan | {summary.status.value} | {_cells(summary.rto)} | {_cells(summary.rpo)} |",
        f"| Plan, without waiting for people | | {_cells(summary.rto_without_people)} | | | |",
    ]
    rows += [
        f"| Wave {escaped(wave.wave_name)} | {wave.status.value} | {_cells(wave.rto)} | {_cells(wave.rpo)} |"
        for wave in summary.waves
    ]
    return "\n".join(rows)


def _cells(measure: Measure) -> str:
    return f"{span(measure.target)} | {span(measure.actual)} | {measure.verdict.value}"


def _trouble(summary: Summary) -> str:
    lines = [
        f"- **{server.run.status.value}** {escaped(server.run.name)} `{plain(server.run.source_server_id)}`, "
        f"wave {escaped(server.wave_name)}: {escaped(trouble_of(server.run))}"
        for server in summary.servers
        if server.run.status in TROUBLE
    ]
    return "\n".join(["## In trouble", "", *lines]) if lines else ""


def _approvals(summary: Summary) -> str:
    lines = [
        f"- Wave {escaped(approval.wave_name)}: {approval.state.value}, waited {span(approval.waited)}"
        + (
            f", by {escaped(approval.decision.by)} at {moment(approval.decision.at)}: "
            f"{escaped(approval.decision.reason)}"
            if approval.decision
            else ""
        )
        for approval in summary.approvals
    ]
    return "\n".join(["## Approvals", "", *lines]) if lines else ""
