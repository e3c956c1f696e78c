"""Lambda functions and SNS topics as actions ask them.

Neither knows a token for what it is asked (but for a FIFO topic), and neither
can be looked at afterwards: a request is sent once, and is sent again only where
the plan says that twice is harmless. A function is waited for, at most a minute:
asked for an event, Lambda would call it again by itself when it fails.
"""

import json
from collections.abc import Callable
from typing import Any

from drskit.actionports import Ended, Outcome
from drskit.actions import Task
from drskit.aws.replies import may, need
from drskit.aws.requests import Request, once

FIFO = ".fifo"
ClientFor = Callable[[str, float], Any]
"""A client of a Region that waits so many seconds for an answer."""


class Functions:
    """Lambda functions of one account."""

    def __init__(self, client_for: ClientFor, region: str) -> None:
        """Take a way to clients; a function that is named by its ARN is asked in its own Region."""
        self._client_for = client_for
        self._region = region

    def start(self, task: Task, request: Request) -> Outcome:
        """Call the function once, and wait for what it answers; or hand Lambda an event."""
        name, event = request["FunctionName"], request["Event"]
        client = self._client_for(region_of(name) or self._region, request["Seconds"])
        given = {"Qualifier": request["Qualifier"]} if request["Qualifier"] else {}

        def ask() -> Outcome:
            reply = client.invoke(
                FunctionName=name, InvocationType="Event" if event else "RequestResponse",
                Payload=request["Payload"].encode(), **given,
            )  # fmt: skip
            status = need(reply, "StatusCode", int)
            if event:
                return Ended(True, f"{status}: Lambda took the event on, and tells no more of it")
            answer = reply["Payload"].read().decode("utf-8", "replace")
            error = may(reply, "FunctionError", str)
            return Ended(False, f"{error}: {_message(answer)}", answer) if error else Ended(True, f"{status}", answer)

        return once(ask, task, "Invoke")


class Topics:
    """SNS topics."""

    def __init__(self, client_for: ClientFor, region: str) -> None:
        """Take a way to clients; a topic is asked in its own Region."""
        self._client_for = client_for
        self._region = region

    def start(self, task: Task, request: Request) -> Outcome:
        """Publish the message once; a FIFO topic recognises it by the task's id."""
        topic = request["TopicArn"]
        client = self._client_for(region_of(topic) or self._region, request.get("Seconds", 20))
        given = {"Subject": request["Subject"]} if request["Subject"] else {}
        if topic.endswith(FIFO):
            given |= {"MessageGroupId": request["Group"], "MessageDeduplicationId": task.task_id}
        mark = {"drskit-task": {"DataType": "String", "StringValue": task.task_id}}

        def ask() -> Outcome:
            reply = client.publish(TopicArn=topic, Message=request["Message"], MessageAttributes=mark, **given)
            name = need(reply, "MessageId", str)
            return Ended(True, "published", external_id=name)

        return once(ask, task, "Publish")


def region_of(arn: str) -> str | None:
    """The Region in an ARN; None where it is none, or names none."""
    parts = arn.split(":")
    return parts[3] or None if len(parts) > 5 and parts[0] == "arn" else None


def _message(answer: str) -> str:
    try:
        told = json.loads(answer)
    except ValueError:
        return answer
    return str(told.get("errorMessage", answer)) if isinstance(told, dict) else answer
