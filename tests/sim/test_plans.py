"""Native recovery plans: what they may hold, and how they are executed."""

from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.sim.lab import make_spec, server_id
from tests.sim.lab import server_arn as arn
from tests.sim.loan import loan

pytestmark = pytest.mark.simulated("it needs servers that fail, quotas, or exact spans")

QUICK = {"durations": {"snapshot": 1, "gap": 10, "conversion": 100, "pause": 1, "launch": 200}}
parse = datetime.fromisoformat
LAUNCH = 320
"""Seconds after which a job of such a server is over."""


def servers(*numbers, optional=()):
    """A configuration of servers."""
    told = [{"serverArn": arn(number)} for number in numbers]
    told += [{"serverArn": arn(number), "impactLevel": "OPTIONAL"} for number in optional]
    return {"serverStepConfiguration": {"servers": told}}


def wait(minutes):
    """A configuration of a wait."""
    return {"waitStepConfiguration": {"waitDurationMinutes": minutes}}


def make_plan(lab, *configurations, name="shop"):
    """A plan of these steps, called one, two, three."""
    plan = lab.drs.create_recovery_plan(name=lab.name(name))["recoveryPlan"]
    for word, configuration in zip(("one", "two", "three", "four"), configurations, strict=False):
        lab.drs.create_recovery_plan_step(
            recoveryPlanArn=plan["recoveryPlanArn"], stepName=word, configuration=configuration
        )
    return plan["recoveryPlanArn"]


def run(lab, plan_arn, mode="DRILL", **more):
    """Start an execution; its ARN."""
    started = lab.drs.start_recovery_plan_execution(recoveryPlanArn=plan_arn, mode=mode, **more)
    return started["recoveryPlanExecution"]["recoveryPlanExecutionArn"]


def execution(lab, execution_arn):
    """An execution as it stands."""
    return lab.drs.get_recovery_plan_execution(recoveryPlanExecutionArn=execution_arn)["recoveryPlanExecution"]


def steps(lab, execution_arn):
    """The steps of an execution."""
    return lab.drs.list_recovery_plan_execution_steps(recoveryPlanExecutionArn=execution_arn)[
        "recoveryPlanExecutionSteps"
    ]


def statuses(lab, execution_arn):
    """The execution's status, and those of its steps."""
    return execution(lab, execution_arn)["status"], [step["status"] for step in steps(lab, execution_arn)]


def plan_steps(lab, plan_arn):
    """The names of a plan's steps in their order."""
    listed = lab.drs.list_recovery_plan_steps(recoveryPlanArn=plan_arn)["recoveryPlanSteps"]
    assert [step["stepOrder"] for step in listed] == list(range(1, len(listed) + 1))
    return [step["stepName"] for step in listed]


def step_arns(lab, plan_arn):
    """The ARNs of a plan's steps in their order."""
    listed = lab.drs.list_recovery_plan_steps(recoveryPlanArn=plan_arn)["recoveryPlanSteps"]
    return [step["recoveryPlanStepArn"] for step in listed]


