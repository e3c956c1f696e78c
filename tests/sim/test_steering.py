"""Steering a served world: what the OpenAPI page says is what is answered."""

import json
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from drskit.clock import VirtualClock, wait_until
from drskit.sim import gateway as door
from drskit.sim import serve
from drskit.sim.worldfile import dump_world
from tests.sim.lab import make_spec, server_id, session

pytestmark = pytest.mark.simulated("it is about steering a served world")

JOB = {"operation": "DescribeJobs", "kind": "throttle"}
WORLD = f"start: 2026-03-02T09:00:00Z\nservers: [{{id: {server_id(7)}}}]\n"


@pytest.fixture(scope="module")
def server():
    """A served world with a job, an instance and a fault: nothing that is shown is empty."""
    spec = make_spec({"instances": [{"id": "i-0123456789abcdef0", "launched": "2026-03-01T09:00:00Z"}]}, count=2)
    with serve(spec, VirtualClock(spec.start_time)) as served:
        client(served).start_recovery(sourceServers=[{"sourceServerID": server_id(1)}], isDrill=True)
        client(served, "sns").publish(TopicArn="arn:aws:sns:us-west-2:123456789012:dr", Message="hello")
        yield served


@pytest.fixture(scope="module")
def page(server):
    """The OpenAPI page, as it is served."""
    return call(server, "GET", "/drskit/openapi.json")[1]


def client(served, service="drs"):
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
    return session().client(service, region_name="us-west-2", endpoint_url=served.url, config=config)


