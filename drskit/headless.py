"""Notebooks without a person: papermill called as a function.

What papermill leaves open is closed here: names of parameters are strict,
folders are made, SIGTERM interrupts cleanly, and what a cell raised becomes
drskit's own error (jupyter.md lists the traps; peers.md who fell into them).
"""

import logging
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from drskit import errors
from drskit.errors import DrskitError, InvalidInput, MissingExtra

QUIET = ["--log-level=CRITICAL"]
"""To the kernel: one that is stopped in mid-cell would log a traceback about its closed socket."""


class Interrupted(DrskitError):
    """The run was told to stop; what it wrote is kept."""

    exit_code = 143


class NotebookFailed(DrskitError):
    """A cell raised what is no error of drskit's."""

    exit_code = 3


@dataclass(frozen=True)
class Notebook:
    """A notebook that was executed."""

    path: Path
    error: DrskitError | None
    """What its last executed cell raised."""


def run_notebook(source: Path, target: Path, parameters: Mapping[str, object]) -> Notebook:
    """Execute a notebook with parameters and write the executed copy, whatever happens.

    Raises:
        InvalidInput: it has no such parameter, or cannot be read.
        MissingExtra: papermill is not installed.
        Interrupted: SIGTERM or SIGINT came; the copy is as far as it got.
    """
    papermill = _papermill()
    _check_names(papermill, source, parameters)
    target.parent.mkdir(parents=True, exist_ok=True)
    from traitlets.config import Config

    config = Config()
    config.KernelManager.transport_encryption = "auto"
    try:
        with _sigterm_interrupts():
            papermill.execute_notebook(
                str(source), str(target), parameters=dict(parameters), progress_bar=False, kernel_name="python3",
                coalesce_streams=True, config=config, extra_arguments=QUIET,
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        return Notebook(target, _from_cell(error, target))
    except KeyboardInterrupt as error:
        raise Interrupted(f"Interrupted. What ran so far is in {target}.") from error
    return Notebook(target, None)


def _papermill() -> ModuleType:
    # jupyter-events asks for a URI grammar that takes longer to build than everything else here takes to import, and
    # it does without one when there is none.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None means: not installed
    try:
        import ipykernel  # noqa: F401 - the kernel that papermill starts
        import papermill
    except ImportError as error:
        raise MissingExtra("Running a notebook", "kit", str(error.name)) from error
    module: ModuleType = papermill
    return module


def _check_names(papermill: ModuleType, source: Path, parameters: Mapping[str, object]) -> None:
    if source.suffix != ".ipynb":
        raise InvalidInput(f"{source} is no notebook. Name a file that ends in .ipynb.")
    try:
        known: dict[str, Any] = papermill.inspect_notebook(str(source))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{source} cannot be read as a notebook: {str(error).rstrip('.')}.") from error
    for name in parameters:
        if name not in known:
            raise InvalidInput(f"{source} has no parameter {name!r}. It has {', '.join(known) or 'none'}.")


def _from_cell(error: Any, target: Path) -> DrskitError:
    """What a cell raised, as drskit's own error where it was one."""
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, DrskitError):
        found = NotebookError(str(error.evalue))
        found.exit_code = kind.exit_code
        return found
    return NotebookFailed(f"A cell of {target} raised {error.ename}: {error.evalue}. The notebook holds the traceback.")


class NotebookError(DrskitError):
    """An error of drskit's that a cell raised; it ends with that error's exit code."""


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C: papermill then stops the kernel and saves the notebook.

    What its parts log of a kernel that goes away in the middle of a cell is no news to whoever sent the signal.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        for name in ("asyncio", "papermill", "traitlets"):
            logging.getLogger(name).disabled = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
