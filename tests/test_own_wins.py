"""A write whose reply was lost is recognised as one's own, at every write of the protocol.

The SDK sends such a write again, and DynamoDB refuses it, for the condition
holds no more: it has been carried out already. Whoever took that for a lost race
would believe that somebody else had launched.
"""

import pytest

from drskit.model import CommandKind, ExecutionStatus
from drskit.session import Session
from drskit.verify import faults
from tests.harness import House, house, runbook_of
from tests.test_faults import SMALL, SMALL_PLAN
from tests.test_poller import MANY, many_servers

WRITES = ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem")


def lose_first_replies(session: Session) -> tuple[list[str], list[str]]:
    """Every write of the session is answered at its second sending only; what was sent, and whose reply was lost."""
    sent: list[str] = []
    lost: list[str] = []

    def lose(operation: str, attempts: int) -> int | None:
        if attempts > 1:
            return None
        lost.append(operation)
        return 0

    client = session.store._wire._client
    for operation in WRITES:
        client.meta.events.register_first(
            f"before-send.dynamodb.{operation}", lambda operation=operation, **_: sent.append(operation)
        )
        client.meta.events.register_first(
            f"needs-retry.dynamodb.{operation}", lambda attempts, name=operation, **_: lose(name, attempts)
        )
    return sent, lost


Told = tuple[int, list[str], list[int]]
"""An execution's last version, its events' kinds, its attempts' numbers."""


def drilled(home: House) -> tuple[Told, Told]:
    """A whole drill that somebody paused for a moment, and its cleanup."""
    name = home.session.start(runbook_of(SMALL_PLAN)).execution_id
    home.session.command(name, CommandKind.PAUSE, reason="wait")
    home.session.command(name, CommandKind.RESUME, reason="go on")
    home.finish()
    cleanup = home.session.cleanup(name, reason="over", preview=home.session.cleanup_preview(name))
    home.finish()
    assert 2 == len(home.jobs())
    return told(home, name), told(home, cleanup.execution_id)


def told(home: House, name: str) -> Told:
    done, events = home.session.store.load(name), home.session.store.events(name)
    assert ((), ExecutionStatus.COMPLETED) == (faults(done, events), done.status)
    return done.version, [event.kind for event in events], [attempt.number for attempt in done.attempts]


def test_a_drill_whose_every_write_is_answered_late_is_like_any_other():
    """Creation, intents, outcomes, cadences, commands, the cleanup's: each is sent twice and none is lost."""
    with house(text=SMALL) as home:
        plain = drilled(home)
    with house(text=SMALL) as home:
        sent, lost = lose_first_replies(home.session)
        assert plain == drilled(home)
        assert lost == sent[::2] == sent[1::2] != []
        assert sent.count("TransactWriteItems") >= 2 * (plain[0][0] + plain[1][0])


@pytest.mark.slow
def test_a_write_in_many_parts_whose_every_reply_is_late_is_like_any_other():
    """A wave of 3,000 servers is created and changed in staged transactions; each is sent twice."""
    with house(text=many_servers(3_000)) as home:
        sent, lost = lose_first_replies(home.session)
        execution = home.session.start(runbook_of(MANY))
        home.session.command(execution.execution_id, CommandKind.CANCEL, reason="too many")
        home.finish()
        done = home.session.store.load(execution.execution_id)
        events = home.session.store.events(execution.execution_id)
        assert (ExecutionStatus.CANCELLED, ()) == (done.status, faults(done, events))
        assert lost == sent[::2] == sent[1::2] != []
