"""A cleanup by commands, and as a drill's last step: what is asked, done, refused and said."""

import json

import pytest

from tests.cli.plans import runbook, world


def declared(**policy: str) -> str:
    """The small runbook with a cleanup policy."""
    return runbook() + f"cleanup: {json.dumps(policy)}\n"


def drilled(shell) -> str:
    """A drill of two servers that is over; its id."""
    execution_id = shell.start("tiny.yaml")
    shell.finish(execution_id)
    return execution_id


def statuses(shell, execution_id: str) -> list[str]:
    """What became of its servers."""
    shown = shell.json("executions", "show", execution_id)
    return [server["Status"] for wave in shown["Waves"] for server in wave["Servers"]]


def running(shell) -> dict[str, int | None]:
    """How many instances run by the list, by execution."""
    rows = shell.json("executions", "list")
    return {row["ExecutionId"]: (row["RunningInstances"] or {}).get("Count") for row in rows}


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_cleanup_is_carried_out_by_whoever_polls(open_shell):
    """It shows what goes, asks unless told not to, and the list says afterwards that nothing runs."""
    shell = open_shell()
    drill_id = drilled(shell)
    assert {drill_id: 2} == running(shell)
    said = shell.complaint("cleanup", drill_id, "--reason", "looked at it")
    assert "has 2 instances to terminate:" in said
    assert "there is no terminal to ask at. Add --yes" in said
    begun = shell.run("cleanup", drill_id, "--reason", "looked at it", "--yes")
    cleanup_id = begun.stdout.strip()
    assert "It goes on as soon as somebody polls" in begun.stderr
    assert "COMPLETED" == shell.finish(cleanup_id)["Status"]
    assert {drill_id: None, cleanup_id: None} == running(shell)
    assert ["TERMINATED", "TERMINATED"] == statuses(shell, drill_id) == statuses(shell, cleanup_id)


def test_a_cleanup_that_is_repeated_is_the_same_one_and_then_none(open_shell):
    """As JSON: the id of the one that lives, then null; no second job comes into being."""
    shell = open_shell()
    drill_id = drilled(shell)
    first = shell.json("cleanup", drill_id, "--reason", "looked at it", "--yes")
    assert {"ExecutionId", "Cleans"} == set(first)
    assert drill_id == first["Cleans"]
    assert first == shell.json("cleanup", drill_id, "--reason", "again")
    shell.finish(first["ExecutionId"])
    assert {"ExecutionId": None, "Cleans": drill_id} == shell.json("cleanup", drill_id, "--reason", "once more")
    jobs = shell.server.gateway.world.jobs.values()
    assert 1 == sum(job.kind == "TERMINATE" for job in jobs)


def test_what_is_not_a_drill_that_is_over_is_not_cleaned_up(open_shell):
    """A drill that lives, a cleanup, an execution that nobody knows, and no reason."""
    shell = open_shell()
    drill_id = shell.start("tiny.yaml")
    said = shell.complaint("cleanup", drill_id, "--reason", "x", "--yes")
    assert f"Execution {drill_id} is PENDING; what runs is not cleaned up." in said
    shell.finish(drill_id)
    assert "Add --reason" in shell.complaint("cleanup", drill_id, "--reason", " ", "--yes")
    cleanup_id = shell.json("cleanup", drill_id, "--reason", "x", "--yes")["ExecutionId"]
    shell.finish(cleanup_id)
    said = shell.complaint("cleanup", cleanup_id, "--reason", "x", "--yes")
    assert f"Execution {cleanup_id} is a cleanup itself. Name the drill: {drill_id}." in said
    assert "01KJPWD6M0YRW7ABVCV0N9X219" in shell.complaint("cleanup", "01KJPWD6M0YRW7ABVCV0N9X219", "--reason", "x")


@pytest.mark.parametrize(("typed", "left"), [("y\n", None), ("n\n", 2)])
def test_a_person_at_a_terminal_is_asked(open_shell, typed, left):
    """No, which is what Enter means too, starts nothing."""
    shell = open_shell()
    drill_id = drilled(shell)
    asked = shell.run("cleanup", drill_id, "--reason", "looked at it", typed=typed, code=2 if left else 0)
    assert "Terminate 2 instances? [y/N]" in asked.stderr
    shell.run("poll", "--until-idle")
    assert left == running(shell)[drill_id]


