"""What carries out actions, put together from the clients of one identity."""

from drskit.actionports import Outcome
from drskit.actions import Task
from drskit.aws.actions import AwsActions
from drskit.aws.automations import Automations
from drskit.aws.calls import Functions, Topics
from drskit.aws.clients import Clients
from drskit.aws.commands import Commands
from drskit.aws.recovery import DrsRecovery
from drskit.aws.requests import Request
from drskit.aws.runcommand import SsmRunCommand
from drskit.aws.web import Secrets, SimulatedWeb, Web
from drskit.clock import SystemClock


class _Anywhere:
    """The web as it is, or as the simulated world has it."""

    def __init__(self, clients: Clients, recovery: DrsRecovery, secrets: Secrets, region: str) -> None:
        self._recovery = recovery
        self._real = Web(secrets, SystemClock().now)
        self._simulated = SimulatedWeb(secrets, clients.invoker, region)

    def start(self, task: Task, request: Request) -> Outcome:
        """Send the request once."""
        return (self._simulated if is_simulated(self._recovery) else self._real).start(task, request)


def is_simulated(recovery: DrsRecovery) -> bool:
    """Whether our simulator answers in DRS's place.

    Raises:
        Unavailable: nobody answers.
    """
    if recovery.simulated is None:
        recovery.probe()
    return bool(recovery.simulated)


def open_actions(clients: Clients, recovery: DrsRecovery, region: str) -> AwsActions:
    """What actions do in a Region.

    Raises:
        Unavailable: that is no Region.
    """
    reader, sender = clients.ssm(region), clients.ssm_sender(region)
    return AwsActions(
        simulated=lambda: is_simulated(recovery),
        automations=Automations(reader, sender, region),
        commands=Commands(SsmRunCommand(reader, sender, region)),
        functions=Functions(clients.invoker, region),
        topics=Topics(clients.publisher, region),
        web=_Anywhere(clients, recovery, Secrets(reader, region), region),
        ec2=clients.ec2(region),
        region=region,
    )
