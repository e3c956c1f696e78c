"""The panel's widget: what the kernel holds of it, and its files for the browser.

All of its state is in traits, so that a page that is loaded again shows the same
panel; what a person does comes as messages. Where widgets are not shown, as in a
notebook that is not trusted, the same parts stand as plain HTML.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from drskit.errors import MissingExtra
from drskit.views.board import boxed

HERE = Path(__file__).parent
ESM, CSS = HERE / "panel.js", HERE / "panel.css"
STYLE = re.compile(r'style="([^"]*)"')
STOOD = "<p>This is how it stood when the cell was run. Run the notebook to see how it stands.</p>"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Looks:
    """Inline styles as classes: the board's HTML is for places that keep inline styles only, and most of it is them.

    A board that changes all the time is a third as long with them, and so is the time that a browser takes to read it.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def lean(self, html: str) -> str:
        """The same HTML with a class in place of each style; in texts a quotation mark is escaped, and nothing fits."""
        return STYLE.sub(lambda found: f'class="{self._name(found[1])}"', html)

    def _name(self, style: str) -> str:
        return self._names.setdefault(style, f"drs-k{len(self._names)}")

    @property
    def css(self) -> str:
        """The rules of all classes given so far."""
        return "\n".join(f".drs-panel .{name} {{ {style} }}" for style, name in self._names.items())


def panel_widget(name: str) -> Any:
    """A new panel under this name for those who hear the page.

    Raises:
        MissingExtra: anywidget is not installed.
    """
    return _panel_class()(name=name)


@cache
def _panel_class() -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise MissingExtra("A live panel", "kit", "anywidget") from error

    class Panel(anywidget.AnyWidget):
        _esm = ESM.read_text(encoding="utf-8")
        _css = CSS.read_text(encoding="utf-8")
        name = traitlets.Unicode().tag(sync=True)
        parts: Any = traitlets.List().tag(sync=True)
        looks = traitlets.Unicode().tag(sync=True)
        selects: Any = traitlets.List().tag(sync=True)
        buttons: Any = traitlets.List().tag(sync=True)
        form = traitlets.Dict().tag(sync=True)
        status = traitlets.Unicode().tag(sync=True)

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.plain: tuple[str, ...] = ()
            self._looks = Looks()

        def show(self, parts: Iterable[str]) -> None:
            """Show these parts of HTML; the first stands above the buttons."""
            self.plain = tuple(parts)
            lean = [self._looks.lean(part) for part in self.plain]
            with self.hold_sync():
                self.looks = self._looks.css
                self.parts = lean

        def _repr_mimebundle_(self, **options: Any) -> Any:
            found = super()._repr_mimebundle_(**options)
            data, metadata = found if isinstance(found, tuple) else (found or {}, {})
            return {**data, "text/html": boxed((STOOD, *self.plain)), "text/plain": self.name}, metadata

    return Panel