def test_what_a_drill_terminates_at_its_end_is_shown_before_its_start(open_shell):
    """Against AWS, before anybody says yes; the defaults need no word."""
    shell = open_shell(real=True)
    assert "at its end" not in shell.complaint("start", "tiny.yaml")
    shell.write("tiny.yaml", declared(after="never", headless="always"))
    said = shell.complaint("start", "tiny.yaml")
    assert 1 == said.count("Terminates its own instances at its end, headless, without a question")


# --- at the end of a drill -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "left"), [("y\n", []), ("\n", ["LAUNCHED", "LAUNCHED"])])
def test_a_drill_asks_at_its_end_where_the_runbook_says_ask(open_shell, typed, left):
    """The default. A yes is carried out at once and stands in the report; a no says how. The code is the drill's."""
    shell = open_shell()
    told = shell.run("drill", "tiny.yaml", "--simulate", typed=typed)
    assert "Terminate the 2 instances that this drill launched? [y/N]" in told.stderr
    (drill_id,) = [row["ExecutionId"] for row in shell.json("executions", "list") if row["ExecutionType"] == "DRILL"]
    assert (left or ["TERMINATED"] * 2) == statuses(shell, drill_id)
    assert bool(left) == (f"2 instances of drill {drill_id} still run and cost money." in told.stderr)
    assert bool(left) != ("is COMPLETED: 2 of 2 instances terminated." in told.stderr)
    kept = json.loads((shell.folder / "runs" / drill_id / "execution.json").read_text(encoding="utf-8"))
    assert (left or ["TERMINATED"] * 2) == [server["Status"] for wave in kept["Waves"] for server in wave["Servers"]]
    shell.run("verify", f"runs/{drill_id}")


def test_at_a_terminal_what_counts_is_what_the_runbook_says_for_people(open_shell):
    """`headless: always` terminates nothing that a person is to look at: `after: never` asks nothing, and says how."""
    shell = open_shell()
    shell.write("tiny.yaml", declared(after="never", headless="always"))
    told = shell.run("drill", "tiny.yaml", "--simulate", typed="y\n")
    ((drill_id, count),) = running(shell).items()
    assert (2, False) == (count, "[y/N]" in told.stderr)
    assert f"drskit cleanup {drill_id} --reason TEXT" in told.stderr


def test_a_drill_cleans_up_without_a_question_where_the_runbook_says_always(open_shell):
    """At once, and to the end."""
    shell = open_shell()
    shell.write("tiny.yaml", declared(after="always"))
    told = shell.run("drill", "tiny.yaml", "--simulate", typed="")
    assert "is COMPLETED: 2 of 2 instances terminated." in told.stderr
    assert {None} == set(running(shell).values())


def test_a_cleanup_that_fails_makes_a_good_drill_end_with_1(open_shell):
    """What is left is named with AWS's own words."""
    denied = {"operation": "TerminateRecoveryInstances", "kind": "access-denied", "times": 9}
    shell = open_shell(world(faults=[denied]))
    shell.write("tiny.yaml", declared(after="always"))
    told = shell.run("drill", "tiny.yaml", "--simulate", typed="", code=1)
    assert "of plan tiny is COMPLETED." in told.stderr
    assert "is FAILED: 0 of 2 instances terminated." in told.stderr
    assert "AccessDeniedException" in told.stderr
    assert "What is left runs and costs money." in told.stderr


def test_without_a_terminal_a_drill_says_what_still_runs(open_shell):
    """Nobody is asked, nothing is terminated, and the command to do it stands there."""
    shell = open_shell()
    told = shell.run("drill", "tiny.yaml", "--simulate")
    ((drill_id, count),) = running(shell).items()
    assert 2 == count
    assert f"2 instances of drill {drill_id} still run and cost money." in told.stderr
    assert f"drskit cleanup {drill_id} --reason TEXT" in told.stderr


def test_a_drill_carries_an_earlier_cleanup_to_its_end_first(open_shell):
    """A plan has one execution at a time; the cleanup is not taken for a drill."""
    shell = open_shell()
    before = drilled(shell)
    cleanup_id = shell.json("cleanup", before, "--reason", "looked at it", "--yes")["ExecutionId"]
    told = shell.run("drill", "tiny.yaml", "--simulate")
    assert f"Cleanup {cleanup_id} of drill {before} is not over; it is carried to its end first." in told.stderr
    found = [(row["ExecutionType"], row["Status"]) for row in shell.json("executions", "list")]
    assert [("DRILL", "COMPLETED"), ("CLEANUP", "COMPLETED"), ("DRILL", "COMPLETED")] == found
