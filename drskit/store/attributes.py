"""JSON values as DynamoDB attribute values, and back.

Whole numbers come back as `int`, never as Decimal; fractions are refused when
written, because DynamoDB does not give them back as they were. Nested content
stays maps and lists, so that other programs can read the tables.
"""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
    Item: TypeAlias = dict[str, AttributeValueTypeDef]
else:
    Json = object
    Item = dict

DIGITS = 38
"""The precision of a DynamoDB number."""


def to_attribute(value: Any) -> "AttributeValueTypeDef":
    """A JSON value as an attribute value.

    Raises:
        TypeError: a fraction, or what JSON does not know.
        ValueError: a whole number with more digits than DynamoDB keeps.
    """
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": _digits(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, dict):
        return {"M": {name: to_attribute(inner) for name, inner in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(inner) for inner in value]}
    message = f"{value!r} is no JSON value that the tables keep exactly; write whole numbers in small units, or text"
    raise TypeError(message)


def from_attribute(attribute: "AttributeValueTypeDef") -> Json:
    """An attribute value as JSON.

    Raises:
        ValueError: a fraction, a set, binary or nothing at all: drskit never writes them.
    """
    if not isinstance(attribute, dict) or len(attribute) != 1:
        message = f"{attribute!r} is no attribute value"
        raise ValueError(message)
    kind, value = next(iter(attribute.items()))
    match kind, value:
        case "S", str():
            return value
        case "BOOL", bool():
            return value
        case "N", str():
            return int(value)
        case "NULL", _:
            return None
        case "M", dict():
            return {name: from_attribute(inner) for name, inner in value.items()}
        case "L", list():
            return [from_attribute(inner) for inner in value]
    message = f"type {kind} is never written by drskit"
    raise ValueError(message)


def to_item(values: dict[str, Any]) -> Item:
    """A record as an item."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: Item) -> dict[str, Json]:
    """An item as a record."""
    return {name: from_attribute(value) for name, value in item.items()}


def item_bytes(item: Item) -> int:
    """An item's size as DynamoDB counts it, rounded up: names and texts in UTF-8, 21 bytes at most for a number."""
    return sum([_text_bytes(name) + _attribute_bytes(value) for name, value in item.items()])


def _attribute_bytes(attribute: "AttributeValueTypeDef") -> int:
    ((kind, value),) = cast("dict[str, Any]", attribute).items()
    if kind == "S":
        return _text_bytes(value)
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "M":
        return 3 + sum([1 + _text_bytes(name) + _attribute_bytes(inner) for name, inner in value.items()])
    if kind == "L":
        return 3 + sum([1 + _attribute_bytes(inner) for inner in value])
    return 1


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _digits(value: int) -> str:
    text = str(value)
    if len(text.lstrip("-")) > DIGITS:
        message = f"{text} has more than the {DIGITS} digits that DynamoDB keeps"
        raise ValueError(message)
    return text
