"""A drill as a notebook sees it.

The notebook's cells are one call each: open, show, wait, look, report, judge.
Of one drill there may be two executions to be driven, one after the other: the
drill itself, and the cleanup of its instances.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as quoted_path

from drskit.afterwards import Afterwards, CleanupDrive, choice_for, live_cleanup, remains
from drskit.cleanup import CleanupPreview
from drskit.driving import Driving
from drskit.editing import edit, wanted
from drskit.endings import ended_because
from drskit.errors import DrskitError, NotCompleted, Refused, Unavailable
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
from drskit.notebook import checked, person_is_there
from drskit.opening import DrillParameters, choices, chosen, open_runbook, print_line
from drskit.recovering import recover
from drskit.session import Preview, Session
from drskit.slots import execution_of
from drskit.states import FINAL_EXECUTION
from drskit.surroundings import surroundings
from drskit.surroundings import versions as versions  # noqa: PLC0414 - callers know it by this name
from drskit.views.words import plain

if TYPE_CHECKING:
    import pandas as pd

    from drskit.views.panels import Handle

APPROVE_ALL_REASON = "approvals = all: a simulated drill approves every wave"


def open_drill(**parameters: object) -> "Drill":
    """Open a drill: check the parameters, find the runbook and the world, take up an execution that lives.

    Raises:
        InvalidInput: a parameter is unknown or not valid.
        InvalidRunbook: the runbook is not valid.
        NotFound: the plan that is named is not applied.
    """
    wanted = checked(DrillParameters, parameters)
    person = person_is_there(Session.open().settings.ui)
    session, runbook = open_runbook(wanted, person=person)
    slot, execution_id = execution_of(session, runbook.plan.plan_id, wanted.slot, wanted.execution_id)
    return Drill(session, runbook, wanted.model_copy(update={"slot": slot, "execution_id": execution_id}))


class Drill:
    """One drill: what it would do, its execution, its report."""

    def __init__(self, session: Session, runbook: Runbook, parameters: DrillParameters) -> None:
        self._person = person_is_there(session.settings.ui)
        self._typing = person_is_there("auto")
        self._open(session, runbook, parameters)

    def _open(self, session: Session, runbook: Runbook, parameters: DrillParameters) -> None:
        self.session = session
        self.runbook = runbook
        self.parameters = parameters
        self._prepare_tables()
        self._driving = Driving(session, simulated=parameters.simulate)
        self._cleanup: CleanupDrive | None = None
        self._execution = self._existing()
        self._preview: Preview | None = None
        self._handle: Handle | None = None
        self._unreported: Unavailable | None = None
        self._afterwards: Afterwards | None = None
        self._news = ""

    @property
    def _execution(self) -> Execution | None:
        """The drill as last seen."""
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
        """The execution that the parameters name, or the drill of the plan that lives.

        In front of a person a cleanup that lives is taken up, too, with the drill that it cleans.
        """
        wanted = self.parameters.execution_id
        found = self.session.find(wanted) if wanted else None
        if found is not None and found.execution_type is ExecutionType.CLEANUP:
            raise Refused(f"Execution {wanted} is a cleanup. Name the drill that it cleans up: {found.cleans}.")
        live = self._living(found.plan_id if found else self.runbook.plan.plan_id)
        if live is None or live.execution_type is not ExecutionType.CLEANUP:
            return found or (None if wanted else live)
        if not self.is_live() or (wanted and live.cleans != wanted):
            return found
        drill = found or self.session.store.load(live.cleans or "")
        self._cleanup = CleanupDrive(self.session, drill, reason="taken up in the notebook")
        self._cleanup.start()
        return drill

    def _living(self, plan_id: str) -> Execution | None:
        name = self.session.live_execution(plan_id)
        return self.session.find(name) if name else None

    # --- what a panel drives -----------------------------------------------------------------------------------------

    def preview(self) -> tuple[str, ...]:
        """What a start would do, as parts of HTML."""
        from drskit.views.preview import preview_parts

        return preview_parts(self._look_ahead())

    def _look_ahead(self) -> Preview:
        if self._preview is None:
            fast = self._execution is not None and self._execution.fast
            self._preview = self.session.preview(
                self.runbook, replace=tuple(self.parameters.replace), fast=fast, ticket=self.parameters.ticket or None
            )
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
            ticket=self.parameters.ticket or None,
            override=self.parameters.override or None,
        )

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person."""
        if self._cleanup is not None:
            return self._step_cleanup(self._cleanup)
        self._known()
        more = self._driving.step()
        return (self._approve_all() or more) if self._driving.paused else more

    def _step_cleanup(self, cleanup: CleanupDrive) -> bool:
        more = cleanup.step()
        seen = cleanup.snapshot()
        if seen is None or seen.status in FINAL_EXECUTION:
            self._end_cleanup(cleanup)
        return more

    def _end_cleanup(self, cleanup: CleanupDrive) -> None:
        """Turn back to the drill, whose record the cleanup has changed."""
        self._afterwards = cleanup.outcome(None)
        self._news = self._afterwards.words
        self._execution = self.session.store.load(self._known().execution_id)
        self._cleanup = None

    def trouble(self) -> str | None:
        """What keeps the drill from being advanced for now: the tables or DRS do not answer."""
        return self._cleanup.trouble() if self._cleanup else self._driving.trouble

    def _approve_all(self) -> bool:
        """Approve what waits, where the drill was asked to; whether anything was approved."""
        if self.parameters.approvals != "all":
            return False
        from drskit.views.rows import waves_waiting

        waiting = waves_waiting(self._known())
        for wave in waiting:
            self._execution = self.session.command(
                self._known().execution_id, CommandKind.APPROVE, reason=APPROVE_ALL_REASON, wave=wave, stand_in=True
            )
        return bool(waiting)

    def command(
        self, kind: CommandKind, reason: str, *, wave: str | None = None, server: str | None = None, typed: str = ""
    ) -> None:
        """Record what a person says to the execution that is shown; of an edit, what they typed."""
        if kind is CommandKind.EDIT:
            self._execution = edit(self.session, self._shown().execution_id, wave, wanted(typed), reason=reason)
            return
        servers = (server,) if server else ()
        told = self.session.command(self._shown().execution_id, kind, reason=reason, wave=wave, servers=servers)
        if self._cleanup is None:
            self._execution = told

    def wake(self) -> None:
        """End a wait that goes on in `step`."""
        (self._cleanup or self._driving).wake()

    def cleanup_preview(self) -> CleanupPreview:
        """What a cleanup of the drill would terminate, looked at now."""
        return self.session.cleanup_preview(self._known().execution_id)

    def cleanup_text(self, preview: CleanupPreview) -> str:
        """The same as lines of plain text."""
        from drskit.views.cleanups import preview_text

        return preview_text(preview, self.now())

    def recovery_text(self) -> str:
        """What a recovery for real would do, as lines of plain text."""
        from drskit.views.recoveries import recovery_text

        return recovery_text(self._look_ahead())

    def recover(self, token: str) -> None:
        """Recover for real with a token that a person has typed into the panel; `step` drives it then.

        Raises:
            Refused: nobody is there, whatever DRSKIT_UI says.
            NotAuthorized: the token is not good for this.
        """
        if not (self.is_live() and self._typing):
            raise Refused("Nobody is there to type a token. Recover on a terminal: drskit recover FILE --token -")
        self._execution = recover(self.session, self.runbook, token=token, apply=self.parameters.apply)

    def start_cleanup(self, preview: CleanupPreview, reason: str, typed: str) -> None:
        """Begin to terminate what was looked at, and nothing else; `step` drives it then."""
        cleanup = CleanupDrive(self.session, self._known(), reason=reason, preview=preview, typed=typed)
        cleanup.start()
        self._cleanup = cleanup
        if cleanup.snapshot() is None:
            self._end_cleanup(cleanup)

    def news(self) -> str:
        """What came of a cleanup that has just ended, once."""
        news, self._news = self._news, ""
        return news

    def summary(self) -> str:
        """What a start would do, in a sentence."""
        from drskit.views.preview import summary

        return summary(self._look_ahead())

    def person(self) -> str:
        """Who presses, as AWS or the simulated world knows them."""
        return self.session.caller[1]

    def chooser(self) -> Mapping[str, Any]:
        """What else could be opened."""
        shown = self._execution.execution_id if self._execution else None
        return choices(self.session, self.parameters, self.runbook.plan.plan_id, shown)

    def choose(self, value: str) -> None:
        """Open what was chosen in place of this.

        Raises:
            DrskitError: it cannot be opened; what was open stays.
        """
        handle = self._handle
        parameters = chosen(self.parameters, value)
        session, runbook = open_runbook(parameters, person=self._person)
        self._open(session, runbook, parameters)
        self._handle = handle

    def snapshot(self) -> Execution | None:
        """What is driven, as last seen: the drill, or the cleanup of its instances while that lives."""
        return self._shown() if self._cleanup or self._execution else None

    def _shown(self) -> Execution:
        cleanup = self._cleanup.snapshot() if self._cleanup else None
        return cleanup or self._known()

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
        """Whether a person's front end was attached when this was opened."""
        return self._person

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
            text = f'<a href="{escape(quoted_path(self.path.as_posix()))}" target="_blank">{text}</a>'
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
        named = quote(plain(waiting[0]))
        return f"When it is so: drskit approve {execution.execution_id} --wave {named} --reason TEXT"
    return f"Decide: drskit resume, or drskit cancel, {execution.execution_id} --reason TEXT"
