"""Launch and replication settings, their templates, and post-launch actions."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec, server_id

pytestmark = pytest.mark.simulated(
    "it needs servers of a kind, actions that fail, or changes what is the whole account's"
)

ACTION = {
    "actionCode": "AWS-RunShellScript",
    "order": 1001,
    "actionId": str(uuid.UUID(int=1)),
    "optional": False,
    "active": True,
    "name": "Check the web server",
    "actionVersion": "$DEFAULT",
    "category": "VALIDATION",
    "description": "Asks it for a page.",
    "parameters": {"commands": {"value": "web-check", "type": "SSM_STORE"}},
}
RCT = {
    "stagingAreaSubnetId": "subnet-0bb0bb0bb0bb0bb0b",
    "replicationServersSecurityGroupsIDs": [],
    "ebsEncryption": "DEFAULT",
    "bandwidthThrottling": 0,
    "stagingAreaTags": {"a": "b"},
    "pitPolicy": [
        {"units": "MINUTE", "interval": 10, "retentionDuration": 60},
        {"units": "HOUR", "interval": 1, "retentionDuration": 24},
        {"units": "DAY", "interval": 1, "retentionDuration": 3},
    ],
}


def refused(call, **request):
    """The code of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


# --- launch configurations -------------------------------------------------------------------------------------------


@pytest.mark.account
def test_launch_settings_are_changed_and_take_effect(lab):
    """What is given changes, the rest stays; the next launch goes by it."""
    before = lab.drs.get_launch_configuration(sourceServerID=server_id(1))
    told = {"launchDisposition": "STOPPED", "name": "mine"}
    changed = lab.drs.update_launch_configuration(sourceServerID=server_id(1), **told)
    got = lab.drs.get_launch_configuration(sourceServerID=server_id(1))
    expected = before | told
    for answer in (changed, got, expected):
        answer.pop("ResponseMetadata", None)
    assert changed == got == expected
    lab.start(1)
    lab.settle()
    assert [one["ec2InstanceState"] for one in lab.recovery_instances().values()] == ["STOPPED"]


def test_a_licence_of_ones_own_is_kept(lab):
    """Beside the rest; for Linux it means nothing."""
    lab.drs.update_launch_configuration(sourceServerID=server_id(1), licensing={"osByol": True})
    assert {"osByol": True} == lab.drs.get_launch_configuration(sourceServerID=server_id(1))["licensing"]


NO_WORD = {"launchDisposition": "ASLEEP"}
INTO_WITH_TAGS = {"copyTags": True, "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-0123456789abcdef0"}}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(NO_WORD, marks=pytest.mark.account),
        {"recoveryMode": "FAST"},
        pytest.param(INTO_WITH_TAGS, marks=pytest.mark.account),
    ],
)
def test_settings_that_cannot_be_are_refused_and_change_nothing(lab, settings):
    """An unknown word, FAST for a machine that is not AWS's, an instance to launch into with copied tags."""
    before = lab.drs.get_launch_configuration(sourceServerID=server_id(1))["recoveryMode"]
    assert "ValidationException" == refused(
        lab.drs.update_launch_configuration, sourceServerID=server_id(1), **settings
    )
    assert before == lab.drs.get_launch_configuration(sourceServerID=server_id(1))["recoveryMode"]


def test_the_fast_mode_needs_a_new_agent_and_ec2(open_lab):
    """Then the next launch has no conversion."""
    lab = open_lab(make_spec({"origin_region": "us-east-1", "agent": "6.42.20.2026.100.0000"}))
    lab.drs.update_launch_configuration(sourceServerID=server_id(1), recoveryMode="FAST")
    job = lab.start(1)
    lab.wait(3600)
    assert not [event for event in lab.events(job["jobID"]) if "CONVERSION" in event]


def test_there_is_one_launch_configuration_template(lab):
    """Created with defaults, changed, tagged, deleted; a second one is over quota."""
    create = lab.drs.create_launch_configuration_template
    made = create(copyTags=True, tags={"Owner": "me"})["launchConfigurationTemplate"]
    assert (made["copyTags"], made["launchDisposition"], made["tags"]) == (True, "STARTED", {"Owner": "me"})
    assert "ServiceQuotaExceededException" == refused(create)
    template_id = made["launchConfigurationTemplateID"]
    update = lab.drs.update_launch_configuration_template
    changed = update(launchConfigurationTemplateID=template_id, postLaunchEnabled=True)["launchConfigurationTemplate"]
    assert changed == made | {"postLaunchEnabled": True}
    assert lab.drs.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"Owner": "me"}
    describe = lab.drs.describe_launch_configuration_templates
    assert describe(launchConfigurationTemplateIDs=[template_id])["items"] == [changed]
    lab.drs.delete_launch_configuration_template(launchConfigurationTemplateID=template_id)
    assert describe()["items"] == []
    assert "ResourceNotFoundException" == refused(describe, launchConfigurationTemplateIDs=[template_id])


