"""The two faces of a drill, over a small drive written for these tests.

A `Story` is a list of executions; each step turns to the next. It stops where a
person must decide, until `approve` is called, as the real drive does.
"""

import asyncio
import threading
from datetime import timedelta

import pytest

from drskit.clock import wait_until
from drskit.errors import InvalidInput, PlanBusy
from drskit.views import live
from drskit.views.panels import is_live, show
from tests.report import samples


class Story:
    """A drive that tells a story made by hand."""

    def __init__(self, *chapters, begun=False):
        self.chapters = chapters
        self.place = 0 if begun else -1
        self.approvals = []
        self.steps = 0
        self.failures = {}
        self.outages = []

    def preview(self):
        return "<p>SIMULATED</p>", "<p>4 servers would be launched</p>"

    def mode(self):
        return self.chapters[0].execution.mode

    def start(self):
        self._fail("start")
        self.place = 0

    def step(self):
        self.steps += 1
        self._fail("step")
        if self._waits():
            return False
        self.place = min(self.place + 1, len(self.chapters) - 1)
        return not self._waits()

    def snapshot(self):
        return None if self.place < 0 else self.chapters[self.place].execution

    def history(self, after):
        events = () if self.place < 0 else self.chapters[self.place].events
        return [event for event in events if event.sequence > after]

    def approve(self, wave, reason):
        self._fail("approve")
        self.approvals.append((wave, reason))

    def trouble(self):
        return self.outages.pop(0) if self.outages else None

    def now(self):
        return self.chapters[max(self.place, 0)].now

    def _waits(self):
        return self.chapters[self.place].execution.status == "PAUSED" and not self.approvals

    def _fail(self, place):
        failure = self.failures.pop(place, None)
        if failure:
            raise failure


class Screen:
    """What IPython would display: the last content of each output."""

    def __init__(self):
        self.outputs = []

    def display(self, shown, display_id=None):
        self.outputs.append(shown)
        place = len(self.outputs) - 1
        screen = self

        class Output:
            def update(self, other):
                screen.outputs[place] = other

        return Output()


@pytest.fixture
def screen(monkeypatch):
    """A notebook's output area."""
    found = Screen()
    monkeypatch.setattr("IPython.display.display", found.display)
    return found


@pytest.fixture
def live_panel(screen):
    """Makes a live panel and returns it with its handle."""

    def make(drive):
        panel = live.LiveFace(drive)
        return panel, panel.shown()

    return make


def waiting_story(**more):
    return Story(samples.waiting_for_approval(), samples.under_way(), samples.completed(), **more)


def board_of(panel):
    return "".join(view.value for view in panel.board_view.children)


def until(ready):
    assert wait_until(ready, timeout_seconds=10, every_seconds=0.005)


def kernel(allow_stdin):
    class Kernel:
        def get_parent(self, channel):
            return {"content": {"allow_stdin": allow_stdin}} if channel == "shell" else {}

    class Shell:
        pass

    shell = Shell()
    shell.kernel = Kernel()
    return shell


def test_a_front_end_that_takes_input_is_a_person():
    """JupyterLab allows it, papermill does not, a script has no kernel."""
    assert is_live("auto", kernel(allow_stdin=True))
    assert not is_live("auto", kernel(allow_stdin=False))
    assert not is_live("auto", None)
    assert not is_live("auto", object())


def test_the_face_can_be_chosen():
    """The variable wins; a wrong word is refused."""
    assert is_live("live", None)
    assert not is_live("static", kernel(allow_stdin=True))
    with pytest.raises(InvalidInput, match="DRSKIT_UI is 'yes'"):
        is_live("yes", None)


def test_the_static_face_ends_with_one_finished_board(screen):
    """One output, no widget, the log with one line for each event."""
    lines = []
    handle = show(Story(samples.under_way(), samples.completed()), live=False, log=lines.append)
    assert handle.done.is_set()
    assert None is handle.error
    assert 1 == len(screen.outputs)
    assert "COMPLETED" in screen.outputs[0].data
    assert len(samples.completed().events) == len(lines)
    assert lines[0].startswith("19:15:06Z  Execution  STARTED")


def test_the_static_face_stops_where_only_a_person_can_go_on(screen):
    """Nobody is there; the notebook goes on to its report."""
    handle = show(waiting_story(), live=False)
    assert handle.done.is_set()
    assert "PAUSED" == handle.execution.status
    assert "WAITING FOR" in screen.outputs[0].data


