"""Which finished drills still have instances, by the record.

Computed from headers alone wherever these tell enough, so that a list needs few
further reads. A wave that a newer drill of the plan launched again is
superseded: DRS terminated its instances then (drs-facts §1.7).
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from drskit.launches import LAUNCHED
from drskit.model import Execution, ExecutionHeader, ExecutionType, Record, ServerStatus, WaveRun, WaveSummary
from drskit.states import FINAL_EXECUTION

Whole = Callable[[ExecutionHeader], ExecutionHeader]
"""Makes a header whole that was cut to fit its item, by reading the execution."""
UNTOUCHED = frozenset({ServerStatus.PENDING, ServerStatus.SKIPPED})


class RunningInstances(Record):
    """What a drill left running."""

    count: int
    since: datetime
    """When the first of its waves with such instances ended."""


def as_it_is(header: ExecutionHeader) -> ExecutionHeader:
    """The header, whole or not."""
    return header


def running_instances(headers: Iterable[ExecutionHeader], whole: Whole = as_it_is) -> dict[str, RunningInstances]:
    """By execution: what each finished drill among these left running; the others are missing.

    Args:
        headers: all of a plan must be given, or a newer one cannot supersede.
        whole: reads what a header that was cut does not tell; it is asked only where that counts.
    """
    found: dict[str, RunningInstances] = {}
    launched: dict[str, set[str]] = {}
    for header in sorted(headers, key=lambda header: (header.start_time, header.execution_id), reverse=True):
        if header.execution_type is ExecutionType.CLEANUP:
            continue
        again = launched.setdefault(header.plan_id, set())
        told = whole(header) if _cut(header, again) else header
        left = [wave for wave in told.waves if _count(wave) and wave.wave_name not in again]
        if left and header.execution_type is ExecutionType.DRILL and header.status in FINAL_EXECUTION:
            since = min(wave.end_time or header.end_time or header.start_time for wave in left)
            found[header.execution_id] = RunningInstances(count=sum(map(_count, left)), since=since)
        again |= _launched(told)
    return found


def launched_again(headers: Iterable[ExecutionHeader], execution: Execution, whole: Whole = as_it_is) -> frozenset[str]:
    """The waves of an execution that a newer one of its plan launched again; their older instances are gone."""
    again: set[str] = set()
    for header in headers:
        newer = (header.start_time, header.execution_id) > (execution.start_time, execution.execution_id)
        if newer and header.plan_id == execution.plan_id and header.execution_type is not ExecutionType.CLEANUP:
            again |= _launched(whole(header) if _cut(header, again) else header)
    return frozenset(again)


def left_running(execution: Execution, again: Collection[str] = ()) -> RunningInstances | None:
    """What a finished drill left running, by its own record; None when that is nothing.

    Args:
        execution: the drill, whole.
        again: its waves that a newer execution launched again.
    """
    if execution.execution_type is not ExecutionType.DRILL or execution.status not in FINAL_EXECUTION:
        return None
    left = {wave.wave_name: _up(wave) for wave in execution.waves if wave.wave_name not in again}
    if not any(left.values()):
        return None
    ends = [wave.end_time or execution.end_time for wave in execution.waves if left.get(wave.wave_name)]
    return RunningInstances(count=sum(left.values()), since=min(end or execution.start_time for end in ends))


def _up(wave: WaveRun) -> int:
    return sum(server.status in LAUNCHED for server in wave.servers)


def _count(wave: WaveSummary) -> int:
    """How many of its servers have an instance, as far as the header tells."""
    return sum(wave.servers.get(status, 0) for status in LAUNCHED)


def _launched(header: ExecutionHeader) -> set[str]:
    return {wave.wave_name for wave in header.waves if wave.jobs or _count(wave)}


def _cut(header: ExecutionHeader, known: Collection[str]) -> bool:
    """Whether the header lacks what counts here: waves, counts, or the jobs of waves without an instance."""
    waves = [wave for wave in header.waves if wave.wave_name not in known]
    if header.waves_left_out or any(not wave.servers for wave in waves):
        return True
    jobless = not any(wave.jobs for wave in header.waves)
    return jobless and any(not _count(wave) and not UNTOUCHED.issuperset(wave.servers) for wave in waves)
