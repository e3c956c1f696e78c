"""What DynamoDB or the way to it answered, as drskit's own errors.

Only this module and `wire` see botocore's exceptions. A failed condition is
not an error but an answer; `wire` hands it on.
"""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from drskit.errors import DrskitError, MissingTables, NoCredentials, Throttled, Unavailable

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "LimitExceededException",
        "TooManyRequestsException",
    }
)
BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})


def from_reply(error: ClientError, tables: str, endpoint: str) -> DrskitError:
    """The error that a reply of DynamoDB stands for."""
    code = error.response["Error"].get("Code", "")
    said = error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code == "ResourceNotFoundException":
        return MissingTables(f"The table {tables} does not exist at {endpoint}. Run `drskit tables create`.")
    if code in BAD_CREDENTIALS:
        return NoCredentials(f"AWS does not accept the credentials ({code}: {said}). Log in again, then repeat.")
    if code in DENIALS:
        return Unavailable(
            f"The credentials may not call {error.operation_name} on {tables} ({said}). "
            f"Allow dynamodb:{error.operation_name}, or use another role."
        )
    if code in THROTTLES:
        return Throttled(
            f"DynamoDB slowed {error.operation_name} on {tables} down ({code}: {said}). Try again shortly."
        )
    if status >= 500:
        return Unavailable(f"DynamoDB at {endpoint} failed with {status} ({code}: {said}). Try again.")
    return Unavailable(
        f"DynamoDB refused {error.operation_name} on {tables} ({code}: {said}). "
        "Run `drskit tables check`; if the tables are right, report it as a fault of drskit."
    )


def from_transport(error: BotoCoreError, endpoint: str) -> DrskitError:
    """The error that stands for no reply at all."""
    missing = NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError, SSOError
    if isinstance(error, missing):
        return NoCredentials(f"There are no usable AWS credentials ({error}). Log in, or set AWS_PROFILE, then repeat.")
    return Unavailable(
        f"DynamoDB at {endpoint} does not answer ({error}). Check the network and the endpoint, then repeat."
    )
