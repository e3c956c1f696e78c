"""What an execution does next, walked by hand: waves, people, failures, time."""

from datetime import timedelta

import pytest

from drskit.decide import decide
from drskit.model import (
    Approval,
    CommandKind,
    ExecutionStatus,
    Job,
    OnFailure,
    RecoveryInstance,
    ServerStatus,
    WaveStatus,
)
from drskit.seen import Remains
from tests.builders import Walk, execution_of, sid, source, wave

S, W, X = ServerStatus, WaveStatus, ExecutionStatus


def two_waves(**changes: object) -> Walk:
    """Database and Application, two servers each; the changes are the first wave's."""
    return Walk(execution_of((wave("Database", **changes), 2), (wave("Application"), 2)))


# --- the way of a good drill -----------------------------------------------------------------------------------------


def test_a_drill_walks_through_its_waves():
    """Each status of the way, in its order."""
    walk = two_waves()
    assert (X.PENDING, [W.PENDING, W.PENDING]) == (walk.status, walk.waves)
    walk.step()
    assert (X.POLLING, [W.PENDING, W.PENDING]) == (walk.status, walk.waves)
    attempt = walk.step().launch
    assert [W.PREPARING, W.PENDING] == walk.waves
    assert ("Database", 0, 1, (sid(1), sid(2))) == (
        attempt.wave_name,
        attempt.chunk,
        attempt.number,
        attempt.server_ids,
    )
    job = walk.launch()
    assert [S.LAUNCHING, S.LAUNCHING] == walk.servers()
    walk.step()
    assert [W.INITIATED, W.PENDING] == walk.waves
    walk.job_goes_on(job)
    walk.run(15)
    assert [W.IN_PROGRESS, W.PENDING] == walk.waves
    walk.seconds += 600
    walk.job_ends(job)
    instances, walk.instances = walk.instances, {}
    walk.run()
    assert ([W.VERIFYING, W.PENDING], [S.LAUNCHED, S.LAUNCHED]) == (walk.waves, walk.servers())
    walk.instances = instances
    walk.run(5)
    assert [W.COMPLETED, W.PREPARING] == walk.waves
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (X.COMPLETED, [W.COMPLETED, W.COMPLETED]) == (walk.status, walk.waves)
    assert walk.now == walk.execution.end_time
    assert 2 == len(walk.launches)


def test_a_server_carries_what_became_of_it():
    """Job, attempt, request, instance and snapshot."""
    walk = two_waves().wave_done()
    server = walk.execution.waves[0].servers[0]
    assert ("drsjob-00000000000000001", 1, "LAUNCHED") == (server.job_id, server.attempt, server.launch_status)
    assert f"i-{sid(1)[2:]}" == server.recovery_instance_id
    assert timedelta(minutes=3) == server.request_time - server.snapshot_time


def test_an_instance_that_stays_unlisted_is_waited_for_five_minutes():
    """Then the wave is judged by its servers all the same."""
    walk = two_waves().run()
    job = walk.launch()
    walk.job_ends(job)
    walk.instances.clear()
    assert W.VERIFYING == walk.run(299).waves[0]
    assert W.COMPLETED == walk.run(1).waves[0]
    assert walk.execution.waves[0].servers[0].recovery_instance_id is None


def test_an_instance_of_another_job_is_not_taken_for_ours():
    """Left over from an earlier drill, it says nothing about this one."""
    walk = two_waves().run()
    walk.job_ends(walk.launch())
    walk.instances = {key: value.model_copy(update={"job_id": "drsjob-other"}) for key, value in walk.instances.items()}
    assert W.VERIFYING == walk.run(10).waves[0]
    assert walk.execution.waves[0].servers[0].recovery_instance_id is None


def test_waves_that_need_nothing_run_side_by_side():
    """And the one that needs both waits for the slower."""
    walk = Walk(
        execution_of((wave("Left"), 1), (wave("Right", needs=()), 1), (wave("Both", needs=("Left", "Right")), 1))
    )
    left = walk.run().launch()
    right = walk.run().launch()
    assert left.job_id != right.job_id
    walk.job_ends(left)
    assert [W.COMPLETED, W.INITIATED, W.PENDING] == walk.run(600).waves
    walk.job_ends(right)
    assert [W.COMPLETED, W.COMPLETED, W.PREPARING] == walk.run(600).waves


def test_an_execution_that_ended_is_left_alone():
    """Nothing that is seen later changes it."""
    walk = Walk(execution_of((wave("Database"), 2))).wave_done()
    ended = walk.execution
    walk.command(CommandKind.CANCEL)
    assert walk.execution is decide(walk.execution, walk.seen()).execution
    assert X.COMPLETED == ended.status


