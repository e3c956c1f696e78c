"""The finder and the poller.

The finder asks the StatusIndex which executions need attention; the poller
advances each, one listing of jobs per account and Region for all of them. The
index is a hint: every execution is read again, consistently, before anything is
done, and a sweep finds what the index lost. Any number of pollers may run.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from drskit.cadence import Ceilings, is_due, next_look
from drskit.clock import Clock
from drskit.engine import Engine
from drskit.errors import LostRace, Malformed, NotFound, Unavailable
from drskit.look import Look
from drskit.model import Cadence, Execution, ExecutionHeader
from drskit.noticing import pressing
from drskit.outbox import Outbox
from drskit.ports import Recovery, Store
from drskit.seen import Room
from drskit.states import NEEDS_ATTENTION, WAITS_FOR_A_PERSON
from drskit.texts import moment
from drskit.turns import Turns

LOG = logging.getLogger("drskit.poller")
SWEEP_EVERY = timedelta(minutes=15)
INDEX_LAG = timedelta(minutes=1)
"""How far the index may be behind for what a finder names; what it shows later still, a sweep finds."""
GIVEN_UP_AFTER = 3
"""After so many passes in a row that could not advance an execution, its end is waited for no longer."""
SWEEP_KEY = ("SWEEP", "ALL")
"""The sweep's cadence stands beside those of accounts and Regions."""

Place = tuple[str, str]
"""Account id, Region."""
RecoveryFor = Callable[[str, str], Recovery | None]
"""The way to DRS in an account and Region; None when it is not ours to take."""


@dataclass(frozen=True)
class Pass:
    """What one poll pass did."""

    advanced: tuple[str, ...] = ()
    """ExecutionIds that were looked at."""
    waiting: tuple[str, ...] = ()
    """ExecutionIds that need attention and were not due yet."""
    quarantined: tuple[str, ...] = ()
    """Items that cannot be read or advanced, with the reason; they stop nobody else."""
    given_up: Mapping[str, str] = field(default_factory=dict)
    """What this worker could not advance in several passes in a row, by ExecutionId, with the reason."""
    elsewhere: tuple[str, ...] = ()
    """ExecutionIds of accounts that are not this worker's."""
    barred: tuple[str, ...] = ()
    """ExecutionIds that this worker could not take up, for the reason in `trouble`; another one may drive them."""
    trouble: str | None = None
    """What kept DRS from answering; nothing was lost."""
    since: datetime | None = None
    """Since when, as far as the tables or this worker know."""
    executions: Mapping[str, Execution] = field(default_factory=dict)
    """The advanced executions as they are now."""
    next_poll: datetime | None = None
    """When the next pass is due; None when nothing is left but decisions of people."""

    @property
    def idle(self) -> bool:
        """Whether nothing is left but decisions of people."""
        return self.next_poll is None


