"""What is understood of a reply, what is refused, and what may be absent."""

from datetime import UTC, datetime, timedelta

import pytest

from drskit.errors import Unavailable
from drskit.ports import Started, Unknown
from tests.aws.conftest import LOGIN_PAGE
from tests.builders import attempt_of, sid

TIME = "2026-03-02T09:00:00.324841+00:00"
JOB = {"jobID": "drsjob-1", "type": "LAUNCH", "status": "STARTED", "creationDateTime": TIME}
LINE = {"logDateTime": TIME, "event": "JOB_START", "eventData": {}}
INSTANCE = {"recoveryInstanceID": "i-1", "sourceServerID": sid(1), "isDrill": True, "ec2InstanceState": "RUNNING"}
SERVER = {"sourceServerID": sid(1)}
NAMESPACE = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'

READS = {
    "DescribeJobs": lambda recovery: recovery.jobs(since=datetime(2026, 3, 2, tzinfo=UTC)),
    "DescribeJobLogItems": lambda recovery: recovery.job_log("drsjob-10000000000000000"),
    "DescribeRecoveryInstances": lambda recovery: recovery.recovery_instances([sid(1)]),
    "DescribeSourceServers": lambda recovery: recovery.source_servers(),
    "DescribeInstances": lambda recovery: recovery.tagged_instances([sid(1)]),
    "DescribeInstanceAttribute": lambda recovery: recovery.protected(["i-1"]),
}
PAGED = [operation for operation in READS if operation != "DescribeInstanceAttribute"]


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("body", [LOGIN_PAGE, b"", b"{}", b"[]", b"null", b'"words"', b"\xff", b'{"items": null}'])
def test_a_page_that_cannot_be_read_is_never_an_absence(host, recovery, operation, body):
    """A captive portal answers 200 with HTML; botocore makes an empty reply of it, or an error of its own."""
    host.tell(operation, body)
    with pytest.raises(Unavailable, match=rf"^{operation} in us-west-2 got a reply that cannot be read"):
        READS[operation](recovery)


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("status", [302, 400, 403, 500])
@pytest.mark.parametrize("body", [LOGIN_PAGE, b"[]", b"null", b""])
def test_a_refusal_that_cannot_be_read_is_a_refusal(host, recovery, operation, status, body):
    """Whatever stands in its body."""
    host.tell(operation, body, status=status)
    with pytest.raises(Unavailable, match=rf"^{operation} in us-west-2 "):
        READS[operation](recovery)


@pytest.mark.parametrize("second", [LOGIN_PAGE, {"nextToken": "more"}, {"items": [None]}])
def test_every_page_is_required(host, recovery, second):
    """The first page is not handed on without the second."""
    host.tell("DescribeJobs", {"items": [JOB], "nextToken": "2"}, second)
    with pytest.raises(Unavailable, match="DescribeJobs"):
        READS["DescribeJobs"](recovery)
    assert ["DescribeJobs"] * 2 == host.asked


def test_all_pages_are_handed_on(host, recovery):
    """In their order, until a page names no other."""
    host.tell("DescribeJobs", {"items": [JOB], "nextToken": "2"}, {"items": [JOB | {"jobID": "drsjob-2"}]})
    assert ["drsjob-1", "drsjob-2"] == [job.job_id for job in READS["DescribeJobs"](recovery)]


@pytest.mark.parametrize("operation", PAGED)
def test_an_empty_list_is_an_absence(host, recovery, operation):
    """It was asked, and there is nothing."""
    xml = f"<DescribeInstancesResponse {NAMESPACE}><reservationSet/></DescribeInstancesResponse>"
    host.tell(operation, xml.encode() if operation == "DescribeInstances" else {"items": []})
    assert () == READS[operation](recovery)


def test_a_login_page_is_not_taken_for_drs(host, recovery):
    """Nor for an endpoint that is no simulator."""
    host.tell("DescribeSourceServers", LOGIN_PAGE)
    with pytest.raises(Unavailable, match="items is missing"):
        recovery.probe()


