"""The proof holds: every AWS call meets every fault, and the checker finds nothing.

The quick part meets two kinds of fault at the launch requests themselves; the
part marked slow every kind and span at every call of a launch, of each command
and of a cleanup, and deaths in everything else.
All run the documented command.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

from drskit.model import CommandKind
from tests.proof.__main__ import main
from tests.proof.faults import Call, Fault, parse
from tests.proof.mutants import MUTANTS
from tests.proof.mutation import Edit, Mutant, copy_to, tried
from tests.proof.runs import planned, run
from tests.proof.scenarios import DOINGS, SCENARIOS, Play, Scenario
from tests.proof.sdk import stock_sdk
from tests.proof.sweep import Nursery

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHANGES = ("TransactWriteItems", "StartRecovery", "TerminateRecoveryInstances", "PutEvents")
TOLD = ("approve", "decline", "skip", "edit", "pause", "resume", "cancel", "retry")
"""What people tell a running execution."""
LAUNCHES = ("launch", "outage")
CLEANUPS = ("cleanup",)
CLEAN = ["duplicates: 0", "orphans: 0", "lost: 0", "false failures: 0", "other violations: 0"]


def prove(*arguments: str) -> list[str]:
    """What the documented command prints, a line each; its complaints are shown when it fails."""
    command = [sys.executable, "-m", "tests.proof", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout.splitlines()


def words(option: str, values: Iterable[str]) -> list[str]:
    """An option once for each value."""
    return [word for value in values for word in (option, value)]


def test_faults_of_the_launch_requests_leave_one_job_each():
    """A StartRecovery whose process dies, or whose reply is lost: one job for each wave, and nothing lost or failed."""
    lines = prove(
        "single", "--scenario", "launch", "--call", "StartRecovery", "--kind", "crash-after", "--kind", "lost-reply"
    )
    assert set(CLEAN) <= set(lines)
    assert "wire requests per start: 1" in lines


@pytest.mark.slow
def test_every_fault_of_every_call_of_a_launch_leaves_one_job_each(capsys):
    """All kinds and spans of fault at every boto3 call of a start and of two waves that are polled to their end.

    Once more at the launch requests while DRS does not tell its jobs.
    """
    assert_nothing_is_late("launch", "single", *words("--scenario", LAUNCHES), capsys=capsys)


@pytest.mark.slow
def test_every_fault_of_every_call_of_a_command_is_made_good(capsys):
    """All kinds and spans at every call from each command of people until it has been obeyed."""
    assert_nothing_is_late("commands", "single", *words("--scenario", TOLD), capsys=capsys)


@pytest.mark.slow
def test_every_fault_of_every_call_of_a_cleanup_is_made_good(capsys):
    """All kinds and spans, from the command to the proof that the instances are gone."""
    assert_nothing_is_late("cleanup", "single", *words("--scenario", CLEANUPS), capsys=capsys)


def assert_nothing_is_late(name: str, *arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command finds nothing, and no run that was disturbed ended more than 435 seconds later; it is shown."""
    lines = prove(*arguments)
    with capsys.disabled():
        sys.stdout.write("\n".join(["", name, *lines, ""]))
    assert set(CLEAN) <= set(lines)
    assert "runs: 0" not in lines
    (delay,) = [line for line in lines if line.startswith("worst added delay")]
    assert float(delay.split()[3]) <= 435


def test_each_command_of_people_to_a_running_execution_is_in_the_sweep():
    """None is left out, and the documented `--whole` plays just what the three tests above play."""
    assert {kind.value for kind in CommandKind} == set(TOLD)
    assert {name for name, one in SCENARIOS.items() if one.whole} == {*LAUNCHES, *TOLD, *CLEANUPS}


def test_what_is_asked_of_a_service_by_an_action_is_done_once():
    """A process dies or a reply is lost with an automation and a command: both are found again by their task."""
    calls = ("--call", "StartAutomationExecution", "--call", "SendCommand")
    lines = prove("single", "--scenario", "actions", *calls, "--kind", "crash-after", "--kind", "lost-reply")
    assert set(CLEAN) <= set(lines)
    assert "runs: 4" in lines


@pytest.mark.slow
def test_no_action_is_done_twice_whatever_meets_its_request():
    """The main kinds of fault at every request of every kind of action."""
    lines = prove("single", "--scenario", "actions", *words("--call", sorted(DOINGS)))
    assert set(CLEAN) <= set(lines)


@pytest.mark.slow
def test_a_death_around_any_change_of_what_else_a_plan_can_say_is_made_good():
    """The process dies after everything that changes something in DRS or the tables.

    That is where an approval could be used twice or money spent that nobody allowed; the command without options
    strikes every call with every main kind of fault, also of what is left out here for its time.
    """
    left_out = {"foreign", "actions", "checks", "notify"}
    scenarios = [name for name, scenario in SCENARIOS.items() if not scenario.whole and name not in left_out]
    lines = prove("single", *words("--scenario", scenarios), *words("--call", CHANGES), "--kind", "crash-after")
    assert set(CLEAN) <= set(lines)
    assert "runs: 0" not in lines


