"""DRS's quotas as Service Quotas tells them, and what is taken for them where it does not."""

from datetime import timedelta

import pytest

from drskit.aws.quotas import ASKED_AGAIN, KEPT
from drskit.quotas import Quotas
from drskit.sim.spec import Fault, FaultKind
from tests.harness import house

WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
behaviour: {jobs_quota: 4, servers_in_jobs_quota: 30, servers_per_job_quota: 10}
"""


@pytest.fixture(scope="module")
def home():
    """A world with quotas of its own."""
    with house(text=WORLD) as opened:
        yield opened


def counted(home):
    """A session's way to DRS, and its calls of Service Quotas."""
    calls: list[str] = []
    session = home.another_session()
    session.clients._session.events.register("before-call.service-quotas", lambda model, **_: calls.append(model.name))
    return session.recovery("us-west-2"), calls


def test_the_accounts_own_quotas_are_asked_for_once_an_hour(home):
    """Every page of them; they hold for an hour of AWS's time."""
    recovery, calls = counted(home)
    now = home.session.store.now()
    assert Quotas(jobs=4, servers=30, servers_per_job=10) == recovery.quotas(now)
    recovery.quotas(now + KEPT - timedelta(seconds=1))
    assert ["ListServiceQuotas"] == calls
    recovery.quotas(now + KEPT)
    assert 2 == len(calls)


def test_nothing_is_ever_asked_of_drs_beyond_what_a_request_takes(home):
    """A wave is cut into requests of a hundred servers, whatever a larger number Service Quotas tells."""
    home.gateway.world.spec = home.gateway.world.spec.model_copy(
        update={"behaviour": home.gateway.world.spec.behaviour.model_copy(update={"servers_per_job_quota": 200})}
    )
    recovery, _ = counted(home)
    assert 100 == recovery.quotas(home.session.store.now()).servers_per_job


def test_where_nobody_may_ask_the_documented_numbers_hold_and_the_doubt_is_told(home):
    """A denial is no failure; it is asked again after five minutes."""
    recovery, calls = counted(home)
    now = home.session.store.now()
    home.gateway.faults.add(Fault(operation="*", service="servicequotas", kind=FaultKind.ACCESS_DENIED, times=1))
    found = recovery.quotas(now)
    assert (20, 500, 100) == (found.jobs, found.servers, found.servers_per_job)
    assert (
        "by the numbers that DRS documents, for Service Quotas did not answer: "
        "AccessDeniedException at ListServiceQuotas in us-west-2" == found.doubt
    )
    recovery.quotas(now + ASKED_AGAIN - timedelta(seconds=1))
    assert 1 == len(calls)
    assert (4, None) == ((found := recovery.quotas(now + ASKED_AGAIN)).jobs, found.doubt)


def test_what_was_told_once_stays_when_it_does_not_answer(home):
    """An outage changes no quota."""
    recovery, _ = counted(home)
    now = home.session.store.now()
    told = recovery.quotas(now)
    home.gateway.faults.add(Fault(operation="*", service="servicequotas", kind=FaultKind.TIMEOUT, times=1))
    assert told == recovery.quotas(now + KEPT)
