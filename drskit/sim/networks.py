"""Source networks: the VPCs that DRS protects, as far as a client sees them.

What is deployed is a name of a stack and a made-up VPC: CloudFormation is not
asked, and nothing but DRS knows of either.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from drskit.sim import refusals
from drskit.sim.admission import check_room
from drskit.sim.furniture import Network, NetworkFails
from drskit.sim.ids import Ids
from drskit.sim.records import Job
from drskit.sim.spec import WorldSpec, span
from drskit.sim.timeline import Failed, Launched, LogEntry, Outcome, Timeline
from drskit.sim.times import timestamp

if TYPE_CHECKING:
    from drskit.sim.world import World

Json = dict[str, Any]
EVENTS = {
    "CREATE_NETWORK_RECOVERY": "DEPLOY_NETWORK_CONFIGURATION",
    "UPDATE_NETWORK_RECOVERY": "UPDATE_NETWORK_CONFIGURATION",
}
"""What a recovery job logs before it updates launch templates; an association only does the latter."""


@dataclass
class SourceNetwork:
    """A source network and what became of it."""

    spec: Network
    id: str
    tags: dict[str, str]
    began_at: datetime | None
    """When its replication began; None while it is stopped."""
    stack: str | None = None
    launched_vpc: str | None = None
    recovery: Job | None = None
    recoveries: int = 0
    """How often its recovery was begun."""
    partly: bool = False
    """Whether only some launch templates were brought up to date by the last one."""

    def fate(self) -> NetworkFails:
        """Whether its next recovery fails."""
        turns = self.spec.fails
        if not isinstance(turns, tuple):
            return turns
        return turns[self.recoveries] if self.recoveries < len(turns) else False

    def status(self, now: datetime, takes: timedelta) -> str:
        """DRS's ReplicationStatus."""
        if self.began_at is None:
            return "STOPPED"
        if now < self.began_at + takes:
            return "IN_PROGRESS"
        return "ERROR" if self.spec.error else "PROTECTED"


@dataclass
class NetworkBook:
    """The source networks of a world."""

    spec: WorldSpec
    ids: Ids
    held: dict[str, SourceNetwork] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        before = self.spec.start_time - timedelta(days=30)
        for network in self.spec.networks:
            self._add(network, dict(network.tags), before if network.replicating else None)

    def _add(self, network: Network, tags: dict[str, str], began_at: datetime | None) -> SourceNetwork:
        network_id = network.id or self.ids.named("sn", self.made)
        self.made += 1
        self.held[network_id] = SourceNetwork(network, network_id, tags, began_at)
        return self.held[network_id]

    def tags(self, kind: str, name: str) -> dict[str, str] | None:
        """The tags of a network, to read or to change; None where there is no such network."""
        return self.held[name].tags if kind == "source-network" and name in self.held else None

    def find(self, network_id: str) -> SourceNetwork:
        """A source network by its id."""
        if network_id not in self.held:
            message = f"Source Network with Id: '{network_id}' was not found"
            raise refusals.not_found(message, resource_id=network_id, resource_type="SourceNetwork")
        return self.held[network_id]

    def create(self, network: Network, tags: dict[str, str]) -> SourceNetwork:
        """Add one, which does not replicate yet."""
        if any(one.spec.vpc == network.vpc and one.spec.region == network.region for one in self.held.values()):
            message = f"VPC '{network.vpc}' is protected by a Source Network already"
            raise refusals.conflict(message, resource_id=network.vpc, resource_type="SourceNetwork")
        most = self.spec.behaviour.source_networks_quota
        if len(self.held) >= most:
            message = f"{len(self.held)} source networks exist, as many as the quota allows"
            raise refusals.over_quota(message, quota="L-4B0323BD", resource_type="SourceNetwork")
        return self._add(network, tags, None)

    def status(self, network: SourceNetwork, now: datetime) -> str:
        """DRS's ReplicationStatus."""
        return network.status(now, span(self.spec.behaviour.network_replication))


def start(world: "World", network: SourceNetwork, now: datetime) -> None:
    """Begin to replicate it."""
    status = world.networks.status(network, now)
    _refuse_if(status not in {"STOPPED", "ERROR"}, network, f"is {status} already")
    network.began_at = now


def stop(world: "World", network: SourceNetwork, now: datetime) -> None:
    """Replicate it no more."""
    _refuse_if(network.began_at is None, network, "is STOPPED already")
    _refuse_if(network.id in _busy(world, now), network, "is currently being processed by a Job")
    network.began_at = None


def delete(world: "World", network: SourceNetwork, now: datetime) -> None:
    """Forget it; one that replicates must be stopped first."""
    _refuse_if(network.began_at is not None, network, "must be stopped before it can be deleted")
    _refuse_if(network.id in _busy(world, now), network, "is currently being processed by a Job")
    del world.networks.held[network.id]


def associate(world: "World", network: SourceNetwork, stack: str, now: datetime) -> Job:
    """Use the VPC of a stack that exists."""
    job = _job(world, [(network, stack)], "ASSOCIATE_NETWORK_RECOVERY", {}, now)
    network.stack = stack
    return job


