"""The EC2 launch template that each source server owns, in moto (drs-facts §8).

A template is made when somebody asks EC2 for launch templates or launches its
server; its id is known before. DRS goes by the default version, writes a new
one when launch settings change, and makes a deleted template anew.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from importlib import import_module
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from drskit.sim.records import SourceServer
from drskit.sim.spec import ReplicationState
from drskit.sim.world import World

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend

MANAGED = {"AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com"}


@dataclass(frozen=True)
class Chosen:
    """What a server's launch goes by."""

    instance_type: str
    subnet: str | None = None
    groups: tuple[str, ...] = ()
    private_ip: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


class Templates:
    """The launch templates of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[str, str] = {}
        """The template of each server that has one in EC2."""
        self._written: dict[str, int] = {}
        """How many changes of each server's settings its template has."""

    def settle(self, ec2: "EC2Backend", operation: str) -> None:
        """Bring EC2 up to date, before a request of this operation."""
        self._replace_deleted(ec2)
        if "LaunchTemplate" in operation or operation == "RunInstances":
            for server in self._world.servers.values():
                if server.spec.id not in self._held and not _gone(server):
                    self._make(ec2, server)
        for server_id in list(self._world.touched_templates):
            if server_id in self._held:
                self._renew(ec2, self._world.any_server(server_id))
        self._world.touched_templates.clear()

    def chosen(self, ec2: "EC2Backend", server: SourceServer) -> Chosen:
        """What the next launch of a server goes by: its template's default version, and its launch settings."""
        data = self._data(ec2, server) if server.spec.id in self._held else _first_data(server)
        nic = next(iter(data.get("NetworkInterfaces") or [{}]))
        sized = server.spec.launch.right_sizing != "NONE" or not data.get("InstanceType")
        return Chosen(
            server.spec.instance_type if sized else data["InstanceType"],
            nic.get("SubnetId"),
            tuple(nic.get("Groups") or data.get("SecurityGroupIds") or ()),
            nic.get("PrivateIpAddress"),
            _instance_tags(data),
        )

    def fault(self, ec2: "EC2Backend", server_id: str) -> str | None:
        """What EC2 will say to the launch of a server by its template; None where it will do."""
        if server_id not in self._held:
            return None
        server = self._world.servers[server_id]
        chosen = self.chosen(ec2, server)
        subnets = {subnet.id: subnet for by_zone in ec2.subnets.values() for subnet in by_zone.values()}
        if chosen.subnet is not None and chosen.subnet not in subnets:
            return _client_error("InvalidSubnetID.NotFound", f"The subnet ID '{chosen.subnet}' does not exist")
        unknown = next((one for one in chosen.groups if ec2.get_security_group_from_id(one) is None), None)
        if unknown:
            return _client_error("InvalidGroup.NotFound", f"The security group '{unknown}' does not exist")
        copied = self._world.address(server.spec) if server.spec.launch.copy_private_ip else None
        address = copied or chosen.private_ip
        if chosen.subnet and address and ip_address(address) not in ip_network(subnets[chosen.subnet].cidr_block):
            text = f"Address {address} does not fall within the subnet's address range"
            return _client_error("InvalidParameterValue", text)
        return None

    def on_dedicated_host(self, ec2: "EC2Backend", server_id: str) -> bool:
        """Whether a server is to be launched on a dedicated host."""
        if server_id not in self._held:
            return False
        data = self._data(ec2, self._world.servers[server_id])
        return bool((data.get("Placement") or {}).get("Tenancy") == "host")

    def _data(self, ec2: "EC2Backend", server: SourceServer) -> dict[str, Any]:
        template = ec2.launch_templates[self._held[server.spec.id]]
        return template.default_version().data

    def _make(self, ec2: "EC2Backend", server: SourceServer) -> None:
        """Make a server's template under the id that DRS tells."""
        models: Any = import_module("moto.ec2.models.launch_templates")
        name, template_id = server.spec.id, self._world.template_id(server)
        usual = models.random_launch_template_id
        models.random_launch_template_id = lambda: template_id  # moto takes no id from outside; we hold the lock
        try:
            own = MANAGED | {"AWSElasticDisasterRecoverySourceServerID": name, "Name": name}
            tags = {"launch-template": own}
            title = f"{name}-launch-template" + (f"-{server.templates_lost}" if server.templates_lost else "")
            ec2.create_launch_template(title, "created by DRS", _first_data(server), tags)
        finally:
            models.random_launch_template_id = usual
        self._held[name], self._written[name] = template_id, server.template_changes

    def _renew(self, ec2: "EC2Backend", server: SourceServer) -> None:
        """Write a new default version for each change of the settings; a disconnected server has no template."""
        template = ec2.launch_templates[self._held[server.spec.id]]
        if _gone(server):
            ec2.delete_launch_template("", template.id)
            del self._held[server.spec.id]
            return
        for _ in range(server.template_changes - self._written[server.spec.id]):
            data = deepcopy(template.default_version().data)
            if server.spec.launch.right_sizing != "NONE":
                data["InstanceType"] = server.spec.instance_type
            version = template.create_version(data, "modified by DRS")
            template.default_version_number = version.number
        self._written[server.spec.id] = server.template_changes

    def _replace_deleted(self, ec2: "EC2Backend") -> None:
        """Make those anew that somebody deleted: with defaults, and another id."""
        lost = [name for name, template_id in self._held.items() if template_id not in ec2.launch_templates]
        for name in lost:
            del self._held[name]
            server = self._world.servers.get(name)
            if server is not None and not _gone(server):
                server.templates_lost += 1
                self._make(ec2, server)


def _gone(server: SourceServer) -> bool:
    return server.spec.replication.state is ReplicationState.DISCONNECTED and server.sync is None


def _first_data(server: SourceServer) -> dict[str, Any]:
    """What DRS writes into a new template."""
    tags = MANAGED | {
        "AWSElasticDisasterRecoverySourceServerID": server.spec.id,
        "Name": server.tags.get("Name") or server.spec.hostname or server.spec.id,
    }
    return {
        "InstanceType": server.spec.instance_type,
        "NetworkInterfaces": [{"DeviceIndex": 0, "DeleteOnTermination": True}],
        "BlockDeviceMappings": [
            {"DeviceName": disk.device, "Ebs": {"VolumeType": "gp3", "DeleteOnTermination": True}}
            for disk in server.spec.disks
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for kind in ("instance", "volume")
        ],
    }


def _instance_tags(data: dict[str, Any]) -> dict[str, str]:
    specifications: Iterable[dict[str, Any]] = data.get("TagSpecifications") or ()
    return {
        tag["Key"]: tag["Value"]
        for one in specifications
        if one.get("ResourceType") == "instance"
        for tag in one["Tags"]
    }


def _client_error(code: str, message: str) -> str:
    return f"An error occurred ({code}) when calling the RunInstances operation: {message}"
