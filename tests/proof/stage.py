"""Where a run takes place: a small world in virtual time, its sessions, and everything that they send.

Every session stands for a process of its own, with a local clock that is wrong:
nothing may depend on it. The waits of the SDK between two sends pass in the
world's time too.
"""

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
from ulid import ULID

from drskit.clock import VirtualClock
from drskit.session import Session
from drskit.settings import Settings
from drskit.sim import parse_world, simulated
from drskit.sim.gateway import Gateway
from tests.proof.checker import WRITES, Checker, Record, Sent
from tests.proof.sdk import quicken_sdk

SKEWS = (timedelta(minutes=-7), timedelta(seconds=40), timedelta(hours=1), timedelta(seconds=-130))
"""By how much the local clocks of the processes are wrong, in turn."""
NOTED = {*WRITES, "StartRecovery", "TerminateRecoveryInstances", "SendCommand"}
quicken_sdk()


class LocalClock:
    """What a process takes for the time: wrong by a constant."""

    def __init__(self, clock: VirtualClock, skew: timedelta) -> None:
        self._clock = clock
        self._skew = skew

    def now(self) -> datetime:
        """The wrong time."""
        return self._clock.now() + self._skew

    def sleep(self, seconds: float) -> None:
        """A span is a span."""
        self._clock.sleep(seconds)


Listener = Callable[[Any], None]
"""What is done with every client that a session makes."""


@dataclass
class Stage:
    """A world and what happens in it."""

    gateway: Gateway
    clock: VirtualClock
    settings: Settings
    random: random.Random
    sent: list[Sent] = field(default_factory=list)
    changes: int = 0
    """How many of them were more than when to look again."""
    trace: list[str] = field(default_factory=list)
    checked_at: tuple[int, int] = (-1, 0)
    """How much had been changed, and how much was under way."""
    processes: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.checker = Checker(self.gateway.spec.region)
        self.checker.received = self.gateway.received

    def session(self, role: str, listen: Listener | None = None, *, user: str | None = None) -> Session:
        """What a new process would open, somebody's of this name: nothing is shared but the tables and the world."""
        number = next(self.processes)
        who = f"{role}-{number}"
        settings = self.settings.model_copy(update={"user": user})
        session = Session(settings, clock=LocalClock(self.clock, SKEWS[number % len(SKEWS)]), fresh_id=self._fresh_id)
        made = session.clients._session.client

        def watch(client: Any) -> Any:
            if listen:
                listen(client)
            client.meta.events.register_first("before-send", lambda request, **_: self._note(who, client, request))
            return client

        probing = session.clients.world_probe
        session.clients._session.client = lambda *some, **more: watch(made(*some, **more))  # type: ignore[method-assign]
        session.clients.world_probe = lambda *place: watch(probing(*place))  # type: ignore[method-assign]
        return session

    @cached_property
    def stranger(self) -> Any:
        """DRS as somebody has it who knows nothing of drskit."""
        return boto3.Session(region_name=self.gateway.spec.region).client("drs")

    def look(self) -> None:
        """Let the checker look, if anything was changed or has arrived since it last did.

        When to look again changes nothing, and is written at each pass.

        Raises:
            Violation: something that must hold does not.
        """
        mark = (self.changes, len(self.gateway._under_way))
        if self.checked_at != mark:
            self.checked_at = mark
            with self.clear_sight():
                self.checker.step(self.sent)

    def records(self) -> list[Record]:
        """The executions as the checker sees them now."""
        self.look()
        return list(self.checker.seen.values())

    @contextmanager
    def clear_sight(self) -> Iterator[None]:
        """The checker asks inside: none of the world's faults strikes it."""
        armed = self.gateway.faults.armed
        self.gateway.faults.armed = []
        try:
            yield
        finally:
            self.gateway.faults.armed = armed

    def digest(self) -> str:
        """A hash of everything that was sent, by whom, and when."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]

    def _fresh_id(self, now: datetime) -> str:
        stamp = int(now.timestamp() * 1000).to_bytes(6, "big")
        return str(ULID(stamp + self.random.randbytes(10)))

    def _note(self, who: str, client: Any, request: Any) -> None:
        operation = request.headers.get("X-Amz-Target", request.url.rpartition("/")[2])
        operation = (operation.decode() if isinstance(operation, bytes) else operation).rpartition(".")[2]
        service = client.meta.service_model.service_name
        what = request.body.decode() if service == "drs" else ""  # the tables' requests carry random write ids
        self.trace.append(f"{self.clock.now().isoformat()} {who} {service} {operation} {what}")
        if operation in NOTED:
            self.sent.append(Sent(who, operation, json.loads(request.body)))
            self.changes += not _when_to_look(self.sent[-1])


def _when_to_look(sent: Sent) -> bool:
    return sent.operation == "PutItem" and sent.members["Item"]["PlanId"] == {"S": "#CADENCE"}


@contextmanager
def stage(world: str, *, seed: int = 0) -> Iterator[Stage]:
    """Open a world; the same seed gives the same run."""
    random.seed(seed)  # the SDK draws its waits from it
    spec = parse_world(world)
    clock = VirtualClock(spec.start_time)
    waits = vars(botocore.endpoint)["time"]
    vars(botocore.endpoint)["time"] = SimpleNamespace(sleep=clock.sleep)
    try:
        with simulated(spec, clock) as gateway:
            settings = Settings.model_validate({"region": spec.region})
            place = Stage(gateway, clock, settings, random.Random(seed))
            place.session("admin").create_tables()
            yield place
    finally:
        vars(botocore.endpoint)["time"] = waits
