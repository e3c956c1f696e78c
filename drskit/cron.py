"""Cron expressions: which times they mean, and the slot that a scheduled run is for.

A slot is one scheduled time. Whatever runs twice for it, because a scheduler
delivers twice, a machine comes back late or a person tries again, names the
same slot, and so finds the same execution.

Five fields as Debian's cron reads them: names, lists, ranges and steps; the two
fields of days are alternatives unless one of them begins with a star.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from drskit.errors import InvalidInput, MissingExtra

ZONE_MARK = "CRON_TZ="
"""Stands before an expression whose time zone is not the machine's own, as in cronie."""
LOCALTIME = Path("/etc/localtime")
EXAMPLE = 'Write five fields, such as "0 3 * * 1": minute, hour, day of month, month, day of week'
WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


@dataclass(frozen=True)
class Field:
    """One of the five fields: what it may hold."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def number(self, word: str) -> int | None:
        """The value of a word; None when the field has no such value."""
        if word.upper() in self.names:
            return self.names.index(word.upper()) + (1 if self.least == 1 else 0)
        value = int(word) if word.isascii() and word.isdigit() else -1
        return value if self.least <= value <= self.most else None


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 7, DAYS),
)


@dataclass(frozen=True)
class Cron:
    """A cron expression, understood."""

    text: str
    """The five fields with numbers in the place of names, which every cron reads."""
    zone: tzinfo
    zone_name: str | None
    """The zone by its name; None for the machine's own."""
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Whether a day needs to fit only one of `days` and `weekdays`."""

    @property
    def whole(self) -> str:
        """The expression with its zone, from which the same times can be read on any machine."""
        return self.text if self.zone_name is None else f"{ZONE_MARK}{self.zone_name} {self.text}"

    def upcoming(self, after: datetime, count: int) -> tuple[datetime, ...]:
        """The next times, in UTC."""
        return tuple(islice(self._times(after), count))

    def latest(self, now: datetime) -> datetime:
        """The last time that is due at `now`, in UTC.

        Where clocks are set back an hour comes twice; what was due in its first half is due in its second.
        """
        from cronsim import CronSim

        second = now.astimezone(self.zone).replace(microsecond=0)
        before: datetime = next(CronSim(self._spelt, second + timedelta(seconds=1), reverse=True)).astimezone(UTC)
        for time in self._times(before):
            if time > now:
                break
            before = time
        return before

    @property
    def _spelt(self) -> str:
        """The expression with each range as a list: cronsim takes 20-20/1 for 20-59."""
        held = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        fields = zip(self.text.split(), held, strict=True)
        return " ".join(word if word[0] == "*" else ",".join(map(str, sorted(values))) for word, values in fields)

    def _times(self, after: datetime) -> Iterator[datetime]:
        from cronsim import CronSim

        for time in CronSim(self._spelt, after.astimezone(self.zone)):
            yield time.astimezone(UTC)


def parse_cron(text: str, *, zone_name: str | None = None, local: tzinfo = UTC) -> Cron:
    """Read a cron expression.

    Args:
        text: five fields or a word such as @daily; `CRON_TZ=Zone` may stand before it.
        zone_name: an IANA time zone, where none stands before it.
        local: the zone of an expression that names none.

    Raises:
        InvalidInput: it is no cron expression, or one that is never due.
        MissingExtra: cronsim is not installed.
    """
    named, words = _zone_and_words(text)
    if len(words) != 5:
        raise InvalidInput(f"{text!r} is no cron expression: its fields are {len(words)}. {EXAMPLE}.")
    parsed = [_field(text, field, word) for field, word in zip(FIELDS, words, strict=True)]
    minutes, hours, days, months, weekdays = (values for values, _ in parsed)
    name = zone_name if named is None else named
    zone = local if name is None else find_zone(name)
    cron = Cron(
        text=" ".join(written for _, written in parsed), zone=zone, zone_name=name,
        minutes=minutes, hours=hours, days=days, months=months, weekdays=frozenset(day % 7 for day in weekdays),
        either=not (words[2].startswith("*") or words[4].startswith("*")),
    )  # fmt: skip
    _refuse_never(text, cron)
    return cron


def _zone_and_words(text: str) -> tuple[str | None, list[str]]:
    words = text.split()
    zone = words.pop(0).removeprefix(ZONE_MARK) if words and words[0].startswith(ZONE_MARK) else None
    if len(words) == 1 and words[0].lower() in WORDS:
        words = WORDS[words[0].lower()].split()
    return zone, words


def _field(text: str, field: Field, written: str) -> tuple[frozenset[int], str]:
    """The values of a field, and the field in numbers."""
    found: set[int] = set()
    parts = []
    for part in written.split(","):
        match = PART.fullmatch(part)
        values = _values(field, match) if match else None
        if match is None or values is None:
            raise InvalidInput(f"{text!r} is no cron expression: {_fault(field, part)}. {EXAMPLE}.")
        found |= set(values)
        parts.append(_numbers(field, match))
    return frozenset(found), ",".join(parts)


def _values(field: Field, match: re.Match[str]) -> range | None:
    """What a part of a field means; None when it means nothing."""
    step = int(match["step"] or 1)
    if match["first"] == "*":
        return None if match["last"] or not step else range(field.least, field.most + 1, step)
    first = field.number(match["first"])
    last = field.number(match["last"]) if match["last"] else first
    if first is None or last is None or last < first or not step or (match["step"] and not match["last"]):
        return None
    return range(first, last + 1, step)


def _numbers(field: Field, match: re.Match[str]) -> str:
    """A part of a field with numbers for names: not every cron reads names in lists and ranges."""
    words = [word if word == "*" else str(field.number(word)) for word in (match["first"], match["last"]) if word]
    return "-".join(words) + (f"/{match['step']}" if match["step"] else "")


def _fault(field: Field, part: str) -> str:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return (
        f"{part!r} is no {field.name}, which is {field.least} to {field.most}{names}, a range such as "
        f"{field.least}-{field.most}, or a step such as */2"
    )


def _refuse_never(text: str, cron: Cron) -> None:
    try:
        from cronsim import CronSimError
    except ImportError as error:
        raise MissingExtra("A schedule", "kit", "cronsim") from error
    try:
        cron.upcoming(datetime(2000, 1, 1, tzinfo=UTC), 1)[0]
    except (CronSimError, IndexError) as error:
        raise InvalidInput(f"{text!r} is never due: no month of it has such a day. Correct it.") from error


# --- zones and slots -------------------------------------------------------------------------------------------------


def find_zone(name: str) -> tzinfo:
    """A time zone by its name.

    Raises:
        InvalidInput: there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise InvalidInput(f"{name!r} is no time zone. Write one such as UTC or Europe/Zurich.") from error


