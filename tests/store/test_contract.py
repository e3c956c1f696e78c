"""What every store promises, over memory and over two DynamoDBs.

1. What was written is read back, whole.
2. One writer wins; the other is told, and nothing of its write is seen.
3. One execution of a plan lives at a time.
4. History only grows, and keeps its order.
5. An item that cannot be read stops nobody else.
"""

from datetime import timedelta

import pytest

from drskit.errors import AlreadyExists, LostRace, Malformed, NotFound, PlanBusy, Refused
from drskit.model import (
    Cadence,
    ExecutionStatus,
    JobLog,
    JobLogEntry,
    ServerStatus,
)
from drskit.notices import Delivery, Notice, NoticeKind
from drskit.store.codec import header_of, item_key
from tests.store.strategies import (
    ACCOUNT,
    REGION,
    START,
    applied,
    ended,
    event,
    everywhere,
    execution,
    following,
    recovery_plan,
)


def apply(store, plan_id: str, *, waves: int = 1) -> None:
    plan, groups = applied(plan_id, waves=waves)
    store.apply(plan, groups, removed=(), expected=None)


def test_an_execution_is_read_back_as_it_was_created(store):
    """Create, then load."""
    created = execution()
    store.create(created, (event(1),), begun=0)
    assert created == store.load("E1")


def test_an_unknown_execution_is_not_found(store):
    """Load names what is missing."""
    with pytest.raises(NotFound, match="E9"):
        store.load("E9")


def test_the_same_execution_is_not_created_twice(store):
    """A doubled start under one key collides, also while its plan is busy with it."""
    store.create(execution(), (event(1),), begun=0)
    with pytest.raises(AlreadyExists) as caught:
        store.create(execution(), (event(1),), begun=0)
    assert "E1" == caught.value.existing


def test_a_plan_has_one_living_execution(store):
    """The second start names the first."""
    store.create(execution("E1"), (), begun=0)
    with pytest.raises(PlanBusy) as caught:
        store.create(execution("E2"), (), begun=0)
    assert "E1" == caught.value.execution_id
    assert "E1" == store.get_plan("shop").active_execution_id
    with pytest.raises(NotFound):
        store.load("E2")


def test_an_execution_needs_an_applied_plan(store):
    """Nothing is created for a plan that the tables do not hold."""
    with pytest.raises(NotFound, match="bank"):
        store.create(execution(plan_id="bank"), (), begun=0)
    assert store.get_plan("bank") is None


def test_a_commit_is_read_back(store):
    """Load gives what was committed last."""
    before = execution(servers=250)
    store.create(before, (), begun=0)
    after = everywhere(before, ServerStatus.LAUNCHING)
    store.commit(before, after, (event(1),))
    assert after == store.load("E1")


def test_a_commit_of_nothing_but_the_version_counts(store):
    """The header alone is written."""
    before = execution()
    store.create(before, (), begun=0)
    store.commit(before, following(before), ())
    assert 2 == store.load("E1").version


def test_the_second_of_two_writers_loses(store):
    """Whoever read an old version writes nothing."""
    before = execution()
    store.create(before, (event(1),), begun=0)
    winner = following(before, waiting_for="approval of Wave 1")
    store.commit(before, winner, (event(2),))
    with pytest.raises(LostRace, match="E1"):
        store.commit(before, everywhere(before, ServerStatus.FAILED), (event(2),))
    assert winner == store.load("E1")
    assert (event(1), event(2)) == store.events("E1")


def test_a_commit_to_nothing_is_lost(store):
    """No ghost appears where no execution was."""
    before = execution()
    with pytest.raises(LostRace):
        store.commit(before, following(before), ())
    with pytest.raises(NotFound):
        store.load("E1")


def test_the_final_write_frees_the_plan(store):
    """After the end another execution may start."""
    before = execution()
    store.create(before, (), begun=0)
    store.commit(before, ended(before), ())
    assert store.get_plan("shop").active_execution_id is None
    store.create(execution("E2"), (), begun=1)
    assert 2 == store.get_plan("shop").begun


def test_a_creation_that_comes_late_creates_nothing(store):
    """Its request was given up and made again under another id; the repetition is over when the first arrives."""
    before = execution()
    store.create(before, (), begun=0)
    store.commit(before, ended(before), ())
    with pytest.raises(LostRace, match="began since this one was asked for"):
        store.create(execution("E2"), (event(1),), begun=0)
    with pytest.raises(NotFound):
        store.load("E2")
    assert (None, 1) == (store.get_plan("shop").active_execution_id, store.get_plan("shop").begun)


