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
    """The one copy of the table is enough to give back what the first actions changed."""
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
