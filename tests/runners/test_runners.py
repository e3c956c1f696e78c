"""Every shipped notebook, unchanged, under papermill, nbconvert and Jupyter Scheduler; and as Airflow calls it.

Each runs with its defaults, from a folder where nothing of drskit's is, without an account.
"""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import papermill
import pytest

from drskit.clock import VirtualClock
from drskit.planning import execution_id_for
from drskit.sim import serve
from tests.cli.plans import runbook, world
from tests.cli.shell import BIN, Shell, bare_environment
from tests.harness import ROOT
from tests.runners.jupyter import Server, jupyter

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DRILL = ROOT / "notebooks" / "03-run-a-drill.ipynb"
RARELY = "CRON_TZ=UTC 0 0 29 2 *"
"""A slot that lasts for years: no test runs across its end."""
pytestmark = pytest.mark.slow


def command(folder: Path, *words: object) -> None:
    """Run a program in a folder of its own; it must end well."""
    folder.mkdir(parents=True)
    done = subprocess.run(
        [str(BIN / str(words[0])), *map(str, words[1:])], cwd=folder, env=bare_environment(), capture_output=True,
        text=True, check=False, timeout=180,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr


def by_papermill(folder: Path, notebook: Path) -> Any:
    """What papermill's command line made of a notebook."""
    command(folder, "papermill", "--no-progress-bar", notebook, "executed.ipynb")
    return json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))


def by_nbconvert(folder: Path, notebook: Path) -> Any:
    """What nbconvert made of it."""
    command(folder, "jupyter", "nbconvert", "--to", "notebook", "--execute", "--output-dir", folder, notebook)
    return json.loads((folder / notebook.name).read_text(encoding="utf-8"))


def by_jupyter_scheduler(server: Server, notebook: Path) -> Any:
    """What a job of Jupyter Scheduler made of it."""
    status, executed = server.await_job(server.create(f"notebooks/{notebook.name}"))
    assert "COMPLETED" == status, errors(executed)
    return executed


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """A Jupyter server with Jupyter Scheduler."""
    with jupyter(tmp_path_factory.mktemp("jupyter")) as found:
        yield found


@pytest.fixture(scope="module")
def failing(tmp_path_factory) -> Path:
    """The folder for the run of a drill that fails."""
    folder: Path = tmp_path_factory.mktemp("failing")
    return folder


def failed_job(server: Server, folder: Path) -> tuple[str, Any]:
    """How a job ends whose drill fails, and its notebook; values are expressions of Python there."""
    parameters = {"runbook": "'runbooks/failing.yaml'", "output_dir": repr(str(folder))}
    return server.await_job(server.create(f"notebooks/{DRILL.name}", **parameters))


@pytest.fixture(scope="module")
def executed(server, failing, tmp_path_factory) -> Iterator[dict[tuple[str, Path], "Future[Any]"]]:
    """Every notebook under every runner; two at a time, for each takes a kernel and mostly one processor."""
    folder = tmp_path_factory.mktemp("runners")
    found: dict[tuple[str, Path], Future[Any]] = {}
    with ThreadPoolExecutor(2) as pool:
        found["jupyter-scheduler", failing] = pool.submit(failed_job, server, failing)
        for path in NOTEBOOKS:
            found["jupyter-scheduler", path] = pool.submit(by_jupyter_scheduler, server, path)
            if path == DRILL:  # `python -m tests.pythons` runs the others by papermill, on every Python
                found["papermill", path] = pool.submit(by_papermill, folder / "papermill" / path.stem, path)
            found["nbconvert", path] = pool.submit(by_nbconvert, folder / "nbconvert" / path.stem, path)
        yield found
        pool.shutdown(cancel_futures=True)  # what no test asked for need not run


