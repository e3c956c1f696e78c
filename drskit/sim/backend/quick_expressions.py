"""Expressions of DynamoDB in moto, taken apart once.

moto takes each condition of a transaction apart three times, with patterns that
it makes anew for each word, and each update once more than it needs to. What a
condition became is kept, with copies of the values that it compares with, for
moto lets items have the values of a request and changes them there.
"""

import re
from copy import deepcopy
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from moto.dynamodb import responses
from moto.dynamodb.comparisons import ConditionExpressionParser

KEPT = 2_000
WORD = re.compile(r"[:#][A-z0-9_-]+")
_parse = ConditionExpressionParser.parse
_make_update = vars(responses)["UpdateExpressionParser"].make
_lex = vars(ConditionExpressionParser)["_lex_one_node"]
_ANYBODY = ConditionExpressionParser(None, None, None)
_conditions: dict[tuple[str, str, str], tuple[Any, list[str], list[str]]] = {}


def quicken_expressions() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(ConditionExpressionParser, "parse", _parse_once)  # noqa: B010
    setattr(ConditionExpressionParser, "_lex_one_node", _first_word)  # noqa: B010
    setattr(responses, "UpdateExpressionParser", SimpleNamespace(make=_update_to_be_read))  # noqa: B010


def _parse_once(parser: Any) -> Any:
    """What the condition becomes; as from moto, the parser then knows the names and values that occur."""
    text = parser.condition_expression
    if not text:
        return _parse(parser)
    names, values = (
        _used(text, said) for said in (parser.expression_attribute_names, parser.expression_attribute_values)
    )
    key = (text, repr(names), repr(values))
    found = _conditions.get(key)
    if found is None:
        alone = ConditionExpressionParser(text, names, deepcopy(values))
        parsed = _parse(alone)
        if len(_conditions) >= KEPT:
            _conditions.clear()
        found = _conditions[key] = parsed, alone.expr_attr_names_found, alone.expr_attr_values_found
    parser.expr_attr_names_found, parser.expr_attr_values_found = list(found[1]), list(found[2])
    return found[0]


def _used(text: str, said: dict[str, Any] | None) -> dict[str, Any] | None:
    """Those names or values that the condition has; what an update sets is said in the same place."""
    return said if said is None else {word: said[word] for word in _words(text) if word in said}


@lru_cache(KEPT)
def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(WORD.findall(text)))


def _first_word(_parser: Any, text: str) -> Any:
    return _split(text)


@lru_cache(KEPT)
def _split(text: str) -> Any:
    """The first word of a condition, and what comes after it; the words of all conditions are alike."""
    return _lex(_ANYBODY, text)


@lru_cache(KEPT)
def _update_to_be_read(text: str) -> Any:
    """An update, taken apart for its names and values only."""
    return _make_update(text)
