"""What the two faces of a drill in a notebook have in common.

Callbacks of widgets may run in any thread, and what they print or raise is
invisible; so every callback goes through `guarded`, which shows it.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from typing import Any, Protocol

from drskit.model import Event, Execution, Mode
from drskit.views.board import board_parts
from drskit.views.notices import guarded

AWAIT_SECONDS = 0.5
ALERT = 'role="alert"'


class Drive(Protocol):
    """What a face drives."""

    def preview(self) -> tuple[str, ...]:
        """HTML of what would be launched, in parts; the first tells SIMULATED from REAL."""

    def mode(self) -> Mode:
        """Who would answer a start, or answers: AWS or the simulator."""

    def start(self) -> None:
        """Start the execution, or take up one that exists."""

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person."""

    def snapshot(self) -> Execution | None:
        """The execution as last seen; none before it was started."""

    def history(self, after: int) -> Sequence[Event]:
        """The events with a higher sequence number."""

    def trouble(self) -> str | None:
        """What keeps the drill from being advanced for now, and will be tried again."""

    def now(self) -> datetime:
        """The present, by the execution's clock."""


class Handle:
    """A drill that was shown; `await` it in a cell of its own to wait for its end.

    Nothing is ever raised here: `error` holds what stopped the driving, and the
    notebook's last cell decides.
    """

    def __init__(self, drive: Drive) -> None:
        self.done = threading.Event()
        self.error: Exception | None = None
        self._drive = drive

    @property
    def execution(self) -> Execution | None:
        """The execution as last seen."""
        return self._drive.snapshot()

    def __await__(self) -> Generator[Any, Any, "Handle"]:
        return self._wait().__await__()

    async def _wait(self) -> "Handle":
        while not self.done.is_set():  # in short waits, so that no thread is left behind when the cell is interrupted
            await asyncio.to_thread(self.done.wait, AWAIT_SECONDS)
        return self

    def __repr__(self) -> str:
        execution = self.execution
        state = f"{execution.mode} {execution.execution_id} {execution.status}" if execution else "not started"
        return f"<{state}{f', stopped by {self.error!r}' if self.error else ''}>"


class Face(ABC):
    """What both faces have in common."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.handle = Handle(drive)

    def guarded(self, work: Callable[[], None]) -> Exception | None:
        """Do the work; what it raises is shown, and returned."""
        return guarded(work, self.tell)

    @abstractmethod
    def tell(self, message: str) -> None:
        """Show an error."""

    def board(self) -> tuple[str, ...]:
        """The parts of the board, or of the preview before there is an execution."""
        execution = self.drive.snapshot()
        return board_parts(execution, self.drive.now()) if execution else self.drive.preview()

    def finished(self) -> bool:
        """The execution is over."""
        execution = self.drive.snapshot()
        return execution is not None and execution.end_time is not None
