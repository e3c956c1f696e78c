"""When everything in a job will happen.

A job's timeline is worked out once, when the job is created; afterwards the
state of any instant is read off it, so no thread is needed to make time pass.
Default spans are measured ones (drs-facts §14).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from drskit.sim.actions import ActionPlan, LaunchAction, plan_actions
from drskit.sim.ids import Ids
from drskit.sim.spans import Script, length
from drskit.sim.spec import Failure, ServerSpec, span
from drskit.sim.timeline import Failed, Hanging, Launched, LogEntry, Outcome, Terminated, Timeline

LINUX = {"cleanup": 60.0, "snapshot": 0.2, "gap": 52.0, "conversion": 185.0, "pause": 0.4, "launch": 290.0}
WINDOWS = {"cleanup": 60.0, "snapshot": 1.0, "gap": 60.0, "conversion": 840.0, "pause": 2.0, "launch": 360.0}
TERMINATE = (60.0, 300.0)
CONVERSION_ACTIONS = frozenset(
    {
        "ec2:AttachVolume",
        "ec2:CreateSnapshot",
        "ec2:CreateTags",
        "ec2:CreateVolume",
        "ec2:DescribeSnapshots",
        "ec2:DescribeVolumes",
        "ec2:RunInstances",
        "iam:PassRole",
    }
)
"""What the conversion needs of the caller: without one of them it silently does not begin (drs-facts §5.4, §13)."""
LAUNCH_ACTIONS = (
    "drs:CreateRecoveryInstanceForDrs",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:DeleteLaunchTemplateVersions",
    "ec2:DeleteVolume",
    "ec2:DetachVolume",
    "ec2:StartInstances",
)
"""What the launch needs besides: without one of them it fails after ten minutes and more."""
SNAPSHOT_PATIENCE = 600.0
"""DRS waits this long for an on-demand snapshot before it falls back."""
JITTER = 0.03
END_BEFORE_LOGGED = timedelta(milliseconds=26)
"""A job's endDateTime lies a little before its JOB_END line."""


@dataclass(frozen=True)
class Planned:
    """A server that is to be launched."""

    server: ServerSpec
    number: int
    """How often it was launched before."""
    has_previous: bool
    """Whether an earlier instance must go first."""
    actions: Sequence[LaunchAction] = ()
    launch_error: str | None = None
    """What EC2 will say to it, where its launch template is of no use."""
    caller_lacks: tuple[str, ...] = ()
    """The permissions that whoever started it lacks."""


@dataclass
class _Track:
    """One server's way through a job, told forward from `at`."""

    server: ServerSpec
    ids: Ids
    number: int
    at: datetime
    has_previous: bool
    requested: datetime
    launch_error: str | None = None
    caller_lacks: tuple[str, ...] = ()
    entries: list[LogEntry] = field(default_factory=list)
    cleaned_at: datetime | None = None

    def mark(
        self, event: str, *, conversion: str | None = None, instance: str | None = None, error: str | None = None
    ) -> None:
        """Write a line of the log."""
        self.entries.append(LogEntry(self.at, event, self.server.id, conversion, instance, error))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += span(seconds)

    def phase(self, name: str) -> None:
        """Let a phase's time pass."""
        self.wait(self._seconds(name))

    def between(self, low: float, high: float, what: str) -> None:
        """Let a time pass that nobody declared."""
        self.wait(self.ids.between(low, high, self.server.id, self.number, what))

    @property
    def failure(self) -> Failure | None:
        """What goes wrong with this launch."""
        return self.server.failure(self.number, self.requested) or self._denied()

    @property
    def denied_operation(self) -> str:
        """The call of the launch that is denied, as the job log names it."""
        lacked = [action for action in self.caller_lacks if action in LAUNCH_ACTIONS]
        return lacked[0].partition(":")[2] if lacked else "DeleteVolume"

    def _denied(self) -> Failure | None:
        """What a lack of permissions does: of those for the conversion in silence, of those for the launch late."""
        if any(action in CONVERSION_ACTIONS for action in self.caller_lacks):
            return Failure.CONVERSION_DENIED
        return Failure.LAUNCH_DENIED if any(one in LAUNCH_ACTIONS for one in self.caller_lacks) else None

    @property
    def instance_id(self) -> str:
        """The instance that this launch makes."""
        given = self.server.launches
        if self.number < len(given):
            return given[self.number]
        name = self.ids.ec2("i", self.server.id, self.number)
        while name in {one.id for one in self.server.instances}:
            name = self.ids.ec2("i", self.server.id, self.number, name)
        return name

    def _seconds(self, name: str) -> float:
        script: Script | None = getattr(self.server.durations, name)
        chance = self.ids.chance(self.server.id, self.number, name)
        seconds = length(script, self.number, chance)
        if seconds is not None:
            return round(seconds, 6)
        usual = (WINDOWS if self.server.os == "windows" else LINUX)[name]
        return self.ids.between(usual * (1 - JITTER), usual * (1 + JITTER), self.server.id, self.number, name)


