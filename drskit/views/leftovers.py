"""What a finished drill left running, and what was terminated since, in words."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from drskit.model import Execution, ExecutionType, ServerStatus
from drskit.running import left_running
from drskit.views.words import age, counted, moment

SUPERSEDED = "were replaced when a newer execution of the plan launched their servers again"


def leftovers(execution: Execution, now: datetime, again: Collection[str] = ()) -> tuple[str, ...]:
    """A sentence each about a finished drill's instances; none of anything else.

    Args:
        execution: the drill, whole.
        now: as of when.
        again: its servers that a newer execution launched again.
    """
    if execution.execution_type is not ExecutionType.DRILL or execution.end_time is None:
        return ()
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
    lines = [f"{_were(count)} terminated by cleanup {cleanup_id}." for cleanup_id, count in by.items()]
    lines += [f"{_were(silent)} found gone; no cleanup terminated {'it' if silent == 1 else 'them'}."] if silent else []
    return tuple(lines)


def _were(count: int) -> str:
    return f"{counted(count, 'instance')} of this drill {'was' if count == 1 else 'were'}"
