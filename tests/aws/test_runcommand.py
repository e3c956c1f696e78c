"""Commands on instances: sent once, found by our id, and read as they are."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drskit.aws.clients import Clients
from drskit.aws.runcommand import SsmRunCommand
from drskit.aws.signing import OutsideProtocol
from drskit.clock import VirtualClock
from drskit.errors import Unavailable
from drskit.ports import NotExecuted, Unknown
from drskit.remote import RemoteCommand, Sent, mark_of
from drskit.sim import simulated
from drskit.sim.spec import Fault, FaultKind
from tests.aws.conftest import REGION, become_nobody
from tests.sim.lab import make_spec

INSTANCE = "i-0123456789abcdef0"
WORLD = make_spec(
    {"instances": [{"id": INSTANCE, "launched": "2026-02-20T10:00:00Z"}]},
    answers={
        "commands": [
            {"contains": "rows", "takes": 20, "stdout": "x" * 5000, "stderr": "slow"},
            {"contains": "bad", "exit_code": 3, "stderr": "no such table"},
        ]
    },
)


@pytest.fixture(scope="module")
def clients():
    """Made once, for making them takes long."""
    with pytest.MonkeyPatch.context() as monkeypatch, simulated(WORLD, VirtualClock(WORLD.start_time)):
        become_nobody(monkeypatch)
        made = Clients(region=REGION)
        yield made.ssm(REGION), made.ssm_sender(REGION)


@pytest.fixture
def world(clients):
    """A world with one instance, its clock, and the adapter."""
    clock = VirtualClock(WORLD.start_time)
    with simulated(WORLD, clock) as gateway:
        yield gateway, clock, SsmRunCommand(*clients, REGION)


def command(clock, text="true", mark="01HZ"):
    """A command with an id of ours."""
    return RemoteCommand(mark, clock.now(), (INSTANCE,), parameters=(("commands", (text,)),), about="orders of shop")


def test_a_command_is_sent_and_its_end_is_read(world):
    """With its exit code and the beginning of what it printed; all of it where somebody asks."""
    _, clock, remote = world
    sent = remote.send(command(clock, "count rows"))
    assert isinstance(sent, Sent)
    (run,) = remote.runs(sent.command_id)
    assert (run.ended, run.status) == (False, "Pending")
    clock.sleep(30)
    (run,) = remote.runs(sent.command_id)
    assert (run.instance_id, run.ended, run.status, run.exit_code) == (INSTANCE, True, "Success", 0)
    assert len(run.output) == 2500
    output = remote.output(sent.command_id, INSTANCE)
    assert output is not None
    assert (len(output.stdout), output.stderr) == (5000, "slow")


def test_a_failure_has_its_exit_code_and_its_words(world):
    """They are the proof."""
    _, clock, remote = world
    sent = remote.send(command(clock, "bad"))
    clock.sleep(10)
    (run,) = remote.runs(sent.command_id)
    assert (run.status, run.exit_code) == ("Failed", 3)
    assert "no such table" in run.output


def test_a_command_is_found_again_by_our_id(world):
    """Whatever became of the reply; another's mark is not ours."""
    gateway, clock, remote = world
    gateway.add_faults([Fault(service="ssm", operation="SendCommand", kind=FaultKind.LOST_REPLY)])
    began = clock.now()
    assert isinstance(remote.send(command(clock)), Unknown)
    remote.send(command(clock, mark="01HY"))
    found = remote.find(["01HZ", "01HX"], since=began)
    assert set(found) == {"01HZ"}
    assert remote.find([], since=began) == {}
    clock.sleep(3600)
    assert remote.find(["01HZ"], since=clock.now()) == {}


@pytest.mark.parametrize(
    ("kind", "expected", "transient"),
    [(FaultKind.THROTTLE, NotExecuted, True), (FaultKind.ERROR_500, Unknown, None), (FaultKind.LATE, Unknown, None)],
)
def test_a_request_has_three_outcomes(world, kind, expected, transient):
    """Done, not executed, unknown; a throttle only delays, and nothing is sent twice."""
    gateway, clock, remote = world
    seconds = 60 if kind is FaultKind.LATE else None
    gateway.add_faults([Fault(service="ssm", operation="SendCommand", kind=kind, seconds=seconds)])
    outcome = remote.send(command(clock))
    assert type(outcome) is expected
    assert getattr(outcome, "transient", None) is transient
    assert remote.find(["01HZ"], since=clock.now()) == {}
    clock.sleep(60)
    assert len(remote.find(["01HZ"], since=clock.now())) == (kind is FaultKind.LATE)


def test_a_command_for_an_instance_without_agent_is_not_executed(world):
    """For good: nothing was sent."""
    _, clock, remote = world
    outcome = remote.send(replace(command(clock), instance_ids=("i-" + "0" * 17,)))
    assert isinstance(outcome, NotExecuted)
    assert (outcome.code, outcome.transient) == ("InvalidInstanceId", False)
    assert remote.online([INSTANCE, "i-" + "0" * 17]) == {INSTANCE}


def test_what_is_not_shown_yet_is_no_end(world):
    """Nothing is known of a command that Systems Manager does not show; cancelling it does no harm."""
    _, _, remote = world
    unknown = "0" * 36
    assert remote.runs(unknown) == ()
    assert remote.output(unknown, INSTANCE) is None
    remote.cancel(unknown)


def test_a_cancelled_command_ends(world):
    """Where it has not ended already."""
    _, clock, remote = world
    sent = remote.send(command(clock, "count rows"))
    clock.sleep(2)
    remote.cancel(sent.command_id)
    assert [run.status for run in remote.runs(sent.command_id)] == ["Cancelled"]


def test_a_command_comes_in_time_or_not_at_all(world):
    """Signed with its intent's time, it is refused when that is old, by the world's time and by the wall clock."""
    _, clock, remote = world
    old = replace(command(clock), signed_at=clock.now() - timedelta(minutes=6))
    outcome = remote.send(old)
    assert isinstance(outcome, NotExecuted)
    assert outcome.code == "InvalidSignatureException"


def test_no_command_is_sent_outside_the_protocol(clients):
    """A client that was not given an intent's time sends nothing."""
    for client in clients:
        with pytest.raises(OutsideProtocol):
            client.send_command(InstanceIds=[INSTANCE], DocumentName="AWS-RunShellScript")


def test_a_read_that_fails_is_no_absence(world):
    """It is Unavailable, and asked again later."""
    gateway, clock, remote = world
    gateway.add_faults([Fault(service="ssm", operation="*", kind=FaultKind.THROTTLE, times=4)])
    reads = [
        lambda: remote.online([INSTANCE]),
        lambda: remote.find(["01HZ"], since=clock.now()),
        lambda: remote.runs("0" * 36),
        lambda: remote.output("0" * 36, INSTANCE),
    ]
    for read in reads:
        with pytest.raises(Unavailable):
            read()


def test_a_comment_keeps_to_its_hundred_characters(world):
    """The mark comes first, so it is never cut."""
    _, clock, _ = world
    long = replace(command(clock), about="x" * 200)
    assert len(long.comment) == 100
    assert mark_of(long.comment) == "01HZ"
    assert mark_of("somebody's own") is None
