"""Worlds to test with, and a lab to test them in."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from drskit.clock import VirtualClock
from drskit.sim import WorldSpec
from drskit.sim.gateway import Gateway
from tests.sim.loan import PREFIX, Loan, loan
from tests.sim.shapes import Inspector

START = "2026-03-02T09:00:00Z"
ONCE = Config(retries={"total_max_attempts": 1})


INSPECTOR = Inspector()
"""Looks at every answer that these tests get from DRS."""


def server_id(number: int) -> str:
    """The id of a server of these tests: in an account of one that is lent, and beyond those of one that nobody has."""
    lent = loan()
    return lent.servers[number - 1] if lent and number <= len(lent.servers) else f"s-5{number:016x}"


def server_arn(number: int) -> str:
    """Its ARN."""
    lent, name = loan(), server_id(number)
    told = f"arn:aws:drs:us-west-2:123456789012:source-server/{name}"
    return lent.arns.get(name, told) if lent else told


def make_spec(*servers: dict[str, Any], count: int = 0, **more: Any) -> WorldSpec:
    """A world of the given servers, or of `count` plain ones."""
    plain = [{"name": f"server-{number}"} for number in range(1, count + 1)]
    told = [{"id": server_id(number)} | server for number, server in enumerate([*plain, *servers], start=1)]
    return WorldSpec.model_validate({"start": START, "servers": told} | more)


@cache
def session() -> boto3.Session:
    """One session for all tests: reading the models again for each would take most of the time."""
    return boto3.Session(aws_access_key_id="simulated", aws_secret_access_key="simulated")


class Lab:
    """A world opened in process, with clients and a clock to move."""

    def __init__(self, gateway: Gateway, clock: VirtualClock) -> None:
        self.gateway = gateway
        self.clock = clock
        self.region = gateway.spec.region
        self.drs = self.client("drs")
        self._ec2: Any = None

    @property
    def ec2(self) -> Any:
        """An EC2 client, made when needed."""
        self._ec2 = self._ec2 or self.client("ec2")
        return self._ec2

    def client(self, service: str, region: str | None = None) -> Any:
        """A client that sends once; every answer of DRS must fit botocore's model."""
        client = session().client(service, region_name=region or self.region, config=ONCE)
        if service == "drs":
            INSPECTOR.watch(client)
        return client

    def start(self, *numbers: int, drill: bool = True, **more: Any) -> dict[str, Any]:
        """Start a job of these servers."""
        servers = [{"sourceServerID": server_id(number)} for number in numbers]
        return self.drs.start_recovery(sourceServers=servers, isDrill=drill, **more)["job"]

    def start_all(self, numbers: list[int]) -> dict[str, Any]:
        """The same, with a list."""
        return self.start(*numbers)

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it stands."""
        return self.drs.describe_jobs(filters={"jobIDs": [job_id]})["items"][0]

    def statuses(self, job_id: str) -> list[str]:
        """The launch statuses of a job's servers."""
        return [server["launchStatus"] for server in self.job(job_id)["participatingServers"]]

    def log(self, job_id: str) -> list[dict[str, Any]]:
        """A job's log so far."""
        return self.drs.describe_job_log_items(jobID=job_id)["items"]

    def events(self, job_id: str) -> list[str]:
        """The names of the log's events."""
        return [line["event"] for line in self.log(job_id)]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.sleep(seconds)

    # --- what an account has, too ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let time pass until no job is under way."""
        self.wait(3600)

    def until(self, seen: Callable[[], bool]) -> None:
        """Let time pass until something is seen."""
        for _ in range(1000):
            if seen():
                return
            self.wait(10)
        raise AssertionError("it was never seen")

    def name(self, word: str) -> str:
        """A name, or a token, that nobody else has."""
        return word

    def servers(self) -> list[dict[str, Any]]:
        """The source servers of these tests."""
        return self.drs.describe_source_servers()["items"]

    def jobs(self) -> list[dict[str, Any]]:
        """Their jobs, newest first."""
        return self.drs.describe_jobs()["items"]

    def recovery_instances(self) -> dict[str, dict[str, Any]]:
        """Their recovery instances, by their ids."""
        return {one["recoveryInstanceID"]: one for one in self.drs.describe_recovery_instances()["items"]}

    def instances(self) -> dict[str, str]:
        """EC2's instances and their states."""
        pages = self.ec2.describe_instances()["Reservations"]
        return {one["InstanceId"]: one["State"]["Name"] for page in pages for one in page["Instances"]}


class LiveLab(Lab):
    """The same in a real account, with what its owner has lent: time passes by itself there."""

    def __init__(self, lent: Loan) -> None:
        self.loan, self.region, self._mark = lent, lent.region, uuid4().hex[:8]
        self._began: datetime = lent.now()
        self._ec2: Any = None
        self.drs = self.client("drs")

    def client(self, service: str, region: str | None = None) -> Any:
        """A client that sends once, and changes only what is lent."""
        return self.loan.client(service, region, retries={"total_max_attempts": 1})

    def wait(self, seconds: float) -> None:
        """A moment; longer waits are for something that can be seen."""
        assert seconds <= 60, "wait until something is seen instead"
        self.loan.clock.sleep(seconds)

    def settle(self) -> None:
        """Wait until no job is under way."""
        self.loan.settle(self._began)

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait until something is seen."""
        self.loan.until(seen)

    def name(self, word: str) -> str:
        """A name, or a token, of this test."""
        return f"{PREFIX}{self._mark}-{word}"

    def servers(self) -> list[dict[str, Any]]:
        """The source servers that are lent, the first three."""
        asked = {"sourceServerIDs": self.loan.servers[:3]}
        return sorted(self.drs.describe_source_servers(filters=asked)["items"], key=lambda one: one["sourceServerID"])

    def jobs(self) -> list[dict[str, Any]]:
        """Their jobs since the test began, newest first."""
        return self.loan.jobs(self._began)

    def recovery_instances(self) -> dict[str, dict[str, Any]]:
        """Their recovery instances, by their ids."""
        return {one["recoveryInstanceID"]: one for one in self.loan.instances()}

    def instances(self) -> dict[str, str]:
        """The instances that were launched for them since the test began, and their states."""
        asked = [{"Name": "tag:AWSElasticDisasterRecoverySourceServerID", "Values": self.loan.servers}]
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=asked)
        found = [one for page in pages for some in page["Reservations"] for one in some["Instances"]]
        return {one["InstanceId"]: one["State"]["Name"] for one in found if one["LaunchTime"] >= self._began}

    def tidy(self) -> None:
        """Leave nothing behind."""
        self.loan.tidy(self._began)
