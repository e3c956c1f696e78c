"""Actions walked by hand: what runs when, what is sent again and what never is, and what a failure means."""

from datetime import timedelta
from typing import Any

import pytest

from drskit.actionports import Begun, Ended, Going, Hidden, NotFound
from drskit.actions import Action, ActionKind, ActionMode, Automation, Call, Invoke, Publish, RunCommand, Wait, Where
from drskit.cadence import Ceilings, next_look
from drskit.model import (
    CommandKind,
    Deadline,
    Execution,
    ExecutionStatus,
    ExecutionType,
    OnFailure,
    ServerStatus,
    WaveStatus,
)
from drskit.ports import NotExecuted, Unknown
from tests.builders import Walk, at, execution_of, wave

C, S, W, X = CommandKind, ServerStatus, WaveStatus, ExecutionStatus
BOTH = (ActionMode.DRILL, ActionMode.RECOVERY)
WARM = Automation(kind=ActionKind.SSM_AUTOMATION, document="WarmCache", parameters={"Plan": ("{plan}",)})
CALL = Call(kind=ActionKind.HTTP, url="https://cmdb.example.com/{plan}")
COMMAND = RunCommand(kind=ActionKind.SSM_COMMAND, on=Where(instances=("i-0123456789abcdef0",)))
PAUSE = Wait(kind=ActionKind.WAIT, span=timedelta(minutes=1))
TOPIC = Publish(kind=ActionKind.SNS, topic="arn:aws:sns:us-west-2:123456789012:dr", message="{status}")
FIFO = TOPIC.model_copy(update={"topic": f"{TOPIC.topic}.fifo"})
LOST = Unknown("ReadTimeoutError: nobody answered")


def action(does: Any = WARM, **changes: Any) -> Action:
    """An action of drills and recoveries."""
    return Action(**{"does": does, "modes": BOTH} | changes)


def walk_of(*before: Action, after: tuple[Action, ...] = (), at_end: tuple[Action, ...] = (), **changes: Any) -> Walk:
    """A drill of two waves; the first has these actions."""
    first = wave("Database", before=before, after=after, **changes)
    execution = execution_of((first, 2), (wave("Web"), 1))
    plan = execution.plan.model_copy(update={"at_end": at_end})
    return Walk(execution.model_copy(update={"plan": plan}))


def of_type(walk: Walk, kind: ExecutionType) -> Walk:
    """The same as another type of execution."""
    execution: Execution = walk.execution.model_copy(update={"execution_type": kind})
    return Walk(execution)


# --- order -----------------------------------------------------------------------------------------------------------


def test_nothing_is_launched_before_the_actions_before_it_have_ended():
    """A wait is a time, an automation a request; both are shown while they last."""
    walk = walk_of(action(PAUSE), action()).run()
    assert ([("wait 60 s", "RUNNING")], []) == (walk.tasks, walk.acts)
    assert "wait 60 s before wave Database, until 2026-11-23 09:01:00Z" == walk.execution.waiting_for
    assert at(60) == next_look([walk.execution], walk.now, Ceilings(soon=600, launching=600, converting=600))
    walk.run(60)
    (task,) = walk.acts
    assert '{"DocumentName": "WarmCache", "DocumentVersion": null, "Parameters": {"Plan": ["shop"]}}' == task.request
    walk.acted(Begun("a-1")).run()
    assert ([], W.PREPARING) == (walk.launches, walk.waves[0])
    assert "WarmCache before wave Database to end, which runs since 2026-11-23 09:01:00Z" in walk.execution.waiting_for
    walk.news[task.task_id] = Ended(True, "Success", "Rows: 12")
    walk.run(30)
    assert (1, [S.PENDING] * 2) == (len(walk.launches), walk.servers())
    assert ("DONE", "Success", "Rows: 12") == (
        walk.execution.tasks[1].status,
        walk.execution.tasks[1].outcome,
        walk.execution.tasks[1].output,
    )


def test_what_follows_a_wave_ends_before_the_next_one_begins():
    """The wave is VERIFYING until its actions are over, and they know its instances."""
    walk = walk_of(after=(action(CALL),)).run()
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (W.VERIFYING, W.PENDING, 1) == (*walk.waves, len(walk.acts))
    assert "i-00000000000000001" in (walk.acts[0].request or "")
    walk.acted(Ended(True, "answered 200")).run()
    assert [W.COMPLETED, W.PREPARING] == walk.waves


