"""A drill as the live panel of a notebook drives it: commands, a cleanup, another plan, a new kernel."""

import shlex
import threading

import pytest

from drskit.drill import Drill, DrillParameters, outcome
from drskit.errors import InvalidInput, NotFound, Refused
from drskit.model import CommandKind, ExecutionStatus, ExecutionType
from drskit.opening import applied_runbook, chosen
from tests.harness import house, runbook_of
from tests.report import samples
from tests.test_cleanup import RUNBOOK, WORLD

ASKING = RUNBOOK.replace("max_failed: 1", "approve: Look.")


def opened_by(person, opened, text=RUNBOOK, **parameters) -> Drill:
    """A drill as the notebook opens it, with a person in front of it or without."""
    opened.session.settings = opened.settings.model_copy(update={"ui": "live" if person else "static"})
    return Drill(opened.session, runbook_of(text), DrillParameters.model_validate(parameters))


def run(drill):
    while drill.step():
        pass
    return drill.snapshot()


@pytest.fixture
def home():
    """A world of three servers, of which one fails."""
    with house(text=WORLD) as opened:
        yield opened


def test_what_a_person_says_goes_to_the_execution_that_is_shown(home):
    """And is obeyed by the next step."""
    drill = opened_by(True, home, ASKING)
    drill.start()
    assert ExecutionStatus.PAUSED is run(drill).status
    (wave,) = [wave.wave_name for wave in drill.snapshot().waves if wave.waiting_since]
    drill.command(CommandKind.SKIP, "not tonight", wave=wave, server=None)
    assert drill.snapshot().commands[-1].acknowledged is None
    run(drill)
    assert ("not tonight", False) == (
        drill.snapshot().commands[-1].reason,
        drill.snapshot().commands[-1].acknowledged is None,
    )


def test_the_command_that_the_notebook_tells_can_be_pasted_whatever_the_wave_is_called():
    """A shell takes the name as it is, and nothing else of it."""
    name = 'App"; rm -rf ~ #\x1b[2J $(id)'
    execution = samples.waiting_for_approval().execution
    waves = tuple(
        wave.model_copy(update={"wave_name": name}) if wave.wave_name == "Application" else wave
        for wave in execution.waves
    )
    told = outcome(execution.model_copy(update={"waves": waves}))
    words = shlex.split(told[told.index("drskit approve") :])
    assert ["drskit", "approve", execution.execution_id, "--wave", 'App"; rm -rf ~ #[2J $(id)', "--reason"] == words[:6]


def test_a_cleanup_by_button_terminates_what_was_shown_and_leads_back_to_the_drill(home):
    """While it lives it is what is shown; its outcome is news once, and the notebook's verdict."""
    drill = opened_by(True, home)
    drill.start()
    ended = run(drill)
    preview = drill.cleanup_preview()
    assert preview.selection.targets
    assert preview.selection.targets[0].instance_id in drill.cleanup_text(preview)
    drill.start_cleanup(preview, "nobody needs them", "")
    assert ExecutionType.CLEANUP is drill.snapshot().execution_type
    run(drill)
    assert ended.execution_id == drill.snapshot().execution_id
    count = len(preview.selection.targets)
    assert f"is COMPLETED: {count} of {count} instances terminated." in drill.news()
    assert "" == drill.news()
    drill.raise_for_status()


def test_a_new_kernel_takes_up_a_cleanup_with_its_drill(home):
    """In front of a person; without one the cell that cleans up does it."""
    drill = opened_by(True, home)
    drill.start()
    ended = run(drill)
    drill.start_cleanup(drill.cleanup_preview(), "nobody needs them", "")
    again = opened_by(True, home)
    assert ended.execution_id == again.snapshot().cleans
    run(again)
    assert (ended.execution_id, ExecutionType.DRILL) == (again.snapshot().execution_id, again.snapshot().execution_type)
    drill = opened_by(True, home, execution_id=ended.execution_id)
    assert ExecutionType.DRILL is drill.snapshot().execution_type


def test_an_earlier_execution_can_be_chosen(home):
    """It is in the list, and what is shown of it is whole."""
    drill = opened_by(True, home)
    drill.start()
    ended = run(drill)
    again = opened_by(True, home)
    assert None is again.snapshot()
    values = {option["value"]: option["label"] for group in again.chooser()["groups"] for option in group["options"]}
    assert f"execution:{ended.execution_id}" in values
    assert values[f"execution:{ended.execution_id}"].startswith(f"{ended.status} ")
    assert {"runbooks/shop.yaml", "plan:trio"} <= set(values)
    parameters = chosen(again.parameters, f"execution:{ended.execution_id}")
    taken = Drill(home.session, runbook_of(RUNBOOK), parameters)
    assert ended.execution_id == taken.snapshot().execution_id
    assert f"execution:{ended.execution_id}" == taken.chooser()["value"]


def test_a_choice_changes_the_parameters_and_nothing_else(home):
    """A runbook or plan ends the choice of an execution."""
    parameters = DrillParameters(execution_id="01KJPWD6M0YRW7ABVCV0N9X219", approvals="all")
    assert DrillParameters(runbook="plan:trio", approvals="all") == chosen(parameters, "plan:trio")
    with pytest.raises(InvalidInput):
        chosen(parameters, "execution:17")


def test_a_plan_as_applied_starts_what_was_applied(home):
    """The same digest, so that nothing differs; one that is not applied is refused with what to do."""
    drill = opened_by(False, home)
    drill.start()
    run(drill)
    runbook = applied_runbook(home.session, "trio")
    assert runbook_of(RUNBOOK).digest == runbook.digest
    with pytest.raises(NotFound, match=r"Plan duo is not applied\. Name its runbook"):
        applied_runbook(home.session, "duo")


def test_a_start_says_in_a_sentence_what_it_does(home):
    """For the question before a REAL one."""
    assert "It launches an instance of each, and terminates none." in opened_by(True, home).summary()


def test_who_pressed_a_button_is_a_person_although_the_button_cannot_tell(home):
    """Whether one is there was asked when the notebook was opened, in its cell."""
    drill = opened_by(True, home)
    drill.session.settings = home.settings.model_copy(update={"ui": "static"})
    assert drill.is_live()


def test_nothing_can_be_said_before_a_start(home):
    """With what to press."""
    with pytest.raises(Refused, match="Press Start"):
        opened_by(True, home).command(CommandKind.PAUSE, "x", wave=None, server=None)


def test_a_wait_between_two_passes_ends_when_somebody_says_something(home):
    """A command is obeyed at once, not after half a minute of real time."""
    drill = opened_by(True, home)
    drill.session.settings = home.settings
    drill.start()
    real = threading.Event()

    class Slow:
        """A clock that passes as the world's own, a thousand times too slow."""

        speed = 0.001
        now = staticmethod(home.clock.now)

        @staticmethod
        def sleep(seconds):
            raise AssertionError(seconds)

    drill.session._clock = Slow()
    drill.session.__dict__["clock"] = Slow()
    worker = threading.Thread(target=lambda: (drill.step(), real.set()))
    worker.start()
    assert not real.wait(0)
    drill.wake()
    assert real.wait(10)
    worker.join()
