"""Sections of a report as plain values: written once, drawn in HTML, Markdown, JSON and the notebook.

Whatever has something to report brings a function that makes a `Section` of an
execution, and stands in `MAKERS`. A cell is text from anywhere: escaping,
tables, badges and colours are the renderers' work.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

from drskit.amending import differences
from drskit.amending import told as edited_words
from drskit.authorization import told as authorised_words
from drskit.change import told, words
from drskit.costs import Bill, bill
from drskit.model import CommandKind, Event, Execution, Record, WaveRun
from drskit.money import dollars
from drskit.notices import Delivery, Notice
from drskit.report.checked import lines, rto_words
from drskit.report.queueing import waits_of
from drskit.views.actions import ActionLine, all_lines, summary
from drskit.views.words import counted, moment, span


class Look(StrEnum):
    """How a cell is drawn."""

    TEXT = "text"
    """Words that wrap."""
    STATUS = "status"
    """A word of `views.words.BADGES`, as glyph, word and colour; one that is not there is shown as unknown."""
    ID = "id"
    """An identifier, never broken."""
    SHORT = "short"
    """A number, a time or a span, never broken."""


class Cell(Record):
    """One cell of a table."""

    text: str
    look: Look = Look.TEXT


class Section(Record):
    """One section: sentences, and below them a table where there are rows."""

    title: str
    sentences: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    """As many cells each as there are heads; the first names the row."""


Maker = Callable[[Execution, tuple[Event, ...], datetime], Section | None]
"""Makes a section of an execution with its history, as of a time; None where there is nothing to say."""


def sections_of(execution: Execution, events: tuple[Event, ...], now: datetime) -> tuple[Section, ...]:
    """All sections that this execution gives reason for, in the order of `MAKERS`."""
    made = (maker(execution, events, now) for maker in MAKERS)
    return tuple(section for section in made if section is not None)


def _change_control(execution: Execution, _events: tuple[Event, ...], _now: datetime) -> Section | None:
    """What the plan's change control asked for, and how the start stood by it."""
    control, record = execution.plan.change, execution.change
    if control is None or record is None:
        return None
    windows = "; ".join(words(window) for window in control.windows)
    rows = [
        ("Ticket", control.ticket.value, record.ticket or "none"),
        ("Window", f"{windows} ({control.timezone})" if windows else "at any time", record.window or "none"),
    ]
    if control.freeze:
        rows.append(("Freeze calendar", control.freeze, "looked at"))
    if record.overridden:
        by = record.overridden
        rows.append(("Overridden", "; ".join(record.against), f"{by.by} at {moment(by.at)}: {by.reason}"))
    return Section(
        title="Change control",
        sentences=(told(record),),
        heads=("What", "As the plan has it", "At the start"),
        rows=tuple(tuple(map(_text, row)) for row in rows),
    )


def _authorised(execution: Execution, _events: tuple[Event, ...], _now: datetime) -> Section | None:
    """Of a recovery: who authorised it; of its cleanup: what was typed to confirm it."""
    sentences = []
    if execution.authority is not None:
        sentences.append(authorised_words(execution.authority))
    if execution.typed is not None:
        sentences.append(f"Confirmed by {execution.started_by}, who typed: {execution.typed}.")
    return Section(title="Authorisation", sentences=tuple(sentences)) if sentences else None


def _cost(execution: Execution, _events: tuple[Event, ...], now: datetime) -> Section | None:
    """What was allowed, what it came to as of the report, and who allowed more."""
    budget, policy = execution.budget, execution.plan.budget
    if budget is None or policy is None:
        return None
    found = bill(execution, budget, now)
    rows = [
        (f"Wave {wave.wave_name}", part.words, dollars(part.an_hour), ", ".join(sorted(_types(wave))) or "-")
        for wave in execution.waves
        for part in [bill(execution.model_copy(update={"waves": (wave,)}), budget, now)]
    ]
    raised = f", {dollars(budget.limit_usd)} since somebody said yes" if budget.limit_usd > policy.max_usd else ""
    accepted = (
        f"{dollars(one.limit_usd)} were allowed at {moment(one.at)} by {one.by}: {one.reason}"
        for one in budget.accepted
    )
    return Section(
        title="Cost",
        sentences=(
            f"{found.words} of {dollars(policy.max_usd)} allowed{raised}; by {budget.prices.words}.",
            *_lacks(found),
            *accepted,
        ),
        heads=("Of", "Came to", "An hour more now", "Instance types"),
        rows=tuple(tuple(map(_text, row)) for row in (*rows, ("All", found.words, dollars(found.an_hour), "-"))),
    )


def _lacks(found: Bill) -> Iterator[str]:
    """What a sum does not say by itself."""
    if found.running:
        yield f"{counted(found.running, 'instance')} still ran when this report was made."
    if found.unknown:
        yield f"Without {counted(len(found.unknown), 'server')} of which no price is known."
    if found.guessed:
        yield f"{counted(found.guessed, 'server')} counted as DRS recommends, for nobody saw what was launched."


def _types(wave: WaveRun) -> set[str]:
    return {one.size.instance_type or "unknown" for one in wave.servers if one.size is not None}


