"""Switches for what is not known of the real DRS: each changes what it says."""

import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from drskit.sim.switches import Quotas, Switches
from tests.sim.lab import make_spec, server_id

pytestmark = pytest.mark.simulated("a switch is for what an account has only one way of doing")

OLD = {"id": "i-0123456789abcdef0", "launched": "2026-02-20T10:00:00Z"}
HERE = Path(__file__).parent
CODE = "a1b2c3d4e5f6g7h8i9j0k1l2m"


@pytest.mark.parametrize("name", sorted({*Switches.model_fields, *Quotas.model_fields}))
def test_every_switch_is_turned_in_some_test(name):
    """No switch that nobody tried."""
    turned = re.compile(rf'"{name}": ')
    assert any(turned.search(path.read_text(encoding="utf-8")) for path in HERE.glob("test_*.py"))


def test_old_jobs_may_be_forgotten(open_lab):
    """Some time after their end: neither listed nor found."""
    lab = open_lab(make_spec(count=1, behaviour={"job_retention": 3600}))
    job = lab.start(1)
    lab.wait(3600)
    assert len(lab.drs.describe_jobs()["items"]) == 1
    lab.wait(3600)
    assert lab.drs.describe_jobs()["items"] == []
    with pytest.raises(lab.drs.exceptions.ResourceNotFoundException):
        lab.log(job["jobID"])


def test_a_recovery_instance_may_be_listed_late(open_lab):
    """LAUNCHED, and not listed for a while."""
    lab = open_lab(make_spec(count=1, behaviour={"recovery_instance_delay": 600}))
    job = lab.start(1)
    lab.wait(700)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]
    assert lab.drs.describe_recovery_instances()["items"] == []
    lab.wait(600)
    assert len(lab.drs.describe_recovery_instances()["items"]) == 1


def test_a_log_may_tell_of_its_conversions(open_lab):
    """Sizes, snapshots and product codes of each disk at CONVERSION_END; by default none of it."""
    disks = [
        {"device": "/dev/sda1", "bytes": 5 * 2**30 + 1},
        {"device": "/dev/sdb", "product_codes": {CODE: "ENABLED"}},
    ]

    def told(behaviour):
        lab = open_lab(make_spec({"disks": disks}, behaviour=behaviour))
        job = lab.start(1)
        lab.wait(3600)
        return [line["eventData"].get("conversionProperties") for line in lab.log(job["jobID"])]

    assert [None] * 8 == told({})
    (properties,) = [one for one in told({"conversion_properties": True}) if one]
    assert properties["rootVolumeName"] == "/dev/sda1"
    assert properties["volumeToVolumeSize"] == {"/dev/sda1": 6, "/dev/sdb": 8}
    assert properties["volumeToProductCodes"] == {"/dev/sdb": [{"productCodeId": CODE, "productCodeMode": "ENABLED"}]}
    assert set(properties["volumeToConversionMap"]) == {"/dev/sda1", "/dev/sdb"}


@pytest.mark.parametrize("copied", [False, True])
def test_the_tags_of_a_job_may_be_its_instances(open_lab, copied):
    """In DRS and in EC2."""
    lab = open_lab(make_spec(count=1, behaviour={"job_tags_on_instances": copied}))
    lab.start(1, tags={"Drill": "yes"})
    lab.wait(3600)
    (instance,) = lab.drs.describe_recovery_instances()["items"]
    assert instance["tags"] == ({"Drill": "yes"} if copied else {})
    found = lab.ec2.describe_instances(Filters=[{"Name": "tag:Drill", "Values": ["yes"]}])["Reservations"]
    assert len(found) == copied


@pytest.mark.parametrize("counts", [False, True])
def test_terminations_may_count_for_the_quota_of_jobs(open_lab, counts):
    """With a quota of one job, a launch beside a termination is granted or refused."""
    behaviour = {"terminate_counts": counts, "jobs_quota": 1, "servers_in_jobs_quota": 5}
    lab = open_lab(make_spec({"instances": [OLD]}, {}, behaviour=behaviour))
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[OLD["id"]])
    if counts:
        with pytest.raises(lab.drs.exceptions.ServiceQuotaExceededException):
            lab.start(2)
    else:
        assert lab.start(2)["status"] == "PENDING"


def test_points_in_time_may_come_oldest_first(open_lab):
    """Where no order is asked for."""
    lab = open_lab(make_spec(count=1, behaviour={"snapshot_order": "ASC"}))
    times = [one["timestamp"] for one in lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"]]
    assert times == sorted(times)


@pytest.mark.parametrize(("inclusive", "count"), [(True, 1), (False, 0)])
def test_the_bounds_of_dates_may_belong_to_what_is_found(open_lab, inclusive, count):
    """A job created at the very bound."""
    lab = open_lab(make_spec(count=1, behaviour={"dates_inclusive": inclusive}))
    job = lab.start(1)
    filters = {"fromDate": job["creationDateTime"], "toDate": job["creationDateTime"]}
    assert len(lab.drs.describe_jobs(filters=filters)["items"]) == count


@pytest.mark.parametrize(("told", "event"), [(True, "CLEANUP_FAIL"), (False, "CLEANUP_END")])
def test_a_cleanup_that_ec2_refuses_may_be_told(open_lab, told, event):
    """By termination protection; the launch goes on."""
    lab = open_lab(make_spec({"instances": [OLD | {"protected": True}]}, behaviour={"cleanup_fail": told}))
    job = lab.start(1)
    lab.wait(3600)
    assert lab.events(job["jobID"])[2] == event
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]


