"""EC2's own word on instances: their addresses and their status checks."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from drskit.aws.faults import asking, code_of
from drskit.aws.replies import may, need
from drskit.errors import Unavailable
from drskit.probing import Health

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

VANISHED = "InvalidInstanceID.NotFound"
AT_ONCE = 100
"""How many instances DescribeInstanceStatus takes by their ids."""


class Ec2Inspection:
    """Instances of one account and Region, looked at through boto3."""

    def __init__(self, ec2: "EC2Client", region: str) -> None:
        """Take a ready client."""
        self._ec2 = ec2
        self._region = region

    def addresses(self, instance_ids: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
        """The private and the public address of each; one that EC2 does not know is missing.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        found: dict[str, tuple[str | None, str | None]] = {}
        paginate: Callable[..., Iterable[object]] = self._ec2.get_paginator("describe_instances").paginate
        for some in _batches(instance_ids, 200):
            with asking(f"DescribeInstances in {self._region}"):
                for page in paginate(Filters=[{"Name": "instance-id", "Values": some}]):
                    for reservation in need(page, "Reservations", list):
                        for one in need(reservation, "Instances", list):
                            addresses = (may(one, "PrivateIpAddress", str), may(one, "PublicIpAddress", str))
                            found[need(one, "InstanceId", str)] = addresses
        return found

    def health(self, instance_ids: Iterable[str]) -> dict[str, Health]:
        """EC2's own checks of each that runs; one that EC2 does not know is missing.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        found: dict[str, Health] = {}
        for some in _batches(instance_ids, AT_ONCE):
            found |= self._health(some)
        return found

    def _health(self, ids: list[str]) -> dict[str, Health]:
        """A single unknown id refuses a whole request, so such a one is asked again in halves."""
        with asking(f"DescribeInstanceStatus in {self._region}"):
            try:
                reply = self._ec2.describe_instance_status(InstanceIds=ids)
            except ClientError as error:
                if code_of(error) != VANISHED:
                    raise
                reply = None
            if reply is not None:
                return dict(_healths(reply))
        if len(ids) == 1:
            return {}
        middle = len(ids) // 2
        return self._health(ids[:middle]) | self._health(ids[middle:])

    def screenshot(self, instance_id: str) -> str | None:
        """A picture of its console, a JPEG in base64; None where EC2 gives none: it is worth no trouble."""
        try:
            with asking(f"GetConsoleScreenshot in {self._region}"):
                reply = self._ec2.get_console_screenshot(InstanceId=instance_id)
                return need(reply, "ImageData", str)
        except Unavailable:
            return None


def _healths(reply: object) -> Iterator[tuple[str, Health]]:
    for item in need(reply, "InstanceStatuses", list):
        words = {name: may(item, name, dict) or {} for name in ("InstanceStatus", "SystemStatus")}
        failed = [
            f"{may(detail, 'Name', str)} {may(detail, 'Status', str)}"
            for word in words.values()
            for detail in may(word, "Details", list) or []
            if may(detail, "Status", str) != "passed"
        ]
        instance, system = (may(word, "Status", str) or "unknown" for word in words.values())
        yield need(item, "InstanceId", str), Health(instance, system, "; ".join(dict.fromkeys(failed)))


def _batches(values: Iterable[str], size: int) -> Iterator[list[Any]]:
    items = list(dict.fromkeys(values))
    return (items[start : start + size] for start in range(0, len(items), size))
