"""All faults of a scenario: the run forks at every call, once for every fault that makes sense there.

What happened before the call is the same in all of them and is played once. A
child meets its fault, plays to the end, lets the checker look and reports
through a pipe; nothing that it did can touch another.
"""

import gc
import json
import os
import selectors
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

from tests.proof.faults import Fault, faults_of
from tests.proof.runs import Result, judged, run

Report = Callable[[Result], None]
"""Told of every run when it ended."""


@dataclass
class Nursery:
    """Children at work, never more than `room` at a time."""

    room: int
    report: Report
    _pipes: dict[int, tuple[int, bytearray]] = field(default_factory=dict)
    """Read end -> process and what it has said so far."""

    def __post_init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def fork(self) -> BinaryIO | None:
        """Split: the child gets the end of a pipe to report through, the parent None."""
        while len(self._pipes) >= self.room:
            self._wait()
        sys.stdout.flush()
        read, write = os.pipe()
        process = os.fork()
        if process == 0:
            self._selector.close()
            for other in (read, *self._pipes):
                os.close(other)
            return os.fdopen(write, "wb")
        os.close(write)
        self._pipes[read] = (process, bytearray())
        self._selector.register(read, selectors.EVENT_READ)
        return None

    def drain(self) -> None:
        """Wait until every child has reported."""
        while self._pipes:
            self._wait()

    def _wait(self) -> None:
        for key, _ in self._selector.select():
            read = key.fd
            process, said = self._pipes[read]
            part = os.read(read, 1 << 16)
            if part:
                said += part
                continue
            self._selector.unregister(read)
            os.close(read)
            del self._pipes[read]
            os.waitpid(process, 0)
            if not said:
                message = f"process {process} of the sweep died without a report"
                raise RuntimeError(message)
            for line in said.splitlines():
                self.report(Result.from_json(json.loads(line)))


def sweep(scenario: str, report: Report, *, processes: int, wanted: Callable[[Fault], bool] = lambda _: True) -> Result:
    """Play a scenario under every single fault; the undisturbed run comes back.

    Args:
        scenario: its name.
        report: told of every disturbed run; its problems are complete.
        processes: how many runs go on at a time.
        wanted: which faults are tried.
    """
    undisturbed = run(scenario, lambda *_: None)
    if undisturbed.problems:
        report(undisturbed)
        return undisturbed
    nursery = Nursery(processes, lambda result: report(judged(result, undisturbed)))
    pipe: BinaryIO | None = None

    def branch(service: str, operation: str, number: int) -> Fault | None:
        nonlocal pipe
        if pipe is not None:
            return None
        for fault in faults_of(service, operation, number):
            if wanted(fault):
                pipe = nursery.fork()
                if pipe is not None:
                    gc.disable()  # a child lives for a second
                    return fault
        return None

    gc.collect()
    gc.freeze()  # what is shared with the children is not touched again
    try:
        result = run(scenario, branch)
    except BaseException:
        if pipe is not None:
            _leave(pipe, _fallen(scenario))
        raise
    if pipe is not None:
        _leave(pipe, result)
    nursery.drain()
    return undisturbed


def _fallen(scenario: str) -> Result:
    return Result(scenario, (), problems=tuple(traceback.format_exc().splitlines()[-8:]))


def _leave(pipe: BinaryIO, result: Result) -> NoReturn:
    pipe.write(json.dumps(result.to_json()).encode() + b"\n")
    pipe.close()
    os._exit(0)


def single_faults(scenario: str) -> Iterator[Fault]:
    """Every fault of every call of the undisturbed run, in order."""
    calls: list[tuple[str, str, int]] = []

    def note(service: str, operation: str, number: int) -> None:
        calls.append((service, operation, number))

    run(scenario, note)
    for call in calls:
        yield from faults_of(*call)
