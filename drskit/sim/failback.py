"""Failback: how a recovery instance gets back to where it came from (drs-facts §11).

A machine of AWS's is replicated back by a source server in the other Region,
which is launched there like any other. Any other machine is booted with the
failback client, by somebody outside of DRS, and launched by a FAILBACK job.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drskit.sim import refusals
from drskit.sim.admission import check_room
from drskit.sim.furniture import Failback
from drskit.sim.newcomers import into_source, welcome
from drskit.sim.portrait import INITIATION_STEPS, steps
from drskit.sim.records import Instance, Job, SourceServer
from drskit.sim.spec import Snapshots, span
from drskit.sim.sync import Sync, begin
from drskit.sim.timeline import Failed, Launched, LogEntry, Outcome, Timeline
from drskit.sim.times import iso_span, timestamp
from drskit.sim.world import World

Json = dict[str, Any]

CLIENT_STEPS = (
    "LINK_FAILBACK_CLIENT_WITH_RECOVERY_INSTANCE",
    "COMPLETE_VOLUME_MAPPING",
    "ESTABLISH_RECOVERY_INSTANCE_COMMUNICATION",
    "DOWNLOAD_REPLICATION_SOFTWARE_TO_FAILBACK_CLIENT",
    "CONFIGURE_REPLICATION_SOFTWARE",
    "PAIR_AGENT_WITH_REPLICATION_SOFTWARE",
    "ESTABLISH_AGENT_REPLICATOR_SOFTWARE_COMMUNICATION",
)


@dataclass(frozen=True)
class Standing:
    """How far a failback is."""

    state: str
    """DRS's FailbackState."""
    replication: str
    """DRS's RecoveryInstanceDataReplicationState."""
    sync: Sync | None = None
    error: str | None = None
    launch: Job | None = None
    """The job that launched the machine it fails back to."""


def standing(world: World, instance: Instance, now: datetime) -> Standing:
    """How the failback of an instance stands at this instant."""
    if instance.disconnected_at is not None:
        return Standing("FAILBACK_LAUNCH_STATE_NOT_AVAILABLE", "DISCONNECTED")
    if instance.state in {"terminated", "shutting-down"}:
        return Standing("FAILBACK_LAUNCH_STATE_NOT_AVAILABLE", "REPLICATION_STATE_NOT_AVAILABLE")
    if world.from_aws(world.servers[instance.server_id].spec):
        return _reversed(world, instance, now)
    return _by_client(world, instance, now)


def _reversed(world: World, instance: Instance, now: datetime) -> Standing:
    back = _other(world, instance)
    if back is None:
        return Standing("FAILBACK_NOT_READY_FOR_LAUNCH", "NOT_STARTED")
    elsewhere, server = back
    replication = server.spec_at(now).replication
    state = replication.state.value
    job = server.last_job
    if job is not None:
        told = {"LAUNCHED": "FAILBACK_COMPLETED", "FAILED": "FAILBACK_ERROR"}
        launched = told.get(elsewhere.server_status(job, server.spec.id, now), "FAILBACK_IN_PROGRESS")
        return Standing(launched, state, server.sync, replication.error, job)
    ready = bool(elsewhere.snapshots(server.spec.id, now))
    return Standing(
        "FAILBACK_READY_FOR_LAUNCH" if ready else "FAILBACK_NOT_READY_FOR_LAUNCH",
        state,
        server.sync,
        replication.error,
    )


def _other(world: World, instance: Instance) -> tuple[World, SourceServer] | None:
    """The source server that replicates an instance back, and its Region."""
    if instance.reversed_arn is None:
        return None
    parts = instance.reversed_arn.split(":")
    elsewhere = world.abroad(parts[3])
    server = elsewhere.servers.get(parts[5].partition("/")[2]) if elsewhere else None
    return (elsewhere, server) if elsewhere and server else None


def _by_client(world: World, instance: Instance, now: datetime) -> Standing:
    rules = world.servers[instance.server_id].spec.failback
    linked_at = _linked_at(instance, rules)
    if linked_at is None or now < linked_at:
        return Standing("FAILBACK_NOT_STARTED", "NOT_STARTED")
    sync = begin(world.spec.behaviour, linked_at, initial_sync=rules.sync)
    if rules.error:
        return Standing("FAILBACK_ERROR", "STALLED", sync, rules.error)
    state, job = sync.state(now).value, instance.failback
    state = rules.replication if state == "CONTINUOUS" else state
    if job is not None and job.ended(now):
        done = world.server_status(job, instance.server_id, now) == "LAUNCHED"
        return Standing("FAILBACK_COMPLETED" if done else "FAILBACK_ERROR", state, sync, launch=job)
    ready = job is None and now >= sync.done_at
    return Standing("FAILBACK_READY_FOR_LAUNCH" if ready else "FAILBACK_IN_PROGRESS", state, sync, launch=job)


