"""What axe-core finds grave in a page: violations of serious or critical impact.

Of what passed axe-core names no nodes then, which takes it half of its time; what it finds is the same.
"""

from typing import Any

import pytest

axe: Any = pytest.importorskip("axe_playwright_python.sync_playwright")

GRAVE = {"serious", "critical"}
COLOURS = ["color-contrast"]
"""The rules that tell a dark page from the light one, when that has been judged by all."""


def grave(page: Any, context: object, rules: list[str] | None = None) -> list[str]:
    """A line for each rule that is broken; of all rules, or of these.

    Args:
        page: the page.
        context: what of it is judged, as axe-core takes it.
        rules: axe-core's names of the rules.
    """
    options: dict[str, object] = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    violations = axe.Axe().run(page, context=context, options=options).response["violations"]
    return [_told(violation) for violation in violations if violation["impact"] in GRAVE]


def _told(violation: Any) -> str:
    nodes = violation["nodes"]
    return f"{violation['impact']} {violation['id']} x{len(nodes)}: {nodes[0]['html'][:200]}"
