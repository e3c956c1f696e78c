"""RTO and RPO of an execution, against their targets.

Every number here is defined in `DEFINITIONS`, in the words that reports print.
Nothing is guessed: what was not reached or is not known has no number.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from drskit.model import Command, CommandKind, Execution, ExecutionType, Record, ServerRun, ServerStatus, WaveRun
from drskit.orders import REFUSED
from drskit.retries import HELD_ON

Interval = tuple[datetime, datetime]

DEFINITIONS: dict[str, str] = {
    "RTO actual of the plan": (
        "From the execution's start to the moment the last critical server was launched, or verified where checks "
        "are declared. Not reached as long as one critical server is not."
    ),
    "RTO without waiting for people": (
        "RTO actual minus the time in which a wave waited for an approval, for the decision to go on after a failed "
        "wave or to try it again, or for a yes to more money than the budget allowed, or in which somebody had paused "
        "the execution, while no wave was running. Time in which machines worked is never subtracted; nor is a wait "
        "for room in DRS's quotas, or for what a job that is not of this execution has begun, although a person ends "
        "that one: the wave had begun, and what AWS did meanwhile is not known."
    ),
    "RTO actual of a wave": (
        "From the wave's start, after any approval, to the moment its last critical server was launched or verified."
    ),
    "RTO actual of a server": (
        "From its wave's start to the moment the server was launched or verified; the wave's target applies."
    ),
    "RPO actual": (
        "Per server, the time of the StartRecovery request minus the time of the snapshot it recovered from, at "
        "least 0. Of a wave or plan, the largest among its launched servers; the plan's target applies to all."
    ),
    "Critical": "Every server that the plan does not call optional.",
    "Times": "UTC, by the clock of AWS, or of the simulated world.",
}


CLEANUP_DEFINITIONS: dict[str, str] = {
    "Terminated": (
        "A call of this cleanup named the instance, or it ended by itself, and it is proven to be no more: EC2 says "
        "terminated or does not know it, and DRS lists it as terminated or not at all. A job's word is no proof."
    ),
    "Remains": "It is not proven to be no more; why stands beside it. Clean up again once that is settled.",
    "Left alone": (
        "Another living instance of the same servers when the cleanup was asked for. No call names it, and EC2 is "
        "asked for it once more at the end."
    ),
    "Times": "UTC, by the clock of AWS, or of the simulated world.",
}


class Verdict(StrEnum):
    """How an actual compares with its target."""

    MET = "met"
    MISSED = "missed"
    NOT_REACHED = "not reached"
    NOT_YET = "not yet"
    NOT_KNOWN = "not known"
    NO_TARGET = "no target"


class Measure(Record):
    """A target, what was reached, and how the two compare."""

    target: timedelta | None = None
    actual: timedelta | None = None
    verdict: Verdict


def so_far(measure: Measure) -> str:
    """What an actual leaves out, where it stands although the target was not reached: an RPO of 0 s is no good then."""
    partial = measure.actual is not None and measure.verdict in {Verdict.NOT_REACHED, Verdict.NOT_YET}
    return "only of those that came up" if partial else ""


def reached(server: ServerRun) -> bool:
    """The server came up, and passed its checks if it had any; what was terminated since counts as well."""
    if server.checks or server.unchecked is not None:
        return server.verified_time is not None
    return server.status in (ServerStatus.LAUNCHED, ServerStatus.VERIFIED, ServerStatus.TERMINATED)


def up_since(server: ServerRun) -> datetime | None:
    """When the server was launched, or verified where it was checked."""
    return server.verified_time or server.end_time


def without_checks(execution: Execution) -> Execution:
    """The execution as if LAUNCHED had been enough."""

    def launched(server: ServerRun) -> ServerRun:
        came_up = bool(server.checks) or server.unchecked is not None
        status = ServerStatus.LAUNCHED if came_up and server.status is not ServerStatus.TERMINATED else server.status
        return server.model_copy(update={"status": status, "checks": (), "unchecked": None, "verified_time": None})

    waves = tuple(wave.model_copy(update={"servers": tuple(map(launched, wave.servers))}) for wave in execution.waves)
    plan_waves = tuple(wave.model_copy(update={"checks": None}) for wave in execution.plan.waves)
    plan = execution.plan.model_copy(update={"waves": plan_waves})
    return execution.model_copy(update={"waves": waves, "plan": plan})


def plan_rto_until_launched(execution: Execution, now: datetime) -> Measure:
    """The plan's RTO if the moment counted at which the last critical server was launched."""
    return plan_rto(without_checks(execution), now)


