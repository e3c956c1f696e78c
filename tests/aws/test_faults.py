"""What only delays, what is refused for good, and what nobody can tell."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSOTokenLoadError,
)

from drskit.aws.clients import Clients
from drskit.aws.faults import launch_outcome
from drskit.errors import NoCredentials, Throttled, Unavailable
from drskit.ports import NotExecuted, Unknown
from tests.aws.conftest import REGION, recovery_of
from tests.builders import attempt_of

THROTTLES = [
    "BandwidthLimitExceeded", "PriorRequestNotComplete", "RequestLimitExceeded",
    "RequestThrottled", "SlowDown", "ThrottledException", "Throttling",
    "ThrottlingException", "TooManyRequestsException",
]  # fmt: skip
CREDENTIALS = [
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId",
    "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
    "NoCredentials", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "UnrecognizedClientException",
]  # fmt: skip
FINAL = [
    "AccessDeniedException", "ConflictException", "ResourceNotFoundException", "SomethingNew", "ValidationException",
]  # fmt: skip
BROKEN_OFF = ["RequestAbortedException", "RequestInProgressException", "RequestTimeout", "RequestTimeoutException"]


SINCE = datetime(2026, 3, 2, tzinfo=UTC)


def refuse(host, operation, code, status):
    host.tell(operation, {"message": "no"}, status=status, x_amzn_errortype=code)


@pytest.mark.parametrize("code", THROTTLES + CREDENTIALS)
@pytest.mark.parametrize("status", [400, 403])
def test_throttles_and_credentials_only_delay_a_launch(host, recovery, code, status):
    """No server fails for them (promise 6)."""
    refuse(host, "StartRecovery", code, status)
    assert NotExecuted(code, "no", status, transient=True) == recovery.start_recovery(attempt_of(), {})
    assert 1 == len(host.asked)


@pytest.mark.parametrize("code", FINAL)
def test_other_refusals_are_no_delay(host, recovery, code):
    """They say the same again."""
    refuse(host, "StartRecovery", code, 400)
    assert NotExecuted(code, "no", 400) == recovery.start_recovery(attempt_of(), {})


@pytest.mark.parametrize(("code", "status"), [*[(code, 400) for code in BROKEN_OFF], ("SomethingNew", 408)])
def test_a_request_that_was_broken_off_may_have_been_carried_out(host, recovery, code, status):
    """A launch or a termination whose time ran out at AWS is looked for, and no server fails; a read is repeated."""
    for operation, ask in [
        ("StartRecovery", lambda: recovery.start_recovery(attempt_of(), {})),
        ("TerminateRecoveryInstances", lambda: recovery.terminate(attempt_of(), ["i-00000000000000001"])),
    ]:
        refuse(host, operation, code, status)
        assert Unknown(f"{code}: no") == ask()
    refuse(host, "DescribeJobs", code, status)
    with pytest.raises(Unavailable, match=code):
        recovery.jobs(since=SINCE)


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "SomethingNew"])
def test_any_429_is_a_throttle(host, recovery, code):
    """Whatever it is called, and by a proxy too."""
    refuse(host, "StartRecovery", code, 429)
    assert recovery.start_recovery(attempt_of(), {}).transient
    host.tell("StartRecovery", b"<html>slowly</html>", status=429)
    assert recovery.start_recovery(attempt_of(), {}).transient
    refuse(host, "DescribeJobs", code, 429)
    with pytest.raises(Throttled):
        recovery.jobs(since=SINCE)


@pytest.mark.parametrize("status", [500, 503])
def test_a_failure_of_drs_may_hide_a_launch(host, recovery, status):
    """A 5xx says nothing of what was done before it."""
    refuse(host, "StartRecovery", "InternalServerException", status)
    assert Unknown("InternalServerException: no") == recovery.start_recovery(attempt_of(), {})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *[(code, Throttled) for code in THROTTLES],
        *[(code, NoCredentials) for code in CREDENTIALS],
        *[(code, Unavailable) for code in FINAL],
    ],
)
def test_reads_tell_the_same_kinds_apart(host, recovery, code, expected):
    """One list for launches and reads."""
    refuse(host, "DescribeJobs", code, 400)
    with pytest.raises(Unavailable, match=f"DescribeJobs in us-west-2 .*{code}") as caught:
        recovery.jobs(since=SINCE)
    assert expected is type(caught.value)


@pytest.mark.parametrize(
    ("error", "code", "transient"),
    [
        (NoCredentialsError(), "NoCredentials", True),
        (PartialCredentialsError(provider="env", cred_var="key"), "NoCredentials", True),
        (CredentialRetrievalError(provider="process", error_msg="ended"), "NoCredentials", True),
        (SSOTokenLoadError(error_msg="expired"), "NoCredentials", True),
        (ConnectTimeoutError(endpoint_url="https://drs"), "ConnectionFailed", True),
        (EndpointConnectionError(endpoint_url="https://drs"), "ConnectionFailed", True),
        (ParamValidationError(report="short"), "ParamValidation", False),
    ],
)
def test_what_was_never_sent_did_not_happen(error, code, transient):
    """A missing identity or way only delays."""
    outcome = launch_outcome(error)
    assert isinstance(outcome, NotExecuted)
    assert (code, transient) == (outcome.code, outcome.transient)


def test_a_lost_reply_may_hide_a_launch():
    """The request was on its way."""
    assert isinstance(launch_outcome(ReadTimeoutError(endpoint_url="https://drs")), Unknown)


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("InternalFailure", 500)])
def test_an_identity_that_sts_did_not_give_sent_nothing(code, status):
    """A role is assumed before the request is signed."""
    response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    outcome = launch_outcome(ClientError(response, "AssumeRole"))
    assert NotExecuted("NoCredentials", f"AssumeRole: {code}: no", status, transient=True) == outcome


def test_nobody_listening_only_delays(monkeypatch, credentials):
    """The connection was refused before anything was sent."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    gone = recovery_of(Clients(region=REGION))
    outcome = gone.start_recovery(attempt_of(), {})
    assert ("ConnectionFailed", True) == (outcome.code, outcome.transient)
    with pytest.raises(Unavailable, match="DescribeJobs in us-west-2 got no answer"):
        gone.jobs(since=SINCE)
