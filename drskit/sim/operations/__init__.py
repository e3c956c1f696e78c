"""The operations of DRS: a request's JSON in, an answer's JSON out.

Each takes a `Call` and returns its answer; a refusal is raised. An operation
that DRS has and this package lacks is refused as not simulated.
"""

from drskit.sim import refusals
from drskit.sim.operations import instances, jobs, launch_settings, servers, tags
from drskit.sim.operations.call import Answer, Call, Operation

__all__ = ["OPERATIONS", "Answer", "Call", "Operation", "answer"]

TOPICS = (servers, jobs, instances, launch_settings, tags)
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
    if not call.world.spec.behaviour.initialized and "Tag" not in call.operation:
        raise refusals.uninitialized()
    return Answer(operation.status, operation.carry_out(call))
