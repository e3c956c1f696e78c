"""The pytest plugin: `drs_world`, a simulated AWS DRS for one test.

pytest loads it wherever drskit is installed, so it imports nothing before a
test asks for a world.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from drskit.sim.testing import DrsWorld, Told


@pytest.fixture
def drs_world_spec() -> "Told":
    """The world that `drs_world` opens: three plain servers. Override it, or parametrise it, to open another."""
    from drskit.sim.testing import DEFAULT

    return DEFAULT


@pytest.fixture
def drs_world(drs_world_spec: "Told") -> Iterator["DrsWorld"]:
    """A simulated AWS DRS that answers every AWS call of this test, in virtual time."""
    from drskit.sim.testing import mock_drs

    with mock_drs(drs_world_spec) as world:
        yield world
