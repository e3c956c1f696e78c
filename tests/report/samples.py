"""Executions made by hand, as realistic as reports and views need them.

Phases last as long as in the captured drill: snapshots 1 s, then a gap of 51 s,
conversion 3 minutes, launch 5. One function per story.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from drskit.model import (
    Approval,
    Attempt,
    AttemptStatus,
    ChangeControl,
    ChangeRecord,
    Command,
    CommandKind,
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
    Phase,
    PhaseSpan,
    RecoveryPlan,
    ServerRun,
    ServerStatus,
    Targets,
    Ticket,
    Wave,
    WaveRun,
    WaveStatus,
    Window,
)
from drskit.report.context import AppliedNote, Context, cleanup_note
from drskit.report.figures import figures_of

START = datetime(2026, 11, 23, 19, 15, 6, tzinfo=UTC)
RAW_ERROR = (
    "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to "
    "perform this operation. User: arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForElasticDisasterRecovery/"
    "drs is not authorized to perform: ec2:StartInstances on resource: arn:aws:ec2:us-west-2:123456789012:instance/"
    "i-0c0ffee0c0ffee001 because no identity-based policy allows the ec2:StartInstances action. Encoded authorization "
    "failure message: " + "7Qm3xVbK2sY9wJ" * 30
)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>*{display:none}</style>",
    "\u202egnp.exe\u2066",
    "\x1b[2J\x1b]0;owned\x07\x00\x9b31m",
    "{{7*7}}{% raw %}",
    "=HYPERLINK(1)",
)


@dataclass(frozen=True)
class Sample:
    """An execution with what belongs to it, as of `now`."""

    execution: Execution
    events: tuple[Event, ...]
    logs: tuple[JobLog, ...]
    now: datetime


def at(seconds: float) -> datetime:
    """So many seconds after the start."""
    return START + timedelta(seconds=seconds)


def server_id(number: int) -> str:
    """A source server's id."""
    return f"s-{number:017x}"


def launched(number: int, name: str, requested: float, **changes: Any) -> ServerRun:
    """A server that came up about nine minutes after its request."""
    jitter = number % 7 * 4.5
    conversion, launch, end = requested + 55, requested + 240 + jitter, requested + 530 + jitter
    run = ServerRun(
        source_server_id=server_id(number),
        name=name,
        status=ServerStatus.LAUNCHED,
        launch_status="LAUNCHED",
        job_id=f"drsjob-{int(requested):017x}",
        attempt=1,
        recovery_instance_id=f"i-{number + 0xC0FFEE:017x}",
        request_time=at(requested),
        snapshot_time=at(requested - 200 - number % 5 * 30),
        start_time=at(requested + 1),
        end_time=at(end),
        phases=(
            PhaseSpan(phase=Phase.SNAPSHOT, start_time=at(requested + 3), end_time=at(requested + 4)),
            PhaseSpan(phase=Phase.CONVERSION, start_time=at(conversion), end_time=at(launch)),
            PhaseSpan(phase=Phase.LAUNCH, start_time=at(launch + 1), end_time=at(end)),
        ),
    )
    return run.model_copy(update=changes)


def failed(number: int, name: str, requested: float, error: str | None = RAW_ERROR) -> ServerRun:
    """A server whose launch DRS gave up."""
    return launched(
        number,
        name,
        requested,
        status=ServerStatus.FAILED,
        launch_status="FAILED",
        recovery_instance_id=None,
        error=error,
    )


def launching(number: int, name: str, requested: float) -> ServerRun:
    """A server in conversion."""
    run = launched(number, name, requested)
    open_phase = run.phases[1].model_copy(update={"end_time": None})
    return run.model_copy(
        update={
            "status": ServerStatus.LAUNCHING,
            "launch_status": "IN_PROGRESS",
            "recovery_instance_id": None,
            "end_time": None,
            "phases": (run.phases[0], open_phase),
        }
    )