def _linked_at(instance: Instance, rules: Failback) -> datetime | None:
    """When somebody boots the failback client, the first time or after the last stop; None: never."""
    stopped_at = instance.failback_stopped_at
    begun, after = (
        (instance.launched_at, rules.client_after) if stopped_at is None else (stopped_at, rules.client_again)
    )
    return None if after is None else begun + span(after)


# --- requests --------------------------------------------------------------------------------------------------------


def reverse(world: World, instance: Instance, now: datetime) -> str:
    """Replicate an instance back to where it came from; the ARN of the source server there."""
    server = world.servers[instance.server_id]
    _refuse_if(instance.disconnected_at is not None, instance, "is disconnected")
    _refuse_if(instance.reversed_arn is not None, instance, "is replicated back already")
    if not world.from_aws(server.spec):
        text = f"Recovery Instance with Id: '{instance.id}' does not originate in EC2"
        raise refusals.invalid(text, name="recoveryInstanceID", reason="other")
    region = server.spec.origin_region or world.spec.region
    elsewhere = world.abroad(region)
    if elsewhere is None or not elsewhere.initialized:
        raise refusals.uninitialized()
    made = elsewhere.ids.named("s", "reversed", world.spec.region, instance.id)
    settings = into_source(elsewhere.settings, server.spec.source_instance, otherwise=server.spec.launch)
    spec = server.spec.model_copy(
        update={
            "id": made,
            "source_instance": instance.id,
            "origin_region": world.spec.region,
            "added": now,
            "instances": (),
            "launches": (),
            "fails": None,
            "snapshots": Snapshots(),
            "launch": settings,
        }
    )
    welcome(elsewhere.settings, made)
    direction = "FAILBACK" if server.direction == "FAILOVER" else "FAILOVER"
    sync = begin(elsewhere.spec.behaviour, now)
    arn = world.arn("source-server", server.spec.id)
    elsewhere.servers[made] = SourceServer(spec, dict(server.tags), sync=sync, direction=direction, reversed_arn=arn)
    instance.reversed_arn = server.reversed_arn = elsewhere.arn("source-server", made)
    instance.failback_begun_at = now
    return instance.reversed_arn


def launch(world: World, instance_ids: list[str], *, tags: dict[str, str], now: datetime) -> Job:
    """Start a job that boots the old machines from what was replicated back to them."""
    if len(set(instance_ids)) < len(instance_ids):
        raise refusals.invalid("A recovery instance stands twice in the request", name="recoveryInstanceIDs")
    chosen = [world.listed(instance_id, now) for instance_id in instance_ids]
    for one in chosen:
        state = standing(world, one, now).state
        _refuse_if(state != "FAILBACK_READY_FOR_LAUNCH", one, f"is in failback state {state} and cannot be launched")
    server_ids = tuple(one.server_id for one in chosen)
    check_room(world, server_ids, now)
    job_id = world.new_job_id()
    timeline = _timeline(world, chosen, job_id, now)
    instances = {one.server_id: one.id for one in chosen}
    job = Job(job_id, "LAUNCH", "FAILBACK", now, server_ids, timeline, tags, failback_instances=instances)
    world.add_job(job)
    for one in chosen:
        one.failback = job
    return job


def _timeline(world: World, chosen: list[Instance], job_id: str, now: datetime) -> Timeline:
    starts_at = now + span(world.ids.between(0.28, 0.38, job_id, "start"))
    took = world.spec.behaviour.failback_launch
    entries = [LogEntry(starts_at, "JOB_START")]
    outcomes: dict[str, Outcome] = {}
    for one in chosen:
        begun, converted, done = (starts_at + span(0.4 + took * part) for part in (0, 0.5, 1))
        name, fails = one.server_id, world.servers[one.server_id].spec.failback.fails
        entries += [
            LogEntry(begun, "CONVERSION_START", name),
            LogEntry(converted, "CONVERSION_END", name),
            LogEntry(converted, "LAUNCH_START", name),
        ]
        if fails:
            entries.append(LogEntry(done, "LAUNCH_FAILED", name, error="Failed to connect using HTTP channel"))
            outcomes[name] = Failed(done)
        else:
            entries.append(LogEntry(done, "LAUNCH_END", name, instance_id=one.id))
            outcomes[name] = Launched(done, one.id)
    ends_at = starts_at + span(0.4 + took) + timedelta(seconds=2.5)
    entries.append(LogEntry(ends_at + timedelta(milliseconds=26), "JOB_END"))
    return Timeline(starts_at, ends_at, tuple(sorted(entries, key=lambda entry: entry.at)), outcomes)


