"""Failback: of AWS's machines by reversed replication, of all others by the failback client."""

import pytest
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec, server_id

pytestmark = pytest.mark.simulated("machines would have to fail over and back, and a failback client to be at work")

TIMES = {"initiation": 60, "initial_sync": 600, "first_snapshot": 30}


def shown(lab):
    """The one recovery instance that DRS lists."""
    (instance,) = lab.drs.describe_recovery_instances()["items"]
    return instance


def state(lab):
    """How its failback and its replication stand."""
    instance = shown(lab)
    return instance["failback"]["state"], instance["dataReplicationInfo"]["dataReplicationState"]


def refused(call, **request):
    """The code of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


def launched(open_lab, **server):
    """A world with one launched server, and the id of its instance."""
    lab = open_lab(make_spec(server, behaviour=TIMES))
    lab.start(1)
    lab.wait(600)
    return lab, shown(lab)["recoveryInstanceID"]


def template(lab, **members):
    """The origin's default launch settings."""
    origin = lab.client("drs", region="us-east-1")
    made = origin.create_launch_configuration_template(**members)["launchConfigurationTemplate"]
    return origin, made["launchConfigurationTemplateID"]


# --- AWS's machines --------------------------------------------------------------------------------------------------


SOURCE = "i-0aaaaaaaaaaaaaaa1"


def test_what_replicates_back_may_be_launched_into_its_source(open_lab):
    """Where the origin's template says so; its other settings are the new server's, too."""
    lab, instance_id = launched(open_lab, origin_region="us-east-1", source_instance=SOURCE)
    origin, template_id = template(lab, launchIntoSourceInstance=True, launchDisposition="STOPPED", copyTags=True)
    assert "ValidationException" == refused(lab.drs.reverse_replication, recoveryInstanceID=instance_id)
    assert origin.describe_source_servers()["items"] == []
    origin.update_launch_configuration_template(launchConfigurationTemplateID=template_id, copyTags=False)
    lab.drs.reverse_replication(recoveryInstanceID=instance_id)
    (back,) = origin.describe_source_servers()["items"]
    settings = origin.get_launch_configuration(sourceServerID=back["sourceServerID"])
    assert settings["launchIntoInstanceProperties"] == {"launchIntoEC2InstanceID": SOURCE}
    assert settings["launchDisposition"] == "STOPPED"


def test_what_a_region_had_is_still_there_when_the_first_server_comes_to_it(open_lab):
    """Networks, recovery plans and templates; what is made later gets ids of its own."""
    lab, instance_id = launched(open_lab, origin_region="us-east-1", source_instance=SOURCE)
    origin, _ = template(lab)
    network = {"originAccountID": "123456789012", "originRegion": "eu-west-1"}
    origin.create_source_network(vpcID="vpc-0123456789abcdef0", tags={"Kept": "yes"}, **network)
    origin.create_recovery_plan(name="kept")

    def there():
        networks, plans = origin.describe_source_networks()["items"], origin.list_recovery_plans()["recoveryPlans"]
        return networks, plans, origin.describe_launch_configuration_templates()["items"]

    before = there()
    assert (1, 1, 1) == tuple(map(len, before))
    lab.drs.reverse_replication(recoveryInstanceID=instance_id)
    assert 1 == len(origin.describe_source_servers()["items"])
    assert before == there()
    origin.create_source_network(vpcID="vpc-0123456789abcdef1", **network)
    origin.create_recovery_plan(name="new")
    assert (2, 2, 1) == tuple(map(len, there()))


