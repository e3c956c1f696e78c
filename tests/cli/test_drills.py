"""A drill by commands: start, poll, decide, report; and the starts that are refused."""

import boto3
import pytest

from drskit.sim import load_world
from tests.cli.plans import runbook, world
from tests.harness import RUNBOOKS
from tests.sim.lab import server_id

LAUNCHED = "2026-03-01T09:00:00Z"
RECOVERY = {"id": "i-0123456789abcdef0", "drill": False, "launched": LAUNCHED}


def test_a_started_drill_is_carried_out_by_whoever_polls(open_shell):
    """Start returns at once; polling until idle ends with 0 when all that ended is good."""
    shell = open_shell()
    started = shell.run("start", "tiny.yaml")
    execution_id = started.stdout.strip()
    assert "It goes on as soon as somebody polls: drskit poll --follow" in started.stderr
    assert "PENDING" == shell.json("executions", "show", execution_id)["Status"]
    done = shell.finish(execution_id)
    assert ("COMPLETED", None) == (done["Status"], done["WaitingFor"])
    assert ["LAUNCHED", "LAUNCHED"] == [wave["Servers"][0]["LaunchStatus"] for wave in done["Waves"]]
    board = shell.run("executions", "show", execution_id).stdout
    assert "SIMULATED DRILL tiny" in board
    assert "2 of 2 servers launched" in board


def test_a_fast_start_is_kept_and_said(open_shell):
    """A later start under the same key goes on as it began, and says so; a strict one is not made fast."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml", "--key", "monday", "--fast")
    assert ", fast)" in shell.run("executions", "show", execution_id).stdout
    again = shell.run("start", "tiny.yaml", "--key", "monday")
    assert (f"{execution_id}\n", True) == (again.stdout, "goes on as it began: fast." in again.stderr)
    assert "" == shell.run("drill", "tiny.yaml", "--simulate", "--apply", code=2).stdout
    shell.finish(execution_id)
    shell.start("tiny.yaml", "--key", "tuesday")
    assert "is not fast, and goes on as it began" in shell.complaint("start", "tiny.yaml", "--key", "tuesday", "--fast")
    assert "Leave --fast out" in shell.complaint("drill", "tiny.yaml", "--simulate", "--fast")


def test_a_weak_quiescence_is_said_once_a_command(open_shell):
    """On stderr, with the facts; 330 seconds and more say nothing."""
    shell = open_shell()
    for seconds, times in (("60", 1), ("329", 1), ("330", 0)):
        said = shell.run("start", "tiny.yaml", "--key", "k", variables={"DRSKIT_QUIESCENCE_SECONDS": seconds}).stderr
        assert times == said.count(f"DRSKIT_QUIESCENCE_SECONDS is {seconds}, which is weaker than strict")


def test_a_pass_is_a_line_of_json(open_shell):
    """A log that a program can follow: as many lines as passes, each whole."""
    import json

    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    first = shell.json("poll")
    assert ([execution_id], None) == (first["Advanced"], first["Trouble"])
    lines = [json.loads(line) for line in shell.run("poll", "--until-idle", "--json").stdout.splitlines()]
    assert len(lines) > 5
    assert lines[-1]["NextPoll"] is None


def test_watching_never_drives(open_shell):
    """It ends with the drill's own code, and says what happened."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    shell.run("poll", "--until-idle")
    watched = shell.run("executions", "watch", execution_id)
    assert "" == watched.stdout
    assert "Execution  COMPLETED (was POLLING)" in watched.stderr
    assert "COMPLETED" == shell.json("executions", "watch", execution_id)["Status"]


