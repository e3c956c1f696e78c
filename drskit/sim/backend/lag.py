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
from inspect import signature
from typing import Any

from moto.dynamodb.models.table import Table

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem", "CreateTable"})
_query = Table.query
_shown: dict[str, dict[Any, Any]] = {}
"""What the indexes of a table show while a request is answered; nothing is noted here between requests."""


class Indexes:
    """What the indexes of a world's tables have shown, and when."""

    def __init__(self, lag: timedelta) -> None:
        self._lag = lag
        self._notes: dict[str, list[tuple[datetime, dict[Any, Any]]]] = {}

    @contextmanager
    def serving(self, operation: str, tables: Callable[[], Iterable[Table]], now: datetime) -> Iterator[None]:
        """Answer a request to DynamoDB inside."""
        setattr(Table, "query", _stale_query)  # noqa: B010 - a method of moto's
        _shown.update({table.name: self._as_of(table.name, now - self._lag) for table in tables()})
        try:
            yield
        finally:
            _shown.clear()
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
        if any(names <= set(item.attrs) for names in keys):
            found.setdefault(item.hash_key, {})[item.range_key] = copy.deepcopy(item)
    return found


def _stale_query(self: Any, *arguments: Any, **options: Any) -> Any:
    asked = signature(_query).bind(self, *arguments, **options).arguments
    if asked.get("index_name") is None or self.name not in _shown:
        return _query(self, *arguments, **options)
    behind = copy.copy(self)
    behind.items = _shown[self.name]
    return _query(behind, *arguments, **options)
