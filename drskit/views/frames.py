"""An execution as DataFrames, for people who want to count for themselves."""

from typing import TYPE_CHECKING

from drskit.errors import MissingExtra
from drskit.model import Execution
from drskit.report import measures
from drskit.views.readable import TITLE, readable_frame
from drskit.views.rows import UP, trouble_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from drskit.views.listing import ExecutionRow

EXECUTION_COLUMNS = [
    "Execution", "Plan", "Type", "Mode", "Status", "Stuck", "Waiting for", "Started", "Ended", "Took", "Servers",
    "Running",
]  # fmt: skip
"""Of a list of none, too."""


def servers_frame(execution: Execution) -> "pd.DataFrame":
    """One line for each server, in the order of the plan; what is absent is NA.

    Raises:
        MissingExtra: pandas is not installed.
    """
    rows: list[dict[str, object]] = [
        {
            "Wave": wave.wave_name,
            "Name": server.name,
            "Server": server.source_server_id,
            "Status": server.status.value,
            "Error": trouble_of(server),
            "RTO": measures.server_rto(execution, wave, server, execution.end_time or execution.start_time).actual,
            "RPO": measures.server_rpo(execution, server).actual,
            "Instance": server.recovery_instance_id,
            "Started": server.start_time,
            "Ended": server.end_time,
            "Job": server.job_id,
            "Attempt": server.attempt,
            "Critical": server.critical,
            "Requested": server.request_time,
        }
        for wave in execution.waves
        for server in wave.servers
    ]
    times = ("Requested", "Started", "Ended")
    return _frame("Servers", rows, times=times, spans=("RTO", "RPO"), counts=("Attempt",))


def waves_frame(execution: Execution) -> "pd.DataFrame":
    """One line for each wave; what is absent is NA.

    Raises:
        MissingExtra: pandas is not installed.
    """
    rows: list[dict[str, object]] = [
        {
            "Wave": wave.wave_name,
            "Status": wave.status.value,
            "Servers": len(wave.servers),
            "Launched": sum(server.status in UP for server in wave.servers),
            "RTO": measures.wave_rto(execution, wave, execution.end_time or execution.start_time).actual,
            "Reason": wave.reason,
            "Waited since": wave.waiting_since,
            "Approved by": wave.approved.by if wave.approved else None,
            "Started": wave.start_time,
            "Ended": wave.end_time,
        }
        for wave in execution.waves
    ]
    return _frame("Waves", rows, times=("Waited since", "Started", "Ended"), spans=("RTO",))


def executions_frame(rows: "Iterable[ExecutionRow]") -> "pd.DataFrame":
    """One line for each execution; what is absent is NA.

    Raises:
        MissingExtra: pandas is not installed.
    """
    found: list[dict[str, object]] = [
        {
            "Execution": row.header.execution_id,
            "Plan": row.header.plan_id,
            "Type": row.header.execution_type.value,
            "Mode": row.header.mode.value,
            "Status": row.header.status.value,
            "Stuck": row.stuck,
            "Waiting for": row.header.waiting_for,
            "Started": row.header.start_time,
            "Ended": row.header.end_time,
            "Took": row.elapsed,
            "Servers": row.servers,
            "Running": row.running.count if row.running else None,
        }
        for row in rows
    ]
    return _frame("Executions", found, times=("Started", "Ended"), spans=("Took",), counts=("Running",))


def _frame(
    title: str,
    rows: list[dict[str, object]],
    *,
    times: tuple[str, ...],
    spans: tuple[str, ...] = (),
    counts: tuple[str, ...] = (),
) -> "pd.DataFrame":
    try:
        import pandas as pd

        readable = readable_frame()
    except ImportError as error:
        raise MissingExtra("A table of servers", "kit", "pandas") from error
    frame = readable(rows, columns=None if rows else EXECUTION_COLUMNS)
    frame.attrs[TITLE] = title
    for column in times:
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.floor("s")  # finer parts only fill the screen
    for column in spans:
        frame[column] = pd.to_timedelta(frame[column]).dt.round("s")
    for column in counts:
        frame[column] = frame[column].astype("Int64")
    return frame
