"""How actions run: which is next, what became of each, and what that means for its wave.

Pure. A wave's actions run one after the other: before its launches, and after
its servers came up; those of the end when all waves have ended. Each run is a
task: its intent is written first, its request is sent once, and its outcome is
written. What may be sent again without being done twice is told by `Repeat`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from drskit.actionports import Begun, Ended, Going, Hidden, News, NotFound, Outcome
from drskit.actions import Action, ActionKind, ActionMode, Publish, Task, TaskPhase, TaskStatus
from drskit.calledoff import called_off
from drskit.model import Execution, ExecutionStatus, ExecutionType, OnFailure
from drskit.placeholders import Occasion, Unfit, request_of
from drskit.ports import NotExecuted, Unknown
from drskit.seen import Seen
from drskit.states import FINAL_TASK, STARTED_WAVE

GOOD = frozenset({TaskStatus.DONE, TaskStatus.SKIPPED})
FAILED_FOR_SURE = frozenset({TaskStatus.FAILED})
"""A run that has ended; one that timed out, or of which nothing is known, may go on."""
IN_DOUBT_AFTER = timedelta(seconds=90)
"""An intent that is older and has no outcome: whoever sent it would have written down by now what came of it."""
SURE_WINDOW = timedelta(minutes=4)
"""How long a FIFO topic surely recognises a message that it has had: SNS promises five minutes."""
LONGEST_UNDER_WAY = timedelta(seconds=420)
"""After so long a request arrives no more: AWS refuses a signature of five minutes, and a list may lag a little."""
MOST_SENDS = 5
"""How often a request that may be repeated is sent before nobody hopes for an answer any more."""


class Repeat(StrEnum):
    """What keeps a request without a known outcome from being carried out twice when it is sent again."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    """The service recognises it by the task's id."""
    LOOK = "look"
    """The service tells whether it has it; it is sent again once it is proven that it has not."""
    DECLARED = "declared"
    """The plan says that twice is harmless."""
    NEVER = "never"
    """Nothing: it is not sent again."""


def repeat_of(action: Action, task: Task, now: datetime) -> Repeat:
    """How the task's request may be repeated now."""
    if task.kind is ActionKind.SSM_AUTOMATION:
        return Repeat.TOKEN
    if task.kind is ActionKind.SSM_COMMAND:
        return Repeat.LOOK
    fifo = isinstance(action.does, Publish) and action.does.topic.endswith(".fifo")
    if fifo and now < task.intended_at + SURE_WINDOW:
        return Repeat.TOKEN
    return Repeat.DECLARED if action.repeatable else Repeat.NEVER


# --- the actions of a plan, and their runs ---------------------------------------------------------------------------


def actions_of(execution: Execution, phase: TaskPhase, wave_name: str | None) -> tuple[Action, ...]:
    """The actions of one list, in their order."""
    if execution.execution_type is ExecutionType.CLEANUP:
        return ()
    if wave_name is None:
        return execution.plan.at_end
    declared = next(wave for wave in execution.plan.waves if wave.name == wave_name)
    return declared.before if phase is TaskPhase.BEFORE else declared.after


def action_of(execution: Execution, task: Task) -> Action:
    """The action that a task is a run of."""
    return actions_of(execution, task.phase, task.wave_name)[task.index]


def is_run_of(task: Task, action: Action) -> bool:
    """Whether a task ran this action: a wave that has not begun may have been given others since."""
    return (task.kind, task.title) == (action.does.kind, action.title)


def runs_of(execution: Execution, phase: TaskPhase, wave_name: str | None) -> tuple[Task, ...]:
    """The runs of one list's actions, in the order of their making."""
    return tuple(task for task in execution.tasks if task.phase is phase and task.wave_name == wave_name)


def for_this_mode(execution: Execution, task: Task) -> bool:
    """Whether a task ran an action of the plan, as it is now, that is for executions of this type."""
    actions = actions_of(execution, task.phase, task.wave_name)
    action = actions[task.index] if task.index < len(actions) else None
    return action is not None and is_run_of(task, action) and ActionMode(execution.execution_type.value) in action.modes


def cut_short(execution: Execution, wave_name: str) -> bool:
    """Whether something that was to follow a wave was called off before it was done."""
    last = {task.index: task for task in runs_of(execution, TaskPhase.AFTER, wave_name)}
    return any(task.status is TaskStatus.SKIPPED and for_this_mode(execution, task) for task in last.values())


def open_tasks(execution: Execution, wave_name: str | None = None) -> tuple[Task, ...]:
    """The runs that have not ended, all or those of a wave."""
    return tuple(
        task for task in execution.tasks if task.status not in FINAL_TASK and wave_name in {None, task.wave_name}
    )


