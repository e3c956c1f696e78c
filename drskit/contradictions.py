"""What the keys of a runbook may not say together: unknown and repeated names, cycles, a server in two places."""

from collections.abc import Iterator
from datetime import time

from drskit.actions import TaskPhase
from drskit.actionspec import faults_of
from drskit.notifyspec import notify_faults
from drskit.runbookspec import RunbookSpec, WaveSpec
from drskit.waves import find_cycle
from drskit.yamlfile import Location


def contradictions(spec: RunbookSpec) -> list[tuple[Location, str]]:
    """Where two keys contradict each other, and what to do about it."""
    found = [
        *_action_faults(spec),
        *_group_faults(spec),
        *_wave_faults(spec),
        *_change_faults(spec),
        *notify_faults(spec.notify),
    ]
    if len(spec.sites) > 1:
        found.append((("sites",), "more than one site is not supported yet; keep one."))
    return found


def _group_faults(spec: RunbookSpec) -> list[tuple[Location, str]]:
    found: list[tuple[Location, str]] = []
    owner: dict[str, str] = {}
    for name, group in spec.groups.items():
        select = group.select
        if bool(select.tags) == bool(select.servers):
            found.append((("groups", name, "select"), "write either tags or servers, with at least one entry."))
        if group.expect is not None and select.servers and group.expect != len(select.servers):
            found.append(
                (
                    ("groups", name, "expect"),
                    f"{group.expect} is expected, and {len(select.servers)} servers are listed.",
                )
            )
        for index, server in enumerate(select.servers):
            if server in owner:
                where = (
                    "twice in this group"
                    if owner[server] == name
                    else f"in group {owner[server]}, too; a server is in one group at most"
                )
                found.append((("groups", name, "select", "servers", index), f"{server} is {where}. Remove one."))
            owner.setdefault(server, name)
    return found


def _wave_faults(spec: RunbookSpec) -> list[tuple[Location, str]]:
    found: list[tuple[Location, str]] = []
    names: dict[str, int] = {}
    used: dict[str, str] = {}
    for index, wave in enumerate(spec.waves):
        if wave.name in names:
            found.append(
                (
                    ("waves", index, "name"),
                    f"{wave.name!r} names wave {names[wave.name] + 1}, too. Choose another name.",
                )
            )
        names.setdefault(wave.name, index)
        for position, group in enumerate(wave.groups):
            location: Location = ("waves", index, "groups", position)
            if group not in spec.groups:
                known = ", ".join(spec.groups)
                found.append((location, f"there is no group {group!r}. Known: {known}."))
            elif group in used:
                found.append((location, f"group {group!r} is in wave {used[group]!r} already. A group is in one wave."))
            used.setdefault(group, wave.name)
        found += _order_faults(index, wave)
    needs = needs_of(spec)
    for index, wave in enumerate(spec.waves):
        for position, need in enumerate(wave.needs or ()):
            if need not in names:
                found.append(
                    (("waves", index, "needs", position), f"there is no wave {need!r}. Known: {', '.join(names)}.")
                )
    cycle = find_cycle(needs) if not found else ()
    if cycle:
        found.append(
            (
                ("waves", names[cycle[0]], "needs"),
                f"the waves wait for each other: {' -> '.join(cycle)}. Remove one need.",
            )
        )
    return found


def _order_faults(index: int, wave: WaveSpec) -> list[tuple[Location, str]]:
    found: list[tuple[Location, str]] = []
    seen: dict[str, int] = {}
    for number, step in enumerate(wave.order):
        for position, server in enumerate(step):
            if server in seen:
                where = "twice in this step" if seen[server] == number else f"in step {seen[server] + 1}, too"
                found.append((("waves", index, "order", number, position), f"{server} is {where}. Remove one."))
            seen.setdefault(server, number)
    return found


def _change_faults(spec: RunbookSpec) -> list[tuple[Location, str]]:
    windows = spec.change.windows if spec.change else ()
    return [
        (
            ("change", "windows", index, "until"),
            "it ends when it begins; write from 00:00 until 24:00 for a whole day.",
        )
        for index, window in enumerate(windows)
        if window.from_ == window.until and window.from_ != time(0)
    ]


def _action_faults(spec: RunbookSpec) -> Iterator[tuple[Location, str]]:
    groups = tuple(spec.groups)
    for index, wave in enumerate(spec.waves):
        yield from faults_of(wave.before, ("waves", index, "before"), TaskPhase.BEFORE, groups)
        yield from faults_of(wave.after, ("waves", index, "after"), TaskPhase.AFTER, groups)
    yield from faults_of(spec.finally_, ("finally",), TaskPhase.FINALLY, groups)


def needs_of(spec: RunbookSpec) -> dict[str, tuple[str, ...]]:
    """Each wave's needs: as written, else the wave before it."""
    needs: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for wave in spec.waves:
        needs[wave.name] = before if wave.needs is None else tuple(dict.fromkeys(wave.needs))
        before = (wave.name,)
    return needs