@pytest.mark.parametrize(("terminated", "status"), [(True, "TERMINATED"), (False, "LAUNCHED")])
def test_a_last_launch_may_stay_launched_when_its_instance_is_gone(open_lab, terminated, status):
    """What a source server shows after a termination."""
    lab = open_lab(make_spec(count=1, behaviour={"last_launch_terminated": terminated}))
    lab.start(1)
    lab.wait(3600)
    (instance,) = lab.drs.describe_recovery_instances()["items"]
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
    lab.wait(3600)
    assert lab.drs.describe_source_servers()["items"][0]["lifeCycle"]["lastLaunch"]["status"] == status


def test_a_server_may_be_in_progress_from_its_conversion_on(open_lab):
    """PENDING, IN_PROGRESS, LAUNCHED."""
    lab = open_lab(make_spec(count=1, behaviour={"server_in_progress": True}))
    job = lab.start(1)
    lab.wait(10)
    assert lab.statuses(job["jobID"]) == ["PENDING"]
    lab.wait(100)
    assert lab.statuses(job["jobID"]) == ["IN_PROGRESS"]
    lab.wait(3600)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]


def test_spans_that_nobody_measured_can_be_set(open_lab):
    """Of networks, failback launches and a plan's validation."""
    behaviour = {
        "network_replication": 7,
        "network_recovery": 9,
        "failback_launch": 11,
        "plan_validation": 13,
        "initiation": 0,
        "initial_sync": 0,
        "first_snapshot": 0,
    }
    networks = [{"vpc": "vpc-0123456789abcdef0", "replicating": False}]
    lab = open_lab(make_spec({"failback": {"client_after": 0, "sync": 0}}, networks=networks, behaviour=behaviour))
    network_id = lab.drs.describe_source_networks()["items"][0]["sourceNetworkID"]
    lab.drs.start_source_network_replication(sourceNetworkID=network_id)
    lab.wait(7)
    assert lab.drs.describe_source_networks()["items"][0]["replicationStatus"] == "PROTECTED"
    lab.start(1)
    lab.wait(3600)
    (instance,) = lab.drs.describe_recovery_instances()["items"]
    job = lab.drs.start_failback_launch(recoveryInstanceIDs=[instance["recoveryInstanceID"]])["job"]
    network_job = lab.drs.start_source_network_recovery(sourceNetworks=[{"sourceNetworkID": network_id}])["job"]
    lab.wait(15)
    assert [lab.job(one["jobID"])["status"] for one in (job, network_job)] == ["COMPLETED", "COMPLETED"]


@pytest.mark.parametrize(
    ("behaviour", "make"),
    [
        ({"plans_quota": 0}, lambda lab: lab.drs.create_recovery_plan(name="one")),
        ({"launch_templates_quota": 0}, lambda lab: lab.drs.create_launch_configuration_template()),
        (
            {"source_servers_quota": 1},
            lambda lab: lab.drs.create_extended_source_server(
                sourceServerArn=f"arn:aws:drs:us-west-2:111111111111:source-server/{server_id(91)}"
            ),
        ),
    ],
)
def test_quotas_can_be_set(open_lab, behaviour, make):
    """402 beyond."""
    staging = [{"id": server_id(91), "account": "111111111111"}]
    lab = open_lab(make_spec(count=1, staging=staging, behaviour=behaviour))
    with pytest.raises(lab.drs.exceptions.ServiceQuotaExceededException):
        make(lab)


def test_instances_may_take_their_time_from_state_to_state(open_lab):
    """PENDING at first, STOPPING and SHUTTING-DOWN on the way; NOT_FOUND once EC2 has forgotten it."""
    lab = open_lab(make_spec(count=1, behaviour={"state_change": 30, "not_found_after": 3600}))
    lab.start(1)

    def states(*waits: float) -> list[str]:
        found = []
        for seconds in waits:
            lab.wait(seconds)
            found += [one["ec2InstanceState"] for one in lab.drs.describe_recovery_instances()["items"]]
        return found

    launching = states(*[10] * 60)
    assert launching[:3] == ["PENDING"] * 3
    assert launching[3] == "RUNNING"
    (name,) = lab.instances()
    lab.ec2.stop_instances(InstanceIds=[name])
    assert states(0, 29, 1) == ["STOPPING", "STOPPING", "STOPPED"]
    lab.ec2.start_instances(InstanceIds=[name])
    assert states(29, 1) == ["PENDING", "RUNNING"]
    lab.ec2.terminate_instances(InstanceIds=[name])
    assert states(29, 1, 3500, 100) == ["SHUTTING-DOWN", "TERMINATED", "TERMINATED", "NOT_FOUND"]


def test_an_instance_that_a_job_terminates_may_be_seen_going(open_lab):
    """SHUTTING-DOWN for the last half minute; then DRS has it no more."""
    lab = open_lab(make_spec({"durations": {"terminate": 100}}, behaviour={"state_change": 30}))
    lab.start(1)
    lab.wait(900)
    name = lab.drs.describe_recovery_instances()["items"][0]["recoveryInstanceID"]
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[name])
    seen = []
    for _ in range(12):
        lab.wait(10)
        seen += [one["ec2InstanceState"] for one in lab.drs.describe_recovery_instances()["items"]]
    assert seen == ["RUNNING"] * 7 + ["SHUTTING-DOWN"] * 3


@pytest.mark.parametrize("there", [True, False])
def test_topics_that_nobody_made_may_be_missing(open_lab, there):
    """A message to one is taken, or refused as SNS does."""
    lab = open_lab(make_spec(behaviour={"targets_exist": there}))
    request = {"TopicArn": "arn:aws:sns:us-west-2:123456789012:dr", "Message": "hello"}
    if there:
        assert lab.client("sns").publish(**request)["MessageId"]
        return
    with pytest.raises(ClientError, match="NotFound"):
        lab.client("sns").publish(**request)
