"""What a report says beside an execution's own record, asked of the tables.

The plan as it is applied now, the plan's last drill, the cleanups of this one.
A report is written also when the tables do not tell: it says so then.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from drskit.checking import to_check_again
from drskit.cleaning import PURPOSE
from drskit.errors import Malformed, NotFound, Unavailable
from drskit.model import Execution, ExecutionHeader, ExecutionType
from drskit.report.context import AppliedNote, CleanupNote, Context, Screenshot, cleanup_note
from drskit.report.figures import DrillFigures, figures_of
from drskit.session import Session
from drskit.states import FINAL_EXECUTION

MOST_SCREENSHOTS = 5
RENDERER = "report renderer"
"""The key under which a run's versions hold the fingerprint of what made its report."""
SCREENSHOT_CHARACTERS = 200_000
"""A larger picture is left out: a report is one file, and opens at once."""


MAKE_REPORTS = ("*.py", "report/**/*.*", "views/**/*.*")
"""The files of this package of which a report's bytes depend."""
DIGITS = 16


@cache
def renderer() -> str:
    """A fingerprint of what makes reports here: between two releases the same version may make others.

    None but the files of this package and jinja2's version count; two checkouts of one commit agree.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        drawing = version("jinja2")
    except PackageNotFoundError:  # evidence is kept without it, too
        drawing = ""
    package = Path(__file__).parent
    files = {file for pattern in MAKE_REPORTS for file in package.glob(pattern) if file.suffix != ".pyc"}
    digest = hashlib.sha256(drawing.encode())
    for file in sorted(files):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:DIGITS]


def versions() -> dict[str, str]:
    """What ran, by package; and what made the report."""
    import platform
    from importlib.metadata import version

    return {
        "drskit": version("drskit"),
        "python": platform.python_version(),
        "boto3": version("boto3"),
        "botocore": version("botocore"),
        RENDERER: renderer(),
    }


def surroundings(session: Session, execution: Execution, now: datetime) -> Context:
    """What is known beside an execution as of `now`; it raises nothing where the tables cannot be reached."""
    bare = Context(made_at=now, versions=versions())
    try:
        plan = session.store.get_plan(execution.plan_id)
        headers = session.executions(execution.plan_id)[0]
        return bare.model_copy(
            update={
                "asked": True,
                "applied": AppliedNote(
                    digest=plan.digest, version=plan.version, applied_at=plan.applied_at, applied_by=plan.applied_by
                )
                if plan
                else None,
                "last": _last(session, execution, headers),
                "cleanups": tuple(_cleanups(session, execution, headers)),
                "screenshots": tuple(_screenshots(session, execution, now)),
                "again": tuple(sorted(session.launched_again(execution))),
            }
        )
    except Unavailable as error:
        return bare.model_copy(update={"trouble": str(error)})


def earlier(execution: Execution, headers: tuple[ExecutionHeader, ...]) -> Iterator[ExecutionHeader]:
    """The drills of the same plan and mode that were over and began before this one, the newest first."""
    mine = (execution.start_time, execution.execution_id)
    found = [
        header
        for header in headers
        if header.execution_type is ExecutionType.DRILL
        and header.mode is execution.mode
        and header.status in FINAL_EXECUTION
        and (header.start_time, header.execution_id) < mine
    ]
    yield from sorted(found, key=lambda header: (header.start_time, header.execution_id), reverse=True)


def _last(session: Session, execution: Execution, headers: tuple[ExecutionHeader, ...]) -> DrillFigures | None:
    if execution.execution_type is not ExecutionType.DRILL:
        return None
    for header in earlier(execution, headers):
        try:
            drill = session.store.load(header.execution_id)
        except (NotFound, Malformed):  # deleted at this moment, or not readable: the one before it is compared
            continue
        return figures_of(drill, drill.end_time or drill.start_time)
    return None


def _screenshots(session: Session, execution: Execution, now: datetime) -> Iterator[Screenshot]:
    """The consoles of the first servers that did not pass their checks, as they are now."""
    failed = [server for wave in execution.waves for server in wave.servers if to_check_again(server)]
    for server in failed[:MOST_SCREENSHOTS]:
        instance_id = server.recovery_instance_id
        picture = session.instruments_for(execution).inspection.screenshot(instance_id) if instance_id else None
        if picture and instance_id and len(picture) <= SCREENSHOT_CHARACTERS:
            yield Screenshot(
                source_server_id=server.source_server_id,
                name=server.name,
                instance_id=instance_id,
                taken_at=now,
                jpeg=picture,
            )


def _cleanups(session: Session, execution: Execution, headers: tuple[ExecutionHeader, ...]) -> Iterator[CleanupNote]:
    for header in sorted(headers, key=lambda header: (header.start_time, header.execution_id)):
        if header.cleans == execution.execution_id:
            try:
                cleanup = session.store.load(header.execution_id)
            except (NotFound, Malformed):
                continue
            reason = cleanup.plan.description.removeprefix(
                PURPOSE.format(execution.execution_type.lower(), execution.execution_id)
            )
            yield cleanup_note(cleanup, reason)
