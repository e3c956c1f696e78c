"""Source networks, as far as a client sees them."""

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec

pytestmark = pytest.mark.simulated("it would protect and deploy networks of the account")

VPC = "vpc-0123456789abcdef0"


def refused(call, **request):
    """The code of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


def shown(lab):
    """The one source network."""
    (network,) = lab.drs.describe_source_networks()["items"]
    return network


@pytest.fixture
def protected(open_lab):
    """A world with one protected network."""
    return open_lab(make_spec(networks=[{"vpc": VPC, "tags": {"Tier": "net"}}]))


def test_a_network_is_created_replicated_stopped_and_deleted(open_lab):
    """STOPPED, IN_PROGRESS, PROTECTED, STOPPED, gone."""
    lab = open_lab(make_spec())
    request = {"vpcID": VPC, "originAccountID": "123456789012", "originRegion": "us-east-1"}
    network_id = lab.drs.create_source_network(**request, tags={"a": "b"})["sourceNetworkID"]
    assert "ConflictException" == refused(lab.drs.create_source_network, **request)
    assert (shown(lab)["replicationStatus"], shown(lab)["tags"]) == ("STOPPED", {"a": "b"})
    started = lab.drs.start_source_network_replication(sourceNetworkID=network_id)["sourceNetwork"]
    assert started["replicationStatus"] == "IN_PROGRESS"
    lab.wait(120)
    assert shown(lab)["replicationStatus"] == "PROTECTED"
    assert "ConflictException" == refused(lab.drs.delete_source_network, sourceNetworkID=network_id)
    lab.drs.stop_source_network_replication(sourceNetworkID=network_id)
    lab.drs.delete_source_network(sourceNetworkID=network_id)
    assert lab.drs.describe_source_networks()["items"] == []


def test_networks_are_filtered(open_lab):
    """By id, account and Region."""
    networks = [{"vpc": VPC}, {"vpc": "vpc-0123456789abcdef1", "region": "eu-west-1", "account": "111111111111"}]
    lab = open_lab(make_spec(networks=networks))
    first, second = lab.drs.describe_source_networks()["items"]

    def found(**filters):
        return [one["sourceNetworkID"] for one in lab.drs.describe_source_networks(filters=filters)["items"]]

    assert found(sourceNetworkIDs=[first["sourceNetworkID"]]) == [first["sourceNetworkID"]]
    assert found(originAccountID="111111111111") == [second["sourceNetworkID"]]
    assert found(originRegion="us-east-1") == [first["sourceNetworkID"]]


def test_a_network_is_recovered_by_a_job_of_its_own(protected):
    """It participates as a resource; the log tells of the network and of launch templates; the next one updates."""
    network_id = shown(protected)["sourceNetworkID"]
    start = protected.drs.start_source_network_recovery
    job = start(sourceNetworks=[{"sourceNetworkID": network_id}], tags={"a": "b"})["job"]
    assert (job["initiatedBy"], job["participatingServers"]) == ("CREATE_NETWORK_RECOVERY", [])
    assert job["participatingResources"] == [
        {"participatingResourceID": {"sourceNetworkID": network_id}, "launchStatus": "PENDING"}
    ]
    assert shown(protected)["lastRecovery"]["lastRecoveryResult"] == "IN_PROGRESS"
    assert "ConflictException" == refused(start, sourceNetworks=[{"sourceNetworkID": network_id}])
    protected.wait(300)
    assert protected.job(job["jobID"])["participatingResources"][0]["launchStatus"] == "LAUNCHED"
    assert protected.events(job["jobID"]) == [
        "JOB_START",
        "DEPLOY_NETWORK_CONFIGURATION_START",
        "DEPLOY_NETWORK_CONFIGURATION_END",
        "UPDATE_LAUNCH_TEMPLATE_START",
        "UPDATE_LAUNCH_TEMPLATE_END",
        "JOB_END",
    ]
    data = protected.log(job["jobID"])[1]["eventData"]["eventResourceData"]["sourceNetworkData"]
    assert (data["sourceNetworkID"], data["sourceVpc"]) == (network_id, VPC)
    network = shown(protected)
    assert (network["lastRecovery"]["lastRecoveryResult"], network["lastRecovery"]["jobID"]) == (
        "SUCCESS",
        job["jobID"],
    )
    assert network["cfnStackName"] == f"drs-{network_id}"
    again = start(sourceNetworks=[{"sourceNetworkID": network_id}])["job"]
    assert again["initiatedBy"] == "UPDATE_NETWORK_RECOVERY"
    protected.wait(300)
    assert "UPDATE_NETWORK_CONFIGURATION_END" in protected.events(again["jobID"])
    assert shown(protected)["launchedVpcID"] == network["launchedVpcID"]
    anew = start(sourceNetworks=[{"sourceNetworkID": network_id}], deployAsNew=True)["job"]
    assert anew["initiatedBy"] == "CREATE_NETWORK_RECOVERY"


def test_a_stack_is_associated(protected):
    """A job that only updates launch templates."""
    network_id = shown(protected)["sourceNetworkID"]
    job = protected.drs.associate_source_network_stack(sourceNetworkID=network_id, cfnStackName="mine")["job"]
    protected.wait(300)
    assert job["initiatedBy"] == "ASSOCIATE_NETWORK_RECOVERY"
    assert protected.events(job["jobID"])[1:-1] == ["UPDATE_LAUNCH_TEMPLATE_START", "UPDATE_LAUNCH_TEMPLATE_END"]
    network = shown(protected)
    assert (network["cfnStackName"], network["lastRecovery"]["lastRecoveryResult"]) == ("mine", "ASSOCIATE_SUCCESS")


def test_a_network_that_fails_says_so(open_lab):
    """NETWORK_RECOVERY_FAIL, FAIL, and a FAILED resource in a COMPLETED job."""
    lab = open_lab(make_spec(networks=[{"vpc": VPC, "fails": True}]))
    network_id = shown(lab)["sourceNetworkID"]
    job = lab.drs.start_source_network_recovery(sourceNetworks=[{"sourceNetworkID": network_id}])["job"]
    lab.wait(300)
    assert lab.events(job["jobID"])[-3:-1] == ["DEPLOY_NETWORK_CONFIGURATION_FAILED", "NETWORK_RECOVERY_FAIL"]
    assert lab.job(job["jobID"])["participatingResources"][0]["launchStatus"] == "FAILED"
    assert shown(lab)["lastRecovery"]["lastRecoveryResult"] == "FAIL"


def test_a_network_in_error_tells_why(open_lab):
    """And cannot be recovered."""
    lab = open_lab(make_spec(networks=[{"vpc": VPC, "error": "The role is missing"}]))
    network = shown(lab)
    assert (network["replicationStatus"], network["replicationStatusDetails"]) == ("ERROR", "The role is missing")
    entries = [{"sourceNetworkID": network["sourceNetworkID"]}]
    assert "ConflictException" == refused(lab.drs.start_source_network_recovery, sourceNetworks=entries)


def test_a_template_is_exported_to_the_bucket_of_the_account(protected):
    """Which the launch configuration template names."""
    network_id = shown(protected)["sourceNetworkID"]
    export = protected.drs.export_source_network_cfn_template
    assert "ConflictException" == refused(export, sourceNetworkID=network_id)
    protected.drs.create_launch_configuration_template(exportBucketArn="arn:aws:s3:::dr-templates")
    assert export(sourceNetworkID=network_id)["s3DestinationUrl"] == f"s3://dr-templates/{network_id}.yaml"


def test_networks_have_a_quota(open_lab):
    """402."""
    lab = open_lab(make_spec(networks=[{"vpc": VPC}], behaviour={"source_networks_quota": 1}))
    request = {"vpcID": "vpc-0123456789abcdef1", "originAccountID": "123456789012", "originRegion": "us-east-1"}
    assert "ServiceQuotaExceededException" == refused(lab.drs.create_source_network, **request)


def test_each_recovery_in_turn_goes_as_the_world_says(open_lab):
    """The first works, the update after it fails, the next leaves some launch templates behind, the last works."""
    lab = open_lab(make_spec(networks=[{"vpc": VPC, "fails": [False, True, "partly"]}]))
    name, told = shown(lab)["sourceNetworkID"], []
    for _ in range(4):
        job = lab.drs.start_source_network_recovery(sourceNetworks=[{"sourceNetworkID": name}])["job"]["jobID"]
        lab.wait(300)
        failed = [event for event in lab.events(job) if "FAIL" in event]
        told.append((shown(lab)["lastRecovery"]["lastRecoveryResult"], failed))
    assert told == [
        ("SUCCESS", []),
        ("FAIL", ["UPDATE_NETWORK_CONFIGURATION_FAILED", "NETWORK_RECOVERY_FAIL"]),
        ("PARTIAL_SUCCESS", ["UPDATE_LAUNCH_TEMPLATE_FAILED"]),
        ("SUCCESS", []),
    ]


def test_an_exported_template_is_in_its_bucket(open_lab):
    """At the address that is told, where S3 has the bucket; it declares the network's VPC."""
    lab = open_lab(make_spec(networks=[{"vpc": VPC}]))
    lab.drs.create_launch_configuration_template(exportBucketArn="arn:aws:s3:::dr-templates")
    name, s3 = shown(lab)["sourceNetworkID"], lab.client("s3")
    assert (
        f"s3://dr-templates/{name}.yaml"
        == lab.drs.export_source_network_cfn_template(sourceNetworkID=name)["s3DestinationUrl"]
    )
    s3.create_bucket(Bucket="dr-templates", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    assert 0 == s3.list_objects_v2(Bucket="dr-templates")["KeyCount"]
    lab.drs.export_source_network_cfn_template(sourceNetworkID=name)
    told = yaml.safe_load(s3.get_object(Bucket="dr-templates", Key=f"{name}.yaml")["Body"].read())
    assert "AWS::EC2::VPC" == told["Resources"]["Vpc"]["Type"]
    assert VPC in told["Description"]
