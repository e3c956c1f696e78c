"""Lists, filters, pages, tags, and the shapes of every answer."""

import json
from datetime import datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from tests.sim.lab import make_spec, server_arn, server_id

pytestmark = pytest.mark.simulated("it needs servers of a kind, many of them, or exact times")

OLD = "i-0123456789abcdef0"


def shape_faults(operation, answer):
    """How an answer differs from botocore's model of it; members that the model lacks count, too."""
    model = boto3.client("drs", region_name="us-west-2").meta.service_model.operation_model(operation)
    told = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    return (
        ParamValidator().validate(told, model.output_shape).generate_report()
        if model.output_shape
        else json.dumps(told)
    )


def test_every_answer_fits_the_model(open_lab):
    """Each simulated operation's answer is what botocore's model says, once for an idle and once for a busy world."""
    replication = {"state": "BACKLOG", "lag": 61.5, "backlog_bytes": 5, "error": "AGENT_NOT_SEEN"}
    lab = open_lab(
        make_spec(
            {"origin_region": "us-east-1", "ip": "10.0.0.1", "replication": replication}, {"fails": "launch-denied"}
        )
    )
    drs = lab.drs
    job = drs.start_recovery(
        sourceServers=[{"sourceServerID": server_id(1)}, {"sourceServerID": server_id(2)}], tags={"a": "b"}
    )
    assert shape_faults("StartRecovery", job) == ""
    job_id, arn = job["job"]["jobID"], job["job"]["arn"]
    lab.wait(3600)
    instances = drs.describe_recovery_instances()
    assert shape_faults("DescribeRecoveryInstances", instances) == ""
    assert shape_faults("DescribeSourceServers", drs.describe_source_servers()) == ""
    assert shape_faults("DescribeJobs", drs.describe_jobs()) == ""
    assert shape_faults("DescribeJobLogItems", drs.describe_job_log_items(jobID=job_id)) == ""
    assert shape_faults("DescribeRecoverySnapshots", drs.describe_recovery_snapshots(sourceServerID=server_id(1))) == ""
    assert shape_faults("GetLaunchConfiguration", drs.get_launch_configuration(sourceServerID=server_id(1))) == ""
    ids = [one["recoveryInstanceID"] for one in instances["items"]]
    assert shape_faults("TerminateRecoveryInstances", drs.terminate_recovery_instances(recoveryInstanceIDs=ids)) == ""
    assert shape_faults("TagResource", drs.tag_resource(resourceArn=arn, tags={"c": "d"})) == "{}"
    assert shape_faults("UntagResource", drs.untag_resource(resourceArn=arn, tagKeys=["a"])) == "{}"
    assert shape_faults("ListTagsForResource", drs.list_tags_for_resource(resourceArn=arn)) == ""


def test_no_member_is_unknown_to_the_model(open_lab):
    """What goes over the wire is what boto3 hands on: nothing is dropped for a wrong name."""
    lab = open_lab(make_spec({"origin_region": "us-east-1"}))
    wire = []
    lab.drs.meta.events.register(
        "before-parse", lambda response_dict, **_: wire.append(json.loads(response_dict["body"]))
    )
    answer = lab.drs.describe_source_servers()
    assert wire[0]["items"] == answer["items"]


def test_lists_come_in_pages_of_fifty(open_lab):
    """120 servers are three pages; the paginator joins them; nothing is shown twice."""
    lab = open_lab(make_spec(count=120))
    pages = list(lab.drs.get_paginator("describe_source_servers").paginate())
    assert [len(page["items"]) for page in pages] == [50, 50, 20]
    seen = [server["sourceServerID"] for page in pages for server in page["items"]]
    assert seen == [server_id(number) for number in range(1, 121)]


@pytest.mark.account
def test_max_results_sets_the_page(lab):
    """MaxResults of 2 out of 3."""
    chosen = {"sourceServerIDs": [server_id(number) for number in (1, 2, 3)]}
    first = lab.drs.describe_source_servers(maxResults=2, filters=chosen)
    assert len(first["items"]) == 2
    second = lab.drs.describe_source_servers(maxResults=2, filters=chosen, nextToken=first["nextToken"])
    shown = [server["sourceServerID"] for page in (first, second) for server in page["items"]]
    assert sorted(shown) == sorted(chosen["sourceServerIDs"])
    assert "nextToken" not in second


