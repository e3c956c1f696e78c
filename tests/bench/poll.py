"""What one poll pass costs beside the bare boto3 calls that it makes.

A thousand executions of a thousand small plans are under way in one account and
Region, all of them due, and nothing has changed. The calls of such a pass are
written down at botocore's boundary, with their parameters; then passes and
repetitions of those calls by bare clients of the same configuration alternate,
against the same server: one in a process of its own, which only looks its
answers up. A slower server, such as AWS or the simulator, would hide our part.

AWS allows an account twenty jobs at once in a Region; here it is a thousand, and
one page of a listing holds them. The log of a job is a call of its own, read
only while its lines can tell something.
"""

import gc
import os
import pickle
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import boto3
from botocore import xform_name

from drskit.aws.clients import READ, TABLES
from drskit.engine import Engine
from drskit.planning import fresh_id
from drskit.poller import Pass, Poller
from drskit.session import Session
from drskit.settings import Settings
from tests.bench.crowd import REGION, Moment, moments, replies
from tests.bench.figures import Figure

SIZES = (10, 100, 1000)
ROUNDS = 7
Call = tuple[str, str, dict[str, Any]]
"""Service, operation, parameters."""


def measure() -> Iterator[Figure]:
    """The calls of a pass for each size, and the ratio for the largest, in two moments of a launch."""
    for moment in moments():
        for size in SIZES:
            with crowded(moment, size) as bench:
                about = f"poll, {size:,} executions in {moment.name}"
                yield from _calls(bench.recorded(), about)
                if size == SIZES[-1]:
                    yield from _compared(bench, about)


def _calls(calls: list[Call], about: str) -> Iterator[Figure]:
    of_tables = sum(service == "dynamodb" for service, _, _ in calls)
    logs = sum(operation == "DescribeJobLogItems" for _, operation, _ in calls)
    yield Figure(f"{about}: calls of DRS and EC2, job logs apart", len(calls) - of_tables - logs, 1, digits=0)
    yield Figure(f"{about}: job logs read", logs, None, digits=0)
    yield Figure(f"{about}: calls of DynamoDB", of_tables, None, digits=0)


def _compared(bench: "Bench", about: str) -> Iterator[Figure]:
    repeat = bare(bench.recorded())
    found = []
    for _ in range(ROUNDS + 1):
        bench.later()
        found.append((timed(bench.run), timed(repeat)))
    ours, theirs = zip(*found[1:], strict=True)
    wall = median(took.wall for took in ours) / median(took.wall for took in theirs)
    processor = median(took.processor for took in ours) / median(took.processor for took in theirs)
    yield Figure(f"{about}: a pass / the same bare calls", wall, 1.3)
    yield Figure(f"{about}: the same in processor time of this process", processor, None)
    yield Figure(f"{about}: a pass", median(took.wall for took in ours), None, " s", digits=2)
    yield Figure(f"{about}: the same bare calls", median(took.wall for took in theirs), None, " s", digits=2)


# --- the two sides ---------------------------------------------------------------------------------------------------


@dataclass
class Bench:
    """One worker before a crowd."""

    url: str
    size: int
    calls: list[Call] | None = None
    """Where its calls are written down; None while they are not."""
    poller: Poller = field(init=False)

    def __post_init__(self) -> None:
        session = Session(Settings(region=REGION))
        session.clients._session.events.register("provide-client-params", self._note)
        engine = Engine(session.store, actor="bench", fresh_id=fresh_id, actions_for=session.actions)
        self.poller = Poller(session.store, engine, lambda _, region: session.recovery(region))

    def later(self) -> None:
        """Let the time come at which every execution is due."""
        with urllib.request.urlopen(f"{self.url}/later", data=b""):
            pass

    def run(self) -> Pass:
        """One pass, in which everything is looked at, and nothing changes: the server takes no change."""
        result = self.poller.run_pass()
        assert (self.size, (), None) == (len(result.advanced), result.quarantined, result.trouble), result.trouble
        return result

    def recorded(self) -> list[Call]:
        """The calls of a pass that is not the worker's first."""
        self.later()
        self.run()
        self.later()
        self.calls = calls = []
        self.run()
        self.calls = None
        return calls

    def _note(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if self.calls is not None:
            self.calls.append((model.service_model.service_name, model.name, dict(params)))


def bare(calls: Sequence[Call]) -> Callable[[], None]:
    """The same calls again, by bare clients."""
    session = boto3.Session(region_name=REGION)
    clients: dict[str, Any] = {
        "dynamodb": session.client("dynamodb", config=TABLES),
        "drs": session.client("drs", config=READ),
    }
    ready = [(getattr(clients[service], xform_name(name)), parameters) for service, name, parameters in calls]

    def repeat() -> None:
        for call, parameters in ready:
            call(**parameters)

    return repeat


@dataclass(frozen=True)
class Took:
    """Seconds."""

    wall: float
    processor: float


def timed(act: Callable[[], object]) -> Took:
    """What an act takes, from a swept heap."""
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    act()
    return Took(time.perf_counter() - wall, time.process_time() - processor)


# --- the server ------------------------------------------------------------------------------------------------------


@contextmanager
def crowded(moment: Moment, size: int) -> Iterator[Bench]:
    """A worker before a server that knows so many executions."""
    with tempfile.NamedTemporaryFile(suffix=".replies") as file:
        file.write(pickle.dumps((moment.now, replies(moment, size))))
        file.flush()
        command = [sys.executable, "-m", "tests.bench.canned", file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            before = dict(os.environ)
            os.environ.update(_environment(url))
            try:
                yield Bench(url, size)
            finally:
                os.environ.clear()
                os.environ.update(before)
                server.terminate()


def _environment(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",  # no secret: every request is accepted
        "AWS_EC2_METADATA_DISABLED": "true",
    }
