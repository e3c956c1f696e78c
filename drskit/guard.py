"""What a launch would destroy.

DRS terminates a server's earlier instances on any new launch, drills and real
recoveries alike, even those already deleted from DRS; only EC2's termination
protection stops it (drs-facts §1.7). So both DRS and EC2 are asked, and whatever
either of them calls alive and is no drill of drskit's, or not known to be one,
refuses the launch of its server unless it is protected or the operator named it
(promise 8).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drskit.launches import GONE
from drskit.model import ExecutionType, Job, RecoveryInstance, TaggedInstance
from drskit.ports import Recovery
from drskit.witness import EXECUTION_TAG, TYPE_TAG

FOR_REAL = "or authorise the recovery again, now that it is to be seen"


@dataclass(frozen=True)
class Doomed:
    """An instance that a launch of its source server would terminate."""

    source_server_id: str
    instance_id: str
    description: str
    ours: bool
    """A drill that drskit launched, and may terminate."""
    recovery_id: str | None = None
    """The recovery of drskit that launched it: its cleanup alone terminates it."""


def survey(recovery: Recovery, server_ids: Iterable[str]) -> tuple[Doomed, ...]:
    """Ask DRS and EC2 which instances a launch of these servers would terminate.

    Termination protection is asked about only where the answer decides: a drill of ours may go, or stay.

    Raises:
        Unavailable: one of them could not be asked; nothing may be launched on that.
    """
    ids = tuple(server_ids)
    instances = recovery.recovery_instances(ids)
    job_ids = sorted({instance.job_id for instance in instances if instance.job_id})
    jobs = {job.job_id: job for job in recovery.jobs(job_ids=job_ids)} if job_ids else {}
    found = doomed(instances, recovery.tagged_instances(ids), jobs)
    kept = recovery.protected([instance.instance_id for instance in found if not instance.ours])
    return tuple(instance for instance in found if instance.instance_id not in kept)


def doomed(
    instances: Iterable[RecoveryInstance], tagged: Iterable[TaggedInstance], jobs: Mapping[str, Job]
) -> tuple[Doomed, ...]:
    """All instances that a launch of these servers would terminate, unless they are protected.

    Args:
        instances: what DRS knows for the servers.
        tagged: what EC2 knows by DRS's tag for the servers.
        jobs: the jobs that launched the instances, as far as DRS still has them.
    """
    in_ec2 = {instance.instance_id: instance for instance in tagged if instance.state.upper() not in GONE}
    found = []
    for instance in instances:
        twin = in_ec2.pop(instance.recovery_instance_id, None)
        if twin is not None or instance.state not in GONE:
            found.append(_judge(instance, twin, jobs.get(instance.job_id or "")))
    for stray in in_ec2.values():
        description = f"{stray.instance_id} ({stray.state} in EC2, no longer known to DRS)"
        found.append(Doomed(stray.source_server_id, stray.instance_id, description, ours=False))
    return tuple(found)


def _judge(instance: RecoveryInstance, twin: TaggedInstance | None, job: Job | None) -> Doomed:
    ours = (
        instance.is_drill is True
        and job is not None
        and EXECUTION_TAG in job.tags
        and job.tags.get(TYPE_TAG) == ExecutionType.DRILL
    )
    recovered = job is not None and job.tags.get(TYPE_TAG) == ExecutionType.RECOVERY
    recovery_id = job.tags.get(EXECUTION_TAG) if recovered and job else None
    kind = {True: "a drill", False: "a RECOVERY"}.get(instance.is_drill, "of unknown kind")  # type: ignore[arg-type]  # None is the default
    whose = f"by drskit's execution {job.tags[EXECUTION_TAG]}" if ours and job else "not by drskit"
    if recovery_id and instance.is_drill is False:
        whose = f"by drskit's recovery {recovery_id}"
    if instance.job_id and job is None:
        whose = f"by {instance.job_id}, which DRS no longer has"
    state = instance.state.lower() or "in an unknown state"
    if twin is not None and instance.state in GONE:
        state = f"{state} says DRS, {twin.state} says EC2"
    description = f"{instance.recovery_instance_id} ({kind}, {state}, launched {whose})"
    return Doomed(instance.source_server_id, instance.recovery_instance_id, description, ours, recovery_id)


def obstacles(
    server_ids: Iterable[str], found: Iterable[Doomed], replace: Iterable[str], *, for_real: bool = False
) -> dict[str, str | None]:
    """For each server why it must not be launched; None when it may.

    Args:
        server_ids: what is to be launched.
        found: what the launch would terminate.
        replace: instances that may go all the same; where a drill is launched, none that a recovery of drskit did.
        for_real: a recovery clears nothing by itself, not even what drills of drskit left: its authorisation names it.
    """
    allowed = set(replace)
    blocking: dict[str, list[Doomed]] = {server_id: [] for server_id in server_ids}
    for instance in found:
        named = instance.instance_id in allowed and (for_real or instance.recovery_id is None)
        may_go = named or (instance.ours and not for_real)
        if not may_go and instance.source_server_id in blocking:
            blocking[instance.source_server_id].append(instance)
    return {server_id: _refusal(some, for_real=for_real) for server_id, some in blocking.items()}


def _refusal(blocking: list[Doomed], *, for_real: bool) -> str | None:
    """Why these instances refuse a launch, and what to do; None where there are none."""
    if not blocking:
        return None
    names = " and ".join(instance.description for instance in blocking)
    recovery_id = next((instance.recovery_id for instance in blocking if instance.recovery_id), None)
    otherwise = "or name it with --replace if it may go"
    if for_real:
        otherwise = FOR_REAL
    elif recovery_id is not None:
        otherwise = f"or clean the recovery up if it may go: drskit cleanup {recovery_id}"
    return f"a launch would terminate {names}. Turn on its termination protection, {otherwise}"
