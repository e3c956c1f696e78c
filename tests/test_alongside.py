"""What a wave does besides launching, and how long that takes."""

from datetime import timedelta

from drskit.actions import Action, ActionKind, ActionMode, Invoke, Task, TaskPhase, TaskStatus, Wait
from drskit.alongside import alongside
from drskit.checks import Check, Checking, CheckKind, Checks
from drskit.estimates import estimate
from drskit.model import WaveStatus
from drskit.views.board import render_board
from tests.report import samples
from tests.report.pages import Page

PAUSE = Action(does=Wait(kind=ActionKind.WAIT, span=timedelta(minutes=2)), modes=(ActionMode.DRILL,))
WARM = Action(does=Invoke(kind=ActionKind.LAMBDA, function="warm"), modes=(ActionMode.DRILL,))
SHIFT = Action(does=Invoke(kind=ActionKind.LAMBDA, function="shift"), modes=(ActionMode.RECOVERY,))


def planned(tasks=(), **changes):
    """An execution whose second wave, not begun, has these actions."""
    sample = samples.waiting_for_approval()
    plan = sample.execution.plan
    waves = tuple(
        wave.model_copy(update=changes) if wave.name == "Application" else wave.model_copy(update={"after": (WARM,)})
        for wave in plan.waves
    )
    update = {"plan": plan.model_copy(update={"waves": waves}), "tasks": tasks}
    return sample.execution.model_copy(update=update), sample.now


def run_of(action, wave, lasted, **changes):
    """One run of an action that is over, or still lasts."""
    begun = samples.START
    task = Task(
        task_id="01T", wave_name=wave, phase=TaskPhase.AFTER, index=0, number=1, kind=action.does.kind,
        title=action.title, status=TaskStatus.DONE, intended_at=begun, start_time=begun, end_time=begun + lasted,
    )  # fmt: skip
    return task.model_copy(update=changes)


def of(execution, now):
    return alongside(execution, execution.wave("Application"), now)


def test_a_wait_lasts_as_long_as_it_says_and_adds_to_the_estimate():
    """The launches take what they took before."""
    execution, now = planned(before=(PAUSE,))
    bare, _ = planned()
    wave = execution.wave("Application")
    longer = estimate(execution, wave, now).lasts - estimate(bare, wave, now).lasts
    assert timedelta(minutes=2) == longer == of(execution, now).counted
    assert "by 4 launches of this drill, with its actions" == estimate(execution, wave, now).basis


def test_an_action_that_ran_before_is_counted_as_its_slowest_run():
    """In this execution; one that failed teaches nothing."""
    runs = (
        run_of(WARM, "Database", timedelta(seconds=40)),
        run_of(WARM, "Database", timedelta(seconds=90), status=TaskStatus.FAILED),
    )
    execution, now = planned(runs, after=(WARM,))
    assert (timedelta(seconds=40), ("its actions",), ()) == (
        of(execution, now).counted, of(execution, now).known, of(execution, now).unknown
    )  # fmt: skip


def test_what_never_ran_is_named_and_not_guessed():
    """The board says what its estimate leaves out; what this kind of execution does not run is no matter."""
    execution, now = planned(after=(WARM, SHIFT))
    assert (timedelta(), "without its actions, of which nothing is known yet") == (
        of(execution, now).counted, of(execution, now).basis
    )  # fmt: skip
    assert "without its actions, of which nothing is known yet" in Page(render_board(execution, now)).text
    assert "" == of(planned(after=(SHIFT,))[0], now).basis


def test_an_action_that_is_over_takes_nothing_and_one_that_lasts_what_is_left():
    """Once the wave launches, its actions before are behind it."""
    lasts = run_of(PAUSE, "Application", timedelta(), end_time=None, status=TaskStatus.RUNNING)
    execution, _ = planned((lasts,), after=(PAUSE,))
    assert timedelta(seconds=90) == of(execution, samples.START + timedelta(seconds=30)).counted
    over, now = planned((run_of(PAUSE, "Application", timedelta(minutes=2)),), after=(PAUSE,))
    assert timedelta() == of(over, now).counted
    begun, now = planned(before=(PAUSE,))
    wave = begun.wave("Application").model_copy(update={"status": WaveStatus.IN_PROGRESS})
    assert timedelta() == alongside(begun, wave, now).counted


def test_checks_last_as_long_as_those_of_an_earlier_wave():
    """From its first look to the last server that passed; without one they are named, not guessed."""
    checks = Checks(all=(Check(kind=CheckKind.EC2_STATUS),))
    execution, now = planned(checks=checks)
    assert (timedelta(), ("its checks",)) == (of(execution, now).counted, of(execution, now).unknown)
    first = execution.wave("Database")
    since = first.end_time - timedelta(minutes=3)
    servers = tuple(server.model_copy(update={"verified_time": first.end_time}) for server in first.servers)
    seen = first.model_copy(update={"checking": Checking(since=since, round_at=since), "servers": servers})
    execution = execution.model_copy(update={"waves": (seen, *execution.waves[1:])})
    assert (timedelta(minutes=3), "with its checks") == (of(execution, now).counted, of(execution, now).basis)
