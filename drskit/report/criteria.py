"""What a drill was to prove, what of it was proven, what was not tried, and what somebody must follow up.

The criteria are those of the plan as executed: it was frozen at the start, and
the first event of the history seals it. What an edit changed while it ran is
judged as edited, and says so, with what was set before.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from drskit.checking import to_check_again
from drskit.checks import Checks
from drskit.model import (
    Approval,
    CommandKind,
    Execution,
    ExecutionType,
    GroupRun,
    Record,
    ServerRun,
    ServerStatus,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.report.measures import Measure, Verdict, obeyed, reached, so_far
from drskit.states import FINAL_WAVE
from drskit.steps import failures_borne
from drskit.views.actions import amiss
from drskit.views.words import counted, span

NOT_RECORDED = (
    "Which servers of the account are in no group of this plan was not recorded with this execution, so this report "
    "cannot say; drskit servers list shows what DRS has today."
)
GONE = "DRS had it when the plan was applied, and it was not in the group any more when the execution started."
AMISS = (Verdict.MISSED, Verdict.NOT_REACHED, Verdict.NOT_KNOWN)
"""What is not as it was to be."""
NAMED = 3
"""Named in a deviation; beyond, they are counted."""


class Criterion(Record):
    """Something that was to be so, set before the run."""

    of: str
    rule: str
    actual: str
    verdict: Verdict


class Untested(Record):
    """A server of the plan's groups of which this execution proved nothing."""

    source_server_id: str
    name: str
    of: str
    why: str


class Deviation(Record):
    """Something that was not as it should be, for which somebody must answer."""

    of: str
    what: str


def criteria_of(
    execution: Execution, rto: Measure, rpo: Measure, waves: Mapping[str, Measure]
) -> tuple[Criterion, ...]:
    """All criteria of the plan as executed, with what became of each; none of a cleanup.

    Args:
        execution: the execution, whole.
        rto: the plan's.
        rpo: the plan's.
        waves: the RTO of each wave by its name.
    """
    if execution.execution_type is ExecutionType.CLEANUP:
        return ()
    declared = {wave.name: wave for wave in execution.plan.waves}
    started = declared | {wave.name: wave for wave in execution.started_plan.waves}
    return (
        _measured("Plan", "RTO", rto),
        _measured("Plan", "RPO of every server", rpo),
        *(_expected(group) for group in execution.groups if group.expect is not None),
        *(
            criterion
            for wave in execution.waves
            if wave.wave_name in declared
            for criterion in _as_edited(
                dict(_of_wave(execution, wave, declared[wave.wave_name], waves[wave.wave_name])),
                dict(_of_wave(execution, wave, started[wave.wave_name], waves[wave.wave_name])),
            )
        ),
    )


def _as_edited(executed: dict[str, Criterion], started: dict[str, Criterion]) -> Iterator[Criterion]:
    """The criteria of a wave as executed, each that an edit made, changed or took away saying so."""
    for name, criterion in executed.items():
        before = started.get(name)
        if before and before.rule == criterion.rule:
            yield criterion
            continue
        words = f"edited while it ran; before: {before.rule}" if before else "set by an edit while it ran"
        yield criterion.model_copy(update={"rule": f"{criterion.rule.rstrip('.')} ({words.rstrip('.')})"})
    for name, criterion in started.items():
        if name not in executed:
            rule = f"{criterion.rule.rstrip('.')} (taken away by an edit while it ran)"
            yield Criterion(of=criterion.of, rule=rule, actual="not asked for any more", verdict=Verdict.NO_TARGET)


def _measured(of: str, what: str, measure: Measure) -> Criterion:
    words = f"{what} at most {span(measure.target)}" if measure.target is not None else f"{what}: no target was set"
    actual = ", ".join(filter(None, (span(measure.actual), so_far(measure))))
    return Criterion(of=of, rule=words, actual=actual, verdict=measure.verdict)


def _checked(of: str, checks: Checks, wave: WaveRun, *, over: bool) -> Criterion:
    """Whether every server that came up has passed its checks."""
    asked = [server for server in wave.servers if server.checks]
    verified = sum(server.verified_time is not None for server in asked)
    verdict = Verdict.NOT_REACHED if over else Verdict.NOT_YET
    verdict = Verdict.MET if asked and verified == len(asked) else verdict
    return Criterion(
        of=of,
        rule=f"every launched server passes {counted(len(checks.all), 'check')} within {span(checks.timeout)}",
        actual=f"{verified} of {counted(len(asked), 'server')} verified",
        verdict=verdict,
    )