# --- members ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "item", "member"),
    [
        ("DescribeJobs", JOB | {"jobID": None}, "jobID is missing"),
        ("DescribeJobs", JOB | {"jobID": 7}, "jobID is 7"),
        ("DescribeJobs", JOB | {"type": ["LAUNCH"]}, "type is "),
        ("DescribeJobs", JOB | {"status": None}, "status is missing"),
        ("DescribeJobs", JOB | {"creationDateTime": None}, "creationDateTime is missing"),
        ("DescribeJobs", JOB | {"creationDateTime": "soon"}, "creationDateTime is 'soon'"),
        ("DescribeJobs", JOB | {"creationDateTime": 1772442000}, "creationDateTime is 1772442000"),
        ("DescribeJobs", JOB | {"creationDateTime": "0001-01-01T00:00:00+14:00"}, "creationDateTime is '0001"),
        ("DescribeJobs", JOB | {"endDateTime": "later"}, "endDateTime is 'later'"),
        ("DescribeJobs", JOB | {"tags": {"drskit:AttemptId": 1}}, "tags is "),
        ("DescribeJobs", JOB | {"tags": "none"}, ""),
        ("DescribeJobs", JOB | {"participatingServers": [None]}, "stands where sourceServerID should be"),
        ("DescribeJobs", JOB | {"participatingServers": [{}]}, "sourceServerID is missing"),
        ("DescribeJobs", JOB | {"participatingServers": [{"sourceServerID": "s", "launchStatus": 1}]}, "launchStatus"),
        ("DescribeJobs", JOB | {"participatingServers": 3}, ""),
        ("DescribeJobs", "drsjob-1", ""),
        ("DescribeJobLogItems", {"event": "JOB_START"}, "logDateTime is missing"),
        ("DescribeJobLogItems", LINE | {"logDateTime": "09:00 h"}, "logDateTime is '09:00 h'"),
        ("DescribeJobLogItems", LINE | {"event": 1}, "event is 1"),
        ("DescribeJobLogItems", LINE | {"eventData": {"sourceServerID": 1}}, "sourceServerID is 1"),
        ("DescribeJobLogItems", LINE | {"eventData": "none"}, ""),
        ("DescribeRecoveryInstances", INSTANCE | {"recoveryInstanceID": None}, "recoveryInstanceID is missing"),
        ("DescribeRecoveryInstances", INSTANCE | {"sourceServerID": None}, "sourceServerID is missing"),
        ("DescribeRecoveryInstances", INSTANCE | {"ec2InstanceState": 16}, "ec2InstanceState is 16"),
        ("DescribeSourceServers", {"tags": {}}, "sourceServerID is missing"),
        ("DescribeSourceServers", SERVER | {"tags": {"Name": ["db"]}}, "tags is "),
        ("DescribeSourceServers", SERVER | {"dataReplicationInfo": {"dataReplicationState": 1}}, "dataReplicationSt"),
        (
            "DescribeSourceServers",
            SERVER | {"lifeCycle": {"lastLaunch": {"initiated": {"apiCallDateTime": "never"}}}},
            "apiCallDateTime is 'never'",
        ),
    ],
)
def test_what_decisions_rest_on_is_understood_or_nothing_is_decided(host, recovery, operation, item, member):
    """The operation and the member are named."""
    host.tell(operation, {"items": [item]})
    with pytest.raises(Unavailable, match=rf"^{operation} in us-west-2 got a reply that cannot be read \(.*{member}"):
        READS[operation](recovery)


def test_naive_times_are_utc_and_others_are_brought_to_it(host, recovery):
    """Times are compared and shown in one zone."""
    times = ["2026-03-02T09:00:00", "2026-03-02T11:00:00+02:00", "2026-03-02T09:00:00Z"]
    host.tell("DescribeJobs", {"items": [JOB | {"creationDateTime": time} for time in times]})
    found = [job.creation_time for job in READS["DescribeJobs"](recovery)]
    assert [datetime(2026, 3, 2, 9, tzinfo=UTC)] * 3 == found
    assert {timedelta()} == {time.utcoffset() for time in found}
    host.tell("DescribeJobLogItems", {"items": [LINE | {"logDateTime": times[0]}, LINE]})
    assert 2 == len(READS["DescribeJobLogItems"](recovery))


