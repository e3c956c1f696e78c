"""Recovery for real: it is authorised first, then started with the token.

What a person was shown is what the token is for. Whatever would be launched
otherwise than that by the time it is used is refused here in words, refused by
the tables when the execution is created, and refused by the engine before every
launch.
"""

import secrets
from dataclasses import dataclass

from drskit.approvers import STAND_IN
from drskit.authorization import (
    GOOD_FOR,
    Authorization,
    Scope,
    differences,
    hash_of,
    holds_token,
    may_not_countersign,
    not_good,
    parts_of,
    scope_of,
    token_of,
)
from drskit.bounds import PERSON_BYTES, shortened
from drskit.change import permitted
from drskit.errors import InvalidInput, MissingTables, NotAuthorized, NotFound
from drskit.model import LATEST, Decision, Execution, Mode, Runbook
from drskit.planning import execution_id_for, fresh_id, refuse_unready
from drskit.session import Preview, Session
from drskit.texts import plain

NO_SUCH_TOKEN = "There is no authorisation with this token. Make one: drskit authorize FILE"  # noqa: S105 - a sentence


@dataclass(frozen=True)
class Issued:
    """An authorisation that was just made, and its token: shown once, and kept nowhere."""

    authorization: Authorization
    token: str

    def __repr__(self) -> str:
        return f"<authorisation {self.authorization.authorization_id}, whose token is not shown>"


def authorize(session: Session, preview: Preview, *, reason: str, second_person: bool = False) -> Issued:
    """Authorise the recovery that a person was shown, for fifteen minutes and once.

    Args:
        session: whose identity it is made for.
        preview: what was shown; see `Session.preview`. Exactly this is authorised.
        reason: why; it is kept with the recovery.
        second_person: somebody else must countersign it, even where the plan does not ask for that.

    Raises:
        InvalidInput: no reason was given.
        Refused: a server cannot be launched.
        ChangeRefused: the plan's change control does not allow it now, and nobody overrides that.
    """
    if not plain(reason):
        raise InvalidInput("An authorisation needs a reason: it is kept with the recovery. Add --reason.")
    refuse_unready(preview.groups)
    plan, now = preview.runbook.plan, session.store.now()
    by = shortened(session.caller[1], PERSON_BYTES)
    judgement = preview.change
    change = permitted(plan.plan_id, judgement, override=preview.override, by=by) if judgement else None
    secret = secrets.token_urlsafe(24)
    authorization = Authorization(
        authorization_id=fresh_id(now), token_hash=hash_of(secret), scope=scope_shown(preview),
        second_person=second_person or plan.recovery.second_person, change=change, by=by, at=now,
        expires=now + GOOD_FOR, reason=shortened(reason),
    )  # fmt: skip
    session.store.put_authorization(authorization, expected=None)
    return Issued(authorization, token_of(authorization.authorization_id, secret))


def scope_shown(preview: Preview) -> Scope:
    """All that a person agrees to who agrees to this preview."""
    pins = {name: snapshot.snapshot_id for name, snapshot in preview.snapshots.items()}
    return Scope(
        plan_id=preview.runbook.plan.plan_id, digest=preview.runbook.digest, plan_digest=preview.runbook.plan.digest,
        account_id=preview.account_id, region=preview.region, mode=preview.mode,
        targets={name: pins.get(name, LATEST) for part in preview.groups for name in part.ids},
        replace=tuple(sorted({*preview.replace, *(one.instance_id for one in preview.doomed)})), fast=preview.fast,
    )  # fmt: skip


def countersign(session: Session, authorization_id: str, *, reason: str, stand_in: bool = False) -> Authorization:
    """Say yes, as a second person, to what somebody else has authorised.

    Args:
        session: whose identity says yes.
        authorization_id: what it is called; no secret.
        reason: why; it is kept with the recovery.
        stand_in: of a simulated recovery that nobody attends: say yes for the people who are not there.

    Raises:
        NotFound: there is none of this name.
        NotAuthorized: it is over, needs nobody, or is this person's own.
        LostRace: somebody else countersigned or used it at this moment.
    """
    if not plain(reason):
        raise InvalidInput("A second person's word needs a reason: it is kept with the recovery. Add --reason.")
    found = authorization(session, authorization_id)
    now = session.store.now()
    by = STAND_IN if stand_in and found.scope.mode is Mode.SIMULATED else shortened(session.caller[1], PERSON_BYTES)
    complaint = may_not_countersign(found, by, now)
    if complaint is not None:
        raise NotAuthorized(complaint)
    second = Decision(by=by, at=now, reason=shortened(reason))
    signed = found.model_copy(update={"second": second, "version": found.version + 1})
    session.store.put_authorization(signed, expected=found.version)
    return signed


