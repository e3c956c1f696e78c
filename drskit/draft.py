"""A plan that is being edited: a runbook's text, what it says, and what is wrong with it.

The text is the one truth: whatever is changed by a widget changes the text, and
whatever is typed into the text is what the widgets show. A draft may be at fault
(a wave that was just added has no groups yet); it says so as `drskit validate`
would. Only a text that is no runbook at all is no draft.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from drskit.errors import InvalidRunbook
from drskit.model import Runbook
from drskit.runbook import parse_runbook
from drskit.views.words import plain
from drskit.yamledit import comments, rewrite
from drskit.yamlfile import Data, Document, Location, YamlFault, read_text, spell
from drskit.yamlwrite import block

Mapped = dict[str, Data]
NEW = """\
# A new plan. Before a drill look at every line: how long a recovery may take (rto) and how much may be lost (rpo),
# who is on call, and which waves come after which. The format is in drskit's README.
"""


@dataclass(frozen=True)
class PlanDraft:
    """A runbook's text with what it says; every change is a new draft."""

    text: str
    source: str
    data: Mapped = field(repr=False)
    lines: Mapping[Location, int] = field(repr=False)
    complaints: tuple[str, ...]
    """What `drskit validate` says of it; none when it is valid."""
    runbook: Runbook | None = field(repr=False)
    """What it means; None while there are complaints."""
    lost: tuple[str, ...] = ()
    """Comments that the last change by a widget took away with what they were about."""

    # --- what it says ------------------------------------------------------------------------------------------------

    @property
    def plan_id(self) -> str:
        """The plan's name as written; empty when none is."""
        name = self.data.get("plan")
        return name if isinstance(name, str) else ""

    @property
    def waves(self) -> tuple[Mapped, ...]:
        """The waves as written."""
        return tuple(cast("list[Mapped]", self.data.get("waves") or []))

    @property
    def groups(self) -> Mapping[str, Mapped]:
        """The groups as written."""
        return cast("Mapping[str, Mapped]", self.data.get("groups") or {})

    def wave_name(self, index: int) -> str:
        """A wave's name; its number when none is written."""
        name = self.waves[index].get("name")
        return name if isinstance(name, str) and name else f"(wave {index + 1})"

    def needs(self, index: int) -> tuple[str, ...]:
        """What a wave waits for: as written, else the wave before it."""
        written = self.waves[index].get("needs")
        if isinstance(written, list):
            return tuple(str(name) for name in written)
        return (self.wave_name(index - 1),) if index else ()

    def at(self, location: Location) -> Data:
        """What stands at a location; None when nothing does."""
        value: Data = self.data
        for part in location:
            inside = (isinstance(value, dict) and part in value) or (
                isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value)
            )
            if not inside:
                return None
            value = value[part]  # type: ignore[index]  # the lines above asked
        return value

    def complaints_about(self, location: Location) -> tuple[str, ...]:
        """The complaints that name this location or one inside it."""
        start = f"{self.source}:{self._line(location)}: {spell(location)}"
        return tuple(text for text in self.complaints if text.startswith((f"{start}:", f"{start}.", f"{start}[")))

    def _line(self, location: Location) -> int:
        return Document(self.source, self.data, dict(self.lines)).line(location)

    # --- changes -----------------------------------------------------------------------------------------------------

    def typed(self, text: str) -> "PlanDraft":
        """The draft of another text.

        Raises:
            InvalidRunbook: the text is no draft; what was good before is still this one.
        """
        return draft_of(text, source=self.source)

    def _changed(self, change: Callable[[Mapped], None]) -> "PlanDraft":
        wanted = copy.deepcopy(self.data)
        change(wanted)
        text = rewrite(self.text, wanted)
        left = list(comments(text))
        lost = []
        for comment in comments(self.text):
            if comment in left:
                left.remove(comment)
            else:
                lost.append(comment)
        return draft_of(text, source=self.source, lost=tuple(lost))

    def with_value(self, location: Location, value: Data) -> "PlanDraft":
        """With a value at a location; mappings on the way are made, and None takes the key away.

        A mapping that is emptied by that goes as well.
        """
        *way, last = location

        def change(data: Mapped) -> None:
            around: Data = data
            for part in way:
                if isinstance(around, dict) and not isinstance(around.get(str(part)), dict | list):
                    if value is None:
                        return
                    around[str(part)] = {}
                around = around[part]  # type: ignore[index]  # it is there now
            if value is None and isinstance(around, dict):
                around.pop(str(last), None)
            elif isinstance(around, dict | list):
                around[last] = value  # type: ignore[index]  # a mapping takes words, a list numbers

        changed = self._changed(change)
        named = bool(way) and isinstance(way[-1], str) and way[0] != "groups"  # a group stays when its choice goes
        emptied = value is None and named and changed.at(tuple(way)) == {} and self.at(tuple(way)) != {}
        return changed.with_value(tuple(way), None) if emptied else changed

    def with_approval(self, index: int, key: str, value: Data) -> "PlanDraft":
        """With a key of a wave's approval; one that is only a text becomes a mapping when it needs to."""
        here: Location = ("waves", index, "approve")
        written = self.at(here)
        if isinstance(written, str):
            if key == "text":
                return self.with_value(here, value)
            return self if value is None else self.with_value(here, {"text": written, key: value})
        if written is None and key == "text":
            return self.with_value(here, value)
        return self.with_value((*here, key), value)

    def with_wave(self, name: str = "", groups: tuple[str, ...] = ()) -> "PlanDraft":
        """With one more wave at the end; without a name it gets one that is free."""
        taken = {self.wave_name(index) for index in range(len(self.waves))}
        name = name or _free("Wave", taken, len(self.waves) + 1)
        wave: Mapped = {"name": name, "groups": list[Data](groups)}
        return self._changed(lambda data: _list_at(data, "waves").append(wave))

    def without_wave(self, index: int) -> "PlanDraft":
        """Without a wave; a wave that named it among its needs gets its needs, so that the order stays."""
        name, inherited = self.wave_name(index), self.needs(index)

        def change(data: Mapped) -> None:
            waves = _waves_of(data)
            del waves[index]
            for wave in waves:
                needs = wave.get("needs")
                if isinstance(needs, list) and name in needs:
                    place = needs.index(name)
                    others = [need for need in needs if need != name]
                    wave["needs"] = others[:place] + [need for need in inherited if need not in others] + others[place:]

        return self._changed(change)

    def with_wave_renamed(self, index: int, name: str) -> "PlanDraft":
        """With another name of a wave, there and wherever it is needed."""
        old = self.wave_name(index)

        def change(data: Mapped) -> None:
            waves = _waves_of(data)
            waves[index]["name"] = name
            for wave in waves:
                needs = wave.get("needs")
                if isinstance(needs, list):
                    wave["needs"] = [name if need == old else need for need in needs]

        return self._changed(change)

    def with_wave_moved(self, index: int, to: int) -> "PlanDraft":
        """With a wave at another place; what it needs by default is then the wave before it there."""
        to = max(0, min(to, len(self.waves) - 1))
        return self._changed(lambda data: _waves_of(data).insert(to, _waves_of(data).pop(index)))

    def with_group(self, name: str = "", select: Mapped | None = None) -> "PlanDraft":
        """With one more group; without a name it gets one that is free, without a selection an empty one."""
        name = name or _free("group", set(self.groups), len(self.groups) + 1, between="-")
        group: Mapped = {"select": select if select is not None else {"tags": {}}}

        def change(data: Mapped) -> None:
            found = data.get("groups")
            data["groups"] = {**(found if isinstance(found, dict) else {}), name: group}

        return self._changed(change)

    def without_group(self, name: str) -> "PlanDraft":
        """Without a group, there and in its waves."""

        def change(data: Mapped) -> None:
            groups = data.get("groups")
            if isinstance(groups, dict):
                groups.pop(name, None)
            for wave, listed in _waves_with_groups(data):
                wave["groups"] = [group for group in listed if group != name]

        return self._changed(change)

    def with_group_renamed(self, old: str, name: str) -> "PlanDraft":
        """With another name of a group, there, in its waves and in the actions that run on it.

        Raises:
            InvalidRunbook: the name is taken, and one of the two groups would be lost.
        """
        if name in self.groups and name != old:
            line = self._line(("groups", name))
            raise InvalidRunbook((f"{self.source}:{line}: groups.{name}: the name is taken. Choose another.",))

        def change(data: Mapped) -> None:
            groups = data.get("groups")
            if isinstance(groups, dict):
                data["groups"] = {name if key == old else key: value for key, value in groups.items()}
            for wave, listed in (*_waves_with_groups(data), *_commands_on_groups(data)):
                wave["groups"] = [name if group == old else group for group in listed]

        return self._changed(change)

    def with_servers(self, name: str, servers: Iterable[str]) -> "PlanDraft":
        """With servers listed in a group, which is made when there is none; those that it lists already stay.

        Raises:
            InvalidRunbook: the group chooses its servers by tags, so that none can be listed.
        """
        if name not in self.groups:
            return self.with_group(name, {"servers": list[Data](servers)})
        listed = self.at(("groups", name, "select", "servers")) or []
        if self.at(("groups", name, "select", "tags")) or not isinstance(listed, list):
            line = self._line(("groups", name, "select"))
            message = "the group takes every server with its tags. Tag the servers, or choose another group."
            raise InvalidRunbook((f"{self.source}:{line}: groups.{name}.select: {message}",))
        more: list[Data] = [*listed, *(server for server in servers if server not in listed)]
        grown = self.with_value(("groups", name, "select", "servers"), more)
        counted = self.at(("groups", name, "expect")) == str(len(listed))
        return grown.with_value(("groups", name, "expect"), str(len(more))) if counted else grown

    def with_tags(self, name: str, tags: Mapping[str, str]) -> "PlanDraft":
        """With a group, new or not, that takes every server with these tags; a number that it expected goes."""
        select: Mapped = {"tags": dict[str, Data](tags)}
        if name not in self.groups:
            return self.with_group(name, select)
        return self.with_value(("groups", name, "select"), select).with_value(("groups", name, "expect"), None)


