"""How single values are written in a runbook: durations, names, words that come later.

Each type refuses what it does not take in a sentence that says what to write
instead; `runbook.py` adds the file, the line and the key.
"""

import re
from datetime import time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

DURATION = re.compile(r"P(?=\d|T\d)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
LONGEST = timedelta(days=365)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
GROUP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""Without dots: else group `c` of plan `a.b` and group `b.c` of plan `a` would be one GroupId."""
WAVE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]{0,63}")
REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
MAX_SERVERS = 3_000


def matching(pattern: re.Pattern[str], remedy: str) -> BeforeValidator:
    """A word of this pattern, and nothing else."""

    def check(value: object) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise PydanticCustomError("pattern", "{remedy}", {"remedy": remedy})
        return value

    return BeforeValidator(check)


WHOLE = matching(re.compile(r"\d{1,5}"), "write a whole number")


def duration(value: object) -> timedelta:
    """An ISO-8601 duration of at most a year."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not DURATION.fullmatch(value):
        raise PydanticCustomError("duration", "this is no ISO-8601 duration; write for example PT45M or PT1H30M")
    try:
        span = TypeAdapter(timedelta).validate_python(value)
    except ValidationError:  # more than a timedelta can hold
        span = timedelta.max
    if span > LONGEST:
        raise PydanticCustomError("duration", "this is longer than a year; write for example PT45M or P1D")
    return span


def positive(value: object) -> timedelta:
    """The same, and longer than nothing."""
    span = duration(value)
    if span <= timedelta(0):
        raise PydanticCustomError("duration", "the duration must be longer than nothing; write for example PT45M")
    return span


def filled(remedy: str) -> BeforeValidator:
    """A key that stands in the file says something: nothing at all would be taken for what it is not."""

    def check(value: object) -> object:
        if value in (None, [], {}):
            raise PydanticCustomError("empty", "nothing stands here; {remedy}", {"remedy": remedy})
        return value

    return BeforeValidator(check)


def later(what: str) -> BeforeValidator:
    """A key that later versions will understand; only nothing may stand there."""

    def refuse(value: object) -> object:
        if value in (None, [], {}):
            return None
        raise PydanticCustomError("later", "{what} is not supported yet; remove the key", {"what": what})

    return BeforeValidator(refuse)


def _time_of_day(value: object) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not TIME.fullmatch(value):
        raise PydanticCustomError("time", "this is no time of day; write for example 22:00")
    return time(0) if value == "24:00" else time.fromisoformat(value)


def _time_zone(value: object) -> str:
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # an odd name is a path that cannot be read
        raise PydanticCustomError("zone", "there is no such time zone; write for example Europe/Berlin") from None


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
TimeZone = Annotated[str, BeforeValidator(_time_zone)]
Duration = Annotated[timedelta, BeforeValidator(positive)]
Name = Annotated[
    str, matching(NAME, "write a name of lower-case letters, digits, dots, dashes and underscores, at most 63")
]
GroupName = Annotated[
    str, matching(GROUP_NAME, "write a name of lower-case letters, digits, dashes and underscores, at most 63")
]
WaveName = Annotated[
    str,
    matching(
        WAVE_NAME, "write a name of letters, digits, spaces and _.:/=+@-, at most 64, starting with a letter or digit"
    ),
]
RegionName = Annotated[str, matching(REGION, "write an AWS Region such as us-west-2")]
