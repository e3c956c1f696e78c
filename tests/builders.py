"""Small plans, executions and what is seen of DRS, for tests of the pure core."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from drskit.actionports import News, Outcome
from drskit.actions import Task
from drskit.codes import BAD_CREDENTIALS, THROTTLES
from drskit.decide import Step, decide, record, record_action
from drskit.model import (
    Attempt,
    Command,
    CommandKind,
    Execution,
    ExecutionStatus,
    GroupRun,
    Job,
    JobLogEntry,
    JobServer,
    Mode,
    RecoveryInstance,
    RecoveryPlan,
    ServerRun,
    ServerStatus,
    SourceServer,
    Wave,
    WaveEdit,
    WaveRun,
    WaveStatus,
)
from drskit.orders import told
from drskit.ports import NotExecuted, Started, Unknown
from drskit.seen import Remains, Seen
from drskit.states import check
from drskit.witness import Witness, tags_of

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TRANSIENT = THROTTLES | BAD_CREDENTIALS | {"ConnectionFailed"}
"""What the adapter calls a refusal for now."""
QUIESCENCE = timedelta(seconds=420)
DEFAULT_NEEDS = ("the wave before",)


def at(seconds: float) -> datetime:
    """So many seconds after the start."""
    return START + timedelta(seconds=seconds)


def sid(number: int) -> str:
    """A source server's id."""
    return f"s-{number:017d}"


def source(number: int, **changes: Any) -> SourceServer:
    """A healthy source server."""
    server = SourceServer(source_server_id=sid(number), name=f"server-{number}", replication_state="CONTINUOUS")
    return server.model_copy(update=changes)


def wave(name: str, needs: tuple[str, ...] = DEFAULT_NEEDS, **changes: Any) -> Wave:
    """A wave over the group of its name; it needs the one before it unless told otherwise."""
    return Wave(name=name, groups=(f"shop.{name.lower()}",), needs=needs, **changes)


def plan_of(*waves: Wave) -> RecoveryPlan:
    """A plan over these waves."""
    settled = []
    before: tuple[str, ...] = ()
    for part in waves:
        settled.append(part.model_copy(update={"needs": before}) if part.needs == DEFAULT_NEEDS else part)
        before = (part.name,)
    return RecoveryPlan(plan_id="shop", region="us-west-2", waves=tuple(settled))


def execution_of(*parts: tuple[Wave, int], **changes: Any) -> Execution:
    """An execution that was just created: waves with so many servers each."""
    plan = plan_of(*(part for part, _ in parts))
    runs, groups, number = [], [], 0
    for part, count in parts:
        ids = [sid(number + offset) for offset in range(1, count + 1)]
        servers = tuple(
            ServerRun(
                source_server_id=server_id, name=f"server-{int(server_id[2:])}", critical=server_id not in part.optional
            )
            for server_id in ids
        )
        runs.append(WaveRun(wave_name=part.name, servers=servers))
        groups.append(GroupRun(group_id=part.groups[0], servers=tuple(ids)))
        number += count
    execution = Execution(
        execution_id="01JDD5Q3X8M4T7V2W9Y0ZABCDE",
        plan_id="shop",
        mode=Mode.SIMULATED,
        start_time=START,
        account_id="123456789012",
        region="us-west-2",
        started_by="arn:aws:iam::123456789012:user/mira",
        plan=plan,
        digest=plan.digest,
        groups=tuple(groups),
        waves=tuple(runs),
    )
    return execution.model_copy(update=changes)


def attempt_of(number: int = 1, *, servers: tuple[str, ...] = (sid(1), sid(2)), **changes: Any) -> Attempt:
    """An open intent for two servers, made at the start."""
    attempt = Attempt(
        attempt_id=f"01JDD5Q3X8M4T7V2W9Y0Z{number:05d}",
        wave_name="Database",
        chunk=0,
        number=number,
        signed_at=START,
        server_ids=servers,
    )
    return attempt.model_copy(update=changes)


def job_of(number: int = 1, *, servers: tuple[str, ...] = (sid(1), sid(2)), **changes: Any) -> Job:
    """A launch job of somebody, just created."""
    job = Job(
        job_id=f"drsjob-{number:017d}",
        job_type="LAUNCH",
        status="STARTED",
        creation_time=START,
        servers=tuple(JobServer(source_server_id=server_id, launch_status="PENDING") for server_id in servers),
    )
    return job.model_copy(update=changes)


def line(event: str, seconds: float, server: int = 1, error: str | None = None) -> JobLogEntry:
    """A line of a job's log."""
    return JobLogEntry(time=at(seconds), event=event, source_server_id=sid(server), error=error)


