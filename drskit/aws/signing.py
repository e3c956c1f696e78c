"""StartRecovery, TerminateRecoveryInstances and what actions ask for, signed with the time of their intent.

AWS refuses a request that was signed more than five minutes ago. Signed with
the time of the recorded intent, and not with the time of sending, a launch can
therefore never happen long after its intent, whatever slept in between
(reliability §0.3). A request outside the protocol is refused before the wire.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError

from drskit.errors import SignerMismatch

SIGNER = "drskit-v4-at-intent"
SIGV4_TIME = "%Y%m%dT%H%M%SZ"
_intent_time: ContextVar[datetime | None] = ContextVar("intent_time", default=None)


class OutsideProtocol(RuntimeError):
    """A call that changes AWS was about to be sent without a recorded intent: a fault in drskit; nothing was sent."""


@contextmanager
def signed_at(time: datetime) -> Iterator[None]:
    """Sign what is sent inside with this time."""
    token = _intent_time.set(time)
    try:
        yield
    finally:
        _intent_time.reset(token)


class IntentTimeAuth(SigV4Auth):
    """Signature version 4 with a given time in place of the clock's; all else is botocore's own."""

    def add_auth(self, request: AWSRequest) -> None:
        """Sign the request."""
        time = _intent_time.get()
        if time is None:
            raise OutsideProtocol("launches, terminations and commands are only sent for a recorded intent")
        if self.credentials is None:
            raise NoCredentialsError
        request.context["timestamp"] = time.astimezone(UTC).strftime(SIGV4_TIME)
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]  # the stubs leave it out
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))  # type: ignore[attr-defined]


def install() -> None:
    """Make the signer known to botocore, after holding it against botocore's own.

    Raises:
        SignerMismatch: the two differ; no launch is safe with this botocore.
    """
    verify()
    AUTH_TYPE_MAPS[SIGNER] = IntentTimeAuth


def verify() -> None:
    """Sign one request of a role with botocore's signer and with ours at the same time, and compare all that is sent.

    Raises:
        SignerMismatch: the signatures differ.
    """
    credentials = Credentials("AKIDEXAMPLE", "example", "of a role")
    stock, pinned = _example(), _example()
    SigV4Auth(credentials, "drs", "us-west-2").add_auth(stock)
    time = datetime.strptime(stock.headers["X-Amz-Date"], SIGV4_TIME).replace(tzinfo=UTC)
    with signed_at(time):
        IntentTimeAuth(credentials, "drs", "us-west-2").add_auth(pinned)
    if sorted(stock.headers.items()) != sorted(pinned.headers.items()):
        raise SignerMismatch(
            "botocore signs differently from drskit's launch protocol, so no launch is safe. "
            "Install a botocore within the range of drskit's constraints file."
        )


def _example() -> AWSRequest:
    request = AWSRequest(
        method="POST", url="https://drs.us-west-2.amazonaws.com/StartRecovery", data=b'{"isDrill": true}'
    )
    request.headers["Content-Type"] = "application/json"
    return request
