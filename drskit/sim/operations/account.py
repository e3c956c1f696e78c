"""Operations on the account itself."""

from drskit.sim.operations.call import Call, Operation
from drskit.sim.wire import Json


def _initialize(call: Call) -> Json:
    call.world.initialized = True
    return {}


OPERATIONS = (Operation("InitializeService", _initialize, "D; its roles D, their policies not", status=204),)
