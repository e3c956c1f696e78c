"""What must hold, whatever died: the checker of the proof.

It knows nothing of drskit's code. It asks DRS and EC2 what happened and reads
the items of the tables, through a bare boto3, and it is told what went over the
wire. It holds this:

- One launch. At most one launch job carries an attempt's tag. A second job for
  servers of a wave is created only after the earlier one has ended and a person
  asked for it by `retry`.
- One request. StartRecovery is sent at most once for each recorded intent, and
  never without one; as a drill, but for a RECOVERY, which exactly one
  authorisation of the tables names as what used it.
- No orphan. Every launch job in DRS is recorded under the attempt whose tag it
  carries; no attempt is called NOT_EXECUTED whose job exists. A stranger's job,
  of which it is told, is recorded under none.
- Order. The job of a wave is created only after the waves that it needs have
  ended, after the jobs of its earlier steps, and after the approval that it
  needs.
- Only what a cleanup was made for is terminated or asked to be, and after a
  cleanup that is COMPLETED none of it is left. By DRS's own word each such
  instance is of a job and a server that the drill recorded, is a drill's, and
  nobody had begun to fail back to it.
- Nothing is lost. In the end every execution is final or says which decision of
  a person it waits for; the StatusIndex holds every execution that is not final;
  the plan names the execution that is not final, and none once it is.
- No false failure. At no step of the run is a server called FAILED or SKIPPED,
  or an execution final, while its job lives (TIMED_OUT says that it may).
- Verified. A server is VERIFIED only when its instance was old enough for the
  world to let its checks pass, a wave with checks is COMPLETED only when each of
  its servers is VERIFIED, and a command carries an id that no other one carries.
- Quotas. When a job of ours is created no more jobs and servers are under way in
  DRS than Service Quotas allows, those of others counted, whether or not DRS
  itself would have refused it.
- No storm: DRS is not asked to launch more than fifty times.
- Every write to DynamoDB names a condition.
- Every command of a person is recorded once and acknowledged once, and none is
  recorded that nobody gave.
- What actions do is done once: see `doings.py`; of money, of times that run out
  and of who said yes holds what `rules.py` says.
- Nothing else is done more than once: `allowed.py` says what may be.
- The history is whole: numbered without a gap, each event sealed with the hash
  of the one before, the last one named by the header.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3

from tests.proof.allowed import MOST, too_often
from tests.proof.doings import doings, prepared
from tests.proof.rules import agreed, spent, timely

FINAL = {"COMPLETED", "PARTIAL", "FAILED", "TIMED_OUT", "CANCELLED"}
OVER = {"terminated", "shutting-down"}
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
TAG = "drskit:Attempt"
SERVER_TAG = "AWSElasticDisasterRecoverySourceServerID"
MOST_STARTS = 50
JOBS_QUOTA, SERVERS_QUOTA, SERVERS_IN_A_JOB = "L-D88FAC3A", "L-05AFA8C6", "L-B827C881"
HISTORY = "drs-orchestration-execution-history-dev"
PLANS = "drs-orchestration-recovery-plans-dev"


class Violation(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True)
class Sent:
    """A request as it left a process."""

    who: str
    operation: str
    members: dict[str, Any]


@dataclass
class Record:
    """What the tables hold of an execution, as plain values."""

    header: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    waves: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By their place in the plan, as in the keys."""
    servers: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Wave's place and the server, by source server."""
    attempts: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    alone: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What has an item of its own: `BUDGET`, `DEADLINE`, …"""

    @property
    def status(self) -> str:
        return str(self.header["Status"])

    def wave(self, name: str) -> dict[str, Any]:
        return next(wave for wave in self.waves.values() if wave["WaveName"] == name)


class Checker:
    """Looks at one Region of one account."""

    def __init__(self, region: str) -> None:
        session = boto3.Session(region_name=region)
        self._drs = session.client("drs")
        self._tables = session.client("dynamodb")
        self._ec2 = session.client("ec2")
        self._known: set[str] = set()
        self._instances: dict[str, dict[str, Any]] = {}
        """Every instance that DRS listed while a cleanup was there, as it was seen first."""
        self._ssm = session.client("ssm")
        self.received: Callable[[], list[dict[str, Any]]] = list
        """What the services that actions ask have carried out, oldest first."""
        self.sound_after: dict[str, float] = {}
        """By source server: how many seconds after its instance's launch the world lets its checks pass."""
        self._quotas = session.client("service-quotas")
        self.dear: dict[str, int] = {}
        """The waves that their plan has no money for until somebody allows more, from which of their attempts on."""
        self.strangers: set[str] = set()
        """The launch jobs of others, which the tables need not know."""
        self._all_jobs: list[dict[str, Any]] = []
        """As of the last look."""
        self._authorisations: list[dict[str, Any]] = []
        """As of the last reading of everything."""
        self.executions: float = math.inf
        """How many there are to be at most; once so many are known no other one is looked for until the end."""
        self.seen: dict[str, Record] = {}
        """The executions as of the last look at a step."""

    # --- reading -----------------------------------------------------------------------------------------------------

    def jobs(self) -> list[dict[str, Any]]:
        """The launch jobs of DRS that are not a stranger's, oldest first."""
        pages = self._drs.get_paginator("describe_jobs").paginate()
        self._all_jobs = [dict(job) for page in pages for job in page["items"]]
        found = [job for job in self._all_jobs if job["type"] == "LAUNCH" and job["jobID"] not in self.strangers]
        return sorted(found, key=lambda job: _time(job["creationDateTime"]))

    def records(self) -> dict[str, Record]:
        """Every execution in the tables with its history, by ExecutionId."""
        found: dict[str, Record] = {}
        self._authorisations = []
        pages = self._tables.get_paginator("scan").paginate(TableName=HISTORY, ConsistentRead=True)
        for item in (_plain({"M": item}) for page in pages for item in page["Items"]):
            if not item["PlanId"].startswith("#"):
                _file(found.setdefault(item["ExecutionId"], Record()), item)
            elif item["PlanId"] == "#AUTHORIZATION":
                self._authorisations.append(item["Authorization"] | {"UsedBy": item.get("UsedBy")})
        for record in found.values():
            record.events.sort(key=lambda event: event["Sequence"])
        return found

    def _present(self) -> dict[str, Record]:
        """The executions that were ever seen as a plan's active one, without their history: quicker to read."""
        if len(self._known) < self.executions:
            self._known |= self._active()
        found: dict[str, Record] = {}
        for name in self._known:
            reply = self._tables.query(
                TableName=HISTORY, ConsistentRead=True, KeyConditionExpression="ExecutionId = :e AND PlanId < :h",
                ExpressionAttributeValues={":e": {"S": name}, ":h": {"S": "~"}},
            )  # fmt: skip
            for item in reply["Items"]:
                _file(found.setdefault(name, Record()), _plain({"M": item}))
        return found

    def _active(self) -> set[str]:
        plans = self._tables.scan(TableName=PLANS, ConsistentRead=True)["Items"]
        return {plan["ActiveExecutionId"]["S"] for plan in plans if "ActiveExecutionId" in plan}

    # --- at every step -----------------------------------------------------------------------------------------------

    def step(self, sent: Iterable[Sent]) -> None:
        """What must hold at every moment.

        Raises:
            Violation: naming all that does not hold.
        """
        jobs, records = self.jobs(), self._present()
        self.seen = records
        if any(record.header["ExecutionType"] == "CLEANUP" for record in records.values()):
            pages = self._drs.get_paginator("describe_recovery_instances").paginate()
            self._instances = {one["recoveryInstanceID"]: dict(one) for page in pages for one in page["items"]} | (
                self._instances
            )
        _raise(
            [
                *_one_launch(jobs, records),
                *_no_false_failure(jobs, records),
                *_no_storm(sent),
                *_no_adoption(self.strangers, records),
                *spent(jobs, records, self.dear, TAG),
                *self._doings(records, over=False),
            ]
        )

    def _doings(self, records: dict[str, Record], *, over: bool) -> Iterator[str]:
        if not any(record.tasks for record in records.values()):
            return
        pages = self._ssm.get_paginator("list_commands").paginate()
        commands = [dict(command) for page in pages for command in page["Commands"]]
        yield from doings(records, self.received(), commands, over=over)

    # --- at the end --------------------------------------------------------------------------------------------------

    def end(self, sent: Sequence[Sent], executions: int, given: Mapping[str, int] | None = None) -> dict[str, Record]:
        """What must hold once nothing is under way any more; the records come back.

        Args:
            sent: what went over the wire, as far as it was watched.
            executions: how many were started.
            given: how often people gave each kind of command; None where nobody counted.

        Raises:
            Violation: naming all that does not hold.
        """
        jobs, records = self.jobs(), self.records()
        problems = [*_one_launch(jobs, records), *_no_false_failure(jobs, records), *_no_orphan(jobs, records)]
        problems += [*_order(jobs, records), *self._nothing_is_lost(records)]
        problems += [*_no_adoption(self.strangers, records), *self._within_quotas(jobs)]
        problems += [*self._doings(records, over=True), *prepared(jobs, records, TAG)]
        problems += [*self._only_the_chosen_are_terminated(sent, records)]
        problems += [*self._verified(records), *(_one_mark(sent) if self.sound_after else ())]
        problems += [*_commands(records), *_given(records, given), *_history(records)]
        authorisations = self._authorisations
        problems += [*_wire(sent, records, Counter(one["UsedBy"] for one in authorisations if one.get("UsedBy")))]
        problems += [*agreed(records, authorisations), *timely(jobs, records, TAG)]
        problems += [*spent(jobs, records, self.dear, TAG)]
        if len(records) != executions:
            problems.append(f"{len(records)} executions are in the tables, and {executions} were started")
        _raise(problems)
        return records

    def _within_quotas(self, ours: list[dict[str, Any]]) -> Iterator[str]:
        """Every launch of ours, at the instant of its creation, beside all jobs that were under way then."""
        told = self._quotas.get_paginator("list_service_quotas").paginate(ServiceCode="drs")
        most = {quota["QuotaCode"]: quota["Value"] for page in told for quota in page["Quotas"]}
        lives = [
            (_time(job["creationDateTime"]), _time(job["endDateTime"]) if job.get("endDateTime") else None, job)
            for job in self._all_jobs
        ]
        for job in ours:
            now = _time(job["creationDateTime"])
            under_way = [_servers(other) for begun, end, other in lives if begun <= now and (end is None or end > now)]
            servers = sum(map(len, under_way))
            if len(under_way) > most[JOBS_QUOTA] or servers > most[SERVERS_QUOTA]:
                yield f"quota: {job['jobID']} made it {len(under_way)} jobs of {servers} servers at once"
            if len(_servers(job)) > most[SERVERS_IN_A_JOB]:
                yield f"quota: {job['jobID']} launches {len(_servers(job))} servers"

    def _only_the_chosen_are_terminated(self, sent: Sequence[Sent], records: dict[str, Record]) -> Iterator[str]:
        chosen, asked = set[str](), set[str]()
        for record in records.values():
            if record.header["ExecutionType"] == "CLEANUP":
                chosen |= {server["RecoveryInstanceId"] for _, server in record.servers.values()}
        for one in sent:
            if one.operation == "TerminateRecoveryInstances":
                asked |= set(one.members["recoveryInstanceIDs"])
        cleaned = [
            records[one.header["Cleans"]] for one in records.values() if one.header["ExecutionType"] == "CLEANUP"
        ]
        for name in asked:
            if fault := _no_target(self._instances.get(name), cleaned):
                yield f"cleanup: {name} was asked for, and {fault}"
        over = self._instances_of_ec2(Filters=[{"Name": "instance-state-name", "Values": sorted(OVER)}])
        gone = set(over) - self._replaced(over)
        yield from (
            f"cleanup: {name} was terminated or asked for, and nobody chose it" for name in (asked | gone) - chosen
        )
        spared = sorted(chosen - gone)
        if spared and all(record.status == "COMPLETED" for record in records.values()):
            left = self._instances_of_ec2(Filters=[{"Name": "instance-id", "Values": spared}])
            yield from (f"cleanup: {name} is {one['State']['Name']} after it" for name, one in left.items())

    def _instances_of_ec2(self, **filters: Any) -> dict[str, dict[str, Any]]:
        pages = self._ec2.get_paginator("describe_instances").paginate(**filters)
        reservations = [some for page in pages for some in page["Reservations"]]
        return {one["InstanceId"]: one for some in reservations for one in some["Instances"]}

    def _replaced(self, instances: dict[str, dict[str, Any]]) -> set[str]:
        """The older instances of servers that a stranger launched: DRS terminates these itself."""
        replaced = set[str]()
        for job in (job for job in self._all_jobs if job["jobID"] in self.strangers):
            for name, one in instances.items():
                mine = any(tag["Key"] == SERVER_TAG and tag["Value"] in _servers(job) for tag in one["Tags"])
                if mine and one["LaunchTime"] < _time(job["creationDateTime"]):
                    replaced.add(name)
        return replaced

    def _verified(self, records: dict[str, Record]) -> Iterator[str]:
        """What was called verified could be; what was called completed was verified."""
        launched = {
            name: one["LaunchTime"] for name, one in (self._instances_of_ec2() if self.sound_after else {}).items()
        }
        for record in records.values():
            checked = {wave["Name"] for wave in record.plan["Waves"] if wave.get("Checks")}
            for place, server in record.servers.values():
                name, wave = server["SourceServerId"], record.waves[place]
                if wave["WaveName"] in checked and wave["Status"] == "COMPLETED" and server["Status"] != "VERIFIED":
                    yield f"unverified: wave {wave['WaveName']} is COMPLETED, and {name} is {server['Status']}"
                if server["Status"] != "VERIFIED":
                    continue
                age = _time(server["VerifiedTime"]) - launched[server["RecoveryInstanceId"]]
                if age.total_seconds() < self.sound_after.get(name, 0):
                    yield f"unverified: {name} is VERIFIED {age} after its launch, when the world let no check pass"

    def _nothing_is_lost(self, records: dict[str, Record]) -> Iterator[str]:
        active = self._active()
        for name, record in records.items():
            final = record.status in FINAL
            if not final and not (record.status == "PAUSED" and record.header.get("WaitingFor")):
                yield f"lost: {name} is {record.status} and waits for {record.header.get('WaitingFor')}"
            if final != (name not in active):
                yield f"{name} is {record.status}, and the plan says {active or 'that nothing is active'}"
            if not final and name not in self._indexed(record.status):
                yield f"{name} is {record.status}, and the StatusIndex does not have it"
            if final and any(attempt["Status"] == "INTENT" for attempt in record.attempts.values()):
                yield f"{name} is {record.status} with an open intent"

    def _indexed(self, status: str) -> set[str]:
        reply = self._tables.query(
            TableName=HISTORY, IndexName="StatusIndex", KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "Status"}, ExpressionAttributeValues={":s": {"S": status}},
        )  # fmt: skip
        return {item["ExecutionId"]["S"] for item in reply["Items"]}


