"""Quotas in a whole pass: who is QUEUED, what is said of it, and when a slot that became free is taken."""

import re
from datetime import timedelta

import pytest

from drskit.model import CommandKind, Execution, ExecutionStatus, WaveStatus
from drskit.sim.spec import Fault, FaultKind
from drskit.stuck import why_stuck
from drskit.verify import faults
from drskit.views.rows import board_of
from tests.harness import House, final, house, runbook_of

TIMES = "durations: {cleanup: 1, snapshot: 2, gap: 2, conversion: 60, launch: 60, terminate: 40}"
WORLD = f"""
region: us-west-2
start: 2026-03-02T09:00:00Z
behaviour: {{jobs_quota: 2, servers_per_job_quota: 3, servers_in_jobs_quota: 5}}
servers: [{{id: s-0000000000000000f, name: stranger, tags: {{Plan: none}}}}]
generate:
  - {{count: 5, names: "large-{{number}}", tags: {{Plan: large}}, {TIMES}}}
  - {{count: 1, names: "small-{{number}}", tags: {{Plan: small}}, {TIMES}}}
  - {{count: 1, names: "third-{{number}}", tags: {{Plan: third}}, {TIMES}}}
"""
STRANGER = "drsjob-0000000000000000f"
OCCUPIED = (
    WORLD.replace("jobs_quota: 2,", "jobs_quota: 1,")
    + f"""
jobs:
  - {{id: {STRANGER}, created: 2026-03-02T08:58:00Z, ended: 300, outcomes: {{s-0000000000000000f: LAUNCHED}}}}
"""
)


def begun(home: House, plan: str) -> Execution:
    """A drill of all the servers of a plan in one wave."""
    text = f"""
version: 1
plan: {plan}
sites: {{main: {{region: us-west-2}}}}
groups: {{all: {{select: {{tags: {{Plan: {plan}}}}}}}}}
waves: [{{name: All, groups: [all]}}]
"""
    return home.session.start(runbook_of(text))


def look(home: House, execution: Execution) -> Execution:
    """One pass, and the execution after it."""
    home.session.poller().run_pass()
    return final(home, execution)


def sizes(execution: Execution) -> list[int]:
    """How many servers each request named."""
    return [len(attempt.server_ids) for attempt in execution.attempts]


def test_what_does_not_fit_is_queued_and_goes_on_in_the_pass_that_sees_a_job_end():
    """In requests of as many servers as there is room for, none of which DRS refuses."""
    with house(text=WORLD) as home:
        execution = look(home, begun(home, "large"))
        assert [3, 2] == sizes(execution)
        assert WaveStatus.INITIATED is execution.waves[0].status
    with house(text=WORLD.replace("servers_per_job_quota: 3", "servers_per_job_quota: 2")) as home:
        execution = look(home, begun(home, "large"))
        assert [2, 2] == sizes(execution)
        (wave,) = execution.waves
        assert WaveStatus.QUEUED is wave.status
        assert "waits for a job slot in us-west-2: 2 of 2 jobs run" == wave.reason
        assert "wave All to get a job slot in us-west-2: 2 of 2 jobs run" == execution.waiting_for
        assert (
            "a job slot in us-west-2: 2 of 2 jobs run"
            == board_of(execution, home.session.store.now()).waves[0].waiting_for
        )
        home.finish()
        execution, events, logs = home.session.history(execution.execution_id)
        assert ExecutionStatus.COMPLETED is execution.status
        assert [2, 2, 1] == sizes(execution)
        assert [] == list(faults(execution, events, logs))
        first_end = min(attempt.end_time for attempt in execution.attempts[:2])
        assert timedelta(seconds=12) >= execution.attempts[2].creation_time - first_end
        assert not [event for event in events if "ServiceQuota" in str(event.facts)]


def test_a_wave_that_is_queued_no_more_says_so_no_more():
    """A cancel leaves out what waited; the job that runs is followed, and waits for no slot."""
    with house(text=WORLD.replace("servers_per_job_quota: 3", "servers_per_job_quota: 2")) as home:
        execution = look(home, begun(home, "large"))
        assert WaveStatus.QUEUED is execution.waves[0].status
        home.session.command(execution.execution_id, CommandKind.CANCEL, reason="enough")
        execution = look(home, execution)
        assert (ExecutionStatus.CANCELLING, None) == (execution.status, execution.waves[0].reason)
        assert WaveStatus.QUEUED is not execution.waves[0].status


def test_jobs_of_others_count_and_are_told_apart():
    """A stranger's job holds the only slot; when it has ended the drill goes on by itself, asked for once."""
    with house(text=OCCUPIED) as home:
        execution = look(home, begun(home, "small"))
        assert [] == home.jobs()[1:]
        assert "waits for a job slot in us-west-2: 1 of 1 jobs run, 1 of them not ours" == execution.waves[0].reason
        version = execution.version
        home.clock.sleep(60)
        assert version == look(home, execution).version, "nothing is written while nothing changes"
        home.finish()
        execution = final(home, execution)
        assert (ExecutionStatus.COMPLETED, [1]) == (execution.status, sizes(execution))