def call(served, method, path, body=None):
    """A status and the JSON that came with it."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{served.url}{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def schema(page, path, method, status):
    """What the page says of an answer."""
    answer = page["paths"][path][method.lower()]["responses"][str(status)]
    return page | answer["content"]["application/json"]["schema"]


def test_the_page_is_valid_openapi(page):
    """3.1, by a validator that is not ours."""
    assert page["openapi"].startswith("3.1")
    assert [] == list(OpenAPIV31SpecValidator(page).iter_errors())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/drskit/clock", None, 200),
        ("POST", "/drskit/clock", {"sleep": 1.5}, 200),
        ("POST", "/drskit/clock", {"now": "2026-03-02T12:00:00Z"}, 200),
        ("POST", "/drskit/clock", {"now": "2020-01-01T00:00:00Z"}, 400),
        ("POST", "/drskit/clock", {"sleep": -1}, 400),
        ("POST", "/drskit/clock", {"sleep": 1e300}, 400),
        ("POST", "/drskit/clock", {"nap": 1}, 400),
        ("POST", "/drskit/clock", [1], 400),
        ("POST", "/drskit/clock", b"{", 400),
        ("POST", "/drskit/faults", JOB, 200),
        ("POST", "/drskit/faults", [JOB, JOB | {"from": "2026-03-02T09:00:00Z", "times": 3}], 200),
        ("POST", "/drskit/faults", [JOB, {"operation": "DescribeJob", "kind": "throttle"}], 400),
        ("POST", "/drskit/faults", {"operation": "DescribeJobs", "kind": "gremlins"}, 400),
        ("POST", "/drskit/faults", {"operation": "DescribeJobs"}, 400),
        ("GET", "/drskit/faults", None, 200),
        ("DELETE", "/drskit/faults", None, 200),
        ("GET", "/drskit/world", None, 200),
        ("POST", "/drskit/world", b"servers: 7", 400),
        ("POST", "/drskit/world", b"\xff", 400),
        ("GET", "/drskit/inbox", None, 200),
        ("GET", "/drskit/openapi.json", None, 200),
    ],
)
def test_every_answer_is_as_the_page_says(server, page, method, path, body, status):
    """Of the right status, and of the right shape, good or bad."""
    found, told = call(server, method, path, body)
    assert found == status, told
    assert [] == [str(fault) for fault in Draft202012Validator(schema(page, path, method, status)).iter_errors(told)]


def test_the_page_has_every_path_and_method(server, page):
    """What is not on it is not there, and says what is."""
    told = {(path, method.upper()) for path, on in page["paths"].items() for method in on if method != "description"}
    for path in page["paths"]:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            status, answer = call(server, method, path, {})
            assert (status != 405) == ((path, method) in told), (method, path)
            assert status != 405 or method in answer["message"]
    status, answer = call(server, "GET", "/drskit/weather")
    assert (status, "/drskit/clock" in answer["message"]) == (404, True)


def test_a_request_that_the_page_accepts_is_accepted(page):
    """The schemas of the bodies are those by which the world reads them."""
    posted = page["paths"]["/drskit/faults"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    check = Draft202012Validator(page | posted)
    assert check.is_valid(JOB)
    assert check.is_valid([JOB])
    assert not check.is_valid(JOB | {"kind": "gremlins"})
    written = make_spec(count=1).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    posted = page["paths"]["/drskit/world"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert Draft202012Validator(page | posted).is_valid(written)


def test_of_a_list_of_faults_all_are_added_or_none(server):
    """A slip in the second changes nothing."""
    call(server, "DELETE", "/drskit/faults")
    assert call(server, "POST", "/drskit/faults", [JOB, {"operation": "X", "kind": "throttle"}])[0] == 400
    assert call(server, "GET", "/drskit/faults") == (200, [])


def test_a_world_can_be_posted_as_it_is_written():
    """In YAML, or in JSON; with generated servers, too."""
    spec = make_spec(count=1)
    with serve(spec, VirtualClock(spec.start_time)) as served:
        for body in (
            WORLD.encode(),
            dump_world(make_spec(count=2)).encode(),
            {"start": "2026-03-02T09:00:00Z", "generate": [{"count": 3, "names": "w-{number}"}]},
        ):
            status, told = call(served, "POST", "/drskit/world", body)
            assert (status, told["jobs"]) == (200, [])
        assert len(told["sourceServers"]) == 3


# --- one at a time ---------------------------------------------------------------------------------------------------


def test_of_many_conditional_writes_at_once_one_wins(server):
    """Moto's are not atomic across threads; the world's door lets one request pass at a time."""
    tables = client(server, "dynamodb")
    tables.create_table(
        TableName="race",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )

    def write(number):
        try:
            tables.put_item(
                TableName="race",
                Item={"k": {"S": f"round-{number // 16}"}, "by": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(k)",
            )
        except tables.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(write, range(16 * 12))) == 12


def test_of_many_launches_of_one_server_at_once_one_wins(server):
    """The others meet a conflict."""
    drs = client(server)

    def launch(_):
        try:
            drs.start_recovery(sourceServers=[{"sourceServerID": server_id(2)}], isDrill=True)
        except drs.exceptions.ConflictException:
            return 0
        return 1

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(launch, range(24))) == 1


# --- stopping --------------------------------------------------------------------------------------------------------


def test_a_request_under_way_is_finished_before_the_end():
    """It is answered; one that comes later finds nobody."""
    spec = make_spec(count=1)
    served = serve(spec, VirtualClock(spec.start_time))
    with ThreadPoolExecutor(2) as pool:
        with door._LOCK:  # the request waits here for its turn
            asked = pool.submit(client(served).describe_source_servers)
            assert wait_until(lambda: served._http._under_way == 1, timeout_seconds=20)
            stopped = pool.submit(served.stop)
            assert wait_until(lambda: served._http._stopping, timeout_seconds=20)
            assert (asked.done(), stopped.done()) == (False, False)
        assert len(asked.result(timeout=20)["items"]) == 1
        stopped.result(timeout=20)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(served.clock_url, timeout=5)


def has_ipv6():
    """Whether this machine has a loopback interface of the newer kind."""
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


NEWER = pytest.param("::1", "http://[::1]:", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), NEWER])
def test_the_address_is_one_that_can_be_called(host, url):
    """Whatever it listens on."""
    spec = make_spec(count=1)
    with serve(spec, VirtualClock(spec.start_time), host=host) as served:
        assert served.url.startswith(url)
        assert call(served, "GET", "/drskit/clock")[0] == 200
