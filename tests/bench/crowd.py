"""A crowd of executions in the same moment of their launches.

One execution is started and followed in a simulated world. The others are
copies of it under names of their own, with their own jobs and logs, and their
items are those that the store's own `create` writes.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drskit.model import Cadence, Execution
from drskit.poller import SWEEP_KEY
from drskit.store.attributes import Item, to_item
from tests.bench.items import Items, Kept
from tests.harness import house, runbook_of

REGION = "us-west-2"
CONVERSION_SECONDS = 3000
PAGE_BYTES = 1_000_000
"""DynamoDB ends a page after one megabyte."""
DATABASE, APP = "s-0000000000000000d", "s-0000000000000000a"
DURATIONS = f"{{cleanup: 1, snapshot: 2, gap: 5, conversion: {CONVERSION_SECONDS}, launch: 86400}}"
WORLD = f"""
region: {REGION}
start: 2026-03-02T09:00:00Z
servers:
  - {{id: {DATABASE}, name: db-0000, durations: {DURATIONS}}}
  - {{id: {APP}, name: app-0000, durations: {DURATIONS}}}
"""
PLAN = f"""
version: 1
plan: crowd-0000
sites: {{main: {{region: {REGION}}}}}
groups:
  database: {{select: {{servers: [{DATABASE}]}}}}
  app: {{select: {{servers: [{APP}]}}}}
waves:
  - {{name: Database, groups: [database], timeout: PT23H}}
  - {{name: Application, groups: [app]}}
"""


@dataclass(frozen=True)
class Member:
    """An execution, and what DRS says of its job."""

    execution: Execution
    job: dict[str, Any]
    log: list[dict[str, Any]]

    def copy(self, number: int) -> "Member":
        """The same under other names of the same length."""
        execution = Execution.model_validate_json(self._renamed(self.execution.to_json(), number))
        job = json.loads(self._renamed(self.job, number))
        return Member(execution, job, json.loads(self._renamed(self.log, number)))

    def _renamed(self, value: Any, number: int) -> str:
        text, own = json.dumps(value), f"{number:04d}"
        attempts = [attempt.attempt_id for attempt in self.execution.attempts]
        for name in (self.execution.execution_id, self.job["jobID"], *attempts):
            text = text.replace(name, name[:-4] + own)
        for server_id in (DATABASE, APP):
            text = text.replace(server_id, server_id[:-5] + own + server_id[-1])
        return text.replace("-0000", f"-{own}")


@dataclass(frozen=True)
class Moment:
    """A point in a launch at which nothing changes for a while."""

    name: str
    now: datetime
    member: Member


def moments() -> list[Moment]:
    """One execution, while its server is converted and while it is launched."""
    found = []
    with house(text=WORLD) as home:
        execution = home.session.start(runbook_of(PLAN))
        for name, seconds in (("conversion", 120), ("launch", CONVERSION_SECONDS)):
            end = home.clock.now() + timedelta(seconds=seconds)
            while home.clock.now() < end:
                home.session.poller().run_pass()
                home.clock.sleep(45)
            drs = home.session.clients.drs(REGION)
            (job,) = drs.describe_jobs()["items"]
            log = drs.describe_job_log_items(jobID=job["jobID"])["items"]
            member = Member(home.session.store.load(execution.execution_id), dict(job), [dict(line) for line in log])
            found.append(Moment(name, home.clock.now().replace(microsecond=0), member))
    return found


def replies(moment: Moment, size: int) -> dict[tuple[str, ...], bytes]:
    """What DynamoDB and DRS answer about a crowd in this moment; a request's operation and names -> the body."""
    crowd = [moment.member.copy(number) for number in range(size)]
    found: dict[tuple[str, ...], Any] = {("DescribeJobs",): {"items": [member.job for member in crowd]}}
    headers = []
    for member in crowd:
        items = sorted(items_of(member.execution), key=lambda item: item["PlanId"]["S"])
        headers.append(next(item for item in items if "#" not in item["PlanId"]["S"]))
        found["Query", member.execution.execution_id] = _listing(items)
        found["DescribeJobLogItems", str(member.job["jobID"])] = {"items": member.log}
    found |= _pages(str(moment.member.execution.status), headers)
    found["GetItem", "#".join(("CADENCE", *SWEEP_KEY))] = {"Item": _sweep_of_tomorrow(moment.now)}
    return {key: json.dumps(body).encode() for key, body in found.items()}


def _pages(status: str, headers: list[Item]) -> dict[tuple[str, ...], Any]:
    """The index's answer in pages of a megabyte: status, and the ExecutionId that ended the page before."""
    found: dict[tuple[str, ...], Any] = {}
    start, page, used = "", list[Item](), 0
    for header in headers:
        page.append(header)
        used += len(json.dumps(header))
        if used > PAGE_BYTES:
            last = {name: header[name] for name in ("ExecutionId", "PlanId", "Status", "StartTime")}
            found["Query", status, start] = _listing(page) | {"LastEvaluatedKey": last}
            start, page, used = header["ExecutionId"]["S"], [], 0
    return found | {("Query", status, start): _listing(page)}


def _listing(items: list[Item]) -> dict[str, Any]:
    return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def _sweep_of_tomorrow(now: datetime) -> Item:
    account_id, region = SWEEP_KEY
    cadence = Cadence(account_id=account_id, region=region, next_poll=now + timedelta(days=1), version=1)
    key = {"ExecutionId": "#".join(("CADENCE", *SWEEP_KEY)), "PlanId": "#CADENCE"}
    return to_item({name: value for name, value in cadence.to_json().items() if value is not None} | key)


def items_of(execution: Execution) -> list[Item]:
    """The items that the store writes for an execution, without its history."""
    kept = Kept()
    Items(kept, lambda: execution.start_time).create(execution, (), begun=0)
    return kept.items