def recover(
    world: "World", chosen: list[tuple[SourceNetwork, str | None]], *, anew: bool, tags: dict[str, str], now: datetime
) -> Job:
    """Deploy the VPCs of these networks, or update those that are deployed."""
    for network, _ in chosen:
        status = world.networks.status(network, now)
        _refuse_if(status not in {"PROTECTED", "STOPPED"}, network, f"is {status} and cannot be recovered")
    update = not anew and all(network.stack for network, _ in chosen)
    kind = "UPDATE_NETWORK_RECOVERY" if update else "CREATE_NETWORK_RECOVERY"
    named = [(network, stack or (network.stack if update else None) or _stack(network)) for network, stack in chosen]
    job = _job(world, named, kind, tags, now)
    for network, stack in named:
        network.stack = stack
        network.launched_vpc = world.ids.ec2("vpc", network.id, stack, job.id if anew else "")
    return job


def _stack(network: SourceNetwork) -> str:
    return f"drs-{network.id}"


def _job(
    world: "World", chosen: list[tuple[SourceNetwork, str]], kind: str, tags: dict[str, str], now: datetime
) -> Job:
    for network, _ in chosen:
        _refuse_if(network.id in _busy(world, now), network, "is currently being processed by a Job")
    check_room(world, (), now)
    job_id = world.new_job_id()
    timeline = _timeline(world, chosen, kind, job_id, now)
    ids = tuple(network.id for network, _ in chosen)
    job = Job(job_id, "LAUNCH", kind, now, (), timeline, tags, resource_ids=ids)
    world.add_job(job)
    for network, _ in chosen:
        network.recovery, network.partly = job, network.fate() == "partly"
        network.recoveries += 1
    return job


def _timeline(
    world: "World", chosen: list[tuple[SourceNetwork, str]], kind: str, job_id: str, now: datetime
) -> Timeline:
    starts_at = now + span(world.ids.between(0.28, 0.38, job_id, "start"))
    took = span(world.spec.behaviour.network_recovery)
    entries, outcomes = [LogEntry(starts_at, "JOB_START")], dict[str, Outcome]()
    for network, stack in chosen:
        about = (("sourceNetworkID", network.id), ("sourceVpc", network.spec.vpc), ("stackName", stack))
        at, deployed = starts_at + span(0.4), starts_at + span(0.4) + took * 0.8
        word = EVENTS.get(kind, "UPDATE_LAUNCH_TEMPLATE")
        entries.append(LogEntry(at, f"{word}_START", network=about))
        done = starts_at + span(0.4) + took
        fate = network.fate()
        if fate is True:
            error = f"The stack {stack} could not be used"
            entries.append(LogEntry(deployed, f"{word}_FAILED", error=error, network=about))
            entries.append(LogEntry(deployed, "NETWORK_RECOVERY_FAIL", error=error, network=about))
            outcomes[network.id] = Failed(deployed)
            continue
        if kind in EVENTS:
            entries.append(LogEntry(deployed, f"{word}_END", network=about))
            entries.append(LogEntry(deployed, "UPDATE_LAUNCH_TEMPLATE_START", network=about))
        if fate == "partly":
            error = "Some launch templates could not be updated"
            entries.append(LogEntry(done, "UPDATE_LAUNCH_TEMPLATE_FAILED", error=error, network=about))
        else:
            entries.append(LogEntry(done, "UPDATE_LAUNCH_TEMPLATE_END", network=about))
        outcomes[network.id] = Launched(done, network.id)
    ends_at = starts_at + span(0.4) + took + timedelta(seconds=2)
    entries.append(LogEntry(ends_at + timedelta(milliseconds=26), "JOB_END"))
    return Timeline(starts_at, ends_at, tuple(sorted(entries, key=lambda entry: entry.at)), outcomes)


def _busy(world: "World", now: datetime) -> set[str]:
    return {name for job in world.running_jobs(now) for name in job.resource_ids}


def _refuse_if(bad: bool, network: SourceNetwork, text: str) -> None:
    if bad:
        message = f"Source Network with Id: '{network.id}' {text}"
        raise refusals.conflict(message, resource_id=network.id, resource_type="SourceNetwork")


# --- as DRS shows it -------------------------------------------------------------------------------------------------


def written(world: "World", network: SourceNetwork, now: datetime) -> Json:
    """A source network."""
    status = world.networks.status(network, now)
    told: Json = {
        "sourceNetworkID": network.id,
        "sourceVpcID": network.spec.vpc,
        "arn": world.arn("source-network", network.id),
        "tags": dict(network.tags),
        "replicationStatus": status,
        "sourceRegion": network.spec.region,
        "sourceAccountID": network.spec.account or world.spec.account,
        "lastRecovery": {"lastRecoveryResult": "NOT_STARTED"},
    }
    if status == "ERROR":
        told["replicationStatusDetails"] = network.spec.error
    if network.recovery is not None:
        result = _result(world, network, network.recovery, now)
        told["lastRecovery"] = {
            "apiCallDateTime": timestamp(network.recovery.created_at, "Z"),
            "jobID": network.recovery.id,
            "lastRecoveryResult": result,
        }
        if result.endswith("SUCCESS"):
            told |= {"cfnStackName": network.stack}
            told |= {"launchedVpcID": network.launched_vpc} if network.launched_vpc else {}
    return told


def _result(world: "World", network: SourceNetwork, job: Job, now: datetime) -> str:
    status = world.server_status(job, network.id, now)
    if status not in {"LAUNCHED", "FAILED"}:
        return "IN_PROGRESS"
    if job.initiated_by == "ASSOCIATE_NETWORK_RECOVERY":
        return "ASSOCIATE_SUCCESS" if status == "LAUNCHED" else "ASSOCIATE_FAIL"
    if network.partly and status == "LAUNCHED":
        return "PARTIAL_SUCCESS"
    return "SUCCESS" if status == "LAUNCHED" else "FAIL"
