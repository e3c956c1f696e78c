"""A real Jupyter server with Jupyter Scheduler in it, spoken to through its REST interface."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drskit.clock import wait_until
from tests.cli.shell import bare_environment
from tests.harness import ROOT

FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
TOKEN = "only-this-test"
OVER = {"COMPLETED", "FAILED"}
"""A job that was just made may say STOPPED before it runs; it never ends so unless somebody stops it."""


class Server:
    """A Jupyter server that runs jobs; the shipped notebooks lie in its root."""

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.root = root

    def ask(self, path: str, body: object = None) -> Any:
        """What the REST interface answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"token {TOKEN}", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def environment(self) -> str:
        """The name of the environment that runs jobs."""
        (found,) = self.ask("/scheduler/runtime_environments")
        return str(found["name"])

    def create(self, notebook: str, **parameters: str) -> str:
        """Create a job that runs at once; values are expressions of Python. Its id."""
        wanted = {
            "name": notebook, "input_uri": notebook, "runtime_environment_name": self.environment(),
            "output_formats": ["ipynb", "html"], "parameters": parameters,
        }  # fmt: skip
        return str(self.ask("/scheduler/jobs", wanted)["job_id"])

    def await_job(self, job_id: str) -> tuple[str, Any]:
        """Poll until a job is over; its status, and the notebook that it executed."""
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(self.ask(f"/scheduler/jobs/{job_id}"))
            return found["status"] in OVER

        assert wait_until(over, timeout_seconds=180, every_seconds=0.2), found
        self.ask(f"/scheduler/jobs/{job_id}/download_files?redownload=1")
        assert wait_until(lambda: self._downloaded(job_id), timeout_seconds=30, every_seconds=0.1), found
        (path,) = self._outputs(job_id)
        contents = self.ask(f"/api/contents/{path}")
        return str(found["status"]), contents["content"]

    def _outputs(self, job_id: str) -> list[str]:
        """Where a job's executed notebook is, from the root, once it was downloaded."""
        files = self.ask(f"/scheduler/jobs/{job_id}")["job_files"]
        return [file["file_path"] for file in files if file["file_format"] == "ipynb" and file["file_path"]]

    def _downloaded(self, job_id: str) -> bool:
        return bool(self._outputs(job_id))


@contextmanager
def jupyter(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Serve, with these variables in the environment of its jobs, and stop it with all that it started."""
    root = folder / "root"
    root.mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}", "--ServerApp.jpserver_extensions=jupyterlab=False",
        "--ServerApp.jpserver_extensions=jupyter_scheduler=True",
    ]  # fmt: skip
    apart = {name: str(folder / name.lower()) for name in FOLDERS}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = bare_environment() | apart | {"PATH": path} | dict(variables or {})
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=root, stdout=log, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", root)
    try:
        assert wait_until(lambda: _answers(server), timeout_seconds=60), (folder / "server.log").read_text()
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _answers(server: Server) -> bool:
    try:
        return bool(server.ask("/api/status"))
    except OSError:
        return False
