"""What holds of any account, simulated or real; nothing here changes anything.

With DRSKIT_LIVE_PROFILE the same tests ask a real account, by that profile of the AWS configuration and in its Region.
What fails there is something that the simulator has wrong; see docs/simulator-operations.md.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drskit.clock import VirtualClock
from drskit.sim import simulated
from tests.sim.lab import Lab, make_spec
from tests.sim.loan import READS, loan
from tests.sim.test_plans import QUICK, make_plan, run, servers

pytestmark = pytest.mark.account

NOBODY = "s-00000000000000000"
WORLD = make_spec(
    *[QUICK | {"name": f"server-{number}"} for number in range(1, 5)],
    {"replication": {"state": "STALLED", "error": "AGENT_NOT_SEEN", "lag": 4000}},
    {"extended": {"account": "111111111111"}},
    networks=[{"vpc": "vpc-0123456789abcdef0"}],
    staging=[{"id": "s-5000000000000005b", "account": "111111111111"}],
)


@pytest.fixture(scope="module")
def drs() -> Iterator[Any]:
    """DRS of an account: a real one if asked for, else a simulated one in which something has happened."""
    if lent := loan():
        client = lent.client("drs")
        client.meta.events.register("before-call.drs", only_reads)
        yield client
        return
    clock = VirtualClock(WORLD.start_time)
    with simulated(WORLD, clock) as gateway:
        lab = Lab(gateway, clock)
        for numbers in ((1, 2), (3,), (1,)):
            lab.start(*numbers, tags={"Owner": "me"})
            lab.wait(1000)
        run(lab, make_plan(lab, servers(4)))
        lab.wait(60)
        lab.drs.meta.events.register("before-call.drs", only_reads)
        yield lab.drs


def only_reads(model: Any, **_: Any) -> None:
    """These tests are safe in any account because nothing else passes here."""
    assert model.name.startswith(READS), f"{model.name} may change something"


def everything(drs: Any, operation: str, key: str = "items", **request: Any) -> list[Any]:
    """All pages of a list."""
    pages = drs.get_paginator(operation).paginate(**request)
    return [one for page in pages for one in page[key]]


def refused(call: Any, **request: Any) -> dict[str, Any]:
    """The error of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return dict(caught.value.response["Error"])


def test_only_reading_calls_pass(drs):
    """Were one of these tests to change something, it would not get out of this process."""
    with pytest.raises(AssertionError, match="may change something"):
        drs.delete_job(jobID="drsjob-50000000000000000")


def test_servers_are_found_page_by_page_and_by_their_ids(drs):
    """No server is shown twice, whatever the pages."""
    found = everything(drs, "describe_source_servers")
    ids = [server["sourceServerID"] for server in found]
    assert len(ids) == len(set(ids))
    small = everything(drs, "describe_source_servers", PaginationConfig={"PageSize": 2, "MaxItems": 10})
    assert {server["sourceServerID"] for server in small} <= set(ids)
    for server in found[:3]:
        (one,) = everything(drs, "describe_source_servers", filters={"sourceServerIDs": [server["sourceServerID"]]})
        assert one["arn"] == server["arn"]
        assert one["arn"].endswith(f":source-server/{one['sourceServerID']}")
        assert "state" not in one["lifeCycle"]


def test_jobs_come_newest_first(drs):
    """And by their ids; an unknown one is no error."""
    jobs = everything(drs, "describe_jobs")
    times = [job["creationDateTime"] for job in jobs]
    assert times == sorted(times, reverse=True)
    for job in jobs[:3]:
        assert [job["jobID"]] == [
            one["jobID"] for one in everything(drs, "describe_jobs", filters={"jobIDs": [job["jobID"]]})
        ]
        assert ("endDateTime" in job) == (job["status"] == "COMPLETED")
    assert [] == everything(drs, "describe_jobs", filters={"jobIDs": ["drsjob-00000000000000000"]})


def test_logs_are_told_oldest_first(drs):
    """From JOB_START on; each line of a server names it."""
    for job in everything(drs, "describe_jobs")[:3]:
        log = everything(drs, "describe_job_log_items", jobID=job["jobID"])
        times = [line["logDateTime"] for line in log]
        assert times == sorted(times)
        assert log[0]["event"] == "JOB_START"
        own = {server["sourceServerID"] for server in job["participatingServers"]}
        assert {line["eventData"]["sourceServerID"] for line in log if "sourceServerID" in line["eventData"]} <= own


def test_instances_are_ec2s_and_point_to_their_servers(drs):
    """The same id in DRS and EC2; the server names the latest one."""
    instances = everything(drs, "describe_recovery_instances")
    by_server = {one["sourceServerID"] for one in instances}
    for one in instances[:5]:
        assert one["recoveryInstanceID"] == one["ec2InstanceID"]
        filters = {"sourceServerIDs": [one["sourceServerID"]]}
        assert one["recoveryInstanceID"] in {
            found["recoveryInstanceID"] for found in everything(drs, "describe_recovery_instances", filters=filters)
        }
    for server in everything(drs, "describe_source_servers"):
        if "recoveryInstanceId" in server:
            assert server["sourceServerID"] in by_server


def test_points_in_time_come_in_both_orders(drs):
    """Newest first is oldest first, read backwards."""
    for server in everything(drs, "describe_source_servers")[:2]:
        request = {"sourceServerID": server["sourceServerID"]}
        newest = everything(drs, "describe_recovery_snapshots", order="DESC", **request)
        oldest = everything(drs, "describe_recovery_snapshots", order="ASC", **request)
        shared = {one["snapshotID"] for one in newest} & {one["snapshotID"] for one in oldest}
        assert [one["snapshotID"] for one in newest if one["snapshotID"] in shared] == [
            one["snapshotID"] for one in reversed(oldest) if one["snapshotID"] in shared
        ]


