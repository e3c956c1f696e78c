"""The two faces of a drill in a notebook.

Live, for a person: widgets, and a thread that drives while the kernel stays free
for other cells. Static, for papermill and its like: one output that is updated
in place, and one plain line for each event. Both draw the same board.
"""

from collections.abc import Callable
from typing import Any, Literal, overload

from drskit.errors import InvalidInput
from drskit.views.driven import Drive, Handle
from drskit.views.live import Helm, LiveFace
from drskit.views.notices import guarded
from drskit.views.static import StaticFace

__all__ = ["Drive", "Handle", "guarded", "is_live", "show"]


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


@overload
def show(drive: Helm, *, live: bool, log: Callable[[str], None] = ...) -> Handle: ...
@overload
def show(drive: Drive, *, live: Literal[False], log: Callable[[str], None] = ...) -> Handle: ...
def show(drive: Any, *, live: bool, log: Callable[[str], None] = lambda _line: None) -> Handle:
    """Show the drill and drive it: live returns at once, static returns when there is nothing left to do.

    Args:
        drive: what to drive.
        live: with buttons, in the background, for which the drive takes commands; see `is_live`.
        log: takes one plain line for each new event, in the static face.

    Raises:
        MissingExtra: IPython or anywidget is not installed.
    """
    return LiveFace(drive).shown() if live else StaticFace(drive, log).shown()
