"""The static face of a drill: one output that is updated in place, and one plain line for each event."""

from collections.abc import Callable
from typing import Any

from drskit.errors import MissingExtra
from drskit.views.board import boxed
from drskit.views.driven import Drive, Face, Handle
from drskit.views.notices import alert
from drskit.views.text import event_line


class StaticFace(Face):
    """One output, updated in place."""

    def __init__(self, drive: Drive, log: Callable[[str], None]) -> None:
        super().__init__(drive)
        try:
            from IPython.display import HTML, display
        except ImportError as error:
            raise MissingExtra("A notebook", "kit", "ipykernel") from error
        self._html: Callable[[str], Any] = HTML
        self._display: Callable[..., Any] = display
        self._log = log
        self._logged = 0
        self._message = ""
        self._trouble: str | None = None

    def shown(self) -> Handle:
        """The board in the output of the cell, driven to its end."""
        output = self._display(self._html(""), display_id=True)
        self.handle.error = self.guarded(lambda: self._drive_on(output))
        output.update(self._html(self._whole()))
        self.handle.done.set()
        return self.handle

    def tell(self, message: str) -> None:
        """Show an error."""
        self._message = message
        self._log(f"STOPPED  {message}")

    def _drive_on(self, output: Any) -> None:
        output.update(self._html(boxed(self.board())))
        if self.drive.snapshot() is None:
            self.drive.start()
        drawn = None
        more = True
        while more:
            self._log_news()
            if self.drive.snapshot() != drawn:
                drawn = self.drive.snapshot()
                output.update(self._html(boxed(self.board())))
            more = self.drive.step()
            self._log_trouble()
        self._log_news()

    def _log_news(self) -> None:
        for event in self.drive.history(self._logged):
            self._logged = event.sequence
            self._log(event_line(event))

    def _log_trouble(self) -> None:
        trouble, self._trouble = self._trouble, self.drive.trouble()
        if self._trouble and not trouble:
            self._log(f"TRYING AGAIN  {self._trouble}")

    def _whole(self) -> str:
        boards: list[str] = []
        self.guarded(lambda: boards.append(boxed(self.board())))
        return (alert(self._message) if self._message else "") + "".join(boards)
