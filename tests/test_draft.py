"""A plan that is being edited: changes by widgets are changes of its text, and the other way round."""

import pytest

from drskit.draft import draft_of, new_runbook, with_names
from drskit.errors import InvalidRunbook
from drskit.runbook import parse_runbook
from tests.harness import RUNBOOKS

SHOP = (RUNBOOKS / "shop.yaml").read_text()
NEEDY = """\
version: 1
plan: needy
sites: {main: {region: us-west-2}}
groups:
  a: {select: {tags: {T: a}}}
  b: {select: {tags: {T: b}}}
  c: {select: {tags: {T: c}}}
waves:
  - {name: A, groups: [a]}     # first
  - {name: B, groups: [b]}     # second
  - {name: C, groups: [c], needs: [B], approve: Look at B.}
"""


def shop():
    return draft_of(SHOP, source="runbooks/shop.yaml")


def needy():
    return draft_of(NEEDY, source="needy.yaml")


def needs(draft):
    """What each wave waits for, as drskit reads it."""
    return {wave.name: wave.needs for wave in draft.runbook.plan.waves}


def test_a_draft_is_what_its_text_says():
    """Waves, groups and complaints."""
    draft = shop()
    assert ("shop", (), True) == (draft.plan_id, draft.complaints, draft.runbook is not None)
    assert ["Database", "Application", "Web"] == [draft.wave_name(index) for index in range(3)]
    assert [(), ("Database",), ("Application",)] == [draft.needs(index) for index in range(3)]


def test_a_draft_complains_as_validate_does():
    """In the same words; it is a draft all the same."""
    text = SHOP.replace("rto: PT20M", "rto: 20 minutes").replace("[app]", "[apps]")
    with pytest.raises(InvalidRunbook) as fault:
        parse_runbook(text, source="runbooks/shop.yaml")
    draft = draft_of(text, source="runbooks/shop.yaml")
    assert fault.value.complaints == draft.complaints
    assert None is draft.runbook
    (about,) = draft.complaints_about(("waves", 0, "rto"))
    assert about.startswith("runbooks/shop.yaml:17: waves[0].rto: '20 minutes': this is no ISO-8601 duration")


@pytest.mark.parametrize("text", ["plan: [", "- a", "waves: {a: b}", "waves: [a]", "groups: [a]", "", "a: *x"])
def test_what_is_no_runbook_is_no_draft(text):
    """It says which line is at fault, and the draft before it stays."""
    with pytest.raises(InvalidRunbook, match=r"^runbooks/shop.yaml:\d+: "):
        shop().typed(text)


def test_a_value_is_set_and_taken_away():
    """A key that is absent is made where it belongs, and goes with what it leaves empty."""
    draft = shop().with_value(("waves", 2, "timeout"), "PT30M")
    assert "    max_failed: 1\n    timeout: PT30M\n" in draft.text
    assert "PT30M" == draft.at(("waves", 2, "timeout"))
    assert SHOP == draft.with_value(("waves", 2, "timeout"), None).text
    draft = shop().with_value(("cleanup", "after"), "always")
    assert draft.text.endswith("cleanup: {after: always}\n")
    assert SHOP == draft.with_value(("cleanup", "after"), None).text
    assert SHOP == shop().with_value(("cleanup", "after"), None).text


def test_a_wave_is_added_and_asks_for_its_groups():
    """It is at fault until it has some; the comments above all stay."""
    draft = shop().with_wave()
    assert "Wave 4" == draft.wave_name(3)
    assert ("runbooks/shop.yaml:25: waves[3].groups: nothing stands here; write at least one group.",) == (
        draft.complaints
    )
    assert draft.text.startswith(SHOP)


def test_a_wave_that_goes_leaves_its_needs_to_those_that_waited_for_it():
    """Else a wave could start at once that was to come late."""
    assert {"A": (), "C": ("A",)} == needs(needy().without_wave(1))


def test_a_wave_is_renamed_wherever_it_is_needed():
    """The plan means the same."""
    draft = needy().with_wave_renamed(1, "Beta")
    assert {"A": (), "Beta": ("A",), "C": ("Beta",)} == needs(draft)
    assert "- {name: Beta, groups: [b]}     # second\n" in draft.text


def test_a_wave_moves_with_its_comment():
    """What it needs by default is the wave before it there."""
    draft = needy().with_wave_moved(1, 0)
    assert draft.text.index("# second") < draft.text.index("# first")
    assert {"B": (), "A": ("B",), "C": ("B",)} == needs(draft)
    assert NEEDY == needy().with_wave_moved(0, -1).text