def test_the_static_face_keeps_the_error_and_shows_it(screen):
    """Nothing is raised before the last cell."""
    drive = waiting_story()
    drive.failures["step"] = PlanBusy("Plan shop has a live execution. <b>Watch it.</b>", "01J")
    lines = []
    handle = show(drive, live=False, log=lines.append)
    assert isinstance(handle.error, PlanBusy)
    assert "Plan shop has a live execution. &lt;b&gt;" in screen.outputs[0].data
    assert "STOPPED  Plan shop has a live execution" in lines[-1]


def test_the_live_face_returns_at_once_and_starts_nothing(live_panel):
    """It shows what would be launched."""
    drive = waiting_story()
    panel, handle = live_panel(drive)
    assert not handle.done.is_set()
    assert 0 == drive.steps
    assert "4 servers would be launched" in board_of(panel)
    assert (False, True) == (panel.start_button.disabled, panel.approve_button.disabled)


def test_a_person_starts_approves_and_awaits_the_end(live_panel):
    """Start, then Approve with a reason, and the drill ends."""
    drive = waiting_story()
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: not panel.approve_button.disabled)
    assert "Approve Application" == panel.approve_button.description
    assert panel.start_button.disabled
    panel.reason_text.value = "logins work"
    panel.approve_button.click()
    assert "COMPLETED" == asyncio.run(_awaited(handle)).execution.status
    assert [("Application", "logins work")] == drive.approvals
    assert "COMPLETED" in board_of(panel)
    assert panel.approve_button.disabled


def test_a_paused_drill_does_not_spin(live_panel, monkeypatch):
    """The thread sleeps until a button wakes it, or looks again after a while."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 3600)
    drive = waiting_story()
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: not panel.approve_button.disabled)
    steps = drive.steps
    panel.approve_button.click()
    until(handle.done.is_set)
    assert 4 >= drive.steps - steps
    assert [("Application", live.NO_REASON_GIVEN)] == drive.approvals


def test_an_approval_from_elsewhere_is_noticed(live_panel, monkeypatch):
    """Another terminal said yes; the panel looks again."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.01)
    drive = waiting_story()
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: not panel.approve_button.disabled)
    drive.approvals.append(("Application", "by the command line"))
    until(handle.done.is_set)
    assert "COMPLETED" == handle.execution.status


def test_an_execution_that_runs_already_is_taken_up(live_panel):
    """After a restart of the kernel there is nothing to start."""
    panel, handle = live_panel(Story(samples.under_way(), samples.completed(), begun=True))
    until(handle.done.is_set)
    assert "none" == panel.start_button.layout.display


def test_an_execution_that_is_over_is_only_shown(live_panel):
    """No thread, no step."""
    drive = Story(samples.completed(), begun=True)
    panel, handle = live_panel(drive)
    assert handle.done.is_set()
    assert 0 == drive.steps
    assert "COMPLETED" in board_of(panel)


def test_a_start_that_is_refused_can_be_pressed_again(live_panel):
    """The reason stands under the buttons; nothing has ended."""
    drive = Story(samples.under_way(), samples.completed())
    drive.failures["start"] = PlanBusy("Plan shop has a live execution.", "01J")
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: not panel.start_button.disabled)
    assert "Plan shop has a live execution." in panel.status_line.value
    assert not handle.done.is_set()
    panel.start_button.click()
    until(handle.done.is_set)
    assert None is handle.error


def test_an_error_while_driving_is_shown_and_kept(live_panel):
    """The awaiting cell goes on, and the button, too."""
    drive = Story(samples.under_way(), samples.completed())
    drive.failures["step"] = ValueError("<script>alert(1)</script>")
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(handle.done.is_set)
    assert isinstance(handle.error, ValueError)
    assert "ValueError: &lt;script&gt;" in panel.status_line.value
    until(lambda: not panel.start_button.disabled)
    assert "Go on" == panel.start_button.description
    panel.start_button.click()
    until(lambda: handle.done.is_set() and handle.error is None)
    assert "COMPLETED" == handle.execution.status


def test_an_approval_that_fails_is_shown_and_can_be_repeated(live_panel):
    """A callback's exception would be invisible."""
    drive = waiting_story()
    drive.failures["approve"] = PlanBusy("Somebody was faster.", "01J")
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: not panel.approve_button.disabled)
    panel.approve_button.click()
    assert "Somebody was faster." in panel.status_line.value
    assert not panel.approve_button.disabled
    panel.approve_button.click()
    until(handle.done.is_set)
    assert None is handle.error


def test_several_waves_that_wait_are_offered_by_name(live_panel):
    """One is chosen; the other still waits."""
    sample = samples.waiting_for_approval()
    waves = sample.execution.waves
    both = (waves[0], waves[1], waves[2].model_copy(update={"status": waves[1].status, "waiting_since": samples.at(1)}))
    paused = samples.Sample(sample.execution.model_copy(update={"waves": both}), (), (), sample.now)
    drive = Story(paused, samples.completed())
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: not panel.approve_button.disabled)
    assert ("Application", "Web") == tuple(panel.wave_choice.options)
    panel.wave_choice.value = "Web"
    panel.approve_button.click()
    until(handle.done.is_set)
    assert "Web" == drive.approvals[0][0]


