"""What an execution does next.

Pure: callers bring what they have seen and get back what the execution becomes,
and at most one launch to carry out after that was written. The parts, in order:
obey commands (`orders`), learn the fate of attempts (`attempts`), learn what
became of servers (`launches`), move waves (`progress`), intend the next launch,
conclude. What it waits for is in `waits`, how it ends early in `endings`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from drskit.actionports import Outcome
from drskit.actions import Task
from drskit.attempts import found_a_job, launched, learn_attempts, refused, without_old_refusals
from drskit.checking import new_calls
from drskit.checks import ProbeCall
from drskit.cleaning import REQUEST, call_refused, called, clean
from drskit.edit import changed, pinned_names, queued, with_servers, with_wave
from drskit.endings import next_deadline, run_out
from drskit.launches import learn_servers
from drskit.model import (
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionStatus,
    ExecutionType,
    ServerRun,
    ServerStatus,
    WaveStatus,
)
from drskit.nextactions import act_next, ended, finally_over
from drskit.orders import obey
from drskit.pacing import job_after
from drskit.ports import NotExecuted, Started, Unknown
from drskit.progress import move_waves, prepared
from drskit.quotas import turn, under_way
from drskit.seen import Seen
from drskit.sizes import learn_sizes
from drskit.states import FINAL_WAVE
from drskit.steps import open_chunks
from drskit.tasks import learn_tasks, record_task
from drskit.timelimit import time_up
from drskit.waits import moving, people, waiting_for

ASKING = frozenset({WaveStatus.PREPARING, WaveStatus.QUEUED})
"""A wave that has something to ask for, or waits until it may."""
UNDECIDED = frozenset({AttemptStatus.INTENT, AttemptStatus.FOREIGN})
"""An attempt that may yet launch something: no other may be made for its chunk."""


@dataclass(frozen=True)
class Step:
    """What the execution becomes, and what to carry out once that is written."""

    execution: Execution
    launch: Attempt | None = None
    """The request to send: a launch, or a cleanup's termination."""
    act: Task | None = None
    """The run of an action whose request is to be sent."""
    calls: tuple[tuple[str, ProbeCall], ...] = ()
    """The commands of checks to send, each with its wave."""
    tell: bool = False
    """The drill's own record is to say what a cleanup has proven."""


def decide(execution: Execution, seen: Seen) -> Step:
    """One step; the same execution comes back when there is nothing to do."""
    early = _before_looking(execution, seen.now)
    if early is not None:
        return Step(early)
    if execution.execution_type is ExecutionType.CLEANUP:
        cleaned = clean(execution, seen)
        return Step(conclude(cleaned.execution, seen.now), cleaned.call, tell=cleaned.tell)
    after = learn_attempts(execution, seen)
    if found_a_job(execution, after):
        return Step(conclude(after, seen.now))  # what became of its servers, even of a job that ended, is the next step
    after = learn_servers(after, seen.jobs, seen.logs, seen.instances, seen.remains, seen.now)
    after = learn_sizes(after, seen.sizes)
    late = time_up(after, seen.now)
    if late is not after:
        return Step(conclude(late, seen.now))  # one change of status a step
    after = learn_tasks(after, seen)
    after = move_waves(after, seen)
    acted, task = act_next(after, seen)
    if acted is not after:
        return Step(conclude(acted, seen.now), act=task, calls=new_calls(execution, acted))
    after, launch = intend(after, seen)
    return Step(conclude(after, seen.now), launch, calls=new_calls(execution, after))


def _before_looking(execution: Execution, now: datetime) -> Execution | None:
    """What it becomes whatever DRS shows: by its end, by a command, by a time that is over. None when nothing does."""
    if execution.end_time is not None:
        return execution
    if execution.status is ExecutionStatus.PENDING:
        return execution.model_copy(update={"status": ExecutionStatus.POLLING})
    changed_by = obey(execution, now)
    if changed_by is execution:
        changed_by = run_out(execution, now)
    over = execution.due is not None and now >= execution.due
    waits = execution.status is ExecutionStatus.PAUSED and not over  # a person's turn: no other time runs out meanwhile
    return changed_by if waits or changed_by is not execution else None


