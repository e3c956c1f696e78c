"""All faults of a scenario: the run forks at every call, once for every fault that is to strike there.

What happened before the call is the same in all of them and is played once. A
child meets its fault, plays to the end, lets the checker look and reports
through a pipe; nothing that it did can touch another.
"""

import gc
import json
import os
import random
import selectors
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.proof.faults import Call, Fault, faults_of
from tests.proof.runs import Result, judged, run
from tests.proof.scenarios import SCENARIOS

Report = Callable[[Result], None]
"""Told of every run when it ended."""


class Nursery:
    """Children at work, never more than `room` at a time."""

    def __init__(self, room: int, report: Report) -> None:
        self.child = False
        """Whether this process is one."""
        self.broken: list[str] = []
        """What became of those that ended otherwise than by what a run can come to."""
        self._room = room
        self._report = report
        self._pipes: dict[int, tuple[int, bytearray]] = {}
        """Read end -> process and what it has said so far."""
        self._selector = selectors.DefaultSelector()
        self._pipe = -1
        gc.collect()
        gc.freeze()  # what is shared with the children is not touched again

    def fork(self) -> bool:
        """Split when there is room; whether this is the child now."""
        while len(self._pipes) >= self._room:
            self._wait()
        sys.stdout.flush()
        read, write = os.pipe()
        process = os.fork()
        if process == 0:
            self.child, self._pipe = True, write
            self._selector.close()
            gc.disable()  # a child lives for a second
            return True
        os.close(write)
        self._pipes[read] = (process, bytearray())
        self._selector.register(read, selectors.EVENT_READ)
        return False

    def play(self, action: Callable[[], Result]) -> None:
        """Do something in which children may come into being; a child reports what came of it, and leaves."""
        try:
            result = action()
        except BaseException:
            if not self.child:
                raise
            result = Result("", (), problems=tuple(traceback.format_exc().splitlines()[-8:]))
        self.leave(result)

    def leave(self, result: Result) -> None:
        """A child reports and is gone; nothing happens to the parent."""
        if self.child:
            os.write(self._pipe, json.dumps(result.to_json()).encode())
            os._exit(0)

    def drain(self) -> None:
        """Wait until every child has reported.

        Raises:
            RuntimeError: one of them broke off.
        """
        while self._pipes:
            self._wait()
        if self.broken:
            raise RuntimeError("\n\n".join(self.broken))

    def _wait(self) -> None:
        for key, _ in self._selector.select():
            process, said = self._pipes[key.fd]
            part = os.read(key.fd, 1 << 16)
            if part:
                said += part
                continue
            self._selector.unregister(key.fd)
            os.close(key.fd)
            del self._pipes[key.fd]
            os.waitpid(process, 0)
            result = Result.from_json(json.loads(said)) if said else None
            if result is None:
                self.broken.append(f"process {process} of the proof died without a report")
            elif not result.scenario:
                self.broken.append("\n".join(result.problems))
            else:
                self._report(result)


def sweep(
    scenario: str,
    report: Report,
    *,
    processes: int,
    wanted: Callable[[Fault], bool] = lambda _: True,
    first: Fault | None = None,
) -> Result:
    """Play a scenario under every single fault, one a run; the undisturbed run comes back.

    Args:
        scenario: its name.
        report: told of every disturbed run; its problems are complete.
        processes: how many runs go on at a time.
        wanted: which faults are tried.
        first: a fault that every run meets, before the one that is its own.
    """
    undisturbed: list[Result] = []  # a child's, too
    early: list[Result] = []  # what came before it

    def told(result: Result) -> None:
        (early if undisturbed or result.faults else undisturbed).append(result)
        while undisturbed and not undisturbed[0].problems and early:
            report(judged(early.pop(0), undisturbed[0]))

    nursery = Nursery(processes, told)
    begun = first is None
    only = SCENARIOS[scenario].faults

    def branch(call: Call) -> Fault | None:
        nonlocal begun
        if nursery.child or nursery.broken or (undisturbed and undisturbed[0].problems):
            return None
        if not begun and first is not None:
            begun = (call.operation, call.number) == (first.operation, first.number)
            return first if begun else None
        return next((fault for fault in _met(call, only) if wanted(fault) and nursery.fork()), None)

    if nursery.fork():
        nursery.play(lambda: run(scenario, lambda _: None, ended=nursery.leave))
    nursery.play(lambda: run(scenario, branch, ended=nursery.leave))
    nursery.drain()
    if undisturbed[0].problems:
        report(undisturbed[0])
    return undisturbed[0]


def single_faults(scenario: str) -> list[Fault]:
    """Every fault of every call of the undisturbed run, in order."""
    calls: list[Call] = []
    run(scenario, calls.append)
    only = SCENARIOS[scenario].faults
    return [fault for call in calls for fault in _met(call, only)]


def _met(call: Call, only: frozenset[str] | None) -> list[Fault]:
    """What a call meets; where only some calls meet faults, what those before it would stand for is not left out."""
    if only is None:
        return faults_of(call)
    return faults_of(replace(call, anew=True)) if call.operation in only else []


def pairs(
    scenario: str, report: Report, *, processes: int, part: tuple[int, int], go_on: Callable[[], bool]
) -> tuple[int, int]:
    """Play a scenario under every pair of faults; how many first faults were tried, and how many this part has.

    The first faults come in an order drawn by chance but always the same, so that a part, or a series that was ended
    early, is a sample of the whole.

    Args:
        scenario: its name.
        report: told of every disturbed run.
        processes: how many runs go on at a time.
        part: which part of how many, counted from 1.
        go_on: asked before each run.
    """
    firsts = single_faults(scenario)
    random.Random(0).shuffle(firsts)
    mine = firsts[part[0] - 1 :: part[1]]
    for tried, first in enumerate(mine):
        sweep(scenario, report, processes=processes, wanted=lambda _: go_on(), first=first)
        if not go_on():
            return tried, len(mine)
    return len(mine), len(mine)


MOST_FAULTS = 21
MOST_WORKERS = 4
LIKELY_CALLS = 120
"""About how many calls a run makes: faults are spread over so many."""


def drawn(seed: int, number: int) -> Result:
    """The run of this number in the series of this seed: a scenario, 1 to 4 workers and 2 to 21 faults by chance."""
    chance = random.Random(f"{seed}/{number}")
    scenario = chance.choice(sorted(SCENARIOS))
    workers, left = chance.randint(1, MOST_WORKERS), chance.randint(2, MOST_FAULTS)
    often = left / LIKELY_CALLS

    def branch(call: Call) -> Fault | None:
        nonlocal left
        if left == 0 or chance.random() >= often:
            return None
        left -= 1
        return chance.choice(faults_of(replace(call, anew=True)))

    command = f"python -m tests.proof random --seed {seed} --only {number}"
    return run(scenario, branch, seed=chance.randrange(1 << 30), workers=workers, command=command)


def soak(seed: int, numbers: Iterable[int], report: Callable[[Result, Result], None], *, processes: int) -> None:
    """Play these runs of a series, each held against its scenario's undisturbed run."""
    undisturbed: dict[str, Result] = {}

    def told(result: Result) -> None:
        if result.scenario not in undisturbed:
            undisturbed[result.scenario] = run(result.scenario, lambda _: None)
        known = undisturbed[result.scenario]
        report(judged(result, known), known)

    nursery = Nursery(processes, told)
    for number in numbers:
        if nursery.broken:
            break
        if nursery.fork():
            nursery.play(lambda number=number: drawn(seed, number))  # type: ignore[misc]
    nursery.drain()
