"""No item outgrows its limit, whatever happens during a drill."""

from datetime import timedelta

import pytest

from drskit import bounds
from drskit.actions import ActionKind, Task, TaskPhase
from drskit.cleanup import KEPT_MOST, new_cleanup
from drskit.errors import Refused
from drskit.history import first_event, narrate
from drskit.model import Decision, ServerStatus
from drskit.placeholders import REQUEST_BYTES
from drskit.seen import Sight
from drskit.store.attributes import item_bytes, to_item
from drskit.store.codec import fitted, header_of, header_values
from drskit.store.limits import ensure_fits, largest_header_bytes, largest_item_bytes
from drskit.targets import OWN, Bystander, Selection, Target
from tests.builders import execution_of, wave
from tests.store.strategies import everywhere, execution, server_id


def test_three_thousand_servers_fit():
    """In one wave or in thirty."""
    ensure_fits(execution(waves=1, servers=3000))
    ensure_fits(execution(waves=30, servers=100))


def test_the_worst_case_is_worse_than_a_bad_drill():
    """Every server failed with a long error, and still smaller than what was planned for."""
    before = execution(servers=300)
    said = Decision(by="b" * 500, at=before.start_time, reason="r" * 5000)
    after = everywhere(before, ServerStatus.FAILED, error="e" * 5000, launch_status="FAILED")
    after = after.model_copy(update={"waves": (after.waves[0].model_copy(update={"overridden": said}),)})
    assert largest_item_bytes(before) >= max(
        item_bytes(to_item({"Servers": [server.to_json() for server in wave.servers[:100]]}))
        for wave in bounds.bounded(after).waves
    )
    assert 100 * bounds.TEXT_BYTES < largest_item_bytes(before) <= bounds.ITEM_BYTES


def test_what_could_outgrow_an_item_is_refused_before_it_starts():
    """The refusal names the item."""
    huge = execution()
    group = huge.groups[0].model_copy(update={"servers": tuple(server_id(number) for number in range(20_000))})
    with pytest.raises(Refused, match="GROUP#0001"):
        ensure_fits(huge.model_copy(update={"groups": (group,)}))


def test_the_largest_event_is_counted():
    """A hundred servers that fail at once, each with a long name and a long error; and the first event, of all."""
    before = execution(servers=300)
    named = tuple(server.model_copy(update={"name": "n" * 600}) for server in before.waves[0].servers)
    before = before.model_copy(update={"waves": (before.waves[0].model_copy(update={"servers": named}),)})
    after = everywhere(before, ServerStatus.FAILED, error="e" * bounds.TEXT_BYTES)
    _, told = narrate(before, after, now=before.start_time, actor="engine")
    hundred = told[0].model_copy(update={"facts": {"Servers": told[0].facts["Servers"][:100]}})
    assert item_bytes(to_item(hundred.to_json())) <= largest_item_bytes(before)
    _, first = first_event(before)
    assert item_bytes(to_item(first.to_json())) <= largest_item_bytes(before)


def test_the_largest_run_of_an_action_fits_with_its_event():
    """A request at its limit, and as much of an answer as is kept; the event of its making holds it once more."""
    before = execution()
    said = Decision(by="b" * 500, at=before.start_time, reason="r" * 5000)
    task = Task(
        task_id="0" * 26, wave_name="Wave 1", phase=TaskPhase.BEFORE, index=0, number=1, kind=ActionKind.HTTP,
        title="t" * 2_100, intended_at=before.start_time, request="ü" * REQUEST_BYTES, outcome="o" * 5_000,
        output="ü" * 5_000, trouble="t" * 5_000, external_id="e" * 200, again=said, overridden=said,
    )  # fmt: skip
    after, events = narrate(before, before.model_copy(update={"tasks": (task,)}), now=before.start_time, actor="a")
    for value in (after.tasks[0], *events):
        assert item_bytes(to_item({"": value.to_json()})) <= bounds.ITEM_BYTES


def test_the_start_of_a_cleanup_of_three_thousand_instances_is_counted_and_fits():
    """Its first event names each of them, and as many that it leaves alone as are watched."""
    drill = execution_of((wave("Database"), 3_000))
    servers = drill.waves[0].servers
    targets = tuple(Target(server, f"i-{number:017d}", Sight(None, None)) for number, server in enumerate(servers))
    reason = f"{OWN}its failback may have begun (FAILBACK_READY_FOR_LAUNCH, CREATING_SNAPSHOT_OR_SO)"
    others = tuple(
        Bystander(f"i-{number:017d}", server.source_server_id, reason) for number, server in enumerate(servers)
    )
    cleanup, event = first_event(
        new_cleanup(
            drill, Selection(targets, others),
            execution_id="01JDD5Q3X8M4T7V2W9Y0ZABCDF", started_by="mira", at=drill.start_time, reason="over",
        )
    )  # fmt: skip
    assert (3_000, KEPT_MOST) == (len(cleanup.waves[0].servers), len(cleanup.kept))
    assert item_bytes(to_item({"": event.to_json()})) <= largest_item_bytes(cleanup)
    ensure_fits(cleanup)


def test_a_key_that_is_too_long_is_refused():
    """The header carries it whole."""
    with pytest.raises(Refused, match="key"):
        ensure_fits(execution().model_copy(update={"key": "k" * 300}))


@pytest.mark.parametrize("waves", [1, 20, 60, 500])
def test_a_header_stays_under_four_kilobytes(waves):
    """However many waves, with every text at its limit."""
    assert largest_header_bytes(execution(waves=waves, servers=3)) <= bounds.HEADER_BYTES


def test_a_crowded_header_loses_details_before_waves():
    """Jobs first, counts next, and then the last waves; how many is written down."""
    waves = [
        {
            "WaveName": f"Wave {n}",
            "Status": "PENDING",
            "Servers": {"PENDING": 1},
            "Jobs": [{"JobId": "j" * 24, "Attempt": 1}],
        }
        for n in range(9)
    ]
    size = item_bytes(to_item({"": waves}))
    assert (waves, 0) == fitted(waves, size)
    short, left_out = fitted(waves, size - 1)
    assert ([], {"PENDING": 1}, 0) == (short[0]["Jobs"], short[0]["Servers"], left_out)
    bare, left_out = fitted(waves, item_bytes(to_item({"": short})) - 1)
    assert ([], {}, 9, 0) == (bare[0]["Jobs"], bare[0]["Servers"], len(bare), left_out)
    few, left_out = fitted(waves, item_bytes(to_item({"": bare})) - 1)
    assert (bare[:8], 1) == (few, left_out)


def test_a_header_tells_how_many_waves_it_left_out():
    """Nothing is cut silently."""
    values = header_values(execution(waves=500))
    assert 500 == len(values["Waves"]) + values["WavesLeftOut"]
    assert 500 == len(header_of(execution(waves=500)).waves)
    assert "WavesLeftOut" in values
    assert values["WavesLeftOut"] > 0


def test_short_texts_stay_the_same_object():
    """So that comparing what changed stays cheap."""
    before = execution()
    assert before is bounds.bounded(before)
    assert timedelta(hours=0) == before.start_time - bounds.bounded(before).start_time


def test_a_text_is_cut_between_characters():
    """UTF-8 bytes count, and no character is halved."""
    assert "ab…" == bounds.shortened("ab€€", 5)
    assert "ab€" == bounds.shortened("ab€", 5)
    assert "a" * 999 == bounds.shortened("a" * 999)
