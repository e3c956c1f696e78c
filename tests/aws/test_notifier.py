"""What SNS and EventBridge answer, as the outbox learns it: taken or not, and nothing is ever raised."""

import json

import pytest

from drskit.aws.clients import Clients
from drskit.aws.notifier import AwsNotifier
from drskit.messages import trial_message
from drskit.model import Mode
from tests.aws.conftest import REGION, become_nobody
from tests.builders import START

TOPIC = "arn:aws:sns:eu-west-1:123456789012:dr"
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/dr"
TAKEN = b"<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"
DENIED = b"<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not yours</Message></Error></ErrorResponse>"
TOO_LONG = b"<ErrorResponse><Error><Code>InvalidParameter</Code><Message>Subject</Message></Error></ErrorResponse>"
MESSAGE = trial_message("shop", Mode.SIMULATED, "123456789012", "us-west-2", START, number="01-test")


@pytest.fixture(scope="module")
def made(served):
    """SNS and EventBridge as the host has them; their clients are made once."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        become_nobody(monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", served[0].url)
        notifier = AwsNotifier(Clients(region=REGION))
        for service in ("sns", "events"):
            notifier._client(service, "eu-west-1")
        yield notifier


@pytest.fixture
def notifier(host, made):
    """The same, told nothing yet."""
    return made


def test_a_topic_takes_a_message_in_its_own_region(host, notifier):
    """Whatever the Region of the tables is; the message carries what subscriptions filter by."""
    host.tell("Publish", TAKEN)
    outcome = notifier.send(TOPIC, MESSAGE)
    assert ("m-1", None) == (outcome.message_id, outcome.error)
    assert "eu-west-1" == notifier._client("sns", "eu-west-1").meta.region_name
    assert b"NotificationId" in host.bodies[0]
    assert b"MessageDeduplicationId" not in host.bodies[0]


def test_a_fifo_topic_learns_what_to_drop_as_a_repetition(host, notifier):
    """And what is in order with each other."""
    host.tell("Publish", TAKEN)
    notifier.send(f"{TOPIC}.fifo", MESSAGE)
    assert b"MessageDeduplicationId=01-test" in host.bodies[0]
    assert b"MessageGroupId=01-test" in host.bodies[0]


@pytest.mark.parametrize(("reply", "hopeless"), [(DENIED, False), (TOO_LONG, True)])
def test_a_refusal_is_an_outcome(host, notifier, reply, hopeless):
    """A missing right may be given at night; a message that can never be taken is given up at once."""
    host.tell("Publish", reply, status=403)
    outcome = notifier.send(TOPIC, MESSAGE)
    assert (None, hopeless) == (outcome.message_id, outcome.hopeless)
    assert "at Publish in eu-west-1" in outcome.error


@pytest.mark.parametrize("reply", [b"<html>Please log in</html>", b"", b"{}"])
def test_a_reply_of_somebody_else_is_an_outcome(host, notifier, reply):
    """A proxy's page is no message id."""
    host.tell("Publish", reply)
    assert notifier.send(TOPIC, MESSAGE).error


def test_a_bus_that_takes_no_entry_has_not_taken_the_message(host, notifier):
    """PutEvents answers 200 and says in the entry what failed."""
    entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "later"}
    host.tell("", {"FailedEntryCount": 1, "Entries": [entry]}, {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]})
    assert "InternalFailure at PutEvents in eu-west-1: later" == notifier.send(BUS, MESSAGE).error
    assert "e-1" == notifier.send(BUS, MESSAGE).message_id
    (sent,) = json.loads(host.bodies[0])["Entries"]
    assert ("drskit", "drskit Notification", BUS) == (sent["Source"], sent["DetailType"], sent["EventBusName"])
    assert "test" == json.loads(sent["Detail"])["Kind"]


def test_nobody_there_is_an_outcome(notifier):
    """No host answers for a Region that does not exist."""
    assert notifier.send("arn:aws:sns::123456789012:dr", MESSAGE).error
