"""A job's life, over virtual time."""

import re

import pytest
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec, server_arn, server_id

pytestmark = pytest.mark.simulated(
    "it needs servers that fail, lag or take a given time, or more of them than an account lends"
)

QUICK = {"durations": {"snapshot": 1, "gap": 10, "conversion": 100, "pause": 1, "launch": 200}}


def test_a_job_walks_from_pending_to_completed(open_lab):
    """PENDING in the answer, STARTED within a second, COMPLETED with an end once the last server is done."""
    lab = open_lab(make_spec(QUICK))
    job = lab.start(1)
    assert job["status"] == "PENDING"
    assert "endDateTime" not in job
    lab.wait(1)
    assert lab.job(job["jobID"])["status"] == "STARTED"
    lab.wait(311)
    assert lab.job(job["jobID"])["status"] == "STARTED"
    assert lab.statuses(job["jobID"]) == ["PENDING"]
    lab.wait(1.5)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]
    lab.wait(3)
    done = lab.job(job["jobID"])
    assert done["status"] == "COMPLETED"
    assert lab.log(job["jobID"])[-1]["logDateTime"] > done["endDateTime"] > lab.log(job["jobID"])[-2]["logDateTime"]


@pytest.mark.account
@pytest.mark.account
def test_a_job_is_followed_to_its_end(lab):
    """Seen at any times, its status and its server's go one way; the log tells each phase's begin and end, in order."""
    job_id = lab.start(1)["jobID"]
    seen = []

    def over():
        seen.append((lab.job(job_id)["status"], *lab.statuses(job_id)))
        return seen[-1][0] == "COMPLETED"

    lab.until(over)
    ways = [("PENDING", "PENDING"), ("STARTED", "PENDING"), ("STARTED", "LAUNCHED"), ("COMPLETED", "LAUNCHED")]
    assert [ways.index(one) for one in seen] == sorted(ways.index(one) for one in seen)
    log = lab.log(job_id)
    phases = [f"{phase}_{end}" for phase in ("SNAPSHOT", "CONVERSION", "LAUNCH") for end in ("START", "END")]
    assert [line["event"] for line in log] == ["JOB_START", *phases, "JOB_END"]
    assert sorted(line["logDateTime"] for line in log) == [line["logDateTime"] for line in log]
    assert log[0]["eventData"] == log[-1]["eventData"] == {}
    assert set(log[4]["eventData"]) == {"sourceServerID", "conversionServerID"}
    assert set(log[6]["eventData"]) == {"sourceServerID", "targetInstanceID"}


@pytest.mark.account
def test_a_job_looks_as_captured(lab):
    """The members, formats and oddities of a captured answer (drs-facts §3.2)."""
    job = lab.start(1, 2, tags={"drskit:Wave": "1"})
    members = "jobID arn type initiatedBy status creationDateTime participatingResources participatingServers tags"
    assert set(job) == set(members.split())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", job["creationDateTime"])
    assert job["arn"] == f"{server_arn(1).rpartition(':')[0]}:job/{job['jobID']}"
    assert (job["type"], job["initiatedBy"]) == ("LAUNCH", "START_DRILL")
    assert job["tags"] == {"drskit:Wave": "1"}
    assert job["participatingServers"][1] == {
        "sourceServerID": server_id(2),
        "launchStatus": "PENDING",
        "launchActionsStatus": {"runs": []},
    }


@pytest.mark.simulated("it would recover for real")
def test_no_is_drill_means_a_real_recovery(lab):
    """A request without isDrill starts a recovery."""
    job = lab.drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}])["job"]
    assert job["initiatedBy"] == "START_RECOVERY"


@pytest.mark.account
def test_no_job_names_its_recovery_instance(lab):
    """The id is absent even when LAUNCHED."""
    job = lab.start(1)
    lab.settle()
    assert [set(server) for server in lab.job(job["jobID"])["participatingServers"]] == [
        {"sourceServerID", "launchStatus", "launchActionsStatus"}
    ]


def test_the_log_tells_only_of_the_past(lab):
    """Nothing at first, and what has ended ten seconds later."""
    job = lab.start(1)
    assert lab.events(job["jobID"]) == []
    lab.wait(10)
    assert lab.events(job["jobID"]) == ["JOB_START", "SNAPSHOT_START", "SNAPSHOT_END"]


