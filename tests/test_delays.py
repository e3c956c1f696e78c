"""What only delays: throttles, 5xx, expired tokens, outages, lagging indexes, wrong clocks, sleeping laptops.

In each case the drill completes with one job for each wave, nothing is ever
called FAILED, the trouble is shown while it lasts and is gone afterwards. All on
virtual time, with a worker that follows as `drskit poll --follow` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.retries.standard import ExponentialBackoff

from drskit.clock import Clock
from drskit.drill import Drill, DrillParameters
from drskit.model import AttemptStatus, CommandKind, Execution, ExecutionStatus
from drskit.poller import SWEEP_EVERY, Pass, describe
from drskit.session import Session
from drskit.texts import moment
from drskit.verify import faults
from drskit.witness import ATTEMPT_TAG
from tests.harness import House, final, house, runbook_of
from tests.test_faults import SMALL, SMALL_PLAN, add_fault
from tests.test_witnesses import ONE_WAVE

OFTEN = 1_000_000
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_sdk_does_not_sleep(monkeypatch):
    """Its own retries towards the tables wait in real time, which is nobody's here."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)


def minutes(number: float) -> str:
    """A time of the world, so many minutes after its start."""
    return (START + timedelta(minutes=number)).isoformat()


@dataclass
class Followed:
    """A worker that follows until the drill is over, and what it told."""

    home: House
    name: str
    session: Session
    passes: list[Pass] = field(default_factory=list)

    def work(self, hours: float = 3) -> Execution:
        """Poll to the end of the drill."""
        poller = self.session.poller()
        until = self.home.clock.now() + timedelta(hours=hours)
        for result in poller.follow(self.home.clock):
            self.passes.append(result)
            seen = result.executions.get(self.name)
            if seen is not None and seen.end_time is not None:
                return final(self.home, seen)
            assert self.home.clock.now() < until, "the drill did not end"
        raise AssertionError

    def troubles(self) -> str:
        """What the worker said aloud."""
        return "\n".join(describe(result) for result in self.passes if result.trouble)

    def shown(self) -> list[str]:
        """What the execution said that it waited for, in its order."""
        events = self.home.session.store.events(self.name)
        return [event.facts["WaitingFor"] for event in events if event.facts.get("WaitingFor")]


def follow(home: House, plan: str = SMALL_PLAN, session: Session | None = None) -> Followed:
    """A drill that was just started, and its worker."""
    return Followed(home, home.session.start(runbook_of(plan)).execution_id, session or home.session)


def came_through(followed: Followed, done: Execution) -> None:
    """One job a wave, each recorded under its attempt; nothing failed; nothing is waited for any more."""
    assert (ExecutionStatus.COMPLETED, None) == (done.status, done.waiting_for)
    launched = {attempt.attempt_id for attempt in done.attempts if attempt.status is AttemptStatus.LAUNCHED}
    jobs = followed.home.jobs()
    assert len(done.waves) == len(jobs)
    assert launched == {job["tags"][ATTEMPT_TAG] for job in jobs}
    events = followed.home.session.store.events(followed.name)
    assert () == faults(done, events)
    assert [] == [event for event in events if "FAILED" in {event.facts.get("To"), *_statuses(event.facts)}]


def _statuses(facts: dict[str, Any]) -> Iterator[str]:
    return (server["Status"] for server in facts.get("Servers", ()) if isinstance(server, dict))


# --- AWS says later --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_a_throttle_storm_of_ten_minutes_only_delays(seed):
    """Nine of ten calls of DRS are refused from the first minute to the eleventh; the tables refuse half of theirs."""
    with house(text=SMALL.replace("seed: 3", f"seed: {seed}")) as home:
        storm = {"kind": "throttle", "times": OFTEN, "from": minutes(1), "until": minutes(11)}
        followed = follow(home)
        add_fault(home, operation="*", share=0.9, **storm)
        add_fault(home, service="dynamodb", operation="*", share=0.5, **storm)
        done = followed.work()
        came_through(followed, done)
        assert done.end_time is not None
        assert done.end_time - START < timedelta(minutes=25)
        assert any("ThrottlingException at " in text for text in followed.shown())
        assert "ThrottlingException" in followed.troubles()