def test_a_large_wave_is_launched_in_jobs_of_a_hundred():
    """250 servers are three attempts, one for each step, and no server is in two of them."""
    walk = Walk(execution_of((wave("Database"), 250)))
    for _ in range(3):
        walk.run()
        walk.launch()
    walk.run()
    assert [(0, 100), (1, 100), (2, 50)] == [(part.chunk, len(part.server_ids)) for part in walk.launches]
    assert 250 == len({server_id for part in walk.launches for server_id in part.server_ids})
    assert W.INITIATED == walk.waves[0]


def test_a_job_that_is_completed_and_says_no_end_has_ended():
    """The time of the look stands in for the end that DRS does not tell."""
    walk = Walk(execution_of((wave("Database"), 2))).run()
    job = walk.launch()
    walk.job_ends(job)
    walk.jobs[job.job_id] = walk.jobs[job.job_id].model_copy(update={"end_time": None})
    walk.run(600)
    assert (X.COMPLETED, walk.now) == (walk.status, walk.execution.attempts[0].end_time)


# --- people ----------------------------------------------------------------------------------------------------------


def waiting() -> Walk:
    """The application's wave waits for approval."""
    approval = Approval(text="The database accepts logins.")
    return Walk(execution_of((wave("Database"), 2), (wave("Application", approval=approval), 2))).wave_done()


def test_an_approval_pauses_the_execution_and_says_what_it_waits_for():
    """Nothing moves meanwhile, so nobody needs to poll."""
    walk = waiting()
    assert (X.PAUSED, [W.COMPLETED, W.WAITING_APPROVAL]) == (walk.status, walk.waves)
    assert "approval of wave Application: The database accepts logins." == walk.execution.waiting_for
    assert walk.now == walk.execution.waves[1].waiting_since


def test_an_approval_is_consumed_once_and_acknowledged():
    """Who, when and why stay with the wave; the wave's time begins with it."""
    walk = waiting()
    walk.seconds += 3_600
    command = walk.command(CommandKind.APPROVE, "Application")
    walk.run()
    run = walk.execution.waves[1]
    assert (X.POLLING, W.PREPARING, walk.now) == (walk.status, run.status, run.start_time)
    assert ("mira", command.at, "looked at it") == (run.approved.by, run.approved.at, run.approved.reason)
    assert (walk.now, "approved") == (walk.execution.commands[0].acknowledged, walk.answer())
    acknowledged = walk.execution.commands
    walk.launch()
    walk.run(15)
    assert acknowledged == walk.execution.commands


@pytest.mark.parametrize("name", ["Database", "Nowhere", None])
def test_an_approval_that_makes_no_sense_is_refused_and_changes_nothing(name):
    """Of a wave that does not wait, of one that does not exist, of none."""
    walk = waiting()
    before = walk.execution.waves
    walk.command(CommandKind.APPROVE, name)
    walk.run()
    assert walk.answer().startswith("refused: ")
    assert before == walk.execution.waves
    assert X.PAUSED == walk.status


def test_a_pause_is_a_person_s_turn_however_long_it_takes():
    """Without a command nothing changes, and no time runs out."""
    walk = waiting()
    before = walk.execution
    walk.run(10 * 86_400)
    assert before is walk.execution


def test_a_wave_that_runs_beside_an_approval_keeps_the_execution_polling():
    """What waits for a person is shown, and what moves goes on moving."""
    approval = Approval(text="Fine?")
    walk = Walk(execution_of((wave("Left", approval=approval), 1), (wave("Right", needs=()), 1))).run()
    assert (X.POLLING, [W.WAITING_APPROVAL, W.PREPARING]) == (walk.status, walk.waves)
    assert "approval of wave Left: Fine?" == walk.execution.waiting_for
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (X.PAUSED, [W.WAITING_APPROVAL, W.COMPLETED]) == (walk.status, walk.waves)


def test_a_cancelled_drill_launches_nothing_more():
    """The job that runs goes on to its end, for DRS cannot stop it; then the execution is CANCELLED."""
    walk = two_waves().run()
    job = walk.launch()
    walk.command(CommandKind.CANCEL)
    walk.run(15)
    assert (X.CANCELLING, [W.INITIATED, W.CANCELLED]) == (walk.status, walk.waves)
    assert [S.SKIPPED, S.SKIPPED] == walk.servers(1)
    assert "DRS cannot stop them" in walk.answer()
    walk.job_ends(job)
    walk.run(600)
    assert (X.CANCELLED, [W.COMPLETED, W.CANCELLED]) == (walk.status, walk.waves)
    assert 1 == len(walk.launches)


