"""Stuck is what stands still by the facts; everything else goes on, waits for a person, or is over."""

from datetime import timedelta

import pytest

from drskit.model import Cadence, CommandKind, ExecutionStatus, WaveStatus
from drskit.store.codec import header_of
from drskit.stuck import LONG_PHASE, PATIENCE, why_stuck
from tests.builders import Walk, at, execution_of, wave
from tests.report import samples

SOON = timedelta(seconds=30)


def polled(time, **changes):
    """A cadence: this place is to be looked at again at that time."""
    cadence = Cadence(account_id="123456789012", region="us-west-2", next_poll=time, version=1)
    return cadence.model_copy(update=changes)


def why(execution, now, cadence, *, whole=True):
    return why_stuck(header_of(execution), now, cadence=cadence, execution=execution if whole else None)


def running():
    walk = Walk(execution_of((wave("Database", timeout=timedelta(hours=9)), 2))).run()
    walk.launch()
    return walk.run()


def test_what_is_polled_in_time_is_not_stuck():
    """Nor is what is due for a little while."""
    execution = running().execution
    assert None is why(execution, at(60), polled(at(90)))
    assert None is why(execution, at(90) + PATIENCE, polled(at(90)))


def test_what_nobody_polls_is_stuck():
    """It names the place, since when, and what to run."""
    told = why(running().execution, at(91) + PATIENCE, polled(at(90)))
    assert "No worker has polled account 123456789012, us-west-2 since 2026-11-23 09:01:30Z." in told
    assert "drskit poll --follow" in told


def test_what_nobody_has_ever_polled_is_stuck_since_its_start():
    """There is no cadence then; an old one of a place where nothing lived counts from the start, too."""
    execution = execution_of((wave("Database"), 2))
    assert None is why(execution, at(0) + PATIENCE, None)
    assert "since 2026-11-23 09:00:00Z" in why(execution, at(1) + PATIENCE, None)
    assert None is why(execution, at(60), polled(at(-9999)))


def test_a_command_that_was_just_given_is_not_stuck():
    """Although the place had not been polled for hours, for everything waited for people."""
    walk = Walk(execution_of((wave("Database"), 2)))
    walk.seconds = 7200
    walk.command(CommandKind.PAUSE)
    assert None is why(walk.execution, at(7230), polled(at(20)))
    assert None is not why(walk.execution, at(7201) + PATIENCE, polled(at(20)))


def test_an_aws_that_does_not_answer_for_long_is_told():
    """With what it said last, and since when."""
    now = at(1800)
    trouble = polled(
        now + SOON, unavailable_since=now - PATIENCE, trouble="UnrecognizedClientException at DescribeJobs"
    )
    assert None is why(running().execution, now, trouble)
    told = why(running().execution, now + SOON, trouble.model_copy(update={"next_poll": now + 2 * SOON}))
    assert "AWS has not answered since 2026-11-23 09:20:00Z: UnrecognizedClientException at DescribeJobs" == told


def test_a_launch_without_a_known_outcome_for_long_is_told():
    """Its job is looked for."""
    walk = Walk(execution_of((wave("Database"), 2))).run()
    (attempt,) = walk.execution.attempts
    now = attempt.signed_at + PATIENCE + SOON
    assert "no known outcome" in why(walk.execution, now, polled(now))
    assert None is why(walk.execution, now - 2 * SOON, polled(now))


def test_a_job_that_drs_does_not_show_for_long_is_told():
    """By its id."""
    walk = running()
    (attempt,) = walk.execution.attempts
    lost = walk.execution.model_copy(update={"attempts": (attempt.model_copy(update={"missing_since": at(100)}),)})
    told = why(lost, at(101) + PATIENCE, polled(at(101) + PATIENCE))
    assert told.startswith(f"DRS has not shown {attempt.job_id} of wave Database since ")


def test_requests_that_aws_refuses_for_long_are_told():
    """And no more once one of them went through."""
    walk = Walk(execution_of((wave("Database"), 2))).run().refuse("ThrottlingException").run()
    (attempt,) = [one for one in walk.execution.attempts if one.refused_since]
    now = attempt.refused_since + PATIENCE + SOON
    told = why(walk.execution, now, polled(now))
    assert "AWS has refused the requests of wave Database since " in told
    assert "ThrottlingException" in told
    (run,) = walk.execution.waves
    launched = walk.execution.model_copy(update={"waves": (run.model_copy(update={"status": WaveStatus.IN_PROGRESS}),)})
    assert None is why(launched, now, polled(now))


def test_a_server_that_stays_in_one_phase_for_long_is_told():
    """With the phase, since when, and where to look."""
    sample = samples.under_way()
    start = sample.execution.waves[1].servers[0].phases[-1].start_time
    assert None is why(sample.execution, start + LONG_PHASE, polled(start + LONG_PHASE))
    told = why(sample.execution, start + LONG_PHASE + SOON, polled(start + LONG_PHASE + SOON))
    assert "has been in CONVERSION since" in told
    assert "drsjob-" in told


@pytest.mark.parametrize(
    "status", [status for status in ExecutionStatus if status in {"PAUSED", "COMPLETED", "FAILED"}]
)
def test_what_waits_for_a_person_or_is_over_is_not_stuck(status):
    """However long ago anybody looked."""
    execution = running().execution.model_copy(update={"status": status})
    assert None is why(execution, at(999_999), polled(at(0)))


def test_a_question_whose_time_is_over_is_stuck_when_nobody_acts_on_it():
    """The answer that was declared for silence has not been given."""
    walk = Walk(execution_of((wave("Database"), 2)))
    execution = walk.execution.model_copy(update={"status": ExecutionStatus.PAUSED, "due": at(1800)})
    assert None is why(execution, at(1700), polled(at(0)))
    assert "No worker has polled" in why(execution, at(1801) + PATIENCE, polled(at(0)))


def test_a_header_alone_tells_whether_anybody_polls():
    """Of the fiftieth execution no more is read."""
    execution = running().execution
    assert None is why(execution, at(60), polled(at(90)), whole=False)
    assert "No worker has polled" in why(execution, at(91) + PATIENCE, polled(at(90)), whole=False)