@pytest.mark.parametrize(
    ("operation", "kind", "cause"),
    [
        ("DescribeJobs", "error-500", "InternalServerException"),
        ("DescribeSourceServers", "throttle", "ThrottlingException"),
        ("DescribeRecoveryInstances", "expired-token", "ExpiredTokenException"),
        ("DescribeJobLogItems", "error-500", "InternalServerException"),
        *(
            pytest.param(operation, kind, cause, marks=pytest.mark.slow)
            for operation, kind, cause in (
                ("DescribeJobs", "throttle", "ThrottlingException"),
                ("DescribeJobs", "expired-token", "ExpiredTokenException"),
                ("DescribeSourceServers", "error-500", "InternalServerException"),
                ("DescribeSourceServers", "expired-token", "ExpiredTokenException"),
                ("DescribeRecoveryInstances", "error-500", "InternalServerException"),
                ("DescribeRecoveryInstances", "throttle", "ThrottlingException"),
            )
        ),
    ],
)
def test_reads_that_fail_for_ten_minutes_only_delay(operation, kind, cause):
    """Before the intent and after it: since when and with which code is shown, and nothing is decided meanwhile."""
    with house(text=SMALL) as home:
        add_fault(home, operation="StartRecovery", kind="lost-reply", times=1)
        followed = follow(home)
        add_fault(home, operation=operation, kind=kind, times=OFTEN, until=minutes(10))
        done = followed.work()
        came_through(followed, done)
        expected = f"{cause} at {operation} in us-west-2"
        assert any(
            text.startswith("AWS since 2026-03-02 09:0") and text.endswith(expected) for text in followed.shown()
        )
        assert "waiting for AWS since 2026-03-02 09:0" in followed.troubles()


@pytest.mark.parametrize("kind", ["error-500", "error-500-after", "throttle", "expired-token", "refused", "black-hole"])
def test_launches_that_fail_three_times_only_delay(kind):
    """A 5xx may hide a launch and is looked for; what was certainly refused is asked again under another attempt."""
    with house(text=SMALL) as home:
        add_fault(home, operation="StartRecovery", kind=kind, times=3)
        followed = follow(home)
        came_through(followed, followed.work())
        known = {"error-500": "no known outcome", "error-500-after": ""}
        codes = {"throttle": "ThrottlingException", "expired-token": "ExpiredTokenException"}
        expected = known.get(kind, f"{codes.get(kind, 'ConnectionFailed')} at StartRecovery in us-west-2")
        assert kind == "error-500-after" or any(expected in text for text in followed.shown())


def test_a_token_that_expires_between_intent_and_call_only_delays():
    """The launch is refused with 403 and was not carried out; until the token is renewed nothing can be read either."""
    with house(text=SMALL) as home:
        followed = follow(home)
        add_fault(home, operation="StartRecovery", kind="expired-token", times=OFTEN, until=minutes(8))
        add_fault(
            home, operation="DescribeJobs", kind="expired-token", times=OFTEN, until=minutes(8), **{"from": minutes(1)}
        )
        came_through(followed, followed.work())
        expected = "ExpiredTokenException at StartRecovery in us-west-2"
        assert any(expected in text for text in followed.shown())
        assert any(f"waiting for AWS since {moment(START)}: {expected}" in describe(one) for one in followed.passes)


def test_a_launch_that_aws_refuses_for_hours_leaves_few_attempts_and_a_whole_history():
    """The wait grows to five minutes; the execution keeps the last refused attempts, the history keeps all."""
    with house(text=SMALL) as home:
        followed = follow(home, ONE_WAVE)
        add_fault(home, operation="StartRecovery", kind="throttle", times=OFTEN, until=minutes(180))
        done = followed.work(4)
        came_through(followed, done)
        assert 5 + 1 == len(done.attempts)
        intents = [event for event in home.session.store.events(followed.name) if event.kind == "ATTEMPT_INTENT"]
        assert done.attempts[-1].number == len(intents)
        assert 36 <= len(intents) < 60
        assert done.end_time is not None
        assert done.end_time - START < timedelta(minutes=180 + 5 + 3)
        assert "AWS since 2026-03-02 09:00:00Z: ThrottlingException at StartRecovery" in followed.shown()[-1]


