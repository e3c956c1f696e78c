"""The report and the board in a browser: judged by axe-core in light and dark, printed, and in a narrow window.

The board is shown bare on a page of its own: what JupyterLab puts around it is
not ours to judge.
"""

from functools import cache

import pytest

from drskit.report.html import render_html
from drskit.report.inline import render_criteria, render_head
from drskit.report.summary import summarise
from drskit.views.board import render_board
from tests.e2e.judging import COLOURS, grave
from tests.report import samples

pytestmark = pytest.mark.slow


def folded() -> samples.Sample:
    """A wave too large to be shown openly."""
    return samples.large(41)


STORIES = [samples.failing, samples.under_way, samples.waiting_for_approval, samples.overridden, folded]
FEW = {"exclude": [["tbody tr:nth-child(n+6)"], [".gantt .g:nth-child(n+12)"], ["details .g:nth-of-type(n+6)"]]}
"""What axe-core looks at: of rows that are made alike the first; hundreds of them take it most of a minute."""
PAGE = (
    '<!doctype html><html lang="en"><head><title>A board</title><style>:root{{color-scheme:light dark}}</style></head>'
    "<body><main><h1>A board</h1>{}</main></body></html>"
)

SCROLLED = """() => [...document.querySelectorAll('table')].map(({ parentNode: box }) =>
    box.scrollWidth > box.clientWidth)"""
"""Whether what holds a table is too narrow for it, of each one."""


@cache
def report_of(story) -> str:
    sample = story()
    return render_html(summarise(sample.execution, sample.events, sample.logs, sample.now))


@cache
def board_of(story) -> str:
    sample = story()
    return PAGE.format(render_board(sample.execution, sample.now))


@pytest.mark.parametrize("render", [report_of, board_of], ids=["report", "board"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_grave_stands_between_a_reader_and_the(page, tmp_path, story, render):
    """Contrast, names, structure: no violation of serious or critical impact, with every fold open; nor in the dark."""
    page.emulate_media(color_scheme="light")
    show(page, tmp_path, render(story))
    assert [] == grave(page, FEW)
    page.emulate_media(color_scheme="dark")
    assert [] == grave(page, FEW, COLOURS)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_printed_report_loses_no_column(page, tmp_path, story):
    """A4 without its margins is 720 pixels wide; nobody can scroll paper."""
    show(page, tmp_path, report_of(story))
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    widths = page.evaluate("() => [...document.querySelectorAll('table')].map(table => table.scrollWidth)")
    assert 720 >= max(widths)
    broken = """() => [...document.querySelectorAll('.span')].filter(span => {
        const text = document.createRange(); text.selectNodeContents(span); return text.getClientRects().length > 1;
    }).map(span => span.textContent)"""
    assert [] == page.evaluate(broken)


@pytest.mark.parametrize("render", [report_of, board_of], ids=["report", "board"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_narrow_window_scrolls_nothing_sideways(page, tmp_path, story, render):
    """What a person must read wraps, in tables, too."""
    show(page, tmp_path, render(story))
    page.set_viewport_size({"width": 400, "height": 800})
    assert 400 >= page.evaluate("() => document.documentElement.scrollWidth")
    assert {False} == set(page.evaluate(SCROLLED))


def test_rows_become_blocks_in_a_narrow_window_and_stay_rows_on_paper(page, tmp_path):
    """A report for a phone and the same for a binder."""
    show(page, tmp_path, report_of(samples.failing))
    cell = page.locator("tbody tr td").first
    page.set_viewport_size({"width": 400, "height": 800})
    assert '"Status: "' == cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    page.emulate_media(media="print")
    assert "table-cell" == cell.evaluate("cell => getComputedStyle(cell).display")


def test_tables_of_a_notebook_scroll_nowhere_in_a_narrow_window(page, tmp_path):
    """Each row is a block, and says what its cells are; where there is room a table is a table."""
    failing = samples.failing()
    summary = summarise(failing.execution, failing.events, failing.logs, failing.now)
    show(
        page,
        tmp_path,
        PAGE.format(render_head(summary) + render_criteria(summary) + render_board(failing.execution, failing.now)),
    )
    cell = page.locator("tbody tr td").first
    assert "table-cell" == cell.evaluate("cell => getComputedStyle(cell).display")
    page.set_viewport_size({"width": 400, "height": 800})
    assert {False} == set(page.evaluate(SCROLLED))
    assert '"Status: "' == cell.evaluate("cell => getComputedStyle(cell, '::before').content")


def show(page, folder, html):
    """The text in the page, with every fold open."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    page.goto(file.as_uri())
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true })")