def outcome(records: dict[str, Record]) -> list[Any]:
    """What became of the executions, their waves and servers: the same, whatever happened on the way."""
    return [
        [
            record.status,
            [[wave["WaveName"], wave["Status"]] for _, wave in sorted(record.waves.items())],
            [[name, server["Status"]] for name, (_, server) in sorted(record.servers.items())],
        ]
        for _, record in sorted(records.items())
    ]


# --- the invariants --------------------------------------------------------------------------------------------------


def _one_launch(jobs: list[dict[str, Any]], records: dict[str, Record]) -> Iterator[str]:
    tags = Counter(job["tags"].get(TAG) for job in jobs)
    yield from (
        f"duplicate: {count} jobs carry the tag of attempt {tag}"
        for tag, count in tags.items()
        if too_often("a launch job of an attempt", count)
    )
    last: dict[str, dict[str, Any]] = {}
    for job in jobs:
        for server in _servers(job):
            earlier = last.get(server)
            if earlier is not None and not _asked_again(earlier, job, records):
                yield f"duplicate: {job['jobID']} launches {server} again after {earlier['jobID']}"
            last[server] = job


def _asked_again(earlier: dict[str, Any], later: dict[str, Any], records: dict[str, Record]) -> bool:
    """Whether the earlier job had ended, and a person asked for the later one."""
    ended, created = earlier.get("endDateTime"), _time(later["creationDateTime"])
    if not ended or created < _time(ended):
        return False
    record = next((record for record in records.values() if later["tags"].get(TAG) in record.attempts), None)
    commands = record.commands if record else []
    return any(
        command["Kind"] == "retry" and _time(earlier["creationDateTime"]) <= _time(command["At"]) <= created
        for command in commands
    )


