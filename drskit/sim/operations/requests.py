"""Whether a request is what the model of DRS says.

boto3 checks little of it: neither patterns nor maximum lengths nor words
(drs-facts §6.3), so these reach the service, and the service refuses them. The
text of the refusal is that of other AWS services; DRS's own was not captured.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from drskit.sim import refusals
from drskit.sim.wire import Json

TIMES = frozenset({"ISO8601DatetimeString"})
"""Shapes whose pattern DRS itself does not keep: it writes `+00:00`, and reads both (drs-facts §1.5)."""
KINDS: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
}


@cache
def model() -> ServiceModel:
    """The model of DRS that botocore brings."""
    return ServiceModel(Loader().load_service_model("drs", "service-2"), "drs")


def check(operation: str, request: Json) -> None:
    """Refuse what does not fit the model.

    Raises:
        Refusal: naming every member at fault.
    """
    shape = model().operation_model(operation).input_shape
    if shape is None:
        return
    faults = list(_faults(shape, request, ""))
    if not faults:
        return
    if any(name.split(".")[0] == "tags" for name, _ in faults):
        raise refusals.invalid("Invalid request provided: Tags", name="tags")
    told = "; ".join(f"Value at '{name}' failed to satisfy constraint: {text}" for name, text in faults)
    count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected"
    fields = [{"name": name, "message": text} for name, text in faults]
    raise refusals.invalid_fields(f"{count}: {told}", fields)


def _faults(shape: Any, value: Any, name: str) -> Iterator[tuple[str, str]]:
    kind = KINDS.get(shape.type_name)
    if kind and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        yield name or "the request", f"Member must be a {shape.type_name}"
    elif shape.type_name == "structure":
        yield from _members(shape, value, name)
    elif shape.type_name == "list":
        yield from _size(shape, value, name)
        for position, one in enumerate(value):
            yield from _faults(shape.member, one, f"{name}.{position + 1}.member")
    elif shape.type_name == "map":
        yield from _size(shape, value, name)
        for key, one in value.items():
            yield from _faults(shape.key, key, f"{name}.key")
            yield from _faults(shape.value, one, f"{name}.{key}")
    elif shape.type_name == "string":
        yield from _text(shape, value, name)
    elif kind is int:
        yield from _number(shape, value, name)


def _members(shape: Any, value: Json, name: str) -> Iterator[tuple[str, str]]:
    prefix = f"{name}." if name else ""
    present = [member for member in shape.members if value.get(member) is not None]
    for member in shape.required_members:
        if member not in present:
            yield f"{prefix}{member}", "Member must not be null"
    if getattr(shape, "is_tagged_union", False) and len(present) != 1:
        yield name, "Exactly one member must be set"
    for member in present:
        yield from _faults(shape.members[member], value[member], f"{prefix}{member}")


def _size(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield name, f"Member must have length greater than or equal to {least}"
    if most is not None and len(value) > most:
        yield name, f"Member must have length less than or equal to {most}"


def _text(shape: Any, value: str, name: str) -> Iterator[tuple[str, str]]:
    yield from _size(shape, value, name)
    if shape.enum and value not in shape.enum:
        yield name, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    if pattern and shape.name not in TIMES and not _pattern(pattern).fullmatch(value):
        yield name, f"Member must satisfy regular expression pattern: {pattern}"


def _number(shape: Shape, value: int, name: str) -> Iterator[tuple[str, str]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield name, f"Member must have value greater than or equal to {least}"
    if most is not None and value > most:
        yield name, f"Member must have value less than or equal to {most}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
