"""Skip: a wave or a server is left out, as long as it is certain that nothing of it was launched."""

from collections.abc import Iterable

from drskit.checking import without_checks
from drskit.checkrounds import is_open
from drskit.edit import changed, with_attempt, with_servers, with_wave
from drskit.endings import being_ended, leave_out, skipped_by
from drskit.model import (
    Attempt,
    AttemptStatus,
    Command,
    Decision,
    Execution,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.progress import awaits_verdict, lost_servers
from drskit.retries import ENDED_BADLY, names
from drskit.states import FINAL_WAVE, WAVE
from drskit.taskorders import busy

SKIPPABLE = frozenset(status for status, arrows in WAVE.items() if WaveStatus.SKIPPED in arrows)
"""A wave of which nothing need be launched yet."""
ASKED = "its launch is being asked for, and the outcome is not known yet; try again in a minute"
MAYBE = "its request may have been carried out; resume to look again, or cancel"


def skip(execution: Execution, command: Command, decision: Decision) -> tuple[Execution, str, str | None]:
    """What the execution becomes and the answer; or why nothing can be left out."""
    if ending := being_ended(execution):
        return execution, "", ending
    if command.server_ids:
        return _skip_servers(execution, command, decision)
    pair = next((pair for pair in _pairs(execution) if pair[1].wave_name == command.wave_name), None)
    if pair is None:
        return execution, "", f"there is no wave {command.wave_name}"
    complaint = _about_wave(execution, *pair)
    if complaint:
        return execution, "", complaint
    return _without_wave(execution, pair[1].wave_name, decision), f"wave {command.wave_name} is left out", None


def _pairs(execution: Execution) -> list[tuple[Wave, WaveRun]]:
    return list(zip(execution.plan.waves, execution.waves, strict=True))


def _about_wave(execution: Execution, plan_wave: Wave, wave: WaveRun) -> str | None:
    """Why the wave cannot be left out."""
    name = wave.wave_name
    if wave.status in {WaveStatus.SKIPPED, WaveStatus.CANCELLED}:
        return f"wave {name} is {wave.status} already"
    if wave.status in ENDED_BADLY - {WaveStatus.PARTIAL}:
        return f"wave {name} is {wave.status}: {_instead(plan_wave, wave)}"
    if wave.status in FINAL_WAVE:
        return f"wave {name} is {wave.status}; nothing of it is left to skip"
    open_attempt = busy(execution, name) or _about_attempts(execution.attempts_of(name))
    if open_attempt:
        return f"wave {name}: {open_attempt}"
    return None if wave.status in SKIPPABLE else f"wave {name} is {wave.status}; that is past skipping"


def _about_attempts(attempts: tuple[Attempt, ...]) -> str | None:
    """What of these attempts keeps their servers from being left out together."""
    launched = [attempt.job_id for attempt in attempts if attempt.status is AttemptStatus.LAUNCHED]
    if launched:
        return f"{launched[-1]} launched servers of it; name with --server what else is to be left out"
    return _about_open(attempts)


def _about_open(attempts: Iterable[Attempt]) -> str | None:
    """Why nobody can be sure that these attempts come to nothing."""
    statuses = {attempt.status for attempt in attempts if not attempt.refused or attempt.status is AttemptStatus.INTENT}
    if AttemptStatus.INTENT in statuses:
        return ASKED
    return MAYBE if AttemptStatus.FOREIGN in statuses else None


def _instead(plan_wave: Wave, wave: WaveRun) -> str:
    if awaits_verdict(plan_wave, wave):
        return "resume goes on without it, retry launches it again"
    return "retry launches it again"


def _without_wave(execution: Execution, wave_name: str, decision: Decision) -> Execution:
    for attempt in execution.attempts_of(wave_name):
        if attempt.status is AttemptStatus.FOREIGN:
            execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED)
    return leave_out(execution, wave_name, decision)


def _skip_servers(execution: Execution, command: Command, decision: Decision) -> tuple[Execution, str, str | None]:
    wanted = set(command.server_ids)
    known: set[str] = set()
    for plan_wave, wave in _pairs(execution):
        mine = [server for server in wave.servers if server.source_server_id in wanted]
        known |= {server.source_server_id for server in mine}
        if mine and command.wave_name not in {None, wave.wave_name}:
            return execution, "", f"{mine[0].source_server_id} is in wave {wave.wave_name}, not in {command.wave_name}"
        complaints = (_about_server(execution, plan_wave, wave, server) for server in mine)
        complaint = next((text for text in complaints if text), None)
        if complaint:
            return execution, "", complaint
    if known != wanted:
        return execution, "", f"{min(wanted - known)} is no server of it"
    before = execution.waves
    for wave in before:
        execution = _without_servers(execution, wave, wanted, decision)
    left = [
        old.wave_name for old, new in zip(before, execution.waves, strict=True)
        if new.status is WaveStatus.SKIPPED and old.status is not new.status
    ]  # fmt: skip
    whole = f"; with that, wave {', '.join(left)} is left out" if left else ""
    return execution, f"{names(sorted(wanted))}: left out{whole}", None


def _about_server(execution: Execution, plan_wave: Wave, wave: WaveRun, server: ServerRun) -> str | None:
    """Why the server cannot be left out."""
    name = server.source_server_id
    match server.status:
        case ServerStatus.PENDING:
            doubt = _about_open(part for part in execution.attempts_of(wave.wave_name) if name in part.server_ids)
            return f"{name}: {doubt}" if doubt else None
        case ServerStatus.UNKNOWN if wave.status not in FINAL_WAVE:
            known = server in lost_servers(execution, wave)
            return None if known else f"{name} is UNKNOWN, and its job {server.job_id} has no known end"
        case ServerStatus.UNKNOWN | ServerStatus.FAILED:
            over = wave.status in FINAL_WAVE
            instead = _instead(plan_wave, wave) if over else "when its wave has ended, retry launches it again"
            return f"{name} is {server.status}: {instead}"
        case ServerStatus.LAUNCHED if wave.status is WaveStatus.VERIFYING and server.checks and is_open(server):
            return None
        case ServerStatus.LAUNCHING:
            return f"{name} is LAUNCHING by {server.job_id}, and DRS cannot stop it"
        case _:
            return f"{name} is {server.status}; nothing of it is left to skip"


def _without_servers(execution: Execution, wave: WaveRun, wanted: set[str], decision: Decision) -> Execution:
    """Leave these servers of the wave out; their absence no longer fails it. A wave without any is left out itself."""

    def leave(server: ServerRun) -> ServerRun:
        if server.source_server_id not in wanted:
            return server
        if server.status is ServerStatus.LAUNCHED:
            return server
        return changed(server, status=ServerStatus.SKIPPED, critical=False, error=skipped_by(decision))

    after = without_checks(with_servers(wave, leave), skipped_by(decision), frozenset(wanted))
    if after is wave:
        return execution
    for attempt in execution.attempts_of(wave.wave_name):
        if attempt.status is AttemptStatus.FOREIGN and attempt.refused and wanted & set(attempt.server_ids):
            execution = with_attempt(execution, attempt.attempt_id, status=AttemptStatus.NOT_EXECUTED)
    execution = with_wave(execution, wave.wave_name, servers=after.servers, checking=after.checking)
    if wave.status in SKIPPABLE and all(server.status is ServerStatus.SKIPPED for server in after.servers):
        return leave_out(execution, wave.wave_name, decision)
    return execution
