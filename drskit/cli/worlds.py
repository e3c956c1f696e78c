"""sim validate and sim show: what a world file says, and whether it may."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from drskit.cli.common import as_json, as_text, ends_well, show_json, show_table

if TYPE_CHECKING:
    from drskit.sim.summary import Overview

NAMES = {"about": "About", "account": "Account", "region": "Region", "start": "StartTime", "seed": "Seed"}
COLUMNS = ("SourceServerId", "Name", "Os", "ReplicationState", "Lag", "Fails", "Durations", "Instances")


@click.command("validate")
@click.argument("world", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of world files, for an editor.")
@as_json
@ends_well
def validate(world: str | None, schema: bool, json_output: bool) -> None:
    """Check a world file; WORLD is a path, or the bare name of one that drskit ships.

    Every fault is named at once with file, line, key, value and what to write instead.
    """
    from drskit.resources import find_world
    from drskit.sim.worldfile import load_world
    from drskit.sim.worldfile import schema as world_schema

    if schema:
        show_json(world_schema())
        return
    if world is None:
        raise click.UsageError("Name a world file, or ask for --schema.")
    path = find_world(world)
    spec = load_world(path)
    if json_output:
        show_json({"World": str(path), "Valid": True, "Servers": len(spec.servers)})
    else:
        click.echo(f"{path}: valid, {_many(len(spec.servers), 'server')}.")


@click.command("show")
@click.argument("world")
@as_json
@ends_well
def show(world: str, json_output: bool) -> None:
    """Show what is in a world: servers, states, durations, faults; WORLD is a path or a shipped world's name."""
    from drskit.resources import find_world
    from drskit.sim.summary import overview
    from drskit.sim.worldfile import load_world

    path = find_world(world)
    found = overview(load_world(path))
    if json_output:
        told = asdict(found)
        parts = {"Counts": "counts", "Servers": "servers", "Jobs": "jobs", "Faults": "faults", "Behaviour": "behaviour"}
        show_json(
            {"World": str(path)}
            | {name: told[key] for key, name in NAMES.items()}
            | {name: told[key] for name, key in parts.items()}
        )
    else:
        _print(str(path), found)


def _print(path: str, found: "Overview") -> None:
    from drskit.views.words import plain

    click.echo(
        f"World {plain(path)}: {found.region}, account {found.account}, from {as_text(found.start)}, seed {found.seed}"
    )
    if found.about:
        click.echo(plain(found.about))
    states = ", ".join(f"{count} {state}" for state, count in found.counts["ReplicationState"].items())
    systems = ", ".join(f"{count} {system}" for system, count in found.counts["Os"].items())
    click.echo(f"\n{_many(len(found.servers), 'server')}: {'; '.join(part for part in (systems, states) if part)}")
    if found.servers:
        show_table([_row(server) for server in found.servers], COLUMNS)
    _print_jobs(found.jobs)
    if found.faults:
        click.echo(f"\n{_many(len(found.faults), 'fault')} of calls:")
        for fault in found.faults:
            click.echo(f"  {plain(', '.join(f'{key} {value}' for key, value in fault.items()))}")
    if found.behaviour:
        click.echo("\nSwitches that stand otherwise than usual:")
        for name, value in found.behaviour.items():
            click.echo(f"  {name}: {plain(str(value))}")


def _print_jobs(jobs: list[dict[str, Any]]) -> None:
    past = [job for job in jobs if job["CreationTime"]]
    captured = [job for job in jobs if not job["CreationTime"]]
    if past:
        click.echo(f"\n{_many(len(past), 'job')} of the time before:")
    for job in past:
        click.echo(f"  {job['JobId']}: at {job['CreationTime']}, {job['Seconds']:g} s, {', '.join(job['Servers'])}")
    if captured:
        click.echo(f"\n{_many(len(captured), 'captured job')}, each replayed at the first launch of the same servers:")
    for job in captured:
        click.echo(f"  {job['JobId']}: {job['Seconds']:g} s, {', '.join(job['Servers'])}")


def _row(server: dict[str, Any]) -> dict[str, object]:
    durations = "; ".join(f"{name} {text}" for name, text in server["Durations"].items())
    return server | {
        "Lag": f"{server['LagSeconds']:g} s",
        "Durations": durations or None,
        "Instances": ", ".join(server["Instances"]) or None,
    }


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
