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
    """Recompute a run, or an execution in the tables, from its history; exit 2 when something was changed."""
    from drskit.verify import faults, unsealed

    evidence = find_evidence(ctx, subject)
    execution, events, logs = evidence.execution, evidence.events, evidence.logs
    found = (*faults(execution, events, logs), *evidence.strays)
    older = unsealed(execution, events, logs)
    if json_output:
        show_json(
            {
                "ExecutionId": execution.execution_id,
                "Events": len(events),
                "Head": execution.head,
                "Faults": list(found),
                "Unsealed": list(older),
            }
        )
    else:
        whole = f"The history of {execution.execution_id} is whole: {len(events)} events, the last is {execution.head}."
        for line in found or (whole, *older):
            click.echo(line)
    sys.exit(2 if found else 0)


COMMANDS: dict[str, click.Command] = {"verify": verify}
