"""What people tell an execution, walked by hand: every command, what it does, and where it is refused."""

from datetime import timedelta

import pytest

from drskit.aftercare import with_terminated
from drskit.model import (
    Approval,
    AttemptStatus,
    CommandKind,
    ExecutionStatus,
    OnFailure,
    OnTimeout,
    RecoveryInstance,
    ServerStatus,
    Wave,
    WaveStatus,
)
from drskit.ports import Unknown
from drskit.seen import Remains, Sight
from drskit.targets import Gone, select
from drskit.witness import Absent, Foreign, Mine, Unsure
from tests.builders import Walk, at, execution_of, job_of, sid, wave

A, C, S, W, X = AttemptStatus, CommandKind, ServerStatus, WaveStatus, ExecutionStatus


def two_waves(**changes: object) -> Walk:
    """Database and Application, two servers each; the changes are the first wave's."""
    return Walk(execution_of((wave("Database", **changes), 2), (wave("Application"), 2)))


def asked(on_timeout: OnTimeout = OnTimeout.CANCEL, minutes: float | None = 30) -> Walk:
    """The Database is up, and the Application waits for approval; the Web is to follow."""
    timeout = timedelta(minutes=minutes) if minutes else None
    approval = Approval(text="The database accepts logins.", timeout=timeout, on_timeout=on_timeout)
    return Walk(
        execution_of((wave("Database"), 1), (wave("Application", approval=approval), 1), (wave("Web"), 1))
    ).wave_done()


def told(walk: Walk, kind: CommandKind, wave_name: str | None = None, servers: tuple[str, ...] = ()) -> str:
    """Tell it something, let it obey, and hear the answer."""
    walk.command(kind, wave_name, servers)
    walk.run()
    return walk.answer() or ""


# --- approvals that run out ------------------------------------------------------------------------------------------


def test_an_approval_says_until_when_it_is_asked_for():
    """And when it must be looked at again, though it waits for a person."""
    walk = asked()
    assert X.PAUSED == walk.status
    assert "approval of wave Application by 2026-11-23 09:40:00Z, else the execution is cancelled: " in (
        walk.execution.waiting_for
    )
    assert at(600) + timedelta(minutes=30) == walk.execution.due == walk.execution.waves[1].approve_by


def test_an_approval_that_nobody_gives_cancels_the_execution():
    """The stated default; it is never taken for a yes."""
    walk = asked().run(1_799)
    assert (X.PAUSED, W.WAITING_APPROVAL) == (walk.status, walk.waves[1])
    walk.run(1)
    assert (X.CANCELLED, [W.COMPLETED, W.CANCELLED, W.CANCELLED]) == (walk.status, walk.waves)
    assert ("drskit", "nobody approved it by 2026-11-23 09:40:00Z") == (
        walk.execution.waves[1].declined.by,
        walk.execution.waves[1].declined.reason,
    )
    assert 1 == len(walk.launches)


def test_an_approval_that_nobody_gives_may_skip_the_wave():
    """What needs it goes on; the whole is PARTIAL."""
    walk = asked(OnTimeout.SKIP)
    assert "by 2026-11-23 09:40:00Z, else it is skipped: " in walk.execution.waiting_for
    walk.run(1_800)
    assert (X.POLLING, [W.COMPLETED, W.SKIPPED, W.PREPARING]) == (walk.status, walk.waves)
    assert "drskit" == walk.execution.waves[1].skipped.by
    walk.job_ends(walk.launch())
    walk.run(600)
    assert X.PARTIAL == walk.status


def test_an_approval_given_in_time_counts_though_nobody_polled_until_later():
    """The time of the yes decides, not the time of the look."""
    walk = asked()
    walk.seconds += 1_799
    walk.command(C.APPROVE, "Application")
    walk.run(3_600)
    assert ("approved", W.PREPARING, None) == (walk.answer(), walk.waves[1], walk.execution.due)


def test_an_approval_given_too_late_is_refused_though_nobody_polled():
    """The same would have been so with a poller."""
    walk = asked()
    walk.seconds += 1_800
    assert "refused: the approval of wave Application ran out at 2026-11-23 09:40:00Z" == told(
        walk, C.APPROVE, "Application"
    )
    assert X.CANCELLED == walk.status


def test_approvals_run_out_while_other_waves_run():
    """The one that was waited for is skipped; the job beside it goes on."""
    approval = Approval(text="Fine?", timeout=timedelta(minutes=1), on_timeout=OnTimeout.SKIP)
    walk = Walk(execution_of((wave("Left", approval=approval), 1), (wave("Right", needs=()), 1))).run()
    walk.launch()
    walk.run(60)
    assert [W.SKIPPED, W.INITIATED] == walk.waves


