"""A world that a restart keeps.

Each test opens a world with a state file, lets it live, closes it or lets it
die, and opens the file again: what boto3 sees must be what it saw.
"""

import base64
import os
import pickle
import random
import re
import subprocess
import zlib
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from drskit.errors import InvalidState
from drskit.sim import still
from drskit.sim.journal import Journal
from drskit.sim.keeping import MOST, open_kept
from drskit.sim.spec import Fault, FaultKind
from drskit.sim.worldfile import parse_world
from tests.sim.lab import ONCE, Lab, make_spec, server_id, session

pytestmark = pytest.mark.simulated("it is about the state file of a served world")

OLD = {"id": "i-0123456789abcdef0", "launched": "2026-03-01T09:00:00Z", "protected": True}
SPEC = make_spec({"instances": [OLD]}, count=3, behaviour={"index_lag": 5})
KEYS = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "world.state"


@contextmanager
def living(path, spec=SPEC, speed=0, *, dies=False, most=MOST):
    """The world of a file, asked by boto3 in this process; one that dies writes no last word."""
    gateway, told = open_kept(path, spec, speed=speed, most=most)
    with gateway.answering_boto3():
        lab = Lab(gateway, gateway.clock)
        lab.wait = gateway.pass_time
        lab.told = told
        yield lab
    os.close(gateway._journal._file) if dies else gateway.close()


def seen(lab):
    """Everything that anybody sees of a world, but for what moto takes from the machine's clock."""
    tables = lab.client("dynamodb")
    names = tables.list_tables()["TableNames"]
    described = lab.ec2.describe_instances()["Reservations"]
    return {
        "world": lab.gateway.present(),
        "items": {name: tables.scan(TableName=name)["Items"] for name in names},
        "instances": sorted(
            (one["InstanceId"], one["State"]["Name"], one.get("SubnetId"), [nic["NetworkInterfaceId"] for nic in
             one["NetworkInterfaces"]], sorted((tag["Key"], tag["Value"]) for tag in one.get("Tags", [])))
            for page in described for one in page["Instances"]
        ),
        "groups": sorted(one["GroupId"] for one in lab.ec2.describe_security_groups()["SecurityGroups"]),
        "subnets": sorted(one["SubnetId"] for one in lab.ec2.describe_subnets()["Subnets"]),
        "logs": [lab.log(job["jobID"]) for job in lab.drs.describe_jobs()["items"]],
    }  # fmt: skip


def live(lab):
    """A bit of everything."""
    lab.start(1, 2, 4, tags={"Wave": "1"})
    tables = lab.client("dynamodb")
    schema = [{"AttributeName": "k", "KeyType": "HASH"}]
    tables.create_table(TableName="t", BillingMode="PAY_PER_REQUEST", KeySchema=schema, **KEYS)
    for number in range(5):
        tables.put_item(
            TableName="t", Item={"k": {"S": str(number)}, "bytes": {"B": b"\xff\x00"}, "text": {"S": "é🦀"}}
        )
    with pytest.raises(ClientError):
        tables.put_item(TableName="t", Item={"k": {"S": "1"}}, ConditionExpression="attribute_not_exists(k)")
    lab.ec2.describe_instances()
    lab.wait(1200.25)
    group = lab.ec2.create_security_group(GroupName="mine", Description="mine")["GroupId"]
    (made,) = lab.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SecurityGroupIds=[group])[
        "Instances"
    ]
    lab.ec2.create_tags(Resources=[made["InstanceId"]], Tags=[{"Key": "Owner", "Value": "me"}])
    server = lab.drs.describe_source_servers()["items"][0]
    lab.drs.tag_resource(resourceArn=server["arn"], tags={"Kept": "yes"})
    instance = lab.drs.describe_recovery_instances(filters={"sourceServerIDs": [server_id(2)]})["items"][0]
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
    lab.wait(100)


def test_a_restart_keeps_the_world(path):
    """DRS, EC2, DynamoDB, tags, ids, logs, and the clock; twice in a row."""
    with living(path) as lab:
        live(lab)
        before, now = seen(lab), lab.clock.now()
    for _ in range(2):
        with living(path, None) as lab:
            assert lab.clock.now() == now
            assert seen(lab) == before
            assert re.search(r"changes until 2026-03-02T09:21:40.250000\+00:00 were done again\.$", lab.told)


