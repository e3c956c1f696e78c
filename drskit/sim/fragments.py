"""Answers as JSON, where a large part of one is written once and sent often.

Pollers ask for the same jobs again and again, and of twenty running jobs of a
hundred servers next to nothing has changed since they last asked.
"""

import json
import re
from typing import Any
from uuid import uuid4

_MARK = uuid4().hex
_MARKED = re.compile(f'"{_MARK}"')
"""Stands in a text where a fragment belongs; nobody outside this process can know it, so no name or tag holds it."""


class Fragment:
    """A part of an answer that does not change, as JSON."""

    __slots__ = ("text",)

    def __init__(self, value: Any) -> None:
        self.text = json.dumps(value)


def dump(body: object) -> str:
    """JSON, with the fragments as they were written before."""
    fragments: list[str] = []

    def mark(value: object) -> str:
        if not isinstance(value, Fragment):
            raise TypeError(f"{type(value).__name__} is no JSON")
        fragments.append(value.text)
        return _MARK

    text = json.dumps(body, default=mark)
    waiting = iter(fragments)
    return _MARKED.sub(lambda _: next(waiting), text) if fragments else text
