"""Post-launch actions as commands of moto's Systems Manager.

An SSM_COMMAND that DRS runs on an instance is a command there, under the id of
its run. It is written when somebody asks Systems Manager: nobody else sees it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from drskit.sim.actions import ActionRun
from drskit.sim.world import World

if TYPE_CHECKING:
    from moto.ssm.models import Command, SimpleSystemManagerBackend

STATUSES = {"IN_PROGRESS": "InProgress", "SUCCEEDED": "Success", "FAILED": "Failed"}
KEPT = timedelta(days=30)
"""Systems Manager forgets a command after this."""


class Commands:
    """The commands of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sent: dict[str, Command] = {}

    def settle(self, now: datetime) -> None:
        """Let Systems Manager have every command that has begun, as it stands."""
        for instance_id, run in self._begun(now):
            command = self._sent.get(run.id)
            if command is None:
                command = self._sent[run.id] = self._send(instance_id, run)
            command.status = STATUSES[run.status(now)]
            for invocation in command.invocations:
                invocation["Status"] = invocation["StatusDetails"] = command.status

    def _begun(self, now: datetime) -> Iterator[tuple[str, ActionRun]]:
        for instance in self._world.instances.values():
            job = self._world.jobs.get(instance.job_id)
            plan = job.timeline.actions.get(instance.server_id) if job else None
            for run in plan.runs if plan else ():
                if run.begins_at <= now < run.ends_at + KEPT and run.action.kind == "SSM_COMMAND":
                    yield instance.id, run

    def _send(self, instance_id: str, run: ActionRun) -> "Command":
        command = self._ssm().send_command(
            comment=run.action.name,
            document_name=run.action.code,
            timeout_seconds=3600,
            instance_ids=[instance_id],
            max_concurrency="1",
            max_errors="1",
            notification_config=None,
            output_s3_bucket_name="",
            output_s3_key_prefix="",
            output_s3_region="",
            parameters={name: [one["value"]] for name, one in run.action.parameters.items() if "value" in one},
            service_role_arn="",
            targets=[],
        )
        command.command_id, command.instance_ids = run.id, [instance_id]  # moto adds every other instance to no targets
        command.requested_date_time = run.begins_at.replace(tzinfo=None)
        command.invocations = [command.invocation_response(instance_id, "aws:runShellScript")]
        return command

    def _ssm(self) -> "SimpleSystemManagerBackend":
        backends: Any = import_module("moto.ssm.models").ssm_backends
        backend: SimpleSystemManagerBackend = backends[self._world.spec.account][self._world.spec.region]
        return backend
