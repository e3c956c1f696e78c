"""Commands through the session, on the simulator: recorded, obeyed by whoever polls next, and safe to repeat."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from drskit.errors import InvalidInput, NotFound, PlanBusy, Refused
from drskit.model import CommandKind, ExecutionStatus, WaveStatus
from tests.harness import Boundary, Crash, final, house, runbook_of
from tests.proof.world import PLAN

C, W, X = CommandKind, WaveStatus, ExecutionStatus
FIRST, SECOND = "s-11111111111111111", "s-22222222222222222"
WORLD = f"""
region: us-west-2
start: 2026-03-02T09:00:00Z
servers:
  - id: {FIRST}
    tags: {{Tier: database}}
    fails: [conversion-failed, null]
    durations: {{gap: 5, conversion: 20, launch: 30}}
  - {{id: {SECOND}, tags: {{Tier: app}}, durations: {{gap: 5, conversion: 20, launch: 30}}}}
"""
ASKS = PLAN.replace("{name: Database,", "{name: Database, approve: {text: Look., timeout: PT10M, on_timeout: skip},")


def test_a_retry_reopens_a_failed_drill_and_completes_it():
    """The server fails once; one job more is launched for it, and the wave that was called off follows."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish()
        assert (X.FAILED, 1) == (final(home, execution).status, len(home.jobs()))
        assert home.session.live_execution("small") is None
        reopened = home.session.command(execution.execution_id, C.RETRY, reason="rights were given")
        assert (X.POLLING, None) == (reopened.status, final(home, execution).end_time)
        assert execution.execution_id == home.session.live_execution("small")
        home.finish()
        after = final(home, execution)
        assert (X.COMPLETED, 3) == (after.status, len(home.jobs()))
        assert [1, 2, 1] == [attempt.number for attempt in after.attempts]
        assert [1, 0] == [len(wave.lulls or ()) for wave in after.waves]
        assert home.session.live_execution("small") is None


def test_a_retry_is_refused_while_another_execution_of_the_plan_lives():
    """One live execution per plan; the one that lives is named, and nothing is recorded."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish()
        other = home.session.start(runbook_of(PLAN))
        with pytest.raises(PlanBusy, match=other.execution_id):
            home.session.command(execution.execution_id, C.RETRY, reason="again")
        assert (X.FAILED, ()) == (final(home, execution).status, final(home, execution).commands)


def test_a_command_that_was_given_twice_is_refused_the_second_time():
    """Before the poll that obeys it, and after."""
    with house(text=WORLD) as home:
        name = home.session.start(runbook_of(PLAN)).execution_id
        home.session.command(name, C.PAUSE, reason="wait")
        with pytest.raises(Refused, match=r"The same pause is recorded already; the next poll obeys it."):
            home.session.command(name, C.PAUSE, reason="wait")
        home.finish()
        with pytest.raises(Refused, match=r"it is paused already, by .*: wait"):
            home.session.command(name, C.PAUSE, reason="wait")
        assert ([], X.PAUSED) == (home.jobs(), home.session.store.load(name).status)
        home.session.command(name, C.RESUME, reason="go on")
        home.finish()
        assert 1 == len(home.jobs())


@pytest.mark.parametrize("kind", ["crash-before", "crash-after"])
@pytest.mark.parametrize("operation", ["TransactWriteItems", "UpdateItem", "PutItem", "GetItem", "Query"])
def test_a_command_may_be_given_again_by_whoever_died_giving_it(operation, kind):
    """It is recorded once, whatever the terminal died at."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish()
        dying = home.another_session()
        Boundary(operation, 0, kind).attach(dying)
        try:
            dying.command(execution.execution_id, C.RETRY, reason="again")
        except Crash:
            recorded = bool(final(home, execution).commands)
            again = pytest.raises(Refused, match="The same retry is recorded already") if recorded else nullcontext()
            with again:
                home.another_session().command(execution.execution_id, C.RETRY, reason="again")
        home.finish()
        after = final(home, execution)
        assert (X.COMPLETED, 1, 3) == (after.status, len(after.commands), len(home.jobs()))


def test_an_approval_runs_out_under_a_poller_that_follows():
    """Until then nothing is left but a decision; then the wave is skipped, and the plan goes on."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(ASKS))
        poller = home.session.poller()
        home.finish(approve=False)
        waiting = final(home, execution)
        assert (X.PAUSED, timedelta(minutes=10)) == (waiting.status, waiting.due - waiting.waves[0].waiting_since)
        assert poller.run_pass().idle
        for _ in poller.follow(home.clock):
            if home.session.store.load(execution.execution_id).end_time:
                break
        after = final(home, execution)
        assert (X.PARTIAL, [W.SKIPPED, W.COMPLETED]) == (after.status, [wave.status for wave in after.waves])
        assert "drskit" == after.waves[0].skipped.by
        assert waiting.due <= after.waves[1].start_time <= waiting.due + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("kind", "named", "error", "words"),
    [
        (C.PAUSE, {"wave": "Database"}, InvalidInput, "pause is about the whole execution. Leave --wave out."),
        (C.APPROVE, {"servers": (FIRST,)}, InvalidInput, "approve is not about single servers. Leave --server out."),
        (C.SKIP, {}, InvalidInput, "Nothing is named to skip. Add --wave NAME, or --server ID."),
        (C.SKIP, {"wave": "Nowhere"}, NotFound, "has no wave 'Nowhere'. Known: Database, Application."),
        (C.RETRY, {"servers": ("s-99999999999999999",)}, NotFound, "has no server s-99999999999999999"),
        (C.DECLINE, {}, Refused, "No wave of execution .* waits for approval."),
    ],
)
def test_a_command_about_the_wrong_thing_is_refused_at_once(kind, named, error, words):
    """With what to write instead; nothing is recorded."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        with pytest.raises(error, match=words):
            home.session.command(execution.execution_id, kind, reason="why not", **named)
        assert () == final(home, execution).commands
