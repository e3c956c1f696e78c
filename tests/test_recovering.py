"""Recovery for real, end to end on the simulator: authorised, countersigned, started once, and by no other way.

What must hold, whatever is tried: DRS never gets a launch that is no drill but
for an execution whose creation consumed an authorisation of exactly that, made
by the same person at most fifteen minutes before; and a launch never ends what
nobody was shown.
"""

import ast
import json
from contextlib import contextmanager, suppress
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from drskit.authorization import Permit, permit, token_of
from drskit.deploy.handler import poll
from drskit.drill import Drill
from drskit.editing import wanted
from drskit.errors import (
    DrskitError,
    GuardRefused,
    InvalidInput,
    InvalidRunbook,
    LostRace,
    NotAuthorized,
    NotConfirmed,
    NotFound,
    PlanBusy,
    Refused,
)
from drskit.model import Attempt, CommandKind, Execution, ExecutionStatus, ExecutionType, Mode, ServerStatus
from drskit.notebook import checked
from drskit.opening import DrillParameters
from drskit.parameters import check_parameters
from drskit.ports import NotExecuted
from drskit.recovering import authorization, authorize, countersign, recover, started
from drskit.resources import find_file
from drskit.session import Session
from drskit.settings import Settings
from drskit.verify import faults
from drskit.witness import tags_of
from tests.harness import Boundary, Crash, House, final, house, runbook_of

SERVERS = [f"s-0000000000000000{number}" for number in (1, 2, 3)]
WORLD = """
account: "123456789012"
region: us-west-2
start: 2026-11-23T09:00:00Z
servers:
  - {id: s-00000000000000001, tags: {Role: Web}, durations: {conversion: 20, launch: 20, terminate: 40}}
  - {id: s-00000000000000002, tags: {Role: Web}, durations: {conversion: 20, launch: 20, terminate: 40}}
  - {id: s-00000000000000003, tags: {Role: App}, durations: {conversion: 20, launch: 20, terminate: 40}}
"""
TEXT = """
version: 1
plan: trio
sites: {main: {region: us-west-2}}
groups: {web: {select: {tags: {Role: Web}}}, app: {select: {tags: {Role: App}}}}
waves: [{name: Web, groups: [web]}, {name: App, groups: [app]}]
"""
RUNBOOK = runbook_of(TEXT)
SECOND = runbook_of(f"{TEXT}recovery: {{second_person: true}}\n")
SPELLINGS: list[Any] = [
    "RECOVERY",
    "recovery",
    "false",
    "no",
    "0",
    0,
    False,
    None,
    "",
    [],
    {},
    "None",
    "off",
    "real",
    1,
]
NAMES = ("execution_type", "ExecutionType", "type", "drill", "is_drill", "isDrill", "recovery", "recover", "for_real",
         "real", "token", "authorization", "authority")  # fmt: skip


@contextmanager
def lab():
    """A house with three servers."""
    with house(text=WORLD) as opened_house:
        yield opened_house


@pytest.fixture
def home():
    """The same, for a test."""
    with lab() as opened_house:
        yield opened_house


@pytest.fixture(scope="module")
def quiet():
    """One in which nothing is ever started, for all the tests of what is refused."""
    with lab() as opened_house:
        yield opened_house


def by(home: House, user: str) -> Session:
    """Somebody else's session in the same world."""
    return home.another_session(user=user)


def issued(session: Session, runbook=RUNBOOK, **options):
    """An authorisation of what a person was shown."""
    return authorize(session, session.preview(runbook), reason="the site is lost", **options)


def real_launches(home: House) -> list[dict[str, Any]]:
    """The launch jobs that DRS does not call drills."""
    return [job for job in home.jobs() if job["initiatedBy"] != "START_DRILL"]


# --- the way that there is -------------------------------------------------------------------------------------------


def test_a_recovery_launches_what_was_authorised(home):
    """For real: DRS calls neither its jobs nor its instances drills, and the history is whole."""
    token = issued(home.session).token
    recovery = recover(home.session, RUNBOOK, token=token)
    home.finish()
    recovery = final(home, recovery)
    assert (ExecutionType.RECOVERY, ExecutionStatus.COMPLETED) == (recovery.execution_type, recovery.status)
    assert ["START_RECOVERY"] * 2 == [job["initiatedBy"] for job in home.jobs()]
    assert {"RECOVERY"} == {job["tags"]["drskit:ExecutionType"] for job in home.jobs()}
    instances = home.session.recovery("us-west-2").recovery_instances(SERVERS)
    assert [False] * 3 == [instance.is_drill for instance in instances]
    assert () == faults(*home.session.history(recovery.execution_id))


