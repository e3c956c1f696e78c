"""What a cleanup does next, walked by hand."""

from datetime import timedelta

import pytest

from drskit.cleaning import LISTED_AFTER, PROOF_WITHIN, REFUSALS, instances_of
from drskit.model import (
    AttemptStatus,
    CommandKind,
    ExecutionStatus,
    Kept,
    ServerStatus,
    WaveStatus,
)
from drskit.ports import Unknown
from drskit.seen import Remains, Sight
from tests.builders import QUIESCENCE, job_of, sid
from tests.cleanings import GONE, cleaning, finished, living

A, S, W, X = AttemptStatus, ServerStatus, WaveStatus, ExecutionStatus


def attempts(walk):
    return [attempt.status for attempt in walk.execution.attempts]


# --- the call --------------------------------------------------------------------------------------------------------


def test_a_call_names_the_frozen_instances_and_is_recorded_first():
    """One intent; nothing more is called while it is open."""
    walk = cleaning().run()
    (call,) = walk.launches
    assert (A.INTENT, ("i-00000000000000001", "i-00000000000000002")) == (
        call.status, instances_of(walk.execution, call),
    )  # fmt: skip
    walk.run(10).run(10)
    assert 1 == len(walk.launches)
    job = walk.called()
    assert X.COMPLETED is finished(walk, job).status
    assert ([S.TERMINATED] * 2, "not listed by DRS, terminated in EC2") == (
        walk.servers(), walk.execution.waves[0].servers[0].proof,
    )  # fmt: skip


def test_more_than_a_hundred_instances_are_called_for_in_chunks():
    """Never more in one request than DRS takes in one job."""
    walk = cleaning(150).run()
    first = walk.called()
    walk.run()
    second = walk.called()
    walk.run()
    assert ([100, 50], [0, 1]) == ([len(call.server_ids) for call in walk.launches], [c.chunk for c in walk.launches])
    walk.seconds += 60
    walk.over(first)
    assert W.IN_PROGRESS is walk.run(5).execution.waves[0].status
    assert X.COMPLETED is finished(walk, second).status


@pytest.mark.parametrize(
    ("sight", "words"),
    [
        (living(1, failback="FAILBACK_IN_PROGRESS"), "its failback may have begun"),
        (living(1, replication_state="INITIATING"), "its failback may have begun"),
        (living(1, protected=True), "its termination protection is on"),
        (living(1, is_drill=False), "DRS does not call it a drill instance"),
        (living(1, job_id="drsjob-00000000000088888"), "which is no job of this execution"),
        (Sight(None, "running"), "drskit terminates through DRS only"),
    ],
)
def test_what_changed_since_the_list_was_frozen_is_left_alone(sight, words):
    """It is looked at again right before the call, which names the others."""
    walk = cleaning()
    walk.sights[sid(1)] = sight
    walk.run()
    assert (sid(2),) == walk.launches[0].server_ids
    assert words in walk.errors[0]
    finished(walk, walk.called())
    assert (X.PARTIAL, [S.LAUNCHED, S.TERMINATED]) == (walk.status, walk.servers())


def test_what_is_gone_already_needs_no_call():
    """All of it: no attempt is made at all."""
    walk = cleaning()
    walk.sights = {sid(1): GONE, sid(2): Sight(None, None)}
    walk.run(5).run(5)
    assert ([], X.COMPLETED, [S.TERMINATED] * 2) == (attempts(walk), walk.status, walk.servers())


def test_what_somebody_elses_job_works_on_is_waited_for():
    """It is called for when that job is over and it still lives."""
    walk = cleaning()
    walk.busy = dict.fromkeys((sid(1), sid(2)), "drsjob-00000000000077777")
    walk.run()
    assert ([], "waits for drsjob-00000000000077777") == (walk.launches, walk.execution.waves[0].reason)
    walk.busy = {}
    assert [] == walk.run(14).launches
    assert 1 == len(walk.run(1).launches)


def test_the_rest_of_a_chunk_waits_for_the_chunks_open_call():
    """One call at a time for each chunk, whatever becomes free meanwhile."""
    walk = cleaning()
    walk.busy = {sid(1): "drsjob-00000000000077777"}
    walk.run()
    walk.busy = {}
    walk.run(30)
    assert [(sid(2),)] == [call.server_ids for call in walk.launches]
    walk.called()
    walk.run()
    assert [(sid(2),), (sid(1),)] == [call.server_ids for call in walk.launches]


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_refusal_for_now_only_delays():
    """The same instances are asked for again, later."""
    walk = cleaning().run().refuse("ThrottlingException").run()
    assert 1 == len(walk.launches)
    walk.run(300)
    assert [A.NOT_EXECUTED, A.INTENT] == attempts(walk)
    assert X.COMPLETED is finished(walk, walk.called()).status


