"""`04-watch-executions` under papermill: the same file, without a person."""

import json
import os

import pytest

from drskit.headless import run_notebook
from tests.cli.shell import bare_environment
from tests.harness import ROOT

WATCH = ROOT / "notebooks" / "04-watch-executions.ipynb"


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A folder and an environment without AWS and drskit, as kernels inherit them."""
    kept = bare_environment()
    for name in set(os.environ) - set(kept):
        monkeypatch.delenv(name)
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def test_executions_are_shown_without_a_person(bare, tmp_path):
    """From a fresh kernel: a rehearsed drill is listed as plain HTML and as a line; nothing of a widget is left."""
    target = tmp_path / "executed.ipynb"
    done = run_notebook(WATCH, target, {"rehearse": True})
    assert None is done.error
    text = target.read_text(encoding="utf-8")
    cells = {cell["id"]: cell for cell in json.loads(text)["cells"]}
    log, table = cells["show-executions"]["outputs"]
    assert "COMPLETED  captured-drill drill" in "".join(log["text"])
    assert "4 of 4" in "".join(table["data"]["text/html"])
    assert "widget" not in "".join(table["data"])
    assert "COMPLETED" in "".join(cells["executions"]["outputs"][0]["data"]["text/plain"])
