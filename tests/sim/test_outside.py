"""What DRS does outside itself: launch templates in EC2, events on EventBridge."""

import json

import boto3
import pytest

from tests.sim.lab import make_spec, server_id
from tests.sim.test_settings import ACTION

pytestmark = pytest.mark.simulated(
    "it is about what moto's services see of DRS: the buses, templates and roles of an account are its owner's"
)


@pytest.fixture
def queue(open_lab):
    """Opens a world whose DRS events of one kind land in a queue; says how to read it."""

    def open_queue(kind, *servers, **more):
        lab = open_lab(make_spec(*servers, **more))
        sqs, events = lab.client("sqs"), lab.client("events")
        url = sqs.create_queue(QueueName="drs")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="drs", EventPattern=json.dumps({"source": ["aws.drs"], "detail-type": [kind]}))
        events.put_targets(Rule="drs", Targets=[{"Id": "queue", "Arn": arn}])

        def read():
            told = []
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                told += [json.loads(message["Body"]) for message in messages]
                for message in messages:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return told

        return lab, read

    return open_queue


# --- launch templates ------------------------------------------------------------------------------------------------


def template(lab, number=1):
    """The launch template of a server: its versions, and the number of the default one."""
    template_id = lab.drs.get_launch_configuration(sourceServerID=server_id(number))["ec2LaunchTemplateID"]
    (found,) = lab.ec2.describe_launch_templates(LaunchTemplateIds=[template_id])["LaunchTemplates"]
    versions = lab.ec2.describe_launch_template_versions(LaunchTemplateId=template_id)["LaunchTemplateVersions"]
    return template_id, [one["LaunchTemplateData"] for one in versions], found["DefaultVersionNumber"]


def edit(lab, data, number=1):
    """Do as the console does: a new version, and it is the default."""
    template_id, versions, _ = template(lab, number)
    lab.ec2.create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData=versions[-1] | data)
    lab.ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion=str(len(versions) + 1))


def launched(lab):
    """The one instance that EC2 runs."""
    (reservation,) = lab.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])[
        "Reservations"
    ]
    return reservation["Instances"][0]


def test_each_server_owns_a_launch_template(lab):
    """Under the id that DRS tells, tagged as DRS's, without an image."""
    assert len(lab.ec2.describe_launch_templates()["LaunchTemplates"]) == 3
    _, (data,), default = template(lab)
    assert default == 1
    assert "ImageId" not in data
    tags = {tag["Key"]: tag["Value"] for tag in data["TagSpecifications"][0]["Tags"]}
    assert tags["AWSElasticDisasterRecoverySourceServerID"] == server_id(1)
    assert len(data["NetworkInterfaces"]) == 1


def test_changed_launch_settings_write_a_new_default_version(lab):
    """Whatever was changed."""
    template(lab)
    lab.drs.update_launch_configuration(sourceServerID=server_id(1), copyTags=True)
    _, versions, default = template(lab)
    assert (len(versions), default) == (2, 2)


def test_a_launch_goes_by_the_default_version(lab):
    """Its subnet, its groups, its tags; its type only without right-sizing."""
    subnet = lab.ec2.describe_subnets()["Subnets"][1]
    group = lab.ec2.create_security_group(GroupName="drill", Description="drill", VpcId=subnet["VpcId"])["GroupId"]
    lab.drs.update_launch_configuration(sourceServerID=server_id(1), targetInstanceTypeRightSizingMethod="NONE")
    nic = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": [group]}
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Drill", "Value": "yes"}]}]
    edit(lab, {"InstanceType": "m5.large", "NetworkInterfaces": [nic], "TagSpecifications": tags})
    job = lab.start(1)
    lab.wait(3600)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"]
    instance = launched(lab)
    assert (instance["InstanceType"], instance["SubnetId"]) == ("m5.large", subnet["SubnetId"])
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [group]
    assert {"Drill": "yes"}.items() <= {tag["Key"]: tag["Value"] for tag in instance["Tags"]}.items()


def test_right_sizing_overrides_the_templates_type(lab):
    """BASIC is the default."""
    edit(lab, {"InstanceType": "m5.large"})
    lab.start(1)
    lab.wait(3600)
    assert launched(lab)["InstanceType"] == "t3.medium"