def test_a_full_quota_is_waited_out():
    """QUEUED, then asked again."""
    walk = cleaning().run().refuse("ServiceQuotaExceededException").run()
    assert W.QUEUED is walk.execution.waves[0].status
    walk.run(300)
    assert (2, W.PREPARING) == (len(walk.launches), walk.execution.waves[0].status)


def test_a_conflict_is_tried_again_and_then_left_to_a_person():
    """After so many refusals everything stays as it is, with the reason."""
    walk = cleaning()
    for _ in range(REFUSALS):
        walk.run(300).refuse("ConflictException", "busy")
    walk.run(300)
    assert (REFUSALS, X.FAILED) == (len(walk.launches), walk.status)
    assert [f"not terminated: DRS refused it ({REFUSALS} times): ConflictException: busy"] * 2 == walk.errors


def test_a_refusal_that_stands_leaves_everything_with_the_reason():
    """A missing permission is for a person, at once."""
    walk = cleaning().run().refuse("AccessDeniedException").run()
    assert (1, X.FAILED, [S.LAUNCHED] * 2) == (len(walk.launches), walk.status, walk.servers())
    assert ["not terminated: DRS refused it: AccessDeniedException: no"] * 2 == walk.errors


# --- unknown outcomes ------------------------------------------------------------------------------------------------


def lost():
    """A call whose reply was lost."""
    return cleaning().run().reply(Unknown("ReadTimeout"))


def test_a_job_of_a_call_without_an_answer_is_found():
    """It is followed, and no second call is made."""
    walk = lost()
    job = walk.started()
    walk.run(5)
    assert ([A.LAUNCHED], job.job_id) == (attempts(walk), walk.execution.attempts[0].job_id)
    assert (X.COMPLETED, 1) == (finished(walk, job).status, len(walk.launches))


@pytest.mark.parametrize(
    "changes",
    [
        {"job_type": "LAUNCH"},
        {"servers": (sid(1),)},
        {"creation_time": job_of().creation_time - timedelta(minutes=5)},
    ],
)
def test_another_job_is_not_taken_for_the_calls(changes):
    """A launch, a job of other instances, or one from before."""
    walk = lost()
    servers = changes.pop("servers", (sid(1), sid(2)))
    job = job_of(7, servers=servers, **{"job_type": "TERMINATE", **changes})
    walk.jobs[job.job_id] = job
    walk.run(5)
    assert [A.INTENT] == attempts(walk)


def test_a_call_that_left_no_job_is_repeated_for_what_is_still_there():
    """Once a job would have been listed; ids are never used again."""
    walk = lost()
    wait = LISTED_AFTER.total_seconds()
    assert [A.INTENT] == attempts(walk.run(wait - 1))
    walk.sights[sid(1)] = GONE
    walk.run(1)
    assert ([A.NOT_EXECUTED, A.INTENT], (sid(2),)) == (attempts(walk), walk.launches[-1].server_ids)


def test_a_call_whose_instances_are_gone_is_not_repeated():
    """Nobody need know whose job it was."""
    walk = lost()
    walk.sights = {sid(1): GONE, sid(2): GONE}
    walk.run(5).run(5)
    assert ([A.FOREIGN], 1, X.COMPLETED) == (attempts(walk), len(walk.launches), walk.status)


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_paused_cleanup_calls_nothing_until_it_is_resumed():
    """Nothing new begins; the list stays as it is."""
    walk = cleaning()
    walk.command(CommandKind.PAUSE)
    walk.run(5).run(600)
    assert ([], X.PAUSED) == (walk.launches, walk.status)
    walk.command(CommandKind.RESUME)
    walk.run(5)
    assert 1 == len(walk.launches)


def test_a_pause_after_a_call_follows_its_job_and_makes_no_other():
    """The other chunk waits for the word."""
    walk = cleaning(150).run()
    job = walk.called()
    walk.command(CommandKind.PAUSE)
    walk.run(60)
    walk.over(job)
    walk.run(30)
    assert (1, 100) == (len(walk.launches), walk.servers().count(S.TERMINATED))
    walk.command(CommandKind.RESUME)
    walk.run(5)
    assert 50 == len(walk.launches[1].server_ids)


