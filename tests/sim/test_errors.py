"""What boto3 raises for each error of DRS, and what it does by itself (drs-facts §6.3)."""

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from drskit.sim.spec import Fault
from tests.sim.lab import INSPECTOR, Lab, make_spec, server_id, session
from tests.sim.loan import loan

pytestmark = pytest.mark.simulated("no account throttles, fails or has too many servers when it is told to")

MODES = {"legacy": 5, "standard": 3}


def busy(lab: Lab) -> Any:
    lab.start(1)
    return lab.drs.start_recovery, {"sourceServers": [{"sourceServerID": server_id(1)}], "isDrill": True}


def too_many(lab: Lab) -> Any:
    return lab.drs.start_recovery, {"sourceServers": [{"sourceServerID": server_id(one)} for one in range(1, 102)]}


def throttled(lab: Lab) -> Any:
    lab.gateway.faults.add(Fault(operation="DescribeJobs", kind="throttle", times=9))
    return lab.drs.describe_jobs, {}


def broken(lab: Lab) -> Any:
    lab.gateway.faults.add(Fault(operation="DescribeJobs", kind="error-500", times=9))
    return lab.drs.describe_jobs, {}


def malformed(lab: Lab) -> Any:
    return lab.drs.describe_jobs, {"filters": {"jobIDs": ["x" * 40]}}


def unknown(lab: Lab) -> Any:
    return lab.drs.get_launch_configuration, {"sourceServerID": server_id(999)}


def uninitialised(lab: Lab) -> Any:
    lab.gateway.world.initialized = False
    return lab.drs.describe_jobs, {}


def denied(lab: Lab) -> Any:
    return lab.drs.list_extensible_source_servers, {"stagingAccountID": "222222222222"}


TABLE = [
    ("ConflictException", 409, busy, {}),
    (
        "ServiceQuotaExceededException",
        402,
        too_many,
        {"resourceId": "", "resourceType": "Job", "serviceCode": "drs", "quotaCode": "L-B827C881"},
    ),
    ("ThrottlingException", 429, throttled, {"retryAfterSeconds": "1"}),
    ("ValidationException", 400, malformed, {"reason": "fieldValidationFailed"}),
    ("ResourceNotFoundException", 404, unknown, {"resourceId": server_id(999), "resourceType": "SourceServer"}),
    ("UninitializedAccountException", 400, uninitialised, {}),
    ("AccessDeniedException", 403, denied, {}),
    ("InternalServerException", 500, broken, {}),
]


ORDERED = {
    "ServiceQuotaExceededException",
    "ThrottlingException",
    "UninitializedAccountException",
    "InternalServerException",
}
"""What no account says to order."""
ROWS = [pytest.param(*row, id=row[0], marks=[] if row[0] in ORDERED else [pytest.mark.account]) for row in TABLE]


@pytest.fixture
def crowd(request):
    """A world of 101 servers; an account, where asked, with those that it lends."""
    if loan():
        return request.getfixturevalue("lab")
    return request.getfixturevalue("open_lab")(make_spec(count=101))


@pytest.mark.parametrize(("code", "status", "provoke", "members"), ROWS)
def test_each_error_is_the_exception_of_its_name(crowd, code, status, provoke, members):
    """The class hangs off the client for every operation; status, header and members are as modelled."""
    call, request = provoke(crowd)
    with pytest.raises(getattr(crowd.drs.exceptions, code)) as caught:
        call(**request)
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
    assert {name: response.get(name) for name in members} == members


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("code", "provoke"), [(row[0], row[2]) for row in TABLE], ids=[row[0] for row in TABLE])
def test_boto3_repeats_only_what_it_should(crowd, code, provoke, mode):
    """Throttles and inner errors five times in the legacy mode and three times in the standard one; nothing else."""
    call, request = provoke(crowd)
    crowd.drs = session().client("drs", region_name="us-west-2", config=Config(retries={"mode": mode}))
    INSPECTOR.watch(crowd.drs)
    sent: list[str] = []
    crowd.drs.meta.events.register("before-send.drs", lambda request, **_: sent.append(request.url))
    repeat_at_once(crowd.drs)
    with pytest.raises(ClientError) as caught:
        getattr(crowd.drs, call.__name__)(**request)
    assert caught.value.response["Error"]["Code"] == code
    repeated = code in {"ThrottlingException", "InternalServerException"}
    assert len(sent) == (MODES[mode] if repeated else 1)


