"""The engine's edge for actions: what is looked at before a step, and what is sent after its intent was written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drskit.actionports import Actions, News
from drskit.actions import ActionKind, Task, TaskStatus
from drskit.errors import Unavailable
from drskit.model import Execution
from drskit.nextactions import places, wants_addresses
from drskit.tasks import Repeat, action_of, in_doubt, open_tasks, repeat_of

ActionsFor = Callable[[str], Actions]
"""The way to what actions do in a Region."""


@dataclass
class Sightings:
    """What one poll pass saw of runs and instances; asked once a pass."""

    news: dict[tuple[str, datetime | None], News] = field(default_factory=dict)
    """By task and by the time when it was sent last."""
    addresses: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """The instances whose addresses were asked for."""


def look_at_tasks(
    execution: Execution, actions_for: ActionsFor, sightings: Sightings, now: datetime
) -> dict[str, News]:
    """What has become of the runs that can be looked at, by task."""
    found: dict[str, News] = {}
    for task in open_tasks(execution):
        if not _can_be_seen(execution, task, now):
            continue
        key = task.task_id, task.sent_at
        if key not in sightings.news:
            sightings.news[key] = actions_for(execution.region).look(task)
        found[task.task_id] = sightings.news[key]
    return found


def _can_be_seen(execution: Execution, task: Task, now: datetime) -> bool:
    if task.kind is ActionKind.WAIT:
        return False
    if task.status is TaskStatus.RUNNING:
        return task.start_time is None or now > task.start_time
    return in_doubt(task, now) and repeat_of(action_of(execution, task), task, now) is Repeat.LOOK


def addresses_for(
    execution: Execution, actions_for: ActionsFor, sightings: Sightings, now: datetime
) -> Mapping[str, str] | None:
    """The private addresses that the next action names; None where it names none.

    Raises:
        Unavailable: EC2 could not be asked.
    """
    place = next((place for place in places(execution, now) if wants_addresses(execution, place)), None)
    if place is None:
        return None
    waves = execution.waves if place.wave_name is None else (execution.wave(place.wave_name),)
    wanted = {server.recovery_instance_id for wave in waves for server in wave.servers}
    missing = sorted(name for name in wanted if name and name not in sightings.asked)
    if missing:
        sightings.addresses |= actions_for(execution.region).addresses(missing)
        sightings.asked |= set(missing)
    return sightings.addresses


def stop_what_is_late(before: Execution, after: Execution, actions_for: ActionsFor) -> None:
    """Ask that what has timed out in this step be ended, before that is written: asking twice is harmless."""
    running = {task.task_id: task for task in open_tasks(before)}
    for task in after.tasks:
        if task.status is TaskStatus.TIMED_OUT and task.task_id in running:
            try:
                actions_for(after.region).stop(task)
            except Unavailable:
                continue
