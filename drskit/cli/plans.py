"""validate, apply, servers, groups, plans."""

from typing import TYPE_CHECKING

import click

from drskit.cli.common import as_json, as_text, ends_well, open_session, say, show_json, show_table

if TYPE_CHECKING:
    from drskit.model import Runbook

FILE = click.argument("file", type=str)


def read_runbook(name: str) -> "Runbook":
    """A runbook by its path, in the working folder or shipped."""
    from drskit.resources import find_file
    from drskit.runbook import load_runbook

    return load_runbook(find_file(name))


@click.command()
@FILE
@as_json
@ends_well
def validate(file: str, json_output: bool) -> None:
    """Check a runbook without asking AWS anything."""
    from drskit.errors import InvalidRunbook

    try:
        runbook = read_runbook(file)
        _read_beside(runbook)
    except InvalidRunbook as error:
        if json_output:
            show_json({"Valid": False, "PlanId": None, "Digest": None, "Complaints": list(error.complaints)})
        raise
    if json_output:
        show_json({"Valid": True, "PlanId": runbook.plan.plan_id, "Digest": runbook.digest, "Complaints": []})
    else:
        waves = ", ".join(wave.name for wave in runbook.plan.waves)
        click.echo(f"{runbook.source} is valid: plan {runbook.plan.plan_id}, waves {waves}.")


def _read_beside(runbook: "Runbook") -> None:
    """Read the files that a runbook names: its freeze calendar and its prices.

    Raises:
        InvalidRunbook: one of them cannot be read.
    """
    from drskit.clock import SystemClock
    from drskit.freezes import freezes_of
    from drskit.pricelist import budget_of

    freezes_of(runbook, SystemClock().now())
    budget_of(runbook)


@click.command()
@FILE
@as_json
@click.pass_context
@ends_well
def apply(ctx: click.Context, file: str, json_output: bool) -> None:
    """Write a runbook's groups and plan to the tables and show what changed."""
    runbook = read_runbook(file)
    result = open_session(ctx).apply(runbook)
    if json_output:
        show_json({"PlanId": result.plan_id, "Version": result.version, "Changes": list(result.changes)})
        return
    for change in result.changes or (f"plan {result.plan_id}: nothing changes",):
        click.echo(change)


@click.group()
def servers() -> None:
    """Source servers, as DRS has them."""


def _server_rows(ctx: click.Context, region: str | None) -> list[dict[str, object]]:
    session = open_session(ctx)
    rows = []
    for server in session.servers(region):
        row = server.to_json()
        row["Lag"] = row["Lag"] or None
        rows.append(row)
    return rows


@servers.command("list")
@click.option("--region", "drs_region", help="Region of DRS; the session's own when left out.")
@as_json
@click.pass_context
@ends_well
def list_servers(ctx: click.Context, drs_region: str | None, json_output: bool) -> None:
    """List the source servers."""
    rows = _server_rows(ctx, drs_region)
    if json_output:
        show_json(rows)
    else:
        show_table(rows, ("SourceServerId", "Name", "ReplicationState", "Lag", "RecoveryInstanceId"))


@servers.command("show")
@click.argument("server_id")
@click.option("--region", "drs_region", help="Region of DRS; the session's own when left out.")
@as_json
@click.pass_context
@ends_well
def show_server(ctx: click.Context, server_id: str, drs_region: str | None, json_output: bool) -> None:
    """Show one source server."""
    from drskit.errors import NotFound

    found = [row for row in _server_rows(ctx, drs_region) if row["SourceServerId"] == server_id]
    if not found:
        raise NotFound(f"DRS has no source server {server_id}. `drskit servers list` names them.")
    _show(found[0], json_output)


def _show(row: dict[str, object], json_output: bool) -> None:
    if json_output:
        show_json(row)
        return
    for name, value in row.items():
        click.echo(f"{name}: {as_text(value)}")


@click.group()
def groups() -> None:
    """Protection groups, as applied."""


@groups.command("list")
@as_json
@click.pass_context
@ends_well
def list_groups(ctx: click.Context, json_output: bool) -> None:
    """List the protection groups."""
    rows = [_group_row(group.to_json()) for group in open_session(ctx).store.list_groups()]
    if json_output:
        show_json(rows)
    else:
        counted = [{**row, "Servers": len(_listed(row))} for row in rows]
        show_table(counted, ("GroupId", "PlanId", "Region", "Servers", "Version"))


def _group_row(applied: dict[str, object]) -> dict[str, object]:
    group = applied.pop("Group")
    assert isinstance(group, dict)
    return {**group, "SelectedServers": group["Servers"], "Servers": applied.pop("Resolved"), **applied}


def _listed(row: dict[str, object]) -> list[object]:
    servers_of_group = row["Servers"]
    assert isinstance(servers_of_group, list)
    return servers_of_group


@groups.command("show")
@click.argument("group_id")
@as_json
@click.pass_context
@ends_well
def show_group(ctx: click.Context, group_id: str, json_output: bool) -> None:
    """Show one protection group."""
    from drskit.errors import NotFound

    group = open_session(ctx).store.get_group(group_id)
    if group is None:
        raise NotFound(f"There is no protection group {group_id}. `drskit groups list` names them.")
    _show(_group_row(group.to_json()), json_output)


@groups.command("delete")
@click.argument("group_id")
@as_json
@click.pass_context
@ends_well
def delete_group(ctx: click.Context, group_id: str, json_output: bool) -> None:
    """Delete a protection group that no plan uses."""
    open_session(ctx).store.delete_group(group_id)
    _deleted("GroupId", group_id, json_output)


def _deleted(key: str, name: str, json_output: bool) -> None:
    if json_output:
        show_json({key: name, "Deleted": True})
    else:
        say(f"{name} is deleted.")


@click.group()
def plans() -> None:
    """Recovery plans, as applied."""


def _plan_row(applied: dict[str, object]) -> dict[str, object]:
    plan = applied.pop("Plan")
    assert isinstance(plan, dict)
    return {**plan, **applied}


@plans.command("list")
@as_json
@click.pass_context
@ends_well
def list_plans(ctx: click.Context, json_output: bool) -> None:
    """List the recovery plans."""
    rows = [_plan_row(plan.to_json()) for plan in open_session(ctx).store.list_plans()]
    if json_output:
        show_json(rows)
    else:
        show_table(rows, ("PlanId", "Description", "Region", "Version", "ActiveExecutionId"))


@plans.command("show")
@click.argument("plan_id")
@as_json
@click.pass_context
@ends_well
def show_plan(ctx: click.Context, plan_id: str, json_output: bool) -> None:
    """Show one recovery plan."""
    from drskit.errors import NotFound

    plan = open_session(ctx).store.get_plan(plan_id)
    if plan is None:
        raise NotFound(f"There is no recovery plan {plan_id}. `drskit plans list` names them.")
    _show(_plan_row(plan.to_json()), json_output)


@plans.command("delete")
@click.argument("plan_id")
@as_json
@click.pass_context
@ends_well
def delete_plan(ctx: click.Context, plan_id: str, json_output: bool) -> None:
    """Delete a recovery plan and its groups; its executions stay."""
    store = open_session(ctx).store
    groups_of_it = [group.group.group_id for group in store.list_groups() if group.group.plan_id == plan_id]
    store.delete_plan(plan_id)
    _deleted("PlanId", plan_id, json_output)
    if groups_of_it and not json_output:
        say(f"With it went its groups: {', '.join(groups_of_it)}.")


COMMANDS: dict[str, click.Command] = {
    "validate": validate,
    "apply": apply,
    "servers": servers,
    "groups": groups,
    "plans": plans,
}
