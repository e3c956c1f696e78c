"""Which finished drills still have instances: by headers, by the record itself, and where a header was cut."""

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


def counts(found):
    """How many instances each left."""
    return {name: left.count for name, left in found.items()}


def test_a_record_says_how_many_instances_a_drill_left_and_since_when():
    """Launched and verified ones; since the first wave that still has one ended."""
    drill = ended([S.TERMINATED, S.FAILED], [S.LAUNCHED, S.VERIFIED, S.UNKNOWN], [S.LAUNCHED])
    left = left_running(drill)
    assert (3, at(601)) == (left.count, left.since)
    assert left == running_instances([stored(drill)])["E1"]
    assert 1 == left_running(drill, {"Wave-001"}).count
    assert None is left_running(drill, {"Wave-001", "Wave-002"})


@pytest.mark.parametrize("changes", [{"status": ExecutionStatus.POLLING}, {"execution_type": ExecutionType.CLEANUP}])
def test_only_a_drill_that_is_over_left_anything(changes):
    """What runs is at work, and a cleanup's instances are the drill's."""
    execution = ended([S.LAUNCHED]).model_copy(update=changes)
    assert None is left_running(execution)
    assert {} == running_instances([stored(execution)])


def test_a_header_that_was_cut_is_read_whole():
    """Nothing of a long plan is said to be gone because its header has no room."""
    drill = ended(*([S.LAUNCHED] for _ in range(120)))
    header = stored(drill)
    assert {0} == {sum(wave.servers.values()) for wave in header.waves}
    assert header.waves_left_out > 0
    assert {} == running_instances([header])
    asked = []

    def whole(header):
        asked.append(header.execution_id)
        return header_of(drill)

    assert {"E1": 120} == counts(running_instances([header], whole))
    assert ["E1"] == asked


def test_an_older_drill_of_the_same_waves_need_not_be_read():
    """What a newer one launched again is gone, whatever the older header lacks."""
    waves = [[S.LAUNCHED] for _ in range(35)]
    older, newer = ended(*waves, number=1), ended(*waves, number=2)
    assert (0, set()) == (stored(older).waves_left_out, set().union(*(wave.servers for wave in stored(older).waves)))
    asked = []

    def whole(header):
        asked.append(header.execution_id)
        return header_of(newer)

    assert {"E2": 35} == counts(running_instances([stored(older), stored(newer)], whole))
    assert ["E2"] == asked


def test_jobs_that_were_cut_are_read_where_a_wave_has_no_instance():
    """A wave that failed was launched all the same: the older instances of its servers are gone."""
    older = ended(*([S.LAUNCHED] for _ in range(28)), number=1)
    newer = ended([S.FAILED], *([S.LAUNCHED] for _ in range(27)), number=2)
    header = stored(newer)
    assert ((), {"FAILED": 1}) == (header.waves[0].jobs, header.waves[0].servers)
    drills = {"E1": older, "E2": newer}
    found = running_instances([stored(older), header], lambda header: header_of(drills[header.execution_id]))
    assert {"E2": 27} == counts(found)


def test_what_was_launched_again_is_told_by_newer_executions_of_the_plan_only():
    """Not by an older one, by another plan's, or by a cleanup."""
    drill = ended([S.LAUNCHED], [S.LAUNCHED], number=2)
    newer = ended([S.LAUNCHED], [S.PENDING], number=3)
    newer = newer.model_copy(update={"attempts": newer.attempts[:1]})
    older, other = ended([S.LAUNCHED], [S.LAUNCHED], number=1), newer.model_copy(update={"plan_id": "other"})
    cleanup = newer.model_copy(update={"execution_type": ExecutionType.CLEANUP})
    assert {"Wave-000"} == launched_again([stored(older), stored(newer), stored(drill)], drill)
    assert frozenset() == launched_again([header_of(other), header_of(cleanup), header_of(older)], drill)
    assert sid(2) == drill.waves[1].servers[0].source_server_id
