"""The file that keeps a world: its beginning, and one line for each thing that changed it.

Each line carries a sum over itself and the line before, so whatever was changed
or lost in the middle is found, and named by its line. What a crash left of the
last line was answered to nobody, and is dropped. One process writes at a time.
"""

import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drskit import __version__
from drskit.errors import InvalidState

FORMAT, SHORT = 1, 2
"""A file that has all since its world's beginning, and one that begins with a world as it stood."""
MARK = "drskit-world"
"""The first key of the first line."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What a file keeps."""

    head: Json
    entries: list[Json]
    torn: bool
    """The last line was incomplete: a crash cut it off."""


class Journal:
    """A file to which changes are written as they happen."""

    def __init__(self, path: Path) -> None:
        """Take the file for this process alone; it is made where it does not exist.

        Raises:
            InvalidState: another process has it, or it cannot be opened.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise InvalidState(f"The state file {path} cannot be opened: {error.strerror}. Choose another.") from error
        self._sum = ""
        _lock(self._file, path)

    def read(self) -> Kept | None:
        """What the file keeps; None where it is new.

        Raises:
            InvalidState: it is no state file, or was damaged.
        """
        content = self.path.read_bytes()
        if not content:
            return None
        whole, _, rest = content.rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        if not lines or not lines[0].startswith(f'{{"{MARK}"'.encode()):
            raise InvalidState(f"{self.path} is no state file of drskit, and was not touched. Choose another.")
        entries = [self._checked(number, line) for number, line in enumerate(lines, start=1)]
        head = entries.pop(0)
        if head[MARK] not in {FORMAT, SHORT}:
            raise InvalidState(f"{self.path} is of another version of drskit, {head.get('drskit')}. Use that one.")
        if rest:
            os.ftruncate(self._file, len(content) - len(rest))
        return Kept(head, entries, bool(rest))

    def begin(self, head: Json) -> None:
        """Begin anew; what the file kept until now is replaced as a whole, or not at all.

        Raises:
            OSError: there is no room; the file is as it was.
        """
        beside = self.path.with_name(f".{self.path.name}.part")
        fresh = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        _lock(fresh, beside)
        before, sum_before = self._file, self._sum
        self._file, self._sum = fresh, ""
        try:
            self.append({MARK: SHORT if "stands" in head else FORMAT, "drskit": __version__} | head)
            os.fsync(fresh)
            beside.replace(self.path)
        except OSError:
            self._file, self._sum = before, sum_before
            os.close(fresh)
            beside.unlink(missing_ok=True)
            raise
        os.close(before)
        _sync(self.path.parent)

    def append(self, entry: Json) -> None:
        """Write one more line, in one go.

        Raises:
            OSError: there is no room, or no file any more.
        """
        text = json.dumps(entry, separators=(",", ":"))
        line = f'{text[:-1]},"sum":"{_sum(self._sum, text)}"}}\n'.encode()
        if os.write(self._file, line) != len(line):
            raise OSError(28, "No space left on device", str(self.path))
        self._sum = _sum(self._sum, text)

    def close(self) -> None:
        """Let go of the file."""
        os.fsync(self._file)
        os.close(self._file)

    def _checked(self, number: int, line: bytes) -> Json:
        text, found, rest = line.decode("utf-8", "replace").rpartition(',"sum":"')
        if not found or _sum(self._sum, text + "}") != rest.removesuffix('"}'):
            raise InvalidState(
                f"{self.path}:{number}: the state file was damaged or edited here. "
                "Restore it from a copy, or choose another to begin anew."
            )
        self._sum = rest.removesuffix('"}')
        entry: Json = json.loads(text + "}")
        return entry


def _sum(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()[:16]


def _sync(folder: Path) -> None:
    """Let the file's new name outlive a crash of the machine."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise InvalidState(f"Another process serves the world of {path}. Stop it, or choose another file.") from error
