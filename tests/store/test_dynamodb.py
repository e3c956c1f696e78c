"""What only DynamoDB can get wrong: lost replies, half-way writers, indexes that forget, and errors.

Over moto and over ministack; every request is linted.
"""

from contextlib import suppress
from datetime import UTC, datetime

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from drskit.errors import LostRace, Malformed, MissingTables, NoCredentials, Refused, Throttled, Unavailable
from drskit.model import Cadence, ExecutionHeader, ExecutionStatus, JobLog, JobLogEntry, ServerStatus
from drskit.store.codec import item_key
from drskit.store.dynamodb import DynamoDbStore
from drskit.store.tables import check_tables, create_tables
from tests.store.servers import KEYS
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
)

THERE = {"ConditionExpression": "attribute_exists(#k)", "ExpressionAttributeNames": {"#k": "PlanId"}}
BIG = 51
"""Waves whose children need more than one transaction."""

only_ministack = pytest.mark.parametrize("client", ["ministack"], indirect=True)
"""For large executions: moto copies all its tables for each transaction, which takes seconds."""


class Died(BaseException):
    """The process is gone."""


class Wire:
    """Counts the writes of a client, and cuts the line before or after one of them.

    `lost` loses the reply, so that the SDK sends again; `dies` stops the worker.
    """

    def __init__(self, client, *, lost=(), dies_before=(), dies_after=()):
        self.writes = self.sent_again = 0
        self.lost, self.dies_before, self.dies_after = set(lost), set(dies_before), set(dies_after)
        for operation in ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"):
            client.meta.events.register_first(f"before-send.dynamodb.{operation}", self._before)
            client.meta.events.register_first(f"needs-retry.dynamodb.{operation}", self._after)

    def _before(self, **_):
        self.writes += 1
        if self.writes in self.dies_before:
            raise Died

    def _after(self, **_):
        if self.writes in self.dies_after:
            raise Died
        if self.writes not in self.lost:
            return None
        self.sent_again += 1
        return 0


def table(store, kind="execution-history") -> str:
    names = store._tables
    return {"execution-history": names.history, "recovery-plans": names.plans}[kind]


def header_key(execution_id="E1", plan_id="shop"):
    return {"ExecutionId": {"S": execution_id}, "PlanId": {"S": plan_id}}


def raw(client, store, execution_id="E1"):
    """Every item of an execution, as any other program reads them."""
    return client.query(
        TableName=table(store),
        KeyConditionExpression="#e = :e",
        ExpressionAttributeNames={"#e": "ExecutionId"},
        ExpressionAttributeValues={":e": {"S": execution_id}},
    )["Items"]


def spoil(client, store, name, value, plan_id="shop", execution_id="E1"):
    """Another program changes an attribute of a header; None removes it."""
    request = {"TableName": table(store), "Key": header_key(execution_id, plan_id)}
    request |= {"ConditionExpression": "attribute_exists(#k)", "ExpressionAttributeNames": {"#n": name, "#k": "PlanId"}}
    if value is None:
        client.update_item(UpdateExpression="REMOVE #n", **request)
    else:
        client.update_item(UpdateExpression="SET #n = :v", ExpressionAttributeValues={":v": value}, **request)


# --- lost replies ----------------------------------------------------------------------------------------------------


def test_a_write_whose_reply_was_lost_knows_itself(client, dynamodb, clock):
    """The SDK sends each write twice; the second finds the first, and nobody lost a race."""
    wire = Wire(client, lost=range(1, 1000, 2))
    before = execution()
    dynamodb.create(before, (event(1),), begun=0)
    after = everywhere(before, ServerStatus.LAUNCHING)
    dynamodb.commit(before, after, (event(2),))
    over = ended(after)
    dynamodb.commit(after, over, (event(3),))
    cadence = Cadence(account_id=ACCOUNT, region=REGION, next_poll=START, version=1)
    dynamodb.put_cadence(cadence, expected=None)
    dynamodb.put_cadence(cadence.model_copy(update={"version": 2}), expected=1)
    plan, groups = applied(version=2)
    dynamodb.apply(plan, groups, removed=(), expected=1)
    dynamodb.delete_plan("shop")
    assert 14 == wire.writes
    assert over == dynamodb.load("E1")
    assert [1, 2, 3] == [entry.sequence for entry in dynamodb.events("E1")]
    assert dynamodb.get_plan("shop") is None


