"""What DRS refuses to begin: requests that are wrong in themselves, servers that cannot be launched, and full quotas.

A request for many servers is refused as a whole (drs-facts §4).
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from drskit.sim import refusals
from drskit.sim.furniture import UNLAUNCHABLE_VOLUMES
from drskit.sim.records import SourceServer
from drskit.sim.snapshots import has_snapshots
from drskit.sim.spec import ReplicationState, ServerSpec

if TYPE_CHECKING:
    from drskit.sim.world import World

UNLAUNCHABLE = {
    ReplicationState.DISCONNECTED: "is disconnected",
    ReplicationState.STOPPED: "has stopped replication",
    ReplicationState.INITIATING: "has no consistent recovery point yet",
    ReplicationState.INITIAL_SYNC: "has no consistent recovery point yet",
}
SERVER_ID = re.compile(r"^s-[0-9a-zA-Z]{17}$")
SNAPSHOT_ID = re.compile(r"^pit-[0-9a-zA-Z]{17}$")
INSTANCE_ID = re.compile(r"^i-[0-9a-fA-F]{8,}$")


def check_request(world: "World", pins: list[tuple[str, str | None]]) -> None:
    """Refuse a request to launch that is wrong in itself, whatever its servers are like."""
    ids, behaviour = [server_id for server_id, _ in pins], world.spec.behaviour
    if not ids:
        raise refusals.invalid("At least one source server is needed", name="sourceServers")
    for server_id, pin in pins:
        if not SERVER_ID.match(server_id):
            raise refusals.invalid(f"'{server_id}' is not a source server id", name="sourceServerID")
        if pin is not None and not SNAPSHOT_ID.match(pin):
            raise refusals.invalid(f"'{pin}' is not a recovery snapshot id", name="recoverySnapshotID")
    if len(set(ids)) < len(ids):
        raise refusals.invalid("A source server stands twice in the request", name="sourceServers")
    most = behaviour.servers_per_job_quota
    if len(ids) > most:
        message = f"A job takes at most {most} source servers, not {len(ids)}"
        if behaviour.too_many_servers_error == "ValidationException":
            raise refusals.invalid(message, name="sourceServers")
        raise refusals.over_quota(message, quota="L-B827C881", resource_type="Job")
    unknown = next((server_id for server_id in ids if server_id not in world.servers), None)
    if unknown and behaviour.unknown_server_error == "ValidationException":
        raise refusals.invalid(f"Source Server with Id: '{unknown}' was not found", name="sourceServerID")


def check_launchable(world: "World", server: SourceServer, pin: str | None, now: datetime) -> None:
    """Refuse to launch a server that cannot be, or not from this snapshot."""
    name = server.spec.id
    first = server.sync.done_at if server.sync else None
    there = has_snapshots(server.spec_at(now), now=now, first=first)
    reason = (
        unlaunchable(server.spec_at(now))
        or _unlicensed(world, server)
        or (None if there else "has no consistent recovery point yet")
    )
    if reason:
        message = f"Source Server with Id: '{name}' {reason} and cannot be launched"
        if world.spec.behaviour.unlaunchable_error == "ValidationException":
            raise refusals.invalid(message, name="sourceServers")
        raise refusals.conflict(message, resource_id=name, resource_type="SourceServer")
    if pin is not None and pin not in {point.id for point in world.snapshots(name, now)}:
        raise refusals.invalid(f"Recovery snapshot '{pin}' does not exist for '{name}'", name="recoverySnapshotID")


def _unlicensed(world: "World", server: SourceServer) -> str | None:
    """Why a licence of one's own does not do: Windows runs on it only on dedicated hosts (drs-facts §4, §8)."""
    own = server.spec.os == "windows" and server.spec.launch.os_byol and server.byol_set
    if own and not world.on_dedicated_host(server.spec.id):
        return "brings its own licence, and its launch template names no dedicated host"
    return None


def check_room(world: "World", server_ids: tuple[str, ...], now: datetime) -> None:
    """Refuse a job of these servers while one of them is busy, or when a quota would be passed."""
    _check_busy(world, server_ids, now)
    _check_quotas(world, len(server_ids), now)


def _check_busy(world: "World", server_ids: Iterable[str], now: datetime) -> None:
    if world.busy(now).intersection(server_ids):
        raise refusals.conflict(refusals.BUSY)


def _check_quotas(world: "World", more: int, now: datetime) -> None:
    behaviour = world.spec.behaviour
    if not behaviour.quotas_hold:
        return
    running = [job for job in world.running_jobs(now) if behaviour.terminate_counts or job.kind != "TERMINATE"]
    if len(running) >= behaviour.jobs_quota:
        message = f"{len(running)} jobs are in progress, as many as the quota allows"
        raise refusals.over_quota(message, quota="L-D88FAC3A", resource_type="Job")
    served = sum(len(job.server_ids) for job in running)
    if served + more > behaviour.servers_in_jobs_quota:
        message = f"{served} source servers are in jobs; {more} more would pass the quota"
        raise refusals.over_quota(message, quota="L-05AFA8C6", resource_type="SourceServer")


def unlaunchable(spec: ServerSpec) -> str | None:
    """Why a server cannot be launched as it stands."""
    volume = next((disk.volume for disk in spec.disks if disk.volume in UNLAUNCHABLE_VOLUMES), None)
    if volume:
        return f"has a volume whose status is {volume}"
    if spec.extended and spec.extended.error:
        return f"cannot reach its staging server: {spec.extended.error}"
    return UNLAUNCHABLE.get(spec.replication.state)
