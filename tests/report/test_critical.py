"""What determined the end of an execution."""

from datetime import timedelta
from typing import Any

import pytest

from drskit.actions import ActionKind, Task, TaskPhase, TaskStatus
from drskit.checks import Checking, CheckRun
from drskit.model import (
    Command,
    CommandKind,
    Decision,
    Event,
    Execution,
    ExecutionStatus,
    Lull,
    Phase,
    ServerRun,
    WaveRun,
    WaveStatus,
)
from drskit.report import measures
from drskit.report.critical import Whose, critical_path, shares
from tests.report import samples
from tests.report.samples import at, launched, make_execution, server_id

STORIES = [
    samples.completed,
    samples.failing,
    samples.under_way,
    samples.waiting_for_approval,
    samples.large,
    samples.hostile,
]
PHASES = {phase.value.lower() for phase in Phase}


def told(execution: Execution, now=None) -> list[tuple[str, str | None, str, float]]:
    """Whose, wave, words and seconds of each step."""
    return [
        (step.whose.value, step.wave_name, step.words, step.lasted.total_seconds())
        for step in critical_path(execution, now or at(4000))
    ]


@pytest.mark.parametrize("story", STORIES)
def test_the_steps_are_the_whole_time_once(story):
    """Each begins where the one before ended, from the start to the end that is measured."""
    sample = story()
    steps = critical_path(sample.execution, sample.now)
    assert sample.execution.start_time == steps[0].start_time
    assert measures.measured_end(sample.execution, sample.now) == steps[-1].end_time
    assert [step.end_time for step in steps[:-1]] == [step.start_time for step in steps[1:]]
    assert all(step.lasted > timedelta() for step in steps)
    assert steps[-1].end_time - steps[0].start_time == sum(shares(steps).values(), timedelta())


def test_it_leads_through_the_last_server_of_each_wave_its_phases_and_the_approval():
    """From the start to the server that was up last."""
    path = told(samples.completed().execution)
    assert ("drskit", "Database", "until its launch was asked for", 2.0) == path[0]
    assert ("people", "Application", "waited for its approval", 163.0) in path
    assert [1.0, 207.5, 289.0] == [seconds for _, wave, words, seconds in path if wave == "Web" and words in PHASES]
    last = critical_path(samples.completed().execution, at(4000))[-1]
    assert ("web-12", Phase.LAUNCH) == (last.server_name, last.phase)


def test_a_wait_for_room_in_drs_is_its_time_and_not_drskits():
    """Of the wave that was QUEUED alone, as its history tells."""
    waits = {"From": "PREPARING", "To": "QUEUED", "Reason": "waits for a job slot"}
    facts = [waits, {"From": "QUEUED", "To": "INITIATED"}]
    for wave, whose in (("Database", "DRS"), ("Web", "drskit")):
        events = [
            Event(sequence=number, time=at(number), kind="WAVE_CHANGED", actor="mira", facts={"Wave": wave} | fact)
            for number, fact in enumerate(facts)
        ]
        first, second = critical_path(samples.completed().execution, at(4000), events)[:2]
        assert (whose, at(0)) == (first.whose, first.start_time)
        assert ("until its launch was asked for" == second.words) == (whose == "DRS")


def two_roads(slow: int, fast: int) -> Execution:
    """Web needs Left and Right, which need nothing; each wave has one server."""
    left = WaveRun(
        wave_name="Left", status=WaveStatus.COMPLETED, start_time=at(0), end_time=at(slow + 540),
        servers=(launched(7, "left-7", slow),),
    )  # fmt: skip
    right = WaveRun(
        wave_name="Right", status=WaveStatus.COMPLETED, start_time=at(0), end_time=at(fast + 540),
        servers=(launched(14, "right-14", fast),),
    )  # fmt: skip
    after = max(slow, fast) + 541
    web = WaveRun(
        wave_name="Web", status=WaveStatus.COMPLETED, start_time=at(after), end_time=at(after + 560),
        servers=(launched(21, "web-21", after + 1),),
    )  # fmt: skip
    execution = make_execution((left, right, web), end_time=at(after + 561))
    needs = {"Left": (), "Right": (), "Web": ("Left", "Right")}
    waves = tuple(wave.model_copy(update={"needs": needs[wave.name]}) for wave in execution.plan.waves)
    return execution.model_copy(update={"plan": execution.plan.model_copy(update={"waves": waves})})


@pytest.mark.parametrize(("slow", "fast", "through"), [(300, 2, "Left"), (2, 300, "Right")])
def test_of_two_waves_that_were_needed_the_later_one_counts(slow, fast, through):
    """Through the graph of waves, not through their order in the plan."""
    waves = {wave for _, wave, _, _ in told(two_roads(slow, fast))}
    assert {through, "Web"} == waves


