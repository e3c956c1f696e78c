"""What a panel offers to press, and what it asks before it does anything: plain values, made from an execution."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from drskit.approvers import question
from drskit.model import CommandKind, Execution
from drskit.offers import NO_REASON, YOU, Choice, Offer
from drskit.views.board import text_of
from drskit.views.rows import waves_waiting
from drskit.views.words import counted, plain, shortened

START, GO_ON, CLEANUP, RECOVER = "start", "go-on", "cleanup", "recover"
"""What can be pressed besides commands, which go by their own names."""
ANSWER_LENGTH = 400
LABELS: dict[CommandKind, str] = {
    CommandKind.APPROVE: "Approve",
    CommandKind.DECLINE: "Decline",
    CommandKind.PAUSE: "Pause",
    CommandKind.RESUME: "Resume",
    CommandKind.CANCEL: "Cancel the {}",
    CommandKind.RETRY: "Retry",
    CommandKind.SKIP: "Skip",
    CommandKind.EDIT: "Edit",
}
TONES: dict[CommandKind, str] = {
    CommandKind.APPROVE: "good",
    CommandKind.RESUME: "good",
    CommandKind.DECLINE: "bad",
    CommandKind.CANCEL: "bad",
    CommandKind.PAUSE: "plain",
    CommandKind.SKIP: "plain",
    CommandKind.EDIT: "plain",
}
ORDER = (
    CommandKind.APPROVE, CommandKind.RESUME, CommandKind.RETRY, CommandKind.SKIP, CommandKind.EDIT, CommandKind.PAUSE,
    CommandKind.DECLINE, CommandKind.CANCEL,
)  # fmt: skip
"""What goes on before what stops."""
REASONS: dict[CommandKind, str] = {
    CommandKind.APPROVE: "approved in the notebook",
    CommandKind.PAUSE: "paused in the notebook",
    CommandKind.RESUME: "resumed in the notebook",
}
"""What is kept where nobody said why; the other commands are refused without a reason."""


TO_EDIT = "What it is to say, as in a runbook, such as timeout: PT2H, or {add: [s-…], remove: [s-…], drop: [approve]}"


@dataclass(frozen=True)
class Button:
    """Something to press."""

    key: str
    label: str
    tone: str = ""
    disabled: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the browser takes it."""
        return {"key": self.key, "label": self.label, "tone": self.tone, "disabled": self.disabled}


@dataclass(frozen=True)
class About:
    """One thing that an answer may be about."""

    value: str
    label: str
    answer: str = ""


@dataclass(frozen=True)
class Form:
    """A question that must be answered before anything happens."""

    key: str
    title: str
    html: str = ""
    about: tuple[About, ...] = ()
    confirm: str = "Yes"
    tone: str = ""
    reason: str = ""
    """What is kept where nobody says why; empty where a reason is needed."""
    placeholder: str = "Why; it is kept in the history"
    silent: bool = False
    """No reason is asked for."""
    to_type: str = ""
    """What must be typed besides, in words; empty for nothing."""
    secret: bool = False
    """What is typed is not shown."""
    stays: bool = False
    """It stands as long as it makes sense, and takes no focus by itself."""
    tries: int = 0
    """How often an answer to it has failed."""
    choices: tuple[Choice, ...] = field(default=(), repr=False)
    """What `about` stands for, in the same order."""

    def to_json(self) -> dict[str, Any]:
        """As the browser takes it."""
        return {
            "key": self.key, "from": self.key, "title": self.title, "html": self.html, "confirm": self.confirm,
            "about": [{"value": one.value, "label": one.label, "answer": one.answer} for one in self.about],
            "tone": self.tone, "needed": not self.reason and not self.silent, "placeholder": self.placeholder,
            "type": self.to_type, "secret": self.secret,
            "silent": self.silent, "stays": self.stays, "focus": not self.stays, "tries": self.tries,
        }  # fmt: skip

    def chosen(self, value: str) -> Choice | None:
        """What an answer is about; None when that is not offered (any more)."""
        pairs = zip(self.about, self.choices, strict=True)
        return next((choice for one, choice in pairs if one.value == value), None)


