"""Freeze calendars: the iCalendar file that a runbook names, as spans in which nothing may start.

Repeating events count with every repetition, cancelled and transparent ones do
not (RFC 5545: STATUS, TRANSP). Times that name no zone, and whole days, count
by the plan's time zone. A calendar that cannot be read refuses the start: it is
never taken for an empty one.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from drskit.change import HORIZON, Freeze
from drskit.errors import InvalidRunbook, MissingExtra
from drskit.model import Runbook

MOST_BYTES = 5_000_000
TITLE_CHARACTERS = 120


def freezes_of(runbook: Runbook, now: datetime) -> tuple[Freeze, ...]:
    """The spans of the runbook's freeze calendar that are not over, as far ahead as windows are looked for.

    Raises:
        InvalidRunbook: there is no such file beside the runbook, or it is no calendar.
        MissingExtra: the packages that read calendars are not installed.
    """
    control = runbook.plan.change
    if control is None or control.freeze is None:
        return ()
    path = Path(runbook.source).parent / control.freeze
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _complaint(runbook, f"{path} is larger than {MOST_BYTES:,} bytes; keep the coming events only.")
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"the calendar {path} cannot be read: {reason}. Put the file there, or correct its name."
        raise _complaint(runbook, message) from error
    try:
        return tuple(_spans(content, now, ZoneInfo(control.timezone)))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        message = f"{path} is no iCalendar file that can be read ({error}). Export the calendar again as .ics."
        raise _complaint(runbook, message) from error


def _complaint(runbook: Runbook, message: str) -> InvalidRunbook:
    return InvalidRunbook((runbook.complaint("change.freeze", message),))


def _spans(content: bytes, now: datetime, zone: ZoneInfo) -> list[Freeze]:
    try:
        import icalendar
        import recurring_ical_events
    except ImportError as error:
        raise MissingExtra("A freeze calendar", "kit", str(error.name)) from error
    calendar = icalendar.Calendar.from_ical(content)
    if calendar.name != "VCALENDAR":
        message = f"it begins with {calendar.name}"
        raise ValueError(message)
    events = recurring_ical_events.of(calendar).between(now - timedelta(days=1), now + HORIZON)
    spans = [_span(event, zone) for event in events if _counts(event)]
    return sorted((span for span in spans if span.end > now), key=lambda span: (span.begin, span.end, span.title))


def _counts(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() != "CANCELLED" and str(event.get("TRANSP", "")).upper() != "TRANSPARENT"


def _span(event: Any, zone: ZoneInfo) -> Freeze:
    title = " ".join(str(event.get("SUMMARY", "a freeze")).split())[:TITLE_CHARACTERS]
    return Freeze(_instant(event.start, zone), _instant(event.end, zone), title)


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    """A calendar's time as an instant in UTC; a date is its midnight."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=zone)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(ZoneInfo("UTC"))
