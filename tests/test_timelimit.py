"""The time of a whole plan, walked by hand: what it ends, and what is followed to its own end."""

from datetime import timedelta

import pytest

from drskit.model import Approval, CommandKind, Deadline, Execution, ExecutionStatus, ServerStatus, WaveStatus
from tests.builders import Walk, at, execution_of, sid, wave

C, S, W, X = CommandKind, ServerStatus, WaveStatus, ExecutionStatus
HOUR = timedelta(hours=1)
OVER = "the plan's time was over at 2026-11-23 10:00:00Z"


def limited(execution: Execution) -> Walk:
    """The execution of a plan that may last an hour."""
    plan = execution.plan.model_copy(update={"timeout": HOUR})
    return Walk(execution.model_copy(update={"plan": plan, "deadline": Deadline(at=at(3_600))}))


def two(**changes: object) -> Walk:
    """Database and Application, two servers each; the changes are the second wave's."""
    return limited(execution_of((wave("Database"), 2), (wave("Application", **changes), 2)))


def test_a_plan_in_time_is_not_disturbed():
    """One second before its time is over the last wave may still begin."""
    walk = two().run()
    job = walk.launch()
    walk.job_ends(job)
    assert [W.COMPLETED, W.PREPARING] == walk.run(3_599).waves
    assert at(3_600) == walk.execution.due


def test_when_its_time_is_over_nothing_new_starts_and_what_runs_is_followed():
    """The execution ends TIMED_OUT once its jobs have ended; it says meanwhile why nothing starts."""
    walk = two().run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.run(3_599)
    assert X.POLLING is walk.status
    walk.run(1)
    assert (X.CANCELLING, [W.IN_PROGRESS, W.CANCELLED]) == (walk.status, walk.waves)
    expected = f"the job {job.job_id} of wave Database to end; DRS cannot stop it; {OVER}, and nothing new starts"
    assert expected == walk.execution.waiting_for
    assert OVER == walk.execution.waves[1].reason
    assert f"not launched: {OVER}" == walk.execution.waves[1].servers[0].error
    walk.job_ends(job)
    assert (X.TIMED_OUT, [W.COMPLETED, W.CANCELLED]) == (walk.run(60).status, walk.waves)
    assert 1 == len(walk.launches)


def test_a_wait_for_a_person_does_not_outlast_the_plan():
    """The execution is looked at when its time is over, although it is PAUSED."""
    walk = two(approval=Approval(text="Now?")).wave_done()
    assert (X.PAUSED, at(3_600)) == (walk.status, walk.execution.due)
    assert X.TIMED_OUT is walk.run(3_000).status
    assert [W.COMPLETED, W.CANCELLED] == walk.waves


def test_a_pause_by_somebody_stops_the_clock():
    """Afterwards there is as much time left as before."""
    walk = two(approval=Approval(text="Now?")).wave_done()
    walk.command(C.PAUSE)
    walk.run()
    assert X.PAUSED is walk.run(7_200).status
    walk.command(C.RESUME)
    assert (X.PAUSED, at(3_600 + 7_200)) == (walk.run().status, walk.execution.due)


def test_what_ended_in_time_and_is_seen_late_is_not_late():
    """No worker looked for two hours; the last job had ended."""
    walk = limited(execution_of((wave("Database"), 2))).run()
    walk.job_ends(walk.launch())
    assert X.COMPLETED is walk.run(7_200).status


def test_what_would_begin_after_its_time_does_not():
    """The first wave ended in time, and nobody looked; the second is not begun late."""
    walk = two().run()
    walk.job_ends(walk.launch())
    assert (X.TIMED_OUT, 1) == (walk.run(7_200).status, len(walk.launches))


def test_an_open_request_is_settled_before_the_execution_ends():
    """Its job may exist; it is found, and followed."""
    walk = two().run()
    walk.run(3_700)
    assert (X.CANCELLING, [W.PREPARING, W.CANCELLED]) == (walk.status, walk.waves)
    assert [S.PENDING, S.PENDING] == walk.servers()
    job = walk.launch()
    walk.job_ends(job)
    assert (X.TIMED_OUT, [S.LAUNCHED, S.LAUNCHED]) == (walk.run(60).status, walk.servers())


