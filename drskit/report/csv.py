"""The servers of a report as CSV, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula gets a leading apostrophe:
names and errors come from outside.
"""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

from drskit.model import Phase, utc
from drskit.report.measures import Measure
from drskit.report.summary import ServerResult, Summary
from drskit.views.words import printable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADS = (
    "ExecutionId,Mode,WaveName,SourceServerId,Name,Status,Critical,StartTime,EndTime,"
    "RtoSeconds,RtoTargetSeconds,Rto,RpoSeconds,RpoTargetSeconds,Rpo,JobId,Attempt,RecoveryInstanceId,Error,Proof,"
    "SnapshotSeconds,ConversionSeconds,LaunchSeconds,CriticalPath,NotTested,TerminatedBy,SnapshotAsked,SnapshotTime"
)

NONE = (None, None, None)
"""A cleanup has no target, and none that it could miss."""


def render_csv(summary: Summary) -> str:
    """One line for each server, in the order of the plan; absent values are empty."""
    critical = {step.source_server_id for step in summary.path if step.source_server_id}
    untested = {one.source_server_id: one.why for one in summary.untested}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS.split(","))
    for wave in summary.waves:
        for server in wave.servers:
            name = server.run.source_server_id
            more = [*_phases(server), "yes" if name in critical else "no", untested.get(name), server.run.terminated_by]
            cells = (*_cells(summary, server), *more, *_snapshots(server))
            writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()


def safe_cell(value: object) -> str:
    """The value as a cell that no spreadsheet calculates."""
    raw = "" if value is None else str(value)
    shown = printable(raw).strip()
    return f"'{shown}" if raw.startswith(FORMULA) or shown.startswith(FORMULA) else shown


def _cells(summary: Summary, server: ServerResult) -> list[object]:
    run = server.run
    return [
        summary.execution_id,
        summary.mode.value,
        server.wave_name,
        run.source_server_id,
        run.name,
        run.status.value,
        "yes" if run.critical else "no",
        utc(run.start_time) if run.start_time else None,
        utc(run.end_time) if run.end_time else None,
        *(NONE if summary.is_cleanup else _measure(server.rto)),
        *(NONE if summary.is_cleanup else _measure(server.rpo)),
        run.job_id,
        run.attempt,
        run.recovery_instance_id,
        run.error,
        run.proof,
    ]


def _phases(server: ServerResult) -> Iterator[float | None]:
    lasted = {span.phase: span.end_time - span.start_time for span in server.run.phases if span.end_time}
    return (_seconds(lasted.get(phase)) for phase in (Phase.SNAPSHOT, Phase.CONVERSION, Phase.LAUNCH))


def _snapshots(server: ServerResult) -> tuple[str | None, str | None]:
    """What it was to be launched from, if not its newest data, and of when its data was."""
    run = server.run
    return run.snapshot.snapshot_id if run.snapshot else None, utc(run.snapshot_time) if run.snapshot_time else None


def _measure(measure: Measure) -> tuple[object, object, object]:
    return _seconds(measure.actual), _seconds(measure.target), measure.verdict.value


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()
