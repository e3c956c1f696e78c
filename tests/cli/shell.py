"""A terminal to test in: a folder, an environment without AWS, and `drskit`."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from drskit.cli import main
from drskit.sim.server import WorldServer

BIN = Path(sys.executable).parent
BARE = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
"""Nothing of this machine's AWS settings is seen."""


def bare_environment() -> dict[str, str]:
    """This process's environment without any setting of AWS or drskit."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRSKIT_"))}
    return kept | BARE


class Terminal(io.BytesIO):
    """What a person types, at what says that it is a terminal."""

    def isatty(self) -> bool:
        """A person is there."""
        return True


@dataclass
class Shell:
    """Runs drskit's commands in a folder."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    server: WorldServer | None = None

    def run(
        self, *words: str, code: int = 0, variables: Mapping[str, str] | None = None, typed: str | None = None
    ) -> Result:
        """Run a command in this process; it must end with this code, and never with a traceback.

        What is typed, if anything is, comes from a terminal.
        """
        told = {name: None for name in os.environ if name.startswith(("AWS_", "DRSKIT_"))}
        told |= BARE | self.variables | (variables or {})
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            result = CliRunner().invoke(
                main, list(words), env=told, catch_exceptions=False,
                input=None if typed is None else Terminal(typed.encode()),
            )  # fmt: skip
        finally:
            os.chdir(before)
        assert (code, "") == (result.exit_code, "" if result.exit_code == code else result.output)
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        """What a command prints as JSON; nothing else may stand on stdout."""
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def complaint(self, *words: str, code: int = 2, **variables: str) -> str:
        """What a command that must fail says; its stdout stays empty."""
        result = self.run(*words, code=code, variables=variables)
        assert (result.stdout, "Traceback" in result.stderr) == ("", False)
        return result.stderr

    def process(self, *words: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run a command in a process of its own."""
        return subprocess.run(
            [str(BIN / words[0]), *words[1:]], cwd=self.folder, env=bare_environment() | self.variables,
            capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip

    def write(self, name: str, text: str) -> str:
        """Put a file into the folder; its name comes back."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def start(self, runbook: str, *more: str) -> str:
        """Start a drill; its ExecutionId."""
        found: str = self.json("start", runbook, *more)["ExecutionId"]
        return found

    def finish(self, execution_id: str, *, code: int = 0) -> Any:
        """Poll until nothing is left but decisions of people; the execution as it is then."""
        self.run("poll", "--until-idle", code=code)
        return self.json("executions", "show", execution_id)