def authorization(session: Session, authorization_id: str) -> Authorization:
    """The authorisation of this name.

    Raises:
        NotFound: there is none.
    """
    found = _stored(session, authorization_id)
    if found is None:
        raise NotFound(f"There is no authorisation {authorization_id}. `drskit authorize FILE` says how its is called.")
    return found


def recovery_id(authorization_id: str, plan_id: str) -> str:
    """The ExecutionId of the recovery that an authorisation is for: a token used again finds its own recovery."""
    return execution_id_for(plan_id, f"recovery by {authorization_id}", "")


def recover(session: Session, runbook: Runbook, *, token: str, apply: bool = False) -> Execution:
    """Start the recovery that a token authorises, and return at once; whoever polls carries it out.

    A token that was used finds the recovery that it started, as after a lost reply; it never starts another.

    Args:
        session: whose identity the token was made for.
        runbook: what was authorised; against AWS it must say what was applied.
        token: what `authorize` gave.
        apply: apply the runbook first, against AWS too.

    Raises:
        NotAuthorized: the token is not good: for this, for this person, now, or at all.
        Refused: the runbook differs from what was applied, or a server cannot be launched.
        GuardRefused: a launch would terminate what nobody was shown.
        ChangeRefused: its change control does not allow it any more.
        PlanBusy: an execution of the plan lives.
    """
    found, secret = _held(session, token)
    plan_id = runbook.plan.plan_id
    known = started(session, token)
    if known is not None and known.plan_id == plan_id:
        return known
    execution_id = recovery_id(found.authorization_id, plan_id)
    by = shortened(session.caller[1], PERSON_BYTES)
    complaint = not_good(found, execution_id, by, session.store.now())
    if complaint is not None:
        raise NotAuthorized(f"{complaint}.")
    _refuse_others(found.scope, plan_id, session, runbook)
    ticket, override = _change(found)
    execution, plan = session.draw_up(
        runbook, execution_id=execution_id, apply=apply, replace=found.scope.replace, fast=found.scope.fast,
        ticket=ticket, override=override, authority=found.authority,
    )  # fmt: skip
    otherwise = differences(found.scope, scope_of(execution))
    if otherwise:
        raise _not_this(found, otherwise)
    return session.create(execution, plan, secret=secret)


def started(session: Session, token: str) -> Execution | None:
    """The recovery that this person's token has started; None while it has started none.

    Raises:
        NotAuthorized: there is no authorisation with this token.
    """
    found, _ = _held(session, token)
    if found.used_by is None or shortened(session.caller[1], PERSON_BYTES) != found.by:
        return None
    return session.find(found.used_by)


def look_again(session: Session, runbook: Runbook, token: str) -> Preview:
    """What the recovery that a token authorises would do by now; see `Session.preview`.

    Raises:
        NotAuthorized: there is no authorisation with this token.
    """
    found, _ = _held(session, token)
    ticket, override = _change(found)
    return session.preview(
        runbook, replace=found.scope.replace, fast=found.scope.fast, ticket=ticket, override=override
    )


def _held(session: Session, token: str) -> tuple[Authorization, str]:
    """The authorisation of a token, and the token's secret."""
    name, secret = parts_of(token)
    found = _stored(session, name)
    if found is None or not holds_token(found, secret):
        raise NotAuthorized(NO_SUCH_TOKEN)
    return found, secret


def _change(found: Authorization) -> tuple[str | None, str | None]:
    """Under which ticket it was authorised, and why against the change control; a recovery is judged by them again."""
    change = found.change
    if change is None:
        return None, None
    return change.ticket, change.overridden.reason if change.overridden else None


def _refuse_others(scope: Scope, plan_id: str, session: Session, runbook: Runbook) -> None:
    """Say at once what a look at the servers is not needed for.

    Raises:
        NotAuthorized: another plan, another account, or a runbook that reads otherwise.
    """
    asked = scope.model_copy(
        update={
            "plan_id": plan_id, "account_id": session.caller[0], "region": runbook.plan.region,
            "digest": runbook.digest, "plan_digest": runbook.plan.digest,
        }
    )  # fmt: skip
    otherwise = differences(scope, asked)
    if otherwise:
        raise NotAuthorized(f"This is not what was authorised: {'; '.join(otherwise)}. Authorise it as it is now.")


def _not_this(found: Authorization, otherwise: tuple[str, ...]) -> NotAuthorized:
    return NotAuthorized(
        f"This is not what authorisation {found.authorization_id} is for: {'; '.join(otherwise)}. "
        "Look at it and authorise it as it is now: drskit authorize FILE"
    )


def _stored(session: Session, authorization_id: str) -> Authorization | None:
    if not authorization_id:
        return None
    try:
        return session.store.get_authorization(authorization_id)
    except MissingTables:
        return None
