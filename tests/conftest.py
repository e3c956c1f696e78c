"""What all tests share."""

import gc
import os
from collections.abc import Iterator
from types import SimpleNamespace

import botocore.endpoint
import pytest
from hypothesis import HealthCheck, settings

from tests.proof.sdk import leave_out_images, quicken_sdk

quicken_sdk()
leave_out_images()  # worlds of other processes have them
if "DRSKIT_LIVE_PROFILE" not in os.environ:
    vars(botocore.endpoint)["time"] = SimpleNamespace(sleep=lambda _: None)  # the SDK sends again at once
settings.register_profile("drskit", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("drskit")


def pytest_collection_finish() -> None:
    """What was imported until now lives as long as the suite: the collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _the_environment_stays_as_it_was() -> Iterator[None]:
    """A world that a test entered and did not leave would answer the next test in AWS's place."""
    before = _aws()
    yield
    left = {name: value for name, value in _aws().items() if before.get(name) != value}
    for name in left:
        del os.environ[name]
    os.environ.update(before)
    assert {} == left, "the test left the environment changed"


def _aws() -> dict[str, str]:
    """What points at a world; the credentials are moto's own while it stands in."""
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_ENDPOINT_URL", "DRSKIT_"))}
