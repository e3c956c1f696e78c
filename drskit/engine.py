"""Observe, decide, record the intent, act, record the outcome.

One step at a time, by any number of workers: every write is conditional on what
was read, and whoever loses a race reads again. Between the record of an intent
and the record of its outcome any process may die; whoever comes next looks
before it repeats (reliability §3).
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import assert_never

from drskit.acting import ActionsFor, addresses_for, look_at_tasks, stop_what_is_late
from drskit.actions import Task, TaskStatus
from drskit.aftercare import look_after, record_gone
from drskit.attempts import OVER_QUOTA
from drskit.authorization import Authorization, actions_unauthorised, permit, unauthorised
from drskit.bounds import WAITING_BYTES, bounded, shortened
from drskit.checking import call_sent
from drskit.checks import ProbeCall
from drskit.cleaning import instances_of
from drskit.decide import Step, chunks_due, decide, record, record_action
from drskit.errors import LostRace, Malformed, Unavailable
from drskit.guard import obstacles, survey
from drskit.history import narrate
from drskit.look import Look, ended_logs, instances_looked_for, logs_to_read, missing, remains
from drskit.model import (
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionType,
    JobLog,
)
from drskit.ports import NotExecuted, Recovery, Started, Store, Unknown
from drskit.probing import InstrumentsFor, nothing_to_check_with
from drskit.seen import LATER, Room, Seen
from drskit.snapshots import expired
from drskit.states import FINAL_EXECUTION, NEEDS_ATTENTION, check
from drskit.texts import moment
from drskit.waits import people
from drskit.witness import Absent, Unsure, Witness, instances_testify, look_back, tags_of, testify, unlisted

QUIESCENCE = timedelta(seconds=420)
"""How old an intent must be before its absence is proof: five minutes of signature, and room for a lagging list."""
FAST_QUIESCENCE = timedelta(seconds=60)
"""The same for an execution that was started fast.