def test_two_presses_of_start_start_once(live_panel):
    """Callbacks may run in two threads."""
    drive = waiting_story()
    panel, handle = live_panel(drive)
    for _ in range(3):
        panel.start_button.click()
    assert 1 >= sum(thread.name == "drskit-drive" for thread in threading.enumerate())
    drive.approvals.append(("Application", "x"))
    panel._wake.set()
    until(handle.done.is_set)


def test_parts_can_be_found_by_a_browser(live_panel):
    """By class names that stay."""
    panel, _ = live_panel(waiting_story())
    assert "drs-start" in panel.start_button._dom_classes
    assert "drs-approve" in panel.approve_button._dom_classes
    assert "drs-board" in panel.board_view._dom_classes
    assert "drs-status" in panel.status_line._dom_classes


def test_a_handle_says_how_it_stands(live_panel):
    """One line, for logs."""
    _, handle = live_panel(Story(samples.completed(), begun=True))
    assert "<SIMULATED 01JDD5Q3X8M4T7V2W9Y0ZABCDE COMPLETED>" == repr(handle)


def test_a_panel_that_is_shown_later_takes_the_drill_over(live_panel, monkeypatch):
    """The cell was run again: one thread drives, and the older panel says so."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.01)
    drive = waiting_story()
    older, older_handle = live_panel(drive)
    older.start_button.click()
    until(lambda: not older.approve_button.disabled)
    newer, handle = live_panel(drive)
    until(older_handle.done.is_set)
    assert "Another panel drives this now" in older.status_line.value
    assert older.approve_button.disabled
    until(lambda: not newer.approve_button.disabled)
    newer.approve_button.click()
    until(handle.done.is_set)
    assert "COMPLETED" in board_of(newer)


def test_the_start_says_what_it_starts(live_panel):
    """In words and colour; a REAL one is no button to press by habit."""
    panel, _ = live_panel(waiting_story())
    assert ("Start the SIMULATED drill", "primary") == (panel.start_button.description, panel.start_button.button_style)
    panel, _ = live_panel(Story(samples.failing()))
    assert ("Start the REAL drill", "danger") == (panel.start_button.description, panel.start_button.button_style)


def test_approval_is_asked_for_only_while_something_waits(live_panel):
    """Hiding the start hides nothing else."""
    panel, _ = live_panel(waiting_story())
    assert ("none", "") == (panel.approval.layout.display, panel.start_button.layout.display)
    panel.start_button.click()
    until(lambda: not panel.approve_button.disabled)
    assert "none" == panel.start_button.layout.display
    assert {"none"}.isdisjoint({panel.approval.layout.display, panel.approve_button.layout.display})
    assert "Approve it when this is so: The database accepts logins." in panel.question.value


def test_only_the_parts_that_changed_are_drawn_anew(live_panel):
    """What somebody opened or selected elsewhere on the board stays."""
    first = samples.waiting_for_approval()
    later = samples.Sample(first.execution, (), (), first.now + timedelta(seconds=30))
    drive = Story(first, later, begun=True)
    drive.step = lambda: False
    panel, _ = live_panel(drive)
    until(lambda: not panel.approve_button.disabled)
    drawn = []
    for view in panel.board_view.children:
        view.observe(lambda change: drawn.append(change["new"]), "value")
    drive.place = 1
    panel._draw()
    assert 1 == len(drawn)
    assert "running for" in drawn[0]
    panel.leave()


def test_what_keeps_the_tables_away_is_told_until_they_answer(live_panel, monkeypatch):
    """A board that stands still says why."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.01)
    drive = waiting_story()
    drive.outages = ["DynamoDB does not answer."] * 1000
    panel, handle = live_panel(drive)
    panel.start_button.click()
    until(lambda: "Trying again: DynamoDB does not answer." in panel.status_line.value)
    drive.outages.clear()
    until(lambda: "Trying again" not in panel.status_line.value)
    panel.approve_button.click()
    until(handle.done.is_set)


def test_the_static_face_logs_an_outage_once(screen):
    """Not a line for each try."""
    drive = Story(samples.under_way(), samples.under_way(), samples.under_way(), samples.completed())
    drive.outages = ["DynamoDB does not answer."] * 2
    lines = []
    show(drive, live=False, log=lines.append)
    assert ["TRYING AGAIN  DynamoDB does not answer."] == [line for line in lines if "TRYING" in line]


async def _awaited(handle):
    return await handle
