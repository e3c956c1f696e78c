"""A real account as a world: what boto3 sees of the one is what it sees of the other.

The account is a simulated one here, in which things have happened; it is read
by boto3, made a world, and that is opened beside it.
"""

import re
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from drskit.aws.clients import Clients
from drskit.aws.survey import READS, Survey
from drskit.clock import VirtualClock
from drskit.errors import InvalidWorld, Refused
from drskit.sim import simulated
from drskit.sim.account import left_out, world_of
from drskit.sim.pseudonyms import pseudonymised
from drskit.sim.worldfile import dump_world, parse_world
from tests.harness import ROOT
from tests.sim.lab import Lab, make_spec, server_id

pytestmark = pytest.mark.simulated("an account is made a world here, and the world is held against what it was made of")

SERVERS: tuple[dict[str, Any], ...] = (
    {"name": "db01", "tags": {"Tier": "db", "source:instance-id": "i-0aaaaaaaaaaaaaaa1"}, "ip": "172.16.3.4",
     "source_instance": "i-0aaaaaaaaaaaaaaa1", "origin_region": "us-east-1", "hostname": "db01.corp.example"},
    {"name": "web01", "os": "windows", "os_text": "Microsoft Windows Server 2022", "cpus": 4, "agent": None,
     "disks": [{"device": "/dev/sda1", "bytes": 5 * 2**30}, {"device": "/dev/sdb", "bytes": 7 * 2**30}],
     "launch": {"disposition": "STOPPED", "right_sizing": "NONE", "copy_tags": True, "os_byol": True, "name": "Ours"},
     "architecture": "x86_64", "vmware_uuid": "4210aabb-0000-4000-8000-1234567890ab"},
    {"name": "lagging", "replication": {"state": "STALLED", "lag": 5400.5, "backlog_bytes": 12345,
     "error": "AGENT_NOT_SEEN", "last_seen": "2026-03-02T07:00:00Z"}, "snapshots": {"until": "2026-03-02T07:30:00Z"}},
    {"name": "gone", "replication": {"state": "DISCONNECTED", "last_seen": "2026-02-28T07:00:00Z"}},
    {"name": "young", "snapshots": {"since": "2026-03-02T08:20:00Z"}, "added": "2026-03-02T08:00:00Z"},
    {"name": "syncing", "replication": {"state": "INITIAL_SYNC", "replicated_percent": 40}},
    {"name": "old", "instances": [
        {"id": "i-0123456789abcdef0", "launched": "2026-02-01T09:00:00Z", "drill": False, "protected": True},
        {"id": "i-0123456789abcdef1", "launched": "2026-01-01T09:00:00Z", "forgotten": True, "state": "stopped"},
    ]},
    {"name": "failing", "fails": "launch-denied"},
    {"name": "extended", "extended": {"account": "210987654321", "error": "Access was revoked"},
     "disks": [{"device": "/dev/xvda", "volume": "PENDING"}]},
)  # fmt: skip


def lived(open_one):
    """An account in which a drill ran, and an instance was terminated."""
    lab = open_one(make_spec(*SERVERS))
    lab.start(1, 2, 8, tags={"Wave": "1"})
    lab.wait(3600)
    made = lab.drs.describe_recovery_instances(filters={"sourceServerIDs": [server_id(2)]})["items"][0]
    lab.drs.tag_resource(resourceArn=made["arn"], tags={"Keep": "yes"})
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[lab_instance(lab, 1)])
    lab.wait(1800)
    return lab


def lab_instance(lab, number):
    """The recovery instance of a server."""
    (found,) = lab.drs.describe_recovery_instances(filters={"sourceServerIDs": [server_id(number)]})["items"]
    return found["recoveryInstanceID"]


@pytest.fixture
def lab(open_lab):
    """Such an account, to do something to."""
    return lived(open_lab)


