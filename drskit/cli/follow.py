"""Follow an execution on the terminal: a live board, or plain lines where there is no terminal.

It only reads the tables, so it shows the same from any process, and never drives.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drskit.cli.common import say
from drskit.errors import Malformed, NotFound, Unavailable
from drskit.model import Execution, ExecutionStatus
from drskit.states import NEEDS_ATTENTION

if TYPE_CHECKING:
    from drskit.session import Session

LOOK_SECONDS = 0.25
"""Real time between two looks at a simulated world's tables; a real account's are asked less often."""
REAL_LOOK_SECONDS = 3.0


class Follower:
    """Shows what is new in one execution, each time it is asked to look."""

    def __init__(self, session: "Session", execution_id: str) -> None:
        self._session = session
        self._execution_id = execution_id
        self._told = 0
        self._live: Any = None
        self.execution: Execution | None = None

    def open_board(self) -> None:
        """Draw a live board where stderr is a terminal that can."""
        if not sys.stderr.isatty():
            return
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError:
            return
        self._live = Live(
            console=Console(stderr=True), auto_refresh=False, transient=False, vertical_overflow="ellipsis"
        )
        self._live.start()

    def close_board(self) -> None:
        """Leave the last board standing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def look(self) -> Execution | None:
        """Read the execution and show what is new; None while it does not exist yet or cannot be read."""
        try:
            execution = self._session.store.load(self._execution_id)
        except (NotFound, Unavailable, Malformed):
            return None
        if self._live is not None:
            from drskit.views.text import rich_board

            self._live.update(rich_board(execution, self._session.store.now()), refresh=True)
        elif execution.events > self._told:
            self._tell_news()
        self.execution = execution
        return execution

    def _tell_news(self) -> None:
        from drskit.views.text import event_line

        for event in self._session.store.events(self._execution_id, after=self._told):
            self._told = event.sequence
            say(event_line(event))


def follow(session: "Session", execution: Execution) -> Execution:
    """Follow to the end, or to a person's decision."""
    follower = Follower(session, execution.execution_id)
    follower.open_board()
    try:
        while True:
            seen = follower.look()
            if seen is not None and seen.status not in NEEDS_ATTENTION:
                return seen
            session.clock.sleep(LOOK_SECONDS if session.settings.clock_url else REAL_LOOK_SECONDS)
    finally:
        follower.close_board()


@contextmanager
def following(session: "Session", execution_id: str) -> Iterator[Follower]:
    """Follow from a thread while the block works; what came last is shown before it ends."""
    follower = Follower(session, execution_id)
    follower.open_board()
    done = threading.Event()
    wait_seconds = LOOK_SECONDS if session.settings.clock_url else REAL_LOOK_SECONDS

    def work() -> None:
        while not done.wait(wait_seconds):
            follower.look()

    thread = threading.Thread(target=work, name="drskit-follow", daemon=True)
    thread.start()
    try:
        yield follower
    finally:
        done.set()
        thread.join()
        follower.look()
        follower.close_board()


def status_code(execution: Execution | None) -> int:
    """The exit code of a drill: 0 finished and good, 1 finished otherwise or waiting for a person, 3 cannot tell."""
    if execution is None or execution.status in NEEDS_ATTENTION:
        return 3
    return 0 if execution.status is ExecutionStatus.COMPLETED else 1
