"""Source servers that replicate, stop, go, and come from other accounts."""

import pytest
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec, server_id
from tests.sim.test_settings import ACTION

pytestmark = pytest.mark.simulated("it would stop, disconnect or delete a source server, or needs one of a kind")

TIMES = {"initiation": 60, "initial_sync": 600, "first_snapshot": 30}
STAGING = "111111111111"


def shown(lab, number=1):
    """A source server as it stands."""
    return lab.drs.describe_source_servers(filters={"sourceServerIDs": [server_id(number)]})["items"][0]


def state(lab, number=1):
    """How its replication stands."""
    return shown(lab, number)["dataReplicationInfo"]["dataReplicationState"]


def refused(call, **request):
    """The code and the words of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def points(lab, number=1):
    """The points in time of a server."""
    return lab.drs.describe_recovery_snapshots(sourceServerID=server_id(number))["items"]


def test_a_stopped_server_has_no_points_in_time_and_cannot_be_launched(lab):
    """StopReplication deletes them all."""
    assert points(lab)
    server = lab.drs.stop_replication(sourceServerID=server_id(1))["sourceServer"]
    assert server["dataReplicationInfo"]["dataReplicationState"] == "STOPPED"
    assert points(lab) == []
    assert "ConflictException" == refused(lab.start_all, numbers=[1])[0]
    assert "ConflictException" == refused(lab.drs.stop_replication, sourceServerID=server_id(1))[0]


def test_replication_that_starts_anew_walks_to_continuous(open_lab):
    """INITIATING, INITIAL_SYNC with an estimate, CREATING_SNAPSHOT, CONTINUOUS; launchable from the first snapshot."""
    lab = open_lab(make_spec(count=1, behaviour=TIMES))
    lab.drs.stop_replication(sourceServerID=server_id(1))
    lab.drs.start_replication(sourceServerID=server_id(1))
    assert state(lab) == "INITIATING"
    steps = shown(lab)["dataReplicationInfo"]["dataReplicationInitiation"]["steps"]
    assert [step["status"] for step in steps] == ["IN_PROGRESS"] + ["NOT_STARTED"] * 10
    lab.wait(60 + 300)
    info = shown(lab)["dataReplicationInfo"]
    assert info["dataReplicationState"] == "INITIAL_SYNC"
    assert info["etaDateTime"] == "2026-03-02T09:11:30.000000+00:00"
    assert info["replicatedDisks"][0]["replicatedStorageBytes"] == 4 * 2**30
    assert "ConflictException" == refused(lab.start_all, numbers=[1])[0]
    lab.wait(300)
    assert state(lab) == "CREATING_SNAPSHOT"
    lab.wait(30)
    assert state(lab) == "CONTINUOUS"
    assert [point["timestamp"] for point in points(lab)] == ["2026-03-02T09:11:30.000000+00:00"]
    assert lab.start(1)["status"] == "PENDING"


def test_only_a_stopped_server_is_started(lab):
    """Anything else is a conflict."""
    assert "ConflictException" == refused(lab.drs.start_replication, sourceServerID=server_id(1))[0]


def test_replicating_servers_have_a_quota(open_lab):
    """402, with its code."""
    lab = open_lab(make_spec(count=2, behaviour={"replicating_servers_quota": 1}))
    lab.drs.stop_replication(sourceServerID=server_id(1))
    with pytest.raises(lab.drs.exceptions.ServiceQuotaExceededException) as caught:
        lab.drs.start_replication(sourceServerID=server_id(1))
    assert caught.value.response["quotaCode"] == "L-C1D14A2B"


def test_a_stalled_server_is_retried(open_lab):
    """The initiation begins again; a healthy one is refused."""
    lab = open_lab(make_spec({"replication": {"state": "STALLED", "error": "AGENT_NOT_SEEN"}}, {}))
    assert (
        "INITIATING"
        == lab.drs.retry_data_replication(sourceServerID=server_id(1))["dataReplicationInfo"]["dataReplicationState"]
    )
    assert "ValidationException" == refused(lab.drs.retry_data_replication, sourceServerID=server_id(2))[0]


def test_a_failed_step_of_the_initiation_is_shown(open_lab):
    """FAILED where the error says so, done before it, not begun after it."""
    error = "FAILED_TO_BOOT_REPLICATION_SERVER"
    lab = open_lab(make_spec({"replication": {"state": "STALLED", "error": error}}))
    info = shown(lab)["dataReplicationInfo"]
    assert info["dataReplicationError"]["error"] == error
    statuses = [step["status"] for step in info["dataReplicationInitiation"]["steps"]]
    assert statuses == ["SUCCEEDED"] * 3 + ["FAILED"] + ["NOT_STARTED"] * 7


def test_a_server_is_disconnected_before_it_is_deleted(lab):
    """Disconnected: no lag, no bytes; deleted: gone, 204."""
    assert "ConflictException" == refused(lab.drs.delete_source_server, sourceServerID=server_id(1))[0]
    info = lab.drs.disconnect_source_server(sourceServerID=server_id(1))["dataReplicationInfo"]
    assert info["dataReplicationState"] == "DISCONNECTED"
    assert {disk["totalStorageBytes"] for disk in info["replicatedDisks"]} == {0}
    assert "lagDuration" not in info
    assert 204 == lab.drs.delete_source_server(sourceServerID=server_id(1))["ResponseMetadata"]["HTTPStatusCode"]
    assert len(lab.drs.describe_source_servers()["items"]) == 2
    assert "ResourceNotFoundException" == refused(lab.drs.get_launch_configuration, sourceServerID=server_id(1))[0]


def test_a_server_with_a_recovery_instance_cannot_be_disconnected(lab):
    """Nor one that a job is at work on."""
    lab.start(1)
    assert "ConflictException" == refused(lab.drs.disconnect_source_server, sourceServerID=server_id(1))[0]
    lab.wait(3600)
    code, message = refused(lab.drs.disconnect_source_server, sourceServerID=server_id(1))
    assert (code, "has a Recovery Instance" in message) == ("ConflictException", True)


def test_instances_of_a_deleted_server_stay_in_ec2(lab):
    """DRS forgets, EC2 does not."""
    lab.start(1)
    lab.wait(3600)
    ((instance_id, _),) = lab.instances().items()
    lab.drs.disconnect_recovery_instance(recoveryInstanceID=instance_id)
    lab.drs.delete_recovery_instance(recoveryInstanceID=instance_id)
    lab.drs.disconnect_source_server(sourceServerID=server_id(1))
    lab.drs.delete_source_server(sourceServerID=server_id(1))
    assert lab.instances() == {instance_id: "running"}


@pytest.mark.parametrize("hardware", ["i-0123456789abcdef0", "4237A8B0-0000-0000-0000-000000000001"])
def test_a_server_is_found_by_its_hardware(open_lab, hardware):
    """By its EC2 id or its VMware UUID."""
    lab = open_lab(
        make_spec({"source_instance": "i-0123456789abcdef0", "vmware_uuid": "4237A8B0-0000-0000-0000-000000000001"}, {})
    )
    found = lab.drs.describe_source_servers(filters={"hardwareId": hardware})["items"]
    assert [server["sourceServerID"] for server in found] == [server_id(1)]


@pytest.mark.account
def test_a_server_is_found_by_its_mac_address(lab):
    """Which is hardware, too."""
    address = shown(lab)["sourceProperties"]["networkInterfaces"][0]["macAddress"]
    found = lab.drs.describe_source_servers(filters={"hardwareId": address})["items"]
    assert [server["sourceServerID"] for server in found] == [server_id(1)]


@pytest.mark.parametrize("volume", ["MISSING_VOLUME_ATTRIBUTES", "PENDING"])
def test_a_server_with_an_unknown_volume_cannot_be_launched(open_lab, volume):
    """Attributes that are missing or pending refuse it; marketplace codes do not."""
    lab = open_lab(
        make_spec({"disks": [{"volume": volume}]}, {"disks": [{"volume": "CONTAINS_MARKETPLACE_PRODUCT_CODES"}]})
    )
    code, message = refused(lab.start_all, numbers=[1])
    assert (code, volume in message) == ("ConflictException", True)
    assert lab.start(2)["status"] == "PENDING"


# --- staging accounts ------------------------------------------------------------------------------------------------


def staging_lab(open_lab):
    """An account that may extend two servers, one of them with the default key."""
    staging = [
        {"id": server_id(91), "account": STAGING, "hostname": "db", "tags": {"Tier": "db"}},
        {"id": server_id(92), "account": STAGING, "hostname": "old", "default_key": True},
    ]
    return open_lab(make_spec(count=1, staging=staging))


def test_a_server_of_a_staging_account_is_extended(open_lab):
    """Listed, extended under a new id, then listed no more; its account is a staging account, and a filter."""
    lab = staging_lab(open_lab)
    listed = lab.drs.list_extensible_source_servers(stagingAccountID=STAGING)["items"]
    assert [one["hostname"] for one in listed] == ["db", "old"]
    assert lab.drs.list_staging_accounts()["accounts"] == []
    made = lab.drs.create_extended_source_server(sourceServerArn=listed[0]["arn"], tags={"Owner": "me"})["sourceServer"]
    assert made["stagingArea"] == {
        "status": "EXTENDED",
        "stagingAccountID": STAGING,
        "stagingSourceServerArn": listed[0]["arn"],
    }
    assert made["tags"] == {"Tier": "db", "Owner": "me"}
    assert made["sourceServerID"] != server_id(91)
    assert lab.drs.list_extensible_source_servers(stagingAccountID=STAGING)["items"] == listed[1:]
    assert lab.drs.list_staging_accounts(maxResults=5)["accounts"] == [{"accountID": STAGING}]
    found = lab.drs.describe_source_servers(filters={"stagingAccountIDs": [STAGING]})["items"]
    assert [one["sourceServerID"] for one in found] == [made["sourceServerID"]]
    job = lab.drs.start_recovery(sourceServers=[{"sourceServerID": made["sourceServerID"]}])["job"]
    lab.wait(3600)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]


def test_a_server_that_is_added_has_the_default_launch_settings(open_lab):
    """Those of the template, with its actions; servers that were there keep their own."""
    lab = staging_lab(open_lab)
    told = {"launchDisposition": "STOPPED", "licensing": {"osByol": True}, "postLaunchEnabled": True}
    made = lab.drs.create_launch_configuration_template(**told)["launchConfigurationTemplate"]
    lab.drs.put_launch_action(resourceId=made["launchConfigurationTemplateID"], **ACTION)
    arn = lab.drs.list_extensible_source_servers(stagingAccountID=STAGING)["items"][0]["arn"]
    added = lab.drs.create_extended_source_server(sourceServerArn=arn)["sourceServer"]["sourceServerID"]
    for name, has in ((added, True), (server_id(1), False)):
        settings = lab.drs.get_launch_configuration(sourceServerID=name)
        assert all(settings[key] == value for key, value in told.items()) == has
        assert len(lab.drs.list_launch_actions(resourceId=name)["items"]) == has


def test_a_server_with_the_default_key_cannot_be_extended(open_lab):
    """In AWS's words."""
    lab = staging_lab(open_lab)
    arn = lab.drs.list_extensible_source_servers(stagingAccountID=STAGING)["items"][1]["arn"]
    code, message = refused(lab.drs.create_extended_source_server, sourceServerArn=arn)
    assert code == "ValidationException"
    assert message.endswith("cannot be extended if it has the default EBS encryption key")


def test_a_strange_staging_account_lets_nobody_in(open_lab):
    """AccessDenied, and 404 for a server that it does not have."""
    lab = staging_lab(open_lab)
    assert (
        "AccessDeniedException" == refused(lab.drs.list_extensible_source_servers, stagingAccountID="222222222222")[0]
    )
    arn = f"arn:aws:drs:us-west-2:{STAGING}:source-server/{server_id(77)}"
    assert "ResourceNotFoundException" == refused(lab.drs.create_extended_source_server, sourceServerArn=arn)[0]


def test_an_extension_error_keeps_a_server_from_being_launched(open_lab):
    """It is shown with its message."""
    extended = {"account": STAGING, "error": "The role DRSStagingAccountRole cannot be assumed"}
    lab = open_lab(make_spec({"extended": extended}))
    area = shown(lab)["stagingArea"]
    assert (area["status"], area["errorMessage"]) == ("EXTENSION_ERROR", extended["error"])
    assert "ConflictException" == refused(lab.start_all, numbers=[1])[0]
