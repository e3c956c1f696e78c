"""The clocks of drskit.

This is the only module that reads time or sleeps. Pure code gets a time as an
argument; whatever must wait gets a `Clock`. A simulated world owns its time:
with a virtual clock a wait is a jump, so a drill of half an hour takes seconds.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.client import HTTPException
from typing import Protocol

from drskit.errors import WorldUnreachable


class ClockKind(StrEnum):
    """How a clock's time passes."""

    SYSTEM = "system"
    SCALED = "scaled"
    VIRTUAL = "virtual"


class Clock(Protocol):
    """Where time comes from, and how one waits for it."""

    def now(self) -> datetime:
        """The present, as an aware UTC datetime."""

    def sleep(self, seconds: float) -> None:
        """Let this many seconds of this clock's time pass; none at all for zero or less."""


class SystemClock:
    """The machine's own time."""

    kind = ClockKind.SYSTEM
    speed = 1.0

    def now(self) -> datetime:
        """The present, as the machine sees it."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        if seconds > 0:
            time.sleep(seconds)


class ScaledClock:
    """Time that starts at `start` and runs `speed` times as fast as the machine's."""

    kind = ClockKind.SCALED

    def __init__(self, start: datetime, speed: float) -> None:
        if speed <= 0:
            message = f"a scaled clock needs a speed above 0, not {speed}; 0 means virtual time"
            raise ValueError(message)
        self.speed = speed
        self._start = start
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """The scaled present."""
        return self._start + timedelta(seconds=(time.monotonic() - self._origin) * self.speed)

    def sleep(self, seconds: float) -> None:
        """Wait until this many scaled seconds have passed."""
        if seconds > 0:
            time.sleep(seconds / self.speed)


class VirtualClock:
    """Time that moves only when somebody sleeps; safe to share between threads."""

    kind = ClockKind.VIRTUAL
    speed = 0.0

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The virtual present."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Jump; nobody waits."""
        if seconds > 0:
            with self._lock:
                self._now += timedelta(seconds=seconds)


class RemoteClock:
    """The clock of a simulated world that another process serves at `/drskit/clock`.

    A sleep moves a virtual world's time, and waits out a scaled one's.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        _, self.kind, self.speed = self._call(None)

    def now(self) -> datetime:
        """The world's present."""
        return self._call(None)[0]

    def sleep(self, seconds: float) -> None:
        """Let the world's time pass."""
        if seconds <= 0:
            return
        if self.kind is ClockKind.VIRTUAL:
            self._call({"sleep": seconds})
        else:
            time.sleep(seconds / self.speed)

    def _call(self, body: dict[str, float] | None) -> tuple[datetime, ClockKind, float]:
        """The world's time, and how it passes."""
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(self._url, data=data, headers={"content-type": "application/json"})  # noqa: S310 - the address of the world we were told to use
            with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
                answer = json.load(reply)
            return datetime.fromisoformat(answer["now"]), ClockKind(answer["kind"]), float(answer["speed"])
        except (OSError, HTTPException, LookupError, TypeError, ValueError) as error:  # no address, or no world there
            message = (
                f"The simulated world's clock at {self._url} does not answer ({error}). "
                "Start it again with `drskit sim serve`, or unset DRSKIT_CLOCK_URL."
            )
            raise WorldUnreachable(message) from error


def make_clock(start: datetime, speed: float) -> VirtualClock | ScaledClock:
    """The clock of a world: virtual for a speed of 0, else scaled; 1 is real time."""
    return VirtualClock(start) if speed == 0 else ScaledClock(start, speed)


def rest(clock: Clock, seconds: float, awake: threading.Event) -> None:
    """Let this many seconds of a clock's time pass, or fewer when `awake` is set; nobody waits for a jump to end."""
    speed: float = getattr(clock, "speed", 0.0)
    if speed > 0 and seconds > 0:
        awake.wait(seconds / speed)
    else:
        clock.sleep(seconds)


def wait_until(ready: Callable[[], bool], *, timeout_seconds: float, every_seconds: float = 0.05) -> bool:
    """Poll `ready` in real time; for processes that start, never for the state of a drill."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every_seconds)
    return True