def waiting(number: int, name: str) -> ServerRun:
    """A server whose turn has not come."""
    return ServerRun(source_server_id=server_id(number), name=name)


def make_execution(waves: tuple[WaveRun, ...], **changes: Any) -> Execution:
    """An execution of the shop's plan over these waves, one after the other."""
    declared = tuple(
        Wave(
            name=wave.wave_name,
            groups=(f"shop.{wave.wave_name.lower()}",),
            needs=(waves[index - 1].wave_name,) if index else (),
            rto=timedelta(minutes=20),
            approval=Approval(text="The database accepts logins.") if wave.waiting_since else None,
        )
        for index, wave in enumerate(waves)
    )
    plan = RecoveryPlan(
        plan_id="shop",
        description="Three-tier web shop",
        owners={"business": "web shop", "oncall": "sre-web"},
        procedure="https://wiki.example.com/shop-dr",
        targets=Targets(rto=timedelta(minutes=45), rpo=timedelta(minutes=15)),
        region="us-west-2",
        waves=declared,
    )
    execution = Execution(
        execution_id="01JDD5Q3X8M4T7V2W9Y0ZABCDE",
        plan_id="shop",
        mode=Mode.SIMULATED,
        status=ExecutionStatus.COMPLETED,
        start_time=START,
        end_time=None,
        account_id="123456789012",
        region="us-west-2",
        started_by="arn:aws:sts::123456789012:assumed-role/DrskitOperator/mira",
        plan=plan,
        digest=plan.digest,
        groups=tuple(
            GroupRun(
                group_id=f"shop.{wave.wave_name.lower()}",
                servers=tuple(server.source_server_id for server in wave.servers),
                expect=len(wave.servers),
            )
            for wave in waves
        ),
        waves=waves,
        attempts=tuple(attempt for index, wave in enumerate(waves) for attempt in _attempts(index, wave)),
        head="9" * 64,
    )
    return execution.model_copy(update=changes)


def _attempts(index: int, wave: WaveRun) -> tuple[Attempt, ...]:
    jobs = sorted({server.job_id for server in wave.servers if server.job_id})
    return tuple(_attempt(index, chunk, job_id, wave) for chunk, job_id in enumerate(jobs))


def _attempt(index: int, chunk: int, job_id: str, wave: WaveRun) -> Attempt:
    servers = [server for server in wave.servers if server.job_id == job_id]
    ends = [server.end_time for server in servers if server.end_time]
    over = len(ends) == len(servers)
    return Attempt(
        attempt_id=f"01JDD5Q3X8M4T7V2W9Y0Z{index:03d}{chunk:02d}",
        wave_name=wave.wave_name,
        chunk=chunk,
        number=1,
        signed_at=servers[0].request_time or START,
        server_ids=tuple(server.source_server_id for server in servers),
        status=AttemptStatus.LAUNCHED,
        job_id=job_id,
        job_status="COMPLETED" if over else "STARTED",
        creation_time=servers[0].request_time,
        end_time=max(ends) + timedelta(seconds=3) if over else None,
    )


def history(execution: Execution) -> tuple[Event, ...]:
    """A plausible history, chained."""
    lines: list[tuple[datetime, str, str, dict[str, Any]]] = [
        (START, execution.started_by, "EXECUTION_STARTED", {"PlanId": "shop", "Digest": execution.digest})
    ]
    for wave in execution.waves:
        lines += _history_of_wave(wave)
    if execution.end_time:
        facts = {"From": "POLLING", "To": execution.status.value}
        lines.append((execution.end_time, "poller", "EXECUTION_CHANGED", facts))
    events: list[Event] = []
    for number, (when, actor, kind, facts) in enumerate(sorted(lines, key=lambda line: line[0]), start=1):
        event = Event(sequence=number, time=when, actor=actor, kind=kind, facts=facts)
        events.append(event.sealed(events[-1].hash if events else ""))
    return tuple(events)


