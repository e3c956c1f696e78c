"""edit: a wave of a running execution that has not started is to be otherwise."""

import click

from drskit.cli.common import as_json, ends_well, open_session, show_json


@click.command()
@click.argument("execution_id")
@click.option("--wave", help="The wave.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY: VALUE",
    help="A key of the wave, as in a runbook: approve, timeout, checks, before, after, …; may be repeated.",
)
@click.option("--drop", multiple=True, metavar="KEY", help="A key that is to be as if it were not there.")
@click.option("--add", multiple=True, metavar="SERVER", help="A source server of the plan's groups that comes in.")
@click.option("--remove", multiple=True, metavar="SERVER", help="A source server that goes.")
@click.option("--reason", required=True, help="Why; it is kept with the execution.")
@as_json
@click.pass_context
@ends_well
def edit(
    ctx: click.Context, execution_id: str, wave: str | None, settings: tuple[str, ...], drop: tuple[str, ...],
    add: tuple[str, ...], remove: tuple[str, ...], reason: str, json_output: bool,
) -> None:  # fmt: skip
    """Change a wave that has not started: its servers, approval, timeout and order.

    The plan as it was started is kept beside the one that is executed. Who edits a wave with an approval must be one
    who may give it.
    """
    from drskit.editing import changes_recorded, wanted
    from drskit.editing import edit as record

    what = wanted("\n".join(settings), drop=drop, add=add, remove=remove)
    execution = record(open_session(ctx), execution_id, wave, what, reason=reason)
    given = execution.commands[-1]
    if json_output:
        show_json({"ExecutionId": execution_id, **given.to_json()})
        return
    click.echo(f"edit of wave {given.wave_name} is recorded. The next poll of {execution_id} carries it out:")
    for line in changes_recorded(execution):
        click.echo(f"  {line}")


COMMANDS: dict[str, click.Command] = {"edit": edit}
