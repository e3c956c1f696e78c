"""Many workers come to the result of one: statuses, launch jobs, attempts, requests and what the history tells.

In one process up to four workers take turns at every boto3 call, as a seed says.
And on one served world a notebook, two workers that follow, and passes like those
of a Lambda function, delivered once or twice, drive one drill as real processes.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from drskit.clock import wait_until
from drskit.deploy.handler import poll
from drskit.model import CommandKind
from drskit.runbook import parse_runbook
from tests.proof.checker import FINAL, Checker, outcome
from tests.proof.processes import REGION, SPEED, Mortal, runbook, served_world, world
from tests.proof.stage import Stage, stage
from tests.whole import PLAN
from tests.whole import world as small_world

PASSES = 600
TURNS = 0.2
"""At which part of its calls a worker is interrupted by another one's pass."""
SEEDS = range(6)


def result(checker: Checker, sent: Iterable[Any] = ()) -> dict[str, Any]:
    """What a drill came to, without names that are made anew each time, once everything holds that must."""
    records = checker.end(sent, 1)
    (record,) = records.values()
    launched = checker.jobs()
    attempts = sorted((one["WaveName"], one["Chunk"], one["Number"], one["Status"]) for one in record.attempts.values())
    return {
        "outcome": outcome(records),
        "attempts": attempts,
        "jobs": sorted(sorted(part["sourceServerID"] for part in job["participatingServers"]) for job in launched),
        "commands": [(one["Kind"], one["Answer"]) for one in record.commands],
        "kinds": {event["Kind"] for event in record.events},
        "changes": Counter(event["Kind"] for event in record.events if event["Kind"] in COUNTED),
    }


COUNTED = {"EXECUTION_STARTED", "COMMAND_RECEIVED", "COMMAND_ACKNOWLEDGED", "ATTEMPT_INTENT"}
"""Kinds that come as often, whoever writes; the others depend on when somebody looks."""


# --- in one process --------------------------------------------------------------------------------------------------


class Crowd:
    """Workers that interrupt each other between any two calls."""

    def __init__(self, place: Stage, size: int, seed: int) -> None:
        self.place = place
        self.random = random.Random(seed)
        self.passes = 0
        """How many were made in the middle of another one's."""
        self._busy: set[int] = set()
        self._sessions = [place.session("worker", lambda client, n=n: self._watch(client, n)) for n in range(size)]
        self._pollers = [session.poller() for session in self._sessions]
        self._function = size - 1 if size > 1 else None
        """The worker that interrupts as a Lambda function does: by a message, which may come twice."""

    def _watch(self, client: Any, number: int) -> None:
        client.meta.events.register_first("before-call", lambda **_: self._between(number))

    def _between(self, number: int) -> None:
        """Let another worker make a whole pass, if the seed says so."""
        others = [other for other in range(len(self._sessions)) if other not in self._busy]
        if number not in self._busy or not others or self.random.random() >= TURNS:
            return
        self.passes += 1
        other = self.random.choice(others)
        self._busy.add(other)  # its wake is a call, too
        self._pollers[other].wake(self.place.gateway.spec.account, self.place.gateway.spec.region)
        if other == self._function:
            self._deliver(other)
        else:
            self._run(other)

    def _deliver(self, number: int) -> None:
        spec = self.place.gateway.spec
        body = json.dumps({"AccountId": spec.account, "Region": spec.region})
        messages = [{"messageId": name, "body": body} for name in ("1", "2")[: self.random.randint(1, 2)]]
        try:
            assert {"batchItemFailures": []} == poll(self._sessions[number], {"Records": messages})
        finally:
            self._busy.discard(number)

    def _run(self, number: int) -> Any:
        self._busy.add(number)
        try:
            found = self._pollers[number].run_pass()
        finally:
            self._busy.discard(number)
        assert () == found.quarantined
        return found

    def work(self) -> None:
        """Passes of any worker until nothing is left but decisions of people."""
        for _ in range(PASSES):
            number = self.random.randrange(len(self._sessions))
            found = self._run(number)
            if found.idle:
                return
            self.place.clock.sleep(self._pollers[number].wait_seconds(found))
        raise AssertionError(f"still busy after {PASSES} passes")


