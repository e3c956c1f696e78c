"""Operations on jobs: start them, follow them, forget them."""

from drskit.sim import refusals
from drskit.sim.operations.call import Call, Operation, time_of
from drskit.sim.records import Job
from drskit.sim.wire import Json


def _describe_jobs(call: Call) -> Json:
    wanted = call.filters.get("jobIDs")
    begin, end = time_of(call.filters, "fromDate"), time_of(call.filters, "toDate")

    def matches(job: Job) -> bool:
        return (not wanted or job.id in wanted) and call.within(job.created_at, begin, end)

    jobs = [job for job in call.world.visible_jobs(call.now, named=bool(wanted)) if matches(job)]
    return call.paged(jobs, name=lambda job: job.id, write=call.scribe.job)


def _describe_job_log_items(call: Call) -> Json:
    job = call.world.job(call.need("jobID", str), call.now)
    shown = call.world.spec.behaviour.emit_launch_end
    entries = [
        entry for entry in job.timeline.entries if entry.at <= call.now and (shown or entry.event != "LAUNCH_END")
    ]
    numbered = list(enumerate(entries))
    return call.paged(numbered, name=lambda one: str(one[0]), write=lambda one: call.scribe.log_entry(one[1], job))


def _start_recovery(call: Call) -> Json:
    servers = call.need("sourceServers", list)
    if not all(isinstance(server, dict) and isinstance(server.get("sourceServerID"), str) for server in servers):
        raise refusals.invalid("Each source server needs a sourceServerID", name="sourceServers")
    pins = [(server["sourceServerID"], server.get("recoverySnapshotID")) for server in servers]
    job = call.world.start_recovery(
        pins, is_drill=call.take("isDrill", bool, default=False), tags=call.tags(default={}), now=call.now
    )
    return {"job": call.scribe.job(job)}


def _terminate_recovery_instances(call: Call) -> Json:
    job = call.world.terminate(call.need("recoveryInstanceIDs", list), now=call.now)
    return {"job": call.scribe.job(job)}


def _delete_job(call: Call) -> Json:
    call.world.delete_job(call.need("jobID", str), call.now)
    return {}


OPERATIONS = (
    Operation("DescribeJobs", _describe_jobs, "order D, O; shape O; pages and bounds of dates I"),
    Operation("DescribeJobLogItems", _describe_job_log_items, "lines O; 404 of an unknown job O; order C, F"),
    Operation(
        "StartRecovery",
        _start_recovery,
        "answer O; checks D; conflict's text O; codes of the other refusals I; phases and spans O",
        status=202,
    ),
    Operation("TerminateRecoveryInstances", _terminate_recovery_instances, "answer C; duration and log I"),
    Operation("DeleteJob", _delete_job, "members D; refused while it runs I", status=204),
)
