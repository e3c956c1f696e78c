"""Worlds from what the real DRS once said.

Give it the saved output of `aws drs describe-source-servers`, `describe-jobs`
and `describe-job-log-items` (one file for each log; which job it belongs to is
found out), and it makes a world in which the same StartRecovery calls run as
they ran then, to the microsecond. Account numbers are not taken over.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from drskit.errors import InvalidWorld
from drskit.sim.spec import WorldSpec

Json = dict[str, Any]

ISO_SPAN = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$")
PHASES = {
    "snapshot": ("SNAPSHOT_START", "SNAPSHOT_END"),
    "gap": ("SNAPSHOT_END", "CONVERSION_START"),
    "conversion": ("CONVERSION_START", "CONVERSION_END"),
    "pause": ("CONVERSION_END", "LAUNCH_START"),
    "launch": ("LAUNCH_START", "LAUNCH_END"),
    "cleanup": ("CLEANUP_START", "CLEANUP_END"),
}


def capture_files(paths: Iterable[Path], *, about: str = "", seed: int = 1) -> WorldSpec:
    """The world of saved outputs.

    Raises:
        InvalidWorld: a file is not readable JSON, or what they say together makes no world.
    """
    documents: list[Json] = []
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidWorld(f"The capture {path} cannot be read: {error}") from error
        if not isinstance(document, dict):
            raise InvalidWorld(f"The capture {path} holds no JSON object, so it is no output of the AWS CLI")
        documents.append(document)
    return capture(documents, about=about, seed=seed)


def capture(documents: Iterable[Json], *, about: str = "", seed: int = 1) -> WorldSpec:
    """The world of outputs that were already read.

    Raises:
        InvalidWorld: they make no world.
    """
    try:
        return WorldSpec.model_validate(_told(documents, about=about, seed=seed))
    except KeyError as error:
        raise InvalidWorld(f"The capture makes no world: {error} is missing somewhere") from error
    except ValidationError as error:
        raise InvalidWorld(f"The capture makes no world: {error}") from error


def _told(documents: Iterable[Json], *, about: str, seed: int) -> Json:
    servers, jobs, logs = _sorted_out(documents)
    launches = [job for job in jobs if job.get("type") == "LAUNCH" and job.get("endDateTime")]
    if not servers and not launches:
        raise InvalidWorld("The capture holds neither source servers nor finished launch jobs")
    launches.sort(key=lambda job: time_of(job["creationDateTime"]))
    told = {job["jobID"]: _log_of(job, logs) for job in launches}
    begin = time_of(launches[0]["creationDateTime"]) if launches else time_of(_last_seen(servers[0]))
    return {
        "about": about,
        "region": _region([*servers, *launches]),
        "start": begin.replace(second=0, microsecond=0),
        "seed": seed,
        "servers": [server_of(server, told.values()) for server in servers],
        "jobs": [_job(job, told[job["jobID"]]) for job in launches],
    }


def _sorted_out(documents: Iterable[Json]) -> tuple[list[Json], list[Json], list[list[Json]]]:
    """Source servers, jobs, and job logs, whichever documents they came in."""
    servers: list[Json] = []
    jobs: list[Json] = []
    logs: list[list[Json]] = []
    for document in documents:
        for told in document.get("jobs", []):
            jobs.append(told["job"])
            logs.append(told["log"])
        items = [*document.get("sourceServers", []), *document.get("items", [])]
        servers += [item for item in items if "dataReplicationInfo" in item and "sourceProperties" in item]
        jobs += [item for item in items if "jobID" in item and "participatingServers" in item]
        if lines := [item for item in items if "event" in item]:
            logs.append(lines)
    return _once(servers, "sourceServerID"), _once(jobs, "jobID"), logs


def _once(things: list[Json], name: str) -> list[Json]:
    """Each thing once, as it was told last."""
    return list({thing[name]: thing for thing in things}.values())


def _log_of(job: Json, logs: list[list[Json]]) -> list[Json]:
    """The log that a job wrote: the first one after its creation that names its servers."""
    created, named = time_of(job["creationDateTime"]), {one["sourceServerID"] for one in job["participatingServers"]}
    ended = time_of(job["endDateTime"]) + timedelta(minutes=1)
    for log in logs:
        own = {line["eventData"]["sourceServerID"] for line in log if "sourceServerID" in line.get("eventData", {})}
        if own <= named and created <= min(map(_at, log)) and max(map(_at, log)) <= ended:
            return sorted(log, key=_at)
    command = f"aws drs describe-job-log-items --job-id {job['jobID']}"
    raise InvalidWorld(f"The capture has no log of job {job['jobID']}. Save it, too: {command}")


def _job(job: Json, log: list[Json]) -> Json:
    created = time_of(job["creationDateTime"])
    return {
        "id": job["jobID"],
        "ended": (time_of(job["endDateTime"]) - created).total_seconds(),
        "outcomes": {
            one["sourceServerID"]: "LAUNCHED" if one.get("launchStatus") == "LAUNCHED" else "FAILED"
            for one in job["participatingServers"]
        },
        "log": [line_of(line, created) for line in log],
    }


def line_of(line: Json, created: datetime) -> Json:
    """A line of a job's log in a world file."""
    names = {
        "server": "sourceServerID",
        "conversion_server": "conversionServerID",
        "instance": "targetInstanceID",
        "error": "rawError",
    }
    data = line.get("eventData", {})
    present = {ours: data[theirs] for ours, theirs in names.items() if data.get(theirs)}
    return {"at": (_at(line) - created).total_seconds(), "event": line["event"], **present}


