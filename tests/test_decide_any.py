"""Whatever is observed, in whatever order, an execution keeps its promises.

- Every change is one of the tables' arrows.
- A chunk has at most one attempt that may launch something, and a server is in one job that runs at most.
- While somebody holds it, nothing new is asked for; no time of an approval runs out.
- With nothing new to see, a few steps reach a state that stays as it is.
- An execution ends only when every wave has ended; no wave ends while its job runs, unless its time was over.
- COMPLETED means that every server is launched, and is final; CANCELLED comes only of a cancel, a no or a deadline.
- Once the plan's time is over nothing is asked for before a retry, and the end is TIMED_OUT.
- No server is launched before all servers of the steps before its own have come to their end.
- What is not final and not paused has something to wait for: a job, an outcome, a time.
- Whatever happened, when nothing more does it comes to its end, or waits for a decision of a person that it names.
"""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from drskit.model import (
    Approval,
    AttemptStatus,
    CommandKind,
    Execution,
    ExecutionStatus,
    Job,
    OnFailure,
    OnTimeout,
    Pacing,
    ServerStatus,
    WaveStatus,
)
from drskit.ports import Started, Unknown
from drskit.seen import Remains
from drskit.states import FINAL_EXECUTION, FINAL_WAVE, RETRY_EXECUTION
from drskit.steps import steps_of
from drskit.timelimit import deadline_of
from drskit.witness import ATTEMPT_TAG, Absent, Foreign, Mine, Unsure
from tests.builders import TRANSIENT, Walk, execution_of, job_of, sid, wave

A, S, W, X = AttemptStatus, ServerStatus, WaveStatus, ExecutionStatus
NAMES = ("Database", "Application", "Web")
SHORT = Approval(text="Fine?", timeout=timedelta(minutes=30))
SHORT_SKIPS = Approval(text="Fine?", timeout=timedelta(minutes=30), on_timeout=OnTimeout.SKIP)
PAUSES = [timedelta(0), timedelta(0), timedelta(seconds=30)]
OPEN = frozenset({A.INTENT, A.FOREIGN})
REFUSALS = [*sorted(TRANSIENT)[:2], "ServiceQuotaExceededException", "ConflictException", "ValidationException"]


def _orders(first: str, last: str) -> list[tuple[tuple[str, ...], ...]]:
    """None; one of the wave's servers before all others; the last before the first before the rest."""
    return [(), (), ((first,),), ((last,), (first,)) if first != last else ()]


@st.composite
def executions(draw: st.DrawFn) -> Execution:
    """Up to three waves of any shape; a large one is launched in two jobs."""
    parts = []
    for number in range(draw(st.integers(1, 3))):
        needs = tuple(draw(st.lists(st.sampled_from(NAMES[:number]), unique=True))) if number else ()
        count = draw(st.sampled_from([1, 2, 2, 101]))
        first = 1 + sum(servers for _, servers in parts)
        declared = wave(
            NAMES[number],
            needs,
            approval=draw(st.sampled_from([None, None, Approval(text="Fine?"), SHORT, SHORT_SKIPS])),
            optional=(sid(first),) if draw(st.booleans()) else (),
            max_failed=draw(st.integers(0, 1)),
            max_failed_percent=draw(st.sampled_from([None, None, 0, 50])),
            order=draw(st.sampled_from(_orders(sid(first), sid(first + count - 1)))),
            on_failure=draw(st.sampled_from(OnFailure)),
            timeout=timedelta(minutes=draw(st.sampled_from([5, 90]))),
        )
        parts.append((declared, count))
    pacing = Pacing(servers=draw(st.sampled_from(PAUSES)), waves=draw(st.sampled_from(PAUSES)))
    timeout = draw(st.sampled_from([None, None, timedelta(hours=1)]))
    execution = execution_of(*parts)
    plan = execution.plan.model_copy(update={"pacing": pacing, "timeout": timeout})
    return execution.model_copy(update={"plan": plan, "deadline": deadline_of(plan, execution.start_time)})


