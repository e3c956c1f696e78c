"""What was sent to topics and event buses, as people find it in a simulated world.

moto delivers to whoever has subscribed; this keeps a copy of everything, for
nobody subscribes to a world that lasts a minute. Topics and buses of which
nobody has made one are made when something is sent to them, unless the world's
`behaviour` says that they are missing.
"""

import json
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from moto.backends import get_backend

from drskit.sim.faults import Reply
from drskit.sim.questions import Question

MOST = 1_000
"""Letters that are kept, the newest."""
ARN_PARTS = 6


class Inbox:
    """Everything that was sent to topics and buses and was taken."""

    def __init__(self) -> None:
        self._letters: deque[dict[str, Any]] = deque(maxlen=MOST)

    def prepare(self, question: Question, account: str, region: str) -> None:
        """Make the topics and buses that a request is for, where they are missing."""
        for letter in _letters(question):
            target = str(letter["target"])
            parts = target.split(":")
            place = (parts[4], parts[3]) if len(parts) >= ARN_PARTS else (account, region)
            name = target.rpartition("/")[2] if letter["service"] == "events" else parts[-1]
            backend = get_backend(letter["service"])[place[0]][place[1]]
            if letter["service"] == "sns" and target not in backend.topics:
                backend.create_topic(name, attributes={"FifoTopic": "true"} if name.endswith(".fifo") else None)
            elif letter["service"] == "events" and name not in backend.event_buses:
                backend.create_event_bus(name)

    def note(self, question: Question, reply: Reply | None, now: datetime) -> None:
        """Keep what a request brought, if it was taken; what its sender heard of that does not matter."""
        if reply is None or reply[0] >= 300:
            return
        failed = _failed(question, reply)
        for number, letter in enumerate(_letters(question)):
            if number not in failed:
                self._letters.append({"at": now.isoformat(), **letter})

    def to_json(self) -> list[dict[str, Any]]:
        """The letters, oldest first."""
        return list(self._letters)


def _failed(question: Question, reply: Reply) -> set[int]:
    """The entries of a PutEvents that were not taken."""
    if question.service != "events":
        return set()
    text = reply[2] if isinstance(reply[2], str) else reply[2].decode()
    return {number for number, one in enumerate(json.loads(text).get("Entries", [])) if "EventId" not in one}


def _letters(question: Question) -> Iterator[dict[str, Any]]:
    if (question.service, question.operation) == ("sns", "Publish"):
        yield from _published(question)
    elif (question.service, question.operation) == ("events", "PutEvents"):
        yield from _put(question)


def _published(question: Question) -> Iterator[dict[str, Any]]:
    form = {name: values[0] for name, values in parse_qs(question.body).items()}
    if form.get("TopicArn"):
        attributes = {
            value: form.get(name.replace(".Name", ".Value.StringValue"), "")
            for name, value in form.items()
            if name.startswith("MessageAttributes.entry.") and name.endswith(".Name")
        }
        yield {
            "service": "sns",
            "target": form["TopicArn"],
            "subject": form.get("Subject", ""),
            "message": form.get("Message", ""),
            "attributes": attributes,
        }


def _put(question: Question) -> Iterator[dict[str, Any]]:
    try:
        entries = json.loads(question.body)["Entries"]
    except (ValueError, KeyError, TypeError):
        return
    for entry in entries if isinstance(entries, list) else ():
        yield {
            "service": "events",
            "target": entry.get("EventBusName") or "default",
            "subject": entry.get("DetailType", ""),
            "message": entry.get("Detail", ""),
            "attributes": {"source": entry.get("Source", "")},
        }
