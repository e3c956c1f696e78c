"""Real processes die: two workers on one served world, killed with SIGKILL again and again.

The people's commands are processes too, that die as well and are given again.
When a killed process strikes comes from the seed; what it was doing then comes
from the machine, so a round is not repeated exactly. Its logs are kept when it
found something. What must hold is what the checker says, and that each
execution COMPLETED with one launch job for each wave.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from drskit.clock import RemoteClock, wait_until
from tests.proof.checker import FINAL, Checker, Record, Violation

REGION = "us-west-2"
SPEED = 150
"""The world's seconds in a real one: the proof of absence takes three seconds."""
ROUND_SECONDS = 180
"""Real time after which a round that has not ended is lost."""
WORKERS = ("first", "second")
LIFE = 200.0
"""How many of the world's seconds a worker lives at most after its first word, while it is being killed."""
DURATIONS = {"gap": 10, "conversion": 60, "launch": 90}
PLANS: dict[str, tuple[tuple[str, int, bool], ...]] = {
    "shop": (("Database", 2, False), ("Application", 1, True)),
    "bank": (("Ledger", 1, False), ("Counter", 2, False), ("Doors", 1, False)),
    "mail": (("Everything", 2, True),),
}
"""Waves with their number of servers, and whether they need an approval."""
BARE = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@dataclass
class Figures:
    """What a series of rounds came to."""

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    """By what the process was for."""
    executions: int = 0
    jobs: int = 0
    attempts: int = 0
    """Intents; more than jobs where some came to nothing."""
    failed: list[str] = field(default_factory=list)
    """What was found, with the seed of the round and the folder of its logs."""

    def table(self) -> str:
        """The numbers, a line each."""
        kills = ", ".join(f"{count} of {role}" for role, count in sorted(self.kills.items()))
        rows = {
            "rounds": self.rounds,
            "processes killed": f"{self.kills.total()} ({kills})",
            "executions": self.executions,
            "launch jobs": self.jobs,
            "intents": self.attempts,
            "violations": len(self.failed),
        }
        return "\n".join(f"{name}: {value}" for name, value in rows.items())


def run(rounds: int, seed: int) -> Figures:
    """Play rounds with the seeds from this one on."""
    figures = Figures()
    for number in range(seed, seed + rounds):
        folder = Path(tempfile.mkdtemp(prefix=f"drskit-processes-{number}-"))
        game = Round(number, folder)
        game.play()
        figures.rounds += 1
        figures.kills += game.kills
        figures.executions += len(game.records)
        figures.jobs += game.jobs
        figures.attempts += sum(len(record.attempts) for record in game.records.values())
        if game.problems:
            told = [f"python -m tests.proof processes --rounds 1 --seed {number}", *game.problems]
            figures.failed.append("\n    ".join([*told, f"its logs are in {folder}"]))
        else:
            shutil.rmtree(folder)
    return figures


