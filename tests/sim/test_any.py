"""Any sequence of calls keeps a world whole: of any operation, with requests made of the model, and of EC2.

After whatever was called, granted or refused, and however much time has passed:

- a server, and a source network, is in one job at most that is not COMPLETED;
- no more jobs and servers are in progress than the quotas say;
- a job that is COMPLETED stays so and keeps its end; a server of it that is LAUNCHED, FAILED or TERMINATED stays so;
- a job's log only grows, in the order of time, and ends with JOB_END if and only if the job is COMPLETED;
- every recovery instance is in EC2, in the state that DRS tells;
- its job launched its server, as a drill if and only if it is one;
- a source server points to an instance of its own that is listed, or to none;
- a plan has one execution at most that is not over, and an execution one step at most that runs;
- what was refused has changed nothing.
"""

import os
import random
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from drskit.clock import VirtualClock
from drskit.sim import simulated
from tests.sim.anything import MODEL, Anything, names_in
from tests.sim.lab import Lab, make_spec, server_id
from tests.sim.test_plans import QUICK, arn, wait

pytestmark = pytest.mark.simulated("calls by chance would change whatever an account has")

REFUSALS = {
    "ConflictException",
    "ValidationException",
    "ResourceNotFoundException",
    "ServiceQuotaExceededException",
    "AccessDeniedException",
}
COUNT = 6
FINAL = {"LAUNCHED", "FAILED", "TERMINATED"}
OVER = {"COMPLETED", "FAILED", "CANCELLED"}
DESCRIBED = ("jobs", "source_servers", "recovery_instances", "source_networks")
LISTED = {"list_recovery_plans": "recoveryPlans", "list_recovery_plan_executions": "recoveryPlanExecutions"}
NUMBERS = st.integers(1, COUNT)
SOME = st.lists(NUMBERS, min_size=1, max_size=3, unique=True)
WORLD = make_spec(
    QUICK,
    QUICK | {"fails": ["launch-denied", None]},
    QUICK | {"origin_region": "us-east-1"},
    QUICK | {"failback": {"client_after": 100, "sync": 100}},
    QUICK | {"fails": ["never-ends"]},
    {"instances": [{"id": "i-0123456789abcdef0", "launched": "2026-02-20T10:00:00Z", "protected": True}]},
    networks=[{"vpc": "vpc-0123456789abcdef0"}],
    staging=[{"id": "s-5000000000000005b", "account": "111111111111", "hostname": "db"}],
    behaviour={"jobs_quota": 3, "servers_in_jobs_quota": 5, "page_size": 7, "initiation": 60, "initial_sync": 60},
)


