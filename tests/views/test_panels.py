"""The two faces of a drill, over a small drive written for these tests.

A `Story` is a list of executions; each step turns to the next. It stops where a
person must decide, until `command` is called, as the real drive does.
"""

import asyncio
import threading
from dataclasses import replace

import pytest

from drskit.cleanup import CleanupPreview
from drskit.clock import wait_until
from drskit.errors import InvalidInput, PlanBusy, Refused
from drskit.model import Approval, CommandKind, ExecutionType
from drskit.offers import offers
from drskit.seen import Sight
from drskit.targets import Selection, Target
from drskit.views import live
from drskit.views.cleanups import preview_text
from drskit.views.forms import command_form
from drskit.views.panels import is_live, show
from drskit.views.widget import WIDGET_VIEW
from tests.report import samples


class Story:
    """A drive that tells a story made by hand."""

    def __init__(self, *chapters, begun=False):
        self.chapters = chapters
        self.place = 0 if begun else -1
        self.told = []
        self.chosen = []
        self.steps = 0
        self.failures = {}
        self.outages = []
        self.cleanups = []

    def preview(self):
        self._fail("preview")
        return "<p>SIMULATED</p>", "<p>4 servers would be launched</p>"

    def summary(self):
        return "It launches 4 <servers>."

    def person(self):
        return "arn:aws:iam::123456789012:user/mira"

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
        return not self._waits() and self.snapshot().end_time is None

    def snapshot(self):
        return None if self.place < 0 else self.chapters[self.place].execution

    def history(self, after):
        events = () if self.place < 0 else self.chapters[self.place].events
        return [event for event in events if event.sequence > after]

    def command(self, kind, reason, *, wave, server, typed=""):
        self._fail("command")
        self.told.append((kind.value, wave, server, reason))

    def wake(self):
        pass

    def cleanup_preview(self):
        self._fail("look")
        drill = self.chapters[self.place].execution
        targets = tuple(
            Target(server, server.recovery_instance_id, Sight(None, "running")) for server in drill.waves[0].servers
        )
        return CleanupPreview(drill, Selection(targets=targets))

    def cleanup_text(self, preview):
        return preview_text(preview, self.now())

    def start_cleanup(self, preview, reason, typed):
        self.cleanups.append((len(preview.selection.targets), reason))
        self.typed = typed

    def recovery_text(self):
        return "REAL RECOVERY of 4 servers"

    def recover(self, token):
        self.typed = token
        self._fail("recover")
        self.start()

    def news(self):
        return "4 of 4 instances terminated." if self.cleanups else ""

    def chooser(self):
        options = [{"value": "runbook:a.yaml", "label": "a.yaml"}, {"value": "runbook:b.yaml", "label": "b.yaml"}]
        return {"label": "Plan", "value": "runbook:a.yaml", "groups": [{"name": "Runbooks", "options": options}]}

    def choose(self, value):
        self._fail("choose")
        self.chosen.append(value)
        self.place = -1

    def trouble(self):
        return self.outages.pop(0) if self.outages else None

    def now(self):
        return self.chapters[max(self.place, 0)].now

    def _waits(self):
        return self.chapters[self.place].execution.status == "PAUSED" and not self.told

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


class Hand:
    """A person at a live panel: sees what the browser would show, and presses."""

    def __init__(self, drive):
        self.face = live.LiveFace(drive)
        self.handle = self.face.shown()
        self.widget = self.face.widget

    def send(self, **message):
        self.widget._handle_custom_msg(message, [])

    def press(self, key):
        self.send(do="press", key=key)

    def confirm(self, reason="", about=None, typed=""):
        form = self.widget.form
        chosen = form["about"][0]["value"] if about is None and form["about"] else about or ""
        self.send(do="confirm", key=form["key"], about=chosen, reason=reason, typed=typed)

    @property
    def buttons(self):
        return {button["key"]: button for button in self.widget.buttons}

    @property
    def asked(self):
        return self.widget.form.get("key")

    @property
    def board(self):
        return "".join(self.widget.parts)

    @property
    def status(self):
        return self.widget.status


@pytest.fixture
def live_panel(screen):
    """Makes a live panel, and a person in front of it."""
    return Hand


