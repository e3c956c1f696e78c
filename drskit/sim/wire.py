"""How DRS writes things down: pages, and the shapes of its objects (drs-facts §2, §3, §7)."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from drskit.sim import refusals
from drskit.sim.actions import ActionRun, LaunchAction
from drskit.sim.conversion import conversion_properties
from drskit.sim.failback import FailbackScribe
from drskit.sim.fragments import Fragment
from drskit.sim.portrait import Portrait
from drskit.sim.records import Instance, Job, SourceServer
from drskit.sim.snapshots import Snapshot
from drskit.sim.spec import span
from drskit.sim.timeline import Launched, LogEntry
from drskit.sim.times import timestamp
from drskit.sim.world import World

Json = dict[str, Any]
Thing = TypeVar("Thing")


def page(
    things: Sequence[Thing], request: Json, *, size: int, name: Callable[[Thing], str], operation: str
) -> tuple[list[Thing], Json]:
    """One page, and the nextToken to add to the answer where there is more.

    A token names the last thing of its page, so that things which come or go between two pages neither repeat nor hide
    others; it is good for the same question only.
    """
    question = {key: value for key, value in request.items() if key not in ("nextToken", "maxResults")}
    digest = hashlib.sha256(json.dumps([operation, question], sort_keys=True).encode()).hexdigest()[:16]
    start = 0
    if token := request.get("nextToken"):
        last = _read_token(token, digest)
        names = [name(thing) for thing in things]
        if last not in names:
            raise _bad_token()
        start = names.index(last) + 1
    most = request.get("maxResults") or size
    if not isinstance(most, int) or most < 1:
        raise refusals.invalid("maxResults must be at least 1", name="maxResults")
    shown = list(things[start : start + most])
    if start + most >= len(things):
        return shown, {}
    text = json.dumps([digest, name(shown[-1])])
    return shown, {"nextToken": base64.urlsafe_b64encode(text.encode()).decode()}


def _read_token(token: str, digest: str) -> str:
    try:
        found, last = json.loads(base64.urlsafe_b64decode(str(token).encode()))
    except (ValueError, TypeError) as error:
        raise _bad_token() from error
    if found != digest:
        raise _bad_token()
    return str(last)


def _bad_token() -> refusals.Refusal:
    return refusals.invalid("Invalid nextToken", name="nextToken")


def launch_action(action: LaunchAction) -> Json:
    """A post-launch action."""
    return {
        "actionId": action.id,
        "actionCode": action.code,
        "type": action.kind,
        "name": action.name,
        "active": action.active,
        "order": action.order,
        "actionVersion": action.version,
        "optional": action.optional,
        "parameters": {name: dict(one) for name, one in action.parameters.items()},
        "description": action.description,
        "category": action.category,
    }


# --- objects ---------------------------------------------------------------------------------------------------------


class Scribe:
    """Writes the objects of a world as they stand at one instant."""

    def __init__(self, world: World, now: datetime) -> None:
        self._world = world
        self._now = now
        self._style = world.spec.behaviour.timestamp_style

    def time(self, at: datetime) -> str:
        """A time, in the world's style."""
        return timestamp(at, self._style)

    def job(self, job: Job) -> Json:
        """A job; `recoveryInstanceID` is normally absent, as in captures."""
        behaviour, status = self._world.spec.behaviour, job.status(self._now)
        servers: Fragment | list[Json] = self._participants(job)
        if job.kind == "TERMINATE" and status == "COMPLETED" and behaviour.terminate_empties_servers:
            servers = []
        arn = self._world.arn("job", job.id)
        written: Json = {
            "jobID": job.id,
            "arn": arn,
            "type": job.kind,
            "initiatedBy": job.initiated_by,
            "status": status,
            "creationDateTime": self.time(job.created_at),
            "participatingResources": [self._resource(job, network_id) for network_id in job.resource_ids],
            "participatingServers": servers,
            "tags": {"resourceArn": arn}
            if behaviour.tags_resource_arn and not job.tags
            else self._world.tags_of(job, self._now),
        }
        if status == "COMPLETED" and job.timeline.ends_at:
            written["endDateTime"] = self.time(job.timeline.ends_at)
        return written

    def log_entry(self, entry: LogEntry, job: Job) -> Json:
        """A line of a job's log."""
        data = {
            "sourceServerID": entry.server_id,
            "conversionServerID": entry.conversion_server,
            "targetInstanceID": entry.instance_id,
            "rawError": entry.error,
            "conversionProperties": self._conversion(entry, job),
            "eventResourceData": {"sourceNetworkData": dict(entry.network)} if entry.network else None,
        }
        present = {key: value for key, value in data.items() if value is not None}
        return {"event": entry.event, "eventData": present, "logDateTime": self.time(entry.at)}

    def _conversion(self, entry: LogEntry, job: Job) -> Json | None:
        told = self._world.spec.behaviour.conversion_properties and entry.event == "CONVERSION_END"
        server = self._world.servers.get(entry.server_id) if told and entry.server_id else None
        if server is None:
            return None
        taken = job.timeline.snapshots_at.get(server.spec.id, job.created_at)
        return conversion_properties(server.spec, self.time(taken), self._world.ids)

    def snapshot(self, server_id: str, snapshot: Snapshot) -> Json:
        """A point in time."""
        return {
            "snapshotID": snapshot.id,
            "sourceServerID": server_id,
            "expectedTimestamp": self.time(snapshot.at),
            "timestamp": self.time(snapshot.at),
            "ebsSnapshots": list(snapshot.volumes),
        }

    def _instance_state(self, instance: Instance) -> str:
        """DRS's EC2InstanceState: on the way from one to the next where the world takes its time for that."""
        behaviour, now = self._world.spec.behaviour, self._now
        takes, since = span(behaviour.state_change), instance.changed_at or instance.launched_at
        if instance.state == "terminated":
            forgotten = behaviour.not_found_after
            if forgotten is not None and now >= since + span(forgotten):
                return "NOT_FOUND"
            return "SHUTTING-DOWN" if now < since + takes else "TERMINATED"
        if instance.removal_at is not None and not instance.protected and now >= instance.removal_at - takes:
            return "SHUTTING-DOWN" if takes else instance.state.upper()
        if now < since + takes:
            return "STOPPING" if instance.state == "stopped" and instance.changed_at else "PENDING"
        return instance.state.upper()

    def recovery_instance(self, instance: Instance) -> Json:
        """A recovery instance."""
        server = self._world.servers[instance.server_id].spec
        from_aws = self._world.from_aws(server)
        devices = [
            {
                "internalDeviceName": disk.device,
                "bytes": disk.bytes,
                "ebsVolumeID": self._world.ids.ec2("vol", instance.id, disk.device),
            }
            for disk in server.disks
        ]
        written: Json = {
            "recoveryInstanceID": instance.id,
            "ec2InstanceID": instance.id,
            "ec2InstanceState": self._instance_state(instance),
            "arn": self._world.arn("recovery-instance", instance.id),
            "jobID": instance.job_id,
            "sourceServerID": instance.server_id,
            "isDrill": instance.is_drill,
            "originEnvironment": "AWS" if from_aws else "ON_PREMISES",
            "pointInTimeSnapshotDateTime": self.time(instance.snapshot_at),
            **FailbackScribe(self._world, instance, self._now).members(),
            "recoveryInstanceProperties": {"disks": devices},
            "tags": dict(instance.tags),
        }
        if server.agent:
            written["agentVersion"] = server.agent
        if server.origin_region:
            written["originAvailabilityZone"] = f"{server.origin_region}a"
        return written

    def launch_configuration(self, server: SourceServer) -> Json:
        """The launch settings."""
        spec = server.spec
        return {
            "sourceServerID": spec.id,
            "name": spec.launch.name or f"Launch Configuration for Source Server {spec.id}",
            "ec2LaunchTemplateID": self._world.template_id(server),
            "launchDisposition": spec.launch.disposition,
            "targetInstanceTypeRightSizingMethod": spec.launch.right_sizing,
            "copyPrivateIp": spec.launch.copy_private_ip,
            "copyTags": spec.launch.copy_tags,
            "licensing": {"osByol": spec.launch.os_byol},
            "postLaunchEnabled": spec.launch.post_launch,
            "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": spec.launch.into_instance}
            if spec.launch.into_instance
            else {},
            "recoveryMode": spec.launch.recovery_mode,
        }

    def source_server(self, server: SourceServer) -> Json:
        """A source server, with the mirror of its last launch."""
        spec, account = server.spec_at(self._now), self._world.spec.account
        result, last_launch, instance_id = self._last_launch(server)
        portrait = Portrait(self._world, server, self._now)
        written: Json = {
            "sourceServerID": spec.id,
            "arn": self._world.arn("source-server", spec.id),
            "tags": dict(server.tags),
            "lastLaunchResult": result,
            "dataReplicationInfo": portrait.replication(),
            "lifeCycle": portrait.life_cycle() | {"lastLaunch": last_launch},
            "sourceProperties": portrait.properties(),
            "stagingArea": portrait.staging(),
            "replicationDirection": server.direction,
        }
        more = {
            "recoveryInstanceId": instance_id,
            "agentVersion": spec.agent,
            "sourceNetworkID": spec.network,
            "reversedDirectionSourceServerArn": server.reversed_arn,
        }
        written |= {key: value for key, value in more.items() if value}
        if spec.origin_region:
            written["sourceCloudProperties"] = {
                "originAccountID": account,
                "originRegion": spec.origin_region,
                "originAvailabilityZone": f"{spec.origin_region}a",
            }
        return written

    def _participants(self, job: Job) -> Fragment:
        """A job's servers, written anew at each stage of it."""
        stage = job.stage(self._now)
        if job.told is None or job.told[0] != stage:
            job.told = stage, Fragment([self._participant(job, server_id) for server_id in job.server_ids])
        return job.told[1]

    def _participant(self, job: Job, server_id: str) -> Json:
        written: Json = {
            "sourceServerID": server_id,
            "launchStatus": self._world.server_status(job, server_id, self._now),
            "launchActionsStatus": self._actions(job, server_id),
        }
        if job.initiated_by == "FAILBACK":
            written["recoveryInstanceID"] = job.failback_instances[server_id]
        if self._world.spec.behaviour.recovery_instance_in_job and written["launchStatus"] == "LAUNCHED":
            outcome = job.timeline.outcomes[server_id]
            if isinstance(outcome, Launched):
                written["recoveryInstanceID"] = outcome.instance_id
        return written

    def _actions(self, job: Job, server_id: str) -> Json:
        """The post-launch actions that have begun."""
        plan = job.timeline.actions.get(server_id)
        if plan is None or plan.agent_at > self._now:
            return {"runs": []}
        begun = [run for run in plan.runs if run.begins_at <= self._now]
        return {"ssmAgentDiscoveryDatetime": self.time(plan.agent_at), "runs": [self._run(run) for run in begun]}

    def _run(self, run: ActionRun) -> Json:
        status = run.status(self._now)
        reason = {"failureReason": run.failure} if status == "FAILED" else {}
        return {"action": launch_action(run.action), "runId": run.id, "status": status, **reason}

    def _resource(self, job: Job, network_id: str) -> Json:
        status = self._world.server_status(job, network_id, self._now)
        return {"participatingResourceID": {"sourceNetworkID": network_id}, "launchStatus": status}

    def _last_launch(self, server: SourceServer) -> tuple[str, Json, str | None]:
        """`lastLaunchResult`, `lastLaunch` and the instance."""
        current = self._world.current_instance(server.spec.id, self._now)
        instance_id = current.id if current else None
        job = server.last_job
        if job is not None and self._now < job.created_at + span(self._world.spec.behaviour.last_launch_delay):
            job, current, instance_id = None, None, None
        if job is None:
            if current is None:
                return "NOT_STARTED", {"initiated": {}}, None
            kind = "DRILL" if current.is_drill else "RECOVERY"
            begun = {"apiCallDateTime": self.time(current.launched_at), "jobID": current.job_id, "type": kind}
            return "SUCCEEDED", {"initiated": begun, "status": "LAUNCHED"}, instance_id
        status = self._world.server_status(job, server.spec.id, self._now)
        result = {"LAUNCHED": "SUCCEEDED", "FAILED": "FAILED"}.get(status, "PENDING")
        if status == "LAUNCHED" and instance_id is None and self._world.spec.behaviour.last_launch_terminated:
            status = "TERMINATED"
        kind = "DRILL" if job.initiated_by == "START_DRILL" else "RECOVERY"
        begun = {"apiCallDateTime": self.time(job.created_at), "jobID": job.id, "type": kind}
        return result, {"initiated": begun, "status": status}, instance_id
