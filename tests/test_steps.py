"""Steps of a wave and pauses of a plan, walked by hand: what is launched when, and what a failure holds back."""

from datetime import timedelta

import pytest

from drskit.cadence import Ceilings, next_look
from drskit.decide import chunks_due
from drskit.model import (
    Approval,
    CommandKind,
    Execution,
    ExecutionStatus,
    OnFailure,
    Pacing,
    RecoveryPlan,
    ServerStatus,
    WaveStatus,
)
from drskit.seen import Remains
from drskit.steps import chunks_of, steps_of
from drskit.views.rows import board_of
from tests.builders import Walk, at, execution_of, plan_of, sid, wave

C, S, W, X = CommandKind, ServerStatus, WaveStatus, ExecutionStatus
ORDER = ((sid(1), sid(2)), (sid(3),))
"""Of four servers; the fourth comes last."""


def ordered(**changes: object) -> Walk:
    """A wave of three steps, and one that needs it."""
    return Walk(execution_of((wave("Database", order=ORDER, **changes), 4), (wave("Web"), 1)))


def paced(execution: Execution, **pauses: timedelta) -> Walk:
    """The execution under a plan with these pauses."""
    plan: RecoveryPlan = execution.plan.model_copy(update={"pacing": Pacing(**pauses)})
    return Walk(execution.model_copy(update={"plan": plan}))


def launched(walk: Walk) -> list[tuple[str, ...]]:
    """The servers of each launch request, in their order."""
    return [attempt.server_ids for attempt in walk.launches]


# --- steps -----------------------------------------------------------------------------------------------------------


def test_a_wave_launches_step_after_step():
    """Each job is asked for in the pass that sees the end of the one before; servers that no step names come last."""
    walk = ordered().run()
    assert [(sid(1), sid(2))] == launched(walk)
    first = walk.launch()
    walk.job_goes_on(first)
    assert (W.IN_PROGRESS, [S.LAUNCHING] * 2 + [S.PENDING] * 2) == (walk.run(60).waves[0], walk.servers())
    assert (
        "step 1 of 3 to end; 2 servers not launched before" == board_of(walk.execution, walk.now).waves[0].waiting_for
    )
    walk.job_ends(first)
    walk.run(600)
    assert [(sid(1), sid(2)), (sid(3),)] == launched(walk)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert [(sid(1), sid(2)), (sid(3),), (sid(4),)] == launched(walk)
    walk.job_ends(walk.launch())
    assert [W.COMPLETED, W.PREPARING] == walk.run(600).waves
    assert [0, 1, 2] == [attempt.chunk for attempt in walk.execution.attempts_of("Database")]


def test_no_chunk_reaches_over_a_step_and_their_numbers_never_change():
    """A step of 150 is two jobs; what has been launched does not shift what comes."""
    ids = tuple(sid(number) for number in range(1, 301))
    plan_wave = wave("Database", order=(ids[150:], ids[:20]))
    walk = Walk(execution_of((plan_wave, 300)))
    chunks = chunks_of(plan_wave, walk.execution.waves[0])
    assert [(0, 0, 100), (1, 0, 50), (2, 1, 20), (3, 2, 100), (4, 2, 30)] == [
        (chunk.number, chunk.step, len(chunk.server_ids)) for chunk in chunks
    ]
    assert set(ids) == {server_id for chunk in chunks for server_id in chunk.server_ids}
    jobs = [walk.run().launch(), walk.run().launch()]
    assert () == chunks_due(walk.execution, walk.now)
    walk.job_ends(jobs[0])
    walk.run(600)
    assert 2 == len(walk.launches)
    walk.job_ends(jobs[1])
    walk.run(600)
    assert (2, ids[:20]) == (walk.launches[-1].chunk, walk.launches[-1].server_ids)
    assert chunks == chunks_of(plan_wave, walk.execution.waves[0])


def test_a_wave_without_an_order_is_one_step():
    """And one whose steps name every server has none at the end."""
    ids = (sid(1), sid(2))
    assert (ids,) == steps_of(wave("Database"), ids)
    assert ((sid(2),), (sid(1),)) == steps_of(wave("Database", order=((sid(2),), (sid(1),))), ids)