The signature is good for four minutes more then. A second launch is prevented only by DRS's ConflictException while a
job holds the servers, and by the look for tags once it is listed; a job that dies within those minutes may be followed
by another (reliability §3.3).
"""
MAX_STEPS = 500
RECORD_TRIES = 20


class Engine:
    """Advances executions; holds no state of its own."""

    def __init__(
        self,
        store: Store,
        *,
        actor: str,
        fresh_id: Callable[[datetime], str],
        actions_for: ActionsFor,
        quiescence: timedelta = QUIESCENCE,
        instruments_for: InstrumentsFor = nothing_to_check_with,
    ) -> None:
        """Make an engine.

        Args:
            store: the tables.
            actor: who is written into the history as the one who advances.
            fresh_id: makes a new ULID for a time.
            actions_for: opens the way to what actions do in a Region.
            quiescence: how old an intent must be before its absence is proof.
            instruments_for: what the checks of an execution are carried out with.
        """
        self._store = store
        self._actor = actor
        self._fresh_id = fresh_id
        self._actions_for = actions_for
        self._quiescence = quiescence
        self._instruments_for = instruments_for

    def advance(self, execution: Execution, look: Look, room: Room = LATER) -> Execution:
        """Take every step that is possible now, and send one request at most, if there is room.

        Raises:
            Unavailable: AWS could not be asked; what was done so far is recorded.
        """
        for _ in range(MAX_STEPS):
            if execution.status in FINAL_EXECUTION:
                break
            try:
                seen = self._observe(execution, look, room)
            except Unavailable as trouble:
                self.show_trouble(execution, trouble)
                raise
            step = decide(execution, seen)
            unchanged = bounded(step.execution) == execution
            if step.tell:
                record_gone(self._store, execution, actor=self._actor)
            elif unchanged:
                break
            if unchanged:
                continue
            stop_what_is_late(execution, step.execution, self._actions_for)
            try:
                execution = self._commit(execution, step.execution, ended_logs(execution, step.execution, look))
            except LostRace:
                return self._store.load(execution.execution_id)
            execution = self._carry_out(execution, step, look)
            if step.launch is not None:
                room = LATER
        return execution

    def _carry_out(self, execution: Execution, step: Step, look: Look) -> Execution:
        """Send what the step wants to be sent, and record what became of it."""
        if step.launch is not None:
            execution = self._launch(execution, step.launch, look)
        if step.act is not None:
            execution = self._act(execution, step.act)
        if step.calls:
            execution = self._send_calls(execution, step.calls, look)
        return execution

    def _act(self, execution: Execution, task: Task) -> Execution:
        """Send the request of a recorded intent, then record the outcome."""
        outcome = self._barred(execution) or self._actions_for(execution.region).start(task, execution.mode)

        def told(now: Execution) -> Execution:
            current = next(other for other in now.tasks if other.task_id == task.task_id)
            if current.status is not TaskStatus.INTENT:
                return now
            return record_action(now, current, outcome, self._store.now())

        return self._record(execution, told)

    def _launch(self, execution: Execution, attempt: Attempt, look: Look) -> Execution:
        """Act on a recorded intent, then record the outcome."""
        outcome = self._send(look.recovery, execution, attempt)
        if isinstance(outcome, Started):
            look.jobs[outcome.job.job_id] = outcome.job
        elif isinstance(outcome, NotExecuted) and outcome.code == OVER_QUOTA:
            look.full = outcome.message

        def told(now: Execution) -> Execution:
            current = next(other for other in now.attempts if other.attempt_id == attempt.attempt_id)
            if current.status is not AttemptStatus.INTENT:
                return now
            return record(now, current, outcome, self._store.now())

        return self._record(execution, told)

    def _barred(self, execution: Execution) -> NotExecuted | None:
        """Why no action of a RECOVERY that nobody authorised is asked for."""
        if execution.execution_type is not ExecutionType.RECOVERY:
            return None
        try:
            complaint = actions_unauthorised(execution, self._authorization(execution))
        except Unavailable as trouble:
            return NotExecuted("Unauthorised", f"nobody could look: {trouble.cause}", transient=True)
        return NotExecuted("Unauthorised", complaint) if complaint else None

    def _send_calls(self, execution: Execution, calls: tuple[tuple[str, ProbeCall], ...], look: Look) -> Execution:
        """Send the commands of checks whose intents were written, then record what became of them."""
        outcomes = look.probing.carry_out(execution, calls, self._instruments_for)
        return self._record(execution, lambda now: call_sent(now, outcomes, self._store.now()))

    def _record(self, execution: Execution, told: Callable[[Execution], Execution]) -> Execution:
        """Write what became of a request, upon whatever others have written meanwhile."""
        for _ in range(RECORD_TRIES):
            after = told(execution)
            if after is execution or bounded(after) == execution:
                return execution
            try:
                return self._commit(execution, after)
            except LostRace:
                execution = self._store.load(execution.execution_id)
        return execution

    def _commit(self, before: Execution, after: Execution, logs: tuple[JobLog, ...] = ()) -> Execution:
        check(before, after)
        after, events = narrate(before, after, now=self._store.now(), actor=self._actor, logs=logs)
        self._store.commit(before, after, events, logs)
        return after

    def show_trouble(self, execution: Execution, trouble: Unavailable) -> None:
        """Say in the execution what it waits for: once for each kind of trouble, not at every pass."""
        texts = (execution.waiting_for or "").split("; ")
        shown = next((text for text in texts if text.startswith("AWS since ")), "")
        code = trouble.cause.partition(" at ")[0]
        if execution.status not in NEEDS_ATTENTION or f": {code} at " in shown:
            return
        since = shown.removeprefix("AWS since ").partition(": ")[0] or moment(self._store.now())
        self._say(execution, "; ".join((*people(execution), f"AWS since {since}: {trouble.cause}")))

    def show_fault(self, execution: Execution, fault: str) -> None:
        """Say in the execution that no step can be worked out of it: the first fault, and once, until a step can be."""
        lead = "a drskit that can advance it: "
        shown = execution.waiting_for or ""
        if execution.status in FINAL_EXECUTION or lead in shown:
            return
        text = shortened(f"{lead}{fault}", WAITING_BYTES // 2)  # in front, for the end may be cut off
        self._say(execution, "; ".join(filter(None, (text, shown))))

    def _say(self, execution: Execution, waiting_for: str) -> None:
        """Record what an execution waits for; where another worker was quicker, that one's word stands."""
        with suppress(LostRace):
            self._commit(execution, execution.model_copy(update={"waiting_for": waiting_for}))

    def _send(self, recovery: Recovery, execution: Execution, attempt: Attempt) -> Started | NotExecuted | Unknown:
        """The one call of an attempt; that of a RECOVERY only with a permit."""
        match execution.execution_type:
            case ExecutionType.CLEANUP:
                return recovery.terminate(attempt, instances_of(execution, attempt))
            case ExecutionType.DRILL:
                return recovery.start_recovery(attempt, tags_of(execution, attempt))
            case ExecutionType.RECOVERY:
                try:
                    permitted = permit(execution, attempt, self._authorization(execution))
                except Unavailable as trouble:
                    return NotExecuted("NotAuthorized", f"nobody could look: {trouble.cause}", transient=True)
                if isinstance(permitted, str):
                    return NotExecuted("NotAuthorized", permitted)
                return recovery.recover(attempt, tags_of(execution, attempt), permitted)
            case _:
                assert_never(execution.execution_type)

    def _authorization(self, execution: Execution) -> Authorization | None:
        """What the creation of a RECOVERY consumed, as the tables hold it; None when nothing did that can be read.

        Raises:
            Unavailable: the tables could not be asked.
        """
        if execution.authority is None:
            return None
        try:
            return self._store.get_authorization(execution.authority.authorization_id)
        except Malformed:
            return None

    # --- observing ---------------------------------------------------------------------------------------------------

    def _observe(self, execution: Execution, look: Look, room: Room) -> Seen:
        now = self._store.now()
        if execution.execution_type is ExecutionType.CLEANUP:
            return Seen(
                now=now,
                listed_at=look.taken_at,
                quiescence=self._quiescence,
                fresh_id=self._fresh_id(now),
                jobs=look.jobs,
                missing=missing(execution, look),
                remains=remains(execution, look),
                aftermath=look_after(execution, self._store, look.recovery, look.jobs, now, calls=room.servers > 0),
                room=room,
            )
        instances = instances_looked_for(execution, look.recovery)
        return Seen(
            now=now,
            listed_at=look.taken_at,
            quiescence=self._quiescence_of(execution),
            fresh_id=self._fresh_id(now),
            jobs=look.jobs,
            missing=missing(execution, look),
            remains=remains(execution, look),
            logs={job_id: look.log(job_id) for job_id in logs_to_read(execution, look.jobs)},
            instances=instances,
            witnesses=self._witnesses(execution, look),
            obstacles=self._obstacles(execution, look.recovery, now) if room.servers else {},
            sizes=look.sizes(execution, instances),
            news=look_at_tasks(execution, self._actions_for, look.sightings, now),
            addresses=addresses_for(execution, self._actions_for, look.sightings, now),
            room=room,
            checks=look.probing.observe(execution, self._instruments_for, now),
        )

    def _obstacles(self, execution: Execution, recovery: Recovery, now: datetime) -> dict[str, str | None]:
        """The relaunch guard for the chunk that would be launched; of a RECOVERY, first whether it is authorised."""
        due = chunks_due(execution, now)
        if not due:
            return {}
        wave_name, _, server_ids = due[0]
        wanted = set(server_ids)
        pinned = {
            server.source_server_id: server.snapshot
            for server in execution.wave(wave_name).servers
            if server.snapshot is not None and server.source_server_id in wanted
        }
        recovers = execution.execution_type is ExecutionType.RECOVERY
        if recovers:
            names = {server_id: snapshot.snapshot_id for server_id, snapshot in pinned.items()}
            complaint = unauthorised(execution, server_ids, names, self._authorization(execution))
            if complaint is not None:
                return dict.fromkeys(server_ids, complaint)
        found = survey(recovery, server_ids)
        guarded = obstacles(server_ids, found, execution.replace, for_real=recovers)
        return guarded | dict(expired(recovery, pinned))

    def _quiescence_of(self, execution: Execution) -> timedelta:
        """How old an intent of this execution must be before its absence is proof."""
        return min(FAST_QUIESCENCE, self._quiescence) if execution.fast else self._quiescence

    def _witnesses(self, execution: Execution, look: Look) -> dict[str, Witness]:
        """The open intents, judged; only where the listing reaches back far enough."""
        found = {}
        for attempt in execution.attempts:
            if attempt.status is not AttemptStatus.INTENT or look.since is None:
                continue
            if look.since <= attempt.signed_at - look_back(attempt):
                found[attempt.attempt_id] = self._witness(execution, attempt, look)
        return found

    def _witness(self, execution: Execution, attempt: Attempt, look: Look) -> Witness:
        """What the listing and the servers say; before a repeat, also what only the servers and instances name.

        What DRS refused is settled by the next look, so the jobs that only the servers name are asked for at once.
        """
        recovery, ids = look.recovery, attempt.server_ids
        servers = {server.source_server_id: server for server in recovery.source_servers(ids)}
        verdict = testify(execution, attempt, look.jobs.values(), servers)
        unlisted_job = isinstance(verdict, Unsure) and verdict.job_id not in look.jobs
        if unlisted_job or (isinstance(verdict, Absent) and attempt.refused):
            look.ask_for(unlisted(attempt, look.jobs.values(), servers))
            verdict = testify(execution, attempt, look.jobs.values(), servers)
        if not isinstance(verdict, Absent) or look.taken_at < attempt.signed_at + self._quiescence_of(execution):
            return verdict
        instances = recovery.recovery_instances(ids)
        tagged = recovery.tagged_instances(ids)
        look.ask_for(unlisted(attempt, look.jobs.values(), servers, instances))
        verdict = testify(execution, attempt, look.jobs.values(), servers)
        if not isinstance(verdict, Absent):
            return verdict
        hidden = instances_testify(attempt, look.jobs.values(), instances, tagged)
        return hidden if isinstance(hidden, Unsure) else verdict
