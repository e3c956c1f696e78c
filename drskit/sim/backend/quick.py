"""DynamoDB without detours: a drill reads and writes its tables all the time.

moto asks for each member of an attribute value under five possible names, ten
members a value and again for each value inside it. Its attribute values are in
wire form already, so we write them as they are; what holds binary goes moto's
own way. And before a transaction moto copies the whole table once for each
action; once is enough, for nothing is changed between the copies.
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
    setattr(DynamoDBBackend, "transact_write_items", _transact_copying_once)  # noqa: B010


class _Copies:
    """In the place of the module `copy`: while a transaction begins, each table is copied once."""

    def __init__(self) -> None:
        self.tables: dict[int, Any] | None = None

    def deepcopy(self, value: Any) -> Any:
        if self.tables is None or not isinstance(value, Table):
            return copy.deepcopy(value)
        if id(value) not in self.tables:
            self.tables[id(value)] = copy.deepcopy(value)
        return self.tables[id(value)]


_COPIES = _Copies()


def _transact_copying_once(self: Any, transact_items: list[dict[str, Any]]) -> None:
    _COPIES.tables = {}
    try:
        _transact(self, transact_items)
    finally:
        _COPIES.tables = None


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
