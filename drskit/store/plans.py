"""Groups and plans in DynamoDB.

A plan's item also marks its living execution (`ActiveExecutionId`). Applying a
plan never touches that mark; only executions set and clear it.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from drskit.bounds import PERSON_BYTES, shortened
from drskit.errors import LostRace, NotFound, PlanBusy, Refused
from drskit.model import AppliedGroup, AppliedPlan
from drskit.store import wire
from drskit.store.attributes import Item, to_item
from drskit.store.codec import R, content, record, validated
from drskit.store.expressions import Clause, change, equals, missing, version_is
from drskit.store.names import TableNames
from drskit.store.wire import Action, Refusal, Wire

ACTIONS = 100
"""DynamoDB's limit for one transaction."""


class Plans:
    """The tables of groups and plans."""

    def __init__(self, wire: Wire, tables: TableNames) -> None:
        self._wire = wire
        self._tables = tables

    def apply(
        self, plan: AppliedPlan, groups: tuple[AppliedGroup, ...], *, removed: tuple[str, ...], expected: int | None
    ) -> None:
        """See `Store.apply`."""
        plan_id = plan.plan.plan_id
        too_many_groups(plan_id, len(groups) + len(removed))
        mine = secrets.token_hex(8)
        values = _plan_values(plan) | {"WriteId": mine}
        ours = missing("GroupId") | equals("PlanId", plan_id)
        actions = [
            wire.update(self._tables.plans, plan_key(plan_id), change(values), version_is(expected)),
            *(wire.put(self._tables.groups, _group_item(group, mine), ours) for group in groups),
            *(self._delete_group(group_id, ours) for group_id in removed),
        ]
        refused = self._wire.transact(actions)
        if refused and not _mine(refused[min(refused)], mine):
            raise _not_applied(plan_id, refused)

    def get_plan(self, plan_id: str) -> AppliedPlan | None:
        """See `Store.get_plan`."""
        item = self._wire.get(self._tables.plans, plan_key(plan_id))
        return None if item is None else _read(AppliedPlan, f"plan {plan_id}", item)

    def list_plans(self) -> Iterator[AppliedPlan]:
        """See `Store.list_plans`."""
        items = self._wire.scan(self._tables.plans, ("PlanId",))
        plans = [_read(AppliedPlan, f"plan {item['PlanId']['S']}", item) for item in items]
        return iter(sorted(plans, key=lambda plan: plan.plan.plan_id))

    def delete_plan(self, plan_id: str) -> None:
        """See `Store.delete_plan`."""
        plan = self.get_plan(plan_id)
        if plan is None:
            raise no_plan(plan_id)
        refuse_busy(plan)
        idle = version_is(plan.version) & missing("ActiveExecutionId")
        ours = missing("GroupId") | equals("PlanId", plan_id)
        groups = self._wire.scan(self._tables.groups, ("GroupId",), equals("PlanId", plan_id))
        refused = self._wire.transact(
            [
                wire.delete(self._tables.plans, plan_key(plan_id), idle),
                *(self._delete_group(item["GroupId"]["S"], ours) for item in groups),
            ]
        )
        if refused:
            self._explain(plan_id, refused.get(0, Refusal(None)))

    def get_group(self, group_id: str) -> AppliedGroup | None:
        """See `Store.get_group`."""
        item = self._wire.get(self._tables.groups, _group_key(group_id))
        return None if item is None else _read(AppliedGroup, f"group {group_id}", item)

    def list_groups(self) -> Iterator[AppliedGroup]:
        """See `Store.list_groups`."""
        items = self._wire.scan(self._tables.groups, ("GroupId",))
        groups = [_read(AppliedGroup, f"group {item['GroupId']['S']}", item) for item in items]
        return iter(sorted(groups, key=lambda group: (group.group.name, group.group.group_id)))

    def delete_group(self, group_id: str) -> None:
        """See `Store.delete_group`."""
        group = self.get_group(group_id)
        if group is None:
            raise no_group(group_id)
        plan_id = group.group.plan_id
        plan = self.get_plan(plan_id)
        refuse_used(group_id, plan)
        idle = missing("PlanId") if plan is None else version_is(plan.version) & missing("ActiveExecutionId")
        ours = missing("GroupId") | equals("PlanId", plan_id)
        check = wire.check(self._tables.plans, plan_key(plan_id), idle)
        refused = self._wire.transact([check, self._delete_group(group_id, ours)])
        if refused:
            self._explain(plan_id, refused.get(0, Refusal(None)))

    def _delete_group(self, group_id: str, condition: Clause) -> Action:
        return wire.delete(self._tables.groups, _group_key(group_id), condition)

    def _explain(self, plan_id: str, refusal: Refusal) -> None:
        """Say why a deletion was refused; when nothing is there any more, its goal is reached."""
        if refusal.item is None:
            return
        refuse_busy(_read(AppliedPlan, f"plan {plan_id}", refusal.item))
        raise LostRace(f"Plan {plan_id} was applied again meanwhile. Look at it, then repeat.")