def record(
    execution: Execution, attempt: Attempt, outcome: Started | NotExecuted | Unknown, now: datetime
) -> Execution:
    """What a request came to; after an unknown outcome the attempt stays open until a look can tell."""
    cleanup = execution.execution_type is ExecutionType.CLEANUP
    match outcome:
        case Started(job):
            begun = called if cleanup else launched
            return conclude(begun(execution, attempt, job), now)
        case Unknown(reason):
            lost = f"the reply to {REQUEST if cleanup else 'StartRecovery'} was lost ({reason})"
            return conclude(with_wave(execution, attempt.wave_name, reason=lost), now)
        case NotExecuted():
            answered = call_refused if cleanup else refused
            return conclude(answered(execution, attempt, outcome, now), now)
        case _:
            assert_never(outcome)


def record_action(execution: Execution, task: Task, outcome: Outcome, now: datetime) -> Execution:
    """What the request of an action came to."""
    return conclude(record_task(execution, task, outcome, now), now)


def chunks_due(execution: Execution, now: datetime) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """The chunks that may be launched now, if there is room: wave, chunk, source servers.

    The waves take turns as executions do: see `admission`.
    """
    if execution.status is not ExecutionStatus.POLLING or execution.held:
        return ()
    due = []
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        if wave.status not in ASKING or (wave.not_before and now < wave.not_before):
            continue
        if wave.unweighed or not prepared(execution, wave):
            continue
        paced = job_after(execution, plan_wave, wave)
        if paced is not None and now < paced:
            continue
        attempts = execution.attempts_of(wave.wave_name)
        held = {attempt.chunk for attempt in attempts if attempt.status in UNDECIDED}
        busy = {server_id for attempt in attempts if under_way(attempt) for server_id in attempt.server_ids}
        pending = {server.source_server_id for server in wave.servers if server.status is ServerStatus.PENDING} - busy
        for chunk in open_chunks(execution, plan_wave, wave):
            servers = tuple(server_id for server_id in chunk.server_ids if server_id in pending)
            if servers and chunk.number not in held:
                due.append((wave.wave_name, chunk.number, servers))
    return tuple(sorted(due, key=lambda chunk: turn(execution, chunk[0])))


def intend(execution: Execution, seen: Seen) -> tuple[Execution, Attempt | None]:
    """Refuse the servers that must not be launched, and make the intent for the rest of one chunk, or what fits of it.

    Where there is no room, the waves that would have asked for it are QUEUED.
    """
    due = chunks_due(execution, seen.now)
    if not seen.room.servers:
        return queued(execution, [wave_name for wave_name, _, _ in due], seen.room.reason), None
    for wave_name, chunk, server_ids in due:
        if not all(server_id in seen.obstacles for server_id in server_ids):
            continue
        refused = {server_id: text for server_id in server_ids if (text := seen.obstacles[server_id])}

        def refuse(server: ServerRun, refused: dict[str, str] = refused) -> ServerRun:
            text = refused.get(server.source_server_id)
            return changed(server, status=ServerStatus.FAILED, error=text, end_time=seen.now) if text else server

        wave = with_servers(execution.wave(wave_name), refuse)
        execution = with_wave(execution, wave_name, servers=wave.servers)
        rest = tuple(server_id for server_id in server_ids if server_id not in refused)[: seen.room.servers]
        if rest:
            numbers = [attempt.number for attempt in execution.attempts_of(wave_name) if attempt.chunk == chunk]
            attempt = Attempt(
                attempt_id=seen.fresh_id, wave_name=wave_name, chunk=chunk, number=max(numbers, default=0) + 1,
                signed_at=seen.now.replace(microsecond=0), server_ids=rest, snapshots=pinned_names(wave, rest),
            )  # fmt: skip
            attempts = (*without_old_refusals(execution.attempts), attempt)
            execution = with_wave(execution, wave_name, status=WaveStatus.PREPARING)
            return execution.model_copy(update={"attempts": attempts}), attempt
    return execution, None


def conclude(execution: Execution, now: datetime) -> Execution:
    """The status of the whole, from its waves, and what it waits for."""
    if all(wave.status in FINAL_WAVE for wave in execution.waves) and finally_over(execution):
        update = {"status": ended(execution), "end_time": now, "waiting_for": None, "due": None, "held": None}
        return execution.model_copy(update=update)
    status = execution.status
    if status in {ExecutionStatus.POLLING, ExecutionStatus.PAUSED}:
        status = ExecutionStatus.PAUSED if people(execution) and not moving(execution, now) else ExecutionStatus.POLLING
    shown = waiting_for(execution, now)
    due = next_deadline(execution)
    if (status, shown, due) == (execution.status, execution.waiting_for, execution.due):
        return execution
    return execution.model_copy(update={"status": status, "waiting_for": shown, "due": due})
