"""The SDK without what it does again for every client and every call, so that the suite and the proof cost less.

A run of the proof makes some ten sessions and a hundred calls. What is sent,
and what comes back, is as ever, but for the user agent, which nobody reads.
Left out is only the work of making the same class for every client, of looking
for old names of events, of composing that user agent, of hashing what is asked
of tables, whose signatures nobody checks, and of reading items member by member
that come out as they went in.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.auth import SigV4Auth
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from botocore.parsers import JSONParser
from botocore.useragent import UserAgentString

_CLASSES: dict[str, type] = {}
_NAMES: dict[str, str] = {}
_make_class = ClientCreator._create_client_class
_name_of_event = EventAliaser._alias_event_name
_read_body = JSONParser._handle_json_body
_to_be_hashed = SigV4Auth.canonical_request
ITEMS = {f"{name}Output" for name in ("GetItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem")}
BINARY = (b'"B"', b'"BS"')


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


def _body(parser: Any, raw: Any, shape: Any) -> Any:
    if shape.name in ITEMS and not any(mark in raw for mark in BINARY):
        return parser._parse_body_as_json(raw)
    return _read_body(parser, raw, shape)


def _hashed(signer: Any, request: Any) -> Any:
    return "" if signer._service_name == "dynamodb" else _to_be_hashed(signer, request)


WAYS: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (ClientCreator, "_create_client_class", _class_of),
    (EventAliaser, "_alias_event_name", _known_name),
    (JSONParser, "_handle_json_body", _body),
    (SigV4Auth, "canonical_request", _hashed),
    (UserAgentString, "to_string", lambda _: "drskit-tests"),
)
STOCK = {(place, name): vars(place)[name] for place, name, _ in WAYS}
