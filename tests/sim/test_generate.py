"""Many servers of a few lines."""

import re

import pytest

from drskit.sim import parse_world
from drskit.sim.worldfile import dump_world, schema

pytestmark = pytest.mark.simulated("it is about world files")

DECLARED = """
start: 2026-03-02T09:00:00Z
servers:
- {name: web, instances: [{launched: 2026-02-20T10:00:00Z}]}
- {name: db}
- {name: db}
- {}
"""


def test_who_has_no_id_gets_one():
    """By the name, so that it stays when others come; two of a name are two, and the world's own file opens again."""
    world = parse_world(DECLARED)
    ids = [server.id for server in world.servers]
    assert len({*ids}) == 4
    assert all(re.fullmatch(r"s-5[0-9a-f]{16}", one) for one in ids)
    assert re.fullmatch(r"i-0[0-9a-f]{16}", world.servers[0].instances[0].id)
    more = parse_world(DECLARED.replace("servers:", "servers:\n- {name: first}"))
    assert ids == [server.id for server in more.servers[1:]]
    assert parse_world(dump_world(world)) == world
    assert not {"id"} & {*schema()["$defs"]["ServerSpec"].get("required", ())}


WORLD = """
start: 2026-03-02T09:00:00Z
seed: {seed}
generate:
- count: 40
  names: "linux-{{number:02d}}"
  tags: {{Application: shop, Tier: [web, web, app]}}
  network: 10.1.0.0/24
  origin_region: us-east-1
  of_these:
  - {{count: 2, replication: {{lag: 900, backlog_bytes: 1048576}}}}
  - {{count: 1, fails: launch-denied}}
- {{count: 10, names: "windows-{{number}}", os: windows, durations: {{conversion: {{uniform: [800, 900]}}}}}}
"""


@pytest.fixture(scope="module")
def spec():
    return parse_world(WORLD.format(seed=1))


def test_forty_linux_ten_windows_lag_on_two(spec):
    """As many as asked for, of each kind."""
    kinds = [server.os for server in spec.servers]
    assert (kinds.count("linux"), kinds.count("windows")) == (40, 10)
    assert [server.os for server in spec.servers if server.replication.lag == 900] == ["linux"] * 2
    assert [server.replication.lag for server in spec.servers if server.fails] == [0]


def test_each_server_is_somebody(spec):
    """Its own name, id, address and instance; tags in turn."""
    for values in ("id", "name", "hostname"):
        assert len({getattr(server, values) for server in spec.servers}) == 50
    linux = spec.servers[:40]
    assert [server.name for server in linux[:2]] == ["linux-01", "linux-02"]
    assert [server.ip for server in linux[:2]] == ["10.1.0.1", "10.1.0.2"]
    assert [server.tags["Tier"] for server in linux[:6]] == ["web", "web", "app"] * 2
    assert all(server.source_instance and server.origin_region for server in linux)
    assert {server.source_instance for server in spec.servers[40:]} == {None}


def test_the_same_file_makes_the_same_world(spec):
    """Another seed makes others odd."""
    assert parse_world(WORLD.format(seed=1)) == spec
    odd = [{server.name for server in world.servers if server.replication.lag} for world in (spec, *_others())]
    assert len(set(map(frozenset, odd))) > 1


def _others():
    return [parse_world(WORLD.format(seed=seed)) for seed in (2, 3)]


def test_what_was_made_can_be_written_out(spec):
    """Server by server, to change a few by hand."""
    assert parse_world(dump_world(spec)) == spec


def test_they_are_servers_like_any_other(open_lab):
    """DRS lists and launches them."""
    lab = open_lab(parse_world("start: 2026-03-02T09:00:00Z\ngenerate: [{count: 3, names: 'web-{number}'}]\n"))
    servers = lab.drs.describe_source_servers()["items"]
    assert [server["tags"] for server in servers] == [{"Name": f"web-{number}"} for number in (1, 2, 3)]
    chosen = [{"sourceServerID": server["sourceServerID"]} for server in servers]
    job = lab.drs.start_recovery(sourceServers=chosen, isDrill=True)["job"]
    lab.wait(1200)
    assert lab.statuses(job["jobID"]) == ["LAUNCHED"] * 3