def repeat_at_once(client: Any) -> None:
    """Let botocore decide whether to repeat as ever, and wait no real time before it does."""
    events = client.meta.events
    (decide, *_) = events._emitter._handlers.prefix_search("needs-retry.drs")
    events.unregister("needs-retry.drs", unique_id="retry-config-drs")
    events.register_last(
        "needs-retry.drs", lambda **question: None if decide(**question) is None else 0, unique_id="at-once"
    )


ASKED = {
    "get_launch_configuration": ({"sourceServerID": "x" * 40}, "sourceServerID"),
    "describe_recovery_snapshots": ({"sourceServerID": server_id(1), "order": "SIDEWAYS"}, "order"),
    "list_recovery_plans": ({"maxResults": 1001}, "maxResults"),
    "describe_jobs": ({"filters": {"jobIDs": ["drsjob-50000000000000000"] * 1001}}, "filters.jobIDs"),
}


def field_at_fault(call, **request):
    """The names of the fields that a refusal is about."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return [one["name"] for one in caught.value.response["fieldList"]]


@pytest.mark.account
@pytest.mark.parametrize("operation", ASKED)
def test_what_boto3_does_not_check_the_service_refuses(lab, operation):
    """Maximum lengths, patterns, words, upper bounds: the field at fault is named."""
    request, field = ASKED[operation]
    assert field in field_at_fault(getattr(lab.drs, operation), **request)


@pytest.mark.simulated("were it not refused, it would launch")
def test_a_request_takes_at_most_200_servers(lab):
    """Of the 201st the model says so, and boto3 does not look."""
    servers = [{"sourceServerID": server_id(1)}] * 201
    assert "sourceServers" in field_at_fault(lab.drs.start_recovery, sourceServers=servers)


@pytest.mark.account
def test_tags_that_are_no_strings_are_refused_in_awss_words(lab):
    """As captured: it names the tags, and no more."""
    lab.drs.meta.events.register(
        "before-sign.drs.StartRecovery",
        lambda request, **_: setattr(request, "data", request.data.replace(b'"4"', b"4")),
    )
    with pytest.raises(lab.drs.exceptions.ValidationException, match=r"Invalid request provided: Tags$"):
        lab.start(1, tags={"a": "4"})


@pytest.mark.parametrize(
    ("behaviour", "numbers", "code"),
    [
        ({"unknown_server_error": "ValidationException"}, [999], "ValidationException"),
        ({"too_many_servers_error": "ValidationException"}, range(1, 102), "ValidationException"),
        ({"servers_per_job_quota": 1}, [1, 2], "ServiceQuotaExceededException"),
    ],
)
def test_what_startrecovery_calls_its_refusals_can_be_switched(open_lab, behaviour, numbers, code):
    """None of these codes was ever captured."""
    lab = open_lab(make_spec(count=101, behaviour=behaviour))
    with pytest.raises(ClientError) as caught:
        lab.start(*numbers)
    assert caught.value.response["Error"]["Code"] == code


def test_an_unlaunchable_server_can_be_invalid_instead(open_lab):
    """Another switch."""
    spec = make_spec(
        {"replication": {"state": "DISCONNECTED"}}, behaviour={"unlaunchable_error": "ValidationException"}
    )
    lab = open_lab(spec)
    with pytest.raises(lab.drs.exceptions.ValidationException):
        lab.start(1)


def test_calls_can_have_a_rate(open_lab):
    """A switch: two at once, then one a second; each operation has its own count."""
    lab = open_lab(make_spec(count=1, behaviour={"calls_per_second": 1, "calls_burst": 2}))
    for _ in range(2):
        lab.drs.describe_jobs()
    with pytest.raises(lab.drs.exceptions.ThrottlingException) as caught:
        lab.drs.describe_jobs()
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    lab.drs.describe_source_servers()
    lab.wait(1)
    lab.drs.describe_jobs()


def test_an_account_can_be_initialised(open_lab):
    """InitializeService, 204; then everything works."""
    lab = open_lab(make_spec(count=1, behaviour={"initialized": False}))
    with pytest.raises(lab.drs.exceptions.UninitializedAccountException):
        lab.drs.describe_jobs()
    assert 204 == lab.drs.initialize_service()["ResponseMetadata"]["HTTPStatusCode"]
    assert lab.drs.describe_jobs()["items"] == []
