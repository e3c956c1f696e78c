"""A plan's form beside its text, always in step, with its picture; saved to its file, applied to the tables."""

import re
from typing import TYPE_CHECKING, Any

from drskit.draft import PlanDraft
from drskit.errors import ChangedMeanwhile, InvalidRunbook
from drskit.views.board import boxed, filled, render_mode, text_of
from drskit.views.dag import picture_html
from drskit.views.notices import difference_html, said
from drskit.views.plan_form import GROUP, PLAN, WAVE, Change, Part, PlanForm, shape_of
from drskit.views.widgets import WidgetPanel
from drskit.views.words import Tone, counted, plain

if TYPE_CHECKING:
    from drskit.planner import Comparison, Planner

ROWS = (14, 34)
"""The text's height in lines, at least and at most."""
REMEMBERED = 100
"""Changes that can be undone."""


class PlanPanel(WidgetPanel):
    """The panel of `02-plan-a-recovery`."""

    def __init__(self, planner: "Planner") -> None:
        super().__init__()
        self.planner = planner
        self.fault: str | None = None
        """Why the text is no draft; None while it is one."""
        self._past: list[PlanDraft] = []
        self._seen: Comparison | None = None
        draft = planner.draft
        self.mode = self.html(boxed([render_mode(planner.mode)]), "drs-mode")
        self.state = self.html("", "drs-state")
        self.part = self.dropdown("Edit", "drs-part", _parts(draft))
        self.add_wave = self.button("Add wave", "drs-add-wave", self._add_wave, icon="plus")
        self.add_group = self.button("Add group", "drs-add-group", self._add_group, icon="plus")
        self.up = self.button("Move up", "drs-move-up", lambda: self._move(-1), icon="arrow-up")
        self.down = self.button("Move down", "drs-move-down", lambda: self._move(1), icon="arrow-down")
        self.remove = self.button("Remove", "drs-remove", self._remove, icon="trash")
        self.undo = self.button("Undo", "drs-undo", self._undo, icon="undo")
        self.form = PlanForm(self, draft, self._chosen(), self._take)
        self.form_place = self.column(self.form.box)
        self.text_area = self._text_area()
        self.complaints = self.html("", "drs-complaints")
        self.back = self.button("Back to the last good text", "drs-back", self._back)
        self.picture = self.html("", "drs-picture")
        self.save = self.button("Save", "drs-save", self._save, icon="save", button_style="primary")
        self.overwrite = self.button(
            "Overwrite it, and keep the other version", "drs-overwrite", self._overwrite, button_style="danger"
        )
        self.load = self.button("Load the file, and give up this draft", "drs-load", self._load)
        self.compare = self.button("Compare with the tables", "drs-compare", self._compare)
        self.apply = self.button("Apply", "drs-apply", self._apply, button_style="success")
        self.outlook = self.html("", "drs-outlook")
        self.box = self._laid_out()
        self.on_change(self.part, lambda _part: self._draw())
        self.on_change(self.text_area, self._typed)

    def _text_area(self) -> Any:
        area = self.w.Textarea(
            description="Runbook", value=self.planner.draft.text, continuous_update=True, tooltip="The runbook as YAML"
        )
        area.layout.width = "calc(100% - 4px)"  # its margins come on top
        area.layout.height = "auto"
        area.layout.flex_flow = "column"
        area.style.description_width = "initial"
        area.style.font_family = "monospace"
        area.add_class("drs-text")
        return area

    def _laid_out(self) -> Any:
        left = self.column(
            self.part,
            self.row(self.add_wave, self.add_group, self.up, self.down, self.remove, self.undo),
            self.form_place,
        )
        right = self.column(self.text_area, self.complaints, self.back)
        for column, basis in ((left, "24em"), (right, "30em")):
            column.layout.width = "auto"
            column.layout.min_width = "min(20em, 100%)"
            column.layout.flex = f"1 1 {basis}"
        both = self.row(left, right)
        both.layout.align_items = "flex-start"
        return self.column(
            self.mode,
            self.state,
            both,
            self.picture,
            self.row(self.save, self.overwrite, self.load, self.compare, self.apply),
            self.status,
            self.outlook,
            name="drs-plan",
        )

    def shown(self) -> "PlanPanel":
        """Show the panel."""
        self.act(self.planner.look_back)
        self.act(self._draw)
        self.present(self.box)
        return self

    def __repr__(self) -> str:
        draft = self.planner.draft
        return f"<plan {draft.plan_id}, {counted(len(draft.waves), 'wave')}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """The panel is shown already; a cell that ends with it says nothing more."""
        return {"text/plain": repr(self)}

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _chosen(self) -> Part:
        part: Part = self.part.value
        return part

    def _draw(self) -> None:
        """Show the draft everywhere, as it is now; the text only if somebody else changed it."""
        draft = self.planner.draft
        if self.fault is None:
            self.fill(self.text_area, draft.text)
        self._draw_parts(draft)
        self._draw_form(draft)
        self._draw_text(draft)
        self.picture.value = boxed([picture_html(self.planner.picture())])
        self._draw_buttons(draft)

    def _draw_parts(self, draft: PlanDraft) -> None:
        options = _parts(draft)
        if tuple(self.part.options) == tuple(options):
            return
        chosen = self.part.value
        self.fill(self.part, options, trait="options")
        self.fill(self.part, chosen if chosen in {part for _, part in options} else (PLAN, 0))

    def _draw_form(self, draft: PlanDraft) -> None:
        part = self._chosen()
        if self.form.shape != shape_of(draft, part):
            old = self.form
            self.form = PlanForm(self, draft, part, self._take)
            self.form_place.children = (self.form.box,)
            old.close()
        self.form.refresh(draft, disabled=self.fault is not None)

    def _draw_text(self, draft: PlanDraft) -> None:
        lines = (self.text_area.value or "").count("\n") + 2
        self.text_area.rows = min(max(lines, ROWS[0]), ROWS[1])
        self.show(self.back, visible=self.fault is not None)
        self.complaints.value = boxed([_verdict(draft, self.fault, self.text_area.value or "")])
        where = filled("✔ saved", Tone.GOOD) if self.planner.saved else filled("‖ not saved", Tone.WAIT)
        self.state.value = boxed([f'<p style="margin:4px 0">{where} {text_of(draft.source)}</p>'])

    def _draw_buttons(self, draft: PlanDraft) -> None:
        kind, which = self._chosen()
        broken = self.fault is not None
        self.show(self.up, visible=kind == WAVE)
        self.show(self.down, visible=kind == WAVE)
        self.show(self.remove, visible=kind != PLAN)
        self.up.disabled = broken or which == 0
        self.down.disabled = broken or which == len(draft.waves) - 1
        self.remove.description = f"Remove this {kind}"
        for button in (self.add_wave, self.add_group, self.remove):
            button.disabled = broken
        self.undo.disabled = broken or not self._past
        self.save.disabled = broken or bool(draft.complaints) or self.planner.saved
        self.compare.disabled = broken or bool(draft.complaints)
        self.save.description = f"Save {self.planner.path.name}"
        self.show(self.overwrite, visible=False)
        self.show(self.load, visible=False)
        self.show(self.apply, visible=False)

    # --- changing ----------------------------------------------------------------------------------------------------

    def _take(self, change: Change) -> None:
        """Take a person's change in the form; the text follows."""
        before = self.planner.draft
        try:
            after = change(before)
        except InvalidRunbook:
            self.form.refresh(before, disabled=False)
            raise
        self._become(after)
        gone = f" With it went: {'  '.join(after.lost)}" if after.lost else ""
        self.say(f"The comments of what was removed are gone, too.{gone}" if gone else "")

    def _become(self, draft: PlanDraft) -> None:
        before = self.planner.draft
        if draft.text != before.text:
            self._past = [*self._past, before][-REMEMBERED:]
            self.outlook.value = ""
        self.planner.draft = draft
        self.fault = None
        self._draw()

    def _typed(self, text: str) -> None:
        """Take what was typed into the text; the form follows, as far as the text can be read."""
        try:
            draft = self.planner.draft.typed(text)
        except InvalidRunbook as error:
            self.fault = str(error)
            self._draw()
        else:
            self._become(draft)
        self.say("")

    def _back(self) -> None:
        self.fault = None
        self._draw()

    def _undo(self) -> None:
        if self._past:
            self.planner.draft = self._past.pop()
            self._draw()

    def _add_wave(self) -> None:
        self._take(lambda draft: draft.with_wave(groups=_unused(draft)[:1]))
        self.part.value = (WAVE, len(self.planner.draft.waves) - 1)

    def _add_group(self) -> None:
        self._take(lambda draft: draft.with_group())
        self.part.value = (GROUP, list(self.planner.draft.groups)[-1])

    def _move(self, by: int) -> None:
        kind, which = self._chosen()
        if kind == WAVE and isinstance(which, int):
            self._take(lambda draft: draft.with_wave_moved(which, which + by))
            self.part.value = (WAVE, max(0, min(which + by, len(self.planner.draft.waves) - 1)))

    def _remove(self) -> None:
        kind, which = self._chosen()
        if kind == WAVE and isinstance(which, int):
            self._take(lambda draft: draft.without_wave(which))
        elif kind == GROUP:
            self._take(lambda draft: draft.without_group(str(which)))

    # --- saving and applying -----------------------------------------------------------------------------------------

    def _save(self) -> None:
        try:
            saved = self.planner.save()
        except ChangedMeanwhile:
            theirs = self.planner.their_text()
            self.outlook.value = boxed(
                ["<p><b>What an overwrite would change</b></p>", difference_html(theirs, self.planner.draft.text)]
            )
            self.show(self.overwrite, visible=True)
            self.show(self.load, visible=True)
            raise
        self._draw()
        self.say_done(str(saved))

    def _overwrite(self) -> None:
        saved = self.planner.save(overwrite=True)
        self.outlook.value = ""
        self._draw()
        self.say_done(str(saved))

    def _load(self) -> None:
        before = self.planner.draft
        self.planner.load()
        self._past = [*self._past, before][-REMEMBERED:]
        self.fault = None
        self.outlook.value = ""
        self._draw()
        self.say_done(f"Loaded {self.planner.path}. Undo brings the draft back.")

    def _compare(self) -> None:
        self._seen = self.planner.compare()
        changes = self._seen.changes
        shown = "".join(f"<li>{text_of(line)}</li>" for line in changes)
        self.outlook.value = (
            boxed([f"<p><b>An apply changes</b></p><ul>{shown}</ul>"])
            if changes
            else said("The tables hold what the file says: nothing changes.")
        )
        self.apply.description = f"Apply to the {self.planner.mode} tables"
        self.show(self.apply, visible=bool(changes))
        self.say("")

    def _apply(self) -> None:
        if self._seen is None:
            return
        told = self.planner.apply(self._seen)
        self._seen = None
        self.outlook.value = ""
        self.show(self.apply, visible=False)
        self.say_done(told)