def test_an_optional_server_that_was_late_does_not_determine_the_end():
    """The end is that of the last critical server, though the wave lasts longer."""
    base = samples.completed().execution
    web = base.waves[2]
    late = launched(99, "web-99", 1400, critical=False)
    execution = base.model_copy(
        update={"waves": (*base.waves[:2], web.model_copy(update={"servers": (*web.servers, late)}))}
    )
    assert "web-99" not in {step.server_name for step in critical_path(execution, at(4000))}


def test_a_wave_that_waited_for_a_late_optional_server_made_the_next_one_wait():
    """Between waves every server counts."""
    base = samples.completed().execution
    database = base.waves[0]
    late = launched(99, "db-99", 17, critical=False)
    longer = database.model_copy(update={"servers": (*database.servers, late), "end_time": at(552)})
    execution = base.model_copy(update={"waves": (longer, *base.waves[1:])})
    assert "db-99" in {step.server_name for step in critical_path(execution, at(4000))}


def test_the_decision_to_go_on_after_a_failed_wave_is_peoples_time():
    """From the wave's end to the word."""
    base = samples.failing().execution
    word = Decision(by="mira", at=at(1500), reason="web without app is of use")
    web = samples.completed().execution.waves[2]
    later = web.model_copy(
        update={
            "start_time": at(1501),
            "end_time": at(2100),
            "servers": (launched(9, "web-9", 1502),),
        }
    )
    application = base.waves[1].model_copy(update={"overridden": word})
    execution = base.model_copy(
        update={"waves": (base.waves[0], application, later), "status": ExecutionStatus.FAILED, "end_time": at(2101)}
    )
    assert ("people", "Application", "waited for the decision to go on after it failed", 210.0) in told(execution)


def retried(requested: float, *lulls: tuple[float, float]) -> Execution:
    """Web is tried again after 1900 s, for the last time where it had lain still more than once."""
    base = samples.completed().execution
    web = base.waves[2].model_copy(
        update={
            "retried": Decision(by="mira", at=at(1900), reason="quota raised"),
            "lulls": tuple(Lull(since=at(since), until=at(until)) for since, until in lulls),
            "end_time": at(requested + 590),
            "servers": tuple(launched(n, f"web-{n}", requested) for n in range(9, 13)),
        }
    )
    return base.model_copy(update={"waves": (*base.waves[:2], web), "end_time": at(requested + 591)})


def changes(*told: tuple[float, str, str]) -> list[Event]:
    """What became of Web, and when."""
    return [
        Event(
            sequence=number, time=at(when), kind="WAVE_CHANGED", actor="mira",
            facts={"Wave": "Web", "From": before, "To": after},
        )
        for number, (when, before, after) in enumerate(told, 1)
    ]  # fmt: skip


def test_what_came_before_a_retry_is_told_apart():
    """What was tried was DRS's time, what came after it until somebody said the word was theirs; twice."""
    execution = retried(1910, (1400, 1450), (1700, 1900))
    tries = [
        (step.whose.value, step.lasted.total_seconds())
        for step in critical_path(execution, at(4000))
        if step.words in {"an earlier try", "waited for the decision to try again"}
    ]
    assert [("DRS", 109.0), ("people", 50.0), ("DRS", 250.0), ("people", 200.0)] == tries


def again(*servers: ServerRun, since: float, **changes: Any) -> Execution:
    """One wave whose first try ended badly so many seconds after the start, and was tried again an hour later."""
    until = since + 3600
    wave = WaveRun(
        wave_name="Database", status=WaveStatus.COMPLETED, start_time=at(0), end_time=at(until + 700), servers=servers,
        retried=Decision(by="mira", at=at(until), reason="mended"), lulls=(Lull(since=at(since), until=at(until)),),
    ).model_copy(update=changes)  # fmt: skip
    return make_execution((wave,), end_time=wave.end_time)


def after_checks_that_failed() -> Execution:
    """Its server is not launched again, only asked again."""
    checking = Checking(since=at(4300), round_at=at(4300))
    server = launched(1, "db-1", 2, checks=(CheckRun(),), verified_time=at(4400))
    return again(server, since=700, checking=checking)


def after_a_later_step_that_failed() -> Execution:
    """Its first step is not launched again."""
    execution = again(launched(1, "db-1", 2), launched(2, "db-2", 4710), since=1100)
    ordered = execution.plan.waves[0].model_copy(update={"order": ((server_id(1),),)})
    return execution.model_copy(update={"plan": execution.plan.model_copy(update={"waves": (ordered,)})})


def after_an_action_that_failed() -> Execution:
    """It is run again before the launch."""
    tasks = tuple(
        Task(
            task_id=f"01T{number}", wave_name="Database", phase=TaskPhase.BEFORE, index=0, number=number,
            kind=ActionKind.HTTP, title="freeze", status=TaskStatus.DONE, intended_at=at(start),
            start_time=at(start), end_time=at(start + 50),
        )
        for number, start in ((1, 10), (2, 3670))
    )  # fmt: skip
    return again(launched(1, "db-1", 3730), since=65).model_copy(update={"tasks": tasks})