def place_of(task: Task) -> str:
    """What a task is and where it stands: `ssm_automation WarmCache before wave Web`."""
    where = "at the end" if task.wave_name is None else f"{task.phase.value} wave {task.wave_name}"
    return f"{task.title} {where}"


def with_task(execution: Execution, task_id: str, **changes: object) -> Execution:
    """A copy whose named task has the changes."""
    tasks = tuple(task.model_copy(update=changes) if task.task_id == task_id else task for task in execution.tasks)
    return execution.model_copy(update={"tasks": tasks})


# --- where a list of actions stands ----------------------------------------------------------------------------------


class Turn(StrEnum):
    """What is next in a list of actions."""

    OVER = "over"
    """Nothing: each has run, or is passed over."""
    BUSY = "busy"
    """One runs."""
    DUE = "due"
    """One is to run, from `at` on."""
    ASKS = "asks"
    """One failed, and a person must say what follows."""
    FAILED = "failed"
    """One failed, and that is the end of the list."""


@dataclass(frozen=True)
class Stand:
    """Where a list of actions stands, and with which of them."""

    turn: Turn
    index: int = 0
    task: Task | None = None
    """Its last run."""
    at: datetime | None = None


OVER = Stand(Turn.OVER)


def stand_of(execution: Execution, phase: TaskPhase, wave_name: str | None) -> Stand:
    """Where a list of actions stands."""
    actions = actions_of(execution, phase, wave_name)
    last = {task.index: task for task in runs_of(execution, phase, wave_name)} if actions else {}
    for index, action in enumerate(actions):
        task = last.get(index)
        stand = _stand(execution, action, index, task if task and is_run_of(task, action) else None)
        if stand is not None:
            return stand
    return OVER


def _stand(execution: Execution, action: Action, index: int, task: Task | None) -> Stand | None:
    """Where a list stands with this action; None when it is past it."""
    if task and task.status not in FINAL_TASK and not task.overridden:
        return Stand(Turn.BUSY, index, task)
    if task is None or task.again:
        return Stand(Turn.DUE, index, task)
    if task.status in GOOD or task.overridden:
        return None
    return _stand_failed(execution, action, index, task)


def _stand_failed(execution: Execution, action: Action, index: int, task: Task) -> Stand | None:
    """Where a list stands with an action whose last run failed; None when it is past it all the same."""
    ending = execution.status is ExecutionStatus.CANCELLING
    if _may_run_again(action, task) and not (ending and task.wave_name):
        return Stand(Turn.DUE, index, task, (task.end_time or task.intended_at) + action.retry_after)
    if action.on_failure is OnFailure.CONTINUE or (action.on_failure is OnFailure.PAUSE and ending):
        return None
    return Stand(Turn.ASKS if action.on_failure is OnFailure.PAUSE else Turn.FAILED, index, task)


def _may_run_again(action: Action, task: Task) -> bool:
    """Whether the plan has it run once more by itself."""
    return task.tries <= action.retries and (task.status in FAILED_FOR_SURE or action.repeatable)


def at_the_end(execution: Execution) -> Stand:
    """Where the actions of the plan's end stand."""
    return stand_of(execution, TaskPhase.FINALLY, None)


def asking(execution: Execution) -> tuple[Task, ...]:
    """The failed runs of which a person must say what follows."""
    stands = [
        stand_of(execution, phase, wave.wave_name)
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if (plan_wave.before or plan_wave.after) and wave.status in STARTED_WAVE
        for phase in OF_A_WAVE
    ]
    stands.append(at_the_end(execution))
    return tuple(stand.task for stand in stands if stand.turn is Turn.ASKS and stand.task)


OF_A_WAVE = (TaskPhase.BEFORE, TaskPhase.AFTER)


def failure_of(stand: Stand) -> str:
    """What is said of a wave whose action failed."""
    assert stand.task is not None
    return f"{place_of(stand.task)} is {stand.task.status}: {stand.task.outcome or 'no reason is known'}"


# --- what became of the runs -----------------------------------------------------------------------------------------


def learn_tasks(execution: Execution, seen: Seen) -> Execution:
    """Settle what has ended by time, by what was seen, or because nobody can know."""
    for task in open_tasks(execution):
        if task.kind is ActionKind.WAIT:
            execution = _learn_wait(execution, task, seen.now)
        elif task.status is TaskStatus.INTENT:
            execution = _learn_intent(execution, task, seen)
        elif task.task_id in seen.news:
            execution = _learn_run(execution, task, seen.news[task.task_id], seen.now)
    return execution