# --- decline ---------------------------------------------------------------------------------------------------------


def test_a_decline_ends_the_wave_and_the_execution():
    """Who said no stands with the wave; nothing more is launched."""
    walk = asked()
    answer = told(walk, C.DECLINE, "Application")
    assert answer.startswith("declined: wave Application and all that is not launched yet are cancelled")
    assert "`drskit cleanup 01JDD5Q3X8M4T7V2W9Y0ZABCDE`" in answer
    assert (X.CANCELLED, [W.COMPLETED, W.CANCELLED, W.CANCELLED]) == (walk.status, walk.waves)
    assert ("mira", "declined by mira: looked at it") == (
        walk.execution.waves[1].declined.by,
        walk.execution.waves[1].reason,
    )


def test_a_decline_lets_the_jobs_beside_it_end():
    """They are named while they are waited for."""
    approval = Approval(text="Fine?")
    walk = Walk(execution_of((wave("Left", approval=approval), 1), (wave("Right", needs=()), 1))).run()
    job = walk.launch()
    told(walk, C.DECLINE, "Left")
    assert (X.CANCELLING, [W.CANCELLED, W.INITIATED]) == (walk.status, walk.waves)
    assert f"the job {job.job_id} of wave Right to end; DRS cannot stop it" == walk.execution.waiting_for
    walk.job_ends(job)
    walk.run(600)
    assert (X.CANCELLED, [W.CANCELLED, W.COMPLETED]) == (walk.status, walk.waves)


def test_a_decline_of_what_does_not_wait_is_refused():
    """And changes nothing."""
    walk = two_waves().run()
    before = walk.execution.waves
    assert "refused: wave Database is PREPARING, not waiting for approval" == told(walk, C.DECLINE, "Database")
    assert before == walk.execution.waves


# --- pause and resume ------------------------------------------------------------------------------------------------


def test_a_pause_starts_nothing_new_and_lets_jobs_go_on():
    """It is polled while something moves, then it waits for somebody to resume it."""
    walk = two_waves().run()
    job = walk.launch()
    assert told(walk, C.PAUSE).startswith("paused: nothing new starts until somebody resumes it")
    assert X.POLLING == walk.status
    assert f"resume (paused by mira: looked at it); the job {job.job_id} of wave Database goes on" == (
        walk.execution.waiting_for
    )
    walk.job_ends(job)
    walk.run(600)
    assert (X.PAUSED, [W.COMPLETED, W.PENDING]) == (walk.status, walk.waves)
    assert "resume (paused by mira: looked at it)" == walk.execution.waiting_for
    walk.run(86_400)
    assert "resumed: the pause by mira is over" == told(walk, C.RESUME)
    assert (X.POLLING, None, W.PREPARING, 2) == (
        walk.status, walk.execution.held, walk.waves[1], len(walk.launches)
    )  # fmt: skip


def test_a_pause_makes_no_second_intent_of_a_wave_that_has_begun():
    """A wave of 101 servers: the second job waits for the resume."""
    walk = Walk(execution_of((wave("Database"), 101))).run()
    told(walk, C.PAUSE)
    job = walk.launch()
    walk.job_ends(job)
    walk.run(600)
    assert (X.PAUSED, 1) == (walk.status, len(walk.launches))
    told(walk, C.RESUME)
    assert 2 == len(walk.launches)


def test_a_pause_settles_what_was_asked_of_aws():
    """An intent without an outcome is looked for; a refused one is not asked again."""
    walk = two_waves().run()
    walk.reply(Unknown("ReadTimeout"))
    told(walk, C.PAUSE)
    assert X.POLLING == walk.status
    walk.witnesses[walk.launches[0].attempt_id] = Absent()
    walk.run(420)
    assert (A.NOT_EXECUTED, X.PAUSED, 1) == (walk.execution.attempts[0].status, walk.status, len(walk.launches))


def test_an_approval_may_be_given_during_a_pause():
    """The wave is prepared, and launched when somebody resumes."""
    walk = asked()
    told(walk, C.PAUSE)
    assert "approved" == told(walk, C.APPROVE, "Application")
    assert (X.PAUSED, W.PREPARING, 1) == (walk.status, walk.waves[1], len(walk.launches))
    told(walk, C.RESUME)
    assert 2 == len(walk.launches)


def test_no_approval_runs_out_during_a_pause():
    """After it the person has as much time left as before."""
    walk = asked()
    walk.seconds += 600
    told(walk, C.PAUSE)
    assert (None, True) == (walk.execution.due, "by 2026" not in walk.execution.waiting_for)
    walk.run(86_400)
    assert W.WAITING_APPROVAL == walk.waves[1]
    told(walk, C.RESUME)
    assert timedelta(seconds=1_200) == walk.execution.due - walk.now
    assert X.CANCELLED == walk.run(1_200).status


