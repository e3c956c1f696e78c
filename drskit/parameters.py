"""What the parameters of a notebook may be, checked before a kernel is started.

A notebook declares them in its cell tagged `parameters`. One that drskit ships
also names, in its metadata, the model that its first call checks them by.
Papermill would pass "no" for a bool as a true text, turn the text 007 into 7,
and inject a misspelt name with a warning only.
"""

import ast
import importlib
import json
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from drskit.errors import InvalidInput

PLAIN: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict, "tuple": tuple, "set": set,
    "None": None, "Any": Any, "Optional": Optional, "Union": Union, "Literal": Literal,
}  # fmt: skip
"""The words that an annotation is understood by; any other leaves the type to the default."""
NOTHING = ("", "None", "null")
"""What stands for None where a parameter may be None and is no text."""
REMEDIES = {
    "bool": "Write true or false",
    "int": "Write a whole number, such as 3",
    "float": "Write a number, such as 0.5",
    "list": 'Write a list as JSON, such as ["a", "b"], or its words between commas',
    "dict": 'Write an object as JSON, such as {"key": "value"}',
    "string": "Write a text",
}
"""What to write, by how pydantic's name of the fault begins."""


@dataclass(frozen=True)
class Declared:
    """The parameters of a notebook, by name."""

    types: Mapping[str, Any]
    model: type[BaseModel] | None = None
    """Checks those that it knows; None for a notebook that names none."""


def check_parameters(source: Path, given: Mapping[str, object]) -> dict[str, object]:
    """The given parameters as values of the types that the notebook declares.

    Raises:
        InvalidInput: the notebook cannot be read, has no such parameter, or cannot take a value.
    """
    known = read_declared(source)
    for name in given:
        if name not in known.types:
            raise InvalidInput(f"{source} has no parameter {name!r}. It has {', '.join(known.types) or 'none'}.")
    fields = known.model.model_fields if known.model else {}
    modelled = {name: value for name, value in given.items() if name in fields}
    typed = {name: value for name, value in given.items() if name not in fields}
    values = {name: _fitting(source, name, value, known.types[name]) for name, value in typed.items()}
    return values | (_by_model(source, known.model, modelled) if known.model else {})


def read_declared(source: Path) -> Declared:
    """What a notebook declares.

    Raises:
        InvalidInput: it cannot be read.
    """
    if source.suffix != ".ipynb":
        raise InvalidInput(f"{source} is no notebook. Name a file that ends in .ipynb.")
    try:
        notebook = json.loads(source.read_text(encoding="utf-8"))
        tagged = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ())]
        cell = "".join(tagged[0]["source"]) if tagged else ""
        named = notebook["metadata"].get("drskit", {}).get("parameters")
    except OSError as error:
        raise InvalidInput(f"{source} cannot be read as a notebook: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInput(f"{source} cannot be read as a notebook: {str(error).rstrip('.')}.") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{source} cannot be read as a notebook: it is JSON without a notebook's cells.") from error
    try:
        statements = ast.parse(cell).body
    except SyntaxError as error:
        place = f"line {error.lineno} of its parameters cell"
        raise InvalidInput(f"{source}: {place} is no Python: {error.msg}. Mend the cell.") from error
    return Declared(_types(statements), _model(source, named) if named else None)


def _types(statements: list[ast.stmt]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in statements:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            understood = _annotation(statement.annotation)
            vague = understood in {NotImplemented, Optional, Union, Literal}
            found[statement.target.id] = _of_default(statement.value) if vague else understood
        elif isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(names, _of_default(statement.value))
    return found


def _annotation(node: ast.expr) -> Any:
    """The type that an annotation writes down; NotImplemented when it is more than drskit's simple words.

    Nothing of the notebook is evaluated.
    """
    if isinstance(node, ast.Constant):
        plain = node.value if node.value in {None, ...} else NotImplemented
        return _text_annotation(node.value) if isinstance(node.value, str) else plain
    if isinstance(node, ast.Name | ast.Attribute):
        return PLAIN.get(node.id if isinstance(node, ast.Name) else node.attr, NotImplemented)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _subscribed(Union, (_annotation(node.left), _annotation(node.right)))
    if isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        outer = _annotation(node.value)
        return _literal(inside) if outer is Literal else _subscribed(outer, tuple(map(_annotation, inside)))
    return NotImplemented


def _text_annotation(text: str) -> Any:
    try:
        return _annotation(ast.parse(text, mode="eval").body)
    except SyntaxError:
        return NotImplemented


def _literal(inside: list[ast.expr]) -> Any:
    values = tuple(part.value for part in inside if isinstance(part, ast.Constant))
    return Literal[values] if len(values) == len(inside) else NotImplemented


def _subscribed(outer: Any, inside: tuple[Any, ...]) -> Any:
    if outer is NotImplemented or NotImplemented in inside:
        return NotImplemented
    try:
        return outer[inside if len(inside) > 1 else inside[0]]
    except TypeError:
        return NotImplemented


def _of_default(node: ast.expr | None) -> Any:
    """The type of a literal; what is none, or None, may be anything."""
    try:
        value = ast.literal_eval(node) if node is not None else None
    except ValueError:
        return Any
    return Any if value is None else type(value)


def _model(source: Path, named: object) -> type[BaseModel]:
    """The model that a notebook of drskit's names as `drskit.module:Model`."""
    module, _, name = str(named).partition(":")
    model: object = None
    if module.split(".")[0] == "drskit":  # any other module of a stranger's notebook is not ours to import
        with suppress(ImportError):
            model = getattr(importlib.import_module(module), name, None)
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise InvalidInput(
            f"{source} names {named!r} in its metadata as the model of its parameters, and drskit has no such model. "
            "Take `drskit.parameters` out of its metadata, or correct it."
        )
    return model


def _fitting(source: Path, name: str, value: object, wanted: Any) -> object:
    """A value of the wanted type, as pydantic's lax mode makes it from text too."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(wanted)
        return adapter.dump_python(adapter.validate_python(_untied(value, wanted)), mode="json")
    except ValidationError as error:
        raise _complaint(source, name, value, error) from error


def _untied(value: object, wanted: Any) -> object:
    """A text as what it stands for where no text is wanted: nothing, a list, or an object."""
    parts = get_args(wanted) if get_origin(wanted) in {Union, types.UnionType} else (wanted,)
    if not isinstance(value, str) or str in parts or wanted is Any:
        return value
    if type(None) in parts and value in NOTHING:
        return None
    kinds = {get_origin(part) or part for part in parts}
    if dict in kinds or kinds & {list, tuple, set}:
        return _listed(value, words=bool(kinds & {list, tuple, set}))
    return value


def _listed(text: str, *, words: bool) -> object:
    """JSON, or words between commas."""
    try:
        found = json.loads(text)
    except ValueError:
        return [word.strip() for word in text.split(",") if word.strip()] if words else text
    if words and not isinstance(found, list | dict):
        return [word.strip() for word in text.split(",") if word.strip()]
    return found


def _by_model(source: Path, model: type[BaseModel], given: dict[str, object]) -> dict[str, object]:
    try:
        values = model.model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else ", ".join(given)
        raise _complaint(source, name, given.get(name), error) from error
    return {name: values[name] for name in given}


def _complaint(source: Path, name: str, value: object, error: ValidationError) -> InvalidInput:
    fault = error.errors()[0]
    remedy: Callable[[str], bool] = fault["type"].startswith
    advice = next((f". {words}" for kind, words in REMEDIES.items() if remedy(kind)), "")
    return InvalidInput(f"{source}: parameter {name} cannot be {value!r}: {fault['msg'].rstrip('.')}{advice}.")
