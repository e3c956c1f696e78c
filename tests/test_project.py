"""What the project's files promise: that they agree with each other, with the code and with what is installed."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from rattler import MatchSpec

from drskit.cli import COMMANDS as CLI
from drskit.nesting import models_in
from drskit.runbook import parse_runbook
from drskit.runbookspec import RunbookSpec
from drskit.settings import VARIABLES, Settings
from drskit.states import ATTEMPT, EXECUTION, RETRY_EXECUTION, RETRY_SERVER, RETRY_WAVE, SERVER, TASK, WAVE, diagram
from tests.harness import final, house, started

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
README = (ROOT / "README.md").read_text()
ACTIONS_PAGE = (ROOT / "docs" / "actions.md").read_text()
RUNBOOK_PAGE = (ROOT / "docs" / "runbook.md").read_text()
SETTINGS_PAGE = (ROOT / "docs" / "settings.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
LATER = "(not supported yet)"
SOURCES = sorted((ROOT / "drskit").rglob("*.py"))
PROVIDED_BY = {
    "botocore": "boto3",
    "pydantic_core": "pydantic",
    "ulid": "python-ulid",
    "yaml": "pyyaml",
    "IPython": "ipykernel",
    "traitlets": "ipykernel",
    "markupsafe": "jinja2",
    "werkzeug": "moto",
    "mypy_boto3_drs": "boto3-stubs",
    "mypy_boto3_dynamodb": "boto3-stubs",
    "mypy_boto3_ec2": "boto3-stubs",
    "mypy_boto3_s3": "boto3-stubs",
    "mypy_boto3_sts": "boto3-stubs",
    "rattler": "py-rattler",
    "nbformat": "nbval",
    "packaging": "pytest",
    "crontab": "python-crontab",
}
"""Packages that are imported under another name than that of the distribution which brings them."""
BEHIND_MOTO = {f"drskit/sim/{name}.py" for name in ("inbox", "gateway", "estate", "keeping", "still")}
"""With `sim/backend/` the modules that `sim/opening.py` imports only once a world is opened."""


def requirements(*extras: str) -> dict[str, Requirement]:
    """The direct dependencies: the core's, or those of extras."""
    lines = [line for extra in extras for line in EXTRAS[extra]] if extras else PYPROJECT["project"]["dependencies"]
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in parsed if one.name != "drskit"}


def pins() -> dict[str, str]:
    """The versions of constraints.txt."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines), lines
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}


# --- pyproject.toml and constraints.txt ------------------------------------------------------------------------------


def test_constraints_hold_every_direct_dependency_inside_its_range():
    """Each is exact, and pip never has to choose between the two files."""
    fixed = pins()
    for name, wanted in {**requirements(), **requirements("kit", "lab", "test")}.items():
        assert name in fixed, f"{name} is in no line of constraints.txt"
        assert wanted.specifier.contains(fixed[name]), f"{name} {fixed[name]} is outside {wanted.specifier}"
    assert "drskit" not in fixed


def test_constraints_name_no_index():
    """Where packages come from is the machine's business."""
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"://|@|--|file:", text)


def test_every_dependency_has_a_lower_bound():
    """What has never been tried is not allowed."""
    for name, wanted in {**requirements(), **requirements("kit", "lab", "test")}.items():
        assert any(part.operator == ">=" for part in wanted.specifier), name


def test_the_wheel_takes_notebooks_and_runbooks_along():
    """An installed drskit finds them where `resources.py` looks."""
    taken = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"notebooks": "drskit/data/notebooks", "runbooks": "drskit/data/runbooks"} == taken


def test_the_source_distribution_can_build_the_wheel():
    """Whatever the wheel takes along is in it."""
    included = set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    assert {"drskit", "notebooks", "runbooks"} <= included
    assert all((ROOT / name).exists() for name in included)


# --- imports ---------------------------------------------------------------------------------------------------------


def imported(path: Path) -> Iterator[tuple[str, bool, bool]]:
    """Every foreign package that a file imports: its name, whether on loading, whether only for the type checker."""
    yield from _imported(ast.parse(path.read_text()), on_loading=True, typing_only=False)