def test_a_world_that_was_killed_is_as_it_last_answered(path):
    """Without a last word."""
    with living(path, dies=True) as lab:
        live(lab)
        before = seen(lab)
    with living(path, None) as lab:
        assert seen(lab) == before


def test_it_goes_on_from_there(path):
    """What was running ends as it would have; new things get new names."""
    with living(path) as lab:
        job = lab.start(1)["jobID"]
        lab.wait(60)
    with living(path, None) as lab:
        assert lab.statuses(job) == ["PENDING"]
        lab.wait(900)
        assert lab.statuses(job) == ["LAUNCHED"]
        assert lab.start(2)["jobID"] != job
    with living(path, None) as lab:
        assert len(lab.drs.describe_jobs()["items"]) == 2


def test_reading_is_not_written_down(path):
    """But for the first look at a service, which makes what moto has there from the beginning."""
    with living(path) as lab:
        lab.drs.describe_jobs()
        lab.instances()
        size = path.stat().st_size
        for _ in range(3):
            lab.drs.describe_jobs()
            lab.instances()
        assert path.stat().st_size == size


def test_faults_are_kept_with_how_often_they_struck(path):
    """Also those that struck readers, and calls that were lost, late or timed out."""
    with living(path) as lab:
        faults = [
            {"operation": "DescribeJobs", "kind": "throttle", "times": 3},
            {"operation": "DescribeSourceServers", "kind": "error-500", "times": 9, "share": 0.5},
            {"operation": "StartRecovery", "kind": "timeout"},
            {"operation": "StartRecovery", "kind": "late", "seconds": 30},
            {"operation": "TagResource", "kind": "lost-request", "times": 5},
        ]
        lab.gateway.add_faults(Fault.model_validate(fault) for fault in faults)
        for number in (1, 2):
            with pytest.raises(BotoCoreError):
                lab.start(number)
        for _ in range(2):
            with pytest.raises(ClientError):
                lab.drs.describe_jobs()
        for _ in range(5):
            try:
                lab.drs.describe_source_servers()
            except ClientError:
                continue
        lab.wait(10)
        struck, now = lab.gateway.faults.to_json(), lab.clock.now()
    with living(path, None) as lab:
        assert lab.gateway.faults.to_json() == struck
        assert lab.clock.now() == now
        assert [fault["struck"] for fault in struck][:1] == [2]
        lab.wait(60)
        with pytest.raises(ClientError):
            lab.drs.describe_jobs()
        assert len(lab.drs.describe_jobs()["items"]) == 2
        lab.gateway.clear_faults()
    with living(path, None) as lab:
        assert lab.gateway.faults.to_json() == []


def test_a_world_that_took_its_place_is_the_one_that_is_kept(path):
    """With the time that it was; nothing of the first is left in the file."""
    with living(path) as lab:
        live(lab)
        size = path.stat().st_size
        lab.gateway.replace(parse_world(f"start: 2020-01-01T00:00:00Z\nservers: [{{id: {server_id(9)}}}]\n"))
        assert path.stat().st_size < size
        lab.start(9)
        lab.wait(30)
        before = lab.gateway.present()
    with living(path, None) as lab:
        assert lab.gateway.present() == before
        assert [one["sourceServerID"] for one in before["sourceServers"]] == [server_id(9)]


def test_the_time_of_a_scaled_world_stands_still_while_nobody_serves_it(path):
    """It may run at another speed the next time; after a kill at most a second of real time is lost."""
    with living(path, speed=1000, dies=True) as lab:
        lab.start(1)
        shown = parsedate_to_datetime(lab.drs.describe_jobs()["ResponseMetadata"]["HTTPHeaders"]["date"])
    with living(path, None, speed=0) as lab:
        first = lab.clock.now()
        assert shown - first <= timedelta(seconds=1000)
    with living(path, None, speed=5) as lab:
        assert lab.clock.now() >= first
        lab.start(2)
        last = lab.clock.now()
    with living(path, None, speed=0) as lab:
        assert lab.clock.now() >= last


