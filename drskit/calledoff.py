"""Whether a wave may go on, or is called off: because the execution ends, or because another wave failed."""

from drskit.endings import ended_because
from drskit.model import Execution, ExecutionStatus, OnFailure, WaveRun, WaveStatus
from drskit.states import STARTED_WAVE

BAD_WAVE = frozenset({WaveStatus.FAILED, WaveStatus.TIMED_OUT})
FAILED_EARLIER = "an earlier wave failed"


def stopping(execution: Execution) -> tuple[WaveRun, ...]:
    """The waves whose failure ends the plan."""
    return tuple(
        wave
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if wave.status in BAD_WAVE and plan_wave.on_failure is OnFailure.STOP
    )


def goes_on(execution: Execution, wave: WaveRun) -> bool:
    """Whether anything new of a started wave may begin, as far as the others let it."""
    if execution.status is ExecutionStatus.CANCELLING:
        return False
    failed = tuple(other for other in stopping(execution) if other.wave_name != wave.wave_name)
    return not failed or retried_since(wave, failed)


def called_off(execution: Execution, wave_name: str | None) -> str | None:
    """Why nothing new of a wave may begin; None where it may, and for what is done at the end whatever happened."""
    if wave_name is None or goes_on(execution, execution.wave(wave_name)):
        return None
    return ended_because(execution) if execution.status is ExecutionStatus.CANCELLING else FAILED_EARLIER


def retried_since(wave: WaveRun, failed: tuple[WaveRun, ...]) -> bool:
    """Whether somebody had the wave launched again although these had failed."""
    ends = [other.end_time for other in failed if other.end_time]
    return wave.status in STARTED_WAVE and wave.retried is not None and wave.retried.at >= max(ends)
