"""Actions in a whole drskit whose processes die: what was asked for is found again, and nothing is done twice."""

from collections import Counter

import pytest

from drskit.model import ExecutionStatus, ExecutionType, WaveStatus
from drskit.recovering import authorize, recover
from drskit.verify import faults
from tests.harness import Boundary, Crash, final, house, runbook_of

WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
servers:
  - id: s-5a4c1e0b7d2f93861
    name: db-1
    tags: {Tier: database}
    durations: {gap: 5, conversion: 20, launch: 30}
    post_launch: {agent_after: 0}
"""
PLAN = """
version: 1
plan: small
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Tier: database}}}
waves:
  - name: Database
    groups: [database]
    BEFORE
finally:
  - {sns: "arn:aws:sns:us-west-2:123456789012:end", modes: [DRILL]}
"""
ACTIONS = {
    "StartAutomationExecution": "before: [{ssm_automation: {document: Warm}, modes: [DRILL]}]",
    "SendCommand": "after: [{ssm_command: {commands: ls}, modes: [DRILL]}]",
    "Invoke": "after: [{lambda: {function: shift}, modes: [DRILL], on_failure: continue}]",
}
COMES_TO = {"StartAutomationExecution": "DONE", "SendCommand": "DONE", "Invoke": "UNKNOWN"}
"""What the action comes to when the process dies with its request."""


def done(home):
    """How often each thing was done, by service and name."""
    found = Counter((one["service"], one["name"]) for one in home.gateway.received())
    commands = home.session.clients.ssm("us-west-2").list_commands()["Commands"]
    return found + Counter(("command", command["Comment"].partition(" ")[0]) for command in commands)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("StartAutomationExecution", "crash-after"), ("SendCommand", "crash-after"), ("Invoke", "crash-before")],
)
def test_a_process_that_dies_with_a_request_leaves_it_to_the_next(operation, kind):
    """Adopted where the service knows it, UNKNOWN where it does not; never done twice, and the drill ends."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN.replace("BEFORE", ACTIONS[operation])))
        dying = home.another_session()
        Boundary(operation, 0, kind).attach(dying)
        with pytest.raises(Crash):
            home.finish(dying)
        home.clock.sleep(30)
        home.finish()
        ended, events, logs = home.session.history(execution.execution_id)
        assert (ExecutionStatus.COMPLETED, WaveStatus.COMPLETED) == (ended.status, ended.waves[0].status)
        assert COMES_TO[operation] == ended.tasks[0].status
        assert {1} == set(done(home).values())
        assert (operation != "Invoke") is any(name != "sns" for name, _ in done(home))
        assert () == faults(ended, events, logs)


def test_a_recovery_that_nobody_authorised_asks_for_nothing():
    """Whoever writes a RECOVERY by hand finds its actions barred, too: none is sent, and each has failed."""
    recovery = PLAN.replace("BEFORE", ACTIONS["StartAutomationExecution"]).replace("[DRILL]", "[DRILL, RECOVERY]")
    with house(text=WORLD) as home:
        drill = home.session.start(runbook_of(recovery))
        engine = home.session.poller()._engine
        forged = drill.model_copy(update={"execution_type": ExecutionType.RECOVERY})
        barred = engine._barred(forged)
        assert ("Unauthorised", False) == (barred.code, barred.transient)
        assert "nobody authorised this recovery" in barred.message
        assert engine._barred(drill) is None


def test_a_recovery_runs_the_actions_that_were_authorised_and_no_others():
    """Whoever alters the plan of one that runs, and keeps what was authorised beside it, has nothing asked for."""
    plan = PLAN.replace("BEFORE", ACTIONS["SendCommand"]).replace("[DRILL]", "[DRILL, RECOVERY]")
    with house(text=WORLD) as home:
        runbook = runbook_of(plan)
        token = authorize(home.session, home.session.preview(runbook), reason="lost").token
        recovery = recover(home.session, runbook, token=token)
        engine = home.session.poller()._engine
        assert engine._barred(recovery) is None
        altered = recovery.plan.model_copy(update={"at_end": recovery.plan.waves[0].after})
        barred = engine._barred(recovery.model_copy(update={"plan": altered, "applied": recovery.plan}))
        assert ("Unauthorised", "its actions are not those that were authorised") == (barred.code, barred.message)


def test_an_automation_that_takes_too_long_is_stopped():
    """It is asked to, and the wave of which nothing was launched fails."""
    slow = f"{WORLD}services: {{automations: [{{takes: 3600}}]}}"
    action = "before: [{ssm_automation: {document: Warm}, timeout: PT2M, modes: [DRILL]}]"
    with house(text=slow) as home:
        execution = home.session.start(runbook_of(PLAN.replace("BEFORE", action)))
        home.finish()
        ended = final(home, execution)
        assert (ExecutionStatus.FAILED, "TIMED_OUT") == (ended.status, ended.tasks[0].status)
        ssm = home.session.clients.ssm("us-west-2")
        (run,) = ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
        assert "Cancelled" == run["AutomationExecutionStatus"]
        assert [] == home.jobs()


def test_instances_are_named_where_an_action_asks_for_them():
    """A command at the end runs on what was launched, and what it is told has their addresses."""
    at_end = (
        "  - {ssm_command: {commands: 'echo {status} {private_ips}', on: {groups: [database]}}, modes: [DRILL]}\n"
        "  - {http: {url: 'https://cmdb.example.com/{plan}'}, modes: [DRILL]}\n"
    )
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN.replace("    BEFORE\n", "") + at_end))
        home.finish()
        ended = final(home, execution)
        (server,) = ended.waves[0].servers
        ec2 = home.session.clients.ec2("us-west-2")
        (found,) = ec2.describe_instances(InstanceIds=[server.recovery_instance_id])["Reservations"]
        address = found["Instances"][0]["PrivateIpAddress"]
        assert f'"commands": ["echo COMPLETED {address}"]' in ended.tasks[1].request
        assert f'"InstanceIds": ["{server.recovery_instance_id}"]' in ended.tasks[1].request
        assert f'"PrivateIp": "{address}"' in home.gateway.received()[-1]["body"]
