"""Timing whole processes."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from statistics import median


def seconds(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> float:
    """The wall time of a process that must succeed."""
    begin = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begin
    assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}"
    return took


def rounds(
    *commands: Sequence[str], runs: int, environment: Mapping[str, str] | None = None
) -> list[tuple[float, ...]]:
    """The seconds of each command in alternating rounds; a round before them warms the caches."""
    found = [tuple(seconds(command, environment=environment) for command in commands) for _ in range(runs + 1)]
    return found[1:]


def ratio(found: list[tuple[float, ...]], ours: int, theirs: int) -> float:
    """The median over the rounds of one command's seconds over another's."""
    return median(took[ours] / took[theirs] for took in found)


def typical(found: list[tuple[float, ...]], which: int) -> float:
    """The median seconds of a command."""
    return median(took[which] for took in found)
