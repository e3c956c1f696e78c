"""Simulated worlds and the processes that serve them.

A headless drill serves its world itself. A notebook attaches to the world that
the environment names, else starts a server process that outlives its kernel, so
that a restart of the kernel loses nothing.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drskit.clock import RemoteClock, make_clock, wait_until
from drskit.errors import InvalidInput, WorldUnreachable

if TYPE_CHECKING:
    from drskit.sim.server import WorldServer

READY = "drskit-sim ready "
"""What the server prints before its variables, as JSON, when it can be asked."""
START_SECONDS = 30.0
IDLE_MINUTES = 240.0
"""A server that a notebook started ends when nobody has asked it for so long."""


def make_server(world: Path, *, speed: float = 0, port: int = 0, host: str = "127.0.0.1") -> "WorldServer":
    """Serve a world from a thread of this process.

    Raises:
        InvalidWorld: the world's file is not valid.
        MissingExtra: the simulator's packages are not installed.
        InvalidInput: the address cannot be used.
    """
    from drskit.sim.server import serve
    from drskit.sim.spec import load_world

    spec = load_world(world)
    try:
        return serve(spec, make_clock(spec.start, speed), port=port, host=host)
    except OSError as error:
        raise InvalidInput(
            f"Port {port} on {host} cannot be used: {error.strerror}. Choose another with --port."
        ) from error


@contextmanager
def served(world: Path, speed: float, environment: MutableMapping[str, str]) -> Iterator[None]:
    """Serve a world while the block runs, and point the environment at it."""
    server = make_server(world, speed=speed)
    before = dict(environment)
    _enter(environment, server.environment())
    try:
        yield
    finally:
        server.stop()
        environment.clear()
        environment.update(before)


def _enter(environment: MutableMapping[str, str], variables: dict[str, str]) -> None:
    """Point the environment at a world, and nothing in it past the world."""
    for name in list(environment):
        if name in {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"} or name.startswith("AWS_ENDPOINT_URL"):
            del environment[name]
    environment.update(variables)


def attached(environment: MutableMapping[str, str]) -> bool:
    """Whether the environment names a simulated world.

    Raises:
        WorldUnreachable: it does, and the world does not answer.
    """
    url = environment.get("DRSKIT_CLOCK_URL")
    if not url or not environment.get("AWS_ENDPOINT_URL"):
        return False
    RemoteClock(url).now()
    return True


def attach_or_start(world: Path, speed: float, environment: MutableMapping[str, str], *, runs: Path) -> None:
    """Point the environment at a world: the one it names already, one that was started before, or a new one.

    Raises:
        WorldUnreachable: a new server did not come up.
    """
    if attached(environment):
        return
    record = _record(world, speed, runs)
    variables = _living(record)
    if variables is None:
        variables = _start(world, speed)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(variables), encoding="utf-8")
    _enter(environment, variables)


def _record(world: Path, speed: float, runs: Path) -> Path:
    """Where the address of this world's server is kept, so that a new kernel finds it."""
    identity = hashlib.sha256(f"{world.resolve()}\0{speed}".encode()).hexdigest()[:16]
    return runs / ".worlds" / f"{world.stem}-{identity}.json"


def _living(record: Path) -> dict[str, str] | None:
    try:
        variables: dict[str, str] = json.loads(record.read_text(encoding="utf-8"))
        RemoteClock(variables["DRSKIT_CLOCK_URL"]).now()
    except (OSError, ValueError, KeyError, WorldUnreachable):
        return None
    return variables


def _start(world: Path, speed: float) -> dict[str, str]:
    command = [sys.executable, "-m", "drskit", "sim", "serve", "--world", str(world.resolve()), "--speed", str(speed)]
    process = subprocess.Popen(
        [*command, "--idle-minutes", str(IDLE_MINUTES), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.stdout.close()
    if not line:
        raise WorldUnreachable(
            f"A server for {world} did not start (exit code {process.wait()}). "
            f"Run `drskit sim serve --world {world}` to see why."
        )
    variables: dict[str, str] = json.loads(line)
    if not wait_until(lambda: _answers(variables), timeout_seconds=START_SECONDS):
        raise WorldUnreachable(
            f"The server for {world} started and does not answer at {variables['AWS_ENDPOINT_URL']}."
        )
    return variables


def _answers(variables: dict[str, str]) -> bool:
    try:
        RemoteClock(variables["DRSKIT_CLOCK_URL"]).now()
    except WorldUnreachable:
        return False
    return True
