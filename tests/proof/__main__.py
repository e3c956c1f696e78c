"""`python -m tests.proof` meets every single fault and prints what came of it; `--help` tells the rest.

It ends with 1 on any violation, after saying how to repeat each alone.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from drskit.clock import SystemClock
from tests.proof import processes
from tests.proof.faults import KINDS, Fault, parse
from tests.proof.mutants import MUTANTS
from tests.proof.mutation import Mutant, Verdict, verdicts
from tests.proof.numbers import Numbers
from tests.proof.runs import Result, judged, planned, run
from tests.proof.scenarios import SCENARIOS
from tests.proof.sdk import leave_out_images
from tests.proof.sweep import pairs, soak, sweep


def main() -> None:
    """Run what was asked for."""
    options = _parser().parse_args()
    leave_out_images()
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
    published = commands.add_parser("numbers", help="all that the README publishes: single, then mutants")
    _sweeping(published)
    published.set_defaults(work=_published)
    one = commands.add_parser("one", help="one run, as a violation names it")
    one.add_argument("scenario", choices=SCENARIOS)
    one.add_argument("faults", nargs="*", type=parse, metavar="FAULT", help="such as 'StartRecovery:0 late:280'")
    one.add_argument("--seed", type=int, default=0)
    one.set_defaults(work=_one)
    killed = commands.add_parser("processes", help="real processes on one served world, killed with SIGKILL")
    killed.add_argument("--rounds", type=int, default=100)
    killed.add_argument("--seed", type=int, default=1, help="of the first round; each has the next one")
    killed.set_defaults(work=_processes)
    two = commands.add_parser("pairs", help="every two faults, the second after the first: many hours for all")
    two.add_argument("--scenario", choices=SCENARIOS, default="launch")
    two.add_argument("--part", type=_part, default=(1, 1), metavar="N/M", help="only the N-th of M parts")
    two.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing new after so long")
    two.set_defaults(work=_pairs)
    chance = commands.add_parser("random", help="2 to 21 faults by chance, in any scenario, with 1 to 4 workers")
    chance.add_argument("--seed", type=int, default=1)
    chance.add_argument("--runs", type=int, default=1000)
    chance.add_argument("--only", type=int, metavar="NUMBER", help="only the run of this number")
    chance.set_defaults(work=_random)
    mutants = commands.add_parser("mutants", help="faults in drskit itself: each must be found")
    mutants.add_argument("names", nargs="*", metavar="NAME", help="only those whose name has this in it")
    mutants.set_defaults(work=_mutants)
    for command in (two, chance):
        command.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser


def _part(text: str) -> tuple[int, int]:
    number, _, parts = text.partition("/")
    if not 1 <= int(number) <= int(parts):
        message = f"{text} is no part; write for example 3/20"
        raise argparse.ArgumentTypeError(message)
    return int(number), int(parts)


def _sweeping(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated")
    parser.add_argument(
        "--whole", action="store_true",
        help="only those that meet every kind and span of fault, which every run of CI plays:"
        " launches, people's commands and cleanups",
    )  # fmt: skip
    parser.add_argument("--call", action="append", metavar="OPERATION", help="only faults of these calls")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only faults of these kinds")
    parser.add_argument(
        "--all", action="store_true",
        help="every kind and span of fault everywhere, not only for launches, people's commands and cleanups",
    )  # fmt: skip
    parser.add_argument("--main", action="store_true", help="only the main kinds of fault, one span each, everywhere")
    parser.add_argument("--stop", action="store_true", help="end at the first violation")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.set_defaults(work=_single)


def _published(options: argparse.Namespace) -> int:
    """The sweep and the mutants, and what they came to in one place."""
    numbers = _counted(options)
    code, survived = _told(numbers), _survived(MUTANTS)
    return 1 if survived else code


def _single(options: argparse.Namespace) -> int:
    return _told(_counted(options))


def _counted(options: argparse.Namespace) -> Numbers:
    """Every fault that was asked for, struck and counted."""
    with _counting() as numbers:
        for name in options.scenario or [name for name, one in SCENARIOS.items() if one.whole or not options.whole]:
            results = _swept(name, options, numbers)
            violations = sum(bool(result.problems) for result in results)
            _say(f"{name}: {len(results):,} runs, {violations} violations", file=sys.stderr)
    return numbers


@contextmanager
def _counting() -> Iterator[Numbers]:
    """The numbers of a series; one that breaks off first says what it had come to, but not as its outcome."""
    numbers = Numbers()
    try:
        yield numbers
    except BaseException:
        _say(f"It broke off; until then:\n{numbers.complaints()}\n{numbers.table()}", file=sys.stderr)
        raise


def _swept(name: str, options: argparse.Namespace, numbers: Numbers) -> list[Result]:
    """Every disturbed run, counted; their delays only where the scenario was carried to its end."""
    results: list[Result] = []
    undisturbed: Result | None = None

    def wanted(fault: Fault) -> bool:
        return _wanted(name, fault, options, results)

    try:
        undisturbed = sweep(name, results.append, processes=options.processes, wanted=wanted)
    finally:
        for result in results:
            numbers.add(result, undisturbed)
    return results


def _wanted(scenario: str, fault: Fault, options: argparse.Namespace, results: list[Result]) -> bool:
    if options.stop and any(result.problems for result in results):
        return False
    whole = options.all or (SCENARIOS[scenario].whole and not options.main)
    if not (whole or fault.main):
        return False
    return fault.operation in (options.call or [fault.operation]) and fault.kind in (options.kind or [fault.kind])


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


def _pairs(options: argparse.Namespace) -> int:
    clock = SystemClock()
    end = options.seconds + clock.now().timestamp()

    def count(result: Result) -> None:
        numbers.add(result, None)
        if numbers.runs % 100 == 0:
            _say(f"{numbers.runs:,} runs, {len(numbers.failed)} violations", file=sys.stderr)

    with _counting() as numbers:
        tried, of = pairs(
            options.scenario, count, processes=options.processes, part=options.part,
            go_on=lambda: not numbers.runs or clock.now().timestamp() < end,
        )  # fmt: skip
    _say(f"first faults with every second one: {tried} of {of}")
    return _told(numbers)


def _random(options: argparse.Namespace) -> int:
    traces: dict[str, str] = {}

    def count(result: Result, undisturbed: Result) -> None:
        numbers.add(result, undisturbed)
        traces[result.command] = result.trace
        if numbers.runs % 100 == 0:
            _say(f"{numbers.runs:,} runs, {len(numbers.failed)} violations", file=sys.stderr)

    wanted = range(options.runs) if options.only is None else [options.only]
    with _counting() as numbers:
        soak(options.seed, wanted, count, processes=options.processes)
    digest = hashlib.sha256(" ".join(traces[command] for command in sorted(traces)).encode()).hexdigest()[:16]
    _say(f"trace: {digest}")
    return _told(numbers)


def _mutants(options: argparse.Namespace) -> int:
    chosen = [one for one in MUTANTS if not options.names or any(name in one.name for name in options.names)]
    return 1 if _survived(chosen) or not chosen else 0


def _survived(mutants: Sequence[Mutant]) -> int:
    """How many of them the proof did not find, after saying what became of each."""
    killed = sum(_verdict_told(verdict) for verdict in verdicts(mutants))
    _say(f"mutants killed: {killed} of {len(mutants)}")
    return len(mutants) - killed


def _verdict_told(verdict: Verdict) -> bool:
    """Whether the mutant was killed, after saying by what."""
    _say(f"{'killed' if verdict.killed else 'SURVIVED'}: {verdict.mutant}\n    {verdict.words}")
    return verdict.killed


def _told(numbers: Numbers) -> int:
    if numbers.failed:
        _say(numbers.complaints())
    _say(numbers.table())
    return 1 if numbers.failed or not numbers.runs else 0


def _say(text: str, file: TextIO | None = None) -> None:
    print(text, file=file, flush=True)


if __name__ == "__main__":
    main()