def _no_orphan(jobs: list[dict[str, Any]], records: dict[str, Record]) -> Iterator[str]:
    recorded = {
        attempt["JobId"]: name
        for record in records.values()
        for name, attempt in record.attempts.items()
        if attempt.get("JobId")
    }
    for job in jobs:
        if recorded.get(job["jobID"]) != job["tags"].get(TAG) or not job["tags"].get(TAG):
            yield f"orphan: {job['jobID']} has tags {job['tags']} and is recorded under {recorded.get(job['jobID'])}"


def _no_adoption(strangers: set[str], records: dict[str, Record]) -> Iterator[str]:
    for record in records.values():
        for name, attempt in record.attempts.items():
            if attempt.get("JobId") in strangers:
                yield f"orphan: attempt {name} has {attempt['JobId']}, which is a stranger's"


def _no_target(instance: dict[str, Any] | None, drills: list[Record]) -> str | None:
    """Why an instance, as DRS listed it, is not a cleanup's to ask for; None when it is."""
    if instance is None:
        return "DRS never listed it"
    job, server = instance.get("jobID"), instance["sourceServerID"]
    recorded = {attempt.get("JobId") for drill in drills for attempt in drill.attempts.values()}
    failback = instance.get("failback", {}).get("state", "FAILBACK_NOT_STARTED")
    if job is None or job not in recorded:
        return f"DRS says that {job} launched it, which no drill has recorded"
    if not any(server in drill.servers for drill in drills):
        return f"DRS says that it belongs to {server}, which is of no drill"
    if instance.get("isDrill") is not True:
        return f"DRS says isDrill {instance.get('isDrill')} of it"
    return None if failback == "FAILBACK_NOT_STARTED" else f"its failback was {failback}"