def drilled(size: int, seed: int) -> tuple[dict[str, Any], int]:
    """What a drill of so many workers comes to, and how often they interrupted each other."""
    with stage(small_world(30, None)) as place:
        person = place.session("person")
        execution = person.start(parse_runbook(PLAN, source="runbooks/small.yaml"))
        crowd = Crowd(place, size, seed)
        crowd.work()
        person.command(execution.execution_id, CommandKind.APPROVE, reason="looked at")
        crowd.work()
        found = result(place.checker, place.sent)
        found["requests"] = sum(one.operation == "StartRecovery" for one in place.sent)
        return found, crowd.passes


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What one worker comes to."""
    return drilled(1, 0)[0]


def test_one_worker_launches_each_wave_once(alone):
    """The yardstick: three jobs, three requests, one approval."""
    assert (3, 3, [("approve", "approved")]) == (len(alone["jobs"]), alone["requests"], alone["commands"])
    assert "COMPLETED" == alone["outcome"][0][0]


@pytest.mark.parametrize("seed", SEEDS)
def test_workers_that_interrupt_each_other_come_to_the_same(alone, seed):
    """Two to four of them, at any of their calls."""
    found, interrupted = drilled(2 + seed % 3, seed)
    assert interrupted > 5
    assert alone == found


# --- as processes ----------------------------------------------------------------------------------------------------


def drilled_by_processes(folder: Path, *, crowd: bool) -> dict[str, Any]:
    """What a headless drill's notebook comes to, alone or with other workers beside it."""
    folder.mkdir()
    (folder / "world.yaml").write_text(json.dumps(world()))
    (folder / "shop.yaml").write_text(json.dumps(runbook("shop")))
    with served_world(folder, speed=SPEED) as variables:
        made = Mortal(folder, 1, ("tables", "create"), variables)
        assert 0 == made.process.wait(timeout=60)
        notebook = Mortal(folder, 2, ("drill", "shop.yaml", "--simulate", "--approve-all"), variables)
        followers = [Mortal(folder, 3 + n, ("poll", "--follow"), variables) for n in range(2 * crowd)]
        delivered = _deliver(folder, variables, notebook) if crowd else []
        try:
            assert 0 == notebook.process.wait(timeout=120), notebook.said()
            assert [None] * len(followers) == [follower.code for follower in followers]
            assert [] == [one.said() for one in delivered if one.process.wait(timeout=60) not in (0, 1)]
        finally:
            for process in (notebook, *followers, *delivered):
                process.kill()
        return result(Checker(REGION))


def _deliver(folder: Path, variables: dict[str, str], notebook: Mortal) -> list[Mortal]:
    """Single passes of fresh processes while the notebook runs, every other one twice at the same moment."""
    checker, draw = Checker(REGION), random.Random(1)
    delivered: list[Mortal] = []

    def turn() -> bool:
        if all(one.code is not None for one in delivered):
            for _ in range(draw.choice([1, 2])):
                delivered.append(Mortal(folder, 10 + len(delivered), ("poll", "--json"), variables))
        records = checker.records()
        ended = [record for record in records.values() if record.status in FINAL]
        return bool(ended) or notebook.code is not None

    assert wait_until(turn, timeout_seconds=120)
    assert len(delivered) > 2
    return delivered


@pytest.mark.slow
def test_a_notebook_workers_and_passes_of_a_lambda_come_to_the_result_of_one(tmp_path):
    """Six processes and more on one set of tables; what they leave is what the notebook alone leaves."""
    alone = drilled_by_processes(tmp_path / "alone", crowd=False)
    together = drilled_by_processes(tmp_path / "together", crowd=True)
    assert (2, "COMPLETED") == (len(alone["jobs"]), alone["outcome"][0][0])
    assert alone == together
