"""Endings by chance: `python -m tests.endings --seed 1 --runs 1000` plays one execution after another, each by a seed.

Plans of any shape, with every failure policy, approvals that run out, actions that are refused, lost or slow, checks,
steps, time limits, budgets; people who cancel, pause, skip, retry, edit and allow more; a DRS that answers, refuses,
loses and forgets.
`decide` is asked as the engine asks it, with nothing in between, so that a thousand are played a minute.

What must hold of each:

- Every change is one of the tables' arrows.
- When nothing more happens it comes to its end, or waits for a person, says for what, and takes the answer; one that
  is cancelled always ends.
- It does not end while an intent of it is open, an action of it runs, or, unless it is TIMED_OUT, a job of it runs.
- What it ends as follows from its waves and from what it did at its end, and from a cancel or a time that was over.
- Nothing new of a wave is asked for once a cancel, or the failure of a wave that stops the plan, has called it off.
- What nothing recognises is not sent twice, unless it was refused.
- Nothing is launched that would make it dearer than it may be: an instance costs here by how long one runs, which no
  play outlasts, so that time alone makes nothing dearer.
"""

import argparse
import random
import sys
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from drskit.actionports import Begun, Ended, Going, Hidden, News, NotFound, Outcome
from drskit.actions import (
    Action,
    ActionKind,
    ActionMode,
    Automation,
    Call,
    Does,
    Publish,
    RunCommand,
    Task,
    TaskStatus,
    Wait,
    Where,
)
from drskit.amending import basis_of
from drskit.checkrounds import CheckSeen, Part, due
from drskit.checks import Check, CheckKind, Checks
from drskit.costs import committed, question
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
    Wave,
    WaveEdit,
    WaveStatus,
)
from drskit.money import BudgetPolicy, BudgetRun, Prices, Size
from drskit.offers import offers
from drskit.ports import NotExecuted, Started, Unknown
from drskit.probes import Finding
from drskit.seen import Remains, Seen
from drskit.states import FINAL_EXECUTION, FINAL_TASK, RETRY_EXECUTION, IllegalTransition
from drskit.timelimit import deadline_of
from drskit.witness import ATTEMPT_TAG, Absent, Foreign, Mine, Unsure, Witness
from tests.builders import TRANSIENT, Walk, execution_of, job_of, sid, wave

A, C, S, W, X = AttemptStatus, CommandKind, ServerStatus, WaveStatus, ExecutionStatus
NAMES = ("Database", "Application", "Web")
DOES: tuple[Does, ...] = (
    Automation(kind=ActionKind.SSM_AUTOMATION, document="WarmCache"),
    RunCommand(kind=ActionKind.SSM_COMMAND, on=Where(instances=("i-0123456789abcdef0",))),
    Call(kind=ActionKind.HTTP, url="https://cmdb.example.com"),
    Publish(kind=ActionKind.SNS, topic="arn:aws:sns:us-west-2:123456789012:dr", message="{status}"),
    Publish(kind=ActionKind.SNS, topic="arn:aws:sns:us-west-2:123456789012:dr.fifo", message="{status}"),
    Wait(kind=ActionKind.WAIT, span=timedelta(minutes=2)),
)
RECOGNISED = frozenset({ActionKind.SSM_AUTOMATION, ActionKind.SSM_COMMAND})
REFUSALS = [*sorted(TRANSIENT)[:2], "ServiceQuotaExceededException", "ConflictException", "ValidationException"]
BAD = frozenset({W.FAILED, W.TIMED_OUT})
SIZE = Size(instance_type="m5.large", gib=1)
PRICES = Prices(dated=date(2025, 3, 2), source="a list", large={"m5": Decimal("0.01")}, gib_month={"gp3": Decimal(0)})
"""A server costs a cent an hour, a conversion nothing."""
HOURS = 100
"""For which an instance is taken to run: a server costs a dollar."""


# --- a plan ----------------------------------------------------------------------------------------------------------


def _action(draw: random.Random, number: int) -> Action:
    modes = draw.choice([(ActionMode.DRILL,), (ActionMode.DRILL, ActionMode.RECOVERY), (ActionMode.RECOVERY,)])
    return Action(
        does=draw.choice(DOES), modes=modes, name=f"action {number}", retries=draw.choice([0, 0, 1]),
        on_failure=draw.choice(list(OnFailure)), repeatable=draw.random() < 0.3, timeout=timedelta(minutes=10),
    )  # fmt: skip


