"""Instances in moto's EC2: run under ids that are given, and without detours.

For each instance moto looks through all instance types and all images, and
copies all reservations; with two thousand instances that takes ten seconds.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ec2.exceptions import InvalidInstanceIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models import instances as moto_instances
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState

IMAGE = "ami-12c6146b"
STOPPED = InstanceState("stopped", 80)


@dataclass(frozen=True)
class Wanted:
    """An instance as it is to be."""

    id: str
    instance_type: str
    launched_at: datetime
    tags: dict[str, str]
    subnet: str | None = None
    groups: tuple[str, ...] = ()
    private_ip: str | None = None
    protected: bool = False
    stopped: bool = False


def backend(account: str, region: str) -> EC2Backend:
    """EC2 of an account in one Region."""
    found: EC2Backend = ec2_backends[account][region]
    return found


def run(ec2: EC2Backend, wanted: Wanted) -> Instance:
    """Run an instance; whoever calls it holds the lock, for moto takes no id from outside."""
    InstanceBackend.get_instance = _get_instance  # type: ignore[method-assign]
    usual = vars(moto_instances)["random_instance_id"]
    vars(moto_instances)["random_instance_id"] = lambda: wanted.id
    vars(ec2)["describe_images"] = _only_image(ec2)
    try:
        reservation = ec2.run_instances(
            IMAGE,
            1,
            None,
            [],
            instance_type=wanted.instance_type,
            is_instance_type_default=True,  # else moto looks it up, and does nothing with what it finds
            region_name=ec2.region_name,
            subnet_id=wanted.subnet,
            security_group_ids=list(wanted.groups),
            private_ip=wanted.private_ip,
            disable_api_termination=wanted.protected,
            tags={"instance": wanted.tags},
        )
    finally:
        vars(moto_instances)["random_instance_id"] = usual
        del vars(ec2)["describe_images"]
    made: Instance = reservation.instances[0]
    made.launch_time = wanted.launched_at.astimezone(UTC).replace(tzinfo=None)
    if wanted.stopped:
        made._state = STOPPED  # noqa: SLF001 - stopping it properly would log the wrong time
    return made


def _only_image(ec2: EC2Backend) -> Any:
    """Looks up the image of our instances alone."""
    images = [image for image in (ec2.amis.get(IMAGE),) if image is not None]
    return lambda **_: images


def _get_instance(self: Any, instance_id: str) -> Instance:
    """The same as moto's, without a copy of every reservation, and the newest first."""
    for reservation in reversed(self.reservations.values()):
        for instance in reservation.instances:
            if instance.id == instance_id:
                found: Instance = instance
                return found
    raise InvalidInstanceIdError(instance_id)
