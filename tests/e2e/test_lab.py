"""The notebooks in a real JupyterLab, pressed and typed into as by a person.

The worlds run in virtual time: it moves while the drill is driven and stands
while it waits for a person, so that nothing here depends on the machine's pace.
"""

import json
import os
import signal
from pathlib import Path

import pytest

from drskit.clock import wait_until
from drskit.session import Session
from tests.cli.shell import Shell
from tests.e2e.aws import aws_for_all_one_can_tell
from tests.e2e.lab import alive
from tests.e2e.panel import SOON, Notebook, expect

pytestmark = pytest.mark.slow
PAIR = Path(__file__).with_name("pair.yaml")


@pytest.fixture
def drill(lab, page, request):
    """The drill notebook with the pair, or with the runbook that the test names; its kernel ends with the test."""
    found = Notebook(lab, page, request.node.originalname, runbook=getattr(request, "param", str(PAIR)))
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
def test_a_person_looks_starts_pauses_approves_reads_the_report_and_cleans_up(drill):
    """From Run All past the last cell; SIMULATED stands above all, and what waits is asked where it is answered."""
    seen = seen_on_board(drill.page)
    drill.run_all()
    expect(drill.mode).to_contain_text("SIMULATED", timeout=SOON)
    expect(drill.board).to_contain_text("Not started: drill of plan shop: 12 servers")
    expect(drill.board).to_contain_text("Terminates no instance")
    expect(drill.panel.get_by_label("Plan or execution")).to_have_value("runbooks/shop.yaml")
    assert [] == drill.grave()
    drill.press("start")
    expect(drill.title).to_have_text("Approve wave Application?", timeout=SOON)
    expect(drill.confirm).to_be_in_viewport()
    expect(drill.board).to_contain_text("WAITING FOR: approval of wave Application: The databases accept logins.")
    expect(drill.board).to_contain_text("Estimate: about 9 min once it begins, by 2 launches of this drill")
    assert seen() >= {"POLLING", "LAUNCHING", "CONVERSION", "LAUNCH", "LAUNCHED", "WAITING_APPROVAL"}
    assert [] == drill.grave()
    drill.answer("pause", "Pause the drill?", "a look at the logins first")
    expect(drill.board).to_contain_text("resume (paused by", timeout=SOON)
    drill.answer("resume", "Resume the drill?", "seen")
    expect(drill.button("pause")).to_be_visible(timeout=SOON)
    drill.reason.fill("logins work on both")
    drill.reason.press("Enter")
    expect(drill.board).to_contain_text("COMPLETED Drill of shop: 12 of 12 servers launched", timeout=SOON)
    expect(drill.prompts.last).to_have_text("[10]:", timeout=SOON)
    expect(drill.page.get_by_role("link", name="report.html")).to_be_visible()
    found = drill.evidence(drill.execution_id())
    assert ("COMPLETED", "SIMULATED") == (found["Status"], found["Mode"])
    told = [(command["Kind"], command["Reason"]) for command in found["Commands"]]
    assert [("pause", "a look at the logins first"), ("resume", "seen"), ("approve", "logins work on both")] == told
    drill.press("cleanup")
    expect(drill.title).to_have_text("Terminate 12 instances?", timeout=SOON)
    assert 12 == drill.panel.locator(".drs-asked").inner_text().count("running, for")
    assert [] == drill.grave()
    drill.reason.fill("nobody needs them")
    drill.confirm.click()
    expect(drill.status).to_contain_text("is COMPLETED: 12 of 12 instances terminated.", timeout=SOON)
    expect(drill.board).to_contain_text("12 instances of this drill were terminated by cleanup")
    expect(drill.button("cleanup")).to_have_count(0)


@pytest.mark.parametrize("drill", ["runbooks/failing.yaml"], indirect=True)
def test_a_failure_is_shown_in_the_dark_and_retried(drill):
    """The last cell says so; a retry launches again what failed, and only that."""
    drill.command("apputils:change-theme", theme="JupyterLab Dark")
    drill.run_all()
    drill.press("start")
    expect(drill.board).to_contain_text("FAILED Drill of failing: 3 of 4 servers launched", timeout=SOON)
    expect(drill.board).to_contain_text("failing-app-2")
    expect(drill.board).to_contain_text("conversion denied")
    expect(drill.page.locator(".jp-CodeCell").last).to_contain_text("NotCompleted", timeout=SOON)
    expect(drill.page.locator("body")).to_have_attribute("data-jp-theme-light", "false", timeout=SOON)
    assert [] == drill.grave()
    execution_id = drill.execution_id()
    drill.answer("retry", "Retry the drill?", "the rights are mended")
    expect(drill.board).to_contain_text("Last told: retry by", timeout=SOON)
    expect(drill.board).to_contain_text("FAILED Drill of failing: 3 of 4 servers launched", timeout=SOON)
    expect(drill.status).to_contain_text("The drill has ended", timeout=SOON)
    assert execution_id == drill.execution_id()
    drill.command("notebook:run-all-cells")
    expect(drill.panel.get_by_label("Plan or execution")).to_be_visible(timeout=SOON)
    drill.panel.get_by_label("Plan or execution").select_option(f"execution:{execution_id}")
    expect(drill.board).to_contain_text("Last told: retry by", timeout=SOON)
    expect(drill.button("cleanup")).to_be_visible()


