"""Source servers of a real account, lent to these tests by its owner.

With DRSKIT_LIVE_PROFILE the tests ask the account of that profile instead of a
simulated one. Those that change something get the source servers which bear the
tag `drskit:Conformance` with the value `yes`, and no other: whatever is not lent,
was not made by the test itself and exists, no changing call may name. Whatever a
test leaves is removed, and what it changed is as it was. docs/simulator-operations.md
is the procedure.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from drskit.clock import Clock, SystemClock
from tests.sim.shapes import Inspector

PROFILE = os.environ.get("DRSKIT_LIVE_PROFILE")
TAG = ("drskit:Conformance", "yes")
PREFIX = "drskit-conformance-"
"""What the names of plans begin with."""
READS = ("Describe", "Get", "List")
SETS_UP = {"UpdateLaunchConfiguration", "PutLaunchAction", "TagResource", "UntagResource"}
LAUNCHES = {"StartRecovery", "StartRecoveryPlanExecution"}
CHANGES = {
    "StartRecovery",
    "TerminateRecoveryInstances",
    "DeleteJob",
    "TagResource",
    "UntagResource",
    "UpdateLaunchConfiguration",
    "PutLaunchAction",
    "DeleteLaunchAction",
    "CreateRecoveryPlan",
    "UpdateRecoveryPlan",
    "DeleteRecoveryPlan",
    "CreateRecoveryPlanStep",
    "UpdateRecoveryPlanStep",
    "DeleteRecoveryPlanStep",
    "ReorderRecoveryPlanSteps",
    "StartRecoveryPlanExecution",
    "CancelRecoveryPlanExecution",
    "UpdateRecoveryPlanExecutionStep",
    "DeleteRecoveryPlanExecution",
    "ModifyInstanceAttribute",
    "StopInstances",
    "TerminateInstances",
}
"""What may be sent: nothing that loses a source server or its points in time, or is the whole account's."""
NAMES = re.compile(r"arn:\S+|(?:s|i|drsjob|lct|rct|sn|lt)-[0-9a-zA-Z]{8,}")
NOWHERE = re.compile(r"0{8}|0123456789abcdef|[^-\w:/.]")
"""In names that nothing has, which tests of refusals ask about."""
OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}
PATIENCE = timedelta(hours=2)
LOOKS_SECONDS = (0.1, 15.0)
"""Between two looks at the account: at first, which suits one whose time runs fast, and at most."""
ENDED_LATE = timedelta(minutes=5)
"""How late what a job has launched may appear in lists."""
CAREFUL = Config(retries={"mode": "standard", "total_max_attempts": 8})


@cache
def loan() -> "Loan | None":
    """What the tests may use of a real account; None where they ask a simulated one."""
    if not PROFILE:
        return None
    try:
        return Loan(boto3.Session(profile_name=PROFILE))
    except (BotoCoreError, ClientError) as error:
        pytest.exit(f"The account of DRSKIT_LIVE_PROFILE does not answer: {error}", returncode=4)


def names_in(value: Any) -> Iterator[str]:
    """All that is named anywhere in a request or an answer."""
    if isinstance(value, str):
        if NAMES.fullmatch(value):
            yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from names_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from names_in(one)


@dataclass
class Before:
    """How a lent server was set up before a test changed that."""

    launch: dict[str, Any]
    actions: set[str]
    tags: dict[str, str]