@only_ministack
def test_a_large_write_whose_replies_were_lost_knows_itself(client, dynamodb):
    """Each of its transactions is sent twice."""
    wire = Wire(client, lost=range(1, 1000, 2))
    before = execution(waves=BIG, servers=1)
    dynamodb.create(before, (event(1),), begun=0)
    after = everywhere(before, ServerStatus.LAUNCHING)
    dynamodb.commit(before, after, (event(2),))
    assert after == dynamodb.load("E1")
    assert wire.writes > 8


def test_a_timeout_after_the_effect_is_unavailable_and_a_fresh_read_tells(client, dynamodb):
    """When no reply ever comes, nothing is claimed."""
    before = execution()
    dynamodb.create(before, (), begun=0)

    def no_reply(**_):
        raise ReadTimeoutError(endpoint_url="the table")

    client.meta.events.register("after-call.dynamodb.TransactWriteItems", no_reply)
    with pytest.raises(Unavailable, match="does not answer"):
        dynamodb.commit(before, following(before), (event(1),))
    client.meta.events.unregister("after-call.dynamodb.TransactWriteItems", no_reply)
    assert 2 == dynamodb.load("E1").version


# --- writers that die ------------------------------------------------------------------------------------------------


def write_large(store, before):
    after = everywhere(before, ServerStatus.LAUNCHING)
    store.commit(before, after, (event(2),))
    return after


@pytest.mark.parametrize("moment", ["dies_before", "dies_after"])
@only_ministack
def test_a_large_commit_is_seen_whole_or_not_at_all(client, dynamodb, moment):
    """Die around each transaction: the next worker reads the old or the new execution, and goes on."""
    before = execution(waves=BIG, servers=1)
    dynamodb.create(before, (event(1),), begun=0)
    after = everywhere(before, ServerStatus.LAUNCHING)
    for number in range(1, 4):
        worker = fresh(client)
        Wire(worker, **{moment: [number]})
        with pytest.raises(Died):
            DynamoDbStore(worker, prefix=dynamodb._tables.history.split("-")[0]).commit(before, after, (event(2),))
        found = dynamodb.load("E1")
        assert found in (before, after)
        assert (len(dynamodb.events("E1")) == 2) == (found == after)
        if found == after:
            break
    rival = following(found, waiting_for="nobody")
    dynamodb.commit(found, rival, ())
    assert rival == dynamodb.load("E1")


@pytest.mark.parametrize("number", [1, 2])
@only_ministack
def test_a_large_create_that_died_may_be_repeated(client, dynamodb, number):
    """What it left behind is in nobody's way, and frees or takes no plan."""
    before = execution(waves=BIG, servers=1)
    worker = fresh(client)
    Wire(worker, dies_after=[number])
    with pytest.raises(Died):
        DynamoDbStore(worker, prefix=dynamodb._tables.history.split("-")[0]).create(before, (event(1),), begun=0)
    assert dynamodb.get_plan("shop").active_execution_id is None
    assert [] == list(dynamodb.sweep())
    dynamodb.create(before, (event(1),), begun=0)
    assert before == dynamodb.load("E1")


@only_ministack
def test_another_store_continues_after_a_large_commit(client, dynamodb):
    """It learns the children's generation from the refusal of its first try."""
    before = execution(waves=BIG, servers=1)
    dynamodb.create(before, (event(1),), begun=0)
    after = write_large(dynamodb, before)
    other = DynamoDbStore(fresh(client), prefix=dynamodb._tables.history.split("-")[0])
    third = following(after, waves=(after.waves[0].model_copy(update={"reason": "slow"}), *after.waves[1:]))
    other.commit(after, third, (event(3),))
    assert third == dynamodb.load("E1")
    with pytest.raises(LostRace):
        dynamodb.commit(after, following(after), ())


@only_ministack
def test_a_large_commit_leaves_one_generation(client, dynamodb):
    """The children of the one before are deleted."""
    before = execution(waves=BIG, servers=1)
    dynamodb.create(before, (event(1),), begun=0)
    items = len(raw(client, dynamodb))
    write_large(dynamodb, before)
    assert items + 1 == len(raw(client, dynamodb))


