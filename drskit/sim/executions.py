"""Executions of native recovery plans, over the world's time (drs-facts §10).

An execution is a frozen copy of its plan. `advance` lets happen what was due:
the validation, the start of each step, its end. A step starts at the very
instant at which the one before it ended, whenever somebody looks.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from drskit.sim import refusals
from drskit.sim.admission import check_launchable
from drskit.sim.plans import Plan, PlanBook, PlanServer
from drskit.sim.refusals import Refusal
from drskit.sim.spec import span

if TYPE_CHECKING:
    from drskit.sim.world import World

FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
RUNNING = frozenset({"EXECUTING", "WAITING"})


@dataclass(frozen=True)
class Detail:
    """An errorDetail; nobody should branch on its code."""

    code: str
    message: str


@dataclass
class ExecutionStep:
    """A step as it is executed."""

    id: str
    index: int
    name: str
    created_at: datetime
    updated_at: datetime
    servers: tuple[PlanServer, ...]
    wait_minutes: int | None
    status: str = "NOT_STARTED"
    attempt: int = 1
    jobs: dict[str, str] = field(default_factory=dict)
    """The job of each server that recovery was begun for."""
    ends_at: datetime | None = None
    """When what runs is over; None where it never is."""
    error: Detail | None = None

    @property
    def waits(self) -> bool:
        """Whether it is a wait."""
        return self.wait_minutes is not None

    def turn(self, status: str, at: datetime, error: Detail | None = None) -> None:
        """Take another status."""
        self.status, self.updated_at, self.error = status, at, error


@dataclass
class Execution:
    """One run of a plan."""

    id: str
    plan_id: str
    mode: str
    started_at: datetime
    validated_at: datetime
    times_out_at: datetime
    tags: dict[str, str]
    pins: dict[str, str]
    steps: list[ExecutionStep]
    status: str = "CREATED"
    completed_at: datetime | None = None
    error: Detail | None = None

    @property
    def server_ids(self) -> set[str]:
        """The servers of all its steps."""
        return {server.id for step in self.steps for server in step.servers}

    @property
    def running(self) -> ExecutionStep | None:
        """The step that runs."""
        return next((step for step in self.steps if step.status in RUNNING), None)

    def next_at(self) -> datetime:
        """When something happens to it next."""
        if self.status == "CREATED":
            return self.validated_at
        step = self.running
        ends_at = step.ends_at if step else None
        return self.times_out_at if ends_at is None else min(ends_at, self.times_out_at)

    def end(self, status: str, at: datetime, error: Detail | None = None) -> None:
        """Be over."""
        self.status, self.completed_at, self.error = status, at, error


def find(book: PlanBook, execution_id: str) -> Execution:
    """An execution by its id."""
    if execution_id not in book.executions:
        message = f"Recovery plan execution {execution_id} was not found"
        raise refusals.not_found(message, resource_id=execution_id, resource_type="RecoveryPlanExecution")
    return book.executions[execution_id]


def find_step(book: PlanBook, step_id: str) -> tuple[Execution, ExecutionStep]:
    """A step by its id, and its execution."""
    for execution in book.executions.values():
        for step in execution.steps:
            if step.id == step_id:
                return execution, step
    message = f"Recovery plan execution step {step_id} was not found"
    raise refusals.not_found(message, resource_id=step_id, resource_type="RecoveryPlanExecutionStep")


# --- requests --------------------------------------------------------------------------------------------------------


def start(
    world: "World", plan: Plan, *, mode: str, pins: dict[str, str], tags: dict[str, str], now: datetime
) -> Execution:
    """Begin to execute a plan."""
    book, behaviour = world.plans, world.spec.behaviour
    _check_plan(plan)
    check_free(book, plan.id, set(plan.server_ids))
    unknown = sorted(set(pins) - set(plan.server_ids))
    if unknown:
        raise refusals.invalid(f"Source server IDs not found in plan: {', '.join(unknown)}", name="sourceServers")
    steps = [
        ExecutionStep(book.new_id(world, "rpes"), index, step.name, now, now, step.servers, step.wait_minutes)
        for index, step in enumerate(plan.steps, start=1)
    ]
    execution = Execution(
        book.new_id(world, "rpe"),
        plan.id,
        mode,
        now,
        now + span(behaviour.plan_validation),
        now + span(behaviour.plan_timeout),
        tags,
        pins,
        steps,
    )
    book.executions[execution.id] = execution
    book.active.append(execution)
    return execution


def _check_plan(plan: Plan) -> None:
    if plan.gone_at is not None:
        message = f"Cannot start execution: recovery plan {plan.id} is being deleted."
        raise refusals.conflict(message, resource_id=plan.id, resource_type="RecoveryPlan")
    if not plan.steps:
        message = (
            f"Recovery plan {plan.id} has no steps. Add at least one step to the plan before starting an execution."
        )
        raise refusals.invalid(message, name="recoveryPlanArn", reason="other")
    if plan.status != "ACTIVE":
        message = (
            f"Recovery plan {plan.id} is in status {plan.status} and cannot be executed. "
            "Only ACTIVE plans can be executed."
        )
        raise refusals.conflict(message, resource_id=plan.id, resource_type="RecoveryPlan")


def check_free(book: PlanBook, plan_id: str, server_ids: set[str]) -> None:
    """Refuse while the plan, or one of the servers in another plan, is being executed."""
    for execution in book.active:
        if execution.plan_id == plan_id:
            message = f"Another execution is already active for plan {plan_id}"
            raise refusals.conflict(message, resource_id=execution.id, resource_type="RecoveryPlanExecution")
        shared = sorted(server_ids & execution.server_ids)
        if shared:
            message = (
                f"Source servers {', '.join(shared)} are in the active execution {execution.id} "
                f"of plan {execution.plan_id}"
            )
            raise refusals.conflict(message, resource_id=execution.id, resource_type="RecoveryPlanExecution")


def cancel(world: "World", execution: Execution, now: datetime) -> None:
    """Run no further step; the one that runs ends as it will, and what was launched stays."""
    if execution.status not in {"CREATED", "IN_PROGRESS"}:
        raise _conflict(execution, f"is in status {execution.status} and cannot be cancelled")
    for step in execution.steps:
        if step.status == "NOT_STARTED":
            step.turn("SKIPPED", now)
    if execution.running:
        execution.status = "CANCELLING"
    else:
        _finish(world.plans, execution, "CANCELLED", now)


def retry(world: "World", execution: Execution, step: ExecutionStep, now: datetime) -> None:
    """Recover again the servers of a failed step that failed, and go on with the steps after it."""
    if step.waits:
        raise refusals.invalid("Only a step of servers can be retried", name="recoveryPlanExecutionStepArn")
    if execution.status != "FAILED" or step.status != "FAILED":
        raise _conflict(execution, f"is {execution.status}, step {step.id} {step.status}; only FAILED can be retried")
    _check_resumable(world.plans, execution, now)
    step.attempt += 1
    _resume(world.plans, execution)
    _recover(world, execution, step, _unrecovered(world, step, now), now)


def skip(world: "World", execution: Execution, step: ExecutionStep, now: datetime) -> None:
    """Leave a step out; an execution that it failed goes on with the next."""
    skippable = {"NOT_STARTED", "FAILED"} | ({"TIMED_OUT"} if world.spec.behaviour.skip_timed_out_steps else set())
    over = execution.status in {"COMPLETED", "CANCELLED", "CANCELLING"}
    if over or step.status not in skippable:
        raise _conflict(execution, f"is {execution.status}, step {step.id} {step.status}, and cannot be skipped")
    resumes = step.status != "NOT_STARTED"
    if execution.status in FINAL:
        _check_resumable(world.plans, execution, now, even_late=step.status == "TIMED_OUT")
    step.turn("SKIPPED", now)
    if resumes:
        _resume(world.plans, execution)
        _begin_next(world, execution, now)


def _check_resumable(book: PlanBook, execution: Execution, now: datetime, *, even_late: bool = False) -> None:
    if now >= execution.times_out_at and not even_late:
        raise _conflict(execution, "has timed out and cannot be resumed")
    check_free(book, execution.plan_id, execution.server_ids)


def _resume(book: PlanBook, execution: Execution) -> None:
    execution.status, execution.completed_at, execution.error = "IN_PROGRESS", None, None
    book.active.append(execution)


def replace(world: "World", execution: Execution, step: ExecutionStep, servers: tuple[PlanServer, ...]) -> None:
    """Other servers for a step that has not begun."""
    _check_open(execution, step)
    if step.waits:
        raise refusals.invalid("A wait step has no servers", name="servers")
    ids = [server.id for server in servers]
    for server_id in ids:
        world.server(server_id)
    others = {server.id for one in execution.steps if one is not step for server in one.servers}
    if len(set(ids)) < len(ids) or others & set(ids):
        raise refusals.invalid("A source server can be in an execution once only", name="servers", reason="other")
    step.servers = servers


def lengthen(execution: Execution, step: ExecutionStep, minutes: int) -> None:
    """Another wait for a step that has not begun."""
    _check_open(execution, step)
    if not step.waits:
        raise refusals.invalid("Only a wait step has a wait", name="waitDurationMinutes")
    step.wait_minutes = minutes


def _check_open(execution: Execution, step: ExecutionStep) -> None:
    if step.status != "NOT_STARTED":
        raise _conflict(execution, f"has begun step {step.id}, which is {step.status}")


def _conflict(execution: Execution, text: str) -> Refusal:
    message = f"Recovery plan execution {execution.id} {text}"
    return refusals.conflict(message, resource_id=execution.id, resource_type="RecoveryPlanExecution")


# --- time ------------------------------------------------------------------------------------------------------------


def due(book: PlanBook, now: datetime) -> Execution | None:
    """The execution to which something happened first, by now."""
    ripe = [execution for execution in book.active if execution.next_at() <= now]
    return min(ripe, key=lambda execution: execution.next_at(), default=None)


def advance(world: "World", execution: Execution) -> None:
    """Let the next thing happen to an execution, at its own instant."""
    at, step = execution.next_at(), execution.running
    if execution.status == "CREATED":
        _validate(world, execution, at)
    elif at >= execution.times_out_at:
        _time_out(world, execution, step, at)
    elif step is not None:
        _end_step(world, execution, step, at)


def _validate(world: "World", execution: Execution, at: datetime) -> None:
    servers = [server for step in execution.steps if step.status == "NOT_STARTED" for server in step.servers]
    try:
        _check_servers(world, execution, servers, at)
    except Refusal as refusal:
        _finish(world.plans, execution, "FAILED", at, Detail("VALIDATION_FAILED", refusal.message))
        return
    execution.status = "IN_PROGRESS"
    _begin_next(world, execution, at)


def _check_servers(world: "World", execution: Execution, servers: list[PlanServer], at: datetime) -> None:
    for server in servers:
        check_launchable(world, world.server(server.id), execution.pins.get(server.id), at)
    if world.busy(at) & {server.id for server in servers}:
        raise refusals.conflict(refusals.BUSY)


def _begin_next(world: "World", execution: Execution, at: datetime) -> None:
    step = next((one for one in execution.steps if one.status == "NOT_STARTED"), None)
    if step is None:
        skipped = [one.name for one in execution.steps if one.status == "SKIPPED"]
        told = Detail("COMPLETED_WITH_SKIPPED_STEPS", f"Completed with skipped steps: {', '.join(skipped)}")
        _finish(world.plans, execution, "COMPLETED", at, told if skipped else None)
    elif step.wait_minutes is not None:
        step.turn("WAITING", at)
        step.ends_at = at + span(60.0 * step.wait_minutes)
    else:
        _recover(world, execution, step, list(step.servers), at)


def _recover(
    world: "World", execution: Execution, step: ExecutionStep, servers: list[PlanServer], at: datetime
) -> None:
    """One request for all these servers; one that is refused refuses them all, whatever their impact."""
    pins = [(server.id, execution.pins.get(server.id)) for server in servers]
    try:
        job = world.start_recovery(pins, is_drill=execution.mode == "DRILL", tags={}, now=at)
    except Refusal as refusal:
        step.turn("FAILED", at, Detail("RECOVERY_REFUSED", refusal.message))
        _finish(world.plans, execution, "FAILED", at, Detail("STEP_FAILED", f"Step {step.name} failed"))
        return
    step.turn("EXECUTING", at)
    step.jobs |= {server.id: job.id for server in servers}
    step.ends_at = job.timeline.ends_at


def _unrecovered(world: "World", step: ExecutionStep, now: datetime) -> list[PlanServer]:
    """The servers that are not LAUNCHED."""

    def launched(server: PlanServer) -> bool:
        job = world.jobs.get(step.jobs.get(server.id, ""))
        return job is not None and world.server_status(job, server.id, now) == "LAUNCHED"

    return [server for server in step.servers if not launched(server)]


def _end_step(world: "World", execution: Execution, step: ExecutionStep, at: datetime) -> None:
    failed = [one.id for one in _unrecovered(world, step, at) if one.impact == "CRITICAL"]
    if failed:
        step.turn("FAILED", at, Detail("SERVERS_FAILED", f"Recovery failed for critical servers {', '.join(failed)}"))
    else:
        step.turn("COMPLETED", at)
    if execution.status == "CANCELLING":
        _finish(world.plans, execution, "CANCELLED", at)
    elif failed:
        _finish(world.plans, execution, "FAILED", at, Detail("STEP_FAILED", f"Step {step.name} failed"))
    else:
        _begin_next(world, execution, at)


def _time_out(world: "World", execution: Execution, step: ExecutionStep | None, at: datetime) -> None:
    """The step that runs is TIMED_OUT, its jobs run on, and nothing after it ever begins."""
    told = Detail("TIMED_OUT", "The execution did not end in the time that an execution has")
    if step is not None:
        step.turn("TIMED_OUT", at, told)
    cancelled = execution.status == "CANCELLING"
    status = "CANCELLED" if cancelled else world.spec.behaviour.plan_timeout_status
    _finish(world.plans, execution, status, at, None if cancelled else told)


def _finish(book: PlanBook, execution: Execution, status: str, at: datetime, error: Detail | None = None) -> None:
    execution.end(status, at, error)
    book.active.remove(execution)
