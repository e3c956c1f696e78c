"""How the checks of a wave go on, step by step: rounds and their parts, commands, ends of time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drskit.checking import call_sent, check_times, check_wave, new_calls, without_checks
from drskit.checkrounds import CallSeen, CheckSeen, Part, due
from drskit.checks import Check, CheckKind, Checks, CheckState, RunFrom
from drskit.model import ExecutionStatus, ServerStatus, WaveStatus
from drskit.ports import NotExecuted, Unknown
from drskit.probes import Finding
from drskit.progress import move_waves
from drskit.remote import Sent
from drskit.seen import Seen
from tests.builders import at, execution_of, sid, wave

GOOD, RED = Finding(True, "open"), Finding(False, "refused", "no\nlistener")
TCP, OTHER = Check(kind=CheckKind.TCP, target="80"), Check(kind=CheckKind.TCP, target="443")
COMMAND = Check(kind=CheckKind.SSM, target="true")


class Bench:
    """A wave of servers that came up, with checks that go on as it is told."""

    def __init__(self, *checks, servers=2, **options):
        self.checks = Checks(all=checks, **options)
        self.plan_wave = wave("Web", checks=self.checks)
        self.execution = execution_of((self.plan_wave, servers))
        run = self.execution.waves[0]
        up = tuple(
            server.model_copy(
                update={
                    "status": ServerStatus.LAUNCHED,
                    "recovery_instance_id": f"i-{number}",
                    "private_ip": f"10.0.0.{number}",
                }
            )
            for number, server in enumerate(run.servers)
        )
        self.wave = run.model_copy(update={"status": WaveStatus.VERIFYING, "servers": up})
        self.step(0)

    def step(self, seconds, seen=None):
        """One look, so many seconds after the start."""
        self.before = self.wave
        self.wave = check_wave(self.plan_wave, self.wave, seen or CheckSeen(), at(seconds), f"F{seconds}")
        return self

    def answered(self, seconds, *findings, position=None, sendable=()):
        """A part of a round: answers of the questions that are due, in their order."""
        questions = due(self.checks, self.wave, at(seconds))
        told = {question.key: finding for question, finding in zip(questions, findings, strict=False) if finding}
        return self.step(seconds, CheckSeen(parts={"Web": Part(told, sendable, position)}))

    def states(self):
        """Of every check of every server."""
        return [run.state for server in self.wave.servers for run in server.checks]

    def statuses(self):
        """Of every server."""
        return [server.status for server in self.wave.servers]

    @property
    def whole(self):
        """The execution with the wave as it is."""
        return self.execution.model_copy(update={"waves": (self.wave,)})

    def was(self):
        """The execution before the last step."""
        return self.execution.model_copy(update={"waves": (self.before,)})


def test_a_server_is_verified_when_all_of_its_checks_have_passed():
    """Each by itself; nothing is asked of it after that."""
    bench = Bench(TCP, OTHER).answered(0, GOOD, GOOD, GOOD, RED)
    assert bench.statuses() == [ServerStatus.VERIFIED, ServerStatus.LAUNCHED]
    assert bench.wave.servers[0].verified_time == at(0)
    assert [question.server.source_server_id for question in due(bench.checks, bench.wave, at(30))] == [sid(2)] * 2


def test_an_answer_that_stays_the_same_is_written_once():
    """The record grows with what changes, not with time."""
    bench = Bench(TCP).answered(0, RED, RED)
    first = bench.wave.servers
    for round_number in range(1, 20):
        bench.answered(30 * round_number, RED, RED)
    assert bench.wave.servers is first
    assert (first[0].checks[0].code, first[0].checks[0].text) == ("refused", "no\nlistener")
    assert bench.wave.checking.round == 21


def test_what_passed_is_asked_again_until_its_server_is_verified():
    """A port that closes again is red again, and its first pass is kept."""
    bench = Bench(TCP, OTHER, servers=1).answered(0, GOOD, RED).answered(30, RED, RED)
    assert bench.states() == [CheckState.RED, CheckState.RED]
    bench.answered(60, RED, GOOD)
    assert bench.statuses() == [ServerStatus.LAUNCHED]
    bench.answered(90, GOOD, GOOD)
    assert bench.statuses() == [ServerStatus.VERIFIED]
    first = bench.wave.servers[0].checks[0]
    assert (first.passed_time, first.since) == (at(0), at(90))


def test_a_round_may_take_several_looks():
    """It goes on where it stopped; the next one begins when its time has come."""
    bench = Bench(TCP, servers=3).answered(0, RED, position=1)
    assert [question.place for question in due(bench.checks, bench.wave, at(1))] == [1, 2]
    bench.answered(1, RED, RED)
    assert due(bench.checks, bench.wave, at(29)) == ()
    assert len(due(bench.checks, bench.wave, at(30))) == 3
    assert list(check_times(bench.wave, at(1), timedelta(seconds=5))) == [at(30)]


def test_the_end_of_the_time_needs_a_fresh_answer():
    """What was not asked after it has not failed: an AWS that does not answer delays."""
    bench = Bench(TCP, servers=1, timeout=timedelta(seconds=40)).answered(0, RED).answered(30, RED)
    assert bench.wave.checking.round_at == at(40)
    bench.step(500)
    assert bench.states() == [CheckState.RED]
    bench.answered(501, RED)
    assert (bench.states(), bench.statuses()) == ([CheckState.FAILED], [ServerStatus.FAILED])
    assert bench.wave.servers[0].error.endswith("asked 3 times; last answer refused: no")


def test_a_good_answer_after_the_end_of_the_time_is_good():
    """Nobody is failed for having been asked late."""
    bench = Bench(TCP, servers=1, timeout=timedelta(seconds=40)).answered(0, RED).answered(500, GOOD)
    assert bench.statuses() == [ServerStatus.VERIFIED]


def test_retries_are_counted_in_a_row():
    """A pass in between begins anew."""
    bench = Bench(TCP, OTHER, servers=1, retries=1).answered(0, RED, RED).answered(30, GOOD, GOOD)
    assert bench.statuses() == [ServerStatus.VERIFIED]
    bench = Bench(TCP, servers=1, retries=1).answered(0, RED).answered(30, RED)
    assert bench.statuses() == [ServerStatus.FAILED]
    assert "failed 2 times in a row" in bench.wave.servers[0].error


# --- commands --------------------------------------------------------------------------------------------------------


def sent(bench, seconds=0):
    """The commands that a look wants to be sent."""
    keys = tuple(question.key for question in due(bench.checks, bench.wave, at(seconds)))
    bench.answered(seconds, sendable=keys)
    return [call for _, call in new_calls(bench.was(), bench.whole)]


def learned(bench, outcomes, seconds=0):
    """What became of the requests is recorded."""
    bench.wave = call_sent(bench.whole, outcomes, at(seconds)).waves[0]


def test_one_command_asks_many_instances():
    """Fifty at most, and only where the text is the same for all."""
    bench = Bench(COMMAND, servers=120)
    assert [len(call.server_ids) for call in sent(bench)] == [50, 50, 20]
    named = Bench(Check(kind=CheckKind.SSM, target="echo {name}"), servers=3)
    calls = sent(named)
    assert [len(call.server_ids) for call in calls] == [1, 1, 1]
    assert len({call.call_id for call in calls}) == 3


def test_a_command_that_runs_is_waited_for():
    """Nothing is sent again while it does; its end is the answer."""
    bench = Bench(COMMAND, servers=2)
    (call,) = sent(bench)
    learned(bench, {call.call_id: Sent("c-1")})
    assert due(bench.checks, bench.wave, at(30)) == ()
    half = CheckSeen(calls={call.call_id: CallSeen("c-1", {sid(1): GOOD})})
    bench.step(31, half)
    assert bench.statuses() == [ServerStatus.VERIFIED, ServerStatus.LAUNCHED]
    assert bench.wave.checking.calls[0].server_ids == (sid(2),)
    bench.step(40, CheckSeen(calls={call.call_id: CallSeen("c-1", {sid(2): RED})}))
    assert bench.wave.checking.calls == ()
    assert [question.key for question in due(bench.checks, bench.wave, at(60))] == [(sid(2), 0)]


def test_a_command_without_a_known_outcome_is_looked_for():
    """Found by our id it is adopted; not found for a minute it may be sent again, for a probe may be repeated."""
    bench = Bench(COMMAND, servers=1)
    (call,) = sent(bench)
    learned(bench, {call.call_id: Unknown("lost")})
    bench.step(5, CheckSeen(calls={call.call_id: CallSeen()}))
    assert bench.wave.checking.calls[0].command_id is None
    bench.step(10, CheckSeen(calls={call.call_id: CallSeen("c-7")}))
    assert bench.wave.checking.calls[0].command_id == "c-7"
    lost = Bench(COMMAND, servers=1)
    (call,) = sent(lost)
    learned(lost, {call.call_id: Unknown("lost")})
    lost.step(60, CheckSeen(calls={call.call_id: CallSeen()}))
    assert lost.wave.checking.calls == ()
    assert len(due(lost.checks, lost.wave, at(60))) == 1


@pytest.mark.parametrize(("transient", "states"), [(True, [CheckState.WAITING]), (False, [CheckState.RED])])
def test_a_refusal_for_now_says_nothing_of_the_server(transient, states):
    """One for good is its answer."""
    bench = Bench(COMMAND, servers=1)
    (call,) = sent(bench)
    learned(bench, {call.call_id: NotExecuted("Code", "no", 400, transient=transient)})
    assert (bench.states(), bench.wave.checking.calls) == (states, ())
    assert len(due(bench.checks, bench.wave, at(30))) == 1


def test_a_command_of_which_no_end_is_shown_is_red():
    """After its delivery, its run and some room."""
    bench = Bench(COMMAND, servers=1)
    (call,) = sent(bench)
    learned(bench, {call.call_id: Sent("c-1")})
    bench.step(299, CheckSeen(calls={call.call_id: CallSeen("c-1")}))
    assert bench.states() == [CheckState.WAITING]
    bench.step(300, CheckSeen(calls={call.call_id: CallSeen("c-1")}))
    assert bench.states() == [CheckState.RED]
    assert bench.wave.servers[0].checks[0].code == "no end"


def test_a_command_that_runs_at_the_end_of_the_time_is_waited_for():
    """Its answer decides; one that ended badly before is not sent again."""
    bench = Bench(COMMAND, servers=2, timeout=timedelta(seconds=40))
    (call,) = sent(bench)
    learned(bench, {call.call_id: Sent("c-1")})
    bench.step(20, CheckSeen(calls={call.call_id: CallSeen("c-1", {sid(1): RED})}))
    bench.step(41)
    assert bench.statuses() == [ServerStatus.FAILED, ServerStatus.LAUNCHED]
    bench.step(50, CheckSeen(calls={call.call_id: CallSeen("c-1", {sid(2): GOOD})}))
    assert bench.statuses() == [ServerStatus.FAILED, ServerStatus.VERIFIED]


def test_a_command_that_succeeded_is_not_sent_again():
    """What runs from here is asked again beside it."""
    bench = Bench(COMMAND, TCP, servers=1)
    calls = [call for _, call in _first_round(bench)]
    learned(bench, {calls[0].call_id: Sent("c-1")})
    bench.step(10, CheckSeen(calls={calls[0].call_id: CallSeen("c-1", {sid(1): GOOD})}))
    assert [question.index for question in due(bench.checks, bench.wave, at(30))] == [1]
    bench.answered(30, GOOD)
    assert bench.statuses() == [ServerStatus.VERIFIED]


def _first_round(bench):
    questions = due(bench.checks, bench.wave, at(0))
    keys = tuple(question.key for question in questions if question.by_ssm)
    bench.step(0, CheckSeen(parts={"Web": Part({(sid(1), 1): RED}, keys)}))
    return new_calls(bench.was(), bench.whole)


def test_what_is_given_up_is_not_asked_any_more():
    """Nor is what runs for it waited for."""
    bench = Bench(COMMAND, servers=2, run_from=RunFrom.SSM)
    sent(bench)
    after = without_checks(bench.wave, "enough", frozenset({sid(1)}))
    assert [server.unchecked for server in after.servers] == ["enough", None]
    assert after.checking.calls
    rest = without_checks(after, "all of it")
    assert (rest.servers[0].unchecked, rest.checking.calls) == ("enough", ())


# --- promise 5 -------------------------------------------------------------------------------------------------------

ANSWERS = st.lists(st.sampled_from([GOOD, RED, None]), min_size=4, max_size=4)
STEPS = st.lists(st.tuples(ANSWERS, st.sampled_from([5, 30, 400]), st.integers(0, 8)), min_size=1, max_size=12)


@given(
    steps=STEPS,
    retries=st.sampled_from([None, 0, 2]),
    optional=st.booleans(),
    max_failed=st.integers(0, 2),
    cancelled=st.integers(0, 20),
)
def test_completed_is_claimed_only_when_every_critical_server_was_launched_and_its_checks_passed(
    steps, retries, optional, max_failed, cancelled
):
    """Promise 5, whatever was answered, at whatever time, in however many parts, and whoever cancels meanwhile."""
    bench = Bench(TCP, OTHER, retries=retries, timeout=timedelta(minutes=10))
    left_out = (sid(2),) if optional else ()
    plan_wave = bench.plan_wave.model_copy(update={"optional": left_out, "max_failed": max_failed})
    servers = tuple(
        server.model_copy(update={"critical": server.source_server_id not in left_out}) for server in bench.wave.servers
    )
    wave_run = bench.wave.model_copy(update={"servers": servers})
    plan = bench.execution.plan.model_copy(update={"waves": (plan_wave,)})
    execution = bench.execution.model_copy(
        update={"plan": plan, "waves": (wave_run,), "status": ExecutionStatus.POLLING}
    )
    good: set[tuple[str, int]] = set()
    seconds = 0
    for number, (answers, lasted, part) in enumerate(steps):
        seconds += lasted
        if number == cancelled:
            execution = execution.model_copy(update={"status": ExecutionStatus.CANCELLING})
        questions = due(bench.checks, execution.waves[0], at(seconds))[: part or None]
        told = {q.key: found for q, found in zip(questions, answers, strict=False) if found is not None}
        good |= {key for key, found in told.items() if found.good}
        position = questions[-1].place + 1 if part and questions else None
        seen = Seen(
            now=at(seconds), listed_at=at(seconds), quiescence=timedelta(minutes=7), fresh_id=f"F{number}",
            checks=CheckSeen(parts={"Web": Part(told, (), position)} if questions else {}),
        )  # fmt: skip
        execution = move_waves(execution, seen)
        for server in execution.waves[0].servers:
            passed = all((server.source_server_id, index) in good for index in range(2))
            assert server.status is not ServerStatus.VERIFIED or passed
        if execution.waves[0].status is WaveStatus.COMPLETED:
            assert all(server.status is ServerStatus.VERIFIED for server in execution.waves[0].servers)
            return
