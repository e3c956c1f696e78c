"""The AWS CLI against a served world: every operation of DRS, in one tour."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.loaders import Loader

from drskit.clock import VirtualClock
from drskit.sim import serve
from tests.sim.lab import make_spec, server_id
from tests.sim.test_plans import QUICK, arn
from tests.sim.test_settings import ACTION, RCT

pytestmark = pytest.mark.simulated("the tour changes the whole account, and loses its servers")

MODEL = boto3.client("drs", region_name="us-west-2").meta.service_model
ROOT = Path(__file__).parents[2]
STAGED = f"arn:aws:drs:us-west-2:111111111111:source-server/{server_id(91)}"
A, B, C, D, E = (server_id(number) for number in range(1, 6))
WORLD = make_spec(
    QUICK | {"fails": ["conversion-failed", None]},
    QUICK | {"origin_region": "us-east-1"},
    QUICK | {"failback": {"client_after": 1, "sync": 1}},
    QUICK,
    QUICK,
    staging=[{"id": server_id(91), "account": "111111111111", "hostname": "db"}],
    networks=[{"vpc": "vpc-0123456789abcdef0"}],
    behaviour={"initiation": 1, "initial_sync": 1, "first_snapshot": 1, "initialized": False},
)


def drs(operation, keep=None, **request):
    """A step: the command of an operation, its request as JSON."""
    words = ["drs", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", operation).lower()]
    return {"run": [*words, "--cli-input-json", json.dumps(request)] if request else words, "keep": keep or {}}


def servers(*numbers):
    """A step's configuration."""
    return {"serverStepConfiguration": {"servers": [{"serverArn": arn(number)} for number in numbers]}}


