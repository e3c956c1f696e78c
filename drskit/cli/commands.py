"""approve, decline, pause, resume, cancel, retry, skip: what a person tells an execution."""

from collections.abc import Callable
from typing import TypeVar

import click

from drskit.addressees import OF_A_WAVE, OF_AN_APPROVAL, OF_SERVERS
from drskit.cli.common import as_json, ends_well, open_session, show_json
from drskit.model import Command, CommandKind

F = TypeVar("F", bound=Callable[..., object])

HELP = {
    CommandKind.APPROVE: (
        "Approve a wave that waits for it.\n\n"
        "--wave is needed when several wait. While the execution is paused a yes is kept, and the wave begins when "
        "somebody resumes it. A yes after the wave's deadline is refused."
    ),
    CommandKind.DECLINE: (
        "Say no to a wave that waits for approval.\n\n"
        "The wave and the execution are cancelled; jobs that run beside it are let end. To leave only the wave out, "
        "use skip."
    ),
    CommandKind.PAUSE: (
        "Start nothing new until somebody resumes it.\n\n"
        "Running jobs go on, for DRS cannot stop them, and are followed. No approval runs out meanwhile."
    ),
    CommandKind.RESUME: (
        "Go on with an execution that is paused or waits for a decision.\n\n"
        "Of a paused one it ends the pause, and decides nothing else. Else it leaves failed waves behind, and looks "
        "again at a launch that somebody else's job held; with --wave, of that wave only."
    ),
    CommandKind.CANCEL: (
        "Start nothing more of an execution.\n\n"
        "Jobs that run go on, for DRS cannot stop them; no instance is terminated."
    ),
    CommandKind.RETRY: (
        "Launch again what failed, timed out or was left out.\n\n"
        "Without --wave and --server it is about every wave that went wrong. It reopens an execution that ended "
        "PARTIAL, FAILED or TIMED_OUT. Launched servers are left alone; a server whose job has no known end is looked "
        "for again, and not launched twice."
    ),
    CommandKind.SKIP: (
        "Leave a wave or single servers out.\n\n"
        "Only what certainly was not launched can be left out. What needs the wave goes on; the result is PARTIAL."
    ),
}


def _wave(kind: CommandKind) -> Callable[[F], F]:
    if kind not in OF_A_WAVE:
        return lambda command: command
    needed = "The wave; needed when several wait." if kind in OF_AN_APPROVAL else "The wave that it is about."
    return click.option("--wave", help=needed)


def _servers(kind: CommandKind) -> Callable[[F], F]:
    if kind not in OF_SERVERS:
        return lambda command: command
    return click.option("--server", "servers", multiple=True, help="A source server's id; may be repeated.")


def _command(kind: CommandKind) -> click.Command:
    @click.command(kind.value, help=HELP[kind])
    @click.argument("execution_id")
    @_wave(kind)
    @_servers(kind)
    @click.option("--reason", required=True, help="Why; it is kept with the execution.")
    @as_json
    @click.pass_context
    @ends_well
    def command(
        ctx: click.Context,
        execution_id: str,
        reason: str,
        json_output: bool,
        wave: str | None = None,
        servers: tuple[str, ...] = (),
    ) -> None:
        named = tuple(dict.fromkeys(servers))
        execution = open_session(ctx).command(execution_id, kind, reason=reason, wave=wave, servers=named)
        given = execution.commands[-1]
        if json_output:
            show_json({"ExecutionId": execution_id, **given.to_json()})
        else:
            click.echo(f"{kind.value}{_about(given)} is recorded. The next poll of {execution_id} obeys it.")

    return command


def _about(given: Command) -> str:
    servers = f" of {', '.join(given.server_ids)}" if given.server_ids else ""
    return servers + (f" of wave {given.wave_name}" if given.wave_name else "")


COMMANDS: dict[str, click.Command] = {
    kind.value: _command(kind) for kind in CommandKind if kind is not CommandKind.EDIT
}
