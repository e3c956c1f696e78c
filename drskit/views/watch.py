"""Many executions in a notebook: a list that refreshes and opens one at a press, or a page of it as plain HTML."""

import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from drskit.errors import MissingExtra
from drskit.model import ExecutionStatus
from drskit.views.board import boxed
from drskit.views.driven import ALERT
from drskit.views.forms import Button
from drskit.views.listing import OPEN, Listing, row_line
from drskit.views.notices import alert, guarded, said
from drskit.views.widget import panel_widget

REFRESH_SECONDS = 5.0
"""Real time between two looks."""
NEWER, OLDER, REFRESH, BACK = "newer", "older", "refresh", "back"
ALL = "all"


class Parameters(Protocol):
    """What the list shows at first."""

    @property
    def plan(self) -> str:
        """Only executions of this plan; empty for all."""

    @property
    def status(self) -> str:
        """Only executions of this status; empty for all."""

    @property
    def execution_id(self) -> str:
        """The execution that is opened at once; empty for the list."""


class Source(Protocol):
    """Where the executions come from."""

    @property
    def parameters(self) -> Parameters:
        """What the list shows at first."""

    @property
    def plans(self) -> tuple[str, ...]:
        """The plans that have executions."""

    def look(self, *, whole: bool = False) -> None:
        """Read them."""

    def page(self, number: int = 0, *, plan: str = "", status: str = "") -> Listing:
        """A page of those that fit."""

    def parts(self, shown: Listing, *, live: bool) -> tuple[str, ...]:
        """A page as parts of HTML."""

    def board(self, execution_id: str) -> tuple[str, ...]:
        """One of them as parts of HTML."""


class Watching:
    """A list that was shown."""

    def __init__(self, stop: Callable[[], None] = lambda: None) -> None:
        self.stop = stop
        """Refresh no more; what is shown stays."""

    def __repr__(self) -> str:
        return "<executions>"


def _display() -> tuple[Callable[..., Any], Callable[[str], Any]]:
    try:
        from IPython.display import HTML, display
    except ImportError as error:
        raise MissingExtra("A notebook", "kit", "ipykernel") from error
    return display, HTML


class StaticList:
    """The first page, once."""

    def __init__(self, source: Source, log: Callable[[str], None]) -> None:
        self._source = source
        self._log = log

    def shown(self) -> Watching:
        """The page in the output of the cell, and a plain line for each execution on it.

        Raises:
            DrskitError: the executions cannot be read.
        """
        display, html = _display()
        source, wanted = self._source, self._source.parameters
        source.look(whole=True)
        page = source.page(plan=wanted.plan, status=wanted.status)
        for row in page.rows:
            self._log(row_line(row))
        if not page.rows:
            self._log("There is no execution to show.")
        parts = source.board(wanted.execution_id) if wanted.execution_id else source.parts(page, live=False)
        display(html(boxed(parts)))
        return Watching()


class LiveList:
    """The list in a panel; a thread looks again and again while the kernel stays free."""

    _shown: ClassVar["weakref.WeakSet[LiveList]"] = weakref.WeakSet()

    def __init__(self, source: Source) -> None:
        self._source = source
        wanted = source.parameters
        self._plan, self._status, self._open = wanted.plan, wanted.status, wanted.execution_id
        self._number = 0
        self._whole = True
        self._stopped = False
        self._wake = threading.Event()
        self._drawing = threading.RLock()
        self.widget = panel_widget("The executions")
        self.widget.on_msg(lambda _widget, message, _buffers: guarded(lambda: self._heard(message), self._tell))

    def shown(self) -> Watching:
        """The list, in the output of the cell; it goes on in the background until another one is shown."""
        display, _ = _display()
        for other in list(self._shown):
            other.stop()
        self._shown.add(self)
        self.widget.status = said("Looking …")
        display(self.widget)
        threading.Thread(target=self._work, name="drskit-watch", daemon=True).start()
        return Watching(self.stop)

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._wake.set()
        self.widget.buttons = []
        self.widget.status = said("This list is not refreshed any more; run its cell again.")

    def _tell(self, message: str) -> None:
        self.widget.status = alert(message)

    def _work(self) -> None:
        while not self._stopped:
            self._wake.clear()
            error = guarded(self._look_and_draw, self._tell)
            if error is None and not self._stopped and (ALERT in self.widget.status or "Looking" in self.widget.status):
                self.widget.status = said("")
            self._wake.wait(REFRESH_SECONDS)

    def _look_and_draw(self) -> None:
        whole, self._whole = self._whole, False
        self._source.look(whole=whole)
        self._draw()

    # --- what a person does ------------------------------------------------------------------------------------------

    def _heard(self, message: Mapping[str, Any]) -> None:
        if self._stopped:
            return
        do, key, value = (str(message.get(name, "")) for name in ("do", "key", "value"))
        if do == "choose":
            self._choose(key, "" if value == ALL else value)
        elif do == "press" and key.startswith(OPEN):
            self._open = key.removeprefix(OPEN)
            self.widget.status = said("Opening …")
        elif do == "press" and key == BACK:
            self._open = ""
        elif do == "press" and key == REFRESH:
            self._whole = True
            self.widget.status = said("Looking …")
            self._wake.set()
            return
        elif do == "press":
            self._number += {NEWER: -1, OLDER: 1}.get(key, 0)
        self._draw()
        self.widget.status = said("")

    def _choose(self, key: str, value: str) -> None:
        if key == "plan":
            self._plan = value
        else:
            self._status = value
        self._number = 0

    # --- what is drawn -----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        with self._drawing:
            if self._open:
                self._draw_one(self._open)
            else:
                self._draw_page()

    def _draw_one(self, execution_id: str) -> None:
        try:
            parts = self._source.board(execution_id)
        except Exception:
            self._open = ""
            self._draw_page()
            raise
        self.widget.show(parts)
        self.widget.selects = []
        self.widget.buttons = [
            Button(BACK, "Back to all executions").to_json(),
            Button(REFRESH, "Look again", "plain").to_json(),
        ]

    def _draw_page(self) -> None:
        page = self._source.page(self._number, plan=self._plan, status=self._status)
        self._number = page.page
        self.widget.show(self._source.parts(page, live=True))
        self.widget.selects = [
            _select("plan", "Plan", self._plan, self._source.plans),
            _select("status", "Status", self._status, tuple(status.value for status in ExecutionStatus)),
        ]
        buttons = [Button(REFRESH, "Look again", "plain")]
        if page.pages > 1:
            buttons.append(Button(NEWER, "Page before", "plain", disabled=page.page == 0))
            buttons.append(Button(OLDER, "Page after", "plain", disabled=page.page == page.pages - 1))
        self.widget.buttons = [button.to_json() for button in buttons]


def _select(key: str, label: str, value: str, names: tuple[str, ...]) -> dict[str, Any]:
    present = names if not value or value in names else (*names, value)
    options = [{"value": ALL, "label": ALL}, *({"value": name, "label": name} for name in present)]
    return {"key": key, "label": label, "value": value or ALL, "groups": [{"name": "", "options": options}]}
