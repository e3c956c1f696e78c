"""A check of every DynamoDB request that leaves a client.

Attach it to any client, and run whatever is to be checked:

    requests = watch(client)

It asserts, before a request is sent, that no expression names an attribute bare,
that every placeholder is defined and used, and that every write has a condition.
"""

import re
from collections.abc import Iterator
from typing import Any

EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
LEGACY = (
    "AttributeUpdates",
    "AttributesToGet",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
)
WRITES = ("PutItem", "UpdateItem", "DeleteItem")
KEYWORDS = frozenset({"ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET"})
FUNCTIONS = frozenset(
    {
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "if_not_exists",
        "list_append",
        "size",
    }
)
TOKEN = re.compile(r"[#:]?[A-Za-z_][A-Za-z0-9_]*")


def watch(client: Any) -> list[str]:
    """Check every request of the client from now on; the operations seen so far are in the list that it returns."""
    seen: list[str] = []

    def check(params: dict[str, Any], model: Any, **_: Any) -> None:
        seen.append(model.name)
        assert_clean(model.name, params)

    client.meta.events.register("provide-client-params.dynamodb", check)
    return seen


def assert_clean(operation: str, params: dict[str, Any]) -> None:
    """Raise AssertionError when the request breaks a rule."""
    assert operation != "BatchWriteItem", "BatchWriteItem knows no conditions"
    for kind, request in _requests(operation, params):
        assert not [name for name in LEGACY if name in request], f"{kind} uses parameters from before expressions"
        _assert_no_bare_name(kind, request)
        if kind != "read":
            assert request.get("ConditionExpression"), f"{operation} {kind} without a condition: {request}"


def _requests(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in params["TransactItems"]:
            yield from item.items()
    else:
        yield (operation if operation in WRITES else "read"), params


def _assert_no_bare_name(kind: str, request: dict[str, Any]) -> None:
    names = set(request.get("ExpressionAttributeNames", {}))
    values = set(request.get("ExpressionAttributeValues", {}))
    used = set()
    for expression in EXPRESSIONS:
        tokens = set(TOKEN.findall(request.get(expression, "")))
        bare = tokens - names - values - KEYWORDS - FUNCTIONS
        assert not bare, f"{kind}: {expression} names {sorted(bare)} bare: {request[expression]}"
        used |= tokens
    assert names | values <= used, f"{kind}: {sorted((names | values) - used)} are defined and not used"
