"""How little the orchestration adds to the captured drill, and how seldom it asks.

The drill runs at 21 speeds, for at one speed alone a poll could hit the jobs'
ends by luck.
"""

from collections.abc import Iterator
from statistics import mean

from drskit.model import Execution, ExecutionStatus
from drskit.sim import WorldSpec, load_world
from drskit.sim.spec import CapturedJob
from drskit.sim.worldfile import dump_world
from tests.bench.figures import Figure
from tests.harness import RUNBOOKS, final, house, started

SCALES = [round(0.80 + 0.02 * step, 2) for step in range(21)]


def measure() -> Iterator[Figure]:
    """Overhead and calls."""
    drills = [run_drill(scale) for scale in SCALES]
    yield Figure("captured: end to end / the jobs' own time", mean(overhead for overhead, _ in drills), 1.005, digits=4)
    yield Figure("captured: worst of the 21", max(overhead for overhead, _ in drills), None, digits=4)
    yield Figure("captured: DescribeJobs calls", mean(calls for _, calls in drills), 52, digits=1)


def run_drill(scale: float) -> tuple[float, int]:
    """The overhead of one drill as a ratio, and its DescribeJobs calls."""
    spec = scaled(load_world(RUNBOOKS / "worlds" / "captured-drill.yaml"), scale)
    with house(text=dump_world(spec)) as lab:
        asked: list[str] = []
        events = lab.session.clients._session.events
        events.register("before-call.drs.DescribeJobs", lambda model, **_: asked.append(model.name))
        execution = started(lab)
        for _ in lab.session.poller().follow(lab.clock, until_idle=True):
            pass
        execution = final(lab, execution)
        assert execution.status is ExecutionStatus.COMPLETED, execution.status
        return overhead(execution), len(asked)


def overhead(execution: Execution) -> float:
    """From start to end, over the time that the jobs ran by themselves."""
    jobs = [(attempt.creation_time, attempt.end_time) for attempt in execution.attempts]
    own = sum((end - begin).total_seconds() for begin, end in jobs if begin and end)
    assert execution.end_time
    return (execution.end_time - execution.start_time).total_seconds() / own


def scaled(spec: WorldSpec, scale: float) -> WorldSpec:
    """The world with its captured jobs slower or faster."""
    return spec.model_copy(update={"jobs": tuple(_scaled_job(job, scale) for job in spec.jobs)})


def _scaled_job(job: CapturedJob, scale: float) -> CapturedJob:
    log = tuple(line.model_copy(update={"at": line.at * scale}) for line in job.log)
    return job.model_copy(update={"ended": job.ended * scale, "log": log})
