"""The panels of discovery and planning, without a browser: form and text in step, errors shown, nothing lost."""

import pytest

from drskit.discovery import Discovery, DiscoveryParameters
from drskit.draft import draft_of
from drskit.planner import Planner, PlannerParameters
from drskit.views.discover_panel import DiscoverPanel
from drskit.views.plan_form import WAVE
from drskit.views.plan_panel import PlanPanel
from tests.harness import RUNBOOKS, house

SHOP = (RUNBOOKS / "shop.yaml").read_text()


@pytest.fixture(scope="module")
def home():
    with house("estate") as found:
        yield found


@pytest.fixture
def panel(home, tmp_path, monkeypatch):
    """The shop's plan in a panel."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    draft = draft_of(SHOP, source="shop.yaml")
    made = PlanPanel(Planner(home.another_session(), PlannerParameters(), path, draft))
    made._draw()
    return made


def control(panel, label):
    return next(one.widget for one in panel.form._bindings if one.widget.description == label)


def test_a_form_changes_the_text_and_the_text_the_form(panel):
    """And undo takes both back."""
    panel.part.value = (WAVE, 2)
    control(panel, "timeout").value = "PT30M"
    assert panel.text_area.value.endswith("    max_failed: 1\n    timeout: PT30M\n")
    panel.text_area.value = panel.text_area.value.replace("PT30M", "PT40M")
    assert "PT40M" == control(panel, "timeout").value
    panel.undo.click()
    panel.undo.click()
    assert (SHOP, "") == (panel.text_area.value, control(panel, "timeout").value)


def test_a_text_that_cannot_be_read_keeps_the_last_good_state(panel):
    """What was typed stays; the form waits, and a button leads back."""
    panel.text_area.value = broken = SHOP.replace("[web]", "[web")
    assert "this text cannot be read" in panel.complaints.value
    assert (broken, SHOP) == (panel.text_area.value, panel.planner.draft.text)
    assert control(panel, "plan").disabled
    assert panel.save.disabled
    panel.back.click()
    assert SHOP == panel.text_area.value
    assert not control(panel, "plan").disabled


def test_what_somebody_else_wrote_is_asked_about_before_it_is_overwritten(panel):
    """And kept."""
    panel.part.value = (WAVE, 0)
    control(panel, "rto").value = "PT25M"
    panel.planner.path.write_text(SHOP + "# theirs\n")
    panel.save.click()
    assert "was changed by somebody else" in panel.status.value
    assert "" == panel.overwrite.layout.display
    panel.overwrite.click()
    assert "is kept as shop.yaml." in panel.status.value
    assert "rto: PT25M" in panel.planner.path.read_text()
    (kept,) = panel.planner.path.parent.glob("shop.yaml.*.bak")
    assert kept.read_text().endswith("# theirs\n")


def test_an_error_of_a_callback_is_shown(panel):
    """A line that is no table changes nothing."""
    control(panel, "owners").value = "nobody"
    assert "owners: &#x27;nobody&#x27; is no pair" in panel.status.value
    assert SHOP == panel.planner.draft.text


def test_ticked_servers_outlive_a_filter(home, tmp_path, monkeypatch):
    """What is not shown stays ticked."""
    monkeypatch.chdir(tmp_path)
    panel = DiscoverPanel(Discovery(home.another_session(), DiscoveryParameters()))
    panel._draw()
    panel.filter.value = "crm-web"
    panel.all.click()
    panel.filter.value = "crm-app"
    panel.all.click()
    panel.group.value = "front"
    assert 3 == len(panel.proposal.draft.at(("groups", "front", "select", "servers")))
    panel.write.click()
    assert "Saved runbooks/my-plan.yaml." in panel.status.value
    assert set() == panel.ticked
