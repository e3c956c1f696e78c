"""What is told arrives: never lost, never in the way of a drill, and under one id however often it is sent."""

from collections import Counter
from contextlib import contextmanager

import pytest

from drskit.model import CommandKind, Execution, ExecutionStatus
from drskit.notices import Outcome
from drskit.outbox import Outbox
from drskit.report.sections import sections_of
from drskit.sim.spec import Fault
from drskit.verify import faults
from drskit.views.notes import notes_of
from tests.harness import Boundary, Crash, House, house, runbook_of
from tests.proof.world import PLAN, WORLD

TOPIC = "arn:aws:sns:us-west-2:123456789012:dr"
TELLING = PLAN + f"notify: [{{sns: '{TOPIC}'}}]\n"
ASKING = TELLING.replace("groups: [app]}", "groups: [app], approve: look at it}")


@contextmanager
def opened(*tricks: dict):
    """A small world in which calls of SNS meet these faults."""
    with house(text=WORLD) as home:
        home.gateway.add_faults(
            Fault.model_validate({"service": "sns", "operation": "Publish"} | one) for one in tricks
        )
        yield home


def begun(home: House, text: str = TELLING) -> str:
    return home.session.start(runbook_of(text), key="x").execution_id


def subjects(home: House) -> list[str]:
    """What arrived, in short."""
    letters = [letter for letter in home.gateway.inbox.to_json() if letter["service"] == "sns"]
    return [letter["subject"].removeprefix("SIMULATED DRILL: small: ") for letter in letters]


def ids(home: House) -> Counter[str]:
    """How often each id arrived."""
    return Counter(letter["attributes"]["NotificationId"] for letter in home.gateway.inbox.to_json())


def ended(home: House, name: str) -> Execution:
    """The execution, its history held to be whole."""
    execution, events, logs = home.another_session().history(name)
    assert [] == list(faults(execution, events, logs))
    return execution


WHOLE = [
    "drill begins",
    "wave Database is COMPLETED",
    "wave Application is COMPLETED",
    "drill is COMPLETED",
]


def test_a_slow_topic_delays_no_launch():
    """SNS takes a minute to say nothing: the launch is asked for before it is tried, at each pass."""
    with opened({"kind": "timeout", "times": 1}) as home:
        name = begun(home)
        asked = home.session.store.now()
        home.session.poller().run_pass()
        (attempt,) = home.session.store.load(name).attempts
        assert (asked, "LAUNCHED") == (attempt.signed_at, attempt.status)


def test_a_target_that_fails_is_left_alone_for_a_while():
    """By one worker, whatever else there is to tell it."""
    sent = []

    class Deaf:
        def send(self, target: str, message: object) -> Outcome:
            sent.append(target)
            return Outcome(error="no answer")

    with opened() as home:
        name = begun(home)
        store = home.session.store
        outbox = Outbox(store, Deaf(), actor="worker", account_id="123456789012")
        claim = store.get_cadence("123456789012", "us-west-2")
        outbox.tell(store.load(name), claim)
        outbox.tell(store.load(name), claim)
        assert [TOPIC] == sent


def test_what_happens_is_told_in_its_order_and_whoever_is_waited_for_though_nobody_is_there():
    """Once each; the execution is PAUSED and the question has been sent, with the commands to type."""
    with opened() as home:
        name = begun(home, ASKING)
        home.finish(approve=False)
        assert ExecutionStatus.PAUSED is home.session.store.load(name).status
        assert "wave Application waits for approval" == subjects(home)[-1]
        message = home.gateway.inbox.to_json()[-1]["message"]
        assert f"  drskit approve {name} --wave Application --reason '…'\n" in message
        home.finish()
        assert [*WHOLE[:2], "wave Application waits for approval", *WHOLE[2:]] == subjects(home)
        execution = ended(home, name)
        assert all(one.message_id and one.sent for notice in execution.notices for one in notice.deliveries)


