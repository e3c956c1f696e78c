"""What the engine needs of the world outside, as protocols.

`store` and `aws` implement them; the engine knows nothing else of either.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drskit.authorization import Authorization, Permit
from drskit.errors import Malformed
from drskit.messages import Message
from drskit.model import (
    AppliedGroup,
    AppliedPlan,
    Attempt,
    Cadence,
    Event,
    Execution,
    ExecutionHeader,
    ExecutionStatus,
    Job,
    JobLog,
    JobLogEntry,
    Outstanding,
    RecoveryInstance,
    RecoverySnapshot,
    SourceServer,
    TaggedInstance,
)
from drskit.notices import Outcome
from drskit.quotas import Quotas


class Store(Protocol):
    """The tables. Every write is conditional; every read of an execution is consistent."""

    def now(self) -> datetime:
        """AWS's own time in whole seconds: the `Date` of a reply, never the local clock."""

    # groups and plans
    def apply(
        self, plan: AppliedPlan, groups: tuple[AppliedGroup, ...], *, removed: tuple[str, ...], expected: int | None
    ) -> None:
        """Write a plan with its groups in one transaction and delete the `removed` groups.

        Args:
            plan: its version is the new one.
            groups: every group of the plan.
            removed: GroupIds that the plan had before and has no more.
            expected: the version that the stored plan must have; None when there must be none.

        Raises:
            LostRace: the stored plan has another version.
        """

    def get_plan(self, plan_id: str) -> AppliedPlan | None:
        """The plan as applied."""

    def list_plans(self) -> Iterator[AppliedPlan]:
        """All plans, by name."""

    def delete_plan(self, plan_id: str) -> None:
        """Delete a plan and its groups.

        Raises:
            NotFound: there is none.
            PlanBusy: an execution of it lives.
        """

    def get_group(self, group_id: str) -> AppliedGroup | None:
        """The group as applied."""

    def list_groups(self) -> Iterator[AppliedGroup]:
        """All groups, by name."""

    def delete_group(self, group_id: str) -> None:
        """Delete a group.

        Raises:
            NotFound: there is none.
            PlanBusy: an execution of its plan lives.
            Refused: its plan still uses it.
        """

    # executions
    def create(self, execution: Execution, events: tuple[Event, ...], *, begun: int, secret: str | None = None) -> None:
        """Create an execution and mark it as its plan's active one, in one transaction.

        A RECOVERY consumes its authorisation in the same transaction, on the condition that it is good for exactly
        this: there is no other way to make one.

        Args:
            execution: the new one.
            events: its first.
            begun: how many executions the plan had when this one was decided on. A request that was given up, made
                again and arrives late finds one more, and creates nothing.
            secret: of a RECOVERY, the secret half of its token.

        Raises:
            NotAuthorized: it is a RECOVERY, and its authorisation is not good for it.
            AlreadyExists: the ExecutionId is taken.
            PlanBusy: another execution of the plan lives.
            NotFound: the plan is not applied.
            LostRace: an execution of the plan began since it was counted, and is over.
        """

    def load(self, execution_id: str) -> Execution:
        """The execution, whole and consistent.

        Raises:
            NotFound: there is none.
            Malformed: an item of it cannot be read.
        """

    def commit(
        self, before: Execution, after: Execution, events: tuple[Event, ...], logs: tuple[JobLog, ...] = ()
    ) -> None:
        """Write what changed, on the condition that nobody wrote since `before` was read.

        `after.version` is `before.version + 1`. Children are written first, header and events last. When `after` is
        final (`end_time` is set) the plan's active execution is cleared in the same transaction; when it was final and
        is no more, it is set again. A write whose reply was lost recognises itself.

        Raises:
            LostRace: somebody wrote first.
        """

    def events(self, execution_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """The history after the given sequence number, oldest first."""

    def job_logs(self, execution_id: str) -> tuple[JobLog, ...]:
        """The recorded logs of the jobs that ended."""

    def find(
        self, statuses: Iterable[ExecutionStatus], since: datetime | None = None
    ) -> Iterator[ExecutionHeader | Malformed]:
        """Headers by StatusIndex, newest first for each status; eventually consistent; a hint, never the truth.

        With `since` only those that were started then or later, in whole seconds; no others are read.
        """

    def list_executions(self, plan_id: str | None = None) -> Iterator[ExecutionHeader | Malformed]:
        """Headers of all executions, or of one plan's, newest first."""

    def sweep(self) -> Iterator[ExecutionHeader | Malformed]:
        """Headers by a consistent scan of the table itself: finds what the index lost."""

    def quarantine(self, item: Malformed) -> None:
        """Mark an item as unreadable, once, with the reason, for people; nothing of it is changed or lost.

        The mark hides nothing: an item that can be read again is read, and what a newer drskit wrote is not marked.
        """

    def outstanding(self) -> Iterator[Outstanding]:
        """The executions that are over and have something to tell; those that live say so in their headers."""

    # authorisations
    def get_authorization(self, authorization_id: str) -> Authorization | None:
        """An authorisation, read consistently.

        Raises:
            Malformed: it cannot be read.
        """

    def put_authorization(self, authorization: Authorization, *, expected: int | None) -> None:
        """Write an authorisation that nothing has consumed, on condition of its version (None: there must be none).

        Raises:
            LostRace: somebody wrote it, or used it, first.
        """

    # cadence
    def get_cadence(self, account_id: str, region: str) -> Cadence | None:
        """When this account and Region should next be asked."""

    def put_cadence(self, cadence: Cadence, *, expected: int | None) -> None:
        """Write the cadence on condition of its version (None: there must be none).

        Raises:
            LostRace: another worker wrote first.
        """


@dataclass(frozen=True)
class Started:
    """StartRecovery made a job."""

    job: Job


@dataclass(frozen=True)
class NotExecuted:
    """AWS, or our own side, refused the request before anything happened."""

    code: str
    message: str
    status: int | None = None
    transient: bool = False
    """It was refused for now, by a throttle or for want of credentials or a connection; it may be asked again."""


@dataclass(frozen=True)
class Unknown:
    """The request may or may not have been carried out."""

    reason: str


class Recovery(Protocol):
    """DRS and EC2 in one account and Region.

    Reads return every page or raise `Unavailable`; a page that could not be read is never an absence.
    """

    def source_servers(self, server_ids: Iterable[str] | None = None) -> tuple[SourceServer, ...]:
        """Source servers, all or the named ones; a name that DRS does not know is missing from the answer."""

    def jobs(self, *, job_ids: Iterable[str] = (), since: datetime | None = None) -> tuple[Job, ...]:
        """Jobs by id, or all since a time; newest first."""

    def job_log(self, job_id: str) -> tuple[JobLogEntry, ...]:
        """A job's log, oldest line first."""

    def recovery_instances(self, server_ids: Iterable[str]) -> tuple[RecoveryInstance, ...]:
        """The instances that DRS knows for these servers."""

    def tagged_instances(self, server_ids: Iterable[str]) -> tuple[TaggedInstance, ...]:
        """The EC2 instances that carry DRS's tag of these servers and are not terminated."""

    def protected(self, instance_ids: Iterable[str]) -> frozenset[str]:
        """Those of the EC2 instances whose termination protection is on; asked one by one."""

    def snapshots(self, server_id: str, *, until: datetime | None = None) -> tuple[RecoverySnapshot, ...]:
        """The recovery snapshots that DRS keeps of a server, all or those up to a time; none that is not taken yet."""

    def start_recovery(self, attempt: Attempt, tags: dict[str, str]) -> Started | NotExecuted | Unknown:
        """Ask DRS once, on the wire once, to launch a drill of the attempt's servers, signed at `attempt.signed_at`."""

    def recover(self, attempt: Attempt, tags: dict[str, str], permit: Permit) -> Started | NotExecuted | Unknown:
        """The same for real; nothing is asked where the permit is not for exactly this."""

    def instance_states(self, instance_ids: Iterable[str]) -> dict[str, str]:
        """EC2's state of each of these instances; one that EC2 does not know is missing from the answer."""

    def instance_types(self, instance_ids: Iterable[str]) -> dict[str, str]:
        """EC2's type of each of these instances; one that it does not know is missing."""

    def quotas(self, now: datetime) -> Quotas:
        """What DRS allows at once; where nobody tells, what is documented. It never fails."""

    def terminate(self, attempt: Attempt, instance_ids: Iterable[str]) -> Started | NotExecuted | Unknown:
        """Ask DRS once, on the wire once, to terminate these recovery instances, signed at `attempt.signed_at`."""


class Notifier(Protocol):
    """The ways to those who are told: SNS topics and EventBridge buses."""

    def send(self, target: str, message: Message) -> Outcome:
        """Send once, on the wire once, and soon give up; nothing is raised, whatever happens."""
