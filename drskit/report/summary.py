"""What an execution amounts to, as numbers and sentences that reports render.

Pure: an execution with its history and job logs goes in, a `Summary` comes out.
How each number is defined is written in `measures.DEFINITIONS`, and printed in
every report beside the numbers.
"""

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from drskit.amending import told as edited_words
from drskit.approvers import question
from drskit.authorization import told as authorised_words
from drskit.endings import ended_because
from drskit.model import (
    Approval,
    Attempt,
    AttemptStatus,
    Command,
    Decision,
    Event,
    Execution,
    ExecutionStatus,
    ExecutionType,
    GroupRun,
    JobLog,
    JobLogEntry,
    Kept,
    Mode,
    Record,
    ServerRun,
    ServerStatus,
    WaveRun,
    WaveStatus,
)
from drskit.report import measures
from drskit.report.checked import checks_words
from drskit.report.context import Context
from drskit.report.criteria import Criterion, Deviation, Untested, criteria_of, deviations_of, untested_of
from drskit.report.critical import Step, critical_path
from drskit.report.figures import Difference, DrillFigures, differences, figures_of
from drskit.report.measures import Measure, Verdict
from drskit.report.sections import Section, sections_of
from drskit.targets import ENDED
from drskit.views.leftovers import leftovers
from drskit.views.words import counted, moment, plain, span

NAMED = 5
"""Instances named in a verdict; beyond, they are counted."""
LABEL_END = 5
"""Characters of an id that tell servers of one name apart."""
COPIED = (
    "status", "mode", "execution_type", "execution_id", "plan_id", "digest", "head", "account_id", "region",
    "started_by", "start_time", "end_time", "waiting_for", "groups", "fast", "commands", "cleans", "kept",
)  # fmt: skip
"""The fields of a summary that are the execution's own."""


class ApprovalState(StrEnum):
    """What became of an approval that a wave asks for."""

    APPROVED = "APPROVED"
    WAITING = "WAITING"
    NOT_ASKED = "NOT ASKED YET"
    NEVER_GIVEN = "NEVER GIVEN"


class ServerResult(Record):
    """What became of a server, with its own targets and actuals."""

    wave_name: str
    run: ServerRun
    rto: Measure
    rpo: Measure


class ApprovalResult(Record):
    """Who let a wave start, when, why, and how long it waited."""

    wave_name: str
    text: str
    state: ApprovalState
    since: AwareDatetime | None
    waited: timedelta | None
    decision: Decision | None


class WaveResult(Record):
    """What became of a wave, with its targets and actuals."""

    wave_name: str
    status: WaveStatus
    start_time: AwareDatetime | None
    end_time: AwareDatetime | None
    reason: str | None
    overridden: Decision | None
    reached: int
    """How many of its servers were launched or verified."""
    rto: Measure
    rpo: Measure
    servers: tuple[ServerResult, ...]


class JobResult(Record):
    """One attempt with its job and the job's log."""

    attempt: Attempt
    log: tuple[JobLogEntry, ...]


class Summary(Record):
    """All that a report shows."""

    verdict: str
    """One sentence: what happened, and whether the target was met."""
    status: ExecutionStatus
    mode: Mode
    execution_type: ExecutionType
    execution_id: str
    plan_id: str
    description: str
    owners: dict[str, str]
    procedure: str | None
    digest: str
    head: str
    account_id: str
    region: str
    started_by: str
    start_time: AwareDatetime
    end_time: AwareDatetime | None
    elapsed: timedelta
    made_at: AwareDatetime
    waiting_for: str | None
    rto: Measure
    rto_without_people: Measure
    ended_because: str | None
    """Why nothing more of it was started, where the plan's own time was over."""
    waited: timedelta
    """How long only people were waited for; see `measures.DEFINITIONS`."""
    rpo: Measure
    groups: tuple[GroupRun, ...]
    replaced: tuple[str, ...]
    fast: bool
    checks: str
    """Whether checks were declared, and what became of them, in words."""
    sections: tuple[Section, ...]
    """What this execution gives reason for, beside what every report has."""
    waves: tuple[WaveResult, ...]
    approvals: tuple[ApprovalResult, ...]
    commands: tuple[Command, ...]
    jobs: tuple[JobResult, ...]
    loose_logs: tuple[JobLog, ...]
    """Logs of jobs that no attempt of this execution names."""
    events: tuple[Event, ...]
    versions: dict[str, str]
    cleans: str | None
    """Of a cleanup: the drill whose instances it terminates."""
    kept: tuple[Kept, ...]
    """Of a cleanup: the instances of the same servers that it left alone."""
    remarks: tuple[str, ...]
    """What a reader must know before the numbers: who authorised it, and that it was edited; a sentence each."""
    edited: bool
    """Whether it was executed otherwise than it was started."""
    leftovers: tuple[str, ...]
    """Of a drill that is over: what of it still runs by its record, and what was terminated since; a sentence each."""
    path: tuple[Step, ...]
    """The critical path; none of a cleanup."""
    criteria: tuple[Criterion, ...]
    """What was to be so, as the plan said before the run."""
    untested: tuple[Untested, ...]
    deviations: tuple[Deviation, ...]
    figures: DrillFigures
    differences: tuple[Difference, ...]
    """To the plan's last drill; none where there was none, or nobody asked."""
    context: Context

    @property
    def is_cleanup(self) -> bool:
        """Whether instances were to be terminated, not servers to be launched."""
        return self.execution_type is ExecutionType.CLEANUP

    @property
    def servers(self) -> tuple[ServerResult, ...]:
        """All servers, those in trouble first, otherwise in the order of the plan."""
        found = [server for wave in self.waves for server in wave.servers]
        return tuple(sorted(found, key=lambda server: urgency(server.run)))


