"""What every shipped notebook is like: for people, for papermill, and clean."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import papermill
import pytest

from drskit.discovery import DiscoveryParameters
from drskit.drill import DrillParameters
from drskit.parameters import check_parameters, read_declared
from drskit.planner import PlannerParameters
from drskit.watching import WatchParameters
from tests.harness import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DRILL = ROOT / "notebooks" / "03-run-a-drill.ipynb"
MODELS = {"03-run-a-drill": DrillParameters, "04-watch-executions": WatchParameters}
MOST_CODE_CELLS = 12
MOST_LINES = 10
BANNED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request) -> Any:
    """A shipped notebook."""
    return json.loads(request.param.read_text(encoding="utf-8"))


def code_of(notebook: Any) -> list[Any]:
    """Its code cells."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_drill_notebook_is_shipped():
    """The tests below would pass over an empty folder."""
    assert DRILL in NOTEBOOKS


def test_a_notebook_is_committed_without_outputs(notebook):
    """Executed copies are evidence, and lie elsewhere."""
    assert [] == [cell for cell in code_of(notebook) if cell["outputs"] or cell["execution_count"] is not None]


def test_a_notebook_asks_for_the_kernel_that_everyone_has(notebook):
    """Jupyter Scheduler refuses one without a kernelspec."""
    assert ("python3", "python") == (
        notebook["metadata"]["kernelspec"]["name"],
        notebook["metadata"]["kernelspec"]["language"],
    )


def test_a_notebook_has_one_cell_of_parameters(notebook):
    """Literals only, one a line, each with a type and a comment that says what it is for."""
    (cell,) = [cell for cell in code_of(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    lines = "".join(cell["source"]).splitlines()
    statements = ast.parse("".join(cell["source"])).body
    assert len(lines) == len(statements)
    assert [] == [line for line in lines if "  # " not in line]
    for statement in statements:
        assert isinstance(statement, ast.AnnAssign)
        ast.literal_eval(statement.value)


def test_a_notebook_is_thin(notebook):
    """A dozen cells of ten lines, but for the parameters; what needs a function is a missing function in drskit."""
    cells = code_of(notebook)
    assert len(cells) <= MOST_CODE_CELLS
    for cell in cells:
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= MOST_LINES or "parameters" in cell["metadata"].get("tags", [])
        assert [] == [line for line in source.splitlines() if line.lstrip().startswith(("!", "%"))]
        tree = compile(source, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert [] == [node for node in ast.walk(tree) if isinstance(node, BANNED)]
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert {"drskit"} >= {(getattr(node, "module", None) or "import").split(".")[0] for node in imported}


def test_every_code_cell_has_a_sentence_before_it(notebook):
    """Notebooks are for people."""
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert "markdown" == kinds[0]
    assert "".join(notebook["cells"][0]["source"]).startswith("# ")
    first_code_cells = [index for index, kind in enumerate(kinds) if kind == "code" and kinds[index - 1] != "code"]
    assert all("markdown" == kinds[index - 1] for index in first_code_cells)


def test_drskit_reads_the_parameters_that_papermill_reads(notebook):
    """With the types that stand there, so that nothing is checked by guess; a model knows all of them."""
    path = next(path for path in NOTEBOOKS if json.loads(path.read_text(encoding="utf-8")) == notebook)
    declared = read_declared(path)
    assert set(papermill.inspect_notebook(str(path))) == set(declared.types)
    assert Any not in declared.types.values()
    if declared.model is not None:
        assert set(declared.types) == set(declared.model.model_fields)


@pytest.mark.parametrize(("name", "model"), MODELS.items())
def test_papermill_sees_every_parameter(name, model):
    """Papermill drops without a word what it cannot read: names and defaults are those of the model."""
    inferred = papermill.inspect_notebook(str(ROOT / "notebooks" / f"{name}.ipynb"))
    assert set(model.model_fields) == set(inferred)
    assert model().model_dump() == {name: ast.literal_eval(found["default"]) for name, found in inferred.items()}
    assert [] == [
        name for name, found in inferred.items() if not found["help"] or found["inferred_type_name"] == "None"
    ]


def test_the_call_for_airflow_that_the_docs_show_has_parameters_that_the_notebook_takes():
    """Word for word, with the time that Airflow fills in."""
    page = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    call = ast.parse(block).body[-1]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.value.keywords}
    assert {"task_id", "input_nb", "output_nb", "parameters"} == set(given)
    assert DRILL.name == Path(given["input_nb"]).name
    parameters = given["parameters"] | {
        "slot": given["parameters"]["slot"].replace("{{ ts }}", "2026-03-02T03:00:00+00:00")
    }
    assert parameters == check_parameters(DRILL, parameters)


def test_the_contract_names_these_parameters():
    """What callers rely on."""
    promised = {"runbook", "simulate", "world", "speed", "approvals", "execution_id", "output_dir"}
    assert promised <= set(DrillParameters.model_fields)
    assert Path(DrillParameters().runbook).parts[0] == "runbooks"


@pytest.mark.parametrize(
    ("name", "model"), [("01-discover-servers", DiscoveryParameters), ("02-plan-a-recovery", PlannerParameters)]
)
def test_papermill_sees_every_parameter_of_planning(name, model):
    """Names and defaults are those of the model, and each says what it is for."""
    inferred = papermill.inspect_notebook(str(ROOT / "notebooks" / f"{name}.ipynb"))
    assert set(model.model_fields) == set(inferred)
    assert model().model_dump() == {key: ast.literal_eval(found["default"]) for key, found in inferred.items()}
    assert [] == [key for key, found in inferred.items() if not found["help"] or found["inferred_type_name"] == "None"]
