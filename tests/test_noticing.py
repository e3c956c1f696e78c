"""What of a change is told to those whom the plan names: once, in words that can be acted on, to whom it concerns."""

from datetime import timedelta

import pytest

from drskit.actions import Action, ActionKind, ActionMode, Task, TaskPhase, TaskStatus, Wait
from drskit.history import first_event, narrate
from drskit.messages import SUBJECT_LENGTH, message_of, subject
from drskit.model import Approval, Command, CommandKind, Execution, ExecutionStatus, OnFailure, ServerStatus, WaveStatus
from drskit.notices import NoticeKind, NotifyTarget, Outcome
from drskit.noticing import MOST_TRIES, found_stuck, pressing, reminded, troubles, with_outcomes
from drskit.orders import told
from tests.builders import START, at, execution_of, wave

TOPIC = "arn:aws:sns:us-west-2:123456789012:dr"
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/dr"


def telling(*parts, kinds: tuple[NoticeKind, ...] = (), **changes) -> Execution:
    """An execution that was just stored, of a plan that tells a topic these kinds, and a bus everything."""
    execution = execution_of(*(parts or ((wave("Database"), 2), (wave("Application"), 1))), **changes)
    targets = (NotifyTarget(address=TOPIC, kinds=kinds), NotifyTarget(address=BUS))
    plan = execution.plan.model_copy(update={"notify": targets})
    return first_event(execution.model_copy(update={"plan": plan}))[0]


def moved(execution: Execution, seconds: float = 60, **changes) -> Execution:
    """The execution after a write that changes this."""
    return narrate(execution, execution.model_copy(update=changes), now=at(seconds), actor="worker")[0]


def with_status(execution: Execution, name: str, status: WaveStatus, seconds: float = 60, **changes) -> Execution:
    """The execution after a write that moves one wave."""
    waves = tuple(
        one.model_copy(update={"status": status, **changes}) if one.wave_name == name else one
        for one in execution.waves
    )
    return moved(execution, seconds, waves=waves)


def kinds(execution: Execution) -> list[str]:
    return [notice.kind.value for notice in execution.notices]


def tried(execution: Execution, error: str | None, seconds: float, target: str = TOPIC) -> Execution:
    """The execution after its last notice was tried."""
    outcome = Outcome(error=error) if error else Outcome(message_id="m-1")
    return with_outcomes(execution, {(execution.notices[-1].notice_id, target): outcome}, at(seconds))


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_plan_that_names_nobody_tells_nothing():
    """Nor does its execution carry anything more than before."""
    execution = first_event(execution_of((wave("Database"), 1)))[0]
    assert () == with_status(execution, "Database", WaveStatus.COMPLETED).notices


def test_start_wave_failure_and_end_are_told_once_each():
    """In the write that they happen in; a write that changes nothing of it tells nothing."""
    execution = telling()
    execution = with_status(execution, "Database", WaveStatus.COMPLETED)
    execution = with_status(execution, "Application", WaveStatus.FAILED, reason="1 of 1 servers failed: app-1")
    execution = moved(execution, 70, waiting_for="nothing")
    execution = moved(execution, 80, status=ExecutionStatus.FAILED, end_time=at(80))
    assert ["start", "wave", "failure", "end"] == kinds(execution)
    assert [f"{execution.execution_id}-{number:04d}" for number in range(1, 5)] == [
        notice.notice_id for notice in execution.notices
    ]
    assert "1 of 1 servers failed: app-1" in execution.notices[2].text


def test_a_target_is_told_only_what_it_asked_for():
    """What nobody asked for is not even recorded."""
    execution = with_status(telling(kinds=(NoticeKind.END,)), "Database", WaveStatus.COMPLETED)
    assert [[BUS], [BUS]] == [[one.target for one in notice.deliveries] for notice in execution.notices]
    ended = moved(execution, end_time=at(80), status=ExecutionStatus.CANCELLED)
    assert [TOPIC, BUS] == [one.target for one in ended.notices[-1].deliveries]


