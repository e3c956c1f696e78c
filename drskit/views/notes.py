"""Notes on a board: sentences about an execution or a wave that stand beside its rows.

Whatever a person should know of a running execution, and that is no server's
row, brings a function that makes notes of it, and stands in `NOTES` or
`WAVE_NOTES`; notebook and terminal show them. Pure.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from drskit.amending import told as edited_words
from drskit.authorization import told as authorised_words
from drskit.change import told
from drskit.costs import bill
from drskit.model import Execution, ExecutionType, WaveRun, WaveStatus
from drskit.money import dollars
from drskit.noticing import troubles
from drskit.states import FINAL_WAVE
from drskit.views.actions import BAD, ActionLine, end_lines, to_come, wave_lines
from drskit.views.actions import told as action_words
from drskit.views.words import Tone, counted
from drskit.waits import red_words

SHOWN = 10
"""Answers of checks that are shown."""


@dataclass(frozen=True)
class Note:
    """One thing to know."""

    words: str
    """From anywhere: whoever shows it escapes it."""
    tone: Tone | None = None
    """BAD for what went wrong or is refused, WAIT for what somebody should look at; plain where it only informs."""
    status: str = ""
    """A word of `words.BADGES` that stands before it, as of an action or a check."""


def notes_of(execution: Execution, now: datetime) -> tuple[Note, ...]:
    """What to know of the execution as a whole."""
    return tuple(note for maker in NOTES for note in maker(execution, now))


def wave_notes_of(execution: Execution, wave: WaveRun, now: datetime) -> tuple[Note, ...]:
    """What to know of one of its waves."""
    return tuple(note for maker in WAVE_NOTES for note in maker(execution, wave, now))


def _change_control(execution: Execution, _now: datetime) -> Iterator[Note]:
    if execution.change is not None:
        yield Note(told(execution.change), Tone.WAIT if execution.change.overridden else None)


def _authorised(execution: Execution, _now: datetime) -> Iterator[Note]:
    """Nobody takes a recovery for a drill."""
    if execution.authority is not None:
        yield Note(f"This is no drill: it recovers for real. {authorised_words(execution.authority)}", Tone.WAIT)


def _costs(execution: Execution, now: datetime) -> Iterator[Note]:
    """What it has cost, and what of it still does; of a plan with a budget."""
    budget = execution.budget
    if budget is None or execution.execution_type is ExecutionType.CLEANUP:
        return
    found = bill(execution, budget, now)
    more = f"; {counted(found.running, 'instance')}, {dollars(found.an_hour)} an hour more" if found.running else ""
    words = f"Has cost {found.words} of {dollars(budget.limit_usd)} allowed{more} ({budget.prices.words})."
    yield Note(words, Tone.WAIT if found.usd > budget.limit_usd else None)


def _untold(execution: Execution, _now: datetime) -> Iterator[Note]:
    """Targets that do not take what they are told: the drill goes on, and somebody should know."""
    yield from (Note(words, Tone.WAIT) for words in troubles(execution))


def _checks(execution: Execution, wave: WaveRun, _now: datetime) -> Iterator[Note]:
    """What the checks of a wave have come to, and what is red while they last."""
    plan_wave = next((one for one in execution.plan.waves if one.name == wave.wave_name), None)
    if plan_wave is None or plan_wave.checks is None or wave.checking is None:
        return
    checked = [server for server in wave.servers if server.checks]
    verified = sum(server.verified_time is not None for server in checked)
    of, by = counted(len(checked), "server"), counted(len(plan_wave.checks.all), "check")
    yield Note(f"{verified} of {of} verified by {by}")
    if wave.status is WaveStatus.VERIFYING:
        alike = red_words(plan_wave, wave)
        yield from (Note(words, Tone.WAIT, "RED") for words in alike[:SHOWN])
        if len(alike) > SHOWN:
            yield Note(f"and {len(alike) - SHOWN} more, in executions show --json", Tone.WAIT)
    for server in checked:
        if server.unchecked is not None:
            yield Note(f"{server.name or server.source_server_id} was not verified: {server.unchecked}", Tone.WAIT)


def _actions(execution: Execution, wave: WaveRun, now: datetime) -> Iterator[Note]:
    """What is done before and after a wave; of one that has not begun only how much."""
    words = to_come(execution, wave)
    if words is not None:
        yield Note(words)
        return
    yield from (_action(line, now) for line in wave_lines(execution, wave))


def _at_the_end(execution: Execution, now: datetime) -> Iterator[Note]:
    """What is done when every wave has ended."""
    if all(wave.status in FINAL_WAVE for wave in execution.waves):
        yield from (_action(line, now) for line in end_lines(execution))
    elif count := len(tuple(end_lines(execution))):
        yield Note(f"{counted(count, 'action')} at the end, whatever happens")


def _action(line: ActionLine, now: datetime) -> Note:
    failed = line.run is not None and line.run.status in BAD and not line.run.again
    return Note(action_words(line, now), Tone.BAD if failed else None, line.status)


def _edited(execution: Execution, _now: datetime) -> Iterator[Note]:
    if execution.applied is not None:
        yield Note(edited_words(execution), Tone.WAIT)


NOTES: tuple[Callable[[Execution, datetime], Iterable[Note]], ...] = (
    _authorised,
    _change_control,
    _edited,
    _costs,
    _untold,
    _at_the_end,
)
"""Above the waves."""
WAVE_NOTES: tuple[Callable[[Execution, WaveRun, datetime], Iterable[Note]], ...] = (_actions, _checks)
"""Below a wave's heading."""
