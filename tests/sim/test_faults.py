"""Faults of single calls, and the age of signatures."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from pydantic import ValidationError

from drskit.clock import SystemClock
from drskit.sim.spec import Fault
from tests.sim.lab import make_spec

pytestmark = pytest.mark.simulated("no account fails when it is told to")


def open_with(open_lab, *faults, **more):
    """A world with faults."""
    return open_lab(make_spec(count=3, faults=faults, **more))


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "ThrottlingException", 429),
        ("error-500", "InternalServerException", 500),
        ("expired-token", "ExpiredTokenException", 403),
        ("access-denied", "AccessDeniedException", 403),
    ],
)
def test_a_refused_call_has_no_effect(open_lab, kind, code, status):
    """The error is AWS's, the next call succeeds, and there is one job."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": kind})
    with pytest.raises(ClientError) as caught:
        lab.start(1)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert (kind == "throttle") == ("retry-after" in response["ResponseMetadata"]["HTTPHeaders"])
    lab.start(1)
    assert len(lab.drs.describe_jobs()["items"]) == 1


def test_a_lost_reply_leaves_a_job(open_lab):
    """The caller sees a read time-out; the job runs."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": "lost-reply"})
    with pytest.raises(ReadTimeoutError):
        lab.start(1, tags={"attempt": "1"})
    assert [job["tags"] for job in lab.drs.describe_jobs()["items"]] == [{"attempt": "1"}]


def test_a_lost_request_leaves_nothing(open_lab):
    """The caller sees a closed connection; there is no job."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": "lost-request"})
    with pytest.raises(ConnectionClosedError):
        lab.start(1)
    assert lab.drs.describe_jobs()["items"] == []


def test_an_error_may_come_after_the_effect(open_lab):
    """500, and yet the job runs."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": "error-500-after"})
    with pytest.raises(ClientError, match="InternalServerException"):
        lab.start(1)
    assert len(lab.drs.describe_jobs()["items"]) == 1


def test_a_timeout_costs_a_minute(open_lab):
    """The effect is there, the answer is not, and the world is a minute older."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": "timeout"})
    with pytest.raises(ReadTimeoutError):
        lab.start(1)
    assert lab.clock.now() == datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    assert len(lab.drs.describe_jobs()["items"]) == 1


@pytest.mark.parametrize(
    ("kind", "seen", "waited"), [("refused", "Could not connect", 0), ("black-hole", "timeout", 5)]
)
def test_where_nobody_answers_nothing_is_sent(open_lab, kind, seen, waited):
    """A refused connection is known at once, an unanswered one after a few seconds."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": kind})
    with pytest.raises((EndpointConnectionError, ConnectTimeoutError), match=seen):
        lab.start(1)
    assert lab.clock.now() == datetime(2026, 3, 2, 9, 0, waited, tzinfo=UTC)
    assert lab.drs.describe_jobs()["items"] == []


def test_a_late_request_is_carried_out_when_it_arrives(open_lab):
    """The sender has given up; two minutes later there is a job, as old as its arrival."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": "late", "seconds": 120})
    with pytest.raises(ReadTimeoutError):
        lab.start(1, tags={"attempt": "1"})
    lab.wait(119)
    assert lab.drs.describe_jobs()["items"] == []
    lab.wait(600)
    (job,) = lab.drs.describe_jobs()["items"]
    assert (job["tags"], job["creationDateTime"]) == ({"attempt": "1"}, "2026-03-02T09:02:00.000000+00:00")
    assert job["status"] == "COMPLETED"


def test_late_requests_arrive_in_their_own_order(open_lab):
    """The second is there first, so that the first finds the server busy: one job."""
    late = [{"operation": "StartRecovery", "kind": "late", "seconds": seconds} for seconds in (20, 10)]
    lab = open_with(open_lab, *late)
    for attempt in ("1", "2"):
        with pytest.raises(ReadTimeoutError):
            lab.start(1, tags={"attempt": attempt})
    lab.wait(30)
    assert [job["tags"] for job in lab.drs.describe_jobs()["items"]] == [{"attempt": "2"}]


@pytest.mark.parametrize(("seconds", "jobs"), [(300, 1), (301, 0)])
def test_a_late_request_is_refused_once_its_signature_is_old(open_lab, seconds, jobs):
    """Its age counts when it arrives: five minutes and no more."""
    lab = open_with(open_lab, {"operation": "StartRecovery", "kind": "late", "seconds": seconds})
    with pytest.raises(ReadTimeoutError):
        start_signed(lab, lab.clock.now())
    lab.wait(1000)
    assert len(lab.drs.describe_jobs()["items"]) == jobs


