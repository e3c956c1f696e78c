"""How DRS writes things down: times, spans, pages, and the shapes of its objects (drs-facts §2, §3, §7)."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from drskit.sim import refusals
from drskit.sim.schedule import LogEntry
from drskit.sim.snapshots import Snapshot
from drskit.sim.spec import ReplicationState, span
from drskit.sim.world import Instance, Job, SourceServer, World

Json = dict[str, Any]
Thing = TypeVar("Thing")

INITIATION_STEPS = (
    "WAIT",
    "CREATE_SECURITY_GROUP",
    "LAUNCH_REPLICATION_SERVER",
    "BOOT_REPLICATION_SERVER",
    "AUTHENTICATE_WITH_SERVICE",
    "DOWNLOAD_REPLICATION_SOFTWARE",
    "CREATE_STAGING_DISKS",
    "ATTACH_STAGING_DISKS",
    "PAIR_REPLICATION_SERVER_WITH_AGENT",
    "CONNECT_AGENT_TO_REPLICATION_SERVER",
    "START_DATA_TRANSFER",
)
OS_TEXT = {"linux": "Linux version 5.10.0-28-cloud-amd64", "windows": "Microsoft Windows Server 2022 Datacenter 64bit"}


def timestamp(at: datetime, style: str = "offset") -> str:
    """`2022-12-07T19:15:38.846723+00:00`, always with microseconds; or with a Z."""
    text = at.astimezone(UTC).isoformat(timespec="microseconds")
    return text if style == "offset" else text.replace("+00:00", "Z")


def iso_span(length: timedelta) -> str:
    """`P0D`, `P2DT1H32M12.136909S`."""
    days, rest = length.days, length - timedelta(days=length.days)
    hours, rest = divmod(rest, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    seconds = f"{rest.total_seconds():.6f}".rstrip("0").rstrip(".")
    clock = "".join(
        f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value not in (0, "0")
    )
    date = f"{days}D" if days or not clock else ""
    return f"P{date}" + (f"T{clock}" if clock else "")


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
        servers = [self._participant(job, server_id) for server_id in job.server_ids]
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
            "participatingResources": [],
            "participatingServers": servers,
            "tags": {"resourceArn": arn}
            if behaviour.tags_resource_arn and not job.tags
            else self._world.tags_of(job, self._now),
        }
        if status == "COMPLETED" and job.timeline.ends_at:
            written["endDateTime"] = self.time(job.timeline.ends_at)
        return written

    def log_entry(self, entry: LogEntry) -> Json:
        """A line of a job's log."""
        data = {
            "sourceServerID": entry.server_id,
            "conversionServerID": entry.conversion_server,
            "targetInstanceID": entry.instance_id,
            "rawError": entry.error,
        }
        present = {key: value for key, value in data.items() if value is not None}
        return {"event": entry.event, "eventData": present, "logDateTime": self.time(entry.at)}

    def snapshot(self, server_id: str, snapshot: Snapshot) -> Json:
        """A point in time."""
        return {
            "snapshotID": snapshot.id,
            "sourceServerID": server_id,
            "expectedTimestamp": self.time(snapshot.at),
            "timestamp": self.time(snapshot.at),
            "ebsSnapshots": list(snapshot.volumes),
        }

    def recovery_instance(self, instance: Instance) -> Json:
        """A recovery instance."""
        server = self._world.servers[instance.server_id].spec
        from_aws = server.source_instance is not None or server.origin_region is not None
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
            "ec2InstanceState": instance.state.upper(),
            "arn": self._world.arn("recovery-instance", instance.id),
            "jobID": instance.job_id,
            "sourceServerID": instance.server_id,
            "isDrill": instance.is_drill,
            "originEnvironment": "AWS" if from_aws else "ON_PREMISES",
            "pointInTimeSnapshotDateTime": self.time(instance.snapshot_at),
            "dataReplicationInfo": {"dataReplicationState": "NOT_STARTED"},
            "failback": {"state": "FAILBACK_NOT_READY_FOR_LAUNCH" if from_aws else "FAILBACK_NOT_STARTED"},
            "recoveryInstanceProperties": {"disks": devices},
            "tags": dict(instance.tags),
        }
        if server.origin_region:
            written["originAvailabilityZone"] = f"{server.origin_region}a"
        return written

    def launch_configuration(self, server: SourceServer) -> Json:
        """The launch settings."""
        spec = server.spec
        return {
            "sourceServerID": spec.id,
            "name": f"Launch Configuration for Source Server {spec.id}",
            "ec2LaunchTemplateID": spec.launch.template or self._world.ids.ec2("lt", spec.id),
            "launchDisposition": spec.launch.disposition,
            "targetInstanceTypeRightSizingMethod": spec.launch.right_sizing,
            "copyPrivateIp": spec.launch.copy_private_ip,
            "copyTags": spec.launch.copy_tags,
            "licensing": {"osByol": spec.launch.os_byol},
            "postLaunchEnabled": spec.launch.post_launch,
            "launchIntoInstanceProperties": {},
            "recoveryMode": spec.launch.recovery_mode,
        }

    def source_server(self, server: SourceServer) -> Json:
        """A source server, with the mirror of its last launch."""
        spec, account = server.spec, self._world.spec.account
        result, last_launch, instance_id = self._last_launch(server)
        written: Json = {
            "sourceServerID": spec.id,
            "arn": self._world.arn("source-server", spec.id),
            "tags": dict(server.tags),
            "lastLaunchResult": result,
            "dataReplicationInfo": self._replication(server),
            "lifeCycle": self._life_cycle(server) | {"lastLaunch": last_launch},
            "sourceProperties": self._properties(server),
            "stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": account},
            "replicationDirection": "FAILOVER",
        }
        if instance_id:
            written["recoveryInstanceId"] = instance_id
        if spec.agent:
            written["agentVersion"] = spec.agent
        if spec.origin_region:
            written["sourceCloudProperties"] = {
                "originAccountID": account,
                "originRegion": spec.origin_region,
                "originAvailabilityZone": f"{spec.origin_region}a",
            }
        return written

    def _participant(self, job: Job, server_id: str) -> Json:
        written: Json = {
            "sourceServerID": server_id,
            "launchStatus": self._world.server_status(job, server_id, self._now),
            "launchActionsStatus": {"runs": []},
        }
        made = [one for one in self._world.instances.values() if one.job_id == job.id and one.server_id == server_id]
        if self._world.spec.behaviour.recovery_instance_in_job and written["launchStatus"] == "LAUNCHED" and made:
            written["recoveryInstanceID"] = made[0].id
        return written

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
        if status == "LAUNCHED" and instance_id is None:
            status = "TERMINATED"
        kind = "DRILL" if job.initiated_by == "START_DRILL" else "RECOVERY"
        begun = {"apiCallDateTime": self.time(job.created_at), "jobID": job.id, "type": kind}
        return result, {"initiated": begun, "status": status}, instance_id

    def _added(self, server: SourceServer) -> datetime:
        return server.spec.added or self._world.spec.start_time - timedelta(days=30)

    def _life_cycle(self, server: SourceServer) -> Json:
        added, replication = self._added(server), server.spec.replication
        ago = timedelta(seconds=self._world.ids.between(1, 60, server.spec.id, "seen"))
        seen = replication.last_seen or self._now - ago
        return {
            "addedToServiceDateTime": self.time(added),
            "firstByteDateTime": self.time(added + timedelta(minutes=1)),
            "elapsedReplicationDuration": iso_span(max(self._now - added, timedelta())),
            "lastSeenByServiceDateTime": self.time(seen),
        }

    def _replication(self, server: SourceServer) -> Json:
        replication, region = server.spec.replication, self._world.spec.region
        gone = replication.state is ReplicationState.DISCONNECTED
        share = replication.replicated_percent / 100
        disks = [
            {
                "deviceName": disk.device,
                "totalStorageBytes": 0 if gone else disk.bytes,
                "replicatedStorageBytes": 0 if gone else int(disk.bytes * share),
                "rescannedStorageBytes": 0 if gone else int(disk.bytes * share),
                "backloggedStorageBytes": replication.backlog_bytes if position == 0 else 0,
                "volumeStatus": "REGULAR",
            }
            for position, disk in enumerate(server.spec.disks)
        ]
        written: Json = {
            "dataReplicationState": replication.state.value,
            "replicatedDisks": disks,
            "stagingAvailabilityZone": f"{region}a",
            "dataReplicationInitiation": {
                "startDateTime": self.time(self._added(server)),
                "steps": [{"name": step, "status": "SUCCEEDED"} for step in INITIATION_STEPS],
            },
        }
        if not gone:
            written["lagDuration"] = iso_span(timedelta(seconds=replication.lag))
        if replication.error:
            written["dataReplicationError"] = {"error": replication.error, "rawError": replication.error}
        if replication.backlog_bytes or replication.state is ReplicationState.INITIAL_SYNC:
            written["etaDateTime"] = self.time(self._now + timedelta(minutes=30))
        return written

    def _properties(self, server: SourceServer) -> Json:
        spec = server.spec
        hostname = spec.hostname or spec.all_tags.get("Name", spec.id)
        hints = {"hostname": hostname, "fqdn": spec.fqdn or hostname}
        if spec.source_instance:
            hints["awsInstanceID"] = spec.source_instance
        digits = self._world.ids.ec2("mac", spec.id)[-10:]
        mac = ":".join(["0a", *(digits[place : place + 2] for place in range(0, 10, 2))])
        return {
            "lastUpdatedDateTime": self.time(self._added(server)),
            "recommendedInstanceType": spec.instance_type,
            "supportsNitroInstances": True,
            "identificationHints": hints,
            "cpus": [{"cores": 1, "modelName": "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz"}] * spec.cpus,
            "ramBytes": spec.memory_bytes,
            "disks": [{"deviceName": disk.device, "bytes": disk.bytes} for disk in spec.disks],
            "networkInterfaces": [{"ips": [spec.ip] if spec.ip else [], "macAddress": mac, "isPrimary": True}],
            "os": {"fullString": spec.os_text or OS_TEXT[spec.os]},
        }