@pytest.mark.parametrize("on_failure", [OnFailure.STOP, OnFailure.PAUSE])
def test_a_failed_step_holds_the_later_ones_back(on_failure):
    """The wave has failed then, whatever they would come to; their servers say why they were not launched."""
    walk = ordered(on_failure=on_failure).run()
    walk.job_ends(walk.launch(), sid(2))
    walk.run(600)
    assert [(sid(1), sid(2))] == launched(walk)
    assert (W.FAILED, [S.LAUNCHED, S.FAILED, S.SKIPPED, S.SKIPPED]) == (walk.waves[0], walk.servers())
    assert "not launched: step 1 of the wave failed" == walk.execution.waves[0].servers[2].error
    assert (X.FAILED if on_failure is OnFailure.STOP else X.PAUSED) is walk.status


@pytest.mark.parametrize(
    "changes", [{"max_failed": 1}, {"optional": (sid(2),)}, {"on_failure": OnFailure.CONTINUE}], ids=str
)
def test_a_failure_that_the_wave_bears_holds_nothing_back(changes):
    """As many as may fail, optional ones, or all where the plan goes on after a failure."""
    walk = ordered(**changes).run()
    walk.job_ends(walk.launch(), sid(2))
    assert (sid(3),) == launched(walk.run(600))[-1]


def test_failures_of_several_steps_add_up():
    """One of the first is borne, another one of the second is not."""
    walk = ordered(max_failed=1).run()
    walk.job_ends(walk.launch(), sid(2))
    walk.run(600)
    walk.job_ends(walk.launch(), sid(3))
    walk.run(600)
    assert (2, W.FAILED, S.SKIPPED) == (len(walk.launches), walk.waves[0], walk.servers()[3])
    assert "not launched: step 2 of the wave failed" == walk.execution.waves[0].servers[3].error


def test_a_step_of_which_nothing_may_be_launched_is_over_too():
    """Its servers were refused before any request; the wave bears it, and goes on."""
    walk = ordered(max_failed=2)
    walk.obstacles |= {sid(1): "somebody's instance", sid(2): "somebody's instance"}
    assert [(sid(3),)] == launched(walk.run())


def test_a_retry_keeps_the_order():
    """What failed first is launched first; the rest when that has ended."""
    walk = ordered().run()
    walk.job_ends(walk.launch(), sid(2))
    walk.run(600)
    walk.command(C.RETRY)
    walk.run(60)
    assert (sid(2),) == walk.launches[-1].server_ids
    walk.job_ends(walk.launch())
    assert (sid(3),) == launched(walk.run(600))[-1]


def test_a_retry_of_one_server_is_not_held_back_by_what_failed_before():
    """Somebody has named it; the others stay as they are, and the wave FAILED."""
    walk = ordered().run()
    walk.job_ends(walk.launch(), sid(2))
    walk.run(600)
    walk.command(C.RETRY, "Database", (sid(4),))
    walk.run(60)
    assert (sid(4),) == walk.launches[-1].server_ids
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (W.FAILED, [S.LAUNCHED, S.FAILED, S.SKIPPED, S.LAUNCHED]) == (walk.waves[0], walk.servers())


def test_a_server_that_nobody_can_see_holds_the_next_step_back_until_a_person_decides():
    """The execution is PAUSED, not busy for ever; a skip lets the next step begin."""
    walk = ordered().run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.run(60)
    del walk.jobs[job.job_id]
    walk.missing.add(job.job_id)
    walk.run()
    walk.remains[job.job_id] = Remains()
    assert (X.PAUSED, 1) == (walk.run(400).status, len(walk.launches))
    walk.command(C.SKIP, None, (sid(1), sid(2)))
    assert (sid(3),) == launched(walk.run())[-1]


def test_skipped_servers_are_no_part_of_their_step():
    """A step without any is over."""
    walk = ordered().run()
    job = walk.launch()
    walk.command(C.SKIP, "Database", (sid(3),))
    walk.run()
    walk.job_ends(job)
    assert (sid(4),) == launched(walk.run(600))[-1]


def test_an_open_intent_of_a_step_is_settled_before_anything_follows():
    """A request whose outcome is unknown may yet launch its servers."""
    walk = ordered().run()
    walk.run(60)
    assert (1, W.PREPARING) == (len(walk.launches), walk.waves[0])
    assert () == chunks_due(walk.execution, walk.now)


def test_a_cancel_between_two_steps_launches_no_more():
    """The job that runs is followed to its end."""
    walk = ordered().run()
    job = walk.launch()
    walk.run(10)
    walk.command(C.CANCEL)
    walk.run()
    walk.job_ends(job)
    walk.run(600)
    assert (X.CANCELLED, 1, [S.LAUNCHED] * 2 + [S.SKIPPED] * 2) == (walk.status, len(walk.launches), walk.servers())


