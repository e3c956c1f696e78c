"""When a wave will be done, by what was seen so far."""

from datetime import timedelta

import pytest

from drskit.estimates import CAPTURED, Part, estimate
from drskit.model import Phase, PhaseSpan, ServerStatus, WaveStatus
from tests.report import samples
from tests.report.samples import at

CAPTURED_SECONDS = 60 + 185 + 290


def wave_of(sample, name, **changes):
    """A wave of a story, changed, and the story with it."""
    waves = tuple(
        wave.model_copy(update=changes) if wave.wave_name == name else wave for wave in sample.execution.waves
    )
    execution = sample.execution.model_copy(update={"waves": waves})
    return execution, execution.wave(name)


def seconds(span):
    return span.total_seconds()


def test_without_any_launch_an_estimate_stands_on_captured_ones():
    """And says so."""
    sample = samples.waiting_for_approval()
    waves = (sample.execution.waves[1],)
    execution = sample.execution.model_copy(update={"waves": waves})
    found = estimate(execution, waves[0], sample.now)
    assert (CAPTURED_SECONDS, False, 0) == (seconds(found.lasts), found.begun, found.seen)
    assert "as in captured launches" == found.basis


def test_a_wave_that_has_not_begun_takes_as_long_as_the_slow_ones_before_it():
    """Its last server counts, so the slowest tenth of those seen does."""
    sample = samples.waiting_for_approval()
    execution, wave = wave_of(sample, "Application")
    found = estimate(execution, wave, sample.now)
    slow = max(sample.execution.waves[0].servers, key=lambda server: server.end_time)
    assert 4 == found.seen
    assert seconds(found.lasts) == pytest.approx(seconds(slow.end_time - slow.start_time), abs=5)
    assert "by 4 launches of this drill" == found.basis


def test_an_estimate_shrinks_as_time_passes():
    """By exactly the time that passed, while the phases go on as expected."""
    sample = samples.under_way()
    wave = sample.execution.wave("Application")
    first = estimate(sample.execution, wave, sample.now)
    later = estimate(sample.execution, wave, sample.now + timedelta(seconds=30))
    assert first.begun
    assert 30 == seconds(first.lasts - later.lasts)


def test_a_phase_that_takes_longer_moves_the_end():
    """What follows it is still to come; no estimate is negative."""
    sample = samples.under_way()
    wave = sample.execution.wave("Application")
    found = estimate(sample.execution, wave, sample.now + timedelta(hours=1))
    assert seconds(found.lasts) > 200
    assert timedelta() == found.late


def test_a_launch_that_is_overdue_is_called_late():
    """Nothing is left to be waited for but its end."""
    sample = samples.under_way()
    execution, wave = wave_of(sample, "Application")
    launch = PhaseSpan(phase=Phase.LAUNCH, start_time=at(1000))
    servers = tuple(
        server.model_copy(
            update={"phases": (server.phases[0], server.phases[1].model_copy(update={"end_time": at(999)}), launch)}
        )
        for server in wave.servers
    )
    execution, wave = wave_of(sample, "Application", servers=servers)
    found = estimate(execution, wave, at(1000 + 1200))
    assert timedelta() == found.lasts
    assert 800 < seconds(found.late) < 1000


def test_a_launch_that_failed_teaches_nothing():
    """It ended early."""
    sample = samples.waiting_for_approval()
    failed = tuple(
        server.model_copy(update={"status": ServerStatus.FAILED}) for server in sample.execution.waves[0].servers
    )
    execution, _ = wave_of(sample, "Database", servers=failed)
    found = estimate(execution, execution.wave("Application"), sample.now)
    assert (0, sum(map(seconds, CAPTURED.values()))) == (found.seen, seconds(found.lasts))


@pytest.mark.parametrize(
    "status", [WaveStatus.COMPLETED, WaveStatus.FAILED, WaveStatus.CANCELLED, WaveStatus.VERIFYING]
)
def test_a_wave_that_launches_no_more_has_no_estimate(status):
    """It is over, or its end is being looked at."""
    execution, wave = wave_of(samples.under_way(), "Application", status=status)
    assert None is estimate(execution, wave, at(900))


def test_nobody_knows_how_long_people_and_aws_make_it_wait():
    """A paused execution and refused requests have no estimate, nor has a cleanup."""
    sample = samples.under_way()
    execution, wave = wave_of(
        sample, "Application", status=WaveStatus.PREPARING, not_before=sample.now + timedelta(minutes=5)
    )
    assert None is estimate(execution, wave, sample.now)
    cleanup = samples.cleaned().execution
    assert None is estimate(cleanup, cleanup.waves[0], at(10))


def test_every_part_has_a_captured_length():
    """A new part cannot be forgotten."""
    assert set(Part) == set(CAPTURED)
