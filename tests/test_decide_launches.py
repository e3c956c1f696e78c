"""The launch protocol: intents, refusals, lost replies, what stands in the way (reliability §3)."""

import dataclasses
from datetime import timedelta

import pytest

import drskit.witness
from drskit.attempts import without_old_refusals
from drskit.decide import chunks_due, decide
from drskit.model import AttemptStatus, CommandKind, ExecutionStatus, OnFailure, ServerStatus, WaveStatus
from drskit.ports import Unknown
from drskit.witness import Absent, Foreign, Mine, Unsure, tags_of
from tests.builders import QUIESCENCE, START, TRANSIENT, Walk, at, attempt_of, execution_of, job_of, sid, wave

S, W, X, A = ServerStatus, WaveStatus, ExecutionStatus, AttemptStatus


def intended(servers: int = 2, **changes: object) -> Walk:
    """One wave; its first intent is recorded, its request is not yet sent."""
    return Walk(execution_of((wave("Database", **changes), servers))).run()


def lost(walk: Walk) -> Walk:
    """The reply to the last launch never came."""
    return walk.reply(Unknown("ReadTimeout"))


def witness(walk: Walk, what: object) -> None:
    """What a look at DRS says of the last launch."""
    walk.witnesses[walk.launches[-1].attempt_id] = what


def attempts(walk: Walk) -> list[AttemptStatus]:
    return [attempt.status for attempt in walk.execution.attempts]


# --- the intent ------------------------------------------------------------------------------------------------------


def test_an_intent_is_recorded_before_its_launch():
    """The attempt to carry out is in the execution that must be written first; it is signed in whole seconds."""
    walk = Walk(execution_of((wave("Database"), 2)), seconds=0.75)
    walk.step()
    step = walk.step()
    assert (step.launch,) == step.execution.attempts
    assert (A.INTENT, START) == (step.launch.status, step.launch.signed_at)
    assert [S.PENDING, S.PENDING] == walk.servers()


def test_an_open_intent_holds_its_chunk():
    """However often the execution is advanced, no second launch is told."""
    walk = intended()
    for _ in range(5):
        walk.run(10)
    assert 1 == len(walk.launches)
    assert () == chunks_due(walk.execution, walk.now)


def test_nothing_is_launched_that_the_guard_was_not_asked_about():
    """An unknown obstacle is blocked, not assumed."""
    walk = Walk(execution_of((wave("Database"), 2)))
    del walk.obstacles[sid(2)]
    walk.run()
    assert ([], [S.PENDING, S.PENDING]) == (walk.launches, walk.servers())


def test_a_server_that_must_not_be_launched_is_refused_alone():
    """The rest of its chunk is launched without it."""
    walk = Walk(execution_of((wave("Database"), 3)), obstacles={sid(2): "a launch would terminate i-1"}).run()
    assert (sid(1), sid(3)) == walk.launches[0].server_ids
    assert [S.PENDING, S.FAILED, S.PENDING] == walk.servers()
    assert "a launch would terminate i-1" == walk.execution.waves[0].servers[1].error


def test_a_wave_that_must_not_be_launched_at_all_fails_without_a_request():
    """No attempt is made, and the wave goes the way of every failed wave."""
    walk = Walk(execution_of((wave("Database"), 2)), obstacles={sid(1): "x", sid(2): "x"}).run()
    assert ([], X.FAILED, [W.FAILED]) == (walk.launches, walk.status, walk.waves)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(TRANSIENT))
def test_a_refusal_that_passes_only_delays(code):
    """A throttle, expired credentials, no connection: asked again after a wait, under a new attempt."""
    walk = intended().refuse(code, "later")
    run = walk.execution.waves[0]
    assert ([A.NOT_EXECUTED], [S.PENDING, S.PENDING]) == (attempts(walk), walk.servers())
    assert at(15) <= run.not_before <= at(20)
    assert f"{code}: later" == run.reason
    assert walk.execution.waiting_for == (
        f"AWS since 2026-11-23 09:00:00Z: {code} at StartRecovery in us-west-2 (later); "
        f"wave Database is asked again after 2026-11-23 09:00:{run.not_before.second}Z"
    )
    assert 1 == len(walk.run(14).launches)
    assert 2 == walk.run(6).launches[1].number
    walk.launch()
    assert (None, None) == (walk.execution.waves[0].not_before, walk.execution.waves[0].reason)