def test_settings_and_tags_are_told_of_each_server(drs):
    """Its launch configuration, its replication configuration, its actions and its tags."""
    for server in everything(drs, "describe_source_servers")[:3]:
        name = server["sourceServerID"]
        assert drs.get_launch_configuration(sourceServerID=name)["sourceServerID"] == name
        assert drs.get_replication_configuration(sourceServerID=name)["sourceServerID"] == name
        assert drs.list_tags_for_resource(resourceArn=server["arn"])["tags"] == server["tags"]
        drs.list_launch_actions(resourceId=name)


@pytest.mark.parametrize(
    ("operation", "key"),
    [
        ("describe_launch_configuration_templates", "items"),
        ("describe_replication_configuration_templates", "items"),
        ("describe_source_networks", "items"),
        ("list_staging_accounts", "accounts"),
        ("list_recovery_plans", "recoveryPlans"),
        ("list_recovery_plan_executions", "recoveryPlanExecutions"),
    ],
)
def test_every_list_can_be_read(drs, operation, key):
    """To its end, in pages."""
    everything(drs, operation, key=key)


def test_plans_are_told_with_their_steps(drs):
    """Each plan and each execution, down to its steps."""
    for plan in everything(drs, "list_recovery_plans", key="recoveryPlans")[:3]:
        plan_arn = plan["recoveryPlanArn"]
        assert drs.get_recovery_plan(recoveryPlanArn=plan_arn)["recoveryPlan"]["name"] == plan["name"]
        steps = everything(drs, "list_recovery_plan_steps", key="recoveryPlanSteps", recoveryPlanArn=plan_arn)
        assert [step["stepOrder"] for step in steps] == list(range(1, len(steps) + 1))
    for execution in everything(drs, "list_recovery_plan_executions", key="recoveryPlanExecutions")[:3]:
        execution_arn = execution["recoveryPlanExecutionArn"]
        key, request = "recoveryPlanExecutionSteps", {"recoveryPlanExecutionArn": execution_arn}
        assert everything(drs, "list_recovery_plan_execution_steps", key=key, **request)


def first(drs: Any, operation: str, key: str = "items", **request: Any) -> dict[str, Any]:
    """The first of a list; empty where there is none."""
    return dict(next(iter(everything(drs, operation, key=key, **request)), {}))


def test_every_reading_operation_has_an_answer(drs):
    """All that the model has, each about something that the account has; an account may lack some of it."""
    server, job = first(drs, "describe_source_servers"), first(drs, "describe_jobs")
    instance = first(drs, "describe_recovery_instances")
    staging = first(drs, "list_staging_accounts", key="accounts")
    plan = first(drs, "list_recovery_plans", key="recoveryPlans")
    own = {"recoveryPlanArn": plan.get("recoveryPlanArn")}
    step = first(drs, "list_recovery_plan_steps", key="recoveryPlanSteps", **own) if plan else {}
    run = first(drs, "list_recovery_plan_executions", key="recoveryPlanExecutions")
    of_run = {"recoveryPlanExecutionArn": run.get("recoveryPlanExecutionArn")}
    key = "recoveryPlanExecutionSteps"
    run_step = first(drs, "list_recovery_plan_execution_steps", key=key, **of_run) if run else {}
    about: dict[str, dict[str, Any]] = {
        "DescribeJobLogItems": {"jobID": job.get("jobID")},
        "DescribeRecoverySnapshots": {"sourceServerID": server.get("sourceServerID")},
        "GetFailbackReplicationConfiguration": {"recoveryInstanceID": instance.get("recoveryInstanceID")},
        "GetLaunchConfiguration": {"sourceServerID": server.get("sourceServerID")},
        "GetReplicationConfiguration": {"sourceServerID": server.get("sourceServerID")},
        "GetRecoveryPlan": own,
        "GetRecoveryPlanStep": {"recoveryPlanStepArn": step.get("recoveryPlanStepArn")},
        "GetRecoveryPlanExecution": of_run,
        "GetRecoveryPlanExecutionStep": {"recoveryPlanExecutionStepArn": run_step.get("recoveryPlanExecutionStepArn")},
        "ListExtensibleSourceServers": {"stagingAccountID": staging.get("accountID")},
        "ListLaunchActions": {"resourceId": server.get("sourceServerID")},
        "ListRecoveryPlanExecutionSteps": of_run,
        "ListRecoveryPlanSteps": own,
        "ListTagsForResource": {"resourceArn": server.get("arn")},
    }
    asked = set()
    for name in (one for one in drs.meta.service_model.operation_names if one.startswith(READS)):
        request = about.get(name, {})
        if None not in request.values():
            getattr(drs, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())(**request)
            asked.add(name)
    lacking = {name for name, request in about.items() if None in request.values()}
    assert asked | lacking == {one for one in drs.meta.service_model.operation_names if one.startswith(READS)}
    assert not lacking or loan()


def test_refusals_are_as_they_are_known(drs):
    """The text of an unknown job was captured; the codes of the others are what we think."""
    job_id = "drsjob-00000000000000000"
    error = refused(drs.describe_job_log_items, jobID=job_id)
    assert (error["Code"], error["Message"]) == ("ResourceNotFoundException", f"Job with Id: '{job_id}' was not found")
    assert "ResourceNotFoundException" == refused(drs.get_launch_configuration, sourceServerID=NOBODY)["Code"]
    assert "ValidationException" == refused(drs.get_launch_configuration, sourceServerID="x" * 40)["Code"]
    assert "ValidationException" == refused(drs.describe_jobs, nextToken="nonsense")["Code"]
