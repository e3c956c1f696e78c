"""The injector: it counts the calls of the processes that it watches, and lets faults strike.

A call is one call of a boto3 client, however often the SDK sends it. What a
fault looks like on the wire is the simulator's work; dying and standing still
are done here, at the two ends of the call.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from drskit.sim.spec import Fault as WireFault
from drskit.sim.spec import FaultKind
from tests.proof.faults import Call, Fault
from tests.proof.stage import Stage


class Crash(BaseException):
    """The process died here."""


Branch = Callable[[Call], Fault | None]
"""Asked at every call: the fault that it meets."""
FIRST_SEND = {
    "lost-request": FaultKind.LOST_REQUEST,
    "lost-reply": FaultKind.LOST_REPLY,
    "freeze-between": FaultKind.LOST_REPLY,
    "late": FaultKind.LATE,
    "blip-request": FaultKind.LOST_REQUEST,
    "blip-reply": FaultKind.LOST_REPLY,
    "blip-late": FaultKind.LATE,
    "throttle": FaultKind.THROTTLE,
    "error-500": FaultKind.ERROR_500,
    "error-500-after": FaultKind.ERROR_500_AFTER,
}
LATER_SENDS = {
    "lost-request": FaultKind.LOST_REQUEST,
    "lost-reply": FaultKind.LOST_REQUEST,
    "late": FaultKind.LOST_REQUEST,
    "throttle": FaultKind.THROTTLE,
    "error-500": FaultKind.ERROR_500,
    "error-500-after": FaultKind.ERROR_500,
}


class Injector:
    """Watches clients; `branch` decides what each of their calls meets."""

    def __init__(self, stage: Stage, branch: Branch, freeze: Callable[[int], None]) -> None:
        self._stage = stage
        self._branch = branch
        self._freeze = freeze
        self._counts = Counter[str]()
        self._armed: Fault | None = None
        self._sends = 0
        self._ended: datetime | None = None
        """When the last watched call ended."""
        self.active = True
        self.calls = 0
        self.fired: list[Fault] = []

    def listen(self, client: Any) -> None:
        """Watch a client."""
        service = client.meta.service_model.service_name
        events = client.meta.events
        events.register_first("before-call", lambda model, **_: self._begin(service, model.name))
        events.register_first("before-send", lambda **_: self._send(service))
        events.register_first("after-call", lambda **_: self._end())

    def _begin(self, service: str, operation: str) -> None:
        self._armed, self._sends = None, 0
        if not self.active:
            self._ended = None
            return
        number = self._counts[operation]
        self._counts[operation] += 1
        self.calls += 1
        self._armed = self._branch(Call(service, operation, number, self._ended != self._stage.clock.now()))
        if self._armed is None:
            return
        self.fired.append(self._armed)
        if self._armed.kind == "crash-before":
            raise Crash
        if self._armed.kind == "freeze-before":
            self._freeze(self._armed.seconds)

    def _send(self, service: str) -> None:
        if self._armed is None:
            return
        self._sends += 1
        if self._armed.kind == "freeze-between" and self._sends == 2:
            self._freeze(self._armed.seconds)
        kinds = FIRST_SEND if self._sends == 1 else LATER_SENDS
        kind = kinds.get(self._armed.kind)
        if kind is not None:
            seconds = self._armed.seconds if kind is FaultKind.LATE else None
            operation = self._armed.operation
            self._stage.gateway.faults.add(WireFault(service=service, operation=operation, kind=kind, seconds=seconds))

    def _end(self) -> None:
        armed, self._armed = self._armed, None
        if armed is not None and armed.kind == "crash-after":
            raise Crash
        if armed is not None and armed.kind == "freeze-after":
            self._freeze(armed.seconds)
        self._ended = self._stage.clock.now() if self.active else None
