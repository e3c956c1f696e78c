"""How long what stands around the launches of a wave takes: its actions before and after, and its checks.

Each is taken to last as long as its slowest run so far in this execution, before
a start as long as in the plan's last drill; a wait lasts as long as it says.
What has not run yet nobody knows, and it is named instead of guessed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.actions import Action, ActionMode, TaskPhase, TaskStatus, Wait
from drskit.model import Execution, Wave, WaveRun, WaveStatus


@dataclass(frozen=True)
class Alongside:
    """What a wave still does besides launching."""

    counted: timedelta
    """How long the known of it takes."""
    known: tuple[str, ...]
    """What is counted, in words."""
    unknown: tuple[str, ...]
    """What is not, for nothing is known of it."""

    @property
    def basis(self) -> str:
        """What is counted and what is not, in words; nothing where there is nothing."""
        counted = f"with {' and '.join(self.known)}" if self.known else ""
        left_out = f"without {' and '.join(self.unknown)}, of which nothing is known yet" if self.unknown else ""
        return ", ".join(filter(None, (counted, left_out)))


def alongside(execution: Execution, wave: WaveRun, now: datetime) -> Alongside:
    """What of the wave's actions and checks is still to come; all of it while the wave has not begun."""
    declared = next((declared for declared in execution.plan.waves if declared.name == wave.wave_name), None)
    if declared is None:
        return Alongside(timedelta(), (), ())
    parts = [("actions", lasts) for lasts in _actions(execution, declared, wave, now)]
    parts += [("checks", _checks(execution))] if declared.checks is not None else []
    return _told(parts)


def foreseen(declared: Wave, last: Execution | None) -> Alongside:
    """All that a wave of the next drill does besides launching, by the plan's last one, where there is any."""
    drills = ActionMode.DRILL
    actions = [action for action in (*declared.before, *declared.after) if drills in action.modes]
    parts = [("actions", _lasts(last, action)) for action in actions]
    parts += [("checks", _checks(last) if last else None)] if declared.checks is not None else []
    return _told(parts)


def _told(parts: Sequence[tuple[str, timedelta | None]]) -> Alongside:
    known = [(what, lasts) for what, lasts in parts if lasts is not None]
    return Alongside(
        counted=sum((lasts for _, lasts in known), timedelta()),
        known=tuple(dict.fromkeys(f"its {what}" for what, _ in known)),
        unknown=tuple(dict.fromkeys(f"its {what}" for what, lasts in parts if lasts is None)),
    )


def _actions(execution: Execution, declared: Wave, wave: WaveRun, now: datetime) -> Iterator[timedelta | None]:
    """What is left of each action; None where nobody knows."""
    before_is_over = wave.status not in (WaveStatus.PENDING, WaveStatus.WAITING_APPROVAL, WaveStatus.PREPARING)
    phases = [(TaskPhase.AFTER, declared.after)]
    phases = phases if before_is_over else [(TaskPhase.BEFORE, declared.before), *phases]
    for phase, actions in phases:
        for index, action in enumerate(actions):
            if execution.execution_type.value in {mode.value for mode in action.modes}:
                left = _left(execution, declared.name, (phase, index), action, now)
                if left != timedelta():
                    yield left


def _left(
    execution: Execution, wave_name: str, place: tuple[TaskPhase, int], action: Action, now: datetime
) -> timedelta | None:
    own = [task for task in execution.tasks if (task.wave_name, task.phase, task.index) == (wave_name, *place)]
    if own and own[-1].end_time is not None:
        return timedelta()
    lasts = _lasts(execution, action)
    begun = own[-1].start_time if own else None
    return max(lasts - (now - begun), timedelta()) if lasts is not None and begun is not None else lasts


def _lasts(execution: Execution | None, action: Action) -> timedelta | None:
    if isinstance(action.does, Wait):
        return action.does.span
    seen = [
        task.end_time - task.start_time
        for task in (execution.tasks if execution else ())
        if task.status is TaskStatus.DONE and task.title == action.title and task.kind is action.does.kind
        if task.start_time and task.end_time
    ]
    return max(seen, default=None)


def _checks(execution: Execution) -> timedelta | None:
    """From a wave's first look to the last server that passed, the longest so far; a wave's checks differ little."""
    seen = [
        max(passed) - wave.checking.since
        for wave in execution.waves
        if wave.checking is not None and wave.status is WaveStatus.COMPLETED
        if (passed := [server.verified_time for server in wave.servers if server.verified_time])
    ]
    return max(seen, default=None)
