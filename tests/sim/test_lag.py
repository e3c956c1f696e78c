"""DynamoDB's indexes may be behind their tables; the tables themselves never are."""

import pytest
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec

pytestmark = pytest.mark.simulated("DynamoDB's lag is made to order")


def opened(open_lab, *, keys="kr", **behaviour):
    """A world with a table that has an index by status."""
    lab = open_lab(make_spec(behaviour=behaviour))
    client = lab.client("dynamodb")
    client.create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in f"{keys}s"],
        KeySchema=[
            {"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByStatus",
                "KeySchema": [{"AttributeName": "s", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return lab, client


@pytest.fixture
def table(open_lab):
    """Its index is ten minutes behind."""
    return opened(open_lab, index_lag=600)


def by_status(client, status):
    """The keys that the index shows."""
    reply = client.query(
        TableName="things",
        IndexName="ByStatus",
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "s"},
        ExpressionAttributeValues={":s": {"S": status}},
    )
    return [item["k"]["S"] for item in reply["Items"]]


def put(client, key, status):
    client.put_item(TableName="things", Item={"k": {"S": key}, "r": {"S": "x"}, "s": {"S": status}})


def test_an_index_shows_what_the_table_was(table):
    """A new item is missing, a changed one is stale, a deleted one is still there; each for ten minutes."""
    lab, client = table
    put(client, "a", "old")
    assert [] == by_status(client, "old")
    lab.wait(600)
    put(client, "a", "new")
    assert (["a"], []) == (by_status(client, "old"), by_status(client, "new"))
    assert "new" == client.get_item(TableName="things", Key={"k": {"S": "a"}, "r": {"S": "x"}})["Item"]["s"]["S"]
    lab.wait(600)
    client.delete_item(TableName="things", Key={"k": {"S": "a"}, "r": {"S": "x"}})
    assert ([], ["a"]) == (by_status(client, "old"), by_status(client, "new"))
    lab.wait(600)
    assert [] == by_status(client, "new")


def test_a_table_without_a_range_key_has_indexes_that_are_behind_too(open_lab):
    """Its items are kept in another way."""
    lab, client = opened(open_lab, keys="k", index_lag=600)
    put(client, "a", "old")
    assert [] == by_status(client, "old")
    lab.wait(600)
    put(client, "a", "new")
    assert (["a"], []) == (by_status(client, "old"), by_status(client, "new"))


def test_a_transaction_that_fails_never_shows_in_the_index(table):
    """It was rolled back."""
    lab, client = table
    put(client, "a", "old")
    key = {"k": {"S": "a"}, "r": {"S": "x"}}
    change = {
        "TableName": "things",
        "Key": key,
        "UpdateExpression": "SET #s = :s",
        "ExpressionAttributeNames": {"#s": "s"},
        "ExpressionAttributeValues": {":s": {"S": "new"}},
    }
    missing = {"TableName": "things", "Key": {"k": {"S": "b"}, "r": {"S": "x"}}}
    check = missing | {"ConditionExpression": "attribute_exists(k)"}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client.transact_write_items(TransactItems=[{"Update": change}, {"ConditionCheck": check}])
    lab.wait(600)
    assert (["a"], []) == (by_status(client, "old"), by_status(client, "new"))


def test_the_indexes_of_another_world_are_up_to_date(open_lab, table):
    """Even in the same process, and under the same name."""
    put(table[1], "a", "old")
    _, other = opened(open_lab)
    put(other, "b", "old")
    assert ["b"] == by_status(other, "old")
