"""The report of a drill of three hundred servers: how large it is, and how long one export takes.

An export is all that a press of a button costs in the kernel: the run's folder
is read, one format is made of it, and the file is written.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from drskit.report.evidence import load_execution_json, write_run
from drskit.report.export import RENDERERS, render
from drskit.runbook import parse_runbook
from drskit.surroundings import surroundings
from tests.bench.figures import Figure
from tests.harness import house

SERVERS = 300
WAVES = 4
ROUNDS = 9


def measure() -> Iterator[Figure]:
    """Bytes and seconds, of a drill that really ran in the simulator."""
    with tempfile.TemporaryDirectory() as name:
        run = drilled(Path(name))
        size = export(run, "html").stat().st_size
        yield Figure(f"report: HTML of {SERVERS} servers", size / 1e6, 1, " MB")
        for form in RENDERERS:
            took = median(seconds(run, form) for _ in range(ROUNDS))
            yield Figure(f"report: export of {form} of {SERVERS} servers", took, 1, " s")


def drilled(runs: Path) -> Path:
    """The folder of a drill that is over."""
    with house(text=world()) as lab:
        execution = lab.session.start(parse_runbook(runbook(), source="runbooks/bench.yaml"))
        for _ in lab.session.poller().follow(lab.clock, until_idle=True):
            pass
        found = lab.session.history(execution.execution_id)
        assert sum(len(wave.servers) for wave in found[0].waves) == SERVERS
        context = surroundings(lab.session, found[0], lab.clock.now())
        write_run(runs, *found, now=context.made_at, context=context)
    return runs / execution.execution_id


def export(run: Path, form: str) -> Path:
    """Write the report in a format, from the run's folder alone."""
    target = run / f"bench.{form}"
    target.write_bytes(render(load_execution_json(run), form))
    return target


def seconds(run: Path, form: str) -> float:
    """The wall time of an export."""
    begin = time.perf_counter()
    export(run, form)
    return time.perf_counter() - begin


def world() -> str:
    """A world of servers in tiers, every twentieth of which fails."""
    lines = ["region: us-west-2", "start: 2026-03-02T09:00:00Z", "servers:"]
    for number in range(SERVERS):
        fails = ", fails: launch-denied" if number % 20 == 19 else ""
        tags = f"{{Tier: tier-{number % WAVES}, Application: bench}}"
        lines.append(f"  - {{id: s-5{number:016x}, name: bench-server-{number:03d}, tags: {tags}{fails}}}")
    return "\n".join(lines)


def runbook() -> str:
    """A plan of as many waves as tiers, each of which may fail in part."""
    groups = [f"  tier-{number}: {{select: {{tags: {{Tier: tier-{number}}}}}}}" for number in range(WAVES)]
    waves = [f"  - {{name: Tier {number}, groups: [tier-{number}], max_failed: {SERVERS}}}" for number in range(WAVES)]
    head = ["version: 1", "plan: bench", "targets: {rto: PT1H, rpo: PT15M}", "sites: {main: {region: us-west-2}}"]
    return "\n".join([*head, "groups:", *groups, "waves:", *waves])
