"""Native recovery plans: ordered steps of servers and waits (drs-facts §10)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from drskit.sim import refusals

if TYPE_CHECKING:
    from drskit.sim.executions import Execution
    from drskit.sim.world import World


@dataclass(frozen=True)
class PlanServer:
    """A server of a step."""

    id: str
    impact: str = "CRITICAL"


@dataclass
class Step:
    """A step of a plan: servers, or a wait."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    servers: tuple[PlanServer, ...] = ()
    wait_minutes: int | None = None

    @property
    def waits(self) -> bool:
        """Whether it is a wait; the type of a step never changes."""
        return self.wait_minutes is not None


@dataclass
class Plan:
    """A recovery plan."""

    id: str
    name: str
    description: str | None
    tags: dict[str, str]
    created_at: datetime
    updated_at: datetime
    steps: list[Step] = field(default_factory=list)
    gone_at: datetime | None = None
    """When its deletion is over."""

    @property
    def status(self) -> str:
        """DRS's RecoveryPlanStatus: a plan without a server step cannot be executed."""
        return "ACTIVE" if any(not step.waits for step in self.steps) else "INVALID"

    @property
    def server_ids(self) -> list[str]:
        """The servers of all its steps."""
        return [server.id for step in self.steps for server in step.servers]


@dataclass
class PlanBook:
    """The plans of a world and their executions."""

    plans: dict[str, Plan] = field(default_factory=dict)
    executions: "dict[str, Execution]" = field(default_factory=dict)
    active: "list[Execution]" = field(default_factory=list)
    """The executions that time moves."""
    tokens: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """The client tokens that were used: of which request, and what it made."""
    made: int = 0
    """How many things got an id."""

    def new_id(self, world: "World", prefix: str) -> str:
        """The id of the next thing."""
        self.made += 1
        return world.ids.named(prefix, self.made)

    def tags(self, kind: str, name: str) -> dict[str, str] | None:
        """The tags of a plan or an execution, to read or to change; None where there is no such thing."""
        if kind == "recovery-plan" and name in self.plans:
            return self.plans[name].tags
        return self.executions[name].tags if kind == "recovery-plan-execution" and name in self.executions else None

    def find(self, plan_id: str, now: datetime) -> Plan:
        """A plan by its id, being deleted or not."""
        plan = self.plans.get(plan_id)
        if plan is not None and plan.gone_at is not None and plan.gone_at <= now:
            del self.plans[plan_id]
            plan = None
        if plan is None:
            raise _missing(plan_id, "RecoveryPlan", "Recovery plan")
        return plan

    def listed(self, now: datetime) -> list[Plan]:
        """All plans, in the order of their creation."""
        return [plan for plan in self.plans.values() if plan.gone_at is None or plan.gone_at > now]

    def step(self, step_id: str, now: datetime) -> tuple[Plan, Step]:
        """A step by its id, and its plan."""
        found = [(plan, step) for plan in self.listed(now) for step in plan.steps if step.id == step_id]
        if not found:
            raise _missing(step_id, "RecoveryPlanStep", "Recovery plan step")
        return found[0]

    def holder_of(self, server_id: str, now: datetime) -> str | None:
        """The plan that holds a server."""
        return next((plan.id for plan in self.listed(now) if server_id in plan.server_ids), None)


def _missing(name: str, kind: str, words: str) -> refusals.Refusal:
    return refusals.not_found(f"{words} {name} was not found", resource_id=name, resource_type=kind)


# --- changes ---------------------------------------------------------------------------------------------------------


def create(world: "World", name: str, description: str | None, tags: dict[str, str], now: datetime) -> Plan:
    """A new plan, without steps."""
    book, most = world.plans, world.spec.behaviour.plans_quota
    _check_name(book, name, now)
    if len(book.listed(now)) >= most:
        text = f"{most} recovery plans exist, as many as the quota allows"
        raise refusals.over_quota(text, quota="", resource_type="RecoveryPlan")
    plan = Plan(book.new_id(world, "rp"), name, description, tags, now, now)
    book.plans[plan.id] = plan
    return plan


def rename(book: PlanBook, plan: Plan, name: str | None, description: str | None, now: datetime) -> None:
    """Another name or description."""
    check_alive(plan)
    if name is not None and name != plan.name:
        _check_name(book, name, now)
        plan.name = name
    if description is not None:
        plan.description = description
    plan.updated_at = now


