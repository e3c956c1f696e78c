"""authorize and recover: a recovery for real, in two steps."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drskit.cli.cleanups import attended
from drskit.cli.common import as_json, confirm, ends_well, open_session, say, show_json
from drskit.cli.drills import (
    apply_option,
    fast_option,
    override_option,
    replace_option,
    run_execution,
    ticket_option,
    world_for,
    world_stays,
    yes_option,
)
from drskit.cli.plans import FILE, read_runbook
from drskit.cli.shelves import places

if TYPE_CHECKING:
    from drskit.model import Execution, Runbook
    from drskit.session import Session

STDIN = "-"
REHEARSED = "a rehearsal in a simulated world of its own"


@click.command()
@click.argument("file", type=str, required=False)
@click.option("--reason", required=True, help="Why; it is kept with the recovery.")
@click.option("--second", is_flag=True, help="Somebody else must countersign, also where the plan does not ask for it.")
@click.option("--confirm", "countersigned", metavar="ID", help="Countersign what somebody else has authorised.")
@replace_option
@fast_option
@ticket_option
@override_option
@yes_option
@as_json
@click.pass_context
@ends_well
def authorize(
    ctx: click.Context, file: str | None, reason: str, second: bool, countersigned: str | None,
    replace: tuple[str, ...], fast: bool, ticket: str | None, override: str | None, yes: bool, json_output: bool,
) -> None:  # fmt: skip
    """Show what a recovery for real would do, and make its token: yours, for exactly this, for 15 minutes, once.

    The token goes to stdout, and is shown this once. With --confirm ID another person countersigns.
    """
    if (file is None) == (countersigned is None):
        raise click.UsageError("Name the runbook to authorise, or with --confirm what somebody else has authorised.")
    session = open_session(ctx)
    if countersigned is not None:
        given = {"--second": second, "--replace": replace, "--fast": fast, "--ticket": ticket, "--override": override}
        extra = [flag for flag, value in given.items() if value]
        if extra:
            raise click.UsageError(f"{extra[0]} was decided by whoever authorised it. Leave it out with --confirm.")
        _countersign(session, countersigned, reason=reason, yes=yes, json_output=json_output)
        return
    _authorize(
        session, read_runbook(file or ""), reason=reason, second=second, replace=replace, fast=fast, ticket=ticket,
        override=override, yes=yes, json_output=json_output,
    )  # fmt: skip


def _authorize(
    session: "Session", runbook: "Runbook", *, reason: str, second: bool, replace: tuple[str, ...], fast: bool,
    ticket: str | None, override: str | None, yes: bool, json_output: bool,
) -> None:  # fmt: skip
    from drskit.recovering import authorize as make
    from drskit.texts import moment
    from drskit.views.recoveries import authorization_json, recovery_json, recovery_text

    preview = session.preview(runbook, replace=replace, fast=fast, ticket=ticket, override=override)
    say(recovery_text(preview))
    confirm("Authorise this recovery?", yes=yes)
    issued = make(session, preview, reason=reason, second_person=second)
    found = issued.authorization
    if json_output:
        show_json(authorization_json(found) | {"Token": issued.token, "Recovery": recovery_json(preview)})
    else:
        click.echo(issued.token)
    if not found.ready:
        say(
            f"It waits for a second person, until {moment(found.expires)}: "
            f"drskit authorize --confirm {found.authorization_id} --reason TEXT"
        )
    say(f"Good for you alone, once, until {moment(found.expires)}: drskit recover {runbook.source} --token -")


def _countersign(session: "Session", authorization_id: str, *, reason: str, yes: bool, json_output: bool) -> None:
    from drskit.recovering import authorization, countersign
    from drskit.views.recoveries import authorization_json, authorization_text

    found = authorization(session, authorization_id)
    say(authorization_text(found, session.servers(found.scope.region), session.store.now()))
    confirm("Countersign this recovery?", yes=yes)
    signed = countersign(session, authorization_id, reason=reason)
    if json_output:
        show_json(authorization_json(signed))
    else:
        click.echo(f"{authorization_id} is countersigned. Whoever authorised it can use the token now.")


@click.command()
@FILE
@click.option("--token", help="What `drskit authorize` gave; - reads it from stdin, and a terminal asks for it.")
@click.option("--simulate", is_flag=True, help="Recover in a simulated world, not in AWS.")
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
@as_json
@click.pass_context
@ends_well
def recover(
    ctx: click.Context, file: str, token: str | None, simulate: bool, world: str | None, speed: float | None,
    approve_all: bool, output: str | None, apply: bool, yes: bool, json_output: bool,
) -> None:  # fmt: skip
    """Recover for real, follow it, and leave runs/<ExecutionId>/.

    A simulated world of its own ends with the command, and nobody else can be in it: there the command authorises
    itself, by the same token and the same checks.
    """
    only_simulated = {"--world": world is not None, "--speed": speed is not None, "--approve-all": approve_all}
    for flag, given in only_simulated.items():
        if given and not simulate:
            raise click.UsageError(f"{flag} is for simulated recoveries. Add --simulate, or leave it out.")
    rehearses = simulate and not world_stays(world, speed)
    if rehearses and token is not None:
        raise click.UsageError("No token is good in a simulated world that is yet to begin. Leave --token out.")
    runbook = read_runbook(file)
    secret = None if rehearses else _typed(token)
    tell = say if json_output else click.echo
    folder, shelf = places(ctx, output)
    with world_for(runbook, simulate, world, speed), attended(person=False):
        session = open_session(ctx)
        if simulate:
            session.require_simulated(runbook.plan.region)
            session.create_tables()
        started = _start(session, runbook, secret, apply=apply, yes=yes, stand_in=approve_all)
        parameters: dict[str, object] = {
            "runbook": str(Path(runbook.source).resolve()),
            "simulate": simulate,
            "approvals": "all" if approve_all else "ask",
            "execution_id": started.execution_id,
        }
        runs = folder or session.settings.runs
        execution, code = run_execution(session, runbook, parameters, runs, tell)
        if json_output and execution is not None:
            from drskit.report.evidence import execution_json

            show_json(execution_json(*session.history(execution.execution_id)))
    if shelf is not None and execution is not None:
        code = shelf.keep(runs.resolve() / execution.execution_id, tell) or code
    sys.exit(code)


def _typed(token: str | None) -> str:
    """The token, as given, from stdin, or from whoever sits at the terminal."""
    if token == STDIN:
        return sys.stdin.readline().strip()
    if token is not None:
        return token
    if not sys.stdin.isatty():
        raise click.UsageError("A recovery needs its token. Make one with `drskit authorize FILE`, and add --token.")
    typed: str = click.prompt("Token", hide_input=True, err=True)
    return typed


def _start(
    session: "Session", runbook: "Runbook", secret: str | None, *, apply: bool, yes: bool, stand_in: bool
) -> "Execution":
    """The recovery, started or found again; against AWS once whoever is there has said yes."""
    from drskit.model import Mode
    from drskit.recovering import look_again, started
    from drskit.recovering import recover as begin
    from drskit.views.recoveries import recovery_text

    token = secret if secret is not None else _rehearsed(session, runbook, stand_in=stand_in)
    known = started(session, token)
    if known is not None:
        say(f"The token was used for execution {known.execution_id}; it is followed.")
        return known
    preview = look_again(session, runbook, token)
    say(recovery_text(preview))
    if preview.mode is Mode.REAL:
        confirm("Recover for real?", yes=yes)
    return begin(session, runbook, token=token, apply=apply)


def _rehearsed(session: "Session", runbook: "Runbook", *, stand_in: bool) -> str:
    """A token for a simulated world that nobody else can reach."""
    from drskit.recovering import authorize as make
    from drskit.recovering import countersign

    preview = session.preview(runbook)
    issued = make(session, preview, reason=REHEARSED)
    if stand_in and not issued.authorization.ready:
        countersign(session, issued.authorization.authorization_id, reason=REHEARSED, stand_in=True)
    return issued.token


COMMANDS: dict[str, click.Command] = {"authorize": authorize, "recover": recover}
