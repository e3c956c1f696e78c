"""What a report says that is not in the execution's own record, as of when the report was made.

The plan as it is applied now, the plan's last drill, the cleanups, the versions:
asked of the tables once, kept in `context.json` beside the evidence, so that the
same report can be made again from the run's folder alone. The execution's
history knows nothing of it; its digest stands in `execution.json`.
"""

from datetime import timedelta

from pydantic import AwareDatetime, Field

from drskit.model import Execution, ExecutionStatus, Record, ServerStatus
from drskit.report.figures import DrillFigures


class AppliedNote(Record):
    """The plan as the tables had it."""

    digest: str
    version: int
    applied_at: AwareDatetime
    applied_by: str


class CleanupNote(Record):
    """What became of one cleanup of a drill."""

    execution_id: str
    status: ExecutionStatus
    started_by: str
    start_time: AwareDatetime
    end_time: AwareDatetime | None
    reason: str
    instances: int
    terminated: int
    remaining: tuple[str, ...]
    """Why the others remain, a sentence each."""


class Screenshot(Record):
    """What stood on the console of a server that did not pass its checks."""

    source_server_id: str
    name: str
    instance_id: str
    taken_at: AwareDatetime
    jpeg: str
    """In base64, as EC2 gives it."""


class Context(Record):
    """What was known beside an execution."""

    made_at: AwareDatetime
    """By the execution's clock."""
    versions: dict[str, str] = Field(default_factory=dict)
    """What ran: `{"python": …, "boto3": …, "drskit": …}`."""
    asked: bool = False
    """Whether the tables answered; without that all below says nothing."""
    trouble: str | None = None
    """Why they did not."""
    applied: AppliedNote | None = None
    last: DrillFigures | None = None
    """The drill of the same plan and mode before this one."""
    cleanups: tuple[CleanupNote, ...] = ()
    screenshots: tuple[Screenshot, ...] = ()
    """Of the first servers that did not pass their checks, where EC2 gave any."""
    again: tuple[str, ...] = ()
    """The servers that a newer execution launched again; an older drskit wrote the names of whole waves."""


def cleanup_note(cleanup: Execution, reason: str) -> CleanupNote:
    """A cleanup in short."""
    servers = [server for wave in cleanup.waves for server in wave.servers]
    left = [server for server in servers if server.status is not ServerStatus.TERMINATED]
    return CleanupNote(
        execution_id=cleanup.execution_id,
        status=cleanup.status,
        started_by=cleanup.started_by,
        start_time=cleanup.start_time,
        end_time=cleanup.end_time,
        reason=reason,
        instances=len(servers),
        terminated=len(servers) - len(left),
        remaining=tuple(
            f"{server.recovery_instance_id or server.source_server_id}: {server.error or 'not proven to be gone yet'}"
            for server in left
        ),
    )


def took(note: CleanupNote) -> timedelta | None:
    """How long a cleanup took; None while it lasts."""
    return note.end_time - note.start_time if note.end_time else None