@pytest.fixture(scope="module")
def clients():
    """As the command line makes them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "simulated")
        yield Clients(region="us-west-2")


@pytest.fixture(scope="module")
def read(clients):
    """What is read of such an account, and what boto3 sees of it."""
    with ExitStack() as stack:

        def open_one(spec):
            clock = VirtualClock(spec.start_time)
            return Lab(stack.enter_context(simulated(spec, clock)), clock)

        lab = lived(open_one)
        yield Survey(clients, "us-west-2").read(logs=20), seen(lab)


@pytest.fixture
def survey(read):
    """What is read of it."""
    return read[0]


@pytest.fixture
def there(read):
    """What boto3 sees of it."""
    return read[1]


def seen(lab):
    """Everything that boto3 sees of an account."""
    servers = lab.drs.describe_source_servers()["items"]
    jobs = lab.drs.describe_jobs()["items"]
    names = [server["sourceServerID"] for server in servers]
    instances = [one for page in lab.ec2.describe_instances()["Reservations"] for one in page["Instances"]]
    alive = [one for one in instances if one["State"]["Name"] != "terminated"]
    return {
        "servers": servers,
        "launch": [plain(lab.drs.get_launch_configuration(sourceServerID=name)) for name in names],
        "snapshots": [lab.drs.describe_recovery_snapshots(sourceServerID=name)["items"] for name in names],
        "instances": lab.drs.describe_recovery_instances()["items"],
        "jobs": jobs,
        "logs": [lab.log(job["jobID"]) for job in jobs],
        "ec2": sorted((one["InstanceId"], one["State"]["Name"], protected(lab, one), tags(one)) for one in alive),
    }


def plain(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def protected(lab, instance):
    asked = {"InstanceId": instance["InstanceId"], "Attribute": "disableApiTermination"}
    return lab.ec2.describe_instance_attribute(**asked)["DisableApiTermination"]["Value"]


def tags(instance):
    return sorted((tag["Key"], tag["Value"]) for tag in instance["Tags"])


def test_boto3_sees_the_same(there, survey, open_lab):
    """Servers, settings, snapshots, instances in DRS and in EC2, jobs and their logs: every field."""
    here = seen(open_lab(parse_world(dump_world(world_of(survey)))))
    for what, told in there.items():
        assert told == here[what], what
    assert (9, 2, 4) == (len(there["servers"]), len(there["jobs"]), len(there["ec2"]))


def test_the_world_goes_on_from_there(survey, open_lab):
    """Its servers launch, its instances are cleaned up by that, and none has the name of another."""
    spec = world_of(survey)
    other = open_lab(spec)
    job = other.start(1, 2)
    other.wait(3600)
    assert other.statuses(job["jobID"]) == ["LAUNCHED"] * 2
    before, after = spec.servers[1].instances[0].id, lab_instance(other, 2)
    assert before != after
    assert other.instances()[before] == "terminated"


def test_a_server_takes_as_long_as_it_took(survey):
    """By the newest log that tells."""
    spec = world_of(survey)
    assert spec.servers[1].durations.conversion == pytest.approx(840, rel=0.1)
    assert spec.servers[0].durations.conversion == pytest.approx(185, rel=0.1)


def test_what_is_left_out_is_said(lab, clients):
    """Jobs that run, and logs that were not read."""
    job = lab.start(1)["jobID"]
    told = left_out(Survey(clients, "us-west-2").read(logs=1))
    assert told == [
        f"Jobs that were running are left out: {job}.",
        "The logs of 2 older jobs were not read; --logs N reads more.",
    ]


def test_nothing_but_reading_calls_is_sent(lab, clients):
    """By the requests that really leave boto3: each is on the list, and nothing has changed."""
    sent: Counter[str] = Counter()
    events = clients._session.events
    events.register("before-send", lambda event_name, **_: sent.update([event_name.removeprefix("before-send.")]))
    before = lab.gateway.present()
    survey = Survey(clients, "us-west-2")
    survey.read(logs=20)
    allowed = {f"{service}.{operation}" for service, operations in READS.items() for operation in operations}
    assert set(sent) == allowed
    assert sum(sent.values()) == sum(survey.sent.values())
    assert lab.gateway.present() == before


@pytest.mark.parametrize(
    "act",
    [
        lambda survey: survey._drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}]),
        lambda survey: survey._drs.tag_resource(
            resourceArn="arn:aws:drs:us-west-2:123456789012:job/x", tags={"a": "b"}
        ),
        lambda survey: survey._ec2.terminate_instances(InstanceIds=["i-0123456789abcdef1"]),
        lambda survey: survey._ec2.describe_volumes(),
    ],
    ids=["StartRecovery", "TagResource", "TerminateInstances", "DescribeVolumes"],
)
def test_any_other_call_is_refused_before_it_leaves(open_lab, clients, act):
    """Also a read that is not on the list."""
    lab = open_lab(make_spec(count=1))
    before = lab.gateway.present()
    with pytest.raises(Refused, match=r"only reads: .* is not sent"):
        act(Survey(clients, "us-west-2"))
    assert lab.gateway.present() == before


def test_every_call_is_on_the_page():
    """Whoever lets it into an account can read what it will ask."""
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    for service, operations in READS.items():
        for operation in operations:
            assert f"`{service}:{operation}`" in page


def test_an_empty_account_makes_no_world(open_lab, clients):
    """And says which Region it was."""
    open_lab(make_spec())
    with pytest.raises(InvalidWorld, match="no source server in us-west-2"):
        world_of(Survey(clients, "us-west-2").read(logs=0))


# --- pseudonyms ------------------------------------------------------------------------------------------------------


@pytest.fixture
def hidden(survey):
    return pseudonymised(world_of(survey, about="ours"), b"key")


def test_nothing_tells_where_a_pseudonymised_world_comes_from(survey, hidden):
    """No name, address, id or tag value of the account stands in it; tag keys and sizes do."""
    told, text = world_of(survey), dump_world(hidden)
    secrets = {
        "db01",
        "web01",
        "corp",
        "172.16.3.4",
        "ours",
        "Ours",
        "4210aabb",
        "210987654321",
        "revoked",
        "Microsoft",
        "lagging",
    }
    secrets |= {server.id for server in told.servers} | {job.id for job in told.jobs}
    secrets |= {one.id for server in told.servers for one in server.instances} | {"i-0aaaaaaaaaaaaaaa1"}
    assert [] == sorted(secret for secret in secrets if secret in text)
    assert {"Tier", "source:instance-id"} <= set(hidden.servers[0].tags)
    assert [server.disks for server in told.servers] == [server.disks for server in hidden.servers]


def test_what_was_the_same_stays_the_same(hidden):
    """A name in a tag and in a host's name; an instance's id as an id and in a tag; a job's servers."""
    database = hidden.servers[0]
    assert database.tags["Name"] == database.hostname.partition(".")[0]
    assert database.tags["source:instance-id"] == database.source_instance
    ids = {server.id for server in hidden.servers}
    assert all(set(job.outcomes) <= ids for job in hidden.jobs)
    assert {one.job for one in hidden.servers[1].instances} <= {job.id for job in hidden.jobs}
    assert all(re.fullmatch(r"s-5[0-9a-f]{16}", name) for name in ids)


def test_boto3_sees_the_same_under_other_names(there, hidden, open_lab):
    """As many servers, instances and jobs, in the same states."""
    here = seen(open_lab(hidden))
    for what in there:
        assert len(there[what]) == len(here[what]), what
    states = [[one["dataReplicationInfo"]["dataReplicationState"] for one in told["servers"]] for told in (there, here)]
    assert states[0] == states[1]
    assert [one["lastLaunchResult"] for one in there["servers"]] == [one["lastLaunchResult"] for one in here["servers"]]


def test_another_key_makes_other_names(survey):
    """Drawn for each world, so two of one account cannot be laid upon each other."""
    first, second = (pseudonymised(world_of(survey)) for _ in range(2))
    assert not {server.id for server in first.servers} & {server.id for server in second.servers}