def server_of(server: Json, logs: Iterable[list[Json]]) -> Json:
    """A source server of a world file, from DRS's own words and from the logs of its jobs."""
    properties = server["sourceProperties"]
    hints, replication = properties.get("identificationHints", {}), server["dataReplicationInfo"]
    os_text = properties.get("os", {}).get("fullString")
    addresses = [ip for card in properties.get("networkInterfaces", []) for ip in card.get("ips", [])]
    disks = [{"device": disk["deviceName"], "bytes": disk["bytes"]} for disk in properties.get("disks", [])]
    data = {
        "id": server["sourceServerID"],
        "tags": server.get("tags", {}),
        "os": "windows" if os_text and "windows" in os_text.lower() else "linux",
        "os_text": os_text,
        "hostname": hints.get("hostname"),
        "fqdn": hints.get("fqdn"),
        "ip": addresses[0] if addresses else None,
        "source_instance": hints.get("awsInstanceID"),
        "instance_type": properties.get("recommendedInstanceType"),
        "cpus": len(properties.get("cpus", [])) or None,
        "memory_bytes": properties.get("ramBytes"),
        "disks": disks or None,
        "added": time_of(server["lifeCycle"]["addedToServiceDateTime"]),
        "agent": server.get("agentVersion"),
        "origin_region": server.get("sourceCloudProperties", {}).get("originRegion"),
        "replication": {
            "state": replication["dataReplicationState"],
            "lag": _seconds(replication.get("lagDuration", "P0D")),
        },
        "durations": _durations(server["sourceServerID"], logs),
    }
    kept = {key: value for key, value in data.items() if value is not None}
    return kept if "agent" in kept else {**kept, "agent": None}


def _durations(server_id: str, logs: Iterable[list[Json]]) -> Json | None:
    """How long this server's phases took in the first log that tells; for launches after the captured ones."""
    for log in logs:
        at = {line["event"]: _at(line) for line in log if line.get("eventData", {}).get("sourceServerID") == server_id}
        spans = {
            phase: (at[end] - at[begin]).total_seconds()
            for phase, (begin, end) in PHASES.items()
            if begin in at and end in at
        }
        if spans:
            return spans
    return None


def _region(resources: list[Json]) -> str:
    return str(resources[0]["arn"]).split(":")[3]


def _last_seen(server: Json) -> str:
    return str(server["lifeCycle"].get("lastSeenByServiceDateTime") or server["lifeCycle"]["addedToServiceDateTime"])


def _at(line: Json) -> datetime:
    return time_of(line["logDateTime"])


def time_of(text: str) -> datetime:
    """A time, as DRS writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _seconds(text: str) -> float:
    """An ISO 8601 span, as DRS writes it."""
    found = ISO_SPAN.match(text)
    if found is None:
        raise InvalidWorld(f"The capture has a span that is none: {text}")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
