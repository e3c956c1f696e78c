"""Calls to DynamoDB: requests out, items and answers back, errors as ours.

Writes return what came of them instead of raising: a failed condition brings
the item that stood in its way. Nothing here waits or reads a clock; the time is
the one in the replies.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from drskit.errors import LostRace, Throttled, Unavailable
from drskit.store import faults
from drskit.store.attributes import Item
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
        """The `Date` of the last reply; None before the first."""
        return None if self._date is None else parsedate_to_datetime(self._date)

    def get(self, table: str, key: Item) -> Item | None:
        """An item, read consistently."""
        reply = self._call(table, self._client.get_item, TableName=table, Key=key, ConsistentRead=True)
        item: Item | None = reply.get("Item")
        return item

    def query(
        self, table: str, key: Clause, *, index: str | None = None, newest_first: bool = False, page: int | None = None
    ) -> Iterator[Item]:
        """All items of a range, page by page; consistent unless an index is asked."""
        request = arguments(KeyConditionExpression=key) | {"TableName": table, "ScanIndexForward": not newest_first}
        request |= {"ConsistentRead": True} if index is None else {"IndexName": index}
        return self._pages(table, self._client.query, request | ({"Limit": page} if page else {}))

    def scan(self, table: str, only: Clause | None = None) -> Iterator[Item]:
        """All items of a table, page by page, consistent."""
        request = {"TableName": table, "ConsistentRead": True}
        return self._pages(table, self._client.scan, request | (arguments(FilterExpression=only) if only else {}))

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
                if error.response["Error"].get("Code") == "ConditionalCheckFailedException":
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
        reasons: list[dict[str, Any]] = list(error.response.get("CancellationReasons", []))  # type: ignore[arg-type]  # the stubs say str
        codes = {reason.get("Code", "None") for reason in reasons} - {"None", "ConditionalCheckFailed"} - CONFLICTS
        if codes & faults.THROTTLES:
            raise Throttled(f"DynamoDB slowed a write to {tables} down ({', '.join(codes)}). Try again.") from error
        if codes:
            said = "; ".join(str(reason.get("Message")) for reason in reasons if reason.get("Code") in codes)
            raise Unavailable(f"DynamoDB refused a write to {tables} ({', '.join(codes)}: {said}).") from error
        return {
            place: Refusal(_old(reason))
            for place, reason in enumerate(reasons)
            if reason.get("Code") == "ConditionalCheckFailed"
        }

    def _pages(self, table: str, call: Callable[..., Any], request: dict[str, Any]) -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            reply = self._call(table, call, **request, **start)
            yield from reply["Items"]
            if "LastEvaluatedKey" not in reply:
                return
            start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}

    def _call(self, tables: str, call: Callable[..., Any], **request: Any) -> Any:
        """Send; failed conditions and conflicts pass as they are, all else becomes our error."""
        endpoint = self._client.meta.endpoint_url
        try:
            return call(**request)
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            if code in CONFLICTS or code in {"ConditionalCheckFailedException", "TransactionCanceledException"}:
                raise
            raise faults.from_reply(error, tables, endpoint) from error
        except BotoCoreError as error:
            raise faults.from_transport(error, endpoint) from error

    def _remember(self, parsed: dict[str, Any], **_: object) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._date = date


def _old(answer: Any) -> Item | None:
    item: Item | None = answer.get("Item")
    return item or None
