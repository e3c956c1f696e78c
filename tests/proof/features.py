"""What a plan can say beyond launches, as scripts: a budget, times that run out, four eyes, and a wave of several jobs.

Like those of `scenarios.py`, which gives them their worlds' faults and their names.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from drskit.errors import NotAuthorized, Refused
from drskit.model import CommandKind, Execution
from drskit.recovering import Issued, authorize, countersign, recover
from drskit.runbook import parse_runbook
from drskit.session import Session
from tests.proof.world import PLAN, WORLD

if TYPE_CHECKING:
    from tests.proof.scenarios import Play

T = TypeVar("T")
DEAR = PLAN + "budget: {max_usd: 0.30}\n"
"""One server fits, and the second one does not: each is taken to run for four hours."""
AGAIN = PLAN.replace("groups: [app]}", "groups: [app], needs: []}") + "budget: {max_usd: 0.36}\n"
"""Both waves are borne, side by side, and no third launch once they have run for long."""
SLOW = (
    WORLD.replace("conversion: 20", "conversion: 240")
    + """  - {id: s-5b83d60f4a91c2e76, name: web-1, tags: {Tier: web}, durations: {gap: 5, conversion: 20, launch: 30}}
"""
)
LATE = (
    PLAN.replace("groups: [database]}", "groups: [database], timeout: PT2M, on_failure: continue}").replace(
        "  app: {", "  web: {select: {tags: {Tier: web}}}\n  app: {"
    )
    + "  - {name: Web, groups: [web]}\ntimeout: PT4M\n"
)
"""The first wave is left behind after two minutes, and the plan ends while the second one is launched."""
MANY = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
behaviour: {job_delay: 30, servers_per_job_quota: 2}
servers:
""" + "".join(
    f"  - {{id: s-5a4c1e0b7d2f9386{number}, name: db-{number}, tags: {{Tier: database}},"
    " durations: {gap: 5, conversion: 20, launch: 30}}\n"
    for number in range(1, 6)
)
FIVE = """
version: 1
plan: small
sites: {main: {region: us-west-2}}
groups: {database: {select: {tags: {Tier: database}}}}
waves:
  - name: Database
    groups: [database]
    order: [[s-5a4c1e0b7d2f93863, s-5a4c1e0b7d2f93861, s-5a4c1e0b7d2f93865]]
"""
"""Three servers first, which are two jobs; then the other two, which are one."""
EYES = (
    PLAN.replace("groups: [app]}", "groups: [app], approve: {text: look at it, by: [zoe, mira], not_starter: true}}")
    + "recovery: {second_person: true}\n"
)


def spend(play: "Play") -> None:
    """The second wave would make the drill too dear: it asks, and goes on when somebody allows more."""
    with play.undisturbed():
        play.start(DEAR)
        play.work(passes=2)
    play.stage.checker.dear = {"Application": 1}
    play.work()
    play.tell(CommandKind.RESUME)
    play.work(passes=2)
    with play.undisturbed():
        play.work()


def spend_again(play: "Play") -> None:
    """A server fails; half a day later what runs has cost so much that launching it again asks first."""
    with play.undisturbed():
        play.start(AGAIN)
        play.work()
    play.stage.clock.sleep(12 * 3600)
    play.stage.checker.dear = {"Database": 2}
    play.tell(CommandKind.RETRY)
    play.work()
    play.tell(CommandKind.RESUME)
    play.work(passes=2)
    with play.undisturbed():
        play.work()
        for _ in range(3):
            if not _asks(play):
                break
            play.stage.clock.sleep(60)  # while a process stood still, what runs has cost more than that yes allowed
            play.tell(CommandKind.RESUME)
            play.work()


def _asks(play: "Play") -> bool:
    """Whether something waits for a person."""
    return any(record.header["Status"] == "PAUSED" for record in play.stage.records())


def run_late(play: "Play") -> None:
    """A wave lasts longer than it may, and then the plan does."""
    with play.undisturbed():
        play.start(LATE)
        play.work(passes=2)
    play.work()


def launch_many(play: "Play") -> None:
    """A wave of five servers in two steps, of which DRS takes two a job."""
    play.start(FIVE)
    play.work()


def agree(play: "Play") -> None:
    """A recovery that a second person must countersign, and a wave that its starter may not approve."""
    runbook = parse_runbook(EYES, source="runbooks/proof.yaml")
    execution: Execution | None = None
    while execution is None:
        issued = _authorised(play)
        with play.undisturbed():
            _refused(play, "mira", lambda session, one=issued: recover(session, runbook, token=one.token))
            _refused(play, "mira", lambda session, one=issued: countersign(session, _id(one), reason="I said so"))
        _as(play, "zoe", lambda session, one=issued: countersign(session, _id(one), reason="as the script says"))
        execution = _as(play, "mira", lambda session, one=issued: recover(session, runbook, token=one.token))
    play.execution_id = execution.execution_id
    with play.undisturbed():
        play.work()
        _refused(play, "mira", lambda session: _approve(play, session))
    play.given["approve"] += 1
    _as(play, "zoe", lambda session: _approve(play, session))
    play.acknowledged(CommandKind.APPROVE)
    with play.undisturbed():
        play.work()


def _authorised(play: "Play") -> Issued:
    runbook = parse_runbook(EYES, source="runbooks/proof.yaml")
    with play.undisturbed():  # as in `recover`
        made = _as(play, "mira", lambda session: authorize(session, session.preview(runbook), reason="it burns"))
    if made is None:
        raise AssertionError("the authorisation was refused")
    return made


def _approve(play: "Play", session: Session) -> Execution:
    return session.command(play.execution_id, CommandKind.APPROVE, reason="as the script says", wave="Application")


def _id(issued: Issued) -> str:
    return issued.authorization.authorization_id


def _as(play: "Play", user: str, action: Callable[[Session], T]) -> T | None:
    """What somebody does, again when their process died; None when it is refused by then."""
    return play.step(lambda _: action(play.stage.session("person", play.injector.listen, user=user)))


def _refused(play: "Play", user: str, action: Callable[[Session], object]) -> None:
    """Somebody tries what they may not.

    Raises:
        AssertionError: they may.
    """
    try:
        action(play.stage.session("person", play.injector.listen, user=user))
    except (Refused, NotAuthorized):
        return
    message = f"{user} may do what they may not"
    raise AssertionError(message)
