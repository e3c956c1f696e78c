"""What people and workers do in a run, and how it must end.

A script is written as if nothing could go wrong. `Play` carries each of its
steps out by a process that may die or be cut off: then another one, or the same
one a little later, does the step again, as a person or a timer would.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from drskit.editing import edit, wanted
from drskit.errors import DrskitError, Refused
from drskit.model import CommandKind, Execution
from drskit.poller import Pass, Poller
from drskit.recovering import authorize, recover
from drskit.runbook import parse_runbook
from drskit.session import Session
from tests.proof import features
from tests.proof.faults import DELAYS
from tests.proof.injector import Branch, Crash, Injector
from tests.proof.stage import Stage
from tests.proof.world import PLAN, WORLD

T = TypeVar("T")
Script = Callable[["Play"], None]
PASSES = 400
RETRY_SECONDS = 15
LONGEST_DELAY = max(DELAYS) + 60
SETTLE_SECONDS = 300
"""Longer than any job of these worlds."""
STRANGE_SECONDS = 1200
"""Longer than a stranger's job that fails."""
LONG = 600
"""A process that stands still so long is taken for dead, and another one works meanwhile."""


class Process:
    """A process with one session and one poller in it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._poller: Poller | None = None

    def one_pass(self) -> tuple[Pass, float]:
        """Poll once; what came of it, and how many seconds to wait."""
        self._poller = self._poller or self.session.poller()
        result = self._poller.run_pass()
        return result, self._poller.wait_seconds(result)


class Play:
    """A stage with processes on it that may die; with several, they take turns by chance."""

    def __init__(self, stage: Stage, branch: Branch, *, workers: int = 1) -> None:
        self.stage = stage
        self.injector = Injector(stage, branch, self._freeze)
        self.execution_id = ""
        self.given = Counter[str]()
        """How often people gave each kind of command, a repetition after a fault not counted."""
        self.too_late = False
        """Whether something was refused that had not been told before: a process stood still meanwhile."""
        self._processes = [self._process() for _ in range(workers)]

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """No fault strikes inside: another scenario covers that part."""
        self.injector.active = False
        yield
        self.injector.active = True

    def start(self, plan: str = PLAN) -> None:
        """Start a drill of the plan."""
        runbook = parse_runbook(plan, source="runbooks/proof.yaml")
        execution: Execution | None = self.step(lambda process: process.session.start(runbook, key="proof"))
        if execution is None:
            raise AssertionError("the start was refused")
        self.execution_id = execution.execution_id

    def command(self, kind: CommandKind, *, wave: str | None = None) -> None:
        """Tell the execution something; that it was told already is as good, and after a fault it may be too late."""
        self.given[kind.value] += 1
        self.step(
            lambda process: process.session.command(self.execution_id, kind, reason="as the script says", wave=wave)
        )

    def tell(self, kind: CommandKind, *, wave: str | None = None) -> None:
        """Tell the execution something, and poll until it has been acknowledged."""
        self.command(kind, wave=wave)
        self.acknowledged(kind)

    def acknowledged(self, kind: CommandKind) -> None:
        """Poll until what was told has been acknowledged."""
        self._poll(lambda _: self._acknowledged(kind))

    def work(self, *, passes: int = PASSES) -> None:
        """Poll until nothing is left but decisions of people, or so often."""
        left = iter(range(passes - 1, -1, -1))
        self._poll(lambda result: result.idle or (passes < PASSES and next(left) == 0))

    def work_until(self, wave: str, status: str) -> None:
        """Poll until a wave is that far, or nothing is left but decisions of people."""
        self._poll(lambda result: result.idle or self._stands(wave, status))

    def _stands(self, wave: str, status: str) -> bool:
        (record,) = self.stage.records()
        return any(one["WaveName"] == wave and one["Status"] == status for one in record.waves.values())

    def _poll(self, enough: Callable[[Pass], bool]) -> None:
        for _ in range(PASSES):
            self.stage.look()
            result, seconds = self.step(Process.one_pass) or (Pass(), 0.0)
            if enough(result):
                self.stage.look()
                return
            self.stage.clock.sleep(seconds)
        message = f"it is still busy after {PASSES} passes"
        raise AssertionError(message)

    def _acknowledged(self, kind: CommandKind) -> bool:
        (record,) = self.stage.records()
        return all(command.get("Acknowledged") for command in record.commands if command["Kind"] == kind.value)

    def step(self, action: Callable[[Process], T]) -> T | None:
        """Do something, and do it again when the process died or was cut off; None when it is refused by then."""
        tries = 0
        while True:
            tries += 1
            turn = self.stage.random.randrange(len(self._processes))
            try:
                return action(self._processes[turn])
            except Crash:
                self._processes[turn] = self._process()
            except Refused:
                if not self.injector.fired:
                    raise
                self.too_late = self.too_late or tries == 1
                return None
            except DrskitError:
                if tries > PASSES:
                    raise
                self.stage.clock.sleep(RETRY_SECONDS)

    def strange_launch(self, server: str, *, drill: bool = True) -> None:
        """Somebody else launches a server, from the console say."""
        wanted = [{"sourceServerID": server}]
        with self.stage.clear_sight():
            job = self.stage.stranger.start_recovery(sourceServers=wanted, isDrill=drill)["job"]
        self.stage.checker.strangers.add(job["jobID"])

    def held(self) -> bool:
        """Whether a stranger's job was met."""
        return any(
            attempt["Status"] == "FOREIGN" for record in self.stage.records() for attempt in record.attempts.values()
        )

    def settle(self) -> None:
        """Let everything arrive that is under way, and let a fresh worker look at it."""
        self.injector.active = False
        self._processes = [self._process()]
        for seconds in (LONGEST_DELAY, SETTLE_SECONDS):
            self.stage.clock.sleep(seconds)
            self.stage.gateway.present()  # what is under way arrives when somebody looks
        self.work()

    def _process(self) -> Process:
        return Process(self.stage.session("worker", self.injector.listen))

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
            if result.idle:
                clock.sleep(max(end - clock.now().timestamp(), 0))  # nothing is left to take over
            else:
                clock.sleep(min(max(poller.wait_seconds(result), 1), left))