def _start(track: _Track) -> Outcome | None:
    if track.failure is Failure.SKIPPED:
        track.mark("SERVER_SKIPPED")
        return Failed(track.at)
    if track.has_previous:
        track.mark("CLEANUP_START")
        track.phase("cleanup")
        track.mark("CLEANUP_END")
        track.cleaned_at = track.at
        track.wait(0.4)
    return None


def _snapshot(track: _Track) -> Outcome | None:
    track.mark("SNAPSHOT_START")
    if track.failure is Failure.SNAPSHOT_FAILED:
        track.wait(SNAPSHOT_PATIENCE)
        track.mark("SNAPSHOT_FAIL", error="Failed to take snapshot")
        return Failed(track.at)
    if track.failure is Failure.PREVIOUS_SNAPSHOT_FAILED:
        track.wait(SNAPSHOT_PATIENCE)
        track.mark("USING_PREVIOUS_SNAPSHOT_FAILED", error="Failed to take snapshot")
        return Failed(track.at)
    if track.failure is Failure.PREVIOUS_SNAPSHOT:
        track.wait(SNAPSHOT_PATIENCE)
        track.mark("USING_PREVIOUS_SNAPSHOT")
    else:
        track.phase("snapshot")
        track.mark("SNAPSHOT_END")
    if track.failure is Failure.CONVERSION_DENIED:
        track.between(190, 210, "denied")
        return Failed(track.at)
    return None


def _convert(track: _Track) -> Outcome | None:
    track.phase("gap")
    if track.server.launch.recovery_mode == "FAST":
        return None
    converter = track.ids.ec2("i", track.server.id, track.number, "conversion")
    track.mark("CONVERSION_START")
    if track.failure is Failure.NEVER_ENDS:
        return Hanging()
    if track.failure is Failure.KMS_DENIED:
        track.between(2, 8, "denied")
        key = f"arn:aws:kms:{track.ids.region}:{track.ids.account}:key/00000000-0000-4000-8000-000000000000"
        track.mark(
            "CONVERSION_FAIL",
            error=_client_error("AuthFailure", "ModifySnapshotAttribute", f"Not authorized to use key {key}"),
        )
        return Failed(track.at)
    track.phase("conversion")
    if track.failure is Failure.CONVERSION_FAILED:
        track.mark("CONVERSION_FAIL", conversion=converter, error="Conversion failed")
        return Failed(track.at)
    track.mark("CONVERSION_END", conversion=converter)
    return None


def _launch(track: _Track) -> Outcome | None:
    track.phase("pause")
    track.mark("LAUNCH_START")
    instance_id = track.instance_id
    if track.failure is Failure.LAUNCH_DENIED:
        orphan_at = track.at + span(60)
        track.between(600, 950, "denied")
        denied = _client_error(
            "UnauthorizedOperation", track.denied_operation, "You are not authorized to perform this operation."
        )
        track.mark("LAUNCH_FAILED", instance=instance_id, error=denied)
        return Failed(track.at, orphan=instance_id, orphan_at=orphan_at)
    if track.failure is Failure.NO_CAPACITY:
        track.between(600, 950, "capacity")
        text = f"We currently do not have sufficient {track.server.instance_type} capacity in the Availability Zone."
        track.mark("LAUNCH_FAILED", error=_client_error("InsufficientInstanceCapacity", "RunInstances", text))
        return Failed(track.at)
    if track.launch_error:
        track.between(5, 15, "template")
        track.mark("LAUNCH_FAILED", error=track.launch_error)
        return Failed(track.at)
    track.phase("launch")
    track.mark("LAUNCH_END", instance=instance_id)
    return Launched(track.at, instance_id)


