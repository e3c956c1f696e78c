"""Operations on native recovery plans and their steps."""

import hashlib
import json
from collections.abc import Callable
from typing import TypeVar

from drskit.sim import plans, refusals
from drskit.sim.operations.call import Call, Operation
from drskit.sim.plans import Plan, PlanServer, Step
from drskit.sim.wire import Json

Made = TypeVar("Made")
CONFIGURATIONS = {"serverStepConfiguration", "waitStepConfiguration"}


def arn_id(call: Call, name: str, kind: str) -> str:
    """The id at the end of an ARN of this account and Region."""
    arn: str = call.need(name, str)
    found = arn.rpartition("/")[2]
    if arn != call.world.arn(kind, found):
        words = kind.replace("-", " ").capitalize()
        raise refusals.not_found(f"{words} {arn} was not found", resource_id=arn, resource_type=kind)
    return found


def once(call: Call, make: Callable[[], Made], find: Callable[[str], Made], name: Callable[[Made], str]) -> Made:
    """Carry a request out once for its client token: the same token again gets what it made."""
    token = call.take("clientToken", str)
    if not token:
        return make()
    asked = {key: value for key, value in call.request.items() if key != "clientToken"}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    used = call.world.plans.tokens.get((call.operation, token))
    if used is None:
        made = make()
        call.world.plans.tokens[call.operation, token] = digest, name(made)
        return made
    if used[0] != digest:
        text = "The client token was used for a request with other parameters"
        raise refusals.conflict(text, resource_id=used[1], resource_type=call.operation)
    return find(used[1])


def _plan(call: Call) -> Plan:
    return call.world.plans.find(arn_id(call, "recoveryPlanArn", "recovery-plan"), call.now)


def write_summary(call: Call, plan: Plan) -> Json:
    """A plan as lists show it."""
    return {
        "recoveryPlanArn": call.world.arn("recovery-plan", plan.id),
        "name": plan.name,
        "status": plan.status,
        "createdAt": call.scribe.time(plan.created_at),
        "updatedAt": call.scribe.time(plan.updated_at),
    }


def _write(call: Call, plan: Plan) -> Json:
    told = {} if plan.description is None else {"description": plan.description}
    return write_summary(call, plan) | told | {"tags": dict(plan.tags)}


def write_servers(call: Call, servers: tuple[PlanServer, ...]) -> list[Json]:
    """The servers of a step."""
    return [
        {"serverArn": call.world.arn("source-server", server.id), "impactLevel": server.impact} for server in servers
    ]


def read_servers(call: Call, told: list[Json]) -> tuple[PlanServer, ...]:
    """The servers that a request names by ARN."""
    found = []
    for one in told:
        server_id = one["serverArn"].rpartition("/")[2]
        if one["serverArn"] != call.world.arn("source-server", server_id):
            text = f"Source server {one['serverArn']} was not found"
            raise refusals.not_found(text, resource_id=one["serverArn"], resource_type="SourceServer")
        found.append(PlanServer(server_id, one.get("impactLevel") or "CRITICAL"))
    return tuple(found)


def _create(call: Call) -> Json:
    book = call.world.plans
    plan = once(
        call,
        lambda: plans.create(
            call.world, call.need("name", str), call.take("description", str), call.tags(default={}), call.now
        ),
        lambda made: book.find(made, call.now),
        lambda made: made.id,
    )
    return {"recoveryPlan": _write(call, plan)}


def _get(call: Call) -> Json:
    return {"recoveryPlan": _write(call, _plan(call))}


def _list(call: Call) -> Json:
    return call.paged(
        call.world.plans.listed(call.now),
        name=lambda plan: plan.id,
        write=lambda plan: write_summary(call, plan),
        key="recoveryPlans",
    )


def _update(call: Call) -> Json:
    plan = _plan(call)
    plans.rename(call.world.plans, plan, call.take("name", str), call.take("description", str), call.now)
    return {"recoveryPlan": _write(call, plan)}


