"""What the events of a history seal: digests of a state and of a log, and the fields that changed.

A field at its default does not count, so that evidence keeps its digests when a
later drskit gives its records more fields.
"""

from collections.abc import Collection
from typing import Any

from drskit.model import Execution, JobLog, Record, RecoveryPlan, digest_of

STATE = "State"
"""The fact, of the last event of every write, that holds the digest of what was written."""
FIELDS = "Fields"
"""The fact that holds the fields that changed, with their new values."""
CHAIN = frozenset({"events", "head"})
"""What of an execution the chain itself holds: a digest cannot hold the hash that holds it."""


def state_digest(execution: Execution) -> str:
    """SHA-256 over an execution without the chain's own fields, as 64 hex digits."""
    return _digest(execution, CHAIN)


def log_digest(log: JobLog) -> str:
    """SHA-256 over a job's whole log, as 64 hex digits."""
    return _digest(log)


def context_digest(context: Record) -> str:
    """SHA-256 over what a report says beside the execution, as 64 hex digits."""
    return _digest(context)


def plan_digest(plan: RecoveryPlan) -> str:
    """SHA-256 over a plan as executed, as 64 hex digits."""
    return _digest(plan)


def changes(old: Record | None, new: Record, besides: Collection[str] = ()) -> dict[str, Any]:
    """The fields in which a record differs from an older one, as JSON; of a new one those not at their defaults."""
    if old is None:
        return new.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=set(besides))
    names = {name for name in type(new).model_fields if name not in besides and _differs(old, new, name)}
    return new.model_dump(mode="json", by_alias=True, include=names) if names else {}


def _differs(old: Record, new: Record, name: str) -> bool:
    was, now = getattr(old, name), getattr(new, name)
    return was is not now and was != now


def _digest(record: Record, besides: Collection[str] = ()) -> str:
    return digest_of(record.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=set(besides)))
