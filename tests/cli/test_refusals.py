"""Wrong input: each is refused with exit code 2, the place, the value and the remedy, and never a traceback."""

import pytest

from tests.cli.plans import runbook, world
from tests.sim.lab import server_id

SHIPPED = "runbooks/shop.yaml"


def test_a_runbook_that_is_nowhere(shell):
    """What is shipped is named."""
    said = shell.complaint("validate", "nope.yaml")
    assert f"nope.yaml does not exist in {shell.folder}, and drskit ships none of that name." in said
    assert "Shipped: runbooks/captured-drill.yaml, runbooks/failing.yaml, runbooks/shop.yaml." in said


def test_a_folder_is_no_runbook(shell):
    """And is not said to be missing."""
    (shell.folder / "plans").mkdir()
    assert "plans is a folder. Name a file in it.\n" == shell.complaint("validate", "plans")


def test_an_unknown_key_is_named_with_its_line(shell):
    """File, line and key."""
    shell.write("mine.yaml", runbook() + "surprise: 1\n")
    line = len(runbook().splitlines()) + 1
    assert f"mine.yaml:{line}: surprise: the key is unknown;" in shell.complaint("validate", "mine.yaml")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("change: {ticket: required, freeze: none.ics}", "change.freeze: the calendar none.ics cannot be read"),
        ("budget: {max_usd: 5, prices: none.yaml}", "budget.prices: none.yaml does not exist"),
    ],
)
def test_a_file_that_a_runbook_names_and_that_is_not_there(shell, key, said):
    """Its line is named before anything is applied."""
    shell.write("mine.yaml", f"{runbook()}{key}\n")
    line = len(runbook().splitlines()) + 1
    assert f"mine.yaml:{line}: {said}" in shell.complaint("validate", "mine.yaml")


def test_every_complaint_is_told_at_once_and_as_json(shell):
    """Nobody likes to mend a file fault by fault."""
    shell.write("mine.yaml", runbook(timeout="soon") + "surprise: 1\n")
    found = shell.json("validate", "mine.yaml", code=2)
    assert (False, None, 2) == (found["Valid"], found["PlanId"], len(found["Complaints"]))
    assert all(complaint.startswith("mine.yaml:") for complaint in found["Complaints"])


def test_waves_that_wait_for_each_other(shell):
    """The cycle is spelt out."""
    shell.write("mine.yaml", runbook(needs=["Two"]))
    said = shell.complaint("validate", "mine.yaml")
    assert "the waves wait for each other: " in said
    assert "One" in said
    assert "Remove one need." in said


def test_a_server_in_two_groups(shell):
    """Both groups are named."""
    shell.write("mine.yaml", runbook([1], [1]))
    said = shell.complaint("validate", "mine.yaml")
    assert f"{server_id(1)} is in group group-1, too; a server is in one group at most. Remove one." in said


@pytest.mark.parametrize("command", [["apply"], ["start"], ["drill", "--yes"]])
def test_a_server_that_drs_does_not_know(open_shell, command):
    """By its id and the line it stands in, before anything is written."""
    shell = open_shell()
    shell.write("mine.yaml", runbook([1], [7]))
    said = shell.complaint(command[0], "mine.yaml", *command[1:])
    assert "mine.yaml:" in said
    assert f"{server_id(7)}" in said
    assert [] == shell.json("plans", "list")


def test_a_server_of_another_plan(open_shell):
    """A server is in one group at most, across plans."""
    shell = open_shell()
    shell.run("apply", "tiny.yaml")
    shell.write("mine.yaml", runbook([1], plan="other"))
    said = shell.complaint("apply", "mine.yaml")
    assert server_id(1) in said
    assert "tiny.group-1" in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--approve-all"], "--approve-all is for simulated drills."),
        (["--world", "shop"], "--world is for simulated drills."),
        (["--speed", "3"], "--speed is for simulated drills."),
        (["--simulate", "--speed", "-1"], "-1.0 is not in the range x>=0"),
        (["--simulate", "--world", "nope"], "Shipped: runbooks/worlds/captured-drill.yaml"),
        (["--simulate", "--world", SHIPPED], "start: the key is missing"),
    ],
)
def test_flags_of_a_drill_that_make_no_sense(shell, flags, words):
    """Refused before anything runs."""
    assert words in shell.complaint("drill", SHIPPED, *flags)


