"""The history of an execution: every change is an event.

Events are drawn from the difference of two states, so that no change of any
field can be written without one, and chained by hash, so that no event can be
edited without a trace (promise 4). Beside what people read an event carries the
fields that changed; the last event of each write carries a digest of all that
was written, and a job's log is sealed when it is kept.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from drskit.actions import Task
from drskit.bounds import bounded, servers_at_once
from drskit.model import Attempt, AttemptStatus, Command, Decision, Event, Execution, JobLog, ServerRun, WaveRun
from drskit.notices import Delivery, Notice
from drskit.noticing import noticed, opened
from drskit.seals import FIELDS, STATE, changes, log_digest, plan_digest, state_digest

PARTS = frozenset({"waves", "attempts", "tasks", "commands", "notices"})
"""Of an execution; each has events of its own."""
PLANS = frozenset({"plan", "applied"})
"""What only an edit changes; its event carries the digest."""
UNTOLD = frozenset({"version", "events", "head"})
"""What every write changes."""
DECIDED = {"approved": "ApprovedBy", "declined": "DeclinedBy", "retried": "RetriedBy", "skipped": "SkippedBy"}
"""What somebody may have decided when a wave changes, and how the event names who it was."""
Told = tuple[str, str | None, dict[str, object]]
"""Kind, actor (None: the one who writes), facts."""


def first_event(execution: Execution) -> tuple[Execution, Event]:
    """The event of an execution's creation, and the execution as it is stored, with it counted."""
    execution = opened(bounded(execution))
    facts: dict[str, object] = {
        "PlanId": execution.plan_id,
        "ExecutionType": execution.execution_type.value,
        "Mode": execution.mode.value,
        "AccountId": execution.account_id,
        "Region": execution.region,
        "Digest": execution.digest,
        "Groups": [group.to_json() for group in execution.groups],
        "Replace": list(execution.replace),
        "Fast": execution.fast,
        "Change": execution.change.to_json() if execution.change else None,
        "Authority": execution.authority.to_json() if execution.authority else None,
        "Typed": execution.typed,
        "Cleans": execution.cleans,
        "PlanDigest": plan_digest(execution.plan),
        FIELDS: changes(
            None, execution, PARTS | UNTOLD | {"plan", "groups", "replace", "change", "authority", "typed"}
        ),
        STATE: state_digest(execution),
    }
    if execution.cleans:
        facts |= {"About": execution.plan.description, "Instances": frozen_instances(execution)}
    if execution.notices:
        facts["Notices"] = [notice.to_json() for notice in execution.notices]
    if snapshots := frozen_snapshots(execution):
        facts["Snapshots"] = snapshots
    event = Event(
        sequence=1, time=execution.start_time, actor=execution.started_by, kind="EXECUTION_STARTED", facts=facts
    ).sealed("")
    return execution.model_copy(update={"events": 1, "head": event.hash}), event


def frozen_instances(execution: Execution) -> list[dict[str, str | None]]:
    """Of a cleanup: the instances that it is to terminate; none of anything else."""
    if execution.cleans is None:
        return []
    return [
        {
            "SourceServerId": server.source_server_id,
            "Status": server.status.value,
            "RecoveryInstanceId": server.recovery_instance_id,
        }
        for wave in execution.waves
        for server in wave.servers
    ]


def frozen_snapshots(execution: Execution) -> dict[str, dict[str, str]]:
    """What the servers are to be launched from, by source server; those of the newest data are missing."""
    return {
        server.source_server_id: server.snapshot.to_json()
        for wave in execution.waves
        for server in wave.servers
        if server.snapshot is not None
    }


def narrate(
    before: Execution, after: Execution, *, now: datetime, actor: str, logs: Iterable[JobLog] = ()
) -> tuple[Execution, tuple[Event, ...]]:
    """The events that tell the difference, and the later state as it is stored: counted, and the version raised.

    What the difference is to tell to those whom the plan names is written with it.

    Args:
        before: as it was stored.
        after: as it shall be.
        now: the events' time.
        actor: who writes.
        logs: of the jobs that ended, as they are kept with this write.
    """
    after = noticed(before, bounded(after), now).model_copy(update={"version": before.version + 1})
    told = [*_differences(before, after), *map(_log, filter(lambda log: log.entries, logs))]
    kind, who, facts = told.pop() if told else ("EXECUTION_NOTED", None, {})
    told.append((kind, who, facts | {STATE: state_digest(after)}))
    events: list[Event] = []
    head = before.head
    for kind, who, facts in told:
        event = Event(
            sequence=before.events + len(events) + 1, time=now, actor=who or actor, kind=kind, facts=facts
        ).sealed(head)
        head = event.hash
        events.append(event)
    return after.model_copy(update={"events": before.events + len(events), "head": head}), tuple(events)


