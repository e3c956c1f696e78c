"""What an authorisation is good for, without anything outside."""

from datetime import timedelta

import pytest

from drskit.authorization import (
    GOOD_FOR,
    Authorization,
    differences,
    hash_of,
    holds_token,
    may_not_countersign,
    not_good,
    parts_of,
    permit,
    scope_of,
    token_of,
    unauthorised,
)
from drskit.model import LATEST, Decision, ExecutionType, Mode
from tests.builders import START, at, attempt_of, execution_of, sid, wave

MIRA = "arn:aws:iam::123456789012:user/mira"
NOOR = "arn:aws:iam::123456789012:user/noor"
STRANGER = "arn:aws:iam::999999999999:user/noor"
NAMELESS = "arn:aws:sts::123456789012:assumed-role/Operator/botocore-session-1700000000"
SECRET = "0123456789abcdef"
DRILL = execution_of((wave("Database"), 2))


def authorised(**changes) -> Authorization:
    """An authorisation of a recovery of two servers, made at the start and used by nobody."""
    made = Authorization(
        authorization_id="01JDD5Q3X8M4T7V2W9Y0ZAAAAA", token_hash=hash_of(SECRET), scope=scope_of(DRILL), by=MIRA,
        at=START, expires=START + GOOD_FOR, reason="the site is lost",
    )  # fmt: skip
    return made.model_copy(update=changes)


def recovery(authorization=None, **changes):
    """The recovery that consumed an authorisation."""
    authority = (authorization or authorised()).authority
    update = {"execution_type": ExecutionType.RECOVERY, "authority": authority, **changes}
    return DRILL.model_copy(update=update)


def used(**changes) -> Authorization:
    """The authorisation, consumed."""
    return authorised(used_by=DRILL.execution_id, version=2, **changes)


# --- good for whom, when and how often -------------------------------------------------------------------------------


def test_a_token_names_its_authorisation_and_hides_its_secret():
    """What the tables keep is a hash."""
    assert ("A1", SECRET) == parts_of(f" {token_of('A1', SECRET)}\n")
    assert holds_token(authorised(), SECRET)
    assert SECRET not in str(authorised().to_json())


@pytest.mark.parametrize("token", [None, "", ".", "A1", "A1.", False, 0, "false", "no", b"A1.x", ["A1.x"]])
def test_what_is_no_token_opens_nothing(token):
    """Whatever its type."""
    assert not holds_token(authorised(), parts_of(token)[1])


@pytest.mark.parametrize(
    ("changes", "by", "seconds", "complaint"),
    [
        ({}, MIRA, 0, None),
        ({}, MIRA, 899, None),
        ({}, MIRA, 900, "expired at 2026-11-23 09:15:00Z, and it is 2026-11-23 09:15:00Z by AWS's clock"),
        ({}, NOOR, 0, f"was made for {MIRA}, and you are {NOOR}"),
        ({"used_by": "E1"}, MIRA, 0, "was used for execution E1; a token is good once"),
        ({"used_by": DRILL.execution_id}, MIRA, 0, None),
        ({"second_person": True}, MIRA, 0, "waits for a second person"),
        ({"second_person": True, "second": Decision(by=NOOR, at=START, reason="so it is")}, MIRA, 0, None),
    ],
)
def test_it_is_good_for_one_person_once_for_fifteen_minutes(changes, by, seconds, complaint):
    """A token used again finds what it began; that is no second use."""
    found = not_good(authorised(**changes), DRILL.execution_id, by, at(seconds))
    assert (complaint is None) is (found is None)
    assert (complaint or "") in (found or "")


@pytest.mark.parametrize(
    ("changes", "by", "seconds", "complaint"),
    [
        ({}, NOOR, 0, None),
        ({}, MIRA, 0, f"by somebody else: {MIRA} authorised it"),
        ({}, "arn:aws:sts::123456789012:assumed-role/Operator/mira", 0, "by somebody else"),
        ({"by": NAMELESS}, NAMELESS.replace("1700000000", "1700000001"), 0, "names nobody"),
        ({}, STRANGER, 0, "is for account 123456789012"),
        ({}, NOOR, 900, "expired"),
        ({"second_person": False}, NOOR, 0, "needs no second person"),
        ({"second": Decision(by=NOOR, at=START, reason="so it is")}, NOOR, 1, f"countersigned already, by {NOOR}"),
        ({"used_by": "E1"}, NOOR, 0, "was used for execution E1"),
    ],
)
def test_a_second_person_is_another_person(changes, by, seconds, complaint):
    """Under whatever role; and while it can still be used."""
    found = may_not_countersign(authorised(**{"second_person": True} | changes), by, at(seconds))
    assert (complaint is None) is (found is None)
    assert (complaint or "") in (found or "")