def _imported(node: ast.AST, *, on_loading: bool, typing_only: bool) -> Iterator[tuple[str, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        names = [alias.name for alias in child.names] if isinstance(child, ast.Import) else []
        names += [child.module or ""] if isinstance(child, ast.ImportFrom) else []
        for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"drskit", "tests"}:
            yield name, on_loading and not typing_only, typing_only
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _imported(child, on_loading=on_loading and not inside, typing_only=typing_only or checking)


def distribution(package: str) -> str:
    """The distribution that brings a package."""
    return canonicalize_name(PROVIDED_BY.get(package, package))


def behind_moto(path: Path) -> bool:
    """Whether a file is loaded only with moto."""
    name = path.relative_to(ROOT).as_posix()
    return name in BEHIND_MOTO or name.startswith("drskit/sim/backend/")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_core_loads_without_the_kit(path):
    """What a file imports on loading is a dependency of the core; what the kit brings waits until it is needed."""
    core, kit = set(requirements()), set(requirements("kit"))
    for package, on_loading, typing_only in imported(path):
        allowed = core | kit if not on_loading or behind_moto(path) else core
        allowed = allowed | set(requirements("test")) if typing_only else allowed
        allowed = allowed | {"pytest"} if path.name == "pytest_plugin.py" else allowed  # which pytest alone loads
        assert distribution(package) in allowed, f"{package} is not declared where {path.name} needs it"


def test_the_test_extra_brings_what_the_tests_import():
    """A fresh environment of the test extra runs them all."""
    declared = set(requirements()) | set(requirements("kit", "lab", "test"))
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for package, _, _ in imported(path):
            assert distribution(package) in declared, f"{package}, which {path.relative_to(ROOT)} imports"


def test_the_command_line_works_without_the_kit():
    """With the core alone a runbook is validated, and a drill says what to install."""
    hidden = [name for name in requirements("kit") if name != "jinja2"] + ["jinja2", "IPython", "werkzeug"]
    hide = f"import sys; sys.modules.update(dict.fromkeys({hidden!r})); from drskit.cli import main; main()"
    run = [sys.executable, "-c", hide]
    runbook = str(ROOT / "runbooks" / "shop.yaml")
    valid = subprocess.run([*run, "validate", runbook], capture_output=True, text=True, check=False)
    assert (0, "") == (valid.returncode, valid.stderr)
    drill = subprocess.run([*run, "drill", runbook, "--simulate"], capture_output=True, text=True, check=False)
    assert 2 == drill.returncode
    assert "pip install 'drskit[kit]'" in drill.stderr


# --- environment.yml -------------------------------------------------------------------------------------------------

CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
SPECS = [line for line in CONDA["dependencies"] if isinstance(line, str)]


def test_the_conda_environment_asks_conda_forge_alone():
    """No channel that asks for a licence slips in."""
    assert ["conda-forge", "nodefaults"] == CONDA["channels"]
    assert "drskit" == CONDA["name"]


@pytest.mark.parametrize("line", SPECS)
def test_conda_understands_every_line(line):
    """Each is a valid MatchSpec, with the name and range of pyproject.toml where both name it."""
    spec = MatchSpec(line)
    name = spec.name.normalized if hasattr(spec.name, "normalized") else str(spec.name)
    known = {**requirements(), **requirements("kit", "lab", "test")}
    if name in known:
        assert set(str(known[name].specifier).split(",")) == set(str(spec.version).split(","))
    else:
        assert name in {"python", "pip"}


def test_conda_brings_what_the_stack_is_made_of():
    """The rest, drskit included, comes by pip, which stands before its block."""
    names = {re.split(r"[ =<>]", line)[0] for line in SPECS}
    wanted = {"python", "boto3", "papermill", "ipywidgets", "pandas", "pydantic", "moto", "pytest", "nbval", "pip"}
    assert wanted <= names
    assert {"pip": ["-e .[lab,test]"]} == CONDA["dependencies"][-1]
    assert "pip" == CONDA["dependencies"][-2]
    python = next(line for line in SPECS if line.startswith("python "))
    assert "python =3.13" == python
    assert f"Programming Language :: Python :: {python.partition('=')[2]}" in PYPROJECT["project"]["classifiers"]


# --- LICENSE, CHANGELOG, README, CONTRIBUTING ------------------------------------------------------------------------


def test_the_license_is_apache_2():
    """The text is the one that pyproject.toml names."""
    text = (ROOT / "LICENSE").read_text()
    assert "Apache-2.0" == PYPROJECT["project"]["license"]
    assert re.match(r"\s*Apache License\s+Version 2\.0, January 2004", text)


def test_the_changelog_has_a_place_for_what_comes_next():
    """An Unreleased section stands first."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert "[Unreleased]" == headings[0]


def test_the_readme_can_be_read_in_one_go():
    """It stays under 200 lines."""
    assert len(README.splitlines()) < 200


@pytest.mark.parametrize(
    "drawn", [diagram(EXECUTION, RETRY_EXECUTION), diagram(WAVE, RETRY_WAVE)], ids=["execution", "wave"]
)
def test_the_readme_draws_the_states_as_they_are(drawn):
    """The diagram is printed from the tables."""
    assert drawn in README


@pytest.mark.parametrize(
    "drawn", [diagram(ATTEMPT), diagram(SERVER, RETRY_SERVER), diagram(TASK)], ids=["attempt", "server", "task"]
)
def test_contributing_draws_the_states_as_they_are(drawn):
    """The diagram is printed from the tables."""
    assert drawn in CONTRIBUTING


def fenced(text: str, language: str) -> str:
    """The one block of a language in a page."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.mark.parametrize("page", [README, RUNBOOK_PAGE], ids=["README.md", "runbook.md"])
def test_a_runbook_that_is_shown_drills_in_the_shops_world(page):
    """It is not merely valid."""
    runbook = parse_runbook(fenced(page, "yaml"), source="a page")
    with house("shop") as home:
        execution = home.session.start(runbook)
        home.finish()
        assert "COMPLETED" == final(home, execution).status


def test_the_page_of_the_runbook_shows_every_key():
    """Those that are supported, and no other."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", ACTIONS_PAGE, re.MULTILINE | re.DOTALL)
    shown = fenced(RUNBOOK_PAGE, "yaml") + "".join(blocks)
    assert set(keys(RunbookSpec)) <= set(re.findall(r"([a-z0-9_]+):", shown))


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a part of a runbook that is not refused as not supported yet."""
    for name, field in model.model_fields.items():
        if refused(field):
            continue
        yield field.alias or name
        for part in models_in(field.annotation):
            yield from keys(part)


def refused(field: FieldInfo) -> bool:
    """Whether any value of it is refused."""
    return any(
        isinstance(check, BeforeValidator) and check.func.__qualname__.startswith("later") for check in field.metadata
    )


def test_the_readme_tells_every_command():
    """Those that work stand in the table, those that do not in the list of what is missing."""
    _, _, missing = README.partition("## What drskit does not do yet")
    table = README.partition("## Commands")[2].partition("\n## ")[0]
    for name, (_, text) in CLI.items():
        assert re.search(rf"\b{name}\b", missing if LATER in text else table), name
        assert (f"`{name}`" in missing) == (LATER in text), name


def test_the_page_of_the_settings_tells_every_one():
    """With its variable and its key."""
    for name in [*VARIABLES, *set(Settings.model_fields)]:
        assert f"`{name}`" in SETTINGS_PAGE, name


def test_contributing_has_a_line_for_every_module():
    """Whoever opens a file's folder finds it in the house."""
    lines = {line.split()[0] for line in CONTRIBUTING.splitlines() if line.startswith("  ")}
    for path in SOURCES:
        if not path.name.startswith("__"):
            assert path.name in lines, f"{path.relative_to(ROOT)} is not in CONTRIBUTING.md"


def test_links_lead_somewhere():
    """Every link to a file of the project finds it."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links {target}"


# --- the IAM policy --------------------------------------------------------------------------------------------------


def test_the_policy_allows_every_call_that_a_drill_makes():
    """DynamoDB's transactions are authorised by the actions inside them; GetCallerIdentity by nothing."""
    policy = json.loads(fenced((ROOT / "docs" / "first-real-account.md").read_text(), "json"))
    allowed = {action for part in policy["Statement"] for action in as_list(part["Action"])}
    called: set[str] = set()
    with house("captured-drill") as home:
        session = home.another_session()
        session.clients._session.events.register(
            "before-call", lambda event_name, **_: called.add(":".join(event_name.split(".")[1:]))
        )
        session.create_tables()
        execution = started(home)
        home.finish(session)
        session.history(execution.execution_id)
    called = {name.replace("service-quotas:", "servicequotas:") for name in called}  # as IAM spells it
    free = {"sts:GetCallerIdentity", "dynamodb:TransactWriteItems"}
    assert called - free <= allowed
    assert "drs:StartRecovery" in called
    if "dynamodb:TransactWriteItems" in called:
        assert {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"} <= allowed


def as_list(value: str | list[str]) -> list[str]:
    """IAM takes one or several."""
    return [value] if isinstance(value, str) else value


# --- the CI script ---------------------------------------------------------------------------------------------------


def test_the_ci_script_runs_every_check():
    """It stops at the first failure, installs the exact versions, and ends with pytest's own last line."""
    path = ROOT / ".ci" / "run"
    lines = path.read_text().splitlines()
    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in lines
    assert any("-c constraints.txt -e '.[test]'" in line for line in lines)
    checks = ["ruff check", "ruff format --check", "mypy", "python -m tests.pythons", "pytest", "pytest -m slow -n 3"]
    assert checks == lines[-len(checks) :]
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_sentences_tell_times_as_people_read_them():
    """`2026-03-02 09:00:00Z`, never with a T: in a sentence `moment` stands, and `utc` only in keys and in JSON."""
    found = [
        f"{path.name}: {line.strip()}"
        for path in SOURCES
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"[ (]\{utc\(", line)
    ]
    assert [] == found
