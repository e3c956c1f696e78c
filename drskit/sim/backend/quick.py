"""DynamoDB's items written without detours.

moto asks for each member of an attribute value under five possible names, ten
members a value and again for each value inside it; a drill reads its tables all
the time. moto's attribute values are in wire form already, so we write them as
they are. What holds binary goes moto's own way.
"""

from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType

_original = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001 - there is no door for outsiders


def quicken() -> None:
    """Put the short way in the place of moto's; repeating it does nothing."""
    setattr(BaseJSONSerializer, "_serialize_type_structure", _structure)  # noqa: B010 - a method of moto's


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
