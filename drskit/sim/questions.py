"""What a request asks, read off its address, headers and body, before anybody carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest

from drskit.sim.backend.responses import operation_of

SIGNATURE_AGE = timedelta(minutes=5)
SIGNED_IN_TIME = frozenset({"StartRecovery", "SendCommand", "StartAutomationExecution", "Invoke", "Publish"})
"""What is refused when its signature is old."""


@dataclass(frozen=True)
class Question:
    """What a request asks, read off its address, headers and body."""

    service: str
    operation: str
    signed_at: str
    form: bool
    """Whether it is asked in a form, and wants XML."""
    body: str
    """What it says; empty where the body is no text."""
    region: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in small letters."""


def read(request: AWSPreparedRequest) -> Question:
    """What a request asks."""
    address = urlsplit(request.url)
    service = address.netloc.split(".")[0].removesuffix("-fips")
    signed_at = _text(request.headers.get("X-Amz-Date"))
    form = _text(request.headers.get("Content-Type")).startswith("application/x-www-form-urlencoded")
    target = _text(request.headers.get("X-Amz-Target"))
    body = _text(request.body) if isinstance(request.body, str | bytes) else ""
    if target:
        operation = target.rpartition(".")[2]
    elif service == "drs":
        operation = operation_of(str(request.method), address.path)
    elif service == "lambda":
        operation = "Invoke" if address.path.endswith("/invocations") else ""
    else:
        operation = parse_qs(body).get("Action", [""])[0] if form else ""
    region = address.netloc.split(".")[1] if address.netloc.count(".") > 1 else ""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()} if service == "lambda" else {}
    return Question(service, operation, signed_at, form, body, region, address.path, headers)


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def stale(signed_at: str, now: datetime, wall: datetime) -> str | None:
    """AWS's complaint about an old signature.

    Old means old by the world's time and by the wall clock: a stock client signs with the wall clock, however far from
    it the world's time may be.
    """
    try:
        signed = datetime.strptime(signed_at, "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
    reference = min(now, wall)
    if reference - signed <= SIGNATURE_AGE:
        return None
    limit, present = (f"{at:%Y%m%dT%H%M%SZ}" for at in (reference - SIGNATURE_AGE, reference))
    return f"Signature expired: {signed_at} is now earlier than {limit} ({present} - 5 min.)"
