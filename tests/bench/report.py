"""The size of the report of a drill of a hundred servers."""

from collections.abc import Iterator

from drskit.report.html import render_html
from drskit.report.summary import summarise
from drskit.runbook import parse_runbook
from tests.bench.figures import Figure
from tests.harness import house

SERVERS = 100
WAVES = 4


def measure() -> Iterator[Figure]:
    """Bytes, of a drill that really ran in the simulator."""
    with house(text=world()) as lab:
        execution = lab.session.start(parse_runbook(runbook(), source="runbooks/bench.yaml"))
        for _ in lab.session.poller().follow(lab.clock, until_idle=True):
            pass
        found = lab.session.history(execution.execution_id)
        page = render_html(summarise(*found, lab.clock.now()))
    assert sum(len(wave.servers) for wave in found[0].waves) == SERVERS
    yield Figure(f"report: HTML of {SERVERS} servers", len(page.encode()) / 1e6, 1, " MB")


def world() -> str:
    """A world of a hundred servers in tiers, every twentieth of which fails."""
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
