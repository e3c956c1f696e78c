"""A request to DynamoDB that takes the short way is answered as moto's own way answers it."""

import json

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.request import normalize_request
from moto.dynamodb.responses import DynamoHandler

from drskit.sim.backend import quick_requests
from drskit.sim.backend.quick import quicken

pytestmark = pytest.mark.simulated("it is about how the simulator answers for DynamoDB")

THERE = {"k": {"S": "one"}, "number": {"N": "12"}, "map": {"M": {"list": {"L": [{"S": "x"}, {"NULL": True}]}}}}
KEY = {"k": {"S": "one"}}
OTHER = {"k": {"S": "two"}}
NEW = {"ConditionExpression": "attribute_not_exists(k)"}
UPDATE = {"Key": KEY, "UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
REQUESTS = [
    ("GetItem", {"Key": KEY}),
    ("GetItem", {"Key": KEY, "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "number"}}),
    ("GetItem", {"Key": OTHER}),
    ("GetItem", {"Key": KEY, "TableName": "nowhere"}),
    ("GetItem", {"Key": {"wrong": {"S": "one"}}}),
    ("PutItem", {"Item": OTHER}),
    ("PutItem", {"Item": THERE, **NEW}),
    ("UpdateItem", {**UPDATE, "ReturnValues": "ALL_NEW"}),
    ("UpdateItem", {**UPDATE, "UpdateExpression": "SET nonsense"}),
    ("DeleteItem", {"Key": KEY, "ReturnValues": "ALL_OLD"}),
    ("Query", {"KeyConditionExpression": "k = :k", "ExpressionAttributeValues": {":k": KEY["k"]}}),
    ("Query", {"KeyConditionExpression": "k = :k", "ExpressionAttributeValues": {":k": KEY["k"]}, "Select": "COUNT"}),
    ("Scan", {"Limit": 1}),
    ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "things", "Item": OTHER}}]}),
    ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "things", "Item": THERE, **NEW}}]}),
]
LEFT_TO_MOTO = [
    ("ListTables", "{}"),
    ("GetItem", "no JSON"),
    ("GetItem", '{"TableName": "things", "Key": {"k": {"B": "AAE="}}}'),
    ("Scan", '{"TableName": "things", "Limit": "1"}'),
    ("Scan", '{"TableName": "things", "IndexName": null}'),
    ("PutItem", '{"TableName": "things", "Item": {"k": {"S": null}}}'),
    ("Scan", "[]"),
    ("Scan", b"\xff"),
]


@pytest.fixture
def table():
    """One item in a table of moto's; made anew by calling it."""
    quicken()
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-west-2")

        def anew() -> None:
            if client.list_tables()["TableNames"]:
                client.delete_table(TableName="things")
            client.create_table(
                TableName="things",
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            )
            client.put_item(TableName="things", Item=THERE)

        anew()
        yield anew


def asked(operation: str, body: str | bytes) -> AWSPreparedRequest:
    """A request as it comes to the world's door."""
    told = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "x-moto-account-id": "123456789012",
    }
    headers = HeadersDict(told)
    return AWSPreparedRequest("POST", "https://dynamodb.us-west-2.amazonaws.com/", headers, body, stream_output=False)


def by_moto(request: AWSPreparedRequest):
    """What moto's own way comes to."""
    plain = normalize_request(request)
    return DynamoHandler.dispatch(plain, plain.raw_url, plain.headers)


def told(reply):
    """Of a reply what clients see, but for its time and its request id."""
    status, headers, body = reply
    kept = {key.lower(): value for key, value in headers.items()}
    return status, kept.get("content-type"), kept.get("x-amzn-errortype"), kept["x-amz-crc32"], json.loads(body)


@pytest.mark.parametrize(("operation", "body"), REQUESTS)
def test_the_short_way_answers_as_moto_does(table, operation, body):
    """What is there, what is not, what is refused and what is wrong."""
    request = asked(operation, json.dumps({"TableName": "things"} | body))
    quick = quick_requests.answer(request)
    table()
    assert quick is not None
    assert told(by_moto(request)) == told(quick)


@pytest.mark.parametrize(("operation", "body"), LEFT_TO_MOTO)
def test_what_is_not_plainly_about_items_is_left_to_moto(table, operation, body):
    """Other operations, what is no request, what holds binary or nothing, and members of another type."""
    assert quick_requests.answer(asked(operation, body)) is None


@pytest.mark.parametrize("lost", ["x-moto-account-id", "X-Amz-Target"])
def test_a_request_without_its_headers_is_left_to_moto(table, lost):
    """So is one to an address that names no Region."""
    request = asked("Scan", '{"TableName": "things"}')
    del request.headers[lost]
    assert quick_requests.answer(request) is None
    elsewhere = asked("Scan", '{"TableName": "things"}')
    elsewhere.url = "http://127.0.0.1:4599/"
    assert quick_requests.answer(elsewhere) is None


def test_of_a_header_that_comes_twice_the_first_counts(table):
    """As it does at the door to the world, which knows by it what is asked."""
    request = asked("GetItem", json.dumps({"TableName": "things", "Key": KEY}))
    told = HTTPHeaders()
    for name, value in [*request.headers.items(), ("X-Amz-Target", "DynamoDB_20120810.DeleteItem")]:
        told[name] = value
    request.headers = told
    assert json.loads(quick_requests.answer(request)[2]) == {"Item": THERE}


@pytest.mark.parametrize(
    ("name", "value"), [("Content-Encoding", "gzip"), ("Content-Type", "application/x-www-form-urlencoded")]
)
def test_a_request_in_another_form_is_left_to_moto(table, name, value):
    """One that is compressed, and one as `curl` sends it, which moto refuses before anything is written."""
    request = asked("PutItem", json.dumps({"TableName": "things", "Item": OTHER}))
    request.headers[name] = value
    assert quick_requests.answer(request) is None


def test_the_account_is_the_one_that_moto_takes(table, monkeypatch):
    """`MOTO_ACCOUNT_ID` in the environment is the account of every table, however a request is read."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111111111111")
    table()
    by_moto(asked("PutItem", json.dumps({"TableName": "things", "Item": OTHER})))
    request = asked("GetItem", json.dumps({"TableName": "things", "Key": OTHER}))
    assert OTHER == json.loads(quick_requests.answer(request)[2])["Item"]