@dataclass
class Walk:
    """An execution that is walked by hand: DRS's side is what the test says, and every change is held to the tables.

    `launches` are the attempts whose requests `decide` told us to send, in their order.
    """

    execution: Execution
    seconds: float = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    logs: dict[str, tuple[JobLogEntry, ...]] = field(default_factory=dict)
    instances: dict[str, RecoveryInstance] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    obstacles: dict[str, str | None] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    remains: dict[str, Remains] = field(default_factory=dict)
    launches: list[Attempt] = field(default_factory=list)
    news: dict[str, News] = field(default_factory=dict)
    """By task."""
    acts: list[Task] = field(default_factory=list)
    """The runs of actions whose requests `decide` told us to send, in their order."""
    ids: int = 0

    def __post_init__(self) -> None:
        for run in self.execution.waves:
            for server in run.servers:
                self.obstacles.setdefault(server.source_server_id, None)

    @property
    def now(self) -> datetime:
        """The walk's time."""
        return at(self.seconds)

    def seen(self) -> Seen:
        """What is observed now."""
        self.ids += 1
        return Seen(
            now=self.now,
            listed_at=self.now,
            quiescence=QUIESCENCE,
            fresh_id=f"01JDD5Q3X8M4T7V2W9Y0Z{self.ids:05d}",
            jobs=self.jobs,
            missing=frozenset(self.missing),
            remains=self.remains,
            logs=self.logs,
            instances=self.instances,
            witnesses=self.witnesses,
            obstacles=self.obstacles,
            news=self.news,
            addresses={},
        )

    def step(self) -> Step:
        """One step of `decide`."""
        step = decide(self.execution, self.seen())
        check(self.execution, step.execution)
        self.execution = step.execution
        if step.launch is not None:
            self.launches.append(step.launch)
        if step.act is not None:
            self.acts.append(step.act)
        return step

    def run(self, seconds: float = 0) -> "Walk":
        """Let time pass, then step until nothing changes or a launch is to be carried out."""
        self.seconds += seconds
        for _ in range(50):
            before = self.execution
            step = self.step()
            if step.launch is not None or step.act is not None or before == self.execution:
                return self
        message = "no fixpoint within 50 steps"
        raise AssertionError(message)

    # --- DRS's side --------------------------------------------------------------------------------------------------

    def reply(self, outcome: Started | NotExecuted | Unknown) -> "Walk":
        """The last launch came to this."""
        attempt = next(part for part in self.execution.attempts if part.attempt_id == self.launches[-1].attempt_id)
        after = record(self.execution, attempt, outcome, self.now)
        check(self.execution, after)
        self.execution = after
        return self

    def refuse(self, code: str, message: str = "no") -> "Walk":
        """The last launch was refused."""
        return self.reply(NotExecuted(code, message, transient=code in TRANSIENT))

    def acted(self, outcome: Outcome) -> "Walk":
        """The request of the last act came to this."""
        task = next(task for task in self.execution.tasks if task.task_id == self.acts[-1].task_id)
        after = record_action(self.execution, task, outcome, self.now)
        check(self.execution, after)
        self.execution = after
        return self

    def started(self, attempt: Attempt | None = None) -> Job:
        """DRS made a job of the last launch, whether we hear of it or not."""
        attempt = attempt or self.launches[-1]
        number = len(self.jobs) + 1
        tags = tags_of(self.execution, attempt)
        job = job_of(number, servers=attempt.server_ids, creation_time=self.now, status="PENDING", tags=tags)
        self.jobs[job.job_id] = job
        return job

    def launch(self) -> Job:
        """DRS made a job of the last launch and said so."""
        job = self.started()
        self.reply(Started(job))
        return job

    def job_goes_on(self, job: Job) -> None:
        """The job is STARTED."""
        self.jobs[job.job_id] = self.jobs[job.job_id].model_copy(update={"status": "STARTED"})

    def job_ends(self, job: Job, *failed: str, word: str = "FAILED") -> None:
        """The job is COMPLETED; the named servers failed, the others are up and have instances."""
        servers = tuple(
            part.model_copy(update={"launch_status": word if part.source_server_id in failed else "LAUNCHED"})
            for part in job.servers
        )
        update = {"status": "COMPLETED", "end_time": self.now, "servers": servers}
        self.jobs[job.job_id] = job.model_copy(update=update)
        for part in servers:
            if part.launch_status == "LAUNCHED":
                self.instances[part.source_server_id] = RecoveryInstance(
                    recovery_instance_id=f"i-{part.source_server_id[2:]}",
                    source_server_id=part.source_server_id,
                    job_id=job.job_id,
                    is_drill=True,
                    state="RUNNING",
                    snapshot_time=job.creation_time - timedelta(minutes=3),
                )

    def wave_done(self, *failed: str) -> "Walk":
        """Step, launch what is due, let its job end, and step on."""
        self.run()
        job = self.launch()
        self.job_ends(job, *failed)
        return self.run(600)

    def command(
        self, kind: CommandKind, wave_name: str | None = None, servers: tuple[str, ...] = (), *,
        edit: WaveEdit | None = None, by: str = "mira",
    ) -> Command:  # fmt: skip
        """A person's command, as the session writes it."""
        command = Command(
            command_id=f"C{len(self.execution.commands) + 1}",
            kind=kind,
            wave_name=wave_name,
            server_ids=servers,
            edit=edit,
            by=by,
            at=self.now,
            reason="looked at it",
        )
        after = told(self.execution, command)
        check(self.execution, after)
        self.execution = after
        return command

    # --- looking -----------------------------------------------------------------------------------------------------

    @property
    def status(self) -> ExecutionStatus:
        """The execution's status."""
        return self.execution.status

    @property
    def waves(self) -> list[WaveStatus]:
        """The waves' statuses."""
        return [run.status for run in self.execution.waves]

    @property
    def tasks(self) -> list[tuple[str, str]]:
        """The runs of actions: what, and how it stands."""
        return [(task.title, task.status.value) for task in self.execution.tasks]

    def servers(self, number: int = 0) -> list[ServerStatus]:
        """The statuses of a wave's servers."""
        return [server.status for server in self.execution.waves[number].servers]

    def answer(self) -> str | None:
        """What became of the last command."""
        return self.execution.commands[-1].answer
