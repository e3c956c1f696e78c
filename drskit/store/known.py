"""Executions as they were last read, so that items which have not changed are not parsed again.

A poll reads every execution anew, and most have not changed since. The items of
both readings are compared whole, attribute by attribute; no version or stamp is
believed. So what comes back is what parsing these very items would make.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from drskit.model import Execution
from drskit.store import codec
from drskit.store.attributes import Item, item_bytes

MOST_BYTES = 8_000_000
"""As DynamoDB counts them; Python needs several times as much. What was not read for longest is forgotten first."""


@dataclass(frozen=True)
class _Reading:
    items: Sequence[Item]
    execution: Execution
    size_bytes: int


class Known:
    """What one store has read; safe to share between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._used_bytes = 0
        self._readings: dict[str, _Reading] = {}
        self._lock = Lock()

    def assembled(self, execution_id: str, items: Sequence[Item]) -> Execution | None:
        """See `codec.assembled`; the same value as before when the items are the same as before.

        Raises:
            Malformed: an item cannot be read.
        """
        before = self._readings.get(execution_id)
        if before is not None and before.items == items:
            self._keep(execution_id, before)
            return before.execution
        execution = codec.assembled(items)
        if execution is not None:
            self._keep(execution_id, _Reading(items, execution, sum(map(item_bytes, items))))
        return execution

    def _keep(self, execution_id: str, reading: _Reading) -> None:
        with self._lock:
            before = self._readings.pop(execution_id, None)
            self._readings[execution_id] = reading
            self._used_bytes += reading.size_bytes - (before.size_bytes if before else 0)
            while self._used_bytes > self._most_bytes:
                self._used_bytes -= self._readings.pop(next(iter(self._readings))).size_bytes
