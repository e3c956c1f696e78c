"""What executions tell, sent: after the launches of a pass, a little at a time, and never in their way.

A notice is in the tables before it is sent, and what came of sending it is
written afterwards; whoever dies between the two leaves it to be sent again,
under the same id. A target that does not answer is left alone for a while, and
each delivery waits longer after each try, until it is given up.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from drskit.errors import LostRace, Malformed, NotFound, Unavailable
from drskit.history import narrate
from drskit.messages import message_of
from drskit.model import Cadence, Execution, ExecutionHeader
from drskit.notices import NoticeKind, Outcome
from drskit.noticing import due_deliveries, found_stuck, pressing, reminded, with_outcomes
from drskit.ports import Notifier, Store
from drskit.running import launched_again
from drskit.states import FINAL_EXECUTION, check
from drskit.stuck import stuck

LOG = logging.getLogger("drskit.outbox")
LOOK_EVERY = timedelta(minutes=5)
"""How often a worker asks which executions that are over have something to tell."""
MOST_SENDS = 20
"""Of one execution in one pass."""
REST = timedelta(seconds=30)
"""How long this worker leaves a target alone that has just failed."""
MOST_FAILING = 3
"""Targets that may fail in one pass before no further one is tried in it."""
RECORD_TRIES = 20

Place = tuple[str, str]
"""Account id, Region."""


class Outbox:
    """Sends for one worker; what it remembers are hints."""

    def __init__(self, store: Store, notifier: Notifier, *, actor: str, account_id: str) -> None:
        """Make an outbox.

        Args:
            store: the tables.
            notifier: the ways to those who are told.
            actor: who is written into the history as the one who sends.
            account_id: whose executions are told of.
        """
        self._store = store
        self._notifier = notifier
        self._actor = actor
        self._account_id = account_id
        self._next_look: datetime | None = None
        self._over: dict[str, tuple[Place, datetime]] = {}
        """The executions that are over and have something to tell, as last seen, and when."""
        self._resting: dict[str, datetime] = {}
        """Until when a target is left alone."""

    # --- finding -----------------------------------------------------------------------------------------------------

    def waiting(self, now: datetime) -> Iterator[tuple[Place, str]]:
        """The executions that are over and have something to tell now; those that live are found by their headers.

        Raises:
            Unavailable: the tables cannot be reached.
        """
        if self._next_look is None or now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            self._look()
        return iter([(place, name) for name, (place, due) in self._over.items() if due <= now])

    def _look(self) -> None:
        self._over = {
            one.execution_id: ((one.account_id, one.region), one.due)
            for one in self._store.outstanding()
            if one.account_id == self._account_id
        }

    def overlooked(self) -> bool:
        """Whether an execution that is over has something to tell that cannot wait for another worker."""
        self._look()
        now = self._store.now()
        for name, (_, due) in self._over.items():
            if due <= now:
                try:
                    execution = self._store.load(name)
                except (NotFound, Malformed):
                    continue
                if pressing(execution) is not None:
                    return True
        return False

    # --- telling -----------------------------------------------------------------------------------------------------

    def tell(self, execution: Execution, claim: Cadence) -> Execution:
        """Send what is due of an execution, and the execution as it is then; nothing that goes wrong is raised.

        Args:
            execution: as it was just read or written.
            claim: what is known of asking its account and Region.
        """
        if not execution.plan.notify or execution.account_id != self._account_id:
            return execution
        try:
            execution = self._judge(execution, claim)
            execution = self._remind(execution)
            execution = self._send(execution)
        except Unavailable as error:
            LOG.warning("execution %s: what it has to tell waits: %s", execution.execution_id, error)
        except Exception:  # whatever it is, the drill goes on
            LOG.exception("execution %s: what it has to tell cannot be sent", execution.execution_id)
        self._remember(execution)
        return execution

    def _remember(self, execution: Execution) -> None:
        due = execution.notify_due
        if execution.end_time is not None and due is not None:
            self._over[execution.execution_id] = ((execution.account_id, execution.region), due)
        else:
            self._over.pop(execution.execution_id, None)

    def _judge(self, execution: Execution, claim: Cadence) -> Execution:
        """The execution with the notice that it is stuck, where it is."""
        if not any(target.wants(NoticeKind.STUCK) for target in execution.plan.notify):
            return execution
        now = self._store.now()
        found = stuck(execution, now, cadence=claim, execution=execution)
        if found is None or found_stuck(execution, found.key, found.why, now) is execution:
            return execution
        return self._write(execution, lambda current: found_stuck(current, found.key, found.why, now))

    def _remind(self, execution: Execution) -> Execution:
        """The finished drill with the notice that instances of it still run, where that is due."""
        now = self._store.now()
        if execution.reminder is None or execution.reminder > now or execution.status not in FINAL_EXECUTION:
            return execution
        again = launched_again(self._headers(execution), execution, self._read)
        return self._write(
            execution,
            lambda current: reminded(current, again, now) if current.reminder and current.reminder <= now else current,
        )

    def _headers(self, execution: Execution) -> list[ExecutionHeader]:
        found = self._store.list_executions(execution.plan_id)
        return [header for header in found if isinstance(header, ExecutionHeader)]

    def _read(self, header: ExecutionHeader) -> Execution | None:
        try:
            return self._store.load(header.execution_id)
        except (NotFound, Malformed):
            return None

    def _send(self, execution: Execution) -> Execution:
        """Send what is due; what a target has just refused counts for all that was to go there now."""
        outcomes: dict[tuple[str, str], Outcome] = {}
        failed: dict[str, Outcome] = {}
        now, sent = self._store.now(), 0
        self._resting = {target: until for target, until in self._resting.items() if until > now}
        for notice, delivery in due_deliveries(execution, now):
            name = (notice.notice_id, delivery.target)
            if delivery.target in failed:
                outcomes[name] = failed[delivery.target]
            elif delivery.target not in self._resting and sent < MOST_SENDS and len(self._resting) < MOST_FAILING:
                sent += 1
                outcomes[name] = outcome = self._notifier.send(delivery.target, message_of(execution, notice))
                if outcome.error is not None and not outcome.hopeless:
                    failed[delivery.target] = outcome
                    self._resting[delivery.target] = now + REST
        return self._record(execution, outcomes) if outcomes else execution

    def _record(self, execution: Execution, outcomes: Mapping[tuple[str, str], Outcome]) -> Execution:
        return self._write(execution, lambda current: with_outcomes(current, outcomes, self._store.now()))

    def _write(self, execution: Execution, change: Callable[[Execution], Execution]) -> Execution:
        """Write a change on top of whatever others wrote meanwhile; nothing where it changes nothing."""
        for _ in range(RECORD_TRIES):
            after = change(execution)
            if after is execution or after == execution:
                return execution
            check(execution, after)
            after, events = narrate(execution, after, now=self._store.now(), actor=self._actor)
            try:
                self._store.commit(execution, after, events)
            except LostRace:
                execution = self._store.load(execution.execution_id)
            else:
                return after
        raise Unavailable(f"Execution {execution.execution_id} is being written all the time.")
