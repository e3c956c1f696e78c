"""verify."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, find_evidence, open_session, show_json
from drskit.errors import InvalidInput, NotFound, Unavailable
from drskit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drskit.model import Execution
    from drskit.report.evidence import Evidence
    from drskit.verify import Compared


@click.command()
@click.argument("subject", metavar="RUN|ID")
@click.option("--offline", is_flag=True, help="Do not ask the tables whether they hold the same history.")
@as_json
@click.pass_context
@ends_well
def verify(ctx: click.Context, subject: str, offline: bool, json_output: bool) -> None:
    """Recompute a run, or an execution in the tables, from its history; exit 2 when something was changed.

    A run is held against the tables, too, where they can be reached, and its report against its evidence.
    """
    from drskit.verify import faults, first_altered, unsealed

    evidence = find_evidence(ctx, subject)
    execution, events, logs = evidence.execution, evidence.events, evidence.logs
    found = [*faults(execution, events, logs), *evidence.strays]
    first = first_altered(execution, events)
    notes = list(unsealed(execution, events, logs))
    if Path(subject).exists():
        tables, there = _tables(ctx, evidence, offline=offline)
        found += _summary(ctx, there) if there else ()
        (found if tables.fault else notes).append(tables.words)
        first = min(filter(None, (first, tables.first)), default=None)
        told, fault = _report(Path(subject), evidence)
        (found if fault else notes).extend(told)
    else:
        found += _summary(ctx, execution)
    if json_output:
        show_json(
            {
                "ExecutionId": execution.execution_id,
                "Events": len(events),
                "Head": execution.head,
                "Faults": found,
                "FirstAltered": first,
                "Unsealed": list(unsealed(execution, events, logs)),
                "Notes": notes,
            }
        )
    else:
        whole = f"The history of {execution.execution_id} is whole: {len(events)} events, the last is {execution.head}."
        altered = [f"The first event that is not as it was written: {first}."] if first else []
        for line in [*altered, *found] if found else [whole, *notes]:
            click.echo(line)
    sys.exit(2 if found else 0)


def _tables(ctx: click.Context, evidence: "Evidence", *, offline: bool) -> tuple["Compared", "Execution | None"]:
    """What the tables say of a run's history, and the execution as they hold it; not to be asked is no fault."""
    from drskit.verify import Compared, compared

    hidden = "that all of it was rewritten cannot show"
    if offline:
        return Compared(f"The tables were not asked, as it was wanted: {hidden}.", False), None
    try:
        there, theirs, _ = open_session(ctx).history(evidence.execution.execution_id)
    except NotFound:
        return Compared(f"The tables do not have this execution: {hidden}.", False), None
    except (Unavailable, InvalidInput) as error:
        why = str(error).rstrip(".")
        return Compared(f"The tables were not reached, so {hidden}: {why}.", False), None
    return compared(evidence.execution, evidence.events, there, theirs), there


def _summary(ctx: click.Context, execution: "Execution") -> tuple[str, ...]:
    """Where lists show an execution of the tables otherwise than it is; one that only a run holds is in no list."""
    from drskit.verify import summary_faults

    try:
        headers, _ = open_session(ctx).executions(execution.plan_id)
    except (Unavailable, InvalidInput):
        return ()
    mine = [header for header in headers if header.execution_id == execution.execution_id]
    return tuple(text for header in mine for text in summary_faults(execution, header))


def _report(path: Path, evidence: "Evidence") -> tuple[list[str], bool]:
    """Whether the report beside the evidence is the one that it makes; a sentence, or none where there is no report."""
    from drskit.report.evidence import REPORT, report_digest
    from drskit.report.export import render

    file = path / REPORT if path.is_dir() else path.with_name(REPORT)
    if not file.is_file():
        return ([f"{REPORT} is missing, and this run was written with one."] if evidence.report else []), False
    found = file.read_bytes()
    if evidence.context is None:
        strange = evidence.report not in [None, report_digest(found)]
        return ([f"{REPORT} is not the one that was written with this run."] if strange else []), strange
    if found == render(evidence, "html"):
        return [f"{REPORT} is the one that this evidence makes."], False
    theirs = evidence.made_by or evidence.context.versions
    remedy = f"If the evidence is as it was, make the report again: drskit report {path} --output {file}."
    return _of_another(evidence, theirs, found, remedy)


def _of_another(evidence: "Evidence", theirs: "Mapping[str, str]", found: bytes, remedy: str) -> tuple[list[str], bool]:
    """What a report is that this drskit would make otherwise, and whether it was edited."""
    from drskit.report.evidence import EVIDENCE, REPORT, REPORT_SEAL, report_digest
    from drskit.surroundings import RENDERER, versions

    ours = versions()
    if (theirs.get("drskit"), theirs.get(RENDERER)) == (ours["drskit"], ours[RENDERER]):
        return [f"{REPORT} is not the one that this evidence makes. {remedy}"], True
    if evidence.report is None and (RENDERER in theirs or evidence.made_by is not None):
        return [f"{REPORT_SEAL} is missing in {EVIDENCE}, and the drskit that made this run keeps one. {remedy}"], True
    if evidence.report not in [None, report_digest(found)]:
        neither = f"neither the one whose digest {EVIDENCE} keeps nor what this drskit makes"
        return [f"{REPORT} is {neither}. {remedy}"], True
    drskit, renderer = (plain(theirs.get(name, "not told")) for name in ("drskit", RENDERER))
    made = f"{REPORT} was made{' again' if evidence.made_by else ''} by drskit {drskit} with renderer {renderer}; "
    mine = f"this is {ours['drskit']} with {ours[RENDERER]}"
    if evidence.report is None:
        return [f"{made}{mine}, and cannot tell whether it was edited: an older drskit kept no digest of it."], False
    return [f"{made}{mine}, and makes another. It has the digest that {EVIDENCE} keeps of it."], False


COMMANDS: dict[str, click.Command] = {"verify": verify}
