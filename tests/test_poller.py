"""The finder over the StatusIndex, the poll pass and its cadence, over DynamoDB and the simulator."""

from datetime import timedelta
from itertools import islice

import pytest

from drskit.actions import ActionKind, Task, TaskPhase, TaskStatus
from drskit.driving import Driving
from drskit.errors import NotCompleted, Unavailable
from drskit.history import narrate
from drskit.model import Cadence, CommandKind, ExecutionStatus
from drskit.poller import SWEEP_EVERY, describe
from drskit.sim.spec import Fault
from drskit.verify import faults
from tests.harness import House, final, house, runbook_of, shipped, started
from tests.test_faults import SMALL, SMALL_PLAN

HISTORY = "drs-orchestration-execution-history-dev"


def describe_jobs_calls(home: House) -> list[str]:
    """Counts the DescribeJobs calls of the session from now on."""
    calls: list[str] = []
    reader = home.session.recovery("us-west-2")._drs
    reader.meta.events.register("before-send.drs.DescribeJobs", lambda **_: calls.append("DescribeJobs"))
    return calls


def test_nothing_to_do_is_idle():
    """A pass over empty tables advances nothing and asks DRS nothing."""
    with house(text=SMALL) as home:
        calls = describe_jobs_calls(home)
        result = home.session.poller().run_pass()
        assert (True, (), None) == (result.idle, result.advanced, result.next_poll)
        assert [] == calls


def test_a_start_is_launched_by_the_next_pass():
    """The pass after a start finds it, records the intent and launches, all at the same moment."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        result = home.session.poller().run_pass()
        assert (execution.execution_id,) == result.advanced
        assert 1 == len(home.jobs())


def test_a_pass_that_is_not_due_asks_nothing():
    """Between two due times any number of workers may poll: DRS is not asked, and they learn when to come back."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        first = home.session.poller().run_pass()
        calls = describe_jobs_calls(home)
        again = home.another_session().poller().run_pass()
        assert ((), (execution.execution_id,)) == (again.advanced, again.waiting)
        assert first.next_poll == again.next_poll
        assert [] == calls


def test_one_listing_answers_for_all_executions_of_a_region():
    """Two executions that run at once cost one DescribeJobs call a pass."""
    with house(text=SMALL) as home:
        home.session.start(runbook_of(SHORT))
        home.session.start(runbook_of(OTHER))
        poller = home.session.poller()
        poller.run_pass()
        assert 2 == len(home.jobs())
        calls = describe_jobs_calls(home)
        home.clock.sleep(20)
        result = poller.run_pass()
        assert 2 == len(result.advanced)
        assert ["DescribeJobs"] == calls


def test_a_command_makes_its_place_due_at_once():
    """An approval is obeyed by the next pass, whatever the cadence said."""
    with house("shop") as home:
        execution = started(home, "shop")
        home.finish(approve=False)
        home.session.store.put_cadence(
            Cadence(
                account_id="123456789012",
                region="us-west-2",
                next_poll=home.session.store.now() + timedelta(hours=1),
                version=(cadence.version if (cadence := stored_cadence(home)) else 0) + 1,
            ),
            expected=cadence.version if cadence else None,
        )
        home.session.command(execution.execution_id, CommandKind.APPROVE, reason="fine")
        assert (execution.execution_id,) == home.session.poller().run_pass().advanced


def stored_cadence(home: House) -> Cadence | None:
    """The cadence of the world's account and Region."""
    return home.session.store.get_cadence("123456789012", "us-west-2")


def test_a_paused_execution_costs_no_polling():
    """Nothing is asked while only a person can decide."""
    with house("shop") as home:
        started(home, "shop")
        home.finish(approve=False)
        calls = describe_jobs_calls(home)
        assert home.session.poller().run_pass().idle
        assert [] == calls
        assert ["approval of wave Application: The databases accept logins."] == [
            header.waiting_for for header in home.session.poller().people()
        ]


