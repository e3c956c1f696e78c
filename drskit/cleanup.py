"""How a cleanup begins: a look at a drill's instances, and an execution with a frozen list of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drskit.aftercare import tell_drill
from drskit.bounds import shortened
from drskit.cleaning import PURPOSE, WAVE, words_to_type
from drskit.errors import AlreadyExists, NotConfirmed, PlanBusy, Refused
from drskit.history import first_event
from drskit.model import Execution, ExecutionType, Job, Kept, RecoveryPlan, ServerRun, ServerStatus, Wave, WaveRun
from drskit.planning import fresh_id
from drskit.ports import Recovery, Store
from drskit.seen import Sight
from drskit.states import FINAL_EXECUTION
from drskit.store.limits import ensure_fits
from drskit.targets import Selection, candidates, instance_ids, select
from drskit.unlisted import told, unlisted, without_doubtful

KEPT_MOST = 300
"""How many instances that are left alone are watched: what a cleanup stores is bounded."""


def survey_drill(recovery: Recovery, drill: Execution) -> Selection:
    """Look at all instances of a drill's servers, and tell which ones a cleanup would terminate.

    Raises:
        Unavailable: DRS or EC2 could not be asked; nothing may be terminated on that.
    """
    servers = [server.source_server_id for server in candidates(drill)]
    if not servers:
        return Selection()
    instances, tagged = recovery.recovery_instances(servers), recovery.tagged_instances(servers)
    names = instance_ids(drill, instances, tagged)
    states = recovery.instance_states(names)
    owners = {one.instance_id: one.source_server_id for one in tagged}
    owners |= {one.recovery_instance_id: one.source_server_id for one in instances}
    listed = {one.recovery_instance_id: one for one in instances}
    sights = {name: Sight(listed.get(name), states.get(name)) for name in names}
    chosen = [target.instance_id for target in select(drill, sights, owners).targets]
    for name in recovery.protected(chosen):
        sights[name] = Sight(listed.get(name), states.get(name), protected=True)
    return select(drill, sights, owners)


@dataclass(frozen=True)
class CleanupPreview:
    """What a cleanup of a drill would do, shown before it is asked for."""

    drill: Execution
    selection: Selection
    live: Execution | None = None
    """The cleanup of this drill that lives already; there is at most one."""
    begun: int = 0
    """How many executions the plan had when this was looked at."""
    running: tuple[str, ...] = ()
    """Its own jobs that have not ended: they may yet launch what nobody sees now."""
    unlisted: tuple[str, ...] = ()
    """A clause for each of its jobs that has just ended, and whose instances DRS may not list yet."""

    @property
    def to_type(self) -> str | None:
        """What a person must type to confirm it; None where it needs no more than a yes, as of a drill."""
        if self.drill.execution_type is not ExecutionType.RECOVERY or self.live is not None:
            return None
        return words_to_type(self.drill, len(self.selection.targets)) if self.selection.targets else None


def preview_cleanup(
    store: Store, recovery_for: Callable[[str], Recovery], drill: Execution, account_id: str
) -> CleanupPreview:
    """What a cleanup of this drill would do.

    Raises:
        Refused: it is no drill, it is not over, or it ran in another account.
        PlanBusy: another execution of the plan lives.
        Unavailable: DRS or EC2 could not be asked.
    """
    live = standing(store, drill, account_id)
    plan = store.get_plan(drill.plan_id)
    if live is not None:
        return CleanupPreview(drill, Selection(), live)
    begun = plan.begun if plan else 0
    recovery = recovery_for(drill.region)
    jobs, now = _open_jobs(recovery, drill), store.now()  # first: what comes up after this look is of one of these
    running = tuple(job.job_id for job in jobs if job.status != "COMPLETED")
    selection = survey_drill(recovery, drill)
    late = unlisted(drill, jobs, selection, now)
    selection = without_doubtful(selection, late)
    return CleanupPreview(drill, selection, begun=begun, running=running, unlisted=told(late))


def standing(store: Store, drill: Execution, account_id: str) -> Execution | None:
    """The cleanup of this drill that lives; None where one may begin.

    Raises:
        Refused: it is no drill, it is not over, or it ran in another account.
        PlanBusy: another execution of the plan lives.
    """
    _refuse_others(drill, account_id)
    return _live(store, drill)


def _open_jobs(recovery: Recovery, drill: Execution) -> tuple[Job, ...]:
    """The jobs whose end the drill has not recorded, as when a wave timed out."""
    open_jobs = [attempt.job_id for attempt in drill.attempts if attempt.job_id and attempt.end_time is None]
    return recovery.jobs(job_ids=open_jobs) if open_jobs else ()


def _refuse_others(drill: Execution, account_id: str) -> None:
    name = f"Execution {drill.execution_id}"
    complaint = uncleanable(drill)
    if complaint:
        raise Refused(f"{name} {complaint}")
    if drill.account_id != account_id:
        raise Refused(f"{name} ran in account {drill.account_id}, and these credentials are of {account_id}.")


def uncleanable(drill: Execution) -> str | None:
    """Why an execution has nothing that a cleanup would be for, by what it is; None when it launched and is over."""
    if drill.execution_type is ExecutionType.CLEANUP:
        return f"is a cleanup itself. Name the drill: {drill.cleans}."
    if drill.status not in FINAL_EXECUTION:
        return (
            f"is {drill.status}; what runs is not cleaned up. Cancel it, or wait until it is over: "
            f"drskit executions watch {drill.execution_id}"
        )
    return None


def _live(store: Store, drill: Execution) -> Execution | None:
    """The cleanup of this drill that lives."""
    plan = store.get_plan(drill.plan_id)
    if plan is None or plan.active_execution_id is None:
        return None
    active = store.load(plan.active_execution_id)
    if active.cleans != drill.execution_id:
        raise PlanBusy(
            f"Plan {drill.plan_id} has an execution that lives: {active.execution_id} "
            f"({active.execution_type} {active.status}). Wait for its end, or cancel it.",
            active.execution_id,
        )
    return active


def start_cleanup(
    store: Store, preview: CleanupPreview, *, reason: str, by: str, typed: str | None = None
) -> Execution | None:
    """Create the cleanup that was shown, or take up the one that lives; None when nothing is left to terminate.

    Raises:
        NotConfirmed: it would terminate recovered servers, and nobody typed that they may go.
        Refused: what is left is not drskit's to terminate, or a job of the drill may yet launch something, or
            has just ended and DRS lists nothing of it yet.
        PlanBusy: another execution of the plan lives.
    """
    if preview.live is not None:
        return preview.live
    drill, selection = preview.drill, preview.selection
    _refuse_unconfirmed(preview, typed)
    tell_drill(store, drill.execution_id, selection.gone, actor=by)
    if not selection.targets:
        _refuse_doubtful(preview)
        return None
    now = store.now()
    cleanup = new_cleanup(drill, selection, execution_id=fresh_id(now), started_by=by, at=now, reason=reason)
    cleanup = cleanup.model_copy(update={"typed": preview.to_type})
    cleanup, event = first_event(cleanup)
    ensure_fits(cleanup)
    try:
        store.create(cleanup, (event,), begun=preview.begun)
    except AlreadyExists:  # its id is new: it is this one, and the reply to its creation was lost
        return store.load(cleanup.execution_id)
    except PlanBusy:
        live = _live(store, drill)
        if live is None:
            raise
        return live
    return cleanup


def _refuse_doubtful(preview: CleanupPreview) -> None:
    """Refuse to say that nothing is left where nothing can be terminated.

    Raises:
        Refused: instances of the drill live, or may be about to.
    """
    name, selection = preview.drill.execution_id, preview.selection
    if selection.left:
        listed = "\n".join(f"{one.instance_id}: {one.reason}." for one in selection.left)
        raise Refused(f"Nothing of {name} can be terminated by drskit:\n{listed}")
    if preview.running:
        raise Refused(
            f"Nothing of {name} can be terminated yet: {', '.join(preview.running)} still runs, may launch its servers "
            "at any time, and DRS cannot stop it. Clean up when it has ended."
        )
    if preview.unlisted:
        text = "; ".join(preview.unlisted)
        raise Refused(f"Nothing of {name} can be terminated yet: {text}. Clean up again in some minutes.")


def _refuse_unconfirmed(preview: CleanupPreview, typed: str | None) -> None:
    """Refuse to terminate what took over from the source servers, unless somebody typed so in full.

    Raises:
        NotConfirmed: nothing was typed, or something else.
    """
    wanted = preview.to_type
    if wanted is None:
        return
    given = " ".join(typed.split()) if isinstance(typed, str) else ""
    if given != wanted:
        said = f"{shortened(given, 100)!r} was typed" if given else "nothing was typed"
        raise NotConfirmed(
            f"Execution {preview.drill.execution_id} is a RECOVERY: its instances may be what your users work on. "
            f"To terminate them type exactly: {wanted} ({said}). Nothing was started.",
            wanted,
        )


def new_cleanup(
    drill: Execution, selection: Selection, *, execution_id: str, started_by: str, at: datetime, reason: str
) -> Execution:
    """An execution that terminates what was selected: the list is frozen here."""
    plan = RecoveryPlan(
        plan_id=drill.plan_id, description=_purpose(drill) + shortened(reason),
        owners=drill.plan.owners, region=drill.region, waves=(Wave(name=WAVE, groups=()),),
        notify=drill.plan.notify,
    )  # fmt: skip
    servers = tuple(
        ServerRun(
            source_server_id=target.server.source_server_id, name=target.server.name, status=ServerStatus.LAUNCHED,
            recovery_instance_id=target.instance_id,
        )
        for target in selection.targets
    )  # fmt: skip
    kept = tuple(
        Kept(instance_id=one.instance_id, source_server_id=one.source_server_id, reason=one.reason)
        for one in selection.bystanders[:KEPT_MOST]
    )
    return Execution(
        execution_id=execution_id, plan_id=drill.plan_id, execution_type=ExecutionType.CLEANUP, mode=drill.mode,
        start_time=at, account_id=drill.account_id, region=drill.region, started_by=started_by, plan=plan,
        digest=drill.digest, groups=(), cleans=drill.execution_id, kept=kept,
        waves=(WaveRun(wave_name=WAVE, servers=servers),),
    )  # fmt: skip


def _purpose(drill: Execution) -> str:
    return PURPOSE.format(drill.execution_type.lower(), drill.execution_id)
