"""forecast: how long a plan would take and what it would cost."""

from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, open_session, show_json, show_table
from drskit.cli.plans import FILE, read_runbook

if TYPE_CHECKING:
    from drskit.forecast import WaveForecast


@click.command()
@FILE
@as_json
@click.pass_context
@ends_well
def forecast(ctx: click.Context, file: str, json_output: bool) -> None:
    """Estimate how long a drill would take and what it would cost, from the servers as DRS has them; starts nothing."""
    from drskit.forecast import money_words, quota_words
    from drskit.views.words import roughly

    found = open_session(ctx).forecast(read_runbook(file))
    if json_output:
        show_json(found.to_json())
        return
    show_table(
        [_row(wave) for wave in found.waves],
        ("Wave", "Servers", "Jobs", "Rounds", "BeginsAfter", "Lasts", "Cost", "CostAnHour"),
    )
    click.echo(f"All waves done after about {roughly(found.lasts)}, {found.basis}; what people take is not in it.")
    for words in filter(None, (quota_words(found), money_words(found))):
        click.echo(words)


def _row(wave: "WaveForecast") -> dict[str, object]:
    from drskit.money import dollars
    from drskit.views.words import roughly

    return {
        "Wave": wave.name,
        "Servers": len(wave.servers),
        "Jobs": wave.jobs,
        "Rounds": wave.rounds,
        "BeginsAfter": roughly(wave.begins) if wave.begins else "at once",
        "Lasts": roughly(wave.lasts),
        "Cost": wave.bill.words,
        "CostAnHour": dollars(wave.bill.an_hour),
    }


COMMANDS: dict[str, click.Command] = {"forecast": forecast}
"""forecast alone."""
