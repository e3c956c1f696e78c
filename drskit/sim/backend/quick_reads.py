"""Items read from DynamoDB without detours.

moto copies every item of a page down to the last value, twice. Nobody changes
what is read before it is written into the reply (`quick_replies`): we do not
copy. It weighs every item of a page twice, every time; we remember a weight
until the item changes. And to read one partition it sorts the whole table.
"""

import copy
from typing import Any

from moto.dynamodb.models import table as tables
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from drskit.sim.backend.lag import shown
from drskit.sim.backend.quick_replies import forget_text, quicken_replies

PLAIN = frozenset({"S", "B", "BOOL", "NULL"})
INDEX_NAME = 6
"""Its place among what moto's query of a table takes beside the partition."""
_query_table = Table.query


def quicken_reads() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(tables, "copy", _UncopiedItems)  # noqa: B010 - the module that moto copies with
    setattr(DynamoType, "__eq__", _equal)  # noqa: B010
    setattr(DynamoType, "__ne__", lambda one, other: not _equal(one, other))  # noqa: B010
    setattr(DynamoType, "__lt__", _less)  # noqa: B010
    setattr(DynamoType, "size", lambda value: _bytes(value.type, value.value))  # noqa: B010
    setattr(Item, "size", _remembered_weight)  # noqa: B010
    setattr(Table, "query", _query)  # noqa: B010
    quicken_replies()


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
    """A query that looks at its partition alone, and of an index at what that shows by now."""
    index_name = arguments[INDEX_NAME] if len(arguments) > INDEX_NAME else options.get("index_name")
    seen = copy.copy(self)
    if index_name:
        seen.items = shown.get(self.name, self.items)
    wanted = options.get("hash_key_conditions") if index_name else None
    if self.has_range_key and wanted:
        seen.items = {
            place: {key: item for key, item in items.items() if _holds(item, wanted)}
            for place, items in seen.items.items()
        }
    elif self.has_range_key and not index_name and hash_key is not None:
        seen.items = {hash_key: self.items.get(hash_key, {})}
    return _query_table(seen, hash_key, *arguments, **options)


def _holds(item: Any, wanted: list[tuple[str, DynamoType]]) -> bool:
    """Whether the item has these values."""
    for name, value in wanted:
        found = item.attrs.get(name)
        if found is None or not _equal(found, value):
            return False
    return True


# --- weights and order -----------------------------------------------------------------------------------------------


def weight(attributes: dict[str, DynamoType]) -> int:
    """How many bytes these attributes count for, as moto counts them."""
    return sum(len(name.encode()) + _bytes(value.type, value.value) for name, value in attributes.items())


def forget(item: Any) -> None:
    """To be told of every item that is changed in its place."""
    vars(item).pop("weight", None)
    forget_text(item.attrs)


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
