"""Whether an execution is stuck, and why: by facts alone, never by a feeling of how long things take.

Pure. An execution that needs attention is stuck when nobody looks at it, when AWS
has not answered for long, when a launch has had no known outcome for long, or
when a server stays in one phase for much longer than any that was captured. One
that waits for a person is not stuck; it is stuck when the person's time is over
and nobody acts on that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drskit.cadence import is_due
from drskit.model import (
    Attempt,
    AttemptStatus,
    Cadence,
    Execution,
    ExecutionHeader,
    ServerStatus,
    WaveRun,
    WaveStatus,
    utc,
)
from drskit.texts import moment

PATIENCE = timedelta(minutes=10)
"""How long anything may stand still before it is called stuck; no wait between two polls is as long."""
LONG_PHASE = timedelta(minutes=45)
"""No phase of a captured launch lasted a third of this (drs-facts §14)."""
WORKER = "Run a worker: drskit poll --follow"


@dataclass(frozen=True)
class Stuck:
    """Why an execution is stuck."""

    key: str
    """What holds it, and since when: the same as long as the same holds it."""
    why: str
    """A sentence with the next step."""


def why_stuck(
    header: ExecutionHeader,
    now: datetime,
    *,
    cadence: Cadence | None,
    execution: Execution | None,
    patience: timedelta = PATIENCE,
) -> str | None:
    """Why an execution is stuck, in a sentence with the next step; None when it is not. See `stuck`."""
    found = stuck(header, now, cadence=cadence, execution=execution, patience=patience)
    return found.why if found else None


def stuck(
    header: Execution | ExecutionHeader,
    now: datetime,
    *,
    cadence: Cadence | None,
    execution: Execution | None,
    patience: timedelta = PATIENCE,
) -> Stuck | None:
    """What an execution is stuck on; None when it is not.

    Args:
        header: as the index shows it.
        now: by the tables.
        cadence: when its account and Region are to be polled next; None when nobody has polled there yet.
        execution: the same whole, where it was read; without it only what the header and the cadence tell counts.
        patience: how long anything may stand still.
    """
    if not is_due(header, now):
        return None
    since = _unpolled_since(header, cadence, execution)
    if now - since > patience:
        place = f"account {header.account_id}, {header.region}"
        return Stuck(f"unpolled:{utc(since)}", f"No worker has polled {place} since {moment(since)}. {WORKER}")
    if cadence and cadence.unavailable_since and now - cadence.unavailable_since > patience:
        lost = cadence.unavailable_since
        why = f"AWS has not answered since {moment(lost)}: {cadence.trouble or 'no reason is known'}"
        return Stuck(f"aws:{utc(lost)}", why)
    if execution is None:
        return None
    told = (
        *(_attempt(attempt, now, patience) for attempt in execution.attempts),
        *(_refused(execution, wave, now, patience) for wave in execution.waves),
        _server(execution, now),
    )
    return next(filter(None, told), None)


def _unpolled_since(
    header: Execution | ExecutionHeader, cadence: Cadence | None, execution: Execution | None
) -> datetime:
    """Since when a look at it has been due: the cadence of a place stands still while nothing lives there."""
    times = [header.start_time]
    if cadence is not None:
        times.append(cadence.next_poll)
    if header.due is not None:
        times.append(header.due)
    if execution is not None:
        times += [command.at for command in execution.commands]
    return max(times)


def _attempt(attempt: Attempt, now: datetime, patience: timedelta) -> Stuck | None:
    name = f"wave {attempt.wave_name}"
    if attempt.status is AttemptStatus.INTENT and now - attempt.signed_at > patience:
        why = f"The request of {name} of {moment(attempt.signed_at)} has no known outcome; its job is looked for."
        return Stuck(f"outcome:{attempt.attempt_id}", why)
    if attempt.missing_since and attempt.end_time is None and now - attempt.missing_since > patience:
        why = f"DRS has not shown {attempt.job_id} of {name} since {moment(attempt.missing_since)}."
        return Stuck(f"missing:{attempt.job_id}:{utc(attempt.missing_since)}", why)
    return None


def _refused(execution: Execution, wave: WaveRun, now: datetime, patience: timedelta) -> Stuck | None:
    """Whether AWS refuses a wave's requests for now, and has for long; earlier refusals count no more."""
    settled = [part for part in execution.attempts_of(wave.wave_name) if part.status is not AttemptStatus.INTENT]
    since = settled[-1].refused_since if settled else None
    if since is None or wave.status not in {WaveStatus.PREPARING, WaveStatus.QUEUED} or now - since <= patience:
        return None
    if wave.status is WaveStatus.QUEUED and wave.not_before is None:
        return None  # it waits for its turn, and says so; AWS was not asked
    why = f"AWS has refused the requests of wave {wave.wave_name} since {moment(since)}: {wave.reason}"
    return Stuck(f"refused:{wave.wave_name}:{utc(since)}", why)


def _server(execution: Execution, now: datetime) -> Stuck | None:
    for wave in execution.waves:
        for server in wave.servers:
            if server.status is not ServerStatus.LAUNCHING:
                continue
            lasting = next((span for span in reversed(server.phases) if span.end_time is None), None)
            since = lasting.start_time if lasting else server.start_time
            if since and now - since > LONG_PHASE:
                doing = f"in {lasting.phase}" if lasting else "LAUNCHING"
                why = (
                    f"{server.source_server_id} of wave {wave.wave_name} has been {doing} since {moment(since)}; "
                    f"look at {server.job_id} in the DRS console. The wave's timeout ends the wait."
                )
                return Stuck(f"server:{server.source_server_id}:{utc(since)}", why)
    return None
