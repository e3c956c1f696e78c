"""Which instances a cleanup may terminate, and which it leaves alone.

Selected by what the drill recorded, never by server: an instance goes only when
a job of this execution launched it, DRS says so itself, and nobody has begun to
need it (promise 7, reliability §3.6). Everything else of the same servers is a
bystander: it is named with the reason, and watched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drskit.launches import LAUNCHED
from drskit.model import Execution, ExecutionType, RecoveryInstance, ServerRun, ServerStatus, TaggedInstance
from drskit.seen import Sight

NO_FAILBACK = frozenset({"", "FAILBACK_NOT_STARTED", "FAILBACK_NOT_READY_FOR_LAUNCH"})
"""How DRS shows an instance whose replication nobody has reversed (drs-facts §3.4)."""
NO_REPLICATION = frozenset({"", "NOT_STARTED"})
UNKNOWN_TO_EC2 = "not known to EC2"
ENDED = frozenset({UNKNOWN_TO_EC2, "terminated", "shutting-down"})
"""What is said of an instance that is no more."""
LEFT_BEHIND = frozenset({ServerStatus.FAILED, ServerStatus.UNKNOWN, ServerStatus.SKIPPED})
"""A server whose job, if it had one, may have left an instance although nobody saw it come up."""


@dataclass(frozen=True)
class Target:
    """An instance that a cleanup is to terminate."""

    server: ServerRun
    """Its source server, as the drill recorded it."""
    instance_id: str
    sight: Sight
    """What was seen of it now."""


@dataclass(frozen=True)
class Bystander:
    """A living instance of the same servers that a cleanup leaves alone."""

    instance_id: str
    source_server_id: str
    reason: str


@dataclass(frozen=True)
class Gone:
    """A server of a drill whose instance is proven to be no more."""

    source_server_id: str
    instance_id: str | None
    """None when the drill recorded none."""
    proof: str
    cleanup_id: str | None = None
    """The cleanup that terminated it; None when it was gone before one was asked for."""


@dataclass(frozen=True)
class Selection:
    """What a cleanup of a drill would do."""

    targets: tuple[Target, ...] = ()
    bystanders: tuple[Bystander, ...] = ()
    gone: tuple[Gone, ...] = ()
    """What the drill recorded as running and is no more."""

    @property
    def left(self) -> tuple[Bystander, ...]:
        """The drill's own instances that live and that the cleanup cannot terminate."""
        return tuple(one for one in self.bystanders if one.reason.startswith(OWN))


OWN = "an instance of this drill, but "
"""How the reason begins that keeps an instance of the drill itself."""


def jobs_recorded(drill: Execution) -> frozenset[str]:
    """The jobs of a drill, as its attempts recorded them."""
    return frozenset(attempt.job_id for attempt in drill.attempts if attempt.job_id)


def candidates(drill: Execution) -> tuple[ServerRun, ...]:
    """The servers of a drill that may have an instance; one whose retry came to nothing may have its first job's."""
    launched = {name for attempt in drill.attempts if attempt.job_id for name in attempt.server_ids}
    return tuple(
        server
        for wave in drill.waves
        for server in wave.servers
        if (server.job_id or server.source_server_id in launched) and server.status in LAUNCHED | LEFT_BEHIND
    )


def instance_ids(
    drill: Execution, instances: Iterable[RecoveryInstance], tagged: Iterable[TaggedInstance]
) -> tuple[str, ...]:
    """All instances of the drill's servers that anybody names, in a fixed order."""
    recorded = [server.recovery_instance_id for server in candidates(drill) if server.recovery_instance_id]
    listed = [instance.recovery_instance_id for instance in instances]
    return tuple(dict.fromkeys((*recorded, *listed, *(one.instance_id for one in tagged))))