def test_reversed_replication_makes_a_source_server_in_the_origin_region(open_lab):
    """FAILBACK there, each naming the other; ready once the first snapshot is taken; launched there like any other."""
    lab, instance_id = launched(open_lab, origin_region="us-east-1")
    assert state(lab) == ("FAILBACK_NOT_READY_FOR_LAUNCH", "NOT_STARTED")
    arn = lab.drs.reverse_replication(recoveryInstanceID=instance_id)["reversedDirectionSourceServerArn"]
    assert arn.startswith("arn:aws:drs:us-east-1:123456789012:source-server/s-")
    assert state(lab) == ("FAILBACK_NOT_READY_FOR_LAUNCH", "INITIATING")
    origin = lab.client("drs", region="us-east-1")
    (back,) = origin.describe_source_servers()["items"]
    (here,) = lab.drs.describe_source_servers()["items"]
    assert (back["arn"], back["replicationDirection"]) == (arn, "FAILBACK")
    assert back["reversedDirectionSourceServerArn"] == here["arn"]
    assert here["reversedDirectionSourceServerArn"] == arn
    lab.wait(200)
    assert state(lab) == ("FAILBACK_NOT_READY_FOR_LAUNCH", "INITIAL_SYNC")
    assert "etaDateTime" in shown(lab)["dataReplicationInfo"]
    lab.wait(1000)
    assert state(lab) == ("FAILBACK_READY_FOR_LAUNCH", "CONTINUOUS")
    job = origin.start_recovery(sourceServers=[{"sourceServerID": back["sourceServerID"]}])["job"]
    assert state(lab)[0] == "FAILBACK_IN_PROGRESS"
    lab.wait(3600)
    assert state(lab)[0] == "FAILBACK_COMPLETED"
    assert shown(lab)["failback"]["failbackJobID"] == job["jobID"]
    (home,) = origin.describe_recovery_instances()["items"]
    ec2 = lab.client("ec2", region="us-east-1")
    found = ec2.describe_instances(InstanceIds=[home["recoveryInstanceID"]])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "running"
    again = origin.reverse_replication(recoveryInstanceID=home["recoveryInstanceID"])
    assert again["reversedDirectionSourceServerArn"].startswith("arn:aws:drs:us-west-2:")
    assert {"FAILOVER"} == {server["replicationDirection"] for server in lab.drs.describe_source_servers()["items"]}


def test_replication_is_reversed_once(open_lab):
    """A second time is a conflict; a machine that is not AWS's cannot be at all."""
    lab, instance_id = launched(open_lab, origin_region="us-east-1")
    lab.drs.reverse_replication(recoveryInstanceID=instance_id)
    assert "ConflictException" == refused(lab.drs.reverse_replication, recoveryInstanceID=instance_id)
    other, instance_id = launched(open_lab)
    assert "ValidationException" == refused(other.drs.reverse_replication, recoveryInstanceID=instance_id)


# --- other machines --------------------------------------------------------------------------------------------------


def test_the_failback_client_replicates_back_and_is_launched(open_lab):
    """NOT_STARTED until somebody boots it, IN_PROGRESS, READY_FOR_LAUNCH; a FAILBACK job; COMPLETED."""
    lab, instance_id = launched(open_lab, failback={"client_after": 650, "sync": 600})
    assert shown(lab)["originEnvironment"] == "ON_PREMISES"
    assert state(lab) == ("FAILBACK_NOT_STARTED", "NOT_STARTED")
    start = lab.drs.start_failback_launch
    assert "ConflictException" == refused(start, recoveryInstanceIDs=[instance_id])
    lab.wait(600)
    assert state(lab) == ("FAILBACK_IN_PROGRESS", "INITIATING")
    lab.wait(700)
    assert state(lab) == ("FAILBACK_READY_FOR_LAUNCH", "CONTINUOUS")
    assert shown(lab)["dataReplicationInfo"]["lagDuration"] == "P0D"
    job = start(recoveryInstanceIDs=[instance_id], tags={"a": "b"})["job"]
    assert (job["type"], job["initiatedBy"], job["tags"]) == ("LAUNCH", "FAILBACK", {"a": "b"})
    assert job["participatingServers"][0]["recoveryInstanceID"] == instance_id
    assert state(lab)[0] == "FAILBACK_IN_PROGRESS"
    assert "ConflictException" == refused(lab.start_all, numbers=[1])
    lab.wait(700)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]
    assert lab.events(job["jobID"])[1:] == [
        "CONVERSION_START",
        "CONVERSION_END",
        "LAUNCH_START",
        "LAUNCH_END",
        "JOB_END",
    ]
    assert shown(lab)["failback"]["failbackJobID"] == job["jobID"]
    assert (state(lab)[0], shown(lab)["failback"]["failbackLaunchType"]) == ("FAILBACK_COMPLETED", "RECOVERY")


