"""One execution driven in the foreground, pass by pass, by whoever wants to see its end."""

import threading
from collections.abc import Sequence

from drskit.clock import rest
from drskit.errors import NotCompleted, Unavailable, WorldUnreachable
from drskit.model import Event, Execution, ExecutionStatus
from drskit.noticing import pressing
from drskit.session import Session
from drskit.states import FINAL_EXECUTION, NEEDS_ATTENTION

MAX_OUTAGES = 80
"""How many passes in a row the tables may be out of reach before driving stops: 20 minutes."""


class Driving:
    """Advances what is due, as any poller, with an eye on one execution."""

    def __init__(self, session: Session, *, simulated: bool) -> None:
        self.session = session
        self.execution: Execution | None = None
        """As last seen; whoever starts or takes up an execution puts it here."""
        self.trouble: str | None = None
        """What keeps it from being advanced for now: the tables or DRS do not answer."""
        self._simulated = simulated
        self._poller = session.poller()
        self._outages = 0
        self._awake = threading.Event()

    def wake(self) -> None:
        """End the wait of a step that goes on in another thread, or the next one's."""
        self._awake.set()

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person.

        What is told and was not taken is tried a few times more; after that it is left to the next worker.

        Raises:
            NotCompleted: the execution could not be advanced in several passes in a row, for a fault in drskit or in
                what the tables hold of it.
            Unavailable: the tables were out of reach for too long.
        """
        if self.execution is None or (self.execution.status in FINAL_EXECUTION and pressing(self.execution) is None):
            return False
        wait_seconds, seen = self._pass(self.execution)
        self.execution = execution = seen or self.session.store.load(self.execution.execution_id)
        goes_on = execution.status in NEEDS_ATTENTION or pressing(execution) is not None
        if goes_on:
            rest(self.session.clock, wait_seconds, self._awake)
        self._awake.clear()
        return goes_on

    def _pass(self, execution: Execution) -> tuple[float, Execution | None]:
        """One poll pass: seconds to wait after it, and the execution where the pass has it.

        The tables may be out of reach for a while.
        """
        try:
            result = self._poller.run_pass()
        except Unavailable as error:
            if self._simulated:
                self._require_world()
            self._outages += 1
            self.trouble = str(error)
            if self._outages > MAX_OUTAGES:
                raise
            return self.session.settings.poll_seconds.soon, execution
        self._outages = 0
        self.trouble = result.trouble
        if why := result.given_up.get(execution.execution_id):
            raise NotCompleted(
                f"Execution {execution.execution_id} cannot be advanced ({why}). Nothing of it is lost, and what runs "
                f"in DRS runs on: look at the log and at `drskit executions show {execution.execution_id}`, and go on "
                f"with `drskit poll --follow`, of a newer drskit if this one is at fault."
            )
        return self._poller.wait_seconds(result), result.executions.get(execution.execution_id)

    def _require_world(self) -> None:
        """A simulated world that ended takes its tables with it: waiting would not bring it back."""
        try:
            self.session.clock.now()
        except WorldUnreachable as error:
            raise WorldUnreachable(
                "The simulated world has ended, and this drill with it. Run the notebook again from the top: a new "
                "world begins."
            ) from error

    def history(self, after: int) -> Sequence[Event]:
        """The events with a higher sequence number."""
        if self.execution is None or self.execution.events <= after:
            return ()
        return self.session.store.events(self.execution.execution_id, after=after)

    @property
    def paused(self) -> bool:
        """Whether it waits for a person."""
        return self.execution is not None and self.execution.status is ExecutionStatus.PAUSED
