"""Runbook files: where they are saved, and saved so that nothing is lost.

A file is replaced as a whole or not at all, only by a text that is a valid
runbook, and only when it still says what was read from it; what somebody else
wrote meanwhile is kept beside it when it is replaced on purpose.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drskit.errors import ChangedMeanwhile, InvalidInput
from drskit.resources import PACKAGE
from drskit.runbook import parse_runbook

FOLDER = "runbooks"


@dataclass(frozen=True)
class Saved:
    """A runbook that was written."""

    path: Path
    kept: Path | None = None
    """Where the version lies that somebody else had written meanwhile."""

    def __str__(self) -> str:
        other = f" The version that stood there is kept as {near(self.kept)}." if self.kept else ""
        return f"Saved {near(self.path)}.{other}"


def near(path: Path) -> str:
    """A path as people in the working folder write it."""
    folder = Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def place_of(name: str, found: Path | None, folder: Path) -> Path:
    """Where a runbook of this name is saved.

    In place when it was found in the working folder's project; one that drskit ships elsewhere is never written to:
    its copy goes to the same path below the working folder.

    Args:
        name: as it was asked for, such as `runbooks/shop.yaml`.
        found: the file that it led to; None for a new one.
        folder: the working folder.
    """
    path = Path(name)
    if path.is_absolute():
        return path
    if found is not None and _of_project(found.resolve(), folder.resolve()):
        return found
    around = folder.resolve()
    if around.name == "notebooks" and path.parts[0] == FOLDER and (around.parent / FOLDER).is_dir():
        return around.parent / path
    return folder / path


def _of_project(found: Path, folder: Path) -> bool:
    """Whether it lies below the folder, or in the `runbooks` beside the `notebooks` that the folder is."""
    if found.is_relative_to(PACKAGE / "data"):
        return False
    beside = folder.name == "notebooks" and found.is_relative_to(folder.parent / FOLDER)
    return found.is_relative_to(folder) or beside


def read_if_any(path: Path) -> str | None:
    """A file's text; None when there is no file.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.") from error


def save_runbook(path: Path, text: str, *, expected: str | None, overwrite: bool = False) -> Saved:
    """Put a valid runbook in a file's place.

    Args:
        path: the file; its folder is made.
        text: what it is to say.
        expected: what it said when it was read; None when there was none.
        overwrite: replace it also when it says something else now; that is kept beside it.

    Raises:
        InvalidRunbook: the text is not valid; nothing is written.
        ChangedMeanwhile: the file says something else than expected, and was not to be overwritten.
        InvalidInput: the file cannot be written.
    """
    parse_runbook(text, source=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        now = read_if_any(path)
        if now in (expected, text):
            return _put(path, text, now)
        if not overwrite:
            what = "was made" if expected is None else "was changed" if now is not None else "was removed"
            raise ChangedMeanwhile(
                f"{path} {what} by somebody else since it was read. Look at it; load it again, or overwrite it: "
                "what stands there is then kept beside it."
            )
        kept = _keep(path, now)
        return Saved(_put(path, text, now).path, kept)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}. Choose another file or folder.") from error


def _keep(path: Path, text: str | None) -> Path | None:
    if text is None:
        return None
    kept = path.with_name(f"{path.name}.{hashlib.sha256(text.encode()).hexdigest()[:8]}.bak")
    kept.write_text(text, encoding="utf-8")
    return kept


def _put(path: Path, text: str, before: str | None) -> Saved:
    """Written beside it first, so that a crash leaves the old one whole; a new one replaces nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode & 0o777 if before is not None else 0o644)
        if before is None:
            os.link(beside, path)
            beside.unlink()
        else:
            beside.replace(path)
    except FileExistsError as error:
        beside.unlink(missing_ok=True)
        raise ChangedMeanwhile(f"{path} was made by somebody else at this moment. Look at it first.") from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return Saved(path)