def _actions(draw: random.Random) -> tuple[Action, ...]:
    return tuple(_action(draw, number) for number in range(draw.choice([0, 0, 1, 2])))


def _wave(draw: random.Random, number: int, first: int, count: int) -> Wave:
    ids = [sid(first + offset) for offset in range(count)]
    approval = Approval(text="Fine?", timeout=timedelta(minutes=30), on_timeout=draw.choice(list(OnTimeout)))
    checks = Checks(all=(Check(kind=CheckKind.TCP, target="80"),), timeout=timedelta(minutes=5))
    return wave(
        NAMES[number], tuple(name for name in NAMES[:number] if draw.random() < 0.5),
        approval=draw.choice([None, None, Approval(text="Fine?"), approval]),
        optional=tuple(one for one in ids if draw.random() < 0.2), max_failed=draw.choice([0, 0, 1]),
        order=draw.choice([(), (), ((ids[0],),)]), on_failure=draw.choice(list(OnFailure)),
        timeout=timedelta(minutes=draw.choice([5, 90])), before=_actions(draw), after=_actions(draw),
        checks=draw.choice([None, None, checks]),
    )  # fmt: skip


def execution_by(draw: random.Random) -> Execution:
    """An execution of a plan of any shape."""
    parts, first = [], 1
    for number in range(draw.randint(1, 3)):
        count = draw.choice([1, 2, 3])
        parts.append((_wave(draw, number, first, count), count))
        first += count
    execution = execution_of(*parts)
    pause = timedelta(seconds=draw.choice([0, 0, 30]))
    plan = execution.plan.model_copy(
        update={
            "pacing": Pacing(servers=pause, waves=pause), "at_end": _actions(draw),
            "timeout": draw.choice([None, None, timedelta(hours=1)]),
        }
    )  # fmt: skip
    execution = execution.model_copy(update={"plan": plan, "deadline": deadline_of(plan, execution.start_time)})
    return _with_budget(execution, Decimal(draw.randint(1, first))) if draw.random() < 0.5 else execution


def _with_budget(execution: Execution, usd: Decimal) -> Execution:
    """The execution, whose servers may cost so much."""
    waves = tuple(
        run.model_copy(update={"servers": tuple(one.model_copy(update={"size": SIZE}) for one in run.servers)})
        for run in execution.waves
    )
    plan = execution.plan.model_copy(update={"budget": BudgetPolicy(max_usd=usd, run=timedelta(hours=HOURS))})
    budget = BudgetRun(prices=PRICES, limit_usd=usd)
    return execution.model_copy(update={"plan": plan, "waves": waves, "budget": budget})


# --- the world around it ---------------------------------------------------------------------------------------------


class Violation(AssertionError):
    """A promise is broken."""


