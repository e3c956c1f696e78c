"""Run Command of Systems Manager: commands take their time and end as the world says, through boto3 and over HTTP."""

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from drskit.clock import VirtualClock
from drskit.sim import serve
from drskit.sim.spec import Fault, FaultKind
from tests.sim.lab import ONCE, make_spec, server_id

pytestmark = pytest.mark.simulated("no document is run here: how commands end is told by the world")

COUNT = {"contains": "count rows", "takes": 40, "stdout": "rows 1042\n"}
LATER = [
    {"contains": "health", "before": 600, "exit_code": 7, "stderr": "refused"},
    {"contains": "health", "stdout": "fine"},
]
ANSWERS = {"commands": [COUNT, *LATER, {"document": "Sleepy", "takes": 90}, {"document": "Deaf", "undelivered": True}]}


def send(ssm, instance, text="true", document="AWS-RunShellScript", **more):
    """Send a command to an instance; its id."""
    parameters = {"commands": [text]} | more.pop("parameters", {})
    sent = ssm.send_command(InstanceIds=[instance], DocumentName=document, Parameters=parameters, **more)
    return sent["Command"]["CommandId"]


def launched(lab):
    """The instances of all servers, whose agents are seen."""
    lab.start(*range(1, len(lab.gateway.spec.servers) + 1))
    lab.wait(1500)
    return [one["recoveryInstanceID"] for one in lab.drs.describe_recovery_instances()["items"]]


def shown(ssm, command, instance):
    """Status, exit code and what was printed."""
    found = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
    return found["Status"], found["ResponseCode"], found["StandardOutputContent"]


@pytest.fixture
def one(open_lab):
    """A world of one launched server, a client, and its instance."""
    lab = open_lab(make_spec({"answers": ANSWERS, "post_launch": {"agent_after": 60}}))
    (instance,) = launched(lab)
    return lab, lab.client("ssm"), instance


def test_a_command_takes_its_time_and_ends_as_the_world_says(one):
    """Pending, InProgress, and Success with what it printed."""
    lab, ssm, instance = one
    command = send(ssm, instance, "count rows of orders", Comment="drskit:01 orders")
    assert shown(ssm, command, instance) == ("Pending", -1, "")
    lab.wait(5)
    assert shown(ssm, command, instance) == ("InProgress", -1, "")
    lab.wait(40)
    assert shown(ssm, command, instance) == ("Success", 0, "rows 1042\n")
    (listed,) = ssm.list_commands(CommandId=command)["Commands"]
    assert (listed["Comment"], listed["Status"], listed["CompletedCount"]) == ("drskit:01 orders", "Success", 1)
    (part,) = ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    assert (part["CommandPlugins"][0]["ResponseCode"], part["CommandPlugins"][0]["Output"]) == (0, "rows 1042\n")


def test_what_nobody_wrote_an_answer_for_succeeds(one):
    """As on a healthy server."""
    lab, ssm, instance = one
    command = send(ssm, instance)
    lab.wait(10)
    assert shown(ssm, command, instance) == ("Success", 0, "")


def test_an_answer_holds_for_a_part_of_an_instances_life(open_lab):
    """From some time after the launch the same command ends otherwise; the world's answers serve every server."""
    unwell = [LATER[0] | {"before": 6000}, LATER[1]]
    lab = open_lab(make_spec({}, {}, answers={"commands": unwell}))
    instances, ssm = launched(lab), lab.client("ssm")
    for expected in (("Failed", 7, ""), ("Success", 0, "fine")):
        sent = [send(ssm, instance, "health") for instance in instances]
        lab.wait(6000)
        assert [shown(ssm, *pair) for pair in zip(sent, instances, strict=True)] == [expected] * 2


@pytest.mark.parametrize(
    ("document", "parameters", "details", "after"),
    [("Sleepy", {"executionTimeout": ["60"]}, "ExecutionTimedOut", 61), ("Deaf", {}, "DeliveryTimedOut", 30)],
)
def test_a_command_may_time_out(one, document, parameters, details, after):
    """Because it runs too long, or because no agent takes it."""
    lab, ssm, instance = one
    command = send(ssm, instance, document=document, parameters=parameters, TimeoutSeconds=30)
    lab.wait(after - 1)
    assert shown(ssm, command, instance)[0] in {"Pending", "InProgress"}
    lab.wait(1)
    found = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("TimedOut", details, -1)


def test_a_command_can_be_cancelled_while_it_runs(one):
    """Afterwards nothing comes of a cancellation."""
    lab, ssm, instance = one
    command = send(ssm, instance, "count rows")
    lab.wait(5)
    ssm.cancel_command(CommandId=command)
    assert shown(ssm, command, instance)[0] == "Cancelled"
    done = send(ssm, instance)
    lab.wait(10)
    ssm.cancel_command(CommandId=done)
    assert shown(ssm, done, instance)[0] == "Success"
    with pytest.raises(ssm.exceptions.InvalidCommandId):
        ssm.cancel_command(CommandId="0" * 36)