def _no_false_failure(jobs: list[dict[str, Any]], records: dict[str, Record]) -> Iterator[str]:
    for record in records.values():
        mine = [job for job in jobs if job["tags"].get(TAG) in record.attempts]
        for job in mine:
            name = job["jobID"]
            attempt = record.attempts[job["tags"][TAG]]
            if attempt["Status"] == "NOT_EXECUTED":
                yield f"false failure: attempt {attempt['AttemptId']} is NOT_EXECUTED, and {name} is its job"
            if job["status"] == "COMPLETED":
                continue
            if record.status in FINAL - {"TIMED_OUT"}:
                yield f"false failure: the execution is {record.status} while {name} is {job['status']}"
            for part in job["participatingServers"]:
                server = record.servers[part["sourceServerID"]][1]
                lives = part.get("launchStatus") in {None, "PENDING", "IN_PROGRESS"}
                if lives and server["Status"] in {"FAILED", "SKIPPED"}:
                    yield f"false failure: {server['SourceServerId']} is {server['Status']} while {name} launches it"


def _one_mark(sent: Iterable[Sent]) -> Iterator[str]:
    marks = Counter(str(one.members.get("Comment")).split(" ")[0] for one in sent if one.operation == "SendCommand")
    yield from (
        f"sent twice: the command {mark} went out {count} times"
        for mark, count in marks.items()
        if too_often("a command of a check", count)
    )


