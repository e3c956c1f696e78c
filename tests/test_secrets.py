"""No secret of the environment stands in anything that a drill leaves or says.

One drill with a failure runs from start to report, in processes of their own
whose environment holds canaries; then everything that they wrote and printed
is searched, as a person with a hex editor would. What must be found, the
execution's id and who started it, is looked for in the same way.
"""

import json
import re
import shutil
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from drskit.clock import VirtualClock
from drskit.printing import NAMES
from drskit.sim import serve
from tests.cli.plans import runbook, world
from tests.cli.shell import Shell
from tests.report.pdf import pages_of

STARTER = "casey-who-is-no-secret"
CANARIES = {
    "AWS_ACCESS_KEY_ID": "AKIACANARYKEYID00001",
    "AWS_SECRET_ACCESS_KEY": "canary/aws+secret/key=0000000000000002==",
    "AWS_SESSION_TOKEN": "canary/aws+session/token=" + "0003" * 60 + "==",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "canary container token 0004",
    "DB_PASSWORD": 'canary"database<password>&0005',
    "GITHUB_TOKEN": "ghp_canary0006",
    "API_KEY": "canary-api-key-0007",
    "HTTPS_PROXY": "http://canary-user:canary-proxy-password-0008@127.0.0.1:9",
    "JUPYTER_TOKEN": "canary-jupyter-token-0009",
}
FORMATS = ("html", "md", "json", "csv")
NOTEBOOK = "reported.ipynb"


@dataclass(frozen=True)
class Left:
    """What a drill and its report left."""

    execution_id: str
    files: dict[str, list[bytes]]
    """By name, as it stands in the file, and as people read it where that is something else."""
    said: dict[str, bytes]
    """By command, what it printed on either stream."""

    def all(self) -> dict[str, list[bytes]]:
        """Both."""
        return self.files | {name: [text] for name, text in self.said.items()}


def spellings(text: str) -> Iterator[bytes]:
    """A text plain, URL-encoded, as JSON and HTML write it, and in the midst of Base64 of either alphabet."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = {text, quote(text), quote(text, safe=""), json.dumps(text)[1:-1], escaped, escaped.replace('"', "&#34;")}
    yield from (spelling.encode() for spelling in plain | {escaped.replace('"', "&quot;")})
    for before in range(3):
        coded = b64encode(b"." * before + text.encode())
        middle = coded[(0, 2, 3)[before] : len(coded) // 4 * 4 - 4]
        yield from (middle, middle.replace(b"+", b"-").replace(b"/", b"_"))


def holds(told: list[bytes], text: str) -> bool:
    """Whether a text stands in any of these, however it is spelled and whatever its case."""
    lowered = [part.lower() for part in told]
    return any(spelling.lower() in part for spelling in spellings(text) for part in lowered)


def read(path: Path) -> list[bytes]:
    """What a file holds, and what people read in it."""
    content = path.read_bytes()
    if path.suffix == ".ipynb":
        outputs = [cell.get("outputs", []) for cell in json.loads(content)["cells"]]
        return [content, str(outputs).encode()]
    return [content, *(page.encode() for page in pages_of(content))] if path.suffix == ".pdf" else [content]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """What notebooks 03 and 05 and the commands that show a drill leave in a folder and on their streams."""
    folder = tmp_path_factory.mktemp("secrets")
    formats = [*FORMATS, "pdf"] if any(map(shutil.which, NAMES)) else FORMATS
    spec = world({"fails": "conversion-denied"}, {})
    with serve(spec, VirtualClock(spec.start_time)) as server:
        own = {"DRSKIT_USER": STARTER, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        shell = Shell(folder, server.environment() | CANARIES | own, server)
        shell.write("tiny.yaml", runbook([1, 2]))
        drilled = shell.process("drskit", "drill", "tiny.yaml", "--simulate", "--output", "runs", timeout=300)
        assert 1 == drilled.returncode, drilled.stderr
        (run,) = (folder / "runs").iterdir()
        more = ("-p", "formats", " ".join(formats), "--output", NOTEBOOK)
        words = ("run", "notebooks/05-report-a-drill.ipynb", "-p", "run", f"runs/{run.name}", *more)
        reported = shell.process("drskit", *words, timeout=300)
        assert 0 == reported.returncode, reported.stderr
        said = {"drill": drilled.stdout + drilled.stderr, "run": reported.stdout + reported.stderr}
        shown = [("executions", "show", run.name), ("executions", "list", "--json"), ("verify", f"runs/{run.name}")]
        shown += [("report", run.name, "--format", name) for name in FORMATS]
        said |= {" ".join(command): shell.run(*command).output for command in shown}
        yield Left(
            run.name,
            {str(path.relative_to(folder)): read(path) for path in folder.rglob("*") if path.is_file()},
            {words: text.encode() for words, text in said.items()},
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", CANARIES)
def test_no_secret_stands_in_anything_that_is_left(left, name):
    """Neither a file, nor a report of any format, nor a line of a log holds it, plain or encoded."""
    assert [] == [where for where, told in left.all().items() if holds(told, CANARIES[name])]


@pytest.mark.slow
def test_what_is_no_secret_is_found_there(left):
    """The same search finds the execution in all that is about it, and who started it: the environment was read."""
    formats = {f"report.{name}" for name in (*FORMATS, "pdf" if any(map(shutil.which, NAMES)) else "html")}
    kept = {f"runs/{left.execution_id}/{name}" for name in {"execution.json", "notebook.ipynb"} | formats}
    found = {where for where, told in left.all().items() if holds(told, left.execution_id)}
    assert found >= kept | {NOTEBOOK} | left.said.keys()
    started = {where for where, told in left.all().items() if holds(told, STARTER)}
    assert started >= {f"runs/{left.execution_id}/{name}" for name in ("execution.json", "report.html")}
    assert "missing EC2 permissions" in re.sub(r"\s+", " ", left.said["drill"].decode())


@pytest.mark.parametrize("name", CANARIES)
def test_the_search_sees_through_encodings(name):
    """Alone or in the midst of something, in each of the spellings that it promises."""
    secret = CANARIES[name]
    for text in (secret, secret.upper(), quote(secret, safe=""), quote(secret), json.dumps([secret])):
        assert holds([f"Authorization: {text};".encode()], secret)
    for before in ("", "user:", "some-user:", "a-user:"):
        assert holds([b"Basic " + b64encode(f"{before}{secret} and more".encode())], secret)
    assert not holds([b"nothing of it", secret[:-5].encode()], secret)
