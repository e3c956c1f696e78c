"""A job that DRS no longer has: what is left of it tells, or nobody knows; it is never launched again by itself."""

import boto3
import pytest

from drskit.attempts import VANISHED_AFTER, long_missing
from drskit.model import CommandKind, ExecutionStatus, RecoveryInstance, ServerStatus, WaveStatus
from drskit.seen import Remains
from drskit.verify import faults
from tests.builders import Walk, at, attempt_of, execution_of, sid, source, wave
from tests.harness import House, house, runbook_of
from tests.test_faults import SMALL
from tests.test_witnesses import ONE_WAVE, SERVER

S = ServerStatus


# --- pure ------------------------------------------------------------------------------------------------------------


def running(servers: int = 2) -> Walk:
    """One wave, whose job runs and then is missing."""
    walk = Walk(execution_of((wave("Database"), servers))).run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.run(30)
    del walk.jobs[job.job_id]
    walk.missing.add(job.job_id)
    return walk.run(30)


def remains(walk: Walk, servers=(), instances=()) -> Walk:
    """The job is gone, and this is what it left."""
    walk.remains[job_of(walk)] = Remains(
        servers={server.source_server_id: server for server in servers},
        instances={instance.source_server_id: instance for instance in instances},
    )
    return walk.run(300)


def job_of(walk: Walk) -> str:
    """The job that is missing."""
    return next(iter(walk.missing))


def instance(walk: Walk, number: int, **changes: object) -> RecoveryInstance:
    """A running instance of the job."""
    known = RecoveryInstance(
        recovery_instance_id=f"i-{number}", source_server_id=sid(number), job_id=job_of(walk), state="RUNNING"
    )
    return known.model_copy(update=changes)


def last(walk: Walk, number: int, status: str, job_id: str | None = None):
    """A source server whose last launch was the job's."""
    return source(number, last_launch_job_id=job_id or job_of(walk), last_launch_status=status)


def test_a_missing_job_is_noted_and_shown_and_nothing_else_changes():
    """One empty answer may be a list that lags."""
    walk = running()
    (attempt,) = walk.execution.attempts
    assert (at(60), "STARTED", None) == (attempt.missing_since, attempt.job_status, attempt.end_time)
    assert [S.LAUNCHING, S.LAUNCHING] == walk.servers()
    walk.run(10)
    text = f"{job_of(walk)} of wave Database, which DRS has not shown since 2026-11-23 09:01:00Z"
    assert text == walk.execution.waiting_for


def test_a_job_that_is_shown_again_was_never_gone():
    """The next time that it is missing counts from then."""
    walk = running()
    walk.started(walk.launches[0])
    walk.jobs = {job_of(walk): walk.jobs.popitem()[1]}
    walk.run(60)
    assert (None, None) == (walk.execution.attempts[0].missing_since, walk.execution.waiting_for)


def test_a_job_is_gone_after_five_minutes_without_it():
    """By the times of the listings, not by when somebody thought about them."""
    assert not long_missing(attempt_of(), at(9_000))
    missing = attempt_of(missing_since=at(60))
    assert not long_missing(missing, at(60) + VANISHED_AFTER * 0.99)
    assert long_missing(missing, at(60) + VANISHED_AFTER)


def test_an_instance_of_a_vanished_job_is_launched():
    """It is there, so it was; its snapshot is known too."""
    walk = running(1)
    remains(walk, instances=[instance(walk, 1, snapshot_time=at(5))])
    (server,) = walk.execution.waves[0].servers
    assert (S.LAUNCHED, "i-1", at(5)) == (server.status, server.recovery_instance_id, server.snapshot_time)
    assert ExecutionStatus.COMPLETED is walk.status


def test_a_last_launch_of_a_vanished_job_tells_what_became_of_it():
    """LAUNCHED and FAILED are DRS's own words."""
    walk = running()
    remains(walk, servers=[last(walk, 1, "LAUNCHED"), last(walk, 2, "FAILED")])
    assert [S.LAUNCHED, S.FAILED] == walk.servers()
    error = f"DRS says FAILED of the server's last launch, and no longer has its job {job_of(walk)} to tell why"
    assert error == walk.execution.waves[0].servers[1].error
    (attempt,) = walk.execution.attempts
    assert ("VANISHED", walk.now) == (attempt.job_status, attempt.end_time)


def test_of_what_left_nothing_nobody_knows():
    """Neither failed nor launched again, whatever other jobs did since; the wave is not over."""
    walk = running()
    terminated = instance(walk, 1, state="TERMINATED")
    other = instance(walk, 2, job_id="drsjob-other")
    remains(walk, servers=[last(walk, 2, "LAUNCHED", "drsjob-other")], instances=[terminated, other])
    assert [S.UNKNOWN, S.UNKNOWN] == walk.servers()
    assert f"DRS no longer has its job {job_of(walk)}" == walk.execution.waves[0].servers[0].error
    assert (WaveStatus.IN_PROGRESS, 1) == (walk.waves[0], len(walk.launches))
    walk.run(3_600)
    assert ([S.UNKNOWN, S.UNKNOWN], 1) == (walk.servers(), len(walk.launches))