def test_a_fast_launch_has_no_conversion(open_lab):
    """The mode FAST skips conversion."""
    lab = open_lab(make_spec({"launch": {"recovery_mode": "FAST"}}))
    job = lab.start(1)
    lab.wait(3600)
    assert not [event for event in lab.events(job["jobID"]) if "CONVERSION" in event]
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]


def test_linux_takes_nine_minutes_and_windows_over_twenty(open_lab):
    """Without declared durations the measured ones apply (drs-facts §14)."""
    lab = open_lab(make_spec({"os": "linux"}, {"os": "windows"}))
    linux, windows = lab.start(1), lab.start(2)
    lab.wait(495)
    assert lab.job(linux["jobID"])["status"] == "STARTED"
    lab.wait(65)
    assert lab.job(linux["jobID"])["status"] == "COMPLETED"
    lab.wait(1200 - 560)
    assert lab.job(windows["jobID"])["status"] == "STARTED"
    lab.wait(120)
    assert lab.job(windows["jobID"])["status"] == "COMPLETED"


def test_launch_durations_may_differ_from_launch_to_launch(open_lab):
    """A list gives one span for each launch; the last one stays."""
    lab = open_lab(make_spec({"durations": QUICK["durations"] | {"launch": [10, 1000]}}))
    first = lab.start(1)
    lab.wait(200)
    assert lab.job(first["jobID"])["status"] == "COMPLETED"
    second = lab.start(1)
    lab.wait(600)
    assert lab.job(second["jobID"])["status"] == "STARTED"


def last_launch(lab):
    """What a source server tells of its last launch."""
    (server,) = lab.drs.describe_source_servers(filters={"sourceServerIDs": [server_id(1)]})["items"]
    return server["lastLaunchResult"], server["lifeCycle"]["lastLaunch"], server.get("recoveryInstanceId")


@pytest.mark.simulated("the servers that an account lends may have been launched before")
def test_a_server_that_was_never_launched_says_so(lab):
    """NOT_STARTED, and nothing else."""
    assert last_launch(lab) == ("NOT_STARTED", {"initiated": {}}, None)


@pytest.mark.account
def test_the_source_server_mirrors_its_last_launch(lab):
    """PENDING, SUCCEEDED with the instance; the witness names job, call time and type."""
    assert last_launch(lab)[2] is None
    job = lab.start(1)
    begun = {"apiCallDateTime": job["creationDateTime"], "jobID": job["jobID"], "type": "DRILL"}
    assert last_launch(lab) == ("PENDING", {"initiated": begun, "status": "PENDING"}, None)
    lab.settle()
    (instance,) = lab.recovery_instances()
    assert last_launch(lab) == ("SUCCEEDED", {"initiated": begun, "status": "LAUNCHED"}, instance)


@pytest.mark.account
def test_a_busy_server_is_a_conflict(lab):
    """A second job of a busy server is refused in AWS's words, and nothing of it starts."""
    job = lab.start(1)
    with pytest.raises(lab.drs.exceptions.ConflictException) as caught:
        lab.start(2, 1)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert (
        error["Error"]["Message"]
        == "One or more of the Source Servers included in API call are currently being processed by a Job"
    )
    lab.settle()
    assert [job["jobID"]] == [one["jobID"] for one in lab.jobs()]
    assert lab.start(2, 1)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("server", "code", "status"),
    [
        ({"replication": {"state": "DISCONNECTED"}}, "ConflictException", 409),
        ({"replication": {"state": "STOPPED"}}, "ConflictException", 409),
        ({"replication": {"state": "INITIAL_SYNC"}}, "ConflictException", 409),
        ({"snapshots": {"taken": False}}, "ConflictException", 409),
    ],
)
def test_one_unlaunchable_server_refuses_the_whole_request(open_lab, server, code, status):
    """Disconnected, stopped, or without a recovery point: all or nothing."""
    lab = open_lab(make_spec({}, server))
    with pytest.raises(ClientError) as caught:
        lab.start(1, 2)
    assert (caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]) == (
        code,
        status,
    )
    assert lab.drs.describe_jobs()["items"] == []


