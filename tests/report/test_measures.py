"""RTO and RPO of executions made by hand."""

from datetime import timedelta
from decimal import Decimal

from drskit.model import (
    Command,
    CommandKind,
    Decision,
    ExecutionStatus,
    ExecutionType,
    Lull,
    ServerStatus,
    Targets,
    WaveRun,
    WaveStatus,
)
from drskit.money import Accepted, Asked, BudgetRun, Prices
from drskit.report import measures
from drskit.report.measures import Verdict
from drskit.retries import HELD_ON
from tests.report.samples import at, completed, failed, failing, launched, make_execution, paused, under_way, waiting

END = at(4000)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def wave(*servers, **changes):
    return WaveRun(wave_name="Database", start_time=at(0), servers=servers).model_copy(update=changes)


def with_target(execution, **targets):
    return execution.model_copy(update={"plan": execution.plan.model_copy(update={"targets": Targets(**targets)})})


def test_rto_runs_from_the_start_to_the_last_critical_server():
    """Plan: from the execution's start; wave: from its own."""
    execution = completed().execution
    assert seconds(1852.5) == measures.plan_rto(execution, END).actual
    assert Verdict.MET is measures.plan_rto(execution, END).verdict
    assert seconds(1852.5 - 1291) == measures.wave_rto(execution, execution.waves[2], END).actual


def test_a_target_that_was_exceeded_is_missed():
    """Exactly on target is met, a second more is missed."""
    execution = with_target(completed().execution, rto=seconds(1852.5))
    assert Verdict.MET is measures.plan_rto(execution, END).verdict
    assert Verdict.MISSED is measures.plan_rto(with_target(execution, rto=seconds(1851)), END).verdict


def test_without_a_target_there_is_an_actual_and_no_verdict():
    """Nothing was promised."""
    measure = measures.plan_rto(with_target(completed().execution), END)
    assert (seconds(1852.5), Verdict.NO_TARGET) == (measure.actual, measure.verdict)


def test_a_server_that_never_came_up_has_no_rto_and_the_plan_did_not_reach_its_own():
    """No number is made up."""
    execution = failing().execution
    last = execution.waves[2]
    assert (None, Verdict.NOT_REACHED) == (
        measures.plan_rto(execution, END).actual,
        measures.plan_rto(execution, END).verdict,
    )
    assert None is measures.server_rto(execution, last, last.servers[0], END).actual
    assert Verdict.MET is measures.wave_rto(execution, execution.waves[0], END).verdict


def test_an_optional_server_that_failed_spoils_no_rto():
    """Only critical servers count."""
    lost = failed(2, "spare", 2).model_copy(update={"critical": False})
    execution = make_execution((wave(launched(1, "db", 2), lost),), end_time=END)
    measure = measures.plan_rto(execution, END)
    assert (seconds(536.5), Verdict.MET) == (measure.actual, measure.verdict)


def test_while_it_runs_the_verdict_is_open_until_the_target_is_past():
    """An RTO that can no longer be met is missed already."""
    execution = under_way().execution
    assert Verdict.NOT_YET is measures.plan_rto(execution, at(900)).verdict
    assert Verdict.MISSED is measures.plan_rto(execution, at(45 * 60 + 1)).verdict


def test_a_launched_server_without_an_end_makes_the_rto_not_known():
    """Unknown is not met and not missed."""
    execution = make_execution((wave(launched(1, "db", 2, end_time=None)),), end_time=END)
    assert Verdict.NOT_KNOWN is measures.plan_rto(execution, END).verdict


def test_a_cleanup_has_no_rto():
    """It launches nothing."""
    execution = completed().execution.model_copy(update={"execution_type": ExecutionType.CLEANUP})
    assert None is measures.plan_rto(execution, END).actual


