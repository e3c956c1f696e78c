"""The finder and the poller as Lambda functions, called as Lambda calls them."""

import json

import pytest

from drskit.deploy import handler
from drskit.errors import DrskitError, InvalidInput
from drskit.model import CommandKind, ExecutionStatus, utc
from drskit.session import Session
from tests.harness import House, final, house, runbook_of
from tests.proof.world import PLAN, WORLD
from tests.test_faults import SMALL, SMALL_PLAN

REGION = "us-west-2"
ACCOUNT = "123456789012"
HERE = {"AccountId": ACCOUNT, "Region": REGION}
QUEUE = "https://sqs.us-west-2.amazonaws.com/123456789012/looks"


def messages(*bodies: object) -> dict[str, object]:
    """An event of a queue."""
    records = [{"messageId": str(number), "body": json.dumps(body)} for number, body in enumerate(bodies)]
    return {"Records": records}


def queue_of(session: Session) -> object:
    """The queue, made; boto3's client of it."""
    client = session.clients.sqs()
    client.create_queue(QueueName="looks")
    return client


def taken(client: object) -> list[dict[str, object]]:
    """What can be taken from the queue now."""
    found = client.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def test_a_drill_is_carried_to_its_end_by_looks_alone():
    """Nothing is kept between them, each message comes twice, and the drill is what it would be anyhow."""
    with house(text=WORLD, queue_url=QUEUE) as home:
        client = queue_of(home.session)
        execution = home.session.start(runbook_of(PLAN.replace("groups: [app]}", "groups: [app], needs: []}")))
        while handler.find(home.session)["Places"]:
            look = taken(client)[0]
            for _ in handler.DELAYS:
                assert {"batchItemFailures": []} == handler.poll(home.session, messages(look, look))
                home.clock.sleep(15)
        assert ExecutionStatus.COMPLETED is final(home, execution).status
        assert 2 == len(home.jobs())


def test_what_only_a_sweep_finds_is_looked_at_too():
    """The index shows it much later; the finder sweeps, and names it to the poller."""
    lagging = SMALL + "behaviour: {index_lag: 36000}\n"
    with house(text=lagging, queue_url=QUEUE) as home:
        client = queue_of(home.session)
        execution = home.session.start(runbook_of(SMALL_PLAN))
        handler.find(home.session)
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        found = client.get_queue_attributes(QueueUrl=QUEUE, AttributeNames=names)["Attributes"]
        assert 4 == sum(int(found[name]) for name in names)  # a look now, and one each quarter of a minute
        look = taken(client)[0]
        since = utc(home.session.store.now())
        assert {**HERE, "ExecutionIds": [execution.execution_id], "Since": since} == look
        handler.poll(home.session, messages({**look, "Region": "us-east-1"}))
        assert [] == home.jobs()  # of another Region it is not
        handler.poll(home.session, messages(look))
        assert 1 == len(home.jobs())


def test_a_look_reads_what_the_finder_named_and_what_was_started_since():
    """What it did not name and what is older is not looked for: the index is not read as a whole."""
    with house(text=SMALL, queue_url=QUEUE) as home:
        client = queue_of(home.session)
        home.clock.sleep(300)
        since = utc(home.clock.now())
        home.session.start(runbook_of(SMALL_PLAN))
        home.clock.sleep(300)
        handler.poll(home.session, messages({**HERE, "Since": utc(home.clock.now())}))
        assert [] == home.jobs()
        handler.poll(home.session, messages({**HERE, "Since": since}))
        assert 1 == len(home.jobs())
        handler.find(home.session)
        assert 1 == len(taken(client)[0]["ExecutionIds"])


def test_what_was_approved_since_the_finder_looked_is_looked_at():
    """What waits for a person is named, too, where a look is due anyway."""
    with house(text=WORLD, queue_url=QUEUE) as home:
        client = queue_of(home.session)
        asking = home.session.start(runbook_of(one_wave("asking", "database", ", approve: look at it"))).execution_id
        home.finish(approve=False)
        assert [] == handler.find(home.session)["Places"]
        other = home.session.start(runbook_of(one_wave("other", "app"))).execution_id
        handler.find(home.session)
        look = taken(client)[0]
        assert [other, asking] == look["ExecutionIds"]
        handler.poll(home.session, messages(look))
        home.session.command(asking, CommandKind.APPROVE, reason="looked at")
        handler.poll(home.session, messages(look))
        home.clock.sleep(30)  # so long DRS does not list a job
        assert 2 == len(home.jobs())


