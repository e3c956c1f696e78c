"""The nouns of drskit, as frozen values.

What a runbook declares, what an execution has become, and what was seen of DRS.
A change is a copy. Field names become PascalCase wherever they leave the
process: in the tables, in JSON and in reports (`source_server_id` is written
`SourceServerId`). All datetimes are aware and UTC; all spans are timedeltas.
"""

import hashlib
import json
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from drskit.actions import Action, Task
from drskit.checks import Checking, CheckRun, Checks
from drskit.money import BudgetPolicy, BudgetRun, Size
from drskit.notices import Notice, NotifyTarget
from drskit.record import Decision, OnFailure, Record

__all__ = ["Decision", "OnFailure", "Record"]
"""Nouns of `record.py` that callers know by this name."""

ServerId = Annotated[str, StringConstraints(pattern=r"^s-[0-9a-zA-Z]{17}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
SnapshotId = Annotated[str, StringConstraints(pattern=r"^pit-[0-9a-zA-Z]{17}$")]
LATEST = "latest"
"""In the place of a recovery snapshot: the newest data, of which DRS takes a snapshot at the launch."""
CANNOT_LAUNCH = frozenset({"DISCONNECTED", "STOPPED", "INITIATING", "INITIAL_SYNC"})
"""Replication states without a usable recovery point (drs-facts §9); one such server refuses a whole launch request."""
SERVERS_PER_JOB = 100
"""DRS's quota L-B827C881: source servers in a single job (drs-facts §6.1)."""


# --- words -----------------------------------------------------------------------------------------------------------


class ExecutionType(StrEnum):
    """What an execution is for."""

    DRILL = "DRILL"
    RECOVERY = "RECOVERY"
    CLEANUP = "CLEANUP"


class Mode(StrEnum):
    """Whether DRS itself answered, or our simulator."""

    SIMULATED = "SIMULATED"
    REAL = "REAL"


class ExecutionStatus(StrEnum):
    """Where an execution stands; the arrows are in `states.py`."""

    PENDING = "PENDING"
    POLLING = "POLLING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"


class WaveStatus(StrEnum):
    """Where a wave stands; the arrows are in `states.py`."""

    PENDING = "PENDING"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    PREPARING = "PREPARING"
    QUEUED = "QUEUED"
    INITIATED = "INITIATED"
    IN_PROGRESS = "IN_PROGRESS"
    VERIFYING = "VERIFYING"
    COMPLETED = "COMPLETED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class AttemptStatus(StrEnum):
    """What is known of one authorised launch."""

    INTENT = "INTENT"
    LAUNCHED = "LAUNCHED"
    NOT_EXECUTED = "NOT_EXECUTED"
    FOREIGN = "FOREIGN"


class ServerStatus(StrEnum):
    """Where a source server stands in an execution."""

    PENDING = "PENDING"
    LAUNCHING = "LAUNCHING"
    LAUNCHED = "LAUNCHED"
    VERIFIED = "VERIFIED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    TERMINATED = "TERMINATED"
    UNKNOWN = "UNKNOWN"


class Phase(StrEnum):
    """The part of a launch that the job log shows (drs-facts §5.3)."""

    CLEANUP = "CLEANUP"
    SNAPSHOT = "SNAPSHOT"
    CONVERSION = "CONVERSION"
    LAUNCH = "LAUNCH"


class OnTimeout(StrEnum):
    """What an approval that nobody gives in time comes to; never a yes."""

    CANCEL = "cancel"
    SKIP = "skip"


class CleanUp(StrEnum):
    """Whether a drill's instances are terminated when it has ended."""

    ASK = "ask"
    ALWAYS = "always"
    NEVER = "never"


class CommandKind(StrEnum):
    """What a person may tell an execution."""

    APPROVE = "approve"
    DECLINE = "decline"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    SKIP = "skip"
    EDIT = "edit"


class Ticket(StrEnum):
    """Whether a start must name a change ticket."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


# --- what a runbook declares -----------------------------------------------------------------------------------------


class Targets(Record):
    """What the business was promised."""

    rto: timedelta | None = None
    rpo: timedelta | None = None


class ProtectionGroup(Record):
    """A named set of source servers, listed or chosen by tags (all of them must match)."""

    group_id: str
    name: str
    plan_id: str
    region: str
    tags: dict[str, str] = Field(default_factory=dict)
    servers: tuple[ServerId, ...] = ()
    expect: int | None = None


class Approval(Record):
    """A person must say yes before the wave starts."""

    text: str
    timeout: timedelta | None = None
    """How long the question stands; for ever when absent."""
    on_timeout: OnTimeout = OnTimeout.CANCEL
    by: tuple[str, ...] = ()
    """Who may say yes: users, roles and ARNs, with stars; anybody when empty. See `approvers.py`."""
    not_starter: bool = False
    """Whoever started the execution may not."""


class Wave(Record):
    """Servers that are launched together."""

    name: str
    groups: tuple[str, ...]
    """GroupIds."""
    needs: tuple[str, ...] = ()
    rto: timedelta | None = None
    approval: Approval | None = None
    optional: tuple[ServerId, ...] = ()
    max_failed: int = 0
    max_failed_percent: int | None = None
    """Instead of a number: of the servers that are not optional, rounded down."""
    on_failure: OnFailure = OnFailure.STOP
    timeout: timedelta = timedelta(minutes=90)
    checks: Checks | None = None
    """What each server is asked before it counts as verified."""
    order: tuple[tuple[ServerId, ...], ...] = ()
    """Steps: each is launched when the one before it has come to its end; servers that none names come last."""
    before: tuple[Action, ...] = ()
    after: tuple[Action, ...] = ()


class Pacing(Record):
    """Pauses that a plan asks for; none by default."""

    servers: timedelta = timedelta(0)
    """Between two launch jobs of a wave."""
    waves: timedelta = timedelta(0)
    """Between the end of the last wave that a wave needs, and its beginning."""


class Snapshots(Record):
    """The points in time that a plan recovers from; the newest data where it says nothing."""

    before: AwareDatetime | None = None
    """The newest recovery snapshot that is older than this, of every server that `servers` does not name."""
    servers: dict[ServerId, SnapshotId | Literal["latest"]] = Field(default_factory=dict)


class CleanupPolicy(Record):
    """What becomes of a drill's instances: where a person is there, and where nobody is."""

    after: CleanUp = CleanUp.ASK
    headless: CleanUp = CleanUp.NEVER
    """`always` or `never`: nobody is there to be asked."""


class Window(Record):
    """Hours in which a plan may be started, by the plan's time zone; `until` at or before `start` is the next day's."""

    days: tuple[Weekday, ...] = ()
    """The days on which it begins; none is every day."""
    start: time
    until: time


class ChangeControl(Record):
    """When a plan may be started, and whether a ticket must be named."""

    ticket: Ticket = Ticket.OPTIONAL
    windows: tuple[Window, ...] = ()
    """None is at any time."""
    timezone: str = "UTC"
    """Of the windows, and of the calendar's times that name none: a name of the IANA time zone database."""
    freeze: str | None = None
    """An iCalendar file beside the runbook; nothing starts while one of its events lasts."""


class RecoveryPolicy(Record):
    """What a recovery for real needs beside its token."""

    second_person: bool = False
    """Somebody else must countersign its authorisation."""


class RecoveryPlan(Record):
    """Waves over protection groups, with targets."""

    plan_id: str
    description: str = ""
    owners: dict[str, str] = Field(default_factory=dict)
    procedure: str | None = None
    targets: Targets = Targets()
    region: str
    waves: tuple[Wave, ...]
    cleanup: CleanupPolicy = CleanupPolicy()
    pacing: Pacing = Pacing()
    snapshots: Snapshots = Snapshots()
    timeout: timedelta | None = None
    """How long an execution may last before nothing new starts; for ever when absent."""
    change: ChangeControl | None = None
    recovery: RecoveryPolicy = RecoveryPolicy()
    notify: tuple[NotifyTarget, ...] = ()
    """Whom its executions tell what happens."""
    budget: BudgetPolicy | None = None
    at_end: tuple[Action, ...] = ()
    """What happens at the end, whatever happened."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 over what the plan says, as 64 hex digits."""
        return digest_of(_said(self))


class Runbook(Record):
    """One file: groups and one plan."""

    source: str
    """The file's name, for messages."""
    lines: dict[str, int] = Field(default_factory=dict)
    """Where each key stands, spelled as in `waves[1].timeout`."""
    plan: RecoveryPlan
    groups: tuple[ProtectionGroup, ...]

    def complaint(self, key: str, message: str) -> str:
        """A complaint as every drskit error about a file reads: file, line, key, what is wrong."""
        return f"{self.source}:{self.lines.get(key, 1)}: {key}: {message}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over plan and groups, as 64 hex digits; the file's name and layout do not count."""
        return runbook_digest(self.plan, self.groups)


def runbook_digest(plan: RecoveryPlan, groups: tuple[ProtectionGroup, ...]) -> str:
    """The digest that tells whether a file and the applied plan say the same.

    What is at its default does not count, so that a plan keeps its digest when a later drskit knows more keys.
    """
    ordered = sorted(groups, key=lambda group: group.group_id)
    return digest_of([_said(plan), [_said(group) for group in ordered]])


def _said(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def digest_of(value: object) -> str:
    """SHA-256 over canonical JSON (sorted keys, no spaces), as 64 hex digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class AppliedGroup(Record):
    """A protection group as the tables hold it."""

    group: ProtectionGroup
    resolved: tuple[str, ...]
    """The servers that it named or matched when it was applied."""
    version: int
    applied_at: AwareDatetime
    applied_by: str


class AppliedPlan(Record):
    """A recovery plan as the tables hold it."""

    plan: RecoveryPlan
    digest: str
    """The runbook's digest: plan and groups."""
    version: int
    applied_at: AwareDatetime
    applied_by: str
    source: str
    active_execution_id: str | None = None
    begun: int = 0
    """How many executions it has had; a creation that arrives after another one finds it changed."""


# --- what an execution has become ------------------------------------------------------------------------------------


class PhaseSpan(Record):
    """When a server was in one phase of its launch; `end_time` is absent while it lasts."""

    phase: Phase
    start_time: AwareDatetime
    end_time: AwareDatetime | None = None


class RecoverySnapshot(Record):
    """A point in time that DRS keeps of a server."""

    snapshot_id: str
    time: AwareDatetime
    """When it had been taken; one that has no such time yet is none."""


class ServerRun(Record):
    """What became of one source server in one execution."""

    source_server_id: str
    name: str = ""
    status: ServerStatus = ServerStatus.PENDING
    launch_status: str | None = None
    """DRS's own word, as last seen."""
    critical: bool = True
    snapshot: RecoverySnapshot | None = None
    """What it is to be launched from, chosen at the start; absent for the newest data."""
    job_id: str | None = None
    attempt: int | None = None
    recovery_instance_id: str | None = None
    request_time: AwareDatetime | None = None
    """When StartRecovery was asked for this server: the job's creation."""
    snapshot_time: AwareDatetime | None = None
    """The point in time that it recovered from."""
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    phases: tuple[PhaseSpan, ...] = ()
    private_ip: str | None = None
    public_ip: str | None = None
    hostname: str | None = None
    """As DRS knows the source server; looked up where a check names it."""
    checks: tuple[CheckRun, ...] = ()
    """In the order of the wave's; none before they begin."""
    verified_time: AwareDatetime | None = None
    """When all of its checks had passed."""
    unchecked: str | None = None
    """Why its checks were given up, and by whom; it is not verified."""
    error: str | None = None
    proof: str | None = None
    """How its instance is known to be no more: what DRS and EC2 said."""
    size: Size | None = None
    """What its instance is, in an execution with a budget."""
    gone: AwareDatetime | None = None
    """When its instance was recorded to be no more."""
    terminated_by: str | None = None
    """Of a drill: the cleanup that terminated its instance; one that failed may have left one, too."""


class WaveRun(Record):
    """What became of one wave in one execution."""

    wave_name: str
    status: WaveStatus = WaveStatus.PENDING
    start_time: AwareDatetime | None = None
    """When its preparation began, after any approval."""
    end_time: AwareDatetime | None = None
    waiting_since: AwareDatetime | None = None
    """When it began to wait for approval."""
    approve_by: AwareDatetime | None = None
    """When the question of its approval is taken for a no."""
    approved: Decision | None = None
    declined: Decision | None = None
    overridden: Decision | None = None
    """Who let the execution go on although this wave failed."""
    retried: Decision | None = None
    """Who had it tried again, last."""
    unweighed: bool = False
    """A retry, an edit or an approval has it launch, and nobody has held that against the budget yet."""
    skipped: Decision | None = None
    """Who left it out."""
    not_before: AwareDatetime | None = None
    """Earliest time of the next launch request, after one that was refused for now."""
    reason: str | None = None
    checking: Checking | None = None
    """How far its checks are; absent before they begin."""
    servers: tuple[ServerRun, ...] = ()


class Attempt(Record):
    """One authorised launch of one chunk of a wave: the intent, and what became of it."""

    attempt_id: str
    """A ULID; the job carries it as the tag drskit:Attempt."""
    wave_name: str
    chunk: int
    """Counts from 0."""
    number: int
    """Counts from 1 for each chunk."""
    signed_at: AwareDatetime
    """The intent's time, by AWS's clock, in whole seconds; StartRecovery is signed with it."""
    server_ids: tuple[str, ...]
    snapshots: dict[str, str] = Field(default_factory=dict)
    """By source server: the recovery snapshot that the request names; none for the newest data."""
    status: AttemptStatus = AttemptStatus.INTENT
    job_id: str | None = None
    job_status: str | None = None
    creation_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    outcome: str | None = None
    """Why it was not executed, or whose job stands in its way."""
    refused: bool = False
    """It is certain that DRS did not carry the request out; only the reason is looked for."""
    blocked_by: str | None = None
    """The job that stands in its way, or an instance of which no job is known."""
    excused: tuple[str, ...] = ()
    """What stood in its way until a person said to go on; jobs count no more once they have ended."""
    refused_since: AwareDatetime | None = None
    """Since when AWS has refused the chunk's requests for now, this one among them; none of them was carried out."""
    missing_since: AwareDatetime | None = None
    """Since when DRS has not shown its job, by the time of the first listing that lacked it."""


class WaveEdit(Record):
    """What a command makes of a wave that has not started."""

    wave: Wave
    """As it is to be."""
    basis: str
    """The digest of the wave as the person saw it, servers included; of another one nothing is made."""
    added: tuple[ServerRun, ...] = ()
    groups: dict[ServerId, str] = Field(default_factory=dict)
    """Of the servers that are added: the GroupId that each is of."""
    removed: tuple[ServerId, ...] = ()


class Command(Record):
    """What a person told the execution; consumed once, by the engine."""

    command_id: str
    kind: CommandKind
    wave_name: str | None = None
    server_ids: tuple[str, ...] = ()
    """Source servers, where it is about some only."""
    edit: WaveEdit | None = None
    """Of an edit: what it makes of the wave."""
    by: str
    at: AwareDatetime
    reason: str
    acknowledged: AwareDatetime | None = None
    answer: str | None = None


class Kept(Record):
    """A living instance of the same servers that a cleanup leaves alone, and looks after."""

    instance_id: str
    source_server_id: str
    reason: str
    found: str | None = None
    """EC2's word for it when the cleanup ended; absent while nobody has looked again."""


class Deadline(Record):
    """When an execution's time is over."""

    at: AwareDatetime
    passed: AwareDatetime | None = None
    """When it was over, and the execution was ended for it."""


class ChangeRecord(Record):
    """Under which change an execution was started."""

    ticket: str | None = None
    window: str | None = None
    """The window that was open."""
    against: tuple[str, ...] = ()
    """What spoke against the start; it was overridden then."""
    overridden: Decision | None = None


class Authority(Record):
    """Of a RECOVERY: the authorisation that its creation consumed; the tables hold it whole."""

    authorization_id: str
    scope: str
    """The digest of all that was authorised, as 64 hex digits; see `authorization.py`."""
    by: str
    at: AwareDatetime
    expires: AwareDatetime
    reason: str
    second: Decision | None = None
    """Who countersigned it."""


class GroupRun(Record):
    """A group's servers as resolved at the start, and how that differs from the last apply."""

    group_id: str
    servers: tuple[str, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    expect: int | None = None


class Execution(Record):
    """One run of a plan, whole."""

    execution_id: str
    plan_id: str
    execution_type: ExecutionType = ExecutionType.DRILL
    mode: Mode
    status: ExecutionStatus = ExecutionStatus.PENDING
    waiting_for: str | None = None
    start_time: AwareDatetime
    """In whole seconds: the index holds it as epoch seconds."""
    end_time: AwareDatetime | None = None
    version: int = 1
    key: str | None = None
    account_id: str
    region: str
    started_by: str
    plan: RecoveryPlan
    """The plan as executed: frozen at the start, and changed by nothing but edits of waves that have not started."""
    applied: RecoveryPlan | None = None
    """The plan as it was started, where an edit has made the executed one another."""
    plan_version: int | None = None
    """The version of the applied plan that it was started from."""
    digest: str
    """The runbook's digest as it was started: plan and groups."""
    groups: tuple[GroupRun, ...]
    replace: tuple[str, ...] = ()
    """EC2 instances that the operator allowed a launch to terminate."""
    fast: bool = False
    """A launch without a known outcome is repeated soon, by an explicit choice at the start (reliability §3.3)."""
    change: ChangeRecord | None = None
    """Of a plan with change control: how the start stood by it."""
    authority: Authority | None = None
    """Of a RECOVERY: what authorised it; the engine launches none without."""
    typed: str | None = None
    """Of the CLEANUP of a RECOVERY: the words that its starter typed to confirm it."""
    cleans: str | None = None
    """Of a CLEANUP: the execution whose instances it terminates."""
    kept: tuple[Kept, ...] = ()
    """Of a CLEANUP: the other living instances of the same servers, seen at its start."""
    held: Decision | None = None
    """Who paused it: nothing new starts until somebody resumes it."""
    due: AwareDatetime | None = None
    """When it must be looked at although it waits for a person: an approval or its own time runs out."""
    deadline: Deadline | None = None
    """Of a plan with a timeout."""
    waves: tuple[WaveRun, ...]
    attempts: tuple[Attempt, ...] = ()
    tasks: tuple[Task, ...] = ()
    """Every run of an action, in the order of their making."""
    commands: tuple[Command, ...] = ()
    budget: BudgetRun | None = None
    """Of a plan with a budget."""
    notices: tuple[Notice, ...] = ()
    """What was told, or is to be, in the order of its happening."""
    reminder: AwareDatetime | None = None
    """Of a drill that is over: when to tell that instances of it still run."""
    events: int = 0
    """How many events the history holds."""
    head: str = ""
    """The hash of the last event."""

    @property
    def notify_due(self) -> datetime | None:
        """When something is to be told, or tried again."""
        times = [one.next_try for notice in self.notices for one in notice.deliveries if one.next_try]
        return min([*times, *([self.reminder] if self.reminder else [])], default=None)

    @property
    def started_plan(self) -> RecoveryPlan:
        """The plan as it was started, whatever was edited since."""
        return self.applied or self.plan

    def wave(self, name: str) -> WaveRun:
        """The run of the named wave."""
        return next(wave for wave in self.waves if wave.wave_name == name)

    def attempts_of(self, wave_name: str) -> tuple[Attempt, ...]:
        """The wave's attempts, in the order of their making."""
        return tuple(attempt for attempt in self.attempts if attempt.wave_name == wave_name)


class JobSummary(Record):
    """What a dashboard shows of a wave's job."""

    job_id: str
    attempt: int
    creation_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None


class WaveSummary(Record):
    """What a dashboard shows of a wave."""

    wave_name: str
    status: WaveStatus
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    servers: dict[str, int]
    """Status word -> how many servers."""
    jobs: tuple[JobSummary, ...] = ()


class ExecutionHeader(Record):
    """What a dashboard shows of an execution: the header item, under 4 KB."""

    execution_id: str
    plan_id: str
    execution_type: ExecutionType
    mode: Mode
    status: ExecutionStatus
    waiting_for: str | None = None
    start_time: AwareDatetime
    end_time: AwareDatetime | None = None
    version: int
    account_id: str
    region: str
    started_by: str
    cleans: str | None = None
    due: AwareDatetime | None = None
    notify_due: AwareDatetime | None = None
    """When something is to be told to those whom the plan names."""
    waves: tuple[WaveSummary, ...]
    waves_left_out: int = 0
    """How many waves at the end have no room here; of a long plan all may lack jobs or counts, too."""
    launched: str | None = None
    """Names the set of servers that its jobs launched, where no other server may have an instance of it."""


class Outstanding(Record):
    """An execution that is over and has something to tell."""

    execution_id: str
    account_id: str
    region: str
    due: AwareDatetime


class Event(Record):
    """One line of an execution's history."""

    sequence: int
    """Counts from 1."""
    time: AwareDatetime
    actor: str
    kind: str
    facts: dict[str, Any] = Field(default_factory=dict)
    """JSON values."""
    previous: str = ""
    """The hash of the event before; empty for the first."""
    hash: str = ""

    def sealed(self, previous: str) -> "Event":
        """The event with its place in the chain."""
        bare = self.model_copy(update={"previous": previous, "hash": ""})
        return bare.model_copy(update={"hash": digest_of(bare.to_json())})


class Cadence(Record):
    """When an account and Region should next be asked; one item for all executions there."""

    account_id: str
    region: str
    next_poll: AwareDatetime
    version: int
    unavailable_since: AwareDatetime | None = None
    trouble: str | None = None
    """What AWS answered last, while it does not answer well."""


# --- what was seen of DRS and EC2 ------------------------------------------------------------------------------------


class SourceServer(Record):
    """A replicated machine, as DescribeSourceServers shows it."""

    source_server_id: str
    name: str
    tags: dict[str, str] = Field(default_factory=dict)
    hostname: str = ""
    operating_system: str = ""
    replication_state: str = ""
    lag: timedelta | None = None
    """Absent when DRS shows none, as for a disconnected server."""
    last_launch_job_id: str | None = None
    last_launch_time: AwareDatetime | None = None
    last_launch_status: str | None = None
    last_launch_type: str | None = None
    """DRS's word: DRILL or RECOVERY."""
    recovery_instance_id: str | None = None
    replicated_percent: int | None = None
    """How much of its disks is in AWS; absent when DRS shows no disk."""
    replication_error: str | None = None
    """DRS's word for what is wrong with its replication."""
    last_seen: AwareDatetime | None = None
    """When its agent last spoke to DRS."""
    staging_status: str | None = None
    """DRS's word: NOT_EXTENDED, EXTENDED or EXTENSION_ERROR."""
    recommended_type: str = ""
    """The instance type that DRS recommends, which right sizing takes."""
    disk_bytes: int = 0
    """Of all its disks."""
    volume_troubles: tuple[str, ...] = ()
    """Its disks whose attributes are missing or pending, each as `/dev/xvda PENDING`."""

    @property
    def launchable(self) -> bool:
        """Whether it has a usable recovery point, as far as its replication state tells."""
        return self.replication_state not in CANNOT_LAUNCH


class LaunchSettings(Record):
    """A source server's launch configuration, as far as it is looked at."""

    source_server_id: str
    template_id: str | None = None
    """The EC2 launch template; without one a launch has nothing to launch."""
    disposition: str | None = None


class JobServer(Record):
    """A server's part in a job."""

    source_server_id: str
    launch_status: str | None = None


class Job(Record):
    """A DRS job; its COMPLETED says nothing about success (drs-facts §1.1)."""

    job_id: str
    job_type: str
    initiated_by: str = ""
    status: str
    creation_time: AwareDatetime
    end_time: AwareDatetime | None = None
    servers: tuple[JobServer, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)


class JobLogEntry(Record):
    """One line of a job's log; `event` may be a word that botocore's model lacks."""

    time: AwareDatetime
    event: str
    source_server_id: str | None = None
    conversion_server_id: str | None = None
    target_instance_id: str | None = None
    error: str | None = None


class JobLog(Record):
    """The whole log of a job that ended, oldest line first."""

    job_id: str
    wave_name: str
    entries: tuple[JobLogEntry, ...]


class RecoveryInstance(Record):
    """An EC2 instance that DRS launched and still knows."""

    recovery_instance_id: str
    source_server_id: str
    job_id: str | None = None
    is_drill: bool | None = None
    state: str = ""
    snapshot_time: AwareDatetime | None = None
    failback: str | None = None
    """DRS's word for how far its failback is."""
    replication_state: str | None = None
    """DRS's word for the replication out of it, which a failback begins with."""


class TaggedInstance(Record):
    """An EC2 instance that carries DRS's tag of a source server, whether DRS still knows it or not."""

    instance_id: str
    source_server_id: str
    state: str
    launch_time: AwareDatetime | None = None
    """When EC2 last started it; a stop and a start make it later than the launch."""


def utc(value: datetime) -> str:
    """A time as programs read it: ISO-8601, UTC, whole seconds, with Z; people read `texts.moment`."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
