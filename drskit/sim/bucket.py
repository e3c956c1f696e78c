"""A rate of calls: token buckets, one for each operation."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Buckets:
    """How many calls of each operation may still come."""

    per_second: float | None
    burst: int
    _held: dict[str, tuple[float, datetime]] = field(default_factory=dict)

    def take(self, operation: str, now: datetime) -> bool:
        """Whether this call is answered."""
        if self.per_second is None:
            return True
        held, since = self._held.get(operation, (float(self.burst), now))
        held = min(float(self.burst), held + self.per_second * (now - since).total_seconds())
        answered = held >= 1
        self._held[operation] = (held - answered, now)
        return answered
