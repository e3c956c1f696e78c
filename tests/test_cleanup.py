"""A cleanup, from the frozen list to the proof, against the simulator.

What must hold, whatever happens: no call names an instance that is not in the
frozen list; a server is TERMINATED only when neither DRS nor EC2 has its
instance; the drill's record says so before the cleanup ends; and the history of
both is whole.
"""

from contextlib import contextmanager

import pytest

from drskit.afterwards import remains
from drskit.aws.signing import signed_at
from drskit.errors import PlanBusy, Refused
from drskit.model import AttemptStatus, CommandKind, ExecutionStatus, ExecutionType, ServerStatus, WaveStatus
from drskit.sim.records import Instance
from drskit.sim.spec import Fault, FaultKind
from drskit.verify import faults
from drskit.views.cleanups import preview_text
from drskit.views.events import describe
from drskit.views.rows import trouble_of
from tests.harness import Boundary, Crash, final, house, runbook_of

A, S = AttemptStatus, ServerStatus
SERVERS = [f"s-0000000000000000{number}" for number in (1, 2, 3)]
WORLD = """
account: "123456789012"
region: us-west-2
start: 2026-11-23T09:00:00Z
servers:
  - {id: s-00000000000000001, tags: {Role: Web}, durations: {conversion: 20, launch: 20, terminate: 40}}
  - {id: s-00000000000000002, tags: {Role: Web}, durations: {conversion: 20, launch: 20, terminate: 40}}
  - {id: s-00000000000000003, tags: {Role: Web}, durations: {conversion: 20, launch: 20, terminate: 40}}
"""
RUNBOOK = """
version: 1
plan: trio
sites: {main: {region: us-west-2}}
groups: {web: {select: {tags: {Role: Web}}}}
waves: [{name: Web, groups: [web], max_failed: 1, on_failure: continue}]
"""


@contextmanager
def drilled(world=WORLD):
    """A house in which a drill of three servers has ended, and that drill."""
    with house(text=world) as opened:
        execution = opened.session.start(runbook_of(RUNBOOK))
        opened.finish()
        drill = final(opened, execution)
        assert drill.end_time is not None
        yield opened, drill


def instances(drill):
    """The instances that a drill recorded."""
    return [server.recovery_instance_id for server in drill.waves[0].servers]


def listed(opened):
    """What DRS lists."""
    found = opened.session.clients.drs("us-west-2").describe_recovery_instances()["items"]
    return {one["recoveryInstanceID"] for one in found}


def living(opened):
    """What EC2 runs."""
    pages = opened.session.clients.ec2("us-west-2").describe_instances()["Reservations"]
    found = [one for page in pages for one in page["Instances"]]
    return {one["InstanceId"] for one in found if one["State"]["Name"] == "running"}


def terminations(opened):
    """The servers of every TERMINATE job of the world, oldest first."""
    jobs = opened.gateway.world.jobs.values()
    return [sorted(job.server_ids) for job in jobs if job.kind == "TERMINATE"]


def plant(opened, name, **changes):
    """Another instance of the first server, which somebody else launched."""
    now = opened.clock.now()
    made = Instance(
        name, changes.pop("server", SERVERS[0]), changes.pop("job", "drsjob-99999999999999999"), True, now, now
    )
    for key, value in changes.items():
        setattr(made, key, value)
    opened.gateway.world.instances[name] = made


def cleaned(opened, drill, session=None):
    """A cleanup of the drill, driven to its end."""
    session = session or opened.session
    cleanup = session.cleanup(drill.execution_id, reason="the drill is over")
    opened.finish(session)
    return final(opened, cleanup)


def statuses(execution):
    """Its servers' statuses."""
    return [server.status for server in execution.waves[0].servers]


def assert_histories_are_whole(opened, *executions):
    """As `drskit verify` would say."""
    for execution in executions:
        assert () == faults(*opened.session.history(execution.execution_id))


# --- the good end ----------------------------------------------------------------------------------------------------


