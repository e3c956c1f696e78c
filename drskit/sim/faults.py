"""Faults of single calls: which call meets one, and what it looks like on the wire."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape

from drskit.sim.spec import Fault, FaultKind

Reply = tuple[int, dict[str, str], str | bytes]
"""Status, headers, body."""

WAITS = {FaultKind.TIMEOUT: 60.0, FaultKind.BLACK_HOLE: 5.0}
"""How many seconds of the world's time a client waits in vain."""

CARRIED_OUT = frozenset({FaultKind.ERROR_500_AFTER, FaultKind.LOST_REPLY, FaultKind.TIMEOUT})
"""The kinds that hit after the call has had its effect."""
SILENT = frozenset(
    {
        FaultKind.LOST_REPLY,
        FaultKind.LOST_REQUEST,
        FaultKind.TIMEOUT,
        FaultKind.LATE,
        FaultKind.REFUSED,
        FaultKind.BLACK_HOLE,
    }
)
"""The kinds that are never answered."""


class Dropped(Exception):
    """No answer will come."""

    def __init__(self, kind: FaultKind) -> None:
        super().__init__(kind.value)
        self.kind = kind


@dataclass(frozen=True)
class _Words:
    """What a kind of fault is called, by DRS and by the others, and its HTTP status."""

    drs: str
    dynamodb: str
    ec2: str
    statuses: tuple[int, int, int]
    message: str


_DENIED = "User: arn:aws:sts::123456789012:assumed-role/simulated/drskit is not authorized to perform this action"
_INTERNAL = "An internal error occurred"
WORDS = {
    FaultKind.THROTTLE: _Words(
        "ThrottlingException", "ThrottlingException", "RequestLimitExceeded", (429, 400, 503), "Rate exceeded"
    ),
    FaultKind.ERROR_500: _Words(
        "InternalServerException", "InternalServerError", "InternalError", (500, 500, 500), _INTERNAL
    ),
    FaultKind.ERROR_500_AFTER: _Words(
        "InternalServerException", "InternalServerError", "InternalError", (500, 500, 500), _INTERNAL
    ),
    FaultKind.EXPIRED_TOKEN: _Words(
        "ExpiredTokenException",
        "ExpiredTokenException",
        "ExpiredToken",
        (403, 400, 400),
        "The security token included in the request is expired",
    ),
    FaultKind.ACCESS_DENIED: _Words(
        "AccessDeniedException", "AccessDeniedException", "UnauthorizedOperation", (403, 400, 403), _DENIED
    ),
}


def error_reply(service: str, kind: FaultKind, *, form: bool) -> Reply:
    """The answer of a call that meets this fault, in the service's own words and protocol."""
    words = WORDS[kind]
    if service == "drs":
        more = {"retry-after": "1"} if kind is FaultKind.THROTTLE else {}
        status, headers, body = json_error(words.drs, words.statuses[0], {"message": words.message})
        return status, headers | more, body
    if form:
        return xml_error(service, words.ec2, words.statuses[2], words.message)
    return json_error(words.dynamodb, words.statuses[1], {"message": words.message})


def xml_error(service: str, code: str, status: int, message: str) -> Reply:
    """An AWS error for the services that are asked in forms and answer in XML."""
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>simulated</RequestId></ErrorResponse>"
    if service == "ec2":
        body = f"<Response><Errors>{error}</Errors><RequestID>simulated</RequestID></Response>"
    return status, {"content-type": "text/xml"}, body


def json_error(code: str, status: int, body: dict[str, object]) -> Reply:
    """An AWS error in JSON; the header is what clients go by (drs-facts §6.3)."""
    headers = {"content-type": "application/json", "x-amzn-errortype": code}
    return status, headers, json.dumps({"__type": code, **body})


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    hit: int = 0

    def strikes(self, service: str, operation: str, now: datetime, draw: "Draw", body: str) -> bool:
        """Count this call, and say whether it meets the fault."""
        fault = self.fault
        if fault.service != service or fault.operation not in ("*", operation) or self.hit >= fault.times:
            return False
        if fault.server and fault.server not in body:
            return False
        if (fault.from_time and now < fault.from_time) or (fault.until_time and now >= fault.until_time):
            return False
        self.seen += 1
        if self.seen <= fault.after or (fault.share < 1 and draw(fault.operation, self.seen) >= fault.share):
            return False
        self.hit += 1
        return True


Draw = Callable[..., float]
"""A number from 0 up to 1 for these words, always the same."""


@dataclass
class FaultBook:
    """The faults that are set up; earlier ones strike first."""

    draw: Draw
    armed: list[_Armed] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Set up one more."""
        self.armed.append(_Armed(fault))

    def clear(self) -> None:
        """No more faults."""
        self.armed.clear()

    @property
    def counted(self) -> int:
        """How many calls were counted so far."""
        return sum(one.seen for one in self.armed)

    def next(self, service: str, operation: str, now: datetime, body: str = "") -> Fault | None:
        """The fault that this call meets."""
        return next((one.fault for one in self.armed if one.strikes(service, operation, now, self.draw, body)), None)

    def to_json(self) -> list[dict[str, object]]:
        """What is set up, and how often each has struck."""
        return [one.fault.model_dump(mode="json", by_alias=True) | {"struck": one.hit} for one in self.armed]
