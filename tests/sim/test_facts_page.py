"""docs/simulator-facts.md says what the code does."""

import re

import pytest

from drskit.sim import parse_world
from drskit.sim.spec import Behaviour
from tests.harness import ROOT
from tests.sim.facts import CONFIDENCE, EVIDENCE, PAGE, page

pytestmark = pytest.mark.simulated("it is about a page of the docs")

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_every_switch_as_it_is():
    """Print it anew with `python -m tests.sim.facts` when a switch has changed."""
    assert [] == sorted(set(Behaviour.model_fields) - set(EVIDENCE))
    assert page(TEXT).splitlines() == TEXT.splitlines()


def test_every_confidence_is_explained():
    """In the words above the table, and no others."""
    assert set(CONFIDENCE) == {confidence for confidence, _ in EVIDENCE.values()}
    assert set(CONFIDENCE) == set(re.findall(r"^- \*\*(\w+)\*\*:", TEXT, re.MULTILINE))


def test_what_holds_a_fact_exists():
    """Each row of the facts names a file that is there."""
    rows = re.findall(r"^\| .* \| ([a-z, ]+) \| `((?:tests|drskit)/[^`]+)` \|$", TEXT, re.MULTILINE)
    assert len(rows) > 10
    assert [] == [name for _, name in rows if not (ROOT / name).is_file()]
    assert {word for words, _ in rows for word in words.split(", ")} <= set(CONFIDENCE)


def test_the_example_opens():
    """With switches that exist."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert parse_world(text).behaviour.timestamp_style == "Z"
