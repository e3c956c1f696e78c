"""`05-report-a-drill`: from a fresh kernel with its defaults, and cell by cell in this process."""

import ast
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papermill
import pytest

from drskit.clock import VirtualClock
from drskit.errors import DrskitError, InvalidInput, NotFound
from drskit.headless import run_notebook
from drskit.report.evidence import write_run
from drskit.reporting import open_report
from drskit.sim import load_world, serve
from drskit.surroundings import surroundings
from drskit.whereabouts import ReportParameters
from tests.cli.shell import Shell, bare_environment
from tests.harness import ROOT, RUNBOOKS, house, runbook_of

REPORT = ROOT / "notebooks" / "05-report-a-drill.ipynb"
WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 4
servers:
  - {id: s-5a1d0c7e94b6f3282, name: shop-1, tags: {Role: database}}
  - {id: s-5d403fa1c7e9265b5, name: shop-2, tags: {Role: app}, fails: conversion-denied}
"""
RUNBOOK = """
version: 1
plan: pair
targets: {rto: PT1H}
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Role: database}}}
  app: {select: {tags: {Role: app}}}
waves:
  - {name: Database, groups: [database]}
  - {name: Application, groups: [app], approve: Logins work}
"""
CELLS = ("head", "timeline", "criteria", "comparison", "evidence", "export")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A folder and an environment without AWS and drskit, as kernels inherit them."""
    kept = bare_environment()
    for name in list(os.environ):
        if name not in kept:
            monkeypatch.delenv(name)
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of two drills of one plan, whose world has ended; in each a server failed."""
    folder = tmp_path_factory.mktemp("runs")
    with house(text=WORLD) as home:
        for _ in range(2):
            execution_id = home.session.start(runbook_of(RUNBOOK)).execution_id
            home.finish()
            found = home.session.history(execution_id)
            context = surroundings(home.session, found[0], home.clock.now())
            write_run(folder, *found, now=context.made_at, context=context)
    return folder


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    """The second one's folder, beside that of the first, to write into."""
    shutil.copytree(runs, tmp_path / "runs")
    return max((tmp_path / "runs").iterdir())


def said(report: Any) -> dict[str, str]:
    """What each cell says in a log."""
    return {name: repr(getattr(report, name)()) for name in CELLS}


# --- from a fresh kernel ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_notebook_with_its_defaults_makes_drills_and_reports_the_last(bare, tmp_path):
    """From any folder, without an account: two simulated drills side by side, whole evidence, four files."""
    target = tmp_path / "executed.ipynb"
    done = run_notebook(REPORT, target, {})
    assert None is done.error
    text = target.read_text(encoding="utf-8")
    assert "Drill COMPLETED: 4 of 4 critical servers launched" in text
    assert "The history is whole" in text
    first, last = sorted((tmp_path / "runs").iterdir())
    assert [True, True] == [text.count(folder.name) > 1 for folder in (first, last)]
    assert {"report.html", "report.md", "report.json", "report.csv"} <= {path.name for path in last.iterdir()}


@pytest.mark.slow
def test_the_executed_notebook_is_made_again_from_the_runs_folder_alone(run, bare, tmp_path):
    """No world, no tables, no account; what the drill came to is no error of the notebook's."""
    target = tmp_path / "executed.ipynb"
    done = run_notebook(REPORT, target, {"run": str(run)})
    assert None is done.error
    assert "Drill FAILED: 1 of 2 critical servers launched" in target.read_text(encoding="utf-8")


# --- from a run's folder ---------------------------------------------------------------------------------------------


def test_a_runs_folder_is_enough_for_every_cell(run, bare):
    """Verdict, path, what deviated, both drills, whole evidence, and the files in the run's own folder."""
    report = open_report(run=str(run))
    told = said(report)
    assert "Drill FAILED: 1 of 2 critical servers launched; RTO target 1 h 00 min not reached" == told["head"]
    assert told["timeline"].startswith("The longest step of ")
    assert "Wave Application: did not come up: shop-2" in told["criteria"]
    assert 2 == len(told["comparison"].splitlines())
    assert told["evidence"].startswith("The history is whole: ")
    assert [str(run / f"report.{name}") for name in ("html", "md", "json", "csv")] == told["export"].splitlines()
    report.raise_for_status()


def test_the_evidence_stays_as_it_was_when_a_report_is_exported(run, bare):
    """Only reports are written."""
    before = {name: (run / name).read_bytes() for name in ("execution.json", "context.json", "report.html")}
    open_report(run=str(run)).export()
    assert before == {name: (run / name).read_bytes() for name in before}


def test_an_export_elsewhere_takes_the_evidence_along(run, bare, tmp_path):
    """A folder of runs of its own, complete in itself."""
    open_report(run=str(run), output_dir=str(tmp_path / "mine"), formats="md").export()
    (folder,) = (tmp_path / "mine").iterdir()
    assert {"execution.json", "context.json", "report.html", "report.md"} == {path.name for path in folder.iterdir()}
    assert (run / "execution.json").read_bytes() == (folder / "execution.json").read_bytes()


def test_evidence_that_was_changed_fails_the_last_cell_only(run, bare):
    """All is shown, and the first altered event is named."""
    file = run / "execution.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    found["History"][3]["Actor"] = "somebody"
    file.write_text(json.dumps(found), encoding="utf-8")
    report = open_report(run=str(run))
    assert "The first event that is not as it was written: 4." in said(report)["evidence"]
    with pytest.raises(InvalidInput, match=r"was changed\. The first event that is not as it was written: 4"):
        report.raise_for_status()


