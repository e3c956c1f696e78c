"""The points in time that DRS keeps of a server.

Every 10 minutes for an hour, hourly for a day, daily for a week (drs-facts
§3.5), worked out from the present: nothing is stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drskit.sim.ids import Ids
from drskit.sim.spec import ReplicationState, ServerSpec

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
UNSYNCED = {ReplicationState.INITIATING, ReplicationState.INITIAL_SYNC, ReplicationState.STOPPED}
"""Snapshots begin after the initial sync, and StopReplication deletes them."""


@dataclass(frozen=True)
class Snapshot:
    """A point in time of a server."""

    id: str
    at: datetime
    volumes: tuple[str, ...]
    """One EBS snapshot for each disk."""


def snapshots_of(server: ServerSpec, *, now: datetime, ids: Ids, first: datetime | None = None) -> tuple[Snapshot, ...]:
    """A server's points in time, oldest first; `first` is one off the schedule, which ends an initial sync."""
    return tuple(_snapshot(server, instant, ids) for instant in sorted(_instants(server, now, first)))


def has_snapshots(server: ServerSpec, *, now: datetime, first: datetime | None = None) -> bool:
    """Whether a server has any point in time; cheaper than to name them."""
    return bool(_instants(server, now, first))


def _instants(server: ServerSpec, now: datetime, first: datetime | None) -> set[datetime]:
    rules, state = server.snapshots, server.replication.state
    if not rules.taken or state in UNSYNCED:
        return set()
    newest = now if rules.until is None else min(now, rules.until.astimezone(UTC))
    if state is ReplicationState.DISCONNECTED and server.replication.last_seen is not None:
        newest = min(newest, server.replication.last_seen.astimezone(UTC))
    oldest = rules.since.astimezone(UTC) if rules.since else EPOCH
    instants = {
        instant
        for every, kept in _periods(rules.days)
        for instant in _grid(every, since=max(oldest, newest - kept), until=newest)
    }
    if first and first <= newest < first + timedelta(hours=1):
        instants.add(first)
    return instants


def _periods(days: int) -> tuple[tuple[timedelta, timedelta], ...]:
    return (
        (timedelta(minutes=10), timedelta(hours=1)),
        (timedelta(hours=1), timedelta(days=1)),
        (timedelta(days=1), timedelta(days=days)),
    )


def _grid(every: timedelta, *, since: datetime, until: datetime) -> list[datetime]:
    """The whole multiples of a period after `since`, up to `until`."""
    first, last = (since - EPOCH) // every + 1, (until - EPOCH) // every
    return [EPOCH + step * every for step in range(first, last + 1)]


def _snapshot(server: ServerSpec, at: datetime, ids: Ids) -> Snapshot:
    stamp = at.isoformat()
    volumes = tuple(ids.ec2("snap", server.id, stamp, disk.device) for disk in server.disks)
    return Snapshot(ids.named("pit", server.id, stamp), at, volumes)
