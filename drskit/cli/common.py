"""What every command shares: how it gets its session, shows its results and ends."""

import functools
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drskit.errors import DrskitError, InvalidInput, NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from drskit.report.evidence import Evidence
    from drskit.session import Session

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""

JSON_TIME = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z\b")
"""A time as JSON has it."""

as_json = click.option("--json", "json_output", is_flag=True, help="Print the result as JSON.")


def open_session(ctx: click.Context) -> "Session":
    """The session that the command line's flags ask for."""
    from drskit.session import Session

    root = ctx.find_root()
    session = Session.open(**(root.obj or {}))
    weakness = session.settings.weakness
    if weakness and not root.meta.get("drskit.weakness_said"):
        root.meta["drskit.weakness_said"] = True
        say(weakness)
    return session


def find_evidence(ctx: click.Context, subject: str, *, beside: bool = False) -> "Evidence":
    """An execution with its history: from a run's folder, else by its id from the tables.

    An id that the tables do not have, as after a drill in a world that has ended, is looked up among the runs.

    Args:
        ctx: the command's.
        subject: an id, a run's folder or its file.
        beside: ask the tables also what a report says beside the execution; a run's folder holds it.
    """
    from drskit.report.evidence import Evidence, load_execution_json
    from drskit.surroundings import surroundings

    path = Path(subject)
    if not path.exists():
        session = open_session(ctx)
        path = session.settings.runs / path.name
        try:
            found = session.history(subject)
            context = surroundings(session, found[0], session.store.now()) if beside else None
            return Evidence(*found, context=context)
        except (NotFound, Unavailable, InvalidInput):
            if path.name != subject or not (path / "execution.json").is_file():
                raise
            say(f"The tables do not have it; this is {path}.")
    return load_execution_json(path)


def ends_well(command: F) -> F:
    """Show drskit's own errors as sentences, and end with their exit code; a file in the way is an error of input."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except DrskitError as error:
            say(str(error))
            sys.exit(error.exit_code)
        except OSError as error:
            if error.filename is None:
                raise
            say(f"{error.filename}: {error.strerror}. Choose another place, or make this one usable.")
            sys.exit(2)
        except KeyboardInterrupt:
            say("Interrupted.")
            sys.exit(INTERRUPTED)

    return wrapped  # type: ignore[return-value]  # wraps keeps the signature


def say(text: str) -> None:
    """Words, to stderr."""
    click.echo(text, err=True)


def show_json(value: object) -> None:
    """A result as JSON, to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_json_line(value: object) -> None:
    """One result of many as a line of JSON, to stdout, at once."""
    click.echo(json.dumps(value, ensure_ascii=False))


def as_text(value: object) -> str:
    """A value of a result as people read it: on one line, a time as elsewhere, `-` for none."""
    from drskit.views.words import plain

    return "-" if value is None else JSON_TIME.sub(r"\1 \2Z", plain(str(value)))


def show_table(rows: list[dict[str, object]], columns: tuple[str, ...]) -> None:
    """Results as columns of text, to stdout; widths fit the longest value."""
    cells = [[as_text(row.get(column)) for column in columns] for row in rows]
    table = [list(columns), *cells]
    widths = [max(len(line[index]) for line in table) for index in range(len(columns))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def confirm(question: str, *, yes: bool) -> None:
    """Ask before AWS is changed.

    Raises:
        click.UsageError: there is no terminal to ask at, and --yes was not given.
        Refused: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(
            "This changes AWS and there is no terminal to ask at. Add --yes once you have looked at it."
        )
    if not click.confirm(question, err=True):
        raise Refused("Nothing was started: the answer was no.")
