"""A drill reported in a real JupyterLab: what is shown is judged, and a press of a button leaves a file."""

import csv
import re

import pytest

from tests.e2e.judging import COLOURS, grave
from tests.e2e.notebooks import SOON, OpenNotebook

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow
OVERLAPPING = """() => [...document.querySelectorAll('.jp-OutputArea-output table')].filter(table => {
    const cells = [...table.querySelectorAll('td, th')];
    return cells.some(cell => cell.scrollWidth > cell.clientWidth + 1);
}).map(table => table.caption?.textContent)"""


def test_a_person_exports_a_report_by_buttons(lab, page):
    """Each press leaves its file in the run's folder and says so; nothing grave is shown, wide or narrow."""
    notebook = OpenNotebook(lab, page, "05-report-a-drill", "report", rehearsals=1)
    notebook.run_all()
    expect(notebook.part("drs-export-html")).to_be_visible(timeout=SOON)
    expect(notebook.prompts.last).to_have_text(re.compile(r"\[\d+\]:"), timeout=SOON)
    (run,) = [path for path in (notebook.folder / "runs").iterdir() if not path.name.startswith(".")]
    assert not (run / "report.csv").exists()
    for name in ("csv", "html"):
        notebook.part(f"drs-export-{name}").click()
        expect(notebook.part("drs-exports")).to_contain_text(f"report.{name}", timeout=SOON)
    rows = list(csv.reader((run / "report.csv").read_text(encoding="utf-8").splitlines()))
    assert run.name in rows[1]
    assert run.name in (run / "report.html").read_text(encoding="utf-8")
    link = notebook.part("drs-exports").get_by_role("link", name="report.html")
    assert f"runs/{run.name}/report.html" in (link.get_attribute("href") or "")
    for theme, rules in (("JupyterLab Light", None), ("JupyterLab Dark", COLOURS)):
        notebook.theme(theme)
        assert [] == grave(page, ".jp-OutputArea-output", rules)
    page.set_viewport_size({"width": 400, "height": 1400})
    assert [] == page.evaluate(OVERLAPPING)
    notebook.shut_down()
