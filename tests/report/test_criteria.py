"""What was to be proven, what was not tried, and what somebody must follow up."""

from datetime import timedelta

import pytest

from drskit.model import Command, CommandKind, Decision, GroupRun, OnTimeout, ServerStatus, WaveStatus
from drskit.report.html import render_html
from drskit.report.measures import Verdict
from drskit.report.summary import summarise
from tests.report import samples
from tests.report.pages import Page
from tests.report.samples import at


def summary_of(sample, **changes):
    return summarise(sample.execution.model_copy(update=changes), sample.events, sample.logs, sample.now)


def judged(summary) -> list[tuple[str, str, str]]:
    return [(one.of, one.rule, one.verdict.value) for one in summary.criteria]


def with_wave(sample, number, plan=None, **changes):
    """The execution's changes: one wave otherwise, as run and as declared."""
    execution = sample.execution
    waves = list(execution.waves)
    waves[number] = waves[number].model_copy(update=changes)
    declared = list(execution.plan.waves)
    declared[number] = declared[number].model_copy(update=plan or {})
    return {"waves": tuple(waves), "plan": execution.plan.model_copy(update={"waves": tuple(declared)})}


def test_the_criteria_are_those_of_the_plan_as_executed():
    """Targets, numbers of servers, what may fail, how long, and whose word is needed."""
    assert [
        ("Plan", "RTO at most 45 min", "met"),
        ("Plan", "RPO of every server at most 15 min", "met"),
        ("Group shop.database", "4 servers expected", "met"),
        ("Group shop.application", "4 servers expected", "met"),
        ("Group shop.web", "4 servers expected", "met"),
        ("Wave Database", "RTO at most 20 min", "met"),
        ("Wave Database", "no critical server may fail (on failure: stop)", "met"),
        ("Wave Database", "over within 1 h 30 min", "met"),
    ] == judged(summary_of(samples.completed()))[:8]


@pytest.mark.parametrize(("allowed", "verdict"), [(2, "met"), (1, "missed")])
def test_what_was_tolerated_is_met_and_one_more_is_missed(allowed, verdict):
    """`max_failed` counts critical servers that are missing; optional ones are named beside it."""
    plan = {"max_failed": allowed, "optional": (samples.server_id(5),)}
    found = judged(summary_of(samples.failing(), **with_wave(samples.failing(), 1, plan)))
    servers = f"{allowed} critical server{'s' if allowed > 1 else ''}"
    rule = f"at most {servers} may fail, beside 1 optional one (on failure: stop)"
    assert ("Wave Application", rule, verdict) in found


def test_a_criterion_that_an_edit_changed_says_what_was_set_before():
    """What was loosened, added or dropped while it ran is not passed off as set before the run."""
    sample = samples.completed()
    edited = {"max_failed": 2, "timeout": timedelta(hours=2), "approval": None}
    changed = with_wave(sample, 1, edited)
    changed["plan"] = changed["plan"].model_copy(update={"digest": "e" * 64})
    summary = summary_of(sample, **changed, applied=sample.execution.plan)
    found = [rule for of, rule, _ in judged(summary) if of == "Wave Application"]
    few = "at most 2 critical servers may fail (on failure: stop)"
    assert f"{few} (edited while it ran; before: no critical server may fail (on failure: stop))" in found
    assert "over within 2 h 00 min (edited while it ran; before: over within 1 h 30 min)" in found
    (gone,) = [one for one in summary.criteria if "taken away by an edit" in one.rule]
    assert ("a person approves: ", "not asked for any more") == (gone.rule[:19], gone.actual)
    assert not any("edit" in rule for of, rule, _ in judged(summary) if of != "Wave Application")
    shown = Page(render_html(summary)).text
    assert "what edits changed while it ran is named" in shown
    assert "Edited while it ran: the plan as started" in shown
    assert "Digest of plan and groups, as started" in shown
    assert "edit" not in Page(render_html(summary_of(sample))).text.casefold()


def test_an_edit_that_was_carried_out_is_a_deviation_and_a_refused_one_is_none():
    """Whoever did it answers for it."""
    sample = samples.completed()
    told = {"kind": CommandKind.EDIT, "by": "noor", "at": at(100), "wave_name": "Web", "acknowledged": at(110)}
    done = Command(command_id="1", reason="slow disks", answer="wave Web: timeout: PT2H, not PT1H30M", **told)
    refused = Command(command_id="2", reason="too late", answer="refused: wave Web has begun", **told)
    found = [(one.of, one.what) for one in summary_of(sample, commands=(done, refused)).deviations]
    assert [("Wave Web", "edited while it ran, by noor: slow disks")] == found


def test_a_group_of_another_size_than_expected_is_a_deviation():
    """Set before the run, so it counts though everything that was found came up."""
    sample = samples.completed()
    groups = (sample.execution.groups[0].model_copy(update={"expect": 5}), *sample.execution.groups[1:])
    summary = summary_of(sample, groups=groups)
    assert ("Group shop.database", "5 servers expected", "missed") in judged(summary)
    assert ["5 servers expected: 4 found at the start (missed)"] == [one.what for one in summary.deviations]