def test_a_second_pause_and_a_pause_of_a_cancelled_execution_are_refused():
    """Each with the reason."""
    walk = two_waves().run()
    walk.launch()
    told(walk, C.PAUSE)
    assert "refused: it is paused already, by mira: looked at it" == told(walk, C.PAUSE)
    told(walk, C.CANCEL)
    assert walk.execution.held is None
    assert "refused: it is being cancelled, and nothing new starts" == told(walk, C.PAUSE)
    assert "refused: it is being cancelled" == told(walk, C.RESUME)


def test_a_resume_ends_a_pause_and_decides_nothing_else():
    """A wave that failed during the pause still waits for a word of its own."""
    walk = two_waves(on_failure=OnFailure.PAUSE).run()
    job = walk.launch()
    told(walk, C.PAUSE)
    walk.job_ends(job, sid(1))
    walk.run(600)
    told(walk, C.RESUME)
    assert (X.PAUSED, None) == (walk.status, walk.execution.waves[0].overridden)
    assert walk.execution.waiting_for.startswith("a decision about wave Database, which is FAILED")
    assert "wave Database is left FAILED" == told(walk, C.RESUME)
    assert W.PREPARING == walk.waves[1]


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_a_cancel_says_which_job_is_let_end_and_what_terminates_the_instances():
    """The person who stops a drill asks both."""
    walk = two_waves().run()
    job = walk.launch()
    answer = told(walk, C.CANCEL)
    assert "running jobs go on, DRS cannot stop them (cancelled by mira: looked at it)" in answer
    assert answer.endswith("No instance is terminated: `drskit cleanup 01JDD5Q3X8M4T7V2W9Y0ZABCDE` does that")
    assert f"the job {job.job_id} of wave Database to end; DRS cannot stop it" == walk.execution.waiting_for


@pytest.mark.parametrize(("kind", "servers", "status"), [(C.CANCEL, (), X.CANCELLED), (C.SKIP, (sid(101),), X.PARTIAL)])
def test_a_wave_of_which_a_part_waits_for_a_slot_ends_when_that_part_is_given_up(kind, servers, status):
    """Its other job is followed to its end, and the execution to its own."""
    walk = Walk(execution_of((wave("Database", max_failed=1), 101))).run()
    job = walk.launch()
    walk.run()
    walk.refuse("ServiceQuotaExceededException")
    assert [W.QUEUED] == walk.waves
    told(walk, kind, servers=servers)
    walk.run(600)
    walk.job_ends(job)
    walk.run(600)
    assert (status, [W.PARTIAL], S.SKIPPED) == (walk.status, walk.waves, walk.servers()[100])


def half_refused(*parts: tuple[Wave, int]) -> Walk:
    """The first server of the first wave must not be launched, and AWS refuses the second for now."""
    walk = Walk(execution_of(*parts))
    walk.obstacles[sid(1)] = "a launch would terminate i-00000000000000099"
    return walk.run().refuse("ThrottlingException")


def test_a_cancel_ends_a_wave_of_which_one_server_was_refused_and_none_launched():
    """It is not skipped alone, so it has a verdict; the execution does not wait for nobody."""
    walk = half_refused((wave("Database"), 2), (wave("Application"), 2))
    assert ([W.PREPARING, W.PENDING], [S.FAILED, S.PENDING]) == (walk.waves, walk.servers())
    told(walk, C.CANCEL)
    assert (X.CANCELLED, [W.FAILED, W.CANCELLED]) == (walk.run(60).status, walk.waves)
    assert [S.FAILED, S.SKIPPED] == walk.servers()


def test_a_failure_that_ends_the_plan_ends_a_wave_of_which_one_server_was_refused():
    """As a cancel does, where the waves go on side by side."""
    walk = half_refused((wave("Left", ()), 2), (wave("Right", ()), 1))
    walk.run().refuse("ValidationException").run(1)
    assert (X.FAILED, [W.FAILED, W.FAILED]) == (walk.run(1).status, walk.waves)
    assert [S.FAILED, S.SKIPPED] == walk.servers()


def test_a_cancel_before_anything_was_launched_speaks_of_no_instances():
    """There are none to be cleaned up."""
    walk = asked_first()
    assert "cleanup" not in told(walk, C.CANCEL)
    assert X.CANCELLED == walk.status


def asked_first() -> Walk:
    """The first wave waits for approval."""
    return Walk(execution_of((wave("Database", approval=Approval(text="Now?")), 2), (wave("Application"), 2))).run()


