"""Operations on how servers are replicated: configurations and their templates.

Nothing of it changes how a simulated server replicates, but the retention of
its daily points in time.
"""

from drskit.sim import refusals
from drskit.sim.operations.call import Call, Operation
from drskit.sim.records import SourceServer
from drskit.sim.settings import REPLICATION, Template
from drskit.sim.spec import Snapshots
from drskit.sim.wire import Json

OPTIONAL = ("ebsEncryptionKeyArn",)


def _given(call: Call, *more: str) -> Json:
    names = (*REPLICATION, *OPTIONAL, *more)
    return {name: call.request[name] for name in names if call.request.get(name) is not None}


def _check(members: Json) -> None:
    if members.get("ebsEncryption") == "CUSTOM" and not members.get("ebsEncryptionKeyArn"):
        raise refusals.invalid("CUSTOM encryption needs an ebsEncryptionKeyArn", name="ebsEncryptionKeyArn")


# --- of a source server ----------------------------------------------------------------------------------------------


def _write(call: Call, server: SourceServer) -> Json:
    name = server.spec.id
    disks = [
        {
            "deviceName": disk.device,
            "isBootDisk": position == 0,
            "stagingDiskType": "AUTO",
            "iops": 0,
            "throughput": 0,
            "optimizedStagingDiskType": "GP3",
        }
        for position, disk in enumerate(server.spec.disks)
    ]
    usual = REPLICATION | {
        "name": f"Replication Configuration for Source Server {name}",
        "replicatedDisks": disks,
        "pitPolicy": _policy(server.spec.snapshots.days),
    }
    return {"sourceServerID": name} | usual | call.world.settings.replication.get(name, {})


def _policy(days: int) -> list[Json]:
    *shorter, daily = REPLICATION["pitPolicy"]
    return [*shorter, daily | {"retentionDuration": days}]


def _get(call: Call) -> Json:
    return _write(call, call.server())


def _update(call: Call) -> Json:
    server = call.server()
    given = _given(call, "name", "replicatedDisks")
    held = call.world.settings.replication.get(server.spec.id, {}) | given
    _check(held)
    if "pitPolicy" in given:
        days = _days(given["pitPolicy"])
        snapshots = Snapshots.model_validate(server.spec.snapshots.model_dump() | {"days": days})
        server.spec = server.spec.model_copy(update={"snapshots": snapshots})
    call.world.settings.replication[server.spec.id] = held
    return _write(call, server)


def _days(policy: list[Json]) -> int:
    """The daily retention of a policy; only this can be changed (drs-facts §3.5)."""
    for rule, usual in zip(policy, REPLICATION["pitPolicy"], strict=True):
        fixed = ("units", "interval") if rule["units"] == "DAY" else ("units", "interval", "retentionDuration")
        if any(rule[name] != usual[name] for name in fixed):
            text = "Only the retention of the daily points in time can be changed"
            raise refusals.invalid(text, name="pitPolicy", reason="other")
    days = int(policy[-1]["retentionDuration"])
    if days > 365:
        raise refusals.invalid("Daily points in time are kept for 1 to 365 days", name="pitPolicy")
    return days


# --- the account's templates -----------------------------------------------------------------------------------------


def _write_template(call: Call, template: Template) -> Json:
    arn = call.world.arn("replication-configuration-template", template.id)
    own = {"replicationConfigurationTemplateID": template.id, "arn": arn, "tags": dict(template.tags)}
    return own | template.members


def _create_template(call: Call) -> Json:
    given = _given(call)
    _check(given)
    _days(given["pitPolicy"])
    book = call.world.settings
    book.made += 1
    template = Template(call.world.ids.named("rct", book.made), REPLICATION | given, call.tags(default={}))
    book.replication_templates[template.id] = template
    return _write_template(call, template)


def _template(call: Call, template_id: str) -> Template:
    book = call.world.settings.replication_templates
    if template_id not in book:
        message = f"Replication Configuration Template with Id: '{template_id}' was not found"
        raise refusals.not_found(message, resource_id=template_id, resource_type="ReplicationConfigurationTemplate")
    return book[template_id]


def _describe_templates(call: Call) -> Json:
    wanted = call.take("replicationConfigurationTemplateIDs", list, [])
    book = call.world.settings.replication_templates
    found = [_template(call, one) for one in wanted] if wanted else list(book.values())
    return call.paged(found, name=lambda one: one.id, write=lambda one: _write_template(call, one))


def _update_template(call: Call) -> Json:
    template = _template(call, call.need("replicationConfigurationTemplateID", str))
    members = template.members | _given(call)
    _check(members)
    _days(members["pitPolicy"])
    template.members = members
    return _write_template(call, template)


def _delete_template(call: Call) -> Json:
    template = _template(call, call.need("replicationConfigurationTemplateID", str))
    del call.world.settings.replication_templates[template.id]
    return {}


OPERATIONS = (
    Operation("GetReplicationConfiguration", _get, "members D; defaults I"),
    Operation("UpdateReplicationConfiguration", _update, "members and retention D; refusals I"),
    Operation("CreateReplicationConfigurationTemplate", _create_template, "members D", status=201),
    Operation("DescribeReplicationConfigurationTemplates", _describe_templates, "members D; order I"),
    Operation("UpdateReplicationConfigurationTemplate", _update_template, "members D"),
    Operation("DeleteReplicationConfigurationTemplate", _delete_template, "D", status=204),
)
