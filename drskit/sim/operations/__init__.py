"""The operations of DRS: a request's JSON in, an answer's JSON out.

Each takes a `Call` and returns its answer; a refusal is raised. An operation
that DRS has and this package lacks is refused as not simulated.
"""

from drskit.sim import refusals
from drskit.sim.operations import (
    account,
    executions,
    instances,
    jobs,
    launch_settings,
    networks,
    plans,
    replication_settings,
    servers,
    tags,
)
from drskit.sim.operations.call import Answer, Call, Operation
from drskit.sim.operations.requests import check

__all__ = ["OPERATIONS", "Answer", "Call", "Operation", "answer"]

TOPICS = (
    jobs,
    servers,
    instances,
    launch_settings,
    replication_settings,
    networks,
    plans,
    executions,
    account,
    tags,
)
WITHOUT_ACCOUNT = frozenset({"InitializeService", "TagResource", "UntagResource", "ListTagsForResource"})
"""What works in an account that never initialised DRS (drs-facts §6.3)."""
OPERATIONS: dict[str, Operation] = {one.name: one for topic in TOPICS for one in topic.OPERATIONS}
"""The catalogue, in the order of its topics."""


def answer(call: Call) -> Answer:
    """Carry out a request.

    Raises:
        Refusal: DRS refuses it.
    """
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        raise refusals.not_simulated(call.operation)
    if not call.world.buckets.take(call.operation, call.now):
        raise refusals.throttled()
    if not call.world.initialized and call.operation not in WITHOUT_ACCOUNT:
        raise refusals.uninitialized()
    check(call.operation, call.request)
    return Answer(operation.status, operation.carry_out(call))