@dataclass(frozen=True)
class Scenario:
    """A script in a world."""

    name: str
    script: Script
    world: str = WORLD
    executions: int = 1
    faults: frozenset[str] | None = None
    """The calls that meet faults; None for all."""
    ends: tuple[str, ...] = ()
    """How it and its waves end undisturbed, where time decides: a fault may let more or less of it be over by then."""
    whole: bool = False
    """Whether it meets every kind and span of fault; the others meet the main ones, unless all are asked for."""


def _launch(play: Play) -> None:
    play.start()
    play.work()


def _launch_in_order(play: Play) -> None:
    """The servers of the first wave are launched one after the other, with a pause between."""
    ordered = "groups: [database], order: [[s-5a4c1e0b7d2f93862], [s-5a4c1e0b7d2f93861]]}"
    play.start(PLAN.replace("groups: [database]}", ordered) + "pacing: {servers: PT20S, waves: PT10S}\n")
    play.work()


def _act(play: Play) -> None:
    """Every kind of action, in each of its places; what is called is not repeatable, but for one request."""
    play.start(ACTING)
    play.work()


def _crowded(play: Play) -> None:
    """Two waves side by side, one server a job, while a stranger's job holds one of two slots and then ends."""
    play.stage.checker.strangers.add(STRANGERS_JOB)
    play.start(PLAN.replace("groups: [app]}", "groups: [app], needs: []}"))
    play.work()


def _at_the_question(kind: CommandKind) -> Script:
    """The second wave waits for an approval, and somebody says something about it."""

    def script(play: Play) -> None:
        with play.undisturbed():
            play.start(PLAN.replace("groups: [app]}", "groups: [app], approve: look at it}"))
            play.work()
        play.tell(kind, wave="Application")
        with play.undisturbed():
            play.work()

    return script


