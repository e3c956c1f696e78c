"""World files: what they may say, and how they complain."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from drskit.errors import InvalidWorld
from drskit.sim import load_world, parse_world
from drskit.sim.generate import WorldFile
from drskit.sim.worldfile import dump_world, schema
from drskit.yamlfile import read_text
from tests.sim.lab import make_spec, server_id

pytestmark = pytest.mark.simulated("it is about world files")

WORLDS = sorted((Path(__file__).parents[2] / "runbooks" / "worlds").glob("*.yaml"))
ONE = f"start: 2026-03-02T09:00:00Z\nservers:\n- id: {server_id(1)}\n"
MANY = ONE + "generate:\n- {count: 3, names: 'web-{number}'}\n"
JOB = f"{{id: drsjob-50000000000000001, ended: 5, outcomes: {{{server_id(2)}: FAILED}}, log: []}}"


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
        (ONE + "  colour: red\n", "w.yaml:4: servers[0].colour: the key is unknown; "),
        (ONE + "  tag: {a: b}\n", "w.yaml:4: servers[0].tag: the key is unknown; did you mean tags?"),
        (ONE + "  durations: {lunch: 1}\n", "servers[0].durations.lunch: the key is unknown; did you mean launch?"),
        (ONE + "generate: [{count: 1, name: a}]\n", "generate[0].name: the key is unknown; did you mean names?"),
        (ONE + "  names: a\n", "w.yaml:4: servers[0].names: the key is unknown; did you mean name?"),
        (ONE + "  fails: [{failure: skipped, untill: x}]\n", "the key is unknown; did you mean until?"),
        (ONE + "  region: a\n", "servers[0].region: the key is unknown; did you mean origin_region?"),
        (ONE + "  durations: {launch: -1}\n", "w.yaml:4: servers[0].durations.launch: '-1': input should be greater"),
        (ONE + "  durations: {launch: [1, x]}\n", "w.yaml:4: servers[0].durations.launch[1]: 'x': input should be"),
        (ONE + "  durations: {gap: {uniform: [5, 1]}}\n", "w.yaml:4: servers[0].durations.gap: the first number is"),
        (ONE + "  durations: {gap: {normal: {mean: 5}}}\n", "durations.gap.normal.deviation: the key is missing; add"),
        (ONE + "  fails: bad-luck\n", "w.yaml:4: servers[0].fails: 'bad-luck': input should be 'conversion-denied'"),
        (ONE + "  fails: [skipped, oops]\n", "w.yaml:4: servers[0].fails[1]: 'oops': input should be"),
        (ONE + "  fails: {failure: skipped, from: noon}\n", "fails.from: 'noon': write a time with its zone, such as"),
        (ONE + "  replication:\n", "w.yaml:4: servers[0].replication: input should be a mapping. Correct the value."),
        (ONE + "account: 12\n", "w.yaml:4: account: '12': write twelve digits in quotes"),
        (ONE + f"- id: {server_id(1)}\n", f"w.yaml:4: servers[1].id: {server_id(1)} stands in the world twice."),
        (ONE + "seed: 1\nseed: 2\n", "w.yaml:5: seed: the key stands twice (line 4). Keep one."),
        (ONE + "  tags: &t {A: b}\nabout: *t\n", "w.yaml:4: anchors and aliases (& and *) are not accepted."),
        ("start: 2026-03-02T09:00:00\n", "w.yaml:1: start: '2026-03-02T09:00:00': write a time with its zone"),
        ("servers: []\n", "w.yaml:1: start: the key is missing; write a time with its zone"),
        ("- 1\n", "w.yaml:1: a world is a mapping that begins with"),
        ("{", "w.yaml:1: this is not valid YAML"),
        (MANY + "- {count: 2, names: web}\n", "w.yaml:6: generate[1].names: 'web': write a name with one {number}"),
        (MANY + "- {count: 2, names: 'web-{number}'}\n", "w.yaml:6: generate[1].names: web-"),
        (
            ONE + "generate: [{count: 2, names: 'web-{number}', of_these: [{count: 3}]}]\n",
            "w.yaml:4: generate[0]: of_these are 3 servers, and the group has 2; write fewer.",
        ),
        (ONE + "faults: [{operation: DescribeJob, kind: throttle}]\n", "no operation 'DescribeJob'. Did you mean Desc"),
        (ONE + "faults: [{service: drz, operation: X, kind: throttle}]\n", "faults[0].service: 'drz' is no service."),
        (ONE + f"faults: [{{operation: '*', kind: throttle, server: {server_id(9)}}}]\n", "is no server of this world"),
        (ONE + "faults: [{operation: DescribeJobs, kind: late}]\n", "w.yaml:4: faults[0]: late needs seconds"),
        (
            ONE + f"jobs: [{JOB}]\n",
            f"w.yaml:4: jobs[0].outcomes.{server_id(2)}: {server_id(2)} is no server of this world.",
        ),
    ],
)
def test_a_complaint_names_file_line_key_value_and_remedy(text, complaint):
    """Unknown keys, wrong values, YAML's traps, and what makes no sense as a whole."""
    with pytest.raises(InvalidWorld) as caught:
        parse_world(text, name="w.yaml")
    assert complaint in str(caught.value)


