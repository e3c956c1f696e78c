"""Placeholders in the questions of a plan: what is known only once an instance is there.

Names come from tags, and tags from anybody: whatever is put into a command or a
URL is quoted there by `quoted`, never pasted.
"""

import re
from collections.abc import Callable, Mapping

KNOWN = ("private_ip", "public_ip", "instance_id", "name", "hostname")
PLACE = re.compile(r"\{\{|\}\}|(?<!\$)\{([a-z_][a-z0-9_]*)\}")
"""A doubled brace, or a placeholder; a shell's own `${name}` is none."""


def placeholders_of(text: str) -> tuple[str, ...]:
    """The names between braces, in their order."""
    return tuple(found[1] for found in PLACE.finditer(text) if found[1])


def filled_in(text: str, values: Mapping[str, str], quoted: Callable[[str], str]) -> str:
    """The text with every placeholder replaced by its value, quoted for where it stands.

    Raises:
        LookupError: a value is not known; it names the placeholder.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return quoted(values[name]) if name else found[0][0]

    return PLACE.sub(value, text)