def urgency(server: ServerRun) -> int:
    """Sorts what needs a person first: failed, unknown, under way, waiting, done."""
    order = [ServerStatus.FAILED, ServerStatus.UNKNOWN, ServerStatus.LAUNCHING, ServerStatus.PENDING]
    return order.index(server.status) if server.status in order else len(order)


def labels_of(summary: Summary) -> dict[str, str]:
    """What each server is called where its id has no room: its name, with the id's end where others share it."""
    runs = [server.run for server in summary.servers]
    names = Counter(run.name for run in runs)
    return {
        run.source_server_id: (run.name if names[run.name] == 1 else f"{run.name} …{run.source_server_id[-LABEL_END:]}")
        if run.name
        else run.source_server_id
        for run in runs
    }


def summarise(
    execution: Execution,
    events: tuple[Event, ...],
    logs: tuple[JobLog, ...],
    now: datetime,
    *,
    context: Context | None = None,
) -> Summary:
    """Sum up an execution, finished or not, as of `now`.

    Args:
        execution: the execution, whole.
        events: its history, oldest first.
        logs: the logs of its jobs, as far as they were kept.
        now: the present by the execution's clock; only what is not over depends on it.
        context: what was known beside the execution; nothing when left out.
    """
    context = context or Context(made_at=now)
    waves = tuple(_wave(execution, wave, now) for wave in execution.waves)
    known = _copied(execution) | _measured(execution, now)
    criteria = criteria_of(execution, known["rto"], known["rpo"], {wave.wave_name: wave.rto for wave in waves})
    untested, figures = untested_of(execution), figures_of(execution, now)
    made = Summary(
        **known,
        verdict="",
        made_at=now,
        ended_because=ended_because(execution) if execution.deadline and execution.deadline.passed else None,
        checks=checks_words(execution),
        sections=sections_of(execution, events, now),
        waves=waves,
        approvals=_approvals(execution, now),
        jobs=_jobs(execution, logs),
        loose_logs=_loose_logs(execution, logs),
        events=events,
        versions=context.versions,
        remarks=_remarks(execution),
        edited=execution.applied is not None,
        leftovers=leftovers(execution, now, context.again),
        path=critical_path(execution, now, events),
        criteria=criteria,
        untested=untested,
        deviations=tuple(deviations_of(execution, criteria, untested)),
        figures=figures,
        differences=differences(figures, context.last) if context.last else (),
        context=context,
    )
    return made.model_copy(update={"verdict": verdict(made)})


def _remarks(execution: Execution) -> tuple[str, ...]:
    authorised = () if execution.authority is None else (authorised_words(execution.authority),)
    return authorised if execution.applied is None else (*authorised, edited_words(execution))


def _copied(execution: Execution) -> dict[str, Any]:
    """What a report shows as the execution and its plan have it."""
    of_plan = {name: getattr(execution.plan, name) for name in ("description", "owners", "procedure")}
    return of_plan | {name: getattr(execution, name) for name in COPIED} | {"replaced": execution.replace}


def _measured(execution: Execution, now: datetime) -> dict[str, Any]:
    return {
        "elapsed": (execution.end_time or now) - execution.start_time,
        "rto": measures.plan_rto(execution, now),
        "rto_without_people": measures.plan_rto_without_people(execution, now),
        "waited": measures.waited_for_people(execution, now, measures.measured_end(execution, now)),
        "rpo": measures.plan_rpo(execution),
    }


def verdict(summary: Summary) -> str:
    """The one sentence that a tired reader takes home."""
    if summary.is_cleanup:
        return _cleanup_verdict(summary)
    critical = [server.run for wave in summary.waves for server in wave.servers if server.run.critical]
    reached = sum(measures.reached(run) for run in critical)
    kind = summary.execution_type.value.capitalize()
    done = f"{reached} of {counted(len(critical), 'critical server')} launched"
    if summary.end_time is None:
        waiting = f"; waiting for {plain(summary.waiting_for).rstrip('.')}" if summary.waiting_for else ""
        return f"{kind} {summary.status}: {done}; {span(summary.elapsed)} so far, {_target_words(summary.rto)}{waiting}"
    took = f" in {span(summary.rto.actual)}" if summary.rto.actual is not None else ""
    late = f"; {summary.ended_because}" if summary.ended_because else ""
    return f"{kind} {summary.status}: {done}{took}; {_target_words(summary.rto)}{late}"


