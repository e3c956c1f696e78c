"""Reports as PDF, by a Chromium that is installed."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from drskit.errors import InvalidInput, MissingProgram
from drskit.printing import NAMES, OLDEST, find_chromium, print_pdf
from drskit.report.html import render_html
from drskit.report.summary import summarise
from tests.report import samples
from tests.report.pdf import pages_of


def program(folder: Path, name: str, text: str) -> Path:
    """A script that stands for a browser."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_first_browser_on_the_path_is_taken(tmp_path, monkeypatch):
    """In the order of the names; a chosen one goes before all."""
    program(tmp_path, "google-chrome", "")
    other = program(tmp_path, "mine", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tmp_path / "google-chrome" == find_chromium()
    program(tmp_path, "chromium", "")
    assert tmp_path / "chromium" == find_chromium()
    assert other == find_chromium(str(other)) == find_chromium("mine")


def test_without_a_browser_the_error_says_what_to_do(tmp_path, monkeypatch):
    """Install it, name it, or print from any browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgram, match=r"PATH has none of chromium.*apt install chromium.*DRSKIT_CHROMIUM"):
        find_chromium()
    with pytest.raises(MissingProgram, match=r"was chosen, /nowhere/chrome, is no program"):
        find_chromium("/nowhere/chrome")


def test_a_browser_that_is_too_old_is_refused(tmp_path):
    """It would not print the mode on every page."""
    old = program(tmp_path, "chromium", f"echo Chromium {OLDEST - 1}.0.6778.33")
    with pytest.raises(MissingProgram, match=f"is version {OLDEST - 1}, and a report needs {OLDEST} or later"):
        print_pdf("<p>x", old)


@pytest.mark.parametrize("text", ["echo cannot open display >&2; exit 1", "echo %PDF > nowhere", ""])
def test_a_browser_that_prints_nothing_is_told_with_its_last_words(tmp_path, text):
    """Never an empty file in the place of a report."""
    broken = program(tmp_path, "chromium", text)
    with pytest.raises(InvalidInput, match=r"printed no PDF. It said: (cannot open display|nothing)"):
        print_pdf("<p>x", broken)


def test_a_browser_gets_nothing_of_the_environment(tmp_path, monkeypatch):
    """No credentials reach a program that shows what comes from outside."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    nosy = program(tmp_path, "chromium", f"env > {tmp_path}/seen; for a in $@; do echo $a; done >> {tmp_path}/seen")
    with pytest.raises(InvalidInput):
        print_pdf("<p>x", nosy)
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert ("canary-secret" in seen, "--host-resolver-rules=MAP" in seen) == (False, True)
    assert [] == [line for line in seen.splitlines() if line.startswith(("AWS", "DRSKIT"))]


@pytest.mark.slow
@pytest.mark.parametrize("story", [samples.completed, samples.failing], ids=lambda story: story.__name__)
def test_every_printed_page_says_its_mode(story):
    """As the text of the page's head, which Chromium repeats."""
    if not any(map(shutil.which, NAMES)):
        pytest.skip("no Chromium or Chrome is installed")
    sample = story()
    html = render_html(summarise(sample.execution, sample.events, sample.logs, sample.now))
    pages = pages_of(print_pdf(html, find_chromium(os.environ.get("DRSKIT_CHROMIUM"))))
    assert 3 <= len(pages)
    assert [] == [number for number, text in enumerate(pages) if sample.execution.mode.value not in text]
