"""From a request of moto's to an operation, and back (drs-facts §2)."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.core.request import Request

from drskit.sim.backend.models import drs_backends
from drskit.sim.faults import Reply, json_error
from drskit.sim.fragments import dump
from drskit.sim.operations import Call, answer
from drskit.sim.refusals import Refusal, invalid

NO_CONTENT = 204
TAGS = "/tags/"
TAG_OPERATIONS = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}
HEADERS = {"content-type": "application/json"}
REGION = re.compile(r"^drs(?:-fips)?\.([^.]+)\.")


def respond(request: Request, full_url: str, headers: Any) -> Reply:
    """Answer a request to DRS; moto's calling convention."""
    return reply(request.method, full_url, headers, request.get_data())


def reply(method: str, url: str, headers: Any, body: bytes | str | None) -> Reply:
    """The answer to a request to DRS."""
    address = urlsplit(url)
    region = REGION.match(address.netloc)
    account = headers.get("x-moto-account-id", "123456789012")
    backend = drs_backends[account][region.group(1) if region else "us-east-1"]
    now = backend.now()
    backend.world.settle(now)
    try:
        operation, members = _read(method, address.path, address.query, body or "")
        done = answer(Call(backend.world, now, operation, members))
    except Refusal as refusal:
        status, told, text = json_error(refusal.code, refusal.status, refusal.body)
        return status, told | refusal.headers, text
    return done.status, dict(HEADERS), "" if done.status == NO_CONTENT else dump(done.body)


def operation_of(method: str, path: str) -> str:
    """The operation that a request means."""
    if path.startswith(TAGS):
        return TAG_OPERATIONS.get(method, f"{method} {path}")
    return "ListStagingAccounts" if method == "GET" and path == "/ListStagingAccounts" else path.strip("/")


def _read(method: str, path: str, query: str, body: bytes | str) -> tuple[str, dict[str, Any]]:
    try:
        members = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise invalid("The body is no JSON", reason="cannotParse") from error
    if not isinstance(members, dict):
        raise invalid("The body is no JSON object", reason="cannotParse")
    if path.startswith(TAGS):
        members["resourceArn"] = unquote(path.removeprefix(TAGS))
        members |= {key: values for key, values in parse_qs(query).items() if key == "tagKeys"}
    elif method == "GET":
        members |= {key: _number(values[0]) for key, values in parse_qs(query).items()}
    return operation_of(method, path), members


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text