def _cleanup_verdict(summary: Summary) -> str:
    """What is gone and what remains, then how the cleanup stands."""
    servers = [server.run for server in summary.servers]
    left = [run for run in servers if run.status is not ServerStatus.TERMINATED]
    done = f"{len(servers) - len(left)} of {counted(len(servers), 'instance')} terminated and gone from DRS and EC2"
    if summary.end_time is None:
        waiting = f", waiting for {plain(summary.waiting_for).rstrip('.')}" if summary.waiting_for else ""
        return f"{done} so far: cleanup {summary.status}{waiting}, {span(summary.elapsed)} by now"
    if left:
        done += f"; {len(left)} {'remains' if len(left) == 1 else 'remain'}: {_remaining(left)}"
    ended = [one.instance_id for one in summary.kept if one.found in ENDED]
    if ended:
        done += f"; {counted(len(ended), 'instance')} that no call named ended, too"
    return f"{done}. Cleanup {summary.status} after {span(summary.elapsed)}"


def _remaining(left: list[ServerRun]) -> str:
    named = ", ".join(run.recovery_instance_id or run.source_server_id for run in left[:NAMED])
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    reasons = {run.error for run in left}
    only = left[0].error if len(reasons) == 1 else None
    return f"{named}{more} ({plain(only).rstrip('.')})" if only else f"{named}{more}"


def _target_words(rto: Measure) -> str:
    words = "no RTO target" if rto.target is None else f"RTO target {span(rto.target)} {rto.verdict}"
    return "RTO not reached" if rto.target is None and rto.verdict is Verdict.NOT_REACHED else words


def applied_words(summary: Summary) -> str:
    """How the plan as executed compares with the plan as applied when the report was made."""
    context = summary.context
    if not context.asked:
        why = f": {plain(context.trouble).rstrip('.')}" if context.trouble else ""
        return f"What is applied now is not known: the tables were not asked when this report was made{why}."
    if context.applied is None:
        return "No such plan is applied any more."
    applied = context.applied
    told = f"version {applied.version}, applied {moment(applied.applied_at)} by {plain(applied.applied_by)}"
    if applied.digest == summary.digest and summary.edited:
        return f"What was started is what is applied: {told}. Edits changed it while it ran."
    if applied.digest == summary.digest:
        return f"What was executed is what is applied: {told}."
    return f"The plan was changed since: another one is applied now, {told}, digest {applied.digest}."


def _wave(execution: Execution, wave: WaveRun, now: datetime) -> WaveResult:
    return WaveResult(
        wave_name=wave.wave_name,
        status=wave.status,
        start_time=wave.start_time,
        end_time=wave.end_time,
        reason=wave.reason,
        overridden=wave.overridden,
        reached=sum(measures.reached(server) for server in wave.servers),
        rto=measures.wave_rto(execution, wave, now),
        rpo=measures.rpo_of(execution, wave.servers),
        servers=tuple(
            ServerResult(
                wave_name=wave.wave_name,
                run=server,
                rto=measures.server_rto(execution, wave, server, now),
                rpo=measures.server_rpo(execution, server),
            )
            for server in wave.servers
        ),
    )


def _approvals(execution: Execution, now: datetime) -> tuple[ApprovalResult, ...]:
    asked = {wave.name: wave.approval for wave in execution.plan.waves}
    return tuple(
        _approval(execution, wave, asked.get(wave.wave_name), now)
        for wave in execution.waves
        if asked.get(wave.wave_name) or wave.approved or wave.waiting_since
    )


def _approval(execution: Execution, wave: WaveRun, asked: Approval | None, now: datetime) -> ApprovalResult:
    state = ApprovalState.NOT_ASKED
    if wave.approved:
        state = ApprovalState.APPROVED
    elif execution.end_time or wave.end_time:
        state = ApprovalState.NEVER_GIVEN
    elif wave.waiting_since:
        state = ApprovalState.WAITING
    waited = measures.approval_wait(execution, wave, now)
    return ApprovalResult(
        wave_name=wave.wave_name,
        text=question(asked) if asked else "",
        state=state,
        since=wave.waiting_since,
        waited=waited[1] - waited[0] if waited else None,
        decision=wave.approved,
    )


def _jobs(execution: Execution, logs: tuple[JobLog, ...]) -> tuple[JobResult, ...]:
    entries = {log.job_id: log.entries for log in logs}
    return tuple(
        JobResult(attempt=attempt, log=entries.get(attempt.job_id or "", ())) for attempt in execution.attempts
    )


def _loose_logs(execution: Execution, logs: tuple[JobLog, ...]) -> tuple[JobLog, ...]:
    known = {attempt.job_id for attempt in execution.attempts}
    return tuple(log for log in logs if log.job_id not in known)


def jobs_of(execution: Execution, wave_name: str) -> tuple[Attempt, ...]:
    """The wave's attempts that became a job of ours."""
    return tuple(
        attempt
        for attempt in execution.attempts_of(wave_name)
        if attempt.status is AttemptStatus.LAUNCHED and attempt.job_id
    )
