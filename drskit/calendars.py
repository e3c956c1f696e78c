"""Cron expressions in the words of other schedulers, or the reason why those have no words for them."""

from collections.abc import Callable, Iterable
from itertools import pairwise

from drskit.cron import DAYS, Cron
from drskit.errors import InvalidInput

EVERY_DAY = frozenset(range(1, 32))
EVERY_WEEKDAY = frozenset(range(7))
EVERY_MONTH = frozenset(range(1, 13))


def on_calendar(cron: Cron) -> tuple[str, ...]:
    """Systemd's `OnCalendar=`, a line for each way in which a day can fit."""
    zone = f" {cron.zone_name}" if cron.zone_name else ""
    months = _compact(cron.months, EVERY_MONTH, "..", "{:02d}")
    hours = _compact(cron.hours, frozenset(range(24)), "..", "{:02d}")
    minutes = _compact(cron.minutes, frozenset(range(60)), "..", "{:02d}")
    lines = []
    for days, weekdays in _ways(cron):
        names = "" if weekdays == EVERY_WEEKDAY else f"{_week(weekdays, '..', str.capitalize)} "
        date = f"*-{months}-{_compact(days, EVERY_DAY, '..', '{:02d}')}"
        lines.append(f"{names}{date} {hours}:{minutes}:00{zone}")
    return tuple(lines)


def aws_cron(cron: Cron) -> str:
    """The `cron(…)` of EventBridge, where one of the fields of days is a question mark.

    Raises:
        InvalidInput: it needs both.
    """
    ways = _ways(cron)
    if len(ways) > 1:
        raise InvalidInput(
            f"{cron.text!r} fits by the day of the month or by the day of the week, and EventBridge takes one of them. "
            f"Make two schedules: {_without(cron, 4)!r} and {_without(cron, 2)!r}; what is due on both is one drill."
        )
    ((days, weekdays),) = ways
    if days != EVERY_DAY and weekdays != EVERY_WEEKDAY:
        raise InvalidInput(
            f"{cron.text!r} needs the day of the month and the day of the week at once, and EventBridge takes one of "
            "them. Choose one, or another scheduler."
        )
    date = _compact(days, EVERY_DAY, "-", "{}") if weekdays == EVERY_WEEKDAY else "?"
    week = "?" if weekdays == EVERY_WEEKDAY else _week(weekdays, "-", str.upper)
    times = (
        _compact(cron.minutes, frozenset(range(60)), "-", "{}"), _compact(cron.hours, frozenset(range(24)), "-", "{}"),
    )  # fmt: skip
    return f"cron({times[0]} {times[1]} {date} {_compact(cron.months, EVERY_MONTH, '-', '{}')} {week} *)"


def croniter(cron: Cron) -> str:
    """The expression for Jupyter Scheduler, whose library takes two fields of days for alternatives.

    Raises:
        InvalidInput: both must fit.
    """
    ways = _ways(cron)
    if len(ways) == 1 and ways[0][0] != EVERY_DAY and ways[0][1] != EVERY_WEEKDAY:
        raise InvalidInput(
            f"{cron.text!r} needs the day of the month and the day of the week at once, and Jupyter Scheduler takes "
            "them for alternatives. Choose one, or another scheduler."
        )
    if len(ways) > 1:
        return cron.text
    words = cron.text.split()
    words[2] = "*" if ways[0][0] == EVERY_DAY else words[2]
    words[4] = "*" if ways[0][1] == EVERY_WEEKDAY else words[4]
    return " ".join(words)


def _ways(cron: Cron) -> tuple[tuple[frozenset[int], frozenset[int]], ...]:
    """How a day can fit: the days of the month with the days of the week, all of one pair at once."""
    if not cron.either:
        return ((cron.days, cron.weekdays),)
    if cron.days == EVERY_DAY or cron.weekdays == EVERY_WEEKDAY:
        return ((EVERY_DAY, EVERY_WEEKDAY),)
    return (EVERY_DAY, cron.weekdays), (cron.days, EVERY_WEEKDAY)


def _without(cron: Cron, position: int) -> str:
    """The expression with any value for one of its fields."""
    words = cron.text.split()
    words[position] = "*"
    return " ".join(words)


def _compact(values: frozenset[int], every: frozenset[int], dash: str, form: str) -> str:
    """Numbers as a star, as steps to the end of the field, or as a list of numbers and ranges."""
    if values == every:
        return "*"
    ordered = sorted(values)
    steps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(ordered) > 2 and len(steps) == 1 and steps != {1} and ordered[-1] + max(steps) > max(every):
        return f"{form.format(ordered[0])}/{max(steps)}"
    return _listed(ordered, dash, form.format)


def _week(weekdays: frozenset[int], dash: str, case: Callable[[str], str]) -> str:
    """Days of the week by name: to AWS a week begins on Sunday, to systemd on Monday."""
    first = 0 if dash == "-" else 1
    places = sorted((day - first) % 7 for day in weekdays)
    return _listed(places, dash, lambda place: case(DAYS[(place + first) % 7]))


def _listed(ordered: Iterable[int], dash: str, form: Callable[[int], str]) -> str:
    """Numbers as a list, with three and more neighbours as a range."""
    runs: list[list[int]] = []
    for value in ordered:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    parts: list[str] = []
    for run in runs:
        parts += [f"{form(run[0])}{dash}{form(run[-1])}"] if len(run) > 2 else map(form, run)
    return ",".join(parts)
