"""What goes into an item comes out of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drskit.bounds import bounded
from drskit.errors import Malformed
from drskit.model import Attempt, Command, CommandKind, Execution, ExecutionHeader
from drskit.nesting import models_of
from drskit.store import codec
from drskit.store.attributes import from_attribute, from_item, item_bytes, to_attribute, to_item
from drskit.store.codec import assembled, header_of, header_values, read_header
from drskit.store.commits import chunks
from tests.store.strategies import START, execution, executions, jsons

ALWAYS_WRITTEN = """
Action: name timeout retries retry_after on_failure repeatable
Approval: on_timeout by not_starter
Attempt: snapshots status refused excused
Automation: parameters
BudgetPolicy: run
BudgetRun: accepted
Call: method headers secrets expect
ChangeControl: ticket windows timezone
ChangeRecord: against
Check: target statuses exit_code
CheckRun: state attempts reds
Checking: round position calls
Checks: run_from every timeout shell
CleanupPolicy: after headless
Command: server_ids
Delivery: tries
Execution: execution_type status version replace fast kept attempts tasks commands notices events head
GroupRun: added removed
Invoke: event
Notice: text commands deliveries
NotifyTarget: kinds
Pacing: servers waves
Prices: large exact exact_windows windows_vcpu windows_sizes gib_month
Publish: message
RecoveryPlan: description owners targets cleanup pacing snapshots recovery notify at_end
RecoveryPolicy: second_person
RunCommand: document parameters on
ServerRun: name status critical phases checks
Size: instance_type gib windows seen
Snapshots: servers
Task: tries status sends refused
Wave: needs optional max_failed on_failure timeout order before after
WaveEdit: added groups removed
WaveRun: status unweighed servers
Where: groups instances
Window: days
"""
"""The fields that are in an item although nobody has set them: what they are by default is not None."""


def items_of(value):
    """An execution as the items that a store writes."""
    keys = {"ExecutionId": value.execution_id}
    children = {suffix: codec.content(part) for suffix, part in codec.parts(value).items()}
    stamps = {suffix: codec.stamp(child) for suffix, child in children.items()}
    header = {name: inner for name, inner in header_values(value).items() if inner is not None}
    yield to_item(header | {"Seal": sum(stamps.values())})
    for suffix, child in children.items():
        key = codec.child_key(value.plan_id, suffix, None)
        yield to_item(child | keys | {"PlanId": key, "Stamp": stamps[suffix]})


@given(jsons)
def test_json_survives(value):
    """Every value, and whole numbers stay `int`."""
    assert value == from_attribute(to_attribute(value))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=60, deadline=None)
@given(executions)
def test_an_execution_survives(value):
    """Every field, with texts at their limits."""
    value = bounded(value)
    assert value == assembled(items_of(value))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=30, deadline=None)
@given(executions)
def test_a_header_survives(value):
    """What a dashboard shows is what the execution says."""
    value = bounded(value)
    assert header_of(value) == read_header(next(items_of(value)))


def test_children_are_in_no_index():
    """They have `#` in PlanId, and neither Status nor StartTime."""
    header, *children = items_of(execution(waves=3))
    assert "#" not in header["PlanId"]["S"]
    assert {"S"} == set(header["Status"])
    assert {"N": str(int(datetime(2026, 3, 1, 9, tzinfo=UTC).timestamp()))} == header["StartTime"]
    for child in children:
        assert "#" in child["PlanId"]["S"]
        assert not {"Status", "StartTime"} & set(child)


def test_every_child_sorts_before_the_history():
    """So one Query loads an execution without it."""
    for item in items_of(execution(plan_id="zzz", waves=3)):
        assert item["PlanId"]["S"].encode() < codec.event_key(0).encode()
        assert item["PlanId"]["S"].encode() < codec.log_key("drsjob-1", 1).encode()


def test_an_execution_of_an_earlier_drskit_is_read():
    """What it did not know is at its default: no order, no pauses, no snapshots, nobody in particular to approve."""
    now = execution(waves=2)
    old = now.to_json()
    for name in ("Pacing", "Snapshots", "Timeout"):
        del old["Plan"][name]
    for wave in old["Plan"]["Waves"]:
        for name in ("Order", "MaxFailedPercent"):
            del wave[name]
    for wave in old["Waves"]:
        for server in wave["Servers"]:
            del server["Snapshot"]
    del old["Deadline"]
    assert now == Execution.model_validate(old)


def test_a_missing_child_is_noticed():
    """The children must add up to the header's seal."""
    header, *children = items_of(execution(waves=3))
    for absent in range(len(children)):
        assert assembled([header, *children[:absent], *children[absent + 1 :]]) is None


