"""The tables of docs/commands.md, made by asking the code: `python -m tests.commands` prints the page with them.

Each row is a real execution, walked into its status, and the real answer.
"""

import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from drskit.actionports import Ended
from drskit.actions import Action, ActionKind, ActionMode, Call
from drskit.addressees import OF_A_WAVE, OF_SERVERS, target
from drskit.amending import basis_of
from drskit.errors import DrskitError
from drskit.model import (
    Approval,
    Command,
    CommandKind,
    Execution,
    ExecutionStatus,
    OnFailure,
    ServerStatus,
    WaveEdit,
    WaveStatus,
)
from drskit.money import BudgetPolicy, BudgetRun, Prices
from drskit.orders import REFUSED, answer_now
from drskit.seen import Remains
from drskit.witness import Foreign
from tests.builders import START, Walk, execution_of, job_of, sid, wave
from tests.cleanupscenes import asked_for, cleanups

C, S, W, X = CommandKind, ServerStatus, WaveStatus, ExecutionStatus
PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
TABLE = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->\n", re.DOTALL)
HIDDEN = (
    (re.compile(r"s-\d{17}"), "s-…"),
    (re.compile(r"drsjob-\d{17}"), "drsjob-…"),
    (re.compile(r"\bi-\d{17}"), "i-…"),
    (re.compile(r"\bE1\b"), "DRILL"),
    (re.compile(r"01[0-9A-Z]{24}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "…"),
)
Scene = tuple[Execution, str]
"""An execution, and the wave or server of it that a row is about; empty for the whole."""


def _two(**changes: object) -> Walk:
    return Walk(execution_of((wave("Database", **changes), 2), (wave("Application"), 2)))


def _asked() -> Walk:
    approval = Approval(text="Now?", timeout=timedelta(minutes=30))
    return Walk(execution_of((wave("Database", approval=approval), 2), (wave("Application"), 2))).run()


def _running() -> Walk:
    walk = _two(timeout=timedelta(minutes=30)).run()
    walk.launch()
    return walk.run()


def _after(walk: Walk, kind: CommandKind, wave_name: str | None = None) -> Walk:
    walk.command(kind, wave_name)
    return walk.run()


def _verifying() -> Walk:
    walk = _running()
    walk.job_ends(next(iter(walk.jobs.values())))
    walk.instances.clear()
    return walk.run(60)


def _refused(code: str) -> Walk:
    return _two().run().refuse(code).run()


def _in_progress() -> Walk:
    walk = _running()
    walk.job_goes_on(next(iter(walk.jobs.values())))
    return walk.run(60)


def _gone() -> Walk:
    walk = _in_progress()
    job_id = next(iter(walk.jobs))
    del walk.jobs[job_id]
    walk.missing.add(job_id)
    walk.remains[job_id] = Remains()
    return walk.run(400)


def _held() -> Walk:
    walk = _after(_running(), C.PAUSE)
    walk.job_ends(next(iter(walk.jobs.values())))
    return walk.run(600)


def _acting() -> Walk:
    """An action before the first wave is asked for."""
    does = Call(kind=ActionKind.HTTP, url="https://cmdb.example.com")
    action = Action(does=does, modes=(ActionMode.DRILL,), name="tell the CMDB", on_failure=OnFailure.PAUSE)
    return _two(before=(action,)).run()


def _foreign() -> Walk:
    walk = _two().run().refuse("ConflictException")
    walk.witnesses[walk.launches[-1].attempt_id] = Foreign(job_of(7), (sid(1),))
    return walk.run(5)


def _dear() -> Walk:
    """The first wave would pass the budget: a conversion server costs a thousand dollars an hour here."""
    execution = execution_of((wave("Database"), 2), (wave("Application"), 2))
    prices = Prices(dated=START.date(), source="a list", large={"m4": Decimal(1000)})
    plan = execution.plan.model_copy(update={"budget": BudgetPolicy(max_usd=Decimal(100))})
    budget = BudgetRun(prices=prices, limit_usd=Decimal(100))
    return Walk(execution.model_copy(update={"plan": plan, "budget": budget})).run()


def _server(walk: Walk, status: ServerStatus) -> Scene:
    found = [server for run in walk.execution.waves for server in run.servers if server.status is status]
    return walk.execution, found[0].source_server_id


def _made(walk: Walk, status: ServerStatus) -> Scene:
    """A status of a launched server that no drill reaches by launching alone."""
    first, *rest = walk.execution.waves
    servers = tuple(server.model_copy(update={"status": status}) for server in first.servers)
    waves = (first.model_copy(update={"servers": servers}), *rest)
    return walk.execution.model_copy(update={"waves": waves}), sid(1)


def whole() -> Mapping[str, Scene]:
    """An execution in every status."""
    scenes = {
        X.PENDING: _two(),
        X.POLLING: _running(),
        X.PAUSED: _held(),
        X.CANCELLING: _after(_running(), C.CANCEL),
        X.COMPLETED: _two().wave_done().wave_done(),
        X.PARTIAL: _two(optional=(sid(2),)).wave_done(sid(2)).wave_done(),
        X.FAILED: _two().wave_done(sid(2)),
        X.TIMED_OUT: _in_progress().run(1_800),
        X.CANCELLED: _after(_asked(), C.CANCEL),
    }
    for status, walk in scenes.items():
        assert status is walk.status, (status, walk.status)
    others = {
        "PAUSED, for an approval": _asked(),
        "PAUSED, for somebody else's job": _foreign(),
        "PAUSED, for a failed wave (`on_failure: pause`)": _two(on_failure=OnFailure.PAUSE).wave_done(sid(2)),
        "PAUSED, for an action that failed (`on_failure: pause`)": _acting().acted(Ended(False, "answered 503")).run(),
        "PAUSED, for a server that is UNKNOWN": _gone(),
        "PAUSED, for the budget": _dear(),
        "POLLING, paused by somebody": _after(_running(), C.PAUSE),
    }
    for name, walk in others.items():
        assert name.startswith(walk.status), (name, walk.status)
    named = {status.value: walk for status, walk in scenes.items()}
    named["PAUSED, by somebody"] = named.pop(X.PAUSED.value)
    return {name: (walk.execution, "") for name, walk in (named | others).items()}


def waves() -> Mapping[str, Scene]:
    """A wave in every status."""
    scenes = {
        W.PENDING: (_running(), "Application"),
        W.WAITING_APPROVAL: (_asked(), "Database"),
        W.PREPARING: (_refused("ThrottlingException"), "Database"),
        W.QUEUED: (_refused("ServiceQuotaExceededException"), "Database"),
        W.INITIATED: (_running(), "Database"),
        W.IN_PROGRESS: (_in_progress(), "Database"),
        W.VERIFYING: (_verifying(), "Database"),
        W.COMPLETED: (_two().wave_done(), "Database"),
        W.PARTIAL: (_two(optional=(sid(2),)).wave_done(sid(2)), "Database"),
        W.FAILED: (_two(on_failure=OnFailure.PAUSE).wave_done(sid(2)), "Database"),
        W.TIMED_OUT: (_in_progress().run(1_800), "Database"),
        W.SKIPPED: (_after(_asked(), C.SKIP, "Database"), "Database"),
        W.CANCELLED: (_two().wave_done(sid(2)), "Application"),
    }
    for status, (walk, name) in scenes.items():
        assert status is walk.execution.wave(name).status, (status, walk.waves)
    named = {status.value: (walk.execution, name) for status, (walk, name) in scenes.items()}
    return named | {"PREPARING, an action of it runs": (_acting().execution, "Database")}


def servers() -> Mapping[str, Scene]:
    """A server in every status."""
    return {
        "PENDING": _server(_asked(), S.PENDING),
        "LAUNCHING": _server(_running(), S.LAUNCHING),
        "LAUNCHED": _server(_two().wave_done(), S.LAUNCHED),
        "VERIFIED": _made(_two().wave_done(), S.VERIFIED),
        "FAILED": _server(_two(on_failure=OnFailure.PAUSE).wave_done(sid(2)), S.FAILED),
        "SKIPPED": _server(_after(_asked(), C.SKIP, "Database"), S.SKIPPED),
        "TERMINATED": _made(_two().wave_done(), S.TERMINATED),
        "UNKNOWN, its job is gone": _server(_gone(), S.UNKNOWN),
        "UNKNOWN, its job may run": _server(_in_progress().run(1_800), S.UNKNOWN),
    }


def _longer(execution: Execution, wave_name: str) -> WaveEdit:
    """An edit that gives a wave's jobs two hours."""
    plan_wave = next(one for one in execution.plan.waves if one.name == wave_name)
    longer = plan_wave.model_copy(update={"timeout": timedelta(hours=2)})
    return WaveEdit(wave=longer, basis=basis_of(plan_wave, execution.wave(wave_name)))


def answer(execution: Execution, kind: CommandKind, wave_name: str | None, server_ids: tuple[str, ...]) -> str:
    """What a person is answered, at once or by the next poll."""
    command = Command(
        command_id="C", kind=kind, server_ids=server_ids, by="mira", at=execution.end_time or execution.start_time,
        reason="why", edit=_longer(execution, wave_name) if kind is C.EDIT and wave_name else None,
    )  # fmt: skip
    try:
        named = target(execution, kind, wave_name, server_ids)
        text = answer_now(execution, command.model_copy(update={"wave_name": named}))
    except DrskitError as error:
        text = f"{REFUSED}{error}"
    return hidden(text)


def hidden(text: str) -> str:
    """An answer as a cell of a table, without what differs from run to run."""
    for pattern, instead in HIDDEN:
        text = pattern.sub(instead, text)
    return text.replace("|", "\\|").replace("\n", " ")


def table(kind: CommandKind) -> str:
    """The command against every status."""
    rows = [(f"execution {name}", answer(scene[0], kind, None, ())) for name, scene in whole().items()]
    if kind in OF_A_WAVE:
        rows += [(f"`--wave`, {name}", answer(scene[0], kind, scene[1], ())) for name, scene in waves().items()]
    if kind in OF_SERVERS:
        rows += [
            (f"`--server`, {name}", answer(scene[0], kind, None, (scene[1],))) for name, scene in servers().items()
        ]
    return "\n".join(["| of what | answer |", "|---|---|", *(f"| {what} | {text} |" for what, text in rows), ""])


def table_of_cleanup() -> str:
    """`drskit cleanup` against every status."""
    scenes = {name: execution for name, (execution, _) in whole().items()}
    rows = [f"| {what} | {hidden(text)} |" for what, text in asked_for(scenes).items()]
    return "\n".join(["| of what | answer |", "|---|---|", *rows, ""])


def table_of_a_cleanup() -> str:
    """Every command against a cleanup in every status; those that all are answered alike share a row."""
    rows = []
    for name, execution in cleanups().items():
        answers: dict[str, list[str]] = {}
        for kind in CommandKind:
            answers.setdefault(answer(execution, kind, None, ()), []).append(f"`{kind}`")
        rows += [f"| {name} | {', '.join(kinds)} | {text} |" for text, kinds in answers.items()]
    return "\n".join(["| a cleanup that is | told | answer |", "|---|---|---|", *rows, ""])


TABLES: Mapping[str, Callable[[], str]] = {
    **{kind.value: partial(table, kind) for kind in CommandKind},
    "cleanup": table_of_cleanup,
    "a_cleanup": table_of_a_cleanup,
}


def page(text: str) -> str:
    """The page with its tables made anew."""
    return TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{TABLES[found[1]]()}<!-- end -->\n", text)


if __name__ == "__main__":
    sys.stdout.write(page(PAGE.read_text()))