def _history_of_wave(wave: WaveRun) -> list[tuple[datetime, str, str, dict[str, Any]]]:
    name = wave.wave_name
    lines: list[tuple[datetime, str, str, dict[str, Any]]] = []
    if wave.waiting_since:
        lines.append((wave.waiting_since, "poller", "WAITING", {"For": f"approval of wave {name}"}))
    if wave.start_time:
        facts = {"Wave": name, "From": "PENDING", "To": "PREPARING", "Reason": None}
        lines.append((wave.start_time, "poller", "WAVE_CHANGED", facts))
    for status in ServerStatus:
        servers = [server for server in wave.servers if server.status is status and server.end_time]
        if servers:
            shown = [
                {"SourceServerId": server.source_server_id, "Status": status.value, "Error": server.error}
                for server in servers
            ]
            time = max(server.end_time for server in servers if server.end_time)
            lines.append((time, "poller", "SERVERS_CHANGED", {"Servers": shown}))
    if wave.end_time:
        count = f"{sum(server.status is ServerStatus.LAUNCHED for server in wave.servers)} of {len(wave.servers)}"
        facts = {"Wave": name, "From": "IN_PROGRESS", "To": wave.status.value, "Reason": f"{count} servers launched"}
        lines.append((wave.end_time, "poller", "WAVE_CHANGED", facts))
    return lines


def job_logs(execution: Execution) -> tuple[JobLog, ...]:
    """What DRS would have logged."""
    return tuple(_job_log(execution, attempt) for attempt in execution.attempts if attempt.job_id)


def _job_log(execution: Execution, attempt: Attempt) -> JobLog:
    created = attempt.creation_time or START
    entries = [JobLogEntry(time=created, event="JOB_START")]
    for server in execution.wave(attempt.wave_name).servers:
        if server.source_server_id in attempt.server_ids:
            entries += _server_log(server)
    if attempt.end_time:
        entries.append(JobLogEntry(time=attempt.end_time, event="JOB_END"))
    entries.sort(key=lambda entry: entry.time)
    return JobLog(job_id=attempt.job_id or "", wave_name=attempt.wave_name, entries=tuple(entries))


def _server_log(server: ServerRun) -> list[JobLogEntry]:
    def line(time: datetime, event: str, **more: Any) -> JobLogEntry:
        return JobLogEntry(time=time, event=event, source_server_id=server.source_server_id, **more)

    lines = []
    for span in server.phases:
        lines.append(line(span.start_time, f"{span.phase}_START"))
        if span.end_time and not (server.status is ServerStatus.FAILED and span.phase is Phase.LAUNCH):
            lines.append(line(span.end_time, f"{span.phase}_END", target_instance_id=server.recovery_instance_id))
    if server.status is ServerStatus.FAILED:
        lines.append(line(server.end_time or START, "LAUNCH_FAILED", error=server.error))
    return lines


def _sample(execution: Execution, now: datetime) -> Sample:
    return Sample(execution, history(execution), job_logs(execution), now)


def completed() -> Sample:
    """Twelve servers in three waves, all launched; the application's wave was approved by a person."""
    database = tuple(launched(number, f"db-{number}", 2) for number in range(1, 5))
    application = tuple(launched(number, f"app-{number}", 720) for number in range(5, 9))
    web = tuple(launched(number, f"web-{number}", 1300) for number in range(9, 13))
    approval = Decision(by="arn:aws:iam::123456789012:user/mira", at=at(715), reason="Logins work, checked with psql.")
    waves = (
        WaveRun(
            wave_name="Database", status=WaveStatus.COMPLETED, start_time=at(0), end_time=at(552), servers=database
        ),
        WaveRun(
            wave_name="Application",
            status=WaveStatus.COMPLETED,
            waiting_since=at(552),
            approved=approval,
            start_time=at(716),
            end_time=at(1290),
            servers=application,
        ),
        WaveRun(wave_name="Web", status=WaveStatus.COMPLETED, start_time=at(1291), end_time=at(1870), servers=web),
    )
    command = Command(
        command_id="01JDD5Q3X8M4T7V2W9Y0ZCMD01",
        kind=CommandKind.APPROVE,
        wave_name="Application",
        by=approval.by,
        at=approval.at,
        reason=approval.reason,
        acknowledged=at(716),
        answer="Wave Application starts.",
    )
    return _sample(make_execution(waves, end_time=at(1872), commands=(command,), events=9), at(4000))