@pytest.mark.parametrize("lag", ["a while", "", 7, {}, None])
def test_what_is_only_shown_may_be_absent(host, recovery, lag):
    """An odd lag, name of a host or time of a snapshot hides nothing else."""
    properties = {"identificationHints": {"hostname": 5}, "os": {"fullString": ["Linux"]}}
    replication = {"lagDuration": lag, "dataReplicationState": "DREAMING"}
    host.tell(
        "DescribeSourceServers",
        {"items": [SERVER | {"sourceProperties": properties, "dataReplicationInfo": replication}]},
    )
    (server,) = READS["DescribeSourceServers"](recovery)
    assert (None, "", "", "") == (server.lag, server.hostname, server.operating_system, server.name)
    assert "DREAMING" == server.replication_state
    host.tell("DescribeRecoveryInstances", {"items": [INSTANCE | {"pointInTimeSnapshotDateTime": lag or "once"}]})
    assert [None] == [instance.snapshot_time for instance in READS["DescribeRecoveryInstances"](recovery)]


def test_unknown_words_are_words(host, recovery):
    """DRS may learn some that botocore's model lacks."""
    server = {"sourceServerID": sid(1), "launchStatus": "PONDERING"}
    host.tell(
        "DescribeJobs", {"items": [JOB | {"status": "RESTING", "type": "WALK", "participatingServers": [server]}]}
    )
    (job,) = READS["DescribeJobs"](recovery)
    assert ("RESTING", "WALK", "PONDERING") == (job.status, job.job_type, job.servers[0].launch_status)


# --- EC2 -------------------------------------------------------------------------------------------------------------


def instances(inside):
    """A reply of DescribeInstances with one instance."""
    reservation = f"<item><instancesSet><item>{inside}</item></instancesSet></item>"
    return f"<R {NAMESPACE}><reservationSet>{reservation}</reservationSet></R>".encode()


ID = "<instanceId>i-1</instanceId>"
STATE = "<instanceState><name>running</name></instanceState>"
TAG = (
    "<tagSet><item><key>AWSElasticDisasterRecoverySourceServerID</key>"
    f"<value>{sid(1)}</value></item><item><key>Empty</key></item></tagSet>"
)


def test_an_instance_of_ec2_is_known_by_its_tag(host, recovery):
    """Other tags do not matter."""
    host.tell("DescribeInstances", instances(ID + STATE + TAG))
    (found,) = READS["DescribeInstances"](recovery)
    assert ("i-1", sid(1), "running") == (found.instance_id, found.source_server_id, found.state)


@pytest.mark.parametrize(
    ("inside", "member"),
    [(STATE + TAG, "InstanceId"), (ID + TAG, "State"), (ID + STATE, "Tags"), (ID + STATE + "<tagSet/>", "AWSElastic")],
)
def test_an_instance_of_ec2_without_a_member_stops_the_launch(host, recovery, inside, member):
    """It is alive, and nobody can tell whose it is."""
    host.tell("DescribeInstances", instances(inside))
    with pytest.raises(Unavailable, match=rf"^DescribeInstances in us-west-2 .*{member}\w* is missing"):
        READS["DescribeInstances"](recovery)


def protection(inside):
    """A reply of DescribeInstanceAttribute."""
    return f"<R {NAMESPACE}><instanceId>i-1</instanceId>{inside}</R>".encode()


@pytest.mark.parametrize(("word", "kept"), [("true", {"i-1"}), ("false", set())])
def test_ec2_knows_what_is_protected(host, recovery, word, kept):
    """By a call for each instance."""
    host.tell(
        "DescribeInstanceAttribute",
        protection(f"<disableApiTermination><value>{word}</value></disableApiTermination>"),
    )
    assert kept == recovery.protected(["i-1"])
    assert frozenset() == recovery.protected([])
    assert 1 == len(host.asked)


@pytest.mark.parametrize("inside", ["", "<disableApiTermination/>"])
def test_a_protection_that_nobody_states_is_not_known(host, recovery, inside):
    """Neither on nor off."""
    host.tell("DescribeInstanceAttribute", protection(inside))
    with pytest.raises(Unavailable, match="is missing"):
        recovery.protected(["i-1"])


def test_an_instance_that_ec2_does_not_know_is_not_protected(host, recovery):
    """DRS may still call it alive: then it blocks."""
    error = "<Error><Code>InvalidInstanceID.NotFound</Code><Message>i-1</Message></Error>"
    body = f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>"
    host.tell("DescribeInstanceAttribute", body.encode(), status=400)
    assert frozenset() == recovery.protected(["i-1"])


