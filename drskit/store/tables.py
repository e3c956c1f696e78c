"""The tables themselves: what they must be, making them so, and telling how they differ.

Nothing is ever deleted or replaced here; a table with wrong keys is named, and
a person decides.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from drskit.clock import Clock
from drskit.errors import MissingTables, Unavailable
from drskit.store import faults, names

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIES = 150
"""Looks at a table that is being made; at 2 seconds each five minutes, which an empty index needs at most."""
SECONDS_BETWEEN = 2
NOT_OFFERED = frozenset({"UnknownOperationException", "ValidationException", "InvalidAction", "NotImplemented"})
TYPES = {
    "GroupId": "S",
    "PlanId": "S",
    "ExecutionId": "S",
    "Status": "S",
    "StartTime": "N",
}


@dataclass(frozen=True)
class Table:
    """A table as it must be: names of attributes, HASH first."""

    name: str
    key: tuple[str, ...]
    indexes: tuple[tuple[str, tuple[str, ...]], ...] = ()


def wanted(tables: names.TableNames) -> tuple[Table, ...]:
    """The three tables."""
    return (
        Table(tables.groups, ("GroupId",)),
        Table(tables.plans, ("PlanId",)),
        Table(
            tables.history,
            ("ExecutionId", "PlanId"),
            (("PlanIdIndex", ("PlanId", "StartTime")), ("StatusIndex", ("Status", "StartTime"))),
        ),
    )


def create_tables(
    client: "DynamoDBClient", clock: Clock, *, prefix: str = names.PREFIX, env: str = names.ENV
) -> list[str]:
    """Make what is missing; a second call finds nothing to do.

    Returns:
        A sentence for each thing done, and for each that the endpoint does not offer.

    Raises:
        Unavailable: DynamoDB cannot be asked, or a table does not become ready.
    """
    maker = _Maker(client, clock)
    for table in wanted(names.TableNames.of(prefix, env)):
        maker.make(table)
    return maker.done


def check_tables(client: "DynamoDBClient", *, prefix: str = names.PREFIX, env: str = names.ENV) -> list[str]:
    """What differs from the tables as they must be, a sentence each; empty when all is well."""
    differences: list[str] = []
    for table in wanted(names.TableNames.of(prefix, env)):
        found = _described(client, table.name)
        if found is None:
            differences.append(f"Table {table.name} does not exist. Run `drskit tables create`.")
            continue
        differences += _key_differences(table, found) + _index_differences(table, found)
        if not found.get("DeletionProtectionEnabled"):
            differences.append(f"Table {table.name}: deletion protection is off, wanted on.")
        if _recovery_status(client, table.name) != "ENABLED":
            differences.append(f"Table {table.name}: point-in-time recovery is off, wanted on.")
    return differences


# --- making ----------------------------------------------------------------------------------------------------------


class _Maker:
    """Makes tables one by one and notes what it did."""

    def __init__(self, client: "DynamoDBClient", clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self.done: list[str] = []

    def make(self, table: Table) -> None:
        found = _described(self._client, table.name)
        if found is None:
            self._create(table)
        found = self._ready(table)
        for index, key in table.indexes:
            if index not in _indexes(found):
                self._add_index(table, index, key)
                found = self._ready(table)
        self._protect(table, found)
        if _recovery_status(self._client, table.name) != "ENABLED":
            self._keep_history(table)

    def _create(self, table: Table) -> None:
        attributes = dict.fromkeys((*table.key, *(name for _, key in table.indexes for name in key)))
        request: dict[str, Any] = {
            "TableName": table.name,
            "KeySchema": _schema(table.key),
            "AttributeDefinitions": _definitions(*attributes),
            "BillingMode": "PAY_PER_REQUEST",
        }
        if table.indexes:
            request["GlobalSecondaryIndexes"] = [_index(index, key) for index, key in table.indexes]
        _ask(self._client, table.name, self._client.create_table, **request)
        self.done.append(f"Table {table.name} was created.")

    def _add_index(self, table: Table, index: str, key: tuple[str, ...]) -> None:
        request: dict[str, Any] = {
            "TableName": table.name,
            "AttributeDefinitions": _definitions(*dict.fromkeys((*table.key, *key))),
            "GlobalSecondaryIndexUpdates": [{"Create": _index(index, key)}],
        }
        _ask(self._client, table.name, self._client.update_table, **request)
        self.done.append(f"Table {table.name}: index {index} was added.")

    def _ready(self, table: Table) -> dict[str, Any]:
        for _ in range(TRIES):
            found = _described(self._client, table.name) or {}
            states = [found.get("TableStatus"), *(index.get("IndexStatus") for index in _indexes(found).values())]
            if all(state == "ACTIVE" for state in states):
                return found
            self._clock.sleep(SECONDS_BETWEEN)
        raise Unavailable(
            f"Table {table.name} is not ACTIVE after {TRIES * SECONDS_BETWEEN} s. "
            "Run `drskit tables create` again; it goes on from here."
        )

    def _protect(self, table: Table, found: dict[str, Any]) -> None:
        if found.get("DeletionProtectionEnabled"):
            return
        request = {"TableName": table.name, "DeletionProtectionEnabled": True}
        self._offered(f"Table {table.name}: deletion protection", table, self._client.update_table, request)
        self._ready(table)

    def _keep_history(self, table: Table) -> None:
        enabled = {"PointInTimeRecoveryEnabled": True}
        request = {"TableName": table.name, "PointInTimeRecoverySpecification": enabled}
        what = f"Table {table.name}: point-in-time recovery"
        self._offered(what, table, self._client.update_continuous_backups, request)

    def _offered(self, what: str, table: Table, call: Any, request: dict[str, Any]) -> None:
        try:
            faults.answer(call, self._client.meta.endpoint_url, **request)
        except ClientError as error:
            if faults.code_of(error) not in NOT_OFFERED:
                raise faults.from_reply(error, table.name, self._client.meta.endpoint_url) from error
            self.done.append(f"{what} is not offered by this endpoint.")
        except BotoCoreError as error:
            raise faults.from_transport(error, self._client.meta.endpoint_url) from error
        else:
            self.done.append(f"{what} was turned on.")


def _schema(key: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(key, ("HASH", "RANGE"), strict=False)]


def _definitions(*attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": TYPES[name]} for name in attributes]


def _index(name: str, key: tuple[str, ...]) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _schema(key), "Projection": {"ProjectionType": "ALL"}}


# --- looking ---------------------------------------------------------------------------------------------------------


def _described(client: "DynamoDBClient", name: str) -> dict[str, Any] | None:
    try:
        reply = _ask(client, name, client.describe_table, TableName=name)
    except MissingTables:
        return None
    found: dict[str, Any] | None = reply.get("Table")
    if found is None:
        raise faults.nonsense(client.meta.endpoint_url, "it describes no Table")
    return found


def _recovery_status(client: "DynamoDBClient", name: str) -> str:
    """ENABLED or DISABLED; also DISABLED where the endpoint does not know the question."""
    try:
        reply = faults.answer(client.describe_continuous_backups, client.meta.endpoint_url, TableName=name)
    except ClientError as error:
        if faults.code_of(error) in NOT_OFFERED:
            return "DISABLED"
        raise faults.from_reply(error, name, client.meta.endpoint_url) from error
    except BotoCoreError as error:
        raise faults.from_transport(error, client.meta.endpoint_url) from error
    recovery = reply.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    return str(recovery.get("PointInTimeRecoveryStatus", "DISABLED"))


def _key_differences(table: Table, found: dict[str, Any]) -> list[str]:
    differences = []
    key = _key(found)
    if key != table.key:
        differences.append(f"Table {table.name}: the key is {_words(key)}, wanted {_words(table.key)}.")
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in found["AttributeDefinitions"]}
    used = dict.fromkeys((*table.key, *(name for _, names in table.indexes for name in names)))
    differences += [
        f"Table {table.name}: key attribute {name} is of type {types[name]}, wanted {TYPES[name]}."
        for name in used
        if name in types and types[name] != TYPES[name]
    ]
    return differences


def _index_differences(table: Table, found: dict[str, Any]) -> list[str]:
    differences = []
    for name, wanted_key in table.indexes:
        where = f"Table {table.name}: index {name}"
        index = _indexes(found).get(name)
        if index is None:
            differences.append(f"{where} is missing. Run `drskit tables create`.")
            continue
        projection = index.get("Projection", {}).get("ProjectionType")
        status = index.get("IndexStatus", "ACTIVE")
        if _key(index) != wanted_key:
            differences.append(f"{where} has the key {_words(_key(index))}, wanted {_words(wanted_key)}.")
        if projection != "ALL":
            differences.append(f"{where} projects {projection}, wanted ALL.")
        if status != "ACTIVE":
            differences.append(f"{where} is {status}, wanted ACTIVE.")
    return differences


def _indexes(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", [])}


def _key(described: dict[str, Any]) -> tuple[str, ...]:
    ordered = sorted(described["KeySchema"], key=lambda entry: str(entry["KeyType"]))
    return tuple(entry["AttributeName"] for entry in ordered)


def _words(key: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in zip(key, ("HASH", "RANGE"), strict=False))


def _ask(client: "DynamoDBClient", name: str, call: Any, **request: Any) -> Any:
    try:
        return faults.answer(call, client.meta.endpoint_url, **request)
    except ClientError as error:
        raise faults.from_reply(error, name, client.meta.endpoint_url) from error
    except BotoCoreError as error:
        raise faults.from_transport(error, client.meta.endpoint_url) from error
