"""What must hold of actions, whatever died: nothing is done twice that is not declared repeatable.

It knows nothing of drskit's code: it reads the tasks in the tables, and holds
them against what the services have received and against the commands that
Systems Manager has.

- One doing. What carries a task's id was carried out once at most, unless the
  plan says that it is repeatable.
- No orphan. Whatever was carried out carries the id of a recorded task, and the
  run or command that a task names is the one that carries it.
- Nothing is claimed. A task that is DONE was carried out; one that is SKIPPED, or
  whose request was refused for good, was not.
- Nothing is left open. In the end every task has ended.
- Order. No job of a wave is created before every action before it has ended.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.proof.allowed import of_action, too_often

ASKED = frozenset({"ssm_automation", "ssm_command", "lambda", "sns", "http"})
ENDED = frozenset({"DONE", "FAILED", "TIMED_OUT", "UNKNOWN", "SKIPPED"})
MARK = "drskit:"
SERVICES = {"ssm_automation": "ssm", "lambda": "lambda", "sns": "sns", "http": "http"}


def doings(
    records: dict[str, Any], received: list[dict[str, Any]], commands: list[dict[str, Any]], *, over: bool
) -> Iterator[str]:
    """What does not hold of actions.

    Args:
        records: of all executions, as `checker.Record`s.
        received: what the services have carried out, oldest first.
        commands: what Systems Manager lists.
        over: whether nothing is under way any more.
    """
    tasks = {name: (record, task) for record in records.values() for name, task in record.tasks.items()}
    done = Counter[str]()
    for one in received:
        done[_owner(one, tasks)] += 1
    for command in commands:
        done[_marked(command)] += 1
    for name, count in done.items():
        if name not in tasks:
            if over:
                yield f"orphan: {count} things were done for {name}, which no task is"
        elif too_often(of_action(_action(*tasks[name])), count):
            yield f"duplicate: {tasks[name][1]['Title']} ({name}) was done {count} times"
    if over:
        for name, (_, task) in tasks.items():
            yield from _told(name, task, done[name], commands)


def _owner(receipt: dict[str, Any], tasks: dict[str, Any]) -> str:
    """The task that a receipt is of: an automation's by its id, which the task recorded; others by what they carry."""
    if receipt["service"] != "ssm":
        return str(receipt["token"])
    mine = [name for name, (_, task) in tasks.items() if task.get("ExternalId") == receipt["id"]]
    return mine[0] if len(mine) == 1 else f"automation {receipt['id']} of {len(mine)} tasks"


def _marked(command: dict[str, Any]) -> str:
    return str(command["Comment"]).partition(" ")[0].removeprefix(MARK)


def _action(record: Any, task: dict[str, Any]) -> dict[str, Any]:
    """The action that a task is a run of."""
    plan = record.plan
    if task["Phase"] == "finally":
        found: dict[str, Any] = plan["AtEnd"][task["Index"]]
        return found
    (wave,) = [wave for wave in plan["Waves"] if wave["Name"] == task["WaveName"]]
    action: dict[str, Any] = wave[task["Phase"].title()][task["Index"]]
    return action


def _told(name: str, task: dict[str, Any], count: int, commands: list[dict[str, Any]]) -> Iterator[str]:
    """What a task claims that did not happen."""
    title, status = task["Title"], task["Status"]
    if status not in ENDED:
        yield f"lost: {title} ({name}) is {status} in the end"
    if task["Kind"] in ASKED and status == "DONE" and not count:
        yield f"claimed: {title} ({name}) is DONE, and nobody was asked"
    if status == "SKIPPED" and count:
        yield f"claimed: {title} ({name}) is SKIPPED, and was done"
    mine = {command["CommandId"] for command in commands if _marked(command) == name}
    if task["Kind"] == "ssm_command" and status == "DONE" and mine != {task.get("ExternalId")}:
        yield f"orphan: {title} ({name}) names {task.get('ExternalId')}, and {mine} carry its id"


def prepared(jobs: list[dict[str, Any]], records: dict[str, Any], tag: str) -> Iterator[str]:
    """Jobs that were created before the actions before their wave had ended."""
    for record in records.values():
        for job in jobs:
            attempt = record.attempts.get(job["tags"].get(tag))
            for task in record.tasks.values() if attempt else ():
                early = task["Phase"] == "before" and task["WaveName"] == attempt["WaveName"]
                end = datetime.fromisoformat(task["EndTime"]) if task.get("EndTime") else None
                if early and (end is None or end > datetime.fromisoformat(job["creationDateTime"])):
                    yield f"order: {job['jobID']} was created before {task['Title']} had ended"