def waiting_story(**more):
    return Story(samples.waiting_for_approval(), samples.under_way(), samples.completed(), **more)


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
    """It shows what would be launched, and what else could be opened."""
    drive = waiting_story()
    hand = live_panel(drive)
    assert not hand.handle.done.is_set()
    assert 0 == drive.steps
    assert "4 servers would be launched" in hand.board
    assert (["start", "recover"], None) == (list(hand.buttons), hand.asked)
    assert "runbook:a.yaml" == hand.widget.selects[0]["value"]


def test_a_recovery_takes_a_typed_token(live_panel):
    """Shown first; nothing happens without a token, and what was typed is in no trait that a page could keep."""
    drive = waiting_story()
    drive.failures["recover"] = Refused("There is no authorisation with this token.")
    hand = live_panel(drive)
    hand.press("recover")
    form = hand.widget.form
    assert ("recover", True, True) == (form["key"], form["secret"], form["silent"])
    assert "REAL RECOVERY of 4 servers" in form["html"]
    hand.confirm()
    assert "Nothing was typed." in hand.widget.status
    assert drive.snapshot() is None
    hand.confirm(typed="A1.guessed")
    until(lambda: "There is no authorisation with this token." in hand.widget.status)
    assert (drive.snapshot(), 0) == (None, drive.steps)
    hand.press("recover")
    hand.confirm(typed="A1.secret")
    until(lambda: drive.snapshot() is not None)
    assert "A1.secret" == drive.typed
    assert "A1.secret" not in str(hand.widget.get_state())


def test_a_recoverys_cleanup_asks_for_the_words(live_panel):
    """The panel passes on what was typed; whether it is right is decided below."""
    drive = Story(samples.completed(), begun=True)
    hand = live_panel(drive)
    recovered = drive.snapshot().model_copy(update={"execution_type": ExecutionType.RECOVERY})
    preview = replace(drive.cleanup_preview(), drill=recovered)
    drive.cleanup_preview = lambda: preview
    hand.press("cleanup")
    until(lambda: hand.asked == "cleanup")
    assert f"Type exactly: {preview.to_type}" == hand.widget.form["type"]
    hand.confirm("failed back")
    assert "Nothing was typed." in hand.widget.status
    hand.confirm("failed back", typed="terminate 4 recovered servers of shop")
    until(lambda: drive.cleanups)
    assert "terminate 4 recovered servers of shop" == drive.typed


def test_a_person_starts_approves_and_awaits_the_end(live_panel):
    """Start, then the question that waits, and the drill ends."""
    drive = waiting_story()
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: hand.asked == "approve")
    assert "Approve wave Application?" == hand.widget.form["title"]
    assert "Approve it when this is so: <b>The database accepts logins.</b>" in hand.widget.form["html"]
    assert ("start" in hand.buttons, hand.widget.selects) == (False, [])
    hand.confirm("logins work")
    assert "COMPLETED" == asyncio.run(_awaited(hand.handle)).execution.status
    assert [("approve", "Application", None, "logins work")] == drive.told
    assert "COMPLETED" in hand.board
    assert None is hand.asked


def test_a_paused_drill_does_not_spin(live_panel, monkeypatch):
    """The thread sleeps until somebody says something, or looks again after a while."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 3600)
    drive = waiting_story()
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: hand.asked == "approve")
    steps = drive.steps
    hand.confirm()
    until(hand.handle.done.is_set)
    assert 4 >= drive.steps - steps
    assert [("approve", "Application", None, "approved in the notebook")] == drive.told


def test_an_approval_from_elsewhere_is_noticed(live_panel, monkeypatch):
    """Another terminal said yes; the panel looks again."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.01)
    drive = waiting_story()
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: hand.asked == "approve")
    drive.told.append("by the command line")
    until(hand.handle.done.is_set)
    assert ("COMPLETED", None) == (hand.handle.execution.status, hand.asked)


def test_an_execution_that_runs_already_is_taken_up(live_panel):
    """After a restart of the kernel there is nothing to start."""
    hand = live_panel(Story(samples.under_way(), samples.completed(), begun=True))
    until(hand.handle.done.is_set)
    assert "start" not in hand.buttons


