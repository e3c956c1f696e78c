"""The live face of a drill: a panel, and a thread that drives while the kernel stays free for other cells.

What a person presses comes as a message, in any thread. A command is recorded in
the tables at once and obeyed by the next pass, whoever makes it; so a page that
is closed or a kernel that dies loses nothing that was said.
"""

import contextvars
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from drskit.cleanup import CleanupPreview
from drskit.errors import InvalidInput, MissingExtra, Refused
from drskit.model import CommandKind, Execution, ExecutionStatus, Mode
from drskit.offers import Offer, cleanable, offer_of, offers
from drskit.views.driven import ALERT, Drive, Face, Handle
from drskit.views.forms import (
    CLEANUP,
    GO_ON,
    RECOVER,
    START,
    Button,
    Form,
    cleanup_form,
    command_buttons,
    command_form,
    recover_form,
    start_form,
)
from drskit.views.notices import alert, said
from drskit.views.widget import panel_widget

LOOK_AGAIN_SECONDS = 2.0
"""Real time after which a waiting panel looks whether somebody decided elsewhere."""
ENDED = "The {} has ended; the cells below tell what became of it."
ELSEWHERE = "Another panel drives this now; it was shown later, below or in another notebook."


class Helm(Drive, Protocol):
    """What a panel with buttons drives; a command may be given while another thread is in `step`."""

    def command(self, kind: CommandKind, reason: str, *, wave: str | None, server: str | None, typed: str) -> None:
        """Record what a person says to the execution that is shown; of an edit, what they typed."""

    def wake(self) -> None:
        """End a wait that goes on in `step`: there is something to do."""

    def cleanup_preview(self) -> CleanupPreview:
        """What a cleanup of the drill would terminate, looked at now."""

    def cleanup_text(self, preview: CleanupPreview) -> str:
        """The same as lines of plain text."""

    def start_cleanup(self, preview: CleanupPreview, reason: str, typed: str) -> None:
        """Begin to terminate what was looked at; the cleanup is then what `step` drives."""

    def recovery_text(self) -> str:
        """What a recovery for real would do, as lines of plain text."""

    def recover(self, token: str) -> None:
        """Recover for real with a token that a person typed; the recovery is then what `step` drives."""

    def news(self) -> str:
        """What came to an end since it was last asked, in a sentence; empty when nothing did."""

    def summary(self) -> str:
        """What a start would do, in a sentence."""

    def person(self) -> str:
        """Who presses, as the tables will know them."""

    def chooser(self) -> Mapping[str, Any]:
        """What else could be opened: label, value and groups of options."""

    def choose(self, value: str) -> None:
        """Open what was chosen in place of what is shown."""