def _no_storm(sent: Iterable[Sent]) -> Iterator[str]:
    starts = sum(one.operation == "StartRecovery" for one in sent)
    if starts > MOST_STARTS:
        yield f"storm: StartRecovery was sent {starts} times"


def _order(jobs: list[dict[str, Any]], records: dict[str, Record]) -> Iterator[str]:
    for record in records.values():
        plans = {wave["Name"]: wave for wave in record.plan["Waves"]}
        mine = [(record.attempts[job["tags"][TAG]], job) for job in jobs if job["tags"].get(TAG) in record.attempts]
        for attempt, job in mine:
            created, plan = _time(job["creationDateTime"]), plans[attempt["WaveName"]]
            before = [(other["WaveName"], one) for other, one in mine if other["WaveName"] in plan["Needs"]]
            for name, earlier in before:
                retried = any(command["Kind"] == "retry" for command in record.commands)
                if not retried and created < _over(record.wave(name), earlier):
                    yield f"order: {job['jobID']} of {plan['Name']} was created before {name} had ended"
            yield from _steps(job, plan, [one for other, one in mine if other["WaveName"] == plan["Name"]])
            approved = record.wave(plan["Name"]).get("Approved")
            if plan.get("Approval") and (not approved or created < _time(approved["At"])):
                yield f"order: {job['jobID']} of {plan['Name']} was created without its approval"


