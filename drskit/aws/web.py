"""HTTP requests as actions send them: once, to the address in the plan, and never along a redirect.

A header's secret is read from the SSM Parameter Store right before it is sent.
It is written down nowhere. In a simulated world no request leaves: it is handed
to the simulator, through the same endpoint as everything else.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import BotoCoreError, ClientError, SSLError
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from drskit import __version__
from drskit.actionports import Ended, Outcome
from drskit.actions import Task
from drskit.aws.calls import ClientFor
from drskit.aws.faults import asking, code_of
from drskit.aws.line import Line, Resolve, broken_off, look_up, session_on, unresolved
from drskit.aws.replies import need
from drskit.aws.requests import Request, once
from drskit.cutoff import within
from drskit.errors import Unavailable
from drskit.ports import NotExecuted, Unknown
from drskit.requestspec import HEADER_VALUE

CONNECT_SECONDS = 5
SPARE_SECONDS = 1
"""How much longer than its parts may take a request is waited for in all, at most."""
KEPT_CHARACTERS = 4_000
ANSWER_BYTES = 64_000
"""How much of an answer is read: a server that never ends one must not keep everybody waiting."""
CHUNK_BYTES = 2_048
DOOR = "drskit-http"
"""What the simulator is asked for, in the place of a Lambda function, to take an HTTP request."""


class Secrets:
    """The values of parameters that hold secrets."""

    def __init__(self, ssm: Any, region: str) -> None:
        """Take boto3's client."""
        self._ssm = ssm
        self._region = region

    def read(self, names: dict[str, str]) -> dict[str, str] | NotExecuted:
        """The headers with their values; or why nothing can be sent without them."""
        found: dict[str, str] = {}
        for header, name in names.items():
            try:
                with asking(f"GetParameter in {self._region}"):
                    try:
                        reply = self._ssm.get_parameter(Name=name, WithDecryption=True)
                    except ClientError as error:
                        if code_of(error) == "ParameterNotFound":
                            return NotExecuted("ParameterNotFound", f"there is no SSM parameter {name} for {header}")
                        raise
                    found[header] = need(need(reply, "Parameter", dict), "Value", str)
            except Unavailable as error:
                return NotExecuted("Unavailable", error.cause or str(error), transient=True)
        return found


class Web:
    """Web servers, as they are reached from here."""

    def __init__(
        self,
        secrets: Secrets,
        now: Callable[[], datetime],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        resolve: Resolve = look_up,
    ) -> None:
        """Take the way to secrets, the machine's time, how long a connection may take, and who knows addresses."""
        self._secrets = secrets
        self._now = now
        self._connect_seconds = connect_seconds
        self._resolve = resolve

    def start(self, task: Task, request: Request) -> Outcome:
        """Send the request once, and read of its answer what comes in the action's time."""
        secrets = self._secrets.read(request["Secrets"])
        if isinstance(secrets, NotExecuted):
            return secrets
        headers = _headers(task, request) | secrets
        proxies = get_environ_proxies(request["Url"])
        trouble = _misfit(headers) or self._nowhere(request["Url"], proxies)
        if trouble is not None:
            return trouble
        return once(lambda: self._ask(request, headers, secrets, proxies), task, "the request")

    def _nowhere(self, url: str, proxies: dict[str, str]) -> NotExecuted | None:
        """Why the request has nowhere to go; where a proxy takes it, that looks the name up."""
        return None if urlsplit(url).scheme in proxies else unresolved(url, self._connect_seconds, self._resolve)

    def _ask(
        self, request: Request, headers: dict[str, str], secrets: dict[str, str], proxies: dict[str, str]
    ) -> Outcome:
        """Send it: before the connection is open nothing was sent, and nothing is once it has been given up."""
        seconds = request["Seconds"]
        patience = self._connect_seconds + seconds + min(SPARE_SECONDS, seconds)
        answered: list[int] = []
        line = Line()

        def send() -> Outcome:
            end = self._now() + timedelta(seconds=self._connect_seconds + seconds)
            session = session_on(line, timeout=(self._connect_seconds, seconds), proxies=proxies)
            try:
                reply = session.send(_prepared(request, headers))
                answered.append(reply.status_code)
                return _judged(request, reply.status_code, self._text(reply.raw, end), secrets)
            except HTTPError as error:
                return Unknown(f"its answer was broken off: {type(error).__name__}: {error}")
            finally:
                session.close()

        try:
            return within(patience, send)
        except TimeoutError as error:
            if line.give_up():
                why = f"the connection did not open within {patience:g} s"
                return NotExecuted("ConnectionFailed", why, transient=True)
            return _judged(request, answered[0], "", secrets) if answered else Unknown(str(error))
        except BotoCoreError as error:
            if line.give_up():
                misfit = isinstance(error, SSLError) and not broken_off(error)
                return NotExecuted("SSLError" if misfit else "ConnectionFailed", str(error), transient=not misfit)
            raise

    def _text(self, raw: Any, end: datetime) -> str:
        """What is read of an answer: its status is known by now, and counts however long the rest goes on."""
        read = b""
        try:
            while len(read) < ANSWER_BYTES and self._now() < end and (chunk := raw.read1(CHUNK_BYTES)):
                read += chunk
        finally:
            raw.close()
        return read.decode("utf-8", "replace")


