"""Real processes that die leave every launch done once, and so do many workers at a time."""

import pytest

from tests.proof.processes import PLANS, run


@pytest.mark.slow
def test_workers_and_commands_that_are_killed_launch_every_wave_once():
    """Five rounds of SIGKILL: every execution COMPLETED, one job for each wave, histories whole."""
    figures = run(rounds=5, seed=1)
    assert [] == figures.failed
    assert (5, 5 * len(PLANS)) == (figures.rounds, figures.executions)
    assert 5 * sum(len(waves) for waves in PLANS.values()) == figures.jobs
    assert {"poll", "start", "approve"} == set(figures.kills)
