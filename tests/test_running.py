"""Which finished drills still have instances: by headers, and by the records where a header cannot tell."""

from datetime import timedelta

import pytest

from drskit.model import AttemptStatus, ExecutionStatus, ExecutionType, ServerStatus
from drskit.running import launched_again, left_running, running_instances
from drskit.store.attributes import to_item
from drskit.store.codec import header_of, header_values, read_header
from tests.builders import at, attempt_of, execution_of, sid, wave

S = ServerStatus


def ended(*waves, number=1, **changes):
    """A drill that has ended; each wave is the statuses of its servers, and had a job."""
    parts = [(wave(f"Wave-{index:03d}"), len(statuses)) for index, statuses in enumerate(waves)]
    drill = execution_of(*parts, status=ExecutionStatus.COMPLETED, end_time=at(900 + number), **changes)
    runs = tuple(
        run.model_copy(
            update={
                "servers": tuple(
                    server.model_copy(update={"status": status})
                    for server, status in zip(run.servers, statuses, strict=True)
                ),
                "end_time": at(600 + index),
            }
        )
        for index, (run, statuses) in enumerate(zip(drill.waves, waves, strict=True))
    )
    attempts = tuple(
        attempt_of(
            index + 1,
            wave_name=run.wave_name,
            status=AttemptStatus.LAUNCHED,
            job_id=f"drsjob-{index:017d}",
            servers=tuple(server.source_server_id for server in run.servers),
        )
        for index, run in enumerate(runs)
    )
    start = drill.start_time + timedelta(days=number)
    update = {"waves": runs, "attempts": attempts, "start_time": start, "execution_id": f"E{number}"}
    return drill.model_copy(update=update)


def stored(drill):
    """Its header as a list shows it: what does not fit is cut."""
    return read_header(to_item({name: value for name, value in header_values(drill).items() if value is not None}))


def nobody(header):
    """Reads nothing."""
    return


class Reader:
    """Reads these executions, and notes which were asked for."""

    def __init__(self, *executions):
        self.known = {execution.execution_id: execution for execution in executions}
        self.asked = []

    def __call__(self, header):
        self.asked.append(header.execution_id)
        return self.known[header.execution_id]


def counts(found):
    """How many instances each left."""
    return {name: left.count for name, left in found.items()}


def test_a_record_says_how_many_instances_a_drill_left_and_since_when():
    """Launched and verified ones; since the first wave that still has one ended."""
    drill = ended([S.TERMINATED, S.FAILED], [S.LAUNCHED, S.VERIFIED, S.SKIPPED], [S.LAUNCHED])
    left = left_running(drill)
    assert (3, at(601)) == (left.count, left.since)
    assert left == running_instances([stored(drill)], nobody)["E1"]
    assert 1 == left_running(drill, {sid(3), sid(4)}).count
    assert None is left_running(drill, {sid(3), sid(4), sid(6)})


@pytest.mark.parametrize("changes", [{"status": ExecutionStatus.POLLING}, {"execution_type": ExecutionType.CLEANUP}])
def test_only_a_drill_that_is_over_left_anything(changes):
    """What runs is at work, and a cleanup's instances are the drill's."""
    execution = ended([S.LAUNCHED]).model_copy(update=changes)
    assert None is left_running(execution)
    assert {} == running_instances([stored(execution)], nobody)


def test_a_header_that_was_cut_is_read_whole():
    """Nothing of a long plan is said to be gone because its header has no room."""
    drill = ended(*([S.LAUNCHED] for _ in range(120)))
    header = stored(drill)
    assert {0} == {sum(wave.servers.values()) for wave in header.waves}
    assert header.waves_left_out > 0
    assert {} == running_instances([header], nobody)
    read = Reader(drill)
    assert {"E1": 120} == counts(running_instances([header], read))
    assert ["E1"] == read.asked


def test_a_drill_that_nothing_follows_need_not_be_read():
    """Nor one that left nothing, however many there are."""
    older, newer = ended([S.TERMINATED], number=1), ended([S.LAUNCHED], number=2)
    assert {"E2": 1} == counts(running_instances([stored(older), stored(newer)], nobody))


