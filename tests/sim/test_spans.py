"""How long things take."""

from datetime import datetime, timedelta
from statistics import mean, median, stdev

import pytest
from pydantic import TypeAdapter

from drskit.sim.spans import Script, length
from tests.sim.lab import make_spec, server_id

pytestmark = pytest.mark.simulated("it is about durations that a world declares")

CHANCES = [step / 1000 + 0.0005 for step in range(1000)]


def drawn(script):
    """A thousand spans of one script."""
    read = TypeAdapter(Script).validate_python(script)
    return [length(read, 0, chance) for chance in CHANCES]


def test_a_number_is_always_the_same():
    """As written."""
    assert set(drawn("185.5")) == {185.5}


def test_uniform_spans_lie_between_two():
    """Any as likely as any other."""
    found = drawn({"uniform": [10, 20]})
    assert (min(found), max(found)) == (pytest.approx(10, abs=0.1), pytest.approx(20, abs=0.1))
    assert mean(found) == pytest.approx(15)


def test_normal_spans_have_their_mean_and_deviation():
    """Without bounds that matter."""
    found = drawn({"normal": {"mean": 300, "deviation": 20}})
    assert mean(found) == pytest.approx(300, rel=0.01)
    assert stdev(found) == pytest.approx(20, rel=0.05)


def test_a_lognormal_has_its_median_and_a_long_tail():
    """Half of them shorter, a few much longer."""
    found = drawn({"lognormal": {"median": 100, "sigma": 1}})
    assert median(found) == pytest.approx(100, rel=0.01)
    assert max(found) > 1500


@pytest.mark.parametrize("kind", [{"normal": {"mean": 50, "deviation": 100}}, {"lognormal": {"median": 9, "sigma": 2}}])
def test_bounds_cut_and_heap_nothing_up(kind):
    """Nothing outside, and nothing more often than once on them."""
    ((name, shape),) = kind.items()
    found = drawn({name: shape | {"at_least": 20, "at_most": 90}})
    assert (min(found) >= 20, max(found) <= 90) == (True, True)
    assert len({round(seconds, 6) for seconds in found}) == len(found)


def test_each_launch_has_its_turn():
    """The last one stays."""
    read = TypeAdapter(Script).validate_python([1, {"uniform": [5, 5]}, 9])
    assert [length(read, number, 0.5) for number in range(5)] == [1, 5, 9, 9, 9]


def conversions(lab, job):
    """How long each server's conversion took, in seconds."""
    at = {}
    for line in lab.log(job["jobID"]):
        at.setdefault(line["event"], []).append(datetime.fromisoformat(line["logDateTime"]))
    pairs = zip(at["CONVERSION_START"], at["CONVERSION_END"], strict=True)
    return [(end - begin) / timedelta(seconds=1) for begin, end in pairs]


def test_a_world_takes_the_times_that_it_says(open_lab):
    """By chance from the seed, so the same world takes the same times again."""
    servers = [{"durations": {"conversion": {"uniform": [100, 200]}}}] * 3
    took = []
    for seed in (1, 1, 2):
        lab = open_lab(make_spec(*servers, seed=seed))
        job = lab.start(1, 2, 3)
        lab.wait(2000)
        took.append(conversions(lab, job))
    assert took[0] == took[1] != took[2]
    assert len(set(took[0])) == 3


def test_a_failure_can_strike_in_a_window_of_time(open_lab):
    """Launches before it and after it succeed."""
    window = {"failure": "no-capacity", "from": "2026-03-02T10:00:00Z", "until": "2026-03-02T11:00:00Z"}
    lab = open_lab(make_spec({"fails": window}))
    found = []
    for _ in range(3):
        job = lab.start(1)
        lab.wait(3600)
        found += lab.statuses(job["jobID"])
    assert found == ["LAUNCHED", "FAILED", "LAUNCHED"]


def test_a_fault_can_be_of_one_server_only(open_lab):
    """Calls that name another one succeed."""
    fault = {"operation": "GetLaunchConfiguration", "kind": "access-denied", "times": 9, "server": server_id(2)}
    lab = open_lab(make_spec(count=3, faults=[fault]))
    lab.drs.get_launch_configuration(sourceServerID=server_id(1))
    with pytest.raises(lab.drs.exceptions.AccessDeniedException):
        lab.drs.get_launch_configuration(sourceServerID=server_id(2))
