"""run: a notebook headless, with its copy on this machine or in S3."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, open_session, say, show_json
from drskit.cli.shelves import take_along

if TYPE_CHECKING:
    from drskit.aws.s3 import Address
    from drskit.headless import Notebook
    from drskit.session import Session


@click.command()
@click.argument("notebook")
@click.option(
    "-p", "--parameter", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter; may be repeated."
)
@click.option(
    "--output",
    metavar="FILE|S3",
    help="The executed copy: a file, or s3://BUCKET/KEY; a new name under runs/ when left out.",
)
@as_json
@click.pass_context
@ends_well
def run(
    ctx: click.Context, notebook: str, given: tuple[tuple[str, str], ...], output: str | None, json_output: bool
) -> None:
    """Run any notebook headless, with strict parameters.

    A value is taken for the type that the notebook declares: "no" is false, 007 stays a text where a text is wanted,
    and a list is JSON or words between commas.
    """
    from drskit.planning import fresh_id
    from drskit.resources import find_file

    source = find_file(notebook)
    session = open_session(ctx)
    name = f"{source.stem}-{fresh_id(session.wall_clock.now())}.ipynb"
    kept = (session.settings.runs / name).resolve()
    parameters = _by_name(given)
    if output is not None and "://" in output:
        ran = _run_to_s3(session, source, _address(output, name), parameters, keep=kept)
    else:
        ran = _run_here(source, _file(output) if output else kept, parameters, shown=output)
    if ran.error:
        say(ran.error)
    if json_output:
        show_json({"Notebook": ran.notebook, "Error": ran.error, "Runs": list(ran.runs)})
    else:
        for line in (ran.notebook, *ran.runs):
            click.echo(line)
    sys.exit(ran.code)


@dataclass(frozen=True)
class Ran:
    """What a run came to."""

    notebook: str
    """Where the executed copy is."""
    runs: tuple[str, ...]
    """Where the folders are that its cells wrote."""
    error: str | None
    code: int


def _by_name(given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in given:
        if name in parameters:
            raise click.UsageError(f"Parameter {name} is given twice: {parameters[name]!r} and {value!r}. Keep one.")
        parameters[name] = value
    return parameters


def _file(output: str) -> Path:
    path = Path(output)
    if path.is_dir():
        raise click.UsageError(f"{output} is a folder. Name a file in it that ends in .ipynb.")
    return path.resolve()


def _address(output: str, name: str) -> "Address":
    """The place in S3 that is asked for; a folder there gets the name of a new file.

    Raises:
        InvalidInput: it is not in S3, or no notebook.
    """
    from drskit.aws.s3 import SCHEME, parse_address
    from drskit.errors import InvalidInput

    if not output.startswith(SCHEME):
        raise InvalidInput(f"{output!r} is neither a file nor a place in S3. Write a path, or s3://BUCKET/KEY.")
    address = parse_address(output)
    if not address.key or address.key.endswith("/"):
        return address.below(name)
    if not address.key.endswith(".ipynb"):
        raise InvalidInput(f"{output} is no name for a notebook. End it in .ipynb, or in / for a new name there.")
    return address


def _run_here(source: Path, target: Path, parameters: dict[str, str], *, shown: str | None) -> Ran:
    from drskit.headless import run_notebook

    done = run_notebook(source, target, parameters, log=say)
    return Ran(shown or str(target), tuple(map(str, done.runs)), *_ending(done))


def _run_to_s3(session: "Session", source: Path, address: "Address", parameters: dict[str, str], *, keep: Path) -> Ran:
    """Run it with its copy in S3; the runs that it wrote here go along, each into a folder beside the copy."""
    from drskit.aws.s3 import notebook_writer
    from drskit.headless import run_notebook

    with notebook_writer(session.clients.papermill_s3(), address, keep=keep, say=say) as writer:
        done = run_notebook(source, str(address), parameters, log=say)
    error, code = _ending(done)
    places, well = take_along(session.clients.s3(), done.runs, address.folder)
    lost = writer.lost is not None or not well
    return Ran(str(keep if writer.lost else address), places, error, code or (3 if lost else 0))


def _ending(done: "Notebook") -> tuple[str | None, int]:
    return (str(done.error), done.error.exit_code) if done.error else (None, 0)


COMMANDS: dict[str, click.Command] = {"run": run}