def test_a_cancelled_pause_ends_at_once():
    """Nothing runs, so nothing is waited for."""
    walk = waiting()
    walk.command(CommandKind.CANCEL)
    walk.command(CommandKind.CANCEL)
    walk.command(CommandKind.APPROVE, "Application")
    walk.run()
    assert (X.CANCELLED, [W.COMPLETED, W.CANCELLED]) == (walk.status, walk.waves)
    answers = [command.answer for command in walk.execution.commands[1:]]
    assert ["refused: it is being cancelled already", "refused: it is being cancelled"] == answers


def test_a_resume_of_nothing_is_refused():
    """And acknowledged: a command never stays open."""
    walk = two_waves().run()
    walk.command(CommandKind.RESUME)
    walk.run()
    assert "refused: nothing waits for a decision to resume" == walk.answer()


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_completed_job_with_a_failed_server_is_no_success():
    """The wave is FAILED, what needs it is never launched, the execution is FAILED."""
    walk = two_waves().wave_done(sid(2))
    assert (X.FAILED, [W.FAILED, W.CANCELLED]) == (walk.status, walk.waves)
    assert ([S.LAUNCHED, S.FAILED], [S.SKIPPED, S.SKIPPED]) == (walk.servers(0), walk.servers(1))
    assert "1 of 2 servers failed: server-2" == walk.execution.waves[0].reason
    assert "an earlier wave failed" == walk.execution.waves[1].reason


def silent(word: str | None = "PENDING", last: str | None = None) -> tuple[Walk, Job]:
    """A job that has ended without a word about its second server; what its last launch says."""
    walk = two_waves().run()
    job = walk.launch()
    if word is None:
        walk.job_ends(job.model_copy(update={"servers": job.servers[:1]}))
    else:
        walk.job_ends(job, sid(2), word=word)
    server = source(2, last_launch_job_id=job.job_id, last_launch_status=last)
    walk.remains[job.job_id] = Remains(servers={sid(2): server}, instances={})
    return walk.run(30), job


@pytest.mark.parametrize("word", ["PENDING", None])
def test_a_server_of_which_a_completed_job_says_nothing_is_unknown_and_not_failed(word):
    """Its instance may be listed a while after the job's end; then a person is asked, and nothing goes on."""
    walk, job = silent(word)
    assert ([S.LAUNCHED, S.LAUNCHING], X.POLLING) == (walk.servers(), walk.status)
    walk.run(299)
    assert ([S.LAUNCHED, S.UNKNOWN], X.PAUSED) == (walk.servers(), walk.status)
    assert f"{job.job_id} is COMPLETED and this server is PENDING; DRS shows no instance" in walk.execution.waiting_for
    assert [W.IN_PROGRESS, W.PENDING] == walk.waves


def test_an_instance_tells_what_a_completed_job_does_not():
    """It is up, and the wave goes on."""
    walk, job = silent()
    up = RecoveryInstance(recovery_instance_id="i-2", source_server_id=sid(2), job_id=job.job_id, state="RUNNING")
    walk.instances[sid(2)] = up
    walk.remains[job.job_id] = Remains(servers={}, instances={sid(2): up})
    walk.run(30)
    assert ([S.LAUNCHED, S.LAUNCHED], W.COMPLETED) == (walk.servers(), walk.waves[0])


@pytest.mark.parametrize(("last", "status"), [("LAUNCHED", S.LAUNCHED), ("FAILED", S.FAILED)])
def test_a_last_launch_tells_what_a_completed_job_does_not(last, status):
    """DRS's word for the server itself, when it is about this job."""
    walk, _ = silent(last=last)
    assert [S.LAUNCHED, status] == walk.servers()


def test_an_optional_server_s_failure_makes_a_wave_partial():
    """What needs the wave goes on; the execution ends PARTIAL, not COMPLETED."""
    walk = two_waves(optional=(sid(2),)).wave_done(sid(2))
    assert [W.PARTIAL, W.PREPARING] == walk.waves
    walk.job_ends(walk.launch())
    walk.run(600)
    assert X.PARTIAL == walk.status


@pytest.mark.parametrize(("failed", "status"), [(1, W.PARTIAL), (2, W.FAILED)])
def test_as_many_servers_may_fail_as_the_plan_says(failed, status):
    """One of three is tolerated, two are not."""
    walk = Walk(execution_of((wave("Web", max_failed=1), 3))).wave_done(*(sid(n + 1) for n in range(failed)))
    assert [status] == walk.waves


