"""Replication that starts anew: from INITIATING to CONTINUOUS, derived for any instant."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.sim.spec import Behaviour, Replication, ReplicationState, ServerSpec, Snapshots, span


@dataclass(frozen=True)
class Sync:
    """When each phase of a replication begins."""

    began_at: datetime
    syncs_at: datetime
    snapshot_at: datetime
    done_at: datetime

    def state(self, now: datetime) -> ReplicationState:
        """DRS's `dataReplicationState` at this instant."""
        if now < self.syncs_at:
            return ReplicationState.INITIATING
        if now < self.snapshot_at:
            return ReplicationState.INITIAL_SYNC
        return ReplicationState.CREATING_SNAPSHOT if now < self.done_at else ReplicationState.CONTINUOUS

    def percent(self, now: datetime) -> float:
        """How much of the data is there."""
        whole = self.snapshot_at - self.syncs_at
        if now >= self.snapshot_at or not whole:
            return 100.0
        return max(0.0, 100.0 * ((now - self.syncs_at) / whole))


def begin(behaviour: Behaviour, now: datetime, *, initial_sync: float | None = None) -> Sync:
    """Replication that begins now."""
    syncs_at = now + span(behaviour.initiation)
    snapshot_at = syncs_at + span(behaviour.initial_sync if initial_sync is None else initial_sync)
    return Sync(now, syncs_at, snapshot_at, snapshot_at + span(behaviour.first_snapshot))


def replicated(spec: ServerSpec, sync: Sync, now: datetime) -> ServerSpec:
    """A server as its new replication leaves it at this instant: no point in time is older than its first snapshot."""
    state = sync.state(now)
    backlog = 0
    if state is ReplicationState.INITIAL_SYNC:
        backlog = int(sum(disk.bytes for disk in spec.disks) * (100 - sync.percent(now)) / 100)
    replication = Replication(state=state, replicated_percent=sync.percent(now), backlog_bytes=backlog)
    first = sync.done_at - timedelta(microseconds=1)
    snapshots = Snapshots(since=first, days=spec.snapshots.days, taken=now >= sync.done_at)
    return spec.model_copy(update={"replication": replication, "snapshots": snapshots})