def test_applying_a_plan_keeps_its_count(store):
    """Neither a changed plan nor a retry begins an execution."""
    before = execution()
    store.create(before, (), begun=0)
    over = ended(before, ExecutionStatus.FAILED)
    store.commit(before, over, ())
    plan = store.get_plan("shop")
    store.apply(
        plan.model_copy(update={"version": plan.version + 1, "begun": 0}), (), removed=(), expected=plan.version
    )
    store.commit(over, following(over, status=ExecutionStatus.POLLING, end_time=None), ())
    assert 1 == store.get_plan("shop").begun


def test_a_reopened_execution_occupies_its_plan_again(store):
    """Retry takes the plan, or is refused when another has it."""
    before = execution()
    store.create(before, (), begun=0)
    over = ended(before, ExecutionStatus.FAILED)
    store.commit(before, over, ())
    store.commit(over, following(over, status=ExecutionStatus.POLLING, end_time=None), ())
    assert "E1" == store.get_plan("shop").active_execution_id


def test_an_execution_is_not_reopened_while_another_lives(store):
    """One living execution of a plan, also after a retry."""
    before = execution()
    store.create(before, (), begun=0)
    over = ended(before, ExecutionStatus.FAILED)
    store.commit(before, over, ())
    store.create(execution("E2"), (), begun=1)
    with pytest.raises(PlanBusy) as caught:
        store.commit(over, following(over, status=ExecutionStatus.POLLING, end_time=None), ())
    assert "E2" == caught.value.execution_id
    assert over == store.load("E1")


def test_three_thousand_servers_work(store):
    """Created, all changed at once, and one changed alone."""
    before = execution(waves=3, servers=1000)
    store.create(before, (), begun=0)
    after = everywhere(before, ServerStatus.LAUNCHING)
    store.commit(before, after, (event(1),))
    assert after == store.load("E1")


def test_more_children_than_a_transaction_holds_are_written_as_one(store):
    """51 waves are created, all changed, then changed one by one and all again."""
    first = execution(waves=51, servers=1)
    store.create(first, (event(1),), begun=0)
    second = everywhere(first, ServerStatus.LAUNCHING)
    store.commit(first, second, (event(2),))
    third = following(second, waves=(second.waves[0].model_copy(update={"reason": "slow"}), *second.waves[1:]))
    store.commit(second, third, (event(3),))
    fourth = ended(everywhere(third, ServerStatus.VERIFIED))
    store.commit(third, fourth.model_copy(update={"version": third.version + 1}), (event(4),))
    assert fourth.model_copy(update={"version": 4}) == store.load("E1")
    assert [1, 2, 3, 4] == [entry.sequence for entry in store.events("E1")]


def test_long_texts_are_cut_at_a_thousand_bytes(store):
    """An error from outside cannot outgrow an item."""
    before = execution()
    store.create(before, (), begun=0)
    after = everywhere(before, ServerStatus.FAILED, error="€" * 5000)
    store.commit(before, after, ())
    error = store.load("E1").waves[0].servers[0].error
    assert len(error.encode()) <= 1000
    assert error.endswith("€…")


def test_events_come_oldest_first_and_after_a_number(store):
    """A reader that has seen some asks for the rest."""
    before = execution()
    store.create(before, (event(1), event(2)), begun=0)
    for first in range(3, 120, 3):
        after = following(before)
        store.commit(before, after, tuple(event(number, note="x" * 50) for number in range(first, first + 3)))
        before = after
    assert list(range(1, 120)) == [entry.sequence for entry in store.events("E1")]
    for seen in (0, 1, 2, 3, 60, 118):
        assert list(range(seen + 1, 120)) == [entry.sequence for entry in store.events("E1", after=seen)]
    assert () == store.events("E1", after=119)
    assert () == store.events("E9")


def test_an_event_keeps_its_facts_and_its_hash(store):
    """What was sealed is what is read; so the chain can be checked."""
    told = event(1, count=3, nothing=None, nested={"a": [1, "", True, {"b": None}]}, empty={}, big=10**30)
    store.create(execution(), (told,), begun=0)
    (read,) = store.events("E1")
    assert told == read
    assert read.hash == read.sealed("").hash
    assert int is type(read.facts["count"])


def test_a_fraction_in_a_fact_is_refused(store):
    """DynamoDB would not give it back as it was."""
    with pytest.raises(TypeError, match="whole numbers"):
        store.create(execution(), (event(1, ratio=0.5),), begun=0)
    with pytest.raises(NotFound):
        store.load("E1")


def test_job_logs_of_any_length_are_kept(store):
    """A log larger than an item is split, and put together again."""
    before = execution()
    store.create(before, (), begun=0)
    logs = tuple(
        JobLog(
            job_id=f"drsjob-{number}",
            wave_name="Wave 1",
            entries=tuple(
                JobLogEntry(time=START + timedelta(seconds=line), event="SNAPSHOT_START", error="e" * 400)
                for line in range(1500)
            ),
        )
        for number in range(2)
    )
    store.commit(before, following(before), (), logs)
    assert logs == store.job_logs("E1")
    assert () == store.job_logs("E9")


