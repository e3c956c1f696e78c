"""What `python -m tests.endings` plays by the thousand; a few, always the same."""

import pytest

from drskit.states import FINAL_EXECUTION
from tests.endings import play


@pytest.mark.parametrize("seed", range(20, 28))
def test_an_execution_keeps_its_promises_whatever_happens_to_it(seed):
    """See the top of `tests/endings.py`."""
    assert play(seed).status in FINAL_EXECUTION
