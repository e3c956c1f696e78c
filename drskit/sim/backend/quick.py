"""Writing to DynamoDB without detours: a drill reads and writes its tables all the time.

Before a transaction moto copies the whole table once for each action, to put
the copy in its place when the transaction fails; all that one can change is
which items there are, and those that it updates. It measures a whole item at
every attribute that it sets, and walks an update's syntax tree a dozen times;
what only sets, removes and adds whole attributes is done here. How items are
read is in `quick_reads`.
"""

import copy
import re
from contextlib import suppress
from functools import cache, partial
from typing import Any

from moto.core import responses
from moto.core.utils import method_names_from_class
from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge, MockValidationException, ResourceNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from drskit.sim.backend.quick_expressions import quicken_expressions
from drskit.sim.backend.quick_reads import forget, quicken_reads, weight

_METHOD_NAMES = cache(method_names_from_class)
_transact = DynamoDBBackend.transact_write_items
_update = DynamoDBBackend.update_item
LARGEST_ITEM = 405_000
"""Bytes: what moto takes for DynamoDB's limit."""


def quicken() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(responses, "method_names_from_class", _METHOD_NAMES)  # noqa: B010
    setattr(models, "copy", _COPIES)  # noqa: B010 - the module that moto copies with
    setattr(DynamoDBBackend, "transact_write_items", _transact_copying_little)  # noqa: B010
    setattr(DynamoDBBackend, "update_item", _update_plainly)  # noqa: B010
    setattr(Item, "__init__", _begin_item)  # noqa: B010
    quicken_expressions()
    quicken_reads()


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
            if update["TableName"] not in {table.name, table.table_arn}:
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


# --- items -----------------------------------------------------------------------------------------------------------


def _begin_item(self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """An item with these attributes, measured once."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    dict.update(self.attrs, {name: DynamoType(value) for name, value in attrs.items()})
    _measure(self.attrs)


def _measure(attributes: dict[str, DynamoType]) -> None:
    if weight(attributes) > LARGEST_ITEM:
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
    by_moto = partial(_update_by_moto, self, table_name, key, update_expression, names, values, **other)
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
    forget(item)
    return item


def _update_by_moto(self: Any, table_name: str, key: dict[str, Any], *arguments: Any, **options: Any) -> Any:
    try:
        return _update(self, table_name, key, *arguments, **options)
    finally:
        with suppress(ResourceNotFoundException, MockValidationException):
            table = self.get_table(table_name)  # by its name or its ARN
            item = table.get_item(*self.get_keys_value(table, key))
            if item is not None:
                forget(item)


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