def lost() -> Walk:
    """DRS no longer has the job of the first wave, and nobody knows what became of its second server."""
    walk = two_waves().run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.jobs[job.job_id] = walk.jobs[job.job_id].model_copy(
        update={"servers": (job.servers[0].model_copy(update={"launch_status": "LAUNCHED"}), job.servers[1])}
    )
    walk.run(15)
    del walk.jobs[job.job_id]
    walk.remains[job.job_id] = Remains()
    walk.missing.add(job.job_id)
    return walk.run(400)


def test_an_unknown_server_whose_job_is_gone_waits_for_a_person():
    """Nothing else can tell; the wave is neither done nor failed."""
    walk = lost()
    assert (X.PAUSED, W.IN_PROGRESS, [S.LAUNCHED, S.UNKNOWN]) == (walk.status, walk.waves[0], walk.servers())
    assert (
        f"a decision about {sid(2)} (UNKNOWN: DRS no longer has its job drsjob-00000000000000001): "
        "retry, skip or cancel" == walk.execution.waiting_for
    )


def test_a_cancel_leaves_what_nobody_knows_unknown():
    """The wave is TIMED_OUT with the reason, not FAILED and not done."""
    walk = lost()
    told(walk, C.CANCEL)
    assert (X.CANCELLED, [W.TIMED_OUT, W.CANCELLED]) == (walk.status, walk.waves)
    assert [S.LAUNCHED, S.UNKNOWN] == walk.servers()
    assert f"the execution was cancelled while nobody knew what became of {sid(2)}" == walk.execution.waves[0].reason


def test_a_cancelled_execution_whose_job_does_not_end_in_time_is_not_called_cancelled():
    """Its job may launch yet: it is TIMED_OUT, as any other, and can be retried to follow the job again."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    walk.job_goes_on(walk.launch())
    told(walk, C.CANCEL)
    assert (X.CANCELLING, [W.IN_PROGRESS, W.CANCELLED]) == (walk.run(60).status, walk.waves)
    assert (X.TIMED_OUT, [W.TIMED_OUT, W.CANCELLED]) == (walk.run(1_800).status, walk.waves)
    assert {S.UNKNOWN} == set(walk.servers())
    told(walk, C.RETRY)
    assert (X.POLLING, W.IN_PROGRESS, {S.LAUNCHING}) == (walk.status, walk.waves[0], set(walk.servers()))
    assert 1 == len(walk.launches)


def test_an_unknown_server_may_be_skipped():
    """A person said so: the wave is PARTIAL by it, and what needs it goes on."""
    walk = lost()
    assert f"{sid(2)}: left out" == told(walk, C.SKIP, servers=(sid(2),))
    walk.run(300)
    assert ([W.PARTIAL, W.PREPARING], [S.LAUNCHED, S.SKIPPED]) == (walk.waves, walk.servers())
    assert "skipped by mira: looked at it" == walk.execution.waves[0].servers[1].error


@pytest.mark.parametrize(("kind", "then"), [(C.SKIP, None), (C.RETRY, C.CANCEL)])
def test_an_instance_that_comes_up_after_its_server_was_left_out_is_cleaned_up(kind, then):
    """Its job is the drill's, whatever a person decided about the server when nobody could see it."""
    walk = lost()
    told(walk, kind, servers=(sid(2),))
    if then is not None:
        walk.refuse("ThrottlingException")
        told(walk, then)
    assert S.SKIPPED == walk.servers()[1]
    late = RecoveryInstance(
        recovery_instance_id="i-late", source_server_id=sid(2), job_id="drsjob-00000000000000001", is_drill=True
    )
    found = select(walk.execution, {"i-late": Sight(late, "running")}, {"i-late": sid(2)})
    assert ["i-late"] == [target.instance_id for target in found.targets]


def test_a_wave_begun_again_beside_a_lost_server_can_be_retried_once_more():
    """Though its new job had ended by the first look at it."""
    walk = two_waves().run()
    gone = walk.launch()
    walk.run(15)
    del walk.jobs[gone.job_id]
    walk.remains[gone.job_id] = Remains()
    walk.missing.add(gone.job_id)
    walk.run(400)
    walk.jobs["of others"] = job_of(99, servers=())
    told(walk, C.RETRY, servers=(sid(1),))
    walk.job_ends(walk.launch())
    walk.run(60)
    assert (X.PAUSED, W.IN_PROGRESS, [S.LAUNCHED, S.UNKNOWN]) == (walk.status, walk.waves[0], walk.servers())
    told(walk, C.RETRY)
    assert (sid(2),) == walk.launches[-1].server_ids