def test_a_small_plan_gets_the_next_slot_beside_a_large_one():
    """It waits for the end of one job, not for that of a wave; a third one waits behind it, and is told so."""
    with house(text=WORLD.replace("servers_per_job_quota: 3", "servers_per_job_quota: 1")) as home:
        large = look(home, begun(home, "large"))
        assert [1, 1] == sizes(large)
        small, third = begun(home, "small"), begun(home, "third")
        home.session.poller().wake("123456789012", "us-west-2")
        third = look(home, third)
        assert "waits for a job slot in us-west-2, behind 1 execution: 2 of 2 jobs run" == third.waves[0].reason
        home.finish()
        ends = sorted(attempt.end_time for attempt in final(home, large).attempts)
        for execution in (final(home, small), final(home, third)):
            assert ExecutionStatus.COMPLETED is execution.status
            assert timedelta(seconds=15) >= execution.attempts[0].creation_time - ends[0]


def test_a_queued_wave_is_not_stuck_and_can_be_paused_and_cancelled():
    """It says what it waits for; paused it asks for nothing, and cancelled it ends."""
    with house(text=OCCUPIED.replace("ended: 300", "ended: 86400")) as home:
        execution = look(home, begun(home, "small"))
        home.clock.sleep(1200)
        execution = look(home, execution)
        cadence = home.session.store.get_cadence("123456789012", "us-west-2")
        (header,) = home.session.store.list_executions()
        assert None is why_stuck(header, home.session.store.now(), cadence=cadence, execution=execution)
        home.session.command(execution.execution_id, CommandKind.PAUSE, reason="wait")
        execution = look(home, execution)
        assert execution.status is ExecutionStatus.PAUSED
        assert re.fullmatch(r"resume \(paused by .*: wait\)", execution.waiting_for)
        home.session.command(execution.execution_id, CommandKind.RESUME, reason="go on")
        assert ExecutionStatus.POLLING is look(home, execution).status
        home.session.command(execution.execution_id, CommandKind.CANCEL, reason="too late")
        home.finish()
        execution = final(home, execution)
        assert (ExecutionStatus.CANCELLED, WaveStatus.CANCELLED) == (execution.status, execution.waves[0].status)
        assert [] == sizes(execution)


def test_a_cleanup_waits_for_its_slot_too():
    """A job that terminates counts as any other."""
    with house(text=OCCUPIED.replace("ended: 300", "ended: 1200").replace("jobs_quota: 1,", "jobs_quota: 2,")) as home:
        small = begun(home, "small")
        home.finish()
        third = begun(home, "third")
        home.session.poller().run_pass()
        cleanup = home.session.cleanup(small.execution_id, reason="looked at")
        cleanup = look(home, cleanup)
        assert WaveStatus.QUEUED is cleanup.waves[0].status
        assert "2 of 2 jobs run, 1 of them not ours" in cleanup.waiting_for
        home.finish()
        assert ExecutionStatus.COMPLETED is final(home, cleanup).status
        assert ExecutionStatus.COMPLETED is final(home, third).status


@pytest.mark.parametrize("operation", ["ListServiceQuotas", "DescribeJobs"])
def test_a_launch_needs_neither_service_quotas_nor_the_jobs_of_others(operation):
    """DRS itself has the last word: what it refuses waits, and the doubt is told."""
    service = "servicequotas" if operation == "ListServiceQuotas" else "drs"
    kind = FaultKind.ACCESS_DENIED if service == "servicequotas" else FaultKind.ERROR_500
    with house(text=OCCUPIED) as home:
        execution = begun(home, "small")
        home.gateway.faults.add(Fault(operation=operation, service=service, kind=kind, times=1))
        execution = look(home, execution)
        assert (1, WaveStatus.QUEUED) == (len(execution.attempts), execution.waves[0].status)
        assert "ServiceQuotaExceededException: 1 jobs are in progress" in execution.waiting_for
        home.clock.sleep(30)
        execution = look(home, execution)
        if service == "servicequotas":
            assert 2 == len(execution.attempts), "the documented numbers leave room, and DRS refuses again"
        else:
            assert "1 of 1 jobs run, 1 of them not ours" in execution.waiting_for
        home.finish()
        assert ExecutionStatus.COMPLETED is final(home, execution).status


def test_when_drs_says_that_it_is_full_nobody_else_asks_in_that_pass():
    """A refusal stands for all who wait: they say what DRS said."""
    with house(text=OCCUPIED) as home:
        small, third = begun(home, "small"), begun(home, "third")
        home.gateway.faults.add(Fault(operation="DescribeJobs", kind=FaultKind.ERROR_500, times=1))
        home.session.poller().run_pass()
        reasons = {final(home, one).waves[0].reason for one in (small, third)}
        assert 1 == sum(len(final(home, one).attempts) for one in (small, third))
        assert any("DRS says that 1 jobs are in progress" in reason for reason in reasons), reasons
