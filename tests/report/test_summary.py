"""The sentence on top, and what is gathered below it."""

from drskit.model import AttemptStatus, ExecutionStatus, ExecutionType, JobLog
from drskit.report.measures import Verdict
from drskit.report.summary import ApprovalState, summarise
from tests.report.samples import cleaned, completed, failing, under_way, waiting_for_approval


def summary_of(sample, **changes):
    return summarise(sample.execution.model_copy(update=changes), sample.events, sample.logs, sample.now)


def test_the_verdict_says_what_happened_and_whether_the_target_was_met():
    """One sentence, for a reader who reads no more."""
    assert (
        "Drill COMPLETED: 12 of 12 critical servers launched in 30 min 52 s; RTO target 45 min met"
        == summary_of(completed()).verdict
    )
    assert (
        "Drill FAILED: 6 of 12 critical servers launched; RTO target 45 min not reached"
        == summary_of(failing()).verdict
    )


def test_the_verdict_of_a_running_drill_says_whom_it_waits_for():
    """A paused drill names the decision."""
    verdict = summary_of(waiting_for_approval()).verdict
    assert verdict.startswith("Drill PAUSED: 4 of 12 critical servers launched; 19 min 12 s so far, RTO target")
    assert "; waiting for approval of wave Application" in verdict


def test_a_recovery_and_a_cleanup_are_called_what_they_are():
    """The type is in the sentence."""
    assert "Recovery COMPLETED" in summary_of(completed(), execution_type=ExecutionType.RECOVERY).verdict
    whole = "4 of 4 instances terminated and gone from DRS and EC2. Cleanup COMPLETED after 2 min 41 s"
    assert whole == summary_of(cleaned(whole=True)).verdict


def test_the_verdict_of_a_cleanup_says_what_remains_and_why():
    """Also that something ended which no call named; and while it lasts, how far it is."""
    verdict = summary_of(cleaned()).verdict
    assert verdict.startswith("3 of 4 instances terminated and gone from DRS and EC2; 1 remains: i-00000000000c0fff2 (")
    assert "termination protection is on. Turn that off in EC2 if it may go); 1 instance that no call named" in verdict
    assert (
        "3 of 4 instances terminated and gone from DRS and EC2 so far: cleanup POLLING, 1 h 06 min 40 s by now"
        == summary_of(cleaned(), status=ExecutionStatus.POLLING, end_time=None).verdict
    )


def test_a_cleanup_has_no_targets():
    """Neither RTO nor RPO, of nothing in it."""
    summary = summary_of(cleaned())
    measured = [summary.rpo, *(server.rpo for server in summary.servers), *(wave.rpo for wave in summary.waves)]
    assert {Verdict.NO_TARGET} == {measure.verdict for measure in measured}
    assert None is summary.rto.actual


def test_servers_in_trouble_come_first():
    """Failed before done, otherwise in the order of the plan."""
    names = [server.run.name for server in summary_of(failing()).servers]
    assert ["app-5", "app-8"] == names[:2]
    assert ["db-1", "db-2"] == names[6:8]


def test_an_approval_keeps_who_when_and_why():
    """Given, awaited, or never given."""
    given = summary_of(completed()).approvals
    assert ["Application"] == [approval.wave_name for approval in given]
    assert ApprovalState.APPROVED is given[0].state
    assert "Logins work, checked with psql." == given[0].decision.reason
    awaited = waiting_for_approval()
    assert ApprovalState.WAITING is summary_of(awaited).approvals[0].state
    assert ApprovalState.NEVER_GIVEN is summary_of(awaited, end_time=awaited.now).approvals[0].state


def test_every_attempt_is_listed_with_its_jobs_log():
    """Also the attempt that made no job, and the log that no attempt names."""
    sample = under_way()
    lost = sample.execution.attempts[0].model_copy(
        update={"job_id": None, "status": AttemptStatus.NOT_EXECUTED, "outcome": "refused: too old"}
    )
    loose = JobLog(job_id="drsjob-foreign", wave_name="Web", entries=())
    execution = sample.execution.model_copy(update={"attempts": (lost, *sample.execution.attempts)})
    summary = summarise(execution, sample.events, (*sample.logs, loose), sample.now)
    assert (3, 0) == (len(summary.jobs), len(summary.jobs[0].log))
    assert all(job.log for job in summary.jobs[1:])
    assert (loose,) == summary.loose_logs
