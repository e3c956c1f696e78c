"""executions list|show|watch, and poll."""

import sys
from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, ends_well, open_session, say, show_json, show_json_line, show_table

if TYPE_CHECKING:
    from drskit.poller import Pass


@click.group()
def executions() -> None:
    """Executions, running and past."""


@executions.command("list")
@click.option("--plan", help="Only those of this plan.")
@as_json
@click.pass_context
@ends_well
def list_executions(ctx: click.Context, plan: str | None, json_output: bool) -> None:
    """List executions, newest first."""
    from drskit.report.evidence import header_json
    from drskit.views.words import age

    session = open_session(ctx)
    headers, unreadable = session.executions(plan)
    running, unknown = session.running_instances(headers)
    rows: list[dict[str, object]] = []
    for header in headers:
        left = running.get(header.execution_id)
        rows.append(header_json(header) | {"RunningInstances": left.to_json() if left else None})
    for item in unreadable:
        say(f"{item}. It is left out.")
    for execution_id in unknown:
        say(f"{execution_id} is too long for the list and cannot be read: whether its instances run is not known.")
    if json_output:
        show_json(rows)
    else:
        now = session.store.now() if running else None
        for row, header in zip(rows, headers, strict=True):
            left = running.get(header.execution_id)
            row["RunningInstances"] = (
                f"{left.count} for {age(now - left.since)}" if left and now and left.count else None
            )
            if header.execution_id in unknown or (left and not left.count):
                row["RunningInstances"] = "?"
        columns = ("ExecutionId", "PlanId", "ExecutionType", "Mode", "Status", "StartTime", "EndTime")
        show_table(rows, (*columns, "RunningInstances", "WaitingFor"))
        for execution_id, left in running.items():
            what = "Instances of {} still run" if left.count else "Whether instances of {} run is not known"
            say(f"{what.format(execution_id)}: drskit cleanup {execution_id} --reason TEXT")


@executions.command("show")
@click.argument("execution_id")
@as_json
@click.pass_context
@ends_well
def show(ctx: click.Context, execution_id: str, json_output: bool) -> None:
    """Show one execution whole."""
    session = open_session(ctx)
    execution, events, logs = session.history(execution_id)
    again = session.launched_again(execution)
    if json_output:
        from drskit.report.evidence import execution_json
        from drskit.running import left_running

        left = left_running(execution, again)
        found = execution_json(execution, events, logs)
        show_json(found | {"RunningInstances": left.to_json() if left else None})
    else:
        from drskit.views.text import board_text, commands_text

        click.echo(board_text(execution, session.store.now(), again) + commands_text(execution))


@executions.command("watch")
@click.argument("execution_id")
@as_json
@click.pass_context
@ends_well
def watch(ctx: click.Context, execution_id: str, json_output: bool) -> None:
    """Follow one execution to its end, or to a person's decision; it never drives."""
    from drskit.cli.follow import follow, status_code

    session = open_session(ctx)
    execution = session.store.load(execution_id)
    execution = follow(session, execution)
    if json_output:
        from drskit.report.evidence import execution_json

        show_json(execution_json(*session.history(execution_id)))
    sys.exit(status_code(execution))


@click.command()
@click.option("--follow", "keep_on", is_flag=True, help="Poll until interrupted.")
@click.option("--until-idle", is_flag=True, help="Poll until nothing is left but decisions of people.")
@as_json
@click.pass_context
@ends_well
def poll(ctx: click.Context, keep_on: bool, until_idle: bool, json_output: bool) -> None:
    """Advance every execution that is due: one pass, or many; with --json a line for each pass."""
    if keep_on and until_idle:
        raise click.UsageError("--follow and --until-idle exclude each other.")
    from drskit.drill import outcome
    from drskit.model import ExecutionStatus
    from drskit.states import FINAL_EXECUTION

    session = open_session(ctx)
    poller = session.poller()
    passes = poller.follow(session.clock, until_idle=until_idle) if keep_on or until_idle else [poller.run_pass()]
    ended_badly = False
    last = None
    for last in passes:
        _show_pass(last, json_output)
        for execution in last.executions.values():
            if execution.status in FINAL_EXECUTION and execution.status is not ExecutionStatus.COMPLETED:
                ended_badly = True
                say(outcome(execution))
    waiting = poller.people() if last is None or last.idle else ()
    for header in waiting:
        told = f"{header.execution_id} waits for {header.waiting_for}"
        say(told if told.endswith((".", "?", "!")) else f"{told}.")
    if last is not None and last.trouble:
        sys.exit(3)
    left = last is not None and last.idle and (last.quarantined or last.elsewhere)
    sys.exit(1 if waiting or ended_badly or left else 0)


def _show_pass(result: "Pass", json_output: bool) -> None:
    from drskit.model import utc
    from drskit.poller import describe

    if not json_output:
        click.echo(describe(result))
        return
    show_json_line(
        {
            "Advanced": list(result.advanced),
            "Waiting": list(result.waiting),
            "Quarantined": list(result.quarantined),
            "Elsewhere": list(result.elsewhere),
            "Barred": list(result.barred),
            "Trouble": result.trouble,
            "NextPoll": utc(result.next_poll) if result.next_poll else None,
        }
    )


COMMANDS: dict[str, click.Command] = {"executions": executions, "poll": poll}
