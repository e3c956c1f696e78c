"""Faults put into drskit on purpose: a proof that cannot find them proves nothing.

Each is a small edit of the source, applied to a copy of the package, on which
the part of the proof runs that it concerns. It is killed when the checker
finds a violation, and survives when it finds none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Edit:
    """One text of a file of drskit in the place of another."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Edit the copy under this folder.

        Raises:
            ValueError: the old text does not stand there exactly once.
        """
        path = root / "drskit" / self.path
        text = path.read_text()
        if text.count(self.old) != 1:
            message = f"{self.path} has {text.count(self.old)} times, not once: {self.old}"
            raise ValueError(message)
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Mutant:
    """A fault in drskit, and the faults of its world that should show it."""

    name: str
    edits: tuple[Edit, ...]
    series: tuple[str, ...]
    """Arguments of `python -m tests.proof` that keep to the part of the proof that it concerns."""


@dataclass(frozen=True)
class Verdict:
    """What the proof said of a mutant."""

    mutant: str
    killed: bool
    words: str
    """What killed it, with the command that repeats the run; or that nothing did."""


LAUNCHES = ("single", "--scenario", "launch", "--call", "StartRecovery", "--stop")
WRITES = ("single", "--scenario", "launch", "--call", "TransactWriteItems", "--stop")
ORDERED = ("single", "--scenario", "order", "--call", "StartRecovery", "--stop")
ACTIONS = ("single", "--scenario", "actions", "--call")
TERMINATIONS = ("single", "--scenario", "cleanup", "--call", "TerminateRecoveryInstances", "--stop")
NEVER_INELIGIBLE = Edit(
    "targets.py",
    "    instance = sight.instance\n    if instance is None:\n        where =",
    """    return None
    instance = sight.instance
    if instance is None:
        where =""",
)


def whole(scenario: str) -> tuple[str, ...]:
    """Arguments for what the undisturbed run of a scenario shows, or the first death of it."""
    return ("single", "--scenario", scenario, "--kind", "crash-after", "--stop")


TOLD = ("single", "--scenario", "notify", "--call", "Publish")
MUTANTS = (
    Mutant(
        "the header is written whatever its version",
        (
            Edit(
                "store/commits.py",
                """        unread = equals("Version", before.version) & (
            equals("Generation", generation) if generation else missing("Generation")
        )
""",
                """        unread = present("ExecutionId")
""",
            ),
            Edit(
                "store/commits.py",
                """{"Events": chunk}, missing("ExecutionId"))""",
                """{"Events": chunk}, missing("ExecutionId") | present("Events"))""",
            ),
        ),
        WRITES,
    ),
    Mutant(
        "the launch carries no tag of its attempt",
        (Edit("witness.py", "        ATTEMPT_TAG: attempt.attempt_id,\n", ""),),
        LAUNCHES,
    ),
    Mutant(
        "the launch is signed when it is sent",
        (Edit("aws/clients.py", "return signing.SIGNER", 'return "v4"'),),
        LAUNCHES,
    ),
    Mutant(
        "an absent job is proof at once",
        (Edit("settings.py", "BeforeValidator(_quiescence)] = 420", "BeforeValidator(_quiescence)] = 0"),),
        LAUNCHES,
    ),
    Mutant(
        "a page of jobs that cannot be read is an empty one",
        (
            Edit(
                "aws/recovery.py",
                """            return [read(item) for page in paginate(**arguments) for item in need(page, key, list)]
""",
                """            try:
                return [read(item) for page in paginate(**arguments) for item in need(page, key, list)]
            except Exception:
                return []