# --- nobody there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cause"), [("refused", "EndpointConnectionError"), ("black-hole", "ConnectTimeoutError")]
)
@pytest.mark.parametrize("begins", [0, 0.5])
def test_a_region_that_is_out_of_reach_for_twenty_minutes_only_delays(kind, cause, begins):
    """From before the first launch, or while a job runs that ends meanwhile."""
    with house(text=SMALL) as home:
        followed = follow(home)
        hours = {"from": minutes(begins), "until": minutes(begins + 20)}
        add_fault(home, operation="*", kind=kind, times=OFTEN, **hours)
        done = followed.work()
        came_through(followed, done)
        assert any(f"{cause} at " in text for text in followed.shown())
        assert done.end_time is not None
        assert done.end_time - START < timedelta(minutes=27)


@pytest.mark.parametrize("kind", ["refused", "black-hole", "error-500", "throttle", "expired-token"])
def test_tables_that_are_out_of_reach_for_twenty_minutes_only_delay(kind):
    """Nothing is launched without a durable intent; the worker says so aloud, and goes on."""
    with house(text=SMALL) as home:
        followed = follow(home)
        add_fault(
            home,
            service="dynamodb",
            operation="*",
            kind=kind,
            times=OFTEN,
            **{"from": minutes(0.5), "until": minutes(20)},
        )
        came_through(followed, followed.work())
        since = "09:00:15" if kind in {"refused", "black-hole"} else "09:01:00"  # a refusal carries AWS's time
        assert f"waiting for AWS since 2026-03-02 {since}" in followed.troubles()


def test_a_notebook_outlives_tables_that_are_out_of_reach():
    """It tries again for twenty minutes, says what it tries, and goes on."""
    with house(text=SMALL) as home:
        drive = Drill(home.session, runbook_of(ONE_WAVE), DrillParameters(simulate=True))
        drive.start()
        drive.step()
        hours = {"from": minutes(0.5), "until": minutes(20)}
        add_fault(home, service="dynamodb", operation="*", kind="refused", times=OFTEN, **hours)
        troubles = set()
        while drive.step():
            troubles.add(drive.trouble())
        execution = drive.snapshot()
        assert execution is not None
        assert (ExecutionStatus.COMPLETED, 1) == (execution.status, len(home.jobs()))
        assert any("does not answer" in (trouble or "") for trouble in troubles)
        assert drive.trouble() is None


@pytest.mark.parametrize("page", [*(pytest.param(page, marks=pytest.mark.slow) for page in (1, 2, 3)), 4])
def test_a_page_that_cannot_be_read_hides_no_job(page):
    """Our job stands on the fourth page; whichever fails, for longer than the quiescence, nothing is launched again."""
    more = "\n".join(f"  - {{id: s-5{number:016x}, name: other-{number}}}" for number in range(1, 4))
    with house(text=f"{SMALL}{more}\nbehaviour: {{page_size: 1}}\n") as home:
        followed = follow(home, ONE_WAVE)
        add_fault(home, operation="StartRecovery", kind="lost-reply", times=1)
        home.session.poller().run_pass()
        somebody = boto3.client("drs", region_name="us-west-2")
        for number in range(1, 4):
            home.clock.sleep(1)
            somebody.start_recovery(sourceServers=[{"sourceServerID": f"s-5{number:016x}"}], isDrill=True)
        for nth in range(40):  # the page of this number, of each listing
            add_fault(home, operation="DescribeJobs", kind="error-500", after=(nth + 1) * (page - 1))
        done = followed.work()
        assert (ExecutionStatus.COMPLETED, 1) == (done.status, len(done.attempts))
        assert done.attempts[0].signed_at + timedelta(minutes=9) < home.clock.now()
        assert "InternalServerException at DescribeJobs" in " ".join(followed.shown())


# --- indexes and clocks ----------------------------------------------------------------------------------------------


