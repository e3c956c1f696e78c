"""Authorisations in every store: written on conditions, and consumed by the transaction that creates a recovery."""

from datetime import timedelta

import pytest

from drskit.authorization import Authorization, hash_of, scope_of
from drskit.errors import LostRace, NotAuthorized, PlanBusy
from drskit.model import Decision, ExecutionType
from tests.store.strategies import START, event, execution

SECRET = "0123456789abcdef"
SECOND = Decision(by="arn:aws:iam::123456789012:user/noor", at=START, reason="seen")


def authorised(**changes) -> Authorization:
    """One for the execution of these tests."""
    plain = execution()
    made = Authorization(
        authorization_id="A1", token_hash=hash_of(SECRET), scope=scope_of(plain), by=plain.started_by, at=START,
        expires=START + timedelta(days=36_500), reason="the site is lost",
    )  # fmt: skip
    return made.model_copy(update=changes)


def recovery(authorization: Authorization):
    """The recovery that it is for."""
    update = {"execution_type": ExecutionType.RECOVERY, "authority": authorization.authority}
    return execution().model_copy(update=update)


def create(store, authorization: Authorization, secret: str | None = SECRET, **changes) -> None:
    store.create(recovery(authorization).model_copy(update=changes), (event(1),), begun=0, secret=secret)


def test_an_authorisation_is_read_back(store):
    """And one of another name is none."""
    made = authorised(second_person=True, second=SECOND)
    store.put_authorization(made, expected=None)
    assert made == store.get_authorization("A1")
    assert store.get_authorization("A2") is None


def test_one_writer_of_an_authorisation_wins(store):
    """By its version."""
    made = authorised()
    store.put_authorization(made, expected=None)
    with pytest.raises(LostRace):
        store.put_authorization(made, expected=None)
    signed = made.model_copy(update={"second": SECOND, "version": 2})
    store.put_authorization(signed, expected=1)
    with pytest.raises(LostRace):
        store.put_authorization(signed, expected=1)
    assert signed == store.get_authorization("A1")


def test_a_recovery_consumes_its_authorisation(store):
    """Once; afterwards nobody writes it any more, and it is in no list of executions."""
    made = authorised()
    store.put_authorization(made, expected=None)
    create(store, made)
    assert recovery(made) == store.load("E1")
    used = store.get_authorization("A1")
    assert ("E1", 2) == (used.used_by, used.version)
    with pytest.raises(LostRace):
        store.put_authorization(used, expected=2)
    with pytest.raises((NotAuthorized, PlanBusy)):
        create(store, made, execution_id="E2")
    assert ["E1"] == [header.execution_id for header in store.list_executions()]
    assert ["E1"] == [header.execution_id for header in store.sweep()]


@pytest.mark.parametrize(
    ("stored", "secret", "words"),
    [
        (None, SECRET, "There is no authorisation with this token"),
        (authorised(), "another", "There is no authorisation with this token"),
        (authorised(), None, "needs a token, and none was given"),
        (authorised(second_person=True), SECRET, "waits for a second person"),
        (authorised(by="arn:aws:iam::123456789012:user/noor"), SECRET, "was made for"),
        (authorised(expires=START), SECRET, "expired"),
        (authorised(scope=scope_of(execution()).model_copy(update={"fast": True})), SECRET, "is not"),
    ],
)
def test_nothing_is_created_without_a_good_authorisation(store, stored, secret, words):
    """Nor is anything used up."""
    if stored is not None:
        store.put_authorization(stored, expected=None)
    with pytest.raises(NotAuthorized, match=words):
        create(store, stored or authorised(), secret)
    assert [] == list(store.list_executions())
    assert stored == store.get_authorization("A1")
    assert store.get_plan("shop").active_execution_id is None


def test_only_a_recovery_carries_an_authorisation(store):
    """A drill with one is somebody's mistake."""
    made = authorised()
    store.put_authorization(made, expected=None)
    with pytest.raises(NotAuthorized, match="is a DRILL with an authorisation"):
        create(store, made, execution_type=ExecutionType.DRILL)