def code(notebook: Any) -> list[Any]:
    """The code cells."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def errors(notebook: Any) -> list[str]:
    """What its cells raised."""
    outputs = [output for cell in code(notebook) for output in cell["outputs"]]
    return [f"{output['ename']}: {output['evalue']}" for output in outputs if output["output_type"] == "error"]


@pytest.mark.parametrize(
    ("runner", "path"),
    [("papermill", DRILL), *((runner, path) for runner in ("nbconvert", "jupyter-scheduler") for path in NOTEBOOKS)],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)
def test_a_notebook_runs_unchanged(executed, runner, path):
    """Every cell, in order, without an error, and without a widget that nobody could press."""
    notebook = executed[runner, path].result(timeout=180)
    assert [] == errors(notebook)
    counts = [cell["execution_count"] for cell in code(notebook) if "".join(cell["source"]).strip()]
    assert sorted(counts) == counts
    assert len(code(json.loads(path.read_text(encoding="utf-8")))) == len(counts)
    assert "application/vnd.jupyter.widget-view+json" not in json.dumps(notebook)


def test_a_drill_that_fails_is_a_failed_job(executed, failing):
    """Jupyter Scheduler sees what the last cell raises; its notebook and the report are written by then."""
    status, notebook = executed["jupyter-scheduler", failing].result(timeout=180)
    (error,) = errors(notebook)
    assert ("FAILED", True) == (status, error.startswith("NotCompleted: SIMULATED drill "))
    (run,) = (entry for entry in failing.iterdir() if not entry.name.startswith("."))
    assert "FAILED" == json.loads((run / "execution.json").read_text(encoding="utf-8"))["Status"]
    assert (run / "report.html").exists()


# --- one slot, one execution, whoever calls --------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path) -> Iterator[Shell]:
    """A terminal in a served world with tables and an applied plan."""
    told = world()
    with serve(told, VirtualClock(told.start_time)) as found:
        shell = Shell(tmp_path, found.environment(), found)
        shell.write("tiny.yaml", runbook())
        shell.run("tables", "create")
        shell.run("apply", "tiny.yaml")
        yield shell


def test_a_job_definition_that_runs_twice_at_once_makes_one_execution(tiny, tmp_path):
    """The very JSON that `drskit schedule` prints: its interface takes it, with its schedule, and runs it."""
    words = ("schedule", "tiny.yaml", "--cron", RARELY, "--as", "jupyter-scheduler", "--output", "kept")
    with jupyter(tmp_path / "jupyter", tiny.variables) as server:
        printed = tiny.run(*words, "--environment", server.environment()).stdout
        made = server.ask("/scheduler/job_definitions", json.loads(printed))["job_definition_id"]
        found = server.ask(f"/scheduler/job_definitions/{made}")
        assert ("0 0 29 2 *", "UTC", True) == (found["schedule"], found["timezone"], found["active"])
        again = f"/scheduler/job_definitions/{made}/jobs"
        jobs = [server.ask(again, {"parameters": found["parameters"]})["job_id"] for _ in range(2)]
        for job in jobs:
            status, notebook = server.await_job(job)
            assert ("COMPLETED", []) == (status, errors(notebook))
    assert_one(tiny)


def test_airflow_that_retries_makes_one_execution(tiny, monkeypatch):
    """`PapermillOperator` calls papermill with just these arguments; `{{ ts }}` is the same when it tries again."""
    for name, value in (bare_environment() | tiny.variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tiny.folder)
    parameters = {
        "runbook": str(tiny.folder / "tiny.yaml"), "simulate": False, "confirmed": True,
        "slot": "2024-02-29T00:00:00+00:00", "output_dir": str(tiny.folder / "kept"),
    }  # fmt: skip
    for number in range(2):
        papermill.execute_notebook(
            str(DRILL), str(tiny.folder / f"try-{number}.ipynb"), parameters=parameters, progress_bar=False,
            report_mode=True, kernel_name=None, language=None, engine_name=None,
        )  # fmt: skip
    assert_one(tiny)


def assert_one(tiny: Shell) -> None:
    """One execution of the slot was made, with one job a wave, and its run is kept."""
    (listed,) = tiny.json("executions", "list")
    assert (execution_id_for("tiny", "2024-02-29T00:00:00Z", ""), "COMPLETED") == (
        listed["ExecutionId"],
        listed["Status"],
    )
    assert [1, 1] == [len(wave["Jobs"]) for wave in listed["Waves"]]
    assert (tiny.folder / "kept" / listed["ExecutionId"] / "report.html").exists()
