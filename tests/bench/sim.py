"""How fast the simulator is at the size of a whole account: 4,000 source servers, and 20 running jobs of 100.

Times are of the processor. Requests pass the world's door as boto3's do, from
the address to the bytes of the answer; boto3's own work is left out.
"""

import gc
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from drskit.clock import VirtualClock
from drskit.sim import WorldSpec
from drskit.sim.gateway import Gateway
from tests.bench.figures import Figure

SERVERS = 4000
JOBS = 20
JOB_SERVERS = 100
ROUNDS = 21
START = "2026-03-02T09:00:00Z"


def measure() -> Iterator[Figure]:
    """Milliseconds of this process, and memory."""
    yield Figure("sim: opening a world of 4,000 servers", opening(), None, " s", digits=2)
    place = Place(SERVERS)
    starts = [place.took(lambda number=number: place.start(number)) for number in range(JOBS)]
    yield Figure("sim: StartRecovery of 100 servers", median(starts), 50, " ms", digits=1)
    yield Figure("sim: the slowest of 20", max(starts), None, " ms", digits=1)
    pages = {"DescribeJobs": {}, "DescribeSourceServers": {}, "DescribeJobLogItems": {"jobID": place.jobs[0]}}
    place.clock.sleep(240)
    for operation, request in pages.items():
        yield place.page(operation, request, about="while 20 jobs of 100 run")
    place.clock.sleep(7200)
    for number in range(JOBS, 2 * JOBS):
        place.start(number)
    place.clock.sleep(240)
    for operation, request in (pages | {"DescribeRecoveryInstances": {}}).items():
        yield place.page(operation, request, about="and 2,000 instances are there")
    yield Figure("sim: the first call of EC2 after 2,000 launches", place.took(place.ask_ec2) / 1000, 4, " s", digits=1)
    yield Figure("sim: any later one", median(place.took(place.ask_ec2) for _ in range(ROUNDS)), None, " ms", digits=1)
    moved = [place.took(lambda: place.move_and_ask(7)) for _ in range(ROUNDS)]
    yield Figure("sim: DescribeJobs, when time has moved on", median(moved), 5, " ms", digits=1)
    yield from memory()


def opening() -> float:
    """Seconds from plain data to a world that answers."""
    data = told(SERVERS)
    begun = time.process_time()
    spec = WorldSpec.model_validate(data)
    Gateway(spec, VirtualClock(spec.start_time))
    return time.process_time() - begun


def memory() -> Iterator[Figure]:
    """What a server and its launch weigh, in a small and in a large world."""
    small, large = (weight(count) / count for count in (SERVERS // 4, SERVERS))
    yield Figure("sim: memory of a server that was launched", large / 1024, None, " KiB", digits=1)
    yield Figure("sim: the same, of 4,000 / of 1,000", large / small, 1.1)


def weight(servers: int) -> int:
    """The bytes of a world in which everything was launched once."""
    gc.collect()
    tracemalloc.start()
    try:
        place = Place(servers)
        for number in range(servers // JOB_SERVERS):
            if number % JOBS == 0:
                place.clock.sleep(7200)
            place.start(number)
            place.ask("DescribeJobs", {})
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


class Place:
    """A world, and one caller."""

    def __init__(self, servers: int) -> None:
        spec = WorldSpec.model_validate(told(servers))
        self.clock = VirtualClock(spec.start_time)
        self.servers = servers
        self.jobs: list[str] = []
        self._gateway = Gateway(spec, self.clock)

    def ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """What a call answers."""
        return dict(json.loads(self.send(operation, request)))

    def send(self, operation: str, request: dict[str, Any]) -> str | bytes:
        """The body of an answer."""
        url = f"https://drs.us-west-2.amazonaws.com/{operation}"
        headers = [("host", "localhost"), ("content-type", "application/json")]
        status, _, body = self._gateway.answer_http("POST", url, headers, json.dumps(request).encode())
        assert status in {200, 202}, body
        return body

    def ask_ec2(self) -> None:
        """A look at EC2 that has nothing to do with instances."""
        headers = [("host", "localhost"), ("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
        request = b"Action=DescribeVpcs&Version=2016-11-15"
        assert self._gateway.answer_http("POST", "https://ec2.us-west-2.amazonaws.com/", headers, request)[0] == 200

    def start(self, number: int) -> None:
        """A drill of the hundred servers with this number."""
        first = number * JOB_SERVERS % self.servers
        chosen = [{"sourceServerID": server_id(place)} for place in range(first, first + JOB_SERVERS)]
        self.jobs.append(self.ask("StartRecovery", {"isDrill": True, "sourceServers": chosen})["job"]["jobID"])

    def move_and_ask(self, seconds: float) -> None:
        """The jobs as a poller sees them: a while later."""
        self.clock.sleep(seconds)
        self.send("DescribeJobs", {})

    def page(self, operation: str, request: dict[str, Any], *, about: str) -> Figure:
        """How long a page takes."""
        assert self.ask(operation, request)["items"]
        typical = median(self.took(lambda: self.send(operation, request)) for _ in range(ROUNDS))
        return Figure(f"sim: a page of {operation} {about}", typical, 5, " ms", digits=1)

    @staticmethod
    def took(act: Callable[[], object]) -> float:
        """The milliseconds of an act."""
        begun = time.process_time()
        act()
        return (time.process_time() - begun) * 1000


def told(servers: int) -> dict[str, Any]:
    """A world of so many servers that nobody limits to 500 in jobs."""
    every = [
        {"id": server_id(number), "name": f"server-{number:04d}", "tags": {"Tier": f"tier-{number % 7}"}}
        for number in range(servers)
    ]
    return {"start": START, "servers": every, "behaviour": {"servers_in_jobs_quota": servers}}


def server_id(number: int) -> str:
    """The id of a server."""
    return f"s-5{number:016x}"
