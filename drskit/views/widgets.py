"""What the panels of a notebook are made of: ipywidgets, imported when they are needed, named and guarded.

A widget's callback may run in any thread, and what it raises or prints is
invisible: whatever is connected here shows its error in the panel's status line.
"""

import importlib
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any

from drskit.errors import MissingExtra
from drskit.views.notices import alert, done, guarded, said

WIDE = "min(34em, 96%)"
LABEL = "12.5em"
FIELD = "drs-field"
LOOKS = f"""<style>
@media (max-width: 640px) {{
  .{FIELD} {{ flex-flow: row wrap; height: auto !important; }}
  .{FIELD} > .widget-label {{ flex: 1 0 100%; width: 100% !important; text-align: left; }}
  .{FIELD} > :not(.widget-label) {{ flex: 1 1 100%; min-height: 28px; }}
}}
</style>"""
"""In a narrow window a label stands above its field: beside it both would be cut."""


class WidgetPanel:
    """A panel with a status line."""

    def __init__(self) -> None:
        try:
            from IPython.display import display

            self.w: Any = importlib.import_module("ipywidgets")  # its names are made by star imports: untyped
        except ImportError as error:
            raise MissingExtra("A live panel", "kit", "ipywidgets") from error
        self._display: Callable[..., Any] = display
        self._lock = RLock()
        """One callback at a time: a front end may send the next while one works."""
        self._filling = False
        """Whether widgets are being set by the panel itself, not by a person."""
        self.status = self.html("", "drs-status")
        self.looks = self.html(LOOKS)

    def present(self, box: Any) -> None:
        """Show what was made, with its looks."""
        self._display(self.column(self.looks, box))

    # --- making ------------------------------------------------------------------------------------------------------

    def html(self, value: str, name: str = "") -> Any:
        """A piece of the page."""
        return self._named(self.w.HTML(value, layout=self.w.Layout(width="100%", margin="0")), name)

    def button(self, description: str, name: str, press: Callable[[], object], **more: Any) -> Any:
        """A button; what pressing it raises is shown."""
        button = self._named(self.w.Button(description=description, **more), name)
        button.layout.width = "auto"
        button.on_click(lambda _button: self.act(press))
        return button

    def text(self, description: str, name: str, **more: Any) -> Any:
        """A field of one line, which counts when it is left or Enter is pressed."""
        more = {"continuous_update": False, **more}
        return self._field(self.w.Text(description=description, **more), name)

    def combobox(self, description: str, name: str, **more: Any) -> Any:
        """A field with words to choose from; others can be written."""
        more = {"continuous_update": False, "ensure_option": False, **more}
        return self._field(self.w.Combobox(description=description, **more), name)

    def dropdown(self, description: str, name: str, options: Iterable[Any], **more: Any) -> Any:
        """A choice of one."""
        return self._field(self.w.Dropdown(description=description, options=list(options), **more), name)

    def checkbox(self, description: str, name: str, *, value: bool = False) -> Any:
        """A box to tick."""
        box = self.w.Checkbox(value=value, description=description, indent=False)
        box.layout.width = "auto"
        box.layout.max_width = "100%"
        return self._named(box, name)

    def column(self, *children: Any, name: str = "") -> Any:
        """One under the other."""
        return self._boxed(self.w.VBox(children), name)

    def row(self, *children: Any, name: str = "") -> Any:
        """Beside each other, as far as there is room."""
        box = self._boxed(self.w.HBox(children), name)
        box.layout.flex_flow = "row wrap"
        box.layout.align_items = "center"
        return box

    def _boxed(self, box: Any, name: str) -> Any:
        box.layout.overflow = "visible"  # only tables scroll, and they do so by themselves
        box.layout.width = "100%"
        return self._named(box, name)

    def _field(self, field: Any, name: str) -> Any:
        field.style.description_width = LABEL
        field.layout.width = WIDE
        return self._named(self._named(field, FIELD), name)

    def _named(self, widget: Any, name: str) -> Any:
        _keep_in_order(widget)
        if name:
            widget.add_class(name)
        return widget

    # --- acting ------------------------------------------------------------------------------------------------------

    def on_change(self, widget: Any, act: Callable[[Any], object]) -> None:
        """Act when a person changes a widget's value."""

        def changed(change: Any) -> None:
            if not self._filling:
                self.act(lambda: act(change["new"]))

        widget.observe(changed, names="value")

    def act(self, work: Callable[[], object]) -> Exception | None:
        """Do what a person asked for; what it raises is shown, and returned."""
        with self._lock:
            return guarded(work, self.tell)

    def fill(self, widget: Any, value: Any, trait: str = "value") -> None:
        """Set a widget's value, or another trait of it, without taking it for a person's doing."""
        if getattr(widget, trait) == value:
            return
        before, self._filling = self._filling, True
        try:
            setattr(widget, trait, value)
        finally:
            self._filling = before

    def show(self, widget: Any, *, visible: bool) -> None:
        """Show or hide a widget."""
        widget.layout.display = "" if visible else "none"

    def tell(self, message: str) -> None:
        """Show an error."""
        self.status.value = alert(message)

    def say(self, message: str) -> None:
        """Show a message, or none."""
        self.status.value = said(message) if message else ""

    def say_done(self, message: str) -> None:
        """Show that something was done."""
        self.status.value = done(message)


def _keep_in_order(widget: Any) -> None:
    """Have what a person does handled in its order, on the one shell that the front end names.

    ipykernel 7.4 sends a message of a widget to the shell that last drew this
    widget, so that a press on one can overtake what was typed into another just
    before, and undo it. It decides that in `Comm._reply_subshell_for`
    (`ipykernel/comm/comm.py`); other releases do not, and are left alone.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = lambda _data, named: named  # noqa: SLF001 - ipykernel has no public name
