"""What AWS's own samples for DRS ask, in their order: aws-samples/drs-tools runs on the simulator as it is.

The samples themselves were run unmodified; docs/simulator.md says which. These
tests make the same calls, so that they go on doing so.
"""

import json
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sim.lab import Lab, make_spec, server_id, session

pytestmark = pytest.mark.simulated("the samples change every server that an account has")

SERVERS = [
    {"name": f"shop-{tier}-{number}", "tags": {"Application": "shop", "Tier": tier}, "ip": f"10.0.{row}.{number + 10}"}
    for row, tier in enumerate(("database", "app"))
    for number in (1, 2)
]
ALL = {"filters": {}, "maxResults": 200, "PaginationConfig": {"MaxItems": 200, "PageSize": 200}}


def every_server(lab: Lab) -> list[dict[str, Any]]:
    """As two of the samples read them: at most 200, all on one page."""
    pages = list(lab.drs.get_paginator("describe_source_servers").paginate(**ALL))
    assert 1 == len(pages)
    return [server for page in pages for server in page["items"]]


def queue_of(lab: Lab, topic: str) -> tuple[Any, str]:
    """Somebody who reads what is published."""
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="reader")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lab.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return sqs, url


# --- the plan automation ---------------------------------------------------------------------------------------------


@pytest.fixture
def results(open_lab):
    """Its world, the table that it keeps its results in, and the topic that it tells of them."""
    lab = open_lab(make_spec(*SERVERS))
    lab.client("dynamodb").create_table(
        TableName="results",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "AppId_PlanId", "AttributeType": "S"},
            {"AttributeName": "ExecutionId", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "AppId_PlanId", "KeyType": "HASH"},
            {"AttributeName": "ExecutionId", "KeyType": "RANGE"},
        ],
    )
    return lab, lab.client("sns").create_topic(Name="plans")["TopicArn"]


def test_a_plan_of_waves_by_tags_runs_to_its_end(results):
    """Each wave's servers are found by two tags and launched together; job and log are read every thirty seconds."""
    lab, topic = results
    ddb, sns = lab.client("dynamodb"), lab.client("sns")
    found = [server for server in every_server(lab) if server["tags"].get("Application") == "shop"]
    waves = []
    for tier in ("database", "app"):
        chosen = [server for server in found if server["tags"].get("Tier") == tier]
        request = [{"sourceServerID": server["sourceServerID"]} for server in chosen]
        job = lab.drs.start_recovery(isDrill=True, sourceServers=request)["job"]
        looks = 0
        while job["status"] != "COMPLETED":
            lab.wait(30)
            looks += 1
            (job,) = lab.drs.describe_jobs(filters={"jobIDs": [job["jobID"]]})["items"]
            pages = lab.drs.get_paginator("describe_job_log_items").paginate(jobID=job["jobID"])
            job["detail"] = [line for page in pages for line in page["items"]]
            kept = {"AppId_PlanId": "a_p", "ExecutionId": "e", "SourceServers": found, "Waves": [*waves, job]}
            item = {key: TypeSerializer().serialize(value) for key, value in kept.items()}  # no floats, no times
            ddb.put_item(TableName="results", Item=item)
        sns.publish(TopicArn=topic, Subject="Update", Message=f"{tier} is up")
        waves.append(job)
        assert 10 < looks < 40
    statuses = [[server["launchStatus"] for server in job["participatingServers"]] for job in waves]
    assert [["LAUNCHED", "LAUNCHED"], ["LAUNCHED", "LAUNCHED"]] == statuses
    query = {"KeyConditionExpression": "AppId_PlanId = :v1", "ExpressionAttributeValues": {":v1": {"S": "a_p"}}}
    (item,) = ddb.query(TableName="results", **query)["Items"]
    assert "COMPLETED" == item["Waves"]["L"][1]["M"]["status"]["S"]


def test_its_automations_are_found_by_their_ids(open_lab):
    """Each is started, looked for among all by its id until it has ended, and timed to a part of a second."""
    lab = open_lab(make_spec(count=1))
    ssm, ends = lab.client("ssm"), []
    for _ in range(3):
        request = {"DocumentName": "CreateOpsItem", "Parameters": {"Title": ["before the wave"]}}
        run_id = ssm.start_automation_execution(**request)["AutomationExecutionId"]
        filters = [{"Key": "ExecutionId", "Values": [run_id]}]
        (run,) = ssm.describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"]
        while "ExecutionEndTime" not in run:
            assert "InProgress" == run["AutomationExecutionStatus"]
            lab.wait(30)
            (run,) = ssm.describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"]
        assert "Success" == run["AutomationExecutionStatus"]
        ends += [run["ExecutionStartTime"], run["ExecutionEndTime"]]
    assert all("." in str(time) for time in ends)  # which is how the sample reads them


