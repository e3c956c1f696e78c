"""What of a change is told to those whom the plan names, and what is to be sent now.

Pure. Whoever writes an execution writes with it what the change is to tell, so
that nobody can die between the two; sending is for later (`outbox.py`). Each
occurrence has a key, and nothing is told twice under one key.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from drskit.approvers import question
from drskit.bounds import shortened
from drskit.model import (
    Execution,
    ExecutionType,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
    utc,
)
from drskit.notices import Delivery, Notice, NoticeKind, Occurrence, Outcome
from drskit.questions import NAMED, REASON, decisions, look
from drskit.running import RunningInstances, left_running
from drskit.texts import age, counted, moment, plain, span

BACKOFF_SECONDS = (15, 30, 60, 120, 300, 600, 900, 900, 900)
"""The waits after each try that failed; after the last of them one more try, then it is given up."""
MOST_TRIES = len(BACKOFF_SECONDS) + 1
PRESSING_TRIES = 4
"""So often a worker that is about to end tries first; the rest is left to the next worker."""
FIRST_REMINDER = timedelta(hours=1)
"""After the end of a drill, while its instances run."""
DAILY = timedelta(days=1)
"""Between two notices of one thing that lasts."""
MOST_REMINDERS = 14
MOST_NOTICES = 500
"""Of one execution; only its end is told beyond."""
HEADLINE_BYTES, TEXT_BYTES, COMMAND_BYTES, ERROR_BYTES = 200, 1_500, 400, 300
ENDED_WELL = frozenset({WaveStatus.COMPLETED, WaveStatus.PARTIAL})
ENDED_BADLY = frozenset({WaveStatus.FAILED, WaveStatus.TIMED_OUT})
UP = frozenset({ServerStatus.LAUNCHED, ServerStatus.VERIFIED})


# --- what is told ----------------------------------------------------------------------------------------------------


def opened(execution: Execution) -> Execution:
    """A new execution, with the notice of its start."""
    servers = sum(len(wave.servers) for wave in execution.waves)
    if execution.execution_type is ExecutionType.CLEANUP:
        headline = f"cleanup of {execution.cleans} begins"
        text = f"{counted(servers, 'instance')} to terminate, asked for by {execution.started_by}."
    else:
        headline = f"{execution.execution_type.value.lower()} begins"
        text = (
            f"{counted(servers, 'server')} in {counted(len(execution.waves), 'wave')}, "
            f"started by {execution.started_by}."
        )
    commands = (f"drskit executions watch {execution.execution_id}", f"drskit cancel {execution.execution_id} {REASON}")
    occurrence = Occurrence(NoticeKind.START, "start", headline, (text,), commands)
    return with_notices(execution, [occurrence], execution.start_time)


def noticed(before: Execution, after: Execution, now: datetime) -> Execution:
    """The later state with the notices of what changed; the same value where nothing is to be told."""
    if not after.plan.notify:
        return after
    after = with_notices(after, _occurrences(before, after, now), now)
    reminder = _reminder(before, after, now)
    return after if reminder == after.reminder else after.model_copy(update={"reminder": reminder})


def with_notices(execution: Execution, occurrences: Iterable[Occurrence], now: datetime) -> Execution:
    """The execution with a notice of each occurrence that is not told yet and that some target wants."""
    known = {notice.key for notice in execution.notices}
    notices = list(execution.notices)
    for one in occurrences:
        targets = [target.address for target in execution.plan.notify if target.wants(one.kind)]
        full = len(notices) >= MOST_NOTICES and one.kind is not NoticeKind.END
        if not targets or one.key in known or full:
            continue
        known.add(one.key)
        notices.append(_notice(f"{execution.execution_id}-{len(notices) + 1:04d}", one, targets, now))
    if len(notices) == len(execution.notices):
        return execution
    return execution.model_copy(update={"notices": tuple(notices)})


def _notice(notice_id: str, one: Occurrence, targets: Iterable[str], now: datetime) -> Notice:
    return Notice(
        notice_id=notice_id, kind=one.kind, key=one.key, at=now, wave_name=one.wave,
        headline=shortened(one.headline, HEADLINE_BYTES), text=shortened("\n".join(map(plain, one.lines)), TEXT_BYTES),
        commands=tuple(shortened(line, COMMAND_BYTES) for line in one.commands),
        deliveries=tuple(Delivery(target=target, next_try=now) for target in targets),
    )  # fmt: skip


def _occurrences(before: Execution, after: Execution, now: datetime) -> Iterator[Occurrence]:
    for plan_wave, old, new in zip(after.plan.waves, before.waves, after.waves, strict=True):
        if old.status is not new.status:
            yield from _wave(after, plan_wave, new, now)
    if any(getattr(before, part) is not getattr(after, part) for part in ("waves", "attempts", "tasks", "budget")):
        yield from decisions(after)
    late = after.deadline.passed if after.deadline else None
    if late and not (before.deadline and before.deadline.passed):
        text = "Nothing new starts; what runs is followed to its end."
        yield Occurrence(
            NoticeKind.FAILURE, f"deadline:{utc(late)}", "the time of the plan is over", (text,), look(after)
        )
    if after.end_time and not before.end_time:
        yield _end(after, now)


def _wave(execution: Execution, plan_wave: Wave, wave: WaveRun, now: datetime) -> Iterator[Occurrence]:
    """What a wave's new status tells; of a cleanup its end says it all."""
    name = wave.wave_name
    if execution.execution_type is ExecutionType.CLEANUP:
        return
    if wave.status is WaveStatus.WAITING_APPROVAL and plan_wave.approval:
        key = f"approval:{name}:{utc(wave.waiting_since or now)}"
        until = f" Answer by {moment(wave.approve_by)}." if wave.approve_by else ""
        text = f"To be approved: {question(plan_wave.approval)}{until}"
        yield Occurrence(
            NoticeKind.APPROVAL, key, f"wave {name} waits for approval", (text,), _answers(execution, wave), name
        )
    elif wave.status in ENDED_WELL | ENDED_BADLY:
        bad = wave.status in ENDED_BADLY
        up = sum(server.status in UP for server in wave.servers)
        lasted = f" in {span(now - wave.start_time)}" if wave.start_time else ""
        came = f"{up} of {counted(len(wave.servers), 'server')} came up{lasted}."
        lines = (came, *([f"{wave.reason}."] if wave.reason else []), *_failed(wave))
        kind = NoticeKind.FAILURE if bad else NoticeKind.WAVE
        yield Occurrence(kind, f"wave:{name}:{utc(now)}", f"wave {name} is {wave.status}", lines, look(execution), name)


