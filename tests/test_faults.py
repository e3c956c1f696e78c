"""What single calls of a launch come to when they are lost or refused.

The proof under `tests/proof/` lets every fault strike every call and holds that
nothing is launched twice or lost; here is what a person sees of some of them.
"""

import re

import pytest

from drskit.errors import Unavailable
from drskit.model import AttemptStatus, ExecutionStatus
from drskit.sim.spec import Fault
from tests.harness import House, final, house, runbook_of, started
from tests.proof.world import PLAN as SMALL_PLAN

SMALL = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
servers:
  - {id: s-5a4c1e0b7d2f93861, name: db-1, tags: {Tier: database}, durations: {gap: 5, conversion: 20, launch: 30}}
  - {id: s-5b83d60f4a91c2e75, name: app-1, tags: {Tier: app}, durations: {gap: 5, conversion: 20, launch: 30}}
"""


def add_fault(home: House, **values: object) -> None:
    """A fault of the world."""
    home.gateway.faults.add(Fault.model_validate(values))


def test_a_lost_reply_is_found_by_its_tag_at_the_next_look():
    """StartRecovery went out once; the job is adopted within seconds, long before the quiescence is over."""
    with house(text=SMALL) as home:
        add_fault(home, operation="StartRecovery", kind="lost-reply", times=1)
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.COMPLETED is done.status
        assert [1, 1] == [attempt.number for attempt in done.attempts]
        assert 2 == len(home.jobs())


def test_a_lost_request_is_repeated_only_after_the_quiescence():
    """Nothing was launched, which only time can prove: the second attempt comes 420 seconds after the first intent."""
    with house(text=SMALL) as home:
        add_fault(home, operation="StartRecovery", kind="lost-request", times=1)
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.finish()
        first, second = final(home, execution).attempts_of("Database")
        assert AttemptStatus.NOT_EXECUTED is first.status
        assert 420 <= (second.signed_at - first.signed_at).total_seconds() < 440


@pytest.mark.parametrize("kind", ["throttle", "expired-token"])
def test_a_refusal_that_passes_only_delays(kind):
    """A throttled or expired StartRecovery is asked again under a new attempt; the drill completes."""
    with house(text=SMALL) as home:
        add_fault(home, operation="StartRecovery", kind=kind, times=2)
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.COMPLETED is done.status
        assert [1, 2, 3] == [attempt.number for attempt in done.attempts_of("Database")]
        assert 2 == len(home.jobs())


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttle", "ThrottlingException"),
        ("error-500", "InternalServerException"),
        ("timeout", "ReadTimeoutError"),
        ("refused", "EndpointConnectionError"),
        ("black-hole", "ConnectTimeoutError"),
        ("expired-token", "ExpiredTokenException"),
    ],
)
def test_a_listing_that_fails_is_shown_and_hides_nothing(kind, code):
    """While DescribeJobs fails, the execution says since when it waits for AWS; then it goes on and completes."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.session.poller().run_pass()
        add_fault(home, operation="DescribeJobs", kind=kind, times=3)
        home.clock.sleep(20)
        assert home.session.poller().run_pass().trouble is not None
        waiting = final(home, execution).waiting_for or ""
        assert re.fullmatch(rf"AWS since 2026-03-02 09:0\d:\d\dZ: {code} at DescribeJobs in us-west-2", waiting)
        home.finish()
        done = final(home, execution)
        assert (ExecutionStatus.COMPLETED, None) == (done.status, done.waiting_for)


def test_trouble_hides_no_question_to_a_person():
    """One wave waits for an approval while another's job cannot be read: both are shown."""
    plan = SMALL_PLAN.replace("groups: [app]}", "groups: [app], needs: [], approve: Look.}")
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(plan))
        home.session.poller().run_pass()
        add_fault(home, operation="DescribeJobs", kind="throttle", times=3)
        home.clock.sleep(20)
        home.session.poller().run_pass()
        waiting = final(home, execution).waiting_for or ""
        assert waiting.startswith("approval of wave Application: Look.; AWS since 2026-03-02 09:00:")
        assert waiting.endswith(": ThrottlingException at DescribeJobs in us-west-2")


def test_tables_out_of_reach_are_said_to_be():
    """A pass over tables that do not answer raises what happened and loses nothing."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        add_fault(home, service="dynamodb", operation="Query", kind="access-denied", times=1)
        with pytest.raises(Unavailable):
            home.session.poller().run_pass()
        home.finish()
        assert ExecutionStatus.COMPLETED is final(home, execution).status


def test_a_job_that_never_ends_times_out_and_says_that_it_may_still_run():
    """The wave is TIMED_OUT, its server UNKNOWN, never FAILED: the job lives."""
    endless = SMALL.replace("name: db-1,", "name: db-1, fails: [never-ends],")
    plan = SMALL_PLAN.replace("groups: [database]}", "groups: [database], timeout: PT30M}")
    with house(text=endless) as home:
        execution = home.session.start(runbook_of(plan))
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.TIMED_OUT is done.status
        (server,) = done.wave("Database").servers
        assert "UNKNOWN" == server.status
        assert "may still be running" in (server.error or "")


def test_two_workers_are_one_worker():
    """Two pollers that take turns after every call of a pass launch nothing twice and end as one would."""
    with house() as home:
        execution = started(home)
        pollers = [home.session.poller(), home.another_session().poller()]
        for turn in range(400):
            result = pollers[turn % 2].run_pass()
            home.clock.sleep(3)
            if result.idle:
                break
        assert ExecutionStatus.COMPLETED is final(home, execution).status
        assert 2 == len(home.jobs())
