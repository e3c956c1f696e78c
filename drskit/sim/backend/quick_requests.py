"""Requests to DynamoDB without detours: read as they came, and given to moto's handler.

moto makes a web server's request of each one and looks there for forms, files
and query strings, which no request to DynamoDB has. What reads and writes items
is given to its handler at once; all else goes moto's own way.
"""

import json
import re
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from moto.utilities.utils import get_partition

from drskit.sim.faults import Reply

TARGET = "DynamoDB_20120810."
ITEMS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "TransactWriteItems"})
"""Operations that take the short way."""
REGION = re.compile(r"\.(?P<region>[^.]+)\.amazonaws\.com")
JSON = "application/x-amz-json-1.0"
ODD = ('"B"', '"BS"', "null")
"""What moto does not take as it came: binary is decoded, and a member that is null is as if it were not there."""


class _Headers(dict[str, Any]):
    """A request's headers, asked for in capital or small letters."""

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, otherwise: Any = None) -> Any:
        return super().get(name.lower(), otherwise)


class _Handler(DynamoHandler):
    """moto's handler, for one request of one account and Region."""

    @cached_property
    def dynamodb_backend(self) -> Any:
        return dynamodb_backends[self.current_account][self.region]


def answer(request: AWSPreparedRequest) -> Reply | None:
    """The handler's answer; None for what goes moto's own way."""
    headers = _headers(request)
    name = headers.get("X-Amz-Target", "").removeprefix(TARGET)
    found = REGION.search(request.url)
    plain = headers.get("Content-Type") == JSON and "Content-Encoding" not in headers
    if name not in ITEMS or not (found and plain and "x-moto-account-id" in headers):
        return None
    try:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        said = {} if any(mark in body for mark in ODD) else json.loads(body)
    except ValueError:
        return None
    if not said or not isinstance(said, dict) or not isinstance(said.get("Limit", 0), int):
        return None
    handler: Any = _Handler()
    address = urlsplit(request.url)
    handler.normalized_request = SimpleNamespace(content_type=JSON)
    handler.raw_body, handler.params = body, said
    handler.uri, handler.parsed_url, handler.path, handler.method = request.url, address, address.path, request.method
    handler.querystring = handler.data = {key: [value] for key, value in headers.items()}
    handler.headers, handler.uri_match = headers, {}
    handler.region = found["region"]
    handler.partition = get_partition(handler.region)
    handler.access_key = handler.get_access_key()
    handler.current_account = handler.get_current_account()
    handler.response_headers = {"server": "amazon.com"}
    handler._enrich_response = _as_it_is  # noqa: SLF001 - the place where moto gives a request id
    return cast("Reply", handler.call_action())


def _as_it_is(headers: dict[str, Any], body: str) -> tuple[dict[str, Any], str]:
    """A reply without a request id in its text; the door to the world gives it one, and a date."""
    return {key: str(value) if key == "status" else value for key, value in headers.items()}, body


def _headers(request: AWSPreparedRequest) -> _Headers:
    found: list[tuple[str, Any]] = list(request.headers.items())
    told = reversed(found)  # of a header that comes twice the first one counts
    return _Headers({key.lower(): value.decode() if isinstance(value, bytes) else value for key, value in told})
