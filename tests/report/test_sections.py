"""Sections that an execution gives reason for: the same in HTML, Markdown, JSON and the notebook."""

from drskit.report.evidence import Evidence, report_json
from drskit.report.html import render_html
from drskit.report.inline import render_criteria
from drskit.report.markdown import render_markdown
from drskit.report.sections import Cell, Look, Section, sections_of
from drskit.report.summary import summarise
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