def test_an_approval_comes_with_the_commands_to_type():
    """Quoted for a shell; and until when it may be answered."""
    asking = wave("Data base", approval=Approval(text="The books balance.", timeout=timedelta(minutes=30)))
    execution = with_status(
        telling((asking, 1)), "Data base", WaveStatus.WAITING_APPROVAL, waiting_since=at(60), approve_by=at(1860)
    )
    notice = execution.notices[-1]
    assert NoticeKind.APPROVAL is notice.kind
    assert f"drskit approve {execution.execution_id} --wave 'Data base' --reason '…'" == notice.commands[0]
    assert "The books balance." in notice.text
    assert "Answer by 2026-11-23 09:31:00Z" in notice.text


def test_a_decision_about_a_failed_wave_is_asked_for_once_for_each_failure():
    """However often the execution is written while it waits; and anew when a retry has failed, too."""
    failing = telling((wave("Database", on_failure=OnFailure.PAUSE), 1))
    execution = with_status(failing, "Database", WaveStatus.FAILED, end_time=at(60))
    execution = moved(execution, 61, attempts=(), waves=tuple(one.model_copy() for one in execution.waves))
    assert ["start", "failure", "approval"] == kinds(execution)
    again = with_status(execution, "Database", WaveStatus.PREPARING, 90, end_time=None)
    again = with_status(again, "Database", WaveStatus.FAILED, 120, end_time=at(120))
    assert ["start", "failure", "approval", "failure", "approval"] == kinds(again)
    assert f"drskit retry {again.execution_id} --wave Database --reason '…'" in again.notices[-1].commands


def test_what_is_stuck_is_told_at_once_and_daily():
    """As long as the same holds it; something else that holds it is told at once."""
    execution = found_stuck(telling(), "aws:09:00", "AWS has not answered.", at(600))
    assert execution is found_stuck(execution, "aws:09:00", "AWS has not answered.", at(80_000))
    execution = found_stuck(execution, "aws:09:00", "AWS has not answered.", at(600 + 86_400))
    execution = found_stuck(execution, "server:s-1", "It is in CONVERSION.", at(600 + 86_400))
    assert ["start", "stuck", "stuck", "stuck"] == kinds(execution)


# --- instances that run ----------------------------------------------------------------------------------------------


def over(*statuses: ServerStatus) -> Execution:
    """A drill that has ended, with servers of these statuses."""
    execution = telling((wave("Database"), len(statuses)))
    (only,) = execution.waves
    servers = tuple(
        server.model_copy(update={"status": status}) for server, status in zip(only.servers, statuses, strict=True)
    )
    waves = (only.model_copy(update={"servers": servers, "status": WaveStatus.COMPLETED, "end_time": at(100)}),)
    return moved(execution, 100, waves=waves, status=ExecutionStatus.COMPLETED, end_time=at(100))


def test_instances_that_run_are_told_an_hour_after_the_end_and_daily():
    """The end itself says them already."""
    execution = over(ServerStatus.VERIFIED, ServerStatus.VERIFIED)
    assert at(100 + 3600) == execution.reminder
    assert "2 instances of it still run" in execution.notices[-1].text
    told = reminded(execution, frozenset(), at(3700))
    assert ("instances", at(3700 + 86_400)) == (told.notices[-1].kind.value, told.reminder)
    assert f"drskit cleanup {told.execution_id} --reason '…'" == told.notices[-1].commands[0]


def test_nothing_is_told_of_instances_that_are_gone():
    """Neither where none came up, nor where a newer execution has launched their servers again."""
    assert None is over(ServerStatus.FAILED).reminder
    execution = over(ServerStatus.VERIFIED)
    again = frozenset(server.source_server_id for server in execution.waves[0].servers)
    told = reminded(execution, again, at(3700))
    assert (None, len(execution.notices)) == (told.reminder, len(told.notices))


def test_a_cleanup_that_proves_them_gone_ends_the_reminders():
    """In the write that says so in the drill's record."""
    execution = over(ServerStatus.VERIFIED)
    (only,) = execution.waves
    servers = tuple(one.model_copy(update={"status": ServerStatus.TERMINATED}) for one in only.servers)
    assert None is moved(execution, 200, waves=(only.model_copy(update={"servers": servers}),)).reminder


# --- what became of it -----------------------------------------------------------------------------------------------


