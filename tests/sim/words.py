"""Every word that DRS's model has for its answers: those that a world can be brought to say, and why not the others."""

from collections.abc import Callable
from typing import Any

import boto3

from tests.sim.lab import INSPECTOR, Lab, make_spec, server_id
from tests.sim.test_plans import QUICK, execution, make_plan, run, servers, steps, wait
from tests.sim.test_settings import ACTION, RCT

UNSAID: dict[tuple[str, str], str] = {}
"""Why no world says a word of the model; at present each is said by some."""

Open = Callable[[Any], Lab]


def model_words() -> set[tuple[str, str]]:
    """All words of all enums that stand in an answer or in an error."""
    model = boto3.client("drs", region_name="us-west-2").meta.service_model
    found: set[tuple[str, str]] = set()
    seen: set[str] = set()

    def walk(shape: Any) -> None:
        if shape.name in seen:
            return
        seen.add(shape.name)
        found.update((shape.name, word) for word in getattr(shape, "enum", None) or ())
        for inner in (
            *getattr(shape, "members", {}).values(),
            *(getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)),
        ):
            walk(inner)

    for name in model.operation_names:
        if model.operation_model(name).output_shape:
            walk(model.operation_model(name).output_shape)
    for shape in model.error_shapes:
        walk(shape)
    return found


def said(open_lab: Open) -> set[tuple[str, str]]:
    """The words that are said on a tour through worlds made for it."""
    INSPECTOR.words.clear()
    for stop in (_replication, _launches, _passing, _past, _networks, _failback, _settings, _plans, _errors):
        stop(open_lab)
    return set(INSPECTOR.words)


def _enum(name: str) -> list[str]:
    return sorted(word for shape, word in model_words() if shape == name)


def _replication(open_lab: Open) -> None:
    states = [{"replication": {"state": state}} for state in _enum("DataReplicationState")]
    errors = [{"replication": {"state": "STALLED", "error": error}} for error in _enum("DataReplicationErrorString")]
    volumes = [{"disks": [{"volume": status}]} for status in _enum("VolumeStatus")]
    volumes += [{"replication": {"skipped": ["CREATE_SECURITY_GROUP"]}}]
    others = [{"architecture": word} for word in _enum("SourceServerArchitecture")]
    extended = [
        {"extended": {"account": "111111111111", "error": "no role"}},
        {"extended": {"account": "111111111111"}},
    ]
    lab = open_lab(make_spec(*states, *errors, *volumes, *others, *extended))
    for _ in lab.drs.get_paginator("describe_source_servers").paginate():
        pass


def _launches(open_lab: Open) -> None:
    kept = {"instances": [{"id": "i-0123456789abcdef0", "launched": "2026-02-20T10:00:00Z", "protected": True}]}
    fails = ["skipped", "snapshot-failed", "previous-snapshot", "previous-snapshot-failed", "conversion-failed"]
    failing = [{"fails": failure} for failure in [*fails, "launch-denied"]]
    stopped = {"launch": {"disposition": "STOPPED"}, "origin_region": "us-east-1"}
    codes = {"disks": [{"product_codes": {f"{word:x<25}": word for word in _enum("ProductCodeMode")}}]}
    behaviour = {"server_in_progress": True, "conversion_properties": True}
    lab = open_lab(make_spec(kept, stopped, codes, *failing, behaviour=behaviour))
    job_id = lab.start(*range(1, 10))["jobID"]
    lab.drs.describe_source_servers()
    for _ in range(30):
        lab.wait(120)
        lab.job(job_id)
    lab.drs.describe_source_servers()
    lab.log(job_id)
    recovery = lab.start(3, drill=False)["jobID"]
    lab.wait(3600)
    lab.log(recovery)
    lab.drs.describe_source_servers()
    ids = [one["recoveryInstanceID"] for one in lab.drs.describe_recovery_instances()["items"]]
    terminate = lab.drs.terminate_recovery_instances(recoveryInstanceIDs=ids[1:])["job"]["jobID"]
    lab.ec2.modify_instance_attribute(InstanceId=ids[0], DisableApiTermination={"Value": False})
    lab.ec2.terminate_instances(InstanceIds=ids[:1])
    lab.drs.describe_recovery_instances()
    lab.wait(600)
    lab.job(terminate)


def _passing(open_lab: Open) -> None:
    """From one state of an instance to the next, until EC2 has forgotten it."""
    lab = open_lab(make_spec(QUICK, QUICK, behaviour={"state_change": 30, "not_found_after": 3600}))
    lab.start(1, 2)
    told = lab.drs.describe_recovery_instances
    while len(told()["items"]) < 2:
        lab.wait(10)
    first, second = (one["recoveryInstanceID"] for one in told()["items"])
    lab.wait(60)
    lab.ec2.stop_instances(InstanceIds=[first])
    told()
    lab.wait(60)
    lab.drs.terminate_recovery_instances(recoveryInstanceIDs=[first])
    lab.ec2.terminate_instances(InstanceIds=[second])
    for _ in range(70):
        lab.wait(5)
        told()
    lab.wait(3600)
    told()


