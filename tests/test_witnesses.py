"""What speaks for a launch whose reply was lost, over the simulator: listings, servers, instances.

Nothing is launched again while anything at all speaks for the first launch.
"""

import pytest

from drskit.model import AttemptStatus, CommandKind, ExecutionStatus
from drskit.witness import ATTEMPT_TAG
from tests.harness import House, final, house, runbook_of
from tests.test_faults import SMALL, SMALL_PLAN, add_fault

ONE_WAVE = "\n".join(line for line in SMALL_PLAN.splitlines() if "app: {" not in line and "Application" not in line)
SERVER = "s-5a4c1e0b7d2f93861"


def world(**behaviour: float) -> str:
    """The small world, some of whose answers trail behind."""
    told = ", ".join(f"{name}: {seconds}" for name, seconds in behaviour.items())
    return f"{SMALL}behaviour: {{{told}}}\n"


def lose(home: House, kind: str = "lost-reply", **more: object) -> str:
    """Start a drill whose first launch leaves no trace with its sender; its ExecutionId."""
    add_fault(home, operation="StartRecovery", kind=kind, times=1, **more)
    return home.session.start(runbook_of(ONE_WAVE)).execution_id


def poll(home: House, seconds: float) -> None:
    """Poll for so long."""
    poller = home.session.poller()
    until = home.clock.now().timestamp() + seconds
    while home.clock.now().timestamp() < until:
        result = poller.run_pass()
        home.clock.sleep(min(poller.wait_seconds(result), until - home.clock.now().timestamp()))


def test_a_job_that_only_its_server_names_is_asked_for_and_adopted():
    """The listing lacks it for an hour; its id, from the server's last launch, finds it at the first look."""
    with house(text=world(list_delay=3600)) as home:
        name = lose(home)
        home.finish()
        done = home.session.store.load(name)
        (attempt,) = done.attempts
        assert (ExecutionStatus.COMPLETED, AttemptStatus.LAUNCHED) == (done.status, attempt.status)
        assert attempt.job_id is not None
        assert attempt.creation_time == attempt.signed_at


def test_a_job_that_only_an_instance_names_is_asked_for_and_adopted():
    """Neither the listing nor the server speaks of it; its instance does, before anything is launched again."""
    with house(text=world(list_delay=3600, last_launch_delay=3600)) as home:
        name = lose(home)
        home.finish()
        done = home.session.store.load(name)
        (attempt,) = done.attempts
        assert (ExecutionStatus.COMPLETED, AttemptStatus.LAUNCHED) == (done.status, attempt.status)


@pytest.mark.parametrize(
    ("delays", "words"),
    [
        ({}, "was last launched by drsjob-"),
        ({"last_launch_delay": 3600}, "launched at 2026-03-02 09:00:56Z by drsjob-"),
    ],
)
def test_a_job_that_nobody_lists_is_shown_to_a_person_and_never_launched_again(delays, words):
    """Whatever names it, the execution waits; once it is listed, a resume adopts it."""
    with house(text=world(job_delay=3600, **delays)) as home:
        name = lose(home)
        poll(home, 600)
        paused = home.session.store.load(name)
        assert ExecutionStatus.PAUSED is paused.status
        assert words in (paused.waiting_for or "")
        home.clock.sleep(3600)
        assert 1 == len(home.jobs())
        home.session.command(name, CommandKind.RESUME, reason="it is listed now")
        home.finish()
        done = home.session.store.load(name)
        assert (ExecutionStatus.COMPLETED, 1, 1) == (done.status, len(done.attempts), len(home.jobs()))


def test_an_instance_that_was_there_before_hides_no_absence():
    """An earlier drill's instance, of a job that somebody deleted since: the lost request is repeated."""
    with house(text=world()) as home:
        home.session.start(runbook_of(ONE_WAVE))
        home.finish()
        (job,) = home.jobs()
        home.session.clients.drs("us-west-2").delete_job(jobID=job["jobID"])
        (instance,) = home.session.recovery("us-west-2").recovery_instances([SERVER])
        add_fault(home, operation="StartRecovery", kind="lost-request", times=1)
        name = home.session.start(runbook_of(ONE_WAVE), replace=(instance.recovery_instance_id,)).execution_id
        poll(home, 900)
        done = home.session.store.load(name)
        assert [AttemptStatus.NOT_EXECUTED, AttemptStatus.LAUNCHED] == [attempt.status for attempt in done.attempts]


@pytest.mark.parametrize("operation", ["DescribeRecoveryInstances", "DescribeInstances", "DescribeSourceServers"])
def test_a_witness_that_cannot_be_asked_is_no_absence(operation):
    """While any of them fails nothing is launched again; the trouble is shown."""
    service = "ec2" if operation == "DescribeInstances" else "drs"
    with house(text=world()) as home:
        name = lose(home, "lost-request")
        home.session.poller().run_pass()
        add_fault(home, service=service, operation=operation, kind="error-500", times=100_000)
        poll(home, 1200)
        waiting = home.session.store.load(name)
        assert ([AttemptStatus.INTENT], []) == ([attempt.status for attempt in waiting.attempts], home.jobs())
        assert operation in (waiting.waiting_for or "")
        home.gateway.faults.clear()
        home.finish()
        done = final(home, waiting)
        assert (ExecutionStatus.COMPLETED, None) == (done.status, done.waiting_for)
        assert [done.attempts[-1].attempt_id] == [job["tags"][ATTEMPT_TAG] for job in home.jobs()]


def test_tags_that_trail_behind_delay_an_adoption_and_nothing_else():
    """A job of exactly our servers without tags may be ours: it is looked at again until it has them."""
    with house(text=world(tag_delay=90)) as home:
        name = lose(home)
        home.finish()
        done = home.session.store.load(name)
        assert (ExecutionStatus.COMPLETED, 1, 1) == (done.status, len(done.attempts), len(home.jobs()))