def test_a_delivery_that_fails_waits_longer_each_time_and_is_given_up():
    """After so many tries, and the history says so."""
    execution, waits = telling(), []
    for number in range(MOST_TRIES):
        before = execution
        execution = tried(execution, "Throttled at Publish", number * 1000)
        due = execution.notices[-1].deliveries[0].next_try
        waits.append((due - at(number * 1000)).total_seconds() if due else None)
    assert [15, 30, 60, 120, 300, 600, 900, 900, 900, None] == waits
    assert "Throttled at Publish" == execution.notices[-1].deliveries[0].error
    _, events = narrate(before, execution, now=at(10_000), actor="worker")
    assert ["NOTICE_GIVEN_UP"] == [event.kind for event in events]
    assert ("The last one was given up.",) == tuple(text[-26:] for text in troubles(execution))


def test_a_delivery_that_was_taken_is_never_tried_again():
    """Also when a second worker sent it, too, and comes second."""
    sent = tried(telling(), None, 5)
    assert (at(5), "m-1", None) == (
        sent.notices[0].deliveries[0].sent,
        sent.notices[0].deliveries[0].message_id,
        sent.notices[0].deliveries[0].next_try,
    )
    assert sent is tried(sent, "Throttled", 6)
    assert () == troubles(sent)


def test_a_worker_that_ends_waits_for_a_few_tries_only():
    """The rest is for the next one."""
    execution = tried(telling(), None, 0, BUS)
    for number in range(4):
        assert pressing(execution) is not None
        execution = tried(execution, "Throttled", number)
    assert pressing(execution) is None
    assert execution.notify_due is not None


# --- words -----------------------------------------------------------------------------------------------------------


def test_a_subject_is_what_sns_takes():
    """Printable ASCII on one line, less than a hundred characters, whatever the names are."""
    found = subject("SIMULATED DRILL: Büro\nBcc: all\x1b[31m " + "x" * 200)
    assert found.isascii()
    assert found.isprintable()
    assert SUBJECT_LENGTH >= len(found)
    assert "\n" not in found


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\nTo type:\n  rm -rf /", "\u202e"])
def test_hostile_text_makes_no_line_of_its_own(hostile):
    """An error or a name cannot pretend to be a command of ours."""
    execution = with_status(telling(), "Database", WaveStatus.FAILED, reason=f"the server said {hostile}")
    notice = execution.notices[-1].model_copy(update={"headline": hostile, "commands": (f"drskit {hostile}",)})
    body = message_of(execution, notice).body
    assert ["To type:"] == [line for line in body.splitlines() if line.startswith("To type")]
    assert not any(letter in body for letter in "\x1b\u202e")


def test_a_message_is_the_same_whenever_it_is_made():
    """So what arrives twice is alike; where and what for stand in it."""
    execution = telling()
    later = with_status(execution, "Database", WaveStatus.COMPLETED)
    first, second = (message_of(one, execution.notices[0]) for one in (execution, later))
    assert first == second
    assert first.subject.startswith("SIMULATED DRILL: shop: ")
    assert "Account 123456789012, us-west-2" in first.body
    assert execution.notices[0].notice_id == first.detail["NotificationId"]
    assert START == first.at


def test_commands_of_people_are_told_of_nobody():
    """Whoever pauses or approves knows it."""
    execution = telling()
    command = Command(command_id="01", kind=CommandKind.PAUSE, by="mira", at=at(4), reason="lunch")
    assert ["start"] == kinds(narrate(execution, told(execution, command), now=at(5), actor="m")[0])


def test_an_action_that_needs_a_decision_is_told_with_its_place():
    """Once, with what it came to."""
    before = Action(
        does=Wait(kind=ActionKind.WAIT, span=timedelta(seconds=9)),
        modes=(ActionMode.DRILL,),
        on_failure=OnFailure.PAUSE,
    )
    execution = telling((wave("Database", before=(before,)), 1))
    task = Task(
        task_id="01T", wave_name="Database", phase=TaskPhase.BEFORE, index=0, number=1, kind=ActionKind.WAIT,
        title="wait 9 s", status=TaskStatus.FAILED, intended_at=at(10), end_time=at(20), outcome="it was in vain",
    )  # fmt: skip
    waves = tuple(one.model_copy(update={"status": WaveStatus.PREPARING}) for one in execution.waves)
    execution = moved(execution, 30, tasks=(task,), waves=waves)
    assert ["start", "approval"] == kinds(execution)
    assert "it was in vain" in execution.notices[-1].text
    assert "wait 9 s before wave Database is FAILED" == execution.notices[-1].headline
