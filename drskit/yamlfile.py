"""YAML as plain data, with the line of every value.

Safe by refusal (reliability §6): no aliases, no duplicate keys, no tags, caps
on size and depth, and every scalar stays the string that was written, so that
an account id keeps its leading zero and `no` stays a word. What a value means
is decided by the model that reads it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from drskit.errors import InvalidInput

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
NULLS = frozenset({"", "~", "null"})

Data: TypeAlias = "str | list[Data] | dict[str, Data] | None"
Location: TypeAlias = tuple[str | int, ...]


class YamlFault(InvalidInput):
    """A YAML text cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Document:
    """A YAML text as data; `lines` tells where each value stands, counted from 1."""

    source: str
    data: Data
    lines: dict[Location, int] = field(repr=False)

    def line(self, location: Location) -> int:
        """The line of a value, or of the nearest one around it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def complaint(self, location: Location, message: str) -> str:
        """A complaint as every drskit error about a file reads: file, line, key, what is wrong."""
        where = spell(location)
        return (
            f"{self.source}:{self.line(location)}: {where}: {message}"
            if where
            else f"{self.source}:{self.line(location)}: {message}"
        )


def spell(location: Location) -> str:
    """A location as a person writes it: waves[1].timeout."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_file(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        InvalidInput: it does not exist, or is no YAML that we accept.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise YamlFault(f"{path}:1: the file has {size:,} bytes; at most {MAX_BYTES:,} are read.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} does not exist. Name a file, or run from the folder that holds it.") from error
    except UnicodeDecodeError as error:
        raise YamlFault(f"{path}:1: the file is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    return read_text(text, source=str(path))


def read_text(text: str, *, source: str) -> Document:
    """Read a YAML text; `source` is its name in messages.

    Raises:
        YamlFault: it is no YAML that we accept.
    """
    if len(text.encode()) > MAX_BYTES:
        raise YamlFault(f"{source}:1: the text is too long; at most {MAX_BYTES:,} bytes are read.")
    try:
        _refuse_aliases_and_depth(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlFault(f"{source}:{line}: this is not valid YAML: {error.problem or error}. Mend the line.") from error
    except yaml.YAMLError as error:
        raise YamlFault(f"{source}:1: this is not valid YAML: {error}. Mend the file.") from error
    if node is None:
        raise YamlFault(f"{source}:1: the file is empty.")
    lines: dict[Location, int] = {}
    return Document(source, _build(node, (), lines, source), lines)


def _refuse_aliases_and_depth(text: str, source: str) -> None:
    """Look at the events first, so that a YAML bomb is never built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlFault(f"{source}:{line}: anchors and aliases (& and *) are not accepted. Write the value out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlFault(f"{source}:{line}: nested more than {MAX_DEPTH} deep. Flatten the file.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(node: Node, location: Location, lines: dict[Location, int], source: str) -> Data:
    line = node.start_mark.line + 1
    lines.setdefault(location, line)
    _refuse_tag(node, source)
    if isinstance(node, ScalarNode):
        return _scalar(node)
    if isinstance(node, SequenceNode):
        return [_build(child, (*location, index), lines, source) for index, child in enumerate(node.value)]
    assert isinstance(node, MappingNode)
    result: dict[str, Data] = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise YamlFault(f"{source}:{key_line}: a key must be a plain word.")
        key = str(key_node.value)
        if key in result:
            first = lines[(*location, key)]
            raise YamlFault(
                f"{source}:{key_line}: {spell((*location, key))}: the key stands twice (line {first}). Keep one."
            )
        lines[(*location, key)] = key_line
        result[key] = _build(value_node, (*location, key), lines, source)
    return result


def _scalar(node: ScalarNode) -> str | None:
    text = str(node.value)
    return None if node.style is None and text in NULLS else text


def _refuse_tag(node: Node, source: str) -> None:
    if node.tag not in TAGS:
        raise YamlFault(f"{source}:{node.start_mark.line + 1}: the tag {node.tag} is not accepted. Remove it.")
