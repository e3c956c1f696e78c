"""Calls to DynamoDB: requests out, items and answers back, errors as ours.

Writes return what came of them instead of raising: a failed condition brings
the item that stood in its way. Nothing here waits or reads a clock; the time is
the one in the replies.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from drskit.codes import THROTTLES
from drskit.errors import LostRace, Throttled, Unavailable
from drskit.store import faults
from drskit.store.attributes import Item, item_bytes
from drskit.store.expressions import Clause, arguments

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFLICTS = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})
ATTEMPTS = 5
"""How often a write is sent while others hold its items; the SDK does not repeat these."""


@dataclass(frozen=True)
class Refusal:
    """A condition did not hold; `item` is what stood there, None when nothing did."""

    item: Item | None


@dataclass(frozen=True)
class Action:
    """One write, or one check, on a table."""

    kind: str
    """Put, Update, Delete or ConditionCheck."""
    table: str
    what: dict[str, Any]
    """Item or Key."""
    condition: Clause
    update: Clause | None = None

    @cached_property
    def item_bytes(self) -> int:
        """The size of the item that is put, as DynamoDB counts it; 0 when none is."""
        return item_bytes(self.what.get("Item", {}))

    def request(self) -> dict[str, Any]:
        """The action's parameters, alone or within a transaction."""
        clauses = {"ConditionExpression": self.condition}
        if self.update is not None:
            clauses["UpdateExpression"] = self.update
        old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        return {"TableName": self.table} | self.what | old | arguments(**clauses)


def put(table: str, item: Item, condition: Clause) -> Action:
    """Write a whole item."""
    return Action("Put", table, {"Item": item}, condition)


def update(table: str, key: Item, change: Clause, condition: Clause) -> Action:
    """Change an item; its other attributes stay."""
    return Action("Update", table, {"Key": key}, condition, change)


def delete(table: str, key: Item, condition: Clause) -> Action:
    """Delete an item."""
    return Action("Delete", table, {"Key": key}, condition)


def check(table: str, key: Item, condition: Clause) -> Action:
    """Only look, as part of a transaction."""
    return Action("ConditionCheck", table, {"Key": key}, condition)


