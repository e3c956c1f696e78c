"""What people say about actions that failed: run them again, or go on without them."""

from drskit.actions import Task, TaskPhase, TaskStatus
from drskit.model import Command, Decision, Execution
from drskit.states import FINAL_TASK
from drskit.tasks import action_of, asking, for_this_mode, open_tasks, place_of, with_task


def run_again(execution: Execution, command: Command, decision: Decision) -> tuple[Execution, list[str]]:
    """Run once more what waits for a person, of the wave that is named or of all; what was done, a line each."""
    told: list[str] = []
    for task in _meant(execution, command):
        execution = with_task(execution, task.task_id, again=decision)
        told.append(f"{place_of(task)} is run again")
    return execution, told


def go_on_without(execution: Execution, command: Command, decision: Decision) -> tuple[Execution, list[str]]:
    """Leave behind what waits for a person; what was done, a line each."""
    told: list[str] = []
    for task in _meant(execution, command):
        execution = with_task(execution, task.task_id, overridden=decision)
        told.append(f"{place_of(task)} is left {task.status}")
    return execution, told


def _meant(execution: Execution, command: Command) -> list[Task]:
    if command.server_ids:
        return []
    return [task for task in asking(execution) if command.wave_name in {None, task.wave_name}]


def renewed(execution: Execution, wave_name: str | None, decision: Decision) -> Execution:
    """What was not done of the actions of a wave, or of the end, is to be run again; what was done is not repeated."""
    last = {(task.phase, task.index): task for task in execution.tasks if task.wave_name == wave_name}
    for task in last.values():
        if task.status in FINAL_TASK and task.status is not TaskStatus.DONE and for_this_mode(execution, task):
            execution = with_task(execution, task.task_id, again=decision, overridden=None)
    return execution


def ending_again(execution: Execution, decision: Decision) -> Execution:
    """What was done at the end and may be repeated is to be run again, for there is to be another end."""
    last = {task.index: task for task in execution.tasks if task.phase is TaskPhase.FINALLY}
    for task in last.values():
        done = task.status is TaskStatus.DONE or task.status not in FINAL_TASK  # what runs will be done before that end
        if done and for_this_mode(execution, task) and action_of(execution, task).repeatable:
            execution = with_task(execution, task.task_id, again=decision)
    return execution


def busy(execution: Execution, wave_name: str) -> str | None:
    """Why a wave cannot be left out now: an action of it runs."""
    running = open_tasks(execution, wave_name)
    return f"{place_of(running[0])} runs; wait until it has ended, or cancel" if running else None
