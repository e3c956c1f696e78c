"""A recovery for real as people see it before they authorise or start it: what, where, from when, and what goes."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drskit.authorization import Authorization, Scope
from drskit.model import LATEST, SourceServer
from drskit.views.preview import facts
from drskit.views.words import counted, moment, plain, span

if TYPE_CHECKING:
    from drskit.session import Preview

SHOWN = 100
"""Servers of a wave that are listed; the rest is counted, and `--json` lists all."""


def recovery_text(preview: "Preview") -> str:
    """What a recovery would do, as plain text: every fact of a start, and from what each server is launched."""
    count = counted(sum(len(part.servers) for part in preview.groups), "server")
    lines = [
        f"{preview.mode} RECOVERY of plan {preview.runbook.plan.plan_id}: {count}, {_where(preview)}",
        "This is no drill: the instances that it launches are to take over, and stay.",
        *(fact.words for fact in facts(preview, for_real=True)),
    ]
    parts = {part.group.group_id: part for part in preview.groups}
    for wave in preview.runbook.plan.waves:
        needs = f"after {', '.join(wave.needs)}" if wave.needs else "at once"
        lines += ["", f"Wave {wave.name} ({needs}{', once approved' if wave.approval else ''})"]
        servers = [server for group_id in wave.groups for server in parts[group_id].servers]
        lines += [f"  {_server(preview, server)}" for server in servers[:SHOWN]]
        if len(servers) > SHOWN:
            lines.append(f"  and {len(servers) - SHOWN} more; --json lists all")
    return "\n".join(plain(line) for line in lines)


def _where(found: "Preview | Scope") -> str:
    return f"account {found.account_id}, {found.region}"


def _server(preview: "Preview", server: SourceServer) -> str:
    pin = preview.snapshots.get(server.source_server_id)
    return f"{_told(server)}, from {f'{pin.snapshot_id} of {moment(pin.time)}' if pin else 'the newest data'}"


def _told(server: SourceServer) -> str:
    name = f"{server.name} ({server.source_server_id})" if server.name else server.source_server_id
    lag = span(server.lag) if server.lag is not None else "unknown"
    return f"{name} {server.replication_state or 'in no known state'}, lag {lag}"


def recovery_json(preview: "Preview") -> dict[str, Any]:
    """The same for programs, under PascalCase names."""
    return {
        "PlanId": preview.runbook.plan.plan_id,
        "ExecutionType": "RECOVERY",
        "Mode": preview.mode.value,
        "AccountId": preview.account_id,
        "Region": preview.region,
        "Digest": preview.runbook.digest,
        "Differences": list(preview.changes),
        "AgainstChangeControl": list(preview.change.against) if preview.change else [],
        "Terminates": [
            {"SourceServerId": one.source_server_id, "InstanceId": one.instance_id, "Description": one.description}
            for one in preview.doomed
        ],
        "Servers": [_server_json(preview, server) for part in preview.groups for server in part.servers],
    }


def _server_json(preview: "Preview", server: SourceServer) -> dict[str, Any]:
    pin = preview.snapshots.get(server.source_server_id)
    return {
        "SourceServerId": server.source_server_id,
        "Name": server.name,
        "ReplicationState": server.replication_state,
        "LagSeconds": None if server.lag is None else int(server.lag.total_seconds()),
        "Snapshot": pin.snapshot_id if pin else LATEST,
        "SnapshotTime": pin.to_json()["Time"] if pin else None,
    }


def authorization_text(found: Authorization, servers: Iterable[SourceServer], now: datetime) -> str:
    """What a second person is asked to say yes to; the servers as DRS shows them now."""
    scope = found.scope
    known = {server.source_server_id: server for server in servers}
    left = max(0, int((found.expires - now).total_seconds()))
    lines = [
        f"{scope.mode} RECOVERY of plan {scope.plan_id}: {counted(len(scope.targets), 'server')}, {_where(scope)}",
        f"Authorised by {found.by} at {moment(found.at)}: {found.reason}",
        f"Good for {left // 60} min {left % 60} s more; digest of the runbook {scope.digest[:12]}",
    ]
    lines += [f"TERMINATES {instance}" for instance in scope.replace]
    lines += [f"AGAINST the plan's change control: {text}" for text in (found.change.against if found.change else ())]
    for server_id, snapshot in list(scope.targets.items())[:SHOWN]:
        server = known.get(server_id)
        told = _told(server) if server else f"{server_id}, which DRS does not have"
        lines.append(f"  {told}, from {'the newest data' if snapshot == LATEST else snapshot}")
    if len(scope.targets) > SHOWN:
        lines.append(f"  and {len(scope.targets) - SHOWN} more")
    return "\n".join(plain(line) for line in lines)


def authorization_json(found: Authorization) -> dict[str, Any]:
    """An authorisation for programs; never its token, nor the hash of it."""
    scope = found.scope
    return {
        "AuthorizationId": found.authorization_id,
        "PlanId": scope.plan_id,
        "Mode": scope.mode.value,
        "AccountId": scope.account_id,
        "Region": scope.region,
        "By": found.by,
        "Reason": found.reason,
        "Expires": found.to_json()["Expires"],
        "SecondPerson": found.second_person,
        "Second": found.second.to_json() if found.second else None,
        "UsedBy": found.used_by,
    }