def test_an_approval_that_nobody_gave_is_not_met():
    """With what its timeout comes to."""
    sample = samples.waiting_for_approval()
    approval = sample.execution.plan.waves[1].approval.model_copy(
        update={"timeout": samples.timedelta(minutes=30), "on_timeout": OnTimeout.SKIP}
    )
    changed = with_wave(sample, 1, {"approval": approval})
    rule = "a person approves within 30 min, else skip: The database accepts logins."
    assert ("Wave Application", rule, "not yet") in judged(summary_of(sample, **changed))
    assert ("Wave Application", rule, "not reached") in judged(summary_of(sample, **changed, end_time=at(2352)))


def test_a_wave_that_timed_out_missed_its_time():
    """Although it may not have failed otherwise."""
    sample = samples.completed()
    changed = with_wave(sample, 2, status=WaveStatus.TIMED_OUT)
    found = summary_of(sample, **changed)
    assert ("Wave Web", "over within 1 h 30 min", "missed") in judged(found)
    assert "TIMED_OUT after 9 min 39 s" in {one.actual for one in found.criteria}


def test_a_wave_that_was_in_time_although_it_took_longer_says_what_counts():
    """A wave that was tried again hours later is not in time because of its own time, but of its jobs'."""
    sample = samples.completed()
    changed = with_wave(sample, 2, end_time=at(1291) + timedelta(hours=2))
    found = summary_of(sample, **changed)
    assert ("Wave Web", "over within 1 h 30 min", "met") in judged(found)
    words = "COMPLETED after 2 h 00 min; the longest of its jobs took 9 min 16 s, and only a job's time counts"
    assert [words] == [one.actual for one in found.criteria if one.of == "Wave Web" and "within 1 h" in one.rule]


def test_nothing_is_asked_of_a_cleanup():
    """Neither criteria nor servers that were not tested; what remains is to be followed up."""
    summary = summary_of(samples.cleaned())
    assert ((), ()) == (summary.criteria, summary.untested)
    assert ["not terminated: db-4"] == [one.what for one in summary.deviations]


def test_servers_that_were_not_tried_are_named_with_the_reason():
    """Skipped with their wave, left out by a person, out of sight, in no wave, gone from the group."""
    sample = samples.failing()
    reasons = {one.name: one.why for one in summary_of(sample).untested}
    assert {"web-9", "web-10", "web-11", "web-12"} == set(reasons)
    assert "Its wave was SKIPPED before it was launched: Application failed" == reasons["web-9"]
    base = samples.completed()
    word = Decision(by="mira", at=at(1300), reason="web-9 is being rebuilt")
    servers = list(base.execution.waves[2].servers)
    servers[0] = servers[0].model_copy(update={"status": ServerStatus.SKIPPED, "error": None})
    servers[1] = servers[1].model_copy(update={"status": ServerStatus.UNKNOWN, "error": "DRS does not show its job"})
    idle = GroupRun(group_id="shop.batch", servers=("s-0000000000000aaaa",), removed=("s-0000000000000bbbb",))
    changed = with_wave(base, 2, servers=tuple(servers), skipped=word)
    summary = summary_of(base, **changed, groups=(*base.execution.groups, idle))
    assert [
        ("web-9", "It was left out by mira: web-9 is being rebuilt"),
        ("web-10", "Its state could not be seen: DRS does not show its job"),
        ("", "Its group is in no wave of the plan."),
    ] == [(one.name, one.why) for one in summary.untested][:3]
    assert summary.untested[3].why.startswith("DRS had it when the plan was applied")


def test_a_server_that_failed_was_tested():
    """It proved something."""
    assert {"app-5", "app-8"}.isdisjoint(one.name for one in summary_of(samples.failing()).untested)


def test_while_it_is_under_way_nothing_deviates_yet():
    """A server whose turn has not come is said to be so."""
    summary = summary_of(samples.under_way())
    assert () == summary.deviations
    assert {"Its turn has not come yet."} == {one.why for one in summary.untested}


def test_what_deviated_is_listed_for_an_owner():
    """Missed criteria, failed servers, a decision to go on, and what was not tested."""
    word = Decision(by="mira", at=at(1500), reason="web is of use alone")
    changed = with_wave(samples.failing(), 1, overridden=word)
    found = [one.what for one in summary_of(samples.failing(), **changed).deviations]
    assert "RTO at most 45 min: not reached" == found[0]
    assert "did not come up: app-5, app-8" in found
    assert "the execution went on although it failed, by mira: web is of use alone" in found
    assert "not tested: 4 servers, listed in this report" in found


@pytest.mark.parametrize("story", [samples.completed, samples.large, samples.hostile])
def test_every_criterion_has_a_verdict_of_the_list(story):
    """No other word."""
    assert {one.verdict for one in summary_of(story()).criteria} <= set(Verdict)


def test_an_actual_of_some_servers_says_so():
    """An RPO of those that came up is no RPO of the plan: it does not stand alone beside "not reached"."""
    summary = summary_of(samples.failing())
    (found,) = [one for one in summary.criteria if one.rule.startswith("RPO of every server")]
    assert ("not reached", True) == (found.verdict, found.actual.endswith(", only of those that came up"))
    assert "; actual only of those that came up" in Page(render_html(summary)).text
    assert "only of those" not in Page(render_html(summary_of(samples.completed()))).text
