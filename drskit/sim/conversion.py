"""What a job's log may tell of a conversion: declared by DRS's model, and in no capture (drs-facts §3.3)."""

from typing import Any

from drskit.sim.ids import Ids
from drskit.sim.spec import ServerSpec

GIB = 2**30


def conversion_properties(server: ServerSpec, taken: str, ids: Ids) -> dict[str, Any]:
    """The `conversionProperties` of a server's disks, whose snapshots were taken at this time.

    The sizes are in GiB, as EC2 tells those of volumes; the first disk is the root.
    """
    devices = [disk.device for disk in server.disks]
    before = {device: ids.ec2("snap", server.id, taken, device) for device in devices}
    codes = {
        disk.device: [{"productCodeId": name, "productCodeMode": mode} for name, mode in disk.product_codes.items()]
        for disk in server.disks
        if disk.product_codes
    }
    return {
        "dataTimestamp": taken,
        "forceUefi": False,
        "rootVolumeName": devices[0],
        "volumeToConversionMap": {
            device: {name: ids.ec2("snap", server.id, taken, device, "converted")} for device, name in before.items()
        },
        "volumeToVolumeSize": {disk.device: -(-disk.bytes // GIB) for disk in server.disks},
        "volumeToProductCodes": codes,
    }
