"""Operations on recovery instances and their failback."""

from drskit.sim import failback
from drskit.sim.operations.call import Call, Operation
from drskit.sim.records import Instance
from drskit.sim.wire import Json


def _instance(call: Call) -> Instance:
    return call.world.listed(call.need("recoveryInstanceID", str), call.now)


def _describe_recovery_instances(call: Call) -> Json:
    wanted, servers = call.filters.get("recoveryInstanceIDs"), call.filters.get("sourceServerIDs")
    listed = [
        one
        for one in call.world.listed_instances(call.now)
        if (not wanted or one.id in wanted) and (not servers or one.server_id in servers)
    ]
    return call.paged(listed, name=lambda one: one.id, write=call.scribe.recovery_instance)


def _disconnect(call: Call) -> Json:
    failback.disconnect(call.world, _instance(call), call.now)
    return {}


def _delete(call: Call) -> Json:
    failback.forget(_instance(call))
    return {}


def _reverse(call: Call) -> Json:
    return {"reversedDirectionSourceServerArn": failback.reverse(call.world, _instance(call), call.now)}


def _start_failback(call: Call) -> Json:
    ids = call.need("recoveryInstanceIDs", list)
    job = failback.launch(call.world, ids, tags=call.tags(default={}), now=call.now)
    return {"job": call.scribe.job(job)}


def _stop_failback(call: Call) -> Json:
    failback.stop(call.world, _instance(call), call.now)
    return {}


def _get_settings(call: Call) -> Json:
    instance = _instance(call)
    usual = {
        "recoveryInstanceID": instance.id,
        "name": f"Failback Replication Configuration for Recovery Instance {instance.id}",
        "bandwidthThrottling": 0,
        "usePrivateIP": False,
        "internetProtocol": "IPV4",
    }
    return usual | call.world.settings.failback.get(instance.id, {})


def _update_settings(call: Call) -> Json:
    instance = _instance(call)
    members = ("name", "bandwidthThrottling", "usePrivateIP", "internetProtocol")
    given = {name: call.request[name] for name in members if call.request.get(name) is not None}
    call.world.settings.failback.setdefault(instance.id, {}).update(given)
    return {}


OPERATIONS = (
    Operation("DescribeRecoveryInstances", _describe_recovery_instances, "shape C, O; order I; failback D, spans I"),
    Operation("DisconnectRecoveryInstance", _disconnect, "effect D; refusals I"),
    Operation("DeleteRecoveryInstance", _delete, "refusal of a connected one D"),
    Operation("ReverseReplication", _reverse, "effect D; spans and refusals I"),
    Operation("StartFailbackLaunch", _start_failback, "initiatedBy D; log, spans and refusals I"),
    Operation(
        "StopFailback",
        _stop_failback,
        "effect D",
    ),
    Operation("GetFailbackReplicationConfiguration", _get_settings, "members D; defaults I"),
    Operation("UpdateFailbackReplicationConfiguration", _update_settings, "members D"),
)
