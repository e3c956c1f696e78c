"""Tables are made, brought up to date, and compared with what they must be."""

import pytest

from drskit.errors import Unavailable
from drskit.store.names import TableNames
from drskit.store.tables import TRIES, check_tables, create_tables
from tests.store.servers import client as new_client


@pytest.fixture
def names(prefix) -> TableNames:
    """The names of this test's tables."""
    return TableNames.of(prefix)


def old_history(client, names, **changes):
    """A table of executions as an older version might have made it: without StatusIndex."""
    types = {"ExecutionId": "S", "PlanId": "S", "StartTime": "N"} | changes.pop("types", {})
    index = {
        "IndexName": "PlanIdIndex",
        "KeySchema": [
            {"AttributeName": "PlanId", "KeyType": "HASH"},
            {"AttributeName": "StartTime", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    } | changes.pop("index", {})
    client.create_table(
        TableName=names.history,
        KeySchema=[
            {"AttributeName": "ExecutionId", "KeyType": "HASH"},
            {"AttributeName": "PlanId", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index],
        **changes,
    )


def answered(client, operation, code):
    """Let the client get this error for an operation."""

    def answer(http_response, parsed, **_):
        parsed["Error"] = {"Code": code, "Message": "what is that?"}
        http_response.status_code = 400

    client.meta.events.register(f"after-call.dynamodb.{operation}", answer)


def test_the_names_are_the_products():
    """Prefix, kind, environment."""
    expected = TableNames(
        groups="drs-orchestration-protection-groups-dev",
        plans="drs-orchestration-recovery-plans-dev",
        history="drs-orchestration-execution-history-dev",
    )
    assert expected == TableNames.of()


def test_tables_are_made_once(client, names, prefix, clock):
    """The second time there is nothing to do, and nothing differs."""
    done = create_tables(client, clock, prefix=prefix)
    assert 9 == len(done)
    assert f"Table {names.history} was created." in done
    assert f"Table {names.plans}: point-in-time recovery was turned on." in done
    assert f"Table {names.plans}: deletion protection was turned on." in done
    assert [] == create_tables(client, clock, prefix=prefix)
    assert [] == check_tables(client, prefix=prefix)


def test_keys_and_billing_are_as_designed(client, names, prefix, clock):
    """Numbers for StartTime, everything projected, on demand."""
    create_tables(client, clock, prefix=prefix)
    table = client.describe_table(TableName=names.history)["Table"]
    types = {entry["AttributeName"]: entry["AttributeType"] for entry in table["AttributeDefinitions"]}
    assert {"ExecutionId": "S", "PlanId": "S", "Status": "S", "StartTime": "N"} == types
    assert "PAY_PER_REQUEST" == table["BillingModeSummary"]["BillingMode"]
    assert {"ALL"} == {index["Projection"]["ProjectionType"] for index in table["GlobalSecondaryIndexes"]}


def test_a_missing_index_is_added_to_a_live_table(client, names, prefix, clock):
    """Its items stay."""
    old_history(client, names)
    client.put_item(
        TableName=names.history,
        Item={"ExecutionId": {"S": "E1"}, "PlanId": {"S": "shop"}},
        ConditionExpression="attribute_not_exists(#k)",
        ExpressionAttributeNames={"#k": "ExecutionId"},
    )
    assert f"Table {names.history}: index StatusIndex is missing. Run `drskit tables create`." in check_tables(
        client, prefix=prefix
    )
    done = create_tables(client, clock, prefix=prefix)
    assert f"Table {names.history}: index StatusIndex was added." in done
    assert f"Table {names.history} was created." not in done
    assert [] == check_tables(client, prefix=prefix)
    assert 1 == client.scan(TableName=names.history)["Count"]


def test_missing_tables_are_named(client, names, prefix):
    """One sentence each, with the remedy."""
    expected = [
        f"Table {name} does not exist. Run `drskit tables create`."
        for name in (names.groups, names.plans, names.history)
    ]
    assert expected == check_tables(client, prefix=prefix)


def test_each_difference_is_named_with_found_and_wanted(client, names, prefix, clock):
    """Key type, index key, projection, protection."""
    wrong = {
        "KeySchema": [
            {"AttributeName": "PlanId", "KeyType": "HASH"},
            {"AttributeName": "Started", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    types = {"ExecutionId": "S", "PlanId": "N", "Started": "S"}
    client.create_table(
        TableName=names.history,
        KeySchema=[
            {"AttributeName": "ExecutionId", "KeyType": "HASH"},
            {"AttributeName": "PlanId", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{"IndexName": "PlanIdIndex"} | wrong],
    )
    client.create_table(
        TableName=names.plans,
        KeySchema=[{"AttributeName": "Name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    found = set(check_tables(client, prefix=prefix))
    assert {
        f"Table {names.plans}: the key is Name HASH, wanted PlanId HASH.",
        f"Table {names.history}: key attribute PlanId is of type N, wanted S.",
        (
            f"Table {names.history}: index PlanIdIndex has the key PlanId HASH, Started RANGE, "
            "wanted PlanId HASH, StartTime RANGE."
        ),
        f"Table {names.history}: index PlanIdIndex projects KEYS_ONLY, wanted ALL.",
        f"Table {names.history}: deletion protection is off, wanted on.",
        f"Table {names.history}: point-in-time recovery is off, wanted on.",
    } <= found


@pytest.mark.parametrize("code", ["UnknownOperationException", "ValidationException"])
def test_what_an_endpoint_does_not_offer_is_told(names, prefix, clock, moto_client, code):
    """And stops nothing."""
    answered(moto_client, "UpdateContinuousBackups", code)
    done = create_tables(moto_client, clock, prefix=prefix)
    assert f"Table {names.plans}: point-in-time recovery is not offered by this endpoint." in done
    assert f"Table {names.plans}: deletion protection was turned on." in done


def test_a_table_that_never_gets_ready_is_not_waited_for_for_ever(names, prefix, clock, moto_client):
    """Bounded, on the clock that was given; the sentence says how to go on."""

    def creating(parsed, **_):
        if "Table" in parsed:
            parsed["Table"]["TableStatus"] = "CREATING"

    moto_client.meta.events.register("after-call.dynamodb.DescribeTable", creating)
    before = clock.now()
    with pytest.raises(Unavailable, match="is not ACTIVE after 300 s"):
        create_tables(moto_client, clock, prefix=prefix)
    assert TRIES * 2 == (clock.now() - before).total_seconds()


def test_an_index_that_is_still_building_is_a_difference(names, prefix, clock, moto_client):
    """It finds nothing until it is ACTIVE."""
    create_tables(moto_client, clock, prefix=prefix)

    def building(parsed, **_):
        for index in parsed.get("Table", {}).get("GlobalSecondaryIndexes", []):
            index["IndexStatus"] = "CREATING"

    moto_client.meta.events.register("after-call.dynamodb.DescribeTable", building)
    assert [
        f"Table {names.history}: index {index} is CREATING, wanted ACTIVE." for index in ("PlanIdIndex", "StatusIndex")
    ] == check_tables(moto_client, prefix=prefix)


def test_an_endpoint_that_does_not_answer_is_named(clock):
    """Before anything is made."""
    nowhere = new_client("http://127.0.0.1:9")
    for ask in (lambda: create_tables(nowhere, clock), lambda: check_tables(nowhere)):
        with pytest.raises(Unavailable, match="does not answer"):
            ask()
