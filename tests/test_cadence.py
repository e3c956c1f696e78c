"""When to look again: slow while nothing can end, quick when the end is near."""

from datetime import timedelta

import pytest

from drskit.cadence import EARLIEST, LATEST, LAUNCH_SECONDS, Ceilings, next_look
from drskit.model import Approval, Phase, PhaseSpan, ServerStatus
from drskit.ports import Unknown
from tests.builders import START, Walk, at, execution_of, line, wave

CEILINGS = Ceilings()


def launched(servers: int = 1) -> Walk:
    """A drill whose job was just made."""
    walk = Walk(execution_of((wave("Database"), servers))).run()
    walk.job_goes_on(walk.launch())
    return walk.run()


def logged(walk: Walk, *events: tuple[str, float], server: int = 1) -> Walk:
    """The job's log holds these lines."""
    job_id = next(iter(walk.jobs))
    new = tuple(line(event, seconds, server) for event, seconds in events)
    walk.logs[job_id] = (*walk.logs.get(job_id, ()), *new)
    return walk.run()


def wait(walk: Walk, ceilings: Ceilings = CEILINGS) -> float:
    """The seconds until the next look."""
    return (next_look([walk.execution], walk.now, ceilings) - walk.now).total_seconds()


def test_nothing_to_do_is_looked_at_by_the_longest_ceiling():
    """No execution, or only such as wait for a person or have ended."""
    assert at(45) == next_look([], START, CEILINGS)
    paused = Walk(execution_of((wave("Database", approval=Approval(text="?")), 1))).run()
    ended = Walk(execution_of((wave("Database"), 1))).wave_done()
    assert at(45) == next_look([paused.execution, ended.execution], START, CEILINGS)


def test_a_job_that_starts_is_looked_at_soon():
    """No phase is to be seen yet."""
    assert 15 == wait(launched())


def test_a_conversion_is_looked_at_seldom():
    """Nothing can end before a launch has begun."""
    walk = launched()
    assert 45 == wait(logged(walk, ("SNAPSHOT_START", 1), ("SNAPSHOT_END", 2)))
    walk.seconds = 100
    assert 45 == wait(logged(walk, ("CONVERSION_START", 60)))


def launching(seconds: float) -> Walk:
    """A server as fast as a captured one, this long after LAUNCH_START."""
    walk = logged(launched(), ("CONVERSION_START", 0), ("CONVERSION_END", 185), ("LAUNCH_START", 185))
    walk.seconds = 185 + seconds
    return walk


def test_a_launch_is_looked_at_when_its_end_may_come():
    """Not before 85 percent of what is expected, and exactly then; quickly from there on, then by the ceiling."""
    opens = LAUNCH_SECONDS * EARLIEST
    assert 45 == wait(launching(0))
    assert 2 == wait(launching(opens - 1.5))
    assert 5 == wait(launching(round(opens) + 1))
    assert 5 == wait(launching(LAUNCH_SECONDS * LATEST - 1))
    assert 30 == wait(launching(LAUNCH_SECONDS * LATEST + 1))


def test_a_slow_conversion_foretells_a_slow_launch():
    """Within bounds: a launch varies less."""
    slow = logged(launched(), ("CONVERSION_START", 0), ("CONVERSION_END", 840), ("LAUNCH_START", 840))
    opens = LAUNCH_SECONDS * 1.3 * EARLIEST
    slow.seconds = 840 + int(opens) - 3
    assert 4 == wait(slow)
    slow.seconds = 840 + int(opens) + 1
    assert 5 == wait(slow)


def test_what_was_seen_of_this_execution_goes_before_what_was_captured():
    """A launch of a sibling that took 100 seconds foretells the next."""
    walk = launching(86)
    run = walk.execution.waves[0]
    span = PhaseSpan(phase=Phase.LAUNCH, start_time=at(0), end_time=at(100))
    sibling = run.servers[0].model_copy(
        update={"status": ServerStatus.LAUNCHED, "phases": (span,), "job_id": "drsjob-0"}
    )
    taught = run.model_copy(update={"servers": (*run.servers, sibling)})
    walk.execution = walk.execution.model_copy(update={"waves": (taught,)})
    assert 5 == wait(walk)


def test_a_job_whose_servers_have_all_ended_ends_within_seconds():
    """JOB_END follows the last server by about three."""
    walk = launched()
    job = next(iter(walk.jobs.values()))
    walk.seconds = 540
    walk.job_ends(job)
    walk.jobs[job.job_id] = walk.jobs[job.job_id].model_copy(update={"status": "STARTED", "end_time": None})
    walk.run()
    assert 3 == wait(walk)
    walk.seconds += 60
    assert 3 == wait(walk)


def test_an_open_intent_is_looked_at_quickly():
    """The job may be there already."""
    walk = Walk(execution_of((wave("Database"), 1))).run()
    walk.reply(Unknown("ReadTimeout"))
    assert 5 == wait(walk)


def test_a_refused_request_is_asked_again_at_its_time():
    """Not before, and at once when it has passed."""
    walk = Walk(execution_of((wave("Database"), 1))).run()
    walk.refuse("ThrottlingException")
    due = walk.execution.waves[0].not_before
    assert due == next_look([walk.execution], walk.now, CEILINGS)
    assert due + timedelta(seconds=1) == next_look([walk.execution], due, CEILINGS)


def test_a_request_that_was_lost_after_a_refusal_is_looked_for_no_more_often_than_any():
    """The time of the refusal is long over, and says nothing of when its outcome can be seen."""
    walk = Walk(execution_of((wave("Database"), 1))).run()
    walk.refuse("ThrottlingException").run(60)
    walk.reply(Unknown("ReadTimeout"))
    assert 5 == wait(walk)


def test_instances_that_are_not_listed_yet_are_looked_for_quickly():
    """The servers are up; only their instances are missing."""
    walk = Walk(execution_of((wave("Database"), 1))).run()
    walk.job_ends(walk.launch())
    walk.instances.clear()
    assert 5 == wait(walk.run(10))


def test_the_nearest_of_all_executions_counts():
    """One listing answers for all of them."""
    slow, quick = launched(), launching(LAUNCH_SECONDS)
    assert quick.now + timedelta(seconds=5) == next_look([slow.execution, quick.execution], quick.now, CEILINGS)


def test_a_look_is_never_less_than_a_second_away_and_falls_on_a_whole_one():
    """The tables' time has no finer grain."""
    walk = launched()
    for part in (0.0, 0.25, 0.999):
        walk.seconds = part
        look = next_look([walk.execution], walk.now, Ceilings(0.1, 0.1, 0.1))
        assert look >= walk.now + timedelta(seconds=1)
        assert 0 == look.microsecond


@pytest.mark.parametrize("seconds", [0, 60, 200, 400, 500, 700, 5_000])
def test_no_wait_passes_its_ceiling(seconds):
    """Whatever is expected, the look comes within the ceiling and the grain of the time."""
    assert wait(launching(seconds), Ceilings(2, 3, 4)) <= 5