def new_runbook(plan: str, region: str, group: str, select: Mapped) -> str:
    """The text of a runbook that recovers one group in one wave."""
    wave: Mapped = {"name": group.replace("_", " ").replace("-", " ").capitalize(), "groups": [group]}
    body: Mapped = {
        "version": "1", "plan": plan, "targets": {"rto": "PT1H", "rpo": "PT15M"},
        "sites": {"main": {"region": region}}, "groups": {group: {"select": select}}, "waves": [wave],
    }  # fmt: skip
    return NEW + block(body)


def with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with the names of servers beside their ids, as comments, where an id stands on a line of its own."""

    def name(found: re.Match[str]) -> str:
        known = plain(names.get(found[2], ""))[:80]
        return f"{found[1]}{found[2]}   # {known}" if known else found[0]

    return re.sub(r"^( *- )(s-[0-9a-zA-Z]{17})$", name, text, flags=re.MULTILINE)


def draft_of(text: str, *, source: str, lost: tuple[str, ...] = ()) -> PlanDraft:
    """The draft that a text is; `source` is its name in complaints.

    Raises:
        InvalidRunbook: it is no YAML, or has not the shape of a runbook.
    """
    try:
        document = read_text(text, source=source)
    except YamlFault as fault:
        raise InvalidRunbook((str(fault),)) from fault
    runbook: Runbook | None = None
    complaints: tuple[str, ...] = ()
    try:
        runbook = parse_runbook(text, source=source)
    except InvalidRunbook as error:
        complaints = error.complaints
    if not _shaped(document.data):
        raise InvalidRunbook(complaints)
    return PlanDraft(text, source, cast("Mapped", document.data), document.lines, complaints, runbook, lost)


def _shaped(data: Data) -> bool:
    """Whether waves and groups can be told apart: a list of mappings, a mapping of mappings."""
    if not isinstance(data, dict):
        return False
    waves, groups = data.get("waves") or [], data.get("groups") or {}
    return (
        isinstance(waves, list)
        and isinstance(groups, dict)
        and all(isinstance(part, dict) for part in (*waves, *groups.values()))
    )


def _waves_of(data: Mapped) -> list[Mapped]:
    return cast("list[Mapped]", _list_at(data, "waves"))


def _list_at(data: Mapped, key: str) -> list[Data]:
    found = data.get(key)
    if not isinstance(found, list):
        found = data[key] = []
    return found


def _commands_on_groups(data: Mapped) -> Iterator[tuple[Mapped, list[Data]]]:
    """Where actions name the groups on whose instances they run, and those groups."""
    waves = data.get("waves")
    lists: list[Data] = [data.get("finally")]
    for wave in waves if isinstance(waves, list) else ():
        lists += [wave.get("before"), wave.get("after")] if isinstance(wave, dict) else []
    for actions in lists:
        for action in actions if isinstance(actions, list) else ():
            command = action.get("ssm_command") if isinstance(action, dict) else None
            on = command.get("on") if isinstance(command, dict) else None
            groups = on.get("groups") if isinstance(on, dict) else None
            if isinstance(on, dict) and isinstance(groups, list):
                yield on, groups


def _waves_with_groups(data: Mapped) -> Iterator[tuple[Mapped, list[Data]]]:
    for wave in _waves_of(data):
        listed = wave.get("groups")
        if isinstance(listed, list):
            yield wave, listed


def _free(word: str, taken: set[str], number: int, between: str = " ") -> str:
    while f"{word}{between}{number}" in taken:
        number += 1
    return f"{word}{between}{number}"
