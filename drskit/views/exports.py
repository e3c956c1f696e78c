"""Buttons that write a report as a file, for a notebook in front of a person."""

import importlib
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from drskit.errors import DrskitError, MissingExtra
from drskit.views.board import boxed, filled, text_of
from drskit.views.words import Tone


def link_to(path: Path) -> str:
    """A file that was written, as HTML; a link where a browser finds it, below the notebook's folder."""
    text = text_of(str(path))
    if not path.is_absolute():
        text = f'<a href="{escape(quote(path.as_posix()))}" target="_blank" rel="noopener">{text}</a>'
    return f"<code>{text}</code>"


class ExportPanel:
    """One button a format; what a press wrote, or why it did not, stands below them."""

    def __init__(self, formats: Sequence[str], export: Callable[[str], Path]) -> None:
        """Make the buttons.

        Args:
            formats: in their order.
            export: writes the report in a format and says where.

        Raises:
            MissingExtra: IPython or ipywidgets is not installed.
        """
        try:
            from IPython.display import display

            widgets: Any = importlib.import_module("ipywidgets")  # its names are made by star imports: untyped
        except ImportError as error:
            raise MissingExtra("A live panel", "kit", "ipywidgets") from error
        self._display: Callable[..., Any] = display
        self._export = export
        self._written: dict[str, str] = {}
        self.status = widgets.HTML("", layout=widgets.Layout(width="100%"))
        self.status.add_class("drs-exports")
        self.buttons = {name: widgets.Button(description=f"Export {name}", icon="download") for name in formats}
        for name, button in self.buttons.items():
            button.add_class(f"drs-export-{name}")
            button.on_click(lambda _button, name=name: self._press(name))
        self.box = widgets.VBox((widgets.HBox(tuple(self.buttons.values())), self.status))
        self.box.children[0].layout.flex_flow = "row wrap"

    def shown(self) -> None:
        """Display the buttons."""
        self._display(self.box)

    def _press(self, name: str) -> None:
        self.buttons[name].disabled = True
        self._told(name, f"Writing {escape(name)} …")
        try:
            self._told(name, f"{filled('✔ written', Tone.GOOD)} {link_to(self._export(name))}")
        except Exception as error:  # noqa: BLE001 - a callback's error is invisible unless it is shown here
            kind = "" if isinstance(error, DrskitError) else f"{type(error).__name__}: "
            self._told(name, f"{filled('✖ not written', Tone.BAD)} {escape(name)}: {text_of(f'{kind}{error}')}")
        finally:
            self.buttons[name].disabled = False

    def _told(self, name: str, html: str) -> None:
        self._written[name] = html
        lines = "".join(f'<p style="margin:3px 0;overflow-wrap:anywhere">{line}</p>' for line in self._written.values())
        self.status.value = boxed([f'<div role="status">{lines}</div>'])
