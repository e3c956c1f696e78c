"""What a board shows of an execution, as plain values.

Pure: an execution and a time go in, rows come out. Notebook, terminal and
tables are drawn from these rows, so that all of them say the same.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.approvers import question
from drskit.edit import WAITS
from drskit.estimates import estimate
from drskit.model import (
    Command,
    Execution,
    ExecutionStatus,
    ExecutionType,
    Mode,
    Phase,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.progress import paced_jobs, paced_waves, passed
from drskit.states import STARTED_WAVE
from drskit.steps import steps_of, waits_for_a_step
from drskit.views.leftovers import leftovers
from drskit.views.notes import Note, notes_of, wave_notes_of
from drskit.views.words import clock, counted, moment, plain, roughly, shortened

SHOWN = 40
"""Servers of a wave that are shown openly in a wave that is larger."""
TROUBLE = (ServerStatus.FAILED, ServerStatus.UNKNOWN)
"""What a person must look at."""
TOLD_LENGTH = 400
NO_REASON = "DRS gave no reason; look at the job's log and at CloudTrail."
UP = (ServerStatus.LAUNCHED, ServerStatus.VERIFIED, ServerStatus.TERMINATED)
"""What came up in a launch, whatever became of it since."""
DONE = {ExecutionType.CLEANUP: (ServerStatus.TERMINATED,)}
"""What an execution of this type is to reach; for the others it is to come up."""
VERBS = {ExecutionType.CLEANUP: "terminated"}


@dataclass(frozen=True)
class ServerRow:
    """One source server of a wave."""

    source_server_id: str
    name: str
    status: ServerStatus
    critical: bool
    phase: Phase | None
    """The phase that lasts now."""
    phase_elapsed: timedelta | None
    elapsed: timedelta | None
    """From its launch's start to its end, or to now."""
    job_id: str | None
    attempt: int | None
    recovery_instance_id: str | None
    error: str | None
    terminated_by: str | None = None
    """The cleanup that terminated its instance."""

    @property
    def urgency(self) -> int:
        """Sorts failed, unknown, under way and waiting before what is done."""
        order = (*TROUBLE, ServerStatus.LAUNCHING, ServerStatus.PENDING)
        return order.index(self.status) if self.status in order else len(order)


@dataclass(frozen=True)
class WaveRow:
    """One wave with its servers, those that need a look first."""

    name: str
    status: WaveStatus
    done: int
    verb: str
    """What was done with them: launched, or terminated."""
    total: int
    failed: int
    elapsed: timedelta | None
    waiting_for: str | None
    reason: str | None
    servers: tuple[ServerRow, ...]
    estimate: str | None = None
    """When it will have come up, with what that stands on."""
    notes: tuple[Note, ...] = ()

    @property
    def trouble(self) -> int:
        """How many servers failed or cannot be seen."""
        return sum(server.status in TROUBLE for server in self.servers)

    @property
    def shown(self) -> tuple[ServerRow, ...]:
        """All of a small wave; of a large one those not done, and of these at least all in trouble."""
        if self.total <= SHOWN:
            return self.servers
        open_ones = tuple(server for server in self.servers if server.status not in UP or server.error)
        return open_ones[: max(SHOWN, self.trouble)]

    @property
    def folded(self) -> tuple[ServerRow, ...]:
        """The others."""
        shown = {server.source_server_id for server in self.shown}
        return tuple(server for server in self.servers if server.source_server_id not in shown)


@dataclass(frozen=True)
class Board:
    """An execution as it is shown."""

    mode: Mode
    execution_type: ExecutionType
    plan_id: str
    execution_id: str
    account_id: str
    region: str
    status: ExecutionStatus
    waiting_for: str | None
    fast: bool
    finished: bool
    now: datetime
    elapsed: timedelta
    waves: tuple[WaveRow, ...]
    leftovers: tuple[str, ...] = ()
    """Of a finished drill: what of it still runs, and what was terminated since."""
    told: str | None = None
    """What a person said last, and what became of it."""
    notes: tuple[Note, ...] = ()

    @property
    def done(self) -> int:
        """How many servers came up, or of a cleanup are terminated."""
        return sum(wave.done for wave in self.waves)

    @property
    def verb(self) -> str:
        """What was done with them: launched, or terminated."""
        return VERBS.get(self.execution_type, "launched")

    @property
    def total(self) -> int:
        """How many servers there are."""
        return sum(wave.total for wave in self.waves)


def board_of(execution: Execution, now: datetime, again: Collection[str] = ()) -> Board:
    """The rows of an execution as of `now`; `again` are its waves that a newer one launched again."""
    return Board(
        mode=execution.mode,
        execution_type=execution.execution_type,
        plan_id=execution.plan_id,
        execution_id=execution.execution_id,
        account_id=execution.account_id,
        region=execution.region,
        status=execution.status,
        waiting_for=execution.waiting_for,
        fast=execution.fast,
        finished=execution.end_time is not None,
        now=now,
        elapsed=max((execution.end_time or now) - execution.start_time, timedelta()),
        waves=tuple(_wave_row(execution, wave, now) for wave in execution.waves),
        leftovers=leftovers(execution, now, again),
        told=_told(execution.commands[-1]) if execution.commands else None,
        notes=notes_of(execution, now),
    )