def test_an_execution_that_is_over_is_only_shown(live_panel):
    """No thread, no step; what makes sense of it can be pressed."""
    drive = Story(samples.completed(), begun=True)
    hand = live_panel(drive)
    assert hand.handle.done.is_set()
    assert 0 == drive.steps
    assert "COMPLETED" in hand.board
    assert ["cleanup"] == list(hand.buttons)


def test_only_what_makes_sense_can_be_pressed(live_panel):
    """By the code that would obey; what goes on stands before what stops."""
    hand = live_panel(Story(samples.failing(), begun=True))
    assert ["retry", "cleanup"] == list(hand.buttons)
    waits = waiting_story(begun=True)
    waits.step = lambda: False
    hand = live_panel(waits)
    until(lambda: hand.asked == "approve")
    assert ["skip", "edit", "pause", "decline", "cancel"] == list(hand.buttons)
    assert "Cancel the drill …" == hand.buttons["cancel"]["label"]
    hand.face.leave()


def test_a_command_is_asked_about_before_it_is_given(live_panel):
    """What it is about, what would happen in the engine's own words, and why; nothing before the second press."""
    drive = waiting_story(begun=True)
    drive.step = lambda: False
    hand = live_panel(drive)
    until(lambda: hand.asked == "approve")
    hand.press("skip")
    assert ("skip", []) == (hand.asked, drive.told)
    offered = {one["value"]: one for one in hand.widget.form["about"]}
    assert {"wave Application", "wave Web", samples.server_id(5)} <= set(offered)
    assert "wave Web is left out" == offered["wave Web"]["answer"]
    assert f"app-5 {samples.server_id(5)}" == offered[samples.server_id(5)]["label"]
    hand.confirm("not needed tonight", about="wave Web")
    assert [("skip", "Web", None, "not needed tonight")] == drive.told
    assert "Recorded: skip wave Web. The next poll obeys it: wave Web is left out." in hand.status
    hand.face.leave()


def test_a_question_says_of_whom_it_is_asked():
    """Whoever may not approve reads it before the engine refuses them."""
    sample = samples.waiting_for_approval()
    plan = sample.execution.plan
    asked = Approval(text="The database accepts logins.", by=("user/lea",))
    waves = tuple(wave.model_copy(update={"approval": asked if wave.approval else None}) for wave in plan.waves)
    execution = sample.execution.model_copy(update={"plan": plan.model_copy(update={"waves": waves})})
    (offer,) = [offer for offer in offers(execution, sample.now) if offer.kind is CommandKind.APPROVE]
    assert "accepts logins. (to be approved by user/lea)" in command_form(execution, offer).html


def test_a_question_can_be_left(live_panel):
    """And the one that waits stands there again."""
    drive = waiting_story(begun=True)
    drive.step = lambda: False
    hand = live_panel(drive)
    until(lambda: hand.asked == "approve")
    hand.press("cancel")
    assert "cancel" == hand.asked
    hand.send(do="close", key="cancel")
    assert ("approve", []) == (hand.asked, drive.told)
    hand.face.leave()


def test_what_matters_is_not_done_without_a_reason(live_panel):
    """The page asks for one, and the kernel does not trust the page."""
    drive = waiting_story(begun=True)
    drive.step = lambda: False
    hand = live_panel(drive)
    until(lambda: hand.asked == "approve")
    hand.press("cancel")
    assert hand.widget.form["needed"]
    hand.confirm("  ")
    assert "Say why: the reason is kept in the history." in hand.status
    assert ("cancel", [], 1) == (hand.asked, drive.told, hand.widget.form["tries"])
    hand.face.leave()


def test_an_answer_to_a_question_that_is_gone_does_nothing(live_panel):
    """The board went on while somebody thought; a command that makes no sense is named as such."""
    drive = Story(samples.under_way(), begun=True)
    drive.step = lambda: False
    hand = live_panel(drive)
    hand.send(do="confirm", key="approve", about="wave Application", reason="late")
    assert "That question is not open any more" in hand.status
    hand.press("approve")
    assert "There is nothing to approve now: wave Database is COMPLETED, not waiting for approval." in hand.status
    assert [] == drive.told
    hand.face.leave()


