"""Run Command of Systems Manager through boto3.

A read returns every page or raises; a command is sent once, and comes to one of
three outcomes, as a launch does.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from drskit.aws.faults import UNREADABLE, asking, code_of, launch_outcome
from drskit.aws.replies import may, need
from drskit.aws.signing import signed_at
from drskit.codes import STILL_EXPIRED
from drskit.ports import NotExecuted, Unknown
from drskit.remote import RemoteCommand, RemoteOutput, RemoteRun, Sent, mark_of

NOT_YET = frozenset({"InvalidCommandId", "InvocationDoesNotExist"})
"""What Systems Manager says of a command that it does not show yet, or any more."""
MARGIN = timedelta(minutes=5)
"""How much earlier a look for a command begins: clocks differ."""


class SsmClient(Protocol):
    """What is used of boto3's client."""

    def send_command(self, **arguments: Any) -> Any:
        """SendCommand."""

    def get_command_invocation(self, **arguments: Any) -> Any:
        """GetCommandInvocation."""

    def cancel_command(self, **arguments: Any) -> Any:
        """CancelCommand."""

    def get_paginator(self, operation: str) -> Any:
        """The pages of an operation."""


class SsmRunCommand:
    """Commands on instances of one account and Region."""

    def __init__(self, reader: SsmClient, sender: SsmClient, region: str) -> None:
        """Take ready clients; `sender` must send once and sign at the intent's time."""
        self._reader = reader
        self._sender = sender
        self._region = region

    def online(self, instance_ids: Iterable[str]) -> frozenset[str]:
        """Those of the instances whose agent answers.

        Raises:
            Unavailable: some page could not be read.
        """
        ids, found = list(instance_ids), set[str]()
        for start in range(0, len(ids), 100):
            filters = [{"Key": "InstanceIds", "Values": ids[start : start + 100]}]
            for item in self._pages("describe_instance_information", "InstanceInformationList", Filters=filters):
                if may(item, "PingStatus", str) == "Online":
                    found.add(need(item, "InstanceId", str))
        return frozenset(found)

    def send(self, command: RemoteCommand) -> Sent | NotExecuted | Unknown:
        """Send a command once, signed at its intent's time."""
        arguments: dict[str, Any] = {
            "DocumentName": command.document,
            "InstanceIds": list(command.instance_ids),
            "Parameters": {name: list(values) for name, values in command.parameters},
            "Comment": command.comment,
            "TimeoutSeconds": max(30, round(command.delivery.total_seconds())),
        }
        try:
            with signed_at(command.signed_at):
                reply = self._sender.send_command(**arguments)
            return Sent(need(need(reply, "Command", dict), "CommandId", str))
        except RuntimeError as error:
            if STILL_EXPIRED not in str(error):
                raise
            return launch_outcome(error, "SendCommand")
        except (ClientError, BotoCoreError, *UNREADABLE) as error:
            return launch_outcome(error, "SendCommand")

    def find(self, marks: Iterable[str], *, since: datetime) -> dict[str, str]:
        """The ids of the commands that carry these marks.

        Raises:
            Unavailable: some page could not be read.
        """
        wanted, found = set(marks), dict[str, str]()
        filters = [{"key": "InvokedAfter", "value": (since - MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ")}]
        for item in self._pages("list_commands", "Commands", Filters=filters) if wanted else ():
            mark = mark_of(may(item, "Comment", str) or "")
            if mark in wanted and mark is not None:
                found[mark] = need(item, "CommandId", str)
        return found

    def runs(self, command_id: str) -> tuple[RemoteRun, ...]:
        """A command on each of its instances; nothing while it is not shown yet.

        Raises:
            Unavailable: some page could not be read.
        """
        pages = self._pages("list_command_invocations", "CommandInvocations", CommandId=command_id, Details=True)
        return tuple(_run(item) for item in pages)

    def output(self, command_id: str, instance_id: str) -> RemoteOutput | None:
        """What it printed on an instance; None while it is not shown yet.

        Raises:
            Unavailable: Systems Manager could not be asked.
        """
        with asking(f"GetCommandInvocation in {self._region}"):
            try:
                reply = self._reader.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
            except ClientError as error:
                if code_of(error) in NOT_YET:
                    return None
                raise
            return RemoteOutput(
                may(reply, "StandardOutputContent", str) or "", may(reply, "StandardErrorContent", str) or ""
            )

    def cancel(self, command_id: str) -> None:
        """Ask that what has not begun does not begin.

        Raises:
            Unavailable: Systems Manager could not be asked.
        """
        with asking(f"CancelCommand in {self._region}"):
            try:
                self._reader.cancel_command(CommandId=command_id)
            except ClientError as error:
                if code_of(error) not in NOT_YET:
                    raise

    def _pages(self, operation: str, key: str, **arguments: Any) -> Iterator[object]:
        """What all pages hold; a command that is not shown has none."""
        name = "".join(part.title() for part in operation.split("_"))
        with asking(f"{name} in {self._region}"):
            try:
                items = [item for page in self._paginate(operation, arguments) for item in need(page, key, list)]
            except ClientError as error:
                if code_of(error) not in NOT_YET:
                    raise
                items = []
        return iter(items)

    def _paginate(self, operation: str, arguments: dict[str, Any]) -> Iterator[object]:
        yield from self._reader.get_paginator(operation).paginate(**arguments)


def _run(item: object) -> RemoteRun:
    plugins = may(item, "CommandPlugins", list) or []
    codes = [code for plugin in plugins if (code := may(plugin, "ResponseCode", int)) is not None]
    code = next((code for code in codes if code), codes[-1] if codes else None)
    return RemoteRun(
        instance_id=need(item, "InstanceId", str),
        status=need(item, "Status", str),
        details=may(item, "StatusDetails", str) or "",
        exit_code=code,
        output="\n".join(text for plugin in plugins if (text := may(plugin, "Output", str))),
    )
