"""The world over HTTP: boto3, the AWS CLI, the clock, the faults."""

import http.client
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from drskit.clock import RemoteClock, ScaledClock, VirtualClock
from drskit.sim import serve
from tests.sim.lab import make_spec, server_id, session

pytestmark = pytest.mark.simulated("it is about serving a world over HTTP")

AWS = Path(sys.executable).parent / "aws"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server():
    """A served world, shared by the tests that do not mind."""
    spec = make_spec(count=3)
    with serve(spec, VirtualClock(spec.start_time)) as served:
        yield served


@pytest.fixture
def fresh():
    """A served world of its own."""
    spec = make_spec(count=3)
    with serve(spec, VirtualClock(spec.start_time)) as served:
        yield served


def client(served, service="drs", **more):
    """A boto3 client of a served world."""
    config = Config(retries={"total_max_attempts": 1}, **more)
    return session().client(service, region_name="us-west-2", endpoint_url=served.url, config=config)


def steer(served, path, body=None, method=None):
    """Call one of the world's own addresses."""
    data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    request = urllib.request.Request(f"{served.url}/drskit/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def test_the_account_is_the_world_s_whatever_the_client_says(server):
    """The header by which moto would know another one is the world's own to set."""
    drs = client(server)
    drs.meta.events.register(
        "before-send", lambda request, **_: request.headers.__setitem__("X-Moto-Account-Id", "999999999999")
    )
    assert 3 == len(drs.describe_source_servers()["items"])


def aws(served, *words, stdin=None):
    """What the AWS CLI prints; given steps on stdin, it is run on one after the other in one process."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DRSKIT_"))}
    done = subprocess.run(
        [*words],
        env=environment | served.environment(),
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def step(line, **keep):
    """A command of the CLI, and what to keep of its answer, by the keys that lead there."""
    return {"run": line.split(), "keep": {name: keys.split() for name, keys in keep.items()}}


def test_the_aws_cli_finds_the_servers(server):
    """The command as people type it, with nothing but the exported variables."""
    assert len(aws(server, AWS, "drs", "describe-source-servers", "--output", "json")["items"]) == 3


def test_the_aws_cli_can_do_a_whole_drill(server):
    """From start to termination, and a look at what it left in EC2."""
    name = server_id(1)
    steps = [
        step(f"drs start-recovery --source-servers sourceServerID={name} --is-drill", job="job jobID"),
        {"sleep": 900, "clock": server.clock_url},
        step("drs describe-jobs --filters jobIDs={job}"),
        step("drs describe-job-log-items --job-id {job}"),
        step("drs describe-recovery-instances --query items[0]", instance="recoveryInstanceID"),
        step("ec2 describe-instances --instance-ids {instance} --query Reservations[0].Instances[0].State"),
        step("drs terminate-recovery-instances --recovery-instance-ids {instance}"),
    ]
    told = aws(server, sys.executable, "-m", "tests.sim.cli", stdin=json.dumps(steps))
    assert [0] * 6 == [one["code"] for one in told], told
    started, jobs, log, instance, state, gone = (one["out"] for one in told)
    assert started["job"]["status"] == "PENDING"
    (done,) = jobs["items"]
    assert (done["status"], done["participatingServers"][0]["launchStatus"]) == ("COMPLETED", "LAUNCHED")
    assert log["items"][-1]["event"] == "JOB_END"
    assert (instance["sourceServerID"], state["Name"]) == (name, "running")
    assert gone["job"]["type"] == "TERMINATE"


def test_a_request_may_come_in_chunks(server):
    """As some SDKs send what they do not know the length of; the connection can be used again."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    scope = "AWS4-HMAC-SHA256 Credential=simulated/20260302/us-west-2/drs/aws4_request, SignedHeaders=host, Signature=0"
    parts = [b'{"maxRes', b'ults": 2}']
    for _ in range(2):
        headers = {"authorization": scope, "content-type": "application/json"}
        connection.request("POST", "/DescribeSourceServers", iter(parts), headers, encode_chunked=True)
        reply = connection.getresponse()
        assert (reply.status, len(json.load(reply)["items"])) == (200, 2)
    connection.close()


@pytest.mark.parametrize("length", [{"content-length": "many"}, {"transfer-encoding": "chunked"}])
def test_a_length_that_is_none_is_refused(server, length):
    """With words, and without a word of Python on stderr."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/DescribeJobs", headers=length)
    connection.send(b"what\r\n")
    assert connection.getresponse().status == 400
    connection.close()


def test_every_reply_says_when_and_that_it_is_simulated(fresh):
    """DynamoDB's, too; one Date and no more."""
    RemoteClock(fresh.clock_url).sleep(61)
    for reply in (client(fresh).describe_jobs(), client(fresh, "dynamodb").list_tables()):
        headers = reply["ResponseMetadata"]["HTTPHeaders"]
        assert headers["date"] == "Mon, 02 Mar 2026 09:01:01 GMT"
        assert headers["x-drskit-simulated"] == "0.1.0"


def test_the_clock_tells_and_jumps(fresh):
    """The protocol of RemoteClock, and a jump to a time; never backwards."""
    assert steer(fresh, "clock") == {"now": "2026-03-02T09:00:00+00:00", "kind": "virtual", "speed": 0.0}
    clock = RemoteClock(fresh.clock_url)
    clock.sleep(1800.5)
    assert clock.now().isoformat() == "2026-03-02T09:30:00.500000+00:00"
    assert steer(fresh, "clock", {"now": "2026-03-02T10:00:00Z"})["now"] == "2026-03-02T10:00:00+00:00"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        steer(fresh, "clock", {"now": "2026-03-02T09:00:00Z"})


def test_a_scaled_world_runs_by_itself():
    """Its clock says so, and posting a sleep does not move it."""
    spec = make_spec(count=1)
    with serve(spec, ScaledClock(spec.start_time, 60)) as served:
        clock = RemoteClock(served.clock_url)
        assert (clock.kind, clock.speed) == ("scaled", 60)
        steer(served, "clock", {"sleep": 86400})
        assert clock.now() - spec.start_time < timedelta(hours=1)


def test_faults_can_be_posted_and_cleared(fresh):
    """One or a list; each tells how often it struck."""
    drs = client(fresh)
    steer(fresh, "faults", {"operation": "DescribeJobs", "kind": "throttle", "times": 5})
    with pytest.raises(ClientError, match="ThrottlingException"):
        drs.describe_jobs()
    assert [fault["struck"] for fault in steer(fresh, "faults")] == [1]
    assert steer(fresh, "faults", method="DELETE") == []
    assert drs.describe_jobs()["items"] == []
    with pytest.raises(urllib.error.HTTPError, match="400"):
        steer(fresh, "faults", {"operation": "DescribeJobs", "kind": "gremlins"})


def test_a_lost_reply_drops_the_connection(fresh):
    """The job is there, the answer is not."""
    steer(fresh, "faults", [{"operation": "StartRecovery", "kind": "lost-reply"}])
    drs = client(fresh)
    with pytest.raises(ConnectionClosedError):
        drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}])
    assert len(drs.describe_jobs()["items"]) == 1


