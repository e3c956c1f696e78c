"""Regular expressions of a plan, searched for in answers of strangers, within bounds.

Python's engine may take for ever on a pattern and a text that suit each other
badly, and nothing can stop it in its thread. So the search is another process,
which can be ended.
"""

import json
import subprocess
import sys

SECONDS = 2.0
TEXT_CHARACTERS = 16_000
SCRIPT = """\
import json, re, sys
pattern, text = json.load(sys.stdin)
print("yes" if re.search(pattern, text) else "no")
"""
PLAIN = frozenset("\\^$.|?*+()[]{}")
"""Characters that make a pattern more than a word."""


def found(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found; None when the search took too long."""
    text = text[:TEXT_CHARACTERS]
    if PLAIN.isdisjoint(pattern):
        return pattern in text
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", SCRIPT],
            input=json.dumps([pattern, text]),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() == "yes" if done.returncode == 0 else None
