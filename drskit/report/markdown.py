"""The short report: a page of Markdown for a ticket or a chat.

Text from outside is escaped to the last character that could be markup, and
stands on one line.
"""

import re
from collections.abc import Iterable

from drskit.model import ServerStatus
from drskit.report.cleaned import Cleanup, cleanup_of, fates_of, how
from drskit.report.criteria import NOT_RECORDED
from drskit.report.critical import shares
from drskit.report.measures import Measure, so_far
from drskit.report.sections import Cell, Look, Section
from drskit.report.summary import Summary, applied_words, labels_of
from drskit.views.rows import TROUBLE, trouble_of
from drskit.views.words import FAST_WORDS, MODE_WORDS, clock, counted, moment, plain, shortened, span

ERROR_LENGTH = 500
LONGEST = 8
"""Steps of the critical path that are listed."""
LINE = "\\_" * 12
SPECIAL = re.compile(
    r"([\\`*_{}\[\]()<>#+!|~&@$]|(?<![A-Za-z0-9])-|-(?![A-Za-z0-9])|(?<!\d):(?!\s|$)|(?<=\d):(?!\d|\s|$))"
)
"""What could be markup; not a hyphen within a word, nor a colon within a time or before a space."""
LINK = re.compile(r"(www)\.", re.IGNORECASE)
"""What renderers make a link of although it names no scheme."""
START = re.compile(r"^(\d{1,9}(?=\.(?:\s|$))|(?==))")
"""What would begin a numbered list, or underline a heading, at the start of a line."""
NAME = re.compile(r"[A-Za-z0-9._:/-]+")


def render_markdown(summary: Summary) -> str:
    """The report without timeline, jobs and history; of a cleanup its instances, calls and bystanders."""
    if summary.is_cleanup:
        told = (*_cleanup(summary, cleanup_of(summary)), *map(_section, summary.sections))
        return "\n\n".join(part for part in (_head(summary), *told) if part) + "\n"
    parts = [
        _head(summary), _targets(summary), _trouble(summary), _criteria(summary), _path(summary), _untested(summary),
        f"## Checks\n\n{escaped(summary.checks)}", _approvals(summary), *map(_section, summary.sections),
        _commands(summary), _cleaned(summary), _last_drill(summary), _deviations(summary), _versions(summary),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str | None) -> str:
    """Text from outside as Markdown that shows it, on one line; a dash for none."""
    shown = shortened(plain(text or ""), ERROR_LENGTH)
    return START.sub(r"\1\\", LINK.sub(r"\1\\.", SPECIAL.sub(r"\\\1", shown))) if shown else "-"


def coded(text: str | None) -> str:
    """An id as code; what is no id stays text, for code has no escapes; a dash for none."""
    shown = plain(text or "-")
    return f"`{shown}`" if NAME.fullmatch(shown) else escaped(shown)


