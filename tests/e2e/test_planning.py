"""Servers discovered and a plan edited in a real JupyterLab, as by a person."""

import re

import pytest

from drskit.clock import wait_until
from drskit.resources import find_file
from drskit.runbook import load_runbook
from tests.e2e.judging import COLOURS, grave
from tests.e2e.notebooks import SOON, OpenNotebook

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow
CUT = """() => [...document.querySelectorAll('.drs-plan .widget-label')]
    .filter(label => label.scrollWidth > label.clientWidth).map(label => label.textContent)"""
"""The labels of fields that end in dots."""


def nothing_grave(notebook, panel):
    """Neither in light nor in dark; only the panel is judged, what is around it is JupyterLab's."""
    for theme, rules in (("JupyterLab Light", None), ("JupyterLab Dark", COLOURS)):
        notebook.theme(theme)
        assert [] == grave(notebook.page, panel, rules)


def test_two_servers_are_ticked_into_a_new_group(lab, page):
    """The runbook stands on disk, with their names, and nothing is left to complain about."""
    notebook = OpenNotebook(lab, page, "01-discover-servers", "discover")
    notebook.run_all()
    expect(notebook.part("drs-mode")).to_contain_text("SIMULATED", timeout=SOON)
    expect(notebook.part("drs-summary")).to_contain_text("9 source servers")
    expect(notebook.part("drs-write")).to_be_disabled()
    notebook.set("drs-filter", "Application=crm")
    expect(notebook.part("drs-server")).to_have_count(4, timeout=SOON)
    page.get_by_label("crm-web").check()
    page.get_by_label("crm-app-1").check()
    notebook.set("drs-runbook", "runbooks/crm.yaml")
    notebook.set("drs-group", "front")
    expect(notebook.part("drs-outlook")).to_contain_text("# crm-app-1", timeout=SOON)
    nothing_grave(notebook, ".drs-discover")
    notebook.part("drs-write").click()
    expect(notebook.part("drs-status")).to_contain_text("Saved runbooks/crm.yaml.", timeout=SOON)
    runbook = load_runbook(notebook.folder / "runbooks" / "crm.yaml")
    assert ("crm", "front", 2) == (runbook.plan.plan_id, runbook.groups[0].name, len(runbook.groups[0].servers))
    notebook.shut_down()


def test_a_plan_is_edited_broken_mended_saved_and_applied(lab, page):
    """Form and text are in step; a text that cannot be read names its line; file and tables say what was wanted."""
    shop = find_file("runbooks/shop.yaml").read_text()
    notebook = OpenNotebook(lab, page, "02-plan-a-recovery", "plan", files={"runbooks/shop.yaml": shop})
    notebook.run_all()
    expect(notebook.part("drs-complaints")).to_contain_text("✔ valid", timeout=SOON)
    assert [] == page.evaluate(CUT)
    notebook.part("drs-add-group").click()
    expect(notebook.part("drs-complaints")).to_contain_text("1 complaint", timeout=SOON)
    notebook.set("drs-key-select-tags", "Role=replica")
    notebook.set("drs-group-name", "replica")
    text = notebook.field("drs-text")
    expect(text).to_have_value(re.compile(r"  replica: \{select: \{tags: \{Role: replica\}\}\}"), timeout=SOON)
    text.fill(text.input_value().replace("Tier: database}}, expect: 2", "Role: primary}}"))
    expect(notebook.part("drs-complaints")).to_contain_text("✔ valid", timeout=SOON)
    notebook.part("drs-add-wave").click()
    expect(notebook.field("drs-wave-name")).to_have_value("Wave 4", timeout=SOON)
    notebook.set("drs-key-approve-text", "The shop answers.")
    expect(text).to_have_value(shopped(), timeout=SOON)
    good = text.input_value()
    text.fill(good.replace("groups: [web]", "groups: [web"))
    expect(notebook.part("drs-complaints")).to_contain_text("this text cannot be read", timeout=SOON)
    expect(notebook.part("drs-complaints")).to_contain_text("runbooks/shop.yaml:")
    expect(notebook.field("drs-key-approve-text")).to_be_disabled()
    expect(notebook.part("drs-save")).to_be_disabled()
    text.fill(good)
    expect(notebook.part("drs-save")).to_be_enabled(timeout=SOON)
    nothing_grave(notebook, ".drs-plan")
    notebook.part("drs-save").click()
    expect(notebook.part("drs-status")).to_contain_text("Saved runbooks/shop.yaml.", timeout=SOON)
    assert wait_until(lambda: (notebook.folder / "runbooks" / "shop.yaml").read_text() == good, timeout_seconds=10)
    notebook.part("drs-compare").click()
    expect(notebook.part("drs-outlook")).to_contain_text("plan shop: new, with 4 waves", timeout=SOON)
    notebook.part("drs-apply").click()
    expect(notebook.part("drs-status")).to_contain_text("plan shop is version 1", timeout=SOON)
    notebook.part("drs-compare").click()
    expect(notebook.part("drs-outlook")).to_contain_text("nothing changes", timeout=SOON)
    notebook.shut_down()


def shopped():
    """The end of the text, with the wave that was added."""
    return re.compile(r"- name: Wave 4\s+groups: \[replica\]\s+approve: The shop answers\.\s*$")
