"""The finder and the poller.

The finder asks the StatusIndex which executions need attention; the poller
advances each, one listing of jobs per account and Region for all of them. The
index is a hint: every execution is read again, consistently, before anything is
done, and a sweep finds what the index lost. Any number of pollers may run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drskit.cadence import Ceilings, next_look
from drskit.clock import Clock
from drskit.engine import Engine, Look
from drskit.errors import LostRace, Malformed, NotFound, Unavailable
from drskit.model import Cadence, Execution, ExecutionHeader, utc
from drskit.ports import Recovery, Store
from drskit.states import NEEDS_ATTENTION, WAITS_FOR_A_PERSON

SWEEP_EVERY = timedelta(minutes=15)
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
    """Items that cannot be read, with the reason."""
    elsewhere: tuple[str, ...] = ()
    """ExecutionIds of accounts that this worker cannot reach."""
    trouble: str | None = None
    """What kept DRS from answering; nothing was lost."""
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
        self, store: Store, engine: Engine, recovery_for: RecoveryFor, *, ceilings: Ceilings | None = None
    ) -> None:
        """Make a poller over a store and an engine; `recovery_for` opens the way to DRS."""
        self._store = store
        self._engine = engine
        self._recovery_for = recovery_for
        self._ceilings = ceilings or Ceilings()
        self._mine: dict[Place, Cadence] = {}
        """The cadences as this worker last wrote them: a hint that saves a read, never a reason to skip a condition."""
        self._next_sweep: datetime | None = None

    def run_pass(self) -> Pass:
        """Find what needs attention, and advance what is due.

        Raises:
            Unavailable: the tables cannot be reached.
        """
        quarantined: list[str] = []
        places: dict[Place, list[str]] = {}
        for header in self._find(quarantined):
            places.setdefault((header.account_id, header.region), []).append(header.execution_id)
        advanced: list[str] = []
        waiting: list[str] = []
        elsewhere: list[str] = []
        troubles: list[str] = []
        times: list[datetime] = []
        executions: dict[str, Execution] = {}
        for place, execution_ids in places.items():
            recovery = self._recovery_for(*place)
            if recovery is None:
                elsewhere += execution_ids
                continue
            claim = self._claim(place)
            if isinstance(claim, datetime):
                waiting += execution_ids
                times.append(claim)
                continue
            live, trouble = self._advance_all(recovery, execution_ids, quarantined)
            advanced += execution_ids
            executions |= {execution.execution_id: execution for execution in live}
            troubles += [trouble] if trouble else []
            following = self._release(claim, live, trouble)
            times += [following] if any(execution.status in NEEDS_ATTENTION for execution in live) else []
        return Pass(
            advanced=tuple(advanced),
            waiting=tuple(waiting),
            quarantined=tuple(dict.fromkeys(quarantined)),
            elsewhere=tuple(elsewhere),
            trouble="; ".join(dict.fromkeys(troubles)) or None,
            executions=executions,
            next_poll=min(times, default=None),
        )

    def follow(self, clock: Clock, *, until_idle: bool = False) -> Iterator[Pass]:
        """Poll again and again, sleeping by the clock until the next pass is due.

        Args:
            clock: whose time is slept; the tables' time decides.
            until_idle: end when nothing is left but decisions of people.
        """
        while True:
            result = self.run_pass()
            yield result
            if result.idle and until_idle:
                return
            clock.sleep(self.wait_seconds(result))

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

    # --- finding -----------------------------------------------------------------------------------------------------

    def _find(self, quarantined: list[str]) -> Iterator[ExecutionHeader]:
        seen: set[str] = set()
        for found in self._candidates():
            if isinstance(found, Malformed):
                self._quarantine(found, quarantined)
            elif found.execution_id not in seen and found.status in NEEDS_ATTENTION:
                seen.add(found.execution_id)
                yield found

    def _candidates(self) -> Iterator[ExecutionHeader | Malformed]:
        yield from self._store.find(sorted(NEEDS_ATTENTION))
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

    def _quarantine(self, item: Malformed, quarantined: list[str]) -> None:
        self._store.quarantine(item)
        quarantined.append(str(item))

    # --- advancing ---------------------------------------------------------------------------------------------------

    def _claim(self, place: Place) -> Cadence | datetime:
        """This pass's claim on a place, or when the next pass there is due."""
        now = self._store.now()
        current = self._mine.pop(place, None)
        if current is None or now < current.next_poll:
            current = self._store.get_cadence(*place)
        if current is not None and now < current.next_poll:
            return current.next_poll
        version = (current.version if current else 0) + 1
        until = now + timedelta(seconds=self._ceilings.converting)
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

    def _release(self, claim: Cadence, live: list[Execution], trouble: str | None) -> datetime:
        """Set when the place is due again; what somebody set meanwhile stands."""
        now = self._store.now()
        following = now + timedelta(seconds=self._ceilings.soon) if trouble else next_look(live, now, self._ceilings)
        since = (claim.unavailable_since or now) if trouble else None
        update = {"next_poll": following, "version": claim.version + 1, "trouble": trouble, "unavailable_since": since}
        released = claim.model_copy(update=update)
        try:
            self._store.put_cadence(released, expected=claim.version)
        except LostRace:
            return now
        self._mine[claim.account_id, claim.region] = released
        return following

    def _advance_all(
        self, recovery: Recovery, execution_ids: list[str], quarantined: list[str]
    ) -> tuple[list[Execution], str | None]:
        """The executions as they are afterwards, and what kept DRS from answering."""
        executions = [execution for name in execution_ids if (execution := self._load(name, quarantined)) is not None]
        look = Look(recovery)
        trouble: str | None = None
        try:
            look.take(executions)
        except Unavailable as error:
            trouble = self._show_all(executions, error)
            return executions, trouble
        live = []
        for execution in executions:
            try:
                live.append(self._engine.advance(execution, look))
            except Unavailable as error:
                trouble = trouble or str(error)
                live.append(execution)
            except Malformed as item:
                self._quarantine(item, quarantined)
        return live, trouble

    def _show_all(self, executions: list[Execution], error: Unavailable) -> str:
        for execution in executions:
            self._engine.show_trouble(execution, error)
        return str(error)

    def _load(self, execution_id: str, quarantined: list[str]) -> Execution | None:
        try:
            return self._store.load(execution_id)
        except Malformed as item:
            self._quarantine(item, quarantined)
        except NotFound:
            pass
        return None


def describe(result: Pass) -> str:
    """A pass in one line, for a log."""
    parts = [f"{len(result.advanced)} advanced", f"{len(result.waiting)} not due"]
    parts += [f"{len(result.quarantined)} quarantined: {'; '.join(result.quarantined)}"] if result.quarantined else []
    parts += [f"{len(result.elsewhere)} of other accounts"] if result.elsewhere else []
    parts += [f"waiting for AWS: {result.trouble}"] if result.trouble else []
    parts += [f"next at {utc(result.next_poll)}"] if result.next_poll else []
    return ", ".join(parts)
