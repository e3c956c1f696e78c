"""Editing a YAML text: it says what was wanted, and all else stays as it was written."""

import copy

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drskit.yamledit import comments, rewrite
from drskit.yamlfile import read_text
from drskit.yamlwrite import block, flow, scalar
from tests.harness import RUNBOOKS

COMMENTED = """\
# Above all
version: 1   # the format
plan: shop

# About the groups
groups:
  # the databases
  database: {select: {tags: {Tier: database}}, expect: 2}   # two of them
  web:
    select:
      servers:
        - s-5012c8fe6a7d4b391   # the first
        # between
        - s-512d97b0c3e5f8a46
    expect: '2'

waves:
# in order
- name: Database   # first
  groups: [database]
  # deep remark
  rto: PT20M

# the second
- {name: Web, groups: [web], approve: "The database: accepts logins"}
# the end
"""
LISTED = """\
waves:
  - name: One
    groups:
      - a   # not this # nor that
    text: |
      Several lines # no comment
      of text

  # about two
  - name: Two
    groups: [b,
             c]
    empty:
    # trailing of two
# after all
plan: 'it''s # no comment'
"""
TEXTS = [COMMENTED, LISTED, *(path.read_text() for path in sorted(RUNBOOKS.glob("*.yaml")))]


def data_of(text):
    return read_text(text, source="text").data


def edited(text, change):
    """The text after a change of its data."""
    wanted = copy.deepcopy(data_of(text))
    change(wanted)
    new = rewrite(text, wanted)
    assert wanted == data_of(new)
    return new