def test_the_time_spent_waiting_for_a_person_is_shown_apart():
    """The application waited 163 s for its approval while nothing ran."""
    execution = completed().execution
    assert seconds(163) == measures.waited_for_people(execution, END, END)
    assert seconds(1852.5 - 163) == measures.plan_rto_without_people(execution, END).actual


def test_waiting_is_counted_only_while_no_wave_runs():
    """A wave that waits beside one that works costs no time."""
    execution = completed().execution
    beside = execution.waves[1].model_copy(update={"waiting_since": at(100)})
    execution = execution.model_copy(update={"waves": (execution.waves[0], beside, execution.waves[2])})
    assert seconds(163) == measures.waited_for_people(execution, END, END)


def test_waits_that_overlap_are_counted_once():
    """Two waves wait for the same person."""
    waiter = WaveRun(wave_name="A", status=WaveStatus.WAITING_APPROVAL, waiting_since=at(10), servers=())
    other = waiter.model_copy(update={"wave_name": "B", "waiting_since": at(40)})
    execution = make_execution((waiter, other), status=ExecutionStatus.PAUSED)
    assert seconds(90) == measures.waited_for_people(execution, at(100), at(100))


def test_the_decision_to_go_on_after_a_failed_wave_counts_as_waiting():
    """From the wave's end to the decision."""
    decision = Decision(by="mira", at=at(700), reason="not needed tonight")
    lost = wave(failed(1, "db", 2), status=WaveStatus.FAILED, end_time=at(600), overridden=decision)
    execution = make_execution((lost,), end_time=at(800))
    assert seconds(100) == measures.waited_for_people(execution, END, END)


def test_the_decision_to_try_a_wave_again_counts_as_waiting():
    """Each time from its end to the word; while another wave runs it costs nothing, and what was tried never does."""
    lulls = (Lull(since=at(200), until=at(260)), Lull(since=at(400), until=at(500)))
    again = wave(launched(1, "db", 510), end_time=at(600), lulls=lulls)
    assert seconds(160) == measures.waited_for_people(make_execution((again,), end_time=at(600)), END, END)
    beside = wave(launched(2, "app", 2), end_time=at(450)).model_copy(update={"wave_name": "B"})
    assert seconds(50) == measures.waited_for_people(make_execution((again, beside), end_time=at(600)), END, END)


def test_what_a_job_did_after_its_wave_had_timed_out_is_no_waiting_for_the_word_to_try_again():
    """The machines worked; only from the job's end on somebody was waited for."""
    server = launched(1, "db", 10)
    timed_out = wave(server, end_time=at(900), lulls=(Lull(since=at(300), until=at(800)),))
    execution = make_execution((timed_out,), end_time=at(900))
    assert execution.attempts[0].end_time == at(547.5)
    assert seconds(800 - 547.5) == measures.waited_for_people(execution, END, END)


def test_a_pause_in_which_a_wave_is_to_be_tried_again_counts_until_it_is_over():
    """The wave does not run before the resume; where the execution had ended, the retry ends the pause."""
    again = wave(launched(1, "db", 910), end_time=at(1450), lulls=(Lull(since=at(400), until=at(500)),))
    for answer, waited in ((f"again; {HELD_ON}", 100 + 400), ("again", 100)):
        told = ((CommandKind.PAUSE, 300, "paused"), (CommandKind.RETRY, 500, answer), (CommandKind.RESUME, 900, "ok"))
        commands = tuple(
            Command(
                command_id=kind, kind=kind, by="mira", at=at(when), reason="a look", acknowledged=at(when), answer=said
            )
            for kind, when, said in told
        )
        execution = make_execution((again,), end_time=at(1450), commands=commands)
        assert seconds(waited) == measures.waited_for_people(execution, END, END)


def test_a_persons_pause_counts_as_waiting_while_no_wave_runs():
    """From the wave's end, for machines worked until then, to the resume; not the seconds until it was obeyed."""
    execution = paused(100, 940)
    assert seconds(400) == measures.waited_for_people(execution, END, END)