def refused(call, **request):
    """The code and the words of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def quick(request):
    """Five servers whose launch takes a little over five minutes; an account has three, and its own time."""
    if loan():
        return request.getfixturevalue("lab")
    return request.getfixturevalue("open_lab")(make_spec(*[QUICK] * 5))


def finish(lab, execution_arn):
    """Wait until an execution is over."""
    lab.until(lambda: execution(lab, execution_arn)["status"] in {"COMPLETED", "FAILED", "CANCELLED"})


# --- plans and steps -------------------------------------------------------------------------------------------------


@pytest.mark.account
def test_a_plan_is_active_once_it_has_a_server_step(quick):
    """INVALID before, and again after its last one went; a wait does not heal it."""
    plan_arn = make_plan(quick)

    def status():
        return quick.drs.get_recovery_plan(recoveryPlanArn=plan_arn)["recoveryPlan"]["status"]

    assert status() == "INVALID"
    for name, configuration in (("servers", servers(1)), ("wait", wait(5))):
        quick.drs.create_recovery_plan_step(recoveryPlanArn=plan_arn, stepName=name, configuration=configuration)
    assert status() == "ACTIVE"
    quick.drs.delete_recovery_plan_step(recoveryPlanStepArn=step_arns(quick, plan_arn)[0])
    assert (status(), plan_steps(quick, plan_arn)) == ("INVALID", ["wait"])


@pytest.mark.account
def test_steps_are_inserted_renumbered_and_reordered(quick):
    """Those behind an inserted one move up; those behind a deleted one move down; an order names every step."""
    plan_arn = make_plan(quick, servers(1), wait(5), servers(2))
    quick.drs.create_recovery_plan_step(recoveryPlanArn=plan_arn, stepName="new", stepOrder=2, configuration=servers(3))
    assert plan_steps(quick, plan_arn) == ["one", "new", "two", "three"]
    one, new, two, three = step_arns(quick, plan_arn)
    quick.drs.delete_recovery_plan_step(recoveryPlanStepArn=new)
    assert plan_steps(quick, plan_arn) == ["one", "two", "three"]
    reordered = quick.drs.reorder_recovery_plan_steps(recoveryPlanArn=plan_arn, orderedStepArns=[three, two, one])
    assert [step["stepName"] for step in reordered["recoveryPlanSteps"]] == ["three", "two", "one"]
    reorder = quick.drs.reorder_recovery_plan_steps
    assert "ValidationException" == refused(reorder, recoveryPlanArn=plan_arn, orderedStepArns=[one, two])[0]
    assert "ValidationException" == refused(reorder, recoveryPlanArn=plan_arn, orderedStepArns=[two, one, three])[0]


@pytest.mark.account
def test_a_wait_is_never_first(quick):
    """Neither created nor left there."""
    plan_arn = make_plan(quick)
    create = quick.drs.create_recovery_plan_step
    request = {"recoveryPlanArn": plan_arn, "stepName": "wait", "configuration": wait(5)}
    assert "ValidationException" == refused(create, **request)[0]
    other = make_plan(quick, servers(1), wait(1), servers(2), name="other")
    first = step_arns(quick, other)[0]
    assert "ValidationException" == refused(quick.drs.delete_recovery_plan_step, recoveryPlanStepArn=first)[0]


@pytest.mark.account
def test_a_step_can_change_its_name_and_servers_but_not_its_type(quick):
    """The list of servers is replaced as a whole."""
    plan_arn = make_plan(quick, servers(1, 2), wait(5))
    first, second = step_arns(quick, plan_arn)
    changed = quick.drs.update_recovery_plan_step(
        recoveryPlanStepArn=first, stepName="database", configuration=servers(3, optional=[2])
    )["recoveryPlanStep"]
    assert changed["stepName"] == "database"
    assert changed["configuration"] == {
        "serverStepConfiguration": {
            "servers": [
                {"serverArn": arn(3), "impactLevel": "CRITICAL"},
                {"serverArn": arn(2), "impactLevel": "OPTIONAL"},
            ]
        }
    }
    assert changed == quick.drs.get_recovery_plan_step(recoveryPlanStepArn=first)["recoveryPlanStep"]
    update = quick.drs.update_recovery_plan_step
    assert "ValidationException" == refused(update, recoveryPlanStepArn=second, configuration=servers(1))[0]


@pytest.mark.account
def test_a_server_is_in_a_plan_once(quick):
    """Neither twice in a step nor in two; in two plans it may be."""
    plan_arn = make_plan(quick, servers(1))
    create = quick.drs.create_recovery_plan_step
    for numbers in ((1,), (2, 2)):
        request = {"recoveryPlanArn": plan_arn, "stepName": "again", "configuration": servers(*numbers)}
        assert "ValidationException" == refused(create, **request)[0]
    make_plan(quick, servers(1), name="other")
    request = {"recoveryPlanArn": plan_arn, "stepName": "unknown", "configuration": servers(77)}
    assert "ResourceNotFoundException" == refused(create, **request)[0]


@pytest.mark.account
def test_a_name_is_taken_once(quick):
    """Conflict for a second plan of the name, created or renamed."""
    make_plan(quick)
    other = make_plan(quick, name="other")
    shop, web = quick.name("shop"), quick.name("web")
    assert "ConflictException" == refused(quick.drs.create_recovery_plan, name=shop)[0]
    assert "ConflictException" == refused(quick.drs.update_recovery_plan, recoveryPlanArn=other, name=shop)[0]
    changed = quick.drs.update_recovery_plan(recoveryPlanArn=other, name=web, description="the rest")["recoveryPlan"]
    assert (changed["name"], changed["description"]) == (web, "the rest")
    listed = [plan["name"] for plan in quick.drs.list_recovery_plans()["recoveryPlans"]]
    assert [shop, web] == [name for name in listed if name in {shop, web, quick.name("other")}]


@pytest.mark.account
def test_a_client_token_makes_one_thing(quick):
    """The same request again gets what the first one made; another request with it is a conflict."""
    create = quick.drs.create_recovery_plan
    shop, token = quick.name("shop"), quick.name("once")
    first, again = (create(name=shop, clientToken=token)["recoveryPlan"] for _ in range(2))
    assert first == again
    assert "ConflictException" == refused(create, name=quick.name("other"), clientToken=token)[0]
    step = {"recoveryPlanArn": first["recoveryPlanArn"], "stepName": "one", "configuration": servers(1)}
    token = quick.name("step")
    made = [quick.drs.create_recovery_plan_step(clientToken=token, **step)["recoveryPlanStep"] for _ in range(2)]
    assert made[0] == made[1]
    started = [run(quick, first["recoveryPlanArn"], clientToken=quick.name("start")) for _ in range(2)]
    assert started[0] == started[1]


@pytest.mark.parametrize(
    ("behaviour", "configuration"),
    [({"plan_steps_quota": 1}, servers(2)), ({"plan_servers_quota": 2}, servers(2, 3))],
)
def test_plans_have_quotas(open_lab, behaviour, configuration):
    """Steps, and servers of all steps."""
    lab = open_lab(make_spec(count=3, behaviour=behaviour))
    plan_arn = make_plan(lab, servers(1))
    request = {"recoveryPlanArn": plan_arn, "stepName": "more", "configuration": configuration}
    assert "ServiceQuotaExceededException" == refused(lab.drs.create_recovery_plan_step, **request)[0]


def test_a_server_of_a_plan_cannot_be_deleted(quick):
    """Not before it is out of the plan."""
    plan_arn = make_plan(quick, servers(1))
    quick.drs.disconnect_source_server(sourceServerID=server_id(1))
    code, message = refused(quick.drs.delete_source_server, sourceServerID=server_id(1))
    assert (code, plan_arn.rpartition("/")[2] in message) == ("ConflictException", True)
    quick.drs.delete_recovery_plan(recoveryPlanArn=plan_arn)
    quick.drs.delete_source_server(sourceServerID=server_id(1))


# --- executions ------------------------------------------------------------------------------------------------------


def test_an_execution_walks_through_its_steps(quick):
    """CREATED, IN_PROGRESS, one step after the other, COMPLETED; each step's servers are in one ordinary job."""
    plan_arn = make_plan(quick, servers(1, 2), wait(10), servers(3))
    execution_arn = run(quick, plan_arn, tags={"Owner": "me"})
    assert statuses(quick, execution_arn) == ("CREATED", ["NOT_STARTED"] * 3)
    quick.wait(6)
    assert statuses(quick, execution_arn) == ("IN_PROGRESS", ["EXECUTING", "NOT_STARTED", "NOT_STARTED"])
    (job,) = quick.drs.describe_jobs()["items"]
    assert (job["initiatedBy"], len(job["participatingServers"])) == ("START_DRILL", 2)
    told = steps(quick, execution_arn)[0]["configuration"]["executionServerStepConfiguration"]["servers"]
    assert {server["jobID"] for server in told} == {job["jobID"]}
    quick.wait(LAUNCH)
    assert statuses(quick, execution_arn) == ("IN_PROGRESS", ["COMPLETED", "WAITING", "NOT_STARTED"])
    quick.wait(600)
    assert statuses(quick, execution_arn) == ("IN_PROGRESS", ["COMPLETED", "COMPLETED", "EXECUTING"])
    quick.wait(LAUNCH)
    done = execution(quick, execution_arn)
    assert (done["status"], done["tags"], "errorDetail" in done) == ("COMPLETED", {"Owner": "me"}, False)
    assert len(quick.drs.describe_recovery_instances()["items"]) == 3


