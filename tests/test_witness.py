"""What a look at DRS says of an open intent."""

from datetime import timedelta

from drskit import witness
from drskit.model import JobServer, RecoveryInstance, TaggedInstance
from drskit.witness import Absent, Foreign, Mine, Unsure, instances_testify, look_back, tags_of, unlisted
from tests.builders import at, attempt_of, execution_of, job_of, sid, source, wave

ATTEMPT = attempt_of()
EXECUTION = execution_of((wave("Database"), 2), (wave("Application"), 2), attempts=(ATTEMPT,))
QUIET = {sid(1): source(1), sid(2): source(2)}


def say(*jobs, execution=EXECUTION, attempt=ATTEMPT, servers=QUIET):
    return witness.testify(execution, attempt, jobs, servers)


def tagged(attempt, **changes):
    """The job that the attempt's request made."""
    return job_of(1, tags=tags_of(EXECUTION, attempt), **changes)


def test_a_job_carries_exactly_four_tags():
    """The contract of design §10."""
    assert {
        "drskit:ExecutionId": EXECUTION.execution_id,
        "drskit:ExecutionType": "DRILL",
        "drskit:Wave": "Database",
        "drskit:Attempt": ATTEMPT.attempt_id,
    } == tags_of(EXECUTION, ATTEMPT)


def test_the_job_with_the_attempt_s_tag_is_mine():
    """Whatever its status, for a job may end before anybody looks."""
    for status in ("PENDING", "STARTED", "COMPLETED"):
        job = tagged(ATTEMPT, status=status)
        assert Mine(job) == say(job)


def test_the_job_of_an_earlier_attempt_for_the_same_chunk_is_mine():
    """It came late; to launch beside it would be a second launch."""
    second = attempt_of(2, signed_at=at(500))
    execution = EXECUTION.model_copy(update={"attempts": (ATTEMPT, second)})
    late = tagged(ATTEMPT, creation_time=at(499))
    assert Mine(late) == say(late, execution=execution, attempt=second)


def test_the_attempt_s_own_job_goes_before_an_earlier_one():
    """Where both are to be seen."""
    second = attempt_of(2)
    execution = EXECUTION.model_copy(update={"attempts": (ATTEMPT, second)})
    late, own = tagged(ATTEMPT), job_of(2, tags=tags_of(EXECUTION, second))
    assert Mine(own) == say(late, own, execution=execution, attempt=second)


def test_the_job_of_another_chunk_is_not_mine():
    """Nor of another wave: their servers are others."""
    other = attempt_of(2, chunk=1, servers=(sid(101),))
    elsewhere = attempt_of(3, wave_name="Application", servers=(sid(3), sid(4)))
    execution = EXECUTION.model_copy(update={"attempts": (ATTEMPT, other, elsewhere)})
    jobs = [
        job_of(n, servers=part.server_ids, tags=tags_of(EXECUTION, part)) for n, part in ((2, other), (3, elsewhere))
    ]
    assert Absent() == say(*jobs, execution=execution)


def test_a_running_job_with_one_of_our_servers_is_foreign():
    """Even one that began before the intent; the servers that it holds are named."""
    job = job_of(creation_time=at(-300), servers=(sid(2), sid(9)))
    assert Foreign(job, (sid(2),)) == say(job)


def test_a_job_that_began_after_the_intent_and_has_ended_is_foreign():
    """Somebody launched our servers since; nobody but a person knows what for."""
    job = job_of(creation_time=at(0), status="COMPLETED", servers=(sid(1),))
    assert Foreign(job, (sid(1),)) == say(job)


def test_a_job_that_a_person_excused_holds_nothing_once_it_has_ended():
    """While it runs, it still does; and a last launch by it is no riddle."""
    excused = ATTEMPT.model_copy(update={"excused": ("drsjob-excused",)})
    job = job_of(creation_time=at(1), servers=(sid(1),)).model_copy(update={"job_id": "drsjob-excused"})
    last = source(1, last_launch_job_id="drsjob-excused", last_launch_time=at(2))
    running = say(job, attempt=excused)
    ended = say(job.model_copy(update={"status": "COMPLETED"}), attempt=excused)
    unlisted = say(attempt=excused, servers={sid(1): last, sid(2): source(2)})
    assert (Foreign(job, (sid(1),)), Absent(), Absent()) == (running, ended, unlisted)


