"""What checks are carried out with: real sockets, or the endpoint of a simulated world."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drskit.clock import SystemClock
from drskit.matching import found
from drskit.model import Mode
from drskit.probing import Instruments, Prober

if TYPE_CHECKING:
    from drskit.aws.clients import Clients

AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")


def instruments(clients: "Clients", region: str, mode: Mode) -> Instruments:
    """The instruments for executions of this mode in a Region.

    Raises:
        Unavailable: that is no Region.
    """
    from drskit.aws.inspection import Ec2Inspection
    from drskit.aws.runcommand import SsmRunCommand

    remote = SsmRunCommand(clients.ssm(region), clients.ssm_sender(region), region)
    return Instruments(Ec2Inspection(clients.ec2(region), region), remote, _prober(clients, region, mode), found)


def _prober(clients: "Clients", region: str, mode: Mode) -> Prober:
    if mode is Mode.SIMULATED:
        from drskit.aws.worldprobe import WorldProber

        address = clients.drs(region).meta.endpoint_url
        own = (urlsplit(address).hostname or "").endswith(AWS_HOSTS)
        return WorldProber(clients.world_probe(region, None if own else address), region)
    from drskit.netprobe import NetworkProber

    return NetworkProber(SystemClock())