def test_a_failed_wave_may_leave_the_others_running():
    """on_failure: continue; the whole is FAILED in the end."""
    walk = two_waves(on_failure=OnFailure.CONTINUE).wave_done(sid(1))
    assert (X.POLLING, [W.FAILED, W.PREPARING]) == (walk.status, walk.waves)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (X.FAILED, [W.FAILED, W.COMPLETED]) == (walk.status, walk.waves)


def test_a_failed_wave_may_wait_for_a_verdict():
    """on_failure: pause; a resume leaves the failed wave behind and is recorded there."""
    walk = two_waves(on_failure=OnFailure.PAUSE).wave_done(sid(1))
    assert (X.PAUSED, [W.FAILED, W.PENDING]) == (walk.status, walk.waves)
    assert "a decision about wave Database, which is FAILED: resume without it, retry it, or cancel" == (
        walk.execution.waiting_for
    )
    walk.command(CommandKind.RESUME)
    walk.run()
    assert (X.POLLING, [W.FAILED, W.PREPARING]) == (walk.status, walk.waves)
    assert "mira" == walk.execution.waves[0].overridden.by
    walk.job_ends(walk.launch())
    walk.run(600)
    assert X.FAILED == walk.status


def test_a_failed_wave_waits_for_what_runs_beside_it():
    """No execution is FAILED while a job of it lives."""
    walk = Walk(execution_of((wave("Left"), 1), (wave("Right", needs=()), 1)))
    left = walk.run().launch()
    right = walk.run().launch()
    walk.job_ends(left, sid(1))
    walk.run(600)
    assert (X.POLLING, [W.FAILED, W.INITIATED]) == (walk.status, walk.waves)
    walk.job_ends(right)
    walk.run(30)
    assert (X.FAILED, [W.FAILED, W.COMPLETED]) == (walk.status, walk.waves)


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_wave_that_takes_too_long_is_timed_out_and_its_servers_unknown():
    """We stop waiting; the job may still run, so nothing of it is called failed."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    job = walk.launch()
    walk.job_goes_on(job)
    assert W.IN_PROGRESS == walk.run(1_799).waves[0]
    walk.run(1)
    assert (X.TIMED_OUT, [W.TIMED_OUT, W.CANCELLED]) == (walk.status, walk.waves)
    assert [S.UNKNOWN, S.UNKNOWN] == walk.servers()
    assert f"not launched within the wave's 30 min; {job.job_id} may still be running" == (
        walk.execution.waves[0].servers[0].error
    )


def test_a_late_look_at_launches_that_ended_in_time_is_no_timeout():
    """The laptop slept for a day; the servers did not."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    job = walk.launch()
    walk.seconds += 600
    walk.job_ends(job)
    walk.run(86_400)
    assert [W.COMPLETED, W.PREPARING] == walk.waves


def test_a_job_that_never_ends_is_timed_out_though_its_servers_are_up():
    """No execution waits for ever."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    job = walk.launch()
    walk.job_ends(job)
    walk.jobs[job.job_id] = walk.jobs[job.job_id].model_copy(update={"status": "STARTED", "end_time": None})
    walk.run(1_800)
    assert (X.TIMED_OUT, [S.LAUNCHED, S.LAUNCHED]) == (walk.status, walk.servers())


def test_a_throttle_that_lasts_longer_than_the_wave_may_only_delays():
    """The wave's time is the time of its jobs; a request that AWS refuses for now is asked again."""
    walk = two_waves(timeout=timedelta(minutes=30)).run()
    walk.refuse("ThrottlingException")
    walk.run(3_600)
    assert (X.POLLING, [S.PENDING, S.PENDING]) == (walk.status, walk.servers())
    assert 2 == len(walk.launches)


def test_a_timed_out_wave_outweighs_a_failed_one():
    """Its job may still run, and nobody calls an execution FAILED whose job lives."""
    walk = Walk(
        execution_of(
            (wave("Database", needs=(), on_failure=OnFailure.CONTINUE), 1),
            (wave("Application", needs=(), timeout=timedelta(minutes=30)), 1),
        )
    ).run()
    database = walk.launch()
    walk.run()
    walk.launch()
    walk.job_ends(database, *[server.source_server_id for server in database.servers])
    walk.run(1_800)
    assert ([W.FAILED, W.TIMED_OUT], X.TIMED_OUT) == (walk.waves, walk.status)


def test_waiting_for_approval_takes_nothing_of_a_wave_s_time():
    """Its time begins when somebody has said yes."""
    walk = waiting()
    walk.seconds += 86_400
    walk.command(CommandKind.APPROVE, "Application")
    walk.run()
    assert W.PREPARING == walk.waves[1]
