"""Operations on executions of native recovery plans."""

from drskit.sim import executions, refusals
from drskit.sim.executions import Detail, Execution, ExecutionStep
from drskit.sim.operations.call import Call, Operation
from drskit.sim.operations.plans import arn_id, once, read_servers, write_servers
from drskit.sim.wire import Json

EXECUTION, STEP = "recovery-plan-execution", "recovery-plan-execution-step"


def _execution(call: Call) -> Execution:
    return executions.find(call.world.plans, arn_id(call, "recoveryPlanExecutionArn", EXECUTION))


def _detail(error: Detail | None) -> Json:
    return {"errorDetail": {"message": error.message, "code": error.code}} if error else {}


def _summary(call: Call, execution: Execution) -> Json:
    return {
        "recoveryPlanExecutionArn": call.world.arn(EXECUTION, execution.id),
        "recoveryPlanArn": call.world.arn("recovery-plan", execution.plan_id),
        "mode": execution.mode,
        "status": execution.status,
        "startedAt": call.scribe.time(execution.started_at),
    } | _detail(execution.error)


def _write(call: Call, execution: Execution) -> Json:
    ended = {"completedAt": call.scribe.time(execution.completed_at)} if execution.completed_at else {}
    return _summary(call, execution) | ended | {"tags": dict(execution.tags)}


def _step_summary(call: Call, step: ExecutionStep) -> Json:
    return {
        "recoveryPlanExecutionStepArn": call.world.arn(STEP, step.id),
        "stepName": step.name,
        "stepIndex": step.index,
        "status": step.status,
        "configuration": _configuration(call, step),
    } | _detail(step.error)


def _configuration(call: Call, step: ExecutionStep) -> Json:
    if step.waits:
        return {"waitStepConfiguration": {"waitDurationMinutes": step.wait_minutes}}
    told = write_servers(call, step.servers)
    for server, one in zip(step.servers, told, strict=True):
        if server.id in step.jobs:
            one["jobID"] = step.jobs[server.id]
    return {"executionServerStepConfiguration": {"servers": told}}


def _write_step(call: Call, step: ExecutionStep) -> Json:
    times = {"createdAt": call.scribe.time(step.created_at), "updatedAt": call.scribe.time(step.updated_at)}
    return _step_summary(call, step) | {"attempt": step.attempt} | times


def _start(call: Call) -> Json:
    book = call.world.plans
    plan = book.find(arn_id(call, "recoveryPlanArn", "recovery-plan"), call.now)
    pinned = call.take("sourceServers", list, [])
    pins = {one["sourceServerID"]: one["recoverySnapshotID"] for one in pinned}
    execution = once(
        call,
        lambda: executions.start(
            call.world, plan, mode=call.need("mode", str), pins=pins, tags=call.tags(default={}), now=call.now
        ),
        lambda made: executions.find(book, made),
        lambda made: made.id,
    )
    return {"recoveryPlanExecution": _write(call, execution)}


def _get(call: Call) -> Json:
    return {"recoveryPlanExecution": _write(call, _execution(call))}


def _list(call: Call) -> Json:
    plan_arn, status = call.take("recoveryPlanArn", str), call.take("status", str)
    found = [
        execution
        for execution in reversed(call.world.plans.executions.values())
        if (not plan_arn or plan_arn == call.world.arn("recovery-plan", execution.plan_id))
        and (not status or status == execution.status)
    ]
    return call.paged(
        found, name=lambda one: one.id, write=lambda one: _summary(call, one), key="recoveryPlanExecutions"
    )


def _cancel(call: Call) -> Json:
    execution = _execution(call)
    executions.cancel(call.world, execution, call.now)
    return {"recoveryPlanExecution": _write(call, execution)}


def _delete(call: Call) -> Json:
    execution = _execution(call)
    if execution.status not in executions.FINAL:
        text = f"Recovery plan execution {execution.id} is in status {execution.status} and cannot be deleted"
        raise refusals.conflict(text, resource_id=execution.id, resource_type="RecoveryPlanExecution")
    del call.world.plans.executions[execution.id]
    return {"recoveryPlanExecutionArn": call.world.arn(EXECUTION, execution.id)}


# --- steps -----------------------------------------------------------------------------------------------------------


def _step(call: Call) -> tuple[Execution, ExecutionStep]:
    return executions.find_step(call.world.plans, arn_id(call, "recoveryPlanExecutionStepArn", STEP))


def _get_step(call: Call) -> Json:
    return {"recoveryPlanExecutionStep": _write_step(call, _step(call)[1])}


def _list_steps(call: Call) -> Json:
    status = call.take("filter", dict, {}).get("status")
    found = [step for step in _execution(call).steps if not status or step.status == status]
    return call.paged(
        found,
        name=lambda step: step.id,
        write=lambda step: _step_summary(call, step),
        key="recoveryPlanExecutionSteps",
    )


def _retry(call: Call) -> Json:
    execution, step = _step(call)
    executions.retry(call.world, execution, step, call.now)
    return {"recoveryPlanExecutionStep": _write_step(call, step)}


def _update_step(call: Call) -> Json:
    execution, step = _step(call)
    asked = [name for name in ("status", "servers", "waitDurationMinutes") if call.request.get(name) is not None]
    if len(asked) != 1:
        raise refusals.invalid("Exactly one of status, servers and waitDurationMinutes must be given", reason="other")
    if asked == ["status"]:
        if call.request["status"] != "SKIPPED":
            raise refusals.invalid("Only SKIPPED is accepted", name="status")
        executions.skip(call.world, execution, step, call.now)
    elif asked == ["servers"]:
        executions.replace(call.world, execution, step, read_servers(call, call.need("servers", list)))
    else:
        executions.lengthen(execution, step, call.need("waitDurationMinutes", int))
    if step.status != "SKIPPED":
        step.updated_at = call.now
    return {"recoveryPlanExecutionStep": _write_step(call, step)}


OPERATIONS = (
    Operation(
        "StartRecoveryPlanExecution",
        _start,
        "rules, token and texts of refusals D; duration of the validation and paths of ARNs I",
        status=201,
    ),
    Operation("GetRecoveryPlanExecution", _get, "states D; codes of errorDetail I"),
    Operation("ListRecoveryPlanExecutions", _list, "filters D; order I"),
    Operation("CancelRecoveryPlanExecution", _cancel, "states D"),
    Operation("DeleteRecoveryPlanExecution", _delete, "terminal ones only D"),
    Operation("GetRecoveryPlanExecutionStep", _get_step, "states D; codes of errorDetail I"),
    Operation("ListRecoveryPlanExecutionSteps", _list_steps, "D"),
    Operation("RetryRecoveryPlanExecutionStep", _retry, "what is retried D; refusals' texts I"),
    Operation(
        "UpdateRecoveryPlanExecutionStep", _update_step, "which steps D; one change at a time and refusals' texts I"
    ),
)
