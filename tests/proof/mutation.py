"""A fault put into drskit on purpose: an edit of the source, applied to a copy of the package.

The part of the proof runs there that it concerns. It is killed when the checker
finds a violation, and survives when it finds none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Edit:
    """One text of a file of drskit in the place of another."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Edit the copy under this folder.

        Raises:
            ValueError: the old text does not stand there exactly once.
        """
        path = root / "drskit" / self.path
        text = path.read_text()
        if text.count(self.old) != 1:
            message = f"{self.path} has {text.count(self.old)} times, not once: {self.old}"
            raise ValueError(message)
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Mutant:
    """A fault in drskit, and the faults of its world that should show it."""

    name: str
    edits: tuple[Edit, ...]
    series: tuple[str, ...]
    """Arguments of `python -m tests.proof` that keep to the part of the proof that it concerns."""


@dataclass(frozen=True)
class Verdict:
    """What the proof said of a mutant."""

    mutant: str
    killed: bool
    words: str
    """What killed it, with the command that repeats the run; or that nothing did."""


def copy_to(folder: Path) -> None:
    """Copy drskit and the proof, which needs nothing else of the tests."""
    shutil.copytree(ROOT / "drskit", folder / "drskit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "proof", folder / "tests" / "proof", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "__init__.py", folder / "tests")


def tried(mutant: Mutant) -> Verdict:
    """Run the part of the proof that concerns the mutant on a copy of drskit that has it."""
    with TemporaryDirectory(prefix="drskit-mutant-") as folder:
        copy = Path(folder)
        copy_to(copy)
        for edit in mutant.edits:
            edit.apply(copy)
        command = [sys.executable, "-m", "tests.proof", *mutant.series, "--processes", "1"]
        environment = os.environ | {"PYTHONPATH": str(copy)}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if not any(line.startswith("runs: ") for line in lines):
        message = f"the proof of the mutant {mutant.name!r} broke off: {done.stderr}"
        raise RuntimeError(message)
    if done.returncode == 0:
        return Verdict(mutant.name, killed=False, words="nothing was found")
    return Verdict(mutant.name, killed=True, words=" ".join(line.strip() for line in lines[:2]))


def verdicts(mutants: Sequence[Mutant]) -> Iterator[Verdict]:
    """What the proof says of each mutant, one at a time on each processor."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(tried, mutants)
