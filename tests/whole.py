"""The whole of drskit in one process, with everything that can happen to it as a method.

Real sessions, moto, the simulator and virtual time. Workers take turns, also in
the middle of each other's passes; any call of any of them can meet a fault.
After whatever happened, `look` holds:

- A source server is in at most one launch job that runs, and the job is ours.
- Each job carries an attempt's tag; the tables know the attempt, and under it the job, or its intent is still open.
- What is not final is in the StatusIndex; what is PAUSED says for what it waits.
- Nothing is FAILED, and no execution final, while its job runs, unless its time was over.
- The history is whole and unedited, and the execution is what its history says.
- A command is acknowledged once, and keeps the answer that it got.
- No worker finds an item that it cannot read, or an execution that it cannot advance.

At the end the faults are over, and a fresh worker brings the execution to its
end, or to a person's decision that it names.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from drskit.errors import InvalidInput, Refused, Unavailable
from drskit.model import CommandKind, Execution
from drskit.poller import Poller
from drskit.runbook import parse_runbook
from drskit.session import Session
from drskit.sim.spec import Fault as WireFault
from drskit.sim.spec import FaultKind
from drskit.states import FINAL_EXECUTION, WAITS_FOR_A_PERSON
from drskit.verify import faults
from tests.proof.faults import Call, Fault
from tests.proof.injector import Crash, Injector
from tests.proof.stage import Stage, stage

WORKERS = 3
PASSES = 400
DISTURBED_PASSES = 4
SETTLE_SECONDS = 1_100
"""Longer than any request of these runs is under way."""
WAVES = ("Database", "Application", "Web")
KINDS = (
    "crash-before", "crash-after", "lost-request", "lost-reply", "blip-reply", "throttle", "error-500",
    "error-500-after", "late", "freeze-before", "freeze-after", "expired-token",
)  # fmt: skip
SECONDS = {"late": (10, 120, 280, 1_000), "freeze-before": (0, 0, 20, 600), "freeze-after": (0, 0, 20, 600)}
"""Freezes of no time at all: another worker is quicker, between two calls."""
FAILURES = (None, None, "conversion-failed", "launch-denied")
RANDOM = re.compile(r"\b[0-9a-f]{16}\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What is random in a request: the ids of writes, and the SDK's tokens."""
DURATIONS = "durations: {gap: 5, conversion: 20, launch: 30}"
PLAN = """
version: 1
plan: small
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Tier: database}}}
  app: {select: {tags: {Tier: app}}}
  web: {select: {tags: {Tier: web}}}
waves:
  - {name: Database, groups: [database], on_failure: pause}
  - {name: Application, groups: [app], approve: The database answers., timeout: P1D}
  - {name: Web, groups: [web], needs: [], on_failure: continue}
"""


def world(job_delay: int, failure: str | None) -> str:
    """Four servers; one of the databases may fail when it is launched first."""
    fails = f", fails: [{failure}]" if failure else ""
    return f"""
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 5
behaviour: {{job_delay: {job_delay}}}
servers:
  - {{id: s-5a4c1e0b7d2f93861, name: db-1, tags: {{Tier: database}}, {DURATIONS}}}
  - {{id: s-5a4c1e0b7d2f93862, name: db-2, tags: {{Tier: database}}, {DURATIONS}{fails}}}
  - {{id: s-5b83d60f4a91c2e75, name: app-1, tags: {{Tier: app}}, {DURATIONS}}}
  - {{id: s-5c83d60f4a91c2e76, name: web-1, tags: {{Tier: web}}, {DURATIONS}}}
"""


class Process:
    """A session that may meet a fault at one of its next calls."""

    def __init__(self, whole: "Whole", role: str) -> None:
        self._whole = whole
        self._calls = -1
        self._operation = ""
        self._kind = ""
        self._seconds = 0
        self.busy = False
        injector = Injector(whole.place, self._branch, self._freeze)
        self.session: Session = whole.place.session(role, lambda client: (injector.listen(client), whole.note(client)))
        self._poller: Poller | None = None

    def arm(self, call: "int | str", kind: str, seconds: int) -> None:
        """Let a fault strike after so many calls more, or at the next one of an operation."""
        self._calls, self._operation = (-1, call) if isinstance(call, str) else (call, "")
        self._kind, self._seconds = kind, seconds

    @property
    def armed(self) -> bool:
        """Whether the fault has still to strike."""
        return bool(self._kind)

    @property
    def poller(self) -> Poller:
        self._poller = self._poller or self.session.poller()
        return self._poller

    def _branch(self, call: Call) -> Fault | None:
        self._calls -= 1
        here = call.operation == self._operation or (not self._operation and self._calls == -1)
        if not here or not self._kind:
            return None
        kind, self._kind = self._kind, ""
        if kind == "expired-token":
            fault = WireFault(service=call.service, operation=call.operation, kind=FaultKind.EXPIRED_TOKEN)
            self._whole.place.gateway.faults.add(fault)
            return None
        return Fault(call.operation, call.number, kind, self._seconds)

    def _freeze(self, seconds: int) -> None:
        """While this one stands still, the others work."""
        self._whole.place.clock.sleep(seconds)
        self._whole.let_others_work()