def _over(wave: dict[str, Any], job: dict[str, Any]) -> datetime:
    """When a job no longer holds up what needs its wave: at its end, or when the wave's time was over."""
    ends = [_time(job["endDateTime"])] if job.get("endDateTime") else []
    ends += [_time(wave["EndTime"])] if wave["Status"] == "TIMED_OUT" else []
    return min(ends, default=datetime.max.replace(tzinfo=UTC))


def _steps(job: dict[str, Any], plan: dict[str, Any], jobs: list[dict[str, Any]]) -> Iterator[str]:
    """No job of a wave begins before those of its earlier steps have ended; servers that no step names come last."""
    place = {server: number for number, step in enumerate(plan.get("Order", ())) for server in step}
    last = len(place)
    own = {place.get(server, last) for server in _servers(job)}
    if len(own) > 1:
        yield f"order: {job['jobID']} launches servers of {len(own)} steps of {plan['Name']}"
    for other in jobs:
        earlier = max(place.get(server, last) for server in _servers(other)) < min(own)
        ended = other.get("endDateTime")
        if earlier and (not ended or _time(job["creationDateTime"]) < _time(ended)):
            yield f"order: {job['jobID']} was created before {other['jobID']} of an earlier step had ended"


def _commands(records: dict[str, Record]) -> Iterator[str]:
    for record in records.values():
        told = Counter(
            (event["Kind"], event["Facts"]["CommandId"])
            for event in record.events
            if event["Kind"] in {"COMMAND_RECEIVED", "COMMAND_ACKNOWLEDGED"}
        )
        for command in record.commands:
            times = [told[kind, command["CommandId"]] for kind in ("COMMAND_RECEIVED", "COMMAND_ACKNOWLEDGED")]
            if times != [1, 1] or not command.get("Acknowledged"):
                yield f"the command {command['Kind']} was received and acknowledged {times} times by the history"
        if len({name for _, name in told}) != len(record.commands):
            yield "the history tells of commands that the execution does not have"


def _given(records: dict[str, Record], given: Mapping[str, int] | None) -> Iterator[str]:
    """A person who repeats a command after a fault is refused when it was recorded: none stands there twice."""
    if given is None:
        return
    recorded = Counter(command["Kind"] for record in records.values() for command in record.commands)
    for kind, count in recorded.items():
        if count > given.get(kind, 0) * MOST["a person's command"]:
            yield f"duplicate command: {kind} was given {given.get(kind, 0)} times and is recorded {count} times"


