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
    shipped = ", ".join(sorted(f"{path.parent}/{entry.name}" for entry in _beside(path))) or "none of that kind"
    raise InvalidInput(f"{name} does not exist, neither in {Path.cwd()} nor among the shipped files ({shipped}).")


def _beside(path: Path) -> list[Path]:
    """What is shipped in the folder that the path names."""
    for place in PLACES:
        folder = place / path.parent
        if path.parent.name in {"runbooks", "notebooks", "worlds"} and folder.is_dir():
            return [entry for entry in folder.iterdir() if entry.is_file()]
    return []


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