def test_a_wave_waits_for_a_named_person(open_shell):
    """Polling ends with 1 while only a decision remains; the approval is kept with its reason."""
    shell = open_shell()
    shell.write("tiny.yaml", runbook(approve="The database accepts logins."))
    execution_id = shell.start("tiny.yaml")
    polled = shell.run("poll", "--until-idle", code=1)
    assert f"{execution_id} waits for approval of wave One: The database accepts logins.\n" == polled.stderr
    assert 1 == shell.run("executions", "watch", execution_id, code=1).exit_code
    given = shell.json("approve", execution_id, "--reason", "saw logins")
    assert ("approve", "One", "saw logins") == (given["Kind"], given["WaveName"], given["Reason"])
    assert "The same approve of wave One is recorded already" in shell.complaint(
        "approve", execution_id, "--reason", "again"
    )
    done = shell.finish(execution_id)
    assert ("COMPLETED", "saw logins") == (done["Status"], done["Waves"][0]["Approved"]["Reason"])


def test_commands_that_make_no_sense_are_refused(open_shell):
    """Now, by the same rules by which the engine would refuse them later; nothing is recorded."""
    shell = open_shell()
    shell.write("tiny.yaml", runbook(approve="Look."))
    execution_id = shell.start("tiny.yaml")
    shell.run("poll", "--until-idle", code=1)
    assert "has no wave 'Nope'. Known: One, Two." in shell.complaint(
        "approve", execution_id, "--wave", "Nope", "--reason", "x"
    )
    assert "wave Two is PENDING, not waiting for approval. It waits for approval of wave One: Look." in shell.complaint(
        "approve", execution_id, "--wave", "Two", "--reason", "x"
    )
    assert "Add --reason" in shell.complaint("approve", execution_id, "--reason", " ")
    said = shell.complaint("resume", execution_id, "--reason", "x")
    assert "nothing waits for a decision to resume. It waits for approval of wave One: Look." in said
    assert [] == shell.json("executions", "show", execution_id)["Commands"]


def test_a_cancelled_drill_launches_nothing_more(open_shell):
    """It ends as CANCELLED; polling then ends with 1, and nothing is left to command."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    shell.run("poll")
    shell.run("poll")
    shell.run("cancel", execution_id, "--reason", "wrong day")
    done = shell.finish(execution_id, code=1)
    assert ("CANCELLED", 0) == (done["Status"], len(done["Waves"][1]["Jobs"]))
    assert "is CANCELLED; nothing is left to cancel." in shell.complaint("cancel", execution_id, "--reason", "x")


def test_one_drill_of_a_plan_lives_at_a_time(open_shell):
    """A second start names the first; the plan cannot be deleted meanwhile."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    busy = f"Execution {execution_id} of plan tiny is not over."
    assert busy in shell.complaint("start", "tiny.yaml")
    assert busy in shell.complaint("plans", "delete", "tiny")
    assert "tiny" in shell.complaint("groups", "delete", "tiny.group-1")
    shell.finish(execution_id)
    shell.run("plans", "delete", "tiny")
    assert ([], []) == (shell.json("plans", "list"), shell.json("groups", "list"))
    assert "COMPLETED" == shell.json("executions", "show", execution_id)["Status"]


def test_a_start_repeated_with_its_key_finds_the_same_drill(open_shell):
    """While it lives and after it ended; another key is another drill."""
    shell = open_shell()
    first = shell.start("tiny.yaml", "--key", "nightly-7")
    assert first == shell.start("tiny.yaml", "--key", "nightly-7")
    shell.finish(first)
    assert first == shell.start("tiny.yaml", "--key", "nightly-7")
    assert first != shell.start("tiny.yaml", "--key", "nightly-8")