def test_a_cancel_after_the_skip_of_all_that_was_lost_ends_the_execution():
    """A wave whose job existed is never CANCELLED; it ends by its servers."""
    walk = Walk(execution_of((wave("Database"), 1))).run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.run(15)
    del walk.jobs[job.job_id]
    walk.remains[job.job_id] = Remains()
    walk.missing.add(job.job_id)
    walk.run(400)
    walk.command(C.SKIP, servers=(sid(1),))
    walk.command(C.CANCEL)
    walk.run(15)
    assert (X.CANCELLED, [W.PARTIAL], [S.SKIPPED]) == (walk.status, walk.waves, walk.servers())


def test_an_unknown_server_whose_job_is_gone_may_be_launched_again():
    """By a new attempt, for that server alone."""
    walk = lost()
    answer = told(walk, C.RETRY)
    assert f"wave Database launches {sid(2)} again; 1 of 2 servers of wave Database are left as they are" == answer
    assert (2, (sid(2),)) == (walk.launches[1].number, walk.launches[1].server_ids)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (W.COMPLETED, [S.LAUNCHED, S.LAUNCHED]) == (walk.waves[0], walk.servers())


# --- retry -----------------------------------------------------------------------------------------------------------


def test_a_retry_reopens_a_failed_execution_and_launches_only_what_failed():
    """What was called off because of the failure follows, and the whole can still be COMPLETED."""
    walk = two_waves().wave_done(sid(2))
    assert (X.FAILED, [W.FAILED, W.CANCELLED]) == (walk.status, walk.waves)
    ended = walk.execution.waves[0].end_time
    answer = told(walk, C.RETRY)
    assert (
        f"wave Database launches {sid(2)} again; 1 of 2 servers of wave Database are left as they are; "
        "Application may follow" == answer
    )
    assert (X.POLLING, None, [W.PREPARING, W.PENDING]) == (walk.status, walk.execution.end_time, walk.waves)
    run = walk.execution.waves[0]
    assert ("mira", None, None) == (run.retried.by, run.end_time, run.reason)
    assert ((ended, run.retried.at),) == tuple((lull.since, lull.until) for lull in run.lulls or ())
    assert (2, (sid(2),)) == (walk.launches[1].number, walk.launches[1].server_ids)
    walk.job_ends(walk.launch())
    walk.run(600)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (X.COMPLETED, [W.COMPLETED, W.COMPLETED]) == (walk.status, walk.waves)
    assert 3 == len(walk.launches)


def test_a_retried_server_begins_without_what_its_last_launch_left():
    """Only its name stays; whether it is critical is read from the plan again."""
    walk = two_waves(optional=(sid(2),)).wave_done(sid(1), sid(2))
    walk.command(C.RETRY)
    walk.step()
    first, second = walk.execution.waves[0].servers
    assert (S.PENDING, None, None, None, (), None, True) == (
        first.status, first.job_id, first.launch_status, first.attempt, first.phases, first.error, first.critical
    )  # fmt: skip
    assert not second.critical


def test_a_retry_of_one_server_leaves_the_others_failed():
    """Named by --server."""
    walk = two_waves().wave_done(sid(1), sid(2))
    told(walk, C.RETRY, servers=(sid(1),))
    assert ((sid(1),), [S.PENDING, S.FAILED]) == (walk.launches[1].server_ids, walk.servers())


def test_a_retry_of_one_of_two_failed_waves_says_what_still_stands_in_the_way():
    """What comes after needs the other one, too."""
    walk = Walk(
        execution_of((wave("Left"), 1), (wave("Right", needs=()), 1), (wave("Both", needs=("Left", "Right")), 1))
    )
    left = walk.run().launch()
    right = walk.run().launch()
    walk.job_ends(left, sid(1))
    walk.job_ends(right, sid(2))
    walk.run(600)
    answer = told(walk, C.RETRY, "Left")
    assert "what comes after stays cancelled, for Right failed too: retry that as well" in answer
    assert [W.PREPARING, W.FAILED, W.CANCELLED] == walk.waves
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (X.FAILED, [W.COMPLETED, W.FAILED, W.CANCELLED]) == (walk.status, walk.waves)


def test_a_wave_that_was_left_out_cannot_begin_after_a_failure_that_ends_the_plan():
    """The failed one comes first; with it, the other follows."""
    walk = Walk(execution_of((wave("Left"), 1), (wave("Right", needs=(), approval=Approval(text="Now?")), 1))).run()
    job = walk.launch()
    told(walk, C.SKIP, "Right")
    walk.job_ends(job, sid(1))
    walk.run(600)
    assert "refused: wave Right cannot begin, for Left failed: retry that first" == told(walk, C.RETRY, "Right")
    told(walk, C.RETRY, servers=(sid(1), sid(2)))
    assert [W.PREPARING, W.WAITING_APPROVAL] == walk.waves