@pytest.mark.parametrize(
    ("nic", "code"),
    [
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"Groups": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"PrivateIpAddress": "10.9.8.7", "SubnetId": "first"}, "InvalidParameterValue"),
    ],
)
def test_a_template_of_no_use_fails_the_launch(lab, nic, code):
    """Late, in the job log, in EC2's words."""
    if nic.get("SubnetId") == "first":
        nic = nic | {"SubnetId": lab.ec2.describe_subnets()["Subnets"][0]["SubnetId"]}
    edit(lab, {"NetworkInterfaces": [{"DeviceIndex": 0} | nic]})
    job = lab.start(1)
    lab.wait(3600)
    assert lab.statuses(job["jobID"]) == ["FAILED"]
    last = lab.log(job["jobID"])[-2]
    assert last["event"] == "LAUNCH_FAILED"
    assert last["eventData"]["rawError"].startswith(f"An error occurred ({code}) when calling the RunInstances")


def test_a_deleted_template_is_made_anew(lab):
    """With defaults, under another id."""
    before, _, _ = template(lab)
    edit(lab, {"InstanceType": "m5.large"})
    lab.ec2.delete_launch_template(LaunchTemplateId=before)
    after, versions, _ = template(lab)
    assert (before != after, len(versions)) == (True, 1)
    assert len(lab.ec2.describe_launch_templates()["LaunchTemplates"]) == 3


def test_a_template_goes_with_its_disconnected_server(lab):
    """EC2 has it no more."""
    assert len(lab.ec2.describe_launch_templates()["LaunchTemplates"]) == 3
    lab.drs.disconnect_source_server(sourceServerID=server_id(1))
    assert len(lab.ec2.describe_launch_templates()["LaunchTemplates"]) == 2


# --- events ----------------------------------------------------------------------------------------------------------


def test_a_launch_result_is_an_event(queue):
    """For each server, at its own instant, drill or not; is-drill is text."""
    lab, read = queue("DRS Source Server Launch Result", {}, {"fails": "conversion-failed"})
    job = lab.start(1, 2)
    lab.wait(3600)
    told = {event["detail"]["state"]: event for event in read()}
    assert set(told) == {"RECOVERY_LAUNCH_SUCCEEDED", "RECOVERY_LAUNCH_FAILED"}
    event = told["RECOVERY_LAUNCH_SUCCEEDED"]
    assert event["detail"]["job-id"] == job["jobID"]
    assert event["detail"]["is-drill"] == "TRUE"
    assert event["resources"] == [f"arn:aws:drs:us-west-2:123456789012:source-server/{server_id(1)}"]
    assert event["source"] == "aws.drs"
    assert event["region"] == "us-west-2"
    lab.start(1, drill=False)
    lab.wait(3600)
    assert [event["detail"]["is-drill"] for event in read()] == ["FALSE"]
    assert read() == []


def test_points_in_time_are_events(queue):
    """Six an hour, each with its EBS snapshots."""
    lab, read = queue("DRS PIT Snapshot Taken", {"disks": [{}, {"device": "/dev/xvdb"}]})
    lab.wait(3600)
    told = read()
    assert len(told) == 6
    assert all(len(event["detail"]["EbsSnapshotIDs"].split(",")) == 2 for event in told)
    points = lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"]
    assert {event["detail"]["DrsSnapshotID"] for event in told} <= {point["snapshotID"] for point in points}


def test_events_come_about_while_only_tables_are_asked(queue):
    """Each in its time, though points are thinned after an hour."""
    lab, read = queue("DRS PIT Snapshot Taken", {"disks": [{}]})
    tables = boto3.client("dynamodb", region_name="us-west-2")
    for _ in range(18):
        lab.wait(600)
        tables.list_tables()
    assert 18 == len(read())


def test_a_failback_that_gets_on_is_an_event(queue):
    """Each state that was seen."""
    lab, read = queue("DRS Recovery Instance Failback State Change", {"failback": {"client_after": 600, "sync": 60}})
    lab.start(1)
    for _ in range(40):
        lab.wait(60)
        lab.drs.describe_jobs()
    assert [event["detail"]["state"] for event in read()] == ["FAILBACK_IN_PROGRESS", "FAILBACK_READY_FOR_LAUNCH"]


def test_networks_have_events(queue):
    """Of their protection."""
    networks = [{"vpc": "vpc-0123456789abcdef0"}]
    lab, read = queue("DRS Source Network Protection Status Change", networks=networks)
    (network,) = lab.drs.describe_source_networks()["items"]
    lab.drs.stop_source_network_replication(sourceNetworkID=network["sourceNetworkID"])
    assert [event["detail"]["state"] for event in read()] == ["STOPPED"]


