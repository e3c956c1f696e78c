"""A drill as a notebook sees it.

The notebook's cells are one call each: open, show, wait, look, report, judge.
What it takes is validated here, for papermill passes "no" as a string and a
misspelt name with a warning only.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from drskit.afterwards import Afterwards, CleanupDrive, choice_for, live_cleanup, remains
from drskit.driving import Driving
from drskit.endings import ended_because
from drskit.errors import DrskitError, InvalidInput, NotCompleted, Refused, Unavailable
from drskit.headless import run_mark
from drskit.model import (
    CleanUp,
    CommandKind,
    Event,
    Execution,
    ExecutionStatus,
    ExecutionType,
    Mode,
    Runbook,
    WaveStatus,
)
from drskit.resources import default_world, find_file, find_world
from drskit.runbook import load_runbook
from drskit.session import Preview, Session, environment
from drskit.slots import execution_of, slot_or_nothing
from drskit.states import FINAL_EXECUTION
from drskit.surroundings import surroundings
from drskit.surroundings import versions as versions  # noqa: PLC0414 - callers know it by this name

if TYPE_CHECKING:
    import pandas as pd

    from drskit.views.panels import Handle

APPROVE_ALL_REASON = "approvals = all: a simulated drill approves every wave"

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def _ulid_or_nothing(value: object) -> object:
    if not isinstance(value, str) or (value and not ULID.fullmatch(value)):
        raise PydanticCustomError("ulid", "write a ULID, 26 digits and capital letters, or leave it empty")
    return value


def _listed(value: object) -> object:
    """A list as papermill's command line and schedulers pass it: JSON, or words between commas."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        found = [word.strip() for word in value.split(",") if word.strip()]
    return found if isinstance(found, list) else value


class DrillParameters(BaseModel):
    """The parameters of `03-run-a-drill`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runbook: str = "runbooks/captured-drill.yaml"
    simulate: bool = True
    world: str = ""
    speed: float = Field(default=0.0, ge=0, le=100_000)
    approvals: Literal["ask", "all"] = "ask"
    execution_id: Annotated[str, BeforeValidator(_ulid_or_nothing)] = ""
    output_dir: str = ""
    confirmed: bool = False
    apply: bool = False
    replace: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)
    slot: Annotated[str, AfterValidator(slot_or_nothing)] = ""


def open_drill(**parameters: object) -> "Drill":
    """Open a drill: check the parameters, find the runbook and the world, take up an execution that lives.

    Raises:
        InvalidInput: a parameter is unknown or not valid.
        InvalidRunbook: the runbook is not valid.
    """
    try:
        wanted = DrillParameters.model_validate(parameters)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))} = {fault['input']!r}: {fault['msg']}" for fault in error.errors()
        ]
        raise InvalidInput(f"The notebook's parameters are not valid: {'; '.join(faults)}.") from error
    if wanted.approvals == "all" and not wanted.simulate:
        raise InvalidInput('approvals = "all" is for simulated drills; against AWS a person approves. Write "ask".')
    if not wanted.simulate and (wanted.world or wanted.speed):
        raise InvalidInput("world and speed are for simulated drills. Leave them out, or set simulate = True.")
    path = find_file(wanted.runbook)
    runbook = load_runbook(path)
    _choose_world(wanted, path, runbook)
    session = Session.open()
    slot, execution_id = execution_of(session, runbook.plan.plan_id, wanted.slot, wanted.execution_id)
    return Drill(session, runbook, wanted.model_copy(update={"slot": slot, "execution_id": execution_id}))


def _choose_world(wanted: DrillParameters, path: Path, runbook: Runbook) -> None:
    from drskit.simulation import attach_or_start, attached, leave

    leave(environment())
    if not wanted.simulate or attached(environment()):
        return
    world = find_world(wanted.world) if wanted.world else default_world(path, runbook.plan.plan_id)
    settings = Session.open().settings
    attach_or_start(world, wanted.speed, environment(), runs=settings.runs, outlive=person_is_there(settings.ui))


def person_is_there(choice: str) -> bool:
    """Whether a person's front end is attached to this process, by the setting `ui`."""
    from drskit.views.panels import is_live

    return is_live(choice, _shell())


