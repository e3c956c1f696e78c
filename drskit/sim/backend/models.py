"""Where moto keeps a simulated DRS: one backend for each account and Region."""

from datetime import datetime

from moto.core.base_backend import BackendDict, BaseBackend

from drskit.clock import Clock, SystemClock
from drskit.sim.spec import WorldSpec
from drskit.sim.world import World


class DrsBackend(BaseBackend):
    """DRS in one Region of one account; a Region that nobody inhabits has no servers."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.clock: Clock = SystemClock()
        self.moment: datetime | None = None
        self.world = World(WorldSpec(account=account_id, region=region_name, start=self.clock.now()))

    def inhabit(self, world: World, clock: Clock) -> None:
        """Let this Region hold a world."""
        self.world, self.clock = world, clock

    def now(self) -> datetime:
        """The instant of the request: a late one is answered as of its arrival."""
        return self.moment or self.clock.now()


drs_backends = BackendDict(DrsBackend, "drs")
