"""The seam to moto."""

import sys

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from drskit.clock import VirtualClock
from drskit.sim import simulated
from drskit.sim.backend.registration import register
from drskit.sim.operations import OPERATIONS
from tests.sim.lab import ONCE, Lab, make_spec, server_id

pytestmark = pytest.mark.simulated("it is about how the simulator stands in for DRS in moto")

MODEL = boto3.client("drs", region_name="us-west-2").meta.service_model


def test_every_operation_of_the_model_is_in_the_catalogue():
    """All of botocore's, with the HTTP status that it says, and none besides."""
    assert set(MODEL.operation_names) == set(OPERATIONS)
    told = {name: MODEL.operation_model(name).http["responseCode"] for name in MODEL.operation_names}
    assert told == {name: operation.status for name, operation in OPERATIONS.items()}


def test_an_operation_that_is_not_simulated_says_so(lab):
    """What botocore's model lacks, as the agents' own calls: an AWS error that names it, never a 404 or a crash."""
    lab.drs.meta.events.register(
        "before-sign.drs.DescribeJobs",
        lambda request, **_: setattr(request, "url", request.url.replace("DescribeJobs", "SendAgentLogsForDrs")),
    )
    with pytest.raises(ClientError) as caught:
        lab.drs.describe_jobs()
    error = caught.value.response
    assert error["Error"]["Code"] == "ValidationException"
    assert "does not simulate SendAgentLogsForDrs" in error["Error"]["Message"]
    assert error["reason"] == "unknownOperation"


def test_registering_twice_is_registering_once():
    """One pattern, one module."""
    from moto import backend_index

    register()
    register()
    assert [service for service, _ in backend_index.backend_url_patterns].count("drs") == 1
    assert "moto.drs" in sys.modules


def test_moto_itself_has_an_answer_where_no_world_is_open():
    """It hands a request to DRS to the address that was registered."""
    register()
    with mock_aws():
        assert [] == boto3.client("drs", region_name="eu-west-3").describe_jobs()["items"]


def test_importing_the_rules_does_not_import_moto():
    """Only opening a world loads it."""
    import subprocess

    code = "import sys, drskit.sim, drskit.sim.world, drskit.sim.capture; sys.exit('moto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_reply_of_every_service_carries_the_worlds_time(lab):
    """Date is the world's, DynamoDB's included, and the reply says that it is simulated."""
    lab.wait(61)
    replies = [
        lab.drs.describe_jobs(),
        lab.client("dynamodb").list_tables(),
        lab.client("sts").get_caller_identity(),
        lab.ec2.describe_instances(),
    ]
    headers = [reply["ResponseMetadata"]["HTTPHeaders"] for reply in replies]
    assert {"Mon, 02 Mar 2026 09:01:01 GMT"} == {header["date"] for header in headers}
    assert {"0.1.0"} == {header["x-drskit-simulated"] for header in headers}


def test_an_error_carries_them_too(lab):
    """So that a refusal can be dated."""
    with pytest.raises(ClientError) as caught:
        lab.start(9)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["date"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    assert headers["x-amzn-errortype"] == "ResourceNotFoundException"


def test_the_account_is_the_worlds(open_lab):
    """Whatever the key, all services see the account of the world."""
    lab = open_lab(make_spec(count=1, account="000000000000"))
    assert lab.client("sts").get_caller_identity()["Account"] == "000000000000"
    assert ":000000000000:" in lab.drs.describe_source_servers()["items"][0]["arn"]


def test_two_worlds_of_one_process_share_nothing():
    """Each has its own servers, jobs, instances and tables."""
    table = {
        "TableName": "mine",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    }
    outer, inner = make_spec(count=1), make_spec(count=2, seed=2)
    clock = VirtualClock(outer.start_time)
    with simulated(outer, clock) as gateway:
        lab = Lab(gateway, clock)
        lab.client("dynamodb").create_table(**table)
        lab.start(1)
        with simulated(inner, VirtualClock(inner.start_time)):
            drs = boto3.client("drs", region_name="us-west-2", config=ONCE)
            assert len(drs.describe_source_servers()["items"]) == 2
            assert drs.describe_jobs()["items"] == []
            assert boto3.client("dynamodb", region_name="us-west-2").list_tables()["TableNames"] == []
        assert lab.client("dynamodb").list_tables()["TableNames"] == ["mine"]
        assert len(lab.drs.describe_jobs()["items"]) == 1


def test_conditional_writes_are_atomic_across_threads(lab):
    """Of eight threads that create the same item, one wins, every time."""
    from concurrent.futures import ThreadPoolExecutor

    dynamodb = lab.client("dynamodb")
    dynamodb.create_table(
        TableName="locks",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )

    def create(key):
        try:
            dynamodb.put_item(
                TableName="locks", Item={"k": {"S": str(key)}}, ConditionExpression="attribute_not_exists(k)"
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        for key in range(20):
            assert sum(pool.map(create, [key] * 8)) == 1


def test_what_moto_lacks_is_an_answer_not_a_crash(lab):
    """An operation that no backend has is 501 with words."""
    with pytest.raises(ClientError, match="does not simulate") as caught:
        lab.ec2.describe_fast_snapshot_restores()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_server_of_another_test_is_unknown(lab):
    """Worlds start afresh."""
    with pytest.raises(lab.drs.exceptions.ResourceNotFoundException):
        lab.drs.get_launch_configuration(sourceServerID=server_id(77))
