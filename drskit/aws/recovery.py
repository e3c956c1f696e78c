"""DRS and EC2 in one account and Region, as the engine needs them.

DRS's camelCase stops here. A read returns every page or raises; a launch is
sent once and comes to one of three outcomes.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from drskit.authorization import Permit
from drskit.aws import replies
from drskit.aws.faults import UNREADABLE, asking, code_of, launch_outcome
from drskit.aws.quotas import ServiceQuotas
from drskit.aws.replies import SERVER_TAG, need
from drskit.aws.signing import signed_at
from drskit.codes import STILL_EXPIRED
from drskit.model import (
    LATEST,
    Attempt,
    Job,
    JobLogEntry,
    Mode,
    RecoveryInstance,
    RecoverySnapshot,
    SourceServer,
    TaggedInstance,
)
from drskit.ports import NotExecuted, Started, Unknown
from drskit.quotas import Quotas

if TYPE_CHECKING:
    from mypy_boto3_drs import DrsClient
    from mypy_boto3_ec2 import EC2Client

SIMULATED_HEADER = "x-drskit-simulated"
LIVING = ("pending", "running", "stopping", "stopped")
VANISHED = "InvalidInstanceID.NotFound"
T = TypeVar("T")


class DrsRecovery:
    """DRS and EC2 through boto3."""

    def __init__(
        self, reader: "DrsClient", launcher: "DrsClient", ec2: "EC2Client", region: str, quotas: ServiceQuotas
    ) -> None:
        """Take ready clients; `launcher` must send once and sign at the intent's time."""
        self._drs = reader
        self._launcher = launcher
        self._ec2 = ec2
        self._region = region
        self._quotas = quotas
        self._simulated: bool | None = None
        reader.meta.events.register("after-call.drs", self._notice)

    @property
    def simulated(self) -> bool | None:
        """Whether our simulator answers in DRS's place; None before the first reply."""
        return self._simulated

    def _notice(self, parsed: dict[str, Any], **_: object) -> None:
        headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        self._simulated = SIMULATED_HEADER in headers

    def probe(self) -> None:
        """Ask DRS something small, so that `simulated` is known.

        Raises:
            Unavailable: it does not answer.
        """
        with asking(f"DescribeSourceServers in {self._region}"):
            need(self._drs.describe_source_servers(maxResults=1), "items", list)

    # --- DRS ---------------------------------------------------------------------------------------------------------

    def source_servers(self, server_ids: Iterable[str] | None = None) -> tuple[SourceServer, ...]:
        """Source servers, all or the named ones.

        Raises:
            Unavailable: some page could not be read.
        """
        operation = "describe_source_servers", replies.source_server
        if server_ids is None:
            return tuple(self._listed(*operation))
        return tuple(
            server
            for some in _batches(server_ids, 200)
            for server in self._listed(*operation, filters={"sourceServerIDs": some})
        )

    def jobs(self, *, job_ids: Iterable[str] = (), since: datetime | None = None) -> tuple[Job, ...]:
        """Jobs by id, or all created since a time; newest first.

        Raises:
            Unavailable: some page could not be read.
        """
        if since is not None:
            return tuple(self._listed("describe_jobs", replies.job, filters={"fromDate": _stamp(since)}))
        return tuple(
            job
            for some in _batches(job_ids, 1000)
            for job in self._listed("describe_jobs", replies.job, filters={"jobIDs": some})
        )

    def job_log(self, job_id: str) -> tuple[JobLogEntry, ...]:
        """A job's log, oldest line first.

        Raises:
            Unavailable: some page could not be read.
        """
        entries = self._listed("describe_job_log_items", replies.log_entry, jobID=job_id)
        return tuple(sorted(entries, key=lambda entry: entry.time))

    def recovery_instances(self, server_ids: Iterable[str]) -> tuple[RecoveryInstance, ...]:
        """The instances that DRS knows for these servers.

        Raises:
            Unavailable: some page could not be read.
        """
        return tuple(
            instance
            for some in _batches(server_ids, 200)
            for instance in self._listed(
                "describe_recovery_instances", replies.recovery_instance, filters={"sourceServerIDs": some}
            )
        )

    def snapshots(self, server_id: str, *, until: datetime | None = None) -> tuple[RecoverySnapshot, ...]:
        """The recovery snapshots that DRS keeps of a server, all or those up to a time; none that is not taken yet.

        Raises:
            Unavailable: some page could not be read.
        """
        filters = {"filters": {"toDateTime": _stamp(until + timedelta(seconds=1))}} if until else {}
        found = self._listed(
            "describe_recovery_snapshots", replies.recovery_snapshot, sourceServerID=server_id, **filters
        )
        return tuple(snapshot for snapshot in found if snapshot is not None)

    def start_recovery(self, attempt: Attempt, tags: dict[str, str]) -> Started | NotExecuted | Unknown:
        """Ask DRS once to launch a drill of the attempt's servers, signed at the intent's time.

        `isDrill` is always sent, and always true: a recovery for real goes by `recover`, and by nothing else.
        """
        servers = _sources(attempt)

        def ask() -> object:
            return self._launcher.start_recovery(sourceServers=servers, isDrill=True, tags=tags)  # type: ignore[arg-type]  # TypedDict

        return _asked_once(ask, "StartRecovery", attempt)

    def recover(self, attempt: Attempt, tags: dict[str, str], permit: Permit) -> Started | NotExecuted | Unknown:
        """Ask DRS once to launch the attempt's servers for real, signed at the intent's time.

        Where the permit is not for exactly this attempt, or for who answers here, nothing is asked.
        """
        complaint = self._not_permitted(attempt, tags, permit)
        if complaint is not None:
            return NotExecuted("NotAuthorized", complaint)
        servers = _sources(attempt)

        def ask() -> object:
            return self._launcher.start_recovery(sourceServers=servers, isDrill=False, tags=tags)  # type: ignore[arg-type]  # TypedDict

        return _asked_once(ask, "StartRecovery", attempt)

    def _not_permitted(self, attempt: Attempt, tags: dict[str, str], permit: Permit) -> str | None:
        """Why a permit does not let this attempt go; None when it does."""
        if self._simulated is not (permit.mode is Mode.SIMULATED):
            answers = {True: "the simulator", False: "AWS"}.get(self._simulated, "nobody yet")  # type: ignore[arg-type]  # None is the default
            return f"the recovery was authorised as {permit.mode}, and {answers} answers here"
        if permit.attempt_id != attempt.attempt_id or tags.get("drskit:ExecutionId") != permit.execution_id:
            return "the permit is for another launch"
        wanted = {server_id: attempt.snapshots.get(server_id, LATEST) for server_id in attempt.server_ids}
        return None if wanted == dict(permit.targets) else "the permit is for other servers or points in time"

    def terminate(self, attempt: Attempt, instance_ids: Iterable[str]) -> Started | NotExecuted | Unknown:
        """Ask DRS once to terminate these recovery instances, signed at the intent's time."""
        ids = list(instance_ids)

        def ask() -> object:
            return self._launcher.terminate_recovery_instances(recoveryInstanceIDs=ids)

        return _asked_once(ask, "TerminateRecoveryInstances", attempt)

    def quotas(self, now: datetime) -> Quotas:
        """What DRS allows at once here; where Service Quotas does not tell, what is documented."""
        return self._quotas.read(now)

    def _listed(self, operation: str, read: Callable[[object], T], **arguments: object) -> list[T]:
        paginate = self._drs.get_paginator(operation).paginate  # type: ignore[call-overload]
        return self._every_page(paginate, operation, "items", read, arguments)

    def _every_page(
        self,
        paginate: Callable[..., Iterable[object]],
        operation: str,
        key: str,
        read: Callable[[object], T],
        arguments: dict[str, object],
    ) -> list[T]:
        """What all pages hold; a page without its key is no empty page (a captive portal's reply has none)."""
        name = "".join(part.title() for part in operation.split("_"))
        with asking(f"{name} in {self._region}"):
            return [read(item) for page in paginate(**arguments) for item in need(page, key, list)]

    # --- EC2 ---------------------------------------------------------------------------------------------------------

    def tagged_instances(self, server_ids: Iterable[str]) -> tuple[TaggedInstance, ...]:
        """The living EC2 instances that carry DRS's tag of these servers.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        found: list[TaggedInstance] = []
        for some in _batches(server_ids, 200):
            filters = [
                {"Name": f"tag:{SERVER_TAG}", "Values": some},
                {"Name": "instance-state-name", "Values": list(LIVING)},
            ]
            paginate: Callable[..., Any] = self._ec2.get_paginator("describe_instances").paginate
            for instances in self._every_page(
                paginate, "describe_instances", "Reservations", replies.tagged_instances, {"Filters": filters}
            ):
                found += instances
        return tuple(found)

    def instance_states(self, instance_ids: Iterable[str]) -> dict[str, str]:
        """EC2's state of each of these instances, asked by id; one that EC2 does not know is missing.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        return self._told_of(instance_ids, replies.instance_states)

    def instance_types(self, instance_ids: Iterable[str]) -> dict[str, str]:
        """EC2's type of each of these instances; one that it does not know is missing.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        return self._told_of(instance_ids, replies.instance_types)

    def _told_of(
        self, instance_ids: Iterable[str], read: Callable[[object], Iterable[tuple[str, str]] | dict[str, str]]
    ) -> dict[str, str]:
        """One word of EC2's about each of these instances, asked by id."""
        found: dict[str, str] = {}
        for some in _batches(instance_ids, 200):
            filters = [{"Name": "instance-id", "Values": some}]
            paginate: Callable[..., Any] = self._ec2.get_paginator("describe_instances").paginate
            for words in self._every_page(paginate, "describe_instances", "Reservations", read, {"Filters": filters}):
                found |= dict(words)
        return found

    def protected(self, instance_ids: Iterable[str]) -> frozenset[str]:
        """Those whose termination protection is on; one that EC2 does not know is not protected.

        EC2 answers for one instance a call, so ask only about those that matter.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        return frozenset(instance_id for instance_id in instance_ids if self._protected(instance_id))

    def _protected(self, instance_id: str) -> bool:
        with asking(f"DescribeInstanceAttribute in {self._region}"):
            try:
                reply = self._ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
            except ClientError as error:
                if code_of(error) == VANISHED:
                    return False
                raise
            return replies.protection(reply)


def _sources(attempt: Attempt) -> list[dict[str, str]]:
    """The servers of an attempt as StartRecovery wants them, each with its recovery snapshot where one is named."""
    return [
        {"sourceServerID": server_id}
        | ({"recoverySnapshotID": attempt.snapshots[server_id]} if server_id in attempt.snapshots else {})
        for server_id in attempt.server_ids
    ]


def _asked_once(ask: Callable[[], object], operation: str, attempt: Attempt) -> Started | NotExecuted | Unknown:
    """What a request came to that changes something and makes a job."""
    try:
        with signed_at(attempt.signed_at):
            reply = ask()
        return Started(replies.job(need(reply, "job", dict)))
    except RuntimeError as error:
        if STILL_EXPIRED not in str(error):
            raise
        return launch_outcome(error, operation)
    except (ClientError, BotoCoreError, *UNREADABLE) as error:
        return launch_outcome(error, operation)


def _batches(values: Iterable[str], size: int) -> Iterator[list[str]]:
    items = list(values)
    return (items[start : start + size] for start in range(0, len(items), size))


def _stamp(time: datetime) -> str:
    """A time as DRS's filters want it: a string ending in Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