def _parts(draft: PlanDraft) -> list[tuple[str, Part]]:
    """What can be edited: labels, which differ even where names do not, and parts."""
    waves = [(f"Wave {index + 1}: {plain(draft.wave_name(index))}", (WAVE, index)) for index in range(len(draft.waves))]
    groups = [(f"Group: {plain(name)}", (GROUP, name)) for name in draft.groups]
    return [("The plan", (PLAN, 0)), *waves, *groups]


def _unused(draft: PlanDraft) -> tuple[str, ...]:
    """Groups that are in no wave yet."""
    used = {group for wave in draft.waves for group in _listed(wave.get("groups"))}
    return tuple(group for group in draft.groups if group not in used)


def _listed(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else []


def _complaint(complaint: str, text: str) -> str:
    """A complaint with the line that it names: a text to be typed in shows no numbers."""
    lines, found = text.splitlines(), re.search(r":(\d+): ", complaint)
    number = int(found[1]) if found else 0
    quoted = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    shown = f"<br><code>{number}: {text_of(quoted, 120)}</code>" if quoted else ""
    return f'<li style="overflow-wrap:anywhere">{text_of(complaint)}{shown}</li>'


def _verdict(draft: PlanDraft, fault: str | None, text: str) -> str:
    """What is wrong with the text, if anything."""
    if fault is not None:
        head = f"{filled('✖ this text cannot be read', Tone.BAD)} The form shows the last good state."
        complaints = fault.splitlines()
    elif draft.complaints:
        head, complaints = filled(f"✖ {counted(len(draft.complaints), 'complaint')}", Tone.BAD), list(draft.complaints)
    else:
        head, complaints = filled("✔ valid", Tone.GOOD), []
    lines = "".join(_complaint(line, text) for line in complaints)
    return f'<div role="status"><p style="margin:4px 0">{head}</p>{f"<ul>{lines}</ul>" if lines else ""}</div>'
