"""Who may launch next, and how much at once.

Pure. The quotas of an account and Region are shared by every execution there. A
recovery comes before drills and cleanups; among the same kind, the execution
with the fewest servers under way comes first, then the one whose last request,
or else whose start, is the longest ago. It gets one request, of as many servers
as fit; then the question is asked again. The waves of an execution take turns by
the same rule.

So nobody gets a slot while another one waits that holds less: a large wave and
many small plans share what is free, and nothing stays free while somebody waits.
Nobody waits for ever: once all that an execution had under way has ended, each
other one gets one request at most before it does.
"""

from datetime import datetime

from drskit.cleaning import calls_due
from drskit.decide import chunks_due
from drskit.edit import WAITS
from drskit.model import Execution, ExecutionType
from drskit.quotas import Load, Quotas, turn

SHOWN_AHEAD = 10
"""So many executions before one in the line are counted; a longer line is not counted anew at every step."""


def asks(execution: Execution, now: datetime) -> bool:
    """Whether it has something to ask DRS for now, if only there is room."""
    if execution.execution_type is ExecutionType.CLEANUP:
        return bool(calls_due(execution, now))
    return bool(chunks_due(execution, now))


def precedence(execution: Execution) -> tuple[bool, tuple[int, datetime, int], str]:
    """The place of an execution among those that ask; the smallest may ask first."""
    return execution.execution_type is not ExecutionType.RECOVERY, turn(execution), execution.execution_id


def room(load: Load, quotas: Quotas) -> int:
    """How many servers the next request may name; 0 when it must wait."""
    if load.jobs >= quotas.jobs:
        return 0
    return max(min(quotas.servers - load.servers, quotas.servers_per_job), 0)


def why_queued(load: Load, quotas: Quotas, ahead: int, region: str) -> str:
    """What somebody waits for who may not ask now, behind so many others."""
    where = f"{region}{_behind(ahead)}"
    if load.jobs >= quotas.jobs:
        taken = f"{load.jobs} of {quotas.jobs} jobs run{_others(load.jobs_of_others)}"
        full = f"a job slot in {where}: {taken}"
    elif load.servers >= quotas.servers:
        taken = f"{load.servers} of {quotas.servers} servers are in jobs{_others(load.servers_of_others)}"
        full = f"room for servers in {where}: {taken}"
    else:
        full = f"its turn in {where}"
    return f"{WAITS}{full}{f' ({quotas.doubt})' if quotas.doubt else ''}"


def why_refused(message: str, ahead: int, region: str) -> str:
    """What somebody waits for when DRS itself said that there is no room, although it seemed so."""
    return f"{WAITS}a job slot in {region}{_behind(ahead)}: DRS says that {message}"


def _others(count: int) -> str:
    return f", {count} of them not ours" if count else ""


def _behind(count: int) -> str:
    if not count:
        return ""
    number = f"more than {SHOWN_AHEAD}" if count > SHOWN_AHEAD else str(count)
    return f", behind {number} {'execution' if count == 1 else 'executions'}"