def test_only_what_is_late_is_under_way():
    """Another kind takes no seconds, and late needs them."""
    for fault in ({"kind": "late"}, {"kind": "throttle", "seconds": 5}):
        with pytest.raises(ValidationError, match="late needs seconds"):
            Fault.model_validate({"operation": "*", **fault})


def test_a_fault_may_hit_a_share_of_the_calls(open_lab):
    """Nine of ten, drawn from the seed: the same world fails the same calls."""
    storm = {"operation": "DescribeJobs", "kind": "throttle", "times": 1000, "share": 0.9}
    seen = outcomes(open_with(open_lab, storm), 200)
    assert 5 < sum(seen) < 40
    assert seen == outcomes(open_with(open_lab, storm), 200)
    assert seen != outcomes(open_with(open_lab, storm, seed=8), 200)


def outcomes(lab, calls):
    """Which of a number of calls succeeded."""
    seen = []
    for _ in range(calls):
        try:
            lab.drs.describe_jobs()
        except ClientError:
            seen.append(False)
        else:
            seen.append(True)
    return seen


def test_faults_count_calls(open_lab):
    """After two calls, twice."""
    lab = open_with(open_lab, {"operation": "DescribeJobs", "kind": "throttle", "after": 2, "times": 2})
    assert outcomes(lab, 6) == [True, True, False, False, True, True]


def test_faults_keep_their_hours(open_lab):
    """From and until are times of the world."""
    hours = {"from": "2026-03-02T09:01:00Z", "until": "2026-03-02T09:02:00Z"}
    lab = open_with(open_lab, {"operation": "*", "kind": "throttle", "times": 99} | hours)
    seen = []
    for _ in range(3):
        seen += outcomes(lab, 1)
        lab.wait(60)
    assert seen == [True, False, True]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("dynamodb", "ListTables", "ThrottlingException"),
        ("ec2", "DescribeInstances", "RequestLimitExceeded"),
        ("sts", "GetCallerIdentity", "RequestLimitExceeded"),
    ],
)
def test_other_services_fail_in_their_own_words(open_lab, service, operation, code):
    """Each protocol has its own error."""
    fault = {"service": service, "operation": operation, "kind": "throttle"}
    lab = open_with(open_lab, fault)
    client = lab.client(service)
    with pytest.raises(ClientError) as caught:
        client._make_api_call(operation, {})
    assert caught.value.response["Error"]["Code"] == code


# --- signatures -----------------------------------------------------------------------------------------------------


def start_signed(lab, at):
    """StartRecovery with a signature of another time."""

    def age(request, **_):
        request.headers["X-Amz-Date"] = at.strftime("%Y%m%dT%H%M%SZ")

    lab.drs.meta.events.register_first("before-send.drs.StartRecovery", age)
    return lab.start(1)["status"]


def test_a_signature_older_than_five_minutes_is_refused(lab):
    """As SigV4 does; nothing is launched."""
    with pytest.raises(ClientError) as caught:
        start_signed(lab, lab.clock.now() - timedelta(minutes=5, seconds=1))
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (
        "InvalidSignatureException",
        403,
    )
    assert "Signature expired: 20260302T085459Z is now earlier than 20260302T085500Z" in response["Error"]["Message"]
    assert lab.drs.describe_jobs()["items"] == []


def test_a_signature_of_the_worlds_time_is_fresh(lab):
    """However old it is by the wall clock."""
    assert start_signed(lab, lab.clock.now() - timedelta(minutes=4)) == "PENDING"


@pytest.mark.parametrize("start", ["2022-12-07T19:15:00Z", "2035-01-01T00:00:00Z"])
def test_a_stock_client_works_at_any_time_of_the_world(open_lab, start):
    """It signs with the wall clock, and the wall clock finds it fresh."""
    lab = open_lab(make_spec(count=1, start=start))
    assert start_signed(lab, SystemClock().now()) == "PENDING"
    assert lab.drs.describe_jobs()["items"][0]["creationDateTime"].startswith(start[:10])


def test_only_start_recovery_is_checked(lab):
    """Reads may be as old as they like."""

    def age(request, **_):
        request.headers["X-Amz-Date"] = "20200101T000000Z"

    lab.drs.meta.events.register_first("before-send.drs.DescribeJobs", age)
    assert lab.drs.describe_jobs()["items"] == []