class Wire:
    """A DynamoDB client that speaks our errors and remembers the time of its last reply."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self._date: str | None = None
        client.meta.events.register("after-call.dynamodb", self._remember)

    def date(self) -> datetime | None:
        """The `Date` of DynamoDB's last reply; None before the first, and when it is no date."""
        try:
            date = None if self._date is None else parsedate_to_datetime(self._date)
        except ValueError:
            return None
        return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)

    def get(self, table: str, key: Item) -> Item | None:
        """An item, read consistently."""
        reply = self._call(table, self._client.get_item, TableName=table, Key=key, ConsistentRead=True)
        return self._sound(reply["Item"], tuple(key)) if "Item" in reply else None

    def query(
        self, table: str, key: Clause, *, index: str | None = None, newest_first: bool = False, page: int | None = None
    ) -> Iterator[Item]:
        """All items of a range, page by page; consistent unless an index is asked."""
        request = arguments(KeyConditionExpression=key) | {"TableName": table, "ScanIndexForward": not newest_first}
        request |= {"ConsistentRead": True} if index is None else {"IndexName": index}
        request |= {"Limit": page} if page else {}
        return self._pages(table, self._client.query, request, ("ExecutionId", "PlanId"))

    def scan(self, table: str, key: tuple[str, ...], only: Clause | None = None) -> Iterator[Item]:
        """All items of a table with this key, page by page, consistent."""
        request = {"TableName": table, "ConsistentRead": True}
        request |= arguments(FilterExpression=only) if only else {}
        return self._pages(table, self._client.scan, request, key)

    def write(self, action: Action) -> Refusal | None:
        """Write one item; a `Refusal` when its condition does not hold.

        Raises:
            LostRace: transactions of others hold the item, again and again.
        """
        calls: dict[str, Callable[..., Any]] = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }
        for _ in range(ATTEMPTS):
            try:
                self._call(action.table, calls[action.kind], **action.request())
            except ClientError as error:
                if faults.code_of(error) == "ConditionalCheckFailedException":
                    return Refusal(_old(error.response))
            else:
                return None
        raise LostRace(f"Other workers' transactions hold an item of {action.table}. Read again, then decide anew.")

    def transact(self, actions: Sequence[Action]) -> dict[int, Refusal]:
        """Write all or nothing; the refusals by the action's place when it was nothing.

        Raises:
            LostRace: transactions of others hold an item, again and again.
        """
        tables = " or ".join(sorted({action.table for action in actions}))
        items = [{action.kind: action.request()} for action in actions]
        for _ in range(ATTEMPTS):
            try:
                self._call(tables, self._client.transact_write_items, TransactItems=items)
            except ClientError as error:
                refused = self._refusals(error, tables)
                if refused:
                    return refused
            else:
                return {}
        raise LostRace(f"Other workers' transactions hold items of {tables}. Read again, then decide anew.")

    def _refusals(self, error: ClientError, tables: str) -> dict[int, Refusal]:
        reasons: list[dict[str, Any]] = list(error.response.get("CancellationReasons") or [])  # type: ignore[arg-type]  # the stubs say str
        codes = {reason.get("Code", "None") for reason in reasons} - {"None", "ConditionalCheckFailed"} - CONFLICTS
        if codes & THROTTLES:
            raise Throttled(f"DynamoDB slowed a write to {tables} down ({', '.join(codes)}). Try again.") from error
        if codes:
            said = "; ".join(str(reason.get("Message")) for reason in reasons if reason.get("Code") in codes)
            raise Unavailable(f"DynamoDB refused a write to {tables} ({', '.join(codes)}: {said}).") from error
        return {
            place: Refusal(_old(reason))
            for place, reason in enumerate(reasons)
            if reason.get("Code") == "ConditionalCheckFailed"
        }

    def _pages(
        self, table: str, call: Callable[..., Any], request: dict[str, Any], key: tuple[str, ...]
    ) -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            reply = self._call(table, call, **request, **start)
            if not isinstance(reply.get("Items"), list):
                raise faults.nonsense(self._client.meta.endpoint_url, "it has no Items")
            yield from (self._sound(item, key) for item in reply["Items"])
            if not reply.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}

    def _sound(self, item: Any, key: tuple[str, ...]) -> Item:
        """The item, when it is one: its key as texts, and each attribute of one type.

        Raises:
            Unavailable: it is none; a table cannot hold it, so it was spoiled on the way.
        """
        try:
            whole = all(len(attribute) == 1 for attribute in item.values())
            texts = all(isinstance(item[name]["S"], str) for name in key)
        except (AttributeError, KeyError, TypeError):
            whole = texts = False
        if not (whole and texts):
            raise faults.nonsense(self._client.meta.endpoint_url, "an item has no key, or an attribute no type")
        sound: Item = item
        return sound

    def _call(self, tables: str, call: Callable[..., Any], **request: Any) -> Any:
        """Send; failed conditions and conflicts pass as they are, all else becomes our error."""
        endpoint = self._client.meta.endpoint_url
        try:
            return faults.answer(call, endpoint, **request)
        except ClientError as error:
            code = faults.code_of(error)
            if code in CONFLICTS or code in {"ConditionalCheckFailedException", "TransactionCanceledException"}:
                raise
            raise faults.from_reply(error, tables, endpoint) from error
        except BotoCoreError as error:
            raise faults.from_transport(error, endpoint) from error

    def _remember(self, parsed: dict[str, Any], **_: object) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date and faults.is_dynamodbs(parsed):
            self._date = date


def _old(answer: Any) -> Item | None:
    item: Item | None = answer.get("Item")
    return item or None