def test_a_retry_gives_the_plan_its_whole_time_again():
    """What was not begun begins; what failed is launched again."""
    walk = two(approval=Approval(text="Now?")).wave_done()
    walk.run(3_000)
    assert X.TIMED_OUT is walk.status
    walk.command(C.RETRY)
    walk.run(60)
    assert ("Application may follow", X.PAUSED) == (walk.answer(), walk.status)
    assert [W.COMPLETED, W.WAITING_APPROVAL] == walk.waves
    assert at(3_600) + HOUR == walk.execution.due
    walk.command(C.APPROVE, "Application")
    walk.run()
    walk.job_ends(walk.launch())
    assert X.COMPLETED is walk.run(60).status


def test_a_wave_that_the_time_called_off_is_not_retried_alone():
    """The answer says what to do instead."""
    walk = two(approval=Approval(text="Now?")).wave_done()
    walk.run(3_000)
    walk.command(C.RETRY, "Application")
    walk.run()
    assert f"refused: wave Application was not begun, for {OVER}: retry without naming a wave" == walk.answer()
    assert X.TIMED_OUT is walk.status


def test_nothing_is_left_to_retry_where_all_came_up_late():
    """The plan was late, and every server is there."""
    walk = limited(execution_of((wave("Database"), 2))).run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.run(3_600)
    walk.job_ends(job)
    assert (X.TIMED_OUT, [W.COMPLETED]) == (walk.run(60).status, walk.waves)
    walk.command(C.RETRY)
    walk.run()
    assert "refused: nothing of it has failed, so there is nothing to retry" == walk.answer()
    assert X.TIMED_OUT is walk.status


@pytest.mark.parametrize("kind", [C.PAUSE, C.RESUME, C.CANCEL, C.RETRY, C.APPROVE])
def test_people_are_told_that_it_is_being_ended(kind):
    """And why; nobody cancelled it."""
    walk = two().run()
    walk.job_goes_on(walk.launch())
    walk.run(3_600)
    walk.command(kind, "Application" if kind is C.APPROVE else None)
    walk.run()
    assert (walk.answer() or "").startswith(f"refused: {OVER}, and it is being ended")


@pytest.mark.parametrize(
    ("percent", "servers", "failed", "expected"),
    [(10, 20, 2, W.PARTIAL), (10, 20, 3, W.FAILED), (10, 9, 1, W.FAILED), (50, 3, 1, W.PARTIAL), (0, 3, 1, W.FAILED)],
)
def test_a_share_of_a_wave_may_fail(percent, servers, failed, expected):
    """Rounded down: of nine servers ten per cent are none."""
    walk = Walk(execution_of((wave("Web", max_failed_percent=percent), servers)))
    walk.wave_done(*(sid(number) for number in range(1, failed + 1)))
    assert expected is walk.waves[0]


def test_optional_servers_are_no_part_of_the_share():
    """Half of the two that count is one; the optional ones may fail besides, and what is left out changes no share."""
    optional = (sid(3), sid(4))
    walk = Walk(execution_of((wave("Web", max_failed_percent=50, optional=optional), 4)))
    walk.wave_done(sid(1), *optional)
    assert W.PARTIAL is walk.waves[0]
    walk = Walk(execution_of((wave("Web", max_failed_percent=50, optional=optional), 4)))
    walk.wave_done(sid(1), sid(2))
    assert W.FAILED is walk.waves[0]


def test_where_only_optional_servers_failed_the_execution_is_partial():
    """Not FAILED, and not COMPLETED either."""
    walk = Walk(execution_of((wave("Web", optional=(sid(2),)), 2))).wave_done(sid(2))
    assert (X.PARTIAL, [W.PARTIAL]) == (walk.status, walk.waves)
