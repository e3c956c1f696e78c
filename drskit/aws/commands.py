"""SSM commands as actions run them: on up to fifty instances, found again by the task's id in their comment."""

from datetime import timedelta

from drskit.actionports import Begun, Ended, Going, News, NotFound, Outcome
from drskit.actions import Task, TaskStatus
from drskit.aws.requests import Request
from drskit.ports import NotExecuted
from drskit.remote import Remote, RemoteCommand, RemoteRun, Sent

DELIVERY = timedelta(minutes=5)
"""How long Systems Manager tries to hand a command to an agent."""
NO_AGENT = "InvalidInstanceId"
"""What Systems Manager says while the agent of an instance was not seen yet."""


class Commands:
    """Commands of one account and Region."""

    def __init__(self, remote: Remote) -> None:
        """Take what sends and finds commands."""
        self._remote = remote

    def start(self, task: Task, request: Request) -> Outcome:
        """Send the command once, signed at its intent's time; an agent that is not seen yet delays it."""
        assert task.sent_at is not None
        outcome = self._remote.send(
            RemoteCommand(
                mark=task.task_id,
                signed_at=task.sent_at,
                instance_ids=tuple(request["InstanceIds"]),
                document=request["DocumentName"],
                parameters=tuple((name, tuple(values)) for name, values in request["Parameters"].items()),
                about=task.title,
                delivery=min(timedelta(seconds=request["Seconds"]), DELIVERY),
            )
        )
        if isinstance(outcome, Sent):
            return Begun(outcome.command_id)
        if isinstance(outcome, NotExecuted) and outcome.code == NO_AGENT and not _patience_is_over(task, request):
            return NotExecuted(
                outcome.code, f"an instance's SSM agent is not seen yet ({outcome.message})", transient=True
            )
        return outcome

    def look(self, task: Task) -> News:
        """How far the command is; or whether it is there at all, where nobody wrote down its id.

        Raises:
            Unavailable: Systems Manager could not be asked.
        """
        if task.status is TaskStatus.INTENT or task.external_id is None:
            found = self._remote.find([task.task_id], since=task.intended_at).get(task.task_id)
            return Begun(found) if found else NotFound()
        runs = self._remote.runs(task.external_id)
        ended = [run for run in runs if run.ended]
        if not runs or len(ended) < len(runs):
            return Going(f"{len(ended)} of {len(runs) or 'its'} instances have ended")
        bad = [run for run in runs if run.status != "Success"]
        said = "; ".join(_words(run) for run in bad[:5])
        outcome = f"Success on {len(runs)} of {len(runs)} instances" if not bad else said
        return Ended(not bad, outcome, "\n".join(_output(run) for run in (*bad, *runs)[:5] if run.output) or None)

    def stop(self, task: Task) -> None:
        """Ask that what has not begun does not begin.

        Raises:
            Unavailable: Systems Manager could not be asked.
        """
        assert task.external_id is not None
        self._remote.cancel(task.external_id)


def _patience_is_over(task: Task, request: Request) -> bool:
    assert task.sent_at is not None
    return task.sent_at >= task.intended_at + timedelta(seconds=request["Seconds"])


def _words(run: RemoteRun) -> str:
    code = f", exit code {run.exit_code}" if run.exit_code is not None else ""
    return f"{run.instance_id}: {run.details or run.status}{code}"


def _output(run: RemoteRun) -> str:
    return f"{run.instance_id}: {run.output.strip()}"