def plan_rto(execution: Execution, now: datetime) -> Measure:
    """From the execution's start to its last critical server."""
    servers = [server for wave in execution.waves for server in wave.servers]
    return _rto(execution, servers, execution.start_time, now, target=execution.plan.targets.rto)


def plan_rto_without_people(execution: Execution, now: datetime) -> Measure:
    """The plan's RTO less the time in which only people were waited for."""
    whole = plan_rto(execution, now)
    if whole.actual is None:
        return whole
    actual = whole.actual - waited_for_people(execution, now, execution.start_time + whole.actual)
    return Measure(target=whole.target, actual=actual, verdict=_compared(actual, whole.target))


def wave_rto(execution: Execution, wave: WaveRun, now: datetime) -> Measure:
    """From the wave's start to its last critical server."""
    return _rto(execution, wave.servers, wave.start_time, now, target=_wave_target(execution, wave))


def server_rto(execution: Execution, wave: WaveRun, server: ServerRun, now: datetime) -> Measure:
    """From its wave's start to the server."""
    alone = (server.model_copy(update={"critical": True}),)
    return _rto(execution, alone, wave.start_time, now, target=_wave_target(execution, wave))


def plan_rpo(execution: Execution) -> Measure:
    """The largest RPO of all launched servers."""
    servers = [server for wave in execution.waves for server in wave.servers]
    return rpo_of(execution, servers)


def server_rpo(execution: Execution, server: ServerRun) -> Measure:
    """How old the server's data was when its launch was asked for."""
    return rpo_of(execution, (server,))


def rpo_of(execution: Execution, servers: Iterable[ServerRun]) -> Measure:
    """The largest RPO of the launched ones; met only if each of them is known and every critical one came up."""
    if execution.execution_type is ExecutionType.CLEANUP:
        return Measure(verdict=Verdict.NO_TARGET)
    target, ended = execution.plan.targets.rpo, execution.end_time is not None
    servers = tuple(servers)
    launched = tuple(server for server in servers if reached(server))
    ages = [_age(server) for server in launched]
    known = [age for age in ages if age is not None]
    actual = max(known, default=None)
    compared = _compared(actual, target)
    if compared is Verdict.MISSED or (target is None and launched):
        return Measure(target=target, actual=actual, verdict=compared)
    awaited = [server for server in servers if not reached(server) and (server.critical or len(servers) == 1)]
    if awaited or not launched:
        return Measure(target=target, actual=actual, verdict=Verdict.NOT_REACHED if ended else Verdict.NOT_YET)
    return Measure(target=target, actual=actual, verdict=compared if len(known) == len(ages) else Verdict.NOT_KNOWN)


def measured_end(execution: Execution, now: datetime) -> datetime:
    """Where the plan's RTO ends: at its last critical server, or, not reached, at the end or now."""
    whole = plan_rto(execution, now)
    return execution.start_time + whole.actual if whole.actual is not None else execution.end_time or now


def waited_for_people(execution: Execution, now: datetime, until: datetime) -> timedelta:
    """How long, up to `until`, somebody was waited for while no wave was running."""
    held = pauses(execution, now)
    waits = [wait for wave in execution.waves for wait in _waits(execution, wave, now)]
    waits += held
    waits += _budget_waits(execution, now)
    end = execution.end_time or now
    runs = [run for wave in execution.waves for run in _runs(wave, end, held)]
    idle = _without(_union(waits), _union(runs))
    return sum((max(min(end, until) - start, timedelta()) for start, end in idle), timedelta())


ENDS_A_PAUSE = (CommandKind.RESUME, CommandKind.CANCEL, CommandKind.DECLINE)


def pauses(execution: Execution, now: datetime) -> list[Interval]:
    """When a person had paused it: from the command that was obeyed to the one that ended the pause."""
    carried_out = [command for command in execution.commands if obeyed(command)]
    found: list[Interval] = []
    since: datetime | None = None
    for command in sorted(carried_out, key=lambda command: command.acknowledged or command.at):
        if command.kind is CommandKind.PAUSE and since is None:
            since = command.acknowledged
        elif since is not None and _ends_a_pause(command):
            found.append((since, max(command.at, since)))
            since = None
    return [*found, (since, execution.end_time or now)] if since is not None else found


def _ends_a_pause(command: Command) -> bool:
    """A resume of one wave leaves it as it is, and a retry finds it over where the execution had ended meanwhile."""
    if command.kind is CommandKind.RETRY:
        return HELD_ON not in (command.answer or "")
    return command.kind in ENDS_A_PAUSE and not (command.kind is CommandKind.RESUME and command.wave_name is not None)


def obeyed(command: Command) -> bool:
    """Whether what a command says was done."""
    return command.acknowledged is not None and not (command.answer or "").startswith(REFUSED)