def test_more_logs_than_a_transaction_holds_are_kept(store):
    """Many jobs may end in one pass."""
    before = execution()
    store.create(before, (), begun=0)
    line = JobLogEntry(time=START, event="LAUNCH_START", error="e" * 1000)
    logs = tuple(JobLog(job_id=f"drsjob-{n:02}", wave_name="Wave 1", entries=(line,) * 300) for n in range(14))
    store.commit(before, following(before), (event(1),), logs)
    assert logs == store.job_logs("E1")


def test_find_gives_headers_of_the_statuses_asked_for_newest_first(store):
    """Children never appear."""
    for number in range(3):
        apply(store, f"plan-{number}")
        started = execution(f"E{number}", f"plan-{number}").model_copy(
            update={"start_time": START + timedelta(minutes=number)}
        )
        store.create(started, (event(1),), begun=0)
    before = store.load("E1")
    store.commit(before, following(before, status=ExecutionStatus.POLLING), ())
    assert ["E2", "E0"] == [header.execution_id for header in store.find([ExecutionStatus.PENDING])]
    both = store.find([ExecutionStatus.POLLING, ExecutionStatus.PENDING])
    assert ["E1", "E2", "E0"] == [header.execution_id for header in both]
    assert header_of(store.load("E1")) == next(store.find([ExecutionStatus.POLLING]))
    assert ["E2", "E1", "E0"] == [header.execution_id for header in store.list_executions()]
    statuses, since = [ExecutionStatus.POLLING, ExecutionStatus.PENDING], START + timedelta(minutes=1, milliseconds=900)
    assert ["E1", "E2"] == [header.execution_id for header in store.find(statuses, since)]
    assert ["E1"] == [header.execution_id for header in store.list_executions("plan-1")]
    assert {"E0", "E1", "E2"} == {header.execution_id for header in store.sweep()}


def test_a_mark_alone_hides_nothing(store):
    """It is a trace for people: what can be read is read, shown and written."""
    before = execution()
    store.create(before, (), begun=0)
    store.quarantine(Malformed(item_key("E1", "shop"), "it smells"))
    assert before == store.load("E1")
    for found in (store.find([ExecutionStatus.PENDING]), store.list_executions(), store.sweep()):
        assert [header_of(before)] == list(found)
    store.commit(before, following(before), ())
    assert following(before) == store.load("E1")


def test_a_quarantine_of_what_is_no_execution_does_nothing(store):
    """A plan that cannot be read has no header to mark."""
    store.quarantine(Malformed("plan shop", "it smells"))
    assert [] == list(store.sweep())


def test_a_history_of_any_size_is_written_with_its_commit(store):
    """Nine megabytes of events: more than an item, and more than a transaction holds."""
    first = execution()
    store.create(first, (event(1),), begun=0)
    second = following(first)
    long = tuple(event(number, note="n" * 150_000) for number in range(2, 62))
    store.commit(first, second, long)
    store.commit(second, following(second), (event(62),))
    assert (event(1), *long, event(62)) == store.events("E1")
    assert (long[-1], event(62)) == store.events("E1", after=60)
    assert (event(62),) == store.events("E1", after=61)


def test_an_execution_may_begin_with_a_history_of_any_size(store):
    """Created whole as well."""
    long = tuple(event(number, note="n" * 300_000) for number in range(1, 15))
    store.create(execution(), long, begun=0)
    assert long == store.events("E1")


def test_a_quarantine_of_nothing_makes_nothing(store):
    """No ghost."""
    store.quarantine(Malformed(item_key("E9", "shop"), "it is not there"))
    assert [] == list(store.sweep())


def test_the_present_is_a_whole_second_of_an_aware_time(store):
    """AWS's time, in UTC."""
    now = store.now()
    assert timedelta(0) == now.utcoffset()
    assert 0 == now.microsecond


# --- groups and plans ------------------------------------------------------------------------------------------------


def test_a_plan_and_its_groups_are_read_back(store):
    """Apply, then get and list."""
    plan, groups = applied("bank", waves=2)
    store.apply(plan, groups, removed=(), expected=None)
    assert plan == store.get_plan("bank")
    assert groups[0] == store.get_group("bank-1")
    assert ["bank", "shop"] == [found.plan.plan_id for found in store.list_plans()]
    assert ["bank-1", "bank-2", "shop-1"] == [found.group.group_id for found in store.list_groups()]
    assert store.get_plan("other") is None
    assert store.get_group("other") is None


