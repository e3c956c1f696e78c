"""A world that a notebook takes for AWS: the simulator, of which no answer says so.

An execution's Mode is told by the header of DRS's answers alone; without it
everything is REAL, and so are the questions that a person is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drskit.clock import VirtualClock
from drskit.sim import load_world
from drskit.sim.gateway import HEADER, Gateway
from drskit.sim.opening import open_world
from drskit.sim.server import WorldServer, serve_gateway
from tests.harness import RUNBOOKS


class Unmarked:
    """A gateway whose answers do not say that they are simulated."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def answer_http(self, *request: Any) -> Any:
        """As the world answers, without its mark."""
        status, headers, body = self._gateway.answer_http(*request)
        return status, {name: value for name, value in headers.items() if name != HEADER}, body


@contextmanager
def aws_for_all_one_can_tell(world: str) -> Iterator[WorldServer]:
    """A shipped world that is served as AWS would be, in virtual time."""
    spec = load_world(RUNBOOKS / "worlds" / f"{world}.yaml")
    gateway: Any = Unmarked(open_world(spec, VirtualClock(spec.start_time)))
    with serve_gateway(gateway) as served:
        yield served
