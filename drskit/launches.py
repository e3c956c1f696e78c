"""What became of the servers of a launch job, read from the job and its log.

`launchStatus` is the contract; the log gives the phases, the times and the
reasons, and may lack any line or hold words that botocore's model does not know
(drs-facts §1.3, §1.4, §5.3).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from drskit.edit import changed, with_each_wave, with_servers
from drskit.model import (
    Execution,
    Job,
    JobLogEntry,
    Phase,
    PhaseSpan,
    RecoveryInstance,
    ServerRun,
    ServerStatus,
    WaveRun,
    WaveStatus,
)
from drskit.seen import Remains
from drskit.states import STARTED_WAVE

SETTLED = frozenset(
    {
        ServerStatus.LAUNCHED,
        ServerStatus.VERIFIED,
        ServerStatus.FAILED,
        ServerStatus.SKIPPED,
        ServerStatus.TERMINATED,
    }
)
"""A server whose launch has come to an end."""
LAUNCHED = frozenset({ServerStatus.LAUNCHED, ServerStatus.VERIFIED})
FOLLOWED = STARTED_WAVE | {WaveStatus.TIMED_OUT}
GONE = frozenset({"TERMINATED", "SHUTTING-DOWN"})
"""States of an instance that is no more (drs-facts §2)."""

INSTANCE_GRACE = timedelta(minutes=5)
"""How long after a job's end its recovery instances may stay unlisted (drs-facts §7: up to a minute was seen)."""
SAYS_ENOUGH = frozenset({"LAUNCHED", "FAILED", "TERMINATED"})
"""The words of a job for a server that leave nothing open."""

BEGINS = {f"{phase}_START": phase for phase in Phase}
ENDS = {
    "CLEANUP_END": Phase.CLEANUP,
    "CLEANUP_FAIL": Phase.CLEANUP,
    "SNAPSHOT_END": Phase.SNAPSHOT,
    "SNAPSHOT_FAIL": Phase.SNAPSHOT,
    "USING_PREVIOUS_SNAPSHOT": Phase.SNAPSHOT,
    "USING_PREVIOUS_SNAPSHOT_FAILED": Phase.SNAPSHOT,
    "CONVERSION_END": Phase.CONVERSION,
    "CONVERSION_FAIL": Phase.CONVERSION,
    "LAUNCH_END": Phase.LAUNCH,
    "LAUNCH_FAILED": Phase.LAUNCH,
}
FAILURES = frozenset(
    {"SNAPSHOT_FAIL", "USING_PREVIOUS_SNAPSHOT_FAILED", "CONVERSION_FAIL", "LAUNCH_FAILED", "SERVER_SKIPPED"}
)


def learn_servers(
    execution: Execution,
    jobs: Mapping[str, Job],
    logs: Mapping[str, tuple[JobLogEntry, ...]],
    instances: Mapping[str, RecoveryInstance],
    remains: Mapping[str, Remains],
    now: datetime,
) -> Execution:
    """Bring every launched server up to date with what was seen of its job, its log and its instance.

    Also in a wave that timed out: its job is followed on, and its servers are UNKNOWN no longer than need be. What a
    job that has ended does not say of a server is judged by `remains`.
    """
    lines = {job_id: _by_server(entries) for job_id, entries in logs.items()}
    ends = {
        attempt.job_id: attempt.end_time
        for attempt in execution.attempts
        if attempt.job_status == "COMPLETED" and attempt.end_time
    }

    def learn(server: ServerRun) -> ServerRun:
        job_id = server.job_id
        if job_id is None:
            return server
        job = jobs.get(job_id)
        if job is not None:
            entries = lines.get(job_id, {}).get(server.source_server_id, ())
            server = learn_launch(server, job, entries, now)
        if job_id in ends and job_id in remains:
            server = learn_silence(server, remains[job_id], ends[job_id], now)
        return _learn_instance(server, instances.get(server.source_server_id))

    def learn_wave(wave: WaveRun) -> WaveRun:
        return with_servers(wave, learn) if wave.status in FOLLOWED else wave

    return with_each_wave(execution, learn_wave)


def learn_launch(server: ServerRun, job: Job, entries: tuple[JobLogEntry, ...], now: datetime) -> ServerRun:
    """A server after a look at its job; `entries` are its own lines of the log, oldest first."""
    if entries:
        server = changed(server, phases=spans(entries))
    part = next((part for part in job.servers if part.source_server_id == server.source_server_id), None)
    word = part.launch_status if part else None
    if word is not None:
        server = changed(server, launch_status=word)
    if server.status not in {ServerStatus.LAUNCHING, ServerStatus.UNKNOWN}:
        return server
    if word == "LAUNCHED":
        return changed(server, status=ServerStatus.LAUNCHED, end_time=_ended(entries, job, now), error=None)
    if word in {"FAILED", "TERMINATED"}:
        return changed(
            server, status=ServerStatus.FAILED, end_time=_ended(entries, job, now), error=explain(word, entries)
        )
    if job.status == "COMPLETED":
        if word is None and any(entry.event == "LAUNCH_END" for entry in entries):
            return changed(server, status=ServerStatus.LAUNCHED, end_time=_ended(entries, job, now), error=None)
        if any(entry.event in FAILURES for entry in entries):
            error = f"{job.job_id} is COMPLETED and its log says {explain('not launched', entries)}"
            return changed(server, status=ServerStatus.FAILED, end_time=_ended(entries, job, now), error=error)
    return server


