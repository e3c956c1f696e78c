"""A real JupyterLab with a real browser, for tests.

The server has folders of its own for every setting, so that nothing of the
machine's user is read or changed. Each notebook lies in a folder of its own: its
kernel works there, and so its runs and worlds are apart from all others.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat

from drskit.clock import wait_until
from drskit.resources import find_file

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DRILL = "03-run-a-drill"
KERNEL_IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
SOON = 120_000
"""How long anything may take on a loaded machine, in milliseconds; all of it is waited for, nothing slept."""
SETTINGS = {
    "notification": {"fetchNews": "false", "checkForUpdates": False},
    "themes": {"theme": "JupyterLab Light", "adaptive-theme": False},
}


@contextmanager
def jupyterlab(folder: Path, theme: str = "JupyterLab Light") -> Iterator["Lab"]:
    """Serve a JupyterLab that knows nothing but `folder`, and stop it with all its kernels and worlds."""
    root = folder / "root"
    root.mkdir(parents=True)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    for name, value in (SETTINGS | {"themes": {"theme": theme}}).items():
        (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(value))
    _leave_out_scheduler(folder / "jupyter_config_dir")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True", "--KernelManager.shutdown_wait_time=2",
    ]  # fmt: skip
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=_environment(folder), stdout=log, stderr=subprocess.STDOUT)
    lab = Lab(f"http://127.0.0.1:{port}", root)
    try:
        assert wait_until(lambda: _answers(f"{lab.url}/api"), timeout_seconds=SOON / 1000), (
            folder / "server.log"
        ).read_text()
        yield lab
    finally:
        server.terminate()
        server.wait(20)
        lab.end_worlds()


def _leave_out_scheduler(config: Path) -> None:
    """It has tests of its own; here it would only take its time at every start and in every page."""
    (config / "labconfig").mkdir(parents=True)
    server = {"ServerApp": {"jpserver_extensions": {"jupyter_scheduler": False}}}
    (config / "jupyter_server_config.json").write_text(json.dumps(server))
    page = {"disabledExtensions": {"@jupyterlab/scheduler": True}}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(page))


def _environment(folder: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRSKIT_", "JUPYTER"))}
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    apart = {name: str(folder / name.lower()) for name in names}
    return ours | apart | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


class Lab:
    """A JupyterLab that runs."""

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.root = root

    def add(
        self, name: str, notebook: str = DRILL, environment: dict[str, str] | None = None, **parameters: object
    ) -> Path:
        """Copy a shipped notebook with these parameters into a folder of its own, as `it.ipynb`; return the folder.

        Its kernel gets the environment with the parameters.
        """
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        found = nbformat.read(find_file(f"notebooks/{notebook}.ipynb"), as_version=4)
        place = next(i for i, cell in enumerate(found.cells) if "parameters" in cell.metadata.get("tags", ()))
        values = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
        if environment:
            values += f"\nimport os; os.environ.update({environment!r})"
        found.cells.insert(place + 1, nbformat.v4.new_code_cell(values))
        nbformat.write(found, folder / "it.ipynb")
        return folder

    def worlds(self) -> list[int]:
        """The processes of the worlds that notebooks started."""
        return [json.loads(record.read_text())["pid"] for record in self.root.glob("*/runs/.worlds/*.json")]

    def end_worlds(self) -> None:
        """End them all."""
        pids = [pid for pid in self.worlds() if alive(pid)]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        assert wait_until(lambda: not any(map(alive, pids)), timeout_seconds=20)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
