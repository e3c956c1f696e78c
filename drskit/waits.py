"""What an execution waits for: people, machines, and whether anything of it goes on by itself."""

from datetime import datetime, timedelta

from drskit.actions import ActionKind, Task, TaskPhase, TaskStatus
from drskit.approvers import question
from drskit.checking import red_checks
from drskit.checkrounds import unfinished
from drskit.checks import CheckRun
from drskit.costs import question as question_of_money
from drskit.edit import WAITS
from drskit.endings import ended_because
from drskit.model import (
    Attempt,
    AttemptStatus,
    Execution,
    ExecutionStatus,
    ExecutionType,
    OnTimeout,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.nextactions import due_stands
from drskit.progress import awaits_verdict, holds, lost_servers, paced_jobs, paced_waves, still_works
from drskit.states import FINAL_WAVE, STARTED_WAVE
from drskit.steps import open_chunks
from drskit.tasks import Turn, asking, at_the_end, open_tasks, place_of, stand_of, wait_ends
from drskit.texts import moment

SHOWN_CHECKS = 3
SHOWN_AFTER = timedelta(seconds=10)
"""An intent older than this is shown as waiting for its outcome; a younger one is just being carried out."""


def waiting_for(execution: Execution, now: datetime) -> str | None:
    """All that it waits for, people first; None when it waits for nothing."""
    return "; ".join((*people(execution), *_machines(execution, now))) or None


def people(execution: Execution) -> tuple[str, ...]:
    """What only a person can decide."""
    if execution.status is ExecutionStatus.CANCELLING:
        return ()
    held = execution.held
    texts = [f"resume (paused by {held.by}: {held.reason})"] if held else []
    texts += [asked] if (asked := question_of_money(execution)) else []
    for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True):
        texts += _asked_of_people(execution, plan_wave, wave)
    texts += [
        f"a decision about {place_of(task)}, which is {task.status} ({task.outcome}): "
        "resume without it, retry it, or cancel"
        for task in asking(execution)
    ]
    texts += [
        f"a decision about wave {attempt.wave_name}: {attempt.outcome}. Resume when that has ended, or cancel"
        for attempt in execution.attempts
        if attempt.status is AttemptStatus.FOREIGN and holds(execution.wave(attempt.wave_name), attempt)
    ]
    return tuple(texts)


def _asked_of_people(execution: Execution, plan_wave: Wave, wave: WaveRun) -> list[str]:
    texts = []
    if wave.status is WaveStatus.WAITING_APPROVAL and plan_wave.approval:
        otherwise = "it is skipped" if plan_wave.approval.on_timeout is OnTimeout.SKIP else "the execution is cancelled"
        runs_out = wave.approve_by is not None and not execution.held
        by = f" by {moment(wave.approve_by)}, else {otherwise}" if runs_out and wave.approve_by else ""
        texts.append(f"approval of wave {wave.wave_name}{by}: {question(plan_wave.approval)}")
    if awaits_verdict(plan_wave, wave):
        texts.append(
            f"a decision about wave {wave.wave_name}, which is {wave.status}: resume without it, retry it, or cancel"
        )
    unknown: dict[str, list[str]] = {}
    for server in lost_servers(execution, wave):
        unknown.setdefault(server.error or "no reason is known", []).append(server.source_server_id)
    for error, ids in unknown.items():
        more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
        texts.append(f"a decision about {', '.join(ids[:5])}{more} (UNKNOWN: {error}): retry, skip or cancel")
    return texts


