"""The EC2 instances that source servers come from, where a world has them.

They are ordinary instances of moto's in the Region of their origin, made when
somebody asks EC2 there; DRS knows of them only what its agent tells.
"""

from datetime import timedelta

from drskit.sim.backend.insides import named_after
from drskit.sim.backend.loading import insides_of_ec2
from drskit.sim.spec import ServerSpec
from drskit.sim.world import World


class Fleet:
    """The instances that a world's source servers come from."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: set[str] = set()

    def settle(self, region: str) -> None:
        """Let those of a Region exist, before EC2 is asked there."""
        for server in self._world.spec.servers:
            home = server.origin_region or self._world.spec.region
            if server.source_instance and home == region and server.id not in self._made:
                self._made.add(server.id)
                self._run(server, region)

    def _run(self, server: ServerSpec, region: str) -> None:
        """With the name of its server; any other tag is for its owner to give."""
        inside = insides_of_ec2()
        ec2 = inside.backend(self._world.spec.account, region)
        with named_after(str(server.source_instance)):
            inside.run(
                ec2,
                inside.Wanted(
                    str(server.source_instance),
                    server.instance_type,
                    (server.added or self._world.spec.start_time) - timedelta(days=1),
                    {"Name": server.all_tags.get("Name") or server.hostname or server.id},
                    private_ip=self._world.address(server),
                ),
            )
