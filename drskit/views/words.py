"""The words, glyphs and colours in which people see an execution.

One vocabulary for notebook, terminal and report. A status is always a glyph and
a word on a background of its own, never colour alone, so that it can be read in
a light and a dark page, in print, and by those who see no colour.
"""

from dataclasses import dataclass
from enum import StrEnum

from drskit.model import Mode, Phase
from drskit.texts import INVISIBLE as INVISIBLE  # noqa: PLC0414 - callers know all of these by this module, too
from drskit.texts import age as age  # noqa: PLC0414
from drskit.texts import clock as clock  # noqa: PLC0414
from drskit.texts import counted as counted  # noqa: PLC0414
from drskit.texts import moment as moment  # noqa: PLC0414
from drskit.texts import plain as plain  # noqa: PLC0414
from drskit.texts import printable as printable  # noqa: PLC0414
from drskit.texts import roughly as roughly  # noqa: PLC0414
from drskit.texts import shortened as shortened  # noqa: PLC0414
from drskit.texts import span as span  # noqa: PLC0414


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
    "WAITING": (Tone.IDLE, "○"),
    "RED": (Tone.WAIT, "✖"),
    "PASSED": (Tone.GOOD, "✔"),
    "UNKNOWN": (Tone.UNKNOWN, "?"),
    "INTENT": (Tone.BUSY, "◐"),
    "RUNNING": (Tone.BUSY, "◐"),
    "DONE": (Tone.GOOD, "✔"),
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