def stop(world: World, instance: Instance, now: datetime) -> None:
    """Stop a failback; it begins anew when somebody boots the client again."""
    _refuse_if(instance.server_id in world.busy(now), instance, "is being launched by a Job")
    instance.failback_stopped_at, instance.failback = now, None


def disconnect(world: World, instance: Instance, now: datetime) -> None:
    """Let DRS and an instance part; it stays listed until it is deleted."""
    _refuse_if(instance.server_id in world.busy(now), instance, "is being processed by a Job")
    instance.disconnected_at = instance.disconnected_at or now


def forget(instance: Instance) -> None:
    """Take an instance out of DRS; EC2 keeps it."""
    _refuse_if(instance.disconnected_at is None, instance, "must be disconnected before it can be deleted")
    instance.known = False


def _refuse_if(bad: bool, instance: Instance, text: str) -> None:
    if bad:
        message = f"Recovery Instance with Id: '{instance.id}' {text}"
        raise refusals.conflict(message, resource_id=instance.id, resource_type="RecoveryInstance")


# --- as DRS shows it -------------------------------------------------------------------------------------------------


class FailbackScribe:
    """Writes the failback of an instance."""

    def __init__(self, world: World, instance: Instance, now: datetime) -> None:
        self._world, self._instance, self._now = world, instance, now
        self._standing = standing(world, instance, now)
        self._spec = world.servers[instance.server_id].spec

    def _time(self, at: datetime) -> str:
        return timestamp(at, self._world.spec.behaviour.timestamp_style)

    def members(self) -> Json:
        """`failback` and `dataReplicationInfo` of a recovery instance."""
        return {"dataReplicationInfo": self._replication(), "failback": self._failback()}

    def _failback(self) -> Json:
        found, sync = self._standing, self._standing.sync
        seen = timedelta(seconds=self._world.ids.between(1, 60, self._instance.id, "seen"))
        written: Json = {"state": found.state}
        if found.replication not in {"DISCONNECTED", "REPLICATION_STATE_NOT_AVAILABLE"}:
            written["agentLastSeenByServiceDateTime"] = self._time(max(self._now - seen, self._instance.launched_at))
        if sync is not None:
            written["failbackInitiationTime"] = self._time(sync.began_at)
            if self._now >= sync.syncs_at and not found.error:
                written["firstByteDateTime"] = self._time(sync.syncs_at)
                written["elapsedReplicationDuration"] = iso_span(self._now - sync.syncs_at)
            if not self._world.from_aws(self._spec):
                written["failbackClientID"] = self._world.ids.uuid("client", self._instance.id)
                written["failbackClientLastSeenByServiceDateTime"] = self._time(self._now - seen)
                written["failbackToOriginalServer"] = True
        if found.launch is not None:
            written["failbackJobID"] = found.launch.id
            written["failbackLaunchType"] = "DRILL" if found.launch.initiated_by == "START_DRILL" else "RECOVERY"
        return written

    def _replication(self) -> Json:
        found, sync = self._standing, self._standing.sync
        written: Json = {"dataReplicationState": found.replication}
        if sync is None:
            return written
        done = sync.percent(self._now) / 100 if self._now >= sync.syncs_at else 0.0
        names = INITIATION_STEPS if self._world.from_aws(self._spec) else CLIENT_STEPS
        written |= {
            "replicatedDisks": [
                {
                    "deviceName": disk.device,
                    "totalStorageBytes": disk.bytes,
                    "replicatedStorageBytes": int(disk.bytes * done),
                    "rescannedStorageBytes": int(disk.bytes * done),
                    "backloggedStorageBytes": 0,
                }
                for disk in self._spec.disks
            ],
            "dataReplicationInitiation": {
                "startDateTime": self._time(sync.began_at),
                "steps": steps(
                    found.replication, found.error, _share(sync, self._now), names, self._spec.failback.skipped
                ),
            },
            "stagingAvailabilityZone": f"{self._spec.origin_region or self._world.spec.region}a",
        }
        if self._now >= sync.done_at:
            written["lagDuration"] = "P0D"
        else:
            written["etaDateTime"] = self._time(sync.done_at)
        if found.error:
            written["dataReplicationError"] = {"error": found.error, "rawError": found.error}
        return written


def _share(sync: Sync, now: datetime) -> float:
    """Which part of the initiation is over."""
    whole = sync.syncs_at - sync.began_at
    return min(1.0, (now - sync.began_at) / whole) if whole else 1.0