def failing() -> Sample:
    """The application's wave fails with a long raw error; the web is never launched. For real."""
    base = completed().execution
    application = (
        failed(5, "app-5", 720),
        *base.waves[1].servers[1:3],
        failed(8, "app-8", 720, None),
    )
    waves = (
        base.waves[0],
        base.waves[1].model_copy(
            update={
                "status": WaveStatus.FAILED,
                "servers": application,
                "reason": "2 of 4 servers failed; 0 may fail",
            }
        ),
        WaveRun(
            wave_name="Web",
            status=WaveStatus.SKIPPED,
            reason="Application failed",
            servers=tuple(waiting(number, f"web-{number}") for number in range(9, 13)),
        ),
    )
    return _sample(make_execution(waves, end_time=at(1292), status=ExecutionStatus.FAILED, mode=Mode.REAL), at(4000))


def under_way() -> Sample:
    """The database is up, the application is in conversion."""
    base = completed().execution
    application = tuple(launching(number, f"app-{number}", 720) for number in range(5, 9))
    waves = (
        base.waves[0],
        base.waves[1].model_copy(update={"status": WaveStatus.IN_PROGRESS, "servers": application, "end_time": None}),
        WaveRun(wave_name="Web", servers=tuple(waiting(number, f"web-{number}") for number in range(9, 13))),
    )
    return _sample(make_execution(waves, status=ExecutionStatus.POLLING), at(900))


def waiting_for_approval() -> Sample:
    """The database is up, the application waits for a person."""
    base = completed().execution
    waves = (
        base.waves[0],
        WaveRun(
            wave_name="Application",
            status=WaveStatus.WAITING_APPROVAL,
            waiting_since=at(552),
            servers=tuple(waiting(number, f"app-{number}") for number in range(5, 9)),
        ),
        WaveRun(wave_name="Web", servers=tuple(waiting(number, f"web-{number}") for number in range(9, 13))),
    )
    paused = make_execution(
        waves, status=ExecutionStatus.PAUSED, waiting_for="approval of wave Application: The database accepts logins."
    )
    return _sample(paused, at(1152))


