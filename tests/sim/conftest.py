"""Opened worlds."""

from collections.abc import Iterator
from typing import Any

import pytest

from drskit.clock import VirtualClock
from drskit.sim import WorldSpec, simulated
from tests.sim.lab import Lab, make_spec


@pytest.fixture
def open_lab() -> Iterator[Any]:
    """Opens worlds, one for each test."""
    opened: list[Any] = []

    def open_one(spec: WorldSpec) -> Lab:
        clock = VirtualClock(spec.start_time)
        context = simulated(spec, clock)
        opened.append(context)
        return Lab(context.__enter__(), clock)

    yield open_one
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def lab(open_lab: Any) -> Lab:
    """A world of three plain servers."""
    return open_lab(make_spec(count=3))