def test_a_cleanup_terminates_what_the_drill_launched_and_proves_it():
    """One call, one job; gone from DRS and from EC2; said in its own record and in the drill's."""
    with drilled() as (opened, drill):
        assert set(instances(drill)) == listed(opened) == living(opened)
        cleanup = cleaned(opened, drill)
        assert (ExecutionType.CLEANUP, ExecutionStatus.COMPLETED) == (cleanup.execution_type, cleanup.status)
        assert [SERVERS] == terminations(opened)
        assert set() == listed(opened) == living(opened)
        after = final(opened, drill)
        assert [S.TERMINATED] * 3 == statuses(cleanup) == statuses(after)
        assert ExecutionStatus.COMPLETED is after.status
        assert "not listed by DRS, terminated in EC2" == cleanup.waves[0].servers[0].proof
        assert cleanup.execution_id in after.waves[0].servers[0].proof
        assert_histories_are_whole(opened, cleanup, after)


def test_the_frozen_list_stands_in_the_first_event():
    """Who, what, why, before anything is called."""
    with drilled() as (opened, drill):
        cleanup = opened.session.cleanup(drill.execution_id, reason="the drill is over")
        (event,) = opened.session.store.events(cleanup.execution_id)
        assert instances(drill) == [one["RecoveryInstanceId"] for one in event.facts["Instances"]]
        assert drill.execution_id == event.facts["Cleans"]
        assert "the drill is over" in event.facts["About"]
        assert [] == terminations(opened)


def test_a_cleanup_that_is_repeated_finds_itself():
    """One lives; when it is over, nothing is left."""
    with drilled() as (opened, drill):
        first = opened.session.cleanup(drill.execution_id, reason="the drill is over")
        again = opened.another_session().cleanup(drill.execution_id, reason="again")
        assert first.execution_id == again.execution_id
        opened.finish()
        assert None is opened.session.cleanup(drill.execution_id, reason="once more")
        assert 1 == len(terminations(opened))


def test_a_drill_and_a_cleanup_of_one_plan_never_live_together():
    """A launch would conflict with the termination, and each would be proof of nothing."""
    with drilled() as (opened, drill):
        opened.session.cleanup(drill.execution_id, reason="the drill is over")
        with pytest.raises(PlanBusy):
            opened.session.start(runbook_of(RUNBOOK))
        opened.finish()
        second = opened.session.start(runbook_of(RUNBOOK))
        with pytest.raises(PlanBusy, match=second.execution_id):
            opened.session.cleanup(drill.execution_id, reason="the old one")
        with pytest.raises(Refused, match="is PENDING; what runs is not cleaned up"):
            opened.session.cleanup(second.execution_id, reason="too early")


def test_a_cleanup_is_never_cleaned_up():
    """It launched nothing."""
    with drilled() as (opened, drill):
        cleanup = cleaned(opened, drill)
        with pytest.raises(Refused, match=f"Name the drill: {drill.execution_id}"):
            opened.session.cleanup(cleanup.execution_id, reason="clean the cleaner")


# --- look-alikes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "a drill instance of drsjob-99999999999999999, which is no job of this execution"),
        ({"is_drill": False}, "a RECOVERY instance of drsjob-99999999999999999, which is no job of this execution"),
        ({"known": False}, "only EC2 has it (running); DRS does not list it, so nobody can tell who launched it"),
    ],
)
def test_another_instance_of_the_same_server_is_left_alone(changes, reason):
    """Of another drill, of a recovery, or unknown to DRS: it is named, and it lives on."""
    with drilled() as (opened, drill):
        plant(opened, "i-0aaaaaaaaaaaaaaaa", **changes)
        (bystander,) = opened.session.cleanup_preview(drill.execution_id).selection.bystanders
        assert ("i-0aaaaaaaaaaaaaaaa", SERVERS[0], reason) == (
            bystander.instance_id, bystander.source_server_id, bystander.reason,
        )  # fmt: skip
        cleanup = cleaned(opened, drill)
        assert ExecutionStatus.COMPLETED is cleanup.status
        assert {"i-0aaaaaaaaaaaaaaaa"} == living(opened)
        assert [("i-0aaaaaaaaaaaaaaaa", "running")] == [(one.instance_id, one.found) for one in cleanup.kept]