def refused_often(times: int, code: str = "ThrottlingException") -> tuple[Walk, list[float]]:
    """A walk whose first launch AWS refused so often, and the waits between."""
    walk = intended()
    waits = []
    for _ in range(times):
        walk.refuse(code)
        waits.append((walk.execution.waves[0].not_before - walk.now).total_seconds())
        walk.run(waits[-1])
    return walk, waits


def test_refusals_that_repeat_are_asked_at_growing_intervals():
    """15 seconds, then twice as many each time, each with up to a third more; never more than five minutes."""
    walk, waits = refused_often(8)
    assert [1, 2, 3, 4, 5, 6, 7, 8, 9] == [attempt.number for attempt in walk.launches]
    for low, wait in zip((15, 30, 60, 120, 225, 225, 225, 225), waits, strict=True):
        assert low <= wait <= low * 4 / 3


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceQuotaExceededException"])
def test_refusals_of_hours_leave_a_few_attempts(code):
    """Of what AWS certainly did not carry out the last five stay; numbers go on, and the first refusal's time stays."""
    walk, _ = refused_often(40, code)
    assert [A.NOT_EXECUTED] * 5 + [A.INTENT] == attempts(walk)
    assert [36, 37, 38, 39, 40, 41] == [attempt.number for attempt in walk.execution.attempts]
    assert {START} == {attempt.refused_since for attempt in walk.execution.attempts[:-1]}
    walk.refuse("ThrottlingException")
    assert (walk.execution.waiting_for or "").startswith("AWS since 2026-11-23 09:00:00Z: ThrottlingException at ")


def test_what_was_closed_by_its_absence_is_never_forgotten():
    """Its job may yet turn up, and its tag must be known then."""
    walk = lost(intended())
    witness(walk, Absent())
    walk.run(QUIESCENCE.total_seconds())
    first = walk.execution.attempts[0]
    for _ in range(9):
        walk.refuse("ThrottlingException")
        walk.run(301)
    assert first == walk.execution.attempts[0]
    assert 1 + 5 + 1 == len(walk.execution.attempts)
    late = job_of(tags=tags_of(walk.execution, first))
    assert Mine(late) == drskit.witness.testify(walk.execution, walk.execution.attempts[-1], [late], {})


def test_each_chunk_keeps_its_own_refusals():
    """Those of another chunk are not forgotten for it."""
    some = [attempt_of(number, refused_since=START, chunk=number % 2) for number in range(1, 9)]
    assert tuple(some) == without_old_refusals(tuple(some))
    more = [attempt_of(number, refused_since=START, chunk=0) for number in range(11, 14)]
    kept = without_old_refusals((*some, *more))
    assert [1, 3, 5, 6, 7, 8, 11, 12, 13] == [attempt.number for attempt in kept]


def test_a_full_quota_queues_the_wave():
    """QUEUED until it is asked again."""
    walk = intended().refuse("ServiceQuotaExceededException")
    assert [W.QUEUED] == walk.waves
    assert [W.QUEUED] == walk.run(14).waves
    assert [W.PREPARING] == walk.run(6).waves
    assert [1, 2] == [attempt.number for attempt in walk.launches]


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_refusal_that_stays_fails_the_servers(code):
    """To ask the same again would be refused the same."""
    walk = intended().refuse(code, "no such server")
    assert ([A.NOT_EXECUTED], [S.FAILED, S.FAILED]) == (attempts(walk), walk.servers())
    assert f"{code}: no such server" == walk.execution.waves[0].servers[0].error
    assert X.FAILED == walk.run().status
    assert 1 == len(walk.launches)


def test_a_conflict_keeps_the_intent_open_until_somebody_has_looked():
    """Our own earlier request may be what stands in the way."""
    walk = intended().refuse("ConflictException", "being processed")
    assert ([A.INTENT], "ConflictException: being processed") == (attempts(walk), walk.execution.attempts[0].outcome)
    assert [A.INTENT] == attempts(walk.run(3_600))
    assert 1 == len(walk.launches)


def test_a_conflict_with_our_own_job_is_that_job():
    """It is adopted, and the refusal forgotten."""
    walk = intended().refuse("ConflictException")
    witness(walk, Mine(walk.started()))
    walk.run(5)
    (attempt,) = walk.execution.attempts
    assert (A.LAUNCHED, "drsjob-00000000000000001", None) == (attempt.status, attempt.job_id, attempt.outcome)