def large(count: int = 100) -> Sample:
    """Three waves of `count` servers in all, a few of them failed."""
    shares = [count // 2, count // 4, count - count // 2 - count // 4]
    waves: list[WaveRun] = []
    number = 1
    for name, share, requested in zip(("Database", "Application", "Web"), shares, (2, 720, 1400), strict=True):
        numbers = range(number, number + share)
        number += share
        servers = tuple(
            failed(n, f"{name.lower()}-{n}", requested)
            if n % 29 == 0
            else launched(n, f"{name.lower()}-{n}", requested)
            for n in numbers
        )
        good = all(server.status is ServerStatus.LAUNCHED for server in servers)
        waves.append(
            WaveRun(
                wave_name=name,
                status=WaveStatus.COMPLETED if good else WaveStatus.PARTIAL,
                start_time=at(requested - 2),
                end_time=at(requested + 570),
                servers=servers,
            )
        )
    return _sample(make_execution(tuple(waves), end_time=at(1972), status=ExecutionStatus.PARTIAL), at(4000))


def cleaned(*, whole: bool = False) -> Sample:
    """A cleanup of four instances: three are gone, one was protected meanwhile; two others were left alone."""
    drill = completed().execution
    gone = tuple(
        ServerRun(
            source_server_id=server.source_server_id,
            name=server.name,
            status=ServerStatus.TERMINATED,
            launch_status="TERMINATED",
            job_id="drsjob-0000000000000cc00",
            attempt=1,
            recovery_instance_id=server.recovery_instance_id,
            request_time=at(4),
            start_time=at(4),
            end_time=at(160),
            proof="not listed by DRS, terminated in EC2",
        )
        for server in drill.waves[0].servers
    )
    error = "not terminated: its termination protection is on. Turn that off in EC2 if it may go"
    kept_one = gone[3].model_copy(
        update={"status": ServerStatus.LAUNCHED, "job_id": None, "end_time": at(3), "proof": None, "error": error}
    )
    servers = gone if whole else (*gone[:3], kept_one)
    status = WaveStatus.COMPLETED if whole else WaveStatus.PARTIAL
    wave = WaveRun(wave_name="Cleanup", status=status, start_time=at(1), end_time=at(161), servers=servers)
    reasons = (
        "a drill instance of drsjob-99999999999999999, which is no job of this execution",
        "only EC2 has it (stopped); DRS does not list it, so nobody can tell who launched it",
    )
    kept = tuple(
        Kept(instance_id=f"i-{number:017x}", source_server_id=server_id(number), reason=reason, found=found)
        for number, reason, found in zip((1, 2), reasons, ("running", "terminated"), strict=True)
    )
    execution = make_execution(
        (wave,),
        execution_id="01JDD6A0000000000000CLEAN0",
        execution_type=ExecutionType.CLEANUP,
        cleans=drill.execution_id,
        status=ExecutionStatus.COMPLETED if whole else ExecutionStatus.PARTIAL,
        end_time=at(161),
        kept=kept[:1] if whole else kept,
        groups=(),
    )
    text = f"Terminates instances of drill {drill.execution_id}. The drill is over, says ticket OPS-4711."
    plan = execution.plan.model_copy(update={"description": text, "targets": Targets()})
    return _sample(execution.model_copy(update={"plan": plan}), at(4000))


def hostile_cleanup() -> Sample:
    """A cleanup in which every text that comes from outside is an attack."""
    text = " ".join(HOSTILE)
    base = cleaned()
    wave = base.execution.waves[0]
    servers = tuple(
        server.model_copy(update={"name": text, "error": text, "proof": text, "recovery_instance_id": text})
        for server in wave.servers
    )
    kept = tuple(one.model_copy(update={"reason": text, "instance_id": text}) for one in base.execution.kept)
    plan = base.execution.plan.model_copy(update={"description": text})
    waves = (wave.model_copy(update={"servers": servers, "reason": text}),)
    changes = {"waves": waves, "kept": kept, "plan": plan, "started_by": text, "cleans": text}
    return Sample(base.execution.model_copy(update=changes), base.events, base.logs, base.now)


def beside(sample: Sample, **changes: Any) -> Context:
    """What was known beside an execution: the plan as applied, an earlier drill with a slower database, a cleanup."""
    database = (launched(3, "db-3", 40), *sample.execution.waves[0].servers[1:])
    waves = (
        sample.execution.waves[0].model_copy(update={"servers": database}),
        *completed().execution.waves[1:],
    )
    last = completed().execution.model_copy(
        update={"waves": waves, "mode": sample.execution.mode, "execution_id": "01JCDRZ2V7KX5R0F3G9H1M2N4P"}
    )
    cleanup = cleaned().execution
    context = Context(
        made_at=sample.now,
        versions={"drskit": "0.1.0", "python": "3.13.0", "boto3": "1.44.5"},
        asked=True,
        applied=AppliedNote(digest=sample.execution.digest, version=3, applied_at=at(-86_400), applied_by="mira"),
        last=figures_of(last, sample.now),
        cleanups=(cleanup_note(cleanup, "The drill is over, says ticket OPS-4711."),),
    )
    return context.model_copy(update=changes)


def after_cleanup() -> Sample:
    """A drill of which a cleanup terminated the databases' instances."""
    base = completed()
    cleanup_id = cleaned().execution.execution_id
    servers = tuple(
        server.model_copy(
            update={
                "status": ServerStatus.TERMINATED,
                "proof": f"{server.recovery_instance_id} not listed by DRS, terminated in EC2; cleanup {cleanup_id}",
                "terminated_by": cleanup_id,
            }
        )
        for server in base.execution.waves[0].servers
    )
    waves = (base.execution.waves[0].model_copy(update={"servers": servers}), *base.execution.waves[1:])
    return Sample(base.execution.model_copy(update={"waves": waves}), base.events, base.logs, base.now)


def paused(pause: float, resume: float) -> Execution:
    """Two waves one after the other, and a person's pause that began and ended so many seconds after the start."""

    def told(kind: CommandKind, seconds: float) -> Command:
        return Command(
            command_id=kind.value, kind=kind, by="mira", at=at(seconds), reason="a look", acknowledged=at(seconds + 1)
        )

    first = launched(1, "db-1", 2)
    second = launched(2, "web-2", resume + 5)
    waves = (
        WaveRun(
            wave_name="Database", status=WaveStatus.COMPLETED, start_time=at(0), end_time=at(540), servers=(first,)
        ),
        WaveRun(
            wave_name="Web", status=WaveStatus.COMPLETED, start_time=at(resume + 3), end_time=second.end_time,
            servers=(second,),
        ),
    )  # fmt: skip
    commands = (told(CommandKind.PAUSE, pause), told(CommandKind.RESUME, resume))
    return make_execution(waves, end_time=second.end_time, commands=commands)


def overridden() -> Sample:
    """Started against its change control, and completed."""
    base = completed()
    decision = Decision(by="arn:aws:iam::123456789012:user/mira", at=START, reason="the region is failing")
    control = ChangeControl(ticket=Ticket.REQUIRED, windows=(Window(start=time(22), until=time(2)),))
    record = ChangeRecord(against=("a change ticket is required, and none was named",), overridden=decision)
    plan = base.execution.plan.model_copy(update={"change": control})
    return replace(base, execution=base.execution.model_copy(update={"plan": plan, "change": record}))


def hostile() -> Sample:
    """Every text that comes from outside is an attack."""
    text = " ".join(HOSTILE)
    base = failing()
    decision = Decision(by=text, at=at(715), reason=text)
    waves = tuple(
        wave.model_copy(
            update={
                "wave_name": f"{wave.wave_name} {text}",
                "reason": text,
                "approved": decision if wave.waiting_since else None,
                "overridden": decision if wave.status is WaveStatus.FAILED else None,
                "servers": tuple(
                    server.model_copy(update={"name": text, "error": text, "recovery_instance_id": text})
                    for server in wave.servers
                ),
            }
        )
        for wave in base.execution.waves
    )
    execution = make_execution(
        waves, status=ExecutionStatus.FAILED, end_time=at(1292), waiting_for=text, started_by=text, replace=(text,)
    )
    command = Command(command_id="c", kind=CommandKind.APPROVE, by=text, at=at(1), reason=text, answer=text)
    told = {"description": text, "owners": {text: text}, "procedure": text, "change": ChangeControl(freeze=text)}
    plan = execution.plan.model_copy(update=told)
    change = ChangeRecord(ticket=text, window=text, against=(text,), overridden=decision)
    execution = execution.model_copy(update={"commands": (command,), "plan": plan, "change": change})
    extra = Event(sequence=1, time=START, actor=text, kind=text, facts={text: {text: [text]}, "Wave": text})
    logs = tuple(
        log.model_copy(
            update={"entries": tuple(e.model_copy(update={"event": text, "error": text}) for e in log.entries)}
        )
        for log in job_logs(execution)
    )
    return Sample(execution, (extra, *history(execution)), logs, base.now)
