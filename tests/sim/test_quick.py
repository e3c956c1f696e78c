"""DynamoDB's short ways say and do the same as moto's own."""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from drskit.sim.backend.quick import quicken

ITEM = {
    "k": {"S": "one"},
    "number": {"N": "12"},
    "text": {"S": ""},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "words": {"SS": ["a", "b"]},
    "map": {"M": {"list": {"L": [{"M": {"deep": {"N": "1"}}}, {"S": "x"}]}, "empty": {"M": {}}}},
    "bytes": {"B": b"\x00\x01"},
    "mixed": {"M": {"bytes": {"B": b"\xff"}, "text": {"S": "y"}}},
}


@pytest.fixture
def table():
    """A table of moto's, by way of the short ways."""
    quicken()
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-west-2")
        client.create_table(
            TableName="things",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        )
        yield client


def test_every_kind_of_attribute_comes_back_as_it_was_written(table):
    """Nested maps, lists, empty values and binary survive the short way."""
    table.put_item(TableName="things", Item=ITEM)
    assert table.get_item(TableName="things", Key={"k": {"S": "one"}})["Item"] == ITEM
    assert [ITEM] == table.scan(TableName="things")["Items"]


def test_a_transaction_that_fails_changes_nothing(table):
    """What is copied of the table is enough to give back what the first actions changed."""
    table.put_item(TableName="things", Item=ITEM)
    put = {"Put": {"TableName": "things", "Item": {"k": {"S": "two"}}}}
    change = {
        "Update": {
            "TableName": "things",
            "Key": {"k": {"S": "one"}},
            "UpdateExpression": "SET #n = :n",
            "ExpressionAttributeNames": {"#n": "number"},
            "ExpressionAttributeValues": {":n": {"N": "13"}},
        }
    }
    refused = {
        "Put": {
            "TableName": "things",
            "Item": {"k": {"S": "three"}},
            "ConditionExpression": "attribute_exists(#k)",
            "ExpressionAttributeNames": {"#k": "k"},
        }
    }
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.transact_write_items(TransactItems=[put, change, refused])
    assert [ITEM] == table.scan(TableName="things")["Items"]


def test_a_transaction_that_fails_gives_back_every_item_under_its_two_keys(table):
    """Where items have two keys: one changed, one deleted, one replaced, and new ones beside them and alone."""
    table.create_table(
        TableName="pairs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("h", "r")],
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
    )
    before = [{**pair("a", range_key), "list": {"L": [{"N": "1"}]}} for range_key in ("1", "2", "3")]
    for item in before:
        table.put_item(TableName="pairs", Item=item)
    actions = [
        {"Update": {"Key": pair("a", "1"), "UpdateExpression": "SET #l[0] = :n", **names("list", {"N": "2"})}},
        {"Delete": {"Key": pair("a", "2")}},
        {"Put": {"Item": pair("a", "3")}},
        {"Put": {"Item": pair("a", "4")}},
        {"Update": {"Key": pair("b", "1"), "UpdateExpression": "SET #l = :n", **names("list", {"N": "2"})}},
        {"ConditionCheck": {"Key": pair("c", "1"), "ConditionExpression": "attribute_exists(h)"}},
    ]
    for action in actions:
        next(iter(action.values()))["TableName"] = "pairs"
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.transact_write_items(TransactItems=actions)
    assert before == table.scan(TableName="pairs")["Items"]
    table.transact_write_items(TransactItems=actions[:-1])
    after = table.scan(TableName="pairs")["Items"]
    assert [("a", "1"), ("a", "3"), ("a", "4"), ("b", "1")] == [(item["h"]["S"], item["r"]["S"]) for item in after]
    assert {**pair("a", "1"), "list": {"L": [{"N": "2"}]}} == after[0]


def pair(hash_key, range_key):
    return {"h": {"S": hash_key}, "r": {"S": range_key}}


def names(name, value):
    return {"ExpressionAttributeNames": {"#l": name}, "ExpressionAttributeValues": {":n": value}}
