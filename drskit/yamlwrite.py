"""Values as YAML, written anew as people would write them."""

import re

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from drskit.yamlfile import Data

WIDTH = 110
PLAIN_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:int"})
SERVER = re.compile(r"s-[0-9a-zA-Z]{17}")
COUNT = re.compile(r"0|[1-9][0-9]*")
"""Not octal, not sexagesimal: a number to every reader."""


def scalar(value: str | None, style: str | None = None) -> str:
    """A value as one scalar, in a style if it can be: plain (None), `'` or `"`."""
    if value is None:
        return "null"
    if style is None and _is_plain(value):
        return value
    if style != '"' and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return str(yaml.safe_dump(value, default_style='"', width=10**9, allow_unicode=True)).rstrip("\n")


def _is_plain(value: str) -> bool:
    """Whether it can stand without quotes anywhere, and other readers of YAML take it for a text or a number."""
    try:
        node = yaml.compose(f"{{{value}: [{value}]}}", Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError):
        return False
    if not (isinstance(node, MappingNode) and len(node.value) == 1 and isinstance(node.value[0][1], SequenceNode)):
        return False
    found = [node.value[0][0], *node.value[0][1].value]
    same = len(found) == 2 and all(isinstance(part, ScalarNode) and part.value == value for part in found)
    number = not same or found[1].tag.endswith(":int")
    return (
        same and found[1].style is None and found[1].tag in PLAIN_TAGS and not (number and not COUNT.fullmatch(value))
    )


def flow(value: Data, column: int = 0) -> str:
    """A value in flow style, on one line where that is not too wide for one that begins at the column."""
    if isinstance(value, dict):
        return joined("{}", [f"{scalar(key)}: {flow(inside, column + 2)}" for key, inside in value.items()], column)
    if isinstance(value, list):
        return joined("[]", [flow(inside, column + 2) for inside in value], column)
    return scalar(value)


def joined(brackets: str, pieces: list[str], column: int) -> str:
    """Pieces between brackets, broken into lines where one would be too wide."""
    line = ", ".join(pieces)
    if len(line) + column + 2 <= WIDTH or len(pieces) < 2:
        return brackets[0] + line + brackets[1]
    indent = " " * (column + 2)
    lines = [indent]
    for piece in pieces:
        if len(lines[-1]) + len(piece) + 2 > WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += f"{piece}, "
    inside = "\n".join(line.rstrip() for line in lines)
    return f"{brackets[0]}\n{inside.removesuffix(',')}\n{' ' * column}{brackets[1]}"


def block(value: Data, column: int = 0) -> str:
    """A value in block style, as whole lines; mappings inside mappings and lists of mappings get lines of their own."""
    pad = " " * column
    if isinstance(value, list) and value:
        return "".join(f"{pad}- {after_dash(item, column)}" for item in value)
    if isinstance(value, dict) and value:
        return "".join(pad + entry(key, inside, column) for key, inside in value.items())
    return f"{pad}{flow(value, column)}\n"


def after_dash(item: Data, column: int) -> str:
    """A list's item after its dash."""
    if isinstance(item, dict) and item:
        return block(item, column + 2)[column + 2 :]
    return f"{flow(item, column + 2)}\n"


def entry(key: str, value: Data, column: int) -> str:
    """A mapping's entry, without the indent before its key."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    line = f"{scalar(key)}: {flow(value, column)}\n"
    small = "\n" not in line[:-1] and column + len(line) <= WIDTH and not _names_servers(value)
    if inner and not (small and (column or not any(isinstance(part, dict) for part in inner))):
        return f"{scalar(key)}:\n{block(value, column + 2)}"
    return line


def _names_servers(value: Data) -> bool:
    """Whether ids of servers are listed in it: each gets a line of its own, where a comment can tell its name."""
    if isinstance(value, dict):
        return any(_names_servers(inside) for inside in value.values())
    return isinstance(value, list) and any(isinstance(part, str) and SERVER.fullmatch(part) for part in value)
