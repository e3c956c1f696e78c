"""The words, glyphs and colours in which people see an execution.

One vocabulary for notebook, terminal and report. A status is always a glyph and
a word on a background of its own, never colour alone, so that it can be read in
a light and a dark page, in print, and by those who see no colour.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drskit.model import Mode, Phase

INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control, bidirectional and zero-width characters, and lone surrogates: they can rewrite what a reader sees."""


class Tone(StrEnum):
    """What a status means to the person on call."""

    GOOD = "good"
    BAD = "bad"
    WAIT = "wait"
    BUSY = "busy"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Badge:
    """How a status is shown."""

    tone: Tone
    glyph: str
    word: str


COLOURS: dict[Tone, tuple[str, str]] = {
    Tone.GOOD: ("#0b6b4d", "#ffffff"),
    Tone.BAD: ("#a82a00", "#ffffff"),
    Tone.WAIT: ("#ffd166", "#1b1b1b"),
    Tone.BUSY: ("#0b5cad", "#ffffff"),
    Tone.IDLE: ("#5c6370", "#ffffff"),
    Tone.UNKNOWN: ("#6b4e9b", "#ffffff"),
}
"""Background and foreground; each pair has a contrast of at least 4.5 to 1."""

MODE_COLOURS: dict[Mode, tuple[str, str]] = {
    Mode.SIMULATED: ("#3f3a8c", "#ffffff"),
    Mode.REAL: ("#7d1128", "#ffffff"),
}

MODE_WORDS: dict[Mode, str] = {
    Mode.SIMULATED: "drskit's simulator answered; nothing was launched in AWS.",
    Mode.REAL: "AWS Elastic Disaster Recovery itself answered.",
}

FAST_WORDS = (
    "Fast: a launch without a known outcome is repeated within about a minute, and only DRS's refusal of busy servers "
    "prevents a second job then."
)

MODE_WORDS_NOW: dict[Mode, str] = {
    Mode.SIMULATED: "drskit's simulator answers; nothing is launched in AWS.",
    Mode.REAL: "AWS Elastic Disaster Recovery itself answers; what it launches runs in AWS and costs money.",
}

PHASE_COLOURS: dict[Phase, str] = {
    Phase.CLEANUP: "#8a6d3b",
    Phase.SNAPSHOT: "#b0489c",
    Phase.CONVERSION: "#2f7fd0",
    Phase.LAUNCH: "#128a63",
}

BADGES: dict[str, tuple[Tone, str]] = {
    "PENDING": (Tone.IDLE, "○"),
    "POLLING": (Tone.BUSY, "◐"),
    "PAUSED": (Tone.WAIT, "‖"),
    "CANCELLING": (Tone.WAIT, "◐"),
    "COMPLETED": (Tone.GOOD, "✔"),
    "PARTIAL": (Tone.BAD, "✖"),
    "FAILED": (Tone.BAD, "✖"),
    "TIMED_OUT": (Tone.BAD, "✖"),
    "CANCELLED": (Tone.IDLE, "■"),
    "WAITING_APPROVAL": (Tone.WAIT, "‖"),
    "PREPARING": (Tone.BUSY, "◐"),
    "QUEUED": (Tone.WAIT, "‖"),
    "INITIATED": (Tone.BUSY, "◐"),
    "IN_PROGRESS": (Tone.BUSY, "◐"),
    "VERIFYING": (Tone.BUSY, "◐"),
    "SKIPPED": (Tone.IDLE, "-"),
    "LAUNCHING": (Tone.BUSY, "◐"),
    "LAUNCHED": (Tone.GOOD, "✔"),
    "VERIFIED": (Tone.GOOD, "✔"),
    "TERMINATED": (Tone.IDLE, "■"),
    "UNKNOWN": (Tone.UNKNOWN, "?"),
    "INTENT": (Tone.BUSY, "◐"),
    "NOT_EXECUTED": (Tone.IDLE, "-"),
    "FOREIGN": (Tone.BAD, "✖"),
    "met": (Tone.GOOD, "✔"),
    "missed": (Tone.BAD, "✖"),
    "not reached": (Tone.BAD, "✖"),
    "not yet": (Tone.BUSY, "◐"),
    "not known": (Tone.UNKNOWN, "?"),
    "no target": (Tone.IDLE, "-"),
}


def badge_of(word: str) -> Badge:
    """The badge of a status word; one we do not know is shown as it is."""
    tone, glyph = BADGES.get(word, (Tone.UNKNOWN, "?"))
    return Badge(tone, glyph, word)


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
