"""Operations on source networks."""

from drskit.sim import networks, refusals
from drskit.sim.exports import export
from drskit.sim.furniture import Network
from drskit.sim.networks import SourceNetwork
from drskit.sim.operations.call import Call, Operation
from drskit.sim.wire import Json

UNDEPLOYED = "CloudFormation deploys nothing: the VPC and the stack are names that only DRS shows"


def _network(call: Call) -> SourceNetwork:
    return call.world.networks.find(call.need("sourceNetworkID", str))


def _write(call: Call, network: SourceNetwork) -> Json:
    return networks.written(call.world, network, call.now)


def _create(call: Call) -> Json:
    network = Network(
        vpc=call.need("vpcID", str).lower(),
        account=call.need("originAccountID", str),
        region=call.need("originRegion", str),
    )
    return {"sourceNetworkID": call.world.networks.create(network, call.tags(default={})).id}


def _describe(call: Call) -> Json:
    filters = call.filters
    ids, account, region = (filters.get(name) for name in ("sourceNetworkIDs", "originAccountID", "originRegion"))
    found = [
        one
        for one in call.world.networks.held.values()
        if (not ids or one.id in ids)
        and (not account or account == (one.spec.account or call.world.spec.account))
        and (not region or region == one.spec.region)
    ]
    return call.paged(found, name=lambda one: one.id, write=lambda one: _write(call, one))


def _delete(call: Call) -> Json:
    networks.delete(call.world, _network(call), call.now)
    return {}


def _start_replication(call: Call) -> Json:
    network = _network(call)
    networks.start(call.world, network, call.now)
    return {"sourceNetwork": _write(call, network)}


def _stop_replication(call: Call) -> Json:
    network = _network(call)
    networks.stop(call.world, network, call.now)
    return {"sourceNetwork": _write(call, network)}


def _associate(call: Call) -> Json:
    job = networks.associate(call.world, _network(call), call.need("cfnStackName", str), call.now)
    return {"job": call.scribe.job(job)}


def _recover(call: Call) -> Json:
    entries = call.need("sourceNetworks", list)
    chosen = [(call.world.networks.find(one["sourceNetworkID"]), one.get("cfnStackName")) for one in entries]
    if len({network.id for network, _ in chosen}) < len(chosen):
        raise refusals.invalid("A source network stands twice in the request", name="sourceNetworks")
    anew = call.take("deployAsNew", bool, default=False)
    job = networks.recover(call.world, chosen, anew=anew, tags=call.tags(default={}), now=call.now)
    return {"job": call.scribe.job(job)}


def _export(call: Call) -> Json:
    network = _network(call)
    templates = call.world.settings.launch_templates.values()
    bucket = next((one.members["exportBucketArn"] for one in templates if one.members.get("exportBucketArn")), None)
    if bucket is None:
        text = "The launch configuration template names no exportBucketArn to export to"
        raise refusals.conflict(text, resource_id=network.id, resource_type="SourceNetwork")
    return {"s3DestinationUrl": export(call.world, network, bucket.rpartition(":")[2])}


OPERATIONS = (
    Operation("CreateSourceNetwork", _create, "members D; refusals I", status=201),
    Operation("DescribeSourceNetworks", _describe, "members and filters D; order I"),
    Operation("DeleteSourceNetwork", _delete, "members D; refused while it replicates I", status=204),
    Operation("StartSourceNetworkReplication", _start_replication, "states D; duration I"),
    Operation("StopSourceNetworkReplication", _stop_replication, "states D; refusals I"),
    Operation(
        "AssociateSourceNetworkStack", _associate, "members and events D; their order I", status=202, lacks=UNDEPLOYED
    ),
    Operation(
        "StartSourceNetworkRecovery", _recover, "members and events D; their order I", status=202, lacks=UNDEPLOYED
    ),
    Operation(
        "ExportSourceNetworkCfnTemplate",
        _export,
        "members D; address, content and refusal I",
    ),
)
