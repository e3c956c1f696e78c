"""The simulator in the tests of other projects."""

import json
import os
import subprocess
import sys
import tomllib
import urllib.request
from datetime import UTC, datetime
from importlib import import_module

import boto3
import pytest
from botocore.exceptions import ClientError
from packaging.requirements import Requirement

from drskit.clock import VirtualClock
from drskit.errors import InvalidWorld
from drskit.sim import serve
from drskit.sim.testing import mock_drs
from tests.harness import ROOT, RUNBOOKS
from tests.sim.lab import make_spec, server_id

pytestmark = pytest.mark.simulated("it is about the simulator in the tests of other projects")

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HEAVY = ("papermill", "pandas", "IPython", "ipywidgets", "jinja2", "nbconvert", "nbformat", "rich", "click", "ulid")
PROJECT = '''
import boto3
import pytest

from drskit.sim.testing import mock_drs


def launch(drs):
    """The code under test: it starts a drill of everything."""
    servers = drs.describe_source_servers()["items"]
    chosen = [{"sourceServerID": server["sourceServerID"]} for server in servers]
    return drs.start_recovery(isDrill=True, sourceServers=chosen)["job"]["jobID"]


def test_a_drill_launches_everything(drs_world):
    drs = boto3.client("drs")
    job = launch(drs)
    drs_world.sleep(1800)
    (done,) = drs.describe_jobs(filters={"jobIDs": [job]})["items"]
    assert [server["launchStatus"] for server in done["participatingServers"]] == ["LAUNCHED"] * 3


@mock_drs
def test_by_a_decorator():
    assert len(boto3.client("drs").describe_source_servers()["items"]) == 3


@pytest.mark.parametrize(
    "drs_world_spec",
    [{"start": "2026-03-02T09:00:00Z", "region": "eu-west-1", "generate": [{"count": 2, "names": "x-{number}"}]}],
)
def test_in_a_world_of_its_own(drs_world):
    assert drs_world.region == boto3.client("drs").meta.region_name == "eu-west-1"
    assert len(drs_world.server_ids) == 2


def test_without_a_world_nothing_is_left():
    import os
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in os.environ
'''


def python(folder, *words, **variables):
    """Run Python elsewhere, with this drskit and no setting of AWS."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DRSKIT_", "PYTEST"))}
    environment = kept | {"PYTHONPATH": str(ROOT), "AWS_CONFIG_FILE": os.devnull} | variables
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_another_project_tests_its_drs_code(tmp_path):
    """A folder with one test file, outside of this project, and pytest with this plugin alone."""
    (tmp_path / "test_theirs.py").write_text(PROJECT)
    words = ("-m", "pytest", "-q", "-p", "drskit.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers")
    done = python(tmp_path, *words, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_plugin_needs_nothing_of_the_kit(tmp_path):
    """Neither to be imported nor to open a world; without a world it imports not even the simulator."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({HEAVY!r}))
import drskit.pytest_plugin
assert not {{"drskit.sim", "moto", "boto3", "botocore", "pydantic"}} & set(sys.modules), sorted(sys.modules)
import drskit.sim.testing
assert not {{"moto", "boto3"}} & set(sys.modules)
import boto3
with drskit.sim.testing.mock_drs() as world:
    drs = boto3.client("drs")
    assert [one["sourceServerID"] for one in drs.describe_source_servers()["items"]] == world.server_ids
    boto3.client("ec2").describe_instances()
