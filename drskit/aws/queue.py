"""An SQS queue, as the finder that AWS runs needs it."""

from collections.abc import Iterator, Sequence
from typing import Any

from drskit.aws.faults import asking
from drskit.errors import Unavailable

MOST = 10
"""Messages in one request."""
Delayed = tuple[str, int]
"""A message, and after how many seconds it may be taken."""


class AwsQueue:
    """One queue; a message may come twice, and never in order."""

    def __init__(self, client: Any, url: str) -> None:
        """Take boto3's client."""
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Delayed]) -> None:
        """Send all.

        Raises:
            Unavailable: some could not be sent.
        """
        for some in _batches(messages):
            entries = [
                {"Id": str(number), "MessageBody": body, "DelaySeconds": seconds}
                for number, (body, seconds) in enumerate(some)
            ]
            with asking("SendMessageBatch"):
                reply = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            failed = reply.get("Failed", [])
            if failed:
                why = failed[0].get("Code")
                raise Unavailable(
                    f"{len(failed)} of {len(entries)} messages could not be sent to the queue: {why}. "
                    "The finder's next invocation asks again."
                )


def _batches(messages: Sequence[Delayed]) -> Iterator[Sequence[Delayed]]:
    for start in range(0, len(messages), MOST):
        yield messages[start : start + MOST]
