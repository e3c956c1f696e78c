"""The short report: a page of Markdown for a ticket or a chat."""

import re

from drskit.model import ServerStatus
from drskit.report.cleaned import Cleanup, cleanup_of, how
from drskit.report.measures import Measure
from drskit.report.summary import Summary
from drskit.views.rows import TROUBLE, trouble_of
from drskit.views.words import FAST_WORDS, MODE_WORDS, counted, moment, plain, shortened, span

ERROR_LENGTH = 500
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:-])")


def render_markdown(summary: Summary) -> str:
    """Verdict, targets, waves, what failed, approvals; of a cleanup its instances, calls and bystanders."""
    if summary.is_cleanup:
        return "\n\n".join(part for part in (_head(summary), *_cleanup(summary, cleanup_of(summary))) if part) + "\n"
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
        + "".join(f"\n\n{escaped(line)}" for line in summary.leftovers)
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


def _cleanup(summary: Summary, cleanup: Cleanup) -> tuple[str, ...]:
    """Who asked for what, every instance with its proof, the calls, and what was left alone."""
    asked = f"Cleans drill `{plain(summary.cleans or '-')}`. Why: {escaped(cleanup.reason)}"
    instances = [
        f"- **{'TERMINATED' if server.status is ServerStatus.TERMINATED else 'REMAINS'}** "
        f"`{plain(server.recovery_instance_id or '-')}` of {escaped(server.name)} `{plain(server.source_server_id)}`, "
        f"{moment(server.end_time)}: {escaped(how(server))}"
        for server in cleanup.servers
    ]
    calls = [
        f"- Attempt {job.attempt.number} for {counted(len(job.attempt.server_ids), 'instance')} at "
        f"{moment(job.attempt.signed_at)}: {escaped(job.attempt.outcome) if job.attempt.outcome else 'accepted'}, "
        f"job `{plain(job.attempt.job_id or '-')}` from {moment(job.attempt.creation_time)} to "
        f"{moment(job.attempt.end_time)}"
        for job in summary.jobs
    ]
    alone = [
        f"- `{plain(one.kept.instance_id)}` of `{plain(one.kept.source_server_id)}`: {escaped(one.kept.reason)}. "
        f"At the end: {escaped(one.end)}"
        for one in cleanup.bystanders
    ]
    return (
        asked, _listed("Instances", instances), _listed("Calls", calls), _listed("Left alone", alone),
    )  # fmt: skip


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _cells(measure: Measure) -> str:
    return f"{span(measure.target)} | {span(measure.actual)} | {measure.verdict.value}"


def _trouble(summary: Summary) -> str:
    lines = [
        f"- **{server.run.status.value}** {escaped(server.run.name)} `{plain(server.run.source_server_id)}`, "
        f"wave {escaped(server.wave_name)}: {escaped(trouble_of(server.run))}"
        for server in summary.servers
        if server.run.status in TROUBLE
    ]
    return _listed("In trouble", lines)


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
    return _listed("Approvals", lines)
