"""The board: what it shows, and that nothing in it needs more than inline styles."""

import re
from datetime import timedelta

import pytest

from drskit.model import ChangeRecord, Phase, ServerStatus
from drskit.views.board import render_board
from drskit.views.rows import board_of, waves_waiting
from drskit.views.words import COLOURS, MODE_COLOURS, span
from tests.report import samples
from tests.report.pages import Page, untrusted

STORIES = [samples.completed, samples.failing, samples.under_way, samples.waiting_for_approval, samples.hostile]


def html_of(sample) -> str:
    return render_board(sample.execution, sample.now)


def test_rows_count_what_is_done_and_time_what_lasts():
    """The running phase with its own time."""
    sample = samples.under_way()
    board = board_of(sample.execution, sample.now)
    assert (4, 12, timedelta(seconds=900)) == (board.done, board.total, board.elapsed)
    server = board.waves[1].servers[0]
    assert (Phase.CONVERSION, timedelta(seconds=125)) == (server.phase, server.phase_elapsed)
    assert ["wave Application"] == [wave.waiting_for for wave in board.waves if wave.waiting_for]


def test_rows_of_a_finished_execution_wait_for_nothing_and_their_clock_stands():
    """However late one looks."""
    sample = samples.failing()
    board = board_of(sample.execution, samples.at(100_000))
    assert timedelta(seconds=1292) == board.elapsed
    assert [None, None, None] == [wave.waiting_for for wave in board.waves]
    assert ServerStatus.FAILED is board.waves[1].servers[0].status


def test_a_wave_that_waits_for_approval_is_found():
    """For the button."""
    assert ("Application",) == waves_waiting(samples.waiting_for_approval().execution)
    assert () == waves_waiting(samples.completed().execution)


@pytest.mark.parametrize("story", STORIES)
def test_the_board_uses_only_what_an_untrusted_notebook_keeps(story):
    """Nothing hangs on style elements or classes; no SVG, no gradients, no aria; keys are for live boards only."""
    page = Page(untrusted(html_of(story())))
    assert [] == page.open
    assert [] == page.harmful
    assert {"div", "p", "b", "span", "table", "caption", "thead", "tbody", "tr", "th", "td"} >= {
        tag for tag, _ in page.elements
    }
    assert {"style", "scope", "data-key"} >= {name for _, attributes in page.elements for name in attributes}
    assert "gradient" not in html_of(story())


def test_the_board_says_its_mode_and_whom_it_waits_for():
    """In words, first."""
    text = Page(html_of(samples.waiting_for_approval())).text
    assert text.startswith("SIMULATED")
    assert "WAITING FOR: approval of wave Application: The database accepts logins." in text
    assert Page(html_of(samples.failing())).text.startswith("REAL")


def test_a_start_against_the_change_control_stands_on_the_board():
    """Marked; one that was allowed is only told."""
    sample = samples.overridden()
    text = Page(html_of(sample)).text
    assert "! Started without a ticket AGAINST its change control" in text
    allowed = sample.execution.model_copy(update={"change": ChangeRecord(ticket="CHG0042")})
    text = Page(render_board(allowed, sample.now)).text
    assert "Started under ticket CHG0042" in text
    assert "! Started" not in text


def test_every_header_cell_has_a_scope_and_every_table_a_caption():
    """For those who hear the board."""
    page = Page(html_of(samples.failing()))
    assert len(page.named("table")) == len(page.named("caption")) == 3
    assert all(cell.get("scope") in ("col", "row") for cell in page.named("th"))


def test_a_large_wave_shows_trouble_and_folds_the_rest():
    """Failed servers are never inside the fold."""
    html = html_of(samples.large(300))
    before_folds = re.sub(r"<details.*?</details>", "", html)
    assert 10 == before_folds.count("✖ FAILED</span></span></td>")
    assert 0 == before_folds.count("✔ LAUNCHED")
    assert "145 more servers: 145 LAUNCHED" in html
    assert all(name in Page(html).text for name in ("database-1 ", "application-200 ", "web-299 "))
    assert 100_000 > len(html)


@pytest.mark.parametrize("attack", samples.HOSTILE[:5])
def test_hostile_text_stays_text(attack):
    """Names and errors come from outside."""
    assert attack not in html_of(samples.hostile())


@pytest.mark.parametrize("pair", [*COLOURS.values(), *MODE_COLOURS.values()])
def test_badges_can_be_read(pair):
    """Contrast of 4.5 to 1 or more, as WCAG counts it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted(luminance(colour) for colour in pair)
    assert 4.5 <= (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (42, "42 s"), (1084, "18 min 04 s"), (2700, "45 min"), (3725, "1 h 02 min 05 s"), (-5, "-5 s")],
)
def test_durations_read_as_people_say_them(seconds, words):
    """Units in words."""
    assert words == span(timedelta(seconds=seconds))