def test_a_bystander_that_ends_meanwhile_is_told():
    """No call of the cleanup named it; people must know all the same."""
    with drilled() as (opened, drill):
        plant(opened, "i-0aaaaaaaaaaaaaaaa")
        opened.session.cleanup(drill.execution_id, reason="the drill is over")
        opened.session.clients.ec2("us-west-2").terminate_instances(InstanceIds=["i-0aaaaaaaaaaaaaaaa"])
        cleanup = cleaned(opened, drill)
        assert ExecutionStatus.COMPLETED is cleanup.status
        assert "i-0aaaaaaaaaaaaaaaa is gone, too; no call of this cleanup named it" == cleanup.waves[0].reason
        assert "terminated" == cleanup.kept[0].found


def protect(opened, name, *, on=True):
    """Turn an instance's termination protection on or off, in EC2."""
    opened.session.clients.ec2("us-west-2").modify_instance_attribute(
        InstanceId=name, DisableApiTermination={"Value": on}
    )


def test_a_protected_instance_is_left_alone():
    """Until somebody turns the protection off and cleans up again."""
    with drilled() as (opened, drill):
        name = instances(drill)[1]
        protect(opened, name)
        cleanup = cleaned(opened, drill)
        assert [[SERVERS[0], SERVERS[2]]] == terminations(opened)
        assert {name} == living(opened)
        assert [S.TERMINATED, S.LAUNCHED, S.TERMINATED] == statuses(final(opened, drill))
        with pytest.raises(Refused, match=f"{name}: an instance of this drill, but its termination protection is on"):
            opened.session.cleanup(drill.execution_id, reason="again")
        protect(opened, name, on=False)
        second = cleaned(opened, drill)
        assert [SERVERS[1]] == terminations(opened)[1]
        assert set() == living(opened)
        assert [S.TERMINATED] * 3 == statuses(final(opened, drill))
        assert_histories_are_whole(opened, cleanup, second, drill)


def test_an_instance_protected_after_the_start_is_left_alone_with_the_reason():
    """Every instance is looked at again right before the call."""
    with drilled() as (opened, drill):
        opened.session.cleanup(drill.execution_id, reason="the drill is over")
        protect(opened, instances(drill)[0])
        cleanup = cleaned(opened, drill)
        assert (ExecutionStatus.PARTIAL, WaveStatus.PARTIAL) == (cleanup.status, cleanup.waves[0].status)
        assert [S.LAUNCHED, S.TERMINATED, S.TERMINATED] == statuses(cleanup) == statuses(final(opened, drill))
        assert "not terminated: its termination protection is on" in cleanup.waves[0].servers[0].error
        assert [SERVERS[1:]] == terminations(opened)


def test_an_instance_that_only_ec2_has_is_not_touched():
    """Drskit terminates through DRS only; what DRS forgot is for a person."""
    with drilled() as (opened, drill):
        name = instances(drill)[0]
        opened.gateway.world.instances[name].known = False
        cleanup = cleaned(opened, drill)
        assert {name} == living(opened)
        assert SERVERS[1:] == [server.source_server_id for server in cleanup.waves[0].servers]
        assert [S.LAUNCHED, S.TERMINATED, S.TERMINATED] == statuses(final(opened, drill))


def test_an_instance_that_is_gone_already_needs_no_call():
    """It is written into the drill's record, with the proof."""
    with drilled() as (opened, drill):
        opened.session.clients.ec2("us-west-2").terminate_instances(InstanceIds=instances(drill))
        assert None is opened.session.cleanup(drill.execution_id, reason="the drill is over")
        after = final(opened, drill)
        assert [S.TERMINATED] * 3 == statuses(after)
        assert "terminated in DRS, terminated in EC2" in after.waves[0].servers[0].proof
        assert [] == terminations(opened)
        assert_histories_are_whole(opened, after)