def test_a_conflict_with_nothing_to_be_seen_is_asked_again_after_a_wait():
    """What stood in the way has ended; a refused request needs no quiescence."""
    walk = intended().refuse("ConflictException")
    witness(walk, Absent())
    assert [A.NOT_EXECUTED] == attempts(walk.run(5))
    assert 2 == len(walk.run(20).launches)


# --- lost replies ----------------------------------------------------------------------------------------------------


def test_a_lost_reply_leaves_the_intent_open_and_says_so():
    """Neither done nor failed."""
    walk = lost(intended())
    assert ([A.INTENT], [S.PENDING, S.PENDING]) == (attempts(walk), walk.servers())
    assert "the reply to StartRecovery was lost (ReadTimeout)" == walk.execution.waves[0].reason
    walk.run(10)
    text = "the job of wave Database to be found: its request of 2026-11-23 09:00:00Z has no known outcome"
    assert text == walk.execution.waiting_for


def test_a_job_that_is_found_is_adopted():
    """At the first look that shows it, with its own creation time."""
    walk = lost(intended())
    job = walk.started()
    witness(walk, Mine(job))
    walk.run(60)
    (attempt,) = walk.execution.attempts
    assert (A.LAUNCHED, job.job_id, job.creation_time) == (attempt.status, attempt.job_id, attempt.creation_time)
    assert [S.LAUNCHING, S.LAUNCHING] == walk.servers()
    assert 1 == len(walk.launches)


def test_a_job_that_ended_before_it_was_found_is_adopted_and_then_read():
    """Nobody looked for an hour: the adoption is a step of its own, so that a death after it loses nothing."""
    walk = lost(intended())
    job = walk.started()
    walk.job_ends(job, sid(2))
    witness(walk, Mine(walk.jobs[job.job_id]))
    walk.seconds += 3_600
    walk.step()
    (attempt,) = walk.execution.attempts
    assert ([S.LAUNCHING, S.LAUNCHING], None) == (walk.servers(), attempt.end_time)
    walk.run()
    assert ([S.LAUNCHED, S.FAILED], X.FAILED) == (walk.servers(), walk.status)


def test_absence_is_proof_only_after_the_quiescence():
    """A request may come late, and listings lag; after 420 seconds AWS itself refuses the signature."""
    walk = lost(intended())
    witness(walk, Absent())
    assert [A.INTENT] == attempts(walk.run(QUIESCENCE.total_seconds() - 1))
    walk.run(1)
    assert [A.NOT_EXECUTED, A.INTENT] == attempts(walk)
    assert "no job of it came into being" == walk.execution.attempts[0].outcome
    assert [1, 2] == [attempt.number for attempt in walk.launches]


def test_what_may_be_ours_is_waited_for_and_then_shown_to_a_person():
    """Unsure is never absent and never relaunched by itself."""
    walk = lost(intended())
    witness(walk, Unsure("drsjob-9 has our servers and no tags"))
    assert ([A.INTENT], X.POLLING) == (attempts(walk.run(419)), walk.status)
    assert ([A.FOREIGN], X.PAUSED) == (attempts(walk.run(1)), walk.status)
    assert "drsjob-9 has our servers and no tags" in walk.execution.waiting_for


def test_no_time_runs_out_while_an_intent_is_open():
    """A wave with an unknown request is not timed out: its servers may be coming up."""
    walk = lost(intended(timeout=timedelta(minutes=5)))
    assert ([W.PREPARING], X.POLLING) == (walk.run(3_600).waves, walk.status)
    witness(walk, Absent())
    walk.run(15)
    assert (X.POLLING, [A.NOT_EXECUTED, A.INTENT]) == (walk.status, attempts(walk))


def test_a_cancelled_intent_is_settled_before_the_execution_ends():
    """A job that is found after the cancel belongs to the execution."""
    walk = lost(intended())
    walk.command(CommandKind.CANCEL)
    assert (X.CANCELLING, [W.PREPARING]) == (walk.run(15).status, walk.waves)
    job = walk.started()
    witness(walk, Mine(job))
    walk.run(15)
    walk.job_ends(job)
    assert (X.CANCELLED, [W.COMPLETED]) == (walk.run(600).status, walk.waves)


