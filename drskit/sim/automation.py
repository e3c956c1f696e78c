"""Automation of Systems Manager: runs that take their time, and end as the world file says.

No document is run, and no step of one is shown. A run that is started twice
with one ClientToken is one run (inferred: AWS's reference calls the token an
idempotency token, and names the error for other parameters under the same one).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from drskit.sim.faults import Reply
from drskit.sim.questions import Question
from drskit.sim.refusals import Refusal
from drskit.sim.services import AutomationAnswer, Turns
from drskit.sim.spec import span
from drskit.sim.standin import json_reply, members_of, page, refused
from drskit.sim.world import World

USUAL = AutomationAnswer()


@dataclass(frozen=True)
class Run:
    """A run whose end is settled."""

    id: str
    document: str
    token: str
    asked: dict[str, Any]
    begun_at: datetime
    ends_at: datetime
    answer: AutomationAnswer
    stopped_at: datetime | None = None

    def status(self, now: datetime) -> str:
        """Its AutomationExecutionStatus."""
        if self.stopped_at is not None and self.stopped_at <= now:
            return "Cancelled"
        if now < self.ends_at:
            return "InProgress"
        return "Failed" if self.answer.fails else "Success"

    def ended_at(self, now: datetime) -> datetime | None:
        """When it ended, if it has."""
        end = self.stopped_at or self.ends_at
        return end if end <= now else None


class Automation:
    """The automations of one Region."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._turns = Turns()
        self._runs: dict[str, Run] = {}
        self._handlers: dict[str, Callable[[dict[str, Any], datetime], dict[str, Any]]] = {
            "StartAutomationExecution": self._start,
            "GetAutomationExecution": self._get,
            "DescribeAutomationExecutions": self._describe,
            "StopAutomationExecution": self._stop,
        }

    @property
    def operations(self) -> frozenset[str]:
        """What it answers for."""
        return frozenset(self._handlers)

    def answer(self, question: Question, now: datetime) -> Reply:
        """The reply to a request."""
        try:
            return json_reply(self._handlers[question.operation](members_of(question.body), now))
        except Refusal as refusal:
            return refused(refusal)

    def _start(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        token, document = str(members.get("ClientToken", "")).lower(), str(members.get("DocumentName", ""))
        known = next((run for run in self._runs.values() if token and run.token == token), None)
        if known is not None:
            if known.asked != members:
                raise Refusal("IdempotentParameterMismatch", 400, "The token was used with other parameters")
            return {"AutomationExecutionId": known.id}
        answer = self._turns.choose(self._world.spec.services.automations, USUAL, document=document)
        if answer.unknown or not document:
            raise Refusal("AutomationDefinitionNotFoundException", 400, f"Document {document} does not exist")
        run_id = self._world.ids.uuid("automation", len(self._runs))
        self._runs[run_id] = Run(run_id, document, token, members, now, now + span(answer.takes), answer)
        parameters = members.get("Parameters", {})
        self._world.received.note(now, "ssm", document, token or None, id=run_id, parameters=parameters)
        return {"AutomationExecutionId": run_id}

    def _get(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        return {"AutomationExecution": self._shown(self._run(members), now)}

    def _describe(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        wanted = [_filter(one) for one in members.get("Filters", [])]
        found = [run for run in self._runs.values() if all(passes(run, now) for passes in wanted)]
        runs = sorted(found, key=lambda run: run.begun_at, reverse=True)
        some, rest = page([self._listed(run, now) for run in runs], members)
        return {"AutomationExecutionMetadataList": some, **rest}

    def _stop(self, members: dict[str, Any], now: datetime) -> dict[str, Any]:
        run = self._run(members)
        if run.ended_at(now) is None:
            self._runs[run.id] = replace(run, stopped_at=now)
        return {}

    def _run(self, members: dict[str, Any]) -> Run:
        run = self._runs.get(str(members.get("AutomationExecutionId")))
        if run is None:
            raise Refusal("AutomationExecutionNotFoundException", 400, "There is no such automation execution")
        return run

    def _listed(self, run: Run, now: datetime) -> dict[str, Any]:
        ended = run.ended_at(now)
        part = span(round(self._world.ids.between(0.001, 0.4, run.id, "part"), 3))  # AWS's times are no whole seconds
        shown = {
            "AutomationExecutionId": run.id,
            "DocumentName": run.document,
            "DocumentVersion": str(run.asked.get("DocumentVersion") or "1"),
            "AutomationExecutionStatus": run.status(now),
            "ExecutionStartTime": (run.begun_at + part).timestamp(),
            "Mode": "Auto",
        }
        return shown | ({"ExecutionEndTime": (ended + part).timestamp()} if ended else {})

    def _shown(self, run: Run, now: datetime) -> dict[str, Any]:
        status = run.status(now)
        more: dict[str, Any] = {"Parameters": run.asked.get("Parameters", {})}
        if status == "Success":
            more["Outputs"] = {name: list(values) for name, values in run.answer.outputs.items()}
        if status == "Failed":
            more["FailureMessage"] = run.answer.fails
        return self._listed(run, now) | more


def _filter(told: Any) -> Callable[[Run, datetime], bool]:
    """Whether a run passes a filter of DescribeAutomationExecutions.

    Raises:
        Refusal: there is no such filter, or it is none that is simulated.
    """
    key, values = str(told.get("Key")), [str(value) for value in told.get("Values", [])]
    if key == "ExecutionId":
        return lambda run, _: run.id in values
    if key == "ExecutionStatus":
        return lambda run, now: run.status(now) in values
    if key == "DocumentNamePrefix":
        return lambda run, _: run.document.startswith(tuple(values))
    raise Refusal("InvalidFilterKey", 400, f"The filter key {key} is not valid, or not simulated.")
