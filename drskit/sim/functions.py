"""Lambda's Invoke, and the web behind it: what actions call, answered as the world file says.

No code runs. One function is none: it is the door through which drskit hands
over the HTTP requests of a simulated execution, so that they are met by the same
faults as everything else, and none of them leaves.
"""

import json
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from drskit.sim.faults import Reply
from drskit.sim.questions import Question
from drskit.sim.refusals import Refusal
from drskit.sim.services import FunctionAnswer, HttpAnswer, Turns
from drskit.sim.standin import members_of, refused
from drskit.sim.world import World

DOOR = "drskit-http"
USUAL = FunctionAnswer()
USUAL_PAGE = HttpAnswer()
JSON = {"content-type": "application/json"}


class Functions:
    """The functions of one Region."""

    operations = frozenset({"Invoke"})

    def __init__(self, world: World) -> None:
        self._world = world
        self._turns, self._pages = Turns(), Turns()

    def answer(self, question: Question, now: datetime) -> Reply:
        """The reply to a request."""
        name = function_of(question.path)
        try:
            return self._http(question.body, now) if name == DOOR else self._invoke(name, question, now)
        except Refusal as refusal:
            return refused(refusal)

    def _invoke(self, name: str, question: Question, now: datetime) -> Reply:
        answer = self._turns.choose(self._world.spec.services.functions, USUAL, function=name)
        if answer.unknown:
            raise Refusal("ResourceNotFoundException", 404, f"Function not found: {name}")
        payload = _json(question.body)
        token = payload.get("TaskId") if isinstance(payload, dict) else None
        self._world.received.note(now, "lambda", name, token, payload=payload)
        if question.headers.get("x-amz-invocation-type") == "Event":
            return 202, dict(JSON), ""
        if answer.fails:
            error = {"errorMessage": answer.fails, "errorType": "Exception"}
            return 200, JSON | {"x-amz-function-error": "Unhandled"}, json.dumps(error)
        return 200, dict(JSON), json.dumps(answer.answer)

    def _http(self, body: str, now: datetime) -> Reply:
        asked = members_of(body)
        url, method = str(asked["url"]), str(asked["method"])
        answer = self._pages.choose(self._world.spec.services.http, USUAL_PAGE, url=url, method=method)
        headers = {str(name): str(value) for name, value in asked.get("headers", {}).items()}
        self._world.received.note(
            now, "http", f"{method} {url}", headers.get("Idempotency-Key"),
            headers=headers, body=asked.get("body"), status=answer.status,
        )  # fmt: skip
        return 200, dict(JSON), json.dumps({"status": answer.status, "body": answer.body})


def function_of(path: str) -> str:
    """The name of the function in the path of an Invoke."""
    asked = unquote(path).split("/functions/")[-1].partition("/")[0]
    parts = asked.split(":")
    return parts[6] if len(parts) > 6 else parts[0]


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
