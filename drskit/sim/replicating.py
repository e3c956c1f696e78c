"""Source servers that come, replicate, stop and go (drs-facts §5.6, §9, §11)."""

from datetime import datetime

from drskit.sim import refusals
from drskit.sim.furniture import Extension, StagingServer
from drskit.sim.newcomers import defaults, welcome
from drskit.sim.records import SourceServer
from drskit.sim.spec import LaunchSettings, Replication, ReplicationState, ServerSpec, Snapshots
from drskit.sim.sync import begin
from drskit.sim.world import World

HALTED = frozenset({ReplicationState.STOPPED, ReplicationState.DISCONNECTED})


def start(world: World, server: SourceServer, now: datetime) -> None:
    """Let a stopped server replicate again, from the start: its snapshots are gone."""
    state = server.spec_at(now).replication.state
    _refuse_if(state is not ReplicationState.STOPPED, server, f"is {state.value}; only a stopped one can be started")
    replicating = sum(one.spec_at(now).replication.state not in HALTED for one in world.servers.values())
    if replicating >= world.spec.behaviour.replicating_servers_quota:
        message = f"{replicating} source servers replicate, as many as the quota allows"
        raise refusals.over_quota(message, quota="L-C1D14A2B", resource_type="SourceServer")
    server.sync = begin(world.spec.behaviour, now)


def stop(world: World, server: SourceServer, now: datetime) -> None:
    """Stop replication; every point in time is deleted."""
    state = server.spec_at(now).replication.state
    _refuse_if(state in HALTED, server, f"is {state.value} already")
    _refuse_busy(world, server, now)
    _settle_as(server, Replication(state=ReplicationState.STOPPED, replicated_percent=0), now)
    server.spec = server.spec.model_copy(update={"snapshots": Snapshots(taken=False)})


def retry(world: World, server: SourceServer, now: datetime) -> None:
    """Begin the initiation again; for servers that are stalled, stopped or disconnected (deprecated by AWS)."""
    state = server.spec_at(now).replication.state
    if state not in HALTED | {ReplicationState.STALLED}:
        text = f"Source Server with Id: '{server.spec.id}' is {state.value}; only a stalled one can be retried"
        raise refusals.invalid(text, name="sourceServerID", reason="other")
    server.sync = begin(world.spec.behaviour, now)


def disconnect(world: World, server: SourceServer, now: datetime) -> None:
    """Part from a server; one with a recovery instance cannot go."""
    current = world.current_instance(server.spec.id, now)
    _refuse_if(current is not None, server, "has a Recovery Instance and cannot be disconnected")
    _refuse_busy(world, server, now)
    last_seen = server.spec_at(now).replication.last_seen or now
    world.touched_templates.add(server.spec.id)
    _settle_as(server, Replication(state=ReplicationState.DISCONNECTED, last_seen=last_seen), now)


def delete(world: World, server: SourceServer, now: datetime) -> None:
    """Forget a disconnected server."""
    state = server.spec_at(now).replication.state
    _refuse_if(state is not ReplicationState.DISCONNECTED, server, "must be disconnected before it can be deleted")
    _refuse_busy(world, server, now)
    plan_id = world.plans.holder_of(server.spec.id, now)
    _refuse_if(plan_id is not None, server, f"is in recovery plan {plan_id} and cannot be deleted")
    world.settings.forget(server.spec.id)
    world.retire(server)


def extend(world: World, staged: StagingServer, tags: dict[str, str], now: datetime) -> SourceServer:
    """Add a source server that a staging account replicates."""
    if staged.default_key:
        text = f"Source Server '{staged.id}' cannot be extended if it has the default EBS encryption key"
        raise refusals.invalid(text, name="sourceServerArn", reason="other")
    if len(world.servers) >= world.spec.behaviour.source_servers_quota:
        message = f"{len(world.servers)} source servers exist, as many as the quota allows"
        raise refusals.over_quota(message, quota="L-E28BE5E0", resource_type="SourceServer")
    made = world.ids.named("s", "extended", staged.account, staged.id)
    spec = ServerSpec(
        id=made,
        tags=staged.tags | tags,
        hostname=staged.hostname or None,
        added=now,
        extended=Extension(account=staged.account),
        launch=defaults(world.settings, otherwise=LaunchSettings()),
    )
    welcome(world.settings, made)
    server = SourceServer(spec, dict(spec.all_tags), staging_arn=staging_arn(world, staged))
    world.servers[made] = server
    return server


def staging_arn(world: World, staged: StagingServer) -> str:
    """The ARN of a source server in its staging account."""
    return f"arn:aws:drs:{world.spec.region}:{staged.account}:source-server/{staged.id}"


def extensible(world: World, account: str) -> list[StagingServer]:
    """The servers of a staging account that are not extended here yet."""
    held = {server.staging_arn for server in world.servers.values()}
    return [one for one in world.spec.staging if one.account == account and staging_arn(world, one) not in held]


def _settle_as(server: SourceServer, replication: Replication, now: datetime) -> None:
    """Let replication stand like this from now on."""
    server.spec = server.spec_at(now).model_copy(update={"replication": replication})
    server.sync = None


def _refuse_busy(world: World, server: SourceServer, now: datetime) -> None:
    if server.spec.id in world.busy(now):
        raise refusals.conflict(refusals.BUSY, resource_id=server.spec.id, resource_type="SourceServer")


def _refuse_if(bad: bool, server: SourceServer, text: str) -> None:
    if bad:
        message = f"Source Server with Id: '{server.spec.id}' {text}"
        raise refusals.conflict(message, resource_id=server.spec.id, resource_type="SourceServer")
