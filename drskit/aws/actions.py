"""What actions do in one account and Region: each request sent once, and looked at where the service can tell.

The kinds of actions are in modules of their own. Here it is decided which one a
task goes to, and that nothing leaves a simulated world: where a simulator
answers and the execution is real, or the other way round, nothing is sent.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from drskit.actionports import Hidden, News, NotFound, Outcome
from drskit.actions import ActionKind, Task
from drskit.aws.automations import Automations
from drskit.aws.calls import Functions, Topics
from drskit.aws.commands import Commands
from drskit.aws.faults import asking
from drskit.aws.replies import may, need
from drskit.aws.requests import Request, request_of
from drskit.errors import Unavailable
from drskit.model import Mode
from drskit.ports import NotExecuted


class Service(Protocol):
    """What carries out one kind of action."""

    def start(self, task: Task, request: Request) -> Outcome:
        """Send the request once."""


class Lasting(Service, Protocol):
    """What carries out a kind of action that goes on after it was asked for."""

    def look(self, task: Task) -> News:
        """What has become of it.

        Raises:
            Unavailable: the service could not be asked.
        """

    def stop(self, task: Task) -> None:
        """Ask that it be ended.

        Raises:
            Unavailable: the service could not be asked.
        """


class AwsActions:
    """What actions do, through boto3 and, for web servers, through HTTP."""

    def __init__(
        self,
        *,
        simulated: Callable[[], bool],
        automations: Automations,
        commands: Commands,
        functions: Functions,
        topics: Topics,
        web: Service,
        ec2: Any,
        region: str,
    ) -> None:
        """Take what carries out each kind; `simulated` tells whether a simulator answers, or raises `Unavailable`."""
        self._simulated = simulated
        self._lasting: dict[ActionKind, Lasting] = {
            ActionKind.SSM_AUTOMATION: automations,
            ActionKind.SSM_COMMAND: commands,
        }
        self._services: dict[ActionKind, Service] = {
            **self._lasting,
            ActionKind.LAMBDA: functions,
            ActionKind.SNS: topics,
            ActionKind.HTTP: web,
        }
        self._ec2 = ec2
        self._region = region

    def start(self, task: Task, mode: Mode) -> Outcome:
        """See `Actions.start`."""
        try:
            simulated = self._simulated()
        except Unavailable as error:
            return NotExecuted("Unavailable", str(error), transient=True)
        if simulated is not (mode is Mode.SIMULATED):
            answers = "a simulator answers" if simulated else "AWS itself answers"
            return NotExecuted("WrongEndpoint", f"the execution is {mode}, and {answers}", transient=True)
        return self._services[task.kind].start(task, request_of(task))

    def look(self, task: Task) -> News:
        """See `Actions.look`."""
        lasting = self._lasting.get(task.kind)
        if lasting is None:
            return NotFound()
        try:
            return lasting.look(task)
        except Unavailable as error:
            return Hidden(error.cause or str(error))

    def stop(self, task: Task) -> None:
        """See `Actions.stop`."""
        lasting = self._lasting.get(task.kind)
        if lasting is not None and task.external_id:
            lasting.stop(task)

    def addresses(self, instance_ids: Iterable[str]) -> Mapping[str, str]:
        """See `Actions.addresses`."""
        ids, found = list(instance_ids), dict[str, str]()
        for start in range(0, len(ids), 200):
            filters = [{"Name": "instance-id", "Values": ids[start : start + 200]}]
            with asking(f"DescribeInstances in {self._region}"):
                for page in self._ec2.get_paginator("describe_instances").paginate(Filters=filters):
                    found |= dict(_addresses(page))
        return found


def _addresses(page: object) -> Iterable[tuple[str, str]]:
    for reservation in need(page, "Reservations", list):
        for instance in need(reservation, "Instances", list):
            address = may(instance, "PrivateIpAddress", str)
            if address:
                yield need(instance, "InstanceId", str), address