def _while_it_runs(*kinds: CommandKind) -> Script:
    """The first wave runs, and somebody says something, and something else when nothing goes on."""

    def script(play: Play) -> None:
        with play.undisturbed():
            play.start()
            play.work(passes=2)
        for kind in kinds:
            play.tell(kind)
            with play.undisturbed():
                play.work()

    return script


def _after_a_failure(on_failure: str, kind: CommandKind) -> Script:
    """The first server fails once, and somebody says what becomes of it."""

    def script(play: Play) -> None:
        with play.undisturbed():
            play.start(PLAN.replace("groups: [database]}", f"groups: [database], on_failure: {on_failure}}}"))
            play.work()
        play.tell(kind)
        if kind is CommandKind.RETRY:
            play.work_until("Database", "COMPLETED")  # the rest is as in `launch` and in `reopened`
        with play.undisturbed():
            play.work()

    return script


def _open_again(play: Play) -> None:
    """A drill that had FAILED is retried, and ends once more: its plan must forget it a second time."""
    with play.undisturbed():
        play.start()
        play.work()
        play.tell(CommandKind.RETRY)
        play.work_until("Application", "IN_PROGRESS")
    play.work()


def _foreign(play: Play) -> None:
    """A stranger's launch holds the first server; somebody resumes the drill when that has failed."""
    play.strange_launch("s-5a4c1e0b7d2f93861")
    play.stage.clock.sleep(60)
    play.start()
    play.work()
    if not play.injector.fired and not play.held():
        raise AssertionError("the stranger's job was not met")
    play.stage.clock.sleep(STRANGE_SECONDS)
    play.tell(CommandKind.RESUME)
    play.work()


def _edit(play: Play) -> None:
    """The second wave waits for an approval, and somebody who may give it takes a server out and the question away."""
    with play.undisturbed():
        play.start(PLAN.replace("groups: [app]}", "groups: [app], approve: look at it}"))
        play.work()
    what = wanted("timeout: PT2H", drop=["approve"], remove=["s-5b83d60f4a91c2e76"])
    play.given["edit"] += 1
    play.step(
        lambda process: edit(process.session, play.execution_id, "Application", what, reason="as the script says")
    )
    play.acknowledged(CommandKind.EDIT)
    with play.undisturbed():
        play.work()


def _recover(play: Play) -> None:
    """Somebody authorises a recovery and starts it; where the token expired meanwhile, they make another one."""
    runbook = parse_runbook(PLAN, source="runbooks/proof.yaml")
    execution: Execution | None = None
    while execution is None:
        made = play.step(
            lambda process: authorize(process.session, process.session.preview(runbook), reason="as the script says")
        )
        if made is None:
            raise AssertionError("the authorisation was refused")
        token = made.token
        execution = play.step(lambda process, token=token: recover(process.session, runbook, token=token))
    play.execution_id = execution.execution_id
    play.work(passes=2)  # the first launch; what comes after it is as in `launch`
    with play.undisturbed():
        play.work()


def _cleanup(play: Play) -> None:
    """A drill's instances are terminated, but for one that is needed; a stranger's stay, of the drill's servers too."""
    with play.undisturbed():
        play.start()
        play.work()
        play.strange_launch("s-5a4c1e0b7d2f93861", drill=False)
        play.stage.clock.sleep(SETTLE_SECONDS)
    play.step(lambda process: process.session.cleanup(play.execution_id, reason="as the script says"))
    play.work()


def _telling(play: Play) -> None:
    """Everything is told to a topic and a bus; the second wave asks."""
    told = "notify: [{sns: 'arn:aws:sns:us-west-2:123456789012:dr'}, {events: dr}]\n"
    play.start(PLAN.replace("groups: [app]}", "groups: [app], approve: look at it}") + told)
    play.work()
    play.tell(CommandKind.APPROVE, wave="Application")
    play.work()