@dataclass
class Loan:
    """A session in an account and Region, and the source servers that are lent there."""

    session: boto3.Session
    clock: Clock = field(default_factory=SystemClock)
    first_look_seconds: float = LOOKS_SECONDS[0]
    arns: dict[str, str] = field(init=False)
    """The ARN of each lent server, by its id."""
    made: set[str] = field(default_factory=set)
    """The ids and ARNs of what the running test has made."""
    launched: set[str] = field(default_factory=set)
    """The recovery instances that were seen meanwhile; DRS forgets a protected one, and EC2 goes on charging for it."""
    before: dict[str, Before] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.region = self.session.region_name
        self.keeper = self.session.client("drs", config=CAREFUL)
        """What follows and tidies up; unlike the tests' clients it repeats what was throttled."""
        self.ec2 = self.session.client("ec2", config=CAREFUL)
        found = self._items("describe_source_servers")
        lent = [server for server in found if server["tags"].get(TAG[0]) == TAG[1]]
        self.arns = dict(sorted((server["sourceServerID"], server["arn"]) for server in lent))
        self._fit = False

    @property
    def servers(self) -> list[str]:
        """The ids of the lent servers."""
        return list(self.arns)

    def client(self, service: str, region: str | None = None, **settings: Any) -> Any:
        """A client that changes nothing but what is lent; every answer of DRS must fit botocore's model."""
        client = self.session.client(service, region_name=region, config=Config(**settings))
        client.meta.events.register(f"provide-client-params.{service}", self._guard)
        client.meta.events.register(f"after-call.{service}", self._harvest)
        if service == "drs":
            Inspector(unknown_members=True).watch(client)
        return client

    def now(self) -> datetime:
        """The account's own time."""
        headers = self.keeper.describe_jobs(maxResults=1)["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"])

    def until(self, seen: Callable[[], bool], patience: timedelta = PATIENCE) -> None:
        """Look ever less often until something is seen; the test fails if it never is."""
        began, pause = self.clock.now(), self.first_look_seconds
        while not seen():
            assert self.clock.now() - began < patience, f"not seen within {patience}"
            self.clock.sleep(pause)
            pause = min(pause * 1.2, max(LOOKS_SECONDS[1], self.first_look_seconds))

    def jobs(self, since: datetime) -> list[dict[str, Any]]:
        """The jobs of lent servers since a time, newest first."""
        found = self._items("describe_jobs", filters={"fromDate": f"{since:%Y-%m-%dT%H:%M:%SZ}"})
        return [job for job in found if {one["sourceServerID"] for one in job["participatingServers"]} & set(self.arns)]

    def instances(self) -> list[dict[str, Any]]:
        """The recovery instances that drills of lent servers left; those of a recovery are nobody's to end."""
        return [one for one in self._all_instances() if one["isDrill"]]

    def _all_instances(self) -> list[dict[str, Any]]:
        found = self._items("describe_recovery_instances", filters={"sourceServerIDs": self.servers})
        self.launched |= {one["recoveryInstanceID"] for one in found if one["isDrill"]}
        return found

    def settle(self, since: datetime) -> None:
        """Wait until no job is under way, and DRS lists what was launched."""
        self.until(lambda: all(job["status"] == "COMPLETED" for job in self.jobs(since)))
        launched = {
            server["sourceServerID"]
            for job in self.jobs(since)[:1]
            for server in job["participatingServers"]
            if job["type"] == "LAUNCH" and server["launchStatus"] == "LAUNCHED"
        }
        self.until(lambda: launched <= {one["sourceServerID"] for one in self._all_instances()}, ENDED_LATE)

    def require(self, count: int) -> None:
        """Enough servers are lent, and they have nothing that a launch would destroy; otherwise the tests end."""
        if len(self.arns) < count:
            pytest.skip(f"{len(self.arns)} source servers of {self.region} bear the tag {'='.join(TAG)}, not {count}")
        if not self._fit and (found := self._all_instances()):
            told = ", ".join(f"{one['recoveryInstanceID']} of {one['sourceServerID']}" for one in found)
            pytest.exit(f"Lent servers have recovery instances, which launches would terminate: {told}.", returncode=4)
        self._fit = True

    # --- what may be sent --------------------------------------------------------------------------------------------

    def _guard(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """No call passes that may change what is not lent and was not made here."""
        if model.name.startswith(READS):
            return
        assert model.name in CHANGES, f"{model.name} is never sent to an account"
        strange = [name for name in names_in(params) if not self._ours(name)]
        assert not strange, f"{model.name} of {strange} is not sent: nobody has lent that"
        assert model.name != "StartRecovery" or params.get("isDrill") is True, "only drills are started"
        assert params.get("mode", "DRILL") == "DRILL", "only drills are started"
        assert model.name != "CreateRecoveryPlan" or params["name"].startswith(PREFIX), "the name may be somebody's"
        if model.name in LAUNCHES:
            real = [one["recoveryInstanceID"] for one in self._all_instances() if not one["isDrill"]]
            assert not real, f"{model.name} is not sent: a launch may terminate {real}, which a recovery launched"
        for name in names_in(params):
            server_id = name.rpartition("/")[2]
            if server_id in self.arns and model.name in SETS_UP:
                self.before.setdefault(server_id, self._setup(server_id))

    def _ours(self, name: str) -> bool:
        return (
            name in self.made
            or name in self.arns
            or name in self.arns.values()
            or NOWHERE.search(name) is not None
            or name in {one["recoveryInstanceID"] for one in self.instances()}
        )

    def _harvest(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """What a changing call answers with was made by it, or belongs to what it was allowed to change."""
        if model.name not in CHANGES and model.name != "ListRecoveryPlanExecutionSteps":
            return
        self.made |= set(names_in({key: one for key, one in parsed.items() if key != "ResponseMetadata"}))

    # --- leaving everything as it was --------------------------------------------------------------------------------

    def tidy(self, since: datetime) -> None:
        """Remove what a test has made, its jobs aside, and set up the lent servers as before."""
        try:
            self._end_plans()
        finally:
            try:
                self.until(lambda: all(job["status"] == "COMPLETED" for job in self.jobs(since)))
                if self.instances() or any(job["type"] == "LAUNCH" for job in self.jobs(since)):
                    self._end_instances(since)
            finally:
                for server_id, before in self.before.items():
                    self._restore(server_id, before)
                self.before.clear()
        self.made.clear()

    def _end_plans(self) -> None:
        """Executions are called off and forgotten, and then the plans."""
        key = "recoveryPlans"
        for plan in self._items("list_recovery_plans", key):
            plan_arn = plan["recoveryPlanArn"]
            if plan_arn in self.made:
                for execution in self._items(
                    "list_recovery_plan_executions", f"{key[:-1]}Executions", recoveryPlanArn=plan_arn
                ):
                    self._end_execution(execution["recoveryPlanExecutionArn"])
                self.keeper.delete_recovery_plan(recoveryPlanArn=plan_arn)

    def _end_execution(self, arn: str) -> None:
        get = self.keeper.get_recovery_plan_execution

        def status() -> str:
            return str(get(recoveryPlanExecutionArn=arn)["recoveryPlanExecution"]["status"])

        if status() in {"CREATED", "IN_PROGRESS"}:
            self.keeper.cancel_recovery_plan_execution(recoveryPlanExecutionArn=arn)
        self.until(lambda: status() in OVER)
        self.keeper.delete_recovery_plan_execution(recoveryPlanExecutionArn=arn)

    def _end_instances(self, since: datetime) -> None:
        """Whatever launches have left: protection is lifted, the instances terminated."""
        self.settle(since)
        left = [one["recoveryInstanceID"] for one in self.instances() if one.get("ec2InstanceState") != "TERMINATED"]
        for instance_id in self._alive():
            self.ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": False})
        if left:
            self.keeper.terminate_recovery_instances(recoveryInstanceIDs=left)
            self.until(lambda: all(job["status"] == "COMPLETED" for job in self.jobs(since)))
        if forgotten := sorted(self._alive() - set(left)):
            self.ec2.terminate_instances(InstanceIds=forgotten)
        self.until(lambda: not self._alive(), ENDED_LATE)
        self.until(lambda: all(one.get("ec2InstanceState") == "TERMINATED" for one in self.instances()), ENDED_LATE)
        self.launched.clear()

    def _alive(self) -> set[str]:
        """Those of the instances that were launched which EC2 still has."""
        asked = [{"Name": "instance-id", "Values": sorted(self.launched)}]
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=asked)
        found = [one for page in pages for some in page["Reservations"] for one in some["Instances"]]
        return {one["InstanceId"] for one in found if one["State"]["Name"] not in {"shutting-down", "terminated"}}

    def _setup(self, server_id: str) -> Before:
        launch = self.keeper.get_launch_configuration(sourceServerID=server_id)
        actions = self._items("list_launch_actions", resourceId=server_id)
        tags = self.keeper.list_tags_for_resource(resourceArn=self.arns[server_id])["tags"]
        kept = {"ResponseMetadata", "ec2LaunchTemplateID"}
        told = {key: one for key, one in launch.items() if key not in kept}
        return Before(told, {one["actionId"] for one in actions}, tags)

    def _restore(self, server_id: str, before: Before) -> None:
        now = self._setup(server_id)
        if now.launch != before.launch:
            told = {key: one for key, one in before.launch.items() if one != {}}
            self.keeper.update_launch_configuration(**told)
        for action_id in now.actions - before.actions:
            self.keeper.delete_launch_action(resourceId=server_id, actionId=action_id)
        if set(now.tags) - set(before.tags):
            self.keeper.untag_resource(
                resourceArn=self.arns[server_id], tagKeys=sorted(set(now.tags) - set(before.tags))
            )
        if before.tags != now.tags:
            self.keeper.tag_resource(resourceArn=self.arns[server_id], tags=before.tags)

    def _items(self, operation: str, key: str = "items", **request: Any) -> list[dict[str, Any]]:
        pages = self.keeper.get_paginator(operation).paginate(**request)
        return [one for page in pages for one in page[key]]
