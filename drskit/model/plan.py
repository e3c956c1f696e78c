"""What a runbook declares, and what of it the tables hold."""

from datetime import time, timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from drskit.actions import Action
from drskit.checks import Checks
from drskit.model.words import CleanUp, OnTimeout, ServerId, SnapshotId, Ticket, Weekday, digest_of
from drskit.money import BudgetPolicy
from drskit.notices import NotifyTarget
from drskit.record import OnFailure, Record


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
