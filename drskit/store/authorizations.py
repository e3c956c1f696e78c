"""Authorisations of recoveries in DynamoDB.

An internal item each, in the table of executions. It is consumed by the very
transaction that creates the execution; the conditions of that stand here, so
that what the callers believed does not matter.
"""

import secrets
from datetime import datetime
from typing import Any

from drskit.authorization import Authorization, hash_of, holds_token, not_good, scope_of
from drskit.errors import LostRace, Malformed, NotAuthorized
from drskit.model import Execution, ExecutionType
from drskit.store import codec, wire
from drskit.store.attributes import Item, to_item
from drskit.store.expressions import Clause, above, change, equals, missing, present, version_is
from drskit.store.names import TableNames
from drskit.store.wire import Action, Refusal, Wire

PLACE = "#AUTHORIZATION"


class Authorizations:
    """Authorisations, beside the executions that consume them."""

    def __init__(self, wire: Wire, tables: TableNames) -> None:
        self._wire = wire
        self._tables = tables

    def get_authorization(self, authorization_id: str) -> Authorization | None:
        """See `Store.get_authorization`."""
        item = self._wire.get(self._tables.history, _key(authorization_id))
        return None if item is None else _read(authorization_id, item)

    def put_authorization(self, authorization: Authorization, *, expected: int | None) -> None:
        """See `Store.put_authorization`."""
        mine = secrets.token_hex(8)
        item = _key(authorization.authorization_id) | to_item(_values(authorization) | {"WriteId": mine})
        unused = version_is(expected) & missing("UsedBy")
        refusal = self._wire.write(wire.put(self._tables.history, item, unused))
        if refusal and not (refusal.item and refusal.item.get("WriteId") == {"S": mine}):
            raise lost(authorization)


def consumption(table: str, execution: Execution, secret: str | None, now: datetime) -> list[Action]:
    """What the transaction that creates an execution does to its authorisation; nothing where it needs none.

    Raises:
        NotAuthorized: it is a RECOVERY without one, or carries one and is none.
    """
    refuse_without(execution, secret)
    authority = execution.authority
    if authority is None:
        return []
    if authority.scope != scope_of(execution).seal:
        raise NotAuthorized(f"Execution {execution.execution_id} is not what its authorisation is for.")
    used = change({"UsedBy": execution.execution_id}, add={"Version": 1})
    good = _good(authority.scope, execution.started_by, secret or "", now)
    return [wire.update(table, _key(authority.authorization_id), used, good)]


def refuse_without(execution: Execution, secret: str | None) -> None:
    """Refuse a RECOVERY that carries no authorisation, and anything else that carries one.

    Raises:
        NotAuthorized: see above.
    """
    recovers = execution.execution_type is ExecutionType.RECOVERY
    if recovers and (execution.authority is None or not (isinstance(secret, str) and secret)):
        raise NotAuthorized(
            f"A recovery of plan {execution.plan_id} needs a token, and none was given. Make one: drskit authorize FILE"
        )
    if not recovers and execution.authority is not None:
        raise NotAuthorized(
            f"Execution {execution.execution_id} is a {execution.execution_type} with an authorisation."
        )


def not_consumed(execution: Execution, secret: str | None, found: Authorization | None, now: datetime) -> NotAuthorized:
    """Why an authorisation was not consumed."""
    return NotAuthorized(f"{complaint(execution, secret, found, now) or 'It was changed at this moment'}.")


def complaint(execution: Execution, secret: str | None, found: Authorization | None, now: datetime) -> str | None:
    """Why an authorisation is not good for an execution's creation, as a sentence; None when it is."""
    if found is None or not holds_token(found, secret):
        return "There is no authorisation with this token. Authorise it again: drskit authorize FILE"
    fault = not_good(found, execution.execution_id, execution.started_by, now)
    if fault is None and found.used_by is not None:
        fault = f"Authorisation {found.authorization_id} was used already"
    if fault is None and (found.scope.seal != scope_of(execution).seal or found.authority != execution.authority):
        fault = f"Authorisation {found.authorization_id} is not for this recovery. Authorise it again"
    return fault


def lost(authorization: Authorization) -> LostRace:
    """Somebody wrote it first."""
    return LostRace(
        f"Authorisation {authorization.authorization_id} was changed or used by somebody else meanwhile. Read it again."
    )


def read_refusal(execution: Execution, refusal: Refusal) -> Authorization | None:
    """What stood in the way of a consumption."""
    if refusal.item is None or execution.authority is None:
        return None
    return _read(execution.authority.authorization_id, refusal.item)


def _good(scope: str, by: str, secret: str, now: datetime) -> Clause:
    """That the stored authorisation is good for exactly this, by this person, now."""
    return (
        present("ExecutionId")
        & missing("UsedBy")
        & equals("TokenHash", hash_of(secret))
        & equals("Scope", scope)
        & equals("Issuer", by)
        & equals("Ready", value=True)
        & above("Expires", int(now.timestamp()))
    )


def _key(authorization_id: str) -> Item:
    return to_item({"ExecutionId": f"AUTHORIZATION#{authorization_id}", "PlanId": PLACE})


def _values(authorization: Authorization) -> dict[str, Any]:
    """The item: the record, and beside it what conditions look at."""
    record = authorization.model_copy(update={"used_by": None, "version": 1})
    return {
        "Authorization": codec.content({"": record})[""],
        "Version": authorization.version,
        "TokenHash": authorization.token_hash,
        "Scope": authorization.scope.seal,
        "Issuer": authorization.by,
        "Ready": authorization.ready,
        "Expires": int(authorization.expires.timestamp()),
    }


def _read(authorization_id: str, item: Item) -> Authorization:
    """An item as the authorisation of this name.

    Raises:
        Malformed: it is none, or its parts contradict each other.
    """
    key = codec.item_key(f"AUTHORIZATION#{authorization_id}", PLACE)
    values = codec.record(key, item)
    record = values.get("Authorization")
    if not isinstance(record, dict):
        raise Malformed(key, "it has no Authorization")
    marks = {"UsedBy": values.get("UsedBy"), "Version": values.get("Version")}
    found = codec.validated(Authorization, key, record | marks)
    beside = {name: values.get(name) for name in ("TokenHash", "Scope", "Issuer", "Ready", "Expires")}
    told = _values(found)
    if found.authorization_id != authorization_id or any(told[name] != value for name, value in beside.items()):
        raise Malformed(key, "its parts contradict each other")
    return found