class Mortal:
    """A process with its logs, and the time of its death."""

    def __init__(self, folder: Path, number: int, words: tuple[str, ...], variables: Mapping[str, str]) -> None:
        self.words = words
        self.out = folder / f"{number:03}-{words[0]}.out"
        self.err = self.out.with_suffix(".err")
        self.dies_at: datetime | None = None
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "drskit", *words], cwd=folder, env={**bare_environment(), **variables},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip

    @property
    def spoke(self) -> bool:
        """Whether it has printed anything yet."""
        return self.out.stat().st_size > 0

    @property
    def code(self) -> int | None:
        """How it ended."""
        return self.process.poll()

    def kill(self) -> None:
        """Let it die now."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """What it was and how it ended, for a complaint."""
        return f"drskit {' '.join(self.words)} ended with {self.code}: {self.err.read_text()[-1000:]}"


class Round:
    """A world, two workers, three executions, and deaths."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.kills: Counter[str] = Counter()
        self.problems: list[str] = []
        self.records: dict[str, Record] = {}
        self.jobs = 0
        self._left = self.random.randint(4, 8)
        """How many workers may still be killed."""
        self._spawned = 0
        self._turns = 0
        self._workers: dict[str, Mortal] = {}
        self._people: dict[tuple[str, ...], Mortal] = {}
        """Commands that run, by their words."""
        self._over: set[tuple[str, ...]] = set()
        """The starts that are done."""

    def play(self) -> None:
        """Play it to its end and check everything."""
        (self.folder / "world.yaml").write_text(json.dumps(self._world()))
        for plan in PLANS:
            (self.folder / f"{plan}.yaml").write_text(json.dumps(runbook(plan)))
        with served_world(self.folder, speed=SPEED) as variables:
            self.variables = variables
            self.clock = RemoteClock(variables["DRSKIT_CLOCK_URL"])
            self.checker = Checker(REGION)
            try:
                self._prepare()
                if not wait_until(self._turn, timeout_seconds=ROUND_SECONDS):
                    self.problems.append(f"lost: after {ROUND_SECONDS} seconds there are {self._state()}")
            finally:
                for process in (*self._workers.values(), *self._people.values()):
                    process.kill()
            self._check()

    def _prepare(self) -> None:
        began = self.clock.now()
        made = self._spawn("tables", "create")
        made.process.wait(timeout=ROUND_SECONDS)
        if made.code != 0:
            raise RuntimeError(made.said())
        self._usual = (self.clock.now() - began).total_seconds()
        """How long a short process takes on this machine now, in the world's seconds."""
        for name in WORKERS:
            self._workers[name] = self._spawn("poll", "--follow", "--json")

    def _spawn(self, *words: str) -> Mortal:
        self._spawned += 1
        return Mortal(self.folder, self._spawned, words, self.variables)

    # --- a turn ------------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Let die who is due, raise who is dead, act for the people; whether all is over."""
        now = self.clock.now()
        for name, worker in self._workers.items():
            self._workers[name] = self._fate_of(worker, now)
        for words, command in list(self._people.items()):
            self._hear(words, command, now)
        for plan in PLANS:
            self._say("start", f"{plan}.yaml", "--key", "proof", "--json", now=now)
        self._turns += 1
        if self._turns % 4:
            return False
        self.records = self.checker.records()
        for name, record in self.records.items():
            for wave in waiting(record):
                self._say("approve", name, "--wave", wave, "--reason", "looked at", now=now)
        ended = len(self.records) == len(PLANS) and all(record.status in FINAL for record in self.records.values())
        return bool(self.problems) or (ended and not self._people)

    def _fate_of(self, worker: Mortal, now: datetime) -> Mortal:
        """The worker as it goes on: itself, or the one that is started after its death."""
        if worker.code is not None:
            self.problems.append(f"a worker ended by itself: {worker.said()}")
        elif worker.dies_at is None and worker.spoke and self._left > 0:
            worker.dies_at = later(now, self.random.uniform(0, LIFE))
        elif worker.dies_at is not None and now >= worker.dies_at and self._left > 0:
            self._left -= 1
            worker.kill()
            self.kills["poll"] += 1
            return self._spawn(*worker.words)
        return worker

    def _say(self, *words: str, now: datetime) -> None:
        """Give a command, unless it is being given; every other one dies under way."""
        if words in self._people or words in self._over:
            return
        self._people[words] = self._spawn(*words)
        if self.random.random() < 0.5:
            self._people[words].dies_at = later(now, self.random.uniform(0.4, 2) * self._usual)

    def _hear(self, words: tuple[str, ...], command: Mortal, now: datetime) -> None:
        """What became of a command; one that died is given again while the tables say that it is needed.

        So is one that could not tell, as on a machine that is too busy to answer in time.
        """
        if command.code is None:
            if command.dies_at is None or now < command.dies_at:
                return
            command.kill()
            self.kills[words[0]] += 1
        elif command.code == 0 and words[0] == "start":
            self._over.add(words)
        elif command.code not in (0, 2, 3) or (command.code == 2 and words[0] == "start"):  # an approval may be late
            self.problems.append(f"a command failed: {command.said()}")
        del self._people[words]

    # --- the end -----------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        try:
            self.records = self.checker.end([], len(PLANS))
        except Violation as violation:
            self.problems += str(violation).splitlines()
        jobs = self.checker.jobs()
        self.jobs = len(jobs)
        waves = sum(len(waves) for waves in PLANS.values())
        if len(jobs) != waves:
            self.problems.append(f"duplicate or lost: {len(jobs)} launch jobs for {waves} waves")
        for name, record in self.records.items():
            servers = {server["Status"] for _, server in record.servers.values()}
            if (record.status, servers) != ("COMPLETED", {"LAUNCHED"}):
                self.problems.append(f"{name} of {record.header['PlanId']} is {record.status}, its servers {servers}")
        for verified in [self._spawn("verify", name) for name in self.records]:
            verified.process.wait(timeout=ROUND_SECONDS)
            if verified.code != 0:
                self.problems.append(f"{verified.said()} {verified.out.read_text()}")

    def _state(self) -> str:
        return ", ".join(f"{name} {record.status}" for name, record in self.records.items()) or "no executions"

    def _world(self) -> dict[str, Any]:
        """Some launches are carried out and not answered for a while, so that many die between act and record."""
        behaviour = {
            "job_delay": self.random.choice([0, 0, 30]),
            "list_delay": self.random.choice([0, 60]),
            "index_lag": self.random.choice([0, 0, 60]),
        }
        return world(**behaviour) | {"faults": [
            {"operation": "StartRecovery", "kind": "timeout", "times": 2, "share": 0.4},
            {"operation": "StartRecovery", "kind": "lost-request", "times": 1, "share": 0.2},
        ]}  # fmt: skip