print(sorted(name for name in {HEAVY!r} if sys.modules.get(name)))
"""
    done = python(tmp_path, "-c", code)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_the_extra_brings_what_the_simulator_needs():
    """Moto alone, in the version that the kit takes; and pytest finds the plugin."""
    (sim,) = map(Requirement, PYPROJECT["project"]["optional-dependencies"]["sim"])
    (kit,) = (
        one for one in map(Requirement, PYPROJECT["project"]["optional-dependencies"]["kit"]) if one.name == "moto"
    )
    assert (sim.name, sim.specifier) == ("moto", kit.specifier)
    entry = PYPROJECT["project"]["entry-points"]["pytest11"]["drskit"]
    assert import_module(entry).drs_world


# --- the world -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [make_spec(count=2), {"start": "2026-03-02T09:00:00Z", "servers": [{"id": server_id(1)}, {"id": server_id(2)}]}],
    ids=["a world", "its data"],
)
def test_a_world_can_be_told_in_many_ways(told):
    """As a value or as data."""
    with mock_drs(told) as world:
        assert world.server_ids == [server_id(1), server_id(2)]
        assert len(boto3.client("drs").describe_source_servers()["items"]) == 2


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_a_world_can_be_a_file(kind):
    """By its path."""
    with mock_drs(kind(RUNBOOKS / "worlds" / "shop.yaml")) as world:
        assert len(world.server_ids) == 12


def test_a_faulty_world_says_so_at_once():
    """Before any test runs in it."""
    with pytest.raises(InvalidWorld, match=r"servers\[0\].id: 's-1': write an id such as"):
        mock_drs({"start": "2026-03-02T09:00:00Z", "servers": [{"id": "s-1"}]})


def test_time_passes_when_it_is_told_to():
    """And only then."""
    with mock_drs() as world:
        assert world.now == datetime(2026, 1, 1, tzinfo=UTC)
        world.sleep(90)
        assert world.now == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)


def test_calls_fail_as_they_are_told_to():
    """So often, and then no more; what could never strike is refused."""
    with mock_drs() as world:
        drs = boto3.client("drs", config=boto3.session.Config(retries={"total_max_attempts": 1}))
        world.fault("DescribeJobs", "throttle", times=2)
        with pytest.raises(ClientError, match="ThrottlingException"):
            drs.describe_jobs()
        world.clear_faults()
        assert drs.describe_jobs()["items"] == []
        for words in (("DescribeJob", "throttle"), ("DescribeJobs", "gremlins")):
            with pytest.raises(InvalidWorld, match=r"Did you mean DescribeJobs|kind: "):
                world.fault(*words)


def test_a_decorated_function_is_called_anew_in_a_world_of_its_own():
    """Nothing of one call is left for the next; its arguments and its answer pass."""

    @mock_drs(make_spec(count=1))
    def launch(tag, *, drill):
        job = boto3.client("drs").start_recovery(
            sourceServers=[{"sourceServerID": server_id(1)}], isDrill=drill, tags={"By": tag}
        )["job"]
        return job["tags"], job["initiatedBy"]

    assert [launch("me", drill=True) for _ in range(2)] == [({"By": "me"}, "START_DRILL")] * 2
    assert launch.__name__ == "launch"


def test_what_the_machine_is_set_up_for_is_never_reached(monkeypatch):
    """Another endpoint in the environment is not asked, and stands there again afterwards."""
    elsewhere = make_spec(count=1, region="us-east-1")
    with serve(elsewhere, VirtualClock(elsewhere.start_time)) as server:
        for name, value in {"AWS_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        with mock_drs() as world:
            assert len(boto3.client("drs").describe_source_servers()["items"]) == len(world.server_ids)
        assert os.environ["AWS_REGION"] == "us-east-1"


def test_the_same_world_can_be_served():
    """Another process sees what this one did."""
    with mock_drs() as world, world.served() as server:
        boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": world.server_ids[0]}])
        with urllib.request.urlopen(f"{server.url}/drskit/world", timeout=10) as reply:
            assert len(json.load(reply)["jobs"]) == 1


def test_another_process_finds_the_served_world_by_its_variables():
    """Also while this one is kept from whatever endpoint the machine is set up for."""
    ask = "import boto3; print(len(boto3.client('drs').describe_jobs()['items']))"
    with mock_drs() as world, world.served() as server:
        boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": world.server_ids[0]}])
        environment = os.environ | server.environment()
        done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")
