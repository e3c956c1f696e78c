"""Who may approve: identities as AWS spells them, and the rule held when a yes is given and when it is obeyed."""

import getpass

import pytest

from drskit.approvers import STAND_IN, identity_of, local_identity, may_not_approve, question
from drskit.errors import InvalidInput, Refused
from drskit.model import Approval, CommandKind, ExecutionStatus, Mode, WaveStatus
from tests.builders import Walk, execution_of, wave
from tests.harness import final, house, runbook_of

ACCOUNT = "123456789012"
MIRA = f"arn:aws:iam::{ACCOUNT}:user/mira"
ZOE = f"arn:aws:iam::{ACCOUNT}:user/teams/dr/zoe"
ADMIN = f"arn:aws:sts::{ACCOUNT}:assumed-role/DrApprovers/zoe@example.com"
NAMELESS = f"arn:aws:sts::{ACCOUNT}:assumed-role/DrApprovers/botocore-session-1700000000"


def barred(arn: str, *, mode: Mode = Mode.SIMULATED, started_by: str = MIRA, **rules: object) -> str | None:
    """Why somebody may not approve under these rules."""
    execution = execution_of((wave("Database"), 1), mode=mode, started_by=started_by)
    return may_not_approve(execution, Approval(text="Now?", **rules), arn)


# --- who is meant ----------------------------------------------------------------------------------------------------


def test_anybody_may_approve_where_nothing_is_said():
    """Whatever their ARN looks like."""
    for arn in (MIRA, ZOE, ADMIN, NAMELESS, "mira", f"arn:aws:iam::{ACCOUNT}:root"):
        assert barred(arn) is None