def test_a_cancelled_intent_that_never_was_ends_after_the_quiescence():
    """Nothing is launched in its place."""
    walk = lost(intended())
    walk.command(CommandKind.CANCEL)
    witness(walk, Absent())
    assert (X.CANCELLED, [W.CANCELLED]) == (walk.run(420).status, walk.waves)
    assert ([S.SKIPPED, S.SKIPPED], 1) == (walk.servers(), len(walk.launches))


# --- somebody else's job ---------------------------------------------------------------------------------------------


def foreign() -> Walk:
    """Somebody else's job has our servers."""
    walk = intended().refuse("ConflictException")
    witness(walk, Foreign(job_of(7), (sid(1),)))
    return walk.run(5)


def test_somebody_else_s_job_pauses_the_execution_and_is_named():
    """Never failed, never relaunched: a person decides."""
    walk = foreign()
    assert (X.PAUSED, [A.FOREIGN], [W.PREPARING]) == (walk.status, attempts(walk), walk.waves)
    text = f"drsjob-00000000000000007 of somebody else launches {sid(1)} (STARTED)"
    assert (
        f"a decision about wave Database: {text}. Resume when that has ended, or cancel" == walk.execution.waiting_for
    )


def test_another_execution_of_drskit_is_named():
    """By its ExecutionId."""
    walk = lost(intended())
    witness(walk, Foreign(job_of(7, tags={"drskit:ExecutionId": "01OTHER"}), (sid(1),)))
    assert [A.INTENT] == attempts(walk.run(419))
    assert "of execution 01OTHER launches" in walk.run(1).execution.waiting_for


def test_a_resume_tries_again_with_a_new_attempt():
    """What held it has ended and counts no more; the refused request needs no quiescence."""
    walk = foreign()
    walk.seconds += 86_400
    walk.command(CommandKind.RESUME)
    witness(walk, Absent())
    walk.run(5)
    walk.run(60)
    assert ("wave Database is tried again", [A.NOT_EXECUTED, A.INTENT]) == (walk.answer(), attempts(walk))
    walk.job_ends(walk.launch())
    assert X.COMPLETED == walk.run(600).status


def test_a_cancel_gives_a_held_chunk_up():
    """DRS refused the request, so nothing of it can come: the execution ends at the next look."""
    walk = foreign()
    walk.command(CommandKind.CANCEL)
    witness(walk, Absent())
    assert (X.CANCELLED, [A.NOT_EXECUTED], [W.CANCELLED]) == (walk.run(5).status, attempts(walk), walk.waves)


def test_a_resume_gives_up_no_request_that_may_still_be_under_way():
    """Nor does a cancel: while its job may still come into being, an attempt is open, whoever else is seen."""
    walk = lost(intended())
    witness(walk, Foreign(job_of(7), (sid(1),)))
    walk.command(CommandKind.CANCEL)
    assert ([A.INTENT], X.CANCELLING) == (attempts(walk.run(419)), walk.status)
    assert ([A.FOREIGN], X.CANCELLED) == (attempts(walk.run(10)), walk.status)


def test_a_resume_excuses_the_job_that_held_the_attempt():
    """Once that has ended, the attempt is judged without it."""
    walk = lost(intended())
    witness(walk, Foreign(job_of(7), (sid(1),)))
    assert [A.FOREIGN] == attempts(walk.run(420))
    walk.command(CommandKind.RESUME)
    witness(walk, Absent())
    walk.run(5)
    assert ("drsjob-00000000000000007",) == walk.execution.attempts[0].excused
    assert [A.NOT_EXECUTED, A.INTENT] == attempts(walk.run(60))


def test_a_refusal_without_a_cause_is_asked_a_few_times_and_then_a_person():
    """DRS says conflict for more than a running job; no execution asks for ever."""
    walk = intended()
    for _ in range(5):
        walk.refuse("ConflictException")
        witness(walk, Absent())
        walk.run(5)
        walk.run(301)
    assert (X.PAUSED, 5) == (walk.status, len(walk.launches))
    assert "DRS refused it 5 times, and no job holds its servers" in walk.execution.waiting_for


def refused_five_times(what: Absent) -> Walk:
    """A wave that DRS refused for no launch that can be seen, until a person is asked."""
    walk = intended()
    for _ in range(5):
        walk.refuse("ConflictException")
        witness(walk, what)
        walk.run(5)
        walk.run(301)
    return walk


