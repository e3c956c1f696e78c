"""The EC2 side of a world: its recovery instances as moto's real instances.

Importing moto's EC2 takes its time, so nothing happens here before somebody
asks a service that could see an instance. From then on, before each request, to
DynamoDB only where somebody listens to events: first what was done to the
instances in EC2 is read back into the world, then the world settles, then EC2
is brought up to date with it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drskit.sim.backend.insides import named_after
from drskit.sim.backend.loading import insides_of_ec2
from drskit.sim.events import Outbox
from drskit.sim.healthy import Found
from drskit.sim.records import Instance
from drskit.sim.templates import Chosen, Templates
from drskit.sim.world import World

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend
    from moto.ec2.models.instances import Instance as Ec2Instance

BLIND = frozenset({"drs", "dynamodb", "sts"})
"""Services that show no EC2 instance by themselves: they do not need EC2 loaded."""


class Estate:
    """A world's instances in EC2."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._twins: dict[str, Ec2Instance] = {}
        self._templates = Templates(world)
        self._outbox = Outbox(world)
        self._open = False
        self._asked_at: datetime | None = None
        world.template_fault = self._template_fault
        world.on_dedicated_host = self._on_dedicated_host

    @property
    def world(self) -> World:
        """The world that it is the EC2 side of."""
        return self._world

    @property
    def is_heard(self) -> bool:
        """Whether anybody is told what happens in the world."""
        return self._outbox.is_heard

    def settle(self, service: str, now: datetime, operation: str = "") -> None:
        """Make the world and EC2 agree, as of now, before a request to this service."""
        self._open = self._open or service not in BLIND
        since, self._asked_at = self._asked_at or now, now  # what changed did so by the request before
        for instance_id, twin in self._twins.items():
            _observe(self._world.instances[instance_id], twin, since)
        self._world.settle(now)
        if self._open:
            for instance in self._world.instances.values():
                if instance.launched_at <= now:
                    self._mirror(instance)
            self._templates.settle(self._ec2(), operation)
        self._outbox.deliver(now)

    def found(self) -> Iterator[Found]:
        """Every instance that EC2 has."""
        for reservation in self._ec2().all_reservations() if self._open else ():
            for one in reservation.instances:
                yield Found(
                    one.id, one.state, one.state_code, one.availability_zone or "", one.launch_time.replace(tzinfo=UTC),
                    one.private_ip, one.public_ip,
                )  # fmt: skip

    def strangers(self) -> Iterator[tuple[str, datetime]]:
        """The running instances that are none of the world's, each with its launch."""
        for reservation in self._ec2().all_reservations() if self._open else ():
            for one in reservation.instances:
                if one.id not in self._twins and one.state == "running":
                    yield one.id, one.launch_time.replace(tzinfo=UTC)

    def _template_fault(self, server_id: str) -> str | None:
        return self._templates.fault(self._ec2(), server_id) if self._open else None

    def _on_dedicated_host(self, server_id: str) -> bool:
        return self._open and self._templates.on_dedicated_host(self._ec2(), server_id)

    def _mirror(self, instance: Instance) -> None:
        twin = self._twins.get(instance.id)
        if twin is None:
            twin = self._twins[instance.id] = self._launch(instance)
        if instance.ended_at is not None and twin.state != "terminated":
            twin.terminate()

    def _launch(self, instance: Instance) -> "Ec2Instance":
        """Run an instance in moto under the id that DRS has given it."""
        insides = insides_of_ec2()
        chosen = self._templates.chosen(self._ec2(), self._world.any_server(instance.server_id))
        with named_after(instance.id):  # its volumes and interfaces
            twin: Ec2Instance = insides.run(
                self._ec2(),
                insides.Wanted(
                    instance.id,
                    chosen.instance_type,
                    instance.launched_at,
                    self._tags(instance, chosen),
                    chosen.subnet,
                    chosen.groups,
                    self._address(instance, chosen),
                    instance.protected,
                    instance.state == "stopped",
                ),
            )
            if not instance.known and instance.job_id in self._world.jobs:
                self._leave_volume(instance)
        return twin

    def _leave_volume(self, instance: Instance) -> None:
        """The volume of 1 GiB that a failed launch leaves beside its orphan (drs-facts §5.4)."""
        volume = self._ec2().create_volume(size=1, zone_name=f"{self._world.spec.region}a")
        server = {"drs.amazonaws.com-source-server": instance.server_id}
        volume.add_tags({"drs.amazonaws.com-job": instance.job_id} | server)

    def _ec2(self) -> "EC2Backend":
        backend: EC2Backend = insides_of_ec2().backend(self._world.spec.account, self._world.spec.region)
        return backend

    def _address(self, instance: Instance, chosen: Chosen) -> str | None:
        """A private address: the source's own where the launch settings say so, else the template's, else any."""
        server = self._world.any_server(instance.server_id).spec
        if server.launch.copy_private_ip:
            return self._world.address(server)
        if chosen.private_ip or chosen.subnet:
            return chosen.private_ip
        third, fourth = (self._world.ids.chance(instance.id, part) for part in ("third", "fourth"))
        return f"172.31.{int(third * 64)}.{4 + int(fourth * 250)}"

    def _tags(self, instance: Instance, chosen: Chosen) -> dict[str, str]:
        """DRS's own tags, the template's, and the source server's where the launch settings copy them."""
        server = self._world.any_server(instance.server_id)
        name = server.tags.get("Name") or server.spec.hostname or server.spec.id
        copied = dict(server.tags) if server.spec.launch.copy_tags else {}
        own = {
            "AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com",
            "AWSElasticDisasterRecoverySourceServerID": instance.server_id,
        }
        return copied | {"Name": name} | instance.tags | chosen.tags | own


def _observe(instance: Instance, twin: "Ec2Instance", at: datetime) -> None:
    """What somebody did to the instance in EC2."""
    instance.protected = str(twin.disable_api_termination).lower() == "true"
    if instance.ended_at is None and instance.state != twin.state:
        instance.state, instance.changed_at = twin.state, at