def _past(open_lab: Open) -> None:
    """Jobs that nobody can start, as they stand in an account's past."""
    kinds = [("DIAGNOSTIC", "LAUNCH"), ("TARGET_ACCOUNT", "CREATE_CONVERTED_SNAPSHOT")]
    jobs = [
        {
            "id": f"drsjob-5000000000000000{number}",
            "created": "2026-03-01T09:00:00Z",
            "kind": kind,
            "initiated_by": by,
            "ended": 60,
            "outcomes": {server_id(1): "FAILED"},
            "log": [{"at": 1, "event": "JOB_START"}, {"at": 30, "event": "JOB_CANCEL"}, {"at": 60, "event": "JOB_END"}],
        }
        for number, (by, kind) in enumerate(kinds)
    ]
    lab = open_lab(make_spec({}, jobs=jobs))
    for job in lab.drs.describe_jobs()["items"]:
        lab.log(job["jobID"])


def _networks(open_lab: Open) -> None:
    networks = [
        {"vpc": f"vpc-0{number:016x}", "fails": number in {2, 3}, "replicating": number != 1} for number in range(4)
    ]
    networks[0] |= {"fails": [False, True, "partly"]}
    lab = open_lab(make_spec(networks=[*networks, {"vpc": "vpc-0123456789abcdef0", "error": "no role"}]))
    fine, stopped, failing, unassociated, _ = (
        network["sourceNetworkID"] for network in lab.drs.describe_source_networks()["items"]
    )
    lab.drs.start_source_network_replication(sourceNetworkID=stopped)
    recover, associate = lab.drs.start_source_network_recovery, lab.drs.associate_source_network_stack

    def follow(job: Any) -> None:
        lab.drs.describe_source_networks()
        lab.wait(300)
        lab.job(job["job"]["jobID"])
        lab.log(job["job"]["jobID"])
        lab.drs.describe_source_networks()

    for _ in range(4):
        follow(recover(sourceNetworks=[{"sourceNetworkID": fine}]))
    follow(associate(sourceNetworkID=fine, cfnStackName="mine"))
    follow(recover(sourceNetworks=[{"sourceNetworkID": failing}]))
    follow(associate(sourceNetworkID=failing, cfnStackName="mine"))
    follow(recover(sourceNetworks=[{"sourceNetworkID": unassociated}]))


def _failback(open_lab: Open) -> None:
    clients = [{"failback": {"client_after": 60, "sync": 600, "fails": fails}} for fails in (False, True)]
    errors = [{"failback": {"client_after": 60, "error": error}} for error in [*_enum("FailbackReplicationError")]]
    clients[0]["failback"] |= {"skipped": ["COMPLETE_VOLUME_MAPPING"]}
    states = [
        {"failback": {"client_after": 1, "sync": 1, "replication": word}} for word in ("BACKLOG", "PAUSED", "RESCAN")
    ]
    lab = open_lab(make_spec({"origin_region": "us-east-1"}, *clients, *errors, {}, *states))
    lab.drs.describe_source_servers()
    lab.start(*range(1, len(errors) + 8))
    lab.wait(510)
    for number in (2, 4):
        for _ in range(30):
            lab.wait(45)
            lab.drs.describe_recovery_instances(filters={"sourceServerIDs": [server_id(number)]})
    list(lab.drs.get_paginator("describe_recovery_instances").paginate())
    by_server = {one["sourceServerID"]: one for one in lab.drs.describe_recovery_instances()["items"]}
    ids = [by_server[server_id(number)]["recoveryInstanceID"] for number in (1, 2, 3)]
    last = by_server[server_id(len(errors) + 4)]["recoveryInstanceID"]
    lab.drs.start_failback_launch(recoveryInstanceIDs=ids[1:])
    arn = lab.drs.reverse_replication(recoveryInstanceID=ids[0])["reversedDirectionSourceServerArn"]
    origin = lab.client("drs", region="us-east-1")
    _walk_other_states(lab, origin, arn)
    lab.drs.disconnect_recovery_instance(recoveryInstanceID=last)
    lab.ec2.terminate_instances(InstanceIds=ids[1:2])
    lab.drs.describe_recovery_instances()


def _walk_other_states(lab: Lab, origin: Any, arn: str) -> None:
    """Follow the reversed server through its replication, stop it, start it again, launch it."""
    back = arn.rpartition("/")[2]
    only = {"sourceServerIDs": [server_id(1)]}

    def follow() -> None:
        for _ in range(75):
            lab.wait(30)
            lab.drs.describe_recovery_instances(filters=only)

    follow()
    origin.stop_replication(sourceServerID=back)
    lab.drs.describe_recovery_instances(filters=only)
    origin.start_replication(sourceServerID=back)
    follow()
    origin.start_recovery(sourceServers=[{"sourceServerID": back}], isDrill=True)
    lab.wait(3600)
    lab.drs.describe_recovery_instances()
    origin.describe_source_servers()