def test_a_question_is_answered_and_left_with_the_keyboard(drill):
    """The focus goes in, comes back, and survives the board's updates; a cancelled drill launches nothing more."""
    drill.run_until_it_waits()
    drill.button("cancel").focus()
    drill.page.keyboard.press("Enter")
    expect(drill.title).to_have_text("Cancel the drill?", timeout=SOON)
    expect(drill.reason).to_be_focused()
    drill.page.keyboard.type("half a rea")
    drill.page.keyboard.press("Escape")
    expect(drill.title).to_contain_text("Approve", timeout=SOON)
    expect(drill.button("cancel")).to_be_focused()
    drill.page.keyboard.press("Enter")
    expect(drill.reason).to_be_focused(timeout=SOON)
    drill.page.keyboard.press("Enter")
    expect(drill.title).to_have_text("Cancel the drill?")
    drill.page.keyboard.type("wrong night")
    drill.page.keyboard.press("Enter")
    expect(drill.board).to_contain_text("CANCELLED Drill of pair: 1 of 2 servers launched", timeout=SOON)
    expect(drill.board).to_contain_text("cancelled by")
    assert wait_until((drill.folder / "runs" / drill.execution_id() / "report.html").exists, timeout_seconds=30)


def test_a_wave_that_waits_is_edited_and_left_out(drill):
    """What is typed is the runbook's own; what cannot be is told with what can, and stays to be mended."""
    drill.run_until_it_waits()
    typed = drill.panel.locator(".drs-typed")
    drill.press("edit")
    expect(drill.title).to_have_text("Edit wave Application?", timeout=SOON)
    drill.reason.fill("they are slow tonight")
    typed.fill("timeot: PT3H")
    drill.confirm.click()
    expect(drill.status).to_contain_text("'timeot' of a wave cannot be edited. Known:", timeout=SOON)
    expect(typed).to_have_value("timeot: PT3H")
    assert [] == drill.grave()
    typed.fill("timeout: PT3H")
    typed.press("Enter")
    expect(drill.board).to_contain_text("Last told: edit Application by", timeout=SOON)
    expect(drill.title).to_contain_text("Approve", timeout=SOON)
    drill.answer("skip", "Skip", "not needed tonight")
    expect(drill.board).to_contain_text("Wave Application - SKIPPED", timeout=SOON)
    expect(drill.prompts.last).to_have_text("[10]:", timeout=SOON)
    told = [(one["Kind"], one["Reason"]) for one in drill.evidence(drill.execution_id())["Commands"]]
    assert [("edit", "they are slow tonight"), ("skip", "not needed tonight")] == told


def test_a_reload_of_the_page_and_a_new_kernel_lose_nothing(drill):
    """A saved notebook comes back with buttons that work; the world outlives the kernel, and Run All goes on."""
    drill.run_until_it_waits()
    execution_id = drill.execution_id()
    drill.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    drill.page.reload()
    drill.ready()
    expect(drill.title).to_contain_text("Approve", timeout=SOON)
    drill.answer("pause", "Pause the drill?", "after a reload")
    expect(drill.board).to_contain_text("after a reload", timeout=SOON)
    drill.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    drill.run_all()
    expect(drill.page.locator(".drs-board")).to_have_count(1, timeout=SOON)
    expect(drill.button("resume")).to_be_visible(timeout=SOON)
    assert execution_id == drill.execution_id()
    expect(drill.button("start")).to_have_count(0)
    drill.answer("resume", "Resume the drill?", "with a new kernel")
    expect(drill.title).to_contain_text("Approve", timeout=SOON)
    drill.confirm.click()
    expect(drill.board).to_contain_text("COMPLETED Drill of pair", timeout=SOON)
    expect(drill.prompts.last).to_have_text("[10]:", timeout=SOON)
    found = drill.evidence(execution_id)
    told = [command["Reason"] for command in found["Commands"]]
    assert ("COMPLETED", ["after a reload", "with a new kernel", "approved in the notebook"]) == (found["Status"], told)


def test_a_world_that_ends_is_told_and_a_new_one_begins_with_the_notebook(drill):
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
    expect(drill.button("start")).to_be_visible()


