"""Edits of running executions against the simulator: recorded, carried out once, and kept beside what was started."""

from contextlib import contextmanager
from datetime import timedelta

import boto3
import pytest

from drskit.editing import EDITABLE, edit, wanted
from drskit.errors import GuardRefused, InvalidInput, NotAuthorized, NotFound, Refused
from drskit.model import CommandKind, ExecutionStatus, Wave, WaveStatus
from drskit.recovering import authorize, recover
from drskit.report.evidence import execution_json
from drskit.report.html import render_html
from drskit.report.markdown import render_markdown
from drskit.report.summary import summarise
from drskit.verify import faults
from drskit.views.text import board_text
from tests.harness import final, house, runbook_of

A, B, C, D = (f"s-0000000000000000{number}" for number in range(1, 5))
QUICK = "durations: {conversion: 20, launch: 20}"
WORLD = f"""
account: "123456789012"
region: us-west-2
start: 2026-11-23T09:00:00Z
servers:
  - {{id: {A}, name: db-1, tags: {{Role: Db}}, {QUICK}}}
  - {{id: {B}, name: web-1, tags: {{Role: Web}}, {QUICK}}}
  - {{id: {C}, name: web-2, tags: {{Role: Web}}, {QUICK}}}
  - {{id: {D}, name: new-1, tags: {{Role: New}}, {QUICK}}}
"""
TEXT = """
version: 1
plan: trio
sites: {main: {region: us-west-2}}
groups: {db: {select: {tags: {Role: Db}}}, web: {select: {tags: {Role: Web}}}}
waves: [{name: Db, groups: [db]}, {name: Web, groups: [web]}]
"""
RUNBOOK = runbook_of(TEXT)


@contextmanager
def drilling(text: str = TEXT):
    """A house in which a drill has begun, and that drill."""
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(text))
        home.session.poller().run_pass()
        yield home, execution.execution_id


def tagged(home, server_id: str, role: str) -> None:
    """The server gets another role."""
    arn = f"arn:aws:drs:us-west-2:123456789012:source-server/{server_id}"
    home.session.clients.drs("us-west-2").tag_resource(resourceArn=arn, tags={"Role": role})


def by(home, user: str):
    """Somebody else's session."""
    return home.another_session(user=user)


def test_an_edit_is_carried_out_and_both_plans_are_kept():
    """Servers, timeout and approval at once; the report, the board, JSON and verify know of it."""
    with drilling() as (home, execution_id):
        tagged(home, D, "Web")
        started = home.session.store.load(execution_id).plan
        what = wanted("{timeout: PT2H, approve: {text: The database answers.}}", add=[D], remove=[C])
        edit(home.session, execution_id, "Web", what, reason="second web server is slow")
        home.finish()
        execution, events, logs = home.session.history(execution_id)
        assert ExecutionStatus.COMPLETED is execution.status
        assert [B, D] == [server.source_server_id for server in execution.wave("Web").servers]
        assert "The database answers." == (execution.plan.waves[1].approval or Wave).text
        assert (started, 1) == (execution.applied, execution.plan_version)
        assert () == faults(execution, events, logs)
        launched = {name for attempt in execution.attempts for name in attempt.server_ids}
        assert {A, B, D} == launched
        stored = home.session.store.get_plan("trio")
        assert stored is not None
        assert started == stored.plan
        shown = execution_json(execution)
        assert ("PT1H30M", "PT2H") == (shown["Applied"]["Waves"][1]["Timeout"], shown["Plan"]["Waves"][1]["Timeout"])
        summary = summarise(execution, events, logs, home.session.store.now())
        for text in (render_html(summary), render_markdown(summary)):
            assert "Edits" in text
            assert "second web server is slow" in text
            assert started.digest[:12] in text
            assert execution.plan.digest[:12] in text
        assert "Edited while it ran" in board_text(execution, home.session.store.now())


