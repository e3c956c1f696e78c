"""What an execution of 3,000 servers in 40 waves weighs, and how the time of its steps grows with its size.

A drill is followed to its end in virtual time, for 750, 1,500 and 3,000 servers in
40 waves. It lives in the memory store, and each of its writes is also made into
the items that DynamoDB would get: so the time is that of the engine, of boto3, of
the history and of the codec, without a simulator of DynamoDB, and the answers of
the simulated DRS are left out of it. A step is one write of the execution.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from drskit.clock import Clock
from drskit.model import Event, Execution, ExecutionStatus, JobLog
from drskit.store.memory import MemoryStore
from tests.bench.figures import Figure
from tests.bench.items import Items, Kept
from tests.harness import House, house, runbook_of

SIZES = (750, 1500, 3000)
WAVES = 40
MOST_BYTES = 350_000
TIMES = "{cleanup: 1, snapshot: 2, gap: 2, conversion: 20, launch: 20}"


def measure() -> Iterator[Figure]:
    """The largest item, and the time of a step beside that of half the servers."""
    found = {size: Drill(size) for size in SIZES}
    for size, drill in found.items():
        drill.run()
        about = f"large, {size:,} servers in {WAVES} waves"
        yield Figure(f"{about}: the largest item", drill.store.wire.largest / 1000, MOST_BYTES / 1000, " kB", digits=1)
        yield Figure(f"{about}: one step of {drill.store.steps:,}", drill.per_step * 1000, None, " ms", digits=1)
        yield Figure(f"{about}: the whole drill, in processor time without DRS's", drill.took, None, " s", digits=1)
    for small, large in pairwise(SIZES):
        ratio = found[large].per_step / found[small].per_step
        yield Figure(f"large: a step of {large:,} servers / of {small:,}", ratio, 2.0)


class Weighing(MemoryStore):
    """The memory store, with what DynamoDB would get."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.wire = Kept()
        self.steps = 0
        self._commits = Items(self.wire, clock.now)

    def commit(
        self, before: Execution, after: Execution, events: tuple[Event, ...], logs: tuple[JobLog, ...] = ()
    ) -> None:
        """Write, and make the items of it."""
        super().commit(before, after, events, logs)
        self._commits.commit(before, after, events, logs)
        self.steps += 1


@dataclass
class Drill:
    """A drill of so many servers."""

    size: int
    took: float = 0.0
    """Processor seconds."""
    store: Weighing = field(init=False)

    @property
    def per_step(self) -> float:
        """Seconds of a step."""
        return self.took / self.store.steps

    def run(self) -> None:
        """From the start to the end."""
        with house(text=self._world()) as lab:
            self.store = Weighing(lab.clock)
            lab.session.store = self.store
            away = _watch(lab)
            begun = time.process_time()
            execution = lab.session.start(runbook_of(self._plan()))
            for _ in lab.session.poller().follow(lab.clock, until_idle=True):
                pass
            self.took = time.process_time() - begun - sum(away)
            execution = self.store.load(execution.execution_id)
            assert execution.status is ExecutionStatus.COMPLETED, execution.status

    def _world(self) -> str:
        groups = "".join(
            f'  - {{count: {self.size // WAVES}, names: "large-{wave:02d}-{{number:03d}}", tags: {{Wave: "{wave}"}}, '
            f"durations: {TIMES}}}\n"
            for wave in range(WAVES)
        )
        return f"region: us-west-2\nstart: 2026-03-02T09:00:00Z\ngenerate:\n{groups}"

    def _plan(self) -> str:
        groups = "".join(f'  g{wave}: {{select: {{tags: {{Wave: "{wave}"}}}}}}\n' for wave in range(WAVES))
        waves = "".join(f"  - {{name: Wave {wave}, groups: [g{wave}]}}\n" for wave in range(WAVES))
        return f"version: 1\nplan: large\nsites: {{main: {{region: us-west-2}}}}\ngroups:\n{groups}waves:\n{waves}"


def _watch(lab: House) -> list[float]:
    """The processor seconds that the simulator takes for each answer from now on."""
    answer, took = lab.gateway.answer, list[float]()

    def timed(request: Any) -> Any:
        begun = time.process_time()
        try:
            return answer(request)
        finally:
            took.append(time.process_time() - begun)

    lab.gateway.answer = timed  # type: ignore[method-assign]
    return took
