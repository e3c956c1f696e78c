"""World files: what they may say, and how they complain."""

from pathlib import Path

import pytest

from drskit.errors import InvalidWorld
from drskit.sim import load_world, parse_world
from drskit.sim.spec import dump_world
from tests.sim.lab import make_spec, server_id

WORLDS = sorted((Path(__file__).parents[2] / "runbooks" / "worlds").glob("*.yaml"))
ONE = f"start: 2026-03-02T09:00:00Z\nservers:\n- id: {server_id(1)}\n"


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_every_shipped_world_opens(open_lab, path):
    """And its servers are listed."""
    spec = load_world(path)
    lab = open_lab(spec)
    assert len(lab.drs.describe_source_servers()["items"]) == len(spec.servers)


def test_the_shop_has_three_tiers():
    """Two databases, four application servers of which one runs Windows, six web servers."""
    (shop,) = (load_world(path) for path in WORLDS if path.stem == "shop")
    tiers = [server.tags["Tier"] for server in shop.servers]
    assert [tiers.count(tier) for tier in ("database", "app", "web")] == [2, 4, 6]
    assert [server.tags["Tier"] for server in shop.servers if server.os == "windows"] == ["app"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ONE + "  colour: red\n", "w.yaml: servers.0.colour: Extra inputs"),
        (ONE + "  durations: {launch: -1}\n", "w.yaml: servers.0.durations.launch"),
        (ONE + "  fails: bad-luck\n", "w.yaml: servers.0.fails"),
        (ONE + "  tags: {Live: on}\n", "w.yaml: servers.0.tags.Live"),
        (ONE + "account: 123456789012\n", "w.yaml: account"),
        (ONE + f"- id: {server_id(1)}\n", "stands in the world twice"),
        (ONE + "seed: 1\nseed: 2\n", "the key 'seed' stands twice"),
        (ONE + "  tags: &t {A: b}\nabout: *t\n", "aliases are not allowed"),
        ("start: 2026-03-02T09:00:00\n", "w.yaml: start"),
        ("- 1\n", "w.yaml: (the whole file)"),
        ("{", "w.yaml is not a world file"),
    ],
)
def test_a_complaint_names_file_and_key(text, complaint):
    """Unknown keys, wrong values, YAML's traps."""
    with pytest.raises(InvalidWorld) as caught:
        parse_world(text, name="w.yaml")
    assert complaint in str(caught.value)


def test_a_missing_file_is_an_invalid_world(tmp_path):
    """With its name."""
    with pytest.raises(InvalidWorld, match=r"nowhere\.yaml"):
        load_world(tmp_path / "nowhere.yaml")


def test_a_world_survives_being_written():
    """YAML and back is the same world."""
    spec = make_spec(
        {"fails": ["launch-denied", None], "durations": {"launch": [1.000001, 2]}},
        faults=[{"operation": "*", "kind": "throttle", "from": "2026-03-02T09:00:00Z"}],
    )
    assert parse_world(dump_world(spec)) == spec