def test_what_happened_before_there_was_a_rule_is_not_told(open_lab):
    """As with the real bus."""
    lab = open_lab(make_spec(count=1))
    lab.start(1)
    lab.wait(3600)
    events, logs = lab.client("events"), lab.client("logs")
    logs.create_log_group(logGroupName="drs")
    events.put_rule(Name="drs", EventPattern=json.dumps({"source": ["aws.drs"]}))
    arn = "arn:aws:logs:us-west-2:123456789012:log-group:drs"
    events.put_targets(Rule="drs", Targets=[{"Id": "log", "Arn": arn}])
    lab.drs.describe_jobs()
    assert logs.filter_log_events(logGroupName="drs")["events"] == []


# --- permissions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "last", "error"),
    [
        ("iam:PassRole", "SNAPSHOT_END", None),
        ("ec2:DetachVolume", "LAUNCH_FAILED", "(UnauthorizedOperation) when calling the DetachVolume operation"),
        ("ec2:DeleteLaunchTemplateVersions", "LAUNCH_FAILED", "calling the DeleteLaunchTemplateVersions operation"),
    ],
)
def test_what_the_caller_may_not_do_shows_late(open_lab, action, last, error):
    """StartRecovery is granted; every server fails, in silence or after ten minutes of tries."""
    lab = open_lab(make_spec(count=2, behaviour={"caller_lacks": [action]}))
    job = lab.start(1, 2)
    lab.wait(3600)
    assert lab.statuses(job["jobID"]) == ["FAILED", "FAILED"]
    own = [line for line in lab.log(job["jobID"]) if line["eventData"].get("sourceServerID") == server_id(1)]
    assert own[-1]["event"] == last
    assert (error or "") in own[-1]["eventData"].get("rawError", "")


def test_an_orphan_leaves_a_volume(open_lab):
    """Of one GiB, tagged with its job and its source server."""
    lab = open_lab(make_spec({"fails": "launch-denied"}))
    job = lab.start(1)
    lab.wait(3600)
    filters = [{"Name": "tag:drs.amazonaws.com-job", "Values": [job["jobID"]]}]
    (volume,) = lab.ec2.describe_volumes(Filters=filters)["Volumes"]
    assert volume["Size"] == 1
    assert {"Key": "drs.amazonaws.com-source-server", "Value": server_id(1)} in volume["Tags"]


# --- commands --------------------------------------------------------------------------------------------------------


def test_a_post_launch_action_is_a_command_on_its_instance(open_lab):
    """Under the id of its run, with its document and its parameters, first InProgress and then as it ended."""
    lab = open_lab(make_spec({"post_launch": {"fails": {"AWS-RunShellScript": "no"}}}, {}))
    lab.drs.put_launch_action(resourceId=server_id(1), **ACTION | {"optional": True})
    lab.drs.update_launch_configuration(sourceServerID=server_id(1), postLaunchEnabled=True)
    lab.start(2)
    job_id = lab.start(1)["jobID"]
    ssm = lab.client("ssm")
    assert ssm.list_commands()["Commands"] == []
    while not (runs := lab.job(job_id)["participatingServers"][0]["launchActionsStatus"]["runs"]):
        lab.wait(10)
    (command,) = ssm.list_commands()["Commands"]
    assert (command["CommandId"], command["DocumentName"]) == (runs[0]["runId"], "AWS-RunShellScript")
    assert command["Status"] == "InProgress"
    lab.wait(60)
    (instance,) = lab.drs.describe_recovery_instances(filters={"sourceServerIDs": [server_id(1)]})["items"]
    (command,) = ssm.list_commands()["Commands"]
    assert (command["Status"], command["InstanceIds"]) == ("Failed", [instance["recoveryInstanceID"]])
    found = ssm.get_command_invocation(CommandId=runs[0]["runId"], InstanceId=instance["recoveryInstanceID"])
    assert found["Status"] == "Failed"


def test_an_initialised_account_has_the_roles_of_drs(open_lab):
    """Made when it is initialised, and once."""
    lab = open_lab(make_spec(behaviour={"initialized": False}))
    iam = lab.client("iam")
    assert [] == iam.list_roles()["Roles"]
    lab.drs.initialize_service()
    roles = {role["RoleName"]: role for role in iam.list_roles()["Roles"]}
    assert "/service-role/" == roles["AWSElasticDisasterRecoveryConversionServerRole"]["Path"]
    trusted = roles["AWSServiceRoleForElasticDisasterRecovery"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert "drs.amazonaws.com" == trusted["Principal"]["Service"]
    iam.delete_role(RoleName="AWSElasticDisasterRecoveryConversionServerRole")
    assert len(roles) - 1 == len(iam.list_roles()["Roles"])
