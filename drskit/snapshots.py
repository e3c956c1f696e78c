"""Which points in time the servers of a plan are recovered from.

By default the newest data: DRS takes a snapshot when it launches. A plan may
ask for older ones. They are looked up before anything is started, frozen in the
execution, named in every launch request, and looked for again right before it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from drskit.errors import InvalidRunbook
from drskit.model import LATEST, RecoverySnapshot, Runbook, SourceServer
from drskit.ports import Recovery
from drskit.texts import moment


def choose(
    runbook: Runbook, recovery: Recovery, servers: Iterable[SourceServer], now: datetime
) -> dict[str, RecoverySnapshot]:
    """The recovery snapshot of each server that is not recovered from its newest data.

    DRS is asked once for each of these servers, and for no other.

    Raises:
        InvalidRunbook: a server has none that fits, or not the one that is named; or the time has not passed yet.
        Unavailable: DRS could not be asked.
    """
    wanted = runbook.plan.snapshots
    if wanted.before is not None and wanted.before > now:
        message = f"{moment(wanted.before)} has not passed yet, it is {moment(now)}. Write an earlier time."
        raise InvalidRunbook((runbook.complaint("snapshots.before", message),))
    found: dict[str, RecoverySnapshot] = {}
    complaints = []
    for server in servers:
        name = wanted.servers.get(server.source_server_id, LATEST if wanted.before is None else None)
        if name == LATEST:
            continue
        chosen = _named(runbook, recovery, server, name) if name else _older(runbook, recovery, server)
        if isinstance(chosen, str):
            complaints.append(chosen)
        else:
            found[server.source_server_id] = chosen
    if complaints:
        raise InvalidRunbook(tuple(complaints))
    return found


def _older(runbook: Runbook, recovery: Recovery, server: SourceServer) -> RecoverySnapshot | str:
    """The newest one before the plan's time, or the complaint that there is none."""
    before = runbook.plan.snapshots.before
    assert before is not None
    points = [point for point in recovery.snapshots(server.source_server_id, until=before) if point.time < before]
    if points:
        return max(points, key=lambda point: point.time)
    message = (
        f"{_shown(server)} has no recovery snapshot from before {moment(before)}. Choose a later time, or write "
        f"{server.source_server_id}: {LATEST} below snapshots.servers."
    )
    return runbook.complaint("snapshots.before", message)


def _named(runbook: Runbook, recovery: Recovery, server: SourceServer, name: str) -> RecoverySnapshot | str:
    """The one of this name, or the complaint that the server has no such one."""
    points = recovery.snapshots(server.source_server_id)
    for point in points:
        if point.snapshot_id == name:
            return point
    newest = max(points, key=lambda point: point.time, default=None)
    has = f"Its newest is {newest.snapshot_id} of {moment(newest.time)}" if newest else "It has none at all"
    message = f"DRS has no recovery snapshot {name} of {_shown(server)}. {has}. Correct the id, or remove the line."
    return runbook.complaint(f"snapshots.servers.{server.source_server_id}", message)


def _shown(server: SourceServer) -> str:
    return f"{server.name} ({server.source_server_id})" if server.name else server.source_server_id


def expired(recovery: Recovery, pinned: Mapping[str, RecoverySnapshot]) -> Iterator[tuple[str, str]]:
    """The servers whose frozen snapshot DRS no longer has, each with the reason why it must not be launched.

    One of them would have DRS refuse the whole request.

    Raises:
        Unavailable: DRS could not be asked.
    """
    for server_id, snapshot in pinned.items():
        points = recovery.snapshots(server_id, until=snapshot.time)
        if snapshot.snapshot_id not in {point.snapshot_id for point in points}:
            what = f"its recovery snapshot {snapshot.snapshot_id} of {moment(snapshot.time)}"
            yield server_id, f"DRS no longer has {what}, which was chosen at the start. Start another execution"
