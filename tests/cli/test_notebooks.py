"""`drskit run`: any notebook headless, its lines in a log, its copy here or in S3."""

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cli.shell import BIN, Shell, bare_environment

HOSTILE = "\\x1b[31mred\\u202e"


def write_notebook(folder: Path, *cells: str, name: str = "some.ipynb", parameters: str = "") -> str:
    """A notebook of these cells."""
    sources = [parameters, *cells]
    made = [
        {"cell_type": "code", "id": f"c{number}", "execution_count": None, "outputs": [], "source": source,
         "metadata": {} if number else {"tags": ["parameters"]}}
        for number, source in enumerate(sources)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    text = json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    (folder / name).write_text(text, encoding="utf-8")
    return name


def outputs(notebook: Any) -> str:
    """What the cells of an executed notebook printed."""
    return "".join("".join(output.get("text", "")) for cell in notebook["cells"] for output in cell.get("outputs", ()))


def test_a_notebook_runs_with_parameters_and_logs_its_lines(shell):
    """Values have their types, each printed line is a harmless line on stderr, and the copy's name is the result."""
    cells = (
        f"print(repr([plan, dry, tags]))\nprint('a', end='')\nprint('b')\nprint('{HOSTILE}')\nprint('end', end='')",
    )
    parameters = "plan: str = 'x'  # p\ndry: bool = True  # d\ntags: list = []  # t"
    name = write_notebook(shell.folder, *cells, name="{odd} name.ipynb", parameters=parameters)
    given = ("-p", "plan", "007", "-p", "dry", "no", "-p", "tags", "a,b")
    done = shell.run("run", name, *given, "--output", "made/for/it/{plan}.ipynb")
    assert "made/for/it/{plan}.ipynb\n" == done.stdout
    first, *lines = done.stderr.splitlines()
    assert first.startswith(f"Running {name}; the executed copy is ")
    assert ["['007', False, ['a', 'b']]", "ab", "[31mred", "end"] == lines
    copy = json.loads((shell.folder / "made/for/it/{plan}.ipynb").read_text(encoding="utf-8"))
    assert "['007', False, ['a', 'b']]" in outputs(copy)


def test_a_cell_that_raises_ends_the_run_with_its_code(shell):
    """An error of drskit's own with that error's code, any other with 3; the copy is written."""
    code = "from drskit.errors import NotCompleted\nraise NotCompleted('It waits for a person.')"
    name = write_notebook(shell.folder, code)
    found = shell.json("run", name, "--output", "a.ipynb", code=1)
    assert {"Notebook": "a.ipynb", "Error": "It waits for a person.", "Runs": []} == found
    name = write_notebook(shell.folder, "1 / 0")
    done = shell.run("run", name, "--output", "b.ipynb", code=3)
    assert "raised ZeroDivisionError: division by zero. The notebook holds the traceback." in done.stderr
    assert (shell.folder / "b.ipynb").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "ended: Kernel died. The cell that ran last may say why."),
        ("raise SystemExit(0)", "ended the notebook by itself, and what follows did not run."),
    ],
)
def test_a_notebook_that_ends_before_its_last_cell_is_no_success(shell, code, words):
    """Whether its kernel is killed, as for want of memory, or a cell leaves; the copy is written all the same."""
    name = write_notebook(shell.folder, "print('begun')", code, "print('never')")
    done = shell.run("run", name, "--output", "a.ipynb", code=3)
    assert (True, False) == (words in done.stderr, "never" in done.stderr)
    assert "begun" in outputs(json.loads((shell.folder / "a.ipynb").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-p", "dry", "perhaps"), "parameter dry cannot be 'perhaps'"),
        (("-p", "dri", "no"), "has no parameter 'dri'. It has dry."),
        (("-p", "dry", "no", "-p", "dry", "yes"), "Parameter dry is given twice: 'no' and 'yes'. Keep one."),
        (("--output", "."), ". is a folder. Name a file in it that ends in .ipynb."),
        (("--output", "gs://drills/x.ipynb"), "is neither a file nor a place in S3"),
        (("--output", "s3://Drills/x.ipynb"), "is no place in S3. Write s3://BUCKET/KEY"),
        (("--output", "s3://drills/x.html"), "is no name for a notebook. End it in .ipynb"),
    ],
)
def test_what_cannot_be_run_is_refused_before_a_kernel_starts(shell, words, expected):
    """With 2, and nothing is written."""
    name = write_notebook(shell.folder, "raise SystemExit", parameters="dry: bool = True")
    assert expected in shell.complaint("run", name, *words)
    assert [name] == [path.name for path in shell.folder.iterdir()]


# --- S3: moto's, behind the simulator's endpoint, over HTTP ----------------------------------------------------------


@dataclass(frozen=True)
class Bucket:
    """A bucket of a simulated world."""

    name: str
    client: Any

    def kinds(self) -> dict[str, str]:
        """What it holds, with its kinds."""
        listed = [item["Key"] for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]
        return {key: self.client.head_object(Bucket=self.name, Key=key)["ContentType"] for key in listed}

    def text(self, key: str) -> str:
        """What stands under a key."""
        body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body.decode()


NUMBERS = count()


