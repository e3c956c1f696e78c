"""A whole drill through the engine: real boto3, moto, the simulator, virtual time."""

from datetime import timedelta

import pytest

from drskit.errors import GuardRefused, PlanBusy, Refused
from drskit.model import AttemptStatus, CommandKind, ExecutionStatus, ServerStatus, WaveStatus
from drskit.report.measures import waited_for_people
from drskit.witness import ATTEMPT_TAG, EXECUTION_TAG, TYPE_TAG, WAVE_TAG
from tests.harness import final, house, runbook_of, shipped, started
from tests.test_faults import SMALL, SMALL_PLAN


def test_the_captured_drill_completes_in_the_captured_time():
    """End to end the drill takes half a percent more than its jobs, which take as long as the captured ones."""
    with house() as home:
        execution = started(home)
        home.finish()
        done = final(home, execution)
        assert done.status is ExecutionStatus.COMPLETED
        assert done.end_time is not None
        jobs = [attempt.end_time - attempt.creation_time for attempt in done.attempts]
        assert [timedelta(seconds=533.308786), timedelta(seconds=539.292623)] == jobs
        assert (done.end_time - done.start_time) / sum(jobs, timedelta()) < 1.006


def test_a_job_carries_exactly_the_four_tags():
    """Every job says which execution, type, wave and attempt caused it, and nothing else."""
    with house() as home:
        execution = started(home)
        home.finish()
        done = final(home, execution)
        expected = [
            {
                EXECUTION_TAG: execution.execution_id,
                TYPE_TAG: "DRILL",
                WAVE_TAG: attempt.wave_name,
                ATTEMPT_TAG: attempt.attempt_id,
            }
            for attempt in done.attempts
        ]
        assert expected == [job["tags"] for job in home.jobs()]


def test_a_wave_waits_for_the_one_before_it():
    """The application's job is created only after the database's job has ended."""
    with house() as home:
        started(home)
        home.finish()
        first, second = home.jobs()
        assert first["endDateTime"] < second["creationDateTime"]


def test_a_completed_job_with_a_failed_server_is_no_success():
    """DRS calls the job COMPLETED; the wave is FAILED, the execution too, and the error says why."""
    with house("failing") as home:
        execution = started(home, "failing")
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.FAILED is done.status
        assert {"COMPLETED"} == {job["status"] for job in home.jobs()}
        (broken,) = [server for server in done.wave("Application").servers if server.status is ServerStatus.FAILED]
        assert "conversion denied" in (broken.error or "")
        assert done.wave("Database").status is WaveStatus.COMPLETED


def test_an_approval_pauses_until_somebody_says_yes():
    """The execution waits for a named decision, costs no polling, and goes on once approved, with who and why."""
    with house("shop") as home:
        execution = started(home, "shop")
        home.finish(approve=False)
        waiting = final(home, execution)
        assert ExecutionStatus.PAUSED is waiting.status
        assert "approval of wave Application: The databases accept logins." == waiting.waiting_for
        home.session.command(execution.execution_id, CommandKind.APPROVE, reason="logins work")
        home.finish(approve=False)
        done = final(home, execution)
        assert ExecutionStatus.COMPLETED is done.status
        approved = done.wave("Application").approved
        assert approved is not None
        assert ("logins work", "approved") == (approved.reason, done.commands[0].answer)


def test_every_server_knows_its_instance_and_its_snapshot():
    """A launched server has the instance that EC2 runs and the point in time that it recovered from."""
    with house() as home:
        execution = started(home)
        home.finish()
        done = final(home, execution)
        servers = [server for wave in done.waves for server in wave.servers]
        instances = {server.recovery_instance_id for server in servers}
        reply = home.session.clients.ec2("us-west-2").describe_instances(InstanceIds=sorted(instances))
        assert 4 == len([one for group in reply["Reservations"] for one in group["Instances"]])
        assert all(server.snapshot_time and server.request_time for server in servers)


def test_a_plan_has_one_live_execution():
    """A second start is refused and names the first; after the first has ended it is accepted."""
    with house() as home:
        execution = started(home)
        with pytest.raises(PlanBusy) as refused:
            started(home)
        assert execution.execution_id == refused.value.execution_id
        home.finish()
        assert started(home).execution_id != execution.execution_id


def test_a_start_repeated_with_its_key_finds_its_execution():
    """The same key means the same execution, while it runs and after it has ended."""
    with house() as home:
        first = started(home, key="2026-11-23T03:00")
        again = started(home, key="2026-11-23T03:00")
        assert first.execution_id == again.execution_id
        home.finish()
        assert first.execution_id == started(home, key="2026-11-23T03:00").execution_id
        assert 2 == len(home.jobs())


def test_a_second_drill_may_terminate_the_first_one_s_instances():
    """Drills of drskit's own are no obstacle: the relaunch cleans them up, as DRS does."""
    with house() as home:
        started(home)
        home.finish()
        again = started(home)
        home.finish()
        assert ExecutionStatus.COMPLETED is final(home, again).status


WITH_RECOVERY = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 1
servers:
  - id: s-5a4c1e0b7d2f93861
    name: db-1
    tags: {Application: guarded}
    instances: [{id: i-0a1b2c3d4e5f60718, launched: 2026-03-01T09:00:00Z, drill: false}]
  - id: s-5b83d60f4a91c2e75
    name: db-2
    tags: {Application: guarded}
"""
GUARDED = """
version: 1
plan: guarded
sites: {main: {region: us-west-2}}
groups:
  all: {select: {tags: {Application: guarded}}}
waves:
  - {name: All, groups: [all]}
