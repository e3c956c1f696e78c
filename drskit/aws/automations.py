"""SSM Automation as actions run it.

StartAutomationExecution takes a token, which is made of the task's id: asked
again with the same token and the same parameters it is the same run.
"""

from typing import Any

from botocore.exceptions import ClientError

from drskit.actionports import Begun, Ended, Going, News, NotFound, Outcome
from drskit.actions import Task
from drskit.aws.faults import asking, code_of
from drskit.aws.replies import may, need
from drskit.aws.requests import Request, once, token_of

GONE = "AutomationExecutionNotFoundException"
GOOD = frozenset({"Success", "CompletedWithSuccess"})
ENDED = GOOD | {
    "TimedOut", "Cancelled", "Failed", "Rejected", "CompletedWithFailure", "ChangeCalendarOverrideRejected", "Exited",
}  # fmt: skip
"""AWS's words for a run that has ended; every other one goes on."""


class Automations:
    """Automations of one account and Region."""

    def __init__(self, reader: Any, sender: Any, region: str) -> None:
        """Take boto3's clients; `sender` must send once."""
        self._reader = reader
        self._sender = sender
        self._region = region

    def start(self, task: Task, request: Request) -> Outcome:
        """Start a run, or find the one that was started for this task."""
        given = {name: request[name] for name in ("DocumentName", "DocumentVersion", "Parameters") if request[name]}

        def ask() -> Outcome:
            reply = self._sender.start_automation_execution(**given, ClientToken=token_of(task))
            return Begun(need(reply, "AutomationExecutionId", str))

        return once(ask, task, "StartAutomationExecution")

    def look(self, task: Task) -> News:
        """How far the run is.

        Raises:
            Unavailable: Systems Manager could not be asked.
        """
        with asking(f"GetAutomationExecution in {self._region}"):
            try:
                reply = self._reader.get_automation_execution(AutomationExecutionId=task.external_id)
            except ClientError as error:
                if code_of(error) == GONE:
                    return NotFound()
                raise
            run = need(reply, "AutomationExecution", dict)
            status = need(run, "AutomationExecutionStatus", str)
            if status not in ENDED:
                step = may(run, "CurrentStepName", str)
                return Going(f"{status}, at step {step}" if step else status)
            message = may(run, "FailureMessage", str)
            return Ended(
                status in GOOD, f"{status}: {message}" if message else status, _outputs(may(run, "Outputs", dict) or {})
            )

    def stop(self, task: Task) -> None:
        """Ask that the run be cancelled.

        Raises:
            Unavailable: Systems Manager could not be asked.
        """
        with asking(f"StopAutomationExecution in {self._region}"):
            try:
                self._reader.stop_automation_execution(AutomationExecutionId=task.external_id, Type="Cancel")
            except ClientError as error:
                if code_of(error) != GONE:
                    raise


def _outputs(outputs: dict[str, Any]) -> str | None:
    lines = [f"{name}: {', '.join(map(str, values))}" for name, values in outputs.items()]
    return "\n".join(lines) or None
