"""What people and workers do in a run, and how it must end.

A script is written as if nothing could go wrong. `Play` carries each of its
steps out by a process that may die or be cut off: then another one, or the same
one a little later, does the step again, as a person or a timer would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from drskit.errors import DrskitError, Refused
from drskit.model import CommandKind, Execution
from drskit.poller import Pass, Poller
from drskit.runbook import parse_runbook
from drskit.session import Session
from tests.proof.faults import DELAYS
from tests.proof.injector import Branch, Crash, Injector
from tests.proof.stage import Stage

T = TypeVar("T")
WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
behaviour: {job_delay: 30}
servers:
  - {id: s-5a4c1e0b7d2f93861, name: db-1, tags: {Tier: database}, durations: {gap: 5, conversion: 20, launch: 30}}
  - {id: s-5b83d60f4a91c2e75, name: app-1, tags: {Tier: app}, durations: {gap: 5, conversion: 20, launch: 30}}
"""
PLAN = """
version: 1
plan: small
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Tier: database}}}
  app: {select: {tags: {Tier: app}}}
waves:
  - {name: Database, groups: [database]}
  - {name: Application, groups: [app]}
"""
PASSES = 400
RETRY_SECONDS = 15
LONGEST_DELAY = max(DELAYS) + 60
SETTLE_SECONDS = 300
"""Longer than any job of these worlds."""
LONG = 600
"""A process that stands still so long is taken for dead, and another one works meanwhile."""


class Play:
    """A stage with a process on it that may die."""

    def __init__(self, stage: Stage, branch: Branch) -> None:
        self.stage = stage
        self.injector = Injector(stage, branch, self._freeze)
        self.execution_id = ""
        self._poller: Poller | None = None
        self.session = self._process()

    def begin(self) -> None:
        """From here on faults strike."""
        self.injector.active = True

    def start(self, plan: str = PLAN) -> None:
        """Start a drill of the plan."""
        runbook = parse_runbook(plan, source="runbooks/proof.yaml")
        execution: Execution | None = self.step(lambda session: session.start(runbook, key="proof"))
        if execution is None:
            raise AssertionError("the start was refused")
        self.execution_id = execution.execution_id

    def command(self, kind: CommandKind, **options: str) -> None:
        """Tell the execution something; that it was told already is as good."""
        self.step(lambda session: session.command(self.execution_id, kind, reason="as the script says", **options))

    def work(self) -> Pass:
        """Poll until nothing is left but decisions of people."""
        for _ in range(PASSES):
            self.stage.look()
            result = self.step(self._pass)
            if result is None or result[0].idle:
                self.stage.look()
                return result[0] if result else Pass()
            self.stage.clock.sleep(result[1])
        message = f"it is still busy after {PASSES} passes"
        raise AssertionError(message)

    def step(self, action: Callable[[Session], T]) -> T | None:
        """Do something, and do it again when the process died or was cut off; None when it is refused by then."""
        tries = 0
        while True:
            tries += 1
            try:
                return action(self.session)
            except Crash:
                self.session = self._process()
            except Refused:
                if tries == 1:
                    raise
                return None
            except DrskitError:
                if tries > PASSES:
                    raise
                self.stage.clock.sleep(RETRY_SECONDS)

    def settle(self) -> None:
        """Let everything arrive that is under way, and let a fresh worker look at it."""
        self.injector.active = False
        self.session = self._process()
        for seconds in (LONGEST_DELAY, SETTLE_SECONDS):
            self.stage.clock.sleep(seconds)
            self.work()

    def _pass(self, session: Session) -> tuple[Pass, float]:
        self._poller = self._poller or session.poller()
        result = self._poller.run_pass()
        return result, self._poller.wait_seconds(result)

    def _process(self) -> Session:
        self._poller = None
        return self.stage.session("worker", self.injector.listen)

    def _freeze(self, seconds: int) -> None:
        """The process stands still; another one takes over when that is long."""
        clock = self.stage.clock
        end = clock.now().timestamp() + seconds
        poller = None
        while (left := end - clock.now().timestamp()) > 0:
            if seconds < LONG:
                clock.sleep(left)
                return
            poller = poller or self.stage.session("other").poller()
            result = poller.run_pass()
            self.stage.look()
            clock.sleep(min(max(poller.wait_seconds(result), 1), left))


@dataclass(frozen=True)
class Scenario:
    """A script in a world."""

    name: str
    script: Callable[[Play], None]
    world: str = WORLD
    executions: int = 1


def _launch(play: Play) -> None:
    play.start()
    play.work()


SCENARIOS = {scenario.name: scenario for scenario in (Scenario("launch", _launch),)}