def _failed(wave: WaveRun) -> list[str]:
    bad = [one for one in wave.servers if one.status in {ServerStatus.FAILED, ServerStatus.UNKNOWN}]
    lines = [
        f"{one.name or one.source_server_id} ({one.source_server_id}) is {one.status}: "
        f"{shortened(one.error or 'no reason is known', 200)}"
        for one in bad[:NAMED]
    ]
    return [*lines, f"and {len(bad) - NAMED} more"] if len(bad) > NAMED else lines


def _answers(execution: Execution, wave: WaveRun) -> tuple[str, ...]:
    name, quoted = execution.execution_id, shlex.quote(wave.wave_name)
    return (
        f"drskit approve {name} --wave {quoted} {REASON}",
        f"drskit decline {name} --wave {quoted} {REASON}",
        *look(execution),
    )


def _end(execution: Execution, now: datetime) -> Occurrence:
    servers = [server for wave in execution.waves for server in wave.servers]
    took = span(now - execution.start_time)
    if execution.execution_type is ExecutionType.CLEANUP:
        gone = sum(server.status is ServerStatus.TERMINATED for server in servers)
        text = f"{gone} of {counted(len(servers), 'instance')} terminated in {took}."
        headline = f"cleanup of {execution.cleans} is {execution.status}"
    else:
        up = sum(server.status in UP for server in servers)
        text = f"{up} of {counted(len(servers), 'server')} came up in {took}."
        headline = f"{execution.execution_type.value.lower()} is {execution.status}"
    lines = [text, *(f"Wave {wave.wave_name}: {wave.status}" for wave in execution.waves[:20])]
    lines += _running(left_running(execution), now)
    commands = (f"drskit report {execution.execution_id}", *_cleanup(execution))
    return Occurrence(NoticeKind.END, f"end:{utc(now)}", headline, tuple(lines), commands)


def _running(left: RunningInstances | None, now: datetime) -> list[str]:
    """What a finished drill left, by its record; a sentence each."""
    lines = []
    if left and left.count:
        runs = "runs" if left.count == 1 else "run"
        since = f"since {moment(left.since)} ({age(now - left.since)})"
        lines.append(f"{counted(left.count, 'instance')} of it still {runs}, {since}; that costs money.")
    if left and left.unknown:
        lines.append(f"Whether {counted(left.unknown, 'server')} of it left an instance is not known.")
    return lines


def _cleanup(execution: Execution) -> tuple[str, ...]:
    return (f"drskit cleanup {execution.execution_id} {REASON}",) if left_running(execution) else ()


# --- what lasts ------------------------------------------------------------------------------------------------------


