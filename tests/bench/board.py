"""The board of three hundred servers in a real browser: how long one update takes there.

The panel's own file draws it, over a model written here; each update is what a
poll pass brings when every server under way has moved. Beside it stands what the
same update takes when the whole of the HTML is replaced, as a plain widget does.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from drskit.model import Execution, WaveRun, WaveStatus
from drskit.views.board import board_parts
from drskit.views.widget import Looks
from tests.bench.figures import Figure
from tests.e2e.bare import change, open_panel
from tests.e2e.lab import CHROMIUM, CHROMIUM_FLAGS
from tests.report import samples

SERVERS = 300
WAVES = 10
"""So many that no wave is large enough to be folded: every server has its row."""
UPDATES = 30
REPLACE = """parts => {
    const board = document.createElement("div");
    document.body.append(board);
    board.innerHTML = parts.join("");
    board.getBoundingClientRect();
    const began = performance.now();
    board.innerHTML = parts.join("");
    board.getBoundingClientRect();
    const took = performance.now() - began;
    board.remove();
    return took;
}"""


def measure() -> Iterator[Figure]:
    """Milliseconds, with style and layout."""
    from playwright.sync_api import sync_playwright

    looks = Looks()
    boards = [board_parts(execution_at(step), moment_of(step)) for step in range(UPDATES + 1)]
    first, *later = [[looks.lean(part) for part in parts] for parts in boards]
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        open_panel(page, Path(folder), parts=first, looks=looks.css)
        yield from _figures(page, later, [list(parts) for parts in boards[1:]])
        browser.close()


def _figures(page: Any, updates: list[list[str]], whole: list[list[str]]) -> Iterator[Figure]:
    took = [change(page, "parts", parts) for parts in updates]
    replaced = [page.evaluate(REPLACE, parts) for parts in whole]
    shown = page.evaluate("() => document.querySelectorAll('.drs-board tbody tr').length")
    assert shown == SERVERS, shown
    nine_of_ten = sorted(took)[len(took) * 9 // 10 - 1]
    yield Figure(f"board: nine of ten updates of {SERVERS} servers in Chromium", nine_of_ten, 100, " ms", 1)
    yield Figure("board: median of them", median(took), None, " ms", 1)
    yield Figure("board: the slowest", max(took), None, " ms", 1)
    yield Figure("board: median when all of the HTML is replaced", median(replaced), None, " ms", 1)


def moment_of(step: int) -> Any:
    """When the board is drawn for the so many-th time: a poll pass later than the one before."""
    return samples.at(60 + step * 15)


def execution_at(step: int) -> Execution:
    """All waves at once, every server shown and under way; each pass some of them go a phase further."""
    each = SERVERS // WAVES
    waves = tuple(
        WaveRun(
            wave_name=f"Tier {number}",
            status=WaveStatus.IN_PROGRESS,
            start_time=samples.at(0),
            servers=tuple(_server(number * each + place + 1, step) for place in range(each)),
        )
        for number in range(WAVES)
    )
    return samples.make_execution(waves).model_copy(update={"version": step + 1})


def _server(number: int, step: int) -> Any:
    """In a phase that began with this step or one of the two before."""
    moved = samples.at(60 + (step - number % 3) * 15)
    server = samples.launching(number, f"tier-server-{number:03d}", 2)
    conversion = server.phases[1].model_copy(update={"start_time": moved - timedelta(seconds=number % 60)})
    return server.model_copy(update={"phases": (server.phases[0], conversion)})
