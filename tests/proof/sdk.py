"""The SDK without what it does again for every client and every call, so that the suite and the proof cost less.

A run of the proof makes some ten sessions and a hundred calls. What is sent,
and what comes back, is as ever, but for the user agent, which nobody reads.
Left out is only the work of making the same class for every client, of looking
for old names of events, of composing that user agent, and of reading attribute
values member by member that come out as they went in.
"""

from collections.abc import Callable, Iterator
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


def quicken_sdk() -> None:
    """Take the short ways from now on; repeating it does nothing."""
    for place, name, way in WAYS:
        setattr(place, name, way)


@contextmanager
def stock_sdk() -> Iterator[None]:
    """Inside, the SDK is as it was installed."""
    for place, name, _ in WAYS:
        setattr(place, name, STOCK[place, name])
    try:
        yield
    finally:
        quicken_sdk()


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


WAYS: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (ClientCreator, "_create_client_class", _class_of),
    (EventAliaser, "_alias_event_name", _known_name),
    (BaseJSONParser, "_handle_structure", _structure),
    (UserAgentString, "to_string", lambda _: "drskit-tests"),
)
STOCK = {(place, name): vars(place)[name] for place, name, _ in WAYS}
