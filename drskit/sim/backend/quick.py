"""DynamoDB without detours: a drill reads and writes its tables all the time.

moto asks for each member of an attribute value under five possible names, ten
members a value and again for each value inside it. Its attribute values are in
wire form already, so we write them as they are; what holds binary goes moto's
own way. And before a transaction moto copies the whole table once for each
action, to put the copy in its place when the transaction fails; all that one
can change is which items there are, and those that it updates.
"""

import copy
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_original = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - there is no door for outsiders


_transact = DynamoDBBackend.transact_write_items


def quicken() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(BaseJSONSerializer, "_serialize_type_structure", _structure)  # noqa: B010 - a method of moto's
    setattr(models, "copy", _COPIES)  # noqa: B010 - the module that moto copies with
    setattr(DynamoDBBackend, "transact_write_items", _transact_copying_little)  # noqa: B010


class _Copies:
    """In the place of the module `copy`: while a transaction begins, of each table only what that can change."""

    def __init__(self) -> None:
        self.backend: DynamoDBBackend | None = None
        self.updates: list[dict[str, Any]] = []
        self.tables: dict[int, Any] = {}

    def deepcopy(self, value: Any) -> Any:
        if self.backend is None or not isinstance(value, Table) or value.stream_shard is not None:
            return copy.deepcopy(value)
        if id(value) not in self.tables:
            self.tables[id(value)] = self._before(self.backend, value)
        return self.tables[id(value)]

    def _before(self, backend: DynamoDBBackend, table: Any) -> Any:
        before = copy.copy(table)
        before.items = table.items.copy()
        if table.has_range_key:
            before.items.update({hash_key: dict(items) for hash_key, items in table.items.items()})
        for update in self.updates:
            if update["TableName"] != table.name:
                continue
            hash_key, range_key = backend.get_keys_value(table, update["Key"])
            items, key = (before.items[hash_key], range_key) if range_key else (before.items, hash_key)
            if key in items:
                items[key] = copy.deepcopy(items[key])
        return before


_COPIES = _Copies()


def _transact_copying_little(self: Any, transact_items: list[dict[str, Any]]) -> None:
    _COPIES.backend, _COPIES.tables = self, {}
    _COPIES.updates = [action["Update"] for action in transact_items if "Update" in action]
    try:
        _transact(self, transact_items)
    finally:
        _COPIES.backend = None


def _structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and key:
        found = _wire(value)
        if found is not None:
            serialized[key] = found
            return
    _original(self, serialized, value, shape, key)


def _wire(value: Any) -> dict[str, Any] | None:
    """An attribute value in wire form; None where it holds binary."""
    if isinstance(value, DynamoType):
        value = {value.type: value.value}
    ((kind, content),) = value.items()
    if kind in {"B", "BS"}:
        return None
    if kind == "M":
        inner = {name: _wire(one) for name, one in content.items()}
        return None if None in inner.values() else {"M": inner}
    if kind == "L":
        members = [_wire(one) for one in content]
        return None if None in members else {"L": members}
    return {kind: content}
