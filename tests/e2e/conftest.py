"""One JupyterLab and one browser for all tests of a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import CHROMIUM, CHROMIUM_FLAGS, SOON, Lab, jupyterlab


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """A JupyterLab that runs; in the end nothing that it started does."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, as the machine has it; Playwright brings none of its own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome is installed")
    profile: Path = tmp_path_factory.mktemp("profile")
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS,
            viewport={"width": 1200, "height": 1400},
        )  # fmt: skip
        yield context
        context.close()


@pytest.fixture
def page(browser):
    """A page that may ask this machine only."""
    page = browser.new_page()
    page.set_default_timeout(SOON)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    page.close()
    assert [] == [
        url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:", "file:"))
    ]