def _settings(open_lab: Open) -> None:
    lab = open_lab(make_spec({"post_launch": {"fails": {"bad": "no"}}}))
    one, drs = server_id(1), lab.drs
    for disposition, method in (("STOPPED", "NONE"), ("STARTED", "IN_AWS"), ("STARTED", "BASIC")):
        drs.update_launch_configuration(
            sourceServerID=one, launchDisposition=disposition, targetInstanceTypeRightSizingMethod=method
        )
    drs.create_launch_configuration_template(recoveryMode="FAST")
    for disk in _enum("ReplicationConfigurationDefaultLargeStagingDiskType"):
        drs.update_replication_configuration(sourceServerID=one, defaultLargeStagingDiskType=disk)
    for disk in _enum("ReplicationConfigurationReplicatedDiskStagingDiskType"):
        drs.update_replication_configuration(
            sourceServerID=one, replicatedDisks=[{"deviceName": "/dev/xvda", "stagingDiskType": disk}]
        )
    key = "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-4000-8000-000000000000"
    for encryption in ("NONE", "CUSTOM"):
        drs.update_replication_configuration(sourceServerID=one, ebsEncryption=encryption, ebsEncryptionKeyArn=key)
    drs.update_replication_configuration(sourceServerID=one, dataPlaneRouting="PUBLIC_IP", internetProtocol="IPV6")
    drs.create_replication_configuration_template(**RCT)
    drs.update_launch_configuration(sourceServerID=one, postLaunchEnabled=True)
    kinds = zip(_enum("LaunchActionCategory"), ("SSM_STORE", "DYNAMIC") * 3, strict=False)
    for number, (category, kind) in enumerate(kinds, start=2):
        more = {"parameters": {"x": {"value": "y", "type": kind}}, "name": "bad" if number == 3 else "good"}
        more |= {"actionCode": "AWS-CreateImage"} if number == 4 else {}
        action = (
            ACTION
            | more
            | {"category": category, "order": number, "actionId": f"{number:08x}-0000-4000-8000-{number:012x}"}
        )
        drs.put_launch_action(resourceId=one, **action | {"optional": True})
    job_id = lab.start(1)["jobID"]
    for _ in range(30):
        lab.wait(30)
        lab.job(job_id)


def _plans(open_lab: Open) -> None:
    slow = QUICK | {"fails": ["conversion-failed", "never-ends"]}
    lab = open_lab(make_spec(QUICK, slow, QUICK, QUICK))
    make_plan(lab, name="empty")
    plan_arn = make_plan(lab, servers(1, optional=[3]), wait(2), servers(2))
    lab.drs.list_recovery_plans()
    done = run(lab, plan_arn, mode="RECOVERY")
    for _ in range(20):
        lab.wait(60)
        execution(lab, done)
        steps(lab, done)
    failed = next(one for one in steps(lab, done) if one["status"] == "FAILED")
    arn = failed["recoveryPlanExecutionStepArn"]
    lab.drs.retry_recovery_plan_execution_step(recoveryPlanExecutionStepArn=arn)
    lab.wait(86400)
    steps(lab, done)
    other = run(lab, make_plan(lab, servers(4), servers(3), name="other"))
    lab.wait(60)
    cancel = lab.drs.cancel_recovery_plan_execution
    cancel(recoveryPlanExecutionArn=other)
    lab.wait(1000)
    execution(lab, other)
    steps(lab, other)
    again = run(lab, next(iter(_plans_named(lab, "other"))))
    lab.wait(2000)
    execution(lab, again)


def _plans_named(lab: Lab, name: str) -> list[str]:
    listed = lab.drs.list_recovery_plans()["recoveryPlans"]
    return [plan["recoveryPlanArn"] for plan in listed if plan["name"] == name]


def _errors(open_lab: Open) -> None:
    lab = open_lab(make_spec({"origin_region": "us-east-1"}))
    for body in (b"no json", b'{"jobID": "drsjob-x"}', b'{"jobID": "drsjob-50000000000000000", "nextToken": "x"}'):

        def change(request: Any, body: bytes = body, **_: Any) -> None:
            request.data = body

        lab.drs.meta.events.register_first("before-sign.drs.DescribeJobLogItems", change, unique_id="body")
        _refused(lab.drs.describe_job_log_items, jobID="drsjob-50000000000000000")
        lab.drs.meta.events.unregister("before-sign.drs.DescribeJobLogItems", unique_id="body")
    _refused(lab.drs.retry_data_replication, sourceServerID=server_id(1))
    lab.drs.meta.events.register(
        "before-sign.drs.DescribeJobs",
        lambda request, **_: setattr(request, "url", request.url.replace("DescribeJobs", "SendAgentLogsForDrs")),
    )
    _refused(lab.drs.describe_jobs)


def _refused(call: Any, **request: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        call(**request)
    except ClientError:
        return
    raise AssertionError
