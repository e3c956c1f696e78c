"""DynamoDB's items written into replies without detours.

moto makes plain values of every item of a page, then asks for each member of
an attribute value under five possible names, ten members a value and again for
each value inside it. An item's attribute values are in wire form already: a
reply of nothing but items and their number is written as it stands, and what an
item came to is remembered until the item changes. All else, such as what an
update or a deletion gives back, which moto tells with its cost, and what holds
binary, goes moto's own way.
"""

import json
from collections.abc import Callable
from typing import Any

from moto import settings
from moto.core.responses import ActionContext, ActionResult
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import responses
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_to_dict

Reply = tuple[int, dict[str, Any], str | bytes]


def quicken_replies() -> None:
    """Put the short way in the place of moto's; repeating it does nothing."""
    setattr(responses, "DynamoResult", _Typed)  # noqa: B010 - what moto's handlers make of what they found


class _Typed(ActionResult):
    """A result whose attribute values are as they are in the table; they are written within the same request."""

    def execute_result(self, context: ActionContext) -> Reply:
        """Status, headers and text of the reply."""
        text = _text(self.result) if issubclass(context.serializer_class, BaseJSONSerializer) else None
        if text is None:
            return ActionResult(dynamo_to_dict(self.result)).execute_result(context)
        version = context.service_model.metadata.get("jsonVersion", "1.0")
        return 200, {"Content-Type": BaseJSONSerializer.APPLICATION_AMZ_JSON.format(version=version)}, text


def _text(result: object) -> str | None:
    """The reply's text; None for what is not all known here, or holds binary."""
    if not isinstance(result, dict) or not result.keys() <= WRITTEN.keys():
        return None
    told = {name: write(result[name]) for name, write in WRITTEN.items() if result.get(name) is not None}
    if None in told.values():
        return None
    text = "{" + ", ".join(f'"{name}": {written}' for name, written in told.items()) + "}"
    return json.dumps(json.loads(text), indent=4) if settings.PRETTIFY_RESPONSES else text


class _Remembered(str):
    """The text of an item, made again when it is wanted: whoever keeps a world need not write it."""

    def __reduce__(self) -> tuple[type[str], tuple[()]]:
        return _Remembered, ()


def forget_text(attributes: Any) -> None:
    """To be told of the attributes of every item that is changed in its place."""
    vars(attributes).pop("text", None)


def _item(values: dict[str, Any]) -> str | None:
    """The text of an item, remembered with it; None where it holds binary."""
    known: str | None = getattr(values, "text", None)
    if known:
        return known
    found = _members(values)
    if found is None:
        return None
    text = _Remembered(json.dumps(found))
    if isinstance(values, LimitedSizeDict):
        vars(values)["text"] = text
    return text


def _page(items: list[dict[str, Any]]) -> str | None:
    found = [_item(one) for one in items]
    return None if None in found else f"[{', '.join(map(str, found))}]"


def _number(value: int) -> str:
    return str(int(value))


WRITTEN: dict[str, Callable[[Any], str | None]] = {
    "Attributes": _item,
    "Item": _item,
    "Items": _page,
    "Count": _number,
    "ScannedCount": _number,
    "LastEvaluatedKey": _item,
}
"""What is written here, in moto's order."""


def _members(values: dict[str, Any]) -> dict[str, Any] | None:
    found = {name: _wire(one) for name, one in values.items()}
    return None if None in found.values() else found


def _wire(value: Any) -> dict[str, Any] | None:
    """An attribute value in wire form; None where it holds binary."""
    if isinstance(value, DynamoType):
        kind, content = value.type, value.value
    else:
        ((kind, content),) = value.items()
    if kind in {"B", "BS"}:
        return None
    if kind == "M":
        inner = _members(content)
        return None if inner is None else {"M": inner}
    if kind == "L":
        members = [_wire(one) for one in content]
        return None if None in members else {"L": members}
    return {kind: content}
