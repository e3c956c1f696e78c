"""The house keeps its directions: who may import whom, and what nobody may.

Read from the source, so that an import inside a function counts as well; one
under TYPE_CHECKING counts as a direction, and loads nothing.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "drskit").rglob("*.py"))
ORDER = ("errors", "model", "states", "engine", "poller", "session", "cli")
"""Each may import those before it, and none after it."""
ADAPTERS = ("store", "aws", "sim")
PURE = (
    "errors", "model", "states", "decide", "edit", "launches", "witness", "history", "planning", "runbook", "waves",
    "approvers", "runbookspec", "contradictions", "written", "pacing", "steps", "progress",
    "questions", "budgetspec", "costs", "money", "sizes", "forecast",
    "messages", "notices", "noticing", "notifyspec", "record",
    "stuck", "texts", "bounds", "cadence", "guard", "ports", "seals", "settings", "verify",
)  # fmt: skip
SESSION_LEVEL = ("simulation", "cli", "deploy", "pytest_plugin")
HEAVY = {
    "boto3",
    "botocore",
    "pydantic",
    "moto",
    "papermill",
    "pandas",
    "IPython",
    "ipywidgets",
    "jinja2",
    "yaml",
    "rich",
}
OUTSIDE = {"boto3", "botocore", "moto", "urllib", "socket", "http", "requests", "subprocess"}


def name_of(path: Path) -> str:
    """A module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere in it; `from a import b` counts as a, and as a.b."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(module: str) -> str:
    """The part of the house that a module belongs to: `drskit.aws.clients` is of aws."""
    return module.split(".")[1] if module.startswith("drskit.") else ""


def parts(path: Path) -> set[str]:
    """The parts of the house that a file imports."""
    return {part_of(module) for module in imports(path)} - {""}


def outside(path: Path) -> set[str]:
    """The packages that a file imports, besides drskit."""
    return {module.partition(".")[0] for module in imports(path)} - {"drskit"}


def files_of(*names: str) -> list[Path]:
    found = [path for path in FILES if part_of(name_of(path)) in names]
    assert set(names) == {part_of(name_of(path)) for path in found}
    return found


@cache
def reached(part: str) -> frozenset[str]:
    """Every part that a part imports, near and far."""
    graph = {name: set().union(*(parts(path) for path in files_of(name))) for name in all_parts()}
    seen: set[str] = set()
    waiting = {part}
    while waiting:
        for name in graph[waiting.pop()] & set(graph):
            if name not in seen:
                seen.add(name)
                waiting.add(name)
    return frozenset(seen - {part})


def all_parts() -> set[str]:
    return {part_of(name_of(path)) for path in FILES} - {""}


# --- directions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_imports_go_one_way(number):
    """In this order: errors <- model <- states <- engine <- poller <- session <- cli, near and far."""
    later = set(ORDER[number + 1 :])
    assert set() == later & reached(ORDER[number])


@pytest.mark.parametrize("part", ADAPTERS)
def test_adapters_never_import_the_engine(part):
    """store, aws and sim know the nouns and the ports, and nobody above."""
    assert set() == {"engine", "poller", "session", "cli", "drill", "simulation"} & reached(part)


def test_no_adapter_imports_another():
    """Least of all the simulator, which is reached through boto3 alone."""
    for part in ADAPTERS:
        assert set() == (set(ADAPTERS) - {part}) & reached(part)


def test_only_session_level_code_knows_the_simulator():
    """So the same code runs in rehearsal and in earnest."""
    users = {part_of(name_of(path)) for path in FILES if "sim" in parts(path)} - {"sim"}
    assert users <= set(SESSION_LEVEL)


@pytest.mark.parametrize("path", files_of(*PURE), ids=name_of)
def test_the_core_is_pure(path):
    """No network, no table, no AWS, no clock: what it needs is handed to it."""
    assert set() == outside(path) & OUTSIDE
    assert set() == parts(path) & {*ADAPTERS, "clock", "session", "engine", "poller"}


@pytest.mark.parametrize(
    "path", [*files_of("report"), ROOT / "drskit/views/rows.py", ROOT / "drskit/views/words.py"], ids=name_of
)
def test_reports_and_rows_are_pure(path):
    """An execution in, text or rows out: no AWS, no tables, no simulator, no clock."""
    assert set() == outside(path) & OUTSIDE
    assert set() == parts(path) & {*ADAPTERS, "clock", "session", "engine", "poller"}
    assert set() == clock_readings(path)


def test_no_module_imports_itself_in_a_circle():
    """Whole modules, imports at the top: each can be imported first."""
    names = {name_of(path) for path in FILES}
    graph = {name_of(path): set(top_imports(path)) & names - {name_of(path)} for path in FILES}
    while ready := [name for name, needs in graph.items() if not needs]:
        for name in ready:
            del graph[name]
        for needs in graph.values():
            needs.difference_update(ready)
    assert {} == graph


def top_imports(path: Path) -> Iterator[str]:
    """What a module imports while it is itself imported."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = {name_of(other) for other in FILES}
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in names else str(node.module) for name in whole)


# --- one place for each -----------------------------------------------------------------------------------------------


def clock_readings(path: Path) -> set[str]:
    """Calls such as datetime.now(): where a module reads time by itself."""
    return {
        ast.unparse(node.func)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    }


def test_only_the_clock_reads_time():
    """`time` is imported nowhere else, and nobody asks datetime for the present."""
    assert {"drskit.clock"} == {name_of(path) for path in FILES if "time" in outside(path)}
    assert {"drskit.clock"} == {name_of(path) for path in FILES if clock_readings(path)}


def test_only_one_module_makes_clients():
    """boto3 is imported in one place, so retries, timeouts and signatures are decided in one place."""
    assert {"drskit.aws.clients"} == {name_of(path) for path in FILES if "boto3" in outside(path)}


def test_only_the_session_reads_the_environment():
    """Settings are handed on as values."""
    readers = {
        name_of(path)
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert {"drskit.session"} == readers


# --- the start of the command line -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_command_line_starts_light(arguments):
    """Nothing heavy is imported before it is needed."""
    program = (
        "import sys\nfrom drskit.cli import main\n"
        f"try:\n    main({arguments!r}, prog_name='drskit')\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stderr))
    assert "drskit" in done.stdout
    assert set() == HEAVY & loaded


# --- docstrings ------------------------------------------------------------------------------------------------------


def undocumented(node: ast.AST, name: str) -> Iterator[str]:
    """Public classes, functions and methods without a docstring, in a module or a public class."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            overloaded = any("overload" in ast.unparse(mark) for mark in getattr(child, "decorator_list", ()))
            if not ast.get_docstring(child) and not overloaded:
                yield f"{name}.{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from undocumented(child, f"{name}.{child.name}")


def test_everything_public_says_what_it_is():
    """Every module, public class, function and method has a docstring whose first line is a sentence."""
    silent = [name_of(path) for path in FILES if not ast.get_docstring(tree_of(path))]
    silent += [name for path in FILES for name in undocumented(tree_of(path), name_of(path))]
    assert [] == silent
