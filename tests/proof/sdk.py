"""The SDK without what it does again for every client and every call, so that a run costs little.

A run makes some ten sessions and two hundred calls. What is sent, and what
comes back, is as ever: left out are only the work of making the same class for
every client, of looking for old names of events, of composing a user agent that
nobody reads, and of reading attribute values member by member that come out as
they went in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from botocore.parsers import BaseJSONParser
from botocore.useragent import UserAgentString

_CLASSES: dict[str, type] = {}
_NAMES: dict[str, str] = {}
_make_class = ClientCreator._create_client_class
_name_of_event = EventAliaser._alias_event_name
_read_structure = BaseJSONParser._handle_structure
BINARY = {"B", "BS"}


@contextmanager
def quick_sdk() -> Iterator[None]:
    """Take the short ways inside."""
    ways = (
        (ClientCreator, "_create_client_class", _class_of),
        (EventAliaser, "_alias_event_name", _known_name),
        (BaseJSONParser, "_handle_structure", _structure),
        (UserAgentString, "to_string", lambda _: "proof"),
    )
    before = [(place, name, vars(place)[name]) for place, name, _ in ways]
    for place, name, way in ways:
        setattr(place, name, way)
    try:
        yield
    finally:
        for place, name, way in before:
            setattr(place, name, way)


def _class_of(creator: Any, service_name: str, service_model: Any) -> type:
    if service_name not in _CLASSES:
        _CLASSES[service_name] = _make_class(creator, service_name, service_model)
    return _CLASSES[service_name]


def _known_name(aliaser: Any, event_name: str) -> str:
    if event_name not in _NAMES:
        _NAMES[event_name] = _name_of_event(aliaser, event_name)
    return _NAMES[event_name]


def _structure(parser: Any, shape: Any, value: Any) -> Any:
    if shape.name == "AttributeValue" and not _holds_binary(value):
        return value
    return _read_structure(parser, shape, value)


def _holds_binary(value: dict[str, Any]) -> bool:
    ((kind, content),) = value.items()
    if kind == "M":
        return any(map(_holds_binary, content.values()))
    if kind == "L":
        return any(map(_holds_binary, content))
    return kind in BINARY
