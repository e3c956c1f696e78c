"""A reply is lost, and others go on before the SDK sends again: what was recorded is found, and means the same.

The window is real: a laptop may sleep between two sends of one call, for as
long as it likes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from drskit.errors import Refused
from drskit.model import CommandKind, ExecutionStatus, ExecutionType, WaveStatus
from drskit.session import Session
from tests.harness import House, final, house, runbook_of
from tests.proof.world import PLAN

C, W, X = CommandKind, WaveStatus, ExecutionStatus
DURATIONS = "durations: {gap: 5, conversion: 20, launch: 30}"
WORLD = f"""
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
servers:
  - {{id: s-5a4c1e0b7d2f93861, name: db-1, tags: {{Tier: database}}, {DURATIONS}}}
  - {{id: s-5b83d60f4a91c2e75, name: app-1, tags: {{Tier: app}}, {DURATIONS}}}
"""
ASKS = PLAN.replace("[database]}", "[database], approve: one}").replace("[app]}", "[app], approve: two}")


@contextmanager
def meanwhile(session: Session, act: Callable[[], object]) -> Iterator[None]:
    """Inside, this happens after the session's next transaction, whose reply is lost, and before it is sent again."""
    left = [act]

    def lost(**_: Any) -> int | None:
        if not left:
            return None
        left.pop()()
        return 0

    session.store._wire._client.meta.events.register_first("needs-retry.dynamodb.TransactWriteItems", lost)
    yield
    assert [] == left, "no reply was lost"


def asleep(home: House, seconds: float = 2_400) -> Callable[[], None]:
    """A worker carries on, and then time passes."""
    worker = home.another_session()

    def act() -> None:
        home.finish(worker, approve=False)
        home.clock.sleep(seconds)

    return act


def test_one_retry_is_one_launch():
    """The retried launch fails, too, before the person's process wakes: it is not asked for again."""
    failing = WORLD.replace("name: db-1,", "name: db-1, fails: [no-capacity, no-capacity],")
    with house(text=failing) as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish()
        person = home.another_session()
        with meanwhile(person, asleep(home)):
            person.command(execution.execution_id, C.RETRY, reason="once more")
        home.finish()
        after = final(home, execution)
        assert (X.FAILED, 2) == (after.status, len(home.jobs()))
        assert [C.RETRY] == [command.kind for command in after.commands]


def test_one_approval_is_of_one_wave():
    """The next wave asks by the time that the process wakes; nobody has approved that one."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(ASKS))
        home.finish(approve=False)
        person = home.another_session()
        with meanwhile(person, asleep(home)):
            person.command(execution.execution_id, C.APPROVE, reason="the database may go")
        home.finish(approve=False)
        after = final(home, execution)
        assert [W.COMPLETED, W.WAITING_APPROVAL] == [wave.status for wave in after.waves]
        assert ["Database"] == [command.wave_name for command in after.commands]


def test_a_command_that_was_carried_out_is_not_called_refused():
    """Nor is it recorded twice."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        home.session.poller().run_pass()
        person = home.another_session()
        with meanwhile(person, asleep(home, 60)):
            answered = person.command(execution.execution_id, C.PAUSE, reason="wait")
        assert answered.held is not None
        assert [C.PAUSE] == [command.kind for command in final(home, execution).commands]


def test_a_command_that_would_mean_something_else_by_now_is_refused():
    """Somebody approves the same wave first, honestly; the next one asks when this person's write is tried again."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(ASKS))
        home.finish(approve=False)
        person, other = home.another_session(), home.another_session()

        def first(**_: Any) -> None:
            client.meta.events.unregister("before-call.dynamodb.TransactWriteItems", first)
            other.command(execution.execution_id, C.APPROVE, reason="looked at")
            home.finish(other, approve=False)

        client = person.store._wire._client
        client.meta.events.register_first("before-call.dynamodb.TransactWriteItems", first)
        with pytest.raises(Refused, match="Nothing was recorded"):
            person.command(execution.execution_id, C.APPROVE, reason="the database may go")
        assert ["Database"] == [command.wave_name for command in final(home, execution).commands]


def test_a_cleanup_whose_creation_is_not_answered_is_found():
    """It runs by then, and is not called a second one."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish()
        person = home.another_session()
        preview = person.cleanup_preview(execution.execution_id)
        worker = home.another_session()
        with meanwhile(person, lambda: worker.poller().run_pass()):
            cleanup = person.cleanup(execution.execution_id, reason="done", preview=preview)
        assert cleanup is not None
        home.finish()
        headers, _ = home.session.executions()
        assert [ExecutionType.CLEANUP, ExecutionType.DRILL] == [header.execution_type for header in headers]
        assert (cleanup.execution_id, X.COMPLETED) == (headers[0].execution_id, headers[0].status)


def test_a_start_that_is_recorded_does_not_fail_for_a_lost_wake():
    """The worker's next pass finds it anyway."""
    with house(text=WORLD) as home:
        home.session.start(runbook_of(PLAN))
        home.finish()
        person = home.another_session()

        def throttled(**_: Any) -> None:
            home.gateway.faults.add(wire_fault)

        from drskit.sim.spec import Fault

        wire_fault = Fault.model_validate(
            {"service": "dynamodb", "operation": "GetItem", "kind": "throttle", "times": 9}
        )
        client = person.store._wire._client
        client.meta.events.register("after-call.dynamodb.TransactWriteItems", throttled)
        execution = person.start(runbook_of(PLAN))
        home.gateway.faults.clear()
        home.finish()
        assert X.COMPLETED == final(home, execution).status


# --- the same key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [("waves:", "description: other\nwaves:"), ("Tier: app", "Tier: nothing")],
    ids=["edited", "a group that matches nothing"],
)
def test_a_key_finds_its_execution_whatever_became_of_the_runbook(edit):
    """The start was made; repeating it decides nothing anew."""
    with house(text=WORLD) as home:
        first = home.session.start(runbook_of(PLAN), key="nightly")
        assert first.execution_id == home.session.start(runbook_of(PLAN.replace(*edit)), key="nightly").execution_id


@pytest.mark.parametrize("number", range(1, 17))
def test_two_first_starts_with_one_key_are_one(number):
    """The second process is interrupted by the whole of the first at each of its calls; the plan was never applied."""
    with house(text=WORLD) as home:
        one, two = home.another_session(), home.another_session()
        calls, begun = [0], []

        def interrupt(**_: Any) -> None:
            calls[0] += 1
            if calls[0] == number and not begun:
                begun.append("")
                begun[0] = one.start(runbook_of(PLAN), key="k").execution_id

        recovery = two.recovery("us-west-2")
        for client in (two.store._wire._client, recovery._drs, recovery._ec2):
            client.meta.events.register_first("before-call", interrupt)
        found = two.start(runbook_of(PLAN), key="k")
        assert [found.execution_id] == begun