def test_a_wave_that_failed_is_not_followed_by_its_actions():
    """Traffic is not shifted to what did not come up."""
    walk = walk_of(after=(action(CALL),)).run()
    walk.job_ends(walk.launch(), "s-00000000000000001")
    walk.run(600)
    assert (W.FAILED, []) == (walk.waves[0], walk.acts)


@pytest.mark.parametrize("kind", [ExecutionType.DRILL, ExecutionType.RECOVERY])
def test_a_drill_never_runs_what_is_for_a_recovery(kind):
    """And the other way round: it is recorded as SKIPPED, and nothing is sent."""
    other = {ExecutionType.DRILL: ActionMode.RECOVERY, ExecutionType.RECOVERY: ActionMode.DRILL}[kind]
    walk = of_type(walk_of(action(CALL, modes=(other,))), kind).run()
    assert ([], 1) == (walk.acts, len(walk.launches))
    assert ("SKIPPED", f"not run: it is for a {other}, and this is a {kind}") == (
        walk.execution.tasks[0].status,
        walk.execution.tasks[0].outcome,
    )


def test_the_end_waits_for_every_wave_and_ends_the_execution():
    """It is told what the execution comes to; the execution goes on until it has ended."""
    walk = walk_of(at_end=(action(TOPIC),)).wave_done()
    walk.job_ends(walk.launch())
    walk.run(600)
    assert (X.POLLING, [W.COMPLETED] * 2, 1) == (walk.status, walk.waves, len(walk.acts))
    assert '"Message": "COMPLETED"' in (walk.acts[0].request or "")
    walk.acted(Ended(True, "published")).run()
    assert (X.COMPLETED, None) == (walk.status, walk.execution.waiting_for)


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_failure_before_a_wave_launches_nothing_of_it():
    """The wave FAILED, and says by which action; the next wave is called off."""
    walk = walk_of(action()).run().acted(Begun("a-1"))
    walk.news[walk.acts[0].task_id] = Ended(False, "Failed: no such table")
    walk.run(30)
    assert (X.FAILED, [W.FAILED, W.CANCELLED], []) == (walk.status, walk.waves, walk.launches)
    reason = "ssm_automation WarmCache before wave Database is FAILED: Failed: no such table"
    assert reason == walk.execution.waves[0].reason
    assert {f"not launched: {reason}"} == {server.error for server in walk.execution.waves[0].servers}


def test_a_failure_after_a_wave_fails_it():
    """Its servers came up all the same, and stay as they are."""
    walk = walk_of(after=(action(CALL),)).wave_done().acted(Ended(False, "answered 503")).run()
    assert (W.FAILED, [S.LAUNCHED] * 2) == (walk.waves[0], walk.servers())


def test_a_failure_that_is_tolerated_is_passed_over():
    """It stays FAILED in the record."""
    walk = walk_of(action(CALL, on_failure=OnFailure.CONTINUE)).run().acted(Ended(False, "answered 503")).run()
    assert ([("POST https://cmdb.example.com/{plan}", "FAILED")], 1) == (walk.tasks, len(walk.launches))


def test_what_failed_is_run_again_as_often_as_the_plan_says():
    """After its pause, under an id of its own each time."""
    walk = walk_of(action(CALL, retries=2, retry_after=timedelta(seconds=40))).run()
    for run in (1, 2):
        walk.acted(Ended(False, "answered 503")).run(39)
        assert run == len(walk.acts)
        assert "to be run again at" in walk.execution.waiting_for
        walk.run(1)
    assert [1, 2, 3] == [task.number for task in walk.execution.tasks]
    assert 3 == len({task.task_id for task in walk.execution.tasks})
    assert W.FAILED is walk.acted(Ended(False, "answered 503")).run(300).waves[0]


@pytest.mark.parametrize(("kind", "answer"), [(C.RETRY, "run again"), (C.RESUME, "left FAILED")])
def test_a_person_says_what_follows_where_the_plan_asks(kind, answer):
    """The execution is PAUSED and names the action; retry runs it again, resume goes on without it."""
    walk = walk_of(action(CALL, on_failure=OnFailure.PAUSE)).run().acted(Ended(False, "answered 503")).run()
    assert X.PAUSED is walk.status
    assert "a decision about POST https://cmdb.example.com/{plan} before wave Database" in walk.execution.waiting_for
    walk.command(kind)
    walk.run()
    assert answer in walk.answer()
    assert (2, 0) if kind is C.RETRY else (1, 1) == (len(walk.acts), len(walk.launches))


