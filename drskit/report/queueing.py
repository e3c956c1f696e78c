"""When the waves of an execution waited for room in DRS's quotas, read from its history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.edit import WAITS
from drskit.model import Event, WaveStatus


@dataclass(frozen=True)
class Wait:
    """A stretch in which a wave was QUEUED."""

    wave_name: str
    since: datetime
    until: datetime | None
    """None while it lasts."""
    reason: str

    def lasted(self, now: datetime) -> timedelta:
        """How long, by now."""
        return (self.until or now) - self.since


def waits_of(events: Iterable[Event]) -> tuple[Wait, ...]:
    """Every stretch, in the order of their beginning; those that another one follows in the same second are one."""
    found: list[Wait] = []
    open_ones: dict[str, Wait] = {}
    for event in events:
        name = str(event.facts.get("Wave"))
        if event.kind != "WAVE_CHANGED":
            continue
        if event.facts.get("From") == WaveStatus.QUEUED and name in open_ones:
            begun = open_ones.pop(name)
            found.append(Wait(name, begun.since, event.time, begun.reason))
        if event.facts.get("To") == WaveStatus.QUEUED:
            last = next((wait for wait in reversed(found) if wait.wave_name == name), None)
            reason = str(event.facts.get("Reason") or "").removeprefix(WAITS)
            open_ones[name] = Wait(name, event.time, None, reason)
            if last is not None and last.until == event.time:
                found.remove(last)
                open_ones[name] = Wait(name, last.since, None, last.reason)
    return tuple(sorted((*found, *open_ones.values()), key=lambda wait: (wait.since, wait.wave_name)))
