"""AWS that cannot be asked: nothing fails for it, and nobody pretends to know."""

import json
import urllib.request

import pytest

from tests.cli.plans import runbook, world

NOWHERE = "http://127.0.0.1:9"
KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-west-2"}
ASKING = (
    ["tables", "create"], ["tables", "check"], ["executions", "list"], ["executions", "show", "X"], ["poll"],
    ["poll", "--until-idle"], ["servers", "list"], ["plans", "list"], ["groups", "list"], ["apply", "tiny.yaml"],
    ["start", "tiny.yaml"], ["drill", "tiny.yaml"], ["approve", "X", "--reason", "y"], ["report", "X"],
)  # fmt: skip


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_without_credentials_nobody_can_tell(shell, words):
    """Exit code 3, and where credentials come from."""
    shell.write("tiny.yaml", runbook())
    said = shell.complaint(*words, code=3, AWS_REGION="us-west-2")
    assert "Unable to locate credentials" in said
    assert "AWS_PROFILE" in said


@pytest.mark.parametrize(
    "words", [["executions", "list"], ["start", "tiny.yaml"], ["drill", "tiny.yaml"]], ids=" ".join
)
def test_an_endpoint_that_does_not_answer(shell, words):
    """Exit code 3; the endpoint is named."""
    shell.write("tiny.yaml", runbook())
    said = shell.complaint(*words, code=3, AWS_ENDPOINT_URL=NOWHERE, **KEYS)
    assert NOWHERE in said
    assert "Check the network and the endpoint" in said


def test_a_world_that_has_gone(shell):
    """The variables still name it; the remedy is to serve it again."""
    variables = KEYS | {"AWS_ENDPOINT_URL": NOWHERE, "DRSKIT_CLOCK_URL": f"{NOWHERE}/drskit/clock"}
    said = shell.complaint("drill", "runbooks/shop.yaml", "--simulate", code=3, **variables)
    assert f"The simulated world's clock at {NOWHERE}/drskit/clock does not answer" in said
    assert "drskit sim serve" in said


@pytest.mark.parametrize(
    "words", [["start", "tiny.yaml"], ["poll"], ["executions", "list"], ["plans", "list"]], ids=" ".join
)
def test_tables_that_do_not_exist(open_shell, words):
    """The table and the remedy; nothing was started."""
    shell = open_shell(tables=False)
    said = shell.complaint(*words, code=3)
    assert "The table drs-orchestration-" in said
    assert "does not exist" in said
    assert "Run `drskit tables create`." in said


def test_tables_are_created_once_and_checked(open_shell):
    """What is missing is named with exit code 2; a second creation changes nothing."""
    shell = open_shell(tables=False)
    assert 3 == len(shell.json("tables", "check", code=2)["Differences"])
    assert len(shell.json("tables", "create")["Done"]) >= 3
    assert {"Differences": []} == shell.json("tables", "check")
    assert "The tables are as they should be.\n" == shell.run("tables", "create").stdout


@pytest.mark.parametrize("operation", ["DescribeJobs", "StartRecovery"])
def test_a_throttled_call_delays_a_drill_and_never_fails_it(open_shell, operation):
    """However often: it COMPLETES, with one job for each wave."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    fault(shell, operation=operation, kind="throttle", times=4)
    done = shell.finish(execution_id)
    assert "COMPLETED" == done["Status"]
    assert [4] == [fault["struck"] for fault in fault_book(shell, "GET")]
    assert [1, 1] == [len(wave["Jobs"]) for wave in done["Waves"]]


def test_a_throttled_poll_says_so(open_shell):
    """Exit code 3: it could not tell; the execution waits for AWS, and is not failed."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    shell.run("poll")
    fault(shell, operation="DescribeJobs", kind="throttle", times=9)
    sleep(shell, 60)
    assert "ThrottlingException" in shell.json("poll", code=3)["Trouble"]
    found = shell.json("executions", "show", execution_id)
    assert "POLLING" == found["Status"]
    assert found["WaitingFor"].startswith("AWS since ")


def test_a_launch_whose_reply_was_lost_happens_once(open_shell):
    """StartRecovery was carried out and never answered: the job is found by its tags, not launched again."""
    shell = open_shell(world({}))
    shell.write("tiny.yaml", runbook([1]))
    execution_id = shell.start("tiny.yaml")
    fault(shell, operation="StartRecovery", kind="lost-reply")
    done = shell.finish(execution_id)
    assert ("COMPLETED", 1) == (done["Status"], len(done["Waves"][0]["Jobs"]))
    with urllib.request.urlopen(f"{shell.server.url}/drskit/world", timeout=10) as reply:
        assert 1 == len(json.load(reply)["jobs"])


def test_expired_credentials_are_no_failure(open_shell):
    """They are named as what they are, with exit code 3."""
    shell = open_shell()
    fault(shell, operation="DescribeSourceServers", kind="expired-token")
    assert "the credentials have expired" in shell.complaint("start", "tiny.yaml", code=3)


def test_a_missing_permission_is_named(open_shell):
    """With the call that it is missing for."""
    shell = open_shell()
    fault(shell, operation="DescribeSourceServers", kind="access-denied")
    said = shell.complaint("servers", "list", code=3)
    assert "DescribeSourceServers in us-west-2 is not permitted: AccessDeniedException" in said


def fault(shell, **more):
    """Add a fault to the shell's world."""
    fault_book(shell, "POST", more)


def fault_book(shell, method, body=None):
    """The faults that are still to come."""
    return _steer(shell, "faults", method, body)


def sleep(shell, seconds):
    """Let the world's time pass."""
    _steer(shell, "clock", "POST", {"sleep": seconds})


def _steer(shell, path, method, body):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{shell.server.url}/drskit/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)