def _notifications(execution: Execution, _events: tuple[Event, ...], _now: datetime) -> Section | None:
    """Who was told what, when, and what did not arrive."""
    if not execution.notices:
        return None
    deliveries = [(notice, one) for notice in execution.notices for one in notice.deliveries]
    failed = sum(one.given_up is not None for _, one in deliveries)
    waiting = sum(one.next_try is not None for _, one in deliveries)
    sentences = [f"{counted(sum(one.sent is not None for _, one in deliveries), 'notification')} sent."]
    sentences += [f"{failed} given up; whoever should have known did not learn it this way."] if failed else []
    sentences += [f"{waiting} still to be sent when this report was made."] if waiting else []
    return Section(
        title="Notifications",
        sentences=(" ".join(sentences),),
        heads=("What", "When it happened", "To", "Sent", "Tries", "What came of it"),
        rows=tuple(_told(notice, one) for notice, one in deliveries),
    )


def _told(notice: Notice, one: Delivery) -> tuple[Cell, ...]:
    fate = f"taken as {one.message_id}" if one.sent else f"{'given up' if one.given_up else 'to be tried'}: {one.error}"
    return (
        _text(notice.headline),
        Cell(text=moment(notice.at), look=Look.SHORT),
        _text(one.target),
        Cell(text=moment(one.sent), look=Look.SHORT),
        Cell(text=str(one.tries), look=Look.SHORT),
        _text(fate if one.tries else "not tried yet"),
    )


def _checks(execution: Execution, _events: tuple[Event, ...], now: datetime) -> Section | None:
    """What each check found, when it first passed, and how long all of it took."""
    told_of, sentence = lines(execution), rto_words(execution, now)
    if sentence is None:
        return None
    return Section(
        title="Checks, server by server",
        sentences=(sentence,),
        heads=("Check", "Server", "Wave", "State", "First asked", "First passed", "Asked", "Last answer"),
        rows=tuple(
            (
                _text(line.check),
                _text(line.server),
                _text(line.wave),
                Cell(text=line.state.value, look=Look.STATUS),
                Cell(text=line.first, look=Look.SHORT),
                Cell(text=line.passed, look=Look.SHORT),
                Cell(text=line.asked, look=Look.SHORT),
                _text(line.answer),
            )
            for line in told_of
        ),
    )


def _actions(execution: Execution, _events: tuple[Event, ...], now: datetime) -> Section | None:
    """Every run of every action, and those that were not reached."""
    sentence = summary(execution)
    if sentence is None:
        return None
    return Section(
        title="Actions",
        sentences=(sentence,),
        heads=("Action", "When", "Run", "State", "Began", "Took", "What came of it"),
        rows=tuple(_acted(line, now) for line in all_lines(execution)),
    )


def _acted(line: ActionLine, now: datetime) -> tuple[Cell, ...]:
    run = line.run
    return (
        _text(line.title),
        _text(line.when),
        Cell(text=str(run.number) if run else "-", look=Look.SHORT),
        Cell(text=line.status, look=Look.STATUS),
        Cell(text=moment(run.intended_at) if run else "-", look=Look.SHORT),
        Cell(text=span(line.took(now)), look=Look.SHORT),
        _text(f"{line.outcome} (there: {run.external_id})" if run and run.external_id else line.outcome),
    )


def _queue(_execution: Execution, events: tuple[Event, ...], now: datetime) -> Section | None:
    """When waves waited for room in DRS's quotas, how long and for what."""
    waits = waits_of(events)
    if not waits:
        return None
    rows = [
        (
            _text(f"Wave {wait.wave_name}"),
            Cell(text=moment(wait.since), look=Look.SHORT),
            Cell(text=moment(wait.until), look=Look.SHORT),
            Cell(text=span(wait.lasted(now)), look=Look.SHORT),
            _text(wait.reason),
        )
        for wait in waits
    ]
    sentence = "What did not fit into DRS's quotas at once was split and QUEUED; launches of the same wave went on."
    return Section(
        title="Waits for room in DRS", sentences=(sentence,),
        heads=("Of", "From", "Until", "Lasted", "Waited at first for"), rows=tuple(rows),
    )  # fmt: skip


def _edits(execution: Execution, _events: tuple[Event, ...], _now: datetime) -> Section | None:
    """What was edited while it ran: who, when and why, and which plan was executed in the end."""
    edits = [command for command in execution.commands if command.kind is CommandKind.EDIT]
    if not edits:
        return None
    rows = [(moment(one.at), f"{one.by}: {one.reason}", one.answer or "not looked at yet") for one in edits]
    sentences = [edited_words(execution)] if execution.applied else ["No edit was carried out: the plan is as started."]
    return Section(
        title="Edits",
        sentences=(*sentences, *differences(execution)),
        heads=("When", "Who and why", "What came of it"),
        rows=tuple((Cell(text=row[0], look=Look.SHORT), *map(_text, row[1:])) for row in rows),
    )


def _text(text: str) -> Cell:
    return Cell(text=text)


MAKERS: tuple[Maker, ...] = (_authorised, _change_control, _edits, _queue, _actions, _checks, _cost, _notifications)
"""Every section beside those that a report always has."""
