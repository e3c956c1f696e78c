"""Where moto keeps a simulated DRS: one backend for each account and Region."""

from datetime import datetime
from typing import ClassVar

from moto.core.base_backend import BackendDict, BaseBackend

from drskit.clock import Clock, SystemClock
from drskit.sim.spec import WorldSpec
from drskit.sim.world import World


class DrsBackend(BaseBackend):
    """DRS in one Region of one account; a Region that nobody inhabits has no servers."""

    moment: ClassVar[datetime | None] = None
    """The instant of the request that is being answered, in whatever Region: a late one is answered as of its
    arrival."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.clock: Clock = SystemClock()
        self.inhabit(World(WorldSpec(account=account_id, region=region_name, start=self.now())), self.clock)

    def inhabit(self, world: World, clock: Clock) -> None:
        """Let this Region hold a world."""
        self.world, self.clock = world, clock
        world.abroad = self._abroad

    def now(self) -> datetime:
        """The instant of the request."""
        return DrsBackend.moment or self.clock.now()

    def _abroad(self, region: str) -> World | None:
        """The same account elsewhere; where there are no servers yet, it behaves as here, and keeps what it has."""
        if region == self.region_name:
            return self.world
        if region not in drs_backends[self.account_id].regions:
            return None
        other: DrsBackend = drs_backends[self.account_id][region]
        if not other.world.servers and not other.world.jobs:
            behaviour = self.world.spec.behaviour.model_copy(update={"initialized": self.world.initialized})
            nothing = {"servers": (), "jobs": (), "faults": (), "staging": (), "networks": ()}
            spec = self.world.spec.model_copy(update={"region": region, "behaviour": behaviour, **nothing})
            other.clock = self.clock
            if spec != other.world.spec:
                other.world.behave_by(spec)
        return other.world


drs_backends = BackendDict(DrsBackend, "drs")