class Whole:
    """A world, an execution, workers and people."""

    def __init__(self, place: Stage) -> None:
        self.place = place
        self.trace: list[str] = []
        self._answers: dict[str, tuple[object, ...]] = {}
        self._workers = [self._worker(number) for number in range(WORKERS)]
        self._watcher = place.session("watcher")
        self._runbook = parse_runbook(PLAN, source="runbooks/whole.yaml")
        self._looked_at = -1
        self._due_in = 0.0
        self._someone = self._person()
        execution = self._someone.session.start(self._runbook, key="whole")
        self.execution_id = execution.execution_id

    def note(self, client: Any) -> None:
        """Write down what the client sends."""

        def sent(request: Any, event_name: str = "", **_: Any) -> None:
            body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
            self.trace.append(f"{event_name} {RANDOM.sub('random', body)}")

        client.meta.events.register_first("before-send", sent)

    def _worker(self, number: int) -> Process:
        return Process(self, f"worker{number}")

    def _person(self) -> Process:
        return Process(self, "person")

    # --- what happens ------------------------------------------------------------------------------------------------

    def tick(self, number: int) -> float:
        """A worker makes a pass, or dies in it; the seconds until the next is due."""
        process = self._workers[number]
        process.busy = True
        try:
            result = process.poller.run_pass()
        except Crash:
            self._workers[number] = self._worker(number)
            return 0
        except Unavailable:
            return 15
        finally:
            process.busy = False
        assert () == result.quarantined
        self._due_in = process.poller.wait_seconds(result)
        return self._due_in if not result.idle else -1

    def let_others_work(self) -> None:
        """Whoever is not in the middle of a pass makes one."""
        for number, process in enumerate(self._workers):
            if not process.busy:
                self.tick(number)
                return

    def disturbed(self, number: int, call: int | str, kind: str, seconds: int) -> None:
        """A worker makes passes as they fall due, until one of its calls meets a fault."""
        process = self._workers[number]
        process.arm(call, kind, seconds)
        for _ in range(DISTURBED_PASSES):
            self.wait(self._due_in)
            if self.tick(number) < 0 or not process.armed:
                return

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.place.clock.sleep(seconds)

    def go_on(self, number: int, passes: int) -> None:
        """A worker makes passes when they are due, until nothing is left for it to do."""
        for _ in range(passes):
            seconds = self.tick(number)
            if seconds < 0:
                return
            self.wait(seconds)

    def command(self, kind: CommandKind, wave: str | None, calls: int = -1, fault: str = "") -> None:
        """A person tells it something, whether or not it makes sense, and may be cut off."""
        self._someone.arm(calls, fault, 0)
        told = self._someone.session.command
        self._tried(lambda: told(self.execution_id, kind, reason="why not", wave=wave))

    def start_again(self, calls: int = -1, fault: str = "") -> None:
        """Somebody starts it once more under the same key: it is the same execution."""
        self._someone.arm(calls, fault, 0)
        start = self._someone.session.start
        found = self._tried(lambda: start(self._runbook, key="whole"))
        assert self.execution_id == (found.execution_id if found else self.execution_id)

    def _tried(self, action: Callable[[], Execution]) -> Execution | None:
        try:
            return action()
        except Crash:
            self._someone = self._person()
        except (InvalidInput, Refused, Unavailable):
            pass
        return None

    # --- what must hold ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Everything that holds at any moment; nothing new is written by it."""
        if self._looked_at == len(self.place.sent):
            return
        self._looked_at = len(self.place.sent)
        self.place.checker.step(self.place.sent)
        execution, events, logs = self._watcher.history(self.execution_id)
        assert () == faults(execution, events, logs)
        self._nothing_is_lost(execution)
        self._jobs_are_ours(execution)
        self._commands_are_answered_once(execution)

    def _nothing_is_lost(self, execution: Execution) -> None:
        if execution.status in FINAL_EXECUTION:
            return
        found = [getattr(header, "execution_id", None) for header in self._watcher.store.find([execution.status])]
        assert [self.execution_id] == found
        assert execution.waiting_for or execution.status not in WAITS_FOR_A_PERSON

    def _jobs_are_ours(self, execution: Execution) -> None:
        attempts = {attempt.attempt_id: attempt for attempt in execution.attempts}
        running = Counter[str]()
        for job in self.place.checker.jobs():
            attempt = attempts[job["tags"]["drskit:Attempt"]]
            assert attempt.job_id == job["jobID"] or attempt.status == "INTENT"
            if job["status"] != "COMPLETED":
                running.update(part["sourceServerID"] for part in job["participatingServers"])
        assert not [server for server, count in running.items() if count > 1]

    def _commands_are_answered_once(self, execution: Execution) -> None:
        told = {one.command_id: (one.kind, one.at, one.acknowledged, one.answer) for one in execution.commands}
        for name, answered in self._answers.items():
            assert answered == told[name]
        self._answers = {name: answer for name, answer in told.items() if answer[2] is not None}

    def end(self) -> Execution:
        """The faults are over: a fresh worker finishes it, and everything is checked once more."""
        self.place.gateway.faults.clear()
        self._workers = [self._worker(number) for number in range(WORKERS)]
        for _ in range(2):
            self.wait(SETTLE_SECONDS)
            self.go_on(0, PASSES)
            self.look()
        self.place.checker.end(self.place.sent, 1)
        execution = self._watcher.store.load(self.execution_id)
        assert execution.status in FINAL_EXECUTION | WAITS_FOR_A_PERSON
        return execution


@contextmanager
def whole(job_delay: int = 0, failure: str | None = None, *, seed: int = 0) -> Iterator[Whole]:
    """Open a world with a drill just started."""
    with stage(world(job_delay, failure), seed=seed) as place:
        yield Whole(place)
