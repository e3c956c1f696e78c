"""The two faces of a drill in a notebook.

Live, for a person: widgets, and a thread that drives while the kernel stays free
for other cells. Static, for papermill and its like: one output that is updated
in place, and one plain line for each event. Both draw the same board.

Callbacks of widgets may run in any thread, and what they print or raise is
invisible; so every callback goes through `_Panel.guarded`, which shows it.
"""

import asyncio
import contextvars
import importlib
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from html import escape
from typing import Any, ClassVar, Protocol

from drskit.errors import DrskitError, InvalidInput, MissingExtra
from drskit.model import Event, Execution, ExecutionStatus, Mode
from drskit.views.board import board_parts, boxed, text_of
from drskit.views.rows import waves_waiting
from drskit.views.text import event_line
from drskit.views.words import COLOURS, Tone

LOOK_AGAIN_SECONDS = 2.0
"""Real time after which a waiting panel looks whether somebody approved elsewhere."""
AWAIT_SECONDS = 0.5
ALERT = 'role="alert"'
NO_REASON_GIVEN = "approved in the notebook"


class Drive(Protocol):
    """What a panel drives. `approve` may be called while another thread is in `step`."""

    def preview(self) -> tuple[str, ...]:
        """HTML of what would be launched, in parts; the first tells SIMULATED from REAL."""

    def mode(self) -> Mode:
        """Who would answer a start, or answers: AWS or the simulator."""

    def start(self) -> None:
        """Start the execution, or take up one that exists."""

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person."""

    def snapshot(self) -> Execution | None:
        """The execution as last seen; none before it was started."""

    def history(self, after: int) -> Sequence[Event]:
        """The events with a higher sequence number."""

    def trouble(self) -> str | None:
        """What keeps the drill from being advanced for now, and will be tried again."""

    def approve(self, wave: str, reason: str) -> None:
        """Record a person's yes."""

    def now(self) -> datetime:
        """The present, by the execution's clock."""


class Handle:
    """A drill that was shown; `await` it in a cell of its own to wait for its end.

    Nothing is ever raised here: `error` holds what stopped the driving, and the
    notebook's last cell decides.
    """

    def __init__(self, drive: Drive) -> None:
        self.done = threading.Event()
        self.error: Exception | None = None
        self._drive = drive

    @property
    def execution(self) -> Execution | None:
        """The execution as last seen."""
        return self._drive.snapshot()

    def __await__(self) -> Generator[Any, Any, "Handle"]:
        return self._wait().__await__()

    async def _wait(self) -> "Handle":
        while not self.done.is_set():  # in short waits, so that no thread is left behind when the cell is interrupted
            await asyncio.to_thread(self.done.wait, AWAIT_SECONDS)
        return self

    def __repr__(self) -> str:
        execution = self.execution
        state = f"{execution.mode} {execution.execution_id} {execution.status}" if execution else "not started"
        return f"<{state}{f', stopped by {self.error!r}' if self.error else ''}>"


def is_live(choice: str, shell: object) -> bool:
    """Whether a person's front end is attached, which can press buttons.

    Args:
        choice: `DRSKIT_UI`: live, static or auto.
        shell: what `get_ipython()` returned. Front ends of people allow input; papermill and nbconvert do not.

    Raises:
        InvalidInput: the choice is none of the three.
    """
    if choice not in ("live", "static", "auto"):
        raise InvalidInput(f"DRSKIT_UI is {choice!r}; write live, static or auto.")
    if choice != "auto":
        return choice == "live"
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    content = kernel.get_parent("shell").get("content", {})
    return bool(content.get("allow_stdin", False))


def show(drive: Drive, *, live: bool, log: Callable[[str], None] = lambda _line: None) -> Handle:
    """Show the drill and drive it: live returns at once, static returns when there is nothing left to do.

    Args:
        drive: what to drive.
        live: with buttons, in the background; see `is_live`.
        log: takes one plain line for each new event, in the static face.

    Raises:
        MissingExtra: IPython or ipywidgets is not installed.
    """
    return _LivePanel(drive).shown() if live else _StaticPanel(drive, log).shown()


class _Panel(ABC):
    """What both faces have in common."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.handle = Handle(drive)

    def guarded(self, work: Callable[[], None]) -> Exception | None:
        """Do the work; what it raises is shown, and returned."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a callback's error is invisible unless it is shown here
            kind = "" if isinstance(error, DrskitError) else f"{type(error).__name__}: "
            self.tell(f"{kind}{error}")
            return error
        return None

    @abstractmethod
    def tell(self, message: str) -> None:
        """Show an error."""

    def board(self) -> tuple[str, ...]:
        """The parts of the board, or of the preview before there is an execution."""
        execution = self.drive.snapshot()
        return board_parts(execution, self.drive.now()) if execution else self.drive.preview()

    def finished(self) -> bool:
        """The execution is over."""
        execution = self.drive.snapshot()
        return execution is not None and execution.end_time is not None