@pytest.mark.account
def test_steps_follow_each_other_by_themselves(quick):
    """CREATED, then one step after the other, each job after the one before has ended and the wait is over."""
    plan_arn = make_plan(quick, servers(1), wait(1), servers(2))
    start = quick.drs.start_recovery_plan_execution
    begun = start(recoveryPlanArn=plan_arn, mode="DRILL", tags={"Owner": "me"})["recoveryPlanExecution"]
    assert begun["status"] == "CREATED"
    execution_arn = begun["recoveryPlanExecutionArn"]
    finish(quick, execution_arn)
    assert statuses(quick, execution_arn) == ("COMPLETED", ["COMPLETED"] * 3)
    done = execution(quick, execution_arn)
    assert (done["tags"], "errorDetail" in done) == ({"Owner": "me"}, False)
    second, first = quick.jobs()
    assert {"START_DRILL"} == {job["initiatedBy"] for job in (first, second)}
    assert parse(second["creationDateTime"]) - parse(first["endDateTime"]) >= timedelta(minutes=1)
    told = steps(quick, execution_arn)[0]["configuration"]["executionServerStepConfiguration"]["servers"]
    assert {server["jobID"] for server in told} == {first["jobID"]}


def test_nobody_needs_to_look_for_an_execution_to_go_on(quick):
    """Seen only at its end, it has gone as one that was watched all the time."""
    plan_arn = make_plan(quick, servers(1), wait(10), servers(2))
    execution_arn = run(quick, plan_arn)
    quick.wait(4000)
    assert statuses(quick, execution_arn) == ("COMPLETED", ["COMPLETED"] * 3)
    second, first = quick.drs.describe_jobs()["items"]
    assert second["creationDateTime"] > first["endDateTime"]
    assert execution(quick, execution_arn)["completedAt"] == second["endDateTime"]