@pytest.mark.parametrize("moment", ["dies_before", "dies_after"])
@only_ministack
def test_a_large_history_is_seen_whole_or_not_at_all(client, dynamodb, moment):
    """Die around each transaction; what a dead writer staged is never read, also after another's events."""
    first = execution()
    dynamodb.create(first, (event(1),), begun=0)
    long = tuple(event(number, note="n" * 300_000) for number in range(2, 26))
    for number in range(1, 4):
        worker = fresh(client)
        Wire(worker, **{moment: [number]})
        with pytest.raises(Died):
            other_store(worker, dynamodb).commit(first, following(first), long)
        found = dynamodb.load("E1")
        assert ((event(1), *long) if found.version == 2 else (event(1),)) == dynamodb.events("E1")
        if found.version == 2:
            break
    told = event(2 if found.version == 1 else 26, note="short")
    dynamodb.commit(found, following(found), (told,))
    assert told == dynamodb.events("E1")[-1]
    assert (told,) == dynamodb.events("E1", after=told.sequence - 1)
    assert told.sequence == len(dynamodb.events("E1"))


@only_ministack
def test_the_loser_of_two_large_histories_leaves_no_trace_in_it(client, dynamodb):
    """Both stage their events before one of them wins."""
    first = execution()
    dynamodb.create(first, (), begun=0)
    loser = tuple(event(number, who="loser", note="n" * 300_000) for number in range(1, 14))
    winner = tuple(event(number, who="winner", note="n" * 300_000) for number in range(1, 14))
    worker = fresh(client)
    Wire(worker, dies_before=[2])
    with pytest.raises(Died):
        other_store(worker, dynamodb).commit(first, following(first), loser)
    dynamodb.commit(first, following(first), winner)
    assert winner == dynamodb.events("E1")
    with pytest.raises(LostRace):
        other_store(fresh(client), dynamodb).commit(first, following(first), loser)
    assert winner == dynamodb.events("E1")


@only_ministack
def test_a_large_history_whose_replies_were_lost_knows_itself(client, dynamodb):
    """Each of its transactions is sent twice."""
    first = execution()
    dynamodb.create(first, (), begun=0)
    wire = Wire(client, lost=range(1, 1000, 2))
    long = tuple(event(number, note="n" * 300_000) for number in range(1, 26))
    dynamodb.commit(first, following(first), long)
    assert long == dynamodb.events("E1")
    assert wire.writes == 2 * wire.sent_again > 2


def test_a_history_that_lost_a_part_is_malformed(client, dynamodb):
    """Never silently shorter."""
    long = tuple(event(number, note="n" * 300_000) for number in range(1, 14))
    dynamodb.create(execution(), long, begun=0)
    items = dynamodb._wire.scan(table(dynamodb), ("ExecutionId", "PlanId"))
    part = next(item["PlanId"]["S"] for item in items if "@" in item["PlanId"]["S"])
    client.delete_item(TableName=table(dynamodb), Key=header_key(plan_id=part), **THERE)
    with pytest.raises(Malformed, match="not all"):
        dynamodb.events("E1")


def test_an_event_that_no_item_holds_is_refused_by_name(client, dynamodb):
    """The events around it are not to blame."""
    before = execution()
    dynamodb.create(before, (event(1),), begun=0)
    with pytest.raises(Refused, match=r"Event 3 \(Something\) of execution E1"):
        dynamodb.commit(before, following(before), (event(2), event(3, note="n" * 360_000), event(4)))
    assert before == dynamodb.load("E1")


def test_an_item_that_is_too_large_is_refused_by_name(dynamodb):
    """Before anything is sent, in creation and in a change."""
    before = execution()
    large = {"replace": ("i" * 360_000,)}
    refusal = r"Item shop#PLAN of execution E1 has 3\d{5} bytes; 350000 are allowed"
    with pytest.raises(Refused, match=refusal):
        dynamodb.create(before.model_copy(update=large), (event(1),), begun=0)
    dynamodb.create(before, (event(1),), begun=0)
    with pytest.raises(Refused, match=refusal):
        dynamodb.commit(before, following(before).model_copy(update=large), (event(2),))
    assert before == dynamodb.load("E1")


def other_store(client, store):
    """Another worker's store over the same tables."""
    return DynamoDbStore(client, prefix=store._tables.history.split("-")[0])


def fresh(client):
    """Another client of the same DynamoDB."""
    return boto3.client("dynamodb", endpoint_url=client.meta.endpoint_url, config=client.meta.config, **KEYS)


# --- what the items look like ----------------------------------------------------------------------------------------


