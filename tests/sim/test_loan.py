"""What an account lends to these tests: nothing else is touched, and all is left as it was."""

import os
import re
import subprocess
import sys
import urllib.request

import boto3
import pytest

from drskit.clock import ScaledClock, VirtualClock
from drskit.sim import serve, simulated
from tests.harness import ROOT
from tests.sim.conftest import HERE, reason_against
from tests.sim.lab import LiveLab, make_spec
from tests.sim.loan import TAG, Loan

pytestmark = pytest.mark.simulated("it is about how an account is treated, and must not be tried on one")

LENT = tuple(f"s-5a4c1e0b7d2f9386{number}" for number in range(1, 4))
KEPT = "s-5b77e20c94d1a3f58"
OTHERS = "i-0b3407219a2297268"
"""Another's recovery instance."""
WORLD = make_spec(
    *[{"id": name, "tags": dict([TAG])} for name in LENT],
    {"id": KEPT, "instances": [{"id": OTHERS, "launched": "2026-02-20T10:00:00Z"}]},
)
ARN = "arn:aws:drs:us-west-2:123456789012:source-server/"


@pytest.fixture(scope="module")
def own():
    """A session, as a profile would give it."""
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-west-2")


@pytest.fixture
def account(own):
    """A lab in an account, which is a simulated one here."""
    clock = VirtualClock(WORLD.start_time)
    with simulated(WORLD, clock):
        yield LiveLab(Loan(own, clock, 60))


def test_only_what_bears_the_tag_is_lent(account):
    """Three of the four servers, in the order of their ids."""
    assert list(LENT) == account.loan.servers


STRANGE = [{"serverArn": f"{ARN}{KEPT}"}]
UNSENT = {
    "another's server": lambda lab: lab.drs.start_recovery(sourceServers=[{"sourceServerID": KEPT}], isDrill=True),
    "for real": lambda lab: lab.drs.start_recovery(sourceServers=[{"sourceServerID": LENT[0]}], isDrill=False),
    "nor by default": lambda lab: lab.drs.start_recovery(sourceServers=[{"sourceServerID": LENT[0]}]),
    "another's tags": lambda lab: lab.drs.tag_resource(resourceArn=f"{ARN}{KEPT}", tags={"a": "b"}),
    "another's instance": lambda lab: lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[OTHERS]),
    "in EC2": lambda lab: lab.ec2.terminate_instances(InstanceIds=[OTHERS]),
    "a lent server's loss": lambda lab: lab.drs.disconnect_source_server(sourceServerID=LENT[0]),
    "its points in time": lambda lab: lab.drs.stop_replication(sourceServerID=LENT[0]),
    "the account's template": lambda lab: lab.drs.create_launch_configuration_template(),
    "any name of a plan": lambda lab: lab.drs.create_recovery_plan(name="shop"),
    "another's server in a plan": lambda lab: lab.drs.create_recovery_plan_step(
        recoveryPlanArn=lab.drs.create_recovery_plan(name=lab.name("shop"))["recoveryPlan"]["recoveryPlanArn"],
        stepName="one",
        configuration={"serverStepConfiguration": {"servers": STRANGE}},
    ),
}


@pytest.mark.parametrize("act", UNSENT.values(), ids=UNSENT)
def test_nothing_else_is_sent(account, act):
    """What is not lent, loses something, recovers for real or is the whole account's stays in this process."""
    lab, sent = account, []
    for client in (lab.drs, lab.ec2):
        client.meta.events.register("before-send", lambda event_name, **_: sent.append(event_name.rpartition(".")[2]))
    with pytest.raises(AssertionError, match=r"is not sent|is never sent|only drills|may be somebody's"):
        act(lab)
    assert {"CreateRecoveryPlan"} >= set(sent)
    lab.tidy()
    assert [] == lab.drs.describe_jobs()["items"]