def approval_wait(execution: Execution, wave: WaveRun, now: datetime) -> Interval | None:
    """When the wave waited for its approval."""
    if wave.waiting_since is None:
        return None
    end = wave.approved.at if wave.approved else wave.end_time or execution.end_time or now
    return (wave.waiting_since, max(end, wave.waiting_since))


def _waits(execution: Execution, wave: WaveRun, now: datetime) -> list[Interval]:
    """For its approval; and for a word once it had ended badly, but not while a job that it had given up went on."""
    approval = approval_wait(execution, wave, now)
    override = (wave.end_time, wave.overridden.at) if wave.overridden and wave.end_time else None
    idle = [wait for wait in (override, *_lulls(wave)) if wait and wait[0] < wait[1]]
    jobs = [
        (one.creation_time, one.end_time or execution.end_time or now)
        for one in execution.attempts_of(wave.wave_name)
        if one.creation_time
    ]
    return [*([approval] if approval and approval[0] < approval[1] else []), *_without(idle, jobs)]


def _lulls(wave: WaveRun) -> list[Interval]:
    return [(lull.since, lull.until) for lull in wave.lulls or ()]


def _runs(wave: WaveRun, end: datetime, held: list[Interval]) -> list[Interval]:
    """When the wave was running: from its start to its end, but for the lulls, and a pause in which they ended."""
    if wave.start_time is None:
        return []
    lulls = _lulls(wave)
    paused = [(until, over) for _, until in lulls for since, over in held if since <= until < over]
    return _without([(wave.start_time, wave.end_time or end)], lulls + paused)


def _budget_waits(execution: Execution, now: datetime) -> list[Interval]:
    """When money was asked for: until somebody said yes, or the execution ended, or now."""
    budget = execution.budget
    if budget is None:
        return []
    found = [(one.asked_at, one.at) for one in budget.accepted if one.asked_at is not None]
    if budget.asked is not None:
        found.append((budget.asked.at, execution.end_time or now))
    return [(since, until) for since, until in found if since < until]


def _rto(
    execution: Execution,
    servers: Iterable[ServerRun],
    start: datetime | None,
    now: datetime,
    *,
    target: timedelta | None,
) -> Measure:
    critical = [server for server in servers if server.critical]
    if execution.execution_type is ExecutionType.CLEANUP or not critical:
        return Measure(target=target, verdict=Verdict.NO_TARGET if target is None else Verdict.NOT_KNOWN)
    if not all(reached(server) for server in critical) or _to_be_checked(execution, critical):
        return Measure(target=target, verdict=_unreached(execution, start, now, target))
    ends = [end for server in critical if (end := up_since(server))]
    if start is None or len(ends) < len(critical):
        return Measure(target=target, verdict=Verdict.NOT_KNOWN)
    actual = max(max(ends) - start, timedelta())
    return Measure(target=target, actual=actual, verdict=_compared(actual, target))


def _to_be_checked(execution: Execution, servers: list[ServerRun]) -> bool:
    """Whether checks of one of these are declared, and have not begun while the execution goes on."""
    if execution.end_time is not None:
        return False
    declared = {wave.name for wave in execution.plan.waves if wave.checks is not None}
    ids = {server.source_server_id for server in servers if server.status is ServerStatus.LAUNCHED}
    return any(
        server.source_server_id in ids
        for wave in execution.waves
        if wave.wave_name in declared and wave.checking is None
        for server in wave.servers
    )


def _unreached(execution: Execution, start: datetime | None, now: datetime, target: timedelta | None) -> Verdict:
    if execution.end_time is not None:
        return Verdict.NOT_REACHED
    late = target is not None and start is not None and now - start > target
    return Verdict.MISSED if late else Verdict.NOT_YET


def _compared(actual: timedelta | None, target: timedelta | None) -> Verdict:
    if target is None:
        return Verdict.NO_TARGET
    if actual is None:
        return Verdict.NOT_KNOWN
    return Verdict.MET if actual <= target else Verdict.MISSED


def _age(server: ServerRun) -> timedelta | None:
    if server.request_time is None or server.snapshot_time is None:
        return None
    return max(server.request_time - server.snapshot_time, timedelta())


def _wave_target(execution: Execution, wave: WaveRun) -> timedelta | None:
    return next((declared.rto for declared in execution.plan.waves if declared.name == wave.wave_name), None)


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _without(intervals: list[Interval], taken: list[Interval]) -> list[Interval]:
    left = intervals
    for taken_start, taken_end in taken:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, taken_start)), (max(start, taken_end), end))
            if piece[0] < piece[1]
        ]
    return left
