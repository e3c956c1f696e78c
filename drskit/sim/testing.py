"""The simulator in the tests of other projects: `mock_drs`, and the world that it gives.

    with mock_drs() as world:
        drs = boto3.client("drs")
        ...
        world.sleep(900)

Every AWS call of the process is answered from the world, until the block ends;
time is virtual, so nothing waits. `drskit.pytest_plugin` makes a fixture of it.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload
from unittest import mock

from drskit.clock import VirtualClock
from drskit.sim.opening import open_world
from drskit.sim.server import WorldServer, serve_gateway
from drskit.sim.spec import FaultKind, WorldSpec
from drskit.sim.worldfile import load_world, read_fault, read_world

if TYPE_CHECKING:
    from drskit.sim.gateway import Gateway

P = ParamSpec("P")
R = TypeVar("R")
Told = WorldSpec | Mapping[str, Any] | str | Path
"""A world: read already, as data, or the path of its file."""
DEFAULT: Mapping[str, Any] = {
    "about": "Three source servers that are ready to be launched.",
    "start": "2026-01-01T00:00:00Z",
    "generate": [{"count": 3, "names": "server-{number}"}],
}


class DrsWorld:
    """A world while a test runs in it."""

    def __init__(self, gateway: "Gateway", clock: VirtualClock) -> None:
        self.gateway = gateway
        self._clock = clock

    @property
    def region(self) -> str:
        """Where its servers are recovered; clients without a Region get it."""
        return self.gateway.spec.region

    @property
    def server_ids(self) -> list[str]:
        """Its source servers."""
        return [server.id for server in self.gateway.spec.servers]

    @property
    def now(self) -> datetime:
        """What time it is in the world."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass in the world; nobody waits."""
        self.gateway.pass_time(seconds)

    def fault(self, operation: str, kind: FaultKind | str, **more: Any) -> None:
        """Let the next calls of an operation fail; `more` is what a world file's `faults` can say, too.

        Raises:
            InvalidWorld: it could never strike, as that of an operation that does not exist.
        """
        self.gateway.add_faults([read_fault({"operation": operation, "kind": kind} | more)])

    def clear_faults(self) -> None:
        """Let everything succeed again."""
        self.gateway.clear_faults()

    @contextmanager
    def served(self) -> Iterator[WorldServer]:
        """Serve the same world over HTTP inside the block: for processes, and for other languages."""
        with serve_gateway(self.gateway) as server:
            yield server


class _MockDrs:
    """A context manager, and a decorator of test functions."""

    def __init__(self, world: Told) -> None:
        self._spec = understood(world)
        self._open: list[ExitStack] = []

    def __enter__(self) -> DrsWorld:
        clock = VirtualClock(self._spec.start_time)
        gateway = open_world(self._spec, clock)
        with ExitStack() as stack:
            stack.enter_context(gateway.answering_boto3())
            # As moto does with credentials: what the machine is set up for must neither be needed nor reached.
            region = {"AWS_REGION": self._spec.region, "AWS_DEFAULT_REGION": self._spec.region}
            here = region | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
            stack.enter_context(mock.patch.dict("os.environ", here))
            self._open.append(stack.pop_all())
        return DrsWorld(gateway, clock)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.pop().__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def inside(*arguments: P.args, **options: P.kwargs) -> R:
            with self:
                return function(*arguments, **options)

        return inside


@overload
def mock_drs(world: Callable[P, R]) -> Callable[P, R]: ...


@overload
def mock_drs(world: Told = ...) -> _MockDrs: ...


def mock_drs(world: Any = DEFAULT) -> Any:
    """Answer every AWS call of this process from a simulated world, inside a `with` block or a decorated function.

    Args:
        world: a world, its data, or the path of its file; three plain servers when left out.

    Raises:
        InvalidWorld: the world has faults.
        MissingExtra: moto is not installed.
    """
    return _MockDrs(DEFAULT)(world) if callable(world) else _MockDrs(world)


def understood(world: Told) -> WorldSpec:
    """A world, in whichever way it was told.

    Raises:
        InvalidWorld: it has faults.
    """
    if isinstance(world, WorldSpec):
        return world
    return load_world(Path(world)) if isinstance(world, str | Path) else read_world(world)
