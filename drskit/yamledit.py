"""A YAML text made to say something else, with its comments kept.

The text is never written anew from its data: only what changes is replaced, at
the places that PyYAML's marks name, so comments, quotes, order and layout of all
else stay as their author left them. Every result is read again; one that does
not say what was wanted is given up for a coarser one.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from drskit.yamlfile import Data, YamlFault, read_text
from drskit.yamlwrite import after_dash, block, entry, flow, joined, scalar

FINE, COARSE = 99, (3, 2, 1)
"""Down to which depth a text is edited; what changes below is written anew."""

Splice = tuple[int, int, str]
"""From, to, and what stands there instead."""


def rewrite(text: str, wanted: Data) -> str:
    """The text with as little changed as makes it say what is wanted.

    Raises:
        YamlFault: the text cannot be read.
    """
    if read_text(text, source="the text").data == wanted:
        return text
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None
    whole = text if text.endswith("\n") else text + "\n"
    for depth in (FINE, *COARSE):
        edited = _Editor(whole, depth).edited(node, wanted)
        if _says(edited, wanted):
            return edited
    return block(wanted)


def comments(text: str) -> tuple[str, ...]:
    """The comments of a text, in order, by what a reader of YAML takes for one."""
    quoted = {
        index
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.ScalarToken)
        for index in range(token.start_mark.index, token.end_mark.index)
    }
    found, place = [], 0
    for line in text.splitlines(keepends=True):
        for column, letter in enumerate(line):
            if letter == "#" and place + column not in quoted and (column == 0 or line[column - 1] in " \t"):
                found.append(line[column:].rstrip())
                break
        place += len(line)
    return tuple(found)


def _says(text: str, wanted: Data) -> bool:
    try:
        return read_text(text, source="the text").data == wanted
    except YamlFault:
        return False


# --- editing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Child:
    """An entry of a collection: where it begins, its key in a mapping, its value."""

    start: int
    key: ScalarNode | None
    value: Node
    data: Data


@dataclass(frozen=True)
class _Fresh:
    """An entry that nothing stood for."""

    key: str | None
    value: Data


@dataclass(frozen=True)
class _Kept:
    """An entry that stood there, and what it is to say."""

    child: _Child
    key: str | None
    value: Data


class _Editor:
    """Edits one text down to a depth."""

    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.depth = depth

    def edited(self, node: Node, wanted: Data) -> str:
        return self._spliced(0, len(self.text), self._splices(node, wanted, -1, 0))

    def _spliced(self, start: int, end: int, splices: list[Splice]) -> str:
        parts, place = [], start
        for first, last, new in sorted(splices):
            parts += [self.text[place:first], new]
            place = last
        return "".join([*parts, self.text[place:end]])

    def _splices(self, node: Node, wanted: Data, outer: int, depth: int) -> list[Splice]:
        """What must change in a node; `outer` is the column of the collection around it."""
        if _data(node) == wanted:
            return []
        if isinstance(node, ScalarNode) and not isinstance(wanted, list | dict):
            style = node.style if node.style in ("'", '"') else None
            return [self._replaced(node, scalar(wanted, style))]
        kind = dict if isinstance(node, MappingNode) else list if isinstance(node, SequenceNode) else None
        if kind is None or not isinstance(wanted, kind) or not wanted or depth >= self.depth:
            return [self._replaced(node, flow(wanted, max(outer, 0)))]
        children = self._children(node)
        plan = _matched(children, wanted)
        same_places = len(plan) == len(children) and all(
            isinstance(part, _Kept) and part.child is child for part, child in zip(plan, children, strict=True)
        )
        if same_places:
            return [splice for part in plan for splice in self._kept(part, node, depth)]
        if _flows(node):
            return [self._flow_rebuilt(node, plan, depth)]
        return [self._block_rebuilt(node, children, plan, outer, depth)]

    def _kept(self, part: "_Kept | _Fresh", node: Node, depth: int) -> list[Splice]:
        assert isinstance(part, _Kept)
        found = self._splices(part.child.value, part.value, node.start_mark.column, depth + 1)
        key = part.child.key
        if key is not None and part.key is not None and key.value != part.key:
            found.append((key.start_mark.index, key.end_mark.index, scalar(part.key)))
        return found

    def _replaced(self, node: Node, new: str) -> Splice:
        """A whole node; what began on the line after its key comes up beside it."""
        start, end = node.start_mark.index, self._content_end(node)
        before = self.text[:start].rstrip(" \n")
        if before.endswith(":") and len(before) < start:
            return len(before), end, f" {new}"
        return start, end, f" {new}" if start == end or (before.endswith(":") and len(before) == start) else new

    # what stands where

    def _children(self, node: Node) -> list[_Child]:
        if isinstance(node, MappingNode):
            return [_Child(key.start_mark.index, key, value, _data(value)) for key, value in node.value]
        children, place = [], node.start_mark.index
        for number, item in enumerate(node.value):
            start = item.start_mark.index
            if not _flows(node):
                start = place if number == 0 else self._dash(place, node.start_mark.column)
            children.append(_Child(start, None, item, _data(item)))
            place = self._line_end(self._content_end(item))
        return children

    def _dash(self, place: int, column: int) -> int:
        """The dash of the next item, at or after a line's beginning."""
        while place < len(self.text):
            end = self._line_end(place + 1)
            line = self.text[place:end]
            if line[:column].isspace() | (column == 0) and line[column : column + 1] == "-":
                return place + column
            place = end
        return place

    def _content_end(self, node: Node) -> int:
        """Where the last thing in it ends, without what follows on its line."""
        if isinstance(node, ScalarNode) or _flows(node) or not node.value:
            end: int = node.end_mark.index
            block_scalar = isinstance(node, ScalarNode) and node.style in ("|", ">")
            return len(self.text[:end].rstrip("\n ")) if block_scalar else end
        last = node.value[-1]
        return self._content_end(last[1] if isinstance(node, MappingNode) else last)

    def _line_end(self, place: int) -> int:
        """The beginning of the next line; the place itself where a line begins."""
        if place and self.text[place - 1] == "\n":
            return place
        found = self.text.find("\n", place)
        return len(self.text) if found < 0 else found + 1

    def _remarks(self, place: int, belongs: Callable[[int], bool]) -> int:
        """The end of the comment lines at a line's beginning whose indent tells that they belong to what is before."""
        end = place
        for line in self.text[place:].splitlines(keepends=True):
            bare = line.strip()
            if bare and not (bare.startswith("#") and belongs(len(line) - len(line.lstrip(" ")))):
                break
            place += len(line)
            end = place if bare else end
        return end

    # rebuilding

    def _block_rebuilt(
        self, node: Node, children: list[_Child], plan: list["_Kept | _Fresh"], outer: int, depth: int
    ) -> Splice:
        column = node.start_mark.column
        bounds = list(self._bounds(children, column, outer))
        spans = {id(child): bound for child, bound in zip(children, bounds, strict=True)}
        pad, parts = " " * column, []
        for part in plan:
            if isinstance(part, _Fresh):
                parts.append(pad + self._fresh(part, children, column))
                continue
            start, end = spans[id(part.child)]
            lines = self._spliced(start, end, self._kept(part, node, depth))
            parts.append(pad + lines if part.child is children[0] else lines)
        text = "".join(part if part.endswith("\n") else f"{part}\n" for part in parts).lstrip("\n")
        return children[0].start, bounds[-1][1], text.removeprefix(pad)

    def _bounds(self, children: list[_Child], column: int, outer: int) -> Iterator[tuple[int, int]]:
        """From where to where the text of each entry reaches, with the comments above it."""
        start = children[0].start
        for child in children[1:]:
            end = self._remarks(self._line_end(self._content_end_of(start, child)), lambda indent: indent > column)
            yield start, end
            start = end
        least = column + 1 if column == outer else column
        end = self._line_end(self._content_end(children[-1].value))
        yield start, self._remarks(end, lambda indent: indent >= least)

    def _content_end_of(self, start: int, following: _Child) -> int:
        """Where the entry before another one ends: the last line above it that is no comment and not empty."""
        place = self.text.rfind("\n", 0, following.start) + 1
        while place > start:
            above = self.text.rfind("\n", 0, place - 1) + 1
            bare = self.text[above:place].strip()
            if bare and not bare.startswith("#"):
                return place
            place = above
        return place

    def _fresh(self, part: _Fresh, children: list[_Child], column: int) -> str:
        if part.key is not None:
            return entry(part.key, part.value, column)
        first = children[0].value
        in_flow = not isinstance(first, MappingNode) or _flows(first)
        return f"- {flow(part.value, column + 2)}\n" if in_flow else f"- {after_dash(part.value, column)}"

    def _flow_rebuilt(self, node: Node, plan: list["_Kept | _Fresh"], depth: int) -> Splice:
        start, end = node.start_mark.index, node.end_mark.index
        column = node.start_mark.column
        pieces = []
        for part in plan:
            if isinstance(part, _Fresh):
                key = f"{scalar(part.key)}: " if part.key is not None else ""
                pieces.append(key + flow(part.value, column))
                continue
            last = self._content_end(part.child.value)
            pieces.append(self._spliced(part.child.start, last, self._kept(part, node, depth)))
        line = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        indent = len(line) - len(line.lstrip(" -"))
        return start, end, joined("{}" if isinstance(node, MappingNode) else "[]", pieces, indent)


