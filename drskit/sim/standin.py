"""Stand-ins: parts of AWS's services that the simulator answers for in moto's place.

moto answers some operations at once where the real service takes its time, and
some not at all. A stand-in answers for the operations that it names, in process
and over HTTP alike, with the world's time and its faults; all else is moto's.
"""

import json
from datetime import datetime
from typing import Any, Protocol

from drskit.sim.faults import Reply, json_error
from drskit.sim.questions import Question
from drskit.sim.refusals import Refusal

JSON = {"content-type": "application/x-amz-json-1.1"}


class StandIn(Protocol):
    """A part of a service in one Region."""

    @property
    def operations(self) -> frozenset[str]:
        """What it answers for."""

    def answer(self, question: Question, now: datetime) -> Reply:
        """The reply to a request, which the world was settled for."""


def members_of(body: str) -> dict[str, Any]:
    """The members of a request in JSON.

    Raises:
        Refusal: it is none.
    """
    try:
        told = json.loads(body or "{}")
    except ValueError as error:
        raise Refusal("SerializationException", 400, "The body is no JSON") from error
    if not isinstance(told, dict):
        raise Refusal("SerializationException", 400, "The body is no JSON object")
    return told


def json_reply(members: dict[str, Any]) -> Reply:
    """An answer in JSON."""
    return 200, dict(JSON), json.dumps(members)


def refused(refusal: Refusal) -> Reply:
    """A refusal in JSON."""
    return json_error(refusal.code, refusal.status, refusal.body)


def page(items: list[Any], members: dict[str, Any], *, most: int = 50) -> tuple[list[Any], dict[str, str]]:
    """A page of the items by MaxResults and NextToken, and the token of the next one where there is one.

    Raises:
        Refusal: the token is none of ours.
    """
    token = str(members.get("NextToken") or "0")
    if not token.isdigit():
        raise Refusal("InvalidNextToken", 400, "The specified token is not valid.")
    start, size = int(token), int(members.get("MaxResults") or most)
    rest = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return items[start : start + size], rest