def timed_out() -> Walk:
    """The first wave is TIMED_OUT, and its job runs on."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    walk.job_goes_on(walk.launch())
    return walk.run(1_800)


def test_a_server_whose_job_may_still_launch_it_is_looked_for_and_not_launched_again():
    """The job of a wave that timed out has no known end; it is given the wave's whole time once more."""
    walk = timed_out()
    assert (X.TIMED_OUT, [S.UNKNOWN, S.UNKNOWN]) == (walk.status, walk.servers())
    job = next(iter(walk.jobs.values()))
    answer = told(walk, C.RETRY)
    assert f"{sid(1)} is looked for again: its job {job.job_id} has no known end" in answer
    assert (1, [S.LAUNCHING, S.LAUNCHING], W.IN_PROGRESS) == (len(walk.launches), walk.servers(), walk.waves[0])
    assert W.IN_PROGRESS == walk.run(1_799).waves[0]
    walk.job_ends(job)
    walk.run(1)
    assert W.COMPLETED == walk.waves[0]


def test_a_server_that_a_cleanup_terminated_is_launched_anew_and_not_looked_for():
    """Its job's word that it came up is of an instance that is no more."""
    walk = timed_out()
    (job,) = walk.jobs.values()
    gone = {sid(1): Gone(sid(1), "i-00000000000000001", "is no more", "C1")}
    walk.execution = with_terminated(walk.execution, gone)
    walk.job_ends(job)
    assert f"wave Database launches {sid(1)} again when {job.job_id} has ended" in told(walk, C.RETRY)
    walk.run(60)
    assert [S.PENDING, S.LAUNCHED] == walk.servers()
    assert (2, (sid(1),)) == (len(walk.launches), walk.launches[-1].server_ids)


def test_a_retried_job_that_still_does_not_end_times_out_again():
    """No execution waits for ever."""
    walk = timed_out()
    told(walk, C.RETRY)
    assert (W.TIMED_OUT, X.TIMED_OUT) == (walk.run(1_800).waves[0], walk.status)


def test_a_job_that_ends_after_its_wave_timed_out_tells_what_became_of_its_servers():
    """While the execution lives it is followed; a retry launches no server again that is up."""
    parts = (wave("Database", (), timeout=timedelta(minutes=30), on_failure=OnFailure.CONTINUE), 2)
    walk = Walk(execution_of(parts, (wave("Application", ()), 1))).run()
    late = walk.launch()
    walk.job_goes_on(late)
    beside = walk.run().launch()
    walk.job_goes_on(beside)
    walk.run(1_800)
    assert (W.TIMED_OUT, [S.UNKNOWN, S.UNKNOWN]) == (walk.waves[0], walk.servers())
    walk.job_ends(late, sid(2))
    walk.run(60)
    assert (W.TIMED_OUT, [S.LAUNCHED, S.FAILED]) == (walk.waves[0], walk.servers())
    told(walk, C.RETRY)
    assert (sid(2),) == walk.launches[-1].server_ids


def test_a_server_that_a_cleanup_terminated_has_come_up_all_the_same():
    """A retry of the others is judged by them, and the wave is not FAILED without a reason."""
    walk = two_waves().wave_done(sid(2))
    walk.execution = with_terminated(walk.execution, {sid(1): Gone(sid(1), "i-00000000000000001", "is no more")})
    told(walk, C.RETRY)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (W.COMPLETED, [S.TERMINATED, S.LAUNCHED]) == (walk.waves[0], walk.servers())


