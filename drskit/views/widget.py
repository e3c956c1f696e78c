"""The panel's widget: what the kernel holds of it, and its files for the browser.

All of its state is in traits, so that a page that is loaded again shows the same
panel; what a person does comes as messages. Where widgets are not shown, as in a
notebook that is not trusted, the same parts stand as plain HTML.
"""

from functools import cache
from pathlib import Path
from typing import Any

from drskit.errors import MissingExtra
from drskit.views.board import boxed

HERE = Path(__file__).parent
ESM, CSS = HERE / "panel.js", HERE / "panel.css"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


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
        selects: Any = traitlets.List().tag(sync=True)
        buttons: Any = traitlets.List().tag(sync=True)
        form = traitlets.Dict().tag(sync=True)
        status = traitlets.Unicode().tag(sync=True)

        def _repr_mimebundle_(self, **options: Any) -> Any:
            found = super()._repr_mimebundle_(**options)
            data, metadata = found if isinstance(found, tuple) else (found or {}, {})
            return {**data, "text/html": boxed(self.parts), "text/plain": self.name}, metadata

    return Panel
