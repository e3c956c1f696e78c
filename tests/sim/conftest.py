"""Opened worlds, or a real account in their place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drskit.clock import VirtualClock
from drskit.sim import WorldSpec, simulated
from tests.sim.lab import Lab, LiveLab, make_spec
from tests.sim.loan import loan

HERE = Path(__file__).parent


def reason_against(item: pytest.Item) -> str | None:
    """Why an account cannot show what a test says; None if it can. The mark nearest to the test counts.

    Raises:
        UsageError: the test does not say.
    """
    for mark in item.iter_markers():
        if mark.name == "account":
            return None
        if mark.name == "simulated":
            (reason,) = mark.args
            return str(reason)
    message = f"{item.nodeid} has neither the mark account nor simulated(reason): can a real account show what it says?"
    raise pytest.UsageError(message)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each test here says whether an account can show what it says; asking one, the others are skipped."""
    reasons = {item: reason_against(item) for item in items if HERE in item.path.parents}
    if loan() is None:
        return
    if hasattr(config, "workerinput"):
        raise pytest.UsageError("The servers of an account are shared: ask it with -n 0.")
    for item, reason in reasons.items():
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"only simulated: {reason}"))


@pytest.fixture
def open_lab() -> Iterator[Any]:
    """Opens worlds, one for each test."""
    opened: list[Any] = []

    def open_one(spec: WorldSpec) -> Lab:
        assert loan() is None, "a world is opened where an account was asked"
        clock = VirtualClock(spec.start_time)
        context = simulated(spec, clock)
        opened.append(context)
        return Lab(context.__enter__(), clock)

    yield open_one
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def lab(open_lab: Any) -> Iterator[Lab]:
    """Three plain servers: of a world, or of an account that lends them."""
    lent = loan()
    if lent is None:
        yield open_lab(make_spec(count=3))
        return
    lent.require(3)
    live = LiveLab(lent)
    yield live
    live.tidy()