def test_items_are_as_designed(client, dynamodb):
    """Header under 4 KB, items under 350 KB, children with `#` and without Status or StartTime."""
    before = execution(waves=3, servers=1000)
    dynamodb.create(before, (event(1),), begun=0)
    line = JobLogEntry(time=START, event="LAUNCH_START", error="e" * 1000)
    log = JobLog(job_id="drsjob-1", wave_name="Wave 1", entries=(line,) * 600)
    dynamodb.commit(before, everywhere(before, ServerStatus.FAILED, error="e" * 2000), (event(2),), (log,))
    items = {}
    for item in dynamodb._wire.scan(table(dynamodb), ("ExecutionId", "PlanId")):
        items[item["PlanId"]["S"]] = item
    assert {"N": str(int(START.timestamp()))} == items["shop"]["StartTime"]
    assert "M" in items["shop#PLAN"]["Plan"]
    assert "M" in next(iter(items["~EVENT#000000000001"]["Events"]["L"]))
    assert {"~LOG#drsjob-1#0001", "~LOG#drsjob-1#0002", "~EVENT#000000000002"} < set(items)
    assert len(str(items["shop"]).encode()) < 4096
    for key, item in items.items():
        assert len(str(item).encode()) < 500_000
        assert (key == "shop") == ("Status" in item) == ("StartTime" in item) == ("#" not in key)


def test_a_small_commit_writes_only_what_changed(client, dynamodb):
    """One server of 1,000: its chunk, the header, the event."""
    before = execution(servers=1000)
    dynamodb.create(before, (), begun=0)
    sent = []
    client.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", lambda params, **_: sent.append(params["TransactItems"])
    )
    (wave,) = before.waves
    server = wave.servers[555].model_copy(update={"status": ServerStatus.LAUNCHED})
    changed = wave.model_copy(update={"servers": (*wave.servers[:555], server, *wave.servers[556:])})
    dynamodb.commit(before, following(before, waves=(changed,)), (event(1),))
    (actions,) = sent
    keys = [action.get("Key", action.get("Item"))["PlanId"]["S"] for item in actions for action in item.values()]
    assert ["shop", "shop#SERVERS#0001#0006", "~EVENT#000000000001"] == keys


def test_a_load_is_one_query_without_the_history(client, dynamodb):
    """However long the history is."""
    before = execution()
    dynamodb.create(before, (event(1, note="n" * 300_000),), begun=0)
    seen = []
    client.meta.events.register("after-call.dynamodb", lambda parsed, model, **_: seen.append((model.name, parsed)))
    dynamodb.load("E1")
    ((operation, reply),) = seen
    assert "Query" == operation
    assert not [item for item in reply["Items"] if item["PlanId"]["S"].startswith("~")]


def test_attributes_of_others_survive_a_commit(client, dynamodb):
    """The header is changed, not replaced."""
    before = execution()
    dynamodb.create(before, (), begun=0)
    spoil(client, dynamodb, "Ticket", {"S": "CHG-1"})
    dynamodb.commit(before, following(before), ())
    assert {"S": "CHG-1"} == raw(client, dynamodb)[0]["Ticket"]


# --- items that cannot be read ---------------------------------------------------------------------------------------


def other(store, plan_id="bank", execution_id="E2"):
    plan, groups = applied(plan_id)
    store.apply(plan, groups, removed=(), expected=None)
    store.create(execution(execution_id, plan_id), (), begun=0)


@pytest.mark.parametrize("name", ["StartTime", "Status"])
def test_a_sweep_finds_what_the_index_lost(client, dynamodb, name):
    """A header without an index's key is in no index; the table itself still has it."""
    dynamodb.create(execution(), (), begun=0)
    other(dynamodb)
    spoil(client, dynamodb, name, None)
    assert ["E2"] == [header.execution_id for header in dynamodb.find([ExecutionStatus.PENDING])]
    swept = {getattr(item, "key", None) or item.execution_id: item for item in dynamodb.sweep()}
    assert {"E1/shop", "E2"} == set(swept)
    assert f"it has no {name}" == swept["E1/shop"].reason


@pytest.mark.parametrize(
    ("name", "value"),
    [("Version", {"S": "one"}), ("Mode", {"S": "MAYBE"}), ("Schema", {"N": "2"}), ("Waves", {"S": "none"})],
)
def test_a_malformed_header_stops_nobody_else(client, dynamodb, name, value):
    """It is shown with its reason, in its place, and is not loaded."""
    dynamodb.create(execution(), (), begun=0)
    other(dynamodb)
    spoil(client, dynamodb, name, value)
    found = list(dynamodb.find([ExecutionStatus.PENDING]))
    assert ["E1/shop"] == [item.key for item in found if isinstance(item, Malformed)]
    assert ["E2"] == [item.execution_id for item in found if isinstance(item, ExecutionHeader)]
    if name != "Waves":
        with pytest.raises(Malformed):
            dynamodb.load("E1")


