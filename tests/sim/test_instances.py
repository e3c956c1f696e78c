"""Recovery instances: what DRS lists, what EC2 runs, and what cleans up what."""

import pytest

from tests.sim.lab import make_spec, server_arn, server_id

pytestmark = pytest.mark.simulated("it needs instances from before the test, or settings and spans of its own")

OLD = "i-0123456789abcdef0"
EXISTING = {"id": OLD, "launched": "2026-02-20T10:00:00Z", "drill": False}


def listed(lab):
    """The recovery instances that DRS lists."""
    return lab.recovery_instances()


@pytest.mark.account
def test_a_launched_server_is_an_ec2_instance_with_drs_tags(lab):
    """Same id in DRS and EC2, DRS's tags, an address, the place and the time."""
    assert lab.instances() == {}
    job = lab.start(1)
    lab.settle()
    (instance_id,) = listed(lab)
    (reservation,) = lab.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    instance = reservation["Instances"][0]
    told = {
        "AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com",
        "AWSElasticDisasterRecoverySourceServerID": server_id(1),
    }
    named = {key: value for key, value in lab.servers()[0]["tags"].items() if key == "Name"}
    assert (told | named).items() <= {tag["Key"]: tag["Value"] for tag in instance["Tags"]}.items()
    assert instance["PrivateIpAddress"]
    assert job["creationDateTime"][:19] < instance["LaunchTime"].isoformat() < lab.job(job["jobID"])["endDateTime"]
    assert instance["Placement"]["AvailabilityZone"].startswith(lab.region)


def test_copied_tags_reach_the_instance(open_lab):
    """With copyTags the source server's tags come along."""
    lab = open_lab(make_spec({"tags": {"Tier": "database"}, "launch": {"copy_tags": True}}))
    lab.start(1)
    lab.wait(3600)
    found = lab.ec2.describe_instances(Filters=[{"Name": "tag:Tier", "Values": ["database"]}])["Reservations"]
    assert len(found) == 1


@pytest.mark.account
def test_a_recovery_instance_looks_as_documented(lab):
    """Its members, upper-case state included (drs-facts §3.4)."""
    job = lab.start(1)
    lab.settle()
    ((instance_id, instance),) = listed(lab).items()
    assert instance["ec2InstanceID"] == instance_id
    assert instance["ec2InstanceState"] == "RUNNING"
    assert (instance["jobID"], instance["sourceServerID"], instance["isDrill"]) == (job["jobID"], server_id(1), True)
    assert instance["dataReplicationInfo"] == {"dataReplicationState": "NOT_STARTED"}
    assert instance["arn"] == f"{server_arn(1).rpartition(':')[0]}:recovery-instance/{instance_id}"


def test_a_stopped_disposition_launches_a_stopped_instance(open_lab):
    """LAUNCHED, and STOPPED."""
    lab = open_lab(make_spec({"launch": {"disposition": "STOPPED"}}))
    job = lab.start(1)
    lab.wait(3600)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]
    assert [one["ec2InstanceState"] for one in listed(lab).values()] == ["STOPPED"]
    assert list(lab.instances().values()) == ["stopped"]


@pytest.mark.account
def test_drs_shows_what_somebody_does_in_ec2(lab):
    """Stopped and terminated in EC2 is STOPPED and TERMINATED in DRS."""
    lab.start(1)
    lab.settle()
    (instance_id,) = listed(lab)
    lab.ec2.stop_instances(InstanceIds=[instance_id])
    lab.until(lambda: listed(lab)[instance_id]["ec2InstanceState"] == "STOPPED")
    lab.ec2.terminate_instances(InstanceIds=[instance_id])
    lab.until(lambda: listed(lab)[instance_id]["ec2InstanceState"] == "TERMINATED")


@pytest.mark.account
def test_a_relaunch_cleans_up_the_earlier_instance_first(lab):
    """CLEANUP_START and CLEANUP_END before the snapshot; the old instance is gone from DRS and terminated in EC2."""
    lab.start(1)
    lab.settle()
    (old,) = lab.instances()
    job = lab.start(1)
    lab.until(lambda: "CLEANUP_START" in lab.events(job["jobID"]))
    lab.settle()
    assert lab.events(job["jobID"])[1:4] == ["CLEANUP_START", "CLEANUP_END", "SNAPSHOT_START"]
    (new,) = listed(lab)
    assert lab.instances() == {old: "terminated", new: "running"}
    assert new != old


def test_a_relaunch_needs_its_time_to_clean_up(lab):
    """While the log says CLEANUP_START and no more the earlier instance runs."""
    lab.start(1)
    lab.wait(3600)
    (old,) = lab.instances()
    job = lab.start(1)
    lab.wait(30)
    assert lab.events(job["jobID"]) == ["JOB_START", "CLEANUP_START"]
    assert lab.instances() == {old: "running"}