def test_a_failed_server_beside_a_running_job_waits_for_its_end():
    """One chunk never has two jobs that live."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    job = walk.launch()
    parts = (job.servers[0].model_copy(update={"launch_status": "FAILED"}), job.servers[1])
    walk.jobs[job.job_id] = walk.jobs[job.job_id].model_copy(update={"status": "STARTED", "servers": parts})
    walk.run(1_800)
    assert [S.FAILED, S.UNKNOWN] == walk.servers()
    assert f"wave Database launches {sid(1)} again when {job.job_id} has ended" in told(walk, C.RETRY)
    assert 1 == len(walk.launches)
    walk.job_ends(walk.jobs[job.job_id], sid(1))
    walk.run(60)
    assert (2, (sid(1),)) == (walk.launches[1].number, walk.launches[1].server_ids)


def test_a_skipped_wave_that_is_retried_asks_for_its_approval_again():
    """The yes of last time was for another moment."""
    walk = asked(OnTimeout.SKIP).run(1_800)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert X.PARTIAL == walk.status
    answer = told(walk, C.RETRY, "Application")
    assert f"wave Application launches {sid(2)} again, when what it needs is done" == answer
    assert (X.PAUSED, W.WAITING_APPROVAL, None) == (walk.status, walk.waves[1], walk.execution.waves[1].skipped)
    assert walk.now == walk.execution.waves[1].waiting_since


@pytest.mark.parametrize(
    ("wave_name", "server", "words"),
    [
        (None, 1, f"{sid(1)} is LAUNCHED; only what failed or was left out is launched again"),
        ("Application", None, "wave Application was not begun because an earlier wave failed: retry that one"),
        ("Application", 2, f"{sid(2)} is not in wave Application"),
    ],
)
def test_a_retry_of_what_did_not_fail_is_refused(wave_name, server, words):
    """Each with the reason and what to do instead."""
    walk = two_waves().wave_done(sid(2))
    before = walk.execution.waves
    answer = told(walk, C.RETRY, wave_name, (sid(server),) if server else ())
    assert answer.startswith(f"refused: {words}")
    assert (before, X.FAILED) == (walk.execution.waves, walk.status)


def test_a_retry_of_what_still_runs_is_refused():
    """A server by its status, a wave by its own, the whole because nothing of it failed."""
    walk = two_waves().run()
    walk.launch()
    assert f"refused: {sid(1)} is LAUNCHING: its launch has not ended" == told(walk, C.RETRY, servers=(sid(1),))
    assert "refused: wave Database still runs: wait until its job has ended" == told(walk, C.RETRY, "Database")
    assert "refused: nothing of it has failed, so there is nothing to retry" == told(walk, C.RETRY)
    assert "refused: wave Application is PENDING: nothing of it has failed" == told(walk, C.RETRY, "Application")


def test_a_retry_during_a_pause_waits_for_the_resume():
    """And says so."""
    walk = two_waves(on_failure=OnFailure.PAUSE).wave_done(sid(1))
    told(walk, C.PAUSE)
    assert told(walk, C.RETRY).endswith("nothing starts before somebody resumes it")
    assert (X.PAUSED, 1) == (walk.status, len(walk.launches))
    told(walk, C.RESUME)
    assert 2 == len(walk.launches)


# --- skip ------------------------------------------------------------------------------------------------------------


def test_a_skipped_wave_is_never_launched_and_what_needs_it_goes_on():
    """Who left it out stands with it; the whole is PARTIAL."""
    walk = asked()
    assert "wave Application is left out" == told(walk, C.SKIP, "Application")
    assert ([W.COMPLETED, W.SKIPPED, W.PREPARING], [S.SKIPPED]) == (walk.waves, walk.servers(1))
    assert ("mira", "skipped by mira: looked at it") == (
        walk.execution.waves[1].skipped.by,
        walk.execution.waves[1].servers[0].error,
    )
    walk.job_ends(walk.launch())
    walk.run(600)
    assert X.PARTIAL == walk.status


def test_a_skipped_server_is_left_out_of_its_launch():
    """Its absence makes the wave PARTIAL, though the plan calls it critical."""
    walk = asked_first()
    told(walk, C.SKIP, servers=(sid(1),))
    told(walk, C.APPROVE, "Database")
    assert (sid(2),) == walk.launches[0].server_ids
    walk.job_ends(walk.launch())
    walk.run(600)
    assert [W.PARTIAL, W.PREPARING] == walk.waves


def test_a_wave_whose_servers_are_all_skipped_is_skipped():
    """One by one, before it began: nobody is asked to approve a launch of nothing."""
    walk = asked_first()
    told(walk, C.SKIP, servers=(sid(1),))
    assert f"{sid(2)}: left out; with that, wave Database is left out" == told(walk, C.SKIP, servers=(sid(2),))
    assert [W.SKIPPED, W.PREPARING] == walk.waves


@pytest.mark.parametrize(
    ("wave_name", "servers", "words"),
    [
        ("Database", (), "wave Database: drsjob-00000000000000001 launched servers of it; name with --server"),
        (None, (sid(1),), f"{sid(1)} is LAUNCHING by drsjob-00000000000000001, and DRS cannot stop it"),
        ("Application", (sid(1),), f"{sid(1)} is in wave Database, not in Application"),
    ],
)
def test_a_skip_of_what_is_being_launched_is_refused(wave_name, servers, words):
    """DRS cannot stop it."""
    walk = two_waves().run()
    walk.launch()
    assert told(walk, C.SKIP, wave_name, servers).startswith(f"refused: {words}")


@pytest.mark.parametrize(("wave_name", "servers"), [("Database", ()), (None, (sid(1),))])
def test_a_skip_of_what_was_asked_of_aws_waits_for_the_outcome(wave_name, servers):
    """An unknown outcome may be a launch."""
    walk = two_waves().run()
    walk.reply(Unknown("ReadTimeout"))
    answer = told(walk, C.SKIP, wave_name, servers)
    assert answer.startswith("refused: ")
    assert "its launch is being asked for, and the outcome is not known yet" in answer


def test_a_skip_of_a_failed_wave_names_what_helps():
    """Resume goes on without it, retry launches it again."""
    walk = two_waves(on_failure=OnFailure.PAUSE).wave_done(sid(1))
    assert "refused: wave Database is FAILED: resume goes on without it, retry launches it again" == (
        told(walk, C.SKIP, "Database")
    )
    assert f"refused: {sid(1)} is FAILED: resume goes on without it, retry launches it again" == (
        told(walk, C.SKIP, servers=(sid(1),))
    )
    assert f"refused: {sid(2)} is LAUNCHED; nothing of it is left to skip" == told(walk, C.SKIP, servers=(sid(2),))


def held_by_somebody(*, certain: bool) -> Walk:
    """The first wave's servers are in a job of somebody else, or in one that may be ours."""
    walk = two_waves().run()
    walk.reply(Unknown("ReadTimeout"))
    witness = Foreign(job_of(99, tags={"owner": "ops"}), (sid(1),)) if certain else Unsure("not listed yet")
    walk.witnesses[walk.launches[0].attempt_id] = witness
    return walk.run(420)


