"""A plan as a notebook edits it: its file, the tables, and what past drills took."""

import pytest

from drskit.draft import draft_of
from drskit.errors import ChangedMeanwhile, InvalidInput, InvalidRunbook, Refused
from drskit.planner import Planner, PlannerParameters, location_of
from drskit.views.dag import wave_times
from tests.harness import RUNBOOKS, house

SHOP = (RUNBOOKS / "shop.yaml").read_text()


@pytest.fixture(scope="module")
def home():
    with house("shop") as found:
        yield found


@pytest.fixture
def planner(home, tmp_path, monkeypatch):
    """Opens the shop's plan in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runbooks" / "shop.yaml"
    path.parent.mkdir()
    path.write_text(SHOP)

    def opened(**parameters):
        draft = draft_of(path.read_text(), source="runbooks/shop.yaml")
        return Planner(home.another_session(), PlannerParameters(**parameters), path, draft)

    return opened


def test_changes_of_parameters_are_made_saved_and_applied(planner, tmp_path):
    """A wave may be named; the difference is shown before it is applied."""
    changed = planner(changes={"waves[Web].timeout": "PT30M", "waves[0].rto": ""}, save=True, apply=True)
    assert "Saved runbooks/shop.yaml." == changed.store().text
    text = (tmp_path / "runbooks" / "shop.yaml").read_text()
    assert ("    max_failed: 1\n    timeout: PT30M\n" in text, "rto: PT20M" in text) == (True, False)
    assert "Applied runbooks/shop.yaml: plan shop is version" in changed.differ().text
    assert "PT30M" in changed.session.store.get_plan("shop").plan.waves[2].model_dump_json()
    changed.judge()
    again = planner()
    again.draft = again.draft.with_value(("waves", 2, "timeout"), "PT40M")
    again.save()
    assert ('plan shop: wave Web: Timeout changes from "PT30M" to "PT40M"',) == again.compare().changes


def test_nothing_is_written_unasked(planner, tmp_path):
    """The defaults of the notebook are safe."""
    found = planner(changes={"description": "other"})
    assert "Not asked to save" in found.store().text
    assert "The draft is not saved" in found.differ().text
    assert "runbooks/shop.yaml is as it was." in found.store().text
    assert SHOP == (tmp_path / "runbooks" / "shop.yaml").read_text()
    (tmp_path / "runbooks" / "shop.yaml").unlink()
    assert "There is no runbooks/shop.yaml here yet." in found.store().text


def test_a_plan_with_complaints_is_shown_and_raised_in_the_last_cell(planner):
    """And never saved."""
    found = planner(changes={"waves[Web].groups": "[nobody]"}, save=True)
    assert "there is no group 'nobody'" in found.show().text
    assert isinstance(found.store().error, InvalidRunbook)
    with pytest.raises(InvalidRunbook, match=r"waves\[2\].groups\[0\]"):
        found.judge()


def test_the_tables_get_what_was_saved_and_shown(planner, tmp_path):
    """Not a draft, not what somebody wrote meanwhile, and no other difference than the one that was looked at."""
    found = planner()
    seen = found.compare()
    found.draft = found.draft.with_value(("description",), "new")
    with pytest.raises(Refused, match="not saved"):
        found.compare()
    found.save()
    with pytest.raises(Refused, match="Compare again"):
        found.apply(seen)
    (tmp_path / "runbooks" / "shop.yaml").write_text(SHOP)
    with pytest.raises(ChangedMeanwhile):
        found.compare()
    found.load()
    assert SHOP == found.draft.text


@pytest.mark.parametrize("place", ["waves[Nobody].timeout", "waves[9].rto", "waves[", "", "a..b"])
def test_a_place_that_is_none_is_refused(place):
    """With the waves that there are, or how to write it."""
    with pytest.raises(InvalidInput, match="changes: "):
        location_of(place, draft_of(SHOP, source="shop.yaml"))


def test_past_drills_tell_how_long_waves_take():
    """From the tables, of drills of this plan alone."""
    with house("captured-drill") as home:
        from tests.harness import shipped

        home.session.start(shipped("captured-drill"))
        home.finish()
        times = wave_times(home.session.executions("captured-drill")[0])
        path = RUNBOOKS / "captured-drill.yaml"
        draft = draft_of(path.read_text(), source="captured-drill.yaml")
        told = Planner(home.another_session(), PlannerParameters(), path, draft).draw()
    assert {"Database", "Application"} == set(times)
    assert 8 < times["Database"].usual.total_seconds() / 60 < 10
    assert "last drill 9 min" in told.text or "last drill 8 min" in told.text
    assert "fits" in told._repr_html_()
