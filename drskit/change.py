"""Change control: when a plan may be started, and under which ticket.

Pure: the rules of a plan, the spans of its freeze calendar and a time go in, a
judgement comes out. A start that is not allowed is refused with the next time
at which it would be; somebody may override that with a reason, and the reason
stays with the execution. What has begun is never stopped by a window's end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drskit.errors import ChangeRefused
from drskit.model import ChangeControl, ChangeRecord, Decision, Ticket, Weekday, Window
from drskit.texts import moment, plain

HORIZON = timedelta(days=400)
"""How far ahead a next window is looked for: a yearly one is found."""
WEEK = tuple(Weekday)


@dataclass(frozen=True)
class Freeze:
    """A span of the freeze calendar: nothing starts from `begin` until before `end`."""

    begin: datetime
    end: datetime
    title: str


@dataclass(frozen=True)
class Judgement:
    """Whether a start is allowed at a time, and why not."""

    at: datetime
    ticket: str | None
    within: str | None
    """The window that is open; None where none is, or where the plan has none."""
    against: tuple[str, ...]
    """What speaks against it, a sentence part each; empty when it is allowed."""
    next_start: datetime | None
    """When it would be allowed by the calendar; None when it is now, or within `HORIZON` never."""

    @property
    def allowed(self) -> bool:
        """Nothing speaks against it."""
        return not self.against


def judge(control: ChangeControl, freezes: Iterable[Freeze], now: datetime, ticket: str | None) -> Judgement:
    """Whether the plan may be started now under this ticket."""
    frozen, ticket = tuple(freezes), plain(ticket or "") or None
    window = next((window for window in control.windows if _inside(window, control, now)), None)
    against = []
    if control.ticket is Ticket.REQUIRED and not ticket:
        against.append("a change ticket is required, and none was named")
    if control.windows and window is None:
        windows = "; ".join(words(window) for window in control.windows)
        against.append(f"it is {_local(control, now)}, outside of the windows {windows} ({control.timezone})")
    against += [f"{freeze.title!r} freezes changes until {moment(freeze.end)}" for freeze in _lasting(frozen, now)]
    start = _next_start(control, frozen, now)
    return Judgement(
        at=now, ticket=ticket, within=words(window) if window else None, against=tuple(against),
        next_start=None if start == now else start,
    )  # fmt: skip


def permitted(plan_id: str, judgement: Judgement, *, override: str | None, by: str) -> ChangeRecord:
    """What the execution keeps of its change control.

    Raises:
        ChangeRefused: it is not allowed, and nobody overrides that.
    """
    if judgement.allowed:
        return ChangeRecord(ticket=judgement.ticket, window=judgement.within)
    if override and plain(override):
        decision = Decision(by=by, at=judgement.at, reason=override.strip())
        return ChangeRecord(
            ticket=judgement.ticket, window=judgement.within, against=judgement.against, overridden=decision
        )
    raise ChangeRefused(f"Plan {plan_id} must not be started now: {'; '.join(judgement.against)}. {advice(judgement)}")


def advice(judgement: Judgement) -> str:
    """What to do about a start that is not allowed."""
    steps = []
    if not judgement.ticket and any("ticket" in text for text in judgement.against):
        steps.append("Name the ticket with --ticket.")
    elif judgement.next_start:
        steps.append(f"Start it at {moment(judgement.next_start)} or later while that window lasts.")
    else:
        days = HORIZON.days
        steps.append(f"No window opens within {days} days; mend `change` in the runbook.")
    return " ".join([*steps, "Where it cannot wait, --override REASON starts it, and the report shows the reason."])


def told(record: ChangeRecord) -> str:
    """How an execution was started by its plan's change control, in a sentence."""
    ticket = f"under ticket {record.ticket}" if record.ticket else "without a ticket"
    if record.overridden is None:
        return f"Started {ticket}, {f'in the window {record.window}' if record.window else 'at a time of no window'}."
    decision = record.overridden
    return (
        f"Started {ticket} AGAINST its change control ({'; '.join(record.against)}), overridden by {decision.by} "
        f"at {moment(decision.at)}: {decision.reason}"
    )


def words(window: Window) -> str:
    """A window as people read it, in the plan's time zone."""
    days = ", ".join(day.value for day in window.days) if window.days else "every day"
    until = f"{window.until:%H:%M}" if window.until != time(0) else "24:00"
    return f"{days} {window.start:%H:%M}-{until}"


def _local(control: ChangeControl, at: datetime) -> str:
    """A time as the plan's people read it: weekday and time of day."""
    there = at.astimezone(ZoneInfo(control.timezone))
    return f"{WEEK[there.weekday()].value} {there:%Y-%m-%d %H:%M}"


def _openings(
    window: Window, control: ChangeControl, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Each opening of the window that touches the span, in UTC; one over midnight belongs to the day it begins on."""
    zone = ZoneInfo(control.timezone)
    day = begin.astimezone(zone).date() - timedelta(days=1)
    last = end.astimezone(zone).date()
    while day <= last:
        if not window.days or WEEK[day.weekday()] in window.days:
            until = day if window.until > window.start else day + timedelta(days=1)
            opens = datetime.combine(day, window.start, zone).astimezone(UTC)
            closes = datetime.combine(until, window.until, zone).astimezone(UTC)
            if closes > begin and opens <= end and closes > opens:
                yield opens, closes
        day += timedelta(days=1)


def _inside(window: Window, control: ChangeControl, at: datetime) -> bool:
    return any(opens <= at < closes for opens, closes in _openings(window, control, at, at))


def _lasting(freezes: Iterable[Freeze], at: datetime) -> list[Freeze]:
    return [freeze for freeze in freezes if freeze.begin <= at < freeze.end]


def _next_start(control: ChangeControl, freezes: tuple[Freeze, ...], now: datetime) -> datetime | None:
    """The first time from now on at which a window is open and no freeze lasts; None within `HORIZON`."""
    end = now + HORIZON
    moments = {now, *(freeze.end for freeze in freezes if now < freeze.end <= end)}
    openings = [opening for window in control.windows for opening in _openings(window, control, now, end)]
    moments |= {opens for opens, _ in openings if opens > now}

    def allows(at: datetime) -> bool:
        opened = not control.windows or any(opens <= at < closes for opens, closes in openings)
        return opened and not _lasting(freezes, at)

    return min(filter(allows, moments), default=None)