def test_a_job_that_never_ends_times_out(open_shell):
    """The wave's timeout ends the drill as TIMED_OUT, with 1; its report can be written."""
    shell = open_shell(world({"fails": "never-ends"}, {}))
    shell.write("tiny.yaml", runbook(timeout="PT20M"))
    execution_id = shell.start("tiny.yaml")
    done = shell.finish(execution_id, code=1)
    assert ("TIMED_OUT", "TIMED_OUT") == (done["Status"], done["Waves"][0]["Status"])
    shell.run("report", execution_id, "--output", "out/report.html")
    text = (shell.folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert "TIMED_OUT" in text


def test_a_failed_drill_ends_polling_with_1(open_shell):
    """The words say which wave, and why."""
    shell = open_shell(world({"fails": "conversion-denied"}, {}))
    execution_id = shell.start("tiny.yaml")
    polled = shell.run("poll", "--until-idle", code=1)
    assert f"SIMULATED drill {execution_id} of plan tiny is FAILED. wave One FAILED: 1 of 1" in polled.stderr
    assert "missing EC2 permissions" in shell.run("report", execution_id, "--format", "md").stdout


@pytest.mark.parametrize("wanted", ["html", "json", "csv", "md"])
def test_a_report_is_written_in_each_format(shop, wanted):
    """From the tables by the execution's id; to stdout unless told otherwise."""
    listed = shop.json("executions", "list") or [{"ExecutionId": shop.start("runbooks/shop.yaml")}]
    execution_id = listed[0]["ExecutionId"]
    assert execution_id in shop.run("report", execution_id, "--format", wanted).stdout
    told = shop.json("report", execution_id, "--format", wanted, "--output", f"report.{wanted}")
    assert (execution_id, f"report.{wanted}") == (told["ExecutionId"], told["Report"])


# --- what a launch would destroy -------------------------------------------------------------------------------------


def test_a_recovery_instance_refuses_the_launch(open_shell):
    """DRS terminates a server's earlier instances on any launch; this one is no drill of ours."""
    shell = open_shell(world({"instances": [RECOVERY]}, {}))
    said = shell.complaint("start", "tiny.yaml")
    assert f"{server_id(1)}: a launch would terminate i-0123456789abcdef0 (a RECOVERY, running" in said
    assert "name it with --replace if it may go" in said
    assert [] == shell.json("executions", "list")


def test_an_instance_that_the_operator_names_may_go(open_shell):
    """And the drill then completes."""
    shell = open_shell(world({"instances": [RECOVERY]}, {}))
    assert "i-0123456789abcdef0" in shell.complaint("start", "tiny.yaml", "--replace", "i-0fffffffffffffff0")
    assert "COMPLETED" == shell.finish(shell.start("tiny.yaml", "--replace", "i-0123456789abcdef0"))["Status"]


def test_termination_protection_is_no_obstacle(open_shell):
    """DRS cannot terminate what EC2 protects."""
    shell = open_shell(world({"instances": [RECOVERY | {"protected": True}]}, {}))
    assert "COMPLETED" == shell.finish(shell.start("tiny.yaml"))["Status"]


def test_an_instance_that_drs_forgot_refuses_the_launch(open_shell):
    """EC2 is asked by DRS's tags: an instance deleted from DRS is terminated all the same."""
    shell = open_shell(world({"instances": [RECOVERY | {"forgotten": True}]}, {}))
    said = shell.complaint("start", "tiny.yaml")
    assert "i-0123456789abcdef0 (running in EC2, no longer known to DRS)" in said


def test_a_drill_of_ours_may_go(open_shell):
    """The same plan is drilled twice without a question."""
    shell = open_shell()
    shell.finish(shell.start("tiny.yaml"))
    assert "COMPLETED" == shell.finish(shell.start("tiny.yaml"))["Status"]


# --- against AWS -----------------------------------------------------------------------------------------------------


def test_against_aws_nobody_says_who_they_are(open_shell):
    """AWS does; the setting is for simulated worlds."""
    shell = open_shell(real=True)
    said = shell.complaint("start", "tiny.yaml", "--yes", DRSKIT_USER="zoe")
    assert "DRSKIT_USER is for simulated worlds; AWS itself says who you are. Unset it." in said


def test_against_aws_what_an_earlier_drskit_applied_still_says_the_same(open_shell):
    """It wrote another digest of the same plan beside it; nothing need be applied again."""
    shell = open_shell(real=True)
    shell.run("apply", "tiny.yaml")
    keys = {"aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
    table = boto3.client("dynamodb", "us-west-2", endpoint_url=shell.variables["AWS_ENDPOINT_URL"], **keys)
    for name in table.list_tables()["TableNames"]:
        if "recovery-plans" in name:
            table.update_item(
                TableName=name, Key={"PlanId": {"S": "tiny"}}, UpdateExpression="SET #d = :d",
                ExpressionAttributeNames={"#d": "Digest"}, ExpressionAttributeValues={":d": {"S": "0" * 64}},
            )  # fmt: skip
    execution_id = shell.start("tiny.yaml", "--yes")
    assert 1 == shell.json("apply", "tiny.yaml")["Version"]
    assert "0" * 64 != shell.json("executions", "show", execution_id)["Digest"]


@pytest.mark.parametrize("command", ["start", "drill"])
def test_against_aws_somebody_must_say_yes(open_shell, command):
    """Account, Region, servers and what would be terminated are shown; without a terminal, --yes is needed."""
    shell = open_shell(real=True)
    said = shell.complaint(command, "tiny.yaml")
    assert "REAL drill of plan tiny: 2 servers, account 123456789012, us-west-2" in said
    assert f"launches server-1 ({server_id(1)})" in said
    assert "Terminates no instance" in said
    assert "This changes AWS and there is no terminal to ask at. Add --yes once you have looked at it." in said
    assert [] == shell.json("executions", "list")


def test_against_aws_the_file_must_say_what_was_applied(open_shell):
    """What differs is named, and so is the way out."""
    shell = open_shell(real=True)
    said = shell.complaint("start", "tiny.yaml", "--yes")
    assert "tiny.yaml differs from the applied plan tiny:" in said
    assert "Run `drskit apply` first, or add --apply." in said
    assert "plan tiny" in shell.run("apply", "tiny.yaml").stdout
    assert {"PlanId": "tiny", "Version": 1, "Changes": []} == shell.json("apply", "tiny.yaml")
    shell.write("tiny.yaml", runbook(timeout="PT50M"))
    said = shell.complaint("start", "tiny.yaml", "--yes")
    assert "differs from the applied plan tiny" in said
    assert "One" in said
    execution_id = shell.start("tiny.yaml", "--yes", "--apply")
    assert "REAL" == shell.json("executions", "show", execution_id)["Mode"]


def test_simulate_never_reaches_aws(open_shell):
    """A simulation that was asked for is refused where no simulator answers."""
    shell = open_shell(real=True)
    said = shell.run("drill", "tiny.yaml", "--simulate", code=2).stderr
    assert "is no simulator of drskit" in said
    assert [] == shell.json("executions", "list")


@pytest.mark.slow
def test_a_drill_that_is_not_over_is_taken_up(open_shell):
    """`drill` after `start`, or after an interruption, goes on with the execution that lives."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    done = shell.run("drill", "tiny.yaml", "--simulate")
    assert f"Execution {execution_id} of plan tiny is not over; it is taken up." in done.stderr
    assert [execution_id] == [header["ExecutionId"] for header in shell.json("executions", "list")]
    assert str(shell.folder / "runs" / execution_id / "report.html") in done.stdout


def test_a_drill_that_is_taken_up_goes_on_as_it_began(open_shell):
    """What would begin it otherwise is refused while it lives, never ignored."""
    shell = open_shell()
    shell.start("tiny.yaml")
    assert "goes on as it began" in shell.complaint(
        "drill", "tiny.yaml", "--simulate", "--replace", "i-0123456789abcdef0"
    )


def test_servers_other_than_expected_are_said_at_the_start(open_shell):
    """The number in the runbook and the number found, on stderr."""
    shell = open_shell(load_world(RUNBOOKS / "worlds" / "shop.yaml"))
    text = (RUNBOOKS / "shop.yaml").read_text(encoding="utf-8")
    shell.write("odd.yaml", text.replace("expect: 2", "expect: 99"))
    assert "group shop.database: 99 servers expected, 2 found" in shell.run("start", "odd.yaml").stderr
