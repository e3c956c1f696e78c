"""The command line itself: what it offers, what it refuses, and how light it is."""

import re
import subprocess
import sys

import pytest

from drskit import __version__
from drskit.cli import COMMANDS
from tests.cli.shell import BIN, Shell, bare_environment
from tests.harness import ROOT

CONTRACT = (
    "drill", "run", "recover", "apply", "validate", "check", "forecast", "authorize", "start", "poll", "executions",
    "approve", "decline", "edit", "pause", "resume", "cancel", "retry", "skip", "cleanup", "servers", "groups", "plans",
    "report", "verify", "schedule", "tables", "sim", "deploy", "notify",
)  # fmt: skip
LATER = sorted(name for name, (module, _) in COMMANDS.items() if module == "later")


def test_every_command_of_the_contract_is_offered(shell):
    """Each with a line of its own in the help."""
    assert sorted(CONTRACT) == sorted(COMMANDS)
    shown = shell.run("--help").stdout
    assert [] == [name for name in CONTRACT if f"  {name} " not in shown]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(shell, name):
    """Without AWS, without a world."""
    assert f"Usage: main {name}" in shell.run(name, "--help").stdout


@pytest.mark.parametrize("name", LATER)
def test_a_command_that_does_not_exist_yet_is_refused(shell, name):
    """With its flags and arguments, whatever they are: nothing is ignored silently."""
    assert f"`drskit {name}` is not supported yet." in shell.complaint(name, "X", "--reason", "y", "--wave", "z")


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["drill"], ["drill", "runbooks/shop.yaml", "--nonsense"], ["poll", "--follow", "--until-idle"]],
)
def test_wrong_usage_ends_with_2(shell, words):
    """Unknown commands, unknown flags, missing arguments, flags that exclude each other."""
    assert "Usage:" in shell.complaint(*words)


@pytest.mark.parametrize(("flag", "expected"), [("--version", f"drskit, version {__version__}"), ("--help", "Usage:")])
def test_nothing_heavy_is_loaded_before_it_is_needed(flag, expected):
    """To tell the version or the commands, next to nothing is imported."""
    heavy = ("boto3", "botocore", "pydantic", "yaml", "moto", "papermill", "pandas", "IPython", "jinja2", "rich")
    code = (
        f"import sys; sys.argv = ['drskit', {flag!r}]\n"
        "from drskit.cli import main\n"
        "try: main()\n"
        f"finally: print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(expected)
    assert "[]" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("drskit exe", "plain,executions"),
        ("drskit executions wa", "plain,watch"),
        ("drskit drill --app", "plain,--apply\nplain,--approve-all"),
    ],
)
def test_shells_complete_commands_and_options(tmp_path, words, expected):
    """As bash asks for it."""
    count = str(len(words.split()) - 1)
    asked = {"_DRSKIT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    done = subprocess.run(
        [BIN / "drskit"], env=bare_environment() | asked, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert sorted(expected.splitlines()) == sorted(done.stdout.splitlines())


def test_the_package_runs_as_a_module(tmp_path):
    """`python -m drskit` is the same command line; bash's completion script comes from it, too."""
    done = Shell(tmp_path).process("python", "-m", "drskit", "validate", "runbooks/shop.yaml")
    assert (0, "") == (done.returncode, done.stderr)
    assert "is valid: plan shop, waves Database, Application, Web." in done.stdout


def test_a_message_names_commands_that_exist():
    """What people are told to run next can be run."""
    sources = (ROOT / "drskit").rglob("*.py")
    named = {name for path in sources for name in re.findall(r"`drskit ([a-z]+)", path.read_text(encoding="utf-8"))}
    assert set() == named - set(COMMANDS)
