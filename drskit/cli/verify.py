"""verify."""

import sys

import click

from drskit.cli.common import as_json, ends_well, find_evidence, show_json


@click.command()
@click.argument("subject", metavar="RUN|ID")
@as_json
@click.pass_context
@ends_well
def verify(ctx: click.Context, subject: str, json_output: bool) -> None:
    """Recompute the history of a run, or of an execution in the tables; exit 2 when it is not whole."""
    from drskit.verify import faults

    evidence, _ = find_evidence(ctx, subject)
    execution, events = evidence.execution, evidence.events
    found = faults(execution, events)
    if json_output:
        show_json(
            {
                "ExecutionId": execution.execution_id,
                "Events": len(events),
                "Head": execution.head,
                "Faults": list(found),
            }
        )
    else:
        whole = f"The history of {execution.execution_id} is whole: {len(events)} events, the last is {execution.head}."
        for line in found or (whole,):
            click.echo(line)
    sys.exit(2 if found else 0)


COMMANDS: dict[str, click.Command] = {"verify": verify}
