"""What DynamoDB or the way to it answered, as drskit's own errors.

Only the store sees botocore's exceptions. A failed condition is not an error but
an answer; `wire` hands it on. What is no reply of DynamoDB's, such as the page of
a captive proxy, is no answer at all: neither empty nor written.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from drskit.codes import BAD_CREDENTIALS, DENIALS, STILL_EXPIRED, THROTTLES, TOO_MANY
from drskit.errors import DrskitError, MissingTables, NoCredentials, Throttled, Unavailable

CONTENT_TYPE = "application/x-amz-json"
UNREADABLE = (ResponseParserError, AttributeError, KeyError, TypeError, ValueError)
"""What botocore's parser raises when a body is not what its model says; none of them is a BotoCoreError."""


def answer(call: Callable[..., Any], endpoint: str, **request: Any) -> Any:
    """The reply to a call, and certainly one of DynamoDB's; botocore's own errors pass.

    Raises:
        Unavailable: somebody else answered, or the body is not what the model says.
        NoCredentials: they have expired and could not be renewed.
    """
    try:
        reply = call(**request)
    except (BotoCoreError, ClientError):
        raise
    except RuntimeError as error:
        if STILL_EXPIRED not in str(error):
            raise
        text = "The AWS credentials have expired, and so have those that replaced them. Log in again, then repeat."
        raise NoCredentials(text) from error
    except UNREADABLE as error:
        raise nonsense(endpoint, f"{type(error).__name__}: {error}") from error
    if not is_dynamodbs(reply):
        raise nonsense(endpoint, "it carries no request id of AWS")
    return reply


def is_dynamodbs(reply: Any) -> bool:
    """Whether a reply has a mark that only AWS and its emulators set; HTML under status 200 has none."""
    about = reply.get("ResponseMetadata", {})
    kind = about.get("HTTPHeaders", {}).get("content-type", "")
    return bool(about.get("RequestId")) or kind.startswith(CONTENT_TYPE)


def nonsense(endpoint: str, what: str) -> Unavailable:
    """The reply cannot be DynamoDB's."""
    return Unavailable(
        f"What answers at {endpoint} is not DynamoDB, or its reply was spoiled ({what}). "
        "Check the proxy and the endpoint, log in to the network, then repeat."
    )


def from_reply(error: ClientError, tables: str, endpoint: str) -> DrskitError:
    """The error that a reply of DynamoDB stands for."""
    code, said = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ResourceNotFoundException":
        return MissingTables(f"The table {tables} does not exist at {endpoint}. Run `drskit tables create`.")
    if code in BAD_CREDENTIALS:
        return NoCredentials(f"AWS does not accept the credentials ({code}: {said}). Log in again, then repeat.")
    if code in DENIALS:
        return Unavailable(
            f"The credentials may not call {error.operation_name} on {tables} ({said}). "
            f"Allow dynamodb:{error.operation_name}, or use another role."
        )
    if code in THROTTLES or status == TOO_MANY:
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


def code_of(error: ClientError) -> str:
    """AWS's name of the error; empty when it has none."""
    return str(error.response.get("Error", {}).get("Code") or "")
