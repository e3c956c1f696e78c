"""Opening a world: the only place where moto gets loaded.

moto takes a third of a second to import and is an extra, so every module
outside `gateway.py`, `keeping.py`, `estate.py` and `backend/` does without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drskit.clock import Clock
from drskit.errors import MissingExtra
from drskit.sim.spec import WorldSpec

if TYPE_CHECKING:
    from drskit.sim.gateway import Gateway


def open_world(spec: WorldSpec, clock: Clock) -> "Gateway":
    """A world behind moto, ready to answer.

    Raises:
        MissingExtra: moto is not installed.
    """
    try:
        from drskit.sim.gateway import Gateway
    except ModuleNotFoundError as error:
        raise MissingExtra("The simulator", "sim", "moto") from error
    return Gateway(spec, clock)


def open_kept_world(path: Path, spec: WorldSpec | None, *, speed: float) -> "tuple[Gateway, str]":
    """The world that a state file keeps, or this one where the file is new; and what was found, in words.

    Raises:
        InvalidState: the file cannot be used.
        MissingExtra: moto is not installed.
    """
    try:
        from drskit.sim.keeping import open_kept
    except ModuleNotFoundError as error:
        raise MissingExtra("The simulator", "sim", "moto") from error
    return open_kept(path, spec, speed=speed)


@contextmanager
def simulated(world: WorldSpec, clock: Clock) -> Iterator["Gateway"]:
    """Answer every AWS call of this process from a simulated world.

    Make clients inside the block. The gateway is the world's other side: `.world`, `.faults`, `.replace()`.

    Raises:
        MissingExtra: moto is not installed.
    """
    gateway = open_world(world, clock)
    with gateway.answering_boto3():
        yield gateway