def test_a_quarantine_changes_nothing_else(client, dynamodb):
    """The mark has reason and time; a second one leaves the first."""
    dynamodb.create(execution(), (), begun=0)
    untouched = raw(client, dynamodb)
    dynamodb.quarantine(Malformed(item_key("E1", "shop"), "first"))
    dynamodb.quarantine(Malformed(item_key("E1", "shop"), "second"))
    marked, *children = raw(client, dynamodb)
    mark = marked.pop("Quarantined")["M"]
    assert {"S": "first"} == mark["Reason"]
    assert mark["Time"]["S"].endswith("Z")
    assert untouched == [marked, *children]


def test_a_commit_removes_the_mark(client, dynamodb):
    """What was written again can be read."""
    before = execution()
    dynamodb.create(before, (), begun=0)
    dynamodb.quarantine(Malformed(item_key("E1", "shop"), "it smells"))
    dynamodb.commit(before, following(before), ())
    assert "Quarantined" not in raw(client, dynamodb)[0]


def test_an_item_of_a_newer_layout_is_shown_and_not_marked(client, dynamodb):
    """Once this worker is brought up to date, or the newer one comes back, it is read as if nothing had been."""
    before = execution()
    dynamodb.create(before, (), begun=0)
    spoil(client, dynamodb, "Schema", {"N": "2"})
    spoil(client, dynamodb, "Status", {"S": "REHEARSING"})
    (found,) = dynamodb.sweep()
    assert "newer drskit" in found.reason
    dynamodb.quarantine(found)
    assert "Quarantined" not in raw(client, dynamodb)[0]
    spoil(client, dynamodb, "Schema", {"N": "1"})
    spoil(client, dynamodb, "Status", {"S": "PENDING"})
    assert before == dynamodb.load("E1")


@only_ministack
def test_whatever_is_spoiled_stops_no_list_and_no_load(client, dynamodb):
    """Each attribute of each item, absent or wrong: an execution loads or is Malformed, and the other one is shown."""
    dynamodb.create(execution(), (event(1),), begun=0)
    other(dynamodb)
    for item in raw(client, dynamodb):
        for name in sorted(set(item) - {"ExecutionId", "PlanId"}):
            for wrong in ({"S": "7"}, {"N": "7"}, {"M": {}}, {"SS": ["a"]}, None):
                if name == "Status" and wrong not in ({"S": "7"}, None):
                    continue
                if name == "StartTime" and wrong not in ({"N": "7"}, None):
                    continue
                changed = {key: value for key, value in (item | {name: wrong}).items() if value is not None}
                client.put_item(TableName=table(dynamodb), Item=changed, **THERE)
                for found in (dynamodb.find(ExecutionStatus), dynamodb.list_executions(), dynamodb.sweep()):
                    assert "E2" in [shown.execution_id for shown in found if isinstance(shown, ExecutionHeader)]
                for read in (dynamodb.load, dynamodb.events, dynamodb.job_logs):
                    with suppress(Malformed):
                        read("E1")
        client.put_item(TableName=table(dynamodb), Item=item, **THERE)
    assert execution() == dynamodb.load("E1")


CADENCE = Cadence(account_id=ACCOUNT, region=REGION, next_poll=START, version=3)


def spoil_cadence(client, store, name, value):
    key = {"plan_id": "#CADENCE", "execution_id": f"CADENCE#{ACCOUNT}#{REGION}"}
    spoil(client, store, name, value, **key)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NextPoll", {"S": "tomorrow"}),
        ("NextPoll", {"S": "2026-03-01T09:00:00"}),
        ("NextPoll", None),
        ("Version", {"S": "3"}),
        ("Version", {"SS": ["3"]}),
        ("Version", {"N": "3.5"}),
        ("Version", None),
        ("Trouble", {"L": []}),
        ("WriteId", {"B": b"x"}),
        ("AccountId", {"S": "000000000000"}),
    ],
)
def test_a_cadence_that_cannot_be_read_is_removed(client, dynamodb, name, value):
    """The next pass makes it anew; nobody waits for it."""
    dynamodb.put_cadence(CADENCE, expected=None)
    spoil_cadence(client, dynamodb, name, value)
    assert dynamodb.get_cadence(ACCOUNT, REGION) is None
    dynamodb.put_cadence(CADENCE, expected=None)
    assert CADENCE == dynamodb.get_cadence(ACCOUNT, REGION)


