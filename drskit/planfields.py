"""What each key of a runbook takes, read from the runbook's own model.

An editor that is driven by this offers every key that `runbook.py` understands,
also those that it does not know by name: what has no form of its own is written
as YAML.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

from drskit.errors import InvalidInput
from drskit.yamlfile import Data, YamlFault, read_text
from drskit.yamlwrite import flow

SPAN = TypeAdapter(timedelta)


class Kind(StrEnum):
    """How the value of a key is written in one line."""

    TEXT = "text"
    DURATION = "duration"
    NUMBER = "number"
    CHOICE = "choice"
    LIST = "list"
    """Words between commas."""
    TABLE = "table"
    """`key=value` between commas."""
    PART = "part"
    """Keys of its own."""
    YAML = "yaml"


@dataclass(frozen=True)
class Field:
    """A key that may stand in a part of a runbook."""

    key: str
    kind: Kind
    choices: tuple[str, ...] = ()
    default: str = ""
    """What holds when the key is absent; empty when nothing does."""
    required: bool = False
    parts: tuple["Field", ...] = ()


def fields_of(model: type[BaseModel]) -> tuple[Field, ...]:
    """Every key of a part that is supported, in the model's order."""
    found = []
    for name, info in model.model_fields.items():
        if info.annotation is not NoneType:  # of keys that are not supported yet the type is None
            found.append(_field(info.alias or name, info.annotation, info.default, required=info.is_required()))
    return tuple(found)


def _field(key: str, annotation: Any, default: object, *, required: bool) -> Field:
    kind, choices, parts = _kind(annotation)
    return Field(key, kind, choices, "" if required else _shown(default), required, parts)


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], tuple[Field, ...]]:
    kinds: dict[object, Kind] = {timedelta: Kind.DURATION, int: Kind.NUMBER, str: Kind.TEXT}
    bare = _bare(annotation)
    if get_origin(bare) is Literal:
        return Kind.CHOICE, tuple(map(str, get_args(bare))), ()
    if get_origin(bare) is tuple and _bare(get_args(bare)[0]) is str:
        return Kind.LIST, (), ()
    if get_origin(bare) is dict and all(_bare(part) is str for part in get_args(bare)):
        return Kind.TABLE, (), ()
    if isinstance(bare, type) and issubclass(bare, Enum):
        return Kind.CHOICE, tuple(str(member.value) for member in bare), ()
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return Kind.PART, (), fields_of(bare)
    return kinds.get(bare, Kind.YAML), (), ()


def _bare(annotation: Any) -> Any:
    """A type without what is annotated, and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            some = [part for part in get_args(annotation) if part is not NoneType]
            if len(some) != 1:
                return annotation
            annotation = some[0]
        else:
            return annotation


def _shown(default: object) -> str:
    if isinstance(default, timedelta):
        return str(SPAN.dump_python(default, mode="json"))
    if isinstance(default, Enum):
        return str(default.value)
    return str(default) if isinstance(default, str | int) else ""


# --- a value as one line, and back -----------------------------------------------------------------------------------


def to_line(field: Field, value: Data) -> str:
    """A value as its form shows it; empty when the key is absent. What does not fit the form is shown as YAML."""
    if value is None:
        return ""
    if field.kind is Kind.LIST and isinstance(value, list) and all(_is_word(part) for part in value):
        return ", ".join(map(str, value))
    if field.kind is Kind.TABLE and isinstance(value, dict) and all(_is_pair(*pair) for pair in value.items()):
        return ", ".join(f"{key}={text}" for key, text in value.items())
    if isinstance(value, str) and field.kind is not Kind.YAML:
        return value
    return flow(value, -10_000)


def from_line(field: Field, line: str) -> Data:
    """The value that a line of a form means; None when the key is to be absent.

    Raises:
        InvalidInput: the line is no table, or no YAML.
    """
    line = line.strip()
    if not line:
        return None
    if field.kind in {Kind.TEXT, Kind.DURATION, Kind.NUMBER, Kind.CHOICE}:
        return line
    if field.kind is Kind.LIST and line[0] not in "[{":
        return [word.strip() for word in line.split(",") if word.strip()]
    if field.kind is Kind.TABLE and line[0] not in "[{":
        return dict(_pair(field.key, piece) for piece in line.split(",") if piece.strip())
    try:
        return read_text(line, source=field.key).data
    except YamlFault as fault:
        raise InvalidInput(f"{field.key}: {str(fault).partition(': ')[2]}") from fault


def _pair(key: str, piece: str) -> tuple[str, str]:
    name, equals, value = piece.partition("=")
    if not (equals and name.strip()):
        raise InvalidInput(f"{key}: {piece.strip()!r} is no pair. Write name=value, and a comma between pairs.")
    return name.strip(), value.strip()


def _is_word(value: Data) -> bool:
    return (
        isinstance(value, str) and bool(value) and value == value.strip() and "," not in value and value[0] not in "[{"
    )


def _is_pair(key: str, value: Data) -> bool:
    return _is_word(key) and "=" not in key and isinstance(value, str) and "," not in value and value == value.strip()
