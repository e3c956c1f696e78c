"""sim validate and sim show."""

import json

WORLD = """\
about: Some servers, some trouble
start: 2026-03-02T09:00:00Z
seed: 3
behaviour: {page_size: 7}
servers:
- id: s-50000000000000001
  name: "db \\e[31mred\\e[0m"
  fails: [launch-denied, null, {failure: no-capacity, from: 2026-03-02T10:00:00Z}]
  durations: {launch: [300, {uniform: [1, 2]}], gap: {lognormal: {median: 60, sigma: 0.5}}}
  instances: [{id: i-0123456789abcdef0, launched: 2026-03-01T09:00:00Z}]
generate:
- {count: 3, names: "web-{number}", of_these: [{count: 1, replication: {state: STALLED, lag: 900}}]}
faults: [{operation: DescribeJobs, kind: throttle, times: 2}]
"""


def test_a_valid_world_is_said_to_be_one(shell):
    """With how many servers it has; a shipped one by its name."""
    shell.write("w.yaml", WORLD)
    assert "w.yaml: valid, 4 servers.\n" == shell.run("sim", "validate", "w.yaml").stdout
    assert {"World": "w.yaml", "Valid": True, "Servers": 4} == shell.json("sim", "validate", "w.yaml")
    assert 12 == shell.json("sim", "validate", "shop")["Servers"]


def test_every_fault_of_a_world_is_named(shell):
    """With file, line, key, value and remedy; exit code 2."""
    shell.write("w.yaml", WORLD.replace("seed: 3", "seed: three").replace("throttle", "gremlins"))
    said = shell.complaint("sim", "validate", "w.yaml").splitlines()
    assert ["w.yaml:3: seed: 'three'", "w.yaml:13: faults[0].kind: 'gremlins'"] == [
        ": ".join(line.split(": ")[:3]) for line in said
    ]


def test_the_schema_is_printed(shell):
    """As JSON, without a world; and something must be asked for."""
    assert "generate" in json.loads(shell.run("sim", "validate", "--schema").stdout)["properties"]
    assert "Name a world file" in shell.complaint("sim", "validate")


def test_a_world_is_shown(shell):
    """Servers, states, durations, faults; hostile names do no harm."""
    shell.write("w.yaml", WORLD)
    shown = shell.run("sim", "show", "w.yaml").stdout
    for text in (
        "Some servers, some trouble",
        "4 servers: 4 linux; 3 CONTINUOUS, 1 STALLED",
        "launch-denied, then none, then no-capacity from 2026-03-02T10:00:00+00:00",
        "gap mostly 60 s (lognormal, sigma 0.5); launch 300 s, then 1 to 2 s",
        "operation DescribeJobs, kind throttle, times 2, service drs",
        "page_size: 7",
        "i-0123456789abcdef0",
    ):
        assert text in shown, text
    assert "\x1b" not in shown


def test_a_world_is_shown_as_json(shell):
    """The same, for programs; absent values are null."""
    shell.write("w.yaml", WORLD)
    shown = shell.json("sim", "show", "w.yaml")
    assert ("us-west-2", "2026-03-02T09:00:00Z", 3) == (shown["Region"], shown["StartTime"], shown["Seed"])
    assert {"CONTINUOUS": 3, "STALLED": 1} == shown["Counts"]["ReplicationState"]
    assert [900] == [server["LagSeconds"] for server in shown["Servers"] if server["ReplicationState"] == "STALLED"]
    assert [None] * 3 == [server["Fails"] for server in shown["Servers"]][1:]
    assert {"page_size": 7} == shown["Behaviour"]


def test_a_captured_world_shows_its_jobs(shell):
    """Which are replayed."""
    assert "2 captured jobs" in shell.run("sim", "show", "captured-drill").stdout
