"""Operations on what a launch is to be like."""

from drskit.sim.operations.call import Call, Operation
from drskit.sim.wire import Json


def _get_launch_configuration(call: Call) -> Json:
    return call.scribe.launch_configuration(call.server())


OPERATIONS = (Operation("GetLaunchConfiguration", _get_launch_configuration, "shape C; recoveryMode D"),)
