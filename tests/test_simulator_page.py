"""docs/simulator.md: every command on it is run, in its order, and does what the page says."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drskit.sim import parse_world
from tests.cli.shell import BIN, bare_environment
from tests.harness import ROOT

PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
PORT = "4599"
CURL = """\
import sys, urllib.request
words = sys.argv[1:]
data = words[words.index("-d") + 1].encode() if "-d" in words else None
method = words[words.index("-X") + 1] if "-X" in words else None
print(urllib.request.urlopen(urllib.request.Request(words[-1], data=data, method=method), timeout=30).read().decode())
"""
"""Stands in for curl on a machine that has none."""


def blocks(language: str) -> list[str]:
    """The blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every command, in its order."""
    return [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with the programs of this environment first, and a curl."""
    (tmp_path / "bin").mkdir()
    if shutil.which("curl") is None:
        (tmp_path / "bin" / "curl.py").write_text(CURL)
        (tmp_path / "bin" / "curl").write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/bin/curl.py "$@"\n')
        (tmp_path / "bin" / "curl").chmod(0o755)
    return tmp_path


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Nothing of this machine's AWS settings."""
    return bare_environment() | {"PATH": f"{folder / 'bin'}:{BIN}:{os.environ['PATH']}"}


@pytest.fixture
def port() -> str:
    """A free one; the page's own may be taken."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return str(tried.getsockname()[1])


@pytest.fixture
def served(folder: Path, environment: dict[str, str], port: str) -> Iterator[None]:
    """The page's first command, in a terminal of its own."""
    first = commands()[0].replace(PORT, port)
    assert first.startswith("drskit sim serve ")
    with subprocess.Popen(first.split(), cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("# ready at ") for line in process.stdout)
        yield
        process.terminate()


@pytest.mark.slow
def test_every_command_of_the_page_works(served, folder, environment, port):
    """One after the other in one shell; what each prints is what its place on the page says."""
    rest = [line.replace(PORT, port) for line in commands()[1:] if "--state" not in line]
    script = "set -eu\n" + "\n".join(f"echo '+++'\n{line}" for line in rest)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    printed = dict(zip(rest, done.stdout.split("+++\n")[1:], strict=True))
    wanted = {
        "aws drs describe-source-servers": "shop-database-1",
        'curl -s -d \'{"sleep"': "09:15:00",
        "aws drs describe-jobs": "COMPLETED\tLAUNCHED",
        "aws drs describe-recovery-instances": "i-0",
        "aws ec2 describe-instances": "running",
        "drskit sim show failing": "conversion-denied",
        "drskit sim validate --schema": '"generate"',
        "drskit sim snapshot": "mine.yaml",
    }
    for start, text in wanted.items():
        (found,) = (out for line, out in printed.items() if line.startswith(start))
        assert text in found, (start, found)


def test_the_worlds_of_the_page_are_valid():
    """With as many servers as they say."""
    (text,) = blocks("yaml")
    spec = parse_world(text.replace("from: …, until: …", ""), name="docs/simulator.md")
    assert (51, 2) == (len(spec.servers), len(spec.faults))


def test_the_test_of_the_page_passes(tmp_path):
    """As another project would write it."""
    (text,) = blocks("python")
    (tmp_path / "test_page.py").write_text(text)
    words = ("-m", "pytest", "-q", "-p", "drskit.pytest_plugin", "-p", "no:cacheprovider")
    environment = bare_environment() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