class SimulatedWeb:
    """The web as a simulated world has it."""

    def __init__(self, secrets: Secrets, client_for: ClientFor, region: str) -> None:
        """Take the ways to secrets and to the simulator."""
        self._secrets = secrets
        self._client_for = client_for
        self._region = region

    def start(self, task: Task, request: Request) -> Outcome:
        """Hand the request to the simulator, once; secrets are read, and stay here."""
        secrets = self._secrets.read(request["Secrets"])
        if isinstance(secrets, NotExecuted):
            return secrets
        told = {
            "method": request["Method"],
            "url": request["Url"],
            "headers": _headers(task, request) | dict.fromkeys(secrets, "a secret"),
            "body": request["Body"],
        }
        misfit = _misfit(_headers(task, request) | secrets)
        if misfit is not None:
            return misfit
        client = self._client_for(self._region, request["Seconds"])

        def ask() -> Outcome:
            reply = client.invoke(FunctionName=DOOR, Payload=json.dumps(told).encode())
            answer = json.loads(reply["Payload"].read())
            return _judged(request, need(answer, "status", int), need(answer, "body", str), secrets)

        return once(ask, task, "Invoke")


def _prepared(request: Request, headers: dict[str, str]) -> AWSPreparedRequest:
    body = request["Body"].encode() if request["Body"] is not None else None
    return AWSRequest(
        method=request["Method"], url=request["Url"], headers=headers, data=body, stream_output=True
    ).prepare()


def _headers(task: Task, request: Request) -> dict[str, str]:
    return {
        "User-Agent": f"drskit/{__version__}",
        "Idempotency-Key": task.task_id,
        **request["Headers"],
    }


def _misfit(headers: dict[str, str]) -> NotExecuted | None:
    """Why a header cannot be sent: a placeholder or a parameter may hold any character."""
    for name, value in headers.items():
        if not HEADER_VALUE.fullmatch(value):
            return NotExecuted("InvalidHeader", f"the value of header {name} is not Latin-1 on one line")
    return None


def _judged(request: Request, status: int, text: str, secrets: dict[str, str]) -> Outcome:
    """What an answer means; a server that echoes a secret does not get it written down."""
    good = status in request["Expect"] if request["Expect"] else 200 <= status < 300
    for value in secrets.values():
        text = text.replace(value, "(a secret)") if value else text
    wanted = "" if good else f", and {' or '.join(map(str, request['Expect'])) or 'a 2xx'} was expected"
    return Ended(good, f"answered {status}{wanted}", text[:KEPT_CHARACTERS] or None)
