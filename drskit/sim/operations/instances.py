"""Operations on recovery instances."""

from drskit.sim.operations.call import Call, Operation
from drskit.sim.wire import Json


def _describe_recovery_instances(call: Call) -> Json:
    wanted, servers = call.filters.get("recoveryInstanceIDs"), call.filters.get("sourceServerIDs")
    listed = [
        one
        for one in call.world.listed_instances(call.now)
        if (not wanted or one.id in wanted) and (not servers or one.server_id in servers)
    ]
    return call.paged(listed, name=lambda one: one.id, write=call.scribe.recovery_instance)


OPERATIONS = (Operation("DescribeRecoveryInstances", _describe_recovery_instances, "shape C, O; order I"),)
