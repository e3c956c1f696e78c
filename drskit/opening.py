"""What a notebook opens: its simulated world, its runbook or a plan as applied, and what else could be opened."""

import re
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drskit.errors import InvalidInput, MissingTables, NotFound, Unavailable
from drskit.model import ExecutionHeader, ExecutionType, Runbook
from drskit.notebook import checked, listed
from drskit.resources import default_world, find_file, find_world, shipped_runbooks
from drskit.runbook import load_runbook
from drskit.session import Session, environment
from drskit.slots import slot_or_nothing
from drskit.views.words import moment

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
APPLIED = "plan:"
"""How the name of a runbook begins that means a plan as it was applied."""
EXECUTION = "execution:"
RECENT = 20
"""Executions of the plan that are offered to be opened again."""


def ulid_or_nothing(value: object) -> object:
    """An execution's id as a parameter gives it; pydantic tells what is wrong with another text."""
    if not isinstance(value, str) or (value and not ULID.fullmatch(value)):
        raise PydanticCustomError("ulid", "write a ULID, 26 digits and capital letters, or leave it empty")
    return value


class DrillParameters(BaseModel):
    """The parameters of `03-run-a-drill`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runbook: str = "runbooks/captured-drill.yaml"
    simulate: bool = True
    world: str = ""
    speed: float = Field(default=0.0, ge=0, le=100_000)
    approvals: Literal["ask", "all"] = "ask"
    execution_id: Annotated[str, BeforeValidator(ulid_or_nothing)] = ""
    output_dir: str = ""
    confirmed: bool = False
    apply: bool = False
    replace: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)
    slot: Annotated[str, AfterValidator(slot_or_nothing)] = ""
    ticket: str = ""
    override: str = ""


def open_runbook(wanted: DrillParameters, *, person: bool) -> tuple[Session, Runbook]:
    """The session in the world that the parameters ask for, and the runbook: a file, or a plan as it was applied.

    `person` says whether one is there; see `enter_world`.

    Raises:
        InvalidInput: the parameters do not go together, or name what is nowhere.
        InvalidRunbook: the runbook is not valid.
        NotFound: the plan is not applied.
    """
    if wanted.approvals == "all" and not wanted.simulate:
        raise InvalidInput('approvals = "all" is for simulated drills; against AWS a person approves. Write "ask".')
    if not wanted.simulate and (wanted.world or wanted.speed):
        raise InvalidInput("world and speed are for simulated drills. Leave them out, or set simulate = True.")
    plan_id = wanted.runbook.removeprefix(APPLIED)
    if plan_id != wanted.runbook:
        enter_world(wanted.simulate, wanted.world, wanted.speed, Path("runbooks/any.yaml"), plan_id, person=person)
        session = Session.open()
        return session, applied_runbook(session, plan_id)
    path = find_file(wanted.runbook)
    runbook = load_runbook(path)
    enter_world(wanted.simulate, wanted.world, wanted.speed, path, runbook.plan.plan_id, person=person)
    return Session.open(), runbook


def enter_world(simulate: bool, world: str, speed: float, runbook: Path, plan_id: str, *, person: bool) -> None:
    """Point this process at the simulated world that is asked for: one that runs, or a new one; else at AWS.

    In front of a person a new world outlives the kernel.

    Raises:
        InvalidInput: there is no such world.
        WorldUnreachable: it does not answer.
    """
    from drskit.simulation import attach_or_start, attached, leave

    leave(environment())
    if not simulate or attached(environment()):
        return
    file = find_world(world) if world else default_world(runbook, plan_id)
    settings = Session.open().settings
    attach_or_start(file, speed, environment(), runs=settings.runs, outlive=person)


def print_line(line: str) -> None:
    """A plain line for the log of whoever runs the notebook."""
    print(line, flush=True)  # noqa: T201 - the static face's log is its output


def applied_runbook(session: Session, plan_id: str) -> Runbook:
    """A plan with its groups as the tables hold them.

    Raises:
        NotFound: it is not applied.
    """
    try:
        plan = session.store.get_plan(plan_id)
    except MissingTables:
        plan = None
    if plan is None:
        raise NotFound(f"Plan {plan_id} is not applied. Name its runbook, or apply it first: drskit apply FILE")
    groups = tuple(one.group for one in session.store.list_groups() if one.group.plan_id == plan_id)
    return Runbook(source=f"plan {plan_id} as applied", plan=plan.plan, groups=groups)


# --- what else could be opened ---------------------------------------------------------------------------------------


def choices(session: Session, parameters: DrillParameters, plan_id: str, shown: str | None) -> dict[str, Any]:
    """What a chooser offers: runbooks, plans as applied, executions of the plan; `shown` is the one on the board."""
    value = _value(parameters, shown)
    groups: list[dict[str, Any]] = [
        {"name": "Runbooks", "options": [_option(name) for name in runbooks()]},
        {"name": "Plans as applied", "options": [_option(f"{APPLIED}{name}") for name in _plans(session)]},
        {"name": f"Executions of {plan_id}", "options": _executions(session, plan_id)},
    ]
    if all(value != option["value"] for group in groups for option in group["options"]):
        groups.insert(0, {"name": "Open now", "options": [_option(value)]})
    return {"label": "Plan or execution", "value": value, "groups": [group for group in groups if group["options"]]}


def _value(parameters: DrillParameters, shown: str | None) -> str:
    return f"{EXECUTION}{shown}" if shown else parameters.runbook


def _option(value: str) -> dict[str, str]:
    return {"value": value, "label": value.removeprefix(APPLIED).removeprefix(EXECUTION)}


def chosen(parameters: DrillParameters, value: str) -> DrillParameters:
    """The parameters that open what was chosen.

    Raises:
        InvalidInput: that is nothing which can be opened.
    """
    execution_id = value.removeprefix(EXECUTION)
    change = {"execution_id": execution_id} if execution_id != value else {"runbook": value, "execution_id": ""}
    return checked(DrillParameters, parameters.model_dump() | change)


def runbooks() -> list[str]:
    """The runbooks in the working folder's `runbooks/`, and those that drskit ships."""
    here = sorted(path.as_posix() for path in Path("runbooks").glob("*.y*ml"))
    return list(dict.fromkeys((*here, *shipped_runbooks())))


def _plans(session: Session) -> list[str]:
    try:
        return [plan.plan.plan_id for plan in session.store.list_plans()]
    except (MissingTables, Unavailable):  # the runbooks can be opened all the same
        return []


def _executions(session: Session, plan_id: str) -> list[dict[str, str]]:
    try:
        found = list(islice(session.store.list_executions(plan_id), RECENT))
    except (MissingTables, Unavailable):
        return []
    return [
        {"value": f"{EXECUTION}{one.execution_id}", "label": _execution(one)}
        for one in found
        if isinstance(one, ExecutionHeader) and one.execution_type is not ExecutionType.CLEANUP
    ]


def _execution(header: ExecutionHeader) -> str:
    return f"{header.status} {moment(header.start_time)} {header.execution_id}"