def _learn_wait(execution: Execution, task: Task, now: datetime) -> Execution:
    if why := called_off(execution, task.wave_name):
        outcome = f"not waited to its end: {why}"
        return with_task(execution, task.task_id, status=TaskStatus.SKIPPED, end_time=now, outcome=outcome)
    ends = wait_ends(execution, task)
    return execution if now < ends else with_task(execution, task.task_id, status=TaskStatus.DONE, end_time=ends)


def wait_ends(execution: Execution, task: Task) -> datetime:
    """When a wait is over."""
    does = action_of(execution, task).does
    assert does.kind is ActionKind.WAIT
    return task.intended_at + does.span


def _learn_intent(execution: Execution, task: Task, seen: Seen) -> Execution:
    if task.refused and (why := called_off(execution, task.wave_name)):
        outcome = f"not run: {why}"
        return with_task(execution, task.task_id, status=TaskStatus.SKIPPED, end_time=seen.now, outcome=outcome)
    if not in_doubt(task, seen.now):
        return execution
    match repeat_of(action_of(execution, task), task, seen.now):
        case Repeat.LOOK:
            return _learn_look(execution, task, seen)
        case Repeat.NEVER:
            return _given_up(execution, task, seen.now)
        case Repeat.DECLARED if task.sends >= MOST_SENDS:
            return _given_up(execution, task, seen.now)
        case _:
            return execution


def _learn_look(execution: Execution, task: Task, seen: Seen) -> Execution:
    """A look after a request whose outcome nobody wrote down; absence is proof once the request can arrive no more."""
    assert task.sent_at is not None
    match seen.news.get(task.task_id):
        case Begun() as found:
            return record_task(execution, task, found, seen.now)
        case NotFound() if seen.listed_at >= task.sent_at + max(seen.quiescence, LONGEST_UNDER_WAY):
            return with_task(execution, task.task_id, refused=True, doubt=None, not_before=None, trouble=None)
        case Hidden(reason):
            return _in_trouble(execution, task, reason)
        case _:
            return execution


def in_doubt(task: Task, now: datetime) -> bool:
    """Whether a request was sent, or may have been, and nobody wrote down what came of it."""
    return not task.refused and (task.doubt is not None or now >= (task.sent_at or task.intended_at) + IN_DOUBT_AFTER)


def _given_up(execution: Execution, task: Task, now: datetime) -> Execution:
    why = task.doubt or "whoever sent its request wrote down no outcome"
    outcome = f"it may have been carried out, or not, and is not done twice: {why}"
    return with_task(execution, task.task_id, status=TaskStatus.UNKNOWN, end_time=now, outcome=outcome, doubt=None)


def _learn_run(execution: Execution, task: Task, seen: News, now: datetime) -> Execution:
    action = action_of(execution, task)
    match seen:
        case Ended():
            return record_task(execution, task, seen, now)
        case NotFound():
            outcome = f"{task.external_id} is not known any more"
            return with_task(execution, task.task_id, status=TaskStatus.UNKNOWN, end_time=now, outcome=outcome)
        case Hidden(reason):
            return _in_trouble(execution, task, reason)
        case Going(outcome) if late(action, task, now):
            text = f"not finished within {action.timeout.total_seconds():g} s ({outcome}), and asked to stop"
            return with_task(
                execution, task.task_id, status=TaskStatus.TIMED_OUT, end_time=now, outcome=text, trouble=None
            )
        case Going(outcome):
            return _changed(execution, task, outcome=outcome, trouble=None)
        case _:
            return execution


def late(action: Action, task: Task, now: datetime) -> bool:
    """Whether a run takes longer than its action may."""
    return now >= (task.start_time or task.intended_at) + action.timeout


def _in_trouble(execution: Execution, task: Task, reason: str) -> Execution:
    """It cannot be seen: said once for each kind of trouble."""
    kind = reason.partition(":")[0]
    known = task.trouble is not None and task.trouble.partition(":")[0] == kind
    return execution if known else with_task(execution, task.task_id, trouble=reason)


def _changed(execution: Execution, task: Task, **changes: object) -> Execution:
    if all(getattr(task, name) == value for name, value in changes.items()):
        return execution
    return with_task(execution, task.task_id, **changes)


def record_task(execution: Execution, task: Task, outcome: Outcome, now: datetime) -> Execution:
    """What a request came to, or a look that found it."""
    settled: dict[str, object] = {"refused": False, "doubt": None, "not_before": None, "trouble": None}
    match outcome:
        case Begun(external_id):
            return with_task(
                execution, task.task_id,
                status=TaskStatus.RUNNING, external_id=external_id, start_time=task.sent_at or now, outcome=None,
                **settled,
            )  # fmt: skip
        case Ended(good, text, output, external_id):
            status = TaskStatus.DONE if good else TaskStatus.FAILED
            return with_task(
                execution, task.task_id,
                status=status, external_id=external_id or task.external_id, start_time=task.start_time or task.sent_at,
                end_time=now, outcome=text, output=output, **settled,
            )  # fmt: skip
        case Unknown(reason):
            return _record_doubt(execution, task, reason, now)
        case NotExecuted(code, message, _, transient):
            text = f"{code}: {message}"
            if not transient:
                return with_task(
                    execution, task.task_id, status=TaskStatus.FAILED, end_time=now, outcome=text, **settled
                )
            return with_task(
                execution, task.task_id, refused=True, doubt=None, outcome=text, not_before=now + _backoff(task)
            )


