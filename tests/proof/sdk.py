"""The SDK without what it does again for every client and every call, so that the suite and the proof cost less.

A run of the proof makes some ten sessions and a hundred calls. What is sent,
and what comes back, is as ever, but for the user agent, which nobody reads, and
the signatures of what DRS is only asked and of all that is for the tables, EC2
and STS, which nobody checks. Left out is only the work of signing, of reading
the descriptions of services again for every session, of making once more what
is the same for every client (class, model, handlers, paginators, names of
events, addresses, what TLS would need), and of looking through texts and items
member by member, when they are checked, sent and read, that come out as they
went in.
"""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from ssl import SSLContext
from typing import Any

import boto3
import botocore.awsrequest
import botocore.session
import moto.settings
from botocore import hooks
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import HeadersDict
from botocore.client import BaseClient, ClientCreator
from botocore.compat import get_current_datetime
from botocore.endpoint import Endpoint, EndpointCreator
from botocore.hooks import EventAliaser, NodeList, _PrefixTrie
from botocore.httpsession import URLLib3Session, create_urllib3_context
from botocore.model import ServiceModel
from botocore.parsers import JSONParser
from botocore.regions import EndpointRulesetResolver
from botocore.serialize import JSONSerializer
from botocore.useragent import UserAgentString
from botocore.validate import ParamValidator

_CLASSES: dict[str, type] = {}
_NAMES: dict[str, str] = {}
_make_loader = botocore.session.create_loader
_set_up_loader = boto3.Session._setup_loader
_make_class = ClientCreator._create_client_class
_make_model = ClientCreator._load_service_model
_name_of_event = EventAliaser._alias_event_name
_remove_handler = _PrefixTrie.remove_item
_accepts_kwargs = hooks.accepts_kwargs
_read_body = JSONParser._handle_json_body
_signed = SigV4Auth.add_auth
_resolved = EndpointRulesetResolver.construct_endpoint
_paginator = BaseClient.get_paginator
_named_proxies = EndpointCreator._get_proxies
_checked = ParamValidator._validate
_written = JSONSerializer._serialize_type_structure
ITEMS = {f"{name}Output" for name in ("GetItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem")}
UNSIGNED = {"drs", "dynamodb", "ec2", "sts"}
"""Requests to these are not signed, but for changes of DRS."""
ONE_ADDRESS = {"drs", "dynamodb", "ec2"}
"""Whatever is asked of these goes to the same place."""
PROXIES = [spelled for kind in ("HTTP", "HTTPS", "ALL") for spelled in (f"{kind}_PROXY", f"{kind.lower()}_proxy")]
BINARY = (b'"B"', b'"BS"')


def quicken_sdk() -> None:
    """Take the short ways from now on; repeating it does nothing."""
    for place, name, way in WAYS:
        setattr(place, name, way)


def leave_out_images() -> None:
    """Worlds of this process have none of moto's machine images, a thousand of which take as long as half a run."""
    moto.settings.ec2_load_default_amis = lambda: False


@contextmanager
def stock_sdk() -> Iterator[None]:
    """Inside, the SDK is as it was installed, for sessions and clients that are made there."""
    for place, name, _ in WAYS:
        setattr(place, name, STOCK[place, name])
    try:
        yield
    finally:
        quicken_sdk()


@cache
def _loader_of(search_paths: str | None = None) -> Any:
    """What finds and reads the descriptions of services, once for all sessions."""
    return _make_loader(search_paths)


def _set_up(session: Any) -> None:
    loader = session._session.get_component("data_loader")
    if not vars(loader).get("knows_resources"):
        _set_up_loader(session)  # adds a folder to it
        loader.knows_resources = True
    session._loader = loader


def _class_of(creator: Any, service_name: str, service_model: Any) -> type:
    if service_name not in _CLASSES:
        _CLASSES[service_name] = _make_class(creator, service_name, service_model)
    return _CLASSES[service_name]


def _model_of(creator: Any, service_name: str, api_version: str | None = None) -> ServiceModel:
    known = vars(creator._loader).setdefault("models_of_services", {})
    if (service_name, api_version) not in known:
        known[service_name, api_version] = _make_model(creator, service_name, api_version)
    model: ServiceModel = known[service_name, api_version]
    return model


@cache
def _context() -> SSLContext:
    return create_urllib3_context()


def _copied(handlers: NodeList) -> NodeList:
    return NodeList(list(handlers.first), list(handlers.middle), list(handlers.last))


def _shared(trie: Any) -> Any:
    """A copy of a session's handlers for a client: both keep the same nodes until either changes its own."""
    copied = type(trie)()
    copied._root = trie._root
    trie._owner, copied._owner = object(), object()
    return copied


def _add_handler(trie: Any, key: str, value: Any, section: int = hooks._MIDDLE) -> None:
    owner = vars(trie).setdefault("_owner", object())
    root = node = _own(owner, trie._root)
    for part in key.split("."):
        children = node["children"]
        node = children[part] = _own(owner, children.get(part) or {"chunk": part, "values": None, "children": {}})
    if node["values"] is None:
        node["values"] = NodeList([], [], [])
    node["values"][section].append(value)
    trie._root = root


def _own(owner: object, node: dict[str, Any]) -> dict[str, Any]:
    """The node when nobody shares it, else a copy of it alone."""
    if node.get("owner") is owner:
        return node
    values = node["values"] and _copied(node["values"])
    return {"chunk": node["chunk"], "values": values, "children": dict(node["children"]), "owner": owner}


