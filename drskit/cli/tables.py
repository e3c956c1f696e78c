"""tables create|check."""

import sys

import click

from drskit.cli.common import as_json, ends_well, open_session, show_json


@click.group()
def tables() -> None:
    """The tables in DynamoDB."""


@tables.command("create")
@as_json
@click.pass_context
@ends_well
def create(ctx: click.Context, json_output: bool) -> None:
    """Create the tables, or add what a live one lacks."""
    done = open_session(ctx).create_tables()
    if json_output:
        show_json({"Done": done})
        return
    for line in done or ["The tables are as they should be."]:
        click.echo(line)


@tables.command("check")
@as_json
@click.pass_context
@ends_well
def check(ctx: click.Context, json_output: bool) -> None:
    """Name each difference between the tables and what drskit needs; exit 2 when there is one."""
    differences = open_session(ctx).check_tables()
    if json_output:
        show_json({"Differences": differences})
    else:
        for line in differences or ["The tables are as they should be."]:
            click.echo(line)
    sys.exit(2 if differences else 0)


COMMANDS: dict[str, click.Command] = {"tables": tables}