def test_an_edit_that_anybody_undid_shows():
    """The plan that is executed is sealed in the history, as is the one that was started."""
    with drilling() as (home, execution_id):
        edit(home.session, execution_id, "Web", wanted("timeout: PT2H"), reason="slow disks")
        home.finish()
        execution, events, logs = home.session.history(execution_id)
        assert () == faults(execution, events, logs)
        undone = execution.model_copy(update={"plan": execution.started_plan, "applied": None})
        assert "The plan is not the one that was executed." in faults(undone, events, logs)
        other = execution.model_copy(update={"applied": execution.plan})
        assert "The plan is not the one that was started." in faults(other, events, logs)


def test_what_is_dropped_is_as_if_it_were_not_there():
    """The default, whatever the plan said."""
    text = TEXT.replace("groups: [web]}", f"groups: [web], timeout: PT3H, order: [[{B}]]}}")
    with drilling(text) as (home, execution_id):
        edit(home.session, execution_id, "Web", wanted("", drop=["timeout", "order"]), reason="no need")
        home.finish()
        plan_wave = final(home, home.session.store.load(execution_id)).plan.waves[1]
        assert (timedelta(minutes=90), ()) == (plan_wave.timeout, plan_wave.order)


def test_a_server_moves_from_one_wave_to_another():
    """Out of the first, then into the second; it is launched once."""
    text = TEXT.replace("waves: [{name: Db, groups: [db]},", "waves: [{name: Db, groups: [db], approve: Now.},")
    with drilling(text) as (home, execution_id):
        tagged(home, D, "Db")
        edit(home.session, execution_id, "Db", wanted("", add=[D]), reason="one more")
        home.session.poller().run_pass()
        edit(home.session, execution_id, "Db", wanted("", remove=[D]), reason="not there")
        home.session.poller().run_pass()
        edit(home.session, execution_id, "Web", wanted("", add=[D]), reason="but here")
        home.finish()
        execution = home.session.store.load(execution_id)
        assert {B, C, D} == {server.source_server_id for server in execution.wave("Web").servers}
        assert () == faults(*home.session.history(execution_id))


@pytest.mark.parametrize(
    ("text", "lists", "words"),
    [
        ("", {}, "Nothing is named to change"),
        ("timeout", {}, "says nothing of a wave"),
        ("{timeout: PT2H", {}, "is not valid YAML"),
        ("name: Other", {}, "'name' of a wave cannot be edited. Known: approve, timeout"),
        ("needs: []", {}, "'needs' of a wave cannot be edited"),
        ("", {"drop": ["groups"]}, "'groups' of a wave cannot be edited"),
        ("timeout: PT2H", {"drop": ["timeout"]}, "timeout is both set and dropped"),
        ("add: s-1", {}, "add is a list"),
    ],
)
def test_what_says_nothing_sensible_is_refused(text, lists, words):
    """Before anybody is asked."""
    with pytest.raises(InvalidInput, match=words):
        wanted(text, **lists)


def test_every_refusal_names_what_to_do():
    """By the runbook's own rules, by DRS, by the plan's groups and by the relaunch guard; nothing is recorded."""
    with drilling() as (home, execution_id):
        before = home.session.store.load(execution_id)
        for text, words in {
            "timeout: soon": "timeout: 'soon'",
            "approve: yes": "approve",
            "approve: none": "or drop the key for no approval",
            "max_failed: many": "max_failed: 'many'",
            f"order: [[{B}, {B}]]": "is twice in this step",
            f"order: [[{A}]]": "is named by the wave's order or optional",
            "before: [{wait: PT1M}]": "modes",
        }.items():
            with pytest.raises((InvalidInput, Refused), match=words):
                edit(home.session, execution_id, "Web", wanted(text), reason="why")
        for names, words in {A: "no protection group|in wave Db", D: "in no protection group of plan trio"}.items():
            with pytest.raises(Refused, match=words):
                edit(home.session, execution_id, "Web", wanted("", add=[names]), reason="why")
        for gone, name in ((A, A), (f"{B},{C}", f"{B},{C}"), (" ", "An empty name")):
            with pytest.raises(Refused, match=f"{name} is not in wave Web. It has {B}, {C}; name each that is to go"):
                edit(home.session, execution_id, "Web", wanted("", remove=[gone]), reason="why")
        with pytest.raises(Refused, match="is in wave Web already"):
            edit(home.session, execution_id, "Web", wanted("", add=[B]), reason="why")
        with pytest.raises(Refused, match=r"wave Db is .*; only what has not started can be edited"):
            edit(home.session, execution_id, "Db", wanted("timeout: PT2H"), reason="why")
        with pytest.raises(NotFound, match="has no wave 'Other'"):
            edit(home.session, execution_id, "Other", wanted("timeout: PT2H"), reason="why")
        with pytest.raises(InvalidInput, match="Add --wave NAME"):
            edit(home.session, execution_id, None, wanted("timeout: PT2H"), reason="why")
        with pytest.raises(InvalidInput, match="needs a reason"):
            edit(home.session, execution_id, "Web", wanted("timeout: PT2H"), reason=" ")
        with pytest.raises(InvalidInput, match="An edit says what it makes of a wave"):
            home.session.command(execution_id, CommandKind.EDIT, reason="why", wave="Web")
        assert before.commands == home.session.store.load(execution_id).commands