def one_wave(plan: str, tier: str, more: str = "") -> str:
    """A plan of one wave and one server."""
    head = f"version: 1\nplan: {plan}\nsites: {{main: {{region: {REGION}}}}}\n"
    group = f"groups: {{{plan}: {{select: {{tags: {{Tier: {tier}}}}}}}}}\n"
    return f"{head}{group}waves: [{{name: Only, groups: [{plan}]{more}}}]\n"


def test_a_look_that_is_not_due_reads_no_index():
    """Its place says so; the tables are asked for nothing else."""
    with house(text=SMALL, queue_url=QUEUE) as home:
        home.session.start(runbook_of(SMALL_PLAN))
        handler.poll(home.session, messages(HERE))
        found = home.session.poller().visit((ACCOUNT, REGION), ["E1"])
        assert (("E1",), ()) == (found.waiting, found.advanced)
        assert found.next_poll is not None


def test_where_more_live_than_a_message_names_the_index_is_read(monkeypatch):
    """The message does not say since when: nobody is left out."""
    monkeypatch.setattr(handler, "MOST_NAMED", 0)
    with house(text=SMALL, queue_url=QUEUE) as home:
        client = queue_of(home.session)
        home.session.start(runbook_of(SMALL_PLAN))
        handler.find(home.session)
        look = taken(client)[0]
        assert {**HERE, "ExecutionIds": []} == look
        handler.poll(home.session, messages(look))
        assert 1 == len(home.jobs())


def test_what_only_a_sweep_finds_is_found_again_when_the_queue_took_nothing():
    """The next invocation sweeps anew, not the one in a quarter of an hour."""
    with house(text=SMALL + "behaviour: {index_lag: 36000}\n", queue_url=QUEUE) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        with pytest.raises(DrskitError, match="queue"):
            handler.find(home.session)
        queue_of(home.session)
        home.clock.sleep(60)
        (place,) = handler.find(home.session)["Places"]
        assert (execution.execution_id,) == tuple(place["ExecutionIds"])


@pytest.mark.parametrize(
    "body",
    [
        {**HERE, "ExecutionType": "RECOVERY"},
        {**HERE, "IsDrill": False},
        {**HERE, "Token": "A.b"},
        {"Region": REGION},
        {**HERE, "Region": "nowhere"},
        "RECOVERY",
        None,
        [],
    ],
)
def test_a_message_names_a_place_and_nothing_else(quiet: House, body):
    """What says more, or is none, comes again and ends among the dead letters; nothing is started."""
    assert {"batchItemFailures": [{"itemIdentifier": "1"}]} == handler.poll(quiet.session, messages(HERE, body))
    assert [] == quiet.jobs()
    assert () == quiet.session.executions()[0]


@pytest.fixture(scope="module")
def quiet():
    """A world in which nothing was started."""
    with house(text=SMALL) as home:
        yield home


@pytest.mark.parametrize("event", [None, {}, {"ExecutionType": "RECOVERY"}, {"Records": 7}, {"Records": [7]}])
def test_what_is_no_event_of_a_queue_is_refused(quiet, event):
    """A person who invokes the function learns that it takes nothing from people."""
    with pytest.raises(InvalidInput, match="this event has none"):
        handler.poll(quiet.session, event)


def test_a_finder_without_a_queue_says_so(quiet):
    """Before it looks."""
    with pytest.raises(InvalidInput, match="Set DRSKIT_QUEUE_URL"):
        handler.find(quiet.session)


def test_lambda_s_entry_points_open_their_session_by_the_environment(monkeypatch, tmp_path):
    """By the variables of the function, once a process."""
    monkeypatch.chdir(tmp_path)
    with house(text=SMALL) as home:
        monkeypatch.setenv("AWS_REGION", REGION)
        monkeypatch.setenv("DRSKIT_QUEUE_URL", QUEUE)
        client = queue_of(home.session)
        name = home.session.start(runbook_of(SMALL_PLAN)).execution_id
        handler._session.cache_clear()
        try:
            (place,) = handler.finder({"isDrill": False}, None)["Places"]
            assert {**HERE, "ExecutionIds": (name,), "Since": utc(home.session.store.now())} == place
            assert {"batchItemFailures": []} == handler.poller(messages(taken(client)[0]), None)
        finally:
            handler._session.cache_clear()
        assert 1 == len(home.jobs())


def test_tables_that_cannot_be_reached_make_the_message_come_again():
    """Nobody has looked."""
    with house(text=SMALL) as home:
        client = home.session.clients.dynamodb()
        for table in client.list_tables()["TableNames"]:
            client.update_table(TableName=table, DeletionProtectionEnabled=False)
            client.delete_table(TableName=table)
        assert {"batchItemFailures": [{"itemIdentifier": "0"}]} == handler.poll(home.session, messages(HERE))
