"""drill and start."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drskit.cli.cleanups import attended, carry_out, person_is_there, settle
from drskit.cli.common import as_json, confirm, ends_well, open_session, say, show_json
from drskit.cli.plans import FILE, read_runbook
from drskit.cli.shelves import places

if TYPE_CHECKING:
    from drskit.headless import Notebook
    from drskit.model import Execution, Runbook
    from drskit.session import Session

NOTEBOOK = "notebooks/03-run-a-drill.ipynb"
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
apply_option = click.option(
    "--apply", is_flag=True, help="Apply the runbook first when it differs from what is applied."
)
replace_option = click.option(
    "--replace",
    multiple=True,
    metavar="INSTANCE",
    help="An EC2 instance that the launch may terminate although it is no drill of drskit's; may be repeated.",
)

fast_option = click.option(
    "--fast",
    is_flag=True,
    help="Repeat a launch without a known outcome after 60 s, not 420: only DRS's refusal of busy servers prevents a "
    "second job then.",
)

slot_option = click.option(
    "--slot",
    metavar="TIME|CRON",
    help="The scheduled time that this is for, in ISO 8601, or the cron expression whose latest due time it is: what "
    "runs twice for one slot finds one execution.",
)

ticket_option = click.option("--ticket", help="The change under which it is started, where the runbook asks for one.")
override_option = click.option(
    "--override", metavar="REASON", help="Start although the runbook's change control forbids it now; kept, and shown."
)


@click.command()
@FILE
@click.option("--simulate", is_flag=True, help="Drill in a simulated world, not in AWS.")
@click.option("--world", type=str, help="The world's file; the plan's own when left out.")
@click.option(
    "--speed", type=click.FloatRange(min=0), help="How fast simulated time runs; 0, the default, is virtual time."
)
@click.option("--approve-all", is_flag=True, help="Approve every wave; only with --simulate.")
@click.option(
    "--output", metavar="FOLDER|S3", help="Folder for the run's folder; with s3://BUCKET/PREFIX a copy goes there, too."
)
@apply_option
@yes_option
@replace_option
@fast_option
@slot_option
@ticket_option
@override_option
@as_json
@click.pass_context
@ends_well
def drill(
    ctx: click.Context, file: str, simulate: bool, world: str | None, speed: float | None, approve_all: bool,
    output: str | None, apply: bool, yes: bool, replace: tuple[str, ...], fast: bool, slot: str | None,
    ticket: str | None, override: str | None, json_output: bool,
) -> None:  # fmt: skip
    """Run the drill notebook headless, follow it, and leave runs/<ExecutionId>/."""
    only_simulated = {"--world": world is not None, "--speed": speed is not None, "--approve-all": approve_all}
    for flag, given in only_simulated.items():
        if given and not simulate:
            raise click.UsageError(f"{flag} is for simulated drills. Add --simulate, or leave it out.")
    runbook = read_runbook(file)
    parameters: dict[str, object] = {
        "runbook": str(Path(runbook.source).resolve()),
        "simulate": simulate,
        "approvals": "all" if approve_all else "ask",
        "replace": list(replace),
        "apply": apply,
        "ticket": ticket or "",
        "override": override or "",
    }
    person = person_is_there(yes=yes, json_output=json_output)
    passing = simulate and not world_stays(world, speed)
    tell = say if json_output else click.echo
    folder, shelf = places(ctx, output)
    with world_for(runbook, simulate, world, speed), attended(person=person):
        session = open_session(ctx)
        _finish_cleanup(session, runbook.plan.plan_id)
        key = session.slot(slot) if slot else None
        execution_id = _begin(
            session,
            runbook,
            key,
            simulate=simulate,
            apply=apply,
            yes=yes,
            replace=replace,
            fast=fast,
            ticket=ticket,
            override=override,
        )
        parameters |= {"execution_id": execution_id, "slot": key or "", "confirmed": not simulate}
        runs = folder or session.settings.runs
        execution, code = run_execution(session, runbook, parameters, runs, tell)
        if execution is not None and code in {0, 1} and not (passing and _leaves_instances(execution, person=person)):
            code = _settle(session, execution, runs, code, person=person)
        if json_output and execution is not None:
            from drskit.report.evidence import execution_json

            show_json(execution_json(*session.history(execution.execution_id)))
    if shelf is not None and execution is not None:
        code = shelf.keep(runs.resolve() / execution.execution_id, tell) or code
    sys.exit(code)


def _begin(
    session: "Session", runbook: "Runbook", key: str | None, *, simulate: bool, apply: bool, yes: bool,
    replace: tuple[str, ...], fast: bool, ticket: str | None, override: str | None,
) -> str:  # fmt: skip
    """Say which execution it will be, once whoever must be asked said yes; its id."""
    from drskit.planning import execution_id_for, fresh_id

    plan_id = runbook.plan.plan_id
    live = _of_slot(session, runbook, key) if key else session.live_execution(plan_id)
    if live is not None:
        _take_up(session, live, runbook, changing=(apply or bool(replace)) and not key, fast=fast)
        return live
    if not simulate:
        _ask(session, runbook, yes=yes, replace=replace, fast=fast, ticket=ticket)
    execution_id = execution_id_for(plan_id, key, fresh_id(session.clock.now()))
    if fast:
        _start_fast(
            session, runbook, simulate=simulate, execution_id=execution_id, key=key, apply=apply, replace=replace,
            ticket=ticket, override=override,
        )  # fmt: skip
    return execution_id


def _finish_cleanup(session: "Session", plan_id: str) -> None:
    """Carry a cleanup of an earlier drill to its end: a plan has one execution at a time.

    Raises:
        Refused: it waits for a person.
    """
    from drskit.afterwards import CleanupDrive, live_cleanup
    from drskit.errors import Refused

    cleanup = live_cleanup(session, plan_id)
    if cleanup is None:
        return
    say(f"Cleanup {cleanup.execution_id} of drill {cleanup.cleans} is not over; it is carried to its end first.")
    drive = CleanupDrive(session, session.store.load(cleanup.cleans or ""), reason="it is not over")
    carry_out(drive)
    outcome = drive.outcome(None)
    if live_cleanup(session, plan_id) is not None:
        raise Refused(outcome.words)
    say(outcome.words)


def _settle(session: "Session", execution: "Execution", runs: Path, code: int, *, person: bool) -> int:
    """What becomes of the instances now, and of the report then; the exit code."""
    well = settle(session, execution, person=person)
    if session.store.load(execution.execution_id).version != execution.version:
        _write(session, execution, runs)
    return code if well else max(code, 1)


def world_for(
    runbook: "Runbook", simulate: bool, world: str | None, speed: float | None
) -> AbstractContextManager[None]:
    """The world to drill in: the one that the environment names, unless another is asked for."""
    if not simulate:
        return nullcontext()
    from drskit.resources import default_world, find_world
    from drskit.session import environment
    from drskit.simulation import served

    if world_stays(world, speed):
        return nullcontext()
    path = find_world(world) if world else default_world(Path(runbook.source), runbook.plan.plan_id)
    return served(path, speed or 0, environment())


def world_stays(world: str | None, speed: float | None) -> bool:
    """Whether the simulated world is one that another process serves, so that it outlives this command."""
    from drskit.session import environment
    from drskit.simulation import attached

    return world is None and speed is None and attached(environment())


def _leaves_instances(execution: "Execution", *, person: bool) -> bool:
    """Whether nobody cleans up without being asked: a world that ends with the command takes its instances along."""
    from drskit.afterwards import choice_for
    from drskit.model import CleanUp

    return choice_for(execution, person=person) is not CleanUp.ALWAYS


def _of_slot(session: "Session", runbook: "Runbook", key: str) -> str | None:
    """The id of the slot's execution, if there is one, whatever became of it.

    Raises:
        PlanBusy: there is none, and an execution of another slot, or of none, is not over.
    """
    from drskit.errors import MissingTables, PlanBusy
    from drskit.planning import execution_id_for

    plan_id = runbook.plan.plan_id
    wanted = execution_id_for(plan_id, key, "")
    try:
        if session.find(wanted) is not None:
            return wanted
    except MissingTables:  # a simulated world before its first drill
        return None
    live = session.live_execution(plan_id)
    if live is not None:
        raise PlanBusy(
            f"Execution {live} of plan {plan_id} is not over, so that nothing was started for the slot {key}. "
            f"`drskit drill {runbook.source}` without --slot takes it up; or cancel it first.",
            live,
        )
    return None


def _start_fast(session: "Session", runbook: "Runbook", *, simulate: bool, **options: Any) -> None:
    """Start it here: the notebook, which knows no fast drills, takes it up."""
    if simulate:
        session.require_simulated(runbook.plan.region)
        session.create_tables()
    session.start(runbook, fast=True, **options)


def _take_up(session: "Session", live: str, runbook: "Runbook", *, changing: bool, fast: bool) -> None:
    """Say that an execution goes on, by the plan that it began with.

    Raises:
        Refused: it was asked to begin otherwise than it did.
    """
    from drskit.errors import Refused
    from drskit.states import FINAL_EXECUTION

    name = f"Execution {live} of plan {runbook.plan.plan_id}"
    execution = session.store.load(live)
    if execution.status in FINAL_EXECUTION:
        say(f"{name} was for this slot, and is {execution.status}; nothing is launched again.")
        return
    if changing or (fast and not execution.fast):
        flags = "--fast" if not changing else "--apply and --replace"
        raise Refused(f"{name} is not over, and goes on as it began. Leave {flags} out, or cancel it first.")
    say(f"{name} is not over; it is taken up.")
    _say_fast(execution, asked=fast)
    if execution.digest != runbook.digest:
        say(f"It goes on by the plan that it began with; {runbook.source} says otherwise and is not looked at.")


def _say_fast(execution: "Execution", *, asked: bool) -> None:
    """Say that an execution is fast although nobody asked for it now."""
    if execution.fast and not asked:
        say(f"Execution {execution.execution_id} goes on as it began: fast.")


def _ask(
    session: "Session", runbook: "Runbook", *, yes: bool, replace: tuple[str, ...], fast: bool, ticket: str | None
) -> None:
    from drskit.model import Mode
    from drskit.views.preview import preview_text

    preview = session.preview(runbook, replace=replace, fast=fast, ticket=ticket)
    say(preview_text(preview))
    if preview.mode is Mode.REAL:
        confirm("Start this drill?", yes=yes)


def run_execution(
    session: "Session", runbook: "Runbook", parameters: dict[str, object], runs: Path, tell: Callable[[str], None]
) -> "tuple[Execution | None, int]":
    """Run the notebook, follow the execution, make sure of the report; the execution and the exit code."""
    from drskit.cli.follow import following, status_code
    from drskit.headless import Interrupted, run_notebook
    from drskit.resources import find_file

    execution_id = str(parameters["execution_id"])
    folder = runs.resolve() / execution_id
    parameters |= {"output_dir": str(runs.resolve())}
    interrupted: Interrupted | None = None
    done: Notebook | None = None
    with following(session, execution_id) as follower:
        try:
            done = run_notebook(find_file(NOTEBOOK), folder / "notebook.ipynb", parameters)
        except Interrupted as error:
            interrupted = error
    execution = follower.execution
    if execution is not None:
        _make_sure_of_report(session, execution, runs, folder)
    _say_outcome(execution, runbook, done)
    for name in ("report.html", "execution.json", "notebook.ipynb"):
        if (folder / name).exists():
            tell(str(folder / name))
    if interrupted is not None:
        say(str(interrupted))
        return execution, interrupted.exit_code
    if done is not None and done.error is not None and (execution is None or done.error.exit_code not in {0, 1}):
        return execution, done.error.exit_code
    code = status_code(execution)
    if code == 0 and done is not None and done.error is not None:  # the drill is COMPLETED, and its cleanup is not
        code = done.error.exit_code
    return execution, code


def _make_sure_of_report(session: "Session", execution: "Execution", runs: Path, folder: Path) -> None:
    """An interrupted notebook has not written it."""
    if not (folder / "report.html").exists():
        _write(session, execution, runs)


def _write(session: "Session", execution: "Execution", runs: Path) -> None:
    from drskit.report.evidence import write_run
    from drskit.surroundings import surroundings

    found = session.history(execution.execution_id)
    context = surroundings(session, found[0], session.store.now())
    write_run(runs.resolve(), *found, now=context.made_at, context=context)


def _say_outcome(execution: "Execution | None", runbook: "Runbook", done: "Notebook | None") -> None:
    from drskit.drill import outcome
    from drskit.model import ExecutionStatus
    from drskit.planning import surprises

    if execution is not None:
        for surprise in surprises(execution.groups):
            say(surprise)
        say(outcome(execution))
        if execution.status is ExecutionStatus.COMPLETED and done is not None and done.error is not None:
            say(str(done.error))
    elif done is not None and done.error is not None:
        say(str(done.error))
    else:
        say(f"No drill of plan {runbook.plan.plan_id} was started.")


@click.command()
@FILE
@click.option("--key", help="Makes the start idempotent: the same key finds the same execution.")
@slot_option
@apply_option
@yes_option
@replace_option
@fast_option
@ticket_option
@override_option
@as_json
@click.pass_context
@ends_well
def start(
    ctx: click.Context, file: str, key: str | None, slot: str | None, apply: bool, yes: bool, replace: tuple[str, ...],
    fast: bool, ticket: str | None, override: str | None, json_output: bool,
) -> None:  # fmt: skip
    """Start a drill and return at once; `drskit poll` carries it out."""
    from drskit.model import Mode
    from drskit.planning import surprises

    if key and slot:
        raise click.UsageError("--key and --slot both name the execution. Keep one.")
    runbook = read_runbook(file)
    session = open_session(ctx)
    key = session.slot(slot) if slot else key
    execution = session.started(runbook.plan.plan_id, key=key, fast=fast)
    if execution is None:
        preview = session.preview(runbook, replace=replace, fast=fast, ticket=ticket)
        if preview.mode is Mode.REAL:
            from drskit.views.preview import preview_text

            say(preview_text(preview))
            confirm("Start this drill?", yes=yes)
        execution = session.start(
            runbook, key=key, apply=apply, replace=replace, fast=fast, ticket=ticket, override=override
        )
    _say_fast(execution, asked=fast)
    for surprise in surprises(execution.groups):
        say(surprise)
    if json_output:
        show_json({"ExecutionId": execution.execution_id})
    else:
        click.echo(execution.execution_id)
        say("It goes on as soon as somebody polls: drskit poll --follow")


COMMANDS: dict[str, click.Command] = {"drill": drill, "start": start}
