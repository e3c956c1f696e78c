"""The report: one file, safe to open, whole and small."""

import re
import sys
from dataclasses import replace

import pytest

from drskit.errors import MissingExtra
from drskit.model import Phase
from drskit.report.context import Context
from drskit.report.html import _whole_ids, render_html
from drskit.report.summary import summarise
from tests.report import samples
from tests.report.pages import Page

STORIES = [
    samples.completed,
    samples.failing,
    samples.under_way,
    samples.waiting_for_approval,
    samples.large,
    samples.hostile,
    samples.cleaned,
    samples.hostile_cleanup,
]


def report_of(sample) -> str:
    versions = {"python": "3.13.0", "boto3": "1.44.5", "drskit": "0.1.0"}
    context = Context(made_at=sample.now, versions=versions)
    return render_html(summarise(sample.execution, sample.events, sample.logs, sample.now, context=context))


@pytest.mark.parametrize("story", STORIES)
def test_the_report_fetches_nothing_and_runs_nothing(story):
    """A strict policy, and nothing that would need a looser one."""
    page = Page(report_of(story()))
    policies = [meta["content"] for meta in page.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"] == policies
    assert [] == page.harmful
    assert "url(" not in report_of(story())


@pytest.mark.parametrize("story", STORIES)
def test_the_report_is_one_well_formed_page(story):
    """Every element is closed; language and title are there."""
    page = Page(report_of(story()))
    assert [] == page.open
    assert [{"lang": "en"}] == page.named("html")
    assert 1 == len(page.named("title"))
    assert 1 == len(page.named("h1"))


@pytest.mark.parametrize(("story", "word"), [(samples.completed, "SIMULATED"), (samples.failing, "REAL")])
def test_the_report_opens_with_its_mode_as_a_word(story, word):
    """Nobody takes a rehearsal for the real thing, or the other way round."""
    page = Page(report_of(story()))
    assert f"{word} DRILL of shop" in page.text
    assert page.text.split("Drill ")[0].rstrip().endswith("Account 123456789012, us-west-2.")
    assert 3 <= page.text.count(word)


def test_the_report_shows_every_part_of_the_evidence():
    """Verdict, digest, targets, phases, outcomes, approvals, commands, jobs, logs, history, versions, definitions."""
    sample = samples.completed()
    text = Page(report_of(sample)).text
    expected = [
        "12 of 12 critical servers launched in 30 min 52 s",
        sample.execution.digest,
        "28 min 10 s",
        "s-0000000000000000c",
        "i-00000000000c0fffa",
        "Logins work, checked with psql.",
        "Wave Application starts.",
        "drsjob-00000000000000002",
        "CONVERSION_END",
        "4 servers LAUNCHED",
        "1.44.5",
        "RTO without waiting for people",
    ]
    assert [] == [part for part in expected if part not in text]


def test_errors_come_before_everything_else_and_alike_ones_once():
    """The failed server's own words, in full, near the top."""
    report = report_of(samples.large())
    assert report.index("<h2>In trouble") < report.index("<h2>Targets and actuals")
    assert 1 == report.count('<p class="err">')
    assert samples.RAW_ERROR in Page(report).text
    assert "DRS gave no reason" in Page(report_of(samples.failing())).text


def test_the_timeline_draws_each_phase_and_says_the_same_in_words():
    """Bars within the picture, and a table beside them."""
    report = report_of(samples.completed())
    places = re.findall(r'<i class="(\w+)" style="left:([\d.e-]+)%;width:([\d.e-]+)%"', report)
    drawn = {kind for kind, _, _ in places}
    assert {"wave", "wait", "snapshot", "conversion", "launch", "rest", "crit"} == drawn
    assert all(0 <= float(left) and float(left) + float(width) <= 100.2 for _, left, width in places)
    assert "The timeline as a table" in report
    assert all(f">{phase.capitalize()}</th>" in report for phase in Phase)


def test_servers_of_one_name_are_told_apart_by_the_ends_of_their_ids():
    """In the timeline and on the critical path, where the ids have no room; any other is called by its name alone."""
    sample = samples.completed()
    first = sample.execution.waves[0]
    twins = tuple(server.model_copy(update={"name": "db"}) for server in first.servers[:2])
    waves = (first.model_copy(update={"servers": (*twins, *first.servers[2:])}), *sample.execution.waves[1:])
    text = Page(report_of(replace(sample, execution=sample.execution.model_copy(update={"waves": waves})))).text
    assert [] == [label for label in ("db …00001", "db …00002", "✔ db-3\n") if label not in text]
    assert "db-3 …" not in text


def test_an_rpo_of_a_wave_with_a_server_that_is_missing_says_of_whom_it_is():
    """0 s beside `not reached` would read as good."""
    html = report_of(samples.failing())
    assert ', only of those that came up</td><td><span class="b bad">✖ not reached' in html


def test_a_long_identifier_is_broken_and_an_arn_behind_its_account():
    """Those of DRS and EC2 never are, however narrow the page."""
    html = report_of(samples.hostile())
    assert 'class="id long"' in html
    assert "arn:aws:iam::123456789012:<wbr>user/<wbr>mira" in report_of(samples.failing())
    assert 'class="id long"' not in report_of(samples.failing())


def test_an_arn_in_a_cell_is_broken_behind_its_colons_and_slashes():
    """Its Region never is behind a hyphen; a name that is longer than any identifier may be, and markup stays text."""
    topic = "announcements-" * 4
    html = str(_whole_ids(f"sns arn:aws:sns:us-west-2:123456789012:{topic} <b>at i-0123456789abcdef0"))
    kept = "".join(f'<span class="kept">{part}:</span><wbr>' for part in ("aws", "sns", "us-west-2", "123456789012"))
    assert f'sns <span class="kept">arn:</span><wbr>{kept}{topic} &lt;b&gt;at ' in html
    assert html.endswith('<span class="kept">i-0123456789abcdef0</span>')


@pytest.mark.parametrize("attack", samples.HOSTILE[:5])
def test_hostile_text_stays_text(attack):
    """It is escaped, and loses what hides or turns it."""
    report = report_of(samples.hostile())
    assert attack not in report
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", report)


def test_a_template_in_a_name_is_not_evaluated():
    """Braces are letters."""
    assert "{{7*7}}{% raw %}" in Page(report_of(samples.hostile())).text


def test_a_report_of_a_hundred_servers_is_small():
    """One megabyte is promised; a mail server takes much less."""
    assert 400_000 > len(report_of(samples.large(100)).encode())
    assert 1_000_000 > len(report_of(samples.large(300)).encode())


def test_an_endless_error_is_cut_and_says_so():
    """The whole text is in execution.json."""
    sample = samples.failing()
    wave = sample.execution.waves[1]
    servers = (wave.servers[0].model_copy(update={"error": "x" * 100_000}), *wave.servers[1:])
    waves = (sample.execution.waves[0], wave.model_copy(update={"servers": servers}), sample.execution.waves[2])
    report = render_html(
        summarise(sample.execution.model_copy(update={"waves": waves}), sample.events, sample.logs, sample.now)
    )
    assert 100_000 > len(report)
    assert "(96000 more characters)" in report


def test_without_jinja2_the_report_says_what_to_install(monkeypatch):
    """An extra that is not there is no crash."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"jinja2.*drskit\[kit\]"):
        report_of(samples.completed())


def test_the_report_of_a_cleanup_shows_the_proofs_the_calls_and_the_bystanders():
    """Who asked and why, which drill, and nothing of RTO, RPO or waves."""
    sample = samples.cleaned()
    text = Page(report_of(sample)).text
    expected = [
        "3 of 4 instances terminated and gone from DRS and EC2; 1 remains",
        f"4 instances of drill {sample.execution.cleans} of plan shop",
        sample.execution.started_by,
        "The drill is over, says ticket OPS-4711.",
        "not listed by DRS, terminated in EC2",
        "its termination protection is on. Turn that off in EC2 if it may go",
        "drsjob-0000000000000cc00",
        "which is no job of this execution",
        "untouched: running in EC2",
        "terminated; no call of this cleanup named it",
        "A job's word is no proof.",
    ]
    assert [] == [part for part in expected if part not in text]
    assert [] == [word for word in ("RTO", "RPO", "not reached", "Timeline") if word in text]


def test_the_report_of_a_cleanup_that_terminated_everything_has_nothing_in_trouble():
    """No section of what remains, and nothing in red."""
    report = report_of(samples.cleaned(whole=True))
    assert "What remains" not in report
    assert '<span class="b bad">' not in report


def test_an_identifier_in_the_history_is_one_piece():
    """A browser breaks a line behind a hyphen; what comes from outside stays text."""
    html = report_of(samples.failing())
    assert '<span class="kept">s-' in html
    assert [] == [attack for attack in samples.HOSTILE[:3] if attack in report_of(samples.hostile())]
