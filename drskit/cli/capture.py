"""sim capture: a world of what the real DRS once said."""

from pathlib import Path

import click

from drskit.cli.common import as_json, ends_well, show_json


@click.command("capture")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="World file; stdout if left out.")
@click.option("--about", default="", help="What the world is, for whoever opens it.")
@as_json
@ends_well
def capture(files: tuple[Path, ...], output: Path | None, about: str, json_output: bool) -> None:
    """Make a world of saved output of DescribeSourceServers, DescribeJobs and DescribeJobLogItems.

    FILES are JSON as the AWS CLI prints it, in any order; which log belongs to which job is found out.
    The world replays the captured launches to the microsecond. Account numbers are not taken over.
    """
    from drskit.sim.capture import capture_files
    from drskit.sim.worldfile import dump_world

    spec = capture_files(files, about=about)
    text = dump_world(spec)
    if output is None:
        click.echo(text, nl=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    if json_output:
        show_json({"World": str(output), "Servers": len(spec.servers), "Jobs": len(spec.jobs)})
    else:
        click.echo(str(output))