def _delete(call: Call) -> Json:
    plan = _plan(call)
    plans.delete(call.world, plan, call.now)
    return {"recoveryPlanArn": call.world.arn("recovery-plan", plan.id)}


# --- steps -----------------------------------------------------------------------------------------------------------


def _write_step(call: Call, plan: Plan, step: Step) -> Json:
    return {
        "recoveryPlanStepArn": call.world.arn("recovery-plan-step", step.id),
        "stepOrder": plan.steps.index(step) + 1,
        "stepName": step.name,
        "configuration": {"waitStepConfiguration": {"waitDurationMinutes": step.wait_minutes}}
        if step.waits
        else {"serverStepConfiguration": {"servers": write_servers(call, step.servers)}},
        "createdAt": call.scribe.time(step.created_at),
        "updatedAt": call.scribe.time(step.updated_at),
    }


def _configured(call: Call, step_id: str, name: str) -> Step:
    told = call.need("configuration", dict)
    step = Step(step_id, name, call.now, call.now)
    if "waitStepConfiguration" in told:
        step.wait_minutes = told["waitStepConfiguration"]["waitDurationMinutes"]
    else:
        step.servers = read_servers(call, told["serverStepConfiguration"]["servers"])
    return step


def _create_step(call: Call) -> Json:
    book, plan = call.world.plans, _plan(call)

    def make() -> Step:
        step = _configured(call, book.new_id(call.world, "rps"), call.need("stepName", str))
        plans.add_step(call.world, plan, step, call.take("stepOrder", int))
        return step

    step = once(call, make, lambda made: book.step(made, call.now)[1], lambda made: made.id)
    return {"recoveryPlanStep": _write_step(call, plan, step)}


def _step(call: Call) -> tuple[Plan, Step]:
    return call.world.plans.step(arn_id(call, "recoveryPlanStepArn", "recovery-plan-step"), call.now)


def _get_step(call: Call) -> Json:
    return {"recoveryPlanStep": _write_step(call, *_step(call))}


def _list_steps(call: Call) -> Json:
    plan = _plan(call)
    return call.paged(
        plan.steps,
        name=lambda step: step.id,
        write=lambda step: _write_step(call, plan, step),
        key="recoveryPlanSteps",
    )


def _update_step(call: Call) -> Json:
    plan, step = _step(call)
    to = _configured(call, step.id, step.name) if call.take("configuration", dict) else None
    plans.change_step(call.world, plan, step, name=call.take("stepName", str), to=to, now=call.now)
    return {"recoveryPlanStep": _write_step(call, plan, step)}


def _delete_step(call: Call) -> Json:
    plan, step = _step(call)
    plans.drop_step(plan, step, call.now)
    return {"recoveryPlanStepArn": call.world.arn("recovery-plan-step", step.id)}


def _reorder(call: Call) -> Json:
    plan = _plan(call)
    plans.reorder(plan, [arn.rpartition("/")[2] for arn in call.need("orderedStepArns", list)], call.now)
    return {"recoveryPlanSteps": [_write_step(call, plan, step) for step in plan.steps]}


OPERATIONS = (
    Operation("CreateRecoveryPlan", _create, "rules and token D; refusals' texts and paths of ARNs I", status=201),
    Operation("GetRecoveryPlan", _get, "D"),
    Operation("ListRecoveryPlans", _list, "members D; order I"),
    Operation("UpdateRecoveryPlan", _update, "D; refusals' texts I"),
    Operation("DeleteRecoveryPlan", _delete, "refusal while it is executed D"),
    Operation(
        "CreateRecoveryPlanStep", _create_step, "rules and token D; refusals' texts and paths of ARNs I", status=201
    ),
    Operation("GetRecoveryPlanStep", _get_step, "D"),
    Operation("ListRecoveryPlanSteps", _list_steps, "D"),
    Operation("UpdateRecoveryPlanStep", _update_step, "immutable type D; refusals' texts I"),
    Operation("DeleteRecoveryPlanStep", _delete_step, "renumbering D; refusal of a leading wait I"),
    Operation("ReorderRecoveryPlanSteps", _reorder, "complete list D; refusals' texts I"),
)
