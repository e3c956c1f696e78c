"""The form of one part of a plan: the plan itself, a wave or a group, driven by the runbook's own model.

Whatever `runbook.py` understands has a control here: keys that are known by name
one of their own, all others a line of their kind. Each control is bound to a
place in the draft, so that what is typed into the text shows in the form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from drskit.draft import PlanDraft
from drskit.planfields import Field, Kind, fields_of, from_line, to_line
from drskit.runbookspec import GroupSpec, RunbookSpec, SiteSpec, WaveSpec
from drskit.views.widgets import WidgetPanel
from drskit.yamlfile import Data, Location

Change: TypeAlias = Callable[[PlanDraft], PlanDraft]
PLAN, WAVE, GROUP = "plan", "wave", "group"
Part: TypeAlias = tuple[str, int | str]
"""What is edited: a kind, and which one."""
ELSEWHERE = frozenset({"version", "sites", "groups", "waves"})
OWN = frozenset({"name", "groups", "needs", "approve"})
HINTS = {
    "rto": "for example PT45M",
    "rpo": "for example PT15M",
    "optional": "ids of servers, comma between",
    "owners": "oncall=sre, business=shop",
    "procedure": "a link to the written procedure",
    "approve.text": "what the approver has looked at; empty is no approval",
    "approve.timeout": "for example PT30M; empty waits for ever",
    "select.tags": "Tier=web, Application=shop",
    "select.servers": "ids of servers, comma between",
}


@dataclass(frozen=True)
class Binding:
    """A control and what it shows of a draft."""

    widget: Any
    read: Callable[[PlanDraft], Any]


class PlanForm:
    """The controls of one part; made anew when another part is chosen or the waves and groups are other ones."""

    def __init__(self, panel: WidgetPanel, draft: PlanDraft, part: Part, take: Callable[[Change], None]) -> None:
        """Make the controls.

        Args:
            panel: makes widgets, and guards them.
            draft: what they show at first.
            part: what is edited.
            take: takes the changes that a person makes.
        """
        self.panel = panel
        self.part = part
        self.shape = shape_of(draft, part)
        self._take = take
        self._bindings: list[Binding] = []
        makers = {PLAN: self._plan, WAVE: self._wave, GROUP: self._group}
        self.box = panel.column(*makers[part[0]](draft), name="drs-form")

    def refresh(self, draft: PlanDraft, *, disabled: bool) -> None:
        """Show a draft of the same shape."""
        for binding in self._bindings:
            self.panel.fill(binding.widget, binding.read(draft))
            binding.widget.disabled = disabled

    def close(self) -> None:
        """Give the controls up."""
        for binding in self._bindings:
            binding.widget.close()
        self.box.close()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _plan(self, draft: PlanDraft) -> list[Any]:
        controls = []
        for field in fields_of(RunbookSpec):
            if field.key not in ELSEWHERE:
                controls += self._controls(draft, (field.key,), field, field.key)
        sites = draft.data.get("sites")
        for name in sites if isinstance(sites, dict) else ():
            for field in fields_of(SiteSpec):
                controls += self._controls(draft, ("sites", name, field.key), field, f"sites.{name}.{field.key}")
        return controls

    def _wave(self, draft: PlanDraft) -> list[Any]:
        index = int(self.part[1])
        name = self._line("name", draft, "drs-wave-name", lambda now: now.wave_name(index))
        self.panel.on_change(name, lambda line: self._take(lambda now: now.with_wave_renamed(index, line.strip())))
        controls = [name, *self._needs(draft, index), *self._groups(draft, index), *self._approve(draft, index)]
        for field in fields_of(WaveSpec):
            if field.key not in OWN:
                controls += self._controls(draft, ("waves", index, field.key), field, field.key)
        return controls

    def _group(self, draft: PlanDraft) -> list[Any]:
        group = str(self.part[1])
        name = self._line("name", draft, "drs-group-name", lambda _now: group)
        self.panel.on_change(name, lambda line: self._take(lambda now: now.with_group_renamed(group, line.strip())))
        controls = [name]
        for field in fields_of(GroupSpec):
            controls += self._controls(draft, ("groups", group, field.key), field, field.key)
        return controls

    # --- controls ----------------------------------------------------------------------------------------------------

    def _controls(self, draft: PlanDraft, location: Location, field: Field, label: str) -> list[Any]:
        if field.kind is Kind.PART:
            return [
                control
                for part in field.parts
                for control in self._controls(draft, (*location, part.key), part, f"{label}.{part.key}")
            ]
        if field.kind is Kind.CHOICE and len(field.choices) < 2:
            return []  # nothing to choose
        return [self._control(draft, location, field, label, lambda value: lambda now: now.with_value(location, value))]

    def _control(
        self, draft: PlanDraft, location: Location, field: Field, label: str, change: Callable[[Data], Change]
    ) -> Any:
        name = f"drs-key-{label.replace('.', '-')}"
        if field.kind is Kind.CHOICE:
            control = self._choice(draft, location, field, label, name)
        else:
            hint = HINTS.get(label) or (f"default {field.default}" if field.default else "")
            control = self._line(label, draft, name, lambda now: to_line(field, now.at(location)), placeholder=hint)
        self.panel.on_change(control, lambda line: self._take(change(from_line(field, line))))
        return control

    def _line(
        self, label: str, draft: PlanDraft, name: str, read: Callable[[PlanDraft], str], placeholder: str = ""
    ) -> Any:
        control = self.panel.text(label, name, value=read(draft), placeholder=placeholder)
        self._bindings.append(Binding(control, read))
        return control

    def _choice(self, draft: PlanDraft, location: Location, field: Field, label: str, name: str) -> Any:
        options = [(f"{field.default} (default)" if field.default else "-", "")]
        options += [(word, word) for word in field.choices]
        control = self.panel.dropdown(label, name, options, value="")

        def read(draft: PlanDraft) -> str:
            line = to_line(field, draft.at(location))
            if line not in {value for _, value in options}:  # so that it is shown, and can be chosen away
                options.append((f"{line} (not valid)", line))
                self.panel.fill(control, options, trait="options")
            return line

        self.panel.fill(control, read(draft))
        self._bindings.append(Binding(control, read))
        return control

    def _ticks(
        self, words: list[tuple[str, str]], name: str, read: Callable[[PlanDraft, str], bool], tick: Callable[[], None]
    ) -> dict[str, Any]:
        boxes = {}
        for word, text in words:
            box = self.panel.checkbox(text, name)
            self._bindings.append(Binding(box, partial(_read_word, read, word)))
            self.panel.on_change(box, lambda _on: tick())
            boxes[word] = box
        return boxes

    def _needs(self, draft: PlanDraft, index: int) -> list[Any]:
        """What it starts after: the wave before it, as long as nothing else is said; some waves; or nothing."""
        names = [draft.wave_name(other) for other in range(len(draft.waves))]
        before = f"the wave before it ({names[index - 1]})" if index else "nothing: it is the first"

        def is_default(now: PlanDraft) -> bool:
            return now.at(("waves", index, "needs")) is None

        default = self.panel.checkbox(f"default: {before}", "drs-needs-default")
        self._bindings.append(Binding(default, is_default))

        def write() -> None:
            ticked: list[Data] = [name for name, box in boxes.items() if box.value]
            wanted: Data = None if default.value else ticked
            self._take(lambda now: now.with_value(("waves", index, "needs"), wanted))

        def write_chosen() -> None:
            self.panel.fill(default, value=False)
            write()

        boxes = self._ticks(
            [(name, name) for name in dict.fromkeys(names) if name != names[index]],
            "drs-needs",
            lambda now, name: name in now.needs(index),
            write_chosen,
        )
        self.panel.on_change(default, lambda _on: write())
        title = self.panel.html(_title("starts after (tick none to start at once)"))
        return [title, self.panel.row(default, *boxes.values(), name="drs-needs-row")]

    def _groups(self, draft: PlanDraft, index: int) -> list[Any]:
        used: dict[str, str] = {}
        for other, wave in enumerate(draft.waves):
            listed = wave.get("groups")
            for group in listed if isinstance(listed, list) and other != index else ():
                used[str(group)] = draft.wave_name(other)

        def holds(now: PlanDraft, group: str) -> bool:
            listed = now.at(("waves", index, "groups"))
            return isinstance(listed, list) and group in listed

        def write() -> None:
            ticked: list[Data] = [group for group, box in boxes.items() if box.value]
            self._take(lambda now: now.with_value(("waves", index, "groups"), ticked))

        words = [(group, f"{group} (in {used[group]})" if group in used else group) for group in draft.groups]
        boxes = self._ticks(words, "drs-groups", holds, write)
        empty = [self.panel.html("there is no group yet: add one")] if not boxes else []
        return [self.panel.html(_title("groups")), self.panel.row(*boxes.values(), *empty, name="drs-groups-row")]

    def _approve(self, draft: PlanDraft, index: int) -> list[Any]:
        (approve,) = (field for field in fields_of(WaveSpec) if field.key == "approve")
        controls = []
        for part in approve.parts:
            read = _approval_reader(index, part)
            label = f"approve.{part.key}"
            if part.kind is Kind.CHOICE:
                control = self._choice(draft, ("waves", index, "approve", part.key), part, label, _name(label))
            else:
                control = self._line(label, draft, _name(label), read, HINTS.get(label, ""))
            self.panel.on_change(control, _approval_writer(self._take, index, part))
            controls.append(control)
        return controls


def _read_word(read: Callable[[PlanDraft, str], bool], word: str, draft: PlanDraft) -> bool:
    return read(draft, word)


def shape_of(draft: PlanDraft, part: Part) -> object:
    """What a form must be made anew for: other waves, groups or sites."""
    names = [draft.wave_name(index) for index in range(len(draft.waves))]
    used = [wave.get("groups") for wave in draft.waves] if part[0] == WAVE else None
    sites = draft.data.get("sites")
    return part, names, list(draft.groups), used, list(sites) if isinstance(sites, dict) else []


def _approval_reader(index: int, part: Field) -> Callable[[PlanDraft], str]:
    def read(now: PlanDraft) -> str:
        written = now.at(("waves", index, "approve"))
        if isinstance(written, str):
            return written if part.key == "text" else ""
        return to_line(part, now.at(("waves", index, "approve", part.key)))

    return read


def _approval_writer(take: Callable[[Change], None], index: int, part: Field) -> Callable[[str], None]:
    return lambda line: take(lambda now: now.with_approval(index, part.key, from_line(part, line)))


def _name(label: str) -> str:
    return f"drs-key-{label.replace('.', '-')}"


def _title(words: str) -> str:
    return f'<p style="margin:6px 0 0"><b>{words}</b></p>'
