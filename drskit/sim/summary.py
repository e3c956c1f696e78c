"""What is in a world, for people who want to know before they open it; pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from drskit.sim.spans import LogNormal, Normal, Script, Span, Uniform
from drskit.sim.spec import CapturedJob, Durations, Failing, Fault, ServerSpec, WorldSpec


@dataclass(frozen=True)
class Overview:
    """A world in plain values."""

    about: str
    account: str
    region: str
    start: str
    seed: int
    counts: dict[str, dict[str, int]]
    """How many servers there are of each operating system, replication state, and failure."""
    servers: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    """Jobs of the past, which have a time, and captured ones that are waiting to be replayed."""
    faults: list[dict[str, Any]]
    behaviour: dict[str, Any]
    """The switches that stand otherwise than they usually do."""


def overview(spec: WorldSpec) -> Overview:
    """What is in a world."""
    servers = [_server(server) for server in spec.servers]
    return Overview(
        about=spec.about,
        account=spec.account,
        region=spec.region,
        start=spec.start_time.isoformat().replace("+00:00", "Z"),
        seed=spec.seed,
        counts={
            "Os": _counted(server["Os"] for server in servers),
            "ReplicationState": _counted(server["ReplicationState"] for server in servers),
            "Fails": _counted(server["Fails"] for server in servers if server["Fails"]),
        },
        servers=servers,
        jobs=[_job(job) for job in spec.jobs],
        faults=[_fault(fault) for fault in spec.faults],
        behaviour=spec.behaviour.model_dump(mode="json", exclude_defaults=True),
    )


def _job(job: CapturedJob) -> dict[str, Any]:
    created = job.created and job.created.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return {"JobId": job.id, "CreationTime": created, "Seconds": job.ended, "Servers": sorted(job.outcomes)}


def _counted(words: Any) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _server(server: ServerSpec) -> dict[str, Any]:
    return {
        "SourceServerId": server.id,
        "Name": server.all_tags.get("Name"),
        "Os": server.os,
        "ReplicationState": server.replication.state.value,
        "LagSeconds": server.replication.lag,
        "Durations": _durations(server.durations),
        "Fails": _fails(server),
        "Instances": [instance.id for instance in server.instances],
        "Tags": server.all_tags,
    }


def _durations(durations: Durations) -> dict[str, str]:
    """What is said of each phase; the others take what the operating system takes."""
    given = {name: getattr(durations, name) for name in Durations.model_fields}
    return {name: spell_script(script) for name, script in given.items() if script is not None}


def spell_script(script: Script) -> str:
    """A script in words: 185 s; 100 to 200 s; 5 s, then 9 s."""
    if isinstance(script, tuple):
        return ", then ".join(_spell(one) for one in script) or "0 s"
    return _spell(script)


def _spell(one: Span) -> str:
    if isinstance(one, Uniform):
        return f"{one.uniform[0]:g} to {one.uniform[1]:g} s"
    if isinstance(one, Normal):
        return f"about {one.normal.mean:g} s (deviation {one.normal.deviation:g})"
    if isinstance(one, LogNormal):
        return f"mostly {one.lognormal.median:g} s (lognormal, sigma {one.lognormal.sigma:g})"
    return f"{one:g} s"


def _fails(server: ServerSpec) -> str | None:
    if server.fails is None:
        return None
    turns = server.fails if isinstance(server.fails, tuple) else (server.fails,)
    return ", then ".join("none" if one is None else _window(one) for one in turns)


def _window(one: Any) -> str:
    if not isinstance(one, Failing):
        return str(one)
    begin = f" from {one.from_time.isoformat()}" if one.from_time else ""
    end = f" until {one.until_time.isoformat()}" if one.until_time else ""
    return f"{one.failure}{begin}{end}"


def _fault(fault: Fault) -> dict[str, Any]:
    return fault.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"service": fault.service}