# --- StartRecovery ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        LOGIN_PAGE, b"", b"[]", b"null", b"\xff", b'{"job": null}', b'{"job": "drsjob-1"}', {"job": {}},
        {"job": JOB | {"creationDateTime": "soon"}}, {"job": JOB | {"participatingServers": [{}]}},
    ],
)  # fmt: skip
def test_a_launch_whose_reply_cannot_be_read_may_have_happened(host, recovery, body):
    """A look tells, later."""
    host.tell("StartRecovery", body, status=202)
    outcome = recovery.start_recovery(attempt_of(), {})
    assert isinstance(outcome, Unknown)
    assert "the reply to StartRecovery cannot be read" in outcome.reason
    assert ["StartRecovery"] == host.asked


@pytest.mark.parametrize("status", [302, 400, 403, 407, 500])
@pytest.mark.parametrize("body", [LOGIN_PAGE, b"[]"])
def test_a_refusal_that_is_not_aws_s_may_hide_a_launch(host, recovery, status, body):
    """A proxy refused, and nobody knows whether it did so before or after DRS."""
    host.tell("StartRecovery", body, status=status)
    assert isinstance(recovery.start_recovery(attempt_of(), {}), Unknown)


def test_a_launch_is_started_when_its_job_is_named(host, recovery):
    """One request, one job, and always a drill."""
    host.tell("StartRecovery", {"job": JOB}, status=202)
    outcome = recovery.start_recovery(attempt_of(), {"a": "b"})
    assert isinstance(outcome, Started)
    assert "drsjob-1" == outcome.job.job_id
    assert [b'"isDrill": true' in body for body in host.bodies] == [True]


def test_what_discovery_shows_of_a_server_is_read(host, recovery):
    """Disks, errors, the agent's last word; what cannot be read is left out."""
    disks = [
        {"deviceName": "/dev/a", "replicatedStorageBytes": 30, "totalStorageBytes": 40, "volumeStatus": "REGULAR"},
        {"deviceName": "/dev/b", "replicatedStorageBytes": 20, "totalStorageBytes": 60, "volumeStatus": "PENDING"},
    ]
    item = {
        "sourceServerID": sid(1),
        "dataReplicationInfo": {
            "replicatedDisks": disks, "dataReplicationError": {"error": "AGENT_NOT_SEEN"},
        },
        "lifeCycle": {"lastSeenByServiceDateTime": "2026-03-02T09:00:00.5+00:00"},
        "stagingArea": {"status": "EXTENSION_ERROR"},
    }  # fmt: skip
    host.tell("DescribeSourceServers", {"items": [item]})
    (server,) = recovery.source_servers()
    assert (50, "AGENT_NOT_SEEN") == (server.replicated_percent, server.replication_error)
    assert ("EXTENSION_ERROR", ("/dev/b PENDING",)) == (server.staging_status, server.volume_troubles)
    assert "2026-03-02T09:00:00.500000+00:00" == server.last_seen.isoformat()


def test_the_newest_recovery_snapshot_is_the_newest_that_was_taken(host, closer):
    """One without a timestamp is not taken yet; none at all is no snapshot."""
    times = ["2026-03-02T08:00:00Z", None, "2026-03-02T08:50:00.1+00:00"]
    items = [{"snapshotID": f"pit-{number}", "timestamp": time} for number, time in enumerate(times)]
    host.tell("DescribeRecoverySnapshots", {"items": items})
    assert "2026-03-02T08:50:00.100000+00:00" == closer.latest_snapshot(sid(1)).isoformat()
    host.tell("DescribeRecoverySnapshots", {"items": []})
    assert None is closer.latest_snapshot(sid(1))


def test_launch_settings_are_there_or_not(host, closer):
    """An unknown server has none; a template may be missing; another refusal is no absence."""
    host.tell("GetLaunchConfiguration", {"sourceServerID": sid(1), "ec2LaunchTemplateID": "lt-1"})
    assert "lt-1" == closer.launch_settings(sid(1)).template_id
    host.tell("GetLaunchConfiguration", {"sourceServerID": sid(1)})
    assert None is closer.launch_settings(sid(1)).template_id
    host.tell("GetLaunchConfiguration", {"message": "no"}, status=404, x_amzn_errortype="ResourceNotFoundException")
    assert None is closer.launch_settings(sid(1))
    host.tell("GetLaunchConfiguration", {"message": "no"}, status=403, x_amzn_errortype="AccessDeniedException")
    with pytest.raises(Unavailable):
        closer.launch_settings(sid(1))