class LiveFace(Face):
    """A panel that is shown; a thread drives."""

    _shown: ClassVar["weakref.WeakSet[LiveFace]"] = weakref.WeakSet()
    drive: Helm

    def __init__(self, drive: Helm) -> None:
        super().__init__(drive)
        try:
            from IPython.display import display
        except ImportError as error:
            raise MissingExtra("A live panel", "kit", "ipykernel") from error
        self._display: Callable[..., Any] = display
        self.widget = panel_widget("The drill")
        self.widget.on_msg(lambda _widget, message, _buffers: self.guarded(lambda: self._heard(message)))
        self._wake = threading.Event()
        self._drawing = threading.RLock()
        self._thread_lock = threading.Lock()
        self._driving = False
        self._left = False
        self._stopped = False
        self._form: Form | None = None
        self._frozen: CleanupPreview | None = None
        self._offered: tuple[Execution | None, tuple[Offer, ...]] = (None, ())

    def shown(self) -> Handle:
        """The panel, in the output of the cell; it goes on in the background."""
        self._take_over()
        self.guarded(self._draw)
        self._display(self.widget)
        self._set_out()
        return self.handle

    def _set_out(self) -> None:
        """Drive what lives; what is over, or was not begun, waits for a person."""
        if self.finished():
            self.handle.done.set()
        elif self.drive.snapshot() is not None:
            self._go()

    def tell(self, message: str) -> None:
        """Show an error."""
        self.widget.status = alert(message)

    # --- who drives --------------------------------------------------------------------------------------------------

    def _take_over(self) -> None:
        """An earlier panel of the same execution leaves it to this one: the cell was run again."""
        mine = self.drive.snapshot()
        for panel in list(self._shown):
            other = panel.drive.snapshot()
            if panel.drive is self.drive or (mine and other and mine.execution_id == other.execution_id):
                panel.leave()
        self._shown.add(self)

    def leave(self) -> None:
        """Drive no more, and say so; what is over has nothing to be driven."""
        over = self.finished()
        self._left = True
        self._wake.set()
        self.drive.wake()
        self._form = None
        self.guarded(self._draw_controls)
        self.widget.status = "" if over else said(ELSEWHERE)

    def _go(self, begin: Callable[[], None] | None = None, words: str = "Going on …") -> None:
        """Drive in the background, after `begin`; a thread that drives already is woken."""
        with self._thread_lock:
            if self._driving:
                if begin is not None:
                    raise Refused("The panel is still busy. Wait until the board says how it stands.")
                self._wake.set()
                self.drive.wake()
                return
            self._driving = True
        self._stopped = False
        self.handle.error = None
        self.handle.done.clear()
        starts = begin is None and self.drive.snapshot() is None
        self.widget.status = said("Starting …" if starts else words)
        first = self.drive.start if starts else begin or (lambda: None)
        self._in_background(lambda: self._work(first))

    def _in_background(self, work: Callable[[], object]) -> None:
        kept = contextvars.copy_context().run  # what the thread shows stays with the cell that started it
        threading.Thread(target=kept, args=(work,), name="drskit-drive", daemon=True).start()

    def _work(self, begin: Callable[[], None]) -> None:
        error = self.guarded(lambda: self._drive_on(begin))
        self.handle.error = error
        with self._thread_lock:
            self._driving = False
        self._stopped = error is not None
        if not self._left:
            self.guarded(self._draw)
        if self.drive.snapshot() is not None:  # a start that was refused can be pressed again: nothing has ended
            self.handle.done.set()

    def _drive_on(self, begin: Callable[[], None]) -> None:
        self._draw_controls()
        begin()
        self.widget.status = said("")
        told = False
        while not self._left:
            self._draw()
            told = self._tell_news() or told
            if self.finished():
                if not told:
                    shown = self.drive.snapshot()
                    noun = shown.execution_type.value.lower() if shown else "drill"
                    self.widget.status = said(ENDED.format(noun))
                return
            self._wake.clear()  # before looking: a command that comes during the step must not be slept over
            more = self.drive.step()
            self._tell_trouble()
            if not self._left and not self.finished() and (self._paused() or not more):
                self._draw()
                self._wake.wait(LOOK_AGAIN_SECONDS)

    def _tell_news(self) -> bool:
        news = self.drive.news()
        if news:
            self.widget.status = said(news)
        return bool(news)

    def _tell_trouble(self) -> None:
        trouble = self.drive.trouble()
        if trouble:
            self.widget.status = alert(f"Trying again: {trouble}")
        elif ALERT in self.widget.status and "Trying again: " in self.widget.status:
            self.widget.status = said("")

    def _paused(self) -> bool:
        execution = self.drive.snapshot()
        return execution is not None and execution.status is ExecutionStatus.PAUSED

    # --- what a person does ------------------------------------------------------------------------------------------

    def _heard(self, message: Mapping[str, Any]) -> None:
        """Obey what the browser says was pressed; whatever it sends is checked again here."""
        if self._left:
            return
        words = {key: str(message.get(key, "")) for key in ("do", "key", "about", "reason", "value", "typed")}
        if words["do"] == "press":
            self._press(words["key"])
        elif words["do"] == "confirm":
            self._confirm(words["key"], words["about"], words["reason"].strip(), words["typed"])
        elif words["do"] == "close":
            self._ask(None)
        elif words["do"] == "choose":
            self._choose(words["value"])

    def _press(self, key: str) -> None:
        execution = self.drive.snapshot()
        if key == START:
            if execution is None and self.drive.mode() is Mode.REAL:
                self._ask(start_form(self.drive.summary()))
            else:
                self._go()
        elif key == GO_ON:
            self._go()
        elif key == RECOVER:
            if execution is None:
                self._ask(recover_form(self.drive.recovery_text()))
        elif key == CLEANUP:
            self.widget.status = said("Looking at the drill's instances …")
            self._in_background(lambda: self.guarded(self._ask_cleanup))
        elif execution is not None:
            offer = offer_of(execution, CommandKind(key), self.drive.now(), by=self.drive.person())
            if not offer.choices:
                raise Refused(f"There is nothing to {key} now: {offer.refusal}.".replace("..", "."))
            self._ask(command_form(execution, offer))

    def _ask_cleanup(self) -> None:
        preview = self.drive.cleanup_preview()
        self._frozen = preview
        targets = preview.selection.targets
        if preview.live is not None or not targets:  # taken up, or written down that nothing is left
            self._go(lambda: self.drive.start_cleanup(preview, "looked at in the notebook", ""))
            return
        self.widget.status = said("")
        self._ask(cleanup_form(self.drive.cleanup_text(preview), len(targets), preview.to_type))

    def _ask(self, form: Form | None) -> None:
        self._form = form
        self._draw_controls()

    def _confirm(self, key: str, about: str, reason: str, typed: str) -> None:
        form = self._open_form(self.drive.snapshot())
        if form is None or form.key != key:
            raise Refused("That question is not open any more; the board shows how it stands now.")
        try:
            self._carry_out(form, about, reason or form.reason, typed)
        except Exception:
            self._form = replace(form, tries=form.tries + 1)
            self._draw_controls()
            raise

    def _carry_out(self, form: Form, about: str, reason: str, typed: str) -> None:
        if not reason and not form.silent:
            raise InvalidInput("Say why: the reason is kept in the history.")
        if form.to_type and not typed.strip():
            raise InvalidInput(f"Nothing was typed. {form.to_type}.")
        if form.key == RECOVER:
            self._form = None
            self._go(lambda: self.drive.recover(typed), "Recovering …")
            return
        if form.key == START:
            self._ask(None)
            self._go()
            return
        if form.key == CLEANUP:
            preview = self._frozen
            assert preview is not None
            self._form = None
            self._go(lambda: self.drive.start_cleanup(preview, reason, typed), "Terminating …")
            return
        choice = form.chosen(about)
        if choice is None:
            raise Refused("What was chosen is not offered any more; choose again.")
        self.drive.command(CommandKind(form.key), reason, wave=choice.wave, server=choice.server, typed=typed)
        self._ask(None)
        self.widget.status = said(
            f"Recorded: {form.key}{f' {choice.about}' if choice.about else ''}. {_obeyed(choice.answer)}"
        )
        self._go()

    def _choose(self, value: str) -> None:
        if self._driving:
            raise Refused("An execution is driven here; choose another one when it is over.")
        self.widget.status = said("Opening …")
        self._in_background(lambda: self.guarded(lambda: self._open(value)))

    def _open(self, value: str) -> None:
        self._form = None
        try:
            self.drive.choose(value)
        finally:
            self._draw()  # the chooser shows what is open, not what was refused
        self.widget.status = said("")
        self.handle.error = None
        self.handle.done.clear()
        self._set_out()

    # --- what is drawn -----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        with self._drawing:
            try:
                parts = self.board()
            except Exception:  # what cannot be looked at cannot be started, but another can be chosen
                self.widget.buttons, self.widget.form = [], {}
                self._draw_selects()
                raise
            self.widget.show(parts)
            self._draw_controls()

    def _draw_selects(self) -> None:
        hidden = self._left or self._driving
        self.widget.selects = [] if hidden else [{"key": "open", **self.drive.chooser()}]

    def _draw_controls(self) -> None:
        with self._drawing:
            execution = self.drive.snapshot()
            form = self._open_form(execution)
            if form is not self._form and (form is None or not form.stays):
                self._form = form
            self.widget.buttons = [button.to_json() for button in self._buttons(execution)]
            self.widget.form = form.to_json() if form else {}
            self._draw_selects()

    def _buttons(self, execution: Execution | None) -> tuple[Button, ...]:
        if self._left:
            return ()
        if execution is None:
            mode = self.drive.mode()
            tone = "bad" if mode is Mode.REAL else ""
            return (
                Button(START, f"Start the {mode} drill", tone, disabled=self._driving),
                Button(RECOVER, "Recover for real …", "bad", disabled=self._driving),
            )
        again = (Button(GO_ON, "Go on"),) if self._stopped and not self.finished() else ()
        cleaned = not self._driving and cleanable(execution)
        return (*again, *command_buttons(execution, self._offers(execution), cleanable=cleaned))

    def _offers(self, execution: Execution) -> tuple[Offer, ...]:
        """What can be told; asked anew only when the execution has changed."""
        if self._offered[0] is not execution:
            self._offered = (execution, offers(execution, self.drive.now(), by=self.drive.person()))
        return self._offered[1]

    def _open_form(self, execution: Execution | None) -> Form | None:
        """The question that stands: what a person opened while it makes sense, else an approval that is waited for."""
        form = self._form
        if self._left:
            return None
        if execution is None:
            return form if form and form.key in {START, RECOVER} and not self._driving else None
        present = {offer.kind: offer for offer in self._offers(execution) if offer.choices}
        if form and form.key == CLEANUP and cleanable(execution) and not self._driving:
            return form
        if form and form.key in present and form.key != CommandKind.APPROVE:
            return form
        if CommandKind.APPROVE in present:
            tries = form.tries if form and form.key == CommandKind.APPROVE else 0
            return replace(command_form(execution, present[CommandKind.APPROVE]), tries=tries)
        return None


def _obeyed(answer: str) -> str:
    return f"The next poll obeys it: {answer}." if answer else "The next poll obeys it."