def test_a_drill_destroys_a_real_recovery(open_lab):
    """Whatever launched it, an earlier instance goes (drs-facts §1.7)."""
    lab = open_lab(make_spec({"instances": [EXISTING]}))
    assert listed(lab)[OLD]["isDrill"] is False
    lab.start(1)
    lab.wait(3600)
    assert OLD not in listed(lab)
    assert lab.instances()[OLD] == "terminated"


def test_an_instance_that_drs_forgot_is_cleaned_up_too(open_lab):
    """EC2 has it, DRS does not list it, a relaunch removes it all the same."""
    lab = open_lab(make_spec({"instances": [EXISTING | {"forgotten": True}]}))
    assert listed(lab) == {}
    assert lab.instances() == {OLD: "running"}
    lab.start(1)
    lab.wait(3600)
    assert lab.instances()[OLD] == "terminated"


@pytest.mark.account
def test_a_protected_instance_survives_a_relaunch(lab):
    """EC2's termination protection is the only thing that stops the cleanup."""
    lab.start(1)
    lab.settle()
    (old,) = listed(lab)
    lab.ec2.modify_instance_attribute(InstanceId=old, DisableApiTermination={"Value": True})
    job = lab.start(1)
    lab.settle()
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]
    (new,) = listed(lab)
    assert lab.instances() == {old: "running", new: "running"}


def test_a_world_declares_an_instance_protected(open_lab):
    """It survives a relaunch as one that was protected in EC2."""
    lab = open_lab(make_spec({"instances": [EXISTING | {"protected": True}]}))
    lab.start(1)
    lab.wait(3600)
    assert lab.instances()[OLD] == "running"
    assert len(listed(lab)) == 1


@pytest.mark.account
def test_terminating_removes_the_instances(lab):
    """A TERMINATE job; TERMINATED per server; DRS lists them no more; EC2 terminated them."""
    lab.start(1, 2)
    lab.settle()
    job = lab.drs.terminate_recovery_instances(recoveryInstanceIDs=list(listed(lab)))["job"]
    assert (job["type"], job["status"], job["initiatedBy"]) == ("TERMINATE", "PENDING", "TERMINATE_RECOVERY_INSTANCES")
    assert [server["launchStatus"] for server in job["participatingServers"]] == ["PENDING", "PENDING"]
    assert len(listed(lab)) == 2
    lab.settle()
    assert lab.job(job["jobID"])["status"] == "COMPLETED"
    assert lab.statuses(job["jobID"]) == ["TERMINATED", "TERMINATED"]
    lab.until(lambda: listed(lab) == {})
    lab.until(lambda: set(lab.instances().values()) == {"terminated"})
    server = lab.servers()[0]
    assert "recoveryInstanceId" not in server
    assert server["lifeCycle"]["lastLaunch"]["status"] == "TERMINATED"


@pytest.mark.account
def test_terminating_keeps_the_server_busy(lab):
    """No second termination and no launch while it runs."""
    lab.start(1)
    lab.settle()
    (instance_id,) = listed(lab)
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[instance_id])
    with pytest.raises(lab.drs.exceptions.ConflictException):
        lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[instance_id])
    with pytest.raises(lab.drs.exceptions.ConflictException):
        lab.start(1)


def test_a_protected_instance_survives_its_termination(open_lab):
    """EC2 refuses; the server is FAILED and the instance stays listed."""
    lab = open_lab(make_spec({"instances": [EXISTING | {"protected": True}]}))
    job = lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[OLD])["job"]
    lab.wait(600)
    assert lab.statuses(job["jobID"]) == ["FAILED"]
    assert list(listed(lab)) == [OLD]
    lab.ec2.modify_instance_attribute(InstanceId=OLD, DisableApiTermination={"Value": False})
    again = lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[OLD])["job"]
    lab.wait(600)
    assert [lab.statuses(one["jobID"]) for one in (job, again)] == [["FAILED"], ["TERMINATED"]]


@pytest.mark.account
def test_an_unknown_instance_cannot_be_terminated(lab):
    """404 for what DRS does not list."""
    with pytest.raises(lab.drs.exceptions.ResourceNotFoundException):
        lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[OLD])


def test_a_completed_termination_may_have_no_servers(open_lab):
    """A switch for what was seen once: the list is emptied at the end (drs-facts §1.12)."""
    lab = open_lab(make_spec({"instances": [EXISTING]}, behaviour={"terminate_empties_servers": True}))
    job = lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[OLD])["job"]
    lab.wait(600)
    assert lab.job(job["jobID"])["participatingServers"] == []
