"""What botocore raised, as drskit says it.

Reads have two outcomes, an answer or `Unavailable`. A launch has three, and
only what certainly never reached DRS, or what DRS certainly refused, counts as
not executed (reliability §3.2). Whether a refusal only delays is decided here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidRegionError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSOError,
    TokenRetrievalError,
)
from botocore.httpsession import URLLib3ConnectTimeoutError  # type: ignore[attr-defined]  # the stubs leave it out
from botocore.parsers import ResponseParserError

from drskit.codes import (
    BROKEN_OFF,
    DENIALS,
    EXPIRED,
    STILL_EXPIRED,
    THROTTLES,
    TIMED_OUT,
    TOO_MANY,
    UNKNOWN_CALLER,
)
from drskit.errors import DrskitError, InvalidInput, NoCredentials, Throttled, Unavailable
from drskit.ports import NotExecuted, Unknown

NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)
NO_TUNNEL = "Tunnel connection failed"
"""How Python begins to say that a proxy refused to connect further."""
NO_IDENTITY = (
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, ResponseParserError)
"""What botocore and our own reading raise on a reply of another shape than AWS's."""


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """Ask AWS and read its reply inside; `doing` names the call, as in "DescribeJobs in us-west-2".

    Raises:
        Unavailable: there was no answer, or none that can be read.
    """
    try:
        yield
    except RuntimeError as error:
        if STILL_EXPIRED not in str(error):
            raise
        raise translate(error, doing) from error
    except (ClientError, BotoCoreError, *UNREADABLE) as error:
        raise translate(error, doing) from error


def translate(error: Exception, doing: str) -> DrskitError:
    """The error to raise when a read failed; `doing` names the call, as in "DescribeJobs in us-west-2"."""
    if isinstance(error, ClientError):
        return _from_reply(error, doing)
    words, cause = str(error).rstrip("."), f"{type(error).__name__} at {doing}"
    if isinstance(error, (RuntimeError, *NO_IDENTITY)):
        return _nobody(error, doing)
    if isinstance(error, (ProfileNotFound, NoRegionError)):
        return InvalidInput(f"{doing} is not possible: {words}. Set AWS_PROFILE or AWS_REGION.")
    if isinstance(error, InvalidRegionError):
        region = error.kwargs["region_name"]
        return Unavailable(f"{doing} is not possible: {region!r} is no AWS Region. Correct it where it is named.")
    if isinstance(error, BotoCoreError):
        return Unavailable(
            f"{doing} got no answer: {words}. Check the network and the endpoint; it can be asked again.", cause
        )
    return Unavailable(
        f"{doing} got a reply that cannot be read ({words}). Check that nothing answers in AWS's place, "
        "such as a proxy's login page; it can be asked again.",
        f"a reply that cannot be read at {doing}",
    )


def _nobody(error: Exception, doing: str) -> NoCredentials:
    """There are no credentials, or, by a RuntimeError of botocore's, only expired ones."""
    if isinstance(error, RuntimeError):
        return NoCredentials(
            f"{doing} was not sent, for the credentials have expired, and so have those that replaced them. Log in "
            "again; nothing is lost.",
            f"expired credentials at {doing}",
        )
    words = str(error).rstrip(".")
    return NoCredentials(
        f"{doing} needs AWS credentials, and none were found ({words}). Run `aws configure`, set AWS_PROFILE, "
        "or use --simulate.",
        f"{type(error).__name__} at {doing}",
    )


def _from_reply(error: ClientError, doing: str) -> DrskitError:
    code, message = code_of(error), message_of(error)
    cause = f"{code} at {doing}"
    if code in EXPIRED:
        return NoCredentials(
            f"{doing} was refused, for the credentials have expired ({code}). Renew them; nothing is lost.", cause
        )
    if code in UNKNOWN_CALLER:
        return NoCredentials(
            f"{doing} was refused: {code}: {message}. Check the credentials, the clock and the Region.", cause
        )
    if _is_throttle(error):
        return Throttled(f"{doing} was throttled ({code}). It can be asked again.", cause)
    if code in DENIALS:
        return Unavailable(
            f"{doing} is not permitted: {code}: {message}. Add the permission: docs/first-real-account.md has all.",
            cause,
        )
    return Unavailable(f"{doing} failed: {code}: {message}. It can be asked again.", cause)


def launch_outcome(error: Exception, operation: str = "StartRecovery") -> NotExecuted | Unknown:
    """What a failed request to change something came to, a launch or a termination.

    A 4xx whose code we do not know is a refusal for good: AWS answers so before it does anything, and whether the same
    request would pass later, nobody can tell.

    A RuntimeError is botocore's, of credentials that could not be renewed.
    """
    if isinstance(error, ClientError):
        return _launch_reply(error, operation)
    if isinstance(error, (RuntimeError, *NO_IDENTITY)):
        return NotExecuted("NoCredentials", str(error).rstrip("."), transient=True)
    if isinstance(error, NEVER_SENT) or (isinstance(error, ProxyConnectionError) and _stopped_at_proxy(error)):
        return NotExecuted("ConnectionFailed", str(error), transient=True)
    if isinstance(error, ParamValidationError):
        return NotExecuted("ParamValidation", str(error))
    if isinstance(error, BotoCoreError):
        return Unknown(f"{type(error).__name__}: {error}")
    return Unknown(f"the reply to {operation} cannot be read: {error}")


def _stopped_at_proxy(error: ProxyConnectionError) -> bool:
    """Whether there was no way to the proxy, or none beyond it; then nothing was sent.

    urllib3 blames the proxy also for a connection that broke after the request had gone through it.
    """
    cause = getattr(error.kwargs.get("error"), "original_error", None)
    return isinstance(cause, URLLib3ConnectTimeoutError) or str(cause).startswith(NO_TUNNEL)


def _launch_reply(error: ClientError, operation: str) -> NotExecuted | Unknown:
    code, message, status = code_of(error), message_of(error), _status_of(error)
    if error.operation_name != operation:
        return NotExecuted("NoCredentials", f"{error.operation_name}: {code}: {message}", status, transient=True)
    if status == TIMED_OUT or code in BROKEN_OFF:
        return Unknown(f"{code}: {message}")
    if _is_throttle(error) or code in EXPIRED | UNKNOWN_CALLER:
        return NotExecuted(code, message, status, transient=True)
    if 400 <= status < 500 and not _is_nobodys(code):
        return NotExecuted(code, message, status)
    return Unknown(f"{code}: {message}")


def _is_throttle(error: ClientError) -> bool:
    return code_of(error) in THROTTLES or _status_of(error) == TOO_MANY


def _is_nobodys(code: str) -> bool:
    """Whether it is what botocore writes when a reply names no error, as a proxy's page does."""
    return code.isdigit() or code in {"", "Unknown"}


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """AWS's name of the error."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def message_of(error: ClientError) -> str:
    """AWS's text of the error."""
    return str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