def _differences(before: Execution, after: Execution) -> Iterator[Told]:
    commands = {command.command_id: command for command in before.commands}
    for command in after.commands:
        was = commands.get(command.command_id)
        about: dict[str, object] = {"CommandId": command.command_id}
        yield from _noted("COMMAND_NOTED", about, changes(was, command), _command(was, command))
    attempts = {attempt.attempt_id: attempt for attempt in before.attempts}
    kept = {attempt.attempt_id for attempt in after.attempts}
    for attempt in before.attempts:
        if attempt.attempt_id not in kept:
            yield "ATTEMPT_FORGOTTEN", None, _attempt(attempt)
    for attempt in after.attempts:
        had = attempts.get(attempt.attempt_id)
        if had is not attempt:
            yield from _noted("ATTEMPT_NOTED", _attempt(attempt), changes(had, attempt), _launch(had, attempt))
    checks = {wave.name: wave.checks for wave in after.plan.waves}
    for old, new in zip(before.waves, after.waves, strict=True):
        if new is not old:
            yield from _members(old, new)
            yield from _servers(old, new, servers_at_once(checks.get(new.wave_name)))
            yield from _noted("WAVE_NOTED", {"Wave": new.wave_name}, changes(old, new, {"servers"}), _wave(old, new))
    yield from _notices(before, after)
    tasks = {task.task_id: task for task in before.tasks}
    for task in after.tasks:
        ran = tasks.get(task.task_id)
        if ran is not task:
            yield from _noted("TASK_NOTED", _about_task(task), changes(ran, task), _task(ran, task))
    yield from _edited(before, after)
    own = changes(before, after, PARTS | UNTOLD | PLANS)
    yield from _noted("EXECUTION_NOTED", {}, own, _whole(before, after))


def _noted(kind: str, about: dict[str, object], fields: dict[str, object], told: Iterable[Told]) -> Iterator[Told]:
    """What is told in words, the first of it with the fields that changed; what has no words is noted all the same."""
    first, *rest = [*told] or [(kind, None, about)]
    if fields:
        yield first[0], first[1], first[2] | {FIELDS: fields}
        yield from rest


def _log(log: JobLog) -> Told:
    facts = {"Wave": log.wave_name, "JobId": log.job_id, "Lines": len(log.entries), "Digest": log_digest(log)}
    return "LOG_RECORDED", None, facts


def _whole(before: Execution, after: Execution) -> Iterator[Told]:
    if after.held and not before.held:
        yield "EXECUTION_HELD", after.held.by, {"Reason": after.held.reason}
    elif before.held and not after.held:
        yield "EXECUTION_RELEASED", None, {"HeldBy": before.held.by}
    if (before.status, before.waiting_for) != (after.status, after.waiting_for):
        yield (
            "EXECUTION_CHANGED",
            None,
            {"From": before.status.value, "To": after.status.value, "WaitingFor": after.waiting_for},
        )


def _command(old: Command | None, command: Command) -> Iterator[Told]:
    facts: dict[str, object] = {
        "CommandId": command.command_id,
        "Command": command.kind.value,
        "Wave": command.wave_name,
        "Reason": command.reason,
    }
    if old is None:
        yield "COMMAND_RECEIVED", command.by, facts
    elif old.acknowledged is None and command.acknowledged is not None:
        yield "COMMAND_ACKNOWLEDGED", None, {**facts, "By": command.by, "Answer": command.answer}


def _notices(before: Execution, after: Execution) -> Iterator[Told]:
    known = {notice.notice_id: notice for notice in before.notices}
    for notice in after.notices:
        was = known.get(notice.notice_id)
        if was is not notice:
            about: dict[str, object] = {"NoticeId": notice.notice_id}
            yield from _noted("NOTICE_NOTED", about, changes(was, notice), _notice(was, notice))


def _notice(old: Notice | None, notice: Notice) -> Iterator[Told]:
    about: dict[str, object] = {"NoticeId": notice.notice_id, "Wave": notice.wave_name, "About": notice.headline}
    if old is None:
        yield "NOTICE_MADE", None, {**about, "Targets": [one.target for one in notice.deliveries]}
        return
    for was, one in zip(old.deliveries, notice.deliveries, strict=True):
        if one != was:
            yield _delivery(one)[0], None, about | _delivery(one)[1]


def _delivery(one: Delivery) -> tuple[str, dict[str, object]]:
    facts: dict[str, object] = {"Target": one.target, "Tries": one.tries}
    if one.sent:
        return "NOTICE_SENT", facts | {"MessageId": one.message_id}
    return "NOTICE_GIVEN_UP" if one.given_up else "NOTICE_FAILED", facts | {"Reason": one.error}


