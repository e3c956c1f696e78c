"""Who may approve a wave.

People are known by the ARN that AWS says they have, in a simulated world by one
that is made of their login. An IAM user is a name that AWS vouches for. Of an
assumed role AWS vouches for the role; the session's name was chosen by whoever
assumed it, so it opens no door here by itself, and only ever closes one.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from drskit.model import Approval, Execution, Mode

STAND_IN = "drskit, for people who are not there (simulated)"
"""Who approves a simulated drill that nobody attends, where its starter may not; nobody against AWS."""
ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):(?P<service>iam|sts)::(?P<account>\d{12}):(?P<who>.+)", re.DOTALL)
NAMELESS = re.compile(r"botocore-session-\d+|AWSCLI-Session|\d+")
"""Session names that the SDK makes up when nobody chose one: they tell no person."""
PATTERN = re.compile(
    r"(?!arn:[^/]*:role/.*/[^/]*\*)arn:aws[a-z-]*:(iam|sts)::(\d{12}|\*):[\w+=,.@*/-]+"
    r"|(user/|role/)?[\w+=,.@-][\w+=,.@*-]*",
    re.ASCII,
)
"""How somebody who may approve is written in a runbook.

Never just a star, which is what no `by` at all means. Nor a role's ARN with a path and a star behind it: AWS does not
tell the path of an assumed role, so that it would mean roles of any path.
"""


@dataclass(frozen=True)
class Identity:
    """Who an ARN says that somebody is."""

    arn: str
    account: str = ""
    user: str = ""
    """The name of an IAM user, without its path."""
    role: str = ""
    """The name of an assumed role."""
    session: str = ""
    """How the one who assumed it called the session."""

    @property
    def person(self) -> str:
        """The name that tells whether two identities are the same person; empty when there is none."""
        return self.user or ("" if NAMELESS.fullmatch(self.session) else self.session)


def identity_of(arn: str) -> Identity:
    """An ARN read; of one that is neither a user nor an assumed role nothing but itself is known."""
    found = ARN.fullmatch(arn)
    if found is None:
        return Identity(arn)
    kind, _, rest = found["who"].partition("/")
    if kind == "user":
        return Identity(arn, found["account"], user=rest.rpartition("/")[2])
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        return Identity(arn, found["account"], role=role, session=session)
    return Identity(arn, found["account"])


def local_identity(user: str, account: str) -> str:
    """The ARN of somebody in a simulated world: one that was given, or that of an IAM user of this name."""
    if user.startswith("arn:"):
        return user
    name = re.sub(r"[^\w+=,.@-]", "-", user)
    return f"arn:aws:iam::{account}:user/{name}"


def may_not_approve(execution: Execution, approval: Approval, by: str) -> str | None:
    """Why this person may not approve, as the rest of a sentence; None when they may."""
    if by == STAND_IN and execution.mode is Mode.SIMULATED:
        return None
    who = identity_of(by)
    if approval.by and not any(_is(who, pattern, execution.account_id) for pattern in approval.by):
        return f"{by} may not approve it; it is to be approved {who_may(approval)}"
    return same_person(who, identity_of(execution.started_by)) if approval.not_starter else None


def who_may(approval: Approval) -> str:
    """Who is to approve, in words; empty where anybody may."""
    known = f"by {' or '.join(approval.by)}" if approval.by else ""
    other = "by somebody else than who started it" if approval.not_starter else ""
    return f"{known}, and {other}" if known and other else known or other


def question(approval: Approval) -> str:
    """What is asked, and of whom."""
    who = who_may(approval)
    return f"{approval.text} (to be approved {who})" if who else approval.text


def _is(who: Identity, pattern: str, account: str) -> bool:
    """Whether a pattern of a runbook means this person; a short one means the execution's own account."""
    if pattern.startswith("arn:"):
        bare = re.sub(r":role/.*/([^/*]+)$", r":role/\1", pattern)  # AWS does not tell an assumed role's path
        return any(fnmatchcase(form, bare) for form in _forms(who))
    kind, slash, name = pattern.rpartition("/")
    known = who.role if slash and kind == "role" else who.user
    return bool(known) and who.account == account and fnmatchcase(known, name)


def _forms(who: Identity) -> tuple[str, ...]:
    """The ARNs that mean somebody: their own, and of an assumed role also the role's."""
    if not who.role:
        return (who.arn,)
    partition = who.arn.split(":")[1]
    return who.arn, f"arn:{partition}:iam::{who.account}:role/{who.role}"


def same_person(who: Identity, starter: Identity, *, did: str = "started") -> str | None:
    """Why it cannot be ruled out that somebody says yes to what they began themselves; None when it can.

    Args:
        who: whoever says yes.
        starter: whoever began it.
        did: what they did: started an execution, or authorised one.
    """
    if who.arn == starter.arn or (who.person and who.person.casefold() == starter.person.casefold()):
        if did != "started":
            return f"{who.arn} {did} it, as {starter.arn}"
        return f"{who.arn} started the execution, as {starter.arn}, and it is to be approved by somebody else"
    nameless = next((one for one in (who, starter) if one.role and not one.person), None)
    if nameless is None or (nameless is starter and who.role != starter.role):
        return None
    return (
        f"the session {nameless.session} of role {nameless.role} names nobody, so nobody can tell whether its "
        f"{'approver' if did == 'started' else 'owner'} {did} it. Set role_session_name in the profile"
    )
