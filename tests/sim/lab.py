"""Worlds to test with, and a lab to test them in."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from drskit.clock import VirtualClock
from drskit.sim import WorldSpec
from drskit.sim.gateway import Gateway
from tests.sim.shapes import Inspector

START = "2026-03-02T09:00:00Z"
ONCE = Config(retries={"total_max_attempts": 1})


INSPECTOR = Inspector()
"""Looks at every answer that these tests get from DRS."""


def server_id(number: int) -> str:
    """The id of a server of these tests."""
    return f"s-5{number:016x}"


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
        self.drs = self.client("drs")
        self._ec2: Any = None

    @property
    def ec2(self) -> Any:
        """An EC2 client, made when needed."""
        self._ec2 = self._ec2 or self.client("ec2")
        return self._ec2

    def client(self, service: str, region: str | None = None) -> Any:
        """A client that sends once; every answer of DRS must fit botocore's model."""
        client = session().client(service, region_name=region or self.gateway.spec.region, config=ONCE)
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

    def instances(self) -> dict[str, str]:
        """EC2's instances and their states."""
        pages = self.ec2.describe_instances()["Reservations"]
        return {one["InstanceId"]: one["State"]["Name"] for page in pages for one in page["Instances"]}
