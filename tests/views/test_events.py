"""Events in words."""

import pytest

from drskit.model import Event
from drskit.views.events import describe
from tests.report.samples import at

CHECKING = {"Since": "2026-03-02T09:08:58Z", "Round": 3, "RoundAt": "2026-03-02T09:09:18Z"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Checking": CHECKING}, "round 3 of its checks"),
        ({"Checking": CHECKING | {"Calls": [{}, {}]}}, "round 3 of its checks, 2 answers awaited"),
        ({"NotBefore": "2026-03-02T09:09:18Z", "ApproveBy": None}, "noted: ApproveBy, NotBefore"),
        ({}, "noted"),
        ({"Checking": "\u202e<b>"}, "noted: Checking"),
    ],
)
def test_what_a_wave_noted_is_said(fields, words):
    """A drill with checks has dozens of such events: how far they are, or at least what changed."""
    event = Event(sequence=1, time=at(0), actor="mira", kind="WAVE_NOTED", facts={"Wave": "Web", "Fields": fields})
    assert ("Wave Web", words) == (describe(event).subject, describe(event).words)


def test_an_edit_names_both_plans():
    """By the beginnings of their digests, as the report's head does."""
    event = Event(
        sequence=1, time=at(0), actor="mira", kind="PLAN_EDITED", facts={"PlanDigest": "a" * 64, "Applied": "b" * 64}
    )
    assert f"EDITED: plan {'a' * 12} is executed, {'b' * 12} was started" == describe(event).words