def test_a_cleanup_shows_its_frozen_list_first(live_panel):
    """And terminates that list, with the reason, once it is confirmed."""
    drive = Story(samples.completed(), begun=True)
    hand = live_panel(drive)
    hand.press("cleanup")
    until(lambda: hand.asked == "cleanup")
    assert "Terminate 4 instances?" == hand.widget.form["title"]
    assert "i-00000000000c0ffef" in hand.widget.form["html"]
    assert [] == drive.cleanups
    hand.confirm("looked at them")
    until(lambda: drive.cleanups)
    assert [(4, "looked at them")] == drive.cleanups
    until(lambda: "4 of 4 instances terminated." in hand.status)


def test_a_look_that_fails_is_told(live_panel):
    """Nothing is asked then."""
    drive = Story(samples.completed(), begun=True)
    drive.failures["look"] = PlanBusy("Another execution lives.", "01J")
    hand = live_panel(drive)
    hand.press("cleanup")
    until(lambda: "Another execution lives." in hand.status)
    assert None is hand.asked


def test_another_plan_can_be_chosen_before_a_start(live_panel):
    """What cannot be opened is told, and what was open stays."""
    drive = waiting_story()
    hand = live_panel(drive)
    hand.send(do="choose", key="open", value="runbook:b.yaml")
    until(lambda: drive.chosen == ["runbook:b.yaml"] and "Opening" not in hand.status)
    drive.failures["choose"] = InvalidInput("Plan b has no world.")
    hand.send(do="choose", key="open", value="runbook:b.yaml")
    until(lambda: "Plan b has no world." in hand.status)
    assert "4 servers would be launched" in hand.board


def test_what_cannot_be_looked_at_cannot_be_started_but_another_can_be_chosen(live_panel):
    """A guard that refuses one plan is no dead end."""
    drive = waiting_story()
    drive.failures["preview"] = InvalidInput("s-1 has an instance that is no drill of ours.")
    hand = live_panel(drive)
    assert "s-1 has an instance that is no drill of ours." in hand.status
    assert {} == hand.buttons
    hand.send(do="choose", key="open", value="runbook:b.yaml")
    until(lambda: "start" in hand.buttons)
    assert "4 servers would be launched" in hand.board


def test_a_start_that_is_refused_can_be_pressed_again(live_panel):
    """The reason stands under the buttons; nothing has ended."""
    drive = Story(samples.under_way(), samples.completed())
    drive.failures["start"] = PlanBusy("Plan shop has a live execution.", "01J")
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: "Plan shop has a live execution." in hand.status)
    until(lambda: not hand.buttons["start"]["disabled"])
    assert not hand.handle.done.is_set()
    hand.press("start")
    until(hand.handle.done.is_set)
    assert None is hand.handle.error


def test_an_error_while_driving_is_shown_and_kept(live_panel):
    """The awaiting cell goes on, and a button, too."""
    drive = Story(samples.under_way(), samples.completed())
    drive.failures["step"] = ValueError("<script>alert(1)</script>")
    hand = live_panel(drive)
    hand.press("start")
    until(hand.handle.done.is_set)
    assert isinstance(hand.handle.error, ValueError)
    assert "ValueError: &lt;script&gt;" in hand.status
    assert "go-on" in hand.buttons
    hand.press("go-on")
    until(lambda: hand.handle.done.is_set() and hand.handle.error is None)
    assert "COMPLETED" == hand.handle.execution.status


def test_a_command_that_fails_is_shown_and_can_be_repeated(live_panel):
    """A callback's exception would be invisible; what was typed stays, for the question does."""
    drive = waiting_story()
    drive.failures["command"] = PlanBusy("Somebody was faster.", "01J")
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: hand.asked == "approve")
    hand.confirm()
    assert "Somebody was faster." in hand.status
    assert ("approve", 1) == (hand.asked, hand.widget.form["tries"])
    hand.confirm()
    until(hand.handle.done.is_set)
    assert None is hand.handle.error


