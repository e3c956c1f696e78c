"""Whether a history is whole and unedited.

Every event carries the hash of the one before, and the execution's header the
hash of the last. So an event that was edited, removed, added or moved shows, and
so does a tail that was cut off, unless the header was rewritten with it.
"""

from collections.abc import Iterable

from drskit.model import Event, Execution


def faults(execution: Execution, events: Iterable[Event]) -> tuple[str, ...]:
    """What does not add up, a sentence each; none when the history is whole and unedited."""
    found: list[str] = []
    previous = ""
    count = 0
    for count, event in enumerate(events, 1):
        if event.sequence != count:
            found.append(f"Where event {count} should stand, there is event {event.sequence}.")
            break
        if event.previous != previous:
            found.append(f"Event {count} ({event.kind}) does not follow from the one before it.")
        if event.sealed(event.previous).hash != event.hash:
            found.append(f"Event {count} ({event.kind}) was changed after it was written.")
        previous = event.hash
    if not found and count != execution.events:
        found.append(f"The header counts {execution.events} events, and there are {count}.")
    if not found and previous != execution.head:
        found.append("The last event is not the one that the header names.")
    return tuple(found)
