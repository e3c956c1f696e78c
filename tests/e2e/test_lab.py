"""The drill notebook in a real JupyterLab, pressed and typed into as by a person.

The worlds run in virtual time: it moves while the drill is driven and stands
while it waits for a person, so that nothing here depends on the machine's pace.
"""

import json
import os
import signal
from pathlib import Path

import pytest

from drskit.clock import wait_until
from tests.e2e.lab import KERNEL_IDLE, alive

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow
PAIR = Path(__file__).with_name("pair.yaml")
SOON = 30_000
"""How long anything here may take, in milliseconds."""


class Drill:
    """The notebook in a page of its own."""

    def __init__(self, lab, page, name, runbook):
        self.page = page
        self.folder = lab.add_drill(name, runbook=runbook)
        self.board = page.locator(".drs-board").last
        self.mode = page.locator(".drs-mode").last
        self.status = page.locator(".drs-status").last
        self.start = page.locator("button.drs-start").last
        self.approve = page.locator("button.drs-approve").last
        self.reason = page.get_by_label("Reason").last
        self.prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
        page.goto(f"{lab.url}/doc/tree/{name}/drill.ipynb")
        self.ready()

    def ready(self):
        """Wait for the notebook and its kernel; the kernel is busy when a cell of before still waits."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(KERNEL_IDLE.replace("=== 'idle'", "!== undefined"), timeout=SOON)

    def command(self, name):
        """Give JupyterLab a command; the braces keep the page from waiting for its end."""
        self.page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{name}') }}")

    def run_all(self):
        self.page.wait_for_function(KERNEL_IDLE, timeout=SOON)
        self.command("notebook:run-all-cells")

    def run_until_it_waits(self):
        """Start it, and come to its approval."""
        self.run_all()
        expect(self.start).to_be_visible(timeout=SOON)
        self.start.click()
        expect(self.approve).to_be_enabled(timeout=SOON)

    def execution_id(self):
        """As the board shows it."""
        return self.board.inner_text().partition(", account")[0].split()[-1]

    def evidence(self, execution_id):
        return json.loads((self.folder / "runs" / execution_id / "execution.json").read_text())

    def shut_down(self):
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@pytest.fixture
def drill(lab, page, request):
    """The drill notebook with the pair, or with the runbook that the test names; its kernel ends with the test."""
    found = Drill(lab, page, request.node.originalname, getattr(request, "param", str(PAIR)))
    yield found
    found.shut_down()


def seen_on_board(page):
    """Note every status that the board ever shows, however short."""
    page.evaluate(
        """() => {
            window.seen = new Set();
            const look = () => document.querySelectorAll('.drs-board').forEach(
                board => (board.innerText.match(/[A-Z_]{6,}/g) ?? []).forEach(word => window.seen.add(word)));
            new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
        }"""
    )
    return lambda: set(page.evaluate("() => [...window.seen]"))


@pytest.mark.parametrize("drill", ["runbooks/shop.yaml"], indirect=True)
def test_a_person_looks_starts_approves_and_gets_a_report(drill):
    """From Run All to the last cell; SIMULATED stands above all, and what waits can be answered where it is asked."""
    seen = seen_on_board(drill.page)
    drill.run_all()
    expect(drill.mode).to_contain_text("SIMULATED", timeout=SOON)
    expect(drill.board).to_contain_text("Not started: drill of plan shop: 12 servers")
    expect(drill.board).to_contain_text("Terminates no instance")
    expect(drill.approve).to_be_hidden()
    drill.start.click()
    expect(drill.approve).to_have_text("Approve Application", timeout=SOON)
    expect(drill.approve).to_be_in_viewport()
    expect(drill.board).to_contain_text("WAITING FOR: approval of wave Application: The databases accept logins.")
    assert seen() >= {"POLLING", "LAUNCHING", "CONVERSION", "LAUNCH", "LAUNCHED", "WAITING_APPROVAL"}
    drill.reason.fill("logins work on both")
    drill.approve.click()
    expect(drill.approve).to_be_hidden(timeout=SOON)
    expect(drill.board).to_contain_text("COMPLETED Drill of shop: 12 of 12 servers launched", timeout=SOON)
    expect(drill.prompts.last).to_have_text("[10]:", timeout=SOON)
    expect(drill.page.get_by_role("link", name="report.html")).to_be_visible()
    found = drill.evidence(drill.execution_id())
    assert ("COMPLETED", "SIMULATED") == (found["Status"], found["Mode"])
    assert ["logins work on both"] == [command["Reason"] for command in found["Commands"]]


def test_a_reload_of_the_page_loses_nothing(drill):
    """A saved notebook comes back with buttons that work."""
    drill.run_until_it_waits()
    execution_id = drill.execution_id()
    drill.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    drill.page.reload()
    drill.ready()
    expect(drill.approve).to_be_enabled(timeout=SOON)
    drill.reason.fill("after a reload")
    drill.approve.click()
    expect(drill.board).to_contain_text("COMPLETED Drill of pair", timeout=SOON)
    assert wait_until((drill.folder / "runs" / execution_id / "report.html").exists, timeout_seconds=20)
    assert ["after a reload"] == [command["Reason"] for command in drill.evidence(execution_id)["Commands"]]


def test_a_new_kernel_takes_up_the_same_execution(drill):
    """The world outlives the kernel; Run All goes on without a start."""
    drill.run_until_it_waits()
    execution_id = drill.execution_id()
    drill.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    drill.run_all()
    expect(drill.page.locator(".drs-board")).to_have_count(1, timeout=SOON)
    expect(drill.approve).to_be_enabled(timeout=SOON)
    assert execution_id == drill.execution_id()
    expect(drill.start).to_be_hidden()
    drill.approve.click()
    expect(drill.board).to_contain_text("COMPLETED Drill of pair", timeout=SOON)
    expect(drill.prompts.last).to_have_text("[10]:", timeout=SOON)
    assert "COMPLETED" == drill.evidence(execution_id)["Status"]


def test_a_world_that_ends_is_told_and_a_new_one_begins_with_the_notebook(drill, lab):
    """No button does nothing in silence."""
    drill.run_until_it_waits()
    (record,) = (drill.folder / "runs" / ".worlds").glob("*.json")
    world = json.loads(record.read_text())["pid"]
    os.kill(world, signal.SIGKILL)
    assert wait_until(lambda: not alive(world), timeout_seconds=10)
    expect(drill.status).to_contain_text("The simulated world has ended, and this drill with it.", timeout=SOON)
    expect(drill.prompts.last).to_have_text("[10]:", timeout=SOON)
    expect(drill.page.locator(".jp-CodeCell").last).to_contain_text("WorldUnreachable", timeout=SOON)
    drill.run_all()
    expect(drill.board).to_contain_text("Not started", timeout=SOON)
    expect(drill.start).to_be_visible()
