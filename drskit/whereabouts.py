"""Where the execution of a report is found, and the other drills of its plan.

In a run's folder, in the tables, or in a simulated world; where nothing is named
and nothing was drilled yet, simulated drills are made first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drskit.drill import Drill, open_drill
from drskit.errors import InvalidInput, Malformed, NotFound, Unavailable
from drskit.model import ExecutionHeader, ExecutionType, Mode
from drskit.opening import ULID
from drskit.report.evidence import EVIDENCE, Evidence, load_execution_json, summary_of
from drskit.report.export import RENDERERS
from drskit.report.figures import DrillFigures, figures_of
from drskit.report.summary import Summary
from drskit.session import Session
from drskit.states import FINAL_EXECUTION
from drskit.surroundings import surroundings

FORMATS = (*RENDERERS, "pdf")


def _formats(value: object) -> object:
    words = value.replace(",", " ").split() if isinstance(value, str) else []
    if not isinstance(value, str) or not set(words) <= set(FORMATS):
        raise PydanticCustomError("formats", "write some of {names}", {"names": " ".join(FORMATS)})
    return " ".join(dict.fromkeys(words))


class ReportParameters(BaseModel):
    """The parameters of `05-report-a-drill`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str = ""
    runbook: str = "runbooks/captured-drill.yaml"
    simulate: bool = True
    world: str = ""
    speed: float = Field(default=0.0, ge=0, le=100_000)
    rehearsals: int = Field(default=2, ge=1, le=20)
    compare: int = Field(default=12, ge=1, le=100)
    formats: Annotated[str, BeforeValidator(_formats)] = "html md json csv"
    output_dir: str = ""


@dataclass(frozen=True)
class Found:
    """What a report is made of."""

    evidence: Evidence
    summary: Summary
    folder: Path | None
    """The run's folder, where it was read from one."""
    session: Session | None
    """Where the tables are; None where the folder alone is looked at."""


# --- the execution ---------------------------------------------------------------------------------------------------


def find(wanted: ReportParameters) -> Found:
    """The execution that the parameters name; else the plan's newest drill, which is made where there is none.

    Raises:
        DrskitError: it is not to be found, or the tables do not answer.
    """
    path = Path(wanted.run) if wanted.run else None
    if path is not None and path.exists():
        return _in_folder(path)
    if path is not None and not ULID.fullmatch(wanted.run):
        raise InvalidInput(f"run = {wanted.run!r}: there is no such folder, and it is no execution's id.")
    session = _session(wanted)
    if not wanted.run:
        return _in_tables(session, _newest(session, wanted))
    try:
        return _in_tables(session, wanted.run)
    except (NotFound, Unavailable):
        folder = _runs(session, wanted) / wanted.run
        if not (folder / EVIDENCE).is_file():
            raise
        return _in_folder(folder)


def _in_folder(path: Path) -> Found:
    folder = path if path.is_dir() else path.parent
    evidence = load_execution_json(path)
    return Found(evidence, summary_of(evidence), folder, None)


def _in_tables(session: Session, execution_id: str) -> Found:
    found = session.history(execution_id)
    evidence = Evidence(*found, context=surroundings(session, found[0], session.store.now()))
    return Found(evidence, summary_of(evidence), None, session)


def _session(wanted: ReportParameters) -> Session:
    """The session where the drills are: in AWS, or in the plan's simulated world, which is begun if need be."""
    return _drill(wanted).session if wanted.simulate else Session.open()


def _drill(wanted: ReportParameters) -> Drill:
    return open_drill(
        runbook=wanted.runbook, simulate=True, world=wanted.world, speed=wanted.speed, approvals="all",
        output_dir=wanted.output_dir,
    )  # fmt: skip


def _newest(session: Session, wanted: ReportParameters) -> str:
    """The plan's newest drill that is over; in a simulated world without any, drills are made first."""
    from drskit.resources import find_file
    from drskit.runbook import load_runbook

    plan_id = load_runbook(find_file(wanted.runbook)).plan.plan_id
    found = next(drills_of(session, plan_id), None)
    if found is not None:
        return found.execution_id
    if not wanted.simulate:
        raise NotFound(
            f"The tables have no drill of plan {plan_id} that is over. Name a run, or run 03-run-a-drill first."
        )
    made = [_rehearse(wanted) for _ in range(wanted.rehearsals)]
    return made[-1]


def _rehearse(wanted: ReportParameters) -> str:
    """One simulated drill from start to report, without a board."""
    drill = _drill(wanted)
    drill.start()
    while drill.step():
        pass
    drill.report()
    execution = drill.snapshot()
    if execution is None or execution.mode is not Mode.SIMULATED:
        raise NotFound("The simulated drill was not started.")
    return execution.execution_id


# --- the other drills of the plan ------------------------------------------------------------------------------------


def drills_of(session: Session, plan_id: str) -> Iterator[ExecutionHeader]:
    """The plan's drills that are over, the newest first."""
    found = [
        header
        for header in session.executions(plan_id)[0]
        if header.execution_type is ExecutionType.DRILL and header.status in FINAL_EXECUTION
    ]
    yield from sorted(found, key=lambda header: (header.start_time, header.execution_id), reverse=True)


def from_tables(session: Session, plan_id: str, most: int, unread: list[str]) -> Iterator[DrillFigures]:
    """The plan's newest drills that are over; what cannot be read is told in `unread`."""
    for _, header in zip(range(most), drills_of(session, plan_id), strict=False):
        try:
            drill = session.store.load(header.execution_id)
        except (NotFound, Malformed) as error:
            unread.append(f"{header.execution_id} is not shown: {error}")
            continue
        yield figures_of(drill, drill.end_time or drill.start_time)


def from_folder(runs: Path, plan_id: str, most: int, unread: list[str]) -> Iterator[DrillFigures]:
    """The newest runs beside this one, by their names, which begin with the time."""
    count = 0
    for folder in sorted(runs.glob("*/"), reverse=True) if runs.is_dir() else ():
        if count == most or not ULID.fullmatch(folder.name) or not (folder / EVIDENCE).is_file():
            continue
        try:
            drill = load_execution_json(folder).execution
        except InvalidInput as error:
            unread.append(f"{folder.name} is not shown: {error}")
            continue
        if drill.plan_id == plan_id and drill.execution_type is ExecutionType.DRILL and drill.end_time:
            count += 1
            yield figures_of(drill, drill.end_time)


def _runs(session: Session, wanted: ReportParameters) -> Path:
    return Path(wanted.output_dir) if wanted.output_dir else session.settings.runs


def runs_of(found: Found, wanted: ReportParameters) -> Path:
    """The folder of runs that this one is in, or is written to."""
    if wanted.output_dir:
        return Path(wanted.output_dir)
    if found.folder is not None:
        return found.folder.resolve().parent
    return (found.session or Session.open()).settings.runs
