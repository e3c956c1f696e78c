"""A drill as a notebook sees it.

The notebook's cells are one call each: open, show, wait, look, report, judge.
What it takes is validated here, for papermill passes "no" as a string and a
misspelt name with a warning only.
"""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drskit.errors import InvalidInput, NotCompleted, Refused, Unavailable
from drskit.model import CommandKind, Event, Execution, ExecutionStatus, Mode, Runbook
from drskit.resources import default_world, find_file
from drskit.runbook import load_runbook
from drskit.session import Preview, Session, environment
from drskit.states import FINAL_EXECUTION, NEEDS_ATTENTION

if TYPE_CHECKING:
    import pandas as pd

    from drskit.report.evidence import RunFiles
    from drskit.views.panels import Handle

APPROVE_ALL_REASON = "approvals = all: a simulated drill approves every wave"
MAX_OUTAGES = 80
"""How many passes in a row the tables may be out of reach before driving stops: 20 minutes."""


class DrillParameters(BaseModel):
    """The parameters of `03-run-a-drill`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runbook: str = "runbooks/captured-drill.yaml"
    simulate: bool = True
    world: str = ""
    speed: float = Field(default=0.0, ge=0, le=100_000)
    approvals: Literal["ask", "all"] = "ask"
    execution_id: str = Field(default="", pattern=r"^([0-9A-HJKMNP-TV-Z]{26})?$")
    output_dir: str = ""
    confirmed: bool = False
    apply: bool = False
    replace: list[str] = Field(default_factory=list)


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
    if wanted.simulate:
        _enter_world(wanted, path, runbook)
    return Drill(Session.open(), runbook, wanted)


def _enter_world(wanted: DrillParameters, path: Path, runbook: Runbook) -> None:
    from drskit.simulation import attach_or_start

    world = find_file(wanted.world) if wanted.world else default_world(path, runbook.plan.plan_id)
    settings = Session.open().settings
    attach_or_start(world, wanted.speed, environment(), runs=settings.runs)


class Drill:
    """One drill: what it would do, its execution, its report."""

    def __init__(self, session: Session, runbook: Runbook, parameters: DrillParameters) -> None:
        self.session = session
        self.runbook = runbook
        self.parameters = parameters
        self._prepare_tables()
        self._poller = session.poller()
        self._execution = self._existing()
        self._preview: Preview | None = None
        self._outages = 0
        self._files: RunFiles | None = None

    def _prepare_tables(self) -> None:
        """A simulated world begins without tables; a real account's are made on purpose."""
        if self.parameters.simulate:
            self.session.require_simulated(self.runbook.plan.region)
            self.session.create_tables()

    def _existing(self) -> Execution | None:
        """The execution that the parameters name, or the one of the plan that lives."""
        if self.parameters.execution_id:
            return self.session.find(self.parameters.execution_id)
        plan = self.session.store.get_plan(self.runbook.plan.plan_id)
        if plan is None or plan.active_execution_id is None:
            return None
        return self.session.find(plan.active_execution_id)

    # --- what a panel drives -----------------------------------------------------------------------------------------

    def preview(self) -> str:
        """What a start would do, as HTML."""
        from drskit.views.preview import render_preview

        return render_preview(self._look_ahead())

    def _look_ahead(self) -> Preview:
        if self._preview is None:
            self._preview = self.session.preview(self.runbook, replace=tuple(self.parameters.replace))
        return self._preview

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
            execution_id=self.parameters.execution_id or None,
            apply=self.parameters.apply,
            replace=tuple(self.parameters.replace),
        )

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person."""
        execution = self._known()
        if execution.status in FINAL_EXECUTION:
            return False
        wait_seconds, seen = self._pass(execution.execution_id)
        self._execution = execution = seen or self.session.store.load(execution.execution_id)
        if execution.status is ExecutionStatus.PAUSED:
            return self._approve_all()
        if execution.status in NEEDS_ATTENTION:
            self.session.clock.sleep(wait_seconds)
        return execution.status in NEEDS_ATTENTION

    def _pass(self, execution_id: str) -> tuple[float, Execution | None]:
        """One poll pass: seconds to wait after it, and the execution where the pass has it.

        The tables may be out of reach for a while.
        """
        try:
            result = self._poller.run_pass()
        except Unavailable:
            self._outages += 1
            if self._outages > MAX_OUTAGES:
                raise
            return self.session.settings.poll_seconds.soon, self._execution
        self._outages = 0
        return self._poller.wait_seconds(result), result.executions.get(execution_id)

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
        if self._execution is None or self._execution.events <= after:
            return ()
        return self.session.store.events(self._execution.execution_id, after=after)

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
        from drskit.views.panels import is_live

        return is_live(self.session.settings.ui, _shell())

    def show(self) -> "Handle":
        """Show the drill and drive it: with buttons where a person is, else to its end or to a person's decision."""
        from drskit.views.panels import show

        return show(self, live=self.is_live(), log=print_line)

    def servers(self) -> "pd.DataFrame":
        """What became of each server, as a table."""
        from drskit.views.frames import servers_frame

        return servers_frame(self._known())

    def waves(self) -> "pd.DataFrame":
        """What became of each wave, as a table."""
        from drskit.views.frames import waves_frame

        return waves_frame(self._known())

    @property
    def runs(self) -> Path:
        """The folder that holds the runs."""
        return Path(self.parameters.output_dir) if self.parameters.output_dir else self.session.settings.runs

    def report(self) -> "RunLink":
        """Write `execution.json` and `report.html` into the run's folder."""
        from drskit.report.evidence import write_run

        execution, events, logs = self.session.history(self._known().execution_id)
        self._execution = execution
        files = write_run(self.runs, execution, events, logs, now=self.now(), versions=versions())
        return RunLink(files.report, execution)

    def raise_for_status(self) -> None:
        """End well only for a drill that COMPLETED; for the notebook's last cell.

        Raises:
            NotCompleted: it ended otherwise, or waits for a person.
        """
        execution = self._known()
        if execution.status is ExecutionStatus.COMPLETED:
            return
        raise NotCompleted(outcome(execution))


class RunLink:
    """A report that was written."""

    def __init__(self, path: Path, execution: Execution) -> None:
        self.path = path
        self._execution = execution

    def __repr__(self) -> str:
        return f"{self._execution.mode} {self._execution.status}: {self.path}"

    def _repr_html_(self) -> str:
        text = escape(str(self.path))
        return f"<p>{self._execution.mode} {self._execution.status}. Report: <code>{text}</code></p>"


def outcome(execution: Execution) -> str:
    """How an execution stands, in a sentence with the next step."""
    name = f"{execution.mode} {execution.execution_type.lower()} {execution.execution_id} of plan {execution.plan_id}"
    if execution.status is ExecutionStatus.PAUSED:
        return f"{name} waits for {execution.waiting_for}."
    reasons = [f"wave {wave.wave_name} {wave.status}: {wave.reason}" for wave in execution.waves if wave.reason]
    return f"{name} is {execution.status}. {'; '.join(reasons)}".rstrip(". ") + "."


def versions() -> dict[str, str]:
    """What ran, by package."""
    import platform
    from importlib.metadata import version

    return {
        "drskit": version("drskit"),
        "python": platform.python_version(),
        "boto3": version("boto3"),
        "botocore": version("botocore"),
    }


def print_line(line: str) -> None:
    """A plain line for the log of whoever runs the notebook."""
    print(line, flush=True)  # noqa: T201 - the static face's log is its output


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()
