"""What is kept of a condition or an update says the same as what moto makes anew, again and again."""

import pytest
from moto.dynamodb.comparisons import ConditionExpressionParser, create_condition_expression_parser

from drskit.sim.backend import quick_expressions
from drskit.sim.backend.quick import quicken

pytestmark = pytest.mark.simulated("it is about how the simulator answers for DynamoDB")

NAMES = {"#n": "number", "#t": "text"}
CONDITIONS = [
    ("attribute_not_exists(k)", None, None),
    ("#n = :one AND attribute_exists(#t)", NAMES, {":one": {"N": "1"}}),
    ("#n = :one AND attribute_exists(#t)", NAMES, {":one": {"N": "2"}}),
    ("#n = :one AND attribute_exists(#t)", NAMES | {"#n": "other"}, {":one": {"N": "1"}}),
    ("(#n < :one OR #n IN (:two, :one)) AND NOT #t = :text", NAMES, {
        ":one": {"N": "1"}, ":two": {"N": "12"}, ":text": {"S": "x"},
    }),
    ("map.deep[0] = :one AND size(#t) BETWEEN :one AND :two", NAMES, {":one": {"N": "1"}, ":two": {"N": "3"}}),
    ("", None, None),
]  # fmt: skip
WRONG = [("#n = :missing", NAMES, {}), ("number ! :one", None, {":one": {"N": "1"}}), ("Status = :one", None, {})]


def read(condition) -> tuple:
    """What becomes of a condition: how it reads, and the names and values found; or how it is refused."""
    parser = create_condition_expression_parser(*condition)
    try:
        return repr(parser.parse()), parser.expr_attr_names_found, parser.expr_attr_values_found
    except Exception as error:  # noqa: BLE001 - what moto refuses it with is what is compared
        return type(error), str(error)


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto go its own way."""
    monkeypatch.setattr(ConditionExpressionParser, "parse", quick_expressions._parse)
    monkeypatch.setattr(ConditionExpressionParser, "_lex_one_node", quick_expressions._lex)


def test_a_condition_means_what_it_means_to_moto_however_often_it_comes(monkeypatch):
    """With other names or values behind it it is another one; what is refused is refused each time."""
    quicken()
    often = [[read(condition) for condition in CONDITIONS + WRONG] for _ in range(3)]
    plainly(monkeypatch)
    assert [[read(condition) for condition in CONDITIONS + WRONG]] * 3 == often


def test_what_a_reader_does_with_the_names_stays_with_it():
    """Checks of moto add to the names that were found."""
    quicken()
    parser = create_condition_expression_parser(*CONDITIONS[1])
    parser.parse()
    parser.expr_attr_names_found += ["#mine"]
    assert "#mine" not in read(CONDITIONS[1])[1]


def test_what_is_kept_does_not_grow_for_ever(monkeypatch):
    """A world that is served for weeks has conditions without end, for each names a version."""
    quicken()
    monkeypatch.setattr(quick_expressions, "KEPT", 3)
    for number in range(10):
        read(("#n = :one", NAMES, {":one": {"N": str(number)}}))
    assert len(quick_expressions._conditions) <= 3


def test_what_an_update_sets_is_not_kept():
    """Only what its condition compares with: items may be large."""
    quicken()
    quick_expressions._conditions.clear()
    for number in range(3):
        values = {":large": {"S": f"{number}" * 100_000}, ":one": {"N": "1"}}
        read(("#n = :one", NAMES, values))
        read((None, None, values))
    assert 1 == len(quick_expressions._conditions)
    assert "000" not in str(list(quick_expressions._conditions))