def test_an_instance_that_ends_after_the_start_needs_no_call_either():
    """TERMINATED without a call; the call names the others."""
    with drilled() as (opened, drill):
        opened.session.cleanup(drill.execution_id, reason="the drill is over")
        opened.session.clients.ec2("us-west-2").terminate_instances(InstanceIds=instances(drill)[:1])
        cleanup = cleaned(opened, drill)
        assert [S.TERMINATED] * 3 == statuses(cleanup)
        assert [SERVERS[1:]] == terminations(opened)


def test_what_a_newer_drill_replaced_is_gone_and_the_newer_instances_are_bystanders():
    """Never all instances of a server."""
    with drilled() as (opened, drill):
        second = opened.session.start(runbook_of(RUNBOOK))
        opened.finish()
        newer = set(instances(final(opened, second)))
        assert None is opened.session.cleanup(drill.execution_id, reason="the old one")
        assert newer == living(opened)
        assert [S.TERMINATED] * 3 == statuses(final(opened, drill))


def test_what_a_failed_server_left_is_terminated_and_its_record_says_so():
    """It stays FAILED; its words, the history and the evidence name the cleanup."""
    broken = WORLD.replace("id: s-00000000000000001,", "id: s-00000000000000001, fails: conversion-denied,")
    with drilled(broken) as (opened, drill):
        assert [S.FAILED, S.LAUNCHED, S.LAUNCHED] == statuses(drill)
        plant(opened, "i-0aaaaaaaaaaaaaaaa", job=drill.attempts[0].job_id)
        cleanup = cleaned(opened, drill)
        assert [SERVERS] == terminations(opened)
        assert set() == living(opened)
        after = final(opened, drill)
        assert [S.FAILED, S.TERMINATED, S.TERMINATED] == statuses(after)
        assert {cleanup.execution_id} == {server.terminated_by for server in after.waves[0].servers}
        words = f"Its instance was terminated by cleanup {cleanup.execution_id}."
        assert trouble_of(after.waves[0].servers[0]).endswith(words)
        told = [describe(event).words for event in opened.session.store.events(drill.execution_id)]
        assert f"{SERVERS[0]} FAILED, instance terminated by cleanup {cleanup.execution_id}" in told[-1]
        assert_histories_are_whole(opened, cleanup, after)


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost-request", "lost-reply"])
def test_a_lost_answer_is_looked_for_before_anything_is_repeated(kind):
    """A job that came into being is found; one that did not is asked for again, once."""
    with drilled() as (opened, drill):
        session = opened.another_session()
        Boundary("TerminateRecoveryInstances", 0, kind).attach(session)
        cleanup = cleaned(opened, drill, session)
        assert ExecutionStatus.COMPLETED is cleanup.status
        assert [SERVERS] == terminations(opened)
        found = [attempt.status for attempt in cleanup.attempts]
        assert ([A.LAUNCHED] if kind == "lost-reply" else [A.NOT_EXECUTED, A.LAUNCHED]) == found
        assert_histories_are_whole(opened, cleanup, drill)


@pytest.mark.parametrize("kind", ["crash-before", "crash-after"])
@pytest.mark.parametrize(
    ("operation", "number"),
    [
        ("TerminateRecoveryInstances", 0),
        *(pytest.param("TransactWriteItems", number, marks=pytest.mark.slow) for number in range(0, 21, 4)),
    ],
)
def test_a_crash_anywhere_is_made_good_by_whoever_comes_next(operation, number, kind):
    """Before and after the call and every write: one job, all proven gone, both histories whole."""
    with drilled() as (opened, drill):
        session = opened.another_session()
        boundary = Boundary(operation, number, kind)
        boundary.attach(session)
        try:
            session.cleanup(drill.execution_id, reason="the drill is over")
            opened.finish(session)
        except Crash:
            opened.clock.sleep(120)
        cleanup = opened.another_session().cleanup(drill.execution_id, reason="the drill is over")
        opened.finish(opened.another_session())
        assert [SERVERS] == terminations(opened)
        assert set() == living(opened)
        assert [S.TERMINATED] * 3 == statuses(final(opened, drill))
        ended = [header for header in opened.session.executions()[0] if header.cleans == drill.execution_id]
        assert [ExecutionStatus.COMPLETED] == [header.status for header in ended]
        assert cleanup is None or cleanup.execution_id == ended[0].execution_id
        assert_histories_are_whole(opened, *ended, drill)


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.ERROR_500_AFTER,
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in (FaultKind.THROTTLE, FaultKind.ERROR_500, FaultKind.REFUSED, FaultKind.EXPIRED_TOKEN)
        ),
    ],
)
def test_a_call_that_aws_refuses_for_now_is_made_again(kind):
    """A throttle or a fault of AWS's only delays."""
    with drilled() as (opened, drill):
        opened.gateway.faults.add(Fault(kind=kind, operation="TerminateRecoveryInstances"))
        cleanup = cleaned(opened, drill)
        assert ExecutionStatus.COMPLETED is cleanup.status
        assert [SERVERS] == terminations(opened)


