"""Parameters of notebooks: names and types are strict, and a complaint says what to write."""

import json
from pathlib import Path
from typing import Any

import pytest

from drskit.drill import DrillParameters
from drskit.errors import InvalidInput
from drskit.parameters import check_parameters, read_declared
from tests.harness import ROOT

CELL = """
plan: str = "shop"  # text
dry: bool = True
count: int = 3
share: float = 0.5
tags: list = []
ports: list[int] = [22]
pair: tuple[int, ...] = ()
more: dict = {}
maybe: int | None = None
quoted: "Optional[float]" = None
name: str | None = None
mode: Literal["ask", "all"] = "ask"
place: pathlib.Path = "runs"
vague: Optional = 5
odd: 7 = 7
plain = 7
anything = None
computed = len("x")
"""
DRILL = ROOT / "notebooks" / "03-run-a-drill.ipynb"


def notebook(folder: Path, cell: str = CELL, **metadata: object) -> Path:
    """A notebook with this cell of parameters."""
    path = folder / "some.ipynb"
    cells = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell.splitlines(keepends=True)}]
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("plan", "007", "007"),
        ("plan", "True", "True"),
        ("dry", "no", False),
        ("dry", "false", False),
        ("dry", "off", False),
        ("dry", "1", True),
        ("dry", False, False),
        ("count", "007", 7),
        ("share", "1", 1.0),
        ("tags", '["a", "b,c"]', ["a", "b,c"]),
        ("tags", "a, b", ["a", "b"]),
        ("tags", "7", ["7"]),
        ("tags", "", []),
        ("ports", "22,443", [22, 443]),
        ("pair", "[1, 2]", [1, 2]),
        ("more", '{"a": 1}', {"a": 1}),
        ("maybe", "None", None),
        ("maybe", "5", 5),
        ("quoted", "null", None),
        ("name", "None", "None"),
        ("mode", "all", "all"),
        ("place", "here", "here"),
        ("vague", "6", 6),
        ("odd", "6", 6),
        ("plain", "8", 8),
        ("anything", "no", "no"),
        ("computed", "no", "no"),
    ],
)
def test_a_text_becomes_what_the_notebook_declares(tmp_path, name, text, value):
    """Also where papermill sees no type, as in `int | None`, or takes a text for a number."""
    found = check_parameters(notebook(tmp_path), {name: text})[name]
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("dry", "perhaps", "Input should be a valid boolean, unable to interpret input. Write true or false."),
        ("count", "3.5", "Write a whole number, such as 3."),
        ("share", "half", "Write a number, such as 0.5."),
        ("tags", '{"a": 1}', 'Write a list as JSON, such as ["a", "b"], or its words between commas.'),
        ("ports", "22,ssh", "Write a whole number, such as 3."),
        ("more", "a=1", 'Write an object as JSON, such as {"key": "value"}.'),
        ("maybe", "some", "Write a whole number, such as 3."),
        ("mode", "yes", "Input should be 'ask' or 'all'."),
        ("plan", 7, "Write a text."),
        ("dry", "\x1b[31m\u202e", "Write true or false."),
    ],
)
def test_what_cannot_be_taken_is_named_with_what_to_write(tmp_path, name, text, words):
    """The notebook, the parameter, the value as it was given, and the remedy."""
    path = notebook(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        check_parameters(path, {name: text})
    said = str(caught.value)
    assert said.startswith(f"{path}: parameter {name} cannot be {text!r}: ")
    assert said.endswith(words)
    assert said.isprintable()


def test_a_name_that_the_notebook_lacks_is_refused(tmp_path):
    """With those that it has."""
    with pytest.raises(InvalidInput, match=r"has no parameter 'drry'\. It has plan, dry, count"):
        check_parameters(notebook(tmp_path), {"drry": "no"})
    with pytest.raises(InvalidInput, match="It has none"):
        check_parameters(notebook(tmp_path, cell=""), {"drry": "no"})


def test_the_model_of_a_shipped_notebook_checks_its_values():
    """More than the types of its cell: what no kernel needs to be started for."""
    assert DrillParameters is read_declared(DRILL).model
    asked: dict[str, Any] = {"simulate": "no", "replace": "i-1,i-2", "speed": "60"}
    assert {"simulate": False, "replace": ["i-1", "i-2"], "speed": 60.0} == check_parameters(DRILL, asked)
    for name, text, words in [
        ("approvals", "yes", "Input should be 'ask' or 'all'"),
        ("execution_id", "17", "write a ULID, 26 digits and capital letters, or leave it empty"),
        ("speed", "-1", "greater than or equal to 0"),
    ]:
        with pytest.raises(InvalidInput, match=f"parameter {name} cannot be '{text}': .*{words}"):
            check_parameters(DRILL, {name: text})


def test_a_shipped_model_takes_what_its_own_notebook_takes():
    """A list or a mapping in the model's own way of reading it, not only in that of the cell's type."""
    asked = {"changes": '{"waves[Web].timeout": "PT30M"}', "save": "no"}
    wanted = {"changes": {"waves[Web].timeout": "PT30M"}, "save": False}
    assert wanted == check_parameters(ROOT / "notebooks" / "02-plan-a-recovery.ipynb", asked)
    assert {"changes": {}} == check_parameters(ROOT / "notebooks" / "02-plan-a-recovery.ipynb", {"changes": ""})


def test_a_copy_may_have_parameters_that_the_model_does_not_know(tmp_path):
    """Whoever adds one to the cell gets it checked by its type."""
    path = notebook(
        tmp_path, "speed: float = 1.0\nmine: int = 1\n", drskit={"parameters": "drskit.drill:DrillParameters"}
    )
    assert {"speed": 2.0, "mine": 3} == check_parameters(path, {"speed": "2", "mine": "3"})
    with pytest.raises(InvalidInput, match="has no parameter 'simulate'"):
        check_parameters(path, {"simulate": "no"})


@pytest.mark.parametrize("named", ["os:system", "drskit.drill:Drill", "drskit.nope:Model", "drskit.drill:Nope", 7])
def test_a_notebook_cannot_name_just_anything_as_its_model(tmp_path, named):
    """It is not imported unless it is drskit's."""
    with pytest.raises(InvalidInput, match=r"drskit has no such model\. Take `drskit\.parameters` out of its metadata"):
        check_parameters(notebook(tmp_path, drskit={"parameters": named}), {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "cannot be read as a notebook: Expecting value"),
        ("[]", "it is JSON without a notebook's cells"),
        ('{"metadata": {}}', "it is JSON without a notebook's cells"),
        (
            '{"metadata": {}, "cells": [{"metadata": {"tags": ["parameters"]}, "source": "a b"}]}',
            "line 1 of its parameters",
        ),
    ],
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path, text, words):
    """Whatever it holds instead."""
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=words):
        check_parameters(path, {})
    with pytest.raises(InvalidInput, match="No such file or directory"):
        check_parameters(tmp_path / "none.ipynb", {})