class AnyDrill(RuleBasedStateMachine):
    """A drill, with DRS, people and the network doing as they like."""

    @initialize(execution=executions(), kept=st.sampled_from([None, None, 1, 2, 3]), called_off=st.booleans())
    def begin(self, execution: Execution, kept: int | None, *, called_off: bool) -> None:
        """Create it, and let a worker find it."""
        self.walk = Walk(execution)
        if kept:
            self.walk.obstacles[sid(kept)] = "a launch would terminate i-1"
        self.walk.run()
        self.called_off = called_off
        """Whether somebody cancels it where it stands in the end."""
        self.unanswered = bool(self.walk.launches)
        self.cancelled = False
        self.absorbed: ExecutionStatus | None = None

    def _alive(self) -> bool:
        return self.walk.status not in FINAL_EXECUTION

    # --- the engine --------------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.unanswered)
    @rule(seconds=st.sampled_from([0, 0, 1, 5, 15, 45, 300, 3_600]))
    def advance(self, seconds: float) -> None:
        """Time passes and a worker takes every step that is possible."""
        before = len(self.walk.launches)
        self.walk.run(seconds)
        self.unanswered = len(self.walk.launches) > before
        if not self.unanswered:
            settled = self.walk.execution
            assert settled is self.walk.step().execution or settled == self.walk.execution

    @precondition(lambda self: self.unanswered)
    @rule(
        kind=st.sampled_from(["started", "started", "started", "refused", "lost", "lost after", "died"]), data=st.data()
    )
    def answer(self, kind: str, data: st.DataObject) -> None:
        """The launch request comes to something, or the worker dies and nobody hears of it."""
        self.unanswered = False
        if kind == "refused":
            self.walk.refuse(data.draw(st.sampled_from(REFUSALS)))
            return
        job = self.walk.started() if kind in {"started", "lost after"} else None
        if kind == "started" and job is not None:
            self.walk.reply(Started(job))
        elif kind != "died":
            self.walk.reply(Unknown("ReadTimeout"))

    # --- DRS ---------------------------------------------------------------------------------------------------------

    def _running(self) -> list[Job]:
        return [job for job in self.walk.jobs.values() if job.status != "COMPLETED"]

    @precondition(lambda self: self._running())
    @rule(data=st.data())
    def job_goes_on(self, data: st.DataObject) -> None:
        """Some servers of a running job are up, or have failed; the job is STARTED."""
        job = data.draw(st.sampled_from(self._running()))
        word = data.draw(st.sampled_from(["LAUNCHED", "FAILED", "IN_PROGRESS", "A_NEW_WORD"]))
        share = data.draw(st.integers(0, len(job.servers)))
        parts = [
            part.model_copy(update={"launch_status": word})
            if place < share and part.launch_status == "PENDING"
            else part
            for place, part in enumerate(job.servers)
        ]
        self.walk.jobs[job.job_id] = job.model_copy(update={"status": "STARTED", "servers": tuple(parts)})

    @precondition(lambda self: self._running())
    @rule(data=st.data(), word=st.sampled_from(["FAILED", "PENDING"]), told=st.booleans())
    def job_ends(self, data: st.DataObject, word: str, *, told: bool) -> None:
        """A job is COMPLETED; any of its servers may have failed, and DRS may forget to say when."""
        job = data.draw(st.sampled_from(self._running()))
        ids = [part.source_server_id for part in job.servers]
        self.walk.job_ends(job, *data.draw(st.lists(st.sampled_from(ids), max_size=2)), word=word)
        if not told:
            self.walk.jobs[job.job_id] = self.walk.jobs[job.job_id].model_copy(update={"end_time": None})

    @precondition(lambda self: not self.unanswered and any(a.status is A.INTENT for a in self.walk.execution.attempts))
    @rule(data=st.data(), kind=st.sampled_from(["truth", "truth", "truth", "foreign", "unsure"]))
    def look(self, data: st.DataObject, kind: str) -> None:
        """Somebody looks what became of the open intents; what is there is not called absent."""
        for attempt in self.walk.execution.attempts:
            if attempt.status is not A.INTENT:
                continue
            tagged = [job for job in self.walk.jobs.values() if job.tags["drskit:Attempt"] == attempt.attempt_id]
            if tagged:
                self.walk.witnesses[attempt.attempt_id] = Mine(tagged[0])
            elif kind == "foreign":
                self.walk.witnesses[attempt.attempt_id] = Foreign(job_of(999), attempt.server_ids[:1])
            elif kind == "unsure":
                self.walk.witnesses[attempt.attempt_id] = Unsure("not listed yet")
            else:
                self.walk.witnesses[attempt.attempt_id] = Absent()

    @rule(number=st.integers(1, 5), text=st.sampled_from([None, "a launch would terminate i-1"]))
    def guard(self, number: int, text: str | None) -> None:
        """An instance that must stay appears, or goes."""
        self.walk.obstacles[sid(number)] = text

    @rule()
    def fair_weather(self) -> None:
        """The request is answered, every job ends well, and a worker looks ten minutes later."""
        if self.unanswered:
            self.walk.launch()
        for job in self._running():
            self.walk.job_ends(job)
        before = len(self.walk.launches)
        self.walk.run(600)
        self.unanswered = len(self.walk.launches) > before

    # --- people ------------------------------------------------------------------------------------------------------

    def _takes_commands(self) -> bool:
        return self._alive() or self.walk.status in RETRY_EXECUTION

    @precondition(_alive)
    @rule(name=st.sampled_from([*NAMES, "Nowhere"]))
    def approve(self, name: str) -> None:
        """Whether or not the wave waits."""
        self.walk.command(CommandKind.APPROVE, name)

    @precondition(_alive)
    @rule(kind=st.sampled_from([CommandKind.RESUME, CommandKind.RESUME, CommandKind.PAUSE]))
    def pause_or_resume(self, kind: CommandKind) -> None:
        """Whether or not anything can be resumed, or is paused already."""
        self.walk.command(kind)

    @precondition(_takes_commands)
    @rule(name=st.sampled_from([None, *NAMES]), number=st.sampled_from([None, None, 1, 2, 3]))
    def retry(self, name: str | None, number: int | None) -> None:
        """Of a wave, a server, or of all that failed; also when it is over."""
        if self._alive() or not self.unanswered:
            self.walk.command(CommandKind.RETRY, name, (sid(number),) if number else ())

    @precondition(_alive)
    @rule(name=st.sampled_from(NAMES), number=st.sampled_from([None, 1, 2, 3]), sure=st.integers(0, 5))
    def skip(self, name: str, number: int | None, sure: int) -> None:
        """A wave or a server, whatever it is doing."""
        if sure == 5:
            self.walk.command(CommandKind.SKIP, None if number else name, (sid(number),) if number else ())

    @precondition(_alive)
    @rule(kind=st.sampled_from([CommandKind.CANCEL, CommandKind.DECLINE]), sure=st.integers(0, 30))
    def cancel(self, kind: CommandKind, sure: int) -> None:
        """Seldom, or no drill would get far."""
        if sure == 30:
            self.walk.command(kind, NAMES[0] if kind is CommandKind.DECLINE else None)
            self.cancelled = True

    # --- promises ----------------------------------------------------------------------------------------------------

    @invariant()
    def a_chunk_has_one_open_or_launched_attempt(self) -> None:
        """And no server is in two jobs."""
        execution = self.walk.execution
        live = [a for a in execution.attempts if a.status in OPEN or (a.status is A.LAUNCHED and not a.end_time)]
        chunks = [(a.wave_name, a.chunk) for a in live]
        assert len(chunks) == len(set(chunks))
        servers = [part.source_server_id for job in self._running() for part in job.servers]
        assert len(servers) == len(set(servers))

    @invariant()
    def a_held_execution_asks_for_nothing_new(self) -> None:
        """What it asked for before may still be settled."""
        execution = self.walk.execution
        held = execution.held
        if held:
            assert execution.due is None or any(command.acknowledged is None for command in execution.commands)
            # the intent of the same moment was made before the command
            assert all(attempt.signed_at <= held.at for attempt in execution.attempts)

    @invariant()
    def what_is_absorbed_stays(self) -> None:
        """COMPLETED and CANCELLED."""
        assert self.absorbed in {None, self.walk.status}
        if self.walk.status in {X.COMPLETED, X.CANCELLED}:
            self.absorbed = self.walk.status

    @invariant()
    def what_ended_has_ended(self) -> None:
        """No wave ends while its job runs or its intent is open, unless its time was over."""
        execution = self.walk.execution
        final = execution.status in FINAL_EXECUTION
        assert final == (execution.end_time is not None)
        assert not final or all(run.status in FINAL_WAVE for run in execution.waves)
        for run in execution.waves:
            if run.status in FINAL_WAVE:
                attempts = execution.attempts_of(run.wave_name)
                assert A.INTENT not in {attempt.status for attempt in attempts}
                if run.status is not W.TIMED_OUT:
                    assert all(a.end_time is not None for a in attempts if a.status is A.LAUNCHED)

    @invariant()
    def the_final_word_is_true(self) -> None:
        """COMPLETED, PARTIAL and CANCELLED are claimed only of what they say."""
        execution = self.walk.execution
        missing = [part for run in execution.waves for part in run.servers if part.status is not S.LAUNCHED]
        if execution.status is X.COMPLETED:
            assert not missing
        if execution.status is X.PARTIAL:
            assert not {W.FAILED, W.TIMED_OUT, W.CANCELLED} & set(self.walk.waves)
        late = execution.deadline and execution.deadline.passed
        if execution.status is X.CANCELLED or (execution.status is X.CANCELLING and not late):
            told = any(run.declined and run.declined.by == "drskit" for run in execution.waves)
            assert self.cancelled or told

    @invariant()
    def nothing_is_asked_for_once_its_time_is_over(self) -> None:
        """Until somebody has it tried again; the last word is TIMED_OUT."""
        execution = self.walk.execution
        if execution.deadline is None or execution.deadline.passed is None:
            return
        late = [part for part in execution.attempts if part.signed_at > execution.deadline.passed]
        assert not late
        told_since = any(command.acknowledged is None for command in execution.commands)
        assert told_since or execution.status in {X.CANCELLING, X.TIMED_OUT}

    @invariant()
    def steps_wait_for_each_other(self) -> None:
        """A server that runs, or may, has nobody before it that waits or runs; a person's retry is the exception."""
        for plan_wave, run in zip(self.walk.execution.plan.waves, self.walk.execution.waves, strict=True):
            if run.retried is None and plan_wave.order:
                status = {server.source_server_id: server.status for server in run.servers}
                steps = [{status[one] for one in step} for step in steps_of(plan_wave, tuple(status))]
                begun = [bool(step - {S.PENDING, S.SKIPPED, S.FAILED}) for step in steps]
                for step, later in zip(steps, begun[1:], strict=False):
                    assert not (later and step & {S.PENDING, S.LAUNCHING})

    @invariant()
    def a_pause_names_what_it_waits_for(self) -> None:
        """And a command of a paused execution wakes it."""
        if self.walk.status is X.PAUSED:
            assert self.walk.execution.waiting_for
            assert all(command.acknowledged for command in self.walk.execution.commands)

    @invariant()
    def what_is_polled_has_something_to_wait_for(self) -> None:
        """No execution is lost: a settled one that is polled has a job, an intent or a time before it."""
        execution = self.walk.execution
        if self.unanswered or execution.status not in {X.POLLING, X.CANCELLING}:
            return
        if any(command.acknowledged is None for command in execution.commands):
            return
        intents = any(attempt.status is A.INTENT for attempt in execution.attempts)
        jobs = any(attempt.status is A.LAUNCHED and attempt.end_time is None for attempt in execution.attempts)
        moves = any(run.status in {W.PENDING, W.PREPARING, W.QUEUED, W.VERIFYING} for run in execution.waves)
        ended = {attempt.job_id for attempt in execution.attempts if attempt.end_time}
        silent = any(  # a job has ended without a word about it: DRS is asked until the grace is over
            server.status is S.LAUNCHING and server.job_id in ended for run in execution.waves for server in run.servers
        )
        assert intents or jobs or moves or silent

    def teardown(self) -> None:
        """Nothing is lost: left alone, or cancelled, in fair weather it comes to its end, or waits for a person."""
        if not hasattr(self, "walk"):
            return
        if self.called_off and self._alive():
            self.walk.command(CommandKind.CANCEL)
        for _ in range(40):
            if self.walk.status in FINAL_EXECUTION | {X.PAUSED} and not self.unanswered:
                break
            for attempt in self.walk.execution.attempts:
                if attempt.status is A.INTENT:
                    mine = [job for job in self.walk.jobs.values() if job.tags[ATTEMPT_TAG] == attempt.attempt_id]
                    self.walk.witnesses[attempt.attempt_id] = Mine(mine[0]) if mine else Absent()
            self.fair_weather()
            for job_id in self.walk.jobs:
                self.walk.remains.setdefault(job_id, Remains())
        assert self.walk.status in FINAL_EXECUTION | ({X.PAUSED} if not self.called_off else set())


AnyDrill.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyDrill = AnyDrill.TestCase