def test_an_added_server_destroys_nothing_that_somebody_needs():
    """The relaunch guard is asked at once, and again before the launch."""
    with drilling() as (home, execution_id):
        drs = boto3.client("drs", region_name="us-west-2")
        drs.start_recovery(sourceServers=[{"sourceServerID": D}], isDrill=False)
        home.clock.sleep(1_200)
        tagged(home, D, "Web")
        with pytest.raises(GuardRefused, match="a RECOVERY"):
            edit(home.session, execution_id, "Web", wanted("", add=[D]), reason="why")


def test_who_edits_what_another_approves_is_refused():
    """The session says so at once."""
    text = TEXT.replace("groups: [web]}", "groups: [web], approve: {text: Now., by: [noor]}}")
    with drilling(text) as (home, execution_id):
        with pytest.raises(Refused, match="must be one who may approve wave Web"):
            edit(home.session, execution_id, "Web", wanted("", drop=["approve"]), reason="quicker")
        edit(by(home, "noor"), execution_id, "Web", wanted("", drop=["approve"]), reason="I vouch for it")
        home.finish(approve=False)
        assert WaveStatus.COMPLETED is final(home, home.session.store.load(execution_id)).wave("Web").status


def test_a_recovery_takes_in_only_what_was_authorised():
    """Whatever the groups mean by now; a server that was authorised may come back."""
    with house(text=WORLD) as home:
        token = authorize(home.session, home.session.preview(RUNBOOK), reason="lost").token
        recovery = recover(home.session, RUNBOOK, token=token)
        home.session.poller().run_pass()
        tagged(home, D, "Web")
        with pytest.raises(NotAuthorized, match=f"{D} would be launched, too"):
            edit(home.session, recovery.execution_id, "Web", wanted("", add=[D]), reason="one more")
        edit(home.session, recovery.execution_id, "Web", wanted("timeout: PT2H", remove=[C]), reason="not this")
        home.session.poller().run_pass()
        edit(home.session, recovery.execution_id, "Web", wanted("", add=[C]), reason="it is well again")
        home.finish()
        execution = final(home, recovery)
        assert ExecutionStatus.COMPLETED is execution.status
        assert {B, C} == {server.source_server_id for server in execution.wave("Web").servers}
        assert () == faults(*home.session.history(recovery.execution_id))


def test_every_editable_key_is_a_field_of_the_plan():
    """One that is not would change nothing."""
    assert {name for names in EDITABLE.values() for name in names} <= set(Wave.model_fields)


def test_checks_and_waits_are_edited_as_in_a_runbook():
    """The wave waits and asks as it reads then."""
    with drilling() as (home, execution_id):
        text = "before: [{wait: PT1M, modes: [DRILL]}]\nchecks: {all: [{ec2_status: ok}]}"
        edit(home.session, execution_id, "Web", wanted(text), reason="a little time, and proof")
        home.finish()
        execution = final(home, home.session.store.load(execution_id))
        assert ExecutionStatus.COMPLETED is execution.status
        assert ["before"] == [task.phase.value for task in execution.tasks if task.wave_name == "Web"]
        assert all(server.verified_time for server in execution.wave("Web").servers)
        assert () == faults(*home.session.history(execution_id))