@pytest.fixture
def bucket(open_shell) -> Iterator[tuple[Shell, Bucket]]:
    """A terminal in a world with a bucket; its name is new, for moto knows one name in one world of a process only."""
    shell = open_shell(tables=False)
    keys = {"aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
    client = boto3.Session(**keys).client("s3", region_name="us-west-2", endpoint_url=shell.server.url)
    name = f"drills-{next(NUMBERS)}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    yield shell, Bucket(name, client)
    client.close()


def test_a_bucket_that_does_not_exist_is_said_before_the_kernel_starts(bucket):
    """With 2: whoever called must correct it. The same for a drill, which launches nothing then."""
    shell, there = bucket
    name = write_notebook(shell.folder, "raise SystemExit")
    said = shell.run("run", name, "--output", "s3://nope/x.ipynb", code=2).stderr
    assert "s3://nope/x.ipynb cannot be written: there is no bucket nope. Create it, or correct the address." in said
    shell.run("tables", "create")
    said = shell.complaint("drill", "tiny.yaml", "--yes", "--output", "s3://nope/there")
    assert "s3://nope/there cannot be written: there is no bucket nope." in said
    assert ([], {}) == (shell.json("executions", "list"), there.kinds())


def test_a_run_to_s3_takes_its_evidence_along(bucket):
    """The executed notebook under its key, or a new name in a folder; and each run that it wrote, beside it."""
    shell, there = bucket
    run = shell.folder / "runs" / "01K"
    run.mkdir(parents=True)
    for file in ("report.html", "execution.json"):
        (run / file).write_text(f"the {file}", encoding="utf-8")
    told = {"application/vnd.drskit.run+json": {"Folder": str(run)}, "text/plain": "run"}
    show = f"from IPython.display import display\ndisplay({told!r}, raw=True)"
    name = write_notebook(shell.folder, show, "1 / 0")
    found = shell.json("run", name, "--output", f"s3://{there.name}/2026/", code=3)
    key = found["Notebook"].removeprefix(f"s3://{there.name}/")
    assert key.startswith("2026/some-01")
    assert [f"s3://{there.name}/2026/01K"] == found["Runs"]
    kinds = {"2026/01K/report.html": "text/html; charset=utf-8", "2026/01K/execution.json": "application/json"}
    assert kinds | {key: "binary/octet-stream"} == there.kinds()
    assert "the report.html" == there.text("2026/01K/report.html")
    copy = json.loads(there.text(key))
    assert ["ZeroDivisionError"] == [
        o["ename"] for c in copy["cells"] for o in c.get("outputs", ()) if o["output_type"] == "error"
    ]
    assert not list((shell.folder / "runs").glob("*.ipynb"))


def test_what_s3_does_not_take_is_kept_here(bucket):
    """The notebook and the run stay on this machine, each is named, and the run ends with 3."""
    shell, there = bucket
    run = shell.folder / "runs" / "01K"
    run.mkdir(parents=True)
    (run / "report.html").write_text("the report", encoding="utf-8")
    show = "from IPython.display import display\ndisplay({'application/vnd.drskit.run+json': {'Folder': %r}}, raw=True)"
    delete = (
        "import boto3\ns3 = boto3.client('s3')\n"
        f"s3.delete_object(Bucket='{there.name}', Key='x.ipynb')\ns3.delete_bucket(Bucket='{there.name}')"
    )
    name = write_notebook(shell.folder, show % str(run), delete)
    done = shell.run("run", name, "--output", f"s3://{there.name}/x.ipynb", code=3)
    (kept,) = (shell.folder / "runs").glob("some-*.ipynb")
    assert [str(kept), str(run)] == done.stdout.splitlines()
    assert f"The executed notebook is {kept} instead." in done.stderr
    assert f"The run is in {run}." in done.stderr
    assert "01K" in kept.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_drill_leaves_a_copy_of_its_run_in_s3(bucket):
    """Every file of it; what is printed ends with the place."""
    shell, there = bucket
    shell.run("tables", "create")
    done = shell.run("drill", "tiny.yaml", "--simulate", "--output", f"s3://{there.name}/nightly")
    (listed,) = shell.json("executions", "list")
    place = f"nightly/{listed['ExecutionId']}"
    assert f"s3://{there.name}/{place}" == done.stdout.splitlines()[-1]
    names = {path.name for path in (shell.folder / "runs" / listed["ExecutionId"]).iterdir()}
    assert {"report.html", "execution.json", "notebook.ipynb"} <= names
    assert {f"{place}/{name}" for name in names} == set(there.kinds())


@pytest.mark.slow
def test_a_run_that_is_told_to_stop_ends_with_143(tmp_path):
    """SIGTERM in the middle of a cell: its `finally` runs, the copy is written, and there is no traceback."""
    wait = (
        "import threading\ntry:\n    print('begun', flush=True)\n    threading.Event().wait(60)\n"
        "finally:\n    open('tidied', 'w').close()"
    )
    name = write_notebook(tmp_path, wait)
    process = subprocess.Popen(
        [BIN / "drskit", "run", name, "--output", "copy.ipynb"], cwd=tmp_path, env=bare_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert any(line == "begun\n" for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (143, "") == (process.returncode, out)
    assert f"Interrupted. What ran so far is in {tmp_path / 'copy.ipynb'}.\n" == err
    assert (tmp_path / "tidied").exists()
    assert "begun" in outputs(json.loads((tmp_path / "copy.ipynb").read_text(encoding="utf-8")))
