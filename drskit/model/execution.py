"""What an execution has become, and what a dashboard shows of it."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from drskit.actions import Task
from drskit.checks import Checking, CheckRun
from drskit.model.plan import RecoveryPlan, Wave
from drskit.model.words import (
    AttemptStatus,
    CommandKind,
    ExecutionStatus,
    ExecutionType,
    Mode,
    Phase,
    ServerId,
    ServerStatus,
    WaveStatus,
    digest_of,
)
from drskit.money import BudgetRun, Size
from drskit.notices import Notice
from drskit.record import Decision, Record


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


class Lull(Record):
    """A time in which a wave had ended badly, and waited for somebody's word to try it again."""

    since: AwareDatetime
    until: AwareDatetime


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
    lulls: tuple[Lull, ...] | None = None
    """Before each time that it was tried again, the oldest first; only so many of the last ones as `MOST_LULLS`."""
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