def test_a_malformed_item_is_set_aside_and_stops_nobody():
    """A header that cannot be read is named once, with its reason; the other execution goes on to its end."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.session.clients.dynamodb().put_item(
            TableName=HISTORY,
            Item={
                "ExecutionId": {"S": "BROKEN"},
                "PlanId": {"S": "small"},
                "Status": {"S": "POLLING"},
                "StartTime": {"N": "1"},
                "Version": {"S": "not a number"},
            },
        )
        result = home.session.poller().run_pass()
        assert ["BROKEN/small"] == [text.partition(" ")[0] for text in result.quarantined]
        home.finish()
        assert ExecutionStatus.COMPLETED is final(home, execution).status


SHORT = "\n".join(line for line in SMALL_PLAN.splitlines() if "app: {" not in line and "Application" not in line)
OTHER = SHORT.replace("plan: small", "plan: other").replace("Tier: database", "Tier: app")
"""Two plans of one server each."""


def spoil(home: House, execution_id: str, waiting_for: str | None = None) -> None:
    """Make an execution one that can be read, and that no step can be worked out of: it runs what its plan lacks."""
    store = home.session.store
    before = store.load(execution_id)
    task = Task(
        task_id="T1", wave_name="Database", phase=TaskPhase.BEFORE, index=7, number=1, kind=ActionKind.WAIT,
        title="wait", intended_at=before.start_time, status=TaskStatus.RUNNING,
    )  # fmt: skip
    spoilt = before.model_copy(update={"tasks": (task,), "waiting_for": waiting_for})
    after, events = narrate(before, spoilt, now=store.now(), actor="somebody")
    store.commit(before, after, events)


def test_a_fault_is_said_once_however_much_else_there_is_to_wait_for():
    """It stands in front, where nothing cuts it off; the passes after it write nothing."""
    with house(text=SMALL) as home:
        broken = home.session.start(runbook_of(SMALL_PLAN))
        spoil(home, broken.execution_id, waiting_for="x" * 590)
        poller = home.session.poller()
        for _ in range(4):
            poller.run_pass()
            home.clock.sleep(60)
        told = home.session.store.load(broken.execution_id)
        assert told.waiting_for.startswith("a drskit that can advance it: IndexError")
        assert 1 == sum("can advance it" in str(event) for event in home.session.store.events(broken.execution_id))


def test_a_fault_that_cannot_even_be_said_stops_nobody_else(monkeypatch):
    """Where the fault is in saying and writing: the other execution is launched all the same."""
    with house(text=SMALL) as home:
        broken, _ = home.session.start(runbook_of(SHORT)), home.session.start(runbook_of(OTHER))
        spoil(home, broken.execution_id)
        monkeypatch.setattr("drskit.engine.shortened", lambda *_: 1 / 0)
        for _ in range(2):
            result = home.session.poller().run_pass()
            home.clock.sleep(60)
        assert any("IndexError" in text for text in result.quarantined)
        assert 1 == len(home.jobs())


def test_polling_until_idle_ends_beside_what_cannot_be_advanced():
    """The other execution goes on to its end first; what could not be advanced is named, with the reason."""
    with house(text=SMALL) as home:
        broken = home.session.start(runbook_of(SHORT))
        good = home.session.start(runbook_of(OTHER))
        spoil(home, broken.execution_id)
        *_, last = islice(home.session.poller().follow(home.clock, until_idle=True), 300)
        assert ExecutionStatus.COMPLETED is final(home, good).status
        assert (True, [broken.execution_id]) == (last.idle, list(last.given_up))
        assert "a drskit that can advance it: IndexError" in final(home, broken).waiting_for
        events = home.session.store.events(broken.execution_id)
        assert 1 == sum("a drskit that can advance it" in str(event) for event in events)
        assert [f"{broken.execution_id} cannot be advanced: IndexError"] == [
            text.rpartition(":")[0] for text in last.quarantined
        ]


def test_whoever_drives_what_cannot_be_advanced_is_told():
    """It ends with the reason and what to do, instead of trying for ever."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        spoil(home, execution.execution_id)
        driving = Driving(home.session, simulated=True)
        driving.execution = final(home, execution)
        with pytest.raises(NotCompleted, match=r"cannot be advanced .IndexError.*executions show"):
            all(driving.step() for _ in range(20))


def test_the_sweep_finds_what_the_index_lost():
    """An execution whose StartTime is gone is in no index; the sweep names it instead of losing it."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.session.poller().run_pass()
        home.session.clients.dynamodb().update_item(
            TableName=HISTORY,
            Key={"ExecutionId": {"S": execution.execution_id}, "PlanId": {"S": "small"}},
            UpdateExpression="REMOVE StartTime",
        )
        assert () == home.session.poller().run_pass().quarantined
        home.clock.sleep(SWEEP_EVERY.total_seconds())
        result = home.session.poller().run_pass()
        assert [f"{execution.execution_id}/small"] == [text.partition(" ")[0] for text in result.quarantined]


def test_executions_of_another_account_are_left_to_its_own_workers():
    """A worker names what it cannot reach and does not touch it."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.session.clients.dynamodb().update_item(
            TableName=HISTORY,
            Key={"ExecutionId": {"S": execution.execution_id}, "PlanId": {"S": "small"}},
            UpdateExpression="SET AccountId = :a",
            ExpressionAttributeValues={":a": {"S": "another-account"}},
        )
        result = home.session.poller().run_pass()
        assert ((execution.execution_id,), ()) == (result.elsewhere, result.advanced)
        assert [] == home.jobs()


