"""Which world a process drills in, and when that world ends."""

import json
import os
import signal
from pathlib import Path

import pytest

from drskit.clock import RemoteClock, wait_until
from drskit.errors import WorldUnreachable
from drskit.resources import find_file
from drskit.simulation import attach_or_start, attached, leave, make_server

WORLD = "runbooks/worlds/failing.yaml"


@pytest.fixture
def enter(tmp_path):
    """Enters a world with an environment of the test's own; afterwards every world that it started is ended."""
    environment: dict[str, str] = {"AWS_PROFILE": "prod", "AWS_ENDPOINT_URL_DRS": "https://elsewhere.example"}

    def run(world: str | Path = WORLD, *, outlive: bool) -> dict[str, str]:
        attach_or_start(find_file(str(world)), 0, environment, runs=tmp_path, outlive=outlive)
        return environment

    yield run
    leave(environment)
    for pid in pids(tmp_path):
        os.kill(pid, signal.SIGTERM)


def pids(runs):
    return [json.loads(record.read_text())["pid"] for record in runs.glob(".worlds/*.json")]


def test_without_a_person_the_world_is_inside_the_process_and_found_again(enter, tmp_path):
    """No process that could be left behind, no note of one."""
    environment = enter(outlive=False)
    assert attached(environment)
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL_DRS"}.isdisjoint(environment)
    url = environment["AWS_ENDPOINT_URL"]
    assert url == enter(outlive=False)["AWS_ENDPOINT_URL"]
    assert [] == pids(tmp_path)


def test_leaving_a_world_brings_the_environment_back(enter):
    """A notebook whose parameters change from simulated to AWS does not stay in the world."""
    environment = enter(outlive=False)
    leave(environment)
    assert {"AWS_PROFILE": "prod", "AWS_ENDPOINT_URL_DRS": "https://elsewhere.example"} == environment


def test_another_world_replaces_the_one_that_this_process_chose(enter):
    """The next runbook in the same kernel drills in its own world."""
    first = enter(outlive=False)["AWS_ENDPOINT_URL"]
    second = enter("runbooks/worlds/captured-drill.yaml", outlive=False)["AWS_ENDPOINT_URL"]
    assert first != second


def test_a_world_that_somebody_named_is_taken_and_stays(enter, tmp_path):
    """The environment's word stands; when that world is gone, no other is made in its place."""
    server = make_server(find_file(WORLD))
    named = server.environment()
    attach_or_start(find_file("runbooks/worlds/shop.yaml"), 0, named, runs=tmp_path, outlive=True)
    leave(named)
    assert server.url == named["AWS_ENDPOINT_URL"]
    server.stop()
    with pytest.raises(WorldUnreachable):
        attach_or_start(find_file(WORLD), 0, named, runs=tmp_path, outlive=True)


@pytest.mark.slow
def test_in_front_of_a_person_the_world_outlives_the_process_and_is_begun_anew_when_it_ended(enter, tmp_path):
    """A new kernel finds it by its note; a note of a dead process is not believed; an edited world is another one."""
    world = tmp_path / "edited.yaml"
    world.write_text(find_file(WORLD).read_text())
    environment = enter(world, outlive=True)
    url = environment["DRSKIT_CLOCK_URL"]
    (pid,) = pids(tmp_path)
    assert url == enter(world, outlive=True)["DRSKIT_CLOCK_URL"]
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not answers(url), timeout_seconds=10)
    os.waitpid(pid, 0)
    assert url != enter(world, outlive=True)["DRSKIT_CLOCK_URL"]
    assert 1 == len(pids(tmp_path))
    world.write_text(world.read_text() + "# edited\n")
    enter(world, outlive=True)
    assert 2 == len(set(pids(tmp_path)))


def answers(url):
    try:
        RemoteClock(url)
    except WorldUnreachable:
        return False
    return True
