"""The steps of a wave: which of its servers are launched together, and which wait for others.

A wave without an order is one step. Which server is in which step and in which
chunk follows from the frozen plan and the frozen list of servers alone, so that
every worker, at any time, counts the same chunks. A step is over when all its
servers have come to their end and no launch of it may still do anything.
"""

from dataclasses import dataclass
from datetime import datetime

from drskit.launches import SETTLED
from drskit.model import (
    SERVERS_PER_JOB,
    AttemptStatus,
    Execution,
    OnFailure,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
)


@dataclass(frozen=True)
class Chunk:
    """The servers of a wave that one job launches."""

    number: int
    """Counts from 0 through the whole wave."""
    step: int
    """Counts from 0."""
    server_ids: tuple[str, ...]


def steps_of(plan_wave: Wave, server_ids: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The servers in their steps; those that no step names come last."""
    if not plan_wave.order:
        return (server_ids,)
    there = set(server_ids)
    steps = [tuple(server_id for server_id in step if server_id in there) for step in plan_wave.order]
    named = {server_id for step in steps for server_id in step}
    rest = tuple(server_id for server_id in server_ids if server_id not in named)
    return tuple(step for step in (*steps, rest) if step)


def chunks_of(plan_wave: Wave, wave: WaveRun) -> tuple[Chunk, ...]:
    """All chunks of a wave; none reaches over a step."""
    server_ids = tuple(server.source_server_id for server in wave.servers)
    parts = [
        (number, step[start : start + SERVERS_PER_JOB])
        for number, step in enumerate(steps_of(plan_wave, server_ids))
        for start in range(0, len(step), SERVERS_PER_JOB)
    ]
    return tuple(Chunk(number, step, server_ids) for number, (step, server_ids) in enumerate(parts))


def open_chunks(execution: Execution, plan_wave: Wave, wave: WaveRun) -> tuple[Chunk, ...]:
    """The chunks whose servers need not wait for an earlier step."""
    chunks = chunks_of(plan_wave, wave)
    if not plan_wave.order:
        return chunks
    step = _first_open(execution, wave, chunks)
    return tuple(chunk for chunk in chunks if chunk.step <= step)


def waits_for_a_step(execution: Execution, plan_wave: Wave, wave: WaveRun) -> frozenset[str]:
    """The servers that are not to be launched before an earlier step is over."""
    if not plan_wave.order:
        return frozenset()
    ready = {server_id for chunk in open_chunks(execution, plan_wave, wave) for server_id in chunk.server_ids}
    return frozenset(
        server.source_server_id
        for server in wave.servers
        if server.status is ServerStatus.PENDING and server.source_server_id not in ready
    )


def failed_step(execution: Execution, plan_wave: Wave, wave: WaveRun) -> int | None:
    """The step, counted from 1, whose failures keep the later ones from being launched; None when none does.

    With `on_failure: continue` none does. What had failed before somebody had the wave tried again counts no more.
    """
    if not plan_wave.order or plan_wave.on_failure is OnFailure.CONTINUE:
        return None
    chunks = chunks_of(plan_wave, wave)
    first_open = _first_open(execution, wave, chunks)
    since = wave.retried.at if wave.retried else None
    servers = {server.source_server_id: server for server in wave.servers}
    failures, allowed = 0, failures_borne(plan_wave, wave)
    for chunk in chunks:
        if chunk.step >= first_open:
            break
        failures += sum(_counts(servers[server_id], since) for server_id in chunk.server_ids)
        if failures > allowed:
            return chunk.step + 1
    return None


def may_fail(plan_wave: Wave, count: int) -> int:
    """How many of so many servers that are not optional may fail before the wave has failed."""
    percent = plan_wave.max_failed_percent
    return plan_wave.max_failed if percent is None else count * percent // 100


def failures_borne(plan_wave: Wave, wave: WaveRun) -> int:
    """The same for a wave as it was started; what was left out since counts all the same."""
    optional = set(plan_wave.optional)
    return may_fail(plan_wave, sum(server.source_server_id not in optional for server in wave.servers))


def _counts(server: ServerRun, since: datetime | None) -> bool:
    old = since is not None and server.end_time is not None and server.end_time <= since
    return server.critical and server.status is ServerStatus.FAILED and not old


def _first_open(execution: Execution, wave: WaveRun, chunks: tuple[Chunk, ...]) -> int:
    """The first step that is not over; one past the last when all are."""
    settled = {server.source_server_id for server in wave.servers if server.status in SETTLED}
    busy = {
        attempt.chunk
        for attempt in execution.attempts_of(wave.wave_name)
        if attempt.status is AttemptStatus.INTENT
        or (attempt.status is AttemptStatus.LAUNCHED and attempt.end_time is None)
    }
    unfinished = [chunk.step for chunk in chunks if chunk.number in busy or not settled.issuperset(chunk.server_ids)]
    return min(unfinished, default=chunks[-1].step + 1 if chunks else 0)