@pytest.mark.account
def test_a_new_job_between_two_pages_hides_no_other(lab):
    """Newest first, and yet the second page goes on where the first one ended."""
    jobs = []
    for number in (1, 2):
        jobs.append(lab.start(number)["jobID"])
        lab.wait(1)
    first = lab.drs.describe_jobs(maxResults=1)
    lab.start(3)
    second = lab.drs.describe_jobs(maxResults=1, nextToken=first["nextToken"])
    assert [first["items"][0]["jobID"], second["items"][0]["jobID"]] == [jobs[1], jobs[0]]


@pytest.mark.account
@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U=", "WyJ4IiwieSJd"])
def test_a_bad_token_is_invalid(lab, token):
    """A token that is none, or of another question."""
    with pytest.raises(lab.drs.exceptions.ValidationException):
        lab.drs.describe_source_servers(nextToken=token)


@pytest.mark.account
def test_a_token_is_good_for_its_own_question_only(lab):
    """The same token with another filter is invalid."""
    token = lab.drs.describe_source_servers(maxResults=1)["nextToken"]
    with pytest.raises(lab.drs.exceptions.ValidationException):
        lab.drs.describe_source_servers(filters={"sourceServerIDs": [server_id(1)]}, nextToken=token)


@pytest.mark.account
def test_jobs_are_filtered_by_id_and_time(lab):
    """Ids, both bounds of time in both spellings; an unknown id is an empty list."""
    first = lab.start(1)
    lab.wait(3)
    second = lab.start(2)
    between = datetime.fromisoformat(second["creationDateTime"]) - timedelta(seconds=1)

    def found(**filters):
        listed = [job["jobID"] for job in lab.drs.describe_jobs(filters=filters)["items"]]
        return [job_id for job_id in listed if job_id in {first["jobID"], second["jobID"]}]

    assert found() == [second["jobID"], first["jobID"]]
    assert found(jobIDs=[first["jobID"]]) == [first["jobID"]]
    assert found(jobIDs=["drsjob-50000000000000000"]) == []
    assert found(fromDate=f"{between:%Y-%m-%dT%H:%M:%SZ}") == [second["jobID"]]
    assert found(toDate=f"{between:%Y-%m-%dT%H:%M:%S.%f}+00:00") == [first["jobID"]]


@pytest.mark.account
def test_the_log_of_an_unknown_job_is_not_found(lab):
    """In AWS's words, though the operation does not declare it."""
    with pytest.raises(lab.drs.exceptions.ResourceNotFoundException) as caught:
        lab.drs.describe_job_log_items(jobID="drsjob-50000000000000000")
    assert caught.value.response["Error"]["Message"] == "Job with Id: 'drsjob-50000000000000000' was not found"


def test_a_new_job_may_be_invisible_for_a_while(open_lab):
    """A switch for eventual consistency."""
    lab = open_lab(make_spec(count=1, behaviour={"job_delay": 20}))
    lab.start(1)
    assert lab.drs.describe_jobs()["items"] == []
    lab.wait(20)
    assert len(lab.drs.describe_jobs()["items"]) == 1


def test_a_listing_may_trail_behind_what_is_found_by_id(open_lab):
    """Another switch for eventual consistency: the id is known, the listing is not complete yet."""
    lab = open_lab(make_spec(count=1, behaviour={"list_delay": 20}))
    job = lab.start(1)
    assert lab.drs.describe_jobs(filters={"fromDate": "2026-03-02T08:00:00Z"})["items"] == []
    assert lab.job(job["jobID"])["jobID"] == job["jobID"]
    lab.wait(20)
    assert len(lab.drs.describe_jobs()["items"]) == 1


def test_a_server_may_remember_its_launch_late(open_lab):
    """For a while it shows none at all."""
    lab = open_lab(make_spec(count=1, behaviour={"last_launch_delay": 20}))
    job = lab.start(1)
    assert lab.drs.describe_source_servers()["items"][0]["lastLaunchResult"] == "NOT_STARTED"
    lab.wait(20)
    (server,) = lab.drs.describe_source_servers()["items"]
    assert server["lifeCycle"]["lastLaunch"]["initiated"]["jobID"] == job["jobID"]


def test_tags_may_trail_behind_their_job(open_lab):
    """The job is listed without them for a while."""
    lab = open_lab(make_spec(count=1, behaviour={"tag_delay": 20}))
    job = lab.start(1, tags={"attempt": "1"})
    assert lab.job(job["jobID"])["tags"] == {}
    lab.wait(20)
    assert lab.job(job["jobID"])["tags"] == {"attempt": "1"}