def test_executions_are_watched_and_opened_with_the_kernel_free(lab, page, request):
    """A press opens the board with the commands to type; other cells run meanwhile; a narrow window scrolls tables."""
    found = Notebook(lab, page, request.node.name, "04-watch-executions", rehearse=True, runbook="runbooks/shop.yaml")
    found.run_all()
    expect(found.board).to_contain_text("PAUSED 1", timeout=SOON)
    expect(found.board).to_contain_text("2 of 12")
    expect(found.prompts.last).to_have_text("[6]:", timeout=SOON)
    assert [] == found.grave()
    found.panel.locator(".drs-link").first.focus()
    page.keyboard.press("Enter")
    expect(found.board).to_contain_text("WAITING FOR: approval of wave Application", timeout=SOON)
    expect(found.board).to_contain_text(f"drskit approve {found.execution_id()} --wave Application --reason TEXT")
    assert [] == found.grave()
    page.set_viewport_size({"width": 400, "height": 800})
    assert found.panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    found.press("back")
    expect(found.board).to_contain_text("page 1 of 1", timeout=SOON)
    page.set_viewport_size({"width": 1200, "height": 1400})
    found.panel.get_by_label("Status").select_option("FAILED")
    expect(found.board).to_contain_text("None of the executions fits the filter, as of", timeout=SOON)
    found.shut_down()


def test_a_drill_in_aws_is_asked_about_once_more_and_is_real_to_its_end(lab, page, request, monkeypatch):
    """By what DRS's endpoint says of itself: nothing is launched at the first press, and every page says REAL."""
    with aws_for_all_one_can_tell("shop") as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        Session.open().create_tables()
        parameters = {"simulate": False, "apply": True, "runbook": str(PAIR)}
        found = Notebook(lab, page, request.node.name, environment=served.environment(), **parameters)
        found.run_all()
        expect(found.mode).to_contain_text("REAL", timeout=SOON)
        expect(found.mode).to_contain_text("costs money")
        expect(found.board).to_contain_text("Not started: drill of plan pair: 2 servers")
        found.press("start")
        expect(found.title).to_have_text("Start this drill in AWS?", timeout=SOON)
        expect(found.panel.locator(".drs-asked")).to_contain_text("It launches an instance of each")
        assert [] == served.gateway.present()["jobs"]
        assert [] == found.grave()
        found.confirm.click()
        expect(found.title).to_contain_text("Approve", timeout=SOON)
        found.confirm.click()
        expect(found.board).to_contain_text("COMPLETED Drill of pair: 2 of 2 servers launched", timeout=SOON)
        expect(found.prompts.last).to_have_text("[10]:", timeout=SOON)
        run = found.execution_id()
        assert "REAL" == found.evidence(run)["Mode"]
        report = (found.folder / "runs" / run / "report.html").read_text()
        assert [] == [words for words in ("<title>REAL DRILL of pair", 'class="mode REAL"') if words not in report]
        found.shut_down()


def test_a_recovery_is_real_and_takes_a_token_that_a_person_types(lab, page, request, tmp_path):
    """A wrong one starts nothing; the page forgets the right one, and the record says who authorised it."""
    with aws_for_all_one_can_tell("shop") as served:
        shell = Shell(tmp_path, served.environment(), served)
        shell.run("tables", "create")
        shell.run("apply", str(PAIR))
        token = shell.run("authorize", str(PAIR), "--reason", "the site is lost", "--yes").stdout.strip()
        parameters = {"simulate": False, "runbook": str(PAIR)}
        found = Notebook(lab, page, request.node.name, environment=served.environment(), **parameters)
        found.run_all()
        found.press("recover")
        expect(found.title).to_have_text("Recover for real?", timeout=SOON)
        expect(found.panel.locator(".drs-asked")).to_contain_text("REAL")
        assert [] == found.grave()
        typed = found.panel.locator(".drs-typed")
        typed.fill(token[:-1] + ("a" if token[-1] != "a" else "b"))
        typed.press("Enter")
        expect(found.status).to_contain_text("There is no authorisation with this token.", timeout=SOON)
        assert [] == served.gateway.present()["jobs"]
        found.press("recover")
        typed.fill(token)
        typed.press("Enter")
        expect(found.title).to_contain_text("Approve", timeout=SOON)
        expect(found.board).to_contain_text("Recovery of pair")
        found.confirm.click()
        expect(found.board).to_contain_text("COMPLETED Recovery of pair: 2 of 2 servers launched", timeout=SOON)
        expect(found.mode).to_contain_text("REAL")
        expect(found.status).to_contain_text("The recovery has ended", timeout=SOON)
        expect(found.prompts.last).to_have_text("[10]:", timeout=SOON)
        run = found.folder / "runs" / found.execution_id()
        assert [] == [path.name for path in (*run.iterdir(), found.folder / "it.ipynb") if token in path.read_text()]
        assert "the site is lost" in (run / "report.html").read_text()
        found.shut_down()
