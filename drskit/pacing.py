"""Pauses that a plan asks for: between the jobs of a wave, and between waves.

Nobody sleeps for them: they are times before which nothing is begun, worked out
from what has happened, so that any worker finds the same.
"""

from datetime import datetime, timedelta

from drskit.model import AttemptStatus, Execution, Wave, WaveRun

ASKED = frozenset({AttemptStatus.INTENT, AttemptStatus.LAUNCHED, AttemptStatus.FOREIGN})
"""An attempt whose request has been made, or may have been."""


def job_after(execution: Execution, plan_wave: Wave, wave: WaveRun) -> datetime | None:
    """Before when the wave's next job is not asked for; None where there is no pause.

    The pause runs from the last request, and where the wave has an order also from the last job's end.
    """
    pause = execution.plan.pacing.servers
    attempts = execution.attempts_of(wave.wave_name) if pause > timedelta(0) else ()
    times = [part.creation_time or part.signed_at for part in attempts if part.status in ASKED]
    if plan_wave.order:
        times += [part.end_time for part in attempts if part.end_time is not None]
    return max(times) + pause if times else None


def wave_after(execution: Execution, plan_wave: Wave) -> datetime | None:
    """Before when the wave does not begin, once all that it needs has passed; None where there is no pause.

    The pause runs from the end of the last wave that it needs. One that was skipped launched nothing, and has none.
    """
    pause = execution.plan.pacing.waves
    if pause <= timedelta(0):
        return None
    ends = [end for need in plan_wave.needs if (end := execution.wave(need).end_time) is not None]
    return max(ends) + pause if ends else None