def test_an_old_signature_is_refused_again(path):
    """As it was by the time of then, whatever time it is now."""
    with living(path) as lab:
        lab.wait(3600)
        lab.start(1)
        before = lab.gateway.present()
    with living(path, None) as lab:
        assert lab.gateway.present() == before


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_any_history_comes_back(path, seed):
    """Random calls, in random order, with deaths among them, and the file made short every now and then."""
    chance = random.Random(seed)
    tables = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST", **KEYS}
    acts = [
        lambda lab: lab.start(chance.randint(1, 4), drill=chance.random() < 0.8),
        lambda lab: lab.wait(chance.choice([1, 30, 400, 2000])),
        lambda lab: lab.client("dynamodb").create_table(TableName=f"t{chance.randint(0, 9)}xx", **tables),
        lambda lab: lab.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1),
        lambda lab: lab.ec2.terminate_instances(InstanceIds=[chance.choice(sorted(lab.instances()))]),
        lambda lab: lab.ec2.modify_instance_attribute(
            InstanceId=chance.choice(sorted(lab.instances())), DisableApiTermination={"Value": chance.random() < 0.5}
        ),
        lambda lab: lab.drs.describe_recovery_instances(),
        lambda lab: lab.drs.terminate_recovery_instances(
            recoveryInstanceIDs=[lab.drs.describe_recovery_instances()["items"][0]["recoveryInstanceID"]]
        ),
        lambda lab: lab.gateway.add_faults([Fault(operation="*", kind="lost-reply", times=1, share=0.3)]),
    ]  # fmt: skip
    for _ in range(3):
        kept = {"dies": chance.random() < 0.5, "most": chance.choice([2, 5, MOST])}
        with living(path, None if path.exists() else SPEC, **kept) as lab:
            for _ in range(6):
                try:
                    chance.choice(acts)(lab)
                except (ClientError, BotoCoreError, IndexError):
                    continue
            lab.gateway.clear_faults()
            before = seen(lab)
        with living(path, None) as lab:
            assert seen(lab) == before


# --- files that were made short --------------------------------------------------------------------------------------


def test_a_file_with_many_changes_is_made_short(path):
    """The world as it stands takes their place; whoever opens it sees what there was, and goes on from there."""
    with living(path, most=10, dies=True) as lab:
        live(lab)
        lab.client("ssm").put_parameter(Name="kept", Value="yes", Type="String")
        lab.client("s3").create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        lab.client("events").put_rule(Name="kept", EventPattern="{}")
        before, job = seen(lab), lab.start(3)["jobID"]
        lab.wait(100)
    assert len(path.read_bytes().split(b"\n")) <= 11
    with living(path, None, most=10) as lab:
        assert lab.client("ssm").get_parameter(Name="kept")["Parameter"]["Value"] == "yes"
        assert [one["Name"] for one in lab.client("s3").list_buckets()["Buckets"]] == ["kept"]
        assert [rule["Name"] for rule in lab.client("events").list_rules()["Rules"]] == ["kept"]
        assert seen(lab)["items"] == before["items"]
        assert lab.statuses(job) == ["PENDING"]
        lab.wait(900)
        assert lab.statuses(job) == ["LAUNCHED"]
        before = seen(lab)
    with living(path, None, most=10) as lab:
        assert seen(lab) == before


def test_a_file_that_has_become_long_is_made_short_when_it_is_opened(path):
    """As one that an earlier drskit wrote."""
    with living(path) as lab:
        live(lab)
        before = seen(lab)
    with living(path, None, most=5) as lab:
        assert len(path.read_bytes().split(b"\n")) == 2
        assert seen(lab) == before


def test_what_moto_cannot_write_down_leaves_the_file_long(path):
    """Nothing is lost, and whoever opens the file hears why it grows."""
    with living(path) as lab:
        key = lab.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        lab.start(2)
    with living(path, None, most=2) as lab:
        assert "It grows with every change, for moto holds what cannot be written as it stands: " in lab.told
        assert key in [one["KeyId"] for one in lab.client("kms").list_keys()["Keys"]]
        lab.start(1)
    assert len(path.read_bytes().split(b"\n")) > 4