def test_a_token_is_good_once_and_finds_what_it_began(home):
    """Also when the recovery is over, and for nobody else."""
    made = issued(home.session)
    recovery = recover(home.session, RUNBOOK, token=made.token)
    assert recovery == recover(home.session, RUNBOOK, token=made.token) == started(home.session, made.token)
    home.finish()
    assert final(home, recovery) == recover(home.another_session(), RUNBOOK, token=made.token)
    with pytest.raises(NotAuthorized, match="was made for"):
        recover(by(home, "noor"), RUNBOOK, token=made.token)
    assert recovery.execution_id == authorization(home.session, made.authorization.authorization_id).used_by
    assert 2 == len(home.jobs())


@pytest.mark.parametrize("kind", ["lost-reply", "crash-before"])
def test_a_start_without_an_answer_is_repeated_with_the_same_token(kind):
    """Whatever became of the transaction, one recovery comes of it."""
    with lab() as home:
        token = issued(home.session).token
        home.session.apply(RUNBOOK)
        session = home.another_session()
        Boundary("TransactWriteItems", 0, kind).attach(session)
        with suppress(Crash, DrskitError):
            recover(session, RUNBOOK, token=token)
        recovery = recover(home.another_session(), RUNBOOK, token=token)
        home.finish()
        assert ExecutionStatus.COMPLETED is final(home, recovery).status
        assert 2 == len(real_launches(home))
        assert 1 == len(home.session.executions()[0])


def test_after_fifteen_minutes_by_the_worlds_clock_a_token_is_void(home):
    """The tables' clock counts, not this machine's."""
    made = issued(home.session)
    home.clock.sleep(15 * 60)
    with pytest.raises(NotAuthorized, match="expired at 2026-11-23 09:15:00Z"):
        recover(home.session, RUNBOOK, token=made.token)
    execution, plan = home.session.draw_up(RUNBOOK, apply=True, authority=made.authorization.authority)
    with pytest.raises(NotAuthorized, match="expired"):
        home.session.create(execution, plan, secret=made.token.partition(".")[2])


def test_a_token_is_no_other_persons(quiet):
    """It is bound to the ARN that AWS says."""
    home = quiet
    with pytest.raises(NotAuthorized, match=r"was made for .*, and you are .*noor"):
        recover(by(home, "noor"), RUNBOOK, token=issued(home.session).token)


def test_a_second_person_must_countersign_where_the_plan_says_so(home):
    """Somebody else; then it is good for the first, not for the second."""
    made = issued(home.session, SECOND)
    name = made.authorization.authorization_id
    with pytest.raises(NotAuthorized, match="waits for a second person"):
        recover(home.session, SECOND, token=made.token)
    with pytest.raises(NotAuthorized, match="by somebody else"):
        countersign(home.session, name, reason="I trust myself")
    countersign(by(home, "noor"), name, reason="the site is lost indeed")
    with pytest.raises(NotAuthorized, match="countersigned already"):
        countersign(by(home, "omar"), name, reason="I, too")
    with pytest.raises(NotAuthorized, match="was made for"):
        recover(by(home, "noor"), SECOND, token=made.token)
    recovery = recover(home.session, SECOND, token=made.token)
    assert recovery.authority is not None
    assert recovery.authority.second is not None
    assert recovery.authority.second.by.endswith("user/noor")
    home.finish()
    assert () == faults(*home.session.history(recovery.execution_id))


def test_a_second_person_can_be_asked_for_where_the_plan_does_not(quiet):
    """By whoever authorises it."""
    home = quiet
    with pytest.raises(NotAuthorized, match="waits for a second person"):
        recover(home.session, RUNBOOK, token=issued(home.session, second_person=True).token)


def test_reasons_are_needed(quiet):
    """They are kept."""
    home = quiet
    with pytest.raises(InvalidInput, match="needs a reason"):
        authorize(home.session, home.session.preview(RUNBOOK), reason=" \u200b")
    with pytest.raises(InvalidInput, match="needs a reason"):
        countersign(home.session, "A1", reason="\u200b")
    with pytest.raises(NotFound, match="There is no authorisation A1"):
        countersign(home.session, "A1", reason="so it is")