def test_an_agent_is_seen_some_time_after_the_launch(open_lab):
    """Until then its instance takes no command; where there is none, it never does."""
    lab = open_lab(make_spec({"post_launch": {"agent_after": 3600}}, {"answers": {"agent": False}}))
    instances = launched(lab)
    ssm = lab.client("ssm")
    assert ssm.describe_instance_information()["InstanceInformationList"] == []
    with pytest.raises(ssm.exceptions.InvalidInstanceId):
        send(ssm, instances[0])
    lab.wait(3600)
    (seen,) = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": instances}])[
        "InstanceInformationList"
    ]
    assert (seen["InstanceId"], seen["PingStatus"], seen["PlatformType"]) == (instances[0], "Online", "Linux")
    send(ssm, instances[0])
    lab.ec2.stop_instances(InstanceIds=[instances[0]])
    with pytest.raises(ssm.exceptions.InvalidInstanceId):
        send(ssm, instances[0])


def test_an_instance_of_somebody_elses_takes_commands_too(lab):
    """One that runs in EC2, and that DRS knows nothing of."""
    (made,) = lab.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"]
    ssm = lab.client("ssm")
    command = send(ssm, made["InstanceId"])
    lab.wait(10)
    assert shown(ssm, command, made["InstanceId"])[0] == "Success"
    abroad = lab.client("ssm", "eu-west-1")
    with pytest.raises(abroad.exceptions.InvalidInstanceId):
        send(abroad, made["InstanceId"])


def test_commands_are_listed_by_pages_and_filters(one):
    """Newest first."""
    lab, ssm, instance = one
    sent = []
    for _ in range(3):
        sent.insert(0, send(ssm, instance))
        lab.wait(60)
    first = ssm.list_commands(MaxResults=2)
    rest = ssm.list_commands(MaxResults=2, NextToken=first["NextToken"])
    assert [one["CommandId"] for one in first["Commands"] + rest["Commands"]] == sent
    assert "NextToken" not in rest
    after = f"{lab.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    assert ssm.list_commands(Filters=[{"key": "InvokedAfter", "value": after}])["Commands"] == []
    assert len(ssm.list_commands(Filters=[{"key": "InvokedBefore", "value": after}])["Commands"]) == 3
    assert len(ssm.list_commands(Filters=[{"key": "Status", "value": "Success"}])["Commands"]) == 3
    assert ssm.list_commands(InstanceId="i-" + "0" * 17)["Commands"] == []
    for arguments in ({"Filters": [{"key": "ExecutionStage", "value": "Complete"}]}, {"NextToken": "no"}):
        with pytest.raises(ClientError):
            ssm.list_commands(**arguments)


def test_a_command_may_be_shown_late(open_lab):
    """Until then GetCommandInvocation has an error for it, and no list has it."""
    lab = open_lab(make_spec({}, behaviour={"command_delay": 20}))
    (instance,) = launched(lab)
    ssm = lab.client("ssm")
    command = send(ssm, instance)
    assert ssm.list_commands()["Commands"] == []
    with pytest.raises(ssm.exceptions.InvocationDoesNotExist):
        shown(ssm, command, instance)
    lab.wait(20)
    assert shown(ssm, command, instance)[0] == "Success"


def test_a_request_may_be_under_way_for_long(one):
    """It arrives all the same, as long as its signature is good."""
    lab, ssm, instance = one
    lab.gateway.add_faults([Fault(service="ssm", operation="SendCommand", kind=FaultKind.LATE, seconds=30)])
    with pytest.raises(ReadTimeoutError):
        send(ssm, instance)
    assert ssm.list_commands()["Commands"] == []
    lab.wait(30)
    assert len(ssm.list_commands()["Commands"]) == 1


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.ERROR_500_AFTER])
def test_faults_strike_commands_as_any_other_call(one, kind):
    """A throttle sends nothing; an error after the effect leaves a command behind."""
    lab, ssm, instance = one
    lab.gateway.add_faults([Fault(service="ssm", operation="SendCommand", kind=kind)])
    with pytest.raises(ClientError):
        send(ssm, instance)
    assert len(ssm.list_commands()["Commands"]) == (kind is FaultKind.ERROR_500_AFTER)


def test_commands_are_there_over_http_too():
    """The same endpoint serves them, to any client."""
    spec = make_spec({"answers": ANSWERS})
    with serve(spec, VirtualClock(spec.start_time)) as server:
        client = boto3.Session(aws_access_key_id="simulated", aws_secret_access_key="simulated").client
        drs, ssm = (client(name, "us-west-2", endpoint_url=server.url, config=ONCE) for name in ("drs", "ssm"))
        drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}], isDrill=True)
        server.gateway.pass_time(1500)
        (instance,) = drs.describe_recovery_instances()["items"]
        command = send(ssm, instance["recoveryInstanceID"], "count rows")
        server.gateway.pass_time(60)
        assert shown(ssm, command, instance["recoveryInstanceID"]) == ("Success", 0, "rows 1042\n")
        with pytest.raises(ssm.exceptions.DuplicateInstanceId):
            ssm.send_command(InstanceIds=[instance["recoveryInstanceID"]] * 2, DocumentName="AWS-RunShellScript")
