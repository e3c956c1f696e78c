"""The tables of docs/simulator-operations.md, made from the code: `python -m tests.sim.pages` prints the page anew."""

import re
import sys
from pathlib import Path

import boto3

from drskit.sim.operations import TOPICS, Operation
from tests.sim.words import UNSAID

PAGE = Path(__file__).parents[2] / "docs" / "simulator-operations.md"
TABLE = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->\n", re.DOTALL)
MODEL = boto3.client("drs", region_name="us-west-2").meta.service_model


def support(operation: Operation) -> str:
    """How far an operation is simulated."""
    return "partly" if operation.lacks else "simulated"


def operations() -> str:
    """Each topic with its operations; then those of the model that the catalogue lacks."""
    lines: list[str] = []
    for topic in TOPICS:
        title = (topic.__doc__ or "").splitlines()[0].removeprefix("Operations on ").rstrip(".")
        lines += [f"### {title[0].upper()}{title[1:]}", "", "| operation | | its behaviour is from | what is missing |"]
        lines.append("|---|---|---|---|")
        for one in topic.OPERATIONS:
            lines.append(f"| `{one.name}` | {support(one)} | {one.source} | {one.lacks} |")
        lines.append("")
    held = {one.name for topic in TOPICS for one in topic.OPERATIONS}
    lacking = sorted(set(MODEL.operation_names) - held)
    lines += [f"Not simulated of botocore's model: {', '.join(lacking) or 'none'}.", ""]
    return "\n".join(lines)


def words() -> str:
    """The words of the model that no world says."""
    if not UNSAID:
        return "There are none.\n"
    lines = ["| enum | word | why it is never said |", "|---|---|---|"]
    lines += [f"| `{enum}` | `{word}` | {why} |" for (enum, word), why in sorted(UNSAID.items())]
    return "\n".join([*lines, ""])


def page(text: str) -> str:
    """The page with its tables made anew."""
    tables = {"operations": operations, "words": words}
    return TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{tables[found[1]]()}<!-- end -->\n", text)


if __name__ == "__main__":
    sys.stdout.write(page(PAGE.read_text(encoding="utf-8")))