@pytest.mark.simulated("it would recover for real")
def test_a_plan_in_recovery_mode_recovers(quick):
    """The jobs are START_RECOVERY, and no drills."""
    run(quick, make_plan(quick, servers(1)), mode="RECOVERY")
    quick.wait(400)
    assert quick.drs.describe_jobs()["items"][0]["initiatedBy"] == "START_RECOVERY"
    assert [one["isDrill"] for one in quick.drs.describe_recovery_instances()["items"]] == [False]


def test_a_critical_failure_fails_the_execution_and_is_retried(open_lab):
    """Only what failed is recovered again; then the following steps run."""
    lab = open_lab(make_spec(QUICK, QUICK | {"fails": ["conversion-failed", None]}, QUICK))
    execution_arn = run(lab, make_plan(lab, servers(1, 2), servers(3)))
    lab.wait(1000)
    assert statuses(lab, execution_arn) == ("FAILED", ["FAILED", "NOT_STARTED"])
    first = steps(lab, execution_arn)[0]
    assert server_id(2) in first["errorDetail"]["message"]
    step_arn = first["recoveryPlanExecutionStepArn"]
    retried = lab.drs.retry_recovery_plan_execution_step(recoveryPlanExecutionStepArn=step_arn)
    assert (retried["recoveryPlanExecutionStep"]["status"], retried["recoveryPlanExecutionStep"]["attempt"]) == (
        "EXECUTING",
        2,
    )
    job = lab.drs.describe_jobs()["items"][0]
    assert [server["sourceServerID"] for server in job["participatingServers"]] == [server_id(2)]
    lab.wait(1000)
    assert statuses(lab, execution_arn) == ("COMPLETED", ["COMPLETED", "COMPLETED"])


def test_an_optional_failure_fails_nothing(open_lab):
    """Even if all servers of a step are optional."""
    lab = open_lab(make_spec(QUICK | {"fails": "conversion-failed"}, QUICK))
    execution_arn = run(lab, make_plan(lab, servers(optional=[1]), servers(2)))
    lab.wait(2000)
    assert statuses(lab, execution_arn) == ("COMPLETED", ["COMPLETED", "COMPLETED"])


