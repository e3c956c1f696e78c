"""What becomes of a drill's instances at its end: what is asked of whom, and what is said."""

from contextlib import contextmanager

import pytest

from drskit.afterwards import Afterwards, ended, live_cleanup, remains
from drskit.drill import Drill, DrillParameters
from drskit.errors import NotCompleted, PlanBusy, Refused
from drskit.model import CommandKind, ExecutionStatus
from drskit.sim.spec import Fault, FaultKind
from tests.harness import final, house, runbook_of
from tests.test_cleanup import RUNBOOK, WORLD, cleaned, drilled

ALWAYS = RUNBOOK + "cleanup: {after: always, headless: always}\n"
ASKING = RUNBOOK.replace("max_failed: 1", "approve: Look.")


def notebook(opened, text=RUNBOOK, **parameters) -> Drill:
    """A drill as the notebook opens it."""
    return Drill(opened.session, runbook_of(text), DrillParameters.model_validate(parameters))


@contextmanager
def driven(text=RUNBOOK, **settings):
    """A house in which a notebook has driven a drill as far as it goes, and that notebook's drill."""
    with house(text=WORLD, **settings) as opened:
        drill = notebook(opened, text)
        drill.start()
        while drill.step():
            pass
        yield opened, drill


def test_a_drill_that_was_not_started_has_nothing_to_clean_up():
    """The cell says so, and raises nothing."""
    with house(text=WORLD) as opened:
        assert "The drill has not been started." == repr(notebook(opened).clean_up())


def test_by_default_a_headless_drill_terminates_nothing_and_says_what_runs():
    """With the command; it is no failure."""
    with driven() as (opened, drill):
        found = drill.clean_up()
        name = drill.snapshot().execution_id
        assert (
            f"3 instances of drill {name} still run and cost money. When nobody needs them: drskit cleanup {name} "
            "--reason TEXT" == repr(found)
        )
        drill.raise_for_status()
        assert None is live_cleanup(opened.session, "trio")


def test_a_notebook_leaves_the_cleanup_to_whoever_sits_at_the_terminal():
    """`drskit drill` says so by DRSKIT_ATTENDED; what is declared for nobody does not count then."""
    with driven(ALWAYS, attended=True) as (opened, drill):
        assert "still run and cost money" in repr(drill.clean_up())
        assert None is live_cleanup(opened.session, "trio")


def test_what_waits_for_a_person_is_not_cleaned_up():
    """Whatever the policy: it is not over."""
    with driven(ASKING + "cleanup: {headless: always}\n") as (opened, drill):
        found = drill.clean_up()
        assert f"Drill {drill.snapshot().execution_id} is PAUSED: what is not over is not cleaned up." == repr(found)
        with pytest.raises(NotCompleted, match="waits for approval of wave Web"):
            drill.raise_for_status()
        opened.session.command(drill.snapshot().execution_id, CommandKind.CANCEL, reason="enough")
        while drill.step():
            pass
        assert ExecutionStatus.CANCELLED is drill.snapshot().status
        assert "Nothing is left to clean up" in repr(remains(opened.session, drill.snapshot()))


def test_what_cannot_be_known_is_said_and_raised_in_the_last_cell_only():
    """The tables do not answer: nobody can tell what runs."""
    with driven(ALWAYS) as (opened, drill):
        opened.gateway.faults.add(Fault(kind=FaultKind.REFUSED, operation="*", service="dynamodb", times=99))
        found = drill.clean_up()
        assert found.failed
        assert f"Nobody knows what still runs of drill {drill.snapshot().execution_id}: " in repr(found)
        assert 'role="alert"' in found._repr_html_()
        with pytest.raises(NotCompleted, match="Nobody knows what still runs"):
            drill.raise_for_status()


def test_instances_that_a_newer_drill_replaced_are_not_said_to_run():
    """DRS terminated them at the newer launch."""
    with drilled() as (opened, drill):
        newer = opened.session.start(runbook_of(RUNBOOK))
        opened.finish()
        assert "Nothing is left to clean up" in repr(remains(opened.session, final(opened, drill)))
        assert "3 instances of drill" in repr(remains(opened.session, final(opened, newer)))


def test_a_server_that_failed_may_have_left_an_instance():
    """The record does not know; the command looks."""
    with drilled(WORLD.replace("tags: {Role: Web}", "tags: {Role: Web}, fails: conversion-denied")) as (opened, drill):
        found = remains(opened.session, drill)
        assert "No instance of drill" in repr(found)
        assert "3 servers of it may have left one." in repr(found)


def test_a_cleanup_that_left_something_names_it_with_the_reason():
    """And the command to try again; what ended well is no failure."""
    with drilled() as (opened, drill):
        opened.gateway.faults.add(Fault(kind=FaultKind.ACCESS_DENIED, operation="TerminateRecoveryInstances"))
        cleanup = cleaned(opened, drill)
        found = ended(cleanup)
        assert (True, 3) == (found.failed, repr(found).count("AccessDeniedException"))
        assert f"drskit cleanup {drill.execution_id} --reason TEXT" in repr(found)
        again = ended(cleaned(opened, drill))
        assert (False, 1) == (again.failed, len(repr(again).splitlines()))


def test_a_cleanup_is_not_taken_for_a_drill():
    """Named by its id it is refused; unnamed, a start says that it lives."""
    with drilled() as (opened, drill):
        cleanup = opened.session.cleanup(drill.execution_id, reason="looked at it")
        with pytest.raises(Refused, match=f"is a cleanup. Name the drill that it cleans up: {drill.execution_id}"):
            notebook(opened, execution_id=cleanup.execution_id)
        other = notebook(opened)
        assert None is other.snapshot()
        with pytest.raises(PlanBusy, match=cleanup.execution_id):
            other.start()


def test_words_are_shown_as_words():
    """A reason of AWS's own may hold anything."""
    assert "<p>1 &lt; 2<br>x</p>" == Afterwards("1 < 2\nx")._repr_html_()