def _asking(play: Play) -> None:
    """The first wave fails and waits for a verdict while the other goes on; all of it is told to a bus."""
    waves = "groups: [app], needs: []}\n  - {name: Last, groups: [last], needs: [Database]}"
    groups = "groups:\n  last: {select: {servers: [s-5a4c1e0b7d2f93862]}}\n"
    plan = PLAN.replace("groups: [app]}", waves).replace("groups:\n", groups)
    plan = plan.replace("groups: [database]}", "groups: [database], on_failure: pause}")
    play.start(plan + "notify: [{events: dr}]\n")
    play.work()
    play.tell(CommandKind.RESUME, wave="Database")
    play.work()


ACTING = (
    PLAN.replace(
        "groups: [database]}",
        """groups: [database],
     before: [{ssm_automation: {document: Warm}, modes: [DRILL]}],
     after: [{ssm_command: {commands: ls}, modes: [DRILL]},
             {lambda: {function: shift}, modes: [DRILL], on_failure: continue},
             {http: {url: 'https://cmdb.example.com/{execution}'}, modes: [DRILL], on_failure: continue}]}""",
    )
    .replace(
        "  - {name: Application, groups: [app]}",
        """finally:
  - {http: {url: 'https://cmdb.example.com/end', method: PUT}, modes: [DRILL], repeatable: true}
  - {sns: 'arn:aws:sns:us-west-2:123456789012:end', modes: [DRILL], on_failure: continue}
  - {sns: 'arn:aws:sns:us-west-2:123456789012:end.fifo', modes: [DRILL], on_failure: continue}""",
    )
    .replace("  app: {select: {tags: {Tier: app}}}\n", "")
)


def _checking(play: Play) -> None:
    """Each wave is verified, from here and by a command, before the next one begins."""
    checks = """checks: {every: PT20S, timeout: PT30M, all: [
      {tcp: 8080}, {ec2_status: ok}, {ssm: systemctl is-active shop}, {integrity: count rows}]}"""
    plan = PLAN.replace("groups: [database]}", f"groups: [database], {checks}}}")
    play.stage.checker.sound_after = {"s-5a4c1e0b7d2f93861": 200, "s-5b83d60f4a91c2e75": 0}
    play.start(plan)
    play.work()


STRANGER = """
  - id: s-5c93d60f4a91c2e75
    name: stranger
    instances: [{id: i-0123456789abcdef0, drill: false, launched: 2026-03-01T09:00:00Z}]
"""
BOTH = (
    WORLD
    + """
  - {id: s-5b83d60f4a91c2e76, name: app-2, tags: {Tier: app}, durations: {gap: 5, conversion: 20, launch: 30}}
"""
)
FAILING = WORLD.replace("name: db-1,", "name: db-1, fails: [no-capacity],")
PAIR = (
    WORLD
    + """
  - {id: s-5a4c1e0b7d2f93862, name: db-2, tags: {Tier: database}, durations: {gap: 5, conversion: 20, launch: 30}}
"""
)
SLOWER = "name: app-1, tags: {Tier: app}, durations: {gap: 5, conversion: 20, launch: 1500"
"""Its wave still runs when the question about the other is asked."""
THREE = FAILING.replace("name: app-1, tags: {Tier: app}, durations: {gap: 5, conversion: 20, launch: 30", SLOWER)
THREE += "  - {id: s-5a4c1e0b7d2f93862, name: last, durations: {gap: 5, conversion: 20, launch: 30}}\n"
STRANGERS_JOB = "drsjob-5c93d60f4a91c2e75"
FULL = (
    PAIR.replace("job_delay: 30", "job_delay: 30, jobs_quota: 2, servers_per_job_quota: 1")
    + f"""
  - {{id: s-5c93d60f4a91c2e75, name: stranger}}
jobs:
  - {{id: {STRANGERS_JOB}, created: 2026-03-02T08:58:00Z, ended: 200, outcomes: {{s-5c93d60f4a91c2e75: LAUNCHED}}}}
"""
)
UNGUARDED = FULL.replace("job_delay: 30", "job_delay: 30, quotas_hold: false")
"""DRS would take more jobs than its quota: that there are no more is our doing."""
NEEDED = PAIR.replace("launch: 30}", "launch: 30, terminate: 40}").replace(
    "name: db-2,", "name: db-2, failback: {client_after: 200},"
)
"""Somebody begins to fail back to the instance of db-2; the others are terminated within four looks."""
HELD = FAILING.replace("conversion: 20", "conversion: 100", 1)
"""The stranger's launch lasts long enough to be met, and leaves no instance; the next one succeeds."""
OUTAGE = WORLD.replace(
    "\nservers:",
    """
faults:
  - {operation: DescribeJobs, kind: error-500, times: 9999, until: "2026-03-02T09:15:00Z"}
servers:""",
)
"""DRS does not tell its jobs for a quarter of an hour; it launches all the same."""