@pytest.mark.parametrize("state", ["STALLED", "BACKLOG", "RESCAN", "PAUSED"])
def test_a_lagging_server_can_be_launched(open_lab, state):
    """After the initial sync a drill is allowed, even in lag or stall (drs-facts §9)."""
    lab = open_lab(make_spec({"replication": {"state": state, "lag": 4000}}))
    assert lab.start(1)["status"] == "PENDING"


@pytest.mark.account
def test_an_unknown_server_is_not_found(lab):
    """404, with the resource's id."""
    with pytest.raises(lab.drs.exceptions.ResourceNotFoundException) as caught:
        lab.start(1, 99)
    assert caught.value.response["resourceId"] == server_id(99)


@pytest.mark.account
@pytest.mark.parametrize(
    "servers",
    [
        [{"sourceServerID": server_id(1)}, {"sourceServerID": server_id(1)}],
        [{"sourceServerID": "s-5!!!!!!!!!!!!!!!!"}],
        [{"sourceServerID": server_id(1), "recoverySnapshotID": "snap-5000000000000000"}],
        [{"sourceServerID": server_id(1), "recoverySnapshotID": "pit-50000000000000000"}],
    ],
)
def test_a_malformed_request_is_invalid(lab, servers):
    """Twice the same server, a bad id, a snapshot that does not exist."""
    with pytest.raises(lab.drs.exceptions.ValidationException) as caught:
        lab.drs.start_recovery(sourceServers=servers, isDrill=True)
    assert caught.value.response["reason"] == "fieldValidationFailed"