# --- what is not what was authorised ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runbook", "words"),
    [
        (runbook_of(TEXT.replace("plan: trio", "plan: other")), "the plan is other, and trio was authorised"),
        (runbook_of(f"{TEXT}timeout: PT2H\n"), "the runbook reads otherwise"),
        (SECOND, "the runbook reads otherwise"),
    ],
)
def test_another_runbook_is_not_authorised(quiet, runbook, words):
    """Whatever differs."""
    home = quiet
    with pytest.raises(NotAuthorized, match=words):
        recover(home.session, runbook, token=issued(home.session).token)


def test_a_server_that_came_since_is_not_authorised(home):
    """Tags are resolved again at the start; what they mean then must be what a person was shown."""
    token = issued(home.session).token
    arn = f"arn:aws:drs:us-west-2:123456789012:source-server/{SERVERS[1]}"
    home.session.clients.drs("us-west-2").tag_resource(resourceArn=arn, tags={"Role": "Out"})
    with pytest.raises(NotAuthorized, match=f"{SERVERS[1]} would not be launched"):
        recover(home.session, RUNBOOK, token=token)
    assert [] == home.jobs()


def test_what_a_drill_left_goes_only_when_it_was_shown(home):
    """A drill's own instances are cleared by the next drill; a recovery clears nothing by itself."""
    token = issued(home.session).token
    drill = home.session.start(RUNBOOK)
    home.finish()
    with pytest.raises(GuardRefused, match="authorise the recovery again"):
        recover(home.session, RUNBOOK, token=token)
    made = issued(home.session)
    left = {server.recovery_instance_id for wave in final(home, drill).waves for server in wave.servers}
    assert left == set(made.authorization.scope.replace)
    recovery = recover(home.session, RUNBOOK, token=made.token)
    home.finish()
    assert ExecutionStatus.COMPLETED is final(home, recovery).status


def test_a_recovery_never_ends_another_recoverys_instances(home):
    """Nor does a drill, unless the operator names them."""
    recover(home.session, RUNBOOK, token=issued(home.session).token)
    home.finish()
    with pytest.raises(GuardRefused, match="a RECOVERY"):
        issued(home.session)
    with pytest.raises(GuardRefused, match="a RECOVERY"):
        home.session.start(RUNBOOK)


def test_one_execution_of_a_plan_lives(home):
    """A drill that lives is cancelled by a person, not by a recovery; the token stays good."""
    token = issued(home.session).token
    drill = home.session.start(RUNBOOK)
    with pytest.raises(PlanBusy):
        recover(home.session, RUNBOOK, token=token)
    home.session.command(drill.execution_id, CommandKind.CANCEL, reason="it is serious")
    home.finish()
    assert [] == home.jobs()
    recover(home.session, RUNBOOK, token=token)
    home.finish()
    assert 2 == len(real_launches(home))


# --- every way around ------------------------------------------------------------------------------------------------


def test_a_launch_that_is_no_drill_is_written_once():
    """`isDrill=False` stands in one place, behind the permit; a RECOVERY is made in one place, with its authority."""
    package = Path(__file__).parent.parent / "drskit"
    real, kinds = [], []
    for path in package.rglob("*.py"):
        if "sim" in path.relative_to(package).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "isDrill":
                real.append((path.stem, ast.unparse(node.value)))
            if isinstance(node, ast.keyword) and node.arg == "execution_type":
                kinds.append((path.stem, ast.unparse(node.value)))
    assert [("recovery", "True"), ("recovery", "False")] == real
    made = [("cleanup", "ExecutionType.CLEANUP"),
            ("planning", "ExecutionType.DRILL if authority is None else ExecutionType.RECOVERY")]  # fmt: skip
    assert made == sorted(kind for kind in kinds if "ExecutionType." in kind[1])
    assert "authority" not in signature(Session.start).parameters


def test_no_spelling_is_a_token(quiet):
    """Python's entry point; nor is an authorisation's name, or the hash that the tables keep."""
    made = issued(quiet.session).authorization
    guessed = [token_of(made.authorization_id, secret) for secret in ("", made.token_hash, "x" * 32)]
    for token in (*SPELLINGS, *guessed):
        with pytest.raises(NotAuthorized, match="There is no authorisation with this token"):
            recover(quiet.session, RUNBOOK, token=token)