def test_a_server_that_somebody_else_launches_may_be_skipped():
    """Our own request certainly came to nothing: the rest of its job is asked for again."""
    walk = held_by_somebody(certain=True)
    assert (X.PAUSED, A.FOREIGN, True) == (
        walk.status, walk.execution.attempts[0].status, walk.execution.attempts[0].refused
    )  # fmt: skip
    told(walk, C.SKIP, servers=(sid(1),))
    assert (A.NOT_EXECUTED, (sid(2),), 2) == (
        walk.execution.attempts[0].status, walk.launches[1].server_ids, walk.launches[1].number
    )  # fmt: skip


def test_a_server_whose_request_may_have_been_carried_out_cannot_be_skipped():
    """It may be launching."""
    walk = held_by_somebody(certain=False)
    for wave_name, servers in (("Database", ()), (None, (sid(1),))):
        assert "its request may have been carried out" in told(walk, C.SKIP, wave_name, servers)
    assert (X.PAUSED, A.FOREIGN) == (walk.status, walk.execution.attempts[0].status)


def test_an_uncertain_launch_is_not_given_up_because_another_wave_failed():
    """It waits for a person; a resume judges it again, and what is found is followed."""
    walk = Walk(execution_of((wave("Left"), 1), (wave("Right", needs=()), 1))).run()
    left = walk.launch()
    attempt = walk.run().launches[-1]
    walk.reply(Unknown("ReadTimeout"))
    walk.witnesses[attempt.attempt_id] = Unsure("not listed yet")
    walk.job_ends(left, sid(1))
    walk.run(600)
    assert (X.PAUSED, [W.FAILED, W.PREPARING]) == (walk.status, walk.waves)
    job = walk.started(attempt)
    walk.witnesses[attempt.attempt_id] = Mine(job)
    told(walk, C.RESUME)
    walk.job_ends(job)
    walk.run(600)
    assert (X.FAILED, [W.FAILED, W.COMPLETED]) == (walk.status, walk.waves)


# --- once ------------------------------------------------------------------------------------------------------------


def test_commands_that_meet_are_obeyed_one_after_the_other():
    """In the order in which they were recorded; what makes no sense any more is refused."""
    walk = asked()
    walk.command(C.APPROVE, "Application")
    walk.command(C.DECLINE, "Application")
    walk.run()
    assert ["approved", "refused: wave Application is PREPARING, not waiting for approval"] == [
        command.answer for command in walk.execution.commands
    ]
    assert W.PREPARING == walk.waves[1]


@pytest.mark.parametrize("kind", [C.APPROVE, C.DECLINE, C.PAUSE, C.RESUME, C.RETRY, C.SKIP])
def test_a_cancelling_execution_takes_no_other_command(kind):
    """Whatever is told, the job is let end and nothing else happens."""
    walk = two_waves().run()
    walk.launch()
    told(walk, C.CANCEL)
    before = walk.execution.waves
    assert told(walk, kind, "Application").startswith("refused: ")
    assert (before, X.CANCELLING) == (walk.execution.waves, walk.status)