@pytest.mark.account
def test_a_pinned_snapshot_is_what_gets_launched(lab):
    """The recovery instance tells the pinned point in time; one of the middle is not about to be forgotten."""
    points = lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"]
    point = sorted(points, key=lambda one: one["timestamp"])[len(points) // 2]
    lab.drs.start_recovery(
        sourceServers=[{"sourceServerID": server_id(1), "recoverySnapshotID": point["snapshotID"]}], isDrill=True
    )
    lab.settle()
    (instance,) = lab.recovery_instances().values()
    assert instance["pointInTimeSnapshotDateTime"] == point["timestamp"]


def quota_error(lab, *numbers):
    """The quota that a request would pass."""
    with pytest.raises(lab.drs.exceptions.ServiceQuotaExceededException) as caught:
        lab.start(*numbers)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert response["serviceCode"] == "drs"
    return response["quotaCode"]


def test_a_job_takes_a_hundred_servers(open_lab):
    """The 101st is over quota."""
    lab = open_lab(make_spec(count=101))
    assert quota_error(lab, *range(1, 102)) == "L-B827C881"
    assert len(lab.start(*range(1, 101))["participatingServers"]) == 100


def test_twenty_jobs_run_at_once(open_lab):
    """The 21st is over quota, until one ends."""
    lab = open_lab(make_spec(count=21))
    for number in range(1, 21):
        lab.start(number)
    assert quota_error(lab, 21) == "L-D88FAC3A"
    lab.wait(3600)
    assert lab.start(21)["status"] == "PENDING"


def test_five_hundred_servers_are_in_jobs_at_once(open_lab):
    """The 501st is over quota."""
    lab = open_lab(make_spec(count=501))
    for first in range(1, 501, 100):
        lab.start(*range(first, first + 100))
    assert quota_error(lab, 501) == "L-05AFA8C6"


def test_the_same_seed_gives_the_same_world(open_lab):
    """Ids and times repeat; another seed has others."""

    def story(seed):
        lab = open_lab(make_spec(count=2, seed=seed))
        job = lab.start(1, 2)
        lab.wait(3600)
        return lab.job(job["jobID"]), lab.log(job["jobID"])

    first = story(7)
    assert story(7) == first
    assert story(8) != first


# --- failures -------------------------------------------------------------------------------------------------------


def failed(open_lab, failure):
    """A world where the second of two servers fails, an hour after the start."""
    lab = open_lab(make_spec({}, {"fails": failure}))
    job = lab.start(1, 2)
    lab.wait(3600)
    own = [line for line in lab.log(job["jobID"]) if line["eventData"].get("sourceServerID") == server_id(2)]
    return lab, job["jobID"], own


def test_a_job_of_failed_servers_is_completed(open_lab):
    """COMPLETED says nothing about success."""
    lab, job_id, _ = failed(open_lab, "launch-denied")
    assert lab.job(job_id)["status"] == "COMPLETED"
    assert lab.statuses(job_id) == ["LAUNCHED", "FAILED"]
    server = lab.drs.describe_source_servers(filters={"sourceServerIDs": [server_id(2)]})["items"][0]
    assert (server["lastLaunchResult"], server["lifeCycle"]["lastLaunch"]["status"]) == ("FAILED", "FAILED")


def test_conversion_denied_is_silent(open_lab):
    """No event, no error: the log ends after the snapshot."""
    lab, job_id, own = failed(open_lab, "conversion-denied")
    assert [line["event"] for line in own] == ["SNAPSHOT_START", "SNAPSHOT_END"]
    assert not [line for line in own if "rawError" in line["eventData"]]
    assert lab.statuses(job_id) == ["LAUNCHED", "FAILED"]


def test_launch_denied_shows_late_and_leaves_an_orphan(open_lab):
    """LAUNCH_FAILED after 10 to 16 minutes; EC2 keeps an instance that DRS does not list."""
    lab, _, own = failed(open_lab, "launch-denied")
    assert [line["event"] for line in own][-2:] == ["LAUNCH_START", "LAUNCH_FAILED"]
    assert own[-1]["eventData"]["rawError"].startswith(
        "An error occurred (UnauthorizedOperation) when calling the DeleteVolume operation"
    )
    orphan = own[-1]["eventData"]["targetInstanceID"]
    assert lab.instances()[orphan] == "running"
    assert orphan not in {one["recoveryInstanceID"] for one in lab.drs.describe_recovery_instances()["items"]}


@pytest.mark.parametrize(
    ("failure", "event", "text"),
    [
        ("kms-denied", "CONVERSION_FAIL", "ModifySnapshotAttribute operation: Not authorized to use key"),
        ("snapshot-failed", "SNAPSHOT_FAIL", "Failed to take snapshot"),
        ("conversion-failed", "CONVERSION_FAIL", "Conversion failed"),
        ("no-capacity", "LAUNCH_FAILED", "InsufficientInstanceCapacity"),
    ],
)
def test_a_failure_ends_the_server_with_its_signature(open_lab, failure, event, text):
    """The last line of the server's log tells the event and the error; its sibling succeeds."""
    lab, job_id, own = failed(open_lab, failure)
    assert own[-1]["event"] == event
    assert text in own[-1]["eventData"]["rawError"]
    assert lab.statuses(job_id) == ["LAUNCHED", "FAILED"]


def test_a_skipped_server_fails_at_once(open_lab):
    """SERVER_SKIPPED is all its log says."""
    lab, job_id, own = failed(open_lab, "skipped")
    assert [line["event"] for line in own] == ["SERVER_SKIPPED"]
    assert lab.statuses(job_id) == ["LAUNCHED", "FAILED"]


def test_the_previous_snapshot_is_no_failure(open_lab):
    """After ten minutes without a snapshot the launch goes on from the one before."""
    lab, job_id, own = failed(open_lab, "previous-snapshot")
    assert [line["event"] for line in own][:2] == ["SNAPSHOT_START", "USING_PREVIOUS_SNAPSHOT"]
    assert lab.statuses(job_id) == ["LAUNCHED", "LAUNCHED"]


def test_a_hanging_conversion_keeps_the_job_for_ever(open_lab):
    """The job stays STARTED with its sibling LAUNCHED, and the server stays busy."""
    lab, job_id, own = failed(open_lab, "never-ends")
    lab.wait(30 * 86400)
    assert lab.job(job_id)["status"] == "STARTED"
    assert lab.statuses(job_id) == ["LAUNCHED", "PENDING"]
    assert own[-1]["event"] == "CONVERSION_START"
    with pytest.raises(lab.drs.exceptions.ConflictException):
        lab.start(2)


def test_a_list_of_failures_fails_launch_by_launch(open_lab):
    """The first launch fails, the second succeeds."""
    lab = open_lab(make_spec({"fails": ["conversion-denied", None]}))
    first = lab.start(1)
    lab.wait(3600)
    second = lab.start(1)
    lab.wait(3600)
    assert (lab.statuses(first["jobID"]), lab.statuses(second["jobID"])) == (["FAILED"], ["LAUNCHED"])
