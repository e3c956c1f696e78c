"""Items read from DynamoDB without detours.

moto copies every item of a page down to the last value, twice, and asks for
each member of an attribute value under five possible names, ten members a value
and again for each value inside it. Nobody changes what is read before it is
written into the reply, and its attribute values are in wire form already: we
neither copy nor ask; what holds binary goes moto's own way. It weighs every
item of a page twice, every time; we remember a weight until the item changes.
And to read one partition it sorts the whole table.
"""

import copy
from datetime import datetime
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import responses
from moto.dynamodb.models import table as tables
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_to_dict

PLAIN = frozenset({"S", "B", "BOOL", "NULL"})
INDEX_NAME = 6
"""Its place among what moto's query of a table takes beside the partition."""
_query_table = Table.query
_structure_by_moto = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - there is no door for outsiders
_map_by_moto = BaseJSONSerializer._serialize_type_map  # noqa: SLF001


def quicken_reads() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(BaseJSONSerializer, "_serialize_type_structure", _structure)  # noqa: B010 - a method of moto's
    setattr(BaseJSONSerializer, "_serialize_type_map", _map)  # noqa: B010
    setattr(responses, "dynamo_to_dict", _left_typed)  # noqa: B010
    setattr(tables, "copy", _UncopiedItems)  # noqa: B010 - the module that moto copies with
    setattr(DynamoType, "__eq__", _equal)  # noqa: B010
    setattr(DynamoType, "__ne__", lambda one, other: not _equal(one, other))  # noqa: B010
    setattr(DynamoType, "__lt__", _less)  # noqa: B010
    setattr(DynamoType, "size", lambda value: _bytes(value.type, value.value))  # noqa: B010
    setattr(Item, "size", _remembered_weight)  # noqa: B010
    setattr(Table, "query", _query)  # noqa: B010


class _UncopiedItems:
    """In the place of the module `copy`: the items of a reply are the table's own."""

    copy = staticmethod(copy.copy)

    @staticmethod
    def deepcopy(value: Any) -> Any:
        if isinstance(value, Item):
            return value
        if isinstance(value, list) and all(isinstance(one, Item) for one in value):
            return list(value)
        return copy.deepcopy(value)


def _query(self: Any, hash_key: Any, *arguments: Any, **options: Any) -> Any:
    """A query; of the table itself it looks at the one partition."""
    index_name = arguments[INDEX_NAME] if len(arguments) > INDEX_NAME else options.get("index_name")
    if hash_key is None or not self.has_range_key or index_name:
        return _query_table(self, hash_key, *arguments, **options)
    self.all_items = lambda: list(self.items.get(hash_key, {}).values())
    try:
        return _query_table(self, hash_key, *arguments, **options)
    finally:
        del self.all_items


# --- replies ---------------------------------------------------------------------------------------------------------


def _left_typed(value: Any) -> Any:
    """What a reply is made of, with attribute values as they are: they are written by `_structure`."""
    if isinstance(value, DynamoType | datetime):
        return value
    if hasattr(value, "to_json"):
        return _left_typed(value.to_json())
    if isinstance(value, dict):
        return {key: _left_typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_left_typed(one) for one in value]
    return value


def _structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and key:
        found = _wire(value)
        if found is not None:
            serialized[key] = found
            return
        value = dynamo_to_dict(value)
    _structure_by_moto(self, serialized, value, shape, key)


def _map(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.value.name == "AttributeValue" and shape.value.type_name == "structure":
        found = {name: _wire(one) for name, one in value.items()}
        if None not in found.values():
            self._default_serialize(serialized, found, shape, key)
            return
    _map_by_moto(self, serialized, value, shape, key)


def _wire(value: Any) -> dict[str, Any] | None:
    """An attribute value in wire form; None where it holds binary."""
    if isinstance(value, DynamoType):
        kind, content = value.type, value.value
    else:
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


# --- weights and order -----------------------------------------------------------------------------------------------


def weight(attributes: dict[str, DynamoType]) -> int:
    """How many bytes these attributes count for, as moto counts them."""
    return sum(len(name.encode()) + _bytes(value.type, value.value) for name, value in attributes.items())


def forget_weight(item: Any) -> None:
    """To be told of every item that is changed in its place."""
    vars(item).pop("weight", None)


def _remembered_weight(self: Any) -> int:
    known: int | None = vars(self).get("weight")
    if known is None:
        known = self.weight = weight(self.attrs)
    return known


def _bytes(kind: str, value: Any) -> int:
    """How many bytes an attribute value counts for, as moto counts them."""
    if isinstance(value, DynamoType):
        kind, value = value.type, value.value
    if kind == "M":
        return sum(len(name.encode()) + _bytes("", one) for name, one in value.items())
    if kind in {"L", "SS", "NS", "BS"}:
        return sum(_bytes(kind[0], one) for one in value)
    if isinstance(value, bool):
        return 1
    return len(value if isinstance(value, bytes) else str(value).encode())


def _equal(self: DynamoType, other: DynamoType) -> bool:
    """Whether two values are the same; only numbers and sets can be written in more than one way."""
    if self.type != other.type:
        return False
    same: bool = self.value == other.value
    return same or (self.type not in PLAIN and self.cast_value == other.cast_value)


def _less(self: DynamoType, other: DynamoType) -> bool:
    """Whether a value comes before another one; text as it stands."""
    if self.type == "S" == other.type:
        return bool(self.value < other.value)
    return bool(self.cast_value < other.cast_value)
