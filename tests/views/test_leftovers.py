"""What a finished drill left running, and what was terminated since, in words."""

from dataclasses import replace

from drskit.model import ExecutionType, ServerStatus
from drskit.report.html import render_html
from drskit.report.markdown import render_markdown
from drskit.report.summary import summarise
from drskit.views.board import render_board
from drskit.views.leftovers import leftovers
from drskit.views.text import board_text
from tests.report import samples

CLEANUP = "01JDD6A0000000000000CLEAN0"


def gone(sample, count, **changes):
    """The drill after so many servers of its first wave are TERMINATED."""
    first, *others = sample.execution.waves
    servers = tuple(
        server.model_copy(update={"status": ServerStatus.TERMINATED, **changes}) if number < count else server
        for number, server in enumerate(first.servers)
    )
    return sample.execution.model_copy(update={"waves": (first.model_copy(update={"servers": servers}), *others)})


def test_a_drill_that_is_over_says_what_still_runs_and_how_it_ends():
    """With its number, since when, and the command that ends it."""
    sample = samples.completed()
    name = sample.execution.execution_id
    runs = "12 instances of this drill still run, since 2026-11-23 19:24:18Z (2 d 2 h)"
    told = f"{runs}; drskit cleanup {name} --reason … terminates them."
    assert (told,) == leftovers(sample.execution, samples.at(552 + 180_000))


def test_nothing_is_said_of_what_runs_or_launched_nothing():
    """Of a drill that is not over, and of a cleanup."""
    assert () == leftovers(samples.under_way().execution, samples.at(900))
    assert () == leftovers(samples.cleaned().execution, samples.at(900))


def test_what_a_cleanup_terminated_is_told():
    """By which cleanup, and how much still runs."""
    sample = samples.completed()
    running, terminated = leftovers(gone(sample, 3, terminated_by=CLEANUP), sample.now)
    assert running.startswith("9 instances of this drill still run, since ")
    assert f"3 instances of this drill were terminated by cleanup {CLEANUP}." == terminated
    assert (
        "1 instance of this drill was found gone; no cleanup terminated it."
        == leftovers(gone(sample, 1), sample.now)[1]
    )


def test_what_a_newer_execution_launched_again_does_not_run():
    """It is counted apart."""
    sample = samples.completed()
    running, replaced = leftovers(sample.execution, sample.now, {"Database", "Web"})
    assert running.startswith("4 instances of this drill still run, since 2026-11-23 19:36:36Z ")
    assert replaced.startswith("8 instances of this drill were replaced when a newer execution")


def test_the_boards_and_the_reports_say_it():
    """In text, in HTML and in Markdown."""
    sample = samples.completed()
    execution = gone(sample, 3, terminated_by=CLEANUP)
    summary = summarise(execution, sample.events, sample.logs, sample.now)
    for shown in (
        board_text(execution, sample.now),
        render_board(execution, sample.now),
        render_html(summary),
        render_markdown(summary),
    ):
        assert "9 instances of this drill still run, since" in shown
        assert f"3 instances of this drill were terminated by cleanup {CLEANUP}" in shown


def test_of_a_recovery_only_what_a_cleanup_terminated_is_told():
    """What it launched is to stay, and nobody is asked to terminate it."""
    sample = samples.completed()
    recovery = sample.execution.model_copy(update={"execution_type": ExecutionType.RECOVERY})
    assert () == leftovers(recovery, sample.now)
    sample = replace(sample, execution=recovery)
    (told,) = leftovers(gone(sample, 3, terminated_by=CLEANUP), sample.now)
    assert f"3 instances of this recovery were terminated by cleanup {CLEANUP}." == told
    summary = summarise(gone(sample, 3, terminated_by=CLEANUP), sample.events, sample.logs, sample.now)
    assert "What a recovery launched stays" not in render_html(summary)
    assert "3 of 12 instances proven to be gone" in render_html(summary)
    assert "What a recovery launched stays, until somebody asks" in render_html(
        summarise(recovery, sample.events, sample.logs, sample.now)
    )
