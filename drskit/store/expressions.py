"""DynamoDB expressions, written once and named.

Every attribute name goes through ExpressionAttributeNames: `Status`, `Region`
and 570 other words are reserved, and not every emulator says so. A clause
carries its names and values, so that it can be joined with others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drskit.store.attributes import to_attribute


@dataclass(frozen=True)
class Clause:
    """A piece of an expression with the names and values that it uses."""

    text: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def __and__(self, other: "Clause") -> "Clause":
        return self._joined("AND", other)

    def __or__(self, other: "Clause") -> "Clause":
        return self._joined("OR", other)

    def _joined(self, word: str, other: "Clause") -> "Clause":
        return Clause(f"({self.text}) {word} ({other.text})", self.names | other.names, self.values | other.values)  # type: ignore[operator]  # Mapping has no |, both are dicts


def arguments(**clauses: Clause) -> dict[str, Any]:
    """Request parameters: `arguments(ConditionExpression=present("PlanId"))`."""
    request: dict[str, Any] = {parameter: clause.text for parameter, clause in clauses.items()}
    names = {placeholder: name for clause in clauses.values() for placeholder, name in clause.names.items()}
    values = {placeholder: value for clause in clauses.values() for placeholder, value in clause.values.items()}
    request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return request


# --- conditions ------------------------------------------------------------------------------------------------------


def present(name: str) -> Clause:
    """The item exists and has the attribute."""
    return Clause(f"attribute_exists(#{name})", {f"#{name}": name})


def missing(name: str) -> Clause:
    """The item lacks the attribute, or does not exist."""
    return Clause(f"attribute_not_exists(#{name})", {f"#{name}": name})


def equals(name: str, value: Any) -> Clause:
    """The attribute has the value; false when the item does not exist."""
    return _compared(name, "=", "is", value)


def same(name: str, item: Mapping[str, Any]) -> Clause:
    """The attribute is still as it was read, of whatever type; also when it was absent."""
    if name not in item:
        return missing(name)
    return Clause(f"#{name} = :{name}_read", {f"#{name}": name}, {f":{name}_read": item[name]})


def at_most(name: str, value: Any) -> Clause:
    """The attribute is the value or less."""
    return _compared(name, "<=", "most", value)


def at_least(name: str, value: Any) -> Clause:
    """The attribute is the value or more."""
    return _compared(name, ">=", "least", value)


def below(name: str, value: Any) -> Clause:
    """The attribute is less than the value; texts by their UTF-8 bytes."""
    return _compared(name, "<", "below", value)


def above(name: str, value: Any) -> Clause:
    """The attribute is more than the value."""
    return _compared(name, ">", "above", value)


def between(name: str, low: str, high: str) -> Clause:
    """The attribute lies in the closed range."""
    return Clause(
        f"#{name} BETWEEN :{name}_low AND :{name}_high",
        {f"#{name}": name},
        {f":{name}_low": to_attribute(low), f":{name}_high": to_attribute(high)},
    )


def without(name: str, text: str) -> Clause:
    """The attribute does not contain the text."""
    placeholder = f":{name}_text"
    return Clause(f"NOT contains(#{name}, {placeholder})", {f"#{name}": name}, {placeholder: to_attribute(text)})


def version_is(expected: int | None) -> Clause:
    """The item has this version; None: it has none, so it does not exist."""
    return missing("Version") if expected is None else equals("Version", expected)


def _compared(name: str, sign: str, word: str, value: Any) -> Clause:
    placeholder = f":{name}_{word}"
    return Clause(f"#{name} {sign} {placeholder}", {f"#{name}": name}, {placeholder: to_attribute(value)})


# --- updates ---------------------------------------------------------------------------------------------------------


def change(values: Mapping[str, Any], *, remove: tuple[str, ...] = (), add: Mapping[str, int] | None = None) -> Clause:
    """An update: set these values, remove those attributes, add to these numbers."""
    add = add or {}
    sections = [
        ("SET", ", ".join(f"#{name} = :{name}_set" for name in values)),
        ("REMOVE", ", ".join(f"#{name}" for name in remove)),
        ("ADD", ", ".join(f"#{name} :{name}_add" for name in add)),
    ]
    placed = {f":{name}_set": to_attribute(value) for name, value in values.items()}
    placed |= {f":{name}_add": to_attribute(value) for name, value in add.items()}
    return Clause(
        " ".join(f"{word} {body}" for word, body in sections if body),
        {f"#{name}": name for name in (*values, *remove, *add)},
        placed,
    )
