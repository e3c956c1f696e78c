"""Values as people read them, and text from outside made harmless: spans, times, numbers, lines."""

import re
from datetime import datetime, timedelta

INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control, bidirectional and zero-width characters, and lone surrogates: they can rewrite what a reader sees."""


def span(value: timedelta | None) -> str:
    """A duration for people: `42 s`, `18 min 04 s`, `45 min`, `1 h 02 min`; `-` for none."""
    if value is None:
        return "-"
    seconds = round(value.total_seconds())
    if seconds < 0:
        return f"-{span(-value)}"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    rest = f" {seconds:02d} s" if seconds else ""
    if hours:
        return f"{hours} h {minutes:02d} min{rest}"
    return f"{minutes} min{rest}" if minutes else f"{seconds} s"


def roughly(value: timedelta) -> str:
    """A duration as nobody knows it better: `less than a minute`, `9 min`, `1 h 05 min`."""
    minutes = round(value.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def age(value: timedelta) -> str:
    """How long something has lasted, roughly: `3 d 2 h`, `2 h 05 min`, `7 min`, `40 s`."""
    seconds = max(int(value.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def clock(value: datetime | None) -> str:
    """A time of day in UTC: `19:24:35Z`; `-` for none."""
    return "-" if value is None else value.strftime("%H:%M:%SZ")


def moment(value: datetime | None) -> str:
    """A day and time in UTC: `2022-12-07 19:24:35Z`; `-` for none."""
    return "-" if value is None else value.strftime("%Y-%m-%d %H:%M:%SZ")


def plain(text: str) -> str:
    """The text on one line, without characters that steer a terminal or turn the reading direction."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """The text with its lines, without characters that steer a terminal or turn the reading direction."""
    return INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n"))


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters of the text, and how many are left out."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]} … ({left_out} more characters)"


def counted(count: int, noun: str) -> str:
    """A number with its noun: `1 server`, `2 servers`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
