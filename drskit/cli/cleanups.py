"""cleanup: terminate the instances of a drill that is over; and the same at the end of `drill`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, confirm, ends_well, open_session, say, show_json

if TYPE_CHECKING:
    from drskit.afterwards import CleanupDrive
    from drskit.cleanup import CleanupPreview
    from drskit.model import Execution
    from drskit.session import Session

ATTENDED = "DRSKIT_ATTENDED"


@click.command()
@click.argument("execution_id")
@click.option("--reason", required=True, help="Why; it is kept with the cleanup.")
@click.option("--yes", is_flag=True, help="Do not ask; of a recovery this is not enough.")
@click.option("--confirm", "typed", metavar="WORDS", help="Of a recovery: the words that its question asks for.")
@as_json
@click.pass_context
@ends_well
def cleanup(
    ctx: click.Context, execution_id: str, reason: str, yes: bool, typed: str | None, json_output: bool
) -> None:
    """Terminate the instances that a drill launched, and nothing else; `drskit poll` carries it out.

    The instances of a recovery go only after a second confirmation, typed in full.
    """
    from drskit.views.cleanups import preview_text

    session = open_session(ctx)
    preview = session.cleanup_preview(execution_id)
    say(preview_text(preview, session.store.now()))
    if preview.live is None and preview.selection.targets:
        confirm(f"Terminate {_instances(preview)}?", yes=yes or typed is not None)
    if preview.to_type and typed is None and sys.stdin.isatty():
        say("These may be what your users work on. A second confirmation is needed.")
        typed = click.prompt(f"Type exactly: {preview.to_type}\n", default="", show_default=False, err=True)
    execution = session.cleanup(execution_id, reason=reason, preview=preview, typed=typed)
    if json_output:
        show_json({"ExecutionId": execution.execution_id if execution else None, "Cleans": execution_id})
    elif execution is not None:
        click.echo(execution.execution_id)
        say("It goes on as soon as somebody polls: drskit poll --until-idle")


def _instances(preview: "CleanupPreview") -> str:
    from drskit.views.words import counted

    return counted(len(preview.selection.targets), "instance")


# --- at the end of a drill -------------------------------------------------------------------------------------------


@contextmanager
def attended(*, person: bool) -> Iterator[None]:
    """While the block runs, notebooks leave the cleanup to the person at the terminal, if there is one."""
    from drskit.session import environment

    found = environment()
    before = found.get(ATTENDED)
    if person:
        found[ATTENDED] = "true"
    try:
        yield
    finally:
        if person:
            found.pop(ATTENDED)
        if before is not None:
            found[ATTENDED] = before


def person_is_there(*, yes: bool, json_output: bool) -> bool:
    """Whether somebody sits at the terminal who may be asked."""
    return sys.stdin.isatty() and not yes and not json_output


def settle(session: "Session", drill: "Execution", *, person: bool) -> bool:
    """Do with a finished drill's instances what its plan says, or say what still runs; whether that went well.

    Without a person the notebook has done it already.
    """
    from drskit.afterwards import CleanupDrive, choice_for, remains
    from drskit.errors import DrskitError
    from drskit.model import CleanUp
    from drskit.states import FINAL_EXECUTION

    choice = choice_for(drill, person=person)
    if drill.status not in FINAL_EXECUTION:
        return True
    if not person or choice is CleanUp.NEVER:
        say(remains(session, session.store.load(drill.execution_id)).words)
        return True
    answer = "" if choice is CleanUp.ALWAYS else ", and the answer at the terminal was yes"
    drive = CleanupDrive(session, drill, reason=f"cleanup.after = {choice}{answer}")
    try:
        say(drive.preview_text)
        preview = drive.look_ahead()
        yet = preview.running or preview.unlisted
        nothing = not (preview.selection.targets or preview.selection.left or yet)
        if preview.live is None and nothing:
            return True
        if choice is CleanUp.ASK and preview.live is None and preview.selection.targets and not _agreed(preview):
            say(remains(session, drill).words)
            return True
        carry_out(drive)
    except DrskitError as error:
        say(drive.outcome(error).words)
        return False
    outcome = drive.outcome(None)
    say(outcome.words)
    return not outcome.failed


def _agreed(preview: "CleanupPreview") -> bool:
    """The answer of the person at the terminal; none at all is no."""
    try:
        return click.confirm(f"Terminate the {_instances(preview)} that this drill launched?", err=True)
    except click.Abort:
        say("")
        return False


def carry_out(drive: "CleanupDrive") -> None:
    """Start a cleanup or take it up, and drive it to its end, with a line for each event.

    Raises:
        DrskitError: see `Session.cleanup`; the tables were out of reach for too long.
    """
    from drskit.views.text import event_line

    drive.start()
    told = 0
    trouble = None
    more = True
    while more:
        more = drive.step()
        for event in drive.history(told):
            told = event.sequence
            say(event_line(event))
        before, trouble = trouble, drive.trouble()
        if trouble and not before:
            say(f"TRYING AGAIN  {trouble}")


COMMANDS: dict[str, click.Command] = {"cleanup": cleanup}
