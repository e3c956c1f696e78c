"""The forms of an editor, read from the runbook's model: every supported key has one, and loses nothing."""

import pytest

from drskit.errors import InvalidInput
from drskit.planfields import Field, Kind, fields_of, from_line, to_line
from drskit.runbookspec import ApproveSpec, GroupSpec, RunbookSpec, WaveSpec


def kinds(model):
    return {field.key: field.kind for field in fields_of(model)}


def test_every_key_that_is_supported_has_a_form():
    """And none that is refused as not supported yet."""
    found = kinds(WaveSpec)
    assert {
        "name": Kind.TEXT, "groups": Kind.LIST, "needs": Kind.LIST, "rto": Kind.DURATION, "approve": Kind.PART,
        "optional": Kind.LIST, "max_failed": Kind.TEXT, "on_failure": Kind.CHOICE, "timeout": Kind.DURATION,
    }.items() <= found.items()  # fmt: skip
    assert {"version", "plan", "targets", "cleanup", "waves", "groups", "owners"} <= set(kinds(RunbookSpec))
    assert {"text": Kind.TEXT, "timeout": Kind.DURATION, "on_timeout": Kind.CHOICE}.items() <= kinds(
        ApproveSpec
    ).items()
    assert {"select": Kind.PART, "expect": Kind.NUMBER}.items() <= kinds(GroupSpec).items()


def test_a_form_tells_choices_and_defaults():
    """As the model has them."""
    wave = {field.key: field for field in fields_of(WaveSpec)}
    assert (("stop", "pause", "continue"), "stop") == (wave["on_failure"].choices, wave["on_failure"].default)
    assert ("PT1H30M", "0", True) == (wave["timeout"].default, wave["max_failed"].default, wave["name"].required)


def test_what_has_no_form_of_its_own_is_written_as_yaml():
    """A key of lists of mappings, as one that a later version may bring."""
    parts = {field.key: field for field in fields_of(RunbookSpec)}
    assert Kind.YAML is parts["waves"].kind
    field = Field("before", Kind.YAML)
    value = [{"wait": "PT1M", "modes": ["DRILL"]}]
    assert "[{wait: PT1M, modes: [DRILL]}]" == to_line(field, value)
    assert value == from_line(field, to_line(field, value))


@pytest.mark.parametrize(
    ("kind", "value", "line"),
    [
        (Kind.LIST, ["a", "b c"], "a, b c"),
        (Kind.LIST, ["a,b"], "['a,b']"),
        (Kind.LIST, [], ""),
        (Kind.TABLE, {"Tier": "web", "App": ""}, "Tier=web, App="),
        (Kind.TABLE, {"a=b": "c"}, "{a=b: c}"),
        (Kind.TEXT, "as it is, # and more", "as it is, # and more"),
        (Kind.TEXT, {"no": "text"}, "{'no': text}"),
        (Kind.DURATION, "PT1M", "PT1M"),
    ],
)
def test_a_value_becomes_a_line_and_comes_back(kind, value, line):
    """What does not fit the form is shown as YAML, never cut."""
    field = Field("key", kind)
    assert line == to_line(field, value)
    if kind is not Kind.TEXT or isinstance(value, str):
        assert (value or None) == from_line(field, line)


def test_a_line_that_is_no_table_is_refused_with_what_to_write():
    """And so is a line that is no YAML."""
    with pytest.raises(InvalidInput, match=r"tags: .web. is no pair\. Write name=value"):
        from_line(Field("tags", Kind.TABLE), "Tier=db, web")
    with pytest.raises(InvalidInput, match="before: this is not valid YAML"):
        from_line(Field("before", Kind.YAML), "[{")