def test_a_file_that_cannot_be_written_fails_the_last_cell_only(run, bare, tmp_path):
    """The others are written; without a browser the remedy is said."""
    bare.setenv("PATH", str(tmp_path / "empty"))
    report = open_report(run=str(run), formats="pdf md")
    told = said(report)["export"]
    assert "pdf was not written: A PDF needs Chromium or Chrome" in told
    assert (run / "report.md").exists()
    with pytest.raises(InvalidInput, match="apt install chromium"):
        report.raise_for_status()


def test_a_run_of_the_comparison_that_cannot_be_read_is_named(run, bare):
    """And the others are compared."""
    other = min(run.parent.iterdir())
    (other / "execution.json").write_text("{", encoding="utf-8")
    told = said(open_report(run=str(run)))["comparison"]
    assert f"{other.name} is not shown: " in told
    assert run.name in told


# --- what is missing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "kind", "words"),
    [
        ({"run": "runs/nowhere"}, InvalidInput, "there is no such folder, and it is no execution's id"),
        ({"run": "01KJPWD6M0YRW7ABVCV0N9X219", "simulate": False}, DrskitError, "No Region is set"),
        ({"simulate": "no"}, DrskitError, "No Region is set"),
        ({"runbook": "runbooks/nope.yaml"}, InvalidInput, "runbooks/nope.yaml does not exist"),
    ],
)
def test_what_is_missing_is_said_in_every_cell_and_raised_by_the_last(bare, parameters, kind, words):
    """No traceback on the way."""
    report = open_report(**parameters)
    assert {True} == {words in text for text in said(report).values()}
    assert words in repr(report)
    with pytest.raises(kind, match=re.escape(words)):
        report.raise_for_status()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"rnu": "x"}, "rnu = 'x': Extra inputs are not permitted"),
        ({"simulate": "perhaps"}, "simulate = 'perhaps': Input should be a valid boolean"),
        ({"formats": "html docx"}, "formats = 'html docx': write some of html md json csv pdf"),
        ({"rehearsals": 0}, "rehearsals = 0: Input should be greater than or equal to 1"),
        ({"simulate": "no", "speed": "30"}, "world and speed are for simulated drills"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(bare, parameters, words):
    """At once: nothing else would be what was asked for."""
    with pytest.raises(InvalidInput, match=re.escape(words)):
        open_report(**parameters)


def test_papermill_sees_every_parameter_of_a_report():
    """Names and defaults are those of the model."""
    inferred = papermill.inspect_notebook(str(REPORT))
    assert ReportParameters().model_dump() == {
        name: ast.literal_eval(found["default"]) for name, found in inferred.items()
    }
    assert [] == [name for name, found in inferred.items() if not found["help"]]


# --- from the tables -------------------------------------------------------------------------------------------------


@pytest.fixture
def captured(bare: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shell]:
    """A terminal in the served world of the captured drill, and the environment pointed there."""
    spec = load_world(RUNBOOKS / "worlds" / "captured-drill.yaml")
    with serve(spec, VirtualClock(spec.start_time)) as server:
        for key, value in server.environment().items():
            bare.setenv(key, value)
        yield Shell(tmp_path, server.environment(), server)


def test_a_drill_that_is_named_or_newest_is_found_in_the_tables(captured, bare, tmp_path):
    """No drill is made where there is one; the exported run is complete, and agrees with the tables."""
    captured.run("tables", "create")
    execution_id = captured.start("runbooks/captured-drill.yaml")
    captured.finish(execution_id)
    for report in (open_report(run=execution_id), open_report()):
        assert execution_id in repr(report)
        assert said(report)["evidence"].startswith("The history is whole")
        report.raise_for_status()
    assert 1 == len(captured.json("executions", "list"))
    assert [execution_id] == [path.name for path in (tmp_path / "runs").iterdir()]
    assert "The tables hold the same history" in captured.run("verify", str(tmp_path / "runs" / execution_id)).stdout


def test_without_any_drill_in_aws_the_last_cell_says_what_to_do(captured, bare):
    """Nothing is launched to have something to report."""
    captured.run("tables", "create")
    report = open_report(simulate=False)
    with pytest.raises(NotFound, match=r"no drill of plan captured-drill that is over\. Name a run, or run 03-run-a"):
        report.raise_for_status()
    assert [] == captured.json("executions", "list")


# --- in front of a person --------------------------------------------------------------------------------------------


def test_a_person_exports_by_buttons(run, bare, monkeypatch):
    """One for each format; what was written stands below, and so does what went wrong."""
    displayed: list[Any] = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    bare.setenv("DRSKIT_UI", "live")
    bare.setenv("DRSKIT_CHROMIUM", "/nowhere/chromium")
    report = open_report(run=str(run))
    report.export()
    row, status = displayed[0].children
    buttons = {button.description.removeprefix("Export "): button for button in row.children}
    assert ["html", "md", "json", "csv", "pdf"] == list(buttons)
    assert not (run / "report.md").exists()
    buttons["md"].click()
    assert (run / "report.md").exists()
    assert "✔ written" in status.value
    buttons["pdf"].click()
    assert "The Chromium that was chosen, /nowhere/chromium, is no program" in status.value
    assert str(run / "report.md") in status.value
    report.raise_for_status()