def _record_doubt(execution: Execution, task: Task, reason: str, now: datetime) -> Execution:
    execution = with_task(
        execution, task.task_id, doubt=reason, outcome=f"its outcome is not known ({reason})",
        not_before=now + _backoff(task),
    )  # fmt: skip
    task = next(other for other in execution.tasks if other.task_id == task.task_id)
    if repeat_of(action_of(execution, task), task, now) is Repeat.NEVER:
        return _given_up(execution, task, now)
    return execution


def _backoff(task: Task) -> timedelta:
    """5 seconds, then twice as many each time, to 30: it is asked again and again, and never hurried."""
    return timedelta(seconds=min(5 * 2 ** min(max(task.sends, 1) - 1, 10), 30))


# --- what is to be done next -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A list of actions that may go on now."""

    phase: TaskPhase
    wave_name: str | None
    status: str
    """How its wave, or the execution, stands."""


def to_send_again(execution: Execution, now: datetime) -> Task | None:
    """A task whose request is to be sent once more now."""
    for task in open_tasks(execution):
        at = send_again_at(execution, task, now)
        if at is not None and now >= at:
            return task
    return None


def send_again_at(execution: Execution, task: Task, now: datetime) -> datetime | None:
    """When a task's request is to be sent once more; None when it is not."""
    if task.status is not TaskStatus.INTENT or task.kind is ActionKind.WAIT:
        return None
    if task.refused:
        return None if execution.held or called_off(execution, task.wave_name) else (task.not_before or now)
    if repeat_of(action_of(execution, task), task, now) not in {Repeat.TOKEN, Repeat.DECLARED}:
        return None
    if task.doubt is not None:
        return task.not_before or now
    return (task.sent_at or task.intended_at) + IN_DOUBT_AFTER


def sent_again(execution: Execution, task: Task, now: datetime) -> Execution:
    """The intent to send the same request once more."""
    return with_task(
        execution, task.task_id,
        sent_at=now.replace(microsecond=0), sends=task.sends + 1, refused=False, doubt=None, not_before=None,
    )  # fmt: skip


def intend_task(
    execution: Execution, place: Place, fresh_id: str, addresses: dict[str, str], now: datetime
) -> tuple[Execution, Task | None]:
    """Write down the intent to run what is due there; the task comes back when its request is to be sent."""
    stand = stand_of(execution, place.phase, place.wave_name)
    if stand.turn is not Turn.DUE or (stand.at is not None and now < stand.at):
        return execution, None
    action = actions_of(execution, place.phase, place.wave_name)[stand.index]
    before = stand.task
    task = Task(
        task_id=fresh_id, wave_name=place.wave_name, phase=place.phase, index=stand.index,
        number=before.number + 1 if before else 1,
        tries=1 if before is None or before.again else before.tries + 1,
        kind=action.does.kind, title=action.title, intended_at=now.replace(microsecond=0),
    )  # fmt: skip
    task = _prepared(execution, action, task, place, addresses)
    execution = execution.model_copy(update={"tasks": (*execution.tasks, task)})
    sends = task.status is TaskStatus.INTENT
    return execution, task if sends else None


def _prepared(execution: Execution, action: Action, task: Task, place: Place, addresses: dict[str, str]) -> Task:
    """The task with its request; or as it ends at once, where nothing is to be sent."""
    at = task.intended_at
    if ActionMode(execution.execution_type.value) not in action.modes:
        modes = " or ".join(mode.value for mode in action.modes)
        why = f"not run: it is for a {modes}, and this is a {execution.execution_type}"
        return task.model_copy(update={"status": TaskStatus.SKIPPED, "end_time": at, "outcome": why})
    occasion = Occasion(execution, task.phase, task.wave_name, task.task_id, place.status, addresses)
    try:
        request = request_of(action, occasion)
    except Unfit as fault:
        why = f"not run: {fault}"
        return task.model_copy(update={"status": TaskStatus.FAILED, "end_time": at, "outcome": why})
    if task.kind is ActionKind.WAIT:
        return task.model_copy(update={"status": TaskStatus.RUNNING, "start_time": at, "request": request})
    return task.model_copy(update={"sent_at": at, "sends": 1, "request": request})
