"""sim inbox: what was sent to topics and event buses in a served world."""

import click

from drskit.cli.common import as_json, ends_well, open_session, say, show_json


@click.command()
@click.option("--last", type=click.IntRange(min=1), help="Only so many, the newest.")
@as_json
@click.pass_context
@ends_well
def inbox(ctx: click.Context, last: int | None, json_output: bool) -> None:
    """Show what was sent to SNS topics and event buses in the world that DRSKIT_CLOCK_URL names."""
    from datetime import datetime

    from drskit.errors import InvalidInput
    from drskit.simulation import read_inbox
    from drskit.texts import moment
    from drskit.views.words import plain, printable

    url = open_session(ctx).settings.clock_url
    if not url:
        raise InvalidInput(
            "No simulated world is served to this terminal. Export the variables that `drskit sim serve` prints."
        )
    letters = read_inbox(url)[-last if last else 0 :]
    if json_output:
        show_json(letters)
        return
    if not letters:
        say("Nothing was sent yet.")
    for number, letter in enumerate(letters):
        at = moment(datetime.fromisoformat(str(letter["at"])))
        click.echo(("\n" if number else "") + plain(f"{at} to {letter['target']} {letter['subject']}"))
        click.echo("".join(f"    {line}\n" for line in printable(letter["message"]).splitlines()).rstrip())


COMMANDS: dict[str, click.Command] = {"inbox": inbox}