# --- worlds and plans ------------------------------------------------------------------------------------------------


def world(**behaviour: object) -> dict[str, Any]:
    """A world with the servers of all plans."""
    servers = [
        {"id": server_id, "name": f"{plan}-{wave}-{number}".lower(), "tags": {"Wave": wave}, "durations": DURATIONS}
        for plan, wave, number, server_id in _servers()
    ]
    return {"region": REGION, "start": "2026-03-02T09:00:00+00:00", "behaviour": behaviour, "servers": servers}


def runbook(plan: str) -> dict[str, Any]:
    """The runbook of a plan; its waves may take a day, for the world's time runs on while processes start."""
    waves: list[dict[str, Any]] = []
    for name, _, approved in PLANS[plan]:
        waves.append({"name": name, "groups": [name.lower()], "timeout": "P1D"})
        waves[-1] |= {"approve": f"Before {name} all is well."} if approved else {}
    groups = {
        name.lower(): {"select": {"servers": [server for _, wave, _, server in _servers() if wave == name]}}
        for name, _, _ in PLANS[plan]
    }
    return {"version": 1, "plan": plan, "sites": {"main": {"region": REGION}}, "groups": groups, "waves": waves}


def _servers() -> Iterator[tuple[str, str, int, str]]:
    """Plan, wave, number and id of every server."""
    for place, (plan, waves) in enumerate(PLANS.items(), 1):
        for wave_place, (wave, count, _) in enumerate(waves, 1):
            for number in range(1, count + 1):
                yield plan, wave, number, f"s-5{place}{wave_place}{number:014}"


def waiting(record: Record) -> list[str]:
    """The waves of an execution that wait for an approval which nobody has given yet."""
    given = {command.get("WaveName") for command in record.commands if not command.get("Acknowledged")}
    waves = [wave["WaveName"] for wave in record.waves.values() if wave["Status"] == "WAITING_APPROVAL"]
    return [wave for wave in waves if wave not in given]


def later(now: datetime, seconds: float) -> datetime:
    """So many seconds from now."""
    return datetime.fromtimestamp(now.timestamp() + seconds, now.tzinfo)


def bare_environment() -> dict[str, str]:
    """This process's environment without any setting of AWS or drskit."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRSKIT_"))}
    return kept | BARE


@contextmanager
def served_world(folder: Path, *, speed: float) -> Iterator[dict[str, str]]:
    """Serve `world.yaml` of a folder by a process of its own, for this process too; its variables."""
    with (folder / "000-world.err").open("wb") as err:
        words = ("sim", "serve", "--world", "world.yaml", "--speed", f"{speed:g}", "--json")
        process = subprocess.Popen(
            [sys.executable, "-m", "drskit", *words], cwd=folder, env=bare_environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
        )  # fmt: skip
    before = dict(os.environ)
    try:
        assert process.stdout
        variables: dict[str, str] = json.loads(process.stdout.readline())
        os.environ.update(variables)
        yield variables
    finally:
        os.environ.clear()
        os.environ.update(before)
        process.terminate()
        process.communicate(timeout=30)
