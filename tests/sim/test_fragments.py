"""What is written once is sent often, and is JSON all the same."""

import json

import pytest

from drskit.sim.fragments import Fragment, dump
from tests.sim.lab import server_id

pytestmark = pytest.mark.simulated("it is about how the simulator writes answers")

LOST = Fragment(["a", {"b": None}])


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"items": [], "text": 'a "quoted" \\ word'}, {"items": [], "text": 'a "quoted" \\ word'}),
        (LOST, ["a", {"b": None}]),
        ({"items": [{"one": LOST, "two": LOST}], "three": Fragment("\\1 é")}, None),
    ],
)
def test_a_fragment_stands_where_it_belongs(body, meant):
    """At any depth, twice, alone; with whatever text."""
    meant = meant or {"items": [{"one": ["a", {"b": None}], "two": ["a", {"b": None}]}], "three": "\\1 é"}
    assert json.loads(dump(body)) == meant


def test_what_is_no_json_is_refused():
    """As the standard library does it."""
    with pytest.raises(TypeError, match="set is no JSON"):
        dump({"items": {1, 2}})


def test_a_job_that_was_written_before_shows_what_has_changed_since(lab):
    """At each look the servers are as of that instant, whoever asked before."""
    job = lab.start(1, 2, 3)
    seen = []
    for _ in range(160):
        lab.wait(5)
        seen.append(lab.statuses(job["jobID"]))
    assert seen[0] == ["PENDING"] * 3
    assert seen[-1] == ["LAUNCHED"] * 3
    counts = [statuses.count("LAUNCHED") for statuses in seen]
    assert counts == sorted(counts)
    ended = {line["eventData"]["sourceServerID"] for line in lab.log(job["jobID"]) if line["event"] == "LAUNCH_END"}
    assert ended == {server_id(number) for number in (1, 2, 3)}
