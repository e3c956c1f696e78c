"""The check of our own expressions finds what it is for."""

import pytest

from tests.store.lint import assert_clean

NAMES = {"#s": "Status"}
VALUES = {":s": {"S": "POLLING"}}
PUT = {"Item": {"PlanId": {"S": "shop"}}}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("Query", {"KeyConditionExpression": "Status = :s", "ExpressionAttributeValues": VALUES}),
        ("Scan", {"FilterExpression": "contains(Status, :s)", "ExpressionAttributeValues": VALUES}),
        ("GetItem", {"ProjectionExpression": "Status"}),
        ("GetItem", {"ProjectionExpression": "#s.Name", "ExpressionAttributeNames": NAMES}),
        ("UpdateItem", {"UpdateExpression": "SET Status = :s", "ConditionExpression": "attribute_exists(#s)"}),
        ("PutItem", PUT),
        ("TransactWriteItems", {"TransactItems": [{"Put": PUT}]}),
        ("TransactWriteItems", {"TransactItems": [{"Put": PUT | {"ConditionExpression": "attribute_exists(PlanId)"}}]}),
        ("BatchWriteItem", {"RequestItems": {}}),
        ("PutItem", PUT | {"Expected": {"PlanId": {"Exists": False}}}),
        ("Scan", {"FilterExpression": "#s = :s", "ExpressionAttributeNames": NAMES | {"#z": "Z"}}),
    ],
)
def test_a_request_that_breaks_a_rule_is_found(operation, request_):
    """Bare names, writes without a condition, placeholders that nobody uses."""
    with pytest.raises(AssertionError):
        assert_clean(operation, request_)


def test_a_clean_request_passes():
    """Names aliased, write conditional."""
    condition = {"ConditionExpression": "attribute_not_exists(#s) OR #s <= :s"}
    aliases = {"ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": VALUES}
    assert_clean("PutItem", PUT | condition | aliases)
    assert_clean("TransactWriteItems", {"TransactItems": [{"Put": PUT | condition | aliases}]})
    assert_clean("GetItem", {"Key": {}})