def _launch(old: Attempt | None, attempt: Attempt) -> Iterator[Told]:
    if old is None:
        yield "ATTEMPT_INTENT", None, {**_attempt(attempt), "Servers": list(attempt.server_ids)}
    elif old.status is not attempt.status:
        kind = "REOPENED" if attempt.status is AttemptStatus.INTENT else attempt.status.value
        yield f"ATTEMPT_{kind}", None, {**_attempt(attempt), "JobId": attempt.job_id, "Reason": attempt.outcome}
    elif (old.job_status, old.end_time) != (attempt.job_status, attempt.end_time):
        facts = {**_attempt(attempt), "JobId": attempt.job_id, "From": old.job_status, "To": attempt.job_status}
        yield "JOB_CHANGED", None, facts
    elif (old.missing_since is None) is not (attempt.missing_since is None):
        kind = "JOB_MISSING" if attempt.missing_since else "JOB_FOUND"
        yield kind, None, {**_attempt(attempt), "JobId": attempt.job_id}
    elif old.outcome != attempt.outcome:
        yield "ATTEMPT_REFUSED", None, {**_attempt(attempt), "Reason": attempt.outcome}


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "Wave": attempt.wave_name,
        "Chunk": attempt.chunk,
        "Attempt": attempt.number,
        "AttemptId": attempt.attempt_id,
    }


def _task(old: Task | None, task: Task) -> Iterator[Told]:
    facts = _about_task(task) | {"ExternalId": task.external_id, "Reason": task.outcome}
    if old is None or old.status is not task.status:
        yield f"TASK_{task.status.value}", None, facts
    elif task.sends > old.sends:
        yield "TASK_SENT_AGAIN", None, facts
    elif task.again and task.again != old.again:
        yield "TASK_AGAIN", task.again.by, _about_task(task) | {"Reason": task.again.reason}
    elif task.overridden and task.overridden != old.overridden:
        yield "TASK_OVERRIDDEN", task.overridden.by, _about_task(task) | {"Reason": task.overridden.reason}
    elif (task.refused, task.doubt, task.trouble) != (old.refused, old.doubt, old.trouble):
        yield "TASK_DELAYED", None, facts | {"Reason": task.trouble or task.outcome}


def _about_task(task: Task) -> dict[str, object]:
    return {
        "Wave": task.wave_name,
        "Phase": task.phase.value,
        "Action": task.title,
        "Run": task.number,
        "TaskId": task.task_id,
    }


def _edited(before: Execution, after: Execution) -> Iterator[Told]:
    """Of an edit: the digest of the plan as executed from now on."""
    if before.plan is not after.plan and before.plan != after.plan:
        yield "PLAN_EDITED", None, {"PlanDigest": plan_digest(after.plan), "Applied": plan_digest(after.started_plan)}


def _members(old: WaveRun, new: WaveRun) -> Iterator[Told]:
    """The servers that came into a wave by an edit, and those that went."""
    had = {server.source_server_id for server in old.servers}
    has = {server.source_server_id for server in new.servers}
    if had != has:
        added = [changes(None, server) for server in new.servers if server.source_server_id not in had]
        gone = [server.source_server_id for server in old.servers if server.source_server_id not in has]
        yield "WAVE_EDITED", None, {"Wave": new.wave_name, "Added": added, "Removed": gone}


def _servers(old: WaveRun, new: WaveRun, most: int) -> Iterator[Told]:
    had = {server.source_server_id: server for server in old.servers}
    pairs = [(had[server.source_server_id], server) for server in new.servers if server.source_server_id in had]
    moved = [
        _server(after) | changes(before, after) for before, after in pairs if after is not before and after != before
    ]
    for start in range(0, len(moved), most):
        yield "SERVERS_CHANGED", None, {"Wave": new.wave_name, "Servers": moved[start : start + most]}


def _wave(old: WaveRun, new: WaveRun) -> Iterator[Told]:
    if old.status is not new.status:
        facts: dict[str, object] = {
            "Wave": new.wave_name,
            "From": old.status.value,
            "To": new.status.value,
            "Reason": new.reason,
        }
        who = None
        for name, word in DECIDED.items():
            decision: Decision | None = getattr(new, name)
            if decision and decision != getattr(old, name):
                facts[word], who = decision.by, decision.by
        yield "WAVE_CHANGED", who, facts
    elif old.overridden is None and new.overridden is not None:
        yield "WAVE_OVERRIDDEN", new.overridden.by, {"Wave": new.wave_name, "Reason": new.overridden.reason}
    elif old.reason != new.reason:
        yield "WAVE_DELAYED", None, {"Wave": new.wave_name, "Reason": new.reason}


def _server(server: ServerRun) -> dict[str, object]:
    phase = server.phases[-1].phase.value if server.phases else None
    return {
        "SourceServerId": server.source_server_id,
        "Name": server.name,
        "Status": server.status.value,
        "LaunchStatus": server.launch_status,
        "Phase": phase,
        "RecoveryInstanceId": server.recovery_instance_id,
        "Error": server.error,
    }