def local_zone(variable: str | None) -> tzinfo:
    """The machine's own time zone, as its cron has it.

    Args:
        variable: what the environment says as `TZ`, if anything.

    Raises:
        InvalidInput: it says what is no time zone.
    """
    if variable:
        return find_zone(variable.removeprefix(":"))
    if not LOCALTIME.exists():
        return UTC
    with LOCALTIME.open("rb") as file:
        return ZoneInfo.from_file(file, key="local")


def slot_key(text: str, now: datetime, local: tzinfo) -> str:
    """The slot that a text means, as the key of its execution: a UTC time.

    Args:
        text: a scheduled time in ISO 8601 with its offset, or a cron expression, whose latest due time it is.
        now: the present.
        local: the zone of a cron expression that names none.

    Raises:
        InvalidInput: it is neither.
    """
    slot = _iso_time(text) or parse_cron(text, local=local).latest(now)
    return f"{slot.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _iso_time(text: str) -> datetime | None:
    """A time with its offset; None for what looks like none."""
    if not re.match(r"\d{4}-?\d\d-?\d\d[T ]", text):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no time: {error}. Write for example 2026-03-02T03:00:00Z.") from error
    if time.tzinfo is None:
        raise InvalidInput(f"{text!r} does not say in which time zone. End it in Z, or in an offset such as +01:00.")
    return time
