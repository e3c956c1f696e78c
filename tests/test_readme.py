"""What README.md and docs/ tell people to type works, or this file says how it is tested.

The first command of the quick start is run as it stands, from nothing: a clean
copy of the committed tree and a fresh virtual environment.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from drskit.cli import main
from tests.cli.shell import bare_environment
from tests.harness import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNING = "DRSKIT_QUICK_START_RUNS"
"""Set while the quick start runs, so that what it starts does not start it again."""
DRILL = (
    "python3 -m venv .venv && .venv/bin/pip install '.[kit]' && "
    ".venv/bin/drskit drill runbooks/shop.yaml --simulate --approve-all"
)
TESTS = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest"
TESTED: dict[str, str] = {
    DRILL: "test_the_quick_start_drills",
    TESTS: "test_the_ci_script_runs_the_tests_as_people_do",
    "pip install -e": "as above: the CI script installs the extra test, which holds lab",
    "jupyter lab": "tests/e2e starts it",
    "jupyter-lab": "tests/e2e starts it",
    "source .venv/bin/activate": "the shell's own",
    "conda": "there is no conda here; tests read environment.yml",
    "curl -s": "tests/test_simulator_page.py runs every command of docs/simulator.md",
    "export AWS_": "tests/cli/test_processes.py exports what `sim serve` prints",
    "aws drs": "tests/cli/test_processes.py and tests/sim/test_server.py",
    "aws ec2": "tests/sim: EC2 is moto's own",
    "aws dynamodb": "tests/store: DynamoDB is moto's own",
    "DRSKIT_LIVE_PROFILE=": "tests/sim/test_live_account.py, which asks the simulator where there is no account",
    "papermill": "tests/notebooks run the notebook by papermill",
    "pip install 'jupyter-scheduler": "the extra test installs it",
    "jupyter nbconvert": "tests/runners execute every notebook by it",
    "curl --fail": "tests/runners post the same file with the same headers",
    "systemctl": "systemd's own; tests/test_schedules.py lets systemd read and verify the units",
    "loginctl": "systemd's own",
    "journalctl": "systemd's own",
    "aws cloudformation": "tests/test_schedules.py: cfn-lint reads the template, the service's API takes the schedule",
    "python -m tests.pythons": ".ci/run runs it",
    "python -m tests.live": "tests/test_live.py tries the simulator, in this process and as a command",
    "python -m tests.proof numbers": "tests/proof/test_proof.py runs parts of it",
    "DRSKIT_LIVE_PROFILE": "tests/sim/test_live_account.py, which tries the simulator when no profile is named",
    "pytest": "this is it",
    "drskit": "tests/cli: every command and flag that is shown here must parse, too",
}
"""Each command, or how it begins, and where it is tested; a longer beginning goes first."""


def commands() -> list[tuple[str, str]]:
    """Every command in a `sh` block with the page it stands on; lines that end in a backslash are joined."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for line in block.replace("\\\n", " ").splitlines():
                text = line.partition(" # ")[0].strip()
                if text and not text.startswith("#"):
                    found.append((page.name, text))
    return found


def test_every_command_that_is_shown_is_tested_somewhere():
    """A command that nobody tests is one that does not work."""
    shown = commands()
    assert shown
    assert [] == [(page, text) for page, text in shown if not any(text.startswith(start) for start in TESTED)]


def test_the_quick_start_is_the_first_that_people_meet():
    """In the words that are tested below."""
    assert [DRILL, TESTS] == [text for page, text in commands() if page == "README.md"][:2]


def test_every_drskit_command_that_is_shown_exists():
    """With its flags, as click parses them; nothing is run."""
    for page, text in commands():
        words = shlex.split(text)
        if words[0] != "drskit":
            continue
        command: click.Command = main
        context = click.Context(main)
        rest = words[1:]
        while rest[0].startswith("--"):  # of drskit itself, before the command
            assert rest[0] in {flag for option in main.params for flag in option.opts}, (page, text)
            rest = rest[2:]
        while isinstance(command, click.Group):
            found = command.get_command(context, rest[0])
            assert found is not None, (page, text)
            command, rest = found, rest[1:]
        command.make_context(command.name, rest, resilient_parsing=False)


def test_the_ci_script_runs_the_tests_as_people_do():
    """It installs the same extra into a fresh environment, and runs pytest."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r'^"\$python" -m venv ', script, re.MULTILINE)
    assert re.search(r"/bin/pip install .*-e '\.\[test\]'$", script, re.MULTILINE)
    assert re.search(r"^pytest$", script, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.skipif(RUNNING in os.environ, reason="the quick start is what runs this")
def test_the_quick_start_drills(tmp_path: Path):
    """From a clean copy of the committed tree, in a fresh environment, without any setting."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=tmp_path, input=archive, check=True)
    environment = bare_environment() | {RUNNING: "1"}
    environment.pop("PYTHONPATH", None)
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        ["bash", "-c", DRILL], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert 0 == done.returncode, done.stderr
    assert "of plan shop is COMPLETED." in done.stderr
    reports = [Path(line) for line in done.stdout.splitlines() if line.endswith("report.html")]
    assert ["SIMULATED" in report.read_text(encoding="utf-8") for report in reports] == [True]
    assert reports[0].is_relative_to(tmp_path / "runs")
