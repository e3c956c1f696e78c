"""sim serve, and the other commands of sim."""

import json
import shlex
import signal
import sys
import threading
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import click

from drskit.cli.capture import capture
from drskit.cli.common import ends_well, say
from drskit.cli.inbox import inbox
from drskit.cli.snapshot import snapshot
from drskit.cli.worlds import show, validate


@click.group()
def sim() -> None:
    """Simulated worlds."""


@sim.command("serve")
@click.option("--world", help="World file, in the working folder or shipped; not needed where --state has one.")
@click.option(
    "--state", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the world for the next time."
)
@click.option("--port", default=0, show_default="a free one", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="How fast time runs; 0 is virtual time.",
)
@click.option("--idle-minutes", type=click.FloatRange(min=0, min_open=True), help="End when unasked for so long.")
@click.option("--json", "json_output", is_flag=True, help="Print the variables as one line of JSON.")
@ends_well
def serve(
    world: str | None,
    state: Path | None,
    port: int,
    host: str,
    speed: float,
    idle_minutes: float | None,
    json_output: bool,
) -> None:
    """Serve a world over HTTP for boto3, the AWS CLI and any SDK, and print the variables to export.

    The last line on stdout, `# ready at URL`, comes once the world answers; with --json the one line is that sign.
    """
    from drskit.resources import find_world
    from drskit.simulation import make_server

    path = None if world is None else find_world(world)
    server = make_server(path, speed=speed, port=port, host=host, state=state, told=say)
    if not loopback(host):
        say(f"WARNING: this world listens on {host}. Whoever can reach this machine can read and change it:")
        say("WARNING: it asks for no credentials. Leave --host out to serve this machine alone.")
    stop = _stop_when_told()  # before the sign that it answers: whoever reads that may tell it to stop at once
    variables = server.environment()
    if json_output:
        click.echo(json.dumps(variables))
    else:
        for name, value in variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        click.echo(f"# ready at {server.url}")
        say(f"Serving {path or state} at {server.url}. Export these variables in another terminal; stop with Ctrl-C.")
    sys.stdout.flush()
    server.wait_until_idle(stop, None if idle_minutes is None else idle_minutes * 60)
    server.stop()
    say("Stopped.")


def _stop_when_told() -> threading.Event:
    """Is set by SIGTERM and by Ctrl-C."""
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    return stop


def loopback(host: str) -> bool:
    """Whether an address is this machine's own alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


for _command in (capture, inbox, show, snapshot, validate):
    sim.add_command(_command)

COMMANDS: dict[str, click.Command] = {"sim": sim}
