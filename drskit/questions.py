"""What only a person can decide, as it is told to those whom the plan names: with the commands to type.

Pure. Approvals are told where their wave begins to wait, and a pause by a person
is told to nobody. Each question has a key of its own, so that it is told once
while it stands, and anew when it comes up again.
"""

import shlex
from collections.abc import Iterator

from drskit.actions import Task
from drskit.costs import question as question_of_money
from drskit.model import Attempt, AttemptStatus, Execution, ExecutionStatus, utc
from drskit.notices import NoticeKind, Occurrence
from drskit.progress import awaits_verdict, holds, lost_servers
from drskit.tasks import asking, place_of

NAMED = 5
REASON = "--reason '…'"


def decisions(execution: Execution) -> Iterator[Occurrence]:
    """What only a person can decide, besides approvals and pauses of their own."""
    if execution.status is ExecutionStatus.CANCELLING or execution.end_time:
        return
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        name, wave_option = wave.wave_name, f"--wave {shlex.quote(wave.wave_name)} {REASON}"
        if awaits_verdict(plan_wave, wave):
            text = f"Wave {name} is {wave.status}, and nothing new starts before somebody says what follows."
            key = f"verdict:{name}:{utc(wave.end_time) if wave.end_time else ''}"
            yield _decision(execution, key, f"wave {name} needs a decision", text, wave_option, name)
        lost = [server.source_server_id for server in lost_servers(execution, wave)]
        if lost:
            more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
            text = f"Nobody knows what became of {', '.join(lost[:NAMED])}{more}. Look at them in the DRS console."
            key = f"lost:{name}:{lost[0]}:{len(lost)}:{wave.retried.at if wave.retried else ''}"
            yield _decision(execution, key, f"servers of wave {name} need a decision", text, wave_option, name)
    yield from _money(execution)
    yield from (_action(execution, task) for task in asking(execution))
    for attempt in execution.attempts:
        if attempt.status is AttemptStatus.FOREIGN and holds(execution.wave(attempt.wave_name), attempt):
            yield _foreign(execution, attempt)


def _money(execution: Execution) -> Iterator[Occurrence]:
    asked = execution.budget.asked if execution.budget else None
    text = question_of_money(execution)
    if asked and text:
        words = f"{text[0].upper()}{text[1:]}."
        commands = (
            f"drskit resume {execution.execution_id} {REASON}",
            f"drskit cancel {execution.execution_id} {REASON}",
            *look(execution),
        )
        headline = f"wave {asked.wave_name} would pass the budget"
        key = f"budget:{utc(asked.at)}:{asked.usd}"
        yield Occurrence(NoticeKind.APPROVAL, key, headline, (words,), commands, asked.wave_name)


def _foreign(execution: Execution, attempt: Attempt) -> Occurrence:
    name = attempt.wave_name
    key = f"foreign:{attempt.attempt_id}:{attempt.blocked_by}"
    text = f"{attempt.outcome}. Resume when that has ended, or cancel."
    return _decision(execution, key, f"wave {name} is held by a launch of somebody else", text, REASON, name)


def _decision(execution: Execution, key: str, headline: str, text: str, options: str, wave: str | None) -> Occurrence:
    name = execution.execution_id
    commands = (
        f"drskit resume {name} {options}",
        f"drskit retry {name} {options}",
        f"drskit cancel {name} {REASON}",
        *look(execution),
    )
    return Occurrence(NoticeKind.APPROVAL, key, headline, (text,), commands, wave)


def _action(execution: Execution, task: Task) -> Occurrence:
    text = f"{task.outcome or 'No reason is known'}. Nothing of it goes on before somebody says what follows."
    options = f"--wave {shlex.quote(task.wave_name)} {REASON}" if task.wave_name else REASON
    headline = f"{place_of(task)} is {task.status}"
    return _decision(execution, f"action:{task.task_id}", headline, text, options, task.wave_name)


def look(execution: Execution) -> tuple[str, ...]:
    """What shows it."""
    return (f"drskit executions show {execution.execution_id}",)
