"""What a finished drill left running, and what was terminated since, in words."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from drskit.model import Execution, ExecutionType, ServerStatus
from drskit.running import left_running
from drskit.views.words import age, counted, moment

SUPERSEDED = "were replaced when a newer execution of the plan launched their servers again"


def leftovers(execution: Execution, now: datetime, again: Collection[str] = ()) -> tuple[str, ...]:
    """A sentence each about a finished drill's instances, and about those of a recovery that a cleanup terminated.

    Args:
        execution: the drill or recovery, whole.
        now: as of when.
        again: its servers that a newer execution launched again.
    """
    if execution.execution_type is ExecutionType.CLEANUP or execution.end_time is None:
        return ()
    if execution.execution_type is ExecutionType.RECOVERY:
        return _terminated(execution)
    left, own = left_running(execution, again), left_running(execution)
    lines = []
    if left and left.count:
        runs, them = ("runs", "it") if left.count == 1 else ("run", "them")
        lines.append(
            f"{counted(left.count, 'instance')} of this drill still {runs}, since {moment(left.since)} "
            f"({age(now - left.since)}); drskit cleanup {execution.execution_id} --reason … terminates {them}."
        )
    if left and left.unknown:
        lines.append(
            f"Whether {counted(left.unknown, 'server')} of this drill left an instance is not known; "
            f"drskit cleanup {execution.execution_id} --reason … looks."
        )
    replaced = (own.count if own else 0) - (left.count if left else 0)
    if replaced:
        words = SUPERSEDED if replaced > 1 else SUPERSEDED.replace("were", "was", 1).replace("servers", "server")
        lines.append(f"{counted(replaced, 'instance')} of this drill {words}.")
    return (*lines, *_terminated(execution))


def _terminated(execution: Execution) -> tuple[str, ...]:
    """How many of its instances were terminated, by which cleanup."""
    servers = [server for wave in execution.waves for server in wave.servers]
    by = Counter(server.terminated_by for server in servers if server.terminated_by)
    silent = sum(server.status is ServerStatus.TERMINATED and not server.terminated_by for server in servers)
    lines = [f"{_were(execution, count)} terminated by cleanup {cleanup_id}." for cleanup_id, count in by.items()]
    if silent:
        them = "it" if silent == 1 else "them"
        lines.append(f"{_were(execution, silent)} found gone; no cleanup terminated {them}.")
    return tuple(lines)


def _were(execution: Execution, count: int) -> str:
    kind = execution.execution_type.lower()
    return f"{counted(count, 'instance')} of this {kind} {'was' if count == 1 else 'were'}"
