"""report."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import click

from drskit.cli.common import as_json, ends_well, find_evidence, show_json

if TYPE_CHECKING:
    from datetime import datetime

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
    if json_output and output is None:
        wanted = Format.JSON
    evidence, now = find_evidence(ctx, subject)
    text = _render(evidence, now, wanted)
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8", errors="backslashreplace")
    if json_output:
        show_json({"ExecutionId": evidence.execution.execution_id, "Report": str(output)})
    else:
        click.echo(str(output))


def _render(evidence: "Evidence", now: "datetime", wanted: Format) -> str:
    from drskit.drill import versions
    from drskit.report.summary import summarise

    if wanted is Format.JSON:
        import json

        from drskit.report.evidence import execution_json

        return json.dumps(execution_json(evidence.execution, evidence.events, evidence.logs), indent=1) + "\n"
    summary = summarise(
        evidence.execution, evidence.events, evidence.logs, now, versions=versions(), again=evidence.again
    )
    match wanted:
        case Format.HTML:
            from drskit.report.html import render_html

            return render_html(summary)
        case Format.CSV:
            from drskit.report.csv import render_csv

            return render_csv(summary)
        case Format.MD:
            from drskit.report.markdown import render_markdown

            return render_markdown(summary)
        case Format.PDF:
            raise click.UsageError("--format pdf is not supported yet. Print the HTML report from a browser.")
        case _:
            assert_never(wanted)


COMMANDS: dict[str, click.Command] = {"report": report}