def test_a_file_that_cannot_be_made_short_is_as_it_was(path):
    """As without room beside it: it goes on as it is."""
    with living(path, most=3) as lab:
        beside = path.with_name(f".{path.name}.part")
        beside.mkdir()
        for number in (1, 2, 3, 4):
            lab.start(number)
        before = seen(lab)
        assert len(path.read_bytes().split(b"\n")) > 4
    with living(path, None) as lab:
        assert seen(lab) == before


def test_one_of_an_enum_is_written_by_its_value_on_every_python(monkeypatch):
    """Python 3.11.2, which is Debian's, would make it by `getattr`, and no world is made by that."""
    monkeypatch.setattr(FaultKind, "__reduce_ex__", lambda one, _: (getattr, (type(one), one.name)))
    assert FaultKind.LATE is still.read(still.write({"kind": FaultKind.LATE}, door=None), door=None)["kind"]


def test_a_request_under_way_puts_it_off(path):
    """Its headers are its sender's own, and are not for the file."""
    with living(path, most=1) as lab:
        lab.gateway.add_faults([Fault(operation="StartRecovery", kind="late", seconds=30, times=1)])
        with pytest.raises(BotoCoreError):
            lab.start(1)
        lab.start(2)
        assert len(path.read_bytes().split(b"\n")) > 3
        lab.wait(60)
        lab.start(3)
        assert len(path.read_bytes().split(b"\n")) == 2
        before = seen(lab)
    with living(path, None) as lab:
        assert seen(lab) == before


def test_a_short_file_of_another_version_is_refused(path):
    """A world as it stands in memory is of one version of the code."""
    with living(path, most=1) as lab:
        lab.start(1)
    kept = Journal(path)
    head = {key: value for key, value in kept.read().head.items() if key != "sum"}
    kept.begin({key: value for key, value in head.items() if "drskit" not in key} | {"made_by": "drskit 0.0.9"})
    kept.close()
    assert "keeps its world as drskit 0.0.9 has it in memory, and this is drskit 0.1.0-" in refusal(path)


@pytest.mark.parametrize("what", [os.getcwd, re.compile, Fault.model_json_schema, subprocess.Popen])
def test_a_file_makes_nothing_but_a_world(path, what):
    """One from somebody else cannot let this process do anything."""

    class Trap:
        def __reduce__(self):
            return what, ("touched",) if what in {re.compile, subprocess.Popen} else ()

    with living(path, most=1) as lab:
        lab.start(1)
    kept = Journal(path)
    head = {key: value for key, value in kept.read().head.items() if "drskit" not in key and key != "sum"}
    stands = zlib.compress(pickle.dumps({"faults": Trap()}))
    kept.begin(head | {"stands": base64.b64encode(stands).decode()})
    kept.close()
    assert "is nothing that a world" in refusal(path)


# --- files that cannot be used ---------------------------------------------------------------------------------------


@pytest.fixture
def written(path):
    """A file of a world that has lived."""
    with living(path) as lab:
        lab.start(1)
        lab.wait(60)
        lab.start(2)
        lab.wait(60)
    return path


def refusal(path, spec=None):
    """Why a file is refused."""
    with pytest.raises(InvalidState) as caught:
        open_kept(path, spec, speed=0)
    return str(caught.value)


