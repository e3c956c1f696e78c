"""Service Quotas of a world: what it holds launches to, by the operations that AWS has for that."""

import pytest
from botocore.exceptions import ClientError

from drskit.sim.backend.service_quotas import CODES
from tests.harness import house
from tests.sim.lab import session

pytestmark = pytest.mark.simulated("quotas are made small here")

WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
behaviour: {jobs_quota: 3, servers_in_jobs_quota: 30}
servers: [{id: s-5a4c1e0b7d2f93861, name: busy}]
jobs:
  - {id: drsjob-5a4c1e0b7d2f93861, created: 2026-03-02T08:58:00Z, ended: 300, outcomes: {s-5a4c1e0b7d2f93861: LAUNCHED}}
"""


@pytest.fixture(scope="module")
def home():
    """A world with quotas of its own, and a job that runs when it begins."""
    with house(text=WORLD) as opened:
        yield opened


@pytest.fixture
def quotas(home):
    """Service Quotas, in the world's Region."""
    return home.session.clients.service_quotas("us-west-2")


def test_the_list_has_each_quota_once_whatever_the_page(quotas):
    """With the world's own values, as ListServiceQuotas gives them."""
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="drs", PaginationConfig={"PageSize": 3})
    found = {quota["QuotaCode"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    assert set(CODES) == set(found)
    assert (3, 30, 100) == (found["L-D88FAC3A"], found["L-05AFA8C6"], found["L-B827C881"])


def test_one_quota_is_found_by_its_code_and_an_unknown_code_is_not(quotas):
    """By GetServiceQuota, and as it is by default."""
    own = quotas.get_service_quota(ServiceCode="drs", QuotaCode="L-D88FAC3A")["Quota"]
    stated = quotas.get_aws_default_service_quota(ServiceCode="drs", QuotaCode="L-D88FAC3A")["Quota"]
    assert (3, 20, False) == (own["Value"], stated["Value"], own["Adjustable"])
    assert "arn:aws:servicequotas:us-west-2:123456789012:drs/L-D88FAC3A" == own["QuotaArn"]
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="drs", QuotaCode="L-00000000")


def test_other_services_are_motos(quotas):
    """Those of VPC, for one."""
    listed = quotas.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"]
    assert {"vpc"} == {quota["ServiceCode"] for quota in listed}


def test_a_job_of_the_world_may_run_on_when_it_begins(home):
    """It holds its server and a slot, ends at its time, and leaves its instance."""
    drs = session().client("drs", region_name="us-west-2")
    (job,) = drs.describe_jobs()["items"]
    assert ("STARTED", "PENDING") == (job["status"], job["participatingServers"][0]["launchStatus"])
    with pytest.raises(ClientError, match="currently being processed"):
        drs.start_recovery(sourceServers=[{"sourceServerID": "s-5a4c1e0b7d2f93861"}], isDrill=True)
    home.clock.sleep(200)
    (job,) = drs.describe_jobs()["items"]
    assert ("COMPLETED", "LAUNCHED") == (job["status"], job["participatingServers"][0]["launchStatus"])
    (instance,) = drs.describe_recovery_instances()["items"]
    assert job["jobID"] == instance["jobID"]


def test_a_world_may_tell_quotas_and_hold_nobody_to_them():
    """Whoever counts well stays below them by himself; with `quotas_hold` false, DRS would take a third job."""
    text = WORLD.replace("jobs_quota: 3,", 'jobs_quota: 1, "quotas_hold": false,').replace(
        "servers: [", "servers: [{id: s-5b83d60f4a91c2e75}, "
    )
    with house(text=text):
        drs = session().client("drs", region_name="us-west-2")
        drs.start_recovery(sourceServers=[{"sourceServerID": "s-5b83d60f4a91c2e75"}], isDrill=True)
        assert 2 == len(drs.describe_jobs()["items"])