@pytest.mark.parametrize("name", NAMES)
def test_no_event_of_a_lambda_function_means_a_recovery(quiet, name):
    """Its entry point: a message takes no such word, and an event that is none of a queue is refused."""
    place = {"AccountId": "123456789012", "Region": "us-west-2"}
    bodies = [json.dumps({**place, name: spelling}) for spelling in SPELLINGS if not isinstance(spelling, Path)]
    event = {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}
    assert len(bodies) == len(poll(quiet.session, event)["batchItemFailures"])
    with pytest.raises(InvalidInput):
        poll(quiet.session, {name: True})
    assert ([], []) == (quiet.jobs(), list(quiet.session.executions()[0]))


@pytest.mark.parametrize("name", NAMES)
def test_no_parameter_of_a_notebook_means_a_recovery(name):
    """Neither papermill's, nor `drskit run -p`'s, nor `open_drill`'s: none of them has one, whatever its value."""
    notebooks = sorted(find_file("notebooks/03-run-a-drill.ipynb").parent.glob("*.ipynb"))
    assert 5 == len(notebooks)
    for spelling in SPELLINGS:
        for notebook in notebooks:
            with pytest.raises(InvalidInput, match=f"no parameter '{name}'"):
                check_parameters(notebook, {name: spelling})
        with pytest.raises(InvalidInput):
            checked(DrillParameters, {name: spelling})


@pytest.mark.parametrize("name", NAMES)
def test_no_key_of_a_runbook_an_edit_or_the_settings_means_a_recovery(name):
    """Each is refused, or says nothing: the plan is the same, and nobody is asked for less."""
    for spelling in SPELLINGS:
        written = json.dumps(spelling)
        with suppress(InvalidRunbook):
            assert RUNBOOK.plan == runbook_of(f"{TEXT}{name}: {written}\n").plan
        with pytest.raises(InvalidRunbook):
            runbook_of(TEXT.replace("{name: Web,", f"{{name: Web, {name}: {written},"))
        with pytest.raises(InvalidInput, match="cannot be edited"):
            wanted(f"{name}: {written}")
    assert name not in Settings.model_fields


def test_what_is_launched_again_of_a_drill_is_a_drill(home):
    """By a retry of what was left out, whatever the drill's plan was edited to."""
    drill = home.session.start(RUNBOOK)
    home.session.command(drill.execution_id, CommandKind.SKIP, wave="App", reason="not now")
    home.session.poller().run_pass()
    home.finish()
    home.session.command(drill.execution_id, CommandKind.RETRY, wave="App", reason="now")
    home.finish()
    assert ["START_DRILL"] * 2 == [job["initiatedBy"] for job in home.jobs()]


def test_no_value_of_a_parameter_means_a_recovery(home):
    """Of each parameter that there is, every spelling that it takes draws up a drill, or nothing."""
    taken: dict[tuple[str, str], DrillParameters] = {}
    for name in DrillParameters.model_fields:
        for spelling in SPELLINGS:
            with suppress(InvalidInput):
                parameters = checked(DrillParameters, {"confirmed": True} | {name: spelling})
                kind = "text" if getattr(parameters, name) else "nothing"
                taken[name, kind] = parameters  # one that says something, and one that does not
    assert len(taken) > 15
    for parameters in taken.values():
        with suppress(DrskitError):
            Drill(home.session, RUNBOOK, parameters).start()
    assert {ExecutionType.DRILL} == {header.execution_type for header in home.session.executions()[0]}
    home.finish()
    assert ["START_DRILL"] * 2 == [job["initiatedBy"] for job in home.jobs()]


def test_a_panel_without_a_person_recovers_nothing(quiet):
    """Headless never, with a good token, whatever DRSKIT_UI says."""
    home = quiet
    token = issued(home.session).token
    live = home.another_session(ui="live")
    with pytest.raises(Refused, match="Nobody is there to type a token"):
        Drill(live, RUNBOOK, DrillParameters()).recover(token)
    assert ([], []) == (home.jobs(), list(home.session.executions()[0]))


