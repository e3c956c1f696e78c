"""Every execution as a notebook sees it: read by the StatusIndex, judged, and never driven.

What lives is read again at every look. What is over hardly changes and is most of
it, so it is read whole at first, when something that lived has ended, and now and
then; a thousand executions are a few pages of the index.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drskit.driving import Driving
from drskit.errors import InvalidInput, Malformed, MissingTables, NotCompleted, NotFound
from drskit.model import Cadence, Execution, ExecutionHeader, ExecutionStatus, Mode
from drskit.notebook import checked, person_is_there
from drskit.offers import cleanable, offers
from drskit.opening import enter_world, print_line, ulid_or_nothing
from drskit.resources import find_file
from drskit.runbook import load_runbook
from drskit.running import RunningInstances
from drskit.session import Session
from drskit.states import FINAL_EXECUTION
from drskit.stuck import why_stuck
from drskit.views.listing import (
    ExecutionRow,
    Listing,
    commands_part,
    listing,
    listing_parts,
    row_of,
    stuck_part,
    typed_commands,
)

if TYPE_CHECKING:
    import pandas as pd

    from drskit.views.watch import Watching

LIVE = tuple(status for status in ExecutionStatus if status not in FINAL_EXECUTION)
OVER = tuple(status for status in ExecutionStatus if status in FINAL_EXECUTION)
WHOLE_EVERY = 12
"""Looks between two readings of what is over."""
JUDGED = 50
"""Live executions that are read whole for each look, newest first; of the others the header and the cadence tell."""


def _status_or_nothing(value: object) -> object:
    if isinstance(value, str) and value and value not in set(ExecutionStatus):
        raise PydanticCustomError("status", f"write one of {', '.join(ExecutionStatus)}, or leave it empty")
    return value


class WatchParameters(BaseModel):
    """The parameters of `04-watch-executions`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    simulate: bool = True
    runbook: str = "runbooks/captured-drill.yaml"
    world: str = ""
    speed: float = Field(default=0.0, ge=0, le=100_000)
    rehearse: bool = False
    plan: str = ""
    status: Annotated[str, BeforeValidator(_status_or_nothing)] = ""
    execution_id: Annotated[str, BeforeValidator(ulid_or_nothing)] = ""
    page_size: int = Field(default=25, ge=1, le=200)
    stuck_minutes: float = Field(default=10, gt=0)


def open_watch(**parameters: object) -> "Watch":
    """Open the list of executions: check the parameters, find the world, and rehearse a drill where that is asked for.

    Raises:
        InvalidInput: a parameter is unknown or not valid.
    """
    wanted = checked(WatchParameters, parameters)
    if not wanted.simulate and (wanted.world or wanted.speed or wanted.rehearse):
        raise InvalidInput("world, speed and rehearse are for a simulation. Leave them out, or set simulate = True.")
    path = find_file(wanted.runbook)
    person = person_is_there(Session.open().settings.ui)
    enter_world(wanted.simulate, wanted.world, wanted.speed, path, load_runbook(path).plan.plan_id, person=person)
    watch = Watch(Session.open(), wanted)
    if wanted.rehearse:
        watch.rehearse(path)
    return watch


