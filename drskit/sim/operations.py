"""The operations of DRS: a request's JSON in, an answer's JSON out.

Each takes a `Call` and returns its answer; a refusal is raised. An operation
that DRS has and this module lacks is refused as not simulated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drskit.sim import refusals
from drskit.sim.wire import Json, Scribe, page
from drskit.sim.world import SERVER_ID, Job, SourceServer, World


@dataclass(frozen=True)
class Call:
    """A request to DRS at an instant."""

    world: World
    now: datetime
    operation: str
    request: Json

    @property
    def scribe(self) -> Scribe:
        """Writes the world as it is now."""
        return Scribe(self.world, self.now)

    @property
    def filters(self) -> Json:
        """The filters; none is like `{}`."""
        filters: Json = self.take("filters", dict, {})
        return filters

    def take(self, name: str, kind: type, default: Any = None) -> Any:
        """A member of the request, of a JSON type."""
        value = self.request.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise refusals.invalid(f"{name} has the wrong type", name=name, reason="cannotParse")
        return value

    def need(self, name: str, kind: type) -> Any:
        """A member that must be there."""
        value = self.take(name, kind)
        if value is None:
            raise refusals.invalid(f"{name} is required", name=name)
        return value

    def paged(self, things: list[Any], *, name: Callable[[Any], str], write: Callable[[Any], Json]) -> Json:
        """One page of things."""
        size = self.world.spec.behaviour.page_size
        shown, more = page(things, self.request, size=size, name=name, operation=self.operation)
        return {"items": [write(thing) for thing in shown], **more}


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: Json


def answer(call: Call) -> Answer:
    """Carry out a request.

    Raises:
        Refusal: DRS refuses it.
    """
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        raise refusals.not_simulated(call.operation)
    if not call.world.spec.behaviour.initialized and "Tag" not in call.operation:
        raise refusals.uninitialized()
    return Answer(STATUS.get(call.operation, 200), operation(call))


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


def _describe_jobs(call: Call) -> Json:
    wanted = call.filters.get("jobIDs")
    begin, end = _time(call.filters, "fromDate"), _time(call.filters, "toDate")

    def matches(job: Job) -> bool:
        after, before = begin is None or job.created_at >= begin, end is None or job.created_at <= end
        return (not wanted or job.id in wanted) and after and before

    jobs = [job for job in call.world.visible_jobs(call.now, named=bool(wanted)) if matches(job)]
    return call.paged(jobs, name=lambda job: job.id, write=call.scribe.job)


def _describe_job_log_items(call: Call) -> Json:
    job = call.world.job(call.need("jobID", str))
    shown = call.world.spec.behaviour.emit_launch_end
    entries = [
        entry for entry in job.timeline.entries if entry.at <= call.now and (shown or entry.event != "LAUNCH_END")
    ]
    numbered = list(enumerate(entries))
    return call.paged(numbered, name=lambda one: str(one[0]), write=lambda one: call.scribe.log_entry(one[1]))


def _describe_recovery_instances(call: Call) -> Json:
    wanted, servers = call.filters.get("recoveryInstanceIDs"), call.filters.get("sourceServerIDs")
    listed = [
        one
        for one in call.world.listed_instances(call.now)
        if (not wanted or one.id in wanted) and (not servers or one.server_id in servers)
    ]
    return call.paged(listed, name=lambda one: one.id, write=call.scribe.recovery_instance)


def _describe_recovery_snapshots(call: Call) -> Json:
    server_id = _server(call).spec.id
    begin, end = _time(call.filters, "fromDateTime"), _time(call.filters, "toDateTime")
    points = [
        point
        for point in call.world.snapshots(server_id, call.now)
        if (begin is None or point.at >= begin) and (end is None or point.at <= end)
    ]
    if call.take("order", str, "DESC") == "DESC":
        points.reverse()
    return call.paged(points, name=lambda point: point.id, write=lambda point: call.scribe.snapshot(server_id, point))


def _get_launch_configuration(call: Call) -> Json:
    return call.scribe.launch_configuration(_server(call))


def _start_recovery(call: Call) -> Json:
    servers = call.need("sourceServers", list)
    if not all(isinstance(server, dict) and isinstance(server.get("sourceServerID"), str) for server in servers):
        raise refusals.invalid("Each source server needs a sourceServerID", name="sourceServers")
    pins = [(server["sourceServerID"], server.get("recoverySnapshotID")) for server in servers]
    job = call.world.start_recovery(
        pins, is_drill=call.take("isDrill", bool, default=False), tags=_tags(call, default={}), now=call.now
    )
    return {"job": call.scribe.job(job)}


def _terminate_recovery_instances(call: Call) -> Json:
    job = call.world.terminate(call.need("recoveryInstanceIDs", list), now=call.now)
    return {"job": call.scribe.job(job)}


def _delete_job(call: Call) -> Json:
    call.world.delete_job(call.need("jobID", str), call.now)
    return {}


def _tag_resource(call: Call) -> Json:
    call.world.taggable(call.need("resourceArn", str), call.now).update(_tags(call))
    return {}


def _untag_resource(call: Call) -> Json:
    held = call.world.taggable(call.need("resourceArn", str), call.now)
    for key in call.need("tagKeys", list):
        held.pop(key, None)
    return {}


def _list_tags_for_resource(call: Call) -> Json:
    return {"tags": dict(call.world.taggable(call.need("resourceArn", str), call.now))}


STATUS = {"StartRecovery": 202, "DeleteJob": 204}
"""The HTTP statuses of success that are not 200 (drs-facts §2)."""
OPERATIONS: dict[str, Callable[[Call], Json]] = {
    "DescribeSourceServers": _describe_source_servers,
    "DescribeJobs": _describe_jobs,
    "DescribeJobLogItems": _describe_job_log_items,
    "DescribeRecoveryInstances": _describe_recovery_instances,
    "DescribeRecoverySnapshots": _describe_recovery_snapshots,
    "GetLaunchConfiguration": _get_launch_configuration,
    "StartRecovery": _start_recovery,
    "TerminateRecoveryInstances": _terminate_recovery_instances,
    "DeleteJob": _delete_job,
    "TagResource": _tag_resource,
    "UntagResource": _untag_resource,
    "ListTagsForResource": _list_tags_for_resource,
}


def _server(call: Call) -> SourceServer:
    server_id = call.need("sourceServerID", str)
    if not SERVER_ID.match(server_id):
        raise refusals.invalid(f"'{server_id}' is not a source server id", name="sourceServerID")
    if server_id not in call.world.servers:
        message = f"Source Server with Id: '{server_id}' was not found"
        raise refusals.not_found(message, resource_id=server_id, resource_type="SourceServer")
    return call.world.servers[server_id]


def _tags(call: Call, default: dict[str, str] | None = None) -> dict[str, str]:
    tags = call.take("tags", dict, default)
    if tags is None or not all(isinstance(value, str) for value in tags.values()):
        raise refusals.invalid("Invalid request provided: Tags", name="tags")
    return dict(tags)


def _time(filters: Json, name: str) -> datetime | None:
    """A time of a filter; both spellings of UTC are read."""
    text = filters.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise refusals.invalid(f"{name} is not a time", name=name, reason="cannotParse") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