def test_a_job_that_ended_and_began_before_the_intent_is_no_witness():
    """Yesterday's drill."""
    assert Absent() == say(job_of(creation_time=at(-1), status="COMPLETED"))


def test_another_execution_of_drskit_is_foreign():
    """Its tags are no ours, even with exactly our servers."""
    job = job_of(tags={"drskit:ExecutionId": "01OTHER", "drskit:Attempt": "01OTHERATTEMPT"})
    assert Foreign(job, (sid(1), sid(2))) == say(job)


def test_a_job_of_exactly_our_servers_without_tags_may_be_ours():
    """Tags may lag; unsure is never absent."""
    job = job_of(creation_time=at(3))
    assert Unsure(f"{job.job_id} has our servers and no tags", job.job_id) == say(job)


def test_a_tagless_job_of_other_than_exactly_our_servers_is_foreign():
    """Our request would have had all of them and no other."""
    more = job_of(creation_time=at(3), servers=(sid(1), sid(2), sid(3)))
    less = job_of(creation_time=at(3), servers=(sid(1),))
    earlier = job_of(creation_time=at(-3))
    assert [Foreign, Foreign, Foreign] == [type(say(job)) for job in (more, less, earlier)]


def test_a_launch_that_is_not_listed_yet_may_be_ours():
    """The server remembers its last launch before DescribeJobs shows it."""
    server = source(1, last_launch_job_id="drsjob-unlisted", last_launch_time=at(2))
    what = say(servers={sid(1): server, sid(2): source(2)})
    text = f"{sid(1)} was last launched by drsjob-unlisted, which is not listed yet"
    assert Unsure(text, "drsjob-unlisted") == what


def test_a_last_launch_before_the_intent_says_nothing():
    """It is the drill before this one."""
    server = source(1, last_launch_job_id="drsjob-old", last_launch_time=at(-1))
    assert Absent() == say(servers={sid(1): server, sid(2): source(2)})


def test_a_terminate_job_is_no_witness():
    """Even with our servers and our tags, it launched nothing."""
    job = tagged(ATTEMPT, job_type="TERMINATE")
    assert Absent() == say(job, job_of(2, job_type="TERMINATE", creation_time=at(5)))


def test_a_running_terminate_job_may_be_why_drs_refused():
    """It holds the servers of a request that was refused; one that has ended, or of others, does not."""
    refused = ATTEMPT.model_copy(update={"refused": True})
    running = job_of(3, job_type="TERMINATE", creation_time=at(-7200))
    ended = job_of(4, job_type="TERMINATE", creation_time=at(-5), status="COMPLETED")
    elsewhere = job_of(5, job_type="TERMINATE", servers=(sid(9),))
    assert Absent(busy=running) == say(ended, running, elsewhere, attempt=refused)
    assert Absent() == say(ended, elsewhere, attempt=refused)


def test_a_refused_request_is_looked_into_far_back():
    """What stands in its way may run for hours; what came of a request came after it."""
    refused = ATTEMPT.model_copy(update={"refused": True})
    assert (timedelta(minutes=10), timedelta(days=1)) == (look_back(ATTEMPT), look_back(refused))


def test_nothing_to_be_seen_is_absent():
    """Servers that DRS cannot launch now are named, for they may be why it refused the request."""
    assert Absent() == say()
    gone = "DRS no longer has this source server"
    cut_off = source(2).model_copy(update={"replication_state": "DISCONNECTED"})
    reason = "its replication is DISCONNECTED, so it has no usable recovery point"
    assert Absent({sid(1): gone, sid(2): reason}) == say(servers={sid(2): cut_off})
    assert Absent() == say(job_of(servers=(sid(8),)), job_of(2, servers=()).model_copy(update={"servers": ()}))


def test_servers_of_a_job_may_lack_their_words():
    """A launch status that is absent changes nothing."""
    job = tagged(ATTEMPT).model_copy(update={"servers": (JobServer(source_server_id=sid(1)),)})
    assert Mine(job) == say(job)


