"""report."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, find_evidence, open_session, show_json
from drskit.errors import InvalidInput

if TYPE_CHECKING:
    from drskit.report.evidence import Evidence


class Format(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"
    MD = "md"
    PDF = "pdf"


@click.command()
@click.argument("subject", metavar="ID|RUN")
@click.option(
    "--format", "wanted", type=click.Choice(list(Format), case_sensitive=False), default=Format.HTML, show_default=True
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it; stdout when left out."
)
@as_json
@click.pass_context
@ends_well
def report(ctx: click.Context, subject: str, wanted: Format, output: Path | None, json_output: bool) -> None:
    """Report an execution by its id, from the tables, or by its run's folder, from the evidence alone."""
    from drskit.report.evidence import report_made_again
    from drskit.surroundings import versions

    if json_output and output is None:
        wanted = Format.JSON
    to_stdout = output is None or str(output) == "-"
    if wanted is Format.PDF and to_stdout and sys.stdout.isatty():
        raise click.UsageError("A PDF is not for a terminal. Add --output FILE.")
    evidence = find_evidence(ctx, subject, beside=True)
    in_place = output is not None and wanted is Format.HTML and _in_place(evidence, output)
    found = _exported(ctx, evidence, wanted)
    if output is None or to_stdout:
        click.echo(found, nl=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(found)
    if in_place and evidence.file:
        report_made_again(evidence.file, versions())
    if json_output:
        show_json({"ExecutionId": evidence.execution.execution_id, "Report": str(output)})
    else:
        click.echo(str(output))


def _in_place(evidence: "Evidence", output: Path) -> bool:
    """Whether the report takes the place of the one beside its evidence; no other evidence's report is overwritten.

    Only a run's own `execution.json` keeps a digest of it: a copy under another name stays what it is.
    """
    from drskit.report.evidence import EVIDENCE, REPORT

    file = evidence.file
    if file and file.name == EVIDENCE and output.resolve() == file.with_name(REPORT).resolve():
        return True
    if output.name == REPORT and output.with_name(EVIDENCE).is_file():
        run = output.parent
        raise InvalidInput(
            f"{output} belongs to the evidence beside it, and this report would be made of something else. "
            f"Make it of that: drskit report {run} --output {output}; or write to another place."
        )
    return False


def _exported(ctx: click.Context, evidence: "Evidence", wanted: Format) -> bytes:
    from drskit.report.export import render

    if wanted is not Format.PDF:
        return render(evidence, wanted.value)
    from drskit.printing import find_chromium, print_pdf

    browser = find_chromium(open_session(ctx).settings.chromium)
    return print_pdf(render(evidence, Format.HTML.value).decode(), browser)


COMMANDS: dict[str, click.Command] = {"report": report}