def test_an_index_ten_minutes_behind_only_delays():
    """It misses what began, and shows as running what has ended: before anything is done the table is read."""
    with house(text=f"{SMALL}behaviour: {{index_lag: 600}}\n") as home:
        home.session.poller().run_pass()
        followed = follow(home)
        done = followed.work()
        came_through(followed, done)
        assert 600 <= (done.attempts[0].signed_at - done.start_time).total_seconds() < 640
        before = len(home.jobs())
        home.clock.sleep(60)
        assert (followed.name,) == home.session.poller().run_pass().advanced
        assert (done, before) == (final(home, done), len(home.jobs()))


def test_the_sweep_finds_what_an_index_misses():
    """It is hours behind, and the table itself is read every quarter of an hour."""
    with house(text=f"{SMALL}behaviour: {{index_lag: 36000}}\n") as home:
        home.session.poller().run_pass()
        followed = follow(home, ONE_WAVE)
        done = followed.work()
        came_through(followed, done)
        assert SWEEP_EVERY - timedelta(seconds=30) <= done.attempts[0].signed_at - done.start_time <= SWEEP_EVERY * 1.1


def test_an_index_behind_an_approval_only_delays():
    """It shows the drill as waiting for a person who has said yes already."""
    plan = SMALL_PLAN.replace("groups: [app]}", "groups: [app], approve: Look.}")
    with house(text=f"{SMALL}behaviour: {{index_lag: 120}}\n") as home:
        followed = follow(home, plan)
        poller = home.session.poller()
        for _ in range(40):
            home.clock.sleep(poller.wait_seconds(poller.run_pass()))
        assert ExecutionStatus.PAUSED is home.session.store.load(followed.name).status
        home.session.command(followed.name, CommandKind.APPROVE, reason="looked at")
        came_through(followed, followed.work())


@dataclass
class Skewed:
    """A machine's clock that is wrong by a fixed span."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        """The wrong time."""
        return self.clock.now() + self.by

    def sleep(self, seconds: float) -> None:
        """Spans are right."""
        self.clock.sleep(seconds)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_off_by_an_hour_does_as_any_other(hours):
    """Only AWS's time counts: a lost launch is repeated after the quiescence, neither at once nor an hour later."""
    with house(text=SMALL) as home:
        add_fault(home, operation="StartRecovery", kind="lost-request", times=1)
        wrong = Session(home.settings, clock=Skewed(home.clock, timedelta(hours=hours)))
        followed = follow(home, session=wrong)
        done = followed.work()
        came_through(followed, done)
        first, second = done.attempts_of("Database")
        assert START == first.signed_at
        assert 420 <= (second.signed_at - first.signed_at).total_seconds() < 440


def before_the_launch(session: Session, act: Any) -> None:
    """Do something once, between the intent's record and its request."""
    launcher = session.recovery("us-west-2")._launcher
    left = [act]

    def once(**_: object) -> None:
        if left:
            left.pop()()

    launcher.meta.events.register("before-call.drs.StartRecovery", once)


def test_a_laptop_that_slept_between_intent_and_call_launches_nothing_late():
    """AWS refuses the signature, which is forty minutes old; the launch is made under a new attempt."""
    with house(text=SMALL) as home:
        followed = follow(home)
        before_the_launch(home.session, lambda: home.clock.sleep(2400))
        done = followed.work()
        came_through(followed, done)
        first, second = done.attempts_of("Database")
        assert AttemptStatus.NOT_EXECUTED is first.status
        assert "InvalidSignatureException: Signature expired: 20260302T090000Z is now earlier than" in (
            first.outcome or ""
        )
        assert second.signed_at >= first.signed_at + timedelta(seconds=2400)


def test_a_laptop_that_wakes_after_another_took_over_launches_nothing():
    """While it slept another worker proved the absence, launched and finished; the sleeper's request is refused."""
    with house(text=SMALL) as home:
        followed = follow(home)

        def others_work() -> None:
            home.clock.sleep(2400)
            home.finish(home.another_session())

        before_the_launch(home.session, others_work)
        result = home.session.poller().run_pass()
        done = final(home, result.executions[followed.name])
        came_through(followed, done)
        assert [1, 2] == [attempt.number for attempt in done.attempts_of("Database")]