@pytest.mark.parametrize("expected", [None, 2])
def test_an_apply_on_another_version_is_lost(store, expected):
    """Nothing of it is written."""
    plan, groups = applied(version=3, waves=2)
    with pytest.raises(LostRace, match="shop"):
        store.apply(plan, groups, removed=(), expected=expected)
    assert applied()[0] == store.get_plan("shop")
    assert store.get_group("shop-2") is None


def test_an_apply_removes_groups_and_keeps_the_living_execution(store):
    """The mark of the living execution is not the applier's to change."""
    store.create(execution(), (), begun=0)
    plan, groups = applied(version=2, waves=2)
    store.apply(plan, groups[1:], removed=("shop-1",), expected=1)
    assert 2 == store.get_plan("shop").version
    assert "E1" == store.get_plan("shop").active_execution_id
    assert ["shop-2"] == [found.group.group_id for found in store.list_groups()]


def test_a_group_of_another_plan_is_not_taken(store):
    """A group belongs to one plan."""
    plan, _ = applied("bank")
    _, foreign = applied("shop")
    stolen = foreign[0].model_copy(update={"group": foreign[0].group.model_copy(update={"plan_id": "bank"})})
    with pytest.raises(Refused, match="belongs to plan shop"):
        store.apply(plan, (stolen,), removed=(), expected=None)
    assert store.get_plan("bank") is None


def test_a_plan_is_deleted_with_its_groups(store):
    """Only its own."""
    apply(store, "bank")
    store.delete_plan("shop")
    assert store.get_plan("shop") is None
    assert ["bank-1"] == [found.group.group_id for found in store.list_groups()]
    with pytest.raises(NotFound):
        store.delete_plan("shop")


def test_nothing_is_deleted_while_an_execution_lives(store):
    """Neither the plan nor its groups."""
    store.create(execution(), (), begun=0)
    with pytest.raises(PlanBusy):
        store.delete_plan("shop")
    with pytest.raises(PlanBusy):
        store.delete_group("shop-1")
    assert store.get_group("shop-1") is not None


def test_a_group_in_use_is_not_deleted(store):
    """The plan names the wave; a group that no wave uses goes."""
    with pytest.raises(Refused, match="Wave 1"):
        store.delete_group("shop-1")
    plan, _ = applied(version=2)
    unused = plan.model_copy(update={"plan": recovery_plan("shop", waves=0)})
    store.apply(unused, (), removed=(), expected=1)
    store.delete_group("shop-1")
    assert store.get_group("shop-1") is None
    with pytest.raises(NotFound):
        store.delete_group("shop-1")


# --- cadence ---------------------------------------------------------------------------------------------------------


def test_one_worker_sets_the_cadence(store):
    """Conditional on the version, from the first write on."""
    first = Cadence(account_id=ACCOUNT, region=REGION, next_poll=START, version=1, trouble="throttled")
    assert store.get_cadence(ACCOUNT, REGION) is None
    store.put_cadence(first, expected=None)
    assert first == store.get_cadence(ACCOUNT, REGION)
    with pytest.raises(LostRace):
        store.put_cadence(first, expected=None)
    second = first.model_copy(update={"version": 2, "trouble": None, "next_poll": START + timedelta(seconds=15)})
    store.put_cadence(second, expected=1)
    with pytest.raises(LostRace):
        store.put_cadence(second, expected=1)
    assert second == store.get_cadence(ACCOUNT, REGION)
    assert [] == list(store.sweep())


# --- what is to be told ----------------------------------------------------------------------------------------------


def test_an_execution_that_is_over_stands_in_the_outbox_as_long_as_it_has_something_to_tell(store):
    """With when; one that lives says so in its header alone."""
    before = execution()
    store.create(before, (), begun=0)
    due = START + timedelta(minutes=5)
    notice = Notice(
        notice_id="E1-0001", kind=NoticeKind.END, key="end", at=START, headline="over",
        deliveries=(Delivery(target="dr", next_try=due),),
    )  # fmt: skip
    lives = following(before, notices=(notice,) * 45)
    store.commit(before, lives, (event(1),))
    assert ([], due) == (list(store.outstanding()), header_of(store.load("E1")).notify_due)
    over = ended(lives)
    store.commit(lives, over, (event(2),))
    assert over == store.load("E1")
    assert [("E1", ACCOUNT, REGION, due)] == [
        (one.execution_id, one.account_id, one.region, one.due) for one in store.outstanding()
    ]
    sent = following(over, notices=(), reminder=due + timedelta(hours=1))
    store.commit(over, sent, (event(3),))
    assert [due + timedelta(hours=1)] == [one.due for one in store.outstanding()]
    store.commit(sent, quiet := following(sent, reminder=None), (event(4),))
    assert ([], quiet) == (list(store.outstanding()), store.load("E1"))
    assert ["E1"] == [header.execution_id for header in store.sweep()]
