"""SNS's Publish, around moto: FIFO topics that remember, and topics that a world file says are not there.

moto delivers a message of a FIFO topic however often it comes; the real service
recognises it by its MessageDeduplicationId for five minutes, and answers as the
first time without delivering it again.
"""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from drskit.sim.faults import Reply, xml_error
from drskit.sim.questions import Question
from drskit.sim.services import TopicAnswer, Turns
from drskit.sim.world import World

ARN_PARTS = 6
REMEMBERED = timedelta(minutes=5)
USUAL = TopicAnswer()


class Topics:
    """The topics of one Region."""

    operations = frozenset({"Publish"})

    def __init__(self, world: World) -> None:
        self._world = world
        self._turns = Turns()
        self._known: dict[tuple[str, str], tuple[datetime, str]] = {}

    def answer(self, question: Question, now: datetime) -> Reply:
        """The reply to a request."""
        asked = {name: values[0] for name, values in parse_qs(question.body).items()}
        arn = asked.get("TopicArn", "")
        topic = _topic(arn)
        if topic is None or self._turns.choose(self._world.spec.services.topics, USUAL, topic=arn).unknown:
            return xml_error("sns", "NotFound", 404, "Topic does not exist")
        token, text = asked.get("MessageDeduplicationId"), asked.get("Message", "")
        known = self._known.get((arn, token or ""))
        if token and known and now < known[0] + REMEMBERED:
            return _reply(known[1])
        name = topic.publish(
            text, subject=asked.get("Subject"), group_id=asked.get("MessageGroupId"), deduplication_id=token
        )
        self._known[arn, token or ""] = now, name
        mark = _mark(asked)
        self._world.received.note(now, "sns", arn, mark, id=name, subject=asked.get("Subject"), message=text)
        return _reply(name)


def _topic(arn: str) -> Any:
    """Moto's topic; None where there is none."""
    parts = arn.split(":")
    if len(parts) < ARN_PARTS:
        return None
    backends: Any = import_module("moto.sns.models").sns_backends
    return backends[parts[4]][parts[3]].topics.get(arn)


def _mark(asked: dict[str, str]) -> str | None:
    """The task in the message's attributes."""
    for key, value in asked.items():
        if key.endswith(".Name") and value == "drskit-task":
            return asked.get(f"{key.removesuffix('.Name')}.Value.StringValue")
    return None


def _reply(name: str) -> Reply:
    body = (
        '<PublishResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
        f"<MessageId>{escape(name)}</MessageId></PublishResult>"
        "<ResponseMetadata><RequestId>simulated</RequestId></ResponseMetadata></PublishResponse>"
    )
    return 200, {"content-type": "text/xml"}, body
