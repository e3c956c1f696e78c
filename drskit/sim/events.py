"""DRS's events on the default event bus of moto's EventBridge (drs-facts §12).

Nobody is told of what happened before there was a rule: as with the real bus,
an event that no rule matches is gone. An event carries the instant at which it
was due, and is delivered before the next request of any service is answered.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from drskit.sim import failback
from drskit.sim.networks import SourceNetwork
from drskit.sim.records import Job
from drskit.sim.world import World

if TYPE_CHECKING:
    from moto.events.models import EventsBackend

BATCH = 10
"""PutEvents takes no more at once."""


@dataclass(frozen=True)
class Event:
    """An event of DRS's."""

    at: datetime
    kind: str
    resource: str
    detail: dict[str, str]


class Outbox:
    """What has not been told yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told_until: datetime | None = None
        self._states: dict[str, str] = {}

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return self._bus() is not None

    def deliver(self, now: datetime) -> None:
        """Put what happened since the last time onto the bus, if anybody listens."""
        bus = self._bus()
        since, self._told_until = self._told_until, now
        if bus is None:
            self._states = {}
            return
        events = [*self._changes(now), *(self._happened(since, now) if since is not None and since < now else ())]
        entries = [self._entry(event) for event in sorted(events, key=lambda event: event.at)]
        for first in range(0, len(entries), BATCH):
            bus.put_events(entries[first : first + BATCH])

    def _bus(self) -> "EventsBackend | None":
        """EventBridge of this account and Region, where somebody listens."""
        if "moto.events.models" not in sys.modules:
            return None
        backends: Any = import_module("moto.events.models").events_backends
        regions = backends[self._world.spec.account]
        bus: EventsBackend | None = dict.get(regions, self._world.spec.region)  # once somebody has asked for it
        return bus if bus is not None and bus.describe_event_bus("default").rules else None

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "Source": "aws.drs",
            "DetailType": event.kind,
            "Detail": json.dumps(event.detail),
            "Resources": [event.resource],
            "Time": event.at.timestamp(),
        }

    def _happened(self, since: datetime, now: datetime) -> Iterator[Event]:
        """What is known to have happened after one instant, up to another."""
        for job in self._world.jobs.values():
            if job.kind == "LAUNCH" and (job.timeline.ends_at is None or job.timeline.ends_at > since):
                yield from self._results(job, since, now)
        for server_id in self._world.servers:
            for point in self._world.snapshots(server_id, now):
                if since < point.at <= now:
                    yield self._snapshot(server_id, point.at, point.id, point.volumes)

    def _results(self, job: Job, since: datetime, now: datetime) -> Iterator[Event]:
        for name, outcome in job.timeline.outcomes.items():
            at = getattr(outcome, "at", None)
            if at is None or not since < at <= now:
                continue
            good = self._world.server_status(job, name, now) == "LAUNCHED"
            if name in job.resource_ids:
                state = "NETWORK_RECOVERY_SUCCEEDED" if good else "NETWORK_RECOVERY_FAILED"
                kind, resource = "DRS Source Network Recovery Result", self._world.arn("source-network", name)
                yield Event(at, kind, resource, {"state": state, "job-id": job.id})
            elif job.initiated_by != "FAILBACK":
                state = "RECOVERY_LAUNCH_SUCCEEDED" if good else "RECOVERY_LAUNCH_FAILED"
                drill = "TRUE" if job.initiated_by == "START_DRILL" else "FALSE"
                detail = {"state": state, "job-id": job.id, "is-drill": drill}
                resource = self._world.arn("source-server", name)
                yield Event(at, "DRS Source Server Launch Result", resource, detail)

    def _snapshot(self, server_id: str, at: datetime, snapshot_id: str, volumes: tuple[str, ...]) -> Event:
        detail = {"DrsSnapshotID": snapshot_id, "EbsSnapshotIDs": ",".join(volumes)}
        return Event(at, "DRS PIT Snapshot Taken", self._world.arn("source-server", server_id), detail)

    def _changes(self, now: datetime) -> Iterator[Event]:
        """States that are not what they were when we looked last; the instant is that of this look."""
        world, seen = self._world, dict[str, str]()
        for server_id, server in world.servers.items():
            stalled = server.spec_at(now).replication.state.value == "STALLED"
            seen[world.arn("source-server", server_id)] = "STALLED" if stalled else "NOT_STALLED"
        for instance in world.listed_instances(now):
            state = failback.standing(world, instance, now).state
            seen[world.arn("recovery-instance", instance.id)] = state
        for network in world.networks.held.values():
            seen[world.arn("source-network", network.id)] = self._protection(network, now)
        for resource, state in seen.items():
            if self._states and self._states.get(resource, state) != state:
                yield Event(now, CHANGES[resource.rpartition(":")[2].partition("/")[0]], resource, {"state": state})
        self._states = seen

    def _protection(self, network: SourceNetwork, now: datetime) -> str:
        return self._world.networks.status(network, now)


CHANGES = {
    "source-server": "DRS Source Server Data Replication Stalled Change",
    "recovery-instance": "DRS Recovery Instance Failback State Change",
    "source-network": "DRS Source Network Protection Status Change",
}