def test_what_was_learned_before_stands():
    """A server that came up before the job vanished is up."""
    walk = Walk(execution_of((wave("Database"), 2))).run()
    job = walk.launch()
    up = job.servers[0].model_copy(update={"launch_status": "LAUNCHED"})
    walk.jobs[job.job_id] = job.model_copy(update={"status": "STARTED", "servers": (up, job.servers[1])})
    walk.run(30)
    del walk.jobs[job.job_id]
    walk.missing.add(job.job_id)
    remains(walk.run(30))
    assert [S.LAUNCHED, S.UNKNOWN] == walk.servers()


# --- over the simulator ----------------------------------------------------------------------------------------------


def vanish(home: House) -> str:
    """A drill whose job ends and is deleted while nobody looks; its ExecutionId."""
    name = home.session.start(runbook_of(ONE_WAVE)).execution_id
    home.session.poller().run_pass()
    home.clock.sleep(900)
    (job,) = home.jobs()
    home.session.clients.drs("us-west-2").delete_job(jobID=job["jobID"])
    return name


def poll(home: House, passes: int) -> None:
    """So many passes."""
    poller = home.session.poller()
    for _ in range(passes):
        home.clock.sleep(poller.wait_seconds(poller.run_pass()))


def test_a_drill_outlives_the_deletion_of_its_job():
    """DRS lists its instance still: the wave completes, and the history holds."""
    with house(text=SMALL) as home:
        name = vanish(home)
        poll(home, 2)
        waiting = home.session.store.load(name)
        assert "which DRS has not shown since 2026-03-02 09:15:0" in (waiting.waiting_for or "")
        home.finish()
        done = home.session.store.load(name)
        (attempt,) = done.attempts
        assert (ExecutionStatus.COMPLETED, "VANISHED") == (done.status, attempt.job_status)
        assert (attempt.end_time - attempt.missing_since) >= VANISHED_AFTER
        events = home.session.store.events(name)
        assert (1, ()) == (sum(event.kind == "JOB_MISSING" for event in events), faults(done, events))


def test_a_server_that_somebody_launched_since_is_unknown():
    """Its last launch and its instance are another job's; ours may have failed or not."""
    failing = SMALL.replace("name: db-1,", "name: db-1, fails: [conversion-failed],")
    with house(text=failing) as home:
        name = vanish(home)
        somebody = boto3.client("drs", region_name="us-west-2")
        somebody.start_recovery(sourceServers=[{"sourceServerID": SERVER}], isDrill=True)
        poll(home, 60)
        left = home.session.store.load(name)
        (server,) = left.waves[0].servers
        assert (S.UNKNOWN, WaveStatus.IN_PROGRESS) == (server.status, left.waves[0].status)
        assert "DRS no longer has its job drsjob-" in (server.error or "")
        assert (1, ExecutionStatus.PAUSED) == (len(left.attempts), left.status)
        assert "DRS no longer has its job drsjob-" in (left.waiting_for or "")
        home.session.command(name, CommandKind.CANCEL, reason="it is lost")
        home.finish()
        assert ExecutionStatus.CANCELLED is home.session.store.load(name).status


def test_the_last_launch_tells_of_a_server_that_failed():
    """Nothing runs, and DRS says FAILED of the launch that is gone."""
    failing = SMALL.replace("name: db-1,", "name: db-1, fails: [conversion-failed],")
    with house(text=failing) as home:
        name = vanish(home)
        home.finish()
        done = home.session.store.load(name)
        assert (ExecutionStatus.FAILED, S.FAILED) == (done.status, done.waves[0].servers[0].status)


@pytest.mark.parametrize("fails", ["", "fails: [conversion-failed], "])
def test_a_job_that_ends_without_a_word_is_judged_by_what_it_left(fails):
    """DRS names no server in the ended job, and its log no end: the instance and the last launch tell."""

    def silence(parsed, **_):
        for job in parsed["items"]:
            if job["status"] == "COMPLETED":
                job["participatingServers"] = []

    world = SMALL.replace("name: db-1,", f"name: db-1, {fails}") + "behaviour: {emit_launch_end: false}\n"
    with house(text=world) as home:
        name = home.session.start(runbook_of(ONE_WAVE)).execution_id
        home.session.poller().run_pass()
        home.clock.sleep(900)
        home.session.clients.drs("us-west-2").meta.events.register("after-call.drs.DescribeJobs", silence)
        home.finish()
        (server,) = home.session.store.load(name).waves[0].servers
        assert (S.FAILED if fails else S.LAUNCHED) is server.status
        assert fails or server.recovery_instance_id


def test_a_job_that_is_listed_late_is_not_taken_for_gone():
    """Two minutes of lag delay what is shown, and nothing else."""
    with house(text=f"{SMALL}behaviour: {{job_delay: 120}}\n") as home:
        name = home.session.start(runbook_of(ONE_WAVE)).execution_id
        home.finish()
        done = home.session.store.load(name)
        (attempt,) = done.attempts
        assert (ExecutionStatus.COMPLETED, "COMPLETED", None) == (
            done.status, attempt.job_status, attempt.missing_since,
        )  # fmt: skip