@pytest.mark.parametrize(
    ("by", "pattern"),
    [
        (MIRA, "mira"),
        (MIRA, "user/mira"),
        (MIRA, "m*"),
        (MIRA, MIRA),
        (ZOE, "zoe"),
        (ZOE, ZOE),
        (ZOE, f"arn:aws:iam::{ACCOUNT}:user/teams/*"),
        (ADMIN, "role/DrApprovers"),
        (ADMIN, "role/Dr*"),
        (ADMIN, ADMIN),
        (ADMIN, f"arn:aws:iam::{ACCOUNT}:role/DrApprovers"),
        (ADMIN, f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/DrApprovers"),
        (ADMIN, f"arn:aws:sts::{ACCOUNT}:assumed-role/DrApprovers/*@example.com"),
        (ADMIN, "arn:aws:iam::*:role/DrApprovers"),
    ],
)
def test_users_roles_and_arns_are_recognised(by, pattern):
    """A user without its path, a role by any of its sessions, and either by its ARN."""
    assert barred(by, by=("role/Nobody", pattern)) is None


@pytest.mark.parametrize(
    ("by", "pattern"),
    [
        (MIRA, "zoe"),
        (MIRA, "mir"),
        (MIRA, "Mira"),
        (MIRA, "role/mira"),
        (ADMIN, "DrApprovers"),
        (ADMIN, "zoe@example.com"),
        (ADMIN, "user/zoe@example.com"),
        (ADMIN, "role/DrApprover"),
        (ADMIN, f"arn:aws:iam::{ACCOUNT}:role/Other/*"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Anything/mira", "mira"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Anything/role/DrApprovers", "role/DrApprovers"),
        ("arn:aws:iam::999999999999:user/mira", "mira"),
        ("arn:aws:sts::999999999999:assumed-role/DrApprovers/zoe", "role/DrApprovers"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/mira", "mira"),
        (f"arn:aws:iam::{ACCOUNT}:root", "root"),
        ("mira", "mira"),
        ("", "mira"),
    ],
)
def test_nobody_else_is(by, pattern):
    """Least of all a session that calls itself like somebody, or a namesake in another account."""
    said = barred(by, by=(pattern,))
    assert f"{by} may not approve it; it is to be approved by {pattern}" == said


# --- not the starter -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "started_by"),
    [
        (MIRA, MIRA),
        (ADMIN, ADMIN),
        (MIRA, f"arn:aws:sts::{ACCOUNT}:assumed-role/DrskitOperator/mira"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/DrApprovers/Mira", MIRA),
        (ADMIN, f"arn:aws:sts::{ACCOUNT}:assumed-role/DrskitOperator/zoe@example.com"),
    ],
)
def test_the_same_person_under_another_role_is_the_starter_all_the_same(by, started_by):
    """A user and a session of one name, or two sessions of one, are taken for one person."""
    assert "it is to be approved by somebody else" in barred(by, started_by=started_by, not_starter=True)


@pytest.mark.parametrize(
    ("by", "started_by"),
    [
        (ZOE, MIRA),
        (ADMIN, MIRA),
        (ADMIN, f"arn:aws:sts::{ACCOUNT}:assumed-role/DrApprovers/mira@example.com"),
        (MIRA, f"arn:aws:sts::{ACCOUNT}:assumed-role/NightlyDrills/i-0123456789abcdef0"),
        (ADMIN, f"arn:aws:sts::{ACCOUNT}:assumed-role/NightlyDrills/botocore-session-1"),
    ],
)
def test_somebody_else_may(by, started_by):
    """Also where a machine started it, and where two people share a role under their own names."""
    assert barred(by, started_by=started_by, not_starter=True) is None


@pytest.mark.parametrize(("by", "started_by"), [(NAMELESS, MIRA), (ADMIN, NAMELESS), (NAMELESS, NAMELESS[:-1])])
def test_a_session_that_names_nobody_cannot_be_told_from_the_starter(by, started_by):
    """So it is no yes; the remedy is named."""
    said = barred(by, started_by=started_by, not_starter=True)
    assert "names nobody, so nobody can tell whether its approver started it. Set role_session_name" in said


def test_both_rules_hold_together():
    """One of those who may, and not the starter."""
    assert barred(MIRA, by=("mira", "zoe"), not_starter=True) is not None
    assert barred(ZOE, by=("mira", "zoe"), not_starter=True) is None


def test_the_question_says_of_whom_it_is_asked():
    """In words, beside the text."""
    assert "Now?" == question(Approval(text="Now?"))
    both = Approval(text="Now?", by=("mira", "role/Dr"), not_starter=True)
    expected = "Now? (to be approved by mira or role/Dr, and by somebody else than who started it)"
    assert expected == question(both)


def test_an_arn_that_is_neither_user_nor_role_says_only_itself():
    """Nothing is guessed of it."""
    for arn in ("", "mira", f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:s3:::bucket", f"arn:aws:iam::{ACCOUNT}:user"):
        assert ("", "") == (identity_of(arn).role, identity_of(arn).person)


# --- when a yes is given and when it is obeyed -----------------------------------------------------------------------


def test_the_engine_refuses_a_yes_of_somebody_who_may_not():
    """However it came into the tables; the wave waits on."""
    walk = Walk(execution_of((wave("Database", approval=Approval(text="Now?", by=("zoe",))), 1))).run()
    assert "approval of wave Database: Now? (to be approved by zoe)" == walk.execution.waiting_for
    walk.command(CommandKind.APPROVE, "Database")
    walk.run()
    assert "refused: wave Database: mira may not approve it; it is to be approved by zoe" == walk.answer()
    assert (ExecutionStatus.PAUSED, [WaveStatus.WAITING_APPROVAL], []) == (walk.status, walk.waves, walk.launches)


def test_anybody_may_say_no():
    """To stop is always allowed: anybody could cancel as well."""
    walk = Walk(execution_of((wave("Database", approval=Approval(text="Now?", by=("zoe",))), 1))).run()
    walk.command(CommandKind.DECLINE, "Database")
    assert ExecutionStatus.CANCELLED is walk.run().status


def test_nobody_stands_in_for_people_against_aws():
    """The name alone opens nothing."""
    assert barred(STAND_IN, by=("zoe",)) is None
    assert barred(STAND_IN, mode=Mode.REAL, by=("zoe",)) is not None
    assert barred(STAND_IN, mode=Mode.REAL, started_by=STAND_IN, not_starter=True) is not None


WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 24
servers:
  - {id: s-6d0c1d2e3f4a5b6c1, name: books, tags: {Tier: books}}
"""
PLAN = """
version: 1
plan: asked
sites: {main: {region: us-west-2}}
groups: {books: {select: {tags: {Tier: books}}}}
waves: [{name: Books, groups: [books], approve: {text: "Now?", by: [zoe], not_starter: true}}]
"""


def test_a_yes_of_somebody_who_may_not_is_refused_at_once():
    """Nothing is recorded; who may is named; and when they say yes it counts, with name and reason."""
    with house(text=WORLD, user="mira") as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish(approve=False)
        with pytest.raises(Refused, match="user/mira may not approve it; it is to be approved by zoe, and by somebody"):
            home.session.command(execution.execution_id, CommandKind.APPROVE, reason="fine", wave="Books")
        assert () == final(home, execution).commands
        other = home.another_session(user="zoe")
        with pytest.raises(InvalidInput, match="A command needs a reason"):
            other.command(execution.execution_id, CommandKind.APPROVE, reason=" \u200b", wave="Books")
        other.command(execution.execution_id, CommandKind.APPROVE, reason="books balance", wave="Books")
        home.finish(approve=False)
        ended = final(home, execution)
        assert (ExecutionStatus.COMPLETED, MIRA) == (ended.status, ended.started_by)
        approved = ended.waves[0].approved
        assert (f"arn:aws:iam::{ACCOUNT}:user/zoe", "books balance") == (approved.by, approved.reason)


def test_somebody_stands_in_where_a_simulated_drill_approves_everything():
    """The report says that it was nobody; a caller who may approves in their own name."""
    with house(text=WORLD, user="mira") as home:
        execution = home.session.start(runbook_of(PLAN))
        home.finish(approve=False)
        home.session.command(
            execution.execution_id, CommandKind.APPROVE, reason="rehearsal", wave="Books", stand_in=True
        )
        home.finish(approve=False)
        assert STAND_IN == final(home, execution).waves[0].approved.by


# --- who somebody is -------------------------------------------------------------------------------------------------


def test_in_a_simulated_world_people_are_their_login():
    """Or whom they say they are, as a name or an ARN."""
    with house(text=WORLD) as home:
        login = f"arn:aws:iam::{ACCOUNT}:user/{getpass.getuser()}"
        assert (ACCOUNT, login) == home.session.caller
        for user, arn in (("zoe", f"arn:aws:iam::{ACCOUNT}:user/zoe"), (ADMIN, ADMIN)):
            session = home.another_session(user=user)
            assert arn == session.caller[1]
    assert f"arn:aws:iam::{ACCOUNT}:user/DOMAIN-mira-lee" == local_identity("DOMAIN\\mira lee", ACCOUNT)
