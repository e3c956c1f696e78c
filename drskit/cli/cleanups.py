"""cleanup: terminate the instances of a drill that is over."""

from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, confirm, ends_well, open_session, say, show_json

if TYPE_CHECKING:
    from drskit.cleanup import CleanupPreview


@click.command()
@click.argument("execution_id")
@click.option("--reason", required=True, help="Why; it is kept with the cleanup.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_context
@ends_well
def cleanup(ctx: click.Context, execution_id: str, reason: str, yes: bool, json_output: bool) -> None:
    """Terminate the instances that a drill launched, and nothing else; `drskit poll` carries it out."""
    from drskit.views.cleanups import preview_text

    session = open_session(ctx)
    preview = session.cleanup_preview(execution_id)
    say(preview_text(preview, session.store.now()))
    if preview.live is None and preview.selection.targets:
        confirm(f"Terminate {_instances(preview)}?", yes=yes)
    execution = session.cleanup(execution_id, reason=reason, preview=preview)
    if json_output:
        show_json({"ExecutionId": execution.execution_id if execution else None, "Cleans": execution_id})
    elif execution is not None:
        click.echo(execution.execution_id)
        say("It goes on as soon as somebody polls: drskit poll --until-idle")


def _instances(preview: "CleanupPreview") -> str:
    from drskit.views.words import counted

    return counted(len(preview.selection.targets), "instance")


COMMANDS: dict[str, click.Command] = {"cleanup": cleanup}