def test_a_job_that_launches_nothing_is_named_only_when_it_does_not_end():
    """A termination is over in minutes, and DRS is asked again; one that still runs then is what a person must know."""
    walk = refused_five_times(Absent(busy=job_of(8, job_type="TERMINATE")))
    assert (X.PAUSED, 5) == (walk.status, len(walk.launches))
    text = "DRS refused it 5 times, and drsjob-00000000000000008 holds them (TERMINATE, STARTED): ConflictException"
    assert text in (walk.execution.waiting_for or "")


def test_a_resume_asks_drs_anew_and_grants_as_many_refusals_again():
    """At once, without the wait of the last refusal; and four more refusals ask nobody."""
    walk = refused_five_times(Absent())
    assert "asked again after" not in (walk.execution.waiting_for or "")
    walk.command(CommandKind.RESUME)
    walk.run()
    assert (6, [A.NOT_EXECUTED, A.INTENT]) == (len(walk.launches), attempts(walk)[-2:])
    for _ in range(4):
        walk.refuse("ConflictException")
        witness(walk, Absent())
        walk.run(5)
        assert X.POLLING == walk.status
        walk.run(301)
    walk.refuse("ConflictException")
    witness(walk, Absent())
    assert X.PAUSED == walk.run(5).status


def test_a_retry_of_what_waits_for_a_decision_names_the_resume():
    """Nothing of the wave runs, so there is no job whose end could be waited for."""
    walk = refused_five_times(Absent())
    walk.command(CommandKind.RETRY, "Database")
    walk.run()
    assert "resume has it tried again" in (walk.answer() or "")


def test_a_server_that_cannot_be_launched_is_left_out_of_the_next_request():
    """One without a recovery point refuses the whole request; the others go on without it."""
    walk = intended().refuse("ConflictException")
    witness(walk, Absent({sid(1): "its replication is DISCONNECTED, so it has no usable recovery point"}))
    walk.run(5)
    walk.run(60)
    assert [(sid(1), sid(2)), (sid(2),)] == [attempt.server_ids for attempt in walk.launches]
    assert "DISCONNECTED" in (walk.execution.waves[0].servers[0].error or "")


def test_absence_is_judged_by_the_time_of_the_listing():
    """A listing that was taken before the quiescence was over proves nothing, however late it is looked at."""
    walk = lost(intended())
    witness(walk, Absent())
    walk.seconds += 600
    old = dataclasses.replace(walk.seen(), listed_at=at(10))
    assert A.INTENT == decide(walk.execution, old).execution.attempts[0].status


def test_the_chunk_that_is_not_held_goes_on():
    """The execution keeps polling for it, and pauses when only the held one is left."""
    walk = intended(servers=101).refuse("ConflictException")
    witness(walk, Foreign(job_of(7), (sid(1),)))
    walk.run(5)
    assert (1, X.POLLING) == (walk.launches[-1].chunk, walk.status)
    job = walk.launch()
    walk.job_ends(job)
    assert X.PAUSED == walk.run(600).status
    assert S.LAUNCHED == walk.servers()[100]


def test_a_held_chunk_of_a_wave_that_is_given_up_asks_nobody():
    """Its servers are skipped, so there is nothing left to decide, and the running job is followed to its end."""
    left = wave("Left", on_failure=OnFailure.STOP)
    walk = Walk(execution_of((left, 1), (wave("Right", needs=()), 101))).run()
    first = walk.launch()
    walk.run().launch()
    right = walk.jobs["drsjob-00000000000000002"]
    walk.run().refuse("ConflictException")
    witness(walk, Foreign(job_of(7), (sid(102),)))
    walk.job_ends(first, sid(1))
    walk.run(30)
    assert (X.POLLING, [W.FAILED, W.INITIATED], None) == (walk.status, walk.waves, walk.execution.waiting_for)
    up = [part.model_copy(update={"launch_status": "LAUNCHED"}) for part in right.servers]
    walk.jobs[right.job_id] = right.model_copy(update={"status": "STARTED", "servers": tuple(up)})
    assert (X.POLLING, S.SKIPPED) == (walk.run(300).status, walk.servers(1)[100])
    walk.job_ends(right)
    assert X.FAILED == walk.run(5).status


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_no_refusal_comes_to_a_hundred_years(number):
    """The wait has a ceiling, whatever the number of attempts."""
    walk = intended()
    for _ in range(number):
        walk.refuse("ThrottlingException")
        walk.run(301)
    assert number + 1 == len(walk.launches)
