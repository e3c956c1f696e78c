"""`drskit --version` imports nothing heavy: it is no slower than an import of boto3 alone."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.processes import ratio, rounds, typical

RUNS = 21


def measure() -> Iterator[Figure]:
    """The ratio."""
    drskit = str(Path(sys.executable).with_name("drskit"))
    found = rounds([drskit, "--version"], [sys.executable, "-c", "import boto3"], runs=RUNS)
    yield Figure("version: drskit --version / import boto3", ratio(found, 0, 1), 1.0)
    yield Figure("version: drskit --version", typical(found, 0), None, " s")
    yield Figure("version: import boto3", typical(found, 1), None, " s")
