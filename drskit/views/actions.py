"""The actions of an execution as people see them: each with its runs, and those that were not reached. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.actions import Action, Task, TaskPhase, TaskStatus
from drskit.model import Execution, WaveRun, WaveStatus
from drskit.states import FINAL_TASK, FINAL_WAVE
from drskit.tasks import actions_of, is_run_of
from drskit.views.words import counted, plain, shortened, span

BAD = FINAL_TASK - {TaskStatus.DONE, TaskStatus.SKIPPED}
"""A run that did not come to what it was to come to."""
PENDING = "PENDING"
"""In the place of a run's status: its action's turn has not come."""
NOT_REACHED = "not run: its turn did not come"
OUTPUT_LENGTH = 200


@dataclass(frozen=True)
class ActionLine:
    """One run of an action, or an action that has none."""

    title: str
    when: str
    """`before wave Web`, `after wave Web` or `at the end`."""
    status: str
    run: Task | None = None

    @property
    def outcome(self) -> str:
        """What came of it, with what it answered and who decided what."""
        if self.run is None:
            return NOT_REACHED if self.status == TaskStatus.SKIPPED else "its turn has not come"
        parts = [self.run.trouble or self.run.doubt or self.run.outcome or ""]
        if self.run.output:
            parts.append(shortened(plain(self.run.output), OUTPUT_LENGTH))
        parts += [f"run again by {self.run.again.by}: {self.run.again.reason}"] if self.run.again else []
        overridden = self.run.overridden
        parts += [f"left so by {overridden.by}: {overridden.reason}"] if overridden else []
        return "; ".join(part for part in parts if part) or "-"

    def took(self, now: datetime) -> timedelta | None:
        """How long it ran, until now where it has not ended."""
        if self.run is None or self.run.start_time is None:
            return None
        return (self.run.end_time or now) - self.run.start_time


def wave_lines(execution: Execution, wave: WaveRun) -> Iterator[ActionLine]:
    """What is done before and after a wave, in the order of its doing."""
    for phase in (TaskPhase.BEFORE, TaskPhase.AFTER):
        yield from _lines(execution, phase, wave.wave_name, over=wave.status in FINAL_WAVE)


def end_lines(execution: Execution) -> Iterator[ActionLine]:
    """What is done at the end."""
    yield from _lines(execution, TaskPhase.FINALLY, None, over=execution.end_time is not None)


def all_lines(execution: Execution) -> tuple[ActionLine, ...]:
    """Every action with its runs."""
    waves = (line for wave in execution.waves for line in wave_lines(execution, wave))
    return (*waves, *end_lines(execution))


def _lines(execution: Execution, phase: TaskPhase, wave_name: str | None, *, over: bool) -> Iterator[ActionLine]:
    when = "at the end" if wave_name is None else f"{phase.value} wave {wave_name}"
    for index, action in enumerate(_declared(execution, phase, wave_name)):
        runs = [
            task
            for task in execution.tasks
            if (task.phase, task.wave_name, task.index) == (phase, wave_name, index) and is_run_of(task, action)
        ]
        yield from (ActionLine(task.title, when, task.status.value, task) for task in runs)
        if not runs:
            yield ActionLine(action.title, when, TaskStatus.SKIPPED.value if over else PENDING)


def _declared(execution: Execution, phase: TaskPhase, wave_name: str | None) -> tuple[Action, ...]:
    """The actions of a wave, or of the end; none of a wave that evidence has and its plan has not."""
    known = wave_name is None or any(wave.name == wave_name for wave in execution.plan.waves)
    return tuple(actions_of(execution, phase, wave_name)) if known else ()


def told(line: ActionLine, now: datetime) -> str:
    """A line for a board."""
    when = line.when.partition(" wave ")[0]  # it stands with its wave
    if line.run is None:
        return f"{line.title}, {when}"
    number = f", run {line.run.number}" if line.run.number > 1 else ""
    took = line.took(now)
    lasted = f", {span(took)}" if took else ""
    came = f": {line.outcome}" if line.outcome != "-" else ""
    return f"{line.title}, {when}{number}{lasted}{came}"


def to_come(execution: Execution, wave: WaveRun) -> str | None:
    """How many actions a wave has that has not begun; None where it has none, or has begun."""
    if wave.status not in {WaveStatus.PENDING, WaveStatus.WAITING_APPROVAL}:
        return None
    before = len(_declared(execution, TaskPhase.BEFORE, wave.wave_name))
    after = len(_declared(execution, TaskPhase.AFTER, wave.wave_name))
    words = [f"{counted(count, 'action')} {when}" for count, when in ((before, "before"), (after, "after")) if count]
    return f"{' and '.join(words)} its launch" if words else None


def summary(execution: Execution) -> str | None:
    """What all of them came to, in one sentence; None where the plan has none."""
    lines = all_lines(execution)
    if not lines:
        return None
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.status] = counts.get(line.status, 0) + 1
    told_of = ", ".join(f"{count} {word}" for word, count in counts.items())
    unknown = " One that is UNKNOWN may have been done, or not; it is not done twice." if "UNKNOWN" in counts else ""
    return f"{counted(len(lines), 'run')} of actions, what was not reached among them: {told_of}.{unknown}"


def amiss(execution: Execution) -> Iterator[tuple[str, str]]:
    """The actions whose last run did not come to what it was to come to: when, and what came of it."""
    last = {(task.wave_name, task.phase, task.index): task for task in execution.tasks}
    for task in last.values():
        if task.status in BAD:
            when = "Plan" if task.wave_name is None else f"Wave {task.wave_name}"
            line = ActionLine(task.title, when, task.status.value, task)
            yield when, f"{task.title} {task.phase.value} it is {task.status}: {line.outcome}"