def _history(records: dict[str, Record]) -> Iterator[str]:
    for name, record in records.items():
        previous = ""
        for number, event in enumerate(record.events, 1):
            bare = json.dumps(event | {"Hash": ""}, sort_keys=True, separators=(",", ":"))
            if (event["Sequence"], event["Previous"]) != (number, previous):
                yield f"history of {name}: event {event['Sequence']} stands where {number} should"
            if hashlib.sha256(bare.encode()).hexdigest() != event["Hash"]:
                yield f"history of {name}: event {number} is not what its hash says"
            previous = event["Hash"]
        if (len(record.events), previous) != (record.header["Events"], record.header["Head"]):
            yield f"history of {name}: the header names another end"


def _wire(sent: Iterable[Sent], records: dict[str, Record], authorised: Counter[str]) -> Iterator[str]:
    recoveries = {name for name, record in records.items() if record.header["ExecutionType"] == "RECOVERY"}
    if any(authorised[name] != 1 for name in recoveries) or set(authorised) != recoveries:
        yield f"authorisation: {recoveries or 'nothing'} recovers for real, and the authorisations say {authorised}"
    intents = {
        event["Facts"]["AttemptId"]
        for record in records.values()
        for event in record.events
        if event["Kind"] == "ATTEMPT_INTENT"
    }
    starts = Counter[str | None]()
    for one in sent:
        if one.operation == "StartRecovery":
            starts[one.members.get("tags", {}).get(TAG)] += 1
            if one.members.get("isDrill") is not (one.members["tags"]["drskit:ExecutionId"] not in recoveries):
                yield f"StartRecovery was sent with isDrill {one.members.get('isDrill')}"
        elif one.operation in WRITES and not _conditional(one):
            yield f"{one.who} sent {one.operation} without a condition"
    for tag, count in starts.items():
        if too_often("a launch request of an attempt", count) or tag not in intents:
            yield f"wire: StartRecovery was sent {count} times for attempt {tag}"


def _conditional(sent: Sent) -> bool:
    if sent.operation == "TransactWriteItems":
        actions = [body for action in sent.members["TransactItems"] for body in action.values()]
        return all(action.get("ConditionExpression") for action in actions)
    return bool(sent.members.get("ConditionExpression"))


# --- plain values ----------------------------------------------------------------------------------------------------


def _file(record: Record, item: dict[str, Any]) -> None:
    """Put an item where it belongs."""
    key = str(item["PlanId"])
    if key.startswith("~"):
        record.events += item.get("Events", [])
        return
    _, _, suffix = key.partition("#")
    kind, _, place = suffix.partition("#")
    if not suffix:
        record.header = item
    elif kind == "PLAN":
        record.plan = item["Plan"]
    elif kind == "WAVE":
        record.waves[place] = item["Wave"]
    elif kind == "SERVERS":
        record.servers |= {one["SourceServerId"]: (place.partition("#")[0], one) for one in item["Servers"]}
    elif kind == "ATTEMPT":
        record.attempts[item["Attempt"]["AttemptId"]] = item["Attempt"]
    elif kind == "TASK":
        record.tasks[item["Task"]["TaskId"]] = item["Task"]
    elif kind == "COMMAND":
        record.commands.append(item["Command"])
    else:
        record.notices += item.get("Notices", [])
        record.alone[kind] = item.get(kind.title(), {})


def _plain(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: _plain(one) for name, one in content.items()}
    if kind == "L":
        return [_plain(one) for one in content]
    if kind == "N":
        return int(content) if content.lstrip("-").isdigit() else float(content)
    return None if kind == "NULL" else content


def _servers(job: dict[str, Any]) -> list[str]:
    return [part["sourceServerID"] for part in job["participatingServers"]]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _raise(problems: list[str]) -> None:
    if problems:
        raise Violation("\n".join(dict.fromkeys(problems)))
