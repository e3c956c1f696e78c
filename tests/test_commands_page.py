"""docs/commands.md says what the code answers."""

import pytest

from drskit.model import CommandKind, ExecutionStatus, ServerStatus, WaveStatus
from tests.cleanupscenes import cleanups
from tests.commands import PAGE, TABLE, TABLES, page, servers, waves, whole

TEXT = PAGE.read_text()


def test_the_page_has_every_command():
    """With a paragraph and a table each, in the order of the contract; then those of cleanups."""
    tables = [*(kind.value for kind in CommandKind), "cleanup", "a_cleanup"]
    assert tables == list(TABLES) == [found[1] for found in TABLE.finditer(TEXT)]
    assert all(f"## {kind}\n" in TEXT for kind in CommandKind)


def test_the_page_has_every_status():
    """Of executions, waves and servers."""
    pairs = (whole(), ExecutionStatus), (waves(), WaveStatus), (servers(), ServerStatus), (cleanups(), ExecutionStatus)
    for scenes, statuses in pairs:
        assert {status.value for status in statuses} == {name.partition(",")[0] for name in scenes}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_gives_the_answers_that_the_code_gives(name):
    """Print it anew with `python -m tests.commands` when an answer has changed."""
    written = {found[1]: found[0] for found in TABLE.finditer(TEXT)}
    assert page(written[name]).splitlines() == written[name].splitlines()
