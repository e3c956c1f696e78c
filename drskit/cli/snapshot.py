"""sim snapshot: a world of what a real account has in one Region."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drskit.cli.common import as_json, ends_well, say, show_json

if TYPE_CHECKING:
    from drskit.aws.survey import Survey


@click.command("snapshot")
@click.option("--profile", help="AWS profile; default: as of every command.")
@click.option("--region", help="Region of DRS; default: as of every command.")
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="World file; .json makes it JSON."
)
@click.option("--pseudonymise", is_flag=True, help="Replace identifiers, names, addresses and tag values.")
@click.option(
    "--logs",
    default=20,
    show_default=True,
    type=click.IntRange(0),
    help="Of how many of the newest jobs logs are read.",
)
@click.option("--about", default="", help="What the world is, for whoever opens it.")
@as_json
@click.pass_context
@ends_well
def snapshot(
    ctx: click.Context,
    profile: str | None,
    region: str | None,
    output: Path,
    pseudonymise: bool,
    logs: int,
    about: str,
    json_output: bool,
) -> None:
    """Read what DRS and EC2 have in one Region, and write it as a world to rehearse in.

    Only reading calls are sent, and those that were are listed at the end; docs/simulator.md names them all.
    """
    from drskit.sim.account import left_out, world_of
    from drskit.sim.pseudonyms import pseudonymised

    survey = _survey(ctx, profile, region)
    read = survey.read(logs=logs)
    spec = world_of(read, about=about)
    spec = pseudonymised(spec).model_copy(update={"about": about}) if pseudonymise else spec
    _write(spec, output)
    for sentence in left_out(read):
        say(sentence)
    say(f"Sent only reading calls: {', '.join(f'{count} {name}' for name, count in sorted(survey.sent.items()))}.")
    if not pseudonymise:
        say("The file has the account's names, tags and addresses. Keep it where they may be, or add --pseudonymise.")
    if json_output:
        show_json({"World": str(output), "Servers": len(spec.servers), "Jobs": len(spec.jobs), "Calls": survey.sent})
    else:
        click.echo(str(output))


def _survey(ctx: click.Context, profile: str | None, region: str | None) -> "Survey":
    """A survey by the command's own flags, else by those that stand before every command."""
    from drskit.aws.survey import Survey
    from drskit.session import Session

    own = {name: value for name, value in (("profile", profile), ("region", region)) if value is not None}
    session = Session.open(**{**(ctx.find_root().obj or {}), **own})
    where = session.settings.region or session.clients.region
    if where is None:
        raise click.UsageError("No Region is set. Name the Region of DRS with --region.")
    return Survey(session.clients, where)


def _write(spec: Any, output: Path) -> None:
    """Write the file whole, or not at all."""
    from drskit.sim.worldfile import dump_json, dump_world

    text = dump_json(spec) if output.suffix == ".json" else dump_world(spec)
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f".{output.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(output)