def test_a_plan_without_a_world_cannot_be_simulated(shell):
    """The remedy is a flag."""
    shell.write("mine.yaml", runbook())
    said = shell.complaint("drill", "mine.yaml", "--simulate")
    assert "Plan tiny has no world to be simulated in: worlds/tiny.yaml does not exist. Name one with --world." in said


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("AWS_REGION", "u w", "write an AWS Region such as us-west-2"),
        ("AWS_ENDPOINT_URL", "localhost", "Write for example http://127.0.0.1:5000"),
        ("AWS_ENDPOINT_URL_DRS", "localhost", "Write for example http://127.0.0.1:5000"),
        ("DRSKIT_ENV", "a b", "write at most 60 letters"),
        ("DRSKIT_TABLE_PREFIX", "x" * 61, "write at most 60 letters"),
        ("DRSKIT_UI", "fancy", "write one of auto, live, static"),
        ("DRSKIT_CLOCK_URL", "somewhere", "write an address such as"),
        ("DRSKIT_POLL_SECONDS", "15,30", 'write three numbers of seconds above 0, such as "15,30,45"'),
        ("DRSKIT_POLL_SECONDS", "nan,1,2", 'write three numbers of seconds above 0, such as "15,30,45"'),
        ("DRSKIT_QUIESCENCE_SECONDS", "long", "write a number of seconds, such as 420"),
    ],
)
def test_a_variable_that_cannot_be_used(shell, variable, value, remedy):
    """Its name, its value and the remedy, before AWS is asked."""
    said = shell.complaint("executions", "list", **{"AWS_REGION": "us-west-2", variable: value})
    assert said.startswith(f"{variable}: '{value}'")
    assert remedy in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("regoin = 'us-west-2'", "drskit.toml: regoin: the key is unknown. Known: region, profile,"),
        ("env = 1", "drskit.toml: 1 cannot be the setting env"),
        ("env =", "drskit.toml: this is not valid TOML"),
        ("poll_seconds = [1, 2]", "drskit.toml: [1, 2] cannot be the setting poll_seconds"),
    ],
)
def test_a_settings_file_that_cannot_be_used(shell, text, words):
    """The file and the key."""
    shell.write("drskit.toml", text)
    assert words in shell.complaint("executions", "list")


def test_a_flag_beats_a_variable_beats_the_file(open_shell):
    """Settings by flag, then DRSKIT_*, then drskit.toml; the complaint about a missing table shows which."""
    shell = open_shell()
    shell.write("drskit.toml", 'env = "file"\n')
    table = "drs-orchestration-execution-history"
    assert f"{table}-file " in shell.complaint("executions", "list", code=3)
    assert f"{table}-var " in shell.complaint("executions", "list", code=3, DRSKIT_ENV="var")
    assert f"{table}-flag " in shell.complaint("--env", "flag", "executions", "list", code=3, DRSKIT_ENV="var")


def test_a_region_is_needed(shell):
    """For the tables and for DRS."""
    assert "No Region is set for the tables. Set AWS_REGION" in shell.complaint("executions", "list")
    assert "No Region is set for DRS. Set AWS_REGION" in shell.complaint("servers", "list")
    assert "'us west' is no AWS Region." in shell.complaint("servers", "list", "--region", "us west")


def test_what_does_not_exist_is_named(shop):
    """Executions, servers, groups, plans, waves."""
    assert "There is no execution NOPE in the tables." in shop.complaint("executions", "show", "NOPE")
    assert "There is no execution NOPE in the tables." in shop.complaint("executions", "watch", "NOPE")
    assert "There is no execution NOPE in the tables." in shop.complaint("report", "NOPE")
    assert "There is no execution NOPE in the tables." in shop.complaint("cancel", "NOPE", "--reason", "x")
    assert "DRS has no source server s-1." in shop.complaint("servers", "show", "s-1")
    assert "There is no protection group nope." in shop.complaint("groups", "show", "nope")
    assert "There is no protection group nope" in shop.complaint("groups", "delete", "nope")
    assert "There is no recovery plan nope." in shop.complaint("plans", "show", "nope")
    assert "There is no plan nope" in shop.complaint("plans", "delete", "nope")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "nope.ipynb"], "Shipped: notebooks/01-discover-servers.ipynb"),
        (["run", SHIPPED], "runbooks/shop.yaml is no notebook. Name a file that ends in .ipynb."),
        (
            ["run", "notebooks/03-run-a-drill.ipynb", "-p", "simluate", "no"],
            "has no parameter 'simluate'. It has runbook, simulate, world",
        ),
        (["report", "."], "execution.json cannot be read: No such file or directory."),
        (["sim", "serve", "--world", "nope"], "runbooks/worlds/nope.yaml does not exist"),
    ],
)
def test_files_that_cannot_be_used(shell, words, expected):
    """Each with what to name instead."""
    assert expected in shell.complaint(*words)


def test_a_notebook_that_is_none(shell):
    """Its text is no JSON."""
    shell.write("broken.ipynb", "nonsense")
    assert "broken.ipynb cannot be read as a notebook" in shell.complaint("run", "broken.ipynb")


def test_a_place_that_cannot_be_written(open_shell):
    """The place is named, and it is no traceback."""
    shell = open_shell(world({}))
    shell.write("tiny.yaml", runbook([1]))
    execution_id = shell.start("tiny.yaml")
    shell.write("taken", "")
    said = shell.complaint("report", execution_id, "--output", "taken/report.html")
    assert "taken: File exists. Choose another place, or make this one usable.\n" == said
