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
