"""Which finished drills still have instances, by the record.

Computed from headers alone wherever these tell enough, so that a list needs few
further reads. A server that a newer drill of the plan launched again is
superseded: DRS terminated its older instance then (drs-facts §1.7). Which
servers those are, no header says, but whether a newer drill launched the very
same ones: the executions are read where that is not so.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from drskit.checking import to_check_again
from drskit.launches import LAUNCHED
from drskit.model import (
    Execution,
    ExecutionHeader,
    ExecutionType,
    Record,
    ServerRun,
    ServerStatus,
    WaveRun,
    WaveSummary,
)
from drskit.states import FINAL_EXECUTION

Read = Callable[[ExecutionHeader], Execution | None]
"""Reads the execution of a header; None when it cannot be read."""
UNTOUCHED = frozenset({ServerStatus.PENDING, ServerStatus.SKIPPED})
MAY_RUN = LAUNCHED | {ServerStatus.UNKNOWN}
TO_READ = frozenset({ServerStatus.UNKNOWN, ServerStatus.FAILED})
"""What a header does not tell enough of: a server that failed came up, if its checks were what failed."""


SET_CHARACTERS = 32
"""Enough to tell sets apart, and little enough for every header."""


class RunningInstances(Record):
    """What a drill left running."""

    count: int
    """Of servers that came up."""
    since: datetime
    """When the first of its waves with such instances ended."""
    unknown: int = 0
    """How many servers more may have one: nobody knows what became of them."""


def running_instances(headers: Iterable[ExecutionHeader], read: Read) -> dict[str, RunningInstances]:
    """By execution: what each finished drill among these left running; the others are missing.

    Args:
        headers: all of a plan must be given, or a newer one cannot supersede.
        read: reads what a header does not tell; it is asked once for each, and only where that counts.
    """
    found: dict[str, RunningInstances] = {}
    newer: dict[str, list[ExecutionHeader]] = {}
    sets: set[tuple[str, str]] = set()
    known: dict[str, Execution | None] = {}

    def once(header: ExecutionHeader) -> Execution | None:
        if header.execution_id not in known:
            known[header.execution_id] = read(header)
        return known[header.execution_id]

    for header in sorted(headers, key=_age, reverse=True):
        if header.execution_type is ExecutionType.CLEANUP:
            continue
        later = newer.setdefault(header.plan_id, [])
        over = header.execution_type is ExecutionType.DRILL and header.status in FINAL_EXECUTION
        again = header.launched is not None and (header.plan_id, header.launched) in sets
        left = _left(header, later, once) if over and not again and _may(header, MAY_RUN | TO_READ) else None
        if left:
            found[header.execution_id] = left
        if header.launched is not None:
            sets.add((header.plan_id, header.launched))
        if _may(header, frozenset(ServerStatus) - UNTOUCHED):
            later.append(header)
    return found


def launched_set(execution: Execution) -> str | None:
    """A name for the set of servers that its jobs launched.

    None when there are none, and when a server may have an instance that no job tells of: whoever launched the
    same set later would not have superseded that one.
    """
    launched = {name for attempt in execution.attempts if attempt.job_id for name in attempt.server_ids}
    mine = {server.source_server_id for wave in execution.waves for server in (*_up(wave, ()), *_doubtful(wave, ()))}
    if not launched or not launched.issuperset(mine):
        return None
    return hashlib.sha256(" ".join(sorted(launched)).encode()).hexdigest()[:SET_CHARACTERS]


def launched_again(headers: Iterable[ExecutionHeader], execution: Execution, read: Read) -> frozenset[str]:
    """The servers of an execution that a newer one of its plan launched again; their older instances are gone."""
    mine = {server.source_server_id for wave in execution.waves for server in wave.servers}
    newer = [
        header
        for header in headers
        if (header.start_time, header.execution_id) > (execution.start_time, execution.execution_id)
        and header.plan_id == execution.plan_id
        and header.execution_type is not ExecutionType.CLEANUP
        and _may(header, frozenset(ServerStatus) - UNTOUCHED)
    ]
    return _launched(newer, mine, read)


def left_running(execution: Execution, again: Collection[str] = ()) -> RunningInstances | None:
    """What a finished drill left running, by its own record; None when that is nothing.

    Args:
        execution: the drill, whole.
        again: its servers that a newer execution launched again; an older drskit wrote the names of whole waves.
    """
    if execution.execution_type is not ExecutionType.DRILL or execution.status not in FINAL_EXECUTION:
        return None
    waves = [
        (wave, _up(wave, again), _doubtful(wave, again)) for wave in execution.waves if wave.wave_name not in again
    ]
    left = [part for part in waves if part[1] or part[2]]
    if not left:
        return None
    since = min(wave.end_time or execution.end_time or execution.start_time for wave, _, _ in left)
    return RunningInstances(
        count=sum(len(up) for _, up, _ in left), since=since, unknown=sum(len(doubtful) for _, _, doubtful in left)
    )


def _up(wave: WaveRun, again: Collection[str]) -> list[ServerRun]:
    """The servers that came up, those that did not pass their checks among them."""
    return [
        server
        for server in wave.servers
        if (server.status in LAUNCHED or to_check_again(server)) and server.source_server_id not in again
    ]


def _doubtful(wave: WaveRun, again: Collection[str]) -> list[ServerRun]:
    """The servers whose job may have launched them; what a cleanup found there is no more."""
    return [
        server
        for server in wave.servers
        if server.status is ServerStatus.UNKNOWN and not server.terminated_by and server.source_server_id not in again
    ]


def _age(header: ExecutionHeader) -> tuple[datetime, str]:
    return header.start_time, header.execution_id


def _left(header: ExecutionHeader, newer: Iterable[ExecutionHeader], read: Read) -> RunningInstances | None:
    """What one drill left: by its header where nothing is newer and nothing is in doubt, else by reading."""
    newer = tuple(newer)
    if not (newer or _cut(header) or any(_count(wave, TO_READ) for wave in header.waves)):
        return _told(header)
    execution = read(header)
    if execution is None:
        return _told(header)
    own = {server.source_server_id for wave in execution.waves for server in (*_up(wave, ()), *_doubtful(wave, ()))}
    return left_running(execution, _launched(newer, own, read))


def _told(header: ExecutionHeader) -> RunningInstances | None:
    """What a header tells by itself."""
    left = [wave for wave in header.waves if _count(wave, MAY_RUN)]
    if not left:
        return None
    since = min(wave.end_time or header.end_time or header.start_time for wave in left)
    unknown = sum(_count(wave, {ServerStatus.UNKNOWN}) for wave in left)
    return RunningInstances(count=sum(_count(wave, LAUNCHED) for wave in left), since=since, unknown=unknown)


def _launched(newer: Iterable[ExecutionHeader], wanted: Collection[str], read: Read) -> frozenset[str]:
    """Which of these servers the newer executions launched; no more of those are read than need be."""
    found: set[str] = set()
    for header in newer:
        if found.issuperset(wanted):
            break
        execution = read(header)
        attempts = execution.attempts if execution else ()
        found |= {name for attempt in attempts if attempt.job_id for name in attempt.server_ids}
    return frozenset(found.intersection(wanted))


def _count(wave: WaveSummary, statuses: Collection[ServerStatus]) -> int:
    return sum(wave.servers.get(status, 0) for status in statuses)


def _may(header: ExecutionHeader, statuses: Collection[ServerStatus]) -> bool:
    """Whether it may have servers of these statuses, as far as the header tells."""
    return _cut(header) or any(_count(wave, statuses) for wave in header.waves)


def _cut(header: ExecutionHeader) -> bool:
    """Whether the header lacks waves or their counts."""
    return bool(header.waves_left_out) or any(not wave.servers for wave in header.waves)
