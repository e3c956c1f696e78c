"""What a running cleanup asks of AWS, and what it writes into the drill's record.

The rules are in `targets` and `cleaning`; here they meet the ports. Everything
may be repeated: a look changes nothing, and what is proven is written once.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from drskit.cleaning import calls_due, confirmed, undecided
from drskit.edit import changed, with_each_wave, with_servers
from drskit.errors import LostRace, NotFound
from drskit.history import narrate
from drskit.launches import LAUNCHED
from drskit.model import (
    AttemptStatus,
    Execution,
    Job,
    ServerRun,
    ServerStatus,
    WaveStatus,
)
from drskit.ports import Recovery, Store
from drskit.seen import Aftermath, Sight
from drskit.states import FINAL_EXECUTION, check
from drskit.targets import LEFT_BEHIND, Gone, jobs_recorded
from drskit.witness import LOOK_BACK

RECORD_TRIES = 20


# --- while it lasts --------------------------------------------------------------------------------------------------


def look_after(
    cleanup: Execution, store: Store, recovery: Recovery, jobs: Mapping[str, Job], now: datetime, *, calls: bool
) -> Aftermath:
    """What one step of a cleanup needs to know, freshly asked; for its calls only when it may make one.

    Raises:
        Unavailable: DRS, EC2 or the tables could not be asked.
    """
    due = dict(calls_due(cleanup, now)[:1]) if calls else {}
    next_ids = {name for server_ids in due.values() for name in server_ids}
    open_ids = {
        name for attempt in cleanup.attempts if attempt.status is AttemptStatus.INTENT for name in attempt.server_ids
    }
    wave = cleanup.waves[0]
    verifying = wave.status is WaveStatus.VERIFYING
    wanted = [
        server
        for server in wave.servers
        if undecided(server) and (verifying or server.source_server_id in next_ids | open_ids)
    ]
    ended = verifying and not any(map(undecided, wave.servers))
    return Aftermath(
        jobs=_jobs_of_drill(cleanup, store) if next_ids else frozenset(),
        sights=_sights(recovery, wanted, protection=verifying or bool(next_ids)),
        checked=frozenset(next_ids),
        busy=_busy(cleanup, recovery, jobs, next_ids) if next_ids else {},
        kept=recovery.instance_states([one.instance_id for one in cleanup.kept]) if ended else None,
        told=ended and not _untold(cleanup, _drill_of(cleanup, store)),
    )


def _sights(recovery: Recovery, servers: list[ServerRun], *, protection: bool) -> dict[str, Sight]:
    """What DRS and EC2 say of the targets of these servers, by server."""
    if not servers:
        return {}
    frozen = {server.source_server_id: server.recovery_instance_id or "" for server in servers}
    listed = {one.recovery_instance_id: one for one in recovery.recovery_instances(frozen)}
    states = recovery.instance_states(frozen.values())
    living = [name for name in frozen.values() if not Sight(listed.get(name), states.get(name)).gone]
    kept = recovery.protected(living) if protection else frozenset()
    return {
        server_id: Sight(listed.get(name), states.get(name), protected=name in kept)
        for server_id, name in frozen.items()
    }


def _busy(cleanup: Execution, recovery: Recovery, jobs: Mapping[str, Job], server_ids: Iterable[str]) -> dict[str, str]:
    """The jobs that work on these servers now; looked for only after a call came to nothing."""
    earlier = [attempt.signed_at for attempt in cleanup.attempts if not set(attempt.server_ids).isdisjoint(server_ids)]
    if not earlier:
        return {}
    listed = recovery.jobs(since=min(earlier) - LOOK_BACK)
    own = {attempt.job_id for attempt in cleanup.attempts}
    return {
        part.source_server_id: job.job_id
        for job in (*jobs.values(), *listed)
        if job.status != "COMPLETED" and job.job_id not in own
        for part in job.servers
        if part.source_server_id in server_ids
    }


def _drill_of(cleanup: Execution, store: Store) -> Execution | None:
    """The execution whose instances are terminated; None when its record was deleted."""
    try:
        return store.load(cleanup.cleans or "")
    except NotFound:
        return None


def _jobs_of_drill(cleanup: Execution, store: Store) -> frozenset[str]:
    """The jobs whose instances may go; none where nobody confirmed the cleanup as it needs to be."""
    drill = _drill_of(cleanup, store)
    return jobs_recorded(drill) if drill and confirmed(cleanup, drill) else frozenset()


# --- the drill's record ----------------------------------------------------------------------------------------------


def record_gone(store: Store, cleanup: Execution, *, actor: str) -> None:
    """Write into the drill's record what a cleanup has proven; again is the same as once.

    Raises:
        LostRace: others kept writing it.
    """
    tell_drill(store, cleanup.cleans or "", _proven(cleanup), actor=actor)


def tell_drill(store: Store, execution_id: str, gone: Iterable[Gone], *, actor: str) -> None:
    """Write into a finished drill's record which of its instances are no more.

    Raises:
        LostRace: others kept writing it.
    """
    proven = {one.source_server_id: one for one in gone}
    for _ in range(RECORD_TRIES):
        try:
            before = store.load(execution_id)
        except NotFound:
            return
        after = with_terminated(before, proven)
        if after is before or before.status not in FINAL_EXECUTION:
            return
        after = _gone_at(before, after, store.now())
        check(before, after)
        after, events = narrate(before, after, now=store.now(), actor=actor)
        try:
            store.commit(before, after, events)
        except LostRace:
            continue
        return
    raise LostRace(f"Execution {execution_id} changed too quickly. It is tried again at the next poll.")


def with_terminated(drill: Execution, gone: Mapping[str, Gone]) -> Execution:
    """The drill with the servers TERMINATED whose recorded instance is proven to be no more.

    A server whose launch failed, or whose fate is not known, keeps its status; what it left is told beside it.
    """

    def terminate(server: ServerRun) -> ServerRun:
        found = gone.get(server.source_server_id)
        if found is None or server.recovery_instance_id not in {None, found.instance_id}:
            return server
        if server.status in LAUNCHED:
            return changed(server, status=ServerStatus.TERMINATED, proof=found.proof, terminated_by=found.cleanup_id)
        if server.status in LEFT_BEHIND and found.cleanup_id is not None:
            return changed(server, proof=found.proof, terminated_by=found.cleanup_id)
        return server

    return with_each_wave(drill, lambda wave: with_servers(wave, terminate))


def _gone_at(before: Execution, after: Execution, now: datetime) -> Execution:
    """The later record, with when it became known of each instance that it is no more."""
    old = {one.source_server_id: one for wave in before.waves for one in wave.servers}

    def dated(server: ServerRun) -> ServerRun:
        fresh = server != old[server.source_server_id] and server.gone is None
        return changed(server, gone=now) if fresh else server

    return with_each_wave(after, lambda wave: with_servers(wave, dated))


def _proven(cleanup: Execution) -> tuple[Gone, ...]:
    return tuple(
        Gone(
            server.source_server_id, server.recovery_instance_id,
            f"{server.recovery_instance_id} {server.proof}; cleanup {cleanup.execution_id}", cleanup.execution_id,
        )
        for wave in cleanup.waves
        for server in wave.servers
        if server.status is ServerStatus.TERMINATED
    )  # fmt: skip


def _untold(cleanup: Execution, drill: Execution | None) -> bool:
    """Whether the drill's record does not say yet what was proven."""
    if drill is None or drill.status not in FINAL_EXECUTION:
        return False
    proven = {one.source_server_id: one for one in _proven(cleanup)}
    return with_terminated(drill, proven) is not drill