def test_a_yes_to_more_money_counts_as_waiting_while_no_wave_runs():
    """Asked for and given between two waves; one that is still asked for counts to now."""
    execution = completed().execution
    web = execution.waves[2].model_copy(update={"start_time": at(1891), "end_time": at(2470)})
    execution = execution.model_copy(update={"waves": (*execution.waves[:2], web), "end_time": at(2471)})
    yes = Accepted(by="mira", at=at(1890), reason="needed", limit_usd=Decimal(9), asked_at=at(1290))
    bill = BudgetRun(prices=Prices(dated=END.date(), source="a list"), limit_usd=Decimal(9), accepted=(yes,))
    assert seconds(163 + 600) == measures.waited_for_people(with_budget(execution, bill), END, END)
    asked = bill.model_copy(update={"accepted": (), "asked": Asked(wave_name="Web", usd=Decimal(9), at=at(1290))})
    running = execution.model_copy(
        update={"waves": (*execution.waves[:2], WaveRun(wave_name="Web", servers=())), "end_time": None}
    )
    assert seconds(163 + 10) == measures.waited_for_people(with_budget(running, asked), at(1300), at(1300))


def with_budget(execution, budget):
    return execution.model_copy(update={"budget": budget})


def test_a_pause_that_was_refused_or_a_resume_of_one_wave_changes_nothing():
    """Only what was obeyed holds an execution, and only what ends the pause lets it go on."""
    execution = paused(100, 940)
    pause, resume = execution.commands
    refused = execution.model_copy(update={"commands": (pause.model_copy(update={"answer": "refused: no"}), resume)})
    assert seconds(0) == measures.waited_for_people(refused, END, END)
    other = resume.model_copy(update={"wave_name": "Web", "at": at(700)})
    both = execution.model_copy(update={"commands": (pause, other, resume)})
    assert seconds(400) == measures.waited_for_people(both, END, END)
    open_end = execution.model_copy(update={"commands": (pause,), "end_time": None, "waves": execution.waves[:1]})
    assert seconds(160) == measures.waited_for_people(open_end, at(700), at(700))


def test_rpo_is_the_age_of_the_oldest_snapshot_that_was_launched():
    """The largest of the servers, never below zero."""
    younger = launched(1, "db", 500, snapshot_time=at(510))
    older = launched(2, "db", 500, snapshot_time=at(100))
    execution = make_execution((wave(younger, older),), end_time=END)
    assert seconds(0) == measures.server_rpo(execution, younger).actual
    assert (seconds(400), Verdict.MET) == (measures.plan_rpo(execution).actual, measures.plan_rpo(execution).verdict)


def test_an_rpo_is_met_only_if_every_snapshot_is_known():
    """One unknown snapshot: not known; but a known miss stays a miss."""
    unknown = launched(1, "db", 500, snapshot_time=None)
    older = launched(2, "db", 5000, snapshot_time=at(0))
    execution = make_execution((wave(unknown, launched(3, "db", 500)),), end_time=END)
    assert Verdict.NOT_KNOWN is measures.plan_rpo(execution).verdict
    missed = make_execution((wave(unknown, older),), end_time=END)
    assert Verdict.MISSED is measures.plan_rpo(missed).verdict


def test_an_rpo_is_not_reached_while_a_critical_server_is_down():
    """Nothing was recovered there, from whatever snapshot."""
    execution = make_execution((wave(launched(1, "db", 2), waiting(2, "db")),), end_time=END)
    assert Verdict.NOT_REACHED is measures.plan_rpo(execution).verdict
    assert None is measures.server_rpo(execution, failed(1, "db", 2)).actual


def test_a_verified_server_is_reached_and_an_unknown_one_is_not():
    """Unknown is never done."""
    assert measures.reached(launched(1, "db", 2, status=ServerStatus.VERIFIED))
    assert not measures.reached(launched(1, "db", 2, status=ServerStatus.UNKNOWN))
