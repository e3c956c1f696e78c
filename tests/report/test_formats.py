"""The report as CSV and as Markdown."""

import csv
import io

import pytest

from drskit.report.csv import FORMULA, render_csv, safe_cell
from drskit.report.markdown import escaped, render_markdown
from drskit.report.summary import summarise
from tests.report import samples


def summary_of(sample):
    return summarise(sample.execution, sample.events, sample.logs, sample.now)


def test_csv_holds_a_line_for_each_server():
    """Seconds are numbers, absent values are empty."""
    rows = list(csv.DictReader(io.StringIO(render_csv(summary_of(samples.failing())))))
    assert 12 == len(rows)
    assert ("536.5", "1200.0", "met", "230.0") == tuple(
        rows[0][name] for name in ("RtoSeconds", "RtoTargetSeconds", "Rto", "RpoSeconds")
    )
    assert ("", "not reached", "") == (rows[11]["RtoSeconds"], rows[11]["Rto"], rows[11]["Error"])


@pytest.mark.parametrize("start", FORMULA)
def test_no_cell_is_a_formula(start):
    """An apostrophe makes it text."""
    assert safe_cell(f"{start}HYPERLINK(1)").startswith("'")
    assert not safe_cell(f"\u200b {start}1").startswith(FORMULA)
    assert "db-1" == safe_cell("db-1")


def test_no_cell_of_a_hostile_report_is_a_formula():
    """Through the whole renderer."""
    rows = csv.reader(io.StringIO(render_csv(summary_of(samples.hostile()))))
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA)]


def test_markdown_says_mode_verdict_failures_and_approvals():
    """A page for the ticket."""
    text = render_markdown(summary_of(samples.failing()))
    assert text.startswith("# REAL: Drill FAILED")
    assert "**FAILED** app-5" in text
    assert "Logins work, checked with psql." in text


def test_hostile_text_is_no_markup():
    """Neither HTML nor links."""
    text = render_markdown(summary_of(samples.hostile()))
    assert "<script>" not in text.replace("\\<", "")
    assert "\x1b" not in text


def test_markdown_of_a_cleanup_says_what_is_gone_what_remains_and_what_was_left_alone():
    """With the proof of each, and no target."""
    text = render_markdown(summary_of(samples.cleaned()))
    assert "**TERMINATED** `i-00000000000c0ffef` of db-1" in text
    assert "**REMAINS** `i-00000000000c0fff2` of db-4" in text
    assert "Why: The drill is over, says ticket OPS-4711." in text
    assert "job `drsjob-0000000000000cc00` from" in text
    assert "At the end: terminated; no call of this cleanup named it" in text
    assert "RTO" not in text


def test_csv_of_a_cleanup_holds_the_proofs_and_no_targets():
    """The cells of RTO and RPO are empty."""
    rows = list(csv.DictReader(io.StringIO(render_csv(summary_of(samples.cleaned())))))
    assert ["not listed by DRS, terminated in EC2"] * 3 + [""] == [row["Proof"] for row in rows]
    assert {""} == {row[name] for row in rows for name in ("Rto", "Rpo", "RtoSeconds", "RpoTargetSeconds")}


def test_times_regions_and_names_are_read_in_markdown_as_they_are():
    """Also where nobody renders it; what could be a link, an emoji or a rule is escaped."""
    told = "drill: eu-west-1 since 2026-03-02 09:00:00Z, app-5"
    assert told == escaped(told)
    assert r"\-\-\-, a\-\-b, \:smile\:, x\://y, 1\:a" == escaped("---, a--b, :smile:, x://y, 1:a")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("1. web", r"1\. web "), ("12.", r"12\. "), ("===", r"\=== "), ("# web", r"\# web "), ("1.5 web", "1.5 web "),
        ("", ""), ("\u200b", ""),
    ],
)  # fmt: skip
def test_no_name_begins_a_list_or_a_heading_of_its_own(name, told):
    """A server that was not tested begins its line with its name, and has none where an edit took it out."""
    sample = samples.failing()
    *before, last = sample.execution.waves
    named = last.model_copy(update={"servers": tuple(one.model_copy(update={"name": name}) for one in last.servers)})
    execution = sample.execution.model_copy(update={"waves": (*before, named)})
    text = render_markdown(summarise(execution, sample.events, sample.logs, sample.now))
    lines = [line for line in text.partition("## Not tested")[2].splitlines() if "wave Web: " in line]
    assert lines
    assert all(line.startswith(f"- {told}`s-") for line in lines)
