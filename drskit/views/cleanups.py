"""A cleanup as people see it before it starts: what it terminates, what it leaves alone, and why."""

from datetime import datetime

from drskit.cleanup import CleanupPreview
from drskit.model import Execution, ServerRun
from drskit.targets import Bystander, Target
from drskit.views.words import counted, plain, span


def preview_text(preview: CleanupPreview, now: datetime) -> str:
    """What a cleanup would do, as lines of plain text."""
    drill, selection = preview.drill, preview.selection
    name = f"{drill.execution_type.lower()} {drill.execution_id} of plan {plain(drill.plan_id)}"
    if preview.live is not None:
        return f"Cleanup {preview.live.execution_id} of {name} is not over; it is taken up."
    place = f"account {drill.account_id}, {drill.region}, {drill.mode}"
    if not selection.targets and not selection.left and (preview.running or preview.unlisted):
        lines = [f"Nothing of {name} can be terminated yet ({place})."]
    elif not selection.targets and not selection.left:
        lines = [f"Nothing of {name} is left to terminate ({place})."]
    else:
        lines = [
            f"{name[0].upper()}{name[1:]} ({place}) has {counted(len(selection.targets), 'instance')} to terminate:"
        ]
    lines += [f"  {_target(drill, target, now)}" for target in selection.targets]
    if selection.bystanders:
        lines.append(f"{counted(len(selection.bystanders), 'instance')} of its servers left alone:")
    lines += [f"  {_bystander(one)}" for one in selection.bystanders]
    if preview.running:
        jobs, runs = ", ".join(preview.running), "runs" if len(preview.running) == 1 else "run"
        lines.append(f"{jobs} still {runs} and may launch more of its servers: clean up again when that has ended.")
    lines += [f"{clause}: clean up again in some minutes." for clause in preview.unlisted]
    return "\n".join(lines)


def _target(drill: Execution, target: Target, now: datetime) -> str:
    server = target.server
    since = server.end_time or drill.end_time
    age = f", for {span(now - since)}" if since else ""
    return f"{target.instance_id}  {_named(server)}  {target.sight.ec2_state}{age}"


def _bystander(one: Bystander) -> str:
    return f"{one.instance_id}  {one.source_server_id}  {plain(one.reason)}"


def _named(server: ServerRun) -> str:
    return f"{server.source_server_id} {plain(server.name)}".rstrip()