def test_several_waves_that_wait_are_offered_by_name(live_panel):
    """One is chosen; the other still waits."""
    sample = samples.waiting_for_approval()
    waves = sample.execution.waves
    both = (waves[0], waves[1], waves[2].model_copy(update={"status": waves[1].status, "waiting_since": samples.at(1)}))
    paused = samples.Sample(sample.execution.model_copy(update={"waves": both}), (), (), sample.now)
    drive = Story(paused, samples.completed())
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: hand.asked == "approve")
    assert ["wave Application", "wave Web"] == [one["label"] for one in hand.widget.form["about"]]
    hand.confirm(about="wave Web")
    until(hand.handle.done.is_set)
    assert "Web" == drive.told[0][1]


def test_two_presses_of_start_start_once(live_panel):
    """Callbacks may run in two threads."""
    drive = waiting_story()
    hand = live_panel(drive)
    for _ in range(3):
        hand.press("start")
    assert 1 >= sum(thread.name == "drskit-drive" for thread in threading.enumerate())
    drive.told.append("x")
    hand.face._wake.set()
    until(hand.handle.done.is_set)


def test_a_handle_says_how_it_stands(live_panel):
    """One line, for logs."""
    hand = live_panel(Story(samples.completed(), begun=True))
    assert "<SIMULATED 01JDD5Q3X8M4T7V2W9Y0ZABCDE COMPLETED>" == repr(hand.handle)


def test_a_panel_that_is_shown_later_takes_the_drill_over(live_panel, monkeypatch):
    """The cell was run again: one thread drives, and the older panel says so."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.01)
    drive = waiting_story()
    older = live_panel(drive)
    older.press("start")
    until(lambda: older.asked == "approve")
    newer = live_panel(drive)
    until(older.handle.done.is_set)
    assert "Another panel drives this now" in older.status
    assert ({}, None) == (older.buttons, older.asked)
    until(lambda: newer.asked == "approve")
    newer.confirm()
    until(newer.handle.done.is_set)
    assert "COMPLETED" in newer.board


def test_a_real_start_is_asked_about(live_panel):
    """In words and colour; what it does is said before the second press."""
    simulated = live_panel(waiting_story())
    assert ("Start the SIMULATED drill", "") == (
        simulated.buttons["start"]["label"],
        simulated.buttons["start"]["tone"],
    )
    drive = Story(samples.failing())
    hand = live_panel(drive)
    assert ("Start the REAL drill", "bad") == (hand.buttons["start"]["label"], hand.buttons["start"]["tone"])
    hand.press("start")
    assert ("start", None) == (hand.asked, drive.snapshot())
    assert "It launches 4 &lt;servers&gt;." in hand.widget.form["html"]
    hand.confirm()
    until(hand.handle.done.is_set)


def test_where_widgets_are_not_shown_the_board_stands_as_html(live_panel):
    """A notebook that is not trusted shows this."""
    hand = live_panel(Story(samples.completed(), begun=True))
    bundle, _ = hand.widget._repr_mimebundle_()
    assert "COMPLETED" in bundle["text/html"]
    assert "This is how it stood when the cell was run." in bundle["text/html"]
    assert "style=" in bundle["text/html"]
    assert {WIDGET_VIEW, "text/plain"} < set(bundle)


def test_what_keeps_the_tables_away_is_told_until_they_answer(live_panel, monkeypatch):
    """A board that stands still says why."""
    monkeypatch.setattr(live, "LOOK_AGAIN_SECONDS", 0.01)
    drive = waiting_story()
    drive.outages = ["DynamoDB does not answer."] * 1000
    hand = live_panel(drive)
    hand.press("start")
    until(lambda: "Trying again: DynamoDB does not answer." in hand.status)
    drive.outages.clear()
    until(lambda: "Trying again" not in hand.status)
    hand.confirm()
    until(hand.handle.done.is_set)


def test_the_static_face_logs_an_outage_once(screen):
    """Not a line for each try."""
    drive = Story(samples.under_way(), samples.under_way(), samples.under_way(), samples.completed())
    drive.outages = ["DynamoDB does not answer."] * 2
    lines = []
    show(drive, live=False, log=lines.append)
    assert ["TRYING AGAIN  DynamoDB does not answer."] == [line for line in lines if "TRYING" in line]


async def _awaited(handle):
    return await handle