class Drill:
    """One drill: what it would do, its execution, its report."""

    def __init__(self, session: Session, runbook: Runbook, parameters: DrillParameters) -> None:
        self.session = session
        self.runbook = runbook
        self.parameters = parameters
        self._prepare_tables()
        self._driving = Driving(session, simulated=parameters.simulate)
        self._execution = self._existing()
        self._preview: Preview | None = None
        self._handle: Handle | None = None
        self._unreported: Unavailable | None = None
        self._afterwards: Afterwards | None = None

    @property
    def _execution(self) -> Execution | None:
        """The execution as last seen."""
        return self._driving.execution

    @_execution.setter
    def _execution(self, execution: Execution | None) -> None:
        self._driving.execution = execution

    def _prepare_tables(self) -> None:
        """A simulated world begins without tables; a real account's are made on purpose."""
        if self.parameters.simulate:
            self.session.require_simulated(self.runbook.plan.region)
            self.session.create_tables()

    def _existing(self) -> Execution | None:
        """The execution that the parameters name, or the drill of the plan that lives."""
        wanted = self.parameters.execution_id
        plan = None if wanted else self.session.store.get_plan(self.runbook.plan.plan_id)
        name = wanted or (plan.active_execution_id if plan else None)
        found = self.session.find(name) if name else None
        if found is None or found.execution_type is not ExecutionType.CLEANUP:
            return found
        if wanted:
            raise Refused(f"Execution {wanted} is a cleanup. Name the drill that it cleans up: {found.cleans}.")
        return None

    # --- what a panel drives -----------------------------------------------------------------------------------------

    def preview(self) -> tuple[str, ...]:
        """What a start would do, as parts of HTML."""
        from drskit.views.preview import preview_parts

        return preview_parts(self._look_ahead())

    def _look_ahead(self) -> Preview:
        if self._preview is None:
            fast = self._execution is not None and self._execution.fast
            self._preview = self.session.preview(self.runbook, replace=tuple(self.parameters.replace), fast=fast)
        return self._preview

    def mode(self) -> Mode:
        """Who would answer a start, or answers."""
        return self._execution.mode if self._execution else self._look_ahead().mode

    def start(self) -> None:
        """Start the execution, or take up the one that lives.

        Raises:
            Refused: see `Session.start`; headless against AWS, nobody has confirmed it.
        """
        live_or_confirmed = self.is_live() or self.parameters.confirmed
        if self._look_ahead().mode is Mode.REAL and not live_or_confirmed:
            raise Refused(
                "This would launch instances in AWS, and nobody has confirmed it. Look at `drskit drill` without "
                "--yes, or set confirmed = True."
            )
        self._execution = self.session.start(
            self.runbook,
            key=self.parameters.slot or None,
            execution_id=self.parameters.execution_id or None,
            apply=self.parameters.apply,
            replace=tuple(self.parameters.replace),
        )

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person."""
        self._known()
        more = self._driving.step()
        return self._approve_all() if self._driving.paused else more

    def trouble(self) -> str | None:
        """What keeps the drill from being advanced for now: the tables or DRS do not answer."""
        return self._driving.trouble

    def _approve_all(self) -> bool:
        """Approve what waits, where the drill was asked to; whether anything was approved."""
        if self.parameters.approvals != "all":
            return False
        from drskit.views.rows import waves_waiting

        waiting = waves_waiting(self._known())
        for wave in waiting:
            self.approve(wave, APPROVE_ALL_REASON)
        return bool(waiting)

    def approve(self, wave: str, reason: str) -> None:
        """Record a yes to a wave."""
        self._execution = self.session.command(
            self._known().execution_id, CommandKind.APPROVE, reason=reason, wave=wave
        )

    def snapshot(self) -> Execution | None:
        """The execution as last seen."""
        return self._execution

    def history(self, after: int) -> Sequence[Event]:
        """The events with a higher sequence number."""
        return self._driving.history(after)

    def now(self) -> datetime:
        """The present, by the tables."""
        return self.session.store.now()

    def _known(self) -> Execution:
        if self._execution is None:
            raise Refused("The drill has not been started. Press Start, or call start().")
        return self._execution

    # --- what a notebook calls ---------------------------------------------------------------------------------------

    def is_live(self) -> bool:
        """Whether a person's front end is attached."""
        return person_is_there(self.session.settings.ui)

    def show(self) -> "Handle":
        """Show the drill and drive it: with buttons where a person is, else to its end or to a person's decision."""
        from drskit.views.panels import show

        self._handle = show(self, live=self.is_live(), log=print_line)
        return self._handle

    def servers(self) -> "pd.DataFrame | NotStarted":
        """What became of each server, as a table."""
        from drskit.views.frames import servers_frame

        return servers_frame(self._execution) if self._execution else NotStarted()

    def waves(self) -> "pd.DataFrame | NotStarted":
        """What became of each wave, as a table."""
        from drskit.views.frames import waves_frame

        return waves_frame(self._execution) if self._execution else NotStarted()

    @property
    def runs(self) -> Path:
        """The folder that holds the runs."""
        return Path(self.parameters.output_dir) if self.parameters.output_dir else self.session.settings.runs

    def clean_up(self) -> "Afterwards | NotStarted":
        """Do with the instances of a drill that is over what its plan's cleanup policy says; it raises nothing."""
        if self._execution is None:
            return NotStarted()
        try:
            self._afterwards = self._obey_policy(self._execution)
        except DrskitError as error:  # the last cell raises, no other
            name = self._execution.execution_id
            self._afterwards = Afterwards(f"Nobody knows what still runs of drill {name}: {error}", failed=True)
        return self._afterwards

    def _obey_policy(self, drill: Execution) -> "Afterwards":
        live = live_cleanup(self.session, drill.plan_id)
        person = self.is_live()
        left_to_terminal = self.session.settings.attended and not person
        wanted = choice_for(drill, person=person) is CleanUp.ALWAYS and not left_to_terminal
        taken_up = live is not None and live.cleans == drill.execution_id
        if drill.status not in FINAL_EXECUTION or not (wanted or taken_up):
            return remains(self.session, drill)
        key = "cleanup.after" if person else "cleanup.headless"
        drive = CleanupDrive(self.session, drill, reason=f"{key} = always in {Path(self.runbook.source).name}")
        from drskit.views.panels import show

        return drive.outcome(show(drive, live=False, log=print_line).error)

    def report(self) -> "RunLink | NotStarted | NotReported":
        """Write `execution.json`, `context.json` and `report.html` into the run's folder."""
        from drskit.report.evidence import write_run

        if self._execution is None:
            return NotStarted()
        try:
            execution, events, logs = self.session.history(self._execution.execution_id)
            context = surroundings(self.session, execution, self.now())
        except Unavailable as error:  # the last cell raises, no other
            self._unreported = error
            return NotReported(error)
        self._unreported = None
        self._execution = execution
        files = write_run(self.runs, execution, events, logs, now=context.made_at, context=context)
        return RunLink(files.report, execution)

    def raise_for_status(self) -> None:
        """End well only for a drill that COMPLETED, as did its cleanup if it had one; for the notebook's last cell.

        Raises:
            NotCompleted: it ended otherwise, or waits for a person; or its cleanup is not COMPLETED.
            Unavailable: the tables kept the report from being written.
            Exception: what kept it from starting, or stopped the driving.
        """
        completed = self._execution is not None and self._execution.status is ExecutionStatus.COMPLETED
        if not completed and self._handle is not None and self._handle.error is not None:
            raise self._handle.error
        if self._unreported is not None:
            raise self._unreported
        words = [] if completed else [outcome(self._known())]
        if self._afterwards is not None and self._afterwards.failed:
            words.append(self._afterwards.words)
        if words:
            raise NotCompleted("\n".join(words))