def test_a_stranger_s_launch_is_met_and_never_taken_for_ours():
    """A launch request dies or its reply is lost while somebody else's job holds the server."""
    faults = ("--kind", "crash-after", "--kind", "lost-reply")
    lines = prove("single", "--scenario", "foreign", "--call", "StartRecovery", *faults)
    assert set(CLEAN) <= set(lines)
    assert "runs: 6" in lines


def test_pairs_of_faults_leave_one_job_each():
    """Two faults in one run, the second after the first; here only those of the first seconds."""
    lines = prove("pairs", "--seconds", "2")
    assert set(CLEAN) <= set(lines)
    assert "runs: 0" not in lines


def test_a_random_series_is_the_same_again():
    """2 to 21 faults with 1 to 4 workers leave one job each, and the same seed gives the same trace."""
    lines = prove("random", "--seed", "151", "--runs", "2")
    assert set(CLEAN) <= set(lines)
    assert lines == prove("random", "--seed", "151", "--runs", "2", "--processes", "1")


def test_every_edit_of_a_mutant_fits_the_source():
    """Each old text stands in the source exactly once, so no mutant has become harmless unnoticed."""
    for mutant in MUTANTS:
        for edit in mutant.edits:
            assert 1 == (ROOT / "drskit" / edit.path).read_text().count(edit.old), f"{mutant.name}: {edit.path}"


def test_the_copy_that_a_mutant_runs_in_has_all_that_the_proof_needs(tmp_path):
    """It can be loaded there, and nothing of it comes from here."""
    copy_to(tmp_path)
    script = "import tests.proof.__main__ as proof, drskit; print(proof.__file__, drskit.__file__)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert f"{tmp_path}/tests/proof/__main__.py {tmp_path}/drskit/__init__.py\n" == done.stdout, done.stderr


def test_a_mutant_whose_proof_breaks_off_is_not_killed():
    """It was not found out: from its third pass on it only breaks drskit."""
    old = "        log = _Log()\n        places ="
    new = "        self.passes = getattr(self, 'passes', 0) + 1\n        if self.passes > 2: raise SystemExit(9)\n"
    breaks = Mutant("breaks", (Edit("poller.py", old, new + old),), ("--scenario", "launch", "--call", "StartRecovery"))
    with pytest.raises(RuntimeError, match=r"'breaks' broke off: .*until then:"):
        tried(breaks)


def test_the_same_seed_gives_the_same_run():
    """Everything that is sent, by whom and when, is the same again; another seed sends something else."""
    fault = planned((parse("TransactWriteItems:4 lost-reply"),))
    first, again, other = run("launch", fault), run("launch", fault), run("launch", fault, seed=1)
    assert first == again
    assert first.trace != other.trace


def test_the_short_ways_of_the_sdk_change_nothing():
    """Without them the same run, to the last request."""
    short = run("approve", planned(()))
    with stock_sdk():
        assert short == run("approve", planned(()))


def parsed(name: str) -> ast.Module:
    """A file of the proof."""
    return ast.parse((HERE / f"{name}.py").read_text())


def test_the_checker_knows_nothing_of_drskit():
    """Its files import neither drskit nor anything of the tests, so no fault of theirs can hide in it."""
    imported = set()
    own = ("allowed", "checker", "doings", "rules")
    for node in (node for name in own for node in ast.walk(parsed(name))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module not in {f"tests.proof.{name}" for name in own}:
            imported.add((node.module or "").partition(".")[0])
    assert {"boto3"} == imported - set(sys.stdlib_module_names)


def test_a_child_that_breaks_off_is_told_of():
    """It is neither a run without faults nor one that came to nothing: the proof itself is broken."""

    def crash() -> NoReturn:
        raise KeyError("gone")

    for how, words in ((crash, "KeyError: 'gone'"), (lambda: os._exit(3), "died without a report")):
        told = []
        nursery = Nursery(1, told.append)
        if nursery.fork():
            nursery.play(how)
        with pytest.raises(RuntimeError, match=words):
            nursery.drain()
        assert [] == told


def test_a_run_that_breaks_off_says_how_to_repeat_it():
    """What is no violation is as little use without its faults as a violation is."""

    def branch(call: Call) -> Fault | None:
        if call.number:
            raise KeyboardInterrupt("gone")
        return parse("Query:0 lost-reply") if call.operation == "Query" else None

    with pytest.raises(KeyboardInterrupt, match="gone") as broken:
        run("launch", branch)
    assert ["to repeat it: python -m tests.proof one launch 'Query:0 lost-reply'"] == broken.value.__notes__


def test_a_series_that_breaks_off_says_what_it_had_come_to(monkeypatch, capsys):
    """What was found before is not lost with the run that could not go on."""

    def script(play: Play) -> None:
        play.start()
        play.work()
        if [1] == [fault.number for fault in play.injector.fired]:
            os._exit(3)

    monkeypatch.setitem(SCENARIOS, "doomed", Scenario("doomed", script, faults=frozenset({"StartRecovery"})))
    monkeypatch.setattr(sys, "argv", ["proof", "--scenario", "doomed", "--kind", "late"])
    with pytest.raises(RuntimeError, match="died without a report"):
        main()
    said = capsys.readouterr()
    assert "" == said.out
    assert {"runs: 1", *CLEAN} <= set(said.err.splitlines())
