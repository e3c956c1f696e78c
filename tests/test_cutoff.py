"""A limit for what waits on a stranger's machine."""

from threading import Event

import pytest

from drskit.cutoff import within


def test_an_answer_in_time_is_given_and_a_fault_raised():
    """As if there were no limit."""
    assert 7 == within(5, lambda: 7)
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_what_takes_longer_is_left_alone():
    """Its thread goes on, and holds up nobody."""
    over = Event()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        within(0.01, over.wait)
    over.set()
