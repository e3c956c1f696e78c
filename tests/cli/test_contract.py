"""What other programs rely on: the JSON of executions, the tags of jobs, `--json` everywhere."""

import re
from typing import Any

import boto3
import click
import pytest

from drskit.cli import COMMANDS, main
from tests.cli.shell import Shell

EXECUTION = {"ExecutionId", "PlanId", "ExecutionType", "Mode", "Status", "WaitingFor", "StartTime", "EndTime"} | {
    "Version",
    "Waves",
}
WAVE = {"WaveName", "Status", "StartTime", "EndTime", "Jobs"}
JOB = {"JobId", "Attempt", "CreationTime", "EndTime"}
SERVER = {"SourceServerId", "Status", "LaunchStatus", "RecoveryInstanceId", "StartTime", "EndTime", "Error"}
TAGS = {"drskit:ExecutionId", "drskit:ExecutionType", "drskit:Wave", "drskit:Attempt"}


@pytest.fixture(scope="module")
def drill(shop: Shell) -> Any:
    """A drill of the shop that waits for its first approval: one wave done, two to come."""
    return shop.finish(shop.start("runbooks/shop.yaml"), code=1)


def test_an_execution_has_every_key_of_the_contract(drill):
    """Also where nothing is known yet: absent values are null."""
    assert EXECUTION <= set(drill)
    assert [WAVE | {"Servers"}] * 3 == [(WAVE | {"Servers"}) & set(wave) for wave in drill["Waves"]]
    assert [JOB] == [set(job) for wave in drill["Waves"] for job in wave["Jobs"]]
    assert all(SERVER <= set(server) for wave in drill["Waves"] for server in wave["Servers"])
    assert drill["EndTime"] is None
    pending = drill["Waves"][1]["Servers"][0]
    assert dict.fromkeys(SERVER - {"SourceServerId", "Status"}) == {
        key: pending[key] for key in SERVER - {"SourceServerId", "Status"}
    }


def test_times_are_in_utc_and_say_so(drill):
    """Every value of a key that ends in Time is null, or ends in Z."""
    times = [value for key, value in _values(drill) if key.endswith("Time") and value is not None]
    assert len(times) > 10
    assert [] == [time for time in times if not str(time).endswith("Z")]


def test_people_read_times_without_the_t_of_json(shop, drill):
    """In lists, and in what is shown of one thing."""
    told = [
        shop.run(*words).stdout
        for words in (("executions", "list"), ("servers", "show", "s-5a4c1e0b7d2f93861"), ("plans", "show", "shop"))
    ]
    assert [1, 1, 1] == [min(1, len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", text))) for text in told]
    assert [] == re.findall(r"\dT\d\d:", "".join(told))


def test_attempts_are_numbered(drill):
    """The attempt's id rides as a tag; in JSON stands its number."""
    assert [1] == [job["Attempt"] for job in drill["Waves"][0]["Jobs"]]


def test_a_list_has_the_same_keys_without_servers(shop, drill):
    """And the newest execution comes first."""
    (header,) = shop.json("executions", "list")
    assert EXECUTION <= set(header)
    assert drill["ExecutionId"] == header["ExecutionId"]
    assert [set()] * 3 == [WAVE - set(wave) for wave in header["Waves"]]
    assert [False] * 3 == ["Servers" in wave for wave in header["Waves"]]
    shared = (
        "ExecutionId",
        "PlanId",
        "ExecutionType",
        "Mode",
        "Status",
        "WaitingFor",
        "StartTime",
        "EndTime",
        "Version",
    )
    assert {key: drill[key] for key in shared} == {key: header[key] for key in shared}
    assert [] == shop.json("executions", "list", "--plan", "another")


def test_a_drill_says_that_it_is_one_and_simulated(drill):
    """In words that programs compare."""
    assert ("DRILL", "SIMULATED", "PAUSED") == (drill["ExecutionType"], drill["Mode"], drill["Status"])
    assert "approval of wave Application" in drill["WaitingFor"]


def test_a_job_carries_exactly_four_tags(shop, drill):
    """By which any observer finds the execution, and the engine its attempt."""
    keys = {"aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
    drs = boto3.Session(**keys).client("drs", region_name="us-west-2", endpoint_url=shop.variables["AWS_ENDPOINT_URL"])
    (job,) = drs.describe_jobs()["items"]
    assert set(job["tags"]) == TAGS
    assert (drill["ExecutionId"], "DRILL", "Database") == (
        job["tags"]["drskit:ExecutionId"],
        job["tags"]["drskit:ExecutionType"],
        job["tags"]["drskit:Wave"],
    )
    assert job["tags"]["drskit:Attempt"] not in {"1", drill["ExecutionId"]}


def test_what_is_shown_of_servers_groups_and_plans_is_json_too(shop, drill):
    """With null for what is not known."""
    servers = shop.json("servers", "list")
    assert (12, {type(None), str}) == (len(servers), {type(server["RecoveryInstanceId"]) for server in servers})
    assert servers[0] == shop.json("servers", "show", servers[0]["SourceServerId"])
    assert ["shop.app", "shop.database", "shop.web"] == [group["GroupId"] for group in shop.json("groups", "list")]
    assert 6 == len(shop.json("groups", "show", "shop.web")["Servers"])
    (plan,) = shop.json("plans", "list")
    assert drill["ExecutionId"] == plan["ActiveExecutionId"]
    assert plan == shop.json("plans", "show", "shop")


@pytest.mark.parametrize("name", sorted(name for name, (module, _) in COMMANDS.items() if module != "later"))
def test_every_command_that_exists_prints_json(name):
    """`--json` everywhere."""
    command = main.get_command(click.Context(main), name)
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    supported = [leaf for leaf in leaves if "Not supported yet." not in (leaf.help or "")]
    assert [] == [leaf.name for leaf in supported if "json_output" not in {option.name for option in leaf.params}]


def _values(value: Any) -> list[tuple[str, Any]]:
    """Every key with its value, however deep."""
    if isinstance(value, list):
        return [pair for one in value for pair in _values(one)]
    if not isinstance(value, dict):
        return []
    return [pair for key, one in value.items() for pair in [(key, one), *_values(one)]]
