"""A notebook in a page of its own, and a person's hands on its panel."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.judging import grave
from tests.e2e.lab import DRILL, KERNEL_IDLE, SOON, Lab

expect: Any = pytest.importorskip("playwright.sync_api").expect


class Notebook:
    """A shipped notebook that is open in JupyterLab."""

    def __init__(self, lab: Lab, page: Any, name: str, notebook: str = DRILL, **parameters: object) -> None:
        self.page = page
        self.folder: Path = lab.add(name, notebook, **parameters)
        self.panel = page.locator(".drs-panel").last
        self.board = self.panel.locator(".drs-board")
        self.mode = self.panel.locator(".drs-mode")
        self.status = self.panel.locator(".drs-status")
        self.title = self.panel.locator(".drs-title")
        self.reason = self.panel.get_by_label("Reason")
        self.confirm = self.panel.locator("button.drs-confirm")
        self.prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
        page.goto(f"{lab.url}/doc/tree/{name}/it.ipynb")
        self.ready()

    def ready(self) -> None:
        """Wait for the notebook and its kernel; the kernel is busy when a cell of before still waits."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=SOON)
        self.page.wait_for_function(KERNEL_IDLE.replace("=== 'idle'", "!== undefined"), timeout=SOON)

    def command(self, name: str, **arguments: object) -> None:
        """Give JupyterLab a command; the braces keep the page from waiting for its end."""
        told = json.dumps(arguments)
        self.page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{name}', {told}) }}")

    def run_all(self) -> None:
        """Run every cell."""
        self.page.wait_for_function(KERNEL_IDLE, timeout=SOON)
        self.command("notebook:run-all-cells")

    def run_until_it_waits(self) -> None:
        """Start it, and come to its approval."""
        self.run_all()
        self.press("start")
        expect(self.title).to_contain_text("Approve", timeout=SOON)

    def button(self, key: str) -> Any:
        """A button of the panel."""
        return self.panel.locator(f"button.drs-{key}")

    def press(self, key: str) -> None:
        """Press a button once it can be pressed."""
        expect(self.button(key)).to_be_enabled(timeout=SOON)
        self.button(key).click()

    def answer(self, key: str, title: str, reason: str) -> None:
        """Press a button, and answer what it asks."""
        self.press(key)
        expect(self.title).to_contain_text(title, timeout=SOON)
        expect(self.reason).to_be_focused()
        self.reason.fill(reason)
        self.confirm.click()

    def execution_id(self) -> str:
        """As the board shows it."""
        return str(self.board.inner_text().partition(", account")[0].split()[-1])

    def evidence(self, execution_id: str) -> Any:
        """What the run's folder holds."""
        return json.loads((self.folder / "runs" / execution_id / "execution.json").read_text())

    def grave(self) -> list[str]:
        """What axe-core finds in the panel of serious or critical impact; what is around it is JupyterLab's."""
        return grave(self.page, ".drs-panel")

    def shut_down(self) -> None:
        """End the kernel."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
