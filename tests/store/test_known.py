"""What was read before saves the parsing, and decides nothing."""

from drskit.store.attributes import item_bytes
from drskit.store.known import Known
from tests.store.strategies import execution
from tests.store.test_codec import items_of


def read(known: Known, items: list) -> object:
    """A reading of these items, as new values like those of a reply."""
    return known.assembled("one", items)


def test_the_same_items_are_the_same_value():
    """Items that came twice and are equal whole are parsed once."""
    known = Known()
    first = read(known, list(items_of(execution())))
    assert execution() == first
    assert first is read(known, list(items_of(execution())))


def test_no_stamp_or_version_is_believed():
    """Whatever differs is read anew, also where header, stamps and version are as before."""
    known = Known()
    read(known, list(items_of(execution())))
    header, *children = items_of(execution())
    position = next(place for place, child in enumerate(children) if "#SERVERS#" in child["PlanId"]["S"])
    servers = children[position]["Servers"]["L"]
    servers[0]["M"]["Error"] = {"S": "changed by hand"}
    assert "changed by hand" == read(known, [header, *children]).waves[0].servers[0].error
    assert execution() == read(known, list(items_of(execution())))


def test_what_does_not_add_up_is_never_answered_from_before():
    """A reading that met a write half-way is none, although a whole one is known."""
    known = Known()
    read(known, list(items_of(execution())))
    header, *children = items_of(execution())
    assert read(known, [header, *children[1:]]) is None
    assert execution() == read(known, [header, *children])


def test_what_was_not_read_for_longest_is_forgotten_first():
    """The readings that are kept never weigh more than they may."""
    items = list(items_of(execution()))
    known = Known(most_bytes=2 * sum(map(item_bytes, items)))
    first, second = (known.assembled(name, list(items)) for name in ("one", "two"))
    assert first is known.assembled("one", list(items))
    known.assembled("three", list(items))
    assert first is known.assembled("one", list(items))
    assert second is not known.assembled("two", list(items))
