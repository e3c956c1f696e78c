"""What DRS and EC2 reply, as drskit's values.

What decisions rest on is understood or raises `Unreadable` with the member's
name: what cannot be read is never an absence. What is only shown may be absent.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from drskit.model import (
    Job,
    JobLogEntry,
    JobServer,
    LaunchSettings,
    RecoveryInstance,
    RecoverySnapshot,
    SourceServer,
    TaggedInstance,
)

SERVER_TAG = "AWSElasticDisasterRecoverySourceServerID"
"""DRS puts it on the instances that it launches (drs-facts §8)."""
NO_VOLUME = ("MISSING", "PENDING")
"""How the statuses of volumes begin with which no launch is possible (drs-facts §4)."""
SPAN = TypeAdapter(timedelta)
SHOWN_LENGTH = 60
T = TypeVar("T")


class Unreadable(ValueError):
    """A member of a reply is missing or makes no sense."""


# --- members ---------------------------------------------------------------------------------------------------------


def need(item: object, member: str, kind: type[T]) -> T:
    """A member that must be there.

    Raises:
        Unreadable: it is not, or is of another type.
    """
    value = may(item, member, kind)
    if value is None:
        raise Unreadable(f"{member} is missing")
    return value


def may(item: object, member: str, kind: type[T]) -> T | None:
    """A member that may be absent.

    Raises:
        Unreadable: it is of another type.
    """
    if not isinstance(item, dict):
        raise Unreadable(f"{_shortly(item)} stands where {member} should be")
    value = item.get(member)
    if value is not None and not isinstance(value, kind):
        raise _odd(member, value)
    return value


def _time(item: object, member: str) -> datetime | None:
    """DRS's times are strings, with `+00:00` and microseconds or with Z (drs-facts §1.5); a naive one is UTC."""
    text = may(item, member, str)
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _odd(member, text) from error


def _needed_time(item: object, member: str) -> datetime:
    time = _time(item, member)
    if time is None:
        raise Unreadable(f"{member} is missing")
    return time


def _tags(item: object) -> dict[str, str]:
    tags = may(item, "tags", dict) or {}
    if not all(isinstance(part, str) for pair in tags.items() for part in pair):
        raise _odd("tags", tags)
    return tags


def _shown(item: object, member: str) -> str:
    """A text for people; empty when there is none."""
    try:
        return may(item, member, str) or ""
    except Unreadable:
        return ""


def _shown_time(item: object, member: str) -> datetime | None:
    try:
        return _time(item, member)
    except Unreadable:
        return None


def _shown_span(item: object, member: str) -> timedelta | None:
    text = _shown(item, member)
    try:
        return SPAN.validate_python(text) if text else None
    except ValidationError:
        return None


def _odd(member: str, value: object) -> Unreadable:
    return Unreadable(f"{member} is {_shortly(value)}")


def _shortly(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}…"


# --- DRS -------------------------------------------------------------------------------------------------------------


def source_server(item: object) -> SourceServer:
    """An item of DescribeSourceServers."""
    server_id, tags = need(item, "sourceServerID", str), _tags(item)
    properties = may(item, "sourceProperties", dict) or {}
    hostname = _shown(properties.get("identificationHints"), "hostname")
    replication = may(item, "dataReplicationInfo", dict) or {}
    launch = may(may(item, "lifeCycle", dict) or {}, "lastLaunch", dict) or {}
    last = may(launch, "initiated", dict) or {}
    return SourceServer(
        source_server_id=server_id,
        name=tags.get("Name") or hostname,
        tags=tags,
        hostname=hostname,
        operating_system=_shown(properties.get("os"), "fullString"),
        replication_state=may(replication, "dataReplicationState", str) or "",
        lag=_shown_span(replication, "lagDuration"),
        recommended_type=_shown(properties, "recommendedInstanceType"),
        disk_bytes=_disk_bytes(properties),
        last_launch_job_id=may(last, "jobID", str),
        last_launch_time=_time(last, "apiCallDateTime"),
        last_launch_status=may(launch, "status", str),
        last_launch_type=_shown(last, "type") or None,
        recovery_instance_id=may(item, "recoveryInstanceId", str),
        replicated_percent=_percent(_disks(replication)),
        replication_error=_shown(replication.get("dataReplicationError"), "error") or None,
        last_seen=_shown_time(item.get("lifeCycle") if isinstance(item, dict) else None, "lastSeenByServiceDateTime"),
        staging_status=_shown(item.get("stagingArea") if isinstance(item, dict) else None, "status") or None,
        volume_troubles=tuple(_volume_troubles(_disks(replication))),
    )


def _disks(replication: dict[str, object]) -> list[dict[str, object]]:
    """The disks, as far as they can be read: they are only shown."""
    found = replication.get("replicatedDisks")
    return [disk for disk in found if isinstance(disk, dict)] if isinstance(found, list) else []


def _disk_bytes(properties: dict[str, object]) -> int:
    found = properties.get("disks")
    disks = [disk for disk in found if isinstance(disk, dict)] if isinstance(found, list) else []
    return sum(size for disk in disks if isinstance(size := disk.get("bytes"), int) and size > 0)


