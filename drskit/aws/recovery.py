"""DRS and EC2 in one account and Region, as the engine needs them.

DRS's camelCase stops here. A read returns every page or raises; a launch is
sent once and comes to one of three outcomes.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from drskit.aws.faults import launch_outcome, translate
from drskit.aws.signing import signed_at
from drskit.model import Attempt, Job, JobLogEntry, JobServer, RecoveryInstance, SourceServer, TaggedInstance
from drskit.ports import NotExecuted, Started, Unknown

if TYPE_CHECKING:
    from mypy_boto3_drs import DrsClient
    from mypy_boto3_ec2 import EC2Client

SIMULATED_HEADER = "x-drskit-simulated"
SERVER_TAG = "AWSElasticDisasterRecoverySourceServerID"
"""DRS puts it on the instances that it launches (drs-facts §8)."""
LIVING = ("pending", "running", "stopping", "stopped")
SPAN = TypeAdapter(timedelta)


class DrsRecovery:
    """DRS and EC2 through boto3."""

    def __init__(self, reader: "DrsClient", launcher: "DrsClient", ec2: "EC2Client", region: str) -> None:
        """Take ready clients; `launcher` must send once and sign at the intent's time."""
        self._drs = reader
        self._launcher = launcher
        self._ec2 = ec2
        self._region = region
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
        try:
            self._drs.describe_source_servers(maxResults=1)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"DescribeSourceServers in {self._region}") from error

    # --- DRS ---------------------------------------------------------------------------------------------------------

    def source_servers(self, server_ids: Iterable[str] | None = None) -> tuple[SourceServer, ...]:
        """Source servers, all or the named ones.

        Raises:
            Unavailable: some page could not be read.
        """
        if server_ids is None:
            return tuple(map(_source_server, self._pages("describe_source_servers", "items")))
        return tuple(
            _source_server(item)
            for some in _batches(server_ids, 200)
            for item in self._pages("describe_source_servers", "items", filters={"sourceServerIDs": some})
        )

    def jobs(self, *, job_ids: Iterable[str] = (), since: datetime | None = None) -> tuple[Job, ...]:
        """Jobs by id, or all created since a time; newest first.

        Raises:
            Unavailable: some page could not be read.
        """
        if since is not None:
            return tuple(map(_job, self._pages("describe_jobs", "items", filters={"fromDate": _stamp(since)})))
        return tuple(
            _job(item)
            for some in _batches(job_ids, 1000)
            for item in self._pages("describe_jobs", "items", filters={"jobIDs": some})
        )

    def job_log(self, job_id: str) -> tuple[JobLogEntry, ...]:
        """A job's log, oldest line first.

        Raises:
            Unavailable: some page could not be read.
        """
        entries = map(_log_entry, self._pages("describe_job_log_items", "items", jobID=job_id))
        return tuple(sorted(entries, key=lambda entry: entry.time))

    def recovery_instances(self, server_ids: Iterable[str]) -> tuple[RecoveryInstance, ...]:
        """The instances that DRS knows for these servers.

        Raises:
            Unavailable: some page could not be read.
        """
        return tuple(
            _recovery_instance(item)
            for some in _batches(server_ids, 200)
            for item in self._pages("describe_recovery_instances", "items", filters={"sourceServerIDs": some})
        )

    def start_recovery(self, attempt: Attempt, tags: dict[str, str]) -> Started | NotExecuted | Unknown:
        """Ask DRS once to launch a drill of the attempt's servers, signed at the intent's time.

        `isDrill` is always sent, and always true: recoveries do not go this way.
        """
        servers = [{"sourceServerID": server_id} for server_id in attempt.server_ids]
        try:
            with signed_at(attempt.signed_at):
                reply = self._launcher.start_recovery(sourceServers=servers, isDrill=True, tags=tags)  # type: ignore[arg-type]  # TypedDict
        except (ClientError, BotoCoreError) as error:
            return launch_outcome(error)
        try:
            return Started(_job(reply["job"]))  # type: ignore[arg-type]
        except (KeyError, ValueError, ValidationError) as error:
            return Unknown(f"the reply to StartRecovery cannot be read: {error}")

    def _pages(self, operation: str, key: str, **arguments: object) -> Iterator[dict[str, Any]]:
        yield from self._every_page(self._drs.get_paginator(operation).paginate, operation, key, arguments)  # type: ignore[call-overload]

    def _every_page(
        self, paginate: Callable[..., Iterable[dict[str, Any]]], operation: str, key: str, arguments: dict[str, object]
    ) -> Iterator[dict[str, Any]]:
        name = "".join(part.title() for part in operation.split("_"))
        try:
            for page in paginate(**arguments):
                yield from page.get(key, [])
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"{name} in {self._region}") from error

    # --- EC2 ---------------------------------------------------------------------------------------------------------

    def tagged_instances(self, server_ids: Iterable[str]) -> tuple[TaggedInstance, ...]:
        """The living EC2 instances that carry DRS's tag of these servers.

        Raises:
            Unavailable: EC2 could not be asked.
        """
        found = []
        for some in _batches(server_ids, 200):
            filters = [
                {"Name": f"tag:{SERVER_TAG}", "Values": some},
                {"Name": "instance-state-name", "Values": list(LIVING)},
            ]
            paginate: Callable[..., Any] = self._ec2.get_paginator("describe_instances").paginate
            for reservation in self._every_page(paginate, "describe_instances", "Reservations", {"Filters": filters}):
                found += [self._tagged(instance) for instance in reservation["Instances"]]
        return tuple(found)

    def _tagged(self, instance: dict[str, Any]) -> TaggedInstance:
        tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
        return TaggedInstance(
            instance_id=instance["InstanceId"],
            source_server_id=tags[SERVER_TAG],
            state=instance["State"]["Name"],
            protected=self._protected(instance["InstanceId"]),
        )

    def _protected(self, instance_id: str) -> bool:
        try:
            reply = self._ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"DescribeInstanceAttribute in {self._region}") from error
        return bool(reply["DisableApiTermination"].get("Value", False))


