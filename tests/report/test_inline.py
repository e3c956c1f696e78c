"""The report's parts for a notebook, and the drills of a plan over time: inline styles only, and all of it in words."""

import re

import pytest

from drskit.report.comparison import comparison_text, in_order, render_comparison
from drskit.report.figures import figures_of
from drskit.report.inline import render_criteria, render_head, render_timeline
from drskit.report.summary import summarise
from tests.report import samples
from tests.report.pages import Page, untrusted

PARTS = [render_head, render_timeline, render_criteria]
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


def summary_of(sample):
    return summarise(sample.execution, sample.events, sample.logs, sample.now, context=samples.beside(sample))


def drills():
    """Three drills of a plan, the middle one with failures, of another plan version, for real."""
    made = []
    for number, story in enumerate((samples.completed, samples.failing, samples.completed)):
        sample = story()
        figures = figures_of(sample.execution, sample.now)
        changes = {
            "execution_id": f"01JDD5Q3X8M4T7V2W9Y0ZABCD{number}",
            "start_time": samples.at(number * 86_400),
            "digest": "0" * 64 if number == 1 else figures.digest,
        }
        made.append(figures.model_copy(update=changes))
    return made


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("story", STORIES)
def test_a_part_survives_an_untrusted_notebook(part, story):
    """Nothing hangs on a style element or a class; no script, no handler, nothing fetched; every element closed."""
    html = untrusted(part(summary_of(story())))
    page = Page(html)
    assert ([], []) == (page.open, page.harmful)
    assert [] == page.named("style")
    assert "class=" not in html


@pytest.mark.parametrize("part", PARTS)
def test_hostile_text_stays_text(part):
    """Escaped, and without what hides or turns it."""
    html = part(summary_of(samples.hostile()))
    assert [] == [attack for attack in samples.HOSTILE[:5] if attack in html]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)


def test_the_head_says_the_mode_the_verdict_and_every_target():
    """REAL and SIMULATED are words."""
    text = Page(render_head(summary_of(samples.failing()))).text
    expected = ["REAL", "Drill FAILED: 6 of 12 critical servers launched", "RTO target", "Wave Application", "45 min"]
    assert [] == [part for part in expected if part not in text]
    assert "RTO" not in Page(render_head(summary_of(samples.cleaned()))).text


def test_the_boxes_of_the_timeline_stay_inside_it():
    """No line is wider than the whole."""
    html = render_timeline(summary_of(samples.completed()))
    for line in html.split("display:flex;align-items:center")[1:]:
        assert 100.01 >= sum(
            float(width) for width in re.findall(r'<div style="width:([\d.]+)%', line.split("</table>")[0])
        )


def test_the_timeline_tells_the_critical_path_in_words():
    """Marked in the picture, listed below it."""
    text = Page(render_timeline(summary_of(samples.completed()))).text
    assert "people 2 min 43 s, DRS 27 min 38 s, drskit 32 s" in text
    assert {"▸ ✔ db-4", "▸ ✔ app-6", "▸ ✔ web-12"} <= set(re.findall(r"▸ ✔ \w+-\d+", text))


def test_of_a_large_wave_only_what_counts_is_drawn():
    """What failed, and the critical path; the rest is counted."""
    html = render_timeline(summary_of(samples.large(300)))
    assert "more servers in the report itself." in html
    assert 100_000 > len(html)
    assert "▸" in html


def test_the_criteria_name_what_failed_first():
    """With the reason, then what was not tested, and what to follow up."""
    text = Page(render_criteria(summary_of(samples.failing()))).text
    assert text.index("UnauthorizedOperation") < text.index("What was to be proven")
    assert text.index("Not tested") < text.index("did not come up: app-5, app-8")


def test_the_comparison_is_a_chart_and_a_table():
    """The oldest first, the current one marked, the target below the bar, and every number in words."""
    html = render_comparison(drills(), "01JDD5Q3X8M4T7V2W9Y0ZABCD2")
    page = Page(html)
    assert ([], []) == (page.open, page.harmful)
    marked = re.findall(r"(▸ )?2026-11-(\d\d) 19:15:06Z", page.text)
    assert [("", "23"), ("", "24"), ("▸ ", "25")] == marked
    expected = ["30 min 52 s", "2 min 43 s for people", "conversion 3 min 18 s", "6 of 12, 2 failed", "5 min 20 s"]
    assert [] == [part for part in expected if part not in page.text]
    assert all(float(width) <= 100 for width in re.findall(r"width:([\d.]+)%", html))


def test_the_comparison_says_when_like_is_not_compared_with_like():
    """Modes and versions of the plan; and who failed again."""
    text = Page(
        render_comparison([*drills(), *[drill.model_copy(update={"execution_id": "x"}) for drill in drills()]])
    ).text
    assert "SIMULATED and REAL drills stand side by side" in text
    assert "The plan or its groups changed between these drills: 2 versions of it ran." in text
    assert "Failed in more than one drill: s-00000000000000005, s-00000000000000008." in text


def test_the_comparison_in_a_log_is_a_line_a_drill():
    """And none at all is said."""
    assert 3 == len(comparison_text(drills()).splitlines())
    assert "No drill of this plan is known." in render_comparison([])
    assert [0, 1, 2] == [int(drill.execution_id[-1]) for drill in in_order(reversed(drills()))]


def test_hostile_names_in_a_comparison_stay_text():
    """Ids come from files, too."""
    text = " ".join(samples.HOSTILE)
    bad = [drill.model_copy(update={"execution_id": text, "plan_id": text, "failed": (text,)}) for drill in drills()]
    html = render_comparison(bad, text)
    assert ([], []) == (Page(html).open, Page(html).harmful)
    assert "\x1b" not in comparison_text(bad)