def _expected(group: GroupRun) -> Criterion:
    return Criterion(
        of=f"Group {group.group_id}",
        rule=f"{counted(group.expect or 0, 'server')} expected",
        actual=f"{len(group.servers)} found at the start",
        verdict=Verdict.MET if group.expect == len(group.servers) else Verdict.MISSED,
    )


def _of_wave(execution: Execution, wave: WaveRun, declared: Wave, rto: Measure) -> Iterator[tuple[str, Criterion]]:
    """Each under the name of its kind."""
    of, over = f"Wave {wave.wave_name}", execution.end_time is not None
    if declared.rto is not None:
        yield "rto", _measured(of, "RTO", rto)
    ended = wave.status in FINAL_WAVE
    yield "failures", _borne(of, wave, declared, ended=ended or over)
    if ended and wave.start_time:
        rule = f"over within {span(declared.timeout)}"
        verdict = Verdict.MISSED if wave.status is WaveStatus.TIMED_OUT else Verdict.MET
        actual = f"{wave.status}{_took(execution, wave, declared)}"
        yield "timeout", Criterion(of=of, rule=rule, actual=actual, verdict=verdict)
    if declared.checks is not None:
        yield "checks", _checked(of, declared.checks, wave, over=ended or over)
    if declared.approval:
        yield "approval", _approved(of, wave, declared.approval, over=over)


def _took(execution: Execution, wave: WaveRun, declared: Wave) -> str:
    """How long the wave took; where that is more than its timeout and was allowed, the time of a job, which counts."""
    if wave.end_time is None or wave.start_time is None:
        return ""
    took = wave.end_time - wave.start_time
    if took <= declared.timeout or wave.status is WaveStatus.TIMED_OUT:
        return f" after {span(took)}"
    attempts = execution.attempts_of(wave.wave_name)
    jobs = [one.end_time - one.creation_time for one in attempts if one.creation_time and one.end_time]
    longest = f"the longest of its jobs took {span(max(jobs))}" if jobs else "none of its jobs is known to have ended"
    return f" after {span(took)}; {longest}, and only a job's time counts"


def _borne(of: str, wave: WaveRun, declared: Wave, *, ended: bool) -> Criterion:
    missing = sum(server.critical and not reached(server) for server in wave.servers)
    borne = failures_borne(declared, wave)
    all_of_them = counted(sum(server.critical for server in wave.servers), "critical server")
    return Criterion(
        of=of,
        rule=_rule(declared, borne),
        actual=f"{missing} of {all_of_them} {'missing' if ended else 'not up yet'}",
        verdict=_allowed(ended=ended, tolerable=missing <= borne, begun=wave.start_time is not None),
    )


def _rule(declared: Wave, borne: int) -> str:
    share = f" ({declared.max_failed_percent}%)" if declared.max_failed_percent is not None else ""
    few = f"at most {counted(borne, 'critical server')} may fail"
    may = f"{few if borne else 'no critical server may fail'}{share}"
    optional = f", beside {counted(len(declared.optional), 'optional one')}" if declared.optional else ""
    return f"{may}{optional} (on failure: {declared.on_failure})"


def _allowed(*, ended: bool, tolerable: bool, begun: bool) -> Verdict:
    if not ended:
        return Verdict.NOT_YET
    if not begun:
        return Verdict.NOT_REACHED
    return Verdict.MET if tolerable else Verdict.MISSED


def _approved(of: str, wave: WaveRun, approval: Approval, *, over: bool) -> Criterion:
    within = f" within {span(approval.timeout)}, else {approval.on_timeout}" if approval.timeout else ""
    decided = wave.approved or wave.declined
    said = f"{'approved' if wave.approved else 'declined'} by {decided.by}" if decided else "nobody decided"
    verdict = Verdict.MET if wave.approved else Verdict.NOT_REACHED if over or wave.end_time else Verdict.NOT_YET
    return Criterion(of=of, rule=f"a person approves{within}: {approval.text}", actual=said, verdict=verdict)


# --- what was not tried ----------------------------------------------------------------------------------------------


def untested_of(execution: Execution) -> tuple[Untested, ...]:
    """The servers of the plan's groups that this execution did not launch, or of which nobody knows, and why."""
    if execution.execution_type is ExecutionType.CLEANUP:
        return ()
    return (
        *(
            Untested(source_server_id=server.source_server_id, name=server.name, of=f"wave {wave.wave_name}", why=why)
            for wave in execution.waves
            for server in wave.servers
            if (why := _why_untested(execution, wave, server))
        ),
        *_in_no_wave(execution),
        *(
            Untested(source_server_id=server_id, name="", of=f"group {group.group_id}", why=GONE)
            for group in execution.groups
            for server_id in group.removed
        ),
    )