def test_a_failed_validation_recovers_nothing(open_lab):
    """One server of any step that cannot be launched fails the execution, whatever its impact."""
    lab = open_lab(make_spec(QUICK, {"replication": {"state": "DISCONNECTED"}}))
    execution_arn = run(lab, make_plan(lab, servers(1), servers(optional=[2])))
    lab.wait(10)
    assert statuses(lab, execution_arn) == ("FAILED", ["NOT_STARTED", "NOT_STARTED"])
    assert server_id(2) in execution(lab, execution_arn)["errorDetail"]["message"]
    assert lab.drs.describe_jobs()["items"] == []


@pytest.mark.account
def test_a_step_is_validated_again_when_it_begins(quick):
    """A server that somebody else launches meanwhile refuses the request of all."""
    execution_arn = run(quick, make_plan(quick, servers(1), wait(4), servers(2, 3)))
    quick.until(lambda: statuses(quick, execution_arn)[1][1] == "WAITING")
    quick.start(3)
    finish(quick, execution_arn)
    assert statuses(quick, execution_arn) == ("FAILED", ["COMPLETED", "COMPLETED", "FAILED"])
    assert "currently being processed by a Job" in steps(quick, execution_arn)[2]["errorDetail"]["message"]


@pytest.mark.account
def test_pinned_snapshots_are_what_gets_launched(quick):
    """And unknown servers or snapshots are refused."""
    plan_arn = make_plan(quick, servers(1))
    point = quick.drs.describe_recovery_snapshots(sourceServerID=server_id(1))["items"][3]
    start = quick.drs.start_recovery_plan_execution
    pin = {"sourceServerID": server_id(2), "recoverySnapshotID": point["snapshotID"]}
    code, message = refused(start, recoveryPlanArn=plan_arn, mode="DRILL", sourceServers=[pin])
    assert (code, message) == ("ValidationException", f"Source server IDs not found in plan: {server_id(2)}")
    finish(quick, run(quick, plan_arn, sourceServers=[pin | {"sourceServerID": server_id(1)}]))
    quick.settle()
    (instance,) = quick.recovery_instances().values()
    assert instance["pointInTimeSnapshotDateTime"] == point["timestamp"]


def test_a_step_that_failed_is_skipped(open_lab):
    """The execution goes on with the next, and says at its end what was skipped."""
    lab = open_lab(make_spec(QUICK | {"fails": "conversion-failed"}, QUICK))
    execution_arn = run(lab, make_plan(lab, servers(1), servers(2)))
    lab.wait(1000)
    step_arn = steps(lab, execution_arn)[0]["recoveryPlanExecutionStepArn"]
    update = lab.drs.update_recovery_plan_execution_step
    assert "ValidationException" == refused(update, recoveryPlanExecutionStepArn=step_arn, status="COMPLETED")[0]
    assert "ValidationException" == refused(update, recoveryPlanExecutionStepArn=step_arn)[0]
    update(recoveryPlanExecutionStepArn=step_arn, status="SKIPPED")
    lab.wait(1000)
    assert statuses(lab, execution_arn) == ("COMPLETED", ["SKIPPED", "COMPLETED"])
    assert execution(lab, execution_arn)["errorDetail"]["message"].startswith("Completed with skipped steps")


@pytest.mark.account
def test_a_step_that_has_not_begun_can_be_changed_or_skipped(quick):
    """Another wait, or left out, while an earlier step runs; the one that runs cannot."""
    execution_arn = run(quick, make_plan(quick, servers(1), wait(60), servers(2), servers(3)))
    quick.until(lambda: statuses(quick, execution_arn)[1][0] == "EXECUTING")
    first, second, third, fourth = (step["recoveryPlanExecutionStepArn"] for step in steps(quick, execution_arn))
    update = quick.drs.update_recovery_plan_execution_step
    update(recoveryPlanExecutionStepArn=second, waitDurationMinutes=1)
    update(recoveryPlanExecutionStepArn=fourth, status="SKIPPED")
    assert "ConflictException" == refused(update, recoveryPlanExecutionStepArn=first, status="SKIPPED")[0]
    assert "ValidationException" == refused(update, recoveryPlanExecutionStepArn=third, waitDurationMinutes=1)[0]
    finish(quick, execution_arn)
    assert statuses(quick, execution_arn) == ("COMPLETED", ["COMPLETED", "COMPLETED", "COMPLETED", "SKIPPED"])


