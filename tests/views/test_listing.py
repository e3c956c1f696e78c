"""Many executions as a list: in what order, what is said of each, and that no text of theirs does harm."""

import shlex
from collections import Counter
from datetime import timedelta

import pytest

from drskit.model import ExecutionStatus, Mode
from drskit.offers import cleanable, offers
from drskit.running import RunningInstances
from drskit.store.codec import header_of
from drskit.views.board import boxed
from drskit.views.listing import commands_part, listing, listing_parts, row_line, row_of, typed_commands
from tests.report import samples
from tests.report.pages import Page

NOW = samples.at(4000)


def header(sample, **changes):
    return header_of(sample.execution).model_copy(update=changes)


def page_of(*rows, page=0, size=25, unreadable=()):
    counts = Counter(row.header.status for row in rows)
    return listing(rows, page=page, size=size, counts=counts, unreadable=unreadable, now=NOW)


def text_of(shown, *, live=False):
    return Page(boxed(listing_parts(shown, live=live))).text


def many(count):
    base = header(samples.completed())
    return [
        row_of(
            base.model_copy(
                update={"execution_id": f"01JDD5Q3X8M4T7V2W9Y{n:07d}", "start_time": samples.at(n), "end_time": NOW}
            ),
            NOW,
        )
        for n in range(count)
    ]


def test_what_needs_a_look_is_first():
    """Stuck, then running, then waiting for a person, then what is over; of each the newest first."""
    over = row_of(header(samples.completed(), start_time=samples.at(50)), NOW)
    older = row_of(header(samples.failing()), NOW)
    waits = row_of(header(samples.waiting_for_approval()), NOW)
    runs = row_of(header(samples.under_way()), NOW)
    stuck = row_of(header(samples.under_way()), NOW, stuck="No worker has polled.")
    assert (stuck, runs, waits, over, older) == page_of(older, over, waits, runs, stuck).rows


def test_a_row_says_how_it_stands():
    """Status in glyph and word, servers, what runs of it, what it waits for, and why it is stuck."""
    running = RunningInstances(count=12, since=NOW - timedelta(hours=3))
    shown = page_of(
        row_of(header(samples.completed()), NOW, running=running),
        row_of(header(samples.waiting_for_approval()), NOW),
        row_of(header(samples.under_way()), NOW, stuck="No worker has polled."),
    )
    text = text_of(shown)
    assert "✔ COMPLETED" in text
    assert "12 of 12" in text
    assert "! RUNS 12 instances for 3 h 00 min" in text
    assert "waits for approval of wave Application" in text
    assert "! STUCK No worker has polled." in text
    assert "! 1 STUCK" in text
    assert "page 1 of 1, 3 executions" in text


def test_a_thousand_executions_are_pages():
    """A page is small, whatever stands behind it; a number past the end is the last page."""
    rows = many(1000)
    first, last = page_of(*rows), page_of(*rows, page=99)
    assert (40, 25, 0) == (first.pages, len(first.rows), first.page)
    assert 39 == last.page
    assert samples.at(999) == first.rows[0].header.start_time
    assert 60_000 > len(boxed(listing_parts(first, live=True)))


def test_an_empty_list_says_so():
    """Nothing at all, or nothing that fits."""
    assert "There is no execution, as of" in text_of(page_of())
    shown = listing((), page=0, size=5, counts={ExecutionStatus.FAILED: 2}, unreadable=(), now=NOW)
    assert "None of the executions fits the filter, as of" in text_of(shown)


def test_only_a_live_list_can_be_pressed():
    """A saved notebook has no button that does nothing."""
    shown = page_of(row_of(header(samples.completed()), NOW))
    assert "data-press" not in boxed(listing_parts(shown, live=False))
    assert 'data-press="open:01JDD5Q3X8M4T7V2W9Y0ZABCDE"' in boxed(listing_parts(shown, live=True))


def test_what_cannot_be_read_is_named():
    """It hides nothing else."""
    shown = page_of(row_of(header(samples.completed()), NOW), unreadable=("Item 01J…: no <Status>",))
    assert "! UNREADABLE Item 01J…: no <Status>" in text_of(shown)


@pytest.mark.parametrize("live", [False, True])
def test_hostile_texts_do_no_harm(live):
    """Names of plans, what is waited for, why it is stuck, and what cannot be read."""
    text = " ".join(samples.HOSTILE)
    changes = {"plan_id": text, "waiting_for": text, "status": ExecutionStatus.PAUSED, "end_time": None}
    shown = page_of(row_of(header(samples.hostile(), **changes), NOW, stuck=text), unreadable=(text,))
    page = Page(boxed(listing_parts(shown, live=live)))
    assert ([], []) == (page.open, page.harmful)
    assert "\x1b" not in row_line(shown.rows[0])
    assert "\n" not in row_line(shown.rows[0])


def test_the_commands_to_type_are_those_that_make_sense():
    """With the wave or the server where one must be named, and nothing for what is over and gone."""
    sample = samples.waiting_for_approval()
    name = sample.execution.execution_id
    typed = typed_commands(name, offers(sample.execution, sample.now), cleanable=cleanable(sample.execution))
    assert f"drskit approve {name} --wave Application --reason TEXT" in typed
    assert f"drskit pause {name} --reason TEXT" in typed
    assert f"drskit edit {name} --wave Application --set 'KEY: VALUE' --reason TEXT" in typed
    assert not [line for line in typed if "retry" in line or "cleanup" in line]
    over = samples.completed().execution
    typed = typed_commands(over.execution_id, offers(over, NOW), cleanable=cleanable(over))
    assert (f"drskit cleanup {over.execution_id} --reason TEXT",) == typed
    assert "Nothing is left to tell it." in commands_part(())


def test_a_command_to_type_is_safe_to_paste():
    """A wave's name is one word to the shell, whatever stands in it."""
    sample = samples.waiting_for_approval()
    waves = tuple(
        wave.model_copy(update={"wave_name": 'A"; rm -rf $(HOME) #'}) if wave.waiting_since else wave
        for wave in sample.execution.waves
    )
    declared = tuple(
        wave.model_copy(update={"name": waves[number].wave_name})
        for number, wave in enumerate(sample.execution.plan.waves)
    )
    plan = sample.execution.plan.model_copy(update={"waves": declared})
    execution = sample.execution.model_copy(update={"waves": waves, "plan": plan})
    typed = typed_commands("ID", offers(execution, sample.now), cleanable=False)
    assert ["drskit", "approve", "ID", "--wave", 'A"; rm -rf $(HOME) #', "--reason", "TEXT"] == shlex.split(typed[0])


def test_the_mode_of_each_execution_is_said():
    """A list may hold both."""
    text = text_of(page_of(row_of(header(samples.failing()), NOW)))
    assert Mode.REAL.value in text
