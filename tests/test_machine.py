"""Whatever happens to the whole of drskit, in whatever order, it keeps its promises.

The promises are prose at the top of `tests/whole.py`, which has the real parts.
`MACHINE_EXAMPLES` asks for more and longer runs, of another kind each time.
"""

import os
import random
from contextlib import ExitStack

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drskit.model import CommandKind, ExecutionStatus
from tests.whole import FAILURES, KINDS, SECONDS, WAVES, WORKERS, Whole, whole

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "0"))
CALLS = 24
"""A pass of a worker seldom makes more."""
workers = st.integers(0, WORKERS - 1)
OPERATIONS = ("StartRecovery", "TransactWriteItems", "DescribeJobs", "DescribeJobLogItems")
"""Where a fault can do most."""
calls = st.integers(0, CALLS) | st.sampled_from(OPERATIONS)
kinds = st.sampled_from(KINDS)


class Machine(RuleBasedStateMachine):
    """A drill with three workers, people, and faults."""

    @initialize(job_delay=st.sampled_from([0, 30]), failure=st.sampled_from(FAILURES), kind=kinds)
    def begin(self, job_delay: int, failure: str | None, kind: str) -> None:
        """Start it in a new world; its first launch request meets a fault."""
        self.stack = ExitStack()
        self.whole: Whole = self.stack.enter_context(whole(job_delay, failure))
        self.whole.disturbed(0, "StartRecovery", kind, SECONDS.get(kind, (0,))[-1])

    @rule(number=workers)
    def tick(self, number: int) -> None:
        """A worker makes a pass."""
        self.whole.tick(number)

    @rule(number=workers, passes=st.integers(2, 8))
    def go_on(self, number: int, passes: int) -> None:
        """A worker makes some passes as they fall due."""
        self.whole.go_on(number, passes)

    @rule(number=workers, call=calls, kind=kinds, data=st.data())
    def disturbed(self, number: int, call: int | str, kind: str, data: st.DataObject) -> None:
        """A worker dies, stands still or is cut off in its pass; another one takes over where it can."""
        self.whole.disturbed(number, call, kind, data.draw(st.sampled_from(SECONDS.get(kind, (0,)))))

    @rule(seconds=st.sampled_from([1, 15, 60, 450, 1_800]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.whole.wait(seconds)

    @rule()
    def approve(self) -> None:
        """What most people tell it."""
        self.whole.command(CommandKind.APPROVE, None)

    @rule(kind=st.sampled_from(CommandKind), wave=st.sampled_from([None, *WAVES]))
    def command(self, kind: CommandKind, wave: str | None) -> None:
        """Anything that a person may tell it."""
        self.whole.command(kind, wave)

    @rule(kind=st.sampled_from(CommandKind), calls=st.integers(0, 6), fault=st.sampled_from(KINDS[:6]))
    def broken_command(self, kind: CommandKind, calls: int, fault: str) -> None:
        """A person's process dies, or is cut off."""
        self.whole.command(kind, None, calls, fault)

    @rule(calls=st.integers(0, 20), fault=st.sampled_from(["", *KINDS[:6]]))
    def start_again(self, calls: int, fault: str) -> None:
        """Under the same key."""
        self.whole.start_again(calls, fault)

    @invariant()
    def promises_hold(self) -> None:
        """All that can be seen at any moment."""
        self.whole.look()

    def teardown(self) -> None:
        """And it comes to an end, or to a person who is told what it waits for."""
        with self.stack:
            self.whole.end()


Machine.TestCase.settings = settings(
    max_examples=EXAMPLES or 8,
    stateful_step_count=40 if EXAMPLES else 12,
    derandomize=not EXAMPLES,
    phases=tuple(Phase) if EXAMPLES else (Phase.generate,),  # to make a failure short takes minutes
    deadline=None,
)
TestMachine = Machine.TestCase


def at_random_once(run: Whole, draw: random.Random) -> None:
    """Let anything happen."""
    number, kind = draw.randrange(WORKERS), draw.choice(KINDS)
    call, seconds = draw.choice([draw.randrange(CALLS), *OPERATIONS]), draw.choice(SECONDS.get(kind, (0,)))
    steps = (
        lambda: run.go_on(number, 4),
        lambda: run.disturbed(number, call, kind, seconds),
        lambda: run.command(CommandKind.APPROVE, None),
        lambda: run.command(draw.choice(list(CommandKind)), draw.choice([None, *WAVES])),
        run.start_again,
    )
    draw.choice(steps)()


def at_random(seed: int) -> tuple[list[str], ExecutionStatus]:
    """What a run of random rules sends, and how it ends."""
    draw = random.Random(seed)
    with whole(draw.choice([0, 30]), draw.choice(FAILURES), seed=seed) as run:
        for _ in range(20):
            at_random_once(run, draw)
            run.look()
        return run.trace, run.end().status


def test_the_same_seed_sends_the_same():
    """Every request of every process with its body, faults and deaths included; another seed sends something else."""
    first, again, other = at_random(1), at_random(1), at_random(2)
    assert len(first[0]) > 100
    assert first == again
    assert first != other