def test_a_failure_at_the_end_fails_the_execution_and_is_tried_again_alone():
    """A retry of an execution whose waves are all good runs only what failed at its end."""
    walk = walk_of(at_end=(action(TOPIC), action(CALL))).wave_done()
    walk.job_ends(walk.launch())
    walk.run(600).acted(Ended(True, "published")).run()
    walk.acted(Ended(False, "answered 503")).run()
    assert (X.FAILED, [W.COMPLETED] * 2) == (walk.status, walk.waves)
    walk.command(C.RETRY)
    walk.run()
    assert ["SNS", "HTTP", "HTTP"] == [task.kind.name for task in walk.acts]
    assert X.COMPLETED is walk.acted(Ended(True, "answered 200")).run().status


def test_what_is_repeatable_is_run_at_each_end_and_nothing_else_is():
    """The first end is a failure; the retry succeeds, and the execution ends a second time."""
    walk = walk_of(at_end=(action(TOPIC), action(CALL, repeatable=True)))
    walk.wave_done(*(server.source_server_id for server in walk.execution.waves[0].servers))
    walk.acted(Ended(True, "published")).run()
    assert X.FAILED is walk.acted(Ended(True, "answered 200")).run().status
    walk.command(C.RETRY)
    walk.wave_done().wave_done()
    assert ["SNS", "HTTP", "HTTP"] == [task.kind.name for task in walk.acts]
    assert X.COMPLETED is walk.acted(Ended(True, "answered 200")).run().status


def test_a_retried_wave_runs_only_what_was_not_done():
    """What was done before its launch is not done again; what failed is."""
    walk = walk_of(action(TOPIC), action()).run().acted(Ended(True, "published")).run().acted(Begun("a-1"))
    walk.news[walk.acts[1].task_id] = Ended(False, "Failed: no such table")
    walk.run(30)
    walk.command(C.RETRY, "Database")
    walk.run()
    assert ["SNS", "SSM_AUTOMATION", "SSM_AUTOMATION"] == [task.kind.name for task in walk.acts]
    walk.acted(Begun("a-2"))
    walk.news[walk.acts[2].task_id] = Ended(True, "Success")
    assert 1 == len(walk.run(30).launches)


# --- outcomes that nobody knows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("does", [CALL, TOPIC, Invoke(kind=ActionKind.LAMBDA, function="shift")])
def test_what_nothing_recognises_is_not_sent_again(does):
    """The reply is lost: UNKNOWN, and the plan says what follows; by itself it is sent once."""
    walk = walk_of(action(does, retries=3)).run().acted(LOST).run(600)
    assert ("UNKNOWN", 1, W.FAILED) == (walk.execution.tasks[0].status, len(walk.acts), walk.waves[0])
    assert "it may have been carried out, or not, and is not done twice" in walk.execution.tasks[0].outcome


def test_a_process_that_died_before_it_wrote_the_outcome_leaves_an_unknown_one():
    """Ninety seconds later whoever sent it would have written it down."""
    walk = walk_of(action(CALL)).run().run(89)
    assert "INTENT" == walk.execution.tasks[0].status
    assert ("UNKNOWN", 1) == (walk.run(1).execution.tasks[0].status, len(walk.acts))


def test_what_may_be_repeated_is_sent_again_but_not_for_ever():
    """The same request under the same id, five times in all."""
    walk = walk_of(action(CALL, repeatable=True)).run()
    for _ in range(4):
        walk.acted(LOST).run(30)
    assert 5 == len(walk.acts)
    assert 1 == len({(task.task_id, task.request) for task in walk.acts})
    assert "UNKNOWN" == walk.acted(LOST).run(30).execution.tasks[0].status


@pytest.mark.parametrize("does", [WARM, FIFO])
def test_what_a_token_recognises_is_asked_for_again(does):
    """The same request under the same id."""
    walk = walk_of(action(does)).run().acted(LOST).run(30)
    assert 2 == len(walk.acts)
    assert walk.acts[0].task_id == walk.acts[1].task_id
    assert walk.acts[0].request == walk.acts[1].request