STAGES = (_start, _snapshot, _convert, _launch)


def _client_error(code: str, operation: str, message: str) -> str:
    return f"An error occurred ({code}) when calling the {operation} operation: {message}"


def plan_launch(
    servers: Iterable[Planned], *, ids: Ids, job_id: str, created_at: datetime, actions_hold_job: bool = True
) -> Timeline:
    """The timeline of a new launch job.

    Args:
        servers: what is to be launched, and what is known of each.
        ids: the world's names.
        job_id: the new job.
        created_at: its creation.
        actions_hold_job: whether servers and job wait for post-launch actions.
    """
    starts_at = created_at + span(ids.between(0.28, 0.38, job_id, "start"))
    entries, outcomes, cleanups = [LogEntry(starts_at, "JOB_START")], {}, {}
    actions: dict[str, ActionPlan] = {}
    for position, planned in enumerate(servers):
        server = planned.server
        begins_at = starts_at + span(0.4 + 0.026 * position)
        track = _Track(
            server, ids, planned.number, begins_at, planned.has_previous, created_at, planned.launch_error,
            planned.caller_lacks,
        )  # fmt: skip
        outcome = next(outcome for stage in STAGES if (outcome := stage(track)))
        if isinstance(outcome, Launched) and planned.actions:
            plan = plan_actions(server, planned.actions, ids=ids, job_id=job_id, launched_at=outcome.at)
            actions[server.id] = plan
            outcome = _acted(outcome, plan) if actions_hold_job else outcome
        outcomes[server.id] = outcome
        entries += track.entries
        if track.cleaned_at:
            cleanups[server.id] = track.cleaned_at
    timeline = _ended(starts_at, entries, outcomes, cleanups, after=ids.between(2.0, 3.0, job_id, "end"))
    return replace(timeline, actions=actions)


def _acted(launched: Launched, plan: ActionPlan) -> Outcome:
    """What becomes of a launched server after its actions: a failed one that is not optional fails it."""
    if plan.fails_launch:
        return Failed(plan.ends_at, orphan=launched.instance_id, orphan_at=launched.at, known=True)
    return Launched(plan.ends_at, launched.instance_id, made_at=launched.at)


def plan_terminate(servers: Iterable[ServerSpec], *, ids: Ids, job_id: str, created_at: datetime) -> Timeline:
    """The timeline of a new TERMINATE job."""
    starts_at = created_at + span(ids.between(0.28, 0.38, job_id, "start"))
    entries = [LogEntry(starts_at, "JOB_START")]
    outcomes: dict[str, Outcome] = {}
    for server in servers:
        seconds = length(server.durations.terminate, 0, ids.chance(job_id, server.id))
        took = ids.between(*TERMINATE, job_id, server.id) if seconds is None else seconds
        begun, done = starts_at + span(0.4), starts_at + span(0.4 + took)
        entries += [LogEntry(begun, "CLEANUP_START", server.id), LogEntry(done, "CLEANUP_END", server.id)]
        outcomes[server.id] = Terminated(done)
    return _ended(starts_at, entries, outcomes, {}, after=ids.between(2.0, 3.0, job_id, "end"))


def _ended(
    starts_at: datetime,
    entries: list[LogEntry],
    outcomes: dict[str, Outcome],
    cleanups: dict[str, datetime],
    *,
    after: float,
) -> Timeline:
    """The timeline with its JOB_END, if it ever comes."""
    ordered = sorted(entries, key=lambda entry: entry.at)
    ends = [outcome.at for outcome in outcomes.values() if not isinstance(outcome, Hanging)]
    if len(ends) < len(outcomes):
        return Timeline(starts_at, None, tuple(ordered), outcomes, cleanups)
    logged_at = max(ends) + span(after)
    ordered.append(LogEntry(logged_at, "JOB_END"))
    return Timeline(starts_at, logged_at - END_BEFORE_LOGGED, tuple(ordered), outcomes, cleanups)
