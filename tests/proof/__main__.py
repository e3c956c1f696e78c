"""`python -m tests.proof` meets every single fault and prints what came of it; `--help` tells the rest.

It ends with 1 on any violation, after saying how to repeat each alone.
"""

import argparse
import os
import sys
from typing import TextIO

from tests.proof import processes
from tests.proof.faults import KINDS, Fault, parse
from tests.proof.numbers import Numbers
from tests.proof.runs import Result, judged, planned, run
from tests.proof.scenarios import SCENARIOS
from tests.proof.sweep import sweep


def main() -> None:
    """Run what was asked for."""
    options = _parser().parse_args()
    sys.exit(options.work(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof",
        description="Prove that drskit launches exactly once, whatever dies. Without a command: single.",
        epilog="The faults: " + "; ".join(f"{kind}: {text}" for kind, text in KINDS.items()) + ".",
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    single = commands.add_parser("single", help="every fault at every call, one at a time")
    _sweeping(parser)
    _sweeping(single)
    one = commands.add_parser("one", help="one run, as a violation names it")
    one.add_argument("scenario", choices=SCENARIOS)
    one.add_argument("faults", nargs="*", type=parse, metavar="FAULT", help="such as 'StartRecovery:0 late:280'")
    one.add_argument("--seed", type=int, default=0)
    one.set_defaults(work=_one)
    killed = commands.add_parser("processes", help="real processes on one served world, killed with SIGKILL")
    killed.add_argument("--rounds", type=int, default=100)
    killed.add_argument("--seed", type=int, default=1, help="of the first round; each has the next one")
    killed.set_defaults(work=_processes)
    return parser


def _sweeping(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated")
    parser.add_argument("--call", action="append", metavar="OPERATION", help="only faults of these calls")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.set_defaults(work=_single)


def _single(options: argparse.Namespace) -> int:
    numbers = Numbers()
    for name in options.scenario or SCENARIOS:
        results: list[Result] = []
        before = len(numbers.failed)
        undisturbed = sweep(
            name, results.append, processes=options.processes, wanted=lambda fault: _wanted(fault, options.call)
        )
        for result in results:
            numbers.add(result, undisturbed)
        _say(f"{name}: {len(results):,} runs, {len(numbers.failed) - before} violations", file=sys.stderr)
    return _told(numbers)


def _wanted(fault: Fault, operations: list[str] | None) -> bool:
    return not operations or fault.operation in operations


def _one(options: argparse.Namespace) -> int:
    result = run(options.scenario, planned(tuple(options.faults)), seed=options.seed)
    undisturbed = run(options.scenario, planned(()))
    result = judged(result, undisturbed)
    numbers = Numbers()
    numbers.add(result, undisturbed)
    missed = len(options.faults) - result.fired
    if missed:
        _say(f"{missed} of the faults met no call", file=sys.stderr)
    _say(f"trace: {result.trace}")
    return _told(numbers)


def _processes(options: argparse.Namespace) -> int:
    figures = processes.run(options.rounds, options.seed)
    _say("\n".join([*figures.failed, figures.table()]))
    return 1 if figures.failed or not figures.rounds else 0


def _told(numbers: Numbers) -> int:
    if numbers.failed:
        _say(numbers.complaints())
    _say(numbers.table())
    return 1 if numbers.failed or not numbers.runs else 0


def _say(text: str, file: TextIO | None = None) -> None:
    print(text, file=file, flush=True)


if __name__ == "__main__":
    main()
