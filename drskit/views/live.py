"""The live face of a drill: widgets, and a thread that drives while the kernel stays free for other cells."""

import contextvars
import importlib
import threading
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from drskit.errors import MissingExtra
from drskit.model import Execution, ExecutionStatus, Mode
from drskit.views.board import boxed, text_of
from drskit.views.driven import ALERT, Drive, Face, Handle, alert, said
from drskit.views.rows import waves_waiting
from drskit.views.words import COLOURS, Tone

LOOK_AGAIN_SECONDS = 2.0
"""Real time after which a waiting panel looks whether somebody approved elsewhere."""
NO_REASON_GIVEN = "approved in the notebook"


class LiveFace(Face):
    """Buttons and a board; a thread drives."""

    _shown: ClassVar["weakref.WeakSet[LiveFace]"] = weakref.WeakSet()

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
        """The panel, in the output of the cell; it goes on in the background."""
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
        """Show an error."""
        self.status_line.value = alert(message)

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
        self.status_line.value = said(
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
        self.status_line.value = said("Starting …" if self.drive.snapshot() is None else "Going on …")
        work = contextvars.copy_context().run  # what the thread shows stays with the cell that started it
        threading.Thread(target=work, args=(self._work,), name="drskit-drive", daemon=True).start()

    def _press_approve(self) -> None:
        wave = self.wave_choice.value
        if wave is None:
            return
        self.approve_button.disabled = True
        self.status_line.value = said(f"Approving wave {wave} …")
        try:
            self.drive.approve(wave, self.reason_text.value.strip() or NO_REASON_GIVEN)
        except BaseException:
            self.approve_button.disabled = False
            raise
        self.reason_text.value = ""
        self.status_line.value = said(f"Wave {wave} is approved.")
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
        self.status_line.value = said("")
        while not self._left:
            self._draw()
            if self.finished():
                self.status_line.value = said("The drill has ended; the cells below tell what became of it.")
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
            self.status_line.value = alert(f"Trying again: {trouble}")
        elif ALERT in self.status_line.value:
            self.status_line.value = said("")

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