class _StaticPanel(_Panel):
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
        output = self._display(self._html(""), display_id=True)
        self.handle.error = self.guarded(lambda: self._drive_on(output))
        output.update(self._html(self._whole()))
        self.handle.done.set()
        return self.handle

    def tell(self, message: str) -> None:
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
            more = not self.finished() and self.drive.step()
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
        return _alert(self._message) + "".join(boards)


class _LivePanel(_Panel):
    """Buttons and a board; a thread drives."""

    _shown: ClassVar["weakref.WeakSet[_LivePanel]"] = weakref.WeakSet()

    def __init__(self, drive: Drive) -> None:
        super().__init__(drive)
        try:
            from IPython.display import display

            widgets: Any = importlib.import_module("ipywidgets")  # its names are made by star imports: untyped
        except ImportError as error:
            raise MissingExtra("A live panel", "kit", "ipywidgets") from error
        self._display: Callable[..., Any] = display
        self._wake = threading.Event()
        self._thread_lock = threading.Lock()
        self._driving = False
        self._left = False
        self._html: Callable[[str], Any] = lambda text: widgets.HTML(text, layout=widgets.Layout(width="100%"))
        self.start_button = widgets.Button(description="Start", icon="play", button_style="primary")
        self.approve_button = widgets.Button(description="Approve", icon="check", button_style="success")
        self.wave_choice = widgets.Dropdown(options=(), description="Wave")
        self.reason_text = widgets.Text(
            description="Reason",
            style={"description_width": "initial"},
            placeholder="Why you approve; it is kept in the history",
        )
        self.question = self._html("")
        self.mode_view = self._html("")
        self.status_line = self._html("")
        self.board_view = widgets.VBox()
        for button in (self.start_button, self.approve_button):
            button.layout.width = "auto"
            button.layout.min_width = "10em"
        self.start_button.layout.align_self = "flex-start"
        self.reason_text.layout.width = "32em"
        self.reason_text.layout.max_width = "95%"
        answer = widgets.HBox((self.wave_choice, self.reason_text, self.approve_button))
        answer.layout.flex_flow = "row wrap"
        self.approval = widgets.VBox((self.question, answer))
        self.box = widgets.VBox((self.mode_view, self.start_button, self.approval, self.status_line, self.board_view))
        for box in (self.box, self.board_view, self.approval, answer):
            box.layout.overflow = "visible"  # only tables scroll, and they do so by themselves
        self._name_parts()

    def _name_parts(self) -> None:
        self.start_button.add_class("drs-start")
        self.approve_button.add_class("drs-approve")
        self.wave_choice.add_class("drs-wave")
        self.reason_text.add_class("drs-reason")
        self.mode_view.add_class("drs-mode")
        self.status_line.add_class("drs-status")
        self.board_view.add_class("drs-board")
        self.start_button.on_click(lambda _button: self.guarded(self._press_start))
        self.approve_button.on_click(lambda _button: self.guarded(self._press_approve))

    def shown(self) -> Handle:
        self._take_over()
        self._ask(())
        self.guarded(self._draw)
        self._display(self.box)
        if self.finished():
            self.handle.done.set()
        elif self.drive.snapshot() is not None:
            self._press_start()
        return self.handle

    def tell(self, message: str) -> None:
        self.status_line.value = _alert(message)

    def _take_over(self) -> None:
        """An earlier panel of the same execution leaves it to this one: the cell was run again."""
        mine = self.drive.snapshot()
        for panel in list(self._shown):
            other = panel.drive.snapshot()
            if panel.drive is self.drive or (mine and other and mine.execution_id == other.execution_id):
                panel.leave()
        self._shown.add(self)

    def leave(self) -> None:
        """Drive no more, and say so; a drill that has ended has nothing to be driven."""
        if self.finished():
            return
        self._left = True
        self._wake.set()
        self.start_button.layout.display = "none"
        self._ask(())
        self.status_line.value = _said(
            "Another panel drives this now; it was shown later, below or in another notebook."
        )

    def _press_start(self) -> None:
        with self._thread_lock:
            if self._driving:
                return
            self._driving = True
        self.start_button.disabled = True
        self.handle.error = None
        self.handle.done.clear()
        self.status_line.value = _said("Starting …" if self.drive.snapshot() is None else "Going on …")
        work = contextvars.copy_context().run  # what the thread shows stays with the cell that started it
        threading.Thread(target=work, args=(self._work,), name="drskit-drive", daemon=True).start()

    def _press_approve(self) -> None:
        wave = self.wave_choice.value
        if wave is None:
            return
        self.approve_button.disabled = True
        self.status_line.value = _said(f"Approving wave {wave} …")
        try:
            self.drive.approve(wave, self.reason_text.value.strip() or NO_REASON_GIVEN)
        except BaseException:
            self.approve_button.disabled = False
            raise
        self.reason_text.value = ""
        self.status_line.value = _said(f"Wave {wave} is approved.")
        self._wake.set()

    def _work(self) -> None:
        error = self.guarded(self._drive_on)
        self.handle.error = error
        if self.drive.snapshot() is not None:  # a start that was refused can be pressed again: nothing has ended
            self.handle.done.set()
        with self._thread_lock:
            self._driving = False
        if error:
            self.guarded(self._offer_again)

    def _drive_on(self) -> None:
        if self.drive.snapshot() is None:
            self.drive.start()
        self.status_line.value = _said("")
        while not self._left:
            self._draw()
            if self.finished():
                self.status_line.value = _said("The drill has ended; the cells below tell what became of it.")
                return
            self._wake.clear()  # before looking: an approval that comes during the step must not be slept over
            more = self.drive.step()
            self._tell_trouble()
            if not self._left and not self.finished() and (self._paused() or not more):
                self._draw()
                self._wake.wait(LOOK_AGAIN_SECONDS)

    def _tell_trouble(self) -> None:
        trouble = self.drive.trouble()
        if trouble:
            self.status_line.value = _alert(f"Trying again: {trouble}")
        elif ALERT in self.status_line.value:
            self.status_line.value = _said("")

    def _paused(self) -> bool:
        execution = self.drive.snapshot()
        return execution is not None and execution.status is ExecutionStatus.PAUSED

    def _offer_again(self) -> None:
        """After an error: nothing is lost, the same button goes on where the tables say."""
        if self.drive.snapshot() is not None:
            self.start_button.description = "Go on"
        self.start_button.layout.display = ""
        self.start_button.disabled = False

    def _draw(self) -> None:
        execution = self.drive.snapshot()
        mode, *parts = self.board()
        self.mode_view.value = mode
        self._show(parts)
        self._ask(waves_waiting(execution) if execution and execution.end_time is None else ())
        self.start_button.disabled = execution is not None
        self.start_button.layout.display = "none" if execution else ""
        if not execution:
            real = self.drive.mode() is Mode.REAL
            self.start_button.description = f"Start the {self.drive.mode()} drill"
            self.start_button.button_style = "danger" if real else "primary"

    def _show(self, parts: list[str]) -> None:
        """Replace the parts that changed, and no other."""
        if len(self.board_view.children) != len(parts):
            self.board_view.children = tuple(self._html(boxed([part])) for part in parts)
        for view, part in zip(self.board_view.children, parts, strict=True):
            view.value = boxed([part])

    def _ask(self, waiting: tuple[str, ...]) -> None:
        """Ask for the approval that is needed, if any."""
        self.approval.layout.display = "" if waiting else "none"
        if tuple(self.wave_choice.options) == waiting and waiting:
            return
        self.wave_choice.options = waiting
        self.wave_choice.value = waiting[0] if waiting else None
        self.wave_choice.layout.display = "" if len(waiting) > 1 else "none"
        self.approve_button.disabled = self.reason_text.disabled = not waiting
        self.approve_button.description = f"Approve {waiting[0]}" if len(waiting) == 1 else "Approve"
        self.question.value = _question(self.drive.snapshot(), waiting)


def _question(execution: Execution | None, waiting: tuple[str, ...]) -> str:
    """What a person vouches for by pressing Approve."""
    asked = {wave.name: wave.approval.text for wave in execution.plan.waves if wave.approval} if execution else {}
    lines = "<br>".join(
        f"‖ Wave {text_of(name)} waits for your approval."
        + (f" Approve it when this is so: {text_of(asked[name])}" if asked.get(name) else "")
        for name in waiting
    )
    background, foreground = COLOURS[Tone.WAIT]
    return boxed(
        [f'<p style="margin:0;padding:6px 10px;background:{background};color:{foreground}"><b>{lines}</b></p>']
    )


def _said(message: str) -> str:
    return boxed([f'<p role="status" style="margin:2px 0">{escape(message)}</p>'])


def _alert(message: str) -> str:
    if not message:
        return ""
    background, foreground = COLOURS[Tone.BAD]
    style = f"margin:4px 0;padding:4px 8px;background:{background};color:{foreground}"
    return boxed([f'<p {ALERT} style="{style}"><b>✖</b> {text_of(message, 2000)}</p>'])