EXECUTION = {"execution": ["recoveryPlanExecution", "recoveryPlanExecutionArn"]}
PLANS = [
    drs("CreateRecoveryPlan", {"plan": ["recoveryPlan", "recoveryPlanArn"]}, name="shop"),
    drs(
        "CreateRecoveryPlanStep",
        {"one": ["recoveryPlanStep", "recoveryPlanStepArn"]},
        recoveryPlanArn="{plan}",
        stepName="one",
        configuration=servers(1),
    ),
    drs(
        "CreateRecoveryPlanStep",
        {"two": ["recoveryPlanStep", "recoveryPlanStepArn"]},
        recoveryPlanArn="{plan}",
        stepName="two",
        configuration=servers(4),
    ),
    drs("UpdateRecoveryPlanStep", recoveryPlanStepArn="{two}", stepName="second"),
    drs("GetRecoveryPlanStep", recoveryPlanStepArn="{two}"),
    drs("ListRecoveryPlanSteps", recoveryPlanArn="{plan}"),
    drs("ReorderRecoveryPlanSteps", recoveryPlanArn="{plan}", orderedStepArns=["{one}", "{two}"]),
    drs("UpdateRecoveryPlan", recoveryPlanArn="{plan}", description="the shop"),
    drs("GetRecoveryPlan", recoveryPlanArn="{plan}"),
    drs("ListRecoveryPlans"),
    drs("StartRecoveryPlanExecution", EXECUTION, recoveryPlanArn="{plan}", mode="DRILL"),
    {"sleep": 1000},
    drs("GetRecoveryPlanExecution", recoveryPlanExecutionArn="{execution}"),
    drs(
        "ListRecoveryPlanExecutionSteps",
        {
            "first": ["recoveryPlanExecutionSteps", 0, "recoveryPlanExecutionStepArn"],
            "last": ["recoveryPlanExecutionSteps", 1, "recoveryPlanExecutionStepArn"],
        },
        recoveryPlanExecutionArn="{execution}",
    ),
    drs("GetRecoveryPlanExecutionStep", recoveryPlanExecutionStepArn="{first}"),
    drs("RetryRecoveryPlanExecutionStep", recoveryPlanExecutionStepArn="{first}"),
    drs("UpdateRecoveryPlanExecutionStep", recoveryPlanExecutionStepArn="{last}", status="SKIPPED"),
    drs("CancelRecoveryPlanExecution", recoveryPlanExecutionArn="{execution}"),
    {"sleep": 1000},
    drs("ListRecoveryPlanExecutions", recoveryPlanArn="{plan}", status="CANCELLED"),
    drs("DeleteRecoveryPlanExecution", recoveryPlanExecutionArn="{execution}"),
    drs("DeleteRecoveryPlanStep", recoveryPlanStepArn="{two}"),
    drs("DeleteRecoveryPlan", recoveryPlanArn="{plan}"),
]
LAUNCHES = [
    drs("InitializeService"),
    drs(
        "StartRecovery",
        {"job": ["job", "jobID"], "job_arn": ["job", "arn"]},
        sourceServers=[{"sourceServerID": name} for name in (B, C, D)],
        isDrill=True,
    ),
    {"sleep": 1000},
    drs("DescribeJobs", filters={"jobIDs": ["{job}"]}),
    drs("DescribeJobLogItems", jobID="{job}"),
    drs("TagResource", resourceArn="{job_arn}", tags={"Owner": "me", "Wave": "1"}),
    drs("UntagResource", resourceArn="{job_arn}", tagKeys=["Wave"]),
    drs("ListTagsForResource", resourceArn="{job_arn}"),
    *[
        drs(
            "DescribeRecoveryInstances",
            {name: ["items", 0, "recoveryInstanceID"]},
            filters={"sourceServerIDs": [server]},
        )
        for name, server in (("b", B), ("c", C), ("d", D))
    ],
    drs("ReverseReplication", recoveryInstanceID="{b}"),
    drs("GetFailbackReplicationConfiguration", recoveryInstanceID="{c}"),
    drs("UpdateFailbackReplicationConfiguration", recoveryInstanceID="{c}", usePrivateIP=True),
    drs("StartFailbackLaunch", recoveryInstanceIDs=["{c}"]),
    {"sleep": 1000},
    drs("StopFailback", recoveryInstanceID="{c}"),
    drs("TerminateRecoveryInstances", recoveryInstanceIDs=["{c}"]),
    drs("DisconnectRecoveryInstance", recoveryInstanceID="{d}"),
    drs("DeleteRecoveryInstance", recoveryInstanceID="{d}"),
    drs("DeleteJob", jobID="{job}"),
]
SERVERS = [
    drs("DescribeSourceServers"),
    drs("DescribeRecoverySnapshots", sourceServerID=E),
    drs("StopReplication", sourceServerID=E),
    drs("StartReplication", sourceServerID=E),
    {"sleep": 100},
    drs("DisconnectSourceServer", sourceServerID=E),
    drs("RetryDataReplication", sourceServerID=E),
    drs("DisconnectSourceServer", sourceServerID=E),
    drs("DeleteSourceServer", sourceServerID=E),
    drs("ListExtensibleSourceServers", stagingAccountID="111111111111"),
    drs("CreateExtendedSourceServer", sourceServerArn=STAGED),
    drs("ListStagingAccounts"),
]
LCT = {"lct": ["launchConfigurationTemplate", "launchConfigurationTemplateID"]}
SETTINGS = [
    drs("GetLaunchConfiguration", sourceServerID=A),
    drs("UpdateLaunchConfiguration", sourceServerID=A, copyTags=True),
    drs("CreateLaunchConfigurationTemplate", LCT, exportBucketArn="arn:aws:s3:::dr-templates"),
    drs("UpdateLaunchConfigurationTemplate", launchConfigurationTemplateID="{lct}", copyTags=True),
    drs("DescribeLaunchConfigurationTemplates"),
    drs("PutLaunchAction", resourceId=A, **ACTION),
    drs("ListLaunchActions", resourceId=A),
    drs("DeleteLaunchAction", resourceId=A, actionId=ACTION["actionId"]),
    drs("GetReplicationConfiguration", sourceServerID=A),
    drs("UpdateReplicationConfiguration", sourceServerID=A, createPublicIP=True),
    drs("CreateReplicationConfigurationTemplate", {"rct": ["replicationConfigurationTemplateID"]}, **RCT),
    drs("UpdateReplicationConfigurationTemplate", replicationConfigurationTemplateID="{rct}", createPublicIP=True),
    drs("DescribeReplicationConfigurationTemplates"),
    drs("DeleteReplicationConfigurationTemplate", replicationConfigurationTemplateID="{rct}"),
]
NEW = {"vpcID": "vpc-0123456789abcdef1", "originAccountID": "123456789012", "originRegion": "us-east-1"}
NETWORKS = [
    drs("DescribeSourceNetworks", {"net": ["items", 0, "sourceNetworkID"]}),
    drs("CreateSourceNetwork", {"new": ["sourceNetworkID"]}, **NEW),
    drs("StartSourceNetworkReplication", sourceNetworkID="{new}"),
    drs("StopSourceNetworkReplication", sourceNetworkID="{new}"),
    drs("DeleteSourceNetwork", sourceNetworkID="{new}"),
    drs("StartSourceNetworkRecovery", sourceNetworks=[{"sourceNetworkID": "{net}"}]),
    {"sleep": 1000},
    drs("AssociateSourceNetworkStack", sourceNetworkID="{net}", cfnStackName="mine"),
    drs("ExportSourceNetworkCfnTemplate", sourceNetworkID="{net}"),
    drs("DeleteLaunchConfigurationTemplate", launchConfigurationTemplateID="{lct}"),
]
STEPS = [*LAUNCHES, *SERVERS, *SETTINGS, *NETWORKS, *PLANS]
COMMANDS = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower(): name for name in MODEL.operation_names}


@pytest.fixture(scope="module")
def tour():
    """The result of each command of the tour; the CLI goes by the model of DRS that boto3 has."""
    with serve(WORLD, VirtualClock(WORLD.start_time)) as served:
        steps = [step | {"clock": served.clock_url} if "sleep" in step else step for step in STEPS]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DRSKIT_"))}
        done = subprocess.run(
            [sys.executable, "-m", "tests.sim.cli"],
            input=json.dumps(steps),
            env=environment | served.environment() | {"AWS_DATA_PATH": Loader.BUILTIN_DATA_PATH},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    return {result["words"][1]: result for result in json.loads(done.stdout)}


def test_the_tour_has_every_operation():
    """All that the model of DRS has."""
    assert set(COMMANDS) == {step["run"][1] for step in STEPS if "run" in step}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_aws_cli_has_an_answer_to_each_command(tour, command):
    """Exit code 0, and an answer with every member that must be there."""
    result = tour[command]
    assert result["code"] == 0, result["err"]
    shape = MODEL.operation_model(COMMANDS[command]).output_shape
    required = shape.required_members if shape else []
    assert set(required) <= set(result["out"] or {})