def test_what_a_crash_cut_off_is_dropped_and_said(written):
    """At any byte of the last line; the file goes on from there."""
    content = written.read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for cut in (last + 1, (last + len(content)) // 2, len(content) - 1):
        written.write_bytes(content[:cut])
        with living(written, None) as lab:
            assert "What a crash cut off" in lab.told
            lab.start(3)
        with living(written, None) as lab:
            assert "What a crash cut off" not in lab.told
            assert len(lab.drs.describe_jobs()["items"]) == 3


def test_a_damaged_file_is_refused_with_its_line(written):
    """Whatever byte has changed, and whichever line is missing; the file stays as it is."""
    content = written.read_bytes()
    lines = content.split(b"\n")
    damaged = [
        (2, content.replace(b"StartRecovery", b"StopRecovery.", 1)),
        (3, b"\n".join([*lines[:2], *lines[3:]])),
        (
            1,
            content.replace(b"us-west", b"us-east", 1)
            if b"us-west" in lines[0]
            else content.replace(b"2026", b"2027", 1),
        ),
    ]
    for line, text in damaged:
        written.write_bytes(text)
        assert f"world.state:{line}: the state file was damaged or edited here. Restore it" in refusal(written)
        assert written.read_bytes() == text


@pytest.mark.parametrize("text", [b"hello", b"{}\n", b"start: 2026-03-02T09:00:00Z\n", b"\xff\n", b"\n"])
def test_a_file_of_somebody_else_is_not_touched(path, text):
    """Not even one that holds a world."""
    path.parent.mkdir()
    path.write_bytes(text)
    assert "is no state file of drskit, and was not touched. Choose another." in refusal(path, SPEC)
    assert path.read_bytes() == text


def test_a_new_file_needs_a_world(path):
    """And is not left behind empty."""
    assert "is new, so it needs a world to begin with. Name one with --world." in refusal(path)
    assert not path.exists()


def test_another_world_is_refused(written):
    """The same one may be named."""
    assert "keeps another world. Leave --world out" in refusal(written, make_spec(count=1))
    with living(written, SPEC) as lab:
        assert len(lab.drs.describe_jobs()["items"]) == 2


def test_one_process_has_it_at_a_time(path):
    """The second is told so."""
    with living(path):
        assert "Another process serves the world of" in refusal(path)
    with living(path, None):
        pass


def test_a_folder_is_no_state_file(tmp_path):
    """With the reason."""
    assert "cannot be opened: Is a directory" in refusal(tmp_path, SPEC)


def test_what_goes_otherwise_than_it_went_is_not_served(written):
    """As after an upgrade of moto that answers differently: the line, the request, both statuses, the versions."""
    journal = Journal(written)
    kept = journal.read()
    entry = next(one for one in kept.entries if one["kind"] == "request" and "StartRecovery" in one["url"])
    journal.append({key: value for key, value in entry.items() if key != "sum"} | {"status": 418})
    journal.close()
    said = refusal(written)
    assert re.search(
        r"world\.state:\d+: the world cannot be repeated: POST https://drs\.\S+ was answered 418, and now 409", said
    )
    assert "It was written by drskit 0.1.0 with moto 5." in said


def test_what_cannot_be_written_is_not_confirmed(path):
    """Neither then nor later: a world that forgets would be worse than one that stops."""
    with living(path, dies=True) as lab:
        kept = lab.gateway._journal._file
        lab.gateway._journal._file = os.open("/dev/full", os.O_WRONLY)
        for _ in range(2):
            with pytest.raises(ClientError, match="cannot be written: No space left"):
                lab.start(1)
        os.close(lab.gateway._journal._file)
        lab.gateway._journal._file = kept
    with living(path, None) as lab:
        assert lab.drs.describe_jobs()["items"] == []


def test_the_file_has_no_secret(path):
    """No session token, no signature; and nobody else can read it."""
    with living(path):
        drs = session().client("drs", region_name="us-west-2", config=ONCE, aws_session_token="tell-nobody")
        drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}])
    text = path.read_text()
    assert "tell-nobody" not in text
    assert set(re.findall(r"Signature=(\w+)", text)) <= {"0"}
    assert path.stat().st_mode & 0o077 == 0


def test_what_comes_about_while_somebody_only_looks_keeps_its_name(path):
    """Instances that a launch leaves in EC2, volumes and interfaces included, first seen by a reader."""
    with living(path) as lab:
        lab.instances()
        lab.start(1, 2)
        lab.wait(800)
        lab.gateway.present()
        lab.wait(400)
        lab.ec2.describe_volumes()
        group = lab.ec2.create_security_group(GroupName="later", Description="later")["GroupId"]
        before, volumes = seen(lab), lab.ec2.describe_volumes()["Volumes"]
    with living(path, None) as lab:
        assert seen(lab) == before
        assert group in before["groups"]
        names = [[one["VolumeId"] for one in found] for found in (volumes, lab.ec2.describe_volumes()["Volumes"])]
        assert names[0] == names[1]
