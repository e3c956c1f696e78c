"""Other names for what must not be told: a world without the identifiers of the account that it came from.

What was the same stays the same: a name in a tag and in a host's name, an
instance's id wherever it stands. Nobody can compute the way back: names are
made with a key that is drawn for each world and kept nowhere.

Replaced are identifiers, addresses, names, the values of tags and the texts of
errors. Tag keys, operating systems, instance types, sizes, times and Regions
stay: without them a world is good for nothing.
"""

import hmac
import re
from secrets import token_bytes
from typing import Any

from drskit.sim.spec import WorldSpec

ACCOUNT = "123456789012"
IDENTIFIER = re.compile(
    r"\b((?:s|i|pit|drsjob|lt|ami|vol|snap|subnet|sg|eni|vpc|lct|rct|sn)-)([0-9a-f]{8,17}|[0-9a-zA-Z]{17})\b"
)
ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
NUMBER = re.compile(r"\d{12}")
TOKEN = re.compile(r"[^\W_]+")
PLAIN = frozenset(
    {"true", "false", "yes", "no", "on", "off", "ec2", "internal", "compute", "amazonaws", "com", "local"}
)
"""Words that name nobody."""
SHORT = 3
"""Numbers up to so many digits stay: web-01 and web-02 are to be told apart."""


def pseudonymised(spec: WorldSpec, key: bytes | None = None) -> WorldSpec:
    """The same world under other names.

    Args:
        spec: the world.
        key: what names are made with; drawn when left out.
    """
    names = _Names(key or token_bytes(32))
    told = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    told |= {"account": ACCOUNT, "about": ""}
    for other in ("staging", "networks"):  # no survey brings them; what is not replaced here must not be told
        told.pop(other, None)
    told["servers"] = [_server(server, names) for server in told.get("servers", [])]
    told["jobs"] = [_job(job, names) for job in told.get("jobs", [])]
    for fault in told.get("faults", []):
        if "server" in fault:
            fault["server"] = names.text(fault["server"])
    return WorldSpec.model_validate(told)


def _server(server: dict[str, Any], names: "_Names") -> dict[str, Any]:
    kept = {"os", "instance_type", "agent", "origin_region", "added", "architecture"}
    told = {key: value if key in kept else _changed(value, names) for key, value in server.items() if key != "os_text"}
    untold = {"replication", "snapshots", "durations", "fails", "disks", "post_launch", "failback"}
    told |= {key: server[key] for key in untold & server.keys()}
    if "launch" in server:
        told["launch"] = server["launch"] | _present(server["launch"], names, "template", "name", "into_instance")
    if "instances" in server:
        told["instances"] = [one | _present(one, names, "id", "job", "tags") for one in server["instances"]]
    return told


def _job(job: dict[str, Any], names: "_Names") -> dict[str, Any]:
    outcomes = {names.text(server_id): status for server_id, status in job["outcomes"].items()}
    lines = [line | _present(line, names, "server", "conversion_server", "instance", "error") for line in job["log"]]
    return job | _present(job, names, "id", "tags") | {"outcomes": outcomes, "log": lines}


def _present(told: dict[str, Any], names: "_Names", *keys: str) -> dict[str, Any]:
    """Those of the keys that are there, changed."""
    return {key: _changed(told[key], names) for key in keys if told.get(key) is not None}


def _changed(value: Any, names: "_Names") -> Any:
    if isinstance(value, str):
        return names.text(value)
    if isinstance(value, list):
        return [_changed(one, names) for one in value]
    if isinstance(value, dict):
        return {key: _changed(one, names) for key, one in value.items()}
    return value


class _Names:
    """The other names, always the same for the same thing."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def text(self, value: str) -> str:
        """A text with everything in it replaced that could name somebody."""
        parts: list[str] = []
        end = 0
        for found in re.finditer(f"{IDENTIFIER.pattern}|{ADDRESS.pattern}|{TOKEN.pattern}", value):
            parts += [value[end : found.start()], self._other(found[0])]
            end = found.end()
        return "".join([*parts, value[end:]])

    def _other(self, found: str) -> str:
        if identifier := IDENTIFIER.fullmatch(found):
            prefix, digits = identifier.groups()
            return prefix + digits[0] + self._digest(digits)[: len(digits) - 1]
        if ADDRESS.fullmatch(found):
            return "10." + ".".join(str(byte) for byte in bytes.fromhex(self._digest(found)[:6]))
        if NUMBER.fullmatch(found):
            return ACCOUNT
        if found.lower() in PLAIN or (found.isdigit() and len(found) <= SHORT):
            return found
        return "n" + self._digest(found.lower())[:8]

    def _digest(self, value: str) -> str:
        return hmac.new(self._key, value.encode(), "sha256").hexdigest()