def test_a_cancel_after_a_call_lets_its_job_end():
    """What it terminates is proven and told; the rest is left."""
    walk = cleaning(150).run()
    job = walk.called()
    walk.command(CommandKind.CANCEL)
    walk.run(5)
    assert (1, X.CANCELLING) == (len(walk.launches), walk.status)
    finished(walk, job)
    assert (X.CANCELLED, 100) == (walk.status, walk.servers().count(S.TERMINATED))
    assert {"not terminated: the cleanup was cancelled"} == set(walk.errors[100:])


def test_a_cancel_waits_until_an_open_call_is_settled():
    """It may still be carried out: absence is proof after the quiescence only."""
    walk = lost()
    walk.command(CommandKind.CANCEL)
    walk.run(LISTED_AFTER.total_seconds() + 1)
    assert ([A.INTENT], X.CANCELLING) == (attempts(walk), walk.status)
    walk.run(QUIESCENCE.total_seconds())
    assert ([A.NOT_EXECUTED], X.CANCELLED, 1) == (attempts(walk), walk.status, len(walk.launches))
    assert [S.LAUNCHED] * 2 == walk.servers()


@pytest.mark.parametrize("kind", [CommandKind.RETRY, CommandKind.SKIP, CommandKind.APPROVE, CommandKind.DECLINE])
def test_a_cleanup_is_told_nothing_else(kind):
    """The answer says what to do instead."""
    walk = cleaning().run()
    walk.command(kind)
    walk.run(1)
    assert "clean up E1 again for the rest" in walk.answer()


# --- the proof -------------------------------------------------------------------------------------------------------


def test_a_job_that_does_not_end_in_time_leaves_what_is_there():
    """TIMED_OUT, and nothing is claimed of what may still be terminated."""
    walk = cleaning().run()
    job = walk.called()
    walk.job_goes_on(job)
    walk.run(30)
    walk.sights[sid(1)] = GONE
    walk.run(walk.execution.plan.waves[0].timeout.total_seconds())
    walk.run(5)
    assert (X.TIMED_OUT, [S.TERMINATED, S.LAUNCHED]) == (walk.status, walk.servers())
    assert f"{job.job_id} may still run" in walk.errors[1]


def test_a_job_that_was_deleted_is_judged_by_drs_and_ec2():
    """Its word is not needed."""
    walk = cleaning().run()
    job = walk.called()
    walk.run(10)
    del walk.jobs[job.job_id]
    walk.missing.add(job.job_id)
    walk.remains[job.job_id] = Remains()
    walk.sights = {sid(1): GONE, sid(2): GONE}
    walk.run(300).run(5)
    assert (X.COMPLETED, [S.TERMINATED] * 2, 1) == (walk.status, walk.servers(), len(walk.launches))


def test_a_completed_job_proves_nothing():
    """What DRS and EC2 still show is waited for, then left with the reason."""
    walk = cleaning().run()
    job = walk.called()
    walk.seconds += 60
    walk.over(job, sid(2))
    walk.run(5)
    assert (X.POLLING, [S.TERMINATED, S.LAUNCHED]) == (walk.status, walk.servers())
    walk.run(PROOF_WITHIN.total_seconds()).run(5)
    assert X.PARTIAL is walk.status
    assert "running in DRS, running in EC2 5 min after the last job's end" in walk.errors[1]


def test_a_cleanup_ends_only_when_the_drills_record_says_what_is_proven():
    """Until then every step asks for it to be told."""
    walk = cleaning()
    walk.told = False
    walk.run()
    finished(walk, walk.called())
    assert (True, X.POLLING) == (walk.step().tell, walk.status)
    walk.told = True
    assert X.COMPLETED is walk.run(5).status


def test_bystanders_are_looked_at_once_more_at_the_end():
    """What EC2 says of each stands in the record; one that ended is named."""
    kept = tuple(Kept(instance_id=name, source_server_id=sid(1), reason="somebody's") for name in ("i-a", "i-b", "i-c"))
    walk = cleaning(kept=kept)
    walk.states = {"i-a": "running", "i-b": "terminated"}
    walk.run()
    finished(walk, walk.called())
    assert ["running", "terminated", "not known to EC2"] == [one.found for one in walk.execution.kept]
    assert "i-b, i-c are gone, too; no call of this cleanup named it" == walk.execution.waves[0].reason