def test_an_approval_is_a_text_until_it_needs_more():
    """And its text is never lost to another key."""
    draft = needy().with_approval(2, "timeout", "PT30M")
    assert {"text": "Look at B.", "timeout": "PT30M"} == draft.at(("waves", 2, "approve"))
    draft = draft.with_approval(2, "text", "Look at A and B.")
    assert {"text": "Look at A and B.", "timeout": "PT30M"} == draft.at(("waves", 2, "approve"))
    assert "Ready." == needy().with_approval(0, "text", "Ready.").at(("waves", 0, "approve"))
    assert None is needy().with_approval(2, "text", None).at(("waves", 2, "approve"))
    assert NEEDY == needy().with_approval(2, "timeout", None).text


def test_actions_stay_and_follow_a_group_s_new_name():
    """An editor that has no form for them loses nothing of them."""
    text = (RUNBOOKS / "examples" / "actions.yaml").read_text()
    text = text.replace("{commands: [pg_isready]}", "{commands: [pg_isready], on: {groups: [database]}}")
    before = parse_runbook(text).plan
    draft = draft_of(text, source="actions.yaml").with_value(("description",), "another").with_wave("More", ("app",))
    after = draft.without_wave(2).with_group_renamed("database", "store").runbook.plan
    assert ("another", before.at_end) == (after.description, after.at_end)
    assert before.waves[1].after == after.waves[1].after
    assert before.waves[0].before == after.waves[0].before
    assert ("actions.store",) == after.waves[0].after[0].does.on.groups


def test_a_group_is_added_renamed_and_removed():
    """In its waves, too."""
    draft = needy().with_group("d", {"servers": ["s-5a4c1e0b7d2f93861"]}).with_group_renamed("b", "beta")
    assert ["beta"] == draft.at(("waves", 1, "groups"))
    assert ("d", ()) == (draft.runbook.groups[-1].name, draft.complaints)
    assert [] == draft.without_group("beta").at(("waves", 1, "groups"))
    assert "group-4" in needy().with_group().groups
    with pytest.raises(InvalidRunbook, match=r"needy.yaml:6: groups.b: the name is taken"):
        needy().with_group_renamed("a", "b")


def test_comments_that_go_with_what_they_were_about_are_named():
    """So that a person can see what a button took away."""
    assert ("# second",) == needy().without_wave(1).lost
    assert () == needy().with_wave("D", ("c",)).lost


ONE, TWO, THREE = "s-5a4c1e0b7d2f93861", "s-5b83d60f4a91c2e75", "s-5c07f2a86be4d1930"


def test_a_new_runbook_is_valid_and_says_what_to_look_at():
    """One group in one wave."""
    draft = draft_of(new_runbook("web-shop", "us-west-2", "web_tier", {"servers": [ONE, TWO]}), source="new.yaml")
    assert ((), "web-shop", "Web tier") == (draft.complaints, draft.plan_id, draft.wave_name(0))
    assert draft.text.startswith("# A new plan.")


def test_ticked_servers_join_a_group():
    """One that is new, one that lists its servers; its expected number grows with it. One by tags takes no list."""
    draft = needy().with_servers("d", [ONE]).with_value(("groups", "d", "expect"), "1")
    grown = draft.with_servers("d", [TWO, ONE])
    assert {"select": {"servers": [ONE, TWO]}, "expect": "2"} == grown.at(("groups", "d"))
    assert () == grown.complaints
    with pytest.raises(InvalidRunbook, match=r"needy.yaml:5: groups.a.select: the group takes every server"):
        needy().with_servers("a", [ONE])


def test_tags_make_a_group_or_choose_anew():
    """What was expected of the old choice is expected no more."""
    draft = shop().with_tags("web", {"Tier": "front"}).with_tags("batch", {"Tier": "batch"})
    assert {"select": {"tags": {"Tier": "front"}}} == draft.at(("groups", "web"))
    assert {"select": {"tags": {"Tier": "batch"}}} == draft.at(("groups", "batch"))


def test_ids_get_their_names_beside_them():
    """Made harmless, and never over a comment that stands there."""
    text = f"servers:\n  - {ONE}\n  - {TWO}  # kept\n  - {THREE}\n"
    named = with_names(text, {ONE: "db\n- x: \u202e1", TWO: "two"})
    assert f"servers:\n  - {ONE}   # db - x: 1\n  - {TWO}  # kept\n  - {THREE}\n" == named
