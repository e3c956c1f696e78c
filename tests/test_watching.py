"""Every execution as the notebook that watches sees it: over the tables, judged, never driven."""

from datetime import timedelta

import pytest

from drskit.errors import InvalidInput, NotCompleted
from drskit.model import CommandKind, ExecutionStatus
from drskit.notebook import checked
from drskit.watching import Watch, WatchParameters
from tests.harness import house, runbook_of
from tests.test_cleanup import RUNBOOK, WORLD, drilled


def watching(opened, **parameters) -> Watch:
    return Watch(opened.session, WatchParameters.model_validate(parameters))


@pytest.fixture(scope="module")
def world():
    """A house with a drill that is over, and one that was begun after it and that nobody polls."""
    with drilled() as (opened, over):
        lives = opened.session.start(runbook_of(RUNBOOK))
        yield opened, over, lives


def ids(page):
    return [row.header.execution_id for row in page.rows]


def test_what_lives_is_first_and_what_is_over_tells_what_runs(world):
    """As the index shows it."""
    opened, over, lives = world
    watch = watching(opened)
    watch.look()
    page = watch.page()
    assert [lives.execution_id, over.execution_id] == ids(page)
    assert (None, "SIMULATED") == (page.rows[0].stuck, watch.mode)
    assert page.rows[1].running.count
    assert {status: count for status, count in page.counts.items() if count} == {lives.status: 1, over.status: 1}


def test_a_filter_narrows_the_list(world):
    """By plan and by status; the counts stay those of all."""
    opened, over, _ = world
    watch = watching(opened)
    watch.look()
    assert [over.execution_id] == ids(watch.page(status=over.status.value))
    assert [] == ids(watch.page(plan="another"))
    assert ("trio",) == watch.plans
    assert 2 == sum(watch.page(plan="another").counts.values())


def test_one_execution_is_shown_with_the_commands_to_type(world):
    """Those that make sense, and nothing is driven by looking."""
    opened, over, lives = world
    watch = watching(opened)
    watch.look()
    assert f"drskit cancel {lives.execution_id} --reason TEXT" in "".join(watch.board(lives.execution_id))
    assert f"drskit cleanup {over.execution_id} --reason TEXT" in "".join(watch.board(over.execution_id))
    assert ExecutionStatus.PENDING is opened.session.store.load(lives.execution_id).status


def test_executions_are_counted_as_a_table(world):
    """One line each, all pages; an empty one has its columns."""
    opened, over, lives = world
    watch = watching(opened, page_size=1)
    watch.look()
    frame = watch.executions()
    assert [lives.execution_id, over.execution_id] == list(frame["Execution"])
    empty = watching(opened, plan="another")
    empty.look()
    assert (0, True) == (len(empty.executions()), "Status" in empty.executions().columns)


def test_what_nobody_polls_is_stuck_and_fails_the_notebook():
    """With the reason and what to run; a poll mends it."""
    with house(text=WORLD) as opened:
        lives = opened.session.start(runbook_of(RUNBOOK))
        watch = watching(opened)
        watch.look()
        watch.raise_for_status()
        opened.clock.sleep(timedelta(minutes=11).total_seconds())
        watch.look()
        with pytest.raises(NotCompleted, match=f"{lives.execution_id} is stuck: No worker has polled"):
            watch.raise_for_status()
        assert "STUCK" in "".join(watch.board(lives.execution_id))
        opened.session.poller().run_pass()
        watch.look()
        watch.raise_for_status()


def test_an_end_is_noticed_at_the_next_look():
    """Although what is over is not read every time."""
    with house(text=WORLD) as opened:
        watch = watching(opened)
        watch.look()
        assert () == watch.page().rows
        lives = opened.session.start(runbook_of(RUNBOOK))
        watch.look()
        opened.session.command(lives.execution_id, CommandKind.CANCEL, reason="looked at")
        opened.finish()
        watch.look()
        (row,) = watch.page().rows
        assert ExecutionStatus.CANCELLED is row.header.status


def test_what_is_over_is_read_once():
    """A thousand finished drills are not read again at every look; an older drskit's headers do not tell enough."""
    with house(text=WORLD) as opened:
        for _ in range(2):
            drill = opened.session.start(runbook_of(RUNBOOK))
            opened.finish()
            opened.session.clients.dynamodb().update_item(
                TableName="drs-orchestration-execution-history-dev",
                Key={"ExecutionId": {"S": drill.execution_id}, "PlanId": {"S": drill.plan.plan_id}},
                UpdateExpression="REMOVE Launched",
            )
        session, reads = opened.another_session(), []
        events = session.clients._session.events  # clients copy it when they are made
        events.register(
            "provide-client-params.dynamodb.Query", lambda params, **_: reads.append(params.get("IndexName"))
        )
        watch = Watch(session, WatchParameters())
        watch.look(whole=True)
        assert None in reads
        reads.clear()
        watch.look(whole=True)
        assert None not in reads


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"status": "RUNNING"}, "status = 'RUNNING': write one of PENDING, POLLING"),
        ({"page_size": 0}, "page_size = 0: Input should be greater than or equal to 1"),
        ({"plans": "shop"}, "plans = 'shop': Extra inputs are not permitted"),
        ({"execution_id": "17"}, "execution_id = '17': write a ULID"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(parameters, words):
    """By name and value, with what to write."""
    with pytest.raises(InvalidInput) as refused:
        checked(WatchParameters, parameters)
    assert words in str(refused.value)