def test_a_topic_recognises_a_message_for_minutes_only():
    """After that nothing recognises it."""
    walk = walk_of(action(FIFO)).run().run(240)
    assert ("UNKNOWN", 1) == (walk.execution.tasks[0].status, len(walk.acts))


def test_a_command_is_looked_for_and_adopted():
    """Its comment carries the task's id."""
    walk = walk_of(action(COMMAND)).run().acted(LOST)
    walk.news[walk.acts[0].task_id] = NotFound()
    assert "INTENT" == walk.run(200).execution.tasks[0].status
    walk.news[walk.acts[0].task_id] = Begun("c-1")
    task = walk.run(10).execution.tasks[0]
    assert ("RUNNING", "c-1", 1) == (task.status, task.external_id, len(walk.acts))


def test_a_command_that_never_came_to_be_is_sent_again():
    """Seven minutes after its intent no request of it can arrive any more."""
    walk = walk_of(action(COMMAND)).run().acted(LOST)
    walk.news[walk.acts[0].task_id] = NotFound()
    assert 1 == len(walk.run(419).acts)
    assert [1, 2] == [task.sends for task in walk.run(1).acts]


def test_a_refusal_for_now_is_no_failure():
    """Throttled all day, and the plan still waits for it."""
    walk = walk_of(action(CALL)).run()
    for _ in range(20):
        walk.acted(NotExecuted("ThrottlingException", "slow down", 429, transient=True)).run(30)
    assert (21, "INTENT") == (len(walk.acts), walk.execution.tasks[0].status)
    walk.acted(NotExecuted("ThrottlingException", "slow down", 429, transient=True))
    assert "to be asked for again after" in walk.execution.waiting_for
    assert "DONE" == walk.run(30).acted(Ended(True, "answered 200")).execution.tasks[0].status


def test_a_refusal_for_good_is_a_failure():
    """There is no such function."""
    walk = walk_of(action(CALL)).run().acted(NotExecuted("ResourceNotFoundException", "no", 404)).run()
    assert W.FAILED is walk.waves[0]


def test_a_run_counts_for_the_action_that_it_was_of():
    """A wave that has not begun was given another action in the place of one that had run in an earlier try."""
    walk = walk_of(action(TOPIC)).run().acted(Ended(True, "published")).run()
    waves = tuple(run.model_copy(update={"before": (action(CALL),)}) for run in walk.execution.plan.waves[:1])
    plan = walk.execution.plan.model_copy(update={"waves": (*waves, *walk.execution.plan.waves[1:])})
    execution = execution_of((plan.waves[0], 2), (plan.waves[1], 1))
    again = Walk(execution.model_copy(update={"plan": plan, "tasks": walk.execution.tasks}), ids=100).run()
    assert (["HTTP"], []) == ([task.kind.name for task in again.acts], again.launches)


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_run_that_takes_too_long_is_timed_out_and_not_followed_by_another():
    """It may go on, so a retry would be a second one beside it."""
    walk = walk_of(action(timeout=timedelta(minutes=5), retries=2)).run().acted(Begun("a-1"))
    walk.news[walk.acts[0].task_id] = Going("InProgress")
    assert "RUNNING" == walk.run(299).execution.tasks[0].status
    walk.run(1)
    assert ("TIMED_OUT", 1, W.FAILED) == (walk.execution.tasks[0].status, len(walk.acts), walk.waves[0])


def test_what_cannot_be_seen_is_neither_late_nor_failed():
    """It is shown as what it is, once, and goes on when it is seen again."""
    walk = walk_of(action(timeout=timedelta(minutes=5))).run().acted(Begun("a-1"))
    walk.news[walk.acts[0].task_id] = Hidden("ThrottlingException at GetAutomationExecution")
    assert "RUNNING" == walk.run(3_000).execution.tasks[0].status
    assert "which cannot be seen: ThrottlingException" in walk.execution.waiting_for
    walk.news[walk.acts[0].task_id] = Ended(True, "Success")
    assert "DONE" == walk.run(10).execution.tasks[0].status


