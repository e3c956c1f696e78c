"""SNS topics and EventBridge buses, as the outbox needs them.

One send on the wire, short timeouts, and an outcome in any case: whoever is told
something must not be able to hold a drill up.
"""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from drskit.aws.faults import UNREADABLE, code_of, message_of
from drskit.errors import DrskitError
from drskit.messages import DETAIL_TYPE, SOURCE, Message
from drskit.notices import Outcome

if TYPE_CHECKING:
    from drskit.aws.clients import Clients

FIFO = ".fifo"
HOPELESS = frozenset({"InvalidParameter", "InvalidParameterValue", "ValidationError", "ValidationException"})
"""What the service says of a message that it will never take."""


class AwsNotifier:
    """SNS and EventBridge of one identity; the client of a topic or a bus is the one of its ARN's Region."""

    def __init__(self, clients: "Clients") -> None:
        self._clients = clients
        self._made: dict[tuple[str, str], Any] = {}

    def send(self, target: str, message: Message) -> Outcome:
        """Send once; nothing is raised, whatever happens."""
        operation = "Publish" if ":sns:" in target else "PutEvents"
        region = target.split(":")[3] if target.startswith("arn:") else self._clients.region or ""
        doing = f"{operation} in {region}"
        try:
            if operation == "Publish":
                return self._publish(target, message, region)
            return self._put(target, message, region)
        except ClientError as error:
            code = code_of(error)
            return Outcome(error=f"{code} at {doing}: {message_of(error)}", hopeless=code in HOPELESS)
        except ParamValidationError as error:
            return Outcome(error=f"{doing} is not possible: {error}", hopeless=True)
        except (BotoCoreError, DrskitError, RuntimeError, *UNREADABLE) as error:
            return Outcome(error=f"{type(error).__name__} at {doing}: {error}")

    def _publish(self, topic: str, message: Message, region: str) -> Outcome:
        request: dict[str, Any] = {
            "TopicArn": topic,
            "Subject": message.subject,
            "Message": message.body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in message.attributes.items()
                if value
            },
        }
        if topic.endswith(FIFO):
            request |= {"MessageGroupId": message.group, "MessageDeduplicationId": message.notice_id}
        return Outcome(message_id=str(self._client("sns", region).publish(**request)["MessageId"]))

    def _put(self, bus: str, message: Message, region: str) -> Outcome:
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(message.detail, ensure_ascii=False),
            "EventBusName": bus,
            "Time": message.at,
        }
        reply = self._client("events", region).put_events(Entries=[entry])
        (result,) = reply["Entries"]
        if reply.get("FailedEntryCount") or "EventId" not in result:
            said = f"{result.get('ErrorCode', 'no reason')} at PutEvents in {region}: {result.get('ErrorMessage', '')}"
            return Outcome(error=said.rstrip(": "))
        return Outcome(message_id=str(result["EventId"]))

    def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._made:
            make = self._clients.sns if service == "sns" else self._clients.events
            self._made[service, region] = make(region)
        return self._made[service, region]
