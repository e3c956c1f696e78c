"""Fast drills: chosen at the start, kept with the execution, said wherever it is shown."""

import pytest

from drskit.errors import Refused
from drskit.model import AttemptStatus
from drskit.report.html import render_html
from drskit.report.markdown import render_markdown
from drskit.report.summary import summarise
from drskit.settings import STRICT_SECONDS, Settings
from drskit.views.board import render_board
from drskit.views.preview import preview_parts, preview_text
from drskit.views.text import board_text
from drskit.views.words import FAST_WORDS
from tests.harness import house, runbook_of
from tests.report import samples
from tests.test_faults import SMALL, SMALL_PLAN, add_fault
from tests.test_witnesses import ONE_WAVE


def repeated_after(*, fast, **settings):
    """Seconds between the intents of a launch whose request was lost, and the one that repeats it."""
    with house(text=SMALL, **settings) as home:
        add_fault(home, operation="StartRecovery", kind="lost-request", times=1)
        name = home.session.start(runbook_of(ONE_WAVE), fast=fast).execution_id
        home.finish()
        first, second = home.session.store.load(name).attempts
        assert (AttemptStatus.NOT_EXECUTED, 1) == (first.status, len(home.jobs()))
        return (second.signed_at - first.signed_at).total_seconds()


def test_a_fast_drill_repeats_a_lost_launch_after_a_minute():
    """A strict one, which is the default, after seven."""
    assert 60 <= repeated_after(fast=True) < 80
    assert 420 <= repeated_after(fast=False) < 440


def test_a_worker_that_is_told_to_be_quicker_still_is():
    """The shorter of the two counts for a fast drill; a strict one takes the worker's."""
    assert 30 <= repeated_after(fast=True, quiescence_seconds=30) < 45
    assert 330 <= repeated_after(fast=False, quiescence_seconds=330) < 350


def test_a_fast_drill_keeps_its_choice_and_its_history_begins_with_it():
    """It is in the tables, and in the first event."""
    with house(text=SMALL) as home:
        name = home.session.start(runbook_of(SMALL_PLAN), fast=True).execution_id
        execution, events, _ = home.another_session().history(name)
        assert (True, True) == (execution.fast, events[0].facts["Fast"])


def test_a_start_that_is_repeated_changes_nothing():
    """A fast one finds a fast one; what began strict is not made fast by asking again."""
    with house(text=SMALL) as home:
        runbook = runbook_of(SMALL_PLAN)
        fast = home.session.start(runbook, key="monday", fast=True)
        assert [fast.execution_id] * 2 == [
            home.session.start(runbook, key="monday", fast=again).execution_id for again in (True, False)
        ]
        home.finish()
        home.session.start(runbook, key="tuesday")
        with pytest.raises(Refused, match="is not fast, and goes on as it began"):
            home.session.start(runbook, key="tuesday", fast=True)


def test_fast_is_said_wherever_the_drill_is_shown():
    """In the preview, on the board, in the reports; of a strict drill nothing is said."""
    sample = samples.under_way()
    for fast in (True, False):
        execution = sample.execution.model_copy(update={"fast": fast})
        summary = summarise(execution, sample.events, sample.logs, sample.now)
        assert fast is (FAST_WORDS.split(":")[0] in render_board(execution, sample.now))
        assert fast is (", fast)" in board_text(execution, sample.now))
        assert fast is ("known outcome is repeated within" in render_html(summary))
        assert fast is ("known outcome is repeated within" in render_markdown(summary))
    with house(text=SMALL) as home:
        for fast in (True, False):
            preview = home.session.preview(runbook_of(SMALL_PLAN), fast=fast)
            assert fast is (FAST_WORDS in preview_text(preview))
            assert fast is ("known outcome is repeated within" in "".join(preview_parts(preview)))


@pytest.mark.parametrize(("seconds", "weak"), [(0, True), (329.9, True), (330, False), (420, False)])
def test_a_quiescence_that_proves_nothing_is_called_weaker(seconds, weak):
    """Below a signature's age and a list's lag; the words hold the facts."""
    text = Settings(quiescence_seconds=seconds).weakness
    assert weak is (text is not None)
    assert not weak or f"is {seconds:g}, which is weaker than strict: AWS may carry a request out for 300 s" in text
    assert 300 + 30 == STRICT_SECONDS
