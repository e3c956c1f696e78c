"""Cleanups for docs/commands.md: one in every status, and executions of which one is asked for."""

from collections.abc import Mapping

from drskit.cleanup import CleanupPreview, new_cleanup, standing, start_cleanup
from drskit.clock import VirtualClock
from drskit.errors import DrskitError
from drskit.history import first_event
from drskit.model import AppliedPlan, CommandKind, Execution, ExecutionStatus, ExecutionType, RecoveryInstance
from drskit.orders import REFUSED
from drskit.seen import Sight
from drskit.store.memory import MemoryStore
from drskit.targets import Selection, select
from drskit.unlisted import told, unlisted, without_doubtful
from drskit.views.cleanups import preview_text
from tests.builders import START, sid
from tests.cleanings import GONE, Cleaning, cleaning, finished, living

X = ExecutionStatus
OTHER = "01JDD6A0000000000000CLEAN0"


# --- cleanups in every status ----------------------------------------------------------------------------------------


def _called(count: int = 2) -> Cleaning:
    walk = cleaning(count).run()
    walk.called()
    return walk.run(5)


def _told(walk: Cleaning, kind: CommandKind) -> Cleaning:
    walk.command(kind)
    return walk.run(5).run(600)


def _late() -> Cleaning:
    walk = _called()
    walk.job_goes_on(next(iter(walk.jobs.values())))
    return walk.run(30).run(walk.execution.plan.waves[0].timeout.total_seconds()).run(5)


def _left(*numbers: int) -> Cleaning:
    """Some instances were protected since the list was made."""
    walk = cleaning()
    for number in numbers:
        walk.sights[sid(number)] = living(number, protected=True)
    walk.run()
    return finished(walk, walk.called()) if walk.launches else walk.run(5)


def _done() -> Cleaning:
    walk = _called()
    return finished(walk, next(iter(walk.jobs.values())))


def cleanups() -> Mapping[str, Execution]:
    """A cleanup in every status of an execution."""
    scenes = {
        X.PENDING: cleaning(),
        X.POLLING: _called(),
        X.PAUSED: _told(cleaning(), CommandKind.PAUSE),
        X.CANCELLING: _told(_called(150), CommandKind.CANCEL),
        X.COMPLETED: _done(),
        X.PARTIAL: _left(1),
        X.FAILED: _left(1, 2),
        X.TIMED_OUT: _late(),
        X.CANCELLED: _told(cleaning(), CommandKind.CANCEL),
    }
    for status, walk in scenes.items():
        assert status is walk.status, (status, walk.status)
    others = {
        "POLLING, its call has no known outcome": cleaning().run().run(30),
        "POLLING, paused by somebody": _paused_in_flight(),
    }
    for name, walk in others.items():
        assert name.startswith(walk.status), (name, walk.status)
    named = {status.value: walk for status, walk in scenes.items()} | others
    return {name: walk.execution for name, walk in named.items()}


def _paused_in_flight() -> Cleaning:
    walk = _called()
    walk.command(CommandKind.PAUSE)
    walk.run(5)
    return walk


# --- executions of which a cleanup is asked for ----------------------------------------------------------------------


def asked_for(scenes: Mapping[str, Execution]) -> Mapping[str, str]:
    """What `drskit cleanup` answers for executions in these statuses, and for one that is over in other worlds.

    Args:
        scenes: an execution in every status; each instance that it recorded lives.
    """
    over = scenes[X.COMPLETED.value]
    alive = _alive(over)
    recovery = over.model_copy(update={"execution_type": ExecutionType.RECOVERY})
    another = over.model_copy(update={"execution_id": OTHER, "status": X.POLLING})
    late, failed = _just_ended(over), scenes[X.FAILED.value]
    cleanup = new_cleanup(
        over, select(over, alive, {}), execution_id=OTHER, started_by="mira", at=START, reason="over",
    )  # fmt: skip
    return {
        **{f"execution {name}": _answer(execution, _alive(execution)) for name, execution in scenes.items()},
        "COMPLETED, all of it is gone": _answer(over, _gone(over)),
        "COMPLETED, its last job ended just now and nothing of it is listed yet": _answer(late, _gone(late)),
        "FAILED, its instance has termination protection": _answer(failed, _protected(failed)),
        "COMPLETED, a cleanup of it lives": _answer(over, alive, cleanup),
        "COMPLETED, another execution of its plan lives": _answer(over, alive, another),
        "COMPLETED, and a recovery": _answer(recovery, _alive(recovery)),
        "a cleanup": _answer(cleanup, {}),
    }


def _alive(execution: Execution) -> dict[str, Sight]:
    """Every instance that was recorded, as DRS and EC2 show one that nobody has touched."""
    return {
        server.recovery_instance_id: Sight(
            RecoveryInstance(
                recovery_instance_id=server.recovery_instance_id, source_server_id=server.source_server_id,
                job_id=server.job_id, is_drill=execution.execution_type is ExecutionType.DRILL, state="RUNNING",
            ),
            "running",
        )
        for run in execution.waves
        for server in run.servers
        if server.recovery_instance_id
    }  # fmt: skip


def _gone(execution: Execution) -> dict[str, Sight]:
    return dict.fromkeys(_alive(execution), GONE)


def _protected(execution: Execution) -> dict[str, Sight]:
    return {name: Sight(sight.instance, "running", protected=True) for name, sight in _alive(execution).items()}


def _just_ended(execution: Execution) -> Execution:
    """The same, without an instance of its last wave."""
    *waves, last = execution.waves
    servers = tuple(server.model_copy(update={"recovery_instance_id": None}) for server in last.servers)
    last = last.model_copy(update={"servers": servers})
    return execution.model_copy(update={"waves": (*waves, last)})


def _answer(drill: Execution, sights: Mapping[str, Sight], lives: Execution | None = None) -> str:
    """What the command says for one execution, given what DRS and EC2 show, and what else lives of its plan."""
    ends = [attempt.end_time for attempt in drill.attempts if attempt.end_time]
    store = MemoryStore(VirtualClock(max(ends, default=START)))  # a moment after its last job
    plan = AppliedPlan(
        plan=drill.plan, digest=drill.digest, version=1, applied_at=START, applied_by="mira", source="shop.yaml"
    )
    store.apply(plan, (), removed=(), expected=None)
    if lives is not None:
        lives, event = first_event(lives)
        store.create(lives, (event,), begun=0)
    try:
        live = standing(store, drill, drill.account_id)
        preview = _preview(store, drill, sights, live)
        words = preview_text(preview, store.now()).splitlines()
        if live is None and not preview.selection.targets:
            assert start_cleanup(store, preview, reason="over", by="mira") is None
    except DrskitError as error:
        return f"{REFUSED}{error}"
    asks = f" (asks for the words: {preview.to_type})" if preview.to_type else ""
    return words[0] + asks


def _preview(
    store: MemoryStore, drill: Execution, sights: Mapping[str, Sight], live: Execution | None
) -> CleanupPreview:
    """The look at these sights, as `preview_cleanup` makes it of what AWS shows."""
    if live is not None:
        return CleanupPreview(drill, Selection(), live)
    selection = select(drill, sights, {})
    late = unlisted(drill, (), selection, store.now())
    running = tuple(attempt.job_id for attempt in drill.attempts if attempt.job_id and attempt.end_time is None)
    return CleanupPreview(drill, without_doubtful(selection, late), running=running, unlisted=told(late))