def test_what_a_writer_left_behind_is_not_read():
    """Only the generation that the header names counts."""
    whole = list(items_of(execution()))
    stray = to_item({"ExecutionId": "E1", "PlanId": "shop#WAVE#0001@dead", "Wave": {}, "Stamp": 5})
    assert execution() == assembled([*whole, stray])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Status": None}, "it has no Status"),
        ({"StartTime": None}, "it has no StartTime"),
        ({"StartTime": {"S": "2026-03-01"}}, "StartTime is of type S"),
        ({"StartTime": {"N": "1772355600000000"}}, "no time in epoch seconds"),
        ({"Version": {"S": "1"}}, "Version is of type S"),
        ({"Status": {"S": "CONVERTING"}}, "Status"),
        ({"Events": {"N": "1.5"}}, "1.5"),
        ({"Schema": {"N": "2"}}, "newer drskit"),
        ({"Schema": {"N": "2"}, "Status": None}, "newer drskit"),
        ({"Schema": {"S": "two"}}, "no layout of drskit"),
        ({"Waves": {"SS": ["a"]}}, "SS"),
    ],
)
def test_a_header_that_cannot_be_read_says_why(change, reason):
    """The key names the item, the reason the attribute."""
    header = next(items_of(execution())) | change
    with pytest.raises(Malformed, match=reason) as caught:
        read_header({name: value for name, value in header.items() if value is not None})
    assert "E1/shop" == caught.value.key


WRONG = (
    None,
    {"S": "wrong"},
    {"S": "7"},
    {"N": "7"},
    {"N": "1.5"},
    {"BOOL": True},
    {"NULL": True},
    {"L": [{"N": "1"}]},
    {"M": {"Wrong": {"S": "wrong"}}},
    {"SS": ["wrong"]},
    {"B": b"wrong"},
    {},
)
"""What another program might put in an attribute's place; None takes it away."""


def spoiled(items):
    """The items, again and again, each time with one attribute of one item wrong; keys are never wrong in a table."""
    for place, item in enumerate(items):
        for name in sorted(set(item) - {"ExecutionId", "PlanId"}):
            for wrong in WRONG:
                changed = {key: value for key, value in (item | {name: wrong}).items() if value is not None}
                yield f"{item['PlanId']['S']} {name} {wrong}", [*items[:place], changed, *items[place + 1 :]]


def outcome(read, items):
    """What was read, or why it could not be."""
    try:
        return read(items)
    except Malformed as malformed:
        return malformed


def test_whatever_is_spoiled_an_execution_is_read_or_malformed():
    """Each attribute of each item, absent or of each wrong type; a Malformed names the execution and says why."""
    count = 0
    for what, items in spoiled(list(items_of(full()))):
        count += 1
        found = outcome(assembled, items)
        if isinstance(found, Malformed):
            assert ("E1/shop", True) == (found.key, bool(found.reason)), what
        else:
            assert found is None or isinstance(found, Execution), what
    assert count > 300


def test_whatever_is_spoiled_a_header_is_read_or_malformed():
    """Lists go on."""
    for what, (header, *_) in spoiled([next(items_of(full()))]):
        found = outcome(read_header, header)
        if isinstance(found, Malformed):
            assert ("E1/shop", True) == (found.key, bool(found.reason)), what
        else:
            assert isinstance(found, ExecutionHeader), what


def test_a_spoiled_child_is_named():
    """So that a person finds the item."""
    header, *children = items_of(execution())
    changed = [child | ({"Wave": {"S": "gone"}} if "Wave" in child else {}) for child in children]
    with pytest.raises(Malformed, match=r"WAVE#0001 has no Wave that is a dict"):
        assembled([header, *changed])


def full():
    """An execution with every kind of item."""
    attempt = Attempt(
        attempt_id="A1", wave_name="Wave 1", chunk=0, number=1, signed_at=START, server_ids=(), outcome="slow"
    )
    command = Command(command_id="C1", kind=CommandKind.RESUME, by="ann", at=START, reason="go on")
    return execution(waves=2).model_copy(update={"attempts": (attempt,), "commands": (command,)})


@pytest.mark.parametrize("value", [0.5, 1.0, {1, 2}, b"x", datetime(2026, 3, 1, tzinfo=UTC)])
def test_what_is_no_exact_json_is_refused(value):
    """Rather than changed on the way."""
    with pytest.raises(TypeError):
        to_attribute({"Fact": [value]})


def test_a_number_of_too_many_digits_is_refused():
    """DynamoDB keeps 38."""
    assert {"N": "9" * 38} == to_attribute(10**38 - 1)
    with pytest.raises(ValueError, match="38 digits"):
        to_attribute(10**38)


@given(st.lists(st.integers(1, 340_000), max_size=12))
def test_chunks_fit_and_lose_nothing(sizes):
    """In order, and none of them empty."""
    values = [{"V": "x" * size} for size in sizes]
    parts = list(chunks(values))
    assert values == [value for part in parts for value in part]
    assert all(part and item_bytes(to_item({"Events": part})) <= 350_000 for part in parts)


def test_items_are_read_as_plain_values():
    """No Decimal, no type letters."""
    assert {"A": 1, "B": [True, None, ""]} == from_item(to_item({"A": 1, "B": [True, None, ""]}))


def test_a_noun_learns_no_field_that_is_written_although_nobody_has_set_it():
    """A new field is None by default, and then absent.

    Whoever changes a child takes the stamp of what stood there out of the header's Seal, and makes that stamp of what
    was read. Were a field there that an older drskit did not write, the Seal would add up no more: nobody could read
    an execution again that lived while its drskit was made newer.
    """
    found = {
        f"{noun.__name__}.{name}"
        for noun in models_of(Execution)
        for name, field in noun.model_fields.items()
        if not field.is_required() and field.get_default(call_default_factory=True) is not None
    }
    told = ALWAYS_WRITTEN.replace("\n  ", " ").strip().splitlines()
    known = {f"{noun}.{name}" for noun, _, names in (line.partition(": ") for line in told) for name in names.split()}
    assert set() == found - known
