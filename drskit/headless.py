"""Notebooks without a person: papermill called as a function.

What papermill leaves open is closed here: parameters are strict, folders are
made, SIGTERM interrupts cleanly, and what a cell raised becomes drskit's own
error (jupyter.md lists the traps; peers.md who fell into them).
"""

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from drskit import errors
from drskit.errors import DrskitError, MissingExtra
from drskit.parameters import check_parameters

QUIET = ["--log-level=CRITICAL"]
"""To the kernel: one that is stopped in mid-cell would log a traceback about its closed socket."""


class Interrupted(DrskitError):
    """The run was told to stop; what it wrote is kept."""

    exit_code = 143


class NotebookFailed(DrskitError):
    """A cell raised what is no error of drskit's, or the kernel or the notebook ended before its last cell."""

    exit_code = 3


RUN = "application/vnd.drskit.run+json"
"""What an output carries that is about a run; see `run_mark`."""


@dataclass(frozen=True)
class Notebook:
    """A notebook that was executed."""

    path: Path | str
    """Where the executed copy is: a file, or an address in S3."""
    error: DrskitError | None
    """What its last executed cell raised."""
    runs: tuple[Path, ...] = ()
    """The folders of runs that its cells wrote."""


def run_notebook(
    source: Path,
    target: Path | str,
    parameters: Mapping[str, object],
    *,
    log: Callable[[str], None] | None = None,
) -> Notebook:
    """Execute a notebook with parameters and write the executed copy, whatever happens.

    Args:
        source: the notebook.
        target: where the copy goes: a file, or an address in S3 that papermill can write to.
        parameters: values by name; texts are taken for the types that the notebook declares.
        log: takes each line that a cell prints, at once.

    Raises:
        InvalidInput: it has no such parameter, cannot take a value, or cannot be read.
        MissingExtra: papermill is not installed.
        Interrupted: SIGTERM or SIGINT came; the copy is as far as it got.
    """
    papermill = _papermill()
    values = check_parameters(source, parameters)
    if log:
        log(f"Running {source}; the executed copy is {target}.")
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
    from traitlets.config import Config

    config = Config()
    config.KernelManager.transport_encryption = "auto"
    lines = _Lines(log) if log else None
    try:
        with _sigterm_interrupts():
            executed = papermill.execute_notebook(
                _literally(source), _literally(target), parameters=values, progress_bar=False, kernel_name="python3",
                stdout_file=lines, stderr_file=lines, coalesce_streams=True, config=config, extra_arguments=QUIET,
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        return Notebook(target, _from_cell(error, target), _runs_of(papermill, target))
    except RuntimeError as error:  # nbclient's word for a kernel that died, or never came up
        words = f"The kernel of {target} ended: {str(error).rstrip('.')}. The cell that ran last may say why."
        return Notebook(target, NotebookFailed(words), _runs_of(papermill, target))
    except KeyboardInterrupt as error:
        raise Interrupted(f"Interrupted. What ran so far is in {target}.") from error
    finally:
        if lines:
            lines.close()
    return Notebook(target, _left_out(executed, target), _runs(executed))


def run_mark(execution_id: str, folder: Path) -> dict[str, object]:
    """What an output says of a run that was written, so that its folder is found and kept, wherever the kernel is."""
    return {RUN: {"ExecutionId": execution_id, "Folder": str(folder.resolve())}}


class _Lines:
    """A file to papermill, whole lines to a log; what steers a terminal is left out."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._begun = ""

    def write(self, text: str) -> None:
        """Take a piece of output."""
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._tell(line)

    def flush(self) -> None:
        """Papermill's word after each piece; a line that is only begun waits for its end."""

    def close(self) -> None:
        """Tell what never got its end."""
        self._tell(self._begun)
        self._begun = ""

    def _tell(self, line: str) -> None:
        from drskit.views.words import printable

        harmless = printable(line).rstrip()
        if harmless:
            self._log(harmless)


def _literally(path: Path | str) -> str:
    """A path in which papermill finds nothing to fill in."""
    return str(path).replace("{", "{{").replace("}", "}}")


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


def _left_out(notebook: Any, target: Path | str) -> DrskitError | None:
    """That cells did not run although none raised: `exit(0)` in one ends papermill's run as a success."""
    left = [
        cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("status") in {"failed", "pending"}
    ]
    if not left:
        return None
    return NotebookFailed(
        f"A cell of {target} ended the notebook by itself, and what follows did not run. Take that out."
    )


def _runs_of(papermill: ModuleType, target: Path | str) -> tuple[Path, ...]:
    """As `_runs`, of a notebook that raised: papermill hands only its copy out."""
    return _runs(papermill.iorw.load_notebook_node(str(target)))


def _runs(notebook: Any) -> tuple[Path, ...]:
    """The folders of runs that the outputs of a notebook tell of, each once."""
    told = [
        output["data"][RUN]["Folder"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if RUN in output.get("data", {})
    ]
    return tuple(Path(folder) for folder in dict.fromkeys(told))


def _from_cell(error: Any, target: Path | str) -> DrskitError:
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