# --- replication configurations --------------------------------------------------------------------------------------


def test_the_daily_retention_decides_how_many_points_in_time_there_are(lab):
    """The other rules are fixed."""
    count = len(lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"])
    policy = lab.drs.get_replication_configuration(sourceServerID=server_id(1))["pitPolicy"]
    update = lab.drs.update_replication_configuration
    update(sourceServerID=server_id(1), pitPolicy=[*policy[:2], policy[2] | {"retentionDuration": 3}])
    assert count - 4 == len(lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"])
    faster = [policy[0] | {"interval": 5}, *policy[1:]]
    assert "ValidationException" == refused(update, sourceServerID=server_id(1), pitPolicy=faster)


def test_replication_settings_are_kept(lab):
    """What is given changes, the rest stays; custom encryption needs its key."""
    update = lab.drs.update_replication_configuration
    changed = update(sourceServerID=server_id(1), replicationServerInstanceType="m5.large", stagingAreaTags={"a": "b"})
    got = lab.drs.get_replication_configuration(sourceServerID=server_id(1))
    assert (got["replicationServerInstanceType"], got["stagingAreaTags"]) == ("m5.large", {"a": "b"})
    assert changed["replicatedDisks"] == got["replicatedDisks"]
    assert "ValidationException" == refused(update, sourceServerID=server_id(1), ebsEncryption="CUSTOM")


def test_replication_configuration_templates_are_kept(lab):
    """Created, described, changed, deleted."""
    made = lab.drs.create_replication_configuration_template(**RCT, tags={"Owner": "me"})
    template_id = made["replicationConfigurationTemplateID"]
    assert made["stagingAreaTags"] == {"a": "b"}
    update = lab.drs.update_replication_configuration_template
    assert update(replicationConfigurationTemplateID=template_id, createPublicIP=True)["createPublicIP"] is True
    describe = lab.drs.describe_replication_configuration_templates
    assert [one["createPublicIP"] for one in describe()["items"]] == [True]
    lab.drs.delete_replication_configuration_template(replicationConfigurationTemplateID=template_id)
    assert "ResourceNotFoundException" == refused(describe, replicationConfigurationTemplateIDs=[template_id])


# --- post-launch actions ---------------------------------------------------------------------------------------------


def put(lab, **changes):
    """Put an action on the first server, and let them run."""
    lab.drs.put_launch_action(resourceId=server_id(1), **ACTION | changes)
    lab.drs.update_launch_configuration(sourceServerID=server_id(1), postLaunchEnabled=True)


def actions(lab, job_id):
    """The status of the actions of a job's first server."""
    return lab.job(job_id)["participatingServers"][0]["launchActionsStatus"]


def test_actions_run_in_their_order_after_the_launch(lab):
    """Once the agent is seen; the server is LAUNCHED and the job COMPLETED when the last one is over."""
    put(lab)
    put(lab, actionId=str(uuid.UUID(int=2)), order=5, name="First")
    job_id = lab.start(1)["jobID"]
    while "LAUNCH_END" not in lab.events(job_id):
        lab.wait(10)
    assert actions(lab, job_id) == {"runs": []}
    assert len(lab.drs.describe_recovery_instances()["items"]) == 1
    lab.wait(65)
    (run,) = actions(lab, job_id)["runs"]
    assert (run["action"]["name"], run["action"]["type"], run["status"]) == ("First", "SSM_COMMAND", "IN_PROGRESS")
    assert lab.statuses(job_id) == ["PENDING"]
    lab.wait(30)
    assert [run["status"] for run in actions(lab, job_id)["runs"]] == ["SUCCEEDED", "IN_PROGRESS"]
    lab.wait(40)
    assert [run["status"] for run in actions(lab, job_id)["runs"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert (lab.statuses(job_id), lab.job(job_id)["status"]) == (["LAUNCHED"], "COMPLETED")


@pytest.mark.parametrize(("optional", "status"), [(True, "LAUNCHED"), (False, "FAILED")])
def test_a_failed_action_fails_the_launch_unless_it_is_optional(open_lab, optional, status):
    """The instance is there, and listed, either way."""
    lab = open_lab(make_spec({"post_launch": {"fails": {"Check the web server": "Step 1 timed out"}}}))
    put(lab, optional=optional)
    job_id = lab.start(1)["jobID"]
    lab.wait(3600)
    (run,) = actions(lab, job_id)["runs"]
    assert (run["status"], run["failureReason"]) == ("FAILED", "Step 1 timed out")
    assert lab.statuses(job_id) == [status]
    assert len(lab.drs.describe_recovery_instances()["items"]) == 1


def test_actions_may_run_on_after_the_job(open_lab):
    """A switch: the server is LAUNCHED as soon as it is, and an action changes nothing of it."""
    lab = open_lab(
        make_spec({"post_launch": {"fails": {"AWS-RunShellScript": "no"}}}, behaviour={"actions_hold_job": False})
    )
    put(lab)
    job_id = lab.start(1)["jobID"]
    while "LAUNCH_END" not in lab.events(job_id):
        lab.wait(10)
    lab.wait(10)
    assert (lab.statuses(job_id), lab.job(job_id)["status"]) == (["LAUNCHED"], "COMPLETED")
    lab.wait(600)
    assert [run["status"] for run in actions(lab, job_id)["runs"]] == ["FAILED"]
    assert lab.statuses(job_id) == ["LAUNCHED"]


@pytest.mark.account
def test_inactive_actions_do_not_run(lab):
    """Nor any while postLaunchEnabled is off."""
    put(lab, active=False)
    job_id = lab.start(1)["jobID"]
    lab.settle()
    assert actions(lab, job_id) == {"runs": []}


@pytest.mark.account
def test_actions_are_listed_filtered_and_deleted(lab):
    """By their order; an order is taken once; an unknown one is not found."""
    put(lab)
    put(lab, actionId=str(uuid.UUID(int=2)), order=2, actionCode="AWS-CreateImage")
    listed = lab.drs.list_launch_actions(resourceId=server_id(1))["items"]
    assert [(one["order"], one["type"]) for one in listed] == [(2, "SSM_AUTOMATION"), (1001, "SSM_COMMAND")]
    chosen = {"actionIds": [ACTION["actionId"]]}
    assert lab.drs.list_launch_actions(resourceId=server_id(1), filters=chosen)["items"] == listed[1:]
    taken = ACTION | {"actionId": str(uuid.UUID(int=3))}
    assert "ConflictException" == refused(lab.drs.put_launch_action, resourceId=server_id(1), **taken)
    delete = lab.drs.delete_launch_action
    delete(resourceId=server_id(1), actionId=ACTION["actionId"])
    assert "ResourceNotFoundException" == refused(delete, resourceId=server_id(1), actionId=ACTION["actionId"])
    assert len(lab.drs.list_launch_actions(resourceId=server_id(1))["items"]) == 1


def test_actions_have_a_quota(open_lab):
    """402, with its code."""
    lab = open_lab(make_spec(count=1, behaviour={"launch_actions_quota": 1}))
    put(lab)
    more = ACTION | {"actionId": str(uuid.UUID(int=2)), "order": 7}
    assert "ServiceQuotaExceededException" == refused(lab.drs.put_launch_action, resourceId=server_id(1), **more)


def test_a_windows_licence_of_ones_own_wants_a_dedicated_host(open_lab):
    """StartRecovery refuses it until the server's launch template names one."""
    lab = open_lab(make_spec({"os": "windows"}, {}, {"os": "windows", "launch": {"os_byol": True}}))
    for number in (1, 2):
        lab.drs.update_launch_configuration(sourceServerID=server_id(number), licensing={"osByol": True})
    with pytest.raises(ClientError, match="names no dedicated host"):
        lab.start(1)
    lab.start(2, 3)  # no Windows; and one that the world file vouches for
    template = lab.drs.get_launch_configuration(sourceServerID=server_id(1))["ec2LaunchTemplateID"]
    host = {"SourceVersion": "1", "LaunchTemplateData": {"Placement": {"Tenancy": "host"}}}
    lab.ec2.create_launch_template_version(LaunchTemplateId=template, **host)
    lab.ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
    assert "PENDING" == lab.start(1)["status"]
