"""A report as PDF, printed by a Chromium that is installed.

No browser is a dependency of drskit and none is fetched: where there is no
Chromium, the error says what to do. The browser gets the page as a file in a
folder of its own, an environment with nothing in it, and no network; the page itself
forbids scripts.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from drskit.errors import InvalidInput, MissingProgram

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Looked for on PATH, in this order."""
OLDEST = 131
"""The first version that repeats SIMULATED or REAL on every page: it knows the margin boxes of CSS."""
TIMEOUT_SECONDS = 120
FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
    "--disable-sync", "--disable-background-networking", "--disable-component-update", "--disable-breakpad",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)  # fmt: skip
VERSION = re.compile(r"(\d+)\.\d+\.\d+")
REMEDY = (
    "Install Chromium (on Debian: apt install chromium), or name its program in DRSKIT_CHROMIUM; or print the HTML "
    "report from any browser."
)


def find_chromium(chosen: str | None = None) -> Path:
    """The browser that prints: the chosen one, else the first on PATH.

    Raises:
        MissingProgram: there is none, or not where it was said to be.
    """
    if chosen is not None:
        found = shutil.which(chosen)
        if found is None:
            raise MissingProgram(f"The Chromium that was chosen, {chosen}, is no program. {REMEDY}")
        return Path(found)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise MissingProgram(f"A PDF needs Chromium or Chrome, and PATH has none of {', '.join(NAMES)}. {REMEDY}")


def print_pdf(html: str, browser: Path) -> bytes:
    """The page as PDF.

    Raises:
        MissingProgram: the browser is too old.
        InvalidInput: the browser printed nothing; the message has its last words.
    """
    with tempfile.TemporaryDirectory(prefix="drskit-print-") as name:
        folder = Path(name)
        page, target = folder / "report.html", folder / "report.pdf"
        page.write_text(html, encoding="utf-8", errors="backslashreplace")
        _require_version(browser, folder)
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        profile = f"--user-data-dir={folder / 'profile'}"
        said = _run([str(browser), *FLAGS, *root, profile, f"--print-to-pdf={target}", page.as_uri()], folder)
        found = target.read_bytes() if target.is_file() else b""
        if not found.startswith(b"%PDF-"):
            raise InvalidInput(f"{browser} printed no PDF. It said: {said.strip()[-500:] or 'nothing'}. {REMEDY}")
        return found


def _require_version(browser: Path, folder: Path) -> None:
    said = _run([str(browser), "--version"], folder)
    found = VERSION.search(said)
    if found and int(found.group(1)) < OLDEST:
        raise MissingProgram(
            f"{browser} is version {found.group(1)}, and a report needs {OLDEST} or later: older ones do not print "
            f"SIMULATED or REAL on every page. {REMEDY}"
        )


def _run(command: list[str], folder: Path) -> str:
    """What the program said; nothing of this process's environment is handed on."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8"}, check=False,
            capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
    except OSError as error:
        raise MissingProgram(f"{command[0]} cannot be started: {error.strerror}. {REMEDY}") from error
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(f"{command[0]} did not end within {TIMEOUT_SECONDS} s. {REMEDY}") from error
    return done.stdout + done.stderr
