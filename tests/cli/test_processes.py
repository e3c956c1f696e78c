"""drskit as processes: exit codes, signals, what is left behind, and a world shared between terminals."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drskit.clock import wait_until
from tests.cli.shell import BIN, Shell, bare_environment

PRINTED = ("report.html", "execution.json", "notebook.ipynb")


def spawn(folder: Path, *words: str, **variables: str) -> "subprocess.Popen[str]":
    """Start drskit in a process of its own."""
    return subprocess.Popen(
        [str(BIN / "drskit"), *words], cwd=folder, env=bare_environment() | variables, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=_heed_interrupts,  # noqa: PLW1509 - the child only calls signal
    )  # fmt: skip


def _heed_interrupts() -> None:
    """A suite that was started in the background would pass on that Ctrl-C is to be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(stat.parent.name)
            found |= {child} | descendants(child)
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that still run; a zombie does not."""
    return {
        pid
        for pid in pids
        if Path(f"/proc/{pid}/stat").exists()
        and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    }


def run_of(folder: Path) -> Path:
    """The one run in a folder of runs."""
    (run,) = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return run


# --- sim serve -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shell, "subprocess.Popen[str]"]]:
    """A terminal with the variables that `drskit sim serve` printed in another one."""
    folder = tmp_path_factory.mktemp("served")
    process = spawn(folder, "sim", "serve", "--world", "failing", "--speed", "0")
    lines = []
    while (line := process.stdout.readline()).startswith("export "):
        lines.append(line)
    assert line.startswith("# ready at http://127.0.0.1:")
    told = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
    yield Shell(folder, {name: value.strip("'") for name, value in told.items()}), process
    process.kill()
    process.wait()


def test_a_world_serves_every_terminal(served):
    """The variables are all that another process needs, for drskit and for the AWS CLI."""
    shell, _ = served
    assert 0 == shell.process("drskit", "tables", "create").returncode
    started = shell.process("drskit", "start", "runbooks/failing.yaml", "--json")
    assert (0, "") == (started.returncode, started.stderr)
    execution_id = json.loads(started.stdout)["ExecutionId"]
    polled = shell.process("drskit", "poll", "--until-idle")
    assert 1 == polled.returncode
    assert f"SIMULATED drill {execution_id} of plan failing is FAILED." in polled.stderr
    shown = json.loads(shell.process("drskit", "executions", "show", execution_id, "--json").stdout)
    listed = json.loads(shell.process("aws", "drs", "describe-jobs", "--output", "json").stdout)["items"]
    assert {job["jobID"] for job in listed} == {job["JobId"] for wave in shown["Waves"] for job in wave["Jobs"]}
    assert ["COMPLETED"] * 2 == [job["status"] for job in listed]
    assert "FAILED" == shown["Status"]


def test_a_served_world_stops_when_told(served):
    """SIGTERM ends it with 0 and a word; its variables then lead nowhere, and the world says so."""
    shell, process = served
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (0, "") == (process.returncode, out)
    assert err.startswith("Serving ")
    assert err.endswith("Stopped.\n")
    assert "Check the network and the endpoint" in shell.complaint("executions", "list", code=3)


def test_a_world_with_a_state_file_survives_its_server(tmp_path):
    """Also when that is killed: the next one goes on with it, without being told which world it was."""

    def serve(*words: str) -> tuple["subprocess.Popen[str]", Shell]:
        process = spawn(tmp_path, "sim", "serve", "--state", "kept.state", "--speed", "0", "--json", *words)
        return process, Shell(tmp_path, json.loads(process.stdout.readline()))

    process, shell = serve("--world", "failing")
    shell.run("tables", "create")
    started = shell.start("runbooks/failing.yaml")
    before = shell.finish(started, code=1)
    process.kill()
    process.communicate(timeout=20)
    process, shell = serve()
    assert before == shell.json("executions", "show", started)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert (0, True) == (process.returncode, err.startswith("kept.state: ")), err
    assert "is new, so it needs a world" in shell.complaint("sim", "serve", "--state", "other.state")
    assert "There is no world to serve" in shell.complaint("sim", "serve")


def test_a_world_that_everyone_can_reach_says_so_loudly(tmp_path):
    """And ends on Ctrl-C as on SIGTERM."""
    process = spawn(tmp_path, "sim", "serve", "--world", "shop", "--host", "0.0.0.0", "--json")
    assert json.loads(process.stdout.readline())["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (0, "") == (process.returncode, out)
    assert err.startswith("WARNING: this world listens on 0.0.0.0. Whoever can reach this machine can read and change")
    assert err.endswith("Stopped.\n")


def test_the_variables_come_as_one_line_of_json_too(tmp_path):
    """And a world that nobody asks ends by itself."""
    process = spawn(tmp_path, "sim", "serve", "--world", "shop", "--json", "--idle-minutes", "0.005")
    out, err = process.communicate(timeout=20)
    assert (0, "Stopped.\n") == (process.returncode, err)
    (line,) = out.splitlines()
    assert json.loads(line)["DRSKIT_CLOCK_URL"].endswith("/drskit/clock")


# --- drill -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> "tuple[subprocess.CompletedProcess[str], Path]":
    """A headless drill that went well, and its folder."""
    folder = tmp_path_factory.mktemp("completed")
    words = ("drskit", "drill", "runbooks/captured-drill.yaml", "--simulate", "--json", "--output", "kept/here")
    return Shell(folder).process(*words, timeout=120), folder


def test_a_drill_that_completes_ends_with_0(completed):
    """JSON alone on stdout, words on stderr: each event as it came, then where the files are."""
    done, folder = completed
    assert (0, True) == (done.returncode, "Traceback" not in done.stderr)
    found = json.loads(done.stdout)
    assert ("COMPLETED", "SIMULATED") == (found["Status"], found["Mode"])
    assert "Execution  COMPLETED (was POLLING)" in done.stderr
    run = folder / "kept" / "here" / found["ExecutionId"]
    assert done.stderr.endswith("".join(f"{run / name}\n" for name in PRINTED))


def test_a_drill_leaves_its_evidence(completed):
    """`--output` holds one folder; `execution.json` is what `--json` printed, `context.json` what stood around it."""
    done, folder = completed
    run = run_of(folder / "kept" / "here")
    assert {entry.name for entry in run.iterdir()} == {*PRINTED, "context.json"}
    evidence = json.loads((run / "execution.json").read_text(encoding="utf-8"))
    assert 64 == len(evidence.pop("ContextDigest"))  # the file beside it is sealed in it
    assert 64 == len(evidence.pop("ReportDigest"))
    assert evidence == json.loads(done.stdout)
    assert ["kept"] == sorted(entry.name for entry in folder.iterdir())


def test_the_report_needs_no_network(completed):
    """It says what was simulated and how it ended, and asks nobody for anything."""
    _, folder = completed
    text = (run_of(folder / "kept" / "here") / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert "Drill COMPLETED" in text
    assert [] == [mark for mark in ("<script src", "<link", 'src="http', "@import", "url(http") if mark in text]


def test_the_executed_notebook_shows_the_board(completed):
    """With the waves and their servers, without widgets, and without an error."""
    _, folder = completed
    cells = json.loads((run_of(folder / "kept" / "here") / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    html = "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert "Wave Database" in html
    assert "COMPLETED" in html
    assert [] == [output for output in outputs if output["output_type"] == "error"]
    assert "widget-view" not in json.dumps(outputs)


@pytest.mark.slow
def test_a_drill_that_fails_ends_with_1_after_its_report(tmp_path):
    """DRS calls the job COMPLETED; the report says which server failed, and what that looks like."""
    done = Shell(tmp_path).process("drskit", "drill", "runbooks/failing.yaml", "--simulate", timeout=120)
    assert (1, True) == (done.returncode, "Traceback" not in done.stderr)
    run = run_of(tmp_path / "runs")
    assert {entry.name for entry in run.iterdir()} == {*PRINTED, "context.json"}
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert "conversion denied" in text
    assert "is FAILED. wave Application FAILED: 1 of 2 servers failed: failing-app-2." in done.stderr
    assert [str(run / name) for name in PRINTED] == done.stdout.splitlines()


@pytest.mark.slow
def test_a_drill_that_is_told_to_stop_leaves_its_evidence(tmp_path):
    """SIGTERM in mid-drill: one line, exit code 143, notebook and report as far as they got, and no process."""
    process = spawn(tmp_path, "drill", "runbooks/captured-drill.yaml", "--simulate", "--speed", "30")
    assert any("IN_PROGRESS" in line for line in process.stderr)
    started = descendants(process.pid)
    assert started
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (143, "") == (process.returncode, err if "Traceback" in err else "")
    assert err.splitlines()[-1].startswith("Interrupted. What ran so far is in ")
    run = run_of(tmp_path / "runs")
    assert {entry.name for entry in run.iterdir()} == {*PRINTED, "context.json"}
    assert [str(run / name) for name in PRINTED] == out.splitlines()
    found = json.loads((run / "execution.json").read_text(encoding="utf-8"))
    assert ("POLLING", "IN_PROGRESS") == (found["Status"], found["Waves"][0]["Status"])
    assert "SIMULATED" in (run / "report.html").read_text(encoding="utf-8")
    assert wait_until(lambda: not alive(started), timeout_seconds=10)


def test_a_worker_that_is_interrupted_says_so(tmp_path, open_shell):
    """Ctrl-C while it follows: exit code 130 and no traceback."""
    shell = open_shell()
    process = spawn(tmp_path, "poll", "--follow", "--json", **shell.variables)
    assert process.stdout.readline().startswith("{")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (130, "Interrupted.\n") == (process.returncode, err)