def test_what_a_newer_drskit_adds_to_a_cadence_is_passed_over(client, dynamodb):
    """Also of a type that this one never writes."""
    dynamodb.put_cadence(CADENCE, expected=None)
    spoil_cadence(client, dynamodb, "Ceiling", {"N": "60"})
    assert CADENCE == dynamodb.get_cadence(ACCOUNT, REGION)


def test_a_cadence_written_meanwhile_is_not_removed(client, dynamodb):
    """The removal names the write that could not be read; what came after it is read instead."""
    dynamodb.put_cadence(CADENCE, expected=None)
    spoil_cadence(client, dynamodb, "NextPoll", {"S": "tomorrow"})
    following_one = CADENCE.model_copy(update={"version": 4})
    rival = other_store(fresh(client), dynamodb)

    def overtake(**_):
        client.meta.events.unregister("before-send.dynamodb.DeleteItem", overtake)
        rival.put_cadence(following_one, expected=3)

    client.meta.events.register_first("before-send.dynamodb.DeleteItem", overtake)
    assert following_one == dynamodb.get_cadence(ACCOUNT, REGION)


def test_a_missing_child_is_malformed(client, dynamodb):
    """The children must add up to what the header says."""
    dynamodb.create(execution(), (), begun=0)
    client.delete_item(
        TableName=table(dynamodb),
        Key=header_key(plan_id="shop#SERVERS#0001#0001"),
        ConditionExpression="attribute_exists(#k)",
        ExpressionAttributeNames={"#k": "PlanId"},
    )
    with pytest.raises(Malformed, match="do not add up"):
        dynamodb.load("E1")


def test_find_pages(client, dynamodb):
    """What is behind the first page is found."""
    dynamodb.create(execution(), (), begun=0)
    for number in range(5):
        other(dynamodb, f"plan-{number}", f"F{number}")

    def small(params, **_):
        params["Limit"] = 2

    client.meta.events.register("provide-client-params.dynamodb.Query", small)
    client.meta.events.register("provide-client-params.dynamodb.Scan", small)
    everything = {"E1", "F0", "F1", "F2", "F3", "F4"}
    assert everything == {header.execution_id for header in dynamodb.find([ExecutionStatus.PENDING])}
    assert everything == {header.execution_id for header in dynamodb.sweep()}
    assert 6 == len(list(dynamodb.list_executions()))
    assert 6 == len(list(dynamodb.list_plans()))
    assert execution() == dynamodb.load("E1")


# --- time ------------------------------------------------------------------------------------------------------------


def test_the_present_is_the_last_replys_date(client, dynamodb):
    """Whatever the machine's own clock says."""

    def dated(http_response, parsed, **_):
        parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = "Sun, 01 Mar 2026 09:00:05 GMT"

    client.meta.events.register_first("after-call.dynamodb", dated)
    dynamodb.get_plan("shop")
    assert datetime(2026, 3, 1, 9, 0, 5, tzinfo=UTC) == dynamodb.now()


def test_the_present_is_asked_for_when_nothing_was_said_yet(client, dynamodb):
    """One cheap call, and only the first time."""
    seen = []
    client.meta.events.register("after-call.dynamodb", lambda model, **_: seen.append(model.name))
    store = DynamoDbStore(client, prefix=dynamodb._tables.history.split("-")[0])
    assert store.now() == store.now()
    assert ["GetItem"] == seen


# --- errors ----------------------------------------------------------------------------------------------------------


def test_a_missing_table_is_named_with_the_remedy(client):
    """For reads, writes and transactions."""
    store = DynamoDbStore(client, prefix="nowhere", env="test")
    with pytest.raises(MissingTables, match=r"nowhere-recovery-plans-test .*drskit tables create"):
        store.get_plan("shop")
    with pytest.raises(MissingTables, match="nowhere-execution-history-test"):
        list(store.sweep())
    with pytest.raises(MissingTables, match="nowhere-execution-history-test"):
        store.put_cadence(Cadence(account_id=ACCOUNT, region=REGION, next_poll=START, version=1), expected=None)