# --- good for what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plan_id": "bank"}, "the plan is bank, and shop was authorised"),
        ({"account_id": "999999999999"}, "the account is 999999999999"),
        ({"region": "eu-west-1"}, "the Region is eu-west-1"),
        ({"mode": Mode.REAL}, "the mode is REAL, and SIMULATED was authorised"),
        ({"digest": "0" * 64}, "the runbook reads otherwise"),
        ({"plan_digest": "0" * 64}, "the runbook reads otherwise"),
        ({"targets": dict.fromkeys((sid(1), sid(2), sid(3)), LATEST)}, f"{sid(3)} would be launched, too"),
        ({"targets": {sid(1): LATEST}}, f"{sid(2)} would not be launched"),
        (
            {"targets": {sid(1): LATEST, sid(2): "pit-00000000000000001"}},
            f"{sid(2)} would be recovered from pit-00000000000000001, not latest",
        ),
        ({"replace": ("i-1",)}, "i-1 would be terminated, and nobody was shown that"),
        ({"fast": True}, "it is to be fast"),
    ],
)
def test_each_difference_is_named_and_changes_the_seal(changes, words):
    """Nothing of what was authorised may be otherwise."""
    scope = authorised().scope
    asked = scope.model_copy(update=changes)
    assert words in "; ".join(differences(scope, asked))
    assert scope.seal != asked.seal
    assert () == differences(scope, scope)


# --- what an execution must carry ------------------------------------------------------------------------------------


def test_an_authorised_recovery_may_launch_what_was_authorised():
    """Any part of it."""
    for servers in ((sid(1),), (sid(1), sid(2))):
        assert unauthorised(recovery(), servers, {}, used()) is None


@pytest.mark.parametrize(
    ("execution", "authorization", "complaint"),
    [
        (recovery(authority=None), None, "its record names no authorisation"),
        (recovery(authority=None), used(), "its record names no authorisation"),
        (recovery(), None, "is not in the tables"),
        (recovery(), used(authorization_id="01JDD5Q3X8M4T7V2W9Y0ZBBBBB"), "is not in the tables"),
        (recovery(), authorised(), "was not consumed by this execution"),
        (recovery(), authorised(used_by="E9"), "was not consumed by this execution"),
        (recovery(), used(second_person=True), "its record says otherwise"),
        (recovery(), used(by=NOOR), "its record says otherwise"),
        (recovery(started_by=NOOR), used(), "its record says otherwise"),
        (recovery(mode=Mode.REAL), used(), "the mode is REAL"),
        (recovery(account_id="999999999999"), used(), "the account is"),
        (recovery(region="eu-west-1"), used(), "the Region is"),
        (recovery(replace=("i-1",)), used(), "i-1 would be terminated"),
        (recovery(fast=True), used(), "it is to be fast"),
        (recovery(digest="0" * 64), used(), "the runbook reads otherwise"),
        (recovery(plan=execution_of((wave("Database", max_failed=2), 2)).plan), used(), "the runbook reads otherwise"),
        (DRILL, used(), "only a RECOVERY recovers for real"),
    ],
)
def test_an_execution_that_was_made_or_altered_by_hand_launches_nothing(execution, authorization, complaint):
    """What it says of itself counts for nothing."""
    attempt = attempt_of()
    assert complaint in (unauthorised(execution, attempt.server_ids, {}, authorization) or "")
    assert complaint in str(permit(execution, attempt, authorization))


def test_other_servers_and_points_in_time_are_not_authorised():
    """Also where the execution lists them."""
    assert f"{sid(3)} would be launched, too" in (unauthorised(recovery(), (sid(3),), {}, used()) or "")
    pinned = unauthorised(recovery(), (sid(1),), {sid(1): "pit-00000000000000001"}, used())
    assert "would be recovered from pit-00000000000000001" in (pinned or "")


def test_an_authorisation_is_short():
    """A promise of the documentation."""
    assert timedelta(minutes=15) == GOOD_FOR