def changed_lines(before, after):
    """The lines that only one of the two has."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_says_it_already_stays(text):
    """To the last byte."""
    assert text == rewrite(text, data_of(text))


def test_a_value_changes_where_it_stands():
    """With its quotes, its comment and its neighbours."""
    assert (["version: 1   # the format"], ["version: 2   # the format"]) == changed_lines(
        COMMENTED, edited(COMMENTED, lambda data: data.update(version="2"))
    )
    web = edited(COMMENTED, lambda data: data["groups"]["web"].update(expect="3"))
    assert (["    expect: '2'"], ["    expect: '3'"]) == changed_lines(COMMENTED, web)


def test_a_key_is_added_at_the_end_of_its_mapping():
    """Before the comment that belongs to what follows."""
    new = edited(COMMENTED, lambda data: data["waves"][0].update(timeout="PT30M"))
    assert "  rto: PT20M\n  timeout: PT30M\n\n# the second\n" in new
    new = edited(COMMENTED, lambda data: data["groups"]["database"].update(note="x"))
    assert "  database: {select: {tags: {Tier: database}}, expect: 2, note: x}   # two of them\n" in new


def test_a_key_goes_with_the_comments_above_it_and_no_others():
    """What was said of it is said of nothing else."""
    new = edited(COMMENTED, lambda data: data["waves"][0].pop("rto"))
    assert "deep remark" not in new
    assert len(comments(COMMENTED)) - 1 == len(comments(new))


def test_an_item_takes_its_comments_along_when_it_moves():
    """A wave that moves up stays the one that was explained."""
    new = edited(COMMENTED, lambda data: data["waves"].reverse())
    assert new.index("# the second") < new.index("- {name: Web") < new.index("- name: Database   # first")
    assert sorted(comments(COMMENTED)) == sorted(comments(new))


def test_an_item_is_added_as_its_neighbours_are_written():
    """Block beside block."""
    new = edited(COMMENTED, lambda data: data["waves"].insert(1, {"name": "App", "groups": ["app"]}))
    assert "- name: App\n  groups: [app]\n" in new
    assert set(comments(COMMENTED)) == set(comments(new))
    new = edited(COMMENTED, lambda data: data["groups"]["web"]["select"]["servers"].append("s-1"))
    assert "        - s-512d97b0c3e5f8a46\n        - s-1\n    expect" in new


def test_a_key_is_renamed_in_its_place():
    """With all that stands under it."""

    def rename(data):
        data["groups"] = {{"web": "front"}.get(name, name): value for name, value in data["groups"].items()}

    assert (["  web:"], ["  front:"]) == changed_lines(COMMENTED, edited(COMMENTED, rename))


def test_a_value_may_become_one_of_another_kind():
    """A text becomes a mapping, a block list one on a line."""
    new = edited(COMMENTED, lambda data: data["waves"][1].update(approve={"text": "ok", "timeout": "PT5M"}))
    assert "- {name: Web, groups: [web], approve: {text: ok, timeout: PT5M}}\n# the end\n" in new
    new = edited(COMMENTED, lambda data: data["groups"]["web"].update(select={"tags": {"Tier": "web"}}))
    assert "  web:\n    select:\n      tags: {Tier: web}\n    expect: '2'\n" in new
    new = edited(COMMENTED, lambda data: data["groups"]["web"].update(select="all"))
    assert "  web:\n    select: all\n    expect: '2'\n" in new


def test_comments_are_told_from_hashes_in_values():
    """As a reader of YAML tells them."""
    assert ("# not this # nor that", "# about two", "# trailing of two", "# after all") == comments(LISTED)


def test_a_large_list_is_edited_quickly_enough_to_type_beside_it():
    """A thousand servers, one taken out of the middle: one line goes."""
    text = block({"servers": [f"s-{number:017}" for number in range(1_000)]})
    new = edited(text, lambda data: data["servers"].pop(500))
    assert (["  - s-00000000000000500"], []) == changed_lines(text, new)


WORDS = st.one_of(
    st.none(),
    st.text(max_size=12).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)),
    st.sampled_from(["yes", "0123", "PT45M", "a: b", "- x", "# y", "{z}", "1e3", "~", "null", " x ", "x\ny", "'", '"']),
)
VALUES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefg-_. ", min_size=1), inner, max_size=4),
    max_leaves=8,
)


@given(value=VALUES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_anew_says_the_same(value):
    """In either style."""
    assert {"k": value} == data_of(f"k: {flow(value)}\n")
    assert {"k": value} == data_of(block({"k": value}))


@pytest.mark.parametrize("word", ["yes", "on", "1.5", "2026-11-23", "0123", "null", "", "a: b", "#x", "*y", "1_000"])
def test_a_text_that_others_would_misread_is_quoted(word):
    """Readers of YAML other than drskit know booleans, dates and octal numbers."""
    assert scalar(word)[0] in "'\""
    assert word == yaml.safe_load(scalar(word))


def places(value, here=()):
    """Every place in a value."""
    yield here
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*here, key))


def at(value, place):
    for part in place:
        value = value[part]
    return value


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_change_of_any_text_comes_out_as_wanted(data):
    """Replaced, removed, added, moved, several at once; where nothing is removed no comment is."""
    text = data.draw(st.sampled_from(TEXTS))
    wanted = copy.deepcopy(data_of(text))
    removed = False
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from([found for found in places(wanted) if found]))
        around = at(wanted, place[:-1])
        act = data.draw(st.sampled_from(["replace", "remove", "add", "move"]))
        if act == "replace":
            removed |= isinstance(around, list) or isinstance(around[place[-1]], dict | list)
            around[place[-1]] = data.draw(VALUES)
        elif act == "remove":
            removed = True
            del around[place[-1]]
        elif act == "add" and isinstance(around, list):
            around.insert(place[-1], data.draw(VALUES))
        elif act == "add":
            around[data.draw(st.text("xyz", min_size=1, max_size=3))] = data.draw(VALUES)
        elif isinstance(around, list):
            around.append(around.pop(place[-1]))
    new = rewrite(text, wanted)
    assert wanted == data_of(new)
    if not removed and text is not LISTED:
        assert set(comments(text)) <= set(comments(new))
