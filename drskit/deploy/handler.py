"""The finder and the poller as Lambda functions.

A timer invokes the finder each minute. It sends, for each account and Region in
which something needs attention, one message for now and one for each quarter of
the minute; the queue gives them to the poller, which makes one pass over that
place and ends. Nothing waits in memory and nothing is kept between invocations
but connections: the tables are the truth, so a message that comes twice, late,
or never costs a look at most.

Nothing can be started here: an event names an account and a Region, and whatever
else it says is refused. A recovery is launched by these functions only when the
tables hold the authorisation that its start has used.
"""

import json
import logging
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from drskit.errors import InvalidInput, Unavailable
from drskit.model import AccountId, utc
from drskit.poller import describe
from drskit.session import Session
from drskit.written import RegionName

LOG = logging.getLogger("drskit.handler")
DELAYS = (0, 15, 30, 45)
"""Seconds of a minute at which a place is looked at; where it is not due yet, the look ends at once."""

MOST_NAMED = 500
"""Executions that a message names: ten messages are sent at once, and may weigh 256 KiB together.

Where more live, the poller asks the index for all of them.
"""


class Place(BaseModel):
    """What a message is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    AccountId: AccountId
    Region: RegionName
    ExecutionIds: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=MOST_NAMED)] = ()
    """Those that the finder has found, what only a sweep finds first."""
    Since: AwareDatetime | None = None
    """When the finder looked; absent where it does not name all."""

    @property
    def key(self) -> tuple[str, str]:
        """As the poller calls it."""
        return self.AccountId, self.Region


def finder(event: object, context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Each minute: ask for a look at every place that needs attention; what the event says does not matter.

    Raises:
        InvalidInput: no queue is set.
        Unavailable: the tables or the queue cannot be reached; the next minute's invocation asks again.
    """
    return find(_session())


def poller(event: object, context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Look once at each place that the queue's messages name.

    Its answer is what SQS takes for a batch of which a part failed: that part comes again.

    Raises:
        InvalidInput: the event is none of a queue.
    """
    return poll(_session(), event)


def find(session: Session) -> dict[str, Any]:
    """Ask for the looks; the places that need attention, as the finder tells them."""
    queue = session.queue
    poller = session.poller()
    now = utc(session.store.now())
    places = [
        {"AccountId": account, "Region": region, "ExecutionIds": names[:MOST_NAMED]}
        | ({"Since": now} if len(names) <= MOST_NAMED else {})
        for (account, region), names in poller.places().items()
    ]
    try:
        queue.send([(json.dumps(place), delay) for place in places for delay in DELAYS])
    except Unavailable:
        poller.sweep_again()
        raise
    return {"Places": places}


def poll(session: Session, event: object) -> dict[str, Any]:
    """Look at each place of an event once, whichever messages name it; the messages that come again."""
    failed: list[str] = []
    looked: dict[Place, bool] = {}
    for record in _records(event):
        try:
            place = Place.model_validate_json(str(record.get("body")))
            if place not in looked:
                looked[place] = _look(session, place)
            good = looked[place]
        except ValidationError:
            LOG.exception("message %s names no place", record.get("messageId"))
            good = False
        if not good:
            failed.append(str(record.get("messageId")))
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _look(session: Session, place: Place) -> bool:
    """Make one pass over a place; False when none could be made, whatever the cause: the other places have theirs."""
    try:
        found = session.poller().visit(place.key, place.ExecutionIds, place.Since)
    except Exception:
        LOG.exception("no look at %s in %s", *place.key)
        return False
    LOG.info("%s in %s: %s", *place.key, describe(found))
    return True


def _records(event: object) -> list[Mapping[str, Any]]:
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
        raise InvalidInput("The poller takes the messages of its queue, and this event has none.")
    return records


@cache
def _session() -> Session:
    """The session of this process, whose connections the next invocation finds open."""
    return Session.open()