def test_what_somebody_else_terminates_is_waited_for():
    """A ConflictException is looked into; what is gone then needs no call."""
    with drilled() as (opened, drill):
        opened.session.cleanup(drill.execution_id, reason="the drill is over")
        drs = opened.session.clients.drs_launcher("us-west-2")
        with signed_at(opened.clock.now()):
            drs.terminate_recovery_instances(recoveryInstanceIDs=instances(drill)[:1])
        cleanup = cleaned(opened, drill)
        assert ExecutionStatus.COMPLETED is cleanup.status
        assert [SERVERS[:1], SERVERS[1:]] == terminations(opened)
        assert [S.TERMINATED] * 3 == statuses(cleanup)
        assert "ConflictException" in (cleanup.attempts[0].outcome or "")


def test_a_finished_job_without_participants_is_judged_by_drs_and_ec2():
    """DRS may empty the list when the job ends (drs-facts §1.12)."""
    with drilled(WORLD + "behaviour: {terminate_empties_servers: true}\n") as (opened, drill):
        cleanup = cleaned(opened, drill)
        assert (ExecutionStatus.COMPLETED, [S.TERMINATED] * 3) == (cleanup.status, statuses(cleanup))


def test_a_cancelled_cleanup_terminates_nothing_more():
    """Cancelled before its call, it calls nothing, and the drill's record stays."""
    with drilled() as (opened, drill):
        cleanup = opened.session.cleanup(drill.execution_id, reason="the drill is over")
        opened.session.command(cleanup.execution_id, CommandKind.CANCEL, reason="stop")
        opened.finish()
        cleanup = final(opened, cleanup)
        assert (ExecutionStatus.CANCELLED, WaveStatus.CANCELLED) == (cleanup.status, cleanup.waves[0].status)
        assert [] == terminations(opened)
        assert [S.LAUNCHED] * 3 == statuses(final(opened, drill))


@pytest.mark.slow
def test_a_cleanup_waits_out_a_quota():
    """A job slot that is not free is waited for."""
    other = "  - {id: s-00000000000000009, tags: {Role: Other}}\nbehaviour: {jobs_quota: 1}\n"
    with drilled(WORLD + other) as (opened, drill):
        with signed_at(opened.clock.now()):
            drs = opened.session.clients.drs_launcher("us-west-2")
            drs.start_recovery(sourceServers=[{"sourceServerID": "s-00000000000000009"}], isDrill=True)
        cleanup = opened.session.cleanup(drill.execution_id, reason="the drill is over")
        opened.session.poller().run_pass()
        assert WaveStatus.QUEUED is final(opened, cleanup).waves[0].status
        assert ExecutionStatus.COMPLETED is cleaned(opened, drill).status


@pytest.mark.slow
def test_a_denied_call_leaves_everything_with_the_reason():
    """A missing permission is for a person."""
    with drilled() as (opened, drill):
        opened.gateway.faults.add(Fault(kind=FaultKind.ACCESS_DENIED, operation="TerminateRecoveryInstances"))
        cleanup = cleaned(opened, drill)
        assert (ExecutionStatus.FAILED, [S.LAUNCHED] * 3) == (cleanup.status, statuses(cleanup))
        assert "AccessDeniedException" in cleanup.waves[0].servers[0].error
        assert [S.LAUNCHED] * 3 == statuses(final(opened, drill))


