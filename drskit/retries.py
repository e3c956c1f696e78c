"""Retry: what failed is launched again, and what was not begun because of it may begin.

A retry never launches what may be launching: a server whose job has no known end
is followed again, and a chunk with an open attempt gets no second one.
"""

from dataclasses import dataclass, field

from drskit.attempts import reopened
from drskit.calledoff import stopping
from drskit.checking import afresh, to_check_again
from drskit.costs import too_dear, without_stale_question
from drskit.edit import with_attempt, with_wave
from drskit.endings import being_ended, ended_because
from drskit.model import (
    Attempt,
    AttemptStatus,
    Command,
    Decision,
    Execution,
    Lull,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.progress import lost_servers, still_works
from drskit.states import FINAL_WAVE, RETRY_SERVER, RETRY_WAVE, STARTED_WAVE
from drskit.taskorders import busy, ending_again, renewed
from drskit.tasks import Turn, at_the_end
from drskit.timelimit import deadline_of

ENDED_BADLY = frozenset(
    status for status, arrows in RETRY_WAVE.items() if status in FINAL_WAVE and WaveStatus.PREPARING in arrows
)
"""A wave that a retry prepares again."""
HELD_ON = "nothing starts before somebody resumes it"
"""The answer to a retry while somebody has it paused; the end of an execution ends a pause, too."""
MOST_LULLS = 20
"""So many are kept of a wave, for its item must not grow with each retry."""


@dataclass(frozen=True)
class _Retry:
    """A retry that makes sense: what it is about, and who says so."""

    decision: Decision
    server_ids: frozenset[str]
    """Empty where it is about all that can be retried."""
    again: list[str] = field(default_factory=list)
    """What was done, for the answer."""


def retry(execution: Execution, command: Command, decision: Decision) -> tuple[Execution, str, str | None]:
    """What the execution becomes and the answer; or why there is nothing to retry."""
    if ending := being_ended(execution):
        return execution, "", ending
    waves = _waves(execution, command)
    complaint = _complaint(execution, command, waves)
    if complaint:
        return execution, "", complaint
    order = _Retry(decision, frozenset(command.server_ids))
    execution = without_stale_question(execution)
    for plan_wave, wave in waves:
        execution = _again(execution, plan_wave, wave, order)
    order.again.extend(
        f"wave {wave.wave_name} waits until somebody allows more than the budget"
        for wave in execution.waves
        if wave.unweighed and too_dear(execution, wave, decision.at)
    )
    execution = _revive(execution, order)
    if _end_failed(execution):
        order.again.append("what failed at the end is run again")
    execution = renewed(execution, None, decision)
    if any(wave.status not in FINAL_WAVE for wave in execution.waves):
        execution = ending_again(execution, decision)
    execution = execution.model_copy(update={"deadline": deadline_of(execution.plan, decision.at)})
    if execution.held:
        order.again.append(HELD_ON)
    return execution, "; ".join(order.again), None


def _waves(execution: Execution, command: Command) -> list[tuple[Wave, WaveRun]]:
    """The waves that the command is about."""
    pairs = list(zip(execution.plan.waves, execution.waves, strict=True))
    if command.wave_name is not None:
        return [pair for pair in pairs if pair[1].wave_name == command.wave_name]
    if command.server_ids:
        wanted = set(command.server_ids)
        return [pair for pair in pairs if wanted & {server.source_server_id for server in pair[1].servers}]
    return [pair for pair in pairs if pair[1].status in ENDED_BADLY or _waits(execution, pair[1])]


def _waits(execution: Execution, wave: WaveRun) -> bool:
    """Whether nothing of a started wave works any more, and a person must say what becomes of the rest."""
    return bool(lost_servers(execution, wave)) and not still_works(execution, wave)


def _complaint(execution: Execution, command: Command, waves: list[tuple[Wave, WaveRun]]) -> str | None:
    if not waves and not _late(execution) and not _end_failed(execution):
        return "nothing of it has failed, so there is nothing to retry"
    servers = {server.source_server_id: server for _, wave in waves for server in wave.servers}
    for server_id in command.server_ids:
        if server_id not in servers:
            return f"{server_id} is not in wave {command.wave_name}"
        complaint = _about_server(servers[server_id])
        if complaint:
            return complaint
    complaints = [_about_wave(execution, wave) for _, wave in waves] + [_about_the_rest(execution, waves)]
    return next((complaint for complaint in complaints if complaint), None)


def _late(execution: Execution) -> bool:
    """Whether the plan's time was over before all of its waves had begun."""
    passed = execution.deadline is not None and execution.deadline.passed is not None
    return passed and any(wave.status is WaveStatus.CANCELLED for wave in execution.waves)


def _end_failed(execution: Execution) -> bool:
    """Whether something failed that was to be done at the end."""
    return at_the_end(execution).turn is Turn.FAILED


def _about_the_rest(execution: Execution, waves: list[tuple[Wave, WaveRun]]) -> str | None:
    """A wave that was left out cannot begin where another one's failure has ended the plan."""
    mine = {wave.wave_name for _, wave in waves}
    others = ", ".join(wave.wave_name for wave in stopping(execution) if wave.wave_name not in mine)
    left_out = [wave.wave_name for _, wave in waves if wave.status is WaveStatus.SKIPPED]
    if not (others and left_out):
        return None
    return f"wave {left_out[0]} cannot begin, for {others} failed: retry that first"


def _about_server(server: ServerRun) -> str | None:
    if server.status in RETRY_SERVER or to_check_again(server):
        return None
    if server.status in {ServerStatus.PENDING, ServerStatus.LAUNCHING}:
        return f"{server.source_server_id} is {server.status}: its launch has not ended"
    return f"{server.source_server_id} is {server.status}; only what failed or was left out is launched again"


def _about_wave(execution: Execution, wave: WaveRun) -> str | None:
    name = wave.wave_name
    if wave.status in ENDED_BADLY or wave.status is WaveStatus.SKIPPED or _waits(execution, wave):
        return None
    if wave.status in STARTED_WAVE:
        return _about_started(execution, name)
    if wave.status is WaveStatus.CANCELLED:
        if _late(execution):
            return f"wave {name} was not begun, for {ended_because(execution)}: retry without naming a wave"
        return f"wave {name} was not begun because an earlier wave failed: retry that one, and {name} follows"
    if wave.status is WaveStatus.COMPLETED:
        return f"wave {name} is COMPLETED, so there is nothing to retry"
    return f"wave {name} is {wave.status}: nothing of it has failed"


def _about_started(execution: Execution, name: str) -> str:
    if any(attempt.status is AttemptStatus.FOREIGN for attempt in execution.attempts_of(name)):
        return f"wave {name} waits for a decision about what stands in its way: resume has it tried again"
    running = busy(execution, name)
    return f"wave {name}: {running}" if running else f"wave {name} still runs: wait until its job has ended"


def _again(execution: Execution, plan_wave: Wave, wave: WaveRun, order: _Retry) -> Execution:
    """Let one wave begin again with what of it is not launched."""
    running = {
        attempt.job_id
        for attempt in execution.attempts_of(wave.wave_name)
        if attempt.status is AttemptStatus.LAUNCHED and attempt.end_time is None
    }
    chosen = {
        server.source_server_id
        for server in wave.servers
        if server.status in RETRY_SERVER or to_check_again(server)
        if not order.server_ids or server.source_server_id in order.server_ids
    }
    servers = tuple(
        _renewed(server, plan_wave, running) if server.source_server_id in chosen else server for server in wave.servers
    )
    _tell(wave, servers, chosen, running, order)
    fresh = any(one.source_server_id in chosen and one.status is ServerStatus.PENDING for one in servers)
    if wave.status is WaveStatus.SKIPPED:
        return _afresh(execution, wave, servers, order.decision)
    execution = renewed(execution, wave.wave_name, order.decision)
    for attempt in execution.attempts_of(wave.wave_name):
        if attempt.status is AttemptStatus.FOREIGN and wave.status in FINAL_WAVE:
            execution = _let_go(execution, attempt)
    return with_wave(
        execution, wave.wave_name,
        status=WaveStatus.PREPARING, servers=servers, retried=order.decision, lulls=_lulls(wave, order.decision),
        end_time=None, reason=None, checking=None, overridden=None, skipped=None, not_before=None,
        unweighed=(fresh or wave.unweighed) and execution.budget is not None,
    )  # fmt: skip


def _lulls(wave: WaveRun, decision: Decision) -> tuple[Lull, ...] | None:
    """How long the wave has waited for this word and those before it; none where it had not ended."""
    if wave.end_time is None:
        return wave.lulls
    return (*(wave.lulls or ()), Lull(since=wave.end_time, until=max(decision.at, wave.end_time)))[-MOST_LULLS:]


def _renewed(server: ServerRun, plan_wave: Wave, running: set[str | None]) -> ServerRun:
    """The server as before its launch; one whose job may still launch it is only looked for again.

    What a cleanup terminated came up before: its job launches it no more. One that came up and did not pass its checks
    is checked again, for whoever retries has mended it; it is not launched again.
    """
    if server.status is ServerStatus.UNKNOWN and server.job_id in running and server.terminated_by is None:
        return server.model_copy(update={"status": ServerStatus.LAUNCHING, "error": None, "proof": None})
    if to_check_again(server):
        return afresh(server)
    name = server.source_server_id
    size = server.size.model_copy(update={"seen": False}) if server.size else None
    return ServerRun(
        source_server_id=name, name=server.name, critical=name not in plan_wave.optional, snapshot=server.snapshot,
        size=size,
    )  # fmt: skip


def _tell(
    wave: WaveRun, servers: tuple[ServerRun, ...], chosen: set[str], running: set[str | None], order: _Retry
) -> None:
    """Say what becomes of each server of the wave."""
    mine = [server for server in servers if server.source_server_id in chosen]
    fresh = [server.source_server_id for server in mine if server.status is ServerStatus.PENDING]
    kept = len(servers) - len(mine)
    if fresh:
        jobs = ", ".join(sorted(job for job in running if job))
        when = f" when {jobs} has ended" if jobs else ""
        needs = ", when what it needs is done" if wave.status is WaveStatus.SKIPPED else when
        order.again.append(f"wave {wave.wave_name} launches {names(fresh)} again{needs}")
    checked = [server.source_server_id for server in mine if server.status is ServerStatus.LAUNCHED]
    if checked:
        order.again.append(f"wave {wave.wave_name} checks {names(checked)} again")
    order.again.extend(
        f"{server.source_server_id} is looked for again: its job {server.job_id} has no known end"
        for server in mine
        if server.status is ServerStatus.LAUNCHING
    )
    if kept:
        order.again.append(f"{kept} of {len(servers)} servers of wave {wave.wave_name} are left as they are")


def names(server_ids: list[str]) -> str:
    """A few ids, and how many more there are."""
    more = f" and {len(server_ids) - 5} more" if len(server_ids) > 5 else ""
    return ", ".join(server_ids[:5]) + more


def _afresh(execution: Execution, wave: WaveRun, servers: tuple[ServerRun, ...], decision: Decision) -> Execution:
    """The wave as if it had never begun: it waits for what it needs, and for its approval, again."""
    for attempt in execution.attempts_of(wave.wave_name):
        if attempt.status is AttemptStatus.FOREIGN:
            execution = _let_go(execution, attempt)
    execution = renewed(execution, wave.wave_name, decision)
    bare = WaveRun(wave_name=wave.wave_name, servers=servers, retried=decision)
    waves = tuple(bare if run.wave_name == wave.wave_name else run for run in execution.waves)
    return execution.model_copy(update={"waves": waves})


def _let_go(execution: Execution, attempt: Attempt) -> Execution:
    """End a held attempt of a wave that begins again, if it certainly came to nothing; else have it judged again."""
    if attempt.refused:
        return with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED)
    return reopened(execution, attempt)


def _revive(execution: Execution, order: _Retry) -> Execution:
    """Let the waves that an earlier failure called off wait for their turn again."""
    called_off = [
        (plan_wave, wave)
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if wave.status is WaveStatus.CANCELLED
    ]
    if not called_off:
        return execution
    failed = stopping(execution)
    if failed:
        others = ", ".join(wave.wave_name for wave in failed)
        order.again.append(f"what comes after stays cancelled, for {others} failed too: retry that as well")
        return execution
    for plan_wave, wave in called_off:
        servers = tuple(
            _renewed(server, plan_wave, set()) if server.status is ServerStatus.SKIPPED else server
            for server in wave.servers
        )
        execution = _afresh(execution, wave, servers, order.decision)
    order.again.append(f"{', '.join(wave.wave_name for _, wave in called_off)} may follow")
    return execution
