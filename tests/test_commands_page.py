"""docs/commands.md says what the code answers."""

import pytest

from drskit.model import CommandKind, ExecutionStatus, ServerStatus, WaveStatus
from tests.commands import PAGE, TABLE, page, servers, waves, whole

TEXT = PAGE.read_text()


def test_the_page_has_every_command():
    """With a paragraph and a table each, in the order of the contract."""
    assert [kind.value for kind in CommandKind] == [found[1] for found in TABLE.finditer(TEXT)]
    assert all(f"## {kind}\n" in TEXT for kind in CommandKind)


def test_the_page_has_every_status():
    """Of executions, waves and servers."""
    for scenes, statuses in ((whole(), ExecutionStatus), (waves(), WaveStatus), (servers(), ServerStatus)):
        assert {status.value for status in statuses} == {name.partition(",")[0] for name in scenes}


@pytest.mark.parametrize("kind", CommandKind)
def test_the_page_gives_the_answers_that_the_code_gives(kind):
    """Print it anew with `python -m tests.commands` when an answer has changed."""
    made = {found[1]: found[0] for found in TABLE.finditer(page(TEXT))}
    written = {found[1]: found[0] for found in TABLE.finditer(TEXT)}
    assert made[kind.value].splitlines() == written[kind.value].splitlines()