class NotStarted:
    """What stands in the place of a table or a report while there is no execution."""

    def __repr__(self) -> str:
        return "The drill has not been started."


class NotReported:
    """What stands in the place of a report that could not be written."""

    def __init__(self, error: Unavailable) -> None:
        self._error = error

    def __repr__(self) -> str:
        return f"No report was written: {self._error}"


class RunLink:
    """A report that was written."""

    def __init__(self, path: Path, execution: Execution) -> None:
        self.path = path
        self._execution = execution

    def __repr__(self) -> str:
        return f"{self._execution.mode} {self._execution.status}: {self.path}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        """The same for programs."""
        return run_mark(self._execution.execution_id, self.path.parent)

    def _repr_html_(self) -> str:
        text = escape(str(self.path))
        if not self.path.is_absolute():  # then it is below the notebook's folder, where a browser finds it
            text = f'<a href="{escape(quote(self.path.as_posix()))}" target="_blank">{text}</a>'
        return f"<p>{self._execution.mode} {self._execution.status}. Report: <code>{text}</code></p>"


def outcome(execution: Execution) -> str:
    """How an execution stands, in a sentence with the next step."""
    name = f"{execution.mode} {execution.execution_type.lower()} {execution.execution_id} of plan {execution.plan_id}"
    if execution.status is ExecutionStatus.PAUSED:
        return f"{name} waits for {(execution.waiting_for or '').rstrip('.')}. {_next_step(execution)}"
    late = execution.deadline is not None and execution.deadline.passed is not None
    reasons = [ended_because(execution)] if late else []
    reasons += [f"wave {wave.wave_name} {wave.status}: {wave.reason}" for wave in execution.waves if wave.reason]
    return f"{name} is {execution.status}. {'; '.join(reasons)}".rstrip(". ") + "."


def _next_step(execution: Execution) -> str:
    """What a person would run."""
    waiting = [wave.wave_name for wave in execution.waves if wave.status is WaveStatus.WAITING_APPROVAL]
    if waiting:
        return f'When it is so: drskit approve {execution.execution_id} --wave "{waiting[0]}" --reason TEXT'
    return f"Decide: drskit resume, or drskit cancel, {execution.execution_id} --reason TEXT"


def print_line(line: str) -> None:
    """A plain line for the log of whoever runs the notebook."""
    print(line, flush=True)  # noqa: T201 - the static face's log is its output


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()