def test_the_world_can_be_seen_and_replaced(fresh):
    """Its present as JSON; another one, in YAML, in its place."""
    client(fresh).start_recovery(sourceServers=[{"sourceServerID": server_id(1)}], isDrill=True)
    seen = steer(fresh, "world")
    assert (len(seen["sourceServers"]), len(seen["jobs"])) == (3, 1)
    text = f"start: 2026-03-02T09:00:00Z\nservers: [{{id: {server_id(7)}}}]\n"
    replaced = steer(fresh, "world", text.encode())
    assert (len(replaced["sourceServers"]), len(replaced["jobs"])) == (1, 0)
    assert [one["sourceServerID"] for one in client(fresh).describe_source_servers()["items"]] == [server_id(7)]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        steer(fresh, "world", b"servers: 7")


def test_a_look_at_the_world_takes_nothing_from_it(fresh):
    """An instance that is first seen there is in EC2 all the same."""
    drs, ec2 = client(fresh), client(fresh, "ec2")
    assert ec2.describe_instances()["Reservations"] == []
    drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}], isDrill=True)
    RemoteClock(fresh.clock_url).sleep(1200)
    (seen,) = steer(fresh, "world")["recoveryInstances"]
    (found,) = ec2.describe_instances()["Reservations"]
    assert found["Instances"][0]["InstanceId"] == seen["ec2InstanceID"]


def test_an_unsigned_request_is_refused(fresh):
    """As AWS does."""
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{fresh.url}/DescribeJobs", data=b"{}", timeout=10)


def test_it_listens_on_the_loopback_interface(fresh):
    """Nobody else can reach it."""
    assert fresh.url.startswith("http://127.0.0.1:")
    assert fresh.clock_url == f"{fresh.url}/drskit/clock"


def test_a_stopped_world_does_not_answer():
    """Not even on a connection that was open."""
    spec = make_spec(count=1)
    served = serve(spec, VirtualClock(spec.start_time))
    drs = client(served, connect_timeout=2, read_timeout=2)
    drs.describe_jobs()
    served.stop()
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        drs.describe_jobs()


def test_a_region_that_does_not_exist_is_refused_as_aws_refuses_it(server):
    """An answer, not a dropped connection."""
    nowhere = session().client("drs", region_name="xx-nowhere-1", endpoint_url=server.url)
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        nowhere.describe_source_servers()