def select(drill: Execution, sights: Mapping[str, Sight], owners: Mapping[str, str]) -> Selection:
    """What a cleanup of this drill would terminate, and what it leaves alone.

    Args:
        drill: the execution as recorded.
        sights: what DRS and EC2 say of every instance of its servers that anybody names, by instance id.
        owners: the source servers of these as DRS or EC2 names them, by instance id.
    """
    jobs, recovered = jobs_recorded(drill), drill.execution_type is ExecutionType.RECOVERY
    targets: list[Target] = []
    kept: dict[str, Bystander] = {}
    gone: list[Gone] = []
    for server in candidates(drill):
        name = server.recovery_instance_id or _left_by(server, sights, jobs)
        if name is None:
            if server.status in LAUNCHED and not any(owner == server.source_server_id for owner in owners.values()):
                gone.append(Gone(server.source_server_id, None, "neither DRS nor EC2 has an instance of it"))
        elif sights[name].gone:
            if server.status in LAUNCHED:
                gone.append(Gone(server.source_server_id, name, f"{name} {sights[name].words}"))
        elif fault := ineligible(server.source_server_id, sights[name], jobs, drill=not recovered):
            kept[name] = Bystander(name, server.source_server_id, f"{OWN}{fault}")
        else:
            targets.append(Target(server, name, sights[name]))
    spoken_for = {target.instance_id for target in targets} | set(kept)
    for name, owner in owners.items():
        if name not in spoken_for and not sights[name].gone:
            kept[name] = Bystander(name, owner, _whose(sights[name], jobs))
    return Selection(tuple(targets), tuple(kept.values()), tuple(gone))


def _left_by(server: ServerRun, sights: Mapping[str, Sight], jobs: frozenset[str]) -> str | None:
    """The instance that a recorded job left of a server of which none is recorded; the last job's first."""
    listed = [sight.instance for sight in sights.values() if sight.instance is not None]
    found = [one for one in listed if one.source_server_id == server.source_server_id and one.job_id in jobs]
    found.sort(key=lambda one: one.job_id != server.job_id)
    return found[0].recovery_instance_id if found else None


def ineligible(source_server_id: str, sight: Sight, jobs: frozenset[str], *, drill: bool = True) -> str | None:
    """Why a living instance must not be terminated by a cleanup of these jobs, those of a drill; None when it may."""
    instance = sight.instance
    if instance is None:
        where = f"EC2 has it ({sight.ec2_state})"
        return f"DRS no longer lists it, and {where}: drskit terminates through DRS only. Terminate it in EC2"
    failback, replication = instance.failback or "", instance.replication_state or ""
    faults = {
        f"DRS says that {instance.job_id or 'no job'} launched it, which is no job of this execution": (
            instance.job_id not in jobs
        ),
        f"DRS says that it belongs to {instance.source_server_id}, not to {source_server_id}": (
            instance.source_server_id != source_server_id
        ),
        f"DRS does not call it a {'drill' if drill else 'recovery'} instance": instance.is_drill is not drill,
        f"its failback may have begun ({failback or 'no failback state'}, {replication or 'no replication state'})": (
            failback not in NO_FAILBACK or replication not in NO_REPLICATION
        ),
        "its termination protection is on. Turn that off in EC2 if it may go": sight.protected,
        "EC2 does not know it although DRS lists it. Look again in some minutes": sight.ec2_state is None,
    }
    return next((fault for fault, holds in faults.items() if holds), None)


def _whose(sight: Sight, jobs: frozenset[str]) -> str:
    """Why an instance that the drill did not record is left alone."""
    instance = sight.instance
    if instance is None:
        return f"only EC2 has it ({sight.ec2_state}); DRS does not list it, so nobody can tell who launched it"
    kind = {True: "a drill instance", False: "a RECOVERY instance"}.get(instance.is_drill, "an instance")  # type: ignore[arg-type]  # None is the default
    if instance.job_id in jobs:
        return f"{kind} of {instance.job_id}, which is a job of this drill, but another one is recorded for its server"
    return f"{kind} of {instance.job_id or 'no known job'}, which is no job of this execution"