def _without_handler(trie: Any, key: str, value: Any) -> None:
    trie._root = trie._recursive_copy(trie._root)
    _remove_handler(trie, key, value)


def _takes_anything(handler: Any) -> bool:
    code = getattr(handler, "__code__", None)
    return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else _accepts_kwargs(handler)


def _known_name(aliaser: Any, event_name: str) -> str:
    if event_name not in _NAMES:
        _NAMES[event_name] = _name_of_event(aliaser, event_name)
    return _NAMES[event_name]


def _body(parser: Any, raw: Any, shape: Any) -> Any:
    if shape.name in ITEMS and not any(mark in raw for mark in BINARY):
        return parser._parse_body_as_json(raw)
    return _read_body(parser, raw, shape)


def _proxies(creator: Any, url: str) -> dict[str, str]:
    return _named_proxies(creator, url) if any(name in os.environ for name in PROXIES) else {}


def _kept_paginator(client: Any, operation_name: str) -> Any:
    known = vars(client).setdefault("known_paginators", {})
    if operation_name not in known:
        known[operation_name] = _paginator(client, operation_name)
    return known[operation_name]


def _check(validator: Any, value: Any, shape: Any, errors: Any, name: str) -> None:
    if type(value) is str and value and _takes_any_text(shape):
        return
    if shape.name != "AttributeValue" or not _is_plain(value):
        _checked(validator, value, shape, errors, name)


def _takes_any_text(shape: Any) -> bool:
    """Whether every text with something in it is right here."""
    known: bool | None = vars(shape).get("takes_any_text")
    if known is None:
        known = shape.type_name == "string" and shape.metadata.get("min", 0) <= 1
        shape.takes_any_text = known
    return known


def _write(serializer: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str | None = None) -> None:
    if shape.name == "AttributeValue" and key is not None and _is_plain(value):
        serialized[key] = value
    else:
        _written(serializer, serialized, value, shape, key)


def _is_plain(value: Any) -> bool:
    """Whether it is an attribute value as it has to be, and is sent as it stands: no set and nothing binary."""
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    if kind in {"S", "N"}:
        return type(content) is str
    if kind == "M":
        return type(content) is dict and all(type(name) is str and _is_plain(one) for name, one in content.items())
    if kind == "L":
        return type(content) is list and all(map(_is_plain, content))
    return kind in {"BOOL", "NULL"} and type(content) is bool


class _Headers(HeadersDict):
    """The headers of a request, each under its name in small letters."""

    _dict: dict[str, tuple[str, Any]]
    """With the name as it was given first."""

    def __init__(self, *some: Any, **more: Any) -> None:
        if len(some) == 1 and type(some[0]) is _Headers and not more:
            self._dict = some[0]._dict.copy()
        else:
            super().__init__(*some, **more)

    def __setitem__(self, key: str, value: Any) -> None:
        small = key.lower()
        known = self._dict.get(small)
        self._dict[small] = (known[0] if known else key, value)

    def __getitem__(self, key: str) -> Any:
        return self._dict[key.lower()][1]

    def __delitem__(self, key: str) -> None:
        del self._dict[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._dict

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._dict.values())

    def items(self) -> Any:
        return self._dict.values()

    def copy(self) -> HeadersDict:
        return _Headers(self)


def _encode(_: Any, headers: Any) -> None:
    headers._headers = [(key, value.encode() if isinstance(value, str) else value) for key, value in headers._headers]


def _named(signer: Any, request: Any) -> None:
    changes = signer._service_name == "drs" and "/Describe" not in request.url
    if signer.credentials is None or changes or signer._service_name not in UNSIGNED or type(signer) is not SigV4Auth:
        _signed(signer, request)
        return
    request.context["timestamp"] = get_current_datetime().strftime(SIGV4_TIMESTAMP)
    signer._modify_request_before_signing(request)
    request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"


def _address(resolver: Any, operation_model: Any, call_args: Any, request_context: Any) -> Any:
    if resolver._service_model.service_name not in ONE_ADDRESS:
        return _resolved(resolver, operation_model, call_args, request_context)
    known = vars(resolver).setdefault("known_addresses", {})
    if operation_model.name not in known:
        known[operation_model.name] = _resolved(resolver, operation_model, call_args, request_context)
    return known[operation_model.name]


WAYS: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (botocore.session, "create_loader", _loader_of),
    (boto3.Session, "_setup_loader", _set_up),
    (ClientCreator, "_create_client_class", _class_of),
    (ClientCreator, "_load_service_model", _model_of),
    (EventAliaser, "_alias_event_name", _known_name),
    (_PrefixTrie, "__copy__", _shared),
    (_PrefixTrie, "append_item", _add_handler),
    (_PrefixTrie, "remove_item", _without_handler),
    (hooks, "accepts_kwargs", _takes_anything),
    (JSONParser, "_handle_json_body", _body),
    (SigV4Auth, "add_auth", _named),
    (EndpointRulesetResolver, "construct_endpoint", _address),
    (BaseClient, "get_paginator", _kept_paginator),
    (EndpointCreator, "_get_proxies", _proxies),
    (URLLib3Session, "_get_ssl_context", lambda _: _context()),
    (ParamValidator, "_validate", _check),
    (JSONSerializer, "_serialize_type_structure", _write),
    (UserAgentString, "to_string", lambda _: "drskit-tests"),
    (UserAgentString, "rebuild_and_replace_user_agent_handler", lambda _, **__: None),
    (botocore.awsrequest, "HeadersDict", _Headers),
    (Endpoint, "_encode_headers", _encode),
)
STOCK = {(place, name): vars(place)[name] for place, name, _ in WAYS}