def answered(client, code, status=400, message="said AWS"):
    """Let the client get this error for everything."""

    def answer(http_response, parsed, **_):
        parsed["Error"] = {"Code": code, "Message": message}
        http_response.status_code = status
        parsed["ResponseMetadata"]["HTTPStatusCode"] = status

    client.meta.events.register("after-call.dynamodb", answer)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ExpiredTokenException", 400, NoCredentials),
        ("UnrecognizedClientException", 400, NoCredentials),
        ("InvalidSignatureException", 400, NoCredentials),
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("RequestLimitExceeded", 400, Throttled),
        ("ThrottledException", 400, Throttled),
        ("RequestThrottled", 400, Throttled),
        ("SlowDown", 503, Throttled),
        ("WhateverItIsCalled", 429, Throttled),
        ("SignatureDoesNotMatch", 403, NoCredentials),
        ("InvalidToken", 400, NoCredentials),
        ("MissingAuthenticationTokenException", 400, NoCredentials),
        ("IncompleteSignature", 400, NoCredentials),
        ("AccessDeniedException", 400, Unavailable),
        ("InternalServerError", 500, Unavailable),
        ("ValidationException", 400, Unavailable),
    ],
)
def test_an_error_of_aws_is_told_by_who_must_act(moto_client, prefix, clock, code, status, error):
    """The code and AWS's own words stay in the message."""
    create_tables(moto_client, clock, prefix=prefix)
    store = DynamoDbStore(moto_client, prefix=prefix)
    answered(moto_client, code, status)
    for call in (lambda: store.get_plan("shop"), lambda: store.create(execution(), (), begun=0)):
        with pytest.raises(error, match=f"{code}|said AWS") as caught:
            call()
        assert error is type(caught.value)


HTML = b"<html><body>Log in to this network</body></html>"
AWS_HEADERS = {"x-amzn-RequestId": "R1", "Content-Type": "application/x-amz-json-1.0"}


def replies(body, headers):
    """A client of a server that answers everything with 200 and this body."""
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", **KEYS)
    raw_body = type("Raw", (), {"stream": lambda *_, **__: iter([body])})()
    client.meta.events.register(
        "before-send.dynamodb", lambda **_: AWSResponse("http://127.0.0.1:9", 200, headers, raw_body)
    )
    return client


CALLS = {
    "now": lambda store: store.now(),
    "load": lambda store: store.load("E1"),
    "get_plan": lambda store: store.get_plan("shop"),
    "list_plans": lambda store: list(store.list_plans()),
    "find": lambda store: list(store.find([ExecutionStatus.PENDING])),
    "sweep": lambda store: list(store.sweep()),
    "events": lambda store: store.events("E1"),
    "job_logs": lambda store: store.job_logs("E1"),
    "get_cadence": lambda store: store.get_cadence(ACCOUNT, REGION),
    "create": lambda store: store.create(execution(), (), begun=0),
    "commit": lambda store: store.commit(execution(), following(execution()), ()),
    "put_cadence": lambda store: store.put_cadence(CADENCE, expected=None),
    "apply": lambda store: store.apply(*applied(), removed=(), expected=None),
    "check": lambda store: check_tables(store._wire._client),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", [HTML, b"", b"{}", b"[]", b'"text"', b'{"Items": [], "Item": {}}'])
def test_a_captive_proxys_200_is_no_answer(call, body):
    """Neither empty nor written, and its clock is not AWS's."""
    headers = {"Content-Type": "text/html", "Date": "Sun, 01 Mar 2026 09:00:05 GMT"}
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9 is not DynamoDB"):
        CALLS[call](DynamoDbStore(replies(body, headers)))


@pytest.mark.parametrize("call", ["load", "list_plans", "find", "sweep", "events", "job_logs", "check"])
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"3",
        HTML,
        b'{"Items": null}',
        b'{"Items": "abc"}',
        b'{"Items": [null]}',
        b'{"Items": [{}]}',
        b'{"Items": [{"ExecutionId": null}]}',
        b'{"Items": [{"ExecutionId": {"S": 5}, "PlanId": {"S": 5}}]}',
        b'{"Items": [{"ExecutionId": {"S": "E"}, "PlanId": {"S": "P"}, "Status": {}}]}',
    ],
)
def test_a_reply_without_what_it_must_hold_is_no_answer(call, body):
    """Under AWS's own headers as well."""
    with pytest.raises(Unavailable, match="is not DynamoDB"):
        CALLS[call](DynamoDbStore(replies(body, AWS_HEADERS)))


def test_a_date_that_is_none_tells_no_time():
    """Rather than an error of the parser."""
    with pytest.raises(Unavailable, match="no Date"):
        DynamoDbStore(replies(b"{}", AWS_HEADERS | {"Date": "today"})).now()


