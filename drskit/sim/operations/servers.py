"""Operations on source servers and their points in time."""

from drskit.sim.operations.call import Call, Operation, time_of
from drskit.sim.wire import Json
from drskit.sim.world import SourceServer


def _describe_source_servers(call: Call) -> Json:
    wanted, hardware = call.filters.get("sourceServerIDs"), call.filters.get("hardwareId")
    staging = call.filters.get("stagingAccountIDs")

    def matches(server: SourceServer) -> bool:
        return (
            (not wanted or server.spec.id in wanted)
            and (not hardware or hardware == server.spec.source_instance)
            and (not staging or call.world.spec.account in staging)
        )

    servers = [server for server in call.world.servers.values() if matches(server)]
    return call.paged(servers, name=lambda server: server.spec.id, write=call.scribe.source_server)


def _describe_recovery_snapshots(call: Call) -> Json:
    server_id = call.server().spec.id
    begin, end = time_of(call.filters, "fromDateTime"), time_of(call.filters, "toDateTime")
    points = [
        point
        for point in call.world.snapshots(server_id, call.now)
        if (begin is None or point.at >= begin) and (end is None or point.at <= end)
    ]
    if call.take("order", str, "DESC") == "DESC":
        points.reverse()
    return call.paged(points, name=lambda point: point.id, write=lambda point: call.scribe.snapshot(server_id, point))


OPERATIONS = (
    Operation(
        "DescribeSourceServers", _describe_source_servers, "shape C, O; filters D; their combination and order I"
    ),
    Operation("DescribeRecoverySnapshots", _describe_recovery_snapshots, "schedule D; shape C; default order I"),
)
