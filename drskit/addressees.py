"""Whom a command is for: the wave and the servers that a person named, or the only ones that it can be about."""

from drskit.errors import InvalidInput, NotFound, Refused
from drskit.model import CommandKind, Execution, ExecutionType, WaveStatus
from drskit.states import FINAL_EXECUTION, RETRY_EXECUTION

OF_AN_APPROVAL = frozenset({CommandKind.APPROVE, CommandKind.DECLINE})
OF_A_WAVE = OF_AN_APPROVAL | {CommandKind.RESUME, CommandKind.RETRY, CommandKind.SKIP, CommandKind.EDIT}
OF_SERVERS = frozenset({CommandKind.RETRY, CommandKind.SKIP})
OF_A_CLEANUP = frozenset({CommandKind.PAUSE, CommandKind.RESUME, CommandKind.CANCEL})
"""What a cleanup can be told."""


def target(execution: Execution, kind: CommandKind, wave: str | None, servers: tuple[str, ...]) -> str | None:
    """The wave that a command is for; None when it is for the whole execution, or for the named servers.

    Raises:
        InvalidInput: a command of this kind is not about that.
        NotFound: there is no such wave or server.
        Refused: the execution is over, nothing waits for it, or the same is recorded already.
    """
    unfit = unfit_for_a_cleanup(execution, kind)
    if unfit is not None:
        raise Refused(f"{unfit[0].upper()}{unfit[1:]}.")
    reopens = kind is CommandKind.RETRY and execution.status in RETRY_EXECUTION
    if execution.status in FINAL_EXECUTION and not reopens:
        raise Refused(
            f"Execution {execution.execution_id} is {execution.status}; nothing is left to {kind}.{_again(execution)}"
        )
    _make_sure_of_names(execution, kind, wave, servers)
    pending = [command for command in execution.commands if command.acknowledged is None]
    same = [(command.wave_name, set(command.server_ids)) for command in pending if command.kind is kind]
    if kind in OF_AN_APPROVAL and wave is None:
        answered = {command.wave_name for command in pending if command.kind in OF_AN_APPROVAL}
        wave = _the_only_one_waiting(execution, answered)
    if (wave, set(servers)) in same and kind is not CommandKind.EDIT:
        about = f" of wave {wave}" if wave else f" of {', '.join(servers)}" if servers else ""
        raise Refused(f"The same {kind}{about} is recorded already; the next poll obeys it.")
    return wave


def unfit_for_a_cleanup(execution: Execution, kind: CommandKind) -> str | None:
    """Why this is nothing that a cleanup can be told; None where it is, or where it is told to no cleanup."""
    if execution.execution_type is not ExecutionType.CLEANUP or kind in OF_A_CLEANUP:
        return None
    return f"a cleanup can be paused, resumed or cancelled; clean up {execution.cleans} again for the rest"


def _again(execution: Execution) -> str:
    """What may be done about an execution that ended badly."""
    if execution.status not in RETRY_EXECUTION:
        return ""
    if execution.execution_type is ExecutionType.CLEANUP:
        return f" Clean up {execution.cleans} again for the rest."
    return " A retry launches again what failed."


def _make_sure_of_names(execution: Execution, kind: CommandKind, wave: str | None, servers: tuple[str, ...]) -> None:
    if wave is not None and kind not in OF_A_WAVE:
        raise InvalidInput(f"{kind} is about the whole execution. Leave --wave out.")
    if servers and kind not in OF_SERVERS:
        raise InvalidInput(f"{kind} is not about single servers. Leave --server out.")
    if kind is CommandKind.SKIP and wave is None and not servers:
        raise InvalidInput("Nothing is named to skip. Add --wave NAME, or --server ID.")
    if kind is CommandKind.EDIT and wave is None:
        raise InvalidInput("Nothing is named to edit. Add --wave NAME.")
    if wave is not None and wave not in {run.wave_name for run in execution.waves}:
        known = ", ".join(run.wave_name for run in execution.waves)
        raise NotFound(f"Execution {execution.execution_id} has no wave {wave!r}. Known: {known}.")
    has = {server.source_server_id for run in execution.waves for server in run.servers}
    strange = [server_id for server_id in servers if server_id not in has]
    if strange:
        raise NotFound(
            f"Execution {execution.execution_id} has no server {', '.join(strange)}. "
            f"`drskit executions show {execution.execution_id}` lists its servers."
        )


def _the_only_one_waiting(execution: Execution, answered: set[str | None]) -> str:
    """The wave that waits for approval, when the person named none."""
    waiting = [run.wave_name for run in execution.waves if run.status is WaveStatus.WAITING_APPROVAL]
    if not waiting:
        raise Refused(f"No wave of execution {execution.execution_id} waits for approval.")
    left = [name for name in waiting if name not in answered] or waiting
    if len(left) > 1:
        raise Refused(f"Several waves wait for approval: {', '.join(left)}. Name one with --wave.")
    return left[0]