class AnyCalls(RuleBasedStateMachine):
    """Calls in any order, on one world."""

    @initialize()
    def open(self) -> None:
        clock = VirtualClock(WORLD.start_time)
        self.context = simulated(WORLD, clock)
        self.lab = Lab(self.context.__enter__(), clock)
        self.ended: dict[str, str] = {}
        self.finals: dict[tuple[str, str], str] = {}
        self.logs: dict[str, list[Any]] = {}
        self.jobs: dict[str, Any] = {}
        self.seen = self.everything()
        self.plan([1, 2], "a", pause=True)

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)

    def call(self, operation: str, **request: Any) -> Any:
        """Call it; a refusal must be one of AWS's, and change nothing."""
        try:
            answer = getattr(self.lab.drs, operation)(**request)
        except ClientError as error:
            refusal = error.response["Error"]
        else:
            self.seen = self.everything()
            return answer
        assert refusal["Code"] in REFUSALS, refusal
        assert self.seen == self.everything(), f"{operation} was refused and has changed something"
        return None

    def all(self, operation: str, key: str = "items", **request: Any) -> list[Any]:
        """All pages of a list."""
        pages = self.lab.drs.get_paginator(operation).paginate(**request)
        return [one for page in pages for one in page[key]]

    def everything(self) -> dict[str, list[Any]]:
        """What DRS shows."""
        listed = {what: self.all(f"describe_{what}") for what in DESCRIBED}
        return listed | {key: self.all(operation, key=key) for operation, key in LISTED.items()}

    def instance(self, place: int) -> str:
        """One of the recovery instances, or one that nobody knows."""
        ids = [one["recoveryInstanceID"] for one in self.seen["recovery_instances"]]
        return ids[place % len(ids)] if ids else "i-0fffffffffffffff0"

    # --- calls -----------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 30, 200, 400, 4000, 90000]))
    def time_passes(self, seconds: int) -> None:
        self.lab.wait(seconds)
        self.seen = self.everything()

    @rule(numbers=SOME, drill=st.booleans())
    def start(self, numbers: list[int], drill: bool) -> None:
        servers = [{"sourceServerID": server_id(number)} for number in numbers]
        self.call("start_recovery", sourceServers=servers, isDrill=drill)

    @rule(places=st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True))
    def terminate(self, places: list[int]) -> None:
        ids = sorted({self.instance(place) for place in places})
        self.call("terminate_recovery_instances", recoveryInstanceIDs=ids)

    @rule(
        what=st.sampled_from(
            ["disconnect_recovery_instance", "delete_recovery_instance", "reverse_replication", "stop_failback"]
        ),
        place=st.integers(0, 5),
    )
    def change_an_instance(self, what: str, place: int) -> None:
        self.call(what, recoveryInstanceID=self.instance(place))

    @rule(place=st.integers(0, 5))
    def fail_back(self, place: int) -> None:
        self.call("start_failback_launch", recoveryInstanceIDs=[self.instance(place)])

    @rule(
        what=st.sampled_from(
            ["stop_replication", "start_replication", "disconnect_source_server", "delete_source_server"]
        ),
        number=NUMBERS,
    )
    def change_a_server(self, what: str, number: int) -> None:
        self.call(what, sourceServerID=server_id(number))

    @rule(recover=st.booleans())
    def change_the_network(self, recover: bool) -> None:
        for network in self.seen["source_networks"]:
            name = network["sourceNetworkID"]
            if recover:
                self.call("start_source_network_recovery", sourceNetworks=[{"sourceNetworkID": name}])
            else:
                self.call("stop_source_network_replication", sourceNetworkID=name)

    @rule(numbers=SOME, name=st.sampled_from(["a", "b"]), pause=st.booleans())
    def plan(self, numbers: list[int], name: str, pause: bool) -> None:
        made = self.call("create_recovery_plan", name=name)
        if made is None:
            return
        for number in numbers:
            configuration = {"serverStepConfiguration": {"servers": [{"serverArn": arn(number)}]}}
            steps = [configuration, wait(5)] if pause else [configuration]
            for step in steps:
                plan_arn = made["recoveryPlan"]["recoveryPlanArn"]
                self.call("create_recovery_plan_step", recoveryPlanArn=plan_arn, stepName="x", configuration=step)

    @rule(place=st.integers(0, 1), what=st.sampled_from(["start_recovery_plan_execution", "delete_recovery_plan"]))
    def use_a_plan(self, place: int, what: str) -> None:
        plans = self.seen["recoveryPlans"]
        if plans:
            plan_arn = plans[place % len(plans)]["recoveryPlanArn"]
            if "delete" in what:
                self.call(what, recoveryPlanArn=plan_arn)
            else:
                for _ in range(2):
                    self.call(what, recoveryPlanArn=plan_arn, mode="DRILL")

    @rule(what=st.sampled_from(["cancel", "retry", "skip"]), place=st.integers(0, 3))
    def change_an_execution(self, what: str, place: int) -> None:
        executions = self.seen["recoveryPlanExecutions"]
        if not executions:
            return
        execution_arn = executions[0]["recoveryPlanExecutionArn"]
        if what == "cancel":
            self.call("cancel_recovery_plan_execution", recoveryPlanExecutionArn=execution_arn)
            return
        steps = self.steps(execution_arn)
        step_arn = steps[place % len(steps)]["recoveryPlanExecutionStepArn"]
        if what == "retry":
            self.call("retry_recovery_plan_execution_step", recoveryPlanExecutionStepArn=step_arn)
        else:
            self.call("update_recovery_plan_execution_step", recoveryPlanExecutionStepArn=step_arn, status="SKIPPED")

    def steps(self, execution_arn: str) -> list[Any]:
        """The steps of an execution."""
        key = "recoveryPlanExecutionSteps"
        return self.all("list_recovery_plan_execution_steps", key=key, recoveryPlanExecutionArn=execution_arn)

    @rule(operation=st.sampled_from(sorted(MODEL.operation_names)), seed=st.integers(0, 9999))
    def anything(self, operation: str, seed: int) -> None:
        request = Anything(random.Random(seed), names_in(self.seen)).request(operation)
        try:
            self.call(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower(), **request)
        except ParamValidationError:
            return

    @rule(what=st.sampled_from(["terminate", "stop", "start", "protect"]), place=st.integers(0, 5))
    def change_it_in_ec2(self, what: str, place: int) -> None:
        name, ec2 = self.instance(place), self.lab.ec2
        if self.lab.instances().get(name, "terminated") == "terminated":
            return
        try:
            if what == "protect":
                ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": True})
            else:
                getattr(ec2, f"{what}_instances")(InstanceIds=[name])
        except self.lab.ec2.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "OperationNotPermitted":
                raise
        self.seen = self.everything()

    # --- what always holds -----------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_in_two_jobs_and_quotas_hold(self) -> None:
        running = [job for job in self.seen["jobs"] if job["status"] != "COMPLETED"]
        busy = [server["sourceServerID"] for job in running for server in job["participatingServers"]]
        nets = [
            one["participatingResourceID"]["sourceNetworkID"]
            for job in running
            for one in job["participatingResources"]
        ]
        assert len(busy) == len(set(busy))
        assert len(nets) == len(set(nets))
        assert len(running) <= 3
        assert len(busy) <= 5

    @invariant()
    def final_states_absorb(self) -> None:
        for job in self.seen["jobs"]:
            if job["jobID"] in self.ended:
                assert (job["status"], job["endDateTime"]) == ("COMPLETED", self.ended[job["jobID"]])
            if job["status"] == "COMPLETED":
                self.ended[job["jobID"]] = job["endDateTime"]
                assert all(server["launchStatus"] in FINAL for server in job["participatingServers"])
            for server in job["participatingServers"]:
                key, status = (job["jobID"], server["sourceServerID"]), server["launchStatus"]
                assert self.finals.get(key, status) == status
                if status in FINAL:
                    self.finals[key] = status

    @invariant()
    def logs_only_grow(self) -> None:
        for job in self.seen["jobs"]:
            before = self.logs.get(job["jobID"], [])
            log = self.all("describe_job_log_items", jobID=job["jobID"])
            self.logs[job["jobID"]] = log
            assert before == log[: len(before)]
            times = [line["logDateTime"] for line in log]
            assert times == sorted(times)
            if "JOB_END" in [line["event"] for line in log]:
                assert (job["status"], log[-1]["event"]) == ("COMPLETED", "JOB_END")

    @invariant()
    def instances_and_jobs_agree(self) -> None:
        self.jobs |= {job["jobID"]: job for job in self.seen["jobs"]}  # also those that were deleted since
        jobs = self.jobs
        listed = self.seen["recovery_instances"]
        for one in listed:
            job = jobs.get(one["jobID"])
            if job is None:
                assert one["recoveryInstanceID"] == "i-0123456789abcdef0"
                continue
            statuses = {server["sourceServerID"]: server["launchStatus"] for server in job["participatingServers"]}
            assert statuses[one["sourceServerID"]] == "LAUNCHED"
            assert one["isDrill"] == (job["initiatedBy"] == "START_DRILL")
        own = {one["recoveryInstanceID"]: one["sourceServerID"] for one in listed}
        for server in self.seen["source_servers"]:
            if "recoveryInstanceId" in server:
                assert own[server["recoveryInstanceId"]] == server["sourceServerID"]
        in_ec2 = self.lab.instances()
        assert {one["recoveryInstanceID"]: one["ec2InstanceState"].lower() for one in listed} == {
            one: in_ec2[one] for one in own
        }

    @invariant()
    def executions_take_their_turn(self) -> None:
        executions = self.seen["recoveryPlanExecutions"]
        active = [one["recoveryPlanArn"] for one in executions if one["status"] not in OVER]
        assert len(active) == len(set(active))
        for one in executions:
            running = [
                step
                for step in self.steps(one["recoveryPlanExecutionArn"])
                if step["status"] in {"EXECUTING", "WAITING"}
            ]
            assert len(running) == (1 if one["status"] in {"IN_PROGRESS", "CANCELLING"} else 0)


def histories(count: int, calls: int = 20) -> settings:
    """So many histories of so many calls."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=count, stateful_step_count=calls, deadline=None, suppress_health_check=quiet)


def test_any_sequence_of_calls_keeps_the_world_whole():
    """A few histories."""
    run_state_machine_as_test(AnyCalls, settings=histories(3, calls=15))


@pytest.mark.slow
def test_many_sequences_of_calls_keep_the_world_whole():
    """Many; SIM_EXAMPLES=500 tries as many as that."""
    run_state_machine_as_test(AnyCalls, settings=histories(int(os.environ.get("SIM_EXAMPLES", "20"))))
