"""What botocore raised, as drskit says it.

Reads have two outcomes, an answer or `Unavailable`. A launch has three, and
only what certainly never reached DRS, or what DRS certainly refused, counts as
not executed (reliability §3.2).
"""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    TokenRetrievalError,
)

from drskit.errors import DrskitError, InvalidInput, NoCredentials, Throttled, Unavailable
from drskit.ports import NotExecuted, Unknown

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
UNKNOWN_CALLER = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AuthFailure",
    }
)
THROTTLES = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)
FORBIDDEN = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
NO_IDENTITY = (NoCredentialsError, PartialCredentialsError, TokenRetrievalError)


def translate(error: ClientError | BotoCoreError, doing: str) -> DrskitError:
    """The error to raise when a read failed; `doing` names the call, as in "DescribeJobs in us-west-2"."""
    if isinstance(error, ClientError):
        return _from_reply(error, doing)
    words = str(error).rstrip(".")
    if isinstance(error, NO_IDENTITY):
        return NoCredentials(
            f"{doing} needs AWS credentials, and none were found ({words}). Run `aws configure`, set AWS_PROFILE, "
            "or use --simulate."
        )
    if isinstance(error, (ProfileNotFound, NoRegionError)):
        return InvalidInput(f"{doing} is not possible: {words}. Set AWS_PROFILE or AWS_REGION.")
    return Unavailable(f"{doing} got no answer: {words}. Check the network and the endpoint; it will be asked again.")


def _from_reply(error: ClientError, doing: str) -> DrskitError:
    code, message = code_of(error), message_of(error)
    if code in EXPIRED:
        return NoCredentials(
            f"{doing} was refused, for the credentials have expired ({code}). Renew them; nothing is lost."
        )
    if code in UNKNOWN_CALLER:
        return NoCredentials(f"{doing} was refused: {code}: {message}. Check the credentials and the Region.")
    if code in THROTTLES:
        return Throttled(f"{doing} was throttled ({code}). It will be asked again.")
    if code in FORBIDDEN:
        return Unavailable(
            f"{doing} is not permitted: {code}: {message}. Add the permission; see the minimal policy in README.md."
        )
    return Unavailable(f"{doing} failed: {code}: {message}. It will be asked again.")


def launch_outcome(error: ClientError | BotoCoreError) -> NotExecuted | Unknown:
    """What a failed StartRecovery came to."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if 400 <= status < 500:
            return NotExecuted(code_of(error), message_of(error), status)
        return Unknown(f"{code_of(error)}: {message_of(error)}")
    if isinstance(error, NO_IDENTITY):
        return NotExecuted("NoCredentials", str(error))
    if isinstance(error, NEVER_SENT):
        return NotExecuted("ConnectionFailed", str(error))
    if isinstance(error, ParamValidationError):
        return NotExecuted("ParamValidation", str(error))
    return Unknown(f"{type(error).__name__}: {error}")


def code_of(error: ClientError) -> str:
    """AWS's name of the error."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def message_of(error: ClientError) -> str:
    """AWS's text of the error."""
    return str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