# --- what still runs -------------------------------------------------------------------------------------------------


def test_a_job_that_still_runs_is_waited_for_before_anything_is_called_clean():
    """The wave timed out and its job goes on: what it launches later is told, listed and terminated."""
    slow = WORLD.replace("conversion: 20", "conversion: 1200")
    with house(text=slow) as opened:
        execution = opened.session.start(runbook_of(RUNBOOK.replace("max_failed: 1", "max_failed: 1, timeout: PT5M")))
        opened.finish()
        drill = final(opened, execution)
        assert {S.UNKNOWN} == {server.status for server in drill.waves[0].servers}
        preview = opened.session.cleanup_preview(drill.execution_id)
        assert "still runs and may launch more of its servers" in preview_text(preview, drill.start_time)
        with pytest.raises(Refused, match="still runs, may launch its servers at any time"):
            opened.session.cleanup(drill.execution_id, reason="over")
        opened.clock.sleep(3600)
        headers, _ = opened.session.executions()
        left = opened.session.running_instances(headers)[0][drill.execution_id]
        assert (0, 3) == (left.count, left.unknown)
        opened.session.cleanup(drill.execution_id, reason="over")
        opened.finish()
        assert set() == living(opened)
        headers, _ = opened.session.executions()
        assert {} == opened.session.running_instances(headers)[0]
        assert repr(remains(opened.session, final(opened, execution))).startswith("Nothing is left to clean up")


@contextmanager
def just_ended(world):
    """A drill whose wave timed out, a moment after its job has ended; DRS lists instances a minute late."""
    late = world.replace("conversion: 20", "conversion: 1200") + "behaviour: {recovery_instance_delay: 60}\n"
    with house(text=late) as opened:
        execution = opened.session.start(runbook_of(RUNBOOK.replace("max_failed: 1", "max_failed: 1, timeout: PT5M")))
        opened.finish()
        while opened.jobs()[0]["status"] != "COMPLETED":
            opened.clock.sleep(10)
        yield opened, final(opened, execution)


def test_an_instance_that_is_not_listed_yet_is_not_taken_for_none():
    """Right after its job's end nothing of a drill is listed; a minute later it is, and is terminated."""
    with just_ended(WORLD) as (opened, drill):
        preview = opened.session.cleanup_preview(drill.execution_id)
        expected = f"DRS may list what it launched of {', '.join(SERVERS)} up to 5 min later"
        assert preview_text(preview, drill.start_time).startswith(f"Nothing of drill {drill.execution_id} of plan trio")
        assert expected in preview_text(preview, drill.start_time)
        with pytest.raises(Refused, match=f"can be terminated yet: drsjob-.* has just ended, and {expected}"):
            opened.session.cleanup(drill.execution_id, reason="over", preview=preview)
        opened.clock.sleep(60)
        cleaned(opened, drill)
        assert set() == living(opened)


def test_a_server_that_did_not_come_up_is_not_waited_for():
    """The job says FAILED of all three: nothing is left, and that is said at once."""
    with just_ended(WORLD.replace("tags:", "fails: no-capacity, tags:")) as (opened, drill):
        assert () == opened.session.cleanup_preview(drill.execution_id).unlisted
        assert None is opened.session.cleanup(drill.execution_id, reason="over")


def test_a_drill_whose_instances_still_run_says_so_until_they_are_gone():
    """With their number and since when, from the headers alone."""
    with drilled() as (opened, drill):
        found = opened.session.running_instances(opened.session.executions()[0])[0]
        assert {drill.execution_id: (3, drill.waves[0].end_time)} == {
            name: (one.count, one.since) for name, one in found.items()
        }
        cleaned(opened, drill)
        assert {} == opened.session.running_instances(opened.session.executions()[0])[0]


def test_what_a_newer_drill_launched_again_is_not_counted_twice():
    """DRS terminated the older instances; the newer ones count."""
    with drilled() as (opened, _):
        second = opened.session.start(runbook_of(RUNBOOK))
        opened.finish()
        assert {second.execution_id} == set(opened.session.running_instances(opened.session.executions()[0])[0])