def test_what_is_not_known_any_more_is_unknown():
    """Neither done nor failed."""
    walk = walk_of(action()).run().acted(Begun("a-1"))
    walk.news[walk.acts[0].task_id] = NotFound()
    assert "UNKNOWN" == walk.run(10).execution.tasks[0].status


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_cancel_lets_a_run_end_and_runs_the_end_all_the_same():
    """Nothing of the wave is launched, its later actions are not begun, and the run is shown."""
    walk = walk_of(action(), action(CALL), at_end=(action(TOPIC),)).run().acted(Begun("a-1"))
    walk.command(C.CANCEL)
    walk.run()
    assert (X.CANCELLING, W.PREPARING) == (walk.status, walk.waves[0])
    assert "WarmCache before wave Database to end" in walk.execution.waiting_for
    walk.news[walk.acts[0].task_id] = Ended(True, "Success")
    walk.run(30)
    assert ([W.CANCELLED] * 2, ["SSM_AUTOMATION", "SNS"]) == (walk.waves, [task.kind.name for task in walk.acts])
    assert '"Message": "CANCELLED"' in (walk.acts[-1].request or "")
    assert (X.CANCELLED, []) == (walk.acted(Ended(True, "published")).run().status, walk.launches)


def test_a_cancel_ends_a_wait():
    """Nobody waits for nothing."""
    walk = walk_of(action(PAUSE)).run()
    walk.command(C.CANCEL)
    assert (X.CANCELLED, [("wait 60 s", "SKIPPED")]) == (walk.run().status, walk.tasks)


def side_by_side(*before: Action, after: tuple[Action, ...] = ()) -> Walk:
    """Two waves that begin at once; the second has these actions, and the first ends the plan when it fails."""
    web = wave("Web", needs=(), before=before, after=after)
    return Walk(execution_of((wave("Database", needs=()), 2), (web, 1)))


def fail_the_first(walk: Walk) -> Walk:
    """The first wave's servers do not come up."""
    job = next(job for job in walk.jobs.values() if len(job.servers) == 2)
    walk.job_ends(job, *(part.source_server_id for part in job.servers))
    return walk.run(2).run(1)


@pytest.mark.parametrize(
    ("what", "outcome"),
    [(CALL, "not run: an earlier wave failed"), (PAUSE, "not waited to its end: an earlier")],
)
def test_a_wave_that_another_one_calls_off_begins_nothing_more(what, outcome):
    """What AWS refused for now is not asked for again, and nobody waits for nothing."""
    walk = side_by_side(action(what)).run()
    if what is CALL:
        walk.acted(NotExecuted("ThrottlingException", "slowly", transient=True)).run()
    walk.launch()
    walk = fail_the_first(walk)
    assert (X.FAILED, [W.FAILED, W.CANCELLED]) == (walk.status, walk.waves)
    assert (1 if what is CALL else 0, "SKIPPED") == (len(walk.acts), walk.tasks[0][1])
    assert walk.execution.tasks[0].outcome.startswith(outcome)


def test_what_was_to_follow_a_wave_that_is_called_off_leaves_it_partial():
    """Its servers came up, and not all that was to follow was done."""
    walk = side_by_side(after=(action(CALL),)).run()
    walk.launch()
    walk.run()
    walk.job_ends(walk.launch())
    walk.run(60).acted(NotExecuted("ThrottlingException", "slowly", transient=True)).run()
    walk = fail_the_first(walk)
    assert (X.FAILED, [W.FAILED, W.PARTIAL], 1) == (walk.status, walk.waves, len(walk.acts))
    assert "not all that follows its launch was done" in (walk.execution.waves[1].reason or "")


def test_a_pause_begins_nothing_new():
    """A run that goes on ends, and the next one is not begun before somebody resumes it."""
    walk = walk_of(action(), action(CALL)).run().acted(Begun("a-1"))
    walk.command(C.PAUSE)
    walk.news[walk.acts[0].task_id] = Ended(True, "Success")
    walk.run(30)
    assert (X.PAUSED, 1) == (walk.status, len(walk.acts))
    walk.command(C.RESUME)
    assert 2 == len(walk.run().acts)


def test_a_wave_that_is_left_out_asks_nobody_any_more():
    """Its action failed, and a person skips the wave instead: the next one begins."""
    walk = walk_of(action(CALL, on_failure=OnFailure.PAUSE)).run().acted(Ended(False, "answered 503")).run()
    walk.command(C.SKIP, "Database")
    walk.run()
    assert ([W.SKIPPED, W.PREPARING], 1) == (walk.waves, len(walk.launches))
    assert "decision" not in (walk.execution.waiting_for or "")