@dataclass
class Played(Walk):
    """An execution, and a world that does with it as it likes."""

    draw: random.Random = field(default_factory=random.Random)
    ports_open: bool = True
    arrived: set[str] = field(default_factory=set)
    """The tasks whose request was carried out, whether anybody heard of it or not."""
    refused: set[str] = field(default_factory=set)
    """The tasks whose last request was refused for now."""
    told: list[str] = field(default_factory=list)
    """What happened, for people."""
    fair: bool = False
    """Nothing goes wrong any more."""

    def seen(self) -> Seen:
        """The waves' checks are answered, too."""
        seen = super().seen()
        parts: dict[str, Part] = {}
        for plan_wave, run in zip(self.execution.plan.waves, self.execution.waves, strict=True):
            if plan_wave.checks is not None and run.checking is not None:
                questions = due(plan_wave.checks, run, self.now)
                finding = Finding(self.ports_open, "open" if self.ports_open else "refused")
                parts |= {run.wave_name: Part({question.key: finding for question in questions})} if questions else {}
        return replace(seen, checks=CheckSeen(parts=parts))

    def go_on(self, seconds: float) -> None:
        """A worker takes every step that is possible; each request that it is told to send comes to something."""
        for _ in range(40):
            launches, acts = len(self.launches), len(self.acts)
            before = self.execution
            self.run(seconds)
            seconds = 0
            if len(self.launches) > launches:
                self._answer_launch()
            elif len(self.acts) > acts:
                self._answer_act(before)
            else:
                return
        raise Violation("it asks for one thing after the other and does not come to rest")

    def _answer_launch(self) -> None:
        self._hold_called_off(self.launches[-1].wave_name)
        self._hold_budget(self.launches[-1].wave_name)
        kind = "started" if self.fair else self.draw.choice(["started"] * 4 + ["refused", "lost", "lost after", "died"])
        self.told.append(f"{self.seconds:g} launch of {self.launches[-1].wave_name}: {kind}")
        if kind == "refused":
            self.refuse(self.draw.choice(REFUSALS))
            return
        job = self.started() if kind in {"started", "lost after"} else None
        if kind == "started" and job is not None:
            self.reply(Started(job))
        elif kind != "died":
            self.reply(Unknown("ReadTimeout"))

    def _answer_act(self, before: Execution) -> None:
        task = next(one for one in self.execution.tasks if one.task_id == self.acts[-1].task_id)
        fresh = task.task_id not in {one.task_id for one in before.tasks} or task.task_id in self.refused
        if fresh and task.wave_name:
            self._hold_called_off(task.wave_name)
        if task.sends > 1 and task.task_id not in self.refused:
            self._hold_recognised(task)
        self.refused.discard(task.task_id)
        kinds = ["good"] if self.fair else ["good", "good", "bad", "refused", "for good", "lost", "lost after", "died"]
        kind = self.draw.choice(kinds)
        self.told.append(f"{self.seconds:g} {task.title} of {task.wave_name}, sent {task.sends} times: {kind}")
        if kind in {"good", "bad", "lost after"}:
            self.arrived.add(task.task_id)
        outcome: Outcome = Unknown("ReadTimeout")
        if kind in {"refused", "for good"}:
            outcome = NotExecuted("ThrottlingException", "slowly", transient=kind == "refused")
            self.refused |= {task.task_id} if kind == "refused" else set()
        elif kind in {"good", "bad"}:
            outcome = Begun(f"a-{task.task_id}") if task.kind in RECOGNISED else Ended(kind == "good", kind)
        if kind != "died":
            self.acted(outcome)

    def _hold_called_off(self, wave_name: str) -> None:
        """Whatever is asked for of a wave, it may go on."""
        if self.status is X.CANCELLING:
            raise Violation(f"something of wave {wave_name} is asked for while it is being cancelled")
        own = self.execution.wave(wave_name)
        failed = [
            run.wave_name
            for declared, run in zip(self.execution.plan.waves, self.execution.waves, strict=True)
            if run.status in BAD and declared.on_failure is OnFailure.STOP and run is not own
        ]
        if failed and own.retried is None:
            raise Violation(f"something of wave {wave_name} is asked for although {failed} stopped the plan")

    def _hold_budget(self, wave_name: str) -> None:
        """What is launched was weighed, and is borne."""
        budget, wave = self.execution.budget, self.execution.wave(wave_name)
        if budget is None:
            return
        found = committed(self.execution, budget, wave, self.now)
        if wave.unweighed or found.usd > budget.limit_usd:
            raise Violation(f"wave {wave_name} is launched for {found.usd}, and {budget.limit_usd} are allowed")

    def _hold_recognised(self, task: Task) -> None:
        """What is sent again without a refusal is recognised, or harmless by the plan's word."""
        lists = [(part.before, part.after) for part in self.execution.plan.waves if part.name == task.wave_name]
        actions = [one for pair in lists for some in pair for one in some] or [*self.execution.plan.at_end]
        harmless = any(one.title == task.title and one.repeatable for one in actions)
        fifo = task.kind is ActionKind.SNS and ".fifo" in (task.request or "")
        if not (task.kind in RECOGNISED or harmless or fifo):
            raise Violation(f"{task.title} is sent {task.sends} times")

    # --- what happens ------------------------------------------------------------------------------------------------

    def running(self) -> list[Job]:
        """The jobs that have not ended."""
        return [job for job in self.jobs.values() if job.status != "COMPLETED"]

    def happen(self) -> None:
        """One thing of many."""
        things = [
            *[self._time] * 3, self._job_moves, *[self._job_ends] * 2, self._tasks, self._look, self._person,
            *[self._approve] * 2, *[self._allow] * 2, self._edit, self._guard, self._ports, self._job_is_forgotten,
        ]  # fmt: skip
        self.draw.choice(things)()

    def _time(self) -> None:
        self.go_on(self.draw.choice([0, 1, 5, 15, 45, 100, 300, 2_000]))

    def _job_moves(self) -> None:
        for job in self.running():
            self.job_goes_on(job)

    def _job_ends(self) -> None:
        for job in self.running()[:1]:
            ids = [part.source_server_id for part in job.servers]
            failed = [one for one in ids if self.draw.random() < 0.25]
            self.told.append(f"{self.seconds:g} {job.job_id} ends, failed: {failed}")
            self.job_ends(job, *failed)

    def _job_is_forgotten(self) -> None:
        if self.jobs and self.draw.random() < 0.2:
            job_id = self.draw.choice(sorted(self.jobs))
            self.told.append(f"{self.seconds:g} DRS forgets {job_id}")
            del self.jobs[job_id]
            self.missing.add(job_id)
            self.remains[job_id] = Remains()

    def _tasks(self) -> None:
        for task in self.execution.tasks:
            if task.status in FINAL_TASK or task.kind is ActionKind.WAIT:
                self.news.pop(task.task_id, None)
                continue
            going = Going("InProgress")
            if task.status is TaskStatus.INTENT:
                self.news[task.task_id] = Begun(f"a-{task.task_id}") if task.task_id in self.arrived else NotFound()
            elif self.fair:
                self.news[task.task_id] = Ended(True, "Success")
            else:
                news: list[News] = [going, going, Ended(True, ""), Ended(False, ""), Hidden("AccessDenied: no")]
                self.news[task.task_id] = self.draw.choice(news)

    def _look(self) -> None:
        for attempt in self.execution.attempts:
            if attempt.status is not A.INTENT:
                continue
            tagged = [job for job in self.jobs.values() if job.tags[ATTEMPT_TAG] == attempt.attempt_id]
            if tagged:
                self.witnesses[attempt.attempt_id] = Mine(tagged[0])
            elif self.fair:
                self.witnesses[attempt.attempt_id] = Absent()
            else:
                foreign = Foreign(job_of(999), attempt.server_ids[:1])
                shown: list[Witness] = [Absent(), Absent(), foreign, Unsure("later")]
                self.witnesses[attempt.attempt_id] = self.draw.choice(shown)

    def _guard(self) -> None:
        self.obstacles[sid(self.draw.randint(1, 6))] = self.draw.choice([None, None, "a launch would terminate i-1"])

    def _ports(self) -> None:
        self.ports_open = not self.ports_open

    def _approve(self) -> None:
        for run in self.execution.waves:
            if run.status is W.WAITING_APPROVAL and self.status not in FINAL_EXECUTION:
                self._tell(C.APPROVE, run.wave_name, ())

    def _allow(self) -> None:
        if question(self.execution) is not None and self.status not in FINAL_EXECUTION:
            self._tell(C.RESUME, None, ())

    def _edit(self) -> None:
        """A wave without its approval, or without its last server."""
        number = self.draw.randrange(len(self.execution.waves))
        declared, run = self.execution.plan.waves[number], self.execution.waves[number]
        if self.status in FINAL_EXECUTION:
            return
        gone = tuple(one.source_server_id for one in run.servers[1:]) if self.draw.random() < 0.5 else ()
        kept = {
            "optional": tuple(one for one in declared.optional if one not in gone),
            "order": tuple(step for step in declared.order if not set(step) & set(gone)),
        }
        wave = declared.model_copy(update=kept if gone else {"approval": None})
        self.told.append(f"{self.seconds:g} edit {run.wave_name}: {gone or 'no approval'}")
        edit = WaveEdit(wave=wave, basis=basis_of(declared, run), removed=gone)
        self.command(C.EDIT, run.wave_name, edit=edit)

    def _person(self) -> None:
        kind = self.draw.choice([C.PAUSE, C.RESUME, C.RESUME, C.RESUME, C.RETRY, C.RETRY, C.SKIP, C.DECLINE, C.CANCEL])
        if kind in {C.DECLINE, C.CANCEL} and self.draw.random() < 0.9:
            return
        if self.status in FINAL_EXECUTION and not (kind is C.RETRY and self.status in RETRY_EXECUTION):
            return
        some = self.draw.choice([None, *[run.wave_name for run in self.execution.waves]])
        if kind in {C.SKIP, C.DECLINE}:
            some = some or NAMES[0]
        servers = (sid(self.draw.randint(1, 4)),) if kind in {C.RETRY, C.SKIP} and self.draw.random() < 0.3 else ()
        self._tell(kind, None if servers or kind in {C.PAUSE, C.CANCEL} else some, servers)

    def _tell(self, kind: CommandKind, wave_name: str | None, servers: tuple[str, ...]) -> None:
        self.told.append(f"{self.seconds:g} {kind} {wave_name or ''} {' '.join(servers)}")
        self.command(kind, wave_name, servers)

    # --- its end -----------------------------------------------------------------------------------------------------

    def end(self, *, called_off: bool) -> None:
        """Nothing goes wrong any more; at last it is cancelled, or left alone."""
        self.fair = self.ports_open = True
        if called_off and self.status not in FINAL_EXECUTION:
            self._tell(C.CANCEL, None, ())
        over = FINAL_EXECUTION if called_off else FINAL_EXECUTION | {X.PAUSED}
        for _ in range(60):
            for job in self.running():
                self.job_ends(job)
            for job_id in self.jobs:
                self.remains.setdefault(job_id, Remains())
            self._look()
            self._tasks()
            self.go_on(300)
            if self.status in over:
                break
        if self.status not in over:
            raise Violation(f"it is {self.status} and goes on for ever; it waits for {self.execution.waiting_for}")
        if self.status is X.PAUSED:
            self._hold_paused()
            self.end(called_off=True)

    def _hold_paused(self) -> None:
        """It says what it waits for, and somebody can give it."""
        if not self.execution.waiting_for:
            raise Violation("it is PAUSED and says not for what")
        given = {one.kind for one in offers(self.execution, self.now) if one.choices} - {C.CANCEL, C.PAUSE, C.EDIT}
        if not given & {C.APPROVE, C.RESUME, C.RETRY, C.SKIP}:
            raise Violation(f"it is PAUSED for {self.execution.waiting_for}, and nothing but a cancel is offered")

    def hold_final(self) -> None:
        """What it ended as is true."""
        execution, status = self.execution, self.status
        if status not in FINAL_EXECUTION:
            return
        for told in (
            *(f"intent {one.attempt_id} is open" for one in execution.attempts if one.status is A.INTENT),
            *(f"{one.title} is {one.status}" for one in execution.tasks if one.status not in FINAL_TASK),
            *(
                f"{one.job_id} runs"
                for one in execution.attempts
                if one.job_id and status is not X.TIMED_OUT and (one.end_time is None or self._still_runs(one.job_id))
            ),
        ):
            raise Violation(f"it is {status}, and {told}")
        if status not in self._possible():
            raise Violation(f"it is {status}, and its waves are {self.waves}")

    def _still_runs(self, job_id: str) -> bool:
        return job_id in self.jobs and self.jobs[job_id].status != "COMPLETED"

    def _possible(self) -> set[ExecutionStatus]:
        """What it may be called, by what became of it."""
        execution, waves = self.execution, set(self.waves)
        late = execution.deadline is not None and execution.deadline.passed is not None
        cancelled = any(one.kind in {C.CANCEL, C.DECLINE} for one in execution.commands)
        cancelled = cancelled or any(run.declined for run in execution.waves)
        at_end = [one for one in execution.tasks if one.wave_name is None and one.status not in {"DONE", "SKIPPED"}]
        possible = {X.TIMED_OUT} if late else {X.CANCELLED, X.TIMED_OUT} if cancelled else set()
        if W.TIMED_OUT in waves:
            return possible | {X.TIMED_OUT}
        if W.FAILED in waves:
            return possible | {X.FAILED}
        if at_end:
            possible.add(X.FAILED)
        up = all(one.status in {S.LAUNCHED, S.VERIFIED} for run in execution.waves for one in run.servers)
        whole = waves == {W.COMPLETED} and up
        return possible | ({X.COMPLETED} if whole else {X.PARTIAL} if waves & {W.PARTIAL, W.SKIPPED} else set())


def play(seed: int) -> Played:
    """One execution, from its start to its end.

    Raises:
        Violation: a promise is broken.
        IllegalTransition: it went where no arrow leads.
    """
    draw = random.Random(seed)
    walk = Played(execution_by(draw), draw=draw)
    try:
        walk.go_on(0)
        for _ in range(draw.randint(5, 60)):
            walk.happen()
            walk.hold_final()
        walk.end(called_off=draw.random() < 0.2)
        walk.hold_final()
    except Exception as error:
        error.add_note("\n".join(walk.told))
        raise
    return walk


def main() -> int:
    """Play many; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first; the others count on")
    parser.add_argument("--runs", type=int, default=1000)
    told = parser.parse_args()
    ends: dict[str, int] = {}
    broken = 0
    for seed in range(told.seed, told.seed + told.runs):
        try:
            status = play(seed).status.value
        except (Violation, IllegalTransition, AssertionError) as error:
            broken += 1
            sys.stdout.write(f"seed {seed}: {type(error).__name__}: {error}\n{chr(10).join(error.__notes__)}\n\n")
            continue
        ends[status] = ends.get(status, 0) + 1
    shown = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
    sys.stdout.write(f"{told.runs} executions: {shown}; promises broken: {broken}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