def _matched(children: list[_Child], wanted: list[Data] | dict[str, Data]) -> list[_Kept | _Fresh]:
    """Each wanted entry with the one that stood for it, if any."""
    if isinstance(wanted, dict):
        return _matched_keys(children, wanted)
    found: dict[int, int] = {}
    left = dict.fromkeys(range(len(children)))

    def claim(place: int, child: int | None) -> None:
        if child is not None and child in left and place not in found:
            found[place] = child
            del left[child]

    for place, value in enumerate(wanted):
        claim(place, place if place < len(children) and children[place].data == value else None)
    for tell in (_identity, _name):
        known: dict[str, list[int]] = {}
        for child in left:
            known.setdefault(tell(children[child].data) or "", []).append(child)
        for place, value in enumerate(wanted):
            alike = known.get(tell(value) or "") if place not in found and tell(value) else None
            claim(place, alike.pop(0) if alike else None)
    for place, value in enumerate(wanted):  # what was renamed stands where it stood
        claim(place, place if isinstance(value, dict) and _name(value) and place < len(children) else None)
    return [
        _Kept(children[found[place]], None, value) if place in found else _Fresh(None, value)
        for place, value in enumerate(wanted)
    ]


def _identity(value: Data) -> str:
    return json.dumps(value)


def _matched_keys(children: list[_Child], wanted: dict[str, Data]) -> list[_Kept | _Fresh]:
    known = {str(child.key.value): child for child in children if child.key is not None}
    gone = [child for name, child in known.items() if name not in wanted]
    plan: list[_Kept | _Fresh] = []
    for name, value in wanted.items():
        child = known.get(name) or next((old for old in gone if old.data == value), None)
        if child in gone:
            gone.remove(child)
        plan.append(_Fresh(name, value) if child is None else _Kept(child, name, value))
    return plan


def _flows(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _name(value: Data) -> str | None:
    """What a list's item calls itself."""
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _data(node: Node) -> Data:
    """A node as `yamlfile` reads it."""
    if isinstance(node, ScalarNode):
        return None if node.style is None and node.value in ("", "~", "null") else str(node.value)
    if isinstance(node, SequenceNode):
        return [_data(child) for child in node.value]
    return {str(key.value): _data(value) for key, value in node.value}
