"""Service Quotas, as far as it is about DRS; moto has it for VPC alone.

The values are those that the world holds launches to (drs-facts §6.1), so that
whoever reads them here is refused nothing that fits them.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest

from drskit.sim.backend.models import drs_backends
from drskit.sim.faults import Reply, json_error
from drskit.sim.switches import Quotas

SERVICE = "servicequotas"
REGION = re.compile(r"^servicequotas\.([^.]+)\.")
CODES = {
    "L-D88FAC3A": ("jobs_quota", "Concurrent jobs in progress", False),
    "L-B827C881": ("servers_per_job_quota", "Max number of source servers in a single Job", False),
    "L-05AFA8C6": ("servers_in_jobs_quota", "Max number of source servers in all Jobs", False),
    "L-C1D14A2B": ("replicating_servers_quota", "Max number of replicating source servers", False),
    "L-E28BE5E0": ("source_servers_quota", "Max number of total source servers Per AWS Account", True),
    "L-0588D03B": ("launch_actions_quota", "Max number of launch actions per resource", False),
    "L-1F3FAE4D": ("launch_templates_quota", "Max number of Launch Configuration Templates per AWS Account", False),
    "L-4B0323BD": ("source_networks_quota", "Max number of source networks per AWS Account", True),
}
"""By quota code (drs-facts §6.1): the world's own word, the name, and whether AWS raises it on request."""
LISTS = frozenset({"ListServiceQuotas", "ListAWSDefaultServiceQuotas"})
ONES = frozenset({"GetServiceQuota", "GetAWSDefaultServiceQuota"})


def answer(request: AWSPreparedRequest) -> Reply | None:
    """The answer to a question about DRS's quotas; None to any other, which is moto's."""
    operation = _text(request.headers.get("X-Amz-Target")).rpartition(".")[2]
    try:
        members = json.loads(_text(request.body) or "{}")
    except ValueError:
        return None
    if not isinstance(members, dict) or members.get("ServiceCode") != "drs" or operation not in LISTS | ONES:
        return None
    found = REGION.match(urlsplit(request.url).netloc)
    account = _text(request.headers.get("x-moto-account-id")) or "123456789012"
    region = found.group(1) if found else "us-east-1"
    values = Quotas() if "Default" in operation else drs_backends[account][region].world.spec.behaviour
    quotas = {code: _quota(code, values, f"arn:aws:servicequotas:{region}:{account}:drs/{code}") for code in CODES}
    if operation in LISTS:
        return _page(quotas, members)
    quota = quotas.get(str(members.get("QuotaCode")))
    if quota is None:
        message = "The request failed because the specified quota does not exist"
        return json_error("NoSuchResourceException", 400, {"message": message})
    return 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps({"Quota": quota})


def _page(quotas: dict[str, dict[str, Any]], members: dict[str, Any]) -> Reply:
    """A page of the list; its token is the place where the next one begins."""
    listed, most = list(quotas.values()), int(members.get("MaxResults") or 100)
    start = int(members.get("NextToken") or 0)
    body: dict[str, Any] = {"Quotas": listed[start : start + most]}
    if start + most < len(listed):
        body["NextToken"] = str(start + most)
    return 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps(body)


def _quota(code: str, values: Quotas, arn: str) -> dict[str, Any]:
    word, name, adjustable = CODES[code]
    return {
        "ServiceCode": "drs",
        "ServiceName": "AWS Elastic Disaster Recovery",
        "QuotaArn": arn,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(getattr(values, word)),
        "Unit": "None",
        "Adjustable": adjustable,
        "GlobalQuota": False,
    }


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