""",
            ),
        ),
        ("single", "--scenario", "outage", "--call", "StartRecovery", "--stop"),
    ),
    Mutant(
        "the time is the local clock's",
        (
            Edit(
                "session.py",
                "        return DynamoDbStore(",
                """        DynamoDbStore.now = lambda _: self.clock.now().replace(microsecond=0)
        return DynamoDbStore(""",
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "the SDK sends a launch up to three times",
        (
            Edit(
                "aws/clients.py", "LAUNCH = Config(retries=ONCE,", 'LAUNCH = Config(retries={"total_max_attempts": 3},'
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "a launch whose outcome is unknown counts as refused",
        (
            Edit(
                "aws/faults.py",
                'return Unknown(f"{type(error).__name__}: {error}")',
                "return NotExecuted(type(error).__name__, str(error))",
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "nobody looks before a launch is repeated",
        (
            Edit(
                "engine.py",
                """        recovery, ids = look.recovery, attempt.server_ids
        servers =""",
                """        return Absent()
        servers =""",
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "the steps of a wave are launched at once",
        (Edit("steps.py", "return tuple(chunk for chunk in chunks if chunk.step <= step)", "return chunks"),),
        ORDERED,
    ),
    Mutant(
        "a cleanup takes every instance of its servers",
        (
            Edit(
                "targets.py",
                "        name = server.recovery_instance_id or _left_by(server, sights, jobs)\n",
                """        mine = [one for one, owner in owners.items() if owner == server.source_server_id]
        name = next((one for one in mine if not sights[one].gone), server.recovery_instance_id)
""",
            ),
            Edit("targets.py", "instance.job_id not in jobs\n", "False\n"),
            Edit("targets.py", "instance.is_drill is not drill", "False"),
        ),
        TERMINATIONS,
    ),
    Mutant(
        "an automation is asked for without its token",
        (Edit("aws/automations.py", "(**given, ClientToken=token_of(task))", "(**given)"),),
        (*ACTIONS, "StartAutomationExecution", "--stop"),
    ),
    Mutant(
        "the intent of an action is not kept",
        (
            Edit(
                "store/codec.py",
                """    for order, task in enumerate(execution.tasks, 1):
""",
                """    for order, task in enumerate(execution.tasks, 1):
        if task.status == "INTENT":
            continue
""",
            ),
        ),
        (*ACTIONS, "Invoke", "--stop"),
    ),
    Mutant(
        "an action whose outcome nobody knows is done again",
        (Edit("tasks.py", "return Repeat.DECLARED if action.repeatable else Repeat.NEVER", "return Repeat.DECLARED"),),
        (*ACTIONS, "Invoke", "--stop"),
    ),
    Mutant(
        "nobody looks for a command before it is sent again",
        (Edit("aws/commands.py", "return Begun(found) if found else NotFound()", "return NotFound()"),),
        (*ACTIONS, "SendCommand", "--stop"),
    ),
    Mutant("a cleanup takes also what somebody needs", (NEVER_INELIGIBLE,), TERMINATIONS),
    Mutant(
        "what a topic did not take is never tried again",
        (
            Edit(
                "noticing.py",
                "if delivery.next_try and delivery.next_try <= now:",
                "if delivery.next_try and not delivery.tries:",
            ),
        ),
        (*TOLD, "--kind", "throttle"),
    ),
    Mutant(
        "nobody asks what an execution that is over has to tell",
        (Edit("outbox.py", "for one in self._store.outstanding()", "for one in ()"),),
        (*TOLD, "--kind", "crash-before"),
    ),
    Mutant(
        "a recovery is created without using up its authorisation",
        (
            Edit(
                "store/commits.py",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())\n",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())[:0]\n",
            ),
        ),
        ("single", "--scenario", "recover", "--call", "StartRecovery", "--kind", "crash-before", "--stop"),
    ),
    Mutant(
        "a recovery is launched whoever authorised it, and created by anybody",
        (
            Edit(
                "store/commits.py",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())\n",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())[:0]\n",
            ),
            Edit(
                "authorization.py",
                "    if authorization.used_by != execution.execution_id:\n",
                "    if False:\n",
            ),
        ),
        ("single", "--scenario", "recover", "--call", "StartRecovery", "--kind", "crash-before", "--stop"),
    ),
    Mutant(
        "nobody is asked about the money",
        (Edit("progress.py", "    if too_dear(execution, wave, now):\n", "    if False:\n"),),
        whole("budget"),
    ),
    Mutant(
        "the time of a plan is never over",
        (Edit("timelimit.py", "or not goes_on or now < deadline.at:", "or True:"),),
        whole("deadline"),
    ),
    Mutant(
        "the time of a wave is never over",
        (Edit("progress.py", "return any(now >= max([begin,", "return any(now < max([begin,"),),
        whole("deadline"),
    ),
    Mutant(
        "a wave is left behind before its time is over",
        (
            Edit(
                "progress.py",
                "+ plan_wave.timeout for begin in begins)",
                "+ plan_wave.timeout / 2 for begin in begins)",
            ),
        ),
        whole("deadline"),
    ),
    Mutant(
        "a wave begins without its approval",
        (Edit("progress.py", "    if plan_wave.approval:\n", "    if False:\n"),),
        whole("approve"),
    ),
    Mutant(
        "anybody may approve",
        (Edit("orders.py", "command.by) if declared.approval else None\n", "command.by) if False else None\n"),),
        whole("eyes"),
    ),
    Mutant(
        "one person is two",
        (
            Edit(
                "authorization.py",
                """    same = same_person(yours, identity_of(authorization.by), did="authorised")
""",
                "    same = None\n",
            ),
        ),
        whole("eyes"),
    ),
    Mutant(
        "a recovery for two needs one",
        (Edit("authorization.py", "return not self.second_person or self.second is not None", "return True"),),
        whole("eyes"),
    ),
    Mutant(
        "a wave does not wait for those that it needs",
        (Edit("progress.py", "and all(passed(execution, need) for need in plan_wave.needs)\n", "\n"),),
        whole("launch"),
    ),
    Mutant(
        "the jobs of others take no room",
        (Edit("quotas.py", "jobs=len(running) + len(asked),", "jobs=len(running) - len(others) + len(asked),"),),
        whole("quota"),
    ),
    Mutant(
        "a command that failed is a check that passed",
        (Edit("probes.py", "Finding(exit_code == check.exit_code,", "Finding(exit_code is not None,"),),
        whole("checks"),
    ),
    Mutant(
        "a wave is done before its checks are",
        (
            Edit(
                "progress.py",
                "return execution if unfinished(plan_wave, wave) else _judged(",
                "return execution if False else _judged(",
            ),
        ),
        whole("checks"),
    ),
    Mutant(
        "the SDK sends a command up to three times",
        (
            Edit(
                "aws/clients.py",
                """self._session.client("ssm", region_name=region, config=LAUNCH)""",
                """self._session.client("ssm", region_name=region, config=SURVEY)""",
            ),
        ),
        ("single", "--scenario", "checks", "--call", "SendCommand", "--kind", "lost-reply", "--stop"),
    ),
    Mutant(
        "an event does not name the one before",
        (Edit("history.py", "        head = event.hash\n", ""),),
        whole("launch"),
    ),
)


def copy_to(folder: Path) -> None:
    """Copy drskit and the proof, which needs nothing else of the tests."""
    shutil.copytree(ROOT / "drskit", folder / "drskit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "proof", folder / "tests" / "proof", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "__init__.py", folder / "tests")


def tried(mutant: Mutant) -> Verdict:
    """Run the part of the proof that concerns the mutant on a copy of drskit that has it."""
    with TemporaryDirectory(prefix="drskit-mutant-") as folder:
        copy = Path(folder)
        copy_to(copy)
        for edit in mutant.edits:
            edit.apply(copy)
        command = [sys.executable, "-m", "tests.proof", *mutant.series, "--processes", "1"]
        environment = os.environ | {"PYTHONPATH": str(copy)}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if not any(line.startswith("runs: ") for line in lines):
        message = f"the proof of the mutant {mutant.name!r} broke off: {done.stderr}"
        raise RuntimeError(message)
    if done.returncode == 0:
        return Verdict(mutant.name, killed=False, words="nothing was found")
    return Verdict(mutant.name, killed=True, words=" ".join(line.strip() for line in lines[:2]))


def verdicts() -> Iterator[Verdict]:
    """What the proof says of each mutant, one at a time on each processor."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(tried, MUTANTS)