def _machines(execution: Execution, now: datetime) -> tuple[str, ...]:
    """What delays it although nobody needs to decide."""
    texts = [
        _delay(execution, wave, wave.not_before)
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if wave.not_before
        and wave.status in {WaveStatus.PREPARING, WaveStatus.QUEUED}
        and not execution.held
        and not _stands_still(execution, plan_wave, wave)
    ]
    texts += [
        f"wave {wave.wave_name} to get {(wave.reason or 'a job slot').removeprefix(WAITS)}"
        for wave in execution.waves
        if wave.status is WaveStatus.QUEUED and wave.not_before is None and not execution.held
    ]
    texts += [
        f"wave {name} to begin at {moment(at)}, after the pause of pacing.waves"
        for name, at in paced_waves(execution, now).items()
    ]
    texts += [
        f"the next job of wave {name} at {moment(at)}, after the pause of pacing.servers"
        for name, at in paced_jobs(execution).items()
        if now < at
    ]
    for attempt in execution.attempts:
        texts += _job(execution, attempt, now)
    for task in open_tasks(execution):
        texts += _run(execution, task, now)
    texts += [
        f"{place_of(stand.task)} to be run again at {moment(stand.at)}: {stand.task.outcome}"
        for stand in due_stands(execution, now)
        if stand.task and stand.at and stand.at > now
    ]
    texts += [
        text
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
        if wave.status is WaveStatus.VERIFYING and (text := _checks(plan_wave, wave))
    ]
    return tuple(texts)


def _run(execution: Execution, task: Task, now: datetime) -> list[str]:
    """What is worth saying of a run that has not ended."""
    what, sent_at = place_of(task), task.sent_at or task.intended_at
    if task.kind is ActionKind.WAIT:
        return [f"{what}, until {moment(wait_ends(execution, task))}"]
    if task.refused and task.not_before:
        return [f"{what} to be asked for again after {moment(task.not_before)}: {task.outcome}"]
    if task.trouble:
        return [f"{what}, which cannot be seen: {task.trouble}"]
    if task.status is TaskStatus.RUNNING:
        return [f"{what} to end, which runs since {moment(task.start_time or task.intended_at)}"]
    lost = task.doubt or (f"asked for at {moment(sent_at)}" if now >= sent_at + SHOWN_AFTER else None)
    return [f"the outcome of {what}: {lost}"] if lost else []


def _checks(plan_wave: Wave, wave: WaveRun) -> str | None:
    """Which checks of which servers have not passed yet, and since when."""
    alike = red_words(plan_wave, wave)
    if not alike or wave.checking is None:
        return None
    servers = {server.source_server_id for server, _, _ in red_checks(plan_wave, wave)}
    more = f"; and {len(alike) - SHOWN_CHECKS} more" if len(alike) > SHOWN_CHECKS else ""
    of = f"{len(servers)} of {len(wave.servers)} servers"
    told = "; ".join(alike[:SHOWN_CHECKS])
    return f"the checks of wave {wave.wave_name} since {moment(wave.checking.since)}, {of}: {told}{more}"


def red_words(plan_wave: Wave, wave: WaveRun) -> list[str]:
    """What has not passed yet: each answer once, with since when and of which servers."""
    alike: dict[str, list[str]] = {}
    for server, check, run in red_checks(plan_wave, wave):
        alike.setdefault(f"{check.name} {_answered(run)}", []).append(server.name or server.source_server_id)
    return [f"{text} ({_some(names)})" for text, names in alike.items()]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _answered(run: CheckRun) -> str:
    return "was not asked yet" if run.code is None or run.since is None else f"{run.code} since {moment(run.since)}"


def _job(execution: Execution, attempt: Attempt, now: datetime) -> list[str]:
    """What is worth saying of one attempt: that its job is looked for, is missing, or is let end."""
    name = attempt.wave_name
    if attempt.status is AttemptStatus.INTENT and now >= attempt.signed_at + SHOWN_AFTER:
        return [f"the job of wave {name} to be found: its request of {moment(attempt.signed_at)} has no known outcome"]
    if attempt.status is not AttemptStatus.LAUNCHED or attempt.end_time is not None:
        return []
    if attempt.missing_since and now >= attempt.missing_since + SHOWN_AFTER:
        return [f"{attempt.job_id} of wave {name}, which DRS has not shown since {moment(attempt.missing_since)}"]
    if execution.wave(name).status in FINAL_WAVE:
        return []
    if execution.status is ExecutionStatus.CANCELLING:
        late = execution.deadline is not None and execution.deadline.passed is not None
        why = f"; {ended_because(execution)}, and nothing new starts" if late else ""
        return [f"the job {attempt.job_id} of wave {name} to end; DRS cannot stop it{why}"]
    return [f"the job {attempt.job_id} of wave {name} goes on"] if execution.held else []