def test_automations_are_listed_by_other_filters_too(open_lab):
    """By state and by document; a filter that is not simulated is refused, not ignored."""
    lab = open_lab(make_spec(count=1))
    ssm = lab.client("ssm")
    for name in ("OneDocument", "Other"):
        ssm.start_automation_execution(DocumentName=name)

    def listed(key: str, value: str) -> list[str]:
        found = ssm.describe_automation_executions(Filters=[{"Key": key, "Values": [value]}])
        return [one["DocumentName"] for one in found["AutomationExecutionMetadataList"]]

    assert ["OneDocument"] == listed("DocumentNamePrefix", "One")
    assert [] == listed("ExecutionStatus", "Failed")
    with pytest.raises(ClientError, match="InvalidFilterKey"):
        listed("CurrentAction", "x")


# --- the configuration synchronizer ----------------------------------------------------------------------------------

REPLICATION = {
    "associateDefaultSecurityGroup": True,
    "bandwidthThrottling": 0,
    "createPublicIP": False,
    "dataPlaneRouting": "PRIVATE_IP",
    "defaultLargeStagingDiskType": "GP3",
    "ebsEncryption": "DEFAULT",
    "replicationServerInstanceType": "t3.small",
    "replicationServersSecurityGroupsIDs": [],
    "stagingAreaSubnetId": "subnet-0123456789abcdef0",
    "stagingAreaTags": {"Owner": "me"},
    "useDedicatedReplicationServer": False,
}


@pytest.fixture
def network(open_lab):
    """Its world, with a subnet and a security group that it finds by their tags; and its clients, by a role."""
    lab = open_lab(make_spec(*SERVERS))

    def tags(kind: str, **given: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in given.items()]}]

    vpc = lab.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", Name="dr"))["Vpc"]["VpcId"]
    lab.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/17", TagSpecifications=tags("subnet", drstarget="true"))
    group = tags("security-group", Name="dr-sg")
    lab.ec2.create_security_group(GroupName="dr", Description="dr", VpcId=vpc, TagSpecifications=group)
    role = {"RoleArn": "arn:aws:iam::123456789012:role/sync", "RoleSessionName": "sync"}
    told = lab.client("sts").assume_role(**role)["Credentials"]
    keys = {
        "aws_access_key_id": told["AccessKeyId"],
        "aws_secret_access_key": told["SecretAccessKey"],
        "aws_session_token": told["SessionToken"],
        "region_name": "us-west-2",
        "config": Config(retries={"max_attempts": 10, "mode": "standard"}),
    }
    return lab, session().client("drs", **keys), session().client("ec2", **keys)