"""


def test_a_launch_that_would_destroy_a_recovery_is_refused_at_the_start():
    """The instance is named, and what to do; nothing was launched."""
    with house(text=WITH_RECOVERY) as home:
        with pytest.raises(GuardRefused, match=r"i-0a1b2c3d4e5f60718 \(a RECOVERY, running"):
            home.session.start(runbook_of(GUARDED))
        assert [] == home.jobs()


def test_the_operator_may_name_the_instance_that_goes():
    """Named with `replace`, the instance is terminated by the launch, and the history keeps who allowed it."""
    with house(text=WITH_RECOVERY) as home:
        execution = home.session.start(runbook_of(GUARDED), replace=("i-0a1b2c3d4e5f60718",))
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.COMPLETED is done.status
        assert ["i-0a1b2c3d4e5f60718"] == home.session.store.events(execution.execution_id)[0].facts["Replace"]


def test_an_obstacle_that_appears_after_the_start_refuses_its_server_alone():
    """The guard asks again right before the launch: the other server is launched, this one FAILED with the reason."""
    with house(text=WITH_RECOVERY.replace("drill: false", "drill: false, protected: true")) as home:
        execution = home.session.start(runbook_of(GUARDED))
        ec2 = home.session.clients.ec2("us-west-2")
        ec2.modify_instance_attribute(InstanceId="i-0a1b2c3d4e5f60718", DisableApiTermination={"Value": False})
        home.finish()
        done = final(home, execution)
        by_name = {server.name: server for server in done.waves[0].servers}
        assert (ServerStatus.FAILED, ServerStatus.LAUNCHED) == (by_name["db-1"].status, by_name["db-2"].status)
        assert "i-0a1b2c3d4e5f60718" in (by_name["db-1"].error or "")
        assert (
            "running"
            == ec2.describe_instances(InstanceIds=["i-0a1b2c3d4e5f60718"])["Reservations"][0]["Instances"][0]["State"][
                "Name"
            ]
        )


def test_somebody_else_s_job_pauses_the_execution_and_is_named():
    """A console launch that holds our server is FOREIGN: nothing fails, a person decides, a resume tries again.

    The wave had begun, so that no RTO leaves this wait out, although it is a person whom it waits for.
    """
    with house() as home:
        execution = started(home)
        other = home.session.clients._session.client("drs", region_name="us-west-2")
        job = other.start_recovery(sourceServers=[{"sourceServerID": "s-51d6b65c73391918f"}], isDrill=True)["job"]
        home.finish(approve=False)
        paused = final(home, execution)
        assert ExecutionStatus.PAUSED is paused.status
        assert job["jobID"] in (paused.waiting_for or "")
        assert AttemptStatus.FOREIGN is paused.attempts[0].status
        home.clock.sleep(3600)
        assert timedelta() == waited_for_people(paused, home.clock.now(), home.clock.now())
        home.session.command(execution.execution_id, CommandKind.RESUME, reason="the other drill is over")
        home.finish(approve=False)
        done = final(home, execution)
        refused = [server for server in done.wave("Database").servers if server.status is ServerStatus.FAILED]
        assert ["s-51d6b65c73391918f"] == [server.source_server_id for server in refused]
        assert "not by drskit" in (refused[0].error or "")


@pytest.mark.parametrize("before", [900, 90_000])
def test_a_job_that_began_long_before_the_intent_is_named(before):
    """However long it runs: by the listing of a day, or by the server's last launch."""
    hours = "durations: {conversion: 200000}"
    with house(text=SMALL.replace("durations: {gap: 5, conversion: 20, launch: 30}", hours)) as home:
        other = home.session.clients._session.client("drs", region_name="us-west-2")
        wanted = [{"sourceServerID": "s-5a4c1e0b7d2f93861"}]
        job = other.start_recovery(sourceServers=wanted, isDrill=True)["job"]
        home.clock.sleep(before)
        execution = home.session.start(runbook_of(SMALL_PLAN))
        home.finish()
        paused = final(home, execution)
        assert (ExecutionStatus.PAUSED, 1) == (paused.status, len(paused.attempts))
        assert f"{job['jobID']} of somebody else launches" in (paused.waiting_for or "")


def test_a_cancelled_drill_launches_nothing_more():
    """The running job goes on to its end and is shown; later waves are CANCELLED; no instance is terminated."""
    with house() as home:
        execution = started(home)
        home.session.poller().run_pass()
        home.session.command(execution.execution_id, CommandKind.CANCEL, reason="wrong week")
        home.finish()
        done = final(home, execution)
        assert ExecutionStatus.CANCELLED is done.status
        assert [WaveStatus.COMPLETED, WaveStatus.CANCELLED] == [wave.status for wave in done.waves]
        assert 1 == len(home.jobs())


def test_an_execution_that_ended_takes_no_command():
    """A command to a finished execution is refused with its status."""
    with house() as home:
        execution = started(home)
        home.finish()
        with pytest.raises(Refused, match="is COMPLETED"):
            home.session.command(execution.execution_id, CommandKind.CANCEL, reason="too late")


def test_a_file_that_differs_from_the_applied_plan_is_applied_in_simulation():
    """In simulation a start applies the file first; the execution keeps the plan as executed."""
    with house() as home:
        home.session.apply(shipped("captured-drill"))
        changed = shipped("captured-drill")
        changed = changed.model_copy(update={"plan": changed.plan.model_copy(update={"description": "changed"})})
        execution = home.session.start(changed)
        assert "changed" == execution.plan.description
        assert changed.digest == execution.digest