UNWELL = WORLD.replace(
    "servers:",
    """answers:
  tcp: [{port: 8080, before: 160, open: false}]
  commands: [{contains: is-active, before: 200, exit_code: 3}, {contains: count, takes: 20, stdout: "7"}]
servers:""",
)
"""Its instances listen some time after their launch, and their service runs a little later."""
LAUNCHES = frozenset({"StartRecovery"})
COUNTS = frozenset({"DescribeJobs", "ListServiceQuotas"})
"""What tells how much room there is; without it DRS has to refuse."""
WRITES = frozenset({"StartRecovery", "TransactWriteItems"})
SENDS = frozenset({"Publish", "PutEvents"})
DOINGS = frozenset({"StartAutomationExecution", "SendCommand", "Invoke", "Publish"})
READY = WORLD.replace("durations: {gap: 5", "post_launch: {agent_after: 0}, durations: {gap: 5")
"""The agents are there at once."""
PROBES = frozenset({"SendCommand"})
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("launch", _launch, whole=True),
        Scenario("outage", _launch, OUTAGE, faults=LAUNCHES, whole=True),
        Scenario("order", _launch_in_order, PAIR, faults=WRITES),
        Scenario("actions", _act, READY, faults=DOINGS | WRITES),
        Scenario("quota", _crowded, UNGUARDED, faults=WRITES),
        Scenario("full", _crowded, FULL, faults=COUNTS),
        Scenario("approve", _at_the_question(CommandKind.APPROVE), whole=True),
        Scenario("decline", _at_the_question(CommandKind.DECLINE), whole=True),
        Scenario("skip", _at_the_question(CommandKind.SKIP), whole=True),
        Scenario("edit", _edit, BOTH, whole=True),
        Scenario("recover", _recover),
        Scenario("pause", _while_it_runs(CommandKind.PAUSE, CommandKind.RESUME), whole=True),
        Scenario("cancel", _while_it_runs(CommandKind.CANCEL), whole=True),
        Scenario("resume", _after_a_failure("pause", CommandKind.RESUME), FAILING, whole=True),
        Scenario("reopened", _open_again, FAILING, faults=WRITES),
        Scenario("foreign", _foreign, HELD),
        Scenario("cleanup", _cleanup, NEEDED + STRANGER, executions=2, whole=True),
        Scenario("notify", _telling, faults=SENDS | WRITES),
        Scenario("questions", _asking, THREE, faults=SENDS),
        Scenario("checks", _checking, UNWELL, faults=PROBES | WRITES),
        Scenario("budget", features.spend, faults=WRITES),
        Scenario("afford", features.spend_again, FAILING, faults=WRITES),
        Scenario(
            "deadline",
            features.run_late,
            features.SLOW,
            faults=WRITES,
            ends=("TIMED_OUT", "TIMED_OUT", "COMPLETED", "CANCELLED"),
        ),
        Scenario("eyes", features.agree, faults=WRITES | {"PutItem"}),
        Scenario("jobs", features.launch_many, features.MANY, faults=WRITES),
        Scenario("retry", _after_a_failure("stop", CommandKind.RETRY), FAILING, whole=True),
    )
}
