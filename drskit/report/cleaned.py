"""A cleanup as reports show it: what is gone with its proof, what remains and why, and what was left alone.

A drill's report shows the same of the drill's own instances, from the drill's
record: what its cleanups proved is written there.
"""

from dataclasses import dataclass

from drskit.checking import to_check_again
from drskit.cleaning import PURPOSE
from drskit.launches import LAUNCHED
from drskit.model import ExecutionType, Kept, ServerRun, ServerStatus
from drskit.report.summary import Summary
from drskit.targets import ENDED

UNDECIDED = "not proven to be gone yet"


@dataclass(frozen=True)
class Remainder:
    """Instances that remain, and the one reason that they share."""

    reason: str
    servers: tuple[ServerRun, ...]


@dataclass(frozen=True)
class Bystander:
    """An instance that was left alone, and what EC2 said of it at the end."""

    kept: Kept
    end: str
    ended: bool


@dataclass(frozen=True)
class Cleanup:
    """What only a cleanup's report has."""

    kind: str
    """What launched the instances: drill or recovery."""
    reason: str
    """Why it was asked for."""
    servers: tuple[ServerRun, ...]
    """The frozen list."""
    remainders: tuple[Remainder, ...]
    bystanders: tuple[Bystander, ...]


def cleanup_of(summary: Summary) -> Cleanup:
    """What a cleanup came to."""
    servers = tuple(server.run for wave in summary.waves for server in wave.servers)
    alike: dict[str, list[ServerRun]] = {}
    for server in servers:
        if server.status is not ServerStatus.TERMINATED:
            alike.setdefault(server.error or UNDECIDED, []).append(server)
    kind, reason = _asked(summary)
    return Cleanup(
        kind=kind,
        reason=reason,
        servers=servers,
        remainders=tuple(Remainder(reason, tuple(found)) for reason, found in alike.items()),
        bystanders=tuple(_bystander(kept, over=summary.end_time is not None) for kept in summary.kept),
    )


def _asked(summary: Summary) -> tuple[str, str]:
    """What it cleans up after, as its description begins, and why it was asked for, which follows."""
    for kind in (ExecutionType.DRILL, ExecutionType.RECOVERY):
        begins = PURPOSE.format(kind.lower(), summary.cleans)
        if summary.description.startswith(begins):
            return kind.lower(), summary.description.removeprefix(begins)
    return ExecutionType.DRILL.lower(), summary.description


def how(server: ServerRun) -> str:
    """What proves that an instance is no more, or why it remains."""
    if server.status is ServerStatus.TERMINATED:
        return server.proof or "gone, without a word how that is known"
    return server.error or UNDECIDED


def _bystander(kept: Kept, *, over: bool) -> Bystander:
    if kept.found is not None:
        ended = kept.found in ENDED
        words = f"{kept.found}; no call of this cleanup named it" if ended else f"untouched: {kept.found} in EC2"
        return Bystander(kept, words, ended)
    return Bystander(kept, "no call named it; EC2 was not asked again" if over else "not asked again yet", ended=False)


# --- in the report of a drill ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fate:
    """What became of an instance that a drill launched, by the drill's record."""

    server: ServerRun
    gone: bool
    words: str
    by: str | None
    """The cleanup."""


def fates_of(summary: Summary) -> tuple[Fate, ...]:
    """What became of every instance of a drill that is over, or of a recovery that was cleaned up; else none."""
    cleaned = any(server.run.status is ServerStatus.TERMINATED for server in summary.servers)
    is_to_go = summary.execution_type is ExecutionType.DRILL or (not summary.is_cleanup and cleaned)
    if not is_to_go or summary.end_time is None:
        return ()
    again = set(summary.context.again)
    return tuple(
        _fate(server.run, superseded=not again.isdisjoint({server.run.source_server_id, wave.wave_name}))
        for wave in summary.waves
        for server in wave.servers
        if server.run.status in LAUNCHED | {ServerStatus.TERMINATED}
        or server.run.terminated_by
        or to_check_again(server.run)
    )


def _fate(run: ServerRun, *, superseded: bool) -> Fate:
    if run.status is ServerStatus.TERMINATED or run.terminated_by:
        return Fate(run, gone=True, words=run.proof or "gone, without a word how that is known", by=run.terminated_by)
    if superseded:
        return Fate(run, gone=False, words="DRS replaces it when its server is launched again, and it was", by=None)
    return Fate(run, gone=False, words="runs by this record; no cleanup has proven otherwise", by=None)
