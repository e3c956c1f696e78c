"""What one poll pass sees of an account and Region, and what of it an execution needs.

One listing answers for all jobs there; what is read of a single job or server
is read when first needed, once a pass, and shared by all executions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drskit.acting import Sightings
from drskit.attempts import long_missing
from drskit.launches import SAYS_ENOUGH, SETTLED
from drskit.model import (
    Attempt,
    AttemptStatus,
    Execution,
    Job,
    JobLog,
    JobLogEntry,
    Phase,
    RecoveryInstance,
    ServerStatus,
    WaveStatus,
)
from drskit.money import Size
from drskit.ports import Recovery
from drskit.probing import Probing
from drskit.quotas import LISTED_BACK
from drskit.seen import Remains
from drskit.sizes import size_of, unseen, unsized
from drskit.witness import look_back


@dataclass
class Look:
    """What one poll pass saw of an account and Region; shared by all its executions."""

    recovery: Recovery
    taken_at: datetime
    """AWS's time just before the listing; absence is judged by it."""
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """The jobs that were asked for by their ids; those that are not among `jobs` are missing."""
    since: datetime | None = None
    """From when on the listing is complete; None when only known jobs were asked for."""
    sightings: Sightings = field(default_factory=Sightings)
    """Of the runs of actions."""
    logs: dict[str, tuple[JobLogEntry, ...]] = field(default_factory=dict)
    sized: dict[str, Size | None] = field(default_factory=dict)
    """The servers and instances whose size was asked for."""
    full: str | None = None
    """What DRS said when it refused a request for want of room."""
    probing: Probing = field(init=False)
    """What was asked for checks."""

    def __post_init__(self) -> None:
        self.probing = Probing(self.recovery.source_servers)

    def take(self, executions: Iterable[Execution]) -> None:
        """List the live jobs of these executions, and everything since the oldest open intent, in one call.

        Raises:
            Unavailable: some page could not be read.
        """
        live, back_to = set[str](), list[datetime]()
        for execution in executions:
            back_to += [self.taken_at - LISTED_BACK for wave in execution.waves if wave.status is WaveStatus.QUEUED]
            for attempt in execution.attempts:
                if attempt.status is AttemptStatus.INTENT:
                    back_to.append(attempt.signed_at - look_back(attempt))
                elif attempt.job_id and attempt.end_time is None:
                    live.add(attempt.job_id)
        if back_to:
            self.since = min(back_to)
            self.jobs = {job.job_id: job for job in self.recovery.jobs(since=self.since)}
            live -= set(self.jobs)
        self.ask_for(live)

    def see_all_that_run(self) -> None:
        """List the jobs of everybody, where that was not done yet.

        Raises:
            Unavailable: some page could not be read.
        """
        since = self.taken_at - LISTED_BACK
        if self.since is None or self.since > since:
            self.jobs |= {job.job_id: job for job in self.recovery.jobs(since=since)}

    def ask_for(self, job_ids: Iterable[str]) -> None:
        """Ask for jobs by their ids, whatever the listing had.

        Raises:
            Unavailable: some page could not be read.
        """
        wanted = sorted(set(job_ids) - self.asked)
        if wanted:
            self.jobs |= {job.job_id: job for job in self.recovery.jobs(job_ids=wanted)}
            self.asked |= set(wanted)

    def sizes(self, execution: Execution, instances: Mapping[str, RecoveryInstance]) -> dict[str, Size]:
        """What the instances of an execution with a budget are, or would be.

        Each is asked for once a pass, and told at each step of it: a step may leave what it was told unused.
        """
        wanted = unsized(execution)
        new = [name for name in wanted if name not in self.sized]
        if new:
            told = {one.source_server_id: size_of(one) for one in self.recovery.source_servers(new)}
            self.sized |= {name: told.get(name, Size()) for name in new}
        running = unseen(execution)
        if execution.budget is not None:
            running |= {one.recovery_instance_id: name for name, one in instances.items()}
        started = [name for name in running if name not in self.sized]
        if started:
            types = self.recovery.instance_types(started)
            kinds = {name: Size(instance_type=types[name], seen=True) if name in types else None for name in started}
            self.sized |= kinds
        of_instances = {owner: size for name, owner in running.items() if (size := self.sized[name]) is not None}
        return {name: size for name in wanted if (size := self.sized[name]) is not None} | of_instances

    def log(self, job_id: str) -> tuple[JobLogEntry, ...]:
        """The job's log, read once a pass."""
        if job_id not in self.logs:
            self.logs[job_id] = self.recovery.job_log(job_id)
        return self.logs[job_id]