@pytest.mark.account
def test_a_step_that_has_not_begun_can_get_other_servers(quick):
    """They are launched in the place of those that the plan names."""
    execution_arn = run(quick, make_plan(quick, servers(1), servers(2)))
    second = steps(quick, execution_arn)[1]["recoveryPlanExecutionStepArn"]
    quick.drs.update_recovery_plan_execution_step(recoveryPlanExecutionStepArn=second, servers=[{"serverArn": arn(3)}])
    finish(quick, execution_arn)
    quick.settle()
    assert {one["sourceServerID"] for one in quick.recovery_instances().values()} == {server_id(1), server_id(3)}


@pytest.mark.account
def test_a_cancelled_execution_starts_no_further_step(quick):
    """CANCELLING while the running step ends as it will, then CANCELLED; what was launched stays."""
    execution_arn = run(quick, make_plan(quick, servers(1), servers(2)))
    quick.until(lambda: statuses(quick, execution_arn)[1][0] == "EXECUTING")
    cancelled = quick.drs.cancel_recovery_plan_execution(recoveryPlanExecutionArn=execution_arn)
    assert cancelled["recoveryPlanExecution"]["status"] == "CANCELLING"
    assert statuses(quick, execution_arn) == ("CANCELLING", ["EXECUTING", "SKIPPED"])
    finish(quick, execution_arn)
    assert statuses(quick, execution_arn) == ("CANCELLED", ["COMPLETED", "SKIPPED"])
    assert len(quick.jobs()) == 1
    cancel = quick.drs.cancel_recovery_plan_execution
    assert "ConflictException" == refused(cancel, recoveryPlanExecutionArn=execution_arn)[0]


def test_an_execution_times_out_after_a_day(open_lab):
    """The running step is TIMED_OUT, its job runs on, later steps never run, and nothing resumes it."""
    lab = open_lab(make_spec(QUICK | {"fails": "never-ends"}, QUICK))
    execution_arn = run(lab, make_plan(lab, servers(1), servers(2)))
    lab.wait(86400)
    assert statuses(lab, execution_arn) == ("FAILED", ["TIMED_OUT", "NOT_STARTED"])
    assert lab.drs.describe_jobs()["items"][0]["status"] == "STARTED"
    first, second = (step["recoveryPlanExecutionStepArn"] for step in steps(lab, execution_arn))
    retry, update = lab.drs.retry_recovery_plan_execution_step, lab.drs.update_recovery_plan_execution_step
    assert "ConflictException" == refused(retry, recoveryPlanExecutionStepArn=first)[0]
    assert "ConflictException" == refused(update, recoveryPlanExecutionStepArn=first, status="SKIPPED")[0]
    assert "ConflictException" == refused(update, recoveryPlanExecutionStepArn=second, status="SKIPPED")[0]


def test_a_time_out_may_be_called_as_documented(open_lab):
    """A switch: TIMED_OUT, which the model lacks, and a step that may be skipped all the same."""
    behaviour = {"plan_timeout": 1000, "plan_timeout_status": "TIMED_OUT", "skip_timed_out_steps": True}
    lab = open_lab(make_spec(QUICK | {"fails": "never-ends"}, behaviour=behaviour))
    execution_arn = run(lab, make_plan(lab, servers(1)))
    lab.wait(1000)
    assert statuses(lab, execution_arn) == ("TIMED_OUT", ["TIMED_OUT"])
    (step,) = steps(lab, execution_arn)
    lab.drs.update_recovery_plan_execution_step(
        recoveryPlanExecutionStepArn=step["recoveryPlanExecutionStepArn"], status="SKIPPED"
    )
    assert statuses(lab, execution_arn) == ("COMPLETED", ["SKIPPED"])


@pytest.mark.account
def test_an_execution_is_a_frozen_copy_of_its_plan(quick):
    """What is changed in the plan is for the next one."""
    plan_arn = make_plan(quick, servers(1))
    execution_arn = run(quick, plan_arn)
    (step_arn,) = step_arns(quick, plan_arn)
    quick.drs.update_recovery_plan_step(recoveryPlanStepArn=step_arn, configuration=servers(2))
    finish(quick, execution_arn)
    (job,) = quick.jobs()
    assert [one["sourceServerID"] for one in job["participatingServers"]] == [server_id(1)]
    assert execution(quick, execution_arn)["status"] == "COMPLETED"


