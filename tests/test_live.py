"""The trial of the launch protocol's assumptions, rehearsed on the simulator."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drskit.clock import VirtualClock
from drskit.errors import Refused
from drskit.sim import load_world, serve
from tests.cli.shell import bare_environment
from tests.harness import ROOT, RUNBOOKS, House, house, started
from tests.live import Trial

SERVER = "s-5a4c1e0b7d2f93861"
WORLD = f"""
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
servers:
  - {{id: {SERVER}, name: tiny-1, durations: {{gap: 5, conversion: 20, launch: 30}}}}
"""


def trial(home: House, **options: bool) -> Trial:
    """A trial of the world's one server."""
    return Trial(home.session, "us-west-2", SERVER, **options)


@pytest.mark.parametrize("protect", [False, True])
def test_every_assumption_holds_in_the_simulator(protect):
    """From refused signatures to the last terminated instance; nothing of the trial is left."""
    with house(text=WORLD) as home:
        one = trial(home, protect=protect)
        findings = list(one.run())
        assert [] == [str(finding) for finding in findings if not finding.holds]
        assert 18 == len(findings)
        assert [] == one.instances()
        assert 2 == len(home.jobs()) == len(one.jobs)


def test_a_world_that_takes_old_signatures_is_found_out():
    """Where a StartRecovery of long ago starts a job, the finding says so, and the trial goes on to clean up."""
    with house(text=WORLD + "behaviour: {check_signature_age: false}\n") as home:
        one = trial(home)
        first, *rest = one.run()
        assert (False, True) == (first.holds, first.measured.startswith("drsjob-"))
        assert "terminated instances gone from DRS and EC2" in {finding.name for finding in rest if finding.holds}


def test_a_server_with_an_instance_is_not_tried():
    """Its launch would terminate what somebody may need; nothing is started."""
    with house("captured-drill") as home:
        execution = started(home)
        home.finish()
        server = execution.waves[0].servers[0].source_server_id
        with pytest.raises(Refused, match="would terminate"):
            list(Trial(home.session, "us-west-2", server).run())
        assert 2 == len(home.jobs())


def test_the_page_s_command_tries_a_served_world(tmp_path: Path):
    """As docs/live-protocol.md writes it: exit 0, a line for each finding, and all of them kept."""
    spec = load_world(RUNBOOKS / "worlds" / "captured-drill.yaml")
    command = [
        sys.executable, "-m", "tests.live", "s-5f3ddf07c0eb9fe45", "--region", "us-west-2", "--yes",
        "--output", str(tmp_path / "findings.json"),
    ]  # fmt: skip
    with serve(spec, VirtualClock(spec.start_time)) as server:
        done = subprocess.run(
            command, cwd=ROOT, env=bare_environment() | server.environment(), capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
    assert (0, "") == (done.returncode, done.stderr)
    kept = json.loads((tmp_path / "findings.json").read_text())
    assert len(kept) == len(done.stdout.splitlines())
