"""What an account has in one Region, read and never changed: the stuff of which simulated worlds are made.

`READS` is all that is ever sent: the clients refuse everything else before it
leaves the process.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from drskit.aws.faults import asking
from drskit.errors import Refused

if TYPE_CHECKING:
    from drskit.aws.clients import Clients

Json = dict[str, Any]
T = TypeVar("T")

READS = {
    "drs": (
        "DescribeSourceServers",
        "GetLaunchConfiguration",
        "DescribeRecoverySnapshots",
        "DescribeRecoveryInstances",
        "DescribeJobs",
        "DescribeJobLogItems",
    ),
    "ec2": ("DescribeInstances", "DescribeInstanceAttribute"),
}
"""The operations that a survey sends; docs/simulator.md lists them, too."""
WORKERS = 8
"""How many calls are under way at once; DRS throttles beyond."""
SERVER_TAG = "AWSElasticDisasterRecoverySourceServerID"


@dataclass
class Survey:
    """Reads one Region of one account."""

    clients: "Clients"
    region: str
    sent: Counter[str] = field(default_factory=Counter)
    """How many calls were sent of each operation."""

    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._drs: Any = self._reading(self.clients.reader("drs", self.region))
        self._ec2: Any = self._reading(self.clients.reader("ec2", self.region))

    def read(self, *, logs: int) -> Json:
        """Everything, as DRS and EC2 say it, in the form that `drskit.sim.account` takes.

        Args:
            logs: of how many of the newest jobs the logs are read.

        Raises:
            Unavailable: AWS could not be asked.
        """
        with asking(f"DescribeSourceServers in {self.region}"):
            # Once, without patience: who cannot be reached is not asked thousands of times.
            first = self._reading(self.clients.drs(self.region)).describe_source_servers(maxResults=1)
        taken_at = parsedate_to_datetime(first["ResponseMetadata"]["HTTPHeaders"]["date"])
        servers = list(self._pages(self._drs, "describe_source_servers"))
        jobs = list(self._pages(self._drs, "describe_jobs"))
        names = [str(server["sourceServerID"]) for server in servers]
        told = jobs[:logs]
        instances = [
            instance for found in self._pages(self._ec2, "describe_instances", "Reservations", Filters=[_OURS])
            for instance in found["Instances"]
        ]  # fmt: skip
        alive = [one for one in instances if one["State"]["Name"] not in {"terminated", "shutting-down"}]
        return {
            "region": self.region,
            "takenAt": taken_at.astimezone(UTC).isoformat(),
            "sourceServers": servers,
            "launchConfigurations": self._each(names, self._launch_configuration),
            "recoverySnapshots": self._each(names, self._snapshots),
            "recoveryInstances": list(self._pages(self._drs, "describe_recovery_instances")),
            "instances": [_plain(one) for one in alive],
            "protected": self._each([one["InstanceId"] for one in alive], self._protected),
            "jobs": jobs,
            "logs": self._each([job["jobID"] for job in told], self._log),
        }

    def _launch_configuration(self, server_id: str) -> Json:
        with asking(f"GetLaunchConfiguration of {server_id}"):
            found: Json = self._drs.get_launch_configuration(sourceServerID=server_id)
        found.pop("ResponseMetadata", None)
        return found

    def _snapshots(self, server_id: str) -> list[str]:
        """The times of the oldest and of the newest snapshot; none where there is none."""
        found = []
        for order in ("ASC", "DESC"):
            with asking(f"DescribeRecoverySnapshots of {server_id}"):
                answer = self._drs.describe_recovery_snapshots(sourceServerID=server_id, order=order, maxResults=1)
            found += [str(one["timestamp"]) for one in answer["items"]]
        return found

    def _protected(self, instance_id: str) -> bool:
        with asking(f"DescribeInstanceAttribute of {instance_id}"):
            answer = self._ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
        return bool(answer.get("DisableApiTermination", {}).get("Value"))

    def _log(self, job_id: str) -> list[Json]:
        return list(self._pages(self._drs, "describe_job_log_items", jobID=job_id))

    def _pages(self, client: Any, method: str, items: str = "items", **request: Any) -> Iterator[Json]:
        with asking(f"{method} in {self.region}"):
            for page in client.get_paginator(method).paginate(**request):
                yield from page.get(items, [])

    @staticmethod
    def _each(names: Iterable[str], read: Callable[[str], T]) -> dict[str, T]:
        """What is read of each, some at a time."""
        names = list(names)
        with ThreadPoolExecutor(WORKERS) as pool:
            return dict(zip(names, pool.map(read, names), strict=True))

    def _reading(self, client: Any) -> Any:
        """The client, which from now on only reads."""
        client.meta.events.register_first("before-call", self._let_only_reads_pass)
        return client

    def _let_only_reads_pass(self, model: Any, **_: object) -> None:
        service, operation = model.service_model.service_name, model.name
        if operation not in READS.get(service, ()):
            raise Refused(f"A survey of an account only reads: {operation} of {service} is not sent. Use the AWS CLI.")
        with self._counting:
            self.sent[operation] += 1


_OURS = {"Name": "tag-key", "Values": [SERVER_TAG]}


def _plain(instance: Json) -> Json:
    """What a world needs of an EC2 instance."""
    launched: datetime = instance["LaunchTime"]
    return {
        "id": instance["InstanceId"],
        "state": instance["State"]["Name"],
        "launched": launched.astimezone(UTC).isoformat(),
        "server": next(tag["Value"] for tag in instance["Tags"] if tag["Key"] == SERVER_TAG),
    }
