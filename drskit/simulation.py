"""Simulated worlds and the processes that serve them.

A headless drill serves its world itself. A notebook attaches to the world that
the environment names. Else it starts one: in front of a person a server process
that outlives the kernel, so that a restart of the kernel loses nothing; without
a person a server inside the kernel, so that nothing is left behind, however the
kernel ends.
"""

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drskit.clock import RemoteClock, make_clock, wait_until
from drskit.errors import InvalidInput, MissingExtra, WorldUnreachable

if TYPE_CHECKING:
    from drskit.sim.server import WorldServer

START_SECONDS = 30.0
IDLE_MINUTES = 240.0
"""A server that a notebook started ends when nobody has asked it for so long."""


def make_server(
    world: Path | None,
    *,
    speed: float = 0,
    port: int = 0,
    host: str = "127.0.0.1",
    state: Path | None = None,
    told: Callable[[str], object] = lambda _: None,
) -> "WorldServer":
    """Serve a world from a thread of this process.

    Args:
        world: its file; None where a state file has it.
        speed: how fast its time runs.
        port: a free one for 0.
        host: the address to listen on.
        state: a file that keeps the world, so that the next server goes on with it.
        told: hears what was found in the state file.

    Raises:
        InvalidWorld: the world's file is not valid.
        InvalidState: the state file cannot be used.
        MissingExtra: the simulator's packages are not installed.
        InvalidInput: the address cannot be used.
    """
    from drskit.sim.opening import open_kept_world, open_world
    from drskit.sim.server import serve_gateway
    from drskit.sim.worldfile import load_world

    spec = None if world is None else load_world(world)
    if state is not None:
        gateway, found = open_kept_world(state, spec, speed=speed)
        told(found)
    elif spec is not None:
        gateway = open_world(spec, make_clock(spec.start, speed))
    else:
        raise InvalidInput(
            "There is no world to serve. Name one with --world, or the file that keeps one with --state."
        )
    try:
        return serve_gateway(gateway, port=port, host=host)
    except OSError as error:
        gateway.close()
        raise InvalidInput(
            f"Port {port} on {host} cannot be used: {error.strerror}. Choose another with --port."
        ) from error


@contextmanager
def served(world: Path, speed: float, environment: MutableMapping[str, str]) -> Iterator[None]:
    """Serve a world for a drill while the block runs, and point the environment at it.

    Raises:
        MissingExtra: the simulator's packages are not installed; a drill needs more than those.
    """
    try:
        server = make_server(world, speed=speed)
    except MissingExtra as error:
        raise MissingExtra("A simulated drill", "kit", "moto") from error
    before = dict(environment)
    _enter(environment, server.environment())
    try:
        yield
    finally:
        server.stop()
        environment.clear()
        environment.update(before)


def _enter(environment: MutableMapping[str, str], variables: dict[str, str]) -> dict[str, str | None]:
    """Point the environment at a world, and nothing in it past the world; what stood there before."""
    past = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"}
    past |= {name for name in environment if name.startswith("AWS_ENDPOINT_URL")}
    before = {name: environment.get(name) for name in past | set(variables)}
    for name in past:
        environment.pop(name, None)
    environment.update(variables)
    return before


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


_before: dict[str, str | None] = {}
"""What the environment said before this process chose a world by itself."""
_kept: dict[Path, "WorldServer"] = {}
"""The servers inside this process."""


def attach_or_start(
    world: Path, speed: float, environment: MutableMapping[str, str], *, runs: Path, outlive: bool
) -> None:
    """Point the environment at a world: the one that somebody named there, one that was started before, or a new one.

    Args:
        world: the world's file.
        speed: how fast its time runs.
        environment: what to change; what an earlier call changed is undone first.
        runs: the folder where the addresses of worlds are kept.
        outlive: start a process that outlives this one and is found again; else the world ends with this process.

    Raises:
        WorldUnreachable: the named world does not answer, or a new server did not come up.
    """
    leave(environment)
    if attached(environment):
        return
    record = _record(world, speed, runs)
    variables = _shared(world, speed, record) if outlive else _inside(world, speed, record)
    _before.update(_enter(environment, variables))


def leave(environment: MutableMapping[str, str]) -> None:
    """Undo what `attach_or_start` changed in the environment; the world goes on."""
    for name, value in _before.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    _before.clear()


def _inside(world: Path, speed: float, record: Path) -> dict[str, str]:
    if record not in _kept:
        _kept[record] = make_server(world, speed=speed)
    return _kept[record].environment()


def read_inbox(clock_url: str) -> list[dict[str, Any]]:
    """What was sent to topics and buses in the world whose clock this is, oldest first.

    Raises:
        WorldUnreachable: no world answers there.
    """
    address = clock_url.rpartition("/")[0] + "/inbox"
    try:
        with urllib.request.urlopen(address, timeout=30) as reply:  # noqa: S310 - the world we were told to use
            letters: list[dict[str, Any]] = json.load(reply)
    except (OSError, HTTPException, ValueError) as error:
        raise WorldUnreachable(
            f"The simulated world's inbox at {address} does not answer ({error}). Start it again with "
            "`drskit sim serve`, or unset DRSKIT_CLOCK_URL."
        ) from error
    return letters


def _shared(world: Path, speed: float, record: Path) -> dict[str, str]:
    found = _living(record)
    if found is not None:
        return found
    pid, variables = _start(world, speed)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"pid": pid, "environment": variables}), encoding="utf-8")
    return variables


def _record(world: Path, speed: float, runs: Path) -> Path:
    """Where the server of this world is noted, so that a new kernel finds it; a file that was edited is a new world."""
    identity = hashlib.sha256(f"{world.resolve()}\0{speed}\0".encode() + world.read_bytes()).hexdigest()[:16]
    return runs.resolve() / ".worlds" / f"{world.stem}-{identity}.json"


def _living(record: Path) -> dict[str, str] | None:
    try:
        noted = json.loads(record.read_text(encoding="utf-8"))
        os.kill(noted["pid"], 0)  # another server may have got the port of one that ended
        variables: dict[str, str] = noted["environment"]
        RemoteClock(variables["DRSKIT_CLOCK_URL"]).now()
    except (OSError, ValueError, KeyError, TypeError, WorldUnreachable):
        return None
    return variables


def _start(world: Path, speed: float) -> tuple[int, dict[str, str]]:
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
    return process.pid, variables


def _answers(variables: dict[str, str]) -> bool:
    try:
        RemoteClock(variables["DRSKIT_CLOCK_URL"]).now()
    except WorldUnreachable:
        return False
    return True
