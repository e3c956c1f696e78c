"""A world from a survey of a real account: what was there, as it stood.

`drskit.aws.survey` reads it; here are no calls. What a world file cannot say,
such as an instance's disks or source networks, is left out; what runs at the moment of the survey
is taken as not begun.
"""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from drskit.errors import InvalidWorld
from drskit.sim.capture import line_of, server_of, time_of
from drskit.sim.newcomers import SETTINGS
from drskit.sim.spec import WorldSpec

Json = dict[str, Any]
STALE = timedelta(hours=1)
"""A newest snapshot older than this means that snapshots have stopped; an agent unseen so long, that it is gone."""


def world_of(survey: Json, *, about: str = "") -> WorldSpec:
    """The world of a survey.

    Raises:
        InvalidWorld: it makes none, for instance because there is no source server.
    """
    if not survey["sourceServers"]:
        raise InvalidWorld(f"DRS has no source server in {survey['region']}. Name another Region with --region.")
    try:
        return WorldSpec.model_validate(_told(survey, about))
    except KeyError as error:
        raise InvalidWorld(f"The account makes no world: {error} is missing in a reply of AWS") from error
    except ValidationError as error:
        raise InvalidWorld(f"The account makes no world: {error}") from error


def _told(survey: Json, about: str) -> Json:
    taken_at, servers = time_of(survey["takenAt"]), survey["sourceServers"]
    ended = [job for job in survey["jobs"] if job.get("endDateTime")]
    logs = [survey["logs"].get(job["jobID"], []) for job in ended if job.get("type") == "LAUNCH"]
    known = {server["sourceServerID"] for server in servers}
    return {
        "about": about,
        "account": str(servers[0]["arn"]).split(":")[4],
        "region": survey["region"],
        "start": taken_at,
        "servers": [_server(server, survey, logs, taken_at) for server in servers],
        "jobs": [_job(job, survey["logs"].get(job["jobID"], []), known) for job in reversed(ended)],
    }


def _server(server: Json, survey: Json, logs: Iterable[list[Json]], taken_at: datetime) -> Json:
    name = server["sourceServerID"]
    told = server_of(server, logs)
    cores = sum(cpu.get("cores", 1) for cpu in server["sourceProperties"].get("cpus", []))
    volumes = {
        disk["deviceName"]: disk["volumeStatus"]
        for disk in server["dataReplicationInfo"].get("replicatedDisks", [])
        if disk.get("volumeStatus")
    }
    disks = [disk | {"volume": volumes.get(disk["device"], "REGULAR")} for disk in told.get("disks", [])]
    return told | {
        **({"disks": disks} if disks else {}),
        "cpus": cores or 1,
        "architecture": server["sourceProperties"].get("architecture"),
        "vmware_uuid": server["sourceProperties"].get("identificationHints", {}).get("vmWareUuid"),
        "extended": _extended(server.get("stagingArea", {})),
        "replication": told["replication"] | _replication(server, taken_at),
        "snapshots": _snapshots(survey["recoverySnapshots"].get(name, []), taken_at),
        "launch": _launch(survey["launchConfigurations"].get(name, {})),
        "instances": [_instance(one, survey) for one in _instances_of(name, survey)],
    }


def _extended(staging: Json) -> Json | None:
    """What a server is extended from, if it is."""
    if staging.get("status") not in {"EXTENDED", "EXTENSION_ERROR"}:
        return None
    return {"account": staging["stagingAccountID"], "error": staging.get("errorMessage")}


def _replication(server: Json, taken_at: datetime) -> Json:
    info, disks = server["dataReplicationInfo"], server["dataReplicationInfo"].get("replicatedDisks", [])
    total = sum(disk.get("totalStorageBytes", 0) for disk in disks)
    done = sum(disk.get("replicatedStorageBytes", 0) for disk in disks)
    told: Json = {
        "backlog_bytes": sum(disk.get("backloggedStorageBytes", 0) for disk in disks),
        "replicated_percent": round(100 * done / total, 3) if total else 100,
        "error": info.get("dataReplicationError", {}).get("error"),
    }
    seen = server["lifeCycle"].get("lastSeenByServiceDateTime")
    if seen and (taken_at - time_of(seen) > STALE or info["dataReplicationState"] == "DISCONNECTED"):
        told["last_seen"] = time_of(seen)
    return told


