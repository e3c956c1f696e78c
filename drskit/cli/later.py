"""Commands of the contract that do not exist yet: each is refused, none is ignored."""

import sys

import click

from drskit.cli.common import say

NAMES = (
    "check", "deploy",
)  # fmt: skip


def _later(name: str) -> click.Command:
    @click.command(
        name,
        help=f"{name} is not supported yet.",
        context_settings={"ignore_unknown_options": True},
        add_help_option=True,
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        del arguments
        say(f"`drskit {name}` is not supported yet.")
        sys.exit(2)

    return command


COMMANDS: dict[str, click.Command] = {name: _later(name) for name in NAMES}