@pytest.mark.parametrize(
    ("execution", "whose", "took"),
    [
        (after_checks_that_failed(), Whose.SERVERS, 100 + 700 - 536.5),
        (after_a_later_step_that_failed(), Whose.DRS, 534.5 + 539 + 1100 - 539.5),
        (after_an_action_that_failed(), Whose.ACTIONS, 50 + 50),
    ],
)
def test_the_wait_for_a_retry_is_peoples_time_whatever_was_kept_of_the_try_before(execution, whose, took):
    """As where the RTO without people leaves it out; what was kept goes on the path as what it was."""
    steps = critical_path(execution, at(9000))
    assert timedelta(hours=1) == measures.waited_for_people(execution, at(9000), at(9000))
    assert timedelta(hours=1) == shares(steps)[Whose.PEOPLE]
    assert timedelta(seconds=took) == shares(steps)[whose]
    assert shares(steps)[Whose.DRSKIT] < timedelta(seconds=40)
    assert [step.end_time for step in steps[:-1]] == [step.start_time for step in steps[1:]]


def test_a_pause_while_an_earlier_try_ran_takes_nothing_of_it():
    """Machines worked then; nor does it last beyond the end of the execution, which the retry reopened."""
    kinds = ((CommandKind.PAUSE, 100), (CommandKind.RETRY, 4300))
    commands = tuple(
        Command(command_id=kind, kind=kind, by="mira", at=at(when), reason="a look", acknowledged=at(when), answer="so")
        for kind, when in kinds
    )
    execution = again(launched(1, "db-1", 4310), since=700).model_copy(update={"commands": commands})
    told_of = told(execution, at(9000))[:3]
    assert [("DRS", 700.0), ("people", 3600.0), ("drskit", 10.0)] == [(whose, took) for whose, _, _, took in told_of]
    assert timedelta(hours=1) == measures.waited_for_people(execution, at(9000), at(9000))


def test_where_no_lull_was_recorded_all_before_a_retry_is_peoples_time():
    """An older drskit recorded none; it belongs to neither DRS's phases nor drskit."""
    assert ("people", "Web", "an earlier try, and the decision to try again", 609.0) in told(retried(1910))


def test_a_wait_for_room_before_a_second_try_is_drs_time():
    """As before the first; what came before the word to try again stays people's."""
    events = changes((1902, "PREPARING", "QUEUED"), (2002, "QUEUED", "PREPARING"))
    path = [(step.whose, step.lasted.total_seconds()) for step in critical_path(retried(2010), at(4000), events)]
    place = path.index((Whose.DRS, 100.0))
    assert [(Whose.DRSKIT, 2.0), (Whose.DRS, 100.0), (Whose.DRSKIT, 8.0)] == path[place - 1 : place + 2]
    assert (Whose.PEOPLE, 609.0) == path[place - 2]


def test_a_drill_under_way_leads_to_now():
    """The last step is what lasts."""
    sample = samples.under_way()
    last = critical_path(sample.execution, sample.now)[-1]
    assert (Whose.DRS, Phase.CONVERSION, sample.now) == (last.whose, last.phase, last.end_time)


def test_a_drill_that_waits_for_a_person_ends_in_that_wait():
    """Nothing else is to blame."""
    sample = samples.waiting_for_approval()
    assert ("people", "Application", "waited for its approval", 600.0) == told(sample.execution, sample.now)[-1]


def test_a_cleanup_has_no_critical_path():
    """There is no RTO of it."""
    assert () == critical_path(samples.cleaned().execution, samples.cleaned().now)


def test_what_people_drs_and_drskit_took_is_the_whole():
    """In this order, all three."""
    found = shares(critical_path(samples.completed().execution, at(4000)))
    assert ([Whose.PEOPLE, Whose.DRS, Whose.DRSKIT], timedelta(seconds=163)) == ([*found], found[Whose.PEOPLE])


def test_a_persons_pause_between_two_waves_is_the_persons_time():
    """From the wave's end to the resume; the rest of the gap is drskit's."""
    path = told(samples.paused(100, 940))
    place = path.index(("people", "Web", "paused by a person", 400.0))
    assert ("drskit", "Web", "from the wave before it to its turn", 3.0) == path[place + 1]
    assert "Database" == path[place - 1][1]


def test_a_pause_that_began_in_the_gap_leaves_the_time_before_it_to_drskit():
    """Nothing is counted twice."""
    path = told(samples.paused(599, 940))
    place = path.index(("people", "Web", "paused by a person", 340.0))
    assert ("drskit", "Web", "from the wave before it to its turn", 60.0) == path[place - 1]
