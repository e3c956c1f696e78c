"""Copies of an execution with one thing changed, and what is often read of it."""

from collections.abc import Callable, Iterable

from drskit.model import Execution, ServerRun, ServerStatus, WaveRun, WaveStatus


def with_wave(execution: Execution, name: str, **changes: object) -> Execution:
    """A copy whose named wave has the changes."""
    waves = tuple(wave.model_copy(update=changes) if wave.wave_name == name else wave for wave in execution.waves)
    return execution.model_copy(update={"waves": waves})


WAITS = "waits for "
"""How the reason of a wave begins that is QUEUED for want of room; what it waits for follows."""


def queued(execution: Execution, names: Iterable[str], reason: str | None) -> Execution:
    """A copy whose named waves wait for room; the same execution where no reason is known yet."""
    if reason is None:
        return execution
    for name in dict.fromkeys(names):
        execution = with_wave(execution, name, status=WaveStatus.QUEUED, reason=reason, not_before=None)
    return execution


def with_attempt(execution: Execution, attempt_id: str, **changes: object) -> Execution:
    """A copy whose named attempt has the changes."""
    attempts = tuple(
        attempt.model_copy(update=changes) if attempt.attempt_id == attempt_id else attempt
        for attempt in execution.attempts
    )
    return execution.model_copy(update={"attempts": attempts})


def with_servers(wave: WaveRun, change: Callable[[ServerRun], ServerRun]) -> WaveRun:
    """A copy with each server changed; the same wave when nothing changed."""
    servers = tuple(change(server) for server in wave.servers)
    if all(old is new for old, new in zip(wave.servers, servers, strict=True)):
        return wave
    return wave.model_copy(update={"servers": servers})


def with_each_wave(execution: Execution, change: Callable[[WaveRun], WaveRun]) -> Execution:
    """A copy with each wave changed; the same execution when nothing changed."""
    waves = tuple(change(wave) for wave in execution.waves)
    if all(old is new for old, new in zip(execution.waves, waves, strict=True)):
        return execution
    return execution.model_copy(update={"waves": waves})


def changed(server: ServerRun, **changes: object) -> ServerRun:
    """A copy with the changes; the same value when they change nothing."""
    if all(getattr(server, name) == value for name, value in changes.items()):
        return server
    return server.model_copy(update=changes)


def pinned_names(wave: WaveRun, server_ids: tuple[str, ...]) -> dict[str, str]:
    """The recovery snapshots that these servers of a wave are to be launched from, where any are named."""
    wanted = set(server_ids)
    return {
        server.source_server_id: server.snapshot.snapshot_id
        for server in wave.servers
        if server.snapshot is not None and server.source_server_id in wanted
    }


def without_pending(wave: WaveRun, error: str) -> WaveRun:
    """A copy whose servers that wait to be launched are skipped, each with the error."""
    return with_servers(
        wave,
        lambda server: (
            changed(server, status=ServerStatus.SKIPPED, error=error)
            if server.status is ServerStatus.PENDING
            else server
        ),
    )
