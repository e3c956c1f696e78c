"""schedule: what makes another scheduler run a drill."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, open_session, say, show_json
from drskit.cli.plans import FILE, read_runbook

if TYPE_CHECKING:
    from drskit.model import Runbook
    from drskit.schedules import Job, Kind

KINDS = ("systemd", "crontab", "eventbridge", "jupyter-scheduler")


@click.command()
@FILE
@click.option("--cron", "expression", required=True, metavar="CRON", help='When, in five fields, such as "0 3 * * 1".')
@click.option("--as", "wanted", required=True, type=click.Choice(KINDS), help="For which scheduler.")
@click.option(
    "--timezone", metavar="ZONE", help="The time zone of the expression; UTC, or with crontab its machine's own."
)
@click.option("--simulate", is_flag=True, help="Drill in a simulated world, not in AWS.")
@click.option("--approve-all", is_flag=True, help="Approve every wave; only with --simulate.")
@click.option("--output", metavar="FOLDER|S3", help="Where the runs go, as in `drskit drill`.")
@click.option(
    "--notebook", default="notebooks/03-run-a-drill.ipynb", show_default=True, metavar="FILE",
    help="jupyter-scheduler: the notebook, from Jupyter's root folder.",
)  # fmt: skip
@click.option(
    "--environment", default="python3", show_default=True, metavar="NAME",
    help="jupyter-scheduler: the environment that runs it, by the name that it has there.",
)  # fmt: skip
@click.option("--write", "target", type=click.Path(file_okay=False, path_type=Path), help="Write the files here.")
@as_json
@click.pass_context
@ends_well
def schedule(
    ctx: click.Context, file: str, expression: str, wanted: str, timezone: str | None, simulate: bool,
    approve_all: bool, output: str | None, notebook: str, environment: str, target: Path | None, json_output: bool,
) -> None:  # fmt: skip
    """Print the unit, line, template or job with which another scheduler runs this drill.

    Against AWS the drill starts without asking: it is you who says yes, here and once.
    """
    from drskit.cron import parse_cron
    from drskit.model import utc
    from drskit.schedules import Job, Kind, schedule_files

    if approve_all and not simulate:
        raise click.UsageError("--approve-all is for simulated drills. Add --simulate, or leave it out.")
    runbook = read_runbook(file)
    session = open_session(ctx)
    kind = Kind(wanted)
    zone = timezone or (None if kind is Kind.CRONTAB else "UTC")
    cron = parse_cron(expression, zone_name=zone, local=session.local_zone)
    if timezone and cron.zone_name != timezone:
        raise click.UsageError(f"The expression names {cron.zone_name}, and --timezone {timezone}. Keep one.")
    job = Job(
        plan_id=runbook.plan.plan_id, runbook=Path(runbook.source).resolve(), given=file, cron=cron,
        program=_program(), folder=Path.cwd(), runs=session.settings.runs.resolve(), flags=_flags(ctx),
        simulate=simulate, approve_all=approve_all, output=output, notebook=notebook, environment=environment,
    )  # fmt: skip
    files = dict(schedule_files(kind, job))
    coming = [time.astimezone(UTC) for time in cron.upcoming(session.wall_clock.now(), 3)]
    written = _write(target, files) if target else []
    if json_output:
        show_json(
            {"PlanId": job.plan_id, "Cron": cron.whole, "Files": files, "Written": written, "Next": [*map(utc, coming)]}
        )
    else:
        click.echo("\n".join(written) if target else _together(files), nl=bool(target))
    _say(runbook, job, kind, coming)


def _program() -> Path:
    """The drskit that runs now, by its whole path: schedulers have a short PATH."""
    beside = shutil.which("drskit", path=str(Path(sys.executable).parent))
    return Path(beside or sys.argv[0]).absolute()


def _flags(ctx: click.Context) -> tuple[str, ...]:
    """What stood before the command, so that the schedule has it too."""
    given: dict[str, str | None] = ctx.find_root().obj or {}
    return tuple(word for name, value in given.items() if value for word in (f"--{name.replace('_', '-')}", value))


def _write(folder: Path, files: dict[str, str]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in files]


def _together(files: dict[str, str]) -> str:
    """The texts as one; several are told apart by comments with their names."""
    if len(files) == 1:
        return next(iter(files.values()))
    return "\n".join(f"# {name}\n{text}" for name, text in files.items())


def _say(runbook: "Runbook", job: "Job", kind: "Kind", coming: list[datetime]) -> None:
    """What the schedule will do, when, and what it lacks."""
    from drskit.schedules import Kind
    from drskit.texts import moment

    mode = "a simulated drill" if job.simulate else "a REAL drill in AWS, without asking again"
    clock = "" if job.cron.zone_name else ", where the clock is this machine's"
    say(f"It runs {mode}, of plan {job.plan_id}. Next{clock}: {', '.join(map(moment, coming))}.")
    if any(wave.approval for wave in runbook.plan.waves) and not job.approve_all:
        say("A wave of it waits for approval: the run ends with 1 then, and the drill goes on once it is given.")
    hidden = _not_seen()
    if hidden and kind in {Kind.SYSTEMD, Kind.CRONTAB}:
        names = ", ".join(hidden)
        say(f"It does not see {names} of this terminal. Write them as flags before `schedule`, or into drskit.toml.")


def _not_seen() -> list[str]:
    """The settings that only this terminal has."""
    from drskit.session import environment
    from drskit.settings import REGION_VARIABLES, VARIABLES

    return [name for name in (*VARIABLES, *REGION_VARIABLES) if environment().get(name)]


COMMANDS: dict[str, click.Command] = {"schedule": schedule}
