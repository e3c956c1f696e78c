"""docs/simulator-operations.md says what the code does."""

import pytest

from drskit.sim.operations import OPERATIONS
from tests.sim.pages import MODEL, PAGE, TABLE, page

pytestmark = pytest.mark.simulated("it is about a page of the docs")

TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["operations", "words"])
def test_the_tables_are_those_of_the_code(name):
    """Print the page anew with `python -m tests.sim.pages` when one has changed."""
    made = {found[1]: found[0] for found in TABLE.finditer(page(TEXT))}
    written = {found[1]: found[0] for found in TABLE.finditer(TEXT)}
    assert made[name].splitlines() == written[name].splitlines()


def test_every_operation_of_the_model_stands_there_once():
    """With a row of its own."""
    assert sorted(MODEL.operation_names) == sorted(
        name for name in MODEL.operation_names if TEXT.count(f"\n| `{name}` |") == 1
    )


def test_every_source_has_its_confidence():
    """Each entry of the catalogue names at least one of the letters that the page explains."""
    letters = {"D", "C", "O", "T", "F", "I"}
    vague = [
        name
        for name, one in OPERATIONS.items()
        if not letters & set(one.source.replace(",", " ").replace(";", " ").split())
    ]
    assert [] == vague
