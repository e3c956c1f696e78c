"""approve, resume, cancel: what a person tells a running execution."""

import click

from drskit.cli.common import as_json, ends_well, open_session, show_json
from drskit.model import CommandKind


def _command(kind: CommandKind, text: str) -> click.Command:
    @click.command(kind.value, help=text)
    @click.argument("execution_id")
    @click.option("--wave", help="The wave; needed when several wait.")
    @click.option("--reason", required=True, help="Why; it is kept with the execution.")
    @as_json
    @click.pass_context
    @ends_well
    def command(ctx: click.Context, execution_id: str, wave: str | None, reason: str, json_output: bool) -> None:
        execution = open_session(ctx).command(execution_id, kind, reason=reason, wave=wave)
        given = execution.commands[-1]
        if json_output:
            show_json({"ExecutionId": execution_id, **given.to_json()})
        else:
            about = f" of wave {given.wave_name}" if given.wave_name else ""
            click.echo(f"{kind.value}{about} is recorded. The next poll of {execution_id} obeys it.")

    return command


COMMANDS: dict[str, click.Command] = {
    "approve": _command(CommandKind.APPROVE, "Approve a wave that waits for it."),
    "resume": _command(
        CommandKind.RESUME,
        "Go on with an execution that waits for a decision: leave a failed wave behind, try a held launch again.",
    ),
    "cancel": _command(
        CommandKind.CANCEL,
        "Start nothing more of an execution. Jobs that run go on, for DRS cannot stop them; no instance is terminated.",
    ),
}
