"""What authorises a recovery for real.

An authorisation is made for one recovery: one plan as it reads now, its servers
with the points in time that they are recovered from, one account, Region and
mode, one person. It is good for fifteen minutes, once. Its token is shown to
that person alone; the tables keep a hash of it. Nothing here asks anybody:
callers bring the authorisation, the recovery that is asked for, and the time.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, StringConstraints

from drskit.approvers import identity_of, same_person
from drskit.bounds import shortened
from drskit.model import (
    LATEST,
    AccountId,
    Attempt,
    Authority,
    ChangeRecord,
    Decision,
    Execution,
    ExecutionType,
    Mode,
    Record,
    RecoveryPlan,
    ServerId,
    digest_of,
)
from drskit.texts import moment

GOOD_FOR = timedelta(minutes=15)
"""How long a token is good, by AWS's clock; a second person's word does not lengthen it."""
SHOWN = 5
"""How many servers a sentence names."""
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Scope(Record):
    """All that an authorisation is for; what is not exactly this is not authorised."""

    plan_id: str
    digest: Hash
    """The runbook's digest: plan and groups."""
    plan_digest: Hash
    """The digest of the plan alone, which an execution holds whole."""
    account_id: AccountId
    region: str
    mode: Mode
    targets: dict[ServerId, str]
    """By source server: the recovery snapshot to launch from, or `latest`."""
    replace: tuple[str, ...] = ()
    """The instances that the launches may terminate: the operator named them, or was shown them."""
    fast: bool = False

    @property
    def seal(self) -> str:
        """SHA-256 over all of it, as 64 hex digits."""
        return digest_of(self.to_json())


class Authorization(Record):
    """An authorisation as the tables hold it."""

    authorization_id: str
    """A ULID; it is no secret, and names it to whoever countersigns."""
    token_hash: Hash
    scope: Scope
    second_person: bool = False
    """It is good only once somebody else has countersigned it."""
    change: ChangeRecord | None = None
    """Of a plan with change control: how the recovery stood by it when it was authorised."""
    by: str
    at: AwareDatetime
    expires: AwareDatetime
    reason: str
    second: Decision | None = None
    """Who countersigned it."""
    used_by: str | None = None
    """The execution that consumed it."""
    version: int = 1

    @property
    def ready(self) -> bool:
        """Nobody else has to say yes."""
        return not self.second_person or self.second is not None

    @property
    def authority(self) -> Authority:
        """What an execution keeps of it."""
        return Authority(
            authorization_id=self.authorization_id, scope=self.scope.seal, by=self.by, at=self.at,
            expires=self.expires, reason=self.reason, second=self.second,
        )  # fmt: skip


# --- tokens ----------------------------------------------------------------------------------------------------------


def token_of(authorization_id: str, secret: str) -> str:
    """The token that a person is shown, once."""
    return f"{authorization_id}.{secret}"


def parts_of(token: object) -> tuple[str, str]:
    """The authorisation that a token is for, and its secret; nothing of what is no token."""
    if not isinstance(token, str):
        return "", ""
    name, _, secret = token.strip().partition(".")
    return name, secret


