"""Sections that an execution gives reason for: the same in HTML, Markdown, JSON and the notebook."""

from dataclasses import replace
from datetime import timedelta

from drskit.actions import Action, ActionKind, ActionMode, Call, Task, TaskPhase, TaskStatus
from drskit.model import Decision
from drskit.report.evidence import Evidence, report_json
from drskit.report.html import render_html
from drskit.report.inline import render_criteria
from drskit.report.markdown import render_markdown
from drskit.report.sections import Cell, Look, Section, sections_of
from drskit.report.summary import summarise
from drskit.views.board import render_board
from drskit.views.text import board_text
from tests.report import samples
from tests.report.pages import Page

WORDS = "Started without a ticket AGAINST its change control (a change ticket is required, and none was named)"


def summary_of(sample):
    return summarise(sample.execution, sample.events, sample.logs, sample.now)


def test_a_start_against_the_change_control_has_a_section_of_its_own():
    """What the plan asks for, and who let it start all the same; it is to be followed up."""
    sample = samples.overridden()
    (section,) = sections_of(sample.execution, sample.events, sample.now)
    assert "Change control" == section.title
    assert ["Ticket", "Window", "Overridden"] == [row[0].text for row in section.rows]
    assert "every day 22:00-02:00 (UTC)" == section.rows[1][1].text
    assert "started against the change control" in summary_of(sample).deviations[0].what


def test_a_plan_without_change_control_has_no_such_section():
    """Nothing to say is nothing."""
    sample = samples.completed()
    assert () == sections_of(sample.execution, sample.events, sample.now)


def test_every_format_has_the_section():
    """Written once."""
    sample = samples.overridden()
    summary = summary_of(sample)
    html, inline = Page(render_html(summary)).text, Page(render_criteria(summary)).text
    assert [] == [where for where in (html, inline) if WORDS not in where or "the region is failing" not in where]
    text = render_markdown(summary)
    assert "## Change control" in text
    assert "| What | As the plan has it | At the start |" in text
    report = report_json(summary, Evidence(sample.execution, sample.events, sample.logs))["Report"]
    assert "Change control" == report["Sections"][0]["Title"]


def acted(**changes):
    """A sample whose first wave had an action before it, which failed, and whose plan has one at the end."""
    sample = samples.completed()
    execution = sample.execution
    does = Call(kind=ActionKind.HTTP, url="https://x.example.com/<b>")
    action = Action(does=does, modes=(ActionMode.DRILL,), name="<b>tell\u202e</b>")
    task = Task(
        task_id="01T", wave_name=execution.waves[0].wave_name, phase=TaskPhase.BEFORE, index=0, number=1,
        kind=ActionKind.HTTP, title=action.title, status=TaskStatus.UNKNOWN, intended_at=execution.start_time,
        start_time=execution.start_time, end_time=execution.start_time + timedelta(seconds=70),
        outcome="<script>no</script>", output="| a |", external_id="x-1",
    )  # fmt: skip
    first, *others = execution.plan.waves
    waves = (first.model_copy(update={"before": (action,)}), *others)
    plan = execution.plan.model_copy(update={"waves": waves, "at_end": (action,)})
    done = execution.model_copy(update={"plan": plan, "tasks": (task.model_copy(update=changes),)})
    return replace(sample, execution=done)


def test_every_run_of_an_action_is_told_and_what_was_not_reached():
    """With what came of it, its own id there, and what somebody must follow up."""
    sample = acted()
    (section,) = sections_of(sample.execution, sample.events, sample.now)
    first, last = section.rows
    assert ["UNKNOWN", "SKIPPED"] == [first[3].text, last[3].text]
    assert ("1 min 10 s", "<script>no</script>; | a | (there: x-1)") == (first[5].text, first[6].text)
    assert "not run: its turn did not come" == last[6].text
    assert "One that is UNKNOWN may have been done, or not" in section.sentences[0]
    assert any("before it is UNKNOWN" in one.what for one in summary_of(sample).deviations)


def test_what_an_action_answers_is_harmless_in_every_format():
    """Names and answers come from anywhere."""
    sample = acted(again=Decision(by="<i>mira</i>", at=sample_time(), reason="`x`"))
    summary = summary_of(sample)
    for html in (render_html(summary), render_criteria(summary), render_board(sample.execution, sample.now)):
        assert [] == [word for word in ("<script>no", "<b>tell", "<i>mira", "\u202e") if word in html]
    assert "\u202e" not in board_text(sample.execution, sample.now)
    assert "<script>no" not in render_markdown(summary).replace("\\<", "")


def sample_time():
    """Some time."""
    return samples.completed().execution.start_time


def test_a_status_has_its_badge_and_an_id_stays_whole():
    """By how the cell is to look, in each format."""
    row = (Cell(text="i-1", look=Look.ID), Cell(text="FAILED", look=Look.STATUS))
    section = Section(title="Made up", heads=("Instance", "State"), rows=(row,))
    summary = summary_of(samples.completed()).model_copy(update={"sections": (section,)})
    assert '<th scope="row" class="id">i-1</th><td class="n"><span class="b bad">✖ FAILED</span></td>' in render_html(
        summary
    )
    assert "| `i-1` | FAILED |" in render_markdown(summary)
    assert "✖ FAILED" in Page(render_criteria(summary)).text