def synchronize(drs: Any, ec2: Any, token: str) -> list[str]:
    """Bring the first server to its desired settings, where it differs; what was changed, by the ids of the answers."""
    changed = []
    (subnet,) = [
        subnet
        for page in ec2.get_paginator("describe_subnets").paginate(
            Filters=[{"Name": "tag:drstarget", "Values": ["true"]}]
        )
        for subnet in page["Subnets"]
    ]
    name = {tag["Key"]: tag["Value"] for tag in ec2.describe_vpcs(VpcIds=[subnet["VpcId"]])["Vpcs"][0]["Tags"]}["Name"]
    filters = [{"Name": "tag:Name", "Values": [f"{name}-sg"]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    server = drs.describe_source_servers(filters={})["items"][0]
    own = {"sourceServerID": server["sourceServerID"]}
    launch = drs.get_launch_configuration(**own)
    template = {"LaunchTemplateId": launch["ec2LaunchTemplateID"]}
    default = ec2.describe_launch_template_versions(**template, Versions=["$Default"])["LaunchTemplateVersions"][0]
    nics = [
        nic | {"SubnetId": subnet["SubnetId"], "Groups": [group]}
        for nic in default["LaunchTemplateData"]["NetworkInterfaces"]
    ]
    desired = {"InstanceType": "t3.large", "NetworkInterfaces": nics}
    if desired != {key: default["LaunchTemplateData"].get(key) for key in desired}:
        made = ec2.create_launch_template_version(
            **template,
            SourceVersion=str(default["VersionNumber"]),
            ClientToken=f"{token}/{own['sourceServerID']}",
            VersionDescription="synchronized",
            LaunchTemplateData=desired,
        )
        number = str(made["LaunchTemplateVersion"]["VersionNumber"])
        more = {"ClientToken": f"{token}/{own['sourceServerID']}/default", "DefaultVersion": number}
        changed += [made, ec2.modify_launch_template(**template, **more)]
    wanted = {"copyTags": True, "launchDisposition": "STARTED", "licensing": {"osByol": False}}
    wanted |= {"copyPrivateIp": False, "targetInstanceTypeRightSizingMethod": "NONE"}
    if wanted != {key: launch[key] for key in wanted}:
        changed.append(drs.update_launch_configuration(**own, **wanted))
    if server["tags"].get("Owner") != "alice":
        changed.append(drs.tag_resource(resourceArn=server["arn"], tags={"Owner": "alice"}))
    replicated = drs.get_replication_configuration(**own)
    if REPLICATION != {key: replicated[key] for key in REPLICATION}:
        changed.append(drs.update_replication_configuration(**own, **REPLICATION))
    return [answer["ResponseMetadata"]["RequestId"] for answer in changed]


def test_settings_are_synchronized_once(network):
    """Two in EC2, three in DRS, each known by the id of its answer; the second time there is nothing to do."""
    lab, drs, ec2 = network
    changed = synchronize(drs, ec2, "first")
    assert [2, 3] == [len(changed[:2]), len(set(changed[2:]))]
    assert [] == synchronize(drs, ec2, "second")
    lab.start(1)
    lab.wait(1000)
    (made,) = lab.ec2.describe_instances(Filters=[{"Name": "instance-type", "Values": ["t3.large"]}])["Reservations"]
    (instance,) = made["Instances"]
    assert instance["PrivateIpAddress"].startswith("10.0.")
    assert "alice" == {tag["Key"]: tag["Value"] for tag in instance["Tags"]}["Owner"]


def test_a_template_version_inherits_from_its_source(network):
    """What a new version does not name is as it was in the version that it is made of."""
    _, drs, ec2 = network
    template = {"LaunchTemplateId": drs.get_launch_configuration(sourceServerID=server_id(1))["ec2LaunchTemplateID"]}
    first = ec2.describe_launch_template_versions(**template)["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    told = {"SourceVersion": "1", "LaunchTemplateData": {"InstanceType": "t3.large"}}
    made = ec2.create_launch_template_version(**template, **told)["LaunchTemplateVersion"]
    assert first | {"InstanceType": "t3.large"} == made["LaunchTemplateData"]
    alone = ec2.create_launch_template_version(**template, LaunchTemplateData={"InstanceType": "t3.large"})
    assert {"InstanceType": "t3.large"} == alone["LaunchTemplateVersion"]["LaunchTemplateData"]


def test_its_report_is_published_and_stored(network):
    """One to SNS, one to S3."""
    lab, _, _ = network
    topic = lab.client("sns").create_topic(Name="sync")["TopicArn"]
    sqs, url = queue_of(lab, topic)
    lab.client("sns").publish(TopicArn=topic, Subject="summary", Message="Servers processed: 4")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert "Servers processed: 4" == json.loads(message["Body"])["Message"]
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="reports", Key="report.csv", Body=b"a,b\n", ServerSideEncryption="aws:kms")
    assert b"a,b\n" == s3.get_object(Bucket="reports", Key="report.csv")["Body"].read()


# --- tags and templates ----------------------------------------------------------------------------------------------


def test_source_servers_get_the_tags_of_their_instances(open_lab):
    """The instances are in the Region that they are replicated from, and are found by the id that the agent told."""
    origin = {"origin_region": "us-east-1"}
    servers = [server | origin | {"source_instance": f"i-0{place:016x}"} for place, server in enumerate(SERVERS)]
    lab = open_lab(make_spec(*servers, behaviour={"source_instances": True}))
    east = lab.client("ec2", "us-east-1")
    by_instance = {one["sourceProperties"]["identificationHints"]["awsInstanceID"]: one for one in every_server(lab)}
    east.create_tags(Resources=["i-00000000000000001"], Tags=[{"Key": "CostCenter", "Value": "42"}])
    pages = east.get_paginator("describe_instances").paginate()
    found = [one for page in pages for made in page["Reservations"] for one in made["Instances"]]
    assert set(by_instance) == {one["InstanceId"] for one in found}
    for one in found:
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]} | {"source:region": "us-east-1"}
        lab.drs.tag_resource(resourceArn=by_instance[one["InstanceId"]]["arn"], tags=tags)
    assert ["shop-database-1", "shop-database-2"] == [one["tags"]["Name"] for one in every_server(lab)][:2]
    assert ["us-east-1"] * 4 == [one["tags"]["source:region"] for one in every_server(lab)]
    assert [None, "42", None, None] == [one["tags"].get("CostCenter") for one in every_server(lab)]
    assert {} == lab.instances()


def test_no_instance_stands_behind_a_source_server_unless_the_world_says_so(open_lab):
    """Who counts instances shall not find any that nobody launched."""
    lab = open_lab(make_spec({"origin_region": "us-east-1", "source_instance": "i-00000000000000001"}))
    assert [] == lab.client("ec2", "us-east-1").describe_instances()["Reservations"]


def test_one_template_is_set_for_all_servers_with_a_tag(open_lab):
    """A page of a thousand servers; each template gets the same new default version."""
    lab = open_lab(make_spec(*SERVERS))
    pages = list(lab.drs.get_paginator("describe_source_servers").paginate(filters={}, maxResults=1000))
    chosen = [one["sourceServerID"] for page in pages for one in page["items"] if "Tier" in one["tags"]]
    templates = [lab.drs.get_launch_configuration(sourceServerID=one)["ec2LaunchTemplateID"] for one in chosen]
    for template in templates:
        data = {"InstanceType": "c6i.large", "KeyName": "ops"}
        made = lab.ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=data)
        number = str(made["LaunchTemplateVersion"]["VersionNumber"])
        lab.ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=number)
    found = lab.ec2.describe_launch_templates(LaunchTemplateIds=templates)["LaunchTemplates"]
    assert [2] * 4 == [one["DefaultVersionNumber"] for one in found]
