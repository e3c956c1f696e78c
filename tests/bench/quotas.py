"""How much later than the quotas allow a large wave ends: 1,000 servers at once, in virtual time.

DRS takes a hundred servers in a job and five hundred in all jobs, so ten jobs
run on five places. The limit is what somebody would reach who knew the instant
in which a place becomes free, and took it with the next job in the plan's order;
the jobs' own times are those that they had.

Only virtual time counts, and neither the tables nor the pages of a listing take
any: the drill lives in the memory store, and DRS answers with a thousand lines a
page, so that little time goes into either.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from heapq import heappop, heappush

from drskit.model import Execution, ExecutionStatus
from drskit.quotas import Quotas
from drskit.store.memory import MemoryStore
from tests.bench.figures import Figure
from tests.harness import house, runbook_of

SERVERS = 1000
WORLDS = {
    "jobs all alike": "{cleanup: 1, snapshot: 40, gap: 20, conversion: 185, launch: 290}",
    "jobs as uneven as captured ones": "{}",
    "jobs very uneven": "{conversion: {uniform: [150, 900]}, launch: {uniform: [200, 600]}}",
}
WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 7
behaviour: {{replicating_servers_quota: 4000, page_size: 1000}}
generate:
  - {{count: {count}, names: "bulk-{{number:04d}}", tags: {{Bulk: "yes"}}, durations: {durations}}}
"""
PLAN = """
version: 1
plan: bulk
sites: {main: {region: us-west-2}}
groups:
  bulk: {select: {tags: {Bulk: "yes"}}}
waves:
  - {name: Bulk, groups: [bulk], timeout: PT6H}
"""


def measure() -> Iterator[Figure]:
    """The ratio for each world."""
    for name, durations in WORLDS.items():
        execution = drilled(WORLD.format(count=SERVERS, durations=durations))
        about = f"quotas, {SERVERS:,} servers in one wave, {name}"
        yield Figure(f"{about}: end to end / the limit", ratio(execution), 1.02, digits=4)


def drilled(world: str) -> Execution:
    """The drill at its end."""
    with house(text=world) as lab:
        lab.session.store = MemoryStore(lab.clock)
        execution = lab.session.start(runbook_of(PLAN))
        for _ in lab.session.poller().follow(lab.clock, until_idle=True):
            pass
        execution = lab.session.store.load(execution.execution_id)
        assert execution.status is ExecutionStatus.COMPLETED, execution.status
        return execution


def ratio(execution: Execution) -> float:
    """From start to end, over the least that quotas and the jobs' own times allow."""
    jobs = [
        (len(attempt.server_ids), attempt.end_time - attempt.creation_time)
        for attempt in sorted(execution.attempts, key=lambda one: one.chunk)
        if attempt.end_time and attempt.creation_time
    ]
    assert execution.end_time
    return (execution.end_time - execution.start_time) / limit(jobs, Quotas())


def limit(jobs: Sequence[tuple[int, timedelta]], quotas: Quotas) -> timedelta:
    """When the last of these jobs ends, each begun in order at the instant at which it fits."""
    running: list[tuple[timedelta, int]] = []
    now = timedelta()
    for servers, lasts in jobs:
        while len(running) >= quotas.jobs or sum(count for _, count in running) + servers > quotas.servers:
            now = heappop(running)[0]
        heappush(running, (now + lasts, servers))
    return max(end for end, _ in running)