def test_a_paused_execution_does_not_begin_its_next_step():
    """It begins after the resume."""
    walk = ordered().run()
    job = walk.launch()
    walk.command(C.PAUSE)
    walk.run(10)
    walk.job_ends(job)
    assert (X.PAUSED, 1) == (walk.run(600).status, len(walk.launches))
    walk.command(C.RESUME)
    assert (sid(3),) == launched(walk.run())[-1]


# --- pauses ----------------------------------------------------------------------------------------------------------


def test_a_plan_without_pauses_waits_for_nothing():
    """The wave that needs another begins in the pass that sees its end."""
    walk = Walk(execution_of((wave("Database"), 1), (wave("Web"), 1))).wave_done()
    assert [W.COMPLETED, W.PREPARING] == walk.waves
    assert walk.execution.waves[0].end_time == walk.execution.waves[1].start_time
    assert 2 == len(walk.launches)


def test_a_pause_between_waves_is_shown_and_waited_out():
    """It runs from the end of the last wave that is needed; a wave that needs none begins at once."""
    walk = paced(execution_of((wave("Database"), 1), (wave("Web"), 1)), waves=timedelta(minutes=2)).wave_done()
    ended = walk.execution.waves[0].end_time
    until = ended + timedelta(minutes=2)
    assert ([W.COMPLETED, W.PENDING], X.POLLING, 1) == (walk.waves, walk.status, len(walk.launches))
    shown = f"wave Web to begin at {until:%Y-%m-%d %H:%M:%SZ}, after the pause of pacing.waves"
    assert shown == walk.execution.waiting_for
    assert f"the end of a pause at {until:%H:%M:%SZ}" == board_of(walk.execution, walk.now).waves[1].waiting_for
    assert next_look((walk.execution,), walk.now, Ceilings()) <= until
    assert next_look((walk.execution,), until - timedelta(seconds=7), Ceilings()) == until
    assert 1 == len(walk.run(119).launches)
    assert 2 == len(walk.run(1).launches)


def test_a_pause_is_no_wait_for_a_person():
    """An execution in which another wave waits for approval stays in the worker's hands."""
    parts = (wave("Database"), 1), (wave("Web"), 1), (wave("App", needs=(), approval=Approval(text="Now?")), 1)
    walk = paced(execution_of(*parts), waves=timedelta(minutes=2)).wave_done()
    assert X.POLLING is walk.status
    assert 2 == len(walk.run(120).launches)
    walk.job_ends(walk.launch())
    assert X.PAUSED is walk.run(600).status


def test_a_held_execution_ends_no_pause():
    """The time passes, and the wave begins with the resume."""
    walk = paced(execution_of((wave("Database"), 1), (wave("Web"), 1)), waves=timedelta(minutes=2)).wave_done()
    walk.command(C.PAUSE)
    assert (X.PAUSED, 1) == (walk.run(300).status, len(walk.launches))
    walk.command(C.RESUME)
    assert 2 == len(walk.run().launches)


def test_a_pause_between_the_jobs_of_a_wave_runs_from_the_last_request():
    """250 servers are three jobs, 15 seconds apart, and it is shown."""
    walk = paced(execution_of((wave("Database"), 250)), servers=timedelta(seconds=15)).run()
    walk.launch()
    walk.run(14)
    assert 1 == len(walk.launches)
    assert f"the next job of wave Database at {at(15):%Y-%m-%d %H:%M:%SZ}" in walk.execution.waiting_for
    assert at(15) == next_look((walk.execution,), walk.now, Ceilings())
    assert 2 == len(walk.run(1).launches)
    walk.launch()
    assert 2 == len(walk.run(14).launches)
    assert 3 == len(walk.run(1).launches)
    walk.launch()
    assert "pause" not in (walk.run().execution.waiting_for or "")


def test_a_pause_between_steps_runs_from_the_end_of_the_one_before():
    """Steps wait for each other anyway."""
    walk = paced(ordered().execution, servers=timedelta(minutes=1)).run()
    walk.seconds += 600
    walk.job_ends(walk.launch())
    assert 1 == len(walk.run().launches)
    assert 1 == len(walk.run(59).launches)
    assert (sid(3),) == launched(walk.run(1))[-1]


def test_the_plan_of_an_earlier_drskit_has_neither_steps_nor_pauses():
    """What it froze loads as it was meant."""
    old = plan_of(wave("Database")).to_json()
    del old["Pacing"], old["Waves"][0]["Order"]
    assert plan_of(wave("Database")) == RecoveryPlan.model_validate(old)