def test_a_denied_call_names_the_permission(moto_client, prefix, clock):
    """So that the role can be changed."""
    create_tables(moto_client, clock, prefix=prefix)
    answered(moto_client, "AccessDeniedException")
    with pytest.raises(Unavailable, match="dynamodb:GetItem"):
        DynamoDbStore(moto_client, prefix=prefix).get_plan("shop")


def test_an_endpoint_that_does_not_answer_is_named():
    """Nothing listens on port 9 of this machine."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=config, **KEYS)
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9 does not answer"):
        DynamoDbStore(client).load("E1")


def test_no_credentials_are_told_apart(monkeypatch, tmp_path):
    """Before anything is sent."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client = boto3.Session().client("dynamodb", region_name=REGION, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(NoCredentials, match="Log in"):
        DynamoDbStore(client).load("E1")


def conflict(times):
    """Refuse so many transactions because others hold their items."""
    left = [times]

    def answer(http_response, parsed, **_):
        if left[0]:
            left[0] -= 1
            parsed["Error"] = {"Code": "TransactionCanceledException", "Message": "cancelled"}
            parsed["CancellationReasons"] = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            http_response.status_code = 400

    return answer


def test_a_passing_conflict_is_repeated(moto_client, prefix, clock):
    """The SDK does not do it. Here the effect came first, so the repetition also finds itself."""
    create_tables(moto_client, clock, prefix=prefix)
    store = DynamoDbStore(moto_client, prefix=prefix)
    moto_client.meta.events.register("after-call.dynamodb.TransactWriteItems", conflict(2))
    plan, groups = applied()
    store.apply(plan, groups, removed=(), expected=None)
    assert plan == store.get_plan("shop")


def test_a_lasting_conflict_is_a_lost_race(moto_client, prefix, clock):
    """Bounded, and without waiting."""
    create_tables(moto_client, clock, prefix=prefix)
    moto_client.meta.events.register("after-call.dynamodb.TransactWriteItems", conflict(99))
    plan, groups = applied()
    with pytest.raises(LostRace):
        DynamoDbStore(moto_client, prefix=prefix).apply(plan, groups, removed=(), expected=None)


def test_the_second_dynamodb_is_a_strict_one(ministack_client, prefix, clock):
    """It refuses bare reserved words everywhere, knows transactions, and checks the types of an index's keys."""
    create_tables(ministack_client, clock, prefix=prefix)
    client = boto3.client("dynamodb", endpoint_url=ministack_client.meta.endpoint_url, **KEYS)
    name = f"{prefix}-execution-history-dev"
    put = {"TableName": name, "Item": header_key() | {"Status": {"S": "PENDING"}, "StartTime": {"N": "1"}}}
    client.put_item(**put)
    bare = {"ExpressionAttributeValues": {":s": {"S": "PENDING"}}, "TableName": name}
    calls = {
        "key": lambda: client.query(IndexName="StatusIndex", KeyConditionExpression="Status = :s", **bare),
        "filter": lambda: client.scan(FilterExpression="Status = :s", **bare),
        "condition": lambda: client.put_item(ConditionExpression="attribute_not_exists(Status)", **put),
        "update": lambda: client.update_item(Key=header_key(), UpdateExpression="SET Status = :s", **bare),
        "projection": lambda: client.scan(TableName=name, ProjectionExpression="Status"),
    }
    for call in calls.values():
        with pytest.raises(ClientError, match="reserved keyword"):
            call()
    with pytest.raises(ClientError, match="Type mismatch for Index Key StartTime"):
        client.put_item(TableName=name, Item=header_key("E2") | {"Status": {"S": "A"}, "StartTime": {"S": "1"}})
    taken = {"ConditionExpression": "attribute_not_exists(#k)", "ExpressionAttributeNames": {"#k": "ExecutionId"}}
    old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    free = {"TableName": name, "Item": header_key("E3")}
    with pytest.raises(ClientError) as caught:
        client.transact_write_items(TransactItems=[{"Put": free | taken}, {"Put": put | taken | old}])
    assert "TransactionCanceledException" == caught.value.response["Error"]["Code"]
    assert ["None", "ConditionalCheckFailed"] == [
        entry["Code"] for entry in caught.value.response["CancellationReasons"]
    ]
    assert put["Item"] == caught.value.response["CancellationReasons"][1]["Item"]
    assert "Item" not in client.get_item(TableName=name, Key=header_key("E3"))
