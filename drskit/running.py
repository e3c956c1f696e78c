"""Which finished drills still have instances, by the record.

Computed from headers alone, so that a list needs no further read. A wave that a
newer drill of the plan launched again is superseded: DRS terminated its
instances then (drs-facts §1.7).
"""

from collections.abc import Iterable
from datetime import datetime

from drskit.launches import LAUNCHED
from drskit.model import ExecutionHeader, ExecutionType, Record, WaveSummary
from drskit.states import FINAL_EXECUTION


class RunningInstances(Record):
    """What a drill left running."""

    count: int
    since: datetime
    """When the first of its waves with such instances ended."""


def running_instances(headers: Iterable[ExecutionHeader]) -> dict[str, RunningInstances]:
    """By execution: what each finished drill among these left running; the others are missing.

    Headers of all executions of a plan must be given, or a newer one cannot supersede.
    """
    found: dict[str, RunningInstances] = {}
    again: set[tuple[str, str]] = set()
    for header in sorted(headers, key=lambda header: (header.start_time, header.execution_id), reverse=True):
        if header.execution_type is ExecutionType.CLEANUP:
            continue
        left = [wave for wave in header.waves if _count(wave) and (header.plan_id, wave.wave_name) not in again]
        if left and header.execution_type is ExecutionType.DRILL and header.status in FINAL_EXECUTION:
            since = min(wave.end_time or header.end_time or header.start_time for wave in left)
            found[header.execution_id] = RunningInstances(count=sum(map(_count, left)), since=since)
        again |= {(header.plan_id, wave.wave_name) for wave in header.waves if wave.jobs or _count(wave)}
    return found


def _count(wave: WaveSummary) -> int:
    """How many of its servers have an instance, as far as the header tells."""
    return sum(wave.servers.get(status, 0) for status in LAUNCHED)