def test_a_topic_that_refuses_does_no_harm():
    """The drill ends when it would have ended, and the deliveries are given up at last."""
    with opened({"kind": "access-denied", "times": 999}) as home:
        name = begun(home)
        home.finish()
        execution = ended(home, name)
        assert (ExecutionStatus.COMPLETED, 135) == (
            execution.status, (execution.end_time - execution.start_time).total_seconds(),
        )  # fmt: skip
        poller = home.session.poller()
        for _ in range(12):
            home.clock.sleep(901)
            poller.run_pass()
        given_up = [one.given_up for notice in ended(home, name).notices for one in notice.deliveries]
        assert (4, True) == (len(given_up[:4]), all(given_up[:4]))
        assert [] == subjects(home)


def test_what_is_refused_for_now_arrives_later_and_of_what_is_over_too():
    """The end of a drill is throttled, when no execution needs attention any more; then its instances are told."""
    with opened({"kind": "throttle", "after": 3}) as home:
        name = begun(home)
        home.finish()
        assert WHOLE == subjects(home)
        assert [1, 1, 1, 2] == [notice.deliveries[0].tries for notice in ended(home, name).notices]
        poller = home.session.poller()
        for hours in (1, 12, 13, 1):
            home.clock.sleep(3600 * hours)
            poller.run_pass()
        assert ["2 instances may still run"] * 2 == subjects(home)[len(WHOLE) :]
        home.session.cleanup(name, reason="the drill is over")
        home.finish()
        assert (None, []) == (ended(home, name).reminder, list(home.session.store.outstanding()))


@pytest.mark.parametrize("kind", ["crash-before", "crash-after"])
def test_another_worker_sends_what_a_dead_one_left(kind):
    """Of an execution that is over, which no finder asks for; what had been sent comes again under its id."""
    with opened() as home:
        name = begun(home)
        session = home.another_session()
        Boundary("Publish", 3, kind).attach(session)
        with pytest.raises(Crash):
            home.finish(session)
        (left,) = home.session.store.outstanding()
        assert name == left.execution_id
        home.clock.sleep(60)
        home.finish(home.another_session())
        assert WHOLE == list(dict.fromkeys(subjects(home)))
        assert {notice.notice_id for notice in ended(home, name).notices} == set(ids(home))
        assert {1, 2} == set(ids(home).values())


def test_a_stuck_execution_is_told_once_while_the_same_holds_it():
    """DRS does not answer for a while; SNS does. That a person had paused it is told to nobody."""
    with opened() as home:
        fault = {"service": "drs", "operation": "DescribeJobs", "kind": "error-500", "times": 999}
        name = begun(home)
        poller = home.session.poller()
        poller.run_pass()
        home.session.command(name, CommandKind.PAUSE, reason="lunch")
        home.gateway.add_faults([Fault.model_validate(fault)])
        for _ in range(8):
            home.clock.sleep(120)
            poller.run_pass()
        assert ["drill begins", "it is stuck"] == subjects(home)
        assert "AWS has not answered since" in home.gateway.inbox.to_json()[-1]["message"]


def test_the_report_says_who_was_told_what_and_the_board_who_was_not():
    """Also what was given up; in words that nobody outside can forge."""
    with opened({"kind": "access-denied", "times": 1}) as home:
        name = begun(home)
        home.session.poller().run_pass()
        execution, events, _ = home.session.history(name)
        assert [f"{TOPIC} does not take notifications"] == [
            note.words.partition(": ")[0] for note in notes_of(execution, execution.start_time)
        ]
        home.finish()
        execution, events, _ = home.session.history(name)
        assert [] == list(notes_of(execution, execution.start_time))
        (section,) = sections_of(execution, events, home.session.store.now())
        assert ("Notifications", ("4 notifications sent.",)) == (section.title, section.sentences)
        assert ["2", "1", "1", "1"] == [row[4].text for row in section.rows]