class Poller:
    """One worker of many."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        recovery_for: RecoveryFor,
        *,
        ceilings: Ceilings | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        """Make a poller over a store and an engine.

        Args:
            store: the tables.
            engine: what advances an execution.
            recovery_for: opens the way to DRS.
            ceilings: the longest waits.
            outbox: sends what executions tell; None where nothing is sent.
        """
        self._store = store
        self._engine = engine
        self._recovery_for = recovery_for
        self._ceilings = ceilings or Ceilings()
        self._longest = timedelta(seconds=max(self._ceilings.soon, self._ceilings.launching, self._ceilings.converting))
        """A cadence further ahead than twice this is no plan of a poller's, and is not waited for."""
        self._mine: dict[Place, Cadence] = {}
        """The cadences as this worker last wrote them: a hint that saves a read, never a reason to skip a condition."""
        self._outbox = outbox
        self._next_sweep: datetime | None = None
        self._failures: dict[str, int] = {}
        """By ExecutionId: how many passes in a row could not advance it."""

    def places(self) -> dict[Place, tuple[str, ...]]:
        """Where something needs attention, and the executions to look at there.

        What only a sweep has found comes first, and what waits for a person last: a command may come any time.

        Raises:
            Unavailable: the tables cannot be reached.
        """
        log = _Log()
        indexed = list(self._indexed())
        shown = self._with_untold(self._grouped(self._find(indexed, log)))
        known = {name for names in shown.values() for name in names}
        swept = self._grouped(header for header in self._find(self._swept(), log) if header.execution_id not in known)
        live = self._grouped(header for header in indexed if isinstance(header, ExecutionHeader))
        return {
            place: tuple(dict.fromkeys((*swept.get(place, ()), *shown.get(place, ()), *live.get(place, ()))))
            for place in (*shown, *swept)
        }

    def run_pass(self) -> Pass:
        """Find what needs attention, and advance what is due.

        Raises:
            Unavailable: the tables cannot be reached.
        """
        log = _Log()
        places = self._grouped(self._find(chain(self._indexed(), self._swept()), log))
        return self._visit_all(self._with_untold(places), log)

    def visit(self, place: Place, named: Iterable[str] = (), since: datetime | None = None) -> Pass:
        """The same for one place alone, as a finder that runs elsewhere asks for it; where it is not due, that is all.

        Args:
            place: an account and a Region.
            named: executions there that the finder has found.
            since: when it looked, if those were all; the index is read only for what was started about then or later.

        Raises:
            Unavailable: the tables cannot be reached.
        """
        log = _Log()
        following = self._due_later(self._store.get_cadence(*place), self._store.now())
        if following is not None:
            log.waiting += named
            log.times.append(following)
            return log.result({})
        found = self._grouped(self._find(self._indexed(since - INDEX_LAG if since else None), log))
        shown = found if since else self._with_untold(found)
        names = list(dict.fromkeys((*named, *shown.get(place, ()))))
        return self._visit_all({place: names} if names else {}, log)

    def _visit_all(self, places: Mapping[Place, list[str]], log: "_Log") -> Pass:
        for place, execution_ids in places.items():
            self._visit(place, execution_ids, log)
        self._count_failures(log)
        given_up = {name: why for name, why in log.failed.items() if self._failures[name] >= GIVEN_UP_AFTER}
        return log.result(given_up)

    def _grouped(self, headers: Iterable[ExecutionHeader]) -> dict[Place, list[str]]:
        """Executions by account and Region."""
        places: dict[Place, list[str]] = {}
        for header in headers:
            places.setdefault((header.account_id, header.region), []).append(header.execution_id)
        return places

    def _with_untold(self, places: dict[Place, list[str]]) -> dict[Place, list[str]]:
        """The same, and those that are over and have something to tell."""
        for place, execution_id in self._outbox.waiting(self._store.now()) if self._outbox else ():
            if execution_id not in places.setdefault(place, []):
                places[place].append(execution_id)
        return places

    def _count_failures(self, log: "_Log") -> None:
        for name in log.advanced:
            if name not in log.failed:
                self._failures.pop(name, None)
        for name in log.failed:
            self._failures[name] = self._failures.get(name, 0) + 1

    def _visit(self, place: Place, execution_ids: list[str], log: "_Log") -> None:
        """Advance the executions of one account and Region, if they are due."""
        try:
            recovery = self._recovery_for(*place)
        except Unavailable as error:
            log.barred += execution_ids
            log.troubles.append(str(error))
            return
        if recovery is None:
            log.elsewhere += execution_ids
            return
        claim = self._claim(place)
        if isinstance(claim, datetime):
            log.waiting += execution_ids
            log.times.append(claim)
            return
        live, trouble = self._advance_all(place, recovery, execution_ids, log)
        if self._outbox is not None:  # after the launches: nothing that is told delays one
            live = [self._outbox.tell(execution, claim) for execution in live]
        log.advanced += execution_ids
        log.executions |= {execution.execution_id: execution for execution in live}
        log.troubles += [trouble] if trouble else []
        following, since = self._release(claim, live, trouble)
        log.since += [since] if since else []
        if any(execution.status in NEEDS_ATTENTION for execution in live):
            log.times.append(following)
        untold = [time for execution in live if (time := pressing(execution)) is not None]
        if untold and self._outbox is not None:
            log.times.append(max(min(untold), following))

    def follow(self, clock: Clock, *, until_idle: bool = False) -> Iterator[Pass]:
        """Poll again and again, sleeping by the clock until the next pass is due.

        Args:
            clock: whose time is slept; the tables' time decides.
            until_idle: end when nothing is left but decisions of people.

        Raises:
            Unavailable: the tables cannot be reached at the first pass, or at any while the end is waited for; a worker
                that is to go on outlives their outages.
        """
        answered = False
        lost_at: datetime | None = None
        while True:
            try:
                result = self.run_pass()
                lost_at = None
            except Unavailable as error:
                if until_idle or not answered:
                    raise
                lost_at = lost_at or self._store.now()
                result = Pass(trouble=str(error), since=lost_at)
            answered = True
            yield result
            if result.idle and until_idle and not self._overlooked():
                return
            clock.sleep(self.wait_seconds(result))

    def _overlooked(self) -> bool:
        """Whether something needs attention that the index does not show yet: an absence there proves nothing.

        What cannot be read or advanced, or belongs to an account that is not ours, is nothing to wait for.
        """
        log = _Log()
        names = [plan.active_execution_id for plan in self._store.list_plans() if plan.active_execution_id]
        active = [name for name in names if self._failures.get(name, 0) < GIVEN_UP_AFTER]
        found = [execution for name in active if (execution := self._load(name, log)) is not None]
        now = self._store.now()
        overlooked = any(is_due(execution, now) and self._reaches(execution) for execution in found)
        return overlooked or (self._outbox is not None and self._outbox.overlooked())

    def _reaches(self, execution: Execution) -> bool:
        try:
            return self._recovery_for(execution.account_id, execution.region) is not None
        except Unavailable:
            return False

    def wait_seconds(self, result: Pass) -> float:
        """How long to wait after a pass, in seconds of the tables' time."""
        if result.next_poll is None:
            return self._ceilings.soon
        return max((result.next_poll - self._store.now()).total_seconds(), 0.0)

    def people(self) -> tuple[ExecutionHeader, ...]:
        """The executions that wait for a person."""
        return tuple(header for header in self._store.find(WAITS_FOR_A_PERSON) if isinstance(header, ExecutionHeader))

    def wake(self, account_id: str, region: str) -> None:
        """Make this place due now: something was started or commanded. A lost wake costs one wait, nothing else."""
        cadence = self._store.get_cadence(account_id, region)
        if cadence is None:
            return
        now = self._store.now()
        if cadence.next_poll > now:
            raised = cadence.model_copy(update={"next_poll": now, "version": cadence.version + 1})
            try:
                self._store.put_cadence(raised, expected=cadence.version)
            except LostRace:
                return

    def sweep_again(self) -> None:
        """Let the next pass sweep: whoever was to be told of what the last sweep found was not."""
        self._next_sweep = None
        self.wake(*SWEEP_KEY)

    # --- finding -----------------------------------------------------------------------------------------------------

    def _find(self, candidates: Iterable[ExecutionHeader | Malformed], log: "_Log") -> Iterator[ExecutionHeader]:
        seen: set[str] = set()
        for found in candidates:
            if isinstance(found, Malformed):
                self._quarantine(found, log)
            elif found.execution_id not in seen and self._is_due(found):
                seen.add(found.execution_id)
                yield found

    def _is_due(self, header: ExecutionHeader) -> bool:
        now = self._store.now()
        return is_due(header, now) or (self._outbox is not None and _has_to_tell(header, now))

    def _indexed(self, since: datetime | None = None) -> Iterator[ExecutionHeader | Malformed]:
        yield from self._store.find(sorted(NEEDS_ATTENTION | WAITS_FOR_A_PERSON), since)

    def _swept(self) -> Iterator[ExecutionHeader | Malformed]:
        if self._sweep_is_due():
            yield from self._store.sweep()

    def _sweep_is_due(self) -> bool:
        now = self._store.now()
        if self._next_sweep is not None and now < self._next_sweep:
            return False
        last = self._store.get_cadence(*SWEEP_KEY)
        self._next_sweep = last.next_poll if last is not None and now < last.next_poll else now + SWEEP_EVERY
        if last is not None and now < last.next_poll:
            return False
        expected = last.version if last else None
        following = Cadence(
            account_id=SWEEP_KEY[0], region=SWEEP_KEY[1], next_poll=now + SWEEP_EVERY, version=(expected or 0) + 1
        )
        try:
            self._store.put_cadence(following, expected=expected)
        except LostRace:
            return False
        return True

    def _quarantine(self, item: Malformed, log: "_Log") -> None:
        self._store.quarantine(item)
        log.quarantined.append(str(item))

    # --- advancing ---------------------------------------------------------------------------------------------------

    def _claim(self, place: Place) -> Cadence | datetime:
        """This pass's claim on a place, or when the next pass there is due."""
        now = self._store.now()
        current = self._mine.pop(place, None)
        if current is None or now < current.next_poll:
            current = self._store.get_cadence(*place)
        following = self._due_later(current, now)
        if following is not None:
            return following
        version = (current.version if current else 0) + 1
        until = now + self._longest
        claim = (
            current.model_copy(update={"next_poll": until, "version": version})
            if current
            else Cadence(account_id=place[0], region=place[1], next_poll=until, version=version)
        )
        try:
            self._store.put_cadence(claim, expected=current.version if current else None)
        except LostRace:
            return now + timedelta(seconds=1)
        return claim

    def _due_later(self, cadence: Cadence | None, now: datetime) -> datetime | None:
        """When a place is due that is not due yet."""
        planned = cadence is not None and now < cadence.next_poll <= now + self._longest * 2
        return cadence.next_poll if cadence is not None and planned else None

    def _release(self, claim: Cadence, live: list[Execution], trouble: str | None) -> tuple[datetime, datetime | None]:
        """Set when the place is due again, unless somebody did meanwhile; that time, and since when it is troubled."""
        now = self._store.now()
        following = now + timedelta(seconds=self._ceilings.soon) if trouble else next_look(live, now, self._ceilings)
        since = (claim.unavailable_since or now) if trouble else None
        update = {"next_poll": following, "version": claim.version + 1, "trouble": trouble, "unavailable_since": since}
        released = claim.model_copy(update=update)
        try:
            self._store.put_cadence(released, expected=claim.version)
        except LostRace:
            return now, since
        self._mine[claim.account_id, claim.region] = released
        return following, since

    def _advance_all(
        self, place: Place, recovery: Recovery, execution_ids: list[str], log: "_Log"
    ) -> tuple[list[Execution], str | None]:
        """The executions as they are afterwards, and what kept DRS from answering.

        What the index still showed although it has ended, or waits for a person who still has time, is left alone; so
        is what was named and is of another place.
        """
        loaded = [
            execution
            for name in execution_ids
            if (execution := self._load(name, log)) is not None and (execution.account_id, execution.region) == place
        ]
        now = self._store.now()
        due = [execution for execution in loaded if is_due(execution, now)]
        look = Look(recovery, taken_at=now)
        try:
            look.take(due)
        except Unavailable as error:
            for execution in due:
                self._engine.show_trouble(execution, error)
            return loaded, str(error)
        turns = Turns(look, lambda execution, room: self._advance(execution, look, room, log), self._store.now)
        for execution in due:
            turns.look_at(execution)
        turns.launch()
        rest = [execution for execution in loaded if not is_due(execution, now)]
        return [*rest, *turns.executions.values()], turns.trouble

    def _advance(self, execution: Execution, look: Look, room: Room, log: "_Log") -> Execution | None:
        """One execution as it is afterwards; None when it cannot be advanced.

        Raises:
            Unavailable: DRS or EC2 could not be asked.
        """
        try:
            return self._engine.advance(execution, look, room)
        except Unavailable:
            raise
        except Malformed as item:
            self._quarantine(item, log)
            log.failed[execution.execution_id] = str(item)
        except Exception as error:
            LOG.exception("execution %s cannot be advanced", execution.execution_id)
            why = f"{type(error).__name__}: {error}"
            log.quarantined.append(f"{execution.execution_id} cannot be advanced: {why}")
            log.failed[execution.execution_id] = why
            self._show_fault(execution, why)
        return None

    def _show_fault(self, execution: Execution, why: str) -> None:
        """Let the execution say it; where the fault is in saying and writing, only the log has it."""
        try:
            self._engine.show_fault(execution, why)
        except Exception:
            LOG.exception("execution %s cannot say what its fault is", execution.execution_id)

    def _load(self, execution_id: str, log: "_Log") -> Execution | None:
        try:
            return self._store.load(execution_id)
        except Malformed as item:
            self._quarantine(item, log)
        except NotFound:
            pass
        return None


