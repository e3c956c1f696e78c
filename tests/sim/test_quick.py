"""DynamoDB's short ways say and do the same as moto's own."""

import pickle
import re
from contextlib import suppress

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.dynamodb import responses
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_to_dict

from drskit.sim.backend.quick import quicken
from drskit.sim.backend.quick_reads import _query_table
from drskit.sim.backend.quick_replies import _Typed

pytestmark = pytest.mark.simulated("it is about how the simulator answers for DynamoDB")

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


def update(text: str, **values) -> dict:
    """An update of the one item's number or text."""
    return {
        "TableName": "things",
        "Key": {"k": {"S": "one"}},
        "UpdateExpression": text,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


@pytest.mark.parametrize("short", [True, False], ids=["in a transaction", "alone"])
def test_a_page_holds_as_much_as_its_items_weigh_now(table, short):
    """What an item weighs is remembered until it is changed, by the short way or by moto's."""
    for key in ("one", "two", "three", "four", "five", "six"):
        table.put_item(TableName="things", Item={"k": {"S": key}, "filling": {"S": "x" * 160_000}})
    assert 6 == table.scan(TableName="things")["Count"]
    grown = update("SET #f = :f", f={"S": "x" * 230_000}) | {"ExpressionAttributeNames": {"#f": "filling"}}
    if short:
        table.transact_write_items(TransactItems=[{"Update": grown}])
    else:
        table.update_item(**grown)
    assert 5 == table.scan(TableName="things")["Count"]


def test_what_was_read_stays_as_it_was_when_the_item_changes(table):
    """Also what is deep inside a map."""
    table.put_item(TableName="things", Item=ITEM)
    read = table.scan(TableName="things")["Items"]
    deep = {"UpdateExpression": "SET #m.#t = :n", "ExpressionAttributeNames": {"#m": "mixed", "#t": "text"}}
    table.update_item(**update("", n={"N": "1"}) | deep)
    assert [ITEM] == read
    assert {"N": "1"} == table.get_item(TableName="things", Key={"k": {"S": "one"}})["Item"]["mixed"]["M"]["text"]


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


UPDATES = {
    "sets, removes and adds": "SET #text = :text, #map = :map REMOVE #yes, #words ADD #number :two",
    "adds to nothing": "ADD #new :two",
    "removes what is not there": "REMOVE #new",
    "sets an empty text": "SET #text = :empty",
    "adds to a text": "ADD #text :two",
    "adds to a set": "ADD #words :words",
    "names an attribute twice": "SET #text = :text REMOVE #text",
    "sets a key": "SET #k = :text",
    "sets a key of an index to a number": "SET #state = :two",
    "sets a key of an index to nothing": "SET #state = :empty",
    "sets part of a map": "SET #map.#text = :text",
    "sets what is computed": "SET #number = #number + :two",
    "sets what is read": "SET #new = #text",
    "says a word twice": "SET #text = :text SET #new = :text",
    "is too large": "SET #new = :large",
    "is no update": "PUT #new = :text",
}
VALUES = {
    ":text": {"S": "SET it = back"},
    ":map": {"M": {"a": {"L": [{"N": "1"}]}}},
    ":two": {"N": "2"},
    ":empty": {"S": ""},
    ":words": {"SS": ["c"]},
    ":large": {"S": "x" * 406_000},
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_an_update_by_the_short_way_leaves_what_moto_s_own_leaves(table, update):
    """In a transaction the short way is gone, outside it moto's own: the same item, or the same words of refusal."""
    index = {"IndexName": "by-state", "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}]}
    table.create_table(
        TableName="indexed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("k", "state")],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[index | {"Projection": {"ProjectionType": "ALL"}}],
    )
    names = sorted(set(re.findall(r"#(\w+)", update)))
    asked = {
        "TableName": "indexed",
        "Key": {"k": {"S": "one"}},
        "UpdateExpression": update,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
    }
    values = {name: VALUES[name] for name in sorted(set(re.findall(r":\w+", update)))}
    if values:
        asked["ExpressionAttributeValues"] = values

    def left_by(change, **request):
        table.put_item(TableName="indexed", Item=ITEM | {"state": {"S": "new"}})
        words = ""
        try:
            change(**request)
        except ClientError as error:
            reasons = error.response.get("CancellationReasons")
            words = reasons[0]["Message"] if reasons else error.response["Error"]["Message"]
        return words, table.scan(TableName="indexed")["Items"]

    by_moto = left_by(table.update_item, **asked)
    assert left_by(table.transact_write_items, TransactItems=[{"Update": asked}]) == by_moto


def test_a_set_that_grows_in_its_item_does_not_grow_in_the_condition(table):
    """Moto keeps the list of a request as the item's own, and adds to it there."""
    unless = "attribute_not_exists(words) OR words = :words"

    def write(key: str, text: str, words: list[str], **condition: str) -> None:
        table.update_item(
            TableName="things", Key={"k": {"S": key}}, UpdateExpression=text,
            ExpressionAttributeValues={":words": {"SS": words}}, **condition,
        )  # fmt: skip

    write("one", "SET words = :words", ["a"], ConditionExpression=unless)
    write("one", "ADD words :words", ["b"])
    with pytest.raises(ClientError, match="conditional request failed"):
        write("one", "SET words = :words", ["a"], ConditionExpression=unless)
    write("two", "SET words = :words", ["a"])
    write("two", "SET words = :words", ["a"], ConditionExpression=unless)


@pytest.fixture
def indexed(table):
    """A table with an index, in which some items have not all of its keys."""
    keys = [{"AttributeName": "state", "KeyType": "HASH"}, {"AttributeName": "when", "KeyType": "RANGE"}]
    table.create_table(
        TableName="indexed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("h", "r", "state", "when")],
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {"IndexName": "by-state", "KeySchema": keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
    )
    for number, (hash_key, state, when) in enumerate(
        [("b", "new", "2"), ("a", "new", "2"), ("c", "new", "1"), ("a", "old", "1"), ("d", "new", ""), ("e", "", "1")]
    ):
        known = {name: {"S": value} for name, value in (("state", state), ("when", when)) if value}
        table.put_item(TableName="indexed", Item=pair(hash_key, str(number)) | known | {"other": {"N": "1"}})
    return table


STATE = {"KeyConditionExpression": "#s = :s", "ExpressionAttributeNames": {"#s": "state"}} | {
    "ExpressionAttributeValues": {":s": {"S": "new"}}
}
ASKED = {
    "all": STATE,
    "a page": STATE | {"Limit": 2},
    "backwards": STATE | {"ScanIndexForward": False},
    "a range": {
        "KeyConditionExpression": "#s = :s AND #w > :w",
        "ExpressionAttributeNames": {"#s": "state", "#w": "when"},
        "ExpressionAttributeValues": {":s": {"S": "new"}, ":w": {"S": "1"}},
    },
    "in the old way": {
        "KeyConditions": {"state": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "new"}]}},
    },
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_an_index_is_read_as_by_moto_s_own_way(indexed, monkeypatch, asked):
    """Its partition alone, in its order; what lacks one of its keys is not in it."""

    def found() -> list:
        pages = indexed.get_paginator("query").paginate(TableName="indexed", IndexName="by-state", **asked)
        kept = ("Items", "Count", "ScannedCount", "LastEvaluatedKey")
        return [{name: page.get(name) for name in kept} for page in pages]

    quick = found()
    monkeypatch.setattr(Table, "query", _query_table)
    assert quick == found()
    assert 2 <= sum(page["Count"] for page in quick) <= 3


@pytest.fixture
def compared(monkeypatch):
    """Whether the quick reply was moto's, of every reply so far: status, headers and text, to the last letter."""
    found = []

    class Both(ActionResult):
        """Writes a reply in both ways."""

        def execute_result(self, context):
            """The quick one, which is moto's."""
            quick = _Typed(self.result).execute_result(context)
            found.append(quick == ActionResult(dynamo_to_dict(self.result)).execute_result(context))
            return quick

    monkeypatch.setattr(responses, "DynamoResult", Both)
    return found


def test_a_reply_is_written_as_moto_writes_it(table, compared):
    """All that comes from a table."""
    key, things = {"k": ITEM["k"]}, {"TableName": "things"}
    table.put_item(Item=ITEM, **things)
    table.put_item(Item=ITEM, ReturnValues="ALL_OLD", **things)
    table.put_item(Item={"k": {"S": "two"}, "empty": {"L": []}, "no": {"BOOL": False}}, **things)
    for more in (
        {},
        {"Select": "COUNT"},
        {"Limit": 1},
        {"ReturnConsumedCapacity": "TOTAL"},
        {"AttributesToGet": ["k"]},
    ):
        table.scan(**things, **more)
    table.get_item(Key=key, **things)
    table.get_item(Key={"k": {"S": "nobody"}}, **things)
    table.update_item(**update("SET #t = :t", t={"S": "x"}) | {"ExpressionAttributeNames": {"#t": "text"}})
    table.delete_item(Key=key, ReturnValues="ALL_OLD", **things)
    table.describe_table(**things)
    assert [True] * 13 == compared


def put(**attributes) -> dict:
    """To put the one item."""
    return {"TableName": "things", "Item": {"k": {"S": "one"}, **attributes}}


ARN = "arn:aws:dynamodb:us-west-2:123456789012:table/things"
CHANGES = {
    "put": lambda table: table.put_item(**put(l={"L": []})),
    "set alone": lambda table: table.update_item(**update("SET n = :n", n={"N": "2"})),
    "set inside": lambda table: table.update_item(**update("SET l[0].a = :a", a={"S": "z"})),
    "list grows": lambda table: table.update_item(**update("SET l = list_append(l, :m)", m={"L": [{"S": "y"}]})),
    "set grows": lambda table: table.update_item(**update("ADD w :w", w={"SS": ["c"]})),
    "old words": lambda table: table.update_item(
        TableName="things", Key={"k": {"S": "one"}}, AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "3"}}}
    ),
    "set together": lambda table: table.transact_write_items(
        TransactItems=[{"Update": update("SET #n = :n", n={"N": "4"}) | {"ExpressionAttributeNames": {"#n": "n"}}}]
    ),
    "set inside together": lambda table: table.transact_write_items(
        TransactItems=[{"Update": update("SET l[0].a = :a", a={"S": "q"})}]
    ),
    "too late": lambda table: table.transact_write_items(
        TransactItems=[
            {"Update": update("SET #n = :n", n={"N": "5"}) | {"ExpressionAttributeNames": {"#n": "n"}}},
            {"Put": put() | {"Item": {"k": {"S": "two"}}, "ConditionExpression": "attribute_exists(k)"}},
        ]
    ),
    "by ARN": lambda table: table.update_item(**update("SET n = :n", n={"N": "6"}) | {"TableName": ARN}),
    "by ARN together": lambda table: table.transact_write_items(
        TransactItems=[{"Update": update("SET n = :n", n={"N": "7"}) | {"TableName": ARN}}]
    ),
    "by ARN too late": lambda table: table.transact_write_items(
        TransactItems=[
            {"Update": update("SET n = :n", n={"N": "8"}) | {"TableName": ARN}},
            {"Put": put() | {"Item": {"k": {"S": "two"}}, "ConditionExpression": "attribute_exists(k)"}},
        ]
    ),
    "delete": lambda table: table.delete_item(TableName="things", Key={"k": {"S": "one"}}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_remembered_of_an_item_is_forgotten_when_it_changes(table, compared, change):
    """In whatever way: what is read next is as moto would write it now."""
    table.put_item(**put(n={"N": "1"}, w={"SS": ["a"]}, l={"L": [{"M": {"a": {"S": "x"}}}]}))
    before = table.scan(TableName="things")["Items"]
    assert before == table.scan(TableName="things")["Items"]
    with suppress(table.exceptions.TransactionCanceledException):
        change(table)
    compared.clear()
    after = table.scan(TableName="things")["Items"]
    table.get_item(TableName="things", Key={"k": {"S": "one"}})
    assert [True, True] == compared
    assert (before == after) is (change in {CHANGES["too late"], CHANGES["by ARN too late"]})


def test_what_is_remembered_of_an_item_is_not_kept_with_its_world(table):
    """Else a file of a world would hold every item twice."""
    table.put_item(**put())
    table.scan(TableName="things")
    (item,) = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID]["us-west-2"].tables["things"].items.values()
    assert "one" in item.attrs.text
    assert not pickle.loads(pickle.dumps(item.attrs)).text
    assert 1 == table.scan(TableName="things")["Count"]


def test_replies_that_hold_more_than_items_and_their_number_are_moto_s_own(table):
    """Several items at once, what they cost, and what a request takes away, down to their binary values."""
    table.put_item(TableName="things", Item=ITEM)
    key = {"k": ITEM["k"]}
    assert {"things": [ITEM]} == table.batch_get_item(RequestItems={"things": {"Keys": [key]}})["Responses"]
    both = table.transact_get_items(TransactItems=[{"Get": {"TableName": "things", "Key": key}}])
    assert [{"Item": ITEM}] == both["Responses"]
    dear = table.scan(TableName="things", ReturnConsumedCapacity="TOTAL")
    assert ([ITEM], "things") == (dear["Items"], dear["ConsumedCapacity"]["TableName"])
    assert ITEM == table.delete_item(TableName="things", Key=key, ReturnValues="ALL_OLD")["Attributes"]
