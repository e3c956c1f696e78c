"""What may be done more than once: the checker asks here, and whatever is not named may not be done at all.

A wave is launched again only when a person asks by `retry`; that is another
attempt, and so under another name.
"""

import math
from collections.abc import Mapping
from typing import Any

MOST: Mapping[str, float] = {
    "a launch job of an attempt": 1,
    "a launch request of an attempt": 1,
    "what an action does": 1,
    "what a repeatable action does": math.inf,  # its plan declares that doing it again does no harm
    "a command of a check": 1,  # a check asks again and again, and each of its questions has an id
    "a person's command": 1,
    "a notice at a target": math.inf,  # at least once, under one id and in one form: see `told.py`
}


def too_often(what: str, count: int) -> bool:
    """Whether something was done more often than it may be under one name."""
    return count > MOST[what]


def of_action(action: Mapping[str, Any]) -> str:
    """What the action of a plan does, as `MOST` names it."""
    return "what a repeatable action does" if action.get("Repeatable") else "what an action does"
