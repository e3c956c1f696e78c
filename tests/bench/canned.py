"""A server of answers that were made beforehand: `python -m tests.bench.canned REPLIES`.

It finds the answer by the names in a request and does nothing else, so that what
is measured is the client. REPLIES is a pickle of the world's time and of what
`crowd.replies` made. It prints its port.
A POST to /later lets a minute of the world's time pass.
"""

import json
import pickle
import sys
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MINUTE = timedelta(minutes=1)


class Canned(ThreadingHTTPServer):
    """The answers and the time."""

    daemon_threads = True

    def __init__(self, now: datetime, replies: dict[tuple[str, ...], bytes]) -> None:
        self.replies = replies
        self.now = now
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Canned

    def do_POST(self) -> None:
        """Look the answer up; what has none is not simulated, which ends the measurement."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        target = self.headers.get("x-amz-target")
        if self.path == "/later":
            self.server.now += MINUTE
            self._send(200, b"{}")
            return
        operation = target.rpartition(".")[2] if target else self.path.strip("/")
        answer = b"{}" if operation == "PutItem" else self._found(operation, json.loads(body))
        if answer is None:
            self._send(501, b'{"__type": "UnknownOperationException"}')
        else:
            self._send(200, answer)

    def log_message(self, *_: Any) -> None:
        """Write no log."""

    def _found(self, operation: str, request: dict[str, Any]) -> bytes | None:
        empty = {"Query": b'{"Items": [], "Count": 0, "ScannedCount": 0}', "GetItem": b"{}"}
        return self.server.replies.get((operation, *names_in(operation, request)), empty.get(operation))

    def _send(self, status: int, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} {self.responses[status][0]}\r\nserver: canned\r\n"
            f"date: {format_datetime(self.server.now, usegmt=True)}\r\n"
            "content-type: application/x-amz-json-1.0\r\nx-amzn-requestid: CANNED\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode("latin-1") + body)


def names_in(operation: str, request: dict[str, Any]) -> tuple[str, ...]:
    """What of a request tells answers apart."""
    if operation == "Query" and "IndexName" in request:
        (status,) = request["ExpressionAttributeValues"].values()
        start = request.get("ExclusiveStartKey", {}).get("ExecutionId", {"S": ""})
        return str(status["S"]), str(start["S"])
    if operation == "Query":
        values = request["ExpressionAttributeValues"]
        return (str(next(value["S"] for name, value in values.items() if name.startswith(":ExecutionId"))),)
    if operation == "GetItem":
        return (str(request["Key"]["ExecutionId"]["S"]),) if "ExecutionId" in request["Key"] else ()
    return (str(request["jobID"]),) if "jobID" in request else ()


def main(replies: str) -> None:
    """Serve until the process is ended."""
    now, found = pickle.loads(Path(replies).read_bytes())
    with Canned(now, found) as server:
        print(server.server_address[1], flush=True)  # noqa: T201 - its caller waits for it
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
