"""notify test: whether those whom a runbook names can be reached, before anything happens."""

from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, open_session, show_json, show_table
from drskit.cli.plans import FILE, read_runbook

if TYPE_CHECKING:
    from drskit.notices import NotifyTarget, Outcome


@click.group()
def notify() -> None:
    """Those whom a runbook tells what happens."""


@notify.command()
@FILE
@as_json
@click.pass_context
@ends_well
def test(ctx: click.Context, file: str, json_output: bool) -> None:
    """Send one test notification to each target of a runbook, and show what came of it; nothing else happens."""
    from drskit.errors import Unavailable

    found = open_session(ctx).try_notifications(read_runbook(file))
    rows = [_row(target, outcome) for target, outcome in found]
    if json_output:
        show_json(rows)
    else:
        show_table(rows, ("Target", "Taken", "MessageId", "Error"))
    failed = [target.address for target, outcome in found if outcome.error is not None]
    if failed:
        raise Unavailable(
            f"{len(failed)} of {len(found)} targets did not take the test: {', '.join(failed)}. Check that they exist, "
            "and the rights to sns:Publish and events:PutEvents: docs/notifications.md."
        )


def _row(target: "NotifyTarget", outcome: "Outcome") -> dict[str, object]:
    return {
        "Target": target.address,
        "On": [kind.value for kind in target.kinds] or None,
        "Taken": outcome.error is None,
        "MessageId": outcome.message_id,
        "Error": outcome.error,
    }


COMMANDS: dict[str, click.Command] = {"notify": notify}