def _batches(values: Iterable[str], size: int) -> Iterator[list[str]]:
    items = list(values)
    return (items[start : start + size] for start in range(0, len(items), size))


def _stamp(time: datetime) -> str:
    """A time as DRS's filters want it: a string ending in Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str | None) -> datetime | None:
    """DRS's times are strings, with `+00:00` and microseconds or with Z (drs-facts §1.5)."""
    return datetime.fromisoformat(text) if text else None


def _source_server(item: dict[str, Any]) -> SourceServer:
    tags = item.get("tags", {})
    properties = item.get("sourceProperties", {})
    hostname = properties.get("identificationHints", {}).get("hostname", "")
    replication = item.get("dataReplicationInfo", {})
    last = item.get("lifeCycle", {}).get("lastLaunch", {}).get("initiated", {})
    lag = replication.get("lagDuration")
    return SourceServer(
        source_server_id=item["sourceServerID"],
        name=tags.get("Name") or hostname,
        tags=tags,
        hostname=hostname,
        operating_system=properties.get("os", {}).get("fullString", ""),
        replication_state=replication.get("dataReplicationState", ""),
        lag=SPAN.validate_python(lag) if lag else None,
        last_launch_job_id=last.get("jobID"),
        last_launch_time=_time(last.get("apiCallDateTime")),
        recovery_instance_id=item.get("recoveryInstanceId"),
    )


def _job(item: dict[str, Any]) -> Job:
    return Job(
        job_id=item["jobID"],
        job_type=item.get("type", ""),
        initiated_by=item.get("initiatedBy", ""),
        status=item.get("status", ""),
        creation_time=datetime.fromisoformat(item["creationDateTime"]),
        end_time=_time(item.get("endDateTime")),
        servers=tuple(
            JobServer(source_server_id=part["sourceServerID"], launch_status=part.get("launchStatus"))
            for part in item.get("participatingServers", [])
        ),
        tags=item.get("tags", {}),
    )


def _log_entry(item: dict[str, Any]) -> JobLogEntry:
    data = item.get("eventData", {})
    return JobLogEntry(
        time=datetime.fromisoformat(item["logDateTime"]),
        event=item.get("event", ""),
        source_server_id=data.get("sourceServerID"),
        conversion_server_id=data.get("conversionServerID"),
        target_instance_id=data.get("targetInstanceID"),
        error=data.get("rawError"),
    )


def _recovery_instance(item: dict[str, Any]) -> RecoveryInstance:
    return RecoveryInstance(
        recovery_instance_id=item["recoveryInstanceID"],
        source_server_id=item.get("sourceServerID", ""),
        job_id=item.get("jobID"),
        is_drill=item.get("isDrill"),
        state=item.get("ec2InstanceState", ""),
        snapshot_time=_time(item.get("pointInTimeSnapshotDateTime")),
    )
