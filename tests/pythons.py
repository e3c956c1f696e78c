"""`python -m tests.pythons [VERSION ...]` runs every notebook by nbval and papermill on each supported Python.

Those that this machine has: one that is missing is said, and skipped. Each gets
an environment of its own under `.pythons/`, with what a user installs and
nbval, in the versions of constraints.txt; it is made anew when that changes.
The Python that runs the command has one already. They work side by side. It ends with 1 when anything failed.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cli.shell import bare_environment
from tests.harness import ROOT

CACHE = ROOT / ".pythons"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_SECONDS = 600
PAPERMILL = """
import json, pathlib, sys, papermill
for source in sys.argv[2:]:
    target = pathlib.Path(source).name
    papermill.execute_notebook(source, target, progress_bar=False)
    ran = json.loads(pathlib.Path(target).read_text())["metadata"]["language_info"]["version"]
    assert ran.startswith(sys.argv[1] + "."), f"{source} ran on Python {ran}"
"""
"""Each notebook by papermill, in a kernel of the wanted Python."""


class Failed(Exception):
    """A command of an environment ended badly."""


def supported() -> list[str]:
    """The versions that pyproject.toml names."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    return [
        found[1] for name in classifiers if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", name))
    ]


def find(version: str) -> Path | None:
    """An interpreter of this version: on PATH, else one of pyenv's, the newest first."""
    named = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    others = sorted(pyenv.glob(f"{version}.*"), key=lambda path: [int(word) for word in re.findall(r"\d+", path.name)])
    candidates = [Path(named)] if named else []
    candidates += [path / "bin" / f"python{version}" for path in reversed(others)]
    return next((path for path in candidates if _is(path, version)), None)


def _is(path: Path, version: str) -> bool:
    """Whether it runs, and is what its name says: pyenv leaves stand-ins on PATH for what is not active."""
    ask = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-I", "-c", ask], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return False
    return done.stdout.strip() == version


def check(version: str, python: Path) -> str:
    """Install, run nbval and papermill; a line about it.

    Raises:
        Failed: with what the command that failed said.
    """
    began = time.monotonic()
    inside, fresh = _environment(version, python)
    installed = time.monotonic()
    notebooks = [str(path) for path in NOTEBOOKS]
    with tempfile.TemporaryDirectory() as folder:
        words = ["-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", "-c", os.devnull]
        said = _run([inside, "-m", "pytest", *words, "--rootdir", str(ROOT / "notebooks"), *notebooks], folder)
        _run([inside, "-c", PAPERMILL, version, *notebooks], folder)
    ended = time.monotonic()
    cells = said.strip().splitlines()[-1].strip("= ").partition(" in ")[0]
    made = f", its environment in {installed - began:.0f} s" if fresh else ""
    return f"{version} ({python}): nbval {cells}; papermill {len(notebooks)} notebooks; {ended - installed:.0f} s{made}"


def _environment(version: str, python: Path) -> tuple[Path, bool]:
    """An environment with drskit in it, and whether it had to be made; our own where it is of this Python."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}" and importlib.util.find_spec("nbval"):
        return Path(sys.executable), False
    folder = CACHE / version
    inside, stamp = folder / "bin" / "python", folder / "made-of"
    parts = [python.resolve(), (ROOT / "constraints.txt").read_text(), (ROOT / "pyproject.toml").read_text()]
    wanted = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return inside, False
    shutil.rmtree(folder, ignore_errors=True)
    _run([python, "-m", "venv", "--without-pip", str(folder)], str(ROOT))
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "install", "--quiet", "--no-compile"]
    _run([*pip, "-c", "constraints.txt", "-e", ".[kit]", "nbval"], str(ROOT))
    stamp.write_text(wanted)
    return inside, True


def _run(words: "list[str | Path]", folder: str) -> str:
    """What a command says on stdout, away from the settings of whoever runs it."""
    apart = {"JUPYTER_PREFER_ENV_PATH": "1", "IPYTHONDIR": folder, "PYTHONPATH": "", "VIRTUAL_ENV": ""}
    apart |= {"DRSKIT_RUNS": folder}  # nbval's kernels work in the folder of the notebook
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env=bare_environment() | apart, capture_output=True, text=True,
        check=False, timeout=LONGEST_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{' '.join(map(str, words[:3]))} … ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Check what was asked for, else every supported version."""
    parser = argparse.ArgumentParser(prog="python -m tests.pythons", description="Run the notebooks on each Python.")
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"any of {', '.join(supported())}")
    wanted = parser.parse_args().versions or supported()
    unknown = sorted(set(wanted) - set(supported()))
    if unknown:
        parser.error(f"drskit does not support {', '.join(unknown)}; it supports {', '.join(supported())}")
    found = {version: find(version) for version in wanted}
    for version in wanted:
        if found[version] is None:
            print(f"{version}: not on this machine, skipped", flush=True)  # noqa: T201 - printing is its work
    there = {version: python for version, python in found.items() if python is not None}
    if not there:
        parser.error("none of them is on this machine")
    with ThreadPoolExecutor(len(there)) as pool:
        ends = {version: pool.submit(check, version, python) for version, python in there.items()}
    failed = [f"{version}: {error}" for version, end in ends.items() if (error := end.exception())]
    lines = [end.result() for end in ends.values() if not end.exception()]
    print("\n".join([*lines, *failed]))  # noqa: T201
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
