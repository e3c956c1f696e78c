"""Every word of the model's enums can be heard, or it is said why not."""

import pytest

from tests.sim.words import UNSAID, model_words, said

pytestmark = pytest.mark.simulated("worlds are made for words that no account says to order")


def test_every_word_of_the_model_is_said_or_accounted_for(open_lab):
    """On one tour through worlds made for it; what is accounted for is not said."""
    words, heard = model_words(), said(open_lab)
    assert len(words) > 200
    assert set() == words - heard - set(UNSAID)
    assert set() == set(UNSAID) & heard
    assert set() == set(UNSAID) - words