def command_buttons(execution: Execution, offered: Iterable[Offer], *, cleanable: bool) -> tuple[Button, ...]:
    """What makes sense now; an approval that is waited for is asked for by a form of its own."""
    present = {offer.kind for offer in offered if offer.choices} - {CommandKind.APPROVE}
    buttons = [
        Button(kind.value, f"{_label(execution, kind)} …", TONES.get(kind, "")) for kind in ORDER if kind in present
    ]
    if cleanable:
        buttons.append(Button(CLEANUP, "Clean up …", "bad"))
    return tuple(buttons)


def command_form(execution: Execution, offer: Offer) -> Form:
    """What is asked before a command is given."""
    names = {server.source_server_id: server.name for wave in execution.waves for server in wave.servers}
    about = tuple(
        About(choice.about, _about(choice, names), "" if offer.kind is CommandKind.APPROVE else _told(choice.answer))
        for choice in offer.choices
    )
    label = _label(execution, offer.kind)
    return Form(
        key=offer.kind.value, title=_title(execution, offer, about),
        html=_question(execution) if offer.kind is CommandKind.APPROVE else "",
        about=about, choices=offer.choices, confirm=label, tone=TONES.get(offer.kind, ""),
        to_type=TO_EDIT if offer.kind is CommandKind.EDIT else "", reason=REASONS.get(offer.kind, ""),
        stays=offer.kind is CommandKind.APPROVE,
    )  # fmt: skip


def start_form(summary: str) -> Form:
    """What is asked before a drill is started in AWS."""
    return Form(
        START, "Start this drill in AWS?", html=f"<p>{text_of(summary)}</p>", confirm="Start the REAL drill",
        tone="bad", silent=True,
    )  # fmt: skip


def recover_form(text: str) -> Form:
    """What is asked before a recovery for real: the token that was made for it, and nothing that a program passes."""
    shown = f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere;margin:0">{text_of(text, 100_000)}</pre>'
    return Form(
        RECOVER, "Recover for real?", html=shown, confirm="Recover for real", tone="bad", silent=True, secret=True,
        to_type="Token from `drskit authorize` (needed)",
    )  # fmt: skip


def cleanup_form(text: str, count: int, to_type: str | None = None) -> Form:
    """What is asked before instances are terminated: the list that was looked at is the list that goes."""
    listed = f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere;margin:0">{text_of(text, 100_000)}</pre>'
    terminate = f"Terminate {counted(count, 'instance')}"
    asked = f"Type exactly: {to_type}" if to_type else ""
    return Form(CLEANUP, f"{terminate}?", html=listed, confirm=terminate, tone="bad", to_type=asked)


def _title(execution: Execution, offer: Offer, about: tuple[About, ...]) -> str:
    verb = LABELS[offer.kind].partition(" ")[0]
    if len(about) > 1:
        return f"{verb} what?"
    return f"{verb} {about[0].label}?" if offer.choices[0].about else f"{verb} the {_noun(execution)}?"


def _noun(execution: Execution) -> str:
    return execution.execution_type.value.lower()


def _label(execution: Execution, kind: CommandKind) -> str:
    return LABELS[kind].format(_noun(execution))


def _about(choice: Choice, names: dict[str, str]) -> str:
    if choice.server:
        return plain(f"{names.get(choice.server, '')} {choice.server}")
    return plain(choice.about) or "everything that it can be about"


def _told(answer: str) -> str:
    """The engine's answer, without the name and the reason that are not known yet."""
    return shortened(plain(answer.replace(f" (cancelled by {YOU}: {NO_REASON})", "")), ANSWER_LENGTH)


def _question(execution: Execution) -> str:
    """What a person vouches for by approving."""
    asked = {wave.name: question(wave.approval) for wave in execution.plan.waves if wave.approval}
    return "".join(
        f"<p>‖ Wave {text_of(name)} waits for your approval."
        + (f" Approve it when this is so: <b>{text_of(asked[name])}</b>" if asked.get(name) else "")
        + "</p>"
        for name in waves_waiting(execution)
    )
