"""A headless drill against papermill on a notebook that makes the same calls.

The calls are recorded from a drill's own kernel, with their parameters and in
their order, its looks at the clock included. The bare notebook makes them again
in the same world, so it gets the same replies.
"""

import json
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.processes import ratio, rounds, seconds, typical
from tests.harness import RUNBOOKS

RUNS = 7
RUNBOOK = RUNBOOKS / "captured-drill.yaml"
WORLD = RUNBOOKS / "worlds" / "captured-drill.yaml"
RECORDER = Path(__file__).parent / "recorder"
PARAMETERS = 'calls: str = ""'
MAKE_CALLS = """\
import json, os, pickle, urllib.request
import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

clients = {}
with open(calls, "rb") as file:
    recorded = pickle.load(file)
for service, operation, parameters in recorded:
    if service == "clock":
        data = None if parameters is None else json.dumps(parameters).encode()
        with urllib.request.urlopen(urllib.request.Request(os.environ["DRSKIT_CLOCK_URL"], data=data)) as reply:
            json.load(reply)
        continue
    if service not in clients:
        clients[service] = boto3.client(service, region_name=os.environ["AWS_REGION"])
    try:
        getattr(clients[service], xform_name(operation))(**parameters)
    except ClientError:
        pass
f"{len(recorded)} calls"
"""


def measure() -> Iterator[Figure]:
    """The ratio, and the seconds of a whole drill."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calls = record(folder)
        commands = drill(folder), bare(folder, calls, "plain"), bare(folder, calls, "lean")
        found = rounds(*commands, runs=RUNS, environment=environment())
    yield Figure("headless: drill / papermill on the same bare calls", ratio(found, 0, 1), 1.5)
    yield Figure("headless: drill / the same, papermill made lean as drskit makes it", ratio(found, 0, 2), None)
    yield Figure("headless: drill", typical(found, 0), 15, " s", digits=2)
    yield Figure("headless: papermill on the same bare calls", typical(found, 1), None, " s", digits=2)
    yield Figure("headless: papermill made lean", typical(found, 2), None, " s", digits=2)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without any world that it may be in."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRSKIT_"))} | more


def drill(folder: Path) -> list[str]:
    """The command of a drill."""
    drskit = str(Path(sys.executable).with_name("drskit"))
    return [drskit, "drill", str(RUNBOOK), "--simulate", "--output", str(folder / "runs")]


def record(folder: Path) -> Path:
    """The calls that a drill's kernel makes: of its two processes, the one that launches."""
    noted = folder / "calls"
    noted.mkdir()
    path = os.pathsep.join(filter(None, (str(RECORDER), os.environ.get("PYTHONPATH"))))
    seconds(drill(folder), environment=environment(PYTHONPATH=path, DRSKIT_BENCH_CALLS=str(noted)))
    launching = [path for path in noted.iterdir() if b"StartRecovery" in path.read_bytes()]
    assert len(launching) == 1, "no process, or more than one, launched"
    assert pickle.loads(launching[0].read_bytes())
    return launching[0]


def bare(folder: Path, calls: Path, way: str) -> list[str]:
    """The command of the yardstick."""
    notebook = folder / "bare.ipynb"
    cells = [("parameters", PARAMETERS), ("calls", MAKE_CALLS)]
    notebook.write_text(json.dumps(_notebook(cells)), encoding="utf-8")
    target = folder / "runs" / "bare.ipynb"
    return [sys.executable, "-m", "tests.bench.bare", way, str(WORLD), str(notebook), str(target), str(calls)]


def _notebook(cells: list[tuple[str, str]]) -> dict[str, object]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "id": tag, "cell_type": "code", "execution_count": None, "metadata": {"tags": [tag]},
                "outputs": [], "source": source,
            }
            for tag, source in cells
        ],
    }  # fmt: skip