def _percent(disks: list[dict[str, object]]) -> int | None:
    sizes = [
        (disk.get("replicatedStorageBytes"), disk.get("totalStorageBytes"))
        for disk in disks
        if isinstance(disk.get("replicatedStorageBytes"), int) and isinstance(disk.get("totalStorageBytes"), int)
    ]
    total = sum(size for _, size in sizes)  # type: ignore[misc]  # the line above asked
    return round(100 * sum(done for done, _ in sizes) / total) if total else None  # type: ignore[misc]


def _volume_troubles(disks: list[dict[str, object]]) -> Iterator[str]:
    for disk in disks:
        status = _shown(disk, "volumeStatus")
        if status.startswith(NO_VOLUME):
            yield f"{_shown(disk, 'deviceName') or 'a disk'} {status}"


def launch_settings(reply: object) -> LaunchSettings:
    """What GetLaunchConfiguration says."""
    return LaunchSettings(
        source_server_id=need(reply, "sourceServerID", str),
        template_id=may(reply, "ec2LaunchTemplateID", str) or None,
        disposition=may(reply, "launchDisposition", str),
    )


def snapshot_time(item: object) -> datetime | None:
    """When a recovery snapshot was taken; None while it is not yet (drs-facts §3.5)."""
    need(item, "snapshotID", str)
    return _time(item, "timestamp")


def job(item: object) -> Job:
    """An item of DescribeJobs, or what StartRecovery made."""
    return Job(
        job_id=need(item, "jobID", str),
        job_type=need(item, "type", str),
        initiated_by=may(item, "initiatedBy", str) or "",
        status=need(item, "status", str),
        creation_time=_needed_time(item, "creationDateTime"),
        end_time=_time(item, "endDateTime"),
        servers=tuple(map(_job_server, may(item, "participatingServers", list) or ())),
        tags=_tags(item),
    )


def _job_server(item: object) -> JobServer:
    return JobServer(source_server_id=need(item, "sourceServerID", str), launch_status=may(item, "launchStatus", str))


def log_entry(item: object) -> JobLogEntry:
    """An item of DescribeJobLogItems."""
    data = may(item, "eventData", dict) or {}
    return JobLogEntry(
        time=_needed_time(item, "logDateTime"),
        event=may(item, "event", str) or "",
        source_server_id=may(data, "sourceServerID", str),
        conversion_server_id=may(data, "conversionServerID", str),
        target_instance_id=may(data, "targetInstanceID", str),
        error=may(data, "rawError", str),
    )


def recovery_instance(item: object) -> RecoveryInstance:
    """An item of DescribeRecoveryInstances."""
    return RecoveryInstance(
        recovery_instance_id=need(item, "recoveryInstanceID", str),
        source_server_id=need(item, "sourceServerID", str),
        job_id=may(item, "jobID", str),
        is_drill=may(item, "isDrill", bool),
        state=may(item, "ec2InstanceState", str) or "",
        snapshot_time=_shown_time(item, "pointInTimeSnapshotDateTime"),
        failback=may(may(item, "failback", dict) or {}, "state", str),
        replication_state=may(may(item, "dataReplicationInfo", dict) or {}, "dataReplicationState", str),
    )


def recovery_snapshot(item: object) -> RecoverySnapshot | None:
    """An item of DescribeRecoverySnapshots; None for one that has not been taken yet (drs-facts §3.5)."""
    time = _shown_time(item, "timestamp")
    return RecoverySnapshot(snapshot_id=need(item, "snapshotID", str), time=time) if time else None


# --- EC2 -------------------------------------------------------------------------------------------------------------


def tagged_instances(reservation: object) -> tuple[TaggedInstance, ...]:
    """An item of DescribeInstances: the instances that were launched together."""
    return tuple(map(_tagged_instance, need(reservation, "Instances", list)))


def _tagged_instance(item: object) -> TaggedInstance:
    tags = {need(tag, "Key", str): may(tag, "Value", str) for tag in need(item, "Tags", list)}
    return TaggedInstance(
        instance_id=need(item, "InstanceId", str),
        source_server_id=need(tags, SERVER_TAG, str),
        state=need(need(item, "State", dict), "Name", str),
        launch_time=may(item, "LaunchTime", datetime),
    )


def instance_states(reservation: object) -> tuple[tuple[str, str], ...]:
    """An item of DescribeInstances: the id and the state of each."""
    return tuple(
        (need(item, "InstanceId", str), need(need(item, "State", dict), "Name", str))
        for item in need(reservation, "Instances", list)
    )


def instance_types(reservation: object) -> dict[str, str]:
    """An item of DescribeInstances: the type of each."""
    return {
        need(item, "InstanceId", str): need(item, "InstanceType", str) for item in need(reservation, "Instances", list)
    }


def protection(reply: object) -> bool:
    """Whether DescribeInstanceAttribute says that termination protection is on."""
    return need(need(reply, "DisableApiTermination", dict), "Value", bool)
