"""`03-run-a-drill` under papermill: the same file, without a person."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drskit.clock import VirtualClock
from drskit.drill import open_drill
from drskit.errors import InvalidInput
from drskit.headless import Notebook, run_notebook
from drskit.sim import load_world, serve
from drskit.sim.spec import Fault, FaultKind
from drskit.simulation import leave
from tests.cli.proxy import without_the_simulators_mark
from tests.cli.shell import Shell, bare_environment
from tests.harness import ROOT, RUNBOOKS

DRILL = ROOT / "notebooks" / "03-run-a-drill.ipynb"
ULID = "01KJPWD6M0YRW7ABVCV0N9X219"
TIDY = "cleanup: {headless: always}\n"


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


@contextmanager
def served(name: str, bare: pytest.MonkeyPatch, folder: Path) -> Iterator[Shell]:
    """A terminal in a shipped world, and the environment pointed there."""
    spec = load_world(RUNBOOKS / "worlds" / f"{name}.yaml")
    with serve(spec, VirtualClock(spec.start_time)) as server:
        for key, value in server.environment().items():
            bare.setenv(key, value)
        yield Shell(folder, server.environment(), server)


@pytest.fixture
def shop(bare: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shell]:
    """A terminal in the served shop."""
    with served("shop", bare, tmp_path) as shell:
        yield shell


@pytest.fixture
def captured(bare: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shell]:
    """A terminal in the served world of the captured drill."""
    with served("captured-drill", bare, tmp_path) as shell:
        yield shell


@pytest.fixture
def run(bare: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[Notebook, list[Any]]]:
    """Runs the notebook; what it came to, and its code cells."""

    def run_one(**parameters: object) -> tuple[Notebook, list[Any]]:
        target = tmp_path / "executed.ipynb"
        done = run_notebook(DRILL, target, {"output_dir": str(tmp_path / "out"), **parameters})
        cells = json.loads(target.read_text(encoding="utf-8"))["cells"]
        return done, [cell for cell in cells if cell["cell_type"] == "code"]

    return run_one


def evidence(folder: Path) -> tuple[Any, str]:
    """The execution and the report of the one run in a folder."""
    (run,) = (folder / "out").iterdir()
    execution = json.loads((run / "execution.json").read_text(encoding="utf-8"))
    return execution, (run / "report.html").read_text(encoding="utf-8")


def errors_of(cells: list[Any]) -> list[int]:
    """The places, from the end, of the cells that raised."""
    raised = [any(output["output_type"] == "error" for output in cell["outputs"]) for cell in cells]
    return [index - len(cells) for index, did in enumerate(raised) if did]


@pytest.mark.slow
def test_a_drill_with_the_defaults_completes(run, tmp_path):
    """From any folder, without an account; every cell ran and the report is written."""
    done, cells = run()
    assert (None, []) == (done.error, errors_of(cells))
    execution, report = evidence(tmp_path)
    assert ("COMPLETED", "SIMULATED", "captured-drill") == (
        execution["Status"],
        execution["Mode"],
        execution["PlanId"],
    )
    assert "Drill COMPLETED" in report


def test_a_drill_that_fails_raises_in_its_last_cell_only(run, tmp_path):
    """The report is written by then, and says what DRS does not."""
    done, cells = run(runbook="runbooks/failing.yaml")
    assert (1, [-1]) == (done.error.exit_code, errors_of(cells))
    assert "is FAILED. wave Application FAILED: 1 of 2 servers failed: failing-app-2." in str(done.error)
    execution, report = evidence(tmp_path)
    assert "FAILED" == execution["Status"]
    assert "conversion denied" in report


def test_a_drill_that_waits_for_a_person_is_taken_up_by_its_id(run, shop, tmp_path):
    """Without a person it pauses, reports and ends with 1; a later run goes on where it stood."""
    asked = {"runbook": "runbooks/shop.yaml", "execution_id": ULID}
    done, cells = run(**asked)
    assert (1, [-1]) == (done.error.exit_code, errors_of(cells))
    assert "waits for approval of wave Application: The databases accept logins." in str(done.error)
    execution, report = evidence(tmp_path)
    assert (ULID, "PAUSED") == (execution["ExecutionId"], execution["Status"])
    assert "approval of wave Application" in report
    shop.run("approve", ULID, "--reason", "saw logins")
    done, _ = run(**asked)
    assert None is done.error
    execution, _ = evidence(tmp_path)
    assert (ULID, "COMPLETED", 1) == (
        execution["ExecutionId"],
        execution["Status"],
        len(shop.json("executions", "list")),
    )


@pytest.fixture
def tidy(tmp_path) -> str:
    """A runbook whose headless drills clean up after themselves."""
    path = tmp_path / "tidy.yaml"
    path.write_text((RUNBOOKS / "captured-drill.yaml").read_text(encoding="utf-8") + TIDY, encoding="utf-8")
    return str(path)


def said_of_the_cleanup(cells: list[Any]) -> str:
    """What the cell came to that cleans up."""
    (cell,) = [cell for cell in cells if cell["id"] == "clean-up"]
    (shown,) = [output for output in cell["outputs"] if output["output_type"] == "execute_result"]
    return "".join(shown["data"]["text/plain"])


def test_a_headless_drill_cleans_up_where_its_runbook_says_so(run, captured, tidy, tmp_path):
    """Its report shows it, the list has no instance of it left, and run again the notebook says so."""
    asked = {"runbook": tidy, "execution_id": ULID}
    done, cells = run(**asked)
    assert (None, []) == (done.error, errors_of(cells))
    assert said_of_the_cleanup(cells).endswith(f"of drill {ULID} is COMPLETED: 4 of 4 instances terminated.")
    execution, _ = evidence(tmp_path)
    found = [server["Status"] for wave in execution["Waves"] for server in wave["Servers"]]
    assert ["TERMINATED"] * 4 == found
    cleanup, drill = captured.json("executions", "list")
    assert ("CLEANUP", ULID, None) == (cleanup["ExecutionType"], drill["ExecutionId"], drill["RunningInstances"])
    shown = captured.json("executions", "show", cleanup["ExecutionId"])
    assert "cleanup.headless = always in tidy.yaml" in shown["Plan"]["Description"]
    done, cells = run(**asked)
    assert None is done.error
    assert "Nothing is left to clean up" in said_of_the_cleanup(cells)
    assert 2 == len(captured.json("executions", "list"))


def test_a_cleanup_that_does_not_complete_fails_the_notebook_in_its_last_cell(run, captured, tidy):
    """Although the drill is COMPLETED; run again, what lives of the cleanup or is left is tried again."""
    denied = Fault(kind=FaultKind.ACCESS_DENIED, operation="TerminateRecoveryInstances", times=9)
    captured.server.gateway.faults.add(denied)
    done, cells = run(runbook=tidy, execution_id=ULID)
    assert (1, [-1]) == (done.error.exit_code, errors_of(cells))
    assert "is FAILED: 0 of 4 instances terminated." in said_of_the_cleanup(cells)
    assert "AccessDeniedException" in str(done.error)
    captured.server.gateway.faults.clear()
    done, cells = run(runbook=tidy, execution_id=ULID)
    assert None is done.error
    assert "is COMPLETED: 4 of 4 instances terminated." in said_of_the_cleanup(cells)


def test_a_headless_drill_that_is_not_to_clean_up_takes_up_a_cleanup_that_lives(run, captured):
    """By default it terminates nothing, and says how; what a person has begun is carried to its end."""
    asked = {"runbook": "runbooks/captured-drill.yaml", "execution_id": ULID}
    _, cells = run(**asked)
    assert f"4 instances of drill {ULID} still run and cost money." in said_of_the_cleanup(cells)
    captured.run("cleanup", ULID, "--reason", "looked at it", "--yes")
    done, cells = run(**asked)
    assert None is done.error
    assert "is COMPLETED: 4 of 4 instances terminated." in said_of_the_cleanup(cells)


def test_where_a_person_is_the_notebook_obeys_what_is_declared_for_people(run, captured, bare, tmp_path):
    """`always` terminates at once, with the board and the reason; `headless` does not count there."""
    text = (RUNBOOKS / "captured-drill.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text + "cleanup: {after: always, headless: never}\n", encoding="utf-8")
    captured.run("tables", "create")
    execution_id = captured.start(str(path))
    captured.finish(execution_id)
    bare.setenv("DRSKIT_UI", "live")
    done, cells = run(runbook=str(path), execution_id=execution_id)
    assert None is done.error
    assert "is COMPLETED: 4 of 4 instances terminated." in said_of_the_cleanup(cells)
    cleanup, _ = captured.json("executions", "list")
    shown = captured.json("executions", "show", cleanup["ExecutionId"])
    assert "cleanup.after = always in mine.yaml" in shown["Plan"]["Description"]


def test_what_kept_a_drill_from_starting_is_what_the_notebook_raises(run, shop, bare):
    """Against AWS, "no" for `simulate` is no, and nobody has confirmed: in the last cell, with exit code 2."""
    shop.run("tables", "create")
    with without_the_simulators_mark(shop.server.url) as address:
        bare.setenv("AWS_ENDPOINT_URL", address)
        done, cells = run(runbook="runbooks/shop.yaml", simulate="no")
    assert (2, [-1]) == (done.error.exit_code, errors_of(cells))
    assert "This would launch instances in AWS, and nobody has confirmed it." in str(done.error)
    assert [] == shop.json("executions", "list")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"simluate": True}, "simluate = True: Extra inputs are not permitted"),
        ({"simulate": "perhaps"}, "simulate = 'perhaps': Input should be a valid boolean"),
        ({"approvals": "yes"}, "approvals = 'yes': Input should be 'ask' or 'all'"),
        ({"execution_id": "17"}, "execution_id = '17': write a ULID"),
        ({"speed": -1}, "speed = -1: Input should be greater than or equal to 0"),
        ({"simulate": "no", "approvals": "all"}, 'approvals = "all" is for simulated drills'),
        ({"simulate": "false", "speed": "30"}, "world and speed are for simulated drills"),
        ({"runbook": "runbooks/nope.yaml"}, "runbooks/nope.yaml does not exist"),
        ({"slot": "nightly"}, "slot = 'nightly': 'nightly' is no cron expression: its fields are 1."),
        ({"slot": "2026-03-02T03:00:00Z", "execution_id": ULID}, "not 01KJPWD6M0YRW7ABVCV0N9X219. Name one of them."),
        ({"replace": '{"a": 1}'}, "replace = '{\"a\": 1}': Input should be a valid list"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(bare, parameters, words):
    """Papermill passes everything as text, and a misspelt name with a warning only."""
    with pytest.raises(InvalidInput, match=re.escape(words)):
        open_drill(**parameters)
    leave(os.environ)


def test_a_parameter_that_the_notebook_lacks_is_refused(bare, tmp_path):
    """Before a kernel is started, and nothing is written."""
    with pytest.raises(InvalidInput, match="has no parameter 'simluate'"):
        run_notebook(DRILL, tmp_path / "executed.ipynb", {"simluate": "no"})
    assert [] == list(tmp_path.iterdir())