def _snapshots(times: list[str], taken_at: datetime) -> Json:
    if not times:
        return {"taken": False}
    oldest, newest = time_of(times[0]), time_of(times[-1])
    told: Json = {
        "days": min(max(1, math.ceil((taken_at - oldest) / timedelta(days=1))), 365),
        "since": oldest - timedelta(seconds=1),
    }
    return told | {"until": newest} if taken_at - newest > STALE else told


def _launch(settings: Json) -> Json:
    names = SETTINGS | {"ec2LaunchTemplateID": "template"}
    into = settings.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
    told = {ours: settings[theirs] for theirs, ours in names.items() if settings.get(theirs) is not None}
    usual = f"Launch Configuration for Source Server {settings.get('sourceServerID')}"
    named = {"name": settings["name"]} if settings.get("name") not in {None, usual} else {}
    return (
        told
        | named
        | {
            "os_byol": bool(settings.get("licensing", {}).get("osByol", False)),
            "into_instance": into,
        }
    )


def _instances_of(server_id: str, survey: Json) -> list[Json]:
    """What EC2 has of a server, with what DRS says of it; what DRS alone has is not there."""
    listed = {one["ec2InstanceID"]: one for one in survey["recoveryInstances"] if one.get("ec2InstanceID")}
    return [one | {"drs": listed.get(one["id"])} for one in survey["instances"] if one["server"] == server_id]


def _instance(found: Json, survey: Json) -> Json:
    drs: Json | None = found["drs"]
    maker = _maker(found["id"], survey) if drs is None else None
    told: Json = {
        "id": found["id"],
        "launched": found["launched"],
        "state": "stopped" if found["state"] in {"stopped", "stopping"} else "running",
        "protected": survey["protected"].get(found["id"], False),
        "drill": bool(drs.get("isDrill")) if drs is not None else bool(maker and maker["initiatedBy"] == "START_DRILL"),
        "forgotten": drs is None,
        "job": drs.get("jobID") if drs is not None else maker and maker["jobID"],
    }
    if drs is not None:
        told |= {"snapshot": time_of(drs["pointInTimeSnapshotDateTime"]), "tags": drs.get("tags", {})}
    return told


def _maker(instance_id: str, survey: Json) -> Json | None:
    """The job whose log says that it launched an instance."""
    for job in survey["jobs"]:
        lines = survey["logs"].get(job["jobID"], [])
        if any(line.get("eventData", {}).get("targetInstanceID") == instance_id for line in lines):
            return dict(job)
    return None


def _job(job: Json, log: list[Json], known: set[str]) -> Json:
    """A job of the past."""
    created = time_of(job["creationDateTime"])
    outcomes = {}
    for one in job.get("participatingServers", []):
        if one["sourceServerID"] in known:
            status = one.get("launchStatus", "FAILED")
            outcomes[one["sourceServerID"]] = status if status in {"LAUNCHED", "TERMINATED"} else "FAILED"
    lines = [line for line in log if line.get("eventData", {}).get("sourceServerID") in {None, *known}]
    return {
        "id": job["jobID"],
        "created": created,
        "kind": "TERMINATE" if job.get("type") == "TERMINATE" else "LAUNCH",
        "initiated_by": job.get("initiatedBy"),
        "tags": job.get("tags", {}),
        "ended": (time_of(job["endDateTime"]) - created).total_seconds(),
        "outcomes": outcomes,
        "log": [line_of(line, created) for line in sorted(lines, key=lambda line: time_of(line["logDateTime"]))],
    }


def left_out(survey: Json) -> list[str]:
    """What of an account does not come into its world, for people."""
    running = [job["jobID"] for job in survey["jobs"] if not job.get("endDateTime")]
    told = []
    if running:
        told.append(f"Jobs that were running are left out: {', '.join(running)}.")
    silent = sum(1 for job in survey["jobs"] if job["jobID"] not in survey["logs"])
    if silent:
        told.append(f"The logs of {silent} older jobs were not read; --logs N reads more.")
    return told
