"""`python -m tests.pythons`: which Pythons it looks for, and which it finds."""

import os
import sys

from tests.pythons import find, supported

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_every_version_that_the_package_supports_is_asked_for():
    """As pyproject.toml names them; what runs these tests is one."""
    assert {"3.11", "3.12", "3.13"} <= set(supported())
    assert HERE in supported()


def test_an_interpreter_is_found_by_what_it_is_and_not_by_its_name(tmp_path, monkeypatch):
    """On PATH, else among pyenv's, the newest first; a stand-in that runs nothing is passed over."""
    fakes = {"bin": "3.99", "pyenv/versions/3.99.2/bin": "9.9", "pyenv/versions/3.99.10/bin": "3.99"}
    for folder, version in fakes.items():
        (tmp_path / folder).mkdir(parents=True)
        fake = tmp_path / folder / "python3.99"
        fake.write_text(f"#!/bin/sh\necho {version if folder != 'bin' else 'not active >&2'}\n")
        fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert tmp_path / "pyenv/versions/3.99.10/bin/python3.99" == find("3.99")
    assert None is find("3.98")
