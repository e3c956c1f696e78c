"""One pass over the executions of an account and Region: first all are looked at, then those launch whose turn it is.

What a job's end leaves free is given away in the pass that saw the end.
"""

from collections.abc import Callable
from datetime import datetime

from drskit.admission import asks, precedence, room, why_queued, why_refused
from drskit.errors import Unavailable
from drskit.look import Look
from drskit.model import Execution
from drskit.quotas import Load, load_of
from drskit.seen import LATER, Room

Advance = Callable[[Execution, Room], Execution | None]
"""Takes the steps of an execution, with so much room for a request; None when it cannot be advanced at all."""


class Turns:
    """The executions of a pass as they become, and whose turn it is to launch."""

    def __init__(self, look: Look, advance: Advance, now: Callable[[], datetime]) -> None:
        """Begin a pass with a look that was taken."""
        self.executions: dict[str, Execution] = {}
        self.trouble: str | None = None
        """What kept AWS from answering."""
        self._look = look
        self._advance = advance
        self._now = now
        self._asking: dict[str, Execution] = {}
        """Those that have something to ask for."""

    def look_at(self, execution: Execution) -> None:
        """Take all steps of an execution but a request."""
        self._take_steps(execution, LATER)

    def launch(self) -> None:
        """Let each request be made that there is room for, and tell everybody else what they wait for.

        When DRS does not tell the jobs of others, only ours are counted: it refuses by itself what does not fit.
        """
        if not self._asking:
            return
        try:
            self._look.see_all_that_run()
        except Unavailable as error:
            self.trouble = self.trouble or str(error)
        quotas = self._look.recovery.quotas(self._now())
        while self._asking and self._look.full is None and (free := room(self._load(), quotas)):
            self._take_steps(min(self._asking.values(), key=precedence), Room(free))
        load, full = self._load(), self._look.full
        for ahead, execution in enumerate(sorted(self._asking.values(), key=precedence)):
            where = ahead, execution.region
            self._take_steps(
                execution, Room(0, why_refused(full, *where) if full else why_queued(load, quotas, *where))
            )

    def _load(self) -> Load:
        return load_of(self._look.jobs.values(), self.executions.values())

    def _take_steps(self, execution: Execution, room: Room) -> None:
        """Advance an execution; one that could not use its turn asks again at the next pass."""
        name = execution.execution_id
        self.executions[name] = execution
        self._asking.pop(name, None)
        try:
            after = self._advance(execution, room)
        except Unavailable as error:
            self.trouble = self.trouble or str(error)
            return
        if after is None:
            del self.executions[name]
            return
        self.executions[name] = after
        unused = room.servers and after.version == execution.version
        if not unused and room.reason is None and asks(after, self._now()):
            self._asking[name] = after