def _reminder(before: Execution, after: Execution, now: datetime) -> datetime | None:
    """When to tell next that instances still run."""
    wanted = any(target.wants(NoticeKind.INSTANCES) for target in after.plan.notify)
    if not (wanted and after.end_time and left_running(after)):
        return None
    return after.reminder if before.end_time else now + FIRST_REMINDER


def reminded(execution: Execution, again: frozenset[str], now: datetime) -> Execution:
    """The finished drill with the notice that instances of it still run, and the time of the next one.

    Args:
        execution: the drill, whose reminder is due.
        again: its servers that a newer execution launched again; their instances are gone.
        now: the present.
    """
    told = sum(notice.kind is NoticeKind.INSTANCES for notice in execution.notices)
    left = left_running(execution, again)
    if left is None or told >= MOST_REMINDERS:
        return execution.model_copy(update={"reminder": None})
    count = left.count + left.unknown
    occurrence = Occurrence(
        NoticeKind.INSTANCES, f"instances:{told + 1}", f"{counted(count, 'instance')} may still run",
        tuple(_running(left, now)), (*_cleanup(execution), *look(execution)),
    )  # fmt: skip
    return with_notices(execution.model_copy(update={"reminder": now + DAILY}), [occurrence], now)


def found_stuck(execution: Execution, key: str, why: str, now: datetime) -> Execution:
    """The execution with the notice that it is stuck: at once, and again each day that the same holds it."""
    told = [notice for notice in execution.notices if notice.key.startswith(f"stuck:{key}:")]
    if told and now - told[-1].at < DAILY:
        return execution
    name = execution.execution_id
    commands = (*look(execution), "drskit poll", f"drskit cancel {name} {REASON}")
    occurrence = Occurrence(NoticeKind.STUCK, f"stuck:{key}:{len(told) + 1}", "it is stuck", (why,), commands)
    return with_notices(execution, [occurrence], now)


# --- what is sent ----------------------------------------------------------------------------------------------------


def due_deliveries(execution: Execution, now: datetime) -> Iterator[tuple[Notice, Delivery]]:
    """What is to be sent now, in the order of its happening."""
    for notice in execution.notices:
        for delivery in notice.deliveries:
            if delivery.next_try and delivery.next_try <= now:
                yield notice, delivery


def pressing(execution: Execution) -> datetime | None:
    """When the next delivery is to be tried that a worker should not leave to others; None when there is none."""
    times = [
        one.next_try
        for notice in execution.notices
        for one in notice.deliveries
        if one.next_try and one.tries < PRESSING_TRIES
    ]
    return min(times, default=None)


def with_outcomes(execution: Execution, outcomes: Mapping[tuple[str, str], Outcome], now: datetime) -> Execution:
    """The execution with what came of these tries, by notice and target; what was settled meanwhile stays."""

    def tried(notice: Notice) -> Notice:
        deliveries = tuple(
            _after(one, outcomes[notice.notice_id, one.target], now)
            if one.next_try and (notice.notice_id, one.target) in outcomes
            else one
            for one in notice.deliveries
        )
        same = all(old is new for old, new in zip(notice.deliveries, deliveries, strict=True))
        return notice if same else notice.model_copy(update={"deliveries": deliveries})

    notices = tuple(map(tried, execution.notices))
    if all(old is new for old, new in zip(execution.notices, notices, strict=True)):
        return execution
    return execution.model_copy(update={"notices": notices})


def _after(delivery: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    tries = delivery.tries + 1
    if outcome.error is None:
        update = {"tries": tries, "next_try": None, "sent": now, "message_id": outcome.message_id, "error": None}
        return delivery.model_copy(update=update)
    error = shortened(outcome.error, ERROR_BYTES)
    if outcome.hopeless or tries >= MOST_TRIES:
        return delivery.model_copy(update={"tries": tries, "next_try": None, "given_up": now, "error": error})
    wait = timedelta(seconds=BACKOFF_SECONDS[tries - 1])
    return delivery.model_copy(update={"tries": tries, "next_try": now + wait, "error": error})


def troubles(execution: Execution) -> tuple[str, ...]:
    """The targets that do not take what is sent to them, a sentence each; none while all goes well."""
    latest: dict[str, Delivery] = {}
    for notice in execution.notices:
        for delivery in notice.deliveries:
            if delivery.tries:
                latest[delivery.target] = delivery
    return tuple(
        f"{target} does not take notifications: {(one.error or '').rstrip('.')}. "
        + (f"It is tried again after {moment(one.next_try)}." if one.next_try else "The last one was given up.")
        for target, one in latest.items()
        if one.sent is None
    )
