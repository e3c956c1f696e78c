"""The waves of a plan as a graph: what needs what."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter


def find_cycle(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A cycle in the needs, as the names along it with the first repeated at the end; empty when there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def stages(needs: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The waves by how many others must come before them: those of one stage can run side by side.

    Needs that name no wave do not count; waves that need each other are in no stage.
    """
    known = {name: tuple(need for need in wanted if need in needs) for name, wanted in needs.items()}
    depth: dict[str, int] = {}
    while ready := [name for name in known if name not in depth and all(need in depth for need in known[name])]:
        for name in ready:
            depth[name] = max((depth[need] + 1 for need in known[name]), default=0)
    return tuple(
        tuple(name for name in known if depth.get(name) == stage)
        for stage in range(max(depth.values(), default=-1) + 1)
    )