def _has_to_tell(header: ExecutionHeader, now: datetime) -> bool:
    """Whether it waits for a person, and somebody is to be told; what is over stands in the outbox."""
    waits = header.status in WAITS_FOR_A_PERSON
    return waits and header.notify_due is not None and header.notify_due <= now


@dataclass
class _Log:
    """What a pass has done so far."""

    advanced: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    barred: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    since: list[datetime] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """By ExecutionId, why it could not be advanced."""

    def result(self, given_up: Mapping[str, str]) -> Pass:
        """The pass as its caller sees it."""
        return Pass(
            advanced=tuple(self.advanced),
            waiting=tuple(self.waiting),
            quarantined=tuple(dict.fromkeys(self.quarantined)),
            given_up=given_up,
            elsewhere=tuple(self.elsewhere),
            barred=tuple(self.barred),
            trouble="; ".join(dict.fromkeys(self.troubles)) or None,
            since=min(self.since, default=None),
            executions=self.executions,
            next_poll=min(self.times, default=None),
        )


def describe(result: Pass) -> str:
    """A pass in one line, for a log."""
    parts = [f"{len(result.advanced)} advanced", f"{len(result.waiting)} not due"]
    parts += [f"{len(result.quarantined)} quarantined: {'; '.join(result.quarantined)}"] if result.quarantined else []
    parts += [f"{len(result.elsewhere)} of other accounts"] if result.elsewhere else []
    parts += [f"{len(result.barred)} that this worker cannot drive now"] if result.barred else []
    since = f" since {moment(result.since)}" if result.since else ""
    parts += [f"waiting for AWS{since}: {result.trouble.rstrip('.')}"] if result.trouble else _refusals(result)
    parts += [f"next at {moment(result.next_poll)}"] if result.next_poll else []
    return ", ".join(parts)


def _refusals(result: Pass) -> list[str]:
    """What AWS refuses of executions for now, each refusal once."""
    texts = [part for one in result.executions.values() for part in (one.waiting_for or "").split("; ")]
    return [f"waiting for {text}" for text in dict.fromkeys(texts) if text.startswith("AWS since ")]
