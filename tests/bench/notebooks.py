"""What a person waits for in a large account: 300 source servers in `01-discover-servers`, 1,000 executions in `04`.

All of it is real boto3 on a world in this process, and the panel's widgets in
the kernel; the way to AWS and the browser are not in it. One of the thousand
executions is a drill of the world, the others are copies of it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from statistics import median

from drskit.discovery import Discovery, DiscoveryParameters
from drskit.runbook import parse_runbook
from drskit.session import Session
from drskit.store.names import TableNames
from drskit.views.discover_panel import DiscoverPanel
from drskit.watching import Watch, WatchParameters
from tests.bench.crowd import items_of
from tests.bench.figures import Figure
from tests.bench.report import SERVERS, runbook, world
from tests.harness import House, house

EXECUTIONS = 1_000
ROUNDS = 3
BATCH = 25
"""Items that one BatchWriteItem may hold."""
SMALL_WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
servers:
  - {id: s-0000000000000000a, name: app}
"""
SMALL_PLAN = """
version: 1
plan: many
sites: {main: {region: us-west-2}}
groups: {app: {select: {servers: [s-0000000000000000a]}}}
waves: [{name: Application, groups: [app]}]
"""


def measure() -> Iterator[Figure]:
    """Seconds."""
    with house(text=world()) as home:
        home.session.apply(parse_runbook(runbook(), source="runbooks/bench.yaml"))
        discovery = Discovery(home.session, DiscoveryParameters(simulate=False))
        yield _figure(f"{SERVERS} servers discovered, 100 of them asked about one by one", discovery.look, 3)
        yield _figure(f"the panel of {SERVERS} servers made", lambda: _shown(discovery), 1)
    with house(text=SMALL_WORLD) as home:
        _fill(home)
        fresh = WatchParameters(simulate=False)
        first = f"{EXECUTIONS} executions looked at for the first time"
        yield _figure(first, lambda: Watch(home.another_session(), fresh).look(whole=True), 5)
        watch = Watch(home.session, fresh)
        watch.look(whole=True)
        yield _figure("looked at again, all of them", lambda: watch.look(whole=True), 2)
        yield _figure("looked at again, what lives", watch.look, 0.5)
        yield _figure("a page of them drawn", lambda: watch.parts(watch.page(3), live=True), 0.1)
        yield _figure(f"executions list of {EXECUTIONS}, in process", lambda: _listed(home.another_session()), 5)


def _figure(about: str, work: Callable[[], object], at_most: float) -> Figure:
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return Figure(f"notebooks: {about}", median(took), at_most, " s")


def _shown(discovery: Discovery) -> None:
    with redirect_stdout(StringIO()):  # outside a kernel a widget is printed
        DiscoverPanel(discovery).shown()


def _listed(session: Session) -> None:
    """What `executions list` asks for, in a process that has asked for nothing before."""
    headers, unreadable = session.executions()
    assert (len(headers), 0) == (EXECUTIONS, len(unreadable))
    session.running_instances(headers)


def _fill(home: House) -> None:
    """One drill, and copies of it, each a minute older than the one before."""
    execution = home.session.start(parse_runbook(SMALL_PLAN, source="runbooks/many.yaml"))
    home.finish()
    done = home.session.store.load(execution.execution_id)
    items = []
    for number in range(1, EXECUTIONS):
        ago = timedelta(minutes=number)
        copy = done.model_copy(
            update={
                "execution_id": f"{done.execution_id[:-4]}{number:04d}",
                "start_time": done.start_time - ago,
                "end_time": done.end_time and done.end_time - ago,
            }
        )
        items += items_of(copy)
    client, table = home.session.clients.dynamodb(), TableNames.of().history
    for first in range(0, len(items), BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[first : first + BATCH]]
        client.batch_write_item(RequestItems={table: puts})