def hash_of(secret: str) -> str:
    """What the tables keep of a secret; a secret is random and long, so that a plain hash hides it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def holds_token(authorization: Authorization, secret: str | None) -> bool:
    """Whether this is the secret of the authorisation; compared in constant time."""
    return isinstance(secret, str) and bool(secret) and hmac.compare_digest(authorization.token_hash, hash_of(secret))


# --- whether it is good ----------------------------------------------------------------------------------------------


def not_good(authorization: Authorization, execution_id: str, by: str, now: datetime) -> str | None:
    """Why it authorises nothing that this person would start now, in a sentence; None when it is good."""
    name = f"Authorisation {authorization.authorization_id}"
    again = "Authorise it again: drskit authorize FILE"
    if authorization.used_by not in {None, execution_id}:
        return f"{name} was used for execution {authorization.used_by}; a token is good once. {again}"
    if now >= authorization.expires:
        return f"{name} {_expired(authorization, now)}. {again}"
    if by != authorization.by:
        return f"{name} was made for {authorization.by}, and you are {by}. {again}"
    if not authorization.ready:
        return (
            f"{name} waits for a second person until {moment(authorization.expires)}. Somebody else runs: "
            f"drskit authorize --confirm {authorization.authorization_id} --reason TEXT"
        )
    return None


def _expired(authorization: Authorization, now: datetime) -> str:
    return f"expired at {moment(authorization.expires)}, and it is {moment(now)} by AWS's clock"


def may_not_countersign(authorization: Authorization, by: str, now: datetime) -> str | None:
    """Why this person may not countersign it now, in a sentence; None when they may."""
    name = f"Authorisation {authorization.authorization_id}"
    second, yours = authorization.second, identity_of(by)
    same = same_person(yours, identity_of(authorization.by), did="authorised")
    faults = {
        f"was used for execution {authorization.used_by} already": authorization.used_by is not None,
        _expired(authorization, now): now >= authorization.expires,
        "needs no second person; its token is good as it is": not authorization.second_person,
        f"was countersigned already, by {second.by if second else ''}": second is not None,
        f"is for account {authorization.scope.account_id}, and you are {by}": (
            yours.account not in {"", authorization.scope.account_id}
        ),
        f"is to be countersigned by somebody else: {same}": same is not None,
    }
    return next((f"{name} {fault}." for fault, holds in faults.items() if holds), None)


def differences(authorised: Scope, asked: Scope) -> tuple[str, ...]:
    """How what is asked for differs from what was authorised, a clause each; none when it is the same."""
    found = [
        f"the {words} is {_plainly(getattr(asked, name))}, and {_plainly(getattr(authorised, name))} was authorised"
        for name, words in (("plan_id", "plan"), ("account_id", "account"), ("region", "Region"), ("mode", "mode"))
        if getattr(asked, name) != getattr(authorised, name)
    ]
    if (asked.digest, asked.plan_digest) != (authorised.digest, authorised.plan_digest):
        found.append(f"the runbook reads otherwise (digest {asked.digest[:12]}, not {authorised.digest[:12]})")
    found += _targets(authorised.targets, asked.targets)
    more = sorted(set(asked.replace) - set(authorised.replace))
    if more:
        found.append(f"{', '.join(more[:SHOWN])} would be terminated, and nobody was shown that")
    if asked.fast and not authorised.fast:
        found.append("it is to be fast, and was not authorised so")
    return tuple(found)


def _targets(authorised: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    added = [server_id for server_id in asked if server_id not in authorised]
    gone = [server_id for server_id in authorised if server_id not in asked]
    moved = [
        f"{server_id} would be recovered from {asked[server_id]}, not {snapshot}"
        for server_id, snapshot in authorised.items()
        if server_id in asked and asked[server_id] != snapshot
    ]
    return [
        *([f"{_named(added)} would be launched, too"] if added else []),
        *([f"{_named(gone)} would not be launched"] if gone else []),
        *moved[:SHOWN],
    ]


def _named(server_ids: list[str]) -> str:
    more = f" and {len(server_ids) - SHOWN} more" if len(server_ids) > SHOWN else ""
    return f"{', '.join(server_ids[:SHOWN])}{more}"


def _plainly(value: object) -> str:
    return shortened(str(value), 100)


def told(authority: Authority) -> str:
    """How a recovery was authorised, in a sentence."""
    second = authority.second
    by = f", and by {second.by} at {moment(second.at)} ({second.reason})" if second else ", and by nobody else"
    return (
        f"Authorised by {authority.by} at {moment(authority.at)} ({authority.reason}){by}; "
        f"authorisation {authority.authorization_id}, good until {moment(authority.expires)}."
    )


# --- whether an execution may launch ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Permit:
    """That an attempt of a RECOVERY may be sent; made by `permit` alone."""

    execution_id: str
    attempt_id: str
    mode: Mode
    targets: Mapping[str, str]


def permit(execution: Execution, attempt: Attempt, authorization: Authorization | None) -> Permit | str:
    """A permit for this attempt of a RECOVERY, or why there is none."""
    complaint = unauthorised(execution, attempt.server_ids, attempt.snapshots, authorization)
    if complaint is not None or authorization is None:
        return complaint or "nobody authorised this recovery"
    targets = {server_id: attempt.snapshots.get(server_id, LATEST) for server_id in attempt.server_ids}
    return Permit(execution.execution_id, attempt.attempt_id, authorization.scope.mode, targets)


def unauthorised(
    execution: Execution, server_ids: Iterable[str], snapshots: Mapping[str, str], authorization: Authorization | None
) -> str | None:
    """Why a RECOVERY must not launch these servers, as the rest of a sentence; None when it may.

    Whoever writes an execution by hand, or alters one, finds this in the way: what it says of itself counts for
    nothing, only the authorisation that its creation consumed.

    Args:
        execution: the recovery as recorded.
        server_ids: what is to be launched.
        snapshots: what these are to be launched from; the newest data where one is missing.
        authorization: the one that it names, as the tables hold it.
    """
    if execution.execution_type is not ExecutionType.RECOVERY:
        return f"it is a {execution.execution_type}, and only a RECOVERY recovers for real"
    authority = execution.authority
    if authority is None:
        return "nobody authorised this recovery: its record names no authorisation"
    if authorization is None or authorization.authorization_id != authority.authorization_id:
        return f"its authorisation {authority.authorization_id} is not in the tables"
    if authorization.used_by != execution.execution_id:
        return f"authorisation {authority.authorization_id} was not consumed by this execution"
    if authority != authorization.authority or not authorization.ready or authorization.by != execution.started_by:
        return f"its record says otherwise of authorisation {authority.authorization_id} than the tables do"
    targets = {server_id: snapshots.get(server_id, LATEST) for server_id in server_ids}
    asked = scope_of(execution).model_copy(update={"targets": targets})
    allowed = authorization.scope.targets
    authorised = authorization.scope.model_copy(
        update={"targets": {server_id: allowed[server_id] for server_id in targets if server_id in allowed}}
    )
    found = differences(authorised, asked)
    return f"this is not what was authorised: {'; '.join(found)}" if found else None


def actions_unauthorised(execution: Execution, authorization: Authorization | None) -> str | None:
    """Why a RECOVERY must run no action, as the rest of a sentence; None when it may.

    Of a plan that was edited only what a token was given for is run: an edit changes no action of a RECOVERY.
    """
    complaint = unauthorised(execution, (), {}, authorization)
    if complaint is None and actions_declared(execution.plan) != actions_declared(execution.started_plan):
        return "its actions are not those that were authorised"
    return complaint


def actions_declared(plan: RecoveryPlan) -> tuple[object, ...]:
    """All actions of a plan, each in its place."""
    return (*((wave.name, wave.before, wave.after) for wave in plan.waves), plan.at_end)


def scope_begun(execution: Execution, facts: Mapping[str, Any]) -> Scope:
    """The same as its first event has it, whatever became of it since."""
    pins = {name: chosen["SnapshotId"] for name, chosen in facts.get("Snapshots", {}).items()}
    return scope_of(execution).model_copy(
        update={
            "digest": str(facts.get("Digest")), "replace": tuple(facts.get("Replace", ())),
            "targets": {
                name: pins.get(name, LATEST) for group in facts.get("Groups", ()) for name in group["Servers"]
            },
        }
    )  # fmt: skip


def scope_of(execution: Execution) -> Scope:
    """What an execution would need to be authorised for, by its own record."""
    pins = {
        server.source_server_id: server.snapshot.snapshot_id
        for wave in execution.waves
        for server in wave.servers
        if server.snapshot is not None
    }
    return Scope(
        plan_id=execution.plan_id, digest=execution.digest, plan_digest=execution.started_plan.digest,
        account_id=execution.account_id, region=execution.region, mode=execution.mode,
        targets={name: pins.get(name, LATEST) for group in execution.groups for name in group.servers},
        replace=execution.replace, fast=execution.fast,
    )  # fmt: skip