# --- exact words -----------------------------------------------------------------------------------------------------


@pytest.mark.account
def test_the_refusals_of_a_start_are_in_awss_words(quick):
    """No steps, an invalid plan, an active execution, a server in another's (drs-facts §10)."""
    start = quick.drs.start_recovery_plan_execution

    def words(plan_arn):
        return refused(start, recoveryPlanArn=plan_arn, mode="DRILL")

    empty = make_plan(quick, name="empty")
    name = empty.rpartition("/")[2]
    assert words(empty) == (
        "ValidationException",
        f"Recovery plan {name} has no steps. Add at least one step to the plan before starting an execution.",
    )
    invalid = make_plan(quick, servers(1), wait(1), name="invalid")
    quick.drs.delete_recovery_plan_step(recoveryPlanStepArn=step_arns(quick, invalid)[0])
    name = invalid.rpartition("/")[2]
    assert words(invalid) == (
        "ConflictException",
        f"Recovery plan {name} is in status INVALID and cannot be executed. Only ACTIVE plans can be executed.",
    )
    one, two = make_plan(quick, servers(1), name="one"), make_plan(quick, servers(1, 2), name="two")
    execution_id = run(quick, one).rpartition("/")[2]
    name = one.rpartition("/")[2]
    assert words(one) == ("ConflictException", f"Another execution is already active for plan {name}")
    code, message = words(two)
    assert (code, name in message, execution_id in message) == ("ConflictException", True, True)
    assert "ConflictException" == refused(quick.drs.delete_recovery_plan, recoveryPlanArn=one)[0]


def test_a_plan_that_is_being_deleted_is_not_executed(open_lab):
    """In AWS's words, for as long as the deletion takes."""
    lab = open_lab(make_spec(count=1, behaviour={"plan_deletion": 60}))
    plan_arn = make_plan(lab, servers(1))
    lab.drs.delete_recovery_plan(recoveryPlanArn=plan_arn)
    start, name = lab.drs.start_recovery_plan_execution, plan_arn.rpartition("/")[2]
    assert refused(start, recoveryPlanArn=plan_arn, mode="DRILL") == (
        "ConflictException",
        f"Cannot start execution: recovery plan {name} is being deleted.",
    )
    lab.wait(60)
    assert refused(start, recoveryPlanArn=plan_arn, mode="DRILL")[0] == "ResourceNotFoundException"


@pytest.mark.account
def test_only_a_finished_execution_is_deleted(quick):
    """And then it is unknown."""
    plan_arn = make_plan(quick, servers(1))
    execution_arn = run(quick, plan_arn)
    delete = quick.drs.delete_recovery_plan_execution
    assert "ConflictException" == refused(delete, recoveryPlanExecutionArn=execution_arn)[0]
    finish(quick, execution_arn)
    listed = quick.drs.list_recovery_plan_executions(recoveryPlanArn=plan_arn, status="COMPLETED")
    assert [one["recoveryPlanExecutionArn"] for one in listed["recoveryPlanExecutions"]] == [execution_arn]
    delete(recoveryPlanExecutionArn=execution_arn)
    get = quick.drs.get_recovery_plan_execution
    assert "ResourceNotFoundException" == refused(get, recoveryPlanExecutionArn=execution_arn)[0]
    assert quick.drs.list_recovery_plan_executions(recoveryPlanArn=plan_arn)["recoveryPlanExecutions"] == []


@pytest.mark.account
def test_plans_and_executions_carry_tags(quick):
    """By the ordinary tag operations."""
    plan_arn = make_plan(quick, servers(1))
    execution_arn = run(quick, plan_arn)
    for resource_arn in (plan_arn, execution_arn):
        quick.drs.tag_resource(resourceArn=resource_arn, tags={"Owner": "me"})
        assert quick.drs.list_tags_for_resource(resourceArn=resource_arn)["tags"] == {"Owner": "me"}
    assert execution(quick, execution_arn)["tags"] == {"Owner": "me"}