def learn_silence(server: ServerRun, remains: Remains, ended: datetime, now: datetime) -> ServerRun:
    """A server of which neither its ended job nor the job's log says what became.

    An instance may be listed a while after the end; then, without one, nobody knows.
    """
    if server.status not in {ServerStatus.LAUNCHING, ServerStatus.UNKNOWN}:
        return server
    shown = server.launch_status or "without a word"
    silence = f"{server.job_id} is COMPLETED and this server is {shown}"
    found = _by_remains(server, remains, ended, f"DRS says {{}} of the server's last launch; {silence}")
    if found is not None:
        return found
    if server.status is ServerStatus.UNKNOWN or now < ended + INSTANCE_GRACE:
        return server
    return changed(server, status=ServerStatus.UNKNOWN, error=f"{silence}; DRS shows no instance of that job")


def learn_remains(server: ServerRun, remains: Remains, now: datetime) -> ServerRun:
    """A server whose job DRS no longer has: what its instance or its last launch says; else nobody knows.

    What was learned before stands. Nothing unseen is called failed.
    """
    if server.status not in {ServerStatus.LAUNCHING, ServerStatus.UNKNOWN}:
        return server
    gone = f"DRS says {{}} of the server's last launch, and no longer has its job {server.job_id} to tell why"
    found = _by_remains(server, remains, now, gone)
    if found is not None:
        return found
    return changed(server, status=ServerStatus.UNKNOWN, error=f"DRS no longer has its job {server.job_id}")


def _by_remains(server: ServerRun, remains: Remains, end: datetime, failure: str) -> ServerRun | None:
    """The server by its instance, else by its last launch; None when neither is of its job."""
    instance = remains.instances.get(server.source_server_id)
    if instance is not None and instance.job_id == server.job_id and instance.state not in GONE:
        server = changed(server, status=ServerStatus.LAUNCHED, end_time=end, error=None)
        return _learn_instance(server, instance)
    source = remains.servers.get(server.source_server_id)
    word = source.last_launch_status if source and source.last_launch_job_id == server.job_id else None
    if word == "LAUNCHED":
        return changed(server, status=ServerStatus.LAUNCHED, launch_status=word, end_time=end, error=None)
    if word in {"FAILED", "TERMINATED"}:
        error = failure.format(word)
        return changed(server, status=ServerStatus.FAILED, launch_status=word, end_time=end, error=error)
    return None


def spans(entries: Iterable[JobLogEntry]) -> tuple[PhaseSpan, ...]:
    """The phases of one server, from its log lines; a phase that began again replaces its earlier span."""
    found: dict[Phase, PhaseSpan] = {}
    for entry in entries:
        if entry.event in BEGINS:
            phase = BEGINS[entry.event]
            found.pop(phase, None)
            found[phase] = PhaseSpan(phase=phase, start_time=entry.time)
        elif entry.event in ENDS:
            phase = ENDS[entry.event]
            began = found[phase].start_time if phase in found else entry.time
            found[phase] = PhaseSpan(phase=phase, start_time=began, end_time=entry.time)
    return tuple(found.values())


def explain(word: str, entries: tuple[JobLogEntry, ...]) -> str:
    """Why a server failed, in DRS's own words where it gave any."""
    failures = [entry for entry in entries if entry.event in FAILURES or entry.error]
    if failures:
        last = failures[-1]
        return f"{last.event}: {last.error}" if last.error else f"{last.event}, without a reason from DRS"
    span = next(reversed(spans(entries)), None)
    where = "" if span is None else f" after {span.phase}" if span.end_time else f" during {span.phase}"
    hint = ""
    if span is not None and span.end_time and span.phase is Phase.SNAPSHOT:
        hint = (
            ". DRS stopped before the conversion and gave no reason: that is how missing EC2 permissions of the caller "
            "look (conversion denied). Check them against the least policy in docs/first-real-account.md"
        )
    return f"DRS says {word}{where}, with no error in the job log{hint}"


def _by_server(entries: Iterable[JobLogEntry]) -> dict[str, tuple[JobLogEntry, ...]]:
    found: dict[str, list[JobLogEntry]] = {}
    for entry in entries:
        if entry.source_server_id:
            found.setdefault(entry.source_server_id, []).append(entry)
    return {server_id: tuple(lines) for server_id, lines in found.items()}


def _ended(entries: tuple[JobLogEntry, ...], job: Job, now: datetime) -> datetime:
    """When the launch ended: the log's time of its end or failure, else the job's end, else now."""
    ends = [entry.time for entry in entries if entry.event in {"LAUNCH_END", *FAILURES}]
    return ends[-1] if ends else job.end_time or now


def _learn_instance(server: ServerRun, instance: RecoveryInstance | None) -> ServerRun:
    if instance is None or server.status not in LAUNCHED:
        return server
    if instance.job_id not in {None, server.job_id}:
        return server
    return changed(server, recovery_instance_id=instance.recovery_instance_id, snapshot_time=instance.snapshot_time)


def typical_launch(servers: Iterable[ServerRun]) -> timedelta | None:
    """The median time from LAUNCH_START to LAUNCH_END of those that came up; None when none has."""
    spans_seen = sorted(
        span.end_time - span.start_time
        for server in servers
        for span in server.phases
        if span.phase is Phase.LAUNCH and span.end_time is not None and server.status in LAUNCHED
    )
    return spans_seen[len(spans_seen) // 2] if spans_seen else None