def plan_key(plan_id: str) -> Item:
    """A plan's key."""
    return {"PlanId": {"S": plan_id}}


def no_plan(plan_id: str) -> NotFound:
    """There is no such plan."""
    return NotFound(f"There is no plan {plan_id} in the tables. Apply its runbook with `drskit apply` first.")


def no_group(group_id: str) -> NotFound:
    """There is no such group."""
    return NotFound(f"There is no protection group {group_id} in the tables.")


def busy(plan_id: str, execution_id: str) -> PlanBusy:
    """An execution of the plan lives."""
    message = f"Execution {execution_id} of plan {plan_id} is not over. Let it end, or cancel it, then repeat."
    return PlanBusy(message, execution_id)


def outrun(plan_id: str) -> LostRace:
    """Another execution of the plan began and ended meanwhile."""
    return LostRace(
        f"Another execution of plan {plan_id} began since this one was asked for. Look at `drskit executions list`, "
        "then ask again if it is still wanted."
    )


def too_many_groups(plan_id: str, count: int) -> None:
    """Refuse what does not fit one transaction beside the plan."""
    if count >= ACTIONS:
        raise Refused(
            f"Plan {plan_id} changes {count} groups; {ACTIONS - 1} are written in one transaction. "
            "Join groups, or split the plan."
        )


def refuse_busy(plan: AppliedPlan) -> None:
    """Refuse while an execution of the plan lives."""
    if plan.active_execution_id:
        raise busy(plan.plan.plan_id, plan.active_execution_id)


def refuse_used(group_id: str, plan: AppliedPlan | None) -> None:
    """Refuse while the plan executes or has a wave of the group."""
    if plan is None:
        return
    refuse_busy(plan)
    waves = [wave.name for wave in plan.plan.waves if group_id in wave.groups]
    if waves:
        raise Refused(
            f"Group {group_id} is used by plan {plan.plan.plan_id}, wave {', '.join(waves)}. "
            "Take it out of the runbook and apply that."
        )


def _plan_values(plan: AppliedPlan) -> dict[str, Any]:
    values = plan.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"active_execution_id", "begun"})
    return values | {"AppliedBy": shortened(plan.applied_by, PERSON_BYTES)}


def _group_key(group_id: str) -> Item:
    return {"GroupId": {"S": group_id}}


def _group_item(group: AppliedGroup, write_id: str) -> Item:
    keys = {"GroupId": group.group.group_id, "PlanId": group.group.plan_id, "WriteId": write_id}
    return to_item(content({"Value": group})["Value"] | keys | {"AppliedBy": shortened(group.applied_by, PERSON_BYTES)})


def _read(kind: type[R], key: str, item: Item) -> R:
    values = record(key, item)
    known = {str(field.alias) for field in kind.model_fields.values()}
    return validated(kind, key, {name: value for name, value in values.items() if name in known})


def _mine(refusal: Refusal, write_id: str) -> bool:
    return refusal.item is not None and refusal.item.get("WriteId") == {"S": write_id}


def _not_applied(plan_id: str, refused: dict[int, Refusal]) -> LostRace | Refused:
    if 0 in refused:
        return LostRace(f"Plan {plan_id} was applied by somebody else meanwhile. Compare again, then apply.")
    item = next(iter(refused.values())).item or {}
    return Refused(
        f"Group {item.get('GroupId', {}).get('S')} belongs to plan {item.get('PlanId', {}).get('S')}. "
        "Give it another id, or take it out of that plan first."
    )