def delete(world: "World", plan: Plan, now: datetime) -> None:
    """Delete a plan that is not being executed."""
    check_alive(plan)
    if any(execution.plan_id == plan.id for execution in world.plans.active):
        text = f"Recovery plan {plan.id} has an execution that is not over and cannot be deleted"
        raise refusals.conflict(text, resource_id=plan.id, resource_type="RecoveryPlan")
    plan.gone_at = datetime.fromtimestamp(now.timestamp() + world.spec.behaviour.plan_deletion, tz=now.tzinfo)


def add_step(world: "World", plan: Plan, step: Step, order: int | None) -> None:
    """Insert a step; those from its place on move up by one."""
    check_alive(plan)
    most = world.spec.behaviour.plan_steps_quota
    if len(plan.steps) >= most:
        text = f"Recovery plan {plan.id} has {most} steps, as many as the quota allows"
        raise refusals.over_quota(text, quota="", resource_type="RecoveryPlanStep")
    place = len(plan.steps) + 1 if order is None else order
    if place > len(plan.steps) + 1:
        text = f"stepOrder {place} leaves a gap: recovery plan {plan.id} has {len(plan.steps)} steps"
        raise refusals.invalid(text, name="stepOrder")
    check_servers(world, plan, step.servers)
    arranged = [*plan.steps[: place - 1], step, *plan.steps[place - 1 :]]
    _check_order(arranged)
    plan.steps, plan.updated_at = arranged, step.created_at


def drop_step(plan: Plan, step: Step, now: datetime) -> None:
    """Delete a step; later ones move down by one."""
    check_alive(plan)
    left = [one for one in plan.steps if one is not step]
    if any(not one.waits for one in left):
        _check_order(left)
    plan.steps, plan.updated_at = left, now


def reorder(plan: Plan, step_ids: list[str], now: datetime) -> None:
    """Another order of all steps."""
    check_alive(plan)
    steps = {step.id: step for step in plan.steps}
    if sorted(step_ids) != sorted(steps):
        text = f"orderedStepArns must name each of the {len(steps)} steps of recovery plan {plan.id} once"
        raise refusals.invalid(text, name="orderedStepArns")
    arranged = [steps[step_id] for step_id in step_ids]
    _check_order(arranged)
    plan.steps, plan.updated_at = arranged, now


def change_step(world: "World", plan: Plan, step: Step, *, name: str | None, to: Step | None, now: datetime) -> None:
    """Another name, another list of servers or another wait; `to` carries the new configuration."""
    check_alive(plan)
    if to is not None and to.waits is not step.waits:
        raise refusals.invalid("The type of a recovery plan step cannot be changed", name="configuration")
    if to is not None:
        check_servers(world, plan, to.servers, instead_of=step)
        step.servers, step.wait_minutes = to.servers, to.wait_minutes
    step.name = name or step.name
    step.updated_at = plan.updated_at = now


def check_servers(
    world: "World", plan: Plan, servers: tuple[PlanServer, ...], *, instead_of: Step | None = None
) -> None:
    """Refuse servers that do not exist, stand in the plan twice, or are too many."""
    ids = [server.id for server in servers]
    for server_id in ids:
        world.server(server_id)
    others = [server.id for step in plan.steps if step is not instead_of for server in step.servers]
    twice = sorted({name for name in ids if ids.count(name) > 1} | set(ids) & set(others))
    if twice:
        text = f"A source server can be in a recovery plan once only: {', '.join(twice)}"
        raise refusals.invalid(text, name="servers", reason="other")
    most = world.spec.behaviour.plan_servers_quota
    if len(ids) + len(others) > most:
        text = f"A recovery plan takes at most {most} source servers, not {len(ids) + len(others)}"
        raise refusals.over_quota(text, quota="", resource_type="RecoveryPlan")


def check_alive(plan: Plan) -> None:
    """Refuse to touch a plan that is being deleted."""
    if plan.gone_at is not None:
        text = f"Recovery plan {plan.id} is being deleted."
        raise refusals.conflict(text, resource_id=plan.id, resource_type="RecoveryPlan")


def _check_name(book: PlanBook, name: str, now: datetime) -> None:
    other = next((plan for plan in book.listed(now) if plan.name == name), None)
    if other is not None:
        text = f"A recovery plan with the name {name} already exists"
        raise refusals.conflict(text, resource_id=other.id, resource_type="RecoveryPlan")


def _check_order(steps: list[Step]) -> None:
    if steps and steps[0].waits:
        raise refusals.invalid("A wait step cannot be the first step of a recovery plan", name="stepOrder")
