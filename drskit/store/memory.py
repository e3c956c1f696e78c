"""The tables in memory, under the same contract tests as DynamoDB.

For tests, notebooks and crash enumeration. Values are frozen, so they are kept
as they are; only what DynamoDB would cut short or refuse is cut and refused here
too.
"""

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime

from drskit.authorization import Authorization
from drskit.bounds import PERSON_BYTES, bounded, shortened
from drskit.clock import Clock
from drskit.errors import AlreadyExists, LostRace, Malformed, Refused
from drskit.model import (
    AppliedGroup,
    AppliedPlan,
    Cadence,
    Event,
    Execution,
    ExecutionHeader,
    ExecutionStatus,
    JobLog,
    Outstanding,
)
from drskit.store.attributes import to_attribute
from drskit.store.authorizations import complaint, lost, not_consumed, refuse_without
from drskit.store.codec import header_of, outstanding
from drskit.store.dynamodb import lost_cadence, no_execution
from drskit.store.plans import busy, no_group, no_plan, outrun, refuse_busy, refuse_used, too_many_groups


class MemoryStore:
    """`Store` in one process; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._plans: dict[str, AppliedPlan] = {}
        self._groups: dict[str, AppliedGroup] = {}
        self._executions: dict[str, Execution] = {}
        self._events: dict[str, tuple[Event, ...]] = {}
        self._logs: dict[str, dict[str, JobLog]] = {}
        self._cadences: dict[tuple[str, str], Cadence] = {}
        self._authorizations: dict[str, Authorization] = {}

    def now(self) -> datetime:
        """The clock's time in whole seconds."""
        return self._clock.now().replace(microsecond=0)

    # groups and plans

    def apply(
        self, plan: AppliedPlan, groups: tuple[AppliedGroup, ...], *, removed: tuple[str, ...], expected: int | None
    ) -> None:
        """See `Store.apply`."""
        plan_id = plan.plan.plan_id
        too_many_groups(plan_id, len(groups) + len(removed))
        with self._lock:
            stored = self._plans.get(plan_id)
            if (stored.version if stored else None) != expected:
                raise LostRace(f"Plan {plan_id} was applied by somebody else meanwhile. Compare again, then apply.")
            for group_id in (*(group.group.group_id for group in groups), *removed):
                self._refuse_foreign(group_id, plan_id)
            active = stored.active_execution_id if stored else None
            begun = stored.begun if stored else 0
            by = shortened(plan.applied_by, PERSON_BYTES)
            kept = {"active_execution_id": active, "begun": begun, "applied_by": by}
            self._plans[plan_id] = plan.model_copy(update=kept)
            for group in groups:
                by_whom = {"applied_by": shortened(group.applied_by, PERSON_BYTES)}
                self._groups[group.group.group_id] = group.model_copy(update=by_whom)
            for group_id in removed:
                self._groups.pop(group_id, None)

    def get_plan(self, plan_id: str) -> AppliedPlan | None:
        """See `Store.get_plan`."""
        return self._plans.get(plan_id)

    def list_plans(self) -> Iterator[AppliedPlan]:
        """See `Store.list_plans`."""
        with self._lock:
            return iter(sorted(self._plans.values(), key=lambda plan: plan.plan.plan_id))

    def delete_plan(self, plan_id: str) -> None:
        """See `Store.delete_plan`."""
        with self._lock:
            if plan_id not in self._plans:
                raise no_plan(plan_id)
            refuse_busy(self._plans[plan_id])
            del self._plans[plan_id]
            self._groups = {key: group for key, group in self._groups.items() if group.group.plan_id != plan_id}

    def get_group(self, group_id: str) -> AppliedGroup | None:
        """See `Store.get_group`."""
        return self._groups.get(group_id)

    def list_groups(self) -> Iterator[AppliedGroup]:
        """See `Store.list_groups`."""
        with self._lock:
            return iter(sorted(self._groups.values(), key=lambda group: (group.group.name, group.group.group_id)))

    def delete_group(self, group_id: str) -> None:
        """See `Store.delete_group`."""
        with self._lock:
            if group_id not in self._groups:
                raise no_group(group_id)
            refuse_used(group_id, self._plans.get(self._groups[group_id].group.plan_id))
            del self._groups[group_id]

    def _refuse_foreign(self, group_id: str, plan_id: str) -> None:
        stored = self._groups.get(group_id)
        if stored and stored.group.plan_id != plan_id:
            raise Refused(
                f"Group {group_id} belongs to plan {stored.group.plan_id}. "
                "Give it another id, or take it out of that plan first."
            )

    # executions

    def create(self, execution: Execution, events: tuple[Event, ...], *, begun: int, secret: str | None = None) -> None:
        """See `Store.create`."""
        _refuse_inexact(events)
        refuse_without(execution, secret)
        execution_id = execution.execution_id
        with self._lock:
            if execution_id in self._executions:
                raise AlreadyExists(
                    f"Execution {execution_id} exists. Open it, or start under another key.", execution_id
                )
            used = self._good_authorization(bounded(execution), secret)
            self._occupy(execution, begun)
            if used is not None:
                self._authorizations[used.authorization_id] = used
            self._executions[execution_id] = bounded(execution)
            self._events[execution_id] = events

    def load(self, execution_id: str) -> Execution:
        """See `Store.load`."""
        with self._lock:
            execution = self._executions.get(execution_id)
            if execution is None:
                raise no_execution(execution_id)
            return execution

    def commit(
        self, before: Execution, after: Execution, events: tuple[Event, ...], logs: tuple[JobLog, ...] = ()
    ) -> None:
        """See `Store.commit`."""
        _refuse_inexact(events)
        execution_id = after.execution_id
        with self._lock:
            stored = self._executions.get(execution_id)
            if stored is None or stored.version != before.version:
                raise LostRace(
                    f"Somebody else wrote execution {execution_id} since version {before.version} was read. "
                    "Read it again, then decide anew."
                )
            if before.end_time and not after.end_time:
                self._occupy(after)
            if after.end_time and not before.end_time:
                self._free(after)
            self._executions[execution_id] = bounded(after)
            self._events[execution_id] += events
            self._logs.setdefault(execution_id, {}).update({log.job_id: log for log in logs if log.entries})

    def events(self, execution_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See `Store.events`."""
        return tuple(event for event in self._events.get(execution_id, ()) if event.sequence > after)

    def job_logs(self, execution_id: str) -> tuple[JobLog, ...]:
        """See `Store.job_logs`."""
        with self._lock:
            return tuple(log for _, log in sorted(self._logs.get(execution_id, {}).items()))

    def find(
        self, statuses: Iterable[ExecutionStatus], since: datetime | None = None
    ) -> Iterator[ExecutionHeader | Malformed]:
        """See `Store.find`."""
        begin = since.replace(microsecond=0) if since else None
        for status in statuses:
            for found in self._headers(status=status):
                if begin is None or isinstance(found, Malformed) or found.start_time >= begin:
                    yield found

    def list_executions(self, plan_id: str | None = None) -> Iterator[ExecutionHeader | Malformed]:
        """See `Store.list_executions`."""
        return self._headers(plan_id=plan_id)

    def sweep(self) -> Iterator[ExecutionHeader | Malformed]:
        """See `Store.sweep`."""
        return self._headers()

    def outstanding(self) -> Iterator[Outstanding]:
        """See `Store.outstanding`."""
        with self._lock:
            found = map(outstanding, self._executions.values())
            return iter([one for one in found if one is not None])

    def quarantine(self, item: Malformed) -> None:
        """See `Store.quarantine`; a value in memory can always be read, so there is nothing to mark."""

    def _headers(
        self, *, status: ExecutionStatus | None = None, plan_id: str | None = None
    ) -> Iterator[ExecutionHeader | Malformed]:
        with self._lock:
            chosen = [
                execution
                for execution in self._executions.values()
                if status in {None, execution.status} and plan_id in {None, execution.plan_id}
            ]
        yield from map(header_of, sorted(chosen, key=lambda execution: execution.start_time, reverse=True))

    def _occupy(self, execution: Execution, begun: int | None = None) -> None:
        plan = self._plans.get(execution.plan_id)
        if plan is None:
            raise no_plan(execution.plan_id)
        if plan.active_execution_id:
            raise busy(execution.plan_id, plan.active_execution_id)
        if begun not in {None, plan.begun}:
            raise outrun(execution.plan_id)
        count = plan.begun if begun is None else begun + 1
        update = {"active_execution_id": execution.execution_id, "begun": count}
        self._plans[execution.plan_id] = plan.model_copy(update=update)

    def _free(self, execution: Execution) -> None:
        plan = self._plans.get(execution.plan_id)
        if plan and plan.active_execution_id == execution.execution_id:
            self._plans[execution.plan_id] = plan.model_copy(update={"active_execution_id": None})

    # authorisations

    def get_authorization(self, authorization_id: str) -> Authorization | None:
        """See `Store.get_authorization`."""
        return self._authorizations.get(authorization_id)

    def put_authorization(self, authorization: Authorization, *, expected: int | None) -> None:
        """See `Store.put_authorization`."""
        with self._lock:
            stored = self._authorizations.get(authorization.authorization_id)
            if (stored.version if stored else None) != expected or (stored and stored.used_by):
                raise lost(authorization)
            self._authorizations[authorization.authorization_id] = authorization

    def _good_authorization(self, execution: Execution, secret: str | None) -> Authorization | None:
        """What the execution consumes, as it is then."""
        if execution.authority is None:
            return None
        found = self._authorizations.get(execution.authority.authorization_id)
        if found is None or complaint(execution, secret, found, self.now()):
            raise not_consumed(execution, secret, found, self.now())
        return found.model_copy(update={"used_by": execution.execution_id, "version": found.version + 1})

    # cadence

    def get_cadence(self, account_id: str, region: str) -> Cadence | None:
        """See `Store.get_cadence`."""
        return self._cadences.get((account_id, region))

    def put_cadence(self, cadence: Cadence, *, expected: int | None) -> None:
        """See `Store.put_cadence`."""
        key = cadence.account_id, cadence.region
        with self._lock:
            stored = self._cadences.get(key)
            if (stored.version if stored else None) != expected:
                raise lost_cadence(cadence)
            trouble = shortened(cadence.trouble) if cadence.trouble else cadence.trouble
            self._cadences[key] = cadence.model_copy(update={"trouble": trouble})


def _refuse_inexact(events: tuple[Event, ...]) -> None:
    """Refuse facts that DynamoDB would not give back as they are."""
    for event in events:
        to_attribute(event.facts)
