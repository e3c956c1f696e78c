"""YAML as plain data, with the line of every value.

Safe by refusal (reliability §6): no aliases, no duplicate keys, no tags, caps
on size and depth, and every scalar stays the string that was written, so that
an account id keeps its leading zero and `no` stays a word. What a value means
is decided by the model that reads it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from drskit.errors import InvalidInput

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
LONG = 100_000
"""Longer texts are read by libyaml, where it is there: fifteen times as fast, and with other words about faults."""
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

    def located(self, raw: tuple[int | str, ...]) -> Location:
        """Pydantic's location, cut to what stands in the file (it adds words such as `[key]`)."""
        location: Location = ()
        value: object = self.data
        for part in raw:
            inside = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
            if inside:
                value = value[part]  # type: ignore[index]  # the line above asked
            elif isinstance(value, dict) and part != "[key]":
                return (*location, part)
            else:
                break
            location = (*location, part)
        return location


def spell(location: Location) -> str:
    """A location as a person writes it: waves[1].timeout."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_file(path: Path, *, limit: int = MAX_BYTES) -> Document:
    """Read a YAML file.

    Raises:
        InvalidInput: it does not exist, or is no YAML that we accept.
    """
    return read_text(text_of(path, limit=limit), source=str(path), limit=limit)


def text_of(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The text of a file of at most so many bytes.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise YamlFault(f"{path}:1: the file has {size:,} bytes; at most {limit:,} are read.")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} does not exist. Name a file, or run from the folder that holds it.") from error
    except UnicodeDecodeError as error:
        raise YamlFault(f"{path}:1: the file is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


def read_text(text: str, *, source: str, limit: int = MAX_BYTES) -> Document:
    """Read a YAML text; `source` is its name in messages.

    Raises:
        YamlFault: it is no YAML that we accept.
    """
    if len(text.encode(errors="surrogatepass")) > limit:
        raise YamlFault(f"{source}:1: the text is too long; at most {limit:,} bytes are read.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if len(text) > LONG else yaml.SafeLoader
    try:
        _refuse_what_is_unsafe(text, source, loader)
        node = yaml.compose(text, Loader=loader)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlFault(
            f"{source}:{line}: the character U+{ord(text[error.position]):04X} is not accepted. Remove it."
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = error.problem or str(error)
        raise YamlFault(f"{source}:{line}: this is not valid YAML: {problem}. {_remedy(problem)}") from error
    except yaml.YAMLError as error:
        raise YamlFault(f"{source}:1: this is not valid YAML: {error}. Mend the file.") from error
    if node is None:
        raise YamlFault(f"{source}:1: the file is empty.")
    lines: dict[Location, int] = {}
    return Document(source, _build(node, (), lines, source), lines)


def _remedy(problem: str) -> str:
    """What to do about text that a person takes for a text and YAML does not."""
    if "got '?'" in problem:
        return "In braces and brackets a text with a question mark stands in quotes."
    if problem.startswith("mapping values are not allowed"):
        return "A text with a colon and a space in it stands in quotes; else mend how far the lines are indented."
    return "Mend the line."


def _refuse_what_is_unsafe(text: str, source: str, loader: Any) -> None:
    """Look at the events first, so that a YAML bomb is never built."""
    depth, line = 0, 1
    try:
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark else line
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            fault = _unsafe(event, depth)
            if fault:
                raise YamlFault(f"{source}:{line}: {fault}")
    except (ValueError, OverflowError) as error:
        message = f"{source}:{line}: here or soon after stands a number that no YAML can mean: {error}. Correct it."
        raise YamlFault(message) from error


def _unsafe(event: yaml.Event, depth: int) -> str | None:
    """Why an event is not accepted, and what to do; None when it is."""
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "anchors and aliases (& and *) are not accepted. Write the value out."
    if tag := getattr(event, "tag", None):
        return f"the tag {tag} is not accepted. Remove it."
    if depth > MAX_DEPTH:
        return f"nested more than {MAX_DEPTH} deep. Flatten the file."
    if isinstance(event, yaml.ScalarEvent) and any("\ud800" <= letter <= "\udfff" for letter in event.value):
        return "half a character (a lone surrogate) is not accepted. Write the whole character."
    return None


def _build(node: Node, location: Location, lines: dict[Location, int], source: str) -> Data:
    line = node.start_mark.line + 1
    lines.setdefault(location, line)
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
