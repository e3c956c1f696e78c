"""Operations on source servers, their replication and their points in time."""

from collections.abc import Callable
from datetime import datetime

from drskit.sim import refusals, replicating
from drskit.sim.furniture import StagingServer
from drskit.sim.operations.call import Call, Operation, time_of
from drskit.sim.records import SourceServer
from drskit.sim.wire import Json
from drskit.sim.world import World


def _describe_source_servers(call: Call) -> Json:
    wanted, hardware = call.filters.get("sourceServerIDs"), call.filters.get("hardwareId")
    staging = call.filters.get("stagingAccountIDs")

    def matches(server: SourceServer) -> bool:
        return (
            (not wanted or server.spec.id in wanted)
            and (not hardware or hardware in _hardware(call.world, server))
            and (not staging or _staging_account(call.world, server) in staging)
        )

    every = list(call.world.servers.values())
    servers = [server for server in every if matches(server)] if call.filters else every
    return call.paged(servers, name=lambda server: server.spec.id, write=call.scribe.source_server)


def _hardware(world: World, server: SourceServer) -> set[str | None]:
    """What identifies the machine: its EC2 id, its VMware UUID, its MAC address."""
    return {server.spec.source_instance, server.spec.vmware_uuid, world.mac(server.spec.id)}


def _staging_account(world: World, server: SourceServer) -> str:
    return server.spec.extended.account if server.spec.extended else world.spec.account


def _describe_recovery_snapshots(call: Call) -> Json:
    server_id = call.server().spec.id
    begin, end = time_of(call.filters, "fromDateTime"), time_of(call.filters, "toDateTime")
    points = [point for point in call.world.snapshots(server_id, call.now) if call.within(point.at, begin, end)]
    if call.take("order", str, call.world.spec.behaviour.snapshot_order) == "DESC":
        points.reverse()
    return call.paged(points, name=lambda point: point.id, write=lambda point: call.scribe.snapshot(server_id, point))


def _changed(change: Callable[[World, SourceServer, datetime], None]) -> Callable[[Call], SourceServer]:
    """Change a source server, and show it as it is then."""

    def carry_out(call: Call) -> SourceServer:
        server = call.server()
        change(call.world, server, call.now)
        return server

    return carry_out


def _bare(change: Callable[[World, SourceServer, datetime], None]) -> Callable[[Call], Json]:
    """The answer is the server."""
    done = _changed(change)
    return lambda call: call.scribe.source_server(done(call))


def _wrapped(change: Callable[[World, SourceServer, datetime], None]) -> Callable[[Call], Json]:
    """The answer holds the server."""
    done = _changed(change)
    return lambda call: {"sourceServer": call.scribe.source_server(done(call))}


def _delete_source_server(call: Call) -> Json:
    replicating.delete(call.world, call.server(), call.now)
    return {}


def _list_extensible(call: Call) -> Json:
    account = call.need("stagingAccountID", str)
    if account not in {one.account for one in call.world.spec.staging}:
        raise refusals.denied(f"The staging account {account} has not let this account in")
    found = replicating.extensible(call.world, account)

    def write(one: StagingServer) -> Json:
        return {"hostname": one.hostname, "arn": replicating.staging_arn(call.world, one), "tags": dict(one.tags)}

    return call.paged(found, name=lambda one: one.id, write=write)


def _create_extended(call: Call) -> Json:
    arn, world = call.need("sourceServerArn", str), call.world
    staged = next((one for one in world.spec.staging if replicating.staging_arn(world, one) == arn), None)
    if staged is None:
        raise refusals.not_found(f"Source Server '{arn}' was not found", resource_id=arn, resource_type="SourceServer")
    if staged not in replicating.extensible(world, staged.account):
        raise refusals.invalid(f"Source Server '{arn}' is extended already", name="sourceServerArn", reason="other")
    server = replicating.extend(world, staged, call.tags(default={}), call.now)
    return {"sourceServer": call.scribe.source_server(server)}


def _list_staging_accounts(call: Call) -> Json:
    extended = [server.spec.extended.account for server in call.world.servers.values() if server.spec.extended]
    accounts = sorted(set(extended))
    return call.paged(accounts, name=str, write=lambda account: {"accountID": account}, key="accounts")


OPERATIONS = (
    Operation(
        "DescribeSourceServers", _describe_source_servers, "shape C, O; filters D; their combination and order I"
    ),
    Operation("DescribeRecoverySnapshots", _describe_recovery_snapshots, "schedule D; shape C; default order I"),
    Operation("StartReplication", _wrapped(replicating.start), "effect D; durations of the phases and refusals I"),
    Operation("StopReplication", _wrapped(replicating.stop), "effect D; refusals I"),
    Operation("RetryDataReplication", _bare(replicating.retry), "effect D; refusals I"),
    Operation("DisconnectSourceServer", _bare(replicating.disconnect), "effect and the recovery instance's refusal D"),
    Operation("DeleteSourceServer", _delete_source_server, "refusals D", status=204),
    Operation("ListExtensibleSourceServers", _list_extensible, "what is listed D; refusal of unknown accounts I"),
    Operation(
        "CreateExtendedSourceServer",
        _create_extended,
        "members D; the default key's refusal O; others I",
        status=201,
        lacks="the staging account has no DRS of its own here: nothing that is done there, such as a stop, is seen",
    ),
    Operation("ListStagingAccounts", _list_staging_accounts, "D"),
)
