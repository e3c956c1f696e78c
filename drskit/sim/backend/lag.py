"""DynamoDB's global indexes, behind their tables.

moto's indexes are always up to date; real ones are eventually consistent. Where
a world says how far they are behind, the items of each table that an index can
hold are noted after every write, and a query of an index is answered from the
newest note that is old enough.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from moto.dynamodb.models.table import Table

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem", "CreateTable"})
shown: dict[str, dict[Any, Any]] = {}
"""What the indexes of a table show while a request is answered, for `quick_reads`; empty between requests."""


class Indexes:
    """What the indexes of a world's tables have shown, and when."""

    def __init__(self, lag: timedelta) -> None:
        self._lag = lag
        self._notes: dict[str, list[tuple[datetime, dict[Any, Any]]]] = {}

    @contextmanager
    def serving(self, operation: str, tables: Callable[[], Iterable[Table]], now: datetime) -> Iterator[None]:
        """Answer a request to DynamoDB inside."""
        shown.update({table.name: self._as_of(table.name, now - self._lag) for table in tables()})
        try:
            yield
        finally:
            shown.clear()
        if operation in WRITES:
            for table in tables():  # a transaction that failed has put others in their place
                self._notes.setdefault(table.name, []).append((now, _indexable(table)))

    def _as_of(self, name: str, time: datetime) -> dict[Any, Any]:
        old_enough = [items for noted, items in self._notes.get(name, ()) if noted <= time]
        return old_enough[-1] if old_enough else {}


def _indexable(table: Table) -> dict[Any, Any]:
    """Copies of the items that some index holds: those with all its keys."""
    keys = [{part["AttributeName"] for part in index.schema} for index in table.all_indexes()]
    found: dict[Any, Any] = {}
    for item in table.all_items():
        if not any(names <= set(item.attrs) for names in keys):
            continue
        if table.has_range_key:
            found.setdefault(item.hash_key, {})[item.range_key] = copy.deepcopy(item)
        else:
            found[item.hash_key] = copy.deepcopy(item)
    return found
