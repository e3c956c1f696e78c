"""DynamoDB without detours: a drill reads and writes its tables all the time.

moto asks for each member of an attribute value under five possible names, ten
members a value and again for each value inside it. Its attribute values are in
wire form already, so we write them as they are; what holds binary goes moto's
own way. And before a transaction moto copies the whole table once for each
action, to put the copy in its place when the transaction fails; all that one
can change is which items there are, and those that it updates. It measures a
whole item at every attribute that it sets, and walks an update's syntax tree a
dozen times; what only sets, removes and adds whole attributes is done here. To
weigh an item of a page it copies what is in it, and to read one partition it
sorts the whole table.
"""

import copy
import re
from functools import cache, partial
from typing import Any

from moto.core import responses
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

_original = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - there is no door for outsiders


_METHOD_NAMES = cache(method_names_from_class)
_transact = DynamoDBBackend.transact_write_items
_update = DynamoDBBackend.update_item
PLAIN = frozenset({"S", "B", "BOOL", "NULL"})
LARGEST_ITEM = 405_000
"""Bytes: what moto takes for DynamoDB's limit."""
INDEX_NAME = 6
"""Its place among what moto's query of a table takes beside the partition."""
_query_table = Table.query


def quicken() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(responses, "method_names_from_class", _METHOD_NAMES)  # noqa: B010
    setattr(BaseJSONSerializer, "_serialize_type_structure", _structure)  # noqa: B010 - a method of moto's
    setattr(models, "copy", _COPIES)  # noqa: B010 - the module that moto copies with
    setattr(DynamoDBBackend, "transact_write_items", _transact_copying_little)  # noqa: B010
    setattr(DynamoDBBackend, "update_item", _update_plainly)  # noqa: B010
    setattr(DynamoType, "__eq__", _equal)  # noqa: B010
    setattr(DynamoType, "size", lambda self: _bytes(self.type, self.value))  # noqa: B010
    setattr(Item, "__init__", _begin_item)  # noqa: B010
    setattr(Table, "query", _query)  # noqa: B010


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


# --- items -----------------------------------------------------------------------------------------------------------


def _equal(self: DynamoType, other: DynamoType) -> bool:
    """Whether two values are the same; only numbers and sets can be written in more than one way."""
    if self.type != other.type:
        return False
    same: bool = self.value == other.value
    return same or (self.type not in PLAIN and self.cast_value == other.cast_value)


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


def _begin_item(self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """An item with these attributes, measured once."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    dict.update(self.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    _measure(self.attrs)


def _measure(attributes: dict[str, DynamoType]) -> None:
    if sum(len(name.encode()) + _bytes("", value) for name, value in attributes.items()) > LARGEST_ITEM:
        raise ItemSizeTooLarge


# --- updates ---------------------------------------------------------------------------------------------------------

SECTION = re.compile(r"(SET|REMOVE|ADD) ((?:(?!(?:SET|REMOVE|ADD) )[#:=,\w ])+)")
PART = {
    "SET": re.compile(r"(#\w+) = (:\w+)"),
    "REMOVE": re.compile(r"(#\w+)()"),
    "ADD": re.compile(r"(#\w+) (:\w+)"),
}


def _update_plainly(
    self: Any,
    table_name: str,
    key: dict[str, Any],
    update_expression: str,
    expression_attribute_names: dict[str, str] | None = None,
    expression_attribute_values: dict[str, Any] | None = None,
    **other: Any,
) -> Any:
    """An update inside a transaction, whose condition holds already, by the short way; any other by moto's."""
    names, values = expression_attribute_names or {}, expression_attribute_values or {}
    by_moto = partial(_update, self, table_name, key, update_expression, names, values, **other)
    parts = _parts(update_expression or "", names, values) if _COPIES.backend is not None else []
    table = self.tables.get(table_name)
    if not parts or table is None or table.stream_shard is not None:
        return by_moto()
    item = table.get_item(*self.get_keys_value(table, key))
    if item is None or not _plain(parts, item, table):
        return by_moto()
    changed = dict(item.attrs)
    for word, name, value in parts:
        if word == "REMOVE":
            changed.pop(name, None)
        elif word == "ADD" and name in changed:
            changed[name] = changed[name] + DynamoType(value)
        else:
            changed[name] = DynamoType(value)
    try:
        _measure(changed)
    except ItemSizeTooLarge:
        return by_moto()  # for its words
    dict.clear(item.attrs)
    dict.update(item.attrs, changed)
    return item


def _parts(text: str, names: dict[str, str], values: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """What an update does, as word, attribute and value; empty where it says more than this module understands."""
    sections = SECTION.findall(text)
    if "".join(f"{word} {body}" for word, body in sections) != text or len(dict(sections)) < len(sections):
        return []
    parts = []
    for word, body in sections:
        for part in body.strip().split(", "):
            found = PART[word].fullmatch(part)
            name, value = (names.get(found[1]), values.get(found[2])) if found else (None, None)
            if name is None or (value is None and word != "REMOVE"):
                return []
            parts.append((word, name, value))
    return parts


def _plain(parts: list[tuple[str, str, Any]], item: Any, table: Any) -> bool:
    """Whether nothing about the parts could be wrong: each attribute once, no key, of its type, numbers to add to."""
    keys = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    named = [name for _, name, _ in parts]
    if len(named) != len(set(named)) or not set(named).isdisjoint(table.table_key_attrs):
        return False
    for word, name, value in parts:
        if word == "ADD" and (set(value) != {"N"} or (name in item.attrs and not item.attrs[name].is_number())):
            return False
        if name in keys and word != "REMOVE" and (set(value) != {keys[name]} or not value[keys[name]]):
            return False
    return True