def test_the_tables_create_no_recovery_without_its_secret(quiet):
    """Whoever calls the store in Python meets the same gate."""
    made = issued(quiet.session)
    execution, plan = quiet.session.draw_up(RUNBOOK, apply=True, authority=made.authorization.authority)
    for secret in SPELLINGS:
        with pytest.raises(NotAuthorized):
            quiet.session.create(execution, plan, secret=secret)
        with pytest.raises(NotAuthorized):
            quiet.session.create(execution.model_copy(update={"authority": None}), plan, secret=secret)
    assert [] == list(quiet.session.executions()[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"replace": ("i-00000000000000001",)},
        {"fast": True},
        {"mode": Mode.REAL},
        {"account_id": "999999999999"},
        {"started_by": "arn:aws:iam::123456789012:user/noor"},
        {"execution_type": ExecutionType.DRILL},
    ],
)
def test_the_tables_create_no_other_recovery_than_the_one_authorised(quiet, changes):
    """With the right secret; an authorisation is no drill's either."""
    home = quiet
    made = issued(home.session)
    execution, plan = home.session.draw_up(RUNBOOK, apply=True, authority=made.authorization.authority)
    with pytest.raises(NotAuthorized):
        home.session.create(execution.model_copy(update=changes), plan, secret=made.token.partition(".")[2])


