"""A whole drskit in one process: real boto3, moto, the simulator, virtual time.

`house` opens a world and a session in it. Faults are put at the boundary of
boto3's calls: before a request is sent (it has no effect) and after its reply
came (it has one).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ReadTimeoutError

from drskit.clock import VirtualClock
from drskit.model import CommandKind, Execution, Runbook
from drskit.runbook import load_runbook, parse_runbook
from drskit.session import Session
from drskit.settings import Settings
from drskit.sim import load_world, parse_world, simulated
from drskit.sim.gateway import Gateway

ROOT = Path(__file__).parent.parent
RUNBOOKS = ROOT / "runbooks"


@dataclass
class House:
    """A world, its clock and a session in it."""

    gateway: Gateway
    clock: VirtualClock
    settings: Settings
    session: Session

    def another_session(self, **settings: object) -> Session:
        """What a new process with such settings would open: nothing is shared but the tables and the world."""
        return Session(self.settings.model_copy(update=settings), clock=self.clock)

    def finish(self, session: Session | None = None, *, approve: bool = True, passes: int = 600) -> None:
        """Poll until nothing is left to do, approving what waits."""
        session = session or self.session
        poller = session.poller()
        for _ in range(passes):
            result = poller.run_pass()
            if not result.idle:
                self.clock.sleep(poller.wait_seconds(result))
                continue
            waiting = [header for header in poller.people() if header.waiting_for]
            approvals = [header for header in waiting if "approval of wave" in (header.waiting_for or "")]
            if not (approve and approvals):
                return
            for header in approvals:
                session.command(header.execution_id, CommandKind.APPROVE, reason="looked at")
        message = f"still busy after {passes} passes"
        raise AssertionError(message)

    def jobs(self) -> list[dict[str, Any]]:
        """All launch jobs of the world, oldest first, as DRS shows them."""
        jobs = self.session.clients.drs(self.gateway.spec.region).describe_jobs()["items"]
        return [dict(job) for job in reversed(jobs) if job["type"] == "LAUNCH"]


def shipped(name: str) -> Runbook:
    """A runbook that the project ships."""
    return load_runbook(RUNBOOKS / f"{name}.yaml")


@contextmanager
def house(world: str = "captured-drill", *, text: str | None = None, **settings: object) -> Iterator[House]:
    """Open a shipped world by name, or one from a text, with tables made and a session ready."""
    spec = parse_world(text) if text else load_world(RUNBOOKS / "worlds" / f"{world}.yaml")
    clock = VirtualClock(spec.start_time)
    with simulated(spec, clock) as gateway:
        made = Settings.model_validate({"region": spec.region, **settings})
        session = Session(made, clock=clock)
        session.create_tables()
        yield House(gateway, clock, made, session)


def runbook_of(text: str) -> Runbook:
    """A runbook from a text."""
    return parse_runbook(text, source="runbooks/test.yaml")


def started(house: House, name: str = "captured-drill", **options: Any) -> Execution:
    """A drill that was just started."""
    return house.session.start(shipped(name), **options)


def final(house: House, execution: Execution) -> Execution:
    """The execution as the tables have it."""
    return house.another_session().store.load(execution.execution_id)


class Crash(BaseException):
    """The process died here."""


@dataclass
class Boundary:
    """Does something at the n-th call of an operation, counted from 0 over every client it is attached to."""

    operation: str
    number: int
    kind: str
    """crash-before, crash-after, lost-request or lost-reply."""
    count: int = -1
    fired: bool = False
    calls: list[str] = field(default_factory=list)

    def attach(self, session: Session) -> None:
        """Watch every client that the session makes."""
        clients = session.clients
        original: Callable[..., Any] = clients._session.client

        def watched(*arguments: Any, **options: Any) -> Any:
            client = original(*arguments, **options)
            client.meta.events.register_first("before-send", self._before)
            client.meta.events.register_first("after-call", self._after)
            return client

        clients._session.client = watched  # type: ignore[method-assign]

    def _before(self, request: Any, event_name: str = "", **_: Any) -> None:
        name = event_name.rpartition(".")[2]
        self.calls.append(name)
        if name != self.operation or self.fired:
            return
        self.count += 1
        if self.count == self.number and self.kind in {"crash-before", "lost-request"}:
            self.fired = True
            raise Crash if self.kind == "crash-before" else ReadTimeoutError(endpoint_url=request.url)

    def _after(self, model: Any, **_: Any) -> None:
        here = model.name == self.operation and self.count == self.number and not self.fired
        if here and self.kind in {"crash-after", "lost-reply"}:
            self.fired = True
            raise Crash if self.kind == "crash-after" else ReadTimeoutError(endpoint_url="lost")