def test_the_header_is_not_written_when_nothing_changed():
    """A pass that sees nothing new leaves the execution's version alone."""
    with house() as home:
        execution = home.session.start(shipped("captured-drill"))
        poller = home.session.poller()
        poller.run_pass()
        home.clock.sleep(120)
        poller.run_pass()
        version = final(home, execution).version
        home.clock.sleep(45)
        poller.run_pass()
        assert version == final(home, execution).version


def test_one_execution_that_cannot_be_advanced_stops_nobody():
    """A Region that does not exist in one header: it is named, and the other execution goes on to its end."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(ONLY_DATABASE))
        lost = home.session.start(runbook_of(ONLY_APP.replace("plan: other", "plan: lost")))
        home.session.clients.dynamodb().update_item(
            TableName=HISTORY,
            Key={"ExecutionId": {"S": lost.execution_id}, "PlanId": {"S": "lost"}},
            UpdateExpression="SET #r = :r",
            ExpressionAttributeNames={"#r": "Region"},
            ExpressionAttributeValues={":r": {"S": "not a region"}},
        )
        result = home.session.poller().run_pass()
        assert (execution.execution_id,) == result.advanced
        assert ((lost.execution_id,), ()) == (result.barred, result.elsewhere)
        assert "not a region" in (result.trouble or "")
        assert "1 that this worker cannot drive now" in describe(result)


def test_a_cadence_far_ahead_is_no_plan_to_wait_for():
    """Whoever wrote it was no poller: the Region is asked all the same."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        far = Cadence(
            account_id="123456789012",
            region="us-west-2",
            next_poll=home.session.store.now() + timedelta(days=365),
            version=1,
        )
        home.session.store.put_cadence(far, expected=None)
        assert (execution.execution_id,) == home.session.poller().run_pass().advanced


def test_trouble_is_not_written_into_what_has_ended_or_waits():
    """An index that lags shows a paused execution as running; while DRS is down it keeps what it waits for."""
    with house("shop") as home:
        execution = started(home, "shop")
        home.finish(approve=False)
        paused = final(home, execution)
        home.session.poller()._engine.show_trouble(paused, Unavailable("DescribeJobs got no answer. Wait."))
        assert paused == final(home, execution)


def test_three_thousand_servers_that_change_at_once_are_written():
    """Cancelling a wave of 3,000 servers is one step, and its history fits."""
    with house(text=many_servers(3_000)) as home:
        execution = home.session.start(runbook_of(MANY))
        home.session.command(execution.execution_id, CommandKind.CANCEL, reason="too many")
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.CANCELLED is done.status
        events = home.session.store.events(execution.execution_id)
        assert () == faults(done, events)
        assert 3_000 == sum(len(event.facts["Servers"]) for event in events if event.kind == "SERVERS_CHANGED")


def test_a_worker_that_follows_outlives_an_outage_of_the_tables():
    """One pass names the trouble; the next ones carry the drill to its end."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        passes = home.session.poller().follow(home.clock)
        next(passes)
        home.gateway.faults.add(Fault(operation="Query", service="dynamodb", kind="access-denied", times=1))
        assert next(passes).trouble is not None
        for _ in range(60):
            next(passes)
        assert ExecutionStatus.COMPLETED is final(home, execution).status


def many_servers(count: int) -> str:
    """A world of many servers."""
    lines = ["region: us-west-2", "start: 2026-03-02T09:00:00Z", "seed: 3", "servers:"]
    lines += [
        f"  - {{id: s-5{number:016x}, name: many-{number}, tags: {{Application: many}}}}" for number in range(count)
    ]
    return "\n".join(lines)


MANY = """
version: 1
plan: many
sites: {main: {region: us-west-2}}
groups:
  all: {select: {tags: {Application: many}}}
waves:
  - {name: All, groups: [all]}
"""
ONLY_APP = """
version: 1
plan: other
sites: {main: {region: us-west-2}}
groups:
  app: {select: {tags: {Tier: app}}}
waves:
  - {name: Application, groups: [app]}
"""
ONLY_DATABASE = ONLY_APP.replace("plan: other", "plan: small").replace("Tier: app", "Tier: database")


def test_a_worker_that_is_to_end_when_idle_does_not_believe_an_index_that_lags():
    """What the plan names as running is waited for until the index shows it."""
    lagging = SMALL + "behaviour: {index_lag: 30}\n"
    with house(text=lagging) as home:
        home.session.poller().run_pass()
        execution = home.session.start(runbook_of(SMALL_PLAN))
        list(home.another_session().poller().follow(home.clock, until_idle=True))
        assert ExecutionStatus.COMPLETED == final(home, execution).status