def altered(home: House, execution: Execution, changes: dict[str, str]) -> None:
    """Change attributes of an execution's header behind drskit's back."""
    home.session.clients.dynamodb().update_item(
        TableName="drs-orchestration-execution-history-dev",
        Key={"ExecutionId": {"S": execution.execution_id}, "PlanId": {"S": execution.plan_id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
        ExpressionAttributeNames={f"#{name}": name for name in changes},
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in changes.items()},
    )


def test_a_drill_whose_item_is_altered_to_a_recovery_launches_nothing(home):
    """The worker, wherever it runs, asks the tables who authorised it; and `verify` says so."""
    drill = home.session.start(RUNBOOK)
    altered(home, drill, {"ExecutionType": "RECOVERY"})
    home.finish(home.another_session())
    found = final(home, drill)
    assert [] == home.jobs()
    errors = {server.error for wave in found.waves for server in wave.servers if server.status is ServerStatus.FAILED}
    assert {"nobody authorised this recovery: its record names no authorisation"} == errors
    assert "It is a RECOVERY, and nobody authorised it." in faults(*home.session.history(drill.execution_id))


def test_an_item_that_is_altered_after_its_intent_sends_nothing(home):
    """The permit is asked for again right before the request."""
    drill = home.session.start(RUNBOOK)
    session = home.another_session()
    Boundary("StartRecovery", 0, "crash-before").attach(session)
    with pytest.raises(Crash):
        home.finish(session)
    altered(home, drill, {"ExecutionType": "RECOVERY"})
    home.finish(home.another_session())
    assert [] == home.jobs()


def test_a_recovery_that_lost_its_authorisation_launches_nothing(home):
    """Somebody deleted it from the tables."""
    made = issued(home.session)
    recovery = recover(home.session, RUNBOOK, token=made.token)
    key = {"ExecutionId": {"S": f"AUTHORIZATION#{made.authorization.authorization_id}"},
           "PlanId": {"S": "#AUTHORIZATION"}}  # fmt: skip
    home.session.clients.dynamodb().delete_item(TableName="drs-orchestration-execution-history-dev", Key=key)
    home.finish()
    assert ExecutionStatus.FAILED is final(home, recovery).status
    assert [] == home.jobs()


def test_an_altered_authorisation_is_none(home):
    """Its parts must agree with each other, and with what the recovery keeps of it."""
    made = issued(home.session)
    recovery = recover(home.session, RUNBOOK, token=made.token)
    home.session.clients.dynamodb().update_item(
        TableName="drs-orchestration-execution-history-dev",
        Key={
            "ExecutionId": {"S": f"AUTHORIZATION#{made.authorization.authorization_id}"},
            "PlanId": {"S": "#AUTHORIZATION"},
        },
        UpdateExpression="SET #A.#S.#R = :r",
        ExpressionAttributeNames={"#A": "Authorization", "#S": "Scope", "#R": "Region"},
        ExpressionAttributeValues={":r": {"S": "eu-west-1"}},
    )
    home.finish()
    assert ExecutionStatus.FAILED is final(home, recovery).status
    assert [] == home.jobs()


def test_two_countersign_at_once_and_one_wins(quiet):
    """Conditional, as every write."""
    home = quiet
    made = issued(home.session, SECOND).authorization
    signed = countersign(by(home, "noor"), made.authorization_id, reason="so it is")
    with pytest.raises(LostRace):
        home.session.store.put_authorization(signed, expected=made.version)


def test_a_permit_is_for_who_answers(home):
    """What was authorised in a simulated world launches nothing in AWS, nor the other way round."""
    made = issued(home.session)
    recovery = recover(home.session, RUNBOOK, token=made.token)
    attempt = Attempt(
        attempt_id="01JDD5Q3X8M4T7V2W9Y0ZAAAAA", wave_name="Web", chunk=0, number=1, signed_at=home.session.store.now(),
        server_ids=(SERVERS[0],),
    )  # fmt: skip
    given = permit(recovery, attempt, authorization(home.session, made.authorization.authorization_id))
    assert isinstance(given, Permit)
    drs = home.session.recovery("us-west-2")
    others = [
        (replace(given, mode=Mode.REAL), "the recovery was authorised as REAL, and the simulator answers here"),
        (replace(given, attempt_id="another"), "the permit is for another launch"),
        (replace(given, execution_id="another"), "the permit is for another launch"),
        (replace(given, targets={SERVERS[1]: "latest"}), "other servers or points in time"),
        (replace(given, targets={SERVERS[0]: "pit-00000000000000001"}), "other servers or points in time"),
    ]
    for other, words in others:
        outcome = drs.recover(attempt, tags_of(recovery, attempt), other)
        assert isinstance(outcome, NotExecuted)
        assert words in outcome.message
    assert [] == home.jobs()


# --- afterwards ------------------------------------------------------------------------------------------------------


def test_recovered_servers_go_only_by_words_typed_in_full(home):
    """A yes is not enough, nor are other words; what was typed is an event of the history."""
    recovery = recover(home.session, RUNBOOK, token=issued(home.session).token)
    home.finish()
    preview = home.session.cleanup_preview(recovery.execution_id)
    assert "terminate 3 recovered servers of trio" == preview.to_type
    for typed in (*SPELLINGS, "yes", "terminate 2 recovered servers of trio", "Terminate 3 recovered servers of trio"):
        with pytest.raises(NotConfirmed, match="type exactly: terminate 3 recovered servers of trio"):
            home.session.cleanup(recovery.execution_id, reason="failed back", typed=typed)
    cleanup = home.session.cleanup(recovery.execution_id, reason="failed back", preview=preview, typed=preview.to_type)
    assert cleanup is not None
    assert preview.to_type == home.session.store.events(cleanup.execution_id)[0].facts["Typed"]
    home.finish()
    assert ExecutionStatus.COMPLETED is final(home, cleanup).status
    gone = {server.status for wave in final(home, recovery).waves for server in wave.servers}
    assert {ServerStatus.TERMINATED} == gone
    for execution in (cleanup, recovery):
        assert () == faults(*home.session.history(execution.execution_id))


def test_a_drills_cleanup_asks_for_no_words(home):
    """As ever."""
    drill = home.session.start(RUNBOOK)
    home.finish()
    assert home.session.cleanup_preview(drill.execution_id).to_type is None
    assert home.session.cleanup(drill.execution_id, reason="it is over") is not None


def test_a_cleanup_that_nobody_confirmed_terminates_nothing(home):
    """The engine looks for the words again: a recovery passed off as a drill keeps its instances."""
    recovery = recover(home.session, RUNBOOK, token=issued(home.session).token)
    home.finish()
    altered(home, recovery, {"ExecutionType": "DRILL"})
    session = home.another_session()
    with pytest.raises(Refused, match="DRS does not call it a drill instance"):
        session.cleanup(recovery.execution_id, reason="looks like a drill")
    altered(home, recovery, {"ExecutionType": "RECOVERY"})
    preview = session.cleanup_preview(recovery.execution_id)
    cleanup = session.cleanup(recovery.execution_id, reason="failed back", typed=preview.to_type)
    assert cleanup is not None
    unconfirmed = cleanup.model_copy(update={"typed": "yes", "version": cleanup.version + 1})
    session.store.commit(cleanup, unconfirmed, ())
    home.finish()
    states = home.session.recovery("us-west-2").recovery_instances(SERVERS)
    assert 3 == len(states)