def _lacking(execution: Execution, look: Look) -> list[Attempt]:
    """The running attempts whose job DRS did not show although it was asked for."""
    return [
        attempt
        for attempt in execution.attempts
        if attempt.end_time is None and attempt.job_id in look.asked and attempt.job_id not in look.jobs
    ]


def missing(execution: Execution, look: Look) -> frozenset[str]:
    """The running jobs of an execution that DRS did not show although it was asked for them."""
    return frozenset(attempt.job_id for attempt in _lacking(execution, look) if attempt.job_id)


def remains(execution: Execution, look: Look) -> dict[str, Remains]:
    """What is left of the jobs that are gone, or that have ended without a word about some server."""
    found = {}
    gone = [attempt for attempt in _lacking(execution, look) if long_missing(attempt, look.taken_at)]
    for attempt in (*gone, *_silent(execution, look.jobs)):
        if attempt.job_id:
            servers = look.recovery.source_servers(attempt.server_ids)
            instances = look.recovery.recovery_instances(attempt.server_ids)
            found[attempt.job_id] = Remains(
                servers={server.source_server_id: server for server in servers},
                instances={one.source_server_id: one for one in instances if one.job_id == attempt.job_id},
            )
    return found


def _silent(execution: Execution, jobs: dict[str, Job]) -> list[Attempt]:
    """The attempts whose job has ended, now or before, and of whose servers some are not decided by it."""
    found = []
    for attempt in execution.attempts:
        job = jobs.get(attempt.job_id or "")
        words = {part.source_server_id: part.launch_status for part in job.servers} if job else {}
        ends = attempt.end_time is None and job is not None and job.status == "COMPLETED"
        if not (ends or attempt.job_status == "COMPLETED"):
            continue
        open_now = {ServerStatus.LAUNCHING, ServerStatus.UNKNOWN} if ends else {ServerStatus.LAUNCHING}
        if any(
            server.job_id == attempt.job_id
            and server.status in open_now
            and words.get(server.source_server_id) not in SAYS_ENOUGH
            for server in execution.wave(attempt.wave_name).servers
        ):
            found.append(attempt)
    return found


def logs_to_read(execution: Execution, jobs: dict[str, Job]) -> list[str]:
    """The jobs whose log can tell something new.

    Once every running server is in its last phase, only a change of a launch status or the job's end can come with
    new lines.
    """
    wanted = []
    for attempt in execution.attempts:
        job = jobs.get(attempt.job_id or "")
        if job is None or attempt.end_time is not None:
            continue
        words = {part.source_server_id: part.launch_status for part in job.servers}
        servers = [server for server in execution.wave(attempt.wave_name).servers if server.job_id == job.job_id]
        changed = any(
            words.get(server.source_server_id) not in {server.launch_status, None}
            or (server.status not in SETTLED and Phase.LAUNCH not in {span.phase for span in server.phases})
            for server in servers
        )
        if changed or job.status == "COMPLETED":
            wanted.append(job.job_id)
    return wanted


def instances_looked_for(execution: Execution, recovery: Recovery) -> dict[str, RecoveryInstance]:
    """The instances, by source server, of servers that came up and of which none is recorded yet."""
    wanted = [
        server.source_server_id
        for wave in execution.waves
        if wave.status is WaveStatus.VERIFYING
        for server in wave.servers
        if server.status is ServerStatus.LAUNCHED and server.recovery_instance_id is None
    ]
    if not wanted:
        return {}
    jobs = {server.job_id for wave in execution.waves for server in wave.servers}
    return {
        instance.source_server_id: instance
        for instance in recovery.recovery_instances(wanted)
        if instance.job_id is None or instance.job_id in jobs
    }


def ended_logs(before: Execution, after: Execution, look: Look) -> tuple[JobLog, ...]:
    """The whole logs of the jobs whose end is recorded in this step; one that is gone has none."""
    open_before = {attempt.attempt_id for attempt in before.attempts if attempt.end_time is None}
    return tuple(
        JobLog(job_id=attempt.job_id, wave_name=attempt.wave_name, entries=look.log(attempt.job_id))
        for attempt in after.attempts
        if attempt.job_id in look.jobs and attempt.end_time is not None and attempt.attempt_id in open_before
    )