# --- the last resort before a repeat ---------------------------------------------------------------------------------


def instance(number, job_id="drsjob-unlisted", **changes):
    """What DRS knows of an instance of one of the attempt's servers."""
    known = RecoveryInstance(recovery_instance_id=f"i-{number}", source_server_id=sid(number), job_id=job_id)
    return known.model_copy(update=changes)


def in_ec2(number, seconds=None):
    """The same instance as EC2 has it, started so many seconds after the intent."""
    time = None if seconds is None else at(seconds)
    return TaggedInstance(instance_id=f"i-{number}", source_server_id=sid(number), state="running", launch_time=time)


def hidden(*instances, tagged=(), jobs=(), attempt=ATTEMPT):
    return instances_testify(attempt, jobs, instances, tagged)


def test_jobs_that_only_servers_and_instances_name_are_to_be_asked_for():
    """Those of the attempt's servers, each once; not what is listed, nor what a person excused."""
    servers = {
        sid(1): source(1, last_launch_job_id="drsjob-b"),
        sid(2): source(2, last_launch_job_id=job_of(1).job_id),
        sid(9): source(9, last_launch_job_id="drsjob-elsewhere"),
    }
    excused = ATTEMPT.model_copy(update={"excused": ("drsjob-c",)})
    found = [instance(1, "drsjob-a"), instance(2, "drsjob-b"), instance(1, "drsjob-c"), instance(1, None), instance(9)]
    assert ("drsjob-a", "drsjob-b") == unlisted(excused, [job_of(1)], servers, found)
    assert () == unlisted(ATTEMPT, [], QUIET)


def test_an_instance_of_a_job_that_nobody_lists_may_be_ours():
    """It came up since the intent: whoever launches again would terminate it."""
    text = f"{sid(1)} has i-1, launched at 2026-11-23 09:01:00Z by drsjob-unlisted, which DRS does not list"
    assert Unsure(text, "drsjob-unlisted") == hidden(instance(1), tagged=[in_ec2(1, 60)])
    assert isinstance(hidden(instance(1), tagged=[in_ec2(1, 0)]), Unsure)


def test_an_instance_from_before_the_intent_is_no_witness():
    """By EC2's time of its start; by the time of its snapshot where EC2 no longer has it."""
    assert Absent() == hidden(instance(1), tagged=[in_ec2(1, -1)])
    assert Absent() == hidden(instance(1, snapshot_time=at(-1)))
    assert isinstance(hidden(instance(1, snapshot_time=at(1))), Unsure)


def test_an_instance_of_which_nobody_knows_the_time_may_be_ours():
    """What is not known is no absence."""
    text = f"{sid(1)} has i-1, launched at a time that nobody knows, by a job that DRS does not name"
    assert Unsure(text, "i-1") == hidden(instance(1, None))
    assert isinstance(hidden(instance(1), tagged=[in_ec2(1)]), Unsure)


def test_an_instance_of_a_job_that_was_judged_says_no_more():
    """Whoever stopped and started it since made its time in EC2 a later one."""
    job = job_of(1, creation_time=at(-900), status="COMPLETED")
    assert Absent() == hidden(instance(1, job.job_id), tagged=[in_ec2(1, 60)], jobs=[job])


def test_an_instance_that_only_ec2_knows_may_be_ours():
    """DRS's record of an instance may trail behind EC2's."""
    text = f"{sid(2)} has i-2 in EC2, launched at 2026-11-23 09:01:00Z and not known to DRS"
    assert Unsure(text, "i-2") == hidden(tagged=[in_ec2(2, 60)])
    assert Absent() == hidden(tagged=[in_ec2(2, -60)])


def test_what_a_person_excused_is_no_witness():
    """A job, or an instance of which no job is known."""
    excused = ATTEMPT.model_copy(update={"excused": ("drsjob-unlisted", "i-1", "i-2")})
    found = [instance(1), instance(1, None)]
    assert Absent() == hidden(*found, tagged=[in_ec2(1, 60), in_ec2(2, 60)], attempt=excused)