class Watch:
    """The executions, as they were when they were last looked at."""

    def __init__(self, session: Session, parameters: WatchParameters) -> None:
        self.session = session
        self.parameters = parameters
        self._patience = timedelta(minutes=parameters.stuck_minutes)
        self._live: dict[str, ExecutionHeader] = {}
        self._over: dict[str, ExecutionHeader] = {}
        self._unreadable: dict[str, tuple[str, ...]] = {}
        self._rows: tuple[ExecutionRow, ...] = ()
        self._running: dict[str, RunningInstances] = {}
        self._known: dict[str, Execution] = {}
        self._looks = 0
        self._lock = threading.RLock()
        self.mode = self._find_mode()
        self._now = session.store.now()

    def _find_mode(self) -> Mode:
        region = self.session.settings.region or self.session.clients.region or ""
        if self.parameters.simulate:
            self.session.require_simulated(region)
            self.session.create_tables()
            return Mode.SIMULATED
        recovery = self.session.recovery(region)
        recovery.probe()
        return Mode.SIMULATED if recovery.simulated else Mode.REAL

    def rehearse(self, runbook: Path) -> None:
        """Start a simulated drill, and drive it to its end or to a person's decision."""
        driving = Driving(self.session, simulated=True)
        driving.execution = self.session.start(load_runbook(runbook))
        while driving.step():
            pass

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self, *, whole: bool = False) -> None:
        """Read what lives; and what is over, if that is due or asked for.

        Raises:
            Unavailable: the tables cannot be reached.
        """
        with self._lock:  # a list refreshes in the background while cells look, too
            self._look(whole=whole)

    def _look(self, *, whole: bool) -> None:
        live = self._find("live", LIVE)
        ended = set(self._live) - set(live)
        if whole or ended or self._looks % WHOLE_EVERY == 0:
            self._over = self._find("over", OVER)
            headers = (*live.values(), *self._over.values())
            self._running, _ = self.session.running_instances(headers)
        self._live = live
        self._looks += 1
        self._judge()

    def _find(self, name: str, statuses: Iterable[ExecutionStatus]) -> dict[str, ExecutionHeader]:
        found, unreadable = {}, []
        try:
            for item in self.session.store.find(statuses):
                if isinstance(item, Malformed):
                    unreadable.append(str(item))
                else:
                    found[item.execution_id] = item
        except MissingTables:
            if not self.parameters.simulate:
                raise
        self._unreadable[name] = tuple(unreadable)
        return found

    def _judge(self) -> None:
        now = self.session.store.now()
        cadences: dict[tuple[str, str], Cadence | None] = {}
        rows = []
        for number, header in enumerate(self._live.values()):
            place = (header.account_id, header.region)
            if place not in cadences:
                cadences[place] = self.session.store.get_cadence(*place)
            execution = self._whole(header) if number < JUDGED else None
            why = why_stuck(header, now, cadence=cadences[place], execution=execution, patience=self._patience)
            rows.append(row_of(header, now, stuck=why))
        self._known = {name: known for name, known in self._known.items() if name in self._live}
        over = (header for name, header in self._over.items() if name not in self._live)
        rows += [row_of(header, now, running=self._running.get(header.execution_id)) for header in over]
        self._rows, self._now = tuple(rows), now

    def _whole(self, header: ExecutionHeader) -> Execution | None:
        known = self._known.get(header.execution_id)
        if known is not None and known.version >= header.version:
            return known
        try:
            self._known[header.execution_id] = self.session.store.load(header.execution_id)
        except (NotFound, Malformed):
            return None
        return self._known[header.execution_id]

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def plans(self) -> tuple[str, ...]:
        """The plans that have executions."""
        return tuple(sorted({row.header.plan_id for row in self._rows}))

    def page(self, number: int = 0, *, plan: str = "", status: str = "") -> Listing:
        """A page of the executions of a plan and a status; of all where these are empty."""
        rows = [
            row for row in self._rows if plan in ("", row.header.plan_id) and status in ("", row.header.status.value)
        ]
        return listing(
            rows, page=number, size=self.parameters.page_size, counts=Counter(row.header.status for row in self._rows),
            unreadable=(*self._unreadable.get("live", ()), *self._unreadable.get("over", ())), now=self._now,
        )  # fmt: skip

    def parts(self, shown: Listing, *, live: bool) -> tuple[str, ...]:
        """A page as parts of HTML."""
        from drskit.views.board import render_mode

        return (render_mode(self.mode), *listing_parts(shown, live=live))

    def board(self, execution_id: str) -> tuple[str, ...]:
        """One execution with the commands to type, as parts of HTML.

        Raises:
            NotFound: there is no such execution.
        """
        from drskit.views.board import board_parts

        execution = self.session.store.load(execution_id)
        now = self.session.store.now()
        again = self.session.launched_again(execution)
        typed = typed_commands(execution_id, offers(execution, now), cleanable=cleanable(execution))
        mode, *parts = board_parts(execution, now, again)
        stuck = next((row.stuck for row in self._rows if row.header.execution_id == execution_id and row.stuck), None)
        return (mode, stuck_part(stuck), *parts, commands_part(typed))

    # --- what a notebook calls ---------------------------------------------------------------------------------------

    def show(self) -> "Watching":
        """Show the executions: refreshing and to be pressed where a person is, else once."""
        from drskit.views.watch import LiveList, StaticList

        person = person_is_there(self.session.settings.ui)
        return LiveList(self).shown() if person else StaticList(self, print_line).shown()

    def executions(self) -> "pd.DataFrame":
        """Every execution that fits the parameters, as a table."""
        from drskit.views.frames import executions_frame

        wanted = self.parameters
        return executions_frame(
            row
            for row in sorted(self._rows, key=lambda row: row.urgency)
            if wanted.plan in ("", row.header.plan_id) and wanted.status in ("", row.header.status.value)
        )

    def raise_for_status(self) -> None:
        """End well only when nothing is stuck; for the notebook's last cell, so that a scheduler can watch by it.

        Raises:
            NotCompleted: something is stuck.
        """
        stuck = [row for row in self._rows if row.stuck]
        if stuck:
            raise NotCompleted("\n".join(f"{row.header.execution_id} is stuck: {row.stuck}" for row in stuck))
