"""Whether what DRS sends is what botocore's model says, down to each word and pattern.

botocore itself drops members that it does not know and lets any word pass, so
answers are looked at as they come over the wire.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

BEYOND = {("JobLogEvent", "LAUNCH_END"), ("RecoveryPlanExecutionStatus", "TIMED_OUT")}
"""Words that the real service sends, or documents, and the model lacks (drs-facts §1.4, §16.2)."""
WRITTEN_OTHERWISE = {"ISO8601DatetimeString"}
"""Patterns that the real service does not keep: it writes `+00:00`, and durations where the model says times."""
OF_ANY_LENGTH = {"EbsVolumeID", "ISO8601DatetimeString"}
"""A volume's id has 21 characters where at most 19 are allowed; spans of recovery instances are typed as times."""
JSON = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "timestamp": str,
}


Words = set[tuple[str, str]]


def faults(shape: Any, value: Any, at: str = "", words: Words | None = None) -> Iterator[str]:
    """How a value of JSON differs from its shape; the words of enums that it uses are put into `words`."""
    kind = JSON[shape.type_name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield f"{at}: {value!r} is no {shape.type_name}"
    elif kind is int:
        yield from _size(shape, value, at)
    elif shape.type_name in INSIDE:
        yield from INSIDE[shape.type_name](shape, value, at, words)


def _structure(shape: Any, value: dict[str, Any], at: str, words: Words | None) -> Iterator[str]:
    yield from (f"{at}.{name} is unknown" for name in value if name not in shape.members)
    yield from (f"{at}.{name} is missing" for name in shape.required_members if name not in value)
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{at} must have one member"
    for name in set(value) & set(shape.members):
        yield from faults(shape.members[name], value[name], f"{at}.{name}", words)


def _map(shape: Any, value: dict[str, Any], at: str, words: Words | None) -> Iterator[str]:
    for key, one in value.items():
        yield from faults(shape.value, one, f"{at}.{key}", words)


def _list(shape: Any, value: list[Any], at: str, words: Words | None) -> Iterator[str]:
    yield from _size(shape, len(value), at)
    for one in value:
        yield from faults(shape.member, one, f"{at}[]", words)


def _size(shape: Any, size: int, at: str) -> Iterator[str]:
    if size < shape.metadata.get("min", 0) or size > shape.metadata.get("max", size):
        yield f"{at}: {size} is out of bounds"


def _string(shape: Any, value: str, at: str, words: Words | None) -> Iterator[str]:
    if shape.enum:
        if words is not None:
            words.add((shape.name, value))
        if value not in shape.enum and (shape.name, value) not in BEYOND:
            yield f"{at}: {value} is no {shape.name}"
        return
    if shape.name not in OF_ANY_LENGTH:
        yield from _size(shape, len(value), at)
    pattern = shape.metadata.get("pattern")
    if pattern and shape.name not in WRITTEN_OTHERWISE and not re.fullmatch(pattern, value):
        yield f"{at}: {value!r} does not match {pattern}"


INSIDE: dict[str, Callable[..., Iterator[str]]] = {
    "structure": _structure,
    "map": _map,
    "list": _list,
    "string": _string,
}


class Inspector:
    """Looks at every answer of the clients that it watches; the real service sends members that the model lacks."""

    def __init__(self, *, unknown_members: bool = False) -> None:
        self._unknown_members = unknown_members
        self.words: Words = set()
        """The words of enums that were seen, each with the name of its enum."""

    def watch(self, client: Any) -> None:
        """Let no answer of this client pass that does not fit the model."""
        client.meta.events.register("before-parse.drs", self._look)

    def _look(self, operation_model: Any, response_dict: Any, **_: Any) -> None:
        body = json.loads(response_dict["body"] or "{}")
        status, found = response_dict["status_code"], []
        if status >= 300:
            name = response_dict["headers"].get("x-amzn-errortype", "")
            errors = {shape.error_code: shape for shape in operation_model.service_model.error_shapes}
            if name in errors:
                body.pop("__type", None)
                found = list(faults(errors[name], body, name, self.words))
        else:
            if status != operation_model.http["responseCode"]:
                found.append(f"the status is {status}")
            if operation_model.output_shape is not None:
                found += faults(operation_model.output_shape, body, operation_model.name, self.words)
        if self._unknown_members:
            found = [fault for fault in found if not fault.endswith(" is unknown")]
        assert not found, f"{operation_model.name}: {found}"