def test_a_drill_whose_very_servers_a_newer_one_launched_need_not_be_read():
    """A plan that is drilled every night is read by its headers; whatever became of the newer launch."""
    drills = [ended([S.LAUNCHED, S.VERIFIED], [S.FAILED], number=number) for number in (1, 2)]
    newest = ended([S.FAILED, S.LAUNCHED], [S.LAUNCHED], number=3)
    read = Reader(newest)
    assert {"E3": 2} == counts(running_instances(map(stored, (*drills, newest)), read))
    assert ["E3"] == read.asked
    other = newest.model_copy(update={"plan_id": "other"})
    assert {"E2", "E3"} == set(running_instances(map(stored, (*drills, other)), Reader(*drills, other)))


def test_a_server_that_may_run_and_that_no_job_tells_of_is_looked_for():
    """The same set launched again does not supersede it."""
    older, newer = ended([S.LAUNCHED], [S.UNKNOWN], number=1), ended([S.LAUNCHED], [S.LAUNCHED], number=2)
    older, newer = (drill.model_copy(update={"attempts": drill.attempts[:1]}) for drill in (older, newer))
    assert (None, None) == (stored(older).launched, stored(newer).launched)
    assert 1 == running_instances([stored(older), stored(newer)], Reader(older, newer))["E1"].unknown


def test_what_a_newer_drill_launched_again_is_gone():
    """Whatever became of that launch: DRS terminates what was there when a job begins."""
    older = ended([S.LAUNCHED], [S.LAUNCHED], number=1)
    newer = ended([S.FAILED], [S.LAUNCHED], [S.LAUNCHED], number=2)
    read = Reader(older, newer)
    assert {"E2": 2} == counts(running_instances([stored(older), stored(newer)], read))
    assert ["E1", "E2"] == sorted(read.asked)


def test_a_server_that_a_newer_drill_left_out_still_runs():
    """Skipped in its wave, or no more of the group: another server's launch says nothing of it."""
    older, newer = ended([S.LAUNCHED, S.LAUNCHED], number=1), ended([S.LAUNCHED, S.SKIPPED], number=2)
    (attempt,) = newer.attempts
    newer = newer.model_copy(update={"attempts": (attempt.model_copy(update={"server_ids": (sid(1),)}),)})
    headers = [stored(older), stored(newer)]
    assert {"E1": 1, "E2": 1} == counts(running_instances(headers, Reader(older, newer)))
    assert {sid(1)} == launched_again(headers, older, Reader(newer))


def test_a_server_of_which_nobody_knows_is_counted_apart():
    """Its job may have launched it; what a cleanup terminated is no longer in doubt."""
    drill = ended([S.UNKNOWN, S.LAUNCHED])
    left = running_instances([stored(drill)], Reader(drill))["E1"]
    assert (1, 1, at(600)) == (left.count, left.unknown, left.since)
    first, second = drill.waves[0].servers
    servers = (first.model_copy(update={"terminated_by": "C1"}), second)
    cleaned = drill.model_copy(update={"waves": (drill.waves[0].model_copy(update={"servers": servers}),)})
    assert 0 == running_instances([stored(cleaned)], Reader(cleaned))["E1"].unknown


def test_what_was_launched_again_is_told_by_newer_executions_of_the_plan_only():
    """Not by an older one, by another plan's, or by a cleanup."""
    drill = ended([S.LAUNCHED], [S.LAUNCHED], number=2)
    newer = ended([S.LAUNCHED], [S.PENDING], number=3)
    newer = newer.model_copy(update={"attempts": newer.attempts[:1]})
    older, other = ended([S.LAUNCHED], [S.LAUNCHED], number=1), newer.model_copy(update={"plan_id": "other"})
    cleanup = newer.model_copy(update={"execution_type": ExecutionType.CLEANUP})
    assert {sid(1)} == launched_again([stored(older), stored(newer), stored(drill)], drill, Reader(newer))
    assert frozenset() == launched_again([header_of(other), header_of(cleanup), header_of(older)], drill, nobody)


def test_the_waves_that_an_older_drskit_wrote_are_understood():
    """A run's folder may hold their names where the servers stand now."""
    drill = ended([S.LAUNCHED], [S.LAUNCHED])
    assert 1 == getattr(left_running(drill, {"Wave-001"}), "count", None)
    assert None is left_running(drill, {"Wave-000", sid(2)})