def test_a_failure_after_a_wave_asks_and_is_run_again():
    """The wave stays VERIFYING and its servers as they are; nothing is launched twice."""
    walk = walk_of(after=(action(CALL, on_failure=OnFailure.PAUSE),)).wave_done().acted(Ended(False, "answered 503"))
    assert (X.PAUSED, W.VERIFYING) == (walk.run().status, walk.waves[0])
    walk.command(C.RETRY, "Database")
    walk.run().acted(Ended(True, "answered 200")).run()
    assert (W.COMPLETED, 1) == (walk.waves[0], len(walk.execution.attempts_of("Database")))


def test_a_pause_holds_what_follows_a_wave():
    """The wave came up while somebody holds the execution: its actions wait for the resume."""
    walk = walk_of(after=(action(CALL),)).run()
    job = walk.launch()
    walk.command(C.PAUSE)
    walk.run()
    walk.job_ends(job)
    assert (X.PAUSED, W.VERIFYING, []) == (walk.run(600).status, walk.waves[0], walk.acts)
    walk.command(C.RESUME)
    assert 1 == len(walk.run().acts)


def test_a_plan_s_own_time_ends_what_follows_a_wave():
    """Nothing new begins once it is over: the wave is PARTIAL, and says so; the end is done all the same."""
    walk = walk_of(after=(action(CALL), action(TOPIC)), at_end=(action(FIFO),))
    walk = Walk(walk.execution.model_copy(update={"deadline": Deadline(at=at(650))})).run()
    walk.job_ends(walk.launch())
    walk.run(600)
    assert 1 == len(walk.acts)
    walk.seconds = 651
    walk.run().acted(Ended(True, "answered 200")).run()
    assert (W.PARTIAL, "not all that follows its launch was done, for nothing new was to begin") == (
        walk.waves[0],
        walk.execution.waves[0].reason,
    )
    assert ("SNS", X.TIMED_OUT) == (walk.acts[-1].kind.name, walk.acted(Ended(True, "published")).run().status)


def test_a_wave_is_not_left_out_while_an_action_of_it_runs():
    """Whoever skips it learns why."""
    walk = walk_of(action()).run().acted(Begun("a-1"))
    walk.command(C.SKIP, "Database")
    walk.run()
    assert "refused: wave Database: ssm_automation WarmCache before wave Database runs" in walk.answer()


def test_a_pause_holds_an_action_before_a_wave_all_of_whose_servers_run():
    """Of a wave that is tried again for what follows it: nothing goes on, so it is PAUSED, and nobody polls for it."""
    passed_over = action(CALL, on_failure=OnFailure.CONTINUE)
    walk = walk_of(passed_over, after=(action(TOPIC),), on_failure=OnFailure.PAUSE).run()
    walk.acted(Ended(False, "answered 500")).run()
    walk.job_ends(walk.launch())
    walk.run(600).acted(Ended(False, "no such topic")).run()
    walk.command(C.PAUSE)
    walk.command(C.RETRY, "Database")
    assert (X.PAUSED, W.PREPARING, 2) == (walk.run(60).status, walk.waves[0], len(walk.acts))
    walk.command(C.RESUME)
    assert (X.POLLING, 3) == (walk.run(1).status, len(walk.acts))


@pytest.mark.parametrize("place", ["before", "after", "at_end"])
def test_a_pause_holds_back_what_aws_has_refused_for_now(place):
    """Nothing goes on meanwhile, so nobody polls for it; after the resume it is asked for again."""
    ways = {"before": lambda: walk_of(action()), "after": lambda: walk_of(after=(action(),)).wave_done()}
    walk = ways.get(place, lambda: walk_of(at_end=(action(),)).wave_done().wave_done())().run()
    walk.acted(NotExecuted("ThrottlingException", "slowly", transient=True))
    walk.command(C.PAUSE)
    assert X.PAUSED is walk.run(1).status
    assert (X.PAUSED, 1) == (walk.run(600).status, len(walk.acts))
    walk.command(C.RESUME)
    assert (X.POLLING, 2) == (walk.run(1).status, len(walk.acts))