def test_all_complaints_come_at_once():
    """In the order of their lines."""
    with pytest.raises(InvalidWorld) as caught:
        parse_world(ONE + "  os: solaris\n  cpus: many\nseed: x\n", name="w.yaml")
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["w.yaml:4", "w.yaml:5", "w.yaml:6"]


def test_a_word_stays_what_was_written():
    """No YAML magic: an account without quotes keeps its zeros, `on` is a word where a word is meant."""
    spec = parse_world(ONE + "  tags: {Live: on, Version: 1.10}\naccount: 012345678901\n")
    assert spec.servers[0].tags == {"Live": "on", "Version": "1.10"}
    assert spec.account == "012345678901"


def test_json_is_a_world_file_too():
    """With tabs, escapes and characters in two halves, as any language writes it."""
    tags = {"Name": "café 🦀 \\ud83d \\\\ud83e\\udd80", "Live": True}
    told = {"start": "2026-03-02T09:00:00Z", "servers": [{"id": server_id(1), "tags": tags, "agent": None}]}
    (server,) = parse_world(json.dumps(told, indent="\t")).servers
    assert server.tags == {"Name": tags["Name"], "Live": "true"}
    assert server.agent is None


def test_a_missing_file_is_an_invalid_world(tmp_path):
    """With its name."""
    with pytest.raises(InvalidWorld, match=r"nowhere\.yaml"):
        load_world(tmp_path / "nowhere.yaml")


def test_a_world_survives_being_written():
    """YAML and back is the same world."""
    window = {"failure": "no-capacity", "from": "2026-03-02T09:00:00Z"}
    skewed = {"lognormal": {"median": 300, "sigma": 0.4, "at_most": 900}}
    spec = make_spec(
        {"fails": ["launch-denied", None, window], "durations": {"launch": [1.000001, 2], "conversion": skewed}},
        {"name": "null", "tags": {"empty": "", "yes": "no", "line": "a\nb: c"}, "agent": None},
        faults=[{"operation": "*", "kind": "throttle", "from": "2026-03-02T09:00:00Z"}],
    )
    assert parse_world(dump_world(spec)) == spec


# --- the schema ------------------------------------------------------------------------------------------------------


def test_the_schema_is_one_and_explains_itself():
    """Valid JSON Schema, by the names that the file uses, with what each key means."""
    found = schema()
    Draft202012Validator.check_schema(found)
    assert found["$defs"]["ServerSpec"]["properties"]["name"]["description"] == "Becomes the tag Name."
    assert {"from", "until"} <= set(found["$defs"]["Fault"]["properties"])
    assert "generate" in found["properties"]


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_the_schema_accepts_every_shipped_world(path):
    """As an editor would check it: with numbers as numbers."""
    written = WorldFile.model_validate(read_text(path.read_text(), source=path.name).data)
    told = written.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert [] == list(Draft202012Validator(schema()).iter_errors(told))


@pytest.mark.parametrize("wrong", [{"servers": [{"id": "s-1"}]}, {"colour": 1}, {"generate": [{"count": 0}]}])
def test_the_schema_refuses_what_the_reader_refuses(wrong):
    """An unknown key, a bad id, no servers at all."""
    assert list(Draft202012Validator(schema()).iter_errors({"start": "2026-03-02T09:00:00Z"} | wrong))


def test_a_fault_that_cannot_strike_is_told_with_the_rest():
    """Also where something else keeps the world from being looked at as a whole."""
    text = (
        "start: 2026-03-02T09:00:00Z\n"
        "servers: [{id: s-5}]\n"
        "faults: [{operation: DescribeJob, kind: throttle}, {operation: 3}]\n"
    )
    with pytest.raises(InvalidWorld) as caught:
        parse_world(text, name="world.yaml")
    told = str(caught.value).splitlines()
    assert "world.yaml:3: faults[0].operation: drs has no operation 'DescribeJob'. Did you mean DescribeJobs?" in told
    assert [line.split(": ")[0] for line in told] == ["world.yaml:2", *["world.yaml:3"] * (len(told) - 1)]