def test_everything_is_left_as_it_was(account):
    """Whatever a test did: a protected instance, settings, an action, tags, a plan that is being executed."""
    lab = account
    server = {"sourceServerID": LENT[0]}

    def seen():
        return (
            lab.drs.describe_source_servers()["items"][0]["tags"],
            {key: one for key, one in lab.drs.get_launch_configuration(**server).items() if key != "ResponseMetadata"},
            lab.drs.list_launch_actions(resourceId=LENT[0])["items"],
            lab.drs.list_recovery_plans()["recoveryPlans"],
            lab.drs.list_recovery_plan_executions()["recoveryPlanExecutions"],
            [one["recoveryInstanceID"] for one in lab.drs.describe_recovery_instances()["items"]],
        )

    before = seen()
    lab.drs.update_launch_configuration(**server, launchDisposition="STOPPED", copyTags=True)
    action = {"actionCode": "AWS-RunShellScript", "order": 5, "actionId": "8cba8a0e-6c1d-4ff9-9bb3-0f3b1d1f4e11"}
    words = {"name": "Ask", "actionVersion": "1", "category": "OTHER", "description": "it", "parameters": {}}
    lab.drs.put_launch_action(resourceId=LENT[0], optional=True, active=False, **action, **words)
    lab.drs.tag_resource(resourceArn=f"{ARN}{LENT[0]}", tags={"Owner": "me", TAG[0]: "changed"})
    for _ in range(2):
        lab.drs.start_recovery(sourceServers=[server], isDrill=True)
        lab.settle()
        (instance,) = lab.recovery_instances()
        lab.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    plan = lab.drs.create_recovery_plan(name=lab.name("shop"))["recoveryPlan"]["recoveryPlanArn"]
    lab.drs.create_recovery_plan_step(
        recoveryPlanArn=plan,
        stepName="one",
        configuration={"serverStepConfiguration": {"servers": [{"serverArn": f"{ARN}{LENT[1]}"}]}},
    )
    lab.drs.start_recovery_plan_execution(recoveryPlanArn=plan, mode="DRILL")
    lab.until(lambda: len(lab.jobs()) == 3)
    lab.tidy()
    assert seen() == before
    assert set(lab.instances().values()) == {"terminated"}
    assert len(lab.instances()) == 3


def test_a_server_that_has_an_instance_is_not_fit(account):
    """A launch would terminate it: the tests end before they begin."""
    lab = account
    lab.drs.start_recovery(sourceServers=[{"sourceServerID": LENT[2]}], isDrill=True)
    lab.settle()
    with pytest.raises(pytest.exit.Exception, match=f"of {LENT[2]}"):
        lab.loan.require(3)
    lab.tidy()
    lab.loan.require(3)
    with pytest.raises(pytest.skip.Exception, match=r"3 source servers .* not 4"):
        lab.loan.require(4)


def test_each_test_says_whether_an_account_can_show_it(request):
    """Or its collection fails; those here that are not for an account say why."""

    class Silent(pytest.Item):
        def runtest(self):
            """Nothing."""

    with pytest.raises(pytest.UsageError, match="can a real account show what it says"):
        reason_against(Silent.from_parent(request.session, name="silent"))
    assert all(reason_against(item) for item in request.session.items if item.path == HERE / "test_loan.py")


@pytest.mark.slow
def test_an_account_that_is_a_served_world_passes(tmp_path):
    """All that an account can show, by one variable, over HTTP, in its own time; nothing is left behind."""
    with serve(WORLD, ScaledClock(WORLD.start_time, 600)) as served:
        config = tmp_path / "config"
        keys = "aws_access_key_id = x\naws_secret_access_key = x\n"
        config.write_text(f"[profile lent]\nregion = us-west-2\nendpoint_url = {served.url}\n{keys}")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DRSKIT_", "PYTEST"))}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", "tests/sim"],
            cwd=ROOT,
            env=kept | {"AWS_CONFIG_FILE": str(config), "DRSKIT_LIVE_PROFILE": "lent"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        told = [line for line in done.stdout.splitlines() if not line.startswith("SKIPPED")]
        assert done.returncode == 0, "\n".join(told)[-9000:] + done.stderr[-2000:]
        with urllib.request.urlopen(f"{served.url}/drskit/world", timeout=10) as reply:
            left = reply.read().decode()
    passed, skipped = (int(re.search(rf"(\d+) {word}", done.stdout)[1]) for word in ("passed", "skipped"))
    assert passed >= 75
    assert skipped >= 400
    assert done.stdout.count("only simulated: ") >= 30
    assert {OTHERS} == set(re.findall(r"i-0[0-9a-f]{16}", left))