@pytest.mark.account
def test_a_deleted_job_is_known_to_nobody(lab):
    """Neither listed nor found, and without a log; its instance and the server's last launch stay."""
    job = lab.start(1)
    with pytest.raises(lab.drs.exceptions.ConflictException):
        lab.drs.delete_job(jobID=job["jobID"])
    lab.settle()
    assert 204 == lab.drs.delete_job(jobID=job["jobID"])["ResponseMetadata"]["HTTPStatusCode"]
    assert job["jobID"] not in {one["jobID"] for one in lab.jobs()}
    assert lab.drs.describe_jobs(filters={"jobIDs": [job["jobID"]]})["items"] == []
    for ask in (
        lambda: lab.drs.describe_job_log_items(jobID=job["jobID"]),
        lambda: lab.drs.list_tags_for_resource(resourceArn=job["arn"]),
        lambda: lab.drs.delete_job(jobID=job["jobID"]),
    ):
        with pytest.raises(lab.drs.exceptions.ResourceNotFoundException):
            ask()
    (instance,) = lab.recovery_instances().values()
    assert {job["jobID"]} == {instance["jobID"], lab.servers()[0]["lifeCycle"]["lastLaunch"]["initiated"]["jobID"]}


def test_a_week_of_snapshots_is_thinned_out(lab):
    """Ten-minutely for an hour, hourly for a day, daily for a week; newest first unless asked otherwise."""
    items = lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"]
    times = [item["timestamp"] for item in items]
    assert len(items) == 6 + 23 + 6
    assert times == sorted(times, reverse=True)
    assert times[0] == "2026-03-02T09:00:00.000000+00:00"
    ascending = lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1), order="ASC")["items"]
    assert ascending == items[::-1]
    since = {"fromDateTime": "2026-03-02T08:30:00Z"}
    assert len(lab.drs.describe_recovery_snapshots(sourceServerID=server_id(1), filters=since)["items"]) == 4


def test_a_disconnected_server_has_no_lag(open_lab):
    """No lagDuration, no bytes, and the last contact as declared."""
    replication = {"state": "DISCONNECTED", "last_seen": "2026-03-01T10:00:00+01:00"}
    lab = open_lab(make_spec({"replication": replication}, {"replication": {"lag": 3661.25}}, {}))
    gone, lagging, fine = lab.drs.describe_source_servers()["items"]
    assert "lagDuration" not in gone["dataReplicationInfo"]
    assert gone["lifeCycle"]["lastSeenByServiceDateTime"] == "2026-03-01T09:00:00.000000+00:00"
    assert lagging["dataReplicationInfo"]["lagDuration"] == "PT1H1M1.25S"
    assert fine["dataReplicationInfo"]["lagDuration"] == "P0D"


@pytest.mark.account
def test_tags_of_jobs_and_servers_can_be_changed(lab):
    """TagResource adds, UntagResource removes, every listing agrees."""
    job = lab.start(1, tags={"drskit:Attempt": "1"})
    lab.drs.tag_resource(resourceArn=job["arn"], tags={"Owner": "me", "Wave": "2"})
    lab.drs.untag_resource(resourceArn=job["arn"], tagKeys=["drskit:Attempt", "Wave"])
    assert lab.drs.list_tags_for_resource(resourceArn=job["arn"])["tags"] == {"Owner": "me"}
    assert lab.job(job["jobID"])["tags"] == {"Owner": "me"}
    server = lab.servers()[0]
    lab.drs.tag_resource(resourceArn=server["arn"], tags={lab.name("Tier"): "app"})
    assert lab.servers()[0]["tags"] == server["tags"] | {lab.name("Tier"): "app"}


@pytest.mark.account
def test_an_unknown_arn_has_no_tags(lab):
    """404."""
    unknown = f"{server_arn(1).rpartition(':')[0]}:job/drsjob-50000000000000000"
    with pytest.raises(lab.drs.exceptions.ResourceNotFoundException):
        lab.drs.list_tags_for_resource(resourceArn=unknown)


def test_another_region_has_no_servers(lab):
    """The world lives in one Region."""
    other = boto3.client("drs", region_name="eu-west-1")
    assert other.describe_source_servers()["items"] == []
    with pytest.raises(other.exceptions.ResourceNotFoundException):
        other.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}])


def test_an_uninitialised_account_can_do_nothing(open_lab):
    """UninitializedAccountException on all but the tag calls."""
    lab = open_lab(make_spec(count=1, behaviour={"initialized": False}))
    with pytest.raises(ClientError, match="UninitializedAccountException"):
        lab.drs.describe_jobs()