def _why_untested(execution: Execution, wave: WaveRun, server: ServerRun) -> str | None:
    if server.status is ServerStatus.UNKNOWN:
        return f"Its state could not be seen{f': {server.error}' if server.error else '.'}"
    if server.status is ServerStatus.SKIPPED:
        by = f" by {wave.skipped.by}: {wave.skipped.reason}" if wave.skipped else ""
        return server.error or f"It was left out{by or '.'}"
    if server.status is not ServerStatus.PENDING:
        return None
    if execution.end_time is None and wave.status not in FINAL_WAVE:
        return "Its turn has not come yet."
    told = f": {wave.reason}" if wave.reason else "."
    return f"Its wave was {wave.status} before it was launched{told}"


def _in_no_wave(execution: Execution) -> Iterator[Untested]:
    launched = {server.source_server_id for wave in execution.waves for server in wave.servers}
    for group in execution.groups:
        for server_id in group.servers:
            if server_id not in launched:
                why = _taken_out(execution, server_id) or "Its group is in no wave of the plan."
                yield Untested(source_server_id=server_id, name="", of=f"group {group.group_id}", why=why)


def _taken_out(execution: Execution, server_id: str) -> str | None:
    """Who took a server out of its wave while the execution ran, and why; None where nobody did."""
    for command in reversed(execution.commands):
        if command.edit is not None and server_id in command.edit.removed and obeyed(command):
            return f"It was taken out of wave {command.edit.wave.name} by {command.by}: {command.reason}"
    return None


# --- what somebody must follow up ------------------------------------------------------------------------------------


def deviations_of(
    execution: Execution, criteria: Iterable[Criterion], untested: Collection[Untested]
) -> Iterator[Deviation]:
    """What was not as it should be, in the order in which a reader would ask for it; none while it is under way."""
    if execution.end_time is None:
        return
    if execution.change and execution.change.overridden:
        by = execution.change.overridden
        words = f"started against the change control ({'; '.join(execution.change.against)}), by {by.by}: {by.reason}"
        yield Deviation(of="Plan", what=words)
    yield from _edits(execution)
    for criterion in criteria:
        if criterion.verdict in AMISS:
            said = f"{criterion.actual} ({criterion.verdict})" if criterion.actual != span(None) else criterion.verdict
            yield Deviation(of=criterion.of, what=f"{criterion.rule}: {said}")
    for wave in execution.waves:
        yield from _of_the_wave(execution, wave)
    yield from (Deviation(of=of, what=what) for of, what in amiss(execution))
    if untested:
        yield Deviation(of="Plan", what=f"not tested: {counted(len(untested), 'server')}, listed in this report")
    for group in execution.groups:
        if group.added:
            words = f"new since the plan was applied: {', '.join(group.added[:NAMED])}{_more(len(group.added))}"
            yield Deviation(of=f"Group {group.group_id}", what=words)


def _edits(execution: Execution) -> Iterator[Deviation]:
    for command in execution.commands:
        if command.kind is CommandKind.EDIT and obeyed(command):
            words = f"edited while it ran, by {command.by}: {command.reason}"
            yield Deviation(of=f"Wave {command.wave_name}", what=words)


def _of_the_wave(execution: Execution, wave: WaveRun) -> Iterator[Deviation]:
    short = [server for server in wave.servers if _fell_short(execution, server)]
    unsound = [server for server in short if to_check_again(server)]
    failed = [server for server in short if server not in unsound]
    if unsound:
        yield Deviation(of=f"Wave {wave.wave_name}", what=f"did not pass their checks: {_named(unsound)}")
    if failed:
        words = "not terminated" if execution.execution_type is ExecutionType.CLEANUP else "did not come up"
        yield Deviation(of=f"Wave {wave.wave_name}", what=f"{words}: {_named(failed)}")
    if wave.overridden:
        words = f"the execution went on although it failed, by {wave.overridden.by}: {wave.overridden.reason}"
        yield Deviation(of=f"Wave {wave.wave_name}", what=words)


def _fell_short(execution: Execution, server: ServerRun) -> bool:
    if execution.execution_type is ExecutionType.CLEANUP:
        return server.status is not ServerStatus.TERMINATED
    return server.status is ServerStatus.FAILED


def _named(servers: list[ServerRun]) -> str:
    return ", ".join(server.name or server.source_server_id for server in servers[:NAMED]) + _more(len(servers))


def _more(count: int) -> str:
    return f" and {count - NAMED} more" if count > NAMED else ""