def _delay(execution: Execution, wave: WaveRun, until: datetime) -> str:
    """Why a wave's launch waits: for an AWS that refuses it, or for what stands in its way."""
    settled = [part for part in execution.attempts_of(wave.wave_name) if part.status is not AttemptStatus.INTENT]
    since = settled[-1].refused_since if settled else None
    if since is None or wave.status is WaveStatus.QUEUED:
        return f"wave {wave.wave_name} to be asked again after {moment(until)}: {wave.reason}"
    code, _, said = (wave.reason or "").partition(": ")
    request = "TerminateRecoveryInstances" if execution.execution_type is ExecutionType.CLEANUP else "StartRecovery"
    return (
        f"AWS since {moment(since)}: {code} at {request} in {execution.region} ({said}); "
        f"wave {wave.wave_name} is asked again after {moment(until)}"
    )


def moving(execution: Execution, now: datetime) -> bool:
    """Whether something goes on without a person."""
    if any(_wave_moves(execution, *pair) for pair in zip(execution.plan.waves, execution.waves, strict=True)):
        return True
    runs = any(not _put_off(execution, task) for task in open_tasks(execution))
    if runs or (at_the_end(execution).turn is Turn.DUE and not execution.held and _over(execution)):
        return True
    return bool(paced_waves(execution, now))


def _put_off(execution: Execution, task: Task) -> bool:
    """Whether an action that AWS refused for now is asked for again only after a pause."""
    return execution.held is not None and task.refused and task.status is TaskStatus.INTENT


def _wave_moves(execution: Execution, plan_wave: Wave, wave: WaveRun) -> bool:
    if wave.status not in STARTED_WAVE:
        return False
    if still_works(execution, wave) or wave.status is WaveStatus.INITIATED:
        return True
    if wave.status is WaveStatus.VERIFYING or _action_asks(execution, wave):
        return not _action_asks(execution, wave)
    if execution.execution_type is ExecutionType.CLEANUP:
        return not execution.held
    if _pending(execution, plan_wave, wave):
        return not execution.held and not _stands_still(execution, plan_wave, wave)
    tasks = open_tasks(execution, wave.wave_name)
    return not lost_servers(execution, wave) and not (tasks and all(_put_off(execution, task) for task in tasks))


def _action_asks(execution: Execution, wave: WaveRun) -> bool:
    """Whether an action of a started wave waits for a person: by its failure, or because the execution is paused."""
    verifying = wave.status is WaveStatus.VERIFYING
    if verifying and any(part.name == wave.wave_name and unfinished(part, wave) for part in execution.plan.waves):
        return False  # its checks go on, also while it is paused
    turn = stand_of(execution, TaskPhase.AFTER if verifying else TaskPhase.BEFORE, wave.wave_name).turn
    put_off = all(_put_off(execution, task) for task in open_tasks(execution, wave.wave_name))
    waits = execution.held is not None and (turn is Turn.DUE or (turn is Turn.BUSY and put_off))
    return turn is Turn.ASKS or waits


def _over(execution: Execution) -> bool:
    return all(wave.status in FINAL_WAVE for wave in execution.waves)


def _pending(execution: Execution, plan_wave: Wave, wave: WaveRun) -> set[int]:
    """The chunks that may be asked for and were not launched yet."""
    waiting = {server.source_server_id for server in wave.servers if server.status is ServerStatus.PENDING}
    chunks = open_chunks(execution, plan_wave, wave)
    return {chunk.number for chunk in chunks if not waiting.isdisjoint(chunk.server_ids)}


def _stands_still(execution: Execution, plan_wave: Wave, wave: WaveRun) -> bool:
    """Whether each of its chunks that may be asked for waits for a person."""
    if wave.unweighed:
        return True
    stopped = {
        attempt.chunk
        for attempt in execution.attempts_of(wave.wave_name)
        if attempt.status is AttemptStatus.FOREIGN and holds(wave, attempt)
    }
    return bool(stopped) and _pending(execution, plan_wave, wave) <= stopped
