"""What DRS shows of a source server besides its launches: replication, life, properties, staging (drs-facts §3.1)."""

from datetime import datetime, timedelta
from typing import Any

from drskit.sim.records import SourceServer
from drskit.sim.spec import Replication, ReplicationState, ServerSpec
from drskit.sim.times import iso_span, timestamp
from drskit.sim.world import World

Json = dict[str, Any]

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


def steps(
    state: str,
    error: str | None,
    done: float,
    names: tuple[str, ...] = INITIATION_STEPS,
    skipped: tuple[str, ...] = (),
) -> list[Json]:
    """The steps of an initiation: done ones, the one in progress or failed, and those not begun.

    Args:
        state: the replication's state.
        error: its error, such as FAILED_TO_LAUNCH_REPLICATION_SERVER; the step of that name has failed.
        done: which part of an initiation under way is over, from 0 to 1.
        names: the steps.
        skipped: those that are passed over.
    """
    failed = next((step for step in names if error and error.endswith(_object(step))), None)
    reached = len(names)
    if failed:
        reached = names.index(failed)
    elif state == "INITIATING":
        reached = min(int(done * len(names)), len(names) - 1)
    present = "FAILED" if failed else "IN_PROGRESS"
    told = {True: "SUCCEEDED", False: "NOT_STARTED"}
    passed = {step: "SKIPPED" for step in skipped if step != failed}
    return [
        {"name": step, "status": passed.get(step) or (present if position == reached else told[position < reached])}
        for position, step in enumerate(names)
    ]


def _object(step: str) -> str:
    """`FAILED_TO_LAUNCH_REPLICATION_SERVER` names the step LAUNCH_REPLICATION_SERVER."""
    return f"FAILED_TO_{step}"


class Portrait:
    """A source server as it stands at one instant."""

    def __init__(self, world: World, server: SourceServer, now: datetime) -> None:
        self._world, self._server, self._now = world, server, now
        self._spec: ServerSpec = server.spec_at(now)

    def _time(self, at: datetime) -> str:
        return timestamp(at, self._world.spec.behaviour.timestamp_style)

    def _added(self) -> datetime:
        return self._spec.added or self._world.spec.start_time - timedelta(days=30)

    def life_cycle(self) -> Json:
        """`lifeCycle`, without its last launch."""
        added, replication = self._added(), self._spec.replication
        ago = timedelta(seconds=self._world.ids.between(1, 60, self._spec.id, "seen"))
        seen = replication.last_seen or self._now - ago
        return {
            "addedToServiceDateTime": self._time(added),
            "firstByteDateTime": self._time(added + timedelta(minutes=1)),
            "elapsedReplicationDuration": iso_span(max(self._now - added, timedelta())),
            "lastSeenByServiceDateTime": self._time(seen),
        }

    def replication(self) -> Json:
        """`dataReplicationInfo`."""
        replication, region = self._spec.replication, self._world.spec.region
        state, sync = replication.state, self._server.sync
        gone = state is ReplicationState.DISCONNECTED
        done = 0.5
        if sync is not None and sync.syncs_at > sync.began_at:
            done = (self._now - sync.began_at) / (sync.syncs_at - sync.began_at)
        began = sync.began_at if sync else self._added()
        written: Json = {
            "dataReplicationState": state.value,
            "replicatedDisks": self._disks(replication),
            "stagingAvailabilityZone": f"{region}a",
            "dataReplicationInitiation": {
                "startDateTime": self._time(began),
                "steps": steps(state.value, replication.error, done, skipped=replication.skipped),
            },
        }
        if not gone:
            written["lagDuration"] = iso_span(timedelta(seconds=replication.lag))
        if replication.error:
            written["dataReplicationError"] = {"error": replication.error, "rawError": replication.error}
        if replication.backlog_bytes or state is ReplicationState.INITIAL_SYNC:
            eta = sync.done_at if sync else self._now + timedelta(minutes=30)
            written["etaDateTime"] = self._time(eta)
        return written

    def _disks(self, replication: Replication) -> list[Json]:
        gone = replication.state is ReplicationState.DISCONNECTED
        share = replication.replicated_percent / 100
        return [
            {
                "deviceName": disk.device,
                "totalStorageBytes": 0 if gone else disk.bytes,
                "replicatedStorageBytes": 0 if gone else int(disk.bytes * share),
                "rescannedStorageBytes": 0 if gone else int(disk.bytes * share),
                "backloggedStorageBytes": replication.backlog_bytes if position == 0 else 0,
                "volumeStatus": disk.volume,
            }
            for position, disk in enumerate(self._spec.disks)
        ]

    def properties(self) -> Json:
        """`sourceProperties`."""
        spec = self._spec
        hostname = spec.hostname or spec.all_tags.get("Name", spec.id)
        hints = {"hostname": hostname, "fqdn": spec.fqdn or hostname}
        if spec.source_instance:
            hints["awsInstanceID"] = spec.source_instance
        if spec.vmware_uuid:
            hints["vmWareUuid"] = spec.vmware_uuid
        written: Json = {
            "lastUpdatedDateTime": self._time(self._added()),
            "recommendedInstanceType": spec.instance_type,
            "supportsNitroInstances": True,
            "identificationHints": hints,
            "cpus": [{"cores": 1, "modelName": "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz"}] * spec.cpus,
            "ramBytes": spec.memory_bytes,
            "disks": [{"deviceName": disk.device, "bytes": disk.bytes} for disk in spec.disks],
            "networkInterfaces": [
                {"ips": [self._world.address(spec)], "macAddress": self._world.mac(spec.id), "isPrimary": True}
            ],
            "os": {"fullString": spec.os_text or OS_TEXT[spec.os]},
        }
        if spec.architecture:
            written["architecture"] = spec.architecture
        return written

    def staging(self) -> Json:
        """`stagingArea`."""
        extended = self._spec.extended
        if extended is None:
            return {"status": "NOT_EXTENDED", "stagingAccountID": self._world.spec.account}
        written: Json = {"status": "EXTENDED", "stagingAccountID": extended.account}
        if self._server.staging_arn:
            written["stagingSourceServerArn"] = self._server.staging_arn
        if extended.error:
            written |= {"status": "EXTENSION_ERROR", "errorMessage": extended.error}
        return written