def test_a_failed_failback_is_an_error(open_lab):
    """The job is COMPLETED, its server FAILED, the failback FAILBACK_ERROR."""
    lab, instance_id = launched(open_lab, failback={"client_after": 1, "sync": 1, "fails": True})
    lab.wait(600)
    job = lab.drs.start_failback_launch(recoveryInstanceIDs=[instance_id])["job"]
    lab.wait(700)
    assert (lab.statuses(job["jobID"]), state(lab)[0]) == (["FAILED"], "FAILBACK_ERROR")


def test_a_failback_that_does_not_get_on_shows_its_error(open_lab):
    """With the step that failed."""
    error = "FAILED_TO_CONFIGURE_REPLICATION_SOFTWARE"
    lab, _ = launched(open_lab, failback={"client_after": 1, "error": error})
    info = shown(lab)["dataReplicationInfo"]
    assert info["dataReplicationError"]["error"] == error
    assert [step["status"] for step in info["dataReplicationInitiation"]["steps"]][4] == "FAILED"
    assert state(lab) == ("FAILBACK_ERROR", "STALLED")


def test_a_stopped_failback_has_not_started(open_lab):
    """StopFailback takes it back."""
    lab, instance_id = launched(open_lab, failback={"client_after": 1, "sync": 1})
    lab.wait(600)
    lab.drs.stop_failback(recoveryInstanceID=instance_id)
    assert state(lab) == ("FAILBACK_NOT_STARTED", "NOT_STARTED")


def test_failback_settings_are_kept(open_lab):
    """What is updated is got; the rest stays."""
    lab, instance_id = launched(open_lab)
    lab.drs.update_failback_replication_configuration(recoveryInstanceID=instance_id, bandwidthThrottling=50)
    got = lab.drs.get_failback_replication_configuration(recoveryInstanceID=instance_id)
    assert (got["bandwidthThrottling"], got["usePrivateIP"]) == (50, False)


# --- parting ---------------------------------------------------------------------------------------------------------


def test_an_instance_is_disconnected_before_it_is_deleted(open_lab):
    """Deleted, DRS knows it no more, EC2 keeps it, and a relaunch cleans it up all the same (drs-facts §1.7)."""
    lab, instance_id = launched(open_lab)
    assert "ConflictException" == refused(lab.drs.delete_recovery_instance, recoveryInstanceID=instance_id)
    lab.drs.disconnect_recovery_instance(recoveryInstanceID=instance_id)
    assert state(lab) == ("FAILBACK_LAUNCH_STATE_NOT_AVAILABLE", "DISCONNECTED")
    lab.drs.delete_recovery_instance(recoveryInstanceID=instance_id)
    assert lab.drs.describe_recovery_instances()["items"] == []
    assert lab.instances() == {instance_id: "running"}
    assert "recoveryInstanceId" not in lab.drs.describe_source_servers()["items"][0]
    assert "ResourceNotFoundException" == refused(lab.drs.stop_failback, recoveryInstanceID=instance_id)
    lab.start(1)
    lab.wait(3600)
    assert lab.instances()[instance_id] == "terminated"


def test_an_instance_that_a_job_is_at_work_on_is_not_disconnected(open_lab):
    """Conflict."""
    lab, instance_id = launched(open_lab)
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[instance_id])
    assert "ConflictException" == refused(lab.drs.disconnect_recovery_instance, recoveryInstanceID=instance_id)
    assert server_id(1) == shown(lab)["sourceServerID"]


def test_a_failback_that_was_stopped_begins_anew_when_the_client_is_booted_again(open_lab):
    """As the world file says; the second one can be launched like the first."""
    rules = {"client_after": 60, "sync": 300, "client_again": 900, "replication": "BACKLOG"}
    lab, instance_id = launched(open_lab, failback=rules)
    lab.wait(700)
    assert state(lab) == ("FAILBACK_READY_FOR_LAUNCH", "BACKLOG")
    lab.drs.stop_failback(recoveryInstanceID=instance_id)
    lab.wait(800)
    assert state(lab) == ("FAILBACK_NOT_STARTED", "NOT_STARTED")
    lab.wait(150)
    assert state(lab) == ("FAILBACK_IN_PROGRESS", "INITIATING")
    lab.wait(700)
    lab.drs.start_failback_launch(recoveryInstanceIDs=[instance_id])
    lab.wait(1200)
    assert state(lab)[0] == "FAILBACK_COMPLETED"
