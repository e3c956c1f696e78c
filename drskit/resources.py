"""Where files are found: in the working folder, else among those that drskit ships."""

from pathlib import Path

from drskit.errors import InvalidInput

PACKAGE = Path(__file__).parent
PLACES = (PACKAGE / "data", PACKAGE.parent)
"""In an installed package the data beside the code; in a checkout the folder around it."""


def find_file(name: str) -> Path:
    """A file by a path, or one that drskit ships by its path in the project, as in `runbooks/shop.yaml`.

    Raises:
        InvalidInput: it is nowhere.
    """
    path = Path(name)
    candidates = [path] if path.is_absolute() else [path, *(place / path for place in PLACES)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise InvalidInput(f"{name} is a folder. Name a file in it.")
    where = "" if path.is_absolute() else f" in {Path.cwd()}, and drskit ships none of that name"
    raise InvalidInput(f"{name} does not exist{where}. Shipped: {', '.join(_shipped(path))}.")


def _shipped(path: Path) -> list[str]:
    """What is shipped in the folder that the path names, or else of its kind, by paths that `find_file` takes."""
    kind = "notebooks" if path.suffix == ".ipynb" else "runbooks/worlds" if path.parent.name == "worlds" else "runbooks"
    for place in PLACES:
        if (place / kind).is_dir():
            return sorted(f"{kind}/{entry.name}" for entry in (place / kind).iterdir() if entry.is_file())
    return ["nothing"]


def shipped_runbooks() -> list[str]:
    """The runbooks that drskit ships, by paths that `find_file` takes."""
    return [name for name in _shipped(Path("runbooks/any.yaml")) if name.endswith(".yaml")]


def find_world(name: str) -> Path:
    """A world by its path, or a shipped one by its bare name, as in `shop`.

    Raises:
        InvalidInput: it is nowhere.
    """
    return find_file(name if Path(name).suffix or Path(name).is_file() else f"runbooks/worlds/{name}.yaml")


def default_world(runbook: Path, plan_id: str) -> Path:
    """The world of a plan: `worlds/<plan>.yaml` beside its runbook, else the shipped one.

    Raises:
        InvalidInput: there is none.
    """
    beside = runbook.parent / "worlds" / f"{plan_id}.yaml"
    if beside.is_file():
        return beside
    try:
        return find_file(f"runbooks/worlds/{plan_id}.yaml")
    except InvalidInput as error:
        raise InvalidInput(
            f"Plan {plan_id} has no world to be simulated in: {beside} does not exist. Name one with --world."
        ) from error