def _told(command: Command) -> str:
    about = command.wave_name or ", ".join(command.server_ids)
    answer = command.answer or ("done" if command.acknowledged else "not carried out yet")
    said = f"{command.kind}{f' {about}' if about else ''} by {command.by} at {moment(command.at)}: {command.reason}"
    return f"{plain(shortened(said, TOLD_LENGTH))} → {plain(shortened(answer, TOLD_LENGTH))}"


def trouble_of(server: ServerRow | ServerRun) -> str | None:
    """Why the server failed, and what became of what it left; DRS fails some without a word (drs-facts §5.4)."""
    if server.status not in TROUBLE:
        return server.error
    silent = NO_REASON if server.status is ServerStatus.FAILED else None
    error = server.error or silent
    if server.terminated_by is None:
        return error
    told = f"Its instance was terminated by cleanup {server.terminated_by}."
    return f"{error.rstrip('.')}. {told}" if error else told


def waves_waiting(execution: Execution) -> tuple[str, ...]:
    """The names of the waves that wait for an approval."""
    return tuple(wave.wave_name for wave in execution.waves if wave.status is WaveStatus.WAITING_APPROVAL)


def _wave_row(execution: Execution, wave: WaveRun, now: datetime) -> WaveRow:
    end = wave.end_time or execution.end_time or now
    rows = (_server_row(server, now=now, over=execution.end_time) for server in wave.servers)
    return WaveRow(
        name=wave.wave_name,
        status=wave.status,
        done=sum(server.status in DONE.get(execution.execution_type, UP) for server in wave.servers),
        verb=VERBS.get(execution.execution_type, "launched"),
        total=len(wave.servers),
        failed=sum(server.status is ServerStatus.FAILED for server in wave.servers),
        elapsed=end - wave.start_time if wave.start_time else None,
        waiting_for=None if execution.end_time else _waiting_for(execution, wave, now),
        reason=wave.reason,
        servers=tuple(sorted(rows, key=lambda row: row.urgency)),
        estimate=_estimate(execution, wave, now),
        notes=wave_notes_of(execution, wave, now),
    )


def _estimate(execution: Execution, wave: WaveRun, now: datetime) -> str | None:
    found = estimate(execution, wave, now)
    if found is None:
        return None
    if not found.begun:
        return f"about {roughly(found.lasts)} once it begins, {found.basis}"
    if found.late:
        return f"{roughly(found.late)} longer than estimated {found.basis}"
    return f"about {roughly(found.lasts)} left, until {clock(now + found.lasts)}, {found.basis}"


def _waiting_for(execution: Execution, wave: WaveRun, now: datetime) -> str | None:
    declared = next((declared for declared in execution.plan.waves if declared.name == wave.wave_name), None)
    if wave.status is WaveStatus.WAITING_APPROVAL:
        text = question(declared.approval) if declared and declared.approval else ""
        return f"an approval: {text}" if text else "an approval"
    if wave.not_before and wave.not_before > now:
        return f"its next launch request at {clock(wave.not_before)}"
    if wave.status is WaveStatus.QUEUED:
        return (wave.reason or "a free job slot").removeprefix(WAITS)
    paused = (paced_waves(execution, now) | paced_jobs(execution)).get(wave.wave_name)
    if paused is not None and paused > now:
        return f"the end of a pause at {clock(paused)}"
    return _other_servers(execution, declared, wave) if declared else None


def _other_servers(execution: Execution, declared: Wave, wave: WaveRun) -> str | None:
    """The waves, or the step of its own, that the wave waits for."""
    if wave.status is WaveStatus.PENDING:
        awaited = [name for name in declared.needs if not passed(execution, name)]
        return f"wave {', '.join(awaited)}" if awaited else None
    return _step_waited_for(execution, declared, wave)


def _step_waited_for(execution: Execution, declared: Wave, wave: WaveRun) -> str | None:
    """The step that lasts, where servers of the wave wait for its end."""
    waiting = waits_for_a_step(execution, declared, wave)
    if wave.status not in STARTED_WAVE or not waiting:
        return None
    steps = steps_of(declared, tuple(server.source_server_id for server in wave.servers))
    number = next(number for number, step in enumerate(steps, 1) if not waiting.isdisjoint(step)) - 1
    return f"step {number} of {len(steps)} to end; {counted(len(waiting), 'server')} not launched before"


def _server_row(server: ServerRun, *, now: datetime, over: datetime | None) -> ServerRow:
    lasting = next((span for span in reversed(server.phases) if span.end_time is None), None)
    if server.status is not ServerStatus.LAUNCHING:
        lasting = None
    end = server.end_time or over or now
    return ServerRow(
        source_server_id=server.source_server_id,
        name=server.name,
        status=server.status,
        critical=server.critical,
        phase=lasting.phase if lasting else None,
        phase_elapsed=max((over or now) - lasting.start_time, timedelta()) if lasting else None,
        elapsed=max(end - server.start_time, timedelta()) if server.start_time else None,
        job_id=server.job_id,
        attempt=server.attempt,
        recovery_instance_id=server.recovery_instance_id,
        error=server.error,
        terminated_by=server.terminated_by,
    )
