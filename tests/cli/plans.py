"""Small worlds and runbooks to test with."""

from collections.abc import Sequence
from typing import Any

import yaml

from drskit.sim import WorldSpec
from tests.sim.lab import make_spec, server_id

QUICK = {"snapshot": 1, "gap": 10, "conversion": 60, "pause": 1, "launch": 60}
"""Durations that make a drill of a few passes."""


def world(*servers: dict[str, Any], **more: Any) -> WorldSpec:
    """A world of quick servers, two plain ones unless told otherwise."""
    told = servers or ({}, {})
    named = [{"name": f"server-{number}"} | {"durations": QUICK} | server for number, server in enumerate(told, 1)]
    return make_spec(*named, **more)


def runbook(*waves: Sequence[int], plan: str = "tiny", **more: Any) -> str:
    """A runbook of waves of numbered servers, called One, Two and so on; `more` goes into the first wave."""
    names = ("One", "Two", "Three")
    told = waves or ([1], [2])
    groups = {
        f"group-{index}": {"select": {"servers": [server_id(number) for number in wave]}}
        for index, wave in enumerate(told, 1)
    }
    steps: list[dict[str, Any]] = [
        {"name": name, "groups": [f"group-{index}"]}
        for index, (name, _) in enumerate(zip(names, told, strict=False), 1)
    ]
    steps[0] |= more
    data = {"version": 1, "plan": plan, "sites": {"main": {"region": "us-west-2"}}, "groups": groups, "waves": steps}
    return yaml.safe_dump(data, sort_keys=False)