def _head(summary: Summary) -> str:
    return (
        f"# {summary.mode.value}: {escaped(summary.verdict)}\n\n"
        f"{escaped(MODE_WORDS[summary.mode])} Plan {escaped(summary.plan_id)}, digest `{summary.digest}`, "
        f"execution {coded(summary.execution_id)}, account {summary.account_id}, {escaped(summary.region)}. "
        f"Started {moment(summary.start_time)} by {escaped(summary.started_by)}, ended {moment(summary.end_time)}."
        f"{f' {escaped(FAST_WORDS)}' if summary.fast else ''}"
        + "".join(f"\n\n{escaped(line)}" for line in (*summary.remarks, *summary.leftovers))
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
    asked = f"Cleans {cleanup.kind} {coded(summary.cleans or '-')}. Why: {escaped(cleanup.reason)}"
    instances = [
        f"- **{'TERMINATED' if server.status is ServerStatus.TERMINATED else 'REMAINS'}** "
        f"{coded(server.recovery_instance_id or '-')} of {escaped(server.name)} {coded(server.source_server_id)}, "
        f"{moment(server.end_time)}: {escaped(how(server))}"
        for server in cleanup.servers
    ]
    calls = [
        f"- Attempt {job.attempt.number} for {counted(len(job.attempt.server_ids), 'instance')} at "
        f"{moment(job.attempt.signed_at)}: {escaped(job.attempt.outcome) if job.attempt.outcome else 'accepted'}, "
        f"job {coded(job.attempt.job_id or '-')} from {moment(job.attempt.creation_time)} to "
        f"{moment(job.attempt.end_time)}"
        for job in summary.jobs
    ]
    alone = [
        f"- {coded(one.kept.instance_id)} of {coded(one.kept.source_server_id)}: {escaped(one.kept.reason)}. "
        f"At the end: {escaped(one.end)}"
        for one in cleanup.bystanders
    ]
    return (
        asked, _listed("Instances", instances), _listed("Calls", calls), _listed("Left alone", alone),
    )  # fmt: skip


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _cells(measure: Measure) -> str:
    actual = ", ".join(filter(None, (span(measure.actual), so_far(measure))))
    return f"{span(measure.target)} | {actual} | {measure.verdict.value}"


def _trouble(summary: Summary) -> str:
    lines = [
        f"- **{server.run.status.value}** {escaped(server.run.name)} {coded(server.run.source_server_id)}, "
        f"wave {escaped(server.wave_name)}: {escaped(trouble_of(server.run))}"
        for server in summary.servers
        if server.run.status in TROUBLE
    ]
    return _listed("In trouble", lines)


def _criteria(summary: Summary) -> str:
    lines = [
        f"- **{criterion.verdict.value}** {escaped(criterion.of)}: {escaped(criterion.rule.rstrip('.'))}. "
        f"Actual: {escaped(criterion.actual)}"
        for criterion in summary.criteria
    ]
    return _listed("What was to be proven, as it was set before the run", [*lines, "", escaped(applied_words(summary))])


def _path(summary: Summary) -> str:
    """The steps that took longest; all of them are in the HTML report."""
    whole = ", ".join(f"{whose.value} {span(took)}" for whose, took in shares(summary.path).items())
    labels = labels_of(summary)
    longest = sorted(summary.path, key=lambda step: step.lasted, reverse=True)[:LONGEST]
    lines = [
        f"- {span(step.lasted)} from {clock(step.start_time)}, {step.whose.value}: {step.words}"
        + (f", wave {escaped(step.wave_name)}" if step.wave_name else "")
        + (f", {escaped(labels[step.source_server_id])}" if step.source_server_id else "")
        for step in sorted(longest, key=lambda step: step.start_time)
    ]
    return _listed("What determined the end", [f"In all: {whole}. The longest steps:", "", *lines]) if lines else ""


def _untested(summary: Summary) -> str:
    lines = [
        f"- {f'{escaped(one.name)} ' if plain(one.name) else ''}{coded(one.source_server_id)}, {escaped(one.of)}: "
        f"{escaped(one.why)}"
        for one in summary.untested
    ] or ["Every server of the plan's groups was launched, or its launch was tried."]
    return _listed("Not tested", [*lines, "", escaped(NOT_RECORDED)])


def _section(section: Section) -> str:
    lines = [escaped(sentence) for sentence in section.sentences]
    if section.rows:
        lines += ["", _row(map(escaped, section.heads)), _row("---" for _ in section.heads)]
        lines += [_row(map(_cell, row)) for row in section.rows]
    return _listed(escaped(section.title), lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return coded(cell.text) if cell.look is Look.ID else escaped(cell.text)


def _commands(summary: Summary) -> str:
    lines = [
        f"- {moment(command.at)} {command.kind.value}"
        + (f" wave {escaped(command.wave_name)}" if command.wave_name else "")
        + f" by {escaped(command.by)}: {escaped(command.reason)}. Answer: {escaped(command.answer)}"
        for command in summary.commands
    ]
    return _listed("Commands", lines)


def _cleaned(summary: Summary) -> str:
    lines = [
        f"- **{'GONE' if fate.gone else 'NOT PROVEN GONE'}** {coded(fate.server.recovery_instance_id or '-')} of "
        f"{escaped(fate.server.name)} {coded(fate.server.source_server_id)}: {escaped(fate.words)}"
        for fate in fates_of(summary)
    ]
    lines += [
        f"- Cleanup {coded(note.execution_id)} {note.status.value}: {note.terminated} of "
        f"{counted(note.instances, 'instance')} terminated, by {escaped(note.started_by)}: "
        + escaped(note.reason.rstrip("."))
        + "".join(f". Remains: {escaped(line)}" for line in note.remaining)
        for note in summary.context.cleanups
    ]
    return _listed("What was cleaned up, and the proof", lines)


def _last_drill(summary: Summary) -> str:
    last = summary.context.last
    if last is None:
        asked = "There was none in the tables." if summary.context.asked else "Not known: the tables were not asked."
        return _listed("Difference to the last drill", [asked])
    rows = [
        f"Last: {coded(last.execution_id)} of {moment(last.start_time)}, {last.mode.value}, {last.status.value}.",
        "",
        "| What | Then | Now | Change |",
        "| --- | --- | --- | --- |",
        *(
            f"| {escaped(row.what)} | {escaped(row.then)} | {escaped(row.now)} | {escaped(row.change or 'as before')} |"
            for row in summary.differences
        ),
    ]
    return _listed("Difference to the last drill", rows)


def _deviations(summary: Summary) -> str:
    rows = [
        f"| {number} | {escaped(one.of)} | {escaped(one.what)} | | |"
        for number, one in enumerate(summary.deviations, 1)
    ]
    head = ["| No. | Of | Deviation | Owner | Retest by |", "| --- | --- | --- | --- | --- |"]
    signed = ["", f"Led by: {LINE} Reviewed by: {LINE} Accepted by: {LINE} Date: {LINE}"]
    return _listed("Deviations, follow-up and sign-off", [*head, *(rows or ["| 1 | | | | |"]), *signed])


def _versions(summary: Summary) -> str:
    told = ", ".join(f"{escaped(name)} {escaped(version)}" for name, version in summary.versions.items())
    return f"{summary.mode.value}. Made {moment(summary.made_at)}" + (f" with {told}." if told else ".")


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
