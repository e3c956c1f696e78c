"""Tables on a narrow screen: each row becomes a block, its name, then its cells, each behind the head of its column.

Only a style element can ask how wide a window is. JupyterLab drops it in a
notebook that is not trusted, and there a table scrolls inside as it did: nothing
is lost, and nothing else hangs on it. A live panel brings the same rules in a
file of its own, and a report in its own style element.
"""

import re
from html import unescape
from zlib import crc32

TABLE = re.compile(
    r'<table(?: class="(?P<classes>(?!drs-rows)[^"]*)")?(?P<attributes>(?! class=)[^>]*)>'
    r"(?P<until>(?:(?!</table>|<thead>).)*)"
    r"<thead>(?P<heads>.*?)</thead>",
    re.DOTALL,
)
HEAD = re.compile(r"<th [^>]*>(.*?)</th>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
WIDEST = 700
"""Pixels of a window up to which it is narrow, as in `panel.css`."""
RULES = """
.drs-rows, .drs-rows > tbody { display: block !important; width: 100% !important; }
.drs-rows > thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.drs-rows > tbody > tr { display: flex !important; flex-wrap: wrap; align-items: baseline; gap: 0 14px; padding: 4px 0;
  border-bottom: 1px solid var(--jp-border-color2, #9aa0a6); text-align: left !important; }
.drs-rows > tbody > tr > * { border-bottom: none !important; padding: 1px 0 !important; width: auto !important;
  min-width: 0 !important; max-width: 100% !important; overflow-wrap: anywhere; text-align: left !important; }
.drs-rows > tbody > tr > th { flex: 1 0 100%; }
.drs-rows > tbody span { min-width: 0 !important; }
"""


def reflowing(html: str) -> str:
    """The same HTML, whose tables with heads scroll nowhere in a narrow window; without any it is as it was."""
    marked, rules = reflowed(html)
    return f"{marked}<style>@media (max-width: {WIDEST}px) {{{rules}\n}}</style>" if rules else html


def reflowed(html: str) -> tuple[str, str]:
    """The same HTML with its tables marked, and the rules that make blocks of their rows; none without heads."""
    heads: dict[tuple[str, ...], str] = {}

    def named(found: re.Match[str]) -> str:
        names = tuple(unescape(TAG.sub("", head)).strip() for head in HEAD.findall(found["heads"]))
        mark = heads.setdefault(names, f"drs-heads-{crc32(repr(names).encode()):08x}")
        classes = f"drs-rows {mark} {found['classes'] or ''}".rstrip()
        return f'<table class="{classes}"{found["attributes"]}>{found["until"]}<thead>{found["heads"]}</thead>'

    marked = TABLE.sub(named, html)
    labels = "\n".join(_label(mark, place, name) for names, mark in heads.items() for place, name in _labelled(names))
    return marked, f"{RULES}{labels}" if heads else ""


def _labelled(names: tuple[str, ...]) -> list[tuple[int, str]]:
    """The columns beside the first, which names its row."""
    return [(place, name) for place, name in enumerate(names, 1) if place > 1 and name]


def _label(mark: str, place: int, name: str) -> str:
    text = "".join(char if char.isascii() and (char.isalnum() or char == " ") else f"\\{ord(char):x} " for char in name)
    return f'.{mark} > tbody > tr > :nth-child({place})::before {{ content: "{text}: "; }}'
